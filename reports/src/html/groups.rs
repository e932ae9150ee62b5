//! Groups (TIDs) of both sides: is each whole in one file, in one piece, in its place?

use maud::{Markup, html};

use super::sides::{Line, fault, plain, table};
use crate::document::Role;
use crate::page::parts::{mark, shown};
use crate::signal_evidence::GroupEvidence;
use crate::words::{self, count, counted};

/// What the GROUP check saw.
pub(super) fn render(groups: &[GroupEvidence]) -> Markup {
    let Some(first) = groups.first() else { return html! {} };
    let roles: Vec<_> = groups.iter().map(|side| side.side).collect();
    let line = |name: &'static str, meaning, cell: &dyn Fn(&GroupEvidence) -> Markup| {
        Line::of(html! { (name) }, meaning, groups, cell)
    };
    let held = vec![
        line("Outcome", "a group is whole where it lies in one file, in one piece", &|side| match (
            is_whole(side),
            side.side,
        ) {
            (true, _) => mark("pass", "✓", "whole, in order"),
            (false, Role::Candidate) => mark("fail", "✗", "violated"),
            (false, Role::Baseline) => mark("info", "i", "violated"),
        }),
        line("Rows", "rows examined", &|side| plain(side.rows)),
        line("Groups", "distinct values of the group key", &|side| plain(side.groups)),
        line("Rows without a key", "they belong to no group", &|side| plain(side.missing_keys)),
        line("Largest group", "the group with the most rows", &|side| match &side.largest {
            Some((group, rows)) => html! {
                span class="value" { (shown(group, 60)) } small { (counted(*rows, "row", "rows")) }
            },
            None => html! { "–" },
        }),
    ];
    let violated = vec![
        line("Split", "groups with rows in more than one file", &|side| fault(side.side, side.split)),
        line("Returned", "times that a group came back within a file after another one", &|side| {
            fault(side.side, side.returned)
        }),
        line("Descents", "times that a group was lower than the one before it, within a file", &|side| {
            fault(side.side, side.descents)
        }),
        line("Overlaps", "neighbouring files whose ranges of groups overlap", &|side| {
            fault(side.side, side.overlaps)
        }),
        line(
            "First violation",
            "where it stands",
            &|side| match side.first.as_ref().and_then(words::place) {
                Some(place) => html! { span class="place" { (shown(&place, 300)) } },
                None => html! { "–" },
            },
        ),
    ];
    let alike = groups.iter().all(|side| side.group_key == first.group_key);
    html! {
        h4 { "Groups" }
        p {
            "Grouped by "
            @if alike { code { (shown(&first.group_key, 120)) } } @else {
                @for (index, side) in groups.iter().take(4).enumerate() {
                    @if index > 0 { ", " }
                    code { (shown(&side.group_key, 120)) } " (" (side.side) ")"
                }
            }
            "; "
            @for (index, side) in groups.iter().take(4).enumerate() {
                @if index > 0 { ", " }
                (side.side) " " (count(side.groups))
            }
            " groups."
        }
        (table("Groups of each side", &roles, &[("", held), ("Violations", violated)]))
    }
}

fn is_whole(side: &GroupEvidence) -> bool {
    side.split == 0 && side.returned == 0 && side.descents == 0 && side.overlaps == 0
}
