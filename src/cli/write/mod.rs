//! `parallax write`: one writer alone, its manifest on stdout.

mod legacy;
mod merge;
mod unified;
mod written;

use std::path::Path;

use clap::Subcommand;
use reports::manifest::ErrorClass;

use self::written::Written;
use super::{Common, noted, options};
use crate::cancel::Cancel;
use crate::claim::{Claim, Kind, LOCK};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::scratch::Scratch;

/// One writer.
#[derive(Debug, Subcommand)]
pub enum WriteCommand {
    /// The legacy buffet writer: segments copied in order, unsorted.
    Buffet(legacy::Buffet),
    /// The legacy fingerprint writer: one segment split by hour.
    Fingerprint(legacy::Fingerprint),
    /// The legacy TIDMerger: metric segments sorted by TID, points of one interval rolled up.
    TidMerger(merge::Merge),
    /// The unified writer.
    Unified(unified::Unified),
    /// The unified writer in place of TIDMerger, with its options.
    UnifiedTidMerger(merge::Merge),
}

impl WriteCommand {
    pub(super) fn perform(&self, common: &Common, cancel: &Cancel) -> Result<Exit> {
        let output = match self {
            Self::Buffet(args) => &args.output,
            Self::Fingerprint(args) => &args.output,
            Self::TidMerger(args) | Self::UnifiedTidMerger(args) => &args.output,
            Self::Unified(args) => &args.output,
        };
        let made = prepare(output)?;
        // A second writer would mix its files with these. Looked into again under the lock.
        let claim = noted(Claim::take(output, Kind::Write, "--output")?);
        prepare(output)?;
        let scratch = Scratch::new(&options::tmp_dir(common)?)?;
        let written = match self {
            Self::Buffet(args) => args.write(scratch.path(), cancel).map(Written::from),
            Self::Fingerprint(args) => args.write(scratch.path(), cancel).map(Written::from),
            Self::TidMerger(args) => args.write_legacy(scratch.path(), cancel).map(Written::from),
            Self::Unified(args) => args.write(scratch.path(), cancel),
            Self::UnifiedTidMerger(args) => args.write_unified(scratch.path(), cancel),
        };
        match written {
            Ok(written) => {
                drop(claim);
                written.show(common.format)?;
                Ok(Exit::Pass)
            }
            Err(error) => {
                drop(claim);
                if made {
                    // Stays where the legacy writer left its partial file, as the original does.
                    drop(std::fs::remove_dir(output));
                }
                Err(error)
            }
        }
    }
}

/// Makes the output directory; true where it was not there. The lock of a writer, at work or killed, counts for nothing.
fn prepare(output: &Path) -> Result<bool> {
    if let Ok(mut entries) = std::fs::read_dir(output) {
        return if entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == LOCK)) {
            Ok(false)
        } else {
            Err(Error::usage(format!(
                "{} is not empty; name another directory with --output",
                output.display()
            )))
        };
    }
    std::fs::create_dir_all(output).map_err(|source| {
        Error::new(ErrorClass::Io, format!("cannot make the output directory {}: {source}", output.display()))
    })?;
    Ok(true)
}
