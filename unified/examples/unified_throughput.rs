//! Throughput of the logs factory: 500,000 log rows of 18 columns, out of order within three hours.
//!
//! `cargo run --release -p unified --example unified_throughput [ROWS [MEMORY_LIMIT_BYTES]]`
#![expect(clippy::print_stdout, reason = "the figures are the purpose of this program")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use unified::{Columns, DEFAULT_MEMORY_LIMIT, DEFAULT_TARGET_SIZE, LogsJob};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const SEGMENT_ROWS: u64 = 20_000;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let rows: u64 = arguments.next().map_or(Ok(500_000), |text| text.parse())?;
    let memory_limit: u64 = arguments.next().map_or(Ok(DEFAULT_MEMORY_LIMIT), |text| text.parse())?;
    let place = tempfile::tempdir()?;
    let inputs = (0..rows.div_ceil(SEGMENT_ROWS))
        .map(|n| segment(place.path(), n, SEGMENT_ROWS.min(rows - n * SEGMENT_ROWS)))
        .collect::<Outcome<Vec<PathBuf>>>()?;
    let output = tempfile::tempdir()?;
    let scratch = tempfile::tempdir()?;
    let columns = Columns::default();
    let job = LogsJob {
        inputs: &inputs,
        output: output.path(),
        scratch: scratch.path(),
        target_size: DEFAULT_TARGET_SIZE,
        split_hours: false,
        memory_limit,
        threads: 1,
        sync: false,
        columns: &columns,
        cancel: None,
    };
    let start = Instant::now();
    let outcome = job.run()?;
    let seconds = start.elapsed().as_secs_f64();
    let mut sizes = Vec::new();
    for file in outcome.files {
        sizes.push(file?.file_size);
    }
    sizes.sort_unstable();
    println!("rows {rows}, seconds {seconds:.3}, rows/s {:.0}", rows as f64 / seconds);
    println!("files {}, sizes {sizes:?}", sizes.len());
    Ok(())
}

/// One segment of the job, with the skew of a small production: few services, many pods, unique ids.
fn segment(directory: &Path, number: u64, rows: u64) -> Outcome<PathBuf> {
    let mut state = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let random: Vec<u64> = (0..rows).map(|_| next()).collect();
    let text = |make: &dyn Fn(u64) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(random.iter().map(|&r| make(r))))
    };
    let times = random.iter().map(|r| 1_754_006_400_000 + (r >> 20) as i64 % 10_800_000);
    let pod = |r: u64| format!("pod-{}-{:x}", r % 12, (r >> 8) % 200);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("_cardinalhq.timestamp", Arc::new(Int64Array::from_iter_values(times))),
        ("_cardinalhq.id", text(&|r| format!("{:016x}{:016x}", r, r.rotate_left(17).wrapping_mul(31)))),
        (
            "_cardinalhq.message",
            text(&|r| {
                format!(
                    "GET /api/v1/items/{} returned {} in {} ms",
                    r % 100_000,
                    200 + r % 5,
                    (r >> 16) % 3000
                )
            }),
        ),
        ("_cardinalhq.level", text(&|r| ["info", "info", "info", "warn", "error"][(r % 5) as usize].into())),
        ("_cardinalhq.name", text(&|_| "log.events".into())),
        ("_cardinalhq.telemetry_type", text(&|_| "logs".into())),
        (
            "_cardinalhq.fingerprint",
            Arc::new(Int64Array::from_iter_values(random.iter().map(|r| (r % 997) as i64))),
        ),
        ("_cardinalhq.value", Arc::new(Int64Array::from_iter_values(random.iter().map(|_| 1)))),
        ("_cardinalhq.span_trace_id", text(&|r| format!("{:032x}", (r >> 6) % 50_000))),
        ("resource.service.name", text(&|r| format!("service-{}", r % 12))),
        ("resource.k8s.namespace.name", text(&|r| format!("namespace-{}", r % 4))),
        ("resource.k8s.pod.name", text(&pod)),
        (
            "resource.k8s.node.name",
            text(&|r| format!("ip-10-0-{}-{}.internal", (r >> 9) % 8, (r >> 12) % 20)),
        ),
        ("resource.container.image.tag", text(&|r| format!("v1.{}.{}", r % 12, (r >> 4) % 3))),
        ("resource.file", text(&|r| format!("/var/log/containers/{}.log", pod(r)))),
        ("log.user", text(&|r| format!("user-{}", (r >> 13) % 20_000))),
        ("log.region", text(&|r| ["us-east-1", "us-west-2", "eu-west-1"][(r % 3) as usize].into())),
        (
            "log.bytes",
            Arc::new(Int64Array::from_iter_values(random.iter().map(|r| (r >> 30) as i64 % 65_536))),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns)?;
    let path = directory.join(format!("{number:05}.parquet"));
    let mut writer = ArrowWriter::try_new(File::create(&path)?, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(path)
}
