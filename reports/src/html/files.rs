//! The sides of a job: who performed it, how it ended, which files they left, how large those are.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use super::parts::{Capped, mark, scroll, shown, shown_lines};
use crate::document::{FileInfo, JobReport, SideKind, SideOutcome, SideReport, StatedFile};
use crate::evidence::{SizeSummary, SizesEvidence};
use crate::plot;
use crate::words::{bytes, count, counted, duration, percent, shell};

/// Files listed of one side.
const FILES: usize = 200;
const FILES_BYTES: usize = 120_000;
/// Files of both sides together up to which the lists stand open.
const OPEN_FILES: usize = 16;
/// Characters of a failed side's stderr.
const STDERR: usize = 8000;

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
                @if !side.side.command.is_empty() {
                    div { dt { "Command" } dd class="value" { (shown(&shell(&side.side.command), 2000)) } }
                }
                (outcome(&side.outcome))
                @if let Some(time) = side.duration_ms { div { dt { "Took" } dd { (duration(time)) " (jobs run side by side: no measurement)" } } }
                @if let Some(manifest) = &side.manifest {
                    @if let Some(writer) = &manifest.writer { div { dt { "Writer" } dd { (shown(writer, 120)) } } }
                    @if let Some(rows) = manifest.rows_read { div { dt { "Rows read" } dd { (count(rows)) } } }
                    @if !manifest.rows_dropped.is_empty() {
                        div { dt { "Rows dropped" } dd {
                            @for (index, (reason, rows)) in manifest.rows_dropped.iter().take(20).enumerate() {
                                @if index > 0 { ", " }
                                (shown(reason, 80)) " " (count(*rows))
                            }
                        } }
                    }
                }
                @if let Some(path) = &side.kept { div { dt { "Output kept in" } dd class="value" { (shown(path, 300)) } } }
            }
            @if let SideOutcome::Failed { stderr: Some(stderr), .. } = &side.outcome {
                h6 { "Last lines of stderr" }
                pre tabindex="0" { (last(stderr)) }
            }
        }
    }
}

/// The end of a long text: the reason of a failure stands there.
fn last(text: &str) -> Markup {
    let skip = text.chars().count().saturating_sub(STDERR);
    let tail = text.char_indices().nth(skip).map_or("", |(start, _)| &text[start..]);
    html! {
        @if skip > 0 { (super::parts::left_out(skip)) "\n" }
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

/// Both sides' files, each beside what its manifest says of it.
pub(super) fn manifests(job: &JobReport) -> Markup {
    let files = job.baseline.iter().chain([&job.candidate]).map(|side| side.files.len()).sum::<usize>();
    html! {
        h4 { "Files and manifests" }
        details class="fold" open[files <= OPEN_FILES] {
            summary {
                @if let Some(baseline) = &job.baseline {
                    "Baseline " (counted(baseline.files.len() as u64, "file", "files")) ", candidate "
                }
                (counted(job.candidate.files.len() as u64, "file", "files"))
            }
            div class="pair" {
                @if let Some(baseline) = &job.baseline { (files_of("Baseline", baseline)) }
                (files_of("Candidate", &job.candidate))
            }
        }
    }
}

fn files_of(title: &str, side: &SideReport) -> Markup {
    let mut stated: BTreeMap<&str, Vec<&StatedFile>> = BTreeMap::new();
    for entry in side.manifest.iter().flat_map(|manifest| &manifest.files) {
        stated.entry(&entry.path).or_default().push(entry);
    }
    let mut lines: Vec<(&str, Option<&FileInfo>, Option<&StatedFile>)> = Vec::new();
    for file in &side.files {
        match stated.remove(file.path.as_str()) {
            None => lines.push((&file.path, Some(file), None)),
            Some(entries) => {
                lines.extend(entries.into_iter().map(|entry| (file.path.as_str(), Some(file), Some(entry))))
            }
        }
    }
    let absent = side.manifest.iter().flat_map(|manifest| &manifest.files);
    for entry in absent.filter(|entry| stated.contains_key(entry.path.as_str())) {
        lines.push((&entry.path, None, Some(entry)));
    }
    let rows = Capped::new(lines.into_iter(), FILES, FILES_BYTES, |(path, found, entry)| {
        file(path, found, entry, side.manifest.is_some())
    });
    let table = html! {
        table class="files" {
            caption { (title) @if side.manifest.is_none() { ", without a manifest" } }
            thead { tr {
                th scope="col" { "File" } th scope="col" class="n" { "Rows" } th scope="col" class="n" { "Bytes" }
                th scope="col" class="n" { "First and last timestamp" } th scope="col" { "Split" }
                th scope="col" class="n" { "Fingerprints" }
            } }
            tbody {
                @if rows.total == 0 { tr { td colspan="6" { span class="null" { "no file" } } } }
                (rows)
            }
        }
    };
    html! { div { (scroll(&format!("Files of the {}", title.to_lowercase()), &table)) (rows.note("files", "files.csv")) } }
}

fn file(path: &str, found: Option<&FileInfo>, entry: Option<&StatedFile>, manifest: bool) -> Markup {
    html! {
        tr {
            th scope="row" {
                span class="value" { (shown(path, 200)) }
                @if found.is_none() { small { (mark("fail", "✗", "in the manifest, not found")) } }
                @if manifest && entry.is_none() { small { (mark("fail", "✗", "not in the manifest")) } }
            }
            (held(found.map(|file| file.rows), entry.and_then(|entry| entry.record_count)))
            (held(found.map(|file| file.bytes), entry.and_then(|entry| entry.file_size)))
            td class="n value" {
                @match entry.map(|entry| (entry.first_ts, entry.last_ts)) {
                    None | Some((None, None)) => { "–" }
                    Some((first, last)) => { (optional(first)) br; (optional(last)) }
                }
            }
            td class="value" {
                @match entry.and_then(|entry| entry.split_key) {
                    Some(key) => {
                        (key.dateint) " h" (format!("{:02}", key.hour)) " #" (key.file_index)
                        small { "ingested " (key.ingest_dateint) }
                    }
                    None => { "–" }
                }
            }
            td class="n" {
                @match entry.and_then(|entry| entry.fingerprint_count) { Some(size) => { (count(size)) } None => { "–" } }
            }
        }
    }
}

fn optional(value: Option<i64>) -> Markup {
    html! { @match value { Some(number) => { (number) } None => { "–" } } }
}

/// A figure of the file, and the manifest's where that is another.
fn held(found: Option<u64>, stated: Option<u64>) -> Markup {
    html! {
        td class="n" {
            @match (found, stated) {
                (Some(found), Some(stated)) if found != stated => {
                    (count(found)) small { (mark("fail", "≠", "manifest")) " " (count(stated)) }
                }
                (Some(found), _) => { (count(found)) }
                (None, Some(stated)) => { small { "manifest " (count(stated)) } }
                (None, None) => { "–" }
            }
        }
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
