//! Measures the two legacy jobs on synthetic log rows: `cargo run --release -p legacy --example legacy_throughput [ROWS]`.
//!
//! One million rows of 16 columns by default, over three hours, slightly out of order. The rows are made first; the figures are for
//! the jobs alone, reading included.

use std::path::{Path, PathBuf};
use std::time::Instant;

use legacy::{
    BuffetJob, BuffetOptions, BuffetWriter, ColumnType, Columns, FingerprintJob, Outcome, Row, Schema,
    SchemaSource, Value,
};

const START: i64 = 1_754_006_400_000;
const LEVELS: [&str; 4] = ["INFO", "DEBUG", "WARN", "ERROR"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: i64 = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let columns = Columns::default();
    let input = make_input(dir.path(), rows, &columns)?;
    let inputs = [input.clone()];
    let output = dir.path().join("output");
    std::fs::create_dir(&output)?;

    let buffet = BuffetJob {
        inputs: &inputs,
        output: &output,
        scratch: dir.path(),
        rows_per_file: 0,
        group_by: None,
        schema: SchemaSource::Input,
        dropped_columns: &[],
        columns: &columns,
        cancel: None,
    };
    report("buffet", || buffet.run())?;
    let fingerprint = FingerprintJob {
        input: &input,
        output: &output,
        scratch: dir.path(),
        rows_per_file: 0,
        ingest_dateint: 20_250_801,
        columns: &columns,
        cancel: None,
    };
    report("fingerprint", || fingerprint.run())
}

#[expect(clippy::print_stdout, reason = "an example talks to its user")]
fn report(name: &str, run: impl Fn() -> legacy::Result<Outcome>) -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let outcome = run()?;
    let seconds = start.elapsed().as_secs_f64();
    let speed = outcome.rows_read as f64 / seconds;
    let bytes: u64 = outcome.files.iter().map(|file| file.file_size).sum();
    println!("{name}: {} rows in {seconds:.1} s, {speed:.0} rows/s, {bytes} bytes", outcome.rows_read);
    Ok(())
}

fn make_input(dir: &Path, rows: i64, columns: &Columns) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let mut schema = Schema::new(SchemaSource::Input);
    for (name, value) in row(0) {
        schema.add(name, value.column_type().unwrap_or(ColumnType::String))?;
    }
    let mut writer = BuffetWriter::open(BuffetOptions {
        base_name: "input",
        output: dir,
        scratch: dir,
        schema,
        rows_per_file: 0,
        group_by: None,
        columns,
        cancel: None,
    })?;
    for number in 0..rows {
        writer.write(&row(number))?;
    }
    let files = writer.close()?;
    Ok(files.into_iter().next().ok_or("no rows asked for")?.path)
}

/// A log row of 16 columns; the numbers are mixed so that neighbours differ.
fn row(number: i64) -> Row {
    let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let pick = |count: u64, shift: u32| (mixed >> shift) % count;
    let late = pick(5_000, 7) as i64;
    let text = |value: String| Value::from(value.as_str());
    let columns = [
        ("_cardinalhq.timestamp", Value::Int64(START + number * 10 - late)),
        ("_cardinalhq.id", text(format!("{mixed:020x}"))),
        ("_cardinalhq.name", Value::from("log.events")),
        ("_cardinalhq.telemetry_type", Value::from("logs")),
        ("_cardinalhq.level", Value::from(LEVELS[pick(4, 11) as usize])),
        (
            "_cardinalhq.message",
            text(format!("request {mixed:x} took {} ms on shard {}", pick(900, 3), pick(64, 13))),
        ),
        ("_cardinalhq.fingerprint", Value::Int64(pick(300, 17) as i64)),
        ("_cardinalhq.span_trace_id", text(format!("{:032x}", u128::from(mixed >> 3) * 0x1_0001))),
        ("_cardinalhq.value", Value::Float64(1.0)),
        ("_cardinalhq.customer_id", Value::from("customer-1")),
        ("resource.service.name", text(format!("service-{}", pick(40, 19)))),
        ("resource.k8s.namespace.name", text(format!("namespace-{}", pick(12, 23)))),
        ("resource.k8s.pod.name", text(format!("pod-{}", pick(500, 29)))),
        ("resource.file", text(format!("/var/log/pods/{}.log", pick(500, 29)))),
        ("log.duration", Value::Float64(pick(100_000, 31) as f64 / 100.0)),
        ("log.status", Value::Int64(200 + pick(5, 37) as i64 * 100)),
    ];
    columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
