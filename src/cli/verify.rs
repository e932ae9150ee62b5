//! `parallax verify DIR`: the invariants of one output alone.

use std::path::{Path, PathBuf};

use clap::Args;
use reports::document::Mode;

use super::Common;
use super::ci::Ci;
use super::options::{self, of_corpora};
use super::outputs::{OutputArgs, Outputs};
use super::redact::RedactArgs;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::exit::Exit;

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A directory or file of Parquet, or a list of files (`@FILE`, one path a line).
    dir: PathBuf,
    /// Signal of the output [default: generic, what holds of every output].
    #[arg(long, value_name = "S")]
    signal: Option<String>,
    #[command(flatten)]
    judging: OutputArgs,
}

impl VerifyArgs {
    pub(super) fn ci(&self) -> Ci {
        self.judging.ci.ci
    }

    pub(super) fn redaction(&self) -> (&RedactArgs, Option<&Path>) {
        self.judging.redaction()
    }

    pub(super) fn perform(&self, common: &Common, cancel: &Cancel) -> Result<Exit> {
        let config = self.judging.config()?;
        let signals = options::signals(&config)?;
        let named = self.signal.as_ref().map(|name| signals.get(name)).transpose();
        let signal = named.map_err(|error| of_corpora(&error))?;
        let outputs = Outputs {
            mode: Mode::Verify,
            allow_same: false,
            signal,
            columns: Vec::new(),
            params: &[],
            baseline: None,
            candidate: &self.dir,
        };
        let prepared = self.judging.prepared(outputs, &config, common)?;
        self.judging.judge(prepared, &[&self.dir], common, cancel)
    }
}
