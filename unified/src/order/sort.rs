//! Sorting rows that lie in memory.
//!
//! 1. Batches are put in order one by one as they come (module `order`): in the end each is read from its first row to its
//!    last, by and by. Rows that lie in any order would each be fetched from memory by themselves, which costs more than
//!    to move all of them once more while they are in the cache.
//! 2. One entry of 16 bytes a row: key, batch and row in one number, so that comparing two is one comparison. A missing
//!    key comes first; as every entry is unique, the order is the stable one.
//! 3. Where the entries already ascend nothing is done, and the batches pass as they are. Else they are sorted
//!    by a merge sort that makes use of runs, so that nearly sorted rows are cheap, in all threads.
//! 4. Columns of codes and of values of fixed width lie end to end (module `whole`), so that their rows are gathered from
//!    one place; the others stay in their batches.
//! 5. Sorted rows are gathered column by column, a batch at a time, so the rows never exist twice. A batch ends by the average row,
//!    or, where some rows are far larger than a batch, by the rows that are in it.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::DataType;

use crate::error::{Error, Result};
use crate::order::whole::Whole;
use crate::parallel::workers::Workers;
use crate::rows::batch::{Rows, union};
use crate::rows::catalog::Catalog;
use crate::rows::codes::{CODE_TYPE, ColumnId};
use crate::rows::key::{Key, KeyRule};

/// The columns of a run, each with the type in which it is stored: that of the column, or of its codes.
pub(crate) type Forms = Vec<(ColumnId, DataType)>;

/// Rows of a gathered batch unless its bytes say otherwise.
const GATHER_ROWS: usize = 8192;

/// A row is heavy if it has so many times the bytes of a batch, and at least so many.
const HEAVY: usize = 4;
const LEAST_HEAVY: usize = 64 << 10;

/// Set in the entry of a row that has a key.
const HAS_KEY: u128 = 1 << 63;

/// Yields buffered rows in order of their keys, ties in order of arrival.
#[derive(Debug)]
pub(crate) struct SortedBuffer {
    /// The batches, without those that passed as they are.
    parts: Vec<Option<Rows>>,
    /// The columns that are not in the parts, in one piece.
    whole: Vec<(ColumnId, ArrayRef)>,
    /// At which row of the whole each part begins.
    starts: Vec<usize>,
    /// Empty where the parts already lie in order.
    order: Vec<u128>,
    key: Option<ColumnId>,
    /// The next entry; where nothing was sorted, the next row of the part.
    at: usize,
    part: usize,
    /// Rows of a batch, and about the bytes of one.
    step: usize,
    row_bytes: usize,
    /// Where rows are heavy, the bytes of all rows up to and with each, in their order.
    ends: Vec<usize>,
}

/// A batch that is to be made yet.
pub(crate) enum Unmade {
    /// Rows that lay in order.
    InPlace(Rows),
    /// To be gathered.
    Entries(Range<usize>),
}

impl SortedBuffer {
    /// Rows without their keys, which are read off the column `key`. `batch_bytes` is the size at which a gathered batch
    /// should end, judged by the average row.
    pub(crate) fn new(
        mut parts: Vec<Rows>,
        whole: Whole,
        key: Option<ColumnId>,
        batch_bytes: usize,
        catalog: &Catalog,
        workers: &Workers,
    ) -> Result<Self> {
        let rows: usize = parts.iter().map(|part| part.len).sum();
        let bytes = parts.iter().map(Rows::memory).sum::<usize>() + whole.memory();
        let row_bytes = bytes.checked_div(rows).unwrap_or(0).max(1);
        let step = (batch_bytes / row_bytes).clamp(1, GATHER_ROWS);
        let sizes = heavy_sizes(&parts, batch_bytes, catalog)?;
        let mut whole = whole.finish()?;
        Whole::give_back(&mut whole, &mut parts, catalog)?;
        let mut starts = Vec::with_capacity(parts.len());
        let mut order = Vec::with_capacity(rows);
        let mut start = 0;
        for (index, part) in parts.iter().enumerate() {
            let column = match whole.iter().find(|(id, _)| Some(*id) == key) {
                Some((_, array)) => Some(array.slice(start, part.len)),
                None => key.and_then(|id| part.column(id)).cloned(),
            };
            let keys = KeyRule::keys(column.as_ref(), part.len);
            order.extend(keys.iter().enumerate().map(|(row, key)| entry(*key, index, row)));
            starts.push(start);
            start += part.len;
        }
        if order.is_sorted() {
            order = Vec::new();
        } else {
            workers.sort(&mut order);
            one_form(&mut parts, catalog)?;
        }
        let mut ends = Vec::new();
        if let Some(sizes) = sizes {
            let size =
                |(part, row): (usize, usize)| sizes[part].get(row).copied().unwrap_or(0) + row_bytes.min(256);
            let mut sum = 0;
            let mut add = |size: usize| {
                sum += size;
                ends.push(sum);
            };
            if order.is_empty() {
                let places = parts
                    .iter()
                    .enumerate()
                    .flat_map(|(part, rows)| (0..rows.len).map(move |row| (part, row)));
                places.for_each(|place| add(size(place)));
            } else {
                order.iter().for_each(|entry| add(size(place_of(*entry))));
            }
        }
        Ok(Self {
            parts: parts.into_iter().map(Some).collect(),
            whole,
            starts,
            order,
            key,
            at: 0,
            part: 0,
            step: if ends.is_empty() { step } else { (batch_bytes / 256).clamp(1, GATHER_ROWS) },
            row_bytes: if ends.is_empty() { row_bytes } else { 256 },
            ends,
        })
    }

    /// Whether some rows are far larger than a batch.
    pub(crate) fn is_heavy(&self) -> bool {
        !self.ends.is_empty()
    }

    /// The end of a batch that begins with a row, of rows up to `last`; rows are counted in order from the first.
    fn end_of(&self, first: usize, last: usize) -> usize {
        let end = (first + self.step).min(last);
        if self.ends.is_empty() {
            return end;
        }
        let before = if first == 0 { 0 } else { self.ends[first - 1] };
        let bytes = before + self.batch_bytes();
        end.min(first + self.ends[first..last].partition_point(|end| *end <= bytes).max(1))
    }

    /// All columns, as codes where they are coded throughout.
    pub(crate) fn forms(&self, catalog: &Catalog) -> Forms {
        let mut forms: Forms =
            self.whole.iter().map(|(id, array)| (*id, array.data_type().clone())).collect();
        for id in union(self.parts.iter().flatten()) {
            let mut arrays = self.parts.iter().flatten().filter_map(|part| part.column(id));
            let coded = arrays.all(|array| catalog.is_coded(id, array));
            forms.push((id, if coded { CODE_TYPE } else { catalog.data_type(id).clone() }));
        }
        forms.sort_unstable_by_key(|(id, _)| *id);
        forms
    }

    /// The next rows, or none at the end.
    pub(crate) fn next(&mut self, catalog: &Catalog) -> Result<Option<Rows>> {
        if self.order.is_empty() {
            return Ok(self.next_in_place());
        }
        self.let_go();
        self.next_entries().map(|entries| self.gather(entries, catalog)).transpose()
    }

    /// All batches that are left, of about [`Self::batch_bytes`] each.
    pub(crate) fn unmade(&mut self) -> Vec<Unmade> {
        if self.order.is_empty() {
            return std::iter::from_fn(|| self.next_in_place()).map(Unmade::InPlace).collect();
        }
        self.batches().into_iter().map(Unmade::Entries).collect()
    }

    pub(crate) fn batch_bytes(&self) -> usize {
        self.step * self.row_bytes
    }

    /// The rows of batches that follow one another, each at most a batch. Gathered at once they cost less than one by one:
    /// of a column more than one value is taken from what is fetched from memory.
    pub(crate) fn make_together(&self, some: Vec<Unmade>, catalog: &Catalog) -> Result<Vec<Rows>> {
        let mut entries: Option<Range<usize>> = None;
        let mut rows = Vec::with_capacity(some.len());
        let mut lengths = Vec::with_capacity(some.len());
        for unmade in some {
            match unmade {
                Unmade::InPlace(part) => rows.push(part),
                Unmade::Entries(next) => {
                    lengths.push(next.len());
                    entries = Some(entries.map_or(next.start, |all| all.start)..next.end);
                }
            }
        }
        if let Some(entries) = entries {
            let all = self.gather(entries, catalog)?;
            let mut at = 0;
            rows.extend(lengths.into_iter().map(|length| {
                at += length;
                all.slice(at - length, length)
            }));
        }
        Ok(rows)
    }

    /// The rows of a batch.
    pub(crate) fn make(&self, unmade: Unmade, catalog: &Catalog) -> Result<Rows> {
        match unmade {
            Unmade::InPlace(rows) => Ok(rows),
            Unmade::Entries(entries) => self.gather(entries, catalog),
        }
    }

    /// The entries of the next batch.
    fn next_entries(&mut self) -> Option<Range<usize>> {
        let from = self.at;
        self.at = self.end_of(from, self.order.len());
        (from < self.at).then_some(from..self.at)
    }

    /// At the end the rows are needed no more.
    fn let_go(&mut self) {
        if self.at >= self.order.len() {
            (self.parts, self.whole) = (Vec::new(), Vec::new());
        }
    }

    /// The entries of each batch; none where the rows already lie in order.
    pub(crate) fn batches(&self) -> Vec<Range<usize>> {
        let mut at = 0;
        let next = || {
            let from = at;
            at = self.end_of(from, self.order.len());
            (from < at).then_some(from..at)
        };
        std::iter::from_fn(next).collect()
    }

    /// The rows of these entries.
    pub(crate) fn gather(&self, entries: Range<usize>, catalog: &Catalog) -> Result<Rows> {
        let entries = &self.order[entries];
        let picks: Vec<(usize, usize)> = entries.iter().map(|entry| place_of(*entry)).collect();
        let parts: Vec<&Rows> = self.parts.iter().flatten().collect();
        let mut rows = Rows::gather(&parts, &picks, catalog)?;
        let indices = picks.iter().map(|(part, row)| self.starts[*part] + row);
        let indices: ArrayRef = if self.order.len() <= u32::MAX as usize {
            Arc::new(UInt32Array::from_iter_values(indices.map(|index| index as u32)))
        } else {
            Arc::new(UInt64Array::from_iter_values(indices.map(|index| index as u64)))
        };
        for (id, array) in &self.whole {
            let gathered =
                take(array, &indices, None).map_err(|source| Error::internal("gathering rows", source))?;
            rows.columns.push((*id, gathered));
        }
        rows.columns.sort_unstable_by_key(|(id, _)| *id);
        rows.keys = entries.iter().map(|entry| key_of(*entry)).collect();
        Ok(rows)
    }

    /// Hands the parts on as they are, in slices of the usual size, letting go of each when done.
    fn next_in_place(&mut self) -> Option<Rows> {
        let len = self.parts.get(self.part)?.as_ref()?.len;
        let first = self.starts[self.part];
        let end = self.end_of(first + self.at, first + len) - first;
        let part = self.parts.get_mut(self.part)?;
        let held = part.as_ref()?;
        let mut rows = held.slice(self.at, end - self.at);
        let start = self.starts[self.part] + self.at;
        rows.columns.extend(self.whole.iter().map(|(id, array)| (*id, array.slice(start, rows.len))));
        rows.columns.sort_unstable_by_key(|(id, _)| *id);
        rows.keys = KeyRule::keys(self.key.and_then(|id| rows.column(id)), rows.len);
        if end == held.len {
            *part = None;
            (self.part, self.at) = (self.part + 1, 0);
        } else {
            self.at = end;
        }
        Some(rows.without_empty_columns())
    }
}

/// The bytes of each row's own values, part by part, if some are far larger than a batch.
fn heavy_sizes(parts: &[Rows], batch_bytes: usize, catalog: &Catalog) -> Result<Option<Vec<Vec<usize>>>> {
    let heavy = (HEAVY * batch_bytes).max(LEAST_HEAVY);
    let mut sizes = Vec::with_capacity(parts.len());
    let mut largest = 0;
    for part in parts {
        // Where all rows together are no larger, none is.
        let some =
            if part.own_value_bytes() > heavy { part.value_bytes_by_row(catalog)? } else { Vec::new() };
        largest = some.iter().copied().fold(largest, usize::max);
        sizes.push(some);
    }
    Ok((largest > heavy).then_some(sizes))
}

/// The rows in order of their keys, ties in order of arrival.
pub(crate) fn in_order(mut rows: Rows, key: Option<ColumnId>) -> Result<Rows> {
    let keys = KeyRule::keys(key.and_then(|id| rows.column(id)), rows.len);
    if keys.is_sorted() {
        return Ok(rows);
    }
    let mut order: Vec<(Key, u32)> = keys.into_iter().zip(0..).collect();
    order.sort_unstable();
    let order = UInt32Array::from_iter_values(order.into_iter().map(|(_, row)| row));
    for (_, array) in &mut rows.columns {
        *array = take(array, &order, None).map_err(|source| Error::internal("gathering rows", source))?;
    }
    Ok(rows)
}

/// Brings each column that is coded in some parts only to plain values, once and for all.
fn one_form(parts: &mut [Rows], catalog: &Catalog) -> Result<()> {
    for id in union(parts.iter()) {
        let arrays = || parts.iter().filter_map(|part| part.column(id));
        let plain = arrays().any(|array| !catalog.is_coded(id, array));
        if plain && arrays().any(|array| *array.data_type() == CODE_TYPE && catalog.is_coded(id, array)) {
            for part in parts.iter_mut() {
                if let Some(array) = part.column_mut(id) {
                    *array = catalog.resolved(id, array)?;
                }
            }
        }
    }
    Ok(())
}

/// Key and place of a row in one number, so that comparing two is one comparison; a missing key comes first.
pub(crate) fn entry(key: Key, part: usize, row: usize) -> u128 {
    let place = (part as u128) << 32 | row as u128;
    match key {
        // With the sign turned over, unsigned order is the order of the keys.
        Some(key) => u128::from(key as u64 ^ 1 << 63) << 64 | HAS_KEY | place,
        None => place,
    }
}

pub(crate) fn place_of(entry: u128) -> (usize, usize) {
    ((entry >> 32) as usize & 0x7fff_ffff, entry as u32 as usize)
}

pub(crate) fn key_of(entry: u128) -> Key {
    (entry & HAS_KEY != 0).then_some(((entry >> 64) as u64 ^ 1 << 63) as i64)
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Int64Type};

    use super::*;

    #[test]
    fn a_batch_in_order_keeps_ties_in_order_of_arrival_and_every_value_by_its_row() {
        let keys = Int64Array::from_iter((0..5000).map(|row| (row % 7 != 3).then_some(-(row % 5))));
        let names: ArrayRef =
            Arc::new(StringArray::from_iter_values((0..5000).map(|row| format!("row {row}"))));
        let mut expected: Vec<(Option<i64>, usize)> = keys.iter().zip(0..).collect();
        expected.sort();
        let rows = Rows { columns: vec![(0, Arc::new(keys)), (1, names)], keys: Vec::new(), len: 5000 };
        let ordered = in_order(rows, Some(0)).unwrap();
        let keys = ordered.columns[0].1.as_primitive::<Int64Type>().iter();
        let names = ordered.columns[1].1.as_string::<i32>().iter().map(|name| name.unwrap().to_owned());
        let expected = expected.iter().map(|(key, row)| (*key, format!("row {row}")));
        assert!(keys.zip(names).eq(expected));
    }

    #[test]
    fn batches_made_together_are_those_made_one_by_one() {
        let (mut catalog, workers) = (Catalog::default(), Workers::new(1));
        catalog.note(&Field::new("n", DataType::Int64, true), true, "a test").unwrap();
        let part = |from: i64| Rows {
            columns: vec![(0, Arc::new(Int64Array::from_iter_values((from..from + 50).rev())) as ArrayRef)],
            keys: Vec::new(),
            len: 50,
        };
        let buffer = |parts: Vec<Rows>, whole: bool| {
            let (mut parts, mut all) = (parts, Whole::default());
            if whole {
                parts.iter_mut().for_each(|rows| all.take(rows));
            }
            SortedBuffer::new(parts, all, Some(0), 400, &catalog, &workers).unwrap()
        };
        let numbers = |rows: &Rows| rows.columns[0].1.as_primitive::<Int64Type>().values().to_vec();
        for whole in [false, true] {
            let [mut one, mut other] = [(); 2].map(|()| buffer(vec![part(30), part(0)], whole));
            let one_by_one: Vec<Rows> =
                one.unmade().into_iter().map(|unmade| one.make(unmade, &catalog).unwrap()).collect();
            let unmade = other.unmade();
            let together = other.make_together(unmade, &catalog).unwrap();
            assert!(together.len() > 3);
            assert!(together.iter().map(numbers).eq(one_by_one.iter().map(numbers)));
            assert!(together.iter().flat_map(numbers).is_sorted());
            assert_eq!(together.iter().map(|rows| rows.len).sum::<usize>(), 100);
        }
    }

    #[test]
    fn a_row_far_larger_than_a_batch_is_in_a_batch_of_few_rows() {
        let (mut catalog, workers) = (Catalog::default(), Workers::new(1));
        catalog.note(&Field::new("n", DataType::Int64, true), true, "a test").unwrap();
        catalog.note(&Field::new("text", DataType::Utf8, true), true, "a test").unwrap();
        let large = |row: i64| (500..520).contains(&row);
        for sorted in [false, true] {
            let rows = |from: i64| {
                let rows: Vec<i64> =
                    if sorted { (from..from + 500).collect() } else { (from..from + 500).rev().collect() };
                let text = |row: &i64| "x".repeat(if large(*row) { 300_000 } else { 5 });
                let numbers: ArrayRef = Arc::new(Int64Array::from(rows.clone()));
                let texts: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(text)));
                Rows { columns: vec![(0, numbers), (1, texts)], keys: Vec::new(), len: 500 }
            };
            let parts = vec![rows(0), rows(500)];
            let mut buffer =
                SortedBuffer::new(parts, Whole::default(), Some(0), 20_000, &catalog, &workers).unwrap();
            assert!(buffer.is_heavy());
            let mut numbers: Vec<i64> = Vec::new();
            while let Some(rows) = buffer.next(&catalog).unwrap() {
                numbers.extend(rows.column(0).unwrap().as_primitive::<Int64Type>().values());
                let heavy = rows.own_value_bytes() / 300_000;
                assert!(heavy <= 1, "{heavy} large rows in one batch");
            }
            assert!(numbers.into_iter().eq(0..1000));
        }
    }

    #[test]
    fn entries_order_as_keys_do_and_missing_keys_come_first() {
        let keys = [None, Some(i64::MIN), Some(-1), Some(0), Some(7), Some(i64::MAX)];
        let entries: Vec<u128> = keys.iter().map(|key| entry(*key, 70_000, 90_000)).collect();
        assert!(entries.is_sorted_by(|a, b| a < b));
        for (key, entry) in keys.iter().zip(&entries) {
            assert_eq!((key_of(*entry), place_of(*entry)), (*key, (70_000, 90_000)));
        }
        assert!(entry(Some(3), 0, 9) < entry(Some(3), 1, 0));
    }
}
