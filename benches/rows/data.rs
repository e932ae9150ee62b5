//! Generated outputs: log rows of 18 columns, metric rows of 25 columns, and rows of three columns that all differ.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::Failure;

/// Rows that are made and written at a time.
const CHUNK: u64 = 65_536;

/// Files of the candidate.
const FILES: u64 = 40;

/// What the rows look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Log rows.
    Logs,
    /// Metric rows with sketches.
    Metrics,
}

impl Shape {
    /// By its name on the command line.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "logs" => Some(Self::Logs),
            "metrics" => Some(Self::Metrics),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }

    fn rows(self, from: u64, to: u64) -> RecordBatch {
        let columns = match self {
            Self::Logs => logs(from, to),
            Self::Metrics => metrics(from, to),
        };
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
            .unwrap_or_else(|error| unreachable!("columns of one length: {error}"))
    }
}

/// Looks like chance and is the same each time.
fn chance(row: u64, salt: u64) -> u64 {
    let mut value = row.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ salt.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    for _ in 0..2 {
        value = (value ^ (value >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    }
    value ^ (value >> 29)
}

fn texts(from: u64, to: u64, make: impl Fn(u64) -> Option<String>) -> ArrayRef {
    Arc::new((from..to).map(make).collect::<StringArray>())
}

fn some(from: u64, to: u64, make: impl Fn(u64) -> String) -> ArrayRef {
    texts(from, to, |row| Some(make(row)))
}

fn ints(from: u64, to: u64, make: impl Fn(u64) -> Option<i64>) -> ArrayRef {
    Arc::new((from..to).map(make).collect::<Int64Array>())
}

#[expect(clippy::cast_precision_loss, reason = "any number will do")]
fn floats(from: u64, to: u64, make: impl Fn(u64) -> Option<u64>) -> ArrayRef {
    Arc::new((from..to).map(|row| make(row).map(|it| it as f64 / 1e4)).collect::<Float64Array>())
}

#[expect(clippy::cast_possible_wrap, reason = "small numbers, or any bits will do")]
fn logs(from: u64, to: u64) -> Vec<(&'static str, ArrayRef)> {
    let level = ["INFO", "INFO", "INFO", "INFO", "INFO", "INFO", "DEBUG", "DEBUG", "WARN", "ERROR"];
    let verb = ["received", "forwarded", "rejected", "retried", "completed"];
    let of = |salt: u64, count: u64| move |row: u64| chance(row, salt) % count;
    vec![
        ("_cardinalhq.timestamp", ints(from, to, |row| Some(1_700_000_000_000 + (row / 3) as i64))),
        ("_cardinalhq.id", some(from, to, |row| format!("{:016x}{row:08x}", chance(row, 1)))),
        (
            "_cardinalhq.message",
            some(from, to, |row| {
                let which = of(2, 5)(row) as usize;
                format!(
                    "request {} {} from 10.{}.{}.{} in {} ms, {} bytes",
                    of(3, 1 << 30)(row),
                    verb[which],
                    of(4, 256)(row),
                    of(5, 256)(row),
                    of(6, 256)(row),
                    of(7, 5_000)(row),
                    of(8, 1 << 20)(row)
                )
            }),
        ),
        ("_cardinalhq.level", some(from, to, |row| level[of(9, 10)(row) as usize].to_owned())),
        ("_cardinalhq.fingerprint", ints(from, to, |row| Some(chance(of(2, 500)(row), 77) as i64))),
        ("_cardinalhq.name", some(from, to, |_| "log.events".to_owned())),
        ("_cardinalhq.telemetry_type", some(from, to, |_| "logs".to_owned())),
        ("_cardinalhq.value", floats(from, to, |_| Some(10_000))),
        ("_cardinalhq.customer_id", some(from, to, |_| "f0a1c2d3-0000-4000-8000-000000000001".to_owned())),
        ("resource.service.name", some(from, to, |row| format!("service-{}", of(10, 40)(row)))),
        ("resource.k8s.namespace.name", some(from, to, |row| format!("namespace-{}", of(11, 12)(row)))),
        (
            "resource.k8s.pod.name",
            some(from, to, |row| format!("pod-{}-{:x}", of(10, 40)(row), of(12, 12)(row))),
        ),
        ("resource.host.name", some(from, to, |row| format!("ip-10-0-0-{}", of(13, 60)(row)))),
        ("resource.file", some(from, to, |row| format!("service-{}.log", of(10, 40)(row)))),
        (
            "log.http.status_code",
            ints(from, to, |row| (of(14, 3)(row) > 0).then(|| 200 + 100 * of(15, 4)(row) as i64)),
        ),
        ("log.duration_ms", floats(from, to, |row| (of(16, 2)(row) > 0).then(|| chance(row, 17) >> 30))),
        ("log.user_id", some(from, to, |row| format!("user-{:05}", of(18, 50_000)(row)))),
        (
            "log.trace_id",
            texts(from, to, |row| {
                (of(19, 10)(row) > 2)
                    .then(|| format!("{:016x}{:016x}", chance(row / 20, 20), chance(row / 20, 21)))
            }),
        ),
    ]
}

#[expect(clippy::cast_possible_wrap, reason = "small numbers, or any bits will do")]
fn metrics(from: u64, to: u64) -> Vec<(&'static str, ArrayRef)> {
    let series = |row: u64| row / 100;
    let of = |salt: u64, count: u64| move |row: u64| chance(series(row), salt) % count;
    let label = |salt: u64, count: u64, stem: &'static str| {
        some(from, to, move |row| format!("{stem}-{}", of(salt, count)(row)))
    };
    let sketches = (from..to).map(|row| {
        let words = 8 + chance(row, 30) % 16;
        (0..words).flat_map(|word| chance(row, 31 + word % 5).to_le_bytes()).collect::<Vec<u8>>()
    });
    let mut columns: Vec<(&'static str, ArrayRef)> = vec![
        (
            "_cardinalhq.tid",
            ints(from, to, |row| Some((chance(0, 40) >> 20) as i64 + series(row) as i64 * 977)),
        ),
        (
            "_cardinalhq.timestamp",
            ints(from, to, |row| Some(1_700_000_000_000 + (row % 100) as i64 * 10_000)),
        ),
        ("_cardinalhq.name", label(41, 200, "metric.name")),
        ("_cardinalhq.metric_type", label(42, 3, "kind")),
        ("_cardinalhq.telemetry_type", some(from, to, |_| "metrics".to_owned())),
        ("_cardinalhq.customer_id", some(from, to, |_| "f0a1c2d3-0000-4000-8000-000000000001".to_owned())),
        ("sketch", Arc::new(sketches.map(Some).collect::<BinaryArray>())),
    ];
    let rollups = [
        "rollup_avg",
        "rollup_count",
        "rollup_max",
        "rollup_min",
        "rollup_p25",
        "rollup_p50",
        "rollup_p75",
        "rollup_p90",
        "rollup_p95",
        "rollup_p99",
        "rollup_sum",
    ];
    for (salt, name) in (50..).zip(rollups) {
        columns.push((name, floats(from, to, move |row| Some(chance(row, salt) >> 24))));
    }
    columns.extend([
        ("metric.host", label(61, 60, "ip-10-0-0")),
        ("metric.pod", label(62, 500, "pod")),
        ("metric.state", label(63, 6, "state")),
        ("resource.cluster", label(64, 4, "cluster")),
        ("resource.namespace", label(65, 20, "namespace")),
        ("resource.service.name", label(66, 40, "service")),
        ("resource.zone", label(67, 3, "zone")),
    ]);
    columns
}

/// A batch with one cell of row `row` changed, in a column that depends on `number`.
fn planted(batch: &RecordBatch, row: usize, number: usize) -> Result<RecordBatch, Failure> {
    let schema = batch.schema();
    let mut columns = batch.columns().to_vec();
    // Keys stay, so that the rows find each other.
    let at = 2 + number * 3 % (columns.len() - 2);
    let other = (row + 1..batch.num_rows()).find(|&other| {
        let formatted = |row| arrow::util::display::array_value_to_string(&columns[at], row).ok();
        formatted(row) != formatted(other)
    });
    let Some(other) = other else { return planted(batch, row, number + 1) };
    let mut order: Vec<u64> = (0..batch.num_rows() as u64).collect();
    order[row] = other as u64;
    columns[at] = arrow::compute::take(&columns[at], &UInt64Array::from(order), None)?;
    Ok(RecordBatch::try_new(schema, columns)?)
}

fn writer(path: &Path, batch: &RecordBatch) -> Result<ArrowWriter<File>, Failure> {
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    Ok(ArrowWriter::try_new(File::create(path)?, batch.schema(), Some(properties.build()))?)
}

/// One file in `home/one`, the same rows in forty in `home/forty`, and those with ten cells changed in `home/planted`.
pub fn write(shape: Shape, rows: u64, home: &Path) -> Result<(), Failure> {
    let folder = |name: &str| home.join(name);
    for name in ["one", "forty", "planted"] {
        std::fs::create_dir_all(folder(name))?;
    }
    let mut one: Option<ArrowWriter<File>> = None;
    for from in (0..rows).step_by(CHUNK as usize) {
        let batch = shape.rows(from, (from + CHUNK).min(rows));
        if one.is_none() {
            one = Some(writer(&folder("one").join("all.parquet"), &batch)?);
        }
        one.as_mut().map_or(Ok(()), |one| one.write(&batch))?;
    }
    one.map(ArrowWriter::close).transpose()?;
    for number in 0..FILES {
        let (from, to) = (rows * number / FILES, rows * (number + 1) / FILES);
        let name = format!("part-{number:02}.parquet");
        // Every fourth file holds a planted difference; the others are the same file under another name.
        let differs = number % 4 == 1;
        let mut files = vec![folder("forty").join(&name)];
        files.extend(differs.then(|| folder("planted").join(&name)));
        for (which, path) in files.iter().enumerate() {
            let mut out: Option<ArrowWriter<File>> = None;
            for from in (from..to).step_by(CHUNK as usize) {
                let mut batch = shape.rows(from, (from + CHUNK).min(to));
                if which == 1 && out.is_none() {
                    batch = planted(&batch, (number as usize * 131) % batch.num_rows(), number as usize / 4)?;
                }
                if out.is_none() {
                    out = Some(writer(path, &batch)?);
                }
                out.as_mut().map_or(Ok(()), |out| out.write(&batch))?;
            }
            out.map(ArrowWriter::close).transpose()?;
        }
        if !differs {
            std::fs::hard_link(&files[0], folder("planted").join(&name))?;
        }
    }
    Ok(())
}

/// `home/one` and `home/other`: rows of three columns, equal in their key and different in one other.
pub fn differing(rows: u64, home: &Path) -> Result<(), Failure> {
    for (name, word) in [("one", "body"), ("other", "body of")] {
        std::fs::create_dir_all(home.join(name))?;
        let mut out: Option<ArrowWriter<File>> = None;
        for from in (0..rows).step_by(CHUNK as usize) {
            let to = (from + CHUNK).min(rows);
            #[expect(clippy::cast_possible_wrap, reason = "a number of rows")]
            let ids = ints(from, to, |row| Some(row as i64));
            let batch = RecordBatch::try_from_iter([
                ("id", ids),
                ("service", Arc::new((from..to).map(|row| Some((row % 7) as i32)).collect::<Int32Array>())),
                ("body", some(from, to, |row| format!("{word} {row}"))),
            ])?;
            if out.is_none() {
                out = Some(writer(&home.join(name).join("all.parquet"), &batch)?);
            }
            out.as_mut().map_or(Ok(()), |out| out.write(&batch))?;
        }
        out.map(ArrowWriter::close).transpose()?;
    }
    Ok(())
}
