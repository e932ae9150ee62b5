//! The built-in legacy writers as a side. The only file that speaks the `legacy` crate's language in a run.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use corpora::signal::Signal;
use legacy::{BuffetJob, Columns, ErrorKind, FingerprintJob, SchemaSource};
use reports::document::{SideInfo, SideKind};
use reports::manifest::{ErrorClass, Manifest, ManifestFile, SplitKey};

use super::builtin::{self, Performed};
use super::{Side, SideRun, Workplace};
use crate::check::KnownDefect;
use crate::error::Result;
use crate::job::{Job, JobKind};

/// The legacy writers: the entry point follows the job's kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Legacy;

impl Legacy {
    /// The defects that the built-in legacy writers reproduce.
    pub const DEFECTS: &'static [KnownDefect] = &[
        KnownDefect::FingerprintShift,
        KnownDefect::StatisticsOnLastFileOnly,
        KnownDefect::HourRange,
        KnownDefect::PartialFileLeft,
        KnownDefect::AnnotationsDropped,
    ];
}

impl Side for Legacy {
    fn info(&self, job: &Job) -> SideInfo {
        let entry = match job.kind {
            JobKind::Compact => "buffet",
            JobKind::Ingest => "fingerprint",
        };
        SideInfo {
            name: format!("legacy:{entry}"),
            kind: SideKind::Legacy,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            command: Vec::new(),
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
    let columns = columns(job.signal.as_deref());
    let rows_per_file = job.parameters.rows_per_file.unwrap_or(0);
    let outcome = match job.kind {
        JobKind::Compact => BuffetJob {
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
        JobKind::Ingest => {
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
    };
    let writer = match job.kind {
        JobKind::Compact => "buffet",
        JobKind::Ingest => "fingerprint",
    };
    outcome
        .map(|outcome| manifest(writer, &outcome, place.output))
        .map_err(|error| builtin::failure(class(&error), &error))
}

/// The manifest of what a legacy writer returned.
#[must_use]
pub fn manifest(writer: &str, outcome: &legacy::Outcome, output: &std::path::Path) -> Manifest {
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
                fingerprints: Some(file.fingerprints.iter().copied().collect()),
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
                stats: file.stats.map(|stats| serde_json::json!({ "tid_count": stats.tid_count })),
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
        _ => ErrorClass::Internal,
    }
}
