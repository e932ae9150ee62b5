//! A column chunk of values that hardly repeat, and so do without a dictionary: floats, and such strings or bytes.
//!
//! Such a column (a sketch, a message) may be half of the work on a file, which the Parquet crate's writer can only do
//! from the first value to the last. But its pages are independent of one another:
//!
//! 1. Rows are noted as they come, without a copy.
//! 2. They are cut into pages: a page ends after the row that fills it, whatever the batches.
//! 3. Each page is encoded and compressed by itself, in whichever thread is free (module `value_page`).
//! 4. The finished pages are taken in, in order (module `chunk_builder`).
//!
//! Memory: the rows of the page that is not full yet, copied; while rows are encoded, the batches they came in.

use std::collections::HashSet;

use ahash::RandomState;
use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::DataType;
use parquet::arrow::arrow_writer::PageStore;
use parquet::errors::{ParquetError, Result};

use crate::encode::chunk_builder::{BuiltChunk, ChunkBuilder, ColumnShape, DataPage};
use crate::encode::value_page::{self, Part, data_page};

/// A page to be made, for whichever thread is free.
pub(crate) struct PageTask {
    number: usize,
    parts: Vec<Part>,
}

impl PageTask {
    /// The measure of the work.
    pub(crate) fn bytes(&self) -> usize {
        self.parts.iter().map(Part::bytes).sum()
    }

    /// Makes the page, and tells its number.
    pub(crate) fn run(self, shape: ColumnShape<'_>) -> Result<(usize, DataPage)> {
        Ok((self.number, data_page(&self.parts, shape)?))
    }
}

/// The rows of one chunk.
pub(crate) struct ValueChunk {
    chunk: ChunkBuilder,
    /// Pages that were cut off and not taken in yet, as far as they are made.
    pages: Vec<Option<DataPage>>,
    /// Rows behind them; the first `own` parts lie in memory of their own.
    rest: Vec<Part>,
    own: usize,
    rest_bytes: usize,
}

impl ValueChunk {
    pub(crate) fn new(store: Box<dyn PageStore>, shape: ColumnShape<'_>) -> Self {
        let chunk = ChunkBuilder::new(store, shape);
        Self { chunk, pages: Vec::new(), rest: Vec::new(), own: 0, rest_bytes: 0 }
    }

    /// Notes rows without a value.
    pub(crate) fn add_nulls(&mut self, rows: usize) {
        self.note(Part::Nulls(rows));
    }

    /// Notes rows of values.
    pub(crate) fn add(&mut self, values: &ArrayRef) {
        self.note(Part::of(values));
    }

    fn note(&mut self, part: Part) {
        self.rest_bytes += part.bytes();
        self.rest.push(part);
    }

    /// Bytes of finished pages, and of rows that are in none yet.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        (self.chunk.bytes(), self.rest_bytes as u64)
    }

    /// Cuts full pages off, at the end (`all`) the last one too. They are to be made, given back with [`Self::put`], then
    /// taken in by [`Self::settle`].
    pub(crate) fn cut(&mut self, shape: ColumnShape<'_>, all: bool) -> Vec<PageTask> {
        let page_bytes = shape.properties.column_data_page_size_limit(shape.column.path());
        let page_rows = shape.properties.data_page_row_count_limit();
        let (mut tasks, mut parts) = (Vec::new(), Vec::new());
        let (mut rows, mut bytes) = (0, 0);
        let mut end = |parts: &mut Vec<Part>, own: &mut usize| {
            *own = own.saturating_sub(parts.len());
            tasks.push(PageTask { number: self.pages.len(), parts: std::mem::take(parts) });
            self.pages.push(None);
        };
        let mut own = self.own;
        for part in std::mem::take(&mut self.rest) {
            let mut at = 0;
            while at < part.rows() {
                let taken = part.fitting(at, page_rows - rows, page_bytes - bytes);
                let slice = part.slice(at, taken);
                at += taken;
                rows += taken;
                bytes += slice.bytes();
                parts.push(slice);
                if rows >= page_rows || bytes >= page_bytes {
                    end(&mut parts, &mut own);
                    (rows, bytes) = (0, 0);
                }
            }
        }
        if all && rows > 0 {
            end(&mut parts, &mut own);
            bytes = 0;
        }
        // What stays must not hold on to the batches it came in.
        let copied = parts.drain(own.min(parts.len())..).map(Part::compact).collect::<Vec<_>>();
        parts.extend(copied);
        (self.own, self.rest) = (parts.len(), parts);
        self.rest_bytes = bytes;
        tasks
    }

    /// Takes a page back that was made.
    pub(crate) fn put(&mut self, number: usize, page: DataPage) {
        if let Some(place) = self.pages.get_mut(number) {
            *place = Some(page);
        }
    }

    /// Takes in the pages that were cut off, all of which were made.
    pub(crate) fn settle(&mut self, shape: ColumnShape<'_>) -> Result<()> {
        for page in self.pages.drain(..) {
            let page = page.ok_or_else(|| ParquetError::General("a page was not made".to_string()))?;
            self.chunk.data(page, shape)?;
        }
        Ok(())
    }

    /// Cuts pages off, at the end (`all`) the last one too, makes them here and now and takes them in.
    pub(crate) fn make(&mut self, shape: ColumnShape<'_>, all: bool) -> Result<()> {
        for page in self.cut(shape, all) {
            let (number, made) = page.run(shape)?;
            self.put(number, made);
        }
        self.settle(shape)
    }

    /// Ends the chunk.
    pub(crate) fn close(mut self, shape: ColumnShape<'_>) -> Result<BuiltChunk> {
        self.make(shape, true)?;
        self.chunk.finish(shape, value_page::encoding(shape))
    }
}

/// Whether the distinct values alone would fill a dictionary page of so many bytes, so that none is worth beginning.
pub(crate) fn outgrow_dictionary(values: &ArrayRef, limit: usize) -> bool {
    fn distinct<'a>(values: impl Iterator<Item = &'a [u8]>, limit: usize) -> bool {
        // Fixed seeds: a hash of two values must not decide anew in each run.
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        let mut met = HashSet::with_capacity_and_hasher(4096, hasher.clone());
        let mut bytes = 0;
        for value in values {
            if met.insert(hasher.hash_one(value)) {
                bytes += 4 + value.len();
                if bytes > limit {
                    return true;
                }
            }
        }
        false
    }
    match values.data_type() {
        DataType::Utf8 => distinct(values.as_string::<i32>().iter().flatten().map(str::as_bytes), limit),
        _ => distinct(values.as_binary::<i32>().iter().flatten(), limit),
    }
}
