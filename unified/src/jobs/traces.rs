//! The traces factory: spillable, sorted by start time, split freely; a job is one slot, which is handed on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::builder::UnifiedWriterBuilder;
use crate::columns::Columns;
use crate::error::Result;
use crate::input::segments::Segments;
use crate::jobs::adapters::run;
use crate::jobs::outcome::Outcome;
use crate::order::strategy::Ordering;
use crate::parallel::workers::threads;
use crate::rows::key::KeyType;
use crate::writer::UnifiedWriter;

/// A writer of the traces of one slot into an existing directory. The start time must be int64 nanoseconds in every
/// batch; spans without one come first.
///
/// For other settings (memory limit, rows per file, cancellation) start from [`traces_builder`].
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{Int64Array, RecordBatch, StringArray};
///
/// # let directory = tempfile::tempdir()?;
/// # let output = directory.path();
/// let columns = unified::Columns::default();
/// let mut writer = unified::traces_writer(output, &columns, unified::DEFAULT_TARGET_SIZE, Some(3))?;
/// writer.write(&RecordBatch::try_from_iter([
///     ("_cardinalhq.start_time_unix_ns", Arc::new(Int64Array::from(vec![20, 10, 30])) as _),
///     ("_cardinalhq.trace_id", Arc::new(StringArray::from(vec!["a", "b", "a"])) as _),
/// ])?)?;
/// let files = writer.finish()?.into_vec()?;
/// let traces = files[0].traces.ok_or("traces were asked for")?;
/// assert_eq!((traces.slot, traces.span_count, traces.trace_count), (Some(3), 3, 2));
/// assert_eq!((files[0].first_ts, files[0].last_ts), (Some(10), Some(30)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As for [`UnifiedWriterBuilder::build`].
pub fn traces_writer(
    output: impl Into<PathBuf>,
    columns: &Columns,
    target_size: u64,
    slot: Option<i64>,
) -> Result<UnifiedWriter> {
    traces_builder(output.into(), columns, slot).target_size(target_size).build()
}

/// The settings of [`traces_writer`], to go on from.
#[must_use]
pub fn traces_builder(output: PathBuf, columns: &Columns, slot: Option<i64>) -> UnifiedWriterBuilder {
    UnifiedWriter::builder(output)
        .columns(columns.clone())
        .sort_key(&columns.start_time, KeyType::Int64)
        .ordering(Ordering::Spillable)
        .trace_metadata(&columns.trace, slot)
        .fingerprints(true)
}

/// The traces of one slot: many segments become few files.
///
/// As lenient as [`crate::BuffetJob`], which writes the same for logs: an absent start time is a missing key, which
/// comes first and is counted; float64 is ordered by its truncated value; any other type leaves the order alone.
#[derive(Debug, Clone)]
pub struct TracesJob<'a> {
    /// Segments of one slot, in order; one may occur more than once.
    pub inputs: &'a [PathBuf],
    /// Existing directory for the output files.
    pub output: &'a Path,
    /// Existing directory for temporary files.
    pub scratch: &'a Path,
    /// The slot, handed on with each file.
    pub slot: Option<i64>,
    /// Rows per file; zero or negative: by target size.
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
    /// Columns that are left out.
    pub dropped_columns: &'a [String],
    /// Columns with a meaning.
    pub columns: &'a Columns,
    /// Whether rows are sorted by start time; otherwise they stay in the order of the segments.
    pub sort: bool,
    /// Set to stop.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl TracesJob<'_> {
    /// Runs the job.
    ///
    /// # Errors
    /// As for [`crate::BuffetJob::run`].
    pub fn run(&self) -> Result<Outcome> {
        let segments = Segments {
            inputs: self.inputs,
            dropped: self.dropped_columns,
            memory_limit: self.memory_limit,
            threads: threads(self.threads),
            sorted_by: self.sort.then_some(&self.columns.start_time),
        };
        let mut builder = traces_builder(self.output.to_path_buf(), self.columns, self.slot)
            .scratch(self.scratch)
            .sort_key(&self.columns.start_time, if self.sort { KeyType::Sortable } else { KeyType::Lenient })
            .ordering(if self.sort { Ordering::Spillable } else { Ordering::None })
            .rows_per_file(self.rows_per_file)
            .target_size(self.target_size)
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
