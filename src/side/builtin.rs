//! What the adapters of the built-in sides have in common: harness plumbing only, nothing of either writer's work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use corpora::signal::Signal;
use reports::document::SideOutcome;
use reports::manifest::{ErrorClass, Failure, Manifest};
use walkdir::WalkDir;

use super::{SideRun, Workplace};
use crate::error::{Error, Result};
use crate::job::Job;

/// Date of ingestion where a job names none. Any fixed day serves: it only labels files.
pub const DEFAULT_INGEST_DATEINT: i64 = 20_250_101;

/// What a built-in writer returned, in the harness's words.
pub type Performed = std::result::Result<Manifest, Failure>;

/// Lets a writer do its work; a panic in it is its failure, not the harness's.
pub fn caught(work: impl FnOnce() -> Performed) -> Performed {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(Failure { class: ErrorClass::Internal, message: format!("the writer panicked: {said}") })
    })
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
        scratch_left: files_below(place.scratch),
        duration,
    })
}

/// Every file below `root`, relative paths, sorted. A directory that cannot be read counts as a file left.
#[must_use]
pub fn files_below(root: &Path) -> Vec<String> {
    let mut left: Vec<String> = WalkDir::new(root)
        .min_depth(1)
        .into_iter()
        .map(|entry| match entry {
            Ok(entry) => relative(entry.path(), root),
            Err(error) => error.path().map_or_else(|| error.to_string(), |path| relative(path, root)),
        })
        .collect();
    left.sort();
    left
}

/// Whether the built-in sides perform jobs of `signal`: rows sorted by one time column, without groups.
///
/// # Errors
/// Class `config` for any other signal, naming what can be done instead.
pub fn performs(signal: &Signal) -> Result<()> {
    let by_time = signal.time_column.as_ref().is_some_and(|time| signal.sort_key == [time.clone()]);
    if by_time && signal.group_key.is_none() && signal.name != "traces" {
        return Ok(());
    }
    Err(Error::config(format!(
        "the built-in writers do not perform {} jobs in this version, only those of signals sorted by their time column \
         without a group key, such as logs; compare recorded outputs (dir:PATH) or programs of your own (cmd:NAME)",
        signal.name
    )))
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
}
