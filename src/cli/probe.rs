//! `parallax probe-leaks`: the child process that counts descriptors.

use std::path::PathBuf;

use clap::Args;

use super::{Common, terminal};
use crate::error::Result;
use crate::exit::Exit;
use crate::probe;

/// Arguments of the child process.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// The request.
    request: PathBuf,
}

impl ProbeArgs {
    pub(super) fn perform(&self, common: &Common) -> Result<Exit> {
        probe::end_with_parent()?;
        let scratch = common.tmp_dir.clone().unwrap_or_else(std::env::temp_dir);
        terminal::json(&probe::perform(&self.request, &scratch)?)?;
        Ok(Exit::Pass)
    }
}
