//! What a row group takes to decode, by its page headers, before anything of it is decoded.
//!
//! The Parquet crate reserves what a header announces and panics on some offsets, and a dictionary hides how large the values
//! of a column are. So each row group is looked at once:
//!
//! 1. Chunks must lie in the file, and page headers one behind the other in their chunk. Lengths are compared with what is there.
//! 2. Pages of a column that does not repeat must have as many slots as the row group has rows.
//! 3. The pages that are open at once (the largest of each column, with its dictionary), and the average row, must fit into
//!    the memory limit. Limits below [`ALWAYS_OPEN`] count as that.
//! 4. The largest value of each dictionary is looked up, so that a batch gets few rows where values are large. Lengths that
//!    are stored as differences are counted first: the crate reserves what they announce.
//!
//! Cost: one read a page; dictionaries of more than [`SMALL_VALUE`] bytes, and pages of differences of lengths, are
//! decompressed once more.

use std::sync::Arc;

use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescriptor;

use crate::footer::guarded;
use crate::segment::SharedFile;
use crate::thrift::{BINARY, STRUCT, Thrift};

/// Bytes of a value up to which it is kept as a code, and counted as one of many.
const SMALL_VALUE: u64 = 4096;

/// Bytes that pages may take whatever the limit: writers make pages of a megabyte a column.
const ALWAYS_OPEN: u64 = 64 << 20;

/// The part of the limit that a batch may take if all its values are as large as the largest.
const WORST_PART: u64 = 8;

/// Bytes that are read for a header at first; statistics make some longer.
const HEADER: usize = 256;

/// Headers longer than this are refused.
const LONGEST_HEADER: usize = 8 << 20;

/// Bytes of a page from which on its density counts: what is fixed in small ones would count as values.
const DENSE_PAGE: u64 = 64 << 10;

/// What is known of a row group.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Bytes of a row where its values are densest, by the pages.
    dense_row: u64,
    /// Bytes of a row whose values are all as large as the largest of a dictionary or of fixed width.
    largest_row: u64,
    /// Leaf columns with a dictionary whose values are too large to be kept as codes.
    pub(crate) large: Vec<usize>,
}

impl Scan {
    /// Rows of a batch at most, if `batch_bytes` are to be met on average and a part of the limit in any case.
    pub(crate) fn batch_rows(&self, batch_bytes: u64, memory_limit: u64) -> usize {
        let worst = memory_limit.max(ALWAYS_OPEN) / WORST_PART;
        let rows = (batch_bytes / self.dense_row.max(1)).min(worst / self.largest_row.max(1));
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

/// Looks at the leaf columns `leaves` of a row group.
///
/// # Errors
/// What is wrong, with the column.
pub(crate) fn scan(
    file: &SharedFile,
    group: &RowGroupMetaData,
    leaves: impl Iterator<Item = usize>,
    memory_limit: u64,
) -> Result<Scan, String> {
    let mut scan = Scan::default();
    let rows = u64::try_from(group.num_rows()).unwrap_or(0);
    let (mut open, mut average, mut columns) = (0_u64, 0_u64, 0_u64);
    for leaf in leaves {
        let chunk = group.column(leaf);
        let of_column = |said: String| format!("column `{}`: {said}", chunk.column_path().string());
        let seen = look_at(file, chunk, rows).map_err(of_column)?;
        let elements = u64::try_from(chunk.num_values()).unwrap_or(0).max(seen.slots).div_ceil(rows.max(1));
        let largest_value = largest_value(file, chunk, rows, &seen).map_err(of_column)?;
        if seen.dictionary > 0 && largest_value > SMALL_VALUE {
            scan.large.push(leaf);
        }
        let levels = if chunk.column_descr().max_rep_level() > 0 { 4 } else { 0 };
        scan.largest_row =
            scan.largest_row.saturating_add(largest_value.saturating_add(levels).saturating_mul(elements));
        scan.dense_row = scan.dense_row.saturating_add(seen.density.saturating_mul(elements));
        open = open.saturating_add(seen.largest).saturating_add(seen.dictionary);
        average = average
            .saturating_add(elements.saturating_mul(levels + fixed_width(chunk.column_descr())))
            .saturating_add(seen.bytes / rows.max(1));
        columns += 1;
    }
    let limit = memory_limit.max(ALWAYS_OPEN);
    for (bytes, what) in [(open, "of pages are open at once"), (average, "make an average row")] {
        if bytes > limit {
            return Err(format!(
                "{bytes} bytes {what} in its {columns} columns, and the memory limit is {memory_limit}; raise the \
                 memory limit (--memory-limit) to at least {bytes}, or write the segment with smaller pages and rows"
            ));
        }
    }
    Ok(scan)
}

/// What the page headers of a chunk say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Values and nulls of all data pages.
    slots: u64,
    /// Bytes of all data pages, of the largest of them, and of the dictionary, uncompressed.
    bytes: u64,
    largest: u64,
    dictionary: u64,
    /// Bytes of a slot in the densest page.
    density: u64,
}

fn look_at(file: &SharedFile, chunk: &ColumnChunkMetaData, rows: u64) -> Result<Seen, String> {
    let (mut at, end) = place(chunk).ok_or("its chunk lies outside the file")?;
    let mut seen = Seen::default();
    let mut number = 0;
    while at < end {
        let of_page = |said: String| format!("page {number} at byte {at}: {said}");
        let (header, length) = read_header(file, at, end).map_err(of_page)?;
        let bytes = (length as u64).saturating_add(header.body);
        if bytes > end - at {
            return Err(of_page(format!("it takes {bytes} bytes where its chunk has {} left", end - at)));
        }
        match header.kind {
            DICTIONARY => {
                if header.slots / 8 > header.uncompressed {
                    let said =
                        format!("it announces {} values in {} bytes", header.slots, header.uncompressed);
                    return Err(of_page(said));
                }
                seen.dictionary = seen.dictionary.max(header.uncompressed);
            }
            0 | 3 => {
                seen.slots = seen.slots.saturating_add(header.slots);
                seen.bytes = seen.bytes.saturating_add(header.uncompressed);
                seen.largest = seen.largest.max(header.uncompressed);
                if header.uncompressed > DENSE_PAGE {
                    seen.density = seen.density.max(header.uncompressed.div_ceil(header.slots.max(1)));
                }
            }
            _ => {}
        }
        at += bytes;
        number += 1;
    }
    if chunk.column_descr().max_rep_level() == 0 && seen.slots != rows {
        return Err(format!("its pages hold {} values, its row group has {rows} rows", seen.slots));
    }
    Ok(seen)
}

/// Bytes of the largest value, as far as pages do not bound it; nothing for plain strings, which lie in a page as they are.
fn largest_value(
    file: &SharedFile,
    chunk: &ColumnChunkMetaData,
    rows: u64,
    seen: &Seen,
) -> Result<u64, String> {
    let column = chunk.column_descr();
    if column.physical_type() != Type::BYTE_ARRAY {
        let width = fixed_width(column);
        // The crate reserves this much for each row of a batch, whether there is a value or not.
        if width > DENSE_PAGE && width > seen.largest.max(seen.dictionary) && seen.slots > 0 {
            return Err(format!(
                "its values have {width} bytes each, and its largest page has {}",
                seen.largest.max(seen.dictionary)
            ));
        }
        return Ok(width);
    }
    let differences =
        |encoding| matches!(encoding, Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY);
    let any_differences = chunk.encodings().any(differences);
    let from_pages = if chunk.encodings().any(|encoding| encoding == Encoding::DELTA_BYTE_ARRAY) {
        // A value repeats what it shares with the one before: it may be as long as all of the page.
        seen.largest
    } else {
        0
    };
    if seen.dictionary <= SMALL_VALUE && !any_differences {
        return Ok(seen.dictionary.max(from_pages));
    }
    let fail = |error: parquet::errors::ParquetError| error.to_string();
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    let file = Arc::new(file.clone());
    let mut pages = guarded(|| SerializedPageReader::new(file, chunk, rows, None)).map_err(fail)?;
    let mut largest = from_pages;
    while let Some(page) = guarded(|| pages.get_next_page()).map_err(fail)? {
        match &page {
            Page::DictionaryPage { buf, .. } => largest = largest.max(longest_plain(buf)),
            page if differences(page.encoding()) => count_lengths(page, column)?,
            _ => {}
        }
        if !any_differences {
            break;
        }
    }
    Ok(largest)
}

/// The length of the longest of strings that are stored one behind the other, each with its length before it.
fn longest_plain(mut bytes: &[u8]) -> u64 {
    let mut longest = 0;
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length);
        longest = longest.max(u64::from(length).min(rest.len() as u64));
        bytes = rest.get(length as usize..).unwrap_or_default();
    }
    longest
}

/// Refuses a page whose lengths, stored as differences, announce more of them than it has slots.
fn count_lengths(page: &Page, column: &ColumnDescriptor) -> Result<(), String> {
    let bytes = page.buffer();
    let levels = match page {
        Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
            (*def_levels_byte_len as usize).saturating_add(*rep_levels_byte_len as usize)
        }
        _ => [column.max_rep_level(), column.max_def_level()]
            .iter()
            .filter(|most| **most > 0)
            .try_fold(0_usize, |at, _| {
                let length = bytes.get(at..)?.first_chunk::<4>()?;
                at.checked_add(4)?.checked_add(u32::from_le_bytes(*length) as usize)
            })
            .ok_or("its levels end early")?,
    };
    let mut values = bytes.get(levels..).ok_or("its levels end early")?;
    let streams = if page.encoding() == Encoding::DELTA_BYTE_ARRAY { 2 } else { 1 };
    for _ in 0..streams {
        if values.is_empty() {
            break;
        }
        let length = differences_end(values, u64::from(page.num_values()))?;
        values = values.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// Bytes that numbers stored as differences take, if there are at most so many.
fn differences_end(bytes: &[u8], most: u64) -> Result<usize, String> {
    let mut thrift = Thrift::new(bytes);
    let (block, minis, count) = (thrift.varint()?, thrift.varint()?, thrift.varint()?);
    thrift.varint()?;
    if count > most {
        return Err(format!("it announces {count} lengths in a page of {most} values"));
    }
    let mini = block.checked_div(minis).filter(|mini| *mini > 0).ok_or("its lengths have empty blocks")?;
    let mut left = count.saturating_sub(1);
    while left > 0 {
        thrift.varint()?;
        thrift.room(minis)?;
        let widths: Vec<u8> = (0..minis).map(|_| thrift.byte()).collect::<Result<_, _>>()?;
        for width in widths {
            if left == 0 {
                break;
            }
            // The last ones may be cut off behind their last value.
            let bits = u64::from(width).saturating_mul(mini);
            let rest = (bytes.len() - thrift.position()) as u64;
            thrift.skip(bits.div_ceil(8).min(rest))?;
            left = left.saturating_sub(mini);
        }
    }
    Ok(thrift.position())
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

/// Number of the type of dictionary pages.
const DICTIONARY: i64 = 2;

/// What a page header says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Header {
    kind: i64,
    uncompressed: u64,
    /// Bytes of the page behind the header.
    body: u64,
    slots: u64,
}

/// The header at a place, and its bytes.
fn read_header(file: &SharedFile, at: u64, end: u64) -> Result<(Header, usize), String> {
    let mut room = HEADER;
    loop {
        let wanted = room.min(usize::try_from(end - at).unwrap_or(usize::MAX));
        let bytes = file.read_at(at, wanted).map_err(|error| error.to_string())?;
        match header(&bytes) {
            Ok(found) => return Ok(found),
            // A header that is cut off looks like a broken one: read more before believing that.
            Err(_) if wanted == room && room < LONGEST_HEADER => room *= 8,
            Err(said) => return Err(format!("its header is broken: {said}")),
        }
    }
}

fn header(bytes: &[u8]) -> Result<(Header, usize), String> {
    let mut thrift = Thrift::new(bytes);
    let mut found = Header::default();
    let (mut last, mut kind, mut body) = (0, None, None);
    while let Some((number, code)) = thrift.field(last)? {
        last = number;
        match (number, code) {
            (1, 4..=6) => kind = Some(int32(&mut thrift)?),
            (2, 4..=6) => found.uncompressed = length(&mut thrift)?,
            (3, 4..=6) => body = Some(length(&mut thrift)?),
            (4, 4..=6) => drop(int32(&mut thrift)?),
            (5 | 7 | 8, STRUCT) => found.slots = slots(&mut thrift)?,
            (1..=4, _) | (5 | 7 | 8, _) => return Err(mistyped(number)),
            (_, code) => thrift.pass_field(code, 1)?,
        }
    }
    found.kind = kind.ok_or("it has no page type")?;
    found.body = body.ok_or("it has no size")?;
    Ok((found, thrift.position()))
}

/// Passes over the part of a header that its kind of page has for itself; yields its number of values.
fn slots(thrift: &mut Thrift<'_>) -> Result<u64, String> {
    let (mut last, mut slots) = (0, 0);
    while let Some((number, code)) = thrift.field(last)? {
        last = number;
        match (number, code) {
            (1, 4..=6) => slots = length(thrift)?,
            (2 | 3 | 4 | 6, 4..=6) => drop(int32(thrift)?),
            (1..=4, BINARY..) => return Err(mistyped(number)),
            (_, code) => thrift.pass_field(code, 2)?,
        }
    }
    Ok(slots)
}

/// A number of 32 bits. The Parquet crate keeps the low ones of a longer number, and would go on elsewhere.
fn int32(thrift: &mut Thrift<'_>) -> Result<i64, String> {
    let number = thrift.zigzag()?;
    i32::try_from(number).map(i64::from).map_err(|_| format!("{number} has more than 32 bits"))
}

fn length(thrift: &mut Thrift<'_>) -> Result<u64, String> {
    let number = int32(thrift)?;
    u64::try_from(number).map_err(|_| format!("it announces {number} bytes or values"))
}

/// The Parquet crate goes by the numbers of fields alone: under another type the same bytes would be something else to it.
fn mistyped(number: i64) -> String {
    format!("its field {number} has the wrong type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_to_its_last_byte() {
        // A data page: 10 bytes uncompressed, 5 compressed, three values.
        let bytes = [0x15, 0x00, 0x15, 0x14, 0x15, 0x0a, 0x2c, 0x15, 0x06, 0x15, 0x00, 0x00, 0x00, 0xff];
        let expected = Header { kind: 0, uncompressed: 10, body: 5, slots: 3 };
        assert_eq!(header(&bytes).unwrap(), (expected, 13));
        assert!(header(&bytes[..12]).is_err(), "cut off");
    }

    #[test]
    fn numbers_that_no_page_can_have_are_refused() {
        let long = [0x15, 0x00, 0x15, 0x10, 0x15, 0x90, 0x80, 0x80, 0x80, 0x20, 0x00];
        assert!(header(&long).unwrap_err().contains("more than 32 bits"));
        assert!(header(&[0x15, 0x00, 0x15, 0x10, 0x15, 0x01, 0x00]).unwrap_err().contains("announces -1"));
        let statistics = [
            0x15, 0x00, 0x15, 0x10, 0x15, 0x10, 0x2c, 0x15, 0x02, 0x15, 0x00, 0x3c, 0x18, 0x80, 0x80, 0x80,
            0x80, 0x80, 0x20,
        ];
        assert!(header(&statistics).unwrap_err().contains("1099511627776 bytes"));
    }

    #[test]
    fn lengths_that_announce_more_than_the_page_has_are_refused() {
        // Blocks of 128 in four parts, 2^40 lengths.
        let bytes = [0x80, 0x01, 0x04, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0x00];
        assert!(differences_end(&bytes, 100).unwrap_err().contains("1099511627776 lengths"));
        // One length alone has no blocks.
        assert_eq!(differences_end(&[0x80, 0x01, 0x04, 0x01, 0x06], 1), Ok(5));
        // Three lengths: one block whose first part has values of two bits, 8 bytes for 32 of them.
        let bytes = [&[0x80, 0x01, 0x04, 0x03, 0x06, 0x00, 2, 0, 0, 0][..], &[0; 8], b"rest"].concat();
        assert_eq!(differences_end(&bytes, 3), Ok(18));
    }

    #[test]
    fn the_longest_of_plain_strings_is_found_and_a_length_that_lies_is_cut() {
        let strings = [&[2, 0, 0, 0][..], b"ab", &[3, 0, 0, 0], b"abc", &[1, 0, 0, 0], b"a"].concat();
        assert_eq!(longest_plain(&strings), 3);
        assert_eq!(longest_plain(&[0xff, 0xff, 0xff, 0xff, b'x']), 1);
    }
}
