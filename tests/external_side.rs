//! External sides: the contract of `docs/external-sides.md`, driven with small shell scripts, and the Python example.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parallax::cancel::Cancel;
use parallax::config::{Config, SideConfig};
use parallax::error::Result;
use parallax::job::{Expected, Job, JobKind, Recorded};
use parallax::side::command::Command;
use parallax::side::{Side, SideRun, Workplace};
use reports::document::{SideKind, SideOutcome};
use reports::manifest::ErrorClass;

mod pyarrow;

/// A job, a workplace and a side that is to do the job there.
struct Bench {
    root: tempfile::TempDir,
    job: Job,
    config: SideConfig,
    cancel: Cancel,
}

/// A failed outcome, taken apart.
#[derive(Debug)]
struct Failed {
    class: ErrorClass,
    message: String,
    exit_status: Option<i32>,
    signal: Option<i32>,
    stderr: String,
}

impl Bench {
    fn new(command: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["work/output", "work/scratch", "config"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let job = Job {
            id: "job-1".into(),
            signal: None,
            kind: JobKind::Compact,
            inputs: vec![PathBuf::from("in/one.parquet"), PathBuf::from("/in/two three.parquet")],
            parameters: corpora::parameters::Parameters {
                target_size: Some(1000),
                ..corpora::parameters::Parameters::default()
            },
            parameter_origins: Vec::new(),
            corpus: None,
            expected: Expected::default(),
            recorded: Recorded::default(),
        };
        let config = SideConfig {
            command: command.iter().map(|&text| text.to_owned()).collect(),
            env: [("SIDE_COLOUR".to_owned(), "blue".to_owned())].into(),
            timeout: Duration::from_secs(60),
            depends: Vec::new(),
            env_names: Vec::new(),
        };
        Self { root, job, config, cancel: Cancel::default() }
    }

    /// A side that is a shell script; further arguments are `$1`, `$2` ...
    fn script(script: &str, arguments: &[&str]) -> Self {
        // The script comes to the shell through the side's own templates, where braces are doubled.
        let script = script.replace('{', "{{").replace('}', "}}");
        Self::new(&[&["sh", "-c", &script, "side"], arguments].concat())
    }

    fn side(&self) -> Command {
        Command::new("tried", &self.config, &self.root.path().join("config")).unwrap()
    }

    fn output(&self) -> PathBuf {
        self.root.path().join("work/output")
    }

    fn perform(&self) -> Result<SideRun> {
        let side = Command::new("tried", &self.config, &self.root.path().join("config"))?;
        let (output, scratch) = (self.output(), self.root.path().join("work/scratch"));
        side.perform(&self.job, &Workplace { output: &output, scratch: &scratch, cancel: &self.cancel })
    }

    fn failed(&self) -> Failed {
        match self.perform().unwrap().outcome {
            SideOutcome::Failed { failure, exit_status, signal, stderr } => Failed {
                class: failure.class,
                message: failure.message,
                exit_status,
                signal,
                stderr: stderr.unwrap_or_default(),
            },
            other => panic!("expected a failure, got {other:?}"),
        }
    }

    fn completed(&self) -> SideRun {
        let run = self.perform().unwrap();
        assert_eq!(run.outcome, SideOutcome::Completed);
        run
    }

    /// Text of a file that the script wrote into its output.
    fn wrote(&self, name: &str) -> String {
        fs::read_to_string(self.output().join(name)).unwrap()
    }

    /// Process id that the script wrote.
    fn pid(&self) -> String {
        self.wrote("pid").trim().to_owned()
    }
}

/// True where a process runs; one that ended and was not reaped does not.
fn runs(pid: &str) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X']),
        Err(_) => false,
    }
}

#[test]
fn a_side_gets_the_job_the_lists_the_environment_and_no_input() {
    let bench = Bench::script(
        r#"cp "$1" "$2/job"; cp "$3" "$2/list"; shift 3; printf '%s\n' "$@" > "$OUT/arguments"
           echo "$SIDE_COLOUR" > "$OUT/colour"; echo "$TMPDIR" > "$OUT/tmpdir"; pwd > "$OUT/pwd"; cat > "$OUT/stdin""#,
        &["{job}", "{output}", "{input_list}", "{inputs}", "last $HOME *"],
    );
    let mut bench = bench;
    bench.config.env.insert("OUT".into(), bench.output().display().to_string());
    let run = bench.completed();
    assert_eq!(run.output, bench.output());
    assert_eq!(run.manifest, None);
    assert!(run.duration.is_some());

    let here = std::env::current_dir().unwrap().join("in/one.parquet").display().to_string();
    let document: serde_json::Value = serde_json::from_str(&bench.wrote("job")).unwrap();
    assert_eq!(
        document,
        serde_json::json!({
            "schema_version": 1, "id": "job-1", "signal": null, "kind": "compact",
            "inputs": [here, "/in/two three.parquet"], "parameters": {"target_size": 1000},
        })
    );
    assert_eq!(bench.wrote("list"), format!("{here}\n/in/two three.parquet\n"));
    assert_eq!(bench.wrote("arguments"), format!("{here}\n/in/two three.parquet\nlast $HOME *\n"));
    assert_eq!(bench.wrote("colour"), "blue\n");
    let scratch = bench.root.path().join("work/scratch");
    assert_eq!(bench.wrote("tmpdir"), format!("{}\n", scratch.display()));
    assert_eq!(
        PathBuf::from(bench.wrote("pwd").trim()),
        bench.root.path().join("config").canonicalize().unwrap(),
        "it runs in the folder of the configuration"
    );
    assert_eq!(bench.wrote("stdin"), "");
    assert_eq!(run.scratch_left, Vec::<String>::new(), "the papers of the job are no leak");
    let beside: Vec<_> = fs::read_dir(bench.root.path().join("work")).unwrap().collect();
    assert_eq!(beside.len(), 2, "the papers of the job are gone: {beside:?}");
}

#[test]
fn a_manifest_is_handed_on_in_its_order() {
    let bench = Bench::script(
        r#"echo '{"files": [{"path": "b.parquet", "record_count": 2}, {"path": "a.parquet"}]}' > "$1/manifest.json""#,
        &["{output}"],
    );
    let manifest = bench.completed().manifest.unwrap();
    let paths: Vec<_> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["b.parquet", "a.parquet"]);
}

#[test]
fn what_is_left_in_the_scratch_directory_is_told() {
    let bench =
        Bench::script(r#"mkdir -p "$TMPDIR/full" "$TMPDIR/empty"; : > "$TMPDIR/full/spill.tmp""#, &[]);
    assert_eq!(bench.completed().scratch_left, ["empty/", "full/spill.tmp"]);
}

#[test]
fn a_program_with_a_slash_is_looked_for_from_the_folder_of_the_configuration() {
    let bench = Bench::new(&["./tools/shell", "-c", "exit 0"]);
    let tools = bench.root.path().join("config/tools");
    fs::create_dir(&tools).unwrap();
    std::os::unix::fs::symlink("/bin/sh", tools.join("shell")).unwrap();
    bench.completed();
    let side = Command::new("tried", &bench.config, &bench.root.path().join("config")).unwrap();
    let info = side.info(&bench.job);
    assert_eq!((info.name.as_str(), info.kind), ("cmd:tried", SideKind::Command));
    assert_eq!(info.command, [tools.join("shell").display().to_string(), "-c".into(), "exit 0".into()]);
}

#[test]
fn a_non_zero_exit_is_a_failed_side_with_the_end_of_its_stderr() {
    let failed = Bench::script("echo first >&2; echo '  disk on fire  ' >&2; exit 7", &[]).failed();
    assert_eq!(failed.class, ErrorClass::Side);
    assert_eq!((failed.exit_status, failed.signal), (Some(7), None));
    assert_eq!(failed.stderr, "first\n  disk on fire  \n");
    assert_eq!(failed.message, "cmd:tried exited with status 7: disk on fire");
}

#[test]
fn a_flood_of_output_blocks_nobody_and_is_kept_only_at_its_end() {
    let failed = Bench::script(
        "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero | tr '\\0' x >&2; echo END >&2; exit 1",
        &[],
    )
    .failed();
    assert!(failed.stderr.starts_with("[2934468 bytes before this were cut]\nxxx"), "{:.60}", failed.stderr);
    assert!(failed.stderr.ends_with("xxxEND\n"));
    assert_eq!(failed.stderr.len(), "[2934468 bytes before this were cut]\n".len() + (64 << 10));
    assert!(failed.message.len() < 400, "a long line is cut in the message");
}

#[test]
fn a_side_that_hangs_is_ended_with_its_whole_process_group() {
    let mut bench = Bench::script(r#"sleep 600 & echo $! > "$1/pid"; echo waiting >&2; wait"#, &["{output}"]);
    bench.config.timeout = Duration::from_millis(700);
    let started = Instant::now();
    let failed = bench.failed();
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(failed.class, ErrorClass::Side);
    assert_eq!(
        failed.message,
        "cmd:tried did not end within 700ms and was ended; raise its `timeout` if it needs longer"
    );
    assert_eq!(failed.stderr, "waiting\n");
    assert!(!runs(&bench.pid()), "the grandchild is gone");
}

#[test]
fn a_side_that_ignores_the_request_to_end_is_killed_after_a_grace() {
    let mut bench = Bench::script(
        r#"trap '' TERM; sleep 600 & echo $! > "$1/pid"; while :; do sleep 600; done"#,
        &["{output}"],
    );
    bench.config.timeout = Duration::from_millis(700);
    let started = Instant::now();
    let failed = bench.failed();
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(2700) && took < Duration::from_secs(20), "{took:?}");
    assert!(failed.message.contains("did not end within"), "{}", failed.message);
    assert!(!runs(&bench.pid()), "the grandchild is gone");
}

#[test]
fn what_a_side_leaves_running_is_ended_and_told() {
    let bench = Bench::script(r#"sleep 600 & echo $! > "$1/pid"; exit 3"#, &["{output}"]);
    let failed = bench.failed();
    assert_eq!(failed.exit_status, Some(3));
    assert_eq!(failed.stderr, "[processes that the side left running were ended]");
    assert!(!runs(&bench.pid()));

    let bench = Bench::script(r#"sleep 600 & echo $! > "$1/pid""#, &["{output}"]);
    bench.completed();
    assert!(!runs(&bench.pid()), "after success too");
}

#[test]
fn a_process_that_left_the_group_cannot_hold_the_harness_up() {
    let bench = Bench::script("setsid sleep 8 & exit 5", &[]);
    let started = Instant::now();
    let failed = bench.failed();
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    assert_eq!(failed.exit_status, Some(5));
    assert!(failed.stderr.contains("outside the side's group"), "{}", failed.stderr);
}

#[test]
fn a_side_that_something_else_killed_failed() {
    // Where the system does not count what it kills for want of memory, a killed side is not blamed.
    if !parallax::oom::Kills::now().are_counted() {
        eprintln!("skipped: this system does not count kills for want of memory");
        return;
    }
    let failed = Bench::script("echo big >&2; kill -KILL $$", &[]).failed();
    assert_eq!((failed.exit_status, failed.signal), (None, Some(9)));
    assert!(
        failed.message.contains("SIGKILL: big; the system counted no kill for want of memory"),
        "{}",
        failed.message
    );
    assert_eq!(failed.stderr, "big\n");

    let failed = Bench::script("sh -c 'kill -KILL $$'; exit $?", &[]).failed();
    assert_eq!(failed.exit_status, Some(137));
    assert!(failed.message.contains("something else sent that signal"), "{}", failed.message);

    let failed = Bench::script("kill -SEGV $$", &[]).failed();
    assert_eq!(failed.signal, Some(11));
    assert!(!failed.message.contains("memory"), "{}", failed.message);
}

#[test]
fn a_program_that_cannot_be_started_is_an_error_of_the_configuration_and_a_list_too_long_of_the_side() {
    let bench = |name: &str, text: &str, executable: bool| {
        use std::os::unix::fs::PermissionsExt;
        let bench = Bench::new(&[name]);
        let path = bench.root.path().join("config/program");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
            .unwrap();
        bench
    };
    for (name, text, executable, said) in [
        ("./no-such-program", "", true, "could not be started"),
        ("no-such-program-in-path", "", true, "to have it looked for in PATH"),
        ("./program", "no program", false, "make it executable"),
        ("./program", "#!/no/such/interpreter -x\n", true, "the interpreter /no/such/interpreter"),
        ("./program", "#!/usr/bin/env no-such-interpreter\n", true, "the interpreter no-such-interpreter"),
    ] {
        let bench = bench(name, text, executable);
        let error = bench.side().startable().unwrap_err();
        assert_eq!(error.class, ErrorClass::Config, "{name}");
        assert!(error.message.contains(said), "{error}");
    }
    // Nothing but starting it shows that it is no program; it ends the run all the same.
    let bench = bench("./program", "no program", true);
    bench.side().startable().unwrap();
    let error = bench.perform().unwrap_err();
    assert_eq!(error.class, ErrorClass::Config);
    assert!(error.message.contains("a script without `#!`"), "{error}");
    Bench::new(&["true"]).side().startable().unwrap();
    let mut bench = Bench::new(&["true", "{inputs}"]);
    bench.job.inputs = (0..200_000).map(|n| PathBuf::from(format!("/segments/{n:040}.parquet"))).collect();
    let failed = bench.failed();
    assert!(failed.message.contains("use {input_list}"), "{}", failed.message);
}

#[test]
fn a_manifest_that_is_garbage_or_leads_outside_fails_a_side_that_ended_well() {
    for (text, reason) in [
        ("garbage", "expected a JSON object"),
        (r#"{"files": [{"path": "../elsewhere.parquet"}]}"#, "leaves the output directory"),
        (r#"{"files": [{"path": "/tmp/elsewhere.parquet"}]}"#, "is absolute"),
        (r#"{"files": [], "note": "hi"}"#, "unknown field `note`"),
    ] {
        let failed =
            Bench::script(r#"printf %s "$2" > "$1/manifest.json""#, &["{output}", &doubled(text)]).failed();
        assert_eq!((failed.class, failed.exit_status), (ErrorClass::Side, Some(0)));
        assert!(failed.message.contains("unusable manifest"), "{}", failed.message);
        assert!(failed.message.contains(reason), "{}", failed.message);
    }
}

#[test]
fn a_failure_document_gives_the_class_whatever_the_exit_status() {
    let document = r#"{"error": {"class": "schema-conflict", "message": "column a has two types"}}"#;
    for status in ["2", "0"] {
        let bench = Bench::script(
            r#"printf %s "$2" > "$1/manifest.json"; echo said >&2; exit $3"#,
            &["{output}", &doubled(document), status],
        );
        let failed = bench.failed();
        assert_eq!(failed.class, ErrorClass::SchemaConflict);
        assert_eq!(failed.message, "column a has two types");
        assert_eq!(failed.exit_status, Some(status.parse().unwrap()));
        assert_eq!(failed.stderr, "said\n");
    }
}

#[test]
fn a_manifest_does_not_make_a_failed_side_a_completed_one() {
    let bench = Bench::script(r#"echo '{"files": []}' > "$1/manifest.json"; exit 1"#, &["{output}"]);
    let run = bench.perform().unwrap();
    assert!(matches!(run.outcome, SideOutcome::Failed { exit_status: Some(1), .. }), "{:?}", run.outcome);
    assert_eq!(run.manifest, None);
}

#[test]
fn an_interruption_is_an_error_once_the_group_is_gone() {
    let bench =
        Bench::script(r#"sleep 600 & echo $! > "$1/pid.new"; mv "$1/pid.new" "$1/pid"; wait"#, &["{output}"]);
    let (cancel, pid) = (bench.cancel.clone(), bench.output().join("pid"));
    let asking = std::thread::spawn(move || {
        let until = Instant::now() + Duration::from_secs(30);
        while !pid.exists() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        cancel.request();
    });
    let error = bench.perform().unwrap_err();
    asking.join().unwrap();
    assert_eq!(error.class, ErrorClass::Cancelled);
    assert!(!runs(&bench.pid()), "the grandchild is gone");
    assert!(bench.perform().is_err(), "nothing is started after a request to stop");
}

#[test]
fn an_input_path_that_a_list_cannot_carry_is_an_input_error() {
    let mut bench = Bench::script("exit 0", &["{input_list}"]);
    bench.job.inputs = vec![PathBuf::from("/in/a\nb.parquet")];
    assert_eq!(bench.perform().unwrap_err().class, ErrorClass::Input);
    bench.config.command.retain(|argument| argument != "{input_list}");
    bench.completed();
}

#[test]
fn the_configurations_in_the_documentation_are_understood() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/external-sides.md");
    let text = fs::read_to_string(&page).unwrap();
    let snippets: Vec<_> =
        text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(snippets.len() >= 2, "the page shows configurations");
    for snippet in snippets {
        let config = Config::parse(snippet, &page).unwrap();
        for (name, side) in &config.sides {
            Command::new(name, side, Path::new("/configured")).unwrap();
        }
    }
}

/// A text with its braces doubled, as it stands literally in a declared argument.
fn doubled(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}
