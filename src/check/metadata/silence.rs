//! Fields that the candidate's manifest states of no file at all.
//!
//! 1. What the baseline's manifest states, the candidate's must state too: a built-in writer that does not is at fault, a
//!    writer of somebody else's may say less, which is told.
//! 2. What a signal lives by, a built-in candidate must state whatever the baseline says: counts and range of groups; slot,
//!    spans, traces and time range of traces. A field that no row gives a value for is not demanded.

use std::collections::BTreeSet;

use reports::document::{Finding, Role, Severity, SideKind};

use super::CHECK;
use super::field::{self, STATES};
use crate::check::finding::{Refine, finding};
use crate::check::{Observed, Subject};

/// What is missing. `known` are the fields for which the candidate's rows give a value.
pub(super) fn findings(subject: &Subject<'_>, known: &BTreeSet<&str>) -> Vec<Finding> {
    let entries = |side: Option<&Observed>| {
        let manifest = side.and_then(|side| side.output.manifest.as_ref());
        manifest.map(|manifest| manifest.files.clone()).unwrap_or_default()
    };
    let (baseline, candidate) = (entries(subject.baseline), entries(Some(subject.candidate)));
    if candidate.is_empty() {
        return Vec::new();
    }
    let signal = subject.job.signal.as_deref();
    let builtin = matches!(subject.candidate.info.kind, SideKind::Unified | SideKind::Fault);
    let demanded = demanded(subject);
    let mut findings = Vec::new();
    for (field, states) in STATES {
        if candidate.iter().any(states) || !field::means(signal, field) {
            continue;
        }
        let message = if baseline.iter().any(states) {
            format!("the baseline's manifest states {field}, the candidate's states it of no file")
        } else if builtin && demanded.contains(&field) && known.contains(field) {
            format!(
                "the candidate's manifest states {field} of no file, which a file of this signal must have"
            )
        } else {
            continue;
        };
        let severity = if builtin { Severity::Blocker } else { Severity::Warning };
        let found = finding(CHECK, "metadata.not_stated", severity, Some(Role::Candidate), message);
        findings.push(found.with("field", field));
    }
    findings
}

/// Fields that a built-in writer states of every file of the job's signal.
fn demanded(subject: &Subject<'_>) -> Vec<&'static str> {
    let mut demanded = Vec::new();
    let Some(signal) = subject.job.signal.as_deref() else { return demanded };
    if signal.group_key.is_some() {
        demanded.extend(["tid_count", "min_tid", "max_tid"]);
    }
    if signal.locality.is_some() {
        demanded.extend(["slot", "span_count", "trace_count", "first_ts", "last_ts"]);
    }
    demanded
}
