//! Runs of equal group keys in one file.

use arrow::datatypes::DataType;
use corpora::signal::ColumnType;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::output::OutputFile;
use crate::output::key::{KeyColumn, KeyRule, KeyValue};

/// Neighbouring rows with one key.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) key: KeyValue,
    /// First row, from 0 within the file.
    pub(super) row: u64,
    pub(super) rows: u64,
}

/// Rows of a file without a key.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Keyless {
    pub(super) rows: u64,
    /// The first of them.
    pub(super) first: Option<u64>,
}

/// Calls `take` for each run of a file, in order. A row without a key belongs to no run and ends the one before it.
pub(super) fn walk(
    file: &OutputFile,
    column: &str,
    cancel: &Cancel,
    mut take: impl FnMut(Run),
) -> Result<Keyless> {
    let mut keyless = Keyless::default();
    let mut run: Option<Run> = None;
    for located in file.batches(Some(&[column.to_owned()]), 0)? {
        cancel.check()?;
        let located = located?;
        let keys = KeyColumn::new(&located.batch, column, KeyRule::AsStored);
        for at in 0..located.batch.num_rows() {
            let key = keys.value(at);
            let row = located.first_row + at as u64;
            if key == KeyValue::Missing {
                keyless.rows += 1;
                keyless.first.get_or_insert(row);
                run.take().into_iter().for_each(&mut take);
                continue;
            }
            match &mut run {
                Some(run) if run.key == key => run.rows += 1,
                _ => run.replace(Run { key, row, rows: 1 }).into_iter().for_each(&mut take),
            }
        }
    }
    run.into_iter().for_each(take);
    Ok(keyless)
}

/// What one file's runs say, without looking at other files.
#[derive(Debug)]
pub(super) struct FileGroups<'a> {
    pub(super) file: &'a OutputFile,
    pub(super) keyless: Keyless,
    pub(super) runs: u64,
    /// Lowest and highest key; absent where no row has one.
    pub(super) range: Option<(KeyValue, KeyValue)>,
    pub(super) descents: u64,
    /// The first descent, and the key before it.
    pub(super) first_descent: Option<(Run, KeyValue)>,
    /// Each run's key is above the one before it: no group can have come back.
    pub(super) ascending: bool,
    /// Longest run, the lowest key of those.
    pub(super) longest: Option<(KeyValue, u64)>,
    /// The column's type where the signal wants another.
    pub(super) other_type: Option<String>,
}

impl<'a> FileGroups<'a> {
    /// Looks at one file. `wanted` are the types that the key column may have; empty for any.
    pub(super) fn of(
        file: &'a OutputFile,
        column: &str,
        wanted: &[ColumnType],
        cancel: &Cancel,
    ) -> Result<Self> {
        let mut seen = Self {
            file,
            keyless: Keyless::default(),
            runs: 0,
            range: None,
            descents: 0,
            first_descent: None,
            ascending: true,
            longest: None,
            other_type: None,
        };
        let mut before: Option<KeyValue> = None;
        seen.keyless = walk(file, column, cancel, |run| {
            seen.runs += 1;
            if let Some(before) = before.replace(run.key.clone()) {
                seen.ascending &= run.key > before;
                if run.key < before {
                    seen.descents += 1;
                    seen.first_descent.get_or_insert_with(|| (run.clone(), before));
                }
            }
            match &mut seen.range {
                None => seen.range = Some((run.key.clone(), run.key.clone())),
                Some((low, high)) => {
                    if run.key < *low {
                        low.clone_from(&run.key);
                    }
                    if run.key > *high {
                        high.clone_from(&run.key);
                    }
                }
            }
            longer(&mut seen.longest, &run.key, run.rows);
        })?;
        // A column without a single value has no type that matters.
        if seen.runs > 0 && !wanted.is_empty() {
            let schema = file.arrow_schema()?;
            let field = schema.field_with_name(column).ok();
            seen.other_type = field
                .map(arrow::datatypes::Field::data_type)
                .filter(|it| !column_type(it).is_some_and(|it| wanted.contains(&it)))
                .map(ToString::to_string);
        }
        Ok(seen)
    }
}

/// Keeps the larger group, of equal ones that with the lower key.
pub(super) fn longer(longest: &mut Option<(KeyValue, u64)>, key: &KeyValue, rows: u64) {
    let better = match longest {
        None => true,
        Some((known, most)) => rows > *most || (rows == *most && *key < *known),
    };
    if better {
        *longest = Some((key.clone(), rows));
    }
}

/// The type of a signal definition that an Arrow type is.
fn column_type(data_type: &DataType) -> Option<ColumnType> {
    match data_type {
        DataType::Int64 => Some(ColumnType::Int64),
        DataType::Float64 => Some(ColumnType::Float64),
        DataType::Boolean => Some(ColumnType::Boolean),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(ColumnType::String),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Some(ColumnType::Binary),
        _ => None,
    }
}
