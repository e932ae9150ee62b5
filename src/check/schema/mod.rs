//! SCHEMA: same columns, same types, same nullability class?
//!
//! 1. Each side's columns are taken as the union over its files, values counted in the rows. A column without a value is
//!    the same as an absent one; which file holds which column does not matter.
//! 2. A column of one side only, or of another type class, is a blocker. Another physical type or annotation of the same
//!    class (widths, JSON for STRING, UUID, UTC or local times, a geometry's CRS) is a warning; required for optional is noted. Annotations
//!    are those that the footer states, whether the Parquet crate knows them or not.
//! 3. One side holding a column with two types is a blocker on the candidate.
//! 4. On a baseline that is known to drop annotations (defect G), what its rule yields is told as that defect.
//! 5. On a baseline that is known to lose the highest group key (defect D), a column that has values only in the rows so lost is
//!    waived as that defect; so is one that has values only at points which damaged sketches touch (defect H).
//! 6. Field ids that are lost, changed or shared are a blocker (see `field_ids`).
//! 7. A column that the signal requires must be there, hold values and have the type class that the signal states (see `required`).
//! 8. Text that is not UTF-8 is a blocker where the candidate alone has it: other readers refuse the file.
//!
//! Cost: one pass over all values of both sides.

mod annotation;
pub(in crate::check) mod annotations;
mod columns;
pub(in crate::check) mod elements;
mod explained;
mod field_ids;
mod inputs;
mod partitions;
mod required;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use reports::document::{Finding, Role, Severity};
use reports::evidence::ColumnComparison;

use self::columns::{Column, Union, name, union};
use self::explained::Explained;
use super::draft::{self, SideError, counted};
use super::finding::{evidence, finding, in_file};
use super::{Check, Evidence, KnownDefect, Outcome, Subject};
use crate::digest::{Family, Retyped, TypeClass, retyped};
use crate::error::Result;

const CHECK: &str = "SCHEMA";

type Columns = BTreeMap<Vec<String>, Column>;

/// The check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Schema;

impl Check for Schema {
    fn code(&self) -> &'static str {
        CHECK
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        if let Some(outcome) = draft::nothing_to_examine(subject, CHECK, "schema") {
            return Ok(outcome);
        }
        match examine(subject) {
            Ok(outcome) => Ok(outcome),
            Err(failed) => draft::read_failed(CHECK, "schema", failed),
        }
    }
}

fn examine(subject: &Subject<'_>) -> std::result::Result<Outcome, SideError> {
    let (ours, theirs) = rayon::join(
        || subject.baseline.map(|side| union(side, &subject.comparison.ignored, subject.cancel)).transpose(),
        || union(subject.candidate, &subject.comparison.ignored, subject.cancel),
    );
    let (ours, theirs) = (ours?, theirs?);
    let mut findings = Vec::new();
    let ignored = |path: &[String]| path.first().is_some_and(|root| subject.unread(root).is_some());
    field_ids::shared(ours.as_ref(), &theirs, ignored, &mut findings);
    let (ours, theirs) = (ours.map(|Union { columns, .. }| columns), theirs.columns);
    if let Some(ours) = &ours {
        inconsistent(Role::Baseline, ours, ignored, &mut findings);
    }
    inconsistent(Role::Candidate, &theirs, ignored, &mut findings);
    findings.extend(partitions::findings(subject)?);
    let mut coverage = draft::coverage(subject);
    let schema = match &ours {
        Some(ours) => {
            let explained = match subject.baseline {
                Some(baseline) => explained::columns(subject, baseline, ours, &theirs)?,
                None => Explained::new(),
            };
            compare(subject, ours, &theirs, &explained, &mut findings)?
        }
        None => {
            for (path, column) in theirs.iter().filter(|(path, _)| !ignored(path)) {
                findings.extend(text::finding(path, None, Some(column)));
            }
            Vec::new()
        }
    };
    required::findings(subject, ours.as_ref(), &theirs, &mut findings)?;
    let roots: BTreeSet<&String> =
        ours.iter().flat_map(BTreeMap::keys).chain(theirs.keys()).filter_map(|path| path.first()).collect();
    coverage.columns = roots.len() as u64;
    findings.sort_by_key(|finding| finding.severity);
    let blocks = |it: &&Finding| it.severity == Severity::Blocker && it.waived.is_none();
    let differing = findings.iter().filter(blocks).count() as u64;
    let summary = match (differing, ours.is_some()) {
        (0, true) => {
            format!("{} of the same type classes on both sides", counted(coverage.columns, "column"))
        }
        (0, false) => format!("{} of one type each", counted(coverage.columns, "column")),
        (count, _) => format!("{} in {}", counted(count, "difference"), counted(coverage.columns, "column")),
    };
    Ok(Outcome {
        findings,
        coverage,
        summary,
        status: None,
        evidence: Evidence { schema, ..Evidence::default() },
    })
}

/// Files of one side that hold a column with different types.
fn inconsistent(
    role: Role,
    columns: &Columns,
    ignored: impl Fn(&[String]) -> bool,
    findings: &mut Vec<Finding>,
) {
    for (path, column) in columns.iter().filter(|(path, _)| !ignored(path)) {
        let [first, rest @ ..] = column.forms.as_slice() else { continue };
        let Some(other) = rest.iter().find(|form| form.class != first.class) else { continue };
        let severity = if role == Role::Candidate { Severity::Blocker } else { Severity::Info };
        let message = format!(
            "column {:?} is {} in {} and {} in {} of the {role}",
            name(path),
            first.class,
            first.file,
            other.class,
            other.file
        );
        let mut draft = finding(CHECK, "schema.inconsistent", severity, Some(role), message);
        let place = in_file(&other.file);
        draft.place = Some(reports::document::Place { column: Some(name(path)), ..place });
        findings.push(draft);
    }
}

fn compare(
    subject: &Subject<'_>,
    ours: &Columns,
    theirs: &Columns,
    explained: &Explained,
    findings: &mut Vec<Finding>,
) -> std::result::Result<Vec<ColumnComparison>, SideError> {
    let paths: BTreeSet<&Vec<String>> = ours.keys().chain(theirs.keys()).collect();
    let mut comparisons = Vec::new();
    let mut nullability = Vec::new();
    // Below a node that was already told there is nothing to add.
    let mut told: Option<&Vec<String>> = None;
    for path in paths {
        let (a, b) = (ours.get(path), theirs.get(path));
        let below = told.is_some_and(|told| path.starts_with(told));
        let ignored = path.first().is_some_and(|root| subject.comparison.ignored.contains_key(root));
        let (change, mut draft) = difference(subject, path, a, b);
        if let (Some(draft), Some(a), Some(b)) = (&mut draft, a, b)
            && path.len() == 1
            && dropped(subject, &name(path), a, b)?
        {
            draft.severity = Severity::Info;
            draft.side = Some(Role::Baseline);
            draft.defect = Some(KnownDefect::AnnotationsDropped.letter().to_owned());
            draft.message.push_str(": the baseline drops annotations and widens narrow integers");
        }
        let of_one_side = change == "extra" || change == "missing";
        if let Some(draft) = draft.as_mut().filter(|_| of_one_side)
            && let Some(defect) = explained.get(&name(path))
        {
            explained::excuse(draft, *defect);
        }
        if !ignored {
            findings.extend(text::finding(path, a, b));
        }
        if change == "nullability" && !ignored {
            nullability.push(name(path));
        }
        if let Some(draft) = draft.filter(|_| !below && !ignored) {
            findings.push(draft);
            if change != "annotation" && change != "folder" {
                told = Some(path);
            }
        }
        comparisons.push(ColumnComparison {
            column: name(path),
            baseline: a.map(Column::info),
            candidate: b.map(Column::info),
            change: change.to_owned(),
        });
    }
    let ignored =
        |path: &[String]| path.first().is_some_and(|root| subject.comparison.ignored.contains_key(root));
    field_ids::findings(ours, theirs, |path| !ignored(path), findings);
    if !nullability.is_empty() {
        let count = nullability.len() as u64;
        let message = format!("{} optional on one side and required on the other", counted(count, "column"));
        let mut draft = finding(CHECK, "schema.nullability", Severity::Info, None, message);
        draft.count = count;
        draft.evidence = nullability.into_iter().take(100).map(|it| evidence("column", it)).collect();
        findings.push(draft);
    }
    Ok(comparisons)
}

/// Whether a flat column differs by what the baseline is known to drop (defect G).
fn dropped(
    subject: &Subject<'_>,
    column: &str,
    a: &Column,
    b: &Column,
) -> std::result::Result<bool, SideError> {
    let ([a], [b]) = (a.forms.as_slice(), b.forms.as_slice()) else { return Ok(false) };
    Ok(a.physical == b.physical && annotations::explains(subject, column, &a.data_type, &b.data_type)?)
}

/// How a node differs between the sides, and the finding that says so.
fn difference(
    subject: &Subject<'_>,
    path: &[String],
    a: Option<&Column>,
    b: Option<&Column>,
) -> (&'static str, Option<Finding>) {
    let column = name(path);
    let found = |code: &str, severity: Severity, message: String, count: u64| {
        let mut draft = finding(CHECK, code, severity, None, message);
        draft.count = count;
        draft.place = Some(reports::document::Place { column: Some(column.clone()), ..Default::default() });
        Some(draft)
    };
    let (a, b) = match (a, b) {
        (Some(a), None) => {
            let message = format!(
                "column {column:?} is missing in the candidate: the baseline holds {} in {}",
                counted(a.values, "value"),
                counted(a.files, "file")
            );
            return ("missing", found("schema.missing", Severity::Blocker, message, a.values));
        }
        (None, Some(b)) => {
            let message = format!(
                "column {column:?} is only in the candidate, with {} in {}",
                counted(b.values, "value"),
                counted(b.files, "file")
            );
            return ("extra", found("schema.extra", Severity::Blocker, message, b.values));
        }
        (None, None) => return ("same", None),
        (Some(a), Some(b)) => (a, b),
    };
    let classes =
        |column: &Column| column.forms.iter().map(|it| it.class.clone()).collect::<BTreeSet<TypeClass>>();
    let forms = |column: &Column| {
        column.forms.iter().map(|it| (it.physical.clone(), it.logical.clone())).collect::<BTreeSet<_>>()
    };
    let types_differ = classes(a) != classes(b);
    if !types_differ && a.in_folders() != b.in_folders() {
        let place = |column: &Column| if column.in_folders() { "names of folders" } else { "files" };
        let message = format!(
            "column {column:?} stands in {} in the baseline and in {} in the candidate: readers of single files see another column",
            place(a),
            place(b)
        );
        return ("folder", found("schema.partition", Severity::Warning, message, 1));
    }
    if !types_differ && forms(a) == forms(b) {
        return (if a.nullable == b.nullable { "same" } else { "nullability" }, None);
    }
    let (change, severity) =
        if types_differ { ("type", Severity::Blocker) } else { ("annotation", Severity::Warning) };
    let shown = |column: &Column| {
        let info = column.info();
        let logical = if info.logical.is_empty() { String::new() } else { format!(" {}", info.logical) };
        format!("{} ({}{logical})", info.type_class, info.physical)
    };
    let message =
        format!("column {column:?} is {} in the baseline and {} in the candidate", shown(a), shown(b));
    let mut draft = found(&format!("schema.{change}"), severity, message, 1);
    if let Some(family) = declared(subject, path, a, b)
        && let Some(draft) = draft.as_mut().filter(|_| types_differ)
    {
        draft.code = "schema.same_type".to_owned();
        draft.severity = Severity::Info;
        draft.message.push_str(&format!(": declared by `policy.same_type` ({})", family.name()));
    }
    (change, draft)
}

/// The kind of change that the policy declares for a node, where the types of both sides are of that kind.
fn declared(subject: &Subject<'_>, path: &[String], a: &Column, b: &Column) -> Option<Family> {
    let family = *subject.comparison.same_type.get(path.first()?)?;
    let mut pairs = a.forms.iter().flat_map(|a| b.forms.iter().map(move |b| (&a.data_type, &b.data_type)));
    pairs.all(|(a, b)| retyped(a, b, Some(family)) != Retyped::Lossy).then_some(family)
}
