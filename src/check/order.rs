//! ORDER: are rows sorted by the signal's key, within each file and across files in judged order?
//!
//! 1. Within a file every row is compared with the row before it: a lower key is an inversion. Equal keys are ties, in any
//!    order. A row without a key comes before all others (the declared place of missing keys) and is counted.
//! 2. Across files, in judged order, a file must not begin below the highest key before it; a shared boundary value is a
//!    tie. With a manifest that order is the manifest's. Without one, and for an hourly split (whose result is a map by hour and
//!    index, not a list), files are taken by their lowest key.
//! 3. Multi-column keys compare lexicographically, numbers numerically, strings bytewise. Where the signal wants an int64, a
//!    float counts truncated toward zero, NaN, infinities and what is out of range as the lowest int64, and a value that is
//!    no number as 0.
//! 4. A key column that is ignored is not read: the columns before it decide, and without any there is nothing to judge.
//! 5. A column may descend, and its missing keys may come last; "lower" above then means "earlier in that order". A key of a type
//!    without an order (a struct) is a finding.
//!
//! The candidate is gated; what is found on the baseline is told. Cost: one pass over the key columns.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use corpora::KeyOrder;
use corpora::signal::ColumnType;
use rayon::prelude::*;
use reports::document::{CheckStatus, Coverage, Finding, Place, Role, Severity};
use reports::evidence::OrderEvidence;

use super::draft::{self, SideError, counted};
use super::finding::{evidence, finding, in_file, severity_on};
use super::keys::{self, Unordered};
use super::{Check, Evidence, Observed, Outcome, Subject};
use crate::error::Result;
use crate::job::JobKind;
use crate::output::key::{KeyColumn, KeyRule, KeyValue};
use crate::output::{FileOrder, OutputFile};

const CHECK: &str = "ORDER";

/// The check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Order;

impl Check for Order {
    fn code(&self) -> &'static str {
        CHECK
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        let declared = subject.job.signal.as_ref().map(|it| it.sort_key.clone()).unwrap_or_default();
        if declared.is_empty() {
            return Ok(draft::decided(CheckStatus::NotApplicable, "no sort key is defined".to_owned()));
        }
        let sort_key = super::sort_key(subject.job, subject.comparison);
        let unread = declared.get(sort_key.len()).and_then(|column| subject.unread(column));
        if let Some(why) = unread.as_ref().filter(|_| sort_key.is_empty()) {
            return Ok(draft::decided(CheckStatus::NotApplicable, format!("order is not judged: {why}")));
        }
        if let Some(outcome) = draft::nothing_to_examine(subject, CHECK, "order") {
            return Ok(outcome);
        }
        let mut findings = Vec::new();
        let mut order = Vec::new();
        for side in subject.sides() {
            if let Some(bad) = keys::unordered(&side.output, sort_key.iter().map(String::as_str)) {
                findings.push(without_order(side.role, &bad));
                continue;
            }
            match judge(subject, side, &sort_key) {
                Ok((evidence, found)) => {
                    order.push(evidence);
                    findings.extend(found);
                }
                Err(failed) => return draft::read_failed(CHECK, "order", failed),
            }
        }
        findings.sort_by_key(|finding: &Finding| finding.severity);
        let coverage = Coverage { columns: sort_key.len() as u64, ..draft::coverage(subject) };
        let mut told: Vec<String> = order.iter().map(in_words).collect();
        if let Some(why) = unread {
            told.push(format!("judged by {} alone: {why}", sort_key.join(", ")));
        }
        let summary = told.join("; ");
        // Rows without a key are in any order: nothing vouches for the candidate then, and nothing speaks against it.
        let keyless = order.iter().any(|it| it.side == Role::Candidate && it.missing_keys == it.rows);
        Ok(Outcome {
            findings,
            coverage,
            summary,
            status: keyless.then_some(CheckStatus::NotApplicable),
            evidence: Evidence { order, ..Evidence::default() },
        })
    }
}

fn in_words(order: &OrderEvidence) -> String {
    if order.missing_keys == order.rows {
        return format!("{}: none of {} has a sort key", order.side, counted(order.rows, "row"));
    }
    if order.inversions == 0 && order.overlaps == 0 {
        return format!("{}: {} in order", order.side, counted(order.rows, "row"));
    }
    format!(
        "{}: {}, {}",
        order.side,
        counted(order.inversions, "inversion"),
        counted(order.overlaps, "overlapping file")
    )
}

/// One column's part of a key, in the order of that column.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    value: KeyValue,
    order: KeyOrder,
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        let missing = [&self.value, &other.value].map(|value| *value == KeyValue::Missing);
        match missing {
            [true, true] => Ordering::Equal,
            [true, false] if self.order.nulls_last => Ordering::Greater,
            [true, false] => Ordering::Less,
            [false, true] if self.order.nulls_last => Ordering::Less,
            [false, true] => Ordering::Greater,
            [false, false] if self.order.descending => other.value.cmp(&self.value),
            [false, false] => self.value.cmp(&other.value),
        }
    }
}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

type Key = Vec<Part>;

/// What one file's keys say.
struct FileOrderSeen<'a> {
    file: &'a OutputFile,
    range: Option<(Key, Key)>,
    rows: u64,
    inversions: u64,
    /// Row of the first inversion, its key and the one before it.
    first: Option<(u64, Key, Key)>,
    displacement: Option<Displacement>,
    missing: u64,
}

/// How far a key fell behind the highest before it, in the first key column.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Displacement {
    Int(u128),
    Float(f64),
}

impl Displacement {
    fn between(high: &Key, low: &Key) -> Option<Self> {
        match (&high.first()?.value, &low.first()?.value) {
            (KeyValue::Int(high) | KeyValue::Instant(high), KeyValue::Int(low) | KeyValue::Instant(low)) => {
                Some(Self::Int(high.abs_diff(*low)))
            }
            (KeyValue::Float(high), KeyValue::Float(low)) => {
                Some(Self::Float((high - low).abs())).filter(|_| (high - low).is_finite())
            }
            _ => None,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "only for columns that are integers in one file and floats in another"
    )]
    fn size(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    fn larger(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(Self::Int(x)), Some(Self::Int(y))) => Some(Self::Int(x.max(y))),
            (Some(x), Some(y)) => Some(if y.size() > x.size() { y } else { x }),
            (a, b) => a.or(b),
        }
    }

    fn text(self) -> String {
        match self {
            Self::Int(value) => value.to_string(),
            Self::Float(value) => format!("{value:?}"),
        }
    }
}

/// How the values of each sort column are taken, and how they are ordered.
fn rules(subject: &Subject<'_>, sort_key: &[String]) -> Vec<(KeyRule, KeyOrder)> {
    let order = |name: &String| subject.job.signal.as_ref().map(|it| it.order_of(name)).unwrap_or_default();
    let required = |name: &String| subject.job.signal.as_ref()?.required.get(name);
    let rule = |name| match required(name) {
        Some(ColumnType::Int64) => (KeyRule::Int64, order(name)),
        _ => (KeyRule::AsStored, order(name)),
    };
    sort_key.iter().map(rule).collect()
}

fn judge(
    subject: &Subject<'_>,
    side: &Observed,
    sort_key: &[String],
) -> std::result::Result<(OrderEvidence, Vec<Finding>), SideError> {
    let rules = rules(subject, sort_key);
    let seen: std::result::Result<Vec<FileOrderSeen<'_>>, SideError> = side
        .output
        .files
        .par_iter()
        .map(|file| {
            look(subject, file, sort_key, &rules).map_err(|error| SideError {
                role: side.role,
                file: file.info.path.clone(),
                error,
            })
        })
        .collect();
    let mut seen = seen?;
    let by_manifest = side.output.file_order == FileOrder::Manifest && !split_by_hour(subject, side);
    if !by_manifest {
        // By lowest, then by highest key: a file that holds one boundary value only comes before the file that begins there.
        seen.sort_by(|a, b| a.range.cmp(&b.range));
    }
    let overlaps = overlaps(&seen);
    let file_order = if by_manifest { "manifest" } else { "lowest key" };
    let first = seen.iter().find_map(|it| it.first.as_ref().map(|first| (it.file, first)));
    let displacement = seen.iter().fold(None, |largest, it| Displacement::larger(largest, it.displacement));
    let place = |file: &OutputFile, row: u64| Place { column: sort_key.first().cloned(), ..file.place(row) };
    let evidence = OrderEvidence {
        side: side.role,
        sort_key: sort_key.iter().zip(&rules).map(|(column, (_, order))| order.text(column)).collect(),
        rows: seen.iter().map(|it| it.rows).sum(),
        inversions: seen.iter().map(|it| it.inversions).sum(),
        first: first.map(|(file, (row, ..))| place(file, *row)),
        largest_displacement: displacement.map(Displacement::text),
        missing_keys: seen.iter().map(|it| it.missing).sum(),
        overlaps: overlaps.len() as u64,
        file_order: file_order.to_owned(),
    };
    let mut findings = Vec::new();
    findings.extend(first.map(|(file, first)| inverted(&evidence, file, first)));
    findings.extend(overlaps.first().map(|overlap| overlapping(&evidence, overlap)));
    if evidence.missing_keys > 0 {
        let message =
            format!("{} of the {} without a sort key", counted(evidence.missing_keys, "row"), side.role);
        let mut draft = finding(CHECK, "order.missing_keys", Severity::Info, Some(side.role), message);
        draft.count = evidence.missing_keys;
        findings.push(draft);
    }
    Ok((evidence, findings))
}

/// An ingest job whose manifest names every file by hour and index.
fn split_by_hour(subject: &Subject<'_>, side: &Observed) -> bool {
    let named =
        |manifest: &reports::manifest::Manifest| manifest.files.iter().all(|file| file.split_key.is_some());
    subject.job.kind == JobKind::Ingest && side.output.manifest.as_ref().is_some_and(named)
}

fn look<'a>(
    subject: &Subject<'_>,
    file: &'a OutputFile,
    sort_key: &[String],
    rules: &[(KeyRule, KeyOrder)],
) -> Result<FileOrderSeen<'a>> {
    let mut seen = FileOrderSeen {
        file,
        range: None,
        rows: 0,
        inversions: 0,
        first: None,
        displacement: None,
        missing: 0,
    };
    let mut previous: Option<Key> = None;
    for located in file.batches(Some(sort_key), 0)? {
        subject.cancel.check()?;
        let located = located?;
        let columns: Vec<KeyColumn> = sort_key
            .iter()
            .zip(rules)
            .map(|(name, (rule, _))| KeyColumn::new(&located.batch, name, *rule))
            .collect();
        for row in 0..located.batch.num_rows() {
            let parts = columns.iter().zip(rules);
            let key: Key =
                parts.map(|(it, (_, order))| Part { value: it.value(row), order: *order }).collect();
            seen.rows += 1;
            seen.missing += u64::from(key.iter().any(|part| part.value == KeyValue::Missing));
            let Some((low, high)) = &mut seen.range else {
                seen.range = Some((key.clone(), key.clone()));
                previous = Some(key);
                continue;
            };
            if let Some(before) = previous.take().filter(|before| key < *before) {
                seen.inversions += 1;
                if seen.first.is_none() {
                    seen.first = Some((located.first_row + row as u64, key.clone(), before));
                }
            }
            match key.cmp(high) {
                Ordering::Greater => high.clone_from(&key),
                Ordering::Less => {
                    seen.displacement =
                        Displacement::larger(seen.displacement, Displacement::between(high, &key));
                    if key < *low {
                        low.clone_from(&key);
                    }
                }
                Ordering::Equal => {}
            }
            previous = Some(key);
        }
    }
    Ok(seen)
}

/// A file that begins below the highest key of the files before it.
struct Overlap<'a> {
    file: &'a OutputFile,
    lowest: &'a Key,
    before: &'a OutputFile,
    highest: &'a Key,
}

fn overlaps<'a>(seen: &'a [FileOrderSeen<'a>]) -> Vec<Overlap<'a>> {
    let mut overlaps = Vec::new();
    let mut top: Option<(&OutputFile, &Key)> = None;
    for it in seen {
        let Some((lowest, highest)) = &it.range else { continue };
        if let Some((before, top)) = top.filter(|(_, top)| lowest < *top) {
            overlaps.push(Overlap { file: it.file, lowest, before, highest: top });
        }
        if top.is_none_or(|(_, top)| highest > top) {
            top = Some((it.file, highest));
        }
    }
    overlaps
}

/// A sort column of a type whose values have no order.
fn without_order(role: Role, bad: &Unordered) -> Finding {
    let message = format!(
        "sort column {:?} is {} in {} of the {role}: values of that type have no order",
        bad.column, bad.kind, bad.file
    );
    let mut draft = finding(CHECK, "order.key_type", severity_on(role), Some(role), message);
    draft.place = Some(Place { column: Some(bad.column.clone()), ..in_file(&bad.file) });
    draft
}

fn weight(role: Role, candidate: &'static str) -> (Severity, &'static str) {
    match role {
        Role::Candidate => (Severity::Blocker, candidate),
        Role::Baseline => (Severity::Info, "order.unsorted"),
    }
}

fn text(key: &Key) -> String {
    key.iter().map(|part| part.value.text()).collect::<Vec<_>>().join(", ")
}

fn inverted(order: &OrderEvidence, file: &OutputFile, (row, key, before): &(u64, Key, Key)) -> Finding {
    let (severity, code) = weight(order.side, "order.inverted");
    let message = format!(
        "{} by {}, first at {}, row {row}: {} after {}",
        counted(order.inversions, "inversion"),
        order.sort_key.join(", "),
        file.info.path,
        text(key),
        text(before)
    );
    let mut draft = finding(CHECK, code, severity, Some(order.side), message);
    draft.count = order.inversions;
    draft.place.clone_from(&order.first);
    draft.evidence = vec![evidence("key", text(key)), evidence("key before", text(before))];
    if let Some(displacement) = &order.largest_displacement {
        draft.evidence.push(evidence("largest displacement", displacement.clone()));
    }
    draft
}

fn overlapping(order: &OrderEvidence, overlap: &Overlap<'_>) -> Finding {
    let (severity, code) = weight(order.side, "order.overlap");
    let message = format!(
        "{}, files taken by {}: {} begins at {}, below {} in {}",
        counted(order.overlaps, "overlapping file"),
        order.file_order,
        overlap.file.info.path,
        text(overlap.lowest),
        text(overlap.highest),
        overlap.before.info.path
    );
    let mut draft = finding(CHECK, code, severity, Some(order.side), message);
    draft.count = order.overlaps;
    draft.place = Some(in_file(&overlap.file.info.path));
    draft.evidence = vec![
        evidence("lowest key", text(overlap.lowest)),
        evidence("highest key before", text(overlap.highest)),
        evidence("file before", overlap.before.info.path.clone()),
    ];
    draft
}
