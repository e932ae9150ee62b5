//! Faults of the TIDs of metric files: split, returning, misplaced, lost or misstated series.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};

use super::plant::EXPLOSION;
use super::rewrite::load;
use super::site::{Site, integers, stacked, with_column};
use crate::error::{Error, Result};

/// The TIDs of a batch; none where the signal has no group key or a row no TID.
fn tids<'a>(site: &Site<'_>, batch: &'a RecordBatch) -> Option<&'a Int64Array> {
    let tids = integers(batch, site.job.signal.as_ref()?.group_key.as_ref()?)?;
    (tids.null_count() == 0).then_some(tids)
}

/// Where each TID's rows begin, and the number of rows at the end.
fn borders(tids: &Int64Array) -> Vec<usize> {
    let begins = (0..tids.len()).filter(|&row| row == 0 || tids.value(row) != tids.value(row - 1));
    begins.chain([tids.len()]).collect()
}

fn taken(batch: &RecordBatch, rows: impl Iterator<Item = usize>) -> Result<RecordBatch> {
    let rows: UInt32Array = rows.filter_map(|row| u32::try_from(row).ok()).collect();
    take_record_batch(batch, &rows)
        .map_err(|error| Error::internal(format!("cannot plant the fault: {error}")))
}

/// Moves the last row of a file, where its TID has more, to the head of the next file.
pub(super) fn split_by_rows(site: &mut Site<'_>) -> Result<()> {
    for index in 1..site.manifest.files.len() {
        let (upper, lower) = (load(&site.path(index - 1))?, load(&site.path(index))?);
        let Some(tids) = tids(site, &upper) else { return Ok(()) };
        let last = tids.len().saturating_sub(1);
        if last == 0 || tids.value(last) != tids.value(last - 1) {
            continue;
        }
        let Some(joined) = stacked(&upper.slice(last, 1), &lower) else { continue };
        site.tell(index - 1, &upper.slice(0, last))?;
        return site.tell(index, &joined);
    }
    Ok(())
}

/// Cuts a file in two within the TID that lies in its middle.
pub(super) fn split_by_batch(site: &mut Site<'_>) -> Result<()> {
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let Some(tids) = tids(site, &batch) else { return Ok(()) };
        let middle = tids.len() / 2;
        let within = (middle.max(1)..tids.len()).find(|&row| tids.value(row) == tids.value(row - 1));
        let Some(cut) = within else { continue };
        site.tell(index, &batch.slice(0, cut))?;
        return site.insert(index + 1, "after-batch.parquet", &batch.slice(cut, batch.num_rows() - cut));
    }
    Ok(())
}

/// Moves the first row of a TID that has more to the end of its file, behind other TIDs.
pub(super) fn tid_returns(site: &mut Site<'_>) -> Result<()> {
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let Some(tids) = tids(site, &batch) else { return Ok(()) };
        let borders = borders(tids);
        let group = borders.windows(2).find(|group| group[1] - group[0] > 1 && group[1] < tids.len());
        let Some(moved) = group.map(|group| group[0]) else { continue };
        let rows = (0..tids.len()).filter(|&row| row != moved).chain([moved]);
        return site.tell(index, &taken(&batch, rows)?);
    }
    Ok(())
}

/// Gives every TID a file of its own.
pub(super) fn file_per_tid(site: &mut Site<'_>) -> Result<()> {
    let mut groups = 0;
    for batch in site.load_all()? {
        let Some(tids) = tids(site, &batch) else { return Ok(()) };
        groups += borders(tids).len() as u64 - 1;
    }
    // A few more files are no explosion.
    if groups < EXPLOSION || groups <= 10 * site.manifest.files.len() as u64 {
        return Ok(());
    }
    for index in (0..site.manifest.files.len()).rev() {
        let batch = load(&site.path(index))?;
        let Some(tids) = tids(site, &batch) else { return Ok(()) };
        let borders = borders(tids);
        for (number, group) in borders.windows(2).enumerate() {
            let rows = batch.slice(group[0], group[1] - group[0]);
            site.insert(index + 1 + number, &format!("tid-{index:04}-{number:05}.parquet"), &rows)?;
        }
        site.remove(index)?;
    }
    Ok(())
}

/// Sorts all rows by their TIDs' text and cuts them anew between TIDs, into as many files.
pub(super) fn tids_as_text(site: &mut Site<'_>) -> Result<()> {
    resorted(site, |tid| tid.to_string())
}

/// Sorts all rows by their TIDs as if these had no sign, and cuts them anew as well.
pub(super) fn tids_unsigned(site: &mut Site<'_>) -> Result<()> {
    resorted(site, i64::cast_unsigned)
}

fn resorted<K: Ord>(site: &mut Site<'_>, key: impl Fn(i64) -> K) -> Result<()> {
    let files = site.load_all()?;
    let Some(all) = files.into_iter().map(Some).reduce(|upper, lower| stacked(&upper?, &lower?)).flatten()
    else {
        return Ok(());
    };
    let Some(values) = tids(site, &all) else { return Ok(()) };
    let mut rows: Vec<usize> = (0..values.len()).collect();
    rows.sort_by_key(|&row| key(values.value(row)));
    if rows.iter().zip(1..).all(|(row, next)| row + 1 == next) {
        return Ok(());
    }
    let sorted = taken(&all, rows.into_iter())?;
    let Some(values) = tids(site, &sorted) else { return Ok(()) };
    let borders = borders(values);
    let count = site.manifest.files.len();
    let cut = |file: usize| {
        let wanted = values.len() * file / count;
        borders.iter().copied().find(|&border| border >= wanted).unwrap_or(values.len())
    };
    for index in (0..count).rev() {
        let (from, to) = (cut(index), cut(index + 1));
        if from == to {
            site.remove(index)?;
        } else {
            site.tell(index, &sorted.slice(from, to - from))?;
        }
    }
    Ok(())
}

/// Takes the rows of the highest possible TID out of every file.
pub(super) fn highest_tid_lost(site: &mut Site<'_>) -> Result<()> {
    for index in (0..site.manifest.files.len()).rev() {
        let batch = load(&site.path(index))?;
        let Some(tids) = tids(site, &batch) else { return Ok(()) };
        let kept: BooleanArray = tids.values().iter().map(|&tid| Some(tid != i64::MAX)).collect();
        let rest = filter_record_batch(&batch, &kept)
            .map_err(|error| Error::internal(format!("cannot plant the fault: {error}")))?;
        match rest.num_rows() {
            rows if rows == batch.num_rows() => {}
            0 => site.remove(index)?,
            _ => site.tell(index, &rest)?,
        }
    }
    Ok(())
}

/// Sends every TID through a 64-bit float and back.
pub(super) fn tid_through_float(site: &mut Site<'_>) -> Result<()> {
    let Some(column) = site.job.signal.as_ref().and_then(|signal| signal.group_key.clone()) else {
        return Ok(());
    };
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let Some(tids) = tids(site, &batch) else { return Ok(()) };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "the loss is the fault"
        )]
        let through = |tid: i64| tid as f64 as i64;
        let changed: Int64Array = tids.values().iter().map(|&tid| through(tid)).collect();
        if changed == *tids {
            continue;
        }
        if let Some(batch) = with_column(&batch, &column, Arc::new(changed)) {
            site.tell(index, &batch)?;
        }
    }
    Ok(())
}

/// States a TID count of 0 for all files but the last.
pub(super) fn tid_count_on_last_file_only(site: &mut Site<'_>) {
    if let [others @ .., _] = site.manifest.files.as_mut_slice() {
        others.iter_mut().for_each(|file| file.tid_count = file.tid_count.map(|_| 0));
    }
}

/// Exchanges the stated lowest and highest TID of the first file that has two.
pub(super) fn swap_min_max(site: &mut Site<'_>) {
    if let Some(file) = site.manifest.files.iter_mut().find(|file| file.min_tid != file.max_tid) {
        std::mem::swap(&mut file.min_tid, &mut file.max_tid);
    }
}

/// States the first file's last timestamp as if it were the exclusive end of its range.
pub(super) fn exclusive_end(site: &mut Site<'_>) {
    if let Some(last) = site.manifest.files.iter_mut().find_map(|file| file.last_ts.as_mut()) {
        *last = last.checked_sub(1).unwrap_or(0);
    }
}
