//! An input file that several readers share. It is read by position.

use std::fs::{File, Metadata};
use std::io::{BufReader, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::error::of_system;
use crate::parallel::lock::lock;

/// A file that is read by position: all readers share one descriptor and no cursor.
#[derive(Debug, Clone)]
pub(crate) struct SharedFile {
    file: Arc<Kept>,
    len: u64,
    version: Version,
}

/// An open file, and the first error of the system that reading it met: on its way through Arrow an error becomes text.
#[derive(Debug)]
struct Kept {
    file: File,
    fault: Mutex<Option<std::io::Error>>,
}

impl Kept {
    /// Reads at a place. An interrupted call has read nothing and is no fault: it is done again.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> std::io::Result<usize> {
        loop {
            match self.file.read_at(bytes, at) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                done => return done.map_err(|error| self.note(error)),
            }
        }
    }

    fn note(&self, error: std::io::Error) -> std::io::Error {
        if let Some(code) = error.raw_os_error().filter(|_| of_system(&error)) {
            lock(&self.fault).get_or_insert_with(|| std::io::Error::from_raw_os_error(code));
        }
        error
    }
}

/// Device, inode, length and time of the last change (seconds, nanoseconds) of a file when it was opened: another file under
/// the same name has another.
pub(crate) type Version = (u64, u64, u64, (i64, i64));

impl SharedFile {
    /// Shares an open file, whose metadata are `found`.
    pub(crate) fn new(file: File, found: &Metadata) -> Self {
        let version = (found.dev(), found.ino(), found.len(), (found.mtime(), found.mtime_nsec()));
        let file = Kept { file, fault: Mutex::default() };
        Self { file: Arc::new(file), len: found.len(), version }
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// The first error of the system that reading it met since the last call.
    pub(crate) fn fault(&self) -> Option<std::io::Error> {
        lock(&self.file.fault).take()
    }

    /// Up to so many bytes from a place on.
    pub(crate) fn read_at(&self, at: u64, most: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; most.min(usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX))];
        let mut filled = 0;
        while filled < bytes.len() {
            let part = &mut bytes[filled..];
            match self.file.read_at(part, at + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

impl Length for SharedFile {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for SharedFile {
    type T = BufReader<FileAt>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(FileAt { file: Arc::clone(&self.file), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.len) {
            return Err(ParquetError::EOF(format!(
                "{length} bytes from {start} on lie beyond the end of the file at {}",
                self.len
            )));
        }
        let mut bytes = vec![0; length];
        self.file.file.read_exact_at(&mut bytes, start).map_err(|error| self.file.note(error))?;
        Ok(bytes.into())
    }
}

/// A place in a file from which reading goes on.
pub(crate) struct FileAt {
    file: Arc<Kept>,
    at: u64,
}

impl Read for FileAt {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(bytes, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
