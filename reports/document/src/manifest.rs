//! The manifest: what a writer says it did. It is exactly what `parallax write --format json` prints, what an
//! external side may leave as `manifest.json`, and what the METADATA and ACCOUNTING checks hold against the files.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The result list of one side for one job, files in result order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the writer, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<String>,
    /// Rows read from the inputs, before any drop. Absent where the writer does not count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_read: Option<u64>,
    /// Rows that were deliberately not written, by declared reason.
    #[serde(default)]
    pub rows_dropped: BTreeMap<String, u64>,
    /// Rows that became part of another row: rows merged minus rows written for them. Absent where nothing is merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_merged: Option<u64>,
    /// What a merge of metrics counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_stats: Option<MergeStats>,
    /// One entry per output file, in result order.
    pub files: Vec<ManifestFile>,
}

/// What a merge of metrics counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeStats {
    /// Rows whose timestamp lies outside the job's time range; they are not written.
    pub datapoints_out_of_range: u64,
}

/// What the writer says of one output file. Every field but the path is absent where a writer has none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Path relative to the output directory, `/` between parts.
    pub path: String,
    /// Rows in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_count: Option<u64>,
    /// Bytes of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
    /// Fingerprint set of the file, ascending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprints: Option<Vec<i64>>,
    /// Lowest timestamp in the file, in the unit of the signal's time column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_ts: Option<i64>,
    /// Highest timestamp in the file, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ts: Option<i64>,
    /// Distinct values of the group key (TIDs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tid_count: Option<u64>,
    /// Lowest TID in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_tid: Option<i64>,
    /// Highest TID in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tid: Option<i64>,
    /// Slot of the file's traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<i64>,
    /// Spans in the file: its rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_count: Option<u64>,
    /// Distinct traces in the file; rows without a trace count for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_count: Option<u64>,
    /// Where the hourly split put the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_key: Option<SplitKey>,
    /// Statistics of the writer's own accumulator, uninterpreted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<serde_json::Value>,
}

/// Key of one file of the hourly split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitKey {
    /// UTC date of the rows as yyyymmdd.
    pub dateint: i64,
    /// UTC hour of the rows, 0 to 23.
    pub hour: i64,
    /// Date of ingestion as yyyymmdd.
    pub ingest_dateint: i64,
    /// Index of the file within its hour, from 0.
    pub file_index: i64,
}

/// What `parallax write --format json` prints on failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureDocument {
    /// The failure.
    pub error: Failure,
}

/// A failure by class and message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Class of the failure; see [`ErrorClass`].
    pub class: ErrorClass,
    /// One sentence: what was seen, where, and the way out.
    pub message: String,
}

/// Why something could not be done. The same classes serve the exit messages of the tool, the failure document of
/// `write`, a corpus's declared outcome and the ERRORS check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    /// The command line was not understood.
    Usage,
    /// A configuration file, signal, corpus, job list or policy is wrong.
    Config,
    /// An input is missing, unreadable or not what it claims to be.
    Input,
    /// One column has two types, or a type that a writer cannot hold.
    SchemaConflict,
    /// An input that must be sorted is not.
    Unsorted,
    /// Reading or writing failed underneath: disk full, permission, short write.
    Io,
    /// The work was interrupted on request.
    Cancelled,
    /// An external side failed: exit status, time-out, unreadable leavings.
    Side,
    /// A defect of Parallax itself.
    Internal,
}

impl ErrorClass {
    /// The class as written in documents: lower case, words joined by `-`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Config => "config",
            Self::Input => "input",
            Self::SchemaConflict => "schema-conflict",
            Self::Unsorted => "unsorted",
            Self::Io => "io",
            Self::Cancelled => "cancelled",
            Self::Side => "side",
            Self::Internal => "internal",
        }
    }

    /// What the class says, in words that can follow its name.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Usage => "the command line was not understood, or asks for what cannot be",
            Self::Config => "a configuration file, signal, corpus, job list or policy is wrong",
            Self::Input => "an input is missing, unreadable or not what it claims to be",
            Self::SchemaConflict => "one column has two types, or a type that a writer cannot hold",
            Self::Unsorted => "an input that must be sorted is not",
            Self::Io => "reading or writing failed underneath",
            Self::Cancelled => "the work was interrupted",
            Self::Side => "an external side failed",
            Self::Internal => "a defect of Parallax itself",
        }
    }
}

impl std::fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
