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
//! | timestamp, date | the value as 8 bytes, or as 16 where INT96 exceeds them; a date counts days |
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
use crate::output::stored::is_int96;

macro_rules! signed {
    ($out:expr, $array:expr, $row:expr, $type:ty) => {
        $out.put(&i64::from($array.as_primitive::<$type>().value($row)).to_le_bytes())
    };
}

macro_rules! unsigned {
    ($out:expr, $array:expr, $row:expr, $type:ty) => {
        $out.put(&u64::from($array.as_primitive::<$type>().value($row)).to_le_bytes())
    };
}

macro_rules! nanoseconds {
    ($out:expr, $array:expr, $row:expr, $type:ty, $factor:expr) => {
        $out.put(&(i128::from($array.as_primitive::<$type>().value($row)) * $factor).to_le_bytes())
    };
}

macro_rules! decimal {
    ($out:expr, $array:expr, $row:expr, $type:ty) => {
        $out.put(&i256::from_i128(i128::from($array.as_primitive::<$type>().value($row))).to_le_bytes())
    };
}

/// Appends the canonical bytes of the value in `row`, which must not be null.
///
/// # Errors
/// Class `input` for a type that has no canonical form; the Parquet reader produces none.
pub fn encode(array: &ArrayRef, row: usize, zero_equal: bool, out: &mut Vec<u8>) -> Result<()> {
    write(array, row, zero_equal, out)
}

/// Where canonical bytes go.
pub(super) trait Sink: Sized {
    /// Takes the next bytes.
    fn put(&mut self, bytes: &[u8]);

    /// Takes a value behind its length.
    fn value(&mut self, values: &ArrayRef, row: usize, zero_equal: bool) -> Result<()> {
        let mut length = Length(0);
        write(values, row, zero_equal, &mut length)?;
        self.put(&length.0.to_le_bytes());
        write(values, row, zero_equal, self)
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn value(&mut self, values: &ArrayRef, row: usize, zero_equal: bool) -> Result<()> {
        let at = self.len();
        self.put(&[0; 8]);
        write(values, row, zero_equal, self)?;
        let length = (self.len() - at - 8) as u64;
        self[at..at + 8].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }
}

/// Bytes that are counted only.
struct Length(u64);

impl Sink for Length {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len() as u64;
    }

    fn value(&mut self, values: &ArrayRef, row: usize, zero_equal: bool) -> Result<()> {
        self.0 += 8;
        write(values, row, zero_equal, self)
    }
}

/// Bytes that are hashed and not kept.
pub(super) struct Hashed {
    hasher: blake3::Hasher,
    length: u64,
}

impl Hashed {
    /// Hashes under a key.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self { hasher: blake3::Hasher::new_keyed(key), length: 0 }
    }

    /// The hash and the number of bytes.
    pub(super) fn finish(&self) -> (blake3::Hash, u64) {
        (self.hasher.finalize(), self.length)
    }
}

impl Sink for Hashed {
    fn put(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
    }
}

/// About how many canonical bytes the rows `from..to` have; values that are no list, map or struct count as one word.
pub(super) fn weight(array: &ArrayRef, from: usize, to: usize) -> u64 {
    let bound = |offset: i64| usize::try_from(offset).unwrap_or(0);
    match array.data_type() {
        DataType::List(_) => {
            let (list, offsets) = (array.as_list::<i32>(), array.as_list::<i32>().value_offsets());
            weight(list.values(), bound(offsets[from].into()), bound(offsets[to].into()))
        }
        DataType::LargeList(_) => {
            let (list, offsets) = (array.as_list::<i64>(), array.as_list::<i64>().value_offsets());
            weight(list.values(), bound(offsets[from]), bound(offsets[to]))
        }
        DataType::Map(..) => {
            let (map, offsets) = (array.as_map(), array.as_map().value_offsets());
            let (from, to) = (bound(offsets[from].into()), bound(offsets[to].into()));
            map.entries().columns().iter().map(|column| weight(column, from, to)).sum()
        }
        DataType::Struct(_) => {
            array.as_struct().columns().iter().map(|column| weight(column, from, to)).sum()
        }
        DataType::Utf8View | DataType::BinaryView => {
            let views = match array.as_string_view_opt() {
                Some(text) => text.views(),
                None => array.as_binary_view().views(),
            };
            // The length of a value is the low half of the first word of its view.
            views[from..to].iter().map(|view| 48 + (*view & u128::from(u32::MAX)) as u64).sum()
        }
        _ => 48 * (to - from) as u64,
    }
}

/// Entries of a map up to which their bytes are kept while they are sorted.
const KEPT: usize = 4_096;

/// A map of many entries: their bytes are made when they are compared, and not kept.
fn large_map(columns: &[ArrayRef], entries: usize, zero_equal: bool, out: &mut impl Sink) -> Result<()> {
    let pair = |entry: usize, bytes: &mut Vec<u8>| {
        bytes.clear();
        columns.iter().try_for_each(|column| element(column, entry, zero_equal, bytes))
    };
    let (mut a, mut b, mut failed) = (Vec::new(), Vec::new(), None);
    let mut order: Vec<u32> = (0..u32::try_from(entries).unwrap_or(u32::MAX)).collect();
    order.sort_by(|&first, &second| {
        let made = pair(first as usize, &mut a).and_then(|()| pair(second as usize, &mut b));
        if let Err(error) = made {
            failed.get_or_insert(error);
        }
        a.cmp(&b)
    });
    if let Some(error) = failed {
        return Err(error);
    }
    for entry in order {
        pair(entry as usize, &mut a)?;
        framed(&a, out);
    }
    Ok(())
}

/// The same, wherever the bytes go.
pub(super) fn write(array: &ArrayRef, row: usize, zero_equal: bool, out: &mut impl Sink) -> Result<()> {
    match array.data_type() {
        it if is_int96(it) => {
            let value = array.as_primitive::<Decimal128Type>().value(row);
            match i64::try_from(value) {
                Ok(value) => out.put(&value.to_le_bytes()),
                Err(_) => out.put(&value.to_le_bytes()),
            }
        }
        DataType::Null => {}
        DataType::Boolean => out.put(&[u8::from(array.as_boolean().value(row))]),
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
            out.put(&bits.to_le_bytes());
        }
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            let value = if value.is_nan() { f32::NAN } else { value };
            let value = if zero_equal && value == 0.0 { 0.0 } else { value };
            out.put(&value.to_bits().to_le_bytes());
        }
        DataType::Float64 => {
            let bits = float_bits(array.as_primitive::<Float64Type>().value(row), zero_equal);
            out.put(&bits.to_le_bytes());
        }
        DataType::Utf8 => out.put(array.as_string::<i32>().value(row).as_bytes()),
        DataType::LargeUtf8 => out.put(array.as_string::<i64>().value(row).as_bytes()),
        DataType::Utf8View => out.put(array.as_string_view().value(row).as_bytes()),
        DataType::Binary => out.put(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => out.put(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => out.put(array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => out.put(array.as_fixed_size_binary().value(row)),
        DataType::Timestamp(TimeUnit::Second, _) => signed!(out, array, row, TimestampSecondType),
        DataType::Timestamp(TimeUnit::Millisecond, _) => signed!(out, array, row, TimestampMillisecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => signed!(out, array, row, TimestampMicrosecondType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => signed!(out, array, row, TimestampNanosecondType),
        DataType::Date32 => signed!(out, array, row, Date32Type),
        DataType::Date64 => {
            let days = array.as_primitive::<Date64Type>().value(row).div_euclid(86_400_000);
            out.put(&days.to_le_bytes());
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
            out.put(&array.as_primitive::<Decimal256Type>().value(row).to_le_bytes());
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
            if entries.len() > KEPT {
                return large_map(entries.columns(), entries.len(), zero_equal, out);
            }
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
            write(&value, 0, zero_equal, out)?;
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

fn interval(array: &ArrayRef, unit: IntervalUnit, row: usize, out: &mut impl Sink) {
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
    out.put(&months.to_le_bytes());
    out.put(&days.to_le_bytes());
    out.put(&nanoseconds.to_le_bytes());
}

fn list(values: &ArrayRef, zero_equal: bool, out: &mut impl Sink) -> Result<()> {
    (0..values.len()).try_for_each(|row| element(values, row, zero_equal, out))
}

fn element(values: &ArrayRef, row: usize, zero_equal: bool, out: &mut impl Sink) -> Result<()> {
    if is_null(values, row) {
        out.put(&[0]);
        return Ok(());
    }
    out.put(&[1]);
    tagged(values, row, zero_equal, out)
}

/// Class and value, each behind its length.
fn tagged(values: &ArrayRef, row: usize, zero_equal: bool, out: &mut impl Sink) -> Result<()> {
    framed(TypeClass::of(values.data_type()).to_string().as_bytes(), out);
    out.value(values, row, zero_equal)
}

fn framed(bytes: &[u8], out: &mut impl Sink) {
    out.put(&(bytes.len() as u64).to_le_bytes());
    out.put(bytes);
}
