//! What a child process counted of a side: the counts only; who counts them is `crate::probe`.

use serde::{Deserialize, Serialize};

/// What the child counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// One entry per way to end.
    pub steps: Vec<Step>,
    /// Why nothing could be counted.
    pub failure: Option<String>,
}

/// Counts around one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `success`, `an error`, `a cancellation`.
    pub name: String,
    /// Open descriptors before the run.
    pub descriptors_before: u64,
    /// Open descriptors after it.
    pub descriptors_after: u64,
    /// Files left behind.
    pub files_left: Vec<String>,
}
