//! Bounds of long values: every byte of them counts, and few bytes of the values are held.

use arrow::array::ArrayRef;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::statistics::{Statistics, ValueStatistics};

use super::tests::{blockers, both, candidate, codes, state};
use crate::check::fixture::texts;
use crate::output::testing::Columns;

/// Bytes that the values of a column begin with.
const COMMON: usize = 5_000;

fn long(end: &str) -> String {
    format!("{}{end}", "x".repeat(COMMON))
}

/// A page a value; bounds in footer, page headers and column index, whole ones or of 64 bytes.
fn pages(whole: bool) -> WriterPropertiesBuilder {
    let length = (!whole).then_some(64);
    WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_data_page_row_count_limit(1)
        .set_write_batch_size(1)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_write_page_header_statistics(true)
        .set_statistics_truncate_length(length)
        .set_column_index_truncate_length(length)
}

fn column(ends: &[&str]) -> Columns {
    let values: Vec<String> = ends.iter().map(|end| long(end)).collect();
    let values: ArrayRef = texts(&values.iter().map(String::as_str).collect::<Vec<_>>());
    vec![("text", values)]
}

#[test]
fn true_bounds_of_long_values_are_accepted() {
    for whole in [false, true] {
        for ends in [&["b", "c", "a"][..], &["a"], &["", "a", "ab"], &["same", "same"]] {
            let fixture = both(&column(ends), pages(whole), pages(whole));
            assert!(blockers(&fixture).is_empty(), "{ends:?}, whole {whole}");
        }
    }
}

#[test]
fn a_bound_that_is_wrong_in_its_last_byte_is_seen() {
    // The values end in b, c and d. Which of the stated bounds are not true of them, exact or not.
    for (low, high, exact, seen) in [
        ("b", "d", true, false),
        ("a", "d", false, false),
        ("a", "d", true, true),
        ("b", "e", true, true),
        ("b", "c", false, true),
        ("c", "d", false, true),
        ("bb", "d", false, true),
        ("b", "cz", false, true),
        ("", "dd", false, false),
    ] {
        for whole in [false, true] {
            let fixture = both(&column(&["c", "b", "d"]), pages(whole), pages(whole));
            state(&candidate(&fixture), "text", |it| {
                let bound = |end: &str| Some(long(end).into_bytes().into());
                let bounds = ValueStatistics::new(bound(low), bound(high), None, it.null_count_opt(), false);
                Statistics::ByteArray(bounds.with_min_is_exact(exact).with_max_is_exact(exact))
            });
            let found = blockers(&fixture);
            assert_eq!(!found.is_empty(), seen, "{low}..{high}, exact {exact}, whole {whole}");
            assert!(codes(&found).iter().all(|code| *code == "layout.statistics_false"));
        }
    }
}
