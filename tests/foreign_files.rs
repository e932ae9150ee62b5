//! Files that others wrote are read: nothing panics, and nothing is unreadable that PyArrow and DuckDB read.
//!
//! `PARALLAX_FOREIGN_FILES` names the folder that `tests/cases/foreign_files.py fetch` filled with the files of Python packages.
//! Real and golden files beside the checkout are read as well, of the golden ones each `PARALLAX_FOREIGN_EVERY`th (1 for all).
//! Needs `python3` with PyArrow and DuckDB. Without them or the folder the test says that it was skipped;
//! `PARALLAX_REQUIRE_FOREIGN_FILES=1` insists.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use reports::document::{CheckStatus, Severity};
use serde::Deserialize;

use crate::support::{check, files_below, findings, parallax, shared};

/// What `tests/cases/foreign_files.py read` says of a file.
#[derive(Deserialize)]
struct Described {
    path: PathBuf,
    /// What PyArrow refuses it for.
    pyarrow: Option<String>,
    /// What DuckDB refuses it for.
    duckdb: Option<String>,
    /// By PyArrow.
    rows: Option<u64>,
}

/// Files that PyArrow and DuckDB read and this program does not, or calls false: a part of the path, a part of what is said, and the
/// reason.
const LISTED: &[(&str, &str, &str)] = &[(
    "shared/golden/",
    "_false: column \"log.double\"",
    "parquet-go states bounds of a column with NaN that leave values out, by which engines lose rows",
)];

/// Golden files that are passed over for each one that is read, where nothing else is asked for.
const EVERY: usize = 60;

fn packages() -> Option<PathBuf> {
    let required = std::env::var_os("PARALLAX_REQUIRE_FOREIGN_FILES").is_some_and(|value| value == "1");
    let skipped = |why: &str| {
        assert!(!required, "PARALLAX_REQUIRE_FOREIGN_FILES=1, but {why}");
        eprintln!("SKIPPED: {why}; set PARALLAX_REQUIRE_FOREIGN_FILES=1 to insist");
        None
    };
    let Some(folder) = std::env::var_os("PARALLAX_FOREIGN_FILES").map(PathBuf::from) else {
        return skipped("PARALLAX_FOREIGN_FILES names no folder of Parquet files");
    };
    let found = Command::new("python3").args(["-c", "import duckdb, pyarrow"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        return skipped("python3 cannot import duckdb and pyarrow");
    }
    assert!(folder.is_dir(), "PARALLAX_FOREIGN_FILES={}: no such folder", folder.display());
    Some(folder)
}

fn described(paths: &[PathBuf]) -> Vec<Described> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/foreign_files.py");
    let read = Command::new("python3").arg("-B").arg(script).arg("read").args(paths).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    serde_json::from_slice(&read.stdout).unwrap()
}

/// What is wrong with the answers to one file.
fn wrong(file: &Described) -> Vec<String> {
    let path = file.path.to_str().unwrap();
    let readable = file.pyarrow.is_none() && file.duckdb.is_none();
    let mut wrong = Vec::new();
    for arguments in [&["compare", "--allow-same", path, path][..], &["verify", path]] {
        let done = parallax(&[arguments, &["--plain", "--allow-empty"]].concat()).finish();
        let mut said = |what: &str| {
            let listed = LISTED.iter().any(|(place, part, _)| path.contains(place) && what.contains(part));
            if !listed {
                wrong.push(format!("{} {path}: {what}", arguments[0]));
            }
        };
        if done.stderr.contains("panicked at") {
            said(&format!("it panics: {}", done.stderr));
        }
        if !matches!(done.code, Some(0..=3)) || (readable && done.code == Some(2)) {
            said(&format!("exit {:?}: {}{}", done.code, done.stdout, done.stderr));
        }
        if !readable || !matches!(done.code, Some(0 | 1 | 3)) {
            continue;
        }
        let report = done.report();
        let blockers = findings(&report)
            .filter(|it| it.severity == Severity::Blocker || it.code.ends_with("unreadable"))
            .map(|it| format!("{}: {}", it.code, it.message))
            .collect::<Vec<_>>();
        blockers.iter().for_each(|blocker| said(blocker));
        if done.code != Some(0) && blockers.is_empty() {
            said(&format!("exit {:?}: {}{}", done.code, done.stdout, done.stderr));
        }
        if arguments[0] == "compare" && file.rows != Some(0) {
            let rows = check(&report.jobs[0], "ROWS");
            if rows.status != CheckStatus::Pass || Some(rows.coverage.rows) < file.rows {
                said(&format!("ROWS looked at {} rows: {}", rows.coverage.rows, rows.summary));
            }
        }
    }
    wrong
}

fn assert_read(files: &[Described]) {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.extend(wrong(file));
        }
        found
    };
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let found: Vec<String> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        started.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(found.is_empty(), "{} wrong of {} files\n{}", found.len(), files.len(), found.join("\n"));
    let readable = files.iter().filter(|it| it.pyarrow.is_none() && it.duckdb.is_none()).count();
    println!("{} files, of which PyArrow and DuckDB read {readable}", files.len());
}

#[test]
fn files_of_python_packages_are_read_where_others_read_them() {
    let Some(folder) = packages() else { return };
    let files = described(&[folder]);
    assert!(files.len() > 15, "{} files", files.len());
    assert_read(&files);
}

#[test]
fn real_and_golden_files_are_read_where_others_read_them() {
    if packages().is_none() {
        return;
    }
    let every = std::env::var("PARALLAX_FOREIGN_EVERY").map_or(EVERY, |every| every.parse().unwrap());
    let parquet = |folder: &Path| {
        let files = files_below(folder).into_iter();
        files.filter(|it| it.extension().is_some_and(|it| it == "parquet")).collect::<Vec<_>>()
    };
    let mut paths: Vec<PathBuf> = shared("real").iter().flat_map(|it| parquet(it)).collect();
    paths.extend(shared("golden").iter().flat_map(|it| parquet(it)).step_by(every));
    if paths.is_empty() {
        eprintln!("SKIPPED: no real and no golden files beside the checkout");
        return;
    }
    assert_read(&described(&paths));
}
