//! A job that is known, and its inputs once they are in place.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use corpora::Generate;
use corpora::parameters::ResolvedParameters;
use corpora::signal::Signal;
use corpora::spec::CorpusSpec;
use corpora::{Segment, inspect_all};
use reports::document::CorpusInfo;

use super::bare;
use crate::content;
use crate::error::{Error, Result};
use crate::job::{Job, JobKind, Recorded};
use crate::side::Side;
use crate::side::builtin;

/// A job that is known but whose inputs may still have to be made.
#[derive(Debug, Clone)]
pub struct PlannedJob {
    pub(super) job: Job,
    pub(super) source: Source,
    /// Digests of given inputs, once somebody asked for them.
    pub(super) digests: OnceLock<Vec<String>>,
    /// The command that repeats this job alone.
    pub replay: String,
}

#[derive(Debug, Clone)]
pub(super) enum Source {
    /// Inputs are generated.
    Generated(Arc<CorpusSpec>, Generate),
    /// Inputs lie where they are.
    Given(Vec<Segment>),
    /// Inputs are unknown: only outputs were recorded.
    Unknown,
}

impl PlannedJob {
    /// A job of which only outputs are known.
    #[must_use]
    pub fn of_outputs(
        id: &str,
        signal: Option<Arc<Signal>>,
        parameters: &ResolvedParameters,
        replay: &str,
    ) -> Self {
        Self {
            job: bare(id, signal, JobKind::Compact, parameters),
            source: Source::Unknown,
            digests: OnceLock::new(),
            replay: replay.to_owned(),
        }
    }

    /// Declares that outputs without rows are right; `false` leaves what the job declares itself.
    pub fn allow_empty(&mut self, allowed: bool) {
        self.job.expected.no_rows |= allowed;
    }

    /// Name of the job.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.job.id
    }

    /// Name of its signal, where it has one.
    #[must_use]
    pub fn signal(&self) -> Option<&str> {
        self.job.signal.as_ref().map(|signal| signal.name.as_str()).filter(|name| !name.is_empty())
    }

    /// Its inputs by their footers; absent where they are generated or unknown.
    #[must_use]
    pub fn segments(&self) -> Option<&[Segment]> {
        if let Source::Given(segments) = &self.source { Some(segments) } else { None }
    }

    /// Every path that the job reads.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let recorded = [&self.job.recorded.baseline, &self.job.recorded.candidate];
        self.job.inputs.iter().chain(recorded.into_iter().flatten()).map(PathBuf::as_path)
    }

    /// Recorded outputs that the job list names.
    #[must_use]
    pub fn recorded(&self) -> &Recorded {
        &self.job.recorded
    }

    /// Whether the built-in sides can perform the job.
    ///
    /// # Errors
    /// Class `config`, naming the job and why not.
    pub fn can_be_performed(&self) -> Result<()> {
        let Job { id, signal, kind, parameters, .. } = &self.job;
        let unknown = || {
            Err(Error::config(format!(
                "job {id} names neither signal nor inputs, and a built-in side needs them: name its signal in the job list"
            )))
        };
        signal.as_ref().map_or_else(unknown, |signal| {
            builtin::can_perform(signal, *kind, parameters)
                .and_then(|()| builtin::can_sort(signal, self.segments().unwrap_or_default()))
                .map_err(|error| Error { message: format!("job {id}: {}", error.message), ..error })
        })
    }

    /// Hands everything that makes the job what it is to `part`: names, parameters, where the inputs come from, their bytes.
    ///
    /// # Errors
    /// Where an input cannot be read.
    pub fn identify(&self, part: &mut dyn FnMut(&str)) -> Result<()> {
        let Job { id, signal, kind, parameters, expected, recorded, .. } = &self.job;
        part(id);
        part(&format!("{signal:?} {kind:?} {parameters:?} {expected:?} {recorded:?} {}", self.replay));
        match &self.source {
            Source::Unknown => part("unknown inputs"),
            Source::Generated(spec, options) => part(&format!("{spec:?} {options:?}")),
            Source::Given(segments) => {
                for (segment, digest) in segments.iter().zip(self.digests()?) {
                    part(&segment.path.to_string_lossy());
                    part(digest);
                }
            }
        }
        Ok(())
    }

    /// BLAKE3 of each given input, in order; none where inputs are generated or unknown. They are read once.
    ///
    /// # Errors
    /// Where an input cannot be read.
    pub fn digests(&self) -> Result<&[String]> {
        let Source::Given(segments) = &self.source else { return Ok(&[]) };
        if self.digests.get().is_none() {
            let found =
                segments.iter().map(|segment| content::digest(&segment.path)).collect::<Result<_>>()?;
            // Whoever was first read the same.
            drop(self.digests.set(found));
        }
        Ok(self.digests.get().map_or(&[], Vec::as_slice))
    }

    /// What makes `side` what it is when it performs this job.
    ///
    /// # Errors
    /// Where one of its files cannot be read.
    pub fn identity_of(&self, side: &dyn Side) -> Result<String> {
        side.identity(&self.job)
    }

    /// The job as planned; generated inputs are not in it yet.
    #[must_use]
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Input rows: by the footers of given segments, or as many as the corpus asks for.
    #[must_use]
    pub fn rows(&self) -> u64 {
        match &self.source {
            Source::Generated(spec, options) => options.rows.unwrap_or(spec.rows),
            Source::Given(segments) => reports::total(segments.iter().map(|segment| segment.rows)),
            Source::Unknown => 0,
        }
    }

    /// The same job on other inputs.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn with_inputs(&self, inputs: &[PathBuf]) -> Result<Self> {
        let segments = inspect_all(inputs).map_err(|error| Error::of_corpora(&error))?;
        let job = Job { inputs: inputs.to_vec(), ..self.job.clone() };
        Ok(Self {
            job,
            source: Source::Given(segments),
            digests: OnceLock::new(),
            replay: self.replay.clone(),
        })
    }

    /// Puts the inputs in place, below `home` where they are generated.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn prepare(&self, home: &Path) -> Result<Ready> {
        let mut job = self.job.clone();
        let segments = match &self.source {
            Source::Unknown => None,
            Source::Given(segments) => Some(segments.clone()),
            Source::Generated(spec, options) => {
                let generated = spec
                    .generate(&input_directory(home), *options)
                    .map_err(|error| Error::of_corpora(&error))?;
                job.corpus = Some(CorpusInfo {
                    name: spec.name.clone(),
                    provokes: spec.provokes.clone(),
                    seed: generated.seed,
                    digest: generated.digest,
                });
                let mut segments =
                    inspect_all(&generated.inputs).map_err(|error| Error::of_corpora(&error))?;
                job.inputs = generated.inputs;
                for segment in &mut segments {
                    // The temporary directory says nothing to a reader.
                    if let Ok(relative) = segment.path.strip_prefix(home) {
                        segment.path = relative.to_owned();
                    }
                }
                Some(segments)
            }
        };
        Ok(Ready { job, segments })
    }
}

/// A job with its inputs in place.
#[derive(Debug)]
pub struct Ready {
    /// The job.
    pub job: Job,
    /// Its inputs by their footers; absent where they are unknown.
    pub segments: Option<Vec<Segment>>,
}

/// Where a job's generated inputs go.
fn input_directory(home: &Path) -> PathBuf {
    home.join("input")
}
