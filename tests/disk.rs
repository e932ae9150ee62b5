//! A disk that is full: a clear error, exit 2, nothing partial.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use parquet::arrow::ArrowWriter;

use crate::support::{corpus, files_below, parallax, read_report};

/// A tmpfs of the given size, or nothing where the test may not mount one.
pub struct SmallDisk {
    at: tempfile::TempDir,
}

impl SmallDisk {
    pub fn new(size: &str) -> Option<Self> {
        let at = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            Some(Self { at })
        } else {
            eprintln!("skipped: a tmpfs cannot be mounted here");
            None
        }
    }

    pub fn path(&self) -> &Path {
        self.at.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.at.path()).output());
    }
}

#[test]
fn a_full_temporary_directory_ends_in_an_io_error() {
    let Some(disk) = SmallDisk::new("2m") else { return };
    let finished =
        parallax(&["run", "--corpus", "compact-production", "--tmp-dir", disk.path().to_str().unwrap()])
            .finish()
            .expect(2);
    assert!(finished.stderr.to_lowercase().contains("no space"), "{}", finished.stderr);
    assert!(files_below(disk.path()).is_empty(), "{:?}", files_below(disk.path()));
    assert!(!finished.path("parallax-report/report.json").exists());
}

#[test]
fn differing_rows_that_spill_into_a_full_directory_end_in_an_io_error() {
    let Some(disk) = SmallDisk::new("512k") else { return };
    let home = tempfile::tempdir().unwrap();
    // The least limit holds about 65,000 rows a side in memory.
    let write = |name: &str, shift: i64| {
        let path = home.path().join(name);
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..150_000));
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values((0..150_000).map(|row| row + shift)));
        let batch = RecordBatch::try_from_iter([("id", ids), ("value", values)]).unwrap();
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (a, b) = (write("a.parquet", 0), write("b.parquet", 1));
    let compare = |tmp: &Path| {
        let tmp = tmp.to_str().unwrap();
        parallax(&["compare", &a, &b, "--key", "id", "--tmp-dir", tmp, "--memory-limit", "67108864"]).finish()
    };
    let refused = compare(disk.path()).expect(2);
    assert!(refused.stderr.contains("--tmp-dir names another place"), "{}", refused.stderr);
    assert!(refused.stderr.to_lowercase().contains("no space"), "{}", refused.stderr);
    assert!(!refused.path("parallax-report/report.json").exists());
    assert!(!refused.path("parallax-report").exists(), "the directory was made for nothing");
    let done = compare(home.path()).expect(1);
    assert_eq!(done.report().jobs[0].rows.as_ref().unwrap().changed, 150_000);
}

#[test]
fn a_full_report_directory_ends_in_an_io_error() {
    let Some(disk) = SmallDisk::new("64k") else { return };
    let out = disk.path().join("report");
    let finished = parallax(&[
        "run",
        "--corpus",
        "compact-heavy-ties",
        "--keep",
        "always",
        "--out",
        out.to_str().unwrap(),
    ])
    .finish()
    .expect(2);
    assert!(finished.stderr.to_lowercase().contains("no space"), "{}", finished.stderr);
    assert!(!out.join("report.json").exists());
    assert!(!out.join("index.html").exists());
}

#[test]
fn a_run_that_filled_the_disk_goes_on_once_there_is_room() {
    let Some(disk) = SmallDisk::new("2m") else { return };
    let (_inputs, inputs) = corpus("ingest-unicode");
    let list: String = (0..60)
        .map(|job| {
            format!("{{\"id\": \"job-{job}\", \"signal\": \"logs\", \"inputs\": [{:?}]}}\n", inputs[0])
        })
        .collect();
    let out = disk.path().join("report");
    let sides = "[side.copy]\ncommand = [\"cp\", \"{inputs}\", \"{output}\"]\n";
    let arguments = ["run", "--job-list", "jobs.jsonl", "--baseline", "cmd:copy", "--candidate", "cmd:copy"];
    let more = ["--keep", "always", "--out", out.to_str().unwrap()];
    let (home, mut command) = parallax(&[&arguments[..], &more].concat())
        .with_file("parallax.toml", sides)
        .with_file("jobs.jsonl", &list)
        .into_parts();
    let full = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&full.stderr);
    assert_eq!(full.status.code(), Some(2), "{stderr}");
    assert!(stderr.to_lowercase().contains("no space"), "{stderr}");
    let left: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "progress.jsonl" || name == "outputs"), "{left:?}");
    let judged = std::fs::read_to_string(out.join("progress.jsonl")).unwrap();
    let judged = judged.lines().filter(|line| line.contains("\"key\"")).count();
    assert!(judged > 0 && stderr.contains(&format!("{judged} judged job")), "{judged}: {stderr}");
    let options = ["-o", "remount,size=64m"];
    assert!(Command::new("mount").args(options).arg(disk.path()).status().unwrap().success());
    let resumed = command.arg("--resume").output().unwrap();
    let stderr = String::from_utf8_lossy(&resumed.stderr);
    // The copied input is not sorted, which is what every job fails for.
    assert_eq!(resumed.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(&format!("{judged} of 60 jobs taken over")), "{stderr}");
    let report = read_report(&out.join("report.json"), &stderr);
    assert!(report.run.complete && report.jobs.len() == 60, "{}", report.headline);
    assert!(!out.join("progress.jsonl").exists());
    assert!(files_below(&home.path().join("tmp")).is_empty());
}

#[test]
fn a_full_output_directory_of_a_writer_ends_in_an_io_error() {
    let Some(disk) = SmallDisk::new("256k") else { return };
    let home = tempfile::tempdir().unwrap();
    let input = home.path().join("in");
    parallax(&["corpus", "generate", "compact-production", "--output", input.to_str().unwrap()])
        .finish()
        .expect(0);
    let inputs = files_below(&input);
    let output = disk.path().join("out");
    let mut arguments = vec!["write", "unified", "--signal", "logs", "--output", output.to_str().unwrap()];
    arguments.push("--input");
    arguments.extend(inputs.iter().map(|path| path.to_str().unwrap()));
    arguments.extend(["--format", "json"]);
    let finished = parallax(&arguments).finish().expect(2);
    assert!(finished.stdout.contains("\"io\""), "{}", finished.stdout);
    assert!(files_below(disk.path()).is_empty(), "{:?}", files_below(disk.path()));
    assert!(finished.leftovers().is_empty(), "{:?}", finished.leftovers());
}
