//! TIDMerger: segments sorted by TID become files in which each TID is whole, with one row a name and interval.
//!
//! 1. The schemas of the inputs are merged, and the columns that merging writes are added to them.
//! 2. The reader with the lowest current TID leads; all rows of that TID, in order of files, then rows, are one group.
//! 3. Each group is rolled up (`tid_group`) and handed to a buffet writer grouped by TID, with the row estimate as its rows per file.
//!
//! Defects of the original, kept: **A** and **B** of the buffet writer; **D** the highest int64 means "no more rows", so a row
//! of TID 9223372036854775807 is never written and hides every later row of its file; input that is not sorted yields a TID again
//! later, without an error; **H** of the sketches: a damaged one is merged as far as it can be read.
//!
//! Rows that the original drops with an error log are counted by reason. Rows hidden by defect D are counted nowhere.
//!
//! Memory: the rows of one TID, and what the buffet writer needs.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::buffet::{BuffetOptions, BuffetWriter};
use crate::columns::Columns;
use crate::error::{Error, Result};
use crate::outcome::{Checkpoint, MergeStats, Outcome, Statistics};
use crate::reader::SegmentReader;
use crate::schema::{ColumnType, Schema, SchemaSource};
use crate::tid_group::{AVG, COUNT, MAX, MIN, QUANTILES, Range, SKETCH, SUM, roll_up};
use crate::value::{Row, Value};

/// Column of the time series' identifier.
const TID: &str = "_cardinalhq.tid";

/// Name of the root of the output's Parquet schema.
const BASE_NAME: &str = "tidmerge";

/// The TID that stands for the end of a file (defect D).
const NO_MORE: i64 = i64::MAX;

/// Merges segments sorted by TID.
#[derive(Debug, Clone)]
pub struct TidMergeJob<'a> {
    /// Input segments in order; one may occur twice.
    pub inputs: &'a [PathBuf],
    /// Directory for the output files.
    pub output: &'a Path,
    /// Directory for the spill file.
    pub scratch: &'a Path,
    /// Interval in milliseconds to which timestamps are cut; a negative one acts as its absolute value.
    pub interval: i64,
    /// Rows a file, rounded up to whole TIDs; 0 or negative for one file.
    pub row_estimate: i64,
    /// Start of the time range in milliseconds, inclusive.
    pub start: i64,
    /// End of the time range in milliseconds, exclusive. At or before the start every row is out of range.
    pub end: i64,
    /// Names of columns.
    pub columns: &'a Columns,
    /// Request to stop.
    pub cancel: Option<&'a AtomicBool>,
}

impl TidMergeJob<'_> {
    /// Runs the job.
    ///
    /// # Errors
    /// Parameters that make no sense, conflicting types, a row without a TID, and whatever a [`BuffetJob`](crate::BuffetJob) may
    /// end with. Nothing is left behind, save what defects E and F leave.
    pub fn run(&self) -> Result<Outcome> {
        self.check()?;
        let mut checkpoint = Checkpoint::new(self.cancel);
        let mut writer = BuffetWriter::open(BuffetOptions {
            base_name: BASE_NAME,
            output: self.output,
            scratch: self.scratch,
            schema: self.schema()?,
            rows_per_file: self.row_estimate,
            group_by: Some(TID),
            columns: self.columns,
            cancel: self.cancel,
        })?;
        let mut outcome = Outcome { merge_stats: Some(MergeStats::default()), ..Outcome::default() };
        let range = Range { start: self.start, end: self.end, interval: self.interval };
        let mut cursors: Vec<Cursor<'_>> =
            self.inputs.iter().map(|path| Cursor::open(path)).collect::<Result<_>>()?;
        loop {
            let tid = cursors.iter().map(|cursor| cursor.tid).min().unwrap_or(NO_MORE);
            if tid == NO_MORE {
                break;
            }
            let mut group = Vec::new();
            for cursor in &mut cursors {
                while cursor.tid == tid {
                    checkpoint.pass()?;
                    group.extend(cursor.advance()?);
                }
            }
            for row in roll_up(group, &self.columns.timestamp, range, &mut outcome) {
                writer.write(&row)?;
            }
        }
        outcome.rows_read = cursors.iter().map(|cursor| cursor.segment.rows()).sum();
        outcome.files = writer.close()?;
        for file in &mut outcome.files {
            // The original's merger hands on neither; its count is 0 where the buffet writer has none (defect B).
            file.fingerprints.clear();
            file.stats.get_or_insert(Statistics { tid_count: 0 });
        }
        Ok(outcome)
    }

    fn check(&self) -> Result<()> {
        if self.inputs.is_empty() {
            return Err(Error::NoFiles);
        }
        if self.inputs.iter().any(|path| path.as_os_str().is_empty()) {
            return Err(Error::EmptyFileName);
        }
        let Self { start, end, interval, .. } = *self;
        if interval == 0 {
            return Err(Error::ZeroInterval);
        }
        if end.wrapping_sub(start).wrapping_rem(interval) != 0 {
            return Err(Error::Unaligned { start, end, interval });
        }
        Ok(())
    }

    fn schema(&self) -> Result<Schema> {
        let mut schema = Schema::new(SchemaSource::Input);
        for path in self.inputs {
            for (column, column_type) in SegmentReader::open(path)?.columns() {
                let added = schema.add(column.as_str(), *column_type);
                added.map_err(|source| of_schema(format!("nodes for file {}:", path.display()), source))?;
            }
        }
        let doubles = [COUNT, SUM, AVG, MAX, MIN].into_iter().chain(QUANTILES.map(|(column, _)| column));
        let own = doubles
            .map(|column| (column, ColumnType::Float64))
            .chain([(SKETCH, ColumnType::Bytes), (TID, ColumnType::Int64)]);
        for (column, column_type) in own {
            let added = schema.add(column, column_type);
            added.map_err(|source| of_schema("rollup/sketch nodes for writing:".to_owned(), source))?;
        }
        Ok(schema)
    }
}

fn of_schema(what: String, source: Error) -> Error {
    Error::MergeSchema { what, source: Box::new(source) }
}

/// A segment with its next row.
struct Cursor<'a> {
    path: &'a Path,
    segment: SegmentReader,
    row: Option<Row>,
    tid: i64,
    /// Rows taken from the segment.
    taken: u64,
}

impl<'a> Cursor<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let segment = SegmentReader::open(path)?;
        let mut cursor = Self { path, segment, row: None, tid: NO_MORE, taken: 0 };
        cursor.advance()?;
        Ok(cursor)
    }

    /// Hands out the current row and goes on to the next.
    fn advance(&mut self) -> Result<Option<Row>> {
        let next = self.segment.next_row()?;
        self.tid = match next.as_ref().map(|row| row.get(TID)) {
            None => NO_MORE,
            Some(Some(Value::Int64(tid))) => *tid,
            Some(_) => {
                return Err(Error::NoTid { path: self.path.to_owned(), column: TID, row: self.taken });
            }
        };
        self.taken += 1;
        Ok(std::mem::replace(&mut self.row, next))
    }
}

/// How many records a file should get: all records divided by the files that their bytes need at the target size, which are no more
/// than the records. 0 where an argument is not positive.
#[must_use]
pub fn target_records_per_file(records: i64, bytes_per_record: i64, target_size: i64) -> i64 {
    if records <= 0 || bytes_per_record <= 0 || target_size <= 0 {
        return 0;
    }
    let bytes = i128::from(records) * i128::from(bytes_per_record);
    let files = divided_up(bytes, i128::from(target_size)).min(i128::from(records));
    i64::try_from(divided_up(i128::from(records), files)).unwrap_or(i64::MAX)
}

fn divided_up(value: i128, by: i128) -> i128 {
    (value + by - 1) / by
}
