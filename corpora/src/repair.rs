//! Rewrites a footer that the Parquet crate refuses and other readers do not.
//!
//! Readers that are generated from `parquet.thrift` pass over what they do not know and over a field that comes under another
//! type. Old writers left such footers behind. Here, where the crate has refused a footer, the same is done to its bytes:
//!
//! 1. a field under another type than the format gives it is left out ([`Defect::Mistyped`]);
//! 2. a converted type that the format does not have is left out ([`Defect::Annotation`]);
//! 3. an annotation without a type in it is left out ([`Defect::Hollow`]), and a decimal whose digits only its annotation states
//!    gets them where older readers look, which is no defect;
//! 4. a count below zero in statistics is left out ([`Defect::Negative`]);
//! 5. text that is not UTF-8 is spelled out ([`Defect::Text`], [`legible`]);
//! 6. the ordinals of row groups are left out: the crate refuses a footer where only the first is missing (parquet-go omits a
//!    zero), and readers count row groups themselves;
//! 7. the crate numbers row groups with 16 bits, so a footer of more row groups becomes several of at most 32,767 each.
//!
//! Everything else is copied. What comes out goes through the same look at its structure as any other footer. Cost: one pass over
//! the footer's bytes.

use std::borrow::Cow;
use std::fmt;

use crate::structure::{FILE, Kind, ROW_GROUP, SCHEMA_ELEMENT, STATISTICS, Shape, is};
use crate::thrift::{
    BINARY, BOOLEAN_FALSE, BOOLEAN_TRUE, BYTE, DOUBLE, LIST, MAP, MAX_DEPTH, SET, STRUCT, Thrift, UUID,
};

/// Field ids of the Parquet format.
const ROW_GROUPS: i64 = 4;
const CONVERTED_TYPE: i64 = 6;
const ORDINAL: i64 = 7;
const SCALE: i64 = 7;
const PRECISION: i64 = 8;
const LOGICAL_TYPE: i64 = 10;
const DECIMAL: i64 = 5;
const NULL_COUNT: i64 = 3;
const DISTINCT_COUNT: i64 = 4;
/// Type code of a number of 32 bits.
const INT32: u8 = 5;
/// Converted types of the format: 0 to this one.
const LAST_CONVERTED_TYPE: i64 = 21;
/// Row groups that the crate numbers.
const MOST_ROW_GROUPS: usize = 32_767;

/// What a footer states otherwise than the format demands, where readers go on all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// A field comes under another type than the format gives it.
    Mistyped {
        /// Field ids from the footer down, joined by `.`.
        field: String,
        /// Type code that it comes under.
        code: u8,
    },
    /// A column is annotated with a converted type that the format does not have.
    Annotation {
        /// The converted type.
        converted: i64,
    },
    /// An annotation has no type in it.
    Hollow {
        /// Field ids from the footer down, joined by `.`.
        field: String,
    },
    /// A count in statistics is below zero.
    Negative {
        /// Field ids from the footer down, joined by `.`.
        field: String,
        /// The count.
        count: i64,
    },
    /// A text is not UTF-8.
    Text {
        /// Field ids from the footer down, joined by `.`.
        field: String,
    },
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mistyped { field, code } => {
                write!(f, "its field {field} comes under type code {code}, which is not that of the format")
            }
            Self::Annotation { converted } => {
                write!(f, "it names a converted type {converted}, which the format does not have")
            }
            Self::Hollow { field } => write!(f, "the annotation in its field {field} is empty"),
            Self::Negative { field, count } => write!(f, "its field {field} counts {count} values"),
            Self::Text { field } => write!(f, "the text in its field {field} is not UTF-8"),
        }
    }
}

/// A footer without what the crate refuses.
#[derive(Debug)]
pub(crate) struct Repaired {
    /// Footers that hold the row groups in order.
    pub(crate) parts: Vec<Vec<u8>>,
    /// What was left out, each defect once.
    pub(crate) defects: Vec<Defect>,
}

/// Rewrites a footer; `None` where its bytes make no sense or nothing of it changes.
pub(crate) fn repair(footer: &[u8]) -> Option<Repaired> {
    let mut rewriter = Rewriter {
        bytes: footer,
        thrift: Thrift::new(footer),
        out: Vec::new(),
        path: Vec::new(),
        groups: None,
        defects: Vec::new(),
    };
    rewriter.structure(0, FILE).ok()?;
    let Rewriter { out, groups, defects, .. } = rewriter;
    let parts = match groups {
        Some(Groups { header, starts, end }) if starts.len() > MOST_ROW_GROUPS => {
            let bounds: Vec<usize> = starts.iter().copied().chain([end]).collect();
            let each = (0..starts.len()).step_by(MOST_ROW_GROUPS).map(|first| {
                let last = (first + MOST_ROW_GROUPS).min(starts.len());
                let mut part = out[..header].to_vec();
                list_header(&mut part, (last - first) as u64, STRUCT);
                part.extend(&out[bounds[first]..bounds[last]]);
                part.extend(&out[end..]);
                part
            });
            each.collect()
        }
        _ => vec![out],
    };
    (parts.len() > 1 || parts[0] != footer).then_some(Repaired { parts, defects })
}

/// Digits of a decimal column.
#[derive(Default)]
struct Digits {
    /// Whether the column states any itself.
    stated: bool,
    /// Scale and precision of its annotation.
    annotated: Option<(i64, i64)>,
}

/// Where the list of row groups stands in the bytes that were written.
struct Groups {
    header: usize,
    starts: Vec<usize>,
    end: usize,
}

struct Rewriter<'a> {
    bytes: &'a [u8],
    thrift: Thrift<'a>,
    out: Vec<u8>,
    path: Vec<i64>,
    groups: Option<Groups>,
    defects: Vec<Defect>,
}

impl Rewriter<'_> {
    fn structure(&mut self, depth: usize, shape: Shape) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err("it nests too deep".to_owned());
        }
        let (mut last, mut written) = (0, 0);
        let element = is(shape, &SCHEMA_ELEMENT);
        let mut digits = Digits::default();
        while let Some((number, code)) = self.thrift.field(last)? {
            last = number;
            let known = Kind::of_field(shape, number);
            self.path.push(number);
            if self.is_mistyped(code, known) {
                self.thrift.pass_field(code, depth + 1)?;
                let field = self.field();
                self.note(Defect::Mistyped { field, code });
            } else if is(shape, &ROW_GROUP) && number == ORDINAL {
                self.thrift.pass_field(code, depth + 1)?;
            } else if element && number == CONVERTED_TYPE && self.is_unknown_annotation()?
                || element && number == LOGICAL_TYPE && self.is_hollow()?
                || is(shape, &STATISTICS)
                    && (number == NULL_COUNT || number == DISTINCT_COUNT)
                    && self.is_negative()?
            {
                // Left out; the defect is noted.
            } else {
                match number {
                    SCALE | PRECISION if element => digits.stated = true,
                    LOGICAL_TYPE if element => digits.annotated = self.decimal().ok().flatten(),
                    _ => {}
                }
                field_header(&mut self.out, number, code, written);
                written = number;
                if code != BOOLEAN_TRUE && code != BOOLEAN_FALSE {
                    let root = depth == 0 && number == ROW_GROUPS;
                    self.value(code, depth + 1, known, root)?;
                }
            }
            self.path.pop();
        }
        if let Digits { stated: false, annotated: Some((scale, precision)) } = digits {
            for (number, value) in [(SCALE, scale), (PRECISION, precision)] {
                field_header(&mut self.out, number, INT32, i64::MAX);
                varint(&mut self.out, (value << 1 ^ value >> 63).cast_unsigned());
            }
        }
        self.out.push(0);
        Ok(())
    }

    /// Reads an annotation that has no type in it; any other stays to be read.
    fn is_hollow(&mut self) -> Result<bool, String> {
        let hollow = self.bytes.get(self.thrift.position()) == Some(&0);
        if hollow {
            self.thrift.skip(1)?;
            let field = self.field();
            self.note(Defect::Hollow { field });
        }
        Ok(hollow)
    }

    /// Reads a count of statistics. True where it is below zero; else it stays to be read.
    fn is_negative(&mut self) -> Result<bool, String> {
        let mut ahead = Thrift::new(&self.bytes[self.thrift.position()..]);
        let count = ahead.zigzag()?;
        if count < 0 {
            self.thrift.skip(ahead.position() as u64)?;
            let field = self.field();
            self.note(Defect::Negative { field, count });
        }
        Ok(count < 0)
    }

    /// Scale and precision of the annotation that is read next, where it is that of a decimal. It stays to be read.
    fn decimal(&self) -> Result<Option<(i64, i64)>, String> {
        let mut ahead = Thrift::new(&self.bytes[self.thrift.position()..]);
        if ahead.field(0)? != Some((DECIMAL, STRUCT)) {
            return Ok(None);
        }
        let (mut last, mut scale, mut precision) = (0, 0, None);
        while let Some((number, code)) = ahead.field(last)? {
            last = number;
            match (number, code) {
                (1, 4..=6) => scale = ahead.zigzag()?,
                (2, 4..=6) => precision = Some(ahead.zigzag()?),
                (_, code) => ahead.pass_field(code, 1)?,
            }
        }
        Ok(precision.map(|precision| (scale, precision)))
    }

    /// Reads a converted type. True where the format does not have it; else it stays to be read.
    fn is_unknown_annotation(&mut self) -> Result<bool, String> {
        let mut ahead = Thrift::new(&self.bytes[self.thrift.position()..]);
        let converted = ahead.zigzag()?;
        let unknown = !(0..=LAST_CONVERTED_TYPE).contains(&converted);
        if unknown {
            self.thrift.skip(ahead.position() as u64)?;
            self.note(Defect::Annotation { converted });
        }
        Ok(unknown)
    }

    fn is_mistyped(&self, code: u8, known: Kind) -> bool {
        if !known.fits(code) {
            return true;
        }
        let Kind::List(of) = known else { return false };
        let header = self.bytes.get(self.thrift.position()).copied().unwrap_or(0);
        header >> 4 > 0 && !of.fits(header & 0x0f)
    }

    /// Ids of the field that is read, from the footer down.
    fn field(&self) -> String {
        self.path.iter().map(i64::to_string).collect::<Vec<_>>().join(".")
    }

    fn text(&mut self) -> Result<(), String> {
        let text = legible(self.thrift.binary()?);
        varint(&mut self.out, text.len() as u64);
        self.out.extend(text.as_bytes());
        if let Cow::Owned(_) = text {
            let field = self.field();
            self.note(Defect::Text { field });
        }
        Ok(())
    }

    fn note(&mut self, defect: Defect) {
        if !self.defects.contains(&defect) && self.defects.len() < 100 {
            self.defects.push(defect);
        }
    }

    /// Number and type code of a list's elements.
    fn list(&mut self) -> Result<(u64, u8), String> {
        let header = self.thrift.byte()?;
        let count = if header >> 4 == 0x0f { self.thrift.varint()? } else { u64::from(header >> 4) };
        self.thrift.room(count)?;
        Ok((count, header & 0x0f))
    }

    fn value(&mut self, code: u8, depth: usize, known: Kind, groups: bool) -> Result<(), String> {
        let start = self.thrift.position();
        match (code, known) {
            (STRUCT, Kind::Struct(shape)) => self.structure(depth, shape),
            (BINARY, Kind::Text) => self.text(),
            (LIST, Kind::List(&Kind::Text)) => {
                let (count, of) = self.list()?;
                list_header(&mut self.out, count, of);
                (0..count).try_for_each(|_| self.text())
            }
            (LIST, Kind::List(&Kind::Struct(shape))) => {
                let (count, of) = self.list()?;
                let at = self.out.len();
                list_header(&mut self.out, count, of);
                let mut starts = Vec::new();
                for _ in 0..count {
                    starts.push(self.out.len());
                    self.structure(depth + 1, shape)?;
                }
                if groups {
                    self.groups = Some(Groups { header: at, starts, end: self.out.len() });
                }
                Ok(())
            }
            (BOOLEAN_TRUE | BOOLEAN_FALSE | BYTE..=DOUBLE | BINARY | LIST | SET | MAP | STRUCT | UUID, _) => {
                self.thrift.pass_field(code, depth)?;
                self.out.extend(&self.bytes[start..self.thrift.position()]);
                Ok(())
            }
            (other, _) => Err(format!("it holds an unknown type code {other}")),
        }
    }
}

/// The text of a footer. Each byte that belongs to no UTF-8 character becomes the replacement character and its two hexadecimal
/// digits, so that different bytes stay different.
pub(crate) fn legible(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push(char::REPLACEMENT_CHARACTER);
            text.push_str(&format!("{byte:02x}"));
        }
    }
    Cow::Owned(text)
}

/// Header of a field: the distance from the field before, or the number itself.
fn field_header(out: &mut Vec<u8>, number: i64, code: u8, last: i64) {
    match number.checked_sub(last).and_then(|it| u8::try_from(it).ok()).filter(|it| (1..=15).contains(it)) {
        Some(distance) => out.push(distance << 4 | code),
        None => {
            out.push(code);
            varint(out, (number << 1 ^ number >> 63).cast_unsigned());
        }
    }
}

fn list_header(out: &mut Vec<u8>, count: u64, code: u8) {
    match u8::try_from(count).ok().filter(|it| *it < 15) {
        Some(count) => out.push(count << 4 | code),
        None => {
            out.push(0xf0 | code);
            varint(out, count);
        }
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
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
        let mut bytes = vec![0x15, 0x04, 0x39];
        list_header(&mut bytes, groups.len() as u64, STRUCT);
        [&bytes[..], &groups.concat(), &[0x28, 0x01, b'x', 0x00]].concat()
    }

    #[test]
    fn empty_annotations_and_counts_below_zero_are_left_out() {
        // A schema of one element with the name "a" and a logical type without members.
        let repaired = repair(&[0x29, 0x1c, 0x48, 0x01, b'a', 0x6c, 0x00, 0x00, 0x00]).unwrap();
        assert_eq!(repaired.parts, [vec![0x29, 0x1c, 0x48, 0x01, b'a', 0x00, 0x00]]);
        assert_eq!(repaired.defects, [Defect::Hollow { field: "2.10".to_owned() }]);
        // A row group with one chunk, whose statistics count -1 nulls and 4 distinct values.
        let chunk = |statistics: &[u8]| {
            [&[0x49, 0x1c, 0x19, 0x1c, 0x3c, 0xcc][..], statistics, &[0, 0, 0, 0, 0]].concat()
        };
        let repaired = repair(&chunk(&[0x36, 0x01, 0x16, 0x08])).unwrap();
        assert_eq!(repaired.parts, [chunk(&[0x46, 0x08])]);
        assert_eq!(repaired.defects, [Defect::Negative { field: "4.1.3.12.3".to_owned(), count: -1 }]);
    }

    #[test]
    fn a_decimal_gets_the_digits_that_only_its_annotation_states() {
        // An element with the name "a", perhaps a precision of 9, and the annotation of a decimal of scale 2 and precision 10.
        let element = |stated: &[u8], header: u8, more: &[u8]| {
            let annotation = [header, 0x5c, 0x15, 0x04, 0x15, 0x14, 0x00, 0x00];
            [&[0x29, 0x1c, 0x48, 0x01, b'a'][..], stated, &annotation, more, &[0x00, 0x00]].concat()
        };
        let repaired = repair(&element(&[], 0x6c, &[])).unwrap();
        // Fields 7 and 8, behind field 10 and so by their numbers.
        assert_eq!(repaired.parts, [element(&[], 0x6c, &[0x05, 0x0e, 0x04, 0x05, 0x10, 0x14])]);
        assert_eq!(repaired.defects, []);
        assert!(repair(&element(&[0x45, 0x12], 0x2c, &[])).is_none());
    }

    #[test]
    fn text_that_is_not_utf8_is_spelled_out_and_stays_distinct() {
        // Version; one key with the value ff; created-by "x" and the byte c3, which begins a character.
        let metadata = |value: &[u8], by: &[u8]| {
            let mut bytes = vec![0x15, 0x04, 0x49, 0x1c, 0x18, 0x01, b'k', 0x18];
            bytes.push(value.len() as u8);
            bytes.extend(value);
            bytes.extend([0x00, 0x18, by.len() as u8]);
            bytes.extend(by);
            bytes.push(0);
            bytes
        };
        let repaired = repair(&metadata(b"\xff", b"x\xc3")).unwrap();
        assert_eq!(repaired.parts, [metadata("\u{fffd}ff".as_bytes(), "x\u{fffd}c3".as_bytes())]);
        let text = |field: &str| Defect::Text { field: field.to_owned() };
        assert_eq!(repaired.defects, [text("5.2"), text("6")]);
        assert!(repaired.defects[0].to_string().contains("field 5.2 is not UTF-8"));
        assert_ne!(legible(b"\xff"), legible(b"\xfe"));
        assert!(repair(&metadata("\u{fffd}".as_bytes(), b"x")).is_none());
    }

    #[test]
    fn a_path_of_names_that_are_not_utf8_is_spelled_out() {
        // One row group with one chunk, whose metadata has the path "a", fe.
        let path = |names: &[&[u8]]| {
            let mut bytes = vec![0x49, 0x1c, 0x19, 0x1c, 0x3c, 0x39];
            list_header(&mut bytes, names.len() as u64, BINARY);
            for name in names {
                bytes.push(name.len() as u8);
                bytes.extend(*name);
            }
            bytes.extend([0, 0, 0, 0]);
            bytes
        };
        let repaired = repair(&path(&[b"a", b"\xfe"])).unwrap();
        assert_eq!(repaired.parts, [path(&[b"a", "\u{fffd}fe".as_bytes()])]);
        assert_eq!(repaired.defects, [Defect::Text { field: "4.1.3.3".to_owned() }]);
    }

    #[test]
    fn ordinals_are_left_out_and_nothing_else() {
        let lacking = footer(&[row_group(None), row_group(Some(2))]);
        let none = footer(&[row_group(None), row_group(None)]);
        let repaired = repair(&lacking).unwrap();
        assert_eq!(repaired.parts, std::slice::from_ref(&none));
        assert_eq!(repaired.defects, []);
        assert!(repair(&none).is_none());
    }

    #[test]
    fn more_row_groups_than_the_crate_numbers_become_several_footers() {
        let repaired = repair(&footer(&vec![row_group(None); MOST_ROW_GROUPS + 3])).unwrap();
        assert_eq!(repaired.parts.len(), 2);
        assert!(repaired.parts[0] == footer(&vec![row_group(None); MOST_ROW_GROUPS]));
        assert_eq!(repaired.parts[1], footer(&[row_group(None), row_group(None), row_group(None)]));
    }

    #[test]
    fn a_field_under_another_type_is_left_out_and_the_next_keeps_its_number() {
        // Version, created-by (6) as a list of two numbers, encryption key (9) as bytes.
        let repaired = repair(&[0x15, 0x04, 0x59, 0x25, 0x02, 0x02, 0x38, 0x01, b'x', 0x00]).unwrap();
        assert_eq!(repaired.parts, [vec![0x15, 0x04, 0x88, 0x01, b'x', 0x00]]);
        assert_eq!(repaired.defects, [Defect::Mistyped { field: "6".to_owned(), code: LIST }]);
        // The codec (4.1.3.4) of a column as bytes.
        let column = [0x3c, 0x48, 0x01, b'x', 0x00, 0x00];
        let group = [&[0x19, 0x1c][..], &column, &[0x00]].concat();
        let repaired = repair(&[&[0x49, 0x1c][..], &group, &[0x00]].concat()).unwrap();
        assert_eq!(repaired.defects, [Defect::Mistyped { field: "4.1.3.4".to_owned(), code: BINARY }]);
    }

    #[test]
    fn an_unknown_converted_type_is_left_out_and_a_known_one_stays() {
        let schema = |converted: u8| vec![0x29, 0x1c, 0x65, converted << 1, 0x00, 0x00];
        let repaired = repair(&schema(24)).unwrap();
        assert_eq!(repaired.parts, [vec![0x29, 0x1c, 0x00, 0x00]]);
        assert_eq!(repaired.defects, [Defect::Annotation { converted: 24 }]);
        assert!(repair(&schema(21)).is_none());
    }

    #[test]
    fn garbage_is_no_footer_and_no_panic() {
        let good = footer(&[row_group(None), row_group(Some(2))]);
        for cut in 0..good.len() - 4 {
            assert!(repair(&good[..cut]).is_none());
        }
        assert!(repair(&[0x1c; 200]).is_none());
        assert!(repair(&[0xff; 64]).is_none());
    }
}
