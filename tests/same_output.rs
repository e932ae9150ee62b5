//! One output on both sides of a job, or in two jobs, and a program that cannot be started: refused before the first job.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use reports::document::Verdict;

use crate::support::{beside, corpus, parallax, read_report};

/// Copies of one segment in a folder each.
fn copies(home: &Path, names: &[&str]) {
    let (_corpus, inputs) = corpus("compact-one-row");
    for name in names {
        fs::create_dir_all(home.join(name)).unwrap();
        fs::copy(&inputs[0], home.join(name).join("a.parquet")).unwrap();
    }
}

#[test]
fn an_output_is_compared_with_itself_only_where_that_is_asked_for_and_the_report_says_so() {
    let home = tempfile::tempdir().unwrap();
    copies(home.path(), &["a", "b"]);
    symlink(home.path().join("a"), home.path().join("link")).unwrap();
    fs::create_dir(home.path().join("by-file")).unwrap();
    symlink(home.path().join("a/a.parquet"), home.path().join("by-file/x.parquet")).unwrap();
    fs::write(home.path().join("list"), "a/a.parquet\n").unwrap();
    let at = |name: &str| match name.strip_prefix('@') {
        Some(list) => format!("@{}", home.path().join(list).display()),
        None => home.path().join(name).display().to_string(),
    };
    for other in ["a", "b/../a", "link", "by-file", "a/a.parquet", "@list"] {
        let done = parallax(&["compare", &at("a"), &at(other)]).finish().expect(2);
        assert!(done.stderr.contains("--allow-same"), "{other}: {}", done.stderr);
        let report = parallax(&["compare", "--allow-same", &at("a"), &at(other)]).finish().expect(0).report();
        assert!(report.headline.starts_with("self-check of one output with itself"), "{}", report.headline);
        assert_eq!(report.warnings[0].code, "compare.self_check");
    }
    let report = parallax(&["compare", "--allow-same", &at("a"), &at("b")]).finish().expect(0).report();
    assert!(report.warnings.is_empty() && !report.headline.contains("self-check"), "{}", report.headline);
}

#[test]
fn a_job_of_one_directory_and_jobs_of_the_same_outputs_are_refused() {
    let home = tempfile::tempdir().unwrap();
    copies(home.path(), &["old/1", "old/2", "new/1", "new/2"]);
    symlink(home.path().join("old/1"), home.path().join("linked")).unwrap();
    let entries = || fs::read_dir(home.path().join("old/1")).unwrap().map(|entry| entry.unwrap().path());
    // All files of one output under another place; and one of them beside another file, which is another output.
    copies(home.path(), &["shares"]);
    fs::create_dir(home.path().join("same-files")).unwrap();
    for file in entries() {
        let name = file.file_name().unwrap();
        fs::hard_link(&file, home.path().join("same-files").join(name)).unwrap();
        fs::hard_link(&file, home.path().join("shares/more.parquet")).unwrap();
    }
    let run = |jobs: &[(&str, &str)], more: &[&str]| {
        let line = |(number, (old, new)): (usize, &(&str, &str))| {
            format!("{{\"id\": \"job-{number}\", \"baseline\": \"{old}\", \"candidate\": \"{new}\"}}\n")
        };
        let path = home.path().join("jobs.jsonl");
        fs::write(&path, jobs.iter().enumerate().map(line).collect::<String>()).unwrap();
        parallax(&[&["run", "--job-list", path.to_str().unwrap()], more].concat()).finish()
    };
    run(&[("old/1", "new/1"), ("old/2", "new/2")], &[]).expect(0);
    let done = run(&[("old/1", "new/1"), ("shares", "new/2")], &[]).expect(1);
    assert!(done.stderr.contains("[2/2]"), "the second job is judged: {}", done.stderr);
    for jobs in [[("old/1", "old/1")], [("old/1", "new/../old/1")], [("old/1", "linked")]] {
        let done = run(&jobs, &[]).expect(2);
        assert!(
            done.stderr.contains("job job-0") && done.stderr.contains("are one output"),
            "{}",
            done.stderr
        );
    }
    for jobs in [
        [("old/1", "new/1"), ("old/1", "new/1")],
        [("old/1", "new/1"), ("old/2", "new/1")],
        [("old/1", "new/1"), ("linked", "new/2")],
        [("old/1", "new/1"), ("same-files", "new/2")],
    ] {
        let done = run(&jobs, &[]).expect(2);
        assert!(done.stderr.contains("jobs job-0 and job-1 have one"), "{}", done.stderr);
        // Alone it is a job like any other.
        run(&jobs, &["--only", "job-1"]).expect(0);
    }
    let side = format!("dir:{}", home.path().join("old/1").display());
    let (_corpus, inputs) = corpus("compact-one-row");
    let arguments = ["run", "--corpus", &inputs[0], "--baseline", &side, "--candidate", &side];
    let done = parallax(&arguments).finish().expect(2);
    assert!(done.stderr.contains("are one output"), "{}", done.stderr);
}

#[test]
fn a_program_that_cannot_be_started_ends_the_run_before_the_first_job() {
    let (_corpus, inputs) = corpus("compact-one-row");
    let config = "[side.good]\ncommand = [\"sh\", \"-c\", \"touch ran\"]\n[side.bad]\ncommand = [\"./none\", \"{job}\"]\n";
    for command in ["run", "bench"] {
        let sides = ["--baseline", "cmd:good", "--candidate", "cmd:bad", "--corpus", &inputs[0]];
        let done = parallax(&[&[command][..], &sides].concat())
            .with_file("parallax.toml", config)
            .finish()
            .expect(2);
        assert!(done.stderr.contains("cmd:bad could not be started"), "{}", done.stderr);
        assert!(!done.path("ran").exists() && !done.path("parallax-report").exists(), "{command}");
    }
}

#[test]
fn a_report_rendered_again_exits_as_the_run_did() {
    let passed = parallax(&["run", "--corpus", "compact-one-row"]).finish().expect(0);
    assert_eq!(beside(&passed, &["report", "parallax-report/report.json", "--out", "again"]).0, Some(0));
    let failed = parallax(&[
        "run",
        "--corpus",
        "compact-one-row",
        "--baseline",
        "unified",
        "--candidate",
        "fault:drop-row",
    ])
    .finish()
    .expect(1);
    for more in [&["--out", "again"][..], &["--out", "redacted", "--redact"], &["--out", "parallax-report"]] {
        let words = [&["report", "parallax-report/report.json"], more].concat();
        let (code, _, stderr) = beside(&failed, &words);
        assert_eq!(code, Some(1), "{more:?}: {stderr}");
    }
    // An interrupted run is not a verdict.
    let path = failed.path("parallax-report/report.json");
    let mut report = read_report(&path, "");
    (report.run.complete, report.verdict) = (false, Verdict::Inconclusive);
    fs::write(&path, serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(beside(&failed, &["report", "parallax-report/report.json", "--out", "third"]).0, Some(130));
}

#[test]
fn no_target_size_is_set_for_writers_of_others() {
    let (_corpus, inputs) = corpus("compact-one-row");
    let config = "[side.keep]\ncommand = [\"sh\", \"-c\", \"cp \\\"$0\\\" job.json; cp \\\"$2\\\" \\\"$1\\\"/a.parquet\", \
                  \"{job}\", \"{output}\", \"{inputs}\"]\n";
    for (baseline, more, size) in [
        ("cmd:keep", &[][..], None),
        ("unified", &[], None),
        ("cmd:keep", &["--param", "target_size=5000000"], Some(5_000_000)),
    ] {
        let run = ["run", "--corpus", &inputs[0], "--baseline", baseline, "--candidate", "cmd:keep"];
        let done = parallax(&[&run[..], more].concat()).with_file("parallax.toml", config).finish();
        let job: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(done.path("job.json")).unwrap()).unwrap();
        assert_eq!(job["parameters"]["target_size"].as_u64(), size, "{baseline} {}", done.stderr);
        assert_eq!(done.report().jobs[0].sizes.as_ref().and_then(|sizes| sizes.target), size);
    }
}
