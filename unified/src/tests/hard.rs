//! What a machine does to a process: kills it, gives it few descriptors, cuts its writes short, spoils its files. The
//! victim is this test program in a process of its own.

use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use super::*;
use crate::{Columns, ErrorKind, LogsJob, MetricsJob};

const DIRECTORY: &str = "UNIFIED_TEST_VICTIM";

/// This program, to run one of the ignored tests below on a directory, after some words of shell.
fn victim(test: &str, directory: &Path, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{shell} exec \"$@\""), "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("tests::hard::{test}"), "--ignored"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn victims_directory() -> PathBuf {
    PathBuf::from(std::env::var(DIRECTORY).unwrap())
}

/// Log segments, out of order: 20 of them with 600 rows each.
fn segments_in(directory: &Path) -> Vec<PathBuf> {
    (0..20)
        .map(|number| {
            let times = (0..600).map(|n| (n * 37 + number * 11) % 7919).collect();
            segment(directory, &format!("in{number:02}"), &[log_batch(times, 120, number as u64)])
        })
        .collect()
}

fn inputs_in(directory: &Path) -> Vec<PathBuf> {
    entries(directory)
        .into_iter()
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("in"))
        .collect()
}

fn logs(
    inputs: &[PathBuf],
    output: &Path,
    scratch: &Path,
    memory_limit: u64,
) -> crate::Result<crate::Outcome> {
    LogsJob {
        inputs,
        output,
        scratch,
        target_size: 60_000,
        split_hours: false,
        memory_limit,
        threads: 2,
        sync: true,
        columns: &Columns::default(),
        cancel: None,
    }
    .run()
}

#[test]
fn a_hundred_kills_at_random_moments_leave_no_file_that_looks_finished_and_is_not() {
    let place = tempfile::tempdir().unwrap();
    segments_in(place.path());
    let mut delays = noise(9);
    let (mut named, mut unnamed, mut marked) = (0, 0, 0);
    for round in 0..100 {
        let mut child = victim("jobs_without_end", place.path(), "")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delays.next().unwrap() % 120));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "it never ends by itself");
        for output in entries(place.path()).into_iter().filter(|path| path.is_dir()) {
            // A mark stands beside all the files that it names, and beside no unfinished one.
            if let Ok(list) = std::fs::read_to_string(output.join("_SUCCESS")) {
                let mut files: Vec<String> = list.lines().map(str::to_owned).collect();
                files.push("_SUCCESS".to_owned());
                let mut found = entries(&output);
                found.sort_by_key(|path| path.ends_with("_SUCCESS"));
                assert_eq!(found, files.iter().map(|name| output.join(name)).collect::<Vec<_>>(), "{round}");
                marked += 1;
            }
            for path in entries(&output).into_iter().filter(|path| !path.ends_with("_SUCCESS")) {
                if path.extension().is_some_and(|extension| extension == "parquet") {
                    assert!(read(&path).num_rows() > 0, "round {round}: {}", path.display());
                    named += 1;
                } else {
                    unnamed += 1;
                }
            }
            std::fs::remove_dir_all(output).unwrap();
        }
    }
    assert!(marked > 0, "no job came to its end");
    println!("{named} files were whole, {unnamed} had no name yet, {marked} sets were complete");
}

#[test]
#[ignore = "killed by a_hundred_kills_at_random_moments"]
fn jobs_without_end() {
    let place = victims_directory();
    let inputs = inputs_in(&place);
    let scratch = place.join("scratch");
    std::fs::create_dir_all(&scratch).unwrap();
    for turn in 0u64.. {
        let output = place.join(format!("out{turn}"));
        std::fs::create_dir_all(&output).unwrap();
        // Each second job spills.
        logs(&inputs, &output, &scratch, if turn % 2 == 0 { 1 << 26 } else { 1 << 18 }).unwrap();
    }
}

fn succeeded(mut command: Command) {
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
}

#[test]
fn sixty_four_descriptors_are_enough_for_many_inputs_and_runs() {
    let place = tempfile::tempdir().unwrap();
    segments_in(place.path());
    succeeded(victim("many_inputs_and_runs", place.path(), "ulimit -n 64;"));
}

#[test]
#[ignore = "run by sixty_four_descriptors_are_enough"]
fn many_inputs_and_runs() {
    let place = victims_directory();
    let (output, scratch) = (tempfile::tempdir_in(&place).unwrap(), tempfile::tempdir_in(&place).unwrap());
    // Each input six times: 120 of them.
    let inputs: Vec<PathBuf> = (0..6).flat_map(|_| inputs_in(&place)).collect();
    let outcome = logs(&inputs, output.path(), scratch.path(), 1 << 17).unwrap();
    assert!(outcome.stats.spilled_runs > 64, "{:?}", outcome.stats);
    assert!(outcome.stats.merged_runs > 0, "{:?}", outcome.stats);
    let rows: u64 = outcome.files().iter().map(|file| file.record_count).sum();
    assert_eq!(rows, 120 * 600);

    let points = (0..30)
        .map(|number| {
            let rows = batch(vec![
                ("_cardinalhq.tid", ints((0..500).map(|n| n * 7))),
                (TIME, ints((0..500).map(|n| n + number))),
            ]);
            segment(scratch.path(), &format!("points{number:02}"), &[rows])
        })
        .collect::<Vec<_>>();
    let inputs: Vec<PathBuf> = (0..4).flat_map(|_| points.clone()).collect();
    let output = tempfile::tempdir_in(&place).unwrap();
    let outcome = MetricsJob {
        inputs: &inputs,
        output: output.path(),
        scratch: scratch.path(),
        target_size: 20_000,
        memory_limit: 1 << 20,
        threads: 2,
        sync: true,
        columns: &Columns::default(),
        cancel: None,
    }
    .run()
    .unwrap();
    assert_eq!(outcome.rows_read, 120 * 500);
}

#[test]
fn writes_that_are_cut_short_at_any_stage_end_in_an_error_and_leave_nothing() {
    let place = tempfile::tempdir().unwrap();
    segments_in(place.path());
    // Blocks of 512 bytes: from less than the first spilled batch to more than the last output file.
    for blocks in [0, 1, 2, 8, 16, 30, 60, 90, 110, 130, 200, 100_000] {
        let shell = format!("trap '' XFSZ; ulimit -f {blocks};");
        succeeded(victim("jobs_with_short_writes", place.path(), &shell));
    }
}

#[test]
#[ignore = "run by writes_that_are_cut_short_at_any_stage"]
fn jobs_with_short_writes() {
    let place = victims_directory();
    let inputs = inputs_in(&place);
    for limit in [1 << 26, 1 << 18] {
        let (output, scratch) =
            (tempfile::tempdir_in(&place).unwrap(), tempfile::tempdir_in(&place).unwrap());
        match logs(&inputs, output.path(), scratch.path(), limit) {
            Ok(outcome) => {
                assert_eq!(outcome.files().iter().map(|file| file.record_count).sum::<u64>(), 12_000)
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Io, "{error}");
                assert_eq!(entries(output.path()), Vec::<PathBuf>::new(), "{error}");
            }
        }
        assert_eq!(entries(scratch.path()), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_spill_file_that_lost_its_end_is_an_error_and_leaves_nothing() {
    for keep in [0, 1000, 60_000] {
        let place = Place::new();
        let mut writer = place.logs().memory_limit(1 << 18).build().unwrap();
        for start in 0..40 {
            let times = (0..300).map(|n| (n * 7 + start) % 1000).collect();
            writer.write(&log_batch(times, 200, start as u64)).unwrap();
        }
        let directory = &entries(place.scratch.path())[0];
        let file = File::options().write(true).open(&entries(directory)[0]).unwrap();
        assert!(file.metadata().unwrap().len() > keep);
        file.set_len(keep).unwrap();
        let error = writer.finish().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io | ErrorKind::Internal), "{error}");
        assert!(error.to_string().contains("spill file"), "{error}");
        place.assert_empty();
    }
}

#[test]
fn the_status_of_a_victim_is_its_own() {
    let place = tempfile::tempdir().unwrap();
    let status: ExitStatus = victim("jobs_with_short_writes", place.path(), "exit 3;").status().unwrap();
    assert_eq!(status.code(), Some(3));
}
