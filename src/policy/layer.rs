//! One layer of a policy: settings in order, each with the place that it comes from.
//!
//! A policy is resolved by applying layers from the weakest to the strongest: built-in default, phase, file, command line.
//! A later setting of one key replaces an earlier one; what must be covered and what is waived only ever grows, so that a file
//! cannot quietly take back what a phase asks for.

use std::collections::BTreeSet;
use std::time::Duration;

use reports::document::Action;

use super::scope::Scoped;
use super::waiver::Waiver;
use crate::check::{SizeBounds, Tolerance};
use crate::digest::Family;
use crate::output::Partitions;

/// Settings in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layer {
    /// The settings; of two of one key the later one holds.
    pub settings: Vec<Setting>,
}

/// One setting and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// What is set.
    pub set: Set,
    /// `phase logs`, `parallax.toml:12`, `--require`.
    pub origin: String,
}

/// What a setting sets.
#[derive(Debug, Clone, PartialEq)]
pub enum Set {
    /// Checks that decide the verdict; replaces the list.
    Gates(BTreeSet<String>),
    /// A check that the run must have answered in at least one job.
    Requires(String),
    /// A check that every job must have answered.
    RequiresEveryJob(String),
    /// Evidence that the gate asks for beside the runs.
    Evidence(String),
    /// A column that is not compared, and why.
    Ignore(String, String),
    /// How far the values of a column may lie apart.
    Tolerance(String, Tolerance),
    /// A column whose type may change without loss, and the kind of change that is meant.
    SameType(String, Family),
    /// Whether `-0.0` and `0.0` are one value.
    NegativeZeroEqual(bool),
    /// Whether `key=value` folders of outputs are columns.
    Partitions(Partitions),
    /// A bound of the SIZES check, by its name in [`SIZE_KEYS`].
    Size(&'static str, Number),
    /// Limit of the PERFORMANCE check: share by which the candidate may be slower.
    Slower(f64),
    /// Limit of the PERFORMANCE check: pairs measured at most.
    MaxPairs(u64),
    /// Limit of the MEMORY check: share by which the candidate's peak may be higher.
    More(f64),
    /// Bytes of memory that the worker has.
    MemoryLimit(u64),
    /// How old the reports of a gate may be.
    MaxAge(Duration),
    /// What findings of a code pattern ask for.
    Action(String, Action),
    /// A declared difference.
    Waiver(Waiver),
    /// What differs for a part of the work.
    For(Box<Scoped>),
}

impl Set {
    /// The key under which the origin of the value is remembered; a waiver carries its own.
    #[must_use]
    pub fn key(&self) -> Option<String> {
        Some(match self {
            Self::Gates(_) => "gates".to_owned(),
            Self::Requires(code) => format!("requires.{code}"),
            Self::RequiresEveryJob(code) => format!("requires_every_job.{code}"),
            Self::Evidence(code) => format!("evidence.{code}"),
            Self::Ignore(column, _) => format!("ignore.{column}"),
            Self::Tolerance(column, _) => format!("tolerance.{column}"),
            Self::SameType(column, _) => format!("same_type.{column}"),
            Self::NegativeZeroEqual(_) => "negative_zero_equal".to_owned(),
            Self::Partitions(_) => "partitions".to_owned(),
            Self::Size(key, _) => format!("sizes.{key}"),
            Self::Slower(_) => "performance.slower".to_owned(),
            Self::MaxPairs(_) => "performance.max_pairs".to_owned(),
            Self::More(_) => "memory.more".to_owned(),
            Self::MemoryLimit(_) => "memory.limit".to_owned(),
            Self::MaxAge(_) => "max_age".to_owned(),
            Self::Action(pattern, _) => format!("actions.{pattern}"),
            Self::Waiver(_) | Self::For(_) => return None,
        })
    }
}

/// A bound: a share or factor, or a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A share or factor.
    Share(f64),
    /// Bytes or files.
    Count(u64),
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Share(share) => write!(f, "{share}"),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}

/// Names of the bounds of the SIZES check, as in a file.
pub const SIZE_KEYS: [&str; 9] = [
    "tiny_share",
    "large_share",
    "file_factor",
    "bytes_warn",
    "bytes_fail",
    "bytes_floor",
    "explosion_factor",
    "explosion_files",
    "explosion_median",
];

/// Sets the bound of that name.
pub(super) fn set_size(bounds: &mut SizeBounds, key: &str, number: Number) {
    match (key, number) {
        ("tiny_share", Number::Share(value)) => bounds.tiny_share = value,
        ("large_share", Number::Share(value)) => bounds.large_share = value,
        ("file_factor", Number::Share(value)) => bounds.file_factor = value,
        ("bytes_warn", Number::Share(value)) => bounds.bytes_warn = value,
        ("bytes_fail", Number::Share(value)) => bounds.bytes_fail = value,
        ("explosion_factor", Number::Share(value)) => bounds.explosion_factor = value,
        ("bytes_floor", Number::Count(value)) => bounds.bytes_floor = value,
        ("explosion_files", Number::Count(value)) => bounds.explosion_files = value,
        ("explosion_median", Number::Count(value)) => bounds.explosion_median = value,
        // The reader of files makes no other pair.
        _ => {}
    }
}

/// The bound of that name.
pub(super) fn size(bounds: &SizeBounds, key: &str) -> Number {
    match key {
        "tiny_share" => Number::Share(bounds.tiny_share),
        "large_share" => Number::Share(bounds.large_share),
        "file_factor" => Number::Share(bounds.file_factor),
        "bytes_warn" => Number::Share(bounds.bytes_warn),
        "bytes_fail" => Number::Share(bounds.bytes_fail),
        "explosion_factor" => Number::Share(bounds.explosion_factor),
        "bytes_floor" => Number::Count(bounds.bytes_floor),
        "explosion_files" => Number::Count(bounds.explosion_files),
        _ => Number::Count(bounds.explosion_median),
    }
}

/// The first pair of bounds of which the lower exceeds the higher: their names.
#[must_use]
pub fn crossed(bounds: &SizeBounds) -> Option<(&'static str, &'static str)> {
    if bounds.tiny_share > bounds.large_share {
        return Some(("tiny_share", "large_share"));
    }
    (bounds.bytes_warn > bounds.bytes_fail).then_some(("bytes_warn", "bytes_fail"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_can_be_set_and_read_by_its_name() {
        let mut bounds = SizeBounds::default();
        for key in SIZE_KEYS {
            let number = match size(&bounds, key) {
                Number::Share(share) => Number::Share(share + 0.125),
                Number::Count(count) => Number::Count(count + 3),
            };
            set_size(&mut bounds, key, number);
            assert_eq!(size(&bounds, key), number, "{key}");
        }
    }
}
