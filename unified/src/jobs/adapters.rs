//! Jobs over segments: the drop-in adapters for the legacy entry points, and the logs factory.
//!
//! Each job describes its writer, feeds it the segments in order and reports every file. The scratch and output
//! directories must exist; on failure both are left as they were.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::builder::UnifiedWriterBuilder;
use crate::columns::Columns;
use crate::error::Result;
use crate::input::segments::Segments;
use crate::jobs::logs::logs_builder;
use crate::jobs::outcome::Outcome;
use crate::order::strategy::Ordering;
use crate::parallel::workers::threads;
use crate::rollup::rules::MISSING_TIMESTAMP;
use crate::rows::key::KeyType;
use crate::writer::UnifiedWriter;

/// The buffet adapter: many segments become few files.
///
/// Takes what the legacy buffet writer takes and is as lenient: an absent timestamp column and null timestamps are
/// missing keys, which come first; float timestamps are ordered by their truncated value and stored as they are. By a
/// timestamp of any other type rows cannot be sorted: that is an error, unless nothing is to be sorted.
#[derive(Debug, Clone)]
pub struct BuffetJob<'a> {
    /// Segments in order; one may occur more than once.
    pub inputs: &'a [PathBuf],
    /// Existing directory for the output files.
    pub output: &'a Path,
    /// Existing directory for temporary files.
    pub scratch: &'a Path,
    /// Rows per file; zero or negative: by target size.
    pub rows_per_file: i64,
    /// Target size in encoded bytes.
    pub target_size: u64,
    /// Whether files end at hour boundaries too.
    pub split_hours: bool,
    /// Memory limit in bytes.
    pub memory_limit: u64,
    /// Threads to work with; 0: as many as there are processors.
    pub threads: usize,
    /// Whether files are brought to stable storage before they get their names: see
    /// [`UnifiedWriterBuilder::sync`](crate::UnifiedWriterBuilder::sync).
    pub sync: bool,
    /// Columns that are left out.
    pub dropped_columns: &'a [String],
    /// Columns with a meaning.
    pub columns: &'a Columns,
    /// Whether rows are sorted by timestamp; otherwise they stay in the order of the segments.
    pub sort: bool,
    /// Set to stop.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl BuffetJob<'_> {
    /// Runs the job.
    ///
    /// # Errors
    /// Unusable segments or settings, conflicting types, failing I/O, a cancellation; then there are no files.
    pub fn run(&self) -> Result<Outcome> {
        let segments = Segments {
            inputs: self.inputs,
            dropped: self.dropped_columns,
            memory_limit: self.memory_limit,
            threads: threads(self.threads),
            sorted_by: self.sort.then_some(&self.columns.timestamp),
        };
        let mut builder = logs_builder(self.output.to_path_buf(), self.columns)
            .scratch(self.scratch)
            .sort_key(&self.columns.timestamp, if self.sort { KeyType::Sortable } else { KeyType::Lenient })
            .ordering(if self.sort { Ordering::Spillable } else { Ordering::None })
            .rows_per_file(self.rows_per_file)
            .target_size(self.target_size)
            .split_hours(self.split_hours)
            .memory_limit(self.memory_limit)
            .threads(self.threads)
            .sync(self.sync)
            .cancel(self.cancel.clone());
        if !self.sort {
            builder = builder.expected_rows(segments.count_rows()?);
        }
        run(&segments, builder)
    }
}

/// The fingerprint adapter: segments are split by hour of their rows.
///
/// Rows without a timestamp are dropped under [`MISSING_TIMESTAMP`]; float timestamps are ordered and placed by their
/// truncated value (NaN and what int64 cannot hold as the lowest int64); a timestamp of any other type counts as 0.
/// File indexes restart in each hour.
#[derive(Debug, Clone)]
pub struct FingerprintJob<'a> {
    /// Segments in order.
    pub inputs: &'a [PathBuf],
    /// Existing directory for the output files.
    pub output: &'a Path,
    /// Existing directory for temporary files.
    pub scratch: &'a Path,
    /// Rows per file within an hour; zero or negative: by target size.
    pub rows_per_file: i64,
    /// Target size in encoded bytes.
    pub target_size: u64,
    /// Memory limit in bytes.
    pub memory_limit: u64,
    /// Threads to work with; 0: as many as there are processors.
    pub threads: usize,
    /// Whether files are brought to stable storage before they get their names: see
    /// [`UnifiedWriterBuilder::sync`](crate::UnifiedWriterBuilder::sync).
    pub sync: bool,
    /// Date of ingestion as yyyymmdd, which the split keys state.
    pub ingest_dateint: i64,
    /// Columns with a meaning.
    pub columns: &'a Columns,
    /// Set to stop.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl FingerprintJob<'_> {
    /// Runs the job.
    ///
    /// # Errors
    /// As for [`BuffetJob::run`]; also more files in one hour than a 16-bit index can number.
    pub fn run(&self) -> Result<Outcome> {
        let segments = Segments {
            inputs: self.inputs,
            dropped: &[],
            memory_limit: self.memory_limit,
            threads: threads(self.threads),
            sorted_by: Some(&self.columns.timestamp),
        };
        let builder = logs_builder(self.output.to_path_buf(), self.columns)
            .scratch(self.scratch)
            .sort_key(&self.columns.timestamp, KeyType::Lenient)
            .drop_missing_keys(MISSING_TIMESTAMP)
            .report_inexact_keys()
            .ingest_dateint(self.ingest_dateint)
            .rows_per_file(self.rows_per_file)
            .target_size(self.target_size)
            .memory_limit(self.memory_limit)
            .threads(self.threads)
            .sync(self.sync)
            .cancel(self.cancel.clone());
        run(&segments, builder)
    }
}

/// The logs factory over segments: strict about the timestamp, which must be int64 in every segment with rows.
#[derive(Debug, Clone)]
pub struct LogsJob<'a> {
    /// Segments in order.
    pub inputs: &'a [PathBuf],
    /// Existing directory for the output files.
    pub output: &'a Path,
    /// Existing directory for temporary files.
    pub scratch: &'a Path,
    /// Target size in encoded bytes.
    pub target_size: u64,
    /// Whether files end at hour boundaries too.
    pub split_hours: bool,
    /// Memory limit in bytes.
    pub memory_limit: u64,
    /// Threads to work with; 0: as many as there are processors.
    pub threads: usize,
    /// Whether files are brought to stable storage before they get their names: see
    /// [`UnifiedWriterBuilder::sync`](crate::UnifiedWriterBuilder::sync).
    pub sync: bool,
    /// Columns with a meaning.
    pub columns: &'a Columns,
    /// Set to stop.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl LogsJob<'_> {
    /// Runs the job.
    ///
    /// # Errors
    /// As for [`BuffetJob::run`]; also a segment whose timestamp is missing or not int64.
    pub fn run(&self) -> Result<Outcome> {
        let segments = Segments {
            inputs: self.inputs,
            dropped: &[],
            memory_limit: self.memory_limit,
            threads: threads(self.threads),
            sorted_by: Some(&self.columns.timestamp),
        };
        let builder = logs_builder(self.output.to_path_buf(), self.columns)
            .scratch(self.scratch)
            .target_size(self.target_size)
            .split_hours(self.split_hours)
            .memory_limit(self.memory_limit)
            .threads(self.threads)
            .sync(self.sync)
            .cancel(self.cancel.clone());
        run(&segments, builder)
    }
}

pub(crate) fn run(segments: &Segments<'_>, builder: UnifiedWriterBuilder) -> Result<Outcome> {
    let mut writer: UnifiedWriter = builder.build()?;
    let (meter, reading) = (writer.meter().clone(), writer.reading().clone());
    segments.read(&meter, &reading, |batch, place, row| writer.write_from(batch, place, row))?;
    let files = writer.finish()?;
    let counts = writer.counts().clone();
    Ok(Outcome {
        rows_read: counts.rows_read,
        rows_dropped: counts.rows_dropped,
        missing_sort_keys: counts.missing_sort_keys,
        files,
        stats: writer.stats(),
        ..Outcome::default()
    })
}
