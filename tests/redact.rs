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
    for file in files_below(&done.path("parallax-report")).into_iter().chain([done.path("step-summary.md")]) {
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
    assert_eq!(code, Some(0), "{told}");
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
