//! A bundle whose documents name programs and files of the machine, taken to the point where `replay` would start a side.
//!
//! Input: what kind of job, then changes: words put into the command, fields and bytes of documents changed.
//!
//! 1. Nothing panics.
//! 2. No process is started, and no program that a document names has run: each of them would leave a marker.
//! 3. Nothing is made or changed outside the directory that the bundle is unpacked into.
//! 4. What is planned starts no program, reads no file outside that directory, and takes memory, threads and repetitions from the user.

use std::fs;
use std::path::{Component, Path, PathBuf};

use parallax::bundle::{CONFIG, CONTENTS, CORPUS, JOB, JOB_LIST, POLICY, REPORT};
use parallax::cli::{Planned, plan};
use parallax::side::Workplace;
use parallax::spill::Memory;
use reports::document::SideKind;
use serde_json::{Value, json};

use super::input::Input;
use super::{bundle, json, sound, thrift};

/// Kinds of jobs.
const KINDS: [&str; 3] = ["corpus", "job-list", "outputs"];

/// Words for a command. `OUT` stands for a directory beside the bundle, `EVIL` for a command that leaves the marker.
const WORDS: [&[&str]; 34] = [
    &["--candidate", "cmd:evil"],
    &["--baseline", "cmd:evil"],
    &["--candidate", "cmd:evil", "--config", "OUT/outside.toml"],
    &["--config", "OUT/outside.toml"],
    &["--policy", "OUT/outside.toml"],
    &["--out", "OUT/written"],
    &["--redact", "--raw-out", "OUT/written"],
    &["--tmp-dir", "OUT"],
    &["--job-list", "OUT/jobs.jsonl"],
    &["--job-list", "OUT/jobs.jsonl", "--only", "compare"],
    &["--corpus", "OUT/corpus.toml"],
    &["--corpus", "OUT/outside.parquet"],
    &["--candidate", "dir:OUT"],
    &["--baseline", "dir:/etc"],
    &["@OUT/outside.toml"],
    &["--job-document", "OUT/outside.toml"],
    &["--resume"],
    &["--keep", "always"],
    &["--threads", "1000"],
    &["--memory-limit", "999999999999"],
    &["--output-limit", "999999999999"],
    &["--noise", "1000000"],
    &["--measure", "1000000"],
    &["--unpack-limit", "999999999999"],
    &["--phase", "logs"],
    &["--by", "hour"],
    &["--signal", "logs"],
    &["--param", "rows_per_file=1"],
    &["--ci", "github"],
    &["--candidate", "fault:drop-row"],
    &["--candidate", "unified", "--baseline", "legacy:buffet"],
    &["--seed", "7"],
    &["--format", "json"],
    &["compare", "OUT/outside.parquet", "OUT/outside.parquet"],
];

/// Whole commands.
const COMMANDS: [&[&str]; 14] = [
    &["parallax", "run"],
    &["parallax", "compare", "OUT/outside.parquet", "OUT/outside.parquet"],
    &["parallax", "verify", "OUT/outside.parquet", "--signal", "logs"],
    &["parallax", "bench", "--candidate", "cmd:evil", "--config", "OUT/outside.toml"],
    &[
        "parallax",
        "write",
        "unified",
        "--signal",
        "logs",
        "--input",
        "OUT/outside.parquet",
        "--output",
        "OUT/written",
    ],
    &["parallax", "corpus", "generate", "compact-one-row", "--output", "OUT/written"],
    &["parallax", "launch", "--", "sh", "-c", "EVIL"],
    &["parallax", "perform-job", "OUT/outside.toml"],
    &["parallax", "probe-leaks", "OUT/outside.toml"],
    &["parallax", "guard-groups"],
    &["parallax", "gate", "OUT/report.json", "--out", "OUT/written"],
    &["parallax", "bundle", "OUT/report.json", "--job", "a", "--out", "OUT/written"],
    &["parallax", "replay", "OUT/report.json", "--job", "a", "--config", "OUT/outside.toml"],
    &["sh", "-c", "EVIL"],
];

/// Places of the bundle and around it.
struct Places {
    /// Holds `to`, and nothing else that may change.
    outer: PathBuf,
    /// Where the bundle is unpacked.
    to: PathBuf,
    /// The report directory that is asked for.
    report: PathBuf,
    marker: PathBuf,
    bundle: PathBuf,
}

impl Places {
    fn new(home: &Path) -> Self {
        let outer = home.join("outer");
        let places = Self {
            to: outer.join("to"),
            report: outer.join("report"),
            marker: outer.join("marker"),
            bundle: home.join("bundle.tar.zst"),
            outer,
        };
        drop(fs::remove_dir_all(&places.outer));
        fs::create_dir_all(&places.to).expect("room for a folder");
        let outside = [
            ("outside.toml", places.filled(EVIL_CONFIG).into_bytes()),
            ("corpus.toml", CORPUS_TEXT.as_bytes().to_vec()),
            (
                "jobs.jsonl",
                b"{\"id\": \"compare\", \"signal\": \"logs\", \"inputs\": [\"outside.parquet\"]}\n".to_vec(),
            ),
            ("outside.parquet", sound::FILES[6].bytes.clone()),
        ];
        for (name, content) in outside {
            fs::write(places.outer.join(name), content).expect("room for a file");
        }
        places
    }

    fn filled(&self, text: &str) -> String {
        let evil = format!("echo > {}", self.marker.display());
        text.replace("OUT", &self.outer.display().to_string()).replace("EVIL", &evil)
    }

    fn words(&self, words: &[&str]) -> Vec<Value> {
        words.iter().map(|word| json!(self.filled(word))).collect()
    }

    /// Everything around the bundle, with what the files hold.
    fn around(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let walk = walkdir::WalkDir::new(&self.outer).sort_by_file_name().into_iter();
        let entries =
            walk.filter_entry(|entry| entry.path() != self.to).map(|entry| entry.expect("a readable folder"));
        entries.map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap_or_default())).collect()
    }
}

const EVIL_CONFIG: &str = "[side.evil]\ncommand = [\"sh\", \"-c\", \"EVIL\"]\n[side.legacy]\ncommand = [\"sh\", \"-c\", \"EVIL\"]\n\
     [side.unified]\ncommand = [\"sh\", \"-c\", \"EVIL\"]\n[policy.sizes]\nbytes_warn = 0.05\n";

const CORPUS_TEXT: &str = "name = \"compare\"\ntitle = \"t\"\nsignal = \"logs\"\nkind = \"compact\"\nprovokes = []\nrows = 20\ninputs = 2\n\
     [generator]\nkind = \"production\"\n";

/// The documents and files of a bundle.
struct Packed {
    contents: Value,
    report: Value,
    line: Value,
    job: Value,
    config: Vec<u8>,
    policy: Vec<u8>,
    corpus: Vec<u8>,
}

impl Packed {
    fn new(kind: usize, places: &Places) -> Self {
        let work = KINDS[kind % KINDS.len()];
        let command = if work == "outputs" {
            json!(["parallax", "compare", "a", "b"])
        } else {
            json!(["parallax", "run"])
        };
        let recorded = work == "outputs";
        Self {
            contents: json!({"schema_version": 1, "tool": {"name": "parallax", "version": "0.1.0", "profile": "debug", "crates": {}},
                "job": "compare", "mode": if recorded { "compare" } else { "run" }, "command": command, "work": work, "seed": 7,
                "recorded_baseline": recorded, "recorded_candidate": recorded, "config": true, "policy": true}),
            report: json::report_of_a_comparison(),
            line: json!({"id": "compare", "signal": "logs", "kind": "compact", "inputs": ["inputs/00000-a.parquet"]}),
            job: json!({"schema_version": 1, "id": "compare", "inputs": [places.filled("OUT/outside.parquet")]}),
            config: places.filled(EVIL_CONFIG).into_bytes(),
            policy: include_bytes!("../sound/policy.toml").to_vec(),
            corpus: CORPUS_TEXT.as_bytes().to_vec(),
        }
    }

    fn change(&mut self, input: &mut Input<'_>, places: &Places) {
        let command = self.contents.get_mut("command").and_then(Value::as_array_mut);
        match (input.byte() % 12, command) {
            (0..=3, Some(command)) => {
                let at = input.below(command.len() + 1);
                let words = places.words(WORDS[input.below(WORDS.len())]);
                command.splice(at..at, words);
            }
            (4, _) => {
                let words = places.words(COMMANDS[input.below(COMMANDS.len())]);
                set(&mut self.contents, "command", json!(words));
            }
            (5, _) => json::change(&mut self.contents, input),
            (6, _) => json::change(&mut self.report, input),
            (7, _) => json::change(&mut self.line, input),
            (8, _) => {
                let named =
                    ["OUT/outside.parquet", "../outside.parquet", "inputs/*", "/etc", "..", "inputs/../../*"];
                let named = json!(places.filled(named[input.below(named.len())]));
                match input.byte() % 3 {
                    0 => set(&mut self.line, "inputs", json!([named])),
                    1 => set(&mut self.line, "baseline", named),
                    _ => set(&mut self.line, "candidate", named),
                }
            }
            (9, _) => {
                set(&mut self.contents, "work", json!(KINDS[input.below(KINDS.len())]));
                set(&mut self.contents, "recorded_candidate", json!(input.byte() < 128));
            }
            (10, _) => {
                self.corpus = places
                    .filled(&CORPUS_TEXT.replace(
                        "rows = 20\ninputs = 2\n[generator]\nkind = \"production\"",
                        "segments = [\"OUT/outside.parquet\"]",
                    ))
                    .into_bytes();
            }
            _ => {
                let texts = [&mut self.config, &mut self.policy, &mut self.corpus];
                let which = input.below(texts.len());
                for text in texts.into_iter().skip(which).take(1) {
                    thrift::change_bytes(text, input);
                }
            }
        }
    }

    fn archive(&self) -> Vec<u8> {
        let text = |value: &Value| value.to_string().into_bytes();
        let segment = || sound::FILES[6].bytes.clone();
        bundle::archive_of(&[
            (CONTENTS, text(&self.contents)),
            (REPORT, text(&self.report)),
            (JOB_LIST, [text(&self.line), b"\n".to_vec()].concat()),
            (JOB, text(&self.job)),
            (CONFIG, self.config.clone()),
            (POLICY, self.policy.clone()),
            (CORPUS, self.corpus.clone()),
            ("inputs/00000-a.parquet", segment()),
            ("outputs/baseline/a.parquet", segment()),
            ("outputs/candidate/a.parquet", segment()),
        ])
    }
}

/// Sets a field of what may by now be no object.
fn set(document: &mut Value, field: &str, value: Value) {
    if let Some(fields) = document.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

/// One execution in the directory `home`.
///
/// # Panics
/// Where one of the assertions does not hold.
pub fn perform(mut input: Input<'_>, home: &Path) {
    let places = Places::new(home);
    let mut packed = Packed::new(input.byte().into(), &places);
    while !input.is_empty() {
        packed.change(&mut input, &places);
    }
    drop(tried(&packed, &places));
}

/// Unpacks and plans, and asserts all that the head of this file says.
fn tried(packed: &Packed, places: &Places) -> Option<Planned> {
    fs::write(&places.bundle, packed.archive()).expect("room for a file");
    let (before, around) = (processes(), places.around());
    let planned = plan(&places.bundle, &places.to, &places.report).ok();
    if let Some(planned) = &planned {
        judge(planned, places);
    }
    assert_eq!(processes(), before, "a process was started");
    assert!(!places.marker.exists(), "a program of the bundle ran");
    assert!(places.around() == around, "something outside of the bundle was changed: {:?}", places.around());
    planned
}

fn judge(planned: &Planned, places: &Places) {
    let within = |path: &Path| {
        path.starts_with(&places.to) && !path.components().any(|part| part == Component::ParentDir)
    };
    let settings = &planned.settings;
    let cancel = parallax::cancel::Cancel::default();
    let place = Workplace { output: &places.to, scratch: &places.to, cancel: &cancel };
    for job in &planned.jobs {
        for path in job.paths() {
            assert!(within(path), "{} is read", path.display());
        }
        for side in settings.baseline.iter().chain([&settings.candidate]) {
            let info = side.info(job.job());
            assert_ne!(info.kind, SideKind::Command, "{info:?}");
            assert!(matches!(side.program(job.job(), &place, &places.to), Ok(None)), "{info:?} is a program");
            if let Some(recorded) = info.name.strip_prefix("dir:") {
                // Without a path: the output that the job list names is not there.
                assert!(recorded.is_empty() || within(Path::new(recorded)), "{recorded} is read");
            }
        }
    }
    let documents = [settings.config.clone(), settings.policy.file.as_ref().map(PathBuf::from)];
    for path in documents.into_iter().flatten() {
        assert!(within(&path), "{} is read", path.display());
    }
    assert_eq!(settings.out, places.report, "the report goes where the user said");
    assert_eq!((settings.noise, settings.resume), (0, false));
    assert!(settings.measure.is_none());
    assert_eq!(settings.threads, std::thread::available_parallelism().map_or(1, usize::from));
    assert_eq!(settings.memory.limit(), Memory::default().limit());
}

/// What the system says of the processes that this one started: memory and time of those that ended, and those that run. Empty where the
/// system says nothing.
fn processes() -> Vec<String> {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name: state, parent, group, session, terminal, its group, flags, minor faults, those of children, ..
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let mut found: Vec<String> =
        [8, 10, 13, 14].iter().filter_map(|at| fields.get(*at).map(ToString::to_string)).collect();
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(Some(children).filter(|children| !children.is_empty()));
    }
    found
}

/// Every sound bundle is planned, every list of words is tried on every kind of job, and a process would be seen.
///
/// # Panics
/// Where it is not so.
pub fn each_alone() {
    let home = tempfile::tempdir().expect("a temporary directory");
    for (kind, name) in KINDS.iter().enumerate() {
        let places = Places::new(home.path());
        let sound = tried(&Packed::new(kind, &places), &places).expect("a sound bundle is planned");
        assert_eq!(sound.jobs.len(), 1);
        let (mut planned, mut refused) = (0, 0);
        for (words, whole) in WORDS.iter().map(|it| (it, false)).chain(COMMANDS.iter().map(|it| (it, true))) {
            let places = Places::new(home.path());
            let mut packed = Packed::new(kind, &places);
            match packed.contents["command"].as_array_mut() {
                Some(command) if !whole => command.extend(places.words(words)),
                _ => packed.contents["command"] = json!(places.words(words)),
            }
            *if tried(&packed, &places).is_some() { &mut planned } else { &mut refused } += 1;
        }
        assert!(planned > 3 && refused > 10, "{name}: {planned} planned, {refused} refused");
    }
    let before = processes();
    if !before.is_empty() {
        std::process::Command::new("true").status().expect("a program");
        assert_ne!(processes(), before, "a process is not seen");
    }
}
