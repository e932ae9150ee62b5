//! `summary.md`: what a pull request or the page of a CI job shows. Verdict first, at most [`LIMIT`] bytes.
//!
//! Parts are added in order of weight as long as they fit; what did not fit is counted. Values are written so that Markdown takes
//! them for text: no markup, no mention of a person, no link.

use std::fmt::Write;

use crate::document::{CheckReport, CheckStatus, Finding, JobReport, Report, Severity, Verdict};
use crate::guide;
use crate::markdown_text::escaped;
use crate::scoreboard::{applying, codes};
use crate::visible;
use crate::words::{self, bytes, count, counted, duration};

/// Bytes at most. The page of a CI job takes more, a comment on a pull request hardly.
pub const LIMIT: usize = 60_000;

/// Bytes kept free for the last lines.
const RESERVE: usize = 2_000;
/// Characters of one value.
const VALUE: usize = 300;

/// Renders the document.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut page = Page { text: String::new() };
    page.verdict(report);
    page.findings(report);
    page.jobs(report);
    page.waived(report);
    page.unchecked(report);
    page.end(report);
    page.text
}

struct Page {
    text: String,
}

impl Page {
    /// Adds lines as long as they fit; says how many did not.
    fn lines(&mut self, head: &str, lines: &[String], noun: (&str, &str), elsewhere: &str) {
        if lines.is_empty() || self.text.len() + head.len() > LIMIT - 2 * RESERVE {
            if !lines.is_empty() {
                let left = counted(lines.len() as u64, noun.0, noun.1);
                let _ = writeln!(self.text, "\n{left}: see {elsewhere}");
            }
            return;
        }
        self.text.push_str(head);
        let mut shown = 0;
        for line in lines {
            if self.text.len() + line.len() > LIMIT - 2 * RESERVE {
                break;
            }
            self.text.push_str(line);
            self.text.push('\n');
            shown += 1;
        }
        if shown < lines.len() {
            let left = counted((lines.len() - shown) as u64, noun.0, noun.1);
            let _ = writeln!(self.text, "\nand {left} more: see {elsewhere}");
        }
    }

    fn verdict(&mut self, report: &Report) {
        let mark = match report.verdict {
            Verdict::Pass => "✅ PASS",
            Verdict::Fail => "❌ FAIL",
            Verdict::Inconclusive => "⚠️ INCONCLUSIVE",
        };
        let _ = writeln!(self.text, "# {mark}\n\n{}\n", escaped(&report.headline, 1_000));
        if !report.run.complete {
            let reason = report.run.partial_reason.as_deref().unwrap_or("no reason given");
            let _ = writeln!(
                self.text,
                "**Partial:** the run ended early ({}); {} of {} judged.\n",
                escaped(reason, VALUE),
                count(report.jobs.len() as u64),
                counted(report.totals.jobs, "job", "jobs")
            );
        }
        if let Some(key) = &report.redacted {
            let key = escaped(key, 40);
            let _ = writeln!(self.text, "**Redacted:** values are replaced by digests (key {key}).\n");
        }
        let totals = &report.totals;
        let _ = writeln!(self.text, "| | input | baseline | candidate |\n| --- | ---: | ---: | ---: |");
        let _ = writeln!(
            self.text,
            "| rows | {} | {} | {} |",
            count(totals.rows_in),
            count(totals.rows_baseline),
            count(totals.rows_candidate)
        );
        let (a, b) = (count(totals.files_baseline), count(totals.files_candidate));
        let _ = writeln!(self.text, "| files | | {a} | {b} |");
        let (a, b) = (bytes(totals.bytes_baseline), bytes(totals.bytes_candidate));
        let _ = writeln!(self.text, "| bytes | | {a} | {b} |\n");
        let _ = writeln!(
            self.text,
            "{} passed, {} failed, {} inconclusive, of {}; {}, {}, {} waived; took {}",
            count(totals.jobs_passed),
            count(totals.jobs_failed),
            count(totals.jobs_inconclusive),
            counted(totals.jobs, "job", "jobs"),
            counted(totals.blockers, "blocker", "blockers"),
            counted(totals.warnings, "warning", "warnings"),
            count(totals.waived),
            duration(report.run.duration_ms)
        );
    }

    /// Unwaived blockers and warnings, most severe first, and gating checks without an answer.
    fn findings(&mut self, report: &Report) {
        let of_job = |job: &'_ JobReport| {
            let found = job.checks.iter().flat_map(|check| &check.findings);
            let counts = |found: &&Finding| found.waived.is_none() && found.severity != Severity::Info;
            found.filter(counts).map(|found| (found.severity, finding(job, found))).collect::<Vec<_>>()
        };
        let mut found: Vec<(Severity, String)> = report.jobs.iter().flat_map(of_job).collect();
        found.sort_by_key(|(severity, _)| *severity);
        let lines: Vec<String> = found.into_iter().map(|(_, line)| line).collect();
        self.lines("\n## Action required\n\n", &lines, ("finding", "findings"), "`findings.csv`");
        let open = |check: &&CheckReport| check.gates && check.status == CheckStatus::Inconclusive;
        let undecided: Vec<String> = report
            .jobs
            .iter()
            .flat_map(|job| job.checks.iter().filter(open).map(move |check| (job, check)))
            .map(|(job, check)| {
                format!(
                    "- **{}** {}: {}",
                    escaped(&check.check, 40),
                    escaped(&job.id, 80),
                    escaped(&check.summary, VALUE)
                )
            })
            .collect();
        self.lines("\n## Undecided\n\n", &undecided, ("check", "checks"), "`checks.csv`");
    }

    /// Jobs that did not pass, by check.
    fn jobs(&mut self, report: &Report) {
        let mut red: Vec<&JobReport> =
            report.jobs.iter().filter(|job| job.verdict != Verdict::Pass).collect();
        red.sort_by_key(|job| job.verdict == Verdict::Inconclusive);
        let (checks, _) = applying(&report.jobs);
        let mut head = "\n## Jobs that did not pass\n\n| job | verdict |".to_owned();
        for check in &checks {
            let _ = write!(head, " {} |", escaped(check, 40));
        }
        head.push_str("\n| --- | --- |");
        checks.iter().for_each(|_| head.push_str(" --- |"));
        head.push('\n');
        let lines: Vec<String> = red
            .into_iter()
            .map(|job| {
                let mut line = format!("| {} | {} |", escaped(&job.id, 80), words::verdict(job.verdict));
                for code in &checks {
                    let check = job.checks.iter().find(|check| check.check == *code);
                    let _ = write!(line, " {} |", check.map_or("", |check| words::status(check.status)));
                }
                line
            })
            .collect();
        self.lines(&head, &lines, ("job", "jobs"), "`checks.csv`");
    }

    fn waived(&mut self, report: &Report) {
        let of_job = |job: &'_ JobReport| {
            let found = job.checks.iter().flat_map(|check| &check.findings);
            let told = |found: &Finding| {
                let waived = found.waived.as_ref()?;
                let until = waived.expires.as_ref().map(|day| format!(", until {}", escaped(day, 20)));
                Some(format!(
                    "{} Waived by {}{}: {}",
                    finding(job, found),
                    escaped(&waived.owner, 80),
                    until.unwrap_or_default(),
                    escaped(&waived.reason, VALUE)
                ))
            };
            found.filter_map(told).collect::<Vec<_>>()
        };
        let lines: Vec<String> = report.jobs.iter().flat_map(of_job).collect();
        self.lines("\n## Waived\n\n", &lines, ("finding", "findings"), "`findings.csv`");
    }

    /// Checks that no job asked: the reader must not take their silence for a pass.
    fn unchecked(&mut self, report: &Report) {
        let of = |code: &&str| {
            let all = || report.jobs.iter().flat_map(|job| &job.checks).filter(|check| check.check == *code);
            let idle = all().all(|check| check.status == CheckStatus::NotApplicable);
            let why = all().next().map(|check| escaped(&check.summary, VALUE)).unwrap_or_default();
            idle.then(|| format!("- {}: {why}", escaped(code, 40)))
        };
        let lines: Vec<String> = codes(&report.jobs).iter().filter_map(of).collect();
        self.lines("\n## Not checked in any job\n\n", &lines, ("check", "checks"), "`checks.csv`");
    }

    fn end(&mut self, report: &Report) {
        let replay = visible::cut(&report.run.replay, 1_000);
        let cut = if replay.1 > 0 { " ... (cut; whole in `report.json`)" } else { "" };
        let _ = writeln!(self.text, "\n## Reproduce\n\n    {}{cut}", visible::plain(replay.0));
        let tool = &report.tool;
        let _ = writeln!(
            self.text,
            "\n{} {} ({}); the whole report: `index.html`",
            escaped(&tool.name, 40),
            escaped(&tool.version, 40),
            escaped(&tool.profile, 40)
        );
    }
}

/// One finding as an item of a list.
fn finding(job: &JobReport, found: &Finding) -> String {
    let mut line = format!(
        "- **{}** {} {}: {}",
        words::severity(found.severity),
        escaped(&job.id, 80),
        escaped(&found.code, 60),
        escaped(&found.message, VALUE)
    );
    if let Some(place) = found.place.as_ref().and_then(words::place) {
        let _ = write!(line, " (at {})", escaped(&place, VALUE));
    }
    if let Some(letter) = &found.defect {
        let _ = write!(line, " (baseline defect {})", escaped(letter, 20));
    }
    if let Some(action) = found.action.filter(|_| found.waived.is_none()) {
        let _ = write!(line, " **{action}**: {}", action.asks());
    }
    if let Some(command) = guide::command(&found.check) {
        let _ = write!(line, " (`{command}`)");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_failing_run_in_full() {
        insta::assert_snapshot!("failing.summary.md", render(&fixture::rich()));
    }

    #[test]
    fn a_green_run_is_short_and_says_so_first() {
        let text = render(&fixture::passing());
        assert!(text.starts_with("# ✅ PASS\n"), "{text}");
        assert!(!text.contains("Action required") && text.len() < 3_000);
    }

    #[test]
    fn an_interrupted_run_says_that_it_is_partial() {
        let mut report = fixture::passing();
        report.run.complete = false;
        report.run.partial_reason = Some("interrupted".to_owned());
        assert!(render(&report).contains("**Partial:** the run ended early (interrupted)"));
    }

    #[test]
    fn it_stays_below_its_limit_whatever_was_found_and_counts_the_rest() {
        let mut report = fixture::rich();
        let job = report.jobs.iter().find(|job| job.verdict == Verdict::Fail).unwrap().clone();
        report.jobs =
            (0..3_000).map(|number| JobReport { id: format!("job-{number}"), ..job.clone() }).collect();
        let text = render(&report);
        assert!(text.len() <= LIMIT, "{}", text.len());
        assert!(text.contains("findings more: see `findings.csv`"), "what was cut is counted");
        assert!(text.contains("jobs: see `checks.csv`") && text.contains("## Reproduce"));
    }

    #[test]
    fn values_cannot_become_markup_mentions_or_links() {
        let out = escaped("<b>|`x` *y* _z_ @team #1 [a](http://b) www.c.d\n# head ~~~", 1_000);
        for forbidden in ["<", "|", "`", "*", "_", "@", "[", "http:", "www.", "\n", "~"] {
            assert!(!out.contains(forbidden), "{forbidden} in {out}");
        }
        // References themselves hold `#`, and nothing else does.
        assert!(!out.replace("&#", "").contains('#'), "{out}");
        let page = render(&fixture::hostile());
        assert!(!page.contains("<script") && !page.contains('\u{1b}'));
    }
}
