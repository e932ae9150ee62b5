//! Every strategy gives the same rows in the same order, or says why not.

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::{Float64Type, Int64Type};

use super::*;
use crate::{ErrorKind, Ordering};

/// Batches whose keys are shuffled, with ties and missing keys; `n` tells rows apart in order of arrival.
fn shuffled(batches: usize, rows: usize) -> Vec<RecordBatch> {
    let mut numbers = noise(7);
    let mut n = 0;
    (0..batches)
        .map(|_| {
            let keys: Int64Array =
                numbers.by_ref().take(rows).map(|x| (x % 11 != 0).then_some((x % 97) as i64 - 40)).collect();
            let order = ints((n..).take(rows));
            n += rows as i64;
            batch(vec![(TIME, Arc::new(keys)), ("n", order)])
        })
        .collect()
}

/// The (key, arrival) pairs, sorted stably by an independent means.
fn expected(batches: &[RecordBatch]) -> Vec<(Option<i64>, i64)> {
    let mut rows: Vec<(Option<i64>, i64)> = batches
        .iter()
        .flat_map(|batch| {
            let keys: Vec<_> = batch.column(0).as_primitive::<Int64Type>().iter().collect();
            let order = batch.column(1).as_primitive::<Int64Type>().values().to_vec();
            keys.into_iter().zip(order).collect::<Vec<_>>()
        })
        .collect();
    rows.sort_by_key(|row| row.0);
    rows
}

fn pairs(files: &[FileResult]) -> Vec<(Option<i64>, i64)> {
    let mut all = Vec::new();
    for file in files {
        let rows = read(&file.path);
        let order = rows.column_by_name("n").unwrap().as_primitive::<Int64Type>().values().to_vec();
        let keys: Vec<Option<i64>> = match rows.column_by_name(TIME) {
            Some(keys) => keys.as_primitive::<Int64Type>().iter().collect(),
            None => vec![None; rows.num_rows()],
        };
        all.extend(keys.into_iter().zip(order));
    }
    all
}

#[test]
fn all_sorting_strategies_are_stable_and_put_missing_keys_first() {
    let batches = shuffled(60, 100);
    let expected = expected(&batches);
    let mut outputs = Vec::new();
    for (ordering, limit) in [
        (Ordering::InMemory, 1 << 24),
        (Ordering::Spillable, 1 << 24),
        (Ordering::Spillable, 1 << 17),
        (Ordering::Spillable, 1 << 12),
        (Ordering::ExternalMergeSort, 1 << 24),
        (Ordering::ExternalMergeSort, 1 << 14),
    ] {
        let place = Place::new();
        let mut writer =
            place.logs().ordering(ordering).memory_limit(limit).rows_per_file(1500).build().unwrap();
        for batch in &batches {
            writer.write(batch).unwrap();
        }
        let files = writer.finish().unwrap().into_vec().unwrap();
        assert_eq!(pairs(&files), expected, "{ordering:?} {limit}");
        let missing = expected.iter().filter(|row| row.0.is_none()).count() as u64;
        assert_eq!(writer.counts().missing_sort_keys, missing);
        let runs = writer.counts().spilled_runs;
        match (ordering, limit) {
            (Ordering::Spillable, 4096) => assert!(runs > 2 * crate::order::merge::FAN_IN as u64, "{runs}"),
            (Ordering::Spillable, 131_072) => assert!(runs > 0),
            (Ordering::InMemory | Ordering::Spillable, _) => assert_eq!(runs, 0),
            _ => {}
        }
        place.assert_only(&files);
        outputs.push(contents(&files));
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "the memory limit changed the output's bytes");
}

#[test]
fn no_strategy_keeps_the_order_of_arrival() {
    let place = Place::new();
    let mut writer = place.logs().ordering(Ordering::None).rows_per_file(77).build().unwrap();
    let batches = shuffled(3, 100);
    for batch in &batches {
        writer.write(batch).unwrap();
    }
    let files = writer.finish().unwrap().into_vec().unwrap();
    let order: Vec<i64> = pairs(&files).into_iter().map(|row| row.1).collect();
    assert_eq!(order, (0..300).collect::<Vec<_>>());
    assert!(footer(&files[0].path).row_group(0).sorting_columns().is_none());
}

#[test]
fn a_sort_in_memory_that_does_not_fit_is_an_error() {
    let place = Place::new();
    let mut writer = place.logs().ordering(Ordering::InMemory).memory_limit(4096).build().unwrap();
    let error = writer.write(&log_batch((0..1000).collect(), 100, 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    place.assert_empty();
}

#[test]
fn a_false_claim_of_sortedness_is_an_error_that_names_the_row() {
    let place = Place::new();
    let mut writer = place.logs().ordering(Ordering::Presumed).build().unwrap();
    writer.write(&log_batch(vec![1, 2, 2], 10, 1)).unwrap();
    let error = writer.write(&log_batch(vec![2, 5, 4], 10, 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsorted);
    let text = error.to_string();
    assert!(text.starts_with("batch 2, row 2: sort key 4"), "{text}");
    assert!(text.contains("follows 5") && text.contains(TIME), "{text}");
    place.assert_empty();
}

#[test]
fn the_claim_is_verified_across_batches_and_for_missing_keys() {
    let missing = batch(vec![(TIME, Arc::new(Int64Array::from(vec![None::<i64>]))), ("n", ints([1]))]);
    for (first, second) in
        [(log_batch(vec![5], 10, 1), log_batch(vec![4], 10, 1)), (log_batch(vec![5], 10, 1), missing)]
    {
        let place = Place::new();
        let mut writer = place.logs().ordering(Ordering::Presumed).build().unwrap();
        writer.write(&first).unwrap();
        assert_eq!(writer.write(&second).unwrap_err().kind(), ErrorKind::Unsorted);
    }
}

#[test]
fn a_true_claim_is_labelled_sorted() {
    let place = Place::new();
    let mut writer = place.logs().ordering(Ordering::Presumed).build().unwrap();
    writer.write(&log_batch(vec![1, 2], 10, 1)).unwrap();
    let files = writer.finish().unwrap().into_vec().unwrap();
    let footer = footer(&files[0].path);
    let sorting = footer.row_group(0).sorting_columns().unwrap();
    let column = sorting[0].column_idx as usize;
    assert_eq!(footer.file_metadata().schema_descr().column(column).path().parts(), [TIME]);
    assert!(!sorting[0].descending && sorting[0].nulls_first);
}

#[test]
fn float_keys_are_ordered_truncated_stored_unchanged_and_not_labelled_sorted() {
    let place = Place::new();
    let mut writer = place.plain().sort_key(TIME, KeyType::Lenient).build().unwrap();
    let values = [2.5, 1.9, 1.1, -0.0, f64::NAN, -3.7];
    writer
        .write(&batch(vec![(TIME, Arc::new(Float64Array::from(values.to_vec()))), ("n", ints(0..6))]))
        .unwrap();
    let files = writer.finish().unwrap().into_vec().unwrap();
    let rows = read(&files[0].path);
    let stored = rows.column_by_name(TIME).unwrap().as_primitive::<Float64Type>().values().to_vec();
    let bits: Vec<u64> = stored.iter().map(|value| value.to_bits()).collect();
    let expected = [f64::NAN, -3.7, -0.0, 1.9, 1.1, 2.5].map(f64::to_bits);
    assert_eq!(bits, expected);
    assert_eq!((files[0].first_ts, files[0].last_ts), (Some(i64::MIN), Some(2)));
    assert!(footer(&files[0].path).row_group(0).sorting_columns().is_none());
}

#[test]
fn a_batch_larger_than_the_memory_limit_is_sorted_all_the_same() {
    let place = Place::new();
    let mut writer = place.logs().memory_limit(32 * 1024).rows_per_file(100_000).build().unwrap();
    writer.write(&log_batch((0..5000).rev().collect(), 64, 1)).unwrap();
    assert!(writer.counts().spilled_runs > 4);
    let files = writer.finish().unwrap().into_vec().unwrap();
    let times =
        read(&files[0].path).column_by_name(TIME).unwrap().as_primitive::<Int64Type>().values().to_vec();
    assert_eq!(times, (0..5000).collect::<Vec<_>>());
}
