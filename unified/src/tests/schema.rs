//! The schema of a file is the union of what its rows hold.

use arrow::array::{
    Array, AsArray, BooleanArray, DictionaryArray, DurationMillisecondArray, Float32Array, Int16Array,
    ListArray, StructArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Int32Type, TimeUnit};
use parquet::basic::{Compression, Encoding, LogicalType};

use super::*;
use crate::{ErrorKind, Ordering};

fn write(builder: UnifiedWriterBuilder, batches: &[RecordBatch]) -> Vec<FileResult> {
    let mut writer = builder.build().unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap().into_vec().unwrap()
}

#[test]
fn a_column_that_first_appears_in_the_last_row_is_kept() {
    // More rows than one row group, so that earlier row groups must be filled in afterwards.
    let rows = crate::encode::properties::ROW_GROUP_ROWS as i64 + 10;
    for ordering in [Ordering::None, Ordering::Spillable] {
        let place = Place::new();
        let first = batch(vec![(TIME, ints(0..rows))]);
        let last = batch(vec![(TIME, ints([rows])), ("late", texts(["here"]))]);
        let files = write(place.logs().ordering(ordering), &[first, last]);
        assert_eq!(files.len(), 1);
        assert_eq!(footer(&files[0].path).num_row_groups(), 2);
        let read = read(&files[0].path);
        let late = read.column_by_name("late").unwrap().as_string::<i32>();
        assert_eq!(late.null_count() as i64, rows);
        assert_eq!(late.value(rows as usize), "here");
    }
}

#[test]
fn each_file_has_exactly_the_columns_its_rows_need() {
    let place = Place::new();
    let a = batch(vec![(TIME, ints([1, 2])), ("a", texts(["x", "y"]))]);
    let b = batch(vec![(TIME, ints([3, 4])), ("b", ints([1, 2]))]);
    let files = write(place.logs().rows_per_file(2), &[b, a]);
    assert_eq!(names(&read(&files[0].path)), [TIME, "a"]);
    assert_eq!(names(&read(&files[1].path)), [TIME, "b"]);
}

#[test]
fn null_only_columns_are_left_out_and_empty_strings_kept() {
    let place = Place::new();
    let empty: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>, None]));
    let blank: ArrayRef = Arc::new(StringArray::from(vec![Some(""), None]));
    let files = write(place.logs(), &[batch(vec![(TIME, ints([1, 2])), ("null", empty), ("blank", blank)])]);
    let rows = read(&files[0].path);
    assert_eq!(names(&rows), [TIME, "blank"]);
    assert_eq!(rows.column(1).as_string::<i32>().iter().collect::<Vec<_>>(), [Some(""), None]);
}

#[test]
fn rows_without_any_value_are_kept() {
    let place = Place::new();
    let nothing: ArrayRef = Arc::new(Int64Array::from(vec![None; 5]));
    let batches = [batch(vec![(TIME, nothing.clone()), ("n", nothing)])];
    for limit in [1, 1 << 20] {
        let files = write(place.logs().base_name(format!("l{limit}")).memory_limit(limit), &batches);
        assert_eq!(files[0].record_count, 5);
        assert_eq!((files[0].first_ts, files[0].last_ts), (None, None));
        let rows = read(&files[0].path);
        assert_eq!((rows.num_rows(), names(&rows)), (5, vec![TIME.to_string()]));
    }
}

#[test]
fn one_column_with_two_types_is_an_error_that_names_both_places() {
    let place = Place::new();
    let mut writer = place.logs().build().unwrap();
    writer.write(&batch(vec![(TIME, ints([1])), ("x", ints([1]))])).unwrap();
    let error = writer.write(&batch(vec![(TIME, ints([2])), ("x", texts(["1"]))])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SchemaConflict);
    assert_eq!(
        error.to_string(),
        "column `x` has type Int64 in batch 1 but type Utf8 in batch 2; \
         write the two in separate jobs or convert one of them"
    );
    place.assert_empty();
}

#[test]
fn types_and_values_pass_unchanged() {
    let place = Place::new();
    let list =
        ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![])]);
    let structure = StructArray::from(vec![(
        Arc::new(Field::new("inner", DataType::Utf8, true)),
        texts(["p", "q", "r"]),
    )]);
    let rows = batch(vec![
        (TIME, ints([3, 1, 2])),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("duration", Arc::new(DurationMillisecondArray::from(vec![5, 6, 7]))),
        ("float32", Arc::new(Float32Array::from(vec![f32::NAN, -0.0, 0.0]))),
        ("int16", Arc::new(Int16Array::from(vec![-1, 0, 1]))),
        ("list", Arc::new(list)),
        ("struct", Arc::new(structure)),
        ("time", Arc::new(TimestampMicrosecondArray::from(vec![1, 2, 3]).with_timezone("+00:00"))),
        ("uint64", Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1]))),
    ]);
    for limit in [64, 1 << 24] {
        let base = format!("l{limit}");
        let files = write(place.logs().base_name(base).memory_limit(limit), std::slice::from_ref(&rows));
        let got = read(&files[0].path);
        for (field, written) in got.schema().fields().iter().zip(rows.schema().fields()) {
            assert_eq!(field.name(), written.name());
            assert_eq!(field.data_type(), written.data_type());
        }
        assert_eq!(
            got.schema().field(7).data_type(),
            &DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
        );
        let expected = row_texts(&rows);
        assert_eq!(row_texts(&got), [expected[1].clone(), expected[2].clone(), expected[0].clone()]);
    }
}

#[test]
fn dictionary_strings_are_stored_as_strings() {
    let place = Place::new();
    let dictionary: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("b")].into_iter().collect();
    let rows = batch(vec![(TIME, ints([1, 2, 3])), ("d", Arc::new(dictionary))]);
    let files = write(place.logs(), &[rows]);
    assert_eq!(read(&files[0].path).schema().field(1).data_type(), &DataType::Utf8);
}

#[test]
fn a_type_that_parquet_cannot_hold_is_named() {
    let place = Place::new();
    let mut writer = place.logs().build().unwrap();
    let interval =
        arrow::array::IntervalMonthDayNanoArray::from(vec![arrow::datatypes::IntervalMonthDayNano::new(
            1, 2, 3,
        )]);
    writer.write(&batch(vec![(TIME, ints([1])), ("i", Arc::new(interval))])).unwrap();
    let error = writer.finish().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SchemaConflict);
    assert!(error.to_string().contains("`i`") && error.to_string().contains("batch 1"), "{error}");
    place.assert_empty();
}

#[test]
fn the_physical_layout_is_as_configured() {
    let place = Place::new();
    let rows = log_batch((0..10_000).collect(), 30, 1);
    let files = write(place.logs().target_size(100_000_000), &[rows]);
    let footer = footer(&files[0].path);
    let group = footer.row_group(0);
    for column in group.columns() {
        assert!(matches!(column.compression(), Compression::ZSTD(_)));
        assert!(
            column.statistics().is_some_and(|s| s.min_bytes_opt().is_some() && s.null_count_opt() == Some(0))
        );
        assert!(column.column_index_offset().is_some() && column.offset_index_offset().is_some());
        let plain = column.column_path().parts() == ["_cardinalhq.message"];
        let dictionary =
            column.encodings().any(|e| matches!(e, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY));
        assert_eq!(dictionary, !plain, "{}", column.column_path());
        assert_eq!(column.dictionary_page_offset().is_some(), !plain);
    }
    let time = footer.file_metadata().schema_descr().column(1);
    assert_eq!(time.logical_type_ref(), Some(&LogicalType::integer(64, true)));
    let entries: Vec<(&str, Option<&str>)> = footer
        .file_metadata()
        .key_value_metadata()
        .into_iter()
        .flatten()
        .map(|entry| (entry.key.as_str(), entry.value.as_deref()))
        .collect();
    assert_eq!(entries, [("parallax.set_mark", Some("_SUCCESS"))]);
}
