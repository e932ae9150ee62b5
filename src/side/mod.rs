//! Sides: what performs a job. A built-in writer, an external command and a recorded directory are the same kind of
//! thing to the rest of the house.

pub mod builtin;
pub mod command;
pub mod guard;
mod identity;
pub mod job_document;
pub mod leavings;
pub mod legacy;

pub mod process;
pub mod recorded;
pub mod select;
pub mod template;
pub mod unified;

use std::path::{Path, PathBuf};
use std::time::Duration;

use reports::document::{SideInfo, SideOutcome, WorkStats};
use reports::manifest::Manifest;

use crate::cancel::Cancel;
use crate::check::KnownDefect;
use crate::error::Result;
use crate::isolate::Isolate;
use crate::job::Job;

/// What performs a job.
pub trait Side: Send + Sync {
    /// Who this is, for the report. `job` may decide the entry point of a built-in side.
    fn info(&self, job: &Job) -> SideInfo;

    /// Performs the job. A side that fails is a [`SideRun`] with a failed outcome, not an error.
    ///
    /// # Errors
    /// Only where the harness itself could not go on: a directory that cannot be made, an interruption.
    fn perform(&self, job: &Job, place: &Workplace<'_>) -> Result<SideRun>;

    /// What makes the side what it is on this job: two sides of one identity leave the same.
    ///
    /// # Errors
    /// Where a file that belongs to it cannot be read.
    fn identity(&self, job: &Job) -> Result<String> {
        Ok(format!("{:?}", self.info(job)))
    }

    /// Defects that this side is known to have, as a baseline. Only the built-in legacy writers have any.
    fn known_defects(&self) -> &'static [KnownDefect] {
        &[]
    }

    /// Where the output of a job lies that was recorded before; absent for a side that performs jobs, and where there is none.
    ///
    /// # Errors
    /// Class `io` where the machine does not say.
    fn recorded(&self, _job: &Job) -> Result<Option<PathBuf>> {
        Ok(None)
    }

    /// Name under which a child process can perform this side's work, to count descriptors and to be measured; absent where it
    /// cannot.
    fn probe_name(&self) -> Option<String> {
        None
    }

    /// Bytes that this side may leave in its output and its scratch directory together; absent where nothing bounds it.
    fn output_limit(&self) -> Option<u64> {
        None
    }

    /// Whether an external program gets copies of its inputs; absent for a side that is none.
    fn isolation(&self) -> Option<Isolate> {
        None
    }

    /// The same side with other settings that must not show in what it writes, each in words.
    fn settings(&self) -> Vec<(String, Box<dyn Side>)> {
        Vec::new()
    }

    /// The program that performs the job, ready to start, and how long it may take, for measuring it; absent where the side
    /// is no program of its own. The files that describe its work go to `papers`.
    ///
    /// # Errors
    /// Where these files cannot be written.
    fn program(
        &self,
        _job: &Job,
        _place: &Workplace<'_>,
        _papers: &Path,
    ) -> Result<Option<(std::process::Command, Duration)>> {
        Ok(None)
    }
}

/// Where a side works.
#[derive(Debug, Clone, Copy)]
pub struct Workplace<'a> {
    /// Empty directory to fill with Parquet files.
    pub output: &'a Path,
    /// Empty directory for temporary files. What is left in it afterwards is a leak.
    pub scratch: &'a Path,
    /// Request to stop.
    pub cancel: &'a Cancel,
}

/// What a side left.
#[derive(Debug, Clone)]
pub struct SideRun {
    /// How it ended.
    pub outcome: SideOutcome,
    /// Where the Parquet files lie: the workplace's output directory, or the recorded one.
    pub output: PathBuf,
    /// The result list, where the side gave one.
    pub manifest: Option<Manifest>,
    /// Files that the side left in its scratch directory, relative to it.
    pub scratch_left: Vec<String>,
    /// Wall time; absent for a recorded output.
    pub duration: Option<Duration>,
    /// What the writer counted and timed, where it does.
    pub work: Option<WorkStats>,
}
