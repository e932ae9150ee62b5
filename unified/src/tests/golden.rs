//! The merger against recorded outputs of the original one.
//!
//! Rows are compared as multisets over all files of a case: the original cuts its files elsewhere. Every value counts,
//! sketches and figures to the last bit. The case that shows a defect of the original is named,
//! with what is right instead.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use super::*;
use crate::{Columns, ErrorKind, Outcome, TidMergeJob};

/// A directory of cases beside the crate.
fn directory(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn cases(directory: &Path) -> Vec<PathBuf> {
    let is_merge = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("tidmerge-") || name.starts_with("real-tidmerge-")
    };
    entries(directory).into_iter().filter(is_merge).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Rows as text, nulls left out, floats by their bits, strings and bytes alike by their bytes.
fn exact_rows(path: &Path) -> Vec<String> {
    let batch = read(path);
    let mut rows = vec![BTreeMap::new(); batch.num_rows()];
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let formatter = ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default()).unwrap();
        for (index, row) in rows.iter_mut().enumerate().filter(|(index, _)| array.is_valid(*index)) {
            let text = match array.data_type() {
                DataType::Float64 => {
                    let value = array.as_primitive::<Float64Type>().value(index);
                    format!("{value:e} {:x}", value.to_bits())
                }
                DataType::Utf8 => format!("{:02x?}", array.as_string::<i32>().value(index).as_bytes()),
                DataType::Binary => format!("{:02x?}", array.as_binary::<i32>().value(index)),
                _ => formatter.value(index).to_string(),
            };
            row.insert(field.name().clone(), text);
        }
    }
    rows.into_iter().map(|row| format!("{row:?}")).collect()
}

fn run(case: &Path, place: &Place, memory_limit: u64) -> crate::Result<Outcome> {
    let params = json(&case.join("params.json"));
    let number = |name: &str| params["params"][name].as_str().unwrap().parse::<i64>().unwrap();
    let inputs: Vec<PathBuf> =
        params["inputs"].as_array().unwrap().iter().map(|input| case.join(input.as_str().unwrap())).collect();
    TidMergeJob {
        inputs: &inputs,
        output: place.output.path(),
        scratch: place.scratch.path(),
        interval: number("interval"),
        row_estimate: number("row-estimate"),
        start: number("start"),
        end: number("end"),
        target_size: crate::DEFAULT_TARGET_SIZE,
        memory_limit,
        threads: 1,
        sync: false,
        columns: &Columns::default(),
        cancel: None,
    }
    .run()
}

/// Class of the error with which a case must end here.
fn expected_error(name: &str) -> Option<ErrorKind> {
    let starts = |list: &[&str]| list.iter().any(|case| name.starts_with(case));
    if starts(&["tidmerge-interval-zero", "tidmerge-interval-not-dividing", "tidmerge-no-files"]) {
        Some(ErrorKind::Config)
    } else if starts(&["tidmerge-int32-tid", "tidmerge-sketch-as-string", "tidmerge-type-mismatch"]) {
        Some(ErrorKind::SchemaConflict)
    } else if starts(&["tidmerge-no-tid-column", "tidmerge-null-tid"]) {
        Some(ErrorKind::Input)
    } else {
        None
    }
}

fn check(case: &Path) {
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    let expected = json(&case.join("expected.json"));
    let place = Place::new();
    let outcome = run(case, &place, 1 << 26);
    let failed = !expected["error"].is_null() || expected.get("panic").is_some();
    if let Some(kind) = expected_error(&name) {
        assert!(failed, "{name}");
        assert_eq!(outcome.unwrap_err().kind(), kind, "{name}");
        return place.assert_empty();
    }
    assert!(!failed, "{name}: {expected}");
    if name == "tidmerge-maxtid-middle-est0" {
        // Its input is not sorted. The original loses the rows behind the highest TID (defect D) and says nothing.
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unsorted);
        return place.assert_empty();
    }
    let outcome = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
    place.assert_only(&outcome.files());
    let mut mine: Vec<String> = outcome.files().iter().flat_map(|file| exact_rows(&file.path)).collect();
    let outputs = case.join("output");
    let outputs = if outputs.is_dir() { entries(&outputs) } else { Vec::new() };
    let mut theirs: Vec<String> = outputs.iter().flat_map(|path| exact_rows(path)).collect();
    mine.sort();
    theirs.sort();
    let out_of_range = expected["merge_stats"]["DatapointsOutOfRange"].as_u64().unwrap_or(0);
    for (mine, theirs) in mine.iter().zip(&theirs) {
        assert_eq!(mine, theirs, "{name}");
    }
    assert_eq!(mine.len(), theirs.len(), "{name}");
    assert_eq!(outcome.merge_stats.unwrap().datapoints_out_of_range, out_of_range, "{name}");
    let dropped: u64 = outcome.rows_dropped.values().sum();
    assert_eq!(outcome.rows_read, mine.len() as u64 + dropped + outcome.rows_merged, "{name}");
    // The memory limit changes nothing, even one that sends timeseries through the disk.
    let tight = Place::new();
    let again = run(case, &tight, 150_000).unwrap();
    assert_eq!(contents(&again.files()), contents(&outcome.files()), "{name}");
    assert_eq!(
        (again.rows_dropped, again.rows_merged),
        (outcome.rows_dropped, outcome.rows_merged),
        "{name}"
    );
}

#[test]
fn committed_cases_come_out_as_the_original_had_them() {
    let cases = cases(&directory("tests/golden"));
    assert!(cases.len() >= 30, "{}", cases.len());
    cases.iter().for_each(|case| check(case));
}

#[test]
fn all_recorded_cases_come_out_as_the_original_had_them() {
    let directory = directory("../shared/golden");
    if !directory.is_dir() {
        assert!(std::env::var_os("PARALLAX_REQUIRE_GOLDEN").is_none(), "no golden files");
        eprintln!("SKIPPED: no golden files beside the repository");
        return;
    }
    cases(&directory).iter().for_each(|case| check(case));
}
