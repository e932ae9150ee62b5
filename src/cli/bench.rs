//! `parallax bench`: time and memory of both sides; of what they write, the rows are compared.

use std::path::Path;

use clap::Args;
use reports::document::Mode;

use super::Common;
use super::ci::Ci;
use super::redact::RedactArgs;
use super::run::RunArgs;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::exit::Exit;

/// Pairs that are measured at first where none are asked for.
const PAIRS: usize = 10;

/// Arguments of `bench`: those of `run`, of which `--keep` plays no part.
#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(flatten)]
    run: RunArgs,
}

impl BenchArgs {
    pub(super) fn ci(&self) -> Ci {
        self.run.ci()
    }

    pub(super) fn redaction(&self) -> (&RedactArgs, Option<&Path>) {
        self.run.redaction()
    }

    pub(super) fn perform(&self, common: &Common, cancel: &Cancel) -> Result<Exit> {
        self.run.perform_in(Mode::Bench, Some(PAIRS), common, cancel)
    }
}
