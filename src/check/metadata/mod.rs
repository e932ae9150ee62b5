//! METADATA: does each manifest entry equal what its own file's rows give when recomputed?
//!
//! 1. For every file that the manifest names, record count, byte size, first and last timestamp (inclusive; rows without one
//!    are left out), fingerprint set and split key are recomputed. Only what the manifest states is judged.
//!    Of signals with groups also the distinct groups, the lowest and the highest; of signals with traces the spans (rows),
//!    the distinct traces (rows without one are left out, `""` is one), and the slot, which is the job's.
//! 2. A field that is stated for some files must be stated for all that have a value for it; one that is stated of no file
//!    is judged by `silence`.
//! 3. Split keys: every row lies in the file's hour (times in milliseconds), keys are distinct, file indexes of an hour run
//!    from 0 and rise with time, the date of ingestion is the job's.
//! 4. On a baseline with known defects, a mismatch that is exactly what a defect's rule yields (see `defects`) is told as
//!    that defect; anything else there is a warning without a letter.
//!
//! 5. Ignored columns are not read. What they alone give (times, groups, traces) is not judged, which the summary says; of a set of
//!    fingerprints what they may have given is allowed.
//!
//! Files without an entry and entries without a file are ACCOUNTING's. Cost: one pass over both sides, over all columns where
//! the signal has fingerprints; see `values` for files with more distinct groups or traces than are held at once.

mod defects;
mod facts;
mod field;
pub(crate) mod fingerprint;
mod mismatch;
#[cfg(test)]
mod signal_tests;
mod silence;
mod split_key;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeSet;

use rayon::prelude::*;
use reports::document::{CheckStatus, Coverage, Finding, Role};
use reports::evidence::MetadataEvidence;
use reports::manifest::ManifestFile;

use self::defects::{HourRange, Member};
use self::facts::Facts;
use super::draft::{self, SideError, counted};
use super::{Check, KnownDefect, Observed, Outcome, Subject};
use crate::error::Result;
use crate::output::OutputFile;

const CHECK: &str = "METADATA";

/// The check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Metadata;

impl Check for Metadata {
    fn code(&self) -> &'static str {
        CHECK
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        if let Some(outcome) = draft::nothing_to_examine(subject, CHECK, "metadata") {
            return Ok(outcome);
        }
        let mut outcome = Outcome::default();
        let mut told = Vec::new();
        let mut without = Vec::new();
        let mut candidate_judged = false;
        let mut known = BTreeSet::new();
        for side in subject.sides() {
            let judged = match judge(subject, side) {
                Ok(judged) => judged,
                Err(failed) => return draft::read_failed(CHECK, "metadata", failed),
            };
            let Some(judged) = judged else {
                without.push(format!("the {} has no manifest", side.role));
                continue;
            };
            candidate_judged |= side.role == Role::Candidate && !judged.evidence.is_empty();
            let wrong = judged.evidence.iter().filter(|it| !it.agrees).count() as u64;
            told.push(format!(
                "{}: {} of {} agree",
                side.role,
                judged.evidence.len() as u64 - wrong,
                counted(judged.evidence.len() as u64, "stated field")
            ));
            add(&mut outcome.coverage, judged.coverage);
            outcome.findings.extend(judged.findings);
            // The candidate comes last.
            known = judged.known;
            outcome.evidence.metadata.extend(judged.evidence);
        }
        outcome.findings.extend(silence::findings(subject, &known));
        // The baseline's manifest vouches for the baseline only.
        if !candidate_judged {
            outcome.status = Some(CheckStatus::NotApplicable);
        }
        outcome.findings.sort_by_key(|finding| finding.severity);
        told.extend(without);
        told.extend(unjudged(subject));
        outcome.summary = told.join("; ");
        Ok(outcome)
    }
}

/// What is not judged, since the column that gives it is not read.
fn unjudged(subject: &Subject<'_>) -> Vec<String> {
    let Some(signal) = subject.job.signal.as_deref() else { return Vec::new() };
    let trace = signal.locality.as_ref().map(|rule| &rule.trace);
    let given = [
        ("first_ts, last_ts and the hours of split keys", signal.time_column.as_ref()),
        ("tid_count, min_tid and max_tid", signal.group_key.as_ref()),
        ("trace_count", trace),
    ];
    let unread = |column: Option<&String>| column.and_then(|column| subject.unread(column));
    given
        .into_iter()
        .filter_map(|(fields, column)| Some(format!("{fields} not judged: {}", unread(column)?)))
        .collect()
}

fn add(sum: &mut Coverage, more: Coverage) {
    sum.files += more.files;
    sum.rows += more.rows;
    sum.columns = sum.columns.max(more.columns);
    sum.bytes += more.bytes;
}

/// What was found on one side.
#[derive(Default)]
struct Judged {
    findings: Vec<Finding>,
    evidence: Vec<MetadataEvidence>,
    coverage: Coverage,
    /// Fields for which some file's rows give a value.
    known: BTreeSet<&'static str>,
}

/// One file with what is stated of it.
struct Stated<'a> {
    file: &'a OutputFile,
    entry: &'a ManifestFile,
    facts: Facts,
}

fn judge(subject: &Subject<'_>, side: &Observed) -> std::result::Result<Option<Judged>, SideError> {
    let Some(manifest) = &side.output.manifest else { return Ok(None) };
    let signal = subject.job.signal.as_deref();
    let named: Vec<(&OutputFile, &ManifestFile)> = side
        .output
        .files
        .iter()
        .filter_map(|file| Some((file, manifest.files.get(file.manifest_index?)?)))
        .collect();
    let stated: std::result::Result<Vec<Stated<'_>>, SideError> = named
        .into_par_iter()
        .map(|(file, entry)| {
            let ignored = &subject.comparison.ignored;
            let facts = facts::of(file, signal, entry.split_key, ignored, subject.cancel)
                .map_err(|error| SideError { role: side.role, file: file.info.path.clone(), error })?;
            Ok(Stated { file, entry, facts })
        })
        .collect();
    let stated = stated?;
    let mut judged = Judged::default();
    for it in &stated {
        add(
            &mut judged.coverage,
            Coverage { files: 1, rows: it.facts.rows, columns: it.file.info.columns, bytes: it.facts.bytes },
        );
    }
    let explained = explanations(subject, side, &stated).map_err(|error| SideError {
        role: side.role,
        file: String::new(),
        error,
    })?;
    let mut mismatches = Vec::new();
    for (position, it) in stated.iter().enumerate() {
        for field in field::of(subject, it, &explained[position]) {
            if field.recomputed.is_some() {
                judged.known.insert(field.name);
            }
            field::judge(side.role, it, field, &stated, &mut judged.evidence, &mut mismatches);
        }
    }
    split_key::judge(subject, side.role, &stated, &mut judged.evidence, &mut mismatches);
    judged.findings = mismatch::findings(subject, side.role, &mismatches);
    Ok(Some(judged))
}

/// What the known defects would have stated of one file.
#[derive(Default)]
struct Explained {
    fingerprints: Option<BTreeSet<i64>>,
    range: Option<HourRange>,
    /// The statistics of this file are lost: it is not the last of its result.
    statistics_lost: bool,
}

fn explanations(subject: &Subject<'_>, side: &Observed, stated: &[Stated<'_>]) -> Result<Vec<Explained>> {
    let mut explained: Vec<Explained> = stated.iter().map(|_| Explained::default()).collect();
    if side.role != Role::Baseline {
        return Ok(explained);
    }
    let members: Vec<Member<'_>> =
        stated.iter().map(|it| Member { split_key: it.entry.split_key, facts: &it.facts }).collect();
    if subject.known_defects.contains(&KnownDefect::FingerprintShift) {
        for (it, set) in explained.iter_mut().zip(defects::shifted_fingerprints(&members)) {
            it.fingerprints = Some(set);
        }
    }
    if subject.known_defects.contains(&KnownDefect::StatisticsOnLastFileOnly) {
        let last = side.output.manifest.as_ref().and_then(|it| it.files.len().checked_sub(1));
        for (it, stated) in explained.iter_mut().zip(stated) {
            it.statistics_lost = stated.file.manifest_index != last;
        }
    }
    let time_column = subject.job.signal.as_ref().and_then(|it| it.time_column.as_deref());
    let time_column = time_column.filter(|column| subject.unread(column).is_none());
    let ranges_stated = stated.iter().any(|it| it.entry.first_ts.is_some() || it.entry.last_ts.is_some());
    if let Some(column) = time_column.filter(|_| ranges_stated)
        && subject.known_defects.contains(&KnownDefect::HourRange)
    {
        let ranges = defects::hour_ranges(&members, &subject.job.inputs, column, subject.cancel)?;
        for (it, range) in explained.iter_mut().zip(ranges) {
            it.range = range;
        }
    }
    Ok(explained)
}
