//! How fast both mergers are: rows of the inputs by wall time of the whole job, reading and writing included.
//!
//! ```sh
//! cargo bench --bench tid_merge                       # 500,000 rows in five inputs, five runs of each
//! cargo bench --bench tid_merge -- --rows 100000 --runs 3
//! ```
//!
//! Both run in turn (A B B A ...), in one process and one profile, on the same generated segments; the first run of each is a
//! warm-up. Printed are minimum, median and maximum in rows a second, and the ratio of the medians. The original merger did
//! 17,600 rows a second on two cores (`legacy` must not be slower, `unified` at least ten times as fast).

use std::path::{Path, PathBuf};
use std::time::Instant;

use corpora::{Catalog, Generate};

/// Rows a second of the original merger, whole process, on two cores.
const ORIGINAL: f64 = 17_600.0;

/// The corpus behind the figures.
const CORPUS: &str = "metrics-production";

type Failure = Box<dyn std::error::Error>;

struct Work {
    inputs: Vec<PathBuf>,
    rows: u64,
    interval: i64,
    start: i64,
    end: i64,
    row_estimate: i64,
}

fn main() -> Result<(), Failure> {
    let (rows, runs) = (option("--rows")?.unwrap_or(500_000), option("--runs")?.unwrap_or(5));
    let folder = tempfile::tempdir()?;
    let catalog = Catalog::builtin()?;
    let spec = catalog.get(CORPUS)?;
    let generated =
        spec.generate(&folder.path().join("input"), Generate { rows: Some(rows), ..Generate::default() })?;
    let parameter = |name: &str, value: Option<i64>| value.ok_or(format!("corpus {CORPUS} has no {name}"));
    let work = Work {
        rows: generated.rows,
        interval: parameter("interval", spec.parameters.interval)?,
        start: parameter("start", spec.parameters.start)?,
        end: parameter("end", spec.parameters.end)?,
        row_estimate: 40_000,
        inputs: generated.inputs,
    };
    say(&format!(
        "{} rows in {} inputs, corpus {CORPUS}, interval {} ms, {runs} runs of each after a warm-up",
        work.rows,
        work.inputs.len(),
        work.interval
    ));
    let (mut legacy, mut unified) = (Vec::new(), Vec::new());
    for run in 0..=runs {
        // In turn, so that a machine that slows down slows both.
        if run % 2 == 0 {
            legacy.push(timed(&work, folder.path(), legacy_merge)?);
            unified.push(timed(&work, folder.path(), unified_merge)?);
        } else {
            unified.push(timed(&work, folder.path(), unified_merge)?);
            legacy.push(timed(&work, folder.path(), legacy_merge)?);
        }
    }
    let (legacy, unified) = (shown("legacy", &legacy[1..]), shown("unified", &unified[1..]));
    say(&format!("unified / legacy: {:.1}", unified / legacy));
    Ok(())
}

/// The value behind `name` on the command line.
fn option(name: &str) -> Result<Option<u64>, Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let found = arguments.iter().position(|argument| argument == name);
    Ok(found.and_then(|at| arguments.get(at + 1)).map(|value| value.parse()).transpose()?)
}

/// Rows a second of one job in directories of its own.
fn timed(
    work: &Work,
    folder: &Path,
    merge: fn(&Work, &Path, &Path) -> Result<u64, Failure>,
) -> Result<f64, Failure> {
    let (output, scratch) = (tempfile::tempdir_in(folder)?, tempfile::tempdir_in(folder)?);
    let started = Instant::now();
    let read = merge(work, output.path(), scratch.path())?;
    let seconds = started.elapsed().as_secs_f64();
    if read != work.rows {
        return Err(format!("{read} of {} rows were read", work.rows).into());
    }
    Ok(read as f64 / seconds)
}

fn legacy_merge(work: &Work, output: &Path, scratch: &Path) -> Result<u64, Failure> {
    let job = legacy::TidMergeJob {
        inputs: &work.inputs,
        output,
        scratch,
        interval: work.interval,
        row_estimate: work.row_estimate,
        start: work.start,
        end: work.end,
        columns: &legacy::Columns::default(),
        cancel: None,
    };
    Ok(job.run()?.rows_read)
}

fn unified_merge(work: &Work, output: &Path, scratch: &Path) -> Result<u64, Failure> {
    let job = unified::TidMergeJob {
        inputs: &work.inputs,
        output,
        scratch,
        interval: work.interval,
        row_estimate: work.row_estimate,
        start: work.start,
        end: work.end,
        target_size: unified::DEFAULT_TARGET_SIZE,
        memory_limit: unified::DEFAULT_MEMORY_LIMIT,
        threads: 1,
        sync: false,
        columns: &unified::Columns::default(),
        cancel: None,
    };
    Ok(job.run()?.rows_read)
}

/// Prints the rates and returns their median.
fn shown(name: &str, rates: &[f64]) -> f64 {
    let mut rates = rates.to_vec();
    rates.sort_by(f64::total_cmp);
    let median = rates[rates.len() / 2];
    say(&format!(
        "{name}: {:.0} / {median:.0} / {:.0} rows/s (minimum / median / maximum), {:.1} times the original's {ORIGINAL:.0}",
        rates[0],
        rates[rates.len() - 1],
        median / ORIGINAL
    ));
    median
}

#[expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
fn say(line: &str) {
    println!("{line}");
}
