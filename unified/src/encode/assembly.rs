//! The parts of a file whose rows are complete, and how they are put together.
//!
//! An [`Assembly`] needs nothing of the writer any more, so that it can be put together in another thread while the next
//! file is encoded: its chunks are finished, its schema is known. Cost: one pass over bytes that are compressed already.

use std::io::Write;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{SchemaDescriptor, TypePtr};

use crate::encode::column_encoder::{ChunkPages, Encoded};
use crate::encode::properties::root_type;

/// Key of the footer entry by which each file names the mark of its set: a reader that finds the file without that mark
/// knows that the set is incomplete.
const SET_MARK_KEY: &str = "parallax.set_mark";

/// All that a file consists of.
pub(crate) struct Assembly {
    /// Its columns, in the order of the file.
    pub(crate) types: Vec<TypePtr>,
    pub(crate) fields: Vec<Arc<Field>>,
    pub(crate) properties: WriterPropertiesPtr,
    /// A chunk for each column, by row group.
    pub(crate) row_groups: Vec<Vec<ChunkPages>>,
    /// Bytes of all chunks, and the leaf columns in them.
    pub(crate) chunk_bytes: u64,
    pub(crate) leaf_chunks: usize,
}

/// What a file came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Assembled {
    pub(crate) bytes: u64,
    /// Bytes that belong to no chunk.
    pub(crate) footer_bytes: u64,
    pub(crate) leaf_chunks: usize,
}

impl Assembly {
    /// Writes the file. `mark` is the name of the mark that its set will get.
    pub(crate) fn write_to(self, file: impl Write + Send, mark: Option<String>) -> Encoded<Assembled> {
        let Self { types, fields, properties, row_groups, chunk_bytes, leaf_chunks } = self;
        let root = root_type(types)?;
        let mut writer = SerializedFileWriter::new(file, root.clone(), properties)?;
        if let Some(hint) = arrow_hint(&Schema::new(fields), root)? {
            writer.append_key_value_metadata(hint);
        }
        if let Some(mark) = mark {
            writer.append_key_value_metadata(KeyValue::new(SET_MARK_KEY.to_string(), mark));
        }
        for chunks in row_groups {
            let mut group = writer.next_row_group()?;
            chunks.into_iter().try_for_each(|chunk| chunk.append(&mut group))?;
            group.close()?;
        }
        writer.finish()?;
        let bytes = writer.bytes_written() as u64;
        Ok(Assembled { bytes, footer_bytes: bytes.saturating_sub(chunk_bytes), leaf_chunks })
    }
}

/// The Arrow schema as a hint for Arrow readers, only where Parquet's own types do not say everything (durations, for
/// example): for the usual columns it would be some kilobytes a file for nothing.
fn arrow_hint(schema: &Schema, root: TypePtr) -> Encoded<Option<KeyValue>> {
    let read_back = parquet_to_arrow_schema(&SchemaDescriptor::new(root), None)?;
    let same = read_back.fields().iter().zip(schema.fields()).all(|(a, b)| a.data_type() == b.data_type());
    Ok((!same).then(|| KeyValue::new(ARROW_SCHEMA_META_KEY.to_string(), encode_arrow_schema(schema))))
}
