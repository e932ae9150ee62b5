//! ROWS: do both sides hold the same multiset of rows?
//!
//! 1. Both sides are digested (see [`crate::digest`]). Equal digests: the question is answered, in constant memory.
//! 2. Otherwise the rows of the differing buckets are read again, as hashes and places. Equal ones cancel, the rest is grouped
//!    by row key (see `leave`), and only then values are fetched, some thousand rows at a time, and paired (see `attribute`).
//! 3. Changed cells are attributed to columns and kinds of change. Counts are exact; samples are capped. Every differing
//!    row goes to the report's file of differences as it is met (see `stream`), and is not held.
//!
//! Where the baseline is known to drop annotations (defect G), an integer column of the baseline that stands beside an
//! unsigned, date or timestamp column of the candidate is read as that type, bit by bit, before anything is hashed: its
//! values are compared all the same.
//!
//! Where the type of a column differs, a change of type and a change of value have findings of their own (see `retyped`).
//!
//! Where it is known to lose the highest group key (defect D), rows of the candidate that are exactly the ones it loses are a
//! finding of their own, waived (see `highest`).
//!
//! Where it is known to merge damaged sketches (defect H), points at which both sides hold exactly what their way of decoding
//! yields are findings of their own, waived (see `damaged`).
//!
//! Where the baseline was run again, what it does not reproduce itself is set apart (see `noise`).
//!
//! Memory: one batch a thread, and where rows differ one block of fetched rows a side. Hashes and places are sorted outside of
//! memory (see `crate::spill`), so that it does not grow with the differing rows. Disk: 16 bytes a row, and some 100 a row that
//! differs. What was measured is in `docs/evidence.md`.
//!
//! Not decided here: order, split and types that hold the same values (widths, annotations).

mod assign;
mod attribute;
mod block;
mod change;
pub(in crate::check) mod damaged;
#[cfg(test)]
mod damaged_tests;
mod fetch;
#[cfg(test)]
mod golden_tests;
pub(in crate::check) mod highest;
#[cfg(test)]
mod highest_tests;
mod leave;
#[cfg(test)]
mod memory_tests;
mod noise;
#[cfg(test)]
mod noise_tests;
mod pair;
#[cfg(test)]
mod random_tests;
mod record;
pub(in crate::check) mod retyped;
#[cfg(test)]
mod retyped_tests;
mod scan;
mod stream;
mod tally;
#[cfg(test)]
mod tests;
mod told;
mod twins;
#[cfg(test)]
mod twins_tests;
mod unit;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use reports::document::{CheckStatus, Finding};
use reports::evidence::RowsEvidence;

use self::attribute::{Excuses, Purpose};
use self::block::Blocks;
use self::fetch::Source;
use self::noise::Noise;
use self::pair::WINDOW;
use self::scan::Scan;
use self::tally::{SAMPLE_LIMIT, Tally};
use super::draft::{self, SideError, counted};
use super::finding::evidence;
use super::schema::annotations;
use super::{Check, Evidence, Observed, Outcome, Subject};
use crate::digest::{ColumnKeys, RunKey};
use crate::error::{Error, Result};
use crate::evidence::changes::subject_of;
use crate::evidence::differences::Differences;

const CHECK: &str = "ROWS";

/// Why ROWS could not answer.
pub(in crate::check) enum Failure {
    /// A side's rows could not be read.
    Side(SideError),
    /// Something else: an interruption, a full disk, a defect of our own.
    Own(Error),
}

impl From<SideError> for Failure {
    fn from(error: SideError) -> Self {
        Self::Side(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Own(error)
    }
}

/// The check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rows;

impl Check for Rows {
    fn code(&self) -> &'static str {
        CHECK
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        let Some(baseline) = subject.baseline else {
            let summary = "one output is judged alone: there is nothing to compare its rows with";
            return Ok(draft::decided(CheckStatus::NotApplicable, summary.to_owned()));
        };
        if let Some(outcome) = draft::nothing_to_examine(subject, CHECK, "rows") {
            return Ok(outcome);
        }
        let row_keys = subject.job.signal.as_ref().map(|it| it.row_keys.clone()).unwrap_or_default();
        refuse_tolerance_on_keys(subject, &row_keys)?;
        match examine(subject, baseline, &row_keys) {
            Ok(outcome) => Ok(outcome),
            Err(Failure::Side(failed)) => draft::read_failed(CHECK, "rows", failed),
            Err(Failure::Own(error)) => Err(error),
        }
    }
}

/// Rows are paired by equal keys; "nearly equal" is no such relation.
fn refuse_tolerance_on_keys(subject: &Subject<'_>, row_keys: &[Vec<String>]) -> Result<()> {
    let tolerances = &subject.comparison.tolerances;
    match row_keys.iter().flatten().find(|name| tolerances.contains_key(*name)) {
        Some(name) => Err(Error::config(format!(
            "column {name:?} has a tolerance and belongs to the row key: rows cannot be paired by it; \
             take the tolerance away or name another row key"
        ))),
        None => Ok(()),
    }
}

fn examine(
    subject: &Subject<'_>,
    baseline: &Observed,
    row_keys: &[Vec<String>],
) -> std::result::Result<Outcome, Failure> {
    let candidate = subject.candidate;
    // Drawn now that both outputs are finished: nobody can have written them for it.
    let key = RunKey::random();
    let views = Arc::new(annotations::views(subject, baseline)?);
    let scan = Scan {
        retyped: retyped::Columns::of([baseline, candidate], &views, subject.comparison)?,
        keys: Arc::new(ColumnKeys::new(key)),
        comparison: subject.comparison,
        row_keys,
        differences: subject.differences,
        time_column: subject.job.signal.as_ref().and_then(|it| it.time_column.as_deref()),
        cancel: subject.cancel,
    };
    let (views_a, views_b) = (views, Arc::new(HashMap::new()));
    let [digest_a, digest_b] = scan.digests([baseline, candidate], [&views_a, &views_b], subject.spill)?;
    let columns: BTreeSet<String> = digest_a.columns.union(&digest_b.columns).cloned().collect();
    let columns: Vec<String> = columns.into_iter().collect();
    if columns.is_empty() && !subject.comparison.ignored.is_empty() {
        let summary = "every column is ignored: no value was compared".to_owned();
        return Ok(draft::decided(CheckStatus::Inconclusive, summary));
    }

    let mut tally = Tally::new(subject.spill.memory().limit());
    let (mut greedy_groups, mut blocks) = (0, Blocks::of(columns.len(), 0, subject.spill.memory().limit()));
    let mut noise = None;
    if let Some(differing) = digest_a.multiset.differing(&digest_b.multiset) {
        let shelves = [&digest_a.shelf, &digest_b.shelf];
        let wanted = scan.wanted([baseline, candidate], shelves, differing)?;
        let (rows_a, rows_b) = rayon::join(
            || scan.collect(baseline, &views_a, &digest_a.shelf, &wanted, subject.spill),
            || scan.collect(candidate, &views_b, &digest_b.shelf, &wanted, subject.spill),
        );
        let (rows_a, rows_b) = (rows_a?, rows_b?);
        let source_a = Source { side: baseline, views: views_a, columns: &columns, scan: &scan };
        let source_b = Source { side: candidate, views: views_b, columns: &columns, scan: &scan };
        blocks = attribute::blocks(&source_a, &source_b, subject.spill.memory().limit());
        let excuses = Excuses {
            lost: highest::excused(subject, baseline)?,
            damaged: damaged::excused(subject, baseline, &source_a.views)?,
        };
        noise = Noise::learn(&scan, baseline, &source_a.views, &digest_b.multiset, subject.spill)?;
        greedy_groups = attribute::attribute(
            &source_a,
            &source_b,
            subject.spill,
            rows_a,
            rows_b,
            &excuses,
            Purpose::Sides(noise.as_mut()),
            &mut tally,
        )?;
    }

    let rows_baseline = digest_a.multiset.rows();
    let rows = RowsEvidence {
        rows_baseline,
        rows_candidate: digest_b.multiset.rows(),
        equal: rows_baseline - tally.changed - tally.missing - tally.aside.baseline,
        changed: tally.changed,
        missing: tally.missing,
        extra: tally.extra,
        row_keys: row_keys.to_vec(),
        pairing: pairing(greedy_groups, blocks),
        columns: column_changes(&tally),
        samples: samples(&mut tally),
        sample_limit: SAMPLE_LIMIT as u64,
        ignored: subject.comparison.ignored.clone(),
        tolerances: tolerances(subject),
        differences: None,
        blast: subject.differences.and_then(Differences::blast),
        duckdb: None,
        duckdb_blind: Vec::new(),
        hash_key: Some(key.hexadecimal()),
        noise: noise.as_ref().map(|noise| told::noise(noise, &tally.aside)),
    };
    let mut findings = told::findings(candidate, &rows, &tally);
    if let Some(differences) = subject.differences {
        findings.iter_mut().for_each(|finding| spread(differences, finding));
    }
    let mut coverage = draft::coverage(subject);
    coverage.columns = columns.len() as u64;
    Ok(Outcome {
        findings,
        coverage,
        summary: told::summary(&rows, &tally),
        status: told::status(&rows),
        evidence: Evidence { rows: Some(rows), ..Evidence::default() },
    })
}

/// A value as the report shows it.
pub(in crate::check) fn shown(array: &arrow::array::ArrayRef, row: usize) -> String {
    let slot = arrow::array::Array::is_valid(array, row).then_some((array, row));
    change::value(slot).text.map_or_else(|| "null".to_owned(), |text| format!("{text:?}"))
}

/// The samples of the report; excused rows come last.
fn samples(tally: &mut Tally) -> Vec<reports::evidence::RowDifference> {
    let mut samples = tally.samples();
    let room = SAMPLE_LIMIT.saturating_sub(samples.len());
    samples.extend(tally.excused_samples.iter().chain(&tally.damaged.samples).take(room).cloned());
    samples
}

/// Tells in a finding where most of its rows are, by the columns of `--by`.
fn spread(differences: &Differences, finding: &mut Finding) {
    let column = finding.place.as_ref().and_then(|place| place.column.as_deref());
    if let Some(most) = differences.top(&subject_of(&finding.code, column)) {
        finding.evidence.push(evidence("most rows", most));
    }
}

fn pairing(greedy_groups: u64, Blocks { exact: rows, piece, .. }: Blocks) -> String {
    let exact = format!("exactly, by fewest changed columns (at most {rows} rows of a key a side)");
    if greedy_groups == 0 {
        return exact;
    }
    format!(
        "{exact}; {} with more rows greedily, in file and row order, in blocks of {piece} rows: rows that differ in one \
         column first, then each with the closest of the next {WINDOW}",
        counted(greedy_groups, "key")
    )
}

fn tolerances(subject: &Subject<'_>) -> BTreeMap<String, String> {
    let words =
        |it: &super::Tolerance| format!("within {} absolute or {} relative", it.absolute, it.relative);
    subject.comparison.tolerances.iter().map(|(name, it)| (name.clone(), words(it))).collect()
}

fn column_changes(tally: &Tally) -> Vec<reports::evidence::ColumnChange> {
    let mut changes: Vec<_> = tally.columns.values().map(|column| column.change.clone()).collect();
    changes.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.column.cmp(&b.column)));
    changes
}
