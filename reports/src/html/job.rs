//! The section of one job: outcome, findings, differences, what ran.

use maud::{Markup, html};

use super::{
    comparison, files, findings, groups, layout, locality, manifests, measured, reruns, rollup, rows,
};
use crate::document::{CheckReport, CheckStatus, JobReport, Verdict};
use crate::page::parts::{Capped, check_anchor, command, job_anchor, scroll, shown, status, verdict};
use crate::words::{bytes, count, counted, coverage, duration};

/// Checks listed in one job.
const CHECKS: usize = 40;
/// Parameters and inputs listed in one job.
const PARAMETERS: usize = 60;
const INPUTS: usize = 60;
const LIST_BYTES: usize = 40_000;

/// The whole section.
pub(super) fn full(index: usize, job: &JobReport) -> Markup {
    html! {
        details class="job" id=(job_anchor(index)) open[job.verdict != Verdict::Pass] {
            (head(job))
            div class="body" {
                (checks(index, job, 500))
                (findings::of_job(job))
                @if let Some(measurement) = &job.measurement { (measured::render(measurement)) (repeat(job)) } @else { (compared(job)) }
            }
        }
    }
}

/// What was compared, and what ran.
fn compared(job: &JobReport) -> Markup {
    html! {
                @if let Some(evidence) = &job.rows { (rows::render(evidence)) }
                (comparison::schema(&job.schema))
                (comparison::order(&job.order))
                (groups::render(&job.groups))
                (rollup::account(&job.rollup))
                (rollup::sketches(&job.sketches))
                (locality::render(&job.locality))
                (reruns::render(&job.reruns))
                (comparison::metadata(&job.metadata))
                @if let Some(sizes) = &job.sizes { (files::sizes(sizes)) }
                @if let Some(layout) = &job.layout { (layout::render(layout)) }
                (manifests::render(job))
                (what_ran(job))
    }
}

/// The outcome and the checks alone.
pub(super) fn brief(index: usize, job: &JobReport) -> Markup {
    html! {
        details class="job" id=(job_anchor(index)) {
            (head(job))
            div class="body" {
                (checks(index, job, 160))
                p class="cap" {
                    "Shortened to keep this page below 5 MB; findings.csv, rows.csv, files.csv and report.json hold the rest."
                }
            }
        }
    }
}

fn head(job: &JobReport) -> Markup {
    html! {
        summary {
            (verdict(job.verdict)) " "
            h3 { (shown(&job.id, 120)) }
            @if let Some(signal) = &job.signal { span class="tag" { (shown(signal, 40)) } }
            @if let Some(kind) = &job.kind { span class="tag" { (shown(kind, 40)) } }
            span class="why" { (shown(&job.headline, 300)) }
        }
    }
}

fn checks(index: usize, job: &JobReport, summary: usize) -> Markup {
    let lines = Capped::new(job.checks.iter(), CHECKS, 2 * LIST_BYTES, |check| line(index, check, summary));
    let table = html! {
        table class="checks" {
            caption class="hidden" { "Checks of this job" }
            thead { tr {
                th scope="col" { "Check" } th scope="col" { "Outcome" } th scope="col" { "What was found" }
                th scope="col" { "Examined" } th scope="col" class="n" { "Time" }
            } }
            tbody { (lines) }
        }
    };
    html! {
        h4 { "Checks" }
        (scroll("Checks of this job", &table))
        (lines.note("checks", "checks.csv"))
    }
}

fn line(index: usize, check: &CheckReport, summary: usize) -> Markup {
    html! {
        tr id=(check_anchor(index, &check.check)) {
            th scope="row" { (shown(&check.check, 40)) @if !check.gates { small { "does not gate" } } }
            td { (status(check.status)) }
            td { (shown(&check.summary, summary)) }
            td {
                @if check.coverage.is_empty() && check.status != CheckStatus::NotApplicable { b { "nothing" } }
                @else { (coverage(&check.coverage)) }
            }
            td class="n" { (duration(check.duration_ms)) }
        }
    }
}

/// Corpus, parameters, inputs and sides.
fn what_ran(job: &JobReport) -> Markup {
    html! {
        h4 { "What ran" }
        div class="pair" { (corpus(job)) (parameters(job)) }
        div class="pair" {
            @if let Some(baseline) = &job.baseline { (files::side("Baseline", baseline)) }
            (files::side("Candidate", &job.candidate))
        }
        (repeat(job))
    }
}

fn repeat(job: &JobReport) -> Markup {
    html! {
        h5 { "Repeat this job" }
        (command(&job.replay, 4000))
    }
}

fn corpus(job: &JobReport) -> Markup {
    let rows = job.inputs.iter().fold(0, |sum: u64, input| sum.saturating_add(input.rows));
    let size = job.inputs.iter().fold(0, |sum: u64, input| sum.saturating_add(input.bytes));
    let inputs = Capped::new(job.inputs.iter(), INPUTS, LIST_BYTES, |input| {
        html! {
            tr {
                th scope="row" class="value" { (shown(&input.path, 200)) }
                td class="n" { (count(input.rows)) } td class="n" { (count(input.bytes)) }
                td class="value" { @if let Some(digest) = &input.digest { (shown(digest, 80)) } }
            }
        }
    });
    html! {
        div {
            h5 { "Work" }
            dl class="facts" {
                @if let Some(corpus) = &job.corpus {
                    div { dt { "Corpus" } dd { (shown(&corpus.name, 200)) } }
                    @if !corpus.provokes.is_empty() {
                        div { dt { "Provokes" } dd {
                            ul { @for sentence in corpus.provokes.iter().take(20) { li { (shown(sentence, 300)) } } }
                        } }
                    }
                    @if let Some(seed) = corpus.seed { div { dt { "Seed" } dd class="value" { (seed) } } }
                    div { dt { "Digest" } dd class="value" { (shown(&corpus.digest, 80)) } }
                }
                div { dt { "Inputs" } dd {
                    (counted(job.inputs.len() as u64, "segment", "segments")) ", " (counted(rows, "row", "rows")) ", " (bytes(size))
                } }
                @if !job.policy_scopes.is_empty() {
                    div { dt { "Policy of its own" } dd {
                        ul { @for scope in job.policy_scopes.iter().take(20) { li { (shown(scope, 300)) } } }
                        @if job.policy_scopes.len() > 20 { (job.policy_scopes.len() - 20) " more in report.json" }
                    } }
                }
            }
            @if !job.inputs.is_empty() {
                details {
                    summary { "Input segments in order" }
                    table {
                        thead { tr { th scope="col" { "Path" } th scope="col" class="n" { "Rows" } th scope="col" class="n" { "Bytes" } th scope="col" { "BLAKE3" } } }
                        tbody { (inputs) }
                    }
                    (inputs.note("segments", "report.json"))
                }
            }
        }
    }
}

fn parameters(job: &JobReport) -> Markup {
    let lines = Capped::new(job.parameters.iter(), PARAMETERS, LIST_BYTES, |parameter| {
        html! {
            tr {
                th scope="row" { code { (shown(&parameter.key, 80)) } }
                td class="value" { (shown(&parameter.value, 200)) } td { (shown(&parameter.origin, 80)) }
            }
        }
    });
    html! {
        div {
            h5 { "Parameters" }
            @if job.parameters.is_empty() {
                p class="none" { "None." }
            } @else {
                table {
                    thead { tr { th scope="col" { "Name" } th scope="col" { "Value" } th scope="col" { "From" } } }
                    tbody { (lines) }
                }
                (lines.note("parameters", "report.json"))
            }
        }
    }
}
