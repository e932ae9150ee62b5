//! From what was asked for to jobs: built-in corpora, specifications, the user's own segments, job lists.
//!
//! Unusable input or configuration is found here, before any work: every given segment's footer is read and held against
//! the signal. Generated corpora are made when their job's turn comes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use corpora::Catalog;
use corpora::Generate;
use corpora::JobFile;
use corpora::Signals;
use corpora::parameters::{Origin, Parameters, ResolvedParameters};
use corpora::signal::Signal;
use corpora::spec::CorpusSpec;
use corpora::{Segment, check_signal, inspect_all};
use reports::document::ParameterInfo;
use reports::manifest::ErrorClass;

use crate::check::keys;
use crate::error::{Error, Result};
use crate::job::{Expected, Job, JobKind, Recorded};
use crate::job_list::{self, JobLine};
use crate::shell;
use crate::side::builtin::{self, Entry};
use crate::side::unified::DEFAULT_TARGET_SIZE;

mod planned;
pub mod same;

use self::planned::Source;
pub use self::planned::{PlannedJob, Ready};

fn bare(id: &str, signal: Option<Arc<Signal>>, kind: JobKind, parameters: &ResolvedParameters) -> Job {
    let origins = parameters.entries().into_iter().map(|(key, value, origin)| ParameterInfo {
        key: key.to_owned(),
        value,
        origin: origin.to_string(),
    });
    Job {
        id: id.to_owned(),
        signal,
        kind,
        inputs: Vec::new(),
        parameters: parameters.values().clone(),
        parameter_origins: origins.collect(),
        corpus: None,
        expected: Expected::default(),
        recorded: Recorded::default(),
    }
}

/// What shapes every job of a run.
#[derive(Debug)]
pub struct Planner<'a> {
    /// Known signals.
    pub signals: &'a Signals,
    /// Built-in corpora.
    pub catalog: &'a Catalog,
    /// Signals asked for; empty: all.
    pub wanted: &'a [String],
    /// `--param` values as typed.
    pub params: &'a [String],
    /// Entry point that a side asks for, over the job's own kind.
    pub entry: Option<Entry>,
    /// Seed of generated corpora.
    pub seed: Option<u64>,
    /// Rows of generated corpora instead of their own.
    pub rows: Option<u64>,
    /// True where a built-in side takes part: then the signal must be one that it performs.
    pub builtin: bool,
    /// True where both sides are built in: then the target size of the unified writer holds where none is named.
    pub sized: bool,
    /// What follows `parallax run --corpus NAME` in the command that repeats one job.
    pub replay_tail: &'a str,
}

impl Planner<'_> {
    /// All built-in corpora of the wanted signals.
    ///
    /// # Errors
    /// Where none is left, or a parameter is wrong.
    pub fn builtin(&self) -> Result<Vec<PlannedJob>> {
        let jobs: Vec<PlannedJob> = self
            .catalog
            .iter()
            .filter(|spec| self.wanted.is_empty() || self.wanted.contains(&spec.signal))
            .map(|spec| self.generated(spec, &spec.name))
            .collect::<Result<_>>()?;
        if jobs.is_empty() {
            return Err(Error::usage(format!("no built-in corpus is of signal {}", self.wanted.join(", "))));
        }
        Ok(jobs)
    }

    /// The corpora named: built-in ones, specification files, segments.
    ///
    /// # Errors
    /// For a name that is neither, unusable segments, a wrong parameter.
    pub fn named(&self, names: &[String]) -> Result<Vec<PlannedJob>> {
        let mut jobs: Vec<PlannedJob> = Vec::new();
        let mut ids = BTreeSet::new();
        // The highest number given to an id so far: a name that comes again and again is not counted from 1 each time.
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        for name in names {
            for mut job in self.one(name)? {
                let plain = job.job.id.clone();
                let number = numbers.entry(plain.clone()).or_insert(1);
                while !ids.insert(job.job.id.clone()) {
                    *number += 1;
                    job.job.id = format!("{plain}-{number}");
                }
                jobs.push(job);
            }
        }
        Ok(jobs)
    }

    fn one(&self, name: &str) -> Result<Vec<PlannedJob>> {
        let path = Path::new(name);
        if path.extension().is_some_and(|end| end == "toml") && path.is_file() {
            let spec = CorpusSpec::from_file(path).map_err(|error| Error::of_corpora(&error))?;
            return self.of_spec(&spec, name);
        }
        let looks_like_path = name.contains(['/', '*', '?']) || path.exists();
        match self.catalog.get(name) {
            Ok(spec) => self.of_spec(spec, name),
            Err(_) if looks_like_path => self.segments(name),
            Err(error) => Err(Error::of_corpora(&error)),
        }
    }

    fn of_spec(&self, spec: &CorpusSpec, name: &str) -> Result<Vec<PlannedJob>> {
        if spec.segments.is_empty() {
            return Ok(vec![self.generated(spec, name)?]);
        }
        let mut inputs = Vec::new();
        for pattern in spec.segment_specs() {
            inputs.extend(corpora::load(&pattern).map_err(|error| Error::of_corpora(&error))?);
        }
        let given = Given {
            id: &spec.name,
            signal: Some(&spec.signal),
            kind: Some(spec.kind.into()),
            layers: &[(Origin::Corpus, &spec.parameters)],
            expected: expected(spec)?,
            replay: self.replay(name),
        };
        self.given(inputs, given)
    }

    fn generated(&self, spec: &CorpusSpec, name: &str) -> Result<PlannedJob> {
        let signal = self.signal(&spec.signal)?;
        let kind = self.kind().unwrap_or(spec.kind.into());
        let parameters = self.parameters(kind, &[(Origin::Corpus, &spec.parameters)])?;
        self.can_perform(&signal, kind, &parameters)?;
        let mut job = bare(&spec.name, Some(signal), kind, &parameters);
        job.expected = expected(spec)?;
        let options = Generate { rows: self.rows, seed: self.seed };
        Ok(PlannedJob {
            job,
            source: Source::Generated(Arc::new(spec.clone()), options),
            digests: OnceLock::new(),
            replay: self.replay(name),
        })
    }

    /// The user's own segments, with a `job.toml` beside them where there is one.
    fn segments(&self, name: &str) -> Result<Vec<PlannedJob>> {
        let inputs = corpora::load(name).map_err(|error| Error::of_corpora(&error))?;
        let beside = JobFile::beside(name).map_err(|error| Error::of_corpora(&error))?.unwrap_or_default();
        let id = beside.id.clone().unwrap_or_else(|| id_of(name));
        let given = Given {
            id: &id,
            signal: beside.signal.as_deref(),
            kind: beside.kind.map(JobKind::from),
            layers: &[(Origin::JobFile, &beside.parameters)],
            expected: Expected::default(),
            replay: self.replay(name),
        };
        self.given(inputs, given)
    }

    /// One job of given segments; for the hourly split, which takes one segment, one job a segment.
    fn given(&self, inputs: Vec<PathBuf>, given: Given<'_>) -> Result<Vec<PlannedJob>> {
        let segments = inspect_all(&inputs).map_err(|error| Error::of_corpora(&error))?;
        let signal = self.signal_of(&segments, given.signal)?;
        keys::refuse_in_inputs(&signal, &segments)?;
        if self.builtin {
            builtin::can_sort(&signal, &segments)?;
        }
        let kind = self.kind().or(given.kind).unwrap_or_default();
        let parameters = self.parameters(kind, given.layers)?;
        self.can_perform(&signal, kind, &parameters)?;
        let planned = |id: &str, segments: Vec<Segment>| {
            let mut job = bare(id, Some(Arc::clone(&signal)), kind, &parameters);
            job.inputs = segments.iter().map(|segment| segment.path.clone()).collect();
            job.expected = given.expected;
            let (source, replay) = (Source::Given(segments), given.replay.clone());
            PlannedJob { job, source, digests: OnceLock::new(), replay }
        };
        if kind == JobKind::Compact || segments.len() == 1 {
            return Ok(vec![planned(given.id, segments)]);
        }
        Ok(segments
            .into_iter()
            .map(|segment| {
                let stem = segment.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
                let id = format!("{}-{}", given.id, stem.unwrap_or_default());
                planned(&usable(&id), vec![segment])
            })
            .collect())
    }

    /// The jobs of a job list, all or only those named.
    ///
    /// # Errors
    /// For a list that is wrong, unusable segments, a name that the list has not.
    pub fn listed(&self, list: &Path, only: &[String]) -> Result<Vec<PlannedJob>> {
        let lines = job_list::read(list)?;
        let known: BTreeSet<&str> = lines.iter().map(|line| line.id.as_str()).collect();
        let chosen: BTreeSet<&str> = only.iter().map(String::as_str).collect();
        if let Some(unknown) = chosen.iter().find(|id| !known.contains(*id)) {
            return Err(Error::usage(format!("--only {unknown}: {} has no such job", list.display())));
        }
        let wanted = |line: &&JobLine| {
            (chosen.is_empty() || chosen.contains(line.id.as_str()))
                && (self.wanted.is_empty()
                    || line.signal.as_ref().is_none_or(|name| self.wanted.contains(name)))
        };
        let jobs: Vec<PlannedJob> =
            lines.iter().filter(wanted).map(|line| self.line(list, line)).collect::<Result<_>>()?;
        if jobs.is_empty() {
            return Err(Error::usage(format!(
                "{} has no job of signal {}",
                list.display(),
                self.wanted.join(", ")
            )));
        }
        Ok(jobs)
    }

    fn line(&self, list: &Path, line: &JobLine) -> Result<PlannedJob> {
        let at = |error: Error| Error {
            message: format!("{}:{}: job {}: {}", list.display(), line.line, line.id, error.message),
            ..error
        };
        let mut inputs = Vec::new();
        for pattern in &line.inputs {
            let pattern = line.folder.join(pattern);
            let found =
                corpora::load(&pattern.to_string_lossy()).map_err(|error| at(Error::of_corpora(&error)))?;
            inputs.extend(found);
        }
        let segments = inspect_all(&inputs).map_err(|error| at(Error::of_corpora(&error)))?;
        // Two recorded outputs can be compared without a signal, as `compare` does.
        let recorded = line.inputs.is_empty() && line.baseline.is_some() && line.candidate.is_some();
        let generic = recorded && line.signal.is_none() && self.wanted.is_empty();
        let signal = (!generic).then(|| self.signal_of(&segments, line.signal.as_deref()));
        let signal = signal.transpose().map_err(at)?;
        signal.as_ref().map_or(Ok(()), |signal| keys::refuse_in_inputs(signal, &segments)).map_err(at)?;
        let kind = self.kind().or(line.kind).unwrap_or_default();
        let parameters = self.parameters(kind, &[(Origin::JobList, &line.parameters)]).map_err(at)?;
        signal.as_ref().map_or(Ok(()), |signal| self.can_perform(signal, kind, &parameters)).map_err(at)?;
        let mut job = bare(&line.id, signal, kind, &parameters);
        job.recorded = Recorded { baseline: line.baseline.clone(), candidate: line.candidate.clone() };
        job.inputs = inputs;
        job.expected.no_rows = line.allow_empty;
        let replay = format!(
            "parallax run --job-list {} --only {}{}",
            shell::line(&[list.display().to_string()]),
            shell::line(std::slice::from_ref(&line.id)),
            self.replay_tail
        );
        let source = if line.inputs.is_empty() { Source::Unknown } else { Source::Given(segments) };
        Ok(PlannedJob { job, source, digests: OnceLock::new(), replay })
    }

    /// The signal named, that asked for, or the only one that fits.
    fn signal_of(&self, segments: &[Segment], named: Option<&str>) -> Result<Arc<Signal>> {
        let asked = if let [only] = self.wanted { Some(only.as_str()) } else { None };
        if let Some(name) = asked.or(named) {
            let signal = self.signal(name)?;
            check_signal(segments, &signal, self.signals).map_err(|error| Error::of_corpora(&error))?;
            return Ok(signal);
        }
        let mut refused = None;
        let mut fitting = Vec::new();
        for signal in self.signals.iter() {
            match check_signal(segments, signal, self.signals) {
                Ok(()) => fitting.push(signal),
                Err(error) => {
                    refused.get_or_insert(error);
                }
            }
        }
        match (fitting.as_slice(), refused) {
            ([only], _) if !segments.is_empty() => self.signal(&only.name),
            ([], Some(error)) => Err(Error::of_corpora(&error)),
            _ => Err(Error::usage(format!(
                "which signal is this? name one with --signal: {}",
                self.signals.names().collect::<Vec<_>>().join(", ")
            ))),
        }
    }

    fn signal(&self, name: &str) -> Result<Arc<Signal>> {
        let signal = self.signals.get(name).map_err(|error| Error::of_corpora(&error))?;
        if self.builtin {
            builtin::performs(&signal)?;
        }
        Ok(signal)
    }

    /// The kind of job that a side asks for.
    fn kind(&self) -> Option<JobKind> {
        self.entry.map(Entry::kind)
    }

    /// Refuses, where a built-in side takes part, a job that it cannot perform.
    fn can_perform(&self, signal: &Signal, kind: JobKind, parameters: &ResolvedParameters) -> Result<()> {
        let own = Entry::of(kind, Some(signal));
        if let Some(asked) = self.entry.filter(|asked| *asked != own) {
            let (asked, own) = (asked.legacy_name(), own.legacy_name());
            return Err(Error::config(format!(
                "legacy:{asked} does not write {} in production, legacy:{own} does; name that, or plain legacy",
                signal.name
            )));
        }
        if self.builtin { builtin::can_perform(signal, kind, parameters.values()) } else { Ok(()) }
    }

    /// Defaults, then the job's own layers, then the command line.
    fn parameters(&self, kind: JobKind, layers: &[(Origin, &Parameters)]) -> Result<ResolvedParameters> {
        let mut resolved = ResolvedParameters::default();
        for (origin, layer) in layers {
            resolved.apply(*origin, layer);
        }
        for pair in self.params {
            resolved.set_pair(pair, Origin::Param).map_err(|error| {
                let error = Error::of_corpora(&error);
                Error { class: ErrorClass::Usage, ..error }
            })?;
        }
        // An external writer has a default of its own, which this one is not. Where rows or hours decide how files are cut, no size is
        // aimed at unless the user names one.
        let values = resolved.values();
        let by_size = self.sized && kind == JobKind::Compact && values.rows_per_file.unwrap_or(0) <= 0;
        if by_size && values.target_size.is_none() {
            let default = Parameters { target_size: Some(DEFAULT_TARGET_SIZE), ..Parameters::default() };
            resolved.apply(Origin::Default, &default);
        }
        Ok(resolved)
    }

    fn replay(&self, name: &str) -> String {
        format!("parallax run --corpus {}{}", shell::line(&[name.to_owned()]), self.replay_tail)
    }
}

/// A job of given segments before its segments are known.
struct Given<'a> {
    id: &'a str,
    signal: Option<&'a str>,
    kind: Option<JobKind>,
    layers: &'a [(Origin, &'a Parameters)],
    expected: Expected,
    replay: String,
}

fn expected(spec: &CorpusSpec) -> Result<Expected> {
    let class = |text: &Option<String>| {
        text.as_ref()
            .map(|text| {
                serde_json::from_value(serde_json::Value::String(text.clone())).map_err(|_| {
                    Error::config(format!("corpus {}: there is no error class {text:?}", spec.name))
                })
            })
            .transpose()
    };
    Ok(Expected {
        baseline_error: class(&spec.expect.baseline)?,
        candidate_error: class(&spec.expect.candidate)?,
        no_rows: spec.expect.no_rows,
    })
}

/// A job id from a path or pattern: its last plain part.
fn id_of(name: &str) -> String {
    let plain = |part: &std::ffi::OsStr| {
        let text = part.to_string_lossy().into_owned();
        (!text.contains(['*', '?', '[']) && text != "." && text != "..").then_some(text)
    };
    let last = Path::new(name).components().rev().find_map(|part| plain(part.as_os_str()));
    let id = last.unwrap_or_default();
    usable(id.strip_suffix(".parquet").unwrap_or(&id))
}

/// The text as a folder name.
fn usable(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let id: String = text.chars().map(plain).collect();
    let id = id.trim_start_matches(['_', '.', '-']);
    if id.is_empty() { "segments".to_owned() } else { id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_last_plain_part_of_a_path_or_pattern() {
        for (name, id) in [
            ("../shared/real/logs", "logs"),
            ("data/2025/*.parquet", "2025"),
            ("one.parquet", "one"),
            ("..", "segments"),
            ("/", "segments"),
            ("_hidden dir", "hidden-dir"),
        ] {
            assert_eq!(id_of(name), id, "{name}");
        }
    }
}
