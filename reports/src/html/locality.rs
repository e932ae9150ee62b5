//! Trace locality of both sides: how many files and row groups must a reader open for one trace?

use maud::{Markup, PreEscaped, html};

use super::sides::{Line, fault, plain, table, title};
use crate::document::Role;
use crate::page::parts::{Capped, scroll, shown};
use crate::plot;
use crate::signal_evidence::{LocalityEvidence, Spread};
use crate::words::count;

/// Traces listed of one side.
const WORST: usize = 20;
const WORST_BYTES: usize = 20_000;

/// What the LOCALITY check saw.
pub(super) fn render(locality: &[LocalityEvidence]) -> Markup {
    if locality.is_empty() {
        return html! {};
    }
    let roles: Vec<Role> = locality.iter().map(|side| side.side).collect();
    let line = |name: &'static str, meaning, cell: &dyn Fn(&LocalityEvidence) -> Markup| {
        Line::of(html! { (name) }, meaning, locality, cell)
    };
    let spread = |pick: fn(&LocalityEvidence) -> Spread| {
        vec![
            line("Mean", "", &move |side| html! { (format!("{:.2}", pick(side).mean)) }),
            line("Median", "", &move |side| plain(pick(side).p50)),
            line("95 %", "of the traces lie at or below", &move |side| plain(pick(side).p95)),
            line("Highest", "", &move |side| plain(pick(side).max)),
        ]
    };
    let held = vec![
        line("Traces", "distinct traces", &|side| plain(side.traces)),
        line("Spans", "rows examined", &|side| plain(side.spans)),
        line("Without a trace", "rows that no reader looks up by trace", &|side| plain(side.without_trace)),
        line("Scattered", "traces in more files than their time range needs", &|side| {
            fault(side.side, side.scattered)
        }),
        line("Of another slot", "rows that belong to another slot than the job's", &|side| match side
            .foreign_slot
        {
            Some(rows) => fault(side.side, rows),
            None => html! { span class="null" { "no slot known" } },
        }),
    ];
    html! {
        h4 { "Trace locality" }
        div class="plots" {
            @for drawing in plot::locality(locality) {
                figure {
                    (PreEscaped(drawing))
                    figcaption { span class="swatch a" {} " baseline " span class="swatch b" {} " candidate" }
                }
            }
        }
        (table("Trace locality of each side", &roles, &[
            ("", held),
            ("Files that a reader opens for one trace", spread(|side| side.files)),
            ("Row groups that a reader opens for one trace", spread(|side| side.row_groups)),
        ]))
        div class="pair" { @for side in locality.iter().take(4) { (worst(side)) } }
    }
}

/// The traces spread over the most files.
fn worst(side: &LocalityEvidence) -> Markup {
    if side.worst.is_empty() {
        return html! {};
    }
    let lines = Capped::new(side.worst.iter(), WORST, WORST_BYTES, |(trace, files, rows)| {
        html! {
            tr { th scope="row" class="value" { (shown(trace, 80)) } td class="n" { (count(*files)) } td class="n" { (count(*rows)) } }
        }
    });
    let label = format!("{}: traces in the most files", title(side.side));
    let table = html! {
        table {
            caption { (label) }
            thead { tr { th scope="col" { "Trace" } th scope="col" class="n" { "Files" } th scope="col" class="n" { "Spans" } } }
            tbody { (lines) }
        }
    };
    html! { div { (scroll(&label, &table)) (lines.note("traces", "report.json")) } }
}
