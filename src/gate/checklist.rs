//! The checklist of the guide, line by line: what checks answer, what earlier gates answer, and what a human confirms.
//!
//! Where several things answer a line, all of them must: a confirmation never stands in for a check. What can be known only
//! after the rollout has begun is left for later, unless the phase is to be completed.

use std::collections::BTreeSet;

use reports::document::{CheckStatus, Verdict};
use reports::gate::{Confirmation, EarlierGate, Line, Mark, Stage};

use super::evidence::{applies, line as evidence};
use super::{Context, Judged};
use crate::error::{Error, Result};
use crate::measure::set::CODES;
use crate::policy::phase::{Item, Phase, When};
use crate::policy::verdict;

/// A line, and of its reasons those that gave it its mark.
#[derive(Debug)]
pub struct Answered {
    /// The line with all its reasons.
    pub line: Line,
    /// What keeps it from a pass; empty where nothing does.
    pub against: Vec<String>,
}

/// Who confirmed what.
#[derive(Debug, Clone, Default)]
pub struct Confirmed {
    /// Ids or texts of lines, as typed.
    pub lines: Vec<String>,
    /// Name of who signs.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
}

/// All lines: prerequisites, what is to be vouched for of the reports, validation, success.
///
/// # Errors
/// Class `usage` for a confirmation of a line that does not exist or that cannot be confirmed.
pub fn lines(
    phase: &Phase,
    about_reports: Vec<Item>,
    judged: &[Judged<'_>],
    earlier: &[EarlierGate],
    context: &Context<'_>,
) -> Result<Vec<Answered>> {
    let mut items: Vec<(String, &Item)> = Vec::new();
    for (letter, list) in
        [("P", &phase.prerequisites), ("R", &about_reports), ("V", &phase.validation), ("S", &phase.success)]
    {
        items.extend(list.iter().enumerate().map(|(index, item)| (format!("{letter}{}", index + 1), item)));
    }
    let chosen = chosen(&items, context)?;
    Ok(items
        .iter()
        .map(|(id, item)| {
            let confirmed = chosen
                .contains(id)
                .then(|| Confirmation { by: context.confirmed.by.clone(), at: context.confirmed.at.clone() });
            one(id, item, judged, earlier, confirmed, context)
        })
        .collect())
}

/// The ids of the lines that were confirmed.
fn chosen(items: &[(String, &Item)], context: &Context<'_>) -> Result<BTreeSet<String>> {
    let can = |item: &Item| item.confirm.is_some() || !item.after.is_empty();
    let mut chosen = BTreeSet::new();
    for typed in &context.confirmed.lines {
        let wanted = typed.trim().to_lowercase();
        let found =
            items.iter().find(|(id, item)| id.to_lowercase() == wanted || item.text.to_lowercase() == wanted);
        let Some((id, item)) = found else {
            let known: Vec<String> = items
                .iter()
                .filter(|(_, item)| can(item))
                .map(|(id, item)| format!("{id} {:?}", item.text))
                .collect();
            return Err(Error::usage(format!(
                "--confirm {typed:?}: there is no such line; those that a human confirms are {}",
                known.join(", ")
            )));
        };
        if !can(item) {
            return Err(Error::usage(format!(
                "--confirm {typed:?}: {id} is answered by {}, not by a human",
                item.checks.join(", ")
            )));
        }
        if item.when == When::After && context.stage == Stage::Begin {
            return Err(Error::usage(format!(
                "--confirm {typed:?}: {id} can be known only once the rollout has begun; confirm it with --complete"
            )));
        }
        chosen.insert(id.clone());
    }
    Ok(chosen)
}

fn one(
    id: &str,
    item: &Item,
    judged: &[Judged<'_>],
    earlier: &[EarlierGate],
    confirmed: Option<Confirmation>,
    context: &Context<'_>,
) -> Answered {
    let mut parts: Vec<(Mark, String)> = Vec::new();
    for code in &item.checks {
        parts.extend(check(code, judged, context));
    }
    if item.every_gating_check {
        parts.push(every(judged));
    }
    for phase in &item.after {
        parts.push(after(phase, earlier, confirmed.as_ref()));
    }
    if let Some(rule) = &item.confirm {
        parts.push(match &confirmed {
            Some(by) => (Mark::Confirmed, format!("confirmed by {}: {rule}", by.by)),
            None => {
                (Mark::Open, format!("for the operator to confirm (--confirm {id} --signed-by NAME): {rule}"))
            }
        });
    }
    let has = |mark: Mark| parts.iter().any(|(part, _)| *part == mark);
    let later = item.when == When::After && context.stage == Stage::Begin;
    let mark = if has(Mark::Fail) {
        Mark::Fail
    } else if later {
        Mark::Later
    } else if has(Mark::Open) || parts.is_empty() {
        Mark::Open
    } else if has(Mark::Confirmed) {
        Mark::Confirmed
    } else {
        Mark::Pass
    };
    let against = parts
        .iter()
        .filter(|(part, _)| *part == mark && matches!(mark, Mark::Fail | Mark::Open))
        .map(|(_, because)| because.clone())
        .collect();
    let because = if mark == Mark::Later {
        let rule = item.confirm.as_deref().unwrap_or_default();
        vec![format!("asked with --complete, once the rollout is done: {rule}")]
    } else {
        parts.into_iter().map(|(_, because)| because).collect()
    };
    let line = Line {
        id: id.to_owned(),
        text: item.text.clone(),
        mark,
        because,
        checks: item.checks.clone(),
        confirm: item.confirm.clone(),
        confirmed,
    };
    Answered { line, against }
}

/// What a check says on each signal of the phase.
fn check(code: &str, judged: &[Judged<'_>], context: &Context<'_>) -> Vec<(Mark, String)> {
    let signals = context.signals.iter().filter(|signal| applies(code, signal));
    let answers: Vec<(Mark, String)> = signals
        .map(|signal| {
            let line = evidence(judged, code, signal, "");
            let counted = if line.mark == Mark::Pass && !CODES.contains(&code) {
                format!(" by {}, {} rows examined", counted(line.jobs as usize), line.rows)
            } else {
                String::new()
            };
            (line.mark, format!("{code}, {signal}: {}{counted}", line.because))
        })
        .collect();
    if answers.is_empty() {
        return vec![(Mark::Open, format!("{code} can be asked of none of the phase's signals"))];
    }
    answers
}

/// Whether any check that gates failed or is undecided in any job.
fn every(judged: &[Judged<'_>]) -> (Mark, String) {
    let jobs = || judged.iter().flat_map(|report| report.jobs.iter().map(move |job| (report, job)));
    let of = |status: CheckStatus| {
        jobs().find_map(|(report, job)| {
            let check = job.checks.iter().find(|check| check.gates && check.status == status)?;
            Some(format!("{}, {}, {}", report.given.path, job.id, check.check))
        })
    };
    if let Some(place) = of(CheckStatus::Fail) {
        return (Mark::Fail, format!("a check that gates failed: {place}"));
    }
    if let Some(place) = of(CheckStatus::Inconclusive) {
        return (Mark::Open, format!("a check that gates is undecided: {place}"));
    }
    let compared =
        jobs().filter(|(report, job)| report.refused.is_empty() && job.measurement.is_none()).count();
    if compared == 0 {
        return (Mark::Open, "no job was compared".to_owned());
    }
    (Mark::Pass, format!("no check that gates failed in {}", counted(compared)))
}

fn counted(jobs: usize) -> String {
    if jobs == 1 { "1 job".to_owned() } else { format!("{jobs} jobs") }
}

/// Whether an earlier phase is over: by its gate, or, where none was named, by a human's word.
fn after(phase: &str, earlier: &[EarlierGate], confirmed: Option<&Confirmation>) -> (Mark, String) {
    let gates: Vec<&EarlierGate> = earlier.iter().filter(|gate| gate.phase == phase).collect();
    if let Some(bad) = gates.iter().find(|gate| gate.verdict == Verdict::Fail) {
        return (Mark::Fail, format!("the gate of {phase} failed ({})", bad.path));
    }
    if let Some(good) = gates.iter().find(|gate| gate.verdict == Verdict::Pass && gate.closing) {
        return (Mark::Pass, format!("the gate of {phase} completed it on {} ({})", good.decided, good.path));
    }
    match (gates.first(), confirmed) {
        (Some(open), _) if open.verdict != Verdict::Pass => {
            (Mark::Open, format!("the gate of {phase} is inconclusive ({})", open.path))
        }
        (Some(begun), _) => (
            Mark::Open,
            format!(
                "the gate of {phase} let it begin, but it was not completed ({}): gate --complete",
                begun.path
            ),
        ),
        (None, Some(by)) => {
            (Mark::Confirmed, format!("{} says that phase {phase} is over; no gate of it was named", by.by))
        }
        (None, None) => (
            Mark::Open,
            format!(
                "nothing shows that phase {phase} is over: name its gate with --after, or confirm this line"
            ),
        ),
    }
}

/// The blockers that decide, of all reports.
#[must_use]
pub fn findings(judged: &[Judged<'_>]) -> Vec<reports::gate::GateFinding> {
    let mut found = Vec::new();
    for report in judged {
        for job in &report.jobs {
            for check in job.checks.iter().filter(|check| check.gates) {
                for finding in check.findings.iter().filter(|finding| verdict::is_blocking(finding)) {
                    found.push(reports::gate::GateFinding {
                        report: report.given.path.clone(),
                        job: job.id.clone(),
                        finding: finding.clone(),
                    });
                }
            }
        }
    }
    found
}
