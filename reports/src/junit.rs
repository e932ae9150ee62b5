//! `junit.xml`: what a CI system shows as test results.
//!
//! One suite a job, one case a check, and a case `verdict` in every suite, so that a job that nothing vouches for is red even
//! where no check is. A suite `run` holds the verdict of the whole and says where the run ended early.
//!
//! | outcome | case |
//! | --- | --- |
//! | pass | success; skipped, with the reasons, where the pass rests on a waiver |
//! | fail of a check that gates | failure, with the deciding findings |
//! | inconclusive of a check that gates | error |
//! | fail or inconclusive of a check that does not gate, not applicable | skipped, with the summary |
//!
//! Layout: the JUnit format as Jenkins reads it. Values are escaped, and characters that XML cannot hold are written out.

use std::fmt::Write;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Suites, TestCase, TestCaseStatus, TestSuite};

use crate::document::{CheckReport, CheckStatus, Finding, JobReport, Report, Severity, Verdict};
use crate::error::{Error, Result};
use crate::visible;
use crate::words;

/// Findings told in one case.
const FINDINGS: usize = 20;
/// Characters of one message.
const MESSAGE: usize = 2_000;

/// Renders the document.
///
/// # Errors
/// [`Error::Format`], should the encoder refuse something.
pub fn render(report: &Report) -> Result<String> {
    let mut suites = Suites::new(format!("parallax {}", words::mode(report.run.mode)));
    suites.set_time(Duration::from_millis(report.run.duration_ms));
    suites.add_test_suite(run(report));
    suites.add_test_suites(report.jobs.iter().map(job));
    let text = suites
        .to_string()
        .map_err(|source| Error::Format { format: "junit.xml", message: source.to_string() })?;
    Ok(without_skipped(&text))
}

/// The text without the attribute `skipped` of its first element: the encoder writes it, and the schemas that CI systems check by
/// know it of `testsuite` alone. The suites keep theirs.
fn without_skipped(text: &str) -> String {
    let start = text.find("<testsuites").unwrap_or_default();
    let end = text[start..].find('>').map_or(text.len(), |length| start + length);
    let Some(at) = text[start..end].find(" skipped=\"").map(|at| start + at) else { return text.to_owned() };
    let close = text[at + " skipped=\"".len()..]
        .find('"')
        .map_or(end, |length| at + " skipped=\"".len() + length + 1);
    format!("{}{}", &text[..at], &text[close..])
}

/// The suite of the whole run.
fn run(report: &Report) -> TestSuite {
    let mut suite = TestSuite::new("run");
    suite.add_test_case(case("run", "verdict", verdict(report.verdict, &report.headline)));
    let ended = if report.run.complete {
        TestCaseStatus::success()
    } else {
        let reason = report.run.partial_reason.as_deref().unwrap_or("no reason given");
        let judged = format!("{} of {} jobs judged", report.jobs.len(), report.totals.jobs);
        told(NonSuccessKind::Error, &format!("the run ended early ({reason}): {judged}"))
    };
    suite.add_test_case(case("run", "complete", ended));
    suite
}

fn job(job: &JobReport) -> TestSuite {
    let id = visible::plain(&job.id);
    let mut suite = TestSuite::new(&id);
    let time = job.checks.iter().map(|check| check.duration_ms).sum();
    suite.set_time(Duration::from_millis(time));
    suite.add_test_case(case(&id, "verdict", verdict(job.verdict, &job.headline)));
    for check in &job.checks {
        let mut case = case(&id, &visible::plain(&check.check), status(check));
        case.set_time(Duration::from_millis(check.duration_ms));
        suite.add_test_case(case);
    }
    suite
}

fn case(class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

fn verdict(verdict: Verdict, headline: &str) -> TestCaseStatus {
    match verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Fail => told(NonSuccessKind::Failure, headline),
        Verdict::Inconclusive => told(NonSuccessKind::Error, headline),
    }
}

fn told(kind: NonSuccessKind, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(clipped(message));
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(clipped(message));
    status
}

fn status(check: &CheckReport) -> TestCaseStatus {
    let waived: Vec<&Finding> = check.findings.iter().filter(|found| found.waived.is_some()).collect();
    match (check.status, check.gates) {
        (CheckStatus::Pass, _) if waived.is_empty() => TestCaseStatus::success(),
        (CheckStatus::Pass, _) => {
            let mut status = skipped(&format!("passes by a waiver: {}", check.summary));
            status.set_description(listed(&waived));
            status
        }
        (CheckStatus::Fail, true) => {
            let mut status = told(NonSuccessKind::Failure, &check.summary);
            status.set_type("fail");
            status.set_description(listed(&deciding(check)));
            status
        }
        (CheckStatus::Inconclusive, true) => {
            let mut status = told(NonSuccessKind::Error, &check.summary);
            status.set_type("inconclusive");
            status.set_description(listed(&deciding(check)));
            status
        }
        (CheckStatus::Fail | CheckStatus::Inconclusive, false) => {
            skipped(&format!("{}, but does not gate: {}", words::status(check.status), check.summary))
        }
        (CheckStatus::NotApplicable, _) => skipped(&format!("not applicable: {}", check.summary)),
    }
}

/// Findings that are not waived and more than information, most severe first.
fn deciding(check: &CheckReport) -> Vec<&Finding> {
    let counts = |found: &&Finding| found.waived.is_none() && found.severity != Severity::Info;
    let mut found: Vec<&Finding> = check.findings.iter().filter(counts).collect();
    found.sort_by_key(|found| found.severity);
    found
}

/// Findings one a line, with place, count and whoever waived them.
fn listed(findings: &[&Finding]) -> String {
    let mut text = String::new();
    for found in findings.iter().take(FINDINGS) {
        let _ = write!(text, "{} {}: ", words::severity(found.severity), visible::plain(&found.code));
        text.push_str(&clipped(&found.message));
        if let Some(place) = found.place.as_ref().and_then(words::place) {
            let _ = write!(text, " (at {})", visible::plain(&place));
        }
        let _ = write!(text, " [count {}]", found.count);
        if let Some(letter) = &found.defect {
            let _ = write!(text, " [baseline defect {}]", visible::plain(letter));
        }
        if let Some(action) = found.action.filter(|_| found.waived.is_none()) {
            let _ = write!(text, " [{action}: {}]", action.asks());
        }
        if let Some(waived) = &found.waived {
            let _ = write!(text, " [waived by {}: {}]", clipped(&waived.owner), clipped(&waived.reason));
        }
        text.push('\n');
    }
    if findings.len() > FINDINGS {
        let more = findings.len() - FINDINGS;
        let _ = writeln!(text, "and {} more, in findings.csv", words::count(more as u64));
    }
    text
}

/// The text with hidden characters written out, cut where it is long.
fn clipped(text: &str) -> String {
    match visible::cut(text, MESSAGE) {
        (text, 0) => visible::plain(text),
        (text, more) => format!("{} ... ({more} characters not shown)", visible::plain(text)),
    }
}

#[cfg(test)]
mod tests {
    use quick_junit::{Report as Suites, TestCaseStatus};

    use super::*;
    use crate::fixture;

    fn read(report: &Report) -> Suites {
        Suites::deserialize_from_str(&render(report).unwrap()).unwrap()
    }

    #[test]
    fn a_failing_run_in_full() {
        insta::assert_snapshot!("failing.junit.xml", render(&fixture::rich()).unwrap());
    }

    #[test]
    fn every_job_has_a_case_a_check_and_one_for_its_verdict() {
        let report = fixture::rich();
        let suites = read(&report);
        assert_eq!(suites.test_suites.len(), report.jobs.len() + 1);
        for (job, suite) in report.jobs.iter().zip(&suites.test_suites[1..]) {
            assert_eq!(suite.test_cases.len(), job.checks.len() + 1);
        }
    }

    #[test]
    fn green_is_green_and_nothing_red_is_green() {
        let good = read(&fixture::passing());
        assert_eq!((good.failures, good.errors), (0, 0));
        let mut report = fixture::passing();
        report.verdict = Verdict::Inconclusive;
        report.jobs[0].verdict = Verdict::Inconclusive;
        let suites = read(&report);
        assert_eq!((suites.failures, suites.errors), (0, 2), "the run's and the job's verdict");
        report.verdict = Verdict::Fail;
        assert_eq!(read(&report).failures, 1);
        report.run.complete = false;
        assert_eq!(read(&report).errors, 2);
    }

    #[test]
    fn each_outcome_of_a_check_has_its_kind() {
        let mut report = fixture::passing();
        let check = &mut report.jobs[0].checks[0];
        check.findings.clear();
        let mut kind = |status, gates| {
            (report.jobs[0].checks[0].status, report.jobs[0].checks[0].gates) = (status, gates);
            match read(&report).test_suites[1].test_cases[1].status.clone() {
                TestCaseStatus::Success { .. } => "success",
                TestCaseStatus::Skipped { .. } => "skipped",
                TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => "failure",
                TestCaseStatus::NonSuccess { .. } => "error",
            }
        };
        assert_eq!(kind(CheckStatus::Pass, true), "success");
        assert_eq!(kind(CheckStatus::Fail, true), "failure");
        assert_eq!(kind(CheckStatus::Inconclusive, true), "error");
        assert_eq!(kind(CheckStatus::Fail, false), "skipped");
        assert_eq!(kind(CheckStatus::NotApplicable, true), "skipped");
    }

    #[test]
    fn characters_that_xml_cannot_hold_are_written_out_wherever_a_name_stands() {
        let hidden: String =
            (0..0x20).chain([0x7f, 0x85, 0xfffe, 0xffff]).filter_map(char::from_u32).collect();
        let mut report = fixture::rich();
        for job in &mut report.jobs {
            job.id.push_str(&hidden);
            job.headline.push_str(&hidden);
            for check in &mut job.checks {
                check.check.push_str(&hidden);
                check.summary.push_str(&hidden);
                for found in &mut check.findings {
                    found.code.push_str(&hidden);
                    found.message.push_str(&hidden);
                    found.defect = Some(hidden.clone());
                    if let Some(place) = &mut found.place {
                        place.column = Some(hidden.clone());
                    }
                    if let Some(waived) = &mut found.waived {
                        waived.reason.push_str(&hidden);
                    }
                }
            }
        }
        let xml = render(&report).unwrap();
        let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert_eq!(xml.chars().find(|c| !allowed(*c)), None);
        assert!(xml.contains(r"\u{fffe}\u{ffff}"));
        Suites::deserialize_from_str(&xml).unwrap();
    }

    #[test]
    fn hostile_values_are_text_and_nothing_else() {
        let xml = render(&fixture::hostile()).unwrap();
        assert!(!xml.contains("<script") && !xml.contains('\u{1b}') && !xml.contains('\0'));
        Suites::deserialize_from_str(&xml).unwrap();
    }
}
