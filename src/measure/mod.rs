//! Measuring time and memory of both sides, after everything else of a run: one process at a time, nothing beside it.
//!
//! 1. Jobs of one signal and kind form a set; the largest of them are measured (`set`).
//! 2. Both sides run in turn on them, each run in a process of its own, accounted for by the operating system (`schedule`,
//!    `once`, `launch`).
//! 3. The statistics say whether the candidate is within its limits (`statistics`); while that is open, more pairs are
//!    measured, up to a stated number.
//!
//! What the runs wrote is examined, outside of the measured time (`examined`).
//!
//! The result is one entry among the jobs of the report, with the checks ROWS, PERFORMANCE and MEMORY. See `docs/measuring.md`.

pub mod examined;
pub mod launch;
mod left_files;
pub mod machine;
pub mod once;
pub mod parallel;
pub mod schedule;
pub mod set;
pub mod statistics;

use std::time::Duration;

use self::schedule::Quantity;

/// What a measurement is judged by, and how far it goes. Comes from the policy and the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Share by which the candidate's wall time may exceed the baseline's. One-sided: being faster never fails.
    pub slower: f64,
    /// Which time is judged. Processor time is steadier on a machine that others use too, but blind to waiting.
    pub by: Quantity,
    /// Share by which the candidate's peak memory may exceed the baseline's. Wide by default: a writer that sorts in memory
    /// needs more than one that spills every row, and both need little; a doubling is seen.
    pub more_memory: f64,
    /// Bytes of memory that a worker of production has; absent: not judged.
    pub memory_limit: Option<u64>,
    /// Confidence of the intervals.
    pub confidence: f64,
    /// Pairs that are measured in any case.
    pub pairs: usize,
    /// Pairs up to which an open question is measured on.
    pub max_pairs: usize,
    /// Copies of a job that one side does at the same time.
    pub workers: usize,
    /// Bytes of memory that each process of a worker may ask for; absent: as many as there are.
    pub worker_memory: Option<u64>,
    /// Jobs of one set that are measured: those with the most rows.
    pub max_jobs: usize,
    /// Wall time below which a job is left out, because the start of the process would be most of it.
    pub least: Duration,
    /// Time that one half of a pair should take at least: short jobs run several rounds.
    pub half: Duration,
    /// Judge a debug build as if it were a release build. For tests of the harness.
    pub allow_debug: bool,
}

impl Limits {
    /// Pairs added at a time while a question is open.
    pub const STEP: usize = 5;
    /// Rounds of one half of a pair at most.
    pub const MAX_ROUNDS: u64 = 10;
    /// Most workers at the same time.
    pub const MAX_WORKERS: usize = 256;
    /// Least memory of a worker, in bytes: with less no program starts, and that is no fault of a side.
    pub const LEAST_WORKER_MEMORY: u64 = 16 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            slower: 0.10,
            by: Quantity::Wall,
            more_memory: 0.50,
            memory_limit: None,
            confidence: 0.95,
            pairs: 10,
            max_pairs: 40,
            workers: 1,
            worker_memory: None,
            max_jobs: 4,
            least: Duration::from_millis(10),
            half: Duration::from_millis(500),
            allow_debug: false,
        }
    }
}
