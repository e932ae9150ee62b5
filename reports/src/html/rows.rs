//! Row differences: counts, the columns that changed and how, and samples with their changed characters marked.
//!
//! The two values of a cell stand one above the other in a fixed-width face, so that equal characters line up and the
//! eye finds the place. Marks are strike and underline as well as colour.

use maud::{Markup, html};

use crate::blast::{BlastCounts, BlastRadius};
use crate::document::Place;
use crate::evidence::{CellDifference, RowDifference, RowDifferenceKind, RowsEvidence, Value};
use crate::mark::{Marked, mark};
use crate::page::parts::{Capped, command, escaped, left_out, scroll, shown};
use crate::words::{self, count, counted};

/// Samples shown of one job.
const SAMPLES: usize = 50;
/// Bytes that samples of one job may use.
const SAMPLES_BYTES: usize = 300_000;
/// Cells shown of one sample.
const CELLS: usize = 30;
const CELLS_BYTES: usize = 60_000;
/// Lines of the table of changed columns.
const COLUMNS: usize = 100;
const COLUMNS_BYTES: usize = 40_000;
/// Lines of the blast radius.
const GROUPS: usize = 50;
const GROUPS_BYTES: usize = 40_000;
/// Characters of a value that stands alone.
const VALUE: usize = 300;

pub(super) fn render(rows: &RowsEvidence) -> Markup {
    let differing = rows.changed.saturating_add(rows.missing).saturating_add(rows.extra);
    html! {
        h4 { "Row differences" }
        (counts(rows))
        (columns(rows))
        @if let Some(table) = &rows.blast { (blast(table)) }
        @if differing > 0 { (samples(rows, differing)) }
        (elsewhere(rows))
        (method(rows))
    }
}

fn counts(rows: &RowsEvidence) -> Markup {
    let figure = |name: &str, number: u64, bad: bool| {
        html! { div class=(if bad && number > 0 { "fail" } else { "" }) { dt { (name) } dd { (count(number)) } } }
    };
    html! {
        dl class="tiles small" {
            (figure("rows of the baseline", rows.rows_baseline, false))
            (figure("rows of the candidate", rows.rows_candidate, false))
            (figure("equal", rows.equal, false))
            (figure("changed", rows.changed, true))
            (figure("missing in the candidate", rows.missing, true))
            (figure("extra in the candidate", rows.extra, true))
            @if let Some(noise) = &rows.noise {
                (figure("undecided: noise of the baseline", noise.undecided(), false))
                (figure("as another run of the baseline", noise.reproduced, false))
            }
        }
    }
}

fn columns(rows: &RowsEvidence) -> Markup {
    if rows.columns.is_empty() {
        return html! {};
    }
    let lines = Capped::new(rows.columns.iter(), COLUMNS, COLUMNS_BYTES, |column| {
        html! {
            tr {
                th scope="row" class="value" { (shown(&column.column, 120)) }
                td class="n" { (count(column.rows)) }
                td {
                    @for (index, (kind, number)) in column.kinds.iter().take(20).enumerate() {
                        @if index > 0 { ", " }
                        (shown(kind, 40)) " " (count(*number))
                    }
                }
            }
        }
    });
    let table = html! {
        table {
            caption { "Changed columns" }
            thead { tr { th scope="col" { "Column" } th scope="col" class="n" { "Rows changed" } th scope="col" { "How" } } }
            tbody { (lines) }
        }
    };
    html! {
        (scroll("Changed columns", &table))
        (lines.note("columns", "report.json"))
    }
}

/// Differing rows by the columns of `--by`. The lines add up to all of them.
fn blast(blast: &BlastRadius) -> Markup {
    let figures = |counts: &BlastCounts| {
        html! {
            td class="n" { (count(counts.rows())) } td class="n" { (count(counts.changed)) }
            td class="n" { (count(counts.missing)) } td class="n" { (count(counts.extra)) }
        }
    };
    let lines = Capped::new(blast.groups.iter(), GROUPS, GROUPS_BYTES, |group| {
        html! {
            tr {
                @for value in group.values.iter().take(20) {
                    td class="value" {
                        @match value { Some(text) => (shown(text, 120)), None => span class="null" { "null" } }
                    }
                }
                (figures(&group.counts))
            }
        }
    });
    let table = html! {
        table {
            caption { "Blast radius: differing rows by " (shown(&blast.by.join(", "), 300)) }
            thead { tr {
                @for column in blast.by.iter().take(20) { th scope="col" { (shown(column, 80)) } }
                th scope="col" class="n" { "Rows" } th scope="col" class="n" { "Changed" }
                th scope="col" class="n" { "Missing" } th scope="col" class="n" { "Extra" }
            } }
            tbody {
                (lines)
                @if let Some(other) = &blast.other {
                    tr { td colspan=(blast.by.len().clamp(1, 20)) { "all other groups" } (figures(other)) }
                }
            }
        }
    };
    html! {
        (scroll("Blast radius", &table))
        (lines.note("groups", "blast.csv"))
        @if blast.not_told_apart > 0 {
            p class="cap" {
                "There were more groups than are told apart: " (counted(blast.not_told_apart, "row", "rows"))
                " of groups met late count under all other groups, whatever their size. Every other count is exact."
            }
        }
    }
}

/// Where all differing rows are, and how to count them by other means.
fn elsewhere(rows: &RowsEvidence) -> Markup {
    html! {
        @if let Some(file) = &rows.differences {
            p { "Every differing row with whole values: " code { (shown(file, 300)) } }
        }
        @if let Some(query) = &rows.duckdb {
            details {
                summary { "Verify with DuckDB" }
                (command(query, 20_000))
                @if !rows.duckdb_blind.is_empty() {
                    p { "What this query does not see:" }
                    ul { @for sentence in rows.duckdb_blind.iter().take(100) { li { (shown(sentence, 500)) } } }
                    @if let Some(more @ 1..) = rows.duckdb_blind.len().checked_sub(100) {
                        p { (counted(more as u64, "further column is", "further columns are")) " named in report.json." }
                    }
                }
            }
        }
        @if let Some(key) = &rows.hash_key {
            p { "Key of the row hashes, drawn for this comparison: " code { (shown(key, 64)) } }
        }
    }
}

fn samples(rows: &RowsEvidence, differing: u64) -> Markup {
    let list = Capped::new(rows.samples.iter(), SAMPLES, SAMPLES_BYTES, sample);
    let kept = rows.samples.len() as u64;
    html! {
        p class="cap" {
            "Showing " (count(list.items.len() as u64)) " of " (counted(differing, "differing row", "differing rows")) "."
            @if (list.items.len() as u64) < kept { " rows.csv holds " (count(kept)) " of them." }
            @if kept < differing { " The run kept samples up to its limit of " (count(rows.sample_limit)) "; counts are exact." }
        }
        p class="key" {
            span class="side a" { "A" } " baseline, " span class="side b" { "B" } " candidate; "
            del { "changed in A" } ", " ins { "changed in B" } "; "
            span class="esc" { r"\n" } " stands for a character that cannot be seen, "
            span class="esc" { "·" } " for a space that matters."
        }
        (list)
    }
}

fn sample(row: &RowDifference) -> Markup {
    let (class, shape, word) = match row.kind {
        RowDifferenceKind::Changed => ("open", "≠", "changed"),
        RowDifferenceKind::Missing => ("fail", "−", "missing in the candidate"),
        RowDifferenceKind::Extra => ("fail", "+", "extra in the candidate"),
    };
    let cells = Capped::new(row.cells.iter(), CELLS, CELLS_BYTES, |cell| match row.kind {
        RowDifferenceKind::Changed => changed(cell),
        RowDifferenceKind::Missing => alone(cell, &cell.baseline, "a", "A"),
        RowDifferenceKind::Extra => alone(cell, &cell.candidate, "b", "B"),
    });
    let table = html! {
        table class="diff" {
            caption {
                (crate::page::parts::mark(class, shape, word)) " "
                @for (index, cell) in row.key.iter().take(8).enumerate() {
                    @if index > 0 { ", " }
                    (shown(&cell.column, 80)) " = " span class="value" { (value(&cell.value, 120)) }
                }
                span class="where" {
                    (place("A", row.baseline.as_ref())) (place("B", row.candidate.as_ref()))
                }
            }
            thead class="hidden" { tr { th scope="col" { "Column" } th scope="col" { "Values" } } }
            tbody { (cells) }
        }
    };
    html! {
        (scroll("Row difference", &table))
        (cells.note("columns of this row", "rows.csv"))
    }
}

fn place(side: &str, place: Option<&Place>) -> Markup {
    html! {
        @if let Some(text) = place.and_then(words::place) { span { (side) ": " (shown(&text, 300)) } }
    }
}

fn changed(cell: &CellDifference) -> Markup {
    let (old, new) = (&cell.baseline, &cell.candidate);
    let (old_view, new_view) = match (&old.text, &new.text) {
        (Some(old_text), Some(new_text)) if old_text != new_text => {
            let (old_marked, new_marked) = mark(old_text, new_text);
            (marked(&old_marked, false), marked(&new_marked, true))
        }
        _ => (value(old, VALUE), value(new, VALUE)),
    };
    let typed = old.type_class != new.type_class;
    let alike = old.text.is_some() && old.text == new.text && !typed;
    html! {
        tr {
            th scope="row" { span class="value" { (shown(&cell.column, 120)) } small { (shown(&cell.kind, 40)) } }
            td {
                (line("a", "A", "baseline", old, &old_view, typed))
                (line("b", "B", "candidate", new, &new_view, typed))
                @if alike {
                    p class="cap" { "Alike as far as the values were kept; they differ in what was cut." }
                }
            }
        }
    }
}

fn alone(cell: &CellDifference, only: &Value, class: &str, letter: &str) -> Markup {
    let side = if class == "a" { "baseline" } else { "candidate" };
    html! {
        tr {
            th scope="row" { span class="value" { (shown(&cell.column, 120)) } }
            td { (line(class, letter, side, only, &value(only, VALUE), false)) }
        }
    }
}

fn line(class: &str, letter: &str, side: &str, of: &Value, view: &Markup, typed: bool) -> Markup {
    html! {
        div class="line" {
            span class={ "side " (class) } title=(side) { (letter) }
            span class="value" {
                (view)
                @if let Some(length) = of.cut_from { span class="cut" { " (cut from " (counted(length, "byte", "bytes")) " by the run)" } }
                @if typed && of.text.is_some() { " " span class="tag" { (shown(&of.type_class, 40)) } }
            }
        }
    }
}

/// A value with nothing to compare it to: null, empty and text are three different things.
fn value(value: &Value, limit: usize) -> Markup {
    match value.text.as_deref() {
        None => html! { span class="null" { "null" } },
        Some("") => html! { span class="null" { "empty" } },
        Some(text) => shown(text, limit),
    }
}

fn marked(marked: &Marked, new: bool) -> Markup {
    if marked.runs.is_empty() && marked.before == 0 {
        return html! { span class="null" { "empty" } };
    }
    let last = marked.runs.len().saturating_sub(1);
    html! {
        @if marked.before > 0 { (left_out(marked.before)) }
        bdi {
            @for (index, run) in marked.runs.iter().enumerate() {
                @if run.changed && new { ins { (spaced(&run.text)) } }
                @else if run.changed { del { (spaced(&run.text)) } }
                @else if index == last && marked.after == 0 && run.text.ends_with(' ') { (spaced(&run.text)) }
                @else { (escaped(&run.text)) }
            }
        }
        @if marked.after > 0 {
            (left_out(marked.after))
            @if marked.more { span class="cut" { " (which may differ too)" } }
        }
    }
}

/// Text in which even plain spaces are to be seen.
fn spaced(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split(' ').enumerate() {
            @if index > 0 { span class="esc" { "·" } }
            (escaped(part))
        }
    }
}

/// How rows were paired and what was left out: a reader must be able to doubt it.
fn method(rows: &RowsEvidence) -> Markup {
    let list = |map: &std::collections::BTreeMap<String, String>| {
        let list = Capped::new(map.iter(), COLUMNS, COLUMNS_BYTES, |(column, reason)| {
            html! { li { code { (shown(column, 120)) } ": " (shown(reason, 300)) } }
        });
        html! { ul { (list) } (list.note("columns", "report.json")) }
    };
    html! {
        dl class="facts" {
            @if !rows.row_keys.is_empty() {
                div { dt { "Row key" } dd {
                    @for (index, key) in rows.row_keys.iter().take(10).enumerate() {
                        @if index > 0 { ", else " }
                        code { (shown(&key.join(", "), 300)) }
                    }
                } }
            }
            @if !rows.pairing.is_empty() { div { dt { "Paired" } dd { (shown(&rows.pairing, 300)) } } }
            @if !rows.ignored.is_empty() { div { dt { "Not compared" } dd { (list(&rows.ignored)) } } }
            @if !rows.tolerances.is_empty() { div { dt { "Under tolerance" } dd { (list(&rows.tolerances)) } } }
        }
    }
}
