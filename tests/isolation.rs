//! What an external side can do to inputs, to the other side and to what is left: the rows of the table in
//! `docs/external-sides.md`. The sides are small shell scripts; `$1` is the output, `$2` the first input.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use reports::document::{CheckStatus, Finding, InputsGiven, Report, Role, Severity, Verdict};

use crate::support::{Finished, Invocation, check, corpus, findings, parallax, read_report};

mod identity;
mod outputs;

/// A declared side that is a shell script, with further keys of its table.
fn side(name: &str, script: &str, more: &str) -> String {
    let script = script.replace('{', "{{").replace('}', "}}");
    format!(
        "[side.{name}]\ncommand = [\"sh\", \"-c\", '''{script}''', \"side\", \"{{output}}\", \"{{inputs}}\"]\n{more}\n"
    )
}

/// Does the job by copying the first input.
const COPY: &str = r#"cp "$2" "$1/a.parquet"; "#;

/// Inputs in a directory of their own, each alone in the job of its name.
struct Inputs {
    home: tempfile::TempDir,
    list: String,
}

impl Inputs {
    fn new(jobs: &[&str]) -> Self {
        // Any order of one row is right.
        let (_corpus, inputs) = corpus("compact-one-row");
        let home = tempfile::tempdir().unwrap();
        let mut list = String::new();
        for job in jobs {
            let path = home.path().join(job).join("in.parquet");
            fs::create_dir(path.parent().unwrap()).unwrap();
            fs::copy(&inputs[0], &path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            list.push_str(&format!("{{\"id\": \"{job}\", \"signal\": \"logs\", \"inputs\": [{path:?}]}}\n"));
        }
        Self { home, list }
    }

    fn path(&self, job: &str) -> PathBuf {
        self.home.path().join(job).join("in.parquet")
    }

    /// Everything there is, with kind, permissions and bytes.
    fn print(&self) -> Vec<(PathBuf, u32, Option<Vec<u8>>)> {
        crate::support::files_below(self.home.path())
            .into_iter()
            .map(|path| {
                let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
                let bytes = fs::read(&path).ok();
                (path, mode, bytes)
            })
            .collect()
    }

    fn invocation(&self, sides: &str, words: &[&str]) -> Invocation {
        let fixed = ["run", "--job-list", "jobs.jsonl", "--plain"];
        parallax(&[&fixed[..], words].concat())
            .with_file("parallax.toml", sides)
            .with_file("jobs.jsonl", &self.list)
    }
}

const OLD_NEW: [&str; 4] = ["--baseline", "cmd:old", "--candidate", "cmd:new"];

/// Findings of one job by their code.
fn of_job<'a>(report: &'a Report, job: &str, code: &str) -> Vec<&'a Finding> {
    let job = report.jobs.iter().find(|it| it.id == job).unwrap();
    let found = job.checks.iter().flat_map(|check| &check.findings);
    found.filter(|found| found.code == code).collect()
}

/// What a side may do to its input, and how the report says it.
const ATTACKS: [(&str, &str, &str); 7] = [
    ("append", r#"echo more >> "$2""#, "became"),
    ("truncate", r#": > "$2""#, "bytes became 0"),
    ("bytes", r#"printf X | dd of="$2" bs=1 seek=100 conv=notrunc 2>/dev/null"#, "other bytes"),
    ("remove", r#"rm "$2""#, "removed"),
    ("rename", r#"mv "$2" "$2.old""#, "removed"),
    ("link", r#"cp "$2" "$2.real"; rm "$2"; ln -s in.parquet.real "$2""#, "replaced by a link"),
    ("mode", r#"chmod 600 "$2""#, "permissions were"),
];

/// A script that attacks its input in the job of the attack's name, after it has done its work.
fn attacker() -> String {
    let cases: String = ATTACKS.iter().map(|(name, script, _)| format!("*/{name}/*) {script};;\n")).collect();
    format!("{COPY}\ncase \"$2\" in\n{cases}esac")
}

#[test]
fn a_side_that_changes_its_copy_of_an_input_is_named_and_the_inputs_stay() {
    let names = ATTACKS.map(|it| it.0);
    let inputs = Inputs::new(&names);
    let before = inputs.print();
    for (name, script, said) in ATTACKS {
        let attack = format!("{COPY}{script}");
        let sides = side("old", COPY, "") + &side("new", &attack, "");
        let done = inputs.invocation(&sides, &[&OLD_NEW[..], &["--only", name]].concat()).finish().expect(1);
        assert_eq!(inputs.print(), before, "{name}");
        let report = done.report();
        let found = of_job(&report, name, "errors.inputs-changed");
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!((found[0].side, found[0].severity), (Some(Role::Candidate), Severity::Blocker), "{name}");
        let path = inputs.path(name).display().to_string();
        let message = &found[0].message;
        assert!(message.contains(&path) && message.contains(said), "{name}: {message}");
        assert!(report.headline.contains("the candidate changed its inputs"), "{}", report.headline);
        assert_eq!(check(&report.jobs[0], "ROWS").status, CheckStatus::Pass, "{name}");
        assert_eq!(report.jobs[0].candidate.inputs_given, Some(InputsGiven::Copies));
        assert!(done.leftovers().is_empty(), "{name}: {:?}", done.leftovers());
    }
    // The baseline: nothing fails, and nothing passes.
    let attack = format!("{COPY}rm \"$2\"");
    let sides = side("old", &attack, "") + &side("new", COPY, "");
    let words = [&OLD_NEW[..], &["--only", "remove"]].concat();
    let report = inputs.invocation(&sides, &words).finish().expect(3).report();
    assert_eq!(of_job(&report, "remove", "errors.inputs-changed")[0].side, Some(Role::Baseline));
    assert!(report.headline.contains("the baseline changed its inputs"), "{}", report.headline);
    assert_eq!(inputs.print(), before);
}

#[test]
fn with_isolation_off_a_changed_input_names_the_side_that_was_at_work() {
    let names = ATTACKS.map(|it| it.0);
    let attacked = |baseline: &str, candidate: &str, role: Role, code: i32| {
        let inputs = Inputs::new(&names);
        let sides = side("old", baseline, "") + &side("new", candidate, "");
        let words = [&OLD_NEW[..], &["--isolate", "off"]].concat();
        let done = inputs.invocation(&sides, &words).finish().expect(code);
        let report = done.report();
        for (name, _, said) in ATTACKS {
            let found = of_job(&report, name, "errors.inputs-changed");
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!(found[0].side, Some(role), "{name}");
            assert!(found[0].message.contains(said), "{name}: {}", found[0].message);
        }
        assert!(report.jobs.iter().all(|job| job.verdict != Verdict::Pass));
        assert_eq!(report.jobs[0].candidate.inputs_given, Some(InputsGiven::InPlace));
        assert!(report.jobs[0].replay.contains("--isolate off"), "{}", report.jobs[0].replay);
    };
    let attack = attacker();
    attacked(COPY, &attack, Role::Candidate, 1);
    // The baseline works first: the candidate finds what it left, and is not blamed for it.
    attacked(&attack, "cp \"$2\" \"$1/a.parquet\" || exit 0", Role::Baseline, 1);
    // A built-in side works before an external one.
    let inputs = Inputs::new(&["remove"]);
    let words = ["--baseline", "cmd:old", "--candidate", "unified", "--isolate", "off"];
    let sides = side("old", &attack, "");
    let report = inputs.invocation(&sides, &words).finish().expect(3).report();
    assert_eq!(of_job(&report, "remove", "errors.inputs-changed")[0].side, Some(Role::Baseline));
    assert!(report.jobs[0].candidate.files.iter().any(|file| file.rows > 0));
}

#[test]
fn an_input_that_is_changed_behind_its_copies_leaves_the_job_undecided() {
    let inputs = Inputs::new(&["known"]);
    let path = inputs.path("known");
    // The side knows where the input lies, whatever it is given.
    let attack = format!("{COPY}echo more >> {}", path.display());
    let sides = side("old", COPY, "") + &side("new", &attack, "");
    let report = inputs.invocation(&sides, &OLD_NEW).finish().expect(3).report();
    let found = of_job(&report, "known", "errors.inputs-changed");
    assert_eq!((found.len(), found[0].side), (1, None));
    assert!(found[0].message.contains(&path.display().to_string()), "{}", found[0].message);
    assert!(found[0].message.contains("the candidate"), "{}", found[0].message);
}

#[test]
fn a_side_that_only_reads_passes_and_sees_names_and_partitions_as_they_are() {
    let (_corpus, files) = corpus("compact-heavy-ties");
    let home = tempfile::tempdir().unwrap();
    let mut inputs = Vec::new();
    for folder in ["region=us", "region=eu"] {
        let path = home.path().join("table").join(folder).join("part 0.parquet");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(&files[0], &path).unwrap();
        inputs.push(path);
    }
    // A link is copied as what it leads to.
    let link = home.path().join("table/linked.parquet");
    std::os::unix::fs::symlink(&inputs[0], &link).unwrap();
    inputs.push(link);
    let seen = home.path().join("seen");
    let script = format!(
        "cp \"$2\" \"$1/a.parquet\"; cp \"$3\" \"$1/b.parquet\"; cp \"$4\" \"$1/c.parquet\"; shift; \
         printf '%s\\n' \"$@\" > {0}; [ -L \"$3\" ] && echo link >> {0}; cmp \"$1\" {1:?}",
        seen.display(),
        inputs[0]
    );
    let sides =
        side("old", &script.replace(seen.to_str().unwrap(), "/dev/null"), "") + &side("new", &script, "");
    let list = format!("{{\"id\": \"table\", \"signal\": \"logs\", \"inputs\": {inputs:?}}}\n");
    let done = parallax(&[&["run", "--job-list", "jobs.jsonl"][..], &OLD_NEW].concat())
        .with_file("parallax.toml", &sides)
        .with_file("jobs.jsonl", &list)
        .finish();
    let report = done.report();
    assert_eq!(
        findings(&report).filter(|it| it.code.starts_with("errors.")).count(),
        0,
        "{}",
        report.headline
    );
    assert_eq!(check(&report.jobs[0], "ROWS").status, CheckStatus::Pass);
    let text = fs::read_to_string(&seen).unwrap();
    let given: Vec<&Path> = text.lines().map(Path::new).collect();
    assert_eq!(given.len(), 3, "{given:?}");
    for (copy, original) in given.iter().zip(&inputs) {
        assert!(!copy.starts_with(home.path()), "{copy:?}");
        let below = original.strip_prefix(home.path().join("table")).unwrap();
        assert!(copy.ends_with(below), "{copy:?} {below:?}");
    }
    // What the side says of its copies names the inputs.
    let shown: Vec<&str> = report.jobs[0].inputs.iter().map(|input| input.path.as_str()).collect();
    assert_eq!(shown, inputs.iter().map(|path| path.to_str().unwrap()).collect::<Vec<_>>());
    let sides = side("old", COPY, "") + &side("new", "echo \"cannot read $2: bad\" >&2; exit 1", "");
    let done = Inputs::new(&["said"]);
    let report = done.invocation(&sides, &OLD_NEW).finish().expect(1).report();
    let said = format!("cannot read {}: bad", done.path("said").display());
    assert!(findings(&report).any(|found| found.message.contains(&said)), "{}", report.headline);
}

#[test]
fn each_further_run_has_copies_and_what_it_does_to_them_is_named() {
    let inputs = Inputs::new(&["again"]);
    let count = inputs.home.path().join("count");
    fs::write(&count, "").unwrap();
    // The second run, not the first.
    let script =
        format!("{COPY} echo x >> {0}; [ $(wc -l < {0}) = 2 ] && echo more >> \"$2\"; true", count.display());
    let sides = side("old", COPY, "") + &side("new", &script, "");
    let before = fs::read(inputs.path("again")).unwrap();
    let words = [&OLD_NEW[..], &["--noise", "1"]].concat();
    let report = inputs.invocation(&sides, &words).finish().expect(1).report();
    let found = of_job(&report, "again", "errors.inputs-changed");
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("the candidate changed its inputs in run 2"), "{}", found[0].message);
    assert_eq!(fs::read(inputs.path("again")).unwrap(), before);
    assert!(fs::read_to_string(&count).unwrap().lines().count() >= 2);
}

#[test]
fn a_measured_side_has_copies_and_does_not_pass_when_it_changes_them() {
    let inputs = Inputs::new(&["measured"]);
    let before = inputs.print();
    let path = inputs.path("measured").display().to_string();
    let bench = |script: &str, more: &[&str]| -> Finished {
        let sides = side("old", COPY, "") + &side("new", script, "");
        let words = ["--measure", "6", "--max-pairs", "6", "--least-ms", "0", "--half-ms", "0"];
        let fixed = ["bench", "--job-list", "jobs.jsonl"];
        parallax(&[&fixed[..], &OLD_NEW, &words, more].concat())
            .with_file("parallax.toml", &sides)
            .with_file("jobs.jsonl", &inputs.list)
            .finish()
    };
    let honest = bench(COPY, &[]).report();
    let measurement = honest.jobs[0].measurement.clone().unwrap();
    assert_eq!((measurement.failure, measurement.pairs), (None, 6));
    assert_eq!(honest.jobs[0].candidate.inputs_given, Some(InputsGiven::Copies));
    let attack = format!("{COPY}: > \"$2\"");
    for more in [&[][..], &["--isolate", "off"]] {
        let done = bench(&attack, more);
        assert_ne!(done.code, Some(0));
        let report = read_report(&done.path("parallax-report/report.json"), &done.stderr);
        let failure = report.jobs[0].measurement.as_ref().unwrap().failure.clone().unwrap();
        assert!(failure.contains("the candidate") && failure.contains(&path), "{failure}");
        assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
        if more.is_empty() {
            assert_eq!(inputs.print(), before);
        }
    }
}

#[test]
fn a_disk_too_small_for_the_copies_ends_the_run_and_blames_no_side() {
    let Some(disk) = crate::disk::SmallDisk::new("96k") else { return };
    let inputs = Inputs::new(&["large"]);
    let path = inputs.path("large");
    let (_corpus, files) = corpus("compact-production");
    fs::copy(&files[0], &path).unwrap();
    assert!(fs::metadata(&path).unwrap().len() > 96 << 10);
    let sides = side("old", COPY, "") + &side("new", COPY, "");
    let words = [&OLD_NEW[..], &["--tmp-dir", disk.path().to_str().unwrap()]].concat();
    let done = inputs.invocation(&sides, &words).finish().expect(2);
    assert!(done.stderr.contains("cannot copy the input"), "{}", done.stderr);
    assert!(done.stderr.to_lowercase().contains("no space"), "{}", done.stderr);
    assert!(crate::support::files_below(disk.path()).is_empty());
}
