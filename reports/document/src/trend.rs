//! Runs over time: one line a run, and what changed since the last green one. Plain serde data, versioned.
//!
//! 1. Reports are put in the order in which they started.
//! 2. Each becomes one [`Run`]: verdict, sums, and where it was measured throughput and peak memory of both sides.
//! 3. The last run is compared with the last green one before it (`change`): jobs, checks, findings, sides, inputs, policy,
//!    program, machine.
//!
//! Every format (page, CSV, terminal) renders from this document and from nothing else.

mod change;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::change::{About, Change};

use crate::finding::Role;
use crate::headline;
use crate::measurement::{Comparison, Measurement};
use crate::report::{JobReport, Mode, Report, Verdict};

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

impl Trend {
    /// The trend of these reports, each with the path that it was read from.
    #[must_use]
    pub fn of(mut reports: Vec<(String, Report)>, skipped: Vec<Skipped>) -> Self {
        reports.sort_by(|(one, a), (two, b)| (&a.run.started, one).cmp(&(&b.run.started, two)));
        let runs: Vec<Run> = reports.iter().map(|(path, report)| run(path, report)).collect();
        let since = reports.split_last().map(|((_, last), before)| {
            let green = before.iter().rposition(|(_, report)| is_green(report));
            let changes = green.map_or_else(Vec::new, |index| change::between(&before[index].1, last));
            Since { green: green.map(|index| index as u64), changes }
        });
        Self { trend_version: SCHEMA_VERSION, runs, skipped, since }
    }
}

/// A whole run that passed.
fn is_green(report: &Report) -> bool {
    report.verdict == Verdict::Pass && report.run.complete
}

fn run(path: &str, report: &Report) -> Run {
    let totals = &report.totals;
    let differing = |job: &JobReport| {
        job.rows
            .as_ref()
            .map_or(0, |rows| rows.changed.saturating_add(rows.missing).saturating_add(rows.extra))
    };
    let (baseline, candidate) = (measured(report, Role::Baseline), measured(report, Role::Candidate));
    Run {
        path: path.to_owned(),
        started: report.run.started.clone(),
        mode: report.run.mode,
        phase: report.policy.as_ref().and_then(|policy| policy.phase.clone()),
        verdict: report.verdict,
        complete: report.run.complete,
        headline: headline::short(report).into_owned(),
        version: report.tool.version.clone(),
        jobs_passed: totals.jobs_passed,
        jobs_failed: totals.jobs_failed,
        jobs_inconclusive: totals.jobs_inconclusive,
        blockers: totals.blockers,
        warnings: totals.warnings,
        rows_differing: report.jobs.iter().map(differing).fold(0, u64::saturating_add),
        rows_in: totals.rows_in,
        baseline: Figures {
            rows: totals.rows_baseline,
            files: totals.files_baseline,
            bytes: totals.bytes_baseline,
            ..baseline
        },
        candidate: Figures {
            rows: totals.rows_candidate,
            files: totals.files_candidate,
            bytes: totals.bytes_candidate,
            ..candidate
        },
        duration_ms: report.run.duration_ms,
    }
}

/// Throughput and peak memory of one side over all measured sets.
#[expect(clippy::cast_precision_loss, reason = "a count of rows, and a time is far coarser")]
fn measured(report: &Report, role: Role) -> Figures {
    let side = |found: &Comparison| match role {
        Role::Baseline => found.baseline,
        Role::Candidate => found.candidate,
    };
    let sets = || {
        let all = report.jobs.iter().filter_map(|job| job.measurement.as_ref());
        all.filter(|it: &&Measurement| it.wall.ratio.is_some())
    };
    let seconds: f64 = sets().map(|set| side(&set.wall)).sum();
    let rows = crate::total::total(sets().map(|set| set.rows()));
    let peak = sets().map(|set| side(&set.memory)).fold(0.0, f64::max);
    Figures {
        rows_per_second: (seconds > 0.0).then(|| rows as f64 / seconds),
        peak_bytes: (peak > 0.0).then_some(peak),
        ..Figures::default()
    }
}
