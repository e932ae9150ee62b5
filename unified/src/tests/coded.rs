//! Columns that arrive with dictionaries: encoded from codes, and no reader can tell.

use arrow::array::{Array, DictionaryArray};
use arrow::datatypes::{Int32Type, UInt8Type};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};

use super::*;
use crate::{Ordering, Stats};

/// Words in all shapes: few, many, long, not ASCII, none.
fn words(kind: usize, rows: usize) -> Vec<Option<String>> {
    let mut numbers = noise(kind as u64 + 1);
    (0..rows)
        .map(|row| {
            let n = numbers.next().unwrap();
            match kind {
                0 => Some(format!("service-{}", n % 7)),
                1 => {
                    (!n.is_multiple_of(3)).then(|| format!("{}-{}", "é€𝄞".repeat((n % 40) as usize), n % 50))
                }
                2 => Some(format!("user-{:012}", n % 20_000)),
                3 => (row % 5000 > 4900).then(|| "rare".to_string()),
                4 => {
                    Some(if n.is_multiple_of(2) { String::new() } else { "x".repeat(60 + (n % 9) as usize) })
                }
                _ => Some(format!("{:05}", row / 1000)),
            }
        })
        .collect()
}

const KINDS: usize = 6;

/// How words become an array.
type Form = fn(Vec<Option<String>>) -> ArrayRef;

fn columns(rows: usize, form: impl Fn(Vec<Option<String>>) -> ArrayRef) -> Vec<(String, ArrayRef)> {
    let texts = (0..KINDS).map(|kind| (format!("text{kind}"), form(words(kind, rows))));
    std::iter::once((TIME.to_string(), ints(0..rows as i64))).chain(texts).collect()
}

fn plain(words: Vec<Option<String>>) -> ArrayRef {
    Arc::new(StringArray::from(words))
}

fn dictionary(words: Vec<Option<String>>) -> ArrayRef {
    let array: DictionaryArray<Int32Type> = words.iter().map(Option::as_deref).collect();
    Arc::new(array)
}

fn write(
    builder: UnifiedWriterBuilder,
    columns: &[(String, ArrayRef)],
    batch_rows: usize,
) -> (Vec<FileResult>, Stats) {
    let rows = batch(columns.iter().map(|(name, array)| (name.as_str(), array.clone())).collect());
    let mut writer = builder.build().unwrap();
    for start in (0..rows.num_rows()).step_by(batch_rows) {
        writer.write(&rows.slice(start, batch_rows.min(rows.num_rows() - start))).unwrap();
    }
    let files = writer.finish().unwrap().into_vec().unwrap();
    (files, writer.stats())
}

fn metadata(path: &Path) -> ParquetMetaData {
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Required)
        .parse_and_finish(&File::open(path).unwrap())
        .unwrap()
}

#[test]
fn codes_and_values_give_files_that_say_the_same() {
    let rows = 50_000;
    for ordering in [Ordering::None, Ordering::Spillable] {
        let (a, b) = (Place::new(), Place::new());
        let builder = |place: &Place| place.logs().ordering(ordering).rows_per_file(45_000);
        let (first, _) = write(builder(&a), &columns(rows, plain), 8192);
        let (second, _) = write(builder(&b), &columns(rows, dictionary), 8192);
        assert_eq!(first.len(), 2);
        for (one, other) in first.iter().zip(&second) {
            assert_eq!(one.fingerprints, other.fingerprints);
            assert_eq!(row_texts(&read(&one.path)), row_texts(&read(&other.path)));
            let (one, other) = (metadata(&one.path), metadata(&other.path));
            for leaf in 0..=KINDS {
                let (x, y) = (one.row_group(0).column(leaf), other.row_group(0).column(leaf));
                let name = x.column_path().string();
                assert_eq!(x.statistics(), y.statistics(), "{name}");
                assert_eq!(x.num_values(), y.num_values(), "{name}");
                assert_eq!(x.compression(), y.compression(), "{name}");
                assert_eq!(x.encodings_mask(), y.encodings_mask(), "{name}");
                assert_eq!(x.page_encoding_stats_mask(), y.page_encoding_stats_mask(), "{name}");
                assert_eq!(x.definition_level_histogram(), y.definition_level_histogram(), "{name}");
                let bytes = |column: &parquet::file::metadata::ColumnChunkMetaData| {
                    (column.unencoded_byte_array_data_bytes(), column.dictionary_page_offset().is_some())
                };
                assert_eq!(bytes(x), bytes(y), "{name}");
                // Pages end where the general encoder ends them, but for the first ends of batches.
                let nulls = |metadata: &ParquetMetaData| {
                    let index = &metadata.column_index().unwrap()[0][leaf];
                    index.null_counts().unwrap().iter().sum::<i64>()
                };
                assert_eq!(nulls(&one), nulls(&other), "{name}");
                let first_rows = |metadata: &ParquetMetaData| {
                    let locations = metadata.offset_index().unwrap()[0][leaf].page_locations();
                    assert_eq!(locations[0].first_row_index, 0);
                    assert!(
                        locations.windows(2).all(|pair| pair[1].first_row_index > pair[0].first_row_index)
                    );
                    assert!(
                        locations
                            .windows(2)
                            .all(|pair| pair[1].first_row_index <= pair[0].first_row_index + 21_000)
                    );
                };
                first_rows(&one);
                first_rows(&other);
            }
        }
    }
}

#[test]
fn a_column_may_change_its_form_at_any_batch_and_go_through_the_disk() {
    let rows = 6000;
    let expected = {
        let place = Place::new();
        sorted(all_rows(&write(place.logs(), &columns(rows, plain), 500).0))
    };
    for limit in [1 << 18, 1 << 26] {
        let place = Place::new();
        let mut writer = place.logs().memory_limit(limit).target_size(10_000).build().unwrap();
        let forms: [Form; 2] = [plain, dictionary];
        let all: Vec<RecordBatch> = forms
            .iter()
            .map(|form| {
                let columns = columns(rows, form);
                batch(columns.iter().map(|(name, array)| (name.as_str(), array.clone())).collect())
            })
            .collect();
        // From the last batch to the first, so that there is something to sort.
        for (turn, start) in (0..rows).step_by(500).enumerate().collect::<Vec<_>>().into_iter().rev() {
            writer.write(&all[usize::from(turn % 3 > 0)].slice(start, 500)).unwrap();
        }
        let files = writer.finish().unwrap().into_vec().unwrap();
        assert!(files.len() > 1);
        assert_eq!(writer.stats().spilled_runs > 0, limit < 1 << 20);
        assert_eq!(sorted(all_rows(&files)), expected);
        place.assert_only(&files);
    }
}

#[test]
fn more_values_than_can_be_coded_are_stored_all_the_same() {
    let place = Place::new();
    let mut writer = place.logs().build().unwrap();
    let mut expected = Vec::new();
    for turn in 0..5i64 {
        let words: Vec<Option<String>> =
            (0..20_000).map(|n| Some(format!("{:06}", turn * 20_000 + n))).collect();
        expected.extend(words.iter().flatten().cloned());
        let times = ints((0..20_000).map(|n| turn * 20_000 + n));
        writer.write(&batch(vec![(TIME, times), ("text", dictionary(words))])).unwrap();
    }
    let mut stored = Vec::new();
    for file in writer.finish().unwrap().into_vec().unwrap() {
        let rows = read(&file.path);
        let texts = arrow::array::AsArray::as_string::<i32>(rows.column_by_name("text").unwrap());
        stored.extend(texts.iter().flatten().map(str::to_owned));
    }
    assert_eq!(stored, expected);
}

#[test]
fn segments_with_dictionaries_are_read_as_such_and_threads_change_nothing() {
    let place = Place::new();
    let inputs: Vec<PathBuf> = (0..5)
        .map(|number| {
            let columns = columns(3000 + number * 100, plain);
            let rows = batch(columns.iter().map(|(name, array)| (name.as_str(), array.clone())).collect());
            segment(place.scratch.path(), &format!("in{number}"), &[rows])
        })
        .collect();
    let mut outputs = Vec::new();
    for threads in [1, 2, 4] {
        let output = tempfile::tempdir().unwrap();
        let job = crate::LogsJob {
            inputs: &inputs,
            output: output.path(),
            scratch: place.scratch.path(),
            target_size: 60_000,
            split_hours: false,
            memory_limit: 1 << 26,
            threads,
            sync: false,
            columns: &crate::Columns::default(),
            cancel: None,
        };
        let outcome = job.run().unwrap();
        assert!(outcome.files().len() > 1);
        assert_eq!(outcome.stats.rows, 16_000);
        assert_eq!(outcome.stats.files, outcome.files().len() as u64);
        assert_eq!(outcome.stats.bytes, outcome.files().iter().map(|file| file.file_size).sum::<u64>());
        outputs.push(contents(&outcome.files()));
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn values_of_a_dictionary_that_are_null_are_null() {
    let place = Place::new();
    let values = StringArray::from(vec![Some("a"), None]);
    let keys = arrow::array::UInt8Array::from(vec![Some(0), Some(1), None]);
    let array = DictionaryArray::<UInt8Type>::try_new(keys, Arc::new(values)).unwrap();
    let mut writer = place.logs().build().unwrap();
    writer.write(&batch(vec![(TIME, ints(0..3)), ("text", Arc::new(array))])).unwrap();
    let files = writer.finish().unwrap().into_vec().unwrap();
    let rows = read(&files[0].path);
    assert_eq!(rows.column_by_name("text").unwrap().null_count(), 2);
}

#[test]
fn dictionaries_of_json_columns_are_read_as_text() {
    let place = Place::new();
    let input = place.scratch.path().join("json.parquet");
    let message = format!("message m {{ optional int64 {TIME}; optional binary text (JSON); }}");
    let schema = parquet::schema::parser::parse_message_type(&message).unwrap();
    let options = parquet::arrow::arrow_writer::ArrowWriterOptions::new()
        .with_parquet_schema(parquet::schema::types::SchemaDescriptor::new(Arc::new(schema)))
        .with_skip_arrow_metadata(true);
    let rows = batch(vec![(TIME, ints(0..300)), ("text", texts((0..300).map(|n| format!("[{}]", n % 3))))]);
    let file = File::create(&input).unwrap();
    let mut writer = ArrowWriter::try_new_with_options(file, rows.schema(), options).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let job = crate::LogsJob {
        inputs: &[input],
        output: place.output.path(),
        scratch: place.scratch.path(),
        target_size: 60_000,
        split_hours: false,
        memory_limit: 1 << 26,
        threads: 1,
        sync: false,
        columns: &crate::Columns::default(),
        cancel: None,
    };
    let outcome = job.run().unwrap();
    assert_eq!(row_texts(&read(&outcome.files()[0].path)), row_texts(&rows));
}
