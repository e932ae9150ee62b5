//! Honest writers of others pass: the Python side with its random file names, other split, other codec, other row groups and
//! other order of ties, as candidate and as baseline, with and without a manifest.

use std::process::Command;

use reports::document::CheckStatus;

use crate::support::{check, parallax, python_has};

fn python() -> bool {
    python_has("pyarrow", "PARALLAX_REQUIRE_PYARROW")
}

fn configuration() -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/pyarrow_side.py");
    let side = |name: &str, more: &str| {
        format!(
            "[side.{name}]\ncommand = [\"python3\", {script:?}, \"--job\", \"{{job}}\", \"--output\", \"{{output}}\"{more}]\n\
             timeout = \"5m\"\n"
        )
    };
    side("plain", ", \"--codec\", \"brotli\", \"--row-group-rows\", \"3001\"")
        + &side("told", ", \"--manifest\"")
}

/// Corpora that between them hold ties, several inputs with different schemas, hours, missing and NaN timestamps.
const CORPORA: &[&str] = &[
    "compact-heavy-ties",
    "compact-sparse-columns",
    "compact-rows-per-file",
    "compact-production",
    "ingest-interleaved-hours",
    "ingest-float-timestamps",
];

fn passes(baseline: &str, candidate: &str) {
    let mut arguments = vec!["run", "--baseline", baseline, "--candidate", candidate];
    for corpus in CORPORA {
        arguments.extend(["--corpus", corpus]);
    }
    let finished = parallax(&arguments).with_file("parallax.toml", &configuration()).finish().expect(0);
    for job in &finished.report().jobs {
        assert_eq!(check(job, "ROWS").status, CheckStatus::Pass, "{}", job.id);
        assert!(check(job, "ROWS").coverage.rows > 0, "{}", job.id);
    }
}

#[test]
fn a_side_in_another_language_passes_as_candidate_with_and_without_manifest() {
    if python() {
        passes("legacy", "cmd:plain");
        passes("legacy", "cmd:told");
    }
}

#[test]
fn a_side_in_another_language_passes_as_baseline_with_and_without_manifest() {
    if python() {
        passes("cmd:plain", "unified");
        passes("cmd:told", "unified");
    }
}

#[test]
fn an_external_candidate_that_fails_fails_the_run_and_a_baseline_leaves_it_undecided() {
    let configuration = "[side.crash]\ncommand = [\"sh\", \"-c\", \"echo out of luck >&2; exit 7\"]\n\
                         [side.hang]\ncommand = [\"sleep\", \"600\"]\ntimeout = \"300ms\"\n\
                         [side.killed]\ncommand = [\"sh\", \"-c\", \"kill -KILL $$\"]\n\
                         [side.garbage]\ncommand = [\"sh\", \"-c\", \"echo junk > $0/part.parquet\", \"{output}\"]\n";
    for (side, says) in
        [("crash", "out of luck"), ("hang", "300ms"), ("killed", "memory"), ("garbage", "part.parquet")]
    {
        let name = format!("cmd:{side}");
        let run = |flag: &str| {
            parallax(&["run", "--corpus", "compact-heavy-ties", flag, &name])
                .with_file("parallax.toml", configuration)
                .finish()
        };
        let candidate = run("--candidate").expect(1);
        let text = std::fs::read_to_string(candidate.path("parallax-report/report.json")).unwrap();
        assert!(text.contains(says), "{side}: {text}");
        assert!(candidate.leftovers().is_empty(), "{:?}", candidate.leftovers());
        run("--baseline").expect(3);
    }
}

#[test]
fn every_file_that_others_write_is_equal_to_itself_and_true_of_its_data() {
    if !python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let zoo = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/zoo.py");
    let written = Command::new("python3").arg(zoo).arg(folder.path()).output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let files: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 45, "{} files", files.len());
    for file in files {
        let file = file.to_str().unwrap();
        let finished = parallax(&["compare", "--allow-same", file, file]).finish().expect(0);
        let job = &finished.report().jobs[0];
        for code in ["ROWS", "SCHEMA", "LAYOUT"] {
            assert_eq!(check(job, code).status, CheckStatus::Pass, "{file}: {code}");
        }
        assert!(check(job, "ROWS").coverage.rows > 0, "{file}");
    }
}
