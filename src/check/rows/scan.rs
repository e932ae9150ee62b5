//! Passing over the rows of a side: once for its digest, and where digests differ once more for the rows of the differing
//! buckets.
//!
//! Row groups are read in parallel, and what both sides hold byte for byte is decoded once (see `twins`). The first pass leaves the
//! hash of each row on a shelf, 16 bytes a row, from which the second one takes it: nothing is decoded again. Where columns are
//! under tolerance a row has two hashes, and where the shelf cannot be written there are none: then the second pass decodes again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::DataType;
use rayon::prelude::*;

use super::Failure;
use super::record::{Hashed, KEYLESS, Keyed, Left};
use super::retyped;
use super::twins::{Twin, Twins};
use super::unit::{Unit, units};
use crate::cancel::Cancel;
use crate::check::draft::SideError;
use crate::check::{Comparison, Observed};
use crate::digest::{ColumnKeys, Differing, Multiset, Part, RowHasher, Sums};
use crate::error::Result;
use crate::evidence::differences::Differences;
use crate::output::{OutputFile, ReadOptions, Slice};
use crate::spill::{Shelf, Sorted, Sorter, Spill};

/// Rows whose hashes are taken from the shelf at a time.
const SHELF_ROWS: u64 = 32_768;

/// Rows in differing buckets from which on a closer look is worth another pass over the hashes.
const MANY: u64 = if cfg!(test) { 100 } else { 262_144 };

/// Rows that are hashed at a time once all their columns were added.
const FINISHED_ROWS: usize = 65_536;

/// Rows whose keys are read at a time.
const KEY_ROWS: usize = 262_144;

/// What both passes need to know.
pub(super) struct Scan<'a> {
    pub(super) keys: Arc<ColumnKeys>,
    pub(super) comparison: &'a Comparison,
    pub(super) row_keys: &'a [Vec<String>],
    /// Where every differing row goes.
    pub(super) differences: Option<&'a Differences>,
    /// The signal's time column.
    pub(super) time_column: Option<&'a str>,
    pub(super) cancel: &'a Cancel,
    /// Columns whose type differs between the sides.
    pub(super) retyped: retyped::Columns,
}

/// Digest of a side and what was seen on the way.
pub(super) struct Digest {
    pub(super) multiset: Multiset,
    pub(super) columns: BTreeSet<String>,
    /// Hash of each row, by its number within the side.
    pub(super) shelf: Shelf,
}

/// What a pass found: rows of both sides. A side of which there are none costs nothing.
#[derive(Default)]
struct Found {
    multisets: [Option<Multiset>; 2],
    buffer: Vec<u8>,
}

impl Found {
    fn merged(mut self, other: Self) -> Self {
        for (mine, theirs) in self.multisets.iter_mut().zip(other.multisets) {
            match (mine.as_mut(), theirs) {
                (Some(mine), Some(theirs)) => mine.merge(&theirs),
                (None, theirs) => *mine = theirs,
                (Some(_), None) => {}
            }
        }
        self
    }
}

pub(super) type Views = Arc<HashMap<String, DataType>>;

impl Scan<'_> {
    /// A hasher for one side; `views` are the integer columns to be read as another type.
    pub(super) fn hasher(&self, views: &Views) -> RowHasher {
        RowHasher::sharing(&self.keys, self.comparison.negative_zero_equal, Arc::clone(views))
            .converting(&self.retyped.declared)
    }

    /// The same for row keys: rows belong together whatever type their key has.
    fn key_hasher(&self, views: &Views) -> RowHasher {
        self.hasher(views).converting(&self.retyped.all)
    }

    /// True where rows have two hashes: one of them without the columns under tolerance.
    fn tolerant(&self) -> bool {
        !self.comparison.tolerances.is_empty()
    }

    pub(super) fn part(&self, name: &str) -> Part {
        if self.comparison.ignored.contains_key(name) {
            Part::None
        } else if self.comparison.tolerances.contains_key(name) {
            Part::Full
        } else {
            Part::Both
        }
    }

    /// The columns of a file that are compared; `None` for all. The others are not read.
    pub(super) fn compared(&self, file: &OutputFile) -> Option<Vec<String>> {
        file.columns_without(|name| self.part(name) == Part::None)
    }

    /// Hashes the rows of a row group, a batch at a time or all at once: first row within the row group, base and full hashes.
    pub(super) fn hash(
        &self,
        unit: &Unit<'_>,
        views: &Views,
        mut each: impl FnMut(u64, &[u128], &[u128]) -> Result<()>,
    ) -> Result<()> {
        let mut hasher = self.hasher(views);
        let (mut base, mut full) = (Vec::new(), Vec::new());
        let wanted = self.compared(unit.file);
        let slices = Slice::joined(unit.slices(wanted.as_deref())?, unit.rows, &unit.file.memory);
        if let [slice] = &slices[..] {
            for located in unit.read(slice, 0, 1)? {
                self.cancel.check()?;
                let located = located?;
                hasher.hash(&located.batch, |name| self.part(name), &mut base, &mut full)?;
                let base = if base.is_empty() { &full } else { &base };
                each(located.first_row - unit.in_file, base, &full)?;
            }
            return Ok(());
        }
        // All columns at one time would need too much memory: they are added a few at a time.
        let mut sums = Sums::default();
        for slice in &slices {
            let mut seen = 0;
            for located in unit.read(slice, 0, 1)? {
                self.cancel.check()?;
                let batch = located?.batch;
                hasher.add(&batch, |name| self.part(name), seen, &mut sums)?;
                seen += batch.num_rows();
            }
        }
        let rows = usize::try_from(unit.rows).unwrap_or(usize::MAX);
        for first in (0..rows).step_by(FINISHED_ROWS) {
            let stretch = first..rows.min(first + FINISHED_ROWS);
            hasher.finish(&sums, stretch, &mut base, &mut full);
            let base = if base.is_empty() { &full } else { &base };
            each(first as u64, base, &full)?;
        }
        Ok(())
    }

    /// First pass: the digests of all rows of both sides. What lies on both sides byte for byte is decoded once (see `twins`).
    pub(super) fn digests(
        &self,
        sides: [&Observed; 2],
        views: [&Views; 2],
        spill: &Spill,
    ) -> std::result::Result<[Digest; 2], SideError> {
        let shelves = sides.map(|_| if self.tolerant() { Shelf::none() } else { spill.shelf() });
        let twins = if views[0] == views[1] { Twins::find(self, sides) } else { Twins::default() };
        let put = |side: usize, unit: &Unit<'_>, found: &mut Found, hashes: (u64, &[u128], &[u128])| {
            let (first, base, full) = hashes;
            shelves[side].put(unit.in_side + first, full, &mut found.buffer);
            let multiset = found.multisets[side].get_or_insert_with(|| self.nothing());
            base.iter().zip(full).for_each(|(&base, &full)| multiset.add(base, full));
        };
        let merged = |a: Found, b: Found| Ok(a.merged(b));
        let pass = |side: usize| {
            let take = |mut found: Found, unit: &Unit<'_>| {
                let each = |first, base: &[u128], full: &[u128]| {
                    put(side, unit, &mut found, (first, base, full));
                    Ok(())
                };
                self.hash(unit, views[side], each).map_err(|error| at(sides[side], unit.file, error))?;
                Ok(found)
            };
            let alone: Vec<Unit<'_>> =
                units(sides[side]).into_iter().filter(|unit| !twins.holds(side, unit)).collect();
            alone.par_iter().try_fold(Found::default, take).try_reduce(Found::default, merged)
        };
        let both = || {
            let take = |mut found: Found, twin: &Twin<'_>| {
                twin.hash(self, views[0], sides, |side, hashes| {
                    put(side, [&twin.a, &twin.b][side], &mut found, hashes);
                })?;
                Ok(found)
            };
            twins.list.par_iter().try_fold(Found::default, take).try_reduce(Found::default, merged)
        };
        let (common, (a, b)) = rayon::join(both, || rayon::join(|| pass(0), || pass(1)));
        let [multiset_a, multiset_b] = common?.merged(a?).merged(b?).multisets;
        let [shelf_a, shelf_b] = shelves;
        let multiset = |found: Option<Multiset>| found.unwrap_or_else(|| self.nothing());
        Ok([
            Digest { multiset: multiset(multiset_a), columns: self.columns(sides[0])?, shelf: shelf_a },
            Digest { multiset: multiset(multiset_b), columns: self.columns(sides[1])?, shelf: shelf_b },
        ])
    }

    fn nothing(&self) -> Multiset {
        Multiset::new(self.keys.key().point())
    }

    /// The compared columns of a side.
    fn columns(&self, side: &Observed) -> std::result::Result<BTreeSet<String>, SideError> {
        let mut columns = BTreeSet::new();
        for file in &side.output.files {
            let schema = file.arrow_schema().map_err(|error| at(side, file, error))?;
            let names = schema.fields().iter().map(|field| field.name());
            columns.extend(names.filter(|name| self.part(name) != Part::None).cloned());
        }
        Ok(columns)
    }

    /// Between the passes, where many rows share the differing buckets with the few that differ: the buckets to look into, those
    /// of `differing` and finer ones. Takes hashes that lie on the shelves, and does without where they do not.
    pub(super) fn wanted(
        &self,
        sides: [&Observed; 2],
        shelves: [&Shelf; 2],
        differing: Differing,
    ) -> Result<Vec<Differing>> {
        if differing.rows() < MANY {
            return Ok(vec![differing]);
        }
        let (a, b) = rayon::join(
            || self.finer(sides[0], shelves[0], &differing),
            || self.finer(sides[1], shelves[1], &differing),
        );
        let finer = a?.zip(b?).and_then(|(a, b)| a.differing(&b));
        Ok(std::iter::once(differing).chain(finer).collect())
    }

    fn finer(&self, side: &Observed, shelf: &Shelf, differing: &Differing) -> Result<Option<Multiset>> {
        let empty = || Some(Multiset::finer(self.keys.key().point()));
        let take = |multiset: Option<Multiset>, unit: &Unit<'_>| {
            let Some(mut multiset) = multiset else { return Ok(None) };
            let there = self.shelved(unit, shelf, &mut |_, base, full| {
                let rows = base.iter().zip(full).filter(|(base, _)| differing.holds(**base));
                rows.for_each(|(&base, &full)| multiset.add(base, full));
                Ok(())
            })?;
            Ok(there.then_some(multiset))
        };
        let merged = |a: Option<Multiset>, b: Option<Multiset>| {
            Ok(a.zip(b).map(|(mut a, b)| {
                a.merge(&b);
                a
            }))
        };
        units(side).par_iter().try_fold(empty, take).try_reduce(empty, merged)
    }

    /// Second pass: the rows of a side that fall into differing buckets, of each of `wanted`.
    pub(super) fn collect<'a>(
        &self,
        side: &Observed,
        views: &Views,
        shelf: &Shelf,
        wanted: &[Differing],
        spill: &'a Spill,
    ) -> std::result::Result<Sorter<'a, Hashed>, Failure> {
        let rows = Mutex::new(Sorter::new(spill));
        units(side).par_iter().try_for_each(|unit| {
            let mut found = Vec::new();
            let mut each = |first: u64, base: &[u128], full: &[u128]| -> Result<()> {
                let all = (unit.in_file + first..).zip(base.iter().zip(full));
                found.extend(
                    all.filter(|(_, (base, _))| wanted.iter().all(|it| it.holds(**base)))
                        .map(|(row, (&class, &full))| Hashed { class, full, spot: (unit.number, row) }),
                );
                let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
                found.drain(..).try_for_each(|row| rows.push(row))
            };
            if self.shelved(unit, shelf, &mut each)? {
                return Ok(());
            }
            self.hash(unit, views, each).map_err(|error| match spill.failure() {
                Some(_) => Failure::Own(error),
                None => at(side, unit.file, error).into(),
            })
        })?;
        Ok(rows.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Hands over the hashes of a row group that lie on the shelf; false where they do not.
    fn shelved(
        &self,
        unit: &Unit<'_>,
        shelf: &Shelf,
        each: &mut impl FnMut(u64, &[u128], &[u128]) -> Result<()>,
    ) -> Result<bool> {
        let mut hashes = Vec::new();
        let mut first = 0;
        while first < unit.rows {
            self.cancel.check()?;
            let count = usize::try_from(SHELF_ROWS.min(unit.rows - first)).unwrap_or(usize::MAX);
            if shelf.take(unit.in_side + first, count, &mut hashes).is_none() {
                // What was handed over before is there already; a row must not come twice.
                return if first == 0 { Ok(false) } else { Err(lost()) };
            }
            each(first, &hashes, &hashes)?;
            first += count as u64;
        }
        Ok(true)
    }

    /// Reads the row keys of the rows that are left: per row the first alternative whose columns all have a value.
    pub(super) fn keys<'a>(
        &self,
        side: &Observed,
        views: &Views,
        mut left: Sorted<'_, Left>,
        spill: &'a Spill,
    ) -> std::result::Result<Sorter<'a, Keyed>, Failure> {
        let mut keyed = Sorter::new(spill);
        let mut hasher = self.key_hasher(views);
        let mut block: Vec<Left> = Vec::new();
        while let Some(row) = left.next()? {
            let file = row.spot.0;
            block.push(row);
            if block.len() == KEY_ROWS || left.peek().is_none_or(|next| next.spot.0 != file) {
                let file = &side.output.files[file as usize];
                let keys = self.keys_of(file, &block, &mut hasher).map_err(|error| at(side, file, error))?;
                for (Left { spot, known }, (alternative, key)) in block.drain(..).zip(keys) {
                    keyed.push(Keyed { alternative, key, spot, known })?;
                }
            }
        }
        Ok(keyed)
    }

    /// Alternatives and key hashes of rows of one file.
    fn keys_of(&self, file: &OutputFile, rows: &[Left], hasher: &mut RowHasher) -> Result<Vec<(u16, u128)>> {
        let mut columns: Vec<String> = self.row_keys.iter().flatten().cloned().collect();
        columns.sort_unstable();
        columns.dedup();
        let schema = file.arrow_schema()?;
        columns.retain(|name| schema.column_with_name(name).is_some() && self.part(name) != Part::None);
        if columns.is_empty() {
            return Ok(vec![(KEYLESS, 0); rows.len()]);
        }
        let numbers = rows.iter().map(|row| row.spot.1).collect();
        let mut keys = Vec::with_capacity(rows.len());
        for located in
            file.read(ReadOptions { columns: Some(columns), rows: Some(numbers), ..ReadOptions::default() })?
        {
            self.cancel.check()?;
            let batch = located?.batch;
            let first = keys.len();
            keys.resize(first + batch.num_rows(), (KEYLESS, 0));
            for (number, columns) in (0..KEYLESS).zip(self.row_keys) {
                let arrays: Option<Vec<_>> = columns
                    .iter()
                    .map(|name| batch.column_by_name(name).map(|array| (name.as_str(), array)))
                    .collect();
                let Some(arrays) = arrays.filter(|it| !it.is_empty()) else { continue };
                let hashes = hasher.row_keys(&arrays)?;
                for (key, hash) in keys[first..].iter_mut().zip(hashes) {
                    if let (KEYLESS, Some(hash)) = (key.0, hash) {
                        *key = (number, hash);
                    }
                }
            }
        }
        if keys.len() == rows.len() { Ok(keys) } else { Err(came_back(file, keys.len(), rows.len())) }
    }
}

fn lost() -> crate::error::Error {
    crate::error::Error::new(
        reports::manifest::ErrorClass::Io,
        "row hashes that were written to a temporary file could not be read back; --tmp-dir names another place",
    )
}

/// An error about rows that were asked for and did not come.
pub(super) fn came_back(file: &OutputFile, came: usize, asked: usize) -> crate::error::Error {
    let message = format!("{came} rows came back where {asked} were asked for");
    crate::error::Error::unreadable(&file.path, message)
}

/// An error with the file it was met in.
pub(super) fn at(side: &Observed, file: &OutputFile, error: crate::error::Error) -> SideError {
    SideError { role: side.role, file: file.info.path.clone(), error }
}
