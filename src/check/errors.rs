//! ERRORS: where a side fails, do both fail in the same class, leaving nothing partial?
//!
//! A corpus may declare, per side, the class in which it must fail. An undeclared failure of the candidate fails the
//! check, unless the baseline refuses the same job in the same class: then both agree and there is nothing to compare. An
//! undeclared failure of the baseline alone cannot be judged. A side that did not run cannot fail.

use reports::document::{CheckStatus, Finding, Role, Severity, SideOutcome};
use reports::manifest::{ErrorClass, Failure};

use super::finding::{Refine, finding, in_file, severity_on};
use super::{Check, KnownDefect, Observed, Outcome, Subject};
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
        }
        let undecided = outcome.findings.iter().any(|found| {
            matches!(found.code.as_str(), "errors.baseline-failed" | "errors.baseline-did-not-fail")
        });
        outcome.status = if ran {
            undecided.then_some(CheckStatus::Inconclusive)
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
/// `side`) is no judgement.
fn both_refuse(subject: &Subject<'_>, class: ErrorClass) -> bool {
    class != ErrorClass::Side
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
        .chain(output.others.iter().map(String::as_str))
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
