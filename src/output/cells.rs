//! The slots of one column chunk as they are stored: physical values and nulls, in order, without Arrow in between.
//!
//! What a footer states of a chunk (bounds, null counts, bloom filters) is stated of physical values. So whoever holds the
//! statements against the data reads it here, and not through types that have been made of it.
//!
//! A [`Chunk`] is opened with the file's metadata alone: page indexes are not used to find anything. Page checksums are
//! verified where pages have them. Memory: the pages and slots of [`STRIDE`] rows, or of fewer
//! where that would be more than a reader's share.

use std::sync::Arc;

use parquet::bloom_filter::Sbbf;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::DataType;
use parquet::file::serialized_reader::SerializedPageReader;

use super::OutputFile;
use super::batches::guarded;
use super::bounded::Bounded;
use super::need::{self, Need};
use super::reason;
use crate::error::{Error, Result};

/// Rows that are decoded at a time.
const STRIDE: usize = 4_096;

/// One physical value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// BOOLEAN.
    Boolean(bool),
    /// INT32.
    Int32(i32),
    /// INT64.
    Int64(i64),
    /// INT96, which has no order of its own.
    Int96,
    /// FLOAT.
    Float(f32),
    /// DOUBLE.
    Double(f64),
    /// BYTE_ARRAY and FIXED_LEN_BYTE_ARRAY.
    Bytes(&'a [u8]),
}

/// Takes the slots of a chunk in order.
pub trait Cells {
    /// A slot without a value, defined down to this level. `row` is true where a row begins with it.
    fn null(&mut self, row: bool, level: i16);
    /// A value. `row` is true where a row begins with it.
    fn cell(&mut self, row: bool, cell: Cell<'_>);
}

/// A chunk to be read.
#[derive(Debug)]
pub struct Chunk<'a> {
    file: &'a OutputFile,
    row_group: usize,
    leaf: usize,
}

impl OutputFile {
    /// The chunk of a leaf column in a row group; both must exist.
    #[must_use]
    pub fn chunk(&self, row_group: usize, leaf: usize) -> Chunk<'_> {
        Chunk { file: self, row_group, leaf }
    }
}

impl Chunk<'_> {
    /// Hands all slots over. `go_on` is asked between strides and may end the reading with its error.
    ///
    /// # Errors
    /// Class `input` where the chunk cannot be decoded or a checksum is wrong; the message names row group and column.
    pub fn read(&self, cells: &mut impl Cells, go_on: impl Fn() -> Result<()>) -> Result<()> {
        self.decode(cells, go_on).map_err(|error| {
            let column = self.file.metadata.row_group(self.row_group).column(self.leaf).column_path();
            reason::of_column(&self.file.path, self.row_group, column.parts(), error)
        })
    }

    fn decode(&self, cells: &mut impl Cells, go_on: impl Fn() -> Result<()>) -> Result<()> {
        if self.file.metadata.row_group(self.row_group).column(self.leaf).num_values() == 0 {
            return Ok(());
        }
        let reading = need::Reading { path: &self.file.path, metadata: &self.file.metadata };
        let need = Need::of(&reading, self.row_group, std::iter::once(self.leaf), None)?;
        let rows = need.rows(STRIDE, self.file.memory.share());
        let bytes = need.bytes(rows);
        need::refuse(&self.file.memory, &self.file.path, self.row_group, &self.column(), bytes)?;
        let _room = self.file.memory.reading(bytes);
        let mut reader = self.guarded(|| self.open(&need))?;
        match &mut reader {
            ColumnReader::BoolColumnReader(it) => self.drain(it, rows, cells, go_on, |it| Cell::Boolean(*it)),
            ColumnReader::Int32ColumnReader(it) => self.drain(it, rows, cells, go_on, |it| Cell::Int32(*it)),
            ColumnReader::Int64ColumnReader(it) => self.drain(it, rows, cells, go_on, |it| Cell::Int64(*it)),
            ColumnReader::Int96ColumnReader(it) => self.drain(it, rows, cells, go_on, |_| Cell::Int96),
            ColumnReader::FloatColumnReader(it) => self.drain(it, rows, cells, go_on, |it| Cell::Float(*it)),
            ColumnReader::DoubleColumnReader(it) => {
                self.drain(it, rows, cells, go_on, |it| Cell::Double(*it))
            }
            ColumnReader::ByteArrayColumnReader(it) => {
                self.drain(it, rows, cells, go_on, |it| Cell::Bytes(it.data()))
            }
            ColumnReader::FixedLenByteArrayColumnReader(it) => {
                self.drain(it, rows, cells, go_on, |it| Cell::Bytes(it.data()))
            }
        }
    }

    /// The bloom filter of the chunk, where it has one.
    ///
    /// # Errors
    /// Class `input` where one is announced and cannot be read or asked; the message names row group and column.
    pub fn bloom_filter(&self) -> Result<Option<Sbbf>> {
        let filter = self.guarded(|| {
            let chunk = self.file.metadata.row_group(self.row_group).column(self.leaf);
            Sbbf::read_from_column_chunk(chunk, &Bounded::open(&self.file.path)?)
        })?;
        match filter {
            // Asking it would end in a panic.
            Some(filter) if filter.num_blocks() == 0 => Err(self.broken("its bloom filter is empty")),
            filter => Ok(filter),
        }
    }

    fn open(&self, need: &Need) -> parquet::errors::Result<ColumnReader> {
        let resized = need.resized(&self.file.metadata, self.row_group)?;
        let group = resized.as_ref().unwrap_or(&self.file.metadata).row_group(self.row_group);
        let chunk = group.column(self.leaf);
        let rows = usize::try_from(group.num_rows())?;
        let pages = SerializedPageReader::new(Arc::new(Bounded::open(&self.file.path)?), chunk, rows, None)?;
        Ok(get_column_reader(chunk.column_descr_ptr(), Box::new(pages)))
    }

    fn drain<T: DataType>(
        &self,
        reader: &mut ColumnReaderImpl<T>,
        stride: usize,
        cells: &mut impl Cells,
        go_on: impl Fn() -> Result<()>,
        view: impl for<'v> Fn(&'v T::T) -> Cell<'v>,
    ) -> Result<()> {
        let column = self.file.metadata.row_group(self.row_group).column(self.leaf).column_descr_ptr();
        let (deepest, repeats) = (column.max_def_level(), column.max_rep_level() > 0);
        let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            go_on()?;
            definitions.clear();
            repetitions.clear();
            values.clear();
            let (rows, _, slots) = self.guarded(|| {
                reader.read_records(
                    stride,
                    (deepest > 0).then_some(&mut definitions),
                    repeats.then_some(&mut repetitions),
                    &mut values,
                )
            })?;
            if rows == 0 && slots == 0 {
                return Ok(());
            }
            let mut next = values.iter();
            for slot in 0..slots {
                let row = !repeats || repetitions.get(slot) == Some(&0);
                let level = if deepest > 0 { definitions.get(slot).copied().unwrap_or(0) } else { deepest };
                if level != deepest {
                    cells.null(row, level);
                } else if let Some(value) = next.next() {
                    cells.cell(row, view(value));
                } else {
                    return Err(self.broken("it holds fewer values than its levels say"));
                }
            }
        }
    }

    fn column(&self) -> String {
        self.file.metadata.row_group(self.row_group).column(self.leaf).column_path().string()
    }

    fn broken(&self, said: &str) -> Error {
        let place = format!("row group {}, column {:?}", self.row_group, self.column());
        Error::unreadable(&self.file.path, format!("{place}: {said}"))
    }

    fn guarded<T>(&self, work: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T> {
        guarded(&self.file.path, Some(self.row_group), || {
            work().map_err(|error| format!("column {:?}: {error}", self.column()))
        })
    }
}
