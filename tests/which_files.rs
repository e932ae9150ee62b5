//! Which files of an output are read, which are passed over, and what the report says of them, through the whole program.
//!
//! `tests/cases/` holds scripts that make inputs with PyArrow, after public bug reports. Without `python3` with PyArrow these tests say
//! that they were skipped; `PARALLAX_REQUIRE_PYARROW=1` insists.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reports::document::{CheckStatus, Finding, JobReport, Severity, WhyPassedOver};

use crate::support::{Finished, check, corpus, findings, parallax, python_has};

/// The inputs of a case, made in a directory of their own; `None` where there is no PyArrow.
fn case(name: &str) -> Option<tempfile::TempDir> {
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let home = tempfile::tempdir().unwrap();
    for folder in ["_lib", name] {
        fs::create_dir(home.path().join(folder)).unwrap();
        for entry in fs::read_dir(Path::new(cases).join(folder)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), home.path().join(folder).join(entry.file_name())).unwrap();
            }
        }
    }
    if !python_has("pyarrow", "PARALLAX_REQUIRE_PYARROW") {
        return None;
    }
    let made = Command::new("python3").arg(home.path().join(name).join("make.py")).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(home)
}

/// `compare` of two outputs of a case.
fn compare(home: &Path, old: &str, new: &str, more: &[&str]) -> Finished {
    let path = |name: &str| match name.strip_prefix('@') {
        Some(list) => format!("@{}", home.join(list).display()),
        None => home.join(name).display().to_string(),
    };
    parallax(&[&["compare", &path(old), &path(new)], more].concat()).finish()
}

fn codes(done: &Finished) -> Vec<String> {
    findings(&done.report()).map(|found| found.code.clone()).collect()
}

fn of_code(done: &Finished, code: &str) -> Vec<Finding> {
    findings(&done.report()).filter(|found| found.code == code).cloned().collect()
}

fn passed_over(job: &JobReport) -> Vec<(String, WhyPassedOver, u64)> {
    job.candidate.passed_over.iter().map(|it| (it.path.clone(), it.why, it.parquet)).collect()
}

#[test]
fn a_file_of_another_name_is_read_by_its_bytes() {
    let Some(home) = case("other-extension") else { return };
    let home = home.path().join("other-extension");
    for (old, new) in [("old", "new"), ("hive_old", "hive_new")] {
        let changed = compare(&home, old, new, &["--key", "id"]).expect(1);
        assert_eq!(codes(&changed), ["rows.changed"]);
        assert_eq!(check(&changed.report().jobs[0], "ROWS").coverage.files, if old == "old" { 4 } else { 2 });
    }
    fs::rename(home.join("new/part-1.pq"), home.join("new/part-1.PARQ")).unwrap();
    assert_eq!(codes(&compare(&home, "old", "new", &["--key", "id"]).expect(1)), ["rows.changed"]);
    // Cut short it is a file that cannot be read, and not some other file.
    let bytes = fs::read(home.join("hive_new/000000_0")).unwrap();
    fs::write(home.join("hive_new/000000_0"), &bytes[..bytes.len() / 2]).unwrap();
    let cut = compare(&home, "hive_old", "hive_new", &["--key", "id"]);
    assert_ne!(cut.code, Some(0), "{}", cut.stdout);
}

#[test]
fn folders_of_partitions_are_read_also_where_their_names_begin_with_an_underscore() {
    let Some(home) = case("underscore-partition") else { return };
    let home = home.path().join("underscore-partition");
    for (old, new) in [("old", "new"), ("only_old", "only_new")] {
        for more in [&["--key", "id"][..], &[]] {
            let done = compare(&home, old, new, more).expect(1);
            let rows: u64 = findings(&done.report())
                .filter(|found| found.code.starts_with("rows."))
                .map(|found| found.count)
                .sum();
            assert!(rows >= 2, "{:?}", codes(&done));
        }
    }
    // Without `=` the folder is passed over, and its files are named.
    fs::rename(home.join("new/_region=eu"), home.join("new/_region")).unwrap();
    let done = compare(&home, "old", "new", &["--key", "id"]).expect(1);
    assert_eq!(passed_over(&done.report().jobs[0]), [("_region/".to_owned(), WhyPassedOver::Hidden, 1)]);
    let found = of_code(&done, "accounting.passed_over");
    assert_eq!((found[0].severity, found[0].count), (Severity::Warning, 1));
    assert!(found[0].message.contains("_region/"), "{}", found[0].message);
    let csv = fs::read_to_string(done.path("parallax-report/files.csv")).unwrap();
    assert!(csv.lines().any(|line| line.contains("_region/") && line.ends_with("hidden,1")), "{csv}");
    let page = fs::read_to_string(done.path("parallax-report/index.html")).unwrap();
    assert!(page.contains("_region/") && page.contains("Passed over: 1"));
    // Nothing else is there: what is passed over is said at once.
    fs::rename(home.join("only_new/_region=eu"), home.join("only_new/_region")).unwrap();
    let refused = compare(&home, "only_old", "only_new", &["--key", "id"]).expect(2);
    for said in ["holds no Parquet file that is read", "1 Parquet file is passed over, _region/ the first"] {
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
}

#[test]
fn a_table_is_refused_and_a_list_of_its_live_files_is_compared() {
    let Some(home) = case("delta-dead-files") else { return };
    let home = home.path().join("delta-dead-files");
    let refused = compare(&home, "old", "new", &["--key", "id"]).expect(2);
    for said in ["is a Delta Lake table", "_delta_log", "@files.txt"] {
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    fs::write(home.join("old.txt"), "# live files\n\nold/part-live.parquet\n").unwrap();
    fs::copy(home.join("old/part-live.parquet"), home.join("copy.parquet")).unwrap();
    for (old, new) in [("@old.txt", "new"), ("new", "@old.txt"), ("@old.txt", "copy.parquet")] {
        let done = compare(&home, old, new, &["--key", "id"]).expect(0);
        assert_eq!(check(&done.report().jobs[0], "ROWS").coverage.rows, 4, "dead files count nowhere");
    }
    fs::write(home.join("both.txt"), "old/part-live.parquet\nold/part-dead.parquet\n").unwrap();
    let extra = compare(&home, "new", "@both.txt", &["--key", "id"]).expect(1);
    assert!(codes(&extra).iter().any(|code| code.starts_with("rows.")), "{:?}", codes(&extra));
    let twice = home.join("twice.txt");
    fs::write(&twice, "old/part-live.parquet\nold/../old/part-live.parquet\n").unwrap();
    let refused = compare(&home, "@twice.txt", "new", &[]).expect(2);
    assert!(
        refused.stderr.contains("twice.txt:2") && refused.stderr.contains("line 1"),
        "{}",
        refused.stderr
    );
    let verified = parallax(&["verify", &format!("@{}", home.join("old.txt").display())]).finish().expect(0);
    assert_eq!(verified.report().jobs[0].candidate.files[0].path, "part-live.parquet");
}

#[test]
fn the_lists_of_a_job_list_count_from_its_folder_and_need_no_signal() {
    let Some(home) = case("delta-dead-files") else { return };
    let home = home.path().join("delta-dead-files");
    fs::write(home.join("old.txt"), "old/part-live.parquet\n").unwrap();
    let list = home.join("jobs.jsonl");
    fs::write(&list, "{\"id\": \"a\", \"baseline\": \"@old.txt\", \"candidate\": \"new\"}\n").unwrap();
    let run =
        |more: &[&str]| parallax(&[&["run", "--job-list", list.to_str().unwrap()], more].concat()).finish();
    let done = run(&[]).expect(0);
    let report = done.report();
    assert_eq!((report.jobs[0].signal.as_deref(), report.jobs[0].candidate.files.len()), (None, 1));
    assert_eq!(check(&report.jobs[0], "ROWS").coverage.rows, 4);
    let built_in = run(&["--candidate", "unified"]).expect(2);
    assert!(built_in.stderr.contains("names neither signal nor inputs"), "{}", built_in.stderr);
    // The report directory is cleared before a run: a listed file in it would be gone.
    fs::create_dir_all(home.join("out")).unwrap();
    fs::copy(home.join("new/part-live.parquet"), home.join("out/a.parquet")).unwrap();
    fs::write(home.join("new.txt"), "out/a.parquet\n").unwrap();
    let out = home.join("out");
    let spared = compare(&home, "@old.txt", "@new.txt", &["--out", out.to_str().unwrap()]).expect(2);
    assert!(spared.stderr.contains("lies in the report directory"), "{}", spared.stderr);
    assert!(home.join("out/a.parquet").exists());
}

#[test]
fn a_comparison_of_lists_is_packed_and_replayed() {
    let Some(home) = case("delta-dead-files") else { return };
    let home = home.path().join("delta-dead-files");
    fs::write(home.join("old.txt"), "old/part-live.parquet\n").unwrap();
    fs::write(home.join("both.txt"), "old/part-live.parquet\nold/part-dead.parquet\n").unwrap();
    let done = compare(&home, "@old.txt", "@both.txt", &["--key", "id"]).expect(1);
    let bundle = ["bundle", "parallax-report", "--job", "compare", "--out", "b.tar.zst", "--allow-root"];
    let root = home.to_str().unwrap();
    let (code, out, err) = crate::support::beside(&done, &[&bundle[..], &[root]].concat());
    assert_eq!(code, Some(0), "{out}{err}");
    let (code, out, err) = crate::support::beside(&done, &["replay", "b.tar.zst"]);
    assert_eq!(code, Some(0), "the same findings: {out}{err}");
}

#[test]
fn a_manifest_of_another_program_is_noted_and_the_files_are_compared() {
    let Some(home) = case("foreign-manifest") else { return };
    let home = home.path().join("foreign-manifest");
    let done = compare(&home, "old", "new", &["--key", "id"]).expect(0);
    assert_eq!(codes(&done), ["accounting.foreign_manifest"; 2]);
    assert!(findings(&done.report()).all(|found| found.severity == Severity::Info));
    let job = &done.report().jobs[0];
    assert_eq!(passed_over(job), [("manifest.json".to_owned(), WhyPassedOver::ForeignManifest, 0)]);
    assert_eq!(check(job, "ROWS").status, CheckStatus::Pass);
    assert_eq!(check(job, "ACCOUNTING").status, CheckStatus::NotApplicable, "nothing was accounted for");
    // A broken manifest of ours is a failed output, as ever.
    fs::write(home.join("new/manifest.json"), r#"{"files": [{"path": "part-0.parquet", "rows": 2}]}"#)
        .unwrap();
    let broken = compare(&home, "old", "new", &["--key", "id"]).expect(1);
    assert!(codes(&broken).contains(&"errors.candidate-failed".to_owned()), "{:?}", codes(&broken));
}

/// A run whose candidate copies its one input and then does `more` in its output directory `$0`.
fn run(more: &str) -> Finished {
    let (_corpus, inputs) = corpus("compact-heavy-ties");
    let script = |more: &str| format!("cp {} $0/a.parquet\n{more}", inputs[0]);
    let side = |name: &str, more: &str| {
        format!("[side.{name}]\ncommand = [\"sh\", \"-c\", '''{}''', \"{{output}}\"]\n", script(more))
    };
    let sides = side("plain", "") + &side("more", more);
    let arguments = [
        "run",
        "--corpus",
        &inputs[0],
        "--signal",
        "logs",
        "--baseline",
        "cmd:plain",
        "--candidate",
        "cmd:more",
    ];
    parallax(&arguments).with_file("parallax.toml", &sides).finish()
}

#[test]
fn bookkeeping_of_a_side_that_ran_is_no_leak_and_work_in_progress_is() {
    let leaks = |more: &str| {
        let done = run(more);
        let found = of_code(&done, "leaks.output");
        (found.len(), found.iter().filter(|it| it.severity == Severity::Blocker).count())
    };
    assert_eq!(
        leaks("cd $0; touch _SUCCESS _committed_1 _started_1 .a.parquet.crc; cp a.parquet _metadata"),
        (0, 0)
    );
    assert_eq!(leaks("mkdir $0/_temporary"), (1, 1));
    assert_eq!(leaks("touch $0/.a.parquet.swp"), (1, 1));
    assert_eq!(leaks("touch $0/notes $0/_notes"), (2, 1));
}

#[test]
fn what_a_side_that_ran_leaves_under_a_hidden_name_is_not_read_and_a_broken_manifest_fails_it() {
    let done = run("cp $0/a.parquet $0/_old.parquet");
    let report = done.report();
    assert_eq!(check(&report.jobs[0], "ROWS").status, CheckStatus::Pass, "{:?}", codes(&done));
    assert_eq!(of_code(&done, "accounting.passed_over").len(), 1);
    let moved = run("mv $0/a.parquet $0/_a.parquet").expect(1);
    assert_eq!(check(&moved.report().jobs[0], "ROWS").status, CheckStatus::Fail);
    let foreign = run("echo '{{\"entries\": []}}' > $0/manifest.json").expect(1);
    assert!(codes(&foreign).contains(&"errors.candidate-failed".to_owned()), "{:?}", codes(&foreign));
    let table = run("mkdir $0/_delta_log").expect(2);
    assert!(table.stderr.contains("is a Delta Lake table"), "{}", table.stderr);
}

#[test]
fn inputs_follow_the_same_rule() {
    let (_corpus, inputs) = corpus("compact-heavy-ties");
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { home.path().join(name) };
    for name in ["in/000000_0", "in/_old.parquet", "in/_SUCCESS", "table/a.parquet"] {
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        fs::copy(&inputs[0], at(name)).unwrap();
    }
    fs::create_dir(at("table/_delta_log")).unwrap();
    let run = |folder: &str| {
        let path = at(folder);
        parallax(&["run", "--signal", "logs", "--corpus", path.to_str().unwrap()]).finish()
    };
    let done = run("in").expect(0);
    let read = &done.report().jobs[0].inputs;
    assert!(read.len() == 1 && read[0].path.ends_with("000000_0"), "{read:?}");
    let refused = run("table").expect(2);
    assert!(refused.stderr.contains("is a Delta Lake table"), "{}", refused.stderr);
}

#[test]
fn an_output_without_a_signal_is_verified_by_what_holds_of_every_output() {
    let (_corpus, inputs) = corpus("compact-heavy-ties");
    let done = parallax(&["verify", &inputs[0]]).finish().expect(0);
    assert_eq!(done.report().jobs[0].signal, None);
    let folder = tempfile::tempdir().unwrap();
    let bytes = fs::read(&inputs[0]).unwrap();
    fs::write(folder.path().join("000000_0"), &bytes).unwrap();
    fs::write(folder.path().join("000001_0"), &bytes[..bytes.len() / 2]).unwrap();
    let cut = parallax(&["verify", folder.path().to_str().unwrap()]).finish();
    assert_eq!(cut.code, Some(1), "{}{}", cut.stdout, cut.stderr);
    assert_eq!(of_code(&cut, "accounting.unreadable").len(), 1);
}
