//! What was not checked and why, what was waived, how to repeat the run.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::document::{CheckStatus, Finding, JobReport, Report};
use crate::page::parts::{Capped, command, scroll, shown, status, term};
use crate::words::{count, counted, duration, severity, shell};

/// Lines of each table.
const LINES: usize = 200;
const BYTES: usize = 120_000;

pub(super) fn render(report: &Report) -> Markup {
    html! { (unchecked(report)) (waivers(report)) (reproduce(report)) }
}

/// Checks without an answer, alike ones in one line.
fn unchecked(report: &Report) -> Markup {
    // Inconclusive comes before not applicable: the first asks for something.
    let mut open: BTreeMap<(bool, &str, &str), Vec<&JobReport>> = BTreeMap::new();
    for job in &report.jobs {
        for check in &job.checks {
            if matches!(check.status, CheckStatus::Inconclusive | CheckStatus::NotApplicable) {
                let not_applicable = check.status == CheckStatus::NotApplicable;
                open.entry((not_applicable, &check.check, &check.summary)).or_default().push(job);
            }
        }
    }
    let lines = Capped::new(open.iter(), LINES, BYTES, |((not_applicable, check, why), jobs)| {
        let outcome = if *not_applicable { CheckStatus::NotApplicable } else { CheckStatus::Inconclusive };
        html! {
            tr {
                th scope="row" { (shown(check, 40)) } td { (status(outcome)) } td { (shown(why, 500)) }
                td {
                    @for (index, job) in jobs.iter().take(4).enumerate() { @if index > 0 { ", " } (shown(&job.id, 80)) }
                    @if jobs.len() > 4 { " and " (count(jobs.len() as u64 - 4)) " more" }
                }
            }
        }
    });
    let table = html! {
        table {
            caption class="hidden" { "Checks without an answer" }
            thead { tr { th scope="col" { "Check" } th scope="col" { "Outcome" } th scope="col" { "Why" } th scope="col" { "Jobs" } } }
            tbody { (lines) }
        }
    };
    html! {
        section id="unchecked" aria-labelledby="unchecked-title" {
            h2 id="unchecked-title" { "What was not checked, and why" }
            @if !report.run.complete {
                p { b { "The run ended early" } ": jobs that were not finished are not judged and not in this list." }
            }
            @if open.is_empty() {
                p class="none" {
                    "Every check of every job " @if !report.run.complete { "that was judged " } "gave an answer."
                }
            } @else {
                (scroll("Checks without an answer", &table))
                (lines.note("reasons", "checks.csv"))
            }
            (not_compared(report))
        }
    }
}

/// Columns left out of the comparison or compared under a tolerance.
fn not_compared(report: &Report) -> Markup {
    let mut columns: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for rows in report.jobs.iter().filter_map(|job| job.rows.as_ref()) {
        for (column, reason) in &rows.ignored {
            *columns.entry((column, "not compared", reason)).or_default() += 1;
        }
        for (column, tolerance) in &rows.tolerances {
            *columns.entry((column, "compared under a tolerance", tolerance)).or_default() += 1;
        }
    }
    let list = Capped::new(columns.iter(), LINES, BYTES, |((column, what, why), jobs)| {
        html! { li { "Column " code { (shown(column, 120)) } " was " (what) " in " (counted(*jobs, "job", "jobs")) ": " (shown(why, 300)) } }
    });
    html! { @if list.total > 0 { ul { (list) } (list.note("columns", "report.json")) } }
}

fn waivers(report: &Report) -> Markup {
    let lines = Capped::new(report.waivers.iter(), LINES, BYTES, |waiver| {
        html! {
            tr {
                th scope="row" { code { (shown(&waiver.code, 80)) } @if !waiver.scope.is_empty() { " " (shown(&waiver.scope, 200)) } }
                td { @if waiver.expired { b { "expired" } } @else if waiver.applied == 0 { b { "unused" } } @else { "applied" } }
                td class="n" { (count(waiver.applied)) } td { (shown(&waiver.waived.reason, 400)) } td { (shown(&waiver.waived.owner, 80)) }
                td { @match &waiver.waived.expires { Some(day) => { (shown(day, 20)) } None => { "never" } } }
                td class="place" { (shown(&waiver.origin, 200)) }
            }
        }
    });
    let table = html! {
        table {
            caption class="hidden" { "Waivers of the policy" }
            thead { tr {
                th scope="col" { "Finding" } th scope="col" { "State" } th scope="col" class="n" { "Findings covered" }
                th scope="col" { "Reason" } th scope="col" { "Owner" } th scope="col" { "Expires" } th scope="col" { "Stands in" }
            } }
            tbody { (lines) }
        }
    };
    html! {
        section id="waivers" aria-labelledby="waivers-title" {
            h2 id="waivers-title" { "Waivers" }
            @if report.waivers.is_empty() {
                p class="none" { "The policy holds no waiver." }
            } @else {
                (scroll("Waivers of the policy", &table))
                (lines.note("waivers", "report.json"))
            }
            (waived_findings(report))
        }
    }
}

/// A waived finding stays in sight: what it says is still so.
fn waived_findings(report: &Report) -> Markup {
    let waived: Vec<(&JobReport, &Finding)> = report
        .jobs
        .iter()
        .flat_map(|job| {
            job.checks.iter().flat_map(|check| &check.findings).map(move |finding| (job, finding))
        })
        .filter(|(_, finding)| finding.waived.is_some())
        .collect();
    let mut letters: BTreeMap<&str, u64> = BTreeMap::new();
    for letter in waived.iter().filter_map(|(_, finding)| finding.defect.as_deref()) {
        *letters.entry(letter).or_default() += 1;
    }
    let list = Capped::new(waived.iter(), LINES, BYTES, |(job, finding)| {
        html! {
            li {
                (shown(&job.id, 80)) ": " code { (shown(&finding.code, 80)) } " (" (severity(finding.severity)) ") "
                @if let Some(letter) = &finding.defect { "baseline defect " b { (shown(letter, 40)) } ": " }
                (shown(&finding.message, 400))
            }
        }
    });
    html! {
        @if list.total > 0 {
            details class="fold" {
                summary {
                    "Waived findings: " (count(list.total as u64))
                    @if !letters.is_empty() {
                        ", of which baseline defects "
                        @for (index, (letter, times)) in letters.iter().take(26).enumerate() {
                            @if index > 0 { ", " }
                            b { (shown(letter, 40)) } " (" (count(*times)) ")"
                        }
                    }
                }
                ul { (list) }
                (list.note("waived findings", "findings.csv"))
            }
        }
    }
}

fn reproduce(report: &Report) -> Markup {
    let run = &report.run;
    let mut corpora: BTreeMap<(&str, &str), (Option<u64>, u64)> = BTreeMap::new();
    for corpus in report.jobs.iter().filter_map(|job| job.corpus.as_ref()) {
        corpora.entry((&corpus.name, &corpus.digest)).or_insert((corpus.seed, 0)).1 += 1;
    }
    let lines = Capped::new(corpora.iter(), LINES, BYTES, |((name, digest), (seed, jobs))| {
        html! {
            tr {
                th scope="row" { (shown(name, 200)) } td class="n" { @match seed { Some(seed) => { (seed) } None => { "–" } } }
                td class="n" { (count(*jobs)) } td class="value" { (shown(digest, 80)) }
            }
        }
    });
    let table = html! {
        table {
            caption { "Corpora, by BLAKE3 of their input segments" }
            thead { tr { th scope="col" { "Corpus" } th scope="col" class="n" { "Seed" } th scope="col" class="n" { "Jobs" } th scope="col" { "Digest" } } }
            tbody { (lines) }
        }
    };
    html! {
        section id="reproduce" aria-labelledby="reproduce-title" {
            h2 id="reproduce-title" { "Reproduce" }
            (command(&run.replay, 8000))
            dl class="facts" {
                (term("As typed", &html! { span class="value" { (shown(&shell(&run.command), 4000)) } }))
                @if let Some(seed) = run.seed { (term("Seed", &html! { span class="value" { (seed) } })) }
                @if let Some(config) = &run.config { (term("Configuration", &html! { span class="value" { (shown(config, 300)) } })) }
                (term("Program", &html! {
                    (shown(&report.tool.name, 60)) " " (shown(&report.tool.version, 60)) " (" (shown(&report.tool.profile, 40)) ")"
                }))
                (term("Crates", &html! {
                    @for (index, (name, version)) in report.tool.crates.iter().take(40).enumerate() {
                        @if index > 0 { ", " }
                        (shown(name, 60)) " " (shown(version, 60))
                    }
                }))
                (term("Host", &html! {
                    (shown(&run.host.os, 60)) ", " (shown(&run.host.arch, 60)) ", " (counted(run.host.cpus, "processor", "processors"))
                    ", " (counted(run.threads, "worker thread", "worker threads"))
                }))
                (term("Started", &html! { (shown(&run.started, 60)) ", took " (duration(run.duration_ms)) }))
            }
            (super::policy::render(report))
            @if !corpora.is_empty() { (scroll("Corpora", &table)) (lines.note("corpora", "report.json")) }
        }
    }
}
