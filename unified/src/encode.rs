//! Encoding one output file, column by column.
//!
//! 1. Each column of a row group has encoders of its own, begun with the column's first value; the rows before it are
//!    filled in as nulls. So a column that first appears in the last row is kept, and one without values never begins.
//! 2. Closing a row group closes its encoders; the finished chunks wait in the page pool.
//! 3. Closing the file fixes the schema, the union of all columns begun, by name. Row groups that lack a column get a
//!    chunk of nulls. Then the chunks are put together; no value is encoded twice.
//!
//! Cost: one pass over the values. Memory: open pages and dictionaries, bounded by [`OPEN_BYTES`], plus the page pool.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{SchemaDescriptor, TypePtr};

use crate::catalog::{Catalog, ColumnId};
use crate::error::{Error, Result};
use crate::pages::{ColumnPages, PagePool};
use crate::properties::{leaves, output_field, parquet_type, properties, root_type};
use crate::rows::{Rows, null_array};
use crate::size::{FooterSize, Shrinkage};

/// Bytes of open pages and dictionaries at which a row group ends before its rows are full. Independent of the memory
/// limit, so that the limit never changes the output.
pub(crate) const OPEN_BYTES: u64 = 48 * 1024 * 1024;

/// What all files of a job share: how each column is encoded, and what was learned of sizes.
pub(crate) struct Encoders {
    columns: HashMap<ColumnId, ColumnEncoder>,
    plain: Vec<String>,
    properties: WriterPropertiesPtr,
    pool: Arc<PagePool>,
    footer: FooterSize,
    /// Directory named in error messages.
    place: PathBuf,
}

/// How one column is encoded.
struct ColumnEncoder {
    field: Arc<Field>,
    parquet: TypePtr,
    pages: Arc<ColumnPages>,
    factory: ArrowRowGroupWriterFactory,
    shrinkage: Shrinkage,
}

impl Encoders {
    pub(crate) fn new(plain: Vec<String>, pool: Arc<PagePool>, place: PathBuf) -> Self {
        let properties = Arc::new(properties(&plain, None));
        Self { columns: HashMap::new(), plain, properties, pool, footer: FooterSize::default(), place }
    }

    pub(crate) fn pool(&self) -> &PagePool {
        &self.pool
    }

    fn column(&mut self, id: ColumnId, catalog: &Catalog) -> Result<&mut ColumnEncoder> {
        match self.columns.entry(id) {
            std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let made = ColumnEncoder::new(id, catalog, &self.pool, &self.properties)
                    .map_err(|source| refused(catalog, id, &source))?;
                Ok(entry.insert(made))
            }
        }
    }
}

impl ColumnEncoder {
    fn new(
        id: ColumnId,
        catalog: &Catalog,
        pool: &Arc<PagePool>,
        properties: &WriterPropertiesPtr,
    ) -> std::result::Result<Self, ParquetError> {
        let field = Arc::new(output_field(catalog.name(id), catalog.data_type(id)));
        let parquet = parquet_type(&field)?;
        // Column encoders come only from a file writer; this one's file is never written.
        let root = root_type(vec![parquet.clone()])?;
        let writer = SerializedFileWriter::new(std::io::sink(), root, properties.clone())?;
        let schema = Arc::new(Schema::new(vec![field.clone()]));
        let pages = ColumnPages::new(Arc::clone(pool));
        let factory = ArrowRowGroupWriterFactory::new(&writer, schema).with_page_store_factory(pages.clone());
        let encoder = Self { field, parquet, pages, factory, shrinkage: Shrinkage::default() };
        // Some types are refused only when a first value comes; a trial here can still blame the column.
        encoder.write(&mut encoder.open()?, &null_array(catalog.data_type(id), 1))?;
        Ok(encoder)
    }

    fn open(&self) -> std::result::Result<OpenChunk, ParquetError> {
        Ok(OpenChunk { writers: self.factory.create_column_writers(0)?, pages_before: self.pages.written() })
    }

    fn write(&self, chunk: &mut OpenChunk, values: &ArrayRef) -> std::result::Result<(), ParquetError> {
        let leaves = compute_leaves(&self.field, values)?;
        chunk.writers.iter_mut().zip(&leaves).try_for_each(|(writer, leaf)| writer.write(leaf))
    }

    /// Bytes of the chunk's finished pages, and bytes before compression of what is still open.
    fn sizes(&self, chunk: &OpenChunk) -> (u64, u64) {
        let finished = self.pages.written() - chunk.pages_before;
        let all: usize = chunk.writers.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum();
        (finished, (all as u64).saturating_sub(finished))
    }

    fn close(&mut self, chunk: OpenChunk) -> std::result::Result<ClosedChunk, ParquetError> {
        let (finished, open) = self.sizes(&chunk);
        let leaves = chunk
            .writers
            .into_iter()
            .map(ArrowColumnWriter::close)
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let bytes: u64 = leaves.iter().map(|leaf| leaf.close().metadata.compressed_size() as u64).sum();
        self.shrinkage.learn(open, bytes.saturating_sub(finished));
        Ok(ClosedChunk { leaves, bytes })
    }
}

struct OpenChunk {
    writers: Vec<ArrowColumnWriter>,
    pages_before: u64,
}

struct ClosedChunk {
    leaves: Vec<ArrowColumnChunk>,
    bytes: u64,
}

/// One column of the open file.
#[derive(Default)]
struct FileColumn {
    open: Option<OpenChunk>,
    /// Finished chunks by row group; a row group without the column is missing.
    closed: BTreeMap<usize, ClosedChunk>,
}

/// The open file.
#[derive(Default)]
pub(crate) struct FileEncoder {
    columns: BTreeMap<ColumnId, FileColumn>,
    /// Rows of the finished row groups.
    row_groups: Vec<usize>,
    /// Rows of the open row group.
    open_rows: usize,
    closed_bytes: u64,
}

impl FileEncoder {
    /// Rows of the open row group.
    pub(crate) fn open_rows(&self) -> usize {
        self.open_rows
    }

    /// Encodes rows into the open row group.
    pub(crate) fn write(&mut self, rows: &Rows, encoders: &mut Encoders, catalog: &Catalog) -> Result<()> {
        for (id, _) in &rows.columns {
            self.columns.entry(*id).or_default();
        }
        let place = encoders.place.clone();
        let fail = |source| Error::encode("encoding into", &place, source);
        for (&id, column) in &mut self.columns {
            let values = rows.column(id);
            if values.is_none() && column.open.is_none() {
                continue;
            }
            let encoder = encoders.column(id, catalog)?;
            let chunk = match &mut column.open {
                Some(chunk) => chunk,
                none => {
                    let mut chunk = encoder.open().map_err(fail)?;
                    if self.open_rows > 0 {
                        let nulls = null_array(catalog.data_type(id), self.open_rows);
                        encoder.write(&mut chunk, &nulls).map_err(fail)?;
                    }
                    none.insert(chunk)
                }
            };
            match values {
                Some(values) => encoder.write(chunk, values),
                None => encoder.write(chunk, &null_array(catalog.data_type(id), rows.len)),
            }
            .map_err(fail)?;
        }
        self.open_rows += rows.len;
        Ok(())
    }

    /// Ends the open row group, if it has rows.
    pub(crate) fn close_row_group(&mut self, encoders: &mut Encoders) -> Result<()> {
        if self.open_rows == 0 {
            return Ok(());
        }
        for (id, column) in &mut self.columns {
            if let (Some(chunk), Some(encoder)) = (column.open.take(), encoders.columns.get_mut(id)) {
                let chunk = encoder
                    .close(chunk)
                    .map_err(|source| Error::encode("encoding into", &encoders.place, source))?;
                self.closed_bytes += chunk.bytes;
                column.closed.insert(self.row_groups.len(), chunk);
            }
        }
        self.row_groups.push(self.open_rows);
        self.open_rows = 0;
        Ok(())
    }

    /// Estimated size of the file if it ended here, and bytes of open pages and dictionaries.
    pub(crate) fn sizes(&self, encoders: &Encoders) -> (f64, u64) {
        let (mut bytes, mut open_bytes) = (self.closed_bytes as f64, 0);
        let mut leaf_columns = 0;
        for (id, column) in &self.columns {
            let Some(encoder) = encoders.columns.get(id) else { continue };
            leaf_columns += leaves(&encoder.parquet);
            if let Some(chunk) = &column.open {
                let (finished, open) = encoder.sizes(chunk);
                bytes += finished as f64 + encoder.shrinkage.estimate(open);
                open_bytes += open;
            }
        }
        let row_groups = self.row_groups.len() + usize::from(self.open_rows > 0);
        (bytes + encoders.footer.estimate(leaf_columns * row_groups), open_bytes)
    }

    /// Puts the file together and yields its size in bytes. `sorted_by` is the column by which the rows are sorted;
    /// `placeholder` carries the rows of a file without any value.
    pub(crate) fn finish(
        mut self,
        file: File,
        path: &Path,
        encoders: &mut Encoders,
        catalog: &Catalog,
        sorted_by: Option<ColumnId>,
        placeholder: Option<ColumnId>,
    ) -> Result<u64> {
        self.close_row_group(encoders)?;
        if self.columns.is_empty() {
            let id =
                placeholder.ok_or_else(|| Error::internal("encoding rows", "no column to carry them"))?;
            encoders.column(id, catalog)?;
            self.columns.insert(id, FileColumn::default());
        }
        let mut order: Vec<ColumnId> = self.columns.keys().copied().collect();
        order.sort_unstable_by_key(|id| catalog.name(*id));
        let fail = |source| Error::encode("writing", path, source);
        let (size, chunk_bytes, chunks) =
            self.assemble(file, &order, encoders, catalog, sorted_by).map_err(fail)?;
        let on_disk = std::fs::metadata(path).map_err(|source| Error::io("checking", path, source))?.len();
        if on_disk != size {
            let message = format!("short write: {size} bytes written, {on_disk} bytes on disk");
            return Err(Error::io("writing", path, std::io::Error::other(message)));
        }
        encoders.footer.learn(size.saturating_sub(chunk_bytes), chunks);
        encoders.pool.reset();
        Ok(size)
    }

    fn assemble(
        &mut self,
        file: File,
        order: &[ColumnId],
        encoders: &mut Encoders,
        catalog: &Catalog,
        sorted_by: Option<ColumnId>,
    ) -> std::result::Result<(u64, u64, usize), ParquetError> {
        let (mut types, mut fields, mut leaf, mut sorting) = (Vec::new(), Vec::new(), 0, None);
        for id in order {
            let Some(encoder) = encoders.columns.get(id) else { continue };
            if Some(*id) == sorted_by {
                sorting =
                    Some(vec![SortingColumn { column_idx: leaf, descending: false, nulls_first: true }]);
            }
            leaf += leaves(&encoder.parquet) as i32;
            types.push(encoder.parquet.clone());
            fields.push(encoder.field.clone());
        }
        let root = root_type(types)?;
        let properties = Arc::new(properties(&encoders.plain, sorting));
        let mut writer = SerializedFileWriter::new(file, root.clone(), properties)?;
        if let Some(hint) = arrow_hint(&Schema::new(fields), root)? {
            writer.append_key_value_metadata(hint);
        }
        let mut chunk_bytes = 0;
        let mut chunks = 0;
        for (index, rows) in self.row_groups.iter().enumerate() {
            let mut group = writer.next_row_group()?;
            for id in order {
                let Some(encoder) = encoders.columns.get_mut(id) else { continue };
                let chunk = match self.columns.get_mut(id).and_then(|column| column.closed.remove(&index)) {
                    Some(chunk) => chunk,
                    None => {
                        let mut chunk = encoder.open()?;
                        encoder.write(&mut chunk, &null_array(catalog.data_type(*id), *rows))?;
                        encoder.close(chunk)?
                    }
                };
                chunk_bytes += chunk.bytes;
                for leaf in chunk.leaves {
                    chunks += 1;
                    leaf.append_to_row_group(&mut group)?;
                }
            }
            group.close()?;
        }
        writer.finish()?;
        Ok((writer.bytes_written() as u64, chunk_bytes, chunks))
    }
}

/// The Arrow schema as a hint for Arrow readers, only where Parquet's own types do not say everything (durations, for
/// example): for the usual columns it would be some kilobytes a file for nothing.
fn arrow_hint(schema: &Schema, root: TypePtr) -> std::result::Result<Option<KeyValue>, ParquetError> {
    let read_back = parquet_to_arrow_schema(&SchemaDescriptor::new(root), None)?;
    let same = read_back.fields().iter().zip(schema.fields()).all(|(a, b)| a.data_type() == b.data_type());
    Ok((!same).then(|| KeyValue::new(ARROW_SCHEMA_META_KEY.to_string(), encode_arrow_schema(schema))))
}

/// Parquet cannot hold the column's type.
fn refused(catalog: &Catalog, id: ColumnId, source: &ParquetError) -> Error {
    Error::UnsupportedType {
        column: catalog.name(id).to_string(),
        data_type: catalog.data_type(id).to_string(),
        place: catalog.seen_at(id).to_string(),
        reason: format!("Parquet cannot hold it: {source}"),
    }
}
