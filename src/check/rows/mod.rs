//! ROWS: do both sides hold the same multiset of rows?
//!
//! 1. Both sides are digested (see [`crate::digest`]). Equal digests: the question is answered, in constant memory.
//! 2. Otherwise the rows of the differing buckets are read again, as hashes and places. Equal ones cancel, the rest is paired
//!    by row key (see `pair`), and only then values are fetched, some thousand rows at a time.
//! 3. Changed cells are attributed to columns and kinds of change. Counts are exact; samples are capped. Every differing
//!    row goes to the report's file of differences as it is met (see `stream`), and is not held.
//!
//! Where the baseline is known to drop annotations (defect G), an integer column of the baseline that stands beside an
//! unsigned, date or timestamp column of the candidate is read as that type, bit by bit, before anything is hashed: its
//! values are compared all the same.
//!
//! Where it is known to lose the highest group key (defect D), rows of the candidate that are exactly the ones it loses are a
//! finding of their own, waived (see `highest`).
//!
//! Memory: about 80 bytes an entry while buckets are read, about 380 bytes a pair of differing rows at the peak (measured: see
//! `docs/evidence.md`), and one block of fetched rows a side. Not bounded for wholly different outputs.
//!
//! Not decided here: order, split and types that hold the same values (widths, annotations).

mod assign;
mod change;
mod fetch;
pub(in crate::check) mod highest;
#[cfg(test)]
mod highest_tests;
mod pair;
mod scan;
mod stream;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use reports::document::{CheckStatus, Finding, Severity};
use reports::evidence::{RowDifferenceKind, RowsEvidence};

use self::fetch::Source;
use self::highest::Places;
use self::pair::{BLOCK, EXACT, Group, WINDOW};
use self::scan::{Entry, Scan};
use self::tally::{At, SAMPLE_LIMIT, Tally, Unpaired, place_text};
use super::draft::{self, SideError, counted};
use super::finding::{evidence, finding};
use super::schema::annotations;
use super::{Check, Evidence, Observed, Outcome, Subject};
use crate::digest::RunKey;
use crate::error::{Error, Result};
use crate::evidence::differences::Differences;

const CHECK: &str = "ROWS";

/// Bytes of decoded values that one block of fetched rows should hold a side.
const FETCH_BYTES: u64 = 64 << 20;

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
            Err(failed) => draft::read_failed(CHECK, "rows", failed),
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
) -> std::result::Result<Outcome, SideError> {
    let candidate = subject.candidate;
    let scan = Scan {
        key: RunKey::random(),
        comparison: subject.comparison,
        row_keys,
        differences: subject.differences,
        time_column: subject.job.signal.as_ref().and_then(|it| it.time_column.as_deref()),
        cancel: subject.cancel,
    };
    let views = annotations::views(subject, baseline)?;
    let (views_a, views_b) = (Arc::new(views), Arc::new(HashMap::new()));
    let (digest_a, digest_b) =
        rayon::join(|| scan.digest(baseline, &views_a), || scan.digest(candidate, &views_b));
    let (digest_a, digest_b) = (digest_a?, digest_b?);
    let columns: BTreeSet<String> = digest_a.columns.union(&digest_b.columns).cloned().collect();
    let columns: Vec<String> = columns.into_iter().collect();

    let mut tally = Tally::default();
    let mut greedy_groups = 0;
    if let Some(differing) = digest_a.multiset.differing(&digest_b.multiset) {
        let (entries_a, entries_b) = rayon::join(
            || scan.collect(baseline, &views_a, &differing),
            || scan.collect(candidate, &views_b, &differing),
        );
        let source_a = Source { side: baseline, views: views_a, columns: &columns, scan: &scan };
        let source_b = Source { side: candidate, views: views_b, columns: &columns, scan: &scan };
        let lost = highest::excused(subject, baseline)?;
        greedy_groups = attribute(&source_a, &source_b, entries_a?, entries_b?, &lost, &mut tally)?;
    }

    let rows_baseline = digest_a.multiset.rows();
    let rows = RowsEvidence {
        rows_baseline,
        rows_candidate: digest_b.multiset.rows(),
        equal: rows_baseline - tally.changed - tally.missing,
        changed: tally.changed,
        missing: tally.missing,
        extra: tally.extra,
        row_keys: row_keys.to_vec(),
        pairing: pairing(greedy_groups),
        columns: column_changes(&tally),
        samples: samples(&mut tally),
        sample_limit: SAMPLE_LIMIT as u64,
        ignored: subject.comparison.ignored.clone(),
        tolerances: tolerances(subject),
        differences: None,
        blast: subject.differences.and_then(Differences::blast),
        duckdb: None,
    };
    let mut findings = findings(candidate, &rows, &tally);
    if let Some(differences) = subject.differences {
        findings.iter_mut().for_each(|finding| spread(differences, finding));
    }
    let mut coverage = draft::coverage(subject);
    coverage.columns = columns.len() as u64;
    Ok(Outcome {
        findings,
        coverage,
        summary: summary(&rows, tally.excused),
        status: None,
        evidence: Evidence { rows: Some(rows), ..Evidence::default() },
    })
}

/// The samples of the report; excused rows come last.
fn samples(tally: &mut Tally) -> Vec<reports::evidence::RowDifference> {
    let mut samples = tally.samples();
    let room = SAMPLE_LIMIT.saturating_sub(samples.len());
    samples.extend(tally.excused_samples.iter().take(room).cloned());
    samples
}

/// Pairs the rows of differing buckets and counts what changed. Returns how many keys were paired greedily.
fn attribute(
    source_a: &Source<'_>,
    source_b: &Source<'_>,
    entries_a: Vec<Entry>,
    entries_b: Vec<Entry>,
    lost: &Places,
    tally: &mut Tally,
) -> std::result::Result<u64, SideError> {
    let known: HashSet<u128> = entries_a.iter().map(|entry| entry.full).collect();
    let tolerant = !source_a.scan.comparison.tolerances.is_empty();
    let (left_a, left_b) = pair::cancel(entries_a, entries_b, tolerant);
    let mut alone_a: Vec<Entry> = Vec::new();
    let mut alone_b: Vec<Entry> = Vec::new();
    let mut greedy_groups = 0;
    let budget = block_rows(source_a).min(block_rows(source_b));
    let mut block: Vec<Group> = Vec::new();
    let mut size = 0;
    for group in pair::group(left_a, left_b) {
        if group.a.is_empty() {
            alone_b.extend(group.b);
        } else if group.b.is_empty() {
            alone_a.extend(group.a);
        } else if group.a.len() > EXACT || group.b.len() > EXACT {
            greedy_groups += 1;
            for piece in pieces(group, budget.min(BLOCK)) {
                settle(source_a, source_b, vec![piece], true, tally, &mut alone_a, &mut alone_b)?;
            }
        } else {
            size += group.a.len().max(group.b.len());
            block.push(group);
            if size >= budget {
                settle(
                    source_a,
                    source_b,
                    std::mem::take(&mut block),
                    false,
                    tally,
                    &mut alone_a,
                    &mut alone_b,
                )?;
                size = 0;
            }
        }
    }
    settle(source_a, source_b, block, false, tally, &mut alone_a, &mut alone_b)?;

    tally.missing = alone_a.len() as u64;
    tally.extra = alone_b.len() as u64;
    // Excused are all of the rows or none: where one of them was paired with another row, something else is wrong.
    let (excused, alone_b): (Vec<Entry>, Vec<Entry>) =
        if alone_b.iter().filter(|entry| lost.contains(&entry.place())).count() == lost.len() {
            alone_b.into_iter().partition(|entry| lost.contains(&entry.place()))
        } else {
            (Vec::new(), alone_b)
        };
    tally.excused = excused.len() as u64;
    tally.duplicated = alone_b.iter().filter(|entry| known.contains(&entry.full)).count() as u64;
    for (source, mut alone, kind) in [
        (source_a, alone_a, Unpaired::Missing),
        (source_b, alone_b, Unpaired::Extra),
        (source_b, excused, Unpaired::Excused),
    ] {
        alone.sort_unstable_by_key(Entry::place);
        if source.scan.differences.is_none() {
            alone.truncate(SAMPLE_LIMIT);
        }
        for (number, block) in alone.chunks(budget).enumerate() {
            let loaded = source.load(block)?;
            for (position, entry) in block.iter().enumerate() {
                let row = loaded.row(entry).map_err(|error| internal(source, error))?;
                let at = At { source, entry, row };
                if number == 0 && position < SAMPLE_LIMIT {
                    tally.unpaired(at, kind);
                }
                stream::unpaired(at, kind, kind == Unpaired::Extra && known.contains(&entry.full));
            }
        }
    }
    Ok(greedy_groups)
}

fn internal(source: &Source<'_>, error: Error) -> SideError {
    SideError { role: source.side.role, file: String::new(), error }
}

/// Rows that may be fetched at a time, by the decoded size that the footers announce.
fn block_rows(source: &Source<'_>) -> usize {
    let output = &source.side.output;
    let groups = output.files.iter().flat_map(|file| file.metadata.row_groups());
    let bytes: u64 = groups.map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0)).sum();
    let per_row = (bytes / output.rows().max(1)).max(16) * 2;
    usize::try_from(FETCH_BYTES / per_row).unwrap_or(usize::MAX).clamp(2 * EXACT, 32_768)
}

/// Cuts a large group into blocks of rows that are paired with each other.
fn pieces(group: Group, rows: usize) -> Vec<Group> {
    let blocks = group.a.len().max(group.b.len()).div_ceil(rows);
    let cut = |entries: &[Entry], block: usize| {
        // By share and not by position: where one side has more rows, both lists still run side by side.
        let from = entries.len() * block / blocks;
        let to = entries.len() * (block + 1) / blocks;
        entries[from..to].to_vec()
    };
    (0..blocks).map(|block| Group { a: cut(&group.a, block), b: cut(&group.b, block) }).collect()
}

/// Fetches the rows of some groups, pairs them and counts.
fn settle(
    source_a: &Source<'_>,
    source_b: &Source<'_>,
    groups: Vec<Group>,
    greedy: bool,
    tally: &mut Tally,
    alone_a: &mut Vec<Entry>,
    alone_b: &mut Vec<Entry>,
) -> std::result::Result<(), SideError> {
    let all = |side: fn(&Group) -> &Vec<Entry>| groups.iter().flat_map(side).copied().collect::<Vec<_>>();
    let rows_a = source_a.load(&all(|group| &group.a))?;
    let rows_b = source_b.load(&all(|group| &group.b))?;
    let mut each = |group: &Group| -> Result<()> {
        let pairs = pair::pair(source_a, &group.a, &group.b, &rows_a, &rows_b, greedy)?;
        let mut free_a = vec![true; group.a.len()];
        let mut free_b = vec![true; group.b.len()];
        for (i, j) in pairs {
            free_a[i] = false;
            free_b[j] = false;
            let a = At { source: source_a, entry: &group.a[i], row: rows_a.row(&group.a[i])? };
            let b = At { source: source_b, entry: &group.b[j], row: rows_b.row(&group.b[j])? };
            let changed = source_a.changed(a.row, b.row);
            tally.pair(a, b, &changed);
            stream::pair(a, b, &changed);
        }
        alone_a.extend(group.a.iter().zip(&free_a).filter(|(_, free)| **free).map(|(entry, _)| *entry));
        alone_b.extend(group.b.iter().zip(&free_b).filter(|(_, free)| **free).map(|(entry, _)| *entry));
        Ok(())
    };
    groups.iter().try_for_each(|group| each(group).map_err(|error| internal(source_a, error)))
}

/// Tells in a finding where most of its rows are, by the columns of `--by`.
fn spread(differences: &Differences, finding: &mut Finding) {
    let column = finding.place.as_ref().and_then(|place| place.column.as_deref());
    let about = column.filter(|_| finding.code == "rows.changed").unwrap_or(&finding.code);
    if let Some(most) = differences.top(about) {
        finding.evidence.push(evidence("most rows", most));
    }
}

fn pairing(greedy_groups: u64) -> String {
    let exact = format!("exactly, by fewest changed columns (at most {EXACT} rows of a key a side)");
    if greedy_groups == 0 {
        return exact;
    }
    format!(
        "{exact}; {} with more rows greedily, in file and row order, in blocks of {BLOCK} rows: rows that differ in one \
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

fn summary(rows: &RowsEvidence, excused: u64) -> String {
    let of = |count: u64| counted(count, "row");
    if rows.changed == 0 && rows.missing == 0 && rows.extra == 0 {
        return format!("both sides hold the same {}", of(rows.equal));
    }
    let lost = if excused == 0 { String::new() } else { format!(" ({excused} of them by defect D)") };
    format!(
        "{} changed, {} missing, {} extra{lost}; {} equal",
        of(rows.changed),
        rows.missing,
        rows.extra,
        rows.equal
    )
}

/// One finding a changed column, one for missing, one for extra and one for duplicated rows.
fn findings(candidate: &Observed, rows: &RowsEvidence, tally: &Tally) -> Vec<Finding> {
    let mut findings = Vec::new();
    for change in &rows.columns {
        let kinds: Vec<String> = change.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let first = tally.columns.get(&change.column).and_then(|column| column.first.as_ref());
        let place = first.map(|(entry, _)| candidate.output.files[entry.file as usize].place(entry.row));
        let at = place.as_ref().map(|it| format!(", first at {}", place_text(it))).unwrap_or_default();
        let message = format!(
            "column {:?}: {} changed ({}){at}",
            change.column,
            counted(change.rows, "row"),
            kinds.join(", ")
        );
        let mut draft = finding(CHECK, "rows.changed", Severity::Blocker, None, message);
        draft.count = change.rows;
        draft.place =
            place.map(|place| reports::document::Place { column: Some(change.column.clone()), ..place });
        draft.evidence = first.map(|(_, support)| support.clone()).unwrap_or_default();
        findings.push(draft);
    }
    let sample = |kind: RowDifferenceKind| {
        let sample = rows.samples.iter().find(|sample| sample.kind == kind)?;
        Some((sample.baseline.clone().or_else(|| sample.candidate.clone())?, sample.key.clone()))
    };
    let unpaired = [
        (
            "rows.missing",
            rows.missing,
            RowDifferenceKind::Missing,
            "of the baseline missing in the candidate",
        ),
        (
            "rows.extra",
            rows.extra - tally.duplicated - tally.excused,
            RowDifferenceKind::Extra,
            "of the candidate without a counterpart in the baseline",
        ),
        (
            "rows.duplicated",
            tally.duplicated,
            RowDifferenceKind::Extra,
            "of the candidate there more often than in the baseline",
        ),
    ];
    for (code, count, kind, words) in unpaired.into_iter().filter(|it| it.1 > 0) {
        let sample = sample(kind);
        let at =
            sample.as_ref().map(|(place, _)| format!(", first at {}", place_text(place))).unwrap_or_default();
        let message = format!("{} {words}{at}", counted(count, "row"));
        let mut draft = finding(CHECK, code, Severity::Blocker, None, message);
        draft.count = count;
        if let Some((place, key)) = sample {
            draft.place = Some(place);
            draft.evidence = key
                .into_iter()
                .map(|cell| evidence(&format!("key {}", cell.column), cell.value.text.unwrap_or_default()))
                .collect();
        }
        findings.push(draft);
    }
    if tally.excused > 0 {
        let message = format!(
            "{} of TID {} that the baseline loses and the inputs yield",
            counted(tally.excused, "row"),
            i64::MAX
        );
        let mut draft = finding(CHECK, "rows.extra", Severity::Blocker, None, message);
        draft.count = tally.excused;
        draft.place = tally.excused_samples.first().and_then(|sample| sample.candidate.clone());
        draft.defect = Some(super::KnownDefect::HighestTidLost.letter().to_owned());
        draft.waived = Some(highest::waived());
        findings.push(draft);
    }
    findings
}
