//! Data points for the tests of metrics.

use arrow::array::{AsArray, BinaryArray, Float64Array};
use arrow::datatypes::{Float64Type, Int64Type};

use super::*;
use crate::rollup::sketch::Sketch;
use crate::{Columns, MetricsJob, Outcome, TidMergeJob};

pub(crate) const TID: &str = "_cardinalhq.tid";
pub(crate) const NAME: &str = "_cardinalhq.name";

/// A data point; absent values are nulls.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) tid: Option<i64>,
    pub(crate) time: Option<i64>,
    pub(crate) name: Option<&'static str>,
    pub(crate) sketch: Option<Vec<u8>>,
    pub(crate) count: Option<f64>,
    pub(crate) sum: Option<f64>,
}

/// A whole point of one value.
pub(crate) fn point(tid: i64, time: i64, value: f64) -> Point {
    Point {
        tid: Some(tid),
        time: Some(time),
        name: Some("m"),
        sketch: Some(sketch(&[value])),
        count: Some(1.0),
        sum: Some(value),
    }
}

pub(crate) fn sketch(values: &[f64]) -> Vec<u8> {
    let (mut all, mut one, mut bytes) = (Sketch::default(), Sketch::default(), Vec::new());
    for value in values {
        assert!(one.set_value(*value));
        all.merge(&one);
    }
    all.encode(&mut bytes);
    bytes
}

/// A batch of points; column `n` numbers the rows from `first`.
pub(crate) fn points(points: &[Point], first: i64) -> RecordBatch {
    let binary: BinaryArray = points.iter().map(|point| point.sketch.as_deref()).collect();
    batch(vec![
        (TID, Arc::new(points.iter().map(|point| point.tid).collect::<Int64Array>())),
        (TIME, Arc::new(points.iter().map(|point| point.time).collect::<Int64Array>())),
        (NAME, Arc::new(points.iter().map(|point| point.name).collect::<StringArray>())),
        ("sketch", Arc::new(binary)),
        ("rollup_count", Arc::new(points.iter().map(|point| point.count).collect::<Float64Array>())),
        ("rollup_sum", Arc::new(points.iter().map(|point| point.sum).collect::<Float64Array>())),
        ("n", ints(first..first + points.len() as i64)),
    ])
}

/// What lies in the output files.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Got {
    pub(crate) tid: i64,
    pub(crate) time: i64,
    pub(crate) n: i64,
    pub(crate) sketch: Option<Vec<u8>>,
    pub(crate) count: Option<f64>,
    pub(crate) sum: Option<f64>,
}

pub(crate) fn got(files: &[FileResult]) -> Vec<Got> {
    let mut rows = Vec::new();
    for file in files {
        let batch = read(&file.path);
        let int =
            |name: &str, row| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().value(row);
        let float = |name: &str, row| {
            let column = batch.column_by_name(name)?.as_primitive::<Float64Type>();
            column.iter().nth(row).flatten()
        };
        let sketches = batch.column_by_name("sketch").map(|column| column.as_binary::<i32>().clone());
        for row in 0..batch.num_rows() {
            rows.push(Got {
                tid: int(TID, row),
                time: int(TIME, row),
                n: int("n", row),
                sketch: sketches.as_ref().and_then(|all| all.iter().nth(row).flatten().map(<[u8]>::to_vec)),
                count: float("rollup_count", row),
                sum: float("rollup_sum", row),
            });
        }
    }
    rows
}

/// Inputs, a place for the output, and the jobs over them.
pub(crate) struct Bench {
    pub(crate) place: Place,
    pub(crate) input: TempDir,
    pub(crate) inputs: Vec<PathBuf>,
    columns: Columns,
}

impl Bench {
    /// One segment for each list of batches.
    pub(crate) fn new(segments: &[Vec<RecordBatch>]) -> Self {
        let input = tempfile::tempdir().unwrap();
        let inputs = segments.iter().enumerate();
        let inputs =
            inputs.map(|(at, batches)| segment(input.path(), &format!("f{at}.parquet"), batches)).collect();
        Self { place: Place::new(), input, inputs, columns: Columns::default() }
    }

    /// One segment for each list of points, rows numbered through.
    pub(crate) fn of(segments: &[Vec<Point>]) -> Self {
        let mut first = 0;
        let batches = segments.iter().map(|rows| {
            first += rows.len() as i64;
            vec![points(rows, first - rows.len() as i64)]
        });
        Self::new(&batches.collect::<Vec<_>>())
    }

    /// A merge by tens from 0 to 1000.
    pub(crate) fn merge(&self) -> TidMergeJob<'_> {
        TidMergeJob {
            inputs: &self.inputs,
            output: self.place.output.path(),
            scratch: self.place.scratch.path(),
            interval: 10,
            row_estimate: 0,
            start: 0,
            end: 1000,
            target_size: crate::DEFAULT_TARGET_SIZE,
            memory_limit: 1 << 26,
            threads: 1,
            sync: false,
            columns: &self.columns,
            cancel: None,
        }
    }

    pub(crate) fn metrics(&self) -> MetricsJob<'_> {
        MetricsJob {
            inputs: &self.inputs,
            output: self.place.output.path(),
            scratch: self.place.scratch.path(),
            target_size: crate::DEFAULT_TARGET_SIZE,
            memory_limit: 1 << 26,
            threads: 1,
            sync: false,
            columns: &self.columns,
            cancel: None,
        }
    }
}

/// Runs a merge by tens from 0 to 1000 and checks that no row is unaccounted for.
pub(crate) fn accounted(bench: &Bench) -> (Outcome, Vec<Got>) {
    let outcome = bench.merge().run().unwrap();
    bench.place.assert_only(&outcome.files());
    let rows = got(&outcome.files());
    let written = outcome.files().iter().map(|file| file.record_count).sum::<u64>();
    let dropped = outcome.rows_dropped.values().sum::<u64>();
    assert_eq!(outcome.rows_read, written + dropped + outcome.rows_merged);
    assert_eq!(written, rows.len() as u64);
    (outcome, rows)
}

/// The same over these segments.
pub(crate) fn merged(segments: &[Vec<Point>]) -> (Outcome, Vec<Got>) {
    let (outcome, rows) = accounted(&Bench::of(segments));
    assert_eq!(outcome.rows_read, segments.iter().map(|rows| rows.len() as u64).sum::<u64>());
    (outcome, rows)
}
