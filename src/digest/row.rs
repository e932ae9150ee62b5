//! Hashes of cells and rows, column by column.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;

use super::class::TypeClass;
use super::column::Lanes;
use super::fold::Fold;
use super::key::{ColumnKeys, RunKey};
use super::prepared::Prepared;
use super::view::reinterpret;
use crate::error::Result;

/// Rows whose lanes are filled together: they stay in the first cache while columns go by.
const BLOCK: usize = 512;

/// How a column takes part in the hashes of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// In both hashes.
    Both,
    /// In the full hash only.
    Full,
    /// In none.
    None,
}

/// Hashes the cells of columns. Keeps the last dictionary of each column, so that distinct values are hashed once.
#[derive(Debug)]
pub struct RowHasher {
    zero_equal: bool,
    /// Columns to be read as another type before anything else.
    views: Arc<HashMap<String, DataType>>,
    keys: Arc<ColumnKeys>,
    /// Columns whose values are taken in the form that other types share.
    common: Arc<BTreeSet<String>>,
    dictionaries: HashMap<String, (ArrayRef, Arc<Vec<Lanes>>)>,
    rows: Fold,
    cells: Fold,
    row_keys: Fold,
}

/// What the columns seen so far add to rows.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    both: Vec<Lanes>,
    rest: Vec<Lanes>,
}

impl RowHasher {
    /// A hasher under `key`. With `zero_equal`, `-0.0` counts as `0.0`. Integer columns named in `views` are read as the
    /// type given there, bit by bit (see [`reinterpret`]).
    #[must_use]
    pub fn new(key: RunKey, zero_equal: bool, views: Arc<HashMap<String, DataType>>) -> Self {
        Self::sharing(&Arc::new(ColumnKeys::new(key)), zero_equal, views)
    }

    /// The same with what was derived for columns by other hashers.
    #[must_use]
    pub fn sharing(keys: &Arc<ColumnKeys>, zero_equal: bool, views: Arc<HashMap<String, DataType>>) -> Self {
        let key = keys.key();
        Self {
            zero_equal,
            views,
            keys: Arc::clone(keys),
            common: Arc::default(),
            dictionaries: HashMap::new(),
            rows: key.fold(0),
            cells: key.fold(1),
            row_keys: key.fold(2),
        }
    }

    /// The same with columns whose values are equal where a lossless conversion makes them so (see [`super::common`]).
    #[must_use]
    pub fn converting(self, columns: &Arc<BTreeSet<String>>) -> Self {
        Self { common: Arc::clone(columns), ..self }
    }

    /// The column as it is compared: reinterpreted where that was asked for.
    #[must_use]
    pub fn view(&self, name: &str, array: &ArrayRef) -> ArrayRef {
        self.views
            .get(name)
            .and_then(|target| reinterpret(array, target))
            .unwrap_or_else(|| Arc::clone(array))
    }

    fn prepare(&mut self, name: &str, array: &ArrayRef) -> Result<Prepared> {
        let array = &self.view(name, array);
        if self.common.contains(name) {
            // A class that no value is hashed under otherwise.
            let key = self.keys.of(name, TypeClass::Unsupported);
            return Prepared::common(&crate::output::key::plain(array), &key, self.zero_equal);
        }
        let key = self.keys.of(name, TypeClass::of(array.data_type()));
        if !matches!(array.data_type(), DataType::Dictionary(..)) {
            return Prepared::plain(array, &key, self.zero_equal);
        }
        let values = array.as_any_dictionary().values();
        // The reader makes a new array for each batch, over the same buffers. What is kept here keeps them from being used anew.
        let same = |last: &ArrayRef| values.null_count() == 0 && last.to_data().ptr_eq(&values.to_data());
        let known = self.dictionaries.get(name).filter(|(last, _)| same(last));
        let table = match known {
            Some((_, table)) => Arc::clone(table),
            None => {
                let mut table = vec![Lanes::default(); values.len()];
                Prepared::plain(values, &key, self.zero_equal)?.add(0, &mut table);
                let table = Arc::new(table);
                self.dictionaries.insert(name.to_owned(), (Arc::clone(values), Arc::clone(&table)));
                table
            }
        };
        Ok(Prepared::dictionary(array, table))
    }

    /// Hashes of the cells of one column, in `out`, one per row: 0 for null, and for nothing else.
    ///
    /// # Errors
    /// For a type that has no canonical form.
    pub fn column(&mut self, name: &str, array: &ArrayRef, out: &mut Vec<u128>) -> Result<()> {
        let mut lanes = vec![Lanes::default(); array.len()];
        self.prepare(name, array)?.add(0, &mut lanes);
        let hash = |lanes| if lanes == Lanes::default() { 0 } else { self.cells.hash(lanes).max(1) };
        out.clear();
        out.extend(lanes.into_iter().map(hash));
        Ok(())
    }

    /// Hashes of several columns together, one per row; `None` where one of them is null.
    ///
    /// # Errors
    /// For a type that has no canonical form.
    pub fn row_keys(&mut self, columns: &[(&str, &ArrayRef)]) -> Result<Vec<Option<u128>>> {
        let rows = columns.first().map_or(0, |(_, array)| array.len());
        let mut sums = vec![(0_usize, Lanes::default()); rows];
        for (name, array) in columns {
            let mut lanes = vec![Lanes::default(); rows];
            self.prepare(name, array)?.add(0, &mut lanes);
            for ((count, sum), lanes) in sums.iter_mut().zip(lanes) {
                *count += usize::from(lanes != Lanes::default());
                sum.add(lanes);
            }
        }
        let hash = |(count, sum)| (count == columns.len()).then(|| self.row_keys.hash(sum));
        Ok(sums.into_iter().map(hash).collect())
    }

    /// Hashes of whole rows over all columns but those that `skip` names, in row order.
    ///
    /// # Errors
    /// For a type that has no canonical form.
    pub fn rows(&mut self, batch: &RecordBatch, skip: impl Fn(&str) -> bool) -> Result<Vec<u128>> {
        let mut full = Vec::new();
        let part = |name: &str| if skip(name) { Part::None } else { Part::Both };
        self.hash(batch, part, &mut Vec::new(), &mut full)?;
        Ok(full)
    }

    /// Adds the columns of a batch to what is known of its rows, the first of which is number `first` of `sums`. So rows can be
    /// hashed a few columns at a time.
    ///
    /// # Errors
    /// For a type that has no canonical form.
    pub(crate) fn add(
        &mut self,
        batch: &RecordBatch,
        part: impl Fn(&str) -> Part,
        first: usize,
        sums: &mut Sums,
    ) -> Result<()> {
        let end = first + batch.num_rows();
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let lanes = match part(field.name()) {
                Part::Both => &mut sums.both,
                Part::Full => &mut sums.rest,
                Part::None => continue,
            };
            if lanes.len() < end {
                lanes.resize(end, Lanes::default());
            }
            self.prepare(field.name(), array)?.add(0, &mut lanes[first..end]);
        }
        Ok(())
    }

    /// The hashes of a stretch of rows whose columns were all added, as [`RowHasher::hash`] gives them.
    pub(crate) fn finish(
        &self,
        sums: &Sums,
        stretch: std::ops::Range<usize>,
        base: &mut Vec<u128>,
        full: &mut Vec<u128>,
    ) {
        base.clear();
        full.clear();
        for row in stretch {
            let mut lanes = sums.both.get(row).copied().unwrap_or_default();
            if let Some(rest) = sums.rest.get(row) {
                base.push(self.rows.hash(lanes));
                lanes.add(*rest);
            }
            full.push(self.rows.hash(lanes));
        }
    }

    /// Two hashes of every row, in row order: over the columns of part [`Part::Both`] alone, and over those of part
    /// [`Part::Full`] too. Where all columns are of the first part, `base` stays empty.
    ///
    /// # Errors
    /// For a type that has no canonical form.
    pub fn hash(
        &mut self,
        batch: &RecordBatch,
        part: impl Fn(&str) -> Part,
        base: &mut Vec<u128>,
        full: &mut Vec<u128>,
    ) -> Result<()> {
        let (mut both, mut rest) = (Vec::new(), Vec::new());
        // What all rows have in common is added once.
        let mut common = Lanes::default();
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            match part(field.name()) {
                Part::Both => {
                    let column = self.prepare(field.name(), array)?;
                    match column.constant() {
                        Some(lanes) => common.add(lanes),
                        None => both.push(column),
                    }
                }
                Part::Full => rest.push(self.prepare(field.name(), array)?),
                Part::None => {}
            }
        }
        base.clear();
        full.clear();
        full.reserve(batch.num_rows());
        let mut block = [Lanes::default(); BLOCK];
        for from in (0..batch.num_rows()).step_by(BLOCK) {
            let lanes = &mut block[..BLOCK.min(batch.num_rows() - from)];
            lanes.fill(common);
            both.iter().for_each(|column| column.add(from, lanes));
            if !rest.is_empty() {
                base.extend(lanes.iter().map(|lanes| self.rows.hash(*lanes)));
                rest.iter().for_each(|column| column.add(from, lanes));
            }
            full.extend(lanes.iter().map(|lanes| self.rows.hash(*lanes)));
        }
        Ok(())
    }
}
