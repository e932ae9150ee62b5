//! The fingerprint job: one segment, split by UTC hour and sorted by timestamp, as ingestion of logs does.
//!
//! 1. A row without a timestamp is dropped and counted. Any other goes to the group of its UTC date and hour.
//! 2. A group buffers [`CHUNK_ROWS`] rows, sorts them by timestamp and spills them as a chunk; the rest follows at the end.
//! 3. Group after group, a heap merges the chunks into a buffet writer of the group's own, without a group function.
//!
//! The sort is not stable: rows of equal timestamp come in any order. Defect **C**: the lowest timestamp takes 0 for "unset", the
//! highest starts at 0, and both belong to the hour and are repeated on each of its files. Defects A, B and G come with the buffet
//! writer and the reader.
//!
//! Cost: a row is spilled twice. Memory: `CHUNK_ROWS` rows an hour that occurs, then a row and a buffer of 64 KiB a chunk of
//! one hour. Each chunk of an hour is open while that hour is merged; the limit on open files bounds the size of an hour.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::buffet::{BuffetOptions, BuffetWriter, UnkeptFile};
use crate::calendar::{date_and_hour, millis};
use crate::columns::Columns;
use crate::error::Result;
use crate::outcome::{Checkpoint, FileResult, MISSING_TIMESTAMP, Outcome, SplitKey};
use crate::reader::SegmentReader;
use crate::schema::{Schema, SchemaSource};
use crate::spill::{Spill, SpillReader, SpillWriter};
use crate::value::{Row, Value};

/// Rows that a group buffers before it sorts and spills them.
const CHUNK_ROWS: usize = 5_000;

/// Splits one segment by hour and sorts each hour.
#[derive(Debug, Clone)]
pub struct FingerprintJob<'a> {
    /// The segment.
    pub input: &'a Path,
    /// Directory for the output files.
    pub output: &'a Path,
    /// Directory for chunks and spill files.
    pub scratch: &'a Path,
    /// Rows a file; 0 or negative for one file an hour.
    pub rows_per_file: i64,
    /// Date of ingestion as yyyymmdd; becomes part of the split key as it is.
    pub ingest_dateint: i64,
    /// The timestamp column, and the columns to fingerprint.
    pub columns: &'a Columns,
    /// Request to stop.
    pub cancel: Option<&'a AtomicBool>,
}

impl FingerprintJob<'_> {
    /// Runs the job.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). Nothing is left behind, save what defects E and F leave.
    pub fn run(&self) -> Result<Outcome> {
        let mut segment = SegmentReader::open(self.input)?;
        let mut schema = Schema::new(SchemaSource::Input);
        schema.merge_segment(segment.columns().iter().cloned(), self.input)?;

        let mut outcome = Outcome::default();
        let mut hours: BTreeMap<(i32, i64), Hour> = BTreeMap::new();
        let mut checkpoint = Checkpoint::new(self.cancel);
        while let Some(row) = segment.next_row()? {
            checkpoint.pass()?;
            outcome.rows_read += 1;
            match row.get(&self.columns.timestamp) {
                None | Some(Value::Null) => {
                    *outcome.rows_dropped.entry(MISSING_TIMESTAMP.to_owned()).or_default() += 1;
                }
                Some(value) => {
                    let timestamp = millis(value);
                    hours.entry(date_and_hour(timestamp)).or_default().push(timestamp, row, self.scratch)?;
                }
            }
        }

        let mut files: BTreeMap<SplitKey, (UnkeptFile, TimeRange)> = BTreeMap::new();
        for ((dateint, hour), group) in hours {
            let range = group.range;
            for (index, file) in self.write_hour(group, &schema)?.into_iter().enumerate() {
                let key = SplitKey {
                    dateint: i64::from(dateint),
                    hour,
                    ingest_dateint: self.ingest_dateint,
                    file_index: i64::from(index as i16),
                };
                // After 65,536 files the index comes round: the map forgets the earlier file, the directory does not.
                if let Some((forgotten, _)) = files.insert(key, (file, range)) {
                    forgotten.keep()?;
                }
            }
        }
        for (key, (file, range)) in files {
            let (first_ts, last_ts, split_key) = (Some(range.first), Some(range.last), Some(key));
            outcome.files.push(FileResult { first_ts, last_ts, split_key, ..file.keep()? });
        }
        Ok(outcome)
    }

    /// Merges the chunks of one hour into its buffet writer.
    fn write_hour(&self, mut hour: Hour, schema: &Schema) -> Result<Vec<UnkeptFile>> {
        hour.spill(self.scratch)?;
        let mut writer = BuffetWriter::open(BuffetOptions {
            base_name: self.input.file_name().and_then(OsStr::to_str).unwrap_or_default(),
            output: self.output,
            scratch: self.scratch,
            schema: schema.clone(),
            rows_per_file: self.rows_per_file,
            group_by: None,
            columns: self.columns,
            cancel: self.cancel,
        })?;
        let mut checkpoint = Checkpoint::new(self.cancel);
        let mut merge = Merge::open(hour.chunks, &self.columns.timestamp)?;
        while let Some(row) = merge.next_row()? {
            checkpoint.pass()?;
            writer.write(&row)?;
        }
        drop(merge);
        writer.close_unkept()
    }
}

/// First and last timestamp of an hour, as the original keeps them.
#[derive(Debug, Clone, Copy, Default)]
struct TimeRange {
    first: i64,
    last: i64,
}

impl TimeRange {
    /// Defect C: 0 means "unset" to `first`, and `last` starts at 0.
    fn add(&mut self, timestamp: i64) {
        if self.first == 0 || timestamp < self.first {
            self.first = timestamp;
        }
        self.last = self.last.max(timestamp);
    }
}

/// Rows of one hour.
#[derive(Debug, Default)]
struct Hour {
    rows: Vec<(i64, Row)>,
    chunks: Vec<Spill>,
    range: TimeRange,
}

impl Hour {
    fn push(&mut self, timestamp: i64, row: Row, scratch: &Path) -> Result<()> {
        self.range.add(timestamp);
        self.rows.push((timestamp, row));
        if self.rows.len() < CHUNK_ROWS {
            return Ok(());
        }
        self.spill(scratch)
    }

    /// Sorts and spills what is buffered.
    fn spill(&mut self, scratch: &Path) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.rows.sort_unstable_by_key(|(timestamp, _)| *timestamp);
        let mut chunk = SpillWriter::create(scratch, "chunk-")?;
        for (_, row) in self.rows.drain(..) {
            chunk.write(&row)?;
        }
        self.chunks.push(chunk.finish()?);
        Ok(())
    }
}

/// K-way merge of sorted chunks.
struct Merge<'a> {
    timestamp: &'a str,
    chunks: Vec<(SpillReader, Option<Row>)>,
    heap: BinaryHeap<Reverse<(i64, usize)>>,
}

impl<'a> Merge<'a> {
    fn open(chunks: Vec<Spill>, timestamp: &'a str) -> Result<Self> {
        let mut merge = Self { timestamp, chunks: Vec::new(), heap: BinaryHeap::new() };
        for (index, chunk) in chunks.into_iter().enumerate() {
            merge.chunks.push((chunk.open()?, None));
            merge.advance(index)?;
        }
        Ok(merge)
    }

    /// The row of the lowest timestamp; none after the last.
    fn next_row(&mut self) -> Result<Option<Row>> {
        let Some(Reverse((_, index))) = self.heap.pop() else { return Ok(None) };
        let row = self.chunks[index].1.take();
        self.advance(index)?;
        Ok(row)
    }

    /// Puts the next row of a chunk into the heap.
    fn advance(&mut self, index: usize) -> Result<()> {
        let (reader, head) = &mut self.chunks[index];
        *head = reader.next_row()?;
        if let Some(row) = head {
            let timestamp = row.get(self.timestamp).map_or(0, millis);
            self.heap.push(Reverse((timestamp, index)));
        }
        Ok(())
    }
}
