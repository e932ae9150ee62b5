//! The trend of some reports: each becomes one [`Run`], and the last is compared with the last green one before it.

use super::change::between;
use super::{Figures, Run, SCHEMA_VERSION, Since, Skipped, Trend};
use crate::finding::Role;
use crate::headline;
use crate::measurement::{Comparison, Measurement};
use crate::report::{JobReport, Report, Verdict};

impl Trend {
    /// The trend of these reports, each with the path that it was read from.
    #[must_use]
    pub fn of(mut reports: Vec<(String, Report)>, skipped: Vec<Skipped>) -> Self {
        reports.sort_by(|(one, a), (two, b)| (&a.run.started, one).cmp(&(&b.run.started, two)));
        let runs: Vec<Run> = reports.iter().map(|(path, report)| run(path, report)).collect();
        let since = reports.split_last().map(|((_, last), before)| {
            let green = before.iter().rposition(|(_, report)| is_green(report));
            let changes = green.map_or_else(Vec::new, |index| between(&before[index].1, last));
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
    let rows: u64 = sets().map(|set| set.rows()).sum();
    let peak = sets().map(|set| side(&set.memory)).fold(0.0, f64::max);
    Figures {
        rows_per_second: (seconds > 0.0).then(|| rows as f64 / seconds),
        peak_bytes: (peak > 0.0).then_some(peak),
        ..Figures::default()
    }
}
