//! Sound JSON documents and what may be done to them.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::input::Input;
use super::parquet_file;

/// By kind, in the order of the target's list.
static DOCUMENTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let job = serde_json::to_value(parquet_file::example()).expect("JSON");
    let tool =
        json!({"name": "parallax", "version": "0.1.0", "profile": "debug", "crates": {"parquet": "59.3.2"}});
    let side = json!({"name": "unified", "kind": "built-in", "version": null, "digest": null});
    let parameters =
        json!({"target_size": 1000, "rows_per_file": -1, "interval": 10000, "split_hours": true});
    vec![
        json!({"files": [
            {"path": "a/b.parquet", "record_count": 3, "file_size": 7, "first_ts": -5, "last_ts": 9,
             "fingerprints": [1, -9223372036854775808_i64]},
            {"path": "c.parquet"},
        ], "rows_read": 4, "rows_dropped": {"missing_timestamp": 1}}),
        json!({"error": {"class": "schema-conflict", "message": "column a has two types"}}),
        report(&job),
        json!({
            "gate_version": 1, "tool": tool, "decided": "2026-01-01T00:00:00Z", "command": ["parallax"],
            "phase": "logs", "title": "Logs", "risk": "medium", "signals": ["logs"], "stage": "begin",
            "closing": false, "verdict": "fail", "headline": "", "missing": [""], "notices": [], "candidate": side,
            "baseline": null, "earlier": [], "waivers": [], "findings": [],
            "checklist": [{"id": "P1", "text": "", "mark": "confirmed", "because": [], "checks": ["ROWS"],
                "confirm": null, "confirmed": {"by": "", "at": "2026-01-01T00:00:00Z"}}],
            "evidence": [{"check": "ROWS", "signal": "logs", "mark": "open", "because": "", "jobs": 1, "rows": 10,
                "required_by": "phase logs"}],
            "reports": [{"path": "", "digest": "", "mode": "run", "started": "2026-01-01T00:00:00Z",
                "finished": null, "own_verdict": "pass", "verdict": null, "judged": "", "jobs": 2,
                "jobs_of_phase": 1, "rows": 10, "refused": [], "notes": [], "candidates": [side], "baselines": []}],
            "policy": parallax::policy::Policy::default().info(),
        }),
        json!({"id": "a", "signal": "logs", "kind": "compact", "inputs": ["x/*.parquet"], "parameters": parameters,
            "baseline": "old/a", "candidate": "new/a"}),
        json!({"key": "key", "job": job}),
        json!({"schema_version": 1, "tool": tool, "job": "a", "mode": "compare",
            "command": ["parallax"], "work": "outputs", "seed": 7, "recorded_baseline": true,
            "recorded_candidate": true, "config": false}),
        json!({"side": "unified", "signal": null, "kind": "compact", "inputs": ["a"], "parameters": parameters}),
    ]
});

/// A report of one job, built up to what the document asks for.
fn report(job: &Value) -> Value {
    json!({
        "schema_version": reports::document::SCHEMA_VERSION,
        "tool": {"name": "parallax", "version": "0.1.0", "profile": "debug", "crates": {"parquet": "59.3.2"}},
        "run": {"mode": "compare", "started": "2025-08-25T13:00:00Z", "duration_ms": 5, "command": ["parallax"],
            "replay": "parallax compare a b", "seed": null, "threads": 1, "config": null,
            "host": {"os": "linux", "arch": "x86_64", "cpus": 2}, "complete": true, "partial_reason": null},
        "verdict": "pass",
        "headline": "equal",
        "totals": reports::document::Totals::default(),
        "jobs": [job],
        "waivers": [],
        "policy": parallax::policy::Policy::default().info(),
    })
}

/// A sound document, changed as the input says, as text. Some kinds are lines; they get a first and a last line.
pub fn changed(kind: u8, mut input: Input<'_>) -> Vec<u8> {
    let documents = &*DOCUMENTS;
    let mut value = documents[usize::from(kind) % documents.len()].clone();
    let mut text = None;
    // Doubled over and over, a value would fill the memory by itself.
    while !input.is_empty() && size(&value) < 20_000 {
        match input.byte() % 8 {
            0..=5 => change(&mut value, &mut input),
            _ => {
                let text = text.get_or_insert_with(|| value.to_string().into_bytes());
                super::thrift::change_bytes(text, &mut input);
            }
        }
    }
    let text = text.unwrap_or_else(|| value.to_string().into_bytes());
    if kind == 5 {
        [b"{\"tool\":{\"name\":\"parallax\"}}\n", &text[..], b"\n{\"key\""].concat()
    } else {
        text
    }
}

/// The sound report.
pub fn report_of_a_comparison() -> Value {
    DOCUMENTS[2].clone()
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum(),
        _ => 0,
    }
}

fn nth<'a>(value: &'a mut Value, number: &mut usize) -> Option<&'a mut Value> {
    if *number == 0 {
        return Some(value);
    }
    *number -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, number)),
        Value::Object(fields) => fields.values_mut().find_map(|field| nth(field, number)),
        _ => None,
    }
}

/// Changes one part of a document as the input says.
pub fn change(value: &mut Value, input: &mut Input<'_>) {
    let mut number = input.below(size(value));
    let Some(chosen) = nth(value, &mut number) else { return };
    match (input.byte() % 10, &mut *chosen) {
        (0, it) => *it = Value::Null,
        (1, it) => *it = json!(input.number()),
        (2, it) => *it = json!(f64::from_bits(input.number().cast_unsigned())),
        (3, it) => *it = json!([]),
        (4, it) => *it = Value::Object(Map::new()),
        (5, it) => *it = json!(WORDS[input.below(WORDS.len())]),
        (_, Value::String(text)) => {
            let mut bytes = std::mem::take(text).into_bytes();
            super::thrift::change_bytes(&mut bytes, input);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        (_, Value::Number(_)) => *chosen = json!(input.number()),
        (_, Value::Bool(it)) => *it = !*it,
        (how, Value::Array(items)) if !items.is_empty() => {
            let at = input.below(items.len());
            if how % 2 == 0 { drop(items.remove(at)) } else { items.push(items[at].clone()) }
        }
        (how, Value::Object(fields)) if !fields.is_empty() => {
            let at = input.below(fields.len());
            let name = fields.keys().nth(at).cloned().unwrap_or_default();
            if how % 2 == 0 {
                fields.remove(&name);
            } else {
                fields.insert(WORDS[input.below(WORDS.len())].to_owned(), json!(input.number()));
            }
        }
        _ => {}
    }
}

/// Words that mean something somewhere.
const WORDS: [&str; 20] = [
    "",
    ".",
    "..",
    "/",
    "../a",
    "a/../b",
    "\0",
    "a\nb",
    "pass",
    "fail",
    "inconclusive",
    "compact",
    "logs",
    "files",
    "schema_version",
    "2025-08-25",
    "9999999-01-01",
    "dir:x",
    "io",
    "unified",
];

/// Whether the report and the gate of the list are what they should be, so that changes to them lead somewhere.
pub fn are_understood() -> bool {
    let text = |at: usize| DOCUMENTS[at].to_string().into_bytes();
    serde_json::from_slice::<reports::document::Report>(&text(2)).is_ok()
        && reports::gate::parse(&text(3)).is_ok()
        && serde_json::from_slice::<parallax::bundle::Contents>(&text(6)).is_ok()
        && serde_json::from_slice::<parallax::probe::Request>(&text(7)).is_ok()
}
