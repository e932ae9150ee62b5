//! `dir:PATH`: an output that was recorded earlier. Nothing runs and nothing is copied.
//!
//! Where a job's output lies, the first that applies:
//! 1. the directory that the job list names for this job and role;
//! 2. `PATH/<job id>`, where that is a directory;
//! 3. `PATH` itself, where the run has one job.
//!
//! `PATH` may also be one Parquet file, or a list of files (`@FILE`, see `output::file_list`), which then is the whole output.
//!
//! A run of several jobs never takes `PATH` itself for one of them: a row that moved from one job to another would not
//! be seen. A `manifest.json` in the output is read as an external side's would be, save that a document of another program is
//! no manifest; a failure document there is the record of a side that failed.

use std::path::{Path, PathBuf};

use reports::document::{Role, SideInfo, SideKind, SideOutcome};
use reports::manifest::{ErrorClass, Failure, Manifest};

use super::{Side, SideRun, Workplace};
use crate::errno;
use crate::error::{Error, Result};
use crate::job::Job;
use crate::output::file_list::{self, FileList};
use crate::output::manifest::{self, Statement};
use crate::output::refuse_table;

/// A recorded output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    path: Option<PathBuf>,
    role: Option<Role>,
    several_jobs: bool,
}

impl Recorded {
    /// The side `dir:PATH`, for a run of one job.
    ///
    /// # Errors
    /// Class `input` where `path` is neither a directory nor a file, for a table with a log of its own, and for a list that names something else than files.
    pub fn new(path: &Path) -> Result<Self> {
        if let Some(list) = file_list::named(path) {
            FileList::read(&list)?;
            return Ok(Self { path: Some(path.to_path_buf()), ..Self::default() });
        }
        let facts = std::fs::metadata(path)
            .map_err(|source| Error::io("cannot read the recorded output", path, source))?;
        if !facts.is_dir() && !facts.is_file() {
            return Err(Error::input(format!(
                "recorded output {} is neither a directory nor a file; name the folder that holds the Parquet files",
                path.display()
            )));
        }
        if facts.is_dir() {
            refuse_table(path)?;
        }
        Ok(Self { path: Some(path.to_path_buf()), ..Self::default() })
    }

    /// A side that has only what the job list names for `role`.
    #[must_use]
    pub fn listed(role: Role) -> Self {
        Self { role: Some(role), ..Self::default() }
    }

    /// The same as side of `role`: a directory that the job list names for that role then comes first.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// The same in a run of `jobs` jobs.
    #[must_use]
    pub fn with_jobs(mut self, jobs: usize) -> Self {
        self.several_jobs = jobs > 1;
        self
    }

    /// Where the output of `job` lies, or why it lies nowhere.
    ///
    /// # Errors
    /// Class `io` where the machine does not say what lies there.
    fn locate(&self, job: &Job) -> Result<std::result::Result<PathBuf, String>> {
        let listed = match self.role {
            Some(Role::Baseline) => job.recorded.baseline.as_deref(),
            Some(Role::Candidate) => job.recorded.candidate.as_deref(),
            None => None,
        };
        if let Some(listed) = listed {
            return Ok(if file_list::named(listed).is_some() || is_directory(listed)? {
                Ok(listed.to_path_buf())
            } else {
                Err(format!(
                    "recorded output {} that the job list names for job {} is neither a directory nor a list of files",
                    listed.display(),
                    job.id
                ))
            });
        }
        let Some(path) = &self.path else {
            return Ok(Err(format!(
                "the job list names no recorded output for job {} and there is no dir:PATH",
                job.id
            )));
        };
        let own = path.join(&job.id);
        Ok(if is_directory(&own)? {
            Ok(own)
        } else if self.several_jobs {
            Err(format!(
                "recorded output {} has no folder {} for the job; with several jobs it needs one folder per job id",
                path.display(),
                job.id
            ))
        } else if path.exists() || file_list::named(path).is_some() {
            Ok(path.clone())
        } else {
            Err(format!("recorded output {} is gone", path.display()))
        })
    }
}

impl Side for Recorded {
    fn info(&self, job: &Job) -> SideInfo {
        let path = self
            .locate(job)
            .ok()
            .and_then(std::result::Result::ok)
            .or_else(|| self.path.clone())
            .unwrap_or_default();
        SideInfo {
            name: format!("dir:{}", path.display()),
            kind: SideKind::Recorded,
            version: None,
            command: Vec::new(),
            // What was recorded is known once it was read.
            digest: None,
            digest_covers: None,
        }
    }

    fn identity(&self, job: &Job) -> Result<String> {
        let files = self.locate(job)?.ok().map(|output| digest(&output)).transpose()?;
        Ok(format!("{self:?} {files:?}"))
    }

    fn recorded(&self, job: &Job) -> Result<Option<PathBuf>> {
        Ok(self.locate(job)?.ok())
    }

    fn perform(&self, job: &Job, place: &Workplace<'_>) -> Result<SideRun> {
        place.cancel.check()?;
        let (outcome, output, manifest) = match self.locate(job)? {
            Ok(output) => {
                let (outcome, manifest) = read(&output)?;
                (outcome, output, manifest)
            }
            // The workplace's output is empty, which is what there is of this job.
            Err(message) => (failed(ErrorClass::Side, message), place.output.to_path_buf(), None),
        };
        Ok(SideRun { outcome, output, manifest, scratch_left: Vec::new(), duration: None, work: None })
    }
}

/// Digest of all that the output holds.
fn digest(output: &Path) -> Result<String> {
    let Some(list) = file_list::named(output) else { return crate::content::digest_all(output) };
    let mut parts = crate::content::Parts::default();
    for (name, path) in FileList::read(&list)?.files {
        parts.add(&name);
        parts.add(&crate::content::digest(&path)?);
    }
    Ok(parts.finish())
}

/// True for a directory; false for what is something else, or not there.
///
/// # Errors
/// Class `io` where the machine does not say.
fn is_directory(path: &Path) -> Result<bool> {
    match std::fs::metadata(path) {
        Ok(facts) => Ok(facts.is_dir()),
        Err(error) if errno::of_machine(&error) => Err(Error::io("cannot read", path, error)),
        Err(_) => Ok(false),
    }
}

/// Outcome and manifest of the output in `dir`. A single file and a list of files have none.
fn read(dir: &Path) -> Result<(SideOutcome, Option<Manifest>)> {
    if dir.is_file() || file_list::named(dir).is_some() {
        return Ok((SideOutcome::Recorded, None));
    }
    Ok(match manifest::examine_recorded(dir)? {
        Ok(Statement::Nothing | Statement::Foreign) => (SideOutcome::Recorded, None),
        Ok(Statement::Manifest(manifest)) => (SideOutcome::Recorded, Some(manifest)),
        Ok(Statement::Failure(failure)) => (failed(failure.class, failure.message), None),
        Err(fault) => {
            let message = format!("recorded output {} has an unusable manifest: {fault}", dir.display());
            (failed(ErrorClass::Side, message), None)
        }
    })
}

/// A failed outcome of a side that did not run.
fn failed(class: ErrorClass, message: String) -> SideOutcome {
    SideOutcome::Failed { failure: Failure { class, message }, exit_status: None, signal: None, stderr: None }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cancel::Cancel;
    use crate::job;

    fn job(id: &str) -> Job {
        Job {
            id: id.into(),
            signal: None,
            kind: job::JobKind::Compact,
            inputs: Vec::new(),
            parameters: corpora::parameters::Parameters::default(),
            parameter_origins: Vec::new(),
            corpus: None,
            expected: job::Expected::default(),
            recorded: job::Recorded::default(),
        }
    }

    fn perform(side: &Recorded, job: &Job) -> SideRun {
        let (output, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cancel = Cancel::default();
        let place = Workplace { output: output.path(), scratch: scratch.path(), cancel: &cancel };
        side.perform(job, &place).unwrap()
    }

    fn message(run: &SideRun) -> (ErrorClass, &str) {
        match &run.outcome {
            SideOutcome::Failed { failure, .. } => (failure.class, &failure.message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_job_takes_the_directory_itself_and_its_own_folder_where_there_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let side = Recorded::new(dir.path()).unwrap();
        let run = perform(&side, &job("a"));
        assert_eq!((run.outcome, run.output.as_path()), (SideOutcome::Recorded, dir.path()));
        assert_eq!(run.duration, None);

        fs::create_dir(dir.path().join("a")).unwrap();
        assert_eq!(perform(&side, &job("a")).output, dir.path().join("a"));
        assert_eq!(side.info(&job("a")).name, format!("dir:{}", dir.path().join("a").display()));
    }

    #[test]
    fn several_jobs_never_share_the_directory_itself() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        let side = Recorded::new(dir.path()).unwrap().with_jobs(2);
        assert_eq!(perform(&side, &job("a")).output, dir.path().join("a"));
        let run = perform(&side, &job("b"));
        let (class, message) = message(&run);
        assert_eq!(class, ErrorClass::Side);
        assert!(message.contains("has no folder b for the job"), "{message}");
    }

    #[test]
    fn the_directory_of_the_job_list_wins_and_counts_only_for_its_role() {
        let (dir, listed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(dir.path().join("a")).unwrap();
        let mut job = job("a");
        job.recorded.candidate = Some(listed.path().to_path_buf());
        let side = Recorded::new(dir.path()).unwrap();
        assert_eq!(perform(&side.clone().with_role(Role::Candidate), &job).output, listed.path());
        assert_eq!(perform(&side.with_role(Role::Baseline), &job).output, dir.path().join("a"));

        assert_eq!(perform(&Recorded::listed(Role::Candidate), &job).output, listed.path());
        let run = perform(&Recorded::listed(Role::Baseline), &job);
        assert!(message(&run).1.contains("names no recorded output"));
        job.recorded.candidate = Some(listed.path().join("gone"));
        let run = perform(&Recorded::listed(Role::Candidate), &job);
        assert!(message(&run).1.contains("is neither a directory nor a list"));

        std::fs::write(dir.path().join("one"), "").unwrap();
        std::fs::write(dir.path().join("live.txt"), "one\n").unwrap();
        let list = crate::output::file_list::joined(dir.path(), Path::new("@live.txt"));
        job.recorded.candidate = Some(list.clone());
        let side = Recorded::listed(Role::Candidate);
        let run = perform(&side, &job);
        assert_eq!((run.outcome, run.output), (SideOutcome::Recorded, list.clone()));
        let before = side.identity(&job).unwrap();
        std::fs::write(dir.path().join("one"), "other rows").unwrap();
        assert_ne!(side.identity(&job).unwrap(), before);
        assert_eq!(
            perform(&Recorded::new(&list).unwrap(), &Job { recorded: job::Recorded::default(), ..job })
                .output,
            list
        );
    }

    #[test]
    fn a_manifest_is_read_a_malformed_one_fails_and_a_recorded_failure_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let side = Recorded::new(dir.path()).unwrap();
        let write = |text: &str| fs::write(dir.path().join(manifest::FILE_NAME), text).unwrap();
        write(r#"{"files": [{"path": "x.parquet"}]}"#);
        assert_eq!(perform(&side, &job("a")).manifest.unwrap().files[0].path, "x.parquet");
        write("{");
        let run = perform(&side, &job("a"));
        assert!(message(&run).1.contains("unusable manifest"));
        write(r#"{"entries": [{"url": "s3://bucket/0000.parquet"}]}"#);
        let run = perform(&side, &job("a"));
        assert_eq!(
            (run.outcome, run.manifest),
            (SideOutcome::Recorded, None),
            "a document of another program"
        );
        write(r#"{"error": {"class": "unsorted", "message": "row 5"}}"#);
        assert_eq!(message(&perform(&side, &job("a"))), (ErrorClass::Unsorted, "row 5"));
    }

    #[test]
    fn a_path_that_is_not_there_is_an_input_error_at_the_start_and_a_file_is_a_whole_output() {
        let dir = tempfile::tempdir().unwrap();
        let gone = Recorded::new(&dir.path().join("gone")).unwrap_err();
        assert_eq!(gone.class, ErrorClass::Input);
        fs::create_dir_all(dir.path().join("table/_delta_log")).unwrap();
        let table = Recorded::new(&dir.path().join("table")).unwrap_err();
        assert!(table.class == ErrorClass::Input && table.message.contains("a Delta Lake table"), "{table}");
        fs::write(dir.path().join("file"), "").unwrap();
        let file = Recorded::new(&dir.path().join("file")).unwrap();
        let run = perform(&file, &job("one"));
        assert_eq!((run.outcome, run.output), (SideOutcome::Recorded, dir.path().join("file")));
    }
}
