//! Parameters of a job. They come, the last winning, from defaults, the corpus specification, a `job.toml` beside the
//! segments, the job list, and the command line; every value keeps its origin for the report.

use serde::{Deserialize, Serialize};

/// Job parameters as written in a file; an absent field says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Target file size in encoded bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_size: Option<u64>,
    /// Rows per file; zero or negative: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_file: Option<i64>,
    /// Whether the unified writer splits at hour boundaries.
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
    /// Date of ingestion as yyyymmdd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingest_dateint: Option<i64>,
}
