//! One job packed into one file, to be run again elsewhere.
//!
//! 1. `stage` copies what the job needs into a directory: inputs, specification or job list, configuration, policy, recorded and kept
//!    outputs, the report cut down to the job, and [`Contents`], which says what is what. What the report has a digest of is
//!    compared with it.
//! 2. `archive` lists the BLAKE3 digest of every file, and packs list and files into a `.tar.zst`.
//! 3. Unpacking checks each file against the list while it is written, and refuses whatever the list does not name.
//!
//! Cost: one pass over the bytes each way; memory of one buffer.

pub mod archive;
pub mod base;
pub mod guard;
mod partial;
pub mod reach;
pub mod room;
pub mod stage;

use std::path::Path;

use reports::document::{Mode, Tool};
use serde::{Deserialize, Serialize};

use self::room::Room;
use crate::error::{Error, Result};

/// Version of [`Contents`].
pub const VERSION: u32 = 1;

/// [`Contents`] as a file.
pub const CONTENTS: &str = "bundle.json";

/// The report, with this job alone.
pub const REPORT: &str = "report.json";

/// The configuration.
pub const CONFIG: &str = "parallax.toml";

/// The policy file that `--policy` named.
pub const POLICY: &str = "policy.toml";

/// The corpus specification.
pub const CORPUS: &str = "corpus.toml";

/// The job list, of one line.
pub const JOB_LIST: &str = "jobs.jsonl";

/// The job, as an external side is told it, with inputs relative to the bundle.
pub const JOB: &str = "job.json";

/// Folder of the inputs, numbered in order.
pub const INPUTS: &str = "inputs";

/// Folder of outputs: one a role.
pub const OUTPUTS: &str = "outputs";

/// What a bundle holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// [`VERSION`] of the writer.
    pub schema_version: u32,
    /// The program that performed the job, with the versions of the crates that shape the bytes.
    pub tool: Tool,
    /// Name of the job.
    pub job: String,
    /// The command that performed it.
    pub mode: Mode,
    /// The command line as typed.
    pub command: Vec<String>,
    /// How the job is described.
    pub work: Work,
    /// Seed of the generated inputs.
    pub seed: Option<u64>,
    /// True where the baseline's output was recorded, and lies in the bundle.
    pub recorded_baseline: bool,
    /// The same of the candidate's.
    pub recorded_candidate: bool,
    /// True where a configuration was read, and lies in the bundle.
    pub config: bool,
    /// True where `--policy` named a file, and that lies in the bundle.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub policy: bool,
}

/// How the job of a bundle is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// By a specification, from which the inputs are generated again.
    Corpus,
    /// By a job list over the packed inputs or outputs.
    JobList,
    /// By the packed outputs alone: a comparison.
    Outputs,
}

/// Unpacks the bundle `file` into the empty directory `home`, as long as it takes no more than `limit` bytes there, and checks what its
/// documents name.
///
/// # Errors
/// As [`archive::unpack`], [`guard::sizes`], [`Contents::read`] and [`guard::check`].
pub fn open(file: &Path, home: &Path, limit: u64) -> Result<Contents> {
    archive::unpack(file, home, limit)?;
    guard::sizes(home)?;
    let contents = Contents::read(home)?;
    guard::check(home, &contents, &Room::new(limit, file))?;
    Ok(contents)
}

impl Contents {
    /// Reads the description of the bundle unpacked in `home`.
    ///
    /// # Errors
    /// Class `input` where it is missing, malformed or of another version.
    pub fn read(home: &Path) -> Result<Self> {
        let path = home.join(CONTENTS);
        let text = corpora::regular::read(&path).map_err(|source| Error::io("cannot read", &path, source))?;
        let contents: Self = serde_json::from_slice(&text)
            .map_err(|error| Error::input(format!("{CONTENTS} of the bundle is malformed: {error}")))?;
        if contents.schema_version == VERSION {
            Ok(contents)
        } else {
            Err(Error::input(format!(
                "the bundle is of version {}, this program reads version {VERSION}",
                contents.schema_version
            )))
        }
    }
}
