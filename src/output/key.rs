//! Sort keys of rows, comparable across types and files.
//!
//! A key is one [`KeyValue`] per sort column, compared lexicographically. A missing value comes first: that is the declared
//! place of rows without a key. Numbers compare numerically whatever their width, `-0.0` equals `0.0`, NaN comes after all
//! numbers; strings and binaries compare bytewise. Timestamps, dates and times compare by their integer value.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type, i256,
};

use super::stored::{instant, is_int96};

/// One column's part of a sort key.
#[derive(Debug, Clone)]
pub enum KeyValue {
    /// No value: before everything else.
    Missing,
    /// Integers, booleans, and whatever is stored as an integer.
    Int(i128),
    /// A point in time that is shown as a date: INT96, in nanoseconds since 1970.
    Instant(i128),
    /// Floating point.
    Float(f64),
    /// 256-bit decimals, unscaled.
    Wide(i256),
    /// Strings and binaries.
    Bytes(Vec<u8>),
}

impl KeyValue {
    fn rank(&self) -> u8 {
        match self {
            Self::Missing => 0,
            Self::Int(_) | Self::Instant(_) | Self::Float(_) => 1,
            Self::Wide(_) => 2,
            Self::Bytes(_) => 3,
        }
    }

    /// Where the value is stored as an integer, that.
    #[must_use]
    pub fn integer(&self) -> Option<i128> {
        match self {
            Self::Int(value) | Self::Instant(value) => Some(*value),
            _ => None,
        }
    }

    /// The value as text, for reports.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Missing => "no key".to_owned(),
            Self::Int(value) => value.to_string(),
            Self::Instant(value) => instant(*value),
            Self::Float(value) => format!("{value:?}"),
            Self::Wide(value) => value.to_string(),
            Self::Bytes(value) => String::from_utf8_lossy(value).into_owned(),
        }
    }
}

/// Compares an integer with a float without rounding the integer.
fn int_float(int: i128, float: f64) -> Ordering {
    if float.is_nan() || float >= 1.7e38 {
        return Ordering::Less;
    }
    if float <= -1.7e38 {
        return Ordering::Greater;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked above")]
    let whole = float.trunc() as i128;
    int.cmp(&whole).then_with(|| 0.0_f64.total_cmp(&(float.fract() + 0.0)))
}

impl Ord for KeyValue {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a) | Self::Instant(a), Self::Int(b) | Self::Instant(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => {
                a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
            }
            (Self::Int(a) | Self::Instant(a), Self::Float(b)) => int_float(*a, *b),
            (Self::Float(a), Self::Int(b) | Self::Instant(b)) => int_float(*b, *a).reverse(),
            (Self::Wide(a), Self::Wide(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for KeyValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for KeyValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for KeyValue {}

/// How the values of one key column are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRule {
    /// As they are.
    AsStored,
    /// The signal wants an int64 here: a floating-point value counts truncated toward zero, with NaN, infinities and what
    /// is out of range as the lowest int64; a value of a type that is no number counts as 0.
    Int64,
}

/// One sort column of a batch, ready to be asked row by row.
#[derive(Debug)]
pub struct KeyColumn {
    array: Option<ArrayRef>,
    rule: KeyRule,
}

impl KeyColumn {
    /// The column `name` of a batch; missing in every row where the batch has no such column.
    #[must_use]
    pub fn new(batch: &RecordBatch, name: &str, rule: KeyRule) -> Self {
        Self { array: batch.column_by_name(name).map(plain), rule }
    }

    /// A column that is at hand.
    #[must_use]
    pub fn of(array: &ArrayRef, rule: KeyRule) -> Self {
        Self { array: Some(plain(array)), rule }
    }

    /// The value in `row`.
    #[must_use]
    pub fn value(&self, row: usize) -> KeyValue {
        let Some(array) = &self.array else { return KeyValue::Missing };
        if array.is_null(row) || *array.data_type() == DataType::Null {
            return KeyValue::Missing;
        }
        let stored = stored(array, row);
        match (self.rule, stored) {
            (KeyRule::AsStored, stored) => stored,
            (KeyRule::Int64, KeyValue::Float(value)) => KeyValue::Int(i128::from(truncated(value))),
            (KeyRule::Int64, KeyValue::Instant(value)) => KeyValue::Int(value),
            (KeyRule::Int64, KeyValue::Int(value)) if *array.data_type() != DataType::Boolean => {
                KeyValue::Int(value)
            }
            (KeyRule::Int64, _) => KeyValue::Int(0),
        }
    }
}

/// A float in place of an int64: truncated toward zero; NaN, infinities and what is out of range are the lowest int64.
#[must_use]
pub fn truncated(value: f64) -> i64 {
    // 2^63 is exact in a double; every double below it and at or above -2^63 fits after truncation.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if !(-LIMIT..LIMIT).contains(&value) {
        return i64::MIN;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "truncation toward zero is the rule, the range was checked"
    )]
    let whole = value as i64;
    whole
}

/// The array with a dictionary unfolded, text and bytes into views: a value that stands once in the dictionary is not copied.
pub(crate) fn plain(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Dictionary(_, value) => {
            let target = match value.as_ref() {
                DataType::Utf8 | DataType::LargeUtf8 => &DataType::Utf8View,
                DataType::Binary | DataType::LargeBinary => &DataType::BinaryView,
                other => other,
            };
            arrow::compute::cast(array, target).unwrap_or_else(|_| ArrayRef::clone(array))
        }
        _ => ArrayRef::clone(array),
    }
}

macro_rules! int {
    ($array:expr, $row:expr, $type:ty) => {
        KeyValue::Int(i128::from($array.as_primitive::<$type>().value($row)))
    };
}

fn stored(array: &ArrayRef, row: usize) -> KeyValue {
    match array.data_type() {
        DataType::Boolean => KeyValue::Int(i128::from(array.as_boolean().value(row))),
        DataType::Int8 => int!(array, row, Int8Type),
        DataType::Int16 => int!(array, row, Int16Type),
        DataType::Int32 => int!(array, row, Int32Type),
        DataType::Int64 => int!(array, row, Int64Type),
        DataType::UInt8 => int!(array, row, UInt8Type),
        DataType::UInt16 => int!(array, row, UInt16Type),
        DataType::UInt32 => int!(array, row, UInt32Type),
        DataType::UInt64 => int!(array, row, UInt64Type),
        DataType::Date32 => int!(array, row, Date32Type),
        DataType::Date64 => int!(array, row, Date64Type),
        DataType::Time32(TimeUnit::Second) => int!(array, row, Time32SecondType),
        DataType::Time32(_) => int!(array, row, Time32MillisecondType),
        DataType::Time64(TimeUnit::Microsecond) => int!(array, row, Time64MicrosecondType),
        DataType::Time64(_) => int!(array, row, Time64NanosecondType),
        DataType::Timestamp(TimeUnit::Second, _) => int!(array, row, TimestampSecondType),
        DataType::Timestamp(TimeUnit::Millisecond, _) => int!(array, row, TimestampMillisecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => int!(array, row, TimestampMicrosecondType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => int!(array, row, TimestampNanosecondType),
        DataType::Duration(TimeUnit::Second) => int!(array, row, DurationSecondType),
        DataType::Duration(TimeUnit::Millisecond) => int!(array, row, DurationMillisecondType),
        DataType::Duration(TimeUnit::Microsecond) => int!(array, row, DurationMicrosecondType),
        DataType::Duration(TimeUnit::Nanosecond) => int!(array, row, DurationNanosecondType),
        it if is_int96(it) => KeyValue::Instant(array.as_primitive::<Decimal128Type>().value(row)),
        DataType::Decimal32(..) => int!(array, row, Decimal32Type),
        DataType::Decimal64(..) => int!(array, row, Decimal64Type),
        DataType::Decimal128(..) => int!(array, row, Decimal128Type),
        DataType::Decimal256(..) => KeyValue::Wide(array.as_primitive::<Decimal256Type>().value(row)),
        DataType::Float16 => KeyValue::Float(f64::from(array.as_primitive::<Float16Type>().value(row))),
        DataType::Float32 => KeyValue::Float(f64::from(array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => KeyValue::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => KeyValue::Bytes(array.as_string::<i32>().value(row).into()),
        DataType::LargeUtf8 => KeyValue::Bytes(array.as_string::<i64>().value(row).into()),
        DataType::Utf8View => KeyValue::Bytes(array.as_string_view().value(row).into()),
        DataType::Binary => KeyValue::Bytes(array.as_binary::<i32>().value(row).into()),
        DataType::LargeBinary => KeyValue::Bytes(array.as_binary::<i64>().value(row).into()),
        DataType::BinaryView => KeyValue::Bytes(array.as_binary_view().value(row).into()),
        DataType::FixedSizeBinary(_) => KeyValue::Bytes(array.as_fixed_size_binary().value(row).into()),
        // Types without an order are refused as keys (see `check::keys`): here all are alike.
        _ => KeyValue::Int(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_compare_numerically_and_strings_bytewise() {
        assert!(KeyValue::Int(9) < KeyValue::Int(10));
        assert!(KeyValue::Bytes(b"10".to_vec()) < KeyValue::Bytes(b"9".to_vec()));
        assert!(KeyValue::Missing < KeyValue::Int(i128::MIN));
    }

    #[test]
    fn integers_and_floats_compare_without_rounding() {
        assert!(KeyValue::Int(9_007_199_254_740_993) > KeyValue::Float(9_007_199_254_740_992.0));
        assert!(KeyValue::Int(3) < KeyValue::Float(3.5));
        assert!(KeyValue::Int(-3) > KeyValue::Float(-3.5));
        assert_eq!(KeyValue::Int(0), KeyValue::Float(-0.0));
        assert_eq!(KeyValue::Int(7), KeyValue::Instant(7));
        assert!(KeyValue::Instant(1 << 70) > KeyValue::Int(i128::from(i64::MAX)));
        assert!(KeyValue::Int(i128::from(i64::MAX)) < KeyValue::Float(f64::NAN));
    }

    #[test]
    fn floats_in_place_of_an_int64_truncate_toward_zero_and_the_rest_is_lowest() {
        assert_eq!(truncated(-1.9), -1);
        assert_eq!(truncated(1.9), 1);
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 9_223_372_036_854_775_808.0] {
            assert_eq!(truncated(odd), i64::MIN);
        }
        assert_eq!(truncated(-9_223_372_036_854_775_808.0), i64::MIN);
    }
}
