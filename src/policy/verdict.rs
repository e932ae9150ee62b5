//! The verdict: a pure function of findings and coverage.
//!
//! A check that is required decides as one that gates does. Per check: an unwaived blocker fails; nothing examined, or a stated doubt,
//! is inconclusive; a question that does not arise is not applicable. Per job: fail outranks inconclusive, and a job in which no gating
//! check passed is inconclusive, because nothing vouches for it. Per run the same over its jobs; and what the policy requires of the run must
//! have been answered in one of them.

use std::collections::{BTreeMap, BTreeSet};

use reports::document::{CheckReport, CheckStatus, Finding, JobReport, Role, Severity, Verdict};

use super::Policy;
use crate::check::accounting::books;
use crate::check::{CODES, Outcome};

/// Columns that a sentence names.
const SHOWN: usize = 5;

/// The report of one check whose findings have been waived where a waiver holds.
#[must_use]
pub fn check(code: &str, outcome: Outcome, gates: bool, duration_ms: u64) -> CheckReport {
    let Outcome { mut findings, coverage, summary, status, .. } = outcome;
    // The gate judges the candidate: a defect of the baseline is reported, whatever weight a check gave it.
    for finding in findings.iter_mut().filter(|finding| finding.side == Some(Role::Baseline)) {
        if finding.severity == Severity::Blocker {
            finding.severity = Severity::Info;
        }
    }
    findings.sort_by_key(|finding| (finding.waived.is_some(), finding.severity));
    let blocked = findings.iter().any(is_blocking);
    let status = if blocked {
        CheckStatus::Fail
    } else if let Some(status) = status {
        status
    } else if coverage.is_empty() {
        CheckStatus::Inconclusive
    } else {
        CheckStatus::Pass
    };
    CheckReport { check: code.to_owned(), status, gates, coverage, summary, findings, duration_ms }
}

/// The report of one check under a policy. A check that must be answered decides as one that gates does; one that the run must have
/// answered in some job decides where it failed.
#[must_use]
pub fn by_policy(code: &str, outcome: Outcome, policy: &Policy, duration_ms: u64) -> CheckReport {
    let mut report = check(code, outcome, policy.gates(code), duration_ms);
    report.gates |= report.status == CheckStatus::Fail && policy.covered.contains(code);
    report
}

/// True for a finding that fails its check.
#[must_use]
pub fn is_blocking(finding: &Finding) -> bool {
    finding.severity == Severity::Blocker && finding.waived.is_none()
}

/// The verdict of one job and the sentence that says why.
#[must_use]
pub fn job(checks: &[CheckReport], required: &BTreeSet<String>) -> (Verdict, String) {
    let gating = || checks.iter().filter(|check| check.gates);
    let failed: Vec<&CheckReport> = gating().filter(|check| check.status == CheckStatus::Fail).collect();
    if !failed.is_empty() {
        return (Verdict::Fail, failed.iter().map(|check| deciding(check)).collect::<Vec<_>>().join("; "));
    }
    let decides = |check: &&CheckReport| check.gates || required.contains(&check.check);
    let absent = required
        .iter()
        .filter(|code| checks.iter().all(|check| check.check != **code))
        .map(|code| format!("{code} is required: {}", nobody(code)));
    let undecided: Vec<String> = checks
        .iter()
        .filter(decides)
        .filter_map(|check| match check.status {
            CheckStatus::Inconclusive => {
                Some(format!("{} could not be decided: {}", check.check, check.summary))
            }
            CheckStatus::NotApplicable if required.contains(&check.check) => {
                Some(format!("{} is required but does not apply: {}", check.check, check.summary))
            }
            _ => None,
        })
        .chain(absent)
        .collect();
    if !undecided.is_empty() {
        return (Verdict::Inconclusive, undecided.join("; "));
    }
    let passed: Vec<&str> = gating()
        .filter(|check| check.status == CheckStatus::Pass)
        .map(|check| check.check.as_str())
        .collect();
    if passed.is_empty() {
        return (Verdict::Inconclusive, "no gating check examined anything".to_owned());
    }
    (Verdict::Pass, format!("{} passed", passed.join(", ")))
}

/// The sentence for a failed check: its first blocker, and how many more.
fn deciding(check: &CheckReport) -> String {
    let blockers: Vec<&Finding> = check.findings.iter().filter(|finding| is_blocking(finding)).collect();
    match blockers.as_slice() {
        [] => format!("{} failed", check.check),
        [only] => format!("{}: {}", check.check, only.message),
        [first, more @ ..] => {
            format!("{}: {} (and {} more findings)", check.check, first.message, more.len())
        }
    }
}

/// What a job left out of its comparison: ignored columns, differences that are waived, checks that failed and do not gate,
/// Parquet files that were passed over, and rows that a side left out by its own word.
#[derive(Debug, Default)]
struct LeftOut {
    columns: BTreeSet<String>,
    waived: u64,
    failed: BTreeSet<String>,
    passed_over: u64,
    /// Rows of the candidate that nothing accounts for but its manifest or a rule that leaves them open, by what they are.
    rows: BTreeMap<String, Unproven>,
}

/// Rows that were taken as declared.
#[derive(Debug, Default)]
struct Unproven {
    rows: u64,
    /// True where the baseline declared no such rows in some job.
    alone: bool,
}

impl LeftOut {
    fn add(&mut self, job: &JobReport, policy: &Policy) {
        let compared = job.measurement.is_none();
        let ignored = policy.comparison.ignored.keys().filter(|_| compared);
        self.columns.extend(ignored.filter(|column| !job.absent_columns.contains(column)).cloned());
        for check in &job.checks {
            let waived =
                check.findings.iter().filter(|it| it.severity == Severity::Blocker && it.waived.is_some());
            self.waived += waived.count() as u64;
            if check.status == CheckStatus::Fail && !check.gates {
                self.failed.insert(check.check.clone());
            }
        }
        for side in job.baseline.iter().chain([&job.candidate]) {
            for entry in &side.passed_over {
                self.passed_over = self.passed_over.saturating_add(entry.parquet);
            }
        }
        let findings = || job.checks.iter().flat_map(|check| &check.findings);
        let named = |found: &Finding| {
            let reason =
                found.evidence.iter().find(|it| it.name == books::REASON).map(|it| it.value.as_str());
            match (found.code.as_str(), reason) {
                (books::DECLARED, Some(reason)) => Some(format!("dropped by declared reason `{reason}`")),
                (books::MERGED, _) => Some("merged into others by declaration".to_owned()),
                (books::FREE, _) => Some("that the signal leaves open (rows = \"free\")".to_owned()),
                _ => None,
            }
        };
        let of = |role: Role| findings().filter(move |it| it.side == Some(role));
        let taken = |it: &&Finding| it.severity == Severity::Warning || it.code == books::FREE;
        for found in of(Role::Candidate).filter(taken) {
            let Some(name) = named(found) else { continue };
            let alone = !of(Role::Baseline).any(|it| named(it).as_ref() == Some(&name));
            let known = self.rows.entry(name).or_default();
            known.rows = known.rows.saturating_add(found.count);
            known.alone |= alone;
        }
    }

    /// In words, to follow a sentence; empty where nothing was left out.
    fn words(&self) -> String {
        let mut parts = Vec::new();
        if !self.columns.is_empty() {
            let shown: Vec<&str> = self.columns.iter().take(SHOWN).map(String::as_str).collect();
            let more = self.columns.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let noun = reports::counted(self.columns.len() as u64, "ignored column", "ignored columns");
            parts.push(format!("{noun} ({}{more})", shown.join(", ")));
        }
        if self.waived > 0 {
            parts.push(reports::counted(self.waived, "waived difference", "waived differences"));
        }
        if !self.failed.is_empty() {
            let codes: Vec<&str> = self.failed.iter().map(String::as_str).collect();
            parts.push(format!("{}, which failed and by the policy does not gate", codes.join(", ")));
        }
        for (name, Unproven { rows, alone }) in &self.rows {
            let side = if *alone { "by the candidate" } else { "on both sides" };
            parts.push(format!("{} {name} {side}", reports::counted(*rows, "row", "rows")));
        }
        if self.passed_over > 0 {
            let files = reports::counted(self.passed_over, "Parquet file", "Parquet files");
            parts.push(format!("{files} that readers pass over"));
        }
        if parts.is_empty() { String::new() } else { format!("; left out: {}", parts.join("; ")) }
    }
}

/// Names in the first sentence of a job that passed what was left out.
pub fn say_left_out(job: &mut JobReport, policy: &Policy) {
    if job.verdict == Verdict::Pass {
        let mut left = LeftOut::default();
        left.add(job, policy);
        job.headline.push_str(&left.words());
    }
}

/// Why no job has an answer of a check.
pub(crate) fn nobody(code: &str) -> &'static str {
    match code {
        "PERFORMANCE" | "MEMORY" => "nobody measured it; run with --measure N",
        code if CODES.contains(&code) => "no job was examined for it",
        _ => "this version of Parallax has no such check, so nobody performed it",
    }
}

/// What the policy requires of the run and no job answered, one sentence each.
#[must_use]
pub fn uncovered(jobs: &[JobReport], policy: &Policy) -> Vec<String> {
    let of = |code: &str| {
        let checks = jobs.iter().flat_map(|job| &job.checks);
        let mut asked = checks.filter(|check| check.check == code).peekable();
        let first = asked.peek().map(|check| check.summary.clone());
        let answered = asked.any(|check| matches!(check.status, CheckStatus::Pass | CheckStatus::Fail));
        if answered {
            return None;
        }
        let origin = policy.origin(&format!("requires.{code}"));
        let why = match first {
            Some(summary) => format!("no job of this run answered it ({summary})"),
            None => nobody(code).to_owned(),
        };
        Some(format!("{code} is required by {origin}: {why}"))
    };
    policy.covered.iter().filter_map(|code| of(code)).collect()
}

/// The verdict of a run and the sentence that says why. `complete` is false where jobs were left out by an interruption.
#[must_use]
pub fn run(jobs: &[JobReport], expected_jobs: u64, complete: bool, policy: &Policy) -> (Verdict, String) {
    let of = |verdict: Verdict| jobs.iter().filter(move |job| job.verdict == verdict);
    // First those that no comparison of the two sides could have seen.
    let is_common = |job: &&JobReport| {
        let gating = job.checks.iter().filter(|check| check.gates);
        gating.flat_map(|check| &check.findings).any(reports::is_common)
    };
    let naming = |verdict: Verdict| {
        let first = of(verdict).filter(|job| is_common(job)).chain(of(verdict).filter(|job| !is_common(job)));
        let named: Vec<String> = first.take(3).map(|job| format!("{} ({})", job.id, job.headline)).collect();
        let more = of(verdict).count() - named.len();
        if more == 0 { named.join("; ") } else { format!("{}; and {more} more jobs", named.join("; ")) }
    };
    let all = if expected_jobs == 1 { "1 job".to_owned() } else { format!("{expected_jobs} jobs") };
    let (failed, undecided) = (of(Verdict::Fail).count(), of(Verdict::Inconclusive).count());
    if failed > 0 {
        return (Verdict::Fail, format!("{failed} of {all} failed: {}", naming(Verdict::Fail)));
    }
    if !complete || (jobs.len() as u64) < expected_jobs {
        return (
            Verdict::Inconclusive,
            format!("only {} of {all} were judged before the run ended", jobs.len()),
        );
    }
    if jobs.is_empty() {
        return (Verdict::Inconclusive, "there was no job to judge".to_owned());
    }
    let mut open = Vec::new();
    if undecided > 0 {
        let named = naming(Verdict::Inconclusive);
        open.push(format!("{undecided} of {all} could not be decided: {named}"));
    }
    open.extend(uncovered(jobs, policy));
    if !open.is_empty() {
        return (Verdict::Inconclusive, format!("nothing failed, but {}", open.join("; ")));
    }
    let rows = reports::total(jobs.iter().filter_map(|job| job.rows.as_ref()).map(|rows| rows.equal));
    let compared = if rows > 0 {
        format!("; {} equal on both sides", reports::counted(rows, "row is", "rows are"))
    } else {
        String::new()
    };
    let every = if expected_jobs == 1 { "the one job".to_owned() } else { format!("all {all}") };
    let mut left = LeftOut::default();
    jobs.iter().for_each(|job| left.add(job, &policy.for_job(job.signal.as_deref(), &job.id)));
    (Verdict::Pass, format!("{every} passed every gating check that applies{compared}{}", left.words()))
}

#[cfg(test)]
mod tests {
    use reports::document::Coverage;

    use super::*;
    use crate::check::finding::finding;

    fn covered() -> Outcome {
        Outcome { coverage: Coverage { rows: 1, ..Coverage::default() }, ..Outcome::default() }
    }

    fn blocked() -> Outcome {
        let mut outcome = covered();
        outcome.findings.push(finding("ROWS", "rows.missing", Severity::Blocker, None, "a row is gone"));
        outcome
    }

    #[test]
    fn a_check_without_coverage_is_never_a_pass() {
        assert_eq!(check("ROWS", Outcome::default(), true, 0).status, CheckStatus::Inconclusive);
        assert_eq!(check("ROWS", covered(), true, 0).status, CheckStatus::Pass);
    }

    #[test]
    fn a_blocker_fails_even_where_the_check_called_itself_undecided() {
        let outcome = Outcome { status: Some(CheckStatus::Inconclusive), ..blocked() };
        assert_eq!(check("ROWS", outcome, true, 0).status, CheckStatus::Fail);
    }

    #[test]
    fn a_waived_blocker_does_not_fail() {
        let mut outcome = blocked();
        outcome.findings[0].waived =
            Some(reports::document::Waived { reason: "r".into(), owner: "o".into(), expires: None });
        assert_eq!(check("ROWS", outcome, true, 0).status, CheckStatus::Pass);
    }

    #[test]
    fn fail_outranks_inconclusive_and_names_the_finding() {
        let checks = [check("ORDER", Outcome::default(), true, 0), check("ROWS", blocked(), true, 0)];
        let (verdict, why) = job(&checks, &BTreeSet::new());
        assert_eq!(verdict, Verdict::Fail);
        assert!(why.contains("a row is gone"), "{why}");
    }

    #[test]
    fn a_required_check_that_does_not_apply_leaves_the_job_undecided() {
        let skipped = Outcome { status: Some(CheckStatus::NotApplicable), ..Outcome::default() };
        let checks = [check("ROWS", covered(), true, 0), check("METADATA", skipped, true, 0)];
        assert_eq!(job(&checks, &BTreeSet::new()).0, Verdict::Pass);
        assert_eq!(job(&checks, &BTreeSet::from(["METADATA".to_owned()])).0, Verdict::Inconclusive);
    }

    #[test]
    fn a_job_that_nothing_vouches_for_is_inconclusive() {
        assert_eq!(job(&[], &BTreeSet::new()).0, Verdict::Inconclusive);
        assert_eq!(job(&[check("ROWS", covered(), false, 0)], &BTreeSet::new()).0, Verdict::Inconclusive);
    }

    #[test]
    fn a_run_without_jobs_or_cut_short_is_inconclusive() {
        assert_eq!(run(&[], 0, true, &Policy::default()).0, Verdict::Inconclusive);
        assert_eq!(run(&[], 3, false, &Policy::default()).0, Verdict::Inconclusive);
    }

    #[test]
    fn a_blocker_on_the_baseline_is_told_and_does_not_fail() {
        let mut outcome = covered();
        let side = Some(Role::Baseline);
        outcome.findings.push(finding("ORDER", "order.inverted", Severity::Blocker, side, "out of order"));
        let report = check("ORDER", outcome, true, 0);
        assert_eq!((report.status, report.findings[0].severity), (CheckStatus::Pass, Severity::Info));
    }

    #[test]
    fn a_required_check_that_nobody_performed_leaves_the_job_undecided_in_words() {
        let (verdict, why) = job(&[check("ROWS", covered(), true, 0)], &BTreeSet::from(["QUERY".to_owned()]));
        assert_eq!(verdict, Verdict::Inconclusive);
        assert!(why.contains("QUERY is required") && why.contains("no such check"), "{why}");
    }

    #[test]
    fn a_required_check_that_fails_fails_whatever_gates() {
        let with = |change: fn(&mut Policy)| {
            let mut policy = Policy { gating: BTreeSet::from(["SIZES".to_owned()]), ..Policy::default() };
            change(&mut policy);
            let checks =
                [by_policy("SIZES", covered(), &policy, 0), by_policy("ROWS", blocked(), &policy, 0)];
            job(&checks, &policy.required).0
        };
        assert_eq!(with(|_| {}), Verdict::Pass);
        assert_eq!(with(|it| it.required.extend(["ROWS".to_owned()])), Verdict::Fail);
        assert_eq!(with(|it| it.covered.extend(["ROWS".to_owned()])), Verdict::Fail);
    }

    #[test]
    fn what_was_left_out_is_named_in_words() {
        let words = |left: LeftOut| left.words();
        assert_eq!(words(LeftOut::default()), "");
        let columns: BTreeSet<String> = (0..7).map(|number| format!("c{number}")).collect();
        assert_eq!(
            words(LeftOut { columns, waived: 1, ..LeftOut::default() }),
            "; left out: 7 ignored columns (c0, c1, c2, c3, c4 and 2 more); 1 waived difference"
        );
        let failed = BTreeSet::from(["ORDER".to_owned()]);
        assert_eq!(
            words(LeftOut { failed, passed_over: 2, ..LeftOut::default() }),
            "; left out: ORDER, which failed and by the policy does not gate; 2 Parquet files that readers pass over"
        );
        let rows = [
            ("dropped by declared reason `late`".to_owned(), Unproven { rows: 9, alone: false }),
            ("merged into others by declaration".to_owned(), Unproven { rows: 1, alone: true }),
        ];
        assert_eq!(
            words(LeftOut { rows: rows.into(), ..LeftOut::default() }),
            "; left out: 9 rows dropped by declared reason `late` on both sides; 1 row merged into others by declaration by the candidate"
        );
    }

    #[test]
    fn a_check_that_does_not_gate_must_be_answered_all_the_same_where_it_is_required() {
        let checks = [check("ROWS", covered(), true, 0), check("ORDER", Outcome::default(), false, 0)];
        assert_eq!(job(&checks, &BTreeSet::new()).0, Verdict::Pass);
        assert_eq!(job(&checks, &BTreeSet::from(["ORDER".to_owned()])).0, Verdict::Inconclusive);
    }
}
