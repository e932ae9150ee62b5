//! Counting what a built-in side leaves open, in a child process of its own: descriptors of a shared process would be
//! those of everybody.
//!
//! The child performs the job once to warm up (thread pools, lazily opened files), then counts descriptors before and after
//! a run that succeeds, one whose first input is cut short, and one that is cancelled on its way; after each it looks into
//! the scratch and, unless the run succeeded, the output directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use corpora::parameters::Parameters;
use corpora::signal::Signal;
use reports::document::{Role, SideOutcome};
use serde::{Deserialize, Serialize};

use crate::cancel::Cancel;
use crate::check::descriptors::{Probe, Step};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::job::{Expected, Job, JobKind, Recorded};
use crate::side::builtin::files_below;
use crate::side::select::Choice;
use crate::side::{Side, Workplace};

/// Rows of a job above which the child is not started: the job would run three times more.
pub const MAX_ROWS: u64 = 5_000;

/// What the child is asked to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// Which built-in side, by its name on the command line.
    pub side: String,
    /// The job's signal.
    pub signal: Option<Signal>,
    /// Entry point.
    pub kind: JobKind,
    /// Input segments in order.
    pub inputs: Vec<PathBuf>,
    /// Parameters.
    pub parameters: Parameters,
}

impl Request {
    /// The request for `side` on `job`.
    #[must_use]
    pub fn new(side: &str, job: &Job) -> Self {
        Self {
            side: side.to_owned(),
            signal: job.signal.as_deref().cloned(),
            kind: job.kind,
            inputs: job.inputs.clone(),
            parameters: job.parameters.clone(),
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let text = corpora::regular::read(path).map_err(|source| Error::io("cannot read", path, source))?;
        serde_json::from_slice(&text)
            .map_err(|error| Error::internal(format!("bad request {}: {error}", path.display())))
    }

    /// The side and the job that the request describes; the job is named `id`.
    ///
    /// # Errors
    /// Class `usage` for a side that is not built in.
    pub fn into_side_and_job(self, id: &str) -> Result<(Box<dyn Side>, Job)> {
        let side = Choice::parse(&self.side)?.side(Role::Candidate, &Config::default(), 1)?;
        let job = Job {
            id: id.to_owned(),
            signal: self.signal.map(Arc::new),
            kind: self.kind,
            inputs: self.inputs,
            parameters: self.parameters,
            parameter_origins: Vec::new(),
            corpus: None,
            expected: Expected::default(),
            recorded: Recorded::default(),
        };
        Ok((side, job))
    }
}

/// Starts `program` (this program) as the child and reads what it counted. Whatever goes wrong in the child stands in the probe.
///
/// # Errors
/// Class `io` where the request cannot be written or the child cannot be started.
pub fn ask(program: &Path, request: &Request, scratch: &Path) -> Result<Probe> {
    let folder = tempfile::Builder::new()
        .prefix("probe-")
        .tempdir_in(scratch)
        .map_err(|source| Error::io("cannot make a directory in", scratch, source))?;
    let file = folder.path().join("request.json");
    let text = serde_json::to_vec(request)
        .map_err(|error| Error::internal("cannot write a request as JSON").with_source(error))?;
    std::fs::write(&file, text).map_err(|source| Error::io("cannot write", &file, source))?;
    let mut child = Command::new(program)
        .arg("probe-leaks")
        .arg(&file)
        .arg("--tmp-dir")
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| Error::io("cannot start", program, source))?;
    // Held open for as long as the child runs: its end of the pipe closes with this process, see `end_with_parent`.
    let open = child.stdin.take();
    let output = child.wait_with_output().map_err(|source| Error::io("cannot wait for", program, source))?;
    drop(open);
    let counted = if output.status.success() {
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
    } else {
        Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
    };
    folder.close().map_err(Error::not_removed)?;
    Ok(counted.unwrap_or_else(|failure| Probe { steps: Vec::new(), failure: Some(failure) }))
}

/// Ends this process when the one that started it has ended, however that ended: stdin is a pipe from it in which nothing is
/// written. Without this a child of a killed harness would work on.
///
/// # Errors
/// Class `internal` where the thread that waits cannot be started.
pub fn end_with_parent() -> Result<()> {
    let wait = || {
        // Whatever the answer is, no process waits for the counts any more.
        drop(std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()));
        std::process::exit(2)
    };
    let started = std::thread::Builder::new().name("parent".to_owned()).spawn(wait);
    started.map(drop).map_err(|source| Error::internal(format!("cannot start a thread: {source}")))
}

/// The child's work.
///
/// # Errors
/// Where the request cannot be read, the job cannot be performed at all, or the system does not tell its descriptors.
pub fn perform(request: &Path, scratch: &Path) -> Result<Probe> {
    let (side, mut job) = Request::read(request)?.into_side_and_job("probe")?;
    let mut steps = Vec::new();
    let started = Instant::now();
    completed(once("warm-up", side.as_ref(), &job, scratch, None)?)?;
    let whole = started.elapsed();
    steps.push(completed(once("success", side.as_ref(), &job, scratch, None)?)?);
    steps.push(once("a cancellation", side.as_ref(), &job, scratch, Some(whole / 3))?.0);
    if let Some(first) = job.inputs.first() {
        let cut = cut_short(first, scratch)?;
        job.inputs[0].clone_from(&cut);
        steps.push(once("an error", side.as_ref(), &job, scratch, None)?.0);
    }
    Ok(Probe { steps, failure: None })
}

/// A step that must have succeeded: what a failure leaves open says nothing about success.
fn completed((step, completed): (Step, bool)) -> Result<Step> {
    if completed {
        Ok(step)
    } else {
        Err(Error::internal(format!(
            "the side did not complete the job in the child process ({})",
            step.name
        )))
    }
}

/// One run with counts around it, and whether it completed.
fn once(
    name: &str,
    side: &dyn Side,
    job: &Job,
    scratch: &Path,
    cancel_after: Option<Duration>,
) -> Result<(Step, bool)> {
    let made = |what| {
        tempfile::Builder::new()
            .prefix(what)
            .tempdir_in(scratch)
            .map_err(|source| Error::io("cannot make a directory in", scratch, source))
    };
    let (output, temporary) = (made("output-")?, made("scratch-")?);
    let cancel = Cancel::default();
    let before = descriptors()?;
    let completed = std::thread::scope(|scope| {
        if let Some(after) = cancel_after {
            let cancel = cancel.clone();
            let alarm = move || {
                std::thread::sleep(after);
                cancel.request();
            };
            std::thread::Builder::new().spawn_scoped(scope, alarm).map_err(Error::no_thread)?;
        }
        let place = Workplace { output: output.path(), scratch: temporary.path(), cancel: &cancel };
        Ok::<_, Error>(
            side.perform(job, &place)
                .is_ok_and(|run| matches!(run.outcome, SideOutcome::Completed) && run.manifest.is_some()),
        )
    })?;
    let after = descriptors()?;
    let mut files_left = files_below(temporary.path())?;
    if !completed {
        files_left.extend(files_below(output.path())?);
    }
    let step =
        Step { name: name.to_owned(), descriptors_before: before, descriptors_after: after, files_left };
    Ok((step, completed))
}

/// A copy of `input` without its last half.
fn cut_short(input: &Path, scratch: &Path) -> Result<PathBuf> {
    let bytes = corpora::regular::read(input).map_err(|source| Error::io("cannot read", input, source))?;
    let cut = scratch.join("cut-short.parquet");
    std::fs::write(&cut, &bytes[..bytes.len() / 2])
        .map_err(|source| Error::io("cannot write", &cut, source))?;
    Ok(cut)
}

/// Open descriptors of this process.
fn descriptors() -> Result<u64> {
    let table = Path::new("/proc/self/fd");
    let entries = std::fs::read_dir(table).map_err(|source| {
        Error::new(
            reports::manifest::ErrorClass::Io,
            format!("this system does not list open descriptors: {source}"),
        )
    })?;
    // The listing itself holds one.
    Ok((entries.count() as u64).saturating_sub(1))
}
