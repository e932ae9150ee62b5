//! The sides of a job: who performed it, how it ended, how large the files are that they left.

use maud::{Markup, PreEscaped, html};

use crate::document::{PassedOver, SideKind, SideOutcome, SideReport};
use crate::evidence::{SizeSummary, SizesEvidence};
use crate::page::parts::{Capped, mark, scroll, shown, shown_lines};
use crate::plot;
use crate::words::{bytes, count, duration, percent, shell};

/// Characters of a failed side's stderr.
const STDERR: usize = 8000;

/// Entries that were not read, listed of one side.
const PASSED_OVER: usize = 100;
const PASSED_OVER_BYTES: usize = 40_000;

/// Who performed the job and how it ended.
pub(super) fn side(title: &str, side: &SideReport) -> Markup {
    let kind = match side.side.kind {
        SideKind::Legacy => "built-in legacy writer",
        SideKind::Unified => "built-in unified writer",
        SideKind::Fault => "unified writer with a planted fault",
        SideKind::Command => "external program",
        SideKind::Recorded => "recorded output",
    };
    html! {
        div {
            h5 { (title) ": " (shown(&side.side.name, 120)) }
            dl class="facts" {
                div { dt { "Kind" } dd { (kind) @if let Some(version) = &side.side.version { ", version " (shown(version, 60)) } } }
                @if let Some(digest) = &side.side.digest { div { dt { "Digest" } dd { code { (shown(digest, 64)) } } } }
                @if let Some(covers) = &side.side.digest_covers { div { dt { "Digest covers" } dd { (shown(covers, 600)) } } }
                @if !side.side.command.is_empty() {
                    div { dt { "Command" } dd class="value" { (shown(&shell(&side.side.command), 2000)) } }
                }
                @if let Some(given) = side.inputs_given { div { dt { "Inputs" } dd { (given.meaning()) } } }
                (outcome(&side.outcome))
                @if let Some(time) = side.duration_ms { div { dt { "Took" } dd { (duration(time)) " (jobs run side by side: no measurement)" } } }
                @if let Some(path) = &side.kept { div { dt { "Output kept in" } dd class="value" { (shown(path, 300)) } } }
            }
            (passed_over(&side.passed_over))
            @if let Some(work) = &side.work { (super::work::work(work)) }
            @if let SideOutcome::Failed { stderr: Some(stderr), .. } = &side.outcome {
                h6 { "Last lines of stderr" }
                pre tabindex="0" { (last(stderr)) }
            }
        }
    }
}

/// What lies in the output directory and was not read, with the reason.
fn passed_over(entries: &[PassedOver]) -> Markup {
    let lines = Capped::new(entries.iter(), PASSED_OVER, PASSED_OVER_BYTES, |entry| {
        html! {
            tr {
                th scope="row" class="value" { (shown(&entry.path, 200)) }
                td { (entry.why.meaning()) }
                td class="n" { (count(entry.files)) }
                td class="n" {
                    @if entry.parquet == 0 { "0" } @else { (mark("info", "i", &count(entry.parquet))) }
                }
            }
        }
    });
    let table = html! {
        table {
            caption class="hidden" { "Passed over" }
            thead { tr {
                th scope="col" { "Not read" } th scope="col" { "Why" } th scope="col" class="n" { "Files" }
                th scope="col" class="n" { "Look like data" }
            } }
            tbody { (lines) }
        }
    };
    html! {
        @if !entries.is_empty() {
            details {
                summary { "Passed over: " (count(entries.len() as u64)) }
                (scroll("Passed over", &table))
                (lines.note("entries", "files.csv"))
            }
        }
    }
}

/// The end of a long text: the reason of a failure stands there.
fn last(text: &str) -> Markup {
    let skip = text.chars().count().saturating_sub(STDERR);
    let tail = text.char_indices().nth(skip).map_or("", |(start, _)| &text[start..]);
    html! {
        @if skip > 0 { (crate::page::parts::left_out(skip)) "\n" }
        (shown_lines(tail, STDERR))
    }
}

fn outcome(outcome: &SideOutcome) -> Markup {
    html! {
        div { dt { "Outcome" } dd {
            @match outcome {
                SideOutcome::Completed => { (mark("pass", "✓", "completed")) }
                SideOutcome::Recorded => { (mark("na", "–", "recorded earlier, nothing ran")) }
                SideOutcome::Failed { failure, exit_status, signal, .. } => {
                    (mark("fail", "✗", "failed")) " (" (failure.class) "): " (shown(&failure.message, 1000))
                    @if let Some(status) = exit_status { " Exit status " (status) "." }
                    @if let Some(signal) = signal { " Ended by signal " (signal) "." }
                }
            }
        } }
    }
}

/// File sizes of both sides: plots and the same in figures.
pub(super) fn sizes(sizes: &SizesEvidence) -> Markup {
    let sides = [("Baseline", &sizes.baseline), ("Candidate", &sizes.candidate)];
    let table = html! {
        table {
            caption class="hidden" { "File sizes" }
            thead { tr {
                th scope="col" { "Side" } th scope="col" class="n" { "Files" } th scope="col" class="n" { "Total" }
                th scope="col" class="n" { "Bytes a row" } th scope="col" class="n" { "Smallest" } th scope="col" class="n" { "25 %" }
                th scope="col" class="n" { "Median" } th scope="col" class="n" { "75 %" } th scope="col" class="n" { "Largest" }
                th scope="col" class="n" { "Coefficient of variation" }
                th scope="col" class="n" { "Below 30 % of target" } th scope="col" class="n" { "Above 200 %" }
            } }
            tbody { @for (name, summary) in sides { @if let Some(summary) = summary { (size_line(name, summary)) } } }
        }
    };
    html! {
        h4 { "File sizes" }
        p {
            @match sizes.target { Some(target) => { "Target " (bytes(target)) "." } None => { "No target known." } }
            @if sizes.small_sample { " Fewer than 10 files on a side: the distributions are not compared, only counts and bounds." }
            @if let Some(distance) = sizes.kolmogorov_smirnov { " Kolmogorov-Smirnov statistic " (format!("{distance:.3}")) "." }
            @if let Some(distance) = sizes.wasserstein { " Wasserstein distance " (format!("{distance:.3}")) " baseline deviations." }
        }
        div class="plots" {
            @for drawing in plot::sizes(sizes) {
                figure {
                    (PreEscaped(drawing))
                    figcaption {
                        span class="swatch a" {} " baseline " span class="swatch b" {} " candidate"
                        @if sizes.target.is_some() { " " span class="swatch t" {} " target" }
                    }
                }
            }
            @if let Some(drawing) = plot::over_index(sizes) {
                figure {
                    (PreEscaped(drawing))
                    figcaption {
                        span class="swatch a" {} " baseline (circles) " span class="swatch b" {} " candidate (crosses)"
                        @if sizes.target.is_some() { " " span class="swatch t" {} " target" }
                    }
                }
            }
        }
        (scroll("File sizes", &table))
    }
}

fn size_line(name: &str, summary: &SizeSummary) -> Markup {
    let share = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), percent);
    let decimal = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    html! {
        tr {
            th scope="row" { (name) }
            td class="n" { (count(summary.sizes.len() as u64)) } td class="n" { (bytes(summary.total)) }
            td class="n" { (decimal(summary.bytes_per_row)) }
            @for index in 0..5 {
                td class="n" { @match summary.quantiles.get(index) { Some(size) => { (bytes(*size)) } None => { "–" } } }
            }
            td class="n" { (decimal(summary.coefficient_of_variation)) }
            td class="n" { (share(summary.share_below_30)) } td class="n" { (share(summary.share_above_200)) }
        }
    }
}
