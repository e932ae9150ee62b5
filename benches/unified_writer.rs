//! How near the unified writer comes to its floors: reading its input, and a plain `ArrowWriter` that encodes the rows already
//! sorted, at the same settings, into the same files.
//!
//! ```sh
//! cargo bench --bench unified_writer                            # 2,000,000 log rows, 1,000,000 metric rows, five runs
//! cargo bench --bench unified_writer -- --logs 200000 --metrics 100000 --runs 1
//! cargo bench --bench unified_writer -- --choices --runs 3     # encodings: size and time of each choice
//! cargo bench --bench unified_writer -- --legacy 3              # the legacy ports too, on every signal, three runs
//! cargo bench --bench unified_writer -- --spill 20000000 --dir /big/disk     # memory and time of so many rows, at 256 and 64 MiB; --spill-runs 3: medians
//! cargo bench --bench unified_writer -- --generate /some/place  # only the data
//! cargo bench --bench unified_writer -- --memory-limit 67108864 --dir /big/disk
//! ```
//!
//! The job's files are synced to the disk only with `--sync`, since the plain writer's are not.
//!
//! 1. The data are generated: logs of 18 columns, out of order within three hours; metrics of 25 columns with sketches, in
//!    segments sorted by TID.
//! 2. Each case runs in a process of its own, so that its peak memory and processor time are its own: reading the input; the
//!    job on one and two threads; encoding the job's own output files again, from memory, on one and two threads.
//! 3. The cases run in turn, as often as asked. Printed are medians, and the ratios of medians.

#[path = "unified_writer/cases.rs"]
mod cases;
#[path = "unified_writer/choices.rs"]
mod choices;
#[path = "unified_writer/data.rs"]
mod data;

use std::path::{Path, PathBuf};
use std::process::Command;

use cases::{Case, Figures};

/// Whatever goes wrong ends the benchmark.
pub type Failure = Box<dyn std::error::Error>;

/// Rows a second of the original writers, whole process, on two cores: buffet (logs and traces), fingerprint, TIDMerger.
const ORIGINAL_BUFFET: f64 = 15_700.0;
const ORIGINAL_FINGERPRINT: f64 = 9_200.0;
const ORIGINAL_MERGE: f64 = 17_600.0;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let options = Options::new(&arguments)?;
    if let Some(name) = text(&arguments, "--case") {
        let path = |option: &str| text(&arguments, option).map(PathBuf::from).ok_or(format!("no {option}"));
        let scratch = tempfile::tempdir_in(path("--scratch")?)?;
        return Case {
            name,
            input: &path("--input")?,
            output: &path("--output")?,
            scratch: scratch.path(),
            threads: number(&arguments, "--threads")?.unwrap_or(1) as usize,
            memory_limit: options.memory_limit,
            sync: options.sync,
            choice: text(&arguments, "--choice").unwrap_or("-"),
        }
        .run();
    }
    if let Some(directory) = text(&arguments, "--generate") {
        data::logs(&Path::new(directory).join("logs"), options.logs)?;
        data::metrics(&Path::new(directory).join("metrics"), options.metrics)?;
        return Ok(());
    }
    let place = tempfile::tempdir_in(&options.dir)?;
    let logs = place.path().join("logs");
    let metrics = place.path().join("metrics");
    if options.logs > 0 {
        data::logs(&logs, options.logs)?;
        let set = Set { options: &options, place: place.path(), input: &logs, job: "logs" };
        set.perform()?;
        set.against_legacy("logs", "legacy-logs", ORIGINAL_BUFFET)?;
    }
    if options.logs > 0 && options.legacy > 0 {
        // The ports are slow: a part of the rows will do.
        let rows = options.logs.min(400_000);
        let (hourly, traces) = (place.path().join("hourly"), place.path().join("traces"));
        data::logs(&hourly, rows)?;
        data::traces(&traces, rows)?;
        let set = |input, job| Set { options: &options, place: place.path(), input, job };
        set(&hourly, "hourly").against_legacy("hourly", "legacy-hourly", ORIGINAL_FINGERPRINT)?;
        set(&traces, "traces").against_legacy("traces", "legacy-traces", ORIGINAL_BUFFET)?;
    }
    if options.spill > 0 {
        spilling(&options, place.path())?;
    }
    if options.metrics > 0 {
        data::metrics(&metrics, options.metrics)?;
        let set = Set { options: &options, place: place.path(), input: &metrics, job: "metrics" };
        set.perform()?;
        set.against_legacy("merge", "legacy-merge", ORIGINAL_MERGE)?;
    }
    Ok(())
}

/// What the command line asks for.
#[derive(Clone)]
struct Options {
    logs: u64,
    metrics: u64,
    runs: u64,
    legacy: u64,
    /// Log rows that are far more than the limits hold, and how often they are taken.
    spill: u64,
    spill_runs: u64,
    memory_limit: u64,
    /// Whether the job syncs its files; the plain writer never does.
    sync: bool,
    /// Only the choices of encoding.
    choices: bool,
    dir: PathBuf,
    /// Only these cases' first letters, for a quick look: `r`ead, `j`ob, `e`ncode.
    only: String,
}

impl Options {
    fn new(arguments: &[String]) -> Result<Self, Failure> {
        let of = |name: &str, default: u64| Ok::<u64, Failure>(number(arguments, name)?.unwrap_or(default));
        Ok(Self {
            logs: of("--logs", 2_000_000)?,
            metrics: of("--metrics", 1_000_000)?,
            runs: of("--runs", 5)?.max(1),
            legacy: of("--legacy", 0)?,
            spill: of("--spill", 0)?,
            spill_runs: of("--spill-runs", 1)?.max(1),
            memory_limit: of("--memory-limit", 512 << 20)?,
            sync: arguments.iter().any(|argument| argument == "--sync"),
            choices: arguments.iter().any(|argument| argument == "--choices"),
            dir: text(arguments, "--dir").map_or_else(std::env::temp_dir, PathBuf::from),
            only: text(arguments, "--only").unwrap_or("rje").to_owned(),
        })
    }
}

fn text<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).map(String::as_str)
}

fn number(arguments: &[String], name: &str) -> Result<Option<u64>, Failure> {
    Ok(text(arguments, name).map(str::parse).transpose()?)
}

/// Many log rows at limits that they exceed by far: peak of the process, time a row by that of rows sorted in memory, which
/// are measured in turn with them: a host that changes meanwhile changes both.
fn spilling(options: &Options, place: &Path) -> Result<(), Failure> {
    let (few, many) = (place.join("few"), place.join("many"));
    data::logs(&few, 2_000_000)?;
    data::logs(&many, options.spill)?;
    let output = place.join("output");
    for threads in [1, 2] {
        for limit in [256_u64 << 20, 64 << 20] {
            let spilling = Options { memory_limit: limit, ..options.clone() };
            let in_memory = Set { options, place, input: &few, job: "logs" };
            let spilled = Set { options: &spilling, place, input: &many, job: "logs" };
            let (mut memory, mut runs) = (Vec::new(), Vec::new());
            for _ in 0..options.spill_runs {
                for _ in 0..2 {
                    memory.push(in_memory.run("logs", &few, &output, threads, "-")?);
                }
                runs.push(spilled.run("logs", &many, &output, threads, "-")?);
                for _ in 0..2 {
                    memory.push(in_memory.run("logs", &few, &output, threads, "-")?);
                }
            }
            let (memory, spilled) = (medians(&memory), medians(&runs));
            let peak = runs.iter().map(|run| run.peak).fold(0.0, f64::max);
            say(&format!(
                "  {} rows, {} MiB, {threads} threads: peak {:.1} MiB, {} files, wall {:.1} s, processor {:.1} s; a row by one of \
                 2,000,000 in memory: wall {:.2}, processor {:.2}",
                spilled.rows,
                limit >> 20,
                peak / f64::from(1 << 20),
                spilled.files,
                spilled.wall,
                spilled.cpu,
                (spilled.wall / spilled.rows) / (memory.wall / memory.rows),
                (spilled.cpu / spilled.rows) / (memory.cpu / memory.rows)
            ));
        }
    }
    for directory in [few, many, output] {
        std::fs::remove_dir_all(directory)?;
    }
    Ok(())
}

/// One signal's cases.
struct Set<'a> {
    options: &'a Options,
    place: &'a Path,
    input: &'a Path,
    job: &'a str,
}

impl Set<'_> {
    fn perform(&self) -> Result<(), Failure> {
        if self.options.choices { self.choices() } else { self.floors() }
    }

    /// Size and time of each choice of encoding, by the plain writer.
    fn choices(&self) -> Result<(), Failure> {
        let (sorted, output) = (self.place.join("sorted"), self.place.join("output"));
        self.run(self.job, self.input, &sorted, 2, "-")?;
        let mut usual = Figures::default();
        say(&format!(
            "{}: processor time and bytes by those of the settings in use, medians of {}",
            self.job, self.options.runs
        ));
        for choice in choices::CHOICES {
            let mut runs = Vec::new();
            for _ in 0..self.options.runs {
                runs.push(self.run("encode", &sorted, &output, 1, choice)?);
            }
            let figures = medians(&runs);
            if choice == "-" {
                usual = figures;
            }
            say(&format!(
                "| {choice} | {:.2} | {:.3} |",
                figures.cpu / usual.cpu,
                figures.bytes / usual.bytes
            ));
        }
        Ok(())
    }

    /// The job and its floors.
    fn floors(&self) -> Result<(), Failure> {
        let sorted = self.place.join("sorted");
        self.run(self.job, self.input, &sorted, 2, "-")?;
        let (mut read, mut one, mut two, mut plain_one, mut plain_two) =
            (vec![], vec![], vec![], vec![], vec![]);
        let wanted = |case: &str| self.options.only.contains(case);
        let output = self.place.join("output");
        for _ in 0..self.options.runs {
            if wanted("r") {
                read.push(self.run("read", self.input, &output, 1, "-")?);
            }
            if wanted("j") {
                one.push(self.run(self.job, self.input, &output, 1, "-")?);
                two.push(self.run(self.job, self.input, &output, 2, "-")?);
            }
            if wanted("e") {
                plain_one.push(self.run("encode", &sorted, &output, 1, "-")?);
                plain_two.push(self.run("encode", &sorted, &output, 2, "-")?);
            }
        }
        say(&format!("{}: medians of {} runs", self.job, self.options.runs));
        let read = shown("read the input, 1 thread", &read);
        let plain_one = shown("plain ArrowWriter, 1 thread", &plain_one);
        let plain_two = shown("plain ArrowWriter, 2 threads", &plain_two);
        let one = shown("job, 1 thread", &one);
        let two = shown("job, 2 threads", &two);
        say(&format!(
            "  processor time, 1 thread: job / (read + plain)   {:.2}",
            one.cpu / (read.cpu + plain_one.cpu)
        ));
        say(&format!(
            "  processor time, 2 threads: job / (read + plain)  {:.2}",
            two.cpu / (read.cpu + plain_one.cpu)
        ));
        say(&format!("  wall time: job, 2 threads / 1 thread             {:.2}", two.wall / one.wall));
        say(&format!("  wall time, 2 threads: job / plain                {:.2}", two.wall / plain_two.wall));
        self.sizes(&sorted)
    }

    /// How the sizes of the output files lie about the target.
    fn sizes(&self, sorted: &Path) -> Result<(), Failure> {
        let mut sizes = Vec::new();
        for path in cases::parquet_files(sorted)? {
            sizes.push(std::fs::metadata(path)?.len() as f64 / unified::DEFAULT_TARGET_SIZE as f64);
        }
        let last = sizes.last().copied().unwrap_or_default();
        sizes.sort_by(f64::total_cmp);
        say(&format!(
            "  file size by target: minimum {:.2}, median {:.2}, maximum {:.2}, last file {last:.2}",
            sizes.first().copied().unwrap_or_default(),
            sizes.get(sizes.len() / 2).copied().unwrap_or_default(),
            sizes.last().copied().unwrap_or_default(),
        ));
        Ok(())
    }

    /// The legacy port on the same input, and the original's rate.
    fn against_legacy(&self, job: &str, legacy: &str, original: f64) -> Result<(), Failure> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let output = self.place.join("output");
        for _ in 0..self.options.legacy {
            ours.push(self.run(job, self.input, &output, 2, "-")?);
            theirs.push(self.run(legacy, self.input, &output, 1, "-")?);
        }
        if ours.is_empty() {
            return Ok(());
        }
        let (ours, theirs) = (shown(job, &ours), shown(legacy, &theirs));
        let rate = |figures: &Figures| figures.rows / figures.wall;
        say(&format!(
            "  {:.0} rows/s: {:.1} times the legacy port, {:.1} times the original; bytes by theirs {:.2}",
            rate(&ours),
            rate(&ours) / rate(&theirs),
            rate(&ours) / original,
            ours.bytes / theirs.bytes
        ));
        Ok(())
    }

    /// One case in a process of its own, into an empty directory.
    fn run(
        &self,
        case: &str,
        input: &Path,
        output: &Path,
        threads: u64,
        choice: &str,
    ) -> Result<Figures, Failure> {
        if output.exists() {
            std::fs::remove_dir_all(output)?;
        }
        std::fs::create_dir_all(output)?;
        let child = Command::new(std::env::current_exe()?)
            .args(["--case", case, "--threads", &threads.to_string()])
            .args(["--choice", choice])
            .args(["--memory-limit", &self.options.memory_limit.to_string()])
            .args(self.options.sync.then_some("--sync"))
            .arg("--input")
            .arg(input)
            .arg("--output")
            .arg(output)
            .arg("--scratch")
            .arg(self.place)
            .output()?;
        if !child.status.success() {
            return Err(format!("{case}: {}", String::from_utf8_lossy(&child.stderr)).into());
        }
        Figures::parse(String::from_utf8_lossy(&child.stdout).trim())
    }
}

fn medians(runs: &[Figures]) -> Figures {
    let median = |of: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Figures {
        wall: median(|f| f.wall),
        cpu: median(|f| f.cpu),
        peak: median(|f| f.peak),
        rows: median(|f| f.rows),
        files: median(|f| f.files),
        bytes: median(|f| f.bytes),
    }
}

/// Prints the medians and returns them.
fn shown(name: &str, runs: &[Figures]) -> Figures {
    let figures = medians(runs);
    say(&format!(
        "  {name:<30} wall {:6.2} s  cpu {:6.2} s  peak {:5.0} MiB  {:4} files  {:6.1} MB",
        figures.wall,
        figures.cpu,
        figures.peak / f64::from(1 << 20),
        figures.files,
        figures.bytes / 1e6
    ));
    figures
}

/// Prints a line.
#[expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
pub fn say(line: &str) {
    println!("{line}");
}
