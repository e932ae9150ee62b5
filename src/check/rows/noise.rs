//! Noise: what the baseline does not reproduce itself, so that it is not blamed on the candidate; and nothing else.
//!
//! 1. The baseline's other runs are held against its first, as two sides are. What differs is noise: of a row of the first run,
//!    the columns in which a run had another value, or that a run has no such row; and every row that another run wrote instead.
//! 2. A difference between the sides is then one of three things:
//!    - *reproduced*: the candidate's row is, altogether, one that the baseline wrote for this key in another run, or the whole
//!      output is that of another run. It counts as equal.
//!    - *undecided*: the row differs only in columns in which the baseline itself differs in this very row, or is missing where the
//!      baseline left it out itself. Nobody can say what is right there: the check is inconclusive, never passed.
//!    - anything else: a difference as ever. Columns that are noise in this row are not blamed, the others are.
//! 3. A row of the candidate that no run holds is undecided only as long as there are no more such rows than the baseline's own
//!    runs have, as where the row key itself is noise. A count of rows that lies outside what the runs have is a finding.
//!
//! Memory: the kinds of noise there are, not the rows; marks and hashes of rows go to disk. Cost: one pass over both runs for each
//! other run of the baseline, and only where the sides differ.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Failure;
use super::attribute::{Excuses, Purpose, attribute};
use super::fetch::Source;
use super::record::{Hashed, Known, Spot};
use super::scan::{Scan, Views};
use super::tally::Tally;
use super::unit::starts;
use crate::check::{Observed, RerunKind};
use crate::digest::Multiset;
use crate::error::Result;
use crate::spill::{Marks, Sorted, Sorter, Spill};
use reports::document::SideOutcome;

/// Kinds of noise that are told apart; rows of more kinds count as noise in every column.
const KINDS: usize = 65_536;

/// What is noise in a row of the baseline's first run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Kind {
    /// Some run has no such row.
    absent: bool,
    /// Columns in which some run has another value.
    columns: BTreeSet<u32>,
    /// Too many kinds: any column.
    any: bool,
}

/// What the other runs of the baseline show.
pub(super) struct Noise<'a> {
    marks: Marks<'a>,
    starts: Vec<u64>,
    kinds: Vec<Kind>,
    numbers: HashMap<Kind, u32>,
    columns: BTreeMap<String, u32>,
    /// Of each run, the rows that the first run does not hold, by their hashes.
    others: Vec<Sorted<'a, Hashed>>,
    /// The same of the run that is being learnt from.
    learning: Option<Sorter<'a, Hashed>>,
    /// Most rows without a counterpart in the first run that a run has.
    pub(super) most_extra: u64,
    /// Fewest and most rows of a run.
    pub(super) rows: (u64, u64),
    /// Other runs of the baseline.
    pub(super) runs: u64,
    /// The run that holds exactly the candidate's rows.
    pub(super) same: Option<String>,
}

/// What a difference is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// A difference, in these columns.
    Real(Vec<usize>),
    /// The baseline wrote the same in another run.
    Reproduced,
    /// The baseline does not reproduce itself there.
    Undecided,
}

impl<'a> Noise<'a> {
    /// Learns from the baseline's other runs; `None` where there are none that ended well.
    pub(super) fn learn(
        scan: &Scan<'_>,
        baseline: &Observed,
        views: &Views,
        candidate: &Multiset,
        spill: &'a Spill,
    ) -> std::result::Result<Option<Self>, Failure> {
        let whole = |it: &Observed| it.outcome == SideOutcome::Completed && it.output.unreadable.is_empty();
        let runs = baseline.reruns.iter().filter(|it| it.kind == RerunKind::Again && whole(&it.observed));
        let mut noise = Self {
            marks: Marks::new(spill)?,
            starts: starts(baseline),
            kinds: Vec::new(),
            numbers: HashMap::new(),
            columns: BTreeMap::new(),
            others: Vec::new(),
            learning: None,
            most_extra: 0,
            rows: (baseline.output.rows(), baseline.output.rows()),
            runs: 0,
            same: None,
        };
        for run in runs {
            let other = &run.observed;
            noise.runs += 1;
            let [first, again] = scan.digests([baseline, other], [views, views], spill)?;
            if candidate.differing(&again.multiset).is_none() {
                noise.same.get_or_insert_with(|| run.label.clone());
            }
            let Some(differing) = first.multiset.differing(&again.multiset) else { continue };
            noise.rows = (noise.rows.0.min(other.output.rows()), noise.rows.1.max(other.output.rows()));
            let shelves = [&first.shelf, &again.shelf];
            let wanted = scan.wanted([baseline, other], shelves, differing)?;
            let rows_a = scan.collect(baseline, views, &first.shelf, &wanted, spill)?;
            let rows_b = scan.collect(other, views, &again.shelf, &wanted, spill)?;
            let columns: Vec<String> = first.columns.union(&again.columns).cloned().collect();
            let source = |side| Source { side, views: Arc::clone(views), columns: &columns, scan };
            noise.learning = Some(Sorter::new(spill));
            let mut tally = Tally::new(spill.memory().limit());
            attribute(
                &source(baseline),
                &source(other),
                spill,
                rows_a,
                rows_b,
                &Excuses::default(),
                Purpose::Runs(&mut noise),
                &mut tally,
            )?;
            noise.most_extra = noise.most_extra.max(tally.extra);
            if let Some(rows) = noise.learning.take() {
                noise.others.push(rows.finish()?);
            }
        }
        Ok((noise.runs > 0).then_some(noise))
    }

    /// What is known of a row of the second side that is left: while learning it is kept, later it is looked for.
    pub(super) fn look(&mut self, row: &Hashed, known: Known) -> Result<Known> {
        if let Some(rows) = &mut self.learning {
            rows.push(*row)?;
            return Ok(known);
        }
        let mut found = known;
        let place = |it: &Hashed| (it.class, it.full);
        for rows in &mut self.others {
            while rows.peek().is_some_and(|it| place(it) < place(row)) {
                rows.next()?;
            }
            if rows.peek().is_some_and(|it| place(it) == place(row)) {
                rows.next()?;
                found = Known::Rerun;
            }
        }
        Ok(found)
    }

    /// Learns that a row of the first run has other values in these columns.
    pub(super) fn changed<'c>(
        &mut self,
        spot: Spot,
        columns: impl Iterator<Item = &'c String>,
    ) -> Result<()> {
        let mut kind = self.kind(spot)?;
        for name in columns {
            let next = u32::try_from(self.columns.len()).unwrap_or(u32::MAX);
            kind.columns.insert(*self.columns.entry(name.clone()).or_insert(next));
        }
        self.mark(spot, kind)
    }

    /// Learns that a run has no such row.
    pub(super) fn absent(&mut self, spot: Spot) -> Result<()> {
        let kind = Kind { absent: true, ..self.kind(spot)? };
        self.mark(spot, kind)
    }

    fn number(&self, spot: Spot) -> u64 {
        self.starts.get(spot.0 as usize).copied().unwrap_or(0) + spot.1
    }

    fn kind(&self, spot: Spot) -> Result<Kind> {
        let mark = self.marks.get(self.number(spot))?;
        let known = mark.checked_sub(1).and_then(|it| self.kinds.get(it as usize));
        Ok(known.cloned().unwrap_or_default())
    }

    fn mark(&mut self, spot: Spot, kind: Kind) -> Result<()> {
        let kind = if self.kinds.len() < KINDS || self.numbers.contains_key(&kind) {
            kind
        } else {
            Kind { absent: true, any: true, columns: BTreeSet::new() }
        };
        let next = u32::try_from(self.kinds.len() + 1).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(kind.clone()).or_insert(next);
        if number == next {
            self.kinds.push(kind);
        }
        self.marks.set(self.number(spot), number)
    }

    /// What a pair that differs in `changed` is; `columns` are the names of all columns.
    pub(super) fn pair(
        &self,
        spot: Spot,
        known: Known,
        changed: &[usize],
        columns: &[String],
    ) -> Result<Judged> {
        if self.same.is_some() || known == Known::Rerun {
            return Ok(Judged::Reproduced);
        }
        let kind = self.kind(spot)?;
        let noisy = |column: &usize| {
            kind.any || self.columns.get(&columns[*column]).is_some_and(|it| kind.columns.contains(it))
        };
        let real: Vec<usize> = changed.iter().copied().filter(|column| !noisy(column)).collect();
        Ok(if real.is_empty() { Judged::Undecided } else { Judged::Real(real) })
    }

    /// What a row of the baseline without a counterpart is.
    pub(super) fn missing(&self, spot: Spot) -> Result<Judged> {
        Ok(if self.same.is_some() {
            Judged::Reproduced
        } else if self.kind(spot)?.absent {
            Judged::Undecided
        } else {
            Judged::Real(Vec::new())
        })
    }

    /// What a row of the candidate without a counterpart is, where `unseen` such rows are held by no run.
    pub(super) fn extra(&self, known: Known, unseen: u64) -> Judged {
        if self.same.is_some() || known == Known::Rerun {
            Judged::Reproduced
        } else if unseen <= self.most_extra {
            Judged::Undecided
        } else {
            Judged::Real(Vec::new())
        }
    }
}
