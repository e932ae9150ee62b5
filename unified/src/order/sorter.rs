//! Ordering strategies: from rows as they come to rows as they shall be written.
//!
//! Strategies without a sort hand rows on at once. Those with a sort buffer rows until a limit, write sorted runs to
//! disk beyond it where they may, and hand everything on at the end. Sorts are stable; rows without a key come first.
//!
//! Memory: most of the limit for buffered rows (see [`MemoryPlan::waiting_rows`]). Nothing is encoded while rows are buffered; where
//! they had to be spilled, a quarter goes to the batches of the merge.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::input::reading::Held;
use crate::memory_plan::{
    GATHERED_BATCH, JOINED_BATCH, LARGE_ROW, LEAST_ROWS, MERGED_BATCHES, MemoryPlan, NEXT_BATCH,
    OPEN_BESIDE_ROWS, ORDERED_ASIDE, ROWS_BESIDE_MERGE,
};
use crate::order::gathered::Gathered;
use crate::order::merge::{MergeContext, Source, merge, reduce, run_batch_bytes};
use crate::order::run::{Run, RunReader, RunWriter};
use crate::order::sort::{SortedBuffer, in_order};
use crate::order::spill::SpillFile;
use crate::order::strategy::Ordering;
use crate::order::whole::Whole;
use crate::parallel::workers::{Batch, Workers};
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::ColumnId;
use crate::scratch::Scratch;
use crate::stats::{Figure, Meter};

/// Small batches are joined until they have this many rows, so that a job of many tiny batches stays cheap.
const JOIN_ROWS: usize = 2048;

/// A batch to be put in order, and the column that says in which.
type Unordered = (Rows, Option<ColumnId>);

/// Rows waiting to be sorted.
#[derive(Debug)]
pub(crate) struct Sorter {
    ordering: Ordering,
    plan: MemoryPlan,
    /// Rows that were not yet joined to a batch of reasonable size.
    small: Vec<Rows>,
    small_rows: usize,
    small_bytes: usize,
    /// Batches that others put in order, the first that came first, and their bytes.
    pending: VecDeque<(Batch<Unordered, Rows, Error>, usize)>,
    pending_bytes: usize,
    buffer: Vec<Rows>,
    buffer_bytes: usize,
    /// Columns of fixed width of the buffered rows.
    whole: Whole,
    runs: Vec<Run>,
    spill: Option<SpillFile>,
    /// What readers hold open meanwhile.
    reading: Held,
    meter: Meter,
    workers: Workers,
}

impl Sorter {
    pub(crate) fn new(ordering: Ordering, memory_limit: u64, workers: Workers, meter: Meter) -> Self {
        Self {
            ordering,
            plan: MemoryPlan::of(memory_limit),
            small: Vec::new(),
            small_rows: 0,
            small_bytes: 0,
            pending: VecDeque::new(),
            pending_bytes: 0,
            buffer: Vec::new(),
            buffer_bytes: 0,
            whole: Whole::default(),
            runs: Vec::new(),
            spill: None,
            reading: Held::default(),
            meter,
            workers,
        }
    }

    /// The same, with readers beside it.
    pub(crate) fn beside(self, reading: &Held) -> Self {
        Self { reading: reading.clone(), ..self }
    }

    /// Bytes that rows may hold now.
    fn room(&self, catalog: &Catalog) -> usize {
        let room = self.plan.waiting_rows(self.workers.threads()).saturating_sub(catalog.memory());
        let open = usize::try_from(self.reading.bytes()).unwrap_or(usize::MAX);
        let beyond = open.saturating_sub(self.plan.size(OPEN_BESIDE_ROWS)).max(catalog.overhead());
        room.saturating_sub(beyond).max(room.min(self.plan.size(LEAST_ROWS)))
    }

    /// Sorted runs on disk so far.
    pub(crate) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Takes rows in; `key` is the column by which they will be sorted.
    pub(crate) fn push(
        &mut self,
        mut rows: Rows,
        key: Option<ColumnId>,
        catalog: &Catalog,
        scratch: &mut Scratch,
    ) -> Result<()> {
        // Read off the column again when they are needed.
        let keys = std::mem::take(&mut rows.keys);
        let sorted = keys.len() == rows.len && keys.is_sorted();
        let bytes = rows.memory();
        // The next batch may be as large as this one.
        let large = bytes.saturating_sub(self.plan.size(NEXT_BATCH));
        let least = self.plan.size(LEAST_ROWS);
        let limit = self.room(catalog);
        let limit = limit.saturating_sub(large).max(limit.min(least));
        if self.held_bytes() + bytes > limit {
            if self.ordering == Ordering::InMemory {
                return Err(Error::Config(format!(
                    "sorting in memory needs more than {limit} bytes, the share of the memory limit that it has; \
                     raise the limit or choose a strategy that spills"
                )));
            }
            self.spill(key, catalog, scratch)?;
            if bytes > limit && rows.len > 1 {
                let half = rows.len / 2;
                let tail = rows.slice(half, rows.len - half);
                self.push(compacted(&rows.slice(0, half), catalog)?, key, catalog, scratch)?;
                return self.push(compacted(&tail, catalog)?, key, catalog, scratch);
            }
        }
        let join_bytes = self.plan.size(JOINED_BATCH);
        if rows.len >= JOIN_ROWS || bytes > join_bytes {
            self.join_small(key, catalog)?;
            return if sorted && self.pending.is_empty() { self.hold(rows) } else { self.keep(rows, key) };
        }
        self.small_rows += rows.len;
        self.small_bytes += bytes;
        self.small.push(rows);
        if self.small_rows >= JOIN_ROWS || self.small_bytes > join_bytes {
            return self.join_small(key, catalog);
        }
        Ok(())
    }

    fn held_bytes(&self) -> usize {
        self.buffer_bytes + self.pending_bytes + self.small_bytes + self.whole.memory()
    }

    fn keep(&mut self, rows: Rows, key: Option<ColumnId>) -> Result<()> {
        let bytes = rows.memory();
        let part = self.plan.size(ORDERED_ASIDE);
        // Batches that other threads work on come beside the buffered ones, and a small buffer is in the cache as it is.
        let small = !self.plan.works_side_by_side() && self.workers.threads() > 1;
        if small || bytes > part {
            self.settle(0, 0)?;
            return self.hold(rows);
        }
        self.settle(usize::MAX, part - bytes)?;
        let order = |(rows, key)| in_order(rows, key);
        self.pending.push_back((self.workers.start(vec![(rows, key)], order), bytes));
        self.pending_bytes += bytes;
        // With one thread to work with, no other thread does it.
        self.settle(if self.workers.threads() < 2 { 0 } else { self.workers.threads() }, part)
    }

    /// Takes back batches that were put in order until at most so many, of so many bytes together, are left with others.
    fn settle(&mut self, most: usize, most_bytes: usize) -> Result<()> {
        while self.pending.len() > most || self.pending_bytes > most_bytes {
            let Some((batch, bytes)) = self.pending.pop_front() else { break };
            self.pending_bytes -= bytes;
            let timer = self.meter.time(Figure::Sort);
            // Rather than wait for a batch that another thread works on, work on those behind it.
            batch.help();
            self.pending.iter().for_each(|(behind, _)| behind.help());
            let ordered = batch.join()?;
            drop(timer);
            ordered.into_iter().try_for_each(|rows| self.hold(rows))?;
        }
        Ok(())
    }

    fn hold(&mut self, mut rows: Rows) -> Result<()> {
        self.whole.take(&mut rows);
        self.buffer_bytes += rows.memory();
        self.buffer.push(rows);
        self.meter.largest(Figure::PeakBuffered, self.held_bytes() as u64);
        Ok(())
    }

    fn join_small(&mut self, key: Option<ColumnId>, catalog: &Catalog) -> Result<()> {
        if !self.small.is_empty() {
            let joined = Rows::concat(&self.small, catalog)?;
            self.keep(joined, key)?;
            self.small.clear();
            (self.small_rows, self.small_bytes) = (0, 0);
        }
        Ok(())
    }

    /// Writes what is buffered as one sorted run.
    fn spill(&mut self, key: Option<ColumnId>, catalog: &Catalog, scratch: &mut Scratch) -> Result<()> {
        self.join_small(key, catalog)?;
        self.settle(0, 0)?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        let meter = self.meter.clone();
        let _timer = meter.time(Figure::Spill);
        let (parts, whole) = (std::mem::take(&mut self.buffer), std::mem::take(&mut self.whole));
        self.buffer_bytes = 0;
        let batch_bytes = run_batch_bytes(self.plan.size(MERGED_BATCHES));
        let file = match self.spill.take() {
            Some(file) => file,
            None => SpillFile::create(scratch)?,
        };
        let sorted = SortedBuffer::new(parts, whole, key, batch_bytes, catalog, &self.workers)?;
        let forms = sorted.forms(catalog);
        let mut writer = RunWriter::create(file, catalog, forms, batch_bytes, &self.workers)?;
        writer.write_all(sorted, catalog)?;
        let (run, file) = writer.finish()?;
        self.spill = Some(file);
        meter.add(Figure::SpilledRuns, 1);
        meter.add(Figure::SpilledBytes, run.bytes());
        self.runs.push(run);
        Ok(())
    }

    /// No more rows will come: makes room for the merge, where there will be one. In the thread that took the rows in,
    /// whose heap has the room for it already.
    pub(crate) fn end(
        mut self,
        key: Option<ColumnId>,
        catalog: &Catalog,
        scratch: &mut Scratch,
    ) -> Result<AllRows> {
        let spill_rest = self.ordering == Ordering::ExternalMergeSort
            || (!self.runs.is_empty() && !self.keeps_rows_beside_a_merge(catalog)?);
        if spill_rest {
            self.spill(key, catalog, scratch)?;
        }
        self.join_small(key, catalog)?;
        self.settle(0, 0)?;
        Ok(AllRows { sorter: self, key })
    }

    /// Whether the rows that are left stay in memory while runs are merged. Threads side by side, and large rows, of which there are
    /// copies on their way out, need the memory more than one more run costs.
    fn keeps_rows_beside_a_merge(&self, catalog: &Catalog) -> Result<bool> {
        let kept = if self.workers.threads() < 2 { self.plan.size(ROWS_BESIDE_MERGE) } else { 0 };
        if self.held_bytes() > kept.saturating_sub(catalog.overhead()) {
            return Ok(false);
        }
        let large = self.plan.size(LARGE_ROW);
        for rows in self.buffer.iter().chain(&self.small).filter(|rows| rows.own_value_bytes() > large) {
            if rows.value_bytes_by_row(catalog)?.into_iter().any(|bytes| bytes > large) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// All rows that will ever come.
#[derive(Debug)]
pub(crate) struct AllRows {
    sorter: Sorter,
    /// The column by which they are sorted.
    key: Option<ColumnId>,
}

impl AllRows {
    /// Whether they all are in memory.
    pub(crate) fn are_in_memory(&self) -> bool {
        self.sorter.runs.is_empty()
    }

    /// Rows that all are in memory, in order.
    pub(crate) fn gathered(self, catalog: &Arc<Catalog>) -> Result<Gathered> {
        let Self { sorter: Sorter { plan, buffer, whole, meter, workers, .. }, key } = self;
        let _timer = meter.time(Figure::Sort);
        let batch_bytes = plan.size(GATHERED_BATCH);
        let buffer = SortedBuffer::new(buffer, whole, key, batch_bytes, catalog, &workers)?;
        Ok(Gathered::new(buffer, catalog, &workers))
    }

    /// Hands all rows on in order.
    pub(crate) fn drain(
        self,
        catalog: &Catalog,
        scratch: &mut Scratch,
        cancel: &Cancel,
        mut each: impl FnMut(Rows) -> Result<()>,
    ) -> Result<()> {
        let Self { sorter: Sorter { plan, buffer, whole, runs, spill, meter, workers, .. }, key } = self;
        let batch_bytes = plan.size(GATHERED_BATCH);
        let sort = meter.time(Figure::Sort);
        let mut buffer = SortedBuffer::new(buffer, whole, key, batch_bytes, catalog, &workers)?;
        drop(sort);
        if runs.is_empty() {
            while let Some(rows) = buffer.next(catalog)? {
                cancel.check()?;
                each(rows)?;
            }
            return Ok(());
        }
        // The file goes with the last run in it.
        drop(spill);
        let context = MergeContext {
            catalog,
            key,
            cancel,
            memory: plan.size(MERGED_BATCHES),
            meter: &meter,
            workers: &workers,
        };
        // The buffered rows arrived last, so they are the last source.
        let runs = reduce(runs, scratch, &context)?;
        let mut sources = Vec::with_capacity(runs.len() + 1);
        for run in runs {
            sources.push(Source::Disk(Box::new(RunReader::open(run)?)));
        }
        sources.push(Source::Memory(buffer));
        merge(sources, &context, |held, picks| each(Rows::gather(held, picks, catalog)?))
    }
}

/// The same rows in memory of their own: slices would each count, and keep, the whole.
fn compacted(rows: &Rows, catalog: &Catalog) -> Result<Rows> {
    let picks: Vec<(usize, usize)> = (0..rows.len).map(|row| (0, row)).collect();
    Rows::gather(std::slice::from_ref(rows), &picks, catalog)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, StringBuilder};
    use arrow::datatypes::{DataType, Field, Int64Type};

    use super::*;
    use crate::rows::key::KeyRule;
    use crate::tests::ints;

    /// What came in, all of it out of order, in order, and whether other threads worked on batches meanwhile.
    fn sorted(memory_limit: u64, threads: usize) -> (Vec<i64>, bool) {
        let directory = tempfile::tempdir().unwrap();
        let mut scratch = Scratch::new(directory.path().to_path_buf());
        let mut catalog = Catalog::default();
        catalog.note(&Field::new("ts", DataType::Int64, true), true, "a test").unwrap();
        let mut sorter =
            Sorter::new(Ordering::Spillable, memory_limit, Workers::new(threads), Meter::default());
        let mut aside = false;
        for first in [0, 1, 2] {
            let column = ints((0..3000).rev().map(|n| 3 * n + first));
            let keys = KeyRule::keys(Some(&column), column.len());
            let rows = Rows { len: column.len(), columns: vec![(0, column)], keys };
            sorter.push(rows, Some(0), &catalog, &mut scratch).unwrap();
            aside |= !sorter.pending.is_empty();
        }
        let mut values = Vec::new();
        let all = sorter.end(Some(0), &catalog, &mut scratch).unwrap();
        all.drain(&catalog, &mut scratch, &Cancel::new(None), |rows| {
            values.extend_from_slice(rows.column(0).unwrap().as_primitive::<Int64Type>().values());
            Ok(())
        })
        .unwrap();
        (values, aside)
    }

    #[test]
    fn batches_are_put_in_order_by_others_only_where_the_limit_has_room_for_both_of_each() {
        let expected: Vec<i64> = (0..9000).collect();
        for (memory_limit, threads, aside) in
            [(64 << 20, 2, false), (64 << 20, 1, false), (256 << 20, 1, false), (256 << 20, 2, true)]
        {
            assert_eq!(sorted(memory_limit, threads), (expected.clone(), aside), "{memory_limit}, {threads}");
        }
    }

    /// A sorter of one thread, what is known of its columns, and where its runs go.
    fn sorter_of_texts() -> (Sorter, Catalog, Scratch) {
        let mut catalog = Catalog::default();
        for (name, data_type) in [("ts", DataType::Int64), ("text", DataType::Utf8)] {
            catalog.note(&Field::new(name, data_type, true), true, "a test").unwrap();
        }
        let sorter = Sorter::new(Ordering::Spillable, 64 << 20, Workers::new(1), Meter::default());
        (sorter, catalog, Scratch::new(std::env::temp_dir()))
    }

    /// Gives it so many rows in order, with strings of `bytes` each, which are yielded.
    fn push(
        (sorter, catalog, scratch): &mut (Sorter, Catalog, Scratch),
        rows: i64,
        bytes: usize,
    ) -> ArrayRef {
        let mut texts = StringBuilder::with_capacity(rows as usize, rows as usize * bytes);
        (0..rows).for_each(|_| texts.append_value("x".repeat(bytes)));
        let (key, text): (ArrayRef, ArrayRef) = (ints(0..rows), Arc::new(texts.finish()));
        let keys = KeyRule::keys(Some(&key), key.len());
        let rows = Rows { len: key.len(), columns: vec![(0, key), (1, Arc::clone(&text))], keys };
        sorter.push(rows, Some(0), catalog, scratch).unwrap();
        text
    }

    #[test]
    fn few_large_rows_are_held_as_they_came_and_small_batches_are_joined_up_to_some_bytes() {
        let mut all = sorter_of_texts();
        let values = |array: &ArrayRef| array.as_string::<i32>().values().as_ptr();
        for count in 1..=6 {
            let text = push(&mut all, 4, 500_000);
            assert_eq!((all.0.buffer.len(), all.0.small.len()), (count, 0));
            let held = all.0.buffer.last().and_then(|rows| rows.column(1)).unwrap();
            assert_eq!(values(held), values(&text), "it is the same memory");
        }
        for _ in 0..9 {
            push(&mut all, 1, 600_000);
            assert!(all.0.small_bytes <= 1 << 20, "{}", all.0.small_bytes);
        }
        let before = all.0.buffer.len();
        (0..1000).for_each(|_| drop(push(&mut all, 3, 10)));
        assert_eq!(all.0.buffer.len(), before + 1, "many tiny batches are one");
    }

    #[test]
    fn a_large_batch_leaves_room_for_the_next() {
        // 30 MiB are for rows; of batches of 7 MiB, 3 MiB more than a sixteenth, 27.
        for (batches, rows, runs) in [(3, 7, 0), (4, 7, 1), (7, 4, 0)] {
            let mut all = sorter_of_texts();
            (0..batches).for_each(|_| drop(push(&mut all, rows, 1 << 20)));
            assert_eq!(all.0.runs(), runs, "{batches} batches of {rows} MiB");
        }
    }

    #[test]
    fn large_rows_are_not_kept_beside_a_merge() {
        for (bytes, kept) in [(1 << 19, true), (2 << 20, false)] {
            let mut all = sorter_of_texts();
            while all.0.runs() == 0 {
                push(&mut all, 1, bytes);
            }
            assert!(all.0.held_bytes() <= 16 << 20);
            assert_eq!(all.0.keeps_rows_beside_a_merge(&all.1).unwrap(), kept);
        }
    }

    #[test]
    fn what_readers_hold_open_and_many_columns_leave_less_room_for_rows() {
        let (limit, held, mut catalog) = (64 << 20, Held::default(), Catalog::default());
        let sorter = Sorter::new(Ordering::Spillable, limit, Workers::new(1), Meter::default()).beside(&held);
        let room = MemoryPlan::of(limit).waiting_rows(1);
        assert_eq!(sorter.room(&catalog), room);
        held.set(16 << 20);
        assert_eq!(sorter.room(&catalog), room);
        held.set(30 << 20);
        assert_eq!(sorter.room(&catalog), room - (14 << 20));
        held.set(1 << 40);
        assert_eq!(sorter.room(&catalog), 4 << 20, "never less than a sixteenth");
        held.set(0);
        for column in 0..42 {
            catalog.note(&Field::new(format!("c{column}"), DataType::Int64, true), true, "a test").unwrap();
        }
        assert_eq!(sorter.room(&catalog), room - catalog.memory() - 10 * (192 << 10));
    }
}
