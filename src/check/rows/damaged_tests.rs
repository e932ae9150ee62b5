//! Points that damaged sketches touch: what the baseline makes of them by defect H, in ROWS and in SCHEMA.

use reports::document::{Role, Severity};

use super::*;
use crate::check::KnownDefect;
use crate::check::fixture::Fixture;
use crate::check::schema::Schema;
use crate::rollup::testing::{MetricRow, cut, job, merged_into, row, segment, sketch_of, with_exact_count};

/// Four groups in each of which a damaged sketch meets a whole one, in its point or in another.
fn inputs() -> Vec<MetricRow> {
    vec![
        row(1, 60_000, &[5.0]),
        cut(row(1, 60_001, &[9.0, 100.0]), 1),
        MetricRow { label: Some("damaged"), ..cut(row(2, 60_000, &[9.0, 100.0]), 1) },
        row(2, 60_001, &[5.0]),
        cut(row(3, 60_000, &[9.0]), 1),
        row(3, 75_000, &[5.0]),
        with_exact_count(row(4, 60_000, &[9.0])),
        row(4, 75_000, &[5.0]),
        row(5, 60_000, &[1.0]),
    ]
}

/// A row at an aligned time.
fn at(time: i64, row: &MetricRow) -> MetricRow {
    MetricRow { time: Some(time), ..row.clone() }
}

/// What the original's decoding yields.
fn lenient() -> Vec<MetricRow> {
    let inputs = inputs();
    let both = sketch_of(&[5.0, 9.0]);
    vec![
        merged_into(&inputs[0], &both),
        merged_into(&inputs[2], &both),
        inputs[4].clone(),
        at(70_000, &inputs[5]),
        at(70_000, &inputs[7]),
        inputs[8].clone(),
    ]
}

/// What strict decoding yields.
fn strict() -> Vec<MetricRow> {
    let inputs = inputs();
    vec![
        inputs[0].clone(),
        at(60_000, &inputs[3]),
        at(70_000, &inputs[5]),
        inputs[6].clone(),
        at(70_000, &inputs[7]),
        inputs[8].clone(),
    ]
}

fn fixture_of(a: &[MetricRow], b: &[MetricRow], known: bool) -> Fixture {
    let mut fixture = Fixture::empty();
    fixture.job = job(vec![segment(&fixture.folder.path().join("in.parquet"), &inputs())]);
    segment(&fixture.path(Role::Baseline, "one.parquet"), a);
    segment(&fixture.path(Role::Candidate, "two.parquet"), b);
    fixture.defects = if known { vec![KnownDefect::DamagedSketchesMerged] } else { Vec::new() };
    fixture
}

/// Codes of the findings that gate.
fn blockers(outcome: &Outcome) -> Vec<&str> {
    let mut codes: Vec<&str> = outcome
        .findings
        .iter()
        .filter(|it| it.severity == Severity::Blocker && it.waived.is_none())
        .map(|it| it.code.as_str())
        .collect();
    codes.dedup();
    codes
}

#[test]
fn points_at_which_both_sides_follow_their_decoding_are_waived_as_defect_h_and_counted() {
    let outcome = fixture_of(&lenient(), &strict(), true).examine(&Rows);
    let told: Vec<_> =
        outcome.findings.iter().map(|it| (it.code.as_str(), it.count, it.defect.as_deref())).collect();
    assert_eq!(
        told,
        [("rows.changed", 2, Some("H")), ("rows.missing", 1, Some("H")), ("rows.extra", 1, Some("H"))]
    );
    for finding in &outcome.findings {
        let waived = finding.waived.as_ref().unwrap();
        assert!(waived.reason.starts_with("defect H of the legacy TIDMerger"), "{}", waived.reason);
        assert!(finding.place.is_some());
    }
    assert!(blockers(&outcome).is_empty());
    let rows = outcome.evidence.rows.as_ref().unwrap();
    assert_eq!((rows.changed, rows.missing, rows.extra, rows.equal), (2, 1, 1, 3));
    assert_eq!(rows.samples.len(), 4);
    assert!(outcome.summary.contains("of all these 4 by defect H"), "{}", outcome.summary);
    assert!(fixture_of(&lenient(), &lenient(), true).examine(&Rows).findings.is_empty());
}

#[test]
fn what_is_not_exactly_the_defect_stays_a_blocker() {
    type Change = fn(&mut Vec<MetricRow>);
    // The side that is changed, and the codes that go red.
    let cases: [(&str, Role, Change, &[&str]); 14] = [
        (
            "a sum of the baseline is off in its last bit",
            Role::Baseline,
            |rows| {
                rows[0].rollups[1] = rows[0].rollups[1].map(f64::next_up);
            },
            &["rows.changed"],
        ),
        (
            "the baseline counts more",
            Role::Baseline,
            |rows| rows[1].rollups[0] = Some(3.0),
            &["rows.changed"],
        ),
        (
            "a column of the baseline is of the other row",
            Role::Baseline,
            |rows| {
                rows[1].label = Some("x");
            },
            &["rows.changed"],
        ),
        (
            "the baseline's sketch has bytes behind it",
            Role::Baseline,
            |rows| {
                rows[0].sketch.as_mut().unwrap().push(0xfd);
            },
            &["rows.changed"],
        ),
        (
            "the baseline did not merge",
            Role::Baseline,
            |rows| {
                rows[0] = MetricRow { label: Some("y"), ..inputs()[0].clone() };
            },
            &["rows.changed"],
        ),
        (
            "the baseline's row that passes has another count",
            Role::Baseline,
            |rows| {
                rows[2].rollups[0] = Some(7.0);
            },
            &["rows.missing"],
        ),
        (
            "the baseline holds a point twice",
            Role::Baseline,
            |rows| {
                let again = rows[2].clone();
                rows.insert(3, again);
            },
            &["rows.missing"],
        ),
        (
            "the baseline lacks a point that it should hold",
            Role::Baseline,
            |rows| drop(rows.remove(0)),
            &["rows.extra"],
        ),
        (
            "the candidate's row that passes has another sum",
            Role::Candidate,
            |rows| {
                rows[0].rollups[1] = rows[0].rollups[1].map(f64::next_down);
            },
            &["rows.changed"],
        ),
        ("the candidate has lost a label", Role::Candidate, |rows| rows[1].label = None, &["rows.changed"]),
        (
            "the candidate lacks a point that it should hold",
            Role::Candidate,
            |rows| {
                rows.remove(0);
            },
            &["rows.missing"],
        ),
        (
            "the candidate's extra point has another sketch",
            Role::Candidate,
            |rows| {
                rows[3].sketch = inputs()[7].sketch.clone();
            },
            &["rows.extra"],
        ),
        (
            "the candidate holds the damaged row with another label",
            Role::Candidate,
            |rows| {
                rows.insert(2, MetricRow { label: Some("y"), ..inputs()[4].clone() });
            },
            &["rows.changed"],
        ),
        ("a row beside is changed", Role::Candidate, |rows| rows[5].label = Some("y"), &["rows.changed"]),
    ];
    for (what, role, change, codes) in cases {
        let (mut a, mut b) = (lenient(), strict());
        change(if role == Role::Baseline { &mut a } else { &mut b });
        let outcome = fixture_of(&a, &b, true).examine(&Rows);
        assert_eq!(blockers(&outcome), codes, "{what}");
        // The other points stay excused.
        let excused: u64 =
            outcome.findings.iter().filter(|it| it.defect.as_deref() == Some("H")).map(|it| it.count).sum();
        assert!((3..=4).contains(&excused), "{what}: {excused}");
    }
    let outcome = fixture_of(&lenient(), &strict(), false).examine(&Rows);
    assert_eq!(blockers(&outcome), ["rows.changed", "rows.missing", "rows.extra"]);
    // The other way round it is the candidate that is wrong.
    let turned = fixture_of(&strict(), &lenient(), true).examine(&Rows);
    assert!(turned.findings.iter().all(|it| it.defect.is_none() && it.waived.is_none()));
}

#[test]
fn without_the_inputs_nothing_is_excused() {
    let mut fixture = fixture_of(&lenient(), &strict(), true);
    fixture.job.inputs.clear();
    assert!(fixture.examine(&Rows).findings.iter().all(|it| it.waived.is_none()));
}

#[test]
fn a_column_that_only_these_points_have_is_the_defect_too() {
    let p90 = |rows: &mut Vec<MetricRow>, kept: &[usize]| {
        let cells = rows.iter_mut().enumerate().filter(|(number, _)| !kept.contains(number));
        cells.for_each(|(_, row)| row.rollups[8] = None);
    };
    // No input has the quantile: merged rows alone have it.
    let without = |mut rows: Vec<MetricRow>| {
        p90(&mut rows, &[]);
        rows
    };
    let fixture = |a: &[MetricRow], b: &[MetricRow]| {
        let mut fixture = fixture_of(a, b, true);
        let inputs = without(inputs());
        fixture.job = job(vec![segment(&fixture.folder.path().join("in.parquet"), &inputs)]);
        fixture
    };
    let mut merged = lenient();
    p90(&mut merged, &[0, 1]);
    let plain = fixture(&merged, &without(strict()));
    assert!(blockers(&plain.examine(&Rows)).is_empty());
    let outcome = plain.examine(&Schema);
    assert!(blockers(&outcome).is_empty());
    let [finding] = outcome.findings.as_slice() else { panic!("{:?}", outcome.findings) };
    assert_eq!((finding.code.as_str(), finding.defect.as_deref()), ("schema.missing", Some("H")));
    assert!(finding.message.contains("at points with damaged sketches"), "{}", finding.message);
    // A value of it in another row is not explained.
    let mut more = merged.clone();
    more[5].rollups[8] = Some(1.0);
    assert_eq!(blockers(&fixture(&more, &without(strict())).examine(&Schema)), ["schema.missing"]);
    let mut extra = without(strict());
    extra[0].rollups[8] = Some(1.0);
    assert_eq!(blockers(&fixture(&without(lenient()), &extra).examine(&Schema)), ["schema.extra"]);
}
