//! What ROWS costs beside merely decoding both sides, and how much memory it needs.
//!
//! ```sh
//! cargo bench --bench rows                                # 2 x 2,000,000 log rows, 2 x 1,000,000 metric rows
//! cargo bench --bench rows -- --rows 20000000 --runs 1    # so many rows of both
//! cargo bench --bench rows -- --shape logs --runs 3       # one of them
//! cargo bench --bench rows -- --differing 1000000         # outputs in which every row differs
//! cargo bench --bench rows -- --write data --rows 100000  # the outputs alone, for other tools
//! ```
//!
//! One file is compared with forty that hold the same rows, once equal and once with ten cells changed in ten rows. Nothing of
//! the two sides is byte-identical. Each measurement is a process of its own, which says how long the work itself took, by the
//! clock and in processor time, and what its peak of resident memory was (Linux: `/proc/self`). The works are measured in turn;
//! the first round is a warm-up. On a machine with other work the processor time is the steadier figure.
//! *decode* is the parquet crate's Arrow reader with its default schema, in batches of 8,192 rows, over all row groups of both
//! sides in parallel. Figures are medians. Results are checked: equal data must be found equal, ten changes found with their
//! columns.

mod data;
mod work;

use std::path::Path;
use std::process::Command;

use data::Shape;
use work::Work;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Seconds of work, by the clock and of processors, and bytes of peak memory.
#[derive(Debug, Clone, Copy)]
struct Measured {
    seconds: f64,
    processor: f64,
    bytes: f64,
}

fn main() -> Result<(), Failure> {
    if let Some(work) = text("--child") {
        let work = Work::named(&work).ok_or("no such work")?;
        let folder = text("--folder").ok_or("no folder")?;
        let threads = number("--threads")?.unwrap_or(1);
        let took = work.perform(Path::new(&folder), threads)?;
        say(&format!("{} {} {}", took.clock.as_secs_f64(), took.processor, peak()?));
        return Ok(());
    }
    if let Some(folder) = text("--write") {
        let rows = number("--rows")?.unwrap_or(2_000_000);
        for shape in [Shape::Logs, Shape::Metrics] {
            data::write(shape, rows, &Path::new(&folder).join(shape.name()))?;
        }
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
    let ratios = |one: Measured, other: Measured| {
        let of = |part: fn(&Measured) -> f64| part(&one) / part(&other);
        format!("{:.2} (processor time {:.2})", of(|it| it.seconds), of(|it| it.processor))
    };
    say(&format!("  {threads} thread(s), equal / decode {}", ratios(medians[1], medians[0])));
    say(&format!("  {threads} thread(s), planted / equal {}", ratios(medians[2], medians[1])));
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
    let Measured { seconds, processor, bytes } = measured;
    format!("{seconds:.3} s, {processor:.2} s of processors, {:.0} MiB at the peak", bytes / 1_048_576.0)
}

fn median(measured: &[Measured]) -> Measured {
    let of = |part: fn(&Measured) -> f64| {
        let mut values: Vec<f64> = measured.iter().map(part).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Measured { seconds: of(|it| it.seconds), processor: of(|it| it.processor), bytes: of(|it| it.bytes) }
}

/// Performs one work in a process of its own.
fn measure(work: Work, folder: &Path, threads: u64) -> Result<Measured, Failure> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--child", work.name(), "--threads", &threads.to_string(), "--folder"])
        .arg(folder)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    let said = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    match numbers[..] {
        [seconds, processor, bytes] if output.status.success() => Ok(Measured { seconds, processor, bytes }),
        _ => Err(format!("{} failed", work.name()).into()),
    }
}

/// The peak of this process's resident memory, in bytes. What the parent held before it started this one does not count.
fn peak() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak of memory")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1_024)
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
