//! Doing a job again: the same work, with other settings, with the input rows in another order.
//!
//! A further run has directories of its own. What it leaves stays until its job is judged.
//!
//! *Another order.* Segments come in reverse order. Where a job does not ask for sorted segments (merging does), each segment is
//! also written anew, its row groups in reverse order and the rows of each batch shuffled; always in the same way, so that a run
//! can be repeated. A segment that would not come back with the same Parquet schema stays as it is.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use reports::document::{Role, SideOutcome};
use reports::manifest::ErrorClass;

use crate::cancel::Cancel;
use crate::check::{Observed, Rerun, RerunKind};
use crate::error::{Error, Result};
use crate::examine;
use crate::job::Job;
use crate::side::builtin::{self, Entry};
use crate::side::{Side, SideRun};

/// Rows that are shuffled together.
const BATCH_ROWS: usize = 8_192;

/// Lets a side do its job `times` more, and a candidate also with other settings and with its input in another order. A recorded
/// output cannot be done again.
///
/// # Errors
/// Where the harness could not go on: a full disk, an interruption.
pub fn all(
    side: &dyn Side,
    job: &Job,
    first: &Observed,
    times: usize,
    home: &Path,
    cancel: &Cancel,
) -> Result<Vec<Rerun>> {
    if times == 0 || first.outcome == SideOutcome::Recorded {
        return Ok(Vec::new());
    }
    let role = first.role;
    let perform = |side: &dyn Side, job: &Job, label: String, kind: RerunKind| -> Result<Rerun> {
        cancel.check()?;
        let folder = home.join(format!("{role}-again")).join(label.replace(' ', "-"));
        let run = examine::at_work(side, job, role, &folder, cancel)?;
        let observed = observed(side, job, role, &run)?;
        Ok(Rerun { label, kind, job: job.clone(), observed })
    };
    let mut runs = Vec::new();
    for number in 0..times {
        runs.push(perform(side, job, format!("run {}", number + 2), RerunKind::Again)?);
    }
    if role == Role::Baseline {
        return Ok(runs);
    }
    for (label, other) in side.settings() {
        runs.push(perform(other.as_ref(), job, label, RerunKind::Setting)?);
    }
    // An input that is refused in one order says nothing in another.
    if first.outcome == SideOutcome::Completed
        && let Some((label, inputs)) = shuffled(job, &home.join("shuffled"), cancel)?
    {
        let job = Job { inputs, ..job.clone() };
        runs.push(perform(side, &job, label, RerunKind::Order)?);
    }
    Ok(runs)
}

fn observed(side: &dyn Side, job: &Job, role: Role, run: &SideRun) -> Result<Observed> {
    Ok(Observed {
        role,
        info: side.info(job),
        outcome: run.outcome.clone(),
        output: examine::open(job, role, run)?,
        scratch_left: run.scratch_left.clone(),
        probe: None,
        reruns: Vec::new(),
    })
}

/// The job's inputs in another order, and which; `None` where there is no other.
fn shuffled(job: &Job, folder: &Path, cancel: &Cancel) -> Result<Option<(String, Vec<PathBuf>)>> {
    let mut inputs: Vec<PathBuf> = job.inputs.iter().rev().cloned().collect();
    let mut rows = false;
    if builtin::entry(job) != Entry::Merge {
        std::fs::create_dir_all(folder).map_err(|source| Error::io("cannot make", folder, source))?;
        for (number, input) in inputs.iter_mut().enumerate() {
            cancel.check()?;
            let target = folder.join(format!("{number:06}.parquet"));
            if rewrite(input, &target, cancel)? {
                *input = target;
                rows = true;
            }
        }
    }
    Ok(if rows {
        Some(("input rows in another order".to_owned(), inputs))
    } else {
        (inputs.len() > 1).then(|| ("input segments in reverse order".to_owned(), inputs))
    })
}

/// Writes a segment anew with its rows in another order; false where it would not be the same segment then, or it cannot be read
/// (the writers tell of that).
fn rewrite(input: &Path, target: &Path, cancel: &Cancel) -> Result<bool> {
    let cannot = |error: &dyn std::fmt::Display| {
        Error::new(ErrorClass::Io, format!("cannot write {}: {error}", target.display()))
    };
    let file = File::open(input).map_err(|source| Error::io("cannot open", input, source))?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let Ok(reader) = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options) else {
        return Ok(false);
    };
    let metadata = Arc::clone(reader.metadata());
    let groups = (0..metadata.num_row_groups()).rev().collect();
    let schema = Arc::clone(reader.schema());
    let Ok(reader) = reader.with_row_groups(groups).with_batch_size(BATCH_ROWS).build() else {
        return Ok(false);
    };
    let file = File::create(target).map_err(|source| Error::io("cannot make", target, source))?;
    let Ok(mut writer) = ArrowWriter::try_new(file, schema, None) else { return Ok(false) };
    for batch in reader {
        cancel.check()?;
        let Ok(batch) = batch.and_then(|batch| shuffle(&batch)) else { return Ok(false) };
        writer.write(&batch).map_err(|error| cannot(&error))?;
    }
    let written = writer.close().map_err(|error| cannot(&error))?;
    let fields =
        |it: &parquet::file::metadata::FileMetaData| it.schema_descr().root_schema().get_fields().to_vec();
    Ok(fields(written.file_metadata()) == fields(metadata.file_metadata()))
}

/// The rows in an order that is always the same and has no pattern that data would have.
fn shuffle(batch: &RecordBatch) -> std::result::Result<RecordBatch, arrow::error::ArrowError> {
    let rows = u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
    let mut order: Vec<u32> = (0..rows).collect();
    order.sort_by_key(|row| u64::from(*row).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    take_record_batch(batch, &UInt32Array::from(order))
}
