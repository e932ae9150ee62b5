//! Facts that other readers act on, from the schema and the footer: the cases of `tests/cases`, and pairs of files that differ in one
//! fact alone. They are made with PyArrow; without it the tests are skipped, unless it is required.

use std::path::{Path, PathBuf};
use std::process::Command;

use reports::document::{Finding, Severity};

use crate::support::{findings, parallax, python_has};

fn python() -> bool {
    python_has("pyarrow", "PARALLAX_REQUIRE_PYARROW")
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn run(script: &Path, arguments: &[&Path]) {
    let made = Command::new("python3").arg(script).args(arguments).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A folder with a copy of a case in it, made.
fn case(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [("_lib/tpatch.py", "_lib/tpatch.py"), (&*format!("{name}/make.py"), "case/make.py")] {
        let to = folder.path().join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(cases().join(from), to).unwrap();
    }
    run(&folder.path().join("case/make.py"), &[]);
    folder
}

/// Compares two files by the key `id`; the exit code and what was found beyond what is only told.
fn compare(old: &Path, new: &Path) -> (i32, Vec<Finding>) {
    let arguments = ["compare", old.to_str().unwrap(), new.to_str().unwrap(), "--key", "id", "--allow-same"];
    let done = parallax(&arguments).finish();
    let code = done.code.unwrap();
    assert!(code < 2, "{}", done.stderr);
    let found = findings(&done.report()).filter(|it| it.severity != Severity::Info).cloned().collect();
    (code, found)
}

fn codes(found: &[Finding]) -> Vec<&str> {
    found.iter().map(|it| it.code.as_str()).collect()
}

#[test]
fn lost_and_swapped_field_ids_fail_and_are_named() {
    if !python() {
        return;
    }
    let case = case("field-ids");
    let file = |name: &str| case.path().join("case").join(format!("{name}.parquet"));
    for (name, columns) in
        [("lost", ["\"id\"", "\"x\"", "\"y\""].as_slice()), ("swapped", &["\"x\"", "\"y\""])]
    {
        let (code, found) = compare(&file("old"), &file(name));
        assert_eq!((code, codes(&found)), (1, vec!["schema.field_id"]), "{name}");
        for column in columns {
            assert!(found[0].message.contains(column), "{}", found[0].message);
        }
    }
    assert_eq!(compare(&file("old"), &file("old")).0, 0);
}

#[test]
fn an_annotation_or_a_field_id_alone_is_seen_and_the_same_said_otherwise_is_not() {
    if !python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    run(&cases().join("footer-facts/annotations.py"), &[folder.path()]);
    let annotation = (0, vec!["schema.annotation"]);
    let id = (1, vec!["schema.field_id"]);
    let nothing = (0, vec![]);
    for (name, expected) in [
        ("uuid-lost", &annotation),
        ("time-utc", &annotation),
        ("geometry-lost", &annotation),
        ("geometry-crs", &annotation),
        ("geography-edges", &annotation),
        ("variant-lost", &annotation),
        ("future-lost", &annotation),
        ("future-changed", &annotation),
        ("future-number", &annotation),
        ("bson-lost", &annotation),
        ("same-crs", &nothing),
        ("same-future", &nothing),
        ("same-int64", &nothing),
        ("id-lost-element", &id),
        ("id-swapped-map", &id),
        ("id-swapped-struct", &id),
        ("id-shared", &id),
        ("id-new", &nothing),
        ("id-zeros", &nothing),
        ("id-same", &nothing),
    ] {
        let file = |side: &str| folder.path().join(format!("{name}.{side}.parquet"));
        let (code, found) = compare(&file("old"), &file("new"));
        assert_eq!(&(code, codes(&found)), expected, "{name}: {found:#?}");
    }
}

/// The messages of all findings of a code.
fn said(found: &[Finding], code: &str) -> String {
    let of = found.iter().filter(|it| it.code == code);
    of.map(|it| it.message.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn key_value_metadata_that_readers_act_on_is_warned_of_where_it_is_lost() {
    if !python() {
        return;
    }
    let case = case("footer-metadata-lost");
    for (name, code, words) in [
        ("spark", "layout.metadata_lost", ["3 keys", "org.apache.spark.legacyDateTime"].as_slice()),
        ("geo", "layout.metadata_lost", &["1 key", "\"geo\""]),
        ("arrow", "layout.arrow_schema", &["2 columns", "\"du\" is Duration"]),
    ] {
        let file = |side: &str| case.path().join("case").join(format!("{name}_{side}.parquet"));
        let (exit, found) = compare(&file("old"), &file("new"));
        assert_eq!((exit, codes(&found)), (0, vec![code]), "{name}: {found:#?}");
        for word in words {
            assert!(found[0].message.contains(word), "{}", found[0].message);
        }
        let (exit, found) = compare(&file("new"), &file("old"));
        assert_eq!((exit, codes(&found)), (0, vec![]), "{name}: new metadata loses nothing");
    }
}

#[test]
fn each_key_and_each_arrow_type_is_judged_by_what_its_readers_do() {
    if !python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    run(&cases().join("footer-facts/metadata.py"), &[folder.path()]);
    let (lost, changed, arrow) = ("layout.metadata_lost", "layout.metadata_changed", "layout.arrow_schema");
    for (name, expected) in [
        ("key-lost", [lost].as_slice()),
        ("key-changed", &[changed]),
        ("key-same", &[]),
        ("key-new", &[]),
        ("spark-lost", &[lost]),
        ("spark-rebased", &[changed]),
        ("spark-newer", &[]),
        ("geo-crs", &[changed]),
        ("geo-box", &[]),
        ("pandas-lost", &[lost]),
        ("duration-lost", &[arrow]),
        ("zone-lost", &[arrow]),
        ("zone-changed", &[arrow]),
        ("nested-duration-lost", &[arrow]),
        ("extension-lost", &[arrow]),
        ("large-lost", &[]),
        ("large-bytes-lost", &[]),
        ("dictionary-lost", &[]),
        ("plain-lost", &[]),
        ("utc-lost", &[]),
        ("uuid-stated", &[]),
    ] {
        let file = |side: &str| folder.path().join(format!("{name}.{side}.parquet"));
        let (exit, found) = compare(&file("old"), &file("new"));
        assert_eq!((exit, codes(&found)), (0, expected.to_vec()), "{name}: {found:#?}");
    }
}

#[test]
fn statistics_and_a_declared_order_that_are_lost_in_part_are_warned_of() {
    if !python() {
        return;
    }
    let case = case("statistics-partly-lost");
    let file = |name: &str| case.path().join("case").join(format!("{name}.parquet"));
    for (name, code, word) in [
        ("no_bounds", "layout.statistics_lost", "bounds of 2 columns (\"id\", \"s\")"),
        ("no_null_count", "layout.statistics_lost", "null counts of 2 columns (\"id\", \"s\")"),
        ("no_column_orders", "layout.statistics_lost", "does not state the order"),
        ("no_sorting", "layout.sorting_lost", "sorted by id"),
    ] {
        let (exit, found) = compare(&file("old"), &file(name));
        assert_eq!((exit, codes(&found)), (0, vec![code]), "{name}: {found:#?}");
        assert!(found[0].message.contains(word), "{}", found[0].message);
        assert_eq!(codes(&compare(&file(name), &file("old")).1), Vec::<&str>::new(), "{name}");
    }
}

#[test]
fn encodings_that_the_footer_claims_are_compared_with_the_pages() {
    if !python() {
        return;
    }
    let case = case("encoding-stats");
    let file = |name: &str| case.path().join("case").join(format!("{name}.parquet"));
    let (exit, found) = compare(&file("old"), &file("new"));
    assert_eq!((exit, codes(&found)), (1, vec!["layout.encodings_false"]));
    assert!(found[0].message.contains("lists the encodings RLE, RLE_DICTIONARY"), "{}", found[0].message);
    // On the old side it is its defect.
    assert_eq!(compare(&file("new"), &file("old")).0, 0);
}

#[test]
fn places_and_sizes_of_row_groups_and_other_files_are_compared_with_the_pages() {
    if !python() {
        return;
    }
    let case = case("rowgroup-place");
    let file = |name: &str| case.path().join("case").join(format!("{name}.parquet"));
    for (name, code, word) in [
        ("place", "layout.row_group_false", "it begins at byte 1028"),
        ("negative", "layout.row_group_false", "-1794967296 bytes before compression"),
        ("external", "layout.file_path_false", "other.parquet"),
    ] {
        let (exit, found) = compare(&file("old"), &file(name));
        assert_eq!((exit, codes(&found)), (1, vec![code]), "{name}: {found:#?}");
        assert!(said(&found, code).contains(word), "{name}: {}", said(&found, code));
        assert_eq!(compare(&file(name), &file("old")).0, 0, "{name} on the old side");
    }
}

#[test]
fn each_claim_alone_is_seen_and_what_claims_nothing_is_not() {
    if !python() {
        return;
    }
    for version in ["1.0", "2.0"] {
        let folder = tempfile::tempdir().unwrap();
        run(&cases().join("footer-facts/claims.py"), &[folder.path(), Path::new(version)]);
        let file = |name: &str| folder.path().join(format!("{name}.parquet"));
        for (name, expected) in [
            ("false-offset", [("layout.row_group_false", 3)].as_slice()),
            ("false-compressed", &[("layout.row_group_false", 3)]),
            ("false-size", &[("layout.row_group_false", 3)]),
            ("false-encoding", &[("layout.encodings_false", 3)]),
            ("false-count", &[("layout.encodings_false", 6)]),
            ("false-file", &[("layout.file_path_false", 3)]),
            ("true-none", &[]),
            ("true-zero", &[]),
            ("true-old-name", &[]),
            ("true-chunk-offset", &[]),
        ] {
            let (exit, found) = compare(&file("honest"), &file(name));
            let counts: Vec<(&str, u64)> = found.iter().map(|it| (it.code.as_str(), it.count)).collect();
            assert_eq!(
                (exit, counts),
                (i32::from(!expected.is_empty()), expected.to_vec()),
                "{name}, {version}"
            );
        }
    }
}
