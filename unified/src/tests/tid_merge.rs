//! The merger of metrics, rule by rule.

use arrow::array::{AsArray, BinaryArray, Float64Array, Int32Array};
use arrow::datatypes::{DataType, Float64Type};

use super::points::*;
use super::*;
use crate::{ErrorKind, MergeStats, TidMergeJob, TidSummary};

fn dropped(reasons: &[(&str, u64)]) -> BTreeMap<String, u64> {
    reasons.iter().map(|(reason, rows)| ((*reason).to_string(), *rows)).collect()
}

fn numbers(rows: &[Got]) -> Vec<i64> {
    rows.iter().map(|row| row.n).collect()
}

#[test]
fn points_of_one_interval_become_one_and_the_first_gives_the_other_columns() {
    let bench =
        Bench::of(&[vec![point(7, 12, 5.0), point(8, 11, 1.0)], vec![point(7, 17, 9.0), point(7, 25, 2.0)]]);
    let (outcome, rows) = accounted(&bench);
    assert_eq!(numbers(&rows), [0, 3, 1]);
    assert_eq!((rows[0].time, rows[0].count, rows[0].sum), (10, Some(2.0), Some(13.938248218874275)));
    assert_eq!(rows[0].sketch, Some(sketch(&[5.0, 9.0])));
    assert_eq!((rows[1].time, rows[1].sum), (20, Some(2.0)), "one contribution keeps its rollups");
    assert_eq!((rows[2].time, rows[2].sketch.clone()), (10, Some(sketch(&[1.0]))));
    assert_eq!((outcome.rows_merged, &outcome.rows_dropped), (1, &dropped(&[])));
    let read = read(&outcome.files()[0].path);
    let figure = |name: &str| read.column_by_name(name).unwrap().as_primitive::<Float64Type>().value(0);
    assert_eq!(figure("rollup_avg"), 13.938248218874275 / 2.0);
    assert_eq!((figure("rollup_min"), figure("rollup_max")), (figure("rollup_p25"), figure("rollup_max")));
    assert_eq!((figure("rollup_p50"), figure("rollup_p99")), (figure("rollup_min"), figure("rollup_min")));
    assert!(figure("rollup_p90") < figure("rollup_max"));
}

#[test]
fn a_lone_row_needs_only_a_time_in_range() {
    let lone =
        |tid, time| Point { name: None, sketch: None, count: None, sum: None, ..point(tid, time, 1.0) };
    let garbage = Point { sketch: Some(b"garbage".to_vec()), ..lone(3, 999) };
    let empty = Point { sketch: Some(Vec::new()), count: Some(5.0), ..lone(4, 0) };
    let timeless = Point { time: None, ..lone(5, 0) };
    let (outcome, rows) = merged(&[vec![lone(1, 15), lone(2, 1000), garbage, empty, timeless, lone(6, -1)]]);
    assert_eq!(numbers(&rows), [0, 2, 3]);
    assert_eq!(rows.iter().map(|row| row.time).collect::<Vec<_>>(), [10, 990, 0]);
    assert_eq!(rows[1].sketch.as_deref(), Some(b"garbage".as_slice()));
    assert_eq!((rows[2].sketch.as_deref(), rows[2].count), (Some(b"".as_slice()), Some(5.0)));
    assert_eq!(outcome.rows_dropped, dropped(&[("missing_timestamp", 1), ("out_of_range", 2)]));
    assert_eq!(outcome.merge_stats, Some(MergeStats { datapoints_out_of_range: 2 }));
}

#[test]
fn a_lone_row_stays_one_however_little_memory_there_is() {
    let lone = |tid| Point { name: None, sketch: None, ..point(tid, 5, 1.0) };
    let pair = vec![point(5, 5, 5.0), point(5, 6, 9.0)];
    let bench = Bench::of(&[vec![lone(1), lone(2)], pair, vec![lone(9)]]);
    for memory_limit in [1, 1 << 10, 1 << 26] {
        let place = Place::new();
        let outcome =
            TidMergeJob { memory_limit, output: place.output.path(), ..bench.merge() }.run().unwrap();
        assert_eq!((numbers(&got(&outcome.files())), outcome.rows_merged), (vec![0, 1, 2, 4], 1));
    }
}

#[test]
fn a_row_in_a_group_is_dropped_for_the_first_thing_that_it_lacks() {
    let whole = || point(1, 5, 1.0);
    let bare = Point { time: None, name: None, sketch: None, ..whole() };
    let rows = vec![
        whole(),
        bare.clone(),
        Point { time: Some(-1), ..bare.clone() },
        Point { time: Some(5), ..bare.clone() },
        Point { time: Some(5), name: Some(""), ..bare },
        Point { sketch: Some(Vec::new()), count: Some(2.0), ..whole() },
        Point { sketch: Some(Vec::new()), sum: None, ..whole() },
        Point { sketch: Some(vec![0x02, 1]), ..whole() },
        Point {
            sketch: Some([&[2], &1.5f64.to_le_bytes()[..], &[0; 8]].concat()),
            name: Some("other"),
            ..whole()
        },
    ];
    let (outcome, rows) = merged(&[rows]);
    assert_eq!(numbers(&rows), [0]);
    assert_eq!((rows[0].count, rows[0].sketch.clone()), (Some(1.0), Some(sketch(&[1.0]))));
    let reasons = [
        ("missing_timestamp", 1),
        ("out_of_range", 1),
        ("missing_name", 1),
        ("missing_sketch", 1),
        ("empty_sketch", 2),
        ("undecodable_sketch", 2),
    ];
    assert_eq!(outcome.rows_dropped, dropped(&reasons));
}

#[test]
fn an_empty_sketch_of_one_value_is_that_value_and_what_no_sketch_holds_still_counts() {
    let single = |tid, sum| Point { sketch: Some(Vec::new()), sum: Some(sum), ..point(tid, 5, 1.0) };
    let (outcome, rows) = merged(&[
        vec![single(1, 5.0), single(2, f64::NAN), single(3, f64::INFINITY)],
        vec![single(1, 9.0), point(2, 6, 4.0), single(3, 1e308 * 1.7), single(4, 3.0)],
    ]);
    // The third timeseries has two rows and no value.
    assert_eq!(outcome.rows_dropped, dropped(&[("empty_merge", 2)]));
    assert_eq!((outcome.rows_merged, numbers(&rows)), (2, vec![0, 1, 6]));
    assert_eq!(rows[0].sum, Some(13.938248218874275));
    assert_eq!((rows[1].count, rows[1].sketch.clone()), (Some(1.0), Some(sketch(&[4.0]))));
    assert_eq!(rows[2].sketch.as_deref(), Some(b"".as_slice()), "a lone row stays as it is");
}

#[test]
fn one_contribution_left_in_a_group_stays_as_it_is() {
    let empty = Point { sketch: Some(Vec::new()), ..point(1, 5, 3.0) };
    let broken = Point { sketch: Some(vec![0xfe]), ..point(1, 5, 3.0) };
    let (outcome, rows) = merged(&[vec![broken, empty]]);
    assert_eq!((numbers(&rows), rows[0].sketch.as_deref()), (vec![1], Some(b"".as_slice())));
    assert_eq!(outcome.rows_dropped, dropped(&[("undecodable_sketch", 1)]));
    assert_eq!(outcome.rows_merged, 0);
}

#[test]
fn rows_come_out_by_tid_as_a_number_then_time_then_name_bytewise() {
    let named = |tid, time, name| Point { name: Some(name), ..point(tid, time, 1.0) };
    let (outcome, rows) = merged(&[
        vec![point(i64::MIN, 1, 1.0), point(-10, 1, 1.0), point(9, 1, 1.0), point(i64::MAX, 1, 1.0)],
        vec![point(-9, 1, 1.0), named(5, 30, "b"), named(5, 30, "Z"), named(5, 30, ""), named(5, 20, "é")],
        vec![named(5, 2, "z"), point(10, 1, 1.0), point(1 << 53, 1, 1.0), point((1 << 53) + 1, 1, 1.0)],
    ]);
    let tids: Vec<i64> = rows.iter().map(|row| row.tid).collect();
    assert_eq!(tids, [i64::MIN, -10, -9, 5, 5, 5, 5, 5, 9, 10, 1 << 53, (1 << 53) + 1, i64::MAX]);
    assert_eq!(numbers(&rows), [0, 1, 4, 9, 8, 7, 6, 5, 2, 10, 11, 12, 3]);
    let mut distinct = tids;
    distinct.dedup();
    let summary = TidSummary { count: 9, min: i64::MIN, max: i64::MAX, tids: distinct };
    assert_eq!(outcome.files()[0].tids, Some(summary));
    assert_eq!((outcome.files()[0].first_ts, outcome.files()[0].last_ts), (Some(0), Some(30)));
}

#[test]
fn times_align_toward_zero_whatever_the_sign_of_the_interval_and_the_start_of_the_range() {
    let rows = || (-25..25).map(|time| point(time, time, 1.0)).collect::<Vec<_>>();
    let aligned = |interval| {
        let bench = Bench::of(&[rows()]);
        let job = TidMergeJob { interval, start: -21, end: 19, ..bench.merge() };
        got(&job.run().unwrap().files())
    };
    let times: Vec<i64> = aligned(10).iter().map(|row| row.time).collect();
    assert_eq!(times, (-21..19).map(|time: i64| time / 10 * 10).collect::<Vec<_>>());
    assert_eq!(aligned(10), aligned(-10));
}

#[test]
fn settings_that_make_no_sense_are_refused_and_an_empty_range_is_not() {
    let bench = Bench::of(&[vec![point(1, 5, 1.0), point(1, 6, 1.0), point(2, 5, 1.0)]]);
    for (job, word) in [
        (TidMergeJob { inputs: &[], ..bench.merge() }, "no files"),
        (TidMergeJob { interval: 0, ..bench.merge() }, "interval"),
        (TidMergeJob { end: 1003, ..bench.merge() }, "must be aligned with interval 10"),
    ] {
        let error = job.run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(word), "{error}");
    }
    for (start, end) in [(10, 10), (1000, 0), (i64::MAX - 5, i64::MIN + 4), (i64::MIN, i64::MIN)] {
        let outcome = TidMergeJob { start, end, ..bench.merge() }.run().unwrap();
        assert_eq!((outcome.rows_read, outcome.files().len()), (3, 0));
        assert_eq!(outcome.rows_dropped, dropped(&[("out_of_range", 3)]));
    }
    let widest = TidMergeJob { interval: -1, start: i64::MIN, end: i64::MAX, ..bench.merge() };
    assert_eq!(widest.run().unwrap().files()[0].record_count, 3);
}

#[test]
fn a_missing_tid_names_file_row_group_and_row() {
    let good = vec![point(1, 1, 1.0), point(2, 1, 1.0)];
    let null = vec![point(1, 1, 1.0), Point { tid: None, ..point(1, 1, 1.0) }];
    let bench = Bench::of(&[good.clone(), null]);
    let without = segment(bench.input.path(), "without", &[batch(vec![(TIME, ints([1]))])]);
    let all_null: ArrayRef = Arc::new(Int32Array::from(vec![None, None]));
    let all_null = segment(bench.input.path(), "null", &[batch(vec![(TID, all_null), (TIME, ints([1, 2]))])]);
    for (path, row) in [(bench.inputs[1].clone(), 1), (without, 0), (all_null, 0)] {
        let inputs = [bench.inputs[0].clone(), path.clone()];
        for error in [
            TidMergeJob { inputs: &inputs, ..bench.merge() }.run().unwrap_err(),
            crate::MetricsJob { inputs: &inputs, ..bench.metrics() }.run().unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Input);
            let text = error.to_string();
            let place = format!("{}, row group 0, row {row}: ", path.display());
            assert!(text.starts_with(&place) && text.contains(TID) && text.contains("fill it in"), "{text}");
            bench.place.assert_empty();
        }
    }
}

#[test]
fn an_unsorted_input_names_file_and_row() {
    let rows: Vec<Point> =
        (0..20_000).map(|tid| point(if tid == 15_000 { 9 } else { tid }, 1, 1.0)).collect();
    let bench = Bench::of(&[vec![point(1, 1, 1.0)], rows]);
    for error in [bench.merge().run().unwrap_err(), bench.metrics().run().unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Unsorted);
        let text = error.to_string();
        assert!(text.contains("f1.parquet") && text.contains("row 15000: sort key 9"), "{text}");
        bench.place.assert_empty();
    }
}

#[test]
fn a_column_that_the_merge_reads_must_have_its_type_and_every_column_only_one() {
    let cases: Vec<(&str, ArrayRef, &str)> = vec![
        (TID, Arc::new(Int32Array::from(vec![1])), "Int64"),
        (TID, texts(["1"]), "Int64"),
        ("sketch", texts(["x"]), "Binary"),
        ("rollup_count", ints([1]), "Float64"),
        ("rollup_p90", Arc::new(arrow::array::Float32Array::from(vec![1.0])), "Float64"),
        ("n", texts(["x"]), "Int64"),
    ];
    for (name, array, known) in cases {
        let wrong = array.data_type().to_string();
        let mut columns = vec![(name, array)];
        if name != TID {
            columns.push((TID, ints([1])));
        }
        let bench = Bench::new(&[vec![points(&[point(1, 1, 1.0)], 0)], vec![batch(columns)]]);
        let error = bench.merge().run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SchemaConflict);
        let text = error.to_string();
        for part in [name, known, &wrong, "f1.parquet"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        bench.place.assert_empty();
    }
}

#[test]
fn a_column_without_values_may_have_any_type_and_forms_of_bytes_are_one() {
    let nulls: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
    let large: arrow::array::LargeBinaryArray = [Some(sketch(&[9.0]))].iter().map(|s| s.as_deref()).collect();
    let bench = Bench::new(&[
        vec![points(&[point(1, 1, 5.0)], 0)],
        vec![batch(vec![(TID, ints([2])), (TIME, ints([1])), ("n", ints([1])), ("sketch", nulls)])],
        vec![batch(vec![
            (TID, ints([1])),
            (TIME, ints([2])),
            (NAME, texts(["m"])),
            ("n", ints([2])),
            ("sketch", Arc::new(large)),
        ])],
    ]);
    let rows = got(&bench.merge().run().unwrap().files());
    assert_eq!((numbers(&rows), rows[0].sum), (vec![0, 1], Some(13.938248218874275)));
}

#[test]
fn a_timestamp_of_another_type_is_none_and_a_name_of_another_type_too() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    let bench = Bench::new(&[vec![batch(vec![(TID, ints([1, 2])), (TIME, floats)])]]);
    let outcome = bench.merge().run().unwrap();
    assert_eq!((outcome.files().len(), outcome.rows_dropped), (0, dropped(&[("missing_timestamp", 2)])));

    let bytes: BinaryArray = vec![Some(sketch(&[1.0])); 3].iter().map(|s| s.as_deref()).collect();
    let bench = Bench::new(&[vec![batch(vec![
        (TID, ints([1, 1, 2])),
        (TIME, ints([1, 1, 1])),
        (NAME, ints([1, 1, 1])),
        ("n", ints(0..3)),
        ("sketch", Arc::new(bytes)),
    ])]]);
    let outcome = bench.merge().run().unwrap();
    assert_eq!(
        (numbers(&got(&outcome.files())), outcome.rows_dropped),
        (vec![2], dropped(&[("missing_name", 2)]))
    );
}

#[test]
fn inputs_without_rows_are_no_matter() {
    let none = points(&[], 0);
    let bare = RecordBatch::new_empty(Arc::new(Schema::new(vec![Field::new(TID, DataType::Utf8, true)])));
    let bench = Bench::new(&[vec![none.clone()], vec![points(&[point(1, 1, 1.0)], 0)], vec![bare.clone()]]);
    assert_eq!(bench.merge().run().unwrap().files()[0].record_count, 1);
    let bench = Bench::new(&[vec![none], vec![bare]]);
    let outcome = bench.merge().run().unwrap();
    assert_eq!((outcome.rows_read, outcome.files()), (0, vec![]));
    bench.place.assert_empty();
}

#[test]
fn the_same_input_twice_counts_twice() {
    let bench = Bench::of(&[vec![point(1, 1, 5.0), point(2, 1, 1.0)]]);
    let inputs = [bench.inputs[0].clone(), bench.inputs[0].clone()];
    let outcome = TidMergeJob { inputs: &inputs, ..bench.merge() }.run().unwrap();
    assert_eq!((outcome.rows_read, outcome.rows_merged), (4, 2));
    assert_eq!(got(&outcome.files())[0].sketch, Some(sketch(&[5.0, 5.0])));
}
