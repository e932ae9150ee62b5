//! The adapter for the legacy merger of metrics: segments sorted by TID become rolled-up files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::datatypes::DataType;

use crate::cancel::Cancel;
use crate::columns::Columns;
use crate::error::{Error, Result};
use crate::jobs::metrics::metrics_builder;
use crate::jobs::outcome::{MergeStats, Outcome};
use crate::jobs::relay::relay;
use crate::memory_plan::{MERGED_BATCHES, MemoryPlan, ROLLED_UP_GROUP};
use crate::order::sorted::SortedInputs;
use crate::rollup::Rollup;
use crate::rollup::rules::{Ids, Interval, OUT_OF_RANGE};

/// The merger of metrics: data points of one timeseries, interval and name, from all segments, become one.
///
/// Each segment must be sorted by TID, as a number. A row alone in its TID only has its time aligned (toward zero, to
/// a multiple of the interval). Where a TID has several rows, each needs an int64 time in the range, a name and a
/// sketch; a row that lacks one is dropped under `missing_timestamp`, `out_of_range`, `missing_name`,
/// `missing_sketch`, `empty_sketch` or `undecodable_sketch`. A sketch of no bytes counts as the one value `rollup_sum`
/// where `rollup_count` is 1. Rows of equal aligned time and name are merged: sketches added up, rollups recomputed,
/// all else from the first; where the sum holds no value they are dropped under `empty_merge`. Rows come out by TID,
/// time and name.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray};
///
/// # let directory = tempfile::tempdir()?;
/// # let input = directory.path().join("points.parquet");
/// # let output = directory.path().join("out");
/// # std::fs::create_dir(&output)?;
/// // Two points of one timeseries in the same ten seconds, each of one value.
/// let points = RecordBatch::try_from_iter([
///     ("_cardinalhq.tid", Arc::new(Int64Array::from(vec![7, 7])) as _),
///     ("_cardinalhq.timestamp", Arc::new(Int64Array::from(vec![12_000, 17_000])) as _),
///     ("_cardinalhq.name", Arc::new(StringArray::from(vec!["load", "load"])) as _),
///     ("sketch", Arc::new(BinaryArray::from(vec![b"".as_slice(), b""])) as _),
///     ("rollup_count", Arc::new(Float64Array::from(vec![1.0, 1.0])) as _),
///     ("rollup_sum", Arc::new(Float64Array::from(vec![5.0, 9.0])) as _),
/// ])?;
/// let mut writer =
///     parquet::arrow::ArrowWriter::try_new(std::fs::File::create(&input)?, points.schema(), None)?;
/// writer.write(&points)?;
/// writer.close()?;
///
/// let outcome = unified::TidMergeJob {
///     inputs: &[input],
///     output: &output,
///     scratch: directory.path(),
///     interval: 10_000,
///     row_estimate: 0,
///     start: 10_000,
///     end: 20_000,
///     target_size: unified::DEFAULT_TARGET_SIZE,
///     memory_limit: unified::DEFAULT_MEMORY_LIMIT,
///     threads: 1,
///     sync: true,
///     columns: &unified::Columns::default(),
///     cancel: None,
/// }
/// .run()?;
/// assert_eq!((outcome.rows_read, outcome.rows_merged), (2, 1));
/// let files = outcome.files.into_vec()?;
/// assert_eq!((files[0].record_count, files[0].first_ts), (1, Some(10_000)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TidMergeJob<'a> {
    /// Segments in order; one may occur more than once.
    pub inputs: &'a [PathBuf],
    /// Existing directory for the output files.
    pub output: &'a Path,
    /// Existing directory for temporary files.
    pub scratch: &'a Path,
    /// Length of the interval to which times are aligned, in milliseconds. Its sign does not matter.
    pub interval: i64,
    /// Rows per file, rounded up to whole timeseries; zero or negative: by target size.
    pub row_estimate: i64,
    /// Lowest time of the range, in milliseconds.
    pub start: i64,
    /// Time at which the range ends, exclusive. Not above `start`: every row is out of range.
    pub end: i64,
    /// Target size in encoded bytes; a TID is never split, whatever its size.
    pub target_size: u64,
    /// Memory limit in bytes: a quarter for batches in flight, half for open pages, an eighth for a timeseries. The
    /// rows of one timeseries and one interval must fit into an eighth; nothing else depends on the data.
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

impl TidMergeJob<'_> {
    /// Runs the job.
    ///
    /// # Errors
    /// No inputs, an interval of 0, a range that is not a multiple of it; a segment that is not sorted by TID, a row
    /// without one; a column of two types, or a sketch, rollup or TID of another type than bytes, float64 or int64;
    /// unusable segments, failing I/O, a cancellation. Then there are no files.
    pub fn run(&self) -> Result<Outcome> {
        if self.inputs.is_empty() {
            return Err(Error::Config("there are no files to merge; name at least one input".to_string()));
        }
        let interval = Interval::new(self.interval, self.start, self.end)?;
        let cancel = Cancel::new(self.cancel.clone());
        let rollup = &self.columns.rollup;
        let floats = [&rollup.count, &rollup.sum, &rollup.avg, &rollup.min, &rollup.max];
        let floats = floats.into_iter().chain(rollup.quantiles.iter().map(|(name, _)| name));
        let mut expected = vec![(rollup.sketch.as_str(), DataType::Binary)];
        expected.extend(floats.map(|name| (name.as_str(), DataType::Float64)));
        let inputs = SortedInputs::survey(
            self.inputs,
            &self.columns.tid,
            &expected,
            "the merge",
            &cancel,
            self.memory_limit,
        )?;
        let builder = metrics_builder(self.output.to_path_buf(), self.columns)
            .scratch(self.scratch)
            .rows_per_file(self.row_estimate)
            .target_size(self.target_size)
            .memory_limit(self.memory_limit)
            .threads(self.threads)
            .sync(self.sync)
            .cancel(self.cancel.clone());
        let plan = MemoryPlan::of(self.memory_limit);
        let memory = plan.size(MERGED_BATCHES);
        let (outcome, tally) =
            relay(builder, inputs.catalog(), self.scratch, |scratch, meter, workers, sink| {
                let ids = Ids::new(self.columns, inputs.catalog());
                let group = plan.size(ROLLED_UP_GROUP);
                let mut rollup = Rollup::new(interval, ids, inputs.catalog(), group, &cancel, meter);
                // Two directories: the merge holds on to its own while a large group makes use of another.
                let mut groups = scratch.another();
                inputs.merge(memory, workers, scratch, &cancel, meter, |held, picks| {
                    rollup.add(held, picks, &mut groups, sink)
                })?;
                let tally = rollup.finish(&mut groups, sink)?;
                groups.clear()?;
                Ok(tally)
            })?;
        let out_of_range = tally.dropped.get(OUT_OF_RANGE).copied().unwrap_or(0);
        Ok(Outcome {
            rows_read: inputs.rows(),
            rows_dropped: tally.dropped.iter().map(|(reason, rows)| ((*reason).to_string(), *rows)).collect(),
            rows_merged: tally.merged,
            merge_stats: Some(MergeStats { datapoints_out_of_range: out_of_range }),
            ..outcome
        })
    }
}
