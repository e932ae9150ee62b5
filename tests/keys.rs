//! Keys and columns that the user names: a name that no job has, a type without an order, a direction, and what a signal requires.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Int64Type};
use parquet::arrow::ArrowWriter;
use reports::document::Verdict;

use crate::support::{Finished, check, parallax};

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn ints(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn host_and_id() -> Vec<(&'static str, ArrayRef)> {
    vec![("id", ints(&[Some(1), Some(2)])), ("host", texts(&["a", "b"]))]
}

/// Log records in order, one a message.
fn logs(messages: &[&str]) -> Vec<(&'static str, ArrayRef)> {
    let times: Vec<Option<i64>> = (0..).take(messages.len()).map(|n| Some(1_756_080_000_000 + n)).collect();
    vec![
        ("_cardinalhq.timestamp", ints(&times)),
        ("_cardinalhq.id", texts(messages)),
        ("_cardinalhq.message", texts(messages)),
        ("_cardinalhq.telemetry_type", texts(&vec!["logs"; messages.len()])),
    ]
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn pair(old: Vec<(&str, ArrayRef)>, new: Vec<(&str, ArrayRef)>) -> Self {
        let place = Self::new();
        write(&place.at("old/a.parquet"), old);
        write(&place.at("new/a.parquet"), new);
        place
    }

    fn text(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    fn compare(&self, more: &[&str]) -> Finished {
        parallax(&[&["compare", &self.text("old"), &self.text("new")], more].concat()).finish()
    }

    /// Compares under this configuration.
    fn under(&self, config: &str, more: &[&str]) -> Finished {
        let config_path = self.text("parallax.toml");
        fs::write(&config_path, config).unwrap();
        self.compare(&[&["--config", &config_path], more].concat())
    }
}

#[test]
fn a_column_that_no_output_has_is_refused_wherever_it_is_named() {
    let place = Place::pair(host_and_id(), host_and_id());
    for arguments in [
        &["--key", "hots"][..],
        &["--sort-key", "id,hots desc"],
        &["--group-key", "hots"],
        &["--by", "file,hots"],
        &["--ignore-columns", "hots=made anew"],
    ] {
        let done = place.compare(arguments).expect(2);
        assert!(
            done.stderr.contains("neither output has a column \"hots\"; did you mean `host`?"),
            "{}",
            done.stderr
        );
        assert!(done.stderr.contains(arguments[0]), "{}", done.stderr);
        assert!(!done.path("parallax-report").exists());
    }
    for (config, said) in [
        ("[policy]\nignore = { hots = \"r\" }", ":2: `policy.ignore`"),
        ("[policy]\ntolerance = { hots = { absolute = 1.0 } }", ":2: `policy.tolerance`"),
        ("[policy]\nsame_type = { hots = \"float\" }", ":2: `policy.same_type`"),
        ("[compare]\nignore = { hots = \"r\" }", ":2: `policy.ignore`"),
        ("[[policy.for]]\njob = \"comp*\"\nignore = { hots = \"r\" }", ":3: `policy.for.ignore`"),
    ] {
        let done = place.under(config, &[]).expect(2);
        assert!(
            done.stderr.contains(said) && done.stderr.contains("did you mean `host`?"),
            "{}",
            done.stderr
        );
        // The same name as it should be.
        let right = config.replace("hots", if config.contains("absolute") { "id" } else { "host" });
        place.under(&right, &[]).expect(0);
    }
    // A block for other jobs names nothing here.
    place.under("[[policy.for]]\njob = \"other\"\nignore = { hots = \"r\" }", &[]).expect(0);
    let signal = "[signal.own]\nsort_key = [\"id\"]\nrow_keys = [[\"hots\"]]\n";
    let done = place.under(signal, &["--signal", "own"]).expect(2);
    assert!(done.stderr.contains("`signal.own.row_keys`: neither output has"), "{}", done.stderr);
    let verify = ["verify", &place.text("new"), "--ignore-columns", "hots=r"];
    let done = parallax(&verify).finish().expect(2);
    assert!(
        done.stderr.contains("the output does not have a column \"hots\"; did you mean `host`?"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_run_refuses_what_no_job_has_and_warns_of_what_some_have_not() {
    let place = Place::new();
    let plain = logs(&["a", "b"]);
    let with = [plain.clone(), vec![("host", texts(&["x", "y"]))]].concat();
    write(&place.at("in/plain.parquet"), plain.clone());
    write(&place.at("in/with.parquet"), with);
    let (one, other) = (place.text("in/plain.parquet"), place.text("in/with.parquet"));
    let run = |more: &[&str]| {
        parallax(&[&["run", "--signal", "logs", "--corpus", &one, "--corpus", &other], more].concat())
            .finish()
    };
    let done = run(&["--ignore-columns", "hots=r"]).expect(2);
    assert!(done.stderr.contains("no job has a column \"hots\"; did you mean `host`?"), "{}", done.stderr);
    let report = run(&["--ignore-columns", "host=r", "--by", "host"]).expect(0).report();
    let warned: Vec<_> = report.warnings.iter().map(|it| (it.code.as_str(), it.message.as_str())).collect();
    assert_eq!(warned.len(), 2, "{warned:?}");
    for (code, message) in warned {
        assert_eq!(code, "columns.absent");
        assert!(message.contains("1 of 2 jobs have no column \"host\": plain"), "{message}");
    }
    assert!(report.headline.contains("left out: 1 ignored column (host)"), "{}", report.headline);
    // One of the jobs alone is repeated as it was judged.
    let alone = report.jobs.iter().find(|job| job.id == "plain").unwrap();
    assert!(alone.replay.ends_with("--absent-columns warn"), "{}", alone.replay);
    let words: Vec<&str> = alone.replay.split_whitespace().skip(1).collect();
    let repeated = parallax(&words).finish().expect(0).report();
    assert_eq!((repeated.jobs.len(), repeated.warnings.len()), (1, 2), "{:?}", repeated.warnings);
    // What inputs will have is not known before they are made.
    let made = ["run", "--corpus", "compact-one-row", "--by", "_cardinalhq.ids"];
    let done = parallax(&made).finish().expect(2);
    assert!(done.stderr.contains("did you mean `_cardinalhq.id`?"), "{}", done.stderr);
    assert!(!done.path("parallax-report/report.json").exists());
}

#[test]
fn a_resumed_or_external_run_knows_the_columns_that_a_writer_adds() {
    let place = Place::new();
    write(&place.at("in/a.parquet"), logs(&["a", "b"]));
    write(
        &place.at("added.parquet"),
        [logs(&["a", "b"]), vec![("ingested", ints(&[Some(5), Some(6)]))]].concat(),
    );
    let config = format!(
        "[side.a]\ncommand = [\"cp\", \"{}\", \"{{output}}/a.parquet\"]\n\
         [side.b]\ncommand = [\"cp\", \"{}\", \"{{output}}/a.parquet\"]\n",
        place.text("in/a.parquet"),
        place.text("added.parquet")
    );
    let run = |ignored: &str| {
        let ignored = format!("{ignored}=time of writing");
        let (input, ignore) = (place.text("in"), ["--ignore-columns", ignored.as_str()]);
        let run =
            ["run", "--signal", "logs", "--corpus", &input, "--baseline", "cmd:a", "--candidate", "cmd:b"];
        parallax(&[&run[..], &ignore].concat()).with_file("parallax.toml", &config).finish()
    };
    run("ingested").expect(0);
    let done = run("ingestde").expect(2);
    assert!(done.stderr.contains("did you mean `ingested`?"), "{}", done.stderr);
}

#[test]
fn one_job_of_a_list_may_lack_a_column_that_another_has() {
    let place = Place::new();
    let with = [logs(&["a", "b"]), vec![("host", texts(&["x", "y"]))]].concat();
    let mut list = String::new();
    for (job, columns) in [("plain", logs(&["a", "b"])), ("with", with)] {
        for side in ["old", "new"] {
            write(&place.at(&format!("{side}/{job}/a.parquet")), columns.clone());
        }
        list.push_str(&format!(
            "{{\"id\": \"{job}\", \"signal\": \"logs\", \"baseline\": \"old/{job}\", \"candidate\": \"new/{job}\"}}\n"
        ));
    }
    fs::write(place.at("jobs.jsonl"), list).unwrap();
    let jobs = place.text("jobs.jsonl");
    let run =
        |more: &[&str]| parallax(&[&["run", "--job-list", &jobs, "--by", "host"], more].concat()).finish();
    let whole = run(&[]).expect(0);
    assert_eq!(whole.report().warnings.len(), 1);
    assert_eq!(whole.report().jobs[0].absent_columns, ["host"]);
    assert_eq!(run(&["--only", "plain"]).expect(0).report().warnings.len(), 1);
    assert!(run(&["--only", "with"]).expect(0).report().warnings.is_empty());
    let (code, _, stderr) = crate::support::beside(&whole, &["replay", "parallax-report", "--job", "plain"]);
    assert_eq!(code, Some(0), "{stderr}");
    parallax(&["run", "--job-list", &jobs, "--by", "hots"]).finish().expect(2);
}

fn nested() -> ArrayRef {
    let field = Arc::new(Field::new("a", DataType::Int64, true));
    Arc::new(StructArray::from(vec![(field, ints(&[Some(3), Some(1), Some(2)]))]))
}

#[test]
fn a_key_without_an_order_is_refused() {
    let list: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([3, 1, 2].map(|it| Some(vec![Some(it)]))));
    for (keys, kind) in [(nested(), "a struct"), (list, "a list")] {
        let place = Place::pair(vec![("k", Arc::clone(&keys))], vec![("k", keys)]);
        for flag in ["--sort-key", "--key", "--group-key"] {
            let done = place.compare(&[flag, "k"]).expect(2);
            assert!(done.stderr.contains(kind) && done.stderr.contains("have no order"), "{}", done.stderr);
        }
        place.compare(&[]).expect(0);
    }
    // The candidate's own doing is its failure.
    let place = Place::pair(vec![("k", ints(&[Some(1), Some(2), Some(3)]))], vec![("k", nested())]);
    let report = place.compare(&["--sort-key", "k"]).expect(1).report();
    assert_eq!(check(&report.jobs[0], "ORDER").findings[0].code, "order.key_type");
}

#[test]
fn sort_keys_take_a_direction_and_a_place_of_nulls_on_the_command_line_and_in_a_signal() {
    let down = || vec![("k", ints(&[Some(3), Some(2), None])), ("l", ints(&[Some(1), Some(2), Some(3)]))];
    let place = Place::pair(down(), down());
    place.compare(&["--sort-key", "k desc nulls last"]).expect(0);
    place.compare(&["--sort-key", "k DESC NULLS LAST,l"]).expect(0);
    for wrong in ["k", "k desc", "k nulls last", "k desc nulls first"] {
        let report = place.compare(&["--sort-key", wrong]).expect(1).report();
        assert!(
            report.headline.contains(&format!("by {}", wrong.replace(" nulls first", ""))),
            "{}",
            report.headline
        );
    }
    for (order, code) in [("k desc nulls last", 0), ("k desc", 1)] {
        let signal = format!("[signal.own]\nsort_key = [\"{order}\", \"l\"]\n");
        place.under(&signal, &["--signal", "own"]).expect(code);
    }
    let table = "[signal.own]\nsort_key = [\"k\"]\nsort_order = { k = \"desc nulls last\" }\n";
    place.under(table, &["--signal", "own"]).expect(0);
    let done = place.under(&table.replace("desc", "down"), &["--signal", "own"]).expect(2);
    assert!(done.stderr.contains("is no order"), "{}", done.stderr);
}

#[test]
fn the_built_in_writers_refuse_a_key_that_they_cannot_sort_by() {
    let place = Place::new();
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![3, 1, 2]));
    write(&place.at("in/a.parquet"), vec![("at", narrow), ("who", texts(&["z", "x", "y"]))]);
    let input = place.text("in");
    let run = |signal: &str| {
        parallax(&["run", "--signal", "own", "--corpus", &input, "--baseline", "unified"])
            .with_file("parallax.toml", &format!("[signal.own]\n{signal}"))
            .finish()
    };
    for (signal, said) in [
        ("sort_key = [\"who\"]\ntime_column = \"who\"", "sort key \"who\" of signal own is string"),
        ("sort_key = [\"at\"]\ntime_column = \"at\"", "sort key \"at\" of signal own is Int32"),
        ("sort_key = [\"at desc\"]\ntime_column = \"at\"", "sorts by at desc"),
    ] {
        let done = run(signal).expect(2);
        assert!(done.stderr.contains(said), "{}", done.stderr);
    }
}

#[test]
fn timestamps_as_text_and_a_required_column_without_values_fail() {
    let times = logs(&["a", "b"]);
    let text = || {
        let mut columns = logs(&["a", "b"]);
        columns[0].1 = texts(&["1756080000000", "1756080000001"]);
        columns
    };
    let null = || {
        let mut columns = logs(&["a", "b"]);
        columns[0].1 = ints(&[None, None]);
        columns
    };
    let missing = || logs(&["a", "b"]).into_iter().skip(1).collect::<Vec<_>>();
    for columns in [text(), null(), missing()] {
        let place = Place::pair(columns.clone(), columns.clone());
        let report =
            parallax(&["verify", &place.text("new"), "--signal", "logs"]).finish().expect(1).report();
        assert!(report.headline.contains("_cardinalhq.timestamp"), "{}", report.headline);
        // Both sides of a run alike, where the input has it right.
        write(&place.at("in/a.parquet"), times.clone());
        let config = format!(
            "[side.a]\ncommand = [\"cp\", \"{}\", \"{{output}}/a.parquet\"]\n",
            place.text("new/a.parquet")
        );
        let input = place.text("in");
        let run =
            ["run", "--signal", "logs", "--corpus", &input, "--baseline", "cmd:a", "--candidate", "cmd:a"];
        let done = parallax(&run).with_file("parallax.toml", &config).finish().expect(1);
        let headline = done.report().headline;
        assert!(headline.contains("the inputs have it right"), "{headline}");
    }
    let place = Place::pair(times.clone(), times);
    parallax(&["verify", &place.text("new"), "--signal", "logs"]).finish().expect(0);
}

#[test]
fn everything_ignored_is_inconclusive_and_a_required_check_that_fails_fails() {
    let place = Place::pair(vec![("a", ints(&[Some(1)]))], vec![("a", ints(&[Some(2)]))]);
    let report = place.compare(&["--ignore-columns", "a=x"]).expect(3).report();
    assert!(report.headline.contains("every column is ignored"), "{}", report.headline);
    for required in ["requires", "requires_every_job"] {
        let policy = format!("[policy]\ngates = [\"SIZES\"]\n{required} = [\"ROWS\"]\n");
        let report = place.under(&policy, &[]).expect(1).report();
        assert_eq!(report.jobs[0].verdict, Verdict::Fail, "{required}");
    }
    let report = place.under("[policy]\ngates = [\"SIZES\"]\n", &[]).expect(0).report();
    assert!(
        report.headline.contains("left out: ROWS, which failed and by the policy does not gate"),
        "{}",
        report.headline
    );
    assert!(report.jobs[0].headline.contains("left out: ROWS"), "{}", report.jobs[0].headline);
}
