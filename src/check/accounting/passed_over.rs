//! Files that were not read although they look like data, and manifests of other programs.
//!
//! No reader of a directory reads these files, so no reader gets their rows: that alone is a warning and no failure, on either
//! side. Where the other side holds the rows in a file that is read, ROWS fails.

use reports::counted;
use reports::document::{Finding, Severity, WhyPassedOver};

use super::CODE;
use crate::check::finding::{Refine, finding, in_file, severity_on};
use crate::check::{Observed, Outcome};

/// Paths that a finding names at most; the list of what was passed over has all.
const NAMED: usize = 8;

const LOOKS_LIKE_DATA: &str = "accounting.passed_over";
const FOREIGN_MANIFEST: &str = "accounting.foreign_manifest";

/// Names what looks like data and was not read, and a manifest of another program.
pub(super) fn report(side: &Observed, outcome: &mut Outcome) {
    let role = side.role;
    let entries = side.output.passed_over.iter().filter(|entry| entry.parquet > 0);
    let files: u64 = entries.clone().map(|entry| entry.parquet).sum();
    if let Some(first) = entries.clone().next() {
        let message = format!(
            "{} of the {role} {} not read, as no reader of the directory reads {}: {}, {}; rename what is data, or name each file \
             in a list (@files.txt)",
            counted(files, "Parquet file", "Parquet files"),
            if files == 1 { "was" } else { "were" },
            if files == 1 { "it" } else { "them" },
            first.path,
            first.why.meaning()
        );
        let mut found = finding(CODE, LOOKS_LIKE_DATA, Severity::Warning, Some(role), message)
            .at(in_file(&first.path))
            .counting(files);
        for entry in entries.take(NAMED) {
            found = found.with(&entry.path, counted(entry.parquet, "Parquet file", "Parquet files"));
        }
        outcome.findings.push(found);
    }
    for entry in side.output.passed_over.iter().filter(|it| it.why == WhyPassedOver::ForeignManifest) {
        let message = format!(
            "{} of the {role} is no result list of Parallax but a document of another program: it was not read, the files are \
             compared",
            entry.path
        );
        let found = finding(CODE, FOREIGN_MANIFEST, Severity::Info, Some(role), message);
        outcome.findings.push(found.at(in_file(&entry.path)));
    }
}

/// The finding for a file that the manifest lists and that readers of the directory pass over.
pub(super) fn listed(side: &Observed, path: &str) -> Option<Finding> {
    let entry = side.output.passed_over.iter().find(|entry| {
        entry.path == path || (entry.path.ends_with('/') && path.starts_with(entry.path.as_str()))
    })?;
    let message = format!(
        "the {}'s manifest lists {path}, which readers of the directory pass over: {}; give the file another name",
        side.role,
        entry.why.meaning()
    );
    let found = finding(CODE, LOOKS_LIKE_DATA, severity_on(side.role), Some(side.role), message);
    Some(found.at(in_file(path)))
}

#[cfg(test)]
mod tests {
    use reports::document::{CheckStatus, Role};
    use reports::manifest::{Manifest, ManifestFile};

    use crate::check::accounting::Accounting;
    use crate::check::fixture::{Fixture, blockers, codes, rows};

    use super::*;

    #[test]
    fn a_parquet_file_that_is_passed_over_is_a_warning_that_names_it_and_passes_nothing() {
        let mut fixture = Fixture::pair(&rows(), &rows());
        fixture.recorded = [true; 2];
        let from = fixture.path(Role::Candidate, "two.parquet");
        for name in ["_old/a.parquet", "_old/deep/b", ".c.parquet"] {
            let to = fixture.path(Role::Candidate, name);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(&from, to).unwrap();
        }
        for name in ["_SUCCESS", "_old/notes", ".d.parquet"] {
            std::fs::write(fixture.path(Role::Candidate, name), "no data").unwrap();
        }
        let outcome = fixture.examine(&Accounting);
        assert_eq!(codes(&outcome, Severity::Warning), [LOOKS_LIKE_DATA]);
        let found = &outcome.findings[0];
        assert_eq!((found.count, found.side), (3, Some(Role::Candidate)));
        let named: Vec<&str> = found.evidence.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(named, [".c.parquet", "_old/"]);
        assert_eq!(outcome.status, Some(CheckStatus::NotApplicable), "the books were not looked at");
    }

    #[test]
    fn a_listed_file_that_readers_pass_over_is_named_as_such() {
        let mut fixture = Fixture::pair(&rows(), &rows());
        let candidate = fixture.path(Role::Candidate, "two.parquet");
        std::fs::rename(&candidate, fixture.path(Role::Candidate, "_two.parquet")).unwrap();
        let file = ManifestFile { path: "_two.parquet".to_owned(), ..ManifestFile::default() };
        fixture.manifests[1] = Some(Manifest { files: vec![file], ..Manifest::default() });
        let outcome = fixture.examine(&Accounting);
        assert!(blockers(&outcome).contains(&LOOKS_LIKE_DATA), "{outcome:?}");
        let found = outcome.findings.iter().find(|it| it.severity == Severity::Blocker).unwrap();
        assert!(
            found.message.contains("_two.parquet, which readers of the directory pass over"),
            "{found:?}"
        );
    }
}
