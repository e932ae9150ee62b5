//! Rows that both sides lose or double alike: no comparison of the two can see it, so each side is accounted for by its inputs.
//!
//! The sides are shell scripts that copy Parquet files, with and without a manifest.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use reports::document::{CheckStatus, JobReport, Severity};

use crate::support::{Finished, beside, check, files_below, parallax};

/// Writes log rows of these identifiers; a row of an upper-case one has no timestamp.
fn logs(path: &Path, ids: &str) {
    let rows = ids.chars();
    let times: Int64Array =
        rows.clone().map(|id| id.is_lowercase().then_some(1_000 + i64::from(u32::from(id)))).collect();
    let texts: StringArray = rows.map(|id| Some(id.to_string())).collect();
    let signal = StringArray::from(vec!["logs"; ids.len()]);
    write(
        path,
        &[
            ("_cardinalhq.timestamp", Arc::new(times) as ArrayRef),
            ("_cardinalhq.id", Arc::new(texts)),
            ("_cardinalhq.telemetry_type", Arc::new(signal)),
        ],
    );
}

/// Writes spans of one trace.
fn traces(path: &Path, spans: &str) {
    let rows = spans.chars();
    let starts = Int64Array::from_iter_values(rows.clone().map(|span| i64::from(u32::from(span))));
    let names: StringArray = rows.map(|span| Some(span.to_string())).collect();
    write(
        path,
        &[
            ("_cardinalhq.trace_id", Arc::new(StringArray::from(vec!["t"; spans.len()])) as ArrayRef),
            ("_cardinalhq.span_id", Arc::new(names)),
            ("_cardinalhq.start_time_unix_ns", Arc::new(starts)),
            ("_cardinalhq.telemetry_type", Arc::new(StringArray::from(vec!["traces"; spans.len()]))),
        ],
    );
}

fn write(path: &Path, columns: &[(&str, ArrayRef)]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let fields = columns.iter().map(|(name, array)| (*name, Arc::clone(array), true));
    let batch = RecordBatch::try_from_iter_with_nullable(fields).unwrap();
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// A folder with the inputs `in/1.parquet` (a to c) and `in/2.parquet` (d to f), and `five.parquet`, which lacks f.
fn data() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    logs(&data.path().join("in/1.parquet"), "abc");
    logs(&data.path().join("in/2.parquet"), "def");
    logs(&data.path().join("five.parquet"), "abcde");
    logs(&data.path().join("six.parquet"), "abcdef");
    data
}

/// Runs both scripts over the inputs; `$0` is the output and `$1` the folder of the data.
fn run(data: &Path, baseline: &str, candidate: &str, more: &str, arguments: &[&str]) -> Finished {
    let home = data.to_str().unwrap();
    let side = |name: &str, script: &str| {
        let script = script.replace('{', "{{").replace('}', "}}");
        format!("[side.{name}]\ncommand = [\"sh\", \"-ec\", '''{script}''', \"{{output}}\", \"{home}\"]\n")
    };
    let configuration = side("old", baseline) + &side("new", candidate) + more;
    let corpus = format!("{home}/in");
    let given = ["run", "--corpus", &corpus, "--baseline", "cmd:old", "--candidate", "cmd:new"];
    parallax(&[&given[..], arguments].concat()).with_file("parallax.toml", &configuration).finish()
}

/// The same with one script for both sides.
fn alike(data: &Path, script: &str, arguments: &[&str]) -> Finished {
    run(data, script, script, "", &[&["--signal", "logs"], arguments].concat())
}

/// Code and severity of what ACCOUNTING found of the candidate.
fn found(job: &JobReport) -> Vec<(&str, Severity)> {
    let all = check(job, "ACCOUNTING").findings.iter();
    let candidate = all.filter(|it| it.side == Some(reports::document::Role::Candidate));
    candidate.map(|it| (it.code.as_str(), it.severity)).collect()
}

/// A manifest of one file with more fields.
fn manifest(fields: &str) -> String {
    format!("printf '{{\"files\": [{{\"path\": \"a.parquet\"}}]{fields}}}' > \"$0/manifest.json\"")
}

const FIVE: &str = "cp $1/five.parquet $0/a.parquet\n";
const SIX: &str = "cp $1/six.parquet $0/a.parquet\n";

#[test]
fn a_loss_or_gain_of_both_sides_fails_and_the_first_line_says_so() {
    let data = data();
    for (script, said) in [
        (FIVE, "both sides lose 1 of 6 input rows"),
        // A whole input, every input, a file twice, nothing at all.
        ("cp $1/in/1.parquet $0/", "both sides lose 3 of 6 input rows"),
        (
            "cp $1/in/1.parquet $0/a.parquet; cp $1/six.parquet $0/b.parquet",
            "both sides write 3 rows too many, of 6",
        ),
        (":", "both sides lose 6 of 6 input rows"),
    ] {
        let done = alike(data.path(), script, &[]).expect(1);
        let first: String =
            done.stdout.split("\n\n").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(first.starts_with("FAIL") && first.contains(said), "{first}");
        assert!(done.report().headline.contains(said));
        assert_eq!(check(&done.report().jobs[0], "ACCOUNTING").status, CheckStatus::Fail, "{script}");
    }
    for whole in [SIX, "cp $1/in/*.parquet $0/"] {
        let report = alike(data.path(), whole, &[]).expect(0).report();
        assert_eq!(check(&report.jobs[0], "ACCOUNTING").status, CheckStatus::Pass);
    }
}

#[test]
fn each_side_answers_for_its_own_rows_whatever_the_other_states() {
    let data = data();
    let of = |baseline: &str, candidate: &str| {
        let done = run(data.path(), baseline, candidate, "", &["--signal", "logs"]);
        (done.code, found(&done.report().jobs[0]).into_iter().map(|it| it.0.to_owned()).collect::<Vec<_>>())
    };
    let declares = format!("{FIVE}{}", manifest(", \"rows_read\": 6, \"rows_dropped\": {\"late\": 1}"));
    assert_eq!(of(&declares, FIVE), (Some(1), vec!["accounting.rows-lost".to_owned()]));
    let misread = format!("{FIVE}{}", manifest(", \"rows_read\": 5"));
    let codes = ["accounting.common-loss", "accounting.rows-read"].map(str::to_owned).to_vec();
    assert_eq!(of(&misread, &misread), (Some(1), codes));
    let huge = manifest(", \"rows_dropped\": {\"a\": 18446744073709551615, \"b\": 18446744073709551615}");
    let (code, codes) = of(&format!("{FIVE}{huge}"), &format!("{FIVE}{huge}"));
    assert!(code == Some(1) && codes.contains(&"accounting.overflow".to_owned()), "{codes:?}");
}

#[test]
fn a_drop_that_both_manifests_declare_passes_and_the_first_line_names_it() {
    let data = data();
    let script = format!("{FIVE}{}", manifest(", \"rows_dropped\": {\"late\": 1}"));
    let report = alike(data.path(), &script, &[]).expect(0).report();
    assert!(
        report.headline.contains("left out: 1 row dropped by declared reason `late` on both sides"),
        "{}",
        report.headline
    );
    assert_eq!(found(&report.jobs[0]), [("accounting.declared-drop", Severity::Warning)]);
}

#[test]
fn a_signal_or_a_waiver_excuses_a_loss_and_the_first_line_names_it() {
    let data = data();
    let with = |more: &str| run(data.path(), FIVE, FIVE, more, &["--signal", "logs"]);
    let failed = with("").expect(1);
    assert!(failed.report().headline.contains("`rows = \"free\"` under [signal.logs]"), "{}", failed.stdout);
    let free = with("[signal.logs]\nrows = \"free\"\n").expect(0).report();
    let said = "left out: 1 row that the signal leaves open (rows = \"free\") on both sides";
    assert!(free.headline.contains(said), "{}", free.headline);
    assert_eq!(check(&free.jobs[0], "ACCOUNTING").status, CheckStatus::NotApplicable);
    assert_ne!(
        free.jobs[0].signal_digest,
        failed.report().jobs[0].signal_digest,
        "the rule is part of the signal"
    );
    let waiver =
        "[[waiver]]\ncode = \"accounting.common-loss\"\nreason = \"it folds copies\"\nowner = \"storage\"\n";
    let waived = with(waiver).expect(0).report();
    assert!(waived.headline.contains("left out: 1 waived difference"), "{}", waived.headline);
    let typing = with("[signal.logs]\nrows = \"fre\"\n").expect(2);
    assert!(typing.stderr.contains("rows: unknown variant `fre`"), "{}", typing.stderr);
    assert!(typing.stderr.contains("did you mean `free`?"), "{}", typing.stderr);
}

#[test]
fn an_ingest_job_of_logs_may_lose_rows_without_a_timestamp_and_no_other() {
    let data = data();
    let root = data.path();
    fs::remove_file(root.join("in/2.parquet")).unwrap();
    logs(&root.join("in/1.parquet"), "aBcDef");
    fs::write(root.join("in/job.toml"), "kind = \"ingest\"\n").unwrap();
    for (name, ids) in [("timed", "acef"), ("fewer", "ace"), ("swapped", "Bace"), ("all", "BDacef")] {
        logs(&root.join(format!("{name}.parquet")), ids);
    }
    let exit = |name: &str, manifest: &str| {
        let done = alike(root, &format!("cp $1/{name}.parquet $0/a.parquet\n{manifest}"), &[]);
        (done.code, check(&done.report().jobs[0], "ACCOUNTING").status)
    };
    assert_eq!(exit("timed", ""), (Some(0), CheckStatus::Pass));
    assert_eq!(exit("all", ""), (Some(0), CheckStatus::Pass));
    assert_eq!(exit("fewer", ""), (Some(1), CheckStatus::Fail));
    assert_eq!(
        exit("swapped", ""),
        (Some(1), CheckStatus::Fail),
        "a row with a time is gone, one without is kept"
    );
    let dropped = |rows: u64| manifest(&format!(", \"rows_dropped\": {{\"missing_timestamp\": {rows}}}"));
    assert_eq!(exit("timed", &dropped(2)), (Some(0), CheckStatus::Pass));
    assert_eq!(exit("fewer", &dropped(3)), (Some(1), CheckStatus::Fail), "the inputs hold two such rows");
}

#[test]
fn spans_that_both_sides_lose_fail_too() {
    let data = tempfile::tempdir().unwrap();
    traces(&data.path().join("in/1.parquet"), "abcd");
    traces(&data.path().join("three.parquet"), "abc");
    let script = "cp $1/three.parquet $0/a.parquet";
    let done = run(data.path(), script, script, "", &["--signal", "traces"]).expect(1);
    assert_eq!(found(&done.report().jobs[0]), [("accounting.common-loss", Severity::Blocker)]);
}

#[test]
fn inputs_in_folders_without_rows_and_listed_twice_are_counted_as_they_are_read() {
    let data = data();
    let root = data.path();
    fs::create_dir_all(root.join("in/day=1/hour=2")).unwrap();
    fs::rename(root.join("in/2.parquet"), root.join("in/day=1/hour=2/2.parquet")).unwrap();
    fs::rename(root.join("in/1.parquet"), root.join("in/day=1/1.parquet")).unwrap();
    logs(&root.join("in/day=1/0.parquet"), "");
    alike(root, SIX, &[]).expect(0);
    alike(root, FIVE, &[]).expect(1);
    let list = |inputs: &str| {
        format!(
            "{{\"id\": \"j\", \"signal\": \"logs\", \"inputs\": [{inputs}], \"baseline\": \"old\", \"candidate\": \"new\"}}\n"
        )
    };
    for side in ["old", "new"] {
        fs::create_dir(root.join(side)).unwrap();
        logs(&root.join(side).join("a.parquet"), "aabbccdef");
    }
    let jobs = root.join("jobs.jsonl");
    for (inputs, code) in [
        ("\"in/day=1/1.parquet\", \"in/day=1/*.parquet\", \"in/day=1/hour=2/*.parquet\"", 0),
        ("\"in/day=1/*.parquet\", \"in/day=1/hour=2/*.parquet\"", 1),
        ("\"in/day=1/1.parquet\", \"in/day=1/*.parquet\", \"six.parquet\"", 1),
    ] {
        fs::write(&jobs, list(inputs)).unwrap();
        let done = parallax(&["run", "--job-list", jobs.to_str().unwrap()]).finish().expect(code);
        let status = if code == 0 { CheckStatus::Pass } else { CheckStatus::Fail };
        assert_eq!(check(&done.report().jobs[0], "ACCOUNTING").status, status, "{inputs}");
    }
    // Unknown inputs: nothing to compare with, and nothing is said.
    let (old, new) = (root.join("old"), root.join("new"));
    let compared = parallax(&["compare", old.to_str().unwrap(), new.to_str().unwrap()]).finish().expect(0);
    assert_eq!(check(&compared.report().jobs[0], "ACCOUNTING").status, CheckStatus::NotApplicable);
}

#[test]
fn a_merge_without_manifests_is_judged_by_the_model() {
    let corpus = ["run", "--corpus", "metrics-tiny-series"];
    let done = parallax(&[&corpus[..], &["--keep", "always"]].concat()).finish().expect(0);
    let kept = done.path("parallax-report/outputs/baseline/metrics-tiny-series");
    fs::remove_file(kept.join("manifest.json")).unwrap();
    for side in ["old", "new"] {
        fs::create_dir(done.path(side)).unwrap();
        for file in files_below(&kept) {
            fs::copy(&file, done.path(side).join(file.file_name().unwrap())).unwrap();
        }
    }
    let judge = || {
        let sides = ["--baseline", "dir:old", "--candidate", "dir:new", "--out", "again"];
        let (code, stdout, stderr) = beside(&done, &[&corpus[..], &sides].concat());
        let report = crate::support::read_report(&done.path("again/report.json"), &stderr);
        (code, check(&report.jobs[0], "ACCOUNTING").status, stdout)
    };
    let whole = judge();
    assert_eq!((whole.0, whole.1), (Some(0), CheckStatus::Pass), "{}", whole.2);
    for side in ["old", "new"] {
        let mut files = files_below(&done.path(side));
        files.retain(|file| file.extension().is_some_and(|end| end == "parquet"));
        assert!(files.len() > 1, "{files:?}");
        fs::remove_file(&files[0]).unwrap();
    }
    let less = judge();
    assert_eq!((less.0, less.1), (Some(1), CheckStatus::Fail), "{}", less.2);
    assert!(less.2.contains("both sides lose"), "{}", less.2);
}

#[test]
fn a_common_loss_is_made_small_and_replayed() {
    let fault = "fault:common-row-lost";
    let sides = ["--baseline", fault, "--candidate", fault];
    let done =
        parallax(&[&["run", "--corpus", "compact-heavy-ties"][..], &sides].concat()).finish().expect(1);
    let small = ["minimize", "parallax-report", "--job", "compact-heavy-ties", "--out", "small"];
    let (code, stdout, stderr) = beside(&done, &small);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(
        stdout.contains("to    1 rows") && stdout.contains("ACCOUNTING: accounting.common-loss"),
        "{stdout}"
    );
    let replay = ["replay", "parallax-report", "--job", "compact-heavy-ties", "--check", "ACCOUNTING"];
    let (code, stdout, stderr) = beside(&done, &replay);
    assert_eq!(code, Some(0), "the same findings: {stdout}{stderr}");
}

#[test]
fn the_first_line_names_a_common_loss_before_three_other_jobs_that_failed() {
    let data = data();
    let root = data.path();
    let mut list = String::new();
    for job in ["a", "b", "c", "d"] {
        let (old, new) = if job == "d" { ("abcde", "abcde") } else { ("abc", "abd") };
        logs(&root.join(format!("old/{job}/x.parquet")), old);
        logs(&root.join(format!("new/{job}/y.parquet")), new);
        let inputs = if job == "d" { "\"inputs\": [\"in/*.parquet\"], " } else { "" };
        let line = format!(
            "{{\"id\": \"{job}\", \"signal\": \"logs\", {inputs}\"baseline\": \"old/{job}\", \"candidate\": \"new/{job}\"}}\n"
        );
        list.push_str(&line);
    }
    let jobs = root.join("jobs.jsonl");
    fs::write(&jobs, list).unwrap();
    let done = parallax(&["run", "--job-list", jobs.to_str().unwrap()]).finish().expect(1);
    let headline = done.report().headline;
    assert!(
        headline.starts_with("4 of 4 jobs failed: d (ACCOUNTING: both sides lose 1 of 6 input rows; "),
        "{headline}"
    );
    let first: Vec<&str> = done.stdout.split("\n\n").next().unwrap().split_whitespace().collect();
    assert!(first.join(" ").ends_with("; both sides lose 1 of 6 input rows"), "{first:?}");
}
