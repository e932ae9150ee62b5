use arrow::array::ArrayRef;
use parquet::basic::Compression;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use reports::document::Role;

use super::twins::Twins;
use super::*;
use crate::check::fixture::{Fixture, blockers, ints, texts};
use crate::output::testing::{Columns, write_with};

/// Thousands of rows, so that there are several batches and row groups.
const ROWS: i64 = 20_000;

fn columns(change: impl Fn(i64) -> i64) -> Columns {
    let all = || 0..ROWS;
    let ids: Vec<String> = all().map(|row| format!("id-{row}")).collect();
    let words: Vec<String> = all().map(|row| format!("word {}", row % 7)).collect();
    let text = |all: &[String]| -> ArrayRef { texts(&all.iter().map(String::as_str).collect::<Vec<_>>()) };
    vec![
        ("_cardinalhq.timestamp", ints(&all().collect::<Vec<_>>())),
        ("_cardinalhq.id", text(&ids)),
        ("_cardinalhq.message", text(&words)),
        ("value", ints(&all().map(change).collect::<Vec<_>>())),
    ]
}

fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_max_row_group_row_count(Some(12_000)).set_compression(Compression::SNAPPY)
}

/// One file a side; each may have its own columns and properties.
fn pair(a: (&Columns, WriterPropertiesBuilder), b: (&Columns, WriterPropertiesBuilder)) -> Fixture {
    let fixture = Fixture::empty();
    write_with(&fixture.path(Role::Baseline, "a.parquet"), a.0, a.1);
    write_with(&fixture.path(Role::Candidate, "b.parquet"), b.0, b.1);
    fixture
}

/// Columns that the pairs share, a list a pair; `None` where a pair shares all.
fn shared(fixture: &Fixture) -> Vec<Option<Vec<String>>> {
    fixture.with_subject(|subject| {
        let scan = Scan {
            keys: Arc::new(ColumnKeys::new(RunKey::random())),
            comparison: subject.comparison,
            row_keys: &[],
            differences: None,
            time_column: None,
            cancel: subject.cancel,
            retyped: retyped::Columns::default(),
        };
        let twins = Twins::find(&scan, [subject.baseline.unwrap(), subject.candidate]);
        twins.list.iter().map(|twin| twin.shared().map(<[String]>::to_vec)).collect()
    })
}

fn counts(fixture: &Fixture) -> [u64; 4] {
    let outcome = fixture.examine(&Rows);
    let rows = outcome.evidence.rows.unwrap();
    [rows.equal, rows.changed, rows.missing, rows.extra]
}

#[test]
fn row_groups_of_files_with_another_footer_are_decoded_once() {
    let same = columns(|row| row * 3);
    let fixture = pair(
        (&same, properties().set_created_by("one".into())),
        (&same, properties().set_created_by("two".into())),
    );
    assert_eq!(shared(&fixture), [None, None]);
    assert_eq!(counts(&fixture), [20_000, 0, 0, 0]);
}

#[test]
fn what_folders_give_is_no_part_of_what_is_shared() {
    let same = columns(|row| row * 3);
    for (folder, created_by, whole) in [("k=1", "two", true), ("k=2", "two", false), ("k=2", "one", false)] {
        let fixture = Fixture::empty();
        let properties = |by: &str| properties().set_created_by(by.into());
        write_with(&fixture.path(Role::Baseline, "k=1/a.parquet"), &same, properties("one"));
        write_with(
            &fixture.path(Role::Candidate, &format!("{folder}/b.parquet")),
            &same,
            properties(created_by),
        );
        let all = shared(&fixture);
        assert!(all.len() == 2 && all.iter().all(|it| it.is_none() == whole), "{folder} {all:?}");
        let equal = if whole { 20_000 } else { 0 };
        assert_eq!(counts(&fixture), [equal, 20_000 - equal, 0, 0], "{folder} {created_by}");
    }
}

#[test]
fn columns_that_are_the_same_are_shared_and_the_others_are_compared() {
    let a = columns(|row| row * 3);
    let b = columns(|row| if row == 11_999 || row == 12_000 { -1 } else { row * 3 });
    let fixture = pair((&a, properties()), (&b, properties()));
    let all = shared(&fixture);
    assert_eq!(all.len(), 2);
    let names: Vec<String> = a.iter().map(|it| it.0.to_owned()).filter(|it| it != "value").collect();
    assert!(
        all.iter().all(|it| it.as_ref().is_some_and(|it| names.iter().all(|name| it.contains(name)))),
        "{all:?}"
    );
    assert_eq!(counts(&fixture), [19_998, 2, 0, 0]);
    let outcome = fixture.examine(&Rows);
    assert_eq!(blockers(&outcome), ["rows.changed"]);
    assert_eq!(outcome.findings[0].place.as_ref().unwrap().column.as_deref(), Some("value"));
    assert_eq!(outcome.findings[0].place.as_ref().unwrap().row, Some(11_999));
}

#[test]
fn a_column_in_another_encoding_is_decoded_on_both_sides_and_is_equal() {
    let same = columns(|row| row * 3);
    let plain = properties().set_column_dictionary_enabled(ColumnPath::from("_cardinalhq.message"), false);
    let fixture = pair((&same, properties()), (&same, plain));
    let all = shared(&fixture);
    assert!(all.len() == 2 && all.iter().all(|it| it.as_ref().is_some_and(|it| it.len() == 3)), "{all:?}");
    assert_eq!(counts(&fixture), [20_000, 0, 0, 0]);
}

#[test]
fn a_column_that_one_side_lacks_or_has_under_another_name_is_no_twin_of_anything() {
    let a = columns(|row| row * 3);
    let without: Columns = a.iter().filter(|it| it.0 != "value").cloned().collect();
    assert_eq!(counts(&pair((&a, properties()), (&without, properties())))[1], 20_000);
    let renamed: Columns = a
        .iter()
        .map(|(name, array)| (if *name == "value" { "worth" } else { *name }, array.clone()))
        .collect();
    let fixture = pair((&a, properties()), (&renamed, properties()));
    assert!(shared(&fixture).iter().all(|it| it.as_ref().is_some_and(|it| it.len() == 3)));
    assert_eq!(counts(&fixture)[1], 20_000);
}

#[test]
fn the_same_bytes_of_another_type_are_no_twins() {
    let a = columns(|row| row * 3);
    let times = arrow::array::TimestampMillisecondArray::from_iter_values((0..ROWS).map(|row| row * 3));
    let mut b = a.clone();
    b[3].1 = std::sync::Arc::new(times);
    let fixture = pair((&a, properties()), (&b, properties()));
    assert!(
        shared(&fixture).iter().all(|it| it.as_ref().is_some_and(|it| !it.contains(&"value".to_owned())))
    );
    assert_eq!(counts(&fixture)[1], 20_000);
}

#[test]
fn row_groups_in_other_files_and_places_find_each_other() {
    let same = columns(|row| row * 3);
    let part = |from: usize, rows: usize| -> Columns {
        same.iter().map(|(name, array)| (*name, array.slice(from, rows))).collect()
    };
    let fixture = Fixture::empty();
    write_with(&fixture.path(Role::Baseline, "all.parquet"), &same, properties());
    write_with(&fixture.path(Role::Candidate, "1.parquet"), &part(12_000, 8_000), properties());
    write_with(&fixture.path(Role::Candidate, "2.parquet"), &part(0, 12_000), properties());
    assert_eq!(shared(&fixture), [None, None]);
    assert_eq!(counts(&fixture), [20_000, 0, 0, 0]);
}

#[test]
fn a_row_group_that_one_side_holds_twice_is_extra_once() {
    let same = columns(|row| row * 3);
    let fixture = Fixture::empty();
    write_with(&fixture.path(Role::Baseline, "1.parquet"), &same, properties());
    for (name, by) in [("1.parquet", "one"), ("2.parquet", "two")] {
        write_with(&fixture.path(Role::Candidate, name), &same, properties().set_created_by(by.into()));
    }
    assert_eq!(counts(&fixture), [20_000, 0, 0, 20_000]);
}

#[test]
fn tolerances_and_ignored_columns_hold_for_shared_columns_too() {
    let a = columns(|row| row * 3);
    let b = columns(|row| row * 3 + 1);
    let mut fixture = pair((&a, properties()), (&b, properties()));
    fixture
        .comparison
        .tolerances
        .insert("value".to_owned(), crate::check::Tolerance { absolute: 1.0, relative: 0.0 });
    assert_eq!(counts(&fixture), [20_000, 0, 0, 0]);
    fixture.comparison.tolerances.clear();
    fixture.comparison.ignored.insert("value".to_owned(), "of no matter".to_owned());
    assert_eq!(counts(&fixture), [20_000, 0, 0, 0]);
    fixture.comparison.ignored.clear();
    assert_eq!(counts(&fixture), [0, 20_000, 0, 0]);
}

#[test]
fn chunks_that_only_look_the_same_are_no_twins() {
    // Without dictionary and compression every chunk of numbers has the same size, whatever they are.
    let bare = || {
        WriterProperties::builder()
            .set_max_row_group_row_count(Some(12_000))
            .set_compression(Compression::UNCOMPRESSED)
            .set_dictionary_enabled(false)
    };
    let a = columns(|row| row * 3);
    let b = columns(|row| if row == 7 { 22 } else { row * 3 });
    let fixture = pair((&a, bare()), (&b, bare()));
    let all = shared(&fixture);
    let without_value =
        all.iter().filter(|it| it.as_ref().is_some_and(|it| !it.contains(&"value".to_owned())));
    assert_eq!(without_value.count(), 1, "{all:?}");
    assert_eq!(counts(&fixture), [19_999, 1, 0, 0]);
}
