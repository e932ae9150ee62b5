use super::files::{FILES, SIZES};
use super::*;
use crate::fixture;

fn parse(text: &str) -> Vec<Vec<String>> {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn columns() -> [(&'static str, &'static [&'static str]); 7] {
    [
        ("findings.csv", FINDINGS),
        ("rows.csv", ROWS),
        ("blast.csv", BLAST),
        ("files.csv", FILES),
        ("sizes.csv", SIZES),
        ("layout.csv", layout::COLUMNS),
        ("checks.csv", CHECKS),
    ]
}

#[test]
fn the_files_look_as_documented() {
    for (name, text) in render_all(&fixture::rich()).unwrap() {
        let head: Vec<_> =
            text.lines().take(24).map(|line| line.chars().take(400).collect::<String>()).collect();
        insta::assert_snapshot!(name, head.join("\n"));
    }
}

#[test]
fn every_line_ends_in_cr_lf_and_has_a_cell_for_each_column() {
    for report in [fixture::rich(), fixture::hostile(), fixture::partial()] {
        for ((name, text), (expected, header)) in render_all(&report).unwrap().into_iter().zip(columns()) {
            assert_eq!(name, expected);
            assert!(text.ends_with("\r\n"));
            let lines = parse(&text);
            assert_eq!(lines[0], header);
            assert!(lines.iter().all(|line| line.len() == header.len()));
        }
    }
}

#[test]
fn no_text_cell_can_be_taken_for_a_formula() {
    for (name, text) in render_all(&fixture::hostile()).unwrap() {
        for cell in parse(&text).concat() {
            let number = cell.parse::<f64>().is_ok();
            assert!(number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{name}: {cell}");
        }
    }
    let text = rows(&fixture::hostile()).unwrap();
    let formulas: Vec<_> = parse(&text).into_iter().filter(|line| line[4] == "formula").collect();
    assert_eq!(formulas[0][7], "'=HYPERLINK(\"x\")");
    assert_eq!(formulas[0][10], "'@SUM(A1)");
}

#[test]
fn one_quote_taken_off_gives_the_value_back() {
    for value in ["=1", "'quoted", "-5", "plain", "", "\ttab", "''"] {
        let cell = text(value);
        assert_eq!(cell.strip_prefix('\'').unwrap_or(&cell), value);
    }
}

#[test]
fn every_finding_of_a_crowd_is_in_the_file() {
    let report = fixture::crowded(2, 5000);
    let total: usize = report.jobs.iter().flat_map(|job| &job.checks).map(|check| check.findings.len()).sum();
    assert!(total > 10_000);
    assert_eq!(parse(&findings(&report).unwrap()).len(), total + 1);
}

#[test]
fn files_join_what_was_found_with_what_was_stated() {
    let mut report = fixture::passing();
    report.jobs.truncate(1);
    let entries = &mut report.jobs[0].candidate.manifest.as_mut().unwrap().files;
    entries[2].path = "never-written.parquet".into();
    let repeated = entries[0].clone();
    entries.push(repeated);
    let lines = parse(&files(&report).unwrap());
    let candidate: Vec<_> = lines.iter().filter(|line| line[1] == "candidate").collect();
    let told: Vec<_> =
        candidate.iter().map(|line| (line[4].as_str(), line[5].as_str(), line[6].as_str())).collect();
    assert_eq!(
        told,
        [
            ("out-0001.parquet", "true", "true"),
            ("out-0001.parquet", "true", "true"),
            ("out-0002.parquet", "true", "true"),
            ("out-0003.parquet", "true", "false"),
            ("never-written.parquet", "false", "true"),
            ("_SUCCESS", "true", "false"),
            ("_old/", "true", "false"),
        ]
    );
    let unread: Vec<_> =
        candidate.iter().filter(|line| !line[30].is_empty()).map(|line| &line[30..]).collect();
    assert_eq!(unread, [["bookkeeping", "0"], ["hidden", "2"]]);
}

#[test]
fn tids_and_traces_of_the_manifest_come_after_the_rest_of_it_and_are_exact() {
    let lines = parse(&files(&fixture::rich()).unwrap());
    let first = |job: &str| lines.iter().find(|line| line[0] == job && line[1] == "candidate").unwrap();
    assert_eq!(first("overlapping-tids")[24..30], ["1040", "-9223372036854775808", "-5", "", "", ""]);
    assert_eq!(first("traces-that-straddle-files")[24..30], ["", "", "", "7", "80000", "4000"]);
}

#[test]
fn every_column_is_documented() {
    let page = include_str!("../../../docs/report-files.md");
    for (file, header) in columns() {
        let section =
            page.split("\n## ").find(|part| part.starts_with(&format!("`{file}`"))).unwrap_or_default();
        for column in header {
            assert!(
                section.contains(&format!("| `{column}` |")),
                "{file}: {column} is not in docs/report-files.md"
            );
        }
        let rows = section.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, header.len(), "{file}: docs/report-files.md describes other columns");
    }
}
