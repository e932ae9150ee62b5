//! Facts that other readers act on, from the schema and the footer: the cases of `tests/cases`, and pairs of files that differ in one
//! fact alone. They are made with PyArrow; without it the tests are skipped, unless it is required.

use std::path::{Path, PathBuf};
use std::process::Command;

use reports::document::{Finding, Severity};

use crate::support::{findings, parallax};

/// True where `python3` has PyArrow; says so otherwise, and fails where it is required.
fn python() -> bool {
    let found = Command::new("python3").args(["-c", "import pyarrow"]).output();
    let there = found.is_ok_and(|output| output.status.success());
    if !there {
        assert!(
            std::env::var_os("PARALLAX_REQUIRE_PYARROW").is_none_or(|value| value != "1"),
            "PARALLAX_REQUIRE_PYARROW=1, but python3 has no pyarrow"
        );
        eprintln!("skipped: python3 has no pyarrow");
    }
    there
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
    let arguments = ["compare", old.to_str().unwrap(), new.to_str().unwrap(), "--key", "id"];
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
