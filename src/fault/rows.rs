//! Faults of whole rows: a tail lost, a buffer reused, a row replaced or invented.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{concat_batches, take};

use super::rewrite::load;
use super::site::{Site, is_indexed, is_key, with_column};
use crate::error::Result;

/// Rows of a file from which on it has a tail to lose.
const LEAST_ROWS: usize = 4;

/// Loses the end of a batch: the rows before the middle of a file.
pub(super) fn batch_tail_lost(site: &mut Site<'_>) -> Result<()> {
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let rows = batch.num_rows();
        if rows < LEAST_ROWS {
            continue;
        }
        let parts = [batch.slice(0, rows / 4), batch.slice(rows / 2, rows - rows / 2)];
        if let Ok(rest) = concat_batches(&batch.schema(), &parts) {
            return site.tell(index, &rest);
        }
    }
    Ok(())
}

/// Puts the row before into the place of a row that differs, whole or only outside the keys.
fn repeated(site: &mut Site<'_>, keys_too: bool) -> Result<()> {
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let taken = |name: &str| keys_too || !is_key(site.job, name);
        let differs = |row: usize| {
            let columns = batch.schema_ref().fields().iter().zip(batch.columns());
            columns
                .filter(|(field, _)| taken(field.name()))
                .any(|(_, array)| array.slice(row, 1).to_data() != array.slice(row - 1, 1).to_data())
        };
        let Some(row) = (1..batch.num_rows()).find(|&row| differs(row)) else { continue };
        let rows: UInt32Array = (0..batch.num_rows())
            .filter_map(|at| u32::try_from(if at == row { row - 1 } else { at }).ok())
            .collect();
        let fields = batch.schema_ref().fields().iter().zip(batch.columns());
        let columns: Option<Vec<ArrayRef>> =
            fields
                .map(|(field, array)| {
                    if taken(field.name()) { take(array, &rows, None).ok() } else { Some(Arc::clone(array)) }
                })
                .collect();
        let changed = columns.and_then(|columns| RecordBatch::try_new(batch.schema(), columns).ok());
        if let Some(changed) = changed {
            return site.tell(index, &changed);
        }
    }
    Ok(())
}

/// Gives a row the values of the row before, under its own key.
pub(super) fn reused_buffer(site: &mut Site<'_>) -> Result<()> {
    repeated(site, false)
}

/// Loses a row and writes the one before twice: counts hold.
pub(super) fn replaced(site: &mut Site<'_>) -> Result<()> {
    repeated(site, true)
}

/// Adds a row that nobody sent, behind the last one of a file.
pub(super) fn invented(site: &mut Site<'_>) -> Result<()> {
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let Some(last) = batch.num_rows().checked_sub(1).map(|last| batch.slice(last, 1)) else { continue };
        let fields = last.schema_ref().fields().iter().zip(last.columns());
        let other = fields
            .filter(|(field, _)| !is_key(site.job, field.name()) && !is_indexed(site.job, field.name()))
            .find_map(|(field, array)| {
                let texts = array.as_string_opt::<i32>()?;
                let text = texts.is_valid(0).then(|| format!("{} invented", texts.value(0)))?;
                with_column(&last, field.name(), Arc::new(StringArray::from(vec![text])))
            });
        let Some(other) = other else { continue };
        if let Some(joined) = super::site::stacked(&batch, &other) {
            return site.tell(index, &joined);
        }
    }
    Ok(())
}
