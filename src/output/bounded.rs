//! A file for the Parquet crate that believes no length that leads beyond its end.
//!
//! The crate reserves memory for as many bytes as a footer or a page header announces, and reads then. A few hostile bytes could
//! ask for gigabytes. Here every range is held against the size of the file before anything is reserved.
//!
//! On its way through the Parquet and Arrow crates an I/O error becomes text. So the first error of the machine that a thread meets
//! here is kept until [`fault`] asks for it.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::errno;

thread_local! {
    static FAULT: RefCell<Option<Error>> = const { RefCell::new(None) };
}

/// Takes the first error of the machine that this thread met while it read.
pub(super) fn fault() -> Option<Error> {
    FAULT.with_borrow_mut(Option::take)
}

/// Keeps an error of the machine for [`fault`], and yields it again.
fn kept(error: Error) -> Error {
    if errno::of_machine(&error) {
        let copy = error.raw_os_error().map_or_else(|| error.kind().into(), Error::from_raw_os_error);
        FAULT.with_borrow_mut(|fault| {
            fault.get_or_insert(copy);
        });
    }
    error
}

/// An open file and its size.
#[derive(Debug)]
pub(super) struct Bounded {
    file: Arc<File>,
    bytes: u64,
}

/// Reads on from a place in the file, without a descriptor of its own.
#[derive(Debug)]
pub(super) struct Onward {
    file: Arc<File>,
    at: u64,
}

impl Read for Onward {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.file.read_at(buffer, self.at) {
                // An interrupted call has read nothing and is no fault.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => {
                    let read = done.map_err(kept)?;
                    self.at += read as u64;
                    return Ok(read);
                }
            }
        }
    }
}

impl Bounded {
    /// Opens a file.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let file = corpora::regular::open(path).map_err(kept)?;
        let bytes = file.metadata().map_err(kept)?.len();
        Ok(Self { file: Arc::new(file), bytes })
    }
}

impl Length for Bounded {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Bounded {
    type T = BufReader<Onward>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::new(Onward { file: Arc::clone(&self.file), at: start }))
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
            _ => kept(error),
        })?;
        Ok(buffer.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_machine_is_kept_until_it_is_asked_for() {
        drop(fault());
        // Reading a directory fails with a number, but it is the file's fault and not the machine's.
        let folder = tempfile::tempdir().unwrap();
        let of_the_file = std::fs::read(folder.path()).unwrap_err();
        assert!(of_the_file.raw_os_error().is_some());
        drop(kept(of_the_file));
        assert!(fault().is_none());
        let number = rustix::io::Errno::IO.raw_os_error();
        assert_eq!(kept(Error::from_raw_os_error(number)).raw_os_error(), Some(number));
        drop(kept(Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error())));
        assert_eq!(fault().and_then(|it| it.raw_os_error()), Some(number), "the first one");
        assert!(fault().is_none());
    }

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
