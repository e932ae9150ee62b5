//! One run of one side on one job, in a process of its own.
//!
//! 1. Fresh directories for output, scratch files and papers.
//! 2. The program: for a built-in side this program with the hidden subcommand `perform-job`, for an external one its own.
//! 3. The launcher (see `launch`) starts it in a process group that is ended as a whole on a time-out or an interruption.
//! 4. What the side left is compared with its limit, as in a comparison. It stays until it was examined (see `examined`). Steps 1
//!    and 4 lie outside the time that is measured.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Barrier;
use std::time::Duration;

use reports::document::{Role, SideOutcome};
use reports::manifest::ErrorClass;
use rustix::process::Signal;

use super::launch::{Accounting, Bounds};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::heap;
use crate::job::Job;
use crate::oom::Kills;
use crate::probe::Request;
use crate::side::process::{Cause, Ended, run_ended_by};
use crate::side::{Side, Workplace, leavings};

/// Longest run of a built-in side.
const LONGEST: Duration = Duration::from_secs(3600);

/// The file in which the launcher leaves its accounting.
const ANSWER: &str = "accounting.json";

/// Number of the signal that ends a process at once.
const KILL: i32 = 9;

/// Status of the launcher and of `perform-job` where the machine did not let them do their work: out of memory, a full disk. For any
/// other failure it is [`FAILED`].
const MACHINE: i32 = Exit::CouldNotRun.code() as i32;

/// Status of the launcher and of `perform-job` for a failure of the side.
pub const FAILED: Exit = Exit::Fail;

/// The directories of a run, and what a side left in them. Removed with this.
#[derive(Debug)]
pub struct Left {
    home: PathBuf,
    /// Its output directory.
    pub output: PathBuf,
    scratch: PathBuf,
    papers: PathBuf,
    removed: bool,
}

impl Left {
    /// Fresh directories in `parent`.
    ///
    /// # Errors
    /// Class `io` where they cannot be made.
    pub fn new(parent: &Path) -> Result<Self> {
        let home = tempfile::Builder::new()
            .prefix("measure-")
            .tempdir_in(parent)
            .map_err(|source| Error::io("cannot make a directory in", parent, source))?
            .keep();
        let [output, scratch, papers] = ["output", "scratch", "papers"].map(|name| home.join(name));
        let left = Self { home, output, scratch, papers, removed: false };
        for path in [&left.output, &left.scratch, &left.papers] {
            std::fs::create_dir(path).map_err(|source| Error::io("cannot make", path, source))?;
        }
        Ok(left)
    }

    /// The directory of the run: output, scratch files and papers.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The same with the scratch directory of another run, which removes it.
    #[must_use]
    pub fn scratch_of(mut self, other: &Self) -> Self {
        self.scratch.clone_from(&other.scratch);
        self
    }

    /// Empty papers, for another run in the same output and scratch directory.
    ///
    /// # Errors
    /// Class `io` where they cannot be replaced.
    pub fn renew(&self) -> Result<()> {
        leavings::reset(&self.papers).map_err(|source| Error::io("cannot make", &self.papers, source))
    }

    /// Removes the directories of the run, whatever the side left in them.
    ///
    /// # Errors
    /// Class `io` where something resists.
    pub fn remove(mut self) -> Result<()> {
        self.removed = true;
        leavings::remove(&self.home).map_err(Error::not_removed)
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        if !self.removed {
            // The first error counts; the scratch directory of the command is removed at its end.
            drop(leavings::remove(&self.home));
        }
    }
}

/// How a run is disturbed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disturbed {
    /// Bounds of its processes.
    pub bounds: Bounds,
    /// The signal that its group gets, after this time.
    pub signal: Option<(Duration, Signal)>,
}

/// Runs sides in processes of their own.
#[derive(Debug, Clone, Copy)]
pub struct Runner<'a> {
    /// This program.
    pub program: &'a Path,
    /// Parent of the directories.
    pub tmp: &'a Path,
    /// Request to stop.
    pub cancel: &'a Cancel,
    /// Bounds of an undisturbed run.
    pub bounds: Bounds,
    /// Where the workers of a run wait for each other before they start.
    pub start: Option<&'a Barrier>,
}

impl Runner<'_> {
    /// Runs `side` once on `job`, and keeps what it left.
    ///
    /// # Errors
    /// As [`Runner::complete`].
    pub fn once(&self, side: &dyn Side, role: Role, job: &Job) -> Result<(Accounting, Left)> {
        let left = Left::new(self.tmp)?;
        let accounting = self.complete(side, role, job, &left)?;
        Ok((accounting, left))
    }

    /// Runs `side` on `job` in these directories, to its end.
    ///
    /// # Errors
    /// Class `cancelled` after an interruption, class `side` where the side did not complete the job, others where the harness
    /// could not do its part.
    pub fn complete(&self, side: &dyn Side, role: Role, job: &Job, left: &Left) -> Result<Accounting> {
        let kills = Kills::now();
        let (ended, timeout) =
            self.attempt(side, job, left, Disturbed { bounds: self.bounds, signal: None })?;
        let built_in = side.probe_name().is_some();
        let answer = left.papers.join(ANSWER);
        judge(&ended, &answer, timeout, built_in, &|killed| kills.blame(killed))
            .and_then(|accounting| {
                within(&left.output, &left.scratch, side.output_limit()).map(|()| accounting)
            })
            .map_err(|(class, why)| self.under_limit(class, why))
            .map_err(|(class, why)| {
                Error::new(class, format!("job {}: the {role} {} {why}", job.id, side.info(job).name))
            })
    }

    /// The failure of a side that has a limit of memory names it. Memory that was refused under it is no fault of the machine.
    fn under_limit(&self, class: ErrorClass, why: String) -> (ErrorClass, String) {
        let Some(bytes) = self.bounds.data else { return (class, why) };
        let refused = why.contains(heap::REFUSED);
        if class == ErrorClass::Side || refused {
            let why = format!(
                "{why}; a worker had {bytes} bytes of memory (--worker-memory, RLIMIT_DATA of each process)"
            );
            return (ErrorClass::Side, why);
        }
        (class, why)
    }

    /// Runs `side` on `job` in these directories, to its end or until it is stopped; also tells how long it may take.
    ///
    /// # Errors
    /// Class `cancelled` after an interruption, others where the harness could not do its part.
    pub fn attempt(
        &self,
        side: &dyn Side,
        job: &Job,
        left: &Left,
        disturbed: Disturbed,
    ) -> Result<(Ended, Duration)> {
        let Left { output, scratch, papers, .. } = left;
        let place = Workplace { output, scratch, cancel: self.cancel };
        let prepared = self.program(side, job, &place, papers);
        if let Some(start) = self.start {
            // Also where this worker cannot start: the others wait for it.
            start.wait();
        }
        self.cancel.check()?;
        let (program, timeout) = prepared?;
        let limit = side.output_limit();
        let mut watch = || leavings::over(output, scratch, limit?);
        let mut launcher = self.launcher(&program, &papers.join(ANSWER), disturbed.bounds);
        let (until, first) = disturbed.signal.unwrap_or((timeout, Signal::TERM));
        let ended = run_ended_by(&mut launcher, until.min(timeout), self.cancel, &mut watch, first);
        self.cancel.check()?;
        Ok((ended, timeout))
    }

    /// The accounting of a run that ended by itself.
    #[must_use]
    pub fn accounting(left: &Left) -> Option<Accounting> {
        let text = std::fs::read(left.papers.join(ANSWER)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// The program that does the work.
    fn program(
        &self,
        side: &dyn Side,
        job: &Job,
        place: &Workplace<'_>,
        papers: &Path,
    ) -> Result<(Command, Duration)> {
        if let Some(program) = side.program(job, place, papers)? {
            return Ok(program);
        }
        let Some(name) = side.probe_name() else {
            return Err(Error::usage(format!(
                "{} is a recorded output: nothing runs that could be measured; name sides that run",
                side.info(job).name
            )));
        };
        let request = papers.join("request.json");
        let text = serde_json::to_vec(&Request::new(&name, job))
            .map_err(|error| Error::internal("cannot write the job as JSON").with_source(error))?;
        std::fs::write(&request, text).map_err(|source| Error::io("cannot write", &request, source))?;
        let mut command = Command::new(self.program);
        command.arg("perform-job").arg(request).arg(place.output).arg(place.scratch);
        Ok((command, LONGEST))
    }

    /// The launcher around `program`, with its arguments, environment and working directory.
    fn launcher(&self, program: &Command, answer: &Path, bounds: Bounds) -> Command {
        let mut launcher = Command::new(self.program);
        launcher.arg("launch").arg(answer);
        for (name, bytes) in [("--data", bounds.data), ("--file-size", bounds.file)] {
            if let Some(bytes) = bytes {
                launcher.arg(name).arg(bytes.to_string());
            }
        }
        launcher.arg("--").arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            set(&mut launcher, name, value);
        }
        if let Some(folder) = program.get_current_dir() {
            launcher.current_dir(folder);
        }
        launcher
    }
}

fn set(command: &mut Command, name: &OsStr, value: Option<&OsStr>) {
    match value {
        Some(value) => command.env(name, value),
        None => command.env_remove(name),
    };
}

/// Refuses what a side left beyond its limit, or in a state in which a comparison would refuse it.
fn within(
    output: &Path,
    scratch: &Path,
    limit: Option<u64>,
) -> std::result::Result<(), (ErrorClass, String)> {
    let Some(limit) = limit else { return Ok(()) };
    match leavings::fault(output, scratch, limit) {
        Ok(None) => Ok(()),
        Ok(Some(fault)) => Err((ErrorClass::Side, fault)),
        Err(error) => Err((ErrorClass::Io, format!("left what cannot be looked at: {error}"))),
    }
}

/// The accounting of a program that did its work, or what became of it instead: class `side`, or `io` where the machine did not let
/// it. The launcher and a `built_in` side say that by the status [`MACHINE`]; `blame` says it of a program that ended badly, given
/// whether it was killed.
fn judge(
    ended: &Ended,
    answer: &Path,
    timeout: Duration,
    built_in: bool,
    blame: &dyn Fn(bool) -> Option<&'static str>,
) -> std::result::Result<Accounting, (ErrorClass, String)> {
    let side = |why: String| (ErrorClass::Side, why);
    let io = |why: String| (ErrorClass::Io, why);
    let said = || {
        let line = ended.stderr.lines().rfind(|line| !line.trim().is_empty());
        line.map(|line| format!(": {}", line.trim())).unwrap_or_default()
    };
    match &ended.cause {
        Cause::TimedOut => return Err(side(format!("did not end within {} s", timeout.as_secs()))),
        // The launcher is this program: that it did not start says nothing of the side.
        Cause::NotStarted(error) => return Err(io(format!("was not launched: {error}"))),
        Cause::Exited(status) if status.code() == Some(MACHINE) => {
            return Err(io(format!("was not launched{}", said())));
        }
        Cause::Stopped(why) => return Err(side(why.clone())),
        // The launcher does next to nothing itself.
        Cause::Exited(status)
            if !status.success()
                && let Some(why) = blame(status.signal() == Some(KILL)) =>
        {
            return Err(io(format!("was not accounted for{}: {why}", said())));
        }
        Cause::Cancelled | Cause::Exited(_) => {}
    }
    let accounting = std::fs::read(answer)
        .ok()
        .and_then(|text| serde_json::from_slice::<Accounting>(&text).ok())
        .ok_or_else(|| side(format!("was not accounted for{}", said())))?;
    let how = match (accounting.status, accounting.signal) {
        (Some(0), _) => return Ok(accounting),
        (Some(MACHINE), _) if built_in => return Err(io(format!("was not completed{}", said()))),
        (Some(status), _) => format!("exited with status {status}{}", said()),
        (None, Some(signal)) => format!("was ended by signal {signal}{}", said()),
        (None, None) => format!("ended in an unknown way{}", said()),
    };
    let killed = accounting.signal == Some(KILL) || accounting.status == Some(128 + KILL);
    Err(blame(killed).map_or_else(|| side(how.clone()), |why| io(format!("{how}: {why}"))))
}

/// The work of the child process: performs the job of `request`.
///
/// # Errors
/// Where the request cannot be read, the side fails, or it is interrupted.
pub fn perform(request: &Path, output: &Path, scratch: &Path, cancel: &Cancel) -> Result<()> {
    let (side, job) = Request::read(request)?.into_side_and_job("measured")?;
    match side.perform(&job, &Workplace { output, scratch, cancel })?.outcome {
        SideOutcome::Failed { failure, .. } => Err(Error::new(failure.class, failure.message)),
        SideOutcome::Completed | SideOutcome::Recorded => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use super::*;

    fn ended(cause: Cause) -> Ended {
        Ended { cause, stderr: "first\nlast words\n".to_owned(), duration: Duration::from_secs(1) }
    }

    #[test]
    fn what_was_not_completed_is_no_sample() {
        let folder = tempfile::tempdir().unwrap();
        let answer = folder.path().join("answer.json");
        let exited = ended(Cause::Exited(ExitStatus::from_raw(0)));
        let judge =
            |ended: &Ended, built_in| judge(ended, &answer, Duration::from_secs(5), built_in, &|_| None);
        let judged = || judge(&exited, false);
        let side = |why: &str| (ErrorClass::Side, why.to_owned());
        assert_eq!(judged().unwrap_err(), side("was not accounted for: last words"));
        let mut accounting = Accounting {
            status: Some(0),
            signal: None,
            wall_ns: 5,
            user_ns: 1,
            system_ns: 1,
            peak_bytes: 4096,
            moved: None,
        };
        let write = |accounting: &Accounting| {
            std::fs::write(&answer, serde_json::to_vec(accounting).unwrap()).unwrap()
        };
        write(&accounting);
        assert_eq!(judged().unwrap(), accounting);
        accounting.status = Some(4);
        write(&accounting);
        assert_eq!(judged().unwrap_err(), side("exited with status 4: last words"));
        accounting.status = Some(MACHINE);
        write(&accounting);
        assert_eq!(judged().unwrap_err(), side("exited with status 2: last words"));
        let of_built_in = judge(&exited, true).unwrap_err();
        assert_eq!(of_built_in, (ErrorClass::Io, "was not completed: last words".to_owned()));
        let refused = ended(Cause::Exited(ExitStatus::from_raw(MACHINE << 8)));
        assert_eq!(judge(&refused, false).unwrap_err().0, ErrorClass::Io);
        let late = judge(&ended(Cause::TimedOut), false).unwrap_err();
        assert_eq!(late, side("did not end within 5 s"));
    }

    #[test]
    fn a_program_that_the_system_killed_for_want_of_memory_is_not_blamed() {
        let folder = tempfile::tempdir().unwrap();
        let answer = folder.path().join("answer.json");
        let exited = ended(Cause::Exited(ExitStatus::from_raw(0)));
        let blame = |killed: bool| killed.then_some("memory ran out");
        let judged = |status, signal| {
            let accounting = Accounting {
                status,
                signal,
                wall_ns: 5,
                user_ns: 1,
                system_ns: 1,
                peak_bytes: 4096,
                moved: None,
            };
            std::fs::write(&answer, serde_json::to_vec(&accounting).unwrap()).unwrap();
            judge(&exited, &answer, Duration::from_secs(5), false, &blame).unwrap_err()
        };
        let said = "was ended by signal 9: last words: memory ran out";
        assert_eq!(judged(None, Some(9)), (ErrorClass::Io, said.to_owned()));
        assert_eq!(judged(Some(137), None).0, ErrorClass::Io);
        assert_eq!(judged(None, Some(11)).0, ErrorClass::Side);
        assert_eq!(judged(Some(4), None).0, ErrorClass::Side);
        let launcher = ended(Cause::Exited(ExitStatus::from_raw(9)));
        let lost = judge(&launcher, &answer, Duration::from_secs(5), false, &blame).unwrap_err();
        assert_eq!(lost.0, ErrorClass::Io);
    }
}
