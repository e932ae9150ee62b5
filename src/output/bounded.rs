//! A file for the Parquet crate that believes no length that leads beyond its end.
//!
//! The crate reserves memory for as many bytes as a footer or a page header announces, and reads then. A few hostile bytes could
//! ask for gigabytes. Here every range is held against the size of the file before anything is reserved.

use std::fs::File;
use std::io::{BufReader, Error, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// An open file and its size.
#[derive(Debug)]
pub(super) struct Bounded {
    file: File,
    bytes: u64,
}

impl Bounded {
    /// Opens a file.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let file = corpora::regular::open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes })
    }
}

impl Length for Bounded {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Bounded {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.bytes) {
            return Err(ParquetError::EOF(format!(
                "{length} bytes are announced from byte {start} on, the file has {}",
                self.bytes
            )));
        }
        let mut buffer = vec![0; length];
        self.file.read_exact_at(&mut buffer, start).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => Error::new(ErrorKind::UnexpectedEof, "the file became shorter"),
            _ => error,
        })?;
        Ok(buffer.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_beyond_the_end_is_refused_before_memory_is_reserved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("four");
        std::fs::write(&path, b"four").unwrap();
        let file = Bounded::open(&path).unwrap();
        assert_eq!(file.get_bytes(1, 3).unwrap(), &b"our"[..]);
        for (start, length) in [(0, 5), (4, 1), (u64::MAX, 1), (1, usize::MAX)] {
            let refused = file.get_bytes(start, length).unwrap_err().to_string();
            assert!(refused.contains("the file has 4"), "{refused}");
        }
    }
}
