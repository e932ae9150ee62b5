//! Faults of order: within a file, and of files.

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;

use super::rewrite::load;
use super::site::Site;
use crate::error::Result;
use crate::job::JobKind;

/// Puts the rows of the first file whose first key lies below its last in another order.
fn reordered(site: &mut Site<'_>, order: impl Fn(u32) -> Vec<u32>) -> Result<()> {
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let Some(last) = batch.num_rows().checked_sub(1) else { continue };
        let Ok(rows) = u32::try_from(batch.num_rows()) else { continue };
        if !site.ascends((&batch, 0), (&batch, last)) {
            continue;
        }
        if let Ok(changed) = take_record_batch(&batch, &UInt32Array::from(order(rows))) {
            return site.tell(index, &changed);
        }
    }
    Ok(())
}

/// The first row and the last one in each other's place.
pub(super) fn swap_ends(site: &mut Site<'_>) -> Result<()> {
    reordered(site, |rows| {
        let mut order: Vec<u32> = (0..rows).collect();
        order.swap(0, rows as usize - 1);
        order
    })
}

/// A file backwards.
pub(super) fn reverse(site: &mut Site<'_>) -> Result<()> {
    reordered(site, |rows| (0..rows).rev().collect())
}

/// The halves of a file in each other's place: two sorted runs that nobody merged.
pub(super) fn swap_runs(site: &mut Site<'_>) -> Result<()> {
    reordered(site, |rows| (rows / 2..rows).chain(0..rows / 2).collect())
}

/// The last row of a file before all others.
pub(super) fn last_row_first(site: &mut Site<'_>) -> Result<()> {
    reordered(site, |rows| std::iter::once(rows - 1).chain(0..rows - 1).collect())
}

/// Two files in each other's place in the result list.
pub(super) fn swap_files(site: &mut Site<'_>) -> Result<()> {
    // The result of an hourly split is a map, not a list.
    if site.job.kind == JobKind::Ingest {
        return Ok(());
    }
    let files: Vec<RecordBatch> = site.load_all()?;
    for (index, pair) in files.windows(2).enumerate() {
        let Some(last) = pair[1].num_rows().checked_sub(1) else { continue };
        if pair[0].num_rows() > 0 && site.ascends((&pair[0], 0), (&pair[1], last)) {
            site.manifest.files.swap(index, index + 1);
            return Ok(());
        }
    }
    Ok(())
}
