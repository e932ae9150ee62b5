//! A column chunk encoded straight from codes.
//!
//! The values of a coded column are numbers into a shared dictionary already, so the chunk's own dictionary is a table
//! from the one number to the other: no value is hashed, compared or copied, but once for each distinct one.
//!
//! 1. Rows are noted: a code each, and which of them are null. A code that is new to the chunk gets the next key.
//! 2. Once the distinct values exceed the limit of a dictionary page, the chunk is given up: the general encoder takes the
//!    rows over (module `encode`) and falls back as it always does.
//! 3. At the end the dictionary page and the data pages are built, of at most so many rows each, with lowest and highest
//!    value, page index, histograms and sizes, as the general encoder tells them.
//!
//! Cost: one look-up in a table a row. Memory: two bytes a row, four for each value of the shared dictionary.

use std::cell::RefCell;
use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBufferBuilder, UInt16Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, UInt16Type};
use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression, Encoding, EncodingMask, PageType, Type};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, LevelHistogram, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use crate::bounds::{lower, upper};
use crate::hybrid;

/// A value without a key in the chunk.
const NO_KEY: u32 = u32::MAX;

thread_local! {
    /// A compressor is expensive to make and holds nothing from one page to the next.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
}

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

/// A finished chunk: its bytes, and what the footer says of it.
pub(crate) struct CodedPages {
    pub(crate) bytes: Bytes,
    pub(crate) close: ColumnCloseResult,
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
        column: &ColumnDescPtr,
        properties: &WriterProperties,
    ) -> Result<CodedPages> {
        let mut pages = Pages::new(column, properties);
        pages.dictionary(&self.distinct, values)?;
        let valid = self.valid.map(|mut valid| NullBuffer::new(valid.finish()));
        let width = hybrid::width_of(self.distinct.len().saturating_sub(1) as u32);
        let page_rows = properties.data_page_row_count_limit();
        let (mut row, mut at) = (0, 0);
        let mut keys = Vec::with_capacity(page_rows.min(self.rows));
        while row < self.rows {
            let rows = page_rows.min(self.rows - row);
            let valid = valid.as_ref().map(|valid| valid.slice(row, rows));
            let count = rows - valid.as_ref().map_or(0, NullBuffer::null_count);
            let codes = &self.codes[at..at + count];
            keys.clear();
            keys.extend(codes.iter().map(|code| self.keys[usize::from(*code)]));
            pages.data(rows, valid.as_ref(), &keys, width, &self.distinct, values)?;
            row += rows;
            at += count;
        }
        pages.finish()
    }
}

/// Builds the pages of a chunk.
struct Pages<'a> {
    column: &'a ColumnDescPtr,
    properties: &'a WriterProperties,
    sink: TrackedWrite<Vec<u8>>,
    column_index: ColumnIndexBuilder,
    offset_index: OffsetIndexBuilder,
    uncompressed: usize,
    data_offset: i64,
    rows: usize,
    nulls: usize,
    value_bytes: i64,
    data_pages: i32,
    /// Lowest and highest value of each page that has one.
    bounds: Vec<(Vec<u8>, Vec<u8>)>,
}

impl<'a> Pages<'a> {
    fn new(column: &'a ColumnDescPtr, properties: &'a WriterProperties) -> Self {
        Self {
            column,
            properties,
            sink: TrackedWrite::new(Vec::new()),
            column_index: ColumnIndexBuilder::new(Type::BYTE_ARRAY),
            offset_index: OffsetIndexBuilder::new(),
            uncompressed: 0,
            data_offset: 0,
            rows: 0,
            nulls: 0,
            value_bytes: 0,
            data_pages: 0,
            bounds: Vec::new(),
        }
    }

    fn compressed(&self, bytes: Vec<u8>) -> Result<Bytes> {
        let Compression::ZSTD(level) = self.properties.compression(self.column.path()) else {
            return Ok(bytes.into());
        };
        COMPRESSOR.with_borrow_mut(|compressor| {
            let compressor = match compressor {
                Some(compressor) => compressor,
                none => none.insert(zstd::bulk::Compressor::new(level.compression_level())?),
            };
            Ok(compressor.compress(&bytes)?.into())
        })
    }

    fn page(&mut self, page: Page, uncompressed: usize) -> Result<(u64, usize)> {
        let written =
            SerializedPageWriter::new(&mut self.sink).write_page(CompressedPage::new(page, uncompressed))?;
        self.uncompressed += written.uncompressed_size;
        Ok((written.offset, written.compressed_size))
    }

    fn dictionary(&mut self, distinct: &[u16], values: &ArrayRef) -> Result<()> {
        let mut plain = Vec::new();
        for code in distinct {
            let value = value_of(values, *code);
            plain.extend_from_slice(&(value.len() as u32).to_le_bytes());
            plain.extend_from_slice(value);
        }
        let uncompressed = plain.len();
        let page = Page::DictionaryPage {
            buf: self.compressed(plain)?,
            num_values: distinct.len() as u32,
            encoding: self.properties.dictionary_page_encoding(),
            is_sorted: false,
        };
        self.page(page, uncompressed)?;
        self.data_offset = self.sink.bytes_written() as i64;
        Ok(())
    }

    fn data(
        &mut self,
        rows: usize,
        valid: Option<&NullBuffer>,
        keys: &[u32],
        width: u32,
        distinct: &[u16],
        values: &ArrayRef,
    ) -> Result<()> {
        let mut levels = Vec::new();
        match valid {
            Some(valid) => {
                let bits: Vec<u32> = valid.iter().map(u32::from).collect();
                hybrid::encode(&bits, 1, &mut levels);
            }
            None => hybrid::encode(&vec![1; rows], 1, &mut levels),
        }
        let mut plain = Vec::with_capacity(levels.len() + keys.len() * width as usize / 8 + 16);
        plain.extend_from_slice(&(levels.len() as u32).to_le_bytes());
        plain.extend_from_slice(&levels);
        plain.push(width as u8);
        hybrid::encode(keys, width, &mut plain);
        let uncompressed = plain.len();
        let page = Page::DataPage {
            buf: self.compressed(plain)?,
            num_values: rows as u32,
            encoding: Encoding::RLE_DICTIONARY,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let (offset, size) = self.page(page, uncompressed)?;
        self.note(rows, keys, distinct, values, offset, size);
        Ok(())
    }

    /// What the indexes say of a data page.
    fn note(
        &mut self,
        rows: usize,
        keys: &[u32],
        distinct: &[u16],
        values: &ArrayRef,
        offset: u64,
        size: usize,
    ) {
        let nulls = rows - keys.len();
        let offsets = offsets(values);
        let mut met = vec![false; distinct.len()];
        let mut value_bytes = 0;
        for key in keys {
            met[*key as usize] = true;
            let at = usize::from(distinct[*key as usize]);
            value_bytes += i64::from(offsets[at + 1] - offsets[at]);
        }
        let met =
            || distinct.iter().zip(&met).filter(|(_, met)| **met).map(|(code, _)| value_of(values, *code));
        match (met().min(), met().max()) {
            (Some(min), Some(max)) => {
                let text = *values.data_type() == DataType::Utf8;
                let limit = self.properties.column_index_truncate_length();
                self.column_index.append(
                    false,
                    lower(min, limit, text).0,
                    upper(max, limit, text).0,
                    nulls as i64,
                );
                self.bounds.push((min.to_vec(), max.to_vec()));
            }
            _ => self.column_index.append(true, Vec::new(), Vec::new(), nulls as i64),
        }
        self.column_index.append_histograms(&None, &histogram(nulls, keys.len()));
        self.offset_index.append_row_count(rows as i64);
        self.offset_index.append_offset_and_size(offset as i64, size as i32);
        self.offset_index.append_unencoded_byte_array_data_bytes(Some(value_bytes));
        self.rows += rows;
        self.nulls += nulls;
        self.value_bytes += value_bytes;
        self.data_pages += 1;
    }

    fn finish(mut self) -> Result<CodedPages> {
        self.sink.flush()?;
        let ascending = self.bounds.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1);
        let descending = self.bounds.is_sorted_by(|a, b| a.0 >= b.0 && a.1 >= b.1);
        self.column_index.set_boundary_order(match (ascending, descending) {
            (true, _) => BoundaryOrder::ASCENDING,
            (false, true) => BoundaryOrder::DESCENDING,
            (false, false) => BoundaryOrder::UNORDERED,
        });
        let limit = self.properties.statistics_truncate_length();
        let text = self.column.logical_type_ref().is_some();
        let min = self.bounds.iter().map(|(min, _)| min).min().map(|min| lower(min, limit, text));
        let max = self.bounds.iter().map(|(_, max)| max).max().map(|max| upper(max, limit, text));
        let exact = |bound: &Option<(Vec<u8>, bool)>| bound.as_ref().is_some_and(|(_, exact)| *exact);
        let (min_exact, max_exact) = (exact(&min), exact(&max));
        let value = |bound: Option<(Vec<u8>, bool)>| bound.map(|(bytes, _)| ByteArray::from(bytes));
        let statistics = ValueStatistics::new(value(min), value(max), None, Some(self.nulls as u64), false)
            .with_min_is_exact(min_exact)
            .with_max_is_exact(max_exact);
        let bytes = Bytes::from(self.sink.into_inner()?);
        let dictionary = self.properties.dictionary_page_encoding();
        let page_stats = |page_type, encoding, count| PageEncodingStats { page_type, encoding, count };
        let encodings = [dictionary, Encoding::RLE, Encoding::RLE_DICTIONARY];
        let metadata = ColumnChunkMetaData::builder(self.column.clone())
            .set_compression(self.properties.compression(self.column.path()))
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(vec![
                page_stats(PageType::DICTIONARY_PAGE, dictionary, 1),
                page_stats(PageType::DATA_PAGE, Encoding::RLE_DICTIONARY, self.data_pages),
            ])
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(self.uncompressed as i64)
            .set_num_values(self.rows as i64)
            .set_dictionary_page_offset(Some(0))
            .set_data_page_offset(self.data_offset)
            .set_statistics(Statistics::ByteArray(statistics))
            .set_unencoded_byte_array_data_bytes(Some(self.value_bytes))
            .set_definition_level_histogram(histogram(self.nulls, self.rows - self.nulls))
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: self.rows as u64,
            metadata,
            bloom_filter: None,
            column_index: Some(self.column_index.build()?),
            offset_index: Some(self.offset_index.build()),
        };
        Ok(CodedPages { bytes, close })
    }
}

fn histogram(nulls: usize, values: usize) -> Option<LevelHistogram> {
    Some(LevelHistogram::from(vec![nulls as i64, values as i64]))
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
