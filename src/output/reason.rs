//! Why a column cannot be read, and the way out: a column that nobody compares is not read.
//!
//! The Parquet crate passes over what a footer says of encryption, and then meets bytes that make no sense. So where a column
//! could not be read its footer is looked at once more.

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
    if encrypted(path, row_group, column).unwrap_or(false) {
        let message = format!(
            "{}: row group {row_group}: column {root} is encrypted, and no key is known; {leave_out}",
            path.display()
        );
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

/// Whether the footer says that a chunk is encrypted; absent where it cannot be read so far.
fn encrypted(path: &Path, row_group: usize, column: &[String]) -> Option<bool> {
    let footer = footer(path)?;
    let mut thrift = Thrift::new(&footer);
    at(&mut thrift, 4)?;
    element(&mut thrift, row_group)?;
    at(&mut thrift, 1)?;
    let chunks = list(&mut thrift)?;
    for _ in 0..chunks {
        let (mut last, mut keyed, mut same) = (0, false, false);
        while let Some((number, kind)) = thrift.field(last).ok()? {
            last = number;
            match number {
                3 if kind == STRUCT => same = names(&mut thrift, column)?,
                8 => {
                    keyed = true;
                    thrift.pass_field(kind, 0).ok()?;
                }
                _ => thrift.pass_field(kind, 0).ok()?,
            }
        }
        if same {
            return Some(keyed);
        }
    }
    None
}

/// Whether the metadata of a chunk is that of a column. Passes over it.
fn names(thrift: &mut Thrift<'_>, column: &[String]) -> Option<bool> {
    let (mut last, mut same) = (0, false);
    while let Some((number, kind)) = thrift.field(last).ok()? {
        last = number;
        if number == 3 && kind == LIST {
            let parts = list_of(thrift, BINARY)?;
            same = parts == column.len() as u64;
            for part in 0..parts {
                let name = thrift.binary().ok()?;
                let wanted = usize::try_from(part).ok().and_then(|part| column.get(part));
                same &= wanted.is_some_and(|wanted| wanted.as_bytes() == name);
            }
        } else {
            thrift.pass_field(kind, 0).ok()?;
        }
    }
    Some(same)
}

/// Goes on to the value of a field of a structure.
fn at(thrift: &mut Thrift<'_>, wanted: i64) -> Option<()> {
    let mut last = 0;
    while let Some((number, kind)) = thrift.field(last).ok()? {
        last = number;
        if number == wanted {
            return Some(());
        }
        thrift.pass_field(kind, 0).ok()?;
    }
    None
}

/// Goes on to an element of a list of structures.
fn element(thrift: &mut Thrift<'_>, wanted: usize) -> Option<()> {
    let elements = list(thrift)?;
    if wanted as u64 >= elements {
        return None;
    }
    (0..wanted).try_for_each(|_| thrift.pass_field(STRUCT, 0).ok())
}

/// The number of elements of a list of structures.
fn list(thrift: &mut Thrift<'_>) -> Option<u64> {
    list_of(thrift, STRUCT)
}

fn list_of(thrift: &mut Thrift<'_>, kind: u8) -> Option<u64> {
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
        assert_eq!(encrypted(&path, 0, &leaf), Some(false));
        assert_eq!(encrypted(&path, 1, &leaf), None);
        assert_eq!(encrypted(&path, 0, &parts(&["m"])), None);
        let error = Error::unreadable_at(&path, "row group 0: ", "odd bytes");
        let named = of_column(&path, 0, &leaf, error);
        let end =
            "row group 0, column \"l.list.item\": odd bytes; --ignore-columns l=REASON leaves the column out";
        assert!(named.message.ends_with(end), "{}", named.message);
        let again = of_column(&path, 0, &leaf, Error::input(named.message.clone()));
        assert_eq!(again.message, named.message);
    }
}
