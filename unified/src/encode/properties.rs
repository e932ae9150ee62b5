//! What output files look like: every property that shapes a file is set here, none is left to a default. Each choice was
//! measured: docs/unified-writer.md has the table.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, Type as PhysicalType, ZstdLevel};
use parquet::errors::Result;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use crate::columns::Columns;

/// Most rows in a row group.
pub(crate) const ROW_GROUP_ROWS: usize = 80_000;

/// Bytes of one data page before compression.
const DATA_PAGE_BYTES: usize = 64 * 1024;

/// Most rows in a data page.
const DATA_PAGE_ROWS: usize = 20_000;

/// Bytes of a dictionary, before compression, beyond which a column chunk goes on without it.
const DICTIONARY_BYTES: usize = 64 * 1024;

/// Length at which minima and maxima are cut.
const STATISTICS_BYTES: usize = 64;

/// Rows that the encoder takes between two looks at the page limits.
const WRITE_BATCH_ROWS: usize = 1024;

/// Name of the schema's root.
const SCHEMA_ROOT: &str = "schema";

/// The settings with which output files of this schema are written: for a file that shall look like one of them, or a
/// comparison.
#[must_use]
pub fn writer_properties(columns: &Columns, schema: &Schema) -> WriterProperties {
    properties(&columns.plain, schema.fields().iter().map(AsRef::as_ref), None)
}

/// The settings of a file. `plain` names the columns without a dictionary.
pub(crate) fn properties<'a>(
    plain: &[String],
    fields: impl IntoIterator<Item = &'a Field>,
    sorting: Option<Vec<SortingColumn>>,
) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(concat!("parallax unified version ", env!("CARGO_PKG_VERSION")).to_string())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
        .set_data_page_size_limit(DATA_PAGE_BYTES)
        .set_data_page_row_count_limit(DATA_PAGE_ROWS)
        .set_write_batch_size(WRITE_BATCH_ROWS)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(None)
        .set_dictionary_enabled(true)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_encoding(Encoding::PLAIN)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_write_page_header_statistics(false)
        .set_statistics_truncate_length(Some(STATISTICS_BYTES))
        .set_column_index_truncate_length(Some(STATISTICS_BYTES))
        .set_offset_index_disabled(false)
        .set_bloom_filter_enabled(false)
        .set_coerce_types(false)
        .set_write_path_in_schema(true)
        .set_content_defined_chunking(None)
        .set_data_page_v2_compression_ratio_threshold(1.0)
        .set_key_value_metadata(None)
        .set_sorting_columns(sorting);
    for name in plain {
        // A path of one part: names hold dots, and `ColumnPath::from` does not cut at them.
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(name.as_str()), false);
    }
    for field in fields {
        let path = ColumnPath::from(field.name().as_str());
        builder = match field.data_type() {
            // Where there is no dictionary, or none any more: lengths first, then all bytes, which compress better so.
            DataType::Utf8 | DataType::Binary => {
                builder.set_column_encoding(path, Encoding::DELTA_LENGTH_BYTE_ARRAY)
            }
            // Measured values hardly repeat, but their high bytes do.
            DataType::Float32 | DataType::Float64 => builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT),
            _ => builder,
        };
    }
    builder.build()
}

/// The Arrow field of an output column. Always nullable: whether a column happens to be complete in one file must not
/// change the schema from file to file.
pub(crate) fn output_field(name: &str, data_type: &DataType) -> Field {
    Field::new(name, data_type.clone(), true)
}

/// The Parquet type of an output column. Top-level int32 and int64 are annotated as signed integers, as they are in the
/// files that the output stands beside; the annotation changes no value.
pub(crate) fn parquet_type(field: &Field) -> Result<TypePtr> {
    let schema = Schema::new(vec![field.clone()]);
    let converted = ArrowSchemaConverter::new().with_coerce_types(false).convert(&schema)?;
    let root = converted.root_schema();
    let (physical, bits) = match field.data_type() {
        DataType::Int64 => (PhysicalType::INT64, 64),
        DataType::Int32 => (PhysicalType::INT32, 32),
        _ => return Ok(root.get_fields()[0].clone()),
    };
    Type::primitive_type_builder(field.name(), physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(Some(LogicalType::integer(bits, true)))
        .build()
        .map(Arc::new)
}

/// A schema of the given columns.
pub(crate) fn root_type(columns: Vec<TypePtr>) -> Result<TypePtr> {
    Type::group_type_builder(SCHEMA_ROOT).with_fields(columns).build().map(Arc::new)
}

/// Number of leaf columns below a type.
pub(crate) fn leaves(column: &Type) -> usize {
    if column.is_group() { column.get_fields().iter().map(|field| leaves(field)).sum() } else { 1 }
}
