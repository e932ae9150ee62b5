//! A set of files whose writer was stopped is reported: the mark that it leaves last is not there.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::{Finished, corpus, files_below, findings, parallax};

fn write(inputs: &[String]) -> Vec<String> {
    let fixed =
        ["write", "unified", "--signal", "logs", "--target-size", "20000", "--output", "out", "--input"];
    fixed.iter().map(|word| (*word).to_owned()).chain(inputs.iter().cloned()).collect()
}

fn verify(dir: &Path) -> Finished {
    parallax(&["verify", dir.to_str().unwrap(), "--signal", "logs"]).finish()
}

fn codes(finished: &Finished) -> Vec<String> {
    let report = finished.report();
    findings(&report).filter(|found| found.check == "ACCOUNTING").map(|found| found.code.clone()).collect()
}

#[test]
fn a_complete_set_passes_and_a_part_of_it_does_not() {
    let (_home, inputs) = corpus("compact-production");
    let done = parallax(&write(&inputs)).finish().expect(0);
    let whole = done.path("out");
    let passed = verify(&whole).expect(0);
    assert!(codes(&passed).is_empty());
    let files: Vec<_> = files_below(&whole).into_iter().filter(|path| !path.ends_with("_SUCCESS")).collect();
    assert!(files.len() > 2, "{files:?}");
    for (mark, code) in [(false, "accounting.unmarked"), (true, "accounting.incomplete-set")] {
        for kept in [1, files.len() - 1] {
            let part = tempfile::tempdir().unwrap();
            let marked = mark.then(|| whole.join("_SUCCESS"));
            for path in files[..kept].iter().chain(&marked) {
                fs::copy(path, part.path().join(path.file_name().unwrap())).unwrap();
            }
            let failed = verify(part.path()).expect(1);
            assert_eq!(codes(&failed), [code]);
        }
    }
}

#[test]
fn a_planted_loss_of_the_mark_or_of_a_marked_file_is_found_as_what_it_is() {
    for (fault, code) in [("mark-lost", "accounting.unmarked"), ("set-cut", "accounting.incomplete-set")] {
        let candidate = format!("fault:{fault}");
        let done =
            parallax(&["run", "--corpus", "compact-rows-per-file", "--candidate", &candidate]).finish();
        let seen = codes(&done.expect(1));
        assert!(seen.iter().any(|it| it == code), "{fault}: {seen:?}");
    }
}

#[test]
fn a_writer_that_is_killed_leaves_nothing_that_passes() {
    let (_home, inputs) = corpus("compact-production");
    let (mut killed, mut complete) = (0, 0);
    for round in 0..16 {
        let (home, mut command) = parallax(&write(&inputs)).into_parts();
        let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(25 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let out = home.path().join("out");
        let named = out.is_dir()
            && files_below(&out).iter().any(|path| path.extension().is_some_and(|end| end == "parquet"));
        if out.join("_SUCCESS").exists() {
            verify(&out).expect(0);
            complete += 1;
        } else {
            killed += 1;
            if named {
                assert_eq!(codes(&verify(&out).expect(1)), ["accounting.unmarked"]);
            }
        }
    }
    assert!(killed > 0, "{complete} came to their end");
}
