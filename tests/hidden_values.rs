//! Values of `[side.*].env` may be secrets: they reach the side, and no file that is written and no line that is printed.

use std::path::Path;

use crate::support::{Finished, beside, corpus, files_below, parallax};

/// Values that stand nowhere else.
const SECRETS: [&str; 2] = ["hunter2-7391-xyzzy", "correct-horse-4471-battery"];

const CONFIG: &str = "[side.old]\ncommand = [\"sh\", \"side.sh\", \"{output}\", \"{inputs}\"]\nenv = { TOKEN = \"hunter2-7391-xyzzy\" }\n\
     [side.new]\ncommand = [\"sh\", \"side.sh\", \"{output}\", \"{inputs}\"]\n[side.new.env]\nTOKEN = \"hunter2-7391-xyzzy\"\n\
     OTHER = \"correct-horse-4471-battery\"\n";

/// Copies the input. On the job `two` the third input vanishes once, and the candidate, which alone has OTHER, fails.
const SIDE: &str = "echo \"$TOKEN $OTHER\" >> seen\n\
     case \"$2\" in */two.parquet) [ -e gone ] || { touch gone; rm -f three.parquet; }; [ -z \"$OTHER\" ] || { echo failed >&2; exit 7; } ;; esac\n\
     cp \"$2\" \"$1/\"\n";

/// Holds that no file below `root` has one of the values, packed ones unpacked; returns how many files there were.
fn silent(root: &Path) -> usize {
    let files: Vec<_> = files_below(root).into_iter().filter(|path| path.is_file()).collect();
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        for secret in SECRETS {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} is in {}", path.display());
        }
    }
    files.len()
}

fn unspoken(texts: &[&str]) {
    for (text, secret) in texts.iter().flat_map(|text| SECRETS.map(|secret| (text, secret))) {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn values_of_the_environment_are_in_no_report_journal_or_bundle() {
    let (_inputs, inputs) = corpus("compact-one-row");
    let names = ["one", "two", "three"];
    let list: String = names
        .iter()
        .map(|id| format!("{{\"id\": {id:?}, \"signal\": \"logs\", \"inputs\": [\"{id}.parquet\"]}}\n"))
        .collect();
    let run = [
        "run",
        "--job-list",
        "jobs.jsonl",
        "--threads",
        "1",
        "--keep",
        "always",
        "--baseline",
        "cmd:old",
        "--candidate",
        "cmd:new",
    ];
    let (home, mut command) = parallax(&run)
        .with_file("parallax.toml", CONFIG)
        .with_file("side.sh", SIDE)
        .with_file("jobs.jsonl", &list)
        .into_parts();
    for name in names {
        std::fs::copy(&inputs[0], home.path().join(format!("{name}.parquet"))).unwrap();
    }
    let failed = command.output().unwrap();
    assert_eq!(failed.status.code(), Some(2), "{}", String::from_utf8_lossy(&failed.stderr));
    unspoken(&[&String::from_utf8_lossy(&failed.stdout), &String::from_utf8_lossy(&failed.stderr)]);
    let seen = std::fs::read_to_string(home.path().join("seen")).unwrap();
    assert!(
        SECRETS.iter().all(|secret| seen.contains(secret)),
        "the sides have not got their environment: {seen}"
    );
    // Interrupted: the journal, with the keys of the jobs.
    let done = Finished { home, code: None, stdout: String::new(), stderr: String::new() };
    let report = done.path("parallax-report");
    assert!(report.join("progress.jsonl").is_file());
    silent(&report);
    // Finished: every format.
    std::fs::copy(&inputs[0], done.path("three.parquet")).unwrap();
    let (code, stdout, stderr) = beside(&done, &[&run[..], &["--resume", "--format", "json"]].concat());
    assert_eq!(code, Some(1), "{stderr}");
    unspoken(&[&stdout, &stderr]);
    for name in ["report.json", "index.html", "findings.csv"] {
        assert!(report.join(name).is_file(), "{name} is not there: {:?}", files_below(&report));
    }
    assert!(silent(&report) > 5);
    // A job with another value is another job.
    let changed = CONFIG.replace(SECRETS[0], "other");
    std::fs::write(done.path("parallax.toml"), &changed).unwrap();
    let (_, _, stderr) = beside(&done, &[&run[..], &["--resume"]].concat());
    assert!(stderr.contains("0 of 3 jobs taken over"), "{stderr}");
    std::fs::write(done.path("parallax.toml"), CONFIG).unwrap();
    // Packed.
    let (code, stdout, stderr) = beside(
        &done,
        &["bundle", "parallax-report", "--job", "one", "--out", "one.tar.zst", "--allow-root", "."],
    );
    assert_eq!(code, Some(0), "{stderr}");
    unspoken(&[&stdout, &stderr]);
    let open = done.path("open");
    parallax::bundle::archive::unpack(&done.path("one.tar.zst"), &open, 1 << 30).unwrap();
    assert!(std::fs::read_to_string(open.join("parallax.toml")).unwrap().contains("OTHER"));
    assert!(silent(&open) > 5);
    // A bundle of before, which still has them, is repeated without them.
    let (code, stdout, stderr) = beside(&done, &["replay", "one.tar.zst", "--config", "parallax.toml"]);
    assert_eq!(code, Some(0), "{stderr}");
    unspoken(&[&stdout, &stderr]);
    silent(&done.path("parallax-replay"));
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
}
