//! Key-value metadata of footers: what readers find there, and the candidate lost or changed.
//!
//! A key is lost where every file of the baseline has it and some file of the candidate has not; changed where all files of the baseline
//! have one value and some file of the candidate another. Spark shifts old dates and times by its keys, GeoParquet has the
//! coordinate system there, pandas its index: warned of, as of any key that we do not know. Values in JSON are compared by what they say,
//! without what differs by the writer's version or the cut of the files. `ARROW:schema` is compared by the types that Parquet alone
//! does not state (see [`arrow`]): lost without such types it is noted.

use std::collections::{BTreeMap, BTreeSet};

use corpora::stated::Stated;
use reports::document::{Finding, Severity};
use serde_json::Value;

use super::CHECK;
use super::arrow_types::Types;
use super::side::Ignored;
use crate::check::draft::counted;
use crate::check::finding::{Refine, finding};
use crate::error::Result;
use crate::output::{OutputFile, set_mark};

pub(super) const LOST: &str = "layout.metadata_lost";
pub(super) const CHANGED: &str = "layout.metadata_changed";
pub(super) const ARROW: &str = "layout.arrow_schema";
/// Key of the schema that Arrow writers leave.
const ARROW_SCHEMA: &str = "ARROW:schema";
/// Keys that no reader acts on.
const NAMES_OF_WRITERS: [&str; 2] = ["writer.model.name", set_mark::KEY];
/// Keys named in a message.
const IN_MESSAGE: usize = 5;

/// The keys of a side.
#[derive(Debug, Default)]
pub(super) struct Keys {
    files: u64,
    keys: BTreeMap<String, Key>,
    types: Types,
}

#[derive(Debug, Default)]
struct Key {
    files: u64,
    /// Digests of its values.
    values: BTreeSet<[u8; 32]>,
}

impl Keys {
    /// Of one file.
    ///
    /// # Errors
    /// Where the file's schema has no Arrow form.
    pub(super) fn of(file: &OutputFile, stated: &Stated, ignored: &Ignored) -> Result<Self> {
        let each = stated.keys.iter().map(|(name, value)| {
            let digest = *blake3::hash(comparable(name, value).as_bytes()).as_bytes();
            (name.clone(), Key { files: 1, values: BTreeSet::from([digest]) })
        });
        let keys: BTreeMap<String, Key> = each.collect();
        let types = Types::of(file, stated, keys.contains_key(ARROW_SCHEMA), ignored)?;
        Ok(Self { files: 1, keys, types })
    }

    /// With those of another file.
    pub(super) fn join(&mut self, other: Self) {
        self.files += other.files;
        for (name, key) in other.keys {
            let known = self.keys.entry(name).or_default();
            known.files += key.files;
            known.values.extend(key.values);
        }
        self.types.join(other.types);
    }
}

/// Findings about what the candidate `b` lost or changed.
pub(super) fn findings(a: &Keys, b: &Keys) -> Vec<Finding> {
    let mut lost = Vec::new();
    let mut changed = Vec::new();
    for (name, ours) in a.keys.iter().filter(|(name, it)| it.files == a.files && *name != ARROW_SCHEMA) {
        if NAMES_OF_WRITERS.contains(&name.as_str()) {
            continue;
        }
        match b.keys.get(name) {
            Some(theirs) if theirs.files == b.files => {
                if ours.values.len() == 1 && !theirs.values.is_subset(&ours.values) {
                    changed.push((name, 0));
                }
            }
            found => lost.push((name, b.files - found.map_or(0, |it| it.files))),
        }
    }
    let mut findings = Vec::new();
    for (code, keys, verb) in [(LOST, lost, "has not"), (CHANGED, changed, "has with other values")] {
        if keys.is_empty() {
            continue;
        }
        let named: Vec<String> = keys.iter().take(IN_MESSAGE).map(|it| format!("{:?}", it.0)).collect();
        let more = if keys.len() > IN_MESSAGE { ", .." } else { "" };
        let message = format!(
            "the baseline's footers have {} of key-value metadata that the candidate {verb}: {}{more}",
            counted(keys.len() as u64, "key"),
            named.join(", ")
        );
        let mut draft = finding(CHECK, code, Severity::Warning, None, message).counting(keys.len() as u64);
        for (name, missing) in keys {
            draft = draft.with(
                "key",
                if missing == 0 {
                    name.clone()
                } else {
                    format!("{name}, not in {} of the candidate", counted(missing, "file"))
                },
            );
        }
        findings.push(draft);
    }
    findings.extend(arrow(a, b));
    findings
}

/// What becomes of the Arrow schema.
fn arrow(a: &Keys, b: &Keys) -> Option<Finding> {
    let having = |keys: &Keys| keys.keys.get(ARROW_SCHEMA).map_or(0, |it| it.files);
    if let Some((file, said)) = b.types.broken.as_ref().filter(|_| a.types.broken.is_none()) {
        let message = format!(
            "Arrow readers may refuse {file} of the candidate: its ARROW:schema cannot be read: {said}"
        );
        return Some(finding(CHECK, ARROW, Severity::Warning, None, message));
    }
    let columns = a.types.lost_to(&b.types);
    if let Some(first) = columns.first() {
        let count = columns.len() as u64;
        let message = format!(
            "Arrow readers see {} of another type, which Parquet does not state: {:?} is {} in the baseline and {} in the candidate",
            counted(count, "column"),
            first.column,
            first.ours,
            first.theirs
        );
        let mut draft = finding(CHECK, ARROW, Severity::Warning, None, message).counting(count);
        for it in columns.iter().take(100) {
            draft = draft
                .with(&it.column, format!("{} in the baseline, {} in the candidate", it.ours, it.theirs));
        }
        return Some(draft);
    }
    (having(a) == a.files && having(b) < b.files).then(|| {
        let message =
            "the candidate has no ARROW:schema, which the baseline has; Parquet itself states the types";
        finding(CHECK, ARROW, Severity::Info, None, message)
    })
}

/// A value in the form in which it is compared.
fn comparable(key: &str, value: &str) -> String {
    if key == "org.apache.spark.version" {
        return spark(value).to_owned();
    }
    let Ok(mut json) = serde_json::from_str::<Value>(value) else { return value.to_owned() };
    match key {
        "pandas" => pandas(&mut json),
        "geo" => geo(&mut json),
        _ => {}
    }
    json.to_string()
}

/// How Spark reads the dates and times of a file of this version: it changed with 3.0 and, for INT96, with 3.1.
fn spark(version: &str) -> &str {
    let mut numbers = version.split('.').map(|it| it.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(0..=2), _) => "before 3.0",
        (Some(3), Some(0)) => "3.0",
        (Some(_), _) => "since 3.1",
        (None, _) => version,
    }
}

/// Without the versions of the writer, and the bounds of a range that counts the rows of the file.
fn pandas(json: &mut Value) {
    let Value::Object(members) = json else { return };
    members.remove("creator");
    members.remove("pandas_version");
    for index in members.get_mut("index_columns").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(range) = index
            && range.get("kind").and_then(Value::as_str) == Some("range")
        {
            range.retain(|member, _| member == "kind" || member == "name");
        }
    }
}

/// Without the version, and what is computed from the rows of the file.
fn geo(json: &mut Value) {
    let Value::Object(members) = json else { return };
    members.remove("version");
    for column in members.get_mut("columns").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Value::Object(column) = column.1 {
            column.retain(|member, _| !matches!(member.as_str(), "bbox" | "geometry_types" | "covering"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(files: &[&[(&str, &str)]]) -> Keys {
        let mut all = Keys::default();
        for file in files {
            let mut one = Keys { files: 1, ..Keys::default() };
            for (name, value) in *file {
                let digest = *blake3::hash(comparable(name, value).as_bytes()).as_bytes();
                one.keys.insert((*name).to_owned(), Key { files: 1, values: BTreeSet::from([digest]) });
            }
            all.join(one);
        }
        all
    }

    fn codes(a: &[&[(&str, &str)]], b: &[&[(&str, &str)]]) -> Vec<(String, Severity)> {
        let found = findings(&keys(a), &keys(b)).into_iter();
        found.map(|it| (it.code, it.severity)).collect()
    }

    #[test]
    fn a_key_is_lost_where_all_files_of_the_baseline_have_it_and_one_of_the_candidate_has_not() {
        let lost = [(LOST.to_owned(), Severity::Warning)];
        assert_eq!(codes(&[&[("k", "v")]], &[&[]]), lost);
        assert_eq!(codes(&[&[("k", "v")]], &[&[("k", "v")], &[]]), lost);
        assert_eq!(codes(&[&[("k", "v")], &[]], &[&[]]), []);
        assert_eq!(codes(&[&[]], &[&[("k", "v")]]), []);
        assert_eq!(codes(&[&[("writer.model.name", "avro"), ("parallax.set_mark", "x")]], &[&[]]), []);
    }

    #[test]
    fn a_key_is_changed_where_all_files_of_the_baseline_agree_on_another_value() {
        let changed = [(CHANGED.to_owned(), Severity::Warning)];
        assert_eq!(codes(&[&[("k", "v")]], &[&[("k", "w")]]), changed);
        assert_eq!(codes(&[&[("k", "v")], &[("k", "v")]], &[&[("k", "v")], &[("k", "w")]]), changed);
        assert_eq!(codes(&[&[("k", "1")], &[("k", "2")]], &[&[("k", "3")]]), [], "it differs by the file");
        assert_eq!(codes(&[&[("k", r#"{"a": 1, "b": 2}"#)]], &[&[("k", r#"{"b":2,"a":1}"#)]]), []);
    }

    #[test]
    fn what_differs_by_version_and_cut_of_the_files_is_no_change() {
        let pandas = |stop: u32, version: &str, name: &str| {
            format!(
                r#"{{"index_columns":[{{"kind":"range","name":null,"start":0,"stop":{stop},"step":1}}],"columns":[{{"name":"{name}"}}],"creator":{{"library":"x","version":"{version}"}},"pandas_version":"{version}"}}"#
            )
        };
        let with = |value: &str, other: &str, key: &str| codes(&[&[(key, value)]], &[&[(key, other)]]).len();
        assert_eq!(with(&pandas(5, "1", "a"), &pandas(9, "2", "a"), "pandas"), 0);
        assert_eq!(with(&pandas(5, "1", "a"), &pandas(5, "1", "b"), "pandas"), 1);
        let geo = |code: u32, bbox: u32| {
            format!(
                r#"{{"version":"1.{bbox}.0","primary_column":"g","columns":{{"g":{{"encoding":"WKB","bbox":[{bbox}],"crs":{{"id":{{"code":{code}}}}}}}}}}}"#
            )
        };
        assert_eq!(with(&geo(3857, 0), &geo(3857, 1), "geo"), 0);
        assert_eq!(with(&geo(3857, 0), &geo(4326, 0), "geo"), 1);
        let spark = "org.apache.spark.version";
        assert_eq!((with("3.2.1", "4.0.0", spark), with("2.4.5", "3.5.1", spark)), (0, 1));
        assert_eq!(with("3.0.3", "3.1.1", spark), 1);
    }
}
