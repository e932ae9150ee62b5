//! LAYOUT: how are the files laid out, and is what they state about themselves true?
//!
//! 1. Every column chunk of both sides is decoded, and its bounds, counts, page places, filters and declared order are held
//!    against its values (see `truth`, `sorting`). Page checksums are verified on the way. A statement that is not true gates on the
//!    candidate: a reader that trusts it leaves rows out, and no other check here would see that, for none trusts statistics.
//! 2. Files, row groups and chunks that are the same byte for byte on both sides are counted (see `identical`).
//! 3. What the footer claims of its row groups and pages (places, sizes, encodings, the file they lie in) is compared with them (see
//!    `claims`).
//! 4. Codecs, encodings, dictionaries, page and row-group sizes, indexes and schema order are put side by side (see
//!    `differences`): told, or warned of where readers are worse off. So are statistics, declared orders and key-value metadata that
//!    the candidate lost (see `lost`, `keys`).
//!
//! 5. How many row groups and pages there are, and how many rows they hold, is bounded by the baseline (see `granularity`).
//!
//! Cost: one pass over the values of each side, one over the bytes of files that are not identical; memory as `side` says.

mod arrow_types;
#[cfg(test)]
mod bounds_tests;
mod claims;
#[cfg(test)]
mod claims_tests;
mod differences;
mod facts;
mod footers;
mod granularity;
mod identical;
mod keys;
mod lost;
mod order;
mod side;
mod sorting;
#[cfg(test)]
mod tests;
mod truth;

use std::collections::BTreeSet;

use reports::document::{Finding, Role, Severity};
use reports::layout::{ColumnLayout, ColumnLayouts, Identical, LayoutEvidence, Schemas, SideLayout};

use self::facts::Laid;
use self::side::Looked;
use super::draft::{self, SideError, counted};
use super::finding::{Refine, finding, severity_on};
use super::{Check, Evidence, Observed, Outcome, Subject};
use crate::error::Result;

const CHECK: &str = "LAYOUT";

/// The check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layout;

impl Check for Layout {
    fn code(&self) -> &'static str {
        CHECK
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        if let Some(outcome) = draft::nothing_to_examine(subject, CHECK, "layout") {
            return Ok(outcome);
        }
        match examine(subject) {
            Ok(outcome) => Ok(outcome),
            Err(failed) => draft::read_failed(CHECK, "layout", failed),
        }
    }
}

fn examine(subject: &Subject<'_>) -> std::result::Result<Outcome, SideError> {
    let mut findings = Vec::new();
    let mut looked = Vec::new();
    for side in subject.sides() {
        let seen = side::look(side, &subject.comparison.ignored, subject.cancel)?;
        findings.extend(untrue(side.role, &seen));
        findings.extend(footers::findings(side, subject.baseline));
        looked.push((side, seen));
    }
    let identical = match subject.baseline {
        Some(baseline) => {
            Some(identical::shared(baseline, subject.candidate, &subject.comparison.ignored, subject.cancel)?)
        }
        None => None,
    };
    let evidence = LayoutEvidence {
        identical,
        sides: looked.iter().map(|(side, seen)| whole(side, seen)).collect(),
        columns: columns(&looked),
        schemas: subject.baseline.and_then(|baseline| schemas(baseline, subject.candidate)),
    };
    findings.extend(differences::findings(&evidence));
    if let Some(baseline) = subject.baseline {
        let bounds = subject.size_bounds;
        findings.extend(granularity::findings(baseline, subject.candidate, &evidence, bounds));
    }
    if let [(_, a), (_, b)] = looked.as_slice() {
        findings.extend(lost::findings(a, b));
        findings.extend(keys::findings(&a.keys, &b.keys));
    }
    let mut coverage = draft::coverage(subject);
    coverage.columns = evidence.columns.len() as u64;
    Ok(Outcome {
        summary: summary(&evidence, &findings),
        findings,
        coverage,
        status: None,
        evidence: Evidence { layout: Some(evidence), ..Evidence::default() },
    })
}

/// Statements of a side that are not true: they gate on the candidate and are defects of the baseline.
fn untrue(role: Role, seen: &Looked) -> Vec<Finding> {
    let each = seen.lies.iter().map(|((code, column), lies)| {
        let harmless = [truth::LOOSE, truth::NESTED_NULLS].contains(code);
        let severity = if harmless { Severity::Info } else { severity_on(role) };
        let what = if column.is_empty() { String::new() } else { format!("column {column:?}: ") };
        let more = match lies.count {
            0 | 1 => String::new(),
            count => format!(" (the first of {count})"),
        };
        finding(CHECK, code, severity, Some(role), format!("{what}{}{more}", lies.said))
            .at(lies.place.clone())
            .counting(lies.count)
    });
    each.collect()
}

fn whole(side: &Observed, seen: &Looked) -> SideLayout {
    let footers = || side.output.files.iter().map(|file| file.metadata.file_metadata());
    let groups = || side.output.files.iter().flat_map(|file| file.metadata.row_groups());
    let mut rows: Vec<u64> = groups().map(|it| u64::try_from(it.num_rows()).unwrap_or(0)).collect();
    rows.sort_unstable();
    let rank = |rank: usize| rows.get(rank).copied().unwrap_or(0);
    let chunks = || seen.columns.values().flatten();
    let having = |wanted: fn(&Laid) -> bool| chunks().filter(|it| wanted(it)).count() as u64;
    let created: BTreeSet<String> = footers().filter_map(|it| it.created_by().map(str::to_owned)).collect();
    let keys: BTreeSet<String> =
        footers().filter_map(|it| it.key_value_metadata()).flatten().map(|it| it.key.clone()).collect();
    SideLayout {
        side: side.role,
        files: side.output.files.len() as u64,
        row_groups: rows.len() as u64,
        row_group_rows: [rank(0), rank(rows.len().saturating_sub(1) / 2), rank(rows.len().saturating_sub(1))],
        largest_row_group: groups()
            .map(|it| u64::try_from(it.total_byte_size()).unwrap_or(0))
            .max()
            .unwrap_or(0),
        chunks: chunks().count() as u64,
        page_index: having(|it| it.page_index),
        statistics: having(|it| it.statistics),
        bloom_filters: having(|it| it.bloom),
        checksums: chunks().map(|it| it.checksums).sum(),
        created_by: created.into_iter().collect(),
        keys: keys.into_iter().collect(),
        sorting: seen.sorting.clone().into_iter().collect(),
        unordered: seen.unordered,
    }
}

fn columns(looked: &[(&Observed, Looked)]) -> Vec<ColumnLayouts> {
    let names: BTreeSet<&String> = looked.iter().flat_map(|(_, seen)| seen.files.keys()).collect();
    let of = |role: Role, name: &String| {
        let (_, seen) = looked.iter().find(|(side, _)| side.role == role)?;
        let files = *seen.files.get(name)?;
        Some(column(files, seen.columns.get(name).map(Vec::as_slice).unwrap_or_default()))
    };
    let each = names.into_iter().map(|name| ColumnLayouts {
        column: name.clone(),
        baseline: of(Role::Baseline, name),
        candidate: of(Role::Candidate, name),
    });
    each.collect()
}

fn column(files: u64, chunks: &[Laid]) -> ColumnLayout {
    let codecs: BTreeSet<String> = chunks.iter().map(|it| it.codec.clone()).collect();
    let encodings: BTreeSet<String> = chunks.iter().flat_map(|it| it.encodings.iter().cloned()).collect();
    let having = |wanted: fn(&Laid) -> bool| chunks.iter().filter(|it| wanted(it)).count() as u64;
    ColumnLayout {
        files,
        chunks: chunks.len() as u64,
        codecs: codecs.into_iter().collect(),
        encodings: encodings.into_iter().collect(),
        dictionaries: having(|it| it.dictionary),
        fallbacks: having(|it| it.fallback),
        pages: chunks.iter().map(|it| it.pages).sum(),
        largest_page: chunks.iter().map(|it| it.largest_page).max().unwrap_or(0),
        compressed: chunks.iter().map(|it| it.compressed).sum(),
        uncompressed: chunks.iter().map(|it| it.uncompressed).sum(),
    }
}

/// Both schemas as text where the columns that both hold stand in another order, or differ in repetition.
fn schemas(a: &Observed, b: &Observed) -> Option<Schemas> {
    let (a, b) = (a.output.files.first()?, b.output.files.first()?);
    let fields = |file: &crate::output::OutputFile| {
        let schema = file.metadata.file_metadata().schema_descr();
        let columns = schema.columns().iter();
        columns.map(|it| (it.path().string(), it.max_def_level(), it.max_rep_level())).collect::<Vec<_>>()
    };
    let (fields_a, fields_b) = (fields(a), fields(b));
    let names_a: BTreeSet<&String> = fields_a.iter().map(|it| &it.0).collect();
    let names_b: BTreeSet<&String> = fields_b.iter().map(|it| &it.0).collect();
    let common = |fields: &[(String, i16, i16)]| {
        let both = fields.iter().filter(|it| names_a.contains(&it.0) && names_b.contains(&it.0));
        both.cloned().collect::<Vec<_>>()
    };
    let text = |file: &crate::output::OutputFile| {
        let mut text = Vec::new();
        parquet::schema::printer::print_schema(&mut text, file.metadata.file_metadata().schema());
        String::from_utf8_lossy(&text).into_owned()
    };
    (common(&fields_a) != common(&fields_b)).then(|| Schemas { baseline: text(a), candidate: text(b) })
}

fn summary(evidence: &LayoutEvidence, findings: &[Finding]) -> String {
    let chunks: u64 = evidence.sides.iter().map(|it| it.chunks).sum();
    let untrue: u64 = findings
        .iter()
        .filter(|it| it.side == Some(Role::Candidate) && it.severity == Severity::Blocker)
        .map(|it| it.count)
        .sum();
    let truth = match untrue {
        0 => format!("what {} state is true", counted(chunks, "column chunk")),
        untrue => format!(
            "{} of the candidate {} not true",
            counted(untrue, "statement"),
            if untrue == 1 { "is" } else { "are" }
        ),
    };
    match &evidence.identical {
        Some(Identical { files, row_groups, chunks }) => format!(
            "{truth}; byte for byte the same: {} of {} files, {} of {} row groups, {} of {} column chunks",
            files.equal,
            files.candidate,
            row_groups.equal,
            row_groups.candidate,
            chunks.equal,
            chunks.candidate
        ),
        None => truth,
    }
}
