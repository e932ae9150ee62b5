//! Checks: each reads two outputs (never a side's code) and answers one question.

pub mod accounting;
pub mod descriptors;
pub mod determinism;
mod distinct;
mod draft;
pub mod errors;
pub mod finding;
#[cfg(test)]
pub(crate) mod fixture;
pub mod group;
pub mod keys;
pub mod layout;
pub mod leaks;
pub mod locality;
mod measured;
pub mod memory;
pub mod metadata;
pub mod order;
pub mod performance;
pub mod rows;
pub mod schema;
pub mod sizes;
pub mod sketch;
pub mod stopped;
pub mod touched;

use std::collections::BTreeMap;

use std::path::Path;

use reports::determinism::RerunEvidence;
use reports::document::{CheckStatus, Coverage, Finding, Role, SideInfo, SideOutcome};
use reports::evidence::{ColumnComparison, MetadataEvidence, OrderEvidence, RowsEvidence, SizesEvidence};
use reports::layout::LayoutEvidence;
use reports::signal_evidence::{GroupEvidence, LocalityEvidence, RollupAccount, SketchEvidence};

use self::descriptors::Probe;
use self::stopped::Stops;
use self::touched::Touched;
use crate::cancel::Cancel;
use crate::digest::Family;
use crate::error::Result;
use crate::evidence::differences::Differences;
use crate::job::Job;
use crate::output::partition::Typing;
use crate::output::{Output, Partitions};
use crate::spill::Spill;

/// One question about a job's outputs.
pub trait Check: Send + Sync {
    /// Code of the check, for example `ROWS`.
    fn code(&self) -> &'static str;

    /// Answers the question.
    ///
    /// # Errors
    /// Where the outputs could not be examined (a file that became unreadable, an interruption). A difference is never
    /// an error.
    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome>;
}

/// Codes of all checks, in the order of the scoreboard.
pub const CODES: &[&str] = &[
    "ROWS",
    "ACCOUNTING",
    "SCHEMA",
    "ORDER",
    "GROUP",
    "SKETCH",
    "METADATA",
    "SIZES",
    "LAYOUT",
    "LOCALITY",
    "ERRORS",
    "LEAKS",
    "DETERMINISM",
    performance::CODE,
    memory::CODE,
];

/// All checks, in the order of [`CODES`].
#[must_use]
pub fn all() -> Vec<Box<dyn Check>> {
    vec![
        Box::new(rows::Rows),
        Box::new(accounting::Accounting),
        Box::new(schema::Schema),
        Box::new(order::Order),
        Box::new(group::Group),
        Box::new(sketch::Sketches),
        Box::new(metadata::Metadata),
        Box::new(sizes::Sizes),
        Box::new(layout::Layout),
        Box::new(locality::Locality),
        Box::new(errors::Errors),
        Box::new(leaks::Leaks),
        Box::new(determinism::Determinism),
        Box::new(performance::Performance),
        Box::new(memory::Memory),
    ]
}

/// What a check looks at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The job that both sides performed.
    pub job: &'a Job,
    /// Side A; absent where one output is judged alone.
    pub baseline: Option<&'a Observed>,
    /// Side B, the one that is judged.
    pub candidate: &'a Observed,
    /// Rows of all inputs by their footers; absent where the inputs are unknown.
    pub rows_in: Option<u64>,
    /// How values are compared.
    pub comparison: &'a Comparison,
    /// Bounds on file sizes.
    pub size_bounds: &'a SizeBounds,
    /// Defects that the baseline is known to have; empty unless it is a built-in legacy writer.
    pub known_defects: &'a [KnownDefect],
    /// Directory for the check's own temporary files.
    pub scratch: &'a Path,
    /// Where data goes that memory does not hold.
    pub spill: &'a Spill,
    /// What was changed while the sides were at work and was not theirs.
    pub touched: &'a [Touched],
    /// Where every differing row goes; absent: nowhere.
    pub differences: Option<&'a Differences>,
    /// Request to stop.
    pub cancel: &'a Cancel,
}

impl<'a> Subject<'a> {
    /// The sides there are, baseline first.
    pub fn sides(&self) -> impl Iterator<Item = &'a Observed> {
        self.baseline.into_iter().chain(std::iter::once(self.candidate))
    }

    /// Why a column is not read, in words; `None` where it is read. No check reads an ignored column, so that one that cannot be
    /// read can be left out.
    #[must_use]
    pub fn unread(&self, column: &str) -> Option<String> {
        let reason = self.comparison.ignored.get(column)?;
        Some(format!("the column {column:?} is ignored ({reason})"))
    }
}

/// The columns of the job's sort key that are read: those before the first ignored one.
#[must_use]
pub fn sort_key(job: &Job, comparison: &Comparison) -> Vec<String> {
    let declared = job.signal.iter().flat_map(|signal| &signal.sort_key);
    declared.take_while(|column| !comparison.ignored.contains_key(*column)).cloned().collect()
}

/// What a side left, opened.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Which side.
    pub role: Role,
    /// Who performed the job.
    pub info: SideInfo,
    /// How it ended.
    pub outcome: SideOutcome,
    /// What lies in its output directory, with its manifest. Present after a failure too: what a failing side left matters.
    pub output: Output,
    /// Files left in its scratch directory, relative to it.
    pub scratch_left: Vec<String>,
    /// Descriptors and files counted in a child process; absent where none was started.
    pub probe: Option<Probe>,
    /// The same work done again, where that was asked for.
    pub reruns: Vec<Rerun>,
    /// Attempts that were stopped, where that was asked for.
    pub stops: Option<Stops>,
}

/// Makes columns of the `key=value` folders of both sides and of their further runs, where the comparison asks for it. Comes before
/// any check.
///
/// # Errors
/// Where a file cannot be read.
pub fn settle_partitions(
    job: &Job,
    comparison: &Comparison,
    mut baseline: Option<&mut Observed>,
    candidate: &mut Observed,
) -> Result<()> {
    if comparison.partitions == Partitions::Off {
        return Ok(());
    }
    let signal = job.signal.as_deref();
    let other = baseline.as_deref().map(|side| &side.output);
    let of_candidate = Typing::of(signal, &candidate.output, other)?;
    let typing = other.map(|own| Typing::of(signal, own, Some(&candidate.output))).transpose()?;
    let sort_key = sort_key(job, comparison);
    let all = baseline.as_mut().zip(typing.as_ref()).into_iter();
    for (side, typing) in all.map(|(side, typing)| (&mut **side, typing)).chain([(candidate, &of_candidate)])
    {
        side.output.partition(typing, &sort_key)?;
        for rerun in &mut side.reruns {
            rerun.observed.output.partition(typing, &sort_key)?;
        }
    }
    Ok(())
}

/// What a side left when it did the same work again.
#[derive(Debug, Clone)]
pub struct Rerun {
    /// How this run differs from the first, in words: `run 2`, `8 MiB of memory`.
    pub label: String,
    /// What was changed.
    pub kind: RerunKind,
    /// The work, with the inputs of this run.
    pub job: Job,
    /// What was left.
    pub observed: Observed,
}

/// What was changed for a run of the same work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RerunKind {
    /// Nothing.
    Again,
    /// A setting of the writer that must not show in what it writes.
    Setting,
    /// The order of the input rows.
    Order,
}

/// A defect of the legacy writers that is reproduced on purpose, by the letter it has in their documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KnownDefect {
    /// The first row of the next file is counted in the previous file's fingerprints and not in its own file's.
    FingerprintShift,
    /// Statistics exist only on the last file.
    StatisticsOnLastFileOnly,
    /// First timestamp 0 means unset, last starts at 0, and all files of an hour share one range.
    HourRange,
    /// TID 9223372036854775807 is never written and hides every later row of its file.
    HighestTidLost,
    /// A failed close leaves the partial file behind.
    PartialFileLeft,
    /// Narrow integers are widened to int32; unsigned, date, time and timestamp annotations are dropped.
    AnnotationsDropped,
    /// A damaged sketch is merged as far as it can be read, even as an empty one; exact counts are skipped as eight bytes.
    DamagedSketchesMerged,
}

impl KnownDefect {
    /// The letter in the documentation of the legacy writers.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::FingerprintShift => "A",
            Self::StatisticsOnLastFileOnly => "B",
            Self::HourRange => "C",
            Self::HighestTidLost => "D",
            Self::PartialFileLeft => "E",
            Self::AnnotationsDropped => "G",
            Self::DamagedSketchesMerged => "H",
        }
    }
}

/// Bounds of the SIZES check.
#[derive(Debug, Clone, PartialEq)]
pub struct SizeBounds {
    /// Share of the target below which a file counts as tiny.
    pub tiny_share: f64,
    /// Share of the target above which a file is too large unless a group forces it.
    pub large_share: f64,
    /// Candidate files divided by the files its bytes need, above which (with half of them tiny) it fails.
    pub file_factor: f64,
    /// Growth of total bytes over the baseline that warns.
    pub bytes_warn: f64,
    /// Growth of total bytes over the baseline that fails.
    pub bytes_fail: f64,
    /// Baseline bytes from which on growth is judged.
    pub bytes_floor: u64,
    /// Without a target: candidate files divided by baseline files, above which it fails ...
    pub explosion_factor: f64,
    /// ... from this many candidate files on ...
    pub explosion_files: u64,
    /// ... with a median below this many bytes.
    pub explosion_median: u64,
}

impl Default for SizeBounds {
    fn default() -> Self {
        Self {
            tiny_share: 0.3,
            large_share: 2.0,
            file_factor: 2.0,
            bytes_warn: 0.10,
            bytes_fail: 0.50,
            bytes_floor: 1 << 20,
            explosion_factor: 10.0,
            explosion_files: 20,
            explosion_median: 64 << 10,
        }
    }
}

/// What a check found, before the policy judges it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What was found. Ids are given later.
    pub findings: Vec<Finding>,
    /// What was examined.
    pub coverage: Coverage,
    /// One sentence: what was found, or why nothing was checked.
    pub summary: String,
    /// Set where the findings alone do not decide: not applicable, or inconclusive for a stated reason.
    pub status: Option<CheckStatus>,
    /// Evidence for the report.
    pub evidence: Evidence,
}

/// Evidence that a check adds to the job's report.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Row differences.
    pub rows: Option<RowsEvidence>,
    /// Columns side by side.
    pub schema: Vec<ColumnComparison>,
    /// Order per side.
    pub order: Vec<OrderEvidence>,
    /// File sizes.
    pub sizes: Option<SizesEvidence>,
    /// Metadata per file and field.
    pub metadata: Vec<MetadataEvidence>,
    /// How both sides' files are laid out.
    pub layout: Option<LayoutEvidence>,
    /// Groups per side.
    pub groups: Vec<GroupEvidence>,
    /// What became of the input rows, per side.
    pub rollup: Vec<RollupAccount>,
    /// Sketches and rollups per side.
    pub sketches: Vec<SketchEvidence>,
    /// Trace locality per side.
    pub locality: Vec<LocalityEvidence>,
    /// Further runs of the sides.
    pub reruns: Vec<RerunEvidence>,
}

impl Evidence {
    /// Takes over what `other` holds.
    pub fn take(&mut self, other: Self) {
        self.rows = other.rows.or(self.rows.take());
        self.sizes = other.sizes.or(self.sizes.take());
        self.layout = other.layout.or(self.layout.take());
        self.schema.extend(other.schema);
        self.order.extend(other.order);
        self.metadata.extend(other.metadata);
        self.groups.extend(other.groups);
        self.rollup.extend(other.rollup);
        self.sketches.extend(other.sketches);
        self.locality.extend(other.locality);
        self.reruns.extend(other.reruns);
    }
}

/// How values are compared: from the policy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// Columns left out, with the reason.
    pub ignored: BTreeMap<String, String>,
    /// Tolerance per column.
    pub tolerances: BTreeMap<String, Tolerance>,
    /// Columns whose type may change without loss, with the kind of change that is meant.
    pub same_type: BTreeMap<String, Family>,
    /// Treat `-0.0` and `0.0` as one value.
    pub negative_zero_equal: bool,
    /// Whether `key=value` folders are columns.
    pub partitions: Partitions,
}

/// How far two numbers may lie apart and still count as equal: either bound suffices.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tolerance {
    /// Absolute difference.
    pub absolute: f64,
    /// Difference relative to the larger magnitude.
    pub relative: f64,
}
