use reports::document::{CheckStatus, Role, Severity};
use reports::evidence::RowNoise;

use super::*;
use crate::check::RerunKind;
use crate::check::fixture::{Fixture, blockers, codes, rows, take, texts, with};
use crate::output::testing::Columns;

const MESSAGES: [&str; 8] = ["one", "two", "two", "four", "five", "six", "seven", "eight"];

/// The rows with other messages in some of them.
fn said(changes: &[(usize, &'static str)]) -> Columns {
    let mut messages = MESSAGES;
    changes.iter().for_each(|(row, message)| messages[*row] = message);
    with(&rows(), "_cardinalhq.message", texts(&messages))
}

/// The rows with other ids, all of them.
fn named(prefix: &str) -> Columns {
    let ids: Vec<String> = (0..8).map(|row| format!("{prefix}{row}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    with(&rows(), "_cardinalhq.id", texts(&ids))
}

fn examine(a: &Columns, runs: &[&Columns], b: &Columns) -> Outcome {
    let mut fixture = Fixture::pair(a, b);
    runs.iter().for_each(|run| fixture.again(Role::Baseline, RerunKind::Again, run));
    fixture.examine(&Rows)
}

fn noise(outcome: &Outcome) -> RowNoise {
    outcome.evidence.rows.as_ref().unwrap().noise.clone().unwrap()
}

fn counts(outcome: &Outcome) -> [u64; 4] {
    let rows = outcome.evidence.rows.as_ref().unwrap();
    [rows.equal, rows.changed, rows.missing, rows.extra]
}

#[test]
fn a_value_that_the_baseline_does_not_reproduce_is_undecided_and_blamed_on_nobody() {
    let outcome = examine(&rows(), &[&said(&[(3, "x"), (4, "y")])], &said(&[(3, "z")]));
    assert!(blockers(&outcome).is_empty(), "{:#?}", outcome.findings);
    assert_eq!(codes(&outcome, Severity::Warning), ["rows.noise"]);
    assert_eq!(outcome.status, Some(CheckStatus::Inconclusive));
    assert_eq!(counts(&outcome), [7, 0, 0, 0]);
    assert_eq!((noise(&outcome).changed, noise(&outcome).undecided()), (1, 1));
    assert_eq!(noise(&outcome).columns["_cardinalhq.message"], 1);
    assert!(outcome.findings[0].message.contains("--ignore-columns"), "{}", outcome.findings[0].message);
}

#[test]
fn noise_excuses_neither_another_row_nor_another_column() {
    let noisy = said(&[(3, "x")]);
    let elsewhere = examine(&rows(), &[&noisy], &said(&[(4, "z")]));
    assert_eq!((blockers(&elsewhere), counts(&elsewhere)), (vec!["rows.changed"], [7, 1, 0, 0]));
    assert_eq!(elsewhere.status, None);

    let level = ["INFO", "WARN", "INFO", "DEBUG", "ERROR", "INFO", "INFO", "WARN"];
    let both = with(&said(&[(3, "z")]), "_cardinalhq.level", texts(&level));
    let other_column = examine(&rows(), &[&noisy], &both);
    assert_eq!((blockers(&other_column), counts(&other_column)), (vec!["rows.changed"], [7, 1, 0, 0]));
    let columns = &other_column.evidence.rows.as_ref().unwrap().columns;
    let columns: Vec<_> = columns.iter().map(|it| it.column.as_str()).collect();
    assert_eq!(columns, ["_cardinalhq.level"], "the column that is noise in this row is not blamed");
}

#[test]
fn what_the_baseline_wrote_in_another_run_is_reproduced() {
    let (one, two) = (said(&[(3, "x"), (4, "y")]), said(&[(5, "z")]));
    let outcome = examine(&rows(), &[&one, &two], &said(&[(4, "y"), (5, "z")]));
    assert!(blockers(&outcome).is_empty() && outcome.status.is_none(), "{:#?}", outcome.findings);
    assert_eq!(codes(&outcome, Severity::Info), ["rows.reproduced"]);
    assert_eq!((noise(&outcome).reproduced, noise(&outcome).undecided()), (2, 0));
    assert!(outcome.summary.contains("2 as the baseline wrote them in another run"), "{}", outcome.summary);
}

#[test]
fn an_output_that_is_altogether_another_run_of_the_baseline_passes() {
    let run = take(&said(&[(3, "x")]), &[0, 1, 2, 3, 4]);
    let outcome = examine(&rows(), &[&run], &run);
    assert!(blockers(&outcome).is_empty() && outcome.status.is_none(), "{:#?}", outcome.findings);
    assert_eq!(noise(&outcome).same_as.as_deref(), Some("run 2"));
}

#[test]
fn a_missing_row_is_noise_only_where_the_baseline_left_that_row_out_itself() {
    let run = take(&rows(), &[0, 1, 2, 3, 4, 5, 6]);
    let both = |rows_b: &[u64]| {
        let outcome = examine(&rows(), &[&run, &said(&[(0, "x")])], &take(&rows(), rows_b));
        (blockers(&outcome).into_iter().map(str::to_owned).collect::<Vec<_>>(), outcome.status)
    };
    assert_eq!(both(&[1, 2, 3, 4, 5, 6, 7]).0, ["rows.missing"], "another row than the baseline's");
    assert_eq!(both(&[0, 1, 2, 3, 4, 5]).0, ["rows.missing", "rows.count"], "one more than the baseline's");
}

#[test]
fn a_row_that_another_run_holds_is_no_extra_row_but_its_double_is() {
    let longer = |rows: &[u64]| take(&rows_and_more(), rows);
    let (first, run) = (longer(&[0, 1, 2, 3, 4, 5, 6, 7]), longer(&[0, 1, 2, 3, 4, 5, 6, 8]));
    let same = examine(
        &first,
        &[&longer(&[0, 1, 2, 3, 4, 5, 6, 7, 8]), &run],
        &longer(&[0, 1, 2, 3, 4, 5, 6, 7, 8]),
    );
    assert!(blockers(&same).is_empty() && same.status.is_none(), "{:#?}", same.findings);
    let more = examine(&first, &[&run], &longer(&[0, 1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(blockers(&more), ["rows.count"], "no run holds both: {:#?}", more.findings);
    let doubled = examine(&first, &[&run], &longer(&[0, 1, 2, 3, 4, 5, 6, 8, 8]));
    assert!(!blockers(&doubled).is_empty(), "{:#?}", doubled.findings);
}

/// Nine rows; the last has an id of its own.
fn rows_and_more() -> Columns {
    let mut nine = take(&rows(), &[0, 1, 2, 3, 4, 5, 6, 7, 7]);
    nine = with(&nine, "_cardinalhq.id", texts(&["a", "b", "c", "d", "e", "f", "g", "h", "i"]));
    nine
}

#[test]
fn a_row_key_that_is_noise_is_undecided_but_a_lost_row_is_not() {
    let (first, run) = (named("a"), named("b"));
    let outcome = examine(&first, &[&run], &named("c"));
    assert!(blockers(&outcome).is_empty(), "{:#?}", outcome.findings);
    assert_eq!(outcome.status, Some(CheckStatus::Inconclusive));
    assert_eq!((noise(&outcome).missing, noise(&outcome).extra), (8, 8));
    let lost = examine(&first, &[&run], &take(&named("c"), &[0, 1, 2, 3, 4, 5, 6]));
    assert_eq!(blockers(&lost), ["rows.count"], "{:#?}", lost.findings);
    let extra = examine(&first, &[&run], &take(&named("c"), &[0, 1, 2, 3, 4, 5, 6, 7, 7]));
    let found = blockers(&extra);
    assert!(found.contains(&"rows.extra"), "more rows than any run has are no noise: {:#?}", extra.findings);
    let nothing = examine(&first, &[&run], &take(&named("c"), &[]));
    assert!(!blockers(&nothing).is_empty(), "{:#?}", nothing.findings);
}

#[test]
fn noise_in_values_excuses_no_row_too_many() {
    let nine = rows_and_more();
    let run = take(&said(&[(3, "x")]), &[0, 1, 2, 3, 4, 5, 6, 7]);
    let outcome = examine(&rows(), &[&run], &nine);
    assert_eq!(blockers(&outcome), ["rows.extra"], "{:#?}", outcome.findings);
}

#[test]
fn a_baseline_that_reproduces_itself_excuses_nothing() {
    let outcome = examine(&rows(), &[&rows()], &said(&[(3, "x")]));
    assert_eq!((blockers(&outcome), counts(&outcome)), (vec!["rows.changed"], [7, 1, 0, 0]));
    assert_eq!(noise(&outcome).set_apart(), 0);
}

#[test]
fn runs_with_other_settings_are_no_measure_of_noise() {
    let mut fixture = Fixture::pair(&rows(), &said(&[(3, "x")]));
    fixture.again(Role::Baseline, RerunKind::Setting, &said(&[(3, "y")]));
    let outcome = fixture.examine(&Rows);
    assert_eq!(blockers(&outcome), ["rows.changed"]);
    assert!(outcome.evidence.rows.unwrap().noise.is_none());
}

#[test]
fn rows_set_apart_stay_so_under_a_small_memory_limit() {
    let mut fixture = Fixture::pair(&named("a"), &named("c"));
    fixture.again(Role::Baseline, RerunKind::Again, &named("b"));
    fixture.memory = std::sync::Arc::new(crate::spill::Memory::new(0));
    let outcome = fixture.examine(&Rows);
    assert_eq!((noise(&outcome).missing, noise(&outcome).extra), (8, 8));
}
