//! LEAKS: temporary files and open file descriptors left behind after success, error and abort.
//!
//! Files: whatever a side left in its scratch directory, and whatever in its output directory is neither a Parquet file nor the
//! manifest nor bookkeeping that readers expect there (`_SUCCESS`, checksums: see `corpora::listing`). Descriptors: counted in a child process of its own (see `crate::probe`), before and after a run that
//! succeeds, one that fails and one that is cancelled; the counts arrive here as data. A side that did not run leaves nothing.

use reports::document::{CheckStatus, Severity, SideKind, SideOutcome, WhyPassedOver};

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
    let scratch = scratch.map(|it| (it, severity_on(side.role)));
    // What a failed side left in its output is reported by ERRORS.
    let left = side.output.passed_over.iter().filter(|it| !failed && it.why != WhyPassedOver::Bookkeeping);
    let output = left.map(|entry| {
        // Other names that begin with `_` are a habit of external writers.
        let habit = entry.why == WhyPassedOver::Hidden && side.info.kind == SideKind::Command;
        let severity = if habit { Severity::Info } else { severity_on(side.role) };
        (("leaks.output", "output directory", &entry.path), severity)
    });
    for ((code, place, path), severity) in scratch.chain(output) {
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
    fn bookkeeping_is_no_leak_and_another_underscored_name_of_an_external_writer_does_not_block() {
        let mut fixture = Fixture::pair(&rows(), &rows());
        fixture.kind = SideKind::Command;
        for name in
            ["_SUCCESS", ".two.parquet.crc", "two.parquet.crc", "_committed_1", "_started_1", "_metadata"]
        {
            std::fs::write(fixture.path(Role::Candidate, name), "").unwrap();
        }
        assert!(fixture.examine(&Leaks).findings.is_empty());
        std::fs::write(fixture.path(Role::Candidate, "_notes"), "").unwrap();
        let outcome = fixture.examine(&Leaks);
        assert_eq!((outcome.findings.len(), blockers(&outcome).len()), (1, 0));
        fixture.kind = SideKind::Unified;
        assert_eq!(blockers(&fixture.examine(&Leaks)), ["leaks.output"]);
    }

    #[test]
    fn work_in_progress_that_is_left_is_a_leak_of_whoever_ran() {
        let mut fixture = Fixture::pair(&rows(), &rows());
        fixture.kind = SideKind::Command;
        std::fs::create_dir_all(fixture.path(Role::Candidate, "_temporary/0")).unwrap();
        assert_eq!(blockers(&fixture.examine(&Leaks)), ["leaks.output"]);
        std::fs::write(fixture.path(Role::Candidate, ".two.parquet.swp"), "").unwrap();
        assert_eq!(blockers(&fixture.examine(&Leaks)), ["leaks.output"; 2]);
        fixture.recorded = [true; 2];
        assert!(fixture.examine(&Leaks).findings.is_empty());
    }

    #[test]
    fn sides_that_did_not_run_leave_nothing_to_ask() {
        let mut fixture = Fixture::pair(&rows(), &rows());
        fixture.recorded = [true; 2];
        assert_eq!(fixture.examine(&Leaks).status, Some(CheckStatus::NotApplicable));
    }
}
