//! From rows as they come to rows in order.
//!
//! [`sorter`] buffers, spills and merges rows in any order; [`sorted`] merges inputs that claim to be sorted. Both use [`run`] (sorted
//! runs on disk) and [`merge`].

pub(crate) mod ahead_segment;
pub(crate) mod gathered;
pub(crate) mod merge;
pub(crate) mod packing;
pub(crate) mod run;
pub(crate) mod run_series;
pub(crate) mod sort;
pub(crate) mod sorted;
pub(crate) mod sorted_segment;
pub(crate) mod sorter;
pub(crate) mod spill;
pub(crate) mod strategy;
pub(crate) mod whole;
