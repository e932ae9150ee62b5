//! Random batches, limits and strategies against an independent recomputation from the files.

use std::collections::BTreeSet;

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::Int64Type;
use proptest::prelude::*;

use super::*;
use crate::{Columns, Ordering};

/// A cell of a random row: absent column, null, or a value.
#[derive(Debug, Clone)]
struct RandomBatch {
    times: Vec<Option<i64>>,
    texts: Option<Vec<Option<String>>>,
    levels: Option<Vec<Option<String>>>,
    numbers: Option<Vec<Option<f64>>>,
}

fn some<T: std::fmt::Debug + Clone>(
    values: impl Strategy<Value = T>,
    rows: usize,
) -> impl Strategy<Value = Option<Vec<Option<T>>>> {
    proptest::option::of(proptest::collection::vec(proptest::option::of(values), rows))
}

fn random_batch() -> impl Strategy<Value = RandomBatch> {
    (0usize..40).prop_flat_map(|rows| {
        let times =
            proptest::collection::vec(proptest::option::weighted(0.9, -5_000_000i64..5_000_000), rows);
        let number = prop_oneof![Just(f64::NAN), Just(-0.0), any::<f64>()];
        (times, some("[a-cé]{0,6}", rows), some("(info|warn|\u{1d11e}ab|)", rows), some(number, rows))
            .prop_map(|(times, texts, levels, numbers)| RandomBatch { times, texts, levels, numbers })
    })
}

fn to_arrow(random: &RandomBatch) -> RecordBatch {
    let mut columns: Vec<(&str, ArrayRef)> = vec![(TIME, Arc::new(Int64Array::from(random.times.clone())))];
    if let Some(values) = &random.texts {
        columns.push(("resource.file", Arc::new(values.iter().cloned().collect::<StringArray>())));
    }
    if let Some(values) = &random.levels {
        columns.push(("_cardinalhq.level", Arc::new(values.iter().cloned().collect::<StringArray>())));
    }
    if let Some(values) = &random.numbers {
        columns.push(("number", Arc::new(Float64Array::from(values.clone()))));
    }
    batch(columns)
}

/// Fingerprints the slow way, value by value.
fn fingerprints(rows: &RecordBatch) -> BTreeSet<i64> {
    let columns = Columns::default();
    let mut tokens = BTreeSet::new();
    for (field, array) in rows.schema().fields().iter().zip(rows.columns()) {
        let Some(strings) = array.as_string_opt::<i32>() else { continue };
        for value in strings.iter().flatten().filter(|value| !value.is_empty()) {
            tokens.insert(format!("{}:.*", field.name()));
            if columns.full_value.contains(field.name()) {
                tokens.insert(format!("{}:{value}", field.name()));
            }
            if columns.trigram.contains(field.name()) {
                let characters: Vec<char> = value.chars().collect();
                for window in characters.windows(3) {
                    tokens.insert(format!("{}:{}", field.name(), window.iter().collect::<String>()));
                }
            }
        }
    }
    let hash = |token: &String| {
        token.bytes().fold(0u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte))) as i64
    };
    tokens.iter().map(hash).collect()
}

fn ordering() -> impl Strategy<Value = Ordering> {
    prop_oneof![
        Just(Ordering::None),
        Just(Ordering::InMemory),
        Just(Ordering::ExternalMergeSort),
        Just(Ordering::Spillable)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_are_preserved_sorted_and_truly_described(
        batches in proptest::collection::vec(random_batch(), 0..12),
        ordering in ordering(),
        limit in prop_oneof![Just(1u64 << 12), Just(1 << 15), Just(1 << 24)],
        rows_per_file in prop_oneof![Just(0i64), 1i64..60],
        target in 2_000u64..20_000,
        split_hours in any::<bool>(),
    ) {
        let limit = if ordering == Ordering::InMemory { 1 << 24 } else { limit };
        let place = Place::new();
        let mut writer = place.logs().ordering(ordering).memory_limit(limit).rows_per_file(rows_per_file)
            .target_size(target).split_hours(split_hours).build().unwrap();
        let mut expected = Vec::new();
        for random in &batches {
            let batch = to_arrow(random);
            expected.extend(row_texts(&batch));
            writer.write(&batch).unwrap();
        }
        let files = writer.finish().unwrap().into_vec().unwrap();
        place.assert_only(&files);
        prop_assert_eq!(sorted(all_rows(&files)), sorted(expected.clone()));
        if ordering == Ordering::None {
            prop_assert_eq!(all_rows(&files), expected);
        }
        let mut keys: Vec<Option<i64>> = Vec::new();
        for file in &files {
            let rows = read(&file.path);
            prop_assert_eq!(rows.num_rows() as u64, file.record_count);
            prop_assert!(rows.num_rows() > 0);
            prop_assert_eq!(std::fs::metadata(&file.path).unwrap().len(), file.file_size);
            let all_null = rows.columns().iter().all(|c| c.null_count() == c.len());
            for column in rows.columns() {
                prop_assert!(all_null || column.null_count() < column.len(), "a column without values");
            }
            let times: Vec<Option<i64>> = match rows.column_by_name(TIME) {
                Some(times) => times.as_primitive::<Int64Type>().iter().collect(),
                None => vec![None; rows.num_rows()],
            };
            prop_assert_eq!(times.iter().flatten().min().copied(), file.first_ts);
            prop_assert_eq!(times.iter().flatten().max().copied(), file.last_ts);
            if split_hours {
                let hours: BTreeSet<i64> = times.iter().flatten().map(|t| t.div_euclid(3_600_000)).collect();
                prop_assert!(hours.len() <= 1);
            }
            prop_assert_eq!(&fingerprints(&rows), file.fingerprints.as_ref().unwrap());
            keys.extend(times);
        }
        if ordering != Ordering::None {
            prop_assert!(keys.is_sorted());
        }
    }

    #[test]
    fn output_does_not_depend_on_batch_sizes_or_the_memory_limit(
        batches in proptest::collection::vec(random_batch(), 1..12),
        cut in 1usize..30,
        target in 2_000u64..20_000,
    ) {
        let whole = Place::new();
        let mut writer = whole.logs().target_size(target).build().unwrap();
        batches.iter().for_each(|random| writer.write(&to_arrow(random)).unwrap());
        let whole = contents(&writer.finish().unwrap().into_vec().unwrap());

        let pieces = Place::new();
        let mut writer = pieces.logs().target_size(target).memory_limit(1 << 12).build().unwrap();
        for random in &batches {
            let batch = to_arrow(random);
            for start in (0..batch.num_rows()).step_by(cut) {
                writer.write(&batch.slice(start, cut.min(batch.num_rows() - start))).unwrap();
            }
        }
        prop_assert!(whole == contents(&writer.finish().unwrap().into_vec().unwrap()));
    }
}
