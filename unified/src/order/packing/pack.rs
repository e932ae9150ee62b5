//! From rows to bytes.

use std::sync::atomic::{AtomicU8, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::format::{
    END, HAS_NULLS, HAS_VALUES, IS_COMPRESSED, Kind, aligned, columns, others, stream, with_integer,
};
use crate::order::spill::shrinks;
use crate::rows::batch::null_array;

/// Fewest bytes of a column that show whether it shrinks.
const TELLING: usize = 256;

/// What is known of how a column shrinks.
const UNKNOWN: u8 = 0;
const SHRINKS: u8 = 1;
const STAYS: u8 = 2;

/// The rows of a block as they are stored.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    /// Stored as it is.
    pub(crate) plain: Vec<u8>,
    /// Worth to be compressed.
    pub(crate) compressible: Vec<u8>,
}

impl Packed {
    pub(crate) fn clear(&mut self) {
        self.plain.clear();
        self.compressible.clear();
    }

    /// Integers: the width of the distances, the lowest, the distances.
    fn numbers<N: Copy + Into<i64>>(&mut self, values: &[N], compressed: bool) {
        let ends = values.iter().fold((i64::MAX, i64::MIN), |(low, high), value| {
            let value: i64 = (*value).into();
            (low.min(value), high.max(value))
        });
        let (low, width) = if values.is_empty() { (0, 0) } else { (ends.0, width(ends)) };
        self.plain.push(width as u8);
        self.plain.extend(low.to_le_bytes());
        let to = if compressed { &mut self.compressible } else { &mut self.plain };
        let start = to.len();
        to.resize(start + width * values.len(), 0);
        let to = &mut to[start..];
        macro_rules! distances {
            ($unsigned:ty) => {
                for (to, value) in to.as_chunks_mut::<{ size_of::<$unsigned>() }>().0.iter_mut().zip(values) {
                    *to = ((*value).into().wrapping_sub(low) as $unsigned).to_le_bytes();
                }
            };
        }
        match width {
            0 => {}
            1 => distances!(u8),
            2 => distances!(u16),
            4 => distances!(u32),
            _ => distances!(u64),
        }
    }
}

/// Bytes that hold the distance of these two.
fn width((low, high): (i64, i64)) -> usize {
    match high.wrapping_sub(low) as u64 {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

/// Packs the rows of one run; threads share it.
pub(crate) struct Packer {
    schema: SchemaRef,
    /// Whether each column shrinks.
    shrinks: Vec<AtomicU8>,
    others: SchemaRef,
}

impl Packer {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        let shrinks = schema.fields().iter().map(|_| AtomicU8::new(UNKNOWN)).collect();
        Self { others: others(&schema), schema, shrinks }
    }

    /// The columns of the run, to be stored before all rows.
    pub(crate) fn columns(&self) -> Result<Vec<u8>, ArrowError> {
        columns(&self.schema)
    }

    /// Packs rows, of which a column may be absent.
    pub(crate) fn pack(
        &self,
        arrays: &[Option<ArrayRef>],
        rows: usize,
        packed: &mut Packed,
    ) -> Result<(), ArrowError> {
        packed.clear();
        packed.plain.extend((rows as u64).to_le_bytes());
        packed.plain.extend([0; 8]);
        let (mut image, mut other) = (0, Vec::with_capacity(self.others.fields().len()));
        for ((array, field), shrinks) in arrays.iter().zip(self.schema.fields()).zip(&self.shrinks) {
            if let Some(array) = array.as_ref().filter(|array| array.data_type() != field.data_type()) {
                let (found, expected) = (array.data_type(), field.data_type());
                return Err(ArrowError::SchemaError(format!(
                    "values of type {found} in a column of {expected}"
                )));
            }
            let kind = Kind::of(field.data_type());
            if kind == Kind::Other {
                other.push(array.clone().unwrap_or_else(|| null_array(field.data_type(), rows)));
                continue;
            }
            match array {
                Some(array) if array.null_count() < rows => {
                    image += pack_column(array, kind, shrinks, packed)?;
                }
                _ => packed.plain.push(0),
            }
        }
        packed.plain[8..16].copy_from_slice(&(image as u64).to_le_bytes());
        if !other.is_empty() {
            let mut writer = stream(&self.others)?;
            writer.get_mut().clear();
            writer.write(&RecordBatch::try_new(self.others.clone(), other)?)?;
            packed.compressible.extend_from_slice(writer.get_ref());
            packed.compressible.extend(END);
        }
        Ok(())
    }
}

/// Packs one column and yields the bytes that it takes in memory.
fn pack_column(
    array: &ArrayRef,
    kind: Kind,
    shrinks: &AtomicU8,
    packed: &mut Packed,
) -> Result<usize, ArrowError> {
    let known = shrinks.load(Ordering::Relaxed);
    let compressed = known == SHRINKS;
    let flags = packed.plain.len();
    packed.plain.push(HAS_VALUES | if compressed { IS_COMPRESSED } else { 0 });
    let mut image = 0;
    if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
        packed.plain[flags] |= HAS_NULLS;
        let bits = nulls.inner().sliced();
        packed.plain.extend_from_slice(&bits[..array.len().div_ceil(8)]);
        image += aligned(array.len().div_ceil(8));
    }
    let start = match kind {
        Kind::Numbers(width) => {
            let data = array.to_data();
            let range = data.offset()..data.offset() + data.len();
            macro_rules! put {
                ($integer:ty) => {
                    packed.numbers(&data.buffers()[0].typed_data::<$integer>()[range], compressed)
                };
            }
            // The width and the lowest come before the distances.
            let start = packed.plain.len() + 9;
            with_integer!(width, put);
            image += aligned(width * array.len());
            start
        }
        _ => {
            let (offsets, bytes) = match array.as_string_opt::<i32>() {
                Some(strings) => (strings.value_offsets(), strings.value_data()),
                None => (array.as_binary::<i32>().value_offsets(), array.as_binary::<i32>().value_data()),
            };
            let lengths: Vec<i32> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
            packed.numbers(&lengths, false);
            let bytes = &bytes[offsets[0] as usize..offsets[lengths.len()] as usize];
            let start = packed.plain.len();
            if compressed { &mut packed.compressible } else { &mut packed.plain }.extend_from_slice(bytes);
            image += aligned(4 * offsets.len()) + aligned(bytes.len());
            start
        }
    };
    if known == UNKNOWN && packed.plain.len() - start >= TELLING {
        let bytes = &packed.plain[start..];
        if shrinks_well(bytes)? {
            shrinks.store(SHRINKS, Ordering::Relaxed);
            packed.compressible.extend_from_slice(bytes);
            packed.plain.truncate(start);
            packed.plain[flags] |= IS_COMPRESSED;
        } else {
            shrinks.store(STAYS, Ordering::Relaxed);
        }
    }
    Ok(image)
}

fn shrinks_well(bytes: &[u8]) -> Result<bool, ArrowError> {
    shrinks(bytes).map_err(|source| ArrowError::IoError("compressing".to_owned(), source))
}
