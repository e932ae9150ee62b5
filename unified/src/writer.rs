//! The unified writer: record batches in, Parquet files out.
//!
//! 1. A batch is admitted: names and types checked, forms of strings made one, columns without values left out.
//! 2. Its sort keys are read off; rows without a key are counted or dropped, as declared.
//! 3. The ordering strategy holds rows back or hands them on (module `order`).
//! 4. Ordered rows are cut into files (module `split`), which are encoded as they grow (module `encode`).
//! 5. At the end all files get their final names at once.
//!
//! Stages meet at plain rows, so each can be made faster by itself. Dropping a writer at any point removes everything
//! it has written.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::cancel::Cancel;
use crate::cut::remaining::RowsLeft;
use crate::error::{Error, Result};
use crate::input::reading::Held;
use crate::memory_plan::{BETWEEN_STAGES, MemoryPlan};
use crate::order::sorter::Sorter;
use crate::order::strategy::Ordering;
use crate::output::results::FileResults;
use crate::output::settings::Context;
use crate::output::split::Splitter;
use crate::parallel::side_by_side::side_by_side;
use crate::parallel::workers::Workers;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::Translator;
use crate::rows::key::{Key, KeyRule};
use crate::rows::weighed::Weighed;
use crate::scratch::Scratch;
use crate::stats::{Figure, Meter, Stats};

/// What passed through a writer so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows given to the writer, before any drop.
    pub rows_read: u64,
    /// Rows deliberately not written, by declared reason.
    pub rows_dropped: BTreeMap<String, u64>,
    /// Rows written without a sort key.
    pub missing_sort_keys: u64,
    /// Sorted runs that had to be written to disk.
    pub spilled_runs: u64,
}

/// Writes record batches to Parquet files. Made by [`UnifiedWriter::builder`] or [`crate::logs_writer`].
///
/// Until [`finish`](Self::finish) returns, no output file has its final name; an error, an abort, a cancellation or a
/// drop leaves neither output nor temporary files behind.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{Int64Array, RecordBatch, StringArray};
/// use unified::{KeyType, UnifiedWriter};
///
/// # let directory = tempfile::tempdir()?;
/// # let output = directory.path();
/// let batch = RecordBatch::try_from_iter([
///     ("time", Arc::new(Int64Array::from(vec![3, 1, 2])) as _),
///     ("text", Arc::new(StringArray::from(vec!["c", "a", "b"])) as _),
/// ])?;
/// let mut writer = UnifiedWriter::builder(output)
///     .sort_key("time", KeyType::Int64)
///     .rows_per_file(2)
///     .build()?;
/// writer.write(&batch)?;
/// let files = writer.finish()?.into_vec()?;
///
/// assert_eq!(files.len(), 2);
/// assert_eq!((files[0].first_ts, files[0].last_ts), (Some(1), Some(2)));
/// assert!(writer.write(&batch).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UnifiedWriter {
    state: State,
    counts: Counts,
    batches: u64,
    meter: Meter,
    workers: Workers,
    reading: Held,
}

enum State {
    Open(Box<Pipeline>),
    Closed(&'static str),
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open(_) => f.write_str("Open"),
            Self::Closed(why) => write!(f, "Closed({why})"),
        }
    }
}

impl UnifiedWriter {
    pub(crate) fn open(pipeline: Pipeline) -> Self {
        let (meter, workers) = (pipeline.meter.clone(), pipeline.splitter.workers().clone());
        let reading = pipeline.reading.clone();
        let state = State::Open(Box::new(pipeline));
        Self { state, counts: Counts::default(), batches: 0, meter, workers, reading }
    }

    /// Writes a batch. Schemas may differ from batch to batch.
    ///
    /// # Errors
    /// One column with two types, a repeated column name, a missing or mistyped sort key, a violated order or group, a
    /// full disk, a cancellation; any of them closes the writer and removes everything. So does writing after the end.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.batches += 1;
        let place = format!("batch {}", self.batches);
        self.write_from(batch, &place, 0)
    }

    /// Writes a batch that came from `place`, its first row being row `first_row` there.
    pub(crate) fn write_from(&mut self, batch: &RecordBatch, place: &str, first_row: u64) -> Result<()> {
        self.step(|pipeline, counts| pipeline.write(batch, place, first_row, counts))
    }

    /// Writes rows of columns that the writer was built over; `place` is where they come from.
    pub(crate) fn write_rows(&mut self, rows: Weighed, place: &str) -> Result<()> {
        self.step(|pipeline, counts| pipeline.take_weighed(rows, place, counts))
    }

    /// Goes on by one step; a failure closes the writer.
    fn step(&mut self, step: impl FnOnce(&mut Pipeline, &mut Counts) -> Result<()>) -> Result<()> {
        let State::Open(pipeline) = &mut self.state else { return Err(self.closed()) };
        let written = step(pipeline, &mut self.counts);
        if written.is_err() {
            self.state = State::Closed("an earlier call failed");
        }
        written
    }

    /// Writes what is held back, gives all files their final names and yields what is known of them, in output order, one at
    /// a time.
    ///
    /// # Errors
    /// As for [`write`](Self::write); then there are no files.
    pub fn finish(&mut self) -> Result<FileResults> {
        match std::mem::replace(&mut self.state, State::Closed("it was finished")) {
            State::Open(pipeline) => pipeline.finish(),
            State::Closed(why) => {
                self.state = State::Closed(why);
                Err(self.closed())
            }
        }
    }

    /// Gives up: removes everything. A writer that is closed already stays as it is, and so do its files.
    pub fn abort(&mut self) {
        if matches!(self.state, State::Open(_)) {
            self.state = State::Closed("it was aborted");
        }
    }

    /// What passed so far; still there after the end.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Counters and times so far, stage by stage; still there after the end.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.meter.stats()
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Where readers of segments note what they hold open: rows that are sorted get less room by as much.
    pub(crate) fn reading(&self) -> &Held {
        &self.reading
    }

    fn closed(&self) -> Error {
        match self.state {
            State::Closed(why) => Error::Closed(why),
            State::Open(_) => Error::Closed("it is not"),
        }
    }
}

/// What happens to rows without a sort key.
#[derive(Debug, Clone)]
pub(crate) enum MissingKeys {
    First,
    Drop(String),
    Refuse,
}

/// The stages of an open writer. Fields drop in this order: files before the directories they lie in.
pub(crate) struct Pipeline {
    pub(crate) splitter: Splitter,
    pub(crate) sorter: Option<Sorter>,
    pub(crate) scratch: Scratch,
    /// Shared with the stage that makes the rows, where they do not come in batches.
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) translator: Translator,
    pub(crate) key: Option<KeyRule>,
    pub(crate) missing: MissingKeys,
    pub(crate) ordering: Ordering,
    /// Rows by hour or in total, counted while they are held back.
    pub(crate) counted: RowsLeft,
    pub(crate) last_key: Option<Key>,
    pub(crate) memory_limit: u64,
    pub(crate) reading: Held,
    pub(crate) meter: Meter,
    pub(crate) cancel: Cancel,
}

impl Pipeline {
    fn write(&mut self, batch: &RecordBatch, place: &str, first_row: u64, counts: &mut Counts) -> Result<()> {
        self.cancel.check()?;
        let admit = self.meter.time(Figure::Admit);
        let catalog = Arc::get_mut(&mut self.catalog)
            .ok_or_else(|| Error::internal("taking in a batch", "its columns would be those of another"))?;
        let rows = catalog.admit(batch, place, &mut self.translator)?;
        drop(admit);
        if let Some(rule) = self.key.as_ref().filter(|_| rows.len > 0) {
            let field = batch.schema_ref().column_with_name(&rule.column);
            rule.check_type(field.map(|(_, field)| field.data_type()), place)?;
        }
        if rows.len == 0 {
            return Ok(());
        }
        let rows = self.take_in(rows, place, first_row, counts)?;
        match &mut self.sorter {
            Some(sorter) => {
                self.counted.add(&rows.keys);
                let before = sorter.runs();
                let key = self.key.as_ref().and_then(|rule| self.catalog.id(&rule.column));
                sorter.push(rows, key, &self.catalog, &mut self.scratch)?;
                counts.spilled_runs += (sorter.runs() - before) as u64;
                Ok(())
            }
            None => self.split(Weighed::new(rows, &self.catalog)?),
        }
    }

    /// Takes in rows of the catalog's columns that are in order already.
    fn take_weighed(&mut self, mut weighed: Weighed, place: &str, counts: &mut Counts) -> Result<()> {
        self.cancel.check()?;
        let rows = std::mem::take(&mut weighed.rows);
        if rows.len == 0 {
            return Ok(());
        }
        let rows = self.take_in(rows, place, 0, counts)?;
        self.split(weighed.with_rows(rows, &self.catalog)?)
    }

    fn split(&mut self, rows: Weighed) -> Result<()> {
        let context =
            &mut Context { catalog: &self.catalog, scratch: &mut self.scratch, cancel: &self.cancel };
        self.splitter.push(rows, context)
    }

    /// Counts rows, reads their keys and compares them with the settings; yields the rows that are wanted.
    fn take_in(&mut self, mut rows: Rows, place: &str, first_row: u64, counts: &mut Counts) -> Result<Rows> {
        let meter = self.meter.clone();
        let admit = meter.time(Figure::Admit);
        counts.rows_read += rows.len as u64;
        self.meter.add(Figure::Batches, 1);
        self.meter.add(Figure::Rows, rows.len as u64);
        self.check_size(&rows, place, first_row)?;
        match &self.key {
            Some(rule) => {
                let column = self.catalog.id(&rule.column).and_then(|id| rows.column(id));
                rows.keys = KeyRule::keys(column, rows.len);
            }
            None => rows.keys = vec![None; rows.len],
        }
        if self.key.is_some() {
            let missing = rows.keys.iter().filter(|key| key.is_none()).count();
            match &self.missing {
                MissingKeys::First => counts.missing_sort_keys += missing as u64,
                MissingKeys::Drop(reason) if missing > 0 => {
                    let wanted: Vec<bool> = rows.keys.iter().map(Option::is_some).collect();
                    rows = rows.retain(&wanted)?;
                    *counts.rows_dropped.entry(reason.clone()).or_default() += missing as u64;
                }
                MissingKeys::Refuse if missing > 0 => {
                    let index = rows.keys.iter().position(Option::is_none).unwrap_or(0);
                    let place = format!("{place}, row {}", first_row + index as u64);
                    return Err(Error::missing_key(place, self.key.as_ref().map_or("", |rule| &rule.column)));
                }
                MissingKeys::Drop(_) | MissingKeys::Refuse => {}
            }
        }
        if self.ordering == Ordering::Presumed {
            self.verify(&rows, place, first_row)?;
        }
        drop(admit);
        Ok(rows)
    }

    /// # Errors
    /// A row that is larger than its part of the memory limit: it is copied on its way.
    fn check_size(&self, rows: &Rows, place: &str, first_row: u64) -> Result<()> {
        let limit = MemoryPlan::of(self.memory_limit).largest_row();
        if rows.own_value_bytes() <= limit {
            return Ok(());
        }
        let sizes = rows.value_bytes_by_row(&self.catalog)?;
        let large = (0..rows.len).filter(|row| sizes[*row] > limit).map(|row| (row, rows.slice(row, 1)));
        // Values of fixed width within lists were only guessed.
        let Some((row, alone, bytes)) = large
            .map(|(row, alone)| {
                let nested: usize = alone.columns.iter().map(|(_, array)| Rows::excess(array)).sum();
                (row, alone, sizes[row].saturating_sub(nested))
            })
            .find(|(_, _, bytes)| *bytes > limit)
        else {
            return Ok(());
        };
        let largest = alone.columns.iter().max_by_key(|(_, array)| Rows::bytes_of(array));
        let bytes = bytes as u64;
        Err(Error::TooLarge {
            place: format!("{place}, row {}", first_row + row as u64),
            column: largest.map_or("", |(id, _)| self.catalog.name(*id)).to_string(),
            bytes,
            limit: self.memory_limit,
            enough: MemoryPlan::limit_for_row(bytes),
        })
    }

    /// Verifies the claim that the rows are sorted.
    fn verify(&mut self, rows: &Rows, place: &str, first_row: u64) -> Result<()> {
        for (index, key) in rows.keys.iter().enumerate() {
            if let Some(previous) = self.last_key.filter(|previous| previous > key) {
                let text = |key: Key| key.map_or("no key".to_string(), |key| key.to_string());
                return Err(Error::Unsorted {
                    place: format!("{place}, row {}", first_row + index as u64),
                    column: self.key.as_ref().map_or(String::new(), |rule| rule.column.clone()),
                    key: text(*key),
                    previous: text(previous),
                });
            }
            self.last_key = Some(*key);
        }
        Ok(())
    }

    fn finish(self) -> Result<FileResults> {
        let Self {
            mut splitter,
            sorter,
            mut scratch,
            catalog,
            translator,
            key,
            counted,
            cancel,
            memory_limit,
            ..
        } = self;
        cancel.check()?;
        // It holds on to the dictionaries that came last.
        drop(translator);
        if let Some(sorter) = sorter {
            splitter.expect(counted);
            let key = key.as_ref().and_then(|rule| catalog.id(&rule.column));
            let rows = sorter.end(key, &catalog, &mut scratch)?;
            if rows.are_in_memory() {
                let mut gathered = rows.gathered(&catalog)?;
                while let Some(rows) = gathered.next()? {
                    cancel.check()?;
                    let scratch = &mut scratch;
                    splitter.push(rows, &mut Context { catalog: &catalog, scratch, cancel: &cancel })?;
                }
            } else {
                let mut runs = scratch.another();
                side_by_side(
                    (splitter.workers().threads(), MemoryPlan::of(memory_limit).bytes(BETWEEN_STAGES)),
                    |rows: &Weighed| rows.value_bytes(),
                    |sink| {
                        rows.drain(&catalog, &mut runs, &cancel, |rows| sink(Weighed::new(rows, &catalog)?))?;
                        runs.clear()
                    },
                    |rows| {
                        let scratch = &mut scratch;
                        splitter.push(rows, &mut Context { catalog: &catalog, scratch, cancel: &cancel })
                    },
                )?;
            }
        }
        splitter.finish(&mut Context { catalog: &catalog, scratch: &mut scratch, cancel: &cancel })
    }
}
