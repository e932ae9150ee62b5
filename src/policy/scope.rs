//! Parts of the work for which the policy says something else: `[[policy.for]]`.
//!
//! 1. A scope names jobs (by signal, by a pattern of their names), rows (by values of their columns), or both.
//! 2. What a block says of jobs is laid over the general policy when a job's turn comes ([`Policy::for_job`]): a job is judged
//!    as a whole, so everything that judges a job may differ there.
//! 3. What a block says of rows can only be what is attributed row by row: waivers and actions of ROWS findings. All else
//!    (order, sizes, schemas, metadata) is a property of files that hold rows of several scopes.
//!
//! A scope is only ever fitted by what is known to lie in it: a job without a signal lies in no signal, and a row without a
//! value in no scope by value.

use std::sync::Arc;

use corpora::Signals;
use reports::document::{JobReport, RunWarning};

use super::Policy;
use super::action;
use super::layer::Layer;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::suggest;

/// Columns that hold the organisation of a row, for `organization = "..."`.
pub const ORGANIZATION: [&str; 2] = ["_cardinalhq.customer_id", "resource._cardinalhq.customer_id"];

/// Scopes by rows that one policy may have: as many as a row's memberships have bits.
pub const MOST_ROW_SCOPES: usize = 64;

/// A part of the work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only jobs of this signal.
    pub signal: Option<String>,
    /// Only jobs of this name, or whose names fit this pattern.
    pub job: Option<String>,
    /// Only rows of these values.
    pub rows: Option<RowScope>,
}

/// Rows by the values of their columns; every condition must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowScope {
    /// The conditions, in the order of their names.
    pub conditions: Vec<Condition>,
}

/// One value that a row must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What it is called in words: the column, or `organization`.
    pub name: String,
    /// Columns of which one holds the value and none another.
    pub columns: Vec<String>,
    /// The value, as reports write it.
    pub value: String,
}

/// A block of a policy file.
#[derive(Debug, Clone, PartialEq)]
pub struct Scoped {
    /// Where it holds.
    pub scope: Arc<Scope>,
    /// What holds there, but for waivers: they stand with all others, and know their scope.
    pub layer: Layer,
    /// File and line of the block.
    pub origin: String,
}

impl Scope {
    /// True where the job lies in the scope, whatever its rows.
    #[must_use]
    pub fn takes_in(&self, signal: Option<&str>, job: &str) -> bool {
        self.signal.as_deref().is_none_or(|wanted| signal == Some(wanted))
            && self.job.as_deref().is_none_or(|wanted| action::matches(wanted, job))
    }

    /// The scope in words.
    #[must_use]
    pub fn text(&self) -> String {
        let signal = self.signal.iter().map(|signal| format!("signal {signal}"));
        let job = self.job.iter().map(|job| format!("job {job}"));
        let rows = self.rows.iter().map(|rows| format!("rows of {}", rows.text()));
        signal.chain(job).chain(rows).collect::<Vec<_>>().join(", ")
    }
}

impl RowScope {
    /// The conditions in words.
    #[must_use]
    pub fn text(&self) -> String {
        let condition = |it: &Condition| format!("{} = {}", it.name, it.value);
        self.conditions.iter().map(condition).collect::<Vec<_>>().join(", ")
    }

    /// True where a row with these values lies in the scope. `value` gives the value of a column, where the row has one.
    #[must_use]
    pub fn takes_in<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.conditions.iter().all(|condition| {
            let mut held = condition.columns.iter().filter_map(|column| value(column)).peekable();
            held.peek().is_some() && held.all(|value| value == condition.value)
        })
    }

    /// Every column that the scope asks for.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.conditions.iter().flat_map(|condition| &condition.columns).map(String::as_str)
    }
}

impl Policy {
    /// Refuses scopes that no job or row can ever lie in, and more of them than can be told apart.
    ///
    /// # Errors
    /// Class `config`, with the file and line of the block.
    pub(super) fn scopes_known(&self, config: &Config) -> Result<()> {
        let signals = Signals::builtin().map_err(|error| Error::of_corpora(&error))?;
        let known: Vec<&str> = signals.names().chain(config.signals.keys().map(String::as_str)).collect();
        for scoped in &self.scoped {
            if let Some(signal) = scoped.scope.signal.as_deref().filter(|signal| !known.contains(signal)) {
                let hint = suggest::hint(signal, known.iter().copied());
                let message = format!(
                    "{}: `policy.for.signal`: there is no signal {signal:?}; the signals are {}{hint}",
                    scoped.origin,
                    known.join(", ")
                );
                return Err(Error::config(message));
            }
            let mut columns = scoped.scope.rows.iter().flat_map(RowScope::columns);
            if let Some(column) = columns.find(|column| self.comparison.ignored.contains_key(*column)) {
                let message = format!(
                    "{}: `policy.for`: the column {column:?} is ignored ({}), so no row can be scoped by it",
                    scoped.origin,
                    self.origin(&format!("ignore.{column}"))
                );
                return Err(Error::config(message));
            }
        }
        let mut rows: Vec<&RowScope> = Vec::new();
        for scoped in &self.scoped {
            let new = scoped.scope.rows.as_ref().filter(|it| !rows.contains(it));
            rows.extend(new);
            if rows.len() > MOST_ROW_SCOPES {
                let message =
                    format!("{}: `policy.for`: at most {MOST_ROW_SCOPES} scopes by rows", scoped.origin);
                return Err(Error::config(message));
            }
        }
        Ok(())
    }

    /// The policy for one job: what was said of jobs like it holds over what was said of all.
    #[must_use]
    pub fn for_job(&self, signal: Option<&str>, job: &str) -> Self {
        let mut policy = self.clone();
        let (by_rows, by_job): (Vec<Scoped>, Vec<Scoped>) = std::mem::take(&mut policy.scoped)
            .into_iter()
            .filter(|it| it.scope.takes_in(signal, job))
            .partition(|it| it.scope.rows.is_some());
        for scoped in &by_job {
            policy.apply(&scoped.layer);
        }
        // Actions of rows, which are looked up row by row.
        policy.scoped = by_rows;
        policy
    }

    /// The scopes that take in a job, in words, as the report names them.
    #[must_use]
    pub fn scopes_of(&self, signal: Option<&str>, job: &str) -> Vec<String> {
        let scoped = self.scoped.iter().filter(|it| it.scope.takes_in(signal, job));
        scoped.map(|it| format!("{} ({})", it.scope.text(), it.origin)).collect()
    }

    /// Blocks whose pattern of job names fits no job of a whole run that had jobs of their signal.
    #[must_use]
    pub fn unused_scopes(&self, jobs: &[JobReport]) -> Vec<RunWarning> {
        let unused = |scoped: &&Scoped| {
            let scope = &scoped.scope;
            let any_name = Scope { job: None, ..scope.as_ref().clone() };
            let fits = |scope: &Scope| jobs.iter().any(|job| scope.takes_in(job.signal.as_deref(), &job.id));
            fits(&any_name) && !fits(scope)
        };
        let warn = |scoped: &Scoped| RunWarning {
            code: "policy.scope-unused".to_owned(),
            message: format!(
                "the policy for {} fits no job of this run: correct its `job` or remove it",
                scoped.scope.text()
            ),
            origin: scoped.origin.clone(),
        };
        self.scoped.iter().filter(unused).map(warn).collect()
    }

    /// Every scope by rows of the blocks that take in the job, each once.
    #[must_use]
    pub fn row_scopes(&self, signal: Option<&str>, job: &str) -> Vec<RowScope> {
        let mut found: Vec<RowScope> = Vec::new();
        let blocks = self.scoped.iter().map(|it| &it.scope);
        let waivers = self.waivers.iter().filter_map(|it| it.within.as_ref());
        for scope in blocks.chain(waivers).filter(|scope| scope.takes_in(signal, job)) {
            if let Some(rows) = scope.rows.as_ref().filter(|rows| !found.contains(rows)) {
                found.push(rows.clone());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::policy::file::{Asked, PolicyFile};

    fn resolved(text: &str) -> Policy {
        let policy = PolicyFile::parse(text, Path::new("policy.toml")).unwrap();
        Policy::resolve(&Config { policy, ..Config::default() }, Asked::default()).unwrap()
    }

    const SIZES: &str = "[policy.sizes]\nbytes_warn = 0.2\n\
                         [[policy.for]]\nsignal = \"metrics\"\njob = \"hourly-*\"\nsizes = { bytes_warn = 0.05 }\n";

    #[test]
    fn what_is_said_of_some_jobs_holds_there_and_nowhere_else() {
        let policy = resolved(SIZES);
        let at = |signal, job| policy.for_job(signal, job).size_bounds.bytes_warn;
        assert_eq!(at(Some("metrics"), "hourly-1"), 0.05);
        for (signal, job) in [(Some("metrics"), "daily-1"), (Some("logs"), "hourly-1"), (None, "hourly-1")] {
            assert_eq!(at(signal, job), 0.2, "{signal:?} {job}");
        }
        let there = policy.for_job(Some("metrics"), "hourly-1");
        assert_eq!(there.origin("sizes.bytes_warn"), "policy.toml:6");
        assert_eq!(policy.origin("sizes.bytes_warn"), "policy.toml:2");
    }

    #[test]
    fn a_scoped_value_holds_over_every_general_one_and_the_later_of_two_blocks_over_the_earlier() {
        let own = "[[policy.for]]\nsignal = \"metrics\"\nsizes = { bytes_warn = 0.07 }\n";
        let policy = PolicyFile::parse(SIZES, Path::new("parallax.toml")).unwrap();
        let config = Config { policy, ..Config::default() };
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("own.toml");
        std::fs::write(&file, format!("[policy.sizes]\nbytes_warn = 0.3\n{own}")).unwrap();
        let policy = Policy::resolve(&config, Asked { file: Some(&file), ..Asked::default() }).unwrap();
        let at = |signal, job| policy.for_job(Some(signal), job).size_bounds.bytes_warn;
        assert_eq!(
            (at("metrics", "hourly-1"), at("metrics", "x"), at("logs", "hourly-1")),
            (0.07, 0.07, 0.3)
        );
    }

    #[test]
    fn a_row_lies_in_a_scope_only_where_it_has_the_value_and_no_other() {
        let policy = resolved(
            "[[policy.for]]\norganization = \"acme\"\nwhere = { kind = \"histogram\" }\nactions = { \"rows.*\" = \"note\" }\n",
        );
        let scope = policy.row_scopes(None, "any").remove(0);
        assert_eq!(scope.text(), "kind = histogram, organization = acme");
        let [one, other] = ORGANIZATION;
        let lies = |row: &[(&str, &'static str)]| {
            scope.takes_in(|column| row.iter().find(|(name, _)| *name == column).map(|(_, value)| *value))
        };
        assert!(lies(&[("kind", "histogram"), (one, "acme")]));
        assert!(lies(&[("kind", "histogram"), (other, "acme")]));
        assert!(!lies(&[("kind", "histogram"), (one, "acme"), (other, "else")]));
        assert!(!lies(&[("kind", "histogram")]));
        assert!(!lies(&[(one, "acme")]));
        assert!(!lies(&[("kind", "gauge"), (one, "acme")]));
    }
}
