//! The documents that the gate's tests start from, and running the gate on them.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::{Finished, parallax};

pub(super) const CORPUS: &str = "compact-heavy-ties";

/// A run and a measurement of one logs corpus, as documents.
pub(super) fn made() -> &'static (Value, Value) {
    static MADE: OnceLock<(Value, Value)> = OnceLock::new();
    MADE.get_or_init(|| {
        let read = |done: &Finished| -> Value {
            let text = std::fs::read_to_string(done.path("parallax-report/report.json")).unwrap();
            serde_json::from_str(&text).unwrap()
        };
        let run = parallax(&["run", "--phase", "logs", "--corpus", CORPUS]).finish().expect(0);
        let quick = ["--max-pairs", "6", "--least-ms", "0", "--half-ms", "0", "--corpus", CORPUS];
        let bench =
            parallax(&[&["bench", "--phase", "logs", "--measure", "6"][..], &quick].concat()).finish();
        let mut measured = read(&bench);
        // A release build in which every run takes the same time: the tests are a debug build on a busy machine.
        let measurement = &mut measured["jobs"][0]["measurement"];
        measurement["profile"] = json!("release");
        for sample in measurement["samples"].as_array_mut().unwrap() {
            sample["wall_ns"] = json!(100_000_000);
            sample["peak_bytes"] = json!(50_000_000);
            sample["user_ns"] = json!(80_000_000);
            sample["system_ns"] = json!(0);
        }
        agree(&mut measured);
        (read(&run), measured)
    })
}

/// Writes the ratios of a measurement anew that its samples give: one run of one job a half.
pub(super) fn agree(bench: &mut Value) {
    let measurement = &mut bench["jobs"][0]["measurement"];
    let samples = measurement["samples"].as_array().unwrap().clone();
    for (name, fields) in
        [("wall", &["wall_ns"][..]), ("cpu", &["user_ns", "system_ns"]), ("memory", &["peak_bytes"])]
    {
        let figure = |sample: &Value| fields.iter().map(|it| sample[it].as_f64().unwrap()).sum::<f64>();
        let mut pairs = std::collections::BTreeMap::<u64, [f64; 2]>::new();
        for sample in samples.iter().filter(|sample| sample["purpose"] == "pair") {
            let pair = pairs.entry(sample["repetition"].as_u64().unwrap()).or_default();
            pair[usize::from(sample["upper"].as_bool().unwrap())] += figure(sample);
        }
        measurement[name]["ratios"] = pairs.values().map(|[lower, upper]| json!(upper / lower)).collect();
    }
}

/// Multiplies a figure of every run of the candidate.
pub(super) fn candidate_takes(bench: &mut Value, field: &str, percent: u64) {
    for sample in bench["jobs"][0]["measurement"]["samples"].as_array_mut().unwrap() {
        if sample["side"] == "candidate" {
            let figure = sample[field].as_u64().unwrap();
            sample[field] = json!(figure * percent / 100);
        }
    }
    agree(bench);
}

/// The decision of phase foundation.
pub(super) fn foundation() -> Value {
    let gate = gate(&GOOD[..0], "logs", |_, _| ());
    let mut document: Value = decision(&gate);
    document["phase"] = json!("foundation");
    document["verdict"] = json!("pass");
    document["closing"] = json!(true);
    document
}

/// What a pass needs beside the reports.
pub(super) const GOOD: [&str; 8] = [
    "--after",
    "foundation.json",
    "--confirm",
    "P2",
    "--confirm",
    "test data prepared for validation",
    "--signed-by",
    "Ada",
];

/// Runs the gate on both documents after `edit` changed them.
pub(super) fn gate(arguments: &[&str], phase: &str, edit: impl Fn(&mut Value, &mut Value)) -> Finished {
    gate_with(arguments, phase, "", edit)
}

/// The same with this `parallax.toml`.
pub(super) fn gate_with(
    arguments: &[&str],
    phase: &str,
    config: &str,
    edit: impl Fn(&mut Value, &mut Value),
) -> Finished {
    let (mut run, mut bench) = made().clone();
    edit(&mut run, &mut bench);
    let words = [&["gate", "--phase", phase, "run.json", "bench.json"][..], arguments].concat();
    let mut invocation = parallax(&words)
        .with_file("run.json", &run.to_string())
        .with_file("bench.json", &bench.to_string())
        .with_file("parallax.toml", config);
    if arguments.contains(&"foundation.json") {
        static FOUNDATION: OnceLock<Value> = OnceLock::new();
        invocation = invocation.with_file("foundation.json", &FOUNDATION.get_or_init(foundation).to_string());
    }
    invocation.finish()
}

/// The document that a gate left.
pub(super) fn decision(done: &Finished) -> Value {
    let text = std::fs::read_to_string(done.path("parallax-gate/gate.json"))
        .unwrap_or_else(|error| panic!("{error}\n{}{}", done.stdout, done.stderr));
    serde_json::from_str(&text).unwrap()
}

/// All words of why there is no pass.
pub(super) fn reasons(document: &Value) -> String {
    format!("{} {} {}", document["headline"], document["missing"], document["reports"])
}

/// The check of that code of the run's only job.
pub(super) fn check<'a>(run: &'a mut Value, code: &str) -> &'a mut Value {
    let checks = run["jobs"][0]["checks"].as_array_mut().unwrap();
    checks.iter_mut().find(|check| check["check"] == code).unwrap()
}

/// A blocker of ROWS, waived by a policy where words are given.
pub(super) fn blocker(waived: Option<&str>) -> Value {
    let waived = waived.map(|reason| json!({"reason": reason, "owner": "ada", "expires": null}));
    json!({
        "id": "x/ROWS/rows.missing-0", "check": "ROWS", "code": "rows.missing", "severity": "blocker", "side": null,
        "place": null, "message": "3 rows are gone", "count": 3, "evidence": [], "defect": null, "waived": waived
    })
}

pub(super) fn mark(document: &Value, id: &str) -> String {
    let lines = document["checklist"].as_array().unwrap();
    lines.iter().find(|line| line["id"] == id).unwrap()["mark"].as_str().unwrap().to_owned()
}
