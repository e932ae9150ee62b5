//! Time and memory of a measured set: medians, ratios with their intervals, the noise, the samples drawn, the machine.

use maud::{Markup, PreEscaped, html};

use crate::measurement::{Estimate, Measurement, OutputFault, Outputs, Purpose, Sample};
use crate::page::parts::{Capped, scroll, shown};
use crate::plot;
use crate::words::{bytes, count, counted};

/// Jobs listed, measured and left out.
const JOBS: usize = 60;
const LIST_BYTES: usize = 20_000;

/// The section.
pub(super) fn render(measurement: &Measurement) -> Markup {
    html! {
        h4 { "Time and memory" }
        @if let Some(failure) = &measurement.failure {
            p class="cap" { "The measurement ended early: " (shown(failure, 1000)) }
        }
        div class="plots" {
            @for drawing in plot::samples(measurement) {
                figure {
                    (PreEscaped(drawing))
                    figcaption {
                        span class="swatch a" {} " baseline (circles) " span class="swatch b" {} " candidate (crosses); "
                        "a line is the median of a side, the band its 95 % interval (from six pairs on)"
                    }
                }
            }
        }
        (figures(measurement))
        p {
            (counted(measurement.pairs, "pair was", "pairs were")) " measured, at most " (count(measurement.max_pairs))
            ", with " (counted(measurement.rounds, "round", "rounds")) " of the jobs in each half" (workers(measurement)) ". A ratio above 1 means that the candidate takes more. The interval holds the true median of the ratios as often as "
            "stated; \u{201c}noise\u{201d} is the baseline against itself in the same session. A check fails only where the whole "
            "interval is above the limit. Every run is in performance.csv; none is left out."
        }
        @if let Some(outputs) = &measurement.outputs { (written(outputs)) }
        (amounts(measurement))
        div class="pair" { (jobs(measurement)) (machine(measurement)) }
    }
}

/// How many workers did a job at a time, and what memory each had.
fn workers(measurement: &Measurement) -> String {
    let count = measurement.workers.map(|count| format!(", {count} workers at a time")).unwrap_or_default();
    let memory = measurement
        .worker_memory
        .map(|limit| format!(", each process with at most {} of memory", bytes(limit)));
    format!("{count}{}", memory.unwrap_or_default())
}

/// What became of the outputs of the runs.
fn written(outputs: &Outputs) -> Markup {
    let Outputs { identical, same_rows, noise, faults } = outputs;
    html! {
        p class="cap" {
            "Outputs after the warm-up: " (count(*identical)) " with its bytes, " (count(*same_rows)) " with its rows, "
            (count(*noise)) " within the noise of the baseline."
        }
        @for fault @ OutputFault { job, side, message, .. } in faults {
            p class="cap" { (fault.run()) " of job " (shown(job, 200)) ": the " (side) " " (shown(message, 1000)) }
        }
    }
}

/// Medians and ratios.
fn figures(measurement: &Measurement) -> Markup {
    let lines = [
        ("Wall time", &measurement.wall, seconds as fn(f64) -> String),
        ("Processor time", &measurement.cpu, seconds),
        ("Peak memory", &measurement.memory, size),
    ];
    let table = html! {
        table {
            caption class="hidden" { "Time and memory of both sides" }
            thead { tr {
                th scope="col" { "Quantity" } th scope="col" class="n" { "Baseline" } th scope="col" class="n" { "Candidate" }
                th scope="col" class="n" { "Ratio" } th scope="col" class="n" { "Interval" } th scope="col" class="n" { "Limit" }
                th scope="col" class="n" { "Noise" } th scope="col" class="n" { "Interval of the noise" }
            } }
            tbody {
                @for (name, found, unit) in lines {
                    tr {
                        th scope="row" { (name) }
                        td class="n" { (unit(found.baseline)) } td class="n" { (unit(found.candidate)) }
                        (estimate(found.ratio.as_ref()).0) (estimate(found.ratio.as_ref()).1)
                        td class="n" { @match found.limit { Some(limit) => { (format!("{limit:.3}")) } None => { "not judged" } } }
                        (estimate(found.noise.as_ref()).0) (estimate(found.noise.as_ref()).1)
                    }
                }
                tr {
                    th scope="row" { "Rows a second" }
                    td class="n" { (rate(measurement.rows(), measurement.wall.baseline)) }
                    td class="n" { (rate(measurement.rows(), measurement.wall.candidate)) }
                    td colspan="5" {}
                }
                tr {
                    th scope="row" { "Input bytes a second" }
                    td class="n" { (rate(measurement.bytes(), measurement.wall.baseline)) }
                    td class="n" { (rate(measurement.bytes(), measurement.wall.candidate)) }
                    td colspan="5" {}
                }
            }
        }
    };
    scroll("Time and memory of both sides", &table)
}

/// Cells of a median and its interval.
fn estimate(found: Option<&Estimate>) -> (Markup, Markup) {
    let Some(Estimate { median, low, high, confidence }) = found else {
        return (html! { td class="n" { "–" } }, html! { td class="n" { "–" } });
    };
    (
        html! { td class="n" { (format!("{median:.3}")) } },
        html! { td class="n" { (format!("{low:.3} to {high:.3}")) " " small { (format!("{:.4}", confidence * 100.0).trim_end_matches('0').trim_end_matches('.')) " %" } } },
    )
}

/// Bytes moved for one round of the jobs, as means over the pairs.
fn amounts(measurement: &Measurement) -> Markup {
    let lines: [Amount; 4] = [
        ("Read by system calls", |sample| sample.read_bytes),
        ("Written by system calls", |sample| sample.written_bytes),
        ("Fetched from storage", |sample| sample.storage_read_bytes),
        ("Sent to storage", |sample| sample.storage_written_bytes),
    ];
    if measurement.samples.iter().all(|sample| sample.read_bytes.is_none()) {
        return html! {};
    }
    let table = html! {
        table {
            caption class="hidden" { "Bytes moved by both sides" }
            thead { tr { th scope="col" { "Bytes, mean over the pairs" } th scope="col" class="n" { "Baseline" } th scope="col" class="n" { "Candidate" } } }
            tbody {
                @for (name, pick) in lines {
                    tr {
                        th scope="row" { (name) }
                        @for upper in [false, true] { td class="n" { (size(mean(measurement, upper, pick))) } }
                    }
                }
            }
        }
    };
    scroll("Bytes moved by both sides", &table)
}

/// What is moved, and the sample's figure for it.
type Amount = (&'static str, fn(&Sample) -> Option<u64>);

/// The mean of a run, times the jobs of a round.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn mean(measurement: &Measurement, upper: bool, pick: fn(&Sample) -> Option<u64>) -> f64 {
    let of_side =
        measurement.samples.iter().filter(|sample| sample.purpose == Purpose::Pair && sample.upper == upper);
    let (sum, runs) =
        of_side.filter_map(pick).fold((0.0, 0_usize), |(sum, runs), bytes| (sum + bytes as f64, runs + 1));
    sum / runs.max(1) as f64 * measurement.jobs.len() as f64
}

/// What was measured and what was not.
fn jobs(measurement: &Measurement) -> Markup {
    let taken = Capped::new(measurement.jobs.iter(), JOBS, LIST_BYTES, |job| {
        html! { tr { th scope="row" class="value" { (shown(&job.id, 120)) } td class="n" { (count(job.rows)) } td class="n" { (count(job.bytes)) } } }
    });
    let left = Capped::new(measurement.left_out.iter(), JOBS, LIST_BYTES, |left| {
        html! { tr { th scope="row" class="value" { (shown(&left.job, 120)) } td { (shown(&left.reason, 200)) } } }
    });
    html! {
        div {
            h5 { "Jobs measured, added up" }
            @if measurement.jobs.is_empty() { p class="none" { "None." } } @else {
                table {
                    thead { tr { th scope="col" { "Job" } th scope="col" class="n" { "Rows" } th scope="col" class="n" { "Input bytes" } } }
                    tbody { (taken) }
                }
            }
            (taken.note("jobs", "report.json"))
            @if !measurement.left_out.is_empty() {
                details {
                    summary { (counted(measurement.left_out.len() as u64, "job", "jobs")) " left out" }
                    table {
                        thead { tr { th scope="col" { "Job" } th scope="col" { "Why" } } }
                        tbody { (left) }
                    }
                    (left.note("jobs left out", "report.json"))
                }
            }
        }
    }
}

/// Where it was measured.
fn machine(measurement: &Measurement) -> Markup {
    let machine = &measurement.machine;
    html! {
        div {
            h5 { "Where" }
            dl class="facts" {
                div { dt { "Baseline" } dd { (shown(&measurement.baseline, 120)) } }
                div { dt { "Candidate" } dd { (shown(&measurement.candidate, 120)) } }
                @if let Some(profile) = &measurement.profile { div { dt { "Build" } dd { (shown(profile, 40)) } } }
                div { dt { "Machine" } dd { (shown(&machine.name, 120)) } }
                div { dt { "System" } dd { (shown(&machine.os, 40)) " " (shown(&machine.kernel, 80)) ", " (shown(&machine.arch, 40)) } }
                div { dt { "Processors" } dd { (count(machine.cpus)) @if let Some(model) = &machine.processor { ", " (shown(model, 120)) } } }
                @if let Some(memory) = machine.memory { div { dt { "Memory" } dd { (bytes(memory)) } } }
                @if let Some(load) = machine.load { div { dt { "Load at the start" } dd { (format!("{load:.2}")) } } }
            }
        }
    }
}

fn seconds(value: f64) -> String {
    if value < 10.0 { format!("{:.1} ms", value * 1000.0) } else { format!("{value:.2} s") }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shown with three digits")]
fn size(value: f64) -> String {
    bytes(value.max(0.0).round() as u64)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate to the whole number"
)]
fn rate(amount: u64, seconds: f64) -> String {
    if seconds > 0.0 { count((amount as f64 / seconds) as u64) } else { "–".to_owned() }
}
