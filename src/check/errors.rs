//! ERRORS: where a side fails, do both fail in the same class, leaving nothing partial?
//!
//! A corpus may declare, per side, the class in which it must fail. An undeclared failure of the candidate fails the
//! check, unless the baseline refuses the same job in the same class: then both agree and there is nothing to compare. An
//! undeclared failure of the baseline alone cannot be judged. A side that did not run cannot fail. What a side changed that was not
//! its own (inputs, the output of the other side) is reported here too: see `touched`.
//!
//! Where a run stops its sides (`--chaos`), what remained of stopped attempts and what the next ones left is judged too (see `stopped`).

use reports::document::{CheckStatus, Finding, Role, Severity, SideOutcome};
use reports::manifest::{ErrorClass, Failure};

use super::finding::{Refine, finding, in_file, severity_on};
use super::{Check, KnownDefect, Observed, Outcome, Subject, stopped, touched};
use crate::error::Result;

/// The ERRORS check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Errors;

const CODE: &str = "ERRORS";

impl Check for Errors {
    fn code(&self) -> &'static str {
        CODE
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut said = Vec::new();
        let mut ran = false;
        for side in subject.sides() {
            let declared = subject.job.expected.error(side.role);
            match &side.outcome {
                // What was recorded where a failure is declared is an output that should not be.
                SideOutcome::Recorded if declared.is_some() && !side.output.files.is_empty() => {
                    completed(side, declared, &mut outcome, &mut said);
                }
                SideOutcome::Recorded => {
                    said.push(format!("the {} did not run", side.role));
                    continue;
                }
                SideOutcome::Completed => {
                    completed(side, declared, &mut outcome, &mut said);
                }
                SideOutcome::Failed { failure, exit_status, signal, stderr } => {
                    let mut found = failed(subject, side, failure, declared, &mut said);
                    if let Some(status) = exit_status {
                        found = found.with("exit status", status);
                    }
                    if let Some(signal) = signal {
                        found = found.with("signal", signal);
                    }
                    if let Some(text) = stderr {
                        found = found.with("stderr", text);
                    }
                    outcome.findings.push(found);
                    partial(subject, side, &mut outcome);
                }
            }
            ran = true;
            outcome.coverage.files += side.output.files.len() as u64 + subject.job.inputs.len() as u64;
            stopped::examine(CODE, side, &mut outcome, &mut said);
        }
        let undecided = outcome.findings.iter().any(|found| {
            matches!(found.code.as_str(), "errors.baseline-failed" | "errors.baseline-did-not-fail")
        });
        let open = touched::report(CODE, subject.touched, &mut outcome, &mut said);
        let undecided = undecided || open;
        outcome.status = if ran {
            outcome.status.or(undecided.then_some(CheckStatus::Inconclusive))
        } else {
            Some(CheckStatus::NotApplicable)
        };
        outcome.summary = said.join("; ");
        Ok(outcome)
    }
}

/// A side that completed: right, unless it was declared to fail.
fn completed(side: &Observed, declared: Option<ErrorClass>, outcome: &mut Outcome, said: &mut Vec<String>) {
    let Some(class) = declared else {
        said.push(format!("the {} completed", side.role));
        return;
    };
    let message =
        format!("the {} completed, although the corpus declares that it must fail ({class})", side.role);
    said.push(message.clone());
    let code = match side.role {
        Role::Baseline => "errors.baseline-did-not-fail",
        Role::Candidate => "errors.did-not-fail",
    };
    outcome.findings.push(finding(CODE, code, severity_on(side.role), Some(side.role), message));
}

/// A side that failed: by declaration, in agreement, or on its own.
fn failed(
    subject: &Subject<'_>,
    side: &Observed,
    failure: &Failure,
    declared: Option<ErrorClass>,
    said: &mut Vec<String>,
) -> Finding {
    let role = side.role;
    let (code, severity, lead) = if let Some(class) = declared {
        if class == failure.class {
            ("errors.declared", Severity::Info, format!("the {role} failed as the corpus declares ({class})"))
        } else {
            (
                "errors.class",
                severity_on(role),
                format!("the {role} failed in class {}, the corpus declares {class}", failure.class),
            )
        }
    } else if both_refuse(subject, failure.class) {
        (
            "errors.both-refuse",
            Severity::Warning,
            format!("both sides refuse the job alike ({})", failure.class),
        )
    } else if role == Role::Candidate {
        ("errors.candidate-failed", Severity::Blocker, format!("the candidate failed ({})", failure.class))
    } else {
        (
            "errors.baseline-failed",
            Severity::Warning,
            format!("the baseline failed ({}): nothing to compare with", failure.class),
        )
    };
    said.push(lead.clone());
    finding(CODE, code, severity, Some(role), format!("{lead}: {}", failure.message))
}

/// True where both sides failed in `class` by their own judgement. A crash, hang or garbage of an external program (class
/// `side`) and a panic of a built-in writer (class `internal`) are no judgement.
fn both_refuse(subject: &Subject<'_>, class: ErrorClass) -> bool {
    !matches!(class, ErrorClass::Side | ErrorClass::Internal)
        && subject.baseline.is_some()
        && subject.sides().all(
            |side| matches!(&side.outcome, SideOutcome::Failed { failure, .. } if failure.class == class),
        )
}

/// Files that a failed side left behind.
fn partial(subject: &Subject<'_>, side: &Observed, outcome: &mut Outcome) {
    let output = &side.output;
    let left: Vec<&str> = output
        .files
        .iter()
        .map(|file| file.info.path.as_str())
        .chain(output.unreadable.iter().map(|bad| bad.path.as_str()))
        .chain(output.passed_over.iter().map(|it| it.path.as_str()))
        .collect();
    let Some(first) = left.first() else { return };
    let mut found = finding(
        CODE,
        "errors.partial-output",
        severity_on(side.role),
        Some(side.role),
        format!("the {} failed and left {} files in its output, {first} among them", side.role, left.len()),
    )
    .at(in_file(first))
    .counting(left.len() as u64);
    if side.role == Role::Baseline
        && subject.known_defects.contains(&KnownDefect::PartialFileLeft)
        && left.len() == 1
    {
        found = found.explained_by(KnownDefect::PartialFileLeft.letter());
    }
    outcome.findings.push(found);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{Fixture, blockers, codes, rows};

    /// Failed sides fail in class `schema-conflict`.
    fn with(failed: [bool; 2], expected: [Option<ErrorClass>; 2]) -> Outcome {
        let mut fixture = Fixture::empty();
        fixture.failed = failed;
        (fixture.job.expected.baseline_error, fixture.job.expected.candidate_error) = expected.into();
        fixture.job.inputs.push("in.parquet".into());
        fixture.examine(&Errors)
    }

    const DECLARED: Option<ErrorClass> = Some(ErrorClass::SchemaConflict);

    #[test]
    fn sides_that_complete_or_fail_as_declared_do_not_block() {
        for outcome in [with([false; 2], [None; 2]), with([true; 2], [DECLARED; 2])] {
            assert!(blockers(&outcome).is_empty());
            assert_eq!((outcome.status, outcome.coverage.is_empty()), (None, false));
        }
    }

    #[test]
    fn an_undeclared_failure_blocks_on_the_candidate_and_is_undecided_on_the_baseline() {
        assert_eq!(blockers(&with([false, true], [None; 2])), ["errors.candidate-failed"]);
        let baseline = with([true, false], [None; 2]);
        assert!(blockers(&baseline).is_empty());
        assert_eq!(baseline.status, Some(CheckStatus::Inconclusive));
        assert_eq!(codes(&with([true; 2], [None; 2]), Severity::Warning), ["errors.both-refuse"; 2]);
    }

    #[test]
    fn two_sides_that_crash_do_not_refuse() {
        for (class, codes) in [
            (ErrorClass::Side, vec!["errors.candidate-failed"]),
            (ErrorClass::Internal, vec!["errors.candidate-failed"]),
            (ErrorClass::Input, Vec::new()),
        ] {
            let mut fixture = Fixture::empty();
            fixture.failed = [true; 2];
            fixture.class = class;
            assert_eq!(blockers(&fixture.examine(&Errors)), codes, "{class:?}");
        }
    }

    #[test]
    fn another_class_than_declared_and_a_failure_that_does_not_come_are_blockers() {
        let other = Some(ErrorClass::Unsorted);
        assert_eq!(blockers(&with([true; 2], [DECLARED, other])), ["errors.class"]);
        assert_eq!(blockers(&with([true, false], [DECLARED; 2])), ["errors.did-not-fail"]);
        assert_eq!(with([false, true], [DECLARED; 2]).status, Some(CheckStatus::Inconclusive));
    }

    #[test]
    fn what_a_failed_side_left_is_a_blocker_on_the_candidate_and_a_named_defect_of_the_legacy_writers() {
        let mut fixture = Fixture::pair(&rows(), &rows());
        fixture.failed = [true; 2];
        fixture.job.expected.baseline_error = DECLARED;
        fixture.job.expected.candidate_error = DECLARED;
        fixture.defects = vec![KnownDefect::PartialFileLeft];
        let outcome = fixture.examine(&Errors);
        assert_eq!(blockers(&outcome), ["errors.partial-output"]);
        assert!(outcome.findings.iter().any(|found| found.defect.as_deref() == Some("E")));
    }

    #[test]
    fn a_recorded_output_where_a_failure_is_declared_is_a_blocker() {
        let mut fixture = Fixture::pair(&rows(), &rows());
        fixture.recorded = [true; 2];
        assert_eq!(fixture.examine(&Errors).status, Some(CheckStatus::NotApplicable));
        fixture.job.expected.candidate_error = DECLARED;
        assert_eq!(blockers(&fixture.examine(&Errors)), ["errors.did-not-fail"]);
    }
}
