//! ACCOUNTING: is every input row, every output file and every declared drop accounted for?
//!
//! Per side: rows read = rows written + rows dropped by declared reason; every file of the manifest exists, is readable,
//! and has the stated record count and byte size; no Parquet file in the output directory is missing from the manifest.
//! A result list that was cut short is caught here. Without a manifest the parts that need one do not apply, and the
//! summary says so. What a *failed* side left is the business of ERRORS.

use std::collections::BTreeMap;

use reports::document::{CheckStatus, Finding, Role, Severity, SideOutcome};
use reports::manifest::Manifest;

use super::finding::{Refine, finding, in_file, severity_on};
use super::{Check, Observed, Outcome, Subject};
use crate::error::Result;

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
        for side in subject.sides() {
            if matches!(side.outcome, SideOutcome::Failed { .. }) {
                said.push(format!("the {} failed: see ERRORS", side.role));
                continue;
            }
            readable(side, &mut outcome);
            let Some(manifest) = &side.output.manifest else {
                said.push(format!("the {} left no manifest: only readability was checked", side.role));
                continue;
            };
            judged_candidate |= side.role == Role::Candidate;
            files(side, manifest, &mut outcome);
            said.push(rows(side, manifest, subject.rows_in, &mut outcome));
        }
        if subject.job.expected.no_rows && subject.rows_in.is_some() {
            outcome.coverage.files += subject.job.inputs.len() as u64;
        }
        if outcome.findings.is_empty() && !judged_candidate {
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
}

/// Files that claim to be Parquet and are not.
fn readable(side: &Observed, outcome: &mut Outcome) {
    for file in &side.output.files {
        outcome.coverage.files += 1;
        outcome.coverage.rows += file.info.rows;
        outcome.coverage.bytes += file.info.bytes;
    }
    for bad in &side.output.unreadable {
        outcome.findings.push(
            finding(
                CODE,
                "accounting.unreadable",
                severity_on(side.role),
                Some(side.role),
                format!("{} of the {} cannot be read: {}", bad.path, side.role, bad.reason),
            )
            .at(in_file(&bad.path)),
        );
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
            if !side.output.unreadable.iter().any(|bad| bad.path == path) {
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

/// The manifest's row counts against the inputs and the files.
fn rows(side: &Observed, manifest: &Manifest, rows_in: Option<u64>, outcome: &mut Outcome) -> String {
    let role = side.role;
    let written: u64 = side.output.files.iter().map(|file| file.info.rows).sum();
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
        outcome.findings.push(counted(
            side,
            "accounting.rows-read",
            format!("the {role} says it read {read} rows, the inputs hold {rows_in}"),
            read.abs_diff(rows_in),
        ));
    }
    let Some(read) = rows_in.or(manifest.rows_read) else {
        return format!("{role}: {written} rows written; the input rows are unknown");
    };
    let accounted = written + dropped;
    if accounted < read {
        outcome.findings.push(counted(
            side,
            "accounting.rows-lost",
            format!("the {role} read {read} rows, wrote {written} and declared {dropped} dropped: {} are lost silently", read - accounted),
            read - accounted,
        ));
    } else if accounted > read {
        outcome.findings.push(counted(
            side,
            "accounting.rows-gained",
            format!(
                "the {role} read {read} rows, wrote {written} and declared {dropped} dropped: {} too many",
                accounted - read
            ),
            accounted - read,
        ));
    }
    format!("{role}: {read} rows read, {written} written, {dropped} dropped by declared reason")
}

fn counted(side: &Observed, code: &str, message: String, count: u64) -> Finding {
    finding(CODE, code, severity_on(side.role), Some(side.role), message).counting(count)
}
