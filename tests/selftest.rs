//! The self-test through the whole program: every fault finds a place, its checks catch it, and undamaged data stays green.

use std::collections::BTreeSet;

use parallax::fault::Fault;
use reports::document::Severity;
use reports::selftest::{Selftest, TrialOutcome};

use crate::support::parallax;

const PAGE: &str = include_str!("../docs/selftest.md");

/// The corpora that CI takes: those of `.ci/run`, which together offer every fault a place.
fn small() -> &'static str {
    let script = include_str!("../.ci/run");
    let (_, rest) = script.split_once("selftest_corpora=\"").unwrap();
    rest.split('"').next().unwrap()
}

fn faults() -> impl Iterator<Item = Fault> {
    Fault::ALL.iter().copied().filter(|fault| !fault.is_of_cost())
}

#[test]
fn every_fault_is_planted_and_caught_on_the_few_corpora_of_ci() {
    let done = parallax(&["selftest", "--only", small(), "--out", "proof"]).finish();
    assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
    let text = std::fs::read_to_string(done.path("proof/selftest.json")).unwrap();
    let proof: Selftest = serde_json::from_str(&text).unwrap();
    assert!(proof.passed && proof.problems.is_empty() && !proof.complete, "{:?}", proof.problems);
    assert_eq!(proof.faults.len(), faults().count());
    for fault in &proof.faults {
        assert!(fault.planted() > 0, "{} was planted nowhere: none has {}", fault.name, fault.needs);
        for trial in &fault.trials {
            let silent = trial.red.is_empty() && trial.raised.is_empty();
            assert_eq!(silent, trial.outcome == TrialOutcome::NotApplicable, "{}", fault.name);
        }
    }
    let csv = std::fs::read_to_string(done.path("proof/selftest.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + proof.faults.len() * proof.corpora.len());
    assert!(std::fs::read_to_string(done.path("proof/selftest.html")).unwrap().contains("Not applicable"));
    assert!(done.stderr.contains("planted faults caught"), "{}", done.stderr);
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
}

#[test]
fn a_fault_or_corpus_that_there_is_not_is_refused_with_the_way_out() {
    for (arguments, said) in [
        (&["selftest", "--fault", "drop-rows"][..], "did you mean `drop-row`?"),
        (&["selftest", "--fault", "slow-15"], "parallax bench --candidate fault:slow-15"),
        (&["run", "--candidate", "fault:uuid-lost"], "parallax selftest --fault uuid-lost"),
        (&["selftest", "--only", "no-such-corpus"], "no-such-corpus"),
        (&["selftest", "--jobs", "0"], "at least one"),
    ] {
        let done = parallax(arguments).finish().expect(2);
        assert!(done.stderr.contains(said), "{}", done.stderr);
        assert!(!done.path("parallax-selftest").exists());
    }
}

#[test]
fn one_bad_row_is_caught_in_an_output_of_any_size() {
    let arguments =
        ["selftest", "--only", "compact-production", "--fault", "drop-row,flip-bit", "--rows", "20000"];
    let done = parallax(&arguments).finish().expect(0);
    assert!(done.stdout.contains("2 faults planted 2 times in 1 corpora"), "{}", done.stdout);
}

#[test]
fn the_page_holds_the_matrix_of_every_fault_with_the_checks_that_catch_it() {
    let (_, matrix) = PAGE.split_once("<!-- matrix -->").unwrap();
    let mut told = BTreeSet::new();
    for table in matrix.split("\n### ").skip(1) {
        let header = table.lines().find(|line| line.starts_with("| fault |")).unwrap();
        let columns: Vec<&str> = header.split('|').map(str::trim).collect();
        for line in table.lines().filter(|line| line.starts_with("| `")) {
            let name = line.split('`').nth(1).unwrap();
            let fault = Fault::named(name).unwrap_or_else(|| panic!("there is no fault {name}"));
            assert!(line.contains(fault.what().trim()), "{name}: {line}");
            assert!(table.starts_with(fault.family().name()), "{name}");
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            assert_eq!(cells.len(), columns.len(), "{line}");
            let cell = |column: &str| cells[columns.iter().position(|it| *it == column).unwrap()];
            for must in fault.seen_by() {
                assert_eq!(cell(must), cell("planted in"), "{name}: {must}");
            }
            for raised in fault.raises().iter().filter(|it| it.severity != Severity::Blocker) {
                let warned = format!("{} warned", cell("planted in"));
                assert!(cell(raised.check).starts_with(&warned), "{name}: {}", raised.check);
            }
            assert_ne!(cell("planted in"), "0", "{name}");
            told.insert(name);
        }
    }
    let missing: Vec<_> = faults().map(Fault::name).filter(|name| !told.contains(name)).collect();
    assert!(missing.is_empty(), "renew the page as it says: {missing:?} are not in it");
}
