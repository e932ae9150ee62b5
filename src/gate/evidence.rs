//! Which required check is answered on which signal, and by what.
//!
//! A check is answered where a job passed or failed it. A pass counts only from a report that can carry one; a failure counts
//! from any. Every signal of the phase must be answered by jobs of its own, for each check that can be asked of it.

use reports::document::{CheckReport, CheckStatus, JobReport};
use reports::gate::{EvidenceLine, Mark};

use super::Judged;
use super::distinct::Seen;
use crate::measure::set;
use crate::policy::{Policy, known_checks, verdict};

/// Signals that a phase is about where it names none: those that the guide migrates.
pub const ALL: [&str; 3] = ["logs", "metrics", "traces"];

/// Checks that can be asked of one signal only.
const OF_ONE: [(&str, &str); 4] =
    [("GROUP", "metrics"), ("SKETCH", "metrics"), ("QUERY", "metrics"), ("LOCALITY", "traces")];

/// Whether a check can be asked of a signal.
#[must_use]
pub fn applies(code: &str, signal: &str) -> bool {
    OF_ONE.iter().all(|(only, of)| *only != code || *of == signal)
}

/// One line a required check and signal, in the order of the scoreboard.
#[must_use]
pub fn lines(judged: &[Judged<'_>], policy: &Policy, signals: &[String]) -> Vec<EvidenceLine> {
    let mut lines = Vec::new();
    for code in known_checks() {
        let origins = [
            ("requires", &policy.covered),
            ("requires_every_job", &policy.required),
            ("evidence", &policy.evidence),
        ];
        let Some((key, _)) = origins.into_iter().find(|(_, codes)| codes.contains(code)) else { continue };
        let origin = policy.origin(&format!("{key}.{code}")).to_owned();
        for signal in signals.iter().filter(|signal| applies(code, signal)) {
            lines.push(line(judged, code, signal, &origin));
        }
    }
    lines
}

/// What is known of a check on a signal.
#[must_use]
pub fn line(judged: &[Judged<'_>], code: &str, signal: &str, origin: &str) -> EvidenceLine {
    let measures = set::CODES.contains(&code);
    let asked =
        |job: &&JobReport| job.signal.as_deref() == Some(signal) && job.measurement.is_some() == measures;
    let mut found = EvidenceLine {
        check: code.to_owned(),
        signal: signal.to_owned(),
        mark: Mark::Open,
        because: String::new(),
        jobs: 0,
        rows: 0,
        required_by: origin.to_owned(),
    };
    let (mut failed, mut undecided, mut refused, mut ungated): (Vec<String>, Vec<String>, u64, u64) =
        (Vec::new(), Vec::new(), 0, 0);
    let (mut jobs, mut passes, mut seen) = (0_u64, 0_u64, Seen::default());
    let mut passed: Vec<String> = Vec::new();
    for report in judged {
        for job in report.jobs.iter().filter(asked) {
            jobs += 1;
            let Some(check) = job.checks.iter().find(|check| check.check == code) else { continue };
            match (check.status, report.refused.is_empty()) {
                (CheckStatus::Fail, _) if check.gates => failed.push(said(report, job, check)),
                (CheckStatus::Fail, true) => ungated += 1,
                // Declared to be empty, and it was: no row was looked at.
                (CheckStatus::Pass, true) if job.allow_empty && check.coverage.rows == 0 => {}
                (CheckStatus::Pass, true) => {
                    passes += 1;
                    if seen.is_new(job) {
                        found.jobs += 1;
                        found.rows = found.rows.saturating_add(check.coverage.rows);
                    }
                    if measures {
                        // Whoever signs wants the figures.
                        passed.push(format!("{}: {}", job.id, check.summary));
                    }
                }
                (CheckStatus::Pass | CheckStatus::Fail, false) => refused += 1,
                (CheckStatus::Inconclusive, _) => undecided.push(said(report, job, check)),
                (CheckStatus::NotApplicable, _) => {}
            }
        }
    }
    found.mark = if !failed.is_empty() {
        Mark::Fail
    } else if passes > 0 && (undecided.is_empty() || !measures) {
        Mark::Pass
    } else {
        Mark::Open
    };
    let kind = if measures { "measurement" } else { "compared job" };
    found.because = match found.mark {
        Mark::Fail => listed("failed", &failed),
        Mark::Pass if ungated > 0 => {
            format!("passed by {} and failed by {ungated} of those asked, but it does not gate", passes)
        }
        Mark::Pass if measures => passed.join("; "),
        Mark::Pass => "passed".to_owned(),
        _ if !undecided.is_empty() => listed("undecided", &undecided),
        // A check that gates nothing fails no job, but it has not shown either what it was required for.
        _ if ungated > 0 => {
            format!("failed by all {ungated} that answered it, though it does not gate there")
        }
        _ if refused > 0 => "answered only by reports that were refused".to_owned(),
        _ if code == "QUERY" => verdict::nobody(code).to_owned(),
        _ if jobs == 0 && measures => {
            format!("no {kind} of signal {signal} in any report; run with --measure N, or bench")
        }
        _ if jobs == 0 => format!("no {kind} of signal {signal} in any report"),
        _ => format!("no {kind} of signal {signal} answered it: it applied to none"),
    };
    found
}

fn said(report: &Judged<'_>, job: &JobReport, check: &CheckReport) -> String {
    let blocker = check.findings.iter().find(|finding| verdict::is_blocking(finding));
    let what = blocker.map_or(&check.summary, |finding| &finding.message);
    format!("{}, {}: {what}", report.given.path, job.id)
}

/// The first of several, and how many more.
fn listed(word: &str, all: &[String]) -> String {
    let first = all.first().map_or("", String::as_str);
    match all.len() {
        0 | 1 => format!("{word} in {first}"),
        several => format!("{word} in {first} (and {} more)", several - 1),
    }
}
