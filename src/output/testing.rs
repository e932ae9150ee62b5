//! Writing small Parquet files for tests.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

/// Columns of a file: name and values.
pub(crate) type Columns = Vec<(&'static str, ArrayRef)>;

/// Writes a file with all columns optional and zstd.
pub(crate) fn write(path: &Path, columns: &Columns) {
    write_with(
        path,
        columns,
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())),
    );
}

/// Writes a file with the given properties.
pub(crate) fn write_with(path: &Path, columns: &Columns, properties: WriterPropertiesBuilder) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), schema, Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}
