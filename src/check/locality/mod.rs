//! LOCALITY: how many files and row groups must a reader open for one trace, and is the job's slot whole?
//!
//! 1. Per side, the files and row groups of each trace are counted, and summed up by mean, median, 95 % and highest (by nearest
//!    rank: each is a count that occurs). Rows without a trace are left out and counted.
//! 2. A trace is *scattered* where it lies in more files than its start times need (see `homes` and `traces`): a writer that
//!    sorts by start time and cuts freely scatters none. It gates where the signal's first sort column is its time column;
//!    under another order it is a warning.
//! 3. Between the sides: a candidate whose 95 % or highest count of files for one trace is above the baseline's by more than
//!    its number of files is above the baseline's, is worse: a warning.
//! 4. Slots (see `slot`): rows of another slot than the job's are counted. Where the inputs hold as many themselves, the job's
//!    parameters are the likelier fault: a warning then.
//!
//! The candidate is gated, the baseline told. Cost: a pass over the time column, one over trace and time column for every bound's
//! worth of traces, one over the slot column; memory as `homes` and `traces` say.

mod homes;
pub(crate) mod slot;
#[cfg(test)]
mod tests;
mod traces;

use corpora::signal::LocalityRule;
use reports::document::{CheckStatus, Coverage, Finding, Place, Role, Severity};
use reports::signal_evidence::LocalityEvidence;

use self::slot::Slots;
use self::traces::{Traces, Where};
use super::draft::{self, SideError, counted};
use super::finding::{Refine, finding, severity_on};
use super::{Check, Evidence, Observed, Outcome, Subject};
use crate::error::Result;
use crate::output::OutputFile;

const CHECK: &str = "LOCALITY";

/// The check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Locality;

impl Check for Locality {
    fn code(&self) -> &'static str {
        CHECK
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        let Some(rule) = subject.job.signal.as_ref().and_then(|it| it.locality.as_ref()) else {
            return Ok(draft::decided(
                CheckStatus::NotApplicable,
                "nothing is looked up together".to_owned(),
            ));
        };
        if let Some(why) = subject.unread(&rule.trace) {
            let summary = format!("locality is not judged: {why}");
            return Ok(draft::decided(CheckStatus::NotApplicable, summary));
        }
        if let Some(outcome) = draft::nothing_to_examine(subject, CHECK, "locality") {
            return Ok(outcome);
        }
        let slots = Slots::of(rule, &subject.job.parameters)
            .and_then(|slots| subject.unread(slots.column).map_or(Ok(slots), Err));
        let mut findings = Vec::new();
        let mut locality: Vec<LocalityEvidence> = Vec::new();
        for side in subject.sides() {
            match judge(subject, side, rule, slots.as_ref().ok()) {
                Ok((evidence, found)) => {
                    locality.push(evidence);
                    findings.extend(found);
                }
                Err(failed) => return draft::read_failed(CHECK, "locality", failed),
            }
        }
        findings.extend(worse(subject, &locality));
        findings.sort_by_key(|finding: &Finding| finding.severity);
        let mut told: Vec<String> = locality.iter().map(in_words).collect();
        if time_column(subject).is_none() {
            let named = subject.job.signal.as_ref().and_then(|it| it.time_column.as_deref());
            let why = named.and_then(|column| subject.unread(column));
            let why = why.unwrap_or_else(|| "the signal has no time column".to_owned());
            told.push(format!("scatter not judged: {why}"));
        }
        if let Err(why) = &slots {
            told.push(format!("slots not checked: {why}"));
        }
        let columns = 1 + u64::from(time_column(subject).is_some()) + u64::from(slots.is_ok());
        Ok(Outcome {
            findings,
            coverage: Coverage { columns, ..draft::coverage(subject) },
            summary: told.join("; "),
            status: traceless(&locality),
            evidence: Evidence { locality, ..Evidence::default() },
        })
    }
}

/// The time column, where there is one that is read.
fn time_column<'a>(subject: &Subject<'a>) -> Option<&'a str> {
    let named = subject.job.signal.as_ref().and_then(|it| it.time_column.as_deref());
    named.filter(|column| subject.unread(column).is_none())
}

/// The status where no row of the candidate has a trace: nothing vouches for it then.
fn traceless(locality: &[LocalityEvidence]) -> Option<CheckStatus> {
    locality.iter().find(|it| it.side == Role::Candidate && it.traces == 0)?;
    let nowhere = locality.iter().all(|it| it.traces == 0);
    Some(if nowhere { CheckStatus::NotApplicable } else { CheckStatus::Inconclusive })
}

fn in_words(it: &LocalityEvidence) -> String {
    if it.traces == 0 {
        return format!("{}: none of {} has a trace", it.side, counted(it.spans, "row"));
    }
    let mut words = format!(
        "{}: {}, in at most {} (95 %: {}) and {}",
        it.side,
        counted(it.traces, "trace"),
        counted(it.files.max, "file"),
        it.files.p95,
        counted(it.row_groups.max, "row group"),
    );
    if it.scattered > 0 {
        words.push_str(&format!(", {} scattered", it.scattered));
    }
    if it.without_trace > 0 {
        words.push_str(&format!(", {} without a trace", counted(it.without_trace, "row")));
    }
    if let Some(foreign) = it.foreign_slot.filter(|&foreign| foreign > 0) {
        words.push_str(&format!(", {} of another slot", counted(foreign, "row")));
    }
    words
}

fn judge(
    subject: &Subject<'_>,
    side: &Observed,
    rule: &LocalityRule,
    slots: Option<&Slots<'_>>,
) -> std::result::Result<(LocalityEvidence, Vec<Finding>), SideError> {
    let (role, cancel) = (side.role, subject.cancel);
    let timed = match time_column(subject) {
        Some(column) => Some((column, homes::find(&side.output.files, column, role, cancel)?)),
        None => None,
    };
    let files =
        timed.as_ref().map_or_else(|| side.output.files.iter().collect(), |(_, (files, _))| files.clone());
    let time = timed.as_ref().map(|(column, (_, homes))| (*column, homes));
    let traces = Traces::of(role, &files, Where { trace: &rule.trace, time }, cancel)?;
    let foreign = slots.map(|slots| slots.foreign(&side.output.files, role, cancel)).transpose()?;
    let mut worst = Vec::new();
    for told in &traces.worst {
        worst.push((traces.name(told)?, told.files, told.rows));
    }
    let evidence = LocalityEvidence {
        side: role,
        traces: traces.traces,
        spans: side.output.rows(),
        without_trace: traces.without_trace,
        files: traces.files(),
        row_groups: traces.row_groups(),
        scattered: traces.scattered,
        foreign_slot: foreign.as_ref().map(|it| it.0),
        worst,
    };
    let mut findings = Vec::new();
    findings.extend(scattered(subject, role, &traces)?);
    if let (Some(slots), Some((count @ 1.., first))) = (slots, foreign) {
        findings.push(foreign_slot(subject, role, slots, count, first)?);
    }
    Ok((evidence, findings))
}

fn scattered(
    subject: &Subject<'_>,
    role: Role,
    traces: &Traces<'_>,
) -> std::result::Result<Option<Finding>, SideError> {
    let Some(example) = &traces.example else { return Ok(None) };
    let sorted_by = subject.job.signal.as_ref().and_then(|it| it.sort_key.first());
    let by_time = sorted_by.map(String::as_str) == time_column(subject);
    let severity = match severity_on(role) {
        Severity::Blocker if !by_time => Severity::Warning,
        severity => severity,
    };
    let name = traces.name(example)?;
    let message = format!(
        "{} of the {role} in more files than the start times need; trace {name} lies in {}, {} would do",
        counted(traces.scattered, "trace"),
        counted(example.files, "file"),
        example.needed
    );
    let draft = finding(CHECK, "locality.scattered", severity, Some(role), message);
    let draft = draft.counting(traces.scattered).at(traces.place(example)).with("trace", name);
    let draft = draft.with("files", example.files).with("files needed", example.needed);
    Ok(Some(draft.with("rows of the trace", example.rows)))
}

/// Rows of another slot. Where the inputs hold as many, the writer only did as it was told.
fn foreign_slot(
    subject: &Subject<'_>,
    role: Role,
    slots: &Slots<'_>,
    count: u64,
    first: Option<Place>,
) -> std::result::Result<Finding, SideError> {
    let mut in_inputs = 0;
    for input in &subject.job.inputs {
        let name = input.to_string_lossy();
        let counted = OutputFile::open(input, &name).and_then(|file| slots.in_file(&file, subject.cancel));
        in_inputs += counted.map_err(|error| SideError { role, file: name.into_owned(), error })?.0;
    }
    let mut message = format!(
        "{} of the {role} of another slot than {} of {}",
        counted(count, "row"),
        slots.slot,
        slots.slots
    );
    let mut severity = severity_on(role);
    if in_inputs > 0 {
        message.push_str(&format!("; the inputs hold {} themselves", counted(in_inputs, "such row")));
    }
    if in_inputs >= count {
        message.push_str(": are slot, slots, dateint and organization those of the job?");
        severity = severity.max(Severity::Warning);
    }
    let draft = finding(CHECK, "locality.slot", severity, Some(role), message).counting(count);
    let draft = if let Some(first) = first { draft.at(first) } else { draft };
    Ok(draft.with("slot", slots.slot).with("slots", slots.slots).with("such rows in the inputs", in_inputs))
}

/// A candidate whose traces lie in more files than the baseline's by more than the growth of its number of files explains.
fn worse(subject: &Subject<'_>, locality: &[LocalityEvidence]) -> Option<Finding> {
    let [baseline, candidate] = locality else { return None };
    let files = |side: &Observed| side.output.files.iter().filter(|file| file.info.rows > 0).count() as u64;
    let (before, after) = (files(subject.baseline?), files(subject.candidate));
    if before == 0 || baseline.traces == 0 {
        return None;
    }
    let allowed = |count: u64| (count * after).div_ceil(before).max(count);
    let figures = [
        ("the highest count", baseline.files.max, candidate.files.max),
        ("the count at 95 %", baseline.files.p95, candidate.files.p95),
    ];
    let grown: Vec<&(&str, u64, u64)> =
        figures.iter().filter(|(_, before, after)| *after > allowed(*before)).collect();
    if grown.is_empty() {
        return None;
    }
    let told: Vec<String> = grown
        .iter()
        .map(|(what, before, after)| format!("{what} is {after} where the baseline has {before}"))
        .collect();
    let message = format!(
        "a reader opens more files for one trace of the candidate: {}; {} against {} do not explain it",
        told.join(", "),
        counted(after, "file"),
        before
    );
    let draft = finding(CHECK, "locality.worse", Severity::Warning, Some(Role::Candidate), message);
    let draft =
        draft.with("highest, baseline", baseline.files.max).with("highest, candidate", candidate.files.max);
    Some(draft.with("95 %, baseline", baseline.files.p95).with("95 %, candidate", candidate.files.p95))
}
