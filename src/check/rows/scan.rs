//! Passing over the rows of a side: once for its digest, and where digests differ once more for the rows of the differing
//! buckets.
//!
//! Row groups are read in parallel. The first pass leaves the hash of each row on a shelf, 16 bytes a row, from which the second
//! one takes it: nothing is decoded again. Where columns are under tolerance a row has two hashes, and where the shelf cannot be
//! written there are none: then the second pass decodes again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::DataType;
use rayon::prelude::*;

use super::Failure;
use super::record::{Hashed, KEYLESS, Keyed, Left};
use crate::cancel::Cancel;
use crate::check::draft::SideError;
use crate::check::{Comparison, Observed};
use crate::digest::{Multiset, Part, RowHasher, RunKey, bucket};
use crate::error::Result;
use crate::evidence::differences::Differences;
use crate::output::{OutputFile, ReadOptions};
use crate::spill::{Shelf, Sorted, Sorter, Spill};

/// Rows whose hashes are taken from the shelf at a time.
const SHELF_ROWS: u64 = 32_768;

/// Rows whose keys are read at a time.
const KEY_ROWS: usize = 262_144;

/// What both passes need to know.
pub(super) struct Scan<'a> {
    pub(super) key: RunKey,
    pub(super) comparison: &'a Comparison,
    pub(super) row_keys: &'a [Vec<String>],
    /// Where every differing row goes.
    pub(super) differences: Option<&'a Differences>,
    /// The signal's time column.
    pub(super) time_column: Option<&'a str>,
    pub(super) cancel: &'a Cancel,
}

/// Digest of a side and what was seen on the way.
pub(super) struct Digest {
    pub(super) multiset: Multiset,
    pub(super) columns: BTreeSet<String>,
    /// Hash of each row, by its number within the side.
    pub(super) shelf: Shelf,
}

/// One row group of a side.
#[derive(Clone, Copy)]
struct Unit<'a> {
    file: &'a OutputFile,
    /// Position of the file in judged order.
    number: u32,
    row_group: usize,
    /// Rows of the file before it, rows of the side before it, and its own.
    in_file: u64,
    in_side: u64,
    rows: u64,
}

/// Row groups of a side, in judged order.
fn units(side: &Observed) -> Vec<Unit<'_>> {
    let mut units = Vec::new();
    let mut in_side = 0;
    for (number, file) in (0_u32..).zip(&side.output.files) {
        let mut in_file = 0;
        for (row_group, group) in file.metadata.row_groups().iter().enumerate() {
            let rows = u64::try_from(group.num_rows()).unwrap_or(0);
            units.push(Unit { file, number, row_group, in_file, in_side, rows });
            in_file += rows;
            in_side += rows;
        }
    }
    units
}

type Views = Arc<HashMap<String, DataType>>;

impl Scan<'_> {
    /// A hasher for one side; `views` are the integer columns to be read as another type.
    pub(super) fn hasher(&self, views: &Views) -> RowHasher {
        RowHasher::new(self.key, self.comparison.negative_zero_equal, Arc::clone(views))
    }

    /// True where rows have two hashes: one of them without the columns under tolerance.
    fn tolerant(&self) -> bool {
        !self.comparison.tolerances.is_empty()
    }

    fn part(&self, name: &str) -> Part {
        if self.comparison.ignored.contains_key(name) {
            Part::None
        } else if self.comparison.tolerances.contains_key(name) {
            Part::Full
        } else {
            Part::Both
        }
    }

    /// Hashes the rows of a row group, a batch at a time: first row within the row group, base and full hashes.
    fn hash(
        &self,
        unit: &Unit<'_>,
        views: &Views,
        mut each: impl FnMut(u64, &[u128], &[u128]) -> Result<()>,
    ) -> Result<()> {
        let mut hasher = self.hasher(views);
        let (mut base, mut full) = (Vec::new(), Vec::new());
        let options =
            ReadOptions { dictionaries: true, row_group: Some(unit.row_group), ..ReadOptions::default() };
        for located in unit.file.read(options)? {
            self.cancel.check()?;
            let located = located?;
            hasher.hash(&located.batch, |name| self.part(name), &mut base, &mut full)?;
            let base = if base.is_empty() { &full } else { &base };
            each(located.first_row - unit.in_file, base, &full)?;
        }
        Ok(())
    }

    /// First pass: the digest of all rows of a side.
    pub(super) fn digest(
        &self,
        side: &Observed,
        views: &Views,
        spill: &Spill,
    ) -> std::result::Result<Digest, SideError> {
        let shelf = if self.tolerant() { Shelf::none() } else { spill.shelf() };
        let empty = || Multiset::new(self.key.point());
        let take = |mut multiset: Multiset, unit: &Unit<'_>| {
            let mut buffer = Vec::new();
            self.hash(unit, views, |first, base, full| {
                shelf.put(unit.in_side + first, full, &mut buffer);
                base.iter().zip(full).for_each(|(&base, &full)| multiset.add(base, full));
                Ok(())
            })
            .map_err(|error| at(side, unit.file, error))?;
            Ok(multiset)
        };
        let merged = |mut a: Multiset, b: Multiset| {
            a.merge(&b);
            Ok(a)
        };
        let multiset = units(side).par_iter().try_fold(empty, take).try_reduce(empty, merged)?;
        let mut columns = BTreeSet::new();
        for file in &side.output.files {
            let schema = file.arrow_schema().map_err(|error| at(side, file, error))?;
            let names = schema.fields().iter().map(|field| field.name());
            columns.extend(names.filter(|name| self.part(name) != Part::None).cloned());
        }
        Ok(Digest { multiset, columns, shelf })
    }

    /// Second pass: the rows of a side that fall into one of the differing buckets.
    pub(super) fn collect<'a>(
        &self,
        side: &Observed,
        views: &Views,
        shelf: &Shelf,
        differing: &[bool],
        spill: &'a Spill,
    ) -> std::result::Result<Sorter<'a, Hashed>, Failure> {
        let rows = Mutex::new(Sorter::new(spill));
        units(side).par_iter().try_for_each(|unit| {
            let mut found = Vec::new();
            let mut each = |first: u64, base: &[u128], full: &[u128]| -> Result<()> {
                let all = (unit.in_file + first..).zip(base.iter().zip(full));
                found.extend(
                    all.filter(|(_, (base, _))| differing[bucket(**base)])
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
        let mut hasher = self.hasher(views);
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
        columns.retain(|name| schema.column_with_name(name).is_some());
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
