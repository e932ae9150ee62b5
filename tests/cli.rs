//! The command line: bad input ends in a clear error and exit 2, nothing partial left; documents have the stated shapes.

use std::fs;
use std::path::Path;

use reports::manifest::{FailureDocument, Manifest};

use crate::support::{Finished, beside, corpus, files_below, parallax, read_report};

fn refused(finished: Finished, parts: &[&str]) {
    let finished = finished.expect(2);
    for part in parts {
        assert!(finished.stderr.contains(part), "no {part:?} in: {}", finished.stderr);
    }
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    assert!(!finished.path("parallax-report/report.json").exists(), "a partial report was left");
    assert!(!finished.path("parallax-report/index.html").exists(), "a partial report was left");
    assert!(finished.leftovers().is_empty(), "{:?}", finished.leftovers());
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_path_that_is_not_there_is_an_error_that_names_it() {
    refused(parallax(&["run", "--signal", "logs", "--corpus", "no/such/place"]).finish(), &["no/such/place"]);
    refused(parallax(&["run", "--corpus", "no-such-corpus"]).finish(), &["no-such-corpus"]);
    refused(parallax(&["compare", "left", "right"]).finish(), &["left"]);
    refused(parallax(&["verify", "nowhere", "--signal", "logs"]).finish(), &["nowhere"]);
    refused(parallax(&["report", "none.json", "--out", "x"]).finish(), &["none.json"]);
    refused(parallax(&["run", "--job-list", "none.jsonl"]).finish(), &["none.jsonl"]);
    refused(parallax(&["run", "--config", "none.toml"]).finish(), &["none.toml"]);
}

#[test]
fn an_empty_directory_is_an_error() {
    let empty = tempfile::tempdir().unwrap();
    refused(
        parallax(&["run", "--signal", "logs", "--corpus", text(empty.path())]).finish(),
        &["no Parquet file"],
    );
}

#[test]
fn a_text_file_named_parquet_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("fake.parquet"), "this is not Parquet at all").unwrap();
    refused(
        parallax(&["run", "--signal", "logs", "--corpus", text(folder.path())]).finish(),
        &["fake.parquet", "not a"],
    );
}

#[test]
fn a_truncated_file_is_an_error_that_names_the_file() {
    let (_home, inputs) = corpus("compact-heavy-ties");
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(&inputs[0]).unwrap();
    fs::write(folder.path().join("cut.parquet"), &whole[..whole.len() - 100]).unwrap();
    let finished = parallax(&["run", "--signal", "logs", "--corpus", text(folder.path())]).finish();
    refused(finished, &["cut.parquet"]);
}

#[test]
fn a_file_with_damaged_pages_is_an_error_that_names_the_file() {
    let (_home, inputs) = corpus("compact-heavy-ties");
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(&inputs[0]).unwrap();
    let middle = bytes.len() / 4;
    bytes[8..middle].fill(0xA5);
    fs::write(folder.path().join("damaged.parquet"), &bytes).unwrap();
    let finished = parallax(&["run", "--signal", "logs", "--corpus", text(folder.path())]).finish();
    refused(finished, &["damaged.parquet"]);
}

#[test]
fn an_output_directory_with_somebodys_files_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("precious.txt"), "mine").unwrap();
    let finished =
        parallax(&["run", "--corpus", "compact-heavy-ties", "--out", text(folder.path())]).finish();
    refused(finished, &["not empty"]);
    assert_eq!(fs::read_to_string(folder.path().join("precious.txt")).unwrap(), "mine");
    // Somebody else's report is not ours either.
    fs::write(folder.path().join("report.json"), "{\"tool\": {\"name\": \"other\"}}").unwrap();
    let finished =
        parallax(&["run", "--corpus", "compact-heavy-ties", "--out", text(folder.path())]).finish();
    let finished = finished.expect(2);
    assert!(finished.stderr.contains("not empty"), "{}", finished.stderr);
    assert!(folder.path().join("report.json").is_file());
}

#[test]
fn an_output_directory_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let out = file.join("report");
    refused(
        parallax(&["run", "--corpus", "compact-heavy-ties", "--out", text(&out)]).finish(),
        &["report directory"],
    );
}

#[test]
fn a_command_line_that_is_not_understood_is_exit_2_and_with_json_a_document() {
    for arguments in [
        vec!["run", "--no-such-flag"],
        vec!["run", "--baseline", "old"],
        vec!["run", "--candidate", "fault:none"],
        vec!["run", "--corpus", "compact-heavy-ties", "--param", "no_such=1"],
        vec!["run", "--corpus", "compact-heavy-ties", "--threads", "0"],
        vec!["run", "--corpus", "compact-heavy-ties", "--require", "NOTHING"],
        vec!["run", "--signal", "no-such-signal"],
        vec!["write", "buffet"],
    ] {
        let mut json = arguments.clone();
        json.extend(["--format", "json"]);
        let finished = parallax(&json).finish().expect(2);
        let document: FailureDocument = serde_json::from_str(&finished.stdout).unwrap_or_else(|error| {
            panic!("{arguments:?}: {error}\nstdout: {}\nstderr: {}", finished.stdout, finished.stderr)
        });
        assert!(!document.error.message.is_empty());
        parallax(&arguments).finish().expect(2);
    }
}

#[test]
fn an_unknown_key_in_the_configuration_is_an_error_that_names_file_and_key() {
    let finished = parallax(&["run", "--corpus", "compact-heavy-ties"])
        .with_file("parallax.toml", "[side.x]\ncommand = [\"true\"]\ncolour = 1\n")
        .finish();
    refused(finished, &["parallax.toml", "colour"]);
}

#[test]
fn every_writer_prints_a_manifest_of_the_stated_shape() {
    let (_home, inputs) = corpus("ingest-interleaved-hours");
    let input = inputs[0].as_str();
    for (arguments, split) in [
        (vec!["write", "buffet", "--input", input, "--rows-per-file", "100"], false),
        (vec!["write", "buffet", "--input", input, "--rows-per-file=-1", "--schema", "values"], false),
        (
            vec![
                "write",
                "fingerprint",
                "--input",
                input,
                "--rows-per-file",
                "50",
                "--ingest-dateint",
                "20250825",
            ],
            true,
        ),
        (
            vec![
                "write",
                "unified",
                "--signal",
                "logs",
                "--input",
                input,
                "--target-size",
                "20000",
                "--split-hours",
            ],
            false,
        ),
    ] {
        let mut all = arguments.clone();
        all.extend(["--output", "out", "--format", "json"]);
        let finished = parallax(&all).finish().expect(0);
        let manifest: Manifest = serde_json::from_str(&finished.stdout).unwrap();
        assert!(!manifest.files.is_empty(), "{arguments:?}");
        assert!(manifest.rows_read.unwrap() > 0);
        let written: u64 = manifest.files.iter().map(|file| file.record_count.unwrap()).sum();
        let dropped: u64 = manifest.rows_dropped.values().sum();
        assert_eq!(Some(written + dropped), manifest.rows_read, "{arguments:?}");
        for file in &manifest.files {
            let path = finished.path("out").join(&file.path);
            assert_eq!(fs::metadata(&path).unwrap().len(), file.file_size.unwrap());
            assert!(file.fingerprints.is_some());
            assert_eq!(file.split_key.is_some(), split, "{arguments:?}");
        }
        let left = files_below(&finished.path("out"));
        assert_eq!(left.iter().filter(|path| !path.ends_with("_SUCCESS")).count(), manifest.files.len());
        assert!(finished.leftovers().is_empty(), "{:?}", finished.leftovers());
    }
}

#[test]
fn a_writer_that_fails_prints_the_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let fake = folder.path().join("fake.parquet");
    fs::write(&fake, "no").unwrap();
    for writer in
        [vec!["write", "buffet"], vec!["write", "fingerprint"], vec!["write", "unified", "--signal", "logs"]]
    {
        let mut all = writer.clone();
        all.extend(["--input", text(&fake), "--output", "out", "--format", "json"]);
        let finished = parallax(&all).finish().expect(2);
        let document: FailureDocument = serde_json::from_str(&finished.stdout).unwrap();
        assert!(document.error.message.contains("fake.parquet"), "{}", document.error.message);
        assert_eq!(document.error.class.as_str(), "input", "{writer:?}: {}", document.error.message);
        assert!(!finished.path("out").exists());
    }
}

#[test]
fn a_report_is_rebuilt_from_its_document_alone() {
    let finished = parallax(&["run", "--corpus", "compact-heavy-ties"]).finish().expect(0);
    let first = finished.path("parallax-report");
    let again = finished.home.path().join("again");
    parallax(&["report", text(&first.join("report.json")), "--out", text(&again)]).finish().expect(0);
    for file in files_below(&first) {
        let name = file.file_name().unwrap();
        assert_eq!(fs::read(&file).unwrap(), fs::read(again.join(name)).unwrap(), "{name:?}");
    }
    assert!(again.join("index.html").is_file());
}

#[test]
fn a_run_prints_the_document_that_it_wrote() {
    let finished =
        parallax(&["run", "--corpus", "compact-heavy-ties", "--format", "json"]).finish().expect(0);
    let printed: reports::document::Report = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(printed, read_report(&finished.path("parallax-report/report.json"), ""));
}

#[test]
fn corpora_are_listed_shown_and_generated_alike_each_time() {
    let listed = parallax(&["corpus", "list", "--format", "json"]).finish().expect(0);
    let entries: Vec<serde_json::Value> = serde_json::from_str(&listed.stdout).unwrap();
    assert!(entries.len() >= 20);
    assert!(entries.iter().all(|entry| !entry["provokes"].as_array().unwrap().is_empty()));
    let shown = parallax(&["corpus", "show", "compact-heavy-ties"]).finish().expect(0);
    assert!(shown.stdout.contains("provokes"));
    let (_one, first) = corpus("compact-heavy-ties");
    let (_two, second) = corpus("compact-heavy-ties");
    for (one, two) in first.iter().zip(&second) {
        assert_eq!(fs::read(one).unwrap(), fs::read(two).unwrap());
    }
}

#[test]
fn comparing_takes_files_and_directories_and_refuses_what_is_no_output() {
    let (home, inputs) = corpus("compact-one-input");
    let file = inputs[0].as_str();
    let folder = home.path().join("in");
    parallax(&["compare", "--allow-same", file, text(&folder)]).finish().expect(0);
    let sorted = parallax(&[
        "compare",
        file,
        file,
        "--key",
        "_cardinalhq.id",
        "--sort-key",
        "_cardinalhq.id",
        "--allow-same",
    ])
    .finish();
    assert!([Some(0), Some(1)].contains(&sorted.code), "{}", sorted.stderr);
    refused(
        parallax(&["compare", file, file, "--sort-key", "typo", "--allow-same"]).finish(),
        &["typo", "_cardinalhq.timestamp"],
    );
    let empty = tempfile::tempdir().unwrap();
    refused(parallax(&["compare", file, text(empty.path())]).finish(), &["no Parquet file"]);
    refused(parallax(&["verify", text(empty.path()), "--signal", "logs"]).finish(), &["no Parquet file"]);
    let fake = empty.path().join("fake.parquet");
    fs::write(&fake, "this is not Parquet").unwrap();
    refused(parallax(&["compare", file, text(&fake)]).finish(), &["fake.parquet"]);
    // Within an output, a bad file is a finding: the candidate fails, the baseline leaves it undecided.
    parallax(&["compare", file, text(empty.path())]).finish().expect(1);
    parallax(&["compare", text(empty.path()), file]).finish().expect(3);
}

#[test]
fn one_output_alone_is_verified() {
    let (_home, inputs) = corpus("compact-interleaved-hours");
    let mut write = vec!["write", "unified", "--signal", "logs", "--output", "out", "--input"];
    write.extend(inputs.iter().map(String::as_str));
    let written = parallax(&write).finish().expect(0);
    let output = written.path("out");
    let report = parallax(&["verify", text(&output), "--signal", "logs"]).finish().expect(0).report();
    assert_eq!(report.jobs[0].baseline, None);
    // The inputs themselves are out of order.
    let folder = Path::new(&inputs[0]).parent().unwrap();
    let report = parallax(&["verify", text(folder), "--signal", "logs"]).finish().expect(1).report();
    assert_eq!(crate::support::red(&report.jobs[0]), ["ORDER"]);
}

#[test]
fn segments_that_both_sides_refuse_alike_are_inconclusive() {
    let (_home, inputs) = corpus("compact-type-conflict");
    let folder = Path::new(&inputs[0]).parent().unwrap();
    let finished = parallax(&["run", "--signal", "logs", "--corpus", text(folder)]).finish().expect(3);
    assert!(finished.report().headline.contains("could not be decided"), "{}", finished.report().headline);
}

#[test]
fn what_a_run_is_to_read_is_never_cleared_away() {
    let kept = parallax(&["run", "--corpus", "compact-one-input", "--keep", "always"]).finish().expect(0);
    let out = kept.path("parallax-report");
    let candidate = out.join("outputs/candidate");
    let side = format!("dir:{}", candidate.display());
    let run = |arguments: &[&str]| {
        let finished = parallax(&[arguments, &["--out", text(&out)]].concat()).finish().expect(2);
        assert!(finished.stderr.contains("cleared"), "{}", finished.stderr);
        assert!(candidate.join("compact-one-input/manifest.json").is_file());
    };
    run(&["run", "--corpus", "compact-one-input", "--candidate", &side]);
    run(&["run", "--signal", "logs", "--corpus", text(&candidate.join("compact-one-input"))]);
    run(&["compare", text(&candidate), text(&candidate)]);
    run(&["verify", text(&candidate), "--signal", "logs"]);
    // Rendering a report again in its own place keeps its outputs.
    let page = out.join("index.html");
    fs::remove_file(&page).unwrap();
    parallax(&["report", text(&out.join("report.json")), "--out", text(&out)]).finish().expect(0);
    assert!(page.is_file() && candidate.join("compact-one-input/manifest.json").is_file());
}

#[test]
fn a_line_end_in_a_path_begins_no_line_on_stdout() {
    let out = "x\n::error::forged";
    let done =
        parallax(&["run", "--corpus", "compact-one-row", "--candidate", "fault:drop-row", "--out", out])
            .finish()
            .expect(1);
    let document = format!("{out}/report.json");
    let at = |name: &str| format!("{name}{out}");
    let (bundle, corpus, write, again, small) = (at("b"), at("c"), at("w"), at("r"), at("m"));
    let selftest = at("s");
    let input = format!("{corpus}/compact-one-row-0000.parquet");
    for arguments in [
        &["corpus", "generate", "compact-one-row", "--output", &corpus][..],
        &["bundle", &document, "--job", "compact-one-row", "--out", &bundle],
        &["write", "buffet", "--output", &write, "--input", &input],
        &["report", &document, "--out", &again],
        &["minimize", &document, "--job", "compact-one-row", "--out", &small],
        &["selftest", "--only", "compact-one-row", "--fault", "drop-row", "--out", &selftest],
    ] {
        let (code, stdout, stderr) = beside(&done, arguments);
        // A report that is rendered again exits as the run did.
        let expected = if arguments[0] == "report" { 1 } else { 0 };
        assert_eq!(code, Some(expected), "{arguments:?}: {stdout}{stderr}");
        assert!(stdout.contains(r"\n::error::forged") || arguments[0] == "write", "{arguments:?}: {stdout}");
        assert!(
            !stdout.lines().chain(stderr.lines()).any(|line| line.starts_with("::")),
            "{arguments:?}: {stdout}{stderr}"
        );
    }
}

#[test]
fn threads_out_of_bounds_are_refused_by_the_name_of_their_option() {
    refused(parallax(&["selftest", "--jobs", "0"]).finish(), &["--jobs 0: at least one"]);
    refused(parallax(&["selftest", "--jobs", "5000"]).finish(), &["--jobs 5000: at most 1024"]);
    refused(parallax(&["run", "--threads", "5000"]).finish(), &["--threads 5000: at most 1024"]);
}
