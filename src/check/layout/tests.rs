//! Each kind of untrue statement turns the check red, true ones never do.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array, Int8Array, ListArray,
    TimestampMillisecondArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::Int32Type;
use parquet::basic::Compression;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;
use reports::document::{CheckStatus, Finding, Role, Severity};

use super::Layout;
use crate::check::fixture::{Fixture, floats, ints, maybe_texts, rows, texts};
use crate::fault::footer::restate;
use crate::output::OutputFile;
use crate::output::testing::{Columns, write_with};

/// Small pages, so that there is something to index.
fn pages() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_data_page_row_count_limit(3)
        .set_write_batch_size(3)
        .set_compression(Compression::UNCOMPRESSED)
}

fn fixture(a: WriterPropertiesBuilder, b: WriterPropertiesBuilder) -> Fixture {
    both(&rows(), a, b)
}

pub(super) fn both(columns: &Columns, a: WriterPropertiesBuilder, b: WriterPropertiesBuilder) -> Fixture {
    let fixture = Fixture::empty();
    write_with(&fixture.path(Role::Baseline, "one.parquet"), columns, a);
    write_with(&fixture.path(Role::Candidate, "two.parquet"), columns, b);
    fixture
}

pub(super) fn candidate(fixture: &Fixture) -> std::path::PathBuf {
    fixture.path(Role::Candidate, "two.parquet")
}

/// The blockers, and that there are some exactly where the check fails.
pub(super) fn blockers(fixture: &Fixture) -> Vec<Finding> {
    let outcome = fixture.examine(&Layout);
    let found: Vec<Finding> =
        outcome.findings.into_iter().filter(|it| it.severity == Severity::Blocker).collect();
    assert_eq!(outcome.status, None, "{}", outcome.summary);
    found
}

pub(super) fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|it| it.code.as_str()).collect()
}

/// Changes the footer statement about one column of the first row group.
pub(super) fn state(path: &Path, column: &str, change: impl Fn(Statistics) -> Statistics) {
    restate(path, |mut metadata| {
        let mut groups = metadata.take_row_groups();
        let first = groups.remove(0);
        let chunks = first.columns().iter().map(|chunk| {
            let stated = chunk.statistics().filter(|_| chunk.column_path() == &ColumnPath::from(column));
            match stated {
                Some(stated) => chunk.clone().into_builder().set_statistics(change(stated.clone())).build(),
                None => Ok(chunk.clone()),
            }
        });
        let chunks = chunks.collect::<parquet::errors::Result<Vec<_>>>()?;
        groups.insert(0, first.into_builder().set_column_metadata(chunks).build()?);
        Ok(Some(metadata.set_row_groups(groups)))
    })
    .unwrap();
}

#[test]
fn equal_files_are_the_same_byte_for_byte_and_state_what_is_true() {
    let outcome = fixture(pages(), pages()).examine(&Layout);
    assert_eq!(outcome.findings, []);
    assert!(outcome.summary.contains("1 of 1 files"), "{}", outcome.summary);
    let layout = outcome.evidence.layout.unwrap();
    assert_eq!(layout.identical.unwrap().chunks.equal, 8);
    assert!(layout.sides[1].page_index == 8 && layout.sides[1].statistics == 8);
}

#[test]
fn every_type_version_and_size_of_page_states_what_is_true() {
    let long = "x".repeat(300);
    let strings = [Some(long.as_str()), None, Some(""), Some("\u{10ffff}"), Some("ä"), None, Some("b")];
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), Some(3), Some(-7)]),
        Some(vec![Some(1)]),
        Some(vec![Some(8), Some(8)]),
        Some(vec![Some(5)]),
        Some(vec![Some(0); 9]),
        Some(vec![Some(i32::MIN), Some(i32::MAX)]),
        Some(vec![Some(0)]),
    ]);
    let fixed: Vec<&[u8]> = vec![&[1, 2], &[255, 0], &[0, 0], &[7, 7], &[8, 8], &[9, 1], &[0, 255]];
    let columns: Columns = vec![
        ("text", maybe_texts(&strings)),
        ("int", ints(&[i64::MIN, i64::MAX, 0, -1, 1, 5, 4])),
        ("small", Arc::new(Int8Array::from(vec![-128, 127, 0, 1, 2, 3, 4]))),
        ("unsigned", Arc::new(UInt32Array::from(vec![u32::MAX, 0, 1, 1 << 31, 3, 4, 5]))),
        ("long", Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1, 1 << 63, 3, 4, 5]))),
        ("double", floats(&[f64::NAN, -0.0, 0.0, f64::NEG_INFINITY, f64::INFINITY, 1e-300, 2.0])),
        ("nan", floats(&[f64::NAN; 7])),
        ("float", Arc::new(Float32Array::from(vec![f32::NAN, f32::NAN, f32::NAN, -1.5, 0.0, -0.0, 9.0]))),
        ("flag", Arc::new(BooleanArray::from(vec![true, false, true, true, true, true, false]))),
        ("date", Arc::new(Date32Array::from(vec![-1, 0, 1, 2, 3, 4, 5]))),
        ("time", Arc::new(TimestampMillisecondArray::from(vec![-1, 0, 1, 2, 3, 4, 5]))),
        ("decimal", Arc::new(Decimal128Array::from(vec![-1, 0, 1, i128::from(i64::MAX) * 100, -300, 4, 5]))),
        ("fixed", Arc::new(FixedSizeBinaryArray::try_from_iter(fixed.into_iter()).unwrap())),
        ("list", Arc::new(lists)),
        ("nothing", maybe_texts(&[None; 7])),
    ];
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for dictionary in [true, false] {
            for rows in [2, 5, 100] {
                let properties = || {
                    pages()
                        .set_writer_version(version)
                        .set_dictionary_enabled(dictionary)
                        .set_max_row_group_row_count(Some(rows))
                        .set_statistics_enabled(EnabledStatistics::Page)
                        .set_write_page_header_statistics(true)
                        .set_bloom_filter_enabled(true)
                };
                let outcome = both(&columns, properties(), properties()).examine(&Layout);
                assert_eq!(outcome.findings, [], "{version:?}, dictionary {dictionary}, {rows} rows a group");
            }
        }
    }
}

#[test]
fn a_bound_that_a_value_lies_beyond_is_seen_with_its_place() {
    let fixture = fixture(pages(), pages());
    state(&candidate(&fixture), "value", |it| {
        Statistics::int64(Some(1), Some(8), None, it.null_count_opt(), false)
    });
    let found = blockers(&fixture);
    assert_eq!(codes(&found), ["layout.statistics_false"]);
    assert_eq!(found[0].message, "column \"value\": the footer's lowest value 1 is stated, it is 0");
    let place = found[0].place.clone().unwrap();
    assert_eq!((place.file.as_deref(), place.row_group), (Some("two.parquet"), Some(0)));
}

#[test]
fn a_wrong_count_of_nulls_is_seen() {
    let fixture = fixture(pages(), pages());
    state(&candidate(&fixture), "note", |it| {
        let bounds = |it: Option<&[u8]>| it.map(|it| it.to_vec().into());
        Statistics::byte_array(bounds(it.min_bytes_opt()), bounds(it.max_bytes_opt()), None, Some(5), false)
    });
    let found = blockers(&fixture);
    assert_eq!(codes(&found), ["layout.statistics_false"]);
    assert!(found[0].message.ends_with("the footer says 5 nulls, there are 6"), "{}", found[0].message);
}

#[test]
fn bounds_cut_inwards_are_seen_and_bounds_cut_outwards_are_not() {
    let columns: Columns = vec![("text", texts(&["bbbb", "cccc"]))];
    for (low, high, exact, seen) in [
        ("b", "d", false, false),
        ("b", "cd", false, false),
        ("b", "c", false, true),
        ("bc", "d", false, true),
        ("b", "cccc", true, true),
    ] {
        let fixture = both(&columns, pages(), pages());
        state(&candidate(&fixture), "text", |it| {
            let bounds = parquet::file::statistics::ValueStatistics::new(
                Some(low.as_bytes().to_vec().into()),
                Some(high.as_bytes().to_vec().into()),
                None,
                it.null_count_opt(),
                false,
            );
            Statistics::ByteArray(bounds.with_min_is_exact(exact).with_max_is_exact(exact))
        });
        assert_eq!(!blockers(&fixture).is_empty(), seen, "{low}..{high}, exact {exact}");
    }
}

#[test]
fn the_same_false_statement_on_the_baseline_is_told_as_its_defect() {
    let fixture = fixture(pages(), pages());
    state(&fixture.path(Role::Baseline, "one.parquet"), "value", |it| {
        Statistics::int64(Some(1), Some(8), None, it.null_count_opt(), false)
    });
    let outcome = fixture.examine(&Layout);
    let told: Vec<_> = outcome.findings.iter().map(|it| (it.code.as_str(), it.severity, it.side)).collect();
    assert_eq!(told, [("layout.statistics_false", Severity::Info, Some(Role::Baseline))]);
}

/// Exchanges two columns' entries in an index.
fn exchange(path: &Path, column_index: bool, one: usize, other: usize) {
    restate(path, |mut metadata| {
        if column_index {
            let mut index = metadata.take_column_index().unwrap();
            index[0].swap(one, other);
            Ok(Some(metadata.set_column_index(Some(index))))
        } else {
            let mut index = metadata.take_offset_index().unwrap();
            index[0].swap(one, other);
            Ok(Some(metadata.set_offset_index(Some(index))))
        }
    })
    .unwrap();
}

#[test]
fn a_column_index_of_other_pages_is_seen() {
    let columns: Columns =
        vec![("a", ints(&[1, 2, 3, 4, 5, 6, 7])), ("b", ints(&[21, 22, 23, 24, 25, 26, 27]))];
    let fixture = both(&columns, pages(), pages());
    exchange(&candidate(&fixture), true, 0, 1);
    let found = blockers(&fixture);
    assert_eq!(codes(&found), ["layout.page_statistics_false"; 2]);
    assert_eq!(found[0].count, 3, "one bound of each of three pages");
    assert_eq!(found[0].place.clone().unwrap().row, Some(0));
    assert!(found[0].message.contains("lowest value 21 is stated, it is 1"), "{}", found[0].message);
}

#[test]
fn an_offset_index_that_points_elsewhere_is_seen() {
    let columns: Columns =
        vec![("a", ints(&[1, 2, 3, 4, 5, 6, 7])), ("b", ints(&[21, 22, 23, 24, 25, 26, 27]))];
    let fixture = both(&columns, pages(), pages());
    exchange(&candidate(&fixture), false, 0, 1);
    let found = blockers(&fixture);
    assert_eq!(codes(&found), ["layout.page_index_false"; 2]);
    assert!(found[0].message.contains("the offset index gives page 0 the offset"), "{}", found[0].message);
}

#[test]
fn a_bloom_filter_that_denies_a_value_is_seen() {
    let columns: Columns =
        vec![("a", ints(&[1, 2, 3, 4, 5, 6, 7])), ("b", ints(&[21, 22, 23, 24, 25, 26, 27]))];
    let properties = || pages().set_bloom_filter_enabled(true);
    let fixture = both(&columns, properties(), properties());
    restate(&candidate(&fixture), |mut metadata| {
        let mut groups = metadata.take_row_groups();
        let first = groups.remove(0);
        let [a, b] = first.columns() else { unreachable!() };
        let swapped = a
            .clone()
            .into_builder()
            .set_bloom_filter_offset(b.bloom_filter_offset())
            .set_bloom_filter_length(b.bloom_filter_length())
            .build()?;
        let chunks = vec![swapped, b.clone()];
        Ok(Some(metadata.set_row_groups(vec![first.into_builder().set_column_metadata(chunks).build()?])))
    })
    .unwrap();
    let found = blockers(&fixture);
    assert_eq!(codes(&found), ["layout.bloom_filter_false"]);
    assert!(found[0].message.contains("denies 7 of the values"), "{}", found[0].message);
}

#[test]
fn a_bloom_filter_that_is_empty_or_longer_than_the_file_is_told_and_ends_no_check() {
    let columns: Columns = vec![("a", ints(&[1, 2, 3, 4, 5, 6, 7]))];
    let properties = || pages().set_bloom_filter_enabled(true);
    for length in [-1, 0, 1, 8, 12, 16, 20, 24, i32::MAX] {
        let fixture = both(&columns, properties(), properties());
        restate(&candidate(&fixture), |mut metadata| {
            let first = metadata.take_row_groups().remove(0);
            let chunk =
                first.column(0).clone().into_builder().set_bloom_filter_length(Some(length)).build()?;
            Ok(Some(
                metadata.set_row_groups(vec![first.into_builder().set_column_metadata(vec![chunk]).build()?]),
            ))
        })
        .unwrap();
        let found = blockers(&fixture);
        assert_eq!(codes(&found), ["layout.bloom_filter_false"], "{length}");
        assert!(found[0].message.contains("the bloom filter cannot be read"), "{}", found[0].message);
    }
}

#[test]
fn rows_that_are_not_in_the_declared_order_are_seen_and_others_are_not() {
    let column = |index: i32, descending: bool, nulls_first: bool| SortingColumn {
        column_idx: index,
        descending,
        nulls_first,
    };
    let columns: Columns = vec![
        ("a", ints(&[1, 1, 2, 2, 3])),
        ("b", maybe_texts(&[Some("y"), Some("x"), None, Some("a"), Some("z")])),
        ("c", floats(&[0.0, f64::NAN, -0.0, 0.0, 1.0])),
    ];
    for (declared, seen) in [
        (vec![column(0, false, false)], None),
        (vec![column(2, false, false)], None),
        (vec![column(0, false, false), column(1, true, true)], None),
        (vec![column(0, false, false), column(1, false, true)], Some(1)),
        (vec![column(0, false, false), column(1, true, false)], Some(3)),
        (vec![column(0, true, false)], Some(2)),
        (vec![column(9, true, false)], Some(0)),
    ] {
        for rows in [2, 100] {
            let fixture = Fixture::empty();
            let written = || pages().set_max_row_group_row_count(Some(rows));
            write_with(&fixture.path(Role::Baseline, "one.parquet"), &columns, written());
            let path = candidate(&fixture);
            write_with(&path, &columns, written().set_sorting_columns(Some(declared.clone())));
            let found = blockers(&fixture);
            if rows == 100 {
                let row = found.first().map(|it| it.place.clone().unwrap().row.unwrap());
                assert_eq!(row, seen, "{declared:?}: {found:?}");
            }
            assert!(seen.is_some() || found.is_empty(), "{declared:?}: {found:?}");
        }
    }
}

#[test]
fn a_codec_that_is_not_the_baselines_and_an_index_that_is_gone_are_warned_of() {
    let many: Vec<&str> = (0..50).map(|it| if it % 2 == 0 { "even number" } else { "odd number" }).collect();
    let columns: Columns = vec![("a", texts(&many))];
    let warned = |b: WriterPropertiesBuilder| {
        let outcome = both(&columns, pages(), b).examine(&Layout);
        let found = outcome.findings.iter().filter(|it| it.severity == Severity::Warning);
        found.map(|it| it.code.clone()).collect::<Vec<_>>()
    };
    assert_eq!(warned(pages().set_compression(Compression::SNAPPY)), ["layout.codec"]);
    let blind = pages().set_statistics_enabled(EnabledStatistics::None).set_offset_index_disabled(true);
    assert_eq!(warned(blind), ["layout.page_index_lost", "layout.statistics_lost"]);
}

#[test]
fn columns_in_another_order_are_told_with_both_schemas() {
    let reversed: Columns = rows().into_iter().rev().collect();
    let fixture = Fixture::empty();
    write_with(&fixture.path(Role::Baseline, "one.parquet"), &rows(), pages());
    write_with(&candidate(&fixture), &reversed, pages());
    let outcome = fixture.examine(&Layout);
    assert_eq!(codes(&outcome.findings), ["layout.schema"]);
    let layout = outcome.evidence.layout.unwrap();
    assert!(layout.schemas.unwrap().candidate.contains("ratio"));
    let identical = layout.identical.unwrap();
    assert_eq!((identical.files.equal, identical.row_groups.equal, identical.chunks.equal), (0, 0, 8));
}

#[test]
fn a_page_of_a_nested_column_that_is_called_empty_and_is_not_is_seen() {
    // The Parquet crate (59.3) takes a page for empty where it has as many nulls as rows, which is true of flat columns alone.
    let lists =
        ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None, Some(-7)]), None]);
    let fixture = both(&vec![("list", Arc::new(lists) as _)], pages(), pages());
    let found = blockers(&fixture);
    assert_eq!(codes(&found), ["layout.page_statistics_false"]);
    assert!(
        found[0].message.ends_with("page 0: nulls alone stated, it holds values"),
        "{}",
        found[0].message
    );
}

#[test]
fn a_file_that_cannot_be_decoded_fails_with_row_group_and_column() {
    let fixture = fixture(pages(), pages().set_dictionary_enabled(false));
    let path = candidate(&fixture);
    let chunk = OutputFile::open(&path, "two.parquet").unwrap().metadata.row_group(0).column(4).clone();
    let at = usize::try_from(chunk.data_page_offset()).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[at..at + 8].copy_from_slice(&[0xff; 8]);
    std::fs::write(&path, bytes).unwrap();
    let outcome = fixture.examine(&Layout);
    assert_eq!(outcome.status, Some(CheckStatus::Fail), "{}", outcome.summary);
    assert!(outcome.summary.contains("row group 0, column \"value\": page 0"), "{}", outcome.summary);
}

#[test]
fn bounds_in_fields_of_old_are_judged_for_numbers_alone() {
    let columns: Columns = vec![("n", ints(&[5, 6])), ("t", texts(&["a", "z"]))];
    let fixture = both(&columns, pages(), pages());
    let path = candidate(&fixture);
    state(&path, "t", |_| {
        Statistics::byte_array(Some(b"m".to_vec().into()), Some(b"n".to_vec().into()), None, Some(0), true)
    });
    assert!(blockers(&fixture).is_empty(), "their order was never defined");
    state(&path, "n", |_| Statistics::int64(Some(6), Some(6), None, Some(0), true));
    assert_eq!(codes(&blockers(&fixture)), ["layout.statistics_false"]);
}

#[test]
fn a_bound_of_numbers_that_no_value_reaches_is_told_and_fails_nobody() {
    let columns: Columns = vec![("n", floats(&[5.0, 6.0]))];
    let fixture = both(&columns, pages(), pages());
    state(&candidate(&fixture), "n", |_| Statistics::double(Some(4.0), Some(6.0), None, Some(0), false));
    let outcome = fixture.examine(&Layout);
    assert_eq!(codes(&outcome.findings), ["layout.statistics_loose"]);
    assert_eq!(outcome.findings[0].severity, Severity::Info);
}
