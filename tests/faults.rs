//! Each planted fault turns its checks red, and no other, through the whole program.

use reports::document::Verdict;

use crate::support::{parallax, red};

/// The corpus on which a fault can be planted.
fn corpus_for(fault: &str) -> &'static str {
    match fault {
        "int-to-float" => "compact-every-type",
        "lose-column" | "null-to-empty" => "compact-sparse-columns",
        "tiny-files" => "compact-production",
        "leak-descriptor" | "leftover-file" => "compact-heavy-ties",
        "tid-through-float" => "metrics-extreme-tids",
        "highest-tid-lost" => "metrics-highest-tid-merged",
        "file-per-tid" | "tids-as-text" => "metrics-tids-as-text",
        "scatter-trace" => "traces-long-traces",
        "two-slots" => "traces-slot-7-of-16",
        fault if of_metrics(fault) => "metrics-tiny-series",
        _ => "compact-rows-per-file",
    }
}

/// Whether the fault is one of time series and merged points.
fn of_metrics(fault: &str) -> bool {
    let words = ["tid", "sketch", "rollup", "alignment", "aligned", "sum", "end"];
    fault.split('-').any(|word| words.contains(&word)) && !fault.starts_with("fail")
}

/// Faults whose checks go red and no other, each on its corpus. What the others turn red is for the self-test.
const EXACT: &[&str] = &[
    "drop-row",
    "duplicate-row",
    "swap-values",
    "change-character",
    "null-to-empty",
    "int-to-float",
    "lose-column",
    "swap-rows",
    "overlap-files",
    "wrong-first-timestamp",
    "missing-fingerprint",
    "first-result-only",
    "mark-lost",
    "stray-file",
    "leftover-file",
    "leak-descriptor",
    "tiny-files",
    "fail-late",
    "split-tid-by-rows",
    "split-tid-by-batch",
    "tid-returns",
    "file-per-tid",
    "tids-as-text",
    "highest-tid-lost",
    "tid-through-float",
    "tid-count-on-last-file-only",
    "swap-min-max-tid",
    "exclusive-end",
    "wrong-alignment",
    "key-not-aligned",
    "sketch-dropped",
    "sketch-merged-twice",
    "sketch-other-accuracy",
    "rollup-from-one-row",
    "exact-sum",
    "swap-rollup-min-max",
    "scatter-trace",
    "two-slots",
];

#[test]
fn every_planted_fault_turns_its_checks_red_and_no_other() {
    let mut wrong = Vec::new();
    for fault in EXACT.iter().map(|name| parallax::fault::Fault::named(name).unwrap()) {
        let candidate = format!("fault:{}", fault.name());
        let corpus = corpus_for(fault.name());
        let finished = parallax(&["run", "--corpus", corpus, "--candidate", &candidate]).finish();
        let report = finished.report();
        let seen = red(&report.jobs[0]);
        if finished.code != Some(1) || report.verdict != Verdict::Fail || seen != fault.seen_by() {
            wrong.push(format!(
                "{}: exit {:?}, red {seen:?}, not {:?}",
                fault.name(),
                finished.code,
                fault.seen_by()
            ));
        }
        assert!(report.headline.contains("failed"), "{}", report.headline);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_schema_fixed_too_early_and_a_swallowed_error_are_caught_through_the_whole_program() {
    for (fault, corpus, checks) in [
        ("schema-frozen", "compact-late-column", &["ROWS", "SCHEMA"][..]),
        ("swallowed-error", "compact-type-conflict", &["ERRORS"]),
        ("wrong-error-class", "compact-type-conflict", &["ERRORS"]),
    ] {
        let candidate = format!("fault:{fault}");
        let report =
            parallax(&["run", "--corpus", corpus, "--candidate", &candidate]).finish().expect(1).report();
        let seen = red(&report.jobs[0]);
        assert!(checks.iter().all(|check| seen.contains(check)), "{fault}: {seen:?}");
    }
}

#[test]
fn what_only_costs_more_is_not_seen_by_a_comparison() {
    for fault in parallax::fault::Fault::ALL.iter().filter(|fault| fault.is_of_cost()) {
        let candidate = format!("fault:{}", fault.name());
        parallax(&["run", "--corpus", "compact-rows-per-file", "--candidate", &candidate]).finish().expect(0);
    }
}

#[test]
fn the_same_corpora_pass_without_a_fault() {
    for corpus in
        ["compact-sparse-columns", "compact-production", "compact-heavy-ties", "compact-rows-per-file"]
    {
        let finished = parallax(&["run", "--corpus", corpus]).finish().expect(0);
        assert_eq!(finished.report().verdict, Verdict::Pass);
        assert!(finished.leftovers().is_empty(), "{:?}", finished.leftovers());
    }
}
