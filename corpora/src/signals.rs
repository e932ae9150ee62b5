//! The registry of signals: the three that ship, and what a user adds or overrides in configuration.
//!
//! A table for an unknown name adds a signal. A table for a known one replaces the fields that it names and leaves the
//! others as they were; its field `rename = { "old" = "new" }` then renames columns everywhere in the result. So a user
//! whose timestamps live in `ts` writes one line:
//!
//! ```
//! # fn main() -> Result<(), corpora::Error> {
//! let mut signals = corpora::Signals::builtin()?;
//! signals.add_toml("logs", r#"rename = { "_cardinalhq.timestamp" = "ts" }"#, "parallax.toml")?;
//! assert_eq!(signals.get("logs")?.sort_key, ["ts"]);
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::signal::{RowsRule, Signal};

/// The definitions that ship.
const BUILTIN: [(&str, &str); 3] = [
    ("logs", include_str!("../signals/logs.toml")),
    ("metrics", include_str!("../signals/metrics.toml")),
    ("traces", include_str!("../signals/traces.toml")),
];

/// Signals by name.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    by_name: BTreeMap<String, Arc<Signal>>,
}

impl Signals {
    /// The shipped signals: `logs`, `metrics`, `traces`.
    ///
    /// # Errors
    /// Only if a shipped definition is broken, which a test excludes.
    pub fn builtin() -> Result<Self> {
        let mut signals = Self::default();
        for (name, text) in BUILTIN {
            signals.add_toml(name, text, &format!("built-in signal {name}"))?;
        }
        Ok(signals)
    }

    /// Adds or overrides a signal from a TOML text; `origin` names it in errors.
    ///
    /// # Errors
    /// As [`Signals::add`], and text that is not TOML.
    pub fn add_toml(&mut self, name: &str, text: &str, origin: &str) -> Result<()> {
        let table: toml::Table = toml::from_str(text).map_err(|error| Error::toml(origin, text, &error))?;
        self.add(name, table, origin)
    }

    /// Adds signal `name`, or overrides the fields that `table` names; `origin` names the file in errors.
    ///
    /// # Errors
    /// An unknown field, a value of the wrong type, a rename of a column that the definition does not use, and whatever
    /// [`Signal::validate`] refuses. The registry is unchanged then.
    pub fn add(&mut self, name: &str, mut table: toml::Table, origin: &str) -> Result<()> {
        let wrong = |what: String| Error::config(format!("{origin}: signal \"{name}\": {what}"));
        let renames = match table.remove("rename") {
            Some(value) => BTreeMap::<String, String>::deserialize(value)
                .map_err(|error| wrong(format!("rename: {}", error.message().trim())))?,
            None => BTreeMap::new(),
        };
        match table.get("name") {
            Some(toml::Value::String(own)) if own == name => {}
            Some(_) => {
                return Err(wrong("field name says otherwise; leave it out or make both equal".to_owned()));
            }
            None => {
                table.insert("name".to_owned(), toml::Value::String(name.to_owned()));
            }
        }
        if let Some(typed) = table.get("rows") {
            RowsRule::deserialize(typed.clone())
                .map_err(|error| wrong(format!("rows: {}", error.message().trim())))?;
        }
        let mut merged = match self.by_name.get(name) {
            Some(known) => toml::Table::try_from(known.as_ref()).map_err(|error| wrong(error.to_string()))?,
            None => toml::Table::new(),
        };
        if table.contains_key("sort_key") {
            // The orders of the columns that it replaces.
            merged.remove("sort_order");
        }
        merged.extend(table);
        let mut signal = Signal::deserialize(toml::Value::Table(merged))
            .map_err(|error| wrong(error.message().trim().to_owned()))?;
        let in_file = |error: Error| Error::config(format!("{origin}: {error}"));
        signal.take_orders();
        signal.rename(&renames).map_err(in_file)?;
        signal.validate().map_err(in_file)?;
        self.by_name.insert(name.to_owned(), Arc::new(signal));
        Ok(())
    }

    /// The signal of that name.
    ///
    /// # Errors
    /// An unknown name; the error lists the known ones.
    pub fn get(&self, name: &str) -> Result<Arc<Signal>> {
        self.by_name.get(name).cloned().ok_or_else(|| {
            let known = self.names().collect::<Vec<_>>().join(", ");
            Error::config(format!(
                "unknown signal \"{name}\"; known are: {known} (more can be defined under [signal.NAME] in the configuration)"
            ))
        })
    }

    /// The names, in byte order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The signals, in byte order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Signal>> {
        self.by_name.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::signal::ColumnType;
    use crate::spec::JobKind;

    #[test]
    fn the_shipped_signals_say_what_the_notes_say() {
        let signals = Signals::builtin().unwrap();
        assert_eq!(signals.names().collect::<Vec<_>>(), ["logs", "metrics", "traces"]);
        let logs = signals.get("logs").unwrap();
        assert_eq!(logs.sort_key, ["_cardinalhq.timestamp"]);
        assert_eq!(logs.row_keys[0], ["_cardinalhq.id"]);
        assert_eq!(logs.row_keys[1], ["_cardinalhq.timestamp", "_cardinalhq.message"]);
        assert_eq!(logs.required["_cardinalhq.timestamp"], ColumnType::Int64);
        assert_eq!(logs.accepted_types("_cardinalhq.timestamp"), [ColumnType::Int64, ColumnType::Float64]);
        assert!(logs.accepted_types("_cardinalhq.message").is_empty());
        assert_eq!(logs.dropped_columns, ["minute", "hour", "day", "month", "year"]);
        let rule = logs.fingerprints.clone().unwrap();
        assert_eq!((rule.full_value.len(), rule.trigram.len()), (1, 5));
        let ingested: Vec<_> = logs.droppable(JobKind::Ingest).collect();
        assert_eq!(ingested, [("missing_timestamp", "_cardinalhq.timestamp")]);
        assert_eq!((logs.droppable(JobKind::Compact).count(), logs.rows), (0, RowsRule::Kept));
        let metrics = signals.get("metrics").unwrap();
        assert_eq!(metrics.group_key.as_deref(), Some("_cardinalhq.tid"));
        assert!(metrics.fingerprints.is_none());
        let traces = signals.get("traces").unwrap();
        assert_eq!(traces.sort_key, ["_cardinalhq.start_time_unix_ns"]);
        assert_eq!(traces.required.len(), 3);
    }

    #[test]
    fn an_unknown_signal_lists_the_known_ones() {
        let error = Signals::builtin().unwrap().get("log").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(
            error.to_string().contains("unknown signal \"log\"; known are: logs, metrics, traces"),
            "{error}"
        );
    }

    #[test]
    fn an_override_replaces_only_the_fields_that_it_names() {
        let mut signals = Signals::builtin().unwrap();
        signals.add_toml("logs", r#"row_keys = [["uid"]]"#, "p.toml").unwrap();
        let logs = signals.get("logs").unwrap();
        assert_eq!(logs.row_keys, [["uid"]]);
        assert_eq!(logs.sort_key, ["_cardinalhq.timestamp"]);
        assert!(logs.fingerprints.is_some());
    }

    #[test]
    fn a_rename_reaches_every_part_of_the_definition() {
        let mut signals = Signals::builtin().unwrap();
        let text = r#"rename = { "_cardinalhq.timestamp" = "ts", "resource.file" = "file", "_cardinalhq.telemetry_type" = "kind" }"#;
        signals.add_toml("logs", text, "p.toml").unwrap();
        let logs = signals.get("logs").unwrap();
        assert_eq!(logs.sort_key, ["ts"]);
        assert_eq!(logs.row_keys[1], ["ts", "_cardinalhq.message"]);
        assert_eq!(logs.time_column.as_deref(), Some("ts"));
        assert_eq!(logs.accepted_types("ts"), [ColumnType::Int64, ColumnType::Float64]);
        assert_eq!(logs.fingerprints.as_ref().unwrap().full_value, ["file"]);
        assert_eq!(logs.marker.as_ref().unwrap().column, "kind");
        assert!(!logs.columns().contains("_cardinalhq.timestamp"));
    }

    #[test]
    fn names_may_be_swapped_but_not_merged_and_typing_errors_are_told() {
        let mut signals = Signals::builtin().unwrap();
        let swap = r#"rename = { "_cardinalhq.id" = "_cardinalhq.message", "_cardinalhq.message" = "_cardinalhq.id" }"#;
        signals.add_toml("logs", swap, "p.toml").unwrap();
        assert_eq!(signals.get("logs").unwrap().row_keys[0], ["_cardinalhq.message"]);
        let merge = r#"rename = { "_cardinalhq.id" = "_cardinalhq.message" }"#;
        let error = signals.add_toml("logs", merge, "p.toml").unwrap_err().to_string();
        assert!(error.contains("one column"), "{error}");
        let error =
            signals.add_toml("logs", r#"rename = { "tss" = "ts" }"#, "p.toml").unwrap_err().to_string();
        assert!(
            error.contains("p.toml") && error.contains("\"tss\"") && error.contains("resource.file"),
            "{error}"
        );
    }

    #[test]
    fn a_user_adds_a_signal_of_his_own() {
        let mut signals = Signals::builtin().unwrap();
        let text = "sort_key = [\"at\"]\nrow_keys = [[\"id\"]]\n[required]\nat = \"int64\"\n";
        signals.add_toml("audit", text, "p.toml").unwrap();
        assert_eq!(signals.get("audit").unwrap().name, "audit");
        assert_eq!(signals.names().count(), 4);
    }

    #[test]
    fn a_signal_says_which_rows_its_writers_may_leave_out() {
        let mut signals = Signals::builtin().unwrap();
        let text = "rows = \"free\"\ntime_column = \"at\"\n[[drops]]\nreason = \"no_user\"\nmissing = \"user\"\n\
                    [[drops]]\nreason = \"no_time\"\nkind = \"ingest\"\n";
        signals.add_toml("audit", text, "p.toml").unwrap();
        signals.add_toml("audit", r#"rename = { "user" = "uid" }"#, "p.toml").unwrap();
        let audit = signals.get("audit").unwrap();
        assert_eq!(audit.rows, RowsRule::Free);
        assert_eq!(audit.droppable(JobKind::Compact).collect::<Vec<_>>(), [("no_user", "uid")]);
        let ingested = [("no_user", "uid"), ("no_time", "at")];
        assert_eq!(audit.droppable(JobKind::Ingest).collect::<Vec<_>>(), ingested);
        // A renamed time column takes the rule of the shipped signal along.
        signals.add_toml("logs", r#"rename = { "_cardinalhq.timestamp" = "ts" }"#, "p.toml").unwrap();
        let logs = signals.get("logs").unwrap();
        assert_eq!(logs.droppable(JobKind::Ingest).collect::<Vec<_>>(), [("missing_timestamp", "ts")]);
    }

    #[test]
    fn contradictions_are_refused_and_leave_the_registry_as_it_was() {
        let cases = [
            ("group_key = \"x\"", "must be the first column of sort_key"),
            ("sort_key = [\"a\", \"a\"]", "twice"),
            ("row_keys = [[]]", "empty alternative"),
            ("sort_key = [\"\"]", "empty"),
            ("dropped_columns = [\"_cardinalhq.timestamp\"]", "needs elsewhere"),
            ("name = \"other\"", "field name says otherwise"),
            ("sortkey = [\"a\"]", "unknown field `sortkey`"),
            ("required = { a = \"int65\" }", "int65"),
            ("also_accepted = { a = [\"int64\"] }", "not in required"),
            ("rename = [1]", "rename"),
            ("rows = \"fre\"", "rows: unknown variant `fre`, expected `kept` or `free`"),
            ("[[drops]]\nreason = \"\"", "the reason of a rule is empty"),
            ("[[drops]]\nreason = \"a\"\n[[drops]]\nreason = \"a\"", "two rules for the reason \"a\""),
            ("[[drops]]\nreason = \"a\"\nwhen = 1", "unknown field `when`"),
            ("= 1", "line 1"),
        ];
        for (text, expected) in cases {
            let mut signals = Signals::builtin().unwrap();
            let before = signals.get("logs").unwrap();
            let error = signals.add_toml("logs", text, "p.toml").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let message = error.to_string();
            assert!(message.contains(expected) && message.contains("p.toml"), "{text}: {message}");
            assert_eq!(signals.get("logs").unwrap(), before);
        }
        let no_column =
            Signals::default().add_toml("a", "[[drops]]\nreason = \"late\"", "p.toml").unwrap_err();
        assert!(no_column.to_string().contains("\"late\" names no column: add missing"), "{no_column}");
        let error = Signals::default().add_toml("Bad Name", "", "p.toml").unwrap_err().to_string();
        assert!(error.contains("lower-case"), "{error}");
    }
}
