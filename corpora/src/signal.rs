//! Signals are data: a definition in TOML fixes sort key, row key, group key, required columns and what the metadata of a
//! file is recomputed from. Checks read the definition, never a hard-coded column name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The definition of one signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Name as used with `--signal`.
    pub name: String,
    /// One sentence.
    #[serde(default)]
    pub description: String,
    /// Columns by which rows ascend, most significant first.
    #[serde(default)]
    pub sort_key: Vec<String>,
    /// Alternatives of the row key. Each row uses the first alternative whose columns all have a value in it.
    #[serde(default)]
    pub row_keys: Vec<Vec<String>>,
    /// Column whose equal values must stay together in one file.
    #[serde(default)]
    pub group_key: Option<String>,
    /// Columns that must be present, with their types.
    #[serde(default)]
    pub required: BTreeMap<String, ColumnType>,
    /// Columns that compaction leaves out.
    #[serde(default)]
    pub dropped_columns: Vec<String>,
    /// Column of the first and last timestamp of a file.
    #[serde(default)]
    pub time_column: Option<String>,
    /// Where the fingerprints of a file come from.
    #[serde(default)]
    pub fingerprints: Option<FingerprintRule>,
}

/// Type of a required column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Signed 64-bit integer.
    Int64,
    /// 64-bit floating point.
    Float64,
    /// Boolean.
    Boolean,
    /// UTF-8 text.
    String,
    /// Bytes.
    Binary,
}

/// Where the fingerprints of a file come from: the 64-bit wrapping 31-polynomial hash over the bytes of `column:token`,
/// token `.*` for every string column with a non-empty value, and more tokens for the columns named here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FingerprintRule {
    /// Columns of which each full value is a token.
    #[serde(default)]
    pub full_value: Vec<String>,
    /// Columns of which every 3-rune window of each value is a token.
    #[serde(default)]
    pub trigram: Vec<String>,
}
