//! Whole jobs over segments, and the factories of each signal.

pub(crate) mod adapters;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod outcome;
pub(crate) mod relay;
pub(crate) mod tid_merge;
pub(crate) mod traces;
