//! A corpus specification: one TOML file that names a set of input segments, says what it provokes, and fixes the
//! parameters of its job and, where that is the point, how the sides must fail.
//!
//! ```toml
//! name = "compact-heavy-ties"
//! title = "Many rows share few timestamps"
//! signal = "logs"
//! kind = "compact"                     # or "ingest", which takes exactly one input
//! provokes = ["thousands of equal sort keys across segments"]
//! seed = 1
//! rows = 3000                          # over all inputs
//! inputs = 4
//!
//! [parameters]
//! target_size = 65536
//!
//! [expect]                             # absent: both sides succeed and write rows
//! baseline = "schema-conflict"         # error class in which the side must fail
//! candidate = "schema-conflict"
//! no_rows = true                       # no output rows, and that is right
//!
//! [generator]                          # or: segments = ["path, directory or glob, relative to this file"]
//! kind = "columns"                     # or "production", "metrics", "traces"
//! ```
//!
//! | generator | makes |
//! | --- | --- |
//! | `columns` | independent columns, each declared in the specification |
//! | `production` | log records with the correlations and the skew of production |
//! | `metrics` | metric points with sketches and rollups, sorted by time-series identifier, odd ones among them |
//! | `traces` | spans of traces, all of them of the slot in the job's parameters |
//!
//! The same format serves the built-in corpora and a user's own. What a generator can do: [`crate::spec::Generator`].

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::generate::columns::write_out_repeats;
pub use crate::generate::columns::{Column, Columns, Place};
pub use crate::generate::extra::Absent;
pub use crate::generate::metrics::{Disorder, Metrics, OddKind, Oddity, Sizes, Tids};
pub use crate::generate::production::Production;
pub use crate::generate::time::{Instant, Moment, Order, Span, Store, Time};
pub use crate::generate::traces::Traces;
pub use crate::generate::values::{Skew, Values};
use crate::parameters::Parameters;

/// Segments that a generated corpus may have: each costs a file, and a look at every column.
const MOST_INPUTS: usize = 10_000;

/// Which entry point of production a job stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Many segments become few.
    #[default]
    Compact,
    /// One raw segment is split by hour.
    Ingest,
}

impl std::fmt::Display for JobKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Compact => "compact",
            Self::Ingest => "ingest",
        })
    }
}

/// What a corpus declares of the outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Error class in which the baseline must fail, as documents write it.
    pub baseline: Option<String>,
    /// Error class in which the candidate must fail.
    pub candidate: Option<String>,
    /// The job yields no output rows, and that is right.
    #[serde(default)]
    pub no_rows: bool,
}

/// Where generated segments come from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Generator {
    /// Independent columns, each declared in the specification.
    Columns(Columns),
    /// Log records with the correlations and the skew of production.
    Production(Production),
    /// Metric points with sketches and rollups, sorted by time-series identifier.
    Metrics(Metrics),
    /// Spans of traces, all of them of the slot in the job's parameters.
    Traces(Traces),
}

/// A parsed and validated corpus specification.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusSpec {
    /// Name, usable as a folder name. Part of the seed: another name means other data.
    pub name: String,
    /// One line for lists.
    pub title: String,
    /// Name of the signal.
    pub signal: String,
    /// Entry point of production.
    pub kind: JobKind,
    /// What the corpus is meant to provoke, one sentence each.
    pub provokes: Vec<String>,
    /// Default seed of the generator.
    #[serde(default)]
    pub seed: u64,
    /// Rows over all inputs.
    #[serde(default)]
    pub rows: u64,
    /// Number of input segments.
    #[serde(default)]
    pub inputs: usize,
    /// Parameters of the job.
    #[serde(default)]
    pub parameters: Parameters,
    /// What the corpus declares of the outcome.
    #[serde(default)]
    pub expect: Expect,
    /// How segments are generated; absent where `segments` names existing ones.
    pub generator: Option<Generator>,
    /// Existing segments instead of generated ones: files, directories, patterns, relative to the specification.
    #[serde(default)]
    pub segments: Vec<String>,
    /// The specification's text.
    #[serde(skip)]
    source: String,
    /// The directory that `segments` are relative to.
    #[serde(skip)]
    folder: PathBuf,
}

impl CorpusSpec {
    /// Reads a user's own specification.
    ///
    /// # Errors
    /// An unreadable file ([`crate::ErrorKind::Input`] where there is none), and as [`CorpusSpec::parse`].
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = crate::regular::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
        Self::parse(&text, &path.display().to_string(), path.parent().unwrap_or(Path::new("")))
    }

    /// Parses `text`; `origin` names it in errors, `folder` is what its segments are relative to.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Config`], naming origin, line and key: text that is not TOML, an unknown key, a value of the wrong
    /// type, a combination that cannot be generated.
    pub fn parse(text: &str, origin: &str, folder: &Path) -> Result<Self> {
        let mut spec: Self = toml::from_str(text).map_err(|error| Error::toml(origin, text, &error))?;
        text.clone_into(&mut spec.source);
        folder.clone_into(&mut spec.folder);
        match &mut spec.generator {
            Some(Generator::Columns(plan)) => plan.expand(origin)?,
            Some(Generator::Metrics(plan)) => write_out_repeats(&mut plan.columns, origin)?,
            Some(Generator::Traces(plan)) => write_out_repeats(&mut plan.columns, origin)?,
            Some(Generator::Production(_)) | None => {}
        }
        spec.validate(origin)?;
        Ok(spec)
    }

    /// The specification as written.
    #[must_use]
    pub fn source_text(&self) -> &str {
        &self.source
    }

    /// The paths and patterns of `segments`, resolved against the specification's directory.
    #[must_use]
    pub fn segment_specs(&self) -> Vec<String> {
        self.segments.iter().map(|segment| self.folder.join(segment).to_string_lossy().into_owned()).collect()
    }

    fn validate(&self, origin: &str) -> Result<()> {
        let wrong = |what: &str| Err(Error::config(format!("{origin}: {what}")));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.starts_with(['.', '_']) || !self.name.chars().all(plain) {
            return wrong(
                "name must consist of letters, digits, `-`, `_` and `.`, and begin with a letter or digit",
            );
        }
        if self.title.trim().is_empty() {
            return wrong("title is empty");
        }
        self.parameters.check(origin)?;
        let Some(generator) = &self.generator else {
            if self.segments.is_empty() {
                return wrong("neither a [generator] nor segments: nothing to take rows from");
            }
            if self.rows != 0 || self.inputs != 0 || self.seed != 0 {
                return wrong("rows, inputs and seed belong to a [generator]; segments speak for themselves");
            }
            return Ok(());
        };
        if !self.segments.is_empty() {
            return wrong("both a [generator] and segments: keep one");
        }
        if self.inputs == 0 {
            return wrong("inputs must be at least 1");
        }
        if self.inputs > MOST_INPUTS {
            return wrong(&format!("{} inputs; a corpus may have {MOST_INPUTS}", self.inputs));
        }
        if self.kind == JobKind::Ingest && self.inputs != 1 {
            return wrong("kind \"ingest\" takes exactly one input; set inputs = 1");
        }
        match generator {
            Generator::Columns(columns) => columns.validate(self.inputs, origin),
            Generator::Production(production) => production.validate(origin),
            Generator::Metrics(metrics) => metrics.validate(self.inputs, origin),
            Generator::Traces(traces) => traces.validate(self.inputs, &self.parameters, origin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const HEAD: &str =
        "name = \"n\"\ntitle = \"t\"\nsignal = \"logs\"\nkind = \"compact\"\nprovokes = [\"p\"]\n";

    fn parse(rest: &str) -> Result<CorpusSpec> {
        CorpusSpec::parse(&format!("{HEAD}{rest}"), "my.toml", Path::new("/data"))
    }

    #[test]
    fn a_users_segments_are_relative_to_his_specification() {
        let spec =
            parse("segments = [\"day/*.parquet\", \"/abs\"]\n[parameters]\nrows_per_file = -1\n").unwrap();
        assert_eq!(spec.segment_specs(), ["/data/day/*.parquet", "/abs"]);
        assert_eq!(spec.parameters.rows_per_file, Some(-1));
        assert!(spec.source_text().starts_with("name = \"n\""));
    }

    #[test]
    fn declared_outcomes_are_kept_as_written() {
        let spec =
            parse("segments = [\"x\"]\n[expect]\nbaseline = \"schema-conflict\"\nno_rows = true\n").unwrap();
        assert_eq!(spec.expect.baseline.as_deref(), Some("schema-conflict"));
        assert_eq!(spec.expect.candidate, None);
        assert!(spec.expect.no_rows);
    }

    #[test]
    fn what_is_wrong_names_file_and_key() {
        let generator = "[generator]\nkind = \"columns\"\n";
        let cases = [
            (String::new(), "neither a [generator] nor segments"),
            (format!("segments = [\"x\"]\ninputs = 1\n{generator}"), "keep one"),
            (format!("rows = 1\n{generator}"), "inputs must be at least 1"),
            (format!("rows = 1\ninputs = 1000000000000\n{generator}"), "a corpus may have 10000"),
            (
                format!(
                    "inputs = 1\n{generator}[[generator.columns]]\nname = \"a{{}}\"\nvalues = {{ kind = \"message\" }}\nrepeat = 4000000000\n"
                ),
                "a specification may have 10000",
            ),
            ("rows = 3\nsegments = [\"x\"]\n".to_owned(), "belong to a [generator]"),
            ("row = 3\n".to_owned(), "line 6: unknown field `row`"),
            ("[parameters]\ntarget = 3\n".to_owned(), "line 7: unknown field `target`"),
            ("[expect]\nno_row = true\n".to_owned(), "unknown field `no_row`"),
            (format!("inputs = 1\n{generator}tim = 1\n"), "unknown field `tim`"),
            (format!("inputs = 1\n{generator}[generator.time]\norder = \"up\"\n"), "unknown variant `up`"),
            (format!("inputs = 1\n{generator}[generator.time]\nspan = \"5 weeks\"\n"), "5 weeks"),
            (
                format!("inputs = 1\n{generator}[[generator.columns]]\nname = \"a\"\nvalue = 1\n"),
                "unknown field `value`",
            ),
            (format!("inputs = 1\n{generator}base = \"rich\"\n"), "rich"),
            ("inputs = 1\n[generator]\nkind = \"magic\"\n".to_owned(), "unknown variant `magic`"),
        ];
        for (rest, expected) in cases {
            let error = parse(&rest).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let message = error.to_string();
            assert!(message.starts_with("my.toml") && message.contains(expected), "{rest}\n{message}");
        }
        let missing = CorpusSpec::from_file(Path::new("/no/such/spec.toml")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Input);
    }
}
