//! Are the rows of a row group in the order that its sorting columns declare?
//!
//! Rows are compared with their neighbours, over the declared columns in turn; nulls where the declaration puts them. Floats: both
//! zeros are equal, and NaN is in order anywhere. Only columns of a single value are compared; a declaration over a nested column is
//! judged by the columns before it. Cost: the declared columns are decoded once.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, AsArray, DynComparator, RecordBatch, make_comparator};
use arrow::compute::{SortOptions, concat_batches};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use parquet::file::metadata::SortingColumn;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::output::{OutputFile, ReadOptions};

pub(super) const CODE: &str = "layout.sorting_false";

/// The first two rows that are out of order.
pub(super) struct Broken {
    /// The later one, within the file.
    pub(super) row: u64,
    /// First column by which they are out of order.
    pub(super) column: String,
    pub(super) said: String,
}

/// The declaration in words.
pub(super) fn words(file: &OutputFile, declared: &[SortingColumn]) -> String {
    let schema = file.metadata.file_metadata().schema_descr();
    let one = |column: &SortingColumn| {
        let leaf = usize::try_from(column.column_idx).ok().filter(|&it| it < schema.num_columns());
        let name = leaf
            .map_or_else(|| format!("column {}", column.column_idx), |it| schema.column(it).path().string());
        let down = if column.descending { " descending" } else { "" };
        let nulls = if column.nulls_first { " nulls first" } else { "" };
        format!("{name}{down}{nulls}")
    };
    declared.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The first rows out of the declared order, one a row group at most. An ignored column ends a declaration.
///
/// # Errors
/// Where the columns cannot be read.
pub(super) fn broken(
    file: &OutputFile,
    ignored: &BTreeMap<String, String>,
    cancel: &Cancel,
) -> Result<Vec<Broken>> {
    let mut found = Vec::new();
    let mut first_row = 0;
    let mut groups: Vec<(String, Vec<(String, SortOptions)>)> = Vec::new();
    for group in file.metadata.row_groups() {
        let declared = group.sorting_columns().map(Vec::as_slice).unwrap_or_default();
        match keys(file, declared, ignored) {
            Ok(keys) => groups.push((words(file, declared), keys)),
            Err(said) => {
                found.push(Broken { row: first_row, column: String::new(), said });
                groups.push((String::new(), Vec::new()));
            }
        }
        first_row += u64::try_from(group.num_rows()).unwrap_or(0);
    }
    let columns: BTreeSet<String> =
        groups.iter().flat_map(|(_, keys)| keys.iter().map(|(name, _)| name.clone())).collect();
    if columns.is_empty() {
        return Ok(found);
    }
    let mut before: Option<(usize, RecordBatch)> = None;
    let mut told = None;
    let columns = Some(columns.into_iter().collect());
    for located in file.read(ReadOptions { columns, ..ReadOptions::default() })? {
        cancel.check()?;
        let located = located?;
        let group = located.row_group;
        let (declared, keys) = &groups[group];
        if told == Some(group) || keys.is_empty() {
            continue;
        }
        let (batch, first_row) = match before.take().filter(|(of, _)| *of == group) {
            None => (located.batch.clone(), located.first_row),
            Some((_, last)) => {
                let joined =
                    concat_batches(&located.batch.schema(), [&last, &located.batch]).map_err(internal)?;
                (joined, located.first_row - 1)
            }
        };
        if let Some((row, key)) = inversion(&batch, keys)? {
            let row = first_row + row as u64;
            let said = format!(
                "the row group says that it is sorted by {declared}, row {row} belongs before the one in front of it"
            );
            found.push(Broken { row, column: keys[key].0.clone(), said });
            told = Some(group);
        }
        before = Some((group, located.batch.slice(located.batch.num_rows() - 1, 1)));
    }
    Ok(found)
}

/// The declared columns that can be compared, with their directions.
fn keys(
    file: &OutputFile,
    declared: &[SortingColumn],
    ignored: &BTreeMap<String, String>,
) -> std::result::Result<Vec<(String, SortOptions)>, String> {
    let schema = file.metadata.file_metadata().schema_descr();
    let mut keys = Vec::new();
    for column in declared {
        let leaf = usize::try_from(column.column_idx).ok().filter(|&it| it < schema.num_columns());
        let Some(leaf) = leaf else {
            return Err(format!(
                "column number {} is declared as a sorting column and does not exist",
                column.column_idx
            ));
        };
        let root = schema.get_column_root(leaf);
        if !root.is_primitive()
            || schema.column(leaf).max_rep_level() > 0
            || ignored.contains_key(root.name())
        {
            break;
        }
        let options = SortOptions { descending: column.descending, nulls_first: column.nulls_first };
        keys.push((schema.get_column_root(leaf).name().to_owned(), options));
    }
    Ok(keys)
}

/// The first row that belongs before its predecessor, and the column that says so.
fn inversion(batch: &RecordBatch, keys: &[(String, SortOptions)]) -> Result<Option<(usize, usize)>> {
    let mut comparators = Vec::new();
    for (name, options) in keys {
        let Some(array) = batch.column_by_name(name) else { return Ok(None) };
        comparators.push(comparator(array, *options)?);
    }
    for row in 1..batch.num_rows() {
        for (key, compare) in comparators.iter().enumerate() {
            match compare(row - 1, row) {
                Ordering::Less => break,
                Ordering::Equal => {}
                Ordering::Greater => return Ok(Some((row, key))),
            }
        }
    }
    Ok(None)
}

fn comparator(array: &ArrayRef, options: SortOptions) -> Result<DynComparator> {
    let values: Vec<f64> = match array.data_type() {
        DataType::Float64 => array.as_primitive::<Float64Type>().values().to_vec(),
        DataType::Float32 => {
            array.as_primitive::<Float32Type>().values().iter().map(|&it| it.into()).collect()
        }
        _ => return make_comparator(array.as_ref(), array.as_ref(), options).map_err(internal),
    };
    let nulls = array.logical_nulls();
    Ok(Box::new(move |a, b| {
        let null = |row: usize| nulls.as_ref().is_some_and(|it| it.is_null(row));
        let first = if options.nulls_first { Ordering::Less } else { Ordering::Greater };
        match (null(a), null(b)) {
            (true, true) => Ordering::Equal,
            (true, false) => first,
            (false, true) => first.reverse(),
            (false, false) => {
                let order = values[a].partial_cmp(&values[b]).unwrap_or(Ordering::Equal);
                if options.descending { order.reverse() } else { order }
            }
        }
    }))
}

fn internal(error: arrow::error::ArrowError) -> Error {
    Error::internal(format!("rows could not be compared: {error}"))
}
