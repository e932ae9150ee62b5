//! ERRORS on attempts that were stopped: did anything partial remain, and was the next attempt right?
//!
//! `run --chaos N` stops each side N times at its work and lets it try again (see `crate::chaos`). What was seen is data here.

use reports::document::{CheckStatus, Role, Severity};

use super::draft::counted;
use super::finding::{Refine, finding, severity_on};
use super::{Observed, Outcome};

/// Attempts of a side that were disturbed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stops {
    /// The attempts, in order.
    pub attempts: Vec<Attempt>,
    /// Why there are no more, where the side could not be stopped at all.
    pub failure: Option<String>,
}

/// One attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempt {
    /// How it was disturbed, and when: `SIGTERM after 120 of 300 ms`.
    pub how: String,
    /// Whether that stopped it; otherwise it ended well.
    pub hit: bool,
    /// What remained that must not, as the end of a sentence about the side.
    pub remained: Option<String>,
    /// Whether it refused to work among what remained, and did so in an empty directory.
    pub refused: bool,
    /// What was wrong with the next attempt, as a clause.
    pub next: Option<String>,
}

/// Adds what is found about the stops of one side to ERRORS.
pub(super) fn examine(check: &str, side: &Observed, outcome: &mut Outcome, said: &mut Vec<String>) {
    let Some(stops) = &side.stops else { return };
    let role = side.role;
    let hit = stops.attempts.iter().filter(|attempt| attempt.hit).count();
    let undecided = |outcome: &mut Outcome| {
        // The baseline's stops decide nothing.
        if role == Role::Candidate {
            outcome.status = Some(CheckStatus::Inconclusive);
        }
    };
    if let Some(failure) = &stops.failure {
        said.push(format!("the {role} could not be stopped: {failure}"));
        undecided(outcome);
        return;
    }
    let of = stops.attempts.len() as u64;
    let refused = stops.attempts.iter().filter(|attempt| attempt.refused).count();
    let refused = match refused {
        0 => String::new(),
        count => {
            format!(" (the next attempt refused what remained in {count}, and began in an empty directory)")
        }
    };
    said.push(format!("the {role} was stopped in {hit} of {}{refused}", counted(of, "attempt")));
    if hit == 0 {
        let message = format!(
            "no attempt of the {role} was stopped: each ended before; take a larger job, or more attempts (--chaos N)"
        );
        outcome.findings.push(finding(check, "errors.not-stopped", Severity::Warning, Some(role), message));
        undecided(outcome);
    }
    type Pick = fn(&Attempt) -> Option<&String>;
    let kinds: [(&str, &str, Pick); 2] = [
        ("errors.stopped-partial", "", |attempt| attempt.remained.as_ref()),
        ("errors.stopped-retry", "did not complete the job in its next attempt: ", |attempt| {
            attempt.next.as_ref()
        }),
    ];
    for (code, lead, pick) in kinds {
        let wrong: Vec<(&str, &str)> = stops
            .attempts
            .iter()
            .filter_map(|attempt| Some((attempt.how.as_str(), pick(attempt)?.as_str())))
            .collect();
        let Some((how, what)) = wrong.first() else { continue };
        let share = format!("{} of {}", wrong.len(), counted(of, "attempt"));
        let mut found = finding(
            check,
            code,
            severity_on(role),
            Some(role),
            format!("the {role}, disturbed by {how}, {lead}{what} ({share})"),
        )
        .counting(wrong.len() as u64);
        for (how, what) in &wrong {
            found = found.with(how, what);
        }
        outcome.findings.push(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::errors::Errors;
    use crate::check::fixture::{Fixture, blockers, rows};
    use crate::check::{Check, Subject};

    fn examined(stops: Stops, role: Role) -> Outcome {
        Fixture::pair(&rows(), &rows()).with_subject(|subject| {
            let of = |side: &Observed| {
                let stops = (side.role == role).then(|| stops.clone());
                Observed { stops, ..side.clone() }
            };
            let (baseline, candidate) = (subject.baseline.map(of), of(subject.candidate));
            let subject = Subject { baseline: baseline.as_ref(), candidate: &candidate, ..*subject };
            Errors.examine(&subject).unwrap()
        })
    }

    fn attempt(hit: bool, remained: Option<&str>, next: Option<&str>) -> Attempt {
        let how = "SIGKILL after 1 of 2 ms".to_owned();
        let [remained, next] = [remained, next].map(|text| text.map(str::to_owned));
        Attempt { how, hit, remained, next, ..Attempt::default() }
    }

    #[test]
    fn what_remained_and_a_wrong_next_attempt_are_blockers_on_the_candidate_alone() {
        let stops = Stops {
            attempts: vec![attempt(true, Some("left half"), None), attempt(true, None, Some("failed"))],
            failure: None,
        };
        let candidate = examined(stops.clone(), Role::Candidate);
        assert_eq!(blockers(&candidate), ["errors.stopped-partial", "errors.stopped-retry"]);
        assert!(candidate.findings[0].message.contains("SIGKILL after 1 of 2 ms"));
        let baseline = examined(stops, Role::Baseline);
        assert_eq!((blockers(&baseline).len(), baseline.findings.len()), (0, 2));
    }

    #[test]
    fn a_side_that_no_attempt_stopped_is_undecided_and_one_that_was_stopped_well_passes() {
        let missed = Stops { attempts: vec![attempt(false, None, None)], failure: None };
        assert_eq!(examined(missed.clone(), Role::Candidate).status, Some(CheckStatus::Inconclusive));
        assert_eq!(examined(missed, Role::Baseline).status, None);
        let stopped = Stops { attempts: vec![attempt(true, None, None)], failure: None };
        let outcome = examined(stopped, Role::Candidate);
        assert_eq!((outcome.status, outcome.findings.len()), (None, 0));
        assert!(
            outcome.summary.contains("the candidate was stopped in 1 of 1 attempt"),
            "{}",
            outcome.summary
        );
        let failed = Stops { attempts: Vec::new(), failure: Some("it failed".to_owned()) };
        assert_eq!(examined(failed, Role::Candidate).status, Some(CheckStatus::Inconclusive));
    }
}
