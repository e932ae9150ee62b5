//! Parameters of a job. They come, the last winning, from defaults, the corpus specification, a `job.toml` beside the
//! segments, the job list, and the command line; every value keeps its origin for the report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Job parameters as written in a file; an absent field says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Target file size in encoded bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_size: Option<u64>,
    /// Rows per file; zero or negative: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_file: Option<i64>,
    /// Whether the unified writer splits at hour boundaries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_hours: Option<bool>,
    /// Rollup interval in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<i64>,
    /// Start of the time range, inclusive, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// End of the time range, exclusive, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// Slot of a trace job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<i64>,
    /// Number of slots that traces are dealt to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<i64>,
    /// Date by which traces are dealt to slots, as yyyymmdd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dateint: Option<i64>,
    /// Organization by which traces are dealt to slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Date of ingestion as yyyymmdd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingest_dateint: Option<i64>,
}

/// The parameters by name, with the values that each takes, in the order of reports.
const KEYS: [(&str, &str); 11] = [
    ("target_size", "a positive number of bytes"),
    ("rows_per_file", "a whole number of rows, zero or negative for no limit"),
    ("split_hours", "true or false"),
    ("interval", "a whole number of milliseconds"),
    ("start", "a time in whole milliseconds since 1970"),
    ("end", "a time in whole milliseconds since 1970"),
    ("slot", "a whole number"),
    ("slots", "a positive whole number"),
    ("dateint", "a date as yyyymmdd"),
    ("organization", "a name"),
    ("ingest_dateint", "a date as yyyymmdd"),
];

impl Parameters {
    /// The parameters that have a value, with it as text, in a fixed order.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        let value = |key: &str| match key {
            "target_size" => self.target_size.map(|v| v.to_string()),
            "rows_per_file" => self.rows_per_file.map(|v| v.to_string()),
            "split_hours" => self.split_hours.map(|v| v.to_string()),
            "interval" => self.interval.map(|v| v.to_string()),
            "start" => self.start.map(|v| v.to_string()),
            "end" => self.end.map(|v| v.to_string()),
            "slot" => self.slot.map(|v| v.to_string()),
            "slots" => self.slots.map(|v| v.to_string()),
            "dateint" => self.dateint.map(|v| v.to_string()),
            "organization" => self.organization.clone(),
            _ => self.ingest_dateint.map(|v| v.to_string()),
        };
        KEYS.iter().filter_map(|(key, _)| value(key).map(|value| (*key, value))).collect()
    }

    /// Sets one parameter from text, as typed after `--param`.
    ///
    /// # Errors
    /// An unknown key, with the known ones; a value that the parameter does not take, with what it takes.
    pub fn set(&mut self, key: &str, text: &str) -> Result<()> {
        let Some((_, takes)) = KEYS.iter().find(|(known, _)| *known == key) else {
            let known = KEYS.map(|(known, _)| known).join(", ");
            return Err(Error::config(format!("unknown parameter \"{key}\"; known are: {known}")));
        };
        let refused = || Error::config(format!("parameter {key} takes {takes}, not \"{text}\""));
        let text = text.trim();
        let whole = || text.parse::<i64>().map(Some).map_err(|_| refused());
        match key {
            "target_size" => {
                let size = text.parse::<u64>().ok().filter(|size| *size > 0);
                self.target_size = Some(size.ok_or_else(refused)?);
            }
            "rows_per_file" => self.rows_per_file = whole()?,
            "split_hours" => self.split_hours = Some(text.parse().map_err(|_| refused())?),
            "interval" => self.interval = whole()?,
            "start" => self.start = whole()?,
            "end" => self.end = whole()?,
            "slot" => self.slot = whole()?,
            "slots" => self.slots = whole()?.filter(|slots| *slots > 0).ok_or_else(refused).map(Some)?,
            "dateint" => self.dateint = whole()?,
            "organization" => self.organization = Some(text.to_owned()),
            _ => self.ingest_dateint = whole()?,
        }
        Ok(())
    }

    /// Refuses values that no writer can take; `origin` names the file in the error.
    pub(crate) fn check(&self, origin: &str) -> Result<()> {
        if self.target_size == Some(0) {
            return Err(Error::config(format!("{origin}: parameter target_size takes {}, not 0", KEYS[0].1)));
        }
        if let Some(slots) = self.slots.filter(|slots| *slots <= 0) {
            return Err(Error::config(format!("{origin}: parameter slots takes {}, not {slots}", KEYS[6].1)));
        }
        Ok(())
    }

    /// Takes over every value that `later` has.
    fn overlay(&mut self, later: &Self) {
        self.target_size = later.target_size.or(self.target_size);
        self.rows_per_file = later.rows_per_file.or(self.rows_per_file);
        self.split_hours = later.split_hours.or(self.split_hours);
        self.interval = later.interval.or(self.interval);
        self.start = later.start.or(self.start);
        self.end = later.end.or(self.end);
        self.slot = later.slot.or(self.slot);
        self.slots = later.slots.or(self.slots);
        self.dateint = later.dateint.or(self.dateint);
        self.organization = later.organization.clone().or(self.organization.take());
        self.ingest_dateint = later.ingest_dateint.or(self.ingest_dateint);
    }
}

/// Where the value of a parameter came from. The layers are applied in this order, the last wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Built into Parallax.
    Default,
    /// The corpus specification.
    Corpus,
    /// The `job.toml` beside the segments.
    JobFile,
    /// The job list.
    JobList,
    /// `--param key=value` on the command line.
    Param,
    /// `--target-size` on the command line.
    TargetSize,
}

impl Origin {
    /// The origin as reports write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Corpus => "corpus",
            Self::JobFile => "job.toml",
            Self::JobList => "job list",
            Self::Param => "--param",
            Self::TargetSize => "--target-size",
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The parameters of one job after all layers, each with the origin of its value.
///
/// ```
/// use corpora::parameters::{Origin, Parameters, ResolvedParameters};
/// # fn main() -> Result<(), corpora::Error> {
/// let mut resolved = ResolvedParameters::default();
/// resolved.apply(Origin::Corpus, &Parameters { rows_per_file: Some(500), ..Parameters::default() });
/// resolved.set("rows_per_file", "-1", Origin::Param)?;
/// assert_eq!(resolved.entries(), [("rows_per_file", "-1".to_owned(), Origin::Param)]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolvedParameters {
    values: Parameters,
    origins: BTreeMap<&'static str, Origin>,
}

impl ResolvedParameters {
    /// Lays `layer` over what is there: every value that it has wins. Call in the order of [`Origin`].
    pub fn apply(&mut self, origin: Origin, layer: &Parameters) {
        self.values.overlay(layer);
        self.origins.extend(layer.entries().into_iter().map(|(key, _)| (key, origin)));
    }

    /// Sets one parameter from text; it wins over what is there.
    ///
    /// # Errors
    /// As [`Parameters::set`]; nothing is changed then.
    pub fn set(&mut self, key: &str, text: &str, origin: Origin) -> Result<()> {
        let mut layer = Parameters::default();
        layer.set(key, text)?;
        self.apply(origin, &layer);
        Ok(())
    }

    /// Sets one parameter from `key=value`, as typed after `--param`.
    ///
    /// # Errors
    /// Text without `=`, and as [`Parameters::set`].
    pub fn set_pair(&mut self, pair: &str, origin: Origin) -> Result<()> {
        let Some((key, text)) = pair.split_once('=') else {
            return Err(Error::config(format!(
                "parameter \"{pair}\" has no value; write it as key=value, for example rows_per_file=1000"
            )));
        };
        self.set(key.trim(), text, origin)
    }

    /// The values.
    #[must_use]
    pub fn values(&self) -> &Parameters {
        &self.values
    }

    /// Where the value of `key` came from; `None` where it has none.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<Origin> {
        self.origins.get(key).copied()
    }

    /// Name, value as text and origin of every parameter that has a value, in a fixed order.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, String, Origin)> {
        let with_origin = |(key, value)| self.origin(key).map(|origin| (key, value, origin));
        self.values.entries().into_iter().filter_map(with_origin).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_layer_wins_and_keeps_its_origin() {
        let mut resolved = ResolvedParameters::default();
        let layer =
            |rows, size| Parameters { rows_per_file: rows, target_size: size, ..Parameters::default() };
        resolved.apply(Origin::Default, &layer(Some(0), Some(1_100_000)));
        resolved.apply(Origin::Corpus, &layer(Some(500), None));
        resolved.apply(Origin::JobFile, &layer(None, Some(65_536)));
        resolved.apply(Origin::JobList, &layer(Some(-3), None));
        resolved.set_pair("split_hours=true", Origin::Param).unwrap();
        let entries = resolved.entries();
        assert_eq!(
            entries,
            [
                ("target_size", "65536".to_owned(), Origin::JobFile),
                ("rows_per_file", "-3".to_owned(), Origin::JobList),
                ("split_hours", "true".to_owned(), Origin::Param),
            ]
        );
        assert_eq!(resolved.values().target_size, Some(65_536));
        assert_eq!(resolved.origin("slot"), None);
    }

    #[test]
    fn every_key_can_be_set_from_text_and_is_listed() {
        let mut parameters = Parameters::default();
        for (key, _) in KEYS {
            parameters.set(key, if key == "split_hours" { "false" } else { "7" }).unwrap();
        }
        let entries = parameters.entries();
        assert_eq!(entries.iter().map(|(key, _)| *key).collect::<Vec<_>>(), KEYS.map(|(key, _)| key));
        assert!(
            entries.iter().all(|(key, value)| value == if *key == "split_hours" { "false" } else { "7" })
        );
        let written = toml::Table::try_from(&parameters).unwrap();
        assert_eq!(Parameters::deserialize(written).unwrap(), parameters);
    }

    #[test]
    fn negative_numbers_are_values_where_they_mean_something() {
        let mut parameters = Parameters::default();
        for key in ["rows_per_file", "interval", "start", "end", "slot"] {
            parameters.set(key, "-1").unwrap();
        }
        assert_eq!(parameters.rows_per_file, Some(-1));
        assert!(parameters.set("target_size", "-1").is_err());
    }

    #[test]
    fn a_wrong_pair_says_what_would_be_right() {
        let cases = [
            (
                "rows=5",
                "unknown parameter \"rows\"; known are: target_size, rows_per_file, split_hours, interval,",
            ),
            (
                "rows_per_file=many",
                "rows_per_file takes a whole number of rows, zero or negative for no limit, not \"many\"",
            ),
            ("target_size=0", "target_size takes a positive number of bytes, not \"0\""),
            ("split_hours=yes", "split_hours takes true or false, not \"yes\""),
            ("start=2.5", "start takes a time in whole milliseconds"),
            ("slot", "write it as key=value"),
        ];
        for (pair, expected) in cases {
            let mut resolved = ResolvedParameters::default();
            let error = resolved.set_pair(pair, Origin::Param).unwrap_err().to_string();
            assert!(error.contains(expected), "{pair}: {error}");
            assert_eq!(resolved, ResolvedParameters::default());
        }
    }
}
