//! Tables with one line a measure and one column a side, so that both sides stand beside each other.

use maud::{Markup, html};

use crate::document::Role;
use crate::page::parts::{mark, scroll};
use crate::words::count;

/// Columns of sides. A document has two; one that has more shows as many, and says so.
const SIDES: usize = 4;

/// A line in the making: what is measured, what that means, and a cell a side.
pub(super) struct Line {
    name: Markup,
    meaning: &'static str,
    cells: Vec<Markup>,
}

impl Line {
    /// A measure taken of each side.
    pub(super) fn of<T>(
        name: Markup,
        meaning: &'static str,
        sides: &[T],
        cell: impl Fn(&T) -> Markup,
    ) -> Self {
        Self { name, meaning, cells: sides.iter().take(SIDES).map(cell).collect() }
    }
}

/// The table: `blocks` of lines, each under a heading of its own where it has one.
pub(super) fn table(label: &str, roles: &[Role], blocks: &[(&str, Vec<Line>)]) -> Markup {
    let shown = roles.len().min(SIDES);
    let table = html! {
        table class="sides" {
            caption class="hidden" { (label) }
            thead { tr {
                th scope="col" { "Measure" }
                @for role in roles.iter().take(SIDES) { th scope="col" class="n" { (title(*role)) } }
                th scope="col" { "Meaning" }
            } }
            @for (heading, lines) in blocks.iter().filter(|(_, lines)| !lines.is_empty()) {
                tbody {
                    @if !heading.is_empty() { tr { th scope="rowgroup" class="block" colspan=(shown + 2) { (heading) } } }
                    @for line in lines {
                        tr {
                            th scope="row" { (line.name) }
                            @for cell in &line.cells { td class="n" { (cell) } }
                            td class="meaning" { (line.meaning) }
                        }
                    }
                }
            }
        }
    };
    html! {
        (scroll(label, &table))
        @if roles.len() > SIDES {
            p class="cap" { "Showing " (SIDES) " of " (count(roles.len() as u64)) " sides; all of them are in report.json." }
        }
    }
}

/// The side as a heading.
pub(super) fn title(role: Role) -> &'static str {
    match role {
        Role::Baseline => "Baseline",
        Role::Candidate => "Candidate",
    }
}

/// A count of what should not be. The baseline is told, not judged, so its mark is another one.
pub(super) fn fault(role: Role, number: u64) -> Markup {
    match (number, role) {
        (0, _) => html! { "0" },
        (_, Role::Candidate) => mark("fail", "✗", &count(number)),
        (_, Role::Baseline) => mark("info", "i", &count(number)),
    }
}

/// A count that says nothing good or bad.
pub(super) fn plain(number: u64) -> Markup {
    html! { (count(number)) }
}
