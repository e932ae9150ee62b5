//! What a job reports about its work.

use std::collections::BTreeMap;

use crate::output::results::FileResults;
use crate::stats::Stats;

/// What a job did.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Rows read from the segments, before any drop.
    pub rows_read: u64,
    /// Rows deliberately not written, by declared reason.
    pub rows_dropped: BTreeMap<String, u64>,
    /// Rows written without a sort key.
    pub missing_sort_keys: u64,
    /// Rows that became part of another: contributions to merged rows, less the rows written for them.
    pub rows_merged: u64,
    /// Further counts of a merge; absent where nothing is merged.
    pub merge_stats: Option<MergeStats>,
    /// What is known of the output files, in result order, read back one at a time.
    pub files: FileResults,
    /// Counters and times, stage by stage.
    pub stats: Stats,
}

/// Counts of a merge beside those of its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MergeStats {
    /// Data points dropped since their time lies outside the range of the job.
    pub datapoints_out_of_range: u64,
}
