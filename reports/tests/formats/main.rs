//! Every format of one failing, one passing, one inconclusive and one interrupted run: as it looks, and as others read it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking; clippy exempts only the test functions, not their helpers"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use document::fixture;
use document::report::Report;

/// The four runs, by how they ended.
fn runs() -> [(&'static str, Report); 4] {
    [
        ("failing", fixture::one_failing()),
        ("passing", fixture::one_passing()),
        ("inconclusive", fixture::one_undecided()),
        ("interrupted", fixture::partial()),
    ]
}

/// Files of a report by name.
fn files(report: &Report) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().unwrap();
    reports::write_all(report, dir.path()).unwrap();
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read_to_string(entry.path()).unwrap())
    };
    std::fs::read_dir(dir.path()).unwrap().map(read).collect()
}

/// The page without what is the same in every page: style, script, the pages of the checks; a line an element.
fn bones(page: &str) -> String {
    let mut page = page.to_owned();
    for (from, to) in
        [("<style>", "</style>"), ("<script>", "</script>"), ("<div class=\"guide\">", "</div></div>")]
    {
        while let Some(start) = page.find(from) {
            let end = start + page[start..].find(to).unwrap() + to.len();
            page.replace_range(start..end, &format!("[{}]", from.trim_matches(['<', '>'])));
        }
    }
    for tag in [
        "<section", "<div", "<table", "<tr", "<li", "<p", "<h", "<details", "<figure", "<pre", "<dl",
        "<text", "<rect",
    ] {
        page = page.replace(tag, &format!("\n{tag}"));
    }
    page
}

#[test]
fn every_format_of_the_four_runs_looks_as_it_did() {
    for (name, report) in runs() {
        for (file, text) in files(&report) {
            let text = if file == "index.html" { bones(&text) } else { text.replace("\r\n", "\n") };
            insta::assert_snapshot!(format!("{name}.{file}"), text);
        }
        insta::assert_snapshot!(format!("{name}.txt"), reports::summary::render_text(&report, 100, false));
    }
}

#[test]
fn the_four_runs_are_told_apart_in_the_first_line_of_every_format_for_people() {
    for ((_, report), word) in runs().iter().zip(["fail", "pass", "inconclusive", "inconclusive"]) {
        let files = files(report);
        assert!(files["index.html"].contains(&format!("<h1 id=\"verdict\">{word}</h1>")));
        assert!(files["summary.md"].lines().next().unwrap().contains(&word.to_uppercase()));
        assert!(reports::summary::render_text(report, 100, false).starts_with(&word.to_uppercase()));
    }
}

/// A table as Rust's reader sees it.
fn table(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(false).from_path(path).unwrap();
    let lines = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect());
    lines.collect()
}

/// A Python that has what the second reader needs.
fn python() -> Option<&'static str> {
    let has = |python: &&str| {
        Command::new(python)
            .args(["-c", "import jsonschema, xmlschema"])
            .output()
            .is_ok_and(|it| it.status.success())
    };
    let found = ["python3"].into_iter().find(|python| has(python));
    assert!(
        found.is_some() || std::env::var_os("PARALLAX_REQUIRE_SECOND_READER").is_none(),
        "PARALLAX_REQUIRE_SECOND_READER: python3 -m pip install jsonschema xmlschema"
    );
    found
}

#[test]
fn other_readers_read_tables_schemas_and_suites_as_we_do() {
    let home = tempfile::tempdir().unwrap();
    let more =
        [("hostile", fixture::hostile()), ("rich", fixture::rich()), ("measured", fixture::measured())];
    let dirs: Vec<PathBuf> = runs()
        .into_iter()
        .chain(more)
        .map(|(name, report)| {
            let dir = home.path().join(name);
            reports::write_all(&report, &dir).unwrap();
            dir
        })
        .collect();
    let mut ours: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for dir in &dirs {
        let report = dir.file_name().unwrap().to_str().unwrap();
        for name in reports::FILES.iter().filter(|name| name.ends_with(".csv")) {
            let lines = table(&dir.join(name));
            assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{report}/{name}");
            ours.insert(format!("{report}/{name}"), lines);
        }
    }
    assert!(ours["hostile/rows.csv"].len() > 5);
    let Some(python) = python() else {
        eprintln!(
            "SKIPPED: no python3 with jsonschema and xmlschema; only Rust's reader has read the tables"
        );
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let told = Command::new(python)
        .arg(root.join("tests/formats/second_reader.py"))
        .arg(root.join("schema"))
        .args(&dirs)
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let theirs: BTreeMap<String, Vec<Vec<String>>> = serde_json::from_slice(&told.stdout).unwrap();
    assert!(ours == theirs, "Python reads other cells than Rust");
}
