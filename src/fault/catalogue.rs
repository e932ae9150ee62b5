//! The catalogue: every fault with its name, family, the checks that must catch it, and what an output must offer so that it
//! can be planted. One entry a fault; `plant` knows how.

use super::Family;

/// Makes the enumeration and its tables of one list.
macro_rules! catalogue {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $family:ident, [$($check:literal),*], needs $needs:literal;)+) => {
        /// A planted fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Fault {
            /// Every fault, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Name after `fault:`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What kind of fault it is.
            #[must_use]
            pub fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family),+ }
            }

            /// The checks that must go red wherever the fault could be planted.
            #[must_use]
            pub fn seen_by(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($check),*]),+ }
            }

            /// What an output must offer so that the fault can be planted.
            #[must_use]
            pub fn needs(self) -> &'static str {
                match self { $(Self::$variant => $needs),+ }
            }

            /// What is wrong, in one sentence.
            #[must_use]
            pub fn what(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+)),+ }
            }
        }
    };
}

catalogue! {
    /// A row in the middle of the largest file is gone.
    DropRow = "drop-row", Rows, ["ROWS", "ACCOUNTING"],
        needs "a file with rows";
    /// The last row of the largest file is there twice.
    DuplicateRow = "duplicate-row", Rows, ["ROWS", "ACCOUNTING"],
        needs "a file with rows";
    /// Two rows have exchanged their values in one column.
    SwapValues = "swap-values", Rows, ["ROWS"],
        needs "a plain text column with two values in one file";
    /// One character of one value differs.
    ChangeCharacter = "change-character", Values, ["ROWS"],
        needs "a plain text column with a value";
    /// One null has become an empty string.
    NullToEmpty = "null-to-empty", Values, ["ROWS"],
        needs "a plain text column with a null";
    /// An integer column has become a floating-point column.
    IntToFloat = "int-to-float", Columns, ["ROWS", "SCHEMA"],
        needs "an int64 column that is no key";
    /// The column with the fewest values is gone.
    LoseColumn = "lose-column", Columns, ["ROWS", "SCHEMA"],
        needs "a column with values that is neither key nor indexed";
    /// Two rows of one file have exchanged their places.
    SwapRows = "swap-rows", Order, ["ORDER"],
        needs "a file whose first and last key differ";
    /// The first row of the first file stands in the second file.
    OverlapFiles = "overlap-files", Order, ["ORDER", "METADATA"],
        needs "two files, the first with rows of different keys";
    /// The manifest's first timestamp of the first file is one too high.
    WrongFirstTimestamp = "wrong-first-timestamp", Metadata, ["METADATA"],
        needs "a manifest that states first timestamps";
    /// One fingerprint of the first file is not in the manifest.
    MissingFingerprint = "missing-fingerprint", Metadata, ["METADATA"],
        needs "a manifest that states fingerprints";
    /// The manifest names the first file only.
    FirstResultOnly = "first-result-only", Accounting, ["ACCOUNTING"],
        needs "two files";
    /// A Parquet file lies in the output that the manifest does not name.
    StrayFile = "stray-file", Accounting, ["ROWS", "ACCOUNTING", "ORDER"],
        needs "a file";
    /// A temporary file is left in the scratch directory.
    LeftoverFile = "leftover-file", Lifecycle, ["LEAKS"],
        needs "a side that ran";
    /// A file descriptor stays open after each run.
    LeakDescriptor = "leak-descriptor", Lifecycle, ["LEAKS"],
        needs "a job that is small enough to be run again in a process of its own";
    /// Every file is cut into tiny ones.
    TinyFiles = "tiny-files", Sizes, ["METADATA", "SIZES"],
        needs "enough rows for an explosion of tiny files";
    /// The writer fails at its end and leaves what it wrote.
    FailLate = "fail-late", Lifecycle, ["ERRORS"],
        needs "a side that completed";
    /// A file ends within a TID, as a row limit that ignores groups makes it.
    SplitTidByRows = "split-tid-by-rows", Groups, ["GROUP"],
        needs "a file that ends with two rows of one TID, and a next one";
    /// A new file begins within a TID, as a batch boundary that ignores groups makes it.
    SplitTidByBatch = "split-tid-by-batch", Groups, ["GROUP"],
        needs "two rows of one TID in a file";
    /// A row of a TID comes again behind later TIDs of its file.
    TidReturns = "tid-returns", Groups, ["ORDER", "GROUP"],
        needs "a TID of two rows before another one";
    /// A new file begins at every change of the TID.
    FilePerTid = "file-per-tid", Sizes, ["SIZES"],
        needs "enough TIDs for an explosion of tiny files";
    /// TIDs are sorted as text.
    TidsAsText = "tids-as-text", Groups, ["ORDER", "GROUP"],
        needs "TIDs whose text sorts otherwise than their numbers";
    /// The rows of the highest possible TID are gone.
    HighestTidLost = "highest-tid-lost", Groups, ["ACCOUNTING", "SKETCH"],
        needs "rows of the highest TID";
    /// TIDs went through a 64-bit float, which keeps 53 bits.
    TidThroughFloat = "tid-through-float", Groups, ["ROWS", "SKETCH"],
        needs "a TID beyond 2^53";
    /// The manifest states a TID count of 0 for all files but the last.
    TidCountOnLastFileOnly = "tid-count-on-last-file-only", Metadata, ["METADATA"],
        needs "two files with TID counts";
    /// The manifest's lowest and highest TID of a file have exchanged their places.
    SwapMinMaxTid = "swap-min-max-tid", Metadata, ["METADATA"],
        needs "a file of two TIDs";
    /// The manifest's time range of the first file ends before its last timestamp.
    ExclusiveEnd = "exclusive-end", Metadata, ["METADATA"],
        needs "a manifest that states last timestamps";
    /// Timestamps are cut to another grid than multiples of the interval.
    WrongAlignment = "wrong-alignment", Groups, ["ROWS", "SKETCH"],
        needs "points cut to an interval";
    /// Timestamps are cut to the interval, but rows were merged by the timestamp as it was: one point is there several times.
    KeyNotAligned = "key-not-aligned", Groups, ["ROWS", "ACCOUNTING", "SKETCH"],
        needs "a row merged of several";
    /// The sketch of a merged row is gone.
    SketchDropped = "sketch-dropped", Sketches, ["ROWS", "SKETCH"],
        needs "a row merged of several";
    /// The sketch of a merged row counts everything twice, and so do its count and sum.
    SketchMergedTwice = "sketch-merged-twice", Sketches, ["ROWS", "SKETCH"],
        needs "a row merged of several";
    /// The sketch of a merged row states another relative accuracy.
    SketchOtherAccuracy = "sketch-other-accuracy", Sketches, ["ROWS", "SKETCH"],
        needs "a row merged of several";
    /// The rollup columns of a merged row are those of its first contribution.
    RollupFromOneRow = "rollup-from-one-row", Sketches, ["ROWS", "SKETCH"],
        needs "a row merged of several";
    /// The sum of a merged row is exact where the sketch's is binned.
    ExactSum = "exact-sum", Sketches, ["ROWS", "SKETCH"],
        needs "a merged row whose exact and binned sums differ";
    /// Lowest and highest value of a merged row have exchanged their places.
    SwapRollupMinMax = "swap-rollup-min-max", Sketches, ["ROWS", "SKETCH"],
        needs "a merged row of different lowest and highest value";
    /// The spans of one trace are dealt over all files.
    ScatterTrace = "scatter-trace", Locality, ["ORDER", "LOCALITY"],
        needs "a trace of several spans, and two files";
    /// One span belongs to a trace of another slot.
    TwoSlots = "two-slots", Locality, ["ROWS", "LOCALITY"],
        needs "spans in one slot of several";
    /// Work for 15 % of the time that the writer took.
    Slow15 = "slow-15", Cost, ["PERFORMANCE"],
        needs "a measurement";
    /// Work for 3 % of the time that the writer took: within the limit.
    Slow3 = "slow-3", Cost, [],
        needs "a measurement";
    /// Twice the memory that the process needed at its peak.
    DoubleMemory = "double-memory", Cost, ["MEMORY"],
        needs "a measurement";
}
