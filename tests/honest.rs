//! Honest writers against each other: PyArrow, DuckDB, Polars, fastparquet and both built-in writers leave one data set of every type,
//! and every ordered pair of them is compared. No pair fails, and each warning stands in `EXPECTED` with its reason.
//!
//! `tests/cases/honest.py` writes the files; what a writer cannot hold is listed there. Without a package its writers are left out, and
//! the test says so; `PARALLAX_REQUIRE_PYARROW=1`, and the same for the other packages, insist. `PARALLAX_ALL_PAIRS=1` compares the
//! variants of one program with all others, too (132 pairs).

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use reports::document::{CheckStatus, Report, Severity};
use serde::Deserialize;

use crate::support::{check, files_below, findings, parallax};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/honest.py");

/// Warnings that are right: the old writer, the new writer, the code, what the message begins with, and why. A `*` stands for any end
/// of a name.
const EXPECTED: &[(&str, &str, &str, &str, &str)] = &[
    ("*", "*", "layout.codec", "*", "each writer compresses in its own way"),
    ("duckdb*", "*", "layout.bloom_filters_lost", "*", "DuckDB alone writes them"),
    ("pyarrow-v2", "*", "layout.checksums_lost", "*", "PyArrow writes them where it is asked to, as here"),
    ("polars", "*", "layout.page_index_lost", "*", "Polars writes one beside all statistics, others do not"),
    ("pyarrow-v2", "*", "layout.page_index_lost", "*", "PyArrow writes one where it is asked to, as here"),
    ("unified", "*", "layout.page_index_lost", "*", "both built-in writers write one, others do not"),
    ("legacy", "*", "layout.page_index_lost", "*", "both built-in writers write one, others do not"),
    ("*", "pyarrow-bare", "layout.statistics_lost", "*", "it writes none, as asked"),
    ("*", "polars-plain", "layout.statistics_lost", "*", "it writes none, as asked"),
    (
        "*",
        "fastparquet*",
        "layout.statistics_lost",
        "the baseline states bounds of*",
        "it gives bounds to numbers and times alone",
    ),
    (
        "*",
        "duckdb*",
        "layout.statistics_lost",
        "the baseline states bounds of 2 columns (\"f32_nan\", \"f64_nan\")*",
        "it gives no bounds to floats with NaN",
    ),
    (
        "legacy",
        "duckdb*",
        "layout.statistics_lost",
        "the baseline states bounds of 1 column (\"f64_nan\")*",
        "it gives no bounds to floats with NaN",
    ),
    (
        "*",
        "pyarrow*",
        "layout.statistics_lost",
        "the baseline states null counts of 1 column (\"untyped\")*",
        "it gives none to columns of the type null",
    ),
    (
        "*",
        "pyarrow-int96",
        "layout.statistics_lost",
        "the baseline states null counts of 1 column (\"int96\")*",
        "it gives none to INT96",
    ),
    (
        "fastparquet*",
        "*",
        "layout.metadata_lost",
        "the baseline's footers have 1 key of key-value metadata that the candidate has not: \"pandas\"",
        "pandas' index and types are written from data frames alone",
    ),
    ("unified", "*", "layout.sorting_lost", "*", "the unified writer alone states the order of rows"),
    (
        "*",
        "*",
        "schema.annotation",
        "column \"dec*",
        "decimals of up to 18 digits: bytes to PyArrow, integers to the others",
    ),
    ("*", "legacy", "schema.annotation", "column \"i*", "it forgets the width of integers"),
    ("legacy", "*", "schema.annotation", "column \"i*", "it forgets the width of integers"),
    ("*", "unified", "schema.annotation", "column \"json\" *", "it writes text, for Arrow has no JSON"),
    ("unified", "*", "schema.annotation", "column \"json\" *", "it writes text, for Arrow has no JSON"),
    ("*", "unified", "schema.annotation", "column \"uuid\" *", "it writes bytes, for Arrow has no UUID"),
    ("unified", "*", "schema.annotation", "column \"uuid\" *", "it writes bytes, for Arrow has no UUID"),
    (
        "*",
        "legacy",
        "metadata.not_stated",
        "the baseline's manifest states first_ts,*",
        "its writer of logs states no times",
    ),
    (
        "*",
        "legacy",
        "metadata.not_stated",
        "the baseline's manifest states last_ts,*",
        "its writer of logs states no times",
    ),
    (
        "*",
        "*",
        "schema.partition",
        "column \"day\" stands in *",
        "Polars writes such columns into the files as well",
    ),
    (
        "*",
        "*",
        "schema.partition",
        "column \"region\" stands in *",
        "Polars writes such columns into the files as well",
    ),
    ("file", "*", "sizes.count_changed", "*", "one file against a file a partition"),
    ("*", "file", "sizes.count_changed", "*", "one file against a file a partition"),
    ("legacy", "*", "sizes.count_changed", "*", "it splits by rows, as asked"),
    ("*", "legacy", "sizes.count_changed", "*", "it splits by rows, as asked"),
];

/// What `tests/cases/honest.py` says of a pair.
#[derive(Deserialize)]
struct Pair {
    old: String,
    new: String,
    files: [String; 2],
    columns: Vec<String>,
}

/// Packages that the writers need, PyArrow first, and the least major version that writes what `tests/cases/honest.py` asks for.
const PACKAGES: [(&str, u32); 4] = [("pyarrow", 19), ("duckdb", 2), ("polars", 2), ("fastparquet", 2026)];

/// Those of the packages that `python3` has, with commas; `None` without PyArrow. Fails where one is missing that is required.
fn packages() -> Option<String> {
    let mut found = Vec::new();
    for (package, least) in PACKAGES {
        let ask =
            format!("import {package}; raise SystemExit(int({package}.__version__.split('.')[0]) < {least})");
        let asked = Command::new("python3").args(["-c", &ask]).output();
        if asked.is_ok_and(|output| output.status.success()) {
            found.push(package);
            continue;
        }
        let variable = format!("PARALLAX_REQUIRE_{}", package.to_uppercase());
        let required = std::env::var_os(&variable).is_some_and(|value| value == "1");
        assert!(!required, "{variable}=1, but python3 cannot import {package} {least} or later");
        eprintln!("SKIPPED: python3 has no {package} {least} or later; set {variable}=1 to insist");
    }
    found.contains(&PACKAGES[0].0).then(|| found.join(","))
}

fn script(arguments: &[&str]) -> Vec<Pair> {
    let done = Command::new("python3").args(["-B", SCRIPT]).args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn fits(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

/// The findings of a pair that ask for something and are not expected.
fn unexpected(old: &str, new: &str, report: &Report) -> Vec<String> {
    let asked = findings(report).filter(|it| it.severity != Severity::Info);
    let expected = |code: &str, message: &str| {
        EXPECTED.iter().any(|(from, to, known, begins, _)| {
            fits(from, old) && fits(to, new) && *known == code && fits(begins, message)
        })
    };
    asked
        .filter(|it| it.severity == Severity::Blocker || !expected(&it.code, &it.message))
        .map(|it| format!("{:?} {}: {}", it.severity, it.code, it.message))
        .collect()
}

/// Compares all pairs, several at a time, and asserts that none is wrong.
fn compare(pairs: &[Pair], arguments: &[&str]) {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(pair) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = format!("{} against {}", pair.old, pair.new);
            let mut all =
                vec!["compare", pair.files[0].as_str(), pair.files[1].as_str(), "--plain", "--threads", "1"];
            all.extend(arguments);
            let done = parallax(&all).finish();
            if done.code != Some(0) {
                wrong
                    .lock()
                    .unwrap()
                    .push(format!("{name}: exit {:?}\n{}{}", done.code, done.stdout, done.stderr));
                continue;
            }
            let report = done.report();
            let rows = check(&report.jobs[0], "ROWS");
            let mut found = unexpected(&pair.old, &pair.new, &report);
            if rows.status != CheckStatus::Pass || rows.coverage.rows == 0 {
                found.push(format!("ROWS: {}", rows.summary));
            }
            wrong.lock().unwrap().extend(found.iter().map(|it| format!("{name}: {it}")));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(8) {
            scope.spawn(work);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} pairs\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
}

#[test]
fn honest_writers_of_every_type_pass_against_each_other() {
    let Some(packages) = packages() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut arguments =
        vec!["types", folder.path().to_str().unwrap(), env!("CARGO_BIN_EXE_parallax"), &packages];
    if std::env::var_os("PARALLAX_ALL_PAIRS").is_some_and(|value| value == "1") {
        arguments.push("all");
    }
    let pairs = script(&arguments);
    assert!(pairs.len() >= 10, "{} pairs", pairs.len());
    for pair in &pairs {
        assert!(pair.columns.len() >= 10, "{} and {}: {:?}", pair.old, pair.new, pair.columns);
    }
    compare(&pairs, &["--key", "id"]);
}

#[test]
fn partitions_of_honest_writers_are_equal_to_each_other_and_to_a_file() {
    let Some(packages) = packages() else { return };
    let folder = tempfile::tempdir().unwrap();
    let pairs = script(&["partitions", folder.path().to_str().unwrap(), &packages]);
    assert!(pairs.len() >= 4, "{} pairs", pairs.len());
    compare(&pairs, &["--key", "id"]);
}

/// A pair of directories.
fn pair(old: (&str, &Path), new: (&str, &Path)) -> Pair {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    Pair { old: old.0.into(), new: new.0.into(), files: [text(old.1), text(new.1)], columns: Vec::new() }
}

/// What both built-in writers left of built-in corpora: against each other, and against the same rows as PyArrow writes them.
#[test]
fn built_in_writers_and_what_pyarrow_makes_of_their_files_are_equal() {
    if packages().is_none() {
        return;
    }
    for (corpus, writer, key) in [
        ("compact-every-type", "buffet", "_cardinalhq.id"),
        ("ingest-unicode", "fingerprint", "_cardinalhq.id"),
        ("metrics-rollup-60s", "tid-merger", "_cardinalhq.tid,_cardinalhq.timestamp,_cardinalhq.name"),
        ("traces-unicode", "buffet", "_cardinalhq.span_id"),
    ] {
        let baseline = format!("legacy:{writer}");
        let done = parallax(&["run", "--corpus", corpus, "--keep", "always", "--baseline", &baseline])
            .finish()
            .expect(0);
        let report = done.report();
        let job = &report.jobs[0];
        let (legacy, unified) = (job.baseline.as_ref().unwrap(), &job.candidate);
        let kept = |it: &reports::document::SideReport| {
            done.path("parallax-report").join(it.kept.as_deref().unwrap())
        };
        let (legacy, unified) = (kept(legacy), kept(unified));
        let again = |name: &str, from: &Path| {
            let to = done.path(name);
            script(&["again", from.to_str().unwrap(), to.to_str().unwrap()]);
            let parquet = |it: &&std::path::PathBuf| it.extension().is_some_and(|it| it == "parquet");
            let count = |path: &Path| files_below(path).iter().filter(parquet).count();
            assert!(count(from) > 0 && count(from) == count(&to), "{corpus}");
            to
        };
        let (legacy_again, unified_again) =
            (again("legacy-again", &legacy), again("unified-again", &unified));
        let named = [
            (("legacy", legacy.as_path()), ("unified", unified.as_path())),
            (("legacy", &legacy), ("again", &legacy_again)),
            (("unified", &unified), ("again", &unified_again)),
            (("legacy", &legacy), ("again", &unified_again)),
        ];
        let pairs: Vec<Pair> = named.into_iter().flat_map(|(a, b)| [pair(a, b), pair(b, a)]).collect();
        compare(&pairs, &["--key", key]);
    }
}
