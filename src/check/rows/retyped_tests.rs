use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use reports::document::Role;

use super::tests::{assert_silent, changed, compare, evidence_of};
use super::*;
use crate::check::fixture::{Fixture, blockers, rows, with};
use crate::check::schema::Schema;
use crate::digest::Family;
use crate::output::testing::Columns;

/// The rows with their integers as floats, one of them another number.
fn as_floats() -> Columns {
    let values = [Some(1.0), None, Some(0.0), Some(4.5), Some(5.0), Some(6.0), Some(7.0), Some(8.0)];
    with(&rows(), "value", Arc::new(Float64Array::from(values.to_vec())))
}

#[test]
fn a_change_of_type_is_told_apart_from_one_of_value() {
    let outcome = compare(&rows(), &as_floats());
    let counts: Vec<_> = outcome.findings.iter().map(|it| (it.code.as_str(), it.count)).collect();
    assert_eq!(counts, [("rows.retyped", 6), ("rows.value_changed", 1)]);
    let place = outcome.findings[1].place.as_ref().unwrap();
    assert_eq!((place.row, place.column.as_deref()), (Some(3), Some("value")));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["1"; 8]));
    assert_eq!(blockers(&compare(&rows(), &with(&rows(), "value", texts))), ["rows.changed"]);
}

#[test]
fn a_declared_change_of_type_leaves_changes_of_value_and_needs_its_kind() {
    for (family, codes, equal) in [
        (Family::Float, &["rows.value_changed"][..], 7),
        (Family::Integer, &["rows.value_changed"], 7),
        (Family::Timestamp, &["rows.retyped", "rows.value_changed"], 1),
    ] {
        let mut fixture = Fixture::pair(&rows(), &as_floats());
        fixture.comparison.same_type.insert("value".to_owned(), family);
        let outcome = fixture.examine(&Rows);
        assert_eq!(blockers(&outcome), codes, "{family:?}");
        assert_eq!(evidence_of(&outcome).equal, equal, "{family:?}");
    }
}

#[test]
fn rows_are_paired_by_a_key_of_another_type() {
    let times: ArrayRef = Arc::new(Float64Array::from(vec![10.0, 20.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]));
    let b: Columns = with(&rows(), "_cardinalhq.timestamp", times);
    let without = |columns: &Columns| -> Columns {
        columns.iter().filter(|column| column.0 != "_cardinalhq.id").cloned().collect()
    };
    let outcome = compare(&without(&rows()), &without(&b));
    assert_eq!(changed(&outcome), [("_cardinalhq.timestamp".to_owned(), 8, vec!["retyped".to_owned()])]);
    let evidence = evidence_of(&outcome);
    assert_eq!((evidence.missing, evidence.extra), (0, 0));
}

#[test]
fn an_ignored_column_is_not_read() {
    let mut fixture = Fixture::pair(&rows(), &rows());
    fixture.comparison.ignored.insert("note".to_owned(), "broken".to_owned());
    // Its pages are no pages.
    let path = fixture.path(Role::Candidate, "two.parquet");
    let metadata = corpora::footer::read_metadata(&std::fs::File::open(&path).unwrap()).unwrap();
    let chunk =
        metadata.row_group(0).columns().iter().find(|it| it.column_path().string() == "note").unwrap();
    let (start, length) = chunk.byte_range();
    let mut bytes = std::fs::read(&path).unwrap();
    let start = usize::try_from(start).unwrap();
    bytes[start..start + usize::try_from(length).unwrap()].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    assert_silent(&fixture.examine(&Rows), 8);
    assert!(fixture.examine(&Schema).findings.is_empty());
    fixture.comparison.ignored.clear();
    let outcome = fixture.examine(&Rows);
    assert_eq!(blockers(&outcome), ["rows.unreadable"]);
    let said = &outcome.findings[0].message;
    assert!(said.contains("column \"note\"") && said.contains("--ignore-columns note=REASON"), "{said}");
}
