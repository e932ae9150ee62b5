//! An interrupted run leaves no temporary files and a readable report that says it is partial.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{files_below, parallax, read_report};

#[test]
fn an_interrupted_run_leaves_a_partial_report_and_nothing_else() {
    let (home, mut command) = parallax(&["run", "--threads", "1"]).into_parts();
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let tmp = home.path().join("tmp");
    let deadline = Instant::now() + Duration::from_secs(60);
    while files_below_if_any(&tmp) == 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{}", String::from_utf8_lossy(&ended.stderr));
    let report = read_report(&home.path().join("parallax-report/report.json"), "");
    assert!(!report.run.complete);
    assert!(report.run.partial_reason.as_deref().unwrap().contains("interrupted"));
    assert_ne!(report.verdict, reports::document::Verdict::Pass);
    let page = std::fs::read_to_string(home.path().join("parallax-report/index.html")).unwrap();
    assert!(page.to_lowercase().contains("partial"));
    assert!(files_below(&tmp).is_empty(), "{:?}", files_below(&tmp));
}

/// Entries below a directory that is changing meanwhile.
fn files_below_if_any(root: &std::path::Path) -> usize {
    std::fs::read_dir(root).map_or(0, Iterator::count)
}
