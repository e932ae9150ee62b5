//! Why a column cannot be read, and the way out: a column that is not compared is not read.
//!
//! The Parquet crate passes over what a footer says of encryption, and then meets bytes that make no sense; for one codec that it does
//! not know it refuses the whole footer. So where a column could not be read its footer is looked at once more.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use corpora::thrift::{BINARY, LIST, STRUCT, Thrift};
use reports::manifest::ErrorClass;

use crate::error::Error;

/// An error met in a column of a row group with the reason that the footer names, and with the way out. `column` is the path of a
/// leaf, its first part the name of the column. Errors of other classes than `input` stay as they are.
pub(super) fn of_column(path: &Path, row_group: usize, column: &[String], error: Error) -> Error {
    let Some(root) = column.first() else { return error };
    if error.class != ErrorClass::Input || error.message.contains(WAY_OUT) {
        return error;
    }
    let leave_out = format!("{WAY_OUT} {root}=REASON leaves the column out");
    let why = match stated(path, row_group, column) {
        Some(Stated { encrypted: true, .. }) => Some("is encrypted, and no key is known".to_owned()),
        Some(Stated { codec, .. }) if codec > LAST_CODEC => {
            Some(format!("is compressed with codec {codec}, which this program does not know"))
        }
        _ => None,
    };
    if let Some(why) = why {
        let message = format!("{}: row group {row_group}: column {root} {why}; {leave_out}", path.display());
        return Error { message, ..error };
    }
    let place = format!("row group {row_group}");
    let named = format!("{place}, column {:?}", column.join("."));
    let message = if error.message.contains(&named) {
        error.message.clone()
    } else if error.message.contains(&place) {
        error.message.replacen(&place, &named, 1)
    } else {
        format!("{}: {named}", error.message)
    };
    Error { message: format!("{message}; {leave_out}"), ..error }
}

const WAY_OUT: &str = "--ignore-columns";

/// Code of a 32-bit integer in the compact protocol.
const INT32: u8 = 5;

/// The highest number of a codec that the format defines.
const LAST_CODEC: i64 = 7;

/// The number of a codec that is defined and cannot be decoded here: LZO.
const UNDECODED: i64 = 3;

/// What a footer states of a chunk.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stated {
    encrypted: bool,
    codec: i64,
}

/// What the footer states of a chunk; absent where it cannot be read so far.
fn stated(path: &Path, row_group: usize, column: &[String]) -> Option<Stated> {
    let footer = footer(path)?;
    let mut found = None;
    chunks(&footer, &mut |group, chunk| {
        if group == row_group && chunk.path.iter().copied().eq(column.iter().map(|part| part.as_bytes())) {
            found = Some(Stated { encrypted: chunk.encrypted, codec: chunk.codec });
        }
    })?;
    found
}

/// A column chunk in a footer.
#[derive(Debug, Default)]
struct Chunk<'a> {
    path: Vec<&'a [u8]>,
    encrypted: bool,
    codec: i64,
    /// Where the codec stands.
    place: std::ops::Range<usize>,
}

/// Calls `each` with the number of the row group and the chunk; `None` where the footer makes no sense.
fn chunks<'a>(footer: &'a [u8], each: &mut dyn FnMut(usize, Chunk<'a>)) -> Option<()> {
    let mut thrift = Thrift::new(footer);
    fields(&mut thrift, &mut |thrift, field| {
        if field != (4, LIST) {
            return Some(false);
        }
        for group in 0..usize::try_from(list(thrift, STRUCT)?).ok()? {
            fields(thrift, &mut |thrift, field| {
                if field != (1, LIST) {
                    return Some(false);
                }
                for _ in 0..list(thrift, STRUCT)? {
                    each(group, chunk(thrift)?);
                }
                Some(true)
            })?;
        }
        Some(true)
    })
}

fn chunk<'a>(thrift: &mut Thrift<'a>) -> Option<Chunk<'a>> {
    let mut chunk = Chunk::default();
    fields(thrift, &mut |thrift, field| {
        chunk.encrypted |= field.0 == 8;
        if field != (3, STRUCT) {
            return Some(false);
        }
        fields(thrift, &mut |thrift, field| match field {
            (3, LIST) => {
                for _ in 0..list(thrift, BINARY)? {
                    chunk.path.push(thrift.binary().ok()?);
                }
                Some(true)
            }
            (4, INT32) => {
                let start = thrift.position();
                chunk.codec = thrift.zigzag().ok()?;
                chunk.place = start..thrift.position();
                Some(true)
            }
            _ => Some(false),
        })?;
        Some(true)
    })?;
    Some(chunk)
}

/// Takes a field by number and type, and says whether it passed over the value.
type Take<'t, 'a> = dyn FnMut(&mut Thrift<'a>, (i64, u8)) -> Option<bool> + 't;

/// Calls `take` with each field of a structure; a value that it does not take is passed over.
fn fields<'a>(thrift: &mut Thrift<'a>, take: &mut Take<'_, 'a>) -> Option<()> {
    let mut last = 0;
    while let Some((number, kind)) = thrift.field(last).ok()? {
        last = number;
        if !take(thrift, (number, kind))? {
            thrift.pass_field(kind, 0).ok()?;
        }
    }
    Some(())
}

/// A footer whose chunks of an unknown codec state one that cannot be decoded either: the Parquet crate refuses the whole footer
/// for one such chunk, and its other columns could be read. `None` where there is no such chunk.
pub(super) fn of_known_codecs(footer: &[u8]) -> Option<Vec<u8>> {
    let mut unknown = Vec::new();
    chunks(footer, &mut |_, chunk| {
        if !(0..=LAST_CODEC).contains(&chunk.codec) {
            unknown.push(chunk.place);
        }
    })?;
    if unknown.is_empty() {
        return None;
    }
    let (mut known, mut from) = (Vec::with_capacity(footer.len()), 0);
    for place in unknown {
        known.extend_from_slice(footer.get(from..place.start)?);
        // As a zigzag number.
        known.push(u8::try_from(UNDECODED << 1).ok()?);
        from = place.end;
    }
    known.extend_from_slice(footer.get(from..)?);
    Some(known)
}

/// The number of elements of a list of that type.
fn list(thrift: &mut Thrift<'_>, kind: u8) -> Option<u64> {
    let header = thrift.byte().ok()?;
    let length = if header >> 4 == 0x0f { thrift.varint().ok()? } else { u64::from(header >> 4) };
    thrift.room(length).ok()?;
    (header & 0x0f == kind).then_some(length)
}

fn footer(path: &Path) -> Option<Vec<u8>> {
    let mut file = corpora::regular::open(path).ok()?;
    let end = file.seek(SeekFrom::End(-8)).ok()?;
    let mut tail = [0; 8];
    file.read_exact(&mut tail).ok()?;
    let length = u64::from(u32::from_le_bytes(*tail.first_chunk()?));
    file.seek(SeekFrom::Start(end.checked_sub(length)?)).ok()?;
    let mut footer = Vec::new();
    file.take(length).read_to_end(&mut footer).ok()?;
    Some(footer)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, ListArray};
    use arrow::datatypes::Int32Type;

    use super::*;
    use crate::check::fixture::ints;
    use crate::output::testing::write;

    fn parts(names: &[&str]) -> Vec<String> {
        names.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn an_error_names_its_column_and_the_way_out_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)])]);
        let list: ArrayRef = std::sync::Arc::new(list);
        write(&path, &vec![("n", ints(&[1])), ("l", list)]);
        let leaf = parts(&["l", "list", "item"]);
        assert_eq!(stated(&path, 0, &leaf), Some(Stated { encrypted: false, codec: 6 }));
        assert_eq!(stated(&path, 1, &leaf), None);
        assert_eq!(stated(&path, 0, &parts(&["m"])), None);
        assert_eq!(of_known_codecs(&footer(&path).unwrap()), None);
        let error = Error::unreadable_at(&path, "row group 0: ", "odd bytes");
        let named = of_column(&path, 0, &leaf, error);
        let end =
            "row group 0, column \"l.list.item\": odd bytes; --ignore-columns l=REASON leaves the column out";
        assert!(named.message.ends_with(end), "{}", named.message);
        let again = of_column(&path, 0, &leaf, Error::input(named.message.clone()));
        assert_eq!(again.message, named.message);
    }
}
