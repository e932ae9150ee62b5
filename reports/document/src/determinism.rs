//! Evidence of DETERMINISM: what a side left when it did the same work again.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Role;

/// One further run of a side, held against its first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RerunEvidence {
    /// The side.
    pub side: Role,
    /// How the run differs from the first, in words: `run 2`, `8 MiB of memory`.
    pub run: String,
    /// What was changed.
    pub changed: RerunChange,
    /// What came of it.
    pub result: RerunResult,
    /// What came of it, in words.
    pub said: String,
    /// Files that it left.
    pub files: u64,
    /// Files of it that the first run left byte for byte.
    pub identical_files: u64,
    /// Rows that it left.
    pub rows: u64,
    /// Rows of one key with other values than in the first run.
    pub rows_changed: u64,
    /// Rows of the first run without a counterpart.
    pub rows_missing: u64,
    /// Rows without a counterpart in the first run.
    pub rows_extra: u64,
    /// Changed rows by column.
    pub columns: BTreeMap<String, u64>,
}

/// What was changed for a further run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RerunChange {
    /// Nothing.
    Nothing,
    /// A setting of the writer that must not show in what it writes.
    Setting,
    /// The order of the input rows.
    Order,
}

/// What came of a further run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RerunResult {
    /// The same rows, and every check of it as in the first run.
    Same,
    /// Something else.
    Differs,
    /// It says nothing: the setting or the input was refused, or it could not be looked at.
    Unknown,
}
