//! Both manifests side by side: what each says of the whole, and of each file beside what was found.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::sides::{Line, plain, table};
use crate::document::{FileInfo, JobReport, Role, SideReport, StatedFile, StatedManifest};
use crate::page::parts::{Capped, mark, scroll, shown};
use crate::words::{count, counted};

/// Files listed of one side.
const FILES: usize = 200;
const FILES_BYTES: usize = 120_000;
/// Files of both sides together up to which the lists stand open.
const OPEN_FILES: usize = 16;
/// Declared reasons listed.
const REASONS: usize = 40;

/// Columns that only some signals have; both tables of a job have the same ones.
#[derive(Debug, Clone, Copy)]
struct Extra {
    tids: bool,
    traces: bool,
    split: bool,
    fingerprints: bool,
}

impl Extra {
    fn of(job: &JobReport) -> Self {
        let sides = || job.baseline.iter().chain([&job.candidate]);
        let any = |test: fn(&StatedFile) -> bool| {
            sides().filter_map(|side| side.manifest.as_ref()).flat_map(|manifest| &manifest.files).any(test)
        };
        Self {
            tids: any(|file| file.tid_count.is_some() || file.min_tid.is_some() || file.max_tid.is_some()),
            traces: any(|file| {
                file.slot.is_some() || file.span_count.is_some() || file.trace_count.is_some()
            }),
            split: any(|file| file.split_key.is_some()),
            fingerprints: any(|file| file.fingerprint_count.is_some()),
        }
    }

    /// Columns of the table.
    fn columns(self) -> u8 {
        let Self { tids, traces, split, fingerprints } = self;
        4 + [tids, traces, split, fingerprints].map(u8::from).iter().sum::<u8>()
    }
}

/// What each manifest says of the job as a whole.
fn statements(job: &JobReport) -> Markup {
    let sides: Vec<(Role, Option<&StatedManifest>)> = job
        .baseline
        .iter()
        .map(|side| (Role::Baseline, side.manifest.as_ref()))
        .chain([(Role::Candidate, job.candidate.manifest.as_ref())])
        .collect();
    let stated = || sides.iter().filter_map(|(_, manifest)| *manifest);
    if stated().next().is_none() {
        return html! {};
    }
    let roles: Vec<Role> = sides.iter().map(|(role, _)| *role).collect();
    let line = |name: Markup, meaning, cell: &dyn Fn(&StatedManifest) -> Markup| {
        Line::of(name, meaning, &sides, |(_, manifest)| match manifest {
            Some(manifest) => cell(manifest),
            None => html! { span class="null" { "no manifest" } },
        })
    };
    let mut lines = vec![
        line(html! { "Writer" }, "", &|it| match &it.writer {
            Some(writer) => shown(writer, 120),
            None => html! { "–" },
        }),
        line(html! { "Files" }, "entries, in result order", &|it| plain(it.files.len() as u64)),
        line(html! { "Rows read" }, "before any drop", &|it| number(it.rows_read)),
        line(html! { "Rows written" }, "sum over the entries", &|it| {
            let all: Option<Vec<u64>> = it.files.iter().map(|file| file.record_count).collect();
            number(all.map(|all| all.into_iter().fold(0, u64::saturating_add)))
        }),
    ];
    if stated().any(|it| it.rows_merged.is_some()) {
        lines.push(line(html! { "Rows merged" }, "became part of another row", &|it| number(it.rows_merged)));
    }
    if stated().any(|it| it.merge_stats.is_some()) {
        lines.push(line(html! { "Data points out of range" }, "by the statistics of the merge", &|it| {
            number(it.merge_stats.map(|stats| stats.datapoints_out_of_range))
        }));
    }
    let reasons: BTreeSet<&String> = stated().flat_map(|it| it.rows_dropped.keys()).collect();
    let dropped = reasons.iter().take(REASONS).map(|reason| {
        line(shown(reason, 80), "", &|it| plain(it.rows_dropped.get(*reason).copied().unwrap_or_default()))
    });
    html! {
        (table("What each manifest says", &roles, &[("", lines), ("Rows declared as dropped, by reason", dropped.collect())]))
        @if reasons.len() > REASONS {
            p class="cap" { "Showing " (REASONS) " of " (count(reasons.len() as u64)) " reasons; all of them are in report.json." }
        }
    }
}

/// Both sides' files, each beside what its manifest says of it.
pub(super) fn render(job: &JobReport) -> Markup {
    let files = job.baseline.iter().chain([&job.candidate]).map(|side| side.files.len()).sum::<usize>();
    let extra = Extra::of(job);
    html! {
        h4 { "Files and manifests" }
        (statements(job))
        details class="fold" open[files <= OPEN_FILES] {
            summary {
                @if let Some(baseline) = &job.baseline {
                    "Baseline " (counted(baseline.files.len() as u64, "file", "files")) ", candidate "
                }
                (counted(job.candidate.files.len() as u64, "file", "files"))
            }
            div class="pair" {
                @if let Some(baseline) = &job.baseline { (files_of("Baseline", baseline, extra)) }
                (files_of("Candidate", &job.candidate, extra))
            }
        }
    }
}

fn files_of(title: &str, side: &SideReport, extra: Extra) -> Markup {
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
        file(path, found, entry, side.manifest.is_some(), extra)
    });
    let table = html! {
        table class="files" {
            caption { (title) @if side.manifest.is_none() { ", without a manifest" } }
            thead { tr {
                th scope="col" { "File" } th scope="col" class="n" { "Rows" } th scope="col" class="n" { "Bytes" }
                th scope="col" class="n" { "First and last timestamp" }
                @if extra.tids { th scope="col" class="n" { "TIDs, lowest and highest" } }
                @if extra.traces { th scope="col" class="n" { "Slot, spans and traces" } }
                @if extra.split { th scope="col" { "Split" } }
                @if extra.fingerprints { th scope="col" class="n" { "Fingerprints" } }
            } }
            tbody {
                @if rows.total == 0 { tr { td colspan=(extra.columns()) { span class="null" { "no file" } } } }
                (rows)
            }
        }
    };
    html! { div { (scroll(&format!("Files of the {}", title.to_lowercase()), &table)) (rows.note("files", "files.csv")) } }
}

fn file(
    path: &str,
    found: Option<&FileInfo>,
    entry: Option<&StatedFile>,
    manifest: bool,
    extra: Extra,
) -> Markup {
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
            @if extra.tids {
                td class="n value" {
                    (number(entry.and_then(|entry| entry.tid_count)))
                    @if let Some((low, high)) = entry.map(|entry| (entry.min_tid, entry.max_tid)).filter(|range| *range != (None, None)) {
                        br; (optional(low)) br; (optional(high))
                    }
                }
            }
            @if extra.traces {
                td class="n value" {
                    (optional(entry.and_then(|entry| entry.slot))) br;
                    (number(entry.and_then(|entry| entry.span_count))) br;
                    (number(entry.and_then(|entry| entry.trace_count)))
                }
            }
            @if extra.split {
                td class="value split" {
                    @match entry.and_then(|entry| entry.split_key) {
                        Some(key) => {
                            (key.dateint) " h" (format!("{:02}", key.hour)) " #" (key.file_index)
                            small { "ingested " (key.ingest_dateint) }
                        }
                        None => { "–" }
                    }
                }
            }
            @if extra.fingerprints { td class="n" { (number(entry.and_then(|entry| entry.fingerprint_count))) } }
        }
    }
}

fn optional(value: Option<i64>) -> Markup {
    html! { @match value { Some(number) => { (number) } None => { "–" } } }
}

fn number(value: Option<u64>) -> Markup {
    html! { @match value { Some(number) => { (count(number)) } None => { "–" } } }
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
