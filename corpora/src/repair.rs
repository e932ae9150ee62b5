//! Rewrites a footer that the Parquet crate refuses and other readers do not.
//!
//! Readers that are generated from `parquet.thrift` pass over what they do not know and over a field that comes under another
//! type. Old writers left such footers behind. Here, where the crate has refused a footer, the same is done to its bytes:
//!
//! 1. a field under another type than the format gives it is left out ([`Defect::Mistyped`]);
//! 2. a converted type that the format does not have is left out ([`Defect::Annotation`]);
//! 3. the ordinals of row groups are left out: the crate refuses a footer where only the first is missing (parquet-go omits a
//!    zero), and readers count row groups themselves;
//! 4. the crate numbers row groups with 16 bits, so a footer of more row groups becomes several of at most 32,767 each.
//!
//! Everything else is copied. What comes out goes through the same look at its structure as any other footer. Cost: one pass over
//! the footer's bytes.

use std::fmt;

use crate::structure::{FILE, Kind, ROW_GROUP, SCHEMA_ELEMENT, Shape, is};
use crate::thrift::{
    BINARY, BOOLEAN_FALSE, BOOLEAN_TRUE, BYTE, DOUBLE, LIST, MAP, MAX_DEPTH, SET, STRUCT, Thrift, UUID,
};

/// Field ids of the Parquet format.
const ROW_GROUPS: i64 = 4;
const CONVERTED_TYPE: i64 = 6;
const ORDINAL: i64 = 7;
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
        while let Some((number, code)) = self.thrift.field(last)? {
            last = number;
            let known = Kind::of_field(shape, number);
            self.path.push(number);
            if self.is_mistyped(code, known) {
                self.thrift.pass_field(code, depth + 1)?;
                let field = self.path.iter().map(i64::to_string).collect::<Vec<_>>().join(".");
                self.note(Defect::Mistyped { field, code });
            } else if is(shape, &ROW_GROUP) && number == ORDINAL {
                self.thrift.pass_field(code, depth + 1)?;
            } else if is(shape, &SCHEMA_ELEMENT)
                && number == CONVERTED_TYPE
                && self.is_unknown_annotation()?
            {
                // Left out; the defect is noted.
            } else {
                field_header(&mut self.out, number, code, written);
                written = number;
                if code != BOOLEAN_TRUE && code != BOOLEAN_FALSE {
                    let root = depth == 0 && number == ROW_GROUPS;
                    self.value(code, depth + 1, known, root)?;
                }
            }
            self.path.pop();
        }
        self.out.push(0);
        Ok(())
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

    fn note(&mut self, defect: Defect) {
        if !self.defects.contains(&defect) && self.defects.len() < 100 {
            self.defects.push(defect);
        }
    }

    fn value(&mut self, code: u8, depth: usize, known: Kind, groups: bool) -> Result<(), String> {
        let start = self.thrift.position();
        match (code, known) {
            (STRUCT, Kind::Struct(shape)) => self.structure(depth, shape),
            (LIST, Kind::List(&Kind::Struct(shape))) => {
                let header = self.thrift.byte()?;
                let count = if header >> 4 == 0x0f { self.thrift.varint()? } else { u64::from(header >> 4) };
                self.thrift.room(count)?;
                let at = self.out.len();
                list_header(&mut self.out, count, header & 0x0f);
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
    fn ordinals_are_left_out_and_nothing_else() {
        let lacking = footer(&[row_group(None), row_group(Some(2))]);
        let none = footer(&[row_group(None), row_group(None)]);
        let repaired = repair(&lacking).unwrap();
        assert_eq!(repaired.parts, [none.clone()]);
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
