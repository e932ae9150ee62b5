//! The catalogue: every fault with its name, family, the checks that must catch it, the findings that it must raise, and what an
//! output must offer so that it can be planted. One entry a fault; `plant` knows how.
//!
//! Where the findings are named, red checks alone do not suffice: a fault that a check only warns of is caught by its warning, and
//! a fault that may look like another one by the code that it must have.

use reports::document::Severity;

use super::{Family, Raised};

/// Makes the enumeration and its tables of one list.
macro_rules! catalogue {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $family:ident, [$($check:literal),*],
        $(raises [$($severity:ident $at:literal $code:literal),+],)? needs $needs:literal;)+) => {
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

            /// The findings that must be there wherever the fault could be planted, and must not be there without it.
            #[must_use]
            pub fn raises(self) -> &'static [Raised] {
                match self {
                    $(Self::$variant => &[$($(Raised { check: $at, code: $code, severity: Severity::$severity }),+)?]),+
                }
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
    /// The end of a batch is gone: the rows before the middle of a file.
    BatchTailLost = "batch-tail-lost", Rows, ["ROWS", "ACCOUNTING"],
        needs "a file of four rows";
    /// A row has the values of the row before, under its own key: a buffer was reused.
    ReusedBuffer = "reused-buffer", Rows, ["ROWS"],
        needs "two rows that differ outside their keys";
    /// A row is lost and the one before is there twice: the counts hold.
    ReplacedRow = "replaced-row", Rows, ["ROWS"],
        needs "two neighbouring rows that differ";
    /// There is a row that nobody sent.
    InventedRow = "invented-row", Rows, ["ROWS", "ACCOUNTING"],
        needs "a plain text column with a value in a file's last row";
    /// The rows of one file lie in the folder of another partition; no byte of the file differs.
    MovedPartition = "moved-partition", Rows, ["ROWS"],
        needs "a listed file with rows";
    /// The rows of one file lie in the folder of the null partition; no byte of the file differs.
    NulledPartition = "nulled-partition", Rows, ["ROWS"],
        needs "a listed file with rows";
    /// One character of one value differs.
    ChangeCharacter = "change-character", Values, ["ROWS"],
        needs "a plain text column with a value";
    /// One null has become an empty string.
    NullToEmpty = "null-to-empty", Values, ["ROWS"],
        needs "a plain text column with a null";
    /// One bit of one number differs.
    FlipBit = "flip-bit", Values, ["ROWS"],
        needs "a plain number";
    /// One letter of one text is in the other case.
    ChangeCase = "change-case", Values, ["ROWS"],
        needs "a letter in a plain text column";
    /// One text ends with a blank more.
    TrailingSpace = "trailing-space", Values, ["ROWS"],
        needs "a plain text column with a value";
    /// One text lost its last character.
    TruncateValue = "truncate-value", Values, ["ROWS"],
        needs "a text of two characters in a plain column";
    /// One character outside ASCII has become a question mark.
    LostEncoding = "lost-encoding", Values, ["ROWS"],
        needs "a character outside ASCII in a plain text column";
    /// One text was cut in the middle of a character: it is no longer UTF-8.
    CutCharacter = "cut-character", Values, ["ROWS", "SCHEMA"],
        needs "a character outside ASCII in a plain text column";
    /// One empty text has become null.
    EmptyToNull = "empty-to-null", Values, ["ROWS"],
        needs "an empty text in a plain column";
    /// One number was rounded to the precision of 32 bits.
    RoundToFloat = "round-to-float", Values, ["ROWS"],
        needs "a plain float that 32 bits cannot hold";
    /// One zero has the other sign.
    SignOfZero = "sign-of-zero", Values, ["ROWS"],
        needs "a plain float that is zero";
    /// One NaN has become null.
    NanToNull = "nan-to-null", Values, ["ROWS"],
        needs "a plain float that is no number";
    /// One NaN has become zero.
    NanToZero = "nan-to-zero", Values, ["ROWS"],
        needs "a plain float that is no number";
    /// One zero has become null.
    ZeroToNull = "zero-to-null", Values, ["ROWS"],
        needs "a plain number that is zero";
    /// One null has become zero.
    NullToZero = "null-to-zero", Values, ["ROWS"],
        needs "a null in a plain column of numbers";
    /// One whole number went through a 64-bit float, which keeps 53 bits.
    IntegerThroughFloat = "integer-through-float", Values, ["ROWS"],
        needs "a plain whole number that 53 bits cannot hold";
    /// Every time is an hour later: another time zone.
    TimeZone = "time-zone", Values, ["ROWS"],
        needs "a time column of whole numbers";
    /// Every time is in a unit a thousand times as large.
    TimeUnit = "time-unit", Values, ["ROWS"],
        needs "a time column of whole numbers";
    /// One INT96 went through 64-bit nanoseconds, where the year 9999 is 1816.
    Int96Wrapped = "int96-wrapped", Values, ["ROWS"],
        needs "a file with rows";
    /// One interval of a month has become one of 30 days.
    IntervalFlattened = "interval-flattened", Values, ["ROWS"],
        needs "a file with rows";
    /// One integer that its annotation has no room for was cut to it.
    IntegerCut = "integer-cut", Values, ["ROWS"],
        needs "a file with rows";
    /// An integer column has become a floating-point column.
    IntToFloat = "int-to-float", Columns, ["ROWS", "SCHEMA"],
        needs "an int64 column that is no key";
    /// A column of floats has 32 bits in place of 64, and its values are rounded.
    NarrowedFloats = "narrowed-floats", Columns, ["ROWS", "SCHEMA"],
        needs "a plain float that 32 bits cannot hold";
    /// The column with the fewest values is gone.
    LoseColumn = "lose-column", Columns, ["ROWS", "SCHEMA"],
        needs "a column with values that is neither key nor indexed";
    /// A column has another name.
    RenameColumn = "rename-column", Columns, ["ROWS", "SCHEMA"],
        needs "a plain column with values";
    /// Two text columns have exchanged their values.
    ExchangeColumns = "exchange-columns", Columns, ["ROWS"],
        needs "two plain text columns that differ";
    /// A column of numbers has become one of texts.
    NumberToText = "number-to-text", Columns, ["ROWS", "SCHEMA"],
        needs "a plain column of numbers";
    /// A column of whole numbers has become one of floats, and one of floats one of whole numbers: the counts of types hold.
    TwoTypeChanges = "two-type-changes", Columns, ["ROWS", "SCHEMA"],
        needs "a plain column of whole numbers and one of floats";
    /// A column is gone in one file; others keep it.
    ColumnLostInOneFile = "column-lost-in-one-file", Columns, ["ROWS"],
        needs "two files with values in one plain column";
    /// Every column that the first input does not have is gone: the schema was fixed too early.
    SchemaFrozen = "schema-frozen", Columns, ["ROWS", "SCHEMA"],
        needs "columns that the first input does not have";
    /// Two columns have the same field id.
    SharedFieldId = "shared-field-id", Columns, ["SCHEMA"],
        needs "two plain columns in a file";
    /// Times are in another unit, each as it was.
    UnitRetyped = "unit-retyped", Columns, ["ROWS", "SCHEMA"],
        raises [Blocker "ROWS" "rows.retyped"], needs "a file with rows";
    /// Times are in another unit, and one of them is another time.
    RetypedAndChanged = "retyped-and-changed", Columns, ["ROWS", "SCHEMA"],
        raises [Blocker "ROWS" "rows.value_changed"], needs "a file with rows";
    /// The field ids are gone: readers that go by them read nulls.
    FieldIdsLost = "field-ids-lost", Columns, ["SCHEMA"],
        raises [Blocker "SCHEMA" "schema.field_id"], needs "a file with rows";
    /// Two columns have exchanged their field ids.
    FieldIdsSwapped = "field-ids-swapped", Columns, ["SCHEMA"],
        raises [Blocker "SCHEMA" "schema.field_id"], needs "a file with rows";
    /// A file lies in the folder of a partition that its own column contradicts.
    ContradictedFolder = "contradicted-folder", Columns, ["SCHEMA"],
        raises [Blocker "SCHEMA" "schema.partition_contradiction"], needs "a file with rows";
    /// Two rows of one file have exchanged their places.
    SwapRows = "swap-rows", Order, ["ORDER"],
        needs "a file whose first and last key differ";
    /// The first row of the first file stands in the second file.
    OverlapFiles = "overlap-files", Order, ["ORDER", "METADATA"],
        needs "two files, the first with rows of different keys";
    /// A file is sorted backwards.
    ReverseFile = "reverse-file", Order, ["ORDER"],
        needs "a file whose first key lies below its last";
    /// The halves of a file have exchanged their places: two sorted runs that nobody merged.
    SwapRuns = "swap-runs", Order, ["ORDER"],
        needs "a file whose first key lies below its last";
    /// The last row of a file stands before all others.
    LastRowFirst = "last-row-first", Order, ["ORDER"],
        needs "a file whose first key lies below its last";
    /// Two files have exchanged their places in the result list.
    SwapFiles = "swap-files", Order, ["ORDER"],
        needs "two files of different keys in a list";
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
    /// A Parquet file without an ending lies in the output that the manifest does not name.
    StrayOtherName = "stray-other-name", Accounting, ["ROWS", "ACCOUNTING", "ORDER"],
        needs "a file";
    /// A Parquet file lies in a partition folder whose name begins with an underscore, and the manifest does not name it.
    StrayInPartition = "stray-in-partition", Accounting, ["ROWS", "ACCOUNTING"],
        needs "a file with rows";
    /// A Parquet file lies in the output under a name that readers pass over, and the manifest does not name it.
    StrayHidden = "stray-hidden", Accounting, ["LEAKS"],
        raises [Warning "ACCOUNTING" "accounting.passed_over"], needs "a file";
    /// A file has a name that readers of directories pass over, and the manifest names it so.
    HiddenFile = "hidden-file", Accounting, ["ROWS", "ACCOUNTING"],
        needs "a file with rows";
    /// A file that the manifest names is not there.
    MissingFile = "missing-file", Accounting, ["ROWS", "ACCOUNTING"],
        needs "a file with rows";
    /// A file is no Parquet file.
    UnreadableFile = "unreadable-file", Accounting, ["ROWS", "ACCOUNTING"],
        needs "a file with rows";
    /// A file ends in its middle.
    TruncatedFile = "truncated-file", Accounting, ["ROWS", "ACCOUNTING"],
        needs "a file with rows";
    /// A file has no bytes.
    EmptyFile = "empty-file", Accounting, ["ROWS", "ACCOUNTING"],
        needs "a file with rows";
    /// A file is there under two names, both in the manifest.
    DoubledFile = "doubled-file", Accounting, ["ROWS", "ACCOUNTING"],
        needs "a file with rows";
    /// The manifest does not name the last file.
    LastResultLost = "last-result-lost", Accounting, ["ACCOUNTING"],
        needs "a file";
    /// The manifest says that one row more was read.
    RowsReadOffByOne = "rows-read-off-by-one", Accounting, ["ACCOUNTING"],
        needs "a manifest that states rows read";
    /// The manifest says that a row was dropped, and it was not.
    FalseDrop = "false-drop", Accounting, ["ACCOUNTING"],
        needs "a side that completed and left files";
    /// The mark of the complete set is gone: the writer was stopped before it.
    MarkLost = "mark-lost", Accounting, ["ACCOUNTING"],
        needs "a set of files with a mark";
    /// The last file is gone, and the manifest: only the mark of the set still lists the file.
    SetCut = "set-cut", Accounting, ["ACCOUNTING"],
        needs "a set of two files with a mark";
    /// Every file is gone, and the manifest names none.
    OutputLost = "output-lost", Accounting, ["ROWS", "ACCOUNTING"],
        needs "a file with rows";
    /// Both sides lose a row in the middle of the largest file.
    CommonRowLost = "common-row-lost", Accounting, ["ACCOUNTING"],
        raises [Blocker "ACCOUNTING" "accounting.common-loss"], needs "a file with rows";
    /// Both sides lose a row, and leave no manifest.
    CommonRowUnaccounted = "common-row-unaccounted", Accounting, ["ACCOUNTING"],
        raises [Blocker "ACCOUNTING" "accounting.common-loss"], needs "a file with rows";
    /// Both sides lose a file, and their manifests do not name it.
    CommonFileLost = "common-file-lost", Accounting, ["ACCOUNTING"],
        raises [Blocker "ACCOUNTING" "accounting.common-loss"], needs "a file with rows";
    /// Both sides write a row twice.
    CommonRowDoubled = "common-row-doubled", Accounting, ["ACCOUNTING"],
        raises [Blocker "ACCOUNTING" "accounting.common-gain"], needs "a file with rows";
    /// Both sides leave a file under two names, both in the manifest.
    CommonFileDoubled = "common-file-doubled", Accounting, ["ACCOUNTING"],
        raises [Blocker "ACCOUNTING" "accounting.common-gain"], needs "a file with rows";
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
    /// A temporary file is left in the output directory.
    TemporaryOutput = "temporary-output", Lifecycle, ["LEAKS"],
        needs "a side that completed and left files";
    /// A folder of unfinished work is left in the output directory.
    TemporaryFolder = "temporary-folder", Lifecycle, ["LEAKS"],
        needs "a side that completed and left files";
    /// A file whose name begins with a dot is left in the output directory.
    DotFile = "dot-file", Lifecycle, ["LEAKS"],
        needs "a side that completed and left files";
    /// The writer fails as it must, and leaves a file in its output.
    PartialAfterFailure = "partial-after-failure", Lifecycle, ["ERRORS"],
        needs "a job that is declared to fail";
    /// The writer fails in another class than it must.
    WrongErrorClass = "wrong-error-class", Lifecycle, ["ERRORS"],
        needs "a job that is declared to fail";
    /// The writer says that all went well where it must fail.
    SwallowedError = "swallowed-error", Lifecycle, ["ERRORS"],
        needs "a job that is declared to fail";
    /// A second run of the same job has another character in one value.
    UnsteadyValue = "unsteady-value", Determinism, ["DETERMINISM"],
        needs "a string in a column that is no key, in a side that ran";
    /// A second run of the same job loses a row.
    UnsteadyRow = "unsteady-row", Determinism, ["DETERMINISM"],
        needs "a file with rows, in a side that ran";
    /// A second run of the same job has two rows in each other's place.
    UnsteadyOrder = "unsteady-order", Determinism, ["DETERMINISM"],
        needs "two rows with different keys, in a side that ran";
    /// A second run of the same job fails at its end.
    UnsteadyEnd = "unsteady-end", Determinism, ["DETERMINISM"],
        needs "a side that ran to its end";
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
    /// All rows are in one file, far above the target.
    OneFileForAll = "one-file-for-all", Sizes, ["SIZES"],
        needs "several files that together are three times the target";
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
    /// The manifest's last timestamp of a file is one too high.
    WrongLastTimestamp = "wrong-last-timestamp", Metadata, ["METADATA"],
        needs "a manifest that states last timestamps";
    /// The manifest's record count of a file is one too high.
    WrongRecordCount = "wrong-record-count", Metadata, ["ACCOUNTING", "METADATA"],
        needs "a manifest that states record counts";
    /// The manifest's size of a file is one byte too high.
    WrongFileSize = "wrong-file-size", Metadata, ["ACCOUNTING", "METADATA"],
        needs "a manifest that states file sizes";
    /// The manifest's TID count of a file is one too high.
    WrongTidCount = "wrong-tid-count", Metadata, ["METADATA"],
        needs "a manifest that states TID counts";
    /// The manifest's lowest TID of a file is off by one.
    WrongMinTid = "wrong-min-tid", Metadata, ["METADATA"],
        needs "a manifest that states lowest TIDs";
    /// The manifest's highest TID of a file is off by one.
    WrongMaxTid = "wrong-max-tid", Metadata, ["METADATA"],
        needs "a manifest that states highest TIDs";
    /// The manifest's slot of a file is off by one.
    WrongSlot = "wrong-slot", Metadata, ["METADATA"],
        needs "a manifest that states slots";
    /// The manifest's span count of a file is one too high.
    WrongSpanCount = "wrong-span-count", Metadata, ["METADATA"],
        needs "a manifest that states span counts";
    /// The manifest's trace count of a file is one too high.
    WrongTraceCount = "wrong-trace-count", Metadata, ["METADATA"],
        needs "a manifest that states trace counts";
    /// The manifest puts a file into the next hour.
    WrongHour = "wrong-hour", Metadata, ["METADATA"],
        needs "a manifest with split keys";
    /// The manifest puts a file into the next day.
    WrongDate = "wrong-date", Metadata, ["METADATA"],
        needs "a manifest with split keys";
    /// The manifest's index of a file within its hour is one too high.
    WrongFileIndex = "wrong-file-index", Metadata, ["METADATA"],
        needs "a manifest with split keys";
    /// The manifest states a fingerprint that no row gives.
    ExtraFingerprint = "extra-fingerprint", Metadata, ["METADATA"],
        needs "a manifest that states fingerprints";
    /// The manifest states fingerprints of the last file only.
    FingerprintsOnLastFileOnly = "fingerprints-on-last-file-only", Metadata, ["METADATA"],
        needs "two files with fingerprints";
    /// The row that opens a file is counted in the fingerprints of the file before.
    FingerprintShift = "fingerprint-shift", Metadata, ["METADATA"],
        needs "a second file whose first row gives a fingerprint of its own";
    /// The manifest states the time range of the whole job of every file.
    RangeOfTheJob = "range-of-the-job", Metadata, ["METADATA"],
        needs "two files of different time ranges";
    /// The manifest states the first timestamp of the last file only.
    FirstTimestampOnLastFileOnly = "first-timestamp-on-last-file-only", Metadata, ["METADATA"],
        needs "two files with first timestamps";
    /// The manifest states times and fingerprints of the next file.
    MetadataOfNextFile = "metadata-of-next-file", Metadata, ["METADATA"],
        needs "two files of which different things are stated";
    /// Timestamps are cut to another grid than multiples of the interval.
    WrongAlignment = "wrong-alignment", Groups, ["ROWS", "SKETCH"],
        needs "points cut to an interval";
    /// Timestamps are cut to the interval, but rows were merged by the timestamp as it was: one point is there several times.
    KeyNotAligned = "key-not-aligned", Groups, ["ROWS", "ACCOUNTING", "SKETCH"],
        needs "a row merged of several";
    /// TIDs are sorted as if they had no sign.
    TidsUnsigned = "tids-unsigned", Groups, ["ORDER"],
        needs "negative TIDs beside others";
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
    /// The sketch of a merged row ends in its middle.
    SketchCut = "sketch-cut", Sketches, ["ROWS", "SKETCH"],
        needs "a row merged of several";
    /// The sketch of a merged row is that of its first contribution.
    SketchOfOneRow = "sketch-of-one-row", Sketches, ["ROWS", "SKETCH"],
        needs "a row merged of several whose sketches differ";
    /// The lowest and the highest quantile of a merged row have exchanged their places.
    SwapQuantiles = "swap-quantiles", Sketches, ["ROWS", "SKETCH"],
        needs "a merged row whose lowest and highest quantiles lie apart";
    /// The mean of a merged row is one per cent too high.
    AverageOff = "average-off", Sketches, ["ROWS", "SKETCH"],
        needs "a merged row whose mean is a number";
    /// The footer's lowest value of a column is above the lowest there is.
    FalseBound = "false-bound", Layout, ["LAYOUT"],
        needs "a column of integers of two values";
    /// The footer counts one null more than there is.
    FalseNulls = "false-nulls", Layout, ["LAYOUT"],
        needs "a column of text with statistics";
    /// A row group says that its rows descend by the sort key, and they ascend.
    FalseOrder = "false-order", Layout, ["LAYOUT"],
        needs "a sort key of integers of two values in one row group";
    /// The offset index of one column points at another's pages.
    FalsePageIndex = "false-page-index", Layout, ["LAYOUT"],
        needs "two columns with a page index";
    /// The footer says that all pages of a column use its dictionary, and some do not.
    FalseEncodings = "false-encodings", Layout, ["LAYOUT"],
        needs "a column with pages that use no dictionary";
    /// A row group says that it begins behind the end of the file.
    FalsePlace = "false-place", Layout, ["LAYOUT"],
        needs "a file with rows";
    /// A row group says that all its pages take one byte.
    FalseSize = "false-size", Layout, ["LAYOUT"],
        needs "a file with rows";
    /// A row group says that it has fewer bytes than none.
    NegativeSize = "negative-size", Layout, ["LAYOUT"],
        needs "a file with rows";
    /// A column says that its pages lie in another file.
    OtherFile = "other-file", Layout, ["LAYOUT"],
        needs "a file with rows";
    /// A column of UUIDs is one of plain bytes.
    UuidLost = "uuid-lost", Facts, [],
        raises [Warning "SCHEMA" "schema.annotation"], needs "a file with rows";
    /// A column of JSON is one of plain text.
    JsonLost = "json-lost", Facts, [],
        raises [Warning "SCHEMA" "schema.annotation"], needs "a file with rows";
    /// A column of times of day in UTC is one of local times.
    UtcLost = "utc-lost", Facts, [],
        raises [Warning "SCHEMA" "schema.annotation"], needs "a file with rows";
    /// A column of geometries has lost its coordinate system, and so has the default one.
    CrsLost = "crs-lost", Facts, [],
        raises [Warning "SCHEMA" "schema.annotation"], needs "a file with rows";
    /// A column of geometries is one of plain bytes.
    GeometryLost = "geometry-lost", Facts, [],
        raises [Warning "SCHEMA" "schema.annotation"], needs "a file with rows";
    /// A key of the footer's key-value metadata is gone.
    KeyLost = "key-lost", Facts, [],
        raises [Warning "LAYOUT" "layout.metadata_lost"], needs "a file with rows";
    /// A key of the footer's key-value metadata has another value.
    KeyChanged = "key-changed", Facts, [],
        raises [Warning "LAYOUT" "layout.metadata_changed"], needs "a file with rows";
    /// The Arrow schema is gone, which alone says that a column holds durations.
    ArrowSchemaLost = "arrow-schema-lost", Facts, [],
        raises [Warning "LAYOUT" "layout.arrow_schema"], needs "a file with rows";
    /// The footer states no bounds of one column.
    BoundsLost = "bounds-lost", Facts, [],
        raises [Warning "LAYOUT" "layout.statistics_lost"], needs "a file with rows";
    /// The footer states no null count of one column.
    NullCountLost = "null-count-lost", Facts, [],
        raises [Warning "LAYOUT" "layout.statistics_lost"], needs "a file with rows";
    /// The footer states no statistics at all.
    StatisticsLost = "statistics-lost", Facts, [],
        raises [Warning "LAYOUT" "layout.statistics_lost"], needs "a file with rows";
    /// The footer does not state the order of its columns: readers ignore the bounds.
    ColumnOrdersLost = "column-orders-lost", Facts, [],
        raises [Warning "LAYOUT" "layout.statistics_lost"], needs "a file with rows";
    /// The row groups no longer say that their rows are sorted.
    SortingLost = "sorting-lost", Facts, [],
        raises [Warning "LAYOUT" "layout.sorting_lost"],
        needs "a first sort key of integers by which all files ascend, and two rows in a row group";
    /// The spans of one trace are dealt over all files.
    ScatterTrace = "scatter-trace", Locality, ["ORDER", "LOCALITY"],
        needs "two files, and the longest trace not in every one";
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
