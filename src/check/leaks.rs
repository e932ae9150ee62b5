//! LEAKS: temporary files and open file descriptors left behind after success, error and abort.
//!
//! Files: whatever a side left in its scratch directory, and whatever is neither a Parquet file nor the manifest in its
//! output directory. Descriptors: counted in a child process of its own (see `crate::probe`), before and after a run that
//! succeeds, one that fails and one that is cancelled; the counts arrive here as data. A side that did not run leaves nothing.

use reports::document::{CheckStatus, Severity, SideKind, SideOutcome};

use super::descriptors::Probe;
use super::finding::{Refine, finding, in_file, severity_on};
use super::{Check, Observed, Outcome, Subject};
use crate::error::Result;

/// The LEAKS check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Leaks;

const CODE: &str = "LEAKS";

impl Check for Leaks {
    fn code(&self) -> &'static str {
        CODE
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut said = Vec::new();
        let mut ran = false;
        for side in subject.sides() {
            if matches!(side.outcome, SideOutcome::Recorded) {
                said.push(format!("the {} did not run", side.role));
                continue;
            }
            ran = true;
            // The two directories were looked into, whatever they held.
            outcome.coverage.files += 2 + (side.output.files.len() + side.output.unreadable.len()) as u64;
            files(side, &mut outcome);
            said.push(match &side.probe {
                Some(probe) => descriptors(side, probe, &mut outcome),
                None => format!("{}: files only, descriptors were not counted", side.role),
            });
        }
        if !ran {
            outcome.status = Some(CheckStatus::NotApplicable);
        }
        outcome.summary = said.join("; ");
        Ok(outcome)
    }
}

/// Files that should not be there.
fn files(side: &Observed, outcome: &mut Outcome) {
    let failed = matches!(side.outcome, SideOutcome::Failed { .. });
    let scratch = side.scratch_left.iter().map(|path| ("leaks.scratch", "scratch directory", path));
    for odd in &side.output.disguised {
        let message = format!("{} in the output of the {} is {}, not a file", odd.path, side.role, odd.kind);
        let found = finding(CODE, "leaks.no-file", Severity::Warning, Some(side.role), message);
        outcome.findings.push(found.at(in_file(&odd.path)));
    }
    // What a failed side left in its output is reported by ERRORS.
    let output =
        side.output.others.iter().filter(|_| !failed).map(|path| ("leaks.output", "output directory", path));
    for (code, place, path) in scratch.chain(output) {
        // A marker such as `_SUCCESS` is a habit of external writers, not a leak.
        let command = side.info.kind == SideKind::Command && path.starts_with('_');
        let marker = code == "leaks.output" && (command || path == "_SUCCESS");
        let severity = if marker { Severity::Info } else { severity_on(side.role) };
        outcome.findings.push(
            finding(
                CODE,
                code,
                severity,
                Some(side.role),
                format!("the {} left {path} in its {place}", side.role),
            )
            .at(in_file(path)),
        );
    }
}

/// Descriptors and files that the child process counted.
fn descriptors(side: &Observed, probe: &Probe, outcome: &mut Outcome) -> String {
    let role = side.role;
    if let Some(failure) = &probe.failure {
        outcome.findings.push(finding(
            CODE,
            "leaks.not-counted",
            Severity::Warning,
            Some(role),
            format!("descriptors of the {role} could not be counted: {failure}"),
        ));
        return format!("{role}: files only, counting descriptors failed");
    }
    for step in &probe.steps {
        if step.descriptors_after > step.descriptors_before {
            let more = step.descriptors_after - step.descriptors_before;
            outcome.findings.push(
                finding(
                    CODE,
                    "leaks.descriptors",
                    severity_on(role),
                    Some(role),
                    format!("the {role} left {more} file descriptors open after {}", step.name),
                )
                .counting(more)
                .with("before", step.descriptors_before)
                .with("after", step.descriptors_after),
            );
        }
        if let Some(first) = step.files_left.first() {
            outcome.findings.push(
                finding(
                    CODE,
                    "leaks.after-stop",
                    severity_on(role),
                    Some(role),
                    format!(
                        "the {role} left {} files after {}, {first} among them",
                        step.files_left.len(),
                        step.name
                    ),
                )
                .at(in_file(first))
                .counting(step.files_left.len() as u64),
            );
        }
    }
    let steps: Vec<&str> = probe.steps.iter().map(|step| step.name.as_str()).collect();
    format!("{role}: files, and descriptors after {}", steps.join(", "))
}

#[cfg(test)]
mod tests {
    use reports::document::Role;

    use super::*;
    use crate::check::fixture::{Fixture, blockers, rows};

    #[test]
    fn files_left_in_scratch_and_output_are_blockers_of_the_candidate() {
        let mut fixture = Fixture::pair(&rows(), &rows());
        fixture.kind = SideKind::Unified;
        assert!(fixture.examine(&Leaks).findings.is_empty());
        fixture.scratch_left.push("run-1.spill".to_owned());
        assert_eq!(blockers(&fixture.examine(&Leaks)), ["leaks.scratch"]);
        fixture.scratch_left.clear();
        std::fs::write(fixture.path(Role::Candidate, "half.parquet.tmp"), "").unwrap();
        assert_eq!(blockers(&fixture.examine(&Leaks)), ["leaks.output"]);
    }

    #[test]
    fn a_marker_of_an_external_writer_is_told_and_does_not_block() {
        let mut fixture = Fixture::pair(&rows(), &rows());
        fixture.kind = SideKind::Command;
        std::fs::write(fixture.path(Role::Candidate, "_SUCCESS"), "").unwrap();
        let outcome = fixture.examine(&Leaks);
        assert_eq!((outcome.findings.len(), blockers(&outcome).len()), (1, 0));
    }

    #[test]
    fn sides_that_did_not_run_leave_nothing_to_ask() {
        let mut fixture = Fixture::pair(&rows(), &rows());
        fixture.recorded = [true; 2];
        assert_eq!(fixture.examine(&Leaks).status, Some(CheckStatus::NotApplicable));
    }
}
