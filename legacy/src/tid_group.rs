//! One TID's rows: what is kept, what is dropped, what is merged.
//!
//! 1. A row alone in its TID is checked for a timestamp within the range and nothing else.
//! 2. Of several rows each must have an int64 timestamp within the range, a text name and a sketch. Rows of one aligned timestamp
//!    and name are contributions to one point.
//! 3. A point of one contribution keeps its row but for the timestamp. Of several, the sketches are merged, and the rollups are
//!    recomputed from the merged sketch; every other column is the first contribution's.
//!
//! The original writes the points of a TID in random order; here they come by timestamp, then name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::outcome::{MISSING_TIMESTAMP, Outcome};
use crate::sketch::{Sketch, SketchError};
use crate::value::{Row, Value};

pub(crate) const NAME: &str = "_cardinalhq.name";
pub(crate) const SKETCH: &str = "sketch";
pub(crate) const COUNT: &str = "rollup_count";
pub(crate) const SUM: &str = "rollup_sum";
pub(crate) const AVG: &str = "rollup_avg";
pub(crate) const MAX: &str = "rollup_max";
pub(crate) const MIN: &str = "rollup_min";
pub(crate) const QUANTILES: [(&str, f64); 6] = [
    ("rollup_p25", 0.25),
    ("rollup_p50", 0.5),
    ("rollup_p75", 0.75),
    ("rollup_p90", 0.9),
    ("rollup_p95", 0.95),
    ("rollup_p99", 0.99),
];

const OUT_OF_RANGE: &str = "out_of_range";
const MISSING_NAME: &str = "missing_name";
const MISSING_SKETCH: &str = "missing_sketch";
const UNDECODABLE_SKETCH: &str = "undecodable_sketch";
const EMPTY_SKETCH: &str = "empty_sketch";
/// Contributions to a point whose merged sketch holds nothing.
const EMPTY_MERGE: &str = "empty_merge";

/// The time range and its steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) interval: i64,
}

impl Range {
    fn contains(self, timestamp: i64) -> bool {
        (self.start..self.end).contains(&timestamp)
    }

    /// The timestamp cut toward zero to a multiple of the interval.
    fn align(self, timestamp: i64) -> i64 {
        timestamp.wrapping_div(self.interval).wrapping_mul(self.interval)
    }
}

/// A point in the making.
struct Point {
    row: Row,
    sketch: Sketch,
    contributions: u64,
}

/// The rows to be written for one TID. Counts what is dropped and merged.
pub(crate) fn roll_up(mut rows: Vec<Row>, timestamp: &str, range: Range, outcome: &mut Outcome) -> Vec<Row> {
    if rows.len() == 1 {
        rows.retain_mut(|row| place(row, timestamp, range, outcome).is_some());
        return rows;
    }
    let mut points: BTreeMap<(i64, Vec<u8>), Point> = BTreeMap::new();
    for mut row in rows {
        let Some(time) = place(&mut row, timestamp, range, outcome) else { continue };
        match contribution(&row) {
            Ok((name, sketch)) => match points.entry((time, name)) {
                Entry::Vacant(free) => drop(free.insert(Point { row, sketch, contributions: 1 })),
                Entry::Occupied(mut known) => {
                    let point = known.get_mut();
                    point.sketch.merge(&sketch);
                    point.contributions += 1;
                }
            },
            Err(reason) => dropped(outcome, reason, 1),
        }
    }
    let mut written = Vec::with_capacity(points.len());
    for Point { mut row, sketch, contributions } in points.into_values() {
        if contributions > 1 {
            if recompute(&mut row, &sketch).is_err() {
                dropped(outcome, EMPTY_MERGE, contributions);
                continue;
            }
            outcome.rows_merged += contributions - 1;
        }
        written.push(row);
    }
    written
}

/// Aligns the row's timestamp; none where it has none within the range.
fn place(row: &mut Row, timestamp: &str, range: Range, outcome: &mut Outcome) -> Option<i64> {
    let Some(&Value::Int64(time)) = row.get(timestamp) else {
        dropped(outcome, MISSING_TIMESTAMP, 1);
        return None;
    };
    if !range.contains(time) {
        dropped(outcome, OUT_OF_RANGE, 1);
        outcome.merge_stats.get_or_insert_default().datapoints_out_of_range += 1;
        return None;
    }
    let aligned = range.align(time);
    row.insert(timestamp.to_owned(), Value::Int64(aligned));
    Some(aligned)
}

fn dropped(outcome: &mut Outcome, reason: &str, rows: u64) {
    *outcome.rows_dropped.entry(reason.to_owned()).or_default() += rows;
}

/// Name and sketch of a row among several, or why it contributes nothing.
fn contribution(row: &Row) -> Result<(Vec<u8>, Sketch), &'static str> {
    let Some(Value::String(name)) = row.get(NAME) else { return Err(MISSING_NAME) };
    let encoded = match row.get(SKETCH) {
        Some(Value::Bytes(encoded) | Value::String(encoded)) => encoded,
        _ => return Err(MISSING_SKETCH),
    };
    let sketch = if encoded.is_empty() { singleton(row) } else { Sketch::decode(encoded).ok() };
    let reason = if encoded.is_empty() { EMPTY_SKETCH } else { UNDECODABLE_SKETCH };
    Ok((name.clone(), sketch.ok_or(reason)?))
}

/// The sketch of a row that stands for one value. A value that it refuses is left out, and the row still contributes.
fn singleton(row: &Row) -> Option<Sketch> {
    let (Some(Value::Float64(count)), Some(Value::Float64(sum))) = (row.get(COUNT), row.get(SUM)) else {
        return None;
    };
    (*count == 1.0).then(|| {
        let mut sketch = Sketch::default();
        // The original logs the refusal and goes on.
        let _ = sketch.add(*sum);
        sketch
    })
}

/// Puts the merged sketch and what follows from it into the row.
fn recompute(row: &mut Row, sketch: &Sketch) -> Result<(), SketchError> {
    let (count, sum, max, min) = (sketch.count(), sketch.sum(), sketch.max()?, sketch.min()?);
    let mut put = |column: &str, value: f64| drop(row.insert(column.to_owned(), Value::Float64(value)));
    put(COUNT, count);
    put(SUM, sum);
    put(AVG, if count == 0.0 { 0.0 } else { sum / count });
    put(MAX, max);
    put(MIN, min);
    for (column, quantile) in QUANTILES {
        put(column, sketch.quantile(quantile)?);
    }
    row.insert(SKETCH.to_owned(), Value::Bytes(sketch.encode()));
    Ok(())
}
