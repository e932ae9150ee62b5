//! Whether one policy is looser than another: what a report was judged by against what a gate asks, and a resolved policy
//! against the phase's own.
//!
//! Findings can be judged again, because a report holds all of them. What was never found cannot: a column that was not compared,
//! two numbers taken for equal, a size within its bounds. These must have been judged at least as strictly.

use std::collections::BTreeMap;

use reports::policy::PolicyInfo;

use super::Policy;
use super::layer::{Number, SIZE_KEYS, set_size, size};
use crate::check::{Comparison, SizeBounds, Tolerance};
use crate::digest::Family;
use crate::output::Partitions;

/// Bounds of which a higher value is the stricter one; of all others a lower.
const HIGHER_IS_STRICTER: [&str; 2] = ["tiny_share", "explosion_median"];

/// What a recorded policy says of comparing values and of sizes.
///
/// # Errors
/// A sentence that names the key that is missing or not understood.
pub fn recorded(info: &PolicyInfo) -> Result<(Comparison, SizeBounds), String> {
    // A report that does not speak of folders comes from a program that did not compare by them.
    let mut comparison = Comparison { partitions: Partitions::Off, ..Comparison::default() };
    let mut bounds = SizeBounds::default();
    let mut seen: BTreeMap<&str, bool> = SIZE_KEYS.iter().map(|key| (*key, false)).collect();
    let mut zero = None;
    for value in &info.values {
        let wrong =
            || format!("the policy in it says {:?} of `{}`, which is not understood", value.value, value.key);
        if let Some(column) = value.key.strip_prefix("ignore.") {
            comparison.ignored.insert(column.to_owned(), value.value.clone());
        } else if let Some(column) = value.key.strip_prefix("tolerance.") {
            comparison.tolerances.insert(column.to_owned(), tolerance(&value.value).ok_or_else(wrong)?);
        } else if let Some(column) = value.key.strip_prefix("same_type.") {
            comparison.same_type.insert(column.to_owned(), Family::named(&value.value).ok_or_else(wrong)?);
        } else if value.key == "negative_zero_equal" {
            zero = Some(value.value.parse().map_err(|_| wrong())?);
        } else if value.key == "partitions" {
            comparison.partitions = Partitions::named(&value.value).ok_or_else(wrong)?;
        } else if let Some(key) = value.key.strip_prefix("sizes.") {
            let known = SIZE_KEYS.iter().find(|known| **known == key).ok_or_else(wrong)?;
            let number = match size(&bounds, known) {
                Number::Share(_) => Number::Share(value.value.parse().map_err(|_| wrong())?),
                Number::Count(_) => Number::Count(value.value.parse().map_err(|_| wrong())?),
            };
            set_size(&mut bounds, known, number);
            seen.insert(known, true);
        }
    }
    comparison.negative_zero_equal = zero.ok_or("the policy in it does not say `negative_zero_equal`")?;
    match seen.into_iter().find(|(_, seen)| !seen) {
        Some((key, _)) => Err(format!("the policy in it does not say `sizes.{key}`")),
        None => Ok((comparison, bounds)),
    }
}

/// What a policy says of comparing values and of sizes for a part of the work, in the order in which it holds.
#[must_use]
pub fn scoped(info: &PolicyInfo) -> Vec<(&str, &str)> {
    const KINDS: [&str; 5] =
        [": ignore.", ": tolerance.", ": same_type.", ": negative_zero_equal", ": sizes."];
    let parts = info.values.iter().filter(|it| it.key.starts_with("for "));
    let parts = parts.filter(|it| KINDS.iter().any(|kind| it.key.contains(kind)));
    parts.map(|it| (it.key.as_str(), it.value.as_str())).collect()
}

/// `absolute 0.5, relative 0`, as the report writes it.
fn tolerance(text: &str) -> Option<Tolerance> {
    let (absolute, relative) = text.strip_prefix("absolute ")?.split_once(", relative ")?;
    Some(Tolerance { absolute: absolute.parse().ok()?, relative: relative.parse().ok()? })
}

/// In what `of` compares values more loosely than `than`, one sentence each.
#[must_use]
pub fn looser_comparison(of: &Comparison, than: &Comparison) -> Vec<String> {
    let mut looser = Vec::new();
    for column in of.ignored.keys().filter(|column| !than.ignored.contains_key(*column)) {
        looser.push(format!("column {column:?} was not compared"));
    }
    for (column, had) in &of.tolerances {
        let allowed = than.tolerances.get(column);
        let within =
            allowed.is_some_and(|most| had.absolute <= most.absolute && had.relative <= most.relative);
        if !within && !than.ignored.contains_key(column) {
            looser.push(format!(
                "column {column:?} was compared with a tolerance (absolute {}, relative {})",
                had.absolute, had.relative
            ));
        }
    }
    for (column, family) in &of.same_type {
        if than.same_type.get(column) != Some(family) && !than.ignored.contains_key(column) {
            let family = family.name();
            looser.push(format!("column {column:?} was compared after a conversion of its type ({family})"));
        }
    }
    if of.negative_zero_equal && !than.negative_zero_equal {
        looser.push("-0.0 and 0.0 were taken for one value".to_owned());
    }
    if of.partitions == Partitions::Off && than.partitions == Partitions::Auto {
        looser.push("columns in names of folders were not compared (`partitions` was off)".to_owned());
    }
    looser
}

/// In what `of` bounds sizes more loosely than `than`, one sentence each.
#[must_use]
pub fn looser_bounds(of: &SizeBounds, than: &SizeBounds) -> Vec<String> {
    let looser = |key: &&&str| {
        let stricter_up = HIGHER_IS_STRICTER.contains(key);
        match (size(of, key), size(than, key)) {
            (Number::Share(had), Number::Share(asked)) if stricter_up => had < asked,
            (Number::Share(had), Number::Share(asked)) => had > asked,
            (Number::Count(had), Number::Count(asked)) if stricter_up => had < asked,
            (Number::Count(had), Number::Count(asked)) => had > asked,
            _ => true,
        }
    };
    SIZE_KEYS
        .iter()
        .filter(looser)
        .map(|key| format!("`sizes.{key}` was {} instead of {}", size(of, key), size(than, key)))
        .collect()
}

/// In what a policy is looser than that of its phase alone, one sentence each with the origin.
#[must_use]
pub fn looser_than_phase(policy: &Policy) -> Vec<String> {
    let Some(phase) = &policy.phase else { return Vec::new() };
    let mut own = Policy::default();
    own.apply(&phase.layer);
    let mut looser = Vec::new();
    for code in own.gating.difference(&policy.gating) {
        looser.push(format!("{code} does not gate (`gates` from {})", policy.origin("gates")));
    }
    looser.extend(looser_comparison(&policy.comparison, &own.comparison));
    looser.extend(looser_bounds(&policy.size_bounds, &own.size_bounds));
    for (key, had, asked) in [
        ("performance.slower", policy.limits.slower, own.limits.slower),
        ("memory.more", policy.limits.more_memory, own.limits.more_memory),
    ] {
        if had > asked {
            looser.push(format!("`{key}` is {had} instead of {asked} (from {})", policy.origin(key)));
        }
    }
    for value in policy.values().iter().filter(|it| it.key.starts_with("for ")) {
        looser.push(format!(
            "perhaps, for a part of the work: `{}` is {} (from {})",
            value.key, value.value, value.origin
        ));
    }
    if policy.max_age > own.max_age {
        let (had, asked) =
            (crate::config::format_age(policy.max_age), crate::config::format_age(own.max_age));
        looser.push(format!("`max_age` is {had} instead of {asked} (from {})", policy.origin("max_age")));
    }
    looser
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(ignored: &[&str], tolerances: &[(&str, f64)]) -> Comparison {
        Comparison {
            ignored: ignored.iter().map(|column| ((*column).to_owned(), "why".to_owned())).collect(),
            tolerances: tolerances
                .iter()
                .map(|(column, absolute)| {
                    ((*column).to_owned(), Tolerance { absolute: *absolute, relative: 0.0 })
                })
                .collect(),
            ..Comparison::default()
        }
    }

    #[test]
    fn what_a_report_records_of_its_policy_is_read_back() {
        let mut policy = Policy { comparison: compared(&["id"], &[("x", 0.1)]), ..Policy::default() };
        policy.size_bounds.bytes_fail = 0.25;
        policy.comparison.same_type.insert("t".to_owned(), Family::Timestamp);
        let (comparison, bounds) = recorded(&policy.info()).unwrap();
        assert_eq!((&comparison, &bounds), (&policy.comparison, &policy.size_bounds));
        policy.comparison.partitions = Partitions::Off;
        assert_eq!(recorded(&policy.info()).unwrap().0.partitions, Partitions::Off);
        policy.comparison.partitions = Partitions::Auto;
        let mut info = policy.info();
        info.values.retain(|value| value.key != "partitions");
        assert_eq!(recorded(&info).unwrap().0.partitions, Partitions::Off);
        info.values.retain(|value| value.key != "sizes.bytes_warn");
        assert!(recorded(&info).unwrap_err().contains("sizes.bytes_warn"));
    }

    #[test]
    fn a_column_not_compared_or_under_a_wider_tolerance_is_looser() {
        let strict = compared(&[], &[]);
        assert_eq!(looser_comparison(&strict, &compared(&["id"], &[("x", 1.0)])).len(), 0);
        assert_eq!(looser_comparison(&compared(&["id"], &[]), &strict).len(), 1);
        assert_eq!(looser_comparison(&compared(&[], &[("x", 0.1)]), &strict).len(), 1);
        assert_eq!(looser_comparison(&compared(&[], &[("x", 0.2)]), &compared(&[], &[("x", 0.1)])).len(), 1);
        assert_eq!(looser_comparison(&compared(&[], &[("x", 0.2)]), &compared(&["x"], &[])).len(), 0);
        assert_eq!(looser_comparison(&compared(&["x"], &[]), &compared(&[], &[("x", 9.0)])).len(), 1);
        let zero = Comparison { negative_zero_equal: true, ..Comparison::default() };
        assert_eq!(looser_comparison(&zero, &strict).len(), 1);
        let converted =
            |family| Comparison { same_type: [("t".to_owned(), family)].into(), ..Comparison::default() };
        let (time, float) = (converted(Family::Timestamp), converted(Family::Float));
        assert_eq!(looser_comparison(&time, &strict).len(), 1);
        assert_eq!(looser_comparison(&time, &float).len(), 1);
        assert_eq!(looser_comparison(&time, &time).len(), 0);
        assert_eq!(looser_comparison(&time, &compared(&["t"], &[])).len(), 0);
        let folders = Comparison { partitions: Partitions::Off, ..Comparison::default() };
        assert_eq!(looser_comparison(&folders, &strict).len(), 1);
        assert_eq!(looser_comparison(&strict, &folders).len(), 0);
    }

    #[test]
    fn each_bound_is_looser_in_its_own_direction() {
        let own = SizeBounds::default();
        for key in SIZE_KEYS {
            let mut other = own.clone();
            let number = match size(&own, key) {
                Number::Share(share) => Number::Share(share + 0.5),
                Number::Count(count) => Number::Count(count + 5),
            };
            set_size(&mut other, key, number);
            let up_is_stricter = HIGHER_IS_STRICTER.contains(&key);
            assert_eq!(looser_bounds(&other, &own).is_empty(), up_is_stricter, "{key}");
            assert_eq!(looser_bounds(&own, &other).is_empty(), !up_is_stricter, "{key}");
        }
    }
}
