//! The trend on a terminal: a line a run, and what changed since the last green one.

use std::fmt::Write;

use document::trend::{Run, Since, Trend};

use super::shared::heading;
use crate::visible::{cut, plain};
use crate::words::{self, bytes, count};
use crate::wrap::wrap;

/// Runs and changes shown; all are in `trend.json`.
const RUNS: usize = 30;
const CHANGES: usize = 40;

/// Columns of what a change is about.
const ABOUT: usize = 8;

/// Renders the document as text, sentences `width` characters wide. Values of the document cannot drive the terminal.
#[must_use]
pub fn render(trend: &Trend, width: usize) -> String {
    let mut out = String::new();
    let left = trend.runs.len().saturating_sub(RUNS);
    if left > 0 {
        let _ = writeln!(out, "{} earlier runs, in trend.csv", count(left as u64));
    }
    let heads = ["run", "started", "verdict", "differing", "rows", "files", "bytes", "rows/s", "peak"];
    let mut lines: Vec<[String; 9]> = vec![heads.map(str::to_owned)];
    lines.extend(trend.runs.iter().enumerate().skip(left).map(|(index, run)| line(index, run)));
    let widths: Vec<usize> = (0..heads.len())
        .map(|column| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or_default())
        .collect();
    for cells in &lines {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _ = writeln!(out, "{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    }
    out.push_str("rows, files, bytes, rows/s and peak are the candidate's; both sides are in trend.csv\n");
    for skipped in &trend.skipped {
        let _ = writeln!(out, "left out: {}: {}", plain(&skipped.path), plain(&skipped.reason));
    }
    if let Some(since) = &trend.since {
        changes(&mut out, since, trend.runs.len(), width);
    }
    out
}

/// What changed, under its heading.
fn changes(out: &mut String, since: &Since, runs: usize, width: usize) {
    out.push_str(&format!("\n{}\n", heading(since, runs)));
    for change in since.changes.iter().take(CHANGES) {
        let (said, more) = cut(&change.text, 300);
        let rest = if more > 0 { "..." } else { "" };
        let lines = wrap(&format!("{}{rest}", plain(said)), width.saturating_sub(ABOUT + 3));
        for (index, line) in lines.iter().enumerate() {
            let about = if index == 0 { change.about.to_string() } else { String::new() };
            let _ = writeln!(out, "  {about:ABOUT$} {line}");
        }
    }
    if since.changes.len() > CHANGES {
        let _ = writeln!(out, "  and {} more, in trend.json", count((since.changes.len() - CHANGES) as u64));
    }
}

fn line(index: usize, run: &Run) -> [String; 9] {
    let verdict = if run.complete {
        words::verdict(run.verdict).to_owned()
    } else {
        format!("{} (partial)", words::verdict(run.verdict))
    };
    let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| count(value as u64));
    let size = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| bytes(value as u64));
    [
        (index + 1).to_string(),
        plain(cut(&run.started, 25).0),
        verdict,
        count(run.rows_differing),
        count(run.candidate.rows),
        count(run.candidate.files),
        bytes(run.candidate.bytes),
        figure(run.candidate.rows_per_second),
        size(run.candidate.peak_bytes),
    ]
}
