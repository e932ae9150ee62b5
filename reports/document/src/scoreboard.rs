//! The scoreboard of a run: which checks it has, and which of them apply to some job.

use crate::report::{CheckStatus, JobReport};

/// Codes of the checks that apply to some job, and of those that apply to none. Where none applies anywhere, all are of the first.
#[must_use]
pub fn applying(jobs: &[JobReport]) -> (Vec<&str>, Vec<&str>) {
    let applies = |code: &&str| {
        let mut all = jobs.iter().flat_map(|job| &job.checks).filter(|check| check.check == *code);
        all.any(|check| check.status != CheckStatus::NotApplicable)
    };
    let (some, none): (Vec<&str>, Vec<&str>) = codes(jobs).into_iter().partition(applies);
    if some.is_empty() { (none, Vec::new()) } else { (some, none) }
}

/// Codes of all checks in the order in which they first appear.
#[must_use]
pub fn codes(jobs: &[JobReport]) -> Vec<&str> {
    let mut codes: Vec<&str> = Vec::new();
    for check in jobs.iter().flat_map(|job| &job.checks) {
        if !codes.contains(&check.check.as_str()) {
            codes.push(&check.check);
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_check_that_applies_to_no_job_stands_apart() {
        let mut jobs = fixture::rich().jobs;
        assert_eq!(codes(&jobs)[..2], ["ROWS", "ACCOUNTING"]);
        for check in jobs.iter_mut().flat_map(|job| &mut job.checks).filter(|check| check.check == "SIZES") {
            check.status = CheckStatus::NotApplicable;
        }
        let (some, none) = applying(&jobs);
        assert!(some.contains(&"ROWS") && !some.contains(&"SIZES"), "{some:?}");
        assert_eq!(none.iter().filter(|code| **code == "SIZES").count(), 1);
        jobs.iter_mut().flat_map(|job| &mut job.checks).for_each(|it| it.status = CheckStatus::NotApplicable);
        assert_eq!(applying(&jobs), (codes(&jobs), Vec::new()), "where none applies, all are shown");
    }
}
