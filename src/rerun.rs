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
use reports::manifest::{ErrorClass, Failure};

use crate::cancel::Cancel;
use crate::check::{Comparison, Observed, Rerun, RerunKind};
use crate::error::{Error, Result};
use crate::examine;
use crate::isolate::{self, Place, Watch};
use crate::job::Job;
use crate::side::builtin::{self, Entry};
use crate::side::{Side, SideRun};

/// Rows that are shuffled together.
const BATCH_ROWS: usize = 8_192;

/// Lets a side do its job `times` more, and a candidate also with other settings and with its input in another order. A recorded
/// output cannot be done again. What is left is opened for `comparison`.
///
/// # Errors
/// Where the harness could not go on: a full disk, an interruption.
#[expect(clippy::too_many_arguments, reason = "what a further run consists of")]
pub fn all(
    side: &dyn Side,
    job: &Job,
    first: &Observed,
    comparison: &Comparison,
    times: usize,
    home: &Path,
    watch: &Watch,
    cancel: &Cancel,
) -> Result<Vec<Rerun>> {
    if times == 0 || first.outcome == SideOutcome::Recorded {
        return Ok(Vec::new());
    }
    let role = first.role;
    let perform =
        |side: &dyn Side, job: &Job, label: String, kind: RerunKind, own: &Watch| -> Result<Rerun> {
            cancel.check()?;
            let place = Place::new(side, job, home, own, cancel)?;
            let output = place.output().to_owned();
            let run = match place.perform(side, job, role, Some(&label), own, cancel) {
                // A setting that does not suffice, or an order that is refused, ends no run: it says nothing of the side.
                Err(error)
                    if kind != RerunKind::Again
                        && matches!(error.class, ErrorClass::Config | ErrorClass::Input) =>
                {
                    refused(&output, error)
                }
                run => run?,
            };
            let observed = examine::observed(job, comparison, role, side.info(job), &run)?;
            watch.seal(role, Some(&label), &observed.output)?;
            Ok(Rerun { label, kind, job: job.clone(), observed })
        };
    let mut runs = Vec::new();
    for number in 0..times {
        runs.push(perform(side, job, format!("run {}", number + 2), RerunKind::Again, watch)?);
    }
    if role == Role::Baseline {
        return Ok(runs);
    }
    for (label, other) in side.settings() {
        runs.push(perform(other.as_ref(), job, label, RerunKind::Setting, watch)?);
    }
    // An input that is refused in one order says nothing in another.
    if first.outcome == SideOutcome::Completed
        && let Some((label, inputs)) = shuffled(job, &isolate::private(home)?, cancel)?
    {
        let job = Job { inputs, ..job.clone() };
        let own = watch.over(side, &job.inputs)?;
        runs.push(perform(side, &job, label, RerunKind::Order, &own)?);
        watch.take(own)?;
    }
    Ok(runs)
}

/// The run of a built-in side that refused its work.
fn refused(output: &Path, error: Error) -> SideRun {
    let failure = Failure { class: error.class, message: error.message };
    SideRun {
        outcome: SideOutcome::Failed { failure, exit_status: None, signal: None, stderr: None },
        output: output.to_owned(),
        manifest: None,
        scratch_left: Vec::new(),
        duration: None,
        work: None,
    }
}

/// The job's inputs in another order, and which; `None` where there is no other.
fn shuffled(job: &Job, folder: &Path, cancel: &Cancel) -> Result<Option<(String, Vec<PathBuf>)>> {
    let mut inputs: Vec<PathBuf> = job.inputs.iter().rev().cloned().collect();
    let mut rows = false;
    if builtin::entry(job) != Entry::Merge {
        // Names and folders stay, for a side may take columns from them.
        let targets = isolate::relative(&inputs)?;
        for (input, target) in inputs.iter_mut().zip(targets) {
            cancel.check()?;
            let target = folder.join(target);
            let within = target.parent().unwrap_or(folder);
            std::fs::create_dir_all(within).map_err(|source| Error::io("cannot make", within, source))?;
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
    let file = corpora::regular::open(input).map_err(|source| Error::io("cannot open", input, source))?;
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

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::check::fixture::Fixture;
    use crate::output::testing::write;
    use crate::side::unified::Unified;

    fn numbers(path: &Path) -> Vec<i64> {
        let file = File::open(path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let values = |batch: RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().to_vec();
        reader.flat_map(|batch| values(batch.unwrap())).collect()
    }

    #[test]
    fn a_shuffled_segment_holds_the_same_rows_in_another_order_always_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.parquet");
        write(&input, &vec![("n", Arc::new(Int64Array::from_iter_values(0..20_000)) as Arc<dyn Array>)]);
        let target = |name: &str| folder.path().join(name);
        assert!(rewrite(&input, &target("a"), &Cancel::default()).unwrap());
        assert!(rewrite(&input, &target("b"), &Cancel::default()).unwrap());
        let mut rows = numbers(&target("a"));
        assert_eq!(rows, numbers(&target("b")));
        assert!(rows.windows(2).filter(|pair| pair[0] + 1 == pair[1]).count() < 10);
        rows.sort_unstable();
        assert!(rows.into_iter().eq(0..20_000));
        std::fs::write(target("no"), "no Parquet").unwrap();
        assert!(!rewrite(&target("no"), &target("c"), &Cancel::default()).unwrap());
    }

    #[test]
    fn a_setting_that_does_not_suffice_says_nothing_and_ends_no_run() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.parquet");
        let long = "x".repeat(3 << 20);
        let columns = vec![
            ("_cardinalhq.timestamp", crate::check::fixture::ints(&[1])),
            ("_cardinalhq.message", crate::check::fixture::texts(&[&long])),
        ];
        write(&input, &columns);
        let job = Job { inputs: vec![input], ..Fixture::empty().job };
        let watch = Watch::default();
        let run =
            isolate::at_work(&Unified, &job, Role::Candidate, folder.path(), &watch, &Cancel::default())
                .unwrap();
        let first =
            examine::observed(&job, &Comparison::default(), Role::Candidate, Unified.info(&job), &run)
                .unwrap();
        assert_eq!(first.outcome, SideOutcome::Completed);
        let runs =
            all(&Unified, &job, &first, &Comparison::default(), 1, folder.path(), &watch, &Cancel::default())
                .unwrap();
        let small = runs.iter().find(|it| it.label == "1 MiB of memory").unwrap();
        let SideOutcome::Failed { failure, .. } = &small.observed.outcome else { panic!("{small:?}") };
        assert_eq!(failure.class, ErrorClass::Config);
        assert_eq!(
            runs.iter().filter(|it| it.observed.outcome == SideOutcome::Completed).count(),
            runs.len() - 1
        );
        // The baseline is done again as it was, and no otherwise.
        let baseline = Observed { role: Role::Baseline, ..first.clone() };
        let again = all(
            &Unified,
            &job,
            &baseline,
            &Comparison::default(),
            2,
            folder.path(),
            &watch,
            &Cancel::default(),
        )
        .unwrap();
        assert!(again.len() == 2 && again.iter().all(|it| it.kind == RerunKind::Again));
        // A recorded output is not done again, and nobody asked for none.
        let recorded = Observed { outcome: SideOutcome::Recorded, ..first.clone() };
        assert!(
            all(
                &Unified,
                &job,
                &recorded,
                &Comparison::default(),
                1,
                folder.path(),
                &watch,
                &Cancel::default()
            )
            .unwrap()
            .is_empty()
        );
        assert!(
            all(&Unified, &job, &first, &Comparison::default(), 0, folder.path(), &watch, &Cancel::default())
                .unwrap()
                .is_empty()
        );
    }
}
