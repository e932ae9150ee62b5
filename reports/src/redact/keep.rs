//! Which fields of the document hold no data. The list is one of what may stay: what is not in it is replaced.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::Report;

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays, with all that is in it.
    Keep,
    /// Strings in it are replaced, whatever they are.
    Digest,
    /// Names of its members are data, their values are counts.
    Names,
    /// The name of a side.
    Side,
    /// Where a value of the policy comes from: a layer of ours, or file and line.
    Origin,
    /// It is left out.
    Drop,
    /// Strings in it stay only where they are words of the document's own.
    Words,
}

/// Of the field `name` in an object that the field `of` holds.
pub(super) fn fate(name: &str, of: &str) -> Fate {
    match (of, name) {
        // What the program, the policy and the machine say of themselves.
        ("", "tool" | "totals" | "schema_version" | "redacted") => Fate::Keep,
        ("run", "mode" | "started" | "host") => Fate::Keep,
        ("policy", "phase" | "digest") => Fate::Keep,
        // Keys and limits; a scope by rows names values, and is seen to by itself.
        ("values", "key" | "value") => Fate::Keep,
        ("values", "origin") => Fate::Origin,
        ("machine", "os" | "kernel" | "arch" | "processor") | ("measurement", "profile") => Fate::Keep,
        // Names that the run gave, and codes.
        ("jobs", "id" | "signal" | "signal_digest" | "kind") => Fate::Keep,
        ("left_out" | "samples" | "faults", "job") | ("reruns", "run") => Fate::Keep,
        ("corpus", "provokes" | "digest") => Fate::Keep,
        ("inputs" | "files" | "side", "digest") | ("side", "version" | "digest_covers") => Fate::Keep,
        ("findings", "id" | "check" | "code" | "defect" | "action" | "severity" | "side") => Fate::Keep,
        ("checks", "check" | "status") => Fate::Keep,
        ("warnings" | "waivers", "code") => Fate::Keep,
        ("waived", _) => Fate::Keep,
        // Names of columns and how they are stored.
        (_, "column" | "row_keys" | "sort_key" | "group_key" | "by" | "field" | "pairing" | "file_order") => {
            Fate::Keep
        }
        ("rows", "ignored" | "tolerances") | ("jobs", "absent_columns") => Fate::Keep,
        ("cells", "kind") | ("schema", "change") | ("evidence", "name") | (_, "key_columns") => Fate::Keep,
        ("baseline" | "candidate", "type_class" | "physical" | "logical" | "codecs" | "encodings") => {
            Fate::Keep
        }
        (_, "codecs" | "type") => Fate::Keep,
        ("parameters", "key" | "origin") => Fate::Keep,
        // Data.
        ("side", "name") | ("measurement", "baseline" | "candidate") => Fate::Side,
        (_, "rows_dropped" | "dropped" | "declared") => Fate::Names,
        (_, "text" | "values" | "value" | "stated" | "recomputed" | "message" | "summary" | "headline") => {
            Fate::Digest
        }
        (_, "path" | "file" | "stderr" | "command" | "replay" | "origin" | "reason" | "scope") => {
            Fate::Digest
        }
        (_, "first_ts" | "last_ts" | "min_tid" | "max_tid" | "stats") => Fate::Drop,
        // They lead to raw data, or would be wrong about what is there.
        (_, "duckdb" | "duckdb_blind" | "hash_key" | "differences" | "kept" | "waiver") => Fate::Drop,
        _ => Fate::Words,
    }
}

/// The words that fields of the document may hold by its schema: names of verdicts, severities, sides.
pub(super) fn words() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    collect(&schemars::schema_for!(Report).to_value(), &mut words);
    words
}

fn collect(schema: &Value, words: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("const", Value::String(word)) => {
                        words.insert(word.clone());
                    }
                    ("enum", Value::Array(all)) => {
                        words.extend(all.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    _ => collect(value, words),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        _ => {}
    }
}
