//! The strategies by which rows come into order.

/// How rows come into order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ordering {
    /// Rows stay in the order in which they were written.
    None,
    /// Sorted in memory; an error where the memory limit does not hold the rows.
    InMemory,
    /// External merge sort: all rows go through sorted runs on disk.
    ExternalMergeSort,
    /// In memory until the limit, then sorted runs on disk.
    #[default]
    Spillable,
    /// The input claims to be sorted. The claim is verified as rows pass, and a violation is an error.
    Presumed,
}

impl Ordering {
    /// Whether rows are held back until all of them are known.
    pub(crate) fn sorts(self) -> bool {
        matches!(self, Self::InMemory | Self::ExternalMergeSort | Self::Spillable)
    }

    /// Whether the output is in order of the sort key.
    pub(crate) fn is_ordered(self) -> bool {
        self != Self::None
    }
}
