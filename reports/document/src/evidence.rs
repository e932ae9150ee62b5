//! Evidence that belongs to one job: row differences, columns, order, sizes, metadata.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::blast::BlastRadius;
use crate::finding::{Place, Role};

/// What the ROWS check found. Counts are exact; `samples` is capped at `sample_limit` and says so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RowsEvidence {
    /// Rows of the baseline.
    pub rows_baseline: u64,
    /// Rows of the candidate.
    pub rows_candidate: u64,
    /// Rows that both sides hold alike.
    pub equal: u64,
    /// Rows paired by key whose values differ.
    pub changed: u64,
    /// Rows of the baseline without a partner.
    pub missing: u64,
    /// Rows of the candidate without a partner.
    pub extra: u64,
    /// Alternatives of the row key, in the order they are tried for each row.
    pub row_keys: Vec<Vec<String>>,
    /// How rows of one key were paired, for example `exactly (at most 256 rows of a key a side)`.
    pub pairing: String,
    /// Per column, how many rows changed and how.
    pub columns: Vec<ColumnChange>,
    /// Differing rows, at most `sample_limit`.
    pub samples: Vec<RowDifference>,
    /// The cap on `samples`.
    pub sample_limit: u64,
    /// Columns that were left out of the comparison, with the reason.
    pub ignored: BTreeMap<String, String>,
    /// Columns compared under a tolerance, with the tolerance in words.
    pub tolerances: BTreeMap<String, String>,
    /// File with every differing row, relative to the report; absent where no row differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differences: Option<String>,
    /// Differing rows by the columns that `--by` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blast: Option<BlastRadius>,
    /// A DuckDB query over both outputs that counts the rows without an equal on the other side, to verify by other means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duckdb: Option<String>,
    /// What that query does not see, a sentence a column: types that DuckDB reads or compares otherwise, columns left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duckdb_blind: Vec<String>,
    /// The random key of this comparison's row hashes, in hexadecimal. Drawn when both outputs were finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_key: Option<String>,
    /// What the baseline does not reproduce itself; absent where it was not run again, or nothing differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<RowNoise>,
}

/// Rows that differ by what the baseline does not reproduce itself, counted apart from all others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowNoise {
    /// Further runs of the baseline.
    pub runs: u64,
    /// Fewest rows that a run of the baseline holds, the first one included.
    pub rows_least: u64,
    /// Most rows that a run holds.
    pub rows_most: u64,
    /// The run of the baseline that holds exactly the candidate's rows, where there is one.
    pub same_as: Option<String>,
    /// Rows of the candidate that the baseline wrote in another run.
    pub reproduced: u64,
    /// Undecided: paired rows that differ only in columns in which the baseline's runs differ in this row.
    pub changed: u64,
    /// Undecided: rows of the baseline without a partner, which one of its runs does not hold.
    pub missing: u64,
    /// Undecided: rows of the candidate without a partner, no more than the baseline's own runs have.
    pub extra: u64,
    /// Undecided pairs by column.
    pub columns: BTreeMap<String, u64>,
}

impl RowNoise {
    /// Rows of which nobody can say what is right.
    #[must_use]
    pub fn undecided(&self) -> u64 {
        self.changed + self.missing + self.extra
    }

    /// All rows that are counted apart.
    #[must_use]
    pub fn set_apart(&self) -> u64 {
        self.undecided() + self.reproduced
    }
}

/// How one column changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnChange {
    /// Column name.
    pub column: String,
    /// Paired rows in which it differs.
    pub rows: u64,
    /// Kinds of change with their counts: `null-to-value`, `value-to-null`, `null-to-empty`, `truncated`, `extended`,
    /// `case`, `whitespace`, `rounded`, `type`, `retyped`, `type-and-value`, `value`.
    pub kinds: BTreeMap<String, u64>,
}

/// One differing row or pair of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowDifference {
    /// What became of the row.
    pub kind: RowDifferenceKind,
    /// The key that paired it: column and value.
    pub key: Vec<Cell>,
    /// Where it stands in the baseline.
    pub baseline: Option<Place>,
    /// Where it stands in the candidate.
    pub candidate: Option<Place>,
    /// Changed cells; for a missing or extra row all its cells, on one side only.
    pub cells: Vec<CellDifference>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RowDifferenceKind {
    /// Both sides hold it with different values.
    Changed,
    /// Only the baseline holds it.
    Missing,
    /// Only the candidate holds it.
    Extra,
}

/// A column with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// Column name.
    pub column: String,
    /// The value.
    pub value: Value,
}

/// A value of one column on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CellDifference {
    /// Column name.
    pub column: String,
    /// Kind of change, as in [`ColumnChange::kinds`].
    pub kind: String,
    /// The baseline's value; null and absent are the same.
    pub baseline: Value,
    /// The candidate's value.
    pub candidate: Value,
}

/// A value as text. `""`, `0` and null are three different things.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Value {
    /// Type class (`int`, `string`, ...); `null` where there is no value.
    #[serde(rename = "type")]
    pub type_class: String,
    /// The value as text, lossless for numbers, hexadecimal for bytes; cut for long values. Absent for null.
    pub text: Option<String>,
    /// Full length of the text in bytes, where `text` was cut.
    pub cut_from: Option<u64>,
}

/// One column on both sides. Absent fields mean that the side has no such column (or only nulls in it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnComparison {
    /// Column name.
    pub column: String,
    /// The baseline's column.
    pub baseline: Option<ColumnInfo>,
    /// The candidate's column.
    pub candidate: Option<ColumnInfo>,
    /// `same`, `type`, `annotation`, `nullability`, `folder` (in names of folders on one side), `missing`, `extra`.
    pub change: String,
}

/// One column of one side, as the union over its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnInfo {
    /// Type class (see ROWS).
    pub type_class: String,
    /// Parquet physical type.
    pub physical: String,
    /// Parquet logical annotation, or empty.
    pub logical: String,
    /// True where at least one file declares it optional.
    pub nullable: bool,
    /// Values that are not null.
    pub values: u64,
    /// Files that hold the column.
    pub files: u64,
}

/// What the ORDER check saw on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderEvidence {
    /// The side.
    pub side: Role,
    /// Sort key columns.
    pub sort_key: Vec<String>,
    /// Rows examined.
    pub rows: u64,
    /// Neighbouring rows in the wrong order.
    pub inversions: u64,
    /// First inversion.
    pub first: Option<Place>,
    /// Largest displacement: how far a key fell behind the highest key before it, in key units, as text.
    pub largest_displacement: Option<String>,
    /// Rows without a key.
    pub missing_keys: u64,
    /// Neighbouring files whose key ranges overlap.
    pub overlaps: u64,
    /// How files were ordered: `manifest` or `lowest key`.
    pub file_order: String,
}

/// File sizes of both sides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SizesEvidence {
    /// Target size in bytes, where known.
    pub target: Option<u64>,
    /// The baseline.
    pub baseline: Option<SizeSummary>,
    /// The candidate.
    pub candidate: Option<SizeSummary>,
    /// Two-sample Kolmogorov-Smirnov statistic, where each side has at least 10 files.
    pub kolmogorov_smirnov: Option<f64>,
    /// Wasserstein-1 distance divided by the baseline's standard deviation, where each side has at least 10 files.
    pub wasserstein: Option<f64>,
    /// Said where a side has fewer than 10 files.
    pub small_sample: bool,
}

/// Distribution of one side's file sizes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SizeSummary {
    /// Bytes of each file, in judged order.
    pub sizes: Vec<u64>,
    /// Sum of bytes.
    pub total: u64,
    /// Bytes per row; absent where there are no rows.
    pub bytes_per_row: Option<f64>,
    /// Smallest, 25 %, median, 75 %, largest.
    pub quantiles: Vec<u64>,
    /// Standard deviation over mean.
    pub coefficient_of_variation: Option<f64>,
    /// Share of files below 30 % of the target.
    pub share_below_30: Option<f64>,
    /// Share of files above 200 % of the target.
    pub share_above_200: Option<f64>,
}

/// One file's metadata: what the manifest says and what the rows say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MetadataEvidence {
    /// The side.
    pub side: Role,
    /// Path relative to the side's output directory.
    pub file: String,
    /// Field name: `record_count`, `file_size`, `first_ts`, `last_ts`, `fingerprints`, `split_key`, `tid_count`, `min_tid`, `max_tid`,
    /// `slot`, `span_count`, `trace_count`.
    pub field: String,
    /// What the manifest says (for sets: a count); absent where it says nothing.
    pub stated: Option<String>,
    /// What the rows give.
    pub recomputed: Option<String>,
    /// True where both agree.
    pub agrees: bool,
}
