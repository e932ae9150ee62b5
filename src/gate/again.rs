//! Judging the jobs of a report again, by the policy of the gate.
//!
//! 1. A report holds every finding, so which checks gate, which waivers hold today and what must be answered is decided anew.
//!    What a check waived itself, by a known defect of a baseline, stays waived; what a waiver of the report's policy covered
//!    counts again, unless a waiver of the gate's policy covers it.
//! 2. A check that failed does not pass because of a waiver that the run did not have: whether it would have passed beside its
//!    blockers is not recorded. It is undecided.
//! 3. What the measured runs wrote must have been examined: ROWS of a measurement is judged like that of a job.
//! 4. A measurement is judged from its raw samples: limits of the gate's policy, wall time, 95 % confidence, no debug build, no job
//!    so short that the start of its process is most of it.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use reports::document::{CheckReport, CheckStatus, JobReport, Report};
use reports::measurement::{Measurement, Sample};

use crate::check::{Outcome, memory, performance};
use crate::evidence::id;
use crate::measure::Limits;
use crate::measure::examined;
use crate::measure::schedule::{Quantity, compare};
use crate::measure::set::CODES;
use crate::policy::waiver::{self, Scene};
use crate::policy::{Policy, verdict};

/// The job as the gate's policy judges it.
#[must_use]
pub fn job(of: &JobReport, report: &Report, policy: &Policy, today: NaiveDate) -> JobReport {
    let mut job = of.clone();
    let policy = &policy.for_job(of.signal.as_deref(), &of.id);
    let scene = Scene::of(of);
    let measured = of.measurement.as_ref();
    job.checks = match measured {
        Some(measurement) => {
            let others = of.checks.iter().filter(|check| !CODES.contains(&check.check.as_str()));
            let mut checks: Vec<CheckReport> =
                others.map(|check| compared(check, report, &scene, policy, today)).collect();
            checks.extend(measured_checks(measurement, &job.id, &scene, policy, today));
            examined::distrust(&mut checks);
            checks
        }
        None => of.checks.iter().map(|check| compared(check, report, &scene, policy, today)).collect(),
    };
    let asked = |code: &&String| CODES.contains(&code.as_str()) == measured.is_some();
    let required: BTreeSet<String> = policy.required.iter().filter(asked).cloned().collect();
    (job.verdict, job.headline) = verdict::job(&job.checks, &required);
    verdict::say_left_out(&mut job, policy);
    job
}

fn compared(
    check: &CheckReport,
    report: &Report,
    scene: &Scene<'_>,
    policy: &Policy,
    today: NaiveDate,
) -> CheckReport {
    let mut findings = check.findings.clone();
    for finding in &mut findings {
        let by_policy = |waived| report.waivers.iter().any(|waiver| &waiver.waived == waived);
        if finding.waived.as_ref().is_some_and(by_policy) {
            finding.waived = None;
        }
    }
    waiver::apply(&policy.waivers, today, scene, &mut findings);
    let (mut status, mut summary) = (check.status, check.summary.clone());
    let blocked = findings.iter().any(verdict::is_blocking);
    if status == CheckStatus::Fail && !blocked {
        status = CheckStatus::Inconclusive;
        summary = "it failed, and only waivers that the run was not judged with cover its blockers: run it again under this policy"
            .to_owned();
    }
    // A stated outcome holds; a pass must have examined something, and no blocker may be left.
    let stated = (status != CheckStatus::Pass).then_some(status);
    let outcome =
        Outcome { findings, coverage: check.coverage, summary, status: stated, ..Outcome::default() };
    let mut again = verdict::by_policy(&check.check, outcome, policy, check.duration_ms);
    for finding in &mut again.findings {
        finding.action = Some(policy.action(finding, again.gates));
    }
    again
}

fn measured_checks(
    measurement: &Measurement,
    set: &str,
    scene: &Scene<'_>,
    policy: &Policy,
    today: NaiveDate,
) -> Vec<CheckReport> {
    let confidence = Limits::default().confidence;
    let compared = |quantity, limit: Option<f64>| compare(&measurement.samples, quantity, confidence, limit);
    let mut again = measurement.clone();
    again.wall = compared(Quantity::Wall, Some(1.0 + policy.limits.slower));
    again.cpu = compared(Quantity::Cpu, None);
    again.memory = compared(Quantity::Memory, Some(1.0 + policy.limits.more_memory));
    let mut outcomes = [
        (performance::CODE, performance::judge(&again, false)),
        (memory::CODE, memory::judge(&again, policy.limits.memory_limit)),
    ];
    if let Some(why) = unfit(measurement) {
        for (_, outcome) in &mut outcomes {
            outcome.status = Some(CheckStatus::Inconclusive);
            outcome.summary = format!("{why} ({})", outcome.summary);
            // What was measured so says nothing, in either direction.
            outcome.findings.clear();
        }
    }
    let checks = outcomes.into_iter().map(|(code, mut outcome)| {
        waiver::apply(&policy.waivers, today, scene, &mut outcome.findings);
        let mut report = verdict::by_policy(code, outcome, policy, 0);
        id::assign(set, &mut report.findings, |_, _| None);
        for finding in &mut report.findings {
            finding.action = Some(policy.action(finding, report.gates));
        }
        report
    });
    checks.collect()
}

/// Why a measurement is no evidence at all.
fn unfit(measurement: &Measurement) -> Option<String> {
    if measurement.profile.as_deref() == Some("debug") {
        return Some("measured with a debug build, which is no evidence: build with --release".to_owned());
    }
    let least = u64::try_from(Limits::default().least.as_nanos()).unwrap_or(u64::MAX);
    measurement.jobs.iter().find_map(|job| {
        let mut walls: Vec<u64> = measurement
            .samples
            .iter()
            .filter(|sample: &&Sample| sample.job == job.id)
            .map(|sample| sample.wall_ns)
            .collect();
        walls.sort_unstable();
        let median = walls.get(walls.len() / 2).copied().unwrap_or_default();
        (median < least).then(|| {
            format!(
                "job {} takes {} ms, mostly the start of a process: measure longer jobs",
                job.id,
                median / 1_000_000
            )
        })
    })
}
