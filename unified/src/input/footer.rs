//! Reads the footers of input segments, those of parquet-go included.
//!
//! parquet-go leaves out an optional field that holds zero, so in a file of several row groups the first has no ordinal and the
//! others have theirs. The `parquet` crate refuses such a footer ("inconsistent ordinal assignment"). Here:
//!
//! 1. the structure of the footer is checked (module `structure`), then the crate decodes it; if it can, that is all;
//! 2. if not, the footer's Thrift (compact protocol) is walked to the end of the first row group. Where that has no ordinal and
//!    the second has one, `ordinal = 0` is inserted, and the crate decodes the result;
//! 3. otherwise the crate's own error stands.
//!
//! Cost: one pass over the footer, another one where the crate fails. Nothing else in a footer is interpreted or changed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::input::structure;
use crate::memory_plan::FOOTER;

/// Footer length and magic at the end of each file.
const TAIL: u64 = 8;
/// Bytes at the beginning of each file.
const MAGIC: u64 = 4;
/// Field ids of the Parquet format.
const ROW_GROUPS: i16 = 4;
const ORDINAL: i16 = 7;
/// Types of the compact protocol.
const I16: u8 = 4;
const LIST: u8 = 9;
const STRUCT: u8 = 12;
/// Structs in structs: real footers need five.
const MAX_DEPTH: usize = 32;

/// Metadata of a file, without its page indexes.
///
/// # Errors
/// The file is no Parquet file, its footer is encrypted, broken, or larger than `largest` bytes.
pub(crate) fn read_metadata(mut file: &File, largest: u64) -> Result<ParquetMetaData> {
    let refused = |message: String| Err(ParquetError::General(message));
    let end = file.seek(SeekFrom::End(0))?;
    if end < TAIL + MAGIC {
        return refused(format!("{end} bytes are too few"));
    }
    file.seek(SeekFrom::Start(end - TAIL))?;
    let mut tail = [0; TAIL as usize];
    file.read_exact(&mut tail)?;
    let [length @ .., p, a, r, last] = tail;
    match &[p, a, r, last] {
        b"PAR1" => {}
        b"PARE" => return refused("its footer is encrypted; write it without encryption".to_owned()),
        _ => return refused("it does not end in PAR1".to_owned()),
    }
    let length = u64::from(u32::from_le_bytes(length));
    if length > end - TAIL - MAGIC {
        return refused(format!("it announces a footer of {length} bytes in a file of {end}"));
    }
    if length > largest {
        return refused(format!(
            "its footer has {length} bytes, and the memory limit allows for {largest}; \
             raise the memory limit (--memory-limit) to at least {} or write fewer row groups into a file",
            FOOTER.limit_for(length)
        ));
    }
    file.seek(SeekFrom::Start(end - TAIL - length))?;
    let mut footer = vec![0; usize::try_from(length)?];
    file.read_exact(&mut footer)?;
    decode_metadata(&footer)
}

fn decode_metadata(footer: &[u8]) -> Result<ParquetMetaData> {
    structure::check(footer).map_err(ParquetError::General)?;
    let decode = |bytes: &[u8]| guarded(|| ParquetMetaDataReader::decode_metadata(bytes));
    decode(footer).or_else(|error| with_first_ordinal(footer).map_or(Err(error), |bytes| decode(&bytes)))
}

/// Runs `work` of the Parquet crate, which panics on some malformed bytes: that is an error too.
pub(crate) fn guarded<T, E: From<ParquetError>>(
    work: impl FnOnce() -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(ParquetError::General(format!("the file is damaged: the Parquet reader gave up: {said}")).into())
    })
}

fn with_first_ordinal(footer: &[u8]) -> Option<Vec<u8>> {
    let mut walk = Walk { bytes: footer, at: 0 };
    let mut last = 0;
    while let Some((id, of)) = walk.field(last)? {
        last = id;
        if id != ROW_GROUPS || of != LIST {
            walk.skip(of, 0)?;
            continue;
        }
        let (groups, of) = walk.list()?;
        if groups < 2 || of != STRUCT {
            return None;
        }
        let first = walk.fields()?;
        let stop = walk.at - 1;
        let second = walk.fields()?;
        let before = first.last().copied().unwrap_or(0);
        if before >= ORDINAL || !second.contains(&ORDINAL) {
            return None;
        }
        // A field header with the distance from the field before, and zero as a zigzag number.
        let header = (u8::try_from(ORDINAL - before).ok()? << 4) | I16;
        return Some([&footer[..stop], &[header, 0], &footer[stop..]].concat());
    }
    None
}

/// A walk over Thrift's compact protocol; none where the bytes make no sense.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn advance(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|at| *at <= self.bytes.len())?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.varint()?).ok()
    }

    /// Id and type of the next field of a struct; `Some(None)` at its end.
    fn field(&mut self, last: i16) -> Option<Option<(i16, u8)>> {
        let header = self.byte()?;
        if header == 0 {
            return Some(None);
        }
        let id = match i16::from(header >> 4) {
            0 => {
                let zigzag = self.varint()?;
                i16::try_from((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)).ok()?
            }
            distance => last.checked_add(distance)?,
        };
        Some(Some((id, header & 0x0f)))
    }

    /// Count and type of a list's elements.
    fn list(&mut self) -> Option<(usize, u8)> {
        let header = self.byte()?;
        let count = match usize::from(header >> 4) {
            15 => self.length()?,
            count => count,
        };
        Some((count, header & 0x0f))
    }

    /// Passes over a struct and yields its field ids.
    fn fields(&mut self) -> Option<Vec<i16>> {
        self.fields_at(0)
    }

    fn fields_at(&mut self, depth: usize) -> Option<Vec<i16>> {
        let mut ids: Vec<i16> = Vec::new();
        while let Some((id, of)) = self.field(ids.last().copied().unwrap_or(0))? {
            self.skip(of, depth + 1)?;
            ids.push(id);
        }
        Some(ids)
    }

    /// Passes over a value. Booleans in structs live in the field header; in lists they are a byte.
    fn skip(&mut self, of: u8, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match of {
            1 | 2 => Some(()),
            3 => self.advance(1),
            4..=6 => self.varint().map(drop),
            7 => self.advance(8),
            8 => {
                let length = self.length()?;
                self.advance(length)
            }
            LIST | 10 => {
                let (count, of) = self.list()?;
                for _ in 0..count {
                    if matches!(of, 1 | 2) { self.advance(1) } else { self.skip(of, depth + 1) }?;
                }
                Some(())
            }
            11 => {
                let count = self.length()?;
                let types = if count == 0 { 0 } else { self.byte()? };
                for of in (0..count).flat_map(|_| [types >> 4, types & 0x0f]) {
                    if matches!(of, 1 | 2) { self.advance(1) } else { self.skip(of, depth + 1) }?;
                }
                Some(())
            }
            STRUCT => self.fields_at(depth + 1).map(drop),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row group with a row count (field 3) and, if asked for, an ordinal.
    fn row_group(ordinal: Option<u8>) -> Vec<u8> {
        let mut bytes = vec![0x36, 0x02];
        bytes.extend(ordinal.map(|zigzag| [0x44, zigzag]).into_iter().flatten());
        bytes.push(0);
        bytes
    }

    /// Version (field 1), then the row groups (field 4), then a string (field 6).
    fn footer(groups: &[Vec<u8>]) -> Vec<u8> {
        let count = u8::try_from(groups.len()).expect("few groups");
        let head = [0x15, 0x04, 0x39, (count << 4) | STRUCT];
        [&head[..], &groups.concat(), &[0x28, 0x01, b'x', 0x00]].concat()
    }

    #[test]
    fn the_first_ordinal_is_filled_in_where_only_it_is_missing() {
        let lacking = footer(&[row_group(None), row_group(Some(2))]);
        let whole = footer(&[row_group(Some(0)), row_group(Some(2))]);
        assert_eq!(with_first_ordinal(&lacking), Some(whole.clone()));
        assert_eq!(with_first_ordinal(&whole), None);
        assert_eq!(with_first_ordinal(&footer(&[row_group(None), row_group(None)])), None);
        assert_eq!(with_first_ordinal(&footer(&[row_group(None)])), None);
    }

    #[test]
    fn garbage_is_no_footer_and_no_panic() {
        let good = footer(&[row_group(None), row_group(Some(2))]);
        for cut in 0..good.len() - 4 {
            assert_eq!(with_first_ordinal(&good[..cut]), None);
        }
        assert_eq!(with_first_ordinal(&[0x1c; 200]), None);
        assert_eq!(with_first_ordinal(&[0xff; 64]), None);
    }
}
