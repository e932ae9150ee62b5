//! Files that did not come out as large as they should: lines of one pattern, which shrink to almost nothing, and random digits,
//! which do not, take turns.

use arrow::array::{
    Array, AsArray, DictionaryArray, Float64Array, Int64Builder, ListArray, MapBuilder, StringBuilder,
    StructArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimeUnit};

use super::*;

const HOUR: i64 = 3_600_000;

fn line(row: i64, block: i64, number: u64) -> String {
    match row / block % 2 {
        0 => format!("request {:>5} took a while, returned", number % 50),
        _ => format!("{number:016x}{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
    }
}

/// Rows of so many such columns, and their time.
pub(super) fn turns(rows: i64, block: i64, columns: usize) -> RecordBatch {
    let mut numbers = noise(3);
    let names = ["a", "b", "c", "d", "e", "f"];
    let mut all = vec![(TIME, ints(0..rows))];
    for name in names.into_iter().take(columns) {
        all.push((name, texts((0..rows).map(|row| line(row, block, numbers.next().unwrap())))));
    }
    batch(all)
}

/// Rows of every kind that may take another form on the way through a file: codes, nulls, no number, columns that begin late.
fn motley(rows: i64, block: i64) -> RecordBatch {
    let mut numbers = noise(9);
    let lines: Vec<String> = (0..rows).map(|row| line(row, block, numbers.next().unwrap())).collect();
    let words: DictionaryArray<Int32Type> = (0..rows)
        .map(|row| (row % 11 > 0).then(|| ["x", "y", "", "long enough"][(row % 4) as usize]))
        .collect();
    let floats = (0..rows).map(|row| match row % 5 {
        0 => None,
        1 => Some(f64::from_bits(0x7ff8_0000_dead_beef)),
        2 => Some(-0.0),
        _ => Some(row as f64 / 7.0),
    });
    let late = (0..rows).map(|row| (row > rows / 2).then_some(row * row));
    batch(vec![
        (
            TIME,
            Arc::new((0..rows).map(|row| (row % 97 > 0).then_some(row)).collect::<Int64Array>()) as ArrayRef,
        ),
        ("lines", texts(lines)),
        ("words", Arc::new(words)),
        ("floats", Arc::new(floats.collect::<Float64Array>())),
        ("late", Arc::new(late.collect::<Int64Array>())),
    ])
}

fn written(builder: UnifiedWriterBuilder, rows: &RecordBatch, batch_rows: usize) -> Vec<FileResult> {
    let mut writer = builder.build().unwrap();
    for at in (0..rows.num_rows()).step_by(batch_rows) {
        writer.write(&rows.slice(at, batch_rows.min(rows.num_rows() - at))).unwrap();
    }
    writer.finish().unwrap().into_vec().unwrap()
}

fn sizes(files: &[FileResult], target: u64) -> Vec<f64> {
    files.iter().map(|file| file.file_size as f64 / target as f64).collect()
}

/// Files of these rows are cut again: without a place for that the job fails.
fn assert_cut_again(target: u64, rows: &RecordBatch) {
    let place = Place::new();
    let gone = place.scratch.path().join("gone");
    std::fs::create_dir(&gone).unwrap();
    let mut writer = place.plain().scratch(&gone).target_size(target).build().unwrap();
    std::fs::remove_dir(&gone).unwrap();
    let error = writer.write(rows).and_then(|()| writer.finish().map(drop)).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Io);
    assert!(error.to_string().contains("gone"), "{error}");
    place.assert_empty();
}

#[test]
fn no_file_is_too_large_or_too_small_where_rows_suddenly_compress_much_worse() {
    for (target, block, columns) in
        [(1_100_000, 20_011, 6), (1_100_000, 50_021, 6), (100_000, 7001, 1), (100_000, 3003, 5)]
    {
        let place = Place::new();
        let rows = turns(200_000, block, columns);
        let files = written(place.logs().target_size(target), &rows, 2500);
        assert_eq!(files.iter().map(|file| file.record_count).sum::<u64>(), 200_000);
        let mut sizes = sizes(&files, target);
        assert!(
            sizes.len() > 6 && sizes.iter().all(|size| (0.5..=1.15).contains(size)),
            "{block}: {sizes:?}"
        );
        sizes.sort_unstable_by(f64::total_cmp);
        let median = sizes[sizes.len() / 2];
        assert!((0.9..=1.1).contains(&median), "{block}: {sizes:?}");
        place.assert_only(&files);
    }
}

#[test]
fn without_a_word_on_how_many_rows_will_come_the_last_file_is_no_tiny_one() {
    let target = 100_000;
    for rows in (20_000..40_000).step_by(2500) {
        let place = Place::new();
        let files = written(place.plain().target_size(target), &turns(rows, 1, 1), 1000);
        let sizes = sizes(&files, target);
        let all = sizes.iter().all(|size| (0.5..=1.15).contains(size));
        assert!(all || sizes.len() == 1, "{rows}: {sizes:?}");
    }
}

#[test]
fn rows_come_back_as_they_were_whatever_the_batches_threads_and_limits() {
    let rows = motley(60_000, 4001);
    let mut outputs = Vec::new();
    for (batch_rows, threads, limit) in [(60_000, 1, 1 << 28), (777, 2, 1 << 28), (5000, 4, 1 << 22)] {
        let place = Place::new();
        let builder = place.plain().target_size(100_000).memory_limit(limit).threads(threads);
        let files = written(builder, &rows, batch_rows);
        let sizes = sizes(&files, 100_000);
        assert!(sizes.len() > 6 && sizes.iter().all(|size| (0.5..=1.15).contains(size)), "{sizes:?}");
        let mut at = 0;
        for file in &files {
            let expected = rows.slice(at, file.record_count as usize);
            at += expected.num_rows();
            let read = read(&file.path);
            assert_eq!(read.num_rows(), expected.num_rows());
            for (field, column) in expected.schema().fields().iter().zip(expected.columns()) {
                let name = field.name();
                match read.column_by_name(name) {
                    Some(read) => {
                        let column = arrow::compute::cast(column, read.data_type()).unwrap();
                        assert_eq!(column.to_data(), read.to_data(), "{name} of {}", file.path.display());
                    }
                    None => assert_eq!(column.logical_null_count(), column.len(), "{name}"),
                }
            }
        }
        assert_eq!(at, rows.num_rows());
        outputs.push(contents(&files));
        place.assert_only(&files);
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "the output depends on more than its rows");
}

#[test]
fn rows_of_every_type_that_is_taken_can_be_cut_again() {
    let rows = turns(60_000, 4001, 6);
    let numbers: Vec<i64> = (0..60_000).collect();
    let ints = Int64Array::from(numbers.clone());
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for number in &numbers {
        maps.keys().append_value("key");
        maps.values().append_value(*number);
        maps.append(number % 3 > 0).unwrap();
    }
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(
        numbers.iter().map(|number| (number % 4 > 0).then(|| vec![Some(*number), None])),
    );
    let nested: DictionaryArray<Int32Type> = numbers.iter().map(|n| ["p", "q"][(*n % 2) as usize]).collect();
    let inner = Field::new("inner", nested.data_type().clone(), true)
        .with_metadata([("a".into(), "b".into())].into());
    let structure = StructArray::from(vec![(Arc::new(inner), Arc::new(nested) as ArrayRef)]);
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("list".into(), Arc::new(lists)),
        ("map".into(), Arc::new(maps.finish())),
        ("struct".into(), Arc::new(structure)),
    ];
    columns.extend(
        ["a", "b", "c", "d", "e", "f"]
            .map(|name| (name.to_owned(), rows.column_by_name(name).unwrap().clone())),
    );
    let words: ArrayRef = texts(numbers.iter().map(|number| format!("w{}", number % 9)));
    let casts = [
        (
            &words,
            vec![
                DataType::LargeUtf8,
                DataType::Utf8View,
                DataType::Binary,
                DataType::LargeBinary,
                DataType::BinaryView,
            ],
        ),
        (
            &(Arc::new(ints) as ArrayRef),
            vec![
                DataType::Int8,
                DataType::UInt16,
                DataType::UInt64,
                DataType::Float16,
                DataType::Float32,
                DataType::Boolean,
                DataType::Date32,
                DataType::Date64,
                DataType::Time32(TimeUnit::Second),
                DataType::Time64(TimeUnit::Nanosecond),
                DataType::Duration(TimeUnit::Second),
                DataType::Timestamp(TimeUnit::Second, None),
                DataType::Timestamp(TimeUnit::Nanosecond, Some("+05:30".into())),
                DataType::Decimal128(38, 3),
                DataType::Decimal256(60, 3),
            ],
        ),
    ];
    for (values, types) in casts {
        for data_type in types {
            let values = match &data_type {
                DataType::Date32 | DataType::Time32(_) => &cast(values, &DataType::Int32).unwrap(),
                _ => values,
            };
            columns.push((format!("{data_type}"), cast(values, &data_type).unwrap()));
        }
    }
    let all = batch(columns.iter().map(|(name, values)| (name.as_str(), Arc::clone(values))).collect());
    let (place, target) = (Place::new(), 400_000);
    assert_cut_again(target, &all);
    let files = written(place.plain().target_size(target), &all, 60_000);
    let sizes = sizes(&files, target);
    assert!(sizes.len() > 6 && sizes.iter().all(|size| *size <= 1.15), "{sizes:?}");
    let mut at = 0;
    for file in &files {
        let read = read(&file.path);
        for field in read.schema().fields() {
            let expected = all.column_by_name(field.name()).unwrap().slice(at, read.num_rows());
            let expected = cast(&expected, field.data_type()).unwrap();
            let same = expected.as_ref() == read.column_by_name(field.name()).unwrap().as_ref();
            assert!(same, "{} of {}", field.name(), file.path.display());
        }
        at += read.num_rows();
    }
    assert_eq!(at, 60_000);
}

#[test]
fn what_is_told_of_a_file_is_true_of_its_own_rows() {
    let place = Place::new();
    let rows = turns(60_000, 4001, 1);
    assert_cut_again(100_000, &rows);
    let builder = place.logs().tid_metadata(TIME).target_size(100_000);
    for file in written(builder, &rows, 5000) {
        let read = read(&file.path);
        let times = read.column_by_name(TIME).unwrap().as_primitive::<Int64Type>();
        assert_eq!(file.record_count, read.num_rows() as u64);
        assert_eq!(
            (file.first_ts, file.last_ts),
            (times.values().first().copied(), times.values().last().copied())
        );
        assert_eq!(file.tids.unwrap().tids, times.values().to_vec());
        let lines = read.column_by_name("a").unwrap();
        let alone = Place::new();
        let again = written(
            alone.logs(),
            &batch(vec![(TIME, Arc::new(times.clone())), ("a", lines.clone())]),
            70_000,
        );
        assert_eq!(again.len(), 1);
        assert_eq!(file.fingerprints, again[0].fingerprints);
    }
}

#[test]
fn hours_and_their_files_are_numbered_on() {
    let place = Place::new();
    let rows = turns(90_000, 4001, 1);
    let times = ints((0..90_000).map(|row| row * HOUR / 30_000));
    let rows = batch(vec![(TIME, times), ("a", rows.column_by_name("a").unwrap().clone())]);
    let builder = place.logs().split_hours(true).ingest_dateint(20_260_101).target_size(100_000);
    let files = written(builder, &rows, 5000);
    let mut next = BTreeMap::new();
    for file in &files {
        let key = file.split_key.unwrap();
        let next: &mut i64 = next.entry(key.hour).or_default();
        assert_eq!(key.file_index, *next);
        *next += 1;
        let (first, last) = (file.first_ts.unwrap() / HOUR, file.last_ts.unwrap() / HOUR);
        assert_eq!((first, last), (key.hour, key.hour));
    }
    assert_eq!(next.len(), 3);
    let sizes = sizes(&files, 100_000);
    assert!(sizes.iter().all(|size| (0.5..=1.15).contains(size)), "{sizes:?}");
}

#[test]
fn a_file_ends_before_a_long_group_rather_than_behind_it() {
    // A file has some 10,000 rows. Three groups of 4,600 are a file that is cut again, whose rest is small enough to be joined.
    let mut lengths = noise(4).map(|number| 3000 + (number % 2000) as usize);
    for lengths in [vec![4600; 3], vec![4600; 6], lengths.by_ref().take(40).collect()] {
        let (place, target) = (Place::new(), 200_000);
        let groups = lengths.iter().enumerate();
        let groups: Vec<i64> =
            groups.flat_map(|(group, rows)| std::iter::repeat_n(group as i64, *rows)).collect();
        let rows = turns(groups.len() as i64, 1, 3);
        let rows = batch(vec![
            ("g", ints(groups)),
            ("a", rows.column_by_name("a").unwrap().clone()),
            ("b", rows.column_by_name("b").unwrap().clone()),
        ]);
        let files = written(place.plain().target_size(target).no_split_groups("g"), &rows, 1000);
        let mut met = std::collections::BTreeSet::new();
        for file in &files {
            let read = read(&file.path);
            let groups = read.column_by_name("g").unwrap().as_primitive::<Int64Type>();
            let groups: std::collections::BTreeSet<i64> = groups.values().iter().copied().collect();
            assert!(groups.into_iter().all(|group| met.insert(group)), "a group was cut");
        }
        assert_eq!(met.len(), lengths.len());
        let sizes = sizes(&files, target);
        assert!(sizes.iter().all(|size| (0.3..=1.15).contains(size)), "{sizes:?}");
    }
}

#[test]
fn a_group_longer_than_a_file_stays_whole() {
    let (place, target) = (Place::new(), 50_000);
    let lengths = [10_000, 9_000, 20, 12_000, 30];
    let groups: Vec<i64> = lengths
        .iter()
        .enumerate()
        .flat_map(|(group, rows)| std::iter::repeat_n(group as i64, *rows))
        .collect();
    let rows = turns(groups.len() as i64, 1, 1);
    let rows = batch(vec![("g", ints(groups)), ("a", rows.column_by_name("a").unwrap().clone())]);
    let files = written(place.plain().target_size(target).no_split_groups("g"), &rows, 1000);
    let counts: Vec<u64> = files.iter().map(|file| file.record_count).collect();
    assert_eq!(
        counts,
        [10_000, 9_000, 12_020, 30],
        "the last two may not be joined: they would be too large"
    );
}

#[test]
fn where_the_scratch_directory_is_gone_nothing_is_left() {
    assert_cut_again(100_000, &turns(60_000, 4001, 1));
}
