//! `gate.html`: the page that engineers sign. Self-contained, in the style of the report's page; no script.
//!
//! It answers in this order: may we go on, what is missing, the checklist line by line, the deciding findings, the evidence
//! and the reports it comes from, waivers, the policy, and who signs.

use document::gate::{EvidenceLine, Gate, GateReport, Identity, Line, Mark};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::shared::{decision, mark_parts, sections};
use crate::page::parts::{mark, scroll, shape, shown, verdict, verdict_parts};
use crate::page::{POLICY, STYLE};
use crate::words::{self, count, counted};

/// What the gate's page adds to the style of the report's page.
pub(super) const GATE_STYLE: &str = include_str!("gate.css");
/// SHA-256 of [`GATE_STYLE`] in Base64; a test compares it with the file.
const GATE_DIGEST: &str = "iAoJNjCa66f7kPIyno3hxTkuPAVuxuoAKSCH3SNQDuk=";

/// Characters of one value.
const VALUE: usize = 1_200;
/// Items of one list; all are in `gate.json`.
const ITEMS: usize = 200;

/// The page's security policy: both style sheets by their digests, and nothing else of ours.
pub(super) fn policy() -> String {
    POLICY.replacen("style-src ", &format!("style-src 'sha256-{GATE_DIGEST}' "), 1)
}

/// Renders the page.
#[must_use]
pub fn render(gate: &Gate) -> String {
    let title = format!("{}: gate {}", words::verdict(gate.verdict).to_uppercase(), gate.phase);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
                style { (PreEscaped(GATE_STYLE)) }
            }
            body {
                a class="skip" href="#main" { "Skip to the decision" }
                header class="top" {
                    p class="brand" { "Parallax" span class="sub" { "gate of a rollout phase" } }
                    nav aria-label="Sections" { ul {
                        li { a href="#checklist" { "Checklist" } }
                        li { a href="#evidence" { "Evidence" } }
                        li { a href="#reports" { "Reports" } }
                        li { a href="#policy" { "Policy" } }
                        li { a href="#sign" { "Sign-off" } }
                    } }
                }
                main id="main" {
                    (head(gate))
                    (list("Missing", "missing", &gate.missing))
                    (list("Notices", "notices", &gate.notices))
                    (checklist(gate))
                    (findings(gate))
                    (evidence(gate))
                    (reports(gate))
                    (waivers(gate))
                    (resolved(gate))
                    (sign(gate))
                }
                footer { p {
                    "Rendered from gate.json (version " (gate.gate_version) ") by " (shown(&gate.tool.name, 40)) " "
                    (shown(&gate.tool.version, 40)) ", decided " (shown(&gate.decided, 60)) "."
                } }
            }
        }
    };
    page.into_string()
}

fn head(gate: &Gate) -> Markup {
    let (class, _) = verdict_parts(gate.verdict);
    html! {
        section class={ "banner " (class) } aria-labelledby="verdict" {
            (shape(gate.verdict))
            div {
                h1 id="verdict" { (words::verdict(gate.verdict)) ": " (shown(&gate.phase, 60)) }
                p class="decision" { (decision(gate)) }
                p class="headline" { (shown(&gate.headline, VALUE)) }
                p class="facts" {
                    (shown(&gate.title, 200)) " · risk: " (shown(&gate.risk, 60)) " · signals: "
                    (shown(&gate.signals.join(", "), 200)) " · decided " (shown(&gate.decided, 60))
                }
                p class="facts" {
                    "candidate: " (who(gate.candidate.as_ref())) " · baseline: " (who(gate.baseline.as_ref()))
                }
            }
        }
    }
}

fn who(identity: Option<&Identity>) -> Markup {
    html! {
        @if let Some(identity) = identity { (shown(&identity.words(), 200)) }
        @else { "not one and the same in all reports" }
    }
}

fn list(heading: &str, id: &str, lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) { (heading) }
                ul class="plain" { @for line in lines.iter().take(ITEMS) { li { (shown(line, VALUE)) } } }
                (more(lines.len()))
            }
        }
    }
}

fn more(total: usize) -> Markup {
    html! {
        @if total > ITEMS {
            p class="cap" { "Showing " (ITEMS) " of " (count(total as u64)) "; all of them are in gate.json." }
        }
    }
}

fn sign_of(of: Mark) -> Markup {
    let (class, shape, word) = mark_parts(of);
    mark(class, shape, word)
}

fn checklist(gate: &Gate) -> Markup {
    html! {
        section id="checklist" aria-labelledby="checklist-title" {
            h2 id="checklist-title" { "Checklist" }
            @for (heading, lines) in sections(gate) {
                h4 { (heading) }
                ul class="checklist" { @for line in lines { (item(line)) } }
            }
        }
    }
}

fn item(line: &Line) -> Markup {
    html! {
        li {
            (sign_of(line.mark))
            span class="id" { (shown(&line.id, 10)) }
            span class="what" { (shown(&line.text, VALUE)) }
            @for because in &line.because { p class="because" { (shown(because, VALUE)) } }
        }
    }
}

fn findings(gate: &Gate) -> Markup {
    html! {
        @if !gate.findings.is_empty() {
            section aria-labelledby="findings" {
                h2 id="findings" { "Deciding findings" }
                ul class="findings" {
                    @for found in gate.findings.iter().take(ITEMS) {
                        li class="finding" {
                            p class="what" {
                                (mark("fail", "✗", "blocker")) " " code { (shown(&found.finding.code, 80)) } " "
                                (shown(&found.finding.message, VALUE))
                            }
                            p class="where" {
                                (shown(&found.report, 200)) ", " (shown(&found.finding.id, 200))
                                @if let Some(action) = found.finding.action { ", " (action.asks()) }
                            }
                        }
                    }
                }
                (more(gate.findings.len()))
            }
        }
    }
}

fn evidence(gate: &Gate) -> Markup {
    let row = |line: &EvidenceLine| {
        html! { tr {
            th scope="row" { (shown(&line.check, 40)) }
            td { (shown(&line.signal, 60)) }
            td { (sign_of(line.mark)) }
            td class="n" { (count(line.jobs)) } td class="n" { (count(line.rows)) }
            td { (shown(&line.required_by, 120)) }
            td { (shown(&line.because, VALUE)) }
        } }
    };
    let table = html! {
        table {
            caption class="hidden" { "Each required check on each signal" }
            thead { tr {
                th scope="col" { "Check" } th scope="col" { "Signal" } th scope="col" { "Known" }
                th scope="col" class="n" { "Jobs" } th scope="col" class="n" { "Rows" }
                th scope="col" { "Required by" } th scope="col" { "Why" }
            } }
            tbody { @for line in gate.evidence.iter().take(ITEMS) { (row(line)) } }
        }
    };
    html! {
        section id="evidence" aria-labelledby="evidence-title" {
            h2 id="evidence-title" { "Evidence" }
            (scroll("Evidence", &table))
            (more(gate.evidence.len()))
        }
    }
}

fn reports(gate: &Gate) -> Markup {
    html! {
        section id="reports" aria-labelledby="reports-title" {
            h2 id="reports-title" { "Reports" }
            @for report in gate.reports.iter().take(ITEMS) { (one(report)) }
            (more(gate.reports.len()))
            @if !gate.earlier.is_empty() {
                h4 { "Gates of earlier phases" }
                @for earlier in &gate.earlier {
                    div class="report" {
                        h3 { (verdict(earlier.verdict)) " " (shown(&earlier.phase, 40)) ": " (shown(&earlier.path, 300)) }
                        p class="where" {
                            "decided " (shown(&earlier.decided, 60))
                            @if earlier.closing { ", completes its phase" } @else { ", does not complete its phase" }
                            ", BLAKE3 " code { (shown(&earlier.digest, 64)) }
                        }
                    }
                }
            }
        }
    }
}

fn one(report: &GateReport) -> Markup {
    let names = |list: &[Identity]| list.iter().map(Identity::words).collect::<Vec<_>>().join("; ");
    html! {
        div class="report" {
            h3 {
                @match report.verdict { Some(of) => (verdict(of)), None => (mark("na", "–", "adds nothing")) }
                " " (shown(&report.path, 300))
            }
            @for why in &report.refused { p { (mark("open", "?", "refused")) " " (shown(why, VALUE)) } }
            @for note in &report.notes { p { (mark("info", "i", "note")) " " (shown(note, VALUE)) } }
            dl class="facts" {
                div { dt { "What" } dd {
                    (words::mode(report.mode)) ", " (counted(report.jobs, "job", "jobs")) ", "
                    (count(report.jobs_of_phase)) " of the phase"
                    @if report.rows > 0 { ", " (counted(report.rows, "input row", "input rows")) " compared" }
                } }
                div { dt { "Started" } dd { (shown(&report.started, 60)) } }
                div { dt { "Finished" } dd { (shown(report.finished.as_deref().unwrap_or("unknown"), 60)) } }
                div { dt { "Judged" } dd { (shown(&report.judged, VALUE)) "; its own verdict was " (words::verdict(report.own_verdict)) } }
                div { dt { "Candidate" } dd { (shown(&names(&report.candidates), VALUE)) } }
                div { dt { "Baseline" } dd { (shown(&names(&report.baselines), VALUE)) } }
                div { dt { "BLAKE3" } dd { code { (shown(&report.digest, 64)) } } }
            }
        }
    }
}

fn waivers(gate: &Gate) -> Markup {
    let waivers: Vec<String> = gate
        .waivers
        .iter()
        .map(|waiver| {
            let scope =
                if waiver.scope.is_empty() { String::new() } else { format!(" for {}", waiver.scope) };
            let until = waiver.waived.expires.as_ref().map_or(String::new(), |day| format!(", until {day}"));
            let covers = if waiver.expired {
                "expired, covers nothing".to_owned()
            } else {
                format!("covers {}", counted(waiver.applied, "finding", "findings"))
            };
            format!(
                "{}{scope}: {covers}; {} answers for it{until}: {} ({})",
                waiver.code, waiver.waived.owner, waiver.waived.reason, waiver.origin
            )
        })
        .collect();
    list("Waivers", "waivers", &waivers)
}

fn resolved(gate: &Gate) -> Markup {
    html! {
        section id="policy" aria-labelledby="policy-title" {
            h2 id="policy-title" { "Policy" }
            p {
                "Everything above was judged by this policy, whatever the reports were judged by before. Digest "
                code { (shown(&gate.policy.digest, 64)) }
            }
            details class="fold" {
                summary { (counted(gate.policy.values.len() as u64, "value", "values")) " with their origins" }
                table {
                    thead { tr { th scope="col" { "Key" } th scope="col" { "Value" } th scope="col" { "From" } } }
                    tbody { @for value in gate.policy.values.iter().take(ITEMS) { tr {
                        th scope="row" { (shown(&value.key, 120)) } td { (shown(&value.value, VALUE)) }
                        td { (shown(&value.origin, 120)) }
                    } } }
                }
                (more(gate.policy.values.len()))
            }
            p { "Decided by" }
            pre { code { (shown(&words::shell(&gate.command), 4_000)) } }
        }
    }
}

fn sign(gate: &Gate) -> Markup {
    let confirmed: Vec<&Line> = gate.checklist.iter().filter(|line| line.confirmed.is_some()).collect();
    html! {
        section id="sign" aria-labelledby="sign-title" {
            h2 id="sign-title" { "Sign-off" }
            @if !confirmed.is_empty() {
                ul class="plain" { @for line in confirmed { @if let Some(by) = &line.confirmed {
                    li { (shown(&line.id, 10)) " confirmed by " strong { (shown(&by.by, 200)) } " at " (shown(&by.at, 60)) }
                } } }
            }
            table class="signs" {
                thead { tr { th scope="col" { "Role" } th scope="col" { "Name" } th scope="col" { "Date" } } }
                tbody { @for role in ["Owner of the writer", "Owner of the data", "On call"] {
                    tr { th scope="row" { (role) } td {} td {} }
                } }
            }
        }
    }
}
