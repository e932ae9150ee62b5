//! Evidence that outlives a run: every differing row in a file, the blast radius, ids that stay, a query by other means.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal256Array, Int32Array, Int32Builder, Int64Array, ListArray, MapBuilder,
    RecordBatch, StringArray, StringBuilder, StructArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, i256};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use reports::document::{Report, Severity};
use reports::evidence::RowsEvidence;

use crate::support::{files_below, findings, parallax, python_has, read_report};

/// Rows of a generated output: id, time in milliseconds, service and body of row `number`.
fn write(path: &Path, rows: std::ops::Range<i64>, body: impl Fn(i64) -> String) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let column = |make: &dyn Fn(i64) -> String, part: &[i64]| -> ArrayRef {
        Arc::new(part.iter().map(|&row| Some(make(row))).collect::<StringArray>())
    };
    let mut writer: Option<ArrowWriter<File>> = None;
    let rows: Vec<i64> = rows.collect();
    for part in rows.chunks(65_536) {
        let batch = RecordBatch::try_from_iter([
            ("id", Arc::new(Int64Array::from(part.to_vec())) as ArrayRef),
            ("service", column(&|row| format!("service-{}", row % 7), part)),
            ("body", column(&body, part)),
        ])
        .unwrap();
        writer
            .get_or_insert_with(|| {
                ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap()
            })
            .write(&batch)
            .unwrap();
    }
    writer.unwrap().close().unwrap();
}

/// Rows of a file of differences by kind, with every (kind, key, baseline place, candidate place) seen once.
fn kinds(path: &Path) -> BTreeMap<String, u64> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let mut counts = BTreeMap::new();
    for batch in reader.build().unwrap() {
        for kind in batch.unwrap()["kind"].as_string::<i32>().iter() {
            *counts.entry(kind.unwrap().to_owned()).or_default() += 1;
        }
    }
    counts
}

fn rows(report: &Report) -> &RowsEvidence {
    report.jobs[0].rows.as_ref().unwrap()
}

fn complete(report: &Report, folder: &Path) {
    let rows = rows(report);
    let counted = kinds(&folder.join(rows.differences.as_ref().unwrap()));
    let of = |kind: &str| counted.get(kind).copied().unwrap_or_default();
    assert_eq!((of("changed"), of("missing"), of("extra")), (rows.changed, rows.missing, rows.extra));
    let blast = rows.blast.as_ref().unwrap();
    assert_eq!(blast.rows(), rows.changed + rows.missing + rows.extra);
}

/// How many rows the generated outputs differ in: `PARALLAX_DIFFERING_ROWS` for the figures that are quoted.
fn size() -> i64 {
    std::env::var("PARALLAX_DIFFERING_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(30_000)
}

#[test]
fn the_file_of_differences_holds_every_row_and_the_blast_radius_sums_to_them() {
    let home = tempfile::tempdir().unwrap();
    let (a, b) = (home.path().join("a/one.parquet"), home.path().join("b/one.parquet"));
    let rows_in = size();
    write(&a, 0..rows_in + 100, |row| format!("body {row}"));
    write(&b, 50..rows_in + 300, |row| format!("body of {row}"));
    let [a, b] = [a, b].map(|path| path.to_str().unwrap().to_owned());
    let done = parallax(&["compare", &a, &b, "--key", "id", "--by", "service,file"]).finish().expect(1);
    let report = done.report();
    complete(&report, &done.path("parallax-report"));
    let found = rows(&report);
    assert_eq!((found.changed, found.missing, found.extra), (rows_in as u64 + 50, 50, 200));
    let blast = found.blast.as_ref().unwrap();
    assert_eq!(blast.groups.len(), 7);
    let csv = std::fs::read_to_string(done.path("parallax-report/blast.csv")).unwrap();
    let sum: u64 =
        csv.lines().skip(1).map(|line| line.rsplit(',').nth(3).unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(sum, blast.rows(), "{csv}");
    let changed = findings(&report).find(|finding| finding.code == "rows.changed").unwrap();
    assert!(changed.evidence.iter().any(|it| it.name == "most rows" && it.value.contains("service-")));
    assert!(done.leftovers().is_empty());
}

#[test]
fn values_in_the_file_of_differences_are_whole() {
    let home = tempfile::tempdir().unwrap();
    let (a, b) = (home.path().join("a.parquet"), home.path().join("b.parquet"));
    let long = "x".repeat(100_000);
    write(&a, 0..1, |_| format!("{long}a"));
    write(&b, 0..1, |_| format!("{long}b"));
    let done =
        parallax(&["compare", a.to_str().unwrap(), b.to_str().unwrap(), "--key", "id"]).finish().expect(1);
    let file = File::open(done.path("parallax-report/differences/compare.parquet")).unwrap();
    let batch =
        ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().next().unwrap().unwrap();
    let cells = batch["cells"].as_list::<i32>().value(0);
    let text = |name: &str| cells.as_struct()[name].as_string::<i32>().value(0).to_owned();
    assert_eq!((text("column"), text("baseline_type")), ("body".to_owned(), "string".to_owned()));
    assert_eq!((text("baseline_value"), text("candidate_value")), (format!("{long}a"), format!("{long}b")));
    assert!(batch["defect"].is_null(0));
    assert_eq!(batch["code"].as_string::<i32>().value(0), "rows.changed");
}

#[test]
fn a_row_beyond_the_memory_limit_is_inconclusive_as_a_value_and_as_a_key_and_names_the_limit() {
    let home = tempfile::tempdir().unwrap();
    let (a, b) = (home.path().join("a.parquet"), home.path().join("b.parquet"));
    write(&a, 0..1, |_| "x".repeat(40 << 20));
    write(&b, 0..1, |_| "y".repeat(40 << 20));
    let [a, b] = [&a, &b].map(|path| path.to_str().unwrap());
    for key in ["id", "body"] {
        let done =
            parallax(&["compare", a, b, "--key", key, "--memory-limit", "67108864"]).finish().expect(3);
        let report = read_report(&done.path("parallax-report/report.json"), "");
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.contains("--memory-limit 67108864 allows"), "{key}: {text}");
        assert_eq!(report.totals.blockers, 0, "{key}");
    }
    // Within a larger limit the same values are compared.
    parallax(&["compare", a, b, "--key", "id", "--memory-limit", "536870912"]).finish().expect(1);
}

#[test]
fn equal_outputs_leave_no_file_of_differences_and_an_older_one_is_removed() {
    let home = tempfile::tempdir().unwrap();
    let (a, b) = (home.path().join("a.parquet"), home.path().join("b.parquet"));
    write(&a, 0..10, |row| row.to_string());
    write(&b, 0..11, |row| row.to_string());
    let [a, b] = [&a, &b].map(|path| path.to_str().unwrap());
    let out = home.path().join("report");
    let out_text = out.to_str().unwrap();
    parallax(&["compare", a, b, "--out", out_text]).finish().expect(1);
    assert_eq!(files_below(&out.join("differences")).len(), 1);
    parallax(&["compare", "--allow-same", a, a, "--out", out_text]).finish().expect(0);
    assert!(!out.join("differences").exists());
}

#[test]
fn the_hour_can_only_be_counted_where_there_is_a_time_and_a_column_must_be_there() {
    let home = tempfile::tempdir().unwrap();
    let a = home.path().join("a.parquet");
    write(&a, 0..10, |row| row.to_string());
    let a = a.to_str().unwrap();
    let refused = parallax(&["compare", a, a, "--by", "hour"]).finish().expect(2);
    assert!(refused.stderr.contains("--by hour needs a signal with a time column"), "{}", refused.stderr);
    let refused = parallax(&["compare", a, a, "--by", "organisation"]).finish().expect(2);
    assert!(refused.stderr.contains("neither output has a column \"organisation\""), "{}", refused.stderr);
}

#[test]
fn the_same_data_gives_the_same_ids_and_each_finding_its_waiver() {
    let run = || {
        parallax(&[
            "run",
            "--corpus",
            "compact-production",
            "--candidate",
            "fault:change-character",
            "--by",
            "hour",
        ])
        .finish()
        .expect(1)
    };
    let (one, other) = (run(), run());
    let ids = |report: &Report| findings(report).map(|finding| finding.id.clone()).collect::<Vec<_>>();
    let report = one.report();
    assert_eq!(ids(&report), ids(&other.report()));
    complete(&report, &one.path("parallax-report"));
    let hours = &rows(&report).blast.as_ref().unwrap().groups;
    assert!(
        hours.iter().all(|group| group.values[0].as_ref().is_some_and(|hour| hour.len() == 13)),
        "{hours:?}"
    );
    let finding = findings(&report).find(|finding| finding.severity == Severity::Blocker).unwrap();
    assert!(finding.id.starts_with("compact-production/ROWS/rows.changed-"), "{}", finding.id);
    let waiver = finding.waiver.as_ref().unwrap();
    let page = std::fs::read_to_string(one.path("parallax-report/index.html")).unwrap();
    assert!(page.contains("[[waiver]]"));
    // Pasted and filled in, it covers the finding.
    let filled =
        waiver.replace("reason = \"\"", "reason = \"a trial\"").replace("owner = \"\"", "owner = \"us\"");
    let waived =
        parallax(&["run", "--corpus", "compact-production", "--candidate", "fault:change-character"])
            .with_file("parallax.toml", &filled)
            .finish();
    let again = waived.report();
    let same = findings(&again).find(|it| it.id == finding.id).unwrap();
    assert!(same.waived.is_some() && same.waiver.is_none());
}

/// True where `python3` has DuckDB.
pub(crate) fn duckdb() -> bool {
    python_has("duckdb", "PARALLAX_REQUIRE_DUCKDB")
}

/// What the query finds in the directory of the report: rows of the baseline alone and of the candidate alone.
pub(crate) fn ask(query: &str, folder: &Path) -> (u64, u64) {
    // A bar of progress on stdout is no number.
    let script = "import duckdb, sys; it = duckdb.connect(); it.execute('SET enable_progress_bar = false'); \
                  print(*it.execute(sys.argv[1]).fetchall()[0])";
    let asked = std::process::Command::new("python3")
        .args(["-c", script, query])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(asked.stdout).unwrap();
    let numbers: Vec<u64> = text.split_whitespace().map(|it| it.parse().unwrap()).collect();
    assert_eq!(numbers.len(), 2, "{query}\n{}", String::from_utf8_lossy(&asked.stderr));
    (numbers[0], numbers[1])
}

#[test]
fn the_printed_query_finds_the_same_numbers() {
    if !duckdb() {
        return;
    }
    let agree = |report: &Report, folder: &Path| {
        let rows = rows(report);
        let found = ask(rows.duckdb.as_ref().unwrap(), folder);
        assert_eq!(found, (rows.changed + rows.missing, rows.changed + rows.extra));
    };
    for fault in ["drop-row", "duplicate-row", "change-character", "null-to-empty"] {
        let corpus = if fault == "null-to-empty" { "compact-sparse-columns" } else { "compact-production" };
        let candidate = format!("fault:{fault}");
        let done = parallax(&["run", "--corpus", corpus, "--candidate", &candidate]).finish().expect(1);
        agree(&done.report(), &done.path("parallax-report"));
    }
    let home = tempfile::tempdir().unwrap();
    let (a, b) = (home.path().join("it's [a]/one.parquet"), home.path().join("b/one.parquet"));
    write(&a, 0..size(), |row| format!("body {}", row / 2));
    write(&b, 5..size() + 9, |row| format!("body of {row}"));
    let [a, b] = [a, b].map(|path| path.to_str().unwrap().to_owned());
    let done = parallax(&["compare", &a, &b, "--key", "id"]).finish().expect(1);
    agree(&done.report(), done.home.path());
}

/// Writes one row group of the columns.
fn write_columns(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// Two rows with nested columns, names that a page does not show, a long decimal, and two columns of another type in `b`.
fn columns_of_every_kind(second: i32, other_types: bool) -> Vec<(&'static str, ArrayRef)> {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, second]));
    let structs: ArrayRef = Arc::new(StructArray::from(vec![
        (Arc::new(Field::new("a", DataType::Int32, false)), Arc::clone(&numbers)),
        (Arc::new(Field::new("b/c", DataType::Int64, false)), Arc::clone(&ids)),
    ]));
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        Some(vec![Some(second)]),
    ]);
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for value in [1, second] {
        maps.keys().append_value("key");
        maps.values().append_value(value);
        maps.append(true).unwrap();
    }
    let long = Decimal256Array::from(vec![i256::from(7); 2]).with_precision_and_scale(60, 5).unwrap();
    let retyped: ArrayRef = if other_types { Arc::clone(&numbers) } else { structs.slice(0, 2) };
    vec![
        ("id", Arc::clone(&ids)),
        ("st", structs),
        ("st/a", Arc::clone(&ids)),
        ("li", Arc::new(lists)),
        ("ma", Arc::new(maps.finish())),
        ("\u{1b}it's\n\u{202e}\"", numbers),
        ("Case", Arc::clone(&ids)),
        ("case", Arc::clone(&ids)),
        ("long", Arc::new(long)),
        ("retyped", retyped),
    ]
}

#[test]
fn the_query_runs_for_nested_columns_and_hidden_characters_and_says_what_it_does_not_see() {
    let home = tempfile::tempdir().unwrap();
    let place = |name: &str| home.path().join(name).join("one\u{1b}.parquet");
    let compare = |names: [&str; 2]| {
        let [a, b] = names.map(|name| place(name).parent().unwrap().to_str().unwrap().to_owned());
        let done = parallax(&["compare", &a, &b, "--key", "id"]).finish().expect(1);
        let page = std::fs::read_to_string(done.path("parallax-report/index.html")).unwrap();
        (done.report(), page)
    };
    write_columns(&place("a"), columns_of_every_kind(2, false));
    write_columns(&place("b"), columns_of_every_kind(3, false));
    write_columns(&place("c"), columns_of_every_kind(2, true));
    let (report, page) = compare(["a", "b"]);
    let counted = rows(&report);
    assert_eq!((counted.changed, counted.missing, counted.extra), (1, 0, 0));
    let query = counted.duckdb.as_ref().unwrap();
    for part in ["Column \"long\"", "Column \"Case\"", "Column \"case\""] {
        assert_eq!(counted.duckdb_blind.iter().filter(|it| it.starts_with(part)).count(), 1, "{part}");
    }
    assert_eq!(counted.duckdb_blind.len(), 3, "{:?}", counted.duckdb_blind);
    // What the page shows is the query itself.
    let shown = page.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    assert!(shown.contains(query.as_str()), "{query}");
    let (retyped, _) = compare(["a", "c"]);
    let blind = &rows(&retyped).duckdb_blind;
    assert!(blind.iter().any(|it| it.starts_with("Column \"retyped\" is left out: the type")), "{blind:?}");
    if duckdb() {
        assert_eq!(ask(query, home.path()), (1, 1));
        assert_eq!(ask(rows(&retyped).duckdb.as_ref().unwrap(), home.path()), (0, 0));
    }
}
