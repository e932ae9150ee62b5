//! How the values of a column are ordered by Parquet's own rules, which is what bounds are stated in.
//!
//! The rules are those of the format's `ColumnOrder` (TYPE_ORDER): numbers by value, signed or unsigned by their annotation;
//! text and bytes byte by byte, unsigned; decimals in bytes as big-endian two's complement; -0.0 and 0.0 are one bound, and NaN
//! has no place. Where the format defines no order (INT96, intervals), bounds say nothing and nothing is judged.

use std::cmp::Ordering;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, SortOrder, Type};
use parquet::schema::types::ColumnDescriptor;

use crate::output::Cell;

/// An order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// false before true.
    Boolean,
    /// 32- or 64-bit signed integers.
    Signed(Type),
    /// 32- or 64-bit unsigned integers.
    Unsigned(Type),
    /// 32- or 64-bit floats.
    Float(Type),
    /// Half-precision floats in two bytes.
    Half,
    /// Byte by byte.
    Bytes,
    /// Big-endian two's complement.
    Decimal,
}

/// A value in its order. NaN is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Key<'a> {
    Int(i128),
    Float(f64),
    Bytes(&'a [u8]),
    /// The start of bytes, and how many there are.
    Start(&'a [u8], usize),
}

/// A [`Key`] of its own. Of long bytes only the start is kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Bound {
    Int(i128),
    Float(f64),
    /// The start, and the length of the whole. Shared: a page's only value is its lowest and its highest.
    Bytes(Arc<[u8]>, usize),
}

impl Rule {
    /// The order of a column; `None` where the format defines none.
    pub(super) fn of(column: &ColumnDescriptor) -> Option<Self> {
        if column.sort_order() == SortOrder::UNDEFINED {
            return None;
        }
        let unsigned = column.sort_order() == SortOrder::UNSIGNED;
        let decimal = column.converted_type() == ConvertedType::DECIMAL
            || matches!(column.logical_type_ref(), Some(LogicalType::Decimal(_)));
        let half = matches!(column.logical_type_ref(), Some(LogicalType::Float16));
        Some(match column.physical_type() {
            Type::BOOLEAN => Self::Boolean,
            kind @ (Type::INT32 | Type::INT64) if unsigned => Self::Unsigned(kind),
            kind @ (Type::INT32 | Type::INT64) => Self::Signed(kind),
            kind @ (Type::FLOAT | Type::DOUBLE) => Self::Float(kind),
            Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY if decimal => Self::Decimal,
            Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY if half => Self::Half,
            Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY => Self::Bytes,
            Type::INT96 => return None,
        })
    }

    /// The key of a value; `None` for NaN and for a value that this order does not know.
    pub(super) fn key<'a>(self, cell: &Cell<'a>) -> Option<Key<'a>> {
        match (self, *cell) {
            (Self::Boolean, Cell::Boolean(it)) => Some(Key::Int(it.into())),
            (Self::Signed(_), Cell::Int32(it)) => Some(Key::Int(it.into())),
            (Self::Signed(_), Cell::Int64(it)) => Some(Key::Int(it.into())),
            (Self::Unsigned(_), Cell::Int32(it)) => Some(Key::Int(it.cast_unsigned().into())),
            (Self::Unsigned(_), Cell::Int64(it)) => Some(Key::Int(it.cast_unsigned().into())),
            (Self::Float(_), Cell::Float(it)) => float(it.into()),
            (Self::Float(_), Cell::Double(it)) => float(it),
            (Self::Half, Cell::Bytes(it)) => half(it),
            (Self::Decimal, Cell::Bytes(it)) => decimal(it),
            (Self::Bytes, Cell::Bytes(it)) => Some(Key::Bytes(it)),
            _ => None,
        }
    }

    /// The key of a value in plain encoding, as statistics have it.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<Key<'_>> {
        let cell = match self {
            Self::Boolean => Cell::Boolean(*bytes.first()? != 0),
            Self::Signed(Type::INT32) | Self::Unsigned(Type::INT32) => {
                Cell::Int32(i32::from_le_bytes(bytes.try_into().ok()?))
            }
            Self::Signed(_) | Self::Unsigned(_) => Cell::Int64(i64::from_le_bytes(bytes.try_into().ok()?)),
            Self::Float(Type::FLOAT) => Cell::Float(f32::from_le_bytes(bytes.try_into().ok()?)),
            Self::Float(_) => Cell::Double(f64::from_le_bytes(bytes.try_into().ok()?)),
            Self::Half | Self::Decimal | Self::Bytes => Cell::Bytes(bytes),
        };
        self.key(&cell)
    }
}

fn float(value: f64) -> Option<Key<'static>> {
    (!value.is_nan()).then_some(Key::Float(value))
}

/// A half-precision float: sign, five bits of exponent, ten of fraction.
fn half(bytes: &[u8]) -> Option<Key<'static>> {
    let bits = u16::from_le_bytes(bytes.try_into().ok()?);
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => return None,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    Some(Key::Float(if bits >> 15 == 1 { -size } else { size }))
}

/// Decimals of up to 16 bytes; wider ones are not judged.
fn decimal(bytes: &[u8]) -> Option<Key<'static>> {
    let first = *bytes.first()?;
    if bytes.len() > 16 {
        return None;
    }
    let sign = if first >= 0x80 { -1_i128 } else { 0 };
    Some(Key::Int(bytes.iter().fold(sign, |value, &byte| value << 8 | i128::from(byte))))
}

impl<'a> Key<'a> {
    /// Order of two keys of one rule. Bytes of which only the start is there are equal to others that begin with all of it and are
    /// longer; so the order is exact where one of both is whole and not longer than the start of the other.
    pub(super) fn order(self, other: Key<'_>) -> Ordering {
        match (self, other) {
            (Self::Int(a), Key::Int(b)) => a.cmp(&b),
            (Self::Float(a), Key::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (a, b) => match (a.bytes(), b.bytes()) {
                (Some(a), Some(b)) => order_of_bytes(a, b),
                _ => Ordering::Equal,
            },
        }
    }

    /// The bytes that are there, and how many there are in all.
    fn bytes(self) -> Option<(&'a [u8], usize)> {
        match self {
            Self::Int(_) | Self::Float(_) => None,
            Self::Bytes(it) => Some((it, it.len())),
            Self::Start(start, length) => Some((start, length)),
        }
    }

    /// A copy of its own, of `most` bytes at most.
    pub(super) fn own(self, most: usize) -> Bound {
        match self {
            Self::Int(it) => Bound::Int(it),
            Self::Float(it) => Bound::Float(it),
            Self::Bytes(it) => Bound::Bytes(Arc::from(&it[..it.len().min(most)]), it.len()),
            Self::Start(it, length) => Bound::Bytes(Arc::from(&it[..it.len().min(most)]), length),
        }
    }

    /// The same key without the bytes that it was made of; `None` for bytes.
    pub(super) fn number(self) -> Option<Key<'static>> {
        match self {
            Self::Int(it) => Some(Key::Int(it)),
            Self::Float(it) => Some(Key::Float(it)),
            Self::Bytes(_) | Self::Start(..) => None,
        }
    }

    /// The value for people, long ones cut.
    pub(super) fn text(self) -> String {
        match self {
            Self::Int(it) => it.to_string(),
            Self::Float(it) => format!("{it:?}"),
            Self::Bytes(it) => shown(it, it.len()),
            Self::Start(it, length) => shown(it, length),
        }
    }
}

/// Bytes of a value that messages show.
pub(super) const SHOWN: usize = 60;

fn shown(bytes: &[u8], length: usize) -> String {
    let cut = if length > SHOWN { format!(" ({length} bytes)") } else { String::new() };
    format!("{:?}{cut}", String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]))
}

/// Each with the length of the whole.
fn order_of_bytes((a, whole_a): (&[u8], usize), (b, whole_b): (&[u8], usize)) -> Ordering {
    let both = a.len().min(b.len());
    let known = |bytes: &[u8], whole: usize| bytes.len() == both && whole == both;
    a[..both].cmp(&b[..both]).then_with(|| {
        if known(a, whole_a) || known(b, whole_b) { whole_a.cmp(&whole_b) } else { Ordering::Equal }
    })
}

impl Bound {
    /// As a key.
    pub(super) fn key(&self) -> Key<'_> {
        match self {
            Self::Int(it) => Key::Int(*it),
            Self::Float(it) => Key::Float(*it),
            Self::Bytes(it, length) if it.len() == *length => Key::Bytes(it),
            Self::Bytes(it, length) => Key::Start(it, *length),
        }
    }

    /// Keeps `most` bytes at most.
    pub(super) fn cut(&mut self, most: usize) {
        if let Self::Bytes(it, _) = self
            && it.len() > most
        {
            *it = Arc::from(&it[..most]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsigned_integers_are_ordered_by_their_unsigned_value() {
        let rule = Rule::Unsigned(Type::INT32);
        assert_eq!(rule.key(&Cell::Int32(-1)), Some(Key::Int(i128::from(u32::MAX))));
        assert_eq!(rule.decode(&[0xff; 4]), Some(Key::Int(i128::from(u32::MAX))));
    }

    #[test]
    fn decimals_in_bytes_are_ordered_by_value_whatever_their_length() {
        assert_eq!(Rule::Decimal.decode(&[0xff, 0x10]), Some(Key::Int(-240)));
        assert_eq!(Rule::Decimal.decode(&[0x10]), Some(Key::Int(16)));
        assert_eq!(Rule::Decimal.decode(&[0x01; 17]), None, "wider than what is judged");
    }

    #[test]
    fn half_floats_have_their_value() {
        for (bits, value) in [(0x3c00_u16, 1.0), (0xc000, -2.0), (0x0001, 2_f64.powi(-24)), (0x7bff, 65504.0)]
        {
            assert_eq!(Rule::Half.decode(&bits.to_le_bytes()), Some(Key::Float(value)), "{bits:x}");
        }
        assert_eq!(Rule::Half.decode(&0x7e00_u16.to_le_bytes()), None, "NaN");
    }

    #[test]
    fn bytes_of_which_the_start_is_kept_are_ordered_exactly_beside_whole_ones_that_are_not_longer() {
        let values = ["", "a", "ab", "abc", "abcd", "abcde", "abd", "b", "abcz"].map(str::as_bytes);
        for most in 0..6 {
            for value in values {
                let mut bound = Key::Bytes(value).own(most);
                for other in values.into_iter().filter(|other| other.len() <= most) {
                    assert_eq!(bound.key().order(Key::Bytes(other)), value.cmp(other), "{value:?} {other:?}");
                    assert_eq!(Key::Bytes(other).order(bound.key()), other.cmp(value), "{other:?} {value:?}");
                }
                bound.cut(1);
                assert!(
                    matches!(&bound, Bound::Bytes(kept, length) if kept.len() <= 1 && *length == value.len())
                );
            }
        }
        let (long, longer) = (Key::Bytes(b"abcd").own(3), Key::Bytes(b"abcde").own(3));
        assert_eq!(long.key().order(longer.key()), Ordering::Equal, "nothing is known of what was cut");
        assert_eq!(long.key().text(), "\"abc\"");
    }

    #[test]
    fn nan_has_no_place_and_both_zeros_are_one() {
        let rule = Rule::Float(Type::DOUBLE);
        assert_eq!(rule.key(&Cell::Double(f64::NAN)), None);
        assert_eq!(Key::Float(-0.0).order(Key::Float(0.0)), Ordering::Equal);
    }
}
