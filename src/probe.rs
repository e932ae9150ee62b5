//! Counting what a built-in side leaves open, in a child process of its own: descriptors of a shared process would be
//! those of everybody.
//!
//! The child performs the job once to warm up (thread pools, lazily opened files), then counts descriptors before and after
//! a run that succeeds, one whose first input is cut short, and one that is cancelled on its way; after each it looks into
//! the scratch and, unless the run succeeded, the output directory.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use corpora::parameters::Parameters;
use corpora::signal::Signal;
use reports::document::{Role, SideOutcome};
use reports::manifest::{ErrorClass, FailureDocument};
use serde::{Deserialize, Serialize};

use crate::cancel::Cancel;
use crate::check::descriptors::{Probe, Step};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::job::{Expected, Job, JobKind, Recorded};
use crate::oom::Kills;
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

/// Starts `program` (this program) as the child and reads what it counted. What goes wrong in the child stands in the probe, unless
/// the machine is why.
///
/// # Errors
/// Class `io` where the request cannot be written, the child cannot be started, or the machine did not let it count.
pub fn ask(program: &Path, request: &Request, scratch: &Path) -> Result<Probe> {
    let folder = tempfile::Builder::new()
        .prefix("probe-")
        .tempdir_in(scratch)
        .map_err(|source| Error::io("cannot make a directory in", scratch, source))?;
    let file = folder.path().join("request.json");
    let text = serde_json::to_vec(request)
        .map_err(|error| Error::internal("cannot write a request as JSON").with_source(error))?;
    std::fs::write(&file, text).map_err(|source| Error::io("cannot write", &file, source))?;
    let kills = Kills::now();
    let mut child = Command::new(program)
        .arg("probe-leaks")
        .arg(&file)
        .arg("--tmp-dir")
        .arg(folder.path())
        .args(["--format", "json"])
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
        Err(failed(&output, kills)?)
    };
    folder.close().map_err(Error::not_removed)?;
    Ok(counted.unwrap_or_else(|failure| Probe { steps: Vec::new(), failure: Some(failure) }))
}

/// Why a child that ended badly counted nothing.
///
/// # Errors
/// Class `io` where the machine is why: the child says so, its memory was refused (then it says nothing on stdout), or it was killed.
fn failed(output: &Output, kills: Kills) -> Result<String> {
    let machine = |why: &str| {
        let message = format!("descriptors could not be counted in a child process: {why}");
        Error::new(ErrorClass::Io, message)
    };
    let said = format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    match serde_json::from_slice::<FailureDocument>(&output.stdout) {
        Ok(document) if document.error.class == ErrorClass::Io => Err(machine(&document.error.message)),
        Err(_) if output.status.code() == Some(i32::from(Exit::CouldNotRun.code())) => Err(machine(&said)),
        _ => match kills.blame(output.status.signal() == Some(9)) {
            Some(why) => Err(machine(&format!("{said}: {why}"))),
            None => Ok(said),
        },
    }
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
fn completed((step, ended): (Step, Result<bool>)) -> Result<Step> {
    let why = match ended {
        Ok(true) => return Ok(step),
        Err(error) if error.class == ErrorClass::Io => return Err(error),
        Ok(false) => String::new(),
        Err(error) => format!(": {error}"),
    };
    Err(Error::internal(format!(
        "the side did not complete the job in the child process ({}){why}",
        step.name
    )))
}

/// One run with counts around it, and whether it completed, or why it could not be begun or ended.
fn once(
    name: &str,
    side: &dyn Side,
    job: &Job,
    scratch: &Path,
    cancel_after: Option<Duration>,
) -> Result<(Step, Result<bool>)> {
    let made = |what| {
        tempfile::Builder::new()
            .prefix(what)
            .tempdir_in(scratch)
            .map_err(|source| Error::io("cannot make a directory in", scratch, source))
    };
    let (output, temporary) = (made("output-")?, made("scratch-")?);
    let cancel = Cancel::default();
    let before = descriptors()?;
    let ended = std::thread::scope(|scope| {
        if let Some(after) = cancel_after {
            let cancel = cancel.clone();
            let alarm = move || {
                std::thread::sleep(after);
                cancel.request();
            };
            std::thread::Builder::new().spawn_scoped(scope, alarm).map_err(Error::no_thread)?;
        }
        let place = Workplace { output: output.path(), scratch: temporary.path(), cancel: &cancel };
        let run = side.perform(job, &place);
        Ok::<_, Error>(run.map(|run| matches!(run.outcome, SideOutcome::Completed) && run.manifest.is_some()))
    })?;
    let after = descriptors()?;
    let mut files_left = files_below(temporary.path())?;
    if !matches!(ended, Ok(true)) {
        files_left.extend(files_below(output.path())?);
    }
    let step =
        Step { name: name.to_owned(), descriptors_before: before, descriptors_after: after, files_left };
    Ok((step, ended))
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

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use reports::manifest::Failure;

    use super::*;

    /// What a child says that ends with `status`, as `wait` gives it, after a failure of `class`.
    fn ended(status: i32, class: Option<ErrorClass>) -> Output {
        let document = class
            .map(|class| FailureDocument { error: Failure { class, message: "lost my way".to_owned() } });
        Output {
            status: ExitStatus::from_raw(status),
            stdout: document.map(|it| serde_json::to_vec(&it).unwrap()).unwrap_or_default(),
            stderr: b"last words\n".to_vec(),
        }
    }

    #[test]
    fn a_fault_of_the_machine_in_the_child_is_no_finding_of_the_side() {
        let refused = |output: &Output| failed(output, Kills::now()).map_err(|error| error.class);
        let could_not_run = 2 << 8;
        assert_eq!(refused(&ended(could_not_run, Some(ErrorClass::Io))), Err(ErrorClass::Io));
        // Refused memory ends the process before it can write a document.
        assert_eq!(refused(&ended(could_not_run, None)), Err(ErrorClass::Io));
        let said = refused(&ended(could_not_run, Some(ErrorClass::Internal))).unwrap();
        assert!(said.contains("last words"), "{said}");
        assert!(refused(&ended(11, None)).unwrap().contains("signal: 11"));
    }
}
