//! The run as plain text, for a terminal: verdict first, a table of jobs and checks, the deciding findings, totals.
//!
//! Values of the document are written with hidden characters escaped: a log line cannot drive the terminal. Long lists
//! are cut and say so. Width is counted in characters, so wide scripts may reach beyond it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::document::{CheckReport, CheckStatus, Finding, JobReport, Report, Severity, Verdict};
use crate::guide;
use crate::headline;
use crate::scoreboard::applying;
use crate::visible;
use crate::words::{self, bytes, count, counted, duration};
use crate::wrap::wrap;

/// Jobs in the table.
const JOBS: usize = 40;
/// Deciding findings, and of those per job and check.
const FINDINGS: usize = 12;
const PER_CHECK: usize = 3;
/// Narrowest width that is honoured.
const NARROWEST: usize = 40;
/// Narrowest column for job names.
const NAME: usize = 16;

/// The text, `width` characters wide, with ANSI colours where `colour` is set. Ends with a line feed.
#[must_use]
pub fn render_text(report: &Report, width: usize, colour: bool) -> String {
    let mut text = Text { out: String::new(), width: width.max(NARROWEST), colour };
    text.verdict(report);
    text.table(report);
    text.measured(report);
    text.findings(report);
    text.totals(report);
    text.out
}

/// The verdict and why alone.
#[must_use]
pub fn render_verdict(report: &Report, width: usize, colour: bool) -> String {
    let mut text = Text { out: String::new(), width: width.max(NARROWEST), colour };
    text.verdict(report);
    text.out
}

struct Text {
    out: String,
    width: usize,
    colour: bool,
}

impl Text {
    fn verdict(&mut self, report: &Report) {
        let word = words::verdict(report.verdict).to_uppercase();
        let head = format!("{word}  ");
        let code = verdict_colour(report.verdict);
        if self.colour {
            let _ = write!(self.out, "\u{1b}[1;{code}m{word}\u{1b}[0m  ");
        } else {
            self.out.push_str(&head);
        }
        let headline = visible::plain(&headline::short(report));
        let lines = wrap(&headline, self.width.saturating_sub(head.chars().count()));
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                self.out.push_str(&" ".repeat(head.chars().count()));
            }
            self.line(line);
        }
        if !report.run.complete {
            let reason = report.run.partial_reason.as_deref().unwrap_or("no reason given");
            let judged = count(report.jobs.len() as u64);
            let partial = format!(
                "PARTIAL: the run ended early ({}); {judged} of {} judged.",
                visible::plain(reason),
                counted(report.totals.jobs, "job", "jobs")
            );
            self.paragraph("", &partial, "1;33");
        }
        if let Some(key) = &report.redacted {
            let told = format!(
                "REDACTED: values are replaced by digests; the raw document of key {} resolves them.",
                visible::plain(key)
            );
            self.paragraph("", &told, "");
        }
        self.out.push('\n');
    }

    fn table(&mut self, report: &Report) {
        if report.jobs.is_empty() {
            return;
        }
        let (checks, idle) = applying(&report.jobs);
        let mut order: Vec<&JobReport> = report.jobs.iter().collect();
        if order.len() > JOBS {
            order.sort_by_key(|job| rank(job.verdict));
        }
        order.truncate(JOBS);
        let columns: Vec<usize> =
            checks.iter().map(|check| visible::plain(check).chars().count().max(6)).collect();
        let taken: usize = columns.iter().map(|column| column + 2).sum();
        if taken + NAME <= self.width {
            let longest =
                order.iter().map(|job| visible::plain(&job.id).chars().count()).max().unwrap_or(NAME);
            let name = longest.clamp(3, self.width - taken);
            self.grid(&order, &checks, &columns, name);
        } else {
            for job in &order {
                self.job_line(job, &checks);
            }
        }
        if !idle.is_empty() {
            let idle: Vec<String> = idle.iter().map(|check| visible::plain(check)).collect();
            self.paragraph("", &format!("not applicable to any job: {}", idle.join(", ")), "2");
        }
        let left: Vec<&JobReport> = if report.jobs.len() > JOBS {
            let mut all: Vec<&JobReport> = report.jobs.iter().collect();
            all.sort_by_key(|job| rank(job.verdict));
            all.split_off(JOBS)
        } else {
            Vec::new()
        };
        if !left.is_empty() {
            let of = |verdict: Verdict| left.iter().filter(|job| job.verdict == verdict).count() as u64;
            let more = format!(
                "and {}: {} passed, {} failed, {} inconclusive",
                counted(left.len() as u64, "more job", "more jobs"),
                count(of(Verdict::Pass)),
                count(of(Verdict::Fail)),
                count(of(Verdict::Inconclusive))
            );
            self.paragraph("", &more, "");
        }
        self.out.push('\n');
    }

    fn grid(&mut self, jobs: &[&JobReport], checks: &[&str], columns: &[usize], name: usize) {
        let mut head = pad("job", name);
        for (check, column) in checks.iter().zip(columns) {
            head.push_str("  ");
            head.push_str(&pad(&visible::plain(check), *column));
        }
        self.line(head.trim_end());
        for job in jobs {
            self.out.push_str(&pad(&clip(&visible::plain(&job.id), name), name));
            // Spaces wait until something follows them, so that no line ends with any.
            let mut gap = 2;
            for (code, column) in checks.iter().zip(columns) {
                let check = job.checks.iter().find(|check| check.check == *code);
                let (word, code) = check.map_or(("", ""), cell);
                if !word.is_empty() {
                    self.out.push_str(&" ".repeat(gap));
                    self.coloured(word, code);
                    gap = 0;
                }
                gap += column - word.chars().count() + 2;
            }
            self.out.push('\n');
        }
    }

    /// A job on a line of its own, where the table is too wide: checks that passed are counted, others named.
    fn job_line(&mut self, job: &JobReport, checks: &[&str]) {
        let passed = job.checks.iter().filter(|check| check.status == CheckStatus::Pass).count();
        let mut parts = vec![format!("{} passed", counted(passed as u64, "check", "checks"))];
        let told = |check: &&CheckReport| checks.contains(&check.check.as_str());
        for check in job.checks.iter().filter(told).filter(|check| check.status != CheckStatus::Pass) {
            parts.push(format!("{} {}", visible::plain(&check.check), cell(check).0));
        }
        self.headed(words::verdict(job.verdict), verdict_colour(job.verdict), &visible::plain(&job.id));
        self.paragraph("    ", &parts.join(", "), "");
    }

    /// Ratios of each measured set.
    fn measured(&mut self, report: &Report) {
        let mut any = false;
        for job in &report.jobs {
            let Some(measurement) = &job.measurement else { continue };
            any = true;
            let jobs = counted(measurement.jobs.len() as u64, "job", "jobs");
            let pairs = counted(measurement.pairs, "pair", "pairs");
            self.headed("measured", "1", &format!("{}: {pairs} of {jobs}", name(&job.id)));
            for (what, found) in [("wall time", &measurement.wall), ("peak memory", &measurement.memory)] {
                let Some(ratio) = &found.ratio else { continue };
                let noise = found.noise.map_or_else(String::new, |noise| {
                    format!("; noise {:.3} ({:.3} to {:.3})", noise.median, noise.low, noise.high)
                });
                let limit = found.limit.map_or_else(String::new, |limit| format!(", limit {limit:.3}"));
                let line = format!(
                    "{what} {:.3} of the baseline's ({:.3} to {:.3}{limit}){noise}",
                    ratio.median, ratio.low, ratio.high
                );
                self.paragraph("    ", &line, "");
            }
        }
        if any {
            self.out.push('\n');
        }
    }

    fn findings(&mut self, report: &Report) {
        let all = || {
            report.jobs.iter().flat_map(|job| {
                job.checks
                    .iter()
                    .flat_map(move |check| check.findings.iter().map(move |found| (job, check, found)))
            })
        };
        let mut deciding: Vec<_> = all()
            .filter(|(_, _, found)| found.waived.is_none() && found.severity != Severity::Info)
            .collect();
        deciding.sort_by_key(|(_, _, found)| found.severity);
        // Inconclusive checks decide as well, and mostly without a finding.
        let open: Vec<_> = report
            .jobs
            .iter()
            .flat_map(|job| job.checks.iter().map(move |check| (job, check)))
            .filter(|(_, check)| check.gates && check.status == CheckStatus::Inconclusive)
            .collect();
        let total = deciding.len();
        let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        deciding.retain(|(job, check, _)| {
            let times = seen.entry((&job.id, &check.check)).or_default();
            *times += 1;
            *times <= PER_CHECK
        });
        deciding.truncate(FINDINGS);
        for (job, _, found) in &deciding {
            self.finding(job, found);
        }
        if deciding.len() < total {
            let more = counted((total - deciding.len()) as u64, "more finding", "more findings");
            self.paragraph("", &format!("and {more} of this weight, in findings.csv"), "");
        }
        self.undecided(&open);
        for warning in report.warnings.iter().take(FINDINGS) {
            let head = format!("{} ({})", visible::plain(&warning.code), visible::plain(&warning.origin));
            self.headed("warning", "33", &clip(&head, 300));
            self.paragraph("    ", &visible::plain(visible::cut(&warning.message, 400).0), "");
        }
        if report.warnings.len() > FINDINGS {
            let left = (report.warnings.len() - FINDINGS) as u64;
            let more = counted(left, "more warning", "more warnings");
            self.paragraph("", &format!("and {more} about the run, in report.json"), "");
        }
        let waived = self.waived(report);
        if total > 0 || !open.is_empty() || waived || !report.warnings.is_empty() {
            self.out.push('\n');
        }
    }

    /// Gating checks without an answer; those of one job with one reason stand together.
    fn undecided(&mut self, open: &[(&JobReport, &CheckReport)]) {
        let mut groups: Vec<(&str, &str, Vec<String>)> = Vec::new();
        for (job, check) in open {
            let code = visible::plain(&check.check);
            match groups.last_mut() {
                Some((id, why, codes)) if *id == job.id && *why == check.summary => codes.push(code),
                _ => groups.push((&job.id, &check.summary, vec![code])),
            }
        }
        for (id, why, codes) in groups.iter().take(FINDINGS) {
            self.headed("undecided", "33", &format!("{} {}", name(id), codes.join(", ")));
            self.paragraph("    ", &visible::plain(visible::cut(why, 400).0), "");
        }
        if groups.len() > FINDINGS {
            let left: usize = groups[FINDINGS..].iter().map(|(_, _, codes)| codes.len()).sum();
            let more = counted(left as u64, "more check", "more checks");
            self.paragraph("", &format!("and {more} undecided, in checks.csv"), "");
        }
    }

    /// Waived findings by kind, with the defect that explains them: what they say is still so. True where there is one.
    fn waived(&mut self, report: &Report) -> bool {
        let mut kinds: BTreeMap<(Option<&str>, &str), (u64, u64)> = BTreeMap::new();
        for job in &report.jobs {
            let mut here = BTreeSet::new();
            let found = job.checks.iter().flat_map(|check| &check.findings);
            for found in found.filter(|found| found.waived.is_some()) {
                let kind = (found.defect.as_deref(), found.code.as_str());
                let (findings, jobs) = kinds.entry(kind).or_default();
                *findings += 1;
                *jobs += u64::from(here.insert(kind));
            }
        }
        for ((letter, code), (findings, jobs)) in kinds.iter().take(FINDINGS) {
            let mut head = clip(&visible::plain(code), 60);
            if let Some(letter) = letter {
                let _ = write!(head, ", baseline defect {}", clip(&visible::plain(letter), 20));
            }
            let (findings, jobs) = (counted(*findings, "finding", "findings"), counted(*jobs, "job", "jobs"));
            self.headed("waived", "2", &format!("{head}: {findings} in {jobs}"));
        }
        if kinds.len() > FINDINGS {
            let more = counted((kinds.len() - FINDINGS) as u64, "more kind", "more kinds");
            self.paragraph("", &format!("and {more} of waived findings, in findings.csv"), "");
        }
        !kinds.is_empty()
    }

    fn finding(&mut self, job: &JobReport, found: &Finding) {
        let code = if found.severity == Severity::Blocker { "31" } else { "33" };
        let mut head = format!("{} {}", name(&job.id), visible::plain(&found.code));
        if let Some(side) = found.side {
            let _ = write!(head, ", {side}");
        }
        let _ = write!(head, " (count {})", count(found.count));
        if let Some(letter) = &found.defect {
            let _ = write!(head, ", baseline defect {}", clip(&visible::plain(letter), 20));
        }
        if let Some(action) = found.action {
            let _ = write!(head, ", {action}: {}", action.asks());
        }
        self.headed(words::severity(found.severity), code, &head);
        let (message, cut) = visible::cut(&found.message, 400);
        let mut message = visible::plain(message);
        if cut > 0 {
            let _ = write!(message, " ... ({} not shown)", counted(cut as u64, "character", "characters"));
        }
        self.paragraph("    ", &message, "");
        if let Some(place) = found.place.as_ref().and_then(words::place) {
            self.paragraph("    ", &clip(&format!("at {}", visible::plain(&place)), 300), "");
        }
        if let Some(command) = guide::command(&found.check) {
            self.paragraph("    ", &format!("what to do: {command}"), "");
        }
    }

    fn totals(&mut self, report: &Report) {
        let totals = &report.totals;
        let line = |name: &str, text: String| (name.to_owned(), text);
        let lines = [
            line(
                "jobs",
                format!(
                    "{} passed, {} failed, {} inconclusive, of {}",
                    count(totals.jobs_passed),
                    count(totals.jobs_failed),
                    count(totals.jobs_inconclusive),
                    count(totals.jobs)
                ),
            ),
            line(
                "rows",
                format!(
                    "{} in, {} baseline, {} candidate",
                    count(totals.rows_in),
                    count(totals.rows_baseline),
                    count(totals.rows_candidate)
                ),
            ),
            line(
                "files",
                format!(
                    "{} baseline ({}), {} candidate ({})",
                    count(totals.files_baseline),
                    bytes(totals.bytes_baseline),
                    count(totals.files_candidate),
                    bytes(totals.bytes_candidate)
                ),
            ),
            line(
                "findings",
                format!(
                    "{}, {}, {} informational, {} waived",
                    counted(totals.blockers, "blocker", "blockers"),
                    counted(totals.warnings, "warning", "warnings"),
                    count(totals.infos),
                    count(totals.waived)
                ),
            ),
            line("policy", policy(report)),
            line("took", duration(report.run.duration_ms)),
        ];
        for (name, text) in lines.into_iter().filter(|(_, text)| !text.is_empty()) {
            for (index, line) in wrap(&text, self.width.saturating_sub(10)).iter().enumerate() {
                let _ = writeln!(self.out, "{} {line}", pad(if index == 0 { &name } else { "" }, 9));
            }
        }
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// A coloured word and what follows it, later lines set in.
    fn headed(&mut self, word: &str, code: &str, text: &str) {
        self.coloured(word, code);
        for (index, line) in wrap(text, self.width.saturating_sub(word.len() + 2)).iter().enumerate() {
            self.out.push_str(if index == 0 { "  " } else { "    " });
            self.line(line);
        }
    }

    fn paragraph(&mut self, indent: &str, text: &str, code: &str) {
        for line in wrap(text, self.width.saturating_sub(indent.len())) {
            self.out.push_str(indent);
            self.coloured(&line, code);
            self.out.push('\n');
        }
    }

    fn coloured(&mut self, text: &str, code: &str) {
        if self.colour && !code.is_empty() {
            let _ = write!(self.out, "\u{1b}[{code}m{text}\u{1b}[0m");
        } else {
            self.out.push_str(text);
        }
    }
}

/// The phase and the policy file, where either was named.
fn policy(report: &Report) -> String {
    let Some(policy) = &report.policy else { return String::new() };
    let phase = policy.phase.as_ref().map(|phase| format!("phase {}", clip(&visible::plain(phase), 60)));
    let file = policy.file.as_ref().map(|file| format!("file {}", clip(&visible::plain(file), 200)));
    phase.into_iter().chain(file).collect::<Vec<_>>().join(", ")
}

/// A job's name in running text: a very long one is cut, the report holds it whole.
fn name(id: &str) -> String {
    clip(&visible::plain(id), 80)
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 0,
        Verdict::Inconclusive => 1,
        Verdict::Pass => 2,
    }
}

fn verdict_colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "32",
        Verdict::Fail => "31",
        Verdict::Inconclusive => "33",
    }
}

/// Word and colour of a cell of the table, at most six characters.
fn cell(check: &CheckReport) -> (&'static str, &'static str) {
    match (check.status, check.gates) {
        (CheckStatus::Pass, _) => ("pass", "32"),
        (CheckStatus::Fail, true) => ("FAIL", "31"),
        (CheckStatus::Fail, false) => ("(fail)", "33"),
        (CheckStatus::Inconclusive, true) => ("open", "33"),
        (CheckStatus::Inconclusive, false) => ("(open)", "33"),
        (CheckStatus::NotApplicable, _) => ("n/a", "2"),
    }
}

fn pad(text: &str, width: usize) -> String {
    let length = text.chars().count();
    format!("{text}{}", " ".repeat(width.saturating_sub(length)))
}

/// The text in at most `width` characters, an ellipsis for what is cut.
fn clip(text: &str, width: usize) -> String {
    match visible::cut(text, width) {
        (_, 0) => text.to_owned(),
        _ => format!("{}…", visible::cut(text, width.saturating_sub(1)).0),
    }
}

#[cfg(test)]
mod tests;
