//! The finished output that a fault is planted into, and changing its files so that the manifest goes along.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, new_null_array};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Int64Type, Schema};
use reports::manifest::{Manifest, ManifestFile};

use super::rewrite::{load, store};
use crate::error::{Error, Result};
use crate::job::{Job, JobKind};

/// The output that a fault is planted into.
pub(super) struct Site<'a> {
    pub(super) job: &'a Job,
    pub(super) root: PathBuf,
    pub(super) manifest: &'a mut Manifest,
}

impl Site<'_> {
    pub(super) fn path(&self, index: usize) -> PathBuf {
        self.root.join(&self.manifest.files[index].path)
    }

    /// Writes `batch` over file `index` and brings its counts in the manifest along.
    pub(super) fn put(&mut self, index: usize, batch: &RecordBatch) -> Result<()> {
        let size = store(&self.path(index), batch)?;
        let entry = &mut self.manifest.files[index];
        entry.record_count = Some(batch.num_rows() as u64);
        entry.file_size = Some(size);
        Ok(())
    }

    /// Changes the file with the most rows.
    pub(super) fn rewrite_largest(
        &mut self,
        change: impl Fn(&RecordBatch) -> Option<RecordBatch>,
    ) -> Result<()> {
        let largest =
            (0..self.manifest.files.len()).max_by_key(|index| self.manifest.files[*index].record_count);
        if let Some(index) = largest
            && let Some(changed) = change(&load(&self.path(index))?)
        {
            self.put(index, &changed)?;
        }
        Ok(())
    }

    /// Changes the first file that offers a place.
    pub(super) fn rewrite_first(
        &mut self,
        change: impl Fn(&Job, &RecordBatch) -> Option<RecordBatch>,
    ) -> Result<()> {
        for index in 0..self.manifest.files.len() {
            if let Some(changed) = change(self.job, &load(&self.path(index))?) {
                return self.put(index, &changed);
            }
        }
        Ok(())
    }

    /// Writes `batch` over file `index`, and lets the manifest tell the truth about whatever it states of that file.
    pub(super) fn tell(&mut self, index: usize, batch: &RecordBatch) -> Result<()> {
        self.put(index, batch)?;
        let job = self.job;
        retell(job, &mut self.manifest.files[index], batch);
        Ok(())
    }

    /// Adds a file behind file `index - 1`, of which the manifest states what it states of the others.
    pub(super) fn insert(&mut self, index: usize, name: &str, batch: &RecordBatch) -> Result<()> {
        let model = self.manifest.files.first().cloned().unwrap_or_default();
        self.manifest.files.insert(index, ManifestFile { path: name.to_owned(), ..model });
        self.tell(index, batch)
    }

    /// Takes file `index` away.
    pub(super) fn remove(&mut self, index: usize) -> Result<()> {
        let path = self.path(index);
        std::fs::remove_file(&path).map_err(|source| Error::io("cannot remove", &path, source))?;
        self.manifest.files.remove(index);
        Ok(())
    }

    /// Values of a column in rows whose loss nothing excuses: a baseline may be known to lose the highest group.
    pub(super) fn held(&self, batch: &RecordBatch, array: &ArrayRef) -> usize {
        let group = self.job.signal.as_ref().and_then(|signal| signal.group_key.as_ref());
        let groups = group.and_then(|column| integers(batch, column));
        let highest = |row: usize| groups.is_some_and(|it| it.is_valid(row) && it.value(row) == i64::MAX);
        (0..array.len()).filter(|&row| array.is_valid(row) && !highest(row)).count()
    }

    /// True for a result list whose first file begins below its own end: a copy of it at the end is out of order.
    pub(super) fn listed_ascending(&self) -> Result<bool> {
        let batch = load(&self.path(0))?;
        let last = batch.num_rows().saturating_sub(1);
        Ok(self.job.kind == JobKind::Compact && last > 0 && self.ascends((&batch, 0), (&batch, last)))
    }

    /// True where both rows have a sort key and the first one's is lower, in its first column.
    pub(super) fn ascends(&self, low: (&RecordBatch, usize), high: (&RecordBatch, usize)) -> bool {
        let column = self.job.signal.as_ref().and_then(|signal| signal.sort_key.first());
        let key = |(batch, row): (&RecordBatch, usize)| {
            let keys = integers(batch, column?)?;
            keys.is_valid(row).then(|| keys.value(row))
        };
        matches!((key(low), key(high)), (Some(low), Some(high)) if low < high)
    }

    /// All files in result order.
    pub(super) fn load_all(&self) -> Result<Vec<RecordBatch>> {
        (0..self.manifest.files.len()).map(|index| load(&self.path(index))).collect()
    }
}

/// Recomputes what the entry states from the rows.
fn retell(job: &Job, entry: &mut ManifestFile, batch: &RecordBatch) {
    let Some(signal) = &job.signal else { return };
    let range = |column: Option<&String>| {
        let values = column.and_then(|name| integers(batch, name))?;
        Some((values.iter().flatten().min()?, values.iter().flatten().max()?))
    };
    let times = range(signal.time_column.as_ref());
    entry.first_ts = entry.first_ts.and(times.map(|times| times.0));
    entry.last_ts = entry.last_ts.and(times.map(|times| times.1));
    let tids = range(signal.group_key.as_ref());
    entry.min_tid = entry.min_tid.and(tids.map(|tids| tids.0));
    entry.max_tid = entry.max_tid.and(tids.map(|tids| tids.1));
    let distinct_tids = signal.group_key.as_ref().and_then(|name| integers(batch, name));
    let distinct_tids =
        distinct_tids.map(|tids| tids.iter().flatten().collect::<BTreeSet<i64>>().len() as u64);
    entry.tid_count = entry.tid_count.and(distinct_tids);
    entry.span_count = entry.span_count.map(|_| batch.num_rows() as u64);
    let traces = signal.locality.as_ref().and_then(|rule| batch.column_by_name(&rule.trace));
    let traces = traces.and_then(|traces| traces.as_string_opt::<i32>());
    let distinct_traces =
        traces.map_or(0, |traces| traces.iter().flatten().collect::<BTreeSet<&str>>().len() as u64);
    entry.trace_count = entry.trace_count.map(|_| distinct_traces);
    if let (Some(stated), Some(rule)) = (&mut entry.fingerprints, &signal.fingerprints) {
        *stated = crate::check::metadata::fingerprint::of(rule, batch).into_iter().collect();
    }
}

/// The column of that name, where it holds 64-bit integers.
pub(super) fn integers<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a Int64Array> {
    batch.column_by_name(name)?.as_primitive_opt::<Int64Type>()
}

/// The batch with one column replaced.
pub(super) fn with_column(batch: &RecordBatch, column: &str, array: ArrayRef) -> Option<RecordBatch> {
    let schema = batch.schema();
    let at = schema.index_of(column).ok()?;
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| {
            if index == at {
                Field::new(column, array.data_type().clone(), true)
            } else {
                field.as_ref().clone()
            }
        })
        .collect();
    let mut columns = batch.columns().to_vec();
    columns[at] = array;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).ok()
}

/// Both batches one after the other, over the union of their columns.
pub(super) fn stacked(upper: &RecordBatch, lower: &RecordBatch) -> Option<RecordBatch> {
    let schema = Schema::try_merge([nullable(upper), nullable(lower)]).ok()?;
    let schema = Arc::new(schema);
    let aligned = |batch: &RecordBatch| {
        let columns = schema.fields().iter().map(|field| {
            let missing = || new_null_array(field.data_type(), batch.num_rows());
            batch.column_by_name(field.name()).map_or_else(missing, Arc::clone)
        });
        RecordBatch::try_new(Arc::clone(&schema), columns.collect()).ok()
    };
    concat_batches(&schema, [&aligned(upper)?, &aligned(lower)?]).ok()
}

/// The batch's schema with every column optional and no metadata.
fn nullable(batch: &RecordBatch) -> Schema {
    let fields = batch.schema_ref().fields().iter();
    Schema::new(
        fields.map(|field| Field::new(field.name(), field.data_type().clone(), true)).collect::<Vec<_>>(),
    )
}

/// True for a column of the sort key or of a row key: a fault there would be seen as another one.
pub(super) fn is_key(job: &Job, column: &str) -> bool {
    job.signal.as_ref().is_some_and(|signal| {
        signal.sort_key.iter().chain(signal.row_keys.iter().flatten()).any(|key| key == column)
    })
}

/// True for a column whose values, not only its presence, are fingerprinted.
pub(super) fn is_indexed(job: &Job, column: &str) -> bool {
    job.signal
        .as_ref()
        .and_then(|signal| signal.fingerprints.as_ref())
        .is_some_and(|rule| rule.full_value.iter().chain(&rule.trigram).any(|indexed| indexed == column))
}
