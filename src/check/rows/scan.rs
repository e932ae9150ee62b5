//! Passing over the rows of a side: once for its digest, and where digests differ once more for the rows of the differing
//! buckets.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use rayon::prelude::*;

use super::Failure;
use super::record::{Hashed, KEYLESS};
use crate::cancel::Cancel;
use crate::check::draft::SideError;
use crate::check::{Comparison, Observed};
use crate::digest::{Multiset, RowHasher, RunKey, bucket};
use crate::error::Result;
use crate::evidence::differences::Differences;
use crate::output::{OutputFile, ReadOptions};
use crate::spill::{Sorter, Spill};

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
#[derive(Default)]
pub(super) struct Digest {
    pub(super) multiset: Multiset,
    pub(super) columns: BTreeSet<String>,
}

/// Base and full hashes of a batch.
struct Hashes {
    base: Vec<u128>,
    full: Vec<u128>,
}

impl Scan<'_> {
    /// A hasher for one side; `views` are the integer columns to be read as another type.
    pub(super) fn hasher(&self, views: &Arc<HashMap<String, DataType>>) -> RowHasher {
        RowHasher::new(self.key, self.comparison.negative_zero_equal, Arc::clone(views))
    }

    fn tolerated(&self, name: &str) -> bool {
        self.comparison.tolerances.contains_key(name)
    }

    fn hashes(&self, hasher: &mut RowHasher, batch: &RecordBatch) -> Result<Hashes> {
        let ignored = |name: &str| self.comparison.ignored.contains_key(name);
        let full = hasher.rows(batch, ignored)?;
        let base = if self.comparison.tolerances.is_empty() {
            full.clone()
        } else {
            hasher.rows(batch, |name| ignored(name) || self.tolerated(name))?
        };
        Ok(Hashes { base, full })
    }

    /// First pass: the digest of all rows of a side.
    pub(super) fn digest(
        &self,
        side: &Observed,
        views: &Arc<HashMap<String, DataType>>,
    ) -> std::result::Result<Digest, SideError> {
        side.output
            .files
            .par_iter()
            .map(|file| self.digest_file(file, views).map_err(|error| at(side, file, error)))
            .try_reduce(Digest::default, |a, b| {
                let mut columns = a.columns;
                columns.extend(b.columns);
                Ok(Digest { multiset: a.multiset.merged(&b.multiset), columns })
            })
    }

    fn digest_file(&self, file: &OutputFile, views: &Arc<HashMap<String, DataType>>) -> Result<Digest> {
        let mut hasher = self.hasher(views);
        let mut digest = Digest::default();
        let schema = file.arrow_schema()?;
        let compared = |name: &&String| !self.comparison.ignored.contains_key(*name);
        digest.columns = schema.fields().iter().map(|it| it.name()).filter(compared).cloned().collect();
        for located in file.read(ReadOptions { dictionaries: true, ..ReadOptions::default() })? {
            self.cancel.check()?;
            let hashes = self.hashes(&mut hasher, &located?.batch)?;
            for (&base, &full) in hashes.base.iter().zip(&hashes.full) {
                digest.multiset.add(base, full);
            }
        }
        Ok(digest)
    }

    /// Second pass: the rows of a side that fall into one of the differing buckets.
    pub(super) fn collect<'a>(
        &self,
        side: &Observed,
        views: &Arc<HashMap<String, DataType>>,
        differing: &[bool],
        spill: &'a Spill,
    ) -> std::result::Result<Sorter<'a, Hashed>, Failure> {
        let rows = Mutex::new(Sorter::new(spill));
        side.output.files.par_iter().enumerate().try_for_each(|(index, file)| {
            self.collect_file(index, file, views, differing, &rows).map_err(|failed| match failed {
                Failure::Own(error) if spill.failure().is_none() => at(side, file, error).into(),
                failed => failed,
            })
        })?;
        Ok(rows.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn collect_file(
        &self,
        index: usize,
        file: &OutputFile,
        views: &Arc<HashMap<String, DataType>>,
        differing: &[bool],
        rows: &Mutex<Sorter<'_, Hashed>>,
    ) -> std::result::Result<(), Failure> {
        let mut hasher = self.hasher(views);
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        for located in file.read(ReadOptions { dictionaries: true, ..ReadOptions::default() })? {
            self.cancel.check()?;
            let located = located?;
            let hashes = self.hashes(&mut hasher, &located.batch)?;
            if !hashes.base.iter().any(|&base| differing[bucket(base)]) {
                continue;
            }
            let keys = self.keys(&mut hasher, &located.batch)?;
            let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            for (row, &(alternative, key)) in keys.iter().enumerate() {
                let class = hashes.base[row];
                if differing[bucket(class)] {
                    let spot = (number, located.first_row + row as u64);
                    rows.push(Hashed { class, full: hashes.full[row], spot, key, alternative })?;
                }
            }
        }
        Ok(())
    }

    /// Per row the first alternative of the row key whose columns all have a value, and its hash.
    fn keys(&self, hasher: &mut RowHasher, batch: &RecordBatch) -> Result<Vec<(u16, u128)>> {
        let mut keys = vec![(KEYLESS, 0_u128); batch.num_rows()];
        let mut cells = Vec::new();
        for (number, columns) in self.row_keys.iter().enumerate() {
            let arrays: Option<Vec<_>> =
                columns.iter().map(|name| batch.column_by_name(name).map(|array| (name, array))).collect();
            let Some(arrays) = arrays.filter(|it| !it.is_empty()) else { continue };
            let mut sums = vec![(0_u32, 0_u128); batch.num_rows()];
            for (name, array) in arrays {
                hasher.column(name, array, &mut cells)?;
                crate::digest::add(&mut sums, &cells);
            }
            let wanted = u32::try_from(columns.len()).unwrap_or(u32::MAX);
            let number = u16::try_from(number).unwrap_or(KEYLESS - 1);
            for (key, (count, sum)) in keys.iter_mut().zip(sums) {
                if key.0 == KEYLESS && count == wanted {
                    *key = (number, hasher.key().row(1, count, sum));
                }
            }
        }
        Ok(keys)
    }
}

/// An error with the file it was met in.
pub(super) fn at(side: &Observed, file: &OutputFile, error: crate::error::Error) -> SideError {
    SideError { role: side.role, file: file.info.path.clone(), error }
}
