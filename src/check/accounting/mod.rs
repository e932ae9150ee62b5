//! ACCOUNTING: is every input row, every output file and every declared drop accounted for?
//!
//! Per side: rows read = rows written + rows dropped by declared reason + rows that became part of another row; every file of
//! the manifest exists, is readable, and has the stated record count and byte size; no Parquet file in the output directory is
//! missing from the manifest. What looks like data and was not read is named (`passed_over`). A result list that was cut short is caught here. Without a manifest the parts that need one do
//! not apply, and the summary says so. Files that name a mark of their complete set (`output::set_mark`) must have it beside
//! them, with or without a manifest. What a *failed* side left is the business of ERRORS.
//!
//! Where the job merges rows, what a side declares is held against the harness's own model of the merge: see `merge`.

mod merge;
mod passed_over;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use reports::document::{CheckStatus, Finding, Role, Severity, SideOutcome};
use reports::manifest::Manifest;

use self::merge::Rules;
use super::draft;
use super::finding::{Refine, finding, in_file, severity_on};
use super::{Check, KnownDefect, Observed, Outcome, Subject};
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
        let mut judged_candidate = false;
        let rules = Rules::of(subject)?;
        for side in subject.sides() {
            if matches!(side.outcome, SideOutcome::Failed { .. }) {
                said.push(format!("the {} failed: see ERRORS", side.role));
                continue;
            }
            readable(subject, side, &mut outcome);
            passed_over::tell(side, &mut outcome);
            marks(side, &mut outcome);
            if side.output.unreadable.iter().any(|file| file.limited) {
                said.push(format!("the {} has a file that is beyond a limit of this program", side.role));
                continue;
            }
            let Some(manifest) = &side.output.manifest else {
                said.push(format!("the {} left no manifest: only readability was checked", side.role));
                continue;
            };
            judged_candidate |= side.role == Role::Candidate;
            files(side, manifest, &mut outcome);
            said.push(by_rules(side, manifest, subject.rows_in, &rules, &mut outcome));
        }
        if subject.job.expected.no_rows && subject.rows_in.is_some() {
            outcome.coverage.files += subject.job.inputs.len() as u64;
        }
        if outcome.findings.iter().all(passed_over::is_told) && !judged_candidate {
            outcome.status = Some(CheckStatus::NotApplicable);
        }
        if outcome.status.is_none() && unreadable_baseline(subject) {
            outcome.status = Some(CheckStatus::Inconclusive);
        }
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
        outcome.coverage.rows += file.info.rows;
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
                format!("{path} lies in the {}'s output but not in its manifest: whoever follows the manifest loses its rows", side.role),
            )
            .at(in_file(path)),
        );
    }
}

/// The manifest's row counts against the rules. On the baseline also against those of defect H: where these hold exactly, what
/// speaks against the first is that defect.
fn by_rules(
    side: &Observed,
    manifest: &Manifest,
    rows_in: Option<u64>,
    rules: &Rules,
    outcome: &mut Outcome,
) -> String {
    let mut strict = Outcome::default();
    let mut said = rows(side, manifest, rows_in, rules, &mut strict);
    if let Some(lenient) = rules.lenient().filter(|_| side.role == Role::Baseline) {
        let mut by_defect = Outcome::default();
        let said_by_defect = rows(side, manifest, rows_in, &lenient, &mut by_defect);
        let is_difference =
            |found: &Finding| found.code != "accounting.declared-drop" && found.defect.is_none();
        if !by_defect.findings.iter().any(is_difference) {
            said = said_by_defect;
            let letter = KnownDefect::DamagedSketchesMerged.letter();
            for found in strict.findings.iter_mut().filter(|found| is_difference(found)) {
                found.defect = Some(letter.to_owned());
            }
        }
    }
    outcome.findings.append(&mut strict.findings);
    said
}

/// The manifest's row counts against the inputs, the files and the rules of a merge.
fn rows(
    side: &Observed,
    manifest: &Manifest,
    rows_in: Option<u64>,
    rules: &Rules,
    outcome: &mut Outcome,
) -> String {
    let role = side.role;
    let written = side.output.rows();
    let dropped: u64 = manifest.rows_dropped.values().sum();
    for (reason, count) in manifest.rows_dropped.iter().filter(|(_, count)| **count > 0) {
        outcome.findings.push(
            finding(
                CODE,
                "accounting.declared-drop",
                Severity::Info,
                Some(role),
                format!("the {role} dropped {count} rows for the declared reason `{reason}`"),
            )
            .counting(*count),
        );
    }
    if let (Some(read), Some(rows_in)) = (manifest.rows_read, rows_in)
        && read != rows_in
    {
        let difference = read.abs_diff(rows_in);
        let message = format!("the {role} says it read {read} rows, the inputs hold {rows_in}");
        let draft = counted(side, "accounting.rows-read", message, difference);
        outcome.findings.push(rules.explained(role, difference, |highest| highest.rows_in, draft));
    }
    if let Some(said) = merge::judge(side, manifest, rules, outcome) {
        return said;
    }
    let Some(read) = rows_in.or(manifest.rows_read) else {
        return format!("{role}: {written} rows written; the input rows are unknown");
    };
    let merged = manifest.rows_merged.unwrap_or(0);
    let accounted = written.saturating_add(dropped).saturating_add(merged);
    let did = if merged == 0 {
        format!("the {role} read {read} rows, wrote {written} and declared {dropped} dropped")
    } else {
        format!(
            "the {role} read {read} rows, wrote {written}, merged away {merged} and declared {dropped} dropped"
        )
    };
    if accounted < read {
        let lost = read - accounted;
        let draft = counted(side, "accounting.rows-lost", format!("{did}: {lost} are lost silently"), lost);
        outcome.findings.push(rules.explained(role, lost, |highest| highest.rows_in, draft));
    } else if accounted > read {
        let gained = accounted - read;
        outcome.findings.push(counted(
            side,
            "accounting.rows-gained",
            format!("{did}: {gained} too many"),
            gained,
        ));
    }
    let apart = if merged == 0 { String::new() } else { format!(", {merged} merged into others") };
    format!("{role}: {read} rows read, {written} written{apart}, {dropped} dropped by declared reason")
}

fn counted(side: &Observed, code: &str, message: String, count: u64) -> Finding {
    finding(CODE, code, severity_on(side.role), Some(side.role), message).counting(count)
}
