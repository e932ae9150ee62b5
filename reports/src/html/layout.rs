//! How the files of both sides are laid out: what is the same byte for byte, each side as a whole, and the columns that differ.

use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};

use super::sides::{Line, plain, table};
use crate::document::Role;
use crate::layout::{ColumnLayout, ColumnLayouts, Identical, LayoutEvidence, Schemas, Shared, SideLayout};
use crate::page::parts::{Capped, scroll, shown};
use crate::words::{bytes, count, counted};

/// Columns listed.
const COLUMNS: usize = 60;
const COLUMN_BYTES: usize = 40_000;
/// Lines of the schemas that are compared, and shown.
const SCHEMA_LINES: usize = 400;
const SCHEMA_BYTES: usize = 30_000;

/// What the LAYOUT check saw.
pub(super) fn render(layout: &LayoutEvidence) -> Markup {
    let roles: Vec<Role> = layout.sides.iter().map(|side| side.side).collect();
    let line = |name: &'static str, meaning, cell: &dyn Fn(&SideLayout) -> Markup| {
        Line::of(html! { (name) }, meaning, &layout.sides, cell)
    };
    let list = |texts: &[String]| html! { (shown(&texts.join(", "), 200)) };
    let of_chunks = |number: u64, side: &SideLayout| html! { (count(number)) " of " (count(side.chunks)) };
    let held = vec![
        line("Row groups", "", &|side| plain(side.row_groups)),
        line("Rows of a row group", "smallest, median, largest", &|side| {
            html! { (side.row_group_rows.map(count).join(" / ")) }
        }),
        line("Largest row group", "before compression", &|side| html! { (bytes(side.largest_row_group)) }),
        line("Statistics", "column chunks with bounds or counts in the footer", &|side| {
            of_chunks(side.statistics, side)
        }),
        line("Page index", "column chunks with column and offset index", &|side| {
            of_chunks(side.page_index, side)
        }),
        line("Bloom filters", "column chunks", &|side| plain(side.bloom_filters)),
        line("Page checksums", "pages that have one; all were verified", &|side| plain(side.checksums)),
        line("Bounds not judged", "column chunks whose type has no defined order", &|side| {
            plain(side.unordered)
        }),
        line("Sorted by", "as declared; each row group was held against it", &|side| {
            let declared = side.sorting.iter();
            let words: Vec<String> = declared
                .map(|(words, groups)| format!("{words} ({})", counted(*groups, "row group", "row groups")))
                .collect();
            html! { @if words.is_empty() { "nothing declared" } @else { (list(&words)) } }
        }),
        line("Written by", "named in the footer", &|side| list(&side.created_by)),
        line(
            "Metadata keys",
            "of the footer",
            &|side| html! { @if side.keys.is_empty() { "none" } @else { (list(&side.keys)) } },
        ),
    ];
    html! {
        h4 { "Layout" }
        @if let Some(identical) = &layout.identical { (same(identical)) }
        (table("Layout of each side", &roles, &[("", held)]))
        (columns(&layout.columns))
        @if let Some(schemas) = &layout.schemas { (order(schemas)) }
    }
}

fn same(identical: &Identical) -> Markup {
    let part = |shared: &Shared, one: &str, many: &str| {
        format!("{} of {}", count(shared.equal), counted(shared.candidate, one, many))
    };
    html! {
        p {
            "Byte for byte the same on both sides: "
            b { (part(&identical.files, "file", "files")) } ", "
            (part(&identical.row_groups, "row group", "row groups")) ", "
            (part(&identical.chunks, "column chunk", "column chunks")) " of the candidate."
        }
    }
}

/// Whether anything but sizes differs.
fn differs(column: &ColumnLayouts) -> bool {
    match (&column.baseline, &column.candidate) {
        (Some(a), Some(b)) => a.codecs != b.codecs || a.encodings != b.encodings,
        (None, None) => false,
        _ => true,
    }
}

fn columns(all: &[ColumnLayouts]) -> Markup {
    let changed: Vec<&ColumnLayouts> = all.iter().filter(|column| differs(column)).collect();
    let lines = Capped::new(changed.iter(), COLUMNS, COLUMN_BYTES, |column| {
        html! {
            tr {
                th scope="row" class="value" { (shown(&column.column, 120)) }
                td { (chunks(column.baseline.as_ref())) } td { (chunks(column.candidate.as_ref())) }
            }
        }
    });
    let table = html! {
        table {
            caption class="hidden" { "Columns in another codec or encoding" }
            thead { tr { th scope="col" { "Column" } th scope="col" { "Baseline" } th scope="col" { "Candidate" } } }
            tbody { (lines) }
        }
    };
    let same = all.len() - changed.len();
    html! {
        p {
            (counted(same as u64, "column has", "columns have")) " the same codec and encodings on both sides, "
            (count(changed.len() as u64)) (if changed.len() == 1 { " has not." } else { " have not." })
            " layout.csv holds the sizes of all."
        }
        @if !changed.is_empty() { (scroll("Columns in another codec or encoding", &table)) }
        (lines.note("columns", "layout.csv"))
    }
}

fn chunks(column: Option<&ColumnLayout>) -> Markup {
    html! {
        @match column {
            Some(it) => {
                (shown(&it.encodings.join(", "), 120)) " · " (shown(&it.codecs.join(", "), 60))
                small {
                    (bytes(it.compressed)) " in " (counted(it.pages, "page", "pages"))
                    @if it.fallbacks > 0 { ", dictionary given up in " (count(it.fallbacks)) " of " (counted(it.chunks, "chunk", "chunks")) }
                }
            }
            None => span class="null" { "absent" },
        }
    }
}

/// The schemas line by line.
fn order(schemas: &Schemas) -> Markup {
    let head = |text: &str| {
        let lines: Vec<&str> = text.lines().take(SCHEMA_LINES).collect();
        (lines.join("\n") + "\n", text.lines().count() > SCHEMA_LINES)
    };
    let ((a, cut_a), (b, cut_b)) = (head(&schemas.baseline), head(&schemas.candidate));
    let diff = TextDiff::from_lines(&a, &b);
    let changes: Vec<_> = diff.iter_all_changes().collect();
    let lines = Capped::new(changes.iter(), 2 * SCHEMA_LINES, SCHEMA_BYTES, |change| {
        let (class, sign) = match change.tag() {
            ChangeTag::Delete => ("old", "-"),
            ChangeTag::Insert => ("new", "+"),
            ChangeTag::Equal => ("", " "),
        };
        html! { span class=(class) { (sign) " " (shown(change.value().trim_end_matches('\n'), 200)) "\n" } }
    });
    html! {
        details {
            summary { "Parquet schemas of the first files, line by line: - baseline, + candidate" }
            pre tabindex="0" { code { (lines) } }
            (lines.note("lines", "report.json"))
            @if cut_a || cut_b { p class="cap" { "Only the first " (SCHEMA_LINES) " lines were compared; report.json holds both schemas." } }
        }
    }
}
