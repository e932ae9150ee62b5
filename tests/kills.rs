//! Commands that are ended by SIGKILL at random moments, and done again: no file looks finished but is not, the second result is that
//! of an undisturbed command, and the temporary directory is empty.
//!
//! `PARALLAX_KILLS=60 cargo test -p parallax --test parallax kills -- --nocapture` ends each command that often and prints the
//! figures; without the variable each is ended [`FEW`] times. `PARALLAX_KILLS_SEED` draws other moments. The moments are spread over
//! the time that an undisturbed command took; nothing that is asserted depends on them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::support::{Finished, beside, corpus, files_below, parallax};

/// Kills of each command in the ordinary tests.
const FEW: u64 = 3;

/// What the clock, the process or a random key decides.
const TIMES: [&str; 8] = ["started", "duration_ms", "command", "hash_key", "work", "at", "decided", "replay"];

/// A command that writes to one directory.
struct Undertaking {
    name: &'static str,
    arguments: Vec<String>,
    /// What the second attempt adds.
    again: &'static [&'static str],
    /// The directory.
    out: &'static str,
    /// Its document and the files that are there when that is.
    document: Option<&'static str>,
    set: Vec<&'static str>,
    code: i32,
}

/// Numbers that look random (SplitMix64).
struct Draw(u64);

impl Draw {
    fn new(name: &str) -> Self {
        let seed = std::env::var("PARALLAX_KILLS_SEED").ok().and_then(|text| text.parse().ok());
        Self(
            name.bytes()
                .fold(seed.unwrap_or(1_u64), |sum, byte| sum.wrapping_mul(131).wrapping_add(byte.into())),
        )
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }
}

fn command(home: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(arguments).current_dir(home).env("TMPDIR", home.join("tmp"));
    command.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
    command
}

/// Runs to the end and returns what was written, without times.
fn whole(home: &Path, it: &Undertaking, arguments: &[String], context: &str) -> Vec<(String, Value)> {
    let done = command(home, arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(it.code), "{context}: {stderr}");
    assert_eq!(
        files_below(&home.join("tmp")),
        Vec::<PathBuf>::new(),
        "{context}: left in the temporary directory"
    );
    let out = home.join(it.out);
    let files = files_below(&out);
    let hidden = |path: &&PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with('.');
    assert_eq!(files.iter().find(hidden), None, "{context}: a hidden file is left");
    assert!(!out.join("progress.jsonl").exists(), "{context}: a journal is left");
    finished_files(&out, context);
    let name = |path: &Path| unnamed(path.strip_prefix(&out).unwrap().to_str().unwrap());
    let mut written: Vec<(String, Value)> = files
        .iter()
        .filter(|path| path.is_file())
        .map(|path| {
            let document = it.document.is_some_and(|document| path.ends_with(document));
            let value = if document {
                timeless(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
            } else if path.extension().is_some_and(|end| end == "parquet") && it.document.is_none() {
                // What the writer itself wrote: byte for byte.
                blake3::hash(&std::fs::read(path).unwrap()).to_string().into()
            } else {
                Value::Null
            };
            (name(path), value)
        })
        .collect();
    written.sort_by(|one, other| one.0.cmp(&other.0));
    written
}

fn timeless(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| !TIMES.contains(&name.as_str()))
            .map(|(name, value)| (name, timeless(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(timeless).collect(),
        Value::String(text) => Value::String(unnamed(&text)),
        other => other,
    }
}

/// Without the random letters in the names of the old ingest writer's files.
fn unnamed(text: &str) -> String {
    let mut parts = text.split("buffet-");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |sum, part| sum + "buffet-" + part.get(6..).unwrap_or_default())
}

/// Asserts that every file under a final name is whole.
fn finished_files(out: &Path, context: &str) {
    if !out.is_dir() {
        return;
    }
    let hidden =
        |entry: &walkdir::DirEntry| entry.depth() > 0 && entry.file_name().to_str().unwrap().starts_with('.');
    let walk = walkdir::WalkDir::new(out).into_iter().filter_entry(|entry| !hidden(entry));
    for entry in walk.map(Result::unwrap).filter(|entry| entry.file_type().is_file()) {
        let path = entry.path();
        let context = format!("{context}: {}", path.display());
        let bytes = std::fs::read(path).unwrap();
        let ends = |with: &str| {
            assert!(String::from_utf8_lossy(&bytes).trim_end().ends_with(with), "{context} is cut off")
        };
        match path.extension().and_then(|end| end.to_str()) {
            Some("json") => drop(
                serde_json::from_slice::<Value>(&bytes).unwrap_or_else(|error| panic!("{context}: {error}")),
            ),
            Some("html") => ends("</html>"),
            Some("xml") => ends("</testsuites>"),
            Some("csv" | "md") => assert_eq!(bytes.last(), Some(&b'\n'), "{context} is cut off"),
            Some("parquet") => {
                let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap())
                    .unwrap_or_else(|error| panic!("{context}: {error}"));
                reader.build().unwrap().for_each(|batch| assert!(batch.unwrap().num_rows() > 0));
            }
            // The journal: its last line may be half a line.
            _ => {}
        }
    }
}

/// Ends the command again and again, and does it once more each time.
fn kill(home: &Path, it: &Undertaking) {
    let kills = std::env::var("PARALLAX_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(FEW);
    let out = home.join(it.out);
    let clear = || {
        if out.exists() {
            std::fs::remove_dir_all(&out).unwrap()
        }
    };
    let begun = Instant::now();
    let expected = whole(home, it, &it.arguments, it.name);
    let lasted = u64::try_from(begun.elapsed().as_micros()).unwrap();
    assert!(it.set.iter().all(|name| out.join(name).is_file()), "{}", it.name);
    let again: Vec<String> =
        it.arguments.iter().cloned().chain(it.again.iter().map(ToString::to_string)).collect();
    let mut draw = Draw::new(it.name);
    let (mut underway, mut left, mut taken) = (0, 0, 0);
    for number in 0..kills {
        // Every other time the finished files of the command before are still there.
        if number % 2 == 0 || it.document.is_none() {
            clear();
        }
        let wait = Duration::from_micros(draw.below(lasted));
        let context = format!("{} ended after {wait:?} (kill {number})", it.name);
        let mut child =
            command(home, &it.arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(wait);
        child.kill().unwrap();
        underway += u64::from(child.wait().unwrap().code().is_none());
        left += u64::from(!files_below_if_any(&home.join("tmp")).is_empty());
        finished_files(&out, &context);
        if it.document.is_some_and(|document| out.join(document).exists()) {
            let missing = it.set.iter().find(|name| !out.join(name).is_file());
            assert_eq!(missing, None, "{context}: the document is there, but not the whole set");
        }
        taken += u64::from(
            std::fs::read(out.join("progress.jsonl"))
                .is_ok_and(|text| text.split(|it| *it == b'\n').count() > 2),
        );
        // A writer wants an empty directory.
        if it.document.is_none() {
            clear();
        }
        let resumed = whole(home, it, &again, &context);
        for (one, other) in expected.iter().zip(&resumed) {
            assert!(one == other, "{context}: {} or {} differs", one.0, other.0);
        }
        assert_eq!(resumed.len(), expected.len(), "{context}");
    }
    println!(
        "{}: {kills} kills over {lasted} µs, {underway} before its end, {left} left temporary files, {taken} a journal with jobs; \
         all results equal",
        it.name
    );
}

/// Entries of a directory that an ended command's children may still be leaving.
fn files_below_if_any(root: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// A finished run with its outputs, one of whose jobs fails.
fn ran() -> Finished {
    let line = "run --corpus ingest-unicode --corpus compact-heavy-ties --candidate fault:drop-row --keep always --out before";
    parallax(&words(line)).finish().expect(1)
}

#[test]
fn a_run_goes_on_after_kills() {
    let (home, _) = parallax(&["run"]).into_parts();
    let line = "run --corpus ingest-unicode --corpus compact-heavy-ties --corpus compact-one-row --corpus traces-one-row \
                --candidate fault:drop-row --keep always --threads 2 --out out";
    let set = reports::FILES.to_vec();
    let run = Undertaking {
        name: "run",
        arguments: words(line),
        again: &["--resume"],
        out: "out",
        document: Some("report.json"),
        set,
        code: 1,
    };
    kill(home.path(), &run);
}

#[test]
fn a_comparison_is_begun_again_after_kills() {
    let done = ran();
    let line = "compare before/outputs/baseline/compact-heavy-ties before/outputs/candidate/compact-heavy-ties --signal logs --out out";
    let set = reports::FILES.to_vec();
    let document = Some("report.json");
    let compare = Undertaking {
        name: "compare",
        arguments: words(line),
        again: &[],
        out: "out",
        document,
        set,
        code: 1,
    };
    kill(done.home.path(), &compare);
}

#[test]
fn a_writer_leaves_whole_files_and_no_temporary_ones_after_kills() {
    let (home, _) = parallax(&["write"]).into_parts();
    let (_inputs, inputs) = corpus("compact-production");
    let mut arguments = words("write unified --signal logs --output out --input");
    arguments.extend(inputs);
    let set = Vec::new();
    let write =
        Undertaking { name: "write", arguments, again: &[], out: "out", document: None, set, code: 0 };
    kill(home.path(), &write);
}

#[test]
fn a_gate_decides_again_after_kills() {
    let done = ran();
    let set = reports::gate::FILES.to_vec();
    let arguments = words("gate --phase logs before --out out");
    let document = Some("gate.json");
    let gate = Undertaking { name: "gate", arguments, again: &[], out: "out", document, set, code: 1 };
    kill(done.home.path(), &gate);
}

#[test]
fn a_trend_is_made_again_after_kills() {
    let done = ran();
    for name in ["two", "three"] {
        let (code, _, stderr) =
            beside(&done, &["run", "--corpus", "ingest-unicode", "--out", &format!("store/{name}")]);
        assert_eq!(code, Some(0), "{stderr}");
    }
    let set = reports::trend::FILES.to_vec();
    let arguments = words("trend before store --out out");
    let document = Some("trend.json");
    let trend = Undertaking { name: "trend", arguments, again: &[], out: "out", document, set, code: 0 };
    kill(done.home.path(), &trend);
}
