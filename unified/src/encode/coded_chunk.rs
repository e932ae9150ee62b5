//! A column chunk encoded straight from codes.
//!
//! The values of a coded column are numbers into a shared dictionary already, so the chunk's own dictionary is a table
//! from the one number to the other: no value is hashed, compared or copied, but once for each distinct one.
//!
//! 1. Rows are noted: a code each, and which of them are null. A code that is new to the chunk gets the next key.
//! 2. Once the distinct values exceed the limit of a dictionary page, the chunk is given up: the general encoder takes the
//!    rows over (module `encode`) and falls back as it always does.
//! 3. At the end the dictionary page and the data pages are built, of at most so many rows each (module `chunk_builder`).
//!
//! Cost: one look-up in a table a row. Memory: two bytes a row, four for each value of the shared dictionary.

use arrow::array::{Array, ArrayRef, AsArray, BooleanBufferBuilder, UInt16Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, UInt16Type};
use parquet::arrow::arrow_writer::PageStore;
use parquet::basic::Encoding;
use parquet::column::page::CompressedPage;
use parquet::errors::Result;

use crate::encode::bounds::Bounds;
use crate::encode::chunk_builder::{BuiltChunk, ChunkBuilder, ColumnShape, DataPage, Noted};
use crate::encode::hybrid;

/// A value without a key in the chunk.
const NO_KEY: u32 = u32::MAX;

/// The rows of one chunk.
#[derive(Debug, Default)]
pub(crate) struct CodedChunk {
    rows: usize,
    /// Codes of the rows that have a value.
    codes: Vec<u16>,
    /// Which rows have a value; absent while all have.
    valid: Option<BooleanBufferBuilder>,
    /// Key of each code.
    keys: Vec<u32>,
    /// Code of each key.
    distinct: Vec<u16>,
    /// Bytes of the dictionary page.
    dictionary_bytes: usize,
}

impl CodedChunk {
    /// Rows noted so far.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes before compression.
    pub(crate) fn open_bytes(&self) -> usize {
        let width = hybrid::width_of(self.distinct.len().saturating_sub(1) as u32) as usize;
        self.dictionary_bytes + self.codes.len() * width / 8
    }

    fn valid(&mut self) -> &mut BooleanBufferBuilder {
        let rows = self.rows;
        self.valid.get_or_insert_with(|| {
            let mut valid = BooleanBufferBuilder::new(rows);
            valid.append_n(rows, true);
            valid
        })
    }

    /// Notes rows without a value.
    pub(crate) fn add_nulls(&mut self, rows: usize) {
        self.valid().append_n(rows, false);
        self.rows += rows;
    }

    /// Notes rows; false once the dictionary page would be larger than `limit`. The rows are noted all the same.
    pub(crate) fn add(&mut self, codes: &ArrayRef, values: &ArrayRef, limit: usize) -> bool {
        let codes = codes.as_primitive::<UInt16Type>();
        self.keys.resize(values.len().max(self.keys.len()), NO_KEY);
        match codes.nulls().filter(|nulls| nulls.null_count() > 0) {
            Some(nulls) => {
                self.valid().append_buffer(nulls.inner());
                self.codes.reserve(codes.len() - nulls.null_count());
                self.codes.extend(nulls.valid_indices().map(|row| codes.value(row)));
            }
            None => {
                if let Some(valid) = &mut self.valid {
                    valid.append_n(codes.len(), true);
                }
                self.codes.extend_from_slice(codes.values());
            }
        }
        self.rows += codes.len();
        let offsets = offsets(values);
        let fresh = self.codes.len() - (codes.len() - codes.null_count());
        for code in &self.codes[fresh..] {
            let at = usize::from(*code);
            if self.keys[at] == NO_KEY {
                self.keys[at] = self.distinct.len() as u32;
                self.distinct.push(*code);
                self.dictionary_bytes += 4 + (offsets[at + 1] - offsets[at]) as usize;
            }
        }
        self.dictionary_bytes <= limit
    }

    /// The rows again, as codes.
    pub(crate) fn into_codes(self) -> ArrayRef {
        let Some(mut valid) = self.valid else { return std::sync::Arc::new(UInt16Array::from(self.codes)) };
        let nulls = NullBuffer::new(valid.finish());
        let mut codes = vec![0; self.rows];
        for (row, code) in nulls.valid_indices().zip(self.codes) {
            codes[row] = code;
        }
        std::sync::Arc::new(UInt16Array::new(codes.into(), Some(nulls)))
    }

    /// Builds the pages. `values` are what is behind the codes.
    pub(crate) fn close(
        self,
        values: &ArrayRef,
        shape: ColumnShape<'_>,
        store: Box<dyn PageStore>,
    ) -> Result<BuiltChunk> {
        let mut chunk = ChunkBuilder::new(store, shape);
        chunk.dictionary(dictionary_page(&self.distinct, values, self.dictionary_bytes, shape)?)?;
        let valid = self.valid.map(|mut valid| NullBuffer::new(valid.finish()));
        let page_rows = shape.properties.data_page_row_count_limit();
        let (mut row, mut at) = (0, 0);
        let mut keys = Vec::with_capacity(page_rows.min(self.rows));
        while row < self.rows {
            let rows = page_rows.min(self.rows - row);
            let valid = valid.as_ref().map(|valid| valid.slice(row, rows));
            let count = rows - valid.as_ref().map_or(0, NullBuffer::null_count);
            let codes = &self.codes[at..at + count];
            keys.clear();
            keys.extend(codes.iter().map(|code| self.keys[usize::from(*code)]));
            chunk.data(data_page(rows, valid.as_ref(), &keys, &self.distinct, values, shape)?, shape)?;
            row += rows;
            at += count;
        }
        chunk.finish(shape, Encoding::RLE_DICTIONARY)
    }
}

fn dictionary_page(
    distinct: &[u16],
    values: &ArrayRef,
    bytes: usize,
    shape: ColumnShape<'_>,
) -> Result<CompressedPage> {
    let mut plain = Vec::with_capacity(bytes);
    for code in distinct {
        let value = value_of(values, *code);
        plain.extend_from_slice(&(value.len() as u32).to_le_bytes());
        plain.extend_from_slice(value);
    }
    shape.dictionary_page(plain, distinct.len())
}

fn data_page(
    rows: usize,
    valid: Option<&NullBuffer>,
    keys: &[u32],
    distinct: &[u16],
    values: &ArrayRef,
    shape: ColumnShape<'_>,
) -> Result<DataPage> {
    let offsets = offsets(values);
    let mut met = vec![false; distinct.len()];
    let mut value_bytes = 0;
    for key in keys {
        met[*key as usize] = true;
        let at = usize::from(distinct[*key as usize]);
        value_bytes += i64::from(offsets[at + 1] - offsets[at]);
    }
    let met = distinct.iter().zip(met).filter(|(_, met)| *met).map(|(code, _)| value_of(values, *code));
    let bounds = Bounds::of_bytes(met);
    let noted = Noted { rows, nulls: rows - keys.len(), value_bytes: Some(value_bytes), bounds };
    let width = hybrid::width_of(distinct.len().saturating_sub(1) as u32);
    shape.data_page(noted, valid, Encoding::RLE_DICTIONARY, |plain| {
        plain.push(width as u8);
        hybrid::encode(keys, width, plain);
    })
}

fn offsets(values: &ArrayRef) -> &[i32] {
    match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().value_offsets(),
        _ => values.as_binary::<i32>().value_offsets(),
    }
}

fn value_of(values: &ArrayRef, code: u16) -> &[u8] {
    match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().value(usize::from(code)).as_bytes(),
        _ => values.as_binary::<i32>().value(usize::from(code)),
    }
}
