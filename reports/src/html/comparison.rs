//! Schema, order and metadata of both sides.

use maud::{Markup, html};

use crate::document::Role;
use crate::evidence::{ColumnComparison, ColumnInfo, MetadataEvidence, OrderEvidence};
use crate::page::parts::{Capped, mark, scroll, shown};
use crate::words::{self, count, counted};

/// Lines of each table.
const LINES: usize = 100;
const BYTES: usize = 80_000;

/// Columns that differ; the same ones are counted.
pub(super) fn schema(columns: &[ColumnComparison]) -> Markup {
    if columns.is_empty() {
        return html! {};
    }
    let changed: Vec<_> = columns.iter().filter(|column| column.change != "same").collect();
    let same = columns.len() - changed.len();
    let lines = Capped::new(changed.iter(), LINES, BYTES, |column| {
        html! {
            tr {
                th scope="row" class="value" { (shown(&column.column, 120)) }
                td { b { (shown(&column.change, 40)) } }
                td { (declaration(column.baseline.as_ref())) } td { (declaration(column.candidate.as_ref())) }
            }
        }
    });
    let table = html! {
        table {
            caption class="hidden" { "Columns that differ" }
            thead { tr {
                th scope="col" { "Column" } th scope="col" { "Change" } th scope="col" { "Baseline" } th scope="col" { "Candidate" }
            } }
            tbody { (lines) }
        }
    };
    html! {
        h4 { "Schema" }
        p {
            (counted(same as u64, "column is", "columns are")) " the same on both sides, "
            (count(changed.len() as u64)) (if changed.len() == 1 { " differs." } else { " differ." })
        }
        @if !changed.is_empty() { (scroll("Columns that differ", &table)) }
        (lines.note("columns", "report.json"))
    }
}

fn declaration(column: Option<&ColumnInfo>) -> Markup {
    html! {
        @if let Some(column) = column {
            span class="value" {
                (shown(&column.type_class, 60)) " · " (shown(&column.physical, 60))
                @if !column.logical.is_empty() { " · " (shown(&column.logical, 80)) }
                @if column.nullable { " · nullable" } @else { " · required" }
            }
            small {
                (counted(column.values, "value", "values")) " in " (counted(column.files, "file", "files"))
            }
        } @else {
            span class="null" { "absent" }
        }
    }
}

/// What the ORDER check saw, one line a side.
pub(super) fn order(order: &[OrderEvidence]) -> Markup {
    if order.is_empty() {
        return html! {};
    }
    let lines = Capped::new(order.iter(), LINES, BYTES, |side| {
        let ordered = side.inversions == 0 && side.overlaps == 0;
        html! {
            tr {
                th scope="row" { (side.side) }
                td { @if ordered { (mark("pass", "✓", "in order")) } @else { (mark("fail", "✗", "out of order")) } }
                td class="value wide" { (shown(&side.sort_key.join(", "), 200)) }
                td class="n" { (count(side.rows)) } td class="n" { (count(side.inversions)) }
                td class="wide" {
                    @match side.first.as_ref().and_then(words::place) { Some(place) => { (shown(&place, 300)) } None => { "–" } }
                }
                td class="n" {
                    @match &side.largest_displacement { Some(text) => { (shown(text, 60)) } None => { "–" } }
                }
                td class="n" { (count(side.missing_keys)) } td class="n" { (count(side.overlaps)) }
                td { (shown(&side.file_order, 60)) }
            }
        }
    });
    let table = html! {
        table {
            caption class="hidden" { "Order of each side" }
            thead { tr {
                th scope="col" { "Side" } th scope="col" { "Order" } th scope="col" { "Sort key" } th scope="col" class="n" { "Rows" }
                th scope="col" class="n" { "Inversions" } th scope="col" { "First inversion" }
                th scope="col" class="n" { "Largest displacement" } th scope="col" class="n" { "Rows without key" }
                th scope="col" class="n" { "Overlapping files" } th scope="col" { "Files taken by" }
            } }
            tbody { (lines) }
        }
    };
    html! { h4 { "Order" } (scroll("Order of each side", &table)) (lines.note("lines", "report.json")) }
}

/// Fields in which the manifest and the rows disagree; the others are counted.
pub(super) fn metadata(fields: &[MetadataEvidence]) -> Markup {
    if fields.is_empty() {
        return html! {};
    }
    // The candidate is the one that is judged: its disagreements come first.
    let mut wrong: Vec<_> = fields.iter().filter(|field| !field.agrees).collect();
    wrong.sort_by_key(|field| field.side == Role::Baseline);
    let agree = fields.len() - wrong.len();
    let lines = Capped::new(wrong.iter(), LINES, BYTES, |field| {
        let cell = |value: &Option<String>| match value {
            Some(text) => html! { td class="n value" { (shown(text, 200)) } },
            None => html! { td class="n" { span class="null" { "absent" } } },
        };
        html! {
            tr {
                th scope="row" { (field.side) } td class="value" { (shown(&field.file, 200)) }
                td { code { (shown(&field.field, 60)) } } (cell(&field.stated)) (cell(&field.recomputed))
            }
        }
    });
    let table = html! {
        table {
            caption class="hidden" { "Metadata that disagrees with the rows" }
            thead { tr {
                th scope="col" { "Side" } th scope="col" { "File" } th scope="col" { "Field" }
                th scope="col" class="n" { "Manifest says" } th scope="col" class="n" { "Rows give" }
            } }
            tbody { (lines) }
        }
    };
    html! {
        h4 { "Metadata" }
        p {
            (counted(agree as u64, "field agrees", "fields agree")) " with the rows, "
            (count(wrong.len() as u64)) (if wrong.len() == 1 { " does not." } else { " do not." })
        }
        @if !wrong.is_empty() { (scroll("Metadata that disagrees with the rows", &table)) }
        (lines.note("disagreements", "report.json"))
    }
}
