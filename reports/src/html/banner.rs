//! The first screen: verdict, why, how much was compared.

use maud::{Markup, html};

use crate::document::{JobReport, Mode, Report, SideReport, Totals, Verdict};
use crate::headline;
use crate::page::parts::{job_anchor, scroll, shape, shown, verdict_parts};
use crate::side::SideOutcome;
use crate::words::{bytes, count, counted, duration, verdict};

/// Most jobs that are named beside the sums.
const UNLIKE: usize = 6;

/// `linked` says which jobs have a section to link to.
pub(super) fn render(report: &Report, linked: &[bool]) -> Markup {
    let (class, _) = verdict_parts(report.verdict);
    let run = &report.run;
    let totals = &report.totals;
    let headline = headline::short(report);
    html! {
        @if !run.complete {
            div class="partial" role="alert" {
                strong { "Partial report: the run ended early." } " "
                @if let Some(reason) = &run.partial_reason { "Reason: " (shown(reason, 600)) ". " }
                "It holds " (count(report.jobs.len() as u64)) " of " (counted(totals.jobs, "job", "jobs"))
                "; what is missing here was not judged."
            }
        }
        @if let Some(key) = &report.redacted {
            p class="notice" {
                b { "Redacted." } " Values, texts and paths are replaced by digests such as " code { "~0123456789abcdef" }
                "; equal values have equal digests. Whoever has the raw document of key " code { (shown(key, 40)) } " resolves one with "
                code { "parallax report --resolve DIGEST --raw DIR" } "."
            }
        }
        section class={ "banner " (class) } aria-labelledby="verdict" {
            (shape(report.verdict))
            div {
                h1 id="verdict" { (verdict(report.verdict)) }
                p class="headline" { (shown(&headline, 1200)) }
                @if headline != report.headline { details class="whole" { summary { "In full" } p { (shown(&report.headline, 6000)) } } }
                p class="meaning" { (meaning(report.verdict, run.complete)) }
                p class="facts" {
                    (match run.mode { Mode::Run => "run", Mode::Compare => "compare", Mode::Verify => "verify", Mode::Bench => "bench" })
                    " · " (counted(totals.jobs, "job", "jobs"))
                    " · " (count(totals.rows_baseline)) " and " (counted(totals.rows_candidate, "row", "rows"))
                    " · " (count(totals.files_baseline)) " and " (counted(totals.files_candidate, "file", "files"))
                    " (baseline and candidate) · took " (duration(run.duration_ms))
                    " · started " (shown(&run.started, 60))
                }
            }
        }
        (figures(report, linked))
    }
}

fn meaning(verdict: Verdict, complete: bool) -> &'static str {
    match (verdict, complete) {
        (Verdict::Pass, true) => "Every gating check passed on every job.",
        (Verdict::Pass, false) => "Every gating check passed on the jobs that were finished.",
        (Verdict::Fail, _) => {
            "A gating check failed. Do not go on before the findings below are resolved or waived."
        }
        (Verdict::Inconclusive, _) => {
            "Nothing failed, but something gating could not be decided. This is not a pass: see \u{201c}Not checked\u{201d}."
        }
    }
}

fn figures(report: &Report, linked: &[bool]) -> Markup {
    let totals = &report.totals;
    let table = table(totals);
    html! {
        section class="figures" aria-label="Totals" {
            dl class="tiles" {
                (tile("jobs passed", totals.jobs_passed, "pass"))
                (tile("jobs failed", totals.jobs_failed, if totals.jobs_failed > 0 { "fail" } else { "" }))
                (tile("jobs inconclusive", totals.jobs_inconclusive, if totals.jobs_inconclusive > 0 { "open" } else { "" }))
                (tile("blockers", totals.blockers, if totals.blockers > 0 { "fail" } else { "" }))
                (tile("warnings", totals.warnings, if totals.warnings > 0 { "open" } else { "" }))
                (tile("informational", totals.infos, ""))
                (tile("waived", totals.waived, ""))
            }
            (scroll("Rows, files and bytes over all jobs", &table))
            (unlike(&report.jobs, linked))
        }
    }
}

fn table(totals: &Totals) -> Markup {
    html! {
            table {
                caption class="hidden" { "Rows, files and bytes over all jobs" }
                thead { tr {
                    td {} th scope="col" class="n" { "Input" } th scope="col" class="n" { "Baseline" }
                    th scope="col" class="n" { "Candidate" } th scope="col" class="n" { "Difference" }
                } }
                tbody {
                    tr {
                        th scope="row" { "Rows" } td class="n" { (count(totals.rows_in)) }
                        td class="n" { (count(totals.rows_baseline)) } td class="n" { (count(totals.rows_candidate)) }
                        td class="n" { (difference(totals.rows_baseline, totals.rows_candidate)) }
                    }
                    tr {
                        th scope="row" { "Files" } td class="n" { "–" }
                        td class="n" { (count(totals.files_baseline)) } td class="n" { (count(totals.files_candidate)) }
                        td class="n" { (difference(totals.files_baseline, totals.files_candidate)) }
                    }
                    tr {
                        th scope="row" { "Bytes" } td class="n" { "–" }
                        td class="n" { (bytes(totals.bytes_baseline)) } td class="n" { (bytes(totals.bytes_candidate)) }
                        td class="n" { (difference(totals.bytes_baseline, totals.bytes_candidate)) }
                    }
                }
            }
    }
}

/// The jobs whose sides hold different numbers of rows, whatever the verdict: else the difference of the sums would be a riddle.
fn unlike(jobs: &[JobReport], linked: &[bool]) -> Markup {
    let rows = |side: &SideReport| crate::total(side.files.iter().map(|file| file.rows));
    let failed = |side: &SideReport| matches!(side.outcome, SideOutcome::Failed { .. });
    let differing: Vec<(usize, &JobReport, [u64; 2], bool)> = jobs
        .iter()
        .enumerate()
        .filter_map(|(index, job)| {
            let baseline = job.baseline.as_ref()?;
            let sides = [rows(baseline), rows(&job.candidate)];
            let one_failed = failed(baseline) != failed(&job.candidate);
            (sides[0] != sides[1]).then_some((index, job, sides, one_failed))
        })
        .collect();
    html! {
        @if !differing.is_empty() {
            p class="cap" {
                "Rows differ in " (counted(differing.len() as u64, "job", "jobs")) ": "
                @for (at, (index, job, [baseline, candidate], one_failed)) in differing.iter().take(UNLIKE).enumerate() {
                    @if at > 0 { "; " }
                    @if linked.get(*index) == Some(&true) { a href={ "#" (job_anchor(*index)) } { (shown(&job.id, 80)) } }
                    @else { (shown(&job.id, 80)) }
                    " (" (count(*baseline)) " and " (count(*candidate)) @if *one_failed { ", one side failed" } ")"
                }
                @if differing.len() > UNLIKE { "; and " (counted((differing.len() - UNLIKE) as u64, "more", "more")) }
                "."
            }
        }
    }
}

fn tile(name: &str, number: u64, class: &str) -> Markup {
    html! { div class=(class) { dt { (name) } dd { (count(number)) } } }
}

/// Candidate minus baseline, exact, and as a share of the baseline.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn difference(baseline: u64, candidate: u64) -> String {
    let sign = match candidate.cmp(&baseline) {
        std::cmp::Ordering::Equal => return "0".to_owned(),
        std::cmp::Ordering::Less => '−',
        std::cmp::Ordering::Greater => '+',
    };
    let size = candidate.abs_diff(baseline);
    if baseline == 0 {
        return format!("{sign}{}", count(size));
    }
    let share = size as f64 / baseline as f64 * 100.0;
    let share = if share < 0.05 { "less than 0.1".to_owned() } else { format!("{sign}{share:.1}") };
    format!("{sign}{} ({share} %)", count(size))
}
