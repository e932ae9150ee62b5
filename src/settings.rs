//! What a run is done with, beside its jobs.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveDate;
use reports::document::{Mode, Role};

use crate::measure::Limits;
use crate::named::Named;
use crate::policy::Policy;
use crate::side::Side;
use crate::spill::Memory;

/// When side outputs are kept in the report directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Keep {
    /// Those of jobs that did not pass.
    #[default]
    OnFailure,
    /// All.
    Always,
    /// None.
    Never,
}

/// Everything a run needs beside its jobs.
pub struct Settings {
    /// Which command this is.
    pub mode: Mode,
    /// Both sides are one output, which was asked for: no evidence for a writer.
    pub self_check: bool,
    /// The baseline; absent where one output is judged alone.
    pub baseline: Option<Box<dyn Side>>,
    /// The candidate.
    pub candidate: Box<dyn Side>,
    /// The policy.
    pub policy: Policy,
    /// Report directory, prepared.
    pub out: PathBuf,
    /// Whether jobs of an interrupted run in the report directory are taken over.
    pub resume: bool,
    /// When outputs are kept.
    pub keep: Keep,
    /// How often each side does its job again, to know what it does not reproduce.
    pub noise: usize,
    /// How often each side is stopped at its work and started again; absent: never.
    pub chaos: Option<usize>,
    /// Columns by which differing rows are counted.
    pub by: Vec<String>,
    /// Columns that the user named anywhere: each must be there in some job.
    pub named: Vec<Named>,
    /// Parent of every temporary directory.
    pub tmp: PathBuf,
    /// Memory that all jobs share.
    pub memory: Arc<Memory>,
    /// Worker threads.
    pub threads: usize,
    /// The command line as typed.
    pub command: Vec<String>,
    /// The resolved command that repeats the run.
    pub replay: String,
    /// Seed, where one was given.
    pub seed: Option<u64>,
    /// The configuration file read.
    pub config: Option<PathBuf>,
    /// Measure time and memory, after the comparison or (in mode `bench`) instead of it.
    pub measure: Option<Limits>,
    /// This program, for counting descriptors and measuring in a child process; absent: neither is done.
    pub program: Option<PathBuf>,
    /// The day on which waivers are judged.
    pub today: NaiveDate,
}

impl Settings {
    /// The side of a role, where there is one.
    #[must_use]
    pub fn side(&self, role: Role) -> Option<&dyn Side> {
        match role {
            Role::Baseline => self.baseline.as_deref().map(|side| side as &dyn Side),
            Role::Candidate => Some(self.candidate.as_ref()),
        }
    }

    /// The sides there are, baseline first.
    pub fn sides(&self) -> impl Iterator<Item = &dyn Side> {
        [Role::Baseline, Role::Candidate].into_iter().filter_map(|role| self.side(role))
    }
}
