//! Further runs of the sides: what each does not reproduce.

use maud::{Markup, html};

use crate::determinism::{RerunChange, RerunEvidence, RerunResult};
use crate::document::Role;
use crate::page::parts::{Capped, mark, scroll, shown};
use crate::words::count;

/// Runs and columns shown, and bytes of each table.
const RUNS: usize = 60;
const RUNS_BYTES: usize = 40_000;
const COLUMNS: usize = 12;

/// What the DETERMINISM check saw.
pub(super) fn render(runs: &[RerunEvidence]) -> Markup {
    if runs.is_empty() {
        return html! {};
    }
    let lines = Capped::new(runs.iter(), RUNS, RUNS_BYTES, line);
    let table = html! {
        table {
            caption { "Further runs, each against the first run of its side" }
            thead {
                tr {
                    th scope="col" { "Side" } th scope="col" { "Run" } th scope="col" { "Changed for it" }
                    th scope="col" { "Result" } th scope="col" { "What was seen" }
                    th scope="col" class="n" { "Rows" } th scope="col" class="n" { "changed" }
                    th scope="col" class="n" { "missing" } th scope="col" class="n" { "extra" }
                    th scope="col" { "Changed columns" }
                    th scope="col" class="n" { "Files" } th scope="col" class="n" { "byte for byte" }
                }
            }
            tbody { (lines) }
        }
    };
    html! {
        h4 { "Done again" }
        p {
            "What the baseline does not reproduce is noise: it is not blamed on the candidate, and excuses nothing else. "
            "What the candidate does not reproduce fails."
        }
        (scroll("Further runs", &table))
        (lines.note("runs", "report.json"))
    }
}

fn line(run: &RerunEvidence) -> Markup {
    let changed = match run.changed {
        RerunChange::Nothing => "nothing",
        RerunChange::Setting => "a setting",
        RerunChange::Order => "the order of the input",
    };
    let result = match (run.result, run.side) {
        (RerunResult::Same, _) => mark("pass", "✓", "same"),
        (RerunResult::Differs, Role::Baseline) => mark("open", "~", "noise"),
        (RerunResult::Differs, Role::Candidate) => mark("fail", "✗", "differs"),
        (RerunResult::Unknown, _) => mark("open", "?", "says nothing"),
    };
    html! {
        tr {
            td { (run.side) } th scope="row" { (shown(&run.run, 60)) } td { (changed) }
            td { (result) } td { (shown(&run.said, 300)) }
            td class="n" { (count(run.rows)) } td class="n" { (count(run.rows_changed)) }
            td class="n" { (count(run.rows_missing)) } td class="n" { (count(run.rows_extra)) }
            td class="value" {
                @for (index, (column, rows)) in run.columns.iter().take(COLUMNS).enumerate() {
                    @if index > 0 { ", " }
                    (shown(column, 60)) " " (count(*rows))
                }
                @if run.columns.len() > COLUMNS { " and " (run.columns.len() - COLUMNS) " more" }
            }
            td class="n" { (count(run.files)) } td class="n" { (count(run.identical_files)) }
        }
    }
}
