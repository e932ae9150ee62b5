//! What a built-in writer counted and timed while it worked: folded away, for whoever looks for the time.

use maud::{Markup, html};

use crate::document::WorkStats;
use crate::page::parts::{scroll, shown};
use crate::words::{bytes, count};

/// The writer's figures, folded.
pub(super) fn work(work: &WorkStats) -> Markup {
    let lines = [
        ("Rows", count(work.rows)),
        ("Batches", count(work.batches)),
        ("Files", count(work.files)),
        ("Row groups", count(work.row_groups)),
        ("Bytes of the files", bytes(work.bytes)),
        ("Sorted runs on disk", count(work.spilled_runs)),
        ("Bytes of the runs", bytes(work.spilled_bytes)),
        ("Runs merged before the last merge", count(work.merged_runs)),
        ("Most bytes waiting to be sorted", bytes(work.peak_buffered)),
        ("Most bytes of the open file", bytes(work.peak_encoding)),
    ];
    let table = html! {
        table {
            caption class="hidden" { "Work of the writer" }
            thead { tr { th scope="col" { "What" } th scope="col" class="n" { "How much" } } }
            tbody {
                @for (name, value) in &lines { tr { th scope="row" { (name) } td class="n" { (value) } } }
                @for stage in &work.stages {
                    tr { th scope="row" { "Time: " (shown(&stage.stage, 60)) } td class="n" { (milliseconds(stage.ns)) } }
                }
            }
        }
    };
    html! {
        details class="fold" {
            summary { "Work of the writer" }
            p { "As the writer counted it. Times are those of its threads, beside other jobs: no measurement." }
            (scroll("Work of the writer", &table))
        }
    }
}

fn milliseconds(ns: u64) -> String {
    format!("{}.{:03} ms", ns / 1_000_000, ns / 1000 % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::StageTime;

    #[test]
    fn all_figures_are_told_and_names_are_escaped() {
        let stage = |stage: &str, ns| StageTime { stage: stage.to_owned(), ns };
        let stats = WorkStats {
            rows: 240_012,
            peak_buffered: 2048,
            stages: vec![stage("encode", 1_002_003_004), stage("<b>", 999)],
            ..WorkStats::default()
        };
        let page = work(&stats).into_string();
        for part in [
            "<details",
            &count(240_012),
            &bytes(2048),
            "Time: <bdi>encode",
            "1002.003 ms",
            "&lt;b&gt;",
            "0.000 ms",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains("<b>"));
    }
}
