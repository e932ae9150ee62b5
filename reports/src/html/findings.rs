//! Findings: what asks for action first, what is only told folded, what is waived named.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::guide;
use crate::document::{CheckReport, CheckStatus, Finding, JobReport, Report, Severity};
use crate::link::digest;
use crate::page::parts::{Capped, check_anchor, command, severity, shown, shown_lines};
use crate::words::{self, count, counted};

/// Findings under "Action required", and of those per job and code.
const ACTION: usize = 200;
const ACTION_PER_CODE: usize = 5;
const ACTION_BYTES: usize = 500_000;
/// Lines of the informational table.
const KINDS: usize = 200;
const KINDS_BYTES: usize = 150_000;
/// Findings of one code under one job's check.
const PER_CODE: usize = 20;
/// Bytes of one job's findings.
const JOB_BYTES: usize = 200_000;
/// Characters of a message, of a name and of a value.
const MESSAGE: usize = 700;
const VALUE: usize = 300;
/// Groups of the blast radius named with a finding.
const TOUCHED: usize = 3;

struct Found<'a> {
    index: usize,
    job: &'a JobReport,
    finding: &'a Finding,
}

/// Findings over all jobs.
pub(super) fn render(report: &Report, linked: &[bool]) -> Markup {
    let all = || {
        report.jobs.iter().enumerate().flat_map(|(index, job)| {
            let findings = job.checks.iter().flat_map(|check| &check.findings);
            findings.map(move |finding| Found { index, job, finding })
        })
    };
    let mut action: Vec<_> = all()
        .filter(|found| found.finding.waived.is_none() && found.finding.severity != Severity::Info)
        .collect();
    action.sort_by_key(|found| found.finding.severity);
    let told: Vec<_> = all()
        .filter(|found| found.finding.waived.is_none() && found.finding.severity == Severity::Info)
        .collect();
    html! {
        section id="action" aria-labelledby="action-title" {
            h2 id="action-title" { "Action required" }
            (action_required(&action, linked, report.redacted.is_some()))
            (undecided(report))
            (of_the_run(report))
            (informational(&told, linked))
        }
    }
}

fn action_required(action: &[Found<'_>], linked: &[bool], redacted: bool) -> Markup {
    if action.is_empty() {
        return html! { p class="none" { "No unwaived blocker and no warning." } };
    }
    let blockers = action.iter().filter(|found| found.finding.severity == Severity::Blocker).count();
    let mut per_code: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    let picked: Vec<_> = action
        .iter()
        .filter(|found| {
            let seen = per_code.entry((found.index, found.finding.code.as_str())).or_default();
            *seen += 1;
            *seen <= ACTION_PER_CODE
        })
        .collect();
    let anchors = Anchors::new("finding", redacted);
    let list = Capped::new(picked.iter(), ACTION, ACTION_BYTES, |found| {
        let total = per_code.get(&(found.index, found.finding.code.as_str())).copied().unwrap_or_default();
        item(found.finding, found.job, Some((found.index, linked)), total, &anchors)
    });
    html! {
        p {
            (counted(blockers as u64, "blocker", "blockers")) " and "
            (counted((action.len() - blockers) as u64, "warning", "warnings")) ", most severe first."
        }
        ol class="findings" data-filter="findings" { (list) }
        @if list.items.len() < action.len() {
            p class="cap" {
                "Showing " (count(list.items.len() as u64)) " of " (count(action.len() as u64))
                " findings (at most " (ACTION_PER_CODE) " of one kind a job, " (ACTION)
                " in all); all of them are in findings.csv."
            }
        }
    }
}

/// A gating check without an answer asks for action as well, mostly without a finding.
fn undecided(report: &Report) -> Markup {
    let open = |job: &&JobReport| job.checks.iter().any(is_open);
    let jobs = report.jobs.iter().filter(open).count();
    let checks = report.jobs.iter().flat_map(|job| &job.checks).filter(|check| is_open(check)).count();
    html! {
        @if checks > 0 {
            p {
                (crate::page::parts::mark("open", "?", "undecided")) " "
                (counted(checks as u64, "gating check", "gating checks")) " of " (counted(jobs as u64, "job", "jobs"))
                " could not be decided: " a href="#unchecked" { "which, and why" } "."
            }
        }
    }
}

/// Warnings about the run itself: waivers that expired or cover nothing.
fn of_the_run(report: &Report) -> Markup {
    let list = Capped::new(report.warnings.iter(), KINDS, KINDS_BYTES, |warning| {
        html! {
            li class="finding" {
                p class="what" {
                    (severity(Severity::Warning, false)) " " code { (shown(&warning.code, 80)) } " " (shown(&warning.message, MESSAGE))
                }
                @if !warning.origin.is_empty() { p class="where" { span class="place" { (shown(&warning.origin, 300)) } } }
            }
        }
    });
    html! { @if list.total > 0 { h3 { "About the run itself" } ul class="findings" { (list) } (list.note("warnings", "report.json")) } }
}

fn is_open(check: &CheckReport) -> bool {
    check.gates && check.status == CheckStatus::Inconclusive
}

/// Informational findings by kind: they ask for nothing, so a table says enough.
fn informational(told: &[Found<'_>], linked: &[bool]) -> Markup {
    let mut kinds: BTreeMap<(Option<&str>, &str), Vec<&Found<'_>>> = BTreeMap::new();
    for found in told {
        let key = (found.finding.defect.as_deref(), found.finding.code.as_str());
        kinds.entry(key).or_default().push(found);
    }
    let mut letters: BTreeMap<&str, u64> = BTreeMap::new();
    for letter in told.iter().filter_map(|found| found.finding.defect.as_deref()) {
        *letters.entry(letter).or_default() += 1;
    }
    let rows = Capped::new(kinds.iter(), KINDS, KINDS_BYTES, |((defect, code), found)| {
        let jobs: std::collections::BTreeSet<_> = found.iter().map(|found| found.index).collect();
        let sum: u64 = found.iter().fold(0, |sum, found| sum.saturating_add(found.finding.count));
        html! {
            tr {
                th scope="row" { code { (shown(code, 80)) } }
                td { @if let Some(letter) = defect { "baseline defect " b { (shown(letter, 40)) } } @else { "–" } }
                td class="n" { (count(jobs.len() as u64)) }
                td class="n" { (count(found.len() as u64)) }
                td class="n" { (count(sum)) }
                td {
                    @if let Some(first) = found.first() {
                        (shown(&first.finding.message, 300)) " "
                        (job_link(first.index, first.job, &first.finding.check, linked))
                    }
                }
            }
        }
    });
    html! {
        details class="fold" {
            summary {
                "Informational: " (counted(told.len() as u64, "finding", "findings"))
                @if !letters.is_empty() {
                    ", of which baseline defects "
                    @for (index, (letter, times)) in letters.iter().take(26).enumerate() {
                        @if index > 0 { ", " }
                        b { (shown(letter, 40)) } " (" (count(*times)) ")"
                    }
                }
            }
            @if told.is_empty() {
                p class="none" { "None." }
            } @else {
                div class="scroll" role="region" tabindex="0" aria-label="Informational findings" {
                    table {
                        thead { tr {
                            th scope="col" { "Kind" } th scope="col" { "Explained by" } th scope="col" class="n" { "Jobs" }
                            th scope="col" class="n" { "Findings" } th scope="col" class="n" { "Stand for" }
                            th scope="col" { "First of them" }
                        } }
                        tbody { (rows) }
                    }
                }
                (rows.note("kinds", "findings.csv"))
            }
        }
    }
}

/// The findings of one job, by check.
pub(super) fn of_job(job: &JobReport) -> Markup {
    let checks: Vec<_> = job.checks.iter().filter(|check| !check.findings.is_empty()).collect();
    if checks.is_empty() {
        return html! {};
    }
    let share = JOB_BYTES / checks.len();
    let anchors = Anchors::new("in-job", false);
    html! {
        h4 { "Findings" }
        @for check in checks { (of_check(job, check, share, &anchors)) }
    }
}

fn of_check(job: &JobReport, check: &CheckReport, bytes: usize, anchors: &Anchors) -> Markup {
    let mut per_code: BTreeMap<&str, usize> = BTreeMap::new();
    let picked: Vec<_> = check
        .findings
        .iter()
        .filter(|finding| {
            let seen = per_code.entry(finding.code.as_str()).or_default();
            *seen += 1;
            *seen <= PER_CODE
        })
        .collect();
    let list =
        Capped::new(picked.into_iter(), usize::MAX, bytes, |finding| item(finding, job, None, 0, anchors));
    html! {
        h5 { (shown(&check.check, 40)) }
        ol class="findings" { (list) }
        @if list.items.len() < check.findings.len() {
            p class="cap" {
                "Showing " (count(list.items.len() as u64)) " of "
                (counted(check.findings.len() as u64, "finding", "findings")) " of this check (at most " (PER_CODE)
                " of one kind); all of them are in findings.csv. By kind: "
                @for (index, (code, total)) in per_code.iter().take(40).enumerate() {
                    @if index > 0 { ", " }
                    code { (shown(code, 80)) } " " (count(*total as u64))
                }
                "."
            }
        }
    }
}

/// Anchors of one list: no two items have the same.
struct Anchors {
    prefix: &'static str,
    /// The list is one of a redacted report.
    redacted: bool,
    taken: RefCell<BTreeSet<String>>,
}

impl Anchors {
    fn new(prefix: &'static str, redacted: bool) -> Self {
        Self { prefix, redacted, taken: RefCell::default() }
    }

    /// The anchor of a finding, which only its own id decides; none where another item has it.
    fn of(&self, finding: &Finding) -> Option<String> {
        let digest = digest(&finding.id);
        let new = self.taken.borrow_mut().insert(digest.clone());
        new.then(|| format!("{}-{digest}", self.prefix))
    }
}

/// One finding. `across` is given where the list spans jobs; `total` is how many of its kind the job has.
fn item(
    finding: &Finding,
    job: &JobReport,
    across: Option<(usize, &[bool])>,
    total: usize,
    anchors: &Anchors,
) -> Markup {
    let place = finding.place.as_ref().and_then(words::place);
    let anchor = anchors.of(finding);
    html! {
        li class="finding" id=[anchor.as_deref()] {
            p class="what" {
                (severity(finding.severity, finding.waived.is_some())) " "
                code { (shown(&finding.code, 80)) } " " (shown(&finding.message, MESSAGE))
            }
            p class="where" {
                @if let Some(action) = finding.action { b { (action) } ": " (action.asks()) " · " }
                @if let Some((index, linked)) = across { (job_link(index, job, &finding.check, linked)) " · " }
                @if let Some(side) = finding.side { (side) " · " }
                @if let Some(place) = &place { span class="place" { (shown(place, 400)) } " · " }
                "count " (count(finding.count))
                @if let Some(letter) = &finding.defect { " · baseline defect " b { (shown(letter, 40)) } }
                @if total > ACTION_PER_CODE { " · one of " (count(total as u64)) " findings of this kind in this job" }
                (guide::link(&finding.check))
                @if let Some(anchor) = &anchor { " · " a class="here" href={ "#" (anchor) } title="link to this finding" { "link" } }
            }
            @if let Some(waived) = &finding.waived {
                p class="where" {
                    "Waived by " (shown(&waived.owner, 80)) ": " (shown(&waived.reason, VALUE))
                    @if let Some(day) = &waived.expires { " (until " (shown(day, 20)) ")" }
                }
            }
            (touched(job, finding))
            @if is_short(finding) {
                p class="where" {
                    @for (index, evidence) in finding.evidence.iter().enumerate() {
                        @if index > 0 { "; " }
                        (shown(&evidence.name, 80)) ": " span class="value" { (shown(&evidence.value, VALUE)) }
                    }
                }
            } @else if !finding.evidence.is_empty() {
                details {
                    summary { "Evidence" }
                    dl class="facts" {
                        @for evidence in finding.evidence.iter().take(20) {
                            div { dt { (shown(&evidence.name, 80)) } dd class="value" { (shown(&evidence.value, VALUE)) } }
                        }
                    }
                    @if finding.evidence.len() > 20 {
                        p class="cap" { "Showing 20 of " (finding.evidence.len()) " values; all of them are in findings.csv." }
                    }
                }
            }
            @if across.is_some() {
                details {
                    summary { "Look at it again" }
                    (again(job, finding, anchors.redacted))
                }
            }
            @if let Some(waiver) = &finding.waiver {
                details class="waiver" {
                    summary { "Waive " code { (shown(&finding.id, 300)) } }
                    pre tabindex="0" { code { (shown_lines(waiver, 2_000)) } }
                }
            }
        }
    }
}

/// Who is touched, by the columns of `--by`: what ROWS finds is counted by them.
fn touched(job: &JobReport, finding: &Finding) -> Markup {
    let blast = job.rows.as_ref().and_then(|rows| rows.blast.as_ref()).filter(|_| finding.check == "ROWS");
    html! {
        @if let Some(blast) = blast {
            p class="where" {
                "Touched, over all rows of the job that differ: "
                @for (index, group) in blast.groups.iter().take(TOUCHED).enumerate() {
                    @if index > 0 { "; " }
                    (shown(&blast.label(&group.values), VALUE)) " (" (counted(group.counts.rows(), "row", "rows")) ")"
                }
                @if blast.groups.len() > TOUCHED || blast.other.is_some() { "; more in blast.csv" }
            }
        }
    }
}

/// Commands that look at a finding again: in the directory of the report, and from nothing but the job. A redacted report holds
/// neither what it takes nor the second command.
fn again(job: &JobReport, finding: &Finding, redacted: bool) -> Markup {
    let dir = if redacted { "RAW" } else { "." };
    let words = ["parallax", "replay", dir, "--job", &job.id, "--check", &finding.check].map(str::to_owned);
    html! {
        // A measurement is repeated as a whole.
        @if job.measurement.is_none() {
            p class="where" {
                @if redacted { "With the raw report, RAW being the directory that " code { "--raw-out" } " named:" }
                @else { "In the directory of this report:" }
            }
            (command(&words::shell(&words), 4_000))
        }
        @if !redacted {
            p class="where" { @if job.measurement.is_none() { "Or from the beginning:" } @else { "All measured again:" } }
            (command(&job.replay, 4_000))
        }
    }
}

/// Little evidence stands in plain sight; more of it is folded.
fn is_short(finding: &Finding) -> bool {
    let length: usize =
        finding.evidence.iter().map(|evidence| evidence.name.len() + evidence.value.len()).sum();
    (1..=4).contains(&finding.evidence.len()) && length <= 200
}

/// Job and check, as a link where the job has a section.
fn job_link(index: usize, job: &JobReport, check: &str, linked: &[bool]) -> Markup {
    let name = html! { (shown(&job.id, 80)) " " (shown(check, 40)) };
    html! {
        @if linked.get(index).copied().unwrap_or(false) {
            a href={ "#" (check_anchor(index, check)) } { (name) }
        } @else {
            (name)
        }
    }
}
