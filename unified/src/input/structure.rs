//! A look at a footer's structure before the Parquet crate decodes it.
//!
//! The crate reserves memory for as many row groups as the footer announces, and turns the flattened schema into a tree by
//! recursion. Both can end the process (out of memory, stack exhausted), which no error handling catches. So the footer
//! is walked once here, without building anything:
//!
//! 1. Every list, set, map and byte string must fit into the bytes that are left: each element takes at least one.
//! 2. No structure has a field twice, and every field that the format knows has the type that it has there ([`FILE`]): the crate goes by
//!    numbers, and would read the same bytes as something else. No list is of booleans.
//! 3. Structures nest at most 64 deep, and so does the schema. No group of the schema has more children than there are elements.
//!
//! Nothing else is interpreted: whatever passes may still be refused by the crate. Cost: one pass over the footer's bytes.

use crate::input::thrift::{
    BINARY, BOOLEAN_FALSE, BOOLEAN_TRUE, BYTE, DOUBLE, LIST, MAP, MAX_DEPTH, SET, STRUCT, Thrift, UUID,
    of_booleans,
};

/// Checks that a footer (the Thrift bytes alone) can be decoded without exhausting memory or stack.
///
/// # Errors
/// What is wrong, as a fragment.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut walker = Walker { thrift: Thrift::new(bytes), children: Vec::new() };
    walker.structure(0, FILE).map_err(|said| format!("the footer is broken: {said}"))?;
    schema_depth(&walker.children)
}

/// Type of a field as `parquet.thrift` has it.
#[derive(Clone, Copy)]
enum Kind {
    /// A number of 16, 32 or 64 bits: all are written alike.
    Int,
    Byte,
    Boolean,
    Double,
    Binary,
    List(&'static Kind),
    Struct(Shape),
    /// Not known to the format as it is read here: passed over.
    Any,
}

use Kind::{Any, Binary, Boolean, Byte, Double, Int, List, Struct};

/// Types of a structure's fields, from number 1 on.
type Shape = &'static [Kind];

const FILE: Shape = &[
    Int,
    List(&Struct(SCHEMA_ELEMENT)),
    Int,
    List(&Struct(ROW_GROUP)),
    List(&Struct(KEY_VALUE)),
    Binary,
    List(&Struct(&[Struct(&[])])),
    Struct(&[Struct(ENCRYPTION), Struct(ENCRYPTION)]),
    Binary,
];
static SCHEMA_ELEMENT: Shape = &[Int, Int, Int, Binary, Int, Int, Int, Int, Int, Struct(LOGICAL_TYPE)];
const LOGICAL_TYPE: Shape = &[
    Struct(&[]),
    Struct(&[]),
    Struct(&[]),
    Struct(&[]),
    Struct(&[Int, Int]),
    Struct(&[]),
    Struct(&[Boolean, Struct(TIME_UNIT)]),
    Struct(&[Boolean, Struct(TIME_UNIT)]),
    Any,
    Struct(&[Byte, Boolean]),
    Struct(&[]),
    Struct(&[]),
    Struct(&[]),
    Struct(&[]),
    Struct(&[]),
    Struct(&[Byte]),
    Struct(&[Binary]),
    Struct(&[Binary, Int]),
];
const TIME_UNIT: Shape = &[Struct(&[]), Struct(&[]), Struct(&[])];
const ROW_GROUP: Shape = &[List(&Struct(COLUMN_CHUNK)), Int, Int, List(&Struct(SORTING)), Int, Int, Int];
const SORTING: Shape = &[Int, Boolean, Boolean];
const COLUMN_CHUNK: Shape = &[
    Binary,
    Int,
    Struct(COLUMN),
    Int,
    Int,
    Int,
    Int,
    Struct(&[Struct(&[]), Struct(&[List(&Binary), Binary])]),
    Binary,
];
const COLUMN: Shape = &[
    Int,
    List(&Int),
    List(&Binary),
    Int,
    Int,
    Int,
    Int,
    List(&Struct(KEY_VALUE)),
    Int,
    Int,
    Int,
    Struct(&[Binary, Binary, Int, Int, Binary, Binary, Boolean, Boolean]),
    List(&Struct(&[Int, Int, Int])),
    Int,
    Int,
    Struct(&[Int, List(&Int), List(&Int)]),
    Struct(&[Struct(BOX), List(&Int)]),
];
const BOX: Shape = &[Double, Double, Double, Double, Double, Double, Double, Double];
const KEY_VALUE: Shape = &[Binary, Binary];
const ENCRYPTION: Shape = &[Binary, Binary, Boolean];

impl Kind {
    /// Whether a value of this type may come under the type code `code`.
    fn fits(self, code: u8) -> bool {
        match self {
            Int => (4..=6).contains(&code),
            Byte => code == BYTE,
            Boolean => code == BOOLEAN_TRUE || code == BOOLEAN_FALSE,
            Double => code == DOUBLE,
            Binary => code == BINARY,
            List(_) => code == LIST,
            Struct(_) => code == STRUCT,
            Any => true,
        }
    }
}

struct Walker<'a> {
    thrift: Thrift<'a>,
    /// `num_children` of every schema element in order.
    children: Vec<i64>,
}

impl Walker<'_> {
    fn structure(&mut self, depth: usize, shape: Shape) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("it nests more than {MAX_DEPTH} structures"));
        }
        let element = std::ptr::eq(shape, SCHEMA_ELEMENT);
        let mut field = 0_i64;
        let mut children = 0_i64;
        let mut seen = 0_u64;
        while let Some((number, kind)) = self.thrift.field(field)? {
            field = number;
            // The crate compares row groups with the schema that it read so far: it would not notice a second one.
            let bit = u32::try_from(field).ok().and_then(|it| 1_u64.checked_shl(it)).unwrap_or(0);
            if seen & bit != 0 {
                return Err(format!("field {field} of a structure is there twice"));
            }
            seen |= bit;
            let known = field
                .checked_sub(1)
                .and_then(|at| usize::try_from(at).ok())
                .and_then(|at| shape.get(at))
                .copied()
                .unwrap_or(Any);
            if !known.fits(kind) {
                return Err(format!("field {field} of it has the wrong type, {kind}"));
            }
            if element && field == 5 {
                children = self.thrift.zigzag()?;
                continue;
            }
            // In a structure the type code of a boolean is its value: no byte follows.
            if kind != BOOLEAN_TRUE && kind != BOOLEAN_FALSE {
                self.value(kind, depth + 1, known)?;
            }
        }
        if element {
            self.children.push(children);
        }
        Ok(())
    }

    fn value(&mut self, kind: u8, depth: usize, known: Kind) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("it nests more than {MAX_DEPTH} structures"));
        }
        match kind {
            BOOLEAN_TRUE | BOOLEAN_FALSE | BYTE => self.thrift.skip(1),
            4..=6 => self.thrift.varint().map(drop),
            DOUBLE => self.thrift.skip(8),
            BINARY => {
                let length = self.thrift.varint()?;
                self.thrift.skip(length)
            }
            LIST | SET => {
                let header = self.thrift.byte()?;
                let length = if header >> 4 == 0x0f { self.thrift.varint()? } else { u64::from(header >> 4) };
                self.thrift.room(length)?;
                of_booleans(length, header & 0x0f)?;
                let of = if let List(of) = known { *of } else { Any };
                if length > 0 && !of.fits(header & 0x0f) {
                    return Err(format!("a list of it has elements of the wrong type, {}", header & 0x0f));
                }
                for _ in 0..length {
                    self.value(header & 0x0f, depth + 1, of)?;
                }
                Ok(())
            }
            MAP => {
                let length = self.thrift.varint()?;
                if length == 0 {
                    return Ok(());
                }
                self.thrift.room(length)?;
                let kinds = self.thrift.byte()?;
                of_booleans(length, kinds >> 4)?;
                of_booleans(length, kinds & 0x0f)?;
                for _ in 0..length {
                    self.value(kinds >> 4, depth + 1, Any)?;
                    self.value(kinds & 0x0f, depth + 1, Any)?;
                }
                Ok(())
            }
            STRUCT => self.structure(depth, if let Struct(shape) = known { shape } else { &[] }),
            UUID => self.thrift.skip(16),
            other => Err(format!("it holds an unknown type code {other}")),
        }
    }
}

/// Depth of the tree that the flattened schema stands for.
fn schema_depth(children: &[i64]) -> Result<(), String> {
    let mut open: Vec<i64> = Vec::new();
    for &count in children {
        // Below zero as well: the crate keeps the low 32 bits alone, and those may be many again.
        if usize::try_from(count).map_or(true, |count| count > children.len()) {
            let elements = children.len();
            return Err(format!(
                "the schema announces a group of {count} fields where it has {elements} elements"
            ));
        }
        if count > 0 {
            open.push(count);
            if open.len() > MAX_DEPTH {
                return Err(format!("the schema nests more than {MAX_DEPTH} groups"));
            }
            continue;
        }
        while let Some(left) = open.last_mut() {
            *left -= 1;
            if *left > 0 {
                break;
            }
            open.pop();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_announces_more_elements_than_bytes_is_refused() {
        // Field 4, a list of structs with 2^31 - 1 elements.
        let bytes = [0x49, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00];
        let refused = check(&bytes).unwrap_err();
        assert!(refused.contains("2147483647 elements"), "{refused}");
    }

    #[test]
    fn a_schema_of_ten_thousand_nested_groups_is_refused() {
        let mut bytes = vec![0x29, 0xfc, 0x90, 0x4e];
        for _ in 0..10_000 {
            bytes.extend([0x55, 0x02, 0x00]);
        }
        bytes.push(0);
        let refused = check(&bytes).unwrap_err();
        assert!(refused.contains("schema nests"), "{refused}");
    }

    #[test]
    fn a_group_of_more_fields_than_the_schema_has_elements_is_refused() {
        // Field 2, a list of one element with 2^30 children.
        let bytes = [0x29, 0x1c, 0x55, 0x80, 0x80, 0x80, 0x80, 0x08, 0x00, 0x00];
        let refused = check(&bytes).unwrap_err();
        assert!(refused.contains("a group of 1073741824 fields where it has 1 elements"), "{refused}");
        // A number below zero whose low 32 bits are 2^30.
        let mut bytes = vec![0x29, 0x1c, 0x55];
        let mut zigzag = ((-(1_i64 << 32) + (1 << 30)) << 1 ^ -1).cast_unsigned();
        while zigzag >= 0x80 {
            bytes.push(zigzag.to_le_bytes()[0] | 0x80);
            zigzag >>= 7;
        }
        bytes.extend([zigzag.to_le_bytes()[0], 0x00, 0x00]);
        assert!(check(&bytes).unwrap_err().contains("a group of -3221225472 fields"));
    }

    #[test]
    fn a_field_that_counts_is_refused_under_another_type() {
        // Row groups as a byte string; the number of children as one.
        for bytes in
            [&[0x48, 0x05, 0xfc, 0xff, 0xff, 0xff, 0x07, 0x00][..], &[0x29, 0x1c, 0x58, 0x00, 0x00, 0x00]]
        {
            let refused = check(bytes).unwrap_err();
            assert!(refused.contains("has the wrong type, 8"), "{refused}");
        }
    }

    #[test]
    fn a_field_of_the_lowest_number_there_is_is_passed_over() {
        // Number -2^63, a boolean.
        let mut bytes = vec![0x01];
        bytes.extend([0xff; 9]);
        bytes.extend([0x01, 0x00]);
        check(&bytes).unwrap();
    }

    #[test]
    fn a_list_of_booleans_is_refused_wherever_it_stands() {
        // Field 20, which the format does not have: a list of three booleans; a map of one.
        for bytes in
            [&[0x09, 0x28, 0x31, 0x01, 0x02, 0x01, 0x00][..], &[0x0b, 0x28, 0x01, 0x15, 0x01, 0x02, 0x00]]
        {
            assert!(check(bytes).unwrap_err().contains("a list of booleans"), "{:?}", check(bytes));
        }
    }

    #[test]
    fn a_known_field_of_another_type_is_refused_at_any_depth() {
        // Created-by as a list; a row group's columns as a list of numbers; statistics as a byte string.
        let cases = [
            &[0x69, 0x05, 0x00][..],
            &[0x49, 0x1c, 0x19, 0x15, 0x02, 0x00, 0x00],
            &[0x49, 0x1c, 0x19, 0x1c, 0x3c, 0xc8, 0x00, 0x00, 0x00, 0x00, 0x00],
        ];
        for bytes in cases {
            assert!(check(bytes).unwrap_err().contains("wrong type"), "{:?}", check(bytes));
        }
    }

    #[test]
    fn a_field_that_is_there_twice_is_refused() {
        // Two schemas, of one element each.
        let refused = check(&[0x29, 0x1c, 0x00, 0x09, 0x04, 0x1c, 0x00, 0x00]).unwrap_err();
        assert!(refused.contains("field 2 of a structure is there twice"), "{refused}");
    }

    #[test]
    fn structures_nested_without_end_are_refused() {
        let refused = check(&[&[0x0c, 0x28][..], &[0x1c; 4_000]].concat()).unwrap_err();
        assert!(refused.contains("nests more than"), "{refused}");
    }

    #[test]
    fn a_footer_that_ends_early_is_refused() {
        assert!(check(&[0x15]).is_err());
        assert!(check(&[]).is_err());
    }
}
