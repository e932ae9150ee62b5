//! Reading one output file whole, changing it and writing it back.

use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
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
    let write = || -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let properties =
            WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
        let mut writer = ArrowWriter::try_new(File::create(path)?, batch.schema(), Some(properties))?;
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
