//! What a job or a writer returns.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// Reason under which rows without a timestamp are counted.
pub const MISSING_TIMESTAMP: &str = "missing_timestamp";

/// Result of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows read from the inputs.
    pub rows_read: u64,
    /// Rows left out, by reason; a reason without rows is absent.
    pub rows_dropped: BTreeMap<String, u64>,
    /// Rows that became part of another row: contributions minus rows written for them; TIDMerger only.
    pub rows_merged: u64,
    /// What TIDMerger counted; absent for the other writers.
    pub merge_stats: Option<MergeStats>,
    /// Output files in result order; of the fingerprint writer, by split key.
    pub files: Vec<FileResult>,
}

/// What TIDMerger counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MergeStats {
    /// Rows whose timestamp lies outside the time range.
    pub datapoints_out_of_range: u64,
}

/// Result of one output file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileResult {
    /// The file, in the output directory.
    pub path: PathBuf,
    /// Rows in the file.
    pub record_count: u64,
    /// Bytes of the file.
    pub file_size: u64,
    /// Fingerprints as the original gives them: shifted by one row at each file boundary (defect A). TIDMerger gives none.
    pub fingerprints: BTreeSet<i64>,
    /// Statistics; only on a writer's last file (defect B), and only where rows are grouped. TIDMerger states 0 on the others.
    pub stats: Option<Statistics>,
    /// Lowest timestamp of the hour in milliseconds, with 0 taken for "unset" (defect C); fingerprint writer only.
    pub first_ts: Option<i64>,
    /// Highest timestamp of the hour in milliseconds, at least 0 (defect C), inclusive; fingerprint writer only.
    pub last_ts: Option<i64>,
    /// Place of the file in the hourly split; fingerprint writer only.
    pub split_key: Option<SplitKey>,
}

/// Statistics of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Distinct int64 values of the group column.
    pub tid_count: u64,
}

/// Place of a file in the hourly split. Sorts by date, hour, ingest date, file index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SplitKey {
    /// UTC date of the rows as yyyymmdd; a 32-bit number in the original, wrapped for absurd years.
    pub dateint: i64,
    /// UTC hour of the rows, 0 to 23.
    pub hour: i64,
    /// Date of ingestion as yyyymmdd, as the job says.
    pub ingest_dateint: i64,
    /// File within the hour, from 0; a 16-bit number in the original, so it wraps.
    pub file_index: i64,
}

/// Rows between two looks at the request to stop.
const STRIDE: u64 = 1_024;

/// Looks now and then whether to stop.
#[derive(Debug)]
pub(crate) struct Checkpoint<'a> {
    cancel: Option<&'a AtomicBool>,
    rows: u64,
}

impl<'a> Checkpoint<'a> {
    pub(crate) fn new(cancel: Option<&'a AtomicBool>) -> Self {
        Self { cancel, rows: 0 }
    }

    /// Counts a row.
    ///
    /// # Errors
    /// [`Error::Cancelled`] where a stop was asked for.
    pub(crate) fn pass(&mut self) -> Result<()> {
        let look = self.rows.is_multiple_of(STRIDE);
        self.rows += 1;
        if look && self.cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Err(Error::Cancelled);
        }
        Ok(())
    }
}
