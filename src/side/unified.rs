//! The built-in unified writer as a side. The only file that speaks the `unified` crate's language in a run.

use std::path::Path;
use std::time::{Duration, Instant};

use corpora::signal::{RollupRule, Signal};
use reports::document::{SideInfo, SideKind, StageTime, WorkStats};
use reports::manifest::{ErrorClass, Manifest, ManifestFile, MergeStats, SplitKey};
use unified::{BuffetJob, Columns, ErrorKind, FingerprintJob, RollupColumns, TidMergeJob, TracesJob};

use super::builtin::{self, Entry, MergeParameters, Performed};
use super::{Side, SideRun, Workplace};
use crate::error::Result;
use crate::job::Job;

/// Memory limit of the unified writer where none is given, in bytes.
pub const DEFAULT_MEMORY_LIMIT: u64 = 512 << 20;

/// Threads of the unified writer where none are given: jobs run side by side already, and the legacy writers use one.
pub const THREADS: usize = 1;

/// Target size of the unified writer where none is given, in encoded bytes.
pub const DEFAULT_TARGET_SIZE: u64 = 1_100_000;

/// The unified writer behind the adapter of the job's kind. Files are not synced: they are looked at and thrown away, and
/// the legacy writers do not sync theirs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unified;

impl Side for Unified {
    fn info(&self, _job: &Job) -> SideInfo {
        SideInfo {
            name: "unified".to_owned(),
            kind: SideKind::Unified,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            command: Vec::new(),
            digest: crate::content::program(),
            digest_covers: None,
        }
    }

    fn perform(&self, job: &Job, place: &Workplace<'_>) -> Result<SideRun> {
        Tuned::default().perform(job, place)
    }

    fn probe_name(&self) -> Option<String> {
        Some("unified".to_owned())
    }

    fn settings(&self) -> Vec<(String, Box<dyn Side>)> {
        Tuned::others().map(|(label, tuned)| (label.to_owned(), Box::new(tuned) as Box<dyn Side>)).into()
    }
}

/// The unified writer with other settings.
#[derive(Debug, Clone, Copy)]
struct Tuned {
    memory_limit: u64,
    threads: usize,
}

impl Default for Tuned {
    fn default() -> Self {
        Self { memory_limit: DEFAULT_MEMORY_LIMIT, threads: THREADS }
    }
}

impl Tuned {
    /// Settings that must not show. Less memory is spills, and other batches as well: their size is a share of the limit.
    fn others() -> [(&'static str, Self); 3] {
        [
            ("8 MiB of memory", Self { memory_limit: 8 << 20, ..Self::default() }),
            ("1 MiB of memory", Self { memory_limit: 1 << 20, ..Self::default() }),
            ("two threads", Self { threads: 2, ..Self::default() }),
        ]
    }
}

impl Side for Tuned {
    fn info(&self, job: &Job) -> SideInfo {
        Unified.info(job)
    }

    fn perform(&self, job: &Job, place: &Workplace<'_>) -> Result<SideRun> {
        let started = Instant::now();
        let mut work = None;
        let performed = builtin::caught(|| write(job, place, *self, &mut work));
        let run = builtin::side_run(job, place, started, performed)?;
        Ok(SideRun { work, ..run })
    }
}

/// Column names of the unified writer, as the signal names them.
#[must_use]
pub fn columns(signal: Option<&Signal>) -> Columns {
    let mut columns = Columns::default();
    if let Some(signal) = signal {
        if let Some(time) = &signal.time_column {
            columns.timestamp.clone_from(time);
        }
        if let Some(rule) = &signal.fingerprints {
            columns.full_value.clone_from(&rule.full_value);
            columns.trigram.clone_from(&rule.trigram);
        }
        if let Some(group) = &signal.group_key {
            columns.tid.clone_from(group);
        }
        if let Some(rule) = &signal.rollup {
            columns.timestamp.clone_from(&rule.time);
            columns.name.clone_from(&rule.name);
            columns.rollup = rollup_columns(rule);
        }
        if let Some(rule) = &signal.locality {
            columns.trace.clone_from(&rule.trace);
            if let Some(time) = &signal.time_column {
                columns.start_time.clone_from(time);
            }
        }
    }
    columns
}

fn rollup_columns(rule: &RollupRule) -> RollupColumns {
    RollupColumns {
        sketch: rule.sketch.clone(),
        count: rule.count.clone(),
        sum: rule.sum.clone(),
        avg: rule.avg.clone(),
        min: rule.min.clone(),
        max: rule.max.clone(),
        quantiles: rule.quantiles.iter().map(|(column, quantile)| (column.clone(), *quantile)).collect(),
    }
}

/// Performs the job through the adapter of its kind.
fn write(job: &Job, place: &Workplace<'_>, tuned: Tuned, work: &mut Option<WorkStats>) -> Performed {
    builtin::credible(job)?;
    let columns = columns(job.signal.as_deref());
    let rows_per_file = job.parameters.rows_per_file.unwrap_or(0);
    let target_size = job.parameters.target_size.unwrap_or(DEFAULT_TARGET_SIZE);
    let cancel = Some(place.cancel.flag());
    let traces = job.signal.as_ref().is_some_and(|signal| signal.locality.is_some());
    let dropped_columns = job.signal.as_ref().map_or(&[][..], |signal| &signal.dropped_columns);
    let sort = job.signal.as_ref().is_some_and(|signal| !signal.sort_key.is_empty());
    let (writer, outcome) = match builtin::entry(job) {
        Entry::Merge => {
            let MergeParameters { interval, start, end } = builtin::merge_parameters(job)?;
            let merge = TidMergeJob {
                inputs: &job.inputs,
                output: place.output,
                scratch: place.scratch,
                interval,
                row_estimate: rows_per_file,
                start,
                end,
                target_size,
                memory_limit: tuned.memory_limit,
                threads: tuned.threads,
                sync: false,
                columns: &columns,
                cancel,
            };
            ("unified-tid-merger", merge.run())
        }
        Entry::Compaction if traces => {
            let compaction = TracesJob {
                inputs: &job.inputs,
                output: place.output,
                scratch: place.scratch,
                slot: job.parameters.slot,
                rows_per_file,
                target_size,
                memory_limit: tuned.memory_limit,
                threads: tuned.threads,
                sync: false,
                dropped_columns,
                columns: &columns,
                sort,
                cancel,
            };
            ("unified-traces", compaction.run())
        }
        Entry::Compaction => (
            "unified-buffet",
            BuffetJob {
                inputs: &job.inputs,
                output: place.output,
                scratch: place.scratch,
                rows_per_file,
                target_size,
                split_hours: job.parameters.split_hours.unwrap_or(false),
                memory_limit: tuned.memory_limit,
                threads: tuned.threads,
                sync: false,
                dropped_columns,
                columns: &columns,
                sort,
                cancel,
            }
            .run(),
        ),
        Entry::HourlySplit => (
            "unified-fingerprint",
            FingerprintJob {
                inputs: std::slice::from_ref(builtin::single_input(job)?),
                output: place.output,
                scratch: place.scratch,
                rows_per_file,
                target_size,
                memory_limit: tuned.memory_limit,
                threads: tuned.threads,
                sync: false,
                ingest_dateint: job.parameters.ingest_dateint.unwrap_or(builtin::DEFAULT_INGEST_DATEINT),
                columns: &columns,
                cancel,
            }
            .run(),
        ),
    };
    outcome
        .and_then(|outcome| {
            *work = Some(stats(&outcome.stats));
            manifest(writer, &outcome, place.output)
        })
        .map_err(|error| builtin::failure(class(&error), &error))
}

/// What the writer counted and timed, in the report's words.
fn stats(stats: &unified::Stats) -> WorkStats {
    let stage = |(stage, time): (&str, Duration)| StageTime {
        stage: stage.to_owned(),
        ns: u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
    };
    WorkStats {
        rows: stats.rows,
        batches: stats.batches,
        spilled_runs: stats.spilled_runs,
        spilled_bytes: stats.spilled_bytes,
        merged_runs: stats.merged_runs,
        files: stats.files,
        row_groups: stats.row_groups,
        bytes: stats.bytes,
        peak_buffered: stats.peak_buffered,
        peak_encoding: stats.peak_encoding,
        stages: [
            ("read", stats.read),
            ("admit", stats.admit),
            ("sort", stats.sort),
            ("spill", stats.spill),
            ("encode", stats.encode),
            ("assemble", stats.assemble),
            ("write", stats.write),
            ("sync", stats.sync),
        ]
        .map(stage)
        .into(),
    }
}

/// The manifest of what the unified writer returned.
///
/// # Errors
/// What is known of the files cannot be read back.
pub fn manifest(writer: &str, outcome: &unified::Outcome, output: &Path) -> unified::Result<Manifest> {
    let mut manifest = totals(writer, outcome);
    for file in outcome.files.clone() {
        manifest.files.push(manifest_file(&file?, output));
    }
    Ok(manifest)
}

/// The manifest without its files.
#[must_use]
pub fn totals(writer: &str, outcome: &unified::Outcome) -> Manifest {
    Manifest {
        writer: Some(writer.to_owned()),
        rows_read: Some(outcome.rows_read),
        rows_dropped: outcome.rows_dropped.clone(),
        rows_merged: outcome.merge_stats.map(|_| outcome.rows_merged),
        merge_stats: outcome
            .merge_stats
            .map(|stats| MergeStats { datapoints_out_of_range: stats.datapoints_out_of_range }),
        files: Vec::new(),
    }
}

/// What the unified writer says of one file.
#[must_use]
pub fn manifest_file(file: &unified::FileResult, output: &Path) -> ManifestFile {
    ManifestFile {
        path: builtin::relative(&file.path, output),
        record_count: Some(file.record_count),
        file_size: Some(file.file_size),
        fingerprints: file.fingerprints.as_ref().map(|set| set.iter().copied().collect()),
        first_ts: file.first_ts,
        last_ts: file.last_ts,
        tid_count: file.tids.as_ref().map(|tids| tids.count),
        min_tid: file.tids.as_ref().map(|tids| tids.min),
        max_tid: file.tids.as_ref().map(|tids| tids.max),
        slot: file.traces.as_ref().and_then(|traces| traces.slot),
        span_count: file.traces.as_ref().map(|traces| traces.span_count),
        trace_count: file.traces.as_ref().map(|traces| traces.trace_count),
        split_key: file.split_key.map(|key| SplitKey {
            dateint: key.dateint,
            hour: key.hour,
            ingest_dateint: key.ingest_dateint,
            file_index: key.file_index,
        }),
        stats: None,
    }
}

/// The class of the unified writer's error.
#[must_use]
pub fn class(error: &unified::Error) -> ErrorClass {
    match error.kind() {
        ErrorKind::Input => ErrorClass::Input,
        ErrorKind::SchemaConflict => ErrorClass::SchemaConflict,
        ErrorKind::Unsorted => ErrorClass::Unsorted,
        ErrorKind::Io => ErrorClass::Io,
        ErrorKind::Cancelled => ErrorClass::Cancelled,
        ErrorKind::Config => ErrorClass::Config,
        _ => ErrorClass::Internal,
    }
}
