//! The headline in one breath. The document's own names every deciding finding of every job; where it grows long, a
//! reader at two in the morning reads first which checks failed on how many jobs, and the whole of it stands behind.

use std::borrow::Cow;

use crate::finding::{Finding, Severity};
use crate::report::{CheckReport, CheckStatus, JobReport, Report, Verdict};
use crate::scoreboard::codes;
use crate::visible;
use crate::words::{count, counted};

/// Characters up to which a headline stays as it is: about two lines of the page.
const LONG: usize = 240;
/// Checks named.
const CHECKS: usize = 6;
/// Codes of blockers named with a check, where one job decides.
const CODES: usize = 3;

/// Codes of findings that no comparison of the two sides can see: the first line says so, however long it is.
const COMMON: [&str; 2] = ["accounting.common-loss", "accounting.common-gain"];

/// True for a finding that fails its job and stands for what both sides do alike.
#[must_use]
pub fn is_common(found: &Finding) -> bool {
    found.severity == Severity::Blocker && found.waived.is_none() && COMMON.contains(&found.code.as_str())
}

/// The headline, shortened where it is long.
#[must_use]
pub fn short(report: &Report) -> Cow<'_, str> {
    let (head, more) = visible::cut(&report.headline, LONG);
    if more == 0 {
        return Cow::Borrowed(&report.headline);
    }
    let cut = named(report, head);
    match alike(report) {
        Some(said) => Cow::Owned(format!("{cut}; {said}")),
        None => Cow::Owned(cut),
    }
}

/// What both sides do alike in the jobs that failed for it.
fn alike(report: &Report) -> Option<String> {
    let found = |job: &JobReport| {
        let gating = job.checks.iter().filter(|check| check.gates);
        gating.flat_map(|check| &check.findings).find(|found| is_common(found)).cloned()
    };
    let mut all = report.jobs.iter().filter_map(found);
    let first = all.next()?;
    let jobs = all.count() as u64;
    let said = first.message.split_once("; ").map_or(first.message.as_str(), |it| it.0);
    let said = visible::cut(said, 120).0;
    let more = if jobs > 0 {
        format!(", and so in {}", counted(jobs, "more job", "more jobs"))
    } else {
        String::new()
    };
    Some(format!("{said}{more}"))
}

/// The checks that decide in place of a headline that is long; `head` is its beginning.
fn named(report: &Report, head: &str) -> String {
    let (decides, jobs, word) = match report.verdict {
        Verdict::Fail => (CheckStatus::Fail, report.totals.jobs_failed, "failed"),
        Verdict::Inconclusive => (CheckStatus::Inconclusive, report.totals.jobs_inconclusive, "inconclusive"),
        Verdict::Pass => return format!("{head}…"),
    };
    let decided = |job: &&JobReport| job.verdict == report.verdict;
    let mut found = report.jobs.iter().filter(decided);
    if let (Some(only), None) = (found.next(), found.next())
        && let Some(told) = of_one(only, decides)
    {
        let of = match report.totals.jobs {
            1 => String::new(),
            all => format!(" (1 of {})", counted(all, "job", "jobs")),
        };
        return format!("{} {word}{of}: {told}", visible::cut(&only.id, 80).0);
    }
    let mut checks: Vec<(&str, u64)> = Vec::new();
    for code in codes(&report.jobs) {
        let here = |job: &&JobReport| {
            job.checks.iter().any(|check| check.check == code && check.gates && check.status == decides)
        };
        let jobs = report.jobs.iter().filter(here).count() as u64;
        if jobs > 0 {
            checks.push((code, jobs));
        }
    }
    if checks.is_empty() {
        return format!("{head}…");
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
    format!("{} of {} {word}: {named}{more}", count(jobs), counted(report.totals.jobs, "job", "jobs"))
}

/// The checks that decide one job, with the codes of what they found.
fn of_one(job: &JobReport, decides: CheckStatus) -> Option<String> {
    let decisive = |check: &&CheckReport| check.gates && check.status == decides;
    let mut checks: Vec<&CheckReport> = job.checks.iter().filter(decisive).collect();
    let left = checks.len().saturating_sub(CHECKS) as u64;
    let asks = |found: &&Finding| {
        let weighs = decides != CheckStatus::Fail || found.severity == Severity::Blocker;
        found.waived.is_none() && found.severity != Severity::Info && weighs
    };
    let coded = |check: &CheckReport| -> Vec<String> {
        let all = check.findings.iter().filter(asks);
        let mut codes: Vec<String> = all.map(|found| visible::cut(&found.code, 40).0.to_owned()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    };
    // What has a finding says more than what could not be looked at for it.
    checks.sort_by_key(|check| coded(check).is_empty());
    let named = checks.iter().take(CHECKS).map(|check| {
        let name = visible::cut(&check.check, 40).0;
        let codes = coded(check);
        match codes.len() {
            0 => name.to_owned(),
            kinds if kinds > CODES => {
                format!("{name} ({} and {} more)", codes[..CODES].join(", "), kinds - CODES)
            }
            _ => format!("{name} ({})", codes.join(", ")),
        }
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let more =
        if left > 0 { format!(" and {}", counted(left, "more check", "more checks")) } else { String::new() };
    (!checks.is_empty()).then(|| format!("{named}{more}"))
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
            told.starts_with(
                "go-service-0017 inconclusive (1 of 7 jobs): ERRORS (errors.baseline-failed), ROWS, "
            ) && told.ends_with(" and 2 more checks"),
            "{told}"
        );
        report.verdict = Verdict::Pass;
        assert!(short(&report).ends_with('…'));
    }

    #[test]
    fn what_both_sides_do_alike_is_said_however_long_the_headline_is() {
        let mut report = fixture::one_failing();
        report.headline = "word ".repeat(100);
        let before = short(&report).into_owned();
        let check =
            report.jobs.iter_mut().flat_map(|job| &mut job.checks).find(|check| check.check == "ROWS");
        let found = &mut check.unwrap().findings[0];
        "accounting.common-loss".clone_into(&mut found.code);
        found.severity = Severity::Blocker;
        "both sides lose 1 of 6 input rows; the candidate wrote 5".clone_into(&mut found.message);
        let told = short(&report).into_owned();
        assert!(told.ends_with("; both sides lose 1 of 6 input rows"), "{told}");
        report.jobs.push(report.jobs[0].clone());
        assert!(short(&report).ends_with("; both sides lose 1 of 6 input rows, and so in 1 more job"));
        for job in &mut report.jobs {
            job.checks.retain(|check| check.check != "ROWS");
        }
        assert!(!short(&report).contains("both sides") && !before.contains("both sides"));
    }

    #[test]
    fn where_one_job_decides_it_is_named_with_its_blockers() {
        let mut report = fixture::one_failing();
        report.headline = "word ".repeat(100);
        assert_eq!(
            short(&report),
            "late-timestamps failed: ROWS (rows.changed, rows.extra, rows.missing), ORDER (order.inverted)"
        );
    }
}
