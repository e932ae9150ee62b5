//! The built-in legacy writers as a side. The only file that speaks the `legacy` crate's language in a run.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use corpora::signal::Signal;
use legacy::{BuffetJob, Columns, ErrorKind, FingerprintJob, SchemaSource, TidMergeJob};
use reports::document::{SideInfo, SideKind};
use reports::manifest::{ErrorClass, Manifest, ManifestFile, MergeStats, SplitKey};

use super::builtin::{self, Entry, MergeParameters, Performed};
use super::{Side, SideRun, Workplace};
use crate::check::KnownDefect;
use crate::error::Result;
use crate::job::Job;

/// The legacy writers: the entry point follows the job's kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Legacy;

impl Legacy {
    /// The defects that the built-in legacy writers reproduce.
    pub const DEFECTS: &'static [KnownDefect] = &[
        KnownDefect::FingerprintShift,
        KnownDefect::StatisticsOnLastFileOnly,
        KnownDefect::HourRange,
        KnownDefect::HighestTidLost,
        KnownDefect::PartialFileLeft,
        KnownDefect::AnnotationsDropped,
        KnownDefect::DamagedSketchesMerged,
    ];
}

impl Side for Legacy {
    fn info(&self, job: &Job) -> SideInfo {
        SideInfo {
            name: format!("legacy:{}", builtin::entry(job).legacy_name()),
            kind: SideKind::Legacy,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            command: Vec::new(),
            digest: crate::content::program(),
            digest_covers: None,
        }
    }

    fn perform(&self, job: &Job, place: &Workplace<'_>) -> Result<SideRun> {
        let started = Instant::now();
        builtin::side_run(job, place, started, builtin::caught(|| write(job, place, &place.cancel.flag())))
    }

    fn known_defects(&self) -> &'static [KnownDefect] {
        Self::DEFECTS
    }

    fn probe_name(&self) -> Option<String> {
        Some("legacy".to_owned())
    }
}

/// Column names of the legacy writers, as the signal names them.
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
    }
    columns
}

/// Performs the job with the writer of its kind.
fn write(job: &Job, place: &Workplace<'_>, cancel: &AtomicBool) -> Performed {
    builtin::credible(job)?;
    let columns = columns(job.signal.as_deref());
    let rows_per_file = job.parameters.rows_per_file.unwrap_or(0);
    let entry = builtin::entry(job);
    let outcome = match entry {
        Entry::Compaction => BuffetJob {
            inputs: &job.inputs,
            output: place.output,
            scratch: place.scratch,
            rows_per_file,
            group_by: None,
            schema: SchemaSource::Input,
            dropped_columns: job.signal.as_ref().map_or(&[][..], |signal| &signal.dropped_columns),
            columns: &columns,
            cancel: Some(cancel),
        }
        .run(),
        Entry::HourlySplit => {
            let input = builtin::single_input(job)?;
            FingerprintJob {
                input,
                output: place.output,
                scratch: place.scratch,
                rows_per_file,
                ingest_dateint: job.parameters.ingest_dateint.unwrap_or(builtin::DEFAULT_INGEST_DATEINT),
                columns: &columns,
                cancel: Some(cancel),
            }
            .run()
        }
        Entry::Merge => {
            let MergeParameters { interval, start, end } = builtin::merge_parameters(job)?;
            TidMergeJob {
                inputs: &job.inputs,
                output: place.output,
                scratch: place.scratch,
                interval,
                row_estimate: rows_per_file,
                start,
                end,
                columns: &columns,
                cancel: Some(cancel),
            }
            .run()
        }
    };
    outcome
        .map(|outcome| manifest(entry.legacy_name(), &outcome, place.output))
        .map_err(|error| builtin::failure(class(&error), &error))
}

/// The manifest of what a legacy writer returned.
#[must_use]
pub fn manifest(writer: &str, outcome: &legacy::Outcome, output: &std::path::Path) -> Manifest {
    // Only the merger has these, and it hands no fingerprints on.
    let merge = outcome.merge_stats;
    Manifest {
        writer: Some(writer.to_owned()),
        rows_read: Some(outcome.rows_read),
        rows_dropped: outcome.rows_dropped.clone(),
        rows_merged: merge.map(|_| outcome.rows_merged),
        merge_stats: merge.map(|stats| MergeStats { datapoints_out_of_range: stats.datapoints_out_of_range }),
        files: outcome
            .files
            .iter()
            .map(|file| ManifestFile {
                path: builtin::relative(&file.path, output),
                record_count: Some(file.record_count),
                file_size: Some(file.file_size),
                fingerprints: merge.is_none().then(|| file.fingerprints.iter().copied().collect()),
                first_ts: file.first_ts,
                last_ts: file.last_ts,
                tid_count: file.stats.map(|stats| stats.tid_count),
                min_tid: None,
                max_tid: None,
                slot: None,
                span_count: None,
                trace_count: None,
                split_key: file.split_key.map(|key| SplitKey {
                    dateint: key.dateint,
                    hour: key.hour,
                    ingest_dateint: key.ingest_dateint,
                    file_index: key.file_index,
                }),
                stats: None,
            })
            .collect(),
    }
}

/// The class of a legacy writer's error.
#[must_use]
pub fn class(error: &legacy::Error) -> ErrorClass {
    match error.kind() {
        ErrorKind::Input => ErrorClass::Input,
        ErrorKind::SchemaConflict => ErrorClass::SchemaConflict,
        ErrorKind::Io => ErrorClass::Io,
        ErrorKind::Cancelled => ErrorClass::Cancelled,
        ErrorKind::Config => ErrorClass::Config,
        _ => ErrorClass::Internal,
    }
}
