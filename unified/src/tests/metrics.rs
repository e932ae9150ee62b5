//! Timeseries and files: never split, however rows fall; many inputs, little memory, failures.

use std::sync::atomic::AtomicBool;

use super::points::*;
use super::*;
use crate::cancel::Cancel;
use crate::jobs::relay::relay;
use crate::order::sorted::SortedInputs;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::Translator;
use crate::scratch::Scratch;
use crate::{Columns, Error, ErrorKind, MetricsJob, TidMergeJob, metrics_builder};

/// Segments over `tids` timeseries: each segment has some of them, with one to seven points that overlap in time.
fn segments(count: u64, tids: i64) -> Vec<Vec<Point>> {
    let mut numbers = noise(count * 1000 + 7);
    let mut next = |below: u64| numbers.next().unwrap() % below;
    (0..count)
        .map(|_| {
            let mut rows = Vec::new();
            for tid in 0..tids {
                for _ in 0..next(8) {
                    let time = next(100) as i64;
                    let mut row = point(tid * 37 - 400, time, next(1000) as f64 + 1.0);
                    row.name = [None, Some("b"), Some("a")][next(20).min(2) as usize];
                    if next(20) == 0 {
                        row.sketch = [None, Some(vec![]), Some(vec![0xfe])][next(3) as usize].clone();
                    }
                    rows.push(row);
                }
            }
            rows
        })
        .collect()
}

fn tids_of(file: &FileResult) -> Vec<i64> {
    let mut tids: Vec<i64> = got(std::slice::from_ref(file)).iter().map(|row| row.tid).collect();
    tids.dedup();
    tids
}

/// Each timeseries lies in one file, files ascend, and what is said of each is true.
fn assert_whole(files: &[FileResult]) {
    let mut last = None;
    for file in files {
        let tids = tids_of(file);
        assert!(tids.is_sorted() && last.is_none_or(|last| last < tids[0]), "{tids:?}");
        last = tids.last().copied();
        let summary = file.tids.clone().unwrap();
        assert_eq!((summary.count, summary.min, summary.max), (tids.len() as u64, tids[0], last.unwrap()));
        assert_eq!(summary.tids, tids);
        let rows = got(std::slice::from_ref(file));
        let times = || rows.iter().map(|row| row.time);
        assert_eq!((file.first_ts, file.last_ts), (times().min(), times().max()));
        assert_eq!((file.record_count, file.traces), (rows.len() as u64, None));
        assert_eq!(file.fingerprints, None, "metrics have none");
    }
}

#[test]
fn a_row_limit_is_rounded_up_to_whole_timeseries() {
    for estimate in [1, 2, 7, 100, 1_000_000] {
        let bench = Bench::of(&segments(3, 60));
        let outcome = TidMergeJob { row_estimate: estimate, ..bench.merge() }.run().unwrap();
        assert_whole(&outcome.files());
        for file in &outcome.files()[..outcome.files().len() - 1] {
            assert!(file.record_count >= estimate as u64);
            let last = *tids_of(file).last().unwrap();
            let of_last = got(std::slice::from_ref(file)).iter().filter(|row| row.tid == last).count();
            assert!(file.record_count - (of_last as u64) < estimate as u64);
        }
    }
}

#[test]
fn a_timeseries_larger_than_a_file_stays_whole() {
    let large = |tid| (0..5000).map(move |time| point(tid, time, 1.0 + time as f64)).collect::<Vec<_>>();
    let rows = [vec![point(1, 1, 1.0)], large(2), vec![point(3, 1, 1.0)], large(4)].concat();
    let bench = Bench::of(&[rows.clone(), rows]);
    let job = TidMergeJob { interval: 1, end: 5000, target_size: 10_000, ..bench.merge() };
    let files = job.run().unwrap().files();
    assert_whole(&files);
    assert!(files.len() > 1 && files.iter().any(|file| file.record_count >= 5000));
    bench.place.assert_only(&files);

    let bench = Bench::new(&[vec![points(&large(2), 0)], vec![points(&large(3), 0)]]);
    let files = MetricsJob { target_size: 10_000, ..bench.metrics() }.run().unwrap().files();
    assert_eq!(files.iter().map(|file| file.record_count).collect::<Vec<_>>(), [5000, 5000]);
    assert_whole(&files);
}

#[test]
fn output_depends_neither_on_memory_nor_on_how_rows_are_cut_into_row_groups() {
    let rows = segments(5, 400);
    let whole = Bench::of(&rows);
    let expected = TidMergeJob { row_estimate: 300, ..whole.merge() }.run().unwrap();
    assert!(expected.files().len() > 3 && expected.rows_merged > 500);
    let metrics = MetricsJob { target_size: 10_000, ..whole.metrics() };
    whole.place.assert_only(&expected.files());
    let expected_bytes = contents(&expected.files());
    for memory_limit in [1 << 12, 1 << 17, 1 << 20] {
        let place = Place::new();
        let (output, scratch) = (place.output.path(), place.scratch.path());
        let job = TidMergeJob { row_estimate: 300, output, scratch, memory_limit, ..whole.merge() };
        let outcome = job.run().unwrap();
        assert_eq!(contents(&outcome.files()), expected_bytes, "{memory_limit}");
        assert_eq!(outcome.rows_dropped, expected.rows_dropped);
        assert_eq!(outcome.rows_merged, expected.rows_merged);
        place.assert_only(&outcome.files());
    }
    let (first, second) = (Place::new(), Place::new());
    let a = MetricsJob { output: first.output.path(), ..metrics.clone() }.run().unwrap();
    let b = MetricsJob { output: second.output.path(), memory_limit: 1 << 14, ..metrics }.run().unwrap();
    assert!(a.files().len() > 3);
    assert_whole(&a.files());
    assert_eq!(contents(&a.files()), contents(&b.files()));
    assert_eq!(a.rows_read, a.files().iter().map(|file| file.record_count).sum::<u64>());
}

#[test]
fn more_inputs_than_are_merged_at_once_come_out_the_same() {
    let inputs = segments(40, 12);
    let bench = Bench::of(&inputs);
    let (outcome, rows) = accounted(&bench);
    let mut expected: BTreeMap<i64, u64> = BTreeMap::new();
    for row in inputs.iter().flatten() {
        *expected.entry(row.tid.unwrap()).or_default() += 1;
    }
    assert_whole(&outcome.files());
    assert!(rows.iter().all(|row| expected.contains_key(&row.tid)));
    // The first contribution of the first interval of a timeseries comes from the earliest input that has one.
    let mut earliest: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for (number, row) in (0..).zip(inputs.iter().flatten()) {
        let usable = row.name == Some("a") && row.sketch.as_ref().is_some_and(|bytes| bytes.len() != 1);
        if usable {
            earliest.entry((row.tid.unwrap(), row.time.unwrap() / 10 * 10)).or_insert(number);
        }
    }
    let found: std::collections::BTreeSet<i64> = rows.iter().map(|row| row.n).collect();
    assert!(earliest.values().all(|n| found.contains(n)));
    assert!(earliest.len() > 100);
}

#[test]
fn a_metrics_job_merges_by_tid_and_keeps_ties_in_order_of_the_inputs() {
    let bench = Bench::of(&[
        vec![point(-5, 1, 1.0), point(3, 9, 1.0), point(3, 2, 1.0), point(i64::MAX, 1, 1.0)],
        vec![point(-5, 0, 1.0), point(3, 1, 1.0)],
    ]);
    let outcome = bench.metrics().run().unwrap();
    let rows = got(&outcome.files());
    assert_eq!(rows.iter().map(|row| row.n).collect::<Vec<_>>(), [0, 4, 1, 2, 5, 3]);
    assert_eq!((outcome.rows_read, outcome.rows_merged, outcome.merge_stats), (6, 0, None));
    assert_eq!((outcome.files()[0].first_ts, outcome.files()[0].last_ts), (Some(0), Some(9)));
    bench.place.assert_only(&outcome.files());
}

#[test]
fn the_metrics_writer_refuses_rows_out_of_order_and_rows_without_a_tid() {
    let columns = Columns::default();
    let nameless = Point { tid: None, ..point(1, 1, 1.0) };
    for (second, kind) in [
        (vec![point(8, 1, 1.0), point(7, 1, 1.0)], ErrorKind::Unsorted),
        (vec![point(6, 1, 1.0)], ErrorKind::Unsorted),
        (vec![point(8, 1, 1.0), nameless], ErrorKind::Input),
    ] {
        let place = Place::new();
        let builder = metrics_builder(place.output.path().to_path_buf(), &columns);
        let mut writer = builder.scratch(place.scratch.path()).build().unwrap();
        writer.write(&points(&[point(7, 1, 1.0)], 0)).unwrap();
        let error = writer.write(&points(&second, 1)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().starts_with("batch 2, row "), "{error}");
        place.assert_empty();
    }
}

#[test]
fn batch_boundaries_never_split_a_timeseries() {
    let rows: Vec<Point> = segments(1, 200).concat();
    let mut expected = None;
    for size in [1, 2, 3, 50, 10_000] {
        let place = Place::new();
        let builder = metrics_builder(place.output.path().to_path_buf(), &Columns::default());
        let mut writer = builder.scratch(place.scratch.path()).rows_per_file(50).build().unwrap();
        for (at, chunk) in rows.chunks(size).enumerate() {
            writer.write(&points(chunk, (at * size) as i64)).unwrap();
        }
        let files = writer.finish().unwrap().into_vec().unwrap();
        assert_whole(&files);
        let bytes = contents(&files);
        assert_eq!(expected.get_or_insert_with(|| bytes.clone()), &bytes, "batches of {size}");
    }
}

#[test]
fn a_cancelled_or_failing_merge_leaves_nothing() {
    let rows = segments(20, 100);
    let bench = Bench::of(&rows);
    let cancel = Some(Arc::new(AtomicBool::new(true)));
    for memory_limit in [1 << 14, 1 << 26] {
        let job = TidMergeJob { cancel: cancel.clone(), memory_limit, ..bench.merge() };
        assert_eq!(job.run().unwrap_err().kind(), ErrorKind::Cancelled);
        let job = MetricsJob { cancel: cancel.clone(), memory_limit, ..bench.metrics() };
        assert_eq!(job.run().unwrap_err().kind(), ErrorKind::Cancelled);
        bench.place.assert_empty();
    }
    // The last input breaks the order in its last row, when files and runs are under way.
    let mut inputs = bench.inputs.clone();
    let bad = [rows[0].clone(), vec![point(-400, 1, 1.0)]].concat();
    inputs.push(segment(bench.input.path(), "bad.parquet", &[points(&bad, 0)]));
    for memory_limit in [1 << 14, 1 << 26] {
        let job = TidMergeJob { inputs: &inputs, row_estimate: 5, memory_limit, ..bench.merge() };
        let error = job.run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsorted);
        assert!(error.to_string().contains("bad.parquet"), "{error}");
        bench.place.assert_empty();
    }
    // A name that is taken.
    let taken = bench.place.output.path().join("part-00000.parquet");
    std::fs::write(&taken, b"mine").unwrap();
    assert_eq!(bench.merge().run().unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(entries(bench.place.output.path()), [taken]);
    assert_eq!(entries(bench.place.scratch.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_merge_that_is_cancelled_on_its_way_ends_before_the_next_batch() {
    let bench = Bench::of(&segments(5, 2000));
    let flag = Arc::new(AtomicBool::new(false));
    let cancel = Cancel::new(Some(flag.clone()));
    let inputs = SortedInputs::survey(&bench.inputs, TID, &[], "the merge", &cancel, 1 << 30).unwrap();
    for threads in [1, 2] {
        flag.store(false, std::sync::atomic::Ordering::Relaxed);
        let (mut scratch, mut calls) = (Scratch::new(bench.place.scratch.path().to_path_buf()), 0);
        let meter = crate::stats::Meter::default();
        let merged = inputs.merge(
            1 << 20,
            &crate::parallel::workers::Workers::new(threads),
            &mut scratch,
            &cancel,
            &meter,
            |_, picks| {
                assert!(!picks.is_empty() && picks.len() <= 8192);
                flag.store(true, std::sync::atomic::Ordering::Relaxed);
                calls += 1;
                Ok(())
            },
        );
        assert_eq!(merged.unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(inputs.rows() > 3 * 8192 && calls <= 2, "{calls} of {} rows", inputs.rows());
    }
}

#[test]
fn a_merge_in_little_memory_hands_on_half_as_many_rows_at_once() {
    let bench = Bench::of(&segments(5, 2000));
    let cancel = Cancel::new(None);
    let inputs = SortedInputs::survey(&bench.inputs, TID, &[], "the merge", &cancel, 1 << 30).unwrap();
    let most = |memory| {
        let mut scratch = Scratch::new(bench.place.scratch.path().to_path_buf());
        let (mut most, mut rows) = (0, 0);
        let (workers, meter) = (crate::parallel::workers::Workers::new(1), crate::stats::Meter::default());
        let merged = inputs.merge(memory, &workers, &mut scratch, &cancel, &meter, |_, picks| {
            most = most.max(picks.len());
            rows += picks.len() as u64;
            Ok(())
        });
        merged.unwrap();
        assert_eq!(rows, inputs.rows());
        most
    };
    assert_eq!((most(16 << 20), most(64 << 20)), (4096, 8192));
}

#[test]
fn whichever_side_of_a_merge_fails_first_its_error_is_reported_and_nothing_is_left() {
    let place = Place::new();
    let builder = || {
        metrics_builder(place.output.path().to_path_buf(), &Columns::default())
            .scratch(place.scratch.path())
            .rows_per_file(1)
            .threads(2)
    };
    let mut catalog = Catalog::default();
    let mut translator = Translator::default();
    let mut rows = |tid| catalog.admit(&points(&[point(tid, 1, 1.0)], 0), "a test", &mut translator).unwrap();
    let rows: Vec<Rows> = (0..100).map(&mut rows).collect();
    let catalog = Arc::new(catalog);
    // The writer: out of order.
    let error = relay(builder(), &catalog, place.scratch.path(), |scratch, _, _, sink| {
        scratch.file()?;
        rows.iter().rev().try_for_each(|rows| sink(rows.clone()))
    });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsorted);
    place.assert_empty();
    // The merge: after files have been written.
    let error = relay(builder(), &catalog, place.scratch.path(), |scratch, _, _, sink| {
        let _held = scratch.file()?;
        rows[..50].iter().try_for_each(|rows| sink(rows.clone()))?;
        Err::<(), _>(Error::input("a file", "broken"))
    });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Input);
    place.assert_empty();
    let nowhere = place.output.path().join("nowhere");
    let bench = Bench::of(&segments(1, 3));
    let error = TidMergeJob { output: &nowhere, ..bench.merge() }.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
}
