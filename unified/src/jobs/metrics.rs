//! The metrics factory: rows in order of their TID, presumed and verified; a TID never split over two files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::builder::UnifiedWriterBuilder;
use crate::cancel::Cancel;
use crate::columns::Columns;
use crate::error::Result;
use crate::jobs::outcome::Outcome;
use crate::jobs::relay::relay;
use crate::memory_plan::{MERGED_BATCHES, MemoryPlan};
use crate::order::sorted::SortedInputs;
use crate::order::strategy::Ordering;
use crate::rows::batch::Rows;
use crate::rows::key::KeyType;
use crate::writer::UnifiedWriter;

/// A writer of metrics into an existing directory. Rows must come in order of their TID, an int64 that every row has.
///
/// For other settings (memory limit, rows per file, cancellation) start from [`metrics_builder`].
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{Int64Array, RecordBatch};
///
/// # let directory = tempfile::tempdir()?;
/// # let output = directory.path();
/// let columns = unified::Columns::default();
/// let mut writer = unified::metrics_writer(output, &columns, unified::DEFAULT_TARGET_SIZE)?;
/// writer.write(&RecordBatch::try_from_iter([
///     ("_cardinalhq.tid", Arc::new(Int64Array::from(vec![-4, 17, 17])) as _),
///     ("_cardinalhq.timestamp", Arc::new(Int64Array::from(vec![30, 10, 20])) as _),
/// ])?)?;
/// let files = writer.finish()?.into_vec()?;
/// assert_eq!(files[0].tids.as_ref().map(|tids| tids.tids.clone()), Some(vec![-4, 17]));
/// assert_eq!((files[0].first_ts, files[0].last_ts), (Some(10), Some(30)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As for [`UnifiedWriterBuilder::build`].
pub fn metrics_writer(
    output: impl Into<PathBuf>,
    columns: &Columns,
    target_size: u64,
) -> Result<UnifiedWriter> {
    metrics_builder(output.into(), columns).target_size(target_size).build()
}

/// The settings of [`metrics_writer`], to go on from.
#[must_use]
pub fn metrics_builder(output: PathBuf, columns: &Columns) -> UnifiedWriterBuilder {
    UnifiedWriter::builder(output)
        .columns(columns.clone())
        .sort_key(&columns.tid, KeyType::Int64)
        .ordering(Ordering::Presumed)
        .refuse_missing_keys()
        .no_split_groups(&columns.tid)
        .time_column(&columns.timestamp)
        .tid_metadata(&columns.tid)
}

/// The metrics factory over segments, each sorted by TID: they are merged by TID, rows of one TID in order of the
/// segments, then of their rows. Nothing is rolled up; [`crate::TidMergeJob`] does that.
#[derive(Debug, Clone)]
pub struct MetricsJob<'a> {
    /// Segments in order; one may occur more than once.
    pub inputs: &'a [PathBuf],
    /// Existing directory for the output files.
    pub output: &'a Path,
    /// Existing directory for temporary files.
    pub scratch: &'a Path,
    /// Target size in encoded bytes; a TID is never split, whatever its size.
    pub target_size: u64,
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

impl MetricsJob<'_> {
    /// Runs the job.
    ///
    /// # Errors
    /// Unusable segments or settings, a segment that is not sorted by TID, a row without one, conflicting types,
    /// failing I/O, a cancellation; then there are no files.
    pub fn run(&self) -> Result<Outcome> {
        let cancel = Cancel::new(self.cancel.clone());
        let inputs = SortedInputs::survey(
            self.inputs,
            &self.columns.tid,
            &[],
            "the merge",
            &cancel,
            self.memory_limit,
        )?;
        let builder = metrics_builder(self.output.to_path_buf(), self.columns)
            .scratch(self.scratch)
            .target_size(self.target_size)
            .memory_limit(self.memory_limit)
            .threads(self.threads)
            .sync(self.sync)
            .expected_rows(inputs.rows())
            .cancel(self.cancel.clone());
        let memory = MemoryPlan::of(self.memory_limit).size(MERGED_BATCHES);
        let (outcome, ()) =
            relay(builder, inputs.catalog(), self.scratch, |scratch, meter, workers, sink| {
                inputs.merge(memory, workers, scratch, &cancel, meter, |held, picks| {
                    let rows = Rows::gather(held, picks, inputs.catalog())?;
                    sink(rows.without_empty_columns())
                })
            })?;
        Ok(Outcome { rows_read: inputs.rows(), ..outcome })
    }
}
