//! One column of a batch, ready to add what its cells add to the lanes of any of its rows.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericByteArray, GenericByteViewArray, Int32Array, PrimitiveArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, ByteArrayType, ByteViewType, DataType, Date32Type, Float64Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt32Type, UInt64Type,
};

use super::column::{ColumnKey, Lanes};
use super::common::common;
use super::encode::{encode, float_bits, is_null, weight, write};
use crate::error::Result;

/// A column, looked through once.
pub(super) enum Prepared {
    /// Nothing but nulls.
    Nothing,
    /// Of a type whose canonical form is a word.
    Words { words: Words, array: ArrayRef, key: Arc<ColumnKey> },
    /// Text and bytes.
    Bytes { bytes: Bytes, array: ArrayRef, key: Arc<ColumnKey> },
    /// Positions in a table of what the distinct values add; null slots may hold any position.
    Dictionary { keys: Int32Array, table: Arc<Vec<Lanes>> },
    /// What each row adds, worked out before.
    Ready(Vec<Lanes>),
}

/// Types whose canonical form is one word.
#[derive(Clone, Copy)]
pub(super) enum Words {
    Int64,
    UInt64,
    Int32,
    UInt32,
    Date32,
    Float64 { zero_equal: bool },
    Timestamp(TimeUnit),
}

/// Types whose canonical form are their bytes.
#[derive(Clone, Copy)]
pub(super) enum Bytes {
    Utf8,
    LargeUtf8,
    Utf8View,
    Binary,
    LargeBinary,
    BinaryView,
}

impl Prepared {
    /// A column that is no dictionary.
    pub(super) fn plain(array: &ArrayRef, key: &Arc<ColumnKey>, zero_equal: bool) -> Result<Self> {
        let words = |words| Self::Words { words, array: Arc::clone(array), key: Arc::clone(key) };
        let bytes = |bytes| Self::Bytes { bytes, array: Arc::clone(array), key: Arc::clone(key) };
        Ok(match array.data_type() {
            DataType::Null => Self::Nothing,
            DataType::Int64 => words(Words::Int64),
            DataType::UInt64 => words(Words::UInt64),
            DataType::Int32 => words(Words::Int32),
            DataType::UInt32 => words(Words::UInt32),
            DataType::Date32 => words(Words::Date32),
            DataType::Float64 => words(Words::Float64 { zero_equal }),
            DataType::Timestamp(unit, _) => words(Words::Timestamp(*unit)),
            DataType::Utf8 => bytes(Bytes::Utf8),
            DataType::LargeUtf8 => bytes(Bytes::LargeUtf8),
            DataType::Utf8View => bytes(Bytes::Utf8View),
            DataType::Binary => bytes(Bytes::Binary),
            DataType::LargeBinary => bytes(Bytes::LargeBinary),
            DataType::BinaryView => bytes(Bytes::BinaryView),
            _ => Self::Ready(encoded(array, key, zero_equal)?),
        })
    }

    /// A column in the form that other types share.
    pub(super) fn common(array: &ArrayRef, key: &ColumnKey, zero_equal: bool) -> Result<Self> {
        let mut buffer = Vec::new();
        let of = |row: usize| {
            if is_null(array, row) {
                return Ok(Lanes::default());
            }
            buffer.clear();
            common(array, row, zero_equal, &mut buffer)?;
            Ok(key.value(&buffer))
        };
        Ok(Self::Ready((0..array.len()).map(of).collect::<Result<_>>()?))
    }

    /// A dictionary column whose distinct values add `table`.
    pub(super) fn dictionary(array: &ArrayRef, table: Arc<Vec<Lanes>>) -> Self {
        let dictionary = array.as_any_dictionary();
        let keys = dictionary.keys();
        match keys.as_any().downcast_ref::<Int32Array>() {
            Some(keys) => Self::Dictionary { keys: keys.clone(), table },
            // The keys of an array without a value cannot be normalized.
            None if table.is_empty() => Self::Nothing,
            None => {
                let normalized = dictionary.normalized_keys();
                let of =
                    |row: usize| if keys.is_null(row) { Lanes::default() } else { table[normalized[row]] };
                Self::Ready((0..keys.len()).map(of).collect())
            }
        }
    }

    /// What the column adds to every row alike, where it does.
    pub(super) fn constant(&self) -> Option<Lanes> {
        match self {
            Self::Nothing => Some(Lanes::default()),
            Self::Dictionary { keys, table } if table.len() == 1 && nulls(keys).is_none() => {
                table.first().copied()
            }
            _ => None,
        }
    }

    /// Adds what the cells of the rows from `from` on add.
    pub(super) fn add(&self, from: usize, out: &mut [Lanes]) {
        match self {
            Self::Nothing => {}
            Self::Words { words, array, key } => words.add(array, key, from, out),
            Self::Bytes { bytes, array, key } => bytes.add(array, key, from, out),
            Self::Dictionary { keys, table } => from_table(keys, table, from, out),
            Self::Ready(lanes) => {
                for (out, lanes) in out.iter_mut().zip(&lanes[from..]) {
                    out.add(*lanes);
                }
            }
        }
    }
}

/// Canonical bytes of a value from which on they are hashed as they are made, and not kept.
const KEPT: u64 = if cfg!(test) { 4 << 10 } else { 1 << 20 };

/// Through the canonical bytes, for types that are rare.
fn encoded(array: &ArrayRef, key: &ColumnKey, zero_equal: bool) -> Result<Vec<Lanes>> {
    let mut buffer = Vec::new();
    let of = |row: usize| {
        if is_null(array, row) {
            return Ok(Lanes::default());
        }
        if weight(array, row, row + 1) > KEPT {
            let mut value = key.stream();
            write(array, row, zero_equal, &mut value)?;
            if let Some(lanes) = key.streamed(&value) {
                return Ok(lanes);
            }
        }
        buffer.clear();
        encode(array, row, zero_equal, &mut buffer)?;
        Ok(key.value(&buffer))
    };
    (0..array.len()).map(of).collect()
}

fn from_table(keys: &Int32Array, table: &[Lanes], from: usize, out: &mut [Lanes]) {
    let positions = &keys.values()[from..];
    let of = |position: i32| {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        table.get(position).copied().unwrap_or_default()
    };
    match nulls(keys) {
        None => {
            for (out, &position) in out.iter_mut().zip(positions) {
                out.add(of(position));
            }
        }
        Some(nulls) => {
            for (row, (out, &position)) in out.iter_mut().zip(positions).enumerate() {
                // A position that there is not stands for null: no branch that chance decides.
                out.add(of(if nulls.is_valid(from + row) { position } else { -1 }));
            }
        }
    }
}

fn nulls(array: &dyn Array) -> Option<&NullBuffer> {
    array.nulls().filter(|nulls| nulls.null_count() > 0)
}

impl Words {
    #[expect(clippy::cast_sign_loss, reason = "the bits are meant")]
    fn add(self, array: &ArrayRef, key: &ColumnKey, from: usize, out: &mut [Lanes]) {
        match self {
            Self::Int64 => of_words(array.as_primitive::<Int64Type>(), |it| it as u64, key, from, out),
            Self::UInt64 => of_words(array.as_primitive::<UInt64Type>(), |it| it, key, from, out),
            Self::Int32 => {
                of_words(array.as_primitive::<Int32Type>(), |it| i64::from(it) as u64, key, from, out);
            }
            Self::UInt32 => of_words(array.as_primitive::<UInt32Type>(), u64::from, key, from, out),
            Self::Date32 => {
                of_words(array.as_primitive::<Date32Type>(), |it| i64::from(it) as u64, key, from, out);
            }
            Self::Float64 { zero_equal } => {
                let bits = |it| float_bits(it, zero_equal);
                of_words(array.as_primitive::<Float64Type>(), bits, key, from, out);
            }
            Self::Timestamp(TimeUnit::Second) => {
                of_words(array.as_primitive::<TimestampSecondType>(), |it| it as u64, key, from, out);
            }
            Self::Timestamp(TimeUnit::Millisecond) => {
                of_words(array.as_primitive::<TimestampMillisecondType>(), |it| it as u64, key, from, out);
            }
            Self::Timestamp(TimeUnit::Microsecond) => {
                of_words(array.as_primitive::<TimestampMicrosecondType>(), |it| it as u64, key, from, out);
            }
            Self::Timestamp(TimeUnit::Nanosecond) => {
                of_words(array.as_primitive::<TimestampNanosecondType>(), |it| it as u64, key, from, out);
            }
        }
    }
}

fn of_words<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    word: impl Fn(T::Native) -> u64,
    key: &ColumnKey,
    from: usize,
    out: &mut [Lanes],
) {
    let (some, pair) = key.of_eight();
    let values = &array.values()[from..];
    match nulls(array) {
        None => {
            for (out, &value) in out.iter_mut().zip(values) {
                out.add(some);
                out.word(word(value), u64::MAX, pair);
            }
        }
        Some(nulls) => {
            for (row, (out, &value)) in out.iter_mut().zip(values).enumerate() {
                // All ones or zero: no branch that chance decides.
                let mask = 0_u64.wrapping_sub(u64::from(nulls.is_valid(from + row)));
                let wide = u128::from(mask) << 64 | u128::from(mask);
                out.add(Lanes(some.0 & wide, some.1 & wide));
                out.word(word(value), mask, pair);
            }
        }
    }
}

impl Bytes {
    fn add(self, array: &ArrayRef, key: &ColumnKey, from: usize, out: &mut [Lanes]) {
        match self {
            Self::Utf8 => of_bytes(array.as_string::<i32>(), key, from, out),
            Self::LargeUtf8 => of_bytes(array.as_string::<i64>(), key, from, out),
            Self::Utf8View => of_views(array.as_string_view(), key, from, out),
            Self::Binary => of_bytes(array.as_binary::<i32>(), key, from, out),
            Self::LargeBinary => of_bytes(array.as_binary::<i64>(), key, from, out),
            Self::BinaryView => of_views(array.as_binary_view(), key, from, out),
        }
    }
}

fn of_bytes<T: ByteArrayType>(array: &GenericByteArray<T>, key: &ColumnKey, from: usize, out: &mut [Lanes]) {
    let nulls = nulls(array);
    for (row, out) in (from..).zip(out) {
        if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
            let value: &[u8] = array.value(row).as_ref();
            out.add(key.value(value));
        }
    }
}

fn of_views<T: ByteViewType>(
    array: &GenericByteViewArray<T>,
    key: &ColumnKey,
    from: usize,
    out: &mut [Lanes],
) {
    let nulls = nulls(array);
    for (row, out) in (from..).zip(out) {
        if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
            let value: &[u8] = array.value(row).as_ref();
            out.add(key.value(value));
        }
    }
}
