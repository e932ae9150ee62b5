//! Options of measuring, and the two hidden subcommands that a measurement starts as child processes.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reports::manifest::ErrorClass;

use super::terminal;
use crate::cancel::Cancel;
use crate::error::{Error, Result, chain};
use crate::exit::Exit;
use crate::measure::launch::Bounds;
use crate::measure::schedule::Quantity;
use crate::measure::{Limits, launch, once};
use crate::policy;
use crate::side::select::Choice;

/// How a measurement is made and judged.
#[derive(Debug, Clone, Args)]
pub struct MeasureArgs {
    /// Pairs up to which an open question is measured on [default: the policy's 40, or four times the pairs asked for].
    #[arg(long, value_name = "N", help_heading = "Measuring")]
    max_pairs: Option<usize>,
    /// Jobs of one signal and kind that are measured, those with the most rows [default: 4].
    #[arg(long, value_name = "N", help_heading = "Measuring")]
    max_jobs: Option<usize>,
    /// Copies of a job that one side does at the same time, each with directories of its own [default: 1].
    #[arg(long, value_name = "N", help_heading = "Measuring")]
    parallel: Option<usize>,
    /// Bytes of memory that each process of a measured side may ask for; a side that fails under it fails the measurement
    /// [default: no limit].
    #[arg(long, value_name = "BYTES", help_heading = "Measuring")]
    worker_memory: Option<u64>,
    /// Share by which the candidate may be slower [default: the policy's, 0.10].
    #[arg(long, value_name = "SHARE", help_heading = "Measuring")]
    slower: Option<f64>,
    /// Share by which the candidate's peak memory may be larger [default: the policy's, 0.50].
    #[arg(long, value_name = "SHARE", help_heading = "Measuring")]
    more_memory: Option<f64>,
    /// Confidence of the intervals, between 0.5 and 0.9999 [default: 0.95].
    #[arg(long, value_name = "SHARE", help_heading = "Measuring")]
    confidence: Option<f64>,
    /// Milliseconds that a run must take: shorter jobs are mostly start of a process and left out [default: 10].
    #[arg(long, value_name = "MS", help_heading = "Measuring")]
    least_ms: Option<u64>,
    /// Milliseconds that one half of a pair should take: shorter jobs run several rounds, at most 10 [default: 500].
    #[arg(long, value_name = "MS", help_heading = "Measuring")]
    half_ms: Option<u64>,
    /// Which time is judged: wall time, or processor time, which is steadier on a shared machine but blind to waiting.
    #[arg(long, value_enum, default_value_t = Quantity::Wall, help_heading = "Measuring")]
    judge_by: Quantity,
    /// Judge the speed of a debug build. For tests of the harness: it says nothing about a release build.
    #[arg(long, help_heading = "Measuring")]
    allow_debug: bool,
}

impl MeasureArgs {
    /// The limits for `pairs` pairs at first: what was typed, over what the policy says.
    ///
    /// # Errors
    /// Class `usage` for a value that makes no sense.
    pub(super) fn limits(&self, pairs: usize, policy: &policy::Limits) -> Result<Limits> {
        let default = Limits {
            slower: policy.slower,
            more_memory: policy.more_memory,
            memory_limit: policy.memory_limit,
            max_pairs: usize::try_from(policy.max_pairs).unwrap_or(usize::MAX),
            ..Limits::default()
        };
        if pairs == 0 {
            return Err(Error::usage("--measure 0: at least one pair must be measured"));
        }
        if self.max_jobs == Some(0) {
            return Err(Error::usage("--max-jobs 0: at least one job must be measured"));
        }
        if let Some(count) = self.parallel.filter(|count| !(1..=Limits::MAX_WORKERS).contains(count)) {
            return Err(Error::usage(format!(
                "--parallel {count}: between 1 and {} workers can be measured",
                Limits::MAX_WORKERS
            )));
        }
        if let Some(bytes) = self.worker_memory.filter(|bytes| *bytes < Limits::LEAST_WORKER_MEMORY) {
            return Err(Error::usage(format!(
                "--worker-memory {bytes}: at least {} bytes are needed to start a program",
                Limits::LEAST_WORKER_MEMORY
            )));
        }
        if let Some(most) = self.max_pairs.filter(|most| *most < pairs) {
            return Err(Error::usage(format!("--max-pairs {most} is less than the {pairs} pairs asked for")));
        }
        let share = |name: &str, given: Option<f64>, default: f64| match given {
            Some(share) if !share.is_finite() || share < 0.0 => {
                Err(Error::usage(format!("{name} {share}: a share such as 0.10 is needed")))
            }
            _ => Ok(given.unwrap_or(default)),
        };
        let confidence = self.confidence.unwrap_or(default.confidence);
        if !(0.5..=0.9999).contains(&confidence) {
            return Err(Error::usage(format!(
                "--confidence {confidence}: a share between 0.5 and 0.9999 is needed"
            )));
        }
        Ok(Limits {
            slower: share("--slower", self.slower, default.slower)?,
            more_memory: share("--more-memory", self.more_memory, default.more_memory)?,
            memory_limit: default.memory_limit,
            confidence,
            by: self.judge_by,
            half: self.half_ms.map_or(default.half, Duration::from_millis),
            pairs,
            max_pairs: self.max_pairs.unwrap_or(default.max_pairs.max(pairs.saturating_mul(4))),
            workers: self.parallel.unwrap_or(default.workers),
            worker_memory: self.worker_memory,
            max_jobs: self.max_jobs.unwrap_or(default.max_jobs),
            least: self.least_ms.map_or(default.least, Duration::from_millis),
            allow_debug: self.allow_debug,
        })
    }

    /// The options as typed, for repeating a run.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut flag = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                words.extend([name.to_owned(), value]);
            }
        };
        flag("--max-pairs", self.max_pairs.map(|value| value.to_string()));
        flag("--max-jobs", self.max_jobs.map(|value| value.to_string()));
        flag("--parallel", self.parallel.map(|value| value.to_string()));
        flag("--worker-memory", self.worker_memory.map(|value| value.to_string()));
        flag("--slower", self.slower.map(|value| value.to_string()));
        flag("--more-memory", self.more_memory.map(|value| value.to_string()));
        flag("--confidence", self.confidence.map(|value| value.to_string()));
        flag("--least-ms", self.least_ms.map(|value| value.to_string()));
        flag("--half-ms", self.half_ms.map(|value| value.to_string()));
        flag("--judge-by", (self.judge_by == Quantity::Cpu).then(|| "cpu".to_owned()));
        if self.allow_debug {
            words.push("--allow-debug".to_owned());
        }
        words
    }
}

/// Refuses to measure a side that does not run.
///
/// # Errors
/// Class `usage`, naming it.
pub(super) fn both_run(baseline: &Choice, candidate: &Choice) -> Result<()> {
    for (role, choice) in [("baseline", baseline), ("candidate", candidate)] {
        if matches!(choice, Choice::Recorded(_) | Choice::Listed) {
            return Err(Error::usage(format!(
                "the {role} is a recorded output: nothing runs that could be measured; name sides that run, such as unified or \
                 cmd:NAME"
            )));
        }
    }
    Ok(())
}

/// Arguments of `launch`.
#[derive(Debug, Args)]
pub struct LaunchArgs {
    /// Where the accounting goes.
    answer: PathBuf,
    /// Bytes of memory that a process of the program may ask for.
    #[arg(long)]
    data: Option<u64>,
    /// Bytes that a file may have.
    #[arg(long)]
    file_size: Option<u64>,
    /// The program and its arguments.
    #[arg(last = true)]
    words: Vec<OsString>,
}

impl LaunchArgs {
    pub(super) fn perform(&self) -> Result<Exit> {
        failed_or_done(launch::launch(
            &self.words,
            &self.answer,
            Bounds { data: self.data, file: self.file_size },
        ))
    }
}

/// The exit of a child that works for a measurement: a failure of the side must not look like one of the machine.
fn failed_or_done<T>(done: Result<T>) -> Result<Exit> {
    match done {
        Ok(_) => Ok(Exit::Pass),
        Err(error) if matches!(error.class, ErrorClass::Io | ErrorClass::Cancelled) => Err(error),
        Err(error) => {
            terminal::complain(&format!("parallax: {}", chain(&error)));
            Ok(once::FAILED)
        }
    }
}

/// Arguments of `perform-job`.
#[derive(Debug, Args)]
pub struct PerformArgs {
    /// The request.
    request: PathBuf,
    /// Empty directory for the output.
    output: PathBuf,
    /// Empty directory for temporary files.
    scratch: PathBuf,
}

impl PerformArgs {
    pub(super) fn perform(&self, cancel: &Cancel) -> Result<Exit> {
        failed_or_done(once::perform(&self.request, &self.output, &self.scratch, cancel))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        args: MeasureArgs,
    }

    fn limits(words: &[&str], pairs: usize) -> Result<Limits> {
        Typed::parse_from(std::iter::once(&"x").chain(words)).args.limits(pairs, &policy::Limits::default())
    }

    #[test]
    fn what_is_not_typed_has_the_documented_default() {
        assert_eq!(limits(&[], 10).unwrap(), Limits::default());
        assert_eq!(limits(&[], 30).unwrap().max_pairs, 120);
        assert_eq!(limits(&["--slower", "0.05"], 10).unwrap().slower, 0.05);
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        for (words, pairs) in [
            (&["--slower=-0.1"][..], 10),
            (&["--more-memory", "NaN"], 10),
            (&["--confidence", "95"], 10),
            (&["--max-pairs", "5"], 10),
            (&["--max-jobs", "0"], 10),
            (&["--parallel", "0"], 10),
            (&["--parallel", "257"], 10),
            (&["--worker-memory", "1000"], 10),
            (&[], 0),
        ] {
            assert!(limits(words, pairs).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_recorded_side_is_not_measured() {
        let choice = |text| Choice::parse(text).unwrap();
        both_run(&choice("legacy"), &choice("cmd:go-new")).unwrap();
        let error = both_run(&choice("legacy"), &choice("dir:out")).unwrap_err();
        assert!(error.message.contains("candidate"), "{}", error.message);
    }
}
