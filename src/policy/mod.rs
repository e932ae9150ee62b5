//! The policy: which checks gate, how values are compared, bounds, waivers; and the verdict, a pure function of findings
//! and coverage.

pub mod verdict;
pub mod waiver;

use std::collections::BTreeSet;

use crate::check::{Comparison, SizeBounds};
use crate::policy::waiver::Waiver;

/// The resolved policy of a run.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Codes of the checks that decide the verdict.
    pub gating: BTreeSet<String>,
    /// Codes of the checks that must have been answered: "not applicable" then counts as undecided.
    pub required: BTreeSet<String>,
    /// How values are compared.
    pub comparison: Comparison,
    /// Bounds on file sizes.
    pub size_bounds: SizeBounds,
    /// Declared differences.
    pub waivers: Vec<Waiver>,
}

impl Default for Policy {
    /// Every check gates through its blockers, nothing is required beyond what applies, nothing is waived.
    fn default() -> Self {
        let gating = crate::check::CODES.iter().map(|code| (*code).to_owned()).collect();
        Self {
            gating,
            required: BTreeSet::new(),
            comparison: Comparison::default(),
            size_bounds: SizeBounds::default(),
            waivers: Vec::new(),
        }
    }
}
