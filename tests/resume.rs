//! A long job list that was ended by SIGKILL goes on where it was, and the report is that of an uninterrupted run.

use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use reports::document::{Report, SideOutcome};

use crate::support::{Invocation, corpus, parallax, read_report};

const JOBS: usize = 1_000;

/// A side of another language: the shell copies its input. `slow` makes it wait for a moment.
const SIDES: &str = "[side.old]\ncommand = [\"sh\", \"copy.sh\", \"{output}\", \"{inputs}\"]\n\
                     [side.new]\ncommand = [\"sh\", \"copy.sh\", \"{output}\", \"{inputs}\"]\n";

fn invocation(input: &str, arguments: &[&str]) -> Invocation {
    let mut list = String::new();
    for number in 0..JOBS {
        let _ =
            writeln!(list, "{{\"id\": \"job-{number:04}\", \"signal\": \"logs\", \"inputs\": [{input:?}]}}");
    }
    let mut all = vec!["run", "--job-list", "jobs.jsonl", "--baseline", "cmd:old", "--candidate", "cmd:new"];
    all.extend(arguments);
    parallax(&all)
        .with_file("parallax.toml", SIDES)
        .with_file("copy.sh", "cp \"$2\" \"$1/\"\n")
        .with_file("jobs.jsonl", &list)
}

/// The report without what the clock says, the command that made it and the keys drawn for its comparisons.
fn timeless(mut report: Report) -> Report {
    report.run.started.clear();
    report.run.duration_ms = 0;
    report.run.command.clear();
    for job in &mut report.jobs {
        job.checks.iter_mut().for_each(|check| check.duration_ms = 0);
        job.rows.iter_mut().for_each(|rows| rows.hash_key = None);
        for side in job.baseline.iter_mut().chain([&mut job.candidate]) {
            side.duration_ms = None;
            side.work = None;
            assert!(matches!(side.outcome, SideOutcome::Completed), "{:?}", side.outcome);
        }
    }
    report
}

fn report(home: &Path) -> Report {
    read_report(&home.join("parallax-report/report.json"), "")
}

#[test]
fn a_run_of_a_thousand_jobs_goes_on_after_sigkill_and_reports_as_if_it_had_never_been_ended() {
    let (_inputs, inputs) = corpus("compact-one-row");
    let begun = Instant::now();
    let whole = invocation(&inputs[0], &[]).finish().expect(0);
    let lasted = begun.elapsed();
    let expected = timeless(whole.report());
    assert_eq!(expected.totals.jobs_passed as usize, JOBS);
    assert!(!whole.path("parallax-report/progress.jsonl").exists(), "a complete run needs no journal");

    let (home, mut command) = invocation(&inputs[0], &[]).into_parts();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let journal = home.path().join("parallax-report/progress.jsonl");
    // At some moment after the first jobs: the clock's own digits are random enough.
    let deadline = Instant::now() + Duration::from_secs(60);
    while std::fs::metadata(&journal).map_or(0, |facts| facts.len()) < 10_000 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(lasted / 10 + Duration::from_micros(u64::from(begun.elapsed().subsec_micros()) / 4));
    child.kill().unwrap();
    child.wait().unwrap();
    let lines = std::fs::read(&journal).unwrap().iter().filter(|byte| **byte == b'\n').count();
    assert!((2..JOBS).contains(&lines), "{lines} lines: the run was not ended on its way");

    let mut again = std::process::Command::new(env!("CARGO_BIN_EXE_parallax"));
    let arguments =
        ["run", "--job-list", "jobs.jsonl", "--baseline", "cmd:old", "--candidate", "cmd:new", "--resume"];
    let done = again
        .args(arguments)
        .current_dir(home.path())
        .env("TMPDIR", home.path().join("tmp"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{stderr}");
    let told = stderr.lines().find(|line| line.contains("taken over from the interrupted run")).unwrap();
    let taken: usize = told.split(' ').next().unwrap().parse().unwrap();
    assert!(taken + 2 >= lines.min(JOBS) - 1 && taken > 0, "{taken} of {lines} lines were taken over");
    // Each job that was not taken over was done, and said so.
    assert_eq!(stderr.lines().filter(|line| line.contains("/1000] ")).count(), JOBS - taken);
    let mut resumed = timeless(report(home.path()));
    resumed.run.replay.clone_from(&expected.run.replay);
    assert!(resumed == expected, "the resumed report differs");
    assert!(!journal.exists());
}

#[test]
fn what_has_changed_since_is_done_again() {
    let (inputs_home, inputs) = corpus("compact-one-row");
    let (home, mut command) = invocation(&inputs[0], &[]).into_parts();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let journal = home.path().join("parallax-report/progress.jsonl");
    let deadline = Instant::now() + Duration::from_secs(60);
    while std::fs::metadata(&journal).map_or(0, |facts| facts.len()) < 10_000 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // The candidate's script is another one now: nothing may be taken over, whatever its name.
    std::fs::write(home.path().join("copy.sh"), "cp \"$2\" \"$1/again.parquet\"\n").unwrap();
    let list = std::fs::read_to_string(home.path().join("jobs.jsonl")).unwrap();
    let few: String = list.lines().take(3).map(|line| format!("{line}\n")).collect();
    std::fs::write(home.path().join("jobs.jsonl"), few).unwrap();
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_parallax"))
        .args([
            "run",
            "--job-list",
            "jobs.jsonl",
            "--baseline",
            "cmd:old",
            "--candidate",
            "cmd:new",
            "--resume",
        ])
        .current_dir(home.path())
        .env("TMPDIR", home.path().join("tmp"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("0 of 3 jobs taken over"), "{stderr}");
    assert_eq!(report(home.path()).jobs[0].candidate.files[0].path, "again.parquet");
    drop(inputs_home);
}

#[test]
fn a_recorded_output_that_cannot_be_read_whole_is_judged_and_does_not_end_the_run() {
    let (home, inputs) = corpus("compact-one-row");
    for side in ["a", "b"] {
        let folder = home.path().join(side);
        std::fs::create_dir(&folder).unwrap();
        std::fs::copy(&inputs[0], folder.join("one.parquet")).unwrap();
    }
    // Its digest cannot be taken: the link leads nowhere.
    std::os::unix::fs::symlink("nowhere", home.path().join("b/two.parquet")).unwrap();
    let side = |name: &str| format!("dir:{}", home.path().join(name).display());
    let sides = ["--baseline", &side("a"), "--candidate", &side("b")];
    let done =
        parallax(&[&["run", "--signal", "logs", "--corpus", &inputs[0]], sides.as_slice()].concat()).finish();
    let report = done.expect(1).report();
    let unreadable = crate::support::findings(&report).any(|found| found.code == "accounting.unreadable");
    assert!(unreadable, "{}", report.headline);
}
