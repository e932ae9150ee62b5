//! The buffet writer.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use super::{Place, read, row, schema_of};
use crate::tokens::{EXISTS, token_hash, trigrams};
use crate::{BuffetWriter, ColumnType, Error, ErrorKind, Row, Schema, SchemaSource, Statistics, Value};

fn level(text: &str) -> Row {
    row(&[("_cardinalhq.level", Value::from(text))])
}

fn fingerprints(texts: &[&str]) -> BTreeSet<i64> {
    let column = "_cardinalhq.level";
    let windows = texts.iter().flat_map(|text| trigrams(text.as_bytes()));
    windows.chain([EXISTS]).map(|token| token_hash(column, token)).collect()
}

#[test]
fn the_row_that_opens_a_file_counts_in_the_fingerprints_of_the_file_before() {
    let files = Place::new().write(&["one", "two", "three", "four", "five"].map(level), 2);
    assert_eq!(files[0].fingerprints, fingerprints(&["one", "two", "three"]));
    assert_eq!(files[1].fingerprints, fingerprints(&["four", "five"]));
    assert_eq!(files[2].fingerprints, BTreeSet::new());
}

#[test]
fn statistics_exist_on_the_last_file_only_and_a_group_stays_in_one_file() {
    let place = Place::new();
    let rows: Vec<Row> = [1, 1, 1, 2, 3, 4, 4].map(|tid| row(&[("t", Value::Int64(tid))])).to_vec();
    let mut options = place.options(schema_of(&rows), 2);
    options.group_by = Some("t");
    let mut writer = BuffetWriter::open(options).expect("open");
    rows.iter().for_each(|row| writer.write(row).expect("write"));
    let files = writer.close().expect("close");
    assert_eq!(files.iter().map(|file| file.record_count).collect::<Vec<_>>(), [3, 2, 2]);
    let stats: Vec<_> = files.iter().map(|file| file.stats).collect();
    assert_eq!(stats, [None, None, Some(Statistics { tid_count: 1 })]);
}

#[test]
fn rows_without_a_group_value_belong_to_nobody() {
    let place = Place::new();
    let rows = [Row::new(), Row::new(), row(&[("t", Value::Int64(1))])];
    let mut options = place.options(schema_of(&rows), 1);
    options.group_by = Some("t");
    let mut writer = BuffetWriter::open(options).expect("open");
    rows.iter().for_each(|row| writer.write(row).expect("write"));
    assert_eq!(writer.close().expect("close").len(), 3);
}

#[test]
fn all_files_have_the_columns_that_any_row_has() {
    let rows = [row(&[("b", Value::from(1))]), row(&[("b", Value::from(2)), ("a", Value::from("late"))])];
    let place = Place::new();
    let files = place.write(&rows, 1);
    for (file, row) in files.iter().zip(&rows) {
        let segment = crate::reader::SegmentReader::open(&file.path).expect("open");
        let names: Vec<&str> = segment.columns().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(read(&file.path), std::slice::from_ref(row));
        assert_eq!(std::fs::metadata(&file.path).expect("metadata").len(), file.file_size);
    }
    assert_eq!(place.left(), (2, 0));
}

#[test]
fn an_unknown_column_is_refused_and_the_writer_goes_on() {
    let place = Place::new();
    let good = row(&[("a", Value::from(1))]);
    let mut writer =
        BuffetWriter::open(place.options(schema_of(std::slice::from_ref(&good)), 0)).expect("open");
    let error =
        writer.write(&row(&[("a", Value::from(1)), ("zzz", Value::Null)])).expect_err("unknown column");
    assert_eq!(error.to_string(), "buffet: write row with column \"zzz\" not in the schema node list");
    assert_eq!(error.kind(), ErrorKind::SchemaConflict);
    writer.write(&good).expect("write");
    assert_eq!(writer.close().expect("close")[0].record_count, 1);
}

#[test]
fn a_value_that_does_not_fit_fails_on_close_and_leaves_the_partial_file() {
    let place = Place::new();
    let mut schema = Schema::new(SchemaSource::Input);
    schema.add("a", ColumnType::Int64).expect("a new column");
    let mut writer = BuffetWriter::open(place.options(schema, 2)).expect("open");
    for value in [Value::from(1), Value::from(2), Value::Int32(3), Value::from("four")] {
        writer.write(&row(&[("a", value)])).expect("not noticed at write");
    }
    let error = writer.close().expect_err("a string is no integer");
    assert!(matches!(error, Error::ValueMismatch { row: 1, value: "string", .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::SchemaConflict);
    // The finished file and the partial one; the spill file is gone.
    assert_eq!(place.left(), (2, 0));
    assert!(matches!(writer.close(), Err(Error::AlreadyClosed)));
}

#[test]
fn a_column_without_a_name_leaves_the_spill_file() {
    let place = Place::new();
    let mut schema = Schema::new(SchemaSource::Input);
    schema.add("", ColumnType::Int64).expect("a new column");
    let error = BuffetWriter::open(place.options(schema, 0)).expect_err("no name");
    assert_eq!(error.to_string(), "buffet: schema node name cannot be empty");
    assert_eq!(place.left(), (0, 1));
}

#[test]
fn rows_without_any_value_are_an_error_and_no_rows_are_none() {
    let place = Place::new();
    let rows = [row(&[("a", Value::from(1))])];
    let mut writer = BuffetWriter::open(place.options(schema_of(&rows), 0)).expect("open");
    writer.write(&row(&[("a", Value::Null)])).expect("write");
    assert!(matches!(writer.close(), Err(Error::NoColumns)));
    let mut writer = BuffetWriter::open(place.options(schema_of(&rows), 0)).expect("open");
    assert_eq!(writer.close().expect("close"), []);
    assert_eq!(place.left(), (0, 0));
}

#[test]
fn abort_and_drop_remove_the_spill_file_and_abort_after_close_keeps_the_outputs() {
    let place = Place::new();
    let rows = [row(&[("a", Value::from(1))])];
    let mut writer = BuffetWriter::open(place.options(schema_of(&rows), 0)).expect("open");
    writer.write(&rows[0]).expect("write");
    assert_eq!(place.left(), (0, 1));
    writer.abort();
    assert_eq!(place.left(), (0, 0));
    assert!(matches!(writer.write(&rows[0]), Err(Error::AlreadyClosed)));
    drop(BuffetWriter::open(place.options(schema_of(&rows), 0)).expect("open"));
    assert_eq!(place.left(), (0, 0));
    let mut writer = BuffetWriter::open(place.options(schema_of(&rows), 0)).expect("open");
    writer.write(&rows[0]).expect("write");
    writer.close().expect("close");
    writer.abort();
    assert_eq!(place.left(), (1, 0));
}

#[test]
fn cancelled_or_failing_on_close_nothing_is_left() {
    let place = Place::new();
    let rows = [row(&[("a", Value::from(1))])];
    let stop = AtomicBool::new(true);
    let mut options = place.options(schema_of(&rows), 0);
    options.cancel = Some(&stop);
    let mut writer = BuffetWriter::open(options).expect("open");
    writer.write(&rows[0]).expect("write");
    assert!(matches!(writer.close(), Err(Error::Cancelled)));
    assert_eq!(place.left(), (0, 0));

    let gone = place.output.path().join("gone");
    let mut options = place.options(schema_of(&rows), 0);
    options.output = &gone;
    let mut writer = BuffetWriter::open(options).expect("open");
    writer.write(&rows[0]).expect("write");
    assert_eq!(writer.close().expect_err("no such directory").kind(), ErrorKind::Io);
    assert_eq!(place.left(), (0, 0));
}
