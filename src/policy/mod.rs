//! The policy: which checks gate, what must be covered, how values are compared, bounds, limits, waivers, the action that a
//! finding asks for; and the verdict, a pure function of findings and coverage.
//!
//! A policy is made of layers (`layer.rs`), weakest first: built-in default, phase (`phase.rs`), the user's files
//! (`typed.rs`, `file.rs`), the command line. Every value remembers the layer that it comes from. What differs for a part of
//! the work (`scope.rs`) is laid over that when a job's turn comes, or (`rowwise.rs`) looked up row by row.

pub mod action;
pub mod file;
pub mod layer;
pub mod phase;
pub mod rowwise;
pub mod scope;
mod shown;
pub mod strict;
pub(crate) mod typed;
mod typed_scope;
pub mod verdict;
pub mod waiver;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reports::document::Action;

use crate::check::{self, Comparison, SizeBounds};
use crate::error::{Error, Result};
use crate::policy::layer::{Layer, Set};
use crate::policy::phase::Phase;
use crate::policy::scope::Scoped;
use crate::policy::waiver::Waiver;

/// Checks that are not among those of a job ([`check::CODES`]) but that a policy may name: two take a measurement, and
/// query equivalence is not there yet. Required and not performed, they leave a run inconclusive.
pub const FURTHER_CHECKS: [&str; 3] = ["PERFORMANCE", "MEMORY", "QUERY"];

/// How old a report may be where no phase and no file says otherwise: a week.
const MAX_AGE: Duration = Duration::from_secs(7 * 86_400);

/// Every check that a policy may name.
pub fn known_checks() -> impl Iterator<Item = &'static str> {
    let further = FURTHER_CHECKS.into_iter().filter(|code| !check::CODES.contains(code));
    check::CODES.iter().copied().chain(further)
}

/// The resolved policy of a run.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The phase that it was resolved for.
    pub phase: Option<Phase>,
    /// The file named by `--policy`.
    pub file: Option<String>,
    /// Codes of the checks that decide the verdict.
    pub gating: BTreeSet<String>,
    /// Codes of the checks that every job must have answered: "not applicable" then counts as undecided.
    pub required: BTreeSet<String>,
    /// Codes of the checks that the run must have answered, in one job at least.
    pub covered: BTreeSet<String>,
    /// Codes of the checks whose evidence the gate asks for beside the runs.
    pub evidence: BTreeSet<String>,
    /// How values are compared.
    pub comparison: Comparison,
    /// Bounds on file sizes.
    pub size_bounds: SizeBounds,
    /// Limits of a measurement.
    pub limits: Limits,
    /// How old a report that a gate looks at may be, from the end of its run.
    pub max_age: Duration,
    /// What findings ask for, by pattern of their code.
    pub actions: BTreeMap<String, Action>,
    /// Declared differences.
    pub waivers: Vec<Waiver>,
    /// What differs for a part of the work, in order.
    pub scoped: Vec<Scoped>,
    /// Where each value comes from, by its key; a key that is not here has its built-in default.
    origins: BTreeMap<String, String>,
}

/// Limits of a measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Share by which the candidate may be slower than the baseline: 0.10 is 10 %.
    pub slower: f64,
    /// Pairs that are measured at most before the answer is "inconclusive".
    pub max_pairs: u64,
    /// Share by which the candidate's peak memory may exceed the baseline's.
    pub more_memory: f64,
    /// Bytes of memory that a worker of production has; absent: not judged.
    pub memory_limit: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { slower: 0.10, max_pairs: 40, more_memory: 0.50, memory_limit: None }
    }
}

impl Default for Policy {
    /// Every check gates through its blockers, nothing is required beyond what applies, nothing is waived.
    fn default() -> Self {
        Self {
            phase: None,
            file: None,
            gating: known_checks().map(str::to_owned).collect(),
            required: BTreeSet::new(),
            covered: BTreeSet::new(),
            evidence: BTreeSet::new(),
            comparison: Comparison::default(),
            size_bounds: SizeBounds::default(),
            limits: Limits::default(),
            max_age: MAX_AGE,
            actions: action::defaults(),
            waivers: Vec::new(),
            scoped: Vec::new(),
            origins: BTreeMap::new(),
        }
    }
}

impl Policy {
    /// Lays a layer over what there is.
    pub fn apply(&mut self, layer: &Layer) {
        for setting in &layer.settings {
            if let Some(key) = setting.set.key() {
                // What was already asked for by a weaker layer keeps its first origin: the later one changes nothing.
                let grows =
                    matches!(setting.set, Set::Requires(_) | Set::RequiresEveryJob(_) | Set::Evidence(_));
                if !(grows && self.origins.contains_key(&key)) {
                    self.origins.insert(key, setting.origin.clone());
                }
            }
            self.set(&setting.set);
        }
    }

    fn set(&mut self, set: &Set) {
        match set.clone() {
            Set::Gates(codes) => self.gating = codes,
            Set::Requires(code) => {
                self.covered.insert(code);
            }
            Set::RequiresEveryJob(code) => {
                self.required.insert(code);
            }
            Set::Evidence(code) => {
                self.evidence.insert(code);
            }
            // A column has one of the two: the later word holds.
            Set::Ignore(column, reason) => {
                self.comparison.tolerances.remove(&column);
                self.comparison.ignored.insert(column, reason);
            }
            Set::Tolerance(column, tolerance) => {
                self.comparison.ignored.remove(&column);
                self.comparison.tolerances.insert(column, tolerance);
            }
            Set::SameType(column, family) => {
                self.comparison.same_type.insert(column, family);
            }
            Set::NegativeZeroEqual(equal) => self.comparison.negative_zero_equal = equal,
            Set::Partitions(partitions) => self.comparison.partitions = partitions,
            Set::Size(key, number) => layer::set_size(&mut self.size_bounds, key, number),
            Set::Slower(share) => self.limits.slower = share,
            Set::MaxPairs(pairs) => self.limits.max_pairs = pairs,
            Set::More(share) => self.limits.more_memory = share,
            Set::MemoryLimit(bytes) => self.limits.memory_limit = Some(bytes),
            Set::MaxAge(age) => self.max_age = age,
            Set::Action(pattern, action) => {
                self.actions.insert(pattern, action);
            }
            Set::Waiver(waiver) => self.waivers.push(waiver),
            Set::For(scoped) => self.scoped.push(*scoped),
        }
    }

    /// Whether a check decides the verdict of a job: it gates, or every job must have answered it.
    #[must_use]
    pub fn gates(&self, code: &str) -> bool {
        self.gating.contains(code) || self.required.contains(code)
    }

    /// Where the value of that key comes from.
    #[must_use]
    pub fn origin(&self, key: &str) -> &str {
        self.origins.get(key).map_or("default", String::as_str)
    }

    /// Bounds that are sound in each layer may contradict one another across layers.
    ///
    /// # Errors
    /// Class `config`, naming both keys and where they were set.
    pub fn consistent(&self) -> Result<()> {
        let Some((low, high)) = layer::crossed(&self.size_bounds) else { return Ok(()) };
        let told = |key: &str| {
            let origin = self.origin(&format!("sizes.{key}"));
            format!("`sizes.{key}` ({}, from {origin})", layer::size(&self.size_bounds, key))
        };
        Err(Error::config(format!("{} must not exceed {}", told(low), told(high))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::layer::{Number, Setting};

    fn layer(origin: &str, sets: &[Set]) -> Layer {
        let setting = |set: &Set| Setting { set: set.clone(), origin: origin.to_owned() };
        Layer { settings: sets.iter().map(setting).collect() }
    }

    #[test]
    fn a_later_layer_replaces_a_value_and_its_origin() {
        let mut policy = Policy::default();
        assert_eq!((policy.limits.slower, policy.origin("performance.slower")), (0.10, "default"));
        policy.apply(&layer("phase metrics", &[Set::Slower(0.05)]));
        policy.apply(&layer("parallax.toml:3", &[Set::Slower(0.02)]));
        assert_eq!((policy.limits.slower, policy.origin("performance.slower")), (0.02, "parallax.toml:3"));
    }

    #[test]
    fn a_file_cannot_take_back_what_a_phase_requires() {
        let mut policy = Policy::default();
        policy.apply(&layer("phase metrics", &[Set::Requires("QUERY".to_owned())]));
        policy.apply(&layer("f:1", &[Set::Requires("ROWS".to_owned()), Set::Requires("QUERY".to_owned())]));
        assert_eq!(policy.covered.len(), 2);
        assert_eq!(policy.origin("requires.QUERY"), "phase metrics");
    }

    #[test]
    fn bounds_that_contradict_one_another_across_layers_are_told_with_both_origins() {
        let mut policy = Policy::default();
        policy.apply(&layer("a.toml:1", &[Set::Size("bytes_fail", Number::Share(0.2))]));
        policy.apply(&layer("b.toml:2", &[Set::Size("bytes_warn", Number::Share(0.3))]));
        let message = policy.consistent().unwrap_err().message;
        assert!(message.contains("a.toml:1") && message.contains("b.toml:2"), "{message}");
    }

    #[test]
    fn a_column_that_a_later_layer_ignores_has_no_tolerance_any_more() {
        let mut policy = Policy::default();
        policy.apply(&layer("a", &[Set::Tolerance("x".to_owned(), check::Tolerance::default())]));
        policy.apply(&layer("b", &[Set::Ignore("x".to_owned(), "why".to_owned())]));
        assert!(policy.comparison.tolerances.is_empty());
        assert_eq!(policy.comparison.ignored.len(), 1);
    }
}
