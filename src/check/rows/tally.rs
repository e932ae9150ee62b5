//! Counting differences, exactly, and keeping samples of them, few but of every kind.

use std::collections::BTreeMap;

use reports::document::{Evidence, Place};
use reports::evidence::{Cell, CellDifference, ColumnChange, RowDifference, RowDifferenceKind, Value};

use super::change::{Slot, value};
use super::fetch::{Row, Source};
use super::record::Entry;
use crate::check::finding::evidence;
use crate::evidence::changes::code;
use crate::spill::LEAST_MEMORY_LIMIT;

/// Cap on the samples of a report.
pub(super) const SAMPLE_LIMIT: usize = 100;

/// Samples held at most while counting.
const HELD: usize = 2_000;

/// Bytes of samples from which on no more are held, at most; one part in [`HELD_PART`] of the memory limit.
const HELD_BYTES: u64 = 16 << 20;
const HELD_PART: u64 = 16;

/// Samples that every kind of difference may hold whatever the others hold.
const EACH: usize = 4;

/// Code of rows that differ where the baseline does not reproduce itself.
pub(super) const NOISE: &str = "rows.noise";

/// Code of rows that differ and are what the baseline wrote in another run.
pub(super) const REPRODUCED: &str = "rows.reproduced";

/// Rows that differ by what the baseline does not reproduce itself.
#[derive(Default)]
pub(super) struct Aside {
    /// Rows of the baseline among them all.
    pub(super) baseline: u64,
    /// What the candidate holds is what the baseline wrote in another run.
    pub(super) reproduced: u64,
    /// Undecided: paired rows, ...
    pub(super) changed: u64,
    /// ... rows of the baseline and ...
    pub(super) missing: u64,
    /// ... rows of the candidate without a counterpart.
    pub(super) extra: u64,
    /// Some of them have no counterpart.
    pub(super) unpaired: bool,
    /// Undecided pairs by column.
    pub(super) columns: BTreeMap<String, u64>,
}

/// Rows of points at which defect H explains the difference. They are in the counts of all changed, missing and extra rows.
#[derive(Default)]
pub(super) struct Excused {
    pub(super) changed: u64,
    pub(super) missing: u64,
    pub(super) extra: u64,
    /// The first of each kind.
    pub(super) samples: Vec<RowDifference>,
}

impl Excused {
    /// Rows or pairs of rows.
    pub(super) fn all(&self) -> u64 {
        self.changed + self.missing + self.extra
    }

    fn sample(&mut self, kind: RowDifferenceKind, sample: impl FnOnce() -> RowDifference) {
        if self.samples.iter().filter(|sample| sample.kind == kind).count() < EACH {
            self.samples.push(sample());
        }
    }
}

/// Counts and samples.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) changed: u64,
    pub(super) missing: u64,
    pub(super) extra: u64,
    /// Extra rows that equal a row of the baseline.
    pub(super) duplicated: u64,
    /// Extra rows that a known defect of the baseline explains.
    pub(super) excused: u64,
    /// The first of them.
    pub(super) excused_samples: Vec<RowDifference>,
    /// Rows that defect H of the baseline explains.
    pub(super) damaged: Excused,
    /// Set apart, and in none of these counts.
    pub(super) aside: Aside,
    pub(super) columns: BTreeMap<String, Column>,
    samples: BTreeMap<String, Vec<RowDifference>>,
    held: usize,
    bytes: usize,
    /// Bytes of samples from which on no more are held.
    most: usize,
}

/// Why a row has no counterpart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unpaired {
    Missing,
    Extra,
    /// Extra, and explained by a known defect of the baseline.
    Excused,
    /// Missing or extra, and explained by what the baseline makes of damaged sketches.
    Damaged {
        missing: bool,
    },
    /// Missing or extra, and set apart under this code.
    Aside {
        missing: bool,
        code: &'static str,
    },
}

/// What became of one column.
#[derive(Default)]
pub(super) struct Column {
    pub(super) change: ColumnChange,
    /// By the code of the finding that they belong to.
    pub(super) parts: BTreeMap<&'static str, Part>,
}

/// Changes of one column that belong to one finding.
#[derive(Default)]
pub(super) struct Part {
    pub(super) rows: u64,
    /// First place in the candidate, by file and row, with what supports it.
    pub(super) first: Option<(Entry, Vec<Evidence>)>,
}

/// One row with its side.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) entry: &'a Entry,
    pub(super) row: Row<'a>,
}

impl At<'_> {
    pub(super) fn place(&self) -> Place {
        self.source.side.output.files[self.entry.spot.0 as usize].place(self.entry.spot.1)
    }

    /// The row's key, by the alternative that it uses.
    fn key(&self) -> Vec<Cell> {
        self.key_by(value)
    }

    /// The same with values made by `value`.
    pub(super) fn key_by(&self, value: fn(Slot<'_>) -> Value) -> Vec<Cell> {
        let names = self.source.scan.row_keys.get(usize::from(self.entry.alternative));
        let cell = |name: &String| {
            let column = self.source.columns.binary_search(name).ok()?;
            Some(Cell { column: name.clone(), value: value(self.row.slot(column)) })
        };
        names.into_iter().flatten().filter_map(cell).collect()
    }

    /// All cells that hold a value.
    fn cells(&self, kind: RowDifferenceKind) -> Vec<CellDifference> {
        self.cells_by(kind, value)
    }

    /// The same with values made by `value`.
    pub(super) fn cells_by(
        &self,
        kind: RowDifferenceKind,
        value: fn(Slot<'_>) -> Value,
    ) -> Vec<CellDifference> {
        let filled = (0..self.source.columns.len()).filter(|&column| self.row.hash(column) != 0);
        filled
            .map(|column| {
                let (here, none) = (value(self.row.slot(column)), value(None));
                let missing = kind == RowDifferenceKind::Missing;
                let (baseline, candidate) = if missing { (here, none) } else { (none, here) };
                let kind = if missing { "value-to-null" } else { "null-to-value" }.to_owned();
                CellDifference { column: self.source.columns[column].clone(), kind, baseline, candidate }
            })
            .collect()
    }
}

impl Tally {
    /// Nothing yet, under this memory limit in bytes.
    pub(super) fn new(limit: u64) -> Self {
        let most = (limit.max(LEAST_MEMORY_LIMIT) / HELD_PART).min(HELD_BYTES);
        Self { most: usize::try_from(most).unwrap_or(usize::MAX), ..Self::default() }
    }

    /// Counts a pair whose rows differ in `changed` columns.
    pub(super) fn pair(&mut self, a: At<'_>, b: At<'_>, changed: &[usize]) {
        if changed.is_empty() {
            return;
        }
        self.changed += 1;
        let mut signature = String::from("changed");
        for &column in changed {
            let name = &a.source.columns[column];
            let kind = a.source.kind(a.row, b.row, column);
            let entry = self.columns.entry(name.clone()).or_default();
            entry.change.column.clone_from(name);
            entry.change.rows += 1;
            *entry.change.kinds.entry(kind.to_owned()).or_default() += 1;
            let part = entry.parts.entry(code(kind)).or_default();
            part.rows += 1;
            if part.first.as_ref().is_none_or(|(first, _)| b.entry.spot < first.spot) {
                let shown = |slot| value(slot).text.unwrap_or_else(|| "null".to_owned());
                let mut support = vec![
                    evidence("baseline", shown(a.row.slot(column))),
                    evidence("candidate", shown(b.row.slot(column))),
                    evidence("baseline place", place_text(&a.place())),
                ];
                for cell in a.key() {
                    let text = cell.value.text.unwrap_or_else(|| "null".to_owned());
                    support.push(evidence(&format!("key {}", cell.column), text));
                }
                part.first = Some((*b.entry, support));
            }
            if signature.len() < 200 {
                signature.push_str(&format!("/{name}/{kind}"));
            }
        }
        self.sample(&signature, || changed_row(a, b, changed));
    }

    /// Counts a pair whose rows differ in `changed` columns, by what the baseline makes of damaged sketches.
    pub(super) fn damaged_pair(&mut self, a: At<'_>, b: At<'_>, changed: &[usize]) {
        self.changed += 1;
        self.damaged.changed += 1;
        self.damaged.sample(RowDifferenceKind::Changed, || changed_row(a, b, changed));
    }

    /// Keeps an unpaired row as a sample; it is counted where it is found.
    pub(super) fn unpaired(&mut self, at: At<'_>, unpaired: Unpaired) {
        let sample = || {
            let place = Some(at.place());
            let missing = matches!(unpaired, Unpaired::Missing | Unpaired::Damaged { missing: true });
            let (baseline, candidate) = if missing { (place, None) } else { (None, place) };
            let kind = if missing { RowDifferenceKind::Missing } else { RowDifferenceKind::Extra };
            RowDifference { kind, key: at.key(), baseline, candidate, cells: at.cells(kind) }
        };
        match unpaired {
            Unpaired::Missing => self.sample("missing", sample),
            Unpaired::Extra => self.sample("extra", sample),
            Unpaired::Excused if self.excused_samples.len() < EACH => self.excused_samples.push(sample()),
            Unpaired::Damaged { missing: true } => self.damaged.sample(RowDifferenceKind::Missing, sample),
            Unpaired::Damaged { missing: false } => self.damaged.sample(RowDifferenceKind::Extra, sample),
            Unpaired::Excused | Unpaired::Aside { .. } => {}
        }
    }

    fn sample(&mut self, signature: &str, sample: impl FnOnce() -> RowDifference) {
        let kinds = self.samples.len();
        let held = self.samples.get(signature).map_or(0, Vec::len);
        let known = held > 0;
        let room = if self.held < HELD { SAMPLE_LIMIT } else { EACH };
        if held >= room || (!known && kinds >= HELD) || self.bytes >= self.most {
            return;
        }
        let sample = sample();
        self.held += 1;
        self.bytes += size(&sample);
        self.samples.entry(signature.to_owned()).or_default().push(sample);
    }

    /// The samples of the report: the first of every kind, then the second of every kind, and so on up to the cap.
    pub(super) fn samples(&mut self) -> Vec<RowDifference> {
        let mut kinds: Vec<_> = std::mem::take(&mut self.samples).into_values().map(Vec::into_iter).collect();
        let mut chosen = Vec::new();
        while chosen.len() < SAMPLE_LIMIT && !kinds.is_empty() {
            kinds.retain_mut(|kind| {
                let next = if chosen.len() < SAMPLE_LIMIT { kind.next() } else { None };
                next.map(|sample| chosen.push(sample)).is_some()
            });
        }
        chosen
    }
}

/// A pair as a sample.
fn changed_row(a: At<'_>, b: At<'_>, changed: &[usize]) -> RowDifference {
    RowDifference {
        kind: RowDifferenceKind::Changed,
        key: a.key(),
        baseline: Some(a.place()),
        candidate: Some(b.place()),
        cells: changed
            .iter()
            .map(|&column| CellDifference {
                column: a.source.columns[column].clone(),
                kind: a.source.kind(a.row, b.row, column).to_owned(),
                baseline: value(a.row.slot(column)),
                candidate: value(b.row.slot(column)),
            })
            .collect(),
    }
}

/// Bytes of a sample, with room for what the allocator adds.
fn size(sample: &RowDifference) -> usize {
    let value = |it: &Value| it.type_class.len() + it.text.as_ref().map_or(0, String::len) + 64;
    let cells = sample.cells.iter().map(|cell| {
        size_of::<CellDifference>() + cell.column.len() + 64 + value(&cell.baseline) + value(&cell.candidate)
    });
    let keys = sample.key.iter().map(|cell| size_of::<Cell>() + cell.column.len() + value(&cell.value));
    cells.chain(keys).sum()
}

/// A place in words.
pub(super) fn place_text(place: &Place) -> String {
    let file = place.file.as_deref().unwrap_or("?");
    match (place.row_group, place.row) {
        (Some(group), Some(row)) => format!("{file}, row group {group}, row {row}"),
        (None, Some(row)) => format!("{file}, row {row}"),
        _ => file.to_owned(),
    }
}
