//! Rows that only the candidate holds because the baseline is known to lose the highest group key (defect D).
//!
//! The defect excuses exactly this: the baseline holds no row of that key, and the candidate holds every point of it that the
//! inputs yield, each once, and no other. Which points these are is worked out from the inputs (`crate::rollup`). Each row must also
//! be the input row that comes first in its point, in every column that a merge leaves alone: there is no baseline row that would
//! show a wrong one. What merged sketches and rollups say is the business of SKETCH. Cost: one pass over the inputs' few columns,
//! one over three columns of both sides, and the rows of that key.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use reports::document::Waived;

use super::scan::{Views, at};
use crate::check::draft::SideError;
use crate::check::{KnownDefect, Observed, Subject};
use crate::digest::{RowHasher, RunKey};
use crate::error::{Error, Result};
use crate::output::{OutputFile, ReadOptions};
use crate::rollup::{Block, Columns, Kind, Model, Modelled, key_hash};

/// The highest group key there can be.
const HIGHEST: i64 = i64::MAX;

/// Rows by file in judged order and row within the file.
pub(in crate::check) type Places = HashSet<(u32, u64)>;

/// What a merge leaves alone in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kept {
    merged: bool,
    hash: u128,
}

/// The rows of the candidate that defect D excuses; none where it does not explain them exactly.
pub(in crate::check) fn excused(
    subject: &Subject<'_>,
    baseline: &Observed,
) -> std::result::Result<Places, SideError> {
    let none = Ok(Places::new());
    let columns = subject.job.signal.as_deref().and_then(Columns::of);
    let Some(columns) = columns.filter(|_| subject.known_defects.contains(&KnownDefect::HighestTidLost))
    else {
        return none;
    };
    if [&columns.group, &columns.time, &columns.name].into_iter().any(|it| subject.unread(it).is_some()) {
        return none;
    }
    let ours = |error: Error| SideError { role: baseline.role, file: String::new(), error };
    let hashing = Hashing::new(subject, &columns);
    let plain = Views::default();
    let Some(mut expected) = hashing.expected().map_err(ours)? else { return none };
    if expected.is_empty() || !hashing.found(baseline)?.is_empty() {
        return none;
    }
    let found = hashing.found(subject.candidate)?;
    for (number, rows) in &found {
        let file = &subject.candidate.output.files[*number as usize];
        let keys: HashMap<u64, Option<u128>> = rows.iter().copied().collect();
        let kept = hashing
            .kept(file, rows.iter().map(|(row, _)| *row).collect(), &plain)
            .map_err(|error| at(subject.candidate, file, error))?;
        for (row, alone, merged) in kept {
            let key = keys.get(&row).copied().flatten();
            let wanted = key.and_then(|key| expected.remove(&key));
            if wanted.is_none_or(|wanted| wanted.hash != if wanted.merged { merged } else { alone }) {
                return none;
            }
        }
    }
    let places = found.into_iter().flat_map(|(file, rows)| rows.into_iter().map(move |(row, _)| (file, row)));
    if expected.is_empty() { Ok(places.collect()) } else { none }
}

/// Rows of the highest group with the hash of their point, where they have a time.
type Rows = Vec<(u64, Option<u128>)>;

/// Looks at what a merge leaves alone in rows.
pub(super) struct Hashing<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) columns: &'a Columns,
    key: RunKey,
}

impl<'a> Hashing<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, columns: &'a Columns) -> Self {
        Self { subject, columns, key: RunKey::random() }
    }

    /// The points of the highest group that the inputs yield; `None` without a model.
    fn expected(&self) -> Result<Option<HashMap<u128, Kept>>> {
        let cancel = self.subject.cancel;
        let Modelled::Known(model) = Model::open(self.subject.job, cancel)? else { return Ok(None) };
        let mut points: BTreeMap<(usize, u64), (u128, bool)> = BTreeMap::new();
        let account = model.visit(cancel, |point| {
            if point.group == HIGHEST {
                points.insert(point.origin, (point.key, point.kind == Kind::Merged));
            }
        })?;
        if matches!(account, Modelled::Unknown(_)) {
            return Ok(None);
        }
        let mut expected = HashMap::new();
        let inputs: HashSet<usize> = points.keys().map(|(input, _)| *input).collect();
        for number in inputs {
            let Some(file) = model.input(number) else { continue };
            let rows = points.range((number, 0)..=(number, u64::MAX)).map(|((_, row), _)| *row).collect();
            for (row, alone, merged_hash) in self.kept(file, rows, &Views::default())? {
                if let Some(&(key, merged)) = points.get(&(number, row)) {
                    expected.insert(key, Kept { merged, hash: if merged { merged_hash } else { alone } });
                }
            }
        }
        // A point whose row could not be found again must not be taken for none.
        Ok((expected.len() == points.len()).then_some(expected))
    }

    /// The rows of the highest group by file; files without any are left out.
    fn found(&self, side: &Observed) -> std::result::Result<BTreeMap<u32, Rows>, SideError> {
        let columns = self.columns;
        let mut found: BTreeMap<u32, Rows> = BTreeMap::new();
        let mut pass = |number: u32, file: &OutputFile| -> Result<()> {
            let wanted = vec![columns.group.clone(), columns.time.clone(), columns.name.clone()];
            for located in file.read(ReadOptions { columns: Some(wanted), ..ReadOptions::default() })? {
                self.subject.cancel.check()?;
                let located = located?;
                let block = Block::new(&located.batch, columns);
                for row in (0..block.rows()).filter(|row| block.group(*row) == Some(HIGHEST)) {
                    let key = block.time(row).map(|time| key_hash(HIGHEST, time, block.name(row)));
                    found.entry(number).or_default().push((located.first_row + row as u64, key));
                }
            }
            Ok(())
        };
        for (number, file) in (0_u32..).zip(&side.output.files) {
            pass(number, file).map_err(|error| at(side, file, error))?;
        }
        Ok(found)
    }

    /// Of rows of a file, ascending: the row, and two hashes of what a merge leaves alone in it: where it passes unmerged (all
    /// but the time), and where it is merged (the recomputed columns left out too). `views` are integer columns to be read as
    /// another type.
    pub(super) fn kept(
        &self,
        file: &OutputFile,
        rows: Vec<u64>,
        views: &Views,
    ) -> Result<Vec<(u64, u128, u128)>> {
        let signal = self.subject.job.signal.as_deref();
        let rule = signal.and_then(|signal| signal.rollup.as_ref());
        let time = &self.columns.time;
        let ignored = &self.subject.comparison.ignored;
        let skipped = |name: &str| name == time || ignored.contains_key(name);
        let recomputed = |name: &str| {
            rule.is_some_and(|rule| name == rule.sketch || rule.recomputed().any(|it| it == name))
        };
        let zero_equal = self.subject.comparison.negative_zero_equal;
        let mut hasher = RowHasher::new(self.key, zero_equal, Arc::clone(views));
        let mut numbers = rows.clone().into_iter();
        let mut kept = Vec::with_capacity(rows.len());
        let columns = file.columns_without(skipped);
        for located in file.read(ReadOptions { columns, rows: Some(rows), ..ReadOptions::default() })? {
            self.subject.cancel.check()?;
            let batch = located?.batch;
            let alone = hasher.rows(&batch, skipped)?;
            let merged = hasher.rows(&batch, |name| skipped(name) || recomputed(name))?;
            // The hashes come first: the shorter side must be the one that ends.
            let hashes = alone.into_iter().zip(merged);
            kept.extend(hashes.zip(numbers.by_ref()).map(|((alone, merged), row)| (row, alone, merged)));
        }
        Ok(kept)
    }
}

/// Who answers for the rows, and why.
pub(in crate::check) fn waived() -> Waived {
    Waived {
        reason: "defect D of the legacy TIDMerger: TID 9223372036854775807 is never written; the candidate holds exactly \
                 the rows of it that the inputs yield"
            .to_owned(),
        owner: "parallax".to_owned(),
        expires: None,
    }
}
