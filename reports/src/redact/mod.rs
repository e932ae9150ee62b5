//! Reports that may leave the team: values replaced by short keyed digests, so that equal values stay recognisable and
//! nobody without the key can tell which they are.
//!
//! 1. The document is taken as JSON and walked. A string stays only where [`keep`] knows that it is no data: names of
//!    checks, codes, columns, jobs, versions, words of ours. Every other string becomes `~` and 16 hexadecimal digits of a
//!    keyed BLAKE3. What is not known is replaced, so that a field added later cannot leak.
//! 2. Texts that may quote values (messages, summaries, headlines) become a digest as a whole: what is quoted in
//!    them cannot be told from what is not.
//! 3. Numbers that are data (times, ids, the manifest's statistics) are left out; counts, sizes and measurements stay.
//! 4. Digests of ours that are made of such values without a key (ids of findings, the policy's) are made anew with it:
//!    otherwise a value could be tried out by them.
//! 5. Every format renders from the document that comes of it, so that all of them are redacted alike.
//!
//! The key and the raw document stay with whoever may see them: [`resolve`] finds what a digest stands for.

mod keep;
mod key;
#[cfg(test)]
mod tests;
mod unkeyed;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::document::{CheckReport, Report, Severity};
use crate::error::{Error, Result};
use crate::words;
use keep::{Fate, fate};

pub use key::Key;

/// Codes named in a headline.
const CODES: usize = 6;

/// The document with all values replaced.
///
/// # Errors
/// [`Error::Format`] where a field that must hold one of some words was replaced: the walk does not know it yet.
pub fn redact(report: &Report, key: &Key) -> Result<Report> {
    let failed =
        |error: serde_json::Error| Error::Format { format: "redacted report", message: error.to_string() };
    let value = serde_json::to_value(report).map_err(failed)?;
    let words = keep::words();
    let walk = Walk { key, words: &words };
    let mut redacted: Report = serde_json::from_value(walk.value(value, "", "")).map_err(failed)?;
    redacted.redacted = Some(key.name());
    unkeyed::replace(report, &mut redacted, key);
    for job in &mut redacted.jobs {
        let deciding = deciding(job.checks.iter());
        job.headline = format!("{deciding}{}", job.headline);
    }
    let all = deciding(redacted.jobs.iter().flat_map(|job| &job.checks));
    redacted.headline = format!("{all}{}", redacted.headline);
    Ok(redacted)
}

/// Codes of what decides, with how much it stands for, in the place of a headline: `rows.changed 10, order.inverted 1; `.
fn deciding<'a>(checks: impl Iterator<Item = &'a CheckReport>) -> String {
    let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
    for found in checks.flat_map(|check| &check.findings) {
        if found.waived.is_none() && found.severity == Severity::Blocker {
            let sum = codes.entry(&found.code).or_default();
            *sum = sum.saturating_add(found.count);
        }
    }
    let named: Vec<String> =
        codes.iter().take(CODES).map(|(code, sum)| format!("{code} {}", words::count(*sum))).collect();
    let more = codes.len().saturating_sub(CODES);
    match (named.is_empty(), more) {
        (true, _) => String::new(),
        (_, 0) => format!("{}; ", named.join(", ")),
        _ => format!("{} and {more} more kinds; ", named.join(", ")),
    }
}

/// Every text of the raw document that a digest stands for, with the places where it is (JSON pointers).
#[must_use]
pub fn resolve(report: &Report, key: &Key, digest: &str) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    if let Ok(value) = serde_json::to_value(report) {
        search(&value, String::new(), &mut |text: &str, place: &str| {
            if key.digest(text) == digest {
                found.entry(text.to_owned()).or_insert_with(Vec::new).push(place.to_owned());
            }
        });
    }
    found
}

fn search(value: &Value, place: String, tell: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => tell(text, &place),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| search(item, format!("{place}/{index}"), tell));
        }
        Value::Object(members) => {
            for (name, member) in members {
                tell(name, &place);
                search(member, format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")), tell);
            }
        }
        _ => {}
    }
}

struct Walk<'a> {
    key: &'a Key,
    words: &'a BTreeSet<String>,
}

impl Walk<'_> {
    /// `name` is the field that holds the value, `of` the field that holds its object.
    fn value(&self, value: Value, name: &str, of: &str) -> Value {
        match (fate(name, of), value) {
            (Fate::Drop, _) => Value::Null,
            (Fate::Keep, kept) => kept,
            (Fate::Names, Value::Object(members)) => Value::Object(
                members.into_iter().map(|(name, value)| (self.key.digest(&name), value)).collect(),
            ),
            (_, Value::Object(members)) => Value::Object(self.members(members, name)),
            (_, Value::Array(items)) => {
                Value::Array(items.into_iter().map(|item| self.value(item, name, of)).collect())
            }
            (Fate::Digest, Value::String(text)) => Value::String(self.key.digest(&text)),
            (Fate::Side, Value::String(text)) => Value::String(self.side(&text)),
            (Fate::Origin, Value::String(text)) => Value::String(self.origin(text)),
            (_, Value::String(text)) => {
                if self.words.contains(&text) {
                    Value::String(text)
                } else {
                    Value::String(self.key.digest(&text))
                }
            }
            (_, other) => other,
        }
    }

    fn members(&self, members: Map<String, Value>, of: &str) -> Map<String, Value> {
        let texts = ["message", "summary", "headline"];
        let told = |name: &str, value: Value| match value {
            Value::String(text) if texts.contains(&name) => {
                Value::String(format!("text withheld, {}", self.key.digest(&text)))
            }
            value => self.value(value, name, of),
        };
        members
            .into_iter()
            .filter(|(name, _)| fate(name, of) != Fate::Drop)
            .map(|(name, value)| {
                let told = told(&name, value);
                (name, told)
            })
            .collect()
    }

    /// The default, a phase and an option are layers of ours.
    fn origin(&self, text: String) -> String {
        let ours = text == "default" || text.starts_with("phase ") || text.starts_with("--");
        if ours { text } else { self.key.digest(&text) }
    }

    /// A side by its name: one of ours stays, of a directory only that it is one.
    fn side(&self, text: &str) -> String {
        match text.split_once(':') {
            Some((kind @ ("dir" | "cmd"), rest)) => format!("{kind}:{}", self.key.digest(rest)),
            None if text != "legacy" && text != "unified" => self.key.digest(text),
            _ => text.to_owned(),
        }
    }
}
