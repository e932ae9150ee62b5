//! Faults of the machine, one after another: no verdict may come of them.
//!
//! A preloaded library (`tests/inject/faults.c`) makes the N-th call of a kind fail: opening, reading, writing, renaming, starting a
//! thread, asking for memory. Here the commands are run with every N, or with as many as time allows, on equal and on differing data:
//!
//! - the verdict is that of a run without faults, or there is none (exit 2);
//! - nothing panics, aborts or is ended by a signal;
//! - whatever lies in the report directory can be read, and a report that calls itself complete has the verdict of a run without
//!   faults.
//!
//! `PARALLAX_INJECT_MOST=N` tries up to N places of each kind in each command instead of a few; see docs/machine.md.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use rustix::io::Errno;

use crate::support::{files_below, parallax};

/// Places of each kind that are tried where nothing else is asked for.
const FEW: usize = 2;

/// Places at which a call is interrupted, at least.
const INTERRUPTED: usize = 6;

/// A fault: the error that a call meets, and how (see `faults.c`).
type Fault = (Errno, &'static str);

/// Kinds of calls, and the faults that are tried on them.
const KINDS: [(&str, &[Fault]); 16] = [
    ("open", &[(Errno::MFILE, "once"), (Errno::IO, "once"), (Errno::NFILE, "from")]),
    ("read", &[(Errno::IO, "once"), (Errno::IO, "from"), (Errno::INTR, "once")]),
    (
        "write",
        &[(Errno::NOSPC, "once"), (Errno::DQUOT, "from"), (Errno::FBIG, "once"), (Errno::INTR, "once")],
    ),
    ("sync", &[(Errno::IO, "once")]),
    ("rename", &[(Errno::IO, "once")]),
    ("remove", &[(Errno::IO, "once"), (Errno::ROFS, "from")]),
    ("mkdir", &[(Errno::NOSPC, "once")]),
    ("truncate", &[(Errno::IO, "once")]),
    ("seek", &[(Errno::IO, "once")]),
    ("stat", &[(Errno::IO, "once")]),
    ("list", &[(Errno::IO, "once")]),
    ("thread", &[(Errno::AGAIN, "once"), (Errno::AGAIN, "from")]),
    ("spawn", &[(Errno::AGAIN, "once"), (Errno::NOMEM, "from")]),
    ("memory", &[(Errno::NOMEM, "once")]),
    // A disk that is gone.
    ("open,read,write,sync,rename,remove,mkdir,truncate,seek,stat,list", &[(Errno::IO, "from")]),
    // No fault: reads and writes that do half of what was asked for.
    ("read,write", &[(Errno::IO, "short")]),
];

/// A command and how it ends without faults.
struct Case {
    name: &'static str,
    words: Vec<String>,
    code: i32,
}

/// The library, or nothing where there is no C compiler.
pub fn library(home: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inject/faults.c");
    let library = home.join("faults.so");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let compiled = Command::new(&compiler)
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .args([&library, &source])
        .args(["-ldl", "-lpthread"])
        .output();
    match compiled {
        Ok(output) if output.status.success() => Some(library),
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            assert!(std::env::var_os("PARALLAX_REQUIRE_CC").is_none(), "{compiler}: {error}");
            eprintln!("skipped: there is no C compiler ({compiler}: {error})");
            None
        }
    }
}

/// Reports and outputs of equal and differing data, and the commands over them.
fn cases(home: &Path) -> Vec<Case> {
    let corpus = "ingest-unicode";
    let report = |name: &str| home.join(name).to_str().unwrap().to_owned();
    let (equal, differing) = (report("equal"), report("differing"));
    let fault = ["--candidate", "fault:drop-row"];
    let run = ["run", "--corpus", corpus, "--threads", "2", "--keep", "always"];
    parallax(&[&run[..], &["--out", &equal]].concat()).finish().expect(0);
    parallax(&[&run[..], &fault, &["--out", &differing]].concat()).finish().expect(1);
    let segments = home.join("segments").to_str().unwrap().to_owned();
    parallax(&["corpus", "generate", corpus, "--output", &segments]).finish().expect(0);
    let input = files_below(Path::new(&segments)).remove(0).to_str().unwrap().to_owned();
    let output = |report: &str, side: &str| format!("{report}/outputs/{side}/{corpus}");
    let case = |name, code, words: &[&str]| Case {
        name,
        code,
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    };
    let compare = |report: &str| {
        let (a, b) = (output(report, "baseline"), output(report, "candidate"));
        ["compare".to_owned(), a, b, "--threads".to_owned(), "2".to_owned()]
    };
    let (alike, unlike) = (compare(&equal), compare(&differing));
    let compared = |words: &[String; 5], name, code| Case { name, code, words: words.to_vec() };
    vec![
        compared(&alike, "compare equal", 0),
        compared(&unlike, "compare differing", 1),
        case("run equal", 0, &run),
        case("run differing", 1, &[&run[..], &fault].concat()),
        case("run equal metrics", 0, &["run", "--corpus", "metrics-overlap-2", "--threads", "2"]),
        case("write", 0, &["write", "unified", "--signal", "logs", "--output", "out", "--input", &input]),
        case("gate equal", 3, &["gate", &equal, "--phase", "logs"]),
        case("gate differing", 1, &["gate", &differing, "--phase", "logs"]),
        case("trend", 0, &["trend", &equal, &differing]),
        case("bundle", 0, &["bundle", &differing, "--job", corpus, "--out", "job.tar.zst"]),
    ]
}

/// One run with one fault.
struct Trial<'a> {
    case: &'a Case,
    calls: &'a str,
    errno: Errno,
    how: &'a str,
    at: usize,
}

/// Calls that were counted, faults that were injected, and what is wrong with what came of it.
struct Tried {
    calls: usize,
    faults: usize,
    wrong: Vec<String>,
}

impl Trial<'_> {
    fn run(&self, library: &Path) -> Tried {
        let home = tempfile::tempdir().unwrap();
        let tmp = home.path().join("tmp");
        std::fs::create_dir(&tmp).unwrap();
        let tally = home.path().join("tally");
        std::fs::write(&tally, [0; 16]).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_parallax"))
            .args(&self.case.words)
            .current_dir(home.path())
            .env("TMPDIR", &tmp)
            .env("LD_PRELOAD", library)
            .env("INJECT_CALLS", self.calls)
            .env("INJECT_AT", self.at.to_string())
            .env("INJECT_ERRNO", self.errno.raw_os_error().to_string())
            .env("INJECT_HOW", self.how)
            .env("INJECT_TALLY", &tally)
            .env_remove("GITHUB_ACTIONS")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let counted = std::fs::read(&tally).unwrap();
        let number = |at: usize| i64::from_le_bytes(counted[at..at + 8].try_into().unwrap()) as usize;
        let stderr = String::from_utf8_lossy(&output.stderr);
        let mut wrong = Vec::new();
        let code = output.status.code();
        let may_fail = self.how != "short" && self.errno != Errno::INTR && self.at > 0;
        if code != Some(self.case.code) && !(may_fail && code == Some(2)) {
            wrong.push(format!("it ended with {}", output.status));
        }
        if code == Some(2) && !stderr.contains("parallax: ") {
            wrong.push("it ended without a message".to_owned());
        }
        if stderr.contains("panicked") || stderr.contains("internal") {
            wrong.push("it panicked".to_owned());
        }
        // The files of a writer stay where only its list could not be written to stdout, or not be made for want of memory.
        let unlisted = stderr.contains("cannot write to stdout") || stderr.contains("out of memory");
        wrong.extend(self.broken(home.path(), if unlisted { Some(0) } else { code }));
        if !wrong.is_empty() {
            let last: Vec<&str> = stderr.lines().collect();
            wrong.push(last[last.len().saturating_sub(6)..].join("\n    "));
        }
        Tried { calls: number(0), faults: number(8), wrong }
    }

    /// What is wrong with the files that were left.
    fn broken(&self, home: &Path, code: Option<i32>) -> Vec<String> {
        let mut wrong = Vec::new();
        // A child that outlives the command may still be at work in the temporary directory.
        let roots = std::fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
        let files = roots.filter(|root| !root.ends_with("tmp")).flat_map(|root| match root.is_dir() {
            true => files_below(&root),
            false => vec![root],
        });
        for file in files.filter(|file| file.is_file()) {
            let file = &file;
            let name = file.file_name().unwrap().to_str().unwrap();
            let own = !name.starts_with('.');
            let text = || std::fs::read_to_string(file).unwrap();
            let whole = match name.rsplit_once('.').map(|it| it.1) {
                _ if !own => true,
                Some("json") => serde_json::from_str::<serde_json::Value>(&text()).is_ok(),
                Some("html") => text().trim_end().ends_with("</html>"),
                Some("xml") => text().trim_end().ends_with("</testsuites>"),
                Some("parquet") => SerializedFileReader::new(std::fs::File::open(file).unwrap())
                    .is_ok_and(|reader| reader.metadata().num_row_groups() > 0),
                Some("zst") => whole_archive(file),
                _ => true,
            };
            if !whole {
                wrong.push(format!("{name} is broken"));
            }
            if own && name == "report.json" && whole {
                let report: serde_json::Value = serde_json::from_str(&text()).unwrap();
                let verdict = ["pass", "fail", "", "inconclusive"][self.case.code as usize];
                if report["run"]["complete"] == true && report["verdict"] != verdict {
                    wrong.push(format!("a complete report says {}", report["verdict"]));
                }
            }
        }
        if self.case.name == "write" && code != Some(0) && home.join("out").exists() {
            let left = files_below(&home.join("out"));
            // What cannot be removed stays, under its temporary name.
            let removable = !(self.calls.contains("remove") && self.how == "from");
            if removable && left.iter().any(|file| file.extension().is_some_and(|it| it == "parquet")) {
                wrong.push(format!("output was left: {left:?}"));
            }
        }
        wrong
    }
}

/// True where every entry of a bundle can be read, to the end of the archive.
fn whole_archive(file: &Path) -> bool {
    let mut archive = Vec::new();
    let mut decoder = zstd::stream::read::Decoder::new(std::fs::File::open(file).unwrap()).unwrap();
    decoder.read_to_end(&mut archive).is_ok()
        && tar::Archive::new(&archive[..]).entries().unwrap().all(|entry| entry.is_ok())
}

/// Places spread over `calls`, at most `most`, the first and the last among them.
fn places(calls: usize, most: usize) -> Vec<usize> {
    if calls <= most {
        return (1..=calls).collect();
    }
    let mut places: Vec<usize> = (0..most).map(|step| 1 + step * (calls - 1) / (most - 1).max(1)).collect();
    places.dedup();
    places
}

#[test]
fn a_fault_of_the_machine_never_becomes_a_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let Some(library) = library(home) else { return };
    let asked = std::env::var("PARALLAX_INJECT_MOST").ok().map(|text| text.parse().unwrap());
    let only = std::env::var("PARALLAX_INJECT_ONLY").unwrap_or_default();
    let most = asked.unwrap_or(FEW);
    let cases = cases(home);
    let groups: Vec<(&Case, &(&str, &[Fault]))> = cases
        .iter()
        .filter(|case| case.name.contains(&only))
        .flat_map(|case| KINDS.iter().map(move |kind| (case, kind)))
        .collect();
    let (next, faults, trials) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong: Mutex<BTreeMap<String, Vec<String>>> = Mutex::default();
    let work = |(case, (calls, kinds)): &(&Case, &(&str, &[Fault]))| {
        let trial = |(errno, how), at| Trial { case, calls, errno, how, at }.run(&library);
        let counted = trial(kinds[0], 0);
        let note = |what: String, found: &[String]| {
            if !found.is_empty() {
                wrong
                    .lock()
                    .unwrap()
                    .entry(case.name.to_owned())
                    .or_default()
                    .push(format!("{what}: {}", found.join("; ")));
            }
        };
        note(format!("{calls}, no fault"), &counted.wrong);
        for &(errno, how) in *kinds {
            // An interrupted call is no fault at all: it must be done again wherever it is met.
            let most = if errno == Errno::INTR { most.max(INTERRUPTED) } else { most };
            for at in places(counted.calls, if how == "short" { 1 } else { most }) {
                let tried = trial((errno, how), at);
                faults.fetch_add(tried.faults, Ordering::Relaxed);
                trials.fetch_add(1, Ordering::Relaxed);
                note(format!("{calls}, {errno}, {how}, call {at} of {}", counted.calls), &tried.wrong);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(group);
                }
            });
        }
    });
    let (trials, faults) = (trials.into_inner(), faults.into_inner());
    println!("{trials} runs with a fault, {faults} faults injected");
    assert!(faults >= trials / 2, "most runs meet their fault");
    let wrong = wrong.into_inner().unwrap();
    let told: Vec<String> =
        wrong.iter().map(|(kind, found)| format!("{kind}\n  {}", found.join("\n  "))).collect();
    assert!(wrong.is_empty(), "{} of {trials} runs:\n{}", wrong.values().flatten().count(), told.join("\n"));
}
