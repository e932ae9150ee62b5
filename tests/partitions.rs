//! `key=value` folders of outputs are columns of their rows, through the whole program.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array,
    Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    new_null_array,
};
use arrow::datatypes::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use reports::document::{CheckStatus, Finding, Report, Severity};

use crate::support::{Finished, Invocation, beside, check, files_below, findings, parallax, read_report};

fn ints(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(values.into_iter().map(Some).collect::<Int64Array>())
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn put(path: &Path, columns: &[(&str, ArrayRef)]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch =
        RecordBatch::try_from_iter(columns.iter().map(|(name, array)| (*name, Arc::clone(array)))).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// A directory with one file a folder, each with the given ids.
fn table(root: &Path, parts: &[(&str, &[i64])]) {
    for (folder, ids) in parts {
        let values: Vec<String> = ids.iter().map(|id| format!("v{id}")).collect();
        let values = texts(&values.iter().map(String::as_str).collect::<Vec<_>>());
        put(&root.join(folder).join("part-0.parquet"), &[("id", ints(ids.iter().copied())), ("v", values)]);
    }
}

/// `compare` of two folders of a directory.
fn compare(home: &Path, sides: [&str; 2], more: &[&str]) -> Finished {
    typed(home, sides, more).finish()
}

fn typed(home: &Path, sides: [&str; 2], more: &[&str]) -> Invocation {
    let sides = sides.map(|side| home.join(side).to_str().unwrap().to_owned());
    let words = ["compare", &sides[0], &sides[1], "--plain"];
    parallax(&words.iter().chain(more).copied().collect::<Vec<_>>())
}

fn counts(report: &Report) -> [u64; 4] {
    let rows = report.jobs[0].rows.as_ref().unwrap();
    [rows.equal, rows.changed, rows.missing, rows.extra]
}

fn of_code<'a>(report: &'a Report, code: &str) -> Vec<&'a Finding> {
    findings(report).filter(|finding| finding.code == code).collect()
}

#[test]
fn rows_in_another_partition_are_changed_rows_of_that_column() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    table(&at("old"), &[("dt=2024-01-01", &[1, 2, 3]), ("dt=2024-01-02", &[4, 5, 6])]);
    table(&at("moved"), &[("dt=2024-01-01", &[1, 2]), ("dt=2024-01-02", &[3, 4, 5, 6])]);
    table(&at("swapped"), &[("dt=2024-01-02", &[1, 2, 3]), ("dt=2024-01-01", &[4, 5, 6])]);
    for (sides, changed) in
        [(["old", "moved"], 1), (["moved", "old"], 1), (["old", "swapped"], 6), (["swapped", "old"], 6)]
    {
        let done = compare(home.path(), sides, &["--key", "id", "--by", "dt"]).expect(1);
        let report = done.report();
        assert_eq!(counts(&report), [6 - changed, changed, 0, 0], "{sides:?}");
        let rows = report.jobs[0].rows.as_ref().unwrap();
        assert!(rows.columns.len() == 1 && rows.columns[0].column == "dt", "{:?}", rows.columns);
        assert!(rows.blast.as_ref().unwrap().groups.len() <= 2);
    }
    let done = compare(home.path(), ["old", "moved"], &["--key", "id"]).expect(1);
    let report = done.report();
    let sample = &report.jobs[0].rows.as_ref().unwrap().samples[0].cells[0];
    let shown = [&sample.baseline, &sample.candidate].map(|value| value.text.clone().unwrap());
    assert_eq!(shown, ["2024-01-01", "2024-01-02"]);
    // The file of differences holds the values as well.
    let file = File::open(done.path("parallax-report/differences/compare.parquet")).unwrap();
    let batch =
        ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().next().unwrap().unwrap();
    let cells = batch["cells"].as_list::<i32>().value(0);
    let text = |name: &str| cells.as_struct()[name].as_string::<i32>().value(0).to_owned();
    assert_eq!((text("column"), text("candidate_value")), ("dt".to_owned(), "2024-01-02".to_owned()));
    // Without a key the rows differ all the same.
    compare(home.path(), ["old", "swapped"], &[]).expect(1);
    // As part of the key: rows of one partition are missing, of another extra.
    let report = compare(home.path(), ["old", "moved"], &["--key", "dt,id"]).expect(1).report();
    assert_eq!(counts(&report), [5, 0, 1, 1]);
}

#[test]
fn equal_layouts_pass_nested_escaped_null_and_with_an_underscore() {
    let home = tempfile::tempdir().unwrap();
    let parts: [(&str, &[i64]); 5] = [
        ("_c.id=7/b=x%2Fy", &[1, 2]),
        ("_c.id=8/b=x%2Fy", &[3]),
        ("_c.id=8/b=%C3%A4 z", &[4]),
        ("_c.id=8/b=__HIVE_DEFAULT_PARTITION__", &[5]),
        ("_c.id=8/b=", &[6]),
    ];
    table(&home.path().join("old"), &parts);
    table(&home.path().join("new"), &parts);
    let report = compare(home.path(), ["old", "new"], &["--key", "id"]).expect(0).report();
    assert_eq!(counts(&report), [6, 0, 0, 0]);
    assert!(findings(&report).all(|found| !found.code.starts_with("schema.")), "{report:?}");
    let schema: Vec<&str> = report.jobs[0].schema.iter().map(|it| it.column.as_str()).collect();
    assert_eq!(schema, ["_c.id", "b", "id", "v"]);
    // Any part of the path counts: null is no empty text, and a decoded value is not what is written.
    for (folder, other) in [
        ("_c.id=8/b=", "_c.id=8/b=__HIVE_DEFAULT_PARTITION__/"),
        ("_c.id=8/b=%C3%A4 z", "_c.id=8/b=%25C3%25A4 z"),
        ("_c.id=7/b=x%2Fy", "_c.id=9/b=x%2Fy"),
    ] {
        let changed = tempfile::tempdir().unwrap();
        let moved: Vec<(&str, &[i64])> =
            parts.iter().map(|(part, ids)| (if *part == folder { other } else { *part }, *ids)).collect();
        // A folder of the same name would take the file over.
        let moved: Vec<(String, &[i64])> = moved
            .iter()
            .enumerate()
            .map(|(number, (part, ids))| (format!("{}/{number}", part.trim_end_matches('/')), *ids))
            .collect();
        table(&changed.path().join("old"), &parts);
        let moved: Vec<(&str, &[i64])> = moved.iter().map(|(part, ids)| (part.as_str(), *ids)).collect();
        table(&changed.path().join("new"), &moved);
        let report = compare(changed.path(), ["old", "new"], &["--key", "id"]).expect(1).report();
        assert!(counts(&report)[1] > 0, "{folder}");
    }
}

#[test]
fn a_column_in_folders_equals_the_same_column_in_files_of_every_type() {
    let day = 1_704_067_200_i64;
    let utc = TimestampMillisecondArray::from(vec![day * 1000 + 500]).with_timezone("UTC");
    let decimal = Decimal128Array::from(vec![-150]).with_precision_and_scale(10, 2).unwrap();
    let cases: [(&str, &str, ArrayRef); 10] = [
        ("007", "8", ints([7])),
        ("-3", "3", Arc::new(Int32Array::from(vec![-3]))),
        ("2024-01-01", "2024-01-02", Arc::new(Date32Array::from(vec![19_723]))),
        (
            "2024-01-01 00%3A00%3A00.000001",
            "2024-01-01 00%3A00%3A00",
            Arc::new(TimestampMicrosecondArray::from(vec![day * 1_000_000 + 1])),
        ),
        ("2024-01-01T00%3A00%3A00.5Z", "2024-01-01T00%3A00%3A00.4Z", Arc::new(utc)),
        ("-1.5", "-1.51", Arc::new(decimal)),
        ("true", "false", Arc::new(BooleanArray::from(vec![true]))),
        ("0.1", "0.2", Arc::new(Float64Array::from(vec![0.1]))),
        ("a%2Fb %25", "a%2Fb", texts(&["a/b %"])),
        ("__HIVE_DEFAULT_PARTITION__", "0", new_null_array(&DataType::Int64, 1)),
    ];
    for (right, wrong, value) in cases {
        let home = tempfile::tempdir().unwrap();
        let columns = [("id", ints([1])), ("k", Arc::clone(&value))];
        put(&home.path().join("flat/a.parquet"), &columns);
        for (side, folder) in [("right", right), ("wrong", wrong)] {
            put(&home.path().join(side).join(format!("k={folder}/a.parquet")), &columns[..1]);
        }
        for sides in [["flat", "right"], ["right", "flat"]] {
            let report = compare(home.path(), sides, &["--key", "id"]).expect(0).report();
            assert_eq!(counts(&report), [1, 0, 0, 0], "{right} {sides:?}");
            let told = of_code(&report, "schema.partition");
            let filled = value.null_count() == 0;
            assert_eq!(told.len(), usize::from(filled), "{right}");
            assert!(told.iter().all(|it| it.severity == Severity::Warning));
            let others = findings(&report)
                .filter(|it| it.code.starts_with("schema.") && it.code != "schema.partition");
            assert_eq!(others.count(), 0, "{right}");
        }
        for sides in [["flat", "wrong"], ["wrong", "flat"]] {
            let report = compare(home.path(), sides, &["--key", "id"]).expect(1).report();
            assert_eq!(counts(&report), [0, 1, 0, 0], "{wrong} {sides:?}");
        }
    }
}

#[test]
fn a_value_that_is_not_of_the_type_is_named_and_is_never_null() {
    let home = tempfile::tempdir().unwrap();
    let flat = |name: &str, value: Option<i64>| {
        let columns = [("id", ints([1])), ("k", Arc::new(Int64Array::from(vec![value])) as ArrayRef)];
        put(&home.path().join(name).join("a.parquet"), &columns);
    };
    flat("null", None);
    flat("seven", Some(7));
    for (side, folder) in [("word", "k=seven"), ("digits", "k=7.5"), ("bytes", "k=%FF")] {
        put(&home.path().join(side).join(folder).join("a.parquet"), &[("id", ints([1]))]);
        for flat in ["null", "seven"] {
            for sides in [[flat, side], [side, flat]] {
                let report = compare(home.path(), sides, &["--key", "id"]).expect(1).report();
                assert_eq!(counts(&report), [0, 1, 0, 0], "{sides:?}");
                let found = of_code(&report, "schema.partition_value");
                assert_eq!(found.len(), 1, "{sides:?}");
                let wanted = if sides[1] == side { Severity::Blocker } else { Severity::Info };
                assert_eq!(found[0].severity, wanted);
                assert!(found[0].message.contains("is not of the type int"), "{}", found[0].message);
                assert_eq!(found[0].place.as_ref().unwrap().column.as_deref(), Some("k"));
            }
        }
    }
}

#[test]
fn the_files_column_wins_and_a_contradiction_fails_the_candidate_in_compare_and_verify() {
    let home = tempfile::tempdir().unwrap();
    let columns = [
        ("_cardinalhq.timestamp", ints([1, 2, 3])),
        ("_cardinalhq.id", texts(&["a", "b", "c"])),
        ("region", texts(&["eu", "eu", "us"])),
    ];
    put(&home.path().join("flat/a.parquet"), &columns);
    put(&home.path().join("folder/region=eu/a.parquet"), &columns);
    let report = compare(home.path(), ["flat", "folder"], &[]).expect(1).report();
    assert_eq!(counts(&report), [3, 0, 0, 0]);
    let found = of_code(&report, "schema.partition_contradiction");
    assert_eq!((found.len(), found[0].count, found[0].severity), (1, 1, Severity::Blocker));
    let place = found[0].place.as_ref().unwrap();
    assert_eq!((place.file.as_deref(), place.row), (Some("region=eu/a.parquet"), Some(2)));
    // The baseline's own contradiction fails no side.
    let report = compare(home.path(), ["folder", "flat"], &[]).expect(0).report();
    assert_eq!(of_code(&report, "schema.partition_contradiction")[0].severity, Severity::Info);
    compare(home.path(), ["flat", "folder"], &["--partitions", "off"]).expect(0);

    let output = home.path().join("folder");
    let verify = |more: &[&str]| {
        let words = ["verify", output.to_str().unwrap(), "--signal", "logs"];
        parallax(&words.iter().chain(more).copied().collect::<Vec<_>>()).finish()
    };
    let report = verify(&[]).expect(1).report();
    assert_eq!(of_code(&report, "schema.partition_contradiction").len(), 1);
    let report = verify(&["--partitions", "off"]).report();
    assert!(of_code(&report, "schema.partition_contradiction").is_empty());
}

#[test]
fn off_leaves_folders_unread_and_the_report_and_its_repetition_say_so() {
    let home = tempfile::tempdir().unwrap();
    table(&home.path().join("old"), &[("dt=1", &[1]), ("dt=2", &[2])]);
    table(&home.path().join("new"), &[("dt=2", &[1]), ("dt=1", &[2])]);
    compare(home.path(), ["old", "new"], &[]).expect(1);
    let done = compare(home.path(), ["old", "new"], &["--partitions", "off"]).expect(0);
    let report = done.report();
    let value = |report: &Report| {
        let values = &report.policy.as_ref().unwrap().values;
        let found = values.iter().find(|it| it.key == "partitions").unwrap();
        (found.value.clone(), found.origin.clone())
    };
    assert_eq!(value(&report), ("off".to_owned(), "--partitions".to_owned()));
    assert!(report.jobs[0].replay.contains("--partitions off"), "{}", report.jobs[0].replay);
    let (code, _, told) = beside(&done, &["replay", "parallax-report", "--job", "compare"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(value(&read_report(&done.path("parallax-replay/report.json"), "")).0, "off");
    let allowed = home.path().to_str().unwrap();
    let bundle = |done: &Finished| {
        let words = ["bundle", "parallax-report", "--job", "compare", "--out", "x.tar.zst"];
        beside(done, &[&words[..], &["--allow-root", allowed]].concat())
    };
    let (code, _, told) = bundle(&done);
    assert_eq!(code, Some(0), "{told}");
    let (code, _, told) = beside(&done, &["replay", "x.tar.zst"]);
    assert_eq!(code, Some(0), "{told}");
    // As a key of the policy, over which the option holds.
    let done = typed(home.path(), ["old", "new"], &[])
        .with_file("parallax.toml", "[policy]\npartitions = \"off\"\n")
        .finish()
        .expect(0);
    assert_eq!(value(&done.report()), ("off".to_owned(), "parallax.toml:2".to_owned()));
    typed(home.path(), ["old", "new"], &["--partitions", "auto"])
        .with_file("parallax.toml", "[policy]\npartitions = \"off\"\n")
        .finish()
        .expect(1);
    // A bundle of the other answer gives that answer again.
    let done = compare(home.path(), ["old", "new"], &[]).expect(1);
    let (code, _, told) = bundle(&done);
    assert_eq!(code, Some(0), "{told}");
    let (code, _, told) = beside(&done, &["replay", "x.tar.zst"]);
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn folders_that_begin_with_an_underscore_are_read_and_can_be_named_as_keys() {
    let home = tempfile::tempdir().unwrap();
    for (side, value) in [("old", "kept"), ("new", "CHANGED")] {
        let columns = [("id", ints([1, 2])), ("v", texts(&[value, value]))];
        put(&home.path().join(side).join("_region=eu/part-0.parquet"), &columns);
        put(&home.path().join(format!("only_{side}")).join("_region=eu/part-0.parquet"), &columns);
        put(
            &home.path().join(side).join("region=us/part-0.parquet"),
            &[("id", ints([3])), ("v", texts(&["x"]))],
        );
    }
    for (sides, more, wanted) in [
        (["old", "new"], &["--key", "id"][..], [1, 2, 0, 0]),
        (["only_old", "only_new"], &["--key", "id"], [0, 2, 0, 0]),
        (["only_old", "only_new"], &["--key", "_region,id", "--sort-key", "_region"], [0, 2, 0, 0]),
    ] {
        let report = compare(home.path(), sides, more).expect(1).report();
        assert_eq!(counts(&report), wanted, "{sides:?}");
        let rows = report.jobs[0].rows.as_ref().unwrap();
        assert_eq!(rows.columns[0].column, "v");
    }
    let done = compare(home.path(), ["only_old", "only_new"], &["--key", "_region", "--partitions", "off"]);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(done.stderr.contains("neither output has a column \"_region\""), "{}", done.stderr);
    put(&home.path().join("more/a.parquet"), &[("id", ints([1]))]);
    put(&home.path().join("less/a.parquet"), &[("id", ints([1]))]);
    put(&home.path().join("more/_cardinalhq.customer_id=7/b.parquet"), &[("id", ints([2, 3]))]);
    let report = compare(home.path(), ["more", "less"], &[]).expect(1).report();
    assert_eq!(report.jobs[0].rows.as_ref().unwrap().rows_baseline, 3);
}

#[test]
fn files_are_ordered_by_a_sort_key_that_folders_give_and_by_its_type() {
    let home = tempfile::tempdir().unwrap();
    // As text 10 comes before 9; the other side's column says that these are numbers.
    table(&home.path().join("folders"), &[("k=9", &[1]), ("k=10", &[2])]);
    let columns = [("id", ints([1, 2])), ("k", ints([9, 10])), ("v", texts(&["v1", "v2"]))];
    put(&home.path().join("flat/a.parquet"), &columns);
    let sort = ["--sort-key", "k", "--key", "id"];
    let report = compare(home.path(), ["flat", "folders"], &sort).expect(0).report();
    assert_eq!(check(&report.jobs[0], "ORDER").status, CheckStatus::Pass);
    let names: Vec<&str> = report.jobs[0].candidate.files.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(names, ["k=9/part-0.parquet", "k=10/part-0.parquet"]);
    // One key in two files is split.
    table(&home.path().join("split"), &[("k=9/a", &[1]), ("k=10/a", &[2]), ("k=9/b", &[3])]);
    let columns = [("id", ints([1, 3, 2])), ("k", ints([9, 9, 10])), ("v", texts(&["v1", "v3", "v2"]))];
    put(&home.path().join("whole/a.parquet"), &columns);
    let report =
        compare(home.path(), ["whole", "split"], &["--group-key", "k", "--sort-key", "k", "--key", "id"])
            .expect(1)
            .report();
    assert_eq!(check(&report.jobs[0], "GROUP").status, CheckStatus::Fail);
}

#[test]
fn an_ignored_or_tolerated_column_may_stand_in_folders() {
    let home = tempfile::tempdir().unwrap();
    table(&home.path().join("old"), &[("k=1.0", &[1]), ("k=2.0", &[2])]);
    table(&home.path().join("new"), &[("k=1.5", &[1]), ("k=2.5", &[2])]);
    compare(home.path(), ["old", "new"], &["--key", "id"]).expect(1);
    compare(home.path(), ["old", "new"], &["--ignore-columns", "k=by design"]).expect(0);
    let columns = [("id", ints([1, 2])), ("k", Arc::new(Float64Array::from(vec![1.0, 2.0])) as ArrayRef)];
    put(&home.path().join("flat/a.parquet"), &columns);
    let within = |absolute: &str| {
        let policy = format!("[policy.tolerance]\nk = {{ absolute = {absolute} }}\n");
        typed(home.path(), ["flat", "new"], &["--key", "id", "--ignore-columns", "v=not there"])
            .with_file("parallax.toml", &policy)
            .finish()
    };
    within("0.6").expect(0);
    within("0.4").expect(1);
}

#[test]
fn the_signal_decides_the_type_of_a_folders_column() {
    let home = tempfile::tempdir().unwrap();
    table(&home.path().join("old"), &[("hour=07", &[1, 2]), ("hour=10", &[3])]);
    table(&home.path().join("new"), &[("hour=7", &[1, 2]), ("hour=10", &[3])]);
    let report = compare(home.path(), ["old", "new"], &["--key", "id"]).expect(1).report();
    assert_eq!(counts(&report), [1, 2, 0, 0]);
    let signal = "[signal.hourly]\nrow_keys = [[\"id\"]]\nsort_key = [\"hour\"]\nrequired = { \"hour\" = \"int64\" }\n";
    let report = typed(home.path(), ["old", "new"], &["--signal", "hourly"])
        .with_file("parallax.toml", signal)
        .finish()
        .expect(0)
        .report();
    assert_eq!(counts(&report), [3, 0, 0, 0]);
    // Both sides alike hold what is no number: equal, and told.
    for side in ["old", "new"] {
        put(&home.path().join(side).join("hour=x/b.parquet"), &[("id", ints([9])), ("v", texts(&["v9"]))]);
    }
    let report = typed(home.path(), ["old", "new"], &["--signal", "hourly"])
        .with_file("parallax.toml", signal)
        .finish()
        .report();
    assert_eq!(counts(&report), [4, 0, 0, 0]);
    let told = of_code(&report, "schema.partition_value");
    assert_eq!(told.iter().map(|it| it.severity).collect::<Vec<_>>(), [Severity::Warning, Severity::Info]);
}

#[test]
fn statements_about_a_file_are_held_against_its_own_columns() {
    // The text in the folder's name is no column of the file: its manifest states no fingerprint of it.
    let home = tempfile::tempdir().unwrap();
    let done = parallax(&["run", "--corpus", "compact-production", "--keep", "always"]).finish().expect(0);
    let kept = done.path("parallax-report/outputs/candidate/compact-production");
    let output = home.path().join("out");
    std::fs::create_dir_all(output.join("k=v")).unwrap();
    for file in std::fs::read_dir(&kept).unwrap().map(|it| it.unwrap()) {
        let name = file.file_name().into_string().unwrap();
        if name == "manifest.json" {
            let text = std::fs::read_to_string(file.path()).unwrap();
            let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
            for file in manifest["files"].as_array_mut().unwrap() {
                let moved = format!("k=v/{}", file["path"].as_str().unwrap());
                file["path"] = moved.into();
            }
            std::fs::write(output.join(name), manifest.to_string()).unwrap();
        } else {
            std::fs::copy(file.path(), output.join("k=v").join(name)).unwrap();
        }
    }
    let words = ["verify", output.to_str().unwrap(), "--signal", "logs"];
    let report = parallax(&words).finish().report();
    let metadata = check(&report.jobs[0], "METADATA");
    assert_eq!(metadata.status, CheckStatus::Pass, "{metadata:?}");
}

#[test]
fn a_side_that_ran_is_compared_by_its_folders() {
    let home = tempfile::tempdir().unwrap();
    let rows = |ids: [&str; 2], first: i64| {
        vec![
            ("_cardinalhq.timestamp", ints([1_749_117_660_000 + first, 1_749_117_660_001 + first])),
            ("_cardinalhq.id", texts(&ids)),
            ("_cardinalhq.message", texts(&["m", "m"])),
            ("_cardinalhq.telemetry_type", texts(&["logs", "logs"])),
        ]
    };
    let mut input = rows(["a", "b"], 0);
    input.push(("_cardinalhq.customer_id", texts(&["7", "7"])));
    put(&home.path().join("in/s.parquet"), &input);
    put(&home.path().join("old/_cardinalhq.customer_id=7/a.parquet"), &rows(["a", "b"], 0));
    put(&home.path().join("new/_cardinalhq.customer_id=8/a.parquet"), &rows(["a", "b"], 0));
    let side = |name: &str| {
        let from = home.path().join(name);
        format!("[side.{name}]\ncommand = [\"cp\", \"-r\", \"{}/.\", \"{{output}}\"]\n", from.display())
    };
    let toml = side("old") + &side("new");
    let run = |candidate: &str| {
        let input = home.path().join("in");
        let words = ["run", "--corpus", input.to_str().unwrap(), "--signal", "logs"];
        let sides = ["--baseline", "cmd:old", "--candidate", candidate];
        parallax(&[&words[..], &sides].concat()).with_file("parallax.toml", &toml).finish()
    };
    let report = run("cmd:old").report();
    assert_eq!(check(&report.jobs[0], "ROWS").status, CheckStatus::Pass);
    let done = run("cmd:new").expect(1);
    let report = done.report();
    assert_eq!(check(&report.jobs[0], "ROWS").status, CheckStatus::Fail);
    let rows = report.jobs[0].rows.as_ref().unwrap();
    assert_eq!((rows.changed, rows.columns[0].column.as_str()), (2, "_cardinalhq.customer_id"));
}

#[test]
fn a_redacted_report_holds_no_value_of_a_folder() {
    let home = tempfile::tempdir().unwrap();
    for (side, folder) in [("old", "k=kunde-4711"), ("new", "k=kunde-0815")] {
        put(&home.path().join(side).join(folder).join("a.parquet"), &[("id", ints([1])), ("n", ints([1]))]);
    }
    put(&home.path().join("new/n=geheimnis/a.parquet"), &[("id", ints([1])), ("n", ints([1]))]);
    let secrets = ["kunde-4711", "kunde-0815", "geheimnis"];
    let left = |done: &Finished| -> String {
        let files = files_below(&done.path("parallax-report")).into_iter().filter(|it| it.is_file());
        files.map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned()).collect()
    };
    let raw = left(&compare(home.path(), ["old", "new"], &["--key", "id", "--by", "k"]).expect(1));
    assert!(secrets.iter().all(|secret| raw.contains(secret)));
    let done = compare(home.path(), ["old", "new"], &["--key", "id", "--by", "k", "--redact"]).expect(1);
    let told = left(&done) + &done.stdout + &done.stderr;
    assert!(secrets.iter().all(|secret| !told.contains(secret)));
}

#[test]
fn the_query_of_duckdb_counts_the_same_rows() {
    if !crate::evidence::duckdb() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    // Folders that DuckDB reads by itself, and such as it would read otherwise: nulls, escapes, a column in the file, mixed layouts.
    table(&at("old"), &[("k=7/dt=2024-01-01", &[1, 2]), ("k=8/dt=2024-01-02", &[3])]);
    table(&at("new"), &[("k=7/dt=2024-01-01", &[1]), ("k=8/dt=2024-01-02", &[2, 3])]);
    let flat = [("id", ints([1, 2, 3])), ("v", texts(&["v1", "v2", "v3"])), ("k", ints([7, 8, 8]))];
    let mut dated = flat.to_vec();
    dated.push(("dt", Arc::new(Date32Array::from(vec![19_723, 19_723, 19_724])) as ArrayRef));
    put(&at("flat/a.parquet"), &dated);
    table(&at("odd"), &[("k=7/dt=it's %2F", &[1, 2]), ("k=NULL/dt=__HIVE_DEFAULT_PARTITION__", &[3])]);
    put(&at("mixed/k=7/a.parquet"), &[("id", ints([1])), ("v", texts(&["v1"]))]);
    put(&at("mixed/k=9/b.parquet"), &flat);
    put(&at("mixed/c.parquet"), &[("id", ints([4])), ("v", texts(&["v4"]))]);
    for sides in [
        ["old", "new"],
        ["old", "flat"],
        ["flat", "new"],
        ["old", "odd"],
        ["mixed", "old"],
        ["mixed", "flat"],
    ] {
        let done = compare(home.path(), sides, &["--key", "id"]).expect(1);
        let report = done.report();
        let rows = report.jobs[0].rows.as_ref().unwrap();
        let found = crate::evidence::ask(rows.duckdb.as_ref().unwrap(), done.home.path());
        assert_eq!(found, (rows.changed + rows.missing, rows.changed + rows.extra), "{sides:?}");
    }
}
