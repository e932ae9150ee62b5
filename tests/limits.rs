//! Limits of the machine, set by the shell as its users would: no verdict, exit 2, a message of ours.

use std::path::Path;
use std::process::Command;

use crate::support::{Finished, parallax};

/// Runs `parallax` beside an earlier invocation under a limit of the shell.
fn limited(done: &Finished, limit: &str, words: &str) -> (Option<i32>, String) {
    let script = format!("ulimit {limit} && exec \"$0\" {words}");
    let output = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_parallax")])
        .current_dir(done.home.path())
        .env("TMPDIR", done.path("tmp"))
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn refused(done: &Finished, limit: &str, words: &str, said: &[&str]) {
    let (code, stderr) = limited(done, limit, words);
    assert_eq!(code, Some(2), "{limit}: {stderr}");
    assert!(said.iter().any(|said| stderr.contains(said)), "{limit}: {stderr}");
    assert!(!stderr.contains("panicked"), "{limit}: {stderr}");
}

#[test]
fn limits_of_the_process_end_in_exit_2_and_blame_no_writer() {
    let corpus = "ingest-unicode";
    let done = parallax(&["run", "--corpus", corpus, "--keep", "always", "--out", "base"]).finish().expect(0);
    let sides = format!("base/outputs/baseline/{corpus} base/outputs/candidate/{corpus}");
    let compare = format!("compare {sides} --threads 16 --out compared");
    let run = format!("run --corpus {corpus} --threads 16 --out ran");
    for words in [&compare, &run] {
        let out = words.split_whitespace().last().unwrap();
        refused(&done, "-n 8", words, &["Too many open files"]);
        refused(&done, "-f 8", words, &["File too large"]);
        if cfg!(target_os = "linux") {
            // Not enough for the stacks of a pool, or enough for those of a small one and then not for the work.
            refused(
                &done,
                "-v 120000",
                words,
                &["cannot start a thread", "out of memory: the system refused"],
            );
        }
        assert!(!Path::new(&done.path(out)).join("report.json").exists(), "{words}");
    }
    let (code, stderr) = limited(&done, "-n 64", &compare);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn memory_that_is_refused_ends_the_process_with_a_message_and_no_abort() {
    let done = parallax(&["corpus", "list"]).finish().expect(0);
    // The file is read whole, and its size is more than the limit.
    let big = std::fs::File::create(done.path("big.json")).unwrap();
    big.set_len(1 << 30).unwrap();
    if cfg!(target_os = "linux") {
        refused(
            &done,
            "-v 300000",
            "report big.json --out rendered",
            &["out of memory: the system refused 1073741824 bytes"],
        );
    }
}

#[test]
fn a_side_that_the_machine_does_not_start_is_not_blamed() {
    let done = parallax(&["run", "--corpus", "ingest-one-row", "--candidate", "cmd:own", "--out", "first"])
        .with_file("parallax.toml", "[side.own]\ncommand = [\"true\"]\n")
        .finish();
    // A program that leaves nothing fails.
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let words = "run --corpus ingest-one-row --candidate cmd:own --threads 1 --out second";
    // No descriptor is left for the pipes of a child: standard streams, journal, and what the run itself needs.
    let ends: Vec<Option<i32>> = (6..12).map(|most| limited(&done, &format!("-n {most}"), words).0).collect();
    assert!(ends.iter().all(|code| matches!(code, Some(1 | 2))), "{ends:?}");
    assert_eq!(ends[0], Some(2), "{ends:?}");
}
