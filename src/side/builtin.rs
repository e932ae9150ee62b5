//! What the adapters of the built-in sides have in common: harness plumbing only, nothing of either writer's work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use corpora::parameters::Parameters;
use corpora::signal::{ColumnType, RollupRule, Signal};
use corpora::{Segment, Signals};
use reports::document::SideOutcome;
use reports::manifest::{ErrorClass, Failure, Manifest};
use walkdir::WalkDir;

use super::{SideRun, Workplace};
use crate::errno;
use crate::error::{Error, Result};
use crate::job::{Job, JobKind};
use crate::output::pages;

/// Date of ingestion where a job names none. Any fixed day serves: it only labels files.
pub const DEFAULT_INGEST_DATEINT: i64 = 20_250_101;

/// What a built-in writer returned, in the harness's words.
pub type Performed = std::result::Result<Manifest, Failure>;

/// Lets a writer do its work; a panic in it is its failure, not the harness's. Where a library panics because memory is refused, the
/// failure is of class `io`.
pub fn caught(work: impl FnOnce() -> Performed) -> Performed {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = crate::error::of_panic(panic.as_ref());
        let class = if errno::memory_refused(&said) { ErrorClass::Io } else { ErrorClass::Internal };
        Err(Failure { class, message: format!("the writer panicked: {said}") })
    })
}

/// Refuses inputs with a page that announces more than it can hold: the Parquet crate, inside of both writers, would believe it, reserve
/// memory or go round for minutes.
///
/// # Errors
/// A failure of class `input` that names file, row group and column.
pub fn credible(job: &Job) -> std::result::Result<(), Failure> {
    let refused = |error: Error| Failure { class: error.class, message: error.message };
    job.inputs.iter().try_for_each(|input| pages::credible_file(input)).map_err(refused)
}

/// A writer's error as a failure: the message with everything that lay underneath.
#[must_use]
pub fn failure(class: ErrorClass, error: &dyn std::error::Error) -> Failure {
    Failure { class, message: crate::error::chain(error) }
}

/// The one input of an ingest job.
///
/// # Errors
/// A failure of class `config` where the job has none or several.
pub fn single_input(job: &Job) -> std::result::Result<&PathBuf, Failure> {
    match job.inputs.as_slice() {
        [input] => Ok(input),
        inputs => Err(Failure {
            class: ErrorClass::Config,
            message: format!(
                "job {}: the hourly split takes exactly one input segment, not {}; give one job per segment",
                job.id,
                inputs.len()
            ),
        }),
    }
}

/// The parameters of a merge job.
///
/// # Errors
/// A failure of class `config` where one is absent.
pub fn merge_parameters(job: &Job) -> std::result::Result<MergeParameters, Failure> {
    MergeParameters::of(&job.parameters).map_err(|error| Failure {
        class: error.class,
        message: format!("job {}: {}", job.id, error.message),
    })
}

/// `path` relative to `output`, `/` between parts.
#[must_use]
pub fn relative(path: &Path, output: &Path) -> String {
    crate::error::display(path.strip_prefix(output).unwrap_or(path))
}

/// Turns what a writer returned into what the harness looks at.
///
/// # Errors
/// Class `cancelled` where the run was interrupted, and the writer's own class where the machine or the input, not
/// the writer, is at fault (`io`, `input`, `config`, unless the corpus declares that class): nothing can be judged then.
pub fn side_run(job: &Job, place: &Workplace<'_>, started: Instant, performed: Performed) -> Result<SideRun> {
    let duration = Some(started.elapsed());
    let (outcome, manifest) = match performed {
        Ok(manifest) => (SideOutcome::Completed, Some(manifest)),
        Err(failure) => match failure.class {
            ErrorClass::Cancelled => return Err(Error::cancelled()),
            class @ (ErrorClass::Io | ErrorClass::Config | ErrorClass::Input)
                if !job.expected.declares(class) =>
            {
                return Err(Error::new(class, failure.message));
            }
            _ => (SideOutcome::Failed { failure, exit_status: None, signal: None, stderr: None }, None),
        },
    };
    Ok(SideRun {
        outcome,
        output: place.output.to_owned(),
        manifest,
        scratch_left: files_below(place.scratch)?,
        duration,
        work: None,
    })
}

/// Every file below `root`, relative paths, sorted. A directory that may not be read counts as a file left.
///
/// # Errors
/// Class `io` where the machine does not list a directory.
pub fn files_below(root: &Path) -> Result<Vec<String>> {
    let mut left = Vec::new();
    for entry in WalkDir::new(root).min_depth(1) {
        left.push(match entry {
            Ok(entry) => relative(entry.path(), root),
            Err(error) if errno::in_chain(&error) => return Err(not_listed(root, error)),
            Err(error) => error.path().map_or_else(|| error.to_string(), |path| relative(path, root)),
        });
    }
    left.sort();
    Ok(left)
}

/// The error for a directory that the machine does not list.
fn not_listed(root: &Path, error: walkdir::Error) -> Error {
    Error::new(ErrorClass::Io, format!("cannot list {}: {error}", root.display())).with_source(error)
}

/// Which entry point of the built-in writers a job goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Segments are copied into few files: logs and traces.
    Compaction,
    /// One segment is split by hour: logs.
    HourlySplit,
    /// Segments sorted by group key are merged, points of one interval rolled up: metrics.
    Merge,
}

impl Entry {
    /// The entry point for a job of this kind and signal.
    #[must_use]
    pub fn of(kind: JobKind, signal: Option<&Signal>) -> Self {
        match kind {
            JobKind::Ingest => Self::HourlySplit,
            JobKind::Compact if signal.is_some_and(|signal| signal.rollup.is_some()) => Self::Merge,
            JobKind::Compact => Self::Compaction,
        }
    }

    /// The kind of job that goes through it.
    #[must_use]
    pub fn kind(self) -> JobKind {
        match self {
            Self::HourlySplit => JobKind::Ingest,
            Self::Compaction | Self::Merge => JobKind::Compact,
        }
    }

    /// Name of the legacy writer behind it, as in `legacy:NAME`.
    #[must_use]
    pub fn legacy_name(self) -> &'static str {
        match self {
            Self::Compaction => "buffet",
            Self::HourlySplit => "fingerprint",
            Self::Merge => "tid-merger",
        }
    }
}

/// The entry point of `job`.
#[must_use]
pub fn entry(job: &Job) -> Entry {
    Entry::of(job.kind, job.signal.as_deref())
}

/// What a merge needs beside its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeParameters {
    /// Interval in milliseconds.
    pub interval: i64,
    /// Start of the time range, inclusive.
    pub start: i64,
    /// End of the time range, exclusive.
    pub end: i64,
}

impl MergeParameters {
    /// The parameters of a merge.
    ///
    /// # Errors
    /// Class `config` where one is absent, naming it and how it is given.
    pub fn of(parameters: &Parameters) -> Result<Self> {
        let value = |name: &str, value: Option<i64>| {
            value.ok_or_else(|| {
                Error::config(format!(
                    "a merge of metrics needs the parameter {name} in milliseconds; give it with --param {name}=N, in job.toml \
                     beside the segments, or in the job list"
                ))
            })
        };
        Ok(Self {
            interval: value("interval", parameters.interval)?,
            start: value("start", parameters.start)?,
            end: value("end", parameters.end)?,
        })
    }
}

/// Whether the built-in sides perform jobs of `signal`: rows sorted by one time column without groups, or points grouped and
/// rolled up under the column names of the shipped metrics signal, which the legacy merger has built in.
///
/// # Errors
/// Class `config` for any other signal, naming what can be done instead.
pub fn performs(signal: &Signal) -> Result<()> {
    let otherwise = "compare recorded outputs (dir:PATH) or programs of your own (cmd:NAME)";
    if let Some((column, order)) = signal.sort_order.iter().next() {
        return Err(Error::config(format!(
            "the built-in writers sort ascending with missing keys first, and signal {} sorts by {}; {otherwise}",
            signal.name,
            order.text(column)
        )));
    }
    if let Some(rule) = &signal.rollup {
        let shipped = Signals::builtin().map_err(|error| Error::of_corpora(&error))?;
        let shipped = shipped.get("metrics").map_err(|error| Error::of_corpora(&error))?;
        let renamed =
            shipped.rollup.as_ref().map(|known| RollupRule { time: rule.time.clone(), ..known.clone() });
        if renamed.as_ref() == Some(rule) && signal.group_key == shipped.group_key {
            return Ok(());
        }
        return Err(Error::config(format!(
            "the built-in mergers know the columns of the shipped metrics signal only (of these the time column may have another \
             name), which signal {} renames; {otherwise}",
            signal.name
        )));
    }
    let by_time = signal.time_column.as_ref().is_some_and(|time| signal.sort_key == [time.clone()]);
    if by_time && signal.group_key.is_none() {
        return Ok(());
    }
    Err(Error::config(format!(
        "the built-in writers do not perform {} jobs: only those of signals sorted by their time column without a group key, such \
         as logs and traces, and those with a roll-up, such as metrics; {otherwise}",
        signal.name
    )))
}

/// Whether the built-in sides can sort these inputs by the signal's key: it must be int64 or float64, or hold no value at all.
///
/// # Errors
/// Class `config` for a key of another type, naming the file.
pub fn can_sort(signal: &Signal, segments: &[Segment]) -> Result<()> {
    for segment in segments {
        for column in signal.sort_key.iter().filter_map(|name| segment.column(name)) {
            let sortable = matches!(column.column_type, Some(ColumnType::Int64 | ColumnType::Float64));
            if !sortable && column.type_name != "Null" {
                return Err(Error::config(format!(
                    "the built-in writers sort by int64 or float64 only, and sort key {:?} of signal {} is {} in {}; compare \
                     recorded outputs (dir:PATH) or programs of your own (cmd:NAME)",
                    column.name,
                    signal.name,
                    column.type_name,
                    segment.path.display()
                )));
            }
        }
    }
    Ok(())
}

/// Whether the built-in sides can perform a job of this signal, kind and parameters.
///
/// # Errors
/// As [`performs`]; class `config` for an hourly split of anything but logs, and for a merge without its parameters.
pub fn can_perform(signal: &Signal, kind: JobKind, parameters: &Parameters) -> Result<()> {
    performs(signal)?;
    match kind {
        JobKind::Compact if signal.rollup.is_some() => MergeParameters::of(parameters).map(drop),
        JobKind::Ingest if signal.rollup.is_some() || signal.locality.is_some() => {
            Err(Error::config(format!(
                "the built-in writers split logs by hour, not {}; such jobs are of kind compact",
                signal.name
            )))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_writer_is_its_failure() {
        let failure = caught(|| panic!("lost my way")).unwrap_err();
        assert_eq!(failure.class, ErrorClass::Internal);
        assert!(failure.message.contains("lost my way"), "{}", failure.message);
    }

    #[test]
    fn every_shipped_signal_is_performed_and_a_renamed_tid_is_refused() {
        let mut signals = Signals::builtin().unwrap();
        for name in ["logs", "metrics", "traces"] {
            performs(&signals.get(name).unwrap()).unwrap();
        }
        let metrics = signals.get("metrics").unwrap();
        let refused = |change: fn(&mut Signal)| {
            let mut signal = Signal::clone(&metrics);
            change(&mut signal);
            performs(&signal).is_err()
        };
        assert!(refused(|signal| signal.group_key = Some("series".to_owned())));
        assert!(refused(|signal| signal.rollup.as_mut().unwrap().sketch = "digest".to_owned()));
        assert!(!refused(|signal| signal.rollup.as_mut().unwrap().time = "time".to_owned()));
        let grouped = toml::from_str("sort_key = [\"a\"]\ngroup_key = \"a\"").unwrap();
        signals.add("own", grouped, "test").unwrap();
        assert!(performs(&signals.get("own").unwrap()).unwrap_err().message.contains("cmd:NAME"));
    }

    #[test]
    fn a_merge_without_its_parameters_says_which_and_how_to_give_them() {
        let metrics = Signals::builtin().unwrap().get("metrics").unwrap();
        let mut parameters = Parameters { interval: Some(10_000), start: Some(0), ..Parameters::default() };
        let error = can_perform(&metrics, JobKind::Compact, &parameters).unwrap_err();
        assert!(error.message.contains("--param end=N"), "{}", error.message);
        parameters.end = Some(10_000);
        can_perform(&metrics, JobKind::Compact, &parameters).unwrap();
        assert!(can_perform(&metrics, JobKind::Ingest, &parameters).is_err());
    }

    #[test]
    fn both_writers_refuse_an_input_whose_footer_would_have_them_reserve_gigabytes() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in.parquet");
        crate::output::testing::write_wide(&input);
        crate::output::testing::widen(&input);
        let job = Job { inputs: vec![input], ..crate::check::fixture::Fixture::empty().job };
        let (output, scratch) = (folder.path().join("output"), folder.path().join("scratch"));
        std::fs::create_dir(&output).unwrap();
        std::fs::create_dir(&scratch).unwrap();
        let cancel = crate::cancel::Cancel::default();
        let place = Workplace { output: &output, scratch: &scratch, cancel: &cancel };
        for side in [&crate::side::unified::Unified as &dyn crate::side::Side, &crate::side::legacy::Legacy] {
            let error = side.perform(&job, &place).unwrap_err();
            assert_eq!(error.class, ErrorClass::Input);
            let said = "row group 0, column \"wide\": its values have 713000000 bytes each";
            assert!(error.message.contains(said), "{error:?}");
        }
    }
}
