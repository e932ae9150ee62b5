//! Bundles and reports from a stranger: no program that they name runs, and no file that they name is taken.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Finished, beside, parallax};

pub const JOB: &str = "compact-one-row";

/// An honest run with its bundle unpacked into `open`.
pub fn honest() -> Finished {
    let done = parallax(&["run", "--corpus", JOB, "--keep", "always"]).finish().expect(0);
    let (code, _, stderr) =
        beside(&done, &["bundle", "parallax-report", "--job", JOB, "--out", "job.tar.zst"]);
    assert_eq!(code, Some(0), "{stderr}");
    parallax::bundle::archive::unpack(&done.path("job.tar.zst"), &done.path("open"), 1 << 30).unwrap();
    done
}

/// A configuration whose side leaves `marker`.
pub fn program(marker: &Path) -> String {
    format!("[side.evil]\ncommand = [\"sh\", \"-c\", \"echo > {}\"]\n", marker.display())
}

pub fn change(path: &Path, how: impl FnOnce(&mut Value)) {
    let mut document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    how(&mut document);
    std::fs::write(path, document.to_string()).unwrap();
}

/// Puts another command into the bundle.
pub fn command(done: &Finished, words: &[&str]) {
    change(&done.path("open/bundle.json"), |it| it["command"] = json!(words));
}

/// Packs `open` again and gives it to `replay` and `minimize`, which refuse it with these words.
fn refused(done: &Finished, words: &str) {
    let packed = done.path("evil.tar.zst");
    drop(std::fs::remove_file(&packed));
    parallax::bundle::archive::pack(&done.path("open"), &packed).unwrap();
    for command in ["replay", "minimize"] {
        let (code, stdout, stderr) = beside(done, &[command, "evil.tar.zst"]);
        assert_eq!(code, Some(2), "{command}: {stdout}{stderr}");
        assert!(stderr.contains(words), "{command}: {stderr}");
    }
    assert!(!done.path("marker").exists(), "a program of the bundle ran");
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
}

#[test]
fn a_bundle_whose_command_names_a_program_runs_none() {
    let done = honest();
    let marker = done.path("marker");
    let command = |words: Value| {
        change(&done.path("open/bundle.json"), |it| {
            it["command"] = words;
            it["config"] = true.into();
        });
    };
    std::fs::write(done.path("open/parallax.toml"), program(&marker)).unwrap();
    std::fs::write(done.path("outside.toml"), program(&marker)).unwrap();
    let outside = done.path("outside.toml").display().to_string();
    for role in ["--baseline", "--candidate"] {
        // The packed report still says that both sides are built in.
        command(json!(["parallax", "run", role, "cmd:evil"]));
        refused(&done, "no program that a bundle or a report names is run");
        command(json!(["parallax", "run", role, "cmd:evil", "--config", outside]));
        refused(&done, "no program that a bundle or a report names is run");
        command(json!(["parallax", "--config", outside, role, "cmd:evil"]));
        refused(&done, "no program that a bundle or a report names is run");
    }
    // One that lies in the working directory was not named either.
    std::fs::write(done.path("parallax.toml"), program(&marker)).unwrap();
    refused(&done, "no program that a bundle or a report names is run");
    command(json!(["parallax", "run", "--policy", outside]));
    refused(&done, "which is not packed");
    command(json!(["parallax", "run", "--candidate", "dir:/etc"]));
    refused(&done, "which is not packed");
}

#[test]
fn only_the_users_own_configuration_starts_a_program() {
    let done = honest();
    let marker = done.path("marker");
    change(&done.path("open/bundle.json"), |it| {
        it["command"] = json!(["parallax", "run", "--candidate", "cmd:evil"])
    });
    parallax::bundle::archive::pack(&done.path("open"), &done.path("evil.tar.zst")).unwrap();
    std::fs::write(done.path("own.toml"), program(&marker)).unwrap();
    beside(&done, &["replay", "evil.tar.zst", "--config", "own.toml"]);
    assert!(marker.exists(), "without this the tests beside it would prove nothing");
}

#[test]
fn documents_of_a_bundle_name_no_file_outside_of_it() {
    let done = honest();
    let home = done.home.path().canonicalize().unwrap();
    let input = std::fs::read_dir(done.path("open/inputs")).unwrap().next().unwrap().unwrap().path();
    std::fs::copy(&input, home.join("secret.parquet")).unwrap();
    let secret = home.join("secret.parquet").display().to_string();
    let corpus = std::fs::read_to_string(done.path("open/corpus.toml")).unwrap();
    let head = "title = \"t\"\nsignal = \"logs\"\nkind = \"compact\"\nprovokes = []\n";
    std::fs::write(
        done.path("open/corpus.toml"),
        format!("name = \"{JOB}\"\n{head}segments = [{secret:?}]\n"),
    )
    .unwrap();
    refused(&done, "a packed corpus is generated and names no files");
    std::fs::write(done.path("open/corpus.toml"), corpus).unwrap();
    change(&done.path("open/bundle.json"), |it| it["work"] = "job-list".into());
    let up = "../../secret.parquet";
    for line in [
        json!({"id": JOB, "signal": "logs", "inputs": [secret]}),
        json!({"id": JOB, "signal": "logs", "inputs": [up]}),
        json!({"id": JOB, "signal": "logs", "inputs": ["inputs/../../*.parquet"]}),
        json!({"id": JOB, "signal": "logs", "inputs": [], "baseline": home}),
        json!({"id": JOB, "signal": "logs", "inputs": [], "candidate": ".."}),
    ] {
        std::fs::write(done.path("open/jobs.jsonl"), format!("{line}\n")).unwrap();
        refused(&done, "which leads out of the bundle");
    }
    // A list would name files of this machine by itself.
    let list = home.join("secret.txt");
    std::fs::write(&list, "secret.parquet\n").unwrap();
    for named in [format!("@{}", list.display()), "@../secret.txt".to_owned(), "@outputs/list.txt".to_owned()]
    {
        let line = json!({"id": JOB, "signal": "logs", "inputs": [], "candidate": named});
        std::fs::write(done.path("open/jobs.jsonl"), format!("{line}\n")).unwrap();
        refused(&done, "a bundle holds outputs and no lists of files");
    }
}

#[test]
fn a_received_report_runs_no_program() {
    let done = honest();
    std::fs::write(done.path("parallax-report/evil.toml"), program(&done.path("marker"))).unwrap();
    change(&done.path("parallax-report/report.json"), |it| {
        it["run"]["command"] = json!(["parallax", "run", "--candidate", "cmd:evil"]);
        it["run"]["config"] = "parallax-report/evil.toml".into();
    });
    for command in ["replay", "minimize"] {
        for source in ["parallax-report", "parallax-report/report.json"] {
            let (code, _, stderr) = beside(&done, &[command, source, "--job", JOB]);
            assert_eq!(code, Some(2), "{stderr}");
            assert!(stderr.contains("no program that a bundle or a report names is run"), "{stderr}");
        }
    }
    assert!(!done.path("marker").exists());
}

#[test]
fn a_received_report_has_no_file_of_this_machine_packed() {
    let done = honest();
    let report = done.path("parallax-report/report.json");
    let sound = std::fs::read(&report).unwrap();
    std::fs::write(
        done.path("own.toml"),
        "[side.a]\ncommand = [\"x\"]\n[side.a.env]\nTOKEN = \"hunter2\" # hunter2\n",
    )
    .unwrap();
    std::os::unix::fs::symlink(done.path("own.toml"), done.path("parallax-report/link.toml")).unwrap();
    let absolute = done.path("own.toml").display().to_string();
    let bundle = |more: &[&str]| {
        beside(
            &done,
            &[&["bundle", "parallax-report", "--job", JOB, "--out", "x.tar.zst"][..], more].concat(),
        )
    };
    for named in [absolute.as_str(), "own.toml", "parallax-report/../own.toml", "parallax-report/link.toml"] {
        change(&report, |it| it["run"]["config"] = named.into());
        let (code, _, stderr) = bundle(&[]);
        assert_eq!(code, Some(2), "{named}: {stderr}");
        assert!(
            stderr.contains("--allow-root") && stderr.contains("own.toml") || stderr.contains("link.toml"),
            "{stderr}"
        );
        assert!(!done.path("x.tar.zst").exists());
    }
    // Allowed by its owner it is packed, without the value and without the comment.
    let (code, _, stderr) = bundle(&["--allow-root", "."]);
    assert_eq!(code, Some(0), "{stderr}");
    let to = done.path("allowed");
    parallax::bundle::archive::unpack(&done.path("x.tar.zst"), &to, 1 << 30).unwrap();
    let packed = std::fs::read_to_string(to.join("parallax.toml")).unwrap();
    assert!(packed.contains("TOKEN") && !packed.contains("hunter2"), "{packed}");
    std::fs::remove_file(done.path("x.tar.zst")).unwrap();
    std::fs::write(&report, sound).unwrap();
    change(&report, |it| {
        it["jobs"][0]["candidate"]["kept"] = Value::Null;
        it["jobs"][0]["candidate"]["side"]["kind"] = "recorded".into();
        it["jobs"][0]["candidate"]["side"]["name"] = format!("dir:@{absolute}").into();
    });
    let (code, _, stderr) = bundle(&[]);
    assert_eq!((code, stderr.contains("--allow-root")), (Some(2), true), "{stderr}");
    assert!(!stderr.contains("TOKEN"), "no line of the file is quoted: {stderr}");
    change(&report, |it| it["jobs"][0]["candidate"]["kept"] = "..".into());
    let (code, _, stderr) = bundle(&["--allow-root", "/"]);
    assert_eq!((code, stderr.contains("leads out of it")), (Some(2), true), "{stderr}");
}

#[test]
fn a_bundle_replaces_nothing() {
    let done = honest();
    let there = |name: &str| -> Vec<u8> { std::fs::read(done.path(name)).unwrap() };
    for name in ["parallax-report/report.json", "job.tar.zst"] {
        let before = there(name);
        let (code, _, stderr) = beside(&done, &["bundle", "parallax-report", "--job", JOB, "--out", name]);
        assert_eq!((code, stderr.contains("is not replaced")), (Some(2), true), "{stderr}");
        assert_eq!(there(name), before);
    }
    let (code, _, stderr) = beside(&done, &["bundle", "parallax-report", "--job", JOB, "--out", "tmp"]);
    assert_eq!(code, Some(2), "{stderr}");
    // What appears in the meantime stays too.
    let error = parallax::bundle::archive::pack(&done.path("open"), &done.path("job.tar.zst")).unwrap_err();
    assert!(error.message.contains("is not replaced"), "{}", error.message);
}

#[test]
fn what_unpacks_to_too_much_is_refused_with_the_option_and_leaves_nothing() {
    let done = honest();
    let large = std::fs::File::create(done.path("open/zeros")).unwrap();
    large.set_len(64 << 20).unwrap();
    let packed: PathBuf = done.path("evil.tar.zst");
    parallax::bundle::archive::pack(&done.path("open"), &packed).unwrap();
    assert!(std::fs::metadata(&packed).unwrap().len() < 1 << 20);
    for command in ["replay", "minimize"] {
        let (code, _, stderr) = beside(&done, &[command, "evil.tar.zst", "--unpack-limit", "33554432"]);
        assert_eq!((code, stderr.contains("--unpack-limit")), (Some(2), true), "{stderr}");
        assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
        // Many small files count by the room they take.
        let (code, _, stderr) = beside(&done, &[command, "job.tar.zst", "--unpack-limit", "20000"]);
        assert_eq!((code, stderr.contains("--unpack-limit")), (Some(2), true), "{stderr}");
    }
    let (code, _, stderr) = beside(&done, &["replay", "evil.tar.zst"]);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn what_a_job_may_use_is_said_by_its_user_and_not_by_the_packed_command() {
    let done = honest();
    let report = |done: &Finished| crate::support::read_report(&done.path("parallax-replay/report.json"), "");
    command(
        &done,
        &[
            "parallax",
            "run",
            "--threads",
            "999999",
            "--memory-limit",
            "1",
            "--noise",
            "1000000",
            "--output-limit",
            "0",
        ],
    );
    parallax::bundle::archive::pack(&done.path("open"), &done.path("evil.tar.zst")).unwrap();
    let (code, _, stderr) = beside(&done, &["replay", "evil.tar.zst"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("name --noise 1000000"), "{stderr}");
    let processors = std::thread::available_parallelism().unwrap().get() as u64;
    assert_eq!(report(&done).run.threads, processors);
    let (code, _, stderr) = beside(&done, &["replay", "evil.tar.zst", "--threads", "3", "--noise", "1"]);
    // Nothing but the repetition itself is new: the candidate gives the same again.
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(report(&done).run.threads, 3);
    let checks = report(&done).jobs.remove(0).checks;
    let repeated = checks.iter().find(|it| it.check == "DETERMINISM").unwrap();
    assert!(!repeated.summary.contains("was run once"), "{}", repeated.summary);
    for (option, value) in [("--threads", "0"), ("--memory-limit", "1")] {
        let (code, _, stderr) = beside(&done, &["replay", "evil.tar.zst", option, value]);
        assert_eq!((code, stderr.contains(option)), (Some(2), true), "{stderr}");
    }
}

#[test]
fn a_specification_that_asks_for_too_much_is_refused_with_the_option() {
    let done = honest();
    let head =
        format!("name = \"{JOB}\"\ntitle = \"t\"\nsignal = \"logs\"\nkind = \"compact\"\nprovokes = []\n");
    let columns = "[generator]\nkind = \"columns\"\n[[generator.columns]]\nname = \"a{}\"\n";
    for (rest, words) in [
        (
            "rows = 1000000000000\ninputs = 1\n[generator]\nkind = \"production\"\n".to_owned(),
            "--unpack-limit",
        ),
        (
            "rows = 10\ninputs = 1\n[generator]\nkind = \"metrics\"\nsamples = 4000000000\n".to_owned(),
            "--unpack-limit",
        ),
        (
            format!(
                "rows = 10\ninputs = 1\n{columns}values = {{ kind = \"letters\", min = 1, max = 4000000000 }}\n"
            ),
            "--unpack-limit",
        ),
        (
            format!(
                "rows = 1\ninputs = 1\n{columns}values = {{ kind = \"message\" }}\nrepeat = 4000000000\n"
            ),
            "10000",
        ),
        ("rows = 1\ninputs = 1000000000000\n[generator]\nkind = \"production\"\n".to_owned(), "10000"),
    ] {
        std::fs::write(done.path("open/corpus.toml"), format!("{head}{rest}")).unwrap();
        refused(&done, words);
    }
    // Documents themselves are read into memory.
    std::fs::write(done.path("open/corpus.toml"), vec![b'\n'; 9 << 20]).unwrap();
    refused(&done, "corpus.toml of the bundle has 9437184 bytes");
}

#[test]
fn the_copy_that_a_report_is_repeated_from_is_bounded() {
    let (_home, inputs) = crate::support::corpus("compact-one-row");
    let line = json!({"id": "mine", "signal": "logs", "inputs": inputs});
    let done = parallax(&["run", "--job-list", "jobs.jsonl"])
        .with_file("jobs.jsonl", &format!("{line}\n"))
        .finish()
        .expect(0);
    let replay = ["replay", "parallax-report", "--job", "mine"];
    let (code, _, stderr) = beside(&done, &[&replay[..], &["--unpack-limit", "4095"]].concat());
    assert_eq!((code, stderr.contains("--unpack-limit")), (Some(2), true), "{stderr}");
    assert!(!done.path("parallax-replay").exists() && done.leftovers().is_empty());
    let (code, _, stderr) = beside(&done, &[&replay[..], &["--unpack-limit", "10000000"]].concat());
    assert_eq!(code, Some(0), "{stderr}");
    // A folder of any size, said to be a kept output.
    std::fs::create_dir_all(done.path("parallax-report/outputs/candidate/mine")).unwrap();
    let large = std::fs::File::create(done.path("parallax-report/outputs/candidate/mine/a.parquet")).unwrap();
    large.set_len(1 << 40).unwrap();
    change(&done.path("parallax-report/report.json"), |it| {
        it["jobs"][0]["candidate"]["kept"] = "outputs/candidate/mine".into()
    });
    for command in ["replay", "minimize"] {
        let (code, _, stderr) = beside(&done, &[command, "parallax-report", "--job", "mine"]);
        assert_eq!((code, stderr.contains("--unpack-limit")), (Some(2), true), "{stderr}");
        assert!(done.leftovers().is_empty());
    }
    // A generated corpus is made in the copy as well.
    let done = parallax(&["run", "--corpus", "compact-production"]).finish().expect(0);
    let replay = ["replay", "parallax-report", "--job", "compact-production", "--unpack-limit", "100000"];
    let (code, _, stderr) = beside(&done, &replay);
    assert_eq!((code, stderr.contains("--unpack-limit")), (Some(2), true), "{stderr}");
}

#[test]
fn ids_and_names_of_a_bundle_begin_no_line_of_their_own() {
    let done = honest();
    let id = "x\n::error::forged";
    change(&done.path("open/report.json"), |it| {
        let finding = json!({"id": id, "check": "ROWS", "code": "rows.missing", "severity": "blocker", "message": id,
            "kind": "known", "count": 1, "evidence": []});
        it["jobs"][0]["checks"][0]["findings"] = json!([finding]);
    });
    parallax::bundle::archive::pack(&done.path("open"), &done.path("evil.tar.zst")).unwrap();
    let out = "out\n::error::forged";
    let (code, stdout, stderr) = beside(&done, &["replay", "evil.tar.zst", "--out", out]);
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    assert!(
        stdout.contains(r"gone: x\n::error::forged") && stdout.contains(r"report: out\n::error"),
        "{stdout}"
    );
    assert!(!stdout.lines().chain(stderr.lines()).any(|line| line.starts_with("::")), "{stdout}{stderr}");
}
