//! What is set aside: artefacts of the original's reader, one line a case. An entry without which a case passes as well fails
//! the test, so this list cannot outlive its reasons.

use legacy::tokens::{EXISTS, token_hash};

use super::case::Observed;
use super::compare::REFUSED;
use super::content::Chunk;

/// An artefact and its reason.
#[derive(Debug, Clone, Copy)]
pub enum Artefact {
    /// The original's reader gave null for each value of this boolean column, because the input's columns are not sorted by name
    /// or not all optional; so its output lacks the column.
    BooleansLost(&'static str),
    /// The original's reader cannot read a PyArrow file without rows (`Seek: invalid offset`); here it is simply empty.
    NoRows,
    /// The original's reader collapsed this nested column into its leaves; here it is refused.
    NestedCollapsed(&'static str),
    /// The original's reader gave this column of bytes as strings; so the original fingerprinted it, and with a schema
    /// from values annotated it STRING and gave it a dictionary.
    BytesAsStrings(&'static str),
    /// Not the reader but the encoder: a chunk of this column whose values are all NaN has no column index here.
    NoIndexForNan(&'static str),
    /// The row has several columns that the schema lacks; the original names any one of them, another on each run, and among
    /// them one that its reader lost.
    AnyColumnNamed,
}

impl Artefact {
    /// Makes the two comparable: changes only what the artefact explains.
    pub fn set_aside(self, expected: &mut Observed, actual: &mut Observed) {
        match self {
            Self::BooleansLost(name) => {
                for file in &mut actual.files {
                    let content = &mut file.content;
                    let is_boolean = |of: &str| of.contains("BOOLEAN");
                    content.columns.retain(|column| column.name != name || !is_boolean(&column.of));
                    content.rows.iter_mut().for_each(|row| drop(row.remove(name)));
                    for group in &mut content.row_groups {
                        group.chunks.retain(|chunk| chunk.column != name);
                    }
                }
            }
            Self::NoRows => {
                if expected.error.as_ref().is_some_and(|(_, text)| text.ends_with("Seek: invalid offset")) {
                    expected.error = None;
                }
            }
            Self::NestedCollapsed(name) => {
                expected.files.clear();
                expected.error = Some((REFUSED, format!("nested column {name:?}")));
            }
            Self::BytesAsStrings(name) => {
                for (one, other) in expected.files.iter_mut().zip(&actual.files) {
                    one.fingerprints.remove(&token_hash(name, EXISTS));
                    for column in one.content.columns.iter_mut().filter(|column| column.name == name) {
                        column.of = column.of.replace(" String", "");
                    }
                    for (group, own) in one.content.row_groups.iter_mut().zip(&other.content.row_groups) {
                        for (chunk, own) in group.chunks.iter_mut().zip(&own.chunks) {
                            if chunk.column == name && own.column == name {
                                chunk.dictionary = own.dictionary;
                                chunk.encodings.clone_from(&own.encodings);
                            }
                        }
                    }
                }
            }
            Self::NoIndexForNan(name) => {
                let chunks = |side: &mut Observed| -> Vec<Chunk> {
                    let groups = side.files.iter_mut().flat_map(|file| &mut file.content.row_groups);
                    groups
                        .flat_map(|group| &group.chunks)
                        .filter(|chunk| chunk.column == name)
                        .cloned()
                        .collect()
                };
                let own = chunks(actual);
                let groups = expected.files.iter_mut().flat_map(|file| &mut file.content.row_groups);
                let ours = groups.flat_map(|group| &mut group.chunks).filter(|chunk| chunk.column == name);
                for (chunk, own) in ours.zip(own) {
                    chunk.column_index = own.column_index;
                }
            }
            Self::AnyColumnNamed => {
                for side in [expected, actual] {
                    if let Some((_, text)) = &mut side.error {
                        *text = unnamed(text);
                    }
                }
            }
        }
    }
}

/// The text with `*` for what is quoted.
fn unnamed(text: &str) -> String {
    match (text.find('"'), text.rfind('"')) {
        (Some(start), Some(end)) if start < end => format!("{}*{}", &text[..=start], &text[end..]),
        _ => text.to_owned(),
    }
}

/// Each case with what is set aside in it.
#[rustfmt::skip]
const SET_ASIDE: &[(&str, Artefact)] = &[
    ("buffet-logs-3h-rpf1000", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-all-null-ts-rpf7", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-boundaries-rpf0", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-boundaries-rpf7", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-dup-ts-rpf2000", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-float-ts-rpf0", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-float-ts-rpf400", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-int32-ts-rpf0", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-int32-ts-rpf7", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-negative-ts-rpf7", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-no-ts-rpf0", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-no-ts-rpf7", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-required-cols-rpf0", Artefact::BooleansLost("b")),
    ("buffet-logs-required-cols-rpf7", Artefact::BooleansLost("b")),
    ("buffet-logs-string-ts-rpf0", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-string-ts-rpf7", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-unique-ts-rpf0", Artefact::BooleansLost("log.bool")),
    ("buffet-logs-unique-ts-rpf2500", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-3h-rpf1000", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-boundaries-rpf0", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-boundaries-rpf7", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-dup-ts-rpf0", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-dup-ts-rpf2000", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-epoch-ts-rpf0", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-epoch-ts-rpf7", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-float-ts-rpf400", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-nan-ts-rpf0", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-nan-ts-rpf7", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-negative-ts-rpf0", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-required-cols-rpf0", Artefact::BooleansLost("b")),
    ("fingerprint-logs-required-cols-rpf7", Artefact::BooleansLost("b")),
    ("fingerprint-logs-string-ts-rpf0", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-unique-ts-rpf0", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-unique-ts-rpf2500", Artefact::BooleansLost("log.bool")),
    ("fingerprint-logs-nan-ts-rpf0", Artefact::NoIndexForNan("log.double")),
    ("fingerprint-logs-nan-ts-rpf7", Artefact::NoIndexForNan("log.double")),
    ("fingerprint-logs-boundaries-rpf0", Artefact::NoIndexForNan("log.double")),
    ("fingerprint-logs-boundaries-rpf7", Artefact::NoIndexForNan("log.double")),
    ("buffet-fuzz-metrics-15", Artefact::BytesAsStrings("sketch")),
    ("buffet-fuzz-metrics-30", Artefact::BytesAsStrings("sketch")),
    ("buffet-fuzz-metrics-45", Artefact::BytesAsStrings("sketch")),
    ("buffet-metrics-basic-nogroup", Artefact::BytesAsStrings("sketch")),
    ("buffet-metrics-basic-tidgroup", Artefact::BytesAsStrings("sketch")),
    ("buffet-metrics-missing-cols-nogroup", Artefact::BytesAsStrings("sketch")),
    ("buffet-metrics-null-sketch-nogroup", Artefact::BytesAsStrings("sketch")),
    ("buffet-metrics-null-sketch-tidgroup", Artefact::BytesAsStrings("sketch")),
    ("buffet-metrics-null-tid-nogroup", Artefact::BytesAsStrings("sketch")),
    ("buffet-metrics-null-tid-tidgroup", Artefact::BytesAsStrings("sketch")),
    ("real-buffet-metrics12-tidgroup-rpf50", Artefact::BytesAsStrings("sketch")),
    ("real-buffet-metrics12-types-rpf100", Artefact::BytesAsStrings("sketch")),
    ("real-fingerprint-metrics-cooked-rpf100", Artefact::BytesAsStrings("sketch")),
    ("buffet-types-binary", Artefact::BytesAsStrings("col")),
    ("fingerprint-types-binary", Artefact::BytesAsStrings("col")),
    ("buffet-types-map", Artefact::NestedCollapsed("col")),
    ("buffet-types-struct", Artefact::NestedCollapsed("col")),
    ("fingerprint-types-map", Artefact::NestedCollapsed("col")),
    ("buffet-logs-zero-rows-rpf7", Artefact::NoRows),
    ("fingerprint-logs-zero-rows-rpf0", Artefact::NoRows),
    ("buffet-logs-3h-types-rpf1000", Artefact::AnyColumnNamed),
];

/// What is set aside in a case.
pub fn of(case: &str) -> Vec<Artefact> {
    SET_ASIDE.iter().filter(|(name, _)| *name == case).map(|(_, artefact)| *artefact).collect()
}

/// Cases that are named in the table.
pub fn cases() -> impl Iterator<Item = &'static str> {
    SET_ASIDE.iter().map(|(name, _)| *name)
}
