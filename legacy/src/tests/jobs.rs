//! The jobs.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::{Place, read, row};
use crate::{Error, ErrorKind, MISSING_TIMESTAMP, Row, SchemaSource, Value};

const HOUR: i64 = 3_600_000;
const START: i64 = 1_754_006_400_000;

fn stamped(timestamp: i64, number: i64) -> Row {
    row(&[("_cardinalhq.timestamp", Value::from(timestamp)), ("n", Value::from(number))])
}

#[test]
fn segments_are_copied_in_order_without_the_dropped_columns() {
    let place = Place::new();
    let rows = [3, 1, 2].map(|number| row(&[("n", Value::from(number)), ("day", Value::from("01"))]));
    let inputs = [place.segment(&rows[..2]), place.segment(&rows[2..]), place.segment(&rows[..1])];
    let mut job = place.buffet(&inputs);
    let dropped = ["day".to_owned(), "hour".to_owned()];
    job.dropped_columns = &dropped;
    let outcome = job.run().expect("run");
    assert_eq!(outcome.rows_read, 4);
    assert_eq!(outcome.files.len(), 1);
    assert_eq!(read(&outcome.files[0].path), [3, 1, 2, 3].map(|number| row(&[("n", Value::from(number))])));
    assert_eq!(place.left(), (1, 0));
}

#[test]
fn one_column_with_two_types_names_the_column_both_types_and_the_file() {
    let place = Place::new();
    let text = place.segment(&[row(&[("x", Value::from("a"))])]);
    let number = place.segment(&[row(&[("x", Value::from(1))])]);
    let inputs = [text, number.clone()];
    let error = place.buffet(&inputs).run().expect_err("two types");
    assert_eq!(
        error.to_string(),
        format!(
            "schema mismatch: x, currentType required int64 (INT(64,true));, newType required binary (STRING);: {}",
            number.display()
        )
    );
    assert_eq!(error.kind(), ErrorKind::SchemaConflict);
    let mut job = place.buffet(&inputs);
    job.schema = SchemaSource::Values;
    let error = job.run().expect_err("two types");
    let start = "type mismatch for field \"x\": existing=required binary (STRING);, new=required int64 (INT(64,true));";
    assert!(error.to_string().starts_with(start), "{error}");
    assert_eq!(error.kind(), ErrorKind::SchemaConflict);
    // A column that is left out may have as many types as it likes.
    let dropped = ["x".to_owned()];
    let mut job = place.buffet(&inputs);
    job.dropped_columns = &dropped;
    assert!(matches!(job.run(), Err(Error::NoColumns)));
    assert_eq!(place.left(), (0, 0));
}

#[test]
fn an_unreadable_input_is_an_input_error_that_names_it() {
    let place = Place::new();
    let text = place.scratch.path().with_extension("inputs").join("text.parquet");
    let whole = place.segment(&[row(&[("x", Value::from(1))])]);
    std::fs::write(&text, "this is not Parquet").expect("write");
    let cut = text.with_file_name("cut.parquet");
    let bytes = std::fs::read(&whole).expect("read");
    std::fs::write(&cut, &bytes[..bytes.len() - 9]).expect("write");
    for path in [Path::new("nowhere.parquet"), &text, &cut] {
        let inputs = [whole.clone(), path.to_owned()];
        for error in [place.buffet(&inputs).run(), place.fingerprint(path).run()] {
            let error = error.expect_err("unreadable");
            assert_eq!(error.kind(), ErrorKind::Input, "{error}");
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
    }
    assert_eq!(place.left(), (0, 0));
}

#[test]
fn a_damaged_page_is_an_input_error_that_names_column_and_row_group() {
    let place = Place::new();
    let path = place.segment(&[row(&[("x", Value::from("some text"))])]);
    let mut bytes = std::fs::read(&path).expect("read");
    bytes[4..24].fill(0xff);
    std::fs::write(&path, bytes).expect("write");
    let error = place.fingerprint(&path).run().expect_err("damaged");
    assert_eq!(error.kind(), ErrorKind::Input);
    assert!(error.to_string().contains("row group 0 column \"x\""), "{error}");
}

#[test]
fn rows_are_split_by_hour_and_sorted_through_several_chunks() {
    let place = Place::new();
    // 12,000 rows over two hours, stepping back and forth; 7,919 is prime, so each timestamp occurs once.
    let rows: Vec<Row> = (0..12_000).map(|n| stamped(START + n * 7_919 % 12_000 * 600, n)).collect();
    let input = place.segment(&rows);
    let outcome = place.fingerprint(&input).run().expect("run");
    assert_eq!(outcome.rows_read, 12_000);
    assert_eq!(outcome.files.len(), 2);
    let mut seen = Vec::new();
    for (hour, file) in (0..).zip(&outcome.files) {
        let key = file.split_key.expect("a split key");
        assert_eq!(
            (key.dateint, key.hour, key.ingest_dateint, key.file_index),
            (20_250_801, hour, 20_250_801, 0)
        );
        let rows = read(&file.path);
        let stamps: Vec<i64> = rows
            .iter()
            .map(|row| match row["_cardinalhq.timestamp"] {
                Value::Int64(timestamp) => timestamp,
                ref other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(stamps, (0..6_000).map(|n| START + hour * HOUR + n * 600).collect::<Vec<_>>());
        assert_eq!((file.first_ts, file.last_ts), (stamps.first().copied(), stamps.last().copied()));
        seen.extend(rows.into_iter().map(|row| format!("{row:?}")));
    }
    let mut expected: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected);
    assert_eq!(place.left(), (2, 0));
}

#[test]
fn a_first_timestamp_of_zero_means_unset_and_the_range_belongs_to_the_hour() {
    let place = Place::new();
    let rows: Vec<Row> = (0..).zip([0, 5, 3, 7, 0, 2]).map(|(n, timestamp)| stamped(timestamp, n)).collect();
    let input = place.segment(&rows);
    let mut job = place.fingerprint(&input);
    job.rows_per_file = 4;
    let files = job.run().expect("run").files;
    assert_eq!(
        files.iter().map(|file| (file.first_ts, file.last_ts)).collect::<Vec<_>>(),
        [(Some(2), Some(7)); 2]
    );
    assert_eq!(
        files.iter().map(|file| file.split_key.map(|key| key.file_index)).collect::<Vec<_>>(),
        [Some(0), Some(1)]
    );

    let place = Place::new();
    let input = place.segment(&[stamped(-5, 0), stamped(-2, 1)]);
    let files = place.fingerprint(&input).run().expect("run").files;
    assert_eq!((files[0].first_ts, files[0].last_ts), (Some(-5), Some(0)));
}

#[test]
fn rows_without_a_timestamp_are_dropped_and_counted() {
    let place = Place::new();
    let input = place.segment(&[stamped(START, 0), row(&[("n", Value::from(1))]), stamped(START, 2)]);
    let outcome = place.fingerprint(&input).run().expect("run");
    assert_eq!(outcome.rows_read, 3);
    assert_eq!(outcome.rows_dropped, [(MISSING_TIMESTAMP.to_owned(), 1)].into());
    assert_eq!(outcome.files[0].record_count, 2);
}

#[test]
fn another_timestamp_column_can_be_named() {
    let mut place = Place::new();
    place.columns.timestamp = "when".to_owned();
    let input = place.segment(&[row(&[("when", Value::from(START + HOUR))])]);
    let outcome = place.fingerprint(&input).run().expect("run");
    assert_eq!(outcome.files[0].split_key.map(|key| key.hour), Some(1));
}

#[test]
fn a_cancelled_job_leaves_nothing() {
    let place = Place::new();
    let input = place.segment(&[stamped(START, 0)]);
    let stop = AtomicBool::new(true);
    let inputs = [input.clone()];
    let mut buffet = place.buffet(&inputs);
    buffet.cancel = Some(&stop);
    let mut fingerprint = place.fingerprint(&input);
    fingerprint.cancel = Some(&stop);
    for outcome in [buffet.run(), fingerprint.run()] {
        assert_eq!(outcome.expect_err("cancelled").kind(), ErrorKind::Cancelled);
    }
    assert_eq!(place.left(), (0, 0));
}

#[test]
fn an_hour_that_cannot_be_written_takes_the_hours_before_it_along() {
    let place = Place::new();
    let input = place.segment(&[stamped(START, 0), stamped(START + HOUR, 1)]);
    let gone = place.output.path().join("gone");
    let mut job = place.fingerprint(&input);
    job.output = &gone;
    assert_eq!(job.run().expect_err("no such directory").kind(), ErrorKind::Io);
    assert_eq!(place.left(), (0, 0));
}
