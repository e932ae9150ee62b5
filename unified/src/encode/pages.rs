//! Where encoded pages wait until their file can be put together.
//!
//! A file's schema is known only with its last row, and Parquet wants each column chunk in one piece, so finished pages
//! are kept aside: in memory up to a limit shared by all columns, beyond it in one temporary file. They are already
//! compressed; the limit is rarely reached, as a file of the usual target size has about one megabyte of them.
//!
//! The store also measures: it is the one place that sees the exact size of every finished page.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use parquet::arrow::arrow_writer::{PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::errors::{ParquetError, Result};
use tempfile::TempPath;

use crate::scratch::Scratch;

/// Finished pages of one file, shared by the columns.
#[derive(Debug)]
pub(crate) struct PagePool(Mutex<Pool>);

#[derive(Debug)]
struct Pool {
    memory_limit: usize,
    resident: usize,
    overflow: Option<Overflow>,
}

#[derive(Debug)]
struct Overflow {
    disk: Arc<Disk>,
    end: u64,
}

/// The temporary file; it goes with the last page in it.
#[derive(Debug)]
struct Disk {
    file: File,
    _path: TempPath,
}

impl PagePool {
    pub(crate) fn new(memory_limit: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Pool { memory_limit, resident: 0, overflow: None })))
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        // A panic elsewhere leaves plain counters behind, nothing half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that there is a file to overflow into, if pages might need one before the next call.
    pub(crate) fn prepare(&self, scratch: &mut Scratch) -> crate::error::Result<()> {
        let mut pool = self.lock();
        if pool.overflow.is_none() && pool.resident > pool.memory_limit / 2 {
            let (file, path) = scratch.file()?;
            pool.overflow = Some(Overflow { disk: Arc::new(Disk { file, _path: path }), end: 0 });
        }
        Ok(())
    }

    /// Bytes of pages in memory.
    pub(crate) fn resident(&self) -> usize {
        self.lock().resident
    }

    /// Leaves the pages on disk to those who still have some, between two files.
    pub(crate) fn reset(&self) {
        self.lock().overflow = None;
    }
}

/// Makes the page stores of one column and counts the bytes of its finished pages.
#[derive(Debug)]
pub(crate) struct ColumnPages {
    pool: Arc<PagePool>,
    written: Arc<AtomicU64>,
}

impl ColumnPages {
    pub(crate) fn new(pool: Arc<PagePool>) -> Arc<Self> {
        Arc::new(Self { pool, written: Arc::default() })
    }

    /// A store for the pages of one chunk.
    pub(crate) fn store(&self) -> Box<dyn PageStore> {
        Box::new(ChunkPages {
            pool: Arc::clone(&self.pool),
            written: Arc::clone(&self.written),
            blobs: Vec::new(),
            resident: 0,
        })
    }

    /// Bytes of all pages of this column finished so far, over all its chunks.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

impl PageStoreFactory for ColumnPages {
    fn create(&self, _args: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>> {
        Ok(self.store())
    }
}

/// Pages of one column chunk.
struct ChunkPages {
    pool: Arc<PagePool>,
    written: Arc<AtomicU64>,
    blobs: Vec<Blob>,
    resident: usize,
}

enum Blob {
    Memory(Bytes),
    Disk { disk: Arc<Disk>, at: u64, len: usize },
    Taken,
}

impl PageStore for ChunkPages {
    fn put(&mut self, value: Bytes) -> Result<PageKey> {
        self.written.fetch_add(value.len() as u64, Ordering::Relaxed);
        let key = PageKey::new(self.blobs.len() as u64);
        let mut pool = self.pool.lock();
        let full = pool.resident + value.len() > pool.memory_limit;
        let blob = match &mut pool.overflow {
            Some(overflow) if full => {
                overflow.disk.file.write_all_at(&value, overflow.end)?;
                let at = overflow.end;
                overflow.end += value.len() as u64;
                Blob::Disk { disk: Arc::clone(&overflow.disk), at, len: value.len() }
            }
            _ => {
                pool.resident += value.len();
                self.resident += value.len();
                Blob::Memory(value)
            }
        };
        self.blobs.push(blob);
        Ok(key)
    }

    fn take(&mut self, key: PageKey) -> Result<Bytes> {
        let missing = || ParquetError::General(format!("no page under key {}", key.get()));
        let slot = self.blobs.get_mut(key.get() as usize).ok_or_else(missing)?;
        match std::mem::replace(slot, Blob::Taken) {
            Blob::Memory(value) => {
                self.pool.lock().resident -= value.len();
                self.resident -= value.len();
                Ok(value)
            }
            Blob::Disk { disk, at, len } => {
                let mut value = vec![0; len];
                disk.file.read_exact_at(&mut value, at)?;
                Ok(value.into())
            }
            Blob::Taken => Err(missing()),
        }
    }

    fn memory_size(&self) -> usize {
        self.resident
    }
}

impl Drop for ChunkPages {
    fn drop(&mut self) {
        self.pool.lock().resident -= self.resident;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_beyond_the_limit_go_to_disk_and_come_back_unchanged() {
        let directory = tempfile::tempdir().unwrap();
        let mut scratch = Scratch::new(directory.path().to_path_buf());
        let pool = PagePool::new(1000);
        let column = ColumnPages::new(Arc::clone(&pool));
        let mut pages = ChunkPages {
            pool: Arc::clone(&pool),
            written: Arc::clone(&column.written),
            blobs: Vec::new(),
            resident: 0,
        };
        let blob = |n: u8| Bytes::from(vec![n; 300]);
        let mut keys = Vec::new();
        for n in 0..20 {
            keys.push(pages.put(blob(n)).unwrap());
            pool.prepare(&mut scratch).unwrap();
        }
        assert_eq!(column.written(), 6000);
        assert_eq!(pages.memory_size(), 900, "three pages in memory, seventeen on disk");
        // The next file begins while this one is put together.
        pool.reset();
        for (n, key) in keys.iter().enumerate().rev() {
            assert_eq!(pages.take(*key).unwrap(), blob(n as u8));
        }
        assert!(pages.take(keys[0]).is_err(), "a page is taken once");
        assert_eq!(pool.lock().resident, 0);
        scratch.clear().unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
