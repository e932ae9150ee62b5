//! A full disk: an error, and nothing left. The test mounts a small tmpfs in a namespace of its own, in a child process;
//! where that is not allowed it says so and passes.

use std::process::Command;

use super::points::{point, points};
use super::recut::turns;
use super::*;
use crate::ErrorKind;

const DIRECTORY: &str = "UNIFIED_TEST_FULL_DISK";

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let mount = tempfile::tempdir().unwrap();
    let script =
        "mount -t tmpfs -o size=600k tmpfs \"$1\" && touch \"$1/mounted\" || exit 77; shift; exec \"$@\"";
    let status = Command::new("unshare")
        .args(["-r", "-m", "sh", "-c", script, "sh"])
        .arg(mount.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "tests::disk_full::on_a_small_disk", "--ignored"])
        .env(DIRECTORY, mount.path())
        .status();
    match status {
        Ok(status) if status.code() == Some(77) => {
            eprintln!("SKIPPED: no tmpfs may be mounted here");
        }
        Err(error) => eprintln!("SKIPPED: no namespaces here: {error}"),
        Ok(status) => assert!(status.success(), "{status}"),
    }
}

#[test]
#[ignore = "run by a_full_disk_is_an_error_and_leaves_nothing on a disk of 600 KB"]
fn on_a_small_disk() {
    let disk = PathBuf::from(std::env::var(DIRECTORY).unwrap());
    let rows = log_batch((0..20_000).rev().collect(), 200, 1);
    for (full_output, limit) in [(true, 1 << 26), (false, 1 << 18)] {
        let other = tempfile::tempdir_in("/dev/shm").unwrap();
        let (output, scratch) =
            if full_output { (disk.as_path(), other.path()) } else { (other.path(), disk.as_path()) };
        let mut writer = UnifiedWriter::builder(output)
            .scratch(scratch)
            .sort_key(TIME, KeyType::Int64)
            .memory_limit(limit)
            .target_size(100_000)
            .build()
            .unwrap();
        let error = writer.write(&rows).and_then(|()| writer.finish().map(drop)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains(disk.to_str().unwrap()), "{error}");
        assert_eq!(entries(other.path()), Vec::<PathBuf>::new());
        assert_eq!(entries(&disk), [disk.join("mounted")]);
    }
    cut_again(&disk);
    merges(&disk);
}

/// A file that came out too large and has no room to be cut again.
fn cut_again(disk: &Path) {
    let other = tempfile::tempdir_in("/dev/shm").unwrap();
    let mut writer =
        UnifiedWriter::builder(other.path()).scratch(disk).target_size(1_100_000).build().unwrap();
    let error =
        writer.write(&turns(120_000, 20_011, 6)).and_then(|()| writer.finish().map(drop)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(error.to_string().contains(disk.to_str().unwrap()), "{error}");
    assert_eq!(entries(other.path()), Vec::<PathBuf>::new());
    assert_eq!(entries(disk), [disk.join("mounted")]);
}

/// Merges of more inputs than fit at once, so that runs go to disk, and of timeseries that go through it too.
fn merges(disk: &Path) {
    let other = tempfile::tempdir_in("/dev/shm").unwrap();
    let (output, inputs) = (other.path().join("out"), other.path().join("in"));
    std::fs::create_dir(&output).unwrap();
    std::fs::create_dir(&inputs).unwrap();
    let inputs: Vec<PathBuf> = (0..18)
        .map(|at| {
            let rows: Vec<_> =
                (0..2000).map(|n| point(n / 1000, n * 20 + at, (n * 7 + at) as f64 + 0.5)).collect();
            let rows = points(&rows, at * 2000);
            let noise = log_batch((0..2000).collect(), 100, at as u64);
            let columns = rows.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
            let mut columns: Vec<(&str, ArrayRef)> =
                columns.iter().map(String::as_str).zip(rows.columns().iter().cloned()).collect();
            columns.push(("noise", noise.column(1).clone()));
            segment(&inputs, &format!("f{at}"), &[batch(columns)])
        })
        .collect();
    let columns = crate::Columns::default();
    let merge = |output: &Path, scratch: &Path, memory_limit| {
        let job = crate::TidMergeJob {
            inputs: &inputs,
            output,
            scratch,
            interval: 1,
            row_estimate: 0,
            start: 0,
            end: 100_000,
            target_size: 100_000,
            memory_limit,
            threads: 1,
            sync: false,
            columns: &columns,
            cancel: None,
        };
        job.run().unwrap_err()
    };
    for error in [merge(disk, &output, 1 << 26), merge(&output, disk, 1 << 18)] {
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains(disk.to_str().unwrap()), "{error}");
        assert_eq!(entries(&output), Vec::<PathBuf>::new());
        assert_eq!(entries(disk), [disk.join("mounted")]);
    }
}
