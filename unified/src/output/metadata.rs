//! What is known of one output file, taken from exactly the rows that went into it.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use ahash::RandomState;
use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Int64Type;

use crate::encode::fingerprint::FingerprintRules;
use crate::error::Result;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;

/// One finished output file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileResult {
    /// Where it lies.
    pub path: PathBuf,
    /// Rows in it.
    pub record_count: u64,
    /// Its size in bytes.
    pub file_size: u64,
    /// Fingerprints of its rows, ascending; absent where the writer collects none.
    pub fingerprints: Option<BTreeSet<i64>>,
    /// Lowest value of the time column, in its unit: of the sort key (float keys truncated) unless the writer was given
    /// another column. Absent where no row has one.
    pub first_ts: Option<i64>,
    /// Highest value, inclusive.
    pub last_ts: Option<i64>,
    /// Where the hourly split put the file; absent where the writer does not split by hour and ingest date.
    pub split_key: Option<SplitKey>,
    /// Timeseries in it; absent where the writer does not collect them.
    pub tids: Option<TidSummary>,
    /// What it holds of traces; absent where the writer does not collect it.
    pub traces: Option<TraceSummary>,
}

/// The timeseries of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TidSummary {
    /// How many there are.
    pub count: u64,
    /// The lowest TID.
    pub min: i64,
    /// The highest TID.
    pub max: i64,
    /// All of them, ascending.
    pub tids: Vec<i64>,
}

impl TidSummary {
    /// Of distinct TIDs in ascending order.
    pub(crate) fn of(tids: Vec<i64>) -> Self {
        let (min, max) = (tids.first().copied().unwrap_or(0), tids.last().copied().unwrap_or(0));
        Self { count: tids.len() as u64, min, max, tids }
    }
}

/// The traces of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceSummary {
    /// Slot to which the job's traces belong, as it was given.
    pub slot: Option<i64>,
    /// Spans, that is rows.
    pub span_count: u64,
    /// Distinct trace ids. A null is none; an empty string is one.
    pub trace_count: u64,
}

/// Key of one file of the hourly split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SplitKey {
    /// UTC date of the rows as yyyymmdd.
    pub dateint: i64,
    /// UTC hour of the rows, 0 to 23.
    pub hour: i64,
    /// Date of ingestion as yyyymmdd.
    pub ingest_dateint: i64,
    /// Index of the file within its hour, from 0 to 32767.
    pub file_index: i64,
}

/// What is collected of each file.
#[derive(Debug, Clone, Default)]
pub(crate) struct MetadataRules {
    pub(crate) fingerprints: Option<FingerprintRules>,
    /// Column of first and last, where it is not the sort key.
    pub(crate) time: Option<String>,
    /// Column of the timeseries.
    pub(crate) tid: Option<String>,
    /// Column of the trace ids, and the slot to hand on.
    pub(crate) trace: Option<(String, Option<i64>)>,
}

/// Collects what will be known of the open file, but for its fingerprints (module `encode`, column by column).
#[derive(Debug, Default)]
pub(crate) struct FileMetadata {
    pub(crate) rows: usize,
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
    tids: DistinctTids,
    traces: DistinctIds,
}

impl FileMetadata {
    pub(crate) fn add(&mut self, rows: &Rows, catalog: &Catalog, rules: &MetadataRules) -> Result<()> {
        self.rows += rows.len;
        let column = |name: &String| catalog.id(name).and_then(|id| rows.column(id));
        match &rules.time {
            None => rows.keys.iter().flatten().for_each(|key| self.note_time(*key)),
            Some(time) => int64(column(time)).flatten().for_each(|time| self.note_time(time)),
        }
        if let Some(tid) = &rules.tid {
            int64(column(tid)).flatten().for_each(|tid| self.tids.add(tid));
        }
        if let Some((trace, _)) = &rules.trace
            && let Some(id) = catalog.id(trace)
            && let Some(array) = rows.column(id)
        {
            let ids = catalog.resolved(id, array)?;
            let ids = ids.as_string_opt::<i32>();
            ids.into_iter().flatten().flatten().for_each(|id| self.traces.add(id));
        }
        Ok(())
    }

    fn note_time(&mut self, time: i64) {
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    /// The distinct TIDs, ascending.
    pub(crate) fn tids(&mut self, rules: &MetadataRules) -> Option<Vec<i64>> {
        rules.tid.as_ref()?;
        Some(std::mem::take(&mut self.tids).finish())
    }

    pub(crate) fn traces(&self, rules: &MetadataRules) -> Option<TraceSummary> {
        let (_, slot) = rules.trace.as_ref()?;
        Some(TraceSummary {
            slot: *slot,
            span_count: self.rows as u64,
            trace_count: self.traces.hashes.len() as u64,
        })
    }
}

/// The values of an int64 column; none of a column of any other type.
fn int64(column: Option<&ArrayRef>) -> impl Iterator<Item = Option<i64>> + '_ {
    column.and_then(|array| array.as_primitive_opt::<Int64Type>()).into_iter().flatten()
}

/// Distinct numbers that mostly come in order.
#[derive(Debug, Default)]
struct DistinctTids {
    tids: Vec<i64>,
    /// Length after the last clearing of repeats.
    settled: usize,
}

impl DistinctTids {
    fn add(&mut self, tid: i64) {
        if self.tids.last() == Some(&tid) {
            return;
        }
        self.tids.push(tid);
        if self.tids.len() > 2 * self.settled + 4096 {
            self.settle();
        }
    }

    fn settle(&mut self) {
        // Finds sorted input sorted already, in one pass.
        self.tids.sort_unstable();
        self.tids.dedup();
        self.settled = self.tids.len();
    }

    fn finish(mut self) -> Vec<i64> {
        self.settle();
        self.tids
    }
}

/// Distinct strings, each remembered by two independent 64-bit hashes: a wrong count would need both to collide.
#[derive(Debug)]
struct DistinctIds {
    hashes: HashSet<(u64, u64), RandomState>,
    hashers: [RandomState; 2],
    /// Spans of a trace often follow each other.
    previous: Option<String>,
}

impl Default for DistinctIds {
    fn default() -> Self {
        Self { hashes: HashSet::default(), hashers: [RandomState::new(), RandomState::new()], previous: None }
    }
}

impl DistinctIds {
    fn add(&mut self, id: &str) {
        if self.previous.as_deref() == Some(id) {
            return;
        }
        let [first, second] = &self.hashers;
        self.hashes.insert((first.hash_one(id), second.hash_one(id)));
        let previous = self.previous.get_or_insert_default();
        previous.clear();
        previous.push_str(id);
    }
}
