//! Reads footers, those of old writers included, for segments and (through the harness) for outputs.
//!
//! 1. The structure of the footer is looked at (see `structure`), then the crate decodes it; if it can, that is all.
//! 2. If not, the footer is rewritten without what other readers pass over (see [`crate::repair`]), and the crate decodes the result.
//! 3. If it still cannot, its first error stands.
//!
//! Logical types of later versions of the format are taken off numbers, which the crate would refuse.
//!
//! Cost: the footer once more, and only where the crate fails.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::repair::{self, Defect};
use crate::stated::without_unknown_numbers;
use crate::structure;

/// Footer length and magic at the end of each file.
const TAIL: u64 = 8;

/// Metadata of a file, without its page indexes.
///
/// # Errors
/// The file is no Parquet file, or its footer is broken.
pub fn read_metadata(file: &File) -> Result<ParquetMetaData> {
    decode_metadata(&read_bytes(file)?)
}

/// The Thrift bytes of a file's footer.
///
/// # Errors
/// The file is no Parquet file, or cannot be read.
pub fn read_bytes(mut file: &File) -> Result<Vec<u8>> {
    let short = || ParquetError::General("the file is too short for its footer".to_owned());
    let end = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(end.checked_sub(TAIL).ok_or_else(short)?))?;
    let mut tail = [0; TAIL as usize];
    file.read_exact(&mut tail)?;
    let [length @ .., p, a, r, one] = tail;
    if &[p, a, r, one] != b"PAR1" {
        return Err(ParquetError::General("the file does not end in PAR1".to_owned()));
    }
    let length = u32::from_le_bytes(length);
    file.seek(SeekFrom::Start(end.checked_sub(TAIL + u64::from(length)).ok_or_else(short)?))?;
    let mut footer = vec![0; usize::try_from(length)?];
    file.read_exact(&mut footer)?;
    Ok(footer)
}

/// What a footer is refused for because it nests deeper than this program reads; absent for any other footer, sound or not.
#[must_use]
pub fn beyond_nesting(footer: &[u8]) -> Option<String> {
    structure::check(footer).err().filter(|refusal| structure::is_nesting(refusal))
}

/// Metadata from the Thrift bytes of a footer.
///
/// # Errors
/// The footer is broken.
pub fn decode_metadata(footer: &[u8]) -> Result<ParquetMetaData> {
    decode(footer).map(|(metadata, _)| metadata)
}

/// Metadata from the Thrift bytes of a footer, and what in it readers have to pass over.
///
/// # Errors
/// The footer is broken.
pub fn decode(footer: &[u8]) -> Result<(ParquetMetaData, Vec<Defect>)> {
    let error = match decode_sound(footer) {
        Ok(metadata) => return Ok((metadata, Vec::new())),
        Err(error) => error,
    };
    let Some(repaired) = repair::repair(footer) else { return Err(error) };
    let parts: Result<Vec<ParquetMetaData>> = repaired.parts.iter().map(|part| decode_sound(part)).collect();
    match parts.ok().and_then(joined) {
        Some(metadata) => Ok((metadata, repaired.defects)),
        None => Err(error),
    }
}

fn decode_sound(footer: &[u8]) -> Result<ParquetMetaData> {
    structure::check(footer).map_err(ParquetError::General)?;
    let known = without_unknown_numbers(footer);
    let footer = known.as_deref().unwrap_or(footer);
    guarded(|| ParquetMetaDataReader::decode_metadata(footer))
}

/// One footer with the row groups of all.
fn joined(parts: Vec<ParquetMetaData>) -> Option<ParquetMetaData> {
    let mut parts = parts.into_iter();
    let first = parts.next()?;
    if parts.len() == 0 {
        return Some(first);
    }
    let mut whole = first.into_builder();
    for part in parts {
        for group in part.into_builder().take_row_groups() {
            whole = whole.add_row_group(group);
        }
    }
    Some(whole.build())
}

/// Runs `work` of the Parquet crate, which panics on some malformed bytes: that is an error too.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(ParquetError::General(format!("the Parquet reader gave up: {said}")))
    })
}
