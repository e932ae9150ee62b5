//! `parallax compare LEFT RIGHT`: two outputs that exist already.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use corpora::KeyOrder;
use corpora::signal::Signal;
use reports::document::{Mode, Role};

use super::Common;
use super::ci::Ci;
use super::options::{self, of_corpora};
use super::outputs::{OutputArgs, Outputs};
use super::redact::RedactArgs;
use super::replay::Place;
use crate::bundle::{OUTPUTS, Work};
use crate::cancel::Cancel;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::evidence::blast::HOUR;
use crate::exit::Exit;
use crate::named::Named;
use crate::plan::PlannedJob;
use crate::settings::Settings;

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The baseline: a directory or file of Parquet, from whatever wrote it, or a list of files (`@FILE`, one path a line).
    left: PathBuf,
    /// The candidate: a directory or file of Parquet, or a list of files.
    right: PathBuf,
    /// Signal of both [default: generic, rows, schema and sizes only].
    #[arg(long, value_name = "S")]
    signal: Option<String>,
    /// Columns that pair differing rows.
    #[arg(long, value_name = "COL,..", value_delimiter = ',')]
    key: Vec<String>,
    /// Columns by which rows must be sorted, each ascending with missing keys first, or followed by `desc`, `nulls last`.
    #[arg(long, value_name = "COL,..", value_delimiter = ',')]
    sort_key: Vec<String>,
    /// Column whose equal values must stay together.
    #[arg(long, value_name = "COL")]
    group_key: Option<String>,
    /// A job parameter that the outputs were written with; may be repeated.
    #[arg(long = "param", value_name = "K=V")]
    params: Vec<String>,
    /// Compare an output with itself: a check of this program and of reading the output, no evidence for a writer.
    #[arg(long)]
    allow_same: bool,
    #[command(flatten)]
    judging: OutputArgs,
}

impl CompareArgs {
    pub(super) fn ci(&self) -> Ci {
        self.judging.ci.ci
    }

    pub(super) fn redaction(&self) -> (&RedactArgs, Option<&Path>) {
        self.judging.redaction()
    }

    pub(super) fn perform(&self, common: &Common, cancel: &Cancel) -> Result<Exit> {
        self.judging.judge(self.prepared(common)?, &[&self.left, &self.right], common, cancel)
    }

    /// The job, and everything that it is judged with.
    ///
    /// # Errors
    /// As [`OutputArgs::prepared`]; class `usage` for columns that there are not.
    pub(super) fn prepared(&self, common: &Common) -> Result<(PlannedJob, Settings)> {
        let config = self.judging.config()?;
        let signal = self.signal(&config)?;
        let sort = self.sort_key.iter().map(|typed| Named::typed(&KeyOrder::split(typed).0, "--sort-key"));
        let key = self.key.iter().map(|column| Named::typed(column, "--key"));
        let group = self.group_key.iter().map(|column| Named::typed(column, "--group-key"));
        let columns = key.chain(sort).chain(group).collect();
        if self.judging.by.iter().any(|column| column == HOUR)
            && signal.as_ref().is_none_or(|signal| signal.time_column.is_none())
        {
            return Err(Error::usage(format!(
                "--by {HOUR} needs a signal with a time column; name one with --signal"
            )));
        }
        let outputs = Outputs {
            allow_same: self.allow_same,
            mode: Mode::Compare,
            signal,
            columns,
            params: &self.params,
            baseline: Some(&self.left),
            candidate: &self.right,
        };
        self.judging.prepared(outputs, &config, common)
    }

    /// The same comparison of the outputs in a bundle.
    ///
    /// # Errors
    /// Where the command needs a file that the bundle does not hold.
    pub(super) fn replayed(self, place: &Place<'_>) -> Result<Self> {
        if place.contents.work != Work::Outputs {
            return Err(Error::input(
                "the bundle holds the inputs of a run, and its command compares outputs",
            ));
        }
        let outputs = |role: Role| place.home.join(OUTPUTS).join(role.to_string());
        Ok(Self {
            left: outputs(Role::Baseline),
            right: outputs(Role::Candidate),
            judging: self.judging.replayed(place)?,
            ..self
        })
    }

    /// The signal named, with the keys typed in place of its own; without either there is none.
    fn signal(&self, config: &Config) -> Result<Option<Arc<Signal>>> {
        let named = match &self.signal {
            Some(name) => Some(options::signals(config)?.get(name).map_err(|error| of_corpora(&error))?),
            None => None,
        };
        if self.key.is_empty() && self.sort_key.is_empty() && self.group_key.is_none() {
            return Ok(named);
        }
        let mut signal = named.map_or_else(Signal::default, |signal| signal.as_ref().clone());
        if !self.key.is_empty() {
            signal.row_keys = vec![self.key.clone()];
        }
        if !self.sort_key.is_empty() {
            signal.sort_key.clone_from(&self.sort_key);
            signal.sort_order.clear();
            signal.take_orders();
        }
        if self.group_key.is_some() {
            signal.group_key.clone_from(&self.group_key);
        }
        Ok(Some(Arc::new(signal)))
    }
}
