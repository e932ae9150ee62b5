//! Evidence of the checks that only some signals have: groups, rollups and sketches, trace locality.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::{Place, Role};

/// What the GROUP check saw on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupEvidence {
    /// The side.
    pub side: Role,
    /// Group key column.
    pub group_key: String,
    /// Rows examined.
    pub rows: u64,
    /// Distinct groups.
    pub groups: u64,
    /// Groups with rows in more than one file.
    pub split: u64,
    /// Times that a group came back within a file after another one.
    pub returned: u64,
    /// Times that a group was lower than the one before it, within a file.
    pub descents: u64,
    /// Neighbouring files whose group ranges overlap.
    pub overlaps: u64,
    /// Rows without a group key.
    pub missing_keys: u64,
    /// The group with the most rows, as text, and its rows.
    pub largest: Option<(String, u64)>,
    /// Where the first violation stands.
    pub first: Option<Place>,
}

/// What became of the input rows of a job that merges rows, by the rules of the merge, and what one side did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RollupAccount {
    /// The side.
    pub side: Role,
    /// Rows of the inputs.
    pub rows_in: u64,
    /// Rows alone in their group, which pass unmerged and unchecked but for their time.
    pub lone: u64,
    /// Rows that are the only contribution to their point.
    pub single: u64,
    /// Rows that share their point with others.
    pub merged_in: u64,
    /// Points made of more than one row.
    pub merged_out: u64,
    /// Rows that the rules drop, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Rows that the rules let the side write.
    pub expected: u64,
    /// Rows that the side wrote.
    pub written: u64,
    /// Drops that the side declares, by reason; absent without a manifest.
    pub declared: Option<BTreeMap<String, u64>>,
    /// Rows that should be there, are not, and are covered by no declared drop: a silent loss.
    pub lost: u64,
    /// Rows that should not be there.
    pub invented: u64,
}

/// What the SKETCH check saw on one side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SketchEvidence {
    /// The side.
    pub side: Role,
    /// Rows examined.
    pub rows: u64,
    /// Sketches decoded.
    pub sketches: u64,
    /// Rows made of more than one input row, whose sketch and rollups were recomputed from the inputs.
    pub recomputed: u64,
    /// Rows beyond the first of a (group, interval, name).
    pub duplicates: u64,
    /// Rows whose time is no multiple of the interval.
    pub unaligned: u64,
    /// Rows in which a rollup column does not say what it should, by column.
    pub disagreeing: BTreeMap<String, u64>,
    /// Largest relative difference between a rollup column and what it was held against, by column: the recomputed value, or,
    /// where nothing could be recomputed, what the row's own sketch says.
    /// One that is not finite is null in JSON, and read back as infinite.
    #[serde(deserialize_with = "finite_or_null")]
    #[schemars(with = "BTreeMap<String, Option<f64>>")]
    pub largest_difference: BTreeMap<String, f64>,
}

/// JSON has no number that is not finite: one is written as null, and must not make the document unreadable.
fn finite_or_null<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let read = BTreeMap::<String, Option<f64>>::deserialize(from)?;
    Ok(read.into_iter().map(|(column, value)| (column, value.unwrap_or(f64::INFINITY))).collect())
}

/// What the LOCALITY check saw on one side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LocalityEvidence {
    /// The side.
    pub side: Role,
    /// Distinct traces.
    pub traces: u64,
    /// Rows examined.
    pub spans: u64,
    /// Rows without a trace.
    pub without_trace: u64,
    /// Files that a reader opens for one trace.
    pub files: Spread,
    /// Row groups that a reader opens for one trace.
    pub row_groups: Spread,
    /// Traces that lie in more files than their time range needs.
    pub scattered: u64,
    /// Rows that belong to another slot than the job's; absent where the slot cannot be computed.
    pub foreign_slot: Option<u64>,
    /// The traces spread over the most files: trace, files, rows.
    pub worst: Vec<(String, u64, u64)>,
}

/// Distribution of a count over traces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: u64,
    /// 95 % of the traces lie at or below.
    pub p95: u64,
    /// Highest.
    pub max: u64,
}
