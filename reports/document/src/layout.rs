//! Evidence of the LAYOUT check: how the files of both sides are laid out, and what is the same byte for byte.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Role;

/// What the LAYOUT check saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayoutEvidence {
    /// What both sides hold byte for byte; absent where one output was judged alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identical: Option<Identical>,
    /// Each side as a whole, baseline first.
    pub sides: Vec<SideLayout>,
    /// Leaf columns of both sides, by name.
    pub columns: Vec<ColumnLayouts>,
    /// Parquet schemas of both sides' first files as text, where the order or the repetition of columns differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schemas: Option<Schemas>,
}

/// What both sides hold byte for byte.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identical {
    /// Whole files.
    pub files: Shared,
    /// Row groups of which every column chunk is the same.
    pub row_groups: Shared,
    /// Column chunks of columns of one name.
    pub chunks: Shared,
}

/// How many of something both sides hold alike; equal ones count as often as both hold them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shared {
    /// Held by both.
    pub equal: u64,
    /// Held by the baseline.
    pub baseline: u64,
    /// Held by the candidate.
    pub candidate: u64,
}

/// One side's files together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SideLayout {
    /// The side.
    pub side: Role,
    /// Files.
    pub files: u64,
    /// Row groups, and the rows of the smallest, the median and the largest.
    pub row_groups: u64,
    /// Rows of the smallest, the median (nearest rank) and the largest row group.
    pub row_group_rows: [u64; 3],
    /// Uncompressed bytes of the largest row group.
    pub largest_row_group: u64,
    /// Column chunks.
    pub chunks: u64,
    /// Column chunks with column and offset index.
    pub page_index: u64,
    /// Column chunks with bounds or counts in the footer.
    pub statistics: u64,
    /// Column chunks with a bloom filter.
    pub bloom_filters: u64,
    /// Pages with a checksum; all of them were verified.
    pub checksums: u64,
    /// Writers named in the footers.
    pub created_by: Vec<String>,
    /// Keys of the footers' key-value metadata.
    pub keys: Vec<String>,
    /// Declared sorting columns in words, with the row groups that declare them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sorting: Vec<(String, u64)>,
    /// Column chunks whose bounds were not judged: the format defines no order for their values.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unordered: u64,
}

/// One column on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnLayouts {
    /// Name of the leaf column.
    pub column: String,
    /// In the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<ColumnLayout>,
    /// In the candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<ColumnLayout>,
}

/// The chunks of one column on one side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnLayout {
    /// Files that have the column.
    pub files: u64,
    /// Its chunks.
    pub chunks: u64,
    /// Codecs.
    pub codecs: Vec<String>,
    /// Encodings of the data pages.
    pub encodings: Vec<String>,
    /// Chunks with a dictionary.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dictionaries: u64,
    /// Chunks with a dictionary that some data pages do not use.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fallbacks: u64,
    /// Data pages.
    pub pages: u64,
    /// Bytes of the largest data page, header included.
    pub largest_page: u64,
    /// Bytes of all chunks in the files.
    pub compressed: u64,
    /// Bytes of all chunks before compression.
    pub uncompressed: u64,
}

/// Schemas of both sides as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Schemas {
    /// Of the baseline's first file.
    pub baseline: String,
    /// Of the candidate's first file.
    pub candidate: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
