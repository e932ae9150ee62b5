//! Sides that do their jobs again, through the whole program.

use reports::determinism::RerunResult;
use reports::document::{CheckStatus, Verdict};

use crate::support::{check, parallax, red};

const CORPUS: &[&str] = &["run", "--corpus", "compact-rows-per-file", "--noise", "2"];

#[test]
fn the_built_in_writers_do_the_same_again_whatever_the_settings_and_the_order_of_the_input() {
    let run = parallax(&[
        "run",
        "--corpus",
        "compact-heavy-ties",
        "--corpus",
        "metrics-tiny-series",
        "--noise",
        "1",
    ])
    .finish()
    .expect(0);
    for job in &run.report().jobs {
        assert_eq!(check(job, "DETERMINISM").status, CheckStatus::Pass);
        let runs: Vec<&str> = job.reruns.iter().map(|it| it.run.as_str()).collect();
        let order = if job.id.starts_with("metrics") { "segments in reverse" } else { "rows in another" };
        assert!(runs.iter().any(|it| it.contains(order)), "{runs:?}");
        assert!(runs.contains(&"1 MiB of memory") && runs.contains(&"two threads"), "{runs:?}");
        assert!(job.reruns.iter().all(|it| it.result == RerunResult::Same), "{:#?}", job.reruns);
    }
    assert!(std::fs::read_to_string(run.path("parallax-report/index.html")).unwrap().contains("Done again"));
}

#[test]
fn a_candidate_that_does_not_reproduce_itself_fails_and_only_there() {
    for fault in ["unsteady-value", "unsteady-row", "unsteady-order", "unsteady-end"] {
        let side = format!("fault:{fault}");
        let run = parallax(&[CORPUS, &["--candidate", &side]].concat()).finish().expect(1);
        let report = run.report();
        assert_eq!(red(&report.jobs[0]), ["DETERMINISM"], "{fault}");
        // The first run is without fault.
        parallax(&["run", "--corpus", "compact-rows-per-file", "--candidate", &side]).finish().expect(0);
    }
}

#[test]
fn noise_of_the_baseline_is_told_and_fails_nobody() {
    let run = parallax(&[CORPUS, &["--baseline", "fault:unsteady-value"]].concat()).finish().expect(0);
    let job = &run.report().jobs[0];
    assert_eq!(job.verdict, Verdict::Pass);
    assert!(check(job, "DETERMINISM").summary.contains("noise"), "{}", check(job, "DETERMINISM").summary);
    assert!(job.reruns.iter().any(|it| it.result == RerunResult::Differs));
}
