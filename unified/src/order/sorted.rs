//! Inputs that claim to be sorted by one int64 key, merged into one stream.
//!
//! 1. The footers are looked at, one file after another: names, types, how many rows. So a conflict of types is found
//!    before any work is done. A column of which a footer says that all its values are null has no type to conflict.
//! 2. Up to [`FAN_IN`] inputs are merged at once, straight from their files, and no more than the memory holds pages of: an
//!    open input has one page of each column decoded, with its dictionary. More are first merged in groups of neighbours
//!    into runs on disk, so that neither open files nor open pages depend on the number of inputs.
//! 3. As rows pass, the claim is verified: a row without a key or below the row before it ends the work.
//!
//! Rows of equal keys come in order of the inputs, then of their rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::input::page_scan::Scans;
use crate::input::segment::SegmentReader;
use crate::input::share::Share;
use crate::memory_plan::{INPUT_BATCHES, INPUT_BATCHES_AHEAD, OPEN_INPUTS};
use crate::order::ahead_segment::read_ahead;
use crate::order::merge::{FAN_IN, MergeContext, Source, merge, reduce, run_batch_bytes};
use crate::order::run::RunReader;
use crate::order::run_series::RunSeries;
use crate::order::sorted_segment::{OPENED, SortedSegment};
use crate::order::spill::SpillFile;
use crate::parallel::workers::Workers;
use crate::rows::batch::Rows;
use crate::rows::catalog::{Catalog, check_names};
use crate::rows::codes::ColumnId;
use crate::scratch::Scratch;
use crate::stats::Meter;

/// One input of the merge.
pub(crate) struct Input {
    path: PathBuf,
    columns: Vec<ColumnId>,
    /// Bytes that are held while it is open.
    open_bytes: u64,
}

/// Sorted inputs whose footers have been looked at.
pub(crate) struct SortedInputs {
    catalog: Arc<Catalog>,
    key: String,
    inputs: Vec<Input>,
    rows: u64,
    memory_limit: u64,
    /// What is known of their row groups, until they are opened.
    scans: Arc<Scans>,
}

impl SortedInputs {
    /// Looks at all footers and page headers, which must fit into a part of the memory limit. `expected` are columns with the types that they must have, in the eyes of `judge`.
    ///
    /// # Errors
    /// An unusable input, one without the key column, a column of two types.
    pub(crate) fn survey(
        paths: &[PathBuf],
        key: &str,
        expected: &[(&str, DataType)],
        judge: &str,
        cancel: &Cancel,
        memory_limit: u64,
    ) -> Result<Self> {
        let mut catalog = Catalog::default();
        for (name, data_type) in [(key, DataType::Int64)].iter().chain(expected) {
            catalog.note(&Field::new(*name, data_type.clone(), true), true, judge)?;
        }
        let (mut inputs, mut rows) = (Vec::with_capacity(paths.len()), 0);
        let scans = Arc::<Scans>::default();
        for path in paths {
            cancel.check()?;
            if let Some((input, count)) = look_at(path, key, &mut catalog, memory_limit, &scans)? {
                inputs.push(input);
                rows = u64::saturating_add(rows, count);
            }
        }
        Ok(Self { catalog: Arc::new(catalog), key: key.to_string(), inputs, rows, memory_limit, scans })
    }

    /// The columns of all inputs.
    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Rows of all inputs.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Hands all rows on in order of the key, as [`merge`] does. Batches in flight keep within `memory` bytes. With two
    /// threads or more the inputs are read ahead.
    ///
    /// # Errors
    /// A row without a key or out of order, failing I/O, a cancellation, what `each` returns.
    pub(crate) fn merge(
        &self,
        memory: usize,
        workers: &Workers,
        scratch: &mut Scratch,
        cancel: &Cancel,
        meter: &Meter,
        each: impl FnMut(&[Rows], &[(usize, usize)]) -> Result<()>,
    ) -> Result<()> {
        let (catalog, key) = (self.catalog.as_ref(), self.catalog.id(&self.key));
        let context = MergeContext { catalog, key, cancel, memory, meter, workers };
        let groups = self.groups(memory);
        if groups.len() < 2 {
            return self.merge_inputs(&self.inputs, &context, each);
        }
        let mut runs = Vec::with_capacity(groups.len());
        let mut file = SpillFile::create(scratch)?;
        for group in groups {
            let columns = group.iter().flat_map(|input| input.columns.iter().copied()).collect();
            let mut series = RunSeries::new(file, catalog, columns, run_batch_bytes(memory), workers);
            self.merge_inputs(group, &context, |held, picks| {
                series.write(&Rows::gather(held, picks, catalog)?)
            })?;
            let (written, same) = series.finish()?;
            runs.extend(written);
            file = same;
        }
        drop(file);
        let runs = reduce(runs, scratch, &context)?;
        let sources = runs.into_iter().map(|run| Ok(Source::Disk(Box::new(RunReader::open(run)?))));
        merge(sources.collect::<Result<_>>()?, &context, each)
    }

    /// Neighbours that may be open at once: at least two, so that there are fewer of them after a pass.
    pub(crate) fn groups(&self, memory: usize) -> Vec<&[Input]> {
        let most = OPEN_INPUTS.of(memory as u64);
        let (mut groups, mut rest) = (Vec::new(), self.inputs.as_slice());
        while !rest.is_empty() {
            let mut bytes = 0;
            let fitting = rest.iter().take(FAN_IN).take_while(|input| {
                bytes += input.open_bytes;
                bytes <= most
            });
            let (group, others) = rest.split_at(fitting.count().max(2).min(rest.len()));
            groups.push(group);
            rest = others;
        }
        groups
    }

    /// Merges inputs of which each may be open.
    fn merge_inputs(
        &self,
        inputs: &[Input],
        context: &MergeContext<'_>,
        each: impl FnMut(&[Rows], &[(usize, usize)]) -> Result<()>,
    ) -> Result<()> {
        if context.workers.threads() < 2 {
            let segments = self.open(inputs, INPUT_BATCHES.size_of(context.memory))?;
            return merge(
                segments.into_iter().map(|segment| Source::Segment(Box::new(segment))).collect(),
                context,
                each,
            );
        }
        // One more batch of each input is being decoded.
        let segments = self.open(inputs, INPUT_BATCHES_AHEAD.size_of(context.memory))?;
        read_ahead(segments, context.workers, &self.catalog, |ahead| {
            merge(ahead.into_iter().map(Source::Ahead).collect(), context, each)
        })
    }

    /// Opens inputs whose batches come to so many bytes, one of each.
    fn open(&self, inputs: &[Input], memory: usize) -> Result<Vec<SortedSegment>> {
        let batch_bytes = (memory / inputs.len().max(1)) as u64;
        inputs
            .iter()
            .map(|input| {
                let segment = SortedSegment::open(&input.path, &self.key, batch_bytes, self.memory_limit)?;
                Ok(segment.with_scans(Arc::clone(&self.scans)))
            })
            .collect()
    }
}

/// Notes the columns of an input and counts its rows; nothing where it has none.
fn look_at(
    path: &Path,
    key: &str,
    catalog: &mut Catalog,
    memory_limit: u64,
    scans: &Arc<Scans>,
) -> Result<Option<(Input, u64)>> {
    let reader = SegmentReader::open(path, &[], 0, memory_limit)?
        .with_share(Share::of_merged(memory_limit, 0))
        .with_scans(Arc::clone(scans), OPENED);
    let metadata = reader.metadata();
    let place = path.display().to_string();
    let rows = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
    check_names(metadata.schema(), &place)?;
    if rows == 0 {
        return Ok(None);
    }
    let mut columns = Vec::with_capacity(metadata.schema().fields().len());
    for (root, field) in metadata.schema().fields().iter().enumerate() {
        columns.push(catalog.note(field, has_values(metadata, root), &place)?);
    }
    if metadata.schema().column_with_name(key).is_none() {
        return Err(Error::missing_key(format!("{place}, row group 0, row 0"), key));
    }
    let open_bytes = reader.most_open()?;
    Ok(Some((Input { path: path.to_path_buf(), columns, open_bytes }, rows)))
}

/// Whether a column of the file may have a value, by what its footer says.
fn has_values(metadata: &ArrowReaderMetadata, root: usize) -> bool {
    let schema = metadata.parquet_schema();
    let leaves = (0..schema.num_columns()).filter(|leaf| schema.get_column_root_idx(*leaf) == root);
    let leaves: Vec<usize> = leaves.collect();
    metadata.metadata().row_groups().iter().any(|group| {
        leaves.iter().any(|leaf| {
            let column = group.column(*leaf);
            let nulls = column.statistics().and_then(|statistics| statistics.null_count_opt());
            nulls.and_then(|nulls| i64::try_from(nulls).ok()) != Some(column.num_values())
        })
    })
}
