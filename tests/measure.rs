//! Measuring time and memory through the whole program: structure only, for nothing here can promise a speed.

use reports::document::{Action, CheckStatus, Mode, Verdict};
use reports::measurement::Purpose;

use crate::support::{check, parallax};

/// Few pairs of a small corpus: six is the fewest that decides anything.
const QUICK: [&str; 10] = [
    "--measure",
    "6",
    "--max-pairs",
    "6",
    "--least-ms",
    "0",
    "--half-ms",
    "0",
    "--corpus",
    "compact-heavy-ties",
];

#[test]
fn a_bench_keeps_every_run_and_removes_what_was_written() {
    let finished = parallax(&[&["bench"][..], &QUICK].concat()).finish();
    let report = finished.report();
    assert_eq!(report.run.mode, Mode::Bench);
    assert_eq!(report.jobs.len(), 1);
    let job = &report.jobs[0];
    assert_eq!((job.id.as_str(), job.checks.len()), ("measure-logs-compact", 3));
    let measurement = job.measurement.as_ref().unwrap();
    assert_eq!(measurement.jobs[0].id, "compact-heavy-ties");
    assert!(measurement.failure.is_none(), "{:?}", measurement.failure);
    let runs = |purpose| measurement.samples.iter().filter(|sample| sample.purpose == purpose).count();
    assert_eq!((runs(Purpose::WarmUp), runs(Purpose::Pair), runs(Purpose::Noise)), (2, 12, 6));
    assert_eq!((measurement.pairs, measurement.memory.ratios.len()), (6, 6));
    for sample in &measurement.samples {
        assert!(sample.wall_ns > 0 && sample.user_ns + sample.system_ns > 0 && sample.peak_bytes > 1 << 20);
        assert!(sample.written_bytes.is_none_or(|bytes| bytes > 0), "{sample:?}");
    }
    // A debug build says nothing about speed, and the tests are one.
    if cfg!(debug_assertions) {
        assert_eq!(measurement.profile.as_deref(), Some("debug"));
        assert_eq!(check(job, "PERFORMANCE").status, CheckStatus::Inconclusive);
        assert_ne!(report.verdict, Verdict::Pass);
    }
    let lines = std::fs::read_to_string(finished.path("parallax-report/performance.csv")).unwrap();
    assert_eq!(lines.lines().count(), 1 + 20);
    let page = std::fs::read_to_string(finished.path("parallax-report/index.html")).unwrap();
    assert!(page.contains("Time and memory") && page.contains("compact-heavy-ties"));
    assert!(finished.stdout.contains("measure-logs-compact: 6 pairs of 1 job"), "{}", finished.stdout);
    assert!(finished.leftovers().is_empty(), "{:?}", finished.leftovers());
}

#[test]
fn a_run_compares_first_and_its_jobs_need_not_answer_for_the_measurement() {
    let words = ["run", "--baseline", "unified", "--require", "PERFORMANCE,MEMORY,ROWS", "--allow-debug"];
    // Limits so wide that no machine is too busy for them.
    let wide = ["--slower", "1000", "--more-memory", "1000"];
    let finished = parallax(&[&words[..], &wide, &QUICK].concat()).finish().expect(0);
    let report = finished.report();
    assert_eq!(report.jobs.len(), 2);
    assert_eq!((report.totals.jobs, report.totals.jobs_passed), (2, 2));
    let [compared, measured] = report.jobs.as_slice() else { panic!("two entries") };
    assert_eq!(check(compared, "ROWS").status, CheckStatus::Pass);
    assert_eq!(check(compared, "PERFORMANCE").status, CheckStatus::NotApplicable);
    assert_eq!(check(measured, "PERFORMANCE").status, CheckStatus::Pass);
    assert_eq!(check(measured, "MEMORY").status, CheckStatus::Pass);
    assert!(report.run.replay.contains("--measure 6"), "{}", report.run.replay);
}

#[test]
fn twice_the_memory_is_seen_whatever_else_the_machine_does() {
    let words = ["bench", "--baseline", "unified", "--candidate", "fault:double-memory"];
    let report = parallax(&[&words[..], &QUICK].concat()).finish().expect(1).report();
    let memory = check(&report.jobs[0], "MEMORY");
    assert_eq!(memory.status, CheckStatus::Fail);
    assert_eq!(memory.findings[0].code, "memory.more");
}

#[test]
fn a_peak_above_what_a_worker_has_pages_and_one_far_below_is_not_mentioned() {
    for (limit, code) in [("1000", 1), ("99000000000", 0)] {
        let words =
            ["bench", "--baseline", "unified", "--allow-debug", "--slower", "1000", "--more-memory", "1000"];
        let done = parallax(&[&words[..], &QUICK].concat())
            .with_file("parallax.toml", &format!("[policy.memory]\nlimit = {limit}\n"))
            .finish()
            .expect(code);
        let report = done.report();
        let found = &check(&report.jobs[0], "MEMORY").findings;
        let told: Vec<_> = found.iter().map(|it| (it.code.as_str(), it.action)).collect();
        let wanted = [("memory.limit", Some(Action::Page))];
        assert_eq!(told, if code == 1 { &wanted[..] } else { &[] });
    }
}

#[test]
fn required_but_not_measured_is_not_passed() {
    let report = parallax(&["run", "--corpus", "compact-heavy-ties", "--require", "PERFORMANCE"])
        .finish()
        .expect(3)
        .report();
    assert!(report.headline.contains("PERFORMANCE is required"), "{}", report.headline);
}

#[test]
fn an_external_side_is_measured_as_it_is_and_its_failure_is_told() {
    let config = "[side.copy]\ncommand = [\"sh\", \"-c\", \"cat \\\"$@\\\" > /dev/null\", \"copy\", \"{inputs}\"]\n\n\
                  [side.broken]\ncommand = [\"sh\", \"-c\", \"echo lost my way >&2; exit 4\"]\n";
    let bench = |candidate: &str| {
        let words = ["bench", "--baseline", "cmd:copy", "--candidate", candidate];
        parallax(&[&words[..], &QUICK].concat()).with_file("parallax.toml", config).finish()
    };
    let report = bench("cmd:copy").report();
    let measurement = report.jobs[0].measurement.clone().unwrap();
    assert_eq!((measurement.profile, measurement.pairs), (None, 6));
    let bytes = measurement.jobs[0].bytes;
    assert!(measurement.samples.iter().all(|sample| sample.read_bytes.is_none_or(|read| read >= bytes)));
    let report = bench("cmd:broken").expect(3).report();
    assert!(report.headline.contains("exited with status 4: lost my way"), "{}", report.headline);
}

#[test]
fn what_a_measured_side_may_leave_is_limited_as_in_a_comparison() {
    let side = |name: &str, script: &str| {
        format!("[side.{name}]\ncommand = [\"sh\", \"-c\", '{script}', \"side\", \"{{output}}\"]\n")
    };
    let config = [
        side("good", "echo rows > \"$1/a\""),
        side("much", "truncate -s 1T \"$1/a\""),
        side("at-work", "truncate -s 1T \"$1/a\"; sleep 600"),
        side("gone", "rm -r \"$1\""),
    ];
    let bench = |candidate: &str, limit: &str| {
        let words = ["bench", "--baseline", "cmd:good", "--candidate", candidate, "--output-limit", limit];
        let done =
            parallax(&[&words[..], &QUICK].concat()).with_file("parallax.toml", &config.concat()).finish();
        assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
        done.report().jobs[0].measurement.clone().unwrap().failure
    };
    assert_eq!(bench("cmd:good", "1000000"), None);
    for (candidate, said) in [
        ("cmd:much", "left more than 1000000 bytes; where that is right, raise --output-limit"),
        ("cmd:at-work", "left more than 1000000 bytes; where that is right, raise --output-limit"),
        ("cmd:gone", "removed its output directory"),
    ] {
        let failure = bench(candidate, "1000000").unwrap();
        assert!(failure.contains(&format!("the candidate {candidate} {said}")), "{failure}");
    }
    assert_eq!(bench("cmd:much", "2000000000000"), None);
}

#[test]
fn a_recorded_side_cannot_be_measured() {
    let finished = parallax(&["bench", "--candidate", "dir:somewhere"]).finish().expect(2);
    assert!(finished.stderr.contains("recorded output"), "{}", finished.stderr);
}
