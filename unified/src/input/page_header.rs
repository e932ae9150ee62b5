//! Page headers, read by themselves: what a page announces before anything of it is decompressed.

use crate::input::shared_file::SharedFile;
use crate::input::thrift::{BINARY, BOOLEAN_FALSE, BOOLEAN_TRUE, STRUCT, Thrift};

/// Bytes that are read for a header at first; statistics make some longer.
const HEADER: usize = 256;

/// Headers longer than this are refused.
const LONGEST_HEADER: usize = 8 << 20;

/// Number of the type of dictionary pages.
const DICTIONARY: i64 = 2;

/// Field numbers of the parts that the kinds of pages have for themselves.
const DATA_PART: i64 = 5;
const DICTIONARY_PART: i64 = 7;
const DATA_V2_PART: i64 = 8;

/// What a page header says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Header {
    /// Number of the kind of page.
    pub(crate) kind: i64,
    /// Bytes of the page when it is decompressed.
    pub(crate) uncompressed: u64,
    /// Bytes of the page behind the header, as they are stored.
    pub(crate) body: u64,
    /// Values and nulls of a data page, values of a dictionary.
    pub(crate) slots: u64,
    /// Bytes of levels that stand before the compressed part (data pages of version 2).
    pub(crate) levels: u64,
    /// Whether the page is stored as it is, whatever the codec of its chunk.
    pub(crate) plain: bool,
}

impl Header {
    /// Whether this is a dictionary.
    pub(crate) fn is_dictionary(&self) -> bool {
        self.kind == DICTIONARY
    }

    /// Whether this page holds values of rows.
    pub(crate) fn is_data(&self) -> bool {
        self.kind == 0 || self.kind == 3
    }
}

/// The header at a place, and its bytes.
///
/// # Errors
/// What is wrong, as a fragment.
pub(crate) fn read_header(file: &SharedFile, at: u64, end: u64) -> Result<(Header, usize), String> {
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
            (DATA_PART | DICTIONARY_PART | DATA_V2_PART, STRUCT) => part(&mut thrift, number, &mut found)?,
            (1..=4 | DATA_PART | DICTIONARY_PART | DATA_V2_PART, _) => return Err(mistyped(number)),
            (_, code) => thrift.pass_field(code, 1)?,
        }
    }
    found.kind = kind.ok_or("it has no page type")?;
    found.body = body.ok_or("it has no size")?;
    Ok((found, thrift.position()))
}

/// Reads the part of a header that its kind of page has for itself.
fn part(thrift: &mut Thrift<'_>, kind: i64, found: &mut Header) -> Result<(), String> {
    let mut last = 0;
    let second = kind == DATA_V2_PART;
    while let Some((number, code)) = thrift.field(last)? {
        last = number;
        match (number, code) {
            (1, 4..=6) => found.slots = length(thrift)?,
            (5 | 6, 4..=6) if second => found.levels = found.levels.saturating_add(length(thrift)?),
            (7, BOOLEAN_TRUE | BOOLEAN_FALSE) if second => found.plain = code == BOOLEAN_FALSE,
            (5..=7, _) if second => return Err(mistyped(number)),
            (2 | 3 | 4 | 6, 4..=6) => drop(int32(thrift)?),
            (1..=4, BINARY..) => return Err(mistyped(number)),
            (_, code) => thrift.pass_field(code, 2)?,
        }
    }
    Ok(())
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
        let expected = Header { uncompressed: 10, body: 5, slots: 3, ..Header::default() };
        assert_eq!(header(&bytes).unwrap(), (expected, 13));
        assert!(header(&bytes[..12]).is_err(), "cut off");
    }

    #[test]
    fn a_page_of_the_second_version_has_levels_before_what_is_compressed() {
        // Three values, no null, three rows; plain; 4 bytes of definition levels, 2 of repetition levels; not compressed.
        let v2 = [0x15, 0x06, 0x15, 0x00, 0x15, 0x06, 0x15, 0x00, 0x15, 0x08, 0x15, 0x04, 0x12, 0x00];
        let bytes = [&[0x15, 0x06, 0x15, 0x14, 0x15, 0x14, 0x5c][..], &v2, &[0x00]].concat();
        let (found, length) = header(&bytes).unwrap();
        assert_eq!(length, bytes.len());
        assert!(found.is_data() && !found.is_dictionary());
        let expected = Header { kind: 3, uncompressed: 10, body: 10, slots: 3, levels: 6, plain: true };
        assert_eq!(found, expected);
        let compressed =
            bytes.iter().map(|byte| if *byte == 0x12 { 0x11 } else { *byte }).collect::<Vec<_>>();
        assert!(!header(&compressed).unwrap().0.plain);
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
}
