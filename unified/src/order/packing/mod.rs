//! How the rows of a block of a run are stored.
//!
//! 1. Numbers and codes: each one's distance from the lowest of the block, in as few bytes as the largest takes (none, 1,
//!    2, 4 or 8). Rows of a run are sorted, so times lie close together; constants vanish. Cost: two passes over values
//!    that are in the cache, a fraction of what a general compressor takes to find the same.
//! 2. Strings: their lengths as numbers, their bytes end to end.
//! 3. A column whose bytes shrink well if compressed (random identifiers do not) goes to the part of the block that is
//!    compressed as a whole; the first block of a run that has enough of them tells.
//! 4. Columns of other types go through Arrow IPC, compressed. The *stream* format, because the file format refuses
//!    replaced dictionaries inside nested columns.
//!
//! What a block becomes in memory is one piece, of which the columns are parts: its size is stored with it.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::MetadataVersion;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};

pub(crate) use self::pack::{Packed, Packer};
pub(crate) use self::unpack::{Unpacked, Unpacker};

/// Bytes to whose multiples values are aligned in memory: as wide as the widest that is common.
const ALIGNMENT: usize = 16;

/// Ends a message: the decoder looks at one without a body when more bytes follow.
const END: [u8; 4] = [0; 4];

/// A column of a block has values at all; it has nulls as well; its bytes are in the part that is compressed.
const HAS_VALUES: u8 = 1;
const HAS_NULLS: u8 = 2;
const IS_COMPRESSED: u8 = 4;

/// How values of a type are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// So many bytes each.
    Numbers(usize),
    Strings,
    Other,
}

impl Kind {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Utf8 | DataType::Binary => Self::Strings,
            // Intervals of this width are made up of parts of other widths.
            DataType::Interval(_) => Self::Other,
            data_type => match data_type.primitive_width() {
                Some(width @ (1 | 2 | 4 | 8)) => Self::Numbers(width),
                _ => Self::Other,
            },
        }
    }
}

/// Calls a macro with the integer type of so many bytes.
macro_rules! with_integer {
    ($width:expr, $call:ident) => {
        match $width {
            1 => $call!(i8),
            2 => $call!(i16),
            4 => $call!(i32),
            _ => $call!(i64),
        }
    };
}

mod pack;
mod unpack;

fn aligned(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT)
}

/// The columns that go through Arrow IPC.
fn others(schema: &Schema) -> SchemaRef {
    let others = schema.fields().iter().filter(|field| Kind::of(field.data_type()) == Kind::Other);
    Arc::new(Schema::new(others.cloned().collect::<Vec<FieldRef>>()))
}

/// The columns as a message.
fn columns(schema: &Schema) -> Result<Vec<u8>, ArrowError> {
    let mut columns = std::mem::take(stream(schema)?.get_mut());
    columns.extend(END);
    Ok(columns)
}

/// A stream, which has its columns already.
fn stream(schema: &Schema) -> Result<StreamWriter<Vec<u8>>, ArrowError> {
    let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
    StreamWriter::try_new_with_options(Vec::new(), schema, options)
}

#[cfg(test)]
mod tests;
