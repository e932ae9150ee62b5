//! One page of a column chunk by its own header.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use corpora::thrift::{BINARY, STRUCT, Thrift};
use parquet::basic::Encoding;

use crate::error::Error;

/// Bytes that are read for a header at first; a header with long statistics takes more.
const HEADER: u64 = 256;
/// Headers longer than this are refused.
const LONGEST_HEADER: u64 = 64 << 20;

/// What a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// Values, with their levels.
    Data,
    /// The dictionary.
    Dictionary,
    /// Anything else, which readers pass over.
    Other,
}

/// One page as its header describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What it holds.
    pub kind: PageKind,
    /// Where its header begins in the file.
    pub offset: u64,
    /// Header and body.
    pub bytes: u64,
    /// The header alone.
    pub header: u64,
    /// Body once it is no longer compressed.
    pub uncompressed: u64,
    /// Values with nulls: levels, one a slot of the column.
    pub slots: u64,
    /// How the values are encoded; absent where the code is unknown.
    pub encoding: Option<Encoding>,
    /// Whether the header has a checksum of the body.
    pub checksum: bool,
    /// Statistics in the header.
    pub statistics: Option<PageStatistics>,
}

/// Statistics in a page header: values as Parquet's plain encoding has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageStatistics {
    /// Not above any value.
    pub lowest: Option<Vec<u8>>,
    /// Not below any value.
    pub highest: Option<Vec<u8>>,
    /// Slots without a value.
    pub nulls: Option<i64>,
}

/// Why the walk ends at a page.
pub(super) enum Unwalked {
    /// Its header cannot be read.
    Broken(String),
    /// It goes on behind the end of its chunk.
    Beyond(Box<Page>, String),
    /// Its bytes did not come.
    Unread(std::io::Error),
}

impl Unwalked {
    /// As an error that names the place.
    pub(super) fn at(self, path: &Path, place: &str) -> Error {
        match self {
            Self::Broken(said) | Self::Beyond(_, said) => Error::unreadable_at(path, place, said),
            Self::Unread(error) => Error::unreadable_at(path, place, error),
        }
    }
}

/// The page whose header begins at `offset`, in a chunk that goes on to `end`.
pub(super) fn page(file: &mut File, offset: u64, end: u64) -> std::result::Result<Page, Unwalked> {
    let mut room = HEADER;
    loop {
        let wanted = room.min(end - offset);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(offset)).map_err(Unwalked::Unread)?;
        file.by_ref().take(wanted).read_to_end(&mut bytes).map_err(Unwalked::Unread)?;
        match header(&bytes) {
            Ok((page, body)) => {
                let page = Page { offset, bytes: page.header.saturating_add(body), ..page };
                return if page.bytes > end - offset {
                    let left = end - offset;
                    let said = format!("it takes {} bytes where its chunk has {left} left", page.bytes);
                    Err(Unwalked::Beyond(Box::new(page), said))
                } else {
                    Ok(page)
                };
            }
            // A header that is cut off looks like a broken one: read more before believing that.
            Err(_) if wanted == room && room < LONGEST_HEADER => room *= 8,
            Err(said) => return Err(Unwalked::Broken(format!("its header is broken: {said}"))),
        }
    }
}

/// A page without its place, `bytes` being those of the header, and the bytes of its body.
fn header(bytes: &[u8]) -> std::result::Result<(Page, u64), String> {
    let mut thrift = Thrift::new(bytes);
    let mut page = Page {
        kind: PageKind::Other,
        offset: 0,
        bytes: 0,
        header: 0,
        uncompressed: 0,
        slots: 0,
        encoding: None,
        checksum: false,
        statistics: None,
    };
    let (mut last, mut kind, mut body) = (0, None, None);
    while let Some((number, code)) = thrift.field(last)? {
        last = number;
        match (number, code) {
            (1, 4..=6) => kind = Some(int32(&mut thrift)?),
            (2, 4..=6) => {
                page.uncompressed =
                    u64::try_from(int32(&mut thrift)?).map_err(|_| "its uncompressed size is negative")?;
            }
            (3, 4..=6) => body = Some(int32(&mut thrift)?),
            (4, 4..=6) => {
                page.checksum = true;
                int32(&mut thrift)?;
            }
            // Data page: values, encoding, two level encodings, statistics.
            (5, STRUCT) => content(&mut thrift, &mut page, 2, 5)?,
            // Dictionary page: values, encoding.
            (7, STRUCT) => content(&mut thrift, &mut page, 2, 0)?,
            // Data page of version 2: values, nulls, rows, encoding, two lengths, whether compressed, statistics.
            (8, STRUCT) => content(&mut thrift, &mut page, 4, 8)?,
            (1..=4, _) => return Err(mistyped(number)),
            (5..=8, code) if code != STRUCT => return Err(mistyped(number)),
            (_, code) => thrift.pass_field(code, 1)?,
        }
    }
    page.kind = match kind.ok_or("it has no page type")? {
        0 | 3 => PageKind::Data,
        2 => PageKind::Dictionary,
        _ => PageKind::Other,
    };
    page.header = thrift.position() as u64;
    let body = body.ok_or("it has no size")?;
    Ok((page, u64::try_from(body).map_err(|_| "its size is negative")?))
}

/// The part of a header that its kind of page has for itself; fields by their numbers in it.
fn content(
    thrift: &mut Thrift<'_>,
    page: &mut Page,
    encoding: i64,
    statistics: i64,
) -> std::result::Result<(), String> {
    let mut last = 0;
    while let Some((number, code)) = thrift.field(last)? {
        last = number;
        match (number, code) {
            (1, 4..=6) => {
                page.slots =
                    u64::try_from(int32(thrift)?).map_err(|_| "it has a negative number of values")?;
            }
            (number, 4..=6) if number == encoding => page.encoding = named(int32(thrift)?),
            (number, STRUCT) if number == statistics => page.statistics = Some(stated(thrift)?),
            (1..=8, BINARY..) => return Err(mistyped(number)),
            (_, code) => thrift.pass_field(code, 2)?,
        }
    }
    Ok(())
}

fn stated(thrift: &mut Thrift<'_>) -> std::result::Result<PageStatistics, String> {
    let mut found = PageStatistics::default();
    let mut last = 0;
    while let Some((number, code)) = thrift.field(last)? {
        last = number;
        match (number, code) {
            (3, 4..=6) => found.nulls = Some(thrift.zigzag()?),
            // Fields 1 and 2 are the bounds of old, whose order was never defined for text: readers leave them alone.
            (5, BINARY) => found.highest = Some(thrift.binary()?.to_vec()),
            (6, BINARY) => found.lowest = Some(thrift.binary()?.to_vec()),
            (1 | 2, BINARY) => drop(thrift.binary()?),
            (1 | 2 | 5 | 6, _) | (3 | 4 | 7 | 8, BINARY..) => return Err(mistyped(number)),
            (_, code) => thrift.pass_field(code, 3)?,
        }
    }
    Ok(found)
}

/// A number of 32 bits. The Parquet crate keeps the low ones of a longer number, and would go on elsewhere than the walk here.
fn int32(thrift: &mut Thrift<'_>) -> std::result::Result<i64, String> {
    let number = thrift.zigzag()?;
    i32::try_from(number).map(i64::from).map_err(|_| format!("{number} has more than 32 bits"))
}

/// The Parquet crate goes by the numbers of fields alone: under another type the same bytes would be something else to it.
fn mistyped(number: i64) -> String {
    format!("its field {number} has the wrong type")
}

/// Encodings by their numbers in the format.
fn named(code: i64) -> Option<Encoding> {
    Some(match code {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return None,
    })
}
