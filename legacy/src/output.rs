//! One output file being written: rows in, Parquet out.
//!
//! 1. A value is appended to its column's array builder, where its type is checked: a value that does not fit ends the file.
//! 2. Every [`BATCH_ROWS`] rows, or [`BATCH_BYTES`] bytes, and at the end of a row group, the arrays go to the encoder, which
//!    holds one encoded row group.
//! 3. The file is temporary until it is kept: dropped without that, it is removed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float32Builder, Float64Builder, Int32Builder, Int64Builder,
};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use tempfile::TempPath;

use crate::error::{Error, Result};
use crate::layout::{BATCH_ROWS, FileColumns, ROW_GROUP_ROWS, arrow_schema, options};
use crate::schema::{ColumnType, SchemaSource};
use crate::value::{Row, Value};

const BATCH_BYTES: usize = 4 * 1_024 * 1_024;

/// A file being written.
pub(crate) struct OutputFile {
    path: TempPath,
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: u64,
    batch_rows: u64,
    batch_bytes: usize,
}

/// A finished file; removed on drop unless kept.
pub(crate) struct FinishedFile {
    path: TempPath,
    /// Rows in the file.
    pub(crate) record_count: u64,
    /// Bytes of the file.
    pub(crate) file_size: u64,
}

impl OutputFile {
    /// Starts a file `buffet-*.parquet` in `dir`.
    pub(crate) fn create(
        dir: &Path,
        base_name: &str,
        columns: &FileColumns,
        source: SchemaSource,
    ) -> Result<Self> {
        let (file, path) = tempfile::Builder::new()
            .prefix("buffet-")
            .suffix(".parquet")
            .tempfile_in(dir)
            .map_err(|source| Error::io("create output file in", dir, source))?
            .into_parts();
        let schema = arrow_schema(columns);
        let writer = options(base_name, columns, source)
            .and_then(|options| ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options))
            .map_err(|source| Error::Encode { path: path.to_path_buf(), source })?;
        let columns = columns.iter().map(|(name, of)| Column::new(name, *of)).collect();
        Ok(Self { path, writer, schema, columns, rows: 0, batch_rows: 0, batch_bytes: 0 })
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Appends a row.
    ///
    /// # Errors
    /// [`Error::ValueMismatch`]: the file is to be left behind then. Otherwise an encoder or I/O failure.
    pub(crate) fn write(&mut self, row: &Row) -> Result<()> {
        for column in &mut self.columns {
            let value = row.get(&column.name).unwrap_or(&Value::Null);
            let Some(bytes) = column.values.append(value) else {
                return Err(Error::ValueMismatch {
                    path: self.path.to_path_buf(),
                    row: self.rows,
                    column: column.name.clone(),
                    expected: column.column_type,
                    value: value.kind(),
                });
            };
            self.batch_bytes += bytes;
        }
        self.rows += 1;
        self.batch_rows += 1;
        let group_ends = self.rows.is_multiple_of(ROW_GROUP_ROWS);
        if self.batch_rows >= BATCH_ROWS || self.batch_bytes >= BATCH_BYTES || group_ends {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the footer.
    pub(crate) fn finish(mut self) -> Result<FinishedFile> {
        self.flush()?;
        self.writer.finish().map_err(|source| self.broken(source))?;
        let metadata = self
            .writer
            .inner()
            .metadata()
            .map_err(|source| Error::io("read the size of", &self.path, source))?;
        Ok(FinishedFile { path: self.path, record_count: self.rows, file_size: metadata.len() })
    }

    /// Leaves the file as far as it got (defect E).
    pub(crate) fn leave_behind(self) -> Result<PathBuf> {
        keep(self.path)
    }

    fn flush(&mut self) -> Result<()> {
        if self.batch_rows == 0 {
            return Ok(());
        }
        let arrays = self.columns.iter_mut().map(|column| column.values.finish()).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .map_err(ParquetError::from)
            .and_then(|batch| self.writer.write(&batch))
            .map_err(|source| self.broken(source))?;
        (self.batch_rows, self.batch_bytes) = (0, 0);
        Ok(())
    }

    fn broken(&self, source: ParquetError) -> Error {
        Error::Encode { path: self.path.to_path_buf(), source }
    }
}

impl FinishedFile {
    /// Makes the file permanent.
    pub(crate) fn keep(self) -> Result<PathBuf> {
        keep(self.path)
    }
}

fn keep(path: TempPath) -> Result<PathBuf> {
    path.keep().map_err(|failure| Error::io("keep output file", &failure.path, failure.error))
}

/// A column of the file with the values that the encoder has not yet seen.
struct Column {
    name: String,
    column_type: ColumnType,
    values: Values,
}

impl Column {
    fn new(name: &str, column_type: ColumnType) -> Self {
        let values = match column_type {
            ColumnType::Boolean => Values::Boolean(BooleanBuilder::new()),
            ColumnType::Int8 | ColumnType::UInt8 | ColumnType::Int32 => Values::Int32(Int32Builder::new()),
            ColumnType::Int64 => Values::Int64(Int64Builder::new()),
            ColumnType::Float32 => Values::Float32(Float32Builder::new()),
            ColumnType::Float64 => Values::Float64(Float64Builder::new()),
            ColumnType::String | ColumnType::Bytes => Values::Binary(BinaryBuilder::new()),
        };
        Self { name: name.to_owned(), column_type, values }
    }
}

enum Values {
    Boolean(BooleanBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Binary(BinaryBuilder),
}

impl Values {
    /// Appends a value and returns its size in bytes; none where it does not fit. Strings and bytes are interchangeable, and
    /// numbers widen within integers and within floats, as in the original.
    fn append(&mut self, value: &Value) -> Option<usize> {
        match (&mut *self, value) {
            (_, Value::Null) => self.append_null(),
            (Self::Boolean(builder), Value::Boolean(truth)) => builder.append_value(*truth),
            (Self::Int32(builder), Value::Int32(number)) => builder.append_value(*number),
            (Self::Int64(builder), Value::Int32(number)) => builder.append_value(i64::from(*number)),
            (Self::Int64(builder), Value::Int64(number)) => builder.append_value(*number),
            (Self::Float32(builder), Value::Float32(number)) => builder.append_value(*number),
            (Self::Float64(builder), Value::Float32(number)) => builder.append_value(f64::from(*number)),
            (Self::Float64(builder), Value::Float64(number)) => builder.append_value(*number),
            (Self::Binary(builder), Value::String(bytes) | Value::Bytes(bytes)) => {
                builder.append_value(bytes);
                return Some(bytes.len());
            }
            _ => return None,
        }
        Some(8)
    }

    fn append_null(&mut self) {
        match self {
            Self::Boolean(builder) => builder.append_null(),
            Self::Int32(builder) => builder.append_null(),
            Self::Int64(builder) => builder.append_null(),
            Self::Float32(builder) => builder.append_null(),
            Self::Float64(builder) => builder.append_null(),
            Self::Binary(builder) => builder.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Float32(builder) => Arc::new(builder.finish()),
            Self::Float64(builder) => Arc::new(builder.finish()),
            Self::Binary(builder) => Arc::new(builder.finish()),
        }
    }
}
