//! The headline in one breath. The document's own names every deciding finding of every job; where it grows long, a
//! reader at two in the morning is told first which checks failed on how many jobs, and the whole of it stands behind.

use std::borrow::Cow;

use crate::document::{CheckStatus, Report, Verdict};
use crate::visible;
use crate::words::{count, counted};

/// Characters up to which a headline is told as it is: about two lines of the page.
const LONG: usize = 240;
/// Checks named.
const CHECKS: usize = 6;

/// The headline, shortened where it is long.
pub(crate) fn short(report: &Report) -> Cow<'_, str> {
    let (head, more) = visible::cut(&report.headline, LONG);
    if more == 0 {
        return Cow::Borrowed(&report.headline);
    }
    let (decides, jobs, word) = match report.verdict {
        Verdict::Fail => (CheckStatus::Fail, report.totals.jobs_failed, "failed"),
        Verdict::Inconclusive => (CheckStatus::Inconclusive, report.totals.jobs_inconclusive, "inconclusive"),
        Verdict::Pass => return Cow::Owned(format!("{head}…")),
    };
    let mut checks: Vec<(&str, u64)> = Vec::new();
    for code in crate::html::codes(&report.jobs) {
        let here = |job: &&crate::document::JobReport| {
            job.checks.iter().any(|check| check.check == code && check.gates && check.status == decides)
        };
        let jobs = report.jobs.iter().filter(here).count() as u64;
        if jobs > 0 {
            checks.push((code, jobs));
        }
    }
    if checks.is_empty() {
        return Cow::Owned(format!("{head}…"));
    }
    checks.sort_by_key(|(_, jobs)| std::cmp::Reverse(*jobs));
    let named = checks.iter().take(CHECKS).enumerate().map(|(index, (code, jobs))| match index {
        0 => format!("{} in {}", visible::cut(code, 40).0, counted(*jobs, "job", "jobs")),
        _ => format!("{} in {}", visible::cut(code, 40).0, count(*jobs)),
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let left = checks.len().saturating_sub(CHECKS) as u64;
    let more =
        if left > 0 { format!(" and {}", counted(left, "more check", "more checks")) } else { String::new() };
    Cow::Owned(format!(
        "{} of {} {word}: {named}{more}",
        count(jobs),
        counted(report.totals.jobs, "job", "jobs")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_headline_of_two_lines_stays_as_it_is() {
        let report = fixture::rich();
        assert_eq!(short(&report), report.headline);
    }

    #[test]
    fn a_long_one_names_the_checks_by_the_number_of_jobs() {
        let mut report = fixture::rich();
        report.headline = "word ".repeat(100);
        assert_eq!(short(&report), "2 of 7 jobs failed: ROWS in 1 job, ORDER in 1, GROUP in 1");
        report.verdict = Verdict::Inconclusive;
        let told = short(&report).into_owned();
        assert!(
            told.starts_with("1 of 7 jobs inconclusive: ROWS in 1 job, ")
                && told.ends_with(" and 2 more checks"),
            "{told}"
        );
        report.verdict = Verdict::Pass;
        assert!(short(&report).ends_with('…'));
    }
}
