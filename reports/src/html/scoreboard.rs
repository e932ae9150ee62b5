//! The scoreboard: jobs down, checks across.

use maud::{Markup, html};

use crate::document::{CheckReport, CheckStatus, JobReport, Report, Severity, Verdict};
use crate::page::parts::{Capped, check_anchor, job_anchor, scroll, shown, status_parts, verdict};
use crate::scoreboard::applying;
use crate::words::{count, counted};

/// Jobs on the board.
const JOBS: usize = 300;
/// Bytes that the board may use.
const BYTES: usize = 600_000;
/// Checks across.
const CHECKS: usize = 24;

/// The board. `linked` says which jobs have a section to link to.
pub(super) fn render(report: &Report, linked: &[bool]) -> Markup {
    let (checks, idle) = applying(&report.jobs);
    let across = &checks[..checks.len().min(CHECKS)];
    // Where not all fit, the jobs that did not pass come first; otherwise job order.
    let mut order: Vec<usize> = (0..report.jobs.len()).collect();
    if order.len() > JOBS {
        order.sort_by_key(|&index| match report.jobs[index].verdict {
            Verdict::Fail => 0,
            Verdict::Inconclusive => 1,
            Verdict::Pass => 2,
        });
    }
    let rows = Capped::new(order.into_iter(), JOBS, BYTES, |index| {
        row(index, &report.jobs[index], across, linked.get(index).copied().unwrap_or(false))
    });
    let table = html! {
        table class="board" {
            caption class="hidden" { "Outcome of each check on each job" }
            thead { tr {
                th scope="col" { "Job" } th scope="col" { "Verdict" }
                @for check in across { th scope="col" { (shown(check, 24)) } }
            } }
            tbody data-filter="jobs" { (rows) }
        }
    };
    html! {
        section id="scoreboard" aria-labelledby="scoreboard-title" {
            h2 id="scoreboard-title" { "Scoreboard" }
            @if report.jobs.is_empty() {
                p class="none" { "No job was judged." }
            } @else {
                (scroll("Scoreboard", &table))
                p class="key" {
                    "A gating check decides the verdict; a check in brackets is told only. "
                    "Each cell leads to the check."
                    @if !idle.is_empty() {
                        " Not applicable to any job: "
                        @for (index, check) in idle.iter().take(CHECKS).enumerate() { @if index > 0 { ", " } (shown(check, 24)) }
                        " (" a href="#unchecked" { "why" } ")."
                    }
                }
            }
            (rows.note("jobs, worst verdicts first", "checks.csv"))
            @if checks.len() > CHECKS {
                p class="cap" { "Showing " (CHECKS) " of " (checks.len()) " checks; all of them are in checks.csv." }
            }
        }
    }
}

fn row(index: usize, job: &JobReport, across: &[&str], linked: bool) -> Markup {
    html! {
        tr {
            th scope="row" {
                @if linked { a href={ "#" (job_anchor(index)) } { (shown(&job.id, 80)) } } @else { (shown(&job.id, 80)) }
            }
            td { (verdict(job.verdict)) }
            @for code in across {
                @match job.checks.iter().find(|check| check.check == *code) {
                    Some(check) => { (cell(index, check, linked)) }
                    None => { td class="na" { "not run" } }
                }
            }
        }
    }
}

fn cell(index: usize, check: &CheckReport, linked: bool) -> Markup {
    let (class, shape, word) = status_parts(check.status);
    let word = if check.status == CheckStatus::NotApplicable { "n/a" } else { word };
    let content = html! {
        @if !check.gates { "(" }
        b aria-hidden="true" { (shape) } " " (word)
        @if !check.gates { ")" }
    };
    html! {
        td {
            @if linked {
                a class={ "mark " (class) } href={ "#" (check_anchor(index, &check.check)) } { (content) }
            } @else {
                span class={ "mark " (class) } { (content) }
            }
            @if let Some(note) = note(check) { small { (note) } }
        }
    }
}

/// What the mark alone would hide: how many blockers, warnings and waived findings stand behind it.
fn note(check: &CheckReport) -> Option<String> {
    let unwaived = |severity: Severity| {
        check.findings.iter().filter(|found| found.waived.is_none() && found.severity == severity).count()
            as u64
    };
    let waived = check.findings.iter().filter(|found| found.waived.is_some()).count() as u64;
    let mut parts = Vec::new();
    let (blockers, warnings) = (unwaived(Severity::Blocker), unwaived(Severity::Warning));
    if blockers > 0 {
        parts.push(counted(blockers, "blocker", "blockers"));
    }
    if warnings > 0 {
        parts.push(counted(warnings, "warning", "warnings"));
    }
    if waived > 0 {
        parts.push(format!("{} waived", count(waived)));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}
