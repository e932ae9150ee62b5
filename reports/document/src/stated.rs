//! What a side said of its output, as the report keeps it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::{Manifest, ManifestFile, MergeStats, SplitKey};

/// A manifest as the report keeps it: whole, but for the fingerprint sets, of which only the size is kept. The sets are as large
/// as the data's vocabulary; where one is wrong, a finding says which fingerprints.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatedManifest {
    /// Name of the writer.
    pub writer: Option<String>,
    /// Rows read from the inputs.
    pub rows_read: Option<u64>,
    /// Rows deliberately not written, by declared reason.
    pub rows_dropped: BTreeMap<String, u64>,
    /// Rows that became part of another row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_merged: Option<u64>,
    /// What a merge of metrics counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_stats: Option<MergeStats>,
    /// One entry per output file, in result order.
    pub files: Vec<StatedFile>,
}

/// What a manifest says of one file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatedFile {
    /// Path relative to the output directory.
    pub path: String,
    /// Rows in the file.
    pub record_count: Option<u64>,
    /// Bytes of the file.
    pub file_size: Option<u64>,
    /// Size of the fingerprint set.
    pub fingerprint_count: Option<u64>,
    /// Lowest timestamp.
    pub first_ts: Option<i64>,
    /// Highest timestamp, inclusive.
    pub last_ts: Option<i64>,
    /// Distinct values of the group key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tid_count: Option<u64>,
    /// Lowest TID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_tid: Option<i64>,
    /// Highest TID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tid: Option<i64>,
    /// Slot of the file's traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<i64>,
    /// Spans in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_count: Option<u64>,
    /// Distinct traces in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_count: Option<u64>,
    /// Where the hourly split put the file.
    pub split_key: Option<SplitKey>,
    /// Statistics of the writer's own accumulator.
    pub stats: Option<serde_json::Value>,
}

impl From<&Manifest> for StatedManifest {
    fn from(manifest: &Manifest) -> Self {
        Self {
            writer: manifest.writer.clone(),
            rows_read: manifest.rows_read,
            rows_dropped: manifest.rows_dropped.clone(),
            rows_merged: manifest.rows_merged,
            merge_stats: manifest.merge_stats,
            files: manifest.files.iter().map(StatedFile::from).collect(),
        }
    }
}

impl From<&ManifestFile> for StatedFile {
    fn from(file: &ManifestFile) -> Self {
        Self {
            path: file.path.clone(),
            record_count: file.record_count,
            file_size: file.file_size,
            fingerprint_count: file.fingerprints.as_ref().map(|set| set.len() as u64),
            first_ts: file.first_ts,
            last_ts: file.last_ts,
            tid_count: file.tid_count,
            min_tid: file.min_tid,
            max_tid: file.max_tid,
            slot: file.slot,
            span_count: file.span_count,
            trace_count: file.trace_count,
            split_key: file.split_key,
            stats: file.stats.clone(),
        }
    }
}
