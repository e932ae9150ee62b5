//! The blast radius: how the differing rows of a job spread over the values of some columns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Differing rows by the values of some columns. The counts of `groups` and `other` together are those of ROWS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlastRadius {
    /// Columns as asked for; `hour` is the hour of the signal's time column (UTC), `file` the output file.
    pub by: Vec<String>,
    /// Groups, those with most differing rows first, at most `group_limit`. Every count is exact.
    pub groups: Vec<BlastGroup>,
    /// The rows of all further groups together; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<BlastCounts>,
    /// The cap on `groups`.
    pub group_limit: u64,
    /// Rows whose group was first met when as many groups as are told apart were known already: they count under `other`
    /// whatever their number. Zero: `groups` are exactly the largest.
    #[serde(default)]
    pub not_told_apart: u64,
}

/// Differing rows that agree in the columns asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlastGroup {
    /// One value a column, as text; null where the row holds none.
    pub values: Vec<Option<String>>,
    /// How many rows.
    #[serde(flatten)]
    pub counts: BlastCounts,
}

/// Differing rows by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlastCounts {
    /// Pairs with different values.
    pub changed: u64,
    /// Rows of the baseline alone.
    pub missing: u64,
    /// Rows of the candidate alone.
    pub extra: u64,
}

impl BlastCounts {
    /// All of them.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.changed.saturating_add(self.missing).saturating_add(self.extra)
    }
}

impl BlastRadius {
    /// Differing rows of all groups.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let groups = self.groups.iter().map(|group| &group.counts).chain(&self.other);
        groups.fold(0, |sum, counts| sum.saturating_add(counts.rows()))
    }

    /// A group's values in words: `service = checkout, hour = 2026-01-01T04`.
    #[must_use]
    pub fn label(&self, values: &[Option<String>]) -> String {
        let pairs = self.by.iter().zip(values);
        let words: Vec<String> = pairs
            .map(|(column, value)| format!("{column} = {}", value.as_deref().unwrap_or("null")))
            .collect();
        words.join(", ")
    }
}
