//! Documents that contradict themselves, and work that would be counted twice.

use serde_json::{Value, json};

use super::setting::*;
use crate::support::parallax;

type Edit = fn(&mut Value, &mut Value);

/// A job of the run.
fn job(run: &mut Value) -> &mut Value {
    &mut run["jobs"][0]
}

#[test]
fn a_document_that_contradicts_itself_carries_no_pass() {
    let ways: [(Edit, &str); 24] = [
        (|r, _| r["totals"]["jobs_passed"] = json!(2), "`totals.jobs_passed` is 2, its jobs give 1"),
        (|r, _| r["totals"]["rows_in"] = json!(9), "`totals.rows_in` is 9"),
        (|r, _| r["totals"]["blockers"] = json!(1), "`totals.blockers` is 1, its jobs give 0"),
        (|_, b| b["totals"]["jobs_failed"] = json!(4), "`totals.jobs_failed` is 4"),
        (|r, _| r["verdict"] = json!("fail"), "its verdict is `fail`, and of its 1 jobs 0 failed"),
        (|r, _| r["run"]["duration_ms"] = json!(0), "it took no time"),
        (
            |r, _| {
                let twice = job(r).clone();
                r["jobs"].as_array_mut().unwrap().push(twice);
                r["totals"]["jobs"] = json!(2);
            },
            "job compact-heavy-ties is counted twice",
        ),
        (|r, _| job(r)["verdict"] = json!("fail"), "its verdict is `fail`, and no check that gates failed"),
        (
            |r, _| check(r, "LEAKS")["status"] = json!("inconclusive"),
            "its verdict is `pass`, and LEAKS could not be decided",
        ),
        (|r, _| check(r, "ORDER")["status"] = json!("fail"), "ORDER is `fail` and has no blocker"),
        (|r, _| check(r, "SIZES")["findings"] = json!([blocker(None)]), "SIZES holds a finding of ROWS"),
        (
            |r, _| check(r, "ROWS")["findings"] = json!([blocker(None)]),
            "ROWS is `pass` and has a blocker that nothing waives",
        ),
        (
            |r, _| check(r, "SIZES")["coverage"] = json!({"files": 0, "rows": 0, "columns": 0, "bytes": 0}),
            "SIZES passed and examined nothing",
        ),
        (
            |r, _| {
                let twice = check(r, "ROWS").clone();
                job(r)["checks"].as_array_mut().unwrap().push(twice);
            },
            "ROWS is answered twice",
        ),
        (|r, _| job(r)["rows"] = json!(null), "ROWS passed, and no rows were counted"),
        (|r, _| job(r)["rows"]["rows_candidate"] = json!(7), "ROWS compared 7 rows of the candidate"),
        (|r, _| job(r)["rows"]["equal"] = json!(7), "ROWS sorted 7 of"),
        (
            |r, _| {
                let equal = job(r)["rows"]["equal"].as_u64().unwrap();
                job(r)["rows"]["equal"] = json!(equal - 2);
                job(r)["rows"]["changed"] = json!(2);
            },
            "2 rows differ, and ROWS says nothing of it",
        ),
        (
            |r, _| {
                let order = job(r)["order"].as_array_mut().unwrap();
                order.iter_mut().find(|it| it["side"] == "candidate").unwrap()["inversions"] = json!(5);
            },
            "rows of the candidate are out of order, and ORDER says nothing of it",
        ),
        (
            |r, _| {
                let metadata = job(r)["metadata"].as_array_mut().unwrap();
                metadata.iter_mut().find(|it| it["side"] == "candidate").unwrap()["agrees"] = json!(false);
            },
            "of the candidate is wrong, and METADATA says nothing of it",
        ),
        (
            |_, b| {
                b["jobs"][0]["measurement"]["samples"][3]["peak_bytes"] = json!(0);
                agree(b);
            },
            "took no memory",
        ),
        (
            |_, b| {
                b["jobs"][0]["measurement"]["samples"][0]["wall_ns"] = json!(0);
            },
            "took no time",
        ),
        (
            |_, b| b["jobs"][0]["measurement"]["wall"]["ratios"][0] = json!(0.5),
            "ratios of `wall` are not those",
        ),
        (
            |_, b| b["jobs"][0]["measurement"]["samples"][0]["job"] = json!("another"),
            "job another was measured, which is none of its jobs",
        ),
    ];
    for (edit, said) in ways {
        let done = gate(&GOOD, "logs", edit);
        assert!(matches!(done.code, Some(1 | 3)), "{said}: {:?}\n{}{}", done.code, done.stdout, done.stderr);
        let refused = decision(&done)["reports"].to_string();
        assert!(
            refused.contains("it contradicts itself: ") && refused.contains(said),
            "{said:?} not in {refused}"
        );
    }
}

#[test]
fn a_gating_check_without_any_answer_is_missed() {
    let done = gate(&GOOD, "logs", |run, _| {
        job(run)["checks"].as_array_mut().unwrap().retain(|check| check["check"] != "LEAKS");
    });
    let found = reasons(&decision(&done.expect(3)));
    assert!(found.contains("job compact-heavy-ties holds no answer of LEAKS; run it again"), "{found}");
}

#[test]
fn one_program_under_two_names_proves_nothing() {
    let named = |run: &mut Value, names: [&str; 2], digests: [&str; 2]| {
        for ((role, name), digest) in ["baseline", "candidate"].iter().zip(names).zip(digests) {
            let side = json!({"name": name, "kind": "command", "version": null, "command": ["./w"], "digest": digest});
            job(run)[*role]["side"] = side;
        }
    };
    for (digests, refused) in [(["ab", "ab"], true), (["ab", "cd"], false)] {
        let done = gate(&GOOD, "logs", |run, bench| {
            named(run, ["cmd:old", "cmd:new"], digests);
            named(bench, ["cmd:old", "cmd:new"], digests);
        });
        let found = reasons(&decision(&done));
        assert_eq!(found.contains("compares cmd:new with itself"), refused, "{found}");
        assert_eq!(done.code, Some(if refused { 3 } else { 0 }), "{}{}", done.stdout, done.stderr);
    }
}

#[test]
fn one_run_named_twice_counts_once() {
    let (run, bench) = made().clone();
    let mut copy = run.clone();
    copy["headline"] = json!("another digest");
    let words = [&["gate", "--phase", "logs", "run.json", "copy.json", "bench.json"][..], &GOOD].concat();
    let done = parallax(&words)
        .with_file("run.json", &run.to_string())
        .with_file("copy.json", &copy.to_string())
        .with_file("bench.json", &bench.to_string())
        .with_file("foundation.json", &foundation().to_string())
        .finish()
        .expect(3);
    let found = reasons(&decision(&done));
    assert!(found.contains("copy.json: it is of the same run as run.json; name each run once"), "{found}");
}

#[test]
fn one_job_under_two_names_is_counted_once() {
    let done = gate(&GOOD, "logs", |run, _| {
        let mut twin = job(run).clone();
        twin["id"] = json!("another-name");
        run["jobs"].as_array_mut().unwrap().push(twin);
        for (_, sum) in run["totals"].as_object_mut().unwrap() {
            *sum = json!(sum.as_u64().unwrap() * 2);
        }
    });
    let document = decision(&done.expect(0));
    let rows = document["evidence"].as_array().unwrap().iter().find(|line| line["check"] == "ROWS").unwrap();
    assert_eq!(rows["jobs"], json!(1), "{rows}");
    // The job and the measured set.
    assert!(document["headline"].as_str().unwrap().contains(": 2 jobs with"), "{}", document["headline"]);
}
