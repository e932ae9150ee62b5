//! Rows and pages that need much of the memory limit: they are written where they fit, else refused with the limit that is enough.

use arrow::array::ListArray;
use arrow::buffer::OffsetBuffer;
use parquet::file::properties::WriterProperties;

use super::hostile::{file_of, run_both};
use super::*;
use crate::{ErrorKind, Result};

/// The limit that an error names as enough.
fn enough(error: &crate::Error) -> u64 {
    let said = error.to_string();
    let (_, named) = said.split_once("(--memory-limit) to at least ").unwrap_or_else(|| panic!("{said}"));
    named.split(|it: char| !it.is_ascii_digit()).next().unwrap().parse().unwrap()
}

/// Refused at 64 MiB with all of these words, and written under the limit that the error names.
fn refused_then_written(file: &[u8], words: &[&str], rows: u64) {
    let mut limits: Vec<u64> = Vec::new();
    for error in run_both(file, 64 << 20).map(Result::unwrap_err) {
        assert!(matches!(error.kind(), ErrorKind::Input | ErrorKind::Config), "{error}");
        words.iter().for_each(|word| assert!(error.to_string().contains(word), "{word}: {error}"));
        limits.push(enough(&error));
    }
    assert!(limits[0] == limits[1] && limits[0] > 64 << 20, "{limits:?}");
    assert!(run_both(file, limits[0] - 1).iter().all(Result::is_err), "less is not enough");
    run_both(file, limits[0]).into_iter().for_each(|written| assert_eq!(written.unwrap(), rows));
}

fn long(bytes: usize, seed: u64) -> String {
    noise(seed)
        .take(bytes / 16 + 1)
        .flat_map(|n| format!("{n:016x}").into_bytes())
        .map(char::from)
        .take(bytes)
        .collect()
}

#[test]
fn a_large_value_among_small_ones_is_refused_with_its_row() {
    let plain = || WriterProperties::builder().set_dictionary_enabled(false);
    let values = |large: usize| {
        texts((0..500).map(move |row| if row == 321 { long(large, 7) } else { "small".to_owned() }))
    };
    let file =
        |large: usize| file_of(&batch(vec![(TIME, ints((0..500).rev())), ("text", values(large))]), plain());
    let words = ["hostile-0, row group 0", "`text`", "row 321", "12000000 bytes"];
    refused_then_written(&file(12_000_000), &words, 500);
    run_both(&file(4_000_000), 64 << 20).into_iter().for_each(|written| assert_eq!(written.unwrap(), 500));
}

#[test]
fn a_value_that_fills_its_page_is_refused_before_it_is_decoded() {
    let plain = WriterProperties::builder().set_dictionary_enabled(false).set_write_batch_size(1);
    let text = texts((0..20).map(|row| if row == 13 { long(30_000_000, 3) } else { "small".to_owned() }));
    let pages = plain.set_data_page_row_count_limit(1);
    let file = file_of(&batch(vec![(TIME, ints(0..20)), ("text", text)]), pages);
    let words = ["hostile-0, row group 0", "column `text`, row 13: the row takes 300000", "of them here"];
    refused_then_written(&file, &words, 20);
}

#[test]
fn one_large_list_among_small_ones_is_refused_with_its_row() {
    let mut lengths = vec![3; 2000];
    lengths[1234] = 1_500_000;
    let items = ints((0..lengths.iter().sum::<usize>() as i64).map(|n| n % 1_000));
    let item = Arc::new(Field::new("item", items.data_type().clone(), true));
    let list: ArrayRef = Arc::new(ListArray::new(item, OffsetBuffer::from_lengths(lengths), items, None));
    let file = file_of(&batch(vec![(TIME, ints(0..2000)), ("list", list)]), WriterProperties::builder());
    let words = ["hostile-0, row group 0: column `list.list.", "row 1234: the row takes "];
    refused_then_written(&file, &words, 2000);
}

#[test]
fn a_large_dictionary_value_is_refused_with_the_first_row_that_has_it() {
    let value = long(9_000_000, 1);
    let text = texts((0..6).map(|row| if row >= 4 { value.clone() } else { format!("small {row}") }));
    let properties = WriterProperties::builder().set_dictionary_page_size_limit(64 << 20);
    let file = file_of(&batch(vec![(TIME, ints(0..6)), ("text", text)]), properties);
    refused_then_written(&file, &["hostile-0, row group 0, row 4", "`text`", "9000000 bytes"], 6);
}

#[test]
fn a_dictionary_that_does_not_fit_is_refused_before_it_is_decompressed() {
    let value = "one value ".repeat(4_500_000);
    let properties = WriterProperties::builder()
        .set_dictionary_page_size_limit(1 << 30)
        .set_compression(parquet::basic::Compression::ZSTD(Default::default()));
    let columns = vec![("text", texts([&value, &value])), (TIME, ints(0..2))];
    let mut file = file_of(&batch(columns), properties);
    let refused = |file: &[u8]| {
        run_both(file, 64 << 20).map(|ran| {
            let error = ran.unwrap_err();
            let said = error.to_string();
            assert!(said.contains("column `text`, page of row 0"), "{said}");
            assert!(said.contains("are open at once"), "{said}");
            enough(&error)
        })
    };
    let limits = refused(&file);
    assert_eq!(limits, [360_000_032; 2], "a row may have an eighth");
    run_both(&file, limits[0]).into_iter().for_each(|written| assert_eq!(written.unwrap(), 2));
    // Behind the header of the first page, which is the dictionary: what cannot be decompressed is refused all the same.
    file[100..140].fill(0xff);
    assert_eq!(refused(&file), limits);
    let broken = run_both(&file, limits[0]).map(|ran| ran.unwrap_err().to_string());
    assert!(broken.iter().all(|said| !said.contains("are open at once")), "{broken:?}");
}

#[test]
fn wide_row_groups_are_refused_with_the_column_that_takes_most() {
    let dictionaries = WriterProperties::builder().set_dictionary_page_size_limit(8 << 20);
    let columns: Vec<(String, ArrayRef)> = (0..14)
        .map(|column| {
            let bytes = if column == 9 { 110 } else { 70 };
            (format!("column_{column}"), texts((0..40_000).map(move |row| format!("{row:0bytes$}"))))
        })
        .collect();
    let columns = columns.iter().map(|(name, array)| (name.as_str(), array.clone())).collect();
    let file = file_of(&batch(columns), dictionaries);
    let words = [
        "hostile-0, row group 0: column `column_9`, page of row ",
        "pages and rows of 14 columns are open at once",
    ];
    refused_then_written(&file, &words, 40_000);
}

#[test]
fn runs_of_large_rows_are_merged_few_at_once() {
    let place = Place::new();
    let limit = 8 << 20;
    let mut writer = place.logs().memory_limit(limit).target_size(10_000_000).build().unwrap();
    let value = |time: i64| long(1_500_000, time as u64 + 1);
    for time in (0..24).rev() {
        writer.write(&batch(vec![(TIME, ints([time])), ("a", texts([value(time)]))])).unwrap();
    }
    let files = writer.finish().unwrap().into_vec().unwrap();
    let stats = writer.stats();
    assert!(stats.spilled_runs > 6, "{stats:?}");
    assert!(stats.merged_runs > 4, "all batches of the runs together are larger than the limit: {stats:?}");
    place.assert_only(&files);
    assert_eq!(files.iter().map(|file| file.record_count).sum::<u64>(), 24);
    assert_eq!((files[0].first_ts, files.last().unwrap().last_ts), (Some(0), Some(23)));
}
