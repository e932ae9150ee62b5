//! What every format of the gate document says alike: the sections of its checklist, the decision, the marks.

use document::gate::{Gate, Line, Mark, Stage};

use crate::document::Verdict;

/// The sections of the checklist: heading and lines.
pub(super) fn sections(gate: &Gate) -> Vec<(&'static str, Vec<&Line>)> {
    [("P", "Prerequisites"), ("R", "Reports"), ("V", "Validation"), ("S", "Success criteria")]
        .into_iter()
        .map(|(letter, heading)| {
            (heading, gate.checklist.iter().filter(|line| line.id.starts_with(letter)).collect::<Vec<_>>())
        })
        .filter(|(_, lines)| !lines.is_empty())
        .collect()
}

/// The decision in words.
pub(super) fn decision(gate: &Gate) -> &'static str {
    match (gate.verdict, gate.stage) {
        (Verdict::Pass, Stage::Begin) => "The phase may begin.",
        (Verdict::Pass, Stage::Complete) => "The phase is complete.",
        (Verdict::Fail, Stage::Begin) => "The phase must not begin: something failed.",
        (Verdict::Fail, Stage::Complete) => "The phase has not succeeded: something failed.",
        (Verdict::Inconclusive, Stage::Begin) => {
            "The phase must not begin yet: nothing failed, but evidence is missing."
        }
        (Verdict::Inconclusive, Stage::Complete) => {
            "The phase is not complete yet: nothing failed, but evidence is missing."
        }
    }
}

/// Shape and word of a mark.
pub(super) fn mark_parts(mark: Mark) -> (&'static str, &'static str, &'static str) {
    match mark {
        Mark::Pass => ("pass", "✓", "pass"),
        Mark::Confirmed => ("pass", "✓", "confirmed"),
        Mark::Later => ("na", "–", "later"),
        Mark::Open => ("open", "?", "open"),
        Mark::Fail => ("fail", "✗", "fail"),
    }
}
