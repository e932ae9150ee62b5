//! Runs over time: one line a run, and what changed since the last green one. Plain serde data, versioned.
//!
//! 1. Reports are put in the order in which they started.
//! 2. Each becomes one [`Run`]: verdict, sums, and where it was measured throughput and peak memory of both sides.
//! 3. The last run is compared with the last green one before it (`change`): jobs, checks, findings, sides, inputs, policy,
//!    program, machine.
//!
//! Every format (page, CSV, terminal) renders from this document and from nothing else.

mod change;
mod runs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{Mode, Verdict};

/// Version of the trend document's schema.
pub const SCHEMA_VERSION: u32 = 1;

/// Runs over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trend {
    /// Version of the schema: 1.
    pub trend_version: u32,
    /// One entry a report, in the order in which the runs started.
    pub runs: Vec<Run>,
    /// Reports that could not be read, with the reason.
    pub skipped: Vec<Skipped>,
    /// What changed since the last green run; absent without a run.
    pub since: Option<Since>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The report as it was named.
    pub path: String,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// The command that made it.
    pub mode: Mode,
    /// The phase it was judged by.
    pub phase: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// False where the run ended early.
    pub complete: bool,
    /// Why.
    pub headline: String,
    /// Version of the program.
    pub version: String,
    /// Jobs by verdict: passed.
    pub jobs_passed: u64,
    /// Jobs by verdict: failed.
    pub jobs_failed: u64,
    /// Jobs by verdict: inconclusive.
    pub jobs_inconclusive: u64,
    /// Unwaived blockers.
    pub blockers: u64,
    /// Warnings.
    pub warnings: u64,
    /// Differing rows over all jobs: changed, missing and extra.
    pub rows_differing: u64,
    /// Input rows.
    pub rows_in: u64,
    /// Figures of the baseline.
    pub baseline: Figures,
    /// Figures of the candidate.
    pub candidate: Figures,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
}

/// Figures of one side of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// Output rows.
    pub rows: u64,
    /// Output files.
    pub files: u64,
    /// Output bytes.
    pub bytes: u64,
    /// Input rows a second over all measured sets, by the medians; absent where nothing was measured.
    pub rows_per_second: Option<f64>,
    /// Highest median of peak memory over the measured sets, in bytes; absent where nothing was measured.
    pub peak_bytes: Option<f64>,
}

/// A report that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// The report as it was named.
    pub path: String,
    /// Why it could not be read.
    pub reason: String,
}

/// What changed between two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Since {
    /// Index in `runs` of the last green run before the last one; absent where there is none.
    pub green: Option<u64>,
    /// What differs, most telling first.
    pub changes: Vec<Change>,
}

/// One difference between two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What it is about.
    pub about: About,
    /// One sentence.
    pub text: String,
}

/// What a change is about, most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// The outcome of a check.
    Check,
    /// A finding that is new or gone.
    Finding,
    /// A job that is new or gone.
    Job,
    /// What a side is made of.
    Side,
    /// What was judged: inputs and parameters.
    Input,
    /// What it was judged by.
    Policy,
    /// The program or the machine.
    Program,
    /// Sums.
    Sum,
}

impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Check => "check",
            Self::Finding => "finding",
            Self::Job => "job",
            Self::Side => "side",
            Self::Input => "input",
            Self::Policy => "policy",
            Self::Program => "program",
            Self::Sum => "sum",
        })
    }
}
