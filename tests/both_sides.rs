//! The main job: both writers on the built-in corpora.

use reports::document::{CheckStatus, Severity, Verdict};

use crate::support::{check, findings, parallax};

#[test]
fn the_built_in_corpora_pass_and_the_legacy_defects_are_told() {
    let finished = parallax(&["run"]).finish().expect(0);
    let report = finished.report();
    assert_eq!(report.verdict, Verdict::Pass);
    assert!(report.run.complete);
    assert_eq!(report.totals.jobs_passed, report.totals.jobs);
    let blockers: Vec<_> =
        findings(&report).filter(|finding| finding.severity == Severity::Blocker).collect();
    assert!(blockers.is_empty(), "{blockers:#?}");
    for letter in ["A", "C"] {
        let told = findings(&report).find(|finding| finding.defect.as_deref() == Some(letter));
        let told = told.unwrap_or_else(|| panic!("legacy defect {letter} is not told"));
        assert_eq!(told.severity, Severity::Info);
        let page = std::fs::read_to_string(finished.path("parallax-report/index.html")).unwrap();
        assert!(page.contains(&told.code), "{} is not on the page", told.code);
    }
    let compared: u64 = report.jobs.iter().map(|job| check(job, "ROWS").coverage.rows).sum();
    assert!(compared > report.totals.rows_in, "both sides' rows were examined");
    for job in &report.jobs {
        let declared = job.headline.contains("ERRORS");
        assert!(declared || check(job, "ROWS").status == CheckStatus::Pass, "{}: {}", job.id, job.headline);
    }
    assert!(finished.leftovers().is_empty(), "{:?}", finished.leftovers());
}

#[test]
fn each_side_writes_several_files_somewhere() {
    let report = parallax(&["run", "--corpus", "compact-rows-per-file"]).finish().expect(0).report();
    let job = &report.jobs[0];
    assert!(job.baseline.as_ref().unwrap().files.len() >= 3);
    assert!(job.candidate.files.len() >= 3);
}

#[test]
fn a_column_with_two_types_is_refused_by_both_sides_as_declared() {
    let report = parallax(&["run", "--corpus", "compact-type-conflict"]).finish().expect(0).report();
    assert_eq!(check(&report.jobs[0], "ERRORS").status, CheckStatus::Pass);
    assert_ne!(check(&report.jobs[0], "ROWS").status, CheckStatus::Pass);
}

#[test]
fn other_seeds_pass_too() {
    for seed in ["7", "2026"] {
        parallax(&["run", "--seed", seed]).finish().expect(0);
    }
}
