//! The adapters over segments.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::{Float64Type, Int64Type};

use super::*;
use crate::{BuffetJob, Columns, Error, ErrorKind, FingerprintJob, LogsJob, Outcome, SplitKey};

struct Bench {
    place: Place,
    input: TempDir,
    columns: Columns,
}

impl Bench {
    fn new() -> Self {
        Self { place: Place::new(), input: tempfile::tempdir().unwrap(), columns: Columns::default() }
    }

    fn segment(&self, name: &str, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
        segment(self.input.path(), name, &[batch(columns)])
    }

    fn buffet<'a>(&'a self, inputs: &'a [PathBuf]) -> BuffetJob<'a> {
        BuffetJob {
            inputs,
            output: self.place.output.path(),
            scratch: self.place.scratch.path(),
            rows_per_file: 0,
            target_size: crate::DEFAULT_TARGET_SIZE,
            split_hours: false,
            memory_limit: 1 << 26,
            threads: 1,
            sync: false,
            dropped_columns: &[],
            columns: &self.columns,
            sort: true,
            cancel: None,
        }
    }

    fn fingerprint<'a>(&'a self, inputs: &'a [PathBuf]) -> FingerprintJob<'a> {
        FingerprintJob {
            inputs,
            output: self.place.output.path(),
            scratch: self.place.scratch.path(),
            rows_per_file: 0,
            target_size: crate::DEFAULT_TARGET_SIZE,
            memory_limit: 1 << 26,
            threads: 1,
            sync: false,
            ingest_dateint: 20_250_801,
            columns: &self.columns,
            cancel: None,
        }
    }

    fn logs<'a>(&'a self, inputs: &'a [PathBuf]) -> LogsJob<'a> {
        LogsJob {
            inputs,
            output: self.place.output.path(),
            scratch: self.place.scratch.path(),
            target_size: crate::DEFAULT_TARGET_SIZE,
            split_hours: false,
            memory_limit: 1 << 26,
            threads: 1,
            sync: false,
            columns: &self.columns,
            cancel: None,
        }
    }
}

fn column_n(outcome: &Outcome) -> Vec<i64> {
    outcome
        .files()
        .iter()
        .flat_map(|file| {
            read(&file.path).column_by_name("n").unwrap().as_primitive::<Int64Type>().values().to_vec()
        })
        .collect()
}

#[test]
fn buffet_merges_segments_in_order_of_time_and_leaves_out_columns() {
    let bench = Bench::new();
    let a = bench.segment("a", vec![(TIME, ints([5, 1])), ("n", ints([0, 1])), ("day", ints([1, 1]))]);
    let b = bench.segment("b", vec![(TIME, ints([3, 1])), ("n", ints([2, 3]))]);
    let inputs = [a, b.clone(), b];
    let dropped = ["day".to_string()];
    let job = BuffetJob { dropped_columns: &dropped, rows_per_file: 4, ..bench.buffet(&inputs) };
    let outcome = job.run().unwrap();
    assert_eq!(column_n(&outcome), [1, 3, 3, 2, 2, 0]);
    assert_eq!((outcome.rows_read, outcome.missing_sort_keys), (6, 0));
    assert_eq!(outcome.files().len(), 2);
    assert_eq!(names(&read(&outcome.files()[0].path)), [TIME, "n"]);
    bench.place.assert_only(&outcome.files());
}

#[test]
fn buffet_without_sort_keeps_the_order_of_the_segments() {
    let bench = Bench::new();
    let inputs = [bench.segment("a", vec![(TIME, ints([5, 1, 3])), ("n", ints(0..3))])];
    let outcome = BuffetJob { sort: false, ..bench.buffet(&inputs) }.run().unwrap();
    assert_eq!(column_n(&outcome), [0, 1, 2]);
    assert_eq!((outcome.files()[0].first_ts, outcome.files()[0].last_ts), (Some(1), Some(5)));
}

#[test]
fn buffet_takes_missing_float_and_other_timestamps() {
    let bench = Bench::new();
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(2.5), None, Some(1.5), Some(f64::NAN)]));
    let inputs = [
        bench.segment("a", vec![(TIME, floats), ("n", ints(0..4))]),
        bench.segment("b", vec![("n", ints(4..6))]),
    ];
    let outcome = bench.buffet(&inputs).run().unwrap();
    assert_eq!(column_n(&outcome), [1, 4, 5, 3, 2, 0]);
    assert_eq!(outcome.missing_sort_keys, 3);
    let stored = read(&outcome.files()[0].path);
    let stored = stored.column_by_name(TIME).unwrap().as_primitive::<Float64Type>();
    assert!(stored.value(3).is_nan());
    assert_eq!((stored.value(4), stored.value(5)), (1.5, 2.5));

    let bench = Bench::new();
    let inputs = [bench.segment("a", vec![(TIME, texts(["9", "10", "1"])), ("n", ints(0..3))])];
    let error = bench.buffet(&inputs).run().unwrap_err().to_string();
    assert!(error.contains("rows are sorted by int64 or float64 only"), "{error}");
    let outcome = BuffetJob { sort: false, ..bench.buffet(&inputs) }.run().unwrap();
    assert_eq!(column_n(&outcome), [0, 1, 2], "text is not a key, and never compared as text");
    assert_eq!((outcome.files()[0].first_ts, outcome.files()[0].last_ts), (None, None));
}

#[test]
fn fingerprint_splits_by_hour_restarts_its_index_and_declares_what_it_drops() {
    let bench = Bench::new();
    let hour = 3_600_000;
    let times: ArrayRef = Arc::new(Int64Array::from(vec![
        Some(hour + 1),
        None,
        Some(5),
        Some(-1),
        Some(3),
        Some(0),
        Some(hour),
    ]));
    let inputs = [
        bench.segment("a", vec![(TIME, times), ("n", ints(0..7))]),
        bench.segment("b", vec![("n", ints([7]))]),
    ];
    let outcome = FingerprintJob { rows_per_file: 2, ..bench.fingerprint(&inputs) }.run().unwrap();
    assert_eq!(outcome.rows_dropped, BTreeMap::from([("missing_timestamp".to_string(), 2)]));
    assert_eq!(outcome.rows_read, 8);
    assert_eq!(column_n(&outcome), [3, 5, 4, 2, 6, 0]);
    let keys: Vec<_> = outcome
        .files()
        .iter()
        .map(|file| (file.split_key.unwrap(), file.first_ts.unwrap(), file.last_ts.unwrap()))
        .collect();
    let key = |dateint, hour, file_index| SplitKey { dateint, hour, ingest_dateint: 20_250_801, file_index };
    assert_eq!(
        keys,
        [
            (key(19_691_231, 23, 0), -1, -1),
            (key(19_700_101, 0, 0), 0, 3),
            (key(19_700_101, 0, 1), 5, 5),
            (key(19_700_101, 1, 0), hour, hour + 1),
        ]
    );
}

#[test]
fn fingerprint_places_floats_truncated_and_other_types_at_zero() {
    let bench = Bench::new();
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, -0.9, 3_600_000.9, 1e300]));
    let inputs = [bench.segment("a", vec![(TIME, floats), ("n", ints(0..4))])];
    let outcome = bench.fingerprint(&inputs).run().unwrap();
    let places: Vec<_> = outcome
        .files()
        .iter()
        .map(|file| (file.split_key.unwrap().dateint, file.split_key.unwrap().hour, file.record_count))
        .collect();
    assert_eq!(places, [(2_122_179_092, 16, 2), (19_700_101, 0, 1), (19_700_101, 1, 1)]);

    let bench = Bench::new();
    let inputs = [bench.segment("a", vec![(TIME, texts(["x", "y"])), ("n", ints(0..2))])];
    let outcome = bench.fingerprint(&inputs).run().unwrap();
    let file = &outcome.files()[0];
    assert_eq!(
        (file.split_key.unwrap().dateint, file.first_ts, file.last_ts),
        (19_700_101, Some(0), Some(0))
    );
}

#[test]
fn fingerprint_refuses_more_files_than_its_index_can_number() {
    let bench = Bench::new();
    let inputs = [bench.segment("a", vec![(TIME, ints(0..32_769))])];
    let error = FingerprintJob { rows_per_file: 1, ..bench.fingerprint(&inputs) }.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    bench.place.assert_empty();
}

#[test]
fn logs_are_strict_about_the_timestamp() {
    let bench = Bench::new();
    let good = bench.segment("good", vec![(TIME, ints([2, 1])), ("n", ints([0, 1]))]);
    assert_eq!(column_n(&bench.logs(std::slice::from_ref(&good)).run().unwrap()), [1, 0]);

    let bench = Bench::new();
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let cases = [
        (bench.segment("float", vec![(TIME, floats)]), ErrorKind::SchemaConflict, "Float64"),
        (bench.segment("none", vec![("n", ints([1]))]), ErrorKind::Input, TIME),
    ];
    for (path, kind, word) in cases {
        let inputs = [good.clone(), path.clone()];
        let error = bench.logs(&inputs).run().unwrap_err();
        assert_eq!(error.kind(), kind);
        let text = error.to_string();
        assert!(text.contains(path.to_str().unwrap()) && text.contains(word), "{text}");
        bench.place.assert_empty();
    }
}

#[test]
fn unusable_segments_are_named_and_leave_nothing() {
    let bench = Bench::new();
    let good =
        bench.segment("good", vec![(TIME, ints(0..5000)), ("m", texts((0..5000).map(|n| n.to_string())))]);
    let text = bench.input.path().join("text");
    std::fs::write(&text, "not parquet at all").unwrap();
    let truncated = bench.input.path().join("truncated");
    let bytes = std::fs::read(&good).unwrap();
    std::fs::write(&truncated, &bytes[..bytes.len() / 2]).unwrap();
    let garbled = bench.input.path().join("garbled");
    let mut broken = bytes.clone();
    broken[4..2000].fill(0xff);
    std::fs::write(&garbled, &broken).unwrap();
    let empty = bench.input.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let absent = bench.input.path().join("absent");
    for path in [text, truncated, garbled, empty, absent, bench.input.path().to_path_buf()] {
        let inputs = [good.clone(), path.clone()];
        let results: Vec<Result<Outcome, Error>> = vec![
            bench.buffet(&inputs).run(),
            BuffetJob { sort: false, rows_per_file: 10, ..bench.buffet(&inputs) }.run(),
            bench.fingerprint(&inputs).run(),
        ];
        for result in results {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Input, "{error}");
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
            bench.place.assert_empty();
        }
    }
}

#[test]
fn conflicting_segments_are_both_named() {
    let bench = Bench::new();
    let a = bench.segment("a", vec![(TIME, ints([1])), ("x", ints([1]))]);
    let b = bench.segment("b", vec![(TIME, ints([1])), ("x", texts(["1"]))]);
    let inputs = [a.clone(), b.clone()];
    let text = bench.buffet(&inputs).run().unwrap_err().to_string();
    for word in ["`x`", "Int64", "Utf8", a.to_str().unwrap(), b.to_str().unwrap()] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn zero_rows_make_no_files_and_a_cancelled_job_none_either() {
    let bench = Bench::new();
    let inputs = [bench.segment("a", vec![(TIME, ints([]))])];
    for outcome in [bench.buffet(&inputs).run(), bench.fingerprint(&inputs).run(), bench.buffet(&[]).run()] {
        let outcome = outcome.unwrap();
        let Outcome { rows_read, rows_dropped, missing_sort_keys, rows_merged, merge_stats, files, stats: _ } =
            outcome;
        assert_eq!((rows_read, rows_dropped.len(), missing_sort_keys, rows_merged), (0, 0, 0, 0));
        assert_eq!((merge_stats, files.len()), (None, 0));
    }
    let inputs = [bench.segment("b", vec![(TIME, ints([1]))])];
    let cancel = Some(Arc::new(AtomicBool::new(true)));
    let error = BuffetJob { cancel, ..bench.buffet(&inputs) }.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    bench.place.assert_empty();
}

#[test]
fn columns_with_dots_are_chosen_by_place() {
    let bench = Bench::new();
    let inputs =
        [bench
            .segment("a", vec![("a.b", ints([1])), ("a.c", ints([2])), ("a", ints([3])), (TIME, ints([4]))])];
    let dropped = ["a.b".to_string()];
    let outcome = BuffetJob { dropped_columns: &dropped, ..bench.buffet(&inputs) }.run().unwrap();
    assert_eq!(names(&read(&outcome.files()[0].path)), [TIME, "a", "a.c"]);
}

#[test]
fn many_segments_of_few_rows_become_one_file() {
    let bench = Bench::new();
    let inputs: Vec<PathBuf> = (0..300i64)
        .map(|n| bench.segment(&format!("s{n}"), vec![(TIME, ints([-n])), ("n", ints([n]))]))
        .collect();
    let outcome = bench.buffet(&inputs).run().unwrap();
    assert_eq!(outcome.files().len(), 1);
    assert_eq!(column_n(&outcome), (0..300).rev().collect::<Vec<_>>());
}
