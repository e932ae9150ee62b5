//! Contradictions within a report: figures of one document that cannot all be true.
//!
//! A document is written by one program in one piece, so its sums, verdicts and evidence agree. Where they do not, it was changed
//! afterwards, cut, or put together from several, and its passes count for nothing. What is compared:
//!
//! 1. each sum with what the jobs give; each job's name with the others;
//! 2. the run's verdict with those of its jobs, a job's with its checks, a check's with its findings;
//! 3. the evidence of ROWS, ORDER, GROUP and METADATA with the files, and with what the check says of it;
//! 4. the ratios of a measurement with its samples, none of which can have taken no time.
//!
//! That the figures agree proves nothing: a document can be forged as a whole.

use std::collections::BTreeSet;

use reports::document::{
    CheckReport, CheckStatus, JobReport, Mode, Report, Role, SideOutcome, SideReport, Totals, Verdict,
};
use reports::evidence::RowsEvidence;
use reports::measurement::{Comparison, Measurement};
use reports::{status_word, verdict_word};

use crate::measure::Limits;
use crate::measure::schedule::{Quantity, compare};
use crate::policy::verdict::is_blocking;

/// Contradictions that a refusal names.
const SHOWN: usize = 3;

/// Share by which a ratio may differ from the one that its samples give.
const ROUNDING: f64 = 1e-9;

/// What in a report contradicts the rest of it, one sentence; absent where nothing does.
#[must_use]
pub fn of(report: &Report) -> Option<String> {
    let mut found = Vec::new();
    for job in &report.jobs {
        let mut within = Vec::new();
        of_job(job, &mut within);
        found.extend(within.into_iter().map(|what| format!("job {}: {what}", job.id)));
    }
    run(report, &mut found);
    if found.is_empty() {
        return None;
    }
    let more = found.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    found.truncate(SHOWN);
    Some(format!("it contradicts itself: {}{more}; run it again", found.join("; ")))
}

/// Sums, names and the verdict of the run.
fn run(report: &Report, found: &mut Vec<String>) {
    let mut names = BTreeSet::new();
    for job in &report.jobs {
        if !names.insert(job.id.as_str()) {
            found.push(format!("job {} is counted twice", job.id));
        }
    }
    let mut sums = crate::run::totals(&report.jobs, report.jobs.len());
    sums.warnings += report.warnings.len() as u64;
    for ((name, stated), (_, sum)) in figures(&report.totals).into_iter().zip(figures(&sums)) {
        if stated != sum {
            found.push(format!("`totals.{name}` is {stated}, its jobs give {sum}"));
        }
    }
    let with = |verdict: Verdict| report.jobs.iter().filter(|job| job.verdict == verdict).count();
    let (failed, open) = (with(Verdict::Fail), with(Verdict::Inconclusive));
    let agrees = match report.verdict {
        Verdict::Fail => failed > 0,
        Verdict::Inconclusive => failed == 0,
        Verdict::Pass => failed + open == 0 && !report.jobs.is_empty() && report.run.complete,
    };
    if !agrees {
        found.push(format!(
            "its verdict is `{}`, and of its {} jobs {failed} failed and {open} could not be decided",
            verdict_word(report.verdict),
            report.jobs.len()
        ));
    }
    if report.run.duration_ms == 0
        && matches!(report.run.mode, Mode::Run | Mode::Bench)
        && !report.jobs.is_empty()
    {
        found.push("it took no time".to_owned());
    }
}

/// The sums that the jobs of a report give, by their names in the document.
fn figures(totals: &Totals) -> [(&'static str, u64); 14] {
    // Taken apart by name, so that a new sum cannot be forgotten here. `jobs` is compared with the jobs held by `given`.
    let Totals {
        jobs: _,
        jobs_passed,
        jobs_failed,
        jobs_inconclusive,
        rows_in,
        rows_baseline,
        rows_candidate,
        files_baseline,
        files_candidate,
        bytes_baseline,
        bytes_candidate,
        blockers,
        warnings,
        infos,
        waived,
    } = totals;
    [
        ("jobs_passed", *jobs_passed),
        ("jobs_failed", *jobs_failed),
        ("jobs_inconclusive", *jobs_inconclusive),
        ("rows_in", *rows_in),
        ("rows_baseline", *rows_baseline),
        ("rows_candidate", *rows_candidate),
        ("files_baseline", *files_baseline),
        ("files_candidate", *files_candidate),
        ("bytes_baseline", *bytes_baseline),
        ("bytes_candidate", *bytes_candidate),
        ("blockers", *blockers),
        ("warnings", *warnings),
        ("infos", *infos),
        ("waived", *waived),
    ]
}

fn of_job(job: &JobReport, found: &mut Vec<String>) {
    let mut codes = BTreeSet::new();
    for check in &job.checks {
        if !codes.insert(check.check.as_str()) {
            found.push(format!("{} is answered twice", check.check));
        }
        of_check(check, found);
    }
    verdict(job, found);
    match &job.measurement {
        Some(measurement) => measured(measurement, found),
        None => compared(job, found),
    }
}

/// The verdict of a job beside the answers of its checks.
fn verdict(job: &JobReport, found: &mut Vec<String>) {
    let gating = |status: CheckStatus| {
        let with = job.checks.iter().filter(|check| check.gates && check.status == status);
        with.map(|check| check.check.as_str()).collect::<Vec<_>>()
    };
    let failed = gating(CheckStatus::Fail);
    if failed.is_empty() == (job.verdict == Verdict::Fail) {
        let which = if failed.is_empty() { "no check that gates".to_owned() } else { failed.join(", ") };
        found.push(format!("its verdict is `{}`, and {which} failed", verdict_word(job.verdict)));
    }
    if job.verdict != Verdict::Pass {
        return;
    }
    let open = gating(CheckStatus::Inconclusive);
    if !open.is_empty() {
        found.push(format!("its verdict is `pass`, and {} could not be decided", open.join(", ")));
    }
    if gating(CheckStatus::Pass).is_empty() {
        found.push("its verdict is `pass`, and no check that gates passed".to_owned());
    }
}

/// The status of a check beside its findings and what it examined.
fn of_check(check: &CheckReport, found: &mut Vec<String>) {
    let code = &check.check;
    if let Some(stranger) = check.findings.iter().find(|finding| finding.check != *code) {
        found.push(format!("{code} holds a finding of {}", stranger.check));
    }
    let blocked = check.findings.iter().any(is_blocking);
    if blocked != (check.status == CheckStatus::Fail) {
        let which = if blocked { "a blocker that nothing waives" } else { "no blocker" };
        found.push(format!("{code} is `{}` and has {which}", status_word(check.status)));
    }
    if check.status == CheckStatus::Pass && check.coverage.is_empty() {
        found.push(format!("{code} passed and examined nothing"));
    }
}

/// The evidence of a compared job beside its files and checks.
fn compared(job: &JobReport, found: &mut Vec<String>) {
    let check = |code: &str| job.checks.iter().find(|check| check.check == code);
    let silent = |code: &str, role: Option<Role>| {
        let about = |check: &CheckReport| {
            check.findings.iter().any(|finding| role.is_none_or(|role| finding.side == Some(role)))
        };
        check(code).is_some_and(|check| !about(check))
    };
    match (&job.rows, check("ROWS")) {
        (Some(rows), Some(check)) => of_rows(job, rows, check, found),
        (None, Some(check)) if check.status == CheckStatus::Pass && !job.allow_empty => {
            found.push("ROWS passed, and no rows were counted".to_owned());
        }
        _ => {}
    }
    for it in job.order.iter().filter(|it| it.inversions + it.overlaps > 0) {
        if silent("ORDER", Some(it.side)) {
            found.push(format!("rows of the {} are out of order, and ORDER says nothing of it", it.side));
        }
    }
    for it in job.groups.iter().filter(|it| it.split + it.returned + it.descents + it.overlaps > 0) {
        if silent("GROUP", Some(it.side)) {
            found.push(format!("groups of the {} are split, and GROUP says nothing of it", it.side));
        }
    }
    if let Some(wrong) = job.metadata.iter().find(|it| !it.agrees)
        && silent("METADATA", Some(wrong.side))
    {
        let (field, side) = (&wrong.field, wrong.side);
        found.push(format!("{field} of the {side} is wrong, and METADATA says nothing of it"));
    }
}

/// Counts of rows beside the files that hold them.
fn of_rows(job: &JobReport, rows: &RowsEvidence, check: &CheckReport, found: &mut Vec<String>) {
    let held = |side: &SideReport| reports::total(side.files.iter().map(|file| file.rows));
    let sides = [
        (Role::Baseline, job.baseline.as_ref(), rows.rows_baseline, rows.missing),
        (Role::Candidate, Some(&job.candidate), rows.rows_candidate, rows.extra),
    ];
    let apart = rows.noise.as_ref().is_some_and(|noise| noise.set_apart() > 0);
    for (role, side, compared, alone) in sides {
        let Some(side) = side.filter(|side| !matches!(side.outcome, SideOutcome::Failed { .. })) else {
            continue;
        };
        let held = held(side);
        if held != compared {
            found.push(format!("ROWS compared {compared} rows of the {role}, its files hold {held}"));
        }
        let sum = reports::total([rows.equal, rows.changed, alone]);
        // Rows that the baseline does not reproduce are counted apart.
        if sum > compared || (sum < compared && !apart) {
            found.push(format!("ROWS sorted {sum} of {compared} rows of the {role}"));
        }
    }
    let differing = reports::total([rows.changed, rows.missing, rows.extra]);
    if differing > 0 && check.findings.is_empty() {
        found.push(format!("{differing} rows differ, and ROWS says nothing of it"));
    }
}

/// The figures of a measurement beside its samples.
fn measured(measurement: &Measurement, found: &mut Vec<String>) {
    if let Some(sample) =
        measurement.samples.iter().find(|sample| sample.wall_ns == 0 || sample.peak_bytes == 0)
    {
        found.push(format!(
            "a run of {} on {} took no {}",
            sample.side,
            sample.job,
            if sample.wall_ns == 0 { "time" } else { "memory" }
        ));
    }
    let known = |name: &str| {
        let measured = measurement.jobs.iter().map(|job| &job.id);
        measured.chain(measurement.left_out.iter().map(|out| &out.job)).any(|job| job == name)
    };
    if let Some(sample) = measurement.samples.iter().find(|sample| !known(&sample.job)) {
        found.push(format!("a run of job {} was measured, which is none of its jobs", sample.job));
    }
    for (name, stated, quantity) in [
        ("wall", &measurement.wall, Quantity::Wall),
        ("cpu", &measurement.cpu, Quantity::Cpu),
        ("memory", &measurement.memory, Quantity::Memory),
    ] {
        let given = compare(&measurement.samples, quantity, Limits::default().confidence, None);
        if !alike(stated, &given) {
            found.push(format!(
                "its {} ratios of `{name}` are not those of its {} samples",
                stated.ratios.len(),
                measurement.samples.len()
            ));
        }
    }
}

/// True where two comparisons have the same ratios.
fn alike(stated: &Comparison, given: &Comparison) -> bool {
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= ROUNDING * b.abs();
    stated.ratios.len() == given.ratios.len() && stated.ratios.iter().zip(&given.ratios).all(near)
}
