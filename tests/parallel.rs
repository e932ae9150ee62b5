//! Measuring under load: several workers of a side at the same time, each with the memory of a worker.

use std::collections::BTreeMap;

use reports::document::{Role, Severity};
use reports::measurement::{Measurement, Purpose};

use crate::support::{Finished, findings, parallax, red};

const COPY: &str = "o=$1; shift; cp \"$@\" $o";

/// Waits until all three workers of a run are at work: it never ends where they run one after another.
const TOGETHER: &str = r#"
echo x >> log; n=$(wc -l < log); all=$(( (n + 2) / 3 * 3 ))
until [ $(wc -l < log) -ge $all ]; do sleep 0.01; done
"#;

/// Needs some 60 MB of memory.
const LARGE: &str = "head -c 60000000 /dev/zero | tail > /dev/null || exit 1";

fn side(name: &str) -> String {
    format!(
        "[side.{name}]\ncommand = [\"sh\", \"{name}.sh\", \"{{output}}\", \"{{inputs}}\"]\ntimeout = \"60s\"\n"
    )
}

fn bench(sides: [&str; 2], scripts: [&str; 2], words: &[&str]) -> Finished {
    let quick = ["--measure", "6", "--max-pairs", "6", "--least-ms", "0", "--half-ms", "0"];
    let wide =
        ["--slower", "1000", "--more-memory", "1000", "--corpus", "compact-heavy-ties", "--allow-debug"];
    let sides = ["bench", "--baseline", sides[0], "--candidate", sides[1]];
    let done = parallax(&[&sides[..], &quick, &wide, words].concat())
        .with_file("parallax.toml", &[side("a"), side("b")].concat())
        .with_file("a.sh", scripts[0])
        .with_file("b.sh", scripts[1])
        .finish();
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
    done
}

fn measured(done: &Finished) -> Measurement {
    done.report().jobs.pop().unwrap().measurement.unwrap()
}

#[test]
fn the_workers_of_a_run_are_at_work_together_and_each_is_a_sample() {
    let script = [TOGETHER, COPY].concat();
    let done = bench(["cmd:a", "cmd:b"], [&script, &script], &["--parallel", "3"]).expect(0);
    let measurement = measured(&done);
    assert_eq!((measurement.workers, measurement.pairs), (Some(3), 6));
    assert_eq!((measurement.wall.ratios.len(), measurement.memory.ratios.len()), (6, 6));
    // All workers of one side, then all of the other.
    let mut runs: BTreeMap<(u64, bool), u64> = BTreeMap::new();
    for sample in measurement.samples.iter().filter(|sample| sample.purpose == Purpose::Pair) {
        *runs.entry((sample.repetition, sample.upper)).or_default() += 1;
    }
    assert!(runs.len() == 12 && runs.values().all(|&workers| workers == 3), "{runs:?}");
    let pairs: Vec<_> = measurement.samples.iter().filter(|it| it.purpose == Purpose::Pair).collect();
    assert!(pairs.chunks(3).all(|run| run.iter().all(|sample| sample.side == run[0].side)));
    // Every output but the first of each side was compared with that.
    assert_eq!(measurement.outputs.unwrap().identical, 2 * 2 + 12 * 3 + 6 * 3);
    // The figure of a pair is the mean over its workers.
    let sum: u64 = pairs.iter().filter(|it| !it.upper).map(|it| it.peak_bytes).sum();
    let mean = sum as f64 / 18.0;
    let told = measurement.memory.baseline;
    assert!((told / mean - 1.0).abs() < 0.5, "{told} {mean}");
    let replay = done.report().run.replay;
    assert!(replay.contains("--parallel 3"), "{replay}");
}

#[test]
fn one_worker_of_several_that_writes_nothing_fails_its_side() {
    let idle = [TOGETHER, "[ $n -ne $all ] || exit 0\n", COPY].concat();
    let done = bench(["cmd:a", "cmd:b"], [&[TOGETHER, COPY].concat(), &idle], &["--parallel", "3"]).expect(1);
    let report = done.report();
    assert!(findings(&report).any(|it| it.code == "performance.output" && it.side == Some(Role::Candidate)));
}

#[test]
fn a_side_that_needs_more_than_a_worker_has_fails_and_names_the_limit() {
    let large = format!("{LARGE}; {COPY}");
    let limit = ["--worker-memory", "33554432"];
    bench(["cmd:a", "cmd:b"], [COPY, &large], &[]).expect(0);
    let done = bench(["cmd:a", "cmd:b"], [COPY, &large], &limit).expect(1);
    let report = done.report();
    assert_eq!(red(&report.jobs[0]), ["PERFORMANCE", "MEMORY"]);
    let found = findings(&report).find(|it| it.code == "memory.output").unwrap();
    assert!(
        found.message.contains("a worker had 33554432 bytes of memory (--worker-memory"),
        "{}",
        found.message
    );
    assert_eq!(measured(&done).worker_memory, Some(33_554_432));
    // Beside the limit nothing changes.
    bench(["cmd:a", "cmd:b"], [COPY, COPY], &limit).expect(0);
    let of_baseline = bench(["cmd:a", "cmd:b"], [&large, COPY], &limit).expect(3);
    assert!(findings(&of_baseline.report()).all(|it| it.severity != Severity::Blocker));
}

#[test]
fn a_built_in_side_that_needs_more_than_a_worker_has_is_no_fault_of_the_machine() {
    let large =
        bench(["cmd:a", "fault:double-memory"], [COPY, COPY], &["--worker-memory", "16777216"]).expect(1);
    let report = large.report();
    let found = findings(&report).find(|it| it.code == "memory.output").unwrap();
    assert!(found.message.contains("a worker had 16777216 bytes of memory"), "{}", found.message);
    let enough = ["--parallel", "2", "--worker-memory", "4000000000"];
    let done = bench(["unified", "unified"], [COPY, COPY], &enough).expect(0);
    assert_eq!(measured(&done).failure, None);
}
