//! What a row group takes to decode, by its page headers, before anything of it is decoded.
//!
//! The Parquet crate reserves what a header announces and panics on some offsets; a dictionary hides how large the values
//! of a column are, and a page how many of its slots belong to one row. So each row group is looked at once:
//!
//! 1. Chunks must lie in the file, and page headers one behind the other in their chunk. Lengths are compared with what is there.
//!    No page decompresses to more than it announces (module `expansion`).
//! 2. Pages of a column that does not repeat must have as many slots as the row group has rows.
//! 3. The largest value of each dictionary is looked up, so that a batch gets few rows where values are large. Lengths that
//!    are stored as differences are added up: the crate reserves what they announce.
//! 4. Where repeated columns come to much, their repetition levels are read (module `row_bytes`): one row may be as large as
//!    all others.
//! 5. What is open at once (the largest page of each column, with its dictionary) and the largest row must fit into their parts of
//!    the memory limit ([`Share`]).
//!
//! Cost: one read a page. Decompressed once more are dictionaries of more than [`SMALL_VALUE`] bytes, pages of differences of
//! lengths, those of large repeated columns, and those of codecs that need it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescriptor;

use crate::input::expansion;
use crate::input::footer::guarded;
use crate::input::page_header::read_header;
use crate::input::page_lengths::{self, are_differences, longest_plain};
use crate::input::row_bytes::RowBytes;
use crate::input::share::{Share, Sum};
use crate::input::shared_file::{SharedFile, Version};
use crate::memory_plan::{REPEATED_ROWS, bytes_of_columns};
use crate::parallel::lock::lock;

/// Bytes of a value up to which it is kept as a code, and counted as one of many.
const SMALL_VALUE: u64 = 4096;

/// Bytes of a page from which on its density counts: what is fixed in small ones would count as values.
const DENSE_PAGE: u64 = 64 << 10;

/// Bytes of a page beyond which writers begin another, unless a single value is as large: such a value may double the page in a
/// batch.
const LARGE_PAGE: u64 = 2 << 20;

/// What is known of a row group, and how many will still ask for it.
type Known = (Arc<Scan>, usize);

/// What is known of row groups that more than one reader opens, until the last of them has.
#[derive(Debug, Default)]
pub(crate) struct Scans(Mutex<HashMap<(Version, usize), Known>>);

impl Scans {
    /// What is known of a row group of a file, which so many ask for.
    ///
    /// # Errors
    /// As `scan`.
    pub(crate) fn of(
        &self,
        group: (Version, usize),
        readers: usize,
        scan: impl FnOnce() -> Result<Scan, String>,
    ) -> Result<Arc<Scan>, String> {
        // The second reader waits for what the first one finds.
        let mut known = lock(&self.0);
        let (found, left) = match known.remove(&group) {
            Some((found, left)) => (found, left - 1),
            None => (Arc::new(scan()?), readers.saturating_sub(1)),
        };
        if left > 0 {
            known.insert(group, (Arc::clone(&found), left));
        }
        Ok(found)
    }
}

/// What is known of a row group.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Bytes of a row where its values are densest, by the pages.
    dense_row: u64,
    /// Bytes of a row whose values are all as large as the largest of a dictionary or of fixed width.
    largest_row: u64,
    /// Rows of repeated columns, where they come to much.
    repeated: Option<RowBytes>,
    /// Bytes that are held while the row group is open, with the largest row.
    pub(crate) open: u64,
    /// Leaf columns with a dictionary whose values are too large to be kept as codes.
    pub(crate) large: Vec<usize>,
}

impl Scan {
    /// Rows of a batch at most, if `batch_bytes` are to be met on average and the worst in any case.
    pub(crate) fn batch_rows(&self, batch_bytes: u64, share: Share) -> usize {
        let rows =
            (batch_bytes / self.dense_row.max(1)).min(share.worst_batch / self.largest_row.max(1)).max(1);
        let rows = match &self.repeated {
            Some(repeated) => repeated.batch_rows(rows, batch_bytes.max(REPEATED_ROWS.of(share.worst_batch))),
            None => rows,
        };
        usize::try_from(rows).unwrap_or(usize::MAX).max(1)
    }
}

/// Refuses chunks that lie outside the file or upon one another.
///
/// # Errors
/// What is wrong, with row group and column.
pub(crate) fn check_places(metadata: &ParquetMetaData, file: u64) -> Result<(), String> {
    let mut places = Vec::new();
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let columns = metadata.file_metadata().schema_descr().num_columns();
        if group.num_columns() != columns {
            return Err(format!(
                "row group {number} has {} column chunks where the schema has {columns} columns",
                group.num_columns()
            ));
        }
        if group.num_rows() < 0 {
            return Err(format!("row group {number} has {} rows", group.num_rows()));
        }
        for chunk in group.columns() {
            let (start, end) = place(chunk)
                .filter(|(_, end)| *end <= file)
                .ok_or_else(|| format!("{}: its chunk lies outside the file", named(number, chunk)))?;
            if end > start {
                places.push((start, end, number, chunk));
            }
        }
    }
    places.sort_unstable_by_key(|(start, end, ..)| (*start, *end));
    match places.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        Some(pair) => Err(format!(
            "{} and {}: their chunks overlap",
            named(pair[0].2, pair[0].3),
            named(pair[1].2, pair[1].3)
        )),
        None => Ok(()),
    }
}

fn named(row_group: usize, chunk: &ColumnChunkMetaData) -> String {
    format!("row group {row_group}, column `{}`", chunk.column_path().string())
}

/// Where a chunk begins and ends, if its numbers make sense.
fn place(chunk: &ColumnChunkMetaData) -> Option<(u64, u64)> {
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let (start, bytes) = (u64::try_from(start).ok()?, u64::try_from(chunk.compressed_size()).ok()?);
    Some((start, start.checked_add(bytes)?))
}

/// Looks at the leaf columns `leaves` of a row group, whose first row is row `first_row` of the file.
///
/// # Errors
/// What is wrong, with the column.
pub(crate) fn scan(
    file: &SharedFile,
    group: &RowGroupMetaData,
    leaves: impl Iterator<Item = usize>,
    first_row: u64,
    share: Share,
) -> Result<Scan, String> {
    let mut scan = Scan::default();
    let rows = u64::try_from(group.num_rows()).unwrap_or(0);
    let (mut open, mut row, mut stored) = (Sum::default(), Sum::default(), 0);
    for leaf in leaves {
        let chunk = group.column(leaf);
        let column = chunk.column_descr();
        let of_column = |said: String| format!("column `{}`: {said}", chunk.column_path().string());
        let mut seen = Seen::of_headers(file, chunk, rows).map_err(of_column)?;
        let elements = seen.slots.div_ceil(rows.max(1));
        seen.check_before_decompression(chunk, first_row, share)?;
        let values = seen.values(file, chunk, rows, share).map_err(of_column)?;
        if seen.dictionary > 0 && values.largest > SMALL_VALUE {
            scan.large.push(leaf);
        }
        let levels = if column.max_rep_level() > 0 { 4 } else { 0 };
        let slot = values.largest.saturating_add(levels);
        scan.largest_row = scan.largest_row.saturating_add(slot.saturating_mul(elements));
        scan.dense_row = scan.dense_row.saturating_add(seen.density.saturating_mul(elements));
        // A page that is larger than usual may be one value, which a batch then has beside it.
        let large = if seen.largest.0 > LARGE_PAGE { seen.largest.0 } else { 0 };
        let pages = seen.largest.0.saturating_add(large).saturating_add(seen.dictionary);
        // Which row has the largest value of a dictionary shows when it is decoded (module `writer`).
        let flat = column.max_rep_level() == 0 && values.largest > SMALL_VALUE;
        let value = if flat { values.largest } else { 0 };
        open.value = open.value.max(value);
        let pages = pages.saturating_add(value.saturating_mul(2));
        open.add(chunk, first_row.saturating_add(seen.largest.1), pages);
        if let Some(rows) = values.rows {
            row.add(chunk, first_row.saturating_add(rows.largest.0), rows.largest.1);
            match &mut scan.repeated {
                Some(all) => all.beside(&rows),
                None => scan.repeated = Some(rows),
            }
        }
        if let Some((at, bytes)) = seen.single {
            row.add(chunk, first_row.saturating_add(at), bytes);
        }
        stored = seen.stored.max(stored);
    }
    open.bytes = open.bytes.saturating_add(bytes_of_columns(open.columns));
    // While a page is decompressed, what it was is there too.
    open.bytes = open.bytes.saturating_add(stored);
    share.check(&open, &row)?;
    scan.open = open.bytes.saturating_add(row.bytes.saturating_mul(2));
    Ok(scan)
}

/// What the page headers of a chunk say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Values and nulls of all data pages.
    slots: u64,
    /// Bytes of all data pages, uncompressed.
    bytes: u64,
    /// Bytes of the largest data page, and the slot at which it begins.
    largest: (u64, u64),
    /// The largest page that is one value, its slot and its bytes.
    single: Option<(u64, u64)>,
    /// Bytes of the dictionary, uncompressed.
    dictionary: u64,
    /// Bytes of the largest page as it is stored, where it is compressed.
    stored: u64,
    /// Bytes of a slot in the densest page.
    density: u64,
}

/// What is known of the values of a chunk.
#[derive(Debug, Default)]
struct Values {
    /// Bytes of the largest, as far as pages do not bound it; nothing for plain strings, which lie in a page as they are.
    largest: u64,
    /// Bytes of the rows of a repeated column, where that is worth to know.
    rows: Option<RowBytes>,
}

impl Seen {
    fn of_headers(file: &SharedFile, chunk: &ColumnChunkMetaData, rows: u64) -> Result<Self, String> {
        let (mut at, end) = place(chunk).ok_or("its chunk lies outside the file")?;
        let codec = chunk.compression();
        let flat = chunk.column_descr().max_rep_level() == 0;
        let mut seen = Self::default();
        let mut number = 0;
        while at < end {
            let of_page = |said: String| format!("page {number} at byte {at}: {said}");
            let (header, length) = read_header(file, at, end).map_err(of_page)?;
            let bytes = (length as u64).saturating_add(header.body);
            if bytes > end - at {
                return Err(of_page(format!("it takes {bytes} bytes where its chunk has {} left", end - at)));
            }
            // What is not compressed is as large as it is stored, whatever it announces.
            let plain = header.plain || codec == Compression::UNCOMPRESSED;
            let uncompressed = if plain { header.body.max(header.uncompressed) } else { header.uncompressed };
            if header.is_dictionary() {
                if header.slots / 8 > uncompressed {
                    let said = format!("it announces {} values in {uncompressed} bytes", header.slots);
                    return Err(of_page(said));
                }
                seen.dictionary = seen.dictionary.max(uncompressed);
            } else if header.is_data() {
                if uncompressed > seen.largest.0 {
                    seen.largest = (uncompressed, if flat { seen.slots } else { 0 });
                }
                if flat
                    && header.slots == 1
                    && uncompressed > seen.single.map_or(DENSE_PAGE, |(_, most)| most)
                {
                    seen.single = Some((seen.slots, uncompressed));
                }
                seen.slots = seen.slots.saturating_add(header.slots);
                seen.bytes = seen.bytes.saturating_add(uncompressed);
                if uncompressed > DENSE_PAGE {
                    seen.density = seen.density.max(uncompressed.div_ceil(header.slots.max(1)));
                }
            }
            if !plain {
                seen.stored = seen.stored.max(header.body);
            }
            if codec == Compression::SNAPPY {
                let first = at + length as u64 + header.levels;
                let stored = file
                    .read_at(first, expansion::SNAPPY_LENGTH)
                    .map_err(|error| of_page(error.to_string()))?;
                expansion::check_snappy(&header, &stored).map_err(of_page)?;
            }
            if expansion::is_unbounded(codec) && (header.is_dictionary() || header.is_data()) {
                let stored = file.get_read(at + length as u64).map_err(|error| of_page(error.to_string()))?;
                expansion::check(&header, codec, stored).map_err(of_page)?;
            }
            at += bytes;
            number += 1;
        }
        if flat && seen.slots != rows {
            return Err(format!("its pages hold {} values, its row group has {rows} rows", seen.slots));
        }
        let stated = u64::try_from(chunk.num_values()).unwrap_or(0);
        if stated > seen.slots {
            return Err(format!("its pages hold {} values, its footer states {stated}", seen.slots));
        }
        Ok(seen)
    }

    /// Whether pages are decompressed to know the lengths of strings.
    fn has_unknown_lengths(&self, chunk: &ColumnChunkMetaData) -> bool {
        chunk.column_type() == Type::BYTE_ARRAY
            && (self.dictionary > SMALL_VALUE || chunk.encodings().any(are_differences))
    }

    /// Refuses pages that do not fit beside what they are decompressed from: only then are they looked into. How large the values
    /// of a dictionary are is not known yet, so all of it is taken for one.
    ///
    /// # Errors
    /// The limit is too small, as a fragment.
    fn check_before_decompression(
        &self,
        chunk: &ColumnChunkMetaData,
        first_row: u64,
        share: Share,
    ) -> Result<(), String> {
        let repeats = chunk.column_descr().max_rep_level() > 0;
        let page = self.largest.0.max(self.dictionary).saturating_add(self.stored);
        if !(repeats || self.has_unknown_lengths(chunk)) || share.enough(page, 0) <= share.least() {
            return Ok(());
        }
        let value = self.dictionary.saturating_mul(2);
        let open =
            [self.largest.0, self.dictionary, self.stored, value].into_iter().fold(0, u64::saturating_add);
        let mut sum = Sum { value: self.dictionary, ..Sum::default() };
        sum.add(chunk, first_row.saturating_add(self.largest.1), open);
        share.check(&sum, &Sum::default())
    }

    /// Looks at the values as far as the headers do not state enough. Lengths that are stored as differences add to what the pages come to.
    fn values(
        &mut self,
        file: &SharedFile,
        chunk: &ColumnChunkMetaData,
        rows: u64,
        share: Share,
    ) -> Result<Values, String> {
        let column = chunk.column_descr();
        let strings = column.physical_type() == Type::BYTE_ARRAY;
        let unknown = self.has_unknown_lengths(chunk);
        let width = fixed_width(column);
        // The crate reserves this much for each row of a batch, whether there is a value or not.
        let page = self.largest.0.max(self.dictionary);
        if width > DENSE_PAGE && width > page && self.slots > 0 {
            return Err(format!("its values have {width} bytes each, and its largest page has {page}"));
        }
        let differences = strings && chunk.encodings().any(are_differences);
        let mut values = Values { largest: width, rows: None };
        if unknown {
            let pages = Pages::new(file, chunk, rows)?;
            values.largest = self.lengths(pages, column, differences)?;
        } else if strings {
            values.largest = self.dictionary;
        }
        let slot = values.largest.saturating_add(4);
        let all = self.slots.saturating_mul(slot).saturating_add(self.bytes);
        if column.max_rep_level() > 0 && share.is_worth_levels(all) {
            values.rows = Some(row_bytes(Pages::new(file, chunk, rows)?, column, rows, slot)?);
        }
        Ok(values)
    }

    /// The longest of a dictionary's strings and of those whose lengths are differences.
    fn lengths(&mut self, mut pages: Pages, column: &ColumnDescriptor, all: bool) -> Result<u64, String> {
        let (mut longest, mut slot) = (0, 0_u64);
        while let Some(page) = pages.next()? {
            match &page {
                Page::DictionaryPage { buf, .. } => longest = longest.max(longest_plain(buf)),
                page => {
                    if are_differences(page.encoding()) {
                        let lengths = page_lengths::of_differences(page, column)?;
                        // Strings that repeat what they share come to more than their page.
                        if page.encoding() == Encoding::DELTA_BYTE_ARRAY {
                            longest = longest.max(lengths.longest);
                            let dense = lengths.total.div_ceil(u64::from(page.num_values()).max(1));
                            self.density = self.density.max(dense);
                        }
                    }
                    slot = slot.saturating_add(u64::from(page.num_values()));
                }
            }
            if !all {
                break;
            }
        }
        Ok(longest)
    }
}

/// Bytes of the rows of a repeated column, whose slots come to so many bytes beside what lies in the pages as it is.
fn row_bytes(mut pages: Pages, column: &ColumnDescriptor, rows: u64, slot: u64) -> Result<RowBytes, String> {
    let width = u32::from(column.max_rep_level().unsigned_abs()).checked_ilog2().map_or(0, |bits| bits + 1);
    let mut sums = RowBytes::new(rows);
    while let Some(page) = pages.next()? {
        let slots = u64::from(page.num_values());
        let keys = matches!(page.encoding(), Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
        let strings = column.physical_type() == Type::BYTE_ARRAY && !keys;
        let own = if strings { (page.buffer().len() as u64).div_ceil(slots.max(1)) } else { 0 };
        let bytes = slot.saturating_add(own);
        match &page {
            Page::DictionaryPage { .. } => {}
            #[expect(deprecated, reason = "old files have such levels: all of the page may be one row")]
            Page::DataPage { rep_level_encoding: Encoding::BIT_PACKED, .. } => sums.add_unknown(slots, bytes),
            page => sums.add_levels(page_lengths::parts(page, column)?.0, width, slots, bytes)?,
        }
    }
    Ok(sums.finish())
}

/// The pages of a chunk, decompressed.
struct Pages(SerializedPageReader<SharedFile>);

impl Pages {
    fn new(file: &SharedFile, chunk: &ColumnChunkMetaData, rows: u64) -> Result<Self, String> {
        let (file, rows) = (Arc::new(file.clone()), usize::try_from(rows).unwrap_or(usize::MAX));
        let pages = guarded(|| SerializedPageReader::new(file, chunk, rows, None));
        pages.map(Self).map_err(|error: parquet::errors::ParquetError| error.to_string())
    }

    fn next(&mut self) -> Result<Option<Page>, String> {
        guarded(|| self.0.get_next_page()).map_err(|error: parquet::errors::ParquetError| error.to_string())
    }
}

/// Bytes of each value, where all have as many; else 0.
fn fixed_width(column: &ColumnDescriptor) -> u64 {
    match column.physical_type() {
        Type::BOOLEAN => 1,
        Type::INT32 | Type::FLOAT => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(column.type_length()).unwrap_or(0),
        Type::BYTE_ARRAY => 0,
    }
}
