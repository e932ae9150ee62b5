//! Odd things where a file is expected: pipes, devices, links in a circle, names that drive a terminal, files without end.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parquet::basic::{Repetition, Type as Physical};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use reports::document::{CheckStatus, Verdict};

use crate::support::{Finished, check, corpus, parallax};

fn pipe(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
}

/// Runs with a pipe named `pipe`, and a folder `in` with a segment `a.parquet` in the working directory; a hang is ended.
fn with_pipe(arguments: &[&str]) -> Finished {
    let (_corpus, inputs) = corpus("compact-heavy-ties");
    let (home, mut command) = parallax(arguments).into_parts();
    pipe(&home.path().join("pipe"));
    for folder in ["in", "piped"] {
        fs::create_dir(home.path().join(folder)).unwrap();
    }
    fs::copy(&inputs[0], home.path().join("in/a.parquet")).unwrap();
    for name in ["report.json", "manifest.json", "b.parquet"] {
        pipe(&home.path().join("piped").join(name));
    }
    let (out, err) = (home.path().join("stdout"), home.path().join("stderr"));
    command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("{arguments:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    Finished { stdout: text(&out), stderr: text(&err), home, code: status.code() }
}

#[test]
fn a_pipe_named_anywhere_is_refused_by_name() {
    for arguments in [
        &["compare", "pipe", "in"][..],
        &["compare", "in", "in", "--policy", "pipe"],
        &["compare", "in", "in", "--config", "pipe"],
        &["verify", "pipe", "--signal", "logs"],
        &["run", "--corpus", "pipe", "--signal", "logs"],
        &["run", "--corpus", "piped", "--signal", "logs"],
        &["run", "--corpus", "piped/*.parquet", "--signal", "logs"],
        &["run", "--job-list", "pipe"],
        &["run", "--config", "pipe"],
        &["run", "--signal", "logs", "--candidate", "dir:pipe"],
        &["bench", "--job-list", "pipe"],
        &["write", "unified", "--signal", "logs", "--output", "written", "--input", "pipe"],
        &["write", "buffet", "--output", "written", "--input", "pipe"],
        &["report", "pipe", "--out", "again"],
        &["report", "piped/report.json", "--out", "again"],
        &["gate", "--phase", "logs", "pipe"],
        &["gate", "--phase", "logs", "piped/report.json"],
        &["trend", "pipe"],
        &["bundle", "pipe", "--job", "x", "--out", "x.tar.zst"],
        &["replay", "pipe"],
        &["minimize", "pipe", "--job", "x", "--out", "small"],
        &["policy", "show", "--config", "pipe"],
    ] {
        let done = with_pipe(arguments);
        assert_eq!(done.code, Some(2), "{arguments:?}: {}{}", done.stdout, done.stderr);
        let said = [
            "it is a named pipe, not a regular file",
            "neither a directory nor a file",
            "not a regular file",
        ];
        let refused = said.iter().any(|said| done.stderr.contains(said));
        assert!(refused && done.stderr.contains("pipe"), "{arguments:?}: {}", done.stderr);
    }
}

#[test]
fn a_pipe_in_a_recorded_output_is_a_finding_and_a_device_is_refused() {
    let done = with_pipe(&["compare", "in", "piped", "--signal", "logs"]);
    assert_ne!(done.code, Some(0), "{}", done.stdout);
    let done = with_pipe(&["run", "--job-list", "/dev/zero"]).expect(2);
    assert!(done.stderr.contains("/dev/zero: it is a device, not a regular file"), "{}", done.stderr);
}

#[test]
fn a_name_on_stderr_cannot_begin_a_line_and_json_has_it_exactly() {
    let name = "x\n::error::forged\u{1b}[2J\u{202e}\u{2028}";
    for arguments in [
        &["run", "--job-list", name][..],
        &["run", "--corpus", name, "--signal", "logs"],
        &["compare", name, name],
        &["run", "--threads", name],
    ] {
        for ci in [None, Some("github")] {
            let (home, mut command) = parallax(arguments).into_parts();
            if let Some(ci) = ci {
                command.args(["--ci", ci]).env("GITHUB_STEP_SUMMARY", home.path().join("summary"));
            }
            let output = command.output().unwrap();
            let text = String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
            assert_eq!(output.status.code(), Some(2), "{text}");
            assert!(!text.lines().any(|line| line.starts_with("::error::forged")), "{text}");
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{2028}']), "{text:?}");
            assert!(text.contains(r"\u{1b}"), "{text}");
        }
    }
    let done = parallax(&["run", "--job-list", name, "--format", "json"]).finish().expect(2);
    let document: reports::manifest::FailureDocument = serde_json::from_str(&done.stdout).unwrap();
    assert!(document.error.message.contains(name));
}

#[test]
fn threads_are_bounded() {
    for arguments in [
        &["run", "--signal", "logs", "--threads", "100000"][..],
        &["bench", "--signal", "logs", "--threads", "1025"],
    ] {
        let done = parallax(arguments).finish().expect(2);
        assert!(done.stderr.contains("at most 1024 threads"), "{}", done.stderr);
    }
}

#[test]
fn a_link_that_leads_back_up_does_not_end_a_trend_and_is_named() {
    let (_corpus, inputs) = corpus("compact-heavy-ties");
    let folder = Path::new(&inputs[0]).parent().unwrap().to_str().unwrap();
    let run = parallax(&["compare", "--allow-same", folder, folder, "--out", "store/one"]).finish();
    let store = run.path("store");
    std::os::unix::fs::symlink(&store, store.join("loop")).unwrap();
    let (code, _, stderr) =
        crate::support::beside(&run, &["trend", "store", "--out", "trend", "--format", "json"]);
    assert_eq!(code, Some(0), "{stderr}");
    let text = fs::read_to_string(run.path("trend/trend.json")).unwrap();
    assert!(text.contains("links back to") && text.contains("store/loop"), "{text}");
}

#[test]
fn a_link_that_leads_back_up_in_an_input_folder_is_an_error_that_names_it() {
    let (_corpus, inputs) = corpus("compact-heavy-ties");
    let folder = Path::new(&inputs[0]).parent().unwrap();
    std::os::unix::fs::symlink(folder, folder.join("loop")).unwrap();
    let done =
        parallax(&["run", "--signal", "logs", "--corpus", folder.to_str().unwrap()]).finish().expect(2);
    assert!(done.stderr.contains("loop links back to a directory above it"), "{}", done.stderr);
}

/// An empty file whose one column lies within so many groups.
fn nested(path: &Path, groups: usize) {
    let leaf = Type::primitive_type_builder("leaf", Physical::INT64).with_repetition(Repetition::OPTIONAL);
    let mut field = Arc::new(leaf.build().unwrap());
    for _ in 0..groups {
        let group = Type::group_type_builder("group").with_repetition(Repetition::OPTIONAL);
        field = Arc::new(group.with_fields(vec![field]).build().unwrap());
    }
    let root = Arc::new(Type::group_type_builder("root").with_fields(vec![field]).build().unwrap());
    SerializedFileWriter::new(fs::File::create(path).unwrap(), root, Arc::default())
        .unwrap()
        .close()
        .unwrap();
}

#[test]
fn nesting_beyond_the_limit_of_this_program_is_inconclusive_and_names_the_limit() {
    for groups in [70, 2_000] {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        for side in [&old, &new] {
            fs::create_dir(side).unwrap();
            nested(&side.join("a.parquet"), 3);
        }
        nested(&new.join("b.parquet"), groups);
        for (a, b) in [(&old, &new), (&new, &old)] {
            let done = parallax(&["compare", a.to_str().unwrap(), b.to_str().unwrap()]).finish().expect(3);
            let report = done.report();
            assert_eq!(report.verdict, Verdict::Inconclusive);
            let rows = check(&report.jobs[0], "ROWS");
            assert_eq!(rows.status, CheckStatus::Inconclusive);
            let said = "the schema nests more than 64 groups, the limit of this program";
            assert!(rows.findings[0].message.contains(said), "{}", rows.findings[0].message);
        }
    }
}
