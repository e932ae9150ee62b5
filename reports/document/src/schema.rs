//! JSON Schemas of the documents that leave the program, generated from their types.
//!
//! The files under `reports/schema/` are committed and held equal to what is generated here by a test;
//! `UPDATE_SCHEMAS=1 cargo test -p parallax-document` rewrites them.

use schemars::JsonSchema;
use serde_json::{Map, Value};

use crate::gate::Gate;
use crate::manifest::{FailureDocument, Manifest};
use crate::report::Report;
use crate::selftest::Selftest;
use crate::trend::Trend;

/// The JSON Schema of `T` as text: indented, members in alphabetical order, a line feed at the end. Equal for equal
/// types whatever features other crates switch on.
#[must_use]
pub fn schema_text<T: JsonSchema>() -> String {
    format!("{:#}\n", sorted(schemars::schema_for!(T).to_value()))
}

/// The schemas of this crate: file name under `reports/schema/` and text.
#[must_use]
pub fn all() -> Vec<(&'static str, String)> {
    vec![
        ("report.v1.json", schema_text::<Report>()),
        ("gate.v1.json", schema_text::<Gate>()),
        ("manifest.v1.json", schema_text::<Manifest>()),
        ("failure.v1.json", schema_text::<FailureDocument>()),
        ("selftest.v1.json", schema_text::<Selftest>()),
        ("trend.v1.json", schema_text::<Trend>()),
    ]
}

/// The same value with the members of every object in alphabetical order: `serde_json` keeps them so by itself only
/// as long as no crate of the build asks it to keep the order of insertion.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().collect();
            members.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::Object(
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect::<Map<_, _>>(),
            )
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_committed_schemas_are_those_of_the_types() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema");
        for (name, text) in all() {
            let path = dir.join(name);
            if std::env::var_os("UPDATE_SCHEMAS").is_some() {
                std::fs::create_dir_all(&dir).unwrap();
                std::fs::write(&path, &text).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == text,
                "{name} differs from its type; rewrite it with UPDATE_SCHEMAS=1 cargo test -p parallax-document"
            );
        }
    }

    #[test]
    fn a_schema_names_its_type_and_explains_its_fields() {
        let schema: Value = serde_json::from_str(&schema_text::<Manifest>()).unwrap();
        assert_eq!(schema["title"], "Manifest");
        assert_eq!(schema["required"], serde_json::json!(["files"]));
        assert_eq!(schema["additionalProperties"], false);
        assert!(
            schema["properties"]["rows_read"]["description"].as_str().unwrap().contains("before any drop")
        );
    }
}
