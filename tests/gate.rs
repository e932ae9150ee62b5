//! The gate through the whole program. One run and one measurement are made once; each test changes what it needs in them,
//! because a test cannot promise a speed and cannot wait for a report to grow old.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Finished, parallax};

mod contradictions;
mod setting;

use self::setting::*;

#[test]
fn everything_answered_and_confirmed_is_a_pass_that_can_be_signed() {
    let done = gate(&GOOD, "logs", |_, _| ()).expect(0);
    let document = decision(&done);
    assert_eq!((&document["verdict"], &document["closing"]), (&json!("pass"), &json!(false)));
    let marks = [
        ("P1", "pass"),
        ("P2", "confirmed"),
        ("P3", "confirmed"),
        ("V2", "pass"),
        ("S2", "pass"),
        ("S4", "later"),
    ];
    for (id, wanted) in marks {
        assert_eq!(mark(&document, id), wanted, "{id}");
    }
    let told =
        document["evidence"].as_array().unwrap().iter().find(|line| line["check"] == "PERFORMANCE").unwrap();
    assert!(
        told["because"].as_str().unwrap().starts_with("measure-logs-compact: wall time: 1.000 (0.0 % "),
        "{told}"
    );
    assert_eq!(document["candidate"]["kind"], "unified");
    assert!(document["candidate"]["digest"].is_string() && document["reports"][0]["digest"].is_string());
    assert!(done.stdout.starts_with("gate logs: PASS\nThe phase may begin."), "{}", done.stdout);
    let page = std::fs::read_to_string(done.path("parallax-gate/gate.html")).unwrap();
    assert!(page.contains("Sign-off") && page.contains("confirmed by") && page.contains("Ada"));
    let markdown = std::fs::read_to_string(done.path("parallax-gate/gate.md")).unwrap();
    assert!(markdown.starts_with("# ✅ PASS: gate logs") && markdown.contains("| Owner of the writer | | |"));
}

#[test]
fn a_phase_is_complete_only_when_what_can_be_known_later_is_confirmed_too() {
    let open = gate(&[&GOOD[..], &["--complete"]].concat(), "logs", |_, _| ()).expect(3);
    assert!(reasons(&decision(&open)).contains("Zero critical errors in production"));
    let words = [&GOOD[..], &["--complete", "--confirm", "S4"]].concat();
    let document = decision(&gate(&words, "logs", |_, _| ()).expect(0));
    assert_eq!((&document["closing"], mark(&document, "S4").as_str()), (&json!(true), "confirmed"));
    let early = gate(&[&GOOD[..], &["--confirm", "S4"]].concat(), "logs", |_, _| ()).expect(2);
    assert!(early.stderr.contains("confirm it with --complete"), "{}", early.stderr);
}

#[test]
fn without_confirmations_and_earlier_gates_it_is_open_and_says_what_to_do() {
    let done = gate(&[], "logs", |_, _| ()).expect(3);
    let document = decision(&done);
    for id in ["P1", "P2", "P3"] {
        assert_eq!(mark(&document, id), "open", "{id}");
    }
    assert!(done.stdout.contains("--confirm P2 --signed-by NAME"), "{}", done.stdout);
    assert!(done.stdout.contains("name its gate with --after"), "{}", done.stdout);
}

#[test]
fn a_confirmation_never_stands_in_for_a_check_and_needs_a_name() {
    for (words, said) in [
        (
            &["--confirm", "V1", "--signed-by", "Ada"][..],
            "V1 is answered by ROWS, SCHEMA, LAYOUT, not by a human",
        ),
        (
            &["--confirm", "P9", "--signed-by", "Ada"],
            "there is no such line; those that a human confirms are P1",
        ),
        (&["--confirm", "P2", "--signed-by", " "], "--signed-by is empty"),
        (&["--confirm", "P2"], "--signed-by <NAME>"),
    ] {
        let done = gate(words, "logs", |_, _| ()).expect(2);
        assert!(done.stderr.contains(said), "{}", done.stderr);
        assert!(!done.path("parallax-gate").exists());
    }
}

#[test]
fn the_gate_of_an_earlier_phase_must_have_completed_it() {
    let with = |field: &str, value: Value| {
        let mut document = foundation();
        document[field] = value;
        let (run, bench) = made();
        let words = [&["gate", "--phase", "logs", "run.json", "bench.json"][..], &GOOD].concat();
        parallax(&words)
            .with_file("run.json", &run.to_string())
            .with_file("bench.json", &bench.to_string())
            .with_file("foundation.json", &document.to_string())
            .finish()
    };
    let said = |done: &Finished| decision(done)["checklist"][0]["because"].to_string();
    with("tool", foundation()["tool"].clone()).expect(0);
    assert!(said(&with("verdict", json!("fail")).expect(1)).contains("the gate of foundation failed"));
    assert!(said(&with("verdict", json!("inconclusive")).expect(3)).contains("is inconclusive"));
    assert!(said(&with("closing", json!(false)).expect(3)).contains("it was not completed"));
    assert!(
        said(&with("phase", json!("traces")).expect(3))
            .contains("nothing shows that phase foundation is over")
    );
    assert!(
        reasons(&decision(&with("decided", json!("2999-01-01T00:00:00Z")).expect(3)))
            .contains("in the future")
    );
    assert!(with("gate_version", json!(9)).expect(2).stderr.contains("gate version 9"));
}

#[test]
fn no_way_leads_to_a_pass_that_was_not_earned() {
    type Edit = fn(&mut Value, &mut Value);
    let ways: [(&str, Edit, i32, &str); 38] = [
        (
            "one output compared with itself",
            |run, _| {
                run["warnings"] = json!([{
                    "code": "compare.self_check", "message": "both sides are one output", "origin": "--allow-same"
                }]);
            },
            3,
            "it compares one output with itself",
        ),
        (
            "outputs that were declared empty",
            |run, _| {
                run["jobs"][0]["allow_empty"] = json!(true);
                check(run, "ROWS")["coverage"]["rows"] = json!(0);
            },
            3,
            "ROWS",
        ),
        (
            "measurement without pairs",
            |_, b| b["jobs"][0]["measurement"]["samples"] = json!([]),
            3,
            "job compact-heavy-ties takes 0 ms",
        ),
        (
            "no measurement",
            |_, b| b["jobs"] = json!([]),
            3,
            "PERFORMANCE on logs, required by phase logs: no measurement of signal logs",
        ),
        (
            "no comparison",
            |r, _| r["jobs"] = json!([]),
            3,
            "ROWS on logs, required by phase logs: no compared job of signal logs",
        ),
        (
            "stale",
            |r, _| r["run"]["started"] = json!("2020-01-01T00:00:00Z"),
            3,
            "it is too old: finished 2020-01-01",
        ),
        ("stale measurement", |_, b| b["run"]["started"] = json!("2020-01-01T00:00:00Z"), 3, "it is too old"),
        (
            "from the future",
            |r, _| r["run"]["started"] = json!("2999-01-01T00:00:00Z"),
            3,
            "which is in the future",
        ),
        ("no time", |r, _| r["run"]["started"] = json!("yesterday"), 3, "is no time"),
        ("endless", |r, _| r["run"]["duration_ms"] = json!(u64::MAX), 3, "is no time"),
        (
            "other candidate digest",
            |_, b| b["jobs"][0]["candidate"]["side"]["digest"] = json!("ab"),
            3,
            "one and the same candidate",
        ),
        (
            "other candidate version",
            |_, b| b["jobs"][0]["candidate"]["side"]["version"] = json!("9"),
            3,
            "one and the same candidate",
        ),
        (
            "other baseline",
            |_, b| b["jobs"][0]["baseline"]["side"]["digest"] = json!("ab"),
            3,
            "one and the same baseline",
        ),
        (
            "no digest",
            |r, _| r["jobs"][0]["candidate"]["side"]["digest"] = json!(null),
            3,
            "is made of (no digest)",
        ),
        ("partial", |r, _| r["run"]["complete"] = json!(false), 3, "it is partial"),
        ("fewer jobs than there were", |r, _| r["totals"]["jobs"] = json!(7), 3, "it holds 1 of 7 jobs"),
        ("no policy", |r, _| r["policy"] = json!(null), 3, "does not say by which policy"),
        ("half a policy", |r, _| r["policy"]["values"] = json!([]), 3, "does not say `negative_zero_equal`"),
        (
            "an ignored column",
            |r, _| {
                let ignored = json!({"key": "ignore.level", "value": "why", "origin": "x"});
                r["policy"]["values"].as_array_mut().unwrap().push(ignored);
            },
            3,
            "judged under another policy: column \\\"level\\\" was not compared",
        ),
        (
            "a tolerance",
            |r, _| {
                let value = json!({"key": "tolerance.x", "value": "absolute 5, relative 0", "origin": "x"});
                r["policy"]["values"].as_array_mut().unwrap().push(value);
            },
            3,
            "compared with a tolerance (absolute 5, relative 0)",
        ),
        (
            "a tolerance for some jobs",
            |r, _| {
                let key = "for job \"compact-*\": tolerance.x";
                let value = json!({"key": key, "value": "absolute 5, relative 0", "origin": "x"});
                r["policy"]["values"].as_array_mut().unwrap().push(value);
            },
            3,
            "for parts of the work it said `for job",
        ),
        (
            "looser bounds",
            |r, _| {
                let values = r["policy"]["values"].as_array_mut().unwrap();
                values.iter_mut().find(|it| it["key"] == "sizes.bytes_fail").unwrap()["value"] = json!("9");
            },
            3,
            "`sizes.bytes_fail` was 9 instead of 0.5",
        ),
        (
            "a finding that its policy waived",
            |r, _| {
                r["waivers"] = json!([{"code": "rows.missing", "waived": {"reason": "known", "owner": "ada", "expires": null}, "applied": 1, "expired": false}]);
                check(r, "ROWS")["findings"] = json!([blocker(Some("known"))]);
            },
            1,
            "3 rows are gone",
        ),
        (
            "a failure that did not gate",
            |r, _| {
                let rows = check(r, "ROWS");
                rows["findings"] = json!([blocker(None)]);
                rows["status"] = json!("fail");
                rows["gates"] = json!(false);
            },
            1,
            "3 rows are gone",
        ),
        (
            "a blocker under a pass",
            |r, _| check(r, "ROWS")["findings"] = json!([blocker(None)]),
            1,
            "3 rows are gone",
        ),
        (
            "a pass without coverage",
            |r, _| {
                check(r, "ROWS")["coverage"] = json!({"files": 0, "rows": 0, "columns": 0, "bytes": 0});
            },
            3,
            "ROWS could not be decided",
        ),
        (
            "a check that did not apply",
            |r, _| check(r, "ORDER")["status"] = json!("not-applicable"),
            3,
            "ORDER on logs, required by phase logs: no compared job of signal logs answered it",
        ),
        (
            "a planted fault",
            |r, _| r["jobs"][0]["candidate"]["side"]["kind"] = json!("fault"),
            3,
            "is the planted fault",
        ),
        (
            "with itself",
            |r, _| r["jobs"][0]["baseline"]["side"] = r["jobs"][0]["candidate"]["side"].clone(),
            3,
            "compares unified with itself",
        ),
        (
            "another signal definition",
            |r, _| r["jobs"][0]["signal_digest"] = json!("ab"),
            3,
            "another definition of signal logs",
        ),
        (
            "no signal definition",
            |r, _| r["jobs"][0]["signal_digest"] = json!(null),
            3,
            "does not say how signal logs was defined",
        ),
        (
            "a debug build",
            |_, b| b["jobs"][0]["measurement"]["profile"] = json!("debug"),
            3,
            "measured with a debug build, which is no evidence",
        ),
        (
            "slower, by its own limit allowed",
            |_, b| {
                candidate_takes(b, "wall_ns", 115);
                b["jobs"][0]["measurement"]["wall"]["limit"] = json!(1000.0);
            },
            1,
            "the candidate takes 15.0 % more wall time",
        ),
        ("more memory", |_, b| candidate_takes(b, "peak_bytes", 200), 1, "100.0 % more"),
        (
            "outputs of measured runs that nothing examined",
            |_, b| {
                let checks = b["jobs"][0]["checks"].as_array_mut().unwrap();
                checks.retain(|check| check["check"] != "ROWS");
            },
            3,
            "the outputs of the measured runs were not examined",
        ),
        (
            "other rows in the warm-up",
            |_, b| {
                let rows = check(b, "ROWS");
                rows["status"] = json!("fail");
                rows["findings"] = json!([blocker(None)]);
            },
            1,
            "3 rows are gone",
        ),
        (
            "a measured run without its output",
            |_, b| {
                b["jobs"][0]["measurement"]["outputs"]["faults"] = json!([{
                    "purpose": "pair", "repetition": 2, "round": 1, "job": "j", "side": "candidate", "message": "wrote nothing"
                }]);
            },
            1,
            "pair 2, round 1 of job j: the candidate wrote nothing",
        ),
        (
            "too few pairs",
            |_, b| {
                let samples = b["jobs"][0]["measurement"]["samples"].as_array_mut().unwrap();
                samples.retain(|sample| sample["repetition"].as_u64().unwrap() < 4);
            },
            3,
            "at least 6 pairs",
        ),
    ];
    for (name, edit, code, said) in ways {
        let done = gate(&GOOD, "logs", edit);
        assert_eq!(done.code, Some(code), "{name}\n{}{}", done.stdout, done.stderr);
        let found = reasons(&decision(&done));
        assert!(found.contains(said), "{name}: {said:?} not in {found}");
    }
    gate(&GOOD, "logs", |_, b| candidate_takes(b, "wall_ns", 103)).expect(0);
    let short = gate(&GOOD, "logs", |_, b| {
        for sample in b["jobs"][0]["measurement"]["samples"].as_array_mut().unwrap() {
            sample["wall_ns"] = json!(4_000_000);
        }
    });
    assert!(reasons(&decision(&short.expect(3))).contains("takes 4 ms, mostly the start of a process"));
}

#[test]
fn a_report_of_another_policy_that_was_as_strict_counts_and_says_so() {
    let done = gate(&GOOD, "logs", |run, _| {
        run["policy"]["phase"] = json!(null);
        run["policy"]["digest"] = json!("ab");
        run["verdict"] = json!("inconclusive");
    });
    let document = decision(&done.expect(0));
    let told = document["reports"][0]["judged"].as_str().unwrap();
    assert!(told.contains("was judged under another policy (no phase), judged again here"), "{told}");
    assert_eq!(document["reports"][0]["own_verdict"], "inconclusive");
    assert!(document["reports"][1]["judged"].as_str().unwrap().starts_with("judged by this policy"));
}

#[test]
fn a_failure_counts_whatever_else_is_wrong_with_its_report() {
    let done = gate(&GOOD, "logs", |run, _| {
        run["run"]["complete"] = json!(false);
        run["run"]["started"] = json!("2020-01-01T00:00:00Z");
        check(run, "ROWS")["findings"] = json!([blocker(None)]);
    });
    let document = decision(&done.expect(1));
    assert_eq!(document["findings"][0]["finding"]["code"], "rows.missing");
    assert_eq!(document["findings"][0]["finding"]["action"], "page");
}

#[test]
fn a_waiver_holds_by_the_policy_of_the_gate_and_on_the_day_of_the_gate() {
    let waiver = |expires: &str| {
        format!(
            "[[policy.waiver]]\ncode = \"rows.missing\"\nreason = \"known\"\nowner = \"ada\"\nexpires = \"{expires}\"\n"
        )
    };
    let waived = |run: &mut Value, _: &mut Value| {
        run["waivers"] = json!([{"code": "rows.missing", "waived": {"reason": "known", "owner": "ada", "expires": null}, "applied": 1, "expired": false}]);
        check(run, "ROWS")["findings"] = json!([blocker(Some("known"))]);
        run["totals"]["waived"] = json!(1);
    };
    let document = decision(&gate_with(&GOOD, "logs", &waiver("2999-01-01"), waived).expect(0));
    assert_eq!(document["waivers"][0]["applied"], 1);
    let expired = decision(&gate_with(&GOOD, "logs", &waiver("2020-01-01"), waived).expect(1));
    assert!(expired["notices"].to_string().contains("expired after 2020-01-01"), "{}", expired["notices"]);
    // A run that failed does not pass by a waiver that came afterwards.
    let late = |run: &mut Value, _: &mut Value| {
        let rows = check(run, "ROWS");
        rows["findings"] = json!([blocker(None)]);
        rows["status"] = json!("fail");
    };
    let done = gate_with(&GOOD, "logs", &waiver("2999-01-01"), late).expect(3);
    assert!(reasons(&decision(&done)).contains("only waivers that the run was not judged with"));
}

#[test]
fn a_policy_for_a_part_of_the_work_holds_in_the_gate_for_that_part_alone() {
    // ROWS is required by the phase, so that no block takes its failure back; PERFORMANCE is evidence only.
    let gates = "[\"ACCOUNTING\", \"SCHEMA\", \"ORDER\", \"SIZES\", \"LAYOUT\", \"METADATA\", \"ERRORS\", \"LEAKS\", \"MEMORY\"]";
    let blocked = |run: &mut Value, _: &mut Value| {
        let rows = check(run, "ROWS");
        rows["findings"] = json!([blocker(None)]);
        rows["status"] = json!("fail");
    };
    gate_with(&GOOD, "logs", &format!("[[policy.for]]\njob = \"*\"\ngates = {gates}\n"), blocked).expect(1);
    for (job, code) in [("*", 3), ("another-*", 1)] {
        let config = format!("[[policy.for]]\njob = \"{job}\"\ngates = {gates}\n");
        let slower = |_: &mut Value, bench: &mut Value| candidate_takes(bench, "wall_ns", 130);
        let done = gate_with(&GOOD, "logs", &config, slower).expect(code);
        let notices = decision(&done)["notices"].to_string();
        assert!(notices.contains("for a part of the work"), "{notices}");
        // It fails nobody there, and yet what the phase requires of it is not shown.
        let shown = reasons(&decision(&done));
        assert_eq!(shown.contains("though it does not gate there"), code == 3, "{shown}");
    }
}

#[test]
fn a_candidate_that_needs_more_memory_than_a_worker_has_fails_the_gate() {
    let done = gate_with(&GOOD, "logs", "[policy.memory]\nlimit = 1000\n", |_, _| ()).expect(1);
    assert!(done.stdout.contains("of the 1000 that a worker has"), "{}", done.stdout);
}

#[test]
fn a_policy_looser_than_the_phase_is_told_on_the_page() {
    let config = "[policy]\nmax_age = \"30d\"\ngates = [\"ROWS\", \"ORDER\", \"PERFORMANCE\", \"MEMORY\"]\n[policy.performance]\nslower = 0.5\n";
    let done = gate_with(&GOOD, "logs", config, |_, bench| candidate_takes(bench, "wall_ns", 130)).expect(0);
    let notices = decision(&done)["notices"].to_string();
    for said in [
        "`performance.slower` is 0.5 instead of 0.1 (from parallax.toml:5)",
        "`max_age` is 30d instead of 7d",
        "SCHEMA does not gate",
    ] {
        assert!(notices.contains(said), "{said} in {notices}");
    }
    assert!(done.stdout.contains("looser than phase logs"), "{}", done.stdout);
}

#[test]
fn measurements_of_two_machines_are_not_held_against_each_other() {
    let (run, bench) = made();
    let mut other = bench.clone();
    other["jobs"][0]["measurement"]["machine"]["name"] = json!("elsewhere");
    let words = [&["gate", "--phase", "logs", "run.json", "bench.json", "other.json"][..], &GOOD].concat();
    let done = parallax(&words)
        .with_file("run.json", &run.to_string())
        .with_file("bench.json", &bench.to_string())
        .with_file("other.json", &other.to_string())
        .with_file("foundation.json", &foundation().to_string())
        .finish()
        .expect(3);
    assert!(reasons(&decision(&done)).contains("measured on different machines"), "{}", done.stdout);
}

#[test]
fn a_report_of_other_signals_adds_nothing_and_the_metrics_phase_waits_for_query() {
    let document = decision(&gate(&[], "traces", |_, _| ()).expect(3));
    assert!(
        document["reports"].to_string().contains("covers no job of the phase's signals, so it adds nothing")
    );
    assert!(
        reasons(&document)
            .contains("LOCALITY on traces, required by phase traces: no compared job of signal traces")
    );
    let document = decision(&gate(&[], "metrics", |_, _| ()).expect(3));
    assert_eq!(mark(&document, "V3"), "open");
    assert!(
        reasons(&document).contains(
            "QUERY on metrics, required by phase metrics: this version of Parallax has no such check"
        )
    );
    // Every signal needs jobs of its own.
    let document = decision(&gate(&[], "foundation", |_, _| ()).expect(3));
    assert!(reasons(&document).contains("ROWS on metrics") && !reasons(&document).contains("ROWS on logs"));
}

#[test]
fn only_a_human_can_say_who_wrote_a_recorded_output() {
    let recorded = |run: &mut Value, _: &mut Value| {
        for role in ["baseline", "candidate"] {
            let side = &mut run["jobs"][0][role]["side"];
            side["kind"] = json!("recorded");
            side["name"] = json!(format!("dir:{role}"));
        }
    };
    let done = gate(&GOOD, "logs", recorded).expect(3);
    assert!(
        done.stdout
            .contains("R1  run.json: its recorded outputs were written by the baseline (dir:baseline)"),
        "{}",
        done.stdout
    );
    let document = decision(&gate(&[&GOOD[..], &["--confirm", "R1"]].concat(), "logs", recorded).expect(0));
    assert_eq!(
        (mark(&document, "R1").as_str(), &document["candidate"]["kind"]),
        ("confirmed", &json!("unified"))
    );
}

#[test]
fn what_cannot_be_read_or_is_not_understood_ends_with_exit_two_and_leaves_nothing() {
    let with = |words: &[&str], name: &str, text: &str| {
        parallax(&[&["gate"], words].concat()).with_file(name, text).finish().expect(2)
    };
    for (words, name, text, said) in [
        (&["--phase", "logs", "none.json"][..], "x", "", "none.json"),
        (&["--phase", "logs", "x.json"], "x.json", "{\"schema_version\": 1,", "x.json, line 1"),
        (&["--phase", "logs", "x.json"], "x.json", "{}", "it is no report"),
        (&["--phase", "log", "x.json"], "x.json", "{}", "did you mean `logs`?"),
        (&["x.json"], "x.json", "{}", "the phases are foundation, logs"),
        (&["--phase", "logs"], "x.json", "{}", "<REPORT>"),
        (&["--phase", "logs", "x.json"], "parallax.toml", "[policy]\nmax_age = \"7\"", "parallax.toml:2"),
    ] {
        let done = with(words, name, text);
        assert!(done.stderr.contains(said), "{said}\n{}", done.stderr);
        assert!(!done.path("parallax-gate").exists());
    }
    let twice = gate(&["./run.json"], "logs", |_, _| ()).expect(2);
    assert!(twice.stderr.contains("are the same report"), "{}", twice.stderr);
    let foreign = gate(&["--out", "tmp"], "logs", |_, _| ()).expect(3);
    assert!(foreign.path("tmp/gate.html").exists());
    let full = gate(&["--out", "."], "logs", |_, _| ()).expect(2);
    assert!(full.stderr.contains("is not empty and holds no earlier decision"), "{}", full.stderr);
    assert!(Path::new(&full.path("run.json")).exists());
}

#[test]
fn a_required_check_that_a_job_did_not_answer_leaves_the_gate_open() {
    let done = gate(&[&GOOD[..], &["--require", "locality"]].concat(), "logs", |_, _| ()).expect(3);
    assert!(reasons(&decision(&done)).contains("LOCALITY is required but does not apply"), "{}", done.stdout);
}

#[test]
fn a_side_of_ones_own_is_known_by_its_program_its_files_and_its_environment() {
    let config = |flag: &str| {
        format!("[side.w]\ncommand = [\"sh\", \"w.sh\", \"{{output}}\"]\nenv = {{ FLAG = \"{flag}\" }}\n")
    };
    let digest = |script: &str, flag: &str| {
        let words = ["run", "--corpus", CORPUS, "--candidate", "cmd:w"];
        let done =
            parallax(&words).with_file("parallax.toml", &config(flag)).with_file("w.sh", script).finish();
        done.report().jobs[0].candidate.side.digest.clone().unwrap()
    };
    let first = digest("exit 1", "a");
    assert_eq!(first, digest("exit 1", "a"), "the directory plays no part");
    assert_ne!(first, digest("exit 2", "a"));
    assert_ne!(first, digest("exit 1", "b"));
}
