//! A small number for some of many rows, on disk. Rows without a mark cost nothing: the file has holes there.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::Spill;
use crate::error::Result;

/// Bytes of a mark.
const BYTES: u64 = 4;

/// Marks by row number; 0 is no mark.
#[derive(Debug)]
pub struct Marks<'a> {
    spill: &'a Spill,
    file: File,
}

impl<'a> Marks<'a> {
    /// No row is marked yet.
    ///
    /// # Errors
    /// Class `io` where no temporary file can be made.
    pub fn new(spill: &'a Spill) -> Result<Self> {
        Ok(Self { spill, file: spill.file()? })
    }

    /// Marks a row.
    ///
    /// # Errors
    /// Class `io` where the disk does not take it.
    pub fn set(&self, row: u64, mark: u32) -> Result<()> {
        self.file
            .write_all_at(&mark.to_le_bytes(), row * BYTES)
            .map_err(|error| self.spill.cannot("write", &error))
    }

    /// The mark of a row.
    ///
    /// # Errors
    /// Class `io` where the disk does not give it back.
    pub fn get(&self, row: u64) -> Result<u32> {
        let mut mark = [0; BYTES as usize];
        match self.file.read_exact_at(&mut mark, row * BYTES) {
            Ok(()) => Ok(u32::from_le_bytes(mark)),
            // Beyond the last row that was marked.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(0),
            Err(error) => Err(self.spill.cannot("read", &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::spill::Memory;

    #[test]
    fn marks_come_back_and_other_rows_have_none() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill::new(folder.path(), &Arc::<Memory>::default());
        let marks = Marks::new(&spill).unwrap();
        marks.set(7, 3).unwrap();
        marks.set(7, 4).unwrap();
        marks.set(1 << 33, u32::MAX).unwrap();
        let got: Vec<u32> =
            [0, 6, 7, 8, 1 << 33, 1 << 40].iter().map(|row| marks.get(*row).unwrap()).collect();
        assert_eq!(got, [0, 0, 4, 0, u32::MAX, 0]);
    }
}
