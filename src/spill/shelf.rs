//! Row hashes of one pass, on disk, so that a second pass need not decode anything.
//!
//! Every row has its place: 16 bytes at 16 times its number. A shelf is a convenience: where it cannot be written or read, it
//! says so and the rows are decoded again. Its file has no name.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of a hash.
const BYTES: usize = 16;

/// Hashes by row number. Threads may write and read different rows at once.
#[derive(Debug)]
pub struct Shelf {
    file: Option<File>,
    failed: AtomicBool,
}

impl Shelf {
    /// An empty shelf in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { file: tempfile::tempfile_in(folder).ok(), failed: AtomicBool::new(false) }
    }

    /// A shelf that holds nothing and takes nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { file: None, failed: AtomicBool::new(true) }
    }

    /// Puts the hashes of the rows from number `first` on. `buffer` is scratch space.
    pub fn put(&self, first: u64, hashes: &[u128], buffer: &mut Vec<u8>) {
        let Some(file) = self.file.as_ref().filter(|_| !self.failed.load(Ordering::Relaxed)) else { return };
        buffer.clear();
        buffer.extend(hashes.iter().flat_map(|hash| hash.to_le_bytes()));
        if file.write_all_at(buffer, first * BYTES as u64).is_err() {
            self.failed.store(true, Ordering::Relaxed);
            // Whatever filled the disk: this is not needed there.
            drop(file.set_len(0));
        }
    }

    /// Takes the hashes of `count` rows from number `first` on, all of which were put; `None` where that did not work.
    pub fn take(&self, first: u64, count: usize, hashes: &mut Vec<u128>) -> Option<()> {
        let file = self.file.as_ref().filter(|_| !self.failed.load(Ordering::Relaxed))?;
        let mut bytes = vec![0; count * BYTES];
        file.read_exact_at(&mut bytes, first * BYTES as u64).ok()?;
        hashes.clear();
        hashes.extend(bytes.as_chunks::<BYTES>().0.iter().map(|hash| u128::from_le_bytes(*hash)));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_come_back_by_row_number_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path());
        let mut buffer = Vec::new();
        shelf.put(3, &[3, 4, u128::MAX], &mut buffer);
        shelf.put(0, &[0, 1, 2], &mut buffer);
        let mut hashes = Vec::new();
        shelf.take(1, 5, &mut hashes).unwrap();
        assert_eq!(hashes, [1, 2, 3, 4, u128::MAX]);
        assert!(shelf.take(4, 3, &mut hashes).is_none(), "beyond the end");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_shelf_that_cannot_be_made_takes_nothing() {
        let shelf = Shelf::new(Path::new("there/is/no/such/folder"));
        shelf.put(0, &[1], &mut Vec::new());
        assert!(shelf.take(0, 1, &mut Vec::new()).is_none());
        assert!(Shelf::none().take(0, 0, &mut Vec::new()).is_none());
    }
}
