//! What packing and unpacking agree on.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::MetadataVersion;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};

/// Bytes to whose multiples values are aligned in memory: as wide as the widest that is common.
const ALIGNMENT: usize = 16;

/// Ends a message: the decoder looks at one without a body when more bytes follow.
pub(super) const END: [u8; 4] = [0; 4];

/// A column of a block has values at all; it has nulls as well; its bytes are in the part that is compressed.
pub(super) const HAS_VALUES: u8 = 1;
pub(super) const HAS_NULLS: u8 = 2;
pub(super) const IS_COMPRESSED: u8 = 4;

/// How values of a type are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// So many bytes each.
    Numbers(usize),
    Strings,
    Other,
}

impl Kind {
    pub(super) fn of(data_type: &DataType) -> Self {
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

pub(super) use with_integer;

pub(super) fn aligned(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT)
}

/// The columns that go through Arrow IPC.
pub(super) fn others(schema: &Schema) -> SchemaRef {
    let others = schema.fields().iter().filter(|field| Kind::of(field.data_type()) == Kind::Other);
    Arc::new(Schema::new(others.cloned().collect::<Vec<FieldRef>>()))
}

/// The columns as a message.
pub(super) fn columns(schema: &Schema) -> Result<Vec<u8>, ArrowError> {
    let mut columns = std::mem::take(stream(schema)?.get_mut());
    columns.extend(END);
    Ok(columns)
}

/// A stream, which has its columns already.
pub(super) fn stream(schema: &Schema) -> Result<StreamWriter<Vec<u8>>, ArrowError> {
    let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
    StreamWriter::try_new_with_options(Vec::new(), schema, options)
}
