use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int8Array, Int32Array, LargeStringArray, ListArray,
    StringArray, StructArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use reports::document::{CheckStatus, Role, Severity};

use super::*;
use crate::check::fixture::{Fixture, blockers, codes, floats, ints, maybe_texts, rows, take, texts, with};
use crate::fault::footer::restate_raw;
use crate::fault::thrift::Value;
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
    assert_eq!(blockers(&fixture.examine(&Schema)), ["schema.type"], "no input has these types");
    fixture.job.inputs = vec![fixture.path(Role::Baseline, "one.parquet")];
    assert_eq!(blockers(&fixture.examine(&Schema)), ["schema.type"], "the input has plain integers");
    let other: ArrayRef = Arc::new(arrow::array::TimestampNanosecondArray::from(vec![1; 8]));
    let input = fixture.folder.path().join("in.parquet");
    write(&input, &with(&b, "t", other));
    fixture.job.inputs = vec![input.clone()];
    assert_eq!(blockers(&fixture.examine(&Schema)), ["schema.type"], "the input has another unit");
    write(&input, &b);
    let outcome = fixture.examine(&Schema);
    assert_eq!(codes(&outcome, Severity::Info), ["schema.annotation", "schema.type"]);
    assert!(outcome.findings.iter().all(|it| it.defect.as_deref() == Some("G")));
    // The other way round nothing was dropped by the baseline.
    let mut fixture = Fixture::pair(&b, &a);
    fixture.defects = vec![KnownDefect::AnnotationsDropped];
    fixture.job.inputs = vec![input];
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
    assert_eq!(blockers(&fixture.examine(&Schema)), ["schema.required"]);
}

#[test]
fn nothing_to_look_at_is_no_pass() {
    let fixture = Fixture::empty();
    assert_eq!(fixture.examine(&Schema).status, Some(CheckStatus::Inconclusive));
}

/// Changes the schema element of a column in a side's file.
fn element(fixture: &Fixture, role: Role, name: &str, change: impl Fn(&mut Value)) {
    let file = if role == Role::Baseline { "one.parquet" } else { "two.parquet" };
    let changed = restate_raw(&fixture.path(role, file), |footer| {
        let name = Value::Binary(name.as_bytes().to_vec());
        let mut elements = footer.list(2).iter_mut();
        elements.find_map(|it| (it.field(4)? == &name).then_some(it)).map(change).is_some()
    });
    assert!(changed.unwrap(), "there is no column {name}");
}

fn id(fixture: &Fixture, role: Role, name: &str, id: i64) {
    element(fixture, role, name, |element| element.set(9, Value::i32(id)));
}

#[test]
fn field_ids_that_are_lost_or_changed_are_blockers_and_new_ones_are_told() {
    let fixture = Fixture::pair(&rows(), &rows());
    for (name, number) in [("value", 1), ("note", 2), ("late", 3)] {
        id(&fixture, Role::Baseline, name, number);
    }
    let outcome = fixture.examine(&Schema);
    assert_eq!(blockers(&outcome), ["schema.field_id"]);
    assert!(
        outcome.findings[0]
            .message
            .starts_with("the field ids of 3 columns (\"late\", \"note\", \"value\") are lost"),
        "{}",
        outcome.findings[0].message
    );
    for (name, number) in [("value", 2), ("note", 1), ("late", 3)] {
        id(&fixture, Role::Candidate, name, number);
    }
    let outcome = fixture.examine(&Schema);
    assert_eq!(blockers(&outcome), ["schema.field_id"]);
    assert_eq!(outcome.findings[0].count, 2, "the third has its own");
    let told: Vec<&str> = outcome.findings[0].evidence.iter().map(|it| it.value.as_str()).collect();
    assert_eq!(told, ["2 in the baseline, 1 in the candidate", "1 in the baseline, 2 in the candidate"]);
    let fixture = Fixture::pair(&rows(), &rows());
    id(&fixture, Role::Candidate, "value", 7);
    let outcome = fixture.examine(&Schema);
    assert_eq!((blockers(&outcome).len(), codes(&outcome, Severity::Info)), (0, vec!["schema.field_id"]));
}

#[test]
fn ids_that_two_columns_share_are_a_blocker_with_or_without_a_baseline() {
    let mut fixture = Fixture::pair(&rows(), &rows());
    id(&fixture, Role::Candidate, "value", 7);
    id(&fixture, Role::Candidate, "note", 7);
    assert_eq!(blockers(&fixture.examine(&Schema)), ["schema.field_id"]);
    fixture.alone = true;
    let outcome = fixture.examine(&Schema);
    assert_eq!(blockers(&outcome), ["schema.field_id"]);
    assert_eq!(outcome.findings[0].place.as_ref().unwrap().file.as_deref(), Some("two.parquet"));
    // The baseline has the same defect: nothing got worse.
    fixture.alone = false;
    id(&fixture, Role::Baseline, "value", 7);
    id(&fixture, Role::Baseline, "note", 7);
    let outcome = fixture.examine(&Schema);
    assert_eq!((blockers(&outcome).len(), codes(&outcome, Severity::Warning)), (0, vec!["schema.field_id"]));
}

#[test]
fn ids_of_ignored_columns_and_of_columns_without_a_value_are_not_judged() {
    let empty = with(&rows(), "nothing", maybe_texts(&[None; 8]));
    let mut fixture = Fixture::pair(&empty, &empty);
    id(&fixture, Role::Baseline, "nothing", 1);
    id(&fixture, Role::Baseline, "value", 2);
    fixture.comparison.ignored.insert("value".to_owned(), "test".into());
    assert_eq!(fixture.examine(&Schema).findings, []);
}

#[test]
fn an_ignored_column_of_several_types_or_with_a_shared_id_blocks_nothing() {
    let mut fixture = Fixture::pair(&rows(), &rows());
    let more = with(&take(&rows(), &[0]), "value", texts(&["x"]));
    write(&fixture.path(Role::Candidate, "three.parquet"), &more);
    for column in ["value", "note"] {
        id(&fixture, Role::Candidate, column, 7);
    }
    let found = blockers(&fixture.examine(&Schema)).into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert!(found.contains(&"schema.inconsistent".to_owned()), "{found:?}");
    assert!(found.contains(&"schema.field_id".to_owned()), "{found:?}");
    fixture.comparison.ignored.insert("value".to_owned(), "test".into());
    assert_eq!(blockers(&fixture.examine(&Schema)), ["schema.field_id"], "the other column has the id too");
    fixture.comparison.ignored.insert("note".to_owned(), "test".into());
    assert_eq!(blockers(&fixture.examine(&Schema)), Vec::<&str>::new());
}

#[test]
fn an_annotation_that_arrow_does_not_show_is_compared_as_the_footer_states_it() {
    let bytes: ArrayRef = Arc::new(arrow::array::BinaryArray::from(vec![&b"x"[..]; 8]));
    let columns = with(&rows(), "g", bytes);
    let fixture = Fixture::pair(&columns, &columns);
    // Annotation 30, which no version of the format has; with parameters, and with others.
    let future = |parameter: i64| Value::Struct(vec![(30, Value::Struct(vec![(1, Value::i32(parameter))]))]);
    element(&fixture, Role::Baseline, "g", |it| it.set(10, future(1)));
    let outcome = fixture.examine(&Schema);
    assert_eq!(codes(&outcome, Severity::Warning), ["schema.annotation"]);
    assert!(outcome.findings[0].message.contains("annotation 30"), "{}", outcome.findings[0].message);
    element(&fixture, Role::Candidate, "g", |it| it.set(10, future(2)));
    assert_eq!(codes(&fixture.examine(&Schema), Severity::Warning), ["schema.annotation"]);
    element(&fixture, Role::Candidate, "g", |it| it.set(10, future(1)));
    assert_eq!(fixture.examine(&Schema).findings, []);
    // Bytes that are a geometry on one side.
    let geometry = |crs: &str| {
        let crs = Value::Binary(crs.as_bytes().to_vec());
        Value::Struct(vec![(17, Value::Struct(vec![(1, crs)]))])
    };
    let fixture = Fixture::pair(&columns, &columns);
    element(&fixture, Role::Baseline, "g", |it| it.set(10, geometry("EPSG:3857")));
    element(&fixture, Role::Candidate, "g", |it| it.set(10, geometry("EPSG:4326")));
    let outcome = fixture.examine(&Schema);
    assert_eq!(codes(&outcome, Severity::Warning), ["schema.annotation"]);
    let said = &outcome.findings[0].message;
    assert!(said.contains("GEOMETRY(EPSG:3857)") && said.contains("GEOMETRY(EPSG:4326)"), "{said}");
}

#[test]
fn the_utc_flag_of_a_time_is_compared() {
    let times: ArrayRef = Arc::new(arrow::array::Time64MicrosecondArray::from(vec![1; 8]));
    let columns = with(&rows(), "t", times);
    let fixture = Fixture::pair(&columns, &columns);
    assert_eq!(fixture.examine(&Schema).findings, []);
    element(&fixture, Role::Candidate, "t", |it| {
        let time = it.field(10).and_then(|it| it.field(7)).unwrap();
        let utc = time.field(1).cloned();
        assert_eq!(utc, Some(Value::Flag(false)));
        time.set(1, Value::Flag(true));
    });
    let outcome = fixture.examine(&Schema);
    assert_eq!(codes(&outcome, Severity::Warning), ["schema.annotation"]);
    let said = &outcome.findings[0].message;
    assert!(said.contains("TIME(us,local)") && said.contains("TIME(us,UTC)"), "{said}");
}
