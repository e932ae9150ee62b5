//! Encoding one column: chunks opened, filled with values or codes, closed into pages, and what was learned of their sizes.

use std::io::Write;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor, TypePtr};

use crate::encode::chunk_builder::{BuiltChunk, ColumnShape};
use crate::encode::coded_chunk::CodedChunk;
use crate::encode::pages::{ColumnPages, PagePool};
use crate::encode::properties::{output_field, parquet_type, properties, root_type};
use crate::encode::value_chunk::{ValueChunk, outgrow_dictionary};
use crate::encode::value_page::can_be_paged;
use crate::rows::batch::{Rows, null_array};
use crate::rows::catalog::Catalog;
use crate::rows::codes::{self, ColumnId};

/// What the Parquet crate says to an attempt.
pub(crate) type Encoded<T> = std::result::Result<T, ParquetError>;

/// How one column is encoded.
pub(crate) struct ColumnEncoder {
    pub(crate) field: Arc<Field>,
    pub(crate) parquet: TypePtr,
    /// The column by itself, for chunks that are encoded from codes; only for leaf columns does it mean anything.
    pub(crate) column: ColumnDescPtr,
    pub(crate) properties: WriterPropertiesPtr,
    pub(crate) pages: Arc<ColumnPages>,
    pub(crate) factory: ArrowRowGroupWriterFactory,
}

impl ColumnEncoder {
    pub(crate) fn new(
        id: ColumnId,
        catalog: &Catalog,
        pool: &Arc<PagePool>,
        plain: &[String],
    ) -> Encoded<Self> {
        let field = Arc::new(output_field(catalog.name(id), catalog.data_type(id)));
        let parquet = parquet_type(&field)?;
        let properties = Arc::new(properties(plain, [field.as_ref()], None));
        // Column encoders come only from a file writer; this one's file is never written.
        let root = root_type(vec![parquet.clone()])?;
        let column = SchemaDescriptor::new(root.clone()).column(0);
        let writer = SerializedFileWriter::new(std::io::sink(), root, properties.clone())?;
        let schema = Arc::new(Schema::new(vec![field.clone()]));
        let pages = ColumnPages::new(Arc::clone(pool));
        let factory = ArrowRowGroupWriterFactory::new(&writer, schema).with_page_store_factory(pages.clone());
        let encoder = Self { field, parquet, column, properties, pages, factory };
        // Some types are refused only when a first value comes; a trial here can still blame the column.
        encoder.write(&mut encoder.open()?, &null_array(catalog.data_type(id), 1))?;
        Ok(encoder)
    }

    pub(crate) fn shape(&self) -> ColumnShape<'_> {
        ColumnShape { column: &self.column, properties: &self.properties }
    }

    pub(crate) fn open(&self) -> Encoded<OpenChunk> {
        let writers = self.factory.create_column_writers(0)?;
        Ok(OpenChunk::General { writers, pages_before: self.pages.written() })
    }

    /// A chunk of values without a dictionary, if it is no better with one, as its first values tell: floats, and strings or bytes of
    /// which the distinct ones would not even fit into its dictionary. `behind` is what is behind them if they are codes.
    pub(crate) fn open_values(
        &self,
        values: &ArrayRef,
        behind: Option<&ArrayRef>,
    ) -> Encoded<Option<OpenChunk>> {
        if !can_be_paged(self.field.data_type()) {
            return Ok(None);
        }
        let path = self.column.path();
        let limit = self.properties.column_dictionary_page_size_limit(path);
        let large = |values: &ArrayRef| Rows::bytes_of(values) + 4 * values.len() > limit;
        let alone = !self.properties.dictionary_enabled(path)
            || match behind {
                None => large(values) && outgrow_dictionary(values, limit),
                Some(behind) => large(behind) && outgrow_dictionary(&codes::resolved(values, behind)?, limit),
            };
        Ok(alone.then(|| OpenChunk::Values(Box::new(ValueChunk::new(self.pages.store(), self.shape())))))
    }

    /// A chunk whose first values are codes.
    pub(crate) fn open_coded(&self) -> Encoded<OpenChunk> {
        if self.properties.dictionary_enabled(self.column.path()) {
            Ok(OpenChunk::Coded(CodedChunk::default()))
        } else {
            self.open()
        }
    }

    pub(crate) fn write_nulls(&self, chunk: &mut OpenChunk, rows: usize) -> Encoded<()> {
        match chunk {
            OpenChunk::Coded(coded) => {
                coded.add_nulls(rows);
                Ok(())
            }
            OpenChunk::Values(chunk) => {
                chunk.add_nulls(rows);
                Ok(())
            }
            OpenChunk::General { .. } => self.write(chunk, &null_array(self.field.data_type(), rows)),
        }
    }

    /// Writes codes; `values` are what is behind them.
    pub(crate) fn write_codes(
        &self,
        chunk: &mut OpenChunk,
        codes: &ArrayRef,
        values: &ArrayRef,
    ) -> Encoded<()> {
        match chunk {
            OpenChunk::Coded(coded) => {
                let limit = self.properties.column_dictionary_page_size_limit(self.column.path());
                if coded.add(codes, values, limit) { Ok(()) } else { self.generalise(chunk, Some(values)) }
            }
            OpenChunk::Values(chunk) => {
                chunk.add(&codes::resolved(codes, values)?);
                Ok(())
            }
            OpenChunk::General { .. } => self.write(chunk, &codes::as_dictionary(codes, values)?),
        }
    }

    /// Writes values as they are.
    pub(crate) fn write(&self, chunk: &mut OpenChunk, values: &ArrayRef) -> Encoded<()> {
        match chunk {
            OpenChunk::Values(chunk) => {
                chunk.add(values);
                Ok(())
            }
            OpenChunk::General { writers, .. } => {
                let leaves = compute_leaves(&self.field, values)?;
                writers.iter_mut().zip(&leaves).try_for_each(|(writer, leaf)| writer.write(leaf))
            }
            OpenChunk::Coded(_) => Err(ParquetError::General("a coded chunk takes codes only".to_string())),
        }
    }

    /// Hands the rows of a coded chunk over to the general encoder. `values` are what is behind the codes.
    pub(crate) fn generalise(&self, chunk: &mut OpenChunk, values: Option<&ArrayRef>) -> Encoded<()> {
        let OpenChunk::Coded(coded) = chunk else { return Ok(()) };
        let coded = std::mem::take(coded);
        let rows = coded.rows();
        *chunk = self.open()?;
        match values {
            Some(values) => self.write(chunk, &codes::as_dictionary(&coded.into_codes(), values)?),
            None => self.write(chunk, &null_array(self.field.data_type(), rows)),
        }
    }

    /// Bytes of the chunk's finished pages, and bytes before compression of what is still open.
    pub(crate) fn sizes(&self, chunk: &OpenChunk) -> (u64, u64) {
        match chunk {
            OpenChunk::Coded(coded) => (0, coded.open_bytes() as u64),
            OpenChunk::Values(chunk) => chunk.sizes(),
            OpenChunk::General { writers, pages_before } => {
                let finished = self.pages.written() - pages_before;
                let all: usize = writers.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum();
                (finished, (all as u64).saturating_sub(finished))
            }
        }
    }

    /// Ends a chunk. `values` are what is behind its codes.
    pub(crate) fn close(&self, chunk: OpenChunk, values: Option<&ArrayRef>) -> Encoded<ClosedChunk> {
        let (finished, open) = self.sizes(&chunk);
        let mut chunk = chunk;
        if values.is_none() {
            self.generalise(&mut chunk, None)?;
        }
        let (pages, bytes, dictionary) = match (chunk, values) {
            (OpenChunk::Coded(coded), Some(values)) => {
                let built = coded.close(values, self.shape(), self.pages.store())?;
                let bytes = built.bytes();
                (ChunkPages::Built(built), bytes, Dictionary::Whole)
            }
            (OpenChunk::Values(chunk), _) => {
                let built = chunk.close(self.shape())?;
                let bytes = built.bytes();
                (ChunkPages::Built(built), bytes, Dictionary::None)
            }
            (OpenChunk::Coded(_), None) => {
                return Err(ParquetError::General(
                    "the values behind a chunk's codes are missing".to_string(),
                ));
            }
            (OpenChunk::General { writers, .. }, _) => {
                let leaves =
                    writers.into_iter().map(ArrowColumnWriter::close).collect::<Encoded<Vec<_>>>()?;
                let bytes = leaves.iter().map(|leaf| leaf.close().metadata.compressed_size() as u64).sum();
                let plain = leaves.iter().any(|leaf| {
                    leaf.close()
                        .metadata
                        .encodings()
                        .any(|encoding| encoding == Encoding::DELTA_LENGTH_BYTE_ARRAY)
                });
                (
                    ChunkPages::General(leaves),
                    bytes,
                    if plain { Dictionary::Partial } else { Dictionary::Whole },
                )
            }
        };
        Ok(ClosedChunk { pages, bytes, open, became: bytes.saturating_sub(finished), dictionary })
    }
}

/// Rows of one column in the open row group.
pub(crate) enum OpenChunk {
    /// Encoded by the Parquet crate.
    General { writers: Vec<ArrowColumnWriter>, pages_before: u64 },
    /// Encoded from codes.
    Coded(CodedChunk),
    /// Encoded page by page, without a dictionary.
    Values(Box<ValueChunk>),
}

pub(crate) struct ClosedChunk {
    pub(crate) pages: ChunkPages,
    pub(crate) bytes: u64,
    /// Bytes that were open before it was closed, and what they became.
    pub(crate) open: u64,
    pub(crate) became: u64,
    pub(crate) dictionary: Dictionary,
}

/// What use a chunk made of a dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dictionary {
    /// All values are in it, or the column is of a kind of which nobody asks.
    Whole,
    /// It was given up.
    Partial,
    /// There was none: pages were made one by one.
    None,
}

/// The pages of a finished chunk.
pub(crate) enum ChunkPages {
    General(Vec<ArrowColumnChunk>),
    Built(BuiltChunk),
}

impl ChunkPages {
    /// Appends the chunk to the file.
    pub(crate) fn append<W: Write + Send>(self, group: &mut SerializedRowGroupWriter<'_, W>) -> Encoded<()> {
        match self {
            Self::General(leaves) => leaves.into_iter().try_for_each(|leaf| leaf.append_to_row_group(group)),
            Self::Built(built) => built.append(group),
        }
    }
}
