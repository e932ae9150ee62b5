//! The main job: both writers on the built-in corpora.

use std::collections::BTreeSet;

use reports::document::{CheckStatus, Severity, Verdict};

use crate::support::{beside, check, findings, parallax, read_report};

#[test]
fn the_built_in_corpora_pass_and_the_legacy_defects_are_told() {
    let finished = parallax(&["run"]).finish().expect(0);
    let report = finished.report();
    assert_eq!(report.verdict, Verdict::Pass);
    assert!(report.run.complete);
    assert_eq!(report.totals.jobs_passed, report.totals.jobs);
    let blockers: Vec<_> = findings(&report)
        .filter(|finding| finding.severity == Severity::Blocker && finding.waived.is_none())
        .collect();
    assert!(blockers.is_empty(), "{blockers:#?}");
    for letter in ["A", "B", "C", "D", "H"] {
        let told = findings(&report).find(|finding| finding.defect.as_deref() == Some(letter));
        let told = told.unwrap_or_else(|| panic!("legacy defect {letter} is not told"));
        assert!(told.severity == Severity::Info || told.waived.is_some(), "{told:?}");
        let page = std::fs::read_to_string(finished.path("parallax-report/index.html")).unwrap();
        assert!(page.contains(&told.code), "{} is not on the page", told.code);
    }
    let compared: u64 = report.jobs.iter().map(|job| check(job, "ROWS").coverage.rows).sum();
    assert!(compared > report.totals.rows_in, "both sides' rows were examined");
    for job in &report.jobs {
        let declared = job.headline.contains("ERRORS");
        assert!(declared || check(job, "ROWS").status == CheckStatus::Pass, "{}: {}", job.id, job.headline);
    }
    for signal in ["logs", "metrics", "traces"] {
        assert!(report.jobs.iter().any(|job| job.signal.as_deref() == Some(signal)), "no job of {signal}");
    }
    assert!(finished.leftovers().is_empty(), "{:?}", finished.leftovers());
}

#[test]
fn the_mergers_differ_in_nothing_but_the_named_defects() {
    let report = parallax(&["run", "--signal", "metrics"]).finish().expect(0).report();
    let mut waived = Vec::new();
    for job in &report.jobs {
        let Some(rows) = &job.rows else { continue };
        assert!(rows.tolerances.is_empty() && rows.ignored.is_empty());
        let excused: Vec<_> =
            check(job, "ROWS").findings.iter().filter(|finding| finding.waived.is_some()).collect();
        let differing = rows.changed + rows.missing + rows.extra;
        assert_eq!(differing, excused.iter().map(|finding| finding.count).sum::<u64>(), "{}", job.id);
        let letters: BTreeSet<_> = excused.iter().filter_map(|finding| finding.defect.as_deref()).collect();
        assert!(excused.iter().all(|finding| finding.defect.is_some()), "{}", job.id);
        waived.extend(letters.into_iter().map(|letter| (job.id.as_str(), letter)));
    }
    assert_eq!(
        waived,
        [
            ("metrics-garbage-sketches", "H"),
            ("metrics-highest-tid-lone", "D"),
            ("metrics-highest-tid-merged", "D")
        ]
    );
    let merged: u64 = report.jobs.iter().flat_map(|job| &job.rollup).map(|account| account.merged_in).sum();
    assert!(merged > 10_000, "{merged}");
}

#[test]
fn a_side_that_must_refuse_does_so_and_the_other_is_not_blamed() {
    let report = parallax(&["run", "--corpus", "metrics-unsorted"]).finish().expect(0).report();
    let errors = check(&report.jobs[0], "ERRORS");
    assert_eq!(errors.status, CheckStatus::Pass);
    assert!(
        errors.summary.contains("the candidate failed as the corpus declares (unsorted)"),
        "{}",
        errors.summary
    );
    assert!(errors.summary.contains("the baseline completed"), "{}", errors.summary);
}

#[test]
fn damaged_sketches_are_defect_h_where_it_is_known_and_nothing_beyond_it_is_excused() {
    const CORPUS: &str = "metrics-garbage-sketches";
    let finished = parallax(&["run", "--corpus", CORPUS, "--keep", "always"]).finish().expect(0);
    let report = finished.report();
    let job = &report.jobs[0];
    let by_h = |check_code: &str| {
        let found = check(job, check_code).findings.iter().filter(|it| it.defect.as_deref() == Some("H"));
        found.map(|it| (it.code.as_str(), it.count)).collect::<Vec<_>>()
    };
    assert_eq!(by_h("ROWS"), [("rows.changed", 9), ("rows.missing", 7)]);
    assert_eq!(
        by_h("ACCOUNTING"),
        [("accounting.drops", 4), ("accounting.drops", 21), ("accounting.rows-merged", 10)]
    );
    assert!(check(job, "SKETCH").findings.is_empty());
    assert!(check(job, "SKETCH").summary.contains("damaged sketches of 21 rows"));
    assert!(job.rows.as_ref().unwrap().equal > 400);
    // Who only sees the outputs cannot know it.
    let output = |side: &str| format!("parallax-report/outputs/{side}/{CORPUS}");
    let (a, b) = (output("baseline"), output("candidate"));
    let arguments = ["compare", &a, &b, "--signal", "metrics", "--out", "compared"];
    let (code, stdout, stderr) = beside(&finished, &arguments);
    assert_eq!(code, Some(1), "{stdout}\n{stderr}");
    let compared = read_report(&finished.path("compared/report.json"), CORPUS);
    assert_eq!(check(&compared.jobs[0], "ROWS").status, CheckStatus::Fail);
    // The candidate is never excused.
    let turned = ["run", "--corpus", CORPUS, "--baseline", "unified", "--candidate", "legacy"];
    let turned = parallax(&turned).finish().expect(1).report();
    for code in ["ROWS", "ACCOUNTING", "SKETCH"] {
        assert_eq!(check(&turned.jobs[0], code).status, CheckStatus::Fail, "{code}");
    }
    // A fault beside it is seen.
    for fault in ["flip-bit", "drop-row", "sketch-of-one-row", "exact-sum", "sketch-cut"] {
        let side = format!("fault:{fault}");
        let report = parallax(&["run", "--corpus", CORPUS, "--candidate", &side]).finish().expect(1).report();
        assert_eq!(check(&report.jobs[0], "ROWS").status, CheckStatus::Fail, "{fault}");
    }
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
