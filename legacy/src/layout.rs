//! Physical layout of the output files: Parquet schema and writer properties.
//!
//! What the `parquet` crate can express is set to what the original does; the crate's documentation lists what it cannot.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, Type as PhysicalType, ZstdLevel};
use parquet::errors::Result as ParquetResult;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::{ColumnPath, SchemaDescriptor, Type};

use crate::schema::{ColumnType, SchemaSource};

/// Rows a row group: the original is configured for 80,000 and counts each row twice.
pub(crate) const ROW_GROUP_ROWS: u64 = 40_000;
/// Target size of a data page before compression.
const PAGE_BYTES: usize = 32 * 1_024;
/// Rows a data page at most. The original ends a page when its buffer is 98 % full, and a value in a dictionary column takes 9 bytes
/// there: index, row number, level.
const PAGE_ROWS: usize = PAGE_BYTES * 98 / 100 / 9;
/// Values encoded between two looks at the page size; divides `PAGE_ROWS`.
const WRITE_BATCH: usize = 223;
/// Rows handed to the encoder at a time; divides `PAGE_ROWS`.
pub(crate) const BATCH_ROWS: u64 = 892;
/// Where column index values are cut.
const COLUMN_INDEX_BYTES: usize = 1_024;
/// Columns that have no dictionary where the schema came from values, with their encoding.
const PLAIN_COLUMN: &str = "_cardinalhq.tid";
const TEXT_COLUMN: &str = "_cardinalhq.message";

/// Columns of a file, in byte order of their names.
pub(crate) type FileColumns = Vec<(String, ColumnType)>;

/// Arrow type in which a column is handed to the encoder. Strings go as bytes: nothing here promises UTF-8.
fn arrow_type(column_type: ColumnType) -> DataType {
    match column_type {
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Int8 | ColumnType::UInt8 | ColumnType::Int32 => DataType::Int32,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float32 => DataType::Float32,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::String | ColumnType::Bytes => DataType::Binary,
    }
}

/// Arrow schema of a file: all columns nullable.
pub(crate) fn arrow_schema(columns: &FileColumns) -> Arc<ArrowSchema> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, of)| Field::new(name, arrow_type(*of), true)).collect();
    Arc::new(ArrowSchema::new(fields))
}

/// Options for a file: the explicit Parquet schema forces annotations that Arrow types would not give.
pub(crate) fn options(
    base_name: &str,
    columns: &FileColumns,
    source: SchemaSource,
) -> ParquetResult<ArrowWriterOptions> {
    let fields = columns
        .iter()
        .map(|(name, of)| parquet_field(name, *of).map(Arc::new))
        .collect::<ParquetResult<Vec<_>>>()?;
    let root = Type::group_type_builder(base_name).with_fields(fields).build()?;
    Ok(ArrowWriterOptions::new()
        .with_properties(properties(columns, source))
        .with_parquet_schema(SchemaDescriptor::new(Arc::new(root)))
        .with_skip_arrow_metadata(true))
}

fn parquet_field(name: &str, column_type: ColumnType) -> ParquetResult<Type> {
    let integer = |bit_width, is_signed| Some(LogicalType::integer(bit_width, is_signed));
    let (physical, logical) = match column_type {
        ColumnType::Boolean => (PhysicalType::BOOLEAN, None),
        ColumnType::Int8 => (PhysicalType::INT32, integer(8, true)),
        ColumnType::UInt8 => (PhysicalType::INT32, integer(8, false)),
        ColumnType::Int32 => (PhysicalType::INT32, integer(32, true)),
        ColumnType::Int64 => (PhysicalType::INT64, integer(64, true)),
        ColumnType::Float32 => (PhysicalType::FLOAT, None),
        ColumnType::Float64 => (PhysicalType::DOUBLE, None),
        ColumnType::String => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnType::Bytes => (PhysicalType::BYTE_ARRAY, None),
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
}

/// Every field that shapes a file is set here, so that a new version of the crate cannot change one silently.
fn properties(columns: &FileColumns, source: SchemaSource) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS as usize))
        .set_max_row_group_bytes(None)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(WRITE_BATCH)
        .set_dictionary_enabled(true)
        .set_dictionary_page_size_limit(usize::MAX)
        .set_encoding(Encoding::PLAIN)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_statistics_truncate_length(None)
        .set_column_index_truncate_length(Some(COLUMN_INDEX_BYTES))
        .set_write_page_header_statistics(false)
        .set_offset_index_disabled(false)
        .set_bloom_filter_enabled(false)
        .set_key_value_metadata(None)
        .set_sorting_columns(None);
    if source == SchemaSource::Values {
        for (name, column_type) in columns {
            let bare = name == TEXT_COLUMN || name == PLAIN_COLUMN || *column_type == ColumnType::Bytes;
            if bare {
                // Without a dictionary the original takes the default of the physical type.
                let encoding = match column_type {
                    ColumnType::String | ColumnType::Bytes => Encoding::DELTA_LENGTH_BYTE_ARRAY,
                    _ => Encoding::PLAIN,
                };
                let path = ColumnPath::new(vec![name.clone()]);
                builder = builder
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, encoding);
            }
        }
    }
    builder.build()
}
