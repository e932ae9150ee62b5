//! Every document of a bundle that could name a program or a file of the machine: nothing runs, nothing outside is opened or written.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::inotify;
use serde_json::json;

use crate::hostile_bundle::{JOB, change, command, honest, program};
use crate::support::{Finished, beside};

/// A directory of this machine beside the working directory. The kernel says what is opened, made or changed in it.
struct Outside {
    events: OwnedFd,
    /// The folder, absolute.
    path: String,
}

impl Outside {
    /// With a configuration that starts a program, a segment, and documents that lead to it.
    fn new(done: &Finished) -> Self {
        let folder = done.path("outside");
        std::fs::create_dir(&folder).unwrap();
        let input = std::fs::read_dir(done.path("open/inputs")).unwrap().next().unwrap().unwrap().path();
        std::fs::copy(&input, folder.join("secret.parquet")).unwrap();
        std::fs::write(folder.join("own.toml"), program(&done.path("marker"))).unwrap();
        std::fs::copy(done.path("open/corpus.toml"), folder.join("corpus.toml")).unwrap();
        let line = json!({"id": JOB, "signal": "logs", "inputs": ["secret.parquet"]});
        std::fs::write(folder.join("jobs.jsonl"), format!("{line}\n")).unwrap();
        let events = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).unwrap();
        inotify::add_watch(&events, &folder, inotify::WatchFlags::ALL_EVENTS).unwrap();
        let outside = Self { events, path: folder.display().to_string() };
        drop(std::fs::read(folder.join("own.toml")).unwrap());
        assert!(outside.touched() > 0, "what is read is not seen: nothing would be shown below");
        outside
    }

    fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }

    /// How often something in it was opened, made or changed since the last question.
    fn touched(&self) -> usize {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.events, &mut buffer);
        std::iter::from_fn(|| reader.next().ok().map(drop)).count()
    }
}

/// Gives the bundle to `replay`, and holds that nothing ran, and that nothing outside was opened or written, whatever came of it.
fn harmless(done: &Finished, outside: &Outside, expected: Expected, context: &str) -> String {
    let packed = done.path("evil.tar.zst");
    drop(std::fs::remove_file(&packed));
    parallax::bundle::archive::pack(&done.path("open"), &packed).unwrap();
    drop(std::fs::remove_dir_all(done.path("parallax-replay")));
    let commands: &[&str] =
        if matches!(expected, Expected::Done) { &["replay"] } else { &["replay", "minimize"] };
    let mut told = String::new();
    for command in commands {
        let before = entries(done);
        outside.touched();
        let (code, stdout, stderr) = beside(done, &[command, "evil.tar.zst"]);
        let context = format!("{context}: {command}: {stdout}{stderr}");
        match expected {
            Expected::Done => assert_eq!(code, Some(0), "{context}"),
            Expected::Refused(words) => {
                assert_eq!((code, stderr.contains(words)), (Some(2), true), "{context}");
            }
        }
        assert_eq!(outside.touched(), 0, "{context}");
        assert!(!done.path("marker").exists(), "{context}");
        assert!(done.leftovers().is_empty(), "{context}");
        let after: Vec<PathBuf> =
            entries(done).into_iter().filter(|path| !path.ends_with("parallax-replay")).collect();
        assert_eq!(after, before, "{context}");
        told = stderr;
    }
    told
}

/// What should come of a hostile bundle.
#[derive(Clone, Copy)]
enum Expected {
    /// Refused, with these words.
    Refused(&'static str),
    /// Repeated, as if the hostile words were not there.
    Done,
}

/// What lies in the working directory.
fn entries(done: &Finished) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(done.home.path()).unwrap().map(|it| it.unwrap().path()).collect();
    found.sort();
    found
}

#[test]
fn files_that_the_packed_command_names_are_neither_read_nor_written() {
    let done = honest();
    let outside = Outside::new(&done);
    let (own, written) = (outside.at("own.toml"), outside.at("written"));
    let (segment, list) = (outside.at("secret.parquet"), outside.at("jobs.jsonl"));
    let words = outside.at("words");
    let at_file = format!("@{words}");
    let folder = format!("dir:{}", outside.path);
    use Expected::{Done, Refused};
    let options: [(&[&str], Expected); 15] = [
        (&["--config", &own], Done),
        (&["--policy", &own], Refused("which is not packed")),
        (&["--out", &written], Done),
        (&["--redact", "--raw-out", &written], Done),
        (&["--tmp-dir", &outside.path], Done),
        (&["--job-list", &list], Done),
        (&["--job-list", &list, "--only", JOB], Done),
        (&["--corpus", &outside.at("corpus.toml")], Done),
        (&["--corpus", &segment, "--signal", "logs"], Done),
        (&["--resume", "--out", &outside.path], Done),
        (&["--candidate", &folder], Refused("which is not packed")),
        (&["--baseline", &folder], Refused("which is not packed")),
        (&[&at_file], Refused("does not understand the command")),
        (&["--job-document", &own], Refused("does not understand the command")),
        (&["--ci", "github"], Done),
    ];
    for (more, expected) in options {
        let words = [&["parallax", "run"], more].concat();
        command(&done, &words);
        harmless(&done, &outside, expected, &format!("{more:?}"));
    }
}

#[test]
fn commands_other_than_run_and_compare_are_not_repeated() {
    let done = honest();
    let outside = Outside::new(&done);
    let marker = done.path("marker");
    let script = format!("echo > {}", marker.display());
    let (own, written, segment) =
        (outside.at("own.toml"), outside.at("written"), outside.at("secret.parquet"));
    let report = done.path("parallax-report/report.json").display().to_string();
    let none = Expected::Refused("holds no job of run or compare");
    let other = Expected::Refused("does not understand the command");
    let commands: [(&[&str], Expected); 13] = [
        (&["verify", &segment, "--signal", "logs"], none),
        (&["bench", "--candidate", "cmd:evil", "--config", &own], none),
        (&["write", "unified", "--signal", "logs", "--input", &segment, "--output", &written], none),
        (&["corpus", "generate", JOB, "--output", &written], none),
        (&["report", &report, "--out", &written], none),
        (&["gate", &report, "--phase", "logs", "--out", &written], none),
        (&["bundle", &report, "--job", JOB, "--out", &written], none),
        (&["replay", &report, "--job", JOB, "--config", &own, "--out", &written], none),
        (&["launch", &written, "--", "sh", "-c", &script], none),
        (&["perform-job", &own, &written, &written], none),
        (&["guard-groups"], none),
        (&["sh", "-c", &script], other),
        // Outputs are outside as well: the command of a comparison is not for a bundle of inputs.
        (&["compare", &segment, &segment], Expected::Refused("its command compares outputs")),
    ];
    for (words, expected) in commands {
        command(&done, &[&["parallax"], words].concat());
        harmless(&done, &outside, expected, &format!("{words:?}"));
    }
}

#[test]
fn what_a_bundle_says_of_itself_decides_no_more_than_its_command() {
    let done = honest();
    let outside = Outside::new(&done);
    // A bundle of outputs whose command reads a corpus, which nothing had a look at.
    let sound = std::fs::read_to_string(done.path("open/corpus.toml")).unwrap();
    let head = "title = \"t\"\nsignal = \"logs\"\nkind = \"compact\"\nprovokes = []\n";
    let leads_out = format!("name = \"{JOB}\"\n{head}segments = [{:?}]\n", outside.at("secret.parquet"));
    std::fs::write(done.path("open/corpus.toml"), leads_out).unwrap();
    let contents = done.path("open/bundle.json");
    let said = std::fs::read(&contents).unwrap();
    for work in ["outputs", "corpus"] {
        change(&contents, |it| it["work"] = work.into());
        let words = if work == "outputs" { "its command needs inputs" } else { "names no files" };
        let (code, _, stderr) = {
            let packed = done.path("evil.tar.zst");
            drop(std::fs::remove_file(&packed));
            parallax::bundle::archive::pack(&done.path("open"), &packed).unwrap();
            outside.touched();
            beside(&done, &["replay", "evil.tar.zst"])
        };
        assert_eq!((code, stderr.contains(words)), (Some(2), true), "{work}: {stderr}");
        assert_eq!(outside.touched(), 0, "{work}");
    }
    std::fs::write(done.path("open/corpus.toml"), sound).unwrap();
    std::fs::write(&contents, said).unwrap();
    // Outputs said to be recorded are those of the bundle, wherever the command and the report say they are.
    let folder = format!("dir:{}", outside.path);
    change(&contents, |it| {
        it["recorded_candidate"] = true.into();
        it["command"] = json!(["parallax", "run", "--candidate", folder]);
    });
    std::fs::remove_dir_all(done.path("open/outputs")).unwrap();
    harmless(&done, &outside, Expected::Refused(""), "recorded, and not there");
}

#[test]
fn no_other_document_of_a_bundle_runs_a_program_or_names_a_file() {
    let done = honest();
    let outside = Outside::new(&done);
    let script = format!("echo > {}", done.path("marker").display());
    let place = |name: &str| done.path("open").join(name);
    let originals =
        ["bundle.json", "report.json", "job.json"].map(|name| (name, std::fs::read(place(name)).unwrap()));
    let restored = || originals.iter().for_each(|(name, text)| std::fs::write(place(name), text).unwrap());
    // The configuration: sides of every name, also those of the writers that the job uses.
    let sides: String = ["evil", "legacy", "unified", "old", "new"]
        .map(|name| {
            format!("[side.{name}]\ncommand = [\"sh\", \"-c\", {script:?}]\nenv = {{ PATH = \"/\" }}\n")
        })
        .concat();
    std::fs::write(place("parallax.toml"), &sides).unwrap();
    change(&place("bundle.json"), |it| it["config"] = true.into());
    harmless(&done, &outside, Expected::Done, "parallax.toml");
    for key in ["include", "extends", "policy_file"] {
        std::fs::write(place("parallax.toml"), format!("{key} = {:?}\n", outside.at("own.toml"))).unwrap();
        harmless(&done, &outside, Expected::Refused("unknown field"), key);
    }
    std::fs::remove_file(place("parallax.toml")).unwrap();
    restored();
    // The policy, whether the bundle mentions it or not.
    std::fs::write(place("policy.toml"), &sides).unwrap();
    harmless(&done, &outside, Expected::Done, "policy.toml that is not mentioned");
    change(&place("bundle.json"), |it| it["policy"] = true.into());
    harmless(&done, &outside, Expected::Refused("unknown field"), "policy.toml");
    std::fs::remove_file(place("policy.toml")).unwrap();
    restored();
    // The job as an external side would get it.
    change(&place("job.json"), |it| {
        it["inputs"] = json!([outside.at("secret.parquet")]);
        it["command"] = json!(["sh", "-c", script]);
    });
    harmless(&done, &outside, Expected::Done, "job.json");
    restored();
    // The report: who performed the job, on what, where it is kept, by which policy.
    change(&place("report.json"), |it| {
        let evil = json!({"name": "cmd:evil", "kind": "command", "version": null, "digest": null, "command": ["sh", "-c", script]});
        for role in ["baseline", "candidate"] {
            it["jobs"][0][role]["side"] = evil.clone();
            it["jobs"][0][role]["kept"] = outside.path.clone().into();
        }
        it["jobs"][0]["inputs"][0]["path"] = outside.at("secret.parquet").into();
        it["jobs"][0]["replay"] = script.clone().into();
        it["run"]["config"] = outside.at("own.toml").into();
        it["run"]["replay"] = script.clone().into();
        it["run"]["command"] =
            json!(["parallax", "run", "--candidate", "cmd:evil", "--config", outside.at("own.toml")]);
        it["policy"]["file"] = outside.at("own.toml").into();
    });
    harmless(&done, &outside, Expected::Done, "report.json");
}

#[test]
fn a_list_of_digests_that_names_files_outside_is_refused_before_they_are_opened() {
    let done = honest();
    let outside = Outside::new(&done);
    let digest = blake3::hash(&std::fs::read(outside.at("own.toml")).unwrap()).to_hex().to_string();
    outside.touched();
    let up = "../".repeat(12) + outside.at("own.toml").trim_start_matches('/');
    for named in [outside.at("own.toml"), up, "../outside/own.toml".to_owned()] {
        let list = format!("{digest}  {named}\n");
        for with_file in [false, true] {
            let mut archive = tar::Builder::new(Vec::new());
            let mut add = |path: &str, text: &[u8]| {
                let mut header = tar::Header::new_gnu();
                header.set_size(text.len() as u64);
                header.set_mode(0o644);
                let name = path.as_bytes();
                if name.len() <= 100 {
                    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
                    header.set_cksum();
                    archive.append(&header, text).unwrap();
                }
            };
            add("MANIFEST.b3", list.as_bytes());
            if with_file {
                add(&named, b"overwritten");
            }
            let bytes = zstd::stream::encode_all(&archive.into_inner().unwrap()[..], 1).unwrap();
            std::fs::write(done.path("evil.tar.zst"), bytes).unwrap();
            for command in ["replay", "minimize"] {
                let (code, _, stderr) = beside(&done, &[command, "evil.tar.zst"]);
                assert_eq!((code, stderr.contains("damaged or no bundle")), (Some(2), true), "{stderr}");
            }
        }
    }
    assert_eq!(outside.touched(), 0);
    assert!(done.leftovers().is_empty());
}
