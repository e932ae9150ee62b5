//! `trend.html`: runs over time as one self-contained page, in the style of the report's page.
//!
//! It answers in this order: how did the last run end, what changed since the last green one, how did the figures move.

use document::trend::{Run, Since, Trend};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::shared::heading;
use crate::page::parts::{self, Capped, scroll, shape, shown, verdict, verdict_parts};
use crate::page::{POLICY, SCRIPT, STYLE};
use crate::plot;
use crate::words::{self, bytes, count, counted};

/// Runs in the table, the last ones; all are in `trend.csv`.
const RUNS: usize = 400;
/// Changes listed; all are in `trend.json`.
const CHANGES: usize = 300;
const BYTES: usize = 600_000;

/// The page.
#[must_use]
pub fn render(trend: &Trend) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "Parallax: trend of " (counted(trend.runs.len() as u64, "run", "runs")) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#main" { "Skip to the last run" }
                (parts::patterns())
                header class="top" {
                    p class="brand" { "Parallax" span class="sub" { "runs over time" } }
                    nav aria-label="Sections" { ul {
                        li { a href="#since" { "What changed" } }
                        li { a href="#plots" { "Plots" } }
                        li { a href="#runs" { "Runs" } }
                    } }
                }
                main id="main" {
                    @if let Some(last) = trend.runs.last() { (head(last, trend.runs.len())) }
                    @if let Some(since) = &trend.since { (changed(since, trend.runs.len())) }
                    (plots(trend))
                    (runs(trend))
                    (skipped(trend))
                }
                footer { p { "Rendered from trend.json (version " (trend.trend_version) "). Runs are in the order in which they started." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn head(last: &Run, runs: usize) -> Markup {
    let (class, _) = verdict_parts(last.verdict);
    html! {
        section class={ "banner " (class) } aria-labelledby="verdict" {
            (shape(last.verdict))
            div {
                h1 id="verdict" { (words::verdict(last.verdict)) }
                p class="headline" { (shown(&last.headline, 1200)) }
                p class="facts" {
                    "the last of " (counted(runs as u64, "run", "runs")) " · started " (shown(&last.started, 60))
                    " · " (shown(&last.path, 300))
                    @if !last.complete { " · partial: the run ended early" }
                }
            }
        }
    }
}

fn changed(since: &Since, runs: usize) -> Markup {
    let lines = Capped::new(since.changes.iter(), CHANGES, BYTES, |change| {
        html! { tr { th scope="row" { (change.about) } td class="what" { (shown(&change.text, 700)) } } }
    });
    let table = html! {
        table {
            caption class="hidden" { "What changed" }
            thead { tr { th scope="col" { "About" } th scope="col" { "What" } } }
            tbody data-filter="changes" { (lines) }
        }
    };
    html! {
        section id="since" aria-labelledby="since-title" {
            h2 id="since-title" { "What changed since the last green run" }
            p { (heading(since, runs)) }
            @if lines.total > 0 { (scroll("What changed", &table)) (lines.note("changes", "trend.json")) }
        }
    }
}

fn plots(trend: &Trend) -> Markup {
    html! {
        section id="plots" aria-labelledby="plots-title" {
            h2 id="plots-title" { "Plots" }
            div class="plots" {
                @if let Some(drawing) = plot::verdicts(&trend.runs) {
                    figure {
                        (PreEscaped(drawing))
                        figcaption {
                            span class="swatch a" {} " passed " span class="swatch b" {} " inconclusive " span class="swatch f" {} " failed"
                        }
                    }
                }
                @for drawing in plot::runs(&trend.runs) {
                    figure {
                        (PreEscaped(drawing))
                        figcaption { span class="swatch a" {} " baseline (circles) " span class="swatch b" {} " candidate (crosses)" }
                    }
                }
            }
            @if trend.runs.len() > plot::RUNS {
                p class="cap" { "Showing the last " (plot::RUNS) " of " (count(trend.runs.len() as u64)) " runs; all of them are in trend.csv." }
            }
        }
    }
}

fn runs(trend: &Trend) -> Markup {
    let left = trend.runs.len().saturating_sub(RUNS);
    let newest: Vec<(usize, &Run)> = trend.runs.iter().enumerate().skip(left).rev().collect();
    let lines = Capped::new(newest.into_iter(), RUNS, BYTES, |(index, run)| line(index, run));
    let table = html! {
        table {
            caption class="hidden" { "Runs, the last one first" }
            thead { tr {
                th scope="col" class="n" { "Run" } th scope="col" { "Started" } th scope="col" { "Verdict" } th scope="col" { "Jobs" }
                th scope="col" class="n" { "Blockers" } th scope="col" class="n" { "Differing rows" }
                th scope="col" class="n" { "Rows A" } th scope="col" class="n" { "Rows B" }
                th scope="col" class="n" { "Bytes A" } th scope="col" class="n" { "Bytes B" }
                th scope="col" class="n" { "Rows/s A" } th scope="col" class="n" { "Rows/s B" }
                th scope="col" class="n" { "Peak A" } th scope="col" class="n" { "Peak B" } th scope="col" { "Report" }
            } }
            tbody data-filter="runs" { (lines) }
        }
    };
    html! {
        section id="runs" aria-labelledby="runs-title" {
            h2 id="runs-title" { "Runs, the last one first" }
            @if trend.runs.is_empty() { p class="none" { "No report was read." } } @else { (scroll("Runs", &table)) }
            @if lines.items.len() < trend.runs.len() {
                p class="cap" {
                    "Showing " (count(lines.items.len() as u64)) " of " (count(trend.runs.len() as u64)) " runs; all of them are in trend.csv."
                }
            }
            p class="key" { "A is the baseline, B the candidate. Throughput and peak memory are medians, where a run was measured." }
        }
    }
}

fn line(index: usize, run: &Run) -> Markup {
    let figure = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| count(value as u64));
    let size = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| bytes(value as u64));
    html! {
        tr {
            th scope="row" class="n" { (index + 1) }
            td class="when" { (shown(&run.started, 40)) @if let Some(phase) = &run.phase { small { "phase " (shown(phase, 40)) } } }
            td { (verdict(run.verdict)) @if !run.complete { small { "partial" } } }
            td {
                (count(run.jobs_passed)) " passed" @if run.jobs_failed > 0 { ", " (count(run.jobs_failed)) " failed" }
                @if run.jobs_inconclusive > 0 { ", " (count(run.jobs_inconclusive)) " inconclusive" }
            }
            td class="n" { (count(run.blockers)) } td class="n" { (count(run.rows_differing)) }
            td class="n" { (count(run.baseline.rows)) } td class="n" { (count(run.candidate.rows)) }
            td class="n" { (bytes(run.baseline.bytes)) } td class="n" { (bytes(run.candidate.bytes)) }
            td class="n" { (figure(run.baseline.rows_per_second)) } td class="n" { (figure(run.candidate.rows_per_second)) }
            td class="n" { (size(run.baseline.peak_bytes)) } td class="n" { (size(run.candidate.peak_bytes)) }
            td class="place" { (shown(&run.path, 200)) }
        }
    }
}

fn skipped(trend: &Trend) -> Markup {
    let list = Capped::new(trend.skipped.iter(), CHANGES, BYTES, |it| {
        html! { li { span class="place" { (shown(&it.path, 300)) } ": " (shown(&it.reason, 500)) } }
    });
    html! {
        @if list.total > 0 {
            section aria-labelledby="skipped-title" {
                h2 id="skipped-title" { "Reports that could not be read" }
                ul { (list) }
                (list.note("reports", "trend.json"))
            }
        }
    }
}
