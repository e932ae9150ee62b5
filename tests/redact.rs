//! `--redact` through the program: secrets are planted in the data, and looked for in everything that leaves it.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use super::support::{Finished, beside, files_below, parallax, read_report};

/// In values that are equal, that differ, that pair rows, that group them, and in a number.
const SECRETS: [&str; 5] = ["hunter2", "geheimnis", "kunde-4711", "pass=wort", "8675309123"];

fn write(dir: &Path, side: &str) {
    std::fs::create_dir_all(dir).unwrap();
    let ids: Vec<i64> = (0..50).map(|row| 8_675_309_123 + row).collect();
    let messages: Vec<String> = (0..50).map(|row| format!("pass=wort {row} hunter2 {side}")).collect();
    let customers: Vec<&str> =
        (0..50).map(|row| if row % 2 == 0 { "kunde-4711" } else { "geheimnis" }).collect();
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(Int64Array::from(ids))),
        ("message", Arc::new(StringArray::from(messages))),
        ("customer", Arc::new(StringArray::from(customers))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let target = std::fs::File::create(dir.join("part-geheimnis.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(target, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// A comparison of two outputs that hold secrets; `more` are further arguments.
fn compared(more: &[&str]) -> Finished {
    let home = tempfile::tempdir().unwrap();
    let (old, new) = (home.path().join("old"), home.path().join("new"));
    write(&old, "A");
    write(&new, "B");
    let mut arguments = vec!["compare", old.to_str().unwrap(), new.to_str().unwrap()];
    arguments.extend(["--key", "id", "--sort-key", "message", "--by", "customer,file", "--ci", "github"]);
    arguments.extend(more);
    let (home, mut command) = parallax(&arguments).into_parts();
    command.env("GITHUB_STEP_SUMMARY", home.path().join("step-summary.md"));
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Finished { home, code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
        .expect(1)
}

/// What left the program, by name: every file of the report, the streams, the summary of the job.
fn told(done: &Finished) -> Vec<(String, String)> {
    let mut all =
        vec![("stdout".to_owned(), done.stdout.clone()), ("stderr".to_owned(), done.stderr.clone())];
    let report = done.path("parallax-report");
    let left = if report.is_dir() { files_below(&report) } else { Vec::new() };
    for file in left.into_iter().chain([done.path("step-summary.md")]) {
        if file.is_file() {
            let bytes = std::fs::read(&file).unwrap();
            all.push((file.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    all
}

fn assert_silent(done: &Finished) {
    let all = told(done);
    assert!(all.len() >= 14, "{}", all.len());
    for (name, text) in &all {
        assert!(!name.ends_with(".parquet"), "{name}: data in a report that was redacted");
        for secret in SECRETS {
            assert!(!text.contains(secret), "{name} holds {secret}");
        }
    }
}

#[test]
fn a_redacted_comparison_tells_no_secret_anywhere_and_keeps_nothing() {
    // The test would be worth nothing if the raw report did not hold them.
    let raw: String = told(&compared(&[])).into_iter().map(|(_, text)| text).collect();
    for secret in SECRETS {
        assert!(raw.contains(secret), "{secret} is in no raw format");
    }
    let done = compared(&["--redact"]);
    assert_silent(&done);
    assert_eq!(done.leftovers(), Vec::<std::path::PathBuf>::new());
    let report = done.report();
    assert_eq!(report.jobs[0].rows.as_ref().unwrap().changed, 50);
    assert!(report.redacted.is_some());
    assert!(done.stdout.contains("REDACTED"), "{}", done.stdout);
}

#[test]
fn the_raw_report_is_kept_apart_and_resolves_digests() {
    let done = compared(&["--redact", "--raw-out", "vault"]);
    assert_silent(&done);
    let raw = read_report(&done.path("vault/report.json"), "");
    assert!(done.path("vault/differences/compare.parquet").is_file());
    let redacted = done.report();
    let value = |report: &reports::document::Report| {
        report.jobs[0].rows.as_ref().unwrap().samples[0].cells[0].candidate.text.clone().unwrap()
    };
    let (digest, secret) = (value(&redacted), value(&raw));
    assert!(digest.starts_with('~') && secret.contains("hunter2"), "{digest} {secret}");
    let (code, text, told) = beside(&done, &["report", "--resolve", &digest, "--raw", "vault"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(text.starts_with(&format!("{secret}\n")) && text.contains("/candidate/text"), "{text}");
    let (code, _, told) = beside(&done, &["report", "--resolve", "~0000000000000000", "--raw", "vault"]);
    assert_eq!((code, told.contains("is no digest of the raw document")), (Some(2), true), "{told}");
    // The same raw directory keeps its key: digests of two reports compare.
    let (code, _, told) = beside(&done, &["report", "vault/report.json", "--out", "again", "--redact"]);
    assert_eq!(code, Some(1), "{told}");
    let again = read_report(&done.path("again/report.json"), "");
    assert_ne!(again.redacted, redacted.redacted, "without the raw directory the key is another");
    assert_eq!(again.totals, redacted.totals);
    for file in files_below(&done.path("again")) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{}", file.display());
    }
    let (code, _, told) =
        beside(&done, &["bundle", "parallax-report", "--job", "compare", "--out", "x.tar.zst"]);
    assert_eq!((code, told.contains("is redacted")), (Some(2), true), "{told}");
}

#[test]
fn directories_that_lie_in_one_another_are_refused_and_raw_needs_redact() {
    for arguments in [
        ["run", "--corpus", "ingest-unicode", "--redact", "--raw-out", "parallax-report/raw"],
        ["run", "--corpus", "ingest-unicode", "--redact", "--raw-out", "parallax-report"],
    ] {
        let done = parallax(&arguments).finish().expect(2);
        assert!(done.stderr.contains("must not lie in one another"), "{}", done.stderr);
    }
    parallax(&["run", "--corpus", "ingest-unicode", "--raw-out", "raw"]).finish().expect(2);
    let done = parallax(&["run", "--corpus", "ingest-unicode", "--redact", "--resume"]).finish().expect(2);
    assert!(done.stderr.contains("--raw-out"), "{}", done.stderr);
}

#[test]
fn a_redacted_run_of_both_writers_with_a_fault_keeps_outputs_and_journal_out_of_the_report() {
    let arguments =
        ["run", "--corpus", "ingest-unicode", "--candidate", "fault:change-character", "--redact"];
    let done = parallax(&arguments).finish().expect(1);
    for file in files_below(&done.path("parallax-report")) {
        assert!(file.is_file(), "{} is a folder", file.display());
    }
    assert!(done.report().redacted.is_some());
    assert_eq!(done.leftovers(), Vec::<std::path::PathBuf>::new());
}

/// `parallax` with a redaction, in a directory where files lie whose names and contents are secrets.
fn refused(arguments: &[&str]) -> Finished {
    let (home, mut command) = parallax(arguments)
        .with_file("kunde-4711.parquet", "hunter2 is no Parquet file")
        .with_file("geheimnis.toml", "[policy]\nhunter2 = \"pass=wort\"\n")
        .with_file("kunde-4711.jsonl", "{\"id\": \"hunter2\", \"geheimnis\": 8675309123}\n")
        .into_parts();
    std::fs::create_dir(home.path().join("geheimnis")).unwrap();
    std::fs::write(home.path().join("geheimnis/hunter2"), "somebody's").unwrap();
    command.env("GITHUB_STEP_SUMMARY", home.path().join("step-summary.md"));
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Finished { home, code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
        .expect(2)
}

/// Commands that cannot be done, each with a secret in its message and with the class that is told.
const REFUSED: [(&str, &[&str]); 8] = [
    ("input", &["run", "--corpus", "nowhere/geheimnis-hunter2.parquet"]),
    ("input", &["run", "--corpus", "./kunde-4711.parquet"]),
    ("config", &["run", "--corpus", "ingest-unicode", "--config", "geheimnis.toml"]),
    ("config", &["bench", "--job-list", "kunde-4711.jsonl"]),
    ("usage", &["run", "--corpus", "ingest-unicode", "--out", "geheimnis"]),
    ("input", &["compare", "kunde-4711.parquet", "kunde-4711.parquet"]),
    ("input", &["verify", "geheimnis", "--signal", "logs"]),
    ("input", &["report", "kunde-4711/report.json", "--out", "x"]),
];

#[test]
fn what_could_not_be_done_is_told_by_its_class_and_its_message_goes_to_the_raw_directory() {
    for (class, arguments) in REFUSED {
        let raw = refused(arguments);
        assert!(SECRETS.iter().any(|secret| raw.stderr.contains(secret)), "{arguments:?}: {}", raw.stderr);
        let said = raw.stderr.trim().trim_start_matches("parallax: ").to_owned();
        let ci: &[&str] = if arguments[0] == "report" { &[] } else { &["--ci", "github"] };
        for more in
            [&["--redact"][..], &["--redact", "--format", "json"], &["--redact", "--raw-out", "vault"]]
        {
            let done = refused(&[arguments, ci, more].concat());
            let all = told(&done);
            assert_eq!(all.len(), if ci.is_empty() { 2 } else { 3 }, "{arguments:?}");
            for (name, text) in all {
                assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{arguments:?}: {name}: {text}");
            }
            assert!(done.stderr.contains(&format!("parallax: {class}: ")), "{}", done.stderr);
            assert!(done.stderr.contains("--raw-out"), "{}", done.stderr);
            if more.contains(&"vault") {
                let kept = std::fs::read(done.path("vault/failure.json")).unwrap();
                let kept: reports::manifest::FailureDocument = serde_json::from_slice(&kept).unwrap();
                assert_eq!((kept.error.class.as_str(), kept.error.message), (class, said.clone()));
            }
        }
    }
}

#[test]
fn a_raw_directory_that_holds_what_went_wrong_serves_the_next_run() {
    let done = refused(&["run", "--corpus", "./kunde-4711.parquet", "--redact", "--raw-out", "vault"]);
    assert!(done.path("vault/failure.json").is_file());
    let again = ["run", "--corpus", "ingest-unicode", "--redact", "--raw-out", "vault"];
    let (code, _, told) = beside(&done, &again);
    assert_eq!(code, Some(0), "{told}");
    assert!(!done.path("vault/failure.json").exists() && done.path("vault/report.json").is_file());
    // Nothing is written among somebody's files, nor where it would leave the team with the report.
    for raw in ["geheimnis", "parallax-report/raw"] {
        let done = refused(&["run", "--corpus", "./kunde-4711.parquet", "--redact", "--raw-out", raw]);
        assert!(!done.path(raw).join("failure.json").exists(), "{raw}");
        assert!(done.stderr.contains("could not be kept"), "{}", done.stderr);
    }
}

#[test]
fn a_redacted_command_line_that_is_not_understood_is_not_quoted() {
    for (wrong, about) in [
        (&["--noise", "hunter2"][..], "--noise"),
        (&["--hunter2"], "unexpected argument"),
        (&["--keep=pass=wort"], "--keep"),
        (&["geheimnis"], "unexpected argument"),
    ] {
        let arguments = [&["run", "--redact", "--ci", "github", "--format", "json"], wrong].concat();
        let done = refused(&arguments);
        assert!(done.stderr.contains(about), "{}", done.stderr);
        for (name, text) in told(&done) {
            assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{wrong:?}: {name}: {text}");
        }
    }
}

/// A policy that waives the changed rows of one customer, and notes those of another.
const BY_ROWS: &str = "[[policy.for]]\nwhere = { customer = \"kunde-4711\" }\n[[policy.for.waiver]]\n\
                       code = \"rows.changed\"\nreason = \"known\"\nowner = \"team\"\n\
                       [[policy.for]]\nwhere = { customer = \"geheimnis\" }\nactions = { \"rows.*\" = \"note\" }\n";

#[test]
fn waivers_by_rows_act_on_the_values_before_these_are_replaced() {
    let policy = tempfile::tempdir().unwrap();
    let file = policy.path().join("policy.toml");
    std::fs::write(&file, BY_ROWS).unwrap();
    let scoped = ["--policy", file.to_str().unwrap()];
    let raw = compared(&scoped);
    let told_of = |report: &reports::document::Report| {
        let found = report.jobs[0].checks.iter().flat_map(|check| &check.findings);
        found.map(|it| (it.code.clone(), it.count, it.waived.is_some(), it.action)).collect::<Vec<_>>()
    };
    let whole = raw.report();
    assert!(told_of(&whole).contains(&(
        "rows.changed".to_owned(),
        25,
        true,
        Some(reports::document::Action::Note)
    )));
    assert_eq!(whole.waivers[0].applied, 1);
    let redacted = compared(&[&scoped[..], &["--redact", "--raw-out", "vault"]].concat());
    assert_silent(&redacted);
    assert_eq!(told_of(&redacted.report()), told_of(&whole));
    assert_eq!(redacted.report().totals, whole.totals);
    assert_eq!(redacted.report().waivers[0].applied, 1);
    // Rendered again: nothing is judged anew, neither of the raw document nor of the redacted one.
    for (from, more) in [("vault", &["--redact"][..]), ("vault", &[]), ("parallax-report", &[])] {
        let from = format!("{from}/report.json");
        let arguments = [&["report", &from, "--out", "again"], more].concat();
        let (code, _, stderr) = beside(&redacted, &arguments);
        assert_eq!(code, Some(1), "{stderr}");
        let again = read_report(&redacted.path("again/report.json"), "");
        assert_eq!((told_of(&again), again.verdict), (told_of(&whole), whole.verdict), "{arguments:?}");
    }
}

#[test]
fn a_gate_refuses_a_redacted_report_and_names_the_raw_one() {
    let done = compared(&["--signal", "logs", "--redact", "--raw-out", "vault"]);
    let (code, _, told) = beside(&done, &["gate", "--phase", "logs", "parallax-report"]);
    assert_eq!((code, told.contains("is redacted") && told.contains("--raw-out")), (Some(2), true), "{told}");
    let (code, _, told) = beside(&done, &["gate", "--phase", "logs", "vault"]);
    assert_eq!(code, Some(1), "{told}");
}
