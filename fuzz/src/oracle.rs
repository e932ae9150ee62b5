//! What a file holds by other means than Parallax's: the Arrow reader as it comes, and Arrow's own row format.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, TimeUnit};
use arrow::row::{RowConverter, SortField};
use parallax::output::OutputFile;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

/// The rows of a file.
#[derive(PartialEq)]
pub struct Rows {
    /// Columns by name, with their types.
    pub columns: Vec<(String, DataType)>,
    /// The rows, sorted.
    pub rows: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows, {:?}", self.rows.len(), self.columns)
    }
}

/// Reads a file; none where it cannot be read.
pub fn rows(path: &Path) -> Option<Rows> {
    // The crate panics on some malformed files.
    catch_unwind(AssertUnwindSafe(|| read(path))).ok().flatten()
}

fn read(path: &Path) -> Option<Rows> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    // The footer as it is mended for other readers too: the rows are what this is about.
    let footer = OutputFile::open(path, "oracle.parquet").ok()?.metadata;
    let footer = ArrowReaderMetadata::try_new(footer, options).ok()?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(path).ok()?, footer);
    let schema = Arc::clone(builder.schema());
    let batches = builder.build().ok()?.collect::<Result<Vec<_>, _>>().ok()?;
    // A column without any value is the same as none.
    let held = |column: &usize| batches.iter().any(|it| it.column(*column).null_count() < it.num_rows());
    let mut order: Vec<usize> = (0..schema.fields().len()).filter(held).collect();
    order.sort_by_key(|column| schema.field(*column).name());
    let mut columns: Option<Vec<(String, DataType)>> = None;
    let mut rows = Vec::new();
    for batch in &batches {
        let arrays: Vec<_> = order.iter().map(|column| of_its_class(batch.column(*column))).collect();
        let name = |column: &usize| schema.field(*column).name().clone();
        columns.get_or_insert_with(|| {
            order.iter().map(name).zip(arrays.iter().map(|it| it.data_type().clone())).collect()
        });
        if arrays.is_empty() {
            rows.resize(rows.len() + batch.num_rows(), Vec::new());
            continue;
        }
        let sorts = arrays.iter().map(|it| SortField::new(it.data_type().clone())).collect();
        let converter = RowConverter::new(sorts).ok()?;
        rows.extend(converter.convert_columns(&arrays).ok()?.iter().map(|row| row.as_ref().to_vec()));
    }
    rows.sort();
    let columns = columns.unwrap_or_default().into_iter().map(|(name, kind)| (name, plain(&kind))).collect();
    Some(Rows { columns, rows })
}

/// A column in the widest type of its class, with all its NaNs made one: what `docs/comparing.md` says does not matter.
fn of_its_class(column: &ArrayRef) -> ArrayRef {
    if let Some(column) = column.as_primitive_opt::<Float32Type>() {
        return Arc::new(column.unary::<_, Float32Type>(|it| if it.is_nan() { f32::NAN } else { it }));
    }
    if let Some(column) = column.as_primitive_opt::<Float64Type>() {
        return Arc::new(column.unary::<_, Float64Type>(|it| if it.is_nan() { f64::NAN } else { it }));
    }
    let kind = match column.data_type() {
        DataType::Int8 | DataType::Int16 | DataType::Int32 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::UInt64,
        DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => {
            DataType::Decimal256(76, *scale)
        }
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
        _ => return Arc::clone(column),
    };
    arrow::compute::cast(column, &kind).unwrap_or_else(|_| Arc::clone(column))
}

/// A type without what does not concern its values: whether fields may be null, metadata, and what the inner fields of lists and
/// maps are called, which the format leaves to the writer.
fn plain(kind: &DataType) -> DataType {
    let field = |field: &Field, name: &str| Field::new(name, plain(field.data_type()), true);
    match kind {
        DataType::List(item) => DataType::List(field(item, "item").into()),
        DataType::Map(entries, sorted) => {
            let entries = match entries.data_type() {
                DataType::Struct(pair) => {
                    DataType::Struct(pair.iter().map(|it| field(it, "entry")).collect())
                }
                other => plain(other),
            };
            DataType::Map(Field::new("entries", entries, true).into(), *sorted)
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|it| field(it, it.name())).collect()),
        other => other.clone(),
    }
}
