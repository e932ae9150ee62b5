//! Columns that the user named, and whether any job has them.
//!
//! A mistyped name would otherwise be an empty question: a sort key that no row has is in order, an ignored column that is not there
//! hides nothing and the difference that was meant is red. So a column that no job has, in its inputs or in what a side left, ends the
//! run with exit 2 and a suggestion; one that only some jobs have is a warning of the run. What a phase or a shipped signal names is not
//! asked for. A job whose outputs could not all be read says nothing here.

use std::collections::BTreeSet;
use std::sync::Arc;

use corpora::signal::Signal;
use corpora::{KeyOrder, Segment};
use reports::document::{JobReport, RunWarning, SideOutcome};

use crate::check::Observed;
use crate::config::{Config, FILE_NAME};
use crate::error::{Error, Result, display};
use crate::evidence::blast::is_derived;
use crate::policy::Policy;
use crate::policy::layer::Set;
use crate::policy::scope::Scope;
use crate::suggest;

/// Columns and jobs that a message lists at most.
const LISTED: usize = 20;

/// One column that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The column.
    pub column: String,
    /// What names it: `--by`, `sort_key`, `ignore`.
    pub by: String,
    /// Where that stands: a file and line, a file, or the command line.
    pub origin: String,
    /// The part of the work that it is named for; absent: all of it.
    pub scope: Option<Arc<Scope>>,
    /// The signal whose definition names it.
    pub signal: Option<String>,
    /// Only a part of the jobs that it was named for is performed (`--only`, `replay`): another one may have it, so that it is warned of.
    pub of_part: bool,
}

impl Named {
    /// A column typed as a value of `option`.
    #[must_use]
    pub fn typed(column: &str, option: &str) -> Self {
        Self::new(column, option, "the command line")
    }

    /// A column named for all of the work.
    fn new(column: &str, by: &str, origin: &str) -> Self {
        let [column, by, origin] = [column, by, origin].map(str::to_owned);
        Self { column, by, origin, scope: None, signal: None, of_part: false }
    }

    fn concerns(&self, signal: Option<&str>, job: &str) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.takes_in(signal, job))
            && self.signal.as_deref().is_none_or(|own| signal == Some(own))
    }

    /// What names the column, and where, in words.
    fn said(&self) -> String {
        if self.by.starts_with("--") { self.by.clone() } else { format!("{}: `{}`", self.origin, self.by) }
    }
}

/// The columns of `--by`, without those that are derived.
#[must_use]
pub fn of_by(by: &[String]) -> Vec<Named> {
    by.iter().filter(|column| !is_derived(column)).map(|column| Named::typed(column, "--by")).collect()
}

/// The columns that the policy names outside of its phase.
#[must_use]
pub fn of_policy(policy: &Policy) -> Vec<Named> {
    let mut named = Vec::new();
    let comparison = &policy.comparison;
    let general = (comparison.ignored.keys().map(|column| ("ignore", column)))
        .chain(comparison.tolerances.keys().map(|column| ("tolerance", column)))
        .chain(comparison.same_type.keys().map(|column| ("same_type", column)));
    for (kind, column) in general {
        let origin = policy.origin(&format!("{kind}.{column}"));
        if origin == "default" || origin.starts_with("phase ") {
            continue;
        }
        let by = if origin.starts_with("--") { origin.to_owned() } else { format!("policy.{kind}") };
        named.push(Named::new(column, &by, origin));
    }
    for block in &policy.scoped {
        let scope = Some(Arc::clone(&block.scope));
        for setting in &block.layer.settings {
            let (kind, column) = match &setting.set {
                Set::Ignore(column, _) => ("ignore", column),
                Set::Tolerance(column, _) => ("tolerance", column),
                Set::SameType(column, _) => ("same_type", column),
                _ => continue,
            };
            let by = format!("policy.for.{kind}");
            named.push(Named { scope: scope.clone(), ..Named::new(column, &by, &setting.origin) });
        }
        // `organization` stands for columns of ours, of which a job has one at most.
        for condition in block.scope.rows.iter().flat_map(|rows| &rows.conditions) {
            if condition.columns == [condition.name.clone()] {
                let general = Named::new(&condition.name, "policy.for.where", &block.origin);
                named.push(Named { scope: scope.clone(), ..general });
            }
        }
    }
    named
}

/// The key columns that the configuration names in a definition of `signal`, as the definition is after it.
#[must_use]
pub fn of_signal(config: &Config, signal: &Signal) -> Vec<Named> {
    let Some(table) = config.signals.get(&signal.name) else { return Vec::new() };
    let renamed: BTreeSet<&str> = table
        .get("rename")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flat_map(|renames| renames.values().filter_map(toml::Value::as_str))
        .collect();
    let own = signal.keys().filter(|(field, column)| table.contains_key(*field) || renamed.contains(column));
    let origin = config.path.as_ref().map_or_else(|| FILE_NAME.to_owned(), |path| display(path));
    let each = own.map(|(field, column)| {
        let by = format!("signal.{}.{field}", signal.name);
        Named { signal: Some(signal.name.clone()), ..Named::new(column, &by, &origin) }
    });
    each.collect()
}

/// The columns of a job: those of its inputs and of what its sides left; `None` where not all of that could be read.
#[must_use]
pub fn columns<'a>(
    segments: Option<&[Segment]>,
    sides: impl IntoIterator<Item = &'a Observed>,
) -> Option<BTreeSet<String>> {
    let inputs = segments.into_iter().flatten().flat_map(|segment| &segment.columns);
    let mut columns: BTreeSet<String> = inputs.map(|column| column.name.clone()).collect();
    for side in sides {
        let failed = matches!(side.outcome, SideOutcome::Failed { .. });
        if failed || side.output.files.is_empty() || !side.output.unreadable.is_empty() {
            return None;
        }
        for file in &side.output.files {
            columns.extend(file.arrow_schema().ok()?.fields().iter().map(|field| field.name().clone()));
        }
    }
    Some(columns)
}

/// The named columns that a job with these columns does not have.
#[must_use]
pub fn absent(named: &[Named], signal: Option<&str>, job: &str, columns: &BTreeSet<String>) -> Vec<String> {
    let concerned = named.iter().filter(|it| it.concerns(signal, job));
    let absent: BTreeSet<&String> =
        concerned.map(|it| &it.column).filter(|column| !columns.contains(*column)).collect();
    absent.into_iter().cloned().collect()
}

/// A job by its signal, its name and its columns.
pub type Known<'a> = (Option<&'a str>, &'a str, BTreeSet<String>);

/// Refuses the first column that none of the jobs has; `what` begins the sentence that says so.
///
/// # Errors
/// Class `usage` for what was typed, else `config`; the message names the columns there are.
pub fn refuse(named: &[Named], jobs: &[Known<'_>], what: &str) -> Result<()> {
    for it in named.iter().filter(|it| !it.of_part) {
        let mut concerned = jobs.iter().filter(|(signal, job, _)| it.concerns(*signal, job)).peekable();
        if concerned.peek().is_some() && concerned.all(|(.., columns)| !columns.contains(&it.column)) {
            let known = jobs.iter().flat_map(|(.., columns)| columns).cloned().collect();
            return Err(refused(it, &format!("{what} a column {:?}", it.column), &known));
        }
    }
    Ok(())
}

/// Refuses what no judged job has, and warns of what only some have.
///
/// # Errors
/// Class `usage` for what was typed, else `config`.
pub fn judge(named: &[Named], jobs: &[&JobReport]) -> Result<Vec<RunWarning>> {
    let mut warnings = Vec::new();
    for it in named {
        let concerned =
            |job: &&JobReport| job.measurement.is_none() && it.concerns(job.signal.as_deref(), &job.id);
        let (without, with): (Vec<&JobReport>, Vec<&JobReport>) =
            jobs.iter().copied().filter(concerned).partition(|job| job.absent_columns.contains(&it.column));
        if without.is_empty() {
            continue;
        }
        if with.is_empty() && !it.of_part {
            let known = without.iter().flat_map(|job| &job.schema).map(|column| column.column.clone());
            return Err(refused(it, &format!("no job has a column {:?}", it.column), &known.collect()));
        }
        let names: Vec<&str> = without.iter().take(LISTED).map(|job| job.id.as_str()).collect();
        let more = if without.len() > LISTED { ", ..." } else { "" };
        warnings.push(RunWarning {
            code: "columns.absent".to_owned(),
            message: format!(
                "{}: {} of {} jobs have no column {:?}: {}{more}",
                it.said(),
                without.len(),
                without.len() + with.len(),
                it.column,
                names.join(", ")
            ),
            origin: it.origin.clone(),
        });
    }
    Ok(warnings)
}

fn refused(named: &Named, what: &str, known: &BTreeSet<String>) -> Error {
    let mut hint = suggest::hint(&named.column, known.iter().map(String::as_str));
    // What follows the name may have been meant as part of it.
    let prefix = format!("{} ", named.column);
    let longer =
        known.iter().find(|column| column.starts_with(&prefix) && KeyOrder::split(column).0 == named.column);
    if let Some(column) = longer {
        hint = format!("; write the column {column:?} in double quotes, for its name ends like an order");
    }
    let mut columns: Vec<&str> = known.iter().take(LISTED).map(String::as_str).collect();
    if known.len() > LISTED {
        columns.push("...");
    }
    let columns =
        if columns.is_empty() { String::new() } else { format!("; the columns are {}", columns.join(", ")) };
    let message = format!("{}: {what}{hint}{columns}", named.said());
    if named.by.starts_with("--") { Error::usage(message) } else { Error::config(message) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::policy::file::{Asked, PolicyFile};

    fn resolved(text: &str, ignore: &[(String, String)]) -> Vec<Named> {
        let policy = PolicyFile::parse(text, Path::new("policy.toml")).unwrap();
        let config = Config { policy, ..Config::default() };
        let asked = Asked { ignore, phase: Some("logs"), ..Asked::default() };
        of_policy(&Policy::resolve(&config, asked).unwrap())
    }

    #[test]
    fn every_column_of_a_policy_is_named_with_its_place() {
        let text = "[policy]\nignore = { a = \"r\" }\ntolerance = { b = { absolute = 1.0 } }\nsame_type = { c = \"float\" }\n\
                    [[policy.for]]\nsignal = \"logs\"\nignore = { d = \"r\" }\n\
                    [[policy.for]]\norganization = \"x\"\nwhere = { e = \"1\" }\nactions = { \"rows.*\" = \"note\" }\n";
        let named = resolved(text, &[("f".to_owned(), "why".to_owned())]);
        let said: BTreeSet<String> = named.iter().map(|it| format!("{} {}", it.said(), it.column)).collect();
        let wanted = [
            "--ignore-columns f",
            "policy.toml:2: `policy.ignore` a",
            "policy.toml:3: `policy.tolerance` b",
            "policy.toml:4: `policy.same_type` c",
            "policy.toml:7: `policy.for.ignore` d",
            "policy.toml:8: `policy.for.where` e",
        ];
        assert_eq!(said, wanted.map(str::to_owned).into());
    }

    #[test]
    fn keys_that_the_configuration_names_are_asked_for_and_those_of_a_shipped_signal_are_not() {
        let text = "[signal.logs]\nrename = { \"_cardinalhq.timestamp\" = \"ts\" }\n\
                    [signal.audit]\nsort_key = [\"at desc\"]\nrow_keys = [[\"id\"], [\"at\", \"who\"]]\n";
        let config = Config::parse(text, Path::new("parallax.toml")).unwrap();
        let mut signals = corpora::Signals::builtin().unwrap();
        for (name, table) in &config.signals {
            signals.add(name, table.clone(), "test").unwrap();
        }
        let of = |name: &str| {
            let named = of_signal(&config, &signals.get(name).unwrap());
            named.into_iter().map(|it| format!("{} {}", it.by, it.column)).collect::<Vec<_>>()
        };
        assert_eq!(of("logs"), ["signal.logs.sort_key ts", "signal.logs.row_keys ts"]);
        let keys = ["sort_key at", "row_keys id", "row_keys at", "row_keys who"];
        assert_eq!(of("audit"), keys.map(|it| format!("signal.audit.{it}")));
        assert!(of("traces").is_empty());
    }

    #[test]
    fn what_no_job_has_is_refused_with_a_suggestion_and_what_some_have_not_is_a_warning() {
        let named = [Named::typed("hots", "--by")];
        let columns: BTreeSet<String> = ["host", "id"].map(str::to_owned).into();
        assert_eq!(absent(&named, None, "a", &columns), ["hots"]);
        let error = refuse(&named, &[(None, "a", columns)], "neither output has").unwrap_err();
        assert!(
            error.message.contains("--by: neither output has a column \"hots\"; did you mean `host`?"),
            "{error}"
        );
        let job = |absent: &[&str]| -> JobReport {
            let side = json!({"side": {"name": "dir:x", "kind": "recorded", "command": []}, "outcome": {"state": "recorded"}, "files": []});
            let document = json!({
                "id": "a", "parameters": [], "inputs": [], "verdict": "pass", "headline": "", "checks": [],
                "candidate": side, "schema": [], "order": [], "metadata": [], "replay": "", "absent_columns": absent
            });
            serde_json::from_value(document).unwrap()
        };
        let (without, with) = (job(&["hots"]), job(&[]));
        assert!(judge(&named, &[&without, &without]).is_err());
        let part = [Named { of_part: true, ..named[0].clone() }];
        assert_eq!(judge(&part, &[&without, &without]).unwrap().len(), 1);
        let warnings = judge(&named, &[&without, &with]).unwrap();
        assert!(warnings[0].message.contains("1 of 2 jobs have no column \"hots\""), "{warnings:?}");
        assert!(judge(&named, &[&with]).unwrap().is_empty());
        assert!(judge(&named, &[]).unwrap().is_empty());
    }
}
