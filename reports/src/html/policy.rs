//! The policy that the run was judged by: phase, file, digest, and every value with its origin, those that somebody set first.

use maud::{Markup, html};

use crate::document::Report;
use crate::page::parts::{Capped, scroll, shown, term};

/// Lines and bytes of the table.
const LINES: usize = 300;
const BYTES: usize = 150_000;

/// Nothing for a document that does not tell.
pub(super) fn render(report: &Report) -> Markup {
    let Some(policy) = &report.policy else { return html! {} };
    let mut values: Vec<_> = policy.values.iter().collect();
    values.sort_by_key(|value| value.origin == "default");
    let lines = Capped::new(values.into_iter(), LINES, BYTES, |value| {
        html! {
            tr {
                th scope="row" { code { (shown(&value.key, 120)) } } td class="value" { (shown(&value.value, 400)) }
                td class="place" { (shown(&value.origin, 200)) }
            }
        }
    });
    let table = html! {
        table {
            caption { "Policy: every value and where it comes from" }
            thead { tr { th scope="col" { "Key" } th scope="col" { "Value" } th scope="col" { "Origin" } } }
            tbody { (lines) }
        }
    };
    html! {
        dl class="facts" {
            (term("Phase", &html! { @match &policy.phase { Some(phase) => { (shown(phase, 60)) } None => { "none" } } }))
            @if let Some(file) = &policy.file { (term("Policy file", &html! { span class="value" { (shown(file, 300)) } })) }
            (term("Policy digest", &html! { span class="value" { (shown(&policy.digest, 80)) } }))
        }
        details class="fold" {
            summary { "Policy" }
            (scroll("Policy", &table))
            (lines.note("values", "report.json"))
        }
    }
}
