//! The gate document and its formats.

use document::policy::PolicyInfo;
use document::report::{Mode, Verdict};

use super::html::{GATE_STYLE, policy};
use super::*;
use crate::fixture;
use crate::page::STYLE;
use crate::page::tests::source;

/// A gate with one of everything, its texts hostile.
fn gate() -> Gate {
    let report = fixture::rich();
    let bad = "<script>alert(1)</script> \u{1b}[31m @team |";
    let identity = Identity {
        name: bad.to_owned(),
        kind: "command".to_owned(),
        version: None,
        digest: Some("ab".repeat(32)),
    };
    let line = |id: &str, mark| Line {
        id: id.to_owned(),
        text: bad.to_owned(),
        mark,
        because: vec![bad.to_owned()],
        checks: vec!["ROWS".to_owned()],
        confirm: None,
        confirmed: (mark == Mark::Confirmed)
            .then(|| Confirmation { by: bad.to_owned(), at: "2026-01-01T00:00:00Z".to_owned() }),
    };
    let finding = report.jobs.iter().flat_map(|job| &job.checks).flat_map(|check| &check.findings).next();
    Gate {
        gate_version: SCHEMA_VERSION,
        tool: report.tool.clone(),
        decided: "2026-01-01T00:00:00Z".to_owned(),
        command: vec!["parallax".to_owned(), "gate".to_owned(), bad.to_owned()],
        phase: "logs".to_owned(),
        title: "Logs".to_owned(),
        risk: "medium".to_owned(),
        signals: vec!["logs".to_owned()],
        stage: Stage::Begin,
        closing: false,
        verdict: Verdict::Fail,
        headline: bad.to_owned(),
        missing: vec![bad.to_owned()],
        notices: vec![bad.to_owned()],
        candidate: Some(identity.clone()),
        baseline: None,
        checklist: vec![line("P1", Mark::Confirmed), line("V1", Mark::Fail), line("S1", Mark::Later)],
        evidence: vec![EvidenceLine {
            check: "ROWS".to_owned(),
            signal: "logs".to_owned(),
            mark: Mark::Open,
            because: bad.to_owned(),
            jobs: 1,
            rows: 10,
            required_by: "phase logs".to_owned(),
        }],
        reports: vec![GateReport {
            path: bad.to_owned(),
            digest: "cd".repeat(32),
            mode: Mode::Run,
            started: "2026-01-01T00:00:00Z".to_owned(),
            finished: None,
            own_verdict: Verdict::Pass,
            verdict: None,
            judged: bad.to_owned(),
            jobs: 2,
            jobs_of_phase: 1,
            rows: 10,
            refused: vec![bad.to_owned()],
            notes: Vec::new(),
            candidates: vec![identity],
            baselines: Vec::new(),
        }],
        findings: finding
            .map(|finding| GateFinding {
                report: bad.to_owned(),
                job: "j".to_owned(),
                finding: finding.clone(),
            })
            .into_iter()
            .collect(),
        earlier: vec![EarlierGate {
            path: bad.to_owned(),
            digest: "ef".repeat(32),
            phase: "foundation".to_owned(),
            verdict: Verdict::Pass,
            closing: true,
            decided: "2025-12-01T00:00:00Z".to_owned(),
        }],
        waivers: report.waivers.clone(),
        policy: PolicyInfo {
            phase: Some("logs".to_owned()),
            file: None,
            digest: "01".repeat(32),
            values: Vec::new(),
        },
    }
}

#[test]
fn what_is_written_is_read_back_unchanged_and_other_versions_are_refused() {
    let text = to_text(&gate()).unwrap();
    assert_eq!(parse(text.as_bytes()).unwrap(), gate());
    assert!(parse(b"{\"gate_version\": 2}").unwrap_err().contains("gate version 2"));
    assert!(parse(b"{\"schema_version\": 1}").unwrap_err().contains("no gate_version"));
}

#[test]
fn values_of_the_document_stay_text_in_every_format() {
    let gate = gate();
    let page = render_html(&gate);
    assert!(!page.contains("<script>") && !page.contains('\u{1b}'));
    for foreign in ["http://", "https://", " style=", "src=\"", "@import"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let markdown = render_markdown(&gate);
    assert!(!markdown.contains("<script") && !markdown.contains("@team") && !markdown.contains('\u{1b}'));
    assert!(!render_text(&gate).contains('\u{1b}'));
}

#[test]
fn every_mark_and_the_decision_stand_in_every_format() {
    let gate = gate();
    for text in [render_html(&gate), render_markdown(&gate), render_text(&gate)] {
        for word in ["confirmed", "fail", "later", "The phase must not begin: something failed."] {
            assert!(text.contains(word), "{word} in {text}");
        }
    }
    assert!(render_html(&gate).contains("Owner of the data"));
}

#[test]
fn three_files_are_written_whole() {
    let dir = tempfile::tempdir().unwrap();
    write_all(&gate(), dir.path()).unwrap();
    for name in FILES {
        assert!(std::fs::metadata(dir.path().join(name)).unwrap().len() > 100, "{name}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), FILES.len());
}

#[test]
fn the_page_of_a_gate_allows_both_style_sheets_by_their_digests() {
    for text in [STYLE, GATE_STYLE] {
        let expected = source(text);
        assert!(policy().contains(&expected), "put this into GATE_DIGEST: {expected}");
        assert!(!text.contains("</"));
    }
}
