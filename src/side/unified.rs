//! The built-in unified writer as a side. The only file that speaks the `unified` crate's language in a run.

use std::path::Path;
use std::time::Instant;

use corpora::signal::Signal;
use reports::document::{SideInfo, SideKind};
use reports::manifest::{ErrorClass, Manifest, ManifestFile, SplitKey};
use unified::{BuffetJob, Columns, ErrorKind, FingerprintJob};

use super::builtin::{self, Performed};
use super::{Side, SideRun, Workplace};
use crate::error::Result;
use crate::job::{Job, JobKind};

/// Memory limit of the unified writer where none is given, in bytes.
pub const DEFAULT_MEMORY_LIMIT: u64 = 512 << 20;

/// Target size of the unified writer where none is given, in encoded bytes.
pub const DEFAULT_TARGET_SIZE: u64 = 1_100_000;

/// The unified writer behind the adapter of the job's kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unified;

impl Side for Unified {
    fn info(&self, _job: &Job) -> SideInfo {
        SideInfo {
            name: "unified".to_owned(),
            kind: SideKind::Unified,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            command: Vec::new(),
        }
    }

    fn perform(&self, job: &Job, place: &Workplace<'_>) -> Result<SideRun> {
        let started = Instant::now();
        builtin::side_run(job, place, started, builtin::caught(|| write(job, place)))
    }

    fn probe_name(&self) -> Option<String> {
        Some("unified".to_owned())
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
    }
    columns
}

/// Performs the job through the adapter of its kind.
fn write(job: &Job, place: &Workplace<'_>) -> Performed {
    let columns = columns(job.signal.as_deref());
    let rows_per_file = job.parameters.rows_per_file.unwrap_or(0);
    let target_size = job.parameters.target_size.unwrap_or(DEFAULT_TARGET_SIZE);
    let cancel = Some(place.cancel.flag());
    let (writer, outcome) = match job.kind {
        JobKind::Compact => (
            "unified-buffet",
            BuffetJob {
                inputs: &job.inputs,
                output: place.output,
                scratch: place.scratch,
                rows_per_file,
                target_size,
                split_hours: job.parameters.split_hours.unwrap_or(false),
                memory_limit: DEFAULT_MEMORY_LIMIT,
                dropped_columns: job.signal.as_ref().map_or(&[][..], |signal| &signal.dropped_columns),
                columns: &columns,
                sort: job.signal.as_ref().is_some_and(|signal| !signal.sort_key.is_empty()),
                cancel,
            }
            .run(),
        ),
        JobKind::Ingest => (
            "unified-fingerprint",
            FingerprintJob {
                inputs: std::slice::from_ref(builtin::single_input(job)?),
                output: place.output,
                scratch: place.scratch,
                rows_per_file,
                target_size,
                memory_limit: DEFAULT_MEMORY_LIMIT,
                ingest_dateint: job.parameters.ingest_dateint.unwrap_or(builtin::DEFAULT_INGEST_DATEINT),
                columns: &columns,
                cancel,
            }
            .run(),
        ),
    };
    outcome
        .map(|outcome| manifest(writer, &outcome, place.output))
        .map_err(|error| builtin::failure(class(&error), &error))
}

/// The manifest of what the unified writer returned.
#[must_use]
pub fn manifest(writer: &str, outcome: &unified::Outcome, output: &Path) -> Manifest {
    Manifest {
        writer: Some(writer.to_owned()),
        rows_read: Some(outcome.rows_read),
        rows_dropped: outcome.rows_dropped.clone(),
        rows_merged: None,
        merge_stats: None,
        files: outcome
            .files
            .iter()
            .map(|file| ManifestFile {
                path: builtin::relative(&file.path, output),
                record_count: Some(file.record_count),
                file_size: Some(file.file_size),
                fingerprints: file.fingerprints.as_ref().map(|set| set.iter().copied().collect()),
                first_ts: file.first_ts,
                last_ts: file.last_ts,
                tid_count: None,
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
