//! METADATA: does each manifest entry equal what its own file's rows give when recomputed?
//!
//! 1. For every file that the manifest names, record count, byte size, first and last timestamp (inclusive; rows without one
//!    are left out), fingerprint set and split key are recomputed. Only what the manifest states is judged.
//! 2. A field that is stated for some files must be stated for all that have a value for it.
//! 3. Split keys: every row lies in the file's hour (times in milliseconds), keys are distinct, file indexes of an hour run
//!    from 0 and rise with time, the date of ingestion is the job's.
//! 4. On a baseline with known defects, a mismatch that is exactly what a defect's rule yields (see `defects`) is told as
//!    that defect; anything else there is a warning without a letter.
//!
//! Files without an entry and entries without a file are ACCOUNTING's. Cost: one pass over all columns of both sides.

mod defects;
mod facts;
pub(crate) mod fingerprint;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use reports::document::{CheckStatus, Coverage, Evidence as Named, Finding, Place, Role, Severity, SideKind};
use reports::evidence::MetadataEvidence;
use reports::manifest::{ManifestFile, SplitKey};

use self::defects::{HourRange, Member};
use self::facts::Facts;
use super::draft::{self, SideError, counted};
use super::finding::{evidence, finding, in_file};
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
            outcome.evidence.metadata.extend(judged.evidence);
        }
        outcome.findings.extend(silence(subject));
        // The baseline's manifest vouches for the baseline only.
        if !candidate_judged {
            outcome.status = Some(CheckStatus::NotApplicable);
        }
        outcome.findings.sort_by_key(|finding| finding.severity);
        told.extend(without);
        outcome.summary = told.join("; ");
        Ok(outcome)
    }
}

/// Fields that the baseline's manifest states and the candidate's states of no file at all. A built-in writer states them, so
/// their absence is a fault; a writer of somebody else's may say less, which is told.
fn silence(subject: &Subject<'_>) -> Vec<Finding> {
    let entries = |side: Option<&Observed>| {
        let manifest = side.and_then(|side| side.output.manifest.as_ref());
        manifest.map(|manifest| manifest.files.clone()).unwrap_or_default()
    };
    let (baseline, candidate) = (entries(subject.baseline), entries(Some(subject.candidate)));
    if candidate.is_empty() {
        return Vec::new();
    }
    let severity = match subject.candidate.info.kind {
        SideKind::Unified | SideKind::Fault => Severity::Blocker,
        _ => Severity::Warning,
    };
    type States = fn(&ManifestFile) -> bool;
    let fields: [(&str, States); 6] = [
        ("record_count", |file| file.record_count.is_some()),
        ("file_size", |file| file.file_size.is_some()),
        ("first_ts", |file| file.first_ts.is_some()),
        ("last_ts", |file| file.last_ts.is_some()),
        ("fingerprints", |file| file.fingerprints.is_some()),
        ("split_key", |file| file.split_key.is_some()),
    ];
    fields
        .into_iter()
        .filter(|(_, states)| baseline.iter().any(states) && !candidate.iter().any(states))
        .map(|(field, _)| {
            let message =
                format!("the baseline's manifest states {field}, the candidate's states it of no file");
            let mut found = finding(CHECK, "metadata.not_stated", severity, Some(Role::Candidate), message);
            found.evidence.push(evidence("field", field));
            found
        })
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
}

/// One file with what is stated of it.
struct Stated<'a> {
    file: &'a OutputFile,
    entry: &'a ManifestFile,
    facts: Facts,
}

/// A mismatch of one field of one file.
struct Mismatch {
    field: &'static str,
    file: String,
    row: Option<u64>,
    stated: String,
    recomputed: String,
    /// The defect that explains it exactly.
    defect: Option<KnownDefect>,
    absent: bool,
    more: Vec<Named>,
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
            let facts = facts::of(file, signal, entry.split_key, subject.cancel)
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
        for field in fields(subject, it, &explained[position]) {
            judge_field(side.role, it, field, &stated, &mut judged.evidence, &mut mismatches);
        }
    }
    split_keys(subject, side.role, &stated, &mut judged.evidence, &mut mismatches);
    judged.findings = findings(subject, side.role, &mismatches);
    Ok(Some(judged))
}

/// What the known defects would have stated of one file.
#[derive(Default)]
struct Explained {
    fingerprints: Option<BTreeSet<i64>>,
    range: Option<HourRange>,
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
    let time_column = subject.job.signal.as_ref().and_then(|it| it.time_column.as_deref());
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

/// One field of one file: what is stated, what the rows give, and what a defect would have stated.
struct Field {
    name: &'static str,
    stated: Option<String>,
    recomputed: Option<String>,
    /// For values that the texts only sum up.
    agrees: Option<bool>,
    defect: Option<KnownDefect>,
    /// Whether any entry of the manifest states it.
    states: fn(&ManifestFile) -> bool,
    more: Vec<Named>,
}

fn fields(subject: &Subject<'_>, it: &Stated<'_>, explained: &Explained) -> Vec<Field> {
    let text = |value: Option<i64>| value.map(|it| it.to_string());
    let plain = |name, stated: Option<u64>, recomputed: u64, states| Field {
        name,
        stated: stated.map(|it| it.to_string()),
        recomputed: Some(recomputed.to_string()),
        agrees: None,
        defect: None,
        states,
        more: Vec::new(),
    };
    let mut fields = vec![
        plain("record_count", it.entry.record_count, it.facts.rows, |entry| entry.record_count.is_some()),
        plain("file_size", it.entry.file_size, it.facts.bytes, |entry| entry.file_size.is_some()),
    ];
    let signal = subject.job.signal.as_ref();
    if signal.is_some_and(|it| it.time_column.is_some()) {
        let range = explained.range;
        let of = |matches: bool| matches.then_some(KnownDefect::HourRange);
        fields.push(Field {
            name: "first_ts",
            stated: text(it.entry.first_ts),
            recomputed: text(it.facts.range.map(|range| range.0)),
            agrees: None,
            defect: of(range.is_some_and(|range| it.entry.first_ts == Some(range.first))),
            states: |entry| entry.first_ts.is_some(),
            more: Vec::new(),
        });
        fields.push(Field {
            name: "last_ts",
            stated: text(it.entry.last_ts),
            recomputed: text(it.facts.range.map(|range| range.1)),
            agrees: None,
            defect: of(range.is_some_and(|range| it.entry.last_ts == Some(range.last))),
            states: |entry| entry.last_ts.is_some(),
            more: Vec::new(),
        });
    }
    fields.extend(it.facts.fingerprints.as_ref().map(|prints| fingerprints(it, prints, explained)));
    fields
}

fn fingerprints(it: &Stated<'_>, prints: &facts::Prints, explained: &Explained) -> Field {
    let own = prints.all();
    let stated: Option<BTreeSet<i64>> = it.entry.fingerprints.as_ref().map(|it| it.iter().copied().collect());
    let mut more = Vec::new();
    if let Some(stated) = &stated {
        let lists = [("missing", own.difference(stated)), ("extra", stated.difference(&own))];
        for (name, difference) in lists {
            let values: Vec<i64> = difference.copied().collect();
            if let Some(first) = values.first() {
                more.push(evidence(
                    &format!("fingerprints {name}"),
                    format!("{}, first {first}", values.len()),
                ));
            }
        }
    }
    let words = |set: &BTreeSet<i64>| counted(set.len() as u64, "fingerprint");
    Field {
        name: "fingerprints",
        agrees: stated.as_ref().map(|stated| *stated == own),
        defect: (stated.is_some() && stated == explained.fingerprints)
            .then_some(KnownDefect::FingerprintShift),
        stated: stated.as_ref().map(words),
        recomputed: (!own.is_empty()).then(|| words(&own)),
        states: |entry| entry.fingerprints.is_some(),
        more,
    }
}

fn judge_field(
    role: Role,
    it: &Stated<'_>,
    field: Field,
    all: &[Stated<'_>],
    records: &mut Vec<MetadataEvidence>,
    mismatches: &mut Vec<Mismatch>,
) {
    let stated_elsewhere = all.iter().any(|other| (field.states)(other.entry));
    if !stated_elsewhere {
        return;
    }
    // A set that is stated as empty equals one that is not there.
    let agrees = field.agrees.unwrap_or_else(|| field.stated == field.recomputed);
    records.push(MetadataEvidence {
        side: role,
        file: it.file.info.path.clone(),
        field: field.name.to_owned(),
        stated: field.stated.clone(),
        recomputed: field.recomputed.clone(),
        agrees,
    });
    if !agrees {
        mismatches.push(Mismatch {
            field: field.name,
            file: it.file.info.path.clone(),
            row: None,
            absent: field.stated.is_none(),
            stated: field.stated.unwrap_or_else(|| "nothing".to_owned()),
            recomputed: field.recomputed.unwrap_or_else(|| "nothing".to_owned()),
            defect: field.defect,
            more: field.more,
        });
    }
}

fn key_text(key: SplitKey) -> String {
    format!("{} hour {} ingest {} index {}", key.dateint, key.hour, key.ingest_dateint, key.file_index)
}

/// Judges split keys: hours of rows, distinct keys, indexes from 0 that rise with time.
fn split_keys(
    subject: &Subject<'_>,
    role: Role,
    stated: &[Stated<'_>],
    records: &mut Vec<MetadataEvidence>,
    mismatches: &mut Vec<Mismatch>,
) {
    if stated.iter().all(|it| it.entry.split_key.is_none()) {
        return;
    }
    let mut wrong: BTreeMap<usize, (Option<u64>, String)> = BTreeMap::new();
    for (position, it) in stated.iter().enumerate() {
        let Some(key) = it.entry.split_key else { continue };
        if let Some((row, time)) = it.facts.first_misplaced {
            let (date, hour) = facts::date_hour(time);
            let rows = counted(it.facts.misplaced, "row");
            wrong.insert(position, (Some(row), format!("{rows} of another hour, first {date} hour {hour}")));
        } else if let Some(date) =
            subject.job.parameters.ingest_dateint.filter(|&date| date != key.ingest_dateint)
        {
            wrong.insert(position, (None, format!("ingest {date} by the job")));
        }
    }
    let members: Vec<Member<'_>> =
        stated.iter().map(|it| Member { split_key: it.entry.split_key, facts: &it.facts }).collect();
    for chain in defects::chains(&members) {
        let mut before = None;
        for (wanted, &position) in chain.iter().enumerate() {
            let Some(key) = stated[position].entry.split_key else { break };
            let first = stated[position].facts.range.map(|range| range.0);
            if i64::try_from(wanted) != Ok(key.file_index) {
                wrong.entry(position).or_insert((None, format!("index {wanted} in its hour")));
            } else if first < before {
                let text = "begins before the file with the index before it".to_owned();
                wrong.entry(position).or_insert((None, text));
            }
            before = first.or(before);
        }
    }
    for (position, it) in stated.iter().enumerate() {
        let wrong = match it.entry.split_key {
            Some(_) => wrong.remove(&position),
            None => Some((None, "a file of an hour".to_owned())),
        };
        let text = it.entry.split_key.map(key_text);
        records.push(MetadataEvidence {
            side: role,
            file: it.file.info.path.clone(),
            field: "split_key".to_owned(),
            stated: text.clone(),
            recomputed: wrong.as_ref().map(|(_, text)| text.clone()).or_else(|| text.clone()),
            agrees: wrong.is_none(),
        });
        if let Some((row, recomputed)) = wrong {
            mismatches.push(Mismatch {
                field: "split_key",
                file: it.file.info.path.clone(),
                row,
                absent: text.is_none(),
                stated: text.unwrap_or_else(|| "nothing".to_owned()),
                recomputed,
                defect: None,
                more: Vec::new(),
            });
        }
    }
}

/// One finding per field, kind and defect, for all files that it concerns.
fn findings(subject: &Subject<'_>, role: Role, mismatches: &[Mismatch]) -> Vec<Finding> {
    let mut groups: BTreeMap<(&str, bool, Option<KnownDefect>), Vec<&Mismatch>> = BTreeMap::new();
    for it in mismatches {
        groups.entry((it.field, it.absent, it.defect)).or_default().push(it);
    }
    let draft = |((field, absent, defect), files): ((&str, bool, Option<KnownDefect>), Vec<&Mismatch>)| {
        let first = files.first()?;
        let severity = match (role, defect) {
            (Role::Candidate, _) => Severity::Blocker,
            (Role::Baseline, None) if !subject.known_defects.is_empty() => Severity::Warning,
            (Role::Baseline, _) => Severity::Info,
        };
        let code = if absent { "metadata.absent".to_owned() } else { format!("metadata.{field}") };
        let count = files.len() as u64;
        let explained = defect
            .map(|it| format!("; exactly what known defect {} yields", it.letter()))
            .unwrap_or_default();
        let message = format!(
            "{field} of {} of the {role}: {} states {}, its rows give {}{explained}",
            counted(count, "file"),
            first.file,
            first.stated,
            first.recomputed
        );
        let mut draft = finding(CHECK, &code, severity, Some(role), message);
        draft.count = count;
        draft.defect = defect.map(|it| it.letter().to_owned());
        draft.place = Some(Place { row: first.row, ..in_file(&first.file) });
        draft.evidence = vec![
            evidence("field", field),
            evidence("stated", first.stated.clone()),
            evidence("recomputed", first.recomputed.clone()),
        ];
        draft.evidence.extend(first.more.iter().cloned());
        Some(draft)
    };
    groups.into_iter().filter_map(draft).collect()
}
