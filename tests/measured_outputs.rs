//! What measured runs write is examined: a side that does not do its work while it is measured is never a fast one.

use reports::document::{CheckStatus, Finding, Role, Severity};
use reports::measurement::Outputs;

use crate::support::{Finished, check, findings, parallax, python_has, red};

/// Copies every input: the rows are right.
const COPY: &str = "o=$1; shift; cp \"$@\" $o";

/// A side that runs a script with its output directory and its inputs as arguments, and `$HOME_DIR` to remember things in.
fn side(name: &str, script: &str) -> String {
    format!(
        "[side.{name}]\ncommand = [\"sh\", \"-c\", '{script}', \"{name}\", \"{{output}}\", \"{{inputs}}\"]\n"
    )
}

fn bench_with(words: &[&str], candidate: &str, script: &str, limits: &[&str]) -> Finished {
    let config = [side("copy", COPY), side("other", script)].concat();
    let quick = ["--measure", "6", "--max-pairs", "6", "--least-ms", "0", "--half-ms", "0"];
    // So wide that no machine is too busy for them.
    let wide = ["--slower", "1000", "--more-memory", "1000", "--corpus", "compact-heavy-ties"];
    let sides = if candidate == "cmd:other" {
        ["--baseline", "cmd:copy", "--candidate", "cmd:other"]
    } else {
        ["--baseline", "cmd:other", "--candidate", "cmd:copy"]
    };
    let done = parallax(&[words, &sides, &quick, &wide, limits].concat())
        .with_file("parallax.toml", &config)
        .finish();
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
    done
}

fn bench(script: &str) -> Finished {
    bench_with(&["bench"], "cmd:other", script, &[])
}

fn outputs(done: &Finished) -> Outputs {
    done.report().jobs.pop().unwrap().measurement.unwrap().outputs.unwrap()
}

fn found(done: &Finished, code: &str) -> Finding {
    let report = done.report();
    findings(&report).find(|it| it.code == code).unwrap_or_else(|| panic!("{}", report.headline)).clone()
}

#[test]
fn outputs_with_the_bytes_of_the_warm_up_pass() {
    let done = bench(COPY).expect(0);
    let report = done.report();
    assert_eq!(check(&report.jobs[0], "ROWS").status, CheckStatus::Pass);
    assert!(check(&report.jobs[0], "ROWS").coverage.rows > 0);
    // Six pairs, and three of the baseline with itself.
    assert_eq!(outputs(&done), Outputs { identical: 18, ..Outputs::default() });
}

#[test]
fn other_bytes_with_the_same_rows_pass() {
    let done = bench("o=$1/$$; mkdir $o; shift; cp \"$@\" $o").expect(0);
    assert_eq!(outputs(&done), Outputs { identical: 12, same_rows: 6, ..Outputs::default() });
}

#[test]
fn a_candidate_that_writes_nothing_or_half_fails_rows() {
    for script in ["true", "cp $2 $1"] {
        let done = bench(script).expect(1);
        let report = done.report();
        assert_eq!(red(&report.jobs[0]), ["ROWS"], "{script}");
        // A time beside other rows passes nothing.
        assert_eq!(check(&report.jobs[0], "PERFORMANCE").status, CheckStatus::Inconclusive);
        assert_eq!(check(&report.jobs[0], "MEMORY").status, CheckStatus::Inconclusive);
    }
}

#[test]
fn a_candidate_that_does_its_work_in_the_warm_up_alone_fails() {
    for (left, said) in [("exit 0", "extra"), ("exec cp $2 $1", "missing")] {
        let script = format!("if [ -e started ]; then {left}; fi; touch started; {COPY}");
        let done = bench(&script).expect(1);
        let report = done.report();
        assert_eq!(red(&report.jobs[0]), ["PERFORMANCE", "MEMORY"], "{}", report.headline);
        let found = found(&done, "performance.output");
        assert_eq!((found.severity, found.side), (Severity::Blocker, Some(Role::Candidate)));
        assert!(
            found.message.starts_with("pair 1, round 1 of job compact-heavy-ties: the candidate did not")
        );
        assert!(
            found.message.contains("the rows of its warm-up") && found.message.contains(said),
            "{}",
            found.message
        );
        assert_eq!(outputs(&done).faults.len(), 1);
    }
}

#[test]
fn a_candidate_that_stops_working_later_fails_as_well() {
    let script =
        format!("n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) > n; [ $n -gt 4 ] && exit 0; {COPY}");
    let done = bench(&script).expect(1);
    let found = found(&done, "performance.output");
    assert!(found.message.starts_with("pair 5, round 1 of job compact-heavy-ties"), "{}", found.message);
}

#[test]
fn a_file_that_was_not_written_in_the_run_is_no_output() {
    let linked = format!("if [ -d cache ]; then ln cache/* $1; else {COPY}; mkdir cache; cp $o/* cache; fi");
    let moved = format!("if [ -e last ]; then mv $(cat last)/* $1; else echo $1 > last; {COPY}; fi");
    for (script, said) in [(linked, "is a hard link to a file outside"), (moved, "is a file of its warm-up")]
    {
        let done = bench(&script).expect(1);
        let message = found(&done, "performance.output").message;
        assert!(message.contains(said), "{message}");
    }
    // Links among the files of one run are nothing but files; so is a link to an input.
    bench("o=$1; shift; cp \"$@\" $o; ln $o/$(ls $o | head -1) $TMPDIR/x; rm $TMPDIR/x").expect(0);
}

#[test]
fn a_baseline_that_does_not_do_its_work_blames_no_candidate() {
    let script = format!("if [ -e started ]; then exit 0; fi; touch started; {COPY}");
    let done = bench_with(&["bench"], "cmd:copy", &script, &[]).expect(3);
    let found = found(&done, "performance.output");
    assert_eq!((found.severity, found.side), (Severity::Warning, Some(Role::Baseline)));
    assert!(findings(&done.report()).all(|it| it.severity != Severity::Blocker));
}

#[test]
fn a_run_that_measures_examines_the_measured_outputs_too() {
    // The comparison starts the side once, and the warm-up once more.
    let script =
        format!("n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) > n; [ $n -gt 1 ] && exit 0; {COPY}");
    let config_of = ["run", "--policy", "rows.toml"];
    let config = [side("copy", COPY), side("other", &script)].concat();
    let quick = ["--measure", "6", "--max-pairs", "6", "--least-ms", "0", "--half-ms", "0"];
    let sides = ["--baseline", "cmd:copy", "--candidate", "cmd:other", "--corpus", "compact-heavy-ties"];
    let done = parallax(&[&config_of[..], &sides, &quick].concat())
        .with_file("parallax.toml", &config)
        .with_file("rows.toml", "[policy]\ngates = [\"ROWS\", \"PERFORMANCE\"]\n")
        .finish()
        .expect(1);
    let report = done.report();
    assert_eq!(red(&report.jobs[1])[0], "PERFORMANCE", "{}", report.headline);
}

#[test]
fn known_defects_of_the_baseline_are_excused_as_in_a_comparison() {
    let quick = ["--measure", "6", "--max-pairs", "6", "--least-ms", "0", "--half-ms", "0", "--allow-debug"];
    let wide = ["--slower", "1000", "--more-memory", "1000", "--corpus", "metrics-garbage-sketches"];
    let done = parallax(&[&["bench"][..], &quick, &wide].concat()).finish().expect(0);
    let report = done.report();
    let rows = check(&report.jobs[0], "ROWS");
    assert_eq!(rows.status, CheckStatus::Pass, "{}", rows.summary);
    assert!(rows.findings.iter().any(|it| it.defect.as_deref() == Some("H")), "{}", rows.summary);
}

#[test]
fn a_column_that_is_never_the_same_counts_only_where_it_is_compared() {
    if !python_has("pyarrow", "PARALLAX_REQUIRE_PYARROW") {
        return;
    }
    let program = "import sys, time, pyarrow as pa, pyarrow.parquet as pq\n\
                   for number, name in enumerate(sys.argv[2:]):\n    table = pq.read_table(name)\n    \
                   stamps = pa.array([time.time_ns()] * len(table))\n    \
                   pq.write_table(table.append_column(\"stamp\", stamps), f\"{sys.argv[1]}/{number}.parquet\")\n";
    let bench = |words: &[&str]| {
        let config = "[side.stamps]\ncommand = [\"python3\", \"stamps.py\", \"{output}\", \"{inputs}\"]\n";
        let quick =
            ["--measure", "6", "--max-pairs", "6", "--half-ms", "0", "--corpus", "compact-heavy-ties"];
        let wide = ["--slower", "1000", "--more-memory", "1000"];
        let sides = ["bench", "--baseline", "cmd:stamps", "--candidate", "cmd:stamps"];
        parallax(&[&sides[..], &quick, &wide, words].concat())
            .with_file("parallax.toml", config)
            .with_file("stamps.py", program)
            .finish()
    };
    let ignored = bench(&["--ignore-columns", "stamp=time of writing"]).expect(0);
    assert_eq!(outputs(&ignored), Outputs { same_rows: 18, ..Outputs::default() });
    assert_eq!(red(&bench(&[]).expect(1).report().jobs[0])[0], "ROWS");
    // Noise of the baseline is no fault of a run, and no pass either.
    let noise = bench(&["--noise", "1"]).expect(3);
    assert_eq!(outputs(&noise), Outputs { noise: 18, ..Outputs::default() });
}
