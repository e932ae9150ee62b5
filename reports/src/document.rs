//! The report document: one run, its jobs, their sides, checks, findings and verdicts.
//!
//! Counts are exact. Where a list holds only samples, a `*_total` or `*_cut` field beside it says how many there were.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::determinism::RerunEvidence;
use crate::evidence::{ColumnComparison, MetadataEvidence, OrderEvidence, RowsEvidence, SizesEvidence};
use crate::layout::LayoutEvidence;
use crate::manifest::Failure;
use crate::measurement::Measurement;
pub use crate::policy::{Action, PolicyInfo, PolicyValue, RunWarning};
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

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Fails the gate.
    Blocker,
    /// To be looked at; does not fail the gate.
    Warning,
    /// Told, nothing to do. Baseline defects are of this kind.
    Info,
}

/// Which side something belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Side A.
    Baseline,
    /// Side B, the one that is judged.
    Candidate,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
        })
    }
}

/// One difference or violated invariant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `job/CHECK/code-digest`: the same data gives the same id, in another directory and on another day. The digest covers
    /// what the finding is about (side, column, defect, file), not counts, places of rows or words.
    pub id: String,
    /// Code of the check.
    pub check: String,
    /// Stable code of the kind of finding, for waivers and filters: `rows.missing`, `order.inverted`.
    pub code: String,
    /// Weight.
    pub severity: Severity,
    /// The side it was found on; absent where it is a difference between the two.
    pub side: Option<Role>,
    /// Where.
    pub place: Option<Place>,
    /// One sentence that can stand alone.
    pub message: String,
    /// How many rows, files or values the finding stands for. Exact.
    pub count: u64,
    /// Named values that support it, in order.
    pub evidence: Vec<Evidence>,
    /// Name of a known baseline defect (`A`, `C`) that explains the finding exactly.
    pub defect: Option<String>,
    /// The waiver that covers it.
    pub waived: Option<Waived>,
    /// What it asks for, by the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// TOML of a waiver that would cover it, for `parallax.toml`; reason and owner are to be filled in. Present for unwaived
    /// blockers and warnings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<String>,
    /// Scope of the policy in which all rows lie that it stands for, in words; other rows of the same kind are findings of their
    /// own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// One named value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What the value is.
    pub name: String,
    /// The value as text.
    pub value: String,
}

/// A place in an output. Row numbers count from 0 within the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// Path relative to the side's output directory.
    pub file: Option<String>,
    /// Row group within the file, from 0.
    pub row_group: Option<u64>,
    /// Column name.
    pub column: Option<String>,
    /// Row within the file, from 0.
    pub row: Option<u64>,
}

/// Why a finding does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waived {
    /// The written reason.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Last day on which it holds, `yyyy-mm-dd`.
    pub expires: Option<String>,
}

/// A waiver of the policy and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaiverReport {
    /// Finding code that it covers.
    pub code: String,
    /// The written reason, owner and expiry.
    pub waived: Waived,
    /// Findings it covered in this run.
    pub applied: u64,
    /// True where it no longer holds.
    pub expired: bool,
    /// What it is limited to, in words; empty: nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Where it stands: file and line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub origin: String,
}

/// One side's part of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SideReport {
    /// Who performed it.
    pub side: SideInfo,
    /// How it ended.
    pub outcome: SideOutcome,
    /// Wall time in milliseconds; absent for a recorded output. Not a measurement: jobs run side by side.
    pub duration_ms: Option<u64>,
    /// What the side said it did.
    pub manifest: Option<StatedManifest>,
    /// What was found in the output directory, in the order it was judged in.
    pub files: Vec<FileInfo>,
    /// Where the output was kept, relative to the report.
    pub kept: Option<String>,
    /// What the writer counted and timed while it worked; absent where it does not, and in older documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<WorkStats>,
}

/// What a built-in writer counted and timed while it worked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkStats {
    /// Rows given to the writer proper, before any drop but after a merge.
    pub rows: u64,
    /// Batches in which they came.
    pub batches: u64,
    /// Sorted runs written to disk since the rows did not fit into memory.
    pub spilled_runs: u64,
    /// Bytes of all runs on disk, those of later passes included.
    pub spilled_bytes: u64,
    /// Runs that were merged into longer ones before the last merge.
    pub merged_runs: u64,
    /// Output files.
    pub files: u64,
    /// Row groups of the output files.
    pub row_groups: u64,
    /// Bytes of the output files.
    pub bytes: u64,
    /// Most bytes that rows waiting to be sorted held.
    pub peak_buffered: u64,
    /// Most bytes that the open file held in memory.
    pub peak_encoding: u64,
    /// Time of each stage, in the order of the work. Of all threads together: no measurement, jobs run side by side.
    pub stages: Vec<StageTime>,
}

/// Time of one stage of a writer's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageTime {
    /// Name of the stage: `read`, `admit`, `sort`, `spill`, `encode`, `assemble`, `write`, `sync`.
    pub stage: String,
    /// Nanoseconds; 0 where the stage was not needed.
    pub ns: u64,
}

/// Who performed a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SideInfo {
    /// As named on the command line: `legacy:buffet`, `unified`, `cmd:go-new`, `dir:out`.
    pub name: String,
    /// Kind of side.
    pub kind: SideKind,
    /// Version of a built-in side.
    pub version: Option<String>,
    /// The expanded command of an external side, one entry per argument.
    pub command: Vec<String>,
    /// BLAKE3, hexadecimal, of what the side is made of: for a built-in side this program; for an external one its program, the
    /// files that its command names, its arguments and environment; for a recorded output the files found. Absent where that
    /// cannot be read, and in older documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Kinds of side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SideKind {
    /// A built-in legacy writer.
    Legacy,
    /// The built-in unified writer.
    Unified,
    /// The unified writer with a planted fault.
    Fault,
    /// An external program.
    Command,
    /// An output that was recorded earlier.
    Recorded,
}

/// How a side's work ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum SideOutcome {
    /// The work was done.
    Completed,
    /// The output was there already; nothing ran.
    Recorded,
    /// The work failed.
    Failed {
        /// Class and message.
        #[serde(flatten)]
        failure: Failure,
        /// Exit status of an external side.
        exit_status: Option<i32>,
        /// Signal that ended an external side.
        signal: Option<i32>,
        /// Last part of what an external side wrote to stderr.
        stderr: Option<String>,
    },
}

/// One Parquet file found in an output directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileInfo {
    /// Path relative to the side's output directory.
    pub path: String,
    /// Rows by the footer.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Row groups.
    pub row_groups: u64,
    /// Leaf columns.
    pub columns: u64,
    /// Codecs in use.
    pub codecs: Vec<String>,
    /// Writer named in the footer.
    pub created_by: Option<String>,
    /// BLAKE3 of the bytes, hexadecimal.
    pub digest: String,
}
