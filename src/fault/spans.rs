//! Faults of trace files: a scattered trace, a span of another slot.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take_record_batch;

use super::rewrite::load;
use super::site::{Site, integers, stacked, with_column};
use crate::check::locality::slot::Slots;
use crate::error::{Error, Result};

/// Trace ids tried until one belongs to another slot.
const TRIES: u32 = 10_000;

fn traces<'a>(site: &Site<'_>, batch: &'a RecordBatch) -> Option<&'a StringArray> {
    let rule = site.job.signal.as_ref()?.locality.as_ref()?;
    batch.column_by_name(&rule.trace)?.as_string_opt::<i32>()
}

/// Deals the spans of the longest trace over all files, each in its place by start time.
pub(super) fn scatter_trace(site: &mut Site<'_>) -> Result<()> {
    let files = site.load_all()?;
    let mut spans: BTreeMap<String, usize> = BTreeMap::new();
    for batch in &files {
        for trace in traces(site, batch).into_iter().flatten().flatten() {
            *spans.entry(trace.to_owned()).or_default() += 1;
        }
    }
    let longest = spans.into_iter().max_by_key(|(_, rows)| *rows).map(|(trace, _)| trace);
    let (Some(longest), true) = (longest, files.len() > 1) else { return Ok(()) };
    let Some(time) = site.job.signal.as_ref().and_then(|signal| signal.time_column.clone()) else {
        return Ok(());
    };
    let own_file = |batch: &&RecordBatch| {
        traces(site, batch).is_some_and(|it| it.iter().any(|trace| trace == Some(longest.as_str())))
    };
    // A trace that lies in every file already, because its start times do, is not scattered by being dealt anew.
    if files.iter().filter(own_file).count() == files.len() {
        return Ok(());
    }
    let mut dealt: Vec<Option<RecordBatch>> = vec![None; files.len()];
    let mut number = 0;
    for (index, batch) in files.iter().enumerate() {
        for row in 0..batch.num_rows() {
            let own = traces(site, batch).is_some_and(|it| it.is_valid(row) && it.value(row) == longest);
            let to = if own { number % files.len() } else { index };
            number += usize::from(own);
            let row = batch.slice(row, 1);
            dealt[to] = match dealt[to].take() {
                Some(before) => stacked(&before, &row),
                None => Some(row),
            };
        }
    }
    for (index, batch) in dealt.into_iter().enumerate() {
        if let Some(batch) = batch {
            site.tell(index, &sorted(&batch, &time)?)?;
        }
    }
    Ok(())
}

/// The rows by start time, missing ones first.
fn sorted(batch: &RecordBatch, time: &str) -> Result<RecordBatch> {
    let times = integers(batch, time);
    let key = |row: usize| times.and_then(|times| times.is_valid(row).then(|| times.value(row)));
    let mut rows: Vec<usize> = (0..batch.num_rows()).collect();
    rows.sort_by_key(|&row| key(row));
    let rows: UInt32Array = rows.into_iter().filter_map(|row| u32::try_from(row).ok()).collect();
    take_record_batch(batch, &rows)
        .map_err(|error| Error::internal(format!("cannot plant the fault: {error}")))
}

/// Gives one span the id of a trace that belongs to another slot.
pub(super) fn two_slots(site: &mut Site<'_>) -> Result<()> {
    let Some(rule) = site.job.signal.as_ref().and_then(|signal| signal.locality.clone()) else {
        return Ok(());
    };
    let Ok(slots) = Slots::of(&rule, &site.job.parameters) else { return Ok(()) };
    let foreign = (0..TRIES).map(|number| format!("{number:032x}")).find(|trace| !slots.holds(trace));
    let Some(foreign) = foreign.filter(|_| !site.manifest.files.is_empty()) else { return Ok(()) };
    let batch = load(&site.path(0))?;
    let mut changed = batch.clone();
    for column in [Some(&rule.trace), rule.slot.as_ref()].into_iter().flatten() {
        let Some(values) = batch.column_by_name(column).and_then(|array| array.as_string_opt::<i32>()) else {
            continue;
        };
        let values: StringArray = values
            .iter()
            .enumerate()
            .map(|(row, old)| if row == 0 { Some(foreign.as_str()) } else { old })
            .collect();
        changed = with_column(&changed, column, Arc::new(values)).unwrap_or(changed);
    }
    site.tell(0, &changed)
}
