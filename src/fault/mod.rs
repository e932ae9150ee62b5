//! Planted faults: the unified writer with one defect, to show that a check goes red.
//!
//! Each fault is what a migration of this kind really suffered, or the smallest thing that a check must see. It is planted
//! into a finished output, so that the writer under test stays as it is; the manifest is brought along where an honest
//! (but faulty) writer would have done so, so that as few checks as possible see the fault.

mod catalogue;
mod claims;
mod columns;
mod cost;
pub(crate) mod extras;
mod facts;
mod files;
pub(crate) mod footer;
mod layout;
mod merge;
mod order;
pub(crate) mod partitions;
pub(crate) mod plant;
mod rewrite;
mod rows;
mod series;
mod site;
mod spans;
mod stated;
pub(crate) mod thrift;
mod values;

pub use catalogue::Fault;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use reports::document::{Severity, SideInfo, SideKind};

use crate::error::Result;
use crate::job::Job;
use crate::side::unified::Unified;
use crate::side::{Side, SideRun, Workplace};

/// What kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Rows lost, doubled, invented, mixed up.
    Rows,
    /// A value that changed.
    Values,
    /// Columns lost, renamed, of another type.
    Columns,
    /// Rows or files out of order.
    Order,
    /// Time series split, lost, misplaced.
    Groups,
    /// A manifest that does not tell the truth of its files.
    Metadata,
    /// Files and results lost, doubled, unreadable; wrong counts.
    Accounting,
    /// Files too small or too large.
    Sizes,
    /// Files that state what is not so of themselves.
    Layout,
    /// Files that no longer state what readers act on.
    Facts,
    /// Traces scattered, spans in the wrong slot.
    Locality,
    /// Failures hidden, things left behind.
    Lifecycle,
    /// Sketches and rollups of merged rows.
    Sketches,
    /// The same work done again with another result.
    Determinism,
    /// More time or memory, without a wrong byte.
    Cost,
}

impl Family {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Values => "values",
            Self::Columns => "columns",
            Self::Order => "order",
            Self::Groups => "groups",
            Self::Metadata => "metadata",
            Self::Accounting => "accounting",
            Self::Sizes => "sizes",
            Self::Layout => "layout",
            Self::Facts => "facts",
            Self::Locality => "locality",
            Self::Lifecycle => "lifecycle",
            Self::Sketches => "sketches",
            Self::Determinism => "determinism",
            Self::Cost => "cost",
        }
    }
}

/// A finding that a fault must raise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Raised {
    /// Code of the check.
    pub check: &'static str,
    /// Code of the finding.
    pub code: &'static str,
    /// Its severity.
    pub severity: Severity,
}

/// What an output must be like before a fault is planted in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// As the writer leaves it; the baseline is the old writer's.
    AsWritten,
    /// In the folder of a partition, on both sides (see [`partitions`]).
    Partitioned,
    /// With the columns and facts of other writers, on both sides (see [`extras`]).
    Extras,
    /// As written, on both sides, which both have the fault. Where one side alone is asked for, it alone has it.
    Common,
}

impl Fault {
    /// What the output must be like before the fault is planted. Only the self-test makes an output other than it was written.
    #[must_use]
    pub fn setting(self) -> Setting {
        match self {
            Self::MovedPartition | Self::NulledPartition => Setting::Partitioned,
            Self::CommonRowLost
            | Self::CommonRowUnaccounted
            | Self::CommonFileLost
            | Self::CommonRowDoubled
            | Self::CommonFileDoubled => Setting::Common,
            Self::Int96Wrapped
            | Self::IntervalFlattened
            | Self::IntegerCut
            | Self::UnitRetyped
            | Self::RetypedAndChanged
            | Self::FieldIdsLost
            | Self::FieldIdsSwapped
            | Self::ContradictedFolder => Setting::Extras,
            _ if self.family() == Family::Facts => Setting::Extras,
            _ => Setting::AsWritten,
        }
    }

    /// True where the output is without fault and only costs more: a comparison passes, a measurement must not.
    #[must_use]
    pub fn is_of_cost(self) -> bool {
        self.family() == Family::Cost
    }

    /// The fault that only a second run of the job has, where this is such a one.
    #[must_use]
    pub fn of_rerun(self) -> Option<Self> {
        Some(match self {
            Self::UnsteadyValue => Self::ChangeCharacter,
            Self::UnsteadyRow => Self::DropRow,
            Self::UnsteadyOrder => Self::SwapRows,
            Self::UnsteadyEnd => Self::FailLate,
            _ => return None,
        })
    }

    /// The fault of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}

/// The unified writer with one planted fault.
#[derive(Debug)]
pub struct FaultSide {
    fault: Fault,
    /// Jobs that were done once.
    done: Mutex<BTreeSet<String>>,
}

impl FaultSide {
    /// The unified writer with `fault`.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, done: Mutex::default() }
    }

    /// The planted fault.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }
}

impl Side for FaultSide {
    fn info(&self, job: &Job) -> SideInfo {
        SideInfo { name: format!("fault:{}", self.fault.name()), kind: SideKind::Fault, ..Unified.info(job) }
    }

    fn perform(&self, job: &Job, place: &Workplace<'_>) -> Result<SideRun> {
        let started = Instant::now();
        let mut run = Unified.perform(job, place)?;
        cost::raise(self.fault, started.elapsed());
        let first = self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(job.id.clone());
        match self.fault.of_rerun() {
            Some(_) if first => {}
            Some(fault) => plant::plant(fault, job, place, &mut run)?,
            None => plant::plant(self.fault, job, place, &mut run)?,
        }
        Ok(run)
    }

    fn probe_name(&self) -> Option<String> {
        Some(format!("fault:{}", self.fault.name()))
    }
}
