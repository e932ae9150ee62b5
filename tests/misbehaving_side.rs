//! An external side that does something odd with its output directory fails its own job, and the other jobs are judged.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use reports::document::{JobReport, Report, SideOutcome};
use reports::manifest::ErrorClass;

use crate::support::{Finished, check, corpus, parallax, red};

/// Runs one job for each attack, `$1` being the output directory, `$2` the input, against a baseline that copies the input.
fn run(attacks: &[(&str, &str)], options: &[&str]) -> Finished {
    let (_corpus, inputs) = corpus("compact-heavy-ties");
    let (mut list, mut cases) = (String::new(), String::new());
    for (id, script) in attacks {
        list.push_str(&format!(
            "{{\"id\": \"{id}\", \"signal\": \"logs\", \"inputs\": [\"{}\"]}}\n",
            inputs[0]
        ));
        cases.push_str(&format!("{id}) {script};;\n"));
    }
    let script = format!("id=$(sed -n 's/.*\"id\": \"\\(.*\\)\",/\\1/p' \"$3\"); case $id in\n{cases}esac");
    let config = format!(
        "[side.old]\ncommand = [\"sh\", \"-c\", 'cp \"$2\" \"$1/a.parquet\"', \"side\", \"{{output}}\", \"{0}\"]\n\
         [side.new]\ncommand = [\"sh\", \"-c\", '''{script}''', \"side\", \"{{output}}\", \"{0}\", \"{{job}}\"]\n",
        inputs[0]
    );
    let arguments =
        ["run", "--job-list", "jobs.jsonl", "--baseline", "cmd:old", "--candidate", "cmd:new", "--plain"];
    parallax(&[&arguments, options].concat())
        .with_file("parallax.toml", &config)
        .with_file("jobs.jsonl", &list)
        .finish()
}

fn jobs(report: &Report) -> BTreeMap<&str, &JobReport> {
    report.jobs.iter().map(|job| (job.id.as_str(), job)).collect()
}

/// Class and message of a candidate that failed.
fn failure(job: &JobReport) -> (ErrorClass, &str) {
    match &job.candidate.outcome {
        SideOutcome::Failed { failure, .. } => (failure.class, &failure.message),
        other => panic!("job {}: {other:?}", job.id),
    }
}

const GOOD: (&str, &str) = ("good", r#"cp "$2" "$1/a.parquet""#);

#[test]
fn an_output_directory_that_was_removed_replaced_or_leads_out_fails_its_job_alone() {
    let done = run(
        &[
            GOOD,
            ("gone", r#"rm -r "$1""#),
            ("home-gone", r#"cd /; rm -r "$1""#),
            (
                "to-directory",
                r#"mkdir "$TMPDIR/x"; cp "$2" "$TMPDIR/x/a.parquet"; rm -r "$1"; ln -s "$TMPDIR/x" "$1""#,
            ),
            ("to-nowhere", r#"rm -r "$1"; ln -s /nowhere/at/all "$1""#),
            ("to-itself", r#"rm -r "$1"; ln -s "$1" "$1""#),
            ("a-file", r#"rm -r "$1"; cp "$2" "$1""#),
            ("a-pipe", r#"rm -r "$1"; mkfifo "$1""#),
            ("input", r#"ln -s "$2" "$1/a.parquet""#),
            ("other-side", r#"ln -s ../baseline-output/a.parquet "$1/a.parquet""#),
            ("root", r#"cp "$2" "$1/a.parquet"; ln -s / "$1/sub""#),
        ],
        &["--keep", "always"],
    )
    .expect(1);
    let report = done.report();
    let jobs = jobs(&report);
    assert_eq!(jobs.len(), 11);
    assert!(!red(jobs["good"]).contains(&"ERRORS") && !red(jobs["good"]).contains(&"ROWS"));
    for (id, said) in [
        ("gone", "removed its output directory"),
        ("home-gone", "removed its output directory"),
        ("to-directory", "replaced its output directory by a link"),
        ("to-nowhere", "replaced its output directory by a link"),
        ("to-itself", "replaced its output directory by a link"),
        ("a-file", "replaced its output directory by something that is no directory"),
        ("a-pipe", "replaced its output directory by something that is no directory"),
        ("input", "left the link a.parquet, which leads out of its output directory"),
        ("other-side", "left the link a.parquet, which leads out of its output directory"),
        ("root", "left the link sub, which leads out of its output directory"),
    ] {
        let (class, message) = failure(jobs[id]);
        assert_eq!(class, ErrorClass::Side);
        assert!(message.contains(said), "{id}: {message}");
        assert_eq!(red(jobs[id]), ["ERRORS"], "{id}");
        assert!(jobs[id].candidate.files.is_empty(), "{id}");
    }
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
}

#[test]
fn links_and_hard_links_within_and_odd_names_are_judged_and_kept() {
    let done = run(
        &[
            ("hard", r#"cp "$2" "$TMPDIR/x"; ln "$TMPDIR/x" "$1/a.parquet"; rm "$TMPDIR/x""#),
            ("link", r#"mkdir "$1/sub"; cp "$2" "$1/sub/data"; ln -s sub/data "$1/a.parquet""#),
            ("no-utf8", r#"cp "$2" "$1/$(printf "a\377").parquet""#),
            ("line-end", "cp \"$2\" \"$1/$(printf 'a\\nb.parquet')\""),
            ("spark", r#"mkdir "$1/a.parquet"; cp "$2" "$1/a.parquet/part-0.parquet""#),
        ],
        &["--keep", "always"],
    );
    let report = done.report();
    let jobs = jobs(&report);
    for job in jobs.values() {
        assert_eq!(job.candidate.outcome, SideOutcome::Completed, "{}", job.id);
        assert_eq!(check(job, "ROWS").status, reports::document::CheckStatus::Pass, "{}", job.id);
    }
    let odd = |id: &str| {
        let found = check(jobs[id], "LEAKS").findings.iter().find(|found| found.code == "leaks.no-file");
        found.map(|found| found.message.clone()).unwrap_or_default()
    };
    assert!(odd("link").contains("a.parquet in the output of the candidate is a link"), "{}", odd("link"));
    assert!(odd("spark").contains("is a directory"), "{}", odd("spark"));
    assert_eq!(odd("hard"), "");
    let kept = done.path("parallax-report/outputs/candidate/link/a.parquet");
    assert!(
        fs::symlink_metadata(kept).unwrap().is_file(),
        "a link within is kept as the file that it stands for"
    );
}

#[test]
fn pipes_empty_directories_and_links_to_nowhere_named_like_a_file_are_findings() {
    let done = run(
        &[
            ("pipe", r#"cp "$2" "$1/a.parquet"; mkfifo "$1/b.parquet""#),
            ("directory", r#"cp "$2" "$1/a.parquet"; mkdir "$1/b.parquet""#),
            ("dangling", r#"cp "$2" "$1/a.parquet"; ln -s nothing "$1/b.parquet""#),
            ("itself", r#"cp "$2" "$1/a.parquet"; ln -s b.parquet "$1/b.parquet""#),
        ],
        &[],
    )
    .expect(1);
    for (id, job) in jobs(&done.report()) {
        let found = check(job, "ROWS").findings.iter().find(|found| found.code == "rows.unreadable");
        let message = found.map(|found| found.message.clone()).unwrap_or_default();
        assert!(message.contains("b.parquet"), "{id}: {message}");
    }
    let report = done.report();
    let said = |id: &str| check(jobs(&report)[id], "ROWS").findings[0].message.clone();
    assert!(said("pipe").contains("it is a named pipe"), "{}", said("pipe"));
    assert!(said("directory").contains("it is a directory"), "{}", said("directory"));
}

#[test]
fn leavings_beyond_the_limit_deep_trees_and_locked_directories_fail_their_job_alone() {
    let done = run(
        &[
            GOOD,
            ("sparse", r#"cp "$2" "$1/a.parquet"; truncate -s 1T "$1/b.parquet""#),
            ("scratch", r#"cp "$2" "$1/a.parquet"; truncate -s 1T "$TMPDIR/spill""#),
            ("at-work", r#"truncate -s 1T "$1/b.parquet"; sleep 600"#),
            (
                "deep",
                r#"cp "$2" "$1/a.parquet"; p=d; i=0; while [ $i -lt 999 ]; do p=$p/d; i=$((i+1)); done
                   cd -P "$1"; i=0; while [ $i -lt 10 ]; do mkdir -p $p; cd -P $p; i=$((i+1)); done"#,
            ),
            ("locked", r#"cp "$2" "$1/a.parquet"; mkdir -p "$1/sub/sub"; chmod 0 "$1/sub""#),
        ],
        &["--keep", "always", "--output-limit", "1000000000"],
    );
    let report = done.report();
    let jobs = jobs(&report);
    assert!(!red(jobs["good"]).contains(&"ERRORS"));
    for id in ["sparse", "scratch", "at-work"] {
        let (class, message) = failure(jobs[id]);
        assert_eq!(class, ErrorClass::Side);
        assert!(
            message.contains("left more than 1000000000 bytes") && message.contains("--output-limit"),
            "{message}"
        );
    }
    assert!(failure(jobs["deep"]).1.contains("nested more than 100 directories in its output"));
    // Root looks into every directory.
    if rustix::process::geteuid().is_root() {
        assert_eq!(jobs["locked"].candidate.outcome, SideOutcome::Completed);
    } else {
        assert!(
            failure(jobs["locked"]).1.contains("left its output directory sub"),
            "{:?}",
            failure(jobs["locked"])
        );
    }
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
}

#[test]
fn a_sparse_file_within_the_limit_is_kept_with_its_holes() {
    let done =
        run(&[("sparse", r#"cp "$2" "$1/a.parquet"; truncate -s 4G "$1/notes""#)], &["--keep", "always"]);
    let kept = fs::metadata(done.path("parallax-report/outputs/candidate/sparse/notes")).unwrap();
    assert_eq!(kept.len(), 4 << 30);
    assert!(kept.blocks() * 512 < 1 << 20, "{} blocks", kept.blocks());
}
