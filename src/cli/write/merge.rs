//! `parallax write tid-merger` and `write unified-tid-merger`: the same options for both.

use std::path::{Path, PathBuf};

use clap::Args;
use reports::manifest::Manifest;

use super::legacy::of_legacy;
use super::unified::of_unified;
use super::written::Written;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::side::{legacy as legacy_side, unified as unified_side};

/// Arguments of `write tid-merger` and `write unified-tid-merger`.
#[derive(Debug, Args)]
pub struct Merge {
    /// Input segments, in order, each sorted by `_cardinalhq.tid`.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    input: Vec<PathBuf>,
    /// Directory to write to; made where it does not exist, empty where it does.
    #[arg(long, value_name = "DIR")]
    pub(super) output: PathBuf,
    /// Interval in milliseconds to which timestamps are cut.
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    interval: i64,
    /// Rows per file, rounded up to whole TIDs; 0 or negative: one file (legacy), by target size (unified).
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    row_estimate: i64,
    /// Start of the time range in milliseconds, inclusive.
    #[arg(long, value_name = "TS", allow_negative_numbers = true)]
    start: i64,
    /// End of the time range in milliseconds, exclusive.
    #[arg(long, value_name = "TS", allow_negative_numbers = true)]
    end: i64,
}

impl Merge {
    pub(super) fn write_legacy(&self, scratch: &Path, cancel: &Cancel) -> Result<Manifest> {
        let cancel = cancel.flag();
        let job = legacy::TidMergeJob {
            inputs: &self.input,
            output: &self.output,
            scratch,
            interval: self.interval,
            row_estimate: self.row_estimate,
            start: self.start,
            end: self.end,
            columns: &legacy::Columns::default(),
            cancel: Some(&cancel),
        };
        let outcome = job.run().map_err(|error| of_legacy(&error))?;
        Ok(legacy_side::manifest("tid-merger", &outcome, &self.output))
    }

    pub(super) fn write_unified(&self, scratch: &Path, cancel: &Cancel) -> Result<Written> {
        let job = unified::TidMergeJob {
            inputs: &self.input,
            output: &self.output,
            scratch,
            interval: self.interval,
            row_estimate: self.row_estimate,
            start: self.start,
            end: self.end,
            target_size: unified_side::DEFAULT_TARGET_SIZE,
            memory_limit: unified_side::DEFAULT_MEMORY_LIMIT,
            threads: unified_side::THREADS,
            sync: true,
            columns: &unified::Columns::default(),
            cancel: Some(cancel.flag()),
        };
        let outcome = job.run().map_err(|error| of_unified(&error))?;
        Ok(Written::unified("unified-tid-merger", &outcome, &self.output))
    }
}
