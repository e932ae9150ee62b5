//! The example side in Python: what it writes holds exactly the rows of its inputs.
//!
//! Needs `python3` with PyArrow. Without it these tests say that they were skipped; with `PARALLAX_REQUIRE_PYARROW=1`,
//! as in CI, they fail instead.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, new_null_array,
};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;

use super::*;
use crate::support::{beside, parallax, read_report};

const TIMESTAMP: &str = "_cardinalhq.timestamp";

/// True where the example can run.
static PYARROW: LazyLock<bool> = LazyLock::new(|| {
    let found = std::process::Command::new("python3")
        .args(["-c", "import pyarrow.parquet"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let required = std::env::var_os("PARALLAX_REQUIRE_PYARROW").is_some_and(|value| value == "1");
    assert!(found || !required, "PARALLAX_REQUIRE_PYARROW=1, but python3 cannot import pyarrow");
    found
});

/// One row: its non-null columns with type and value.
type Row = BTreeMap<String, String>;

fn example(arguments: &[&str], kind: JobKind) -> Option<Bench> {
    if !*PYARROW {
        eprintln!("SKIPPED: python3 with PyArrow is not there; set PARALLAX_REQUIRE_PYARROW=1 to insist");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/pyarrow_side.py");
    let script = script.to_str().unwrap();
    let mut bench =
        Bench::new(&[&["python3", script, "--job", "{job}", "--output", "{output}"], arguments].concat());
    bench.job.kind = kind;
    Some(bench)
}

fn write(bench: &mut Bench, name: &str, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(column, values)| (column, values, true)),
    )
    .unwrap();
    let path = bench.root.path().join(name);
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bench.job.inputs.push(path);
}

/// Two segments with overlapping times, ties, missing times, a late column and a column of nulls.
fn segments(bench: &mut Bench) {
    bench.job.inputs.clear();
    let count = 500_i64;
    let times: Int64Array = (0..count)
        .map(|n| (n % 17 != 3).then_some(n * 79_190 % 9_000_000 / 1000 * 1000 - 3_600_000))
        .collect();
    let text: StringArray = (0..count).map(|n| (n % 5 != 0).then(|| format!("line {}", n % 50))).collect();
    write(
        bench,
        "one.parquet",
        vec![
            (TIMESTAMP, Arc::new(times) as ArrayRef),
            ("_cardinalhq.message", Arc::new(text)),
            ("minute", Arc::new((0..count).map(|n| Some((n % 60) as i32)).collect::<Int32Array>())),
            ("ghost", new_null_array(&DataType::Utf8, count as usize)),
        ],
    );
    write(
        bench,
        "two.parquet",
        vec![
            (TIMESTAMP, Arc::new((0..100).map(|n| Some(n / 10 * 1000)).collect::<Int64Array>()) as ArrayRef),
            ("late", Arc::new((0..100).map(|n| (n == 99).then_some(f64::NAN)).collect::<Float64Array>())),
            ("_cardinalhq.message", Arc::new((0..100).map(|_| Some("")).collect::<StringArray>())),
        ],
    );
}

fn rows(path: &Path) -> Vec<Row> {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let options = FormatOptions::default();
        let columns: Vec<_> = batch
            .schema()
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, values)| {
                (field.clone(), values, ArrayFormatter::try_new(values, &options).unwrap())
            })
            .collect();
        for row in 0..batch.num_rows() {
            rows.push(
                columns
                    .iter()
                    .filter(|(_, values, _)| values.is_valid(row))
                    .map(|(field, _, text)| {
                        (field.name().clone(), format!("{}: {}", field.data_type(), text.value(row)))
                    })
                    .collect(),
            );
        }
    }
    rows
}

fn multiset(rows: impl IntoIterator<Item = Row>) -> BTreeMap<Row, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row).or_default() += 1;
    }
    counts
}

fn time(row: &Row) -> Option<i64> {
    row.get(TIMESTAMP).map(|value| value.strip_prefix("Int64: ").unwrap().parse().unwrap())
}

/// Rows of the output, file by file, in the order of the manifest.
fn written(bench: &Bench, run: &SideRun) -> Vec<Vec<Row>> {
    let manifest = run.manifest.as_ref().unwrap();
    let mut files = Vec::new();
    for file in &manifest.files {
        let path = bench.output().join(&file.path);
        let rows = rows(&path);
        assert_eq!(file.record_count, Some(rows.len() as u64));
        assert_eq!(file.file_size, Some(path.metadata().unwrap().len()));
        assert_eq!(file.first_ts, rows.iter().filter_map(time).min());
        assert_eq!(file.last_ts, rows.iter().filter_map(time).max());
        files.push(rows);
    }
    files
}

#[test]
fn the_python_side_compacts_logs_without_losing_a_value() {
    let Some(mut bench) = example(&["--manifest", "--row-group-rows", "64"], JobKind::Compact) else {
        return;
    };
    segments(&mut bench);
    bench.job.parameters.target_size = Some(2500);
    let run = bench.completed();
    let files = written(&bench, &run);
    assert!(files.len() >= 2, "{} files", files.len());

    let output: Vec<Row> = files.concat();
    assert!(output.is_sorted_by_key(time), "ascending across files, rows without a time first");
    let mut input: Vec<Row> = bench.job.inputs.iter().flat_map(|path| rows(path)).collect();
    assert_eq!(run.manifest.unwrap().rows_read, Some(input.len() as u64));
    input.iter_mut().for_each(|row| drop(row.remove("minute")));
    assert_eq!(multiset(output.clone()), multiset(input.clone()));
    assert!(output.iter().any(|row| row.get("late").is_some_and(|value| value == "Float64: NaN")));

    input.sort_by_key(time);
    assert_ne!(output, input, "ties come in another order than a stable sort of the inputs gives");
    let columns: BTreeSet<_> = bench
        .job
        .inputs
        .iter()
        .flat_map(|path| rows(path))
        .flat_map(Row::into_keys)
        .filter(|column| column != "minute")
        .collect();
    for entry in std::fs::read_dir(bench.output()).unwrap().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "parquet") {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(entry.path()).unwrap()).unwrap();
            assert!(
                reader.schema().fields().iter().all(|field| columns.contains(field.name())),
                "no empty column"
            );
            let group = reader.metadata().row_group(0);
            assert!(group.num_rows() <= 64);
            assert!(matches!(group.column(0).compression(), Compression::GZIP(_)));
        }
    }
}

#[test]
fn the_python_side_splits_by_hour_and_says_what_it_dropped() {
    let Some(mut bench) = example(&["--manifest", "--codec", "snappy"], JobKind::Ingest) else { return };
    segments(&mut bench);
    bench.job.inputs.truncate(1);
    bench.job.parameters.target_size = None;
    let run = bench.completed();
    let files = written(&bench, &run);
    for file in &files {
        let hours: BTreeSet<_> = file.iter().map(|row| time(row).unwrap().div_euclid(3_600_000)).collect();
        assert_eq!(hours.len(), 1, "one hour a file");
    }
    assert_eq!(files.len(), 3, "an hour before 1970 and two after");
    let input = rows(&bench.job.inputs[0]);
    let (kept, dropped): (Vec<Row>, Vec<Row>) = input.into_iter().partition(|row| time(row).is_some());
    assert!(!dropped.is_empty());
    assert_eq!(multiset(files.concat()), multiset(kept));
    assert_eq!(run.manifest.unwrap().rows_dropped["missing_timestamp"], dropped.len() as u64);
}

#[test]
fn the_python_side_can_leave_no_manifest_and_names_its_files_anew() {
    let Some(mut bench) = example(&[], JobKind::Compact) else { return };
    segments(&mut bench);
    bench.job.parameters.target_size = None;
    let names = |bench: &Bench| -> BTreeSet<_> {
        std::fs::read_dir(bench.output()).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(bench.completed().manifest, None);
    let first = names(&bench);
    bench.completed();
    assert_eq!((first.len(), names(&bench).len()), (1, 2), "one random name a run");
}

#[test]
fn the_python_side_reports_its_class_of_failure_and_leaves_nothing() {
    let Some(mut bench) = example(&[], JobKind::Compact) else { return };
    segments(&mut bench);
    let text = Arc::new(StringArray::from(vec!["now"])) as ArrayRef;
    write(&mut bench, "three.parquet", vec![(TIMESTAMP, text)]);
    let failed = bench.failed();
    assert_eq!((failed.class, failed.exit_status), (ErrorClass::SchemaConflict, Some(2)));
    assert!(failed.message.contains(TIMESTAMP), "{}", failed.message);
    assert!(failed.stderr.starts_with("schema-conflict: "), "{}", failed.stderr);
    let left: Vec<_> =
        std::fs::read_dir(bench.output()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["manifest.json"]);

    let Some(mut bench) = example(&[], JobKind::Compact) else { return };
    let text = bench.root.path().join("text.parquet");
    std::fs::write(&text, "not Parquet").unwrap();
    bench.job.inputs = vec![text];
    assert_eq!(bench.failed().class, ErrorClass::Input);
}

/// The example with a defect: long messages are cut.
const CUTTING: &str = "
import sys
sys.path.insert(0, sys.argv.pop(1))
import pyarrow.compute as pc
import pyarrow_side as side

whole = side.without_null_columns

def cut(table):
    table = whole(table)
    name = '_cardinalhq.message'
    if name not in table.column_names:
        return table
    return table.set_column(table.column_names.index(name), name, pc.utf8_slice_codeunits(table[name], 0, 40))

side.without_null_columns = cut
sys.exit(side.main())
";

#[test]
fn a_job_that_a_side_in_python_fails_is_made_small_and_still_fails_in_the_same_way() {
    if !*PYARROW {
        eprintln!("SKIPPED: python3 with PyArrow is not there; set PARALLAX_REQUIRE_PYARROW=1 to insist");
        return;
    }
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples");
    let config = format!(
        "[side.cutting]\ncommand = ['python3', 'cutting.py', '{}', '--job', '{{job}}', '--output', '{{output}}', \
         '--manifest']\n",
        examples.display()
    );
    let run = parallax(&["run", "--corpus", "compact-production", "--candidate", "cmd:cutting"])
        .with_file("cutting.py", CUTTING)
        .with_file("parallax.toml", &config)
        .finish()
        .expect(1);
    let minimize =
        ["minimize", "parallax-report", "--job", "compact-production", "--check", "ROWS", "--out", "small"];
    // The configuration of the report starts no program; the user's own does.
    let (code, _, stderr) = beside(&run, &minimize);
    assert_eq!(code, Some(2), "{stderr}");
    let minimize = [&minimize[..], &["--config", "parallax.toml"]].concat();
    let (code, stdout, stderr) = beside(&run, &minimize);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let again = ["run", "--corpus", "small/corpus.toml", "--candidate", "cmd:cutting", "--out", "again"];
    let (code, stdout, stderr) = beside(&run, &again);
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    let small = &read_report(&run.path("again/report.json"), "").jobs[0];
    let rows: u64 = small.inputs.iter().map(|input| input.rows).sum();
    let columns = &small.rows.as_ref().unwrap().columns;
    assert_eq!((rows, columns.len(), columns[0].column.as_str()), (1, 1, "_cardinalhq.message"));
}
