//! Report directories between processes: one at a time, an error keeps what `--resume` needs, exit 2 leaves nothing finished.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Finished, beside, corpus, files_below, parallax, read_report};

/// An external side that copies its input, and waits before that until the file `go` is there.
const WAITING: &str = "touch started\nn=0\nwhile [ ! -e go ] && [ $n -lt 600 ]; do sleep 0.1; n=$((n + 1)); done\ncp \"$2\" \"$1/\"\n";

const SIDES: &str = "[side.old]\ncommand = [\"sh\", \"copy.sh\", \"{output}\", \"{inputs}\"]\n\
                     [side.new]\ncommand = [\"sh\", \"copy.sh\", \"{output}\", \"{inputs}\"]\n";

const BOTH: [&str; 6] = ["--signal", "logs", "--baseline", "cmd:old", "--candidate", "cmd:new"];

fn until(what: &str, mut there: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !there() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

/// A run that is at work and waits for the file `go`.
struct AtWork {
    done: Finished,
    child: Child,
    _inputs: tempfile::TempDir,
}

fn at_work(wrap: Option<&str>, more: &[&str]) -> AtWork {
    let (inputs_home, inputs) = corpus("compact-one-row");
    let arguments = [&["run", "--corpus", &inputs[0]], &BOTH[..], more].concat();
    let (home, command) =
        parallax(&arguments).with_file("parallax.toml", SIDES).with_file("copy.sh", WAITING).into_parts();
    let mut command = match wrap {
        None => command,
        Some(script) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", script, env!("CARGO_BIN_EXE_parallax")]).args(&arguments);
            shell.current_dir(home.path()).env("TMPDIR", home.path().join("tmp"));
            shell
        }
    };
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = home.path().join("started");
    until("the side did not start", || started.exists());
    let done = Finished { home, code: None, stdout: String::new(), stderr: String::new() };
    AtWork { done, child, _inputs: inputs_home }
}

#[test]
fn a_second_process_in_a_report_directory_is_refused_and_removes_nothing() {
    let mut first = at_work(None, &[]);
    let pid = first.child.id().to_string();
    let (_inputs, inputs) = corpus("compact-one-row");
    let held = files_below(&first.done.path("parallax-report"));
    let run = ["run", "--corpus", "compact-one-row"];
    for arguments in [
        &run[..],
        &[&run[..], &["--resume"]].concat(),
        &["bench", "--corpus", "compact-one-row", "--allow-debug"],
        &["compare", "--allow-same", &inputs[0], &inputs[0]],
        &["verify", &inputs[0], "--signal", "logs"],
        &[&run[..], &["--redact"]].concat(),
        &[&run[..], &["--redact", "--out", "other", "--raw-out", "parallax-report"]].concat(),
    ] {
        let (code, _, stderr) = beside(&first.done, arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        let said = format!("another process ({pid}) is writing to the directory that --");
        assert!(stderr.contains(&said) && stderr.contains("wait for its end"), "{arguments:?}: {stderr}");
        assert_eq!(files_below(&first.done.path("parallax-report")), held, "{arguments:?}");
    }
    assert!(!first.done.path("other").exists());
    std::fs::write(first.done.path("go"), "").unwrap();
    assert_eq!(first.child.wait().unwrap().code(), Some(0));
    assert!(first.done.report().run.complete);
    assert!(!first.done.path("parallax-report/.parallax.lock").exists());
    // The directory is free again.
    let (code, _, stderr) = beside(&first.done, &["compare", "--allow-same", &inputs[0], &inputs[0]]);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn external_sides_end_with_a_harness_that_was_killed() {
    let (_inputs, inputs) = corpus("compact-one-row");
    let arguments = [&["run", "--corpus", &inputs[0], "--threads", "1"], &BOTH[..]].concat();
    // The side's own child is in its group and ends as well. The guard learns of a program right after its start: the second is for
    // a machine with much other work.
    let script =
        "echo $$ > \"$1/pid\"\nsleep 600 &\necho $! > child.new\nsleep 1\nmv child.new child\nwait\n";
    let (home, mut command) =
        parallax(&arguments).with_file("parallax.toml", SIDES).with_file("copy.sh", script).into_parts();
    let mut harness = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let child = home.path().join("child");
    until("the side did not start", || child.exists());
    let pid: u32 = std::fs::read_to_string(&child).unwrap().trim().parse().unwrap();
    let runs = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
    };
    assert!(runs(), "the side's child runs while the harness does");
    harness.kill().unwrap();
    harness.wait().unwrap();
    until("the side's child runs on", || !runs());
}

#[test]
fn a_comparison_that_was_killed_is_begun_again_in_the_same_directory() {
    let (_inputs, inputs) = corpus("compact-one-row");
    let compare = ["compare", "--allow-same", &inputs[0], &inputs[0], "--out", "out"];
    // What SIGKILL leaves: the mark without its lock, files that are not finished, no report.
    let done = parallax(&compare);
    let (home, mut command) = done.into_parts();
    let out = home.path().join("out");
    std::fs::create_dir_all(out.join("differences")).unwrap();
    std::fs::write(out.join("differences/.compare.partial"), "half").unwrap();
    std::fs::write(out.join(".index.html.17.tmp"), "half").unwrap();
    std::fs::write(out.join(".parallax.lock"), r#"{"tool":{"name":"parallax"},"kind":"report","pid":17}"#)
        .unwrap();
    let ended = command.output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    let hidden = |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with('.');
    assert_eq!(files_below(&out).iter().find(|path| hidden(path)), None);
    assert!(read_report(&out.join("report.json"), "").run.complete);
    // Without the mark it is somebody else's.
    std::fs::remove_file(out.join("report.json")).unwrap();
    std::fs::create_dir(out.join("own")).unwrap();
    let ended = command.output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(out.join("index.html").exists(), "what is not ours stays");
}

#[test]
fn an_error_keeps_the_jobs_judged_so_far_and_no_report() {
    let (_inputs, inputs) = corpus("compact-one-row");
    let names = ["one", "two", "three", "four"];
    let list: String = names
        .iter()
        .map(|id| format!("{{\"id\": {id:?}, \"signal\": \"logs\", \"inputs\": [\"{id}.parquet\"]}}\n"))
        .collect();
    let arguments = ["run", "--job-list", "jobs.jsonl", "--threads", "1", "--keep", "always"];
    // The third input vanishes while the second job is done.
    let (home, mut command) = parallax(&[&arguments[..], &BOTH[2..]].concat())
        .with_file("parallax.toml", SIDES)
        .with_file(
            "copy.sh",
            "case \"$2\" in */two.parquet) rm -f three.parquet ;; esac\ncp \"$2\" \"$1/\"\n",
        )
        .with_file("jobs.jsonl", &list)
        .into_parts();
    for name in names {
        std::fs::copy(&inputs[0], home.path().join(format!("{name}.parquet"))).unwrap();
    }
    let failed = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("2 judged jobs are kept in progress.jsonl"), "{stderr}");
    let out = home.path().join("parallax-report");
    let below = |dir: &Path| -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(below(&out), ["outputs", "progress.jsonl"]);
    assert_eq!(below(&out.join("outputs/candidate")), ["one", "two"]);
    std::fs::copy(&inputs[0], home.path().join("three.parquet")).unwrap();
    let resumed = command.arg("--resume").output().unwrap();
    let stderr = String::from_utf8_lossy(&resumed.stderr);
    assert_eq!(resumed.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("2 of 4 jobs taken over"), "{stderr}");
    assert_eq!(read_report(&out.join("report.json"), "").totals.jobs_passed, 4);
}

#[test]
fn a_hangup_interrupts_a_run_unless_it_is_ignored() {
    let mut first = at_work(None, &[]);
    send(&first.child, Signal::HUP);
    assert_eq!(first.child.wait().unwrap().code(), Some(130));
    assert!(!first.done.report().run.complete);
    assert!(first.done.leftovers().is_empty(), "{:?}", first.done.leftovers());
    // As under nohup.
    let mut ignoring = at_work(Some("trap '' HUP; exec \"$0\" \"$@\""), &[]);
    send(&ignoring.child, Signal::HUP);
    std::fs::write(ignoring.done.path("go"), "").unwrap();
    assert_eq!(ignoring.child.wait().unwrap().code(), Some(0));
    assert!(ignoring.done.report().run.complete);
}

#[test]
fn what_ends_in_exit_2_leaves_no_decision_no_trend_and_no_rendered_report() {
    let done = parallax(&["run", "--corpus", "ingest-unicode"]).finish().expect(0);
    let full = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
        command.args(arguments).current_dir(done.home.path()).env("TMPDIR", done.path("tmp"));
        let stdout = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        command.stdout(stdout).stderr(Stdio::null()).status().unwrap().code()
    };
    let gate = ["gate", "--phase", "logs", "--out", "out", "parallax-report"];
    let trend = ["trend", "--out", "out", "parallax-report"];
    let report = ["report", "--out", "out", "parallax-report/report.json"];
    for (good, bad) in [
        (&gate[..], &["gate", "--phase", "logs", "--out", "out", "parallax-report", "nowhere"][..]),
        (&gate[..], &["gate", "--phase", "lgs", "--out", "out", "parallax-report"][..]),
        (&trend[..], &["trend", "--out", "out", "parallax-report", "nowhere"][..]),
        (&report[..], &["report", "--out", "out", "nowhere/report.json"][..]),
    ] {
        for again in [None, Some(bad)] {
            let (code, _, stderr) = beside(&done, good);
            assert!(matches!(code, Some(0 | 3)), "{good:?}: {stderr}");
            assert!(!files_below(&done.path("out")).is_empty());
            let code = again.map_or_else(|| full(good), |bad| beside(&done, bad).0);
            assert_eq!(code, Some(2), "{again:?}");
            assert_eq!(
                files_below(&done.path("out")),
                Vec::<std::path::PathBuf>::new(),
                "{good:?} {again:?}"
            );
        }
    }
    let bundle = ["bundle", "parallax-report", "--job", "ingest-unicode", "--out", "one.tar.zst"];
    assert_eq!(full(&bundle), Some(2));
    assert!(!done.path("one.tar.zst").exists());
    // An earlier decision that is asked for is not overwritten by the one that asks.
    let (_, _, stderr) = beside(&done, &gate);
    let (code, _, told) = beside(&done, &[&gate[..], &["--after", "out"]].concat());
    assert_eq!(code, Some(2), "{stderr}{told}");
    assert!(told.contains("would overwrite it") && done.path("out/gate.json").exists(), "{told}");
}

#[test]
fn a_second_writer_in_an_output_directory_is_refused_and_a_dead_ones_lock_is_not() {
    use parallax::claim::{Claim, Kind, LOCK};
    let (_inputs, inputs) = corpus("compact-one-row");
    let write = ["write", "buffet", "--output", "out", "--input", &inputs[0]];
    let (home, _) = parallax(&write).into_parts();
    let done = Finished { home, code: None, stdout: String::new(), stderr: String::new() };
    std::fs::create_dir(done.path("out")).unwrap();
    let claim = Claim::take(&done.path("out"), Kind::Write, "--output").unwrap();
    let (code, _, stderr) = beside(&done, &write);
    let said =
        format!("another process ({}) is writing to the directory that --output names", std::process::id());
    assert_eq!((code, stderr.contains(&said)), (Some(2), true), "{stderr}");
    assert_eq!(files_below(&done.path("out")), [done.path("out").join(LOCK)]);
    drop(claim);
    // What SIGKILL leaves.
    std::fs::write(done.path("out").join(LOCK), "").unwrap();
    let (code, _, stderr) = beside(&done, &write);
    assert_eq!(code, Some(0), "{stderr}");
    let left = files_below(&done.path("out"));
    assert!(!left.is_empty() && !left.contains(&done.path("out").join(LOCK)), "{left:?}");
    let (code, _, stderr) = beside(&done, &write);
    assert_eq!((code, stderr.contains("is not empty")), (Some(2), true), "{stderr}");
}
