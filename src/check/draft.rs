//! What the checks on data have in common: drafting findings, and the cases in which there is nothing to look at.

use reports::document::{CheckStatus, Coverage, Role, Severity, SideOutcome};
use reports::manifest::ErrorClass;

use super::finding::{finding, in_file};
use super::{Observed, Outcome, Subject};
use crate::error::{Error, Result};
use crate::output::Unreadable;

/// `1 row`, `2 rows`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// What both sides hold, by their footers.
pub(super) fn coverage(subject: &Subject<'_>) -> Coverage {
    let mut coverage = Coverage::default();
    for side in subject.sides() {
        coverage.files += side.output.files.len() as u64;
        coverage.rows += side.output.rows();
        coverage.bytes += side.output.bytes();
    }
    coverage
}

/// The outcome where a side failed, left files that cannot be read, or neither side left anything; `None` where there is
/// something to look at. `code` is the check's lower-case name.
pub(super) fn nothing_to_examine(subject: &Subject<'_>, check: &str, code: &str) -> Option<Outcome> {
    let failed: Vec<&Observed> =
        subject.sides().filter(|side| matches!(side.outcome, SideOutcome::Failed { .. })).collect();
    if let Some(side) = failed.first() {
        let declared = failed.iter().all(|side| subject.job.expected.error(side.role).is_some());
        let status = if declared { CheckStatus::NotApplicable } else { CheckStatus::Inconclusive };
        let how = if declared { ", as the corpus declares" } else { "; see ERRORS" };
        return Some(decided(status, format!("not examined: the {} failed{how}", side.role)));
    }
    let mut broken: Option<Outcome> = None;
    for side in subject.sides() {
        for file in &side.output.unreadable {
            let message = format!("{} cannot be read: {}", file.path, file.reason);
            let undecided =
                file.limited || (side.role == Role::Candidate && is_unreadable_before(subject, file));
            let outcome = unreadable(check, code, side.role, &file.path, message, undecided);
            broken = Some(match broken {
                Some(mut earlier) => {
                    earlier.findings.extend(outcome.findings);
                    if outcome.status == Some(CheckStatus::Fail) {
                        earlier.status = outcome.status;
                        earlier.summary = outcome.summary;
                    }
                    earlier
                }
                None => outcome,
            });
        }
    }
    if broken.is_some() {
        return broken;
    }
    if subject.sides().all(|side| side.output.files.is_empty() || side.output.rows() == 0) {
        return Some(if subject.job.expected.no_rows {
            let coverage = Coverage { files: subject.job.inputs.len() as u64, ..coverage(subject) };
            let summary = "no rows on either side, and the job is declared to yield none".to_owned();
            Outcome { status: Some(CheckStatus::Pass), summary, coverage, ..Outcome::default() }
        } else {
            decided(CheckStatus::Inconclusive, "nothing to compare: no rows on either side".to_owned())
        });
    }
    None
}

/// An outcome that consists of its status and the reason.
pub(super) fn decided(status: CheckStatus, summary: String) -> Outcome {
    Outcome { status: Some(status), summary, ..Outcome::default() }
}

/// True where the baseline cannot be read either in a file of the same name, or in as many files for the same reason: then the candidate
/// is not worse.
pub(super) fn is_unreadable_before(subject: &Subject<'_>, file: &Unreadable) -> bool {
    let reason = |file: &Unreadable| file.reason.split_once(": ").map(|(_, reason)| reason.to_owned());
    let wanted = reason(file);
    let alike = |side: &Observed| {
        let files = side.output.unreadable.iter();
        files.filter(|it| wanted.is_some() && reason(it) == wanted).count()
    };
    subject.baseline.is_some_and(|baseline| {
        let same_name = baseline.output.unreadable.iter().any(|it| it.path == file.path);
        same_name || (alike(baseline) > 0 && alike(baseline) >= alike(subject.candidate))
    })
}

/// A file that cannot be read: a blocker on the candidate; on the baseline nothing can be decided, nor where it is `undecided`: a limit
/// of this program is no fault of the file, and one that neither side can read was there before.
fn unreadable(check: &str, code: &str, role: Role, file: &str, message: String, undecided: bool) -> Outcome {
    let (severity, status) = match role {
        Role::Candidate if !undecided => (Severity::Blocker, CheckStatus::Fail),
        Role::Candidate | Role::Baseline => (Severity::Warning, CheckStatus::Inconclusive),
    };
    let summary = format!("not examined: the {role}'s file {message}");
    let mut finding = finding(check, &format!("{code}.unreadable"), severity, Some(role), message);
    finding.place = Some(in_file(file));
    Outcome { findings: vec![finding], status: Some(status), summary, ..Outcome::default() }
}

/// An error met while reading one side.
#[derive(Debug)]
pub(super) struct SideError {
    /// Whose file it was.
    pub(super) role: Role,
    /// Path relative to the side's output.
    pub(super) file: String,
    /// What was said.
    pub(super) error: Error,
}

/// The outcome for rows that could not be decoded, which is found only while reading.
///
/// # Errors
/// Everything else: an interruption, an error of the machine, a defect of our own.
pub(super) fn read_failed(check: &str, code: &str, failed: SideError) -> Result<Outcome> {
    match failed.error.class {
        ErrorClass::Input => {
            Ok(unreadable(check, code, failed.role, &failed.file, failed.error.message, false))
        }
        _ => Err(failed.error),
    }
}
