//! Reading one output file whole, changing it and writing it back.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::error::{Error, Result};

/// All rows of `path` as one batch, dictionaries unpacked.
pub fn load(path: &Path) -> Result<RecordBatch> {
    let file = File::open(path).map_err(|source| Error::io("cannot open", path, source))?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
        .map_err(|error| Error::unreadable(path, error))?;
    let schema = builder.schema().clone();
    let reader = builder.build().map_err(|error| Error::unreadable(path, error))?;
    let batches: Vec<RecordBatch> =
        reader.collect::<std::result::Result<_, _>>().map_err(|error| Error::unreadable(path, error))?;
    concat_batches(&schema, &batches).map_err(|error| Error::unreadable(path, error))
}

/// Writes `batch` over `path` and returns the new size in bytes.
pub fn store(path: &Path, batch: &RecordBatch) -> Result<u64> {
    written(path, batch, ArrowWriterOptions::new())
}

/// The same with the bytes of the text column `name` in their place, which the schema goes on calling text.
pub fn store_bytes(path: &Path, batch: &RecordBatch, name: &str, bytes: ArrayRef) -> Result<u64> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| Error::unreadable(path, error);
    let schema = batch.schema();
    let as_text = ArrowSchemaConverter::new().convert(&schema).map_err(|error| failed(error.into()))?;
    let at = schema.index_of(name).map_err(|error| failed(error.into()))?;
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| Field::clone(field)).collect();
    let mut columns = batch.columns().to_vec();
    fields[at] = fields[at].clone().with_data_type(bytes.data_type().clone());
    columns[at] = bytes;
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns);
    let batch = batch.map_err(|error| failed(error.into()))?;
    let options = ArrowWriterOptions::new().with_parquet_schema(as_text).with_skip_arrow_metadata(true);
    written(path, &batch, options)
}

fn written(path: &Path, batch: &RecordBatch, options: ArrowWriterOptions) -> Result<u64> {
    let write = || -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let properties =
            WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
        let options = options.with_properties(properties);
        let mut writer = ArrowWriter::try_new_with_options(File::create(path)?, batch.schema(), options)?;
        writer.write(batch)?;
        writer.close()?;
        Ok(())
    };
    write().map_err(|error| {
        Error::new(reports::manifest::ErrorClass::Io, format!("cannot write {}: {error}", path.display()))
    })?;
    let metadata = std::fs::metadata(path).map_err(|source| Error::io("cannot read", path, source))?;
    Ok(metadata.len())
}
