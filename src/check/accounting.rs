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

#[cfg(test)]
mod tests {
    use reports::document::Severity;
    use reports::manifest::ManifestFile;

    use super::*;
    use crate::check::fixture::{Fixture, blockers, codes, rows};

    /// Both sides with a true manifest of eight rows read.
    fn honest() -> Fixture {
        let mut fixture = Fixture::pair(&rows(), &rows());
        fixture.rows_in = Some(8);
        for (side, role, name) in [(0, Role::Baseline, "one.parquet"), (1, Role::Candidate, "two.parquet")] {
            let size = std::fs::metadata(fixture.path(role, name)).unwrap().len();
            let file = ManifestFile {
                path: name.to_owned(),
                record_count: Some(8),
                file_size: Some(size),
                ..ManifestFile::default()
            };
            fixture.manifests[side] =
                Some(Manifest { rows_read: Some(8), files: vec![file], ..Manifest::default() });
        }
        fixture
    }

    fn found(side: usize, change: impl FnOnce(&mut Manifest)) -> Outcome {
        let mut fixture = honest();
        change(fixture.manifests[side].as_mut().unwrap());
        fixture.examine(&Accounting)
    }

    #[test]
    fn true_manifests_are_silent() {
        let outcome = honest().examine(&Accounting);
        assert_eq!((outcome.findings.len(), outcome.status, outcome.coverage.rows), (0, None, 16));
    }

    #[test]
    fn each_untruth_of_the_candidates_manifest_is_a_blocker_of_its_own() {
        type Change = fn(&mut Manifest);
        let cases: [(&str, Change); 7] = [
            ("accounting.record-count", |it| it.files[0].record_count = Some(9)),
            ("accounting.file-size", |it| it.files[0].file_size = Some(1)),
            ("accounting.rows-read", |it| it.rows_read = Some(9)),
            ("accounting.unlisted-file", |it| it.files.clear()),
            ("accounting.listed-twice", |it| it.files.push(it.files[0].clone())),
            ("accounting.rows-gained", |it| it.rows_dropped.extend([("late".to_owned(), 1)])),
            ("accounting.missing-file", |it| {
                it.files.push(ManifestFile { path: "gone.parquet".to_owned(), ..ManifestFile::default() });
            }),
        ];
        for (code, change) in cases {
            assert_eq!(blockers(&found(1, change)), [code]);
            // The same on the baseline is told and does not gate.
            let told = found(0, change);
            assert!(blockers(&told).is_empty() && codes(&told, Severity::Info).contains(&code), "{code}");
        }
    }

    #[test]
    fn a_row_lost_in_silence_is_a_blocker_and_one_dropped_by_declared_reason_is_not() {
        let mut fixture = honest();
        fixture.rows_in = Some(9);
        for manifest in fixture.manifests.iter_mut().flatten() {
            manifest.rows_read = Some(9);
        }
        assert_eq!(blockers(&fixture.examine(&Accounting)), ["accounting.rows-lost"]);
        for manifest in fixture.manifests.iter_mut().flatten() {
            manifest.rows_dropped.insert("missing_timestamp".to_owned(), 1);
        }
        let outcome = fixture.examine(&Accounting);
        assert!(blockers(&outcome).is_empty());
        assert_eq!(codes(&outcome, Severity::Info).len(), 2);
    }

    #[test]
    fn without_a_manifest_of_the_candidate_the_check_does_not_apply() {
        let mut fixture = honest();
        fixture.manifests[1] = None;
        assert_eq!(fixture.examine(&Accounting).status, Some(CheckStatus::NotApplicable));
    }

    #[test]
    fn a_file_that_cannot_be_read_blocks_on_the_candidate_and_is_undecided_on_the_baseline() {
        let fixture = honest();
        std::fs::write(fixture.path(Role::Candidate, "junk.parquet"), "junk").unwrap();
        assert_eq!(blockers(&fixture.examine(&Accounting)), ["accounting.unreadable"]);
        let fixture = honest();
        std::fs::write(fixture.path(Role::Baseline, "junk.parquet"), "junk").unwrap();
        assert_eq!(fixture.examine(&Accounting).status, Some(CheckStatus::Inconclusive));
    }
}
