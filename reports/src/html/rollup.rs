//! What became of the rows of a merging job. A lone row, a row that the rules drop, a drop that the side declares and a silent
//! loss are four different things: each has its own line, mark, word and meaning.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::sides::{Line, fault, plain, table};
use crate::document::Role;
use crate::page::parts::{mark, shown};
use crate::signal_evidence::{RollupAccount, SketchEvidence};
use crate::words::{count, counted};

/// Reasons and columns listed.
const NAMES: usize = 40;
/// Characters of a reason or column.
const NAME: usize = 80;

/// The account of the rows, one column a side.
pub(super) fn account(accounts: &[RollupAccount]) -> Markup {
    if accounts.is_empty() {
        return html! {};
    }
    let roles: Vec<Role> = accounts.iter().map(|side| side.side).collect();
    let line = |name: Markup, meaning, cell: &dyn Fn(&RollupAccount) -> Markup| {
        Line::of(name, meaning, accounts, cell)
    };
    let rules: Names = accounts.iter().flat_map(|side| side.dropped.keys()).collect();
    let declared: Names =
        accounts.iter().filter_map(|side| side.declared.as_ref()).flat_map(|map| map.keys()).collect();
    let inputs = vec![
        line(html! { "Rows in" }, "rows of the inputs", &|side| plain(side.rows_in)),
        line(
            mark("info", "◇", "lone rows"),
            "alone in their group: passed on unmerged, only their time is checked",
            &|side| plain(side.lone),
        ),
        line(
            mark("info", "◆", "single contributions"),
            "one of several rows of their group, and the only one of their point",
            &|side| plain(side.single),
        ),
        line(mark("info", "⇉", "merged in"), "rows that share their point with others", &|side| {
            plain(side.merged_in)
        }),
        line(mark("info", "→", "merged out"), "points made of more than one row", &|side| {
            plain(side.merged_out)
        }),
        line(
            mark("info", "∅", "dropped by the rules"),
            "rows that no side may write, whatever it declares",
            &|side| plain(sum(&side.dropped)),
        ),
    ];
    let dropped = rules.iter().take(NAMES).map(|reason| {
        line(html! { (mark("info", "∅", "rule:")) " " (shown(reason, NAME)) }, "", &|side| {
            plain(side.dropped.get(*reason).copied().unwrap_or_default())
        })
    });
    let declared_lines = declared.iter().take(NAMES).map(|reason| {
        line(html! { (mark("info", "✎", "declared:")) " " (shown(reason, NAME)) }, "", &|side| {
            declared_cell(side, reason)
        })
    });
    let mut of_side = vec![
        line(html! { "Rows to be written" }, "rows that the rules let the side write", &|side| {
            plain(side.expected)
        }),
        line(html! { "Rows written" }, "rows found in the side's files", &|side| plain(side.written)),
        line(
            mark("info", "✎", "declared drops"),
            "rows that the side's manifest says it left out, and why",
            &|side| match &side.declared {
                Some(map) => plain(sum(map)),
                None => html! { span class="null" { "no manifest" } },
            },
        ),
    ];
    of_side.extend(declared_lines);
    let balance = vec![
        line(
            mark("info", "✗", "silent loss"),
            "rows that should be there, are not, and that no declared drop covers",
            &|side| outcome(side.side, side.lost, "lost"),
        ),
        line(mark("info", "+", "invented"), "rows that should not be there", &|side| {
            outcome(side.side, side.invented, "invented")
        }),
    ];
    html! {
        h4 { "Merging" }
        p {
            @for (index, side) in accounts.iter().take(4).enumerate() {
                @if index > 0 { " " }
                "The " (side.side) " made " (counted(side.written, "row", "rows")) " of " (count(side.rows_in)) "; "
                (rows_or_none(side.lost)) " silently lost, " (rows_or_none(side.invented)) " invented."
            }
        }
        (table("What became of the input rows", &roles, &[
            ("By the rules of the merge", inputs),
            ("Dropped by the rules, by reason", dropped.collect()),
            ("What the side did", of_side),
            ("What does not balance", balance),
        ]))
        (left_out(rules.len(), "reasons of the rules"))
        (left_out(declared.len(), "declared reasons"))
    }
}

type Names<'a> = BTreeSet<&'a String>;

/// A declared drop, and where the rules drop another number for that reason, theirs.
fn declared_cell(side: &RollupAccount, reason: &String) -> Markup {
    let Some(declared) = &side.declared else { return html! { span class="null" { "no manifest" } } };
    let rows = declared.get(reason).copied().unwrap_or_default();
    let rules = side.dropped.get(reason).copied().unwrap_or_default();
    html! { (count(rows)) @if rows != rules { small { "≠ rules: " (count(rules)) } } }
}

fn outcome(role: Role, number: u64, word: &str) -> Markup {
    match (number, role) {
        (0, _) => mark("pass", "✓", "none"),
        (_, Role::Candidate) => mark("fail", "✗", &format!("{} {word}", count(number))),
        (_, Role::Baseline) => mark("info", "i", &format!("{} {word}", count(number))),
    }
}

fn rows_or_none(rows: u64) -> String {
    if rows == 0 { "none".to_owned() } else { counted(rows, "row", "rows") }
}

fn sum(map: &std::collections::BTreeMap<String, u64>) -> u64 {
    map.values().fold(0, |sum, rows| sum.saturating_add(*rows))
}

fn left_out(total: usize, what: &str) -> Markup {
    html! {
        @if total > NAMES {
            p class="cap" { "Showing " (NAMES) " of " (count(total as u64)) " " (what) "; all of them are in report.json." }
        }
    }
}

/// What the SKETCH check saw, one column a side.
pub(super) fn sketches(sketches: &[SketchEvidence]) -> Markup {
    if sketches.is_empty() {
        return html! {};
    }
    let roles: Vec<Role> = sketches.iter().map(|side| side.side).collect();
    let line = |name: Markup, meaning, cell: &dyn Fn(&SketchEvidence) -> Markup| {
        Line::of(name, meaning, sketches, cell)
    };
    let examined = vec![
        line(html! { "Rows" }, "rows examined", &|side| plain(side.rows)),
        line(html! { "Sketches decoded" }, "rows with a sketch that could be read", &|side| {
            plain(side.sketches)
        }),
        line(
            html! { "Recomputed" },
            "merged rows whose sketch and rollups were made anew from the inputs",
            &|side| plain(side.recomputed),
        ),
        line(html! { "Duplicates" }, "rows beyond the first of a group, interval and name", &|side| {
            fault(side.side, side.duplicates)
        }),
        line(html! { "Unaligned" }, "rows whose time is no multiple of the interval", &|side| {
            fault(side.side, side.unaligned)
        }),
    ];
    let wrong: Names = sketches.iter().flat_map(|side| side.disagreeing.keys()).collect();
    let far: Names = sketches.iter().flat_map(|side| side.largest_difference.keys()).collect();
    let disagreeing = wrong.iter().take(NAMES).map(|column| {
        line(
            html! { code { (shown(column, NAME)) } },
            "rows in which it does not say what it should",
            &|side| fault(side.side, side.disagreeing.get(*column).copied().unwrap_or_default()),
        )
    });
    let largest = far.iter().take(NAMES).map(|column| {
        line(
            html! { code { (shown(column, NAME)) } },
            "relative to what the inputs give, or the row's own sketch says",
            &|side| match side.largest_difference.get(*column) {
                Some(difference) => html! { (relative(*difference)) },
                None => html! { "–" },
            },
        )
    });
    html! {
        h4 { "Sketches and rollups" }
        (table("Sketches and rollups of each side", &roles, &[
            ("", examined),
            ("Rows that disagree, by column", disagreeing.collect()),
            ("Largest difference seen, by column", largest.collect()),
        ]))
        (left_out(wrong.len(), "disagreeing columns"))
        (left_out(far.len(), "columns with a difference"))
    }
}

/// A relative difference with the digits that matter.
fn relative(difference: f64) -> String {
    if !difference.is_finite() {
        "not finite".to_owned()
    } else if difference == 0.0 {
        "0".to_owned()
    } else if difference.abs() >= 0.0001 {
        format!("{difference:.4}")
    } else {
        format!("{difference:.1e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_keep_the_digits_that_matter() {
        assert_eq!(
            [0.0, 1.25, 0.0001, 2.2e-16, f64::INFINITY, f64::NAN].map(relative),
            ["0", "1.2500", "0.0001", "2.2e-16", "not finite", "not finite"]
        );
    }
}
