//! ACCOUNTING: is every input row, every output file and every declared drop accounted for?
//!
//! 1. Rows, on each side with or without a manifest (`books`): rows of the inputs = rows written + rows dropped for a reason that the
//!    manifest or a rule of the signal declares (`drops`) + rows that became part of another row. Where the job merges rows, a side is
//!    compared with the harness's own model of the merge (`merge`). Without known inputs only what a manifest states is judged. Both
//!    sides losing alike is a finding of its own: no comparison can see it.
//! 2. Files, on a side with a manifest: every file of the manifest exists, is readable, and has the stated record count and byte
//!    size; no Parquet file in the output directory is missing from the manifest. A result list that was cut short is seen here.
//! 3. What looks like data and was not read is named (`passed_over`). Files that name a mark of their complete set
//!    (`output::set_mark`) must have it beside them, with or without a manifest.
//!
//! The check answers for the candidate: what is known of the baseline alone is no pass. What a *failed* side left is the business
//! of ERRORS.

pub(crate) mod books;
#[cfg(test)]
mod books_tests;
mod drops;
mod merge;
mod passed_over;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use reports::document::{CheckStatus, Role, Severity, SideOutcome};
use reports::manifest::Manifest;

use self::books::{Books, Standing};
use super::draft;
use super::finding::{Refine, finding, in_file, severity_on};
use super::{Check, Observed, Outcome, Subject};
use crate::error::Result;
use crate::output::set_mark::{SetMark, State};

/// The ACCOUNTING check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Accounting;

const CODE: &str = "ACCOUNTING";

impl Check for Accounting {
    fn code(&self) -> &'static str {
        CODE
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut said = Vec::new();
        let mut candidate = Standing::Unjudged;
        let mut books = Books::open(subject)?;
        for side in subject.sides() {
            if matches!(side.outcome, SideOutcome::Failed { .. }) {
                said.push(format!("the {} failed: see ERRORS", side.role));
                continue;
            }
            readable(subject, side, &mut outcome);
            passed_over::report(side, &mut outcome);
            marks(side, &mut outcome);
            if side.output.unreadable.iter().any(|file| file.limited) {
                said.push(format!("the {} has a file that is beyond a limit of this program", side.role));
                continue;
            }
            if let Some(manifest) = &side.output.manifest {
                files(side, manifest, &mut outcome);
            }
            let (standing, words) = books.judge(side, &mut outcome)?;
            said.push(words);
            if side.role == Role::Candidate {
                candidate = standing;
            }
        }
        books.tell_common(&mut outcome);
        if subject.job.expected.no_rows && subject.rows_in.is_some() {
            outcome.coverage.files += subject.job.inputs.len() as u64;
        }
        outcome.status = if unreadable_baseline(subject) || candidate == Standing::Undecided {
            Some(CheckStatus::Inconclusive)
        } else if candidate == Standing::Unjudged {
            Some(CheckStatus::NotApplicable)
        } else {
            None
        };
        outcome.summary = said.join("; ");
        Ok(outcome)
    }
}

fn unreadable_baseline(subject: &Subject<'_>) -> bool {
    subject.baseline.is_some_and(|side| !side.output.unreadable.is_empty())
        || subject.candidate.output.unreadable.iter().any(|file| file.limited)
}

/// Files that claim to be Parquet and are not.
fn readable(subject: &Subject<'_>, side: &Observed, outcome: &mut Outcome) {
    for file in &side.output.files {
        outcome.coverage.files += 1;
        outcome.coverage.rows = outcome.coverage.rows.saturating_add(file.info.rows);
        outcome.coverage.bytes += file.info.bytes;
    }
    for bad in &side.output.unreadable {
        let undecided =
            bad.limited || (side.role == Role::Candidate && draft::is_unreadable_before(subject, bad));
        outcome.findings.push(
            finding(
                CODE,
                "accounting.unreadable",
                if undecided { Severity::Warning } else { severity_on(side.role) },
                Some(side.role),
                format!("{} of the {} cannot be read: {}", bad.path, side.role, bad.reason),
            )
            .at(in_file(&bad.path)),
        );
    }
}

/// Whether each set is complete whose files say that its writer marks it.
fn marks(side: &Observed, outcome: &mut Outcome) {
    let role = side.role;
    for SetMark { path, named_by, file, state } in &side.output.marks {
        let mut found = |code, message, place: &str, count| {
            let finding = finding(CODE, code, severity_on(role), Some(role), message);
            outcome.findings.push(finding.at(in_file(place)).counting(count));
        };
        let way_out = "run the writer again into an empty directory";
        match state {
            State::Absent => found(
                "accounting.unmarked",
                format!(
                    "{named_by} files of the {role} name the mark {path}, which their writer leaves last, and it is not \
                     there: the writer was stopped and the set is incomplete; {way_out}"
                ),
                file,
                *named_by,
            ),
            State::Unusable(said) => found(
                "accounting.unmarked",
                format!(
                    "{named_by} files of the {role} name the mark {path}, which is no mark: {said}; {way_out}"
                ),
                file,
                *named_by,
            ),
            // A manifest lists the files too, and is compared with them.
            State::Present { .. } if side.output.manifest.is_some() => {}
            State::Present { missing, unlisted } => {
                if let Some(first) = missing.first() {
                    let count = missing.len() as u64;
                    let message = format!(
                        "the mark {path} of the {role} lists {count} files that are not there: copy the whole set"
                    );
                    found("accounting.incomplete-set", message, first, count);
                }
                if let Some(first) = unlisted.first() {
                    let count = unlisted.len() as u64;
                    let message = format!(
                        "{count} files of the {role} name the mark {path}, which does not list them: they are of another set"
                    );
                    found("accounting.incomplete-set", message, first, count);
                }
            }
        }
    }
}

/// The manifest's file list against the directory.
fn files(side: &Observed, manifest: &Manifest, outcome: &mut Outcome) {
    let severity = severity_on(side.role);
    let present: BTreeMap<&str, (u64, u64)> = side
        .output
        .files
        .iter()
        .map(|file| (file.info.path.as_str(), (file.info.rows, file.info.bytes)))
        .collect();
    let mut listed: BTreeMap<String, u64> = BTreeMap::new();
    for entry in &manifest.files {
        let path = entry.path.clone();
        let times = listed.entry(path.clone()).or_default();
        *times += 1;
        if *times == 2 {
            outcome.findings.push(
                finding(
                    CODE,
                    "accounting.listed-twice",
                    severity,
                    Some(side.role),
                    format!("the {}'s manifest lists {path} more than once", side.role),
                )
                .at(in_file(&path)),
            );
        }
        let Some((rows, bytes)) = present.get(path.as_str()) else {
            if let Some(found) = passed_over::listed(side, &path) {
                outcome.findings.push(found);
            } else if !side.output.unreadable.iter().any(|bad| bad.path == path) {
                outcome.findings.push(
                    finding(
                        CODE,
                        "accounting.missing-file",
                        severity,
                        Some(side.role),
                        format!("the {}'s manifest lists {path}, which is not there", side.role),
                    )
                    .at(in_file(&path)),
                );
            }
            continue;
        };
        let stated = [
            ("record count", "accounting.record-count", entry.record_count, *rows),
            ("byte size", "accounting.file-size", entry.file_size, *bytes),
        ];
        for (what, code, stated, found) in stated {
            if let Some(stated) = stated
                && stated != found
            {
                outcome.findings.push(
                    finding(
                        CODE,
                        code,
                        severity,
                        Some(side.role),
                        format!(
                            "the {}'s manifest states a {what} of {stated} for {path}, the file has {found}",
                            side.role
                        ),
                    )
                    .at(in_file(&path))
                    .with("stated", stated)
                    .with("found", found),
                );
            }
        }
    }
    for path in present.keys().filter(|path| !listed.contains_key(**path)) {
        outcome.findings.push(
            finding(
                CODE,
                "accounting.unlisted-file",
                severity, Some(side.role),
                format!("{path} lies in the {}'s output but not in its manifest: a reader that follows the manifest loses its rows", side.role),
            )
            .at(in_file(path)),
        );
    }
}
