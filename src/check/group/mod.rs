//! GROUP: is every group (a time series) whole in one file, contiguous in it, ascending, and are the files' ranges disjoint?
//!
//! 1. A *run* is a stretch of neighbouring rows with one key. Keys compare as they are stored, numbers numerically whatever
//!    their type, strings bytewise. A row without a key belongs to no group, ends a run and is counted.
//! 2. Within a file, a run whose key is below that of the run before it is a descent; a run whose key was in the file before
//!    is a return. Numbers sorted as text descend.
//! 3. Across files, a group with rows in more than one file is split. Files are taken in judged order (the manifest's; without
//!    one by lowest key): one that begins below the highest key before it overlaps. A shared boundary key is a split, not
//!    an overlap.
//! 4. A key column of another type than the signal wants is told: numbers beyond 2^53 collapse in a float, text sorts as text.
//! 5. On a baseline that is known to yield groups again where its inputs are unsorted (defect D), what it splits, returns and
//!    puts in the wrong order is told as that defect, but only if the inputs really are unsorted.
//!
//! The candidate is gated, the baseline told. Counts are exact. Cost: one pass over the key column; constant memory where the
//! files ascend and share no key, else further passes with bounded memory (see `whole`).

mod runs;
#[cfg(test)]
mod tests;
mod whole;

use rayon::prelude::*;
use reports::document::{CheckStatus, Coverage, Finding, Place, Role, Severity};
use reports::signal_evidence::GroupEvidence;

use self::runs::{FileGroups, walk};
use self::whole::{Event, Whole};
use super::draft::{self, SideError, counted};
use super::finding::{Refine, finding, in_file, severity_on};
use super::{Check, Evidence, KnownDefect, Observed, Outcome, Subject};
use crate::error::Result;
use crate::job::JobKind;
use crate::output::key::KeyValue;
use crate::output::{FileOrder, OutputFile};

const CHECK: &str = "GROUP";

/// The check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Group;

impl Check for Group {
    fn code(&self) -> &'static str {
        CHECK
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        let Some(column) = subject.job.signal.as_ref().and_then(|it| it.group_key.clone()) else {
            return Ok(draft::decided(CheckStatus::NotApplicable, "no group key is defined".to_owned()));
        };
        if let Some(why) = subject.unread(&column) {
            return Ok(draft::decided(CheckStatus::NotApplicable, format!("groups are not judged: {why}")));
        }
        if subject.job.kind == JobKind::Ingest {
            let why = "an ingest job splits by hour: a group has rows in several hours by right";
            return Ok(draft::decided(CheckStatus::NotApplicable, why.to_owned()));
        }
        if let Some(outcome) = draft::nothing_to_examine(subject, CHECK, "group") {
            return Ok(outcome);
        }
        let mut findings = Vec::new();
        let mut groups = Vec::new();
        let mut missing = Vec::new();
        for side in subject.sides() {
            match judge(subject, side, &column) {
                Ok(judged) => {
                    groups.push(judged.evidence);
                    findings.extend(judged.findings);
                    missing.push(judged.missing);
                }
                Err(failed) => return draft::read_failed(CHECK, "group", failed),
            }
        }
        findings.extend(missing_keys(&groups, &missing, &column));
        explain(subject, &column, &mut findings)?;
        findings.sort_by_key(|finding: &Finding| finding.severity);
        let told: Vec<String> = groups.iter().map(in_words).collect();
        Ok(Outcome {
            findings,
            coverage: Coverage { columns: 1, ..draft::coverage(subject) },
            summary: told.join("; "),
            status: keyless(&groups),
            evidence: Evidence { groups, ..Evidence::default() },
        })
    }
}

/// The status where no row of the candidate has a key: nothing vouches for it then.
fn keyless(groups: &[GroupEvidence]) -> Option<CheckStatus> {
    let without = |it: &&GroupEvidence| it.missing_keys == it.rows;
    groups.iter().find(|it| it.side == Role::Candidate).filter(without)?;
    let nowhere = groups.iter().all(|it| without(&it));
    Some(if nowhere { CheckStatus::NotApplicable } else { CheckStatus::Inconclusive })
}

fn in_words(groups: &GroupEvidence) -> String {
    if groups.missing_keys == groups.rows {
        return format!("{}: none of {} has a group key", groups.side, counted(groups.rows, "row"));
    }
    let of =
        format!("{}: {} in {}", groups.side, counted(groups.groups, "group"), counted(groups.rows, "row"));
    let faults = [
        (groups.split, "split"),
        (groups.returned, "returned"),
        (groups.descents, "descending"),
        (groups.overlaps, "overlapping"),
    ];
    let faults: Vec<String> = faults
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if faults.is_empty() { format!("{of}, each whole") } else { format!("{of}, {}", faults.join(", ")) }
}

/// A file that begins below the highest key of the files before it.
struct Overlap<'a> {
    file: usize,
    lowest: &'a KeyValue,
    before: &'a OutputFile,
    highest: &'a KeyValue,
}

fn overlaps<'a>(files: &'a [FileGroups<'a>]) -> Vec<Overlap<'a>> {
    let mut overlaps = Vec::new();
    let mut top: Option<(&OutputFile, &KeyValue)> = None;
    for (file, it) in files.iter().enumerate() {
        let Some((lowest, highest)) = &it.range else { continue };
        if let Some((before, top)) = top.filter(|(_, top)| lowest < *top) {
            overlaps.push(Overlap { file, lowest, before, highest: top });
        }
        if top.is_none_or(|(_, top)| highest > top) {
            top = Some((it.file, highest));
        }
    }
    overlaps
}

/// What was seen on one side.
struct Judged {
    evidence: GroupEvidence,
    findings: Vec<Finding>,
    /// The first row without a key.
    missing: Option<Place>,
}

fn judge(subject: &Subject<'_>, side: &Observed, column: &str) -> std::result::Result<Judged, SideError> {
    let failed = |file: &str, error| SideError { role: side.role, file: file.to_owned(), error };
    let wanted = subject.job.signal.as_ref().map(|it| it.accepted_types(column)).unwrap_or_default();
    let seen: std::result::Result<Vec<FileGroups<'_>>, SideError> = side
        .output
        .files
        .par_iter()
        .map(|file| {
            FileGroups::of(file, column, &wanted, subject.cancel)
                .map_err(|error| failed(&file.info.path, error))
        })
        .collect();
    let mut files = seen?;
    if side.output.file_order != FileOrder::Manifest {
        // By lowest, then by highest key: a file that holds one boundary key only comes before the file that begins there.
        files.sort_by(|a, b| a.range.cmp(&b.range));
    }
    let whole = Whole::of(&files, column, subject.cancel).map_err(|(file, error)| failed(&file, error))?;
    let overlaps = overlaps(&files);
    let mut draft = Draft { side: side.role, column, files: &files, findings: Vec::new(), first: None };
    draft.split(&whole);
    draft.returned(&whole);
    draft.descending();
    draft.overlapping(&overlaps);
    draft.types(&wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "));
    let evidence = GroupEvidence {
        side: side.role,
        group_key: column.to_owned(),
        rows: side.output.rows(),
        groups: whole.groups,
        split: whole.split,
        returned: whole.returned,
        descents: files.iter().map(|it| it.descents).sum(),
        overlaps: overlaps.len() as u64,
        missing_keys: files.iter().map(|it| it.keyless.rows).sum(),
        largest: whole.largest.map(|(key, rows)| (key.text(), rows)),
        first: draft.first.as_ref().map(|(_, place)| place.clone()),
    };
    let missing = files.iter().enumerate().find_map(|(at, it)| Some(draft.place(at, it.keyless.first?)));
    Ok(Judged { missing, evidence, findings: draft.findings })
}

/// The findings on one side, and the place of its first violation.
struct Draft<'a> {
    side: Role,
    column: &'a str,
    files: &'a [FileGroups<'a>],
    findings: Vec<Finding>,
    first: Option<((usize, u64), Place)>,
}

impl Draft<'_> {
    fn path(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |it| it.file.info.path.as_str())
    }

    fn place(&self, file: usize, row: u64) -> Place {
        let place = self.files.get(file).map(|it| it.file.place(row)).unwrap_or_default();
        Place { column: Some(self.column.to_owned()), ..place }
    }

    fn add(
        &mut self,
        code: &str,
        message: String,
        count: u64,
        at: (usize, u64),
        place: Place,
        key: &KeyValue,
    ) {
        if self.first.as_ref().is_none_or(|(first, _)| at < *first) {
            self.first = Some((at, place.clone()));
        }
        let draft = finding(CHECK, code, severity_on(self.side), Some(self.side), message);
        self.findings.push(draft.counting(count).at(place).with("group", key.text()));
    }

    fn split(&mut self, whole: &Whole) {
        let Some(Event { file, row, key, before }) = &whole.first_split else { return };
        let message = format!(
            "{} of the {} with rows in more than one file; first {}: in {} and again in {}, row {row}",
            counted(whole.split, "group"),
            self.side,
            key.text(),
            self.path(*before),
            self.path(*file)
        );
        let place = self.place(*file, *row);
        self.add("group.split", message, whole.split, (*file, *row), place, key);
        let other = self.path(*before).to_owned();
        if let Some(found) = self.findings.pop() {
            self.findings.push(found.with("first file", other));
        }
    }

    fn returned(&mut self, whole: &Whole) {
        let Some(Event { file, row, key, .. }) = &whole.first_returned else { return };
        let message = format!(
            "a group of the {} comes back within its file after other rows, {}; first {} in {}, row {row}",
            self.side,
            counted(whole.returned, "time"),
            key.text(),
            self.path(*file)
        );
        let place = self.place(*file, *row);
        self.add("group.returned", message, whole.returned, (*file, *row), place, key);
    }

    fn descending(&mut self) {
        let first = self.files.iter().enumerate().find_map(|(at, it)| Some((at, it.first_descent.as_ref()?)));
        let Some((file, (run, before))) = first else { return };
        let count = self.files.iter().map(|it| it.descents).sum();
        let message = format!(
            "a group of the {} is below the one before it, {}; first {} after {} in {}, row {}",
            self.side,
            counted(count, "time"),
            run.key.text(),
            before.text(),
            self.path(file),
            run.row
        );
        let place = self.place(file, run.row);
        self.add("group.descending", message, count, (file, run.row), place, &run.key);
    }

    fn overlapping(&mut self, overlaps: &[Overlap<'_>]) {
        let Some(Overlap { file, lowest, before, highest }) = overlaps.first() else { return };
        let count = overlaps.len() as u64;
        let message = format!(
            "{} of the {}; first {}: it begins at group {}, below {} in {}",
            counted(count, "overlapping file"),
            self.side,
            self.path(*file),
            lowest.text(),
            highest.text(),
            before.info.path
        );
        let place = Place { column: Some(self.column.to_owned()), ..in_file(self.path(*file)) };
        self.add("group.overlap", message, count, (*file, 0), place, lowest);
    }

    /// Key columns of a type that the signal does not take.
    fn types(&mut self, wanted: &str) {
        let others: Vec<(&OutputFile, &String)> =
            self.files.iter().filter_map(|it| Some((it.file, it.other_type.as_ref()?))).collect();
        let Some((file, found)) = others.first() else { return };
        let message = format!(
            "{} is no {wanted} in {} of the {}, first {found} in {}: large numbers collapse, or sort as text",
            self.column,
            counted(others.len() as u64, "file"),
            self.side,
            file.info.path
        );
        let place = Place { column: Some(self.column.to_owned()), ..in_file(&file.info.path) };
        let draft = finding(CHECK, "group.type", severity_on(self.side), Some(self.side), message);
        self.findings.push(draft.counting(others.len() as u64).at(place).with("type", found));
    }
}

/// Rows without a key: told, and a warning where the sides differ or there is nothing to compare with.
fn missing_keys(groups: &[GroupEvidence], places: &[Option<Place>], column: &str) -> Vec<Finding> {
    let alike =
        groups.len() == 2 && groups.windows(2).all(|pair| pair[0].missing_keys == pair[1].missing_keys);
    let severity = if alike { Severity::Info } else { Severity::Warning };
    let told = |(it, place): (&GroupEvidence, &Option<Place>)| {
        let message = format!(
            "{} of the {} without {column}: they belong to no group",
            counted(it.missing_keys, "row"),
            it.side
        );
        let draft = finding(CHECK, "group.missing_keys", severity, Some(it.side), message);
        Some(draft.counting(it.missing_keys).at(place.clone()?))
    };
    groups.iter().zip(places).filter_map(told).collect()
}

/// Tells by its letter what a known defect makes of unsorted inputs.
fn explain(subject: &Subject<'_>, column: &str, findings: &mut [Finding]) -> Result<()> {
    let explicable = |it: &Finding| {
        let codes = ["group.split", "group.returned", "group.descending"];
        it.side == Some(Role::Baseline) && codes.contains(&it.code.as_str())
    };
    if !subject.known_defects.contains(&KnownDefect::HighestTidLost)
        || !findings.iter().any(explicable)
        || !unsorted(subject, column)?
    {
        return Ok(());
    }
    for it in findings.iter_mut().filter(|it| explicable(it)) {
        it.defect = Some(KnownDefect::HighestTidLost.letter().to_owned());
        it.message.push_str("; the inputs are not sorted by it, and known defect D merges them as they come");
    }
    Ok(())
}

/// Whether some input of the job is not sorted by the group key.
fn unsorted(subject: &Subject<'_>, column: &str) -> Result<bool> {
    for input in &subject.job.inputs {
        let file = OutputFile::open(input, &input.to_string_lossy())?;
        let mut before: Option<KeyValue> = None;
        let mut descends = false;
        walk(&file, column, subject.cancel, |run| {
            descends |= before.as_ref().is_some_and(|before| run.key < *before);
            before = Some(run.key);
        })?;
        if descends {
            return Ok(true);
        }
    }
    Ok(false)
}
