//! What a footer states, as it stands in the Thrift: field ids, annotations, places, sizes, encodings, and which statistics there are.
//!
//! The Parquet crate drops some of it (field ids of groups, annotations that it does not know) and fills in other parts. Here an
//! absent field stays absent. Fields of an unexpected type are passed over: they state nothing. Cost: one pass over the footer.

use std::collections::BTreeMap;

use crate::thrift::{BINARY, BOOLEAN_FALSE, BOOLEAN_TRUE, BYTE, LIST, STRUCT, Thrift};

/// What a footer states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    /// The schema's elements, depth first, as they stand there; the first is the root.
    pub elements: Vec<Element>,
    /// Row groups in the order of the file.
    pub row_groups: Vec<RowGroup>,
    /// Key-value metadata; of a key that is there twice, the last value.
    pub keys: BTreeMap<String, String>,
    /// Order of each leaf column's bounds by its number in the format (1: the order of the type); empty where none is stated. Readers
    /// ignore bounds in the fields `min_value` and `max_value` of a column whose order is not stated.
    pub column_orders: Vec<i64>,
}

/// One element of the schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Name.
    pub name: String,
    /// Physical type by its number in the format; absent for a group.
    pub physical: Option<i64>,
    /// Repetition by its number: 2 is repeated.
    pub repetition: Option<i64>,
    /// Number of children.
    pub children: usize,
    /// Converted type by its number.
    pub converted: Option<i64>,
    /// Scale, where the converted type is DECIMAL.
    pub scale: Option<i64>,
    /// Precision, where the converted type is DECIMAL.
    pub precision: Option<i64>,
    /// Field id.
    pub id: Option<i64>,
    /// Logical type.
    pub logical: Option<Logical>,
}

/// A logical type as it stands in the footer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logical {
    /// Number of the type in the format's union.
    pub number: i64,
    /// Its parameters by field number: numbers, booleans (0 or 1).
    pub numbers: BTreeMap<i64, i64>,
    /// Its parameters that are texts.
    pub texts: BTreeMap<i64, String>,
    /// Its parameters as they stand in the footer.
    pub bytes: Vec<u8>,
}

impl Logical {
    /// Whether the format had the type when this was written (version 2.12).
    #[must_use]
    pub fn known(&self) -> bool {
        matches!(self.number, 1..=8 | 10..=18)
    }
}

/// One row group. Sizes and places in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowGroup {
    /// Where its first page begins.
    pub file_offset: Option<i64>,
    /// All its chunks before compression.
    pub total_byte_size: Option<i64>,
    /// All its chunks as they are in the file.
    pub total_compressed_size: Option<i64>,
    /// Column chunks in the order of the schema.
    pub chunks: Vec<Chunk>,
}

/// One column chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    /// The file in which its pages lie, where that is not this one.
    pub file_path: Option<String>,
    /// Encodings by their numbers in the format.
    pub encodings: Vec<i64>,
    /// Page type, encoding, and number of pages.
    pub encoding_stats: Vec<[i64; 3]>,
    /// Which fields of the statistics are there, by number; absent fields have false.
    pub statistics: [bool; 9],
}

impl Stated {
    /// Reads the Thrift bytes of a footer.
    ///
    /// # Errors
    /// What is broken, as a fragment.
    pub fn of(footer: &[u8]) -> Result<Self, String> {
        Self::read(footer, true)
    }

    /// The same without row groups, of which a file may have very many.
    ///
    /// # Errors
    /// What is broken, as a fragment.
    pub fn of_schema(footer: &[u8]) -> Result<Self, String> {
        Self::read(footer, false)
    }

    fn read(footer: &[u8], whole: bool) -> Result<Self, String> {
        let mut stated = Self::default();
        let mut thrift = Thrift::new(footer);
        fields(&mut thrift, |thrift, number, kind| match (number, kind) {
            (2, LIST) => list(thrift, |thrift| element(thrift).map(|it| stated.elements.push(it))),
            (4, LIST) if whole => {
                list(thrift, |thrift| row_group(thrift).map(|it| stated.row_groups.push(it)))
            }
            (5, LIST) => list(thrift, |thrift| {
                let (key, value) = pair(thrift)?;
                stated.keys.insert(key, value);
                Ok(())
            }),
            (7, LIST) => list(thrift, |thrift| {
                let mut order = 0;
                fields(thrift, |thrift, number, kind| {
                    order = number;
                    thrift.pass_field(kind, 3)
                })?;
                stated.column_orders.push(order);
                Ok(())
            }),
            _ => thrift.pass_field(kind, 1),
        })?;
        Ok(stated)
    }
}

/// The footer without logical types of the future on numbers, where it has such: readers take those columns for plain numbers, and the
/// Parquet crate refuses them.
pub(crate) fn without_unknown_numbers(footer: &[u8]) -> Option<Vec<u8>> {
    let mut cut: Vec<std::ops::Range<usize>> = Vec::new();
    let mut thrift = Thrift::new(footer);
    fields(&mut thrift, |thrift, number, kind| match (number, kind) {
        (2, LIST) => list(thrift, |thrift| unknown_number(thrift, footer).map(|range| cut.extend(range))),
        _ => thrift.pass_field(kind, 1),
    })
    .ok()?;
    let last = cut.last()?.end;
    let starts = std::iter::once(0).chain(cut.iter().map(|range| range.end));
    let kept = starts.zip(&cut).flat_map(|(start, range)| footer[start..range.start].iter().copied());
    Some(kept.chain(footer[last..].iter().copied()).collect())
}

/// Where an element of the schema has such a logical type as its last field.
fn unknown_number(thrift: &mut Thrift<'_>, footer: &[u8]) -> Result<Option<std::ops::Range<usize>>, String> {
    let (mut last, mut physical, mut found) = (0, None, None);
    loop {
        let start = thrift.position();
        let Some((number, kind)) = thrift.field(last)? else { return Ok(found) };
        last = number;
        match (number, kind) {
            (1, 4..=6) => physical = Some(thrift.zigzag()?),
            (10, STRUCT) => {
                let unknown = logical(thrift)?.is_some_and(|it| !it.known());
                let end = thrift.position();
                // INT32 or INT64, and the structure ends here.
                if unknown && matches!(physical, Some(1 | 2)) && footer.get(end) == Some(&0) {
                    found = Some(start..end);
                }
            }
            _ => thrift.pass_field(kind, 2)?,
        }
    }
}

type Step = Result<(), String>;

/// Hands every field of a structure to `take`, which reads or passes over its value.
fn fields(thrift: &mut Thrift<'_>, mut take: impl FnMut(&mut Thrift<'_>, i64, u8) -> Step) -> Step {
    let mut last = 0;
    while let Some((number, kind)) = thrift.field(last)? {
        last = number;
        take(thrift, number, kind)?;
    }
    Ok(())
}

/// Hands every structure of a list to `take`; elements of another type are passed over.
fn list(thrift: &mut Thrift<'_>, mut take: impl FnMut(&mut Thrift<'_>) -> Step) -> Step {
    elements(thrift, |thrift, kind| if kind == STRUCT { take(thrift) } else { thrift.pass_field(kind, 2) })
}

fn elements(thrift: &mut Thrift<'_>, mut take: impl FnMut(&mut Thrift<'_>, u8) -> Step) -> Step {
    let header = thrift.byte()?;
    let length = if header >> 4 == 0x0f { thrift.varint()? } else { u64::from(header >> 4) };
    thrift.room(length)?;
    crate::thrift::of_booleans(length, header & 0x0f)?;
    (0..length).try_for_each(|_| take(thrift, header & 0x0f))
}

fn text(thrift: &mut Thrift<'_>) -> Result<String, String> {
    Ok(crate::repair::legible(thrift.binary()?).into_owned())
}

fn pair(thrift: &mut Thrift<'_>) -> Result<(String, String), String> {
    let (mut key, mut value) = (String::new(), String::new());
    fields(thrift, |thrift, number, kind| {
        match (number, kind) {
            (1, BINARY) => key = text(thrift)?,
            (2, BINARY) => value = text(thrift)?,
            _ => thrift.pass_field(kind, 2)?,
        }
        Ok(())
    })?;
    Ok((key, value))
}

fn element(thrift: &mut Thrift<'_>) -> Result<Element, String> {
    let mut element = Element::default();
    fields(thrift, |thrift, number, kind| {
        match (number, kind) {
            (1, 4..=6) => element.physical = Some(thrift.zigzag()?),
            (3, 4..=6) => element.repetition = Some(thrift.zigzag()?),
            (4, BINARY) => element.name = text(thrift)?,
            (5, 4..=6) => element.children = usize::try_from(thrift.zigzag()?).unwrap_or(0),
            (6, 4..=6) => element.converted = Some(thrift.zigzag()?),
            (7, 4..=6) => element.scale = Some(thrift.zigzag()?),
            (8, 4..=6) => element.precision = Some(thrift.zigzag()?),
            (9, 4..=6) => element.id = Some(thrift.zigzag()?),
            (10, STRUCT) => element.logical = logical(thrift)?,
            _ => thrift.pass_field(kind, 2)?,
        }
        Ok(())
    })?;
    Ok(element)
}

fn logical(thrift: &mut Thrift<'_>) -> Result<Option<Logical>, String> {
    let mut found = None;
    fields(thrift, |thrift, number, kind| {
        if kind != STRUCT {
            return thrift.pass_field(kind, 3);
        }
        let mut logical = Logical { number, ..Logical::default() };
        let start = thrift.position();
        fields(thrift, |thrift, field, kind| {
            let value = match kind {
                BOOLEAN_TRUE | BOOLEAN_FALSE => i64::from(kind == BOOLEAN_TRUE),
                BYTE => i64::from(thrift.byte()?),
                4..=6 => thrift.zigzag()?,
                BINARY => {
                    logical.texts.insert(field, text(thrift)?);
                    return Ok(());
                }
                // The unit of a time: a union whose member's number is all there is to it.
                STRUCT => {
                    let mut member = 0;
                    fields(thrift, |thrift, number, kind| {
                        member = number;
                        thrift.pass_field(kind, 4)
                    })?;
                    member
                }
                _ => return thrift.pass_field(kind, 4),
            };
            logical.numbers.insert(field, value);
            Ok(())
        })?;
        logical.bytes = thrift.since(start).to_vec();
        found = Some(logical);
        Ok(())
    })?;
    Ok(found)
}

fn row_group(thrift: &mut Thrift<'_>) -> Result<RowGroup, String> {
    let mut group = RowGroup::default();
    fields(thrift, |thrift, number, kind| {
        match (number, kind) {
            (1, LIST) => list(thrift, |thrift| chunk(thrift).map(|it| group.chunks.push(it)))?,
            (2, 4..=6) => group.total_byte_size = Some(thrift.zigzag()?),
            (5, 4..=6) => group.file_offset = Some(thrift.zigzag()?),
            (6, 4..=6) => group.total_compressed_size = Some(thrift.zigzag()?),
            _ => thrift.pass_field(kind, 2)?,
        }
        Ok(())
    })?;
    Ok(group)
}

fn chunk(thrift: &mut Thrift<'_>) -> Result<Chunk, String> {
    let mut chunk = Chunk::default();
    fields(thrift, |thrift, number, kind| match (number, kind) {
        (1, BINARY) => {
            chunk.file_path = Some(text(thrift)?);
            Ok(())
        }
        (3, STRUCT) => column(thrift, &mut chunk),
        _ => thrift.pass_field(kind, 3),
    })?;
    Ok(chunk)
}

fn column(thrift: &mut Thrift<'_>, chunk: &mut Chunk) -> Step {
    fields(thrift, |thrift, number, kind| match (number, kind) {
        (2, LIST) => elements(thrift, |thrift, kind| match kind {
            4..=6 => {
                chunk.encodings.push(thrift.zigzag()?);
                Ok(())
            }
            _ => thrift.pass_field(kind, 4),
        }),
        (12, STRUCT) => fields(thrift, |thrift, number, kind| {
            if let Some(there) = usize::try_from(number).ok().and_then(|it| chunk.statistics.get_mut(it)) {
                *there = true;
            }
            thrift.pass_field(kind, 5)
        }),
        (13, LIST) => list(thrift, |thrift| {
            let mut pages = [0; 3];
            fields(thrift, |thrift, number, kind| {
                let at = usize::try_from(number - 1).ok().and_then(|it| pages.get_mut(it));
                match (at, kind) {
                    (Some(at), 4..=6) => *at = thrift.zigzag()?,
                    _ => thrift.pass_field(kind, 5)?,
                }
                Ok(())
            })?;
            chunk.encoding_stats.push(pages);
            Ok(())
        }),
        _ => thrift.pass_field(kind, 4),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_id_an_unknown_annotation_and_a_key_are_read_and_what_is_absent_stays_absent() {
        // Schema of one element "a": field id 7, logical type 30 without parameters; key "k" with value "v".
        let footer = [
            0x29, 0x1c, 0x48, 0x01, b'a', 0x55, 0x0e, 0x1c, 0x0c, 0x3c, 0x00, 0x00, 0x00, 0x39, 0x1c, 0x18,
            0x01, b'k', 0x18, 0x01, b'v', 0x00, 0x00,
        ];
        let stated = Stated::of(&footer).unwrap();
        let [element] = stated.elements.as_slice() else { panic!("{stated:?}") };
        assert_eq!((element.name.as_str(), element.id, element.physical), ("a", Some(7), None));
        assert_eq!(element.logical.as_ref().map(|it| it.number), Some(30));
        assert_eq!(stated.keys, BTreeMap::from([("k".to_owned(), "v".to_owned())]));
        assert!(stated.column_orders.is_empty() && stated.row_groups.is_empty());
        assert_eq!(Stated::of_schema(&footer), Ok(stated));
    }

    #[test]
    fn a_row_group_is_read_with_its_chunks_unless_the_schema_alone_is_asked_for() {
        // One row group: a chunk in the file "f" with encodings 0 and 8, two statistics (fields 3 and 5), and two data pages (type 0)
        // in encoding 8; size 7, place 4, compressed size 3.
        let chunk = [
            &[0x18, 0x01, b'f', 0x2c, 0x29, 0x25, 0x00, 0x10, 0xac, 0x36, 0x00, 0x28, 0x01, b'x', 0x00][..],
            &[0x19, 0x1c, 0x15, 0x00, 0x15, 0x10, 0x15, 0x04, 0x00, 0x00, 0x00],
        ]
        .concat();
        let footer =
            [&[0x49, 0x1c, 0x19, 0x1c][..], &chunk, &[0x16, 0x0e, 0x36, 0x08, 0x16, 0x06, 0x00, 0x00]]
                .concat();
        let stated = Stated::of(&footer).unwrap();
        let [group] = stated.row_groups.as_slice() else { panic!("{stated:?}") };
        assert_eq!(
            (group.total_byte_size, group.file_offset, group.total_compressed_size),
            (Some(7), Some(4), Some(3))
        );
        let mut statistics = [false; 9];
        (statistics[3], statistics[5]) = (true, true);
        let chunk = Chunk {
            file_path: Some("f".to_owned()),
            encodings: vec![0, 8],
            encoding_stats: vec![[0, 8, 2]],
            statistics,
        };
        assert_eq!(group.chunks, [chunk]);
        assert_eq!(Stated::of_schema(&footer), Ok(Stated::default()));
    }

    #[test]
    fn a_logical_type_of_the_future_is_taken_off_numbers_alone() {
        // Schema of three elements, "a" to "c": INT64, BYTE_ARRAY and INT32, each with logical type 30; then a key.
        let element = |physical: u8, name: u8, logical: &[u8]| {
            [&[0x15, physical << 1, 0x38, 0x01, name][..], logical, &[0x00]].concat()
        };
        // Field 10 is six behind field 4.
        let unknown = [0x6c, 0x0c, 0x3c, 0x00, 0x00];
        let footer = |numbers: &[u8]| {
            let elements = [element(2, b'a', numbers), element(6, b'b', &unknown), element(1, b'c', numbers)];
            [&[0x29, 0x3c][..], &elements.concat(), &[0x39, 0x1c, 0x18, 0x01, b'k', 0x00, 0x00]].concat()
        };
        assert_eq!(without_unknown_numbers(&footer(&unknown)), Some(footer(&[])));
        assert_eq!(without_unknown_numbers(&footer(&[])), None);
    }

    #[test]
    fn whatever_the_crate_reads_of_a_damaged_footer_is_read_here_too() {
        use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
        use std::sync::Arc;
        let columns: [(&str, ArrayRef); 2] = [
            ("a", Arc::new(Int32Array::from(vec![Some(1), None]))),
            ("b", Arc::new(StringArray::from(vec!["x", "y"]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut file = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let end = file.len() - 8;
        let length = u32::from_le_bytes(*file[end..].first_chunk().unwrap()) as usize;
        let footer = &file[end - length..end];
        let mut read = 0;
        for at in 0..footer.len() {
            for bit in 0..8 {
                let mut damaged = footer.to_vec();
                damaged[at] ^= 1 << bit;
                if crate::footer::decode_metadata(&damaged).is_ok() {
                    assert!(Stated::of(&damaged).is_ok(), "bit {bit} of byte {at}");
                    read += 1;
                }
            }
        }
        assert!(read > footer.len(), "{read} of {} bytes", footer.len());
    }

    #[test]
    fn a_footer_that_ends_early_is_an_error() {
        assert!(Stated::of(&[0x29, 0x1c, 0x48]).is_err());
    }
}
