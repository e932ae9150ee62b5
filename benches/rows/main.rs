//! What ROWS costs beside merely decoding both sides, and how much memory it needs.
//!
//! ```sh
//! cargo bench --bench rows                                # 2 x 2,000,000 log rows, 2 x 1,000,000 metric rows
//! cargo bench --bench rows -- --rows 20000000 --runs 1    # so many rows of both
//! cargo bench --bench rows -- --shape logs --runs 3       # one of them
//! cargo bench --bench rows -- --differing 1000000         # outputs in which every row differs
//! ```
//!
//! One file is compared with forty that hold the same rows, once equal and once with ten cells changed in ten rows. Nothing of
//! the two sides is byte-identical. Each measurement is a process of its own, which says how long the work itself took; its
//! peak of resident memory comes from the operating system. The works are measured in turn; the first round is a warm-up.
//! *decode* is the parquet crate's Arrow reader with its default schema, in batches of 8,192 rows, over all row groups of both
//! sides in parallel. Figures are medians. Results are checked: equal data must be found equal, ten changes found with their
//! columns.

mod data;
mod work;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use data::Shape;
use wait4::Wait4;
use work::Work;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Seconds of work and bytes of peak memory of one measurement.
#[derive(Debug, Clone, Copy)]
struct Measured {
    seconds: f64,
    bytes: u64,
}

fn main() -> Result<(), Failure> {
    if let Some(work) = text("--child") {
        let work = Work::named(&work).ok_or("no such work")?;
        let folder = text("--folder").ok_or("no folder")?;
        let took = work.perform(Path::new(&folder), number("--threads")?.unwrap_or(1))?;
        say(&took.as_secs_f64().to_string());
        return Ok(());
    }
    let parent = text("--tmp").map_or_else(std::env::temp_dir, Into::into);
    let home = tempfile::tempdir_in(parent)?;
    let runs = number("--runs")?.unwrap_or(5);
    if let Some(rows) = number("--differing")? {
        data::differing(rows, home.path())?;
        let measured = median(&repeat(runs, || measure(Work::Differing, home.path(), 2))?);
        say(&format!("{rows} differing rows, 2 threads: {}", words(measured)));
        return Ok(());
    }
    let asked =
        text("--shape").map(|name| Shape::named(&name).ok_or("--shape is logs or metrics")).transpose()?;
    for (shape, rows) in [(Shape::Logs, 2_000_000), (Shape::Metrics, 1_000_000)] {
        if asked.is_some_and(|asked| asked != shape) {
            continue;
        }
        let rows = number("--rows")?.unwrap_or(rows);
        let folder = home.path().join(shape.name());
        data::write(shape, rows, &folder)?;
        say(&format!("{}: 2 x {rows} rows, {runs} runs of each after a warm-up", shape.name()));
        for threads in [1, 2] {
            compare(&folder, threads, runs)?;
        }
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

fn compare(folder: &Path, threads: u64, runs: u64) -> Result<(), Failure> {
    let works = [Work::Decode, Work::Equal, Work::Planted];
    let mut measured = vec![Vec::new(); works.len()];
    for run in 0..=runs {
        for (work, measured) in works.iter().zip(&mut measured) {
            let one = measure(*work, folder, threads)?;
            if run > 0 {
                measured.push(one);
            }
        }
    }
    let medians: Vec<Measured> = measured.iter().map(|it| median(it)).collect();
    for (work, it) in works.iter().zip(&medians) {
        say(&format!("  {threads} thread(s), {:<8} {}", work.name(), words(*it)));
    }
    say(&format!(
        "  {threads} thread(s), equal / decode {:.2}, planted / equal {:.2}",
        medians[1].seconds / medians[0].seconds,
        medians[2].seconds / medians[1].seconds
    ));
    Ok(())
}

fn repeat(
    runs: u64,
    mut measure: impl FnMut() -> Result<Measured, Failure>,
) -> Result<Vec<Measured>, Failure> {
    measure()?;
    (0..runs).map(|_| measure()).collect()
}

fn words(measured: Measured) -> String {
    format!("{:.3} s, {:.0} MiB at the peak", measured.seconds, measured.bytes as f64 / 1_048_576.0)
}

fn median(measured: &[Measured]) -> Measured {
    let mut seconds: Vec<f64> = measured.iter().map(|it| it.seconds).collect();
    let mut bytes: Vec<u64> = measured.iter().map(|it| it.bytes).collect();
    seconds.sort_by(f64::total_cmp);
    bytes.sort_unstable();
    Measured { seconds: seconds[seconds.len() / 2], bytes: bytes[bytes.len() / 2] }
}

/// Performs one work in a process of its own.
fn measure(work: Work, folder: &Path, threads: u64) -> Result<Measured, Failure> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--child", work.name(), "--threads", &threads.to_string(), "--folder"])
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = String::new();
    if let Some(out) = child.stdout.as_mut() {
        std::io::Read::read_to_string(out, &mut said)?;
    }
    let ended = child.wait4()?;
    if !ended.status.success() {
        return Err(format!("{} failed: {said}", work.name()).into());
    }
    let seconds = Duration::from_secs_f64(said.trim().parse()?).as_secs_f64();
    Ok(Measured { seconds, bytes: ended.rusage.maxrss })
}

/// The text behind `name` on the command line.
fn text(name: &str) -> Option<String> {
    let arguments: Vec<String> = std::env::args().collect();
    let found = arguments.iter().position(|argument| argument == name);
    found.and_then(|at| arguments.get(at + 1)).cloned()
}

/// The number behind `name` on the command line.
fn number(name: &str) -> Result<Option<u64>, Failure> {
    Ok(text(name).map(|value| value.parse()).transpose()?)
}

#[expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
fn say(line: &str) {
    println!("{line}");
}
