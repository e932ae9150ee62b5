//! Signals are data: a definition in TOML fixes sort key, row key, group key, required columns and what the metadata of a
//! file is recomputed from. Checks read the definition, never a hard-coded column name.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::key_order::KeyOrder;
pub use crate::signal_rules::{DropRule, LocalityRule, RollupRule, RowsRule};
use crate::spec::JobKind;

/// The definition of one signal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Name as used with `--signal`.
    pub name: String,
    /// One sentence.
    #[serde(default)]
    pub description: String,
    /// Columns by which rows are sorted, most significant first. As typed, a column may be followed by its order.
    #[serde(default, serialize_with = "unambiguous")]
    pub sort_key: Vec<String>,
    /// Order of the sort columns that do not ascend with missing keys first, by column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sort_order: BTreeMap<String, KeyOrder>,
    /// Alternatives of the row key. Each row uses the first alternative whose columns all have a value in it.
    #[serde(default)]
    pub row_keys: Vec<Vec<String>>,
    /// Column whose equal values must stay together in one file.
    #[serde(default)]
    pub group_key: Option<String>,
    /// Columns that must be present, with their types.
    #[serde(default)]
    pub required: BTreeMap<String, ColumnType>,
    /// Types that a required column may have as well; a writer of this signal takes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub also_accepted: BTreeMap<String, Vec<ColumnType>>,
    /// Columns that compaction leaves out.
    #[serde(default)]
    pub dropped_columns: Vec<String>,
    /// Column of the first and last timestamp of a file.
    #[serde(default)]
    pub time_column: Option<String>,
    /// Where the fingerprints of a file come from.
    #[serde(default)]
    pub fingerprints: Option<FingerprintRule>,
    /// How compaction makes one row of several.
    #[serde(default)]
    pub rollup: Option<RollupRule>,
    /// What a reader looks up together.
    #[serde(default)]
    pub locality: Option<LocalityRule>,
    /// How a segment says of itself that it belongs to this signal.
    #[serde(default)]
    pub marker: Option<Marker>,
    /// Whether a writer keeps every row.
    #[serde(default, skip_serializing_if = "RowsRule::is_default")]
    pub rows: RowsRule,
    /// Rows that a writer may leave out although it keeps the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drops: Vec<DropRule>,
}

/// A text column whose first value names the signal of the whole segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    /// The column.
    pub column: String,
    /// The value that means this signal.
    pub value: String,
}

/// Type of a required column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Signed 64-bit integer.
    Int64,
    /// 64-bit floating point.
    Float64,
    /// Boolean.
    Boolean,
    /// UTF-8 text.
    String,
    /// Bytes.
    Binary,
}

impl ColumnType {
    /// The type as written in a signal definition.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Int64 => "int64",
            Self::Float64 => "float64",
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Binary => "binary",
        }
    }
}

impl std::fmt::Display for ColumnType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the fingerprints of a file come from: the 64-bit wrapping 31-polynomial hash over the bytes of `column:token`,
/// token `.*` for every string column with a non-empty value, and more tokens for the columns named here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FingerprintRule {
    /// Columns of which each full value is a token.
    #[serde(default)]
    pub full_value: Vec<String>,
    /// Columns of which every 3-rune window of each value is a token.
    #[serde(default)]
    pub trigram: Vec<String>,
}

impl Signal {
    /// The types that a required column may have, the declared one first; empty where the column is not required.
    #[must_use]
    pub fn accepted_types(&self, column: &str) -> Vec<ColumnType> {
        let mut types: Vec<ColumnType> = self.required.get(column).copied().into_iter().collect();
        if !types.is_empty() {
            types.extend(self.also_accepted.get(column).into_iter().flatten());
        }
        types
    }

    /// Takes the orders out of `sort_key`, as it was typed, into `sort_order`.
    pub fn take_orders(&mut self) {
        for typed in &mut self.sort_key {
            let (column, order) = KeyOrder::split(typed);
            if order != KeyOrder::default() {
                self.sort_order.insert(column.clone(), order);
            }
            *typed = column;
        }
    }

    /// The order of a sort column.
    #[must_use]
    pub fn order_of(&self, column: &str) -> KeyOrder {
        self.sort_order.get(column).copied().unwrap_or_default()
    }

    /// Reason and column of each rule by which a job of `kind` may leave out the rows that have no value in the column.
    pub fn droppable(&self, kind: JobKind) -> impl Iterator<Item = (&str, &str)> {
        let rules = self.drops.iter().filter(move |rule| rule.kind.is_none_or(|only| only == kind));
        rules.filter_map(|rule| {
            let column = rule.missing.as_ref().or(self.time_column.as_ref())?;
            Some((rule.reason.as_str(), column.as_str()))
        })
    }

    /// The columns of all keys, each with the field that names it.
    pub fn keys(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let sort = self.sort_key.iter().map(|column| ("sort_key", column.as_str()));
        let rows = self.row_keys.iter().flatten().map(|column| ("row_keys", column.as_str()));
        let group = self.group_key.iter().map(|column| ("group_key", column.as_str()));
        sort.chain(rows).chain(group)
    }

    /// Every column that the definition names, for whatever purpose.
    #[must_use]
    pub fn columns(&self) -> BTreeSet<&str> {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        names.extend(self.sort_key.iter().map(String::as_str));
        names.extend(self.row_keys.iter().flatten().map(String::as_str));
        names.extend(self.group_key.as_deref());
        names.extend(self.required.keys().map(String::as_str));
        names.extend(self.also_accepted.keys().map(String::as_str));
        names.extend(self.dropped_columns.iter().map(String::as_str));
        names.extend(self.time_column.as_deref());
        if let Some(rule) = &self.fingerprints {
            names.extend(rule.full_value.iter().chain(&rule.trigram).map(String::as_str));
        }
        names.extend(self.rollup.iter().flat_map(RollupRule::columns));
        names.extend(self.locality.iter().flat_map(LocalityRule::columns));
        names.extend(self.marker.as_ref().map(|marker| marker.column.as_str()));
        names.extend(self.drops.iter().filter_map(|rule| rule.missing.as_deref()));
        names
    }

    /// Renames columns everywhere in the definition; all renames happen at once, so two names may be swapped.
    ///
    /// # Errors
    /// A column that the definition does not name, and a rename that makes two columns one.
    pub(crate) fn rename(&mut self, renames: &BTreeMap<String, String>) -> Result<()> {
        let known = self.columns();
        if let Some(unknown) = renames.keys().find(|name| !known.contains(name.as_str())) {
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            return Err(Error::config(format!(
                "signal \"{}\": rename names column \"{unknown}\", which the definition does not use; it uses: {known}",
                self.name
            )));
        }
        let mut after: BTreeMap<&str, &str> = BTreeMap::new();
        for name in known {
            let new = renames.get(name).map_or(name, String::as_str);
            if let Some(other) = after.insert(new, name) {
                return Err(Error::config(format!(
                    "signal \"{}\": rename makes columns \"{other}\" and \"{name}\" one column \"{new}\"",
                    self.name
                )));
            }
        }
        let new = |name: &String| renames.get(name).unwrap_or(name).clone();
        let each = |names: &[String]| names.iter().map(new).collect::<Vec<_>>();
        self.sort_key = each(&self.sort_key);
        self.sort_order = self.sort_order.iter().map(|(name, order)| (new(name), *order)).collect();
        self.row_keys = self.row_keys.iter().map(|key| each(key)).collect();
        self.group_key = self.group_key.as_ref().map(new);
        self.required = self.required.iter().map(|(name, kind)| (new(name), *kind)).collect();
        self.also_accepted =
            self.also_accepted.iter().map(|(name, kinds)| (new(name), kinds.clone())).collect();
        self.dropped_columns = each(&self.dropped_columns);
        self.time_column = self.time_column.as_ref().map(new);
        if let Some(rule) = &mut self.fingerprints {
            rule.full_value = each(&rule.full_value);
            rule.trigram = each(&rule.trigram);
        }
        if let Some(rule) = &mut self.rollup {
            rule.rename(new);
        }
        if let Some(rule) = &mut self.locality {
            rule.rename(new);
        }
        if let Some(marker) = &mut self.marker {
            marker.column = new(&marker.column);
        }
        for column in self.drops.iter_mut().filter_map(|rule| rule.missing.as_mut()) {
            *column = new(column);
        }
        Ok(())
    }

    /// Refuses definitions that contradict themselves.
    ///
    /// # Errors
    /// Names the signal, the field, and what is wrong with it.
    pub fn validate(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::config(format!("signal \"{}\": {what}", self.name)));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if self.name.is_empty() || !self.name.chars().all(plain) {
            return wrong("name must consist of lower-case letters, digits, `-` and `_`".to_owned());
        }
        if self.columns().contains("") {
            return wrong("a column name is empty".to_owned());
        }
        if let Some(name) = repeated(&self.sort_key) {
            return wrong(format!("sort_key names column \"{name}\" twice"));
        }
        if let Some(name) = self.sort_order.keys().find(|name| !self.sort_key.contains(name)) {
            return wrong(format!("sort_order names column \"{name}\", which is not in sort_key"));
        }
        for key in &self.row_keys {
            if key.is_empty() {
                return wrong(
                    "row_keys holds an empty alternative; each needs at least one column".to_owned(),
                );
            }
            if let Some(name) = repeated(key) {
                return wrong(format!("an alternative of row_keys names column \"{name}\" twice"));
            }
        }
        if let Some(group) = &self.group_key
            && self.sort_key.first() != Some(group)
        {
            return wrong(format!(
                "group_key \"{group}\" must be the first column of sort_key, which is [{}]: only then are equal values contiguous",
                self.sort_key.join(", ")
            ));
        }
        if let Some(rule) = &self.rollup {
            if self.group_key.is_none() {
                return wrong("rollup needs a group_key: rows are only merged within a group".to_owned());
            }
            if let Some(problem) = rule.problem() {
                return wrong(problem);
            }
        }
        if let Some(name) = self.also_accepted.keys().find(|name| !self.required.contains_key(*name)) {
            return wrong(format!("also_accepted names column \"{name}\", which is not in required"));
        }
        for (index, rule) in self.drops.iter().enumerate() {
            if rule.reason.is_empty() {
                return wrong("drops: the reason of a rule is empty".to_owned());
            }
            if rule.missing.is_none() && self.time_column.is_none() {
                return wrong(format!(
                    "drops: the rule \"{}\" names no column: add missing = \"COLUMN\", or give the signal a time_column",
                    rule.reason
                ));
            }
            if self.drops[..index].iter().any(|other| other.reason == rule.reason) {
                return wrong(format!("drops has two rules for the reason \"{}\"", rule.reason));
            }
        }
        let needed = (self.sort_key.iter())
            .chain(self.row_keys.iter().flatten())
            .chain(self.required.keys())
            .chain(&self.time_column);
        for name in needed {
            if self.dropped_columns.contains(name) {
                return wrong(format!(
                    "dropped_columns names column \"{name}\", which the signal needs elsewhere"
                ));
            }
        }
        Ok(())
    }
}

/// Sort columns as they may be typed again: a column whose name ends like an order is quoted.
fn unambiguous<S: serde::Serializer>(
    columns: &[String],
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_seq(columns.iter().map(|column| KeyOrder::default().text(column)))
}

/// The first name that occurs twice.
fn repeated(names: &[String]) -> Option<&String> {
    names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)).map(|(_, name)| name)
}
