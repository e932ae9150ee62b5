//! Canonical bytes of one value.
//!
//! Within one type class equal values have equal bytes and different values different ones:
//!
//! | class | bytes |
//! | --- | --- |
//! | int, uint | the value as 8 bytes, little endian (the class tells them apart) |
//! | float | its IEEE bits, little endian; every NaN the same; `-0.0` as `0.0` only on request |
//! | boolean | one byte |
//! | string, binary | the bytes themselves |
//! | timestamp, date | the value as 8 bytes; a date counts days |
//! | time, duration | nanoseconds as 16 bytes |
//! | interval | months, days, nanoseconds |
//! | decimal | the unscaled value as 32 bytes |
//! | list | per element a byte for null or value, then class and value, both behind their length |
//! | struct | per non-null field, by name: name, class and value, each behind its length |
//! | map | its entries as pairs of key and value, ordered by their bytes: entries of a map have no order |

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalDayTimeType,
    IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type, i256,
};

use super::class::TypeClass;
use crate::error::{Error, Result};

macro_rules! signed {
    ($out:expr, $array:expr, $row:expr, $type:ty) => {
        $out.extend_from_slice(&i64::from($array.as_primitive::<$type>().value($row)).to_le_bytes())
    };
}

macro_rules! unsigned {
    ($out:expr, $array:expr, $row:expr, $type:ty) => {
        $out.extend_from_slice(&u64::from($array.as_primitive::<$type>().value($row)).to_le_bytes())
    };
}

macro_rules! nanoseconds {
    ($out:expr, $array:expr, $row:expr, $type:ty, $factor:expr) => {
        $out.extend_from_slice(
            &(i128::from($array.as_primitive::<$type>().value($row)) * $factor).to_le_bytes(),
        )
    };
}

macro_rules! decimal {
    ($out:expr, $array:expr, $row:expr, $type:ty) => {
        $out.extend_from_slice(
            &i256::from_i128(i128::from($array.as_primitive::<$type>().value($row))).to_le_bytes(),
        )
    };
}

/// Appends the canonical bytes of the value in `row`, which must not be null.
///
/// # Errors
/// Class `input` for a type that has no canonical form; the Parquet reader produces none.
pub fn encode(array: &ArrayRef, row: usize, zero_equal: bool, out: &mut Vec<u8>) -> Result<()> {
    match array.data_type() {
        DataType::Null => {}
        DataType::Boolean => out.push(u8::from(array.as_boolean().value(row))),
        DataType::Int8 => signed!(out, array, row, Int8Type),
        DataType::Int16 => signed!(out, array, row, Int16Type),
        DataType::Int32 => signed!(out, array, row, Int32Type),
        DataType::Int64 => signed!(out, array, row, Int64Type),
        DataType::UInt8 => unsigned!(out, array, row, UInt8Type),
        DataType::UInt16 => unsigned!(out, array, row, UInt16Type),
        DataType::UInt32 => unsigned!(out, array, row, UInt32Type),
        DataType::UInt64 => unsigned!(out, array, row, UInt64Type),
        DataType::Float16 => {
            let value = array.as_primitive::<Float16Type>().value(row);
            let bits = if value.is_nan() {
                0x7e00
            } else if zero_equal && value.to_bits() == 0x8000 {
                0
            } else {
                value.to_bits()
            };
            out.extend_from_slice(&bits.to_le_bytes());
        }
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            let value = if value.is_nan() { f32::NAN } else { value };
            let value = if zero_equal && value == 0.0 { 0.0 } else { value };
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        DataType::Float64 => {
            let bits = float_bits(array.as_primitive::<Float64Type>().value(row), zero_equal);
            out.extend_from_slice(&bits.to_le_bytes());
        }
        DataType::Utf8 => out.extend_from_slice(array.as_string::<i32>().value(row).as_bytes()),
        DataType::LargeUtf8 => out.extend_from_slice(array.as_string::<i64>().value(row).as_bytes()),
        DataType::Utf8View => out.extend_from_slice(array.as_string_view().value(row).as_bytes()),
        DataType::Binary => out.extend_from_slice(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => out.extend_from_slice(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => out.extend_from_slice(array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => out.extend_from_slice(array.as_fixed_size_binary().value(row)),
        DataType::Timestamp(TimeUnit::Second, _) => signed!(out, array, row, TimestampSecondType),
        DataType::Timestamp(TimeUnit::Millisecond, _) => signed!(out, array, row, TimestampMillisecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => signed!(out, array, row, TimestampMicrosecondType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => signed!(out, array, row, TimestampNanosecondType),
        DataType::Date32 => signed!(out, array, row, Date32Type),
        DataType::Date64 => {
            let days = array.as_primitive::<Date64Type>().value(row).div_euclid(86_400_000);
            out.extend_from_slice(&days.to_le_bytes());
        }
        DataType::Time32(TimeUnit::Second) => {
            nanoseconds!(out, array, row, Time32SecondType, 1_000_000_000);
        }
        DataType::Time32(_) => nanoseconds!(out, array, row, Time32MillisecondType, 1_000_000),
        DataType::Time64(TimeUnit::Microsecond) => {
            nanoseconds!(out, array, row, Time64MicrosecondType, 1_000);
        }
        DataType::Time64(_) => nanoseconds!(out, array, row, Time64NanosecondType, 1),
        DataType::Duration(TimeUnit::Second) => {
            nanoseconds!(out, array, row, DurationSecondType, 1_000_000_000);
        }
        DataType::Duration(TimeUnit::Millisecond) => {
            nanoseconds!(out, array, row, DurationMillisecondType, 1_000_000);
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            nanoseconds!(out, array, row, DurationMicrosecondType, 1_000);
        }
        DataType::Duration(TimeUnit::Nanosecond) => {
            nanoseconds!(out, array, row, DurationNanosecondType, 1);
        }
        DataType::Interval(unit) => interval(array, *unit, row, out),
        DataType::Decimal32(..) => decimal!(out, array, row, Decimal32Type),
        DataType::Decimal64(..) => decimal!(out, array, row, Decimal64Type),
        DataType::Decimal128(..) => decimal!(out, array, row, Decimal128Type),
        DataType::Decimal256(..) => {
            out.extend_from_slice(&array.as_primitive::<Decimal256Type>().value(row).to_le_bytes());
        }
        DataType::List(_) => list(&array.as_list::<i32>().value(row), zero_equal, out)?,
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row), zero_equal, out)?,
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row), zero_equal, out)?,
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let mut order: Vec<usize> = (0..fields.len()).collect();
            order.sort_by(|&a, &b| fields[a].name().cmp(fields[b].name()));
            for field in order {
                if !is_null(&columns[field], row) {
                    framed(fields[field].name().as_bytes(), out);
                    tagged(&columns[field], row, zero_equal, out)?;
                }
            }
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let mut pairs = Vec::with_capacity(entries.len());
            for entry in 0..entries.len() {
                let mut pair = Vec::new();
                for column in entries.columns() {
                    element(column, entry, zero_equal, &mut pair)?;
                }
                pairs.push(pair);
            }
            pairs.sort_unstable();
            for pair in pairs {
                framed(&pair, out);
            }
        }
        DataType::Dictionary(..) => {
            // Only met inside nested values; a column of dictionary type is hashed by its distinct values.
            let value = crate::output::key::plain(&array.slice(row, 1));
            if is_null(&value, 0) || matches!(value.data_type(), DataType::Dictionary(..)) {
                return Err(Error::internal("a dictionary entry without a value was to be encoded"));
            }
            encode(&value, 0, zero_equal, out)?;
        }
        other => {
            return Err(Error::input(format!("columns of type {other} cannot be compared")));
        }
    }
    Ok(())
}

/// The bits of a float in canonical form.
pub(super) fn float_bits(value: f64, zero_equal: bool) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else if zero_equal && value == 0.0 {
        0
    } else {
        value.to_bits()
    }
}

/// Null, or of the type that holds nothing but nulls.
pub(super) fn is_null(array: &ArrayRef, row: usize) -> bool {
    *array.data_type() == DataType::Null || array.is_null(row)
}

fn interval(array: &ArrayRef, unit: IntervalUnit, row: usize, out: &mut Vec<u8>) {
    let (months, days, nanoseconds) = match unit {
        IntervalUnit::YearMonth => (array.as_primitive::<IntervalYearMonthType>().value(row), 0, 0),
        IntervalUnit::DayTime => {
            let value = array.as_primitive::<IntervalDayTimeType>().value(row);
            (0, value.days, i64::from(value.milliseconds) * 1_000_000)
        }
        IntervalUnit::MonthDayNano => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            (value.months, value.days, value.nanoseconds)
        }
    };
    out.extend_from_slice(&months.to_le_bytes());
    out.extend_from_slice(&days.to_le_bytes());
    out.extend_from_slice(&nanoseconds.to_le_bytes());
}

fn list(values: &ArrayRef, zero_equal: bool, out: &mut Vec<u8>) -> Result<()> {
    (0..values.len()).try_for_each(|row| element(values, row, zero_equal, out))
}

fn element(values: &ArrayRef, row: usize, zero_equal: bool, out: &mut Vec<u8>) -> Result<()> {
    if is_null(values, row) {
        out.push(0);
        return Ok(());
    }
    out.push(1);
    tagged(values, row, zero_equal, out)
}

/// Class and value, each behind its length.
fn tagged(values: &ArrayRef, row: usize, zero_equal: bool, out: &mut Vec<u8>) -> Result<()> {
    framed(TypeClass::of(values.data_type()).to_string().as_bytes(), out);
    let at = out.len();
    out.extend_from_slice(&[0; 8]);
    encode(values, row, zero_equal, out)?;
    let length = (out.len() - at - 8) as u64;
    out[at..at + 8].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

fn framed(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}
