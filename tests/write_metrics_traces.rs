//! The writers of metrics and traces as commands: manifests that tell the truth, errors that name the place.

use std::fs;

use reports::manifest::{FailureDocument, Manifest};

use crate::support::{corpus, files_below, parallax};

const RANGE: [&str; 6] = ["--interval", "10000", "--start", "1756116000000", "--end", "1756116060000"];

/// Runs a writer on the inputs and reads its manifest; counts and sizes are held against the files.
fn written(command: &[&str], inputs: &[String]) -> Manifest {
    let mut all: Vec<&str> =
        [&["write"], command, &["--output", "out", "--format", "json", "--input"]].concat();
    all.extend(inputs.iter().map(String::as_str));
    let finished = parallax(&all).finish().expect(0);
    let manifest: Manifest = serde_json::from_str(&finished.stdout).unwrap();
    assert!(!manifest.files.is_empty(), "{command:?}");
    for file in &manifest.files {
        let path = finished.path("out").join(&file.path);
        assert_eq!(Some(fs::metadata(&path).unwrap().len()), file.file_size);
    }
    let rows: u64 = manifest.files.iter().map(|file| file.record_count.unwrap()).sum();
    let dropped: u64 = manifest.rows_dropped.values().sum();
    assert_eq!(Some(rows + dropped + manifest.rows_merged.unwrap_or(0)), manifest.rows_read, "{command:?}");
    let left = files_below(&finished.path("out"));
    assert_eq!(left.iter().filter(|path| !path.ends_with("_SUCCESS")).count(), manifest.files.len());
    // The unified writer marks its set when it is complete.
    let marked = left.iter().any(|path| path.ends_with("_SUCCESS"));
    assert_eq!(marked, command[0].starts_with("unified"), "{command:?}");
    assert!(finished.leftovers().is_empty(), "{:?}", finished.leftovers());
    manifest
}

#[test]
fn both_mergers_take_the_same_options_and_say_what_they_merged() {
    let (_home, inputs) = corpus("metrics-out-of-range");
    let of = |writer: &str| {
        let command = [&[writer, "--row-estimate", "50"], RANGE.as_slice()].concat();
        written(&command, &inputs)
    };
    let (legacy, unified) = (of("tid-merger"), of("unified-tid-merger"));
    assert!(unified.merge_stats.unwrap().datapoints_out_of_range > 0);
    assert_eq!(legacy.merge_stats, unified.merge_stats);
    assert_eq!(legacy.rows_dropped, unified.rows_dropped);
    assert_eq!(legacy.rows_merged, unified.rows_merged);
    let counts =
        |manifest: &Manifest| manifest.files.iter().map(|file| file.record_count).collect::<Vec<_>>();
    assert_eq!(counts(&legacy), counts(&unified), "files end at the same TIDs");
    assert!(unified.files.len() > 2);
    // Defect B: only the last file's count is there.
    let (last, others) = legacy.files.split_last().unwrap();
    assert!(others.iter().all(|file| file.tid_count == Some(0)));
    assert_eq!(last.tid_count, unified.files.last().unwrap().tid_count);
    for (file, next) in unified.files.iter().zip(unified.files.iter().skip(1)) {
        assert!(file.tid_count.unwrap() > 0 && file.min_tid <= file.max_tid && file.max_tid < next.min_tid);
    }
}

#[test]
fn the_metrics_factory_keeps_every_row_and_every_series_whole() {
    let (_home, inputs) = corpus("metrics-overlap-5");
    let manifest = written(&["unified", "--signal", "metrics", "--target-size", "40000"], &inputs);
    assert_eq!((manifest.rows_merged, manifest.merge_stats), (None, None));
    assert!(manifest.rows_dropped.is_empty() && manifest.files.len() > 1);
    let ranges: Vec<_> =
        manifest.files.iter().map(|file| (file.min_tid.unwrap(), file.max_tid.unwrap())).collect();
    assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0), "{ranges:?}");
}

#[test]
fn the_traces_factory_hands_the_slot_on_and_counts_spans_and_traces() {
    let (_home, inputs) = corpus("traces-long-traces");
    let command = ["unified", "--signal", "traces", "--slot", "0", "--target-size", "65536"];
    let manifest = written(&command, &inputs);
    assert!(manifest.files.len() > 1);
    let starts: Vec<_> =
        manifest.files.iter().map(|file| (file.first_ts.unwrap(), file.last_ts.unwrap())).collect();
    assert!(starts.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{starts:?}");
    for file in &manifest.files {
        assert_eq!((file.slot, file.span_count), (Some(0), file.record_count));
        assert!(file.trace_count.unwrap() > 0 && file.trace_count < file.span_count);
    }
}

/// Runs a command that must fail, and reads its failure document.
fn failure(command: &[&str], inputs: &[String]) -> FailureDocument {
    let mut all: Vec<&str> =
        [&["write"], command, &["--output", "out", "--format", "json", "--input"]].concat();
    all.extend(inputs.iter().map(String::as_str));
    let finished = parallax(&all).finish().expect(2);
    assert!(!finished.path("out").exists(), "something was left");
    assert!(finished.leftovers().is_empty(), "{:?}", finished.leftovers());
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    serde_json::from_str(&finished.stdout).unwrap()
}

#[test]
fn unsorted_segments_are_an_error_that_names_file_and_row() {
    let (_home, inputs) = corpus("metrics-unsorted");
    let merger = [&["unified-tid-merger"], RANGE.as_slice()].concat();
    for command in [merger.as_slice(), &["unified", "--signal", "metrics"]] {
        let document = failure(command, &inputs);
        assert_eq!(document.error.class.as_str(), "unsorted", "{}", document.error.message);
        assert!(document.error.message.contains(".parquet"), "{}", document.error.message);
        assert!(document.error.message.contains("row "), "{}", document.error.message);
    }
}

#[test]
fn a_missing_tid_is_an_error_of_either_merger() {
    let (_home, inputs) = corpus("metrics-null-tid");
    for writer in ["tid-merger", "unified-tid-merger"] {
        let document = failure(&[&[writer], RANGE.as_slice()].concat(), &inputs);
        assert_eq!(document.error.class.as_str(), "input", "{writer}: {}", document.error.message);
        assert!(document.error.message.contains("_cardinalhq.tid"), "{writer}: {}", document.error.message);
        assert!(document.error.message.contains(".parquet"), "{writer}: {}", document.error.message);
    }
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let (_home, inputs) = corpus("metrics-one-input");
    for writer in ["tid-merger", "unified-tid-merger"] {
        for (interval, end) in [("0", "60000"), ("7000", "60000")] {
            let command = [writer, "--interval", interval, "--start", "0", "--end", end];
            let document = failure(&command, &inputs);
            assert_eq!(document.error.class.as_str(), "config", "{writer}: {}", document.error.message);
        }
    }
    let slot = failure(&["unified", "--signal", "metrics", "--slot", "3"], &inputs);
    assert!(slot.error.message.contains("--slot is for traces"), "{}", slot.error.message);
}

#[test]
fn a_run_of_metrics_without_its_parameters_says_which_and_how() {
    let (_home, inputs) = corpus("metrics-one-input");
    let finished = parallax(&["run", "--signal", "metrics", "--corpus", &inputs[0]]).finish().expect(2);
    assert!(finished.stderr.contains("--param interval=N"), "{}", finished.stderr);
    let wrong =
        parallax(&["run", "--corpus", "metrics-one-input", "--baseline", "legacy:buffet"]).finish().expect(2);
    assert!(wrong.stderr.contains("legacy:tid-merger"), "{}", wrong.stderr);
}
