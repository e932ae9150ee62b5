//! The gate: several reports, one decision about one phase of a rollout.
//!
//! 1. Each report is read and dated (`given.rs`), and its jobs of the phase's signals are judged again by the gate's policy
//!    (`again.rs`). What cannot be judged again must have been judged at least as strictly; otherwise the report is *refused*: its
//!    failures count, its passes do not.
//! 2. Both sides must be one and the same in all reports, by version and digest; of recorded outputs only a human can say who
//!    wrote them. Measurements must come from one build and one machine.
//! 3. Each required check must be answered on each signal (`evidence.rs`), and each line of the guide's checklist by what answers
//!    it (`checklist.rs`).
//! 4. What fails anywhere fails the gate; what is missing anywhere leaves it inconclusive; only the rest is a pass.
//!
//! Pure but for reading the reports: the day and the hour come in from outside. Cost: one pass over the documents.

mod again;
pub mod checklist;
mod contradiction;
mod distinct;
pub mod evidence;
pub mod given;

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use corpora::Signals;
use reports::document::{JobReport, Mode, Role, Verdict};
use reports::gate::{EarlierGate, Gate, GateReport, Identity, Line, Mark, SCHEMA_VERSION, Stage};

use self::checklist::{Answered, Confirmed};
use self::distinct::Seen;
use self::given::{Given, document};
use crate::content;
use crate::error::{Error, Result};
use crate::policy::phase::{Item, Phase, When};
use crate::policy::waiver::Scene;
use crate::policy::{Policy, strict, waiver};

/// The document that every format renders from.
pub const DOCUMENT: &str = "gate.json";

/// What a gate decides by, beside the reports.
pub struct Context<'a> {
    /// The policy, resolved for a phase.
    pub policy: &'a Policy,
    /// Signals as the gate knows them.
    pub definitions: &'a Signals,
    /// Signals that the phase is about.
    pub signals: Vec<String>,
    /// What is asked.
    pub stage: Stage,
    /// What a human confirmed.
    pub confirmed: Confirmed,
    /// The hour.
    pub now: DateTime<Utc>,
    /// The command line as typed.
    pub command: Vec<String>,
}

/// A report with its jobs of the phase, judged again.
pub struct Judged<'a> {
    /// The report as given.
    pub given: &'a Given,
    /// Its jobs of the phase, as the gate's policy judges them.
    pub jobs: Vec<JobReport>,
    /// Why it cannot carry a pass.
    pub refused: Vec<String>,
}

/// Reads the gate of an earlier phase.
///
/// # Errors
/// Class `input` where it is missing or no gate document.
pub fn earlier(path: &Path) -> Result<EarlierGate> {
    let file = document(path, DOCUMENT);
    let bytes =
        corpora::regular::read(&file).map_err(|source| Error::io("cannot read the gate", &file, source))?;
    let gate = reports::gate::parse(&bytes)
        .map_err(|why| Error::input(format!("{} is no gate document: {why}", file.display())))?;
    Ok(EarlierGate {
        path: crate::error::display(path),
        digest: content::digest(&file)?,
        phase: gate.phase,
        verdict: gate.verdict,
        closing: gate.closing,
        decided: gate.decided,
    })
}

/// Decides.
///
/// # Errors
/// Class `usage` for a confirmation that there cannot be, or a policy without a phase.
pub fn decide(given: &[Given], earlier: Vec<EarlierGate>, context: &Context<'_>) -> Result<Gate> {
    let policy = context.policy;
    let phase =
        policy.phase.as_ref().ok_or_else(|| Error::usage("a gate needs a phase: name one with --phase"))?;
    let today = context.now.date_naive();
    let about = |job: &&JobReport| {
        // A phase about everything looks at every job.
        phase.signals.is_empty() || job.signal.as_ref().is_some_and(|name| phase.signals.contains(name))
    };
    let all = given;
    let judged: Vec<Judged<'_>> = given
        .iter()
        .enumerate()
        .map(|(index, given)| {
            let jobs: Vec<&JobReport> = given.report.jobs.iter().filter(about).collect();
            let mut refused = given.refusals(&jobs, policy, context.definitions, context.now);
            refused.extend(distinct::copy_of(given, &all[..index]));
            let jobs = jobs.into_iter().map(|job| again::job(job, &given.report, policy, today)).collect();
            Judged { given, jobs, refused }
        })
        .collect();

    let reports: Vec<GateReport> = judged.iter().map(|one| entry(one, policy)).collect();
    let candidates = identities(&judged, Role::Candidate);
    let baselines = identities(&judged, Role::Baseline);
    let evidence = evidence::lines(&judged, policy, &context.signals);
    let answered = checklist::lines(phase, vouched(&judged), &judged, &earlier, context)?;
    let findings = checklist::findings(&judged);

    let mut missing: Vec<String> = Vec::new();
    for line in evidence.iter().filter(|line| line.mark == Mark::Open) {
        missing.push(format!(
            "{} on {}, required by {}: {}",
            line.check, line.signal, line.required_by, line.because
        ));
    }
    for report in reports.iter().filter(|report| report.jobs_of_phase > 0) {
        missing.extend(report.refused.iter().map(|why| format!("{}: {why}", report.path)));
    }
    missing.extend(mixed("candidate", &candidates));
    missing.extend(mixed("baseline", &baselines));
    missing.extend(incomparable(&judged));
    missing.extend(undecided(&judged));
    missing.extend(earlier.iter().filter_map(|gate| from_the_future(gate, context.now)));
    missing.extend(answered.iter().filter(|it| it.line.mark == Mark::Open).map(against));

    let failed: Vec<String> = failures(&judged, &answered);
    let checklist: Vec<Line> = answered.into_iter().map(|it| it.line).collect();
    let verdict = if !failed.is_empty() {
        Verdict::Fail
    } else if missing.is_empty() {
        Verdict::Pass
    } else {
        Verdict::Inconclusive
    };
    let all = judged.iter().flat_map(|one| &one.jobs).flat_map(|job| {
        let scene = Scene::of(job);
        job.checks.iter().flat_map(|check| &check.findings).map(move |finding| (scene, finding))
    });
    let waivers = waiver::told(&policy.waivers, today, all);
    let mut notices: Vec<String> = strict::looser_than_phase(policy)
        .into_iter()
        .map(|what| format!("looser than phase {}: {what}", phase.name))
        .collect();
    notices.extend(
        waiver::warnings(&waivers, false).into_iter().map(|it| format!("{} ({})", it.message, it.origin)),
    );
    Ok(Gate {
        gate_version: SCHEMA_VERSION,
        tool: crate::run::tool(),
        decided: context.now.to_rfc3339_opts(SecondsFormat::Secs, true),
        command: context.command.clone(),
        phase: phase.name.to_owned(),
        title: phase.title.clone(),
        risk: phase.risk.clone(),
        signals: context.signals.clone(),
        stage: context.stage,
        closing: context.stage == Stage::Complete,
        verdict,
        headline: headline(verdict, &failed, &missing, &judged, &checklist),
        missing,
        notices,
        candidate: single(&candidates),
        baseline: single(&baselines),
        checklist,
        evidence,
        reports,
        findings,
        earlier,
        waivers,
        policy: policy.info(),
    })
}

fn headline(
    verdict: Verdict,
    failed: &[String],
    missing: &[String],
    judged: &[Judged<'_>],
    checklist: &[Line],
) -> String {
    let first = |list: &[String]| {
        let shown = list.first().map_or("", String::as_str);
        if list.len() > 1 { format!("{shown} (and {} more)", list.len() - 1) } else { shown.to_owned() }
    };
    match verdict {
        Verdict::Fail => first(failed),
        Verdict::Inconclusive => format!("missing: {}", first(missing)),
        Verdict::Pass => {
            let counting: Vec<&Judged<'_>> = judged.iter().filter(|report| !report.jobs.is_empty()).collect();
            let mut seen = Seen::default();
            let (jobs, rows) = counting
                .iter()
                .flat_map(|report| &report.jobs)
                .filter(|job| seen.is_new(job))
                .fold((0_u64, 0_u64), |(jobs, rows), job| (jobs + 1, rows.saturating_add(rows_in(job))));
            let confirmed = checklist.iter().filter(|line| line.confirmed.is_some()).count();
            format!(
                "every line that can be known now is answered: {jobs} jobs with {rows} input rows in {} reports, {confirmed} lines \
                 confirmed by a human",
                counting.len()
            )
        }
    }
}

/// Input rows of a job.
fn rows_in(job: &JobReport) -> u64 {
    reports::total(job.inputs.iter().map(|input| input.rows))
}

/// What the document says of a report.
fn entry(one: &Judged<'_>, policy: &Policy) -> GateReport {
    let Given { path, digest, report } = one.given;
    let jobs: Vec<&JobReport> = one.jobs.iter().collect();
    let own = report.policy.as_ref();
    let judged = match own {
        Some(own) if own.digest == policy.digest() => {
            "judged by this policy, and judged again here".to_owned()
        }
        Some(own) => {
            let phase = own.phase.as_ref().map_or("no phase".to_owned(), |phase| format!("phase {phase}"));
            format!("was judged under another policy ({phase}), judged again here by the gate's policy")
        }
        None => {
            "does not say by which policy it was judged; judged again here by the gate's policy".to_owned()
        }
    };
    let mut notes = Vec::new();
    let other = report.jobs.len() - jobs.len();
    if jobs.is_empty() {
        notes.push("it covers no job of the phase's signals, so it adds nothing".to_owned());
    } else if other > 0 {
        notes.push(format!("{other} jobs of other signals were not looked at"));
    }
    let has = |wanted: Verdict| jobs.iter().any(|job| job.verdict == wanted);
    let verdict = if has(Verdict::Fail) {
        Verdict::Fail
    } else if has(Verdict::Inconclusive) || !one.refused.is_empty() {
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    };
    GateReport {
        path: path.clone(),
        digest: digest.clone(),
        mode: report.run.mode,
        started: report.run.started.clone(),
        finished: one.given.finished().map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        own_verdict: report.verdict,
        verdict: (!jobs.is_empty()).then_some(verdict),
        judged,
        jobs: report.jobs.len() as u64,
        jobs_of_phase: jobs.len() as u64,
        rows: reports::total(jobs.iter().map(|job| rows_in(job))),
        refused: if jobs.is_empty() { Vec::new() } else { one.refused.clone() },
        notes,
        candidates: Given::identities(&jobs, Role::Candidate),
        baselines: Given::identities(&jobs, Role::Baseline),
    }
}

/// The sides of one role over all reports.
fn identities(judged: &[Judged<'_>], role: Role) -> BTreeSet<Identity> {
    let all = judged.iter().flat_map(|one| Given::identities(&one.jobs.iter().collect::<Vec<_>>(), role));
    all.collect()
}

fn is_recorded(identity: &Identity) -> bool {
    identity.kind == reports::gate::kind_word(reports::document::SideKind::Recorded)
}

/// The side that all agree on: the one that ran, or, where none ran, the recorded output.
fn single(all: &BTreeSet<Identity>) -> Option<Identity> {
    let ran: Vec<&Identity> = all.iter().filter(|identity| !is_recorded(identity)).collect();
    match (ran.as_slice(), all.len()) {
        ([only], _) => Some((*only).clone()),
        ([], 1) => all.first().cloned(),
        _ => None,
    }
}

/// Sides that ran and are not one and the same. Names do not matter where everything else agrees.
fn mixed(role: &str, all: &BTreeSet<Identity>) -> Option<String> {
    let ran: Vec<&Identity> = all.iter().filter(|identity| !is_recorded(identity)).collect();
    let makes: BTreeSet<_> = ran.iter().map(|it| (&it.kind, &it.version, &it.digest)).collect();
    (makes.len() > 1).then(|| {
        let names: Vec<String> = ran.iter().map(|identity| identity.words()).collect();
        format!(
            "the reports do not have one and the same {role}: {}; make all of them with one",
            names.join(", ")
        )
    })
}

/// What a human must vouch for: an output does not show who wrote it.
fn vouched(judged: &[Judged<'_>]) -> Vec<Item> {
    let mut items = Vec::new();
    for one in judged {
        let jobs: Vec<&JobReport> = one.jobs.iter().collect();
        let recorded = |role: Role| -> Vec<String> {
            Given::identities(&jobs, role).into_iter().filter(is_recorded).map(|it| it.name).collect()
        };
        let mut parts = Vec::new();
        for role in [Role::Baseline, Role::Candidate] {
            let names = recorded(role);
            if !names.is_empty() {
                parts.push(format!("by the {role} ({})", names.join(", ")));
            }
        }
        if !parts.is_empty() {
            items.push(Item {
                text: format!(
                    "{}: its recorded outputs were written {}",
                    one.given.path,
                    parts.join(" and ")
                ),
                checks: Vec::new(),
                every_gating_check: false,
                after: Vec::new(),
                confirm: Some("the versions that wrote them are the ones that this gate is about".to_owned()),
                when: When::Before,
            });
        }
    }
    items
}

/// Measurements of several builds or machines.
fn incomparable(judged: &[Judged<'_>]) -> Vec<String> {
    let all: Vec<_> = judged
        .iter()
        .flat_map(|one| one.jobs.iter().filter_map(move |job| Some((one, job.measurement.as_ref()?))))
        .collect();
    let Some(((first, measured), rest)) = all.split_first() else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for (other, measurement) in rest {
        if let Err(why) = measured.comparable(measurement) {
            let why = format!("the measurements of {} and {}: {why}", first.given.path, other.given.path);
            if !found.contains(&why) {
                found.push(why);
            }
        }
    }
    found
}

/// Jobs that could not be decided.
fn undecided(judged: &[Judged<'_>]) -> Vec<String> {
    judged
        .iter()
        .filter_map(|one| {
            let open: Vec<&JobReport> =
                one.jobs.iter().filter(|job| job.verdict == Verdict::Inconclusive).collect();
            let first = open.first()?;
            Some(format!(
                "{}: {} of {} jobs could not be decided, {} first: {}",
                one.given.path,
                open.len(),
                one.jobs.len(),
                first.id,
                first.headline
            ))
        })
        .collect()
}

/// A gate that was decided after now.
fn from_the_future(gate: &EarlierGate, now: DateTime<Utc>) -> Option<String> {
    match DateTime::parse_from_rfc3339(&gate.decided) {
        Ok(at) if at.with_timezone(&Utc) <= now => None,
        Ok(_) => Some(format!("{}: it was decided in the future ({})", gate.path, gate.decided)),
        Err(_) => Some(format!("{}: {:?} is no time", gate.path, gate.decided)),
    }
}

/// A line of the checklist with what is against it.
fn against(answered: &Answered) -> String {
    format!("{} {}: {}", answered.line.id, answered.line.text, answered.against.join("; "))
}

/// What fails, one sentence each.
fn failures(judged: &[Judged<'_>], answered: &[Answered]) -> Vec<String> {
    let mut failed: Vec<String> = Vec::new();
    for one in judged {
        let red: Vec<&JobReport> = one.jobs.iter().filter(|job| job.verdict == Verdict::Fail).collect();
        if let Some(first) = red.first() {
            let what = if one.given.report.run.mode == Mode::Bench { "measured sets" } else { "jobs" };
            failed.push(format!(
                "{}: {} of {} {what} fail, {} first: {}",
                one.given.path,
                red.len(),
                one.jobs.len(),
                first.id,
                first.headline
            ));
        }
    }
    failed.extend(answered.iter().filter(|it| it.line.mark == Mark::Fail).map(against));
    failed
}

/// The signals of a phase.
#[must_use]
pub fn signals(phase: &Phase) -> Vec<String> {
    if phase.signals.is_empty() {
        return evidence::ALL.map(str::to_owned).to_vec();
    }
    phase.signals.clone()
}
