//! Data pages of values without a dictionary, each made by itself from the rows that go into it.
//!
//! Strings and bytes: all lengths as packed deltas, then all bytes (DELTA_LENGTH_BYTE_ARRAY). Floats: the first byte of each,
//! then the second of each, and so on (BYTE_STREAM_SPLIT), since sign and exponent repeat where digits do not. Lowest and
//! highest values leave NaN out, and a zero is told as -0.0 below and +0.0 above, as the format wants it.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BooleanBufferBuilder, MutableArrayData,
    make_array,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use parquet::basic::{Encoding, Type};
use parquet::errors::Result;

use crate::encode::bounds::Bounds;
use crate::encode::chunk_builder::{ColumnShape, DataPage, Noted};
use crate::encode::delta;

/// Whether columns of this type can be written so.
pub(crate) fn can_be_paged(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Binary | DataType::Float32 | DataType::Float64)
}

/// How the values of a column are encoded.
pub(crate) fn encoding(shape: ColumnShape<'_>) -> Encoding {
    match shape.column.physical_type() {
        Type::FLOAT | Type::DOUBLE => Encoding::BYTE_STREAM_SPLIT,
        _ => Encoding::DELTA_LENGTH_BYTE_ARRAY,
    }
}

/// Rows that follow one another.
#[derive(Debug)]
pub(crate) enum Part {
    Nulls(usize),
    /// Bytes or floats; bytes have none behind nulls.
    Values(ArrayRef),
}

impl Part {
    /// Of an array of a type that [`can_be_paged`].
    pub(crate) fn of(values: &ArrayRef) -> Self {
        let bytes = match values.data_type() {
            DataType::Utf8 => BinaryArray::from(values.as_string::<i32>().clone()),
            DataType::Binary => values.as_binary::<i32>().clone(),
            _ => return Self::Values(values.clone()),
        };
        // Arrays may have bytes behind nulls, and how many must not show.
        let hidden = |row: usize| bytes.is_null(row) && bytes.value_length(row) > 0;
        let bytes = if bytes.null_count() > 0 && (0..bytes.len()).any(hidden) {
            bytes.iter().collect()
        } else {
            bytes
        };
        Self::Values(std::sync::Arc::new(bytes))
    }

    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Nulls(rows) => *rows,
            Self::Values(values) => values.len(),
        }
    }

    fn nulls(&self) -> usize {
        match self {
            Self::Nulls(rows) => *rows,
            Self::Values(values) => values.null_count(),
        }
    }

    /// Bytes of its values.
    pub(crate) fn bytes(&self) -> usize {
        let Self::Values(values) = self else { return 0 };
        match values.data_type().primitive_width() {
            Some(width) => (values.len() - values.null_count()) * width,
            None => bytes_of(values.as_binary()).len(),
        }
    }

    pub(crate) fn slice(&self, start: usize, rows: usize) -> Self {
        match self {
            Self::Nulls(_) => Self::Nulls(rows),
            Self::Values(values) => Self::Values(values.slice(start, rows)),
        }
    }

    /// The same in memory of its own.
    pub(crate) fn compact(self) -> Self {
        let Self::Values(values) = self else { return self };
        let data = values.to_data();
        let mut copy = MutableArrayData::new(vec![&data], false, values.len());
        // What a slice holds cannot be too much for an array.
        let copied = copy.try_extend(0, 0, values.len());
        Self::Values(copied.map_or_else(|_| values.clone(), |()| make_array(copy.freeze())))
    }

    /// Rows from `at` on that go into a page with room for so many rows and bytes, the one that fills it included.
    pub(crate) fn fitting(&self, at: usize, rows: usize, bytes: usize) -> usize {
        let rows = rows.min(self.rows() - at);
        let Self::Values(values) = self else { return rows };
        let full = match values.data_type().primitive_width() {
            Some(width) => {
                let fill = bytes.div_ceil(width) - 1;
                match values.nulls() {
                    Some(nulls) => nulls.slice(at, rows).valid_indices().nth(fill).unwrap_or(rows),
                    None => fill,
                }
            }
            None => {
                let offsets = &values.as_binary::<i32>().value_offsets()[at + 1..=at + rows];
                let first = values.as_binary::<i32>().value_offsets()[at];
                offsets.partition_point(|offset| ((offset - first) as usize) < bytes)
            }
        };
        rows.min(full + 1)
    }
}

fn bytes_of(values: &BinaryArray) -> &[u8] {
    let offsets = values.value_offsets();
    &values.value_data()[offsets[0] as usize..offsets[values.len()] as usize]
}

/// Makes a page of these rows.
pub(crate) fn data_page(parts: &[Part], shape: ColumnShape<'_>) -> Result<DataPage> {
    let rows = parts.iter().map(Part::rows).sum();
    let nulls = parts.iter().map(Part::nulls).sum();
    let valid = (nulls > 0).then(|| validity(parts, rows));
    let arrays = || {
        parts.iter().filter_map(|part| match part {
            Part::Nulls(_) => None,
            Part::Values(values) => Some(values),
        })
    };
    let page = |bounds, value_bytes, encode: &dyn Fn(&mut Vec<u8>)| {
        shape.data_page(Noted { rows, nulls, value_bytes, bounds }, valid.as_ref(), encoding(shape), encode)
    };
    match shape.column.physical_type() {
        Type::FLOAT => {
            let (values, bounds) = floats::<Float32Type>(arrays(), rows - nulls);
            page(bounds, None, &|plain| split(values.iter().map(|value| value.to_bits()), 4, plain))
        }
        Type::DOUBLE => {
            let (values, bounds) = floats::<Float64Type>(arrays(), rows - nulls);
            page(bounds, None, &|plain| split(values.iter().map(|value| value.to_bits()), 8, plain))
        }
        _ => {
            let arrays = || arrays().map(|values| values.as_binary::<i32>());
            let values = || arrays().flat_map(|values| values.iter().flatten());
            let mut lengths = Vec::with_capacity(rows - nulls);
            lengths.extend(values().map(|value| value.len() as i32));
            let bounds = Bounds::of_bytes(values());
            let bytes: usize = arrays().map(|values| bytes_of(values).len()).sum();
            page(bounds, Some(bytes as i64), &|plain| {
                plain.reserve(bytes + lengths.len() + 64);
                delta::encode(&lengths, plain);
                arrays().for_each(|values| plain.extend_from_slice(bytes_of(values)));
            })
        }
    }
}

fn validity(parts: &[Part], rows: usize) -> NullBuffer {
    let mut valid = BooleanBufferBuilder::new(rows);
    for part in parts {
        match part {
            Part::Nulls(rows) => valid.append_n(*rows, false),
            Part::Values(values) => match values.nulls() {
                Some(nulls) => valid.append_buffer(nulls.inner()),
                None => valid.append_n(values.len(), true),
            },
        }
    }
    NullBuffer::new(valid.finish())
}

/// The values that are there, `count` of them, and their bounds.
fn floats<'a, T: ArrowPrimitiveType>(
    arrays: impl Iterator<Item = &'a ArrayRef>,
    count: usize,
) -> (Vec<T::Native>, Option<Bounds>)
where
    T::Native: Into<f64>,
{
    let mut all = Vec::with_capacity(count);
    for values in arrays.map(|values| values.as_primitive::<T>()) {
        match values.nulls().filter(|nulls| nulls.null_count() > 0) {
            Some(nulls) => all.extend(nulls.valid_indices().map(|row| values.value(row))),
            None => all.extend_from_slice(values.values()),
        }
    }
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in &all {
        let value: f64 = (*value).into();
        // NaN is neither lower nor higher than anything.
        min = if value < min { value } else { min };
        max = if value > max { value } else { max };
    }
    let zero = |bound: f64, signed: f64| if bound == 0.0 { signed } else { bound };
    (all, (min <= max).then(|| Bounds::Floats(zero(min, -0.0), zero(max, 0.0))))
}

/// Appends the lowest byte of each value, then the next of each, up to `width` of them.
fn split<B>(values: impl Iterator<Item = B> + Clone, width: usize, bytes: &mut Vec<u8>)
where
    B: Into<u64>,
{
    for byte in 0..width {
        bytes.extend(values.clone().map(|bits| (bits.into() >> (8 * byte)) as u8));
    }
}
