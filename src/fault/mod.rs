//! Planted faults: the unified writer with one defect, to show that a check goes red.
//!
//! Each fault is what a migration of this kind really suffered, or the smallest thing that a check must see. It is planted
//! into a finished output, so that the writer under test stays as it is; the manifest is brought along where an honest
//! (but faulty) writer would have done so, so that as few checks as possible see the fault.

mod cost;
#[cfg(test)]
pub(crate) mod footer;
mod merge;
mod plant;
mod rewrite;
mod series;
mod site;
mod spans;

use std::time::Instant;

use reports::document::{SideInfo, SideKind, SideOutcome};

use crate::error::Result;
use crate::job::Job;
use crate::side::unified::Unified;
use crate::side::{Side, SideRun, Workplace};

/// A planted fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A row in the middle of the largest file is gone.
    DropRow,
    /// The last row of the largest file is there twice.
    DuplicateRow,
    /// Two rows have exchanged their values in one column.
    SwapValues,
    /// One character of one value differs.
    ChangeCharacter,
    /// One null has become an empty string.
    NullToEmpty,
    /// An integer column has become a floating-point column.
    IntToFloat,
    /// The column with the fewest values is gone.
    LoseColumn,
    /// Two rows of one file have exchanged their places.
    SwapRows,
    /// The first row of the first file stands in the second file.
    OverlapFiles,
    /// The manifest's first timestamp of the first file is one too high.
    WrongFirstTimestamp,
    /// One fingerprint of the first file is not in the manifest.
    MissingFingerprint,
    /// The manifest names the first file only.
    FirstResultOnly,
    /// A Parquet file lies in the output that the manifest does not name.
    StrayFile,
    /// A temporary file is left in the scratch directory.
    LeftoverFile,
    /// A file descriptor stays open after each run.
    LeakDescriptor,
    /// Every file is cut into tiny ones.
    TinyFiles,
    /// The writer fails at its end and leaves what it wrote.
    FailLate,
    /// A file ends within a TID, as a row limit that ignores groups makes it.
    SplitTidByRows,
    /// A new file begins within a TID, as a batch boundary that ignores groups makes it.
    SplitTidByBatch,
    /// A row of a TID comes again behind later TIDs of its file.
    TidReturns,
    /// A new file begins at every change of the TID.
    FilePerTid,
    /// TIDs are sorted as text.
    TidsAsText,
    /// The rows of the highest possible TID are gone.
    HighestTidLost,
    /// TIDs went through a 64-bit float, which keeps 53 bits.
    TidThroughFloat,
    /// The manifest states a TID count of 0 for all files but the last.
    TidCountOnLastFileOnly,
    /// The manifest's lowest and highest TID of a file have exchanged their places.
    SwapMinMaxTid,
    /// The manifest's time range of the first file ends before its last timestamp.
    ExclusiveEnd,
    /// Timestamps are cut to another grid than multiples of the interval.
    WrongAlignment,
    /// Timestamps are cut to the interval, but rows were merged by the timestamp as it was: one point is there several times.
    KeyNotAligned,
    /// The sketch of a merged row is gone.
    SketchDropped,
    /// The sketch of a merged row counts everything twice, and so do its count and sum.
    SketchMergedTwice,
    /// The sketch of a merged row states another relative accuracy.
    SketchOtherAccuracy,
    /// The rollup columns of a merged row are those of its first contribution.
    RollupFromOneRow,
    /// The sum of a merged row is exact where the sketch's is binned.
    ExactSum,
    /// Lowest and highest value of a merged row have exchanged their places.
    SwapRollupMinMax,
    /// The spans of one trace are dealt over all files.
    ScatterTrace,
    /// One span belongs to a trace of another slot.
    TwoSlots,
    /// Work for 15 % of the time that the writer took.
    Slow15,
    /// Work for 3 % of the time that the writer took: within the limit.
    Slow3,
    /// Twice the memory that the process needed at its peak.
    DoubleMemory,
}

impl Fault {
    /// Every fault, in the order of the list in the documentation.
    pub const ALL: &'static [Self] = &[
        Self::DropRow,
        Self::DuplicateRow,
        Self::SwapValues,
        Self::ChangeCharacter,
        Self::NullToEmpty,
        Self::IntToFloat,
        Self::LoseColumn,
        Self::SwapRows,
        Self::OverlapFiles,
        Self::WrongFirstTimestamp,
        Self::MissingFingerprint,
        Self::FirstResultOnly,
        Self::StrayFile,
        Self::LeftoverFile,
        Self::LeakDescriptor,
        Self::TinyFiles,
        Self::FailLate,
        Self::SplitTidByRows,
        Self::SplitTidByBatch,
        Self::TidReturns,
        Self::FilePerTid,
        Self::TidsAsText,
        Self::HighestTidLost,
        Self::TidThroughFloat,
        Self::TidCountOnLastFileOnly,
        Self::SwapMinMaxTid,
        Self::ExclusiveEnd,
        Self::WrongAlignment,
        Self::KeyNotAligned,
        Self::SketchDropped,
        Self::SketchMergedTwice,
        Self::SketchOtherAccuracy,
        Self::RollupFromOneRow,
        Self::ExactSum,
        Self::SwapRollupMinMax,
        Self::ScatterTrace,
        Self::TwoSlots,
        Self::Slow15,
        Self::Slow3,
        Self::DoubleMemory,
    ];

    /// Name after `fault:`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DropRow => "drop-row",
            Self::DuplicateRow => "duplicate-row",
            Self::SwapValues => "swap-values",
            Self::ChangeCharacter => "change-character",
            Self::NullToEmpty => "null-to-empty",
            Self::IntToFloat => "int-to-float",
            Self::LoseColumn => "lose-column",
            Self::SwapRows => "swap-rows",
            Self::OverlapFiles => "overlap-files",
            Self::WrongFirstTimestamp => "wrong-first-timestamp",
            Self::MissingFingerprint => "missing-fingerprint",
            Self::FirstResultOnly => "first-result-only",
            Self::StrayFile => "stray-file",
            Self::LeftoverFile => "leftover-file",
            Self::LeakDescriptor => "leak-descriptor",
            Self::TinyFiles => "tiny-files",
            Self::FailLate => "fail-late",
            Self::SplitTidByRows => "split-tid-by-rows",
            Self::SplitTidByBatch => "split-tid-by-batch",
            Self::TidReturns => "tid-returns",
            Self::FilePerTid => "file-per-tid",
            Self::TidsAsText => "tids-as-text",
            Self::HighestTidLost => "highest-tid-lost",
            Self::TidThroughFloat => "tid-through-float",
            Self::TidCountOnLastFileOnly => "tid-count-on-last-file-only",
            Self::SwapMinMaxTid => "swap-min-max-tid",
            Self::ExclusiveEnd => "exclusive-end",
            Self::WrongAlignment => "wrong-alignment",
            Self::KeyNotAligned => "key-not-aligned",
            Self::SketchDropped => "sketch-dropped",
            Self::SketchMergedTwice => "sketch-merged-twice",
            Self::SketchOtherAccuracy => "sketch-other-accuracy",
            Self::RollupFromOneRow => "rollup-from-one-row",
            Self::ExactSum => "exact-sum",
            Self::SwapRollupMinMax => "swap-rollup-min-max",
            Self::ScatterTrace => "scatter-trace",
            Self::TwoSlots => "two-slots",
            Self::Slow15 => "slow-15",
            Self::Slow3 => "slow-3",
            Self::DoubleMemory => "double-memory",
        }
    }

    /// The checks that must go red where the fault could be planted; no other may.
    #[must_use]
    pub fn seen_by(self) -> &'static [&'static str] {
        match self {
            Self::DropRow | Self::DuplicateRow => &["ROWS", "ACCOUNTING"],
            Self::SwapValues | Self::ChangeCharacter | Self::NullToEmpty => &["ROWS"],
            Self::IntToFloat | Self::LoseColumn => &["ROWS", "SCHEMA"],
            Self::SwapRows => &["ORDER"],
            // The manifest then says less of its files than it should.
            Self::OverlapFiles => &["ORDER", "METADATA"],
            Self::WrongFirstTimestamp | Self::MissingFingerprint => &["METADATA"],
            Self::FirstResultOnly => &["ACCOUNTING"],
            // Whoever reads the directory instead of the manifest sees the stray file's rows twice, and out of order.
            Self::StrayFile => &["ROWS", "ACCOUNTING", "ORDER"],
            Self::LeftoverFile | Self::LeakDescriptor => &["LEAKS"],
            Self::TinyFiles => &["METADATA", "SIZES"],
            Self::FailLate => &["ERRORS"],
            Self::SplitTidByRows | Self::SplitTidByBatch => &["GROUP"],
            Self::TidReturns | Self::TidsAsText => &["ORDER", "GROUP"],
            Self::FilePerTid => &["SIZES"],
            Self::HighestTidLost => &["ACCOUNTING", "SKETCH"],
            Self::TidThroughFloat
            | Self::WrongAlignment
            | Self::SketchDropped
            | Self::SketchMergedTwice
            | Self::SketchOtherAccuracy
            | Self::RollupFromOneRow
            | Self::ExactSum
            | Self::SwapRollupMinMax => &["ROWS", "SKETCH"],
            // Rows that should have become one are too many by the rules, whatever the manifest says of them.
            Self::KeyNotAligned => &["ROWS", "ACCOUNTING", "SKETCH"],
            Self::TidCountOnLastFileOnly | Self::SwapMinMaxTid | Self::ExclusiveEnd => &["METADATA"],
            Self::ScatterTrace => &["ORDER", "LOCALITY"],
            Self::TwoSlots => &["ROWS", "LOCALITY"],
            Self::Slow15 => &["PERFORMANCE"],
            Self::Slow3 => &[],
            Self::DoubleMemory => &["MEMORY"],
        }
    }

    /// True where the output is without fault and only costs more: a comparison passes, a measurement must not.
    #[must_use]
    pub fn is_of_cost(self) -> bool {
        matches!(self, Self::Slow15 | Self::Slow3 | Self::DoubleMemory)
    }

    /// The fault of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}

/// The unified writer with one planted fault.
#[derive(Debug, Clone, Copy)]
pub struct FaultSide {
    fault: Fault,
}

impl FaultSide {
    /// The unified writer with `fault`.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault }
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
        if run.outcome == SideOutcome::Completed {
            plant::plant(self.fault, job, place, &mut run)?;
        }
        Ok(run)
    }

    fn probe_name(&self) -> Option<String> {
        Some(format!("fault:{}", self.fault.name()))
    }
}
