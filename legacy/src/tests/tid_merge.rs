//! The merger: defects D and H, its bounds, and clean-up. Fidelity is proven by the golden cases `tidmerge-*`.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::{Place, read, row};
use crate::sketch::Sketch;
use crate::{Error, ErrorKind, Row, TidMergeJob, Value};

const TIME: i64 = 1_754_006_400_000;

/// A point of one value.
fn point(tid: i64, name: &str, value: f64) -> Row {
    at(TIME, tid, name, value)
}

fn at(time: i64, tid: i64, name: &str, value: f64) -> Row {
    let mut sketch = Sketch::default();
    sketch.add(value).expect("a value that has a bin");
    row(&[
        ("_cardinalhq.tid", Value::from(tid)),
        ("_cardinalhq.timestamp", Value::from(time)),
        ("_cardinalhq.name", Value::from(name)),
        ("rollup_sum", Value::Float64(value)),
        ("sketch", Value::Bytes(sketch.encode())),
    ])
}

fn merge<'a>(place: &'a Place, inputs: &'a [PathBuf]) -> TidMergeJob<'a> {
    TidMergeJob {
        inputs,
        output: place.output.path(),
        scratch: place.scratch.path(),
        interval: 10_000,
        row_estimate: 0,
        start: TIME,
        end: TIME + 60_000,
        columns: &place.columns,
        cancel: None,
    }
}

/// TID and name of each row, in order.
fn series(rows: &[Row]) -> Vec<(i64, String)> {
    let one = |row: &Row| match (&row["_cardinalhq.tid"], &row["_cardinalhq.name"]) {
        (Value::Int64(tid), Value::String(name)) => (*tid, String::from_utf8_lossy(name).into_owned()),
        other => panic!("{other:?}"),
    };
    rows.iter().map(one).collect()
}

fn named(tids: &[(i64, &str)]) -> Vec<(i64, String)> {
    tids.iter().map(|(tid, name)| (*tid, (*name).to_owned())).collect()
}

#[test]
fn the_highest_tid_is_never_written_and_counted_nowhere() {
    let place = Place::new();
    let inputs = [
        place.segment(&[point(1, "cpu", 5.0), point(i64::MAX, "cpu", 7.0)]),
        place.segment(&[point(1, "cpu", 9.0), point(i64::MAX - 1, "cpu", 3.0)]),
    ];
    let outcome = merge(&place, &inputs).run().expect("run");
    let rows = read(&outcome.files[0].path);
    assert_eq!(series(&rows), named(&[(1, "cpu"), (i64::MAX - 1, "cpu")]));
    // Four rows in, two of them merged into one: the row of the highest TID is in no count.
    assert_eq!((outcome.rows_read, outcome.rows_merged), (4, 1));
    assert!(outcome.rows_dropped.is_empty(), "{:?}", outcome.rows_dropped);
    assert_eq!(place.left(), (1, 0));
}

#[test]
fn the_highest_tid_hides_every_later_row_of_its_own_file_and_no_row_of_another() {
    let place = Place::new();
    let inputs = [
        // Not sorted: what stands behind the highest TID is never looked at, not even its timestamp.
        place.segment(&[
            point(1, "a", 5.0),
            point(i64::MAX, "b", 7.0),
            point(2, "c", 1.0),
            at(0, 3, "d", 1.0),
        ]),
        place.segment(&[point(2, "e", 9.0), point(3, "f", 3.0)]),
    ];
    let outcome = merge(&place, &inputs).run().expect("run");
    let rows = read(&outcome.files[0].path);
    assert_eq!(series(&rows), named(&[(1, "a"), (2, "e"), (3, "f")]));
    assert_eq!(outcome.rows_read, 6);
    assert!(outcome.rows_dropped.is_empty(), "{:?}", outcome.rows_dropped);
    assert_eq!(outcome.merge_stats.map(|stats| stats.datapoints_out_of_range), Some(0));
}

#[test]
fn inputs_of_the_highest_tid_alone_give_no_file() {
    let place = Place::new();
    let inputs = [place.segment(&[point(i64::MAX, "cpu", 7.0)])];
    let outcome = merge(&place, &inputs).run().expect("run");
    assert_eq!((outcome.rows_read, outcome.files.len()), (1, 0));
    assert_eq!(place.left(), (0, 0));
}

/// A point whose sketch has lost its last byte.
fn cut(tid: i64, name: &str, values: &[f64]) -> Row {
    let mut sketch = Sketch::default();
    for value in values {
        sketch.add(*value).expect("a value that has a bin");
    }
    let mut encoded = sketch.encode();
    encoded.pop();
    let mut row = point(tid, name, 1.0);
    row.insert("sketch".to_owned(), Value::Bytes(encoded));
    row
}

#[test]
fn damaged_sketches_are_merged_as_far_as_they_can_be_read() {
    let place = Place::new();
    let damaged = [cut(3, "lone", &[7.0]), cut(4, "single", &[7.0])];
    let rows = [
        // The bins of 5 are read, that of 9 is not; then nothing at all is read.
        point(1, "bins", 5.0),
        cut(1, "bins", &[5.0, 9.0]),
        point(1, "nothing", 5.0),
        cut(1, "nothing", &[7.0]),
        // Two that hold nothing.
        cut(2, "empty", &[7.0]),
        cut(2, "empty", &[7.0]),
        damaged[0].clone(),
        damaged[1].clone(),
        point(4, "whole", 5.0),
    ];
    let inputs = [place.segment(&rows)];
    let outcome = merge(&place, &inputs).run().expect("run");
    let written = read(&outcome.files[0].path);
    assert_eq!(
        series(&written),
        named(&[(1, "bins"), (1, "nothing"), (3, "lone"), (4, "single"), (4, "whole")])
    );
    assert_eq!(written[0]["rollup_count"], Value::Float64(2.0));
    assert_eq!(written[1]["rollup_count"], Value::Float64(1.0));
    // Recomputed: 5 is read back from its bin.
    let mut five = Sketch::default();
    five.add(5.0).expect("a value that has a bin");
    assert_eq!(written[1]["rollup_sum"], Value::Float64(five.sum()));
    assert_ne!(five.sum(), 5.0);
    for (row, input) in written[2..4].iter().zip(&damaged) {
        assert_eq!((&row["sketch"], row.get("rollup_count")), (&input["sketch"], None));
    }
    assert_eq!(outcome.rows_merged, 2);
    let dropped: Vec<_> =
        outcome.rows_dropped.iter().map(|(reason, rows)| (reason.as_str(), *rows)).collect();
    assert_eq!(dropped, [("empty_merge", 2)]);
}

#[test]
fn unsorted_input_yields_a_tid_twice_without_an_error() {
    let place = Place::new();
    let inputs = [place.segment(&[
        point(5, "cpu", 1.0),
        point(9, "cpu", 2.0),
        point(5, "cpu", 3.0),
        point(9, "cpu", 4.0),
    ])];
    let outcome = merge(&place, &inputs).run().expect("run");
    let rows = read(&outcome.files[0].path);
    assert_eq!(series(&rows), named(&[(5, "cpu"), (9, "cpu"), (5, "cpu"), (9, "cpu")]));
    // Points of one TID, name and interval, which sorted input would have merged.
    assert_eq!((outcome.rows_read, outcome.rows_merged), (4, 0));
    assert_eq!(outcome.files[0].record_count, 4);
}

#[test]
fn the_lowest_tid_is_an_ordinary_one() {
    let place = Place::new();
    let inputs = [
        place.segment(&[point(i64::MIN, "cpu", 5.0)]),
        place.segment(&[point(i64::MIN, "cpu", 9.0), point(-1, "cpu", 1.0)]),
    ];
    let outcome = merge(&place, &inputs).run().expect("run");
    let rows = read(&outcome.files[0].path);
    assert_eq!(series(&rows), named(&[(i64::MIN, "cpu"), (-1, "cpu")]));
    assert_eq!(rows[0]["rollup_sum"], Value::Float64(13.938_248_218_874_275));
}

#[test]
fn a_row_without_a_tid_is_an_error_that_names_its_file_and_row() {
    let place = Place::new();
    let mut rows = [point(1, "cpu", 5.0), point(2, "cpu", 5.0)];
    rows[1].remove("_cardinalhq.tid");
    let inputs = [place.segment(&rows)];
    let error = merge(&place, &inputs).run().expect_err("no TID");
    assert!(matches!(&error, Error::NoTid { path, row: 1, .. } if *path == inputs[0]), "{error:?}");
    assert_eq!(place.left(), (0, 0));
}

#[test]
fn a_cancelled_merge_leaves_nothing() {
    let place = Place::new();
    let inputs = [place.segment(&[point(1, "cpu", 5.0), point(2, "cpu", 5.0)])];
    let stop = AtomicBool::new(true);
    let mut job = merge(&place, &inputs);
    job.cancel = Some(&stop);
    assert_eq!(job.run().expect_err("cancelled").kind(), ErrorKind::Cancelled);
    assert_eq!(place.left(), (0, 0));
}

#[test]
fn a_merge_that_is_cancelled_after_a_file_was_finished_takes_it_along() {
    let place = Place::new();
    // Enough rows that the request is seen while the second file is written.
    let rows: Vec<Row> = (0..6_000).map(|tid| point(tid, "cpu", 5.0)).collect();
    let inputs = [place.segment(&rows)];
    let stop = AtomicBool::new(false);
    let mut job = merge(&place, &inputs);
    (job.row_estimate, job.cancel) = (500, Some(&stop));
    let output = place.output.path();
    let outcome = std::thread::scope(|scope| {
        let asks = scope.spawn(|| {
            // Stops as soon as anything is in the output directory, or gives up waiting with the job.
            for _ in 0..100_000 {
                if std::fs::read_dir(output).expect("list").next().is_some() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_micros(50));
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let outcome = job.run();
        asks.join().expect("the other thread");
        outcome
    });
    match outcome {
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Cancelled);
            assert_eq!(place.left(), (0, 0));
        }
        // The job was faster than the request.
        Ok(outcome) => assert_eq!(place.left(), (outcome.files.len(), 0)),
    }
}
