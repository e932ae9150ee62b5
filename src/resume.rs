//! Going on where an interrupted run ended: `--resume`.
//!
//! 1. While a run proceeds, every judged job is appended to `progress.jsonl` in the report directory, a line each, under a key.
//! 2. The key is a digest of everything that the result rests on: this program, the job with its parameters, the bytes of its
//!    inputs, both sides (with the files that an external command names, and the files of a recorded output), and the policy.
//! 3. A resumed run takes over the jobs whose key it finds, with the outputs that were kept of them; all others are done anew. A line
//!    that was cut off by the interruption is none.
//! 4. A run that comes to its end removes the file. A run that ends in an error (a full disk) leaves it, with what was kept of the
//!    jobs in it.
//!
//! Nothing is taken over on trust of names or times of files. Cost: one pass over the bytes of the inputs, and the judged jobs
//! once more on disk.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use reports::document::{JobReport, SideReport};
use reports::manifest::ErrorClass;
use serde::{Deserialize, Serialize};

use crate::content::Parts;
use crate::error::{Error, Result};
use crate::plan::PlannedJob;
use crate::settings::Settings;
use crate::side::Side;

/// Name of the file in the report directory.
pub const JOURNAL: &str = "progress.jsonl";

/// The first line: what a directory that holds nothing else belongs to.
const HEAD: &str = r#"{"tool":{"name":"parallax"}}"#;

/// A judged job.
#[derive(Serialize, Deserialize)]
struct Entry {
    key: String,
    job: JobReport,
}

/// The jobs judged so far, on disk.
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    earlier: Mutex<HashMap<String, JobReport>>,
    program: String,
}

impl Journal {
    /// Opens the journal of a run that writes to `out`. With `resume`, the jobs of the run before can be taken over.
    ///
    /// # Errors
    /// Class `io` where the file cannot be read or written.
    pub fn open(out: &Path, resume: bool) -> Result<Self> {
        let path = out.join(JOURNAL);
        let mut earlier = HashMap::new();
        if resume && path.exists() {
            let file =
                corpora::regular::open(&path).map_err(|source| Error::io("cannot read", &path, source))?;
            for line in BufReader::new(file).split(b'\n').skip(1) {
                let line = line.map_err(|source| Error::io("cannot read", &path, source))?;
                // The last line may be half a line; its job is done again.
                if let Ok(Entry { key, job }) = serde_json::from_slice(&line) {
                    earlier.insert(key, job);
                }
            }
        }
        let wrong = |source| Error::io("cannot write", &path, source);
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(earlier.is_empty())
            .append(!earlier.is_empty())
            .open(&path)
            .map_err(wrong)?;
        // A line break first: behind a half line it begins a new one, elsewhere an empty line is no entry.
        let head = if earlier.is_empty() { format!("{HEAD}\n") } else { "\n".to_owned() };
        file.write_all(head.as_bytes()).map_err(wrong)?;
        let program = crate::content::program();
        Ok(Self {
            file: Mutex::new(file),
            earlier: Mutex::new(earlier),
            program: program.unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
            path,
        })
    }

    /// Whether the first line of a file in `out` says that the directory is one of ours.
    #[must_use]
    pub fn marks(out: &Path) -> bool {
        let mut line = String::new();
        let read = corpora::regular::open(&out.join(JOURNAL))
            .and_then(|file| BufReader::new(file).read_line(&mut line));
        read.is_ok() && line.trim_end() == HEAD
    }

    /// Names of the jobs that the journal in `out` holds; none where there is no journal.
    ///
    /// # Errors
    /// Class `io` where the journal cannot be read.
    pub fn jobs(out: &Path) -> Result<HashSet<String>> {
        #[derive(Deserialize)]
        struct Line {
            job: Name,
        }
        #[derive(Deserialize)]
        struct Name {
            id: String,
        }
        let path = out.join(JOURNAL);
        let unread = |source| Error::new(ErrorClass::Io, format!("cannot read {}: {source}", path.display()));
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashSet::new()),
            file => file.map_err(unread)?,
        };
        let mut jobs = HashSet::new();
        for line in BufReader::new(file).split(b'\n') {
            // The last line may be half a line.
            jobs.extend(serde_json::from_slice::<Line>(&line.map_err(unread)?).ok().map(|line| line.job.id));
        }
        Ok(jobs)
    }

    /// The key of a job under these settings.
    ///
    /// # Errors
    /// Class `input` or `io` where an input cannot be read.
    pub fn key(&self, job: &PlannedJob, settings: &Settings) -> Result<String> {
        let mut parts = Parts::default();
        parts.add(&self.program);
        let Settings { mode, keep, today, by, noise, chaos, .. } = settings;
        parts.add(&format!("{mode:?} {keep:?} {today:?} {by:?} {noise} {chaos:?}"));
        parts.add(&format!("{:?}", settings.policy));
        // Where time is measured, a job need not answer for it: its verdict depends on that too.
        parts.add(if settings.measure.is_some() { "measured" } else { "not measured" });
        job.identify(&mut |text| parts.add(text))?;
        let sides = settings.baseline.as_deref().into_iter().chain([settings.candidate.as_ref()]);
        for side in sides {
            parts.add(&job.identity_of(side as &dyn Side)?);
        }
        Ok(parts.finish())
    }

    /// The result of an earlier run under this key, where its kept outputs and its differing rows are still there.
    #[must_use]
    pub fn take(&self, key: &str, out: &Path) -> Option<JobReport> {
        let mut earlier = self.earlier.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let there = |side: &SideReport| side.kept.as_ref().is_none_or(|kept| out.join(kept).is_dir());
        let told = |job: &JobReport| job.rows.as_ref().and_then(|rows| rows.differences.clone());
        earlier.remove(key).filter(|job| {
            job.baseline.iter().chain([&job.candidate]).all(there)
                && told(job).is_none_or(|file| out.join(file).is_file())
        })
    }

    /// Appends a judged job.
    ///
    /// # Errors
    /// Class `io` where it cannot be written.
    pub fn note(&self, key: String, job: &JobReport) -> Result<()> {
        let entry = Entry { key, job: job.clone() };
        let mut line = serde_json::to_vec(&entry)
            .map_err(|source| Error::internal("cannot write a judged job as JSON").with_source(source))?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = file.metadata().map(|facts| facts.len());
        file.write_all(&line).map_err(|source| {
            // A half line would swallow the next one.
            if let Ok(before) = before {
                drop(file.set_len(before));
            }
            Error::new(ErrorClass::Io, format!("cannot write {}: {source}", self.path.display()))
        })
    }

    /// Removes the file: the run is complete.
    ///
    /// # Errors
    /// Class `io` where it cannot be removed.
    pub fn close(self) -> Result<()> {
        std::fs::remove_file(&self.path).map_err(|source| Error::io("cannot remove", &self.path, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_marks_its_directory_and_a_half_line_is_no_entry() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!Journal::marks(folder.path()));
        drop(Journal::open(folder.path(), false).unwrap());
        assert!(Journal::marks(folder.path()));
        let path = folder.path().join(JOURNAL);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(br#"{"key":"k","job":{"id":"#).unwrap();
        let again = Journal::open(folder.path(), true).unwrap();
        assert!(again.take("k", folder.path()).is_none());
        again.close().unwrap();
        assert!(!path.exists());
    }
}
