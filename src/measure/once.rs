//! One run of one side on one job, in a process of its own.
//!
//! 1. Fresh directories for output, scratch files and papers.
//! 2. The program: for a built-in side this program with the hidden subcommand `perform-job`, for an external one its own.
//! 3. The launcher (see `launch`) starts it in a process group that is ended as a whole on a time-out or an interruption.
//! 4. The directories are removed. Steps 1 and 4 lie outside the time that is measured.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reports::document::{Role, SideOutcome};
use reports::manifest::ErrorClass;

use super::launch::Accounting;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::job::Job;
use crate::probe::Request;
use crate::side::process::{Cause, Ended, run};
use crate::side::{Side, Workplace};

/// Longest run of a built-in side.
const LONGEST: Duration = Duration::from_secs(3600);

/// Status of the launcher and of `perform-job` where the machine did not let them do their work: out of memory, a full disk. For any
/// other failure it is [`FAILED`].
const MACHINE: i32 = Exit::CouldNotRun.code() as i32;

/// Status of the launcher and of `perform-job` for a failure of the side.
pub const FAILED: Exit = Exit::Fail;

/// Runs sides in processes of their own.
#[derive(Debug, Clone, Copy)]
pub struct Runner<'a> {
    /// This program.
    pub program: &'a Path,
    /// Parent of the directories.
    pub tmp: &'a Path,
    /// Request to stop.
    pub cancel: &'a Cancel,
}

impl Runner<'_> {
    /// Runs `side` once on `job`.
    ///
    /// # Errors
    /// Class `cancelled` after an interruption, class `side` where the side did not complete the job, others where the harness
    /// could not do its part.
    pub fn once(&self, side: &dyn Side, role: Role, job: &Job) -> Result<Accounting> {
        self.cancel.check()?;
        let home = tempfile::Builder::new()
            .prefix("measure-")
            .tempdir_in(self.tmp)
            .map_err(|source| Error::io("cannot make a directory in", self.tmp, source))?;
        let made = |name: &str| {
            let path = home.path().join(name);
            std::fs::create_dir(&path).map_err(|source| Error::io("cannot make", &path, source))?;
            Ok::<_, Error>(path)
        };
        let (output, scratch, papers) = (made("output")?, made("scratch")?, made("papers")?);
        let place = Workplace { output: &output, scratch: &scratch, cancel: self.cancel };
        let (program, timeout) = self.program(side, job, &place, &papers)?;
        let answer = papers.join("accounting.json");
        let ended = run(&mut self.launcher(&program, &answer), timeout, self.cancel);
        self.cancel.check()?;
        let built_in = side.probe_name().is_some();
        let accounting = judge(&ended, &answer, timeout, built_in).map_err(|(class, why)| {
            Error::new(class, format!("job {}: the {role} {} {why}", job.id, side.info(job).name))
        })?;
        crate::side::leavings::remove(&home.keep()).map_err(Error::not_removed)?;
        Ok(accounting)
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
    fn launcher(&self, program: &Command, answer: &Path) -> Command {
        let mut launcher = Command::new(self.program);
        launcher.arg("launch").arg(answer).arg("--").arg(program.get_program()).args(program.get_args());
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

/// The accounting of a program that did its work, or what became of it instead: class `side`, or `io` where the machine did not let
/// it. The launcher and a `built_in` side say that by the status [`MACHINE`].
fn judge(
    ended: &Ended,
    answer: &Path,
    timeout: Duration,
    built_in: bool,
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
        Cause::Cancelled | Cause::Exited(_) => {}
    }
    let accounting = std::fs::read(answer)
        .ok()
        .and_then(|text| serde_json::from_slice::<Accounting>(&text).ok())
        .ok_or_else(|| side(format!("was not accounted for{}", said())))?;
    match (accounting.status, accounting.signal) {
        (Some(0), _) => Ok(accounting),
        (Some(MACHINE), _) if built_in => Err(io(format!("was not completed{}", said()))),
        (Some(status), _) => Err(side(format!("exited with status {status}{}", said()))),
        (None, Some(signal)) => Err(side(format!("was ended by signal {signal}{}", said()))),
        (None, None) => Err(side(format!("ended in an unknown way{}", said()))),
    }
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
    use std::os::unix::process::ExitStatusExt;
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
        let judged = || judge(&exited, &answer, Duration::from_secs(5), false);
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
        let of_built_in = judge(&exited, &answer, Duration::from_secs(5), true).unwrap_err();
        assert_eq!(of_built_in, (ErrorClass::Io, "was not completed: last words".to_owned()));
        let refused = ended(Cause::Exited(ExitStatus::from_raw(MACHINE << 8)));
        assert_eq!(judge(&refused, &answer, Duration::from_secs(5), false).unwrap_err().0, ErrorClass::Io);
        let late = judge(&ended(Cause::TimedOut), &answer, Duration::from_secs(5), false).unwrap_err();
        assert_eq!(late, side("did not end within 5 s"));
    }
}
