//! What other checks hold against the candidate although another run of the baseline agrees with it.

use reports::document::{Severity, SideOutcome};

use super::super::{Check, Outcome, RerunKind, Subject};
use crate::check::finding::Refine;
use crate::error::Result;

/// Checks that hold the sides against each other by something else than rows; ROWS does this by itself, row by row.
const CODES: &[&str] = &["SCHEMA", "SIZES"];

/// Asks again with each other run of the baseline in the place of its first. A blocker about something with which one of these runs has
/// no quarrel at all is what the baseline does not reproduce itself: it is told, and not blamed on the candidate. Another blocker about
/// the same column is no agreement: where one run lacks a column and another has it as a number, text agrees with neither.
///
/// # Errors
/// As the check.
pub fn excuse(check: &dyn Check, subject: &Subject<'_>, outcome: &mut Outcome) -> Result<()> {
    let Some(baseline) = subject.baseline.filter(|_| CODES.contains(&check.code())) else { return Ok(()) };
    let blocks = |outcome: &Outcome| outcome.findings.iter().any(|it| it.severity == Severity::Blocker);
    for run in baseline.reruns.iter().filter(|it| it.kind == RerunKind::Again) {
        let other = &run.observed;
        let whole = other.outcome == SideOutcome::Completed && other.output.unreadable.is_empty();
        if !blocks(outcome) || !whole {
            continue;
        }
        let again = check.examine(&Subject { baseline: Some(other), ..*subject })?;
        if again.coverage.is_empty() {
            continue;
        }
        for finding in outcome.findings.iter_mut().filter(|it| it.severity == Severity::Blocker) {
            let column = |it: &reports::document::Finding| it.place.as_ref().and_then(|it| it.column.clone());
            let same = |it: &reports::document::Finding| {
                it.severity == Severity::Blocker && column(it) == column(finding)
            };
            if !again.findings.iter().any(same) {
                let noted =
                    finding.clone().with("noise", format!("not so against the baseline's {}", run.label));
                *finding = reports::document::Finding { severity: Severity::Info, ..noted };
            }
        }
    }
    Ok(())
}
