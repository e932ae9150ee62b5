//! What a file holds by other means than Parallax's: the Arrow reader as it comes, and Arrow's own row format.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type};
use arrow::row::{RowConverter, SortField};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

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
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(File::open(path).ok()?, options).ok()?;
    let fields = builder.schema().fields().clone();
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order.sort_by_key(|column| fields[*column].name().clone());
    let columns: Vec<(String, DataType)> = order
        .iter()
        .map(|column| (fields[*column].name().clone(), fields[*column].data_type().clone()))
        .collect();
    let sorts = columns.iter().map(|(_, kind)| SortField::new(kind.clone())).collect();
    let converter = RowConverter::new(sorts).ok()?;
    let mut rows = Vec::new();
    for batch in builder.build().ok()? {
        let batch = batch.ok()?;
        let arrays: Vec<_> = order.iter().map(|column| one_nan(batch.column(*column))).collect();
        if arrays.is_empty() {
            rows.resize(rows.len() + batch.num_rows(), Vec::new());
        } else {
            rows.extend(converter.convert_columns(&arrays).ok()?.iter().map(|row| row.as_ref().to_vec()));
        }
    }
    rows.sort();
    let columns = columns.into_iter().map(|(name, kind)| (name, plain(&kind))).collect();
    Some(Rows { columns, rows })
}

/// A column with all its NaNs made one: Parallax takes them for one value.
fn one_nan(column: &ArrayRef) -> ArrayRef {
    if let Some(column) = column.as_primitive_opt::<Float32Type>() {
        return Arc::new(column.unary::<_, Float32Type>(|it| if it.is_nan() { f32::NAN } else { it }));
    }
    if let Some(column) = column.as_primitive_opt::<Float64Type>() {
        return Arc::new(column.unary::<_, Float64Type>(|it| if it.is_nan() { f64::NAN } else { it }));
    }
    Arc::clone(column)
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
