//! Values of different types in a form that is the same where a lossless conversion makes one of the other.
//!
//! | types | form |
//! | --- | --- |
//! | integers, decimals, floats that are whole numbers | the number without trailing zeros, and its scale |
//! | other floats | the bits of the 64-bit float that is the same number; `-0.0` is none of the numbers |
//! | timestamps of any unit and zone, INT96, dates | nanoseconds since 1970 |
//! | text and bytes | the bytes |
//! | lists, structs, maps | their parts, each in this form |
//! | anything else | its canonical bytes |
//!
//! Of one type class two values have the same form only where they are equal. No decimal fraction is taken for a float: hardly any is one.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date64Type, Decimal256Type, TimeUnit, i256};

use super::class::TypeClass;
use super::encode::{encode, float_bits, is_null};
use crate::error::Result;
use crate::output::key::{KeyColumn, KeyRule, KeyValue, plain};
use crate::output::stored::is_int96;

/// What a declared change of type is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Unit, zone and kind of a point in time.
    Timestamp,
    /// Width and sign of integers, and integers that become another number.
    Integer,
    /// Width of floats, and floats in place of another number.
    Float,
    /// Scale of decimals, and decimals in place of integers.
    Decimal,
    /// Text and bytes.
    Text,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Timestamp, Self::Integer, Self::Float, Self::Decimal, Self::Text];

    /// Its name in a policy.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Decimal => "decimal",
            Self::Text => "text",
        }
    }

    /// The family of that name, or of another usual name of its types.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "timestamp" | "time" | "date" => Self::Timestamp,
            "integer" | "int" | "uint" => Self::Integer,
            "float" | "double" => Self::Float,
            "decimal" => Self::Decimal,
            "text" | "string" | "bytes" | "binary" => Self::Text,
            _ => return None,
        })
    }

    fn holds(self, class: &TypeClass) -> bool {
        match self {
            Self::Timestamp => is_time(class),
            Self::Integer => matches!(class, TypeClass::Int | TypeClass::Uint),
            Self::Float => is_float(class),
            Self::Decimal => matches!(class, TypeClass::Decimal(_)),
            Self::Text => is_bytes(class),
        }
    }
}

/// How two types of one column relate where values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retyped {
    /// One type class, in all parts.
    No,
    /// Another type class, and there is a lossless conversion.
    Lossless,
    /// Another type class without one.
    Lossy,
}

impl Retyped {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Lossy, _) | (_, Self::Lossy) => Self::Lossy,
            (Self::Lossless, _) | (_, Self::Lossless) => Self::Lossless,
            (Self::No, Self::No) => Self::No,
        }
    }
}

/// How two types relate. Where `family` is given, a conversion outside of it is none.
#[must_use]
pub fn retyped(a: &DataType, b: &DataType, family: Option<Family>) -> Retyped {
    match (a, b) {
        (DataType::Null, _) | (_, DataType::Null) => Retyped::No,
        (DataType::List(a), DataType::List(b)) => retyped(a.data_type(), b.data_type(), family),
        (DataType::Map(a, _), DataType::Map(b, _)) => match (a.data_type(), b.data_type()) {
            // By position: the names of key and value play no part.
            (DataType::Struct(a), DataType::Struct(b)) => a
                .iter()
                .zip(b)
                .map(|(a, b)| retyped(a.data_type(), b.data_type(), family))
                .fold(Retyped::No, Retyped::and),
            _ => Retyped::Lossy,
        },
        (DataType::Struct(a), DataType::Struct(b)) => a
            .iter()
            .filter_map(|a| Some((a, b.iter().find(|b| b.name() == a.name())?)))
            .map(|(a, b)| retyped(a.data_type(), b.data_type(), family))
            .fold(Retyped::No, Retyped::and),
        _ => {
            let (a, b) = (TypeClass::of(a), TypeClass::of(b));
            if a == b {
                Retyped::No
            } else if convertible(&a, &b) && family.is_none_or(|family| family.holds(&a) || family.holds(&b))
            {
                Retyped::Lossless
            } else {
                Retyped::Lossy
            }
        }
    }
}

fn convertible(a: &TypeClass, b: &TypeClass) -> bool {
    let number = |it: &TypeClass| it.is_number();
    let decimal = |it: &TypeClass| matches!(it, TypeClass::Decimal(_));
    let fraction = (decimal(a) && is_float(b)) || (is_float(a) && decimal(b));
    (number(a) && number(b) && !fraction) || (is_time(a) && is_time(b)) || (is_bytes(a) && is_bytes(b))
}

fn is_float(class: &TypeClass) -> bool {
    matches!(class, TypeClass::Float16 | TypeClass::Float32 | TypeClass::Float64)
}

fn is_time(class: &TypeClass) -> bool {
    matches!(class, TypeClass::Timestamp { .. } | TypeClass::Date)
}

fn is_bytes(class: &TypeClass) -> bool {
    matches!(class, TypeClass::String | TypeClass::Binary)
}

/// Appends the common form of the value in `row`, which must not be null.
///
/// # Errors
/// Class `input` for a type that has no canonical form.
pub fn common(array: &ArrayRef, row: usize, zero_equal: bool, out: &mut Vec<u8>) -> Result<()> {
    let class = TypeClass::of(array.data_type());
    match array.data_type() {
        DataType::List(_) => {
            let values = array.as_list::<i32>().value(row);
            (0..values.len()).try_for_each(|row| element(&values, row, zero_equal, out))
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let mut order: Vec<usize> = (0..fields.len()).collect();
            order.sort_by(|&a, &b| fields[a].name().cmp(fields[b].name()));
            for field in order.into_iter().filter(|&field| !is_null(&columns[field], row)) {
                framed(out, |out| {
                    out.extend_from_slice(fields[field].name().as_bytes());
                    Ok(())
                })?;
                framed(out, |out| common(&columns[field], row, zero_equal, out))?;
            }
            Ok(())
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let pair = |entry: usize| {
                let mut pair = Vec::new();
                entries
                    .columns()
                    .iter()
                    .try_for_each(|column| element(column, entry, zero_equal, &mut pair))?;
                Ok(pair)
            };
            let mut pairs: Vec<Vec<u8>> = (0..entries.len()).map(pair).collect::<Result<_>>()?;
            pairs.sort_unstable();
            pairs.iter().try_for_each(|pair| {
                framed(out, |out| {
                    out.extend_from_slice(pair);
                    Ok(())
                })
            })
        }
        DataType::Dictionary(..) => common(&plain(&array.slice(row, 1)), 0, zero_equal, out),
        _ if class.is_number() => {
            number(array, row, zero_equal, out);
            Ok(())
        }
        _ if is_time(&class) => {
            out.push(b't');
            out.extend_from_slice(&nanoseconds(array, row).to_le_bytes());
            Ok(())
        }
        _ if is_bytes(&class) => {
            out.push(b'b');
            encode(array, row, zero_equal, out)
        }
        _ => {
            framed(out, |out| {
                out.extend_from_slice(class.to_string().as_bytes());
                Ok(())
            })?;
            encode(array, row, zero_equal, out)
        }
    }
}

fn element(values: &ArrayRef, row: usize, zero_equal: bool, out: &mut Vec<u8>) -> Result<()> {
    if is_null(values, row) {
        out.push(0);
        return Ok(());
    }
    out.push(1);
    framed(out, |out| common(values, row, zero_equal, out))
}

/// What `put` appends, behind its length.
fn framed(out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    let at = out.len();
    out.extend_from_slice(&[0; 8]);
    put(out)?;
    let length = (out.len() - at - 8) as u64;
    out[at..at + 8].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

fn number(array: &ArrayRef, row: usize, zero_equal: bool, out: &mut Vec<u8>) {
    let scale = match array.data_type() {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    };
    let value = match KeyColumn::of(array, KeyRule::AsStored).value(row) {
        KeyValue::Int(value) => i256::from_i128(value),
        KeyValue::Float(value) => match whole(value, zero_equal) {
            Some(value) => i256::from_i128(value),
            None => {
                out.push(b'f');
                out.extend_from_slice(&float_bits(value, zero_equal).to_le_bytes());
                return;
            }
        },
        _ => array.as_primitive_opt::<Decimal256Type>().map_or(i256::ZERO, |it| it.value(row)),
    };
    let (mut value, mut scale) = (value, scale);
    let ten = i256::from_i128(10);
    while scale > 0 && value.wrapping_rem(ten) == i256::ZERO {
        value = value.wrapping_div(ten);
        scale -= 1;
    }
    out.push(b'n');
    out.extend_from_slice(&scale.to_le_bytes());
    out.extend_from_slice(&value.to_le_bytes());
}

/// A float as the integer that it is; `-0.0` is none, unless both zeros are one value.
fn whole(value: f64, zero_equal: bool) -> Option<i128> {
    // 2^126: every float below it fits.
    const LIMIT: f64 = 85_070_591_730_234_615_865_843_651_857_942_052_864.0;
    let negative_zero = value == 0.0 && value.is_sign_negative() && !zero_equal;
    if !(-LIMIT..LIMIT).contains(&value) || value.fract() != 0.0 || negative_zero {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within the range")]
    let whole = value as i128;
    Some(whole)
}

fn nanoseconds(array: &ArrayRef, row: usize) -> i128 {
    let value = KeyColumn::of(array, KeyRule::AsStored).value(row).integer().unwrap_or(0);
    match array.data_type() {
        it if is_int96(it) => value,
        DataType::Timestamp(TimeUnit::Second, _) => value * 1_000_000_000,
        DataType::Timestamp(TimeUnit::Millisecond, _) => value * 1_000_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => value * 1_000,
        DataType::Date64 => i128::from(array.as_primitive::<Date64Type>().value(row)) * 1_000_000,
        DataType::Date32 => value * 86_400_000_000_000,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array,
        ListArray, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray, UInt64Array,
    };
    use arrow::datatypes::{Float32Type, Float64Type};

    use super::*;

    fn form(array: &dyn Array) -> Vec<u8> {
        let mut out = Vec::new();
        common(&arrow::array::make_array(array.to_data()), 0, false, &mut out).unwrap();
        out
    }

    fn decimal(value: i128, scale: i8) -> Decimal128Array {
        Decimal128Array::from(vec![value]).with_precision_and_scale(38, scale).unwrap()
    }

    #[test]
    fn equal_values_of_two_types_have_one_form_and_others_have_not() {
        let list = |value: f64| ListArray::from_iter_primitive::<Float64Type, _, _>([Some([Some(value)])]);
        let short = |value: f32| ListArray::from_iter_primitive::<Float32Type, _, _>([Some([Some(value)])]);
        type Pair = (Box<dyn Array>, Box<dyn Array>, bool);
        let pairs: Vec<Pair> = vec![
            (
                Box::new(TimestampMillisecondArray::from(vec![7])),
                Box::new(TimestampMicrosecondArray::from(vec![7_000]).with_timezone("UTC")),
                true,
            ),
            (
                Box::new(TimestampMillisecondArray::from(vec![7])),
                Box::new(TimestampMicrosecondArray::from(vec![7_001])),
                false,
            ),
            (
                Box::new(Date32Array::from(vec![-1])),
                Box::new(TimestampMillisecondArray::from(vec![-86_400_000])),
                true,
            ),
            (Box::new(Float32Array::from(vec![0.5])), Box::new(Float64Array::from(vec![0.5])), true),
            (Box::new(Float64Array::from(vec![0.1])), Box::new(Float32Array::from(vec![0.1])), false),
            (Box::new(Float64Array::from(vec![-0.0])), Box::new(Int64Array::from(vec![0])), false),
            (
                Box::new(Float64Array::from(vec![f64::NAN])),
                Box::new(Float32Array::from(vec![f32::NAN])),
                true,
            ),
            (Box::new(Int32Array::from(vec![5])), Box::new(Float64Array::from(vec![5.0])), true),
            (Box::new(Int64Array::from(vec![-1])), Box::new(UInt64Array::from(vec![u64::MAX])), false),
            (Box::new(decimal(1_500, 3)), Box::new(decimal(15, 1)), true),
            (Box::new(decimal(1_500, 3)), Box::new(decimal(15, 2)), false),
            (Box::new(decimal(200, 2)), Box::new(UInt64Array::from(vec![2])), true),
            (Box::new(StringArray::from(vec!["ä"])), Box::new(BinaryArray::from(vec!["ä".as_bytes()])), true),
            (Box::new(list(2.5)), Box::new(short(2.5)), true),
            (Box::new(list(2.5)), Box::new(short(3.5)), false),
        ];
        for (a, b, same) in pairs {
            assert_eq!(retyped(a.data_type(), b.data_type(), None), Retyped::Lossless);
            assert_eq!(form(a.as_ref()) == form(b.as_ref()), same, "{a:?} {b:?}");
        }
    }

    #[test]
    fn no_conversion_leads_between_other_types_nor_out_of_a_family() {
        use DataType::{Boolean, Float32, Float64, Int32, Int64, Utf8};
        for (a, b) in [(Int64, Utf8), (Float64, DataType::Decimal128(9, 2)), (Boolean, Int32)] {
            assert_eq!(retyped(&a, &b, None), Retyped::Lossy, "{a} {b}");
        }
        assert_eq!(retyped(&Int64, &Int32, None), Retyped::No);
        assert_eq!(retyped(&Float32, &Float64, Some(Family::Float)), Retyped::Lossless);
        assert_eq!(retyped(&Float32, &Float64, Some(Family::Timestamp)), Retyped::Lossy);
        assert!(Family::ALL.iter().all(|family| Family::named(family.name()) == Some(*family)));
        let array: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        assert_eq!(retyped(array.data_type(), &DataType::Null, None), Retyped::No);
    }
}
