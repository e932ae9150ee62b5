//! The document in which an external side finds its work: the file behind the placeholder `{job}`.
//!
//! Its JSON Schema lies in `reports/schema/job.v1.json` and is held to this type by a test. Within one schema version
//! fields may be added, so a side should ignore fields that it does not know.

use std::path::{Path, PathBuf};

use corpora::parameters::Parameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::job::{Job, JobKind};

/// Version of the document.
pub const SCHEMA_VERSION: u32 = 1;

/// One unit of work, as told to an external side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Job")]
pub struct JobDocument {
    /// Version of this document: 1.
    pub schema_version: u32,
    /// Name of the job, unique in the run, usable as a folder name.
    pub id: String,
    /// Name of the signal, for example `logs`; null for a generic comparison.
    pub signal: Option<String>,
    /// `compact`: many segments become few. `ingest`: one raw segment is split by hour.
    pub kind: JobKind,
    /// Absolute paths of the input segments. The order matters.
    pub inputs: Vec<String>,
    /// Resolved parameters of the job.
    pub parameters: JobParameters,
}

/// Parameters of a job. An absent one says nothing: the side's own default holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobParameters {
    /// Target file size in encoded bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_size: Option<u64>,
    /// Rows per file; zero or negative: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_file: Option<i64>,
    /// Whether files are split at hour boundaries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_hours: Option<bool>,
    /// Rollup interval in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<i64>,
    /// Start of the time range, inclusive, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// End of the time range, exclusive, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// Slot of a trace job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<i64>,
    /// Number of slots that traces are dealt to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<i64>,
    /// Date by which traces are dealt to slots, as yyyymmdd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dateint: Option<i64>,
    /// Organization by which traces are dealt to slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Date of ingestion as yyyymmdd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingest_dateint: Option<i64>,
}

impl From<Parameters> for JobParameters {
    fn from(parameters: Parameters) -> Self {
        // Taken apart by name, so that a new parameter cannot be forgotten here.
        let Parameters {
            target_size,
            rows_per_file,
            split_hours,
            interval,
            start,
            end,
            slot,
            slots,
            dateint,
            organization,
            ingest_dateint,
        } = parameters;
        Self {
            target_size,
            rows_per_file,
            split_hours,
            interval,
            start,
            end,
            slot,
            slots,
            dateint,
            organization,
            ingest_dateint,
        }
    }
}

impl JobDocument {
    /// Describes a job.
    ///
    /// # Errors
    /// Class `input` where an input's path is not valid Unicode: JSON could not carry it.
    pub fn new(job: &Job) -> Result<Self> {
        let inputs = absolute(&job.inputs)?
            .iter()
            .map(|path| {
                path.to_str().map(str::to_owned).ok_or_else(|| {
                    Error::input(format!(
                        "input path {} is not valid Unicode and cannot be told to an external side; rename it",
                        path.display()
                    ))
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            id: job.id.clone(),
            signal: job.signal.as_ref().map(|signal| signal.name.clone()),
            kind: job.kind,
            inputs,
            parameters: job.parameters.clone().into(),
        })
    }

    /// JSON Schema of the document.
    #[must_use]
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }
}

/// The paths made absolute against the working directory, so that they hold wherever the side runs.
///
/// # Errors
/// Where the working directory is gone or a path is empty.
pub fn absolute(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    paths.iter().map(|path| absolute_path(path)).collect()
}

/// One path made absolute.
///
/// # Errors
/// As for [`absolute`].
pub fn absolute_path(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|source| Error::io("cannot make absolute the path", path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_type() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/schema/job.v1.json");
        let made = serde_json::to_value(JobDocument::schema()).unwrap();
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
        }
        // As values, not as texts: the order of keys depends on the features that other crates ask of serde_json.
        let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(
            kept,
            made,
            "run the tests once with UPDATE_SCHEMAS=1 and look at the change of {}",
            path.display()
        );
    }

    #[test]
    fn parameters_read_the_same_in_the_document_as_in_a_job_file() {
        let parameters = Parameters {
            target_size: Some(1),
            rows_per_file: Some(-2),
            split_hours: Some(true),
            interval: Some(3),
            start: Some(-4),
            end: Some(5),
            slot: Some(6),
            slots: Some(8),
            dateint: Some(20_250_824),
            organization: Some("org-1".to_owned()),
            ingest_dateint: Some(20_250_825),
        };
        assert_eq!(
            serde_json::to_value(JobParameters::from(parameters.clone())).unwrap(),
            serde_json::to_value(parameters).unwrap()
        );
        assert_eq!(
            serde_json::to_string(&JobParameters::from(Parameters::default())).unwrap(),
            "{}",
            "an absent parameter is left out"
        );
    }
}
