//! MEMORY: does the candidate need as little memory as the baseline, within a limit?
//!
//! Judged like PERFORMANCE, on the peak resident memory of the process that did the work.

use reports::measurement::Measurement;

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
pub fn judge(measurement: &Measurement) -> Outcome {
    let question = Question { check: CODE, code: "memory.more", quantity: "peak memory" };
    measured::judge(measurement, &measurement.memory, &question)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::blockers;
    use crate::check::measured::tests::measurement;

    #[test]
    fn twice_the_memory_fails_and_half_of_it_passes() {
        assert_eq!(blockers(&judge(&measurement(&[2.0; 6]))), ["memory.more"]);
        assert!(judge(&measurement(&[0.5; 6])).findings.is_empty());
    }
}
