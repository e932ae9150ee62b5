//! A column chunk put together from data pages that are compressed already.
//!
//! The pages go into the page pool one by one, so a chunk never lies in memory in one piece; what its footer and indexes say
//! (lowest and highest values, histograms, sizes) is noted as they pass, as the Parquet crate's own writer states it.
//! Memory: beside the pool, the lowest and highest value of the chunk and of its last page.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::sync::{Mutex, PoisonError};

use arrow::buffer::NullBuffer;
use bytes::Bytes;
use parquet::arrow::arrow_writer::{PageKey, PageStore};
use parquet::basic::{BoundaryOrder, Compression, Encoding, EncodingMask, PageType};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, LevelHistogram, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::writer::{SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use crate::encode::bounds::{Bounds, statistics};
use crate::encode::hybrid;

thread_local! {
    /// A compressor is expensive to make and holds nothing from one page to the next.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    /// Memory in which pages are made, one after another: it stays in the processor's cache, and no thread waits for it.
    static PLAIN: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static SMALL: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes of such memory that are kept: some pages.
const KEPT_BYTES: usize = 4 << 20;

/// Does something with memory that is kept, empty at first.
fn with_kept<R>(
    kept: &'static std::thread::LocalKey<Cell<Vec<u8>>>,
    work: impl FnOnce(&mut Vec<u8>) -> R,
) -> R {
    let mut bytes = kept.take();
    bytes.clear();
    let result = work(&mut bytes);
    if bytes.capacity() <= KEPT_BYTES {
        kept.set(bytes);
    }
    result
}

/// How a leaf column is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ColumnShape<'a> {
    pub(crate) column: &'a ColumnDescPtr,
    pub(crate) properties: &'a WriterProperties,
}

impl ColumnShape<'_> {
    fn compression(&self) -> Compression {
        self.properties.compression(self.column.path())
    }

    fn compressed(&self, bytes: &[u8]) -> Result<Bytes> {
        let Compression::ZSTD(level) = self.compression() else { return Ok(Bytes::copy_from_slice(bytes)) };
        COMPRESSOR.with_borrow_mut(|compressor| {
            let compressor = match compressor {
                Some(compressor) => compressor,
                none => none.insert(zstd::bulk::Compressor::new(level.compression_level())?),
            };
            // Another writer may have used it last.
            compressor.set_compression_level(level.compression_level())?;
            with_kept(&SMALL, |small| {
                small.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
                compressor.compress_to_buffer(bytes, small)?;
                Ok(Bytes::copy_from_slice(small))
            })
        })
    }

    /// A dictionary page of so many values in plain encoding.
    pub(crate) fn dictionary_page(&self, plain: Vec<u8>, values: usize) -> Result<CompressedPage> {
        let uncompressed = plain.len();
        let page = Page::DictionaryPage {
            buf: self.compressed(&plain)?,
            num_values: values as u32,
            encoding: self.properties.dictionary_page_encoding(),
            is_sorted: false,
        };
        Ok(CompressedPage::new(page, uncompressed))
    }

    /// A data page. `encode` appends the values after the levels.
    pub(crate) fn data_page(
        &self,
        noted: Noted,
        valid: Option<&NullBuffer>,
        encoding: Encoding,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<DataPage> {
        with_kept(&PLAIN, |plain| {
            plain.extend([0; 4]);
            match valid {
                Some(valid) => {
                    let bits: Vec<u32> = valid.iter().map(u32::from).collect();
                    hybrid::encode(&bits, 1, plain);
                }
                None => hybrid::encode_equal(1, noted.rows, 1, plain),
            }
            let levels = (plain.len() - 4) as u32;
            plain[..4].copy_from_slice(&levels.to_le_bytes());
            encode(plain);
            let page = Page::DataPage {
                buf: self.compressed(plain)?,
                num_values: noted.rows as u32,
                encoding,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            };
            Ok(DataPage { page: CompressedPage::new(page, plain.len()), noted })
        })
    }
}

/// What is noted of the rows of a data page.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) rows: usize,
    pub(crate) nulls: usize,
    /// Bytes of strings or bytes as they are; absent for other values.
    pub(crate) value_bytes: Option<i64>,
    /// The lowest and the highest value, if there is any but NaN.
    pub(crate) bounds: Option<Bounds>,
}

/// A finished data page.
pub(crate) struct DataPage {
    page: CompressedPage,
    noted: Noted,
}

/// Takes the pages of a chunk in.
pub(crate) struct ChunkBuilder {
    store: Box<dyn PageStore>,
    keys: Vec<PageKey>,
    column_index: ColumnIndexBuilder,
    offset_index: OffsetIndexBuilder,
    bytes: u64,
    uncompressed: usize,
    /// Bytes of the dictionary page, with its header.
    dictionary: Option<u64>,
    rows: usize,
    nulls: usize,
    value_bytes: Option<i64>,
    data_pages: i32,
    /// Those of all pages so far, and of the last page that has any.
    bounds: Option<Bounds>,
    last: Option<Bounds>,
    ascending: bool,
    descending: bool,
}

impl ChunkBuilder {
    pub(crate) fn new(store: Box<dyn PageStore>, shape: ColumnShape<'_>) -> Self {
        Self {
            store,
            keys: Vec::new(),
            column_index: ColumnIndexBuilder::new(shape.column.physical_type()),
            offset_index: OffsetIndexBuilder::new(),
            bytes: 0,
            uncompressed: 0,
            dictionary: None,
            rows: 0,
            nulls: 0,
            value_bytes: None,
            data_pages: 0,
            bounds: None,
            last: None,
            ascending: true,
            descending: true,
        }
    }

    /// Bytes of the pages so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Stores a page; yields where it begins and how long it is.
    fn page(&mut self, page: CompressedPage) -> Result<(u64, usize)> {
        // The header would take any size and store what is left of it in 32 bits.
        if i32::try_from(page.uncompressed_size().max(page.compressed_size())).is_err() {
            let bytes = page.uncompressed_size();
            return Err(ParquetError::General(format!(
                "a page of {bytes} bytes: no Parquet page can be so large"
            )));
        }
        let mut sink = TrackedWrite::new(Vec::with_capacity(page.data().len() + 64));
        let written = SerializedPageWriter::new(&mut sink).write_page(page)?;
        sink.flush()?;
        self.uncompressed += written.uncompressed_size;
        let (at, bytes) = (self.bytes, Bytes::from(sink.into_inner()?));
        self.bytes += bytes.len() as u64;
        self.keys.push(self.store.put(bytes)?);
        Ok((at, written.compressed_size))
    }

    /// Takes the dictionary page, before any other.
    pub(crate) fn dictionary(&mut self, page: CompressedPage) -> Result<()> {
        self.page(page)?;
        self.dictionary = Some(self.bytes);
        Ok(())
    }

    /// Takes the next data page.
    pub(crate) fn data(&mut self, page: DataPage, shape: ColumnShape<'_>) -> Result<()> {
        let DataPage { page, noted: Noted { rows, nulls, value_bytes, bounds } } = page;
        let (offset, size) = self.page(page)?;
        match bounds {
            Some(bounds) => {
                let (low, high) =
                    bounds.in_index(shape.column, shape.properties.column_index_truncate_length());
                self.column_index.append(false, low, high, nulls as i64);
                self.note_bounds(bounds);
            }
            None if nulls == rows => self.column_index.append(true, Vec::new(), Vec::new(), nulls as i64),
            // Nothing can be said of a page of NaN, and so not of its chunk.
            None => self.column_index.to_invalid(),
        }
        self.column_index.append_histograms(&None, &histogram(nulls, rows - nulls));
        self.offset_index.append_row_count(rows as i64);
        self.offset_index.append_offset_and_size(offset as i64, size as i32);
        self.offset_index.append_unencoded_byte_array_data_bytes(value_bytes);
        self.rows += rows;
        self.nulls += nulls;
        self.value_bytes = value_bytes.map(|bytes| bytes + self.value_bytes.unwrap_or(0));
        self.data_pages += 1;
        Ok(())
    }

    fn note_bounds(&mut self, bounds: Bounds) {
        if let Some(last) = &self.last {
            self.ascending &= last.rise_to(&bounds);
            self.descending &= bounds.rise_to(last);
        }
        match &mut self.bounds {
            Some(all) => all.widen(&bounds),
            none => *none = Some(bounds.clone()),
        }
        self.last = Some(bounds);
    }

    /// Ends the chunk, whose data pages are all encoded alike.
    pub(crate) fn finish(mut self, shape: ColumnShape<'_>, encoding: Encoding) -> Result<BuiltChunk> {
        self.column_index.set_boundary_order(match (self.ascending, self.descending) {
            (true, _) => BoundaryOrder::ASCENDING,
            (false, true) => BoundaryOrder::DESCENDING,
            (false, false) => BoundaryOrder::UNORDERED,
        });
        let limit = shape.properties.statistics_truncate_length();
        let statistics = statistics(self.bounds, self.nulls, shape.column, limit);
        let mut encodings = vec![Encoding::RLE, encoding];
        let mut page_stats =
            vec![PageEncodingStats { page_type: PageType::DATA_PAGE, encoding, count: self.data_pages }];
        if self.dictionary.is_some() {
            let encoding = shape.properties.dictionary_page_encoding();
            encodings.insert(0, encoding);
            page_stats
                .insert(0, PageEncodingStats { page_type: PageType::DICTIONARY_PAGE, encoding, count: 1 });
        }
        let metadata = ColumnChunkMetaData::builder(shape.column.clone())
            .set_compression(shape.compression())
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(page_stats)
            .set_total_compressed_size(self.bytes as i64)
            .set_total_uncompressed_size(self.uncompressed as i64)
            .set_num_values(self.rows as i64)
            .set_dictionary_page_offset(self.dictionary.map(|_| 0))
            .set_data_page_offset(self.dictionary.unwrap_or(0) as i64)
            .set_statistics(statistics)
            .set_unencoded_byte_array_data_bytes(self.value_bytes)
            .set_definition_level_histogram(histogram(self.nulls, self.rows - self.nulls))
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: self.bytes,
            rows_written: self.rows as u64,
            metadata,
            bloom_filter: None,
            column_index: self.column_index.valid().then(|| self.column_index.build()).transpose()?,
            offset_index: Some(self.offset_index.build()),
        };
        let stored = Mutex::new(Some(Stored {
            store: self.store,
            keys: self.keys.into_iter(),
            current: Bytes::new(),
        }));
        Ok(BuiltChunk { pages: StoredPages { stored, bytes: self.bytes }, close: Box::new(close) })
    }
}

/// A finished chunk.
pub(crate) struct BuiltChunk {
    pages: StoredPages,
    close: Box<ColumnCloseResult>,
}

impl BuiltChunk {
    pub(crate) fn bytes(&self) -> u64 {
        self.pages.bytes
    }

    /// Appends the chunk to the file.
    pub(crate) fn append<W: Write + Send>(self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        group.append_column(&self.pages, *self.close)
    }
}

/// The pages of a chunk as the crate's file writer takes them: from the first byte to the last, once.
struct StoredPages {
    stored: Mutex<Option<Stored>>,
    bytes: u64,
}

impl Length for StoredPages {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for StoredPages {
    type T = Stored;

    fn get_read(&self, start: u64) -> Result<Stored> {
        let stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner).take();
        stored.filter(|_| start == 0).ok_or_else(read_once)
    }

    fn get_bytes(&self, _start: u64, _length: usize) -> Result<Bytes> {
        Err(read_once())
    }
}

fn read_once() -> ParquetError {
    ParquetError::General("the pages of a chunk are read once, from the first on".to_string())
}

/// Yields pages one after another; each is freed before the next.
struct Stored {
    store: Box<dyn PageStore>,
    keys: std::vec::IntoIter<PageKey>,
    current: Bytes,
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.current.is_empty() {
            let Some(key) = self.keys.next() else { return Ok(0) };
            self.current = self.store.take(key).map_err(std::io::Error::other)?;
        }
        let length = self.current.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.current.split_to(length));
        Ok(length)
    }
}

fn histogram(nulls: usize, values: usize) -> Option<LevelHistogram> {
    Some(LevelHistogram::from(vec![nulls as i64, values as i64]))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::basic::{Type, ZstdLevel};
    use parquet::schema::types::{ColumnDescriptor, ColumnPath, Type as SchemaType};

    use super::*;

    #[test]
    fn a_kept_compressor_has_the_level_of_whoever_uses_it() {
        let leaf = SchemaType::primitive_type_builder("a", Type::INT64).build().unwrap();
        let column: ColumnDescPtr =
            Arc::new(ColumnDescriptor::new(Arc::new(leaf), 1, 0, ColumnPath::from("a")));
        let bytes: Vec<u8> = (0..60_000u32).flat_map(|n| (n * n % 9973).to_le_bytes()).collect();
        let at = |level: i32| {
            let level = Compression::ZSTD(ZstdLevel::try_new(level).unwrap());
            let properties = WriterProperties::builder().set_compression(level).build();
            ColumnShape { column: &column, properties: &properties }.compressed(&bytes).unwrap()
        };
        let alone = |level| std::thread::scope(|scope| scope.spawn(|| at(level)).join().unwrap());
        let (fast, small) = (alone(1), alone(12));
        assert_ne!(fast, small);
        assert_eq!([at(12), at(1), at(12)], [small.clone(), fast, small]);
    }
}
