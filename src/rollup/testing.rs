//! Metric rows, sketches and segments for tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Float64Array, Int64Array, StringArray};
use corpora::parameters::Parameters;
use corpora::signal::Signal;

use super::points::rollups;
use super::sketch::{Bins, Mapping, Sketch};
use crate::job::{Expected, Job, JobKind, Recorded};
use crate::output::testing::{Columns, write};

/// A recorded merge of the original.
pub(crate) struct Golden {
    pub(crate) name: String,
    pub(crate) job: Job,
    /// Output files in result order.
    pub(crate) outputs: Vec<PathBuf>,
    pub(crate) out_of_range: u64,
}

/// Every recorded merge that did not end in an error; none where there are no golden files.
pub(crate) fn golden() -> Vec<Golden> {
    let Some(folder) = crate::check::fixture::beside("golden") else { return Vec::new() };
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.contains("tidmerge-") {
            continue;
        }
        let read = |name: &str| -> serde_json::Value {
            serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
        };
        let (params, expected) = (read("params.json"), read("expected.json"));
        if !expected["error"].is_null() || !expected["panic"].is_null() {
            continue;
        }
        let number = |name: &str| params["params"][name].as_str().and_then(|it| it.parse::<i64>().ok());
        let inputs = params["inputs"].as_array().unwrap();
        let mut job = job(inputs.iter().map(|it| folder.join(it.as_str().unwrap())).collect());
        job.parameters.interval = number("interval");
        job.parameters.start = number("start");
        job.parameters.end = number("end");
        let outputs = expected["results"].as_array().into_iter().flatten();
        let outputs = outputs.map(|it| folder.join("output").join(it["file"].as_str().unwrap())).collect();
        let out_of_range = expected["merge_stats"]["DatapointsOutOfRange"].as_u64().unwrap();
        cases.push(Golden { name, job, outputs, out_of_range });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(cases.len() > 40, "{}", cases.len());
    cases
}

/// Accuracy of the shipped signal.
pub(crate) const ACCURACY: f64 = 0.01;

/// Rollup columns of the shipped signal, in the order of the rule.
pub(crate) const ROLLUPS: [&str; 11] = [
    "rollup_count",
    "rollup_sum",
    "rollup_avg",
    "rollup_min",
    "rollup_max",
    "rollup_p25",
    "rollup_p50",
    "rollup_p75",
    "rollup_p90",
    "rollup_p95",
    "rollup_p99",
];

pub(crate) const QUANTILES: [f64; 6] = [0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// The metrics signal as it ships.
pub(crate) fn metrics() -> Signal {
    corpora::Signals::builtin().unwrap().get("metrics").unwrap().as_ref().clone()
}

/// A job over the inputs with an interval of ten seconds and a range of one minute from 60,000 on.
pub(crate) fn job(inputs: Vec<PathBuf>) -> Job {
    Job {
        id: "job".to_owned(),
        signal: Some(Arc::new(metrics())),
        kind: JobKind::Compact,
        inputs,
        parameters: Parameters {
            interval: Some(10_000),
            start: Some(60_000),
            end: Some(120_000),
            ..Parameters::default()
        },
        parameter_origins: Vec::new(),
        corpus: None,
        expected: Expected::default(),
        recorded: Recorded::default(),
    }
}

/// One metric row.
#[derive(Debug, Clone)]
pub(crate) struct MetricRow {
    pub(crate) tid: Option<i64>,
    pub(crate) time: Option<i64>,
    pub(crate) name: Option<&'static str>,
    pub(crate) sketch: Option<Vec<u8>>,
    pub(crate) rollups: Vec<Option<f64>>,
    pub(crate) label: Option<&'static str>,
}

pub(crate) fn sketch_of(values: &[f64]) -> Sketch {
    sketch_with(values, ACCURACY)
}

pub(crate) fn sketch_with(values: &[f64], accuracy: f64) -> Sketch {
    let mapping = Mapping::new(accuracy);
    let mut sketch = Sketch::default();
    for value in values {
        sketch.add(&Sketch::of(*value, &mapping).unwrap());
    }
    sketch
}

/// A row as ingestion makes it: a sketch of the values, and exact rollups.
pub(crate) fn row(tid: i64, time: i64, values: &[f64]) -> MetricRow {
    let sketch = sketch_of(values);
    let (_, mut cells) = rollups(&sketch, &QUANTILES, &Mapping::new(ACCURACY));
    let sum: f64 = values.iter().sum();
    cells[1] = Some(sum);
    #[expect(clippy::cast_precision_loss, reason = "a handful of values")]
    let count = values.len() as f64;
    cells[2] = Some(sum / count);
    MetricRow {
        tid: Some(tid),
        time: Some(time),
        name: Some("cpu"),
        sketch: Some(encode(&sketch, ACCURACY)),
        rollups: cells,
        label: Some("x"),
    }
}

/// The row that a merge of values makes: everything from the sketch.
pub(crate) fn merged(tid: i64, time: i64, values: &[f64]) -> MetricRow {
    let sketch = sketch_of(values);
    let (_, cells) = rollups(&sketch, &QUANTILES, &Mapping::new(ACCURACY));
    MetricRow { rollups: cells, ..row(tid, time, values) }
}

/// The row that a merge makes of a sketch, to the last bit; everything else is that of `first`.
pub(crate) fn merged_into(first: &MetricRow, sketch: &Sketch) -> MetricRow {
    let mapping = Mapping::new(ACCURACY).exact();
    let (_, cells) = rollups(sketch, &QUANTILES, &mapping);
    MetricRow { rollups: cells, sketch: Some(sketch.encode(&mapping)), ..first.clone() }
}

/// The row with a sketch whose last `cut` bytes are gone.
pub(crate) fn cut(mut row: MetricRow, cut: usize) -> MetricRow {
    if let Some(sketch) = &mut row.sketch {
        sketch.truncate(sketch.len() - cut);
    }
    row
}

/// The row with an exact count in its sketch, as other libraries write it: the original takes eight bytes for it.
pub(crate) fn with_exact_count(mut row: MetricRow) -> MetricRow {
    if let Some(sketch) = &mut row.sketch {
        // Behind the mapping.
        sketch.splice(17..17, [0x28 << 2, 0x02]);
    }
    row
}

/// The rows as columns.
pub(crate) fn columns(rows: &[MetricRow]) -> Columns {
    let ints = |get: fn(&MetricRow) -> Option<i64>| -> ArrayRef {
        Arc::new(Int64Array::from_iter(rows.iter().map(get)))
    };
    let texts = |get: fn(&MetricRow) -> Option<&'static str>| -> ArrayRef {
        Arc::new(StringArray::from_iter(rows.iter().map(get)))
    };
    let sketches = BinaryArray::from_iter(rows.iter().map(|row| row.sketch.as_deref()));
    let mut columns: Columns = vec![
        ("_cardinalhq.name", texts(|row| row.name)),
        ("_cardinalhq.tid", ints(|row| row.tid)),
        ("_cardinalhq.timestamp", ints(|row| row.time)),
        ("label", texts(|row| row.label)),
        ("sketch", Arc::new(sketches)),
    ];
    for (index, name) in ROLLUPS.into_iter().enumerate() {
        columns.push((name, Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.rollups[index])))));
    }
    columns
}

/// Writes rows as a segment.
pub(crate) fn segment(path: &Path, rows: &[MetricRow]) -> PathBuf {
    write(path, &columns(rows));
    path.to_owned()
}

/// Stores a sketch: every bin with its count.
pub(crate) fn encode(sketch: &Sketch, accuracy: f64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if sketch.zero != 0.0 {
        bytes.push(0x04);
        varfloat(sketch.zero, &mut bytes);
    }
    bytes.push(2);
    bytes.extend(((1.0 + accuracy) / (1.0 - accuracy)).to_le_bytes());
    bytes.extend(0.0_f64.to_le_bytes());
    for (flag, bins) in [(1 | 1 << 2, &sketch.positive), (3 | 1 << 2, &sketch.negative)] {
        store(flag, bins, &mut bytes);
    }
    bytes
}

fn store(flag: u8, bins: &Bins, bytes: &mut Vec<u8>) {
    if bins.all().is_empty() {
        return;
    }
    bytes.push(flag);
    varint(bins.all().len() as u64, bytes);
    let mut before = 0;
    for &(index, count) in bins.all() {
        let delta = index - before;
        varint(((delta << 1) ^ (delta >> 63)).cast_unsigned(), bytes);
        varfloat(count, bytes);
        before = index;
    }
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
}

fn varfloat(count: f64, bytes: &mut Vec<u8>) {
    let mut raw = (count + 1.0).to_bits().wrapping_sub(1.0_f64.to_bits()).rotate_left(6);
    for _ in 0..8 {
        let high = u8::try_from(raw >> 57).unwrap();
        raw <<= 7;
        if raw == 0 {
            bytes.push(high);
            return;
        }
        bytes.push(high | 0x80);
    }
    bytes.push(u8::try_from(raw >> 56).unwrap());
}
