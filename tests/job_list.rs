//! Many jobs, each judged on its own: a row that moves from one job to another is seen.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use reports::document::Verdict;

use crate::support::{beside, parallax, red};

fn write(path: &Path, rows: &[(i64, &str)]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let timestamps = Int64Array::from_iter_values(rows.iter().map(|row| row.0));
    let messages = StringArray::from_iter_values(rows.iter().map(|row| row.1));
    let batch = RecordBatch::try_from_iter([
        ("_cardinalhq.timestamp", Arc::new(timestamps) as ArrayRef),
        ("_cardinalhq.message", Arc::new(messages) as ArrayRef),
    ])
    .unwrap();
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// Two jobs with recorded outputs; `second` and `third` are the candidate's.
fn outputs(home: &Path, second: [&[(i64, &str)]; 2]) -> String {
    let rows: [&[(i64, &str)]; 2] = [&[(1, "a"), (2, "b"), (3, "c")], &[(4, "d"), (5, "e")]];
    let mut list = String::new();
    for job in 0..2 {
        write(&home.join(format!("old/job-{job}/x81f.parquet")), rows[job]);
        write(&home.join(format!("new/job-{job}/0c55-9d.parquet")), second[job]);
        list.push_str(&format!(
            "{{\"id\":\"job-{job}\",\"signal\":\"logs\",\"kind\":\"compact\",\"baseline\":\"old/job-{job}\",\"candidate\":\"new/job-{job}\"}}\n"
        ));
    }
    let path = home.join("jobs.jsonl");
    fs::write(&path, list).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_row_that_moved_from_one_job_to_another_fails_both_jobs() {
    let home = tempfile::tempdir().unwrap();
    let list = outputs(home.path(), [&[(1, "a"), (2, "b")], &[(3, "c"), (4, "d"), (5, "e")]]);
    let report = parallax(&["run", "--job-list", &list]).finish().expect(1).report();
    assert_eq!(report.jobs.len(), 2);
    for job in &report.jobs {
        assert_eq!(job.verdict, Verdict::Fail);
        assert_eq!(red(job), ["ROWS"]);
    }
    let (first, second) = (report.jobs[0].rows.as_ref().unwrap(), report.jobs[1].rows.as_ref().unwrap());
    assert_eq!((first.missing, first.extra, second.missing, second.extra), (1, 0, 0, 1));
    // Taken as one heap of files, the same outputs are equal: that is what the list is for.
    let (old, new) = (home.path().join("old"), home.path().join("new"));
    parallax(&["compare", old.to_str().unwrap(), new.to_str().unwrap()]).finish().expect(0);
}

#[test]
fn recorded_outputs_with_random_names_and_no_manifest_pass() {
    let home = tempfile::tempdir().unwrap();
    let list = outputs(home.path(), [&[(1, "a"), (2, "b"), (3, "c")], &[(4, "d"), (5, "e")]]);
    let report = parallax(&["run", "--job-list", &list]).finish().expect(0).report();
    assert_eq!(report.totals.jobs_passed, 2);
    let (old, new) = (home.path().join("old"), home.path().join("new"));
    // The same directories, named by side and found by job id.
    parallax(&[
        "run",
        "--job-list",
        &list,
        "--baseline",
        &format!("dir:{}", old.display()),
        "--candidate",
        &format!("dir:{}", new.display()),
    ])
    .finish()
    .expect(0);
}

#[test]
fn one_job_of_the_list_is_repeated_alone() {
    let home = tempfile::tempdir().unwrap();
    let list = outputs(home.path(), [&[(1, "a"), (2, "b"), (3, "c")], &[(4, "d"), (5, "E")]]);
    parallax(&["run", "--job-list", &list, "--only", "job-0"]).finish().expect(0);
    parallax(&["run", "--job-list", &list, "--only", "job-1"]).finish().expect(1);
    parallax(&["run", "--job-list", &list, "--only", "job-9"]).finish().expect(2);
}

#[test]
fn a_required_check_that_cannot_be_answered_is_inconclusive() {
    let home = tempfile::tempdir().unwrap();
    let list = outputs(home.path(), [&[(1, "a"), (2, "b"), (3, "c")], &[(4, "d"), (5, "e")]]);
    parallax(&["run", "--job-list", &list, "--require", "METADATA"]).finish().expect(3);
}

#[test]
fn kept_outputs_are_recorded_sides_and_judged_alike() {
    let corpora = ["--corpus", "compact-rows-per-file", "--corpus", "ingest-interleaved-hours"];
    let first = [&["run", "--keep", "always"][..], &corpora].concat();
    let kept = parallax(&first).finish().expect(0);
    let side = |name: &str| format!("dir:{}", kept.path("parallax-report/outputs").join(name).display());
    let (baseline, candidate) = (side("baseline"), side("candidate"));
    let again =
        [&["run", "--require", "METADATA", "--baseline", &baseline, "--candidate", &candidate][..], &corpora];
    let report = parallax(&again.concat()).finish().expect(0).report();
    assert_eq!(report.totals.jobs_passed, 2);
    assert_eq!(report.totals.rows_candidate, kept.report().totals.rows_candidate);
    // The other way round the baseline's defects are the candidate's faults.
    let swapped = [&["run", "--baseline", &candidate, "--candidate", &baseline][..], &corpora];
    parallax(&swapped.concat()).finish().expect(1);
}

#[test]
fn outputs_without_rows_are_inconclusive_unless_the_list_declares_them_also_in_a_bundle() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().to_str().unwrap();
    for side in ["old", "new"] {
        write(&home.path().join(side).join("a.parquet"), &[]);
    }
    let list = |more: &str| {
        let line = format!(
            "{{\"id\":\"a\",\"signal\":\"logs\",\"baseline\":\"old\",\"candidate\":\"new\"{more}}}\n"
        );
        fs::write(home.path().join("jobs.jsonl"), line).unwrap();
        home.path().join("jobs.jsonl").to_str().unwrap().to_owned()
    };
    parallax(&["run", "--job-list", &list("")]).finish().expect(3);
    parallax(&["run", "--job-list", &list(""), "--allow-empty"]).finish().expect(0);
    let done = parallax(&["run", "--job-list", &list(", \"allow_empty\": true")]).finish().expect(0);
    assert!(done.report().jobs[0].allow_empty);
    let pack = ["bundle", "parallax-report", "--job", "a", "--out", "a.tar.zst", "--allow-root", root];
    for words in [&pack[..], &["replay", "a.tar.zst"]] {
        let (code, out, err) = beside(&done, words);
        assert_eq!(code, Some(0), "{words:?}: {out}{err}");
        assert!(!out.contains("the verdict was"), "{words:?}: {out}");
    }
}
