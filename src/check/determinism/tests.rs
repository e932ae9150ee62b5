use reports::determinism::RerunResult;
use reports::document::{CheckStatus, Role, Severity};

use super::*;
use crate::check::fixture::{Fixture, blockers, codes, rows, take, texts, with};
use crate::output::testing::Columns;

fn changed() -> Columns {
    with(
        &rows(),
        "_cardinalhq.message",
        texts(&["one", "two", "two", "four", "five", "six", "seven", "EIGHT"]),
    )
}

fn after(role: Role, kind: RerunKind, again: &Columns) -> Outcome {
    let mut fixture = Fixture::pair(&rows(), &rows());
    fixture.kind = reports::document::SideKind::Command;
    fixture.again(role, kind, again);
    fixture.examine(&Determinism)
}

#[test]
fn a_side_that_was_run_once_is_not_examined_and_how_to_do_it_is_said() {
    let outcome = Fixture::pair(&rows(), &rows()).examine(&Determinism);
    assert_eq!(outcome.status, Some(CheckStatus::NotApplicable));
    assert!(outcome.summary.contains("--noise N"), "{}", outcome.summary);
    let mut recorded = Fixture::pair(&rows(), &rows());
    recorded.recorded = [true, true];
    assert!(recorded.examine(&Determinism).summary.contains("cannot be run again"));
}

#[test]
fn the_same_output_again_is_silent() {
    for kind in [RerunKind::Again, RerunKind::Setting, RerunKind::Order] {
        let outcome = after(Role::Candidate, kind, &rows());
        assert!(outcome.findings.is_empty() && outcome.status.is_none(), "{:#?}", outcome.findings);
        assert!(!outcome.coverage.is_empty());
        let run = &outcome.evidence.reruns[0];
        assert_eq!((run.result, run.identical_files, run.rows), (RerunResult::Same, 1, 8));
    }
}

#[test]
fn other_rows_of_the_candidate_gate_by_what_was_changed() {
    let cases = [
        (RerunKind::Again, "determinism.again"),
        (RerunKind::Setting, "determinism.setting"),
        (RerunKind::Order, "determinism.order"),
    ];
    for (kind, code) in cases {
        let outcome = after(Role::Candidate, kind, &changed());
        assert_eq!(blockers(&outcome), [code]);
        assert!(
            outcome.findings[0].message.contains("\"_cardinalhq.message\" in 1 row"),
            "{:#?}",
            outcome.findings
        );
        let run = &outcome.evidence.reruns[0];
        assert_eq!((run.result, run.rows_changed, run.columns.len()), (RerunResult::Differs, 1, 1));
        let lost = after(Role::Candidate, kind, &take(&rows(), &[0, 1, 2, 3, 4, 5, 6]));
        assert_eq!(lost.evidence.reruns[0].rows_missing, 1);
        assert_eq!(blockers(&lost)[0], code);
    }
}

#[test]
fn rows_of_the_candidate_in_another_order_gate_where_the_order_is_wrong() {
    let outcome = after(Role::Candidate, RerunKind::Again, &take(&rows(), &[7, 1, 2, 3, 4, 5, 6, 0]));
    assert_eq!(blockers(&outcome), ["determinism.again"]);
    assert!(outcome.findings[0].message.contains("ORDER"), "{:#?}", outcome.findings);
    let tie = after(Role::Candidate, RerunKind::Again, &take(&rows(), &[0, 2, 1, 3, 4, 5, 6, 7]));
    assert!(blockers(&tie).is_empty(), "rows of one key may come in any order: {:#?}", tie.findings);
    assert_eq!(codes(&tie, Severity::Info), ["determinism.bytes"]);
    assert_eq!(tie.evidence.reruns[0].result, RerunResult::Same);
}

#[test]
fn a_fault_that_the_first_run_has_as_well_is_no_matter_of_determinism() {
    let swapped = take(&rows(), &[7, 1, 2, 3, 4, 5, 6, 0]);
    let mut fixture = Fixture::pair(&rows(), &swapped);
    fixture.again(Role::Candidate, RerunKind::Again, &swapped);
    let outcome = fixture.examine(&Determinism);
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
}

#[test]
fn what_the_baseline_does_not_reproduce_is_told_as_noise_and_does_not_gate() {
    let mut fixture = Fixture::pair(&rows(), &rows());
    fixture.again(Role::Baseline, RerunKind::Again, &changed());
    fixture.again(Role::Candidate, RerunKind::Again, &rows());
    let outcome = fixture.examine(&Determinism);
    assert!(blockers(&outcome).is_empty() && outcome.status.is_none(), "{:#?}", outcome.findings);
    assert_eq!(codes(&outcome, Severity::Info), ["determinism.again"]);
    assert!(outcome.summary.contains("noise"), "{}", outcome.summary);
}

#[test]
fn a_candidate_that_ends_otherwise_gates() {
    let mut fixture = Fixture::pair(&rows(), &rows());
    fixture.failed = [false, true];
    fixture.again(Role::Candidate, RerunKind::Again, &rows());
    let outcome = fixture.examine(&Determinism);
    assert_eq!(blockers(&outcome), ["determinism.outcome"]);
    assert!(
        outcome.findings[0].message.contains("completed; the first run failed"),
        "{:#?}",
        outcome.findings
    );
}

#[test]
fn a_column_that_only_some_runs_of_the_baseline_have_is_not_blamed_on_the_candidate() {
    use crate::check::schema::Schema;
    let more = with(&rows(), "host", texts(&["a"; 8]));
    let mut fixture = Fixture::pair(&rows(), &more);
    let with_noise = |fixture: &Fixture| {
        fixture.with_subject(|subject| {
            let mut outcome = Schema.examine(subject).unwrap();
            excuse(&Schema, subject, &mut outcome).unwrap();
            outcome
        })
    };
    assert_eq!(blockers(&with_noise(&fixture)).len(), 1, "there is something to excuse");
    fixture.again(Role::Baseline, RerunKind::Again, &rows());
    assert_eq!(blockers(&with_noise(&fixture)).len(), 1, "nothing to excuse it by");
    fixture.again(Role::Baseline, RerunKind::Again, &more);
    let outcome = with_noise(&fixture);
    assert!(blockers(&outcome).is_empty(), "{:#?}", outcome.findings);
    assert!(outcome.findings.iter().any(|it| it.evidence.iter().any(|it| it.name == "noise")));
}

#[test]
fn a_type_that_no_run_of_the_baseline_has_stays_a_blocker_though_one_run_lacks_the_column() {
    use crate::check::fixture::ints;
    use crate::check::schema::Schema;
    let (number, text) = (with(&rows(), "host", ints(&[1; 8])), with(&rows(), "host", texts(&["a"; 8])));
    let mut fixture = Fixture::pair(&number, &text);
    fixture.again(Role::Baseline, RerunKind::Again, &rows());
    let outcome = fixture.with_subject(|subject| {
        let mut outcome = Schema.examine(subject).unwrap();
        excuse(&Schema, subject, &mut outcome).unwrap();
        outcome
    });
    assert_eq!(blockers(&outcome), ["schema.type"]);
}
