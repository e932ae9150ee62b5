//! The data that the unified writer is measured with: log rows of 18 columns, out of order within three hours, spans of as
//! many, and metric rows of 25 columns with sketches, sorted by TID within each segment. The same numbers give the same bytes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::Failure;

/// Rows of a segment.
const SEGMENT_ROWS: u64 = 50_000;

/// Start of the data, in milliseconds since the epoch.
pub const START: i64 = 1_754_006_400_000;

/// Three hours in milliseconds.
const SPAN: u64 = 10_800_000;

/// Distance of two points of one timeseries, in milliseconds.
pub const INTERVAL: i64 = 10_000;

/// Points of one timeseries.
const POINTS: u64 = 40;

/// Base of the sketches' bins, for a relative accuracy of 0.01.
const GAMMA: f64 = 1.01 / 0.99;

/// A generator of numbers that look random.
struct Noise(u64);

impl Noise {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The low bits of a xorshift alone are poor.
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Writes the log segments and yields their paths.
pub fn logs(directory: &Path, rows: u64) -> Result<Vec<PathBuf>, Failure> {
    segments(directory, rows, log_rows)
}

/// Writes the segments of one slot's spans and yields their paths.
pub fn traces(directory: &Path, rows: u64) -> Result<Vec<PathBuf>, Failure> {
    segments(directory, rows, span_rows)
}

/// Writes the metric segments, each sorted by TID, and yields their paths.
pub fn metrics(directory: &Path, rows: u64) -> Result<Vec<PathBuf>, Failure> {
    // Each segment holds some points of every timeseries, as if each were a stretch of time.
    segments(directory, rows, metric_rows)
}

fn segments(
    directory: &Path,
    rows: u64,
    make: fn(u64, u64, u64) -> Result<RecordBatch, Failure>,
) -> Result<Vec<PathBuf>, Failure> {
    std::fs::create_dir_all(directory)?;
    let count = rows.div_ceil(SEGMENT_ROWS);
    let mut paths = Vec::new();
    for number in 0..count {
        let batch = make(number, count, SEGMENT_ROWS.min(rows - number * SEGMENT_ROWS))?;
        let path = directory.join(format!("{number:05}.parquet"));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_max_row_group_row_count(Some(SEGMENT_ROWS as usize))
            .build();
        let mut writer = ArrowWriter::try_new(File::create(&path)?, batch.schema(), Some(properties))?;
        writer.write(&batch)?;
        writer.close()?;
        paths.push(path);
    }
    Ok(paths)
}

fn text(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn ints(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

/// One log row's numbers, from which all columns are taken.
struct Log {
    time: i64,
    pod: u64,
    id: (u64, u64),
    trace: u64,
    kind: u64,
    number: u64,
    user: u64,
}

/// Few services, some thousand pods of skewed weight, unique ids, one trace for some rows.
fn log_rows(segment: u64, _segments: u64, rows: u64) -> Result<RecordBatch, Failure> {
    let mut noise = Noise::new(segment);
    let rows: Vec<Log> = (0..rows)
        .map(|_| {
            let skewed = noise.below(2000).min(noise.below(2000));
            Log {
                time: START + noise.below(SPAN) as i64,
                pod: skewed,
                id: (noise.next(), noise.next()),
                trace: noise.below(400_000).wrapping_mul(0x9e37_79b9_7f4a_7c15),
                kind: noise.below(100),
                number: noise.next(),
                user: noise.below(20_000),
            }
        })
        .collect();
    let each = |make: &dyn Fn(&Log) -> String| text(rows.iter().map(make));
    let number = |make: &dyn Fn(&Log) -> i64| ints(rows.iter().map(make));
    let levels = |row: &Log| match row.kind {
        0..80 => "info",
        80..95 => "warn",
        _ => "error",
    };
    let pod = |row: &Log| format!("service-{}-{:05x}", row.pod % 12, row.pod.wrapping_mul(7919));
    let message = |row: &Log| match row.kind {
        0..50 => format!(
            "GET /api/v1/items/{} returned {} in {} ms",
            row.number % 100_000,
            200 + row.number % 5,
            (row.number >> 20) % 3000
        ),
        50..80 => {
            format!("cache refreshed: {} entries, {} evicted", row.number % 9000, (row.number >> 16) % 70)
        }
        80..95 => format!(
            "retrying request {:08x} to upstream service-{} after {} ms: connection reset by peer",
            row.number as u32,
            row.pod % 12,
            (row.number >> 33) % 5000
        ),
        _ => format!(
            "unhandled error in worker {}: java.lang.IllegalStateException: order {} has no owner\n\
             \tat com.example.orders.OrderService.load(OrderService.java:{})\n\
             \tat com.example.orders.Worker.run(Worker.java:{})",
            row.number % 64,
            row.number % 1_000_000,
            (row.number >> 12) % 400,
            (row.number >> 24) % 200
        ),
    };
    Ok(RecordBatch::try_from_iter([
        ("_cardinalhq.timestamp", number(&|row| row.time)),
        ("_cardinalhq.id", each(&|row| format!("{:016x}{:016x}", row.id.0 << 8, row.id.1 << 8 | row.kind))),
        ("_cardinalhq.message", each(&message)),
        ("_cardinalhq.level", each(&|row| levels(row).to_owned())),
        ("_cardinalhq.name", each(&|_| "log.events".to_owned())),
        ("_cardinalhq.telemetry_type", each(&|_| "logs".to_owned())),
        ("_cardinalhq.fingerprint", number(&|row| (row.kind as i64 * 31 + row.pod as i64 % 12) * 7_919_191)),
        ("_cardinalhq.value", number(&|_| 1)),
        ("_cardinalhq.span_trace_id", each(&|row| format!("{:016x}{:016x}", row.trace, row.trace ^ 0x5555))),
        ("resource.service.name", each(&|row| format!("service-{}", row.pod % 12))),
        ("resource.k8s.namespace.name", each(&|row| format!("namespace-{}", row.pod % 4))),
        ("resource.k8s.pod.name", each(&pod)),
        ("resource.k8s.node.name", each(&|row| format!("ip-10-0-{}-{}.internal", row.pod % 8, row.pod % 25))),
        ("resource.container.image.tag", each(&|row| format!("v1.{}.{}", row.pod % 12, row.pod % 3))),
        ("resource.file", each(&|row| format!("/var/log/containers/{}.log", pod(row)))),
        ("log.user", each(&|row| format!("user-{}", row.user))),
        ("log.region", each(&|row| ["us-east-1", "us-west-2", "eu-west-1"][row.pod as usize % 3].to_owned())),
        ("log.bytes", number(&|row| (row.number >> 30) as i64 % 65_536)),
    ])?)
}

/// Spans that began when log rows were written, by the same services.
fn span_rows(segment: u64, segments: u64, rows: u64) -> Result<RecordBatch, Failure> {
    let logs = log_rows(segment, segments, rows)?;
    let column = |name: &str| logs.column_by_name(name).cloned().ok_or(format!("no column {name}"));
    let times = column("_cardinalhq.timestamp")?;
    let bytes = column("log.bytes")?;
    let starts =
        times.as_primitive::<Int64Type>().values().iter().zip(bytes.as_primitive::<Int64Type>().values());
    let starts = ints(starts.map(|(time, part)| time * 1_000_000 + part));
    let mut columns = vec![
        ("_cardinalhq.start_time_unix_ns".to_owned(), starts),
        ("_cardinalhq.trace_id".to_owned(), column("_cardinalhq.span_trace_id")?),
    ];
    let schema = logs.schema();
    for (field, array) in schema.fields().iter().zip(logs.columns()) {
        match field.name().as_str() {
            "_cardinalhq.message" | "_cardinalhq.level" => {}
            "_cardinalhq.id" => columns.push(("_cardinalhq.span_id".to_owned(), array.clone())),
            "log.bytes" => columns.push(("span.duration".to_owned(), array.clone())),
            name => columns.push((name.to_owned(), array.clone())),
        }
    }
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// One data point.
struct Point {
    tid: i64,
    series: u64,
    time: i64,
    values: Vec<f64>,
}

impl Point {
    fn sum(&self) -> f64 {
        self.values.iter().sum()
    }

    fn quantile(&self, part: f64) -> f64 {
        self.values[((self.values.len() - 1) as f64 * part) as usize]
    }

    /// The sketch of the values: the mapping, then bins as index deltas and counts.
    fn sketch(&self) -> Vec<u8> {
        let mut bins: Vec<(i64, f64)> = Vec::new();
        for value in &self.values {
            let bin = (value.ln() / GAMMA.ln()).floor() as i64;
            match bins.last_mut() {
                Some((last, count)) if *last == bin => *count += 1.0,
                _ => bins.push((bin, 1.0)),
            }
        }
        let mut bytes = vec![0x02];
        bytes.extend(GAMMA.to_le_bytes());
        bytes.extend(0f64.to_le_bytes());
        bytes.push(0x05);
        varint(bins.len() as u64, &mut bytes);
        let mut before = 0;
        for (bin, count) in bins {
            let delta = bin - before;
            before = bin;
            varint(((delta << 1) ^ (delta >> 63)) as u64, &mut bytes);
            varfloat(count, &mut bytes);
        }
        bytes
    }
}

fn varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn varfloat(count: f64, bytes: &mut Vec<u8>) {
    let mut bits = ((count + 1.0).to_bits().wrapping_sub(1f64.to_bits())).rotate_left(6);
    for _ in 0..8 {
        let byte = (bits >> 57) as u8;
        bits <<= 7;
        if bits == 0 {
            bytes.push(byte);
            return;
        }
        bytes.push(byte | 0x80);
    }
    bytes.push((bits >> 56) as u8);
}

/// A segment is a stretch of time: some points of each timeseries, by TID.
fn metric_rows(segment: u64, segments: u64, rows: u64) -> Result<RecordBatch, Failure> {
    let mut noise = Noise::new(segment ^ 0xa5a5);
    let here = (POINTS / segments).max(1);
    let mut points: Vec<Point> = (0..rows)
        .map(|row| {
            let series = row / here;
            let step = segment * here + row % here;
            let typical = 1.0 + (series % 997) as f64;
            let mut values: Vec<f64> = (0..1 + noise.below(40))
                .map(|_| typical * (0.5 + noise.below(1_000_000) as f64 / 1_000_000.0))
                .collect();
            values.sort_by(f64::total_cmp);
            Point {
                tid: (series.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678) as i64,
                series,
                time: START + step as i64 * INTERVAL + noise.below(2000) as i64,
                values,
            }
        })
        .collect();
    points.sort_by_key(|point| (point.tid, point.time));
    let each = |make: &dyn Fn(&Point) -> String| text(points.iter().map(make));
    let float = |make: &dyn Fn(&Point) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(points.iter().map(make)))
    };
    let sketches = points.iter().map(Point::sketch).collect::<Vec<_>>();
    let sketches: ArrayRef = Arc::new(BinaryArray::from_iter_values(sketches));
    let service = |point: &Point| point.series / 200 % 25;
    Ok(RecordBatch::try_from_iter([
        ("_cardinalhq.tid", ints(points.iter().map(|point| point.tid))),
        ("_cardinalhq.timestamp", ints(points.iter().map(|point| point.time))),
        ("_cardinalhq.name", each(&|point| format!("http.server.metric_{}", point.series % 80))),
        ("_cardinalhq.metric_type", each(&|_| "histogram".to_owned())),
        ("sketch", sketches),
        ("rollup_count", float(&|point| point.values.len() as f64)),
        ("rollup_sum", float(&Point::sum)),
        ("rollup_avg", float(&|point| point.sum() / point.values.len() as f64)),
        ("rollup_min", float(&|point| point.quantile(0.0))),
        ("rollup_max", float(&|point| point.quantile(1.0))),
        ("rollup_p25", float(&|point| point.quantile(0.25))),
        ("rollup_p50", float(&|point| point.quantile(0.5))),
        ("rollup_p75", float(&|point| point.quantile(0.75))),
        ("rollup_p90", float(&|point| point.quantile(0.9))),
        ("rollup_p95", float(&|point| point.quantile(0.95))),
        ("rollup_p99", float(&|point| point.quantile(0.99))),
        ("resource.service.name", each(&|point| format!("service-{}", service(point)))),
        ("resource.k8s.namespace.name", each(&|point| format!("namespace-{}", service(point) % 6))),
        (
            "resource.k8s.pod.name",
            each(&|point| format!("service-{}-{:05x}", service(point), point.series / 40)),
        ),
        ("resource.k8s.node.name", each(&|point| format!("ip-10-0-{}-7.internal", point.series / 120 % 40))),
        ("resource.host.name", each(&|point| format!("host-{}", point.series / 120 % 40))),
        ("metric.http.method", each(&|point| ["GET", "POST", "PUT"][point.series as usize % 3].to_owned())),
        ("metric.http.route", each(&|point| format!("/api/v1/route/{}", point.series % 150))),
        ("metric.http.status_code", each(&|point| format!("{}", 200 + point.series % 7 * 50))),
        ("metric.region", each(&|point| ["us-east-1", "eu-west-1"][point.series as usize % 2].to_owned())),
    ])?)
}
