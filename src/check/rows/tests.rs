use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, Int32Array, LargeStringArray, StringArray, StringViewArray,
    Time32MillisecondArray, Time64MicrosecondArray, TimestampMillisecondArray, UInt32Array,
};
use arrow::datatypes::Int32Type;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use reports::document::{CheckStatus, Role};

use super::*;
use crate::check::fixture::{
    Fixture, blockers, floats, ints, maybe_ints, maybe_texts, rows, take, texts, with,
};
use crate::check::{KnownDefect, Tolerance};
use crate::output::testing::{Columns, write, write_with};

pub(super) fn compare(a: &Columns, b: &Columns) -> Outcome {
    Fixture::pair(a, b).examine(&Rows)
}

pub(super) fn evidence_of(outcome: &Outcome) -> &RowsEvidence {
    outcome.evidence.rows.as_ref().unwrap()
}

/// The one changed column with its kinds.
pub(super) fn changed(outcome: &Outcome) -> Vec<(String, u64, Vec<String>)> {
    let columns = &evidence_of(outcome).columns;
    columns.iter().map(|it| (it.column.clone(), it.rows, it.kinds.keys().cloned().collect())).collect()
}

#[track_caller]
pub(super) fn assert_silent(outcome: &Outcome, rows: u64) {
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    assert_eq!(outcome.status, None);
    let evidence = evidence_of(outcome);
    assert_eq!((evidence.equal, evidence.changed, evidence.missing, evidence.extra), (rows, 0, 0, 0));
    assert!(outcome.coverage.rows == 2 * rows && outcome.coverage.columns > 0);
}

#[test]
fn equal_rows_are_silent() {
    assert_silent(&compare(&rows(), &rows()), 8);
}

#[test]
fn another_split_codec_and_row_groups_are_silent() {
    let fixture = Fixture::empty();
    write(&fixture.path(Role::Baseline, "all.parquet"), &rows());
    let properties = || {
        WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(2))
            .set_dictionary_enabled(false)
    };
    write_with(&fixture.path(Role::Candidate, "x/1.parquet"), &take(&rows(), &[0, 1, 2, 3, 4]), properties());
    write_with(&fixture.path(Role::Candidate, "2.parquet"), &take(&rows(), &[5, 6, 7]), properties());
    assert_silent(&fixture.examine(&Rows), 8);
}

#[test]
fn another_order_of_rows_and_columns_is_silent() {
    let mut columns = take(&rows(), &[7, 0, 2, 1, 3, 6, 5, 4]);
    columns.reverse();
    assert_silent(&compare(&rows(), &columns), 8);
}

#[test]
fn dictionaries_large_strings_and_views_are_the_same_as_plain_ones() {
    let messages = ["one", "two", "two", "four", "five", "six", "seven", "eight"];
    let dictionary: DictionaryArray<Int32Type> = messages.into_iter().collect();
    let forms: [ArrayRef; 3] = [
        Arc::new(dictionary),
        Arc::new(LargeStringArray::from(messages.to_vec())),
        Arc::new(StringViewArray::from(messages.to_vec())),
    ];
    for form in forms {
        assert_silent(&compare(&rows(), &with(&rows(), "_cardinalhq.message", form)), 8);
    }
}

#[test]
fn a_column_that_is_null_throughout_is_the_same_as_an_absent_one() {
    assert_silent(&compare(&rows(), &with(&rows(), "nothing", maybe_texts(&[None; 8]))), 8);
}

#[test]
fn widths_of_integers_do_not_matter_and_signedness_does() {
    let a = with(&rows(), "n", ints(&[1, 2, 3, 4, 5, 6, 7, 8]));
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3, 4, 5, 6, 7, 8]));
    assert_silent(&compare(&a, &with(&rows(), "n", narrow)), 8);
    let unsigned: ArrayRef = Arc::new(UInt32Array::from(vec![1, 2, 3, 4, 5, 6, 7, 8]));
    let outcome = compare(&a, &with(&rows(), "n", unsigned));
    assert_eq!(changed(&outcome), [("n".to_owned(), 8, vec!["retyped".to_owned()])]);
}

#[test]
fn a_dropped_row_is_missing() {
    let outcome = compare(&rows(), &take(&rows(), &[0, 1, 2, 3, 5, 6, 7]));
    assert_eq!(blockers(&outcome), ["rows.missing"]);
    assert_eq!(outcome.findings[0].count, 1);
    let sample = &evidence_of(&outcome).samples[0];
    assert_eq!(sample.key[0].value.text.as_deref(), Some("e"));
    assert_eq!(sample.baseline.as_ref().unwrap().row, Some(4));
}

#[test]
fn a_duplicated_row_is_told_as_such() {
    let outcome = compare(&rows(), &take(&rows(), &[0, 1, 2, 3, 4, 4, 5, 6, 7]));
    assert_eq!(blockers(&outcome), ["rows.duplicated"]);
    // Twice the duplicate: an even number must not cancel out.
    let outcome = compare(&rows(), &take(&rows(), &[0, 1, 2, 3, 4, 4, 4, 5, 6, 7]));
    assert_eq!(blockers(&outcome), ["rows.duplicated"]);
    assert_eq!(outcome.findings[0].count, 2);
}

#[test]
fn values_swapped_between_two_rows_change_both() {
    let swapped = maybe_ints(&[Some(1), None, Some(0), Some(5), Some(4), Some(6), Some(7), Some(8)]);
    let outcome = compare(&rows(), &with(&rows(), "value", swapped));
    assert_eq!(changed(&outcome), [("value".to_owned(), 2, vec!["value".to_owned()])]);
    assert_eq!(blockers(&outcome), ["rows.changed"]);
}

#[test]
fn one_changed_character_is_found_with_its_place() {
    let levels = texts(&["INFO", "WARN", "INFO", "INFO", "ERROR", "INFO", "INFP", "WARN"]);
    let outcome = compare(&rows(), &with(&rows(), "_cardinalhq.level", levels));
    assert_eq!(changed(&outcome), [("_cardinalhq.level".to_owned(), 1, vec!["value".to_owned()])]);
    let place = outcome.findings[0].place.as_ref().unwrap();
    assert_eq!((place.file.as_deref(), place.row_group, place.row), (Some("two.parquet"), Some(0), Some(6)));
    assert!(
        outcome.findings[0].message.contains("1 row changed (1 value)"),
        "{}",
        outcome.findings[0].message
    );
}

#[test]
fn every_kind_of_change_is_named() {
    let a = ["Long message", "short", "Case", "a b", "gone", "here", "", "kept"];
    let b = [
        Some("Long"),
        Some("shorter"),
        Some("cASE"),
        Some("a  b"),
        None,
        Some("there"),
        Some("x"),
        Some("kept"),
    ];
    let a = with(&rows(), "t", texts(&a));
    let outcome = compare(&a, &with(&rows(), "t", maybe_texts(&b)));
    let kinds = &evidence_of(&outcome).columns[0].kinds;
    let names: Vec<&str> = kinds.keys().map(String::as_str).collect();
    assert_eq!(names, ["case", "extended", "truncated", "value", "value-to-null", "whitespace"]);
    assert_eq!(kinds["extended"], 2);
}

#[test]
fn null_and_the_empty_string_are_different() {
    let notes = maybe_texts(&[Some(""), None, Some("x"), None, None, None, None, None]);
    let outcome = compare(&rows(), &with(&rows(), "note", notes));
    let kinds = vec!["empty-to-null".to_owned(), "null-to-empty".to_owned()];
    assert_eq!(changed(&outcome), [("note".to_owned(), 2, kinds)]);
}

#[test]
fn an_int_that_became_a_float_is_a_change_of_type() {
    let values: ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![
        Some(1.0),
        None,
        Some(0.0),
        Some(4.0),
        Some(5.0),
        Some(6.0),
        Some(7.0),
        Some(8.0),
    ]));
    let outcome = compare(&rows(), &with(&rows(), "value", values));
    assert_eq!(changed(&outcome), [("value".to_owned(), 7, vec!["retyped".to_owned()])]);
}

#[test]
fn a_lost_late_column_is_found() {
    let without: Columns = rows().into_iter().filter(|column| column.0 != "late").collect();
    let outcome = compare(&rows(), &without);
    assert_eq!(changed(&outcome), [("late".to_owned(), 1, vec!["value-to-null".to_owned()])]);
}

#[test]
fn nan_equals_nan_and_zeros_differ_unless_the_policy_says_otherwise() {
    let other = with(&rows(), "ratio", floats(&[0.1, 0.2, -f64::NAN, 0.0, 1.5, 2.5, 3.25, 4.125]));
    let mut fixture = Fixture::pair(&rows(), &other);
    assert_eq!(changed(&fixture.examine(&Rows)).len(), 1);
    fixture.comparison.negative_zero_equal = true;
    assert_silent(&fixture.examine(&Rows), 8);
}

#[test]
fn rounding_is_recognised() {
    let a = with(&rows(), "ratio", floats(&[0.123_456_789, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]));
    let b = with(&rows(), "ratio", floats(&[0.123_457, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 9.5]));
    let kinds = &evidence_of(&compare(&a, &b)).columns[0].kinds.clone();
    assert_eq!((kinds["rounded"], kinds["value"]), (1, 1));
}

#[test]
fn a_row_key_that_is_ignored_pairs_no_rows_and_the_next_one_does() {
    // New ids on both sides, in another order, and one value changed.
    let ids = texts(&["h", "g", "f", "e", "d", "c", "b", "a"]);
    let changed = with(&with(&rows(), "_cardinalhq.id", ids), "note", maybe_texts(&[Some("new"); 8]));
    let mut fixture = Fixture::pair(&rows(), &changed);
    fixture.comparison.ignored.insert("_cardinalhq.id".to_owned(), "made anew".to_owned());
    let outcome = fixture.examine(&Rows);
    let changes = &evidence_of(&outcome).columns;
    let columns: Vec<(&str, u64)> = changes.iter().map(|it| (it.column.as_str(), it.rows)).collect();
    assert_eq!(columns, [("note", 8)], "{outcome:#?}");
    assert_eq!(blockers(&outcome), ["rows.changed"]);
}

#[test]
fn an_ignored_column_is_left_out_and_named() {
    let mut fixture = Fixture::pair(&rows(), &with(&rows(), "late", maybe_texts(&[None; 8])));
    fixture.comparison.ignored.insert("late".to_owned(), "known".to_owned());
    let outcome = fixture.examine(&Rows);
    assert_silent(&outcome, 8);
    assert_eq!(evidence_of(&outcome).ignored["late"], "known");
}

#[test]
fn a_tolerance_compares_values_after_pairing_and_drops_nothing() {
    let near = with(&rows(), "ratio", floats(&[0.1001, 0.2, f64::NAN, -0.0, 1.5, 2.5, 3.25, 4.5]));
    let mut fixture = Fixture::pair(&rows(), &near);
    fixture.comparison.tolerances.insert("ratio".to_owned(), Tolerance { absolute: 0.01, relative: 0.0 });
    let outcome = fixture.examine(&Rows);
    // Row 0 lies within, row 7 does not.
    assert_eq!(changed(&outcome), [("ratio".to_owned(), 1, vec!["value".to_owned()])]);
    assert_eq!(evidence_of(&outcome).equal, 7);
    fixture.comparison.tolerances.insert("ratio".to_owned(), Tolerance { absolute: 0.0, relative: 0.1 });
    assert_silent(&fixture.examine(&Rows), 8);
}

#[test]
fn an_exact_match_does_not_take_a_partner_within_tolerance_away() {
    let with_ratios = |ratios: &[f64]| -> Columns {
        vec![("_cardinalhq.id", texts(&["k", "k"])), ("ratio", floats(ratios))]
    };
    let mut fixture = Fixture::pair(&with_ratios(&[1.0, 1.05]), &with_ratios(&[1.05, 1.1]));
    fixture.comparison.tolerances.insert("ratio".to_owned(), Tolerance { absolute: 0.06, relative: 0.0 });
    assert_silent(&fixture.examine(&Rows), 2);
}

#[test]
fn a_tolerance_on_a_key_column_is_refused() {
    let mut fixture = Fixture::pair(&rows(), &rows());
    fixture.comparison.tolerances.insert("_cardinalhq.timestamp".to_owned(), Tolerance::default());
    assert_eq!(fixture.try_examine(&Rows).unwrap_err().class, reports::manifest::ErrorClass::Config);
}

#[test]
fn duplicate_keys_are_paired_by_fewest_changed_columns() {
    let columns = |x: &[i64], y: &[i64]| -> Columns {
        vec![("_cardinalhq.id", texts(&["k", "k", "k"])), ("x", ints(x)), ("y", ints(y)), ("z", ints(y))]
    };
    let outcome = compare(&columns(&[1, 2, 3], &[10, 20, 30]), &columns(&[3, 9, 2], &[30, 10, 20]));
    assert_eq!(changed(&outcome), [("x".to_owned(), 1, vec!["value".to_owned()])]);
    assert_eq!(evidence_of(&outcome).equal, 2);
}

#[test]
fn large_groups_of_one_key_are_paired_greedily_and_that_is_said() {
    let count = 5_000;
    let same: Vec<&str> = vec!["k"; count];
    let numbers: Vec<i64> = (0..5_000).collect();
    let moved: Vec<i64> = numbers.iter().map(|it| it + 10_000).collect();
    let a: Columns = vec![("_cardinalhq.id", texts(&same)), ("n", ints(&numbers)), ("m", ints(&numbers))];
    let b: Columns = vec![("_cardinalhq.id", texts(&same)), ("n", ints(&numbers)), ("m", ints(&moved))];
    let outcome = compare(&a, &b);
    assert_eq!(changed(&outcome), [("m".to_owned(), 5_000, vec!["value".to_owned()])]);
    let evidence = evidence_of(&outcome);
    assert!(evidence.pairing.contains("greedily"), "{}", evidence.pairing);
    assert_eq!(evidence.samples.len(), 100);
    assert_eq!(evidence.sample_limit, 100);
}

#[test]
fn nested_columns_are_compared_and_named() {
    use arrow::array::{ListBuilder, MapBuilder, StringBuilder, StructArray};
    use arrow::datatypes::Field;
    let list = |last: &str| -> ArrayRef {
        let mut builder = ListBuilder::new(StringBuilder::new());
        for row in 0..8 {
            builder.values().append_value(format!("{row}"));
            builder.values().append_option((row % 2 == 0).then_some("x"));
            builder.values().append_value(if row == 7 { last } else { "y" });
            builder.append(row != 3);
        }
        Arc::new(builder.finish())
    };
    let map = |swapped: bool, value: &str| -> ArrayRef {
        let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for row in 0..8 {
            let mut entries = [("a", "1"), ("b", if row == 5 { value } else { "2" })];
            entries.sort_by_key(|(key, _)| (*key == "a") == swapped);
            for (key, value) in entries {
                builder.keys().append_value(key);
                builder.values().append_value(value);
            }
            builder.append(true).unwrap();
        }
        Arc::new(builder.finish())
    };
    let group = |inner: ArrayRef| -> ArrayRef {
        let number = ints(&[1, 2, 3, 4, 5, 6, 7, 8]);
        Arc::new(StructArray::from(vec![
            (Arc::new(Field::new("n", number.data_type().clone(), true)), number),
            (Arc::new(Field::new("inner", inner.data_type().clone(), true)), inner),
        ]))
    };
    let of = |list: ArrayRef, map: ArrayRef, group: ArrayRef| -> Columns {
        let mut columns = rows();
        columns.extend([("list", list), ("map", map), ("group", group)]);
        columns
    };
    let a = of(list("y"), map(false, "2"), group(list("y")));
    assert_silent(&compare(&a, &of(list("y"), map(true, "2"), group(list("y")))), 8);
    for (name, b) in [
        ("list", of(list("z"), map(false, "2"), group(list("y")))),
        ("map", of(list("y"), map(false, "3"), group(list("y")))),
        ("group", of(list("y"), map(false, "2"), group(list("z")))),
    ] {
        assert_eq!(changed(&compare(&a, &b)), [(name.to_owned(), 1, vec!["value".to_owned()])]);
    }
}

#[test]
fn files_that_both_sides_hold_alike_count_on_both() {
    let (first, second) = (take(&rows(), &[0, 1, 2, 3, 4]), take(&rows(), &[5, 6, 7]));
    for tolerance in [false, true] {
        let mut fixture = Fixture::empty();
        if tolerance {
            fixture.comparison.tolerances.insert("ratio".to_owned(), Tolerance::default());
        }
        for (role, name) in [(Role::Baseline, "x.parquet"), (Role::Candidate, "a.parquet")] {
            write(&fixture.path(role, name), &first);
        }
        write(&fixture.path(Role::Baseline, "b.parquet"), &second);
        write(&fixture.path(Role::Candidate, "b.parquet"), &second);
        assert_silent(&fixture.examine(&Rows), 8);
        // Equal and differing rows, in files that are the same and in one that is not.
        let levels = texts(&["INFO", "INFO", "????"]);
        write(&fixture.path(Role::Candidate, "b.parquet"), &with(&second, "_cardinalhq.level", levels));
        let outcome = fixture.examine(&Rows);
        assert_eq!(changed(&outcome), [("_cardinalhq.level".to_owned(), 1, vec!["value".to_owned()])]);
        assert_eq!(evidence_of(&outcome).equal, 7);
        let sample = &evidence_of(&outcome).samples[0];
        assert_eq!(sample.candidate.as_ref().unwrap().row, Some(2));
        // The same file twice on one side.
        write(&fixture.path(Role::Candidate, "b.parquet"), &second);
        write(&fixture.path(Role::Candidate, "c.parquet"), &first);
        let outcome = fixture.examine(&Rows);
        assert_eq!((blockers(&outcome), outcome.findings[0].count), (vec!["rows.duplicated"], 5));
    }
}

#[test]
fn without_any_key_rows_that_are_alike_are_paired() {
    let mut fixture = Fixture::pair(
        &rows(),
        &with(&rows(), "late", maybe_texts(&[None, None, None, None, None, None, None, Some("list")])),
    );
    fixture.job.signal = None;
    let outcome = fixture.examine(&Rows);
    assert_eq!(changed(&outcome), [("late".to_owned(), 1, vec!["value".to_owned()])]);
    // Rows that have nothing in common are not.
    let mut fixture = Fixture::pair(&vec![("x", ints(&[1, 2]))], &vec![("x", ints(&[2, 3]))]);
    fixture.job.signal = None;
    assert_eq!(blockers(&fixture.examine(&Rows)), ["rows.missing", "rows.extra"]);
}

#[test]
fn annotations_that_the_baseline_drops_are_compared_value_by_value() {
    let big: ArrayRef = Arc::new(Int32Array::from(vec![-1, 2, 3, 4, 5, 6, 7, 8]));
    let unsigned: ArrayRef = Arc::new(UInt32Array::from(vec![u32::MAX, 2, 3, 4, 5, 6, 7, 8]));
    let times: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1, 2, 3, 4, 5, 6, 7, 8]));
    let a = with(&with(&rows(), "u", big), "t", ints(&[1, 2, 3, 4, 5, 6, 7, 8]));
    let b = with(&with(&rows(), "u", Arc::clone(&unsigned)), "t", times);
    let mut fixture = Fixture::pair(&a, &b);
    assert_eq!(evidence_of(&fixture.examine(&Rows)).changed, 8);
    fixture.defects = vec![KnownDefect::AnnotationsDropped];
    fixture.job.inputs = vec![fixture.path(Role::Baseline, "one.parquet")];
    assert_eq!(evidence_of(&fixture.examine(&Rows)).changed, 8, "the input has plain integers");
    fixture.job.inputs = vec![fixture.path(Role::Candidate, "two.parquet")];
    assert_silent(&fixture.examine(&Rows), 8);
    // A value that is not exactly what the rule yields is a difference like any other.
    let off: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1, 2, 3, 4, 5, 6, 7, 9]));
    let mut fixture = Fixture::pair(&a, &with(&b, "t", off));
    fixture.defects = vec![KnownDefect::AnnotationsDropped];
    fixture.job.inputs = vec![fixture.path(Role::Candidate, "two.parquet")];
    assert_eq!(changed(&fixture.examine(&Rows)), [("t".to_owned(), 1, vec!["value".to_owned()])]);
}

#[test]
fn times_of_day_that_the_baseline_wrote_as_integers_are_compared_value_by_value() {
    let stored: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3, 4, 5, 6, 7, 8]));
    let a = with(&with(&rows(), "ms", stored), "us", ints(&[1, 2, 3, 4, 5, 6, 7, 8]));
    let times = |last: i64| {
        let ms: ArrayRef = Arc::new(Time32MillisecondArray::from(vec![1, 2, 3, 4, 5, 6, 7, 8]));
        let us: ArrayRef = Arc::new(Time64MicrosecondArray::from(vec![1, 2, 3, 4, 5, 6, 7, last]));
        with(&with(&rows(), "ms", ms), "us", us)
    };
    let mut fixture = Fixture::pair(&a, &times(8));
    assert!(!blockers(&fixture.examine(&Rows)).is_empty());
    fixture.defects = vec![KnownDefect::AnnotationsDropped];
    fixture.job.inputs = vec![fixture.path(Role::Candidate, "two.parquet")];
    assert_silent(&fixture.examine(&Rows), 8);
    let mut fixture = Fixture::pair(&a, &times(9));
    fixture.defects = vec![KnownDefect::AnnotationsDropped];
    fixture.job.inputs = vec![fixture.path(Role::Candidate, "two.parquet")];
    assert_eq!(changed(&fixture.examine(&Rows)), [("us".to_owned(), 1, vec!["value".to_owned()])]);
}

#[test]
fn no_rows_on_either_side_are_inconclusive_unless_declared() {
    let none = take(&rows(), &[]);
    let mut fixture = Fixture::pair(&none, &none);
    assert_eq!(fixture.examine(&Rows).status, Some(CheckStatus::Inconclusive));
    fixture.job.expected.no_rows = true;
    fixture.job.inputs = vec!["in.parquet".into()];
    let outcome = fixture.examine(&Rows);
    assert_eq!(outcome.status, Some(CheckStatus::Pass));
    assert!(!outcome.coverage.is_empty());
    // One side with rows is compared as ever.
    assert_eq!(blockers(&compare(&rows(), &none)), ["rows.missing"]);
}

#[test]
fn a_side_that_failed_leaves_nothing_to_compare() {
    let mut fixture = Fixture::pair(&rows(), &rows());
    fixture.failed = [true, true];
    assert_eq!(fixture.examine(&Rows).status, Some(CheckStatus::Inconclusive));
    fixture.job.expected.baseline_error = Some(reports::manifest::ErrorClass::SchemaConflict);
    assert_eq!(fixture.examine(&Rows).status, Some(CheckStatus::Inconclusive));
    fixture.job.expected.candidate_error = Some(reports::manifest::ErrorClass::SchemaConflict);
    assert_eq!(fixture.examine(&Rows).status, Some(CheckStatus::NotApplicable));
}

#[test]
fn an_unreadable_file_fails_the_candidate_and_leaves_the_baseline_undecided() {
    let fixture = Fixture::pair(&rows(), &rows());
    std::fs::write(fixture.path(Role::Candidate, "broken.parquet"), b"not Parquet at all").unwrap();
    let outcome = fixture.examine(&Rows);
    assert_eq!((blockers(&outcome), outcome.status), (vec!["rows.unreadable"], Some(CheckStatus::Fail)));
    std::fs::rename(
        fixture.path(Role::Candidate, "broken.parquet"),
        fixture.path(Role::Baseline, "broken.parquet"),
    )
    .unwrap();
    let outcome = fixture.examine(&Rows);
    assert_eq!((blockers(&outcome), outcome.status), (vec![], Some(CheckStatus::Inconclusive)));
}

#[test]
fn pages_that_cannot_be_decoded_fail_the_candidate() {
    let fixture = Fixture::pair(&rows(), &rows());
    let path = fixture.path(Role::Candidate, "two.parquet");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4..400].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let mut fixture = fixture;
    // Without a sort key the pages are first read by the check itself.
    fixture.signal(|signal| signal.sort_key.clear());
    let outcome = fixture.examine(&Rows);
    assert_eq!(blockers(&outcome), ["rows.unreadable"]);
    assert!(outcome.findings[0].message.contains("row group 0"), "{}", outcome.findings[0].message);
}

#[test]
fn one_output_alone_has_no_rows_to_be_compared_with() {
    let mut fixture = Fixture::pair(&rows(), &rows());
    fixture.alone = true;
    assert_eq!(fixture.examine(&Rows).status, Some(CheckStatus::NotApplicable));
}

#[test]
fn strings_keep_their_plain_form_in_samples() {
    let array: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(5_000)]));
    let value = change::value(Some((&array, 0)));
    assert_eq!((value.text.unwrap().len(), value.cut_from), (2_048, Some(5_000)));
    assert_eq!(array.len(), 1);
}
