//! What a footer claims of its row groups and pages, and what the candidate no longer states.

use std::path::PathBuf;

use parquet::basic::Compression;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use reports::document::{Finding, Role, Severity};

use super::{Layout, claims, keys, lost};
use crate::check::fixture::{Fixture, blockers, ints, maybe_texts, texts};
use crate::fault::footer::restate_raw;
use crate::fault::thrift::Value;
use crate::output::testing::{Columns, write_with};

/// Fields of the format's structures.
const ROW_GROUPS: i64 = 4;
const KEY_VALUES: i64 = 5;
const COLUMN_ORDERS: i64 = 7;
const COLUMNS: i64 = 1;
const META_DATA: i64 = 3;
const STATISTICS: i64 = 12;

/// Three row groups; the text column falls back from its dictionary to plain pages.
fn fixture() -> Fixture {
    let names: Vec<String> =
        (0..600).map(|it| if it % 200 < 20 { "common".to_owned() } else { format!("key-{it:06}") }).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let columns: Columns = vec![("id", ints(&(0..600).collect::<Vec<i64>>())), ("s", texts(&names))];
    let properties = || {
        WriterProperties::builder()
            .set_max_row_group_row_count(Some(200))
            .set_write_batch_size(10)
            .set_data_page_row_count_limit(20)
            .set_dictionary_page_size_limit(300)
            .set_compression(Compression::SNAPPY)
    };
    pair(&columns, properties)
}

fn pair(columns: &Columns, properties: impl Fn() -> WriterPropertiesBuilder) -> Fixture {
    let fixture = Fixture::empty();
    for role in [Role::Baseline, Role::Candidate] {
        write_with(&path(&fixture, role), columns, properties());
    }
    fixture
}

fn path(fixture: &Fixture, role: Role) -> PathBuf {
    fixture.path(role, "one.parquet")
}

fn footer(fixture: &Fixture, role: Role, change: impl Fn(&mut Value)) {
    let changed = restate_raw(&path(fixture, role), |footer| {
        change(footer);
        true
    });
    assert!(changed.unwrap());
}

/// Sets a field of every row group of the candidate.
fn groups(fixture: &Fixture, field: i64, number: Option<i64>) {
    footer(fixture, Role::Candidate, |footer| {
        for group in footer.list(ROW_GROUPS) {
            match number {
                Some(number) => group.set(field, Value::i64(number)),
                None => {
                    group.remove(field);
                }
            }
        }
    });
}

/// Changes the metadata of one column in every row group of the candidate.
fn column(fixture: &Fixture, number: usize, change: impl Fn(&mut Value)) {
    footer(fixture, Role::Candidate, |footer| {
        for group in footer.list(ROW_GROUPS) {
            change(group.list(COLUMNS)[number].field(META_DATA).unwrap());
        }
    });
}

fn found(fixture: &Fixture, severity: Severity) -> Vec<Finding> {
    let findings = fixture.examine(&Layout).findings.into_iter();
    findings.filter(|it| it.severity == severity).collect()
}

fn codes(found: &[Finding]) -> Vec<&str> {
    found.iter().map(|it| it.code.as_str()).collect()
}

#[test]
fn a_place_or_a_size_of_a_row_group_that_is_not_true_is_a_blocker_and_none_claims_nothing() {
    for (field, wrong, said) in [
        (5, 1 << 40, "it begins at byte 1099511627776, its first page begins at byte "),
        (5, -4, "it begins at byte -4"),
        (5, 5, "it begins at byte 5"),
        (6, 1, "its pages take 1 bytes, they take "),
        (6, -1, "its pages take -1 bytes"),
        (2, -1_794_967_296, "its pages take -1794967296 bytes before compression, they take "),
        (2, 7, "before compression"),
    ] {
        let fixture = fixture();
        for nothing in [Some(0), None] {
            groups(&fixture, field, nothing);
            // The Parquet crate insists on the size before compression.
            if field != 2 || nothing.is_some() {
                assert_eq!(found(&fixture, Severity::Blocker), [], "field {field}");
            }
        }
        groups(&fixture, field, Some(wrong));
        let found = found(&fixture, Severity::Blocker);
        assert_eq!(codes(&found), [claims::ROW_GROUP], "field {field}");
        assert!(found[0].message.contains(said), "{}", found[0].message);
        assert_eq!((found[0].place.as_ref().unwrap().row_group, found[0].count), (Some(0), 3));
    }
}

#[test]
fn a_row_group_may_begin_in_the_padding_before_its_first_page_and_take_its_compressed_size() {
    let fixture = fixture();
    footer(&fixture, Role::Candidate, |footer| {
        for group in footer.list(ROW_GROUPS) {
            let compressed = group.field(6).unwrap().clone();
            group.set(2, compressed);
        }
        // Between the magic and the first page nothing lies.
        footer.list(ROW_GROUPS)[0].set(5, Value::i64(2));
    });
    assert_eq!(found(&fixture, Severity::Blocker), []);
}

#[test]
fn a_row_group_of_old_arrow_may_be_placed_at_the_end_of_its_first_chunk() {
    for (writer, blockers) in [
        ("parquet-cpp-arrow version 5.0.0", 0),
        ("parquet-cpp version 1.5.1-SNAPSHOT", 0),
        ("parquet-cpp-arrow version 6.0.1", 1),
    ] {
        let fixture = fixture();
        footer(&fixture, Role::Candidate, |footer| {
            footer.set(6, Value::Binary(writer.as_bytes().to_vec()));
            for group in footer.list(ROW_GROUPS) {
                let chunk = group.list(COLUMNS)[0].field(META_DATA).unwrap();
                // The dictionary, else the first data page; and the bytes of all pages.
                let start = [11, 9].iter().find_map(|&it| chunk.field(it).and_then(|it| it.number()));
                let size = chunk.field(7).and_then(|it| it.number()).unwrap();
                group.set(5, Value::i64(start.unwrap() + size));
            }
        });
        assert_eq!(found(&fixture, Severity::Blocker).len(), blockers, "{writer}");
    }
}

#[test]
fn a_false_claim_of_the_baseline_is_its_defect() {
    let fixture = fixture();
    footer(&fixture, Role::Baseline, |footer| {
        footer.list(ROW_GROUPS).iter_mut().for_each(|group| group.set(6, Value::i64(1)));
    });
    assert_eq!(found(&fixture, Severity::Blocker), []);
    let told = found(&fixture, Severity::Info);
    assert_eq!(
        (codes(&told), told[0].side, told[0].count),
        (vec![claims::ROW_GROUP], Some(Role::Baseline), 3)
    );
}

#[test]
fn pages_that_are_said_to_lie_in_another_file_are_a_blocker_and_an_empty_path_is_none() {
    let fixture = fixture();
    let state = |name: &[u8]| {
        footer(&fixture, Role::Candidate, |footer| {
            for group in footer.list(ROW_GROUPS) {
                group.list(COLUMNS).iter_mut().for_each(|it| it.set(1, Value::Binary(name.to_vec())));
            }
        });
    };
    state(b"");
    assert_eq!(found(&fixture, Severity::Blocker), []);
    state(b"other.parquet");
    let found = found(&fixture, Severity::Blocker);
    assert_eq!(codes(&found), [claims::FILE_PATH]);
    assert!(
        found[0].message.contains("column \"id\" are in the file \"other.parquet\""),
        "{}",
        found[0].message
    );
}

fn stats(pages: &[[i64; 3]]) -> Value {
    let one = |[kind, encoding, count]: &[i64; 3]| {
        vec![(1, Value::i32(*kind)), (2, Value::i32(*encoding)), (3, Value::i32(*count))]
    };
    Value::structures(pages.iter().map(one).collect())
}

fn list(encodings: &[i64]) -> Value {
    Value::List(5, encodings.iter().copied().map(Value::i32).collect())
}

/// The data pages that each row group of the text column has: in dictionary encoding, and plain.
fn honest(fixture: &Fixture) -> Vec<[i64; 2]> {
    let mut pages = Vec::new();
    restate_raw(&path(fixture, Role::Candidate), |footer| {
        for group in footer.list(ROW_GROUPS) {
            let mut counts = [0; 2];
            for stated in group.list(COLUMNS)[1].field(META_DATA).unwrap().list(13) {
                let [kind, encoding, count] = [1, 2, 3].map(|it| stated.field(it).unwrap().number().unwrap());
                if kind != 2 {
                    counts[usize::from(encoding == 0)] += count;
                }
            }
            pages.push(counts);
        }
        false
    })
    .unwrap();
    pages
}

#[test]
fn encodings_of_data_pages_must_be_listed_and_counted_rightly_where_they_are_at_all() {
    let fixture = fixture();
    let counts = honest(&fixture);
    assert!(counts.iter().all(|it| it[0] > 0 && it[1] > 0), "{counts:?}");
    assert_eq!(found(&fixture, Severity::Blocker), []);
    let state = |encodings: &[i64], stated: fn([i64; 2]) -> Vec<[i64; 3]>| {
        footer(&fixture, Role::Candidate, |footer| {
            for (group, counts) in footer.list(ROW_GROUPS).iter_mut().zip(&counts) {
                let metadata = group.list(COLUMNS)[1].field(META_DATA).unwrap();
                metadata.set(2, list(encodings));
                metadata.set(13, stats(&stated(*counts)));
            }
        });
        let found = found(&fixture, Severity::Blocker);
        assert!(found.iter().all(|it| it.code == claims::ENCODINGS), "{found:#?}");
        found.first().map(|it| it.message.clone()).unwrap_or_default()
    };
    // Nothing is claimed; both names of dictionary encoding, either version of a page; a plain dictionary page need not be listed.
    assert_eq!(state(&[], |_| Vec::new()), "");
    assert_eq!(state(&[0, 2], |[coded, plain]| vec![[0, 2, coded], [3, 0, plain]]), "");
    assert_eq!(state(&[0, 8], |[coded, plain]| vec![[2, 0, 1], [3, 8, coded], [0, 0, plain], [0, 5, 0]]), "");
    // All pages are said to use the dictionary.
    let said = state(&[3, 8], |_| Vec::new());
    assert!(said.contains("lists the encodings RLE, RLE_DICTIONARY, data pages are in PLAIN"), "{said}");
    let said = state(&[0, 8], |[coded, plain]| vec![[0, 8, coded + plain]]);
    assert!(said.contains("data pages in PLAIN, there are"), "{said}");
    let said = state(&[0, 8], |[coded, plain]| vec![[0, 8, coded], [0, 0, plain + 1]]);
    assert!(said.contains("data pages in PLAIN, there are"), "{said}");
    let said = state(&[0, 8], |_| vec![[2, 0, 1]]);
    assert!(said.contains("counts 0 data pages"), "{said}");
}

/// Removes fields of the statistics of every column of the candidate.
fn without_statistics(fixture: &Fixture, fields: &[i64]) {
    for number in [0, 1] {
        column(fixture, number, |metadata| {
            let statistics = metadata.field(STATISTICS).unwrap();
            for &field in fields {
                statistics.remove(field);
            }
        });
    }
}

/// The warnings.
fn warned(fixture: &Fixture) -> Vec<Finding> {
    assert_eq!(found(fixture, Severity::Blocker), []);
    found(fixture, Severity::Warning)
}

fn sorted() -> Fixture {
    let columns: Columns = vec![("id", ints(&[1, 2, 3])), ("s", maybe_texts(&[Some("a"), None, Some("c")]))];
    pair(&columns, || {
        let sorting = SortingColumn { column_idx: 0, descending: false, nulls_first: false };
        WriterProperties::builder().set_sorting_columns(Some(vec![sorting]))
    })
}

#[test]
fn statistics_that_are_lost_in_part_are_warned_of_with_their_columns() {
    let fixture = sorted();
    assert_eq!(warned(&fixture), []);
    without_statistics(&fixture, &[1, 2, 5, 6, 7, 8]);
    let found = warned(&fixture);
    assert_eq!((codes(&found), found[0].count), (vec![lost::STATISTICS], 2));
    assert!(found[0].message.contains("bounds of 2 columns (\"id\", \"s\")"), "{}", found[0].message);
    let fixture = sorted();
    without_statistics(&fixture, &[3]);
    let found = warned(&fixture);
    assert_eq!(codes(&found), [lost::STATISTICS]);
    assert!(found[0].message.contains("null counts of 2 columns"), "{}", found[0].message);
    // The new fields without an order; numbers keep their bounds in the fields of old where those are there.
    let fixture = sorted();
    without_statistics(&fixture, &[1, 2]);
    footer(&fixture, Role::Candidate, |footer| {
        footer.remove(COLUMN_ORDERS);
    });
    let found = warned(&fixture);
    assert_eq!((codes(&found), found[0].count), (vec![lost::STATISTICS], 2));
    assert!(found[0].message.contains("does not state the order"), "{}", found[0].message);
    let fixture = sorted();
    column(&fixture, 0, |metadata| {
        let statistics = metadata.field(STATISTICS).unwrap();
        for (old, new) in [(1, 5), (2, 6)] {
            let bound = statistics.field(new).unwrap().clone();
            statistics.set(old, bound);
        }
    });
    footer(&fixture, Role::Candidate, |footer| {
        footer.remove(COLUMN_ORDERS);
    });
    let found = warned(&fixture);
    assert_eq!(found[0].place.as_ref().unwrap().column.as_deref(), Some("s"), "{found:#?}");
}

#[test]
fn bounds_in_an_order_of_the_future_are_lost_to_readers_of_today() {
    let fixture = sorted();
    footer(&fixture, Role::Candidate, |footer| {
        footer.list(COLUMN_ORDERS)[1] = Value::Struct(vec![(2, Value::Struct(Vec::new()))]);
    });
    let found = warned(&fixture);
    assert_eq!(codes(&found), [lost::STATISTICS]);
    assert!(found[0].message.contains("bounds of 1 column (\"s\")"), "{}", found[0].message);
}

#[test]
fn what_the_baseline_does_not_state_is_not_lost() {
    let fixture = sorted();
    without_statistics(&fixture, &[1, 2, 3, 5, 6, 7, 8]);
    std::fs::copy(path(&fixture, Role::Candidate), path(&fixture, Role::Baseline)).unwrap();
    assert_eq!(warned(&fixture), []);
}

#[test]
fn a_declared_order_that_is_gone_or_another_one_is_warned_of() {
    let fixture = sorted();
    groups(&fixture, 4, None);
    let found = warned(&fixture);
    assert_eq!(codes(&found), [lost::SORTING]);
    assert!(
        found[0].message.contains("sorted by id, the candidate declares no order"),
        "{}",
        found[0].message
    );
    let order = |column: i64| vec![(1, Value::i32(column)), (2, Value::Flag(false)), (3, Value::Flag(false))];
    let declare = |columns: Vec<Vec<(i64, Value)>>| {
        footer(&fixture, Role::Candidate, |footer| {
            footer.list(ROW_GROUPS)[0].set(4, Value::structures(columns.clone()));
        });
    };
    declare(vec![order(0), order(1)]);
    assert_eq!(warned(&fixture), [], "a longer order is the order too");
    // Baseline: by id and s; candidate: by id alone.
    std::fs::copy(path(&fixture, Role::Candidate), path(&fixture, Role::Baseline)).unwrap();
    declare(vec![order(0)]);
    assert_eq!(codes(&warned(&fixture)), [lost::SORTING]);
}

#[test]
fn an_arrow_schema_that_cannot_be_read_is_warned_of() {
    let fixture = sorted();
    footer(&fixture, Role::Candidate, |footer| {
        let named = |pair: &mut Value| pair.field(1) == Some(&mut Value::Binary(b"ARROW:schema".to_vec()));
        let mut pairs = footer.list(KEY_VALUES).iter_mut();
        let schema = pairs.find_map(|pair| named(pair).then_some(pair)).unwrap();
        schema.set(2, Value::Binary(b"AAAA".to_vec()));
    });
    let found = warned(&fixture);
    assert_eq!(codes(&found), [keys::ARROW]);
    assert!(found[0].message.contains("ARROW:schema cannot be read"), "{}", found[0].message);
}

#[test]
fn an_ignored_column_whose_pages_are_nowhere_leaves_the_others_judged() {
    const COMPRESSED: i64 = 7;
    const DATA_PAGES: i64 = 9;
    const DICTIONARY: i64 = 11;
    for (field, number) in [(DATA_PAGES, -5), (DATA_PAGES, 1 << 40), (COMPRESSED, 1 << 45), (COMPRESSED, -1)]
    {
        let mut fixture = fixture();
        column(&fixture, 1, |metadata| {
            metadata.remove(DICTIONARY);
            metadata.set(field, Value::i64(number));
        });
        assert_ne!(found(&fixture, Severity::Blocker), [], "{field}: {number}");
        fixture.comparison.ignored.insert("s".to_owned(), "broken".to_owned());
        let outcome = fixture.examine(&Layout);
        assert_eq!((outcome.status, blockers(&outcome)), (None, vec![]), "{field}: {number}");
        column(&fixture, 0, |metadata| {
            let bounds = metadata.field(STATISTICS).unwrap();
            bounds.set(6, Value::Binary(i64::MAX.to_le_bytes().to_vec()));
        });
        assert_eq!(codes(&found(&fixture, Severity::Blocker)), ["layout.statistics_false"]);
    }
    // One that is left out and sound still counts in what the row group states.
    let mut fixture = fixture();
    fixture.comparison.ignored.insert("s".to_owned(), "of no matter".to_owned());
    groups(&fixture, 6, Some(1));
    assert_eq!(codes(&found(&fixture, Severity::Blocker)), [claims::ROW_GROUP]);
}
