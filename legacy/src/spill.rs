//! Spill files: rows in MessagePack, one after the other, written once and read back once, from first to last.
//!
//! The original uses Go's gob; the format is private to the writer, so only its presence matters. A file is removed when its
//! handle is dropped, unless it is kept on purpose. Memory: one row and a buffer of 64 KiB.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use tempfile::TempPath;

use crate::error::{Error, Result};
use crate::value::{Row, WithoutNulls};

const BUFFER: usize = 64 * 1024;

/// A spill file being written.
#[derive(Debug)]
pub(crate) struct SpillWriter {
    writer: BufWriter<File>,
    path: TempPath,
    rows: u64,
}

impl SpillWriter {
    /// Makes a spill file `PREFIX*.spill` in `dir`.
    pub(crate) fn create(dir: &Path, prefix: &str) -> Result<Self> {
        let (file, path) = tempfile::Builder::new()
            .prefix(prefix)
            .suffix(".spill")
            .tempfile_in(dir)
            .map_err(|source| Error::CreateSpill { dir: dir.to_owned(), source })?
            .into_parts();
        Ok(Self { writer: BufWriter::with_capacity(BUFFER, file), path, rows: 0 })
    }

    /// Appends a row without its nulls.
    pub(crate) fn write(&mut self, row: &Row) -> Result<()> {
        rmp_serde::encode::write(&mut self.writer, &WithoutNulls(row)).map_err(|source| Error::Spill {
            action: "encode",
            path: self.path.to_path_buf(),
            source: Box::new(source),
        })?;
        self.rows += 1;
        Ok(())
    }

    /// Rows written so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends writing. The file is closed, so that many spill files cost no file descriptors.
    pub(crate) fn finish(mut self) -> Result<Spill> {
        self.writer.flush().map_err(|source| Error::io("flush spill file", &self.path, source))?;
        Ok(Spill { path: self.path, rows: self.rows })
    }

    /// Leaves the file where it is.
    pub(crate) fn leave_behind(self) -> Result<()> {
        let path = self.path.to_path_buf();
        self.path.keep().map_err(|failure| Error::io("keep spill file", &path, failure.error))?;
        Ok(())
    }
}

/// A written spill file; removed on drop.
#[derive(Debug)]
pub(crate) struct Spill {
    path: TempPath,
    rows: u64,
}

impl Spill {
    /// Opens the file for reading.
    pub(crate) fn open(self) -> Result<SpillReader> {
        let file =
            File::open(&self.path).map_err(|source| Error::io("open spill file", &self.path, source))?;
        Ok(SpillReader { reader: BufReader::with_capacity(BUFFER, file), left: self.rows, path: self.path })
    }
}

/// Reads a spill file back; the file is removed on drop.
#[derive(Debug)]
pub(crate) struct SpillReader {
    reader: BufReader<File>,
    path: TempPath,
    left: u64,
}

impl SpillReader {
    /// The next row; none after the last.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row>> {
        if self.left == 0 {
            return Ok(None);
        }
        let row = rmp_serde::decode::from_read(&mut self.reader).map_err(|source| Error::Spill {
            action: "decode",
            path: self.path.to_path_buf(),
            source: Box::new(source),
        })?;
        self.left -= 1;
        Ok(Some(row))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::Value;

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<bool>().prop_map(Value::Boolean),
            any::<i32>().prop_map(Value::Int32),
            any::<i64>().prop_map(Value::Int64),
            any::<f32>().prop_map(Value::Float32),
            any::<f64>().prop_map(Value::Float64),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::String),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        ]
    }

    proptest! {
        #[test]
        fn rows_come_back_in_order_with_their_exact_types(
            rows in proptest::collection::vec(proptest::collection::btree_map(".{0,8}", any_value(), 0..6), 0..20)
        ) {
            let dir = tempfile::tempdir().expect("temporary directory");
            let mut writer = SpillWriter::create(dir.path(), "t-").expect("create");
            for row in &rows {
                writer.write(row).expect("write");
            }
            let mut reader = writer.finish().expect("finish").open().expect("open");
            for row in &rows {
                let back = reader.next_row().expect("read").expect("a row");
                prop_assert_eq!(format!("{back:?}"), format!("{row:?}"));
            }
            prop_assert!(reader.next_row().expect("read").is_none());
            drop(reader);
            prop_assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 0);
        }
    }

    #[test]
    fn nulls_are_not_spilled() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let mut writer = SpillWriter::create(dir.path(), "t-").expect("create");
        writer.write(&Row::from([("a".into(), Value::Null), ("b".into(), Value::from(1))])).expect("write");
        let mut reader = writer.finish().expect("finish").open().expect("open");
        assert_eq!(reader.next_row().expect("read"), Some(Row::from([("b".into(), Value::from(1))])));
    }
}
