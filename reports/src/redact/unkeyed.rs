//! Values that stand in what is kept as it is, and digests without a key that are made of values.
//!
//! 1. A scope of the policy by rows names values (`customer = acme`) in keys and waivers of the policy.
//! 2. The policy's digest is made of those, and a finding's id of its scope and, where its file is not among the files of its
//!    side, of the file's name. All else in an id can be known.

use super::key::Key;
use crate::document::{Finding, JobReport, Report, Role};

/// How a scope by rows is put in words.
const BY_ROWS: &str = "rows of ";
/// Hexadecimal digits of an id's digest.
const ID: usize = 12;

/// Replaces them in the redacted report of `raw`.
pub(super) fn replace(raw: &Report, redacted: &mut Report, key: &Key) {
    if let Some(policy) = &mut redacted.policy {
        let mut scoped = false;
        for value in &mut policy.values {
            scoped |= policy_value(&mut value.key, &mut value.value, key);
        }
        if scoped {
            policy.digest = key.long_digest(&policy.digest);
        }
    }
    for (before, after) in raw.jobs.iter().zip(&mut redacted.jobs) {
        let found = before.checks.iter().flat_map(|check| &check.findings);
        let told = after.checks.iter_mut().flat_map(|check| &mut check.findings);
        for (finding, told) in found.zip(told).filter(|(finding, _)| names_values(before, finding)) {
            let digest: String = key.digest(&finding.id).chars().skip(1).take(ID).collect();
            told.id = format!("{}/{}/{}-{digest}", before.id, finding.check, finding.code);
        }
    }
}

/// True where one of the two was replaced.
fn policy_value(name: &mut String, value: &mut String, key: &Key) -> bool {
    if name == "waiver" && value.contains(BY_ROWS) {
        *value = key.digest(value);
        return true;
    }
    let Some(scope) = name.strip_prefix("for ").filter(|scope| scope.contains(BY_ROWS)) else { return false };
    // Of rows nothing but actions can be said.
    *name = match scope.rsplit_once(": actions.") {
        Some((scope, pattern)) => format!("for {}: actions.{pattern}", key.digest(scope)),
        None => format!("for {}", key.digest(scope)),
    };
    true
}

/// True where the id of a finding is made of more than what is kept.
fn names_values(job: &JobReport, finding: &Finding) -> bool {
    let file = finding.place.as_ref().and_then(|place| place.file.as_deref());
    let sides = [(Role::Baseline, job.baseline.as_ref()), (Role::Candidate, Some(&job.candidate))];
    let known = |name: &str| {
        let of = sides.iter().filter(|(role, _)| finding.side.is_none_or(|side| side == *role));
        of.filter_map(|(_, side)| *side).any(|side| side.files.iter().any(|file| file.path == name))
    };
    finding.scope.is_some() || (finding.check != "ROWS" && file.is_some_and(|name| !known(name)))
}
