//! Rows that the baseline loses by defect D, in ROWS and in SCHEMA.

use reports::document::Role;

use super::*;
use crate::check::KnownDefect;
use crate::check::fixture::{Fixture, blockers};
use crate::check::schema::Schema;
use crate::rollup::testing::{MetricRow, job, merged, row, segment};

/// A row of another group, and three of the highest: two points.
fn inputs() -> Vec<MetricRow> {
    let highest = [60_000, 60_001, 75_000].map(|at| row(i64::MAX, at, &[2.0]));
    std::iter::once(row(1, 60_000, &[1.0])).chain(highest).collect()
}

fn truth() -> Vec<MetricRow> {
    vec![row(1, 60_000, &[1.0]), merged(i64::MAX, 60_000, &[2.0, 2.0]), row(i64::MAX, 70_000, &[2.0])]
}

fn fixture_of(a: &[MetricRow], b: &[MetricRow], known: bool) -> Fixture {
    let mut fixture = Fixture::empty();
    fixture.job = job(vec![segment(&fixture.folder.path().join("in.parquet"), &inputs())]);
    segment(&fixture.path(Role::Baseline, "one.parquet"), a);
    segment(&fixture.path(Role::Candidate, "two.parquet"), b);
    fixture.defects = if known { vec![KnownDefect::HighestTidLost] } else { Vec::new() };
    fixture
}

#[test]
fn rows_that_the_baseline_loses_are_waived_as_its_defect_and_counted() {
    let outcome = fixture_of(&truth()[..1], &truth(), true).examine(&Rows);
    let [finding] = outcome.findings.as_slice() else { panic!("{:?}", outcome.findings) };
    assert_eq!(
        (finding.code.as_str(), finding.count, finding.defect.as_deref()),
        ("rows.extra", 2, Some("D"))
    );
    assert!(finding.waived.as_ref().unwrap().reason.starts_with("defect D of the legacy TIDMerger"));
    assert_eq!(finding.place.as_ref().unwrap().row, Some(1));
    let rows = outcome.evidence.rows.as_ref().unwrap();
    assert_eq!((rows.extra, rows.equal, rows.samples.len()), (2, 1, 2));
    assert!(outcome.summary.contains("2 of them by defect D"), "{}", outcome.summary);
}

#[test]
fn what_is_not_exactly_the_defect_stays_a_blocker() {
    let changed = |at: usize, change: fn(&mut MetricRow)| {
        let mut rows = truth();
        change(&mut rows[at]);
        rows
    };
    let cases: [(&str, &[MetricRow], Vec<MetricRow>, bool); 8] = [
        ("a merged row has another label", &truth()[..1], changed(1, |row| row.label = Some("wrong")), true),
        ("an unmerged row has lost its label", &truth()[..1], changed(2, |row| row.label = None), true),
        (
            "an unmerged row has another sum",
            &truth()[..1],
            changed(2, |row| row.rollups[1] = Some(3.0)),
            true,
        ),
        ("not known", &truth()[..1], truth(), false),
        ("one point is missing on the candidate too", &truth()[..1], truth()[..2].to_vec(), true),
        ("the baseline holds one of them", &truth()[..2], truth(), true),
        ("a point twice", &truth()[..1], [truth(), truth()[2..].to_vec()].concat(), true),
        (
            "a point that the inputs do not yield",
            &truth()[..1],
            [truth(), vec![row(i64::MAX, 110_000, &[1.0])]].concat(),
            true,
        ),
    ];
    for (what, a, b, known) in cases {
        let outcome = fixture_of(a, &b, known).examine(&Rows);
        assert_eq!(blockers(&outcome), ["rows.extra"], "{what}");
        assert!(outcome.findings.iter().all(|it| it.waived.is_none() && it.defect.is_none()), "{what}");
    }
}

#[test]
fn another_extra_row_beside_them_is_a_finding_of_its_own() {
    let other = row(0, 60_000, &[1.0]);
    let outcome = fixture_of(&truth()[..1], &[vec![other], truth()].concat(), true).examine(&Rows);
    let [first, second] = outcome.findings.as_slice() else { panic!("{:?}", outcome.findings) };
    assert_eq!((first.count, first.waived.is_none()), (1, true));
    assert_eq!(first.place.as_ref().unwrap().row, Some(0));
    assert_eq!((second.count, second.waived.is_some()), (2, true));
}

#[test]
fn a_column_with_values_only_in_such_rows_is_waived_in_schema() {
    let blank = |rows: Vec<MetricRow>, keep: Option<i64>| -> Vec<MetricRow> {
        rows.into_iter()
            .map(|row| MetricRow { label: row.label.filter(|_| row.tid == keep), ..row })
            .collect()
    };
    let unwaived = |outcome: &Outcome| outcome.findings.iter().filter(|it| it.waived.is_none()).count();
    let whole = blank(truth(), Some(i64::MAX));
    let outcome = fixture_of(&whole[..1], &whole, true).examine(&Schema);
    assert_eq!((outcome.findings.len(), unwaived(&outcome)), (1, 0), "{:?}", outcome.findings);
    assert_eq!(outcome.findings[0].defect.as_deref(), Some("D"));
    let outcome = fixture_of(&whole[..1], &whole, false).examine(&Schema);
    assert_eq!(unwaived(&outcome), 1);
    // A value in another row as well.
    let elsewhere = truth();
    let outcome = fixture_of(&whole[..1], &elsewhere, true).examine(&Schema);
    assert_eq!(unwaived(&outcome), 1);
}
