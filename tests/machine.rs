//! What a fault of the machine, or the end of a process, leaves behind: permissions, journals, children.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use parallax::probe::Request;
use reports::document::{CheckStatus, SideOutcome};
use rustix::io::Errno;

use crate::inject::library;
use crate::support::{check, corpus, findings, parallax, read_report};

/// The command, with every opening of a file whose path holds `path` refused by `errno`.
fn refusing(command: &mut Command, library: &Path, path: &str, errno: Errno) -> Output {
    let tally = library.with_file_name("tally");
    std::fs::write(&tally, [0; 16]).unwrap();
    let refused = command
        .env("LD_PRELOAD", library)
        .env("INJECT_CALLS", "open")
        .env("INJECT_AT", "1")
        .env("INJECT_HOW", "from")
        .env("INJECT_ERRNO", errno.raw_os_error().to_string())
        .env("INJECT_PATH", path)
        .env("INJECT_TALLY", &tally)
        .output()
        .unwrap();
    let counted = std::fs::read(&tally).unwrap();
    assert_ne!(counted[8..16], [0; 8], "nothing was refused: {}", String::from_utf8_lossy(&refused.stderr));
    refused
}

#[test]
fn a_permission_denied_on_a_recorded_output_ends_in_exit_2_and_on_one_of_a_side_that_ran_is_its_finding() {
    let shelf = tempfile::tempdir().unwrap();
    let Some(library) = library(shelf.path()) else { return };
    let (_home, inputs) = corpus("compact-one-row");
    let sides = "[side.old]\ncommand = [\"cp\", \"{inputs}\", \"{output}\"]\n\
                 [side.new]\ncommand = [\"sh\", \"-c\", 'cp \"$1\" \"$2/locked.parquet\"', \"side\", \"{inputs}\", \"{output}\"]\n";
    let run = ["run", "--signal", "logs", "--corpus", &inputs[0], "--baseline", "cmd:old"];
    let (home, mut command) = parallax(&[&run[..], &["--candidate", "cmd:new"]].concat())
        .with_file("parallax.toml", sides)
        .into_parts();
    let judged = refusing(&mut command, &library, "locked.parquet", Errno::ACCESS);
    let stderr = String::from_utf8_lossy(&judged.stderr);
    assert_eq!(judged.status.code(), Some(1), "{stderr}");
    let report = read_report(&home.path().join("parallax-report/report.json"), &stderr);
    assert_eq!(report.jobs[0].candidate.outcome, SideOutcome::Completed);
    assert_eq!(check(&report.jobs[0], "ACCOUNTING").status, CheckStatus::Fail);
    let found = findings(&report).find(|found| found.code == "accounting.unreadable").unwrap();
    assert!(found.message.contains("locked.parquet of the candidate cannot be read"), "{}", found.message);
    assert!(found.message.contains("Permission denied"), "{}", found.message);

    let recorded = home.path().join("recorded");
    std::fs::create_dir(&recorded).unwrap();
    std::fs::copy(&inputs[0], recorded.join("locked.parquet")).unwrap();
    let recorded = recorded.to_str().unwrap();
    let (home, mut command) = parallax(&["compare", &inputs[0], recorded, "--signal", "logs"]).into_parts();
    let refused = refusing(&mut command, &library, "locked.parquet", Errno::ACCESS);
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("locked.parquet") && stderr.contains("Permission denied"), "{stderr}");
    assert!(!home.path().join("parallax-report").exists());
}

#[test]
fn a_journal_that_cannot_be_read_stays_and_serves_the_next_run() {
    let shelf = tempfile::tempdir().unwrap();
    let Some(library) = library(shelf.path()) else { return };
    let (_home, inputs) = corpus("compact-one-row");
    let list: String = (0..4)
        .map(|job| {
            format!("{{\"id\": \"job-{job}\", \"signal\": \"logs\", \"inputs\": [{:?}]}}\n", inputs[0])
        })
        .collect();
    // Once, the last job waits until another one is in the journal, and ends its harness.
    let script = "case $(cat \"$3\") in *job-3*) if mkdir once 2> /dev/null; then\n\
                  until grep -q key parallax-report/progress.jsonl; do sleep 0.01; done; kill -KILL $PPID; fi;; esac\n\
                  cp \"$2\" \"$1/a.parquet\"\n";
    let side = "command = [\"sh\", \"copy.sh\", \"{output}\", \"{inputs}\", \"{job}\"]\n";
    let arguments = ["run", "--job-list", "jobs.jsonl", "--baseline", "cmd:old", "--candidate", "cmd:new"];
    let (home, mut command) = parallax(&[&arguments[..], &["--threads", "2"]].concat())
        .with_file("parallax.toml", &format!("[side.old]\n{side}[side.new]\n{side}"))
        .with_file("copy.sh", script)
        .with_file("jobs.jsonl", &list)
        .into_parts();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), None, "it was to be ended by a signal");
    let out = home.path().join("parallax-report");
    let journal = || std::fs::read_to_string(out.join("progress.jsonl")).unwrap();
    let before = journal();
    let judged = before.lines().filter(|line| line.contains("\"key\"")).count();
    assert!(judged > 0, "{before}");

    let again = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
        command.args(arguments).args(["--threads", "2"]).args(words).current_dir(home.path());
        command.env("TMPDIR", home.path().join("tmp"));
        command
    };
    for errno in [Errno::IO, Errno::ACCESS] {
        for words in [&["--resume"][..], &[]] {
            // Without the mark of the killed run, the journal alone says whose directory it is.
            drop(std::fs::remove_file(out.join(".parallax.lock")));
            let refused = refusing(&mut again(words), &library, "progress.jsonl", errno);
            let stderr = String::from_utf8_lossy(&refused.stderr);
            assert_eq!(refused.status.code(), Some(2), "{stderr}");
            assert!(errno != Errno::IO || stderr.contains("progress.jsonl: Input/output error"), "{stderr}");
            assert_eq!(journal(), before, "{errno} {words:?}: {stderr}");
        }
    }
    let resumed = again(&["--resume"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&resumed.stderr);
    assert!(stderr.contains(&format!("{judged} of 4 jobs taken over")), "{stderr}");
    assert!(read_report(&out.join("report.json"), &stderr).run.complete);
    assert!(!out.join("progress.jsonl").exists());
}

#[test]
fn a_child_that_counts_descriptors_ends_with_its_parent() {
    let (home, inputs) = corpus("compact-production");
    let request = Request {
        side: "unified".to_owned(),
        signal: None,
        kind: parallax::job::JobKind::Compact,
        inputs: inputs.iter().map(Into::into).collect(),
        parameters: corpora::parameters::Parameters::default(),
    };
    let file = home.path().join("request.json");
    std::fs::write(&file, serde_json::to_vec(&request).unwrap()).unwrap();
    let tmp = home.path().join("tmp");
    std::fs::create_dir(&tmp).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_parallax"));
    child.arg("probe-leaks").arg(&file).arg("--tmp-dir").arg(&tmp).env("TMPDIR", &tmp);
    // The end of a pipe comes when its other process ends; here there is no other one from the beginning.
    let orphan = child.stdin(Stdio::null()).output().unwrap();
    assert_eq!(orphan.status.code(), Some(2), "{}", String::from_utf8_lossy(&orphan.stderr));
    assert!(orphan.stdout.is_empty(), "{}", String::from_utf8_lossy(&orphan.stdout));
    // Held open, it comes to its end.
    let mut held = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let open = held.stdin.take();
    let counted = held.wait_with_output().unwrap();
    drop(open);
    assert_eq!(counted.status.code(), Some(0));
    let probe: parallax::check::descriptors::Probe = serde_json::from_slice(&counted.stdout).unwrap();
    assert_eq!(probe.steps.len(), 3);
}

#[test]
fn an_abort_ends_in_exit_2_with_a_message() {
    let (_home, mut command) = parallax(&["selftest", "--only", "compact-production"]).into_parts();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::ABORT).unwrap();
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{stderr}");
    assert!(stderr.contains("parallax: the process was aborted"), "{stderr}");
}
