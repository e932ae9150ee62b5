//! MEMORY: does the candidate need as little memory as the baseline, within a limit?
//!
//! Judged like PERFORMANCE, on the peak resident memory of the process that did the work. Where the policy says how much memory a
//! worker of production has, the candidate's highest peak of all runs is held against that too: above 90 % of it fails and pages,
//! from 70 % on it warns, as the migration guide asks.

use reports::document::{Finding, Role, Severity};
use reports::measurement::Measurement;

use super::finding::{Refine, finding};
use super::measured::{self, Question};
use super::{Check, Outcome, Subject};
use crate::error::Result;

/// Code of the check.
pub const CODE: &str = "MEMORY";

/// The MEMORY check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory;

impl Check for Memory {
    fn code(&self) -> &'static str {
        CODE
    }

    fn examine(&self, _subject: &Subject<'_>) -> Result<Outcome> {
        Ok(measured::not_here())
    }
}

/// Judges a measured set.
#[must_use]
pub fn judge(measurement: &Measurement, limit: Option<u64>) -> Outcome {
    let question =
        Question { check: CODE, code: "memory.more", output: "memory.output", quantity: "peak memory" };
    let mut outcome = measured::judge(measurement, &measurement.memory, &question);
    outcome.findings.extend(limit.and_then(|limit| near(measurement, limit)));
    if outcome.findings.iter().any(|it| it.severity == Severity::Blocker) {
        // Out of memory is out of memory, however open the question of the ratio is.
        outcome.status = None;
    }
    outcome
}

/// The candidate's highest peak, where it comes near the memory that there is.
fn near(measurement: &Measurement, limit: u64) -> Option<Finding> {
    // The upper half of a noise pair is the baseline again.
    let candidate = measurement.samples.iter().filter(|it| it.side == Role::Candidate);
    let highest = candidate.max_by_key(|it| it.peak_bytes)?;
    let hundredfold = u128::from(highest.peak_bytes) * 100;
    let percent = hundredfold / u128::from(limit.max(1));
    let (code, severity) = if hundredfold > u128::from(limit) * 90 {
        ("memory.limit", Severity::Blocker)
    } else if hundredfold >= u128::from(limit) * 70 {
        ("memory.near_limit", Severity::Warning)
    } else {
        return None;
    };
    let message = format!(
        "the candidate took {} bytes at its peak on job {}, {percent} % of the {limit} that a worker has",
        highest.peak_bytes, highest.job
    );
    Some(finding(CODE, code, severity, Some(Role::Candidate), message).with("peak", highest.peak_bytes))
}

#[cfg(test)]
mod tests {
    use reports::measurement::{Purpose, Sample};

    use super::*;
    use crate::check::fixture::blockers;
    use crate::check::measured::tests::measurement;

    #[test]
    fn twice_the_memory_fails_and_half_of_it_passes() {
        assert_eq!(blockers(&judge(&measurement(&[2.0; 6]), None)), ["memory.more"]);
        assert!(judge(&measurement(&[0.5; 6]), None).findings.is_empty());
    }

    #[test]
    fn the_highest_peak_warns_from_seventy_percent_of_the_memory_there_is_and_fails_above_ninety() {
        let mut measured = measurement(&[0.5; 6]);
        let sample = |side, peak_bytes| Sample {
            purpose: Purpose::Pair,
            repetition: 1,
            job: "job".to_owned(),
            side,
            upper: side == Role::Candidate,
            wall_ns: 1,
            user_ns: 1,
            system_ns: 1,
            peak_bytes,
            read_bytes: None,
            written_bytes: None,
            storage_read_bytes: None,
            storage_written_bytes: None,
        };
        let peak = 1_000_000;
        // The baseline's need is its own affair.
        measured.samples.extend([sample(Role::Candidate, peak), sample(Role::Baseline, 50 * peak)]);
        let codes = |percent: u64| {
            let outcome = judge(&measured, Some(peak * 100 / percent));
            outcome.findings.into_iter().map(|it| (it.code, it.severity)).collect::<Vec<_>>()
        };
        assert_eq!(codes(60), []);
        assert_eq!(codes(80), [("memory.near_limit".to_owned(), Severity::Warning)]);
        assert_eq!(codes(95), [("memory.limit".to_owned(), Severity::Blocker)]);
    }
}
