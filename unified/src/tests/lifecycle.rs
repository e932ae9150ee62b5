//! Finish, abort, drop, cancel, fail: nothing is left behind, and nothing appears too early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering as Atomic};

use super::*;
use crate::{ErrorKind, Ordering};

/// A writer that has both spilled runs and, where `streaming`, files in progress.
fn busy_writer(place: &Place, streaming: bool) -> UnifiedWriter {
    let ordering = if streaming { Ordering::Presumed } else { Ordering::Spillable };
    let mut writer =
        place.logs().ordering(ordering).rows_per_file(100).memory_limit(64 * 1024).build().unwrap();
    for start in 0..20 {
        writer.write(&log_batch((start * 250..(start + 1) * 250).collect(), 200, start as u64)).unwrap();
    }
    let busy = if streaming { entries(place.output.path()) } else { entries(place.scratch.path()) };
    assert!(!busy.is_empty(), "the test must catch the writer in the middle of its work");
    assert!(entries(place.output.path()).iter().all(|path| path.extension().unwrap() == "tmp"));
    writer
}

#[test]
fn abort_leaves_nothing() {
    for streaming in [false, true] {
        let place = Place::new();
        let mut writer = busy_writer(&place, streaming);
        writer.abort();
        place.assert_empty();
        let error = writer.write(&log_batch(vec![1], 1, 1)).unwrap_err();
        assert_eq!(error.to_string(), "the writer is already closed: it was aborted");
    }
}

#[test]
fn drop_leaves_nothing() {
    for streaming in [false, true] {
        let place = Place::new();
        drop(busy_writer(&place, streaming));
        place.assert_empty();
    }
}

#[test]
fn an_error_leaves_nothing_and_closes_the_writer() {
    for streaming in [false, true] {
        let place = Place::new();
        let mut writer = busy_writer(&place, streaming);
        let wrong = batch(vec![(TIME, ints([1_000_000])), ("_cardinalhq.message", ints([1]))]);
        assert_eq!(writer.write(&wrong).unwrap_err().kind(), ErrorKind::SchemaConflict);
        place.assert_empty();
        assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::Config);
        place.assert_empty();
    }
}

#[test]
fn writing_or_finishing_after_finish_is_an_error_and_spoils_nothing() {
    let place = Place::new();
    let mut writer = place.logs().build().unwrap();
    writer.write(&log_batch(vec![1, 2], 10, 1)).unwrap();
    let files = writer.finish().unwrap().into_vec().unwrap();
    assert_eq!(writer.write(&log_batch(vec![3], 10, 1)).unwrap_err().kind(), ErrorKind::Config);
    assert!(writer.finish().is_err());
    writer.abort();
    drop(writer);
    place.assert_only(&files);
}

#[test]
fn cancellation_is_honoured_at_the_next_batch_and_leaves_nothing() {
    for streaming in [false, true] {
        let place = Place::new();
        let flag = Arc::new(AtomicBool::new(false));
        let ordering = if streaming { Ordering::Presumed } else { Ordering::Spillable };
        let mut writer = place
            .logs()
            .ordering(ordering)
            .rows_per_file(10)
            .memory_limit(32 * 1024)
            .cancel(Some(flag.clone()))
            .build()
            .unwrap();
        writer.write(&log_batch((0..5000).collect(), 20, 1)).unwrap();
        flag.store(true, Atomic::Relaxed);
        let error = writer.write(&log_batch(vec![9000], 20, 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        place.assert_empty();
    }
}

#[test]
fn cancellation_is_honoured_while_finishing() {
    let place = Place::new();
    let flag = Arc::new(AtomicBool::new(false));
    let mut writer = place.logs().cancel(Some(flag.clone())).build().unwrap();
    writer.write(&log_batch((0..100).collect(), 20, 1)).unwrap();
    flag.store(true, Atomic::Relaxed);
    assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::Cancelled);
    place.assert_empty();
}

#[test]
fn no_rows_make_no_files() {
    let place = Place::new();
    assert_eq!(place.logs().build().unwrap().finish().unwrap().into_vec().unwrap(), []);
    let mut writer = place.logs().build().unwrap();
    writer.write(&log_batch(vec![], 1, 1)).unwrap();
    assert_eq!(writer.finish().unwrap().into_vec().unwrap(), []);
    place.assert_empty();
}

#[test]
fn a_missing_output_directory_and_contradicting_settings_are_refused() {
    let place = Place::new();
    let nowhere = UnifiedWriter::builder(place.output.path().join("nowhere")).build();
    assert_eq!(nowhere.unwrap_err().kind(), ErrorKind::Io);
    for builder in [
        place.plain().ordering(Ordering::Spillable),
        place.plain().split_hours(true),
        place.logs().split_hours(true).no_split_groups("g"),
        place.plain().target_size(0),
        place.plain().memory_limit(0),
        place.plain().base_name("a/b"),
        place.logs().ordering(Ordering::None).ingest_dateint(20_250_801),
    ] {
        assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::Config);
    }
}

#[test]
fn a_name_that_is_taken_fails_the_commit_and_leaves_only_the_other_file() {
    let place = Place::new();
    let taken = place.output.path().join("part-00001.parquet");
    std::fs::write(&taken, b"mine").unwrap();
    let mut writer = place.logs().rows_per_file(1).build().unwrap();
    writer.write(&log_batch(vec![1, 2, 3], 10, 1)).unwrap();
    let error = writer.finish().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("part-00001.parquet"), "{error}");
    assert_eq!(entries(place.output.path()), std::slice::from_ref(&taken));
    assert_eq!(std::fs::read(taken).unwrap(), b"mine");
}

#[test]
fn output_files_are_readable_as_other_files_are() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let mut writer = place.logs().build().unwrap();
    writer.write(&log_batch(vec![1], 10, 1)).unwrap();
    let files = writer.finish().unwrap().into_vec().unwrap();
    let reference = place.scratch.path().join("reference");
    File::create(&reference).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&files[0].path), mode(&reference));
}

#[test]
fn results_are_the_same_whether_they_waited_in_memory_or_on_disk() {
    let results = |limit| {
        let place = Place::new();
        let mut writer = place.logs().rows_per_file(50).memory_limit(limit).build().unwrap();
        writer.write(&log_batch((0..2000).rev().collect(), 60, 4)).unwrap();
        let results = writer.finish().unwrap();
        drop(writer);
        assert_eq!(results.len(), 40);
        assert_eq!(entries(place.scratch.path()), Vec::<PathBuf>::new());
        results.map(|file| FileResult { path: PathBuf::new(), ..file.unwrap() }).collect::<Vec<_>>()
    };
    let few = results(32 * 1024);
    assert!(few.iter().all(|file| file.fingerprints.as_ref().is_some_and(|all| all.len() > 2)));
    assert_eq!(few, results(1 << 26));
}

#[test]
fn many_runs_and_files_do_not_hold_many_descriptors() {
    let place = Place::new();
    let open = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let before = open();
    let mut writer = place.logs().rows_per_file(50).memory_limit(8 * 1024).build().unwrap();
    for start in 0..60 {
        writer.write(&log_batch((start * 50..(start + 1) * 50).rev().collect(), 100, start as u64)).unwrap();
    }
    assert!(writer.counts().spilled_runs > 40, "{:?}", writer.counts());
    // Other tests of this process open files too; sixty runs would still stand out.
    assert!(open() < before + 40);
    let files = writer.finish().unwrap().into_vec().unwrap();
    assert_eq!(files.len(), 60);
    place.assert_only(&files);
}

#[test]
fn the_mark_of_an_earlier_set_goes_with_its_files_and_stays_with_them() {
    let place = Place::new();
    let mark = place.output.path().join("_SUCCESS");
    let write = || {
        let mut writer = place.logs().rows_per_file(1).build().unwrap();
        writer.write(&log_batch(vec![1, 2], 10, 1)).unwrap();
        writer.finish()
    };
    std::fs::write(&mark, "part-00000.parquet\n").unwrap();
    let files = write().unwrap().into_vec().unwrap();
    place.assert_only(&files);
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "part-00000.parquet\npart-00001.parquet\n");
    // The set is complete: one more attempt leaves it so.
    assert_eq!(write().unwrap_err().kind(), ErrorKind::Io);
    place.assert_only(&files);
    // A mark that cannot be placed: no file has a name.
    files.iter().for_each(|file| std::fs::remove_file(&file.path).unwrap());
    std::fs::remove_file(&mark).unwrap();
    std::fs::create_dir(&mark).unwrap();
    let error = write().unwrap_err();
    assert!(error.to_string().contains("_SUCCESS"), "{error}");
    assert_eq!(entries(place.output.path()), [mark]);
}

#[test]
fn sets_of_other_names_have_marks_of_their_own() {
    let place = Place::new();
    for base in ["part", "hour"] {
        let mut writer = place.logs().base_name(base).build().unwrap();
        writer.write(&log_batch(vec![1, 2], 10, 1)).unwrap();
        writer.finish().unwrap();
    }
    let read = |name: &str| std::fs::read_to_string(place.output.path().join(name)).unwrap();
    assert_eq!(read("_SUCCESS"), "part-00000.parquet\n");
    assert_eq!(read("_SUCCESS-hour"), "hour-00000.parquet\n");
}
