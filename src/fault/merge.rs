//! Faults of merged points: time grid, sketch, rollup columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Float64Type;
use corpora::signal::RollupRule;

use super::rewrite::load;
use super::site::{Site, integers, stacked, with_column};
use crate::error::{Error, Result};

/// `(1 + a) / (1 - a)` for a relative accuracy of 0.02, where sketches have 0.01.
const OTHER_GAMMA: f64 = 1.02 / 0.98;

/// How far, relatively, an exact sum must lie from the binned one to be planted in its place.
const LEAST_BINNING: f64 = 1e-4;

/// The sketch's flag that announces the logarithmic mapping; the bounds' ratio follows.
const MAPPING: u8 = 0x02;

/// A point: TID, aligned time, name.
type Key = (i64, i64, String);

/// A row of the output that several input rows were merged into.
struct Merged {
    /// Position of the file in the manifest.
    file: usize,
    /// All rows of the file.
    batch: RecordBatch,
    /// The merged row.
    row: usize,
    /// The input rows that went into it, in order.
    contributions: Vec<RecordBatch>,
}

fn rule<'a>(site: &'a Site<'_>) -> Option<(&'a str, &'a RollupRule)> {
    let signal = site.job.signal.as_ref()?;
    Some((signal.group_key.as_deref()?, signal.rollup.as_ref()?))
}

/// The keys of all rows that have one, times aligned by `interval`.
fn keys(batch: &RecordBatch, tid: &str, rule: &RollupRule, interval: i64) -> Option<Vec<Option<Key>>> {
    let (tids, times) = (integers(batch, tid)?, integers(batch, &rule.time)?);
    let names = batch.column_by_name(&rule.name)?.as_string_opt::<i32>()?;
    let sketches = batch.column_by_name(&rule.sketch)?.as_binary_opt::<i32>()?;
    let whole = |row: usize| {
        tids.is_valid(row)
            && times.is_valid(row)
            && names.is_valid(row)
            && sketches.is_valid(row)
            && !sketches.value(row).is_empty()
    };
    let key =
        |row: usize| (tids.value(row), times.value(row) / interval * interval, names.value(row).to_owned());
    Some((0..batch.num_rows()).map(|row| whole(row).then(|| key(row))).collect())
}

/// The first merged row of the output for which `fits` holds, where the inputs are there and plain.
fn merged(site: &Site<'_>, fits: impl Fn(&Merged) -> bool) -> Result<Option<Merged>> {
    let Some((tid, rule)) = rule(site) else { return Ok(None) };
    let interval = site.job.parameters.interval.filter(|interval| *interval != 0).unwrap_or(1);
    let (start, end) = (site.job.parameters.start.unwrap_or(0), site.job.parameters.end.unwrap_or(0));
    let mut contributions: HashMap<Key, Vec<RecordBatch>> = HashMap::new();
    for input in &site.job.inputs {
        let batch = load(input)?;
        let (Some(keys), Some(times)) = (keys(&batch, tid, rule, interval), integers(&batch, &rule.time))
        else {
            continue;
        };
        for (row, key) in keys.into_iter().enumerate() {
            if let Some(key) = key.filter(|_| (start..end).contains(&times.value(row))) {
                contributions.entry(key).or_default().push(batch.slice(row, 1));
            }
        }
    }
    for file in 0..site.manifest.files.len() {
        let batch = load(&site.path(file))?;
        for (row, key) in keys(&batch, tid, rule, interval).into_iter().flatten().enumerate() {
            // The baseline is known to lose the highest TID, and what it lost is held against the rules alone.
            let key = key.filter(|key| key.0 != i64::MAX);
            let several = key.and_then(|key| contributions.remove(&key)).filter(|rows| rows.len() > 1);
            let Some(contributions) = several else { continue };
            let found = Merged { file, batch: batch.clone(), row, contributions };
            if fits(&found) {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

fn any(_: &Merged) -> bool {
    true
}

fn number(batch: &RecordBatch, column: &str, row: usize) -> Option<f64> {
    let values = batch.column_by_name(column)?.as_primitive_opt::<Float64Type>()?;
    values.is_valid(row).then(|| values.value(row))
}

impl Merged {
    /// The file with another number in one column of the merged row.
    fn with_number(&self, batch: &RecordBatch, column: &str, value: Option<f64>) -> Option<RecordBatch> {
        let values = batch.column_by_name(column)?.as_primitive_opt::<Float64Type>()?;
        let changed: Float64Array =
            values.iter().enumerate().map(|(row, old)| if row == self.row { value } else { old }).collect();
        with_column(batch, column, Arc::new(changed))
    }

    /// The file with another sketch in the merged row.
    fn with_sketch(&self, column: &str, change: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Option<RecordBatch> {
        let sketches = self.batch.column_by_name(column)?.as_binary_opt::<i32>()?;
        let changed: BinaryArray = sketches
            .iter()
            .enumerate()
            .map(|(row, old)| if row == self.row { old.and_then(&change) } else { old.map(<[u8]>::to_vec) })
            .collect();
        with_column(&self.batch, column, Arc::new(changed) as ArrayRef)
    }
}

/// Plants a change of one merged row that `change` makes to its file.
fn plant(
    site: &mut Site<'_>,
    fits: impl Fn(&Merged, &RollupRule) -> bool,
    change: impl Fn(&Merged, &RollupRule) -> Option<RecordBatch>,
) -> Result<()> {
    let Some((_, rule)) = rule(site) else { return Ok(()) };
    let rule = rule.clone();
    let found = merged(site, |found| fits(found, &rule))?;
    match found.and_then(|found| Some((found.file, change(&found, &rule)?))) {
        Some((file, batch)) => site.tell(file, &batch),
        None => Ok(()),
    }
}

/// Moves every timestamp to the middle of its interval, as a grid with another origin does.
pub(super) fn wrong_alignment(site: &mut Site<'_>) -> Result<()> {
    let Some((_, rule)) = rule(site) else { return Ok(()) };
    let column = rule.time.clone();
    let half = site.job.parameters.interval.unwrap_or(0).abs() / 2;
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let Some(times) = integers(&batch, &column) else { continue };
        let moved: Int64Array = times.iter().map(|time| time.map(|time| time.saturating_add(half))).collect();
        if let Some(batch) = with_column(&batch, &column, Arc::new(moved)) {
            site.tell(index, &batch)?;
        }
    }
    Ok(())
}

/// Puts the contributions of a merged row in its place, each a row of its own under the aligned time.
pub(super) fn key_not_aligned(site: &mut Site<'_>) -> Result<()> {
    let Some(Merged { file, batch, row, contributions }) = merged(site, any)? else { return Ok(()) };
    let Some((_, rule)) = rule(site) else { return Ok(()) };
    let Some(time) = integers(&batch, &rule.time).map(|times| times.value(row)) else { return Ok(()) };
    let count = contributions.len() as u64;
    let mut rows = batch.slice(0, row);
    for one in &contributions {
        let aligned = with_column(one, &rule.time, Arc::new(Int64Array::from(vec![time])));
        let Some(joined) = aligned.and_then(|aligned| stacked(&rows, &aligned)) else { return Ok(()) };
        rows = joined;
    }
    let Some(rows) = stacked(&rows, &batch.slice(row + 1, batch.num_rows() - row - 1)) else { return Ok(()) };
    // Columns that only the inputs know, all null in the output, stay away.
    let known: Vec<usize> = (0..rows.num_columns())
        .filter(|&at| {
            batch.column_by_name(rows.schema_ref().field(at).name()).is_some()
                || rows.column(at).null_count() < rows.num_rows()
        })
        .collect();
    let rows = rows
        .project(&known)
        .and_then(|rows| concat_batches(rows.schema_ref(), [&rows]))
        .map_err(|error| Error::internal(format!("cannot plant the fault: {error}")))?;
    // Such a writer counts what it merged, and it merged less.
    site.manifest.rows_merged = site.manifest.rows_merged.map(|merged| merged.saturating_sub(count - 1));
    site.tell(file, &rows)
}

/// Takes the sketch away.
pub(super) fn sketch_dropped(site: &mut Site<'_>) -> Result<()> {
    plant(site, |found, _| any(found), |found, rule| found.with_sketch(&rule.sketch, |_| None))
}

/// Lets the sketch hold everything twice: its encoding is additive, so its bytes are repeated. Count and sum follow.
pub(super) fn sketch_merged_twice(site: &mut Site<'_>) -> Result<()> {
    plant(
        site,
        |found, _| any(found),
        |found, rule| {
            let mut batch = found.with_sketch(&rule.sketch, |bytes| Some([bytes, bytes].concat()))?;
            for column in [&rule.count, &rule.sum] {
                let twice = number(&batch, column, found.row).map(|value| value * 2.0);
                batch = found.with_number(&batch, column, twice)?;
            }
            Some(batch)
        },
    )
}

/// Lets the sketch state another accuracy.
pub(super) fn sketch_other_accuracy(site: &mut Site<'_>) -> Result<()> {
    let other = |bytes: &[u8]| {
        let at = bytes.iter().position(|&byte| byte == MAPPING)? + 1;
        let mut bytes = bytes.to_vec();
        bytes.get_mut(at..at + 8)?.copy_from_slice(&OTHER_GAMMA.to_le_bytes());
        Some(bytes)
    };
    plant(site, |found, _| any(found), |found, rule| found.with_sketch(&rule.sketch, other))
}

/// Keeps the first contribution's rollups.
pub(super) fn rollup_from_one_row(site: &mut Site<'_>) -> Result<()> {
    plant(
        site,
        |found, _| any(found),
        |found, rule| {
            let mut batch = found.batch.clone();
            for column in rule.recomputed() {
                let first = found.contributions.first().and_then(|row| number(row, column, 0));
                batch = found.with_number(&batch, column, first).unwrap_or(batch);
            }
            Some(batch)
        },
    )
}

/// Adds the contributions' sums up exactly.
pub(super) fn exact_sum(site: &mut Site<'_>) -> Result<()> {
    // Where every value is its bin's own, both sums differ in the last bits only.
    let exact = |found: &Merged, rule: &RollupRule| {
        let binned = number(&found.batch, &rule.sum, found.row)?;
        let sums = found.contributions.iter().map(|row| number(row, &rule.sum, 0));
        sums.sum::<Option<f64>>().filter(|sum| (sum - binned).abs() > LEAST_BINNING * binned.abs())
    };
    plant(
        site,
        |found, rule| exact(found, rule).is_some(),
        |found, rule| found.with_number(&found.batch, &rule.sum, exact(found, rule)),
    )
}

/// Exchanges lowest and highest value.
pub(super) fn swap_rollup_min_max(site: &mut Site<'_>) -> Result<()> {
    let both = |found: &Merged, rule: &RollupRule| {
        [&rule.min, &rule.max].map(|column| number(&found.batch, column, found.row))
    };
    plant(
        site,
        |found, rule| {
            let [min, max] = both(found, rule);
            min != max
        },
        |found, rule| {
            let [min, max] = both(found, rule);
            let batch = found.with_number(&found.batch, &rule.min, max)?;
            found.with_number(&batch, &rule.max, min)
        },
    )
}

/// Keeps the first half of the sketch's bytes.
pub(super) fn sketch_cut(site: &mut Site<'_>) -> Result<()> {
    let half = |bytes: &[u8]| Some(bytes[..bytes.len() / 2].to_vec());
    plant(site, |found, _| any(found), |found, rule| found.with_sketch(&rule.sketch, half))
}

/// Keeps the first contribution's sketch.
pub(super) fn sketch_of_one_row(site: &mut Site<'_>) -> Result<()> {
    let bytes = |batch: &RecordBatch, column: &str, row: usize| {
        let sketches = batch.column_by_name(column)?.as_binary_opt::<i32>()?;
        sketches.is_valid(row).then(|| sketches.value(row).to_vec())
    };
    let first = |found: &Merged, rule: &RollupRule| {
        let whole = bytes(&found.batch, &rule.sketch, found.row);
        let one = found.contributions.first().and_then(|row| bytes(row, &rule.sketch, 0));
        one.filter(|one| Some(one) != whole.as_ref())
    };
    plant(
        site,
        |found, rule| first(found, rule).is_some(),
        |found, rule| {
            let one = first(found, rule)?;
            found.with_sketch(&rule.sketch, |_| Some(one.clone()))
        },
    )
}

/// Exchanges the lowest and the highest quantile.
pub(super) fn swap_quantiles(site: &mut Site<'_>) -> Result<()> {
    let both = |found: &Merged, rule: &RollupRule| {
        let mut columns: Vec<(&String, f64)> = rule.quantiles.iter().map(|(name, at)| (name, *at)).collect();
        columns.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (low, high) = (columns.first()?.0.clone(), columns.last()?.0.clone());
        let values = [&low, &high].map(|column| number(&found.batch, column, found.row));
        // So far apart that no accuracy excuses it.
        let [Some(one), Some(other)] = values else { return None };
        ((one - other).abs() > 0.1 * one.abs().max(other.abs())).then_some((low, high, one, other))
    };
    plant(
        site,
        |found, rule| both(found, rule).is_some(),
        |found, rule| {
            let (low, high, one, other) = both(found, rule)?;
            let batch = found.with_number(&found.batch, &low, Some(other))?;
            found.with_number(&batch, &high, Some(one))
        },
    )
}

/// A mean that is one per cent too high.
pub(super) fn average_off(site: &mut Site<'_>) -> Result<()> {
    let average = |found: &Merged, rule: &RollupRule| {
        number(&found.batch, &rule.avg, found.row).filter(|value| value.is_finite() && *value != 0.0)
    };
    plant(
        site,
        |found, rule| average(found, rule).is_some(),
        |found, rule| {
            found.with_number(&found.batch, &rule.avg, average(found, rule).map(|value| value * 1.01))
        },
    )
}
