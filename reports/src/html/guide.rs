//! What the checks of this report ask, and what their colours mean: the pages of `docs/checks/`.

use maud::{Markup, PreEscaped, html};

use crate::document::Report;
use crate::guide;
use crate::scoreboard::codes;

/// Where the page of a check stands, where it has one.
pub(super) fn anchor(check: &str) -> Option<String> {
    guide::page(check).map(|_| format!("about-{}", check.to_lowercase()))
}

/// The pages of all checks of the report, folded.
pub(super) fn render(report: &Report) -> Markup {
    html! {
        section id="guide" aria-labelledby="guide-title" {
            h2 id="guide-title" { "The checks explained" }
            p class="key" { "What it means when a check is red, what usually causes it, what to do, and how to look at it again." }
            @for code in codes(&report.jobs) {
                @if let (Some(page), Some(anchor)) = (guide::page(code), anchor(code)) {
                    details class="fold" id=(anchor) {
                        summary { (code) ": " (guide::question(code).unwrap_or_default()) }
                        div class="guide" { div class="text" { (PreEscaped(guide::to_html(page))) } }
                    }
                }
            }
        }
    }
}

/// A link to the page of a check, or nothing where it has none.
pub(super) fn link(check: &str) -> Markup {
    html! { @if let Some(anchor) = anchor(check) { " · " a href={ "#" (anchor) } { "what " (check) " means" } } }
}
