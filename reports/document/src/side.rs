//! A side's part of a job: who performed it, how it ended, what it left.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::Failure;
use crate::stated::StatedManifest;

/// One side's part of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SideReport {
    /// Who performed it.
    pub side: SideInfo,
    /// How it ended.
    pub outcome: SideOutcome,
    /// Wall time in milliseconds; absent for a recorded output. Not a measurement: jobs run side by side.
    pub duration_ms: Option<u64>,
    /// What the side said it did.
    pub manifest: Option<StatedManifest>,
    /// What was found in the output directory, in the order it was judged in.
    pub files: Vec<FileInfo>,
    /// What lies in the output directory and was not read, by path; absent where there is nothing, and in older documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// Where the output was kept, relative to the report.
    pub kept: Option<String>,
    /// What the writer counted and timed while it worked; absent where it does not, and in older documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<WorkStats>,
    /// How an external side was given the inputs; absent for other sides, and in older documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs_given: Option<InputsGiven>,
}

/// How an external side was given the inputs of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InputsGiven {
    /// It had copies of its own.
    Copies,
    /// It worked on the inputs where they lie, as was asked for.
    InPlace,
    /// It worked on the inputs where they lie, since they are too large to be copied.
    TooLarge,
}

impl InputsGiven {
    /// In words, to follow "the inputs".
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Copies => "copies of its own",
            Self::InPlace => "where they lie (--isolate off); a change is detected, not prevented",
            Self::TooLarge => "where they lie, more than 1 GiB; a change is detected, not prevented",
        }
    }
}

/// What a built-in writer counted and timed while it worked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkStats {
    /// Rows given to the writer proper, before any drop but after a merge.
    pub rows: u64,
    /// Batches in which they came.
    pub batches: u64,
    /// Sorted runs written to disk since the rows did not fit into memory.
    pub spilled_runs: u64,
    /// Bytes of all runs on disk, those of later passes included.
    pub spilled_bytes: u64,
    /// Runs that were merged into longer ones before the last merge.
    pub merged_runs: u64,
    /// Output files.
    pub files: u64,
    /// Row groups of the output files.
    pub row_groups: u64,
    /// Bytes of the output files.
    pub bytes: u64,
    /// Most bytes that rows waiting to be sorted held.
    pub peak_buffered: u64,
    /// Most bytes that the open file held in memory.
    pub peak_encoding: u64,
    /// Time of each stage, in the order of the work. Of all threads together: no measurement, jobs run side by side.
    pub stages: Vec<StageTime>,
}

/// Time of one stage of a writer's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageTime {
    /// Name of the stage: `read`, `admit`, `sort`, `spill`, `encode`, `assemble`, `write`, `sync`.
    pub stage: String,
    /// Nanoseconds; 0 where the stage was not needed.
    pub ns: u64,
}

/// Who performed a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SideInfo {
    /// As named on the command line: `legacy:buffet`, `unified`, `cmd:go-new`, `dir:out`.
    pub name: String,
    /// Kind of side.
    pub kind: SideKind,
    /// Version of a built-in side.
    pub version: Option<String>,
    /// The expanded command of an external side, one entry per argument.
    pub command: Vec<String>,
    /// BLAKE3, hexadecimal, of what the side is made of: for a built-in side this program; for an external one its program, the
    /// files that its command names, its arguments, its declared dependencies and environment; for a recorded output the files found. Absent where that
    /// cannot be read, and in older documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What the digest of an external side covers and what it does not, in words; absent for other sides, and in older documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_covers: Option<String>,
}

/// Kinds of side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SideKind {
    /// A built-in legacy writer.
    Legacy,
    /// The built-in unified writer.
    Unified,
    /// The unified writer with a planted fault.
    Fault,
    /// An external program.
    Command,
    /// An output that was recorded earlier.
    Recorded,
}

/// How a side's work ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum SideOutcome {
    /// The work was done.
    Completed,
    /// The output was there already; nothing ran.
    Recorded,
    /// The work failed.
    Failed {
        /// Class and message.
        #[serde(flatten)]
        failure: Failure,
        /// Exit status of an external side.
        exit_status: Option<i32>,
        /// Signal that ended an external side.
        signal: Option<i32>,
        /// Last part of what an external side wrote to stderr.
        stderr: Option<String>,
    },
}

/// One Parquet file found in an output directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileInfo {
    /// Path relative to the side's output directory.
    pub path: String,
    /// Rows by the footer.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Row groups.
    pub row_groups: u64,
    /// Leaf columns.
    pub columns: u64,
    /// Codecs in use.
    pub codecs: Vec<String>,
    /// Writer named in the footer.
    pub created_by: Option<String>,
    /// BLAKE3 of the bytes, hexadecimal.
    pub digest: String,
}

/// A file or a directory in an output that was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PassedOver {
    /// Path relative to the side's output directory; that of a directory ends with `/` and stands for all that is in it.
    pub path: String,
    /// Why it was not read.
    pub why: WhyPassedOver,
    /// Files that the entry stands for: 1, or those in the directory.
    pub files: u64,
    /// How many of them have the magic of Parquet at head and tail, and so look like data.
    pub parquet: u64,
}

/// Why something in an output was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhyPassedOver {
    /// A mark or checksum of its writer by its name: `_SUCCESS`, `_committed_*`, `_started_*`, `_metadata`, `_common_metadata`, `*.crc`.
    Bookkeeping,
    /// Work in progress by its name: `_temporary/`, or a name that begins with `.`.
    Temporary,
    /// Its name begins with `_` and has no `=`; engines pass such names over.
    Hidden,
    /// Neither its name nor its bytes are those of Parquet.
    NotParquet,
    /// It is no regular file: a pipe, a socket, a device, a link to nothing.
    NoFile,
    /// A `manifest.json` that is no result list of ours.
    ForeignManifest,
    /// It is another file of the output, reached through a link, and that one is read.
    Linked,
}

impl WhyPassedOver {
    /// As written in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bookkeeping => "bookkeeping",
            Self::Temporary => "temporary",
            Self::Hidden => "hidden",
            Self::NotParquet => "not-parquet",
            Self::NoFile => "no-file",
            Self::ForeignManifest => "foreign-manifest",
            Self::Linked => "linked",
        }
    }

    /// The reason in words that can follow the path.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Bookkeeping => "a mark or checksum of its writer",
            Self::Temporary => "work in progress by its name",
            Self::Hidden => "its name begins with _ and has no =",
            Self::NotParquet => "not Parquet by name or bytes",
            Self::NoFile => "not a regular file",
            Self::ForeignManifest => "a document of another program",
            Self::Linked => "read under another name through a link",
        }
    }
}
