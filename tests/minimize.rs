//! A failing job made small, and the small one run again.

use std::collections::BTreeSet;

use reports::document::{JobReport, Report, Severity};

use crate::support::{beside, corpus, parallax, read_report};

/// Codes and columns of the blockers of one check.
fn blockers(job: &JobReport, check: &str) -> BTreeSet<(String, Option<String>)> {
    let found = job.checks.iter().filter(|it| it.check == check).flat_map(|it| &it.findings);
    let found = found.filter(|it| it.severity == Severity::Blocker && it.waived.is_none());
    found.map(|it| (it.code.clone(), it.place.as_ref().and_then(|place| place.column.clone()))).collect()
}

/// Runs a corpus with a fault, makes the job small by one check, and runs what is left. Returns its report.
fn made_small(corpus: &str, fault: &str, check: &str) -> Report {
    let candidate = format!("fault:{fault}");
    let done = parallax(&["run", "--corpus", corpus, "--candidate", &candidate]).finish().expect(1);
    let before = done.report();
    let arguments = ["minimize", "parallax-report", "--job", corpus, "--check", check, "--out", "small"];
    let (code, stdout, stderr) = beside(&done, &arguments);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
    let again = stdout.lines().find_map(|line| line.strip_prefix("again:  parallax ")).unwrap();
    let words: Vec<&str> = again.split(' ').chain(["--out", "again"]).collect();
    let (code, stdout, stderr) = beside(&done, &words);
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    let after = read_report(&done.path("again/report.json"), "");
    assert_eq!(blockers(&after.jobs[0], check), blockers(&before.jobs[0], check), "{stdout}");
    after
}

fn rows(report: &Report) -> u64 {
    report.jobs[0].inputs.iter().map(|input| input.rows).sum()
}

#[test]
fn a_writer_that_spoils_some_values_is_shown_with_one_row() {
    let small = made_small("metrics-extreme-tids", "tid-through-float", "ROWS");
    assert_eq!(rows(&small), 1);
}

#[test]
fn columns_that_play_no_part_are_gone() {
    let small = made_small("compact-production", "change-character", "ROWS");
    let columns = small.jobs[0].candidate.files[0].columns;
    assert!(rows(&small) == 1 && columns <= 3, "{} rows of {columns} columns", rows(&small));
}

#[test]
fn rows_that_are_needed_together_are_all_kept() {
    // Two rows in the wrong order take two rows.
    let small = made_small("compact-rows-per-file", "swap-rows", "ORDER");
    assert_eq!(rows(&small), 2);
}

#[test]
fn what_does_not_fail_or_cannot_be_run_is_refused() {
    let done = parallax(&["run", "--corpus", "compact-heavy-ties", "--keep", "always"]).finish().expect(0);
    let minimize = ["minimize", "parallax-report", "--job", "compact-heavy-ties"];
    let (code, _, stderr) = beside(&done, &minimize);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("does not fail: there is nothing to make smaller"), "{stderr}");
    assert!(!done.path("parallax-minimal").exists());
    let a = "parallax-report/outputs/baseline/compact-heavy-ties";
    let b = "parallax-report/outputs/candidate/compact-heavy-ties";
    let (code, _, stderr) = beside(&done, &["compare", a, b, "--signal", "logs", "--out", "compared"]);
    assert_eq!(code, Some(0), "{stderr}");
    let job = read_report(&done.path("compared/report.json"), "").jobs[0].id.clone();
    let (code, _, stderr) = beside(&done, &["minimize", "compared", "--job", &job]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("only jobs that both sides perform"), "{stderr}");
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
}

#[test]
fn a_folder_that_is_not_empty_stays_as_it_is() {
    let done = parallax(&["run", "--corpus", "compact-heavy-ties"]).finish().expect(0);
    let arguments =
        ["minimize", "parallax-report", "--job", "compact-heavy-ties", "--out", "parallax-report"];
    let (code, _, stderr) = beside(&done, &arguments);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("parallax-report is not empty"), "{stderr}");
    assert!(done.path("parallax-report/report.json").exists());
}

#[test]
fn a_folder_that_was_there_before_stays_when_the_search_fails_at_its_end() {
    // The candidate is right about segments in the folder of the small corpus alone: what fails there before, passes there.
    let sides = ["old", "new"].map(|name| {
        format!("[side.{name}]\ncommand = [\"sh\", \"{name}.sh\", \"{{output}}\", \"{{inputs}}\"]\n")
    });
    let (_home, inputs) = corpus("compact-one-row");
    let arguments = [
        "run",
        "--corpus",
        &inputs[0],
        "--signal",
        "logs",
        "--baseline",
        "cmd:old",
        "--candidate",
        "cmd:new",
        // The folder shows in the paths of the inputs, not in those of their copies.
        "--isolate",
        "off",
    ];
    let done = parallax(&arguments)
        .with_file("parallax.toml", &sides.concat())
        .with_file("old.sh", "cp \"$2\" \"$1/a.parquet\"\n")
        .with_file("new.sh", "case \"$2\" in */small/*) cp \"$2\" \"$1/a.parquet\" ;; esac\n")
        .finish()
        .expect(1);
    let job = done.report().jobs[0].id.clone();
    let minimize = || {
        beside(
            &done,
            &["minimize", "parallax-report", "--job", &job, "--config", "parallax.toml", "--out", "small"],
        )
    };
    let failed = || {
        let (code, _, stderr) = minimize();
        assert_eq!((code, stderr.contains("does not fail twice")), (Some(2), true), "{stderr}");
    };
    failed();
    assert!(!done.path("small").exists(), "a folder made for nothing goes");
    std::fs::create_dir(done.path("small")).unwrap();
    failed();
    assert!(done.path("small").is_dir(), "it was there before");
    assert_eq!(std::fs::read_dir(done.path("small")).unwrap().count(), 0);
}
