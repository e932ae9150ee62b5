//! The report document: one run, its jobs, their sides, checks, findings and verdicts.
//!
//! Counts are exact. Where a list holds only samples, a `*_total` or `*_cut` field beside it says how many there were.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::determinism::RerunEvidence;
use crate::evidence::{ColumnComparison, MetadataEvidence, OrderEvidence, RowsEvidence, SizesEvidence};
pub use crate::finding::{Evidence, Finding, Place, Role, Severity, Waived, WaiverReport};
use crate::layout::LayoutEvidence;
use crate::measurement::Measurement;
pub use crate::policy::{Action, PolicyInfo, PolicyValue, RunWarning};
pub use crate::side::{
    FileInfo, InputsGiven, PassedOver, SideInfo, SideKind, SideOutcome, SideReport, StageTime, WhyPassedOver,
    WorkStats,
};
use crate::signal_evidence::{GroupEvidence, LocalityEvidence, RollupAccount, SketchEvidence};
pub use crate::stated::{StatedFile, StatedManifest};

/// Version of the document's schema. A reader refuses a document whose version it does not know.
pub const SCHEMA_VERSION: u32 = 1;

/// One run of `run`, `compare` or `verify`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA_VERSION`] of the writer of this document.
    pub schema_version: u32,
    /// What wrote the document.
    pub tool: Tool,
    /// How the run was started and how it went.
    pub run: RunInfo,
    /// The verdict of the whole run.
    pub verdict: Verdict,
    /// One sentence that says why, naming the deciding findings.
    pub headline: String,
    /// Sums over all jobs.
    pub totals: Totals,
    /// One entry per job, in job order.
    pub jobs: Vec<JobReport>,
    /// Waivers of the policy: applied, unused and expired.
    pub waivers: Vec<WaiverReport>,
    /// The policy that the run was judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyInfo>,
    /// Warnings about the run itself: waivers that expired or cover nothing. Part of the sum of warnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<RunWarning>,
    /// Present where values were replaced by keyed digests (`--redact`): the name of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted: Option<String>,
}

/// The program that produced the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `parallax`.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// `release` or `debug`.
    pub profile: String,
    /// Versions of the crates that shape the bytes: arrow, parquet, blake3.
    pub crates: BTreeMap<String, String>,
}

/// How the run was started and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// The command that started the run.
    pub mode: Mode,
    /// The command line as typed, one entry per argument.
    pub command: Vec<String>,
    /// The resolved command that repeats the run, ready to paste into a shell.
    pub replay: String,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// Seed of the generated corpora, where any were generated.
    pub seed: Option<u64>,
    /// Worker threads.
    pub threads: u64,
    /// The configuration file read, where one was.
    pub config: Option<String>,
    /// The machine.
    pub host: Host,
    /// False where the run ended early: the document then holds what was finished.
    pub complete: bool,
    /// Why the run ended early.
    pub partial_reason: Option<String>,
}

/// Which command produced a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Both sides performed the jobs and were compared.
    Run,
    /// Two existing outputs were compared.
    Compare,
    /// The invariants of one output were checked.
    Verify,
    /// Both sides were measured, their outputs were not compared.
    Bench,
}

/// The machine a run ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Operating system.
    pub os: String,
    /// Processor architecture.
    pub arch: String,
    /// Processors available to the run.
    pub cpus: u64,
}

/// Sums over all jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Jobs that were to be judged.
    pub jobs: u64,
    /// Jobs by verdict: passed.
    pub jobs_passed: u64,
    /// Jobs by verdict: failed.
    pub jobs_failed: u64,
    /// Jobs by verdict: inconclusive.
    pub jobs_inconclusive: u64,
    /// Input rows over all jobs.
    pub rows_in: u64,
    /// Output rows of the baseline.
    pub rows_baseline: u64,
    /// Output rows of the candidate.
    pub rows_candidate: u64,
    /// Output files of the baseline.
    pub files_baseline: u64,
    /// Output files of the candidate.
    pub files_candidate: u64,
    /// Output bytes of the baseline.
    pub bytes_baseline: u64,
    /// Output bytes of the candidate.
    pub bytes_candidate: u64,
    /// Unwaived blockers.
    pub blockers: u64,
    /// Warnings, those about the run itself included.
    pub warnings: u64,
    /// Informational findings.
    pub infos: u64,
    /// Waived findings.
    pub waived: u64,
}

/// One job: the work, the two sides, the checks and the verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobReport {
    /// Name of the job, unique in the run.
    pub id: String,
    /// Signal name; absent for a generic comparison.
    pub signal: Option<String>,
    /// BLAKE3, hexadecimal, of the signal's definition (keys, required columns, rules): equal where two jobs were judged by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal_digest: Option<String>,
    /// `compact` or `ingest`; absent where no side ran.
    pub kind: Option<String>,
    /// The corpus that the inputs come from, where it is a named one.
    pub corpus: Option<CorpusInfo>,
    /// Resolved parameters with the origin of each.
    pub parameters: Vec<ParameterInfo>,
    /// Input segments in order.
    pub inputs: Vec<InputInfo>,
    /// True where two outputs without rows are declared to be right. Checks that then pass have compared no rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_empty: bool,
    /// The job's verdict.
    pub verdict: Verdict,
    /// One sentence that says why.
    pub headline: String,
    /// One entry per check, in the order of the scoreboard.
    pub checks: Vec<CheckReport>,
    /// The baseline; absent where one output was judged alone.
    pub baseline: Option<SideReport>,
    /// The candidate.
    pub candidate: SideReport,
    /// Row differences.
    pub rows: Option<RowsEvidence>,
    /// Columns of both sides side by side.
    pub schema: Vec<ColumnComparison>,
    /// Order per side.
    pub order: Vec<OrderEvidence>,
    /// File sizes of both sides.
    pub sizes: Option<SizesEvidence>,
    /// Recomputed metadata beside the manifest's, per side and file.
    pub metadata: Vec<MetadataEvidence>,
    /// How both sides' files are laid out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<LayoutEvidence>,
    /// Groups per side, where the signal has a group key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupEvidence>,
    /// What became of the input rows, per side, where the job merges rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollup: Vec<RollupAccount>,
    /// Sketches and rollups per side, where the signal has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sketches: Vec<SketchEvidence>,
    /// Trace locality per side, where the signal has traces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locality: Vec<LocalityEvidence>,
    /// Further runs of the sides, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reruns: Vec<RerunEvidence>,
    /// Time and memory of a set of jobs, where this entry stands for a measurement instead of a comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurement: Option<Measurement>,
    /// Scopes of the policy (`[[policy.for]]`) that take in this job, each with its file and line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_scopes: Vec<String>,
    /// Columns that the user named (keys, `--by`, the policy) and that neither the inputs nor the outputs have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent_columns: Vec<String>,
    /// The command that repeats this job alone.
    pub replay: String,
}

/// A named corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CorpusInfo {
    /// Name or path.
    pub name: String,
    /// What it is meant to provoke, one sentence each.
    pub provokes: Vec<String>,
    /// Seed of the generator.
    pub seed: Option<u64>,
    /// BLAKE3 over the input segments' bytes in order, hexadecimal.
    pub digest: String,
}

/// One resolved parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParameterInfo {
    /// Parameter name, for example `target_size`.
    pub key: String,
    /// Value as text.
    pub value: String,
    /// Where the value came from: `default`, `corpus`, `job list`, `job.toml`, `--param`, `--target-size`.
    pub origin: String,
}

/// One input segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputInfo {
    /// Path as given.
    pub path: String,
    /// Rows by its footer.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// BLAKE3 of its bytes, hexadecimal, for inputs that were given: the same digest, the same file. Generated ones have that of
    /// their corpus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// The outcome of one check on one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    /// Code of the check, for example `ROWS`.
    pub check: String,
    /// Outcome.
    pub status: CheckStatus,
    /// True where the policy lets this check decide the verdict.
    pub gates: bool,
    /// What was examined.
    pub coverage: Coverage,
    /// One sentence: what was found, or why it was not checked.
    pub summary: String,
    /// What was found, most severe first.
    pub findings: Vec<Finding>,
    /// Milliseconds spent.
    pub duration_ms: u64,
}

/// Outcome of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckStatus {
    /// Something was examined and no unwaived blocker was found.
    Pass,
    /// At least one unwaived blocker.
    Fail,
    /// Nothing could be examined, or it could not be decided.
    Inconclusive,
    /// The question does not arise here; the summary says why.
    NotApplicable,
}

/// The verdict of a job or a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every gating check passed.
    Pass,
    /// A gating check failed.
    Fail,
    /// Nothing failed, but something gating could not be decided.
    Inconclusive,
}

/// What a check examined. Zero coverage is "not checked", never "pass".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Files looked at.
    pub files: u64,
    /// Rows looked at.
    pub rows: u64,
    /// Columns looked at.
    pub columns: u64,
    /// Bytes looked at.
    pub bytes: u64,
}

impl Coverage {
    /// True where nothing was examined.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
