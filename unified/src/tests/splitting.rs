//! Where files end.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use super::*;
use crate::{ErrorKind, Ordering};

fn counts(files: &[FileResult]) -> Vec<u64> {
    files.iter().map(|file| file.record_count).collect()
}

fn hours(path: &Path) -> Vec<i64> {
    let rows = read(path);
    let mut hours: Vec<i64> = rows
        .column_by_name(TIME)
        .unwrap()
        .as_primitive::<Int64Type>()
        .iter()
        .flatten()
        .map(|time| time.div_euclid(3_600_000))
        .collect();
    hours.dedup();
    hours
}

/// Sizes of all but the last file lie near the target, none far above it, and the last is not tiny.
fn assert_near_target(files: &[FileResult], target: u64) {
    let mut sizes: Vec<u64> = files.iter().map(|file| file.file_size).collect();
    for file in files {
        assert_eq!(file.file_size, std::fs::metadata(&file.path).unwrap().len());
    }
    assert!(sizes.iter().all(|size| *size as f64 <= 1.15 * target as f64), "{sizes:?}");
    assert!(*sizes.last().unwrap() as f64 >= 0.4 * target as f64, "{sizes:?}");
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2] as f64 / target as f64;
    assert!((0.9..=1.1).contains(&median), "{median} {sizes:?}");
}

#[test]
fn rows_per_file_counts_exactly_and_leaves_no_empty_file() {
    for rows in [999, 1000, 1001] {
        for batch_rows in [1, 7, 100, 10_000] {
            let place = Place::new();
            let mut writer = place.logs().rows_per_file(100).build().unwrap();
            let all: Vec<i64> = (0..rows).collect();
            for times in all.chunks(batch_rows) {
                writer.write(&log_batch(times.to_vec(), 8, 1)).unwrap();
            }
            let files = writer.finish().unwrap().into_vec().unwrap();
            let mut expected = vec![100; rows as usize / 100];
            expected.extend((rows % 100 > 0).then_some(rows as u64 % 100));
            assert_eq!(counts(&files), expected);
            place.assert_only(&files);
        }
    }
}

#[test]
fn files_end_near_the_target_size() {
    for (target, width, rows) in [(100_000, 200, 20_000), (30_000, 40, 20_000), (1_100_000, 150, 60_000)] {
        let place = Place::new();
        let mut writer = place.logs().target_size(target).build().unwrap();
        for start in 0..10 {
            let times = (0..rows / 10).map(|n| n * 10 + start).collect();
            writer.write(&log_batch(times, width, start as u64)).unwrap();
        }
        let files = writer.finish().unwrap().into_vec().unwrap();
        assert!(files.len() >= 3, "{}", files.len());
        assert_near_target(&files, target);
    }
}

#[test]
fn highly_compressible_rows_are_measured_not_guessed() {
    let place = Place::new();
    let target = 60_000;
    let mut writer = place.logs().target_size(target).build().unwrap();
    let mut numbers = noise(3);
    for start in 0..20i64 {
        let times: Vec<i64> = (start * 5000..(start + 1) * 5000).collect();
        let words: Vec<String> = times
            .iter()
            .map(|_| {
                format!(
                    "request {} took a while and returned {}",
                    numbers.next().unwrap() % 50,
                    numbers.next().unwrap() % 9
                )
            })
            .collect();
        writer.write(&batch(vec![(TIME, ints(times)), ("_cardinalhq.message", texts(words))])).unwrap();
    }
    let files = writer.finish().unwrap().into_vec().unwrap();
    assert!(files.len() >= 3);
    assert_near_target(&files, target);
}

#[test]
fn unsorted_streams_come_near_the_target_too() {
    let place = Place::new();
    let builder = place.logs().ordering(Ordering::None).target_size(100_000).expected_rows(20_000);
    let mut writer = builder.build().unwrap();
    for start in 0..20 {
        writer.write(&log_batch((0..1000).collect(), 150, start)).unwrap();
    }
    assert_near_target(&writer.finish().unwrap().into_vec().unwrap(), 100_000);
}

#[test]
fn a_small_job_is_one_file() {
    let place = Place::new();
    let mut writer = place.logs().build().unwrap();
    for start in 0..50 {
        writer.write(&log_batch(vec![start, start + 100], 10, start as u64)).unwrap();
    }
    assert_eq!(counts(&writer.finish().unwrap().into_vec().unwrap()), [100]);
}

#[test]
fn files_end_at_hours_where_asked() {
    let hour = 3_600_000;
    let times = vec![hour, hour - 1, -1, 0, 2 * hour, -hour, hour + 5];
    for (split, expected) in [(true, vec![1, 1, 2, 2, 1]), (false, vec![7])] {
        let place = Place::new();
        let mut writer = place.logs().split_hours(split).build().unwrap();
        writer.write(&log_batch(times.clone(), 10, 1)).unwrap();
        let files = writer.finish().unwrap().into_vec().unwrap();
        let expected = if split { vec![2, 2, 2, 1] } else { expected };
        assert_eq!(counts(&files), expected);
        if split {
            assert!(files.iter().all(|file| hours(&file.path).len() == 1));
        }
        // The end of one range never equals the start of the next: the last is inclusive.
        assert!(files.windows(2).all(|pair| pair[0].last_ts < pair[1].first_ts));
    }
}

#[test]
fn each_hour_is_dealt_into_even_files() {
    let place = Place::new();
    let target = 50_000;
    let mut writer = place.logs().split_hours(true).target_size(target).build().unwrap();
    let times: Vec<i64> = (0..9000).map(|n| (n * 7919) % (3 * 3_600_000)).collect();
    writer.write(&log_batch(times, 100, 1)).unwrap();
    let files = writer.finish().unwrap().into_vec().unwrap();
    assert!(files.len() > 6);
    for file in &files {
        assert!(file.file_size > 20_000, "{files:?}");
        assert_eq!(hours(&file.path).len(), 1);
    }
}

#[test]
fn metadata_belongs_to_each_file_alone() {
    let place = Place::new();
    let mut writer = place.logs().rows_per_file(2).build().unwrap();
    let rows =
        batch(vec![(TIME, ints([10, 20, 30, 40, 50])), ("resource.file", texts(["a", "b", "c", "d", "e"]))]);
    writer.write(&rows).unwrap();
    let files = writer.finish().unwrap().into_vec().unwrap();
    let ranges: Vec<_> = files.iter().map(|file| (file.first_ts.unwrap(), file.last_ts.unwrap())).collect();
    assert_eq!(ranges, [(10, 20), (30, 40), (50, 50)]);
    let counts: Vec<usize> = files.iter().map(|file| file.fingerprints.as_ref().unwrap().len()).collect();
    assert_eq!(counts, [3, 3, 2], "`.*` and one token a value, in every file");
    let shared: Vec<_> = files[0]
        .fingerprints
        .as_ref()
        .unwrap()
        .intersection(files[1].fingerprints.as_ref().unwrap())
        .collect();
    assert_eq!(shared.len(), 1);
}

/// Rows of groups 0.. with the given sizes, in order.
fn grouped(sizes: &[usize]) -> Vec<(i64, i64)> {
    let mut n = 0;
    let mut rows = Vec::new();
    for (group, size) in sizes.iter().enumerate() {
        for _ in 0..*size {
            rows.push((group as i64, n));
            n += 1;
        }
    }
    rows
}

fn write_grouped(builder: UnifiedWriterBuilder, rows: &[(i64, i64)], batch_rows: usize) -> Vec<FileResult> {
    let mut writer = builder.build().unwrap();
    for chunk in rows.chunks(batch_rows) {
        // By the row alone, so that the same rows come in batches of any size.
        let text = |n: i64| format!("{:016x}", noise(n as u64 + 1).nth(3).unwrap());
        let text: Vec<String> = chunk.iter().map(|row| text(row.1)).collect();
        let columns = vec![
            ("g", ints(chunk.iter().map(|row| row.0))),
            ("n", ints(chunk.iter().map(|row| row.1))),
            ("_cardinalhq.message", texts(text)),
        ];
        writer.write(&batch(columns)).unwrap();
    }
    writer.finish().unwrap().into_vec().unwrap()
}

fn groups_of(file: &FileResult) -> Vec<i64> {
    let mut groups =
        read(&file.path).column_by_name("g").unwrap().as_primitive::<Int64Type>().values().to_vec();
    groups.dedup();
    groups
}

fn assert_groups_whole(files: &[FileResult], groups: usize) {
    let all: Vec<i64> = files.iter().flat_map(groups_of).collect();
    assert_eq!(all, (0..groups as i64).collect::<Vec<_>>(), "a group was split or moved");
}

#[test]
fn a_group_is_never_split_whatever_the_batches_and_limits() {
    let sizes = [3, 1, 50, 2, 2, 2, 9, 1, 1, 30, 4];
    let rows = grouped(&sizes);
    for batch_rows in [1, 2, 3, 5, 10, 53, 1000] {
        for per_file in [1, 2, 3, 10, 54, 1000] {
            for ordered in [false, true] {
                let place = Place::new();
                let mut builder = place.plain().rows_per_file(per_file).no_split_groups("g");
                if ordered {
                    builder = builder.sort_key("g", KeyType::Int64).ordering(Ordering::Presumed);
                }
                let files = write_grouped(builder, &rows, batch_rows);
                assert_groups_whole(&files, sizes.len());
                // No tiny file at every group change: a file ends only once it has its rows.
                for file in &files[..files.len() - 1] {
                    assert!(file.record_count >= per_file as u64);
                }
            }
        }
    }
}

#[test]
fn groups_stay_whole_when_files_end_by_size() {
    let sizes: Vec<usize> = noise(5).take(300).map(|n| 1 + (n % 60) as usize).chain([4000, 1, 1]).collect();
    let rows = grouped(&sizes);
    let mut outputs = Vec::new();
    for batch_rows in [97, 1024, 100_000] {
        let place = Place::new();
        let builder = place.plain().target_size(20_000).no_split_groups("g").expected_rows(rows.len() as u64);
        let files = write_grouped(builder, &rows, batch_rows);
        assert_groups_whole(&files, sizes.len());
        assert!(files.len() > 5 && files.len() < 40, "{}", files.len());
        outputs.push(counts(&files));
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "batch sizes changed the split: {outputs:?}");
}

#[test]
fn a_group_that_comes_back_is_an_error() {
    let place = Place::new();
    let mut writer = place.plain().no_split_groups("g").build().unwrap();
    writer.write(&batch(vec![("g", ints([1, 1, 2, 3]))])).unwrap();
    let error = writer.write(&batch(vec![("g", ints([3, 1]))])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsorted);
    drop(writer);
    assert!(error.to_string().contains("output row 5"), "{error}");
    place.assert_empty();
}

#[test]
fn null_is_a_group_of_its_own() {
    let place = Place::new();
    let groups: ArrayRef = Arc::new(Int64Array::from(vec![None, None, None, Some(1), Some(1)]));
    let mut writer = place.plain().rows_per_file(1).no_split_groups("g").build().unwrap();
    writer.write(&batch(vec![("g", groups), ("n", ints(0..5))])).unwrap();
    assert_eq!(counts(&writer.finish().unwrap().into_vec().unwrap()), [3, 2]);
}

#[test]
fn very_long_values_do_not_depend_on_batch_sizes() {
    let texts_of = |from: usize, to: usize| {
        texts((from..to).map(|n| {
            let len = if n % 50 == 0 { 700_000 } else { 10 };
            noise(n as u64 + 1).map(|x| (b'a' + (x % 26) as u8) as char).take(len).collect::<String>()
        }))
    };
    let mut outputs = Vec::new();
    for (batch_rows, limit) in [(200, 1 << 28), (33, 1 << 22)] {
        let place = Place::new();
        let mut writer = place.logs().target_size(400_000).memory_limit(limit).build().unwrap();
        for from in (0..200).step_by(batch_rows) {
            let to = (from + batch_rows).min(200);
            writer
                .write(&batch(vec![(TIME, ints(from as i64..to as i64)), ("m", texts_of(from, to))]))
                .unwrap();
        }
        let files = writer.finish().unwrap().into_vec().unwrap();
        outputs.push(contents(&files));
    }
    assert!(outputs[0] == outputs[1]);
}
