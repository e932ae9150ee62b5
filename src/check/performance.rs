//! PERFORMANCE: is the candidate as fast as the baseline, within a limit?
//!
//! The answer is one about many runs of many jobs, so it is given once for a measured set, not for a job: beside other work
//! nothing can be measured. It fails only where the whole interval of the median ratio of wall times lies beyond the limit,
//! passes only where the whole interval lies within it, and is undecided otherwise. Being faster never fails. On request
//! processor time is judged instead.

use reports::document::CheckStatus;
use reports::measurement::Measurement;

use super::draft::decided;
use super::measured::{self, Question};
use super::{Check, Outcome, Subject};
use crate::error::Result;

/// Code of the check.
pub const CODE: &str = "PERFORMANCE";

/// The PERFORMANCE check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Performance;

impl Check for Performance {
    fn code(&self) -> &'static str {
        CODE
    }

    fn examine(&self, _subject: &Subject<'_>) -> Result<Outcome> {
        Ok(measured::not_here())
    }
}

/// Judges a measured set. A debug build says nothing about speed, so it is undecided unless `allow_debug`.
#[must_use]
pub fn judge(measurement: &Measurement, allow_debug: bool) -> Outcome {
    // Which of the two times is judged is told by which has a limit.
    let (found, quantity) = if measurement.wall.limit.is_some() {
        (&measurement.wall, "wall time")
    } else {
        (&measurement.cpu, "processor time")
    };
    let question =
        Question { check: CODE, code: "performance.slower", output: "performance.output", quantity };
    let outcome = measured::judge(measurement, found, &question);
    if measurement.profile.as_deref() == Some("debug") && !allow_debug {
        let summary = format!(
            "measured with a debug build, which says nothing about speed: build with --release ({})",
            outcome.summary
        );
        // What was written is wrong in any build.
        let wrong = outcome.findings.into_iter().filter(|it| it.code == question.output);
        return Outcome { findings: wrong.collect(), ..decided(CheckStatus::Inconclusive, summary) };
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::blockers;
    use crate::check::measured::tests::measurement;

    #[test]
    fn slower_as_a_whole_fails_within_passes_and_in_between_is_undecided() {
        let failed = judge(&measurement(&[1.15, 1.16, 1.14, 1.15, 1.17, 1.15]), false);
        assert_eq!(blockers(&failed), ["performance.slower"]);
        assert!(
            failed.findings[0].message.contains("15.0 % more wall time"),
            "{}",
            failed.findings[0].message
        );
        let passed = judge(&measurement(&[1.03, 1.02, 1.05, 1.03, 1.01, 1.04]), false);
        assert_eq!((passed.status, passed.findings.len()), (None, 0));
        let open = judge(&measurement(&[0.9, 1.4, 1.1, 1.3, 0.8, 1.2]), false);
        assert_eq!(open.status, Some(CheckStatus::Inconclusive));
    }

    #[test]
    fn processor_time_is_judged_where_it_has_the_limit() {
        let mut found = measurement(&[1.3; 6]);
        found.wall.limit = None;
        let failed = judge(&found, false);
        assert!(failed.findings[0].message.contains("30.0 % more processor time"), "{}", failed.summary);
    }

    #[test]
    fn a_faster_candidate_passes() {
        let passed = judge(&measurement(&[0.02; 6]), false);
        assert_eq!((passed.status, passed.findings.len()), (None, 0));
        assert!(passed.summary.contains("98.0 % less"), "{}", passed.summary);
    }

    #[test]
    fn a_debug_build_decides_nothing_unless_allowed() {
        let mut found = measurement(&[1.5; 6]);
        found.profile = Some("debug".to_owned());
        let outcome = judge(&found, false);
        assert_eq!((outcome.status, outcome.findings.len()), (Some(CheckStatus::Inconclusive), 0));
        assert_eq!(blockers(&judge(&found, true)), ["performance.slower"]);
    }

    #[test]
    fn what_was_not_measured_is_undecided() {
        let mut found = measurement(&[1.0; 6]);
        found.failure = Some("job a: the candidate exited with status 1".to_owned());
        assert_eq!(judge(&found, false).status, Some(CheckStatus::Inconclusive));
        found.failure = None;
        found.jobs.clear();
        let outcome = judge(&found, false);
        assert_eq!(outcome.status, Some(CheckStatus::Inconclusive));
        assert!(outcome.summary.contains("no job"), "{}", outcome.summary);
    }
}
