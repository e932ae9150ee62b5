//! The pages of a column chunk by their own headers.
//!
//! Footers and indexes say where pages begin and what they hold; the headers in front of the pages are what a reader that
//! trusts neither goes by. They are walked here, one after the other, from the chunk's first byte to its last. Page bodies are
//! passed over, not read. Cost: one small read a page.

use std::fs::File;
use std::path::Path;

use parquet::basic::{Compression, Encoding, Type};
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::schema::types::ColumnDescriptor;

use super::OutputFile;
use super::batches::guarded;
use super::bounded::Bounded;
pub use super::page_header::{Page, PageKind, PageStatistics};
use super::page_header::{Unwalked, page};
use super::{contradiction, need, reason};
use crate::error::{Error, Result};
use crate::spill::Memory;

/// Bytes of a page, uncompressed, from which on its header must be plausible: the Parquet crate reserves what a header announces.
const LARGE_PAGE: u64 = 16 << 20;

/// The footer of a file with the page indexes that the file has.
///
/// # Errors
/// Class `input` where an index is announced and cannot be read.
pub fn indexed(file: &OutputFile) -> Result<ParquetMetaData> {
    let opened = Bounded::open(&file.path).map_err(|error| Error::unreadable(&file.path, error))?;
    guarded(&file.path, None, || {
        let mut reader = ParquetMetaDataReader::new_with_metadata(ParquetMetaData::clone(&file.metadata))
            .with_page_index_policy(PageIndexPolicy::Optional);
        reader.read_page_indexes(&opened)?;
        reader.finish()
    })
}

/// Walks the pages of a chunk. Bytes behind the page with the last value are padding, which readers never look at. A chunk without values has
/// no pages, whatever its offsets are.
///
/// # Errors
/// Class `input` where a header cannot be read or the pages do not end where the chunk ends; the message names `row_group` and
/// column.
pub fn walk(path: &Path, row_group: usize, chunk: &ColumnChunkMetaData) -> Result<Vec<Page>> {
    walked(path, row_group, chunk)
        .map_err(|error| reason::of_column(path, row_group, chunk.column_path().parts(), error))
}

fn walked(path: &Path, row_group: usize, chunk: &ColumnChunkMetaData) -> Result<Vec<Page>> {
    let Some(mut walk) = Walk::of(chunk) else {
        let column = chunk.column_path().string();
        let message =
            format!("row group {row_group}, column {column:?}: its footer has an impossible offset or size");
        return Err(Error::unreadable(path, message));
    };
    let mut file = corpora::regular::open(path).map_err(|error| Error::unreadable(path, error))?;
    let mut pages = Vec::new();
    while let Some(page) = walk.next(&mut file) {
        pages.push(page.map_err(|why| why.at(path, &walk.place(row_group, chunk)))?);
    }
    Ok(pages)
}

/// A walk over the pages of a chunk by their headers.
struct Walk {
    at: u64,
    end: u64,
    number: u64,
    /// Values with nulls that the footer states, and those of the pages so far.
    stated: u64,
    slots: u64,
    /// Bytes of the dictionary's header, which old writers left out of the size of a chunk.
    dictionary_header: u64,
}

impl Walk {
    /// From the first page of a chunk; `None` where offset or size make no sense.
    fn of(chunk: &ColumnChunkMetaData) -> Option<Self> {
        let stated = u64::try_from(chunk.num_values()).ok()?;
        let (at, end) = if stated == 0 { (0, 0) } else { range(chunk)? };
        Some(Self { at, end, number: 0, stated, slots: 0, dictionary_header: 0 })
    }

    fn next(&mut self, file: &mut File) -> Option<std::result::Result<Page, Unwalked>> {
        if self.at >= self.end {
            return None;
        }
        let page = match page(file, self.at, self.end) {
            Ok(page) => page,
            // The last page, where the size of the chunk is short by the dictionary's header.
            Err(Unwalked::Beyond(page, _))
                if page.kind == PageKind::Data
                    && self.slots.saturating_add(page.slots) == self.stated
                    && page.bytes - (self.end - self.at) <= self.dictionary_header =>
            {
                *page
            }
            Err(Unwalked::Broken(_) | Unwalked::Beyond(..))
                if self.slots >= self.stated && file.metadata().is_ok_and(|it| self.end <= it.len()) =>
            {
                self.end = self.at;
                return None;
            }
            Err(why) => return Some(Err(why)),
        };
        match page.kind {
            PageKind::Data => self.slots = self.slots.saturating_add(page.slots),
            PageKind::Dictionary => self.dictionary_header = page.header,
            PageKind::Other => {}
        }
        self.at = self.at.saturating_add(page.bytes);
        self.number += 1;
        Some(Ok(page))
    }

    /// Where the walk stands, for a message.
    fn place(&self, row_group: usize, chunk: &ColumnChunkMetaData) -> String {
        let column = chunk.column_path().string();
        format!("row group {row_group}, column {column:?}: page {} at byte {}: ", self.number, self.at)
    }
}

/// Bytes of a value of fixed width from which on it is compared with the pages.
const WIDE: u64 = 64 << 10;

/// Where a chunk begins and ends by the footer; absent where that makes no sense. An offset of the dictionary within the file's first
/// four bytes stands for none, as old writers have it.
#[must_use]
pub fn range(chunk: &ColumnChunkMetaData) -> Option<(u64, u64)> {
    let data = chunk.data_page_offset();
    let dictionary = chunk.dictionary_page_offset().filter(|offset| (4..data).contains(offset));
    let start = u64::try_from(dictionary.unwrap_or(data)).ok()?;
    Some((start, start.checked_add(u64::try_from(chunk.compressed_size()).ok()?)?))
}

/// Where the page with a chunk's last value ends, by the headers of its pages; absent where they cannot be walked that far.
pub(super) fn end_of_values(path: &Path, chunk: &ColumnChunkMetaData) -> Option<u64> {
    let mut walk = Walk::of(chunk)?;
    let mut file = corpora::regular::open(path).ok()?;
    while walk.slots < walk.stated {
        match walk.next(&mut file) {
            Some(page) => drop(page.ok()?),
            None => break,
        }
    }
    Some(walk.at)
}

/// What the page headers of a chunk say of its memory.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// Data pages.
    pub(super) pages: Vec<Extent>,
    /// Bytes of the dictionary, uncompressed, and its values.
    pub(super) dictionary: u64,
    pub(super) entries: u64,
    /// Bytes of the largest data page, uncompressed, and of the largest page of any kind as it is stored.
    pub(super) largest: u64,
    pub(super) stored: u64,
    /// Bytes of all data pages, uncompressed.
    pub(super) total: u64,
    /// Every data page is dictionary encoded.
    pub(super) coded: bool,
    /// Some data page holds values as differences from the value before.
    pub(super) incremental: bool,
    /// Bytes from the first page to the end of the last, where the footer says otherwise: of padding, or of old writers.
    pub(super) size: Option<i64>,
}

/// Size of a data page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) slots: u64,
    pub(super) bytes: u64,
}

impl Body {
    /// Leaves the pages that hold one of these slots, with so many slots as are among these. Ascending, counted from 0.
    pub(super) fn pick(&mut self, slots: &[u64]) {
        let mut end = 0_u64;
        self.pages.retain_mut(|page| {
            let first = slots.partition_point(|slot| *slot < end);
            end = end.saturating_add(page.slots);
            page.slots = (slots.partition_point(|slot| *slot < end) - first) as u64;
            page.slots > 0
        });
    }

    /// Bytes of the pages that any `slots` slots in a row touch at most.
    pub(super) fn window(&self, slots: u64) -> u64 {
        let (mut most, mut held, mut inner, mut end) = (0_u64, 0_u64, 0_u64, 0);
        for (start, page) in self.pages.iter().enumerate() {
            // From the last slot of the first page on.
            while end < self.pages.len() && (end <= start || inner.saturating_add(1) < slots) {
                held = held.saturating_add(self.pages[end].bytes);
                if end > start {
                    inner = inner.saturating_add(self.pages[end].slots);
                }
                end += 1;
            }
            most = most.max(held);
            held = held.saturating_sub(page.bytes);
            inner = inner.saturating_sub(self.pages.get(start + 1).map_or(0, |next| next.slots));
        }
        most
    }
}

/// What the page headers of a chunk say. Refuses a chunk whose pages hold more values than the footer says, or fewer than the row group
/// has `rows`. Refuses also a page whose header cannot be read or announces more than a page can hold: the Parquet crate reserves
/// what a byte string in a header announces, and where that memory is refused the process ends. The decoder refuses a page that is
/// longer than its chunk.
///
/// # Errors
/// Class `input`; the message names row group, column and page.
pub(super) fn body(path: &Path, row_group: usize, rows: i64, chunk: &ColumnChunkMetaData) -> Result<Body> {
    read_body(path, row_group, rows, chunk)
        .map_err(|error| reason::of_column(path, row_group, chunk.column_path().parts(), error))
}

fn read_body(path: &Path, row_group: usize, rows: i64, chunk: &ColumnChunkMetaData) -> Result<Body> {
    let rows = u64::try_from(rows).unwrap_or(0);
    let mut body = Body { coded: true, ..Body::default() };
    let Some(mut walk) = Walk::of(chunk) else { return Ok(body) };
    let start = walk.at;
    let mut file = corpora::regular::open(path).map_err(|error| Error::unreadable(path, error))?;
    let mut whole = true;
    loop {
        let place = walk.place(row_group, chunk);
        let page = match walk.next(&mut file) {
            Some(Ok(page)) => page,
            None => break,
            Some(Err(Unwalked::Beyond(..))) => {
                whole = false;
                break;
            }
            Some(Err(why)) => return Err(why.at(path, &place)),
        };
        if let Some(said) = implausible(&page, chunk.compression()) {
            return Err(Error::unreadable_at(path, &place, format!("it announces {said}")));
        }
        if walk.slots > walk.stated {
            let said = format!(
                "with it the pages hold {} values where the footer says that the chunk has {}",
                walk.slots, walk.stated
            );
            return Err(Error::unreadable_at(path, &place, said));
        }
        body.add(&page);
    }
    if whole && walk.stated > 0 {
        let size = i64::try_from(walk.at - start).unwrap_or(i64::MAX);
        body.size = (size != chunk.compressed_size()).then_some(size);
    }
    if whole && walk.slots < rows {
        let column = chunk.column_path().string();
        let message = format!(
            "row group {row_group}, column {column:?}: its pages hold {} values where the row group has {rows} rows",
            walk.slots
        );
        return Err(Error::unreadable(path, message));
    }
    // A value lies in one page. The crate reserves this much a row before it looks.
    let width = fixed_width(chunk.column_descr());
    let largest = body.largest.max(body.dictionary);
    if width > WIDE && width > largest {
        let column = chunk.column_path().string();
        let message = format!(
            "row group {row_group}, column {column:?}: its values have {width} bytes each, and its largest page has {largest}"
        );
        return Err(Error::unreadable(path, message));
    }
    Ok(body)
}

impl Body {
    fn add(&mut self, page: &Page) {
        self.stored = self.stored.max(page.bytes);
        match page.kind {
            PageKind::Data => {
                self.largest = self.largest.max(page.uncompressed);
                self.pages.push(Extent { slots: page.slots, bytes: page.uncompressed });
                self.total = self.total.saturating_add(page.uncompressed);
                self.coded &=
                    matches!(page.encoding, Some(Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY));
                self.incremental |= page.encoding == Some(Encoding::DELTA_BYTE_ARRAY);
            }
            PageKind::Dictionary => {
                self.dictionary = self.dictionary.max(page.uncompressed);
                self.entries = self.entries.max(page.slots);
            }
            PageKind::Other => {}
        }
    }
}

/// What is wrong with what a header announces, where it cannot be so.
fn implausible(page: &Page, codec: Compression) -> Option<String> {
    if page.kind == PageKind::Dictionary && page.slots / 8 > page.uncompressed {
        return Some(format!("{} values in {} bytes", page.slots, page.uncompressed));
    }
    // What one compressed byte stands for at most; zstd and brotli write runs of any length in a few bytes.
    let most = match codec {
        Compression::UNCOMPRESSED => 1,
        Compression::SNAPPY => 64,
        Compression::LZ4 | Compression::LZ4_RAW => 256,
        Compression::GZIP(_) => 1_100,
        _ => return None,
    };
    let stored = page.bytes.saturating_sub(page.header);
    (page.uncompressed > LARGE_PAGE && page.uncompressed / most > stored)
        .then(|| format!("{} bytes uncompressed, and holds {stored}", page.uncompressed))
}

/// Refuses a file with a page that [`body`] refuses or needs more than one reader may have, in any row group and column. Another reader
/// refuses a file that cannot be opened or has no sound footer.
///
/// # Errors
/// Class `input` for a page that cannot be so, class `usage` for one that is too large.
pub fn credible_file(path: &Path) -> Result<()> {
    let Ok(file) = corpora::regular::open(path) else { return Ok(()) };
    let Ok(metadata) = corpora::footer::read_metadata(&file) else { return Ok(()) };
    contradiction::in_footer(path, &metadata)?;
    for (row_group, group) in metadata.row_groups().iter().enumerate() {
        for chunk in group.columns() {
            let body = body(path, row_group, group.num_rows(), chunk)?;
            let column = chunk.column_path().string();
            need::refuse(&Memory::of_process(), path, row_group, &column, body.largest.max(body.dictionary))?;
        }
    }
    Ok(())
}

/// Bytes of each value, where all have as many; else 0.
pub(super) fn fixed_width(column: &ColumnDescriptor) -> u64 {
    if column.physical_type() == Type::FIXED_LEN_BYTE_ARRAY {
        u64::try_from(column.type_length()).unwrap_or(0)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::basic::Type as Physical;
    use parquet::schema::types::{SchemaDescriptor, Type};

    use super::*;

    /// What a chunk of these bytes is refused for, where it is.
    fn refused(bytes: &[u8]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pages");
        std::fs::write(&path, bytes).unwrap();
        let leaf = Type::primitive_type_builder("a", Physical::INT64).build().unwrap();
        let root = Type::group_type_builder("root").with_fields(vec![Arc::new(leaf)]).build().unwrap();
        let chunk = ColumnChunkMetaData::builder(SchemaDescriptor::new(Arc::new(root)).column(0))
            .set_data_page_offset(0)
            .set_total_compressed_size(bytes.len() as i64)
            .set_num_values(2)
            .build()
            .unwrap();
        body(&path, 0, 0, &chunk).err().map(|error| error.message)
    }

    #[test]
    fn a_page_that_announces_more_than_it_can_hold_is_refused_with_its_place() {
        // A dictionary page of 2^31 - 1 bytes; one of 2^31 - 1 values in eight bytes.
        let large = [0x15, 0x04, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x15, 0x00, 0x00];
        let many = [0x15, 0x04, 0x15, 0x10, 0x15, 0x00, 0x4c, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00];
        let said = refused(&large).unwrap();
        assert!(
            said.contains("row group 0, column \"a\": page 0 at byte 0: it announces 2147483647 bytes"),
            "{said}"
        );
        let said = refused(&many).unwrap();
        assert!(said.contains("announces 2147483647 values in 8 bytes"), "{said}");
    }

    #[test]
    fn a_header_with_a_byte_string_of_a_terabyte_is_refused_before_it_is_reserved() {
        // A data page whose statistics have a highest value of 2^40 bytes.
        let bytes = [
            0x15, 0x00, 0x15, 0x10, 0x15, 0x10, 0x2c, 0x15, 0x02, 0x15, 0x00, 0x3c, 0x18, 0x80, 0x80, 0x80,
            0x80, 0x80, 0x20,
        ];
        assert!(refused(&bytes).unwrap().contains("its header is broken: it announces 1099511627776 bytes"));
    }

    #[test]
    fn a_field_of_a_header_under_another_type_is_refused() {
        // The data page's own part as a byte string.
        let bytes = [0x15, 0x00, 0x15, 0x10, 0x15, 0x10, 0x28, 0x02, 0x15, 0x02, 0x00];
        assert!(refused(&bytes).unwrap().contains("its field 5 has the wrong type"));
    }

    #[test]
    fn a_size_of_more_than_32_bits_is_refused() {
        let bytes = [0x15, 0x00, 0x15, 0x10, 0x15, 0x90, 0x80, 0x80, 0x80, 0x20, 0x00];
        assert!(
            refused(&bytes).unwrap().contains("4294967304 has more than 32 bits"),
            "{:?}",
            refused(&bytes)
        );
    }

    #[test]
    fn a_page_that_is_longer_than_its_chunk_is_for_others_to_refuse() {
        assert_eq!(refused(&[0x15, 0x00, 0x15, 0x10, 0x15, 0x10, 0x00]), None);
        assert_eq!(refused(&[]), None);
    }
}
