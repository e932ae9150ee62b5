use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int8Array, Int32Array, LargeStringArray, ListArray,
    StringArray, StructArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use reports::document::{CheckStatus, Role, Severity};

use super::*;
use crate::check::fixture::{Fixture, blockers, codes, floats, ints, maybe_texts, rows, take, texts, with};
use crate::output::testing::{Columns, write};

fn compare(a: &Columns, b: &Columns) -> Outcome {
    Fixture::pair(a, b).examine(&Schema)
}

fn change(outcome: &Outcome, column: &str) -> String {
    outcome.evidence.schema.iter().find(|it| it.column == column).unwrap().change.clone()
}

#[test]
fn equal_columns_are_silent() {
    let outcome = compare(&rows(), &rows());
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    assert_eq!((outcome.coverage.columns, outcome.coverage.rows), (8, 16));
    let value = outcome.evidence.schema.iter().find(|it| it.column == "value").unwrap();
    assert_eq!(value.baseline.as_ref().unwrap().values, 7);
}

#[test]
fn dictionaries_large_strings_order_and_empty_columns_are_silent() {
    let dictionary: DictionaryArray<Int32Type> = ["INFO"; 8].into_iter().collect();
    let large: ArrayRef = Arc::new(LargeStringArray::from(vec!["x"; 8]));
    let b = with(&with(&rows(), "_cardinalhq.level", Arc::new(dictionary)), "_cardinalhq.message", large);
    let mut b = with(&b, "nothing", maybe_texts(&[None; 8]));
    b.reverse();
    let outcome = compare(&rows(), &b);
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
}

#[test]
fn a_column_in_some_files_only_is_silent() {
    let fixture = Fixture::empty();
    write(&fixture.path(Role::Baseline, "1.parquet"), &rows());
    let first: Columns = take(&rows(), &[0, 1, 2, 3]).into_iter().filter(|it| it.0 != "late").collect();
    write(&fixture.path(Role::Candidate, "1.parquet"), &first);
    write(&fixture.path(Role::Candidate, "2.parquet"), &take(&rows(), &[4, 5, 6, 7]));
    assert!(fixture.examine(&Schema).findings.is_empty());
}

#[test]
fn a_lost_and_an_added_column_are_blockers() {
    let without: Columns = rows().into_iter().filter(|column| column.0 != "late").collect();
    let outcome = compare(&rows(), &without);
    assert_eq!(blockers(&outcome), ["schema.missing"]);
    assert_eq!(outcome.findings[0].count, 1);
    assert_eq!(blockers(&compare(&without, &rows())), ["schema.extra"]);
}

#[test]
fn an_int_that_became_a_float_is_a_blocker() {
    let values: ArrayRef = Arc::new(Float64Array::from(vec![1.0; 8]));
    let outcome = compare(&rows(), &with(&rows(), "value", values));
    assert_eq!(blockers(&outcome), ["schema.type"]);
    assert_eq!(change(&outcome, "value"), "type");
    assert!(
        outcome.findings[0].message.contains("int (INT64) in the baseline and float64"),
        "{}",
        outcome.findings[0].message
    );
}

#[test]
fn two_changes_of_type_do_not_cancel_out() {
    let a: Columns = vec![("x", ints(&[1])), ("y", floats(&[1.0]))];
    let b: Columns = vec![("x", floats(&[1.0])), ("y", ints(&[1]))];
    assert_eq!(blockers(&compare(&a, &b)), ["schema.type", "schema.type"]);
}

#[test]
fn another_width_is_a_warning() {
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![1; 8]));
    let outcome = compare(&rows(), &with(&rows(), "value", narrow));
    assert_eq!(
        (blockers(&outcome).len(), codes(&outcome, Severity::Warning)),
        (0, vec!["schema.annotation"])
    );
}

#[test]
fn dropped_annotations_are_told_as_a_defect_of_a_baseline_that_has_it() {
    let narrow: ArrayRef = Arc::new(Int8Array::from(vec![1; 8]));
    let plain: ArrayRef = Arc::new(Int32Array::from(vec![1; 8]));
    let times: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1; 8]));
    let a = with(&with(&rows(), "n", plain), "t", ints(&[1; 8]));
    let b = with(&with(&rows(), "n", narrow), "t", times);
    let mut fixture = Fixture::pair(&a, &b);
    assert_eq!(blockers(&fixture.examine(&Schema)), ["schema.type"]);
    fixture.defects = vec![KnownDefect::AnnotationsDropped];
    let outcome = fixture.examine(&Schema);
    assert_eq!(codes(&outcome, Severity::Info), ["schema.annotation", "schema.type"]);
    assert!(outcome.findings.iter().all(|it| it.defect.as_deref() == Some("G")));
    // The other way round nothing was dropped by the baseline.
    let mut fixture = Fixture::pair(&b, &a);
    fixture.defects = vec![KnownDefect::AnnotationsDropped];
    assert_eq!(blockers(&fixture.examine(&Schema)), ["schema.type"]);
}

#[test]
fn two_types_on_one_side_are_inconsistent() {
    let fixture = Fixture::empty();
    write(&fixture.path(Role::Baseline, "1.parquet"), &rows());
    write(&fixture.path(Role::Candidate, "1.parquet"), &rows());
    write(&fixture.path(Role::Candidate, "2.parquet"), &with(&rows(), "value", texts(&["x"; 8])));
    let outcome = fixture.examine(&Schema);
    assert!(blockers(&outcome).contains(&"schema.inconsistent"), "{:?}", blockers(&outcome));
}

#[test]
fn nested_columns_are_compared_node_by_node() {
    let list = |values: Vec<Option<i32>>| -> ArrayRef {
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(values), None]))
    };
    let group = |second: ArrayRef, name: &str| -> ArrayRef {
        let first: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        Arc::new(StructArray::from(vec![
            (Arc::new(Field::new("first", DataType::Utf8, true)), first),
            (Arc::new(Field::new(name, second.data_type().clone(), true)), second),
        ]))
    };
    let a: Columns = vec![("l", list(vec![Some(1), None])), ("s", group(ints(&[1, 2]), "second"))];
    assert!(compare(&a, &a).findings.is_empty());
    let elements = compare(&a, &a).evidence.schema.iter().find(|it| it.column == "l[]").unwrap().clone();
    assert_eq!(elements.baseline.unwrap().values, 1);
    let b: Columns = vec![("l", list(vec![Some(1), None])), ("s", group(floats(&[1.0, 2.0]), "second"))];
    assert_eq!(change(&compare(&a, &b), "s/second"), "type");
    // A field without values is the same as an absent one.
    let c: Columns = vec![("s", group(maybe_texts(&[None, None]), "second"))];
    let d: Columns = vec![("s", group(maybe_texts(&[None, None]), "other"))];
    assert!(compare(&c, &d).findings.is_empty());
}

#[test]
fn an_output_judged_alone_is_held_against_the_signal() {
    let mut fixture = Fixture::pair(&rows(), &with(&rows(), "_cardinalhq.timestamp", floats(&[1.0; 8])));
    fixture.alone = true;
    assert_eq!(codes(&fixture.examine(&Schema), Severity::Warning), ["schema.required"]);
}

#[test]
fn nothing_to_look_at_is_no_pass() {
    let fixture = Fixture::empty();
    assert_eq!(fixture.examine(&Schema).status, Some(CheckStatus::Inconclusive));
}
