//! `cmd:NAME`: an external program performs the job.
//!
//! 1. The job is written as a JSON document and a list of inputs into a directory of the harness beside the scratch
//!    directory, removed afterwards.
//! 2. The declared arguments are expanded (no shell), and the program runs in the folder of the configuration file, in a
//!    process group of its own, with `TMPDIR` set to the scratch directory so that what it forgets there is seen.
//! 3. Its end is judged: exit status 0 and a manifest that can be read, or none, is a completed side. Anything else is a
//!    failed one, with exit status, signal and the last part of its stderr; a failure document left as `manifest.json`
//!    gives class and message. Where the system's out-of-memory killer was at work meanwhile, nothing is judged (see `oom`).
//!
//! Whether the Parquet files are any good is not looked at here. See `docs/external-sides.md` for the contract.

use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use reports::document::{SideInfo, SideKind, SideOutcome};
use reports::manifest::{ErrorClass, Failure, Manifest};

use super::identity::Identity;
use super::job_document::{JobDocument, absolute, absolute_path};
use super::leavings;
use super::process::{Cause, Ended, run_watched};
use super::template::{Argument, Values};
use super::{Side, SideRun, Workplace};
use crate::config::{Environment, SideConfig, format_duration};
use crate::errno;
use crate::error::{Error, Result, display};
use crate::isolate::Isolate;
use crate::job::Job;
use crate::oom::Kills;
use crate::output::manifest::{self, Statement};

/// Longest part of a side's last line of stderr that its failure message quotes, in characters.
const QUOTED: usize = 200;

/// A declared external program.
#[derive(Debug, Clone)]
pub struct Command {
    name: String,
    declared: Vec<String>,
    program: PathBuf,
    arguments: Vec<Argument>,
    env: Environment,
    timeout: Duration,
    folder: PathBuf,
    identity: Identity,
    output_limit: u64,
    isolate: Isolate,
}

impl Command {
    /// The side `cmd:NAME` as declared in a configuration file that lies in `folder`. A program named with a slash is
    /// looked for from `folder`, one named without in `PATH`.
    ///
    /// # Errors
    /// Class `config` for an empty command, an unknown placeholder or a folder that cannot be named absolutely.
    pub fn new(name: &str, config: &SideConfig, folder: &Path) -> Result<Self> {
        let wrong = |message: String| Error::config(format!("side {name}: {message}"));
        let folder = absolute_path(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
        let (program, arguments) = parse_command(&config.command).map_err(wrong)?;
        let mut declared = config.command.clone();
        let program = if program.contains('/') { folder.join(program) } else { PathBuf::from(program) };
        if let Some(first) = declared.first_mut() {
            *first = display(&program);
        }
        let mut side = Self {
            name: name.to_owned(),
            declared,
            program,
            arguments,
            env: config.env.clone(),
            timeout: config.timeout,
            folder,
            identity: Identity::default(),
            output_limit: leavings::DEFAULT_LIMIT,
            isolate: Isolate::default(),
        };
        side.identity = Identity::of(name, config, side.found().as_deref(), &side.folder)?;
        Ok(side)
    }

    /// The same with another bound of what it may leave, in bytes; `None` for the default.
    #[must_use]
    pub fn limited(mut self, bytes: Option<u64>) -> Self {
        self.output_limit = bytes.unwrap_or(leavings::DEFAULT_LIMIT);
        self
    }

    /// The same, with copies of the inputs or without.
    #[must_use]
    pub fn isolated(self, isolate: Isolate) -> Self {
        Self { isolate, ..self }
    }

    /// Refuses a program that cannot be started, before the first job.
    ///
    /// # Errors
    /// Class `config`, naming the program and the way out.
    pub fn startable(&self) -> Result<()> {
        let wrong = |kind: ErrorKind| Error::config(self.not_started(&std::io::Error::from(kind)));
        let path = self.found().filter(|path| path.exists()).ok_or_else(|| wrong(ErrorKind::NotFound))?;
        if !executable(&path) {
            return Err(wrong(ErrorKind::PermissionDenied));
        }
        let Some(interpreters) = interpreters(&path) else { return Ok(()) };
        for interpreter in interpreters {
            let there = if interpreter.components().count() == 1 {
                self.in_path(&interpreter).is_some()
            } else {
                executable(&self.folder.join(&interpreter))
            };
            if !there {
                return Err(Error::config(format!(
                    "cmd:{} could not be started: the interpreter {} that the first line of {} names is not there",
                    self.name,
                    interpreter.display(),
                    path.display()
                )));
            }
        }
        Ok(())
    }

    /// Where the program lies: as it is named with a slash, else where PATH has it.
    fn found(&self) -> Option<PathBuf> {
        let named = self.program.components().count() != 1;
        if named { Some(self.program.clone()) } else { self.in_path(&self.program) }
    }

    /// Where the PATH that the program gets has a program.
    fn in_path(&self, program: &Path) -> Option<PathBuf> {
        let own = self.env.iter().find(|(name, _)| *name == "PATH").map(|(_, value)| OsString::from(value));
        let folders = own.or_else(|| std::env::var_os("PATH"))?;
        std::env::split_paths(&folders)
            .map(|folder| self.folder.join(folder).join(program))
            .find(|path| executable(path))
    }

    /// The program with its arguments for one job, ready to start.
    fn prepare(&self, job: &Job, place: &Workplace<'_>, papers: &Path) -> Result<process::Command> {
        let inputs = absolute(&job.inputs)?;
        let job_file = papers.join("job.json");
        let document = serde_json::to_vec_pretty(&JobDocument::new(job)?)
            .map_err(|source| Error::internal("cannot write the job as JSON").with_source(source))?;
        fs::write(&job_file, document).map_err(|source| Error::io("cannot write", &job_file, source))?;

        let input_list = papers.join("inputs.txt");
        if self.arguments.iter().any(Argument::wants_input_list) {
            write_list(&input_list, &inputs)?;
        }

        let output = absolute_path(place.output)?;
        let scratch = absolute_path(place.scratch)?;
        let values = Values { job: &job_file, output: &output, input_list: &input_list, inputs: &inputs };
        let mut arguments: Vec<OsString> = Vec::new();
        for argument in &self.arguments {
            argument.expand(&values, &mut arguments);
        }
        let mut command = process::Command::new(&self.program);
        command.args(arguments).current_dir(&self.folder).env("TMPDIR", &scratch).envs(self.env.iter());
        Ok(command)
    }

    /// What the end of the program means, and the manifest of a completed side.
    ///
    /// # Errors
    /// Class `io` where the machine did not start the program, or does not give the manifest back; class `config` where the
    /// program can never be started.
    fn judge(&self, ended: &Ended, output: &Path) -> Result<(SideOutcome, Option<Manifest>)> {
        if let Cause::NotStarted(error) = &ended.cause
            && errno::start_of_machine(error)
        {
            return Err(Error::new(ErrorClass::Io, self.not_started(error)));
        }
        if let Cause::NotStarted(error) = &ended.cause
            && never_starts(error)
        {
            return Err(Error::config(self.not_started(error)));
        }
        let statement = manifest::examine(output)?;
        let status = match &ended.cause {
            Cause::Exited(status) => Some(*status),
            Cause::NotStarted(_) | Cause::TimedOut | Cause::Cancelled | Cause::Stopped(_) => None,
        };
        let message = match (&ended.cause, &statement) {
            (Cause::Exited(status), Ok(Statement::Nothing)) if status.success() => {
                return Ok((SideOutcome::Completed, None));
            }
            (Cause::Exited(status), Ok(Statement::Manifest(manifest))) if status.success() => {
                return Ok((SideOutcome::Completed, Some(manifest.clone())));
            }
            (Cause::Exited(status), Err(fault)) if status.success() => {
                format!("cmd:{} ended well but left an unusable manifest: {fault}", self.name)
            }
            (Cause::NotStarted(error), _) => self.not_started(error),
            (Cause::TimedOut, _) => format!(
                "cmd:{} did not end within {} and was ended; raise its `timeout` if it needs longer",
                self.name,
                format_duration(self.timeout)
            ),
            (Cause::Stopped(why), _) => format!("cmd:{} {why}", self.name),
            (Cause::Cancelled, _) => format!("cmd:{} was interrupted", self.name),
            (Cause::Exited(_), Ok(Statement::Failure(failure))) => {
                return Ok((failed(failure.clone(), status, ended), None));
            }
            (Cause::Exited(status), _) => {
                let hint = if is_killed(*status) {
                    "; the system counted no kill for want of memory, so something else sent that signal"
                } else {
                    ""
                };
                format!("{}{hint}", self.exited(*status, &ended.stderr))
            }
        };
        Ok((failed(Failure { class: ErrorClass::Side, message }, status, ended), None))
    }

    /// The failed outcome of a program that left what must not be read; the leavings are then removed.
    fn unusable(&self, ended: &Ended, place: &Workplace<'_>) -> Result<Option<SideOutcome>> {
        let fault = match &ended.cause {
            Cause::Stopped(why) => Some(why.clone()),
            _ => leavings::fault(place.output, place.scratch, self.output_limit)
                .map_err(|source| Error::io("cannot look at what a side left in", place.output, source))?,
        };
        let Some(fault) = fault else { return Ok(None) };
        for folder in [place.output, place.scratch] {
            leavings::reset(folder)
                .map_err(|source| Error::io("cannot remove what a side left in", folder, source))?;
        }
        let status = if let Cause::Exited(status) = &ended.cause { Some(*status) } else { None };
        let failure = Failure { class: ErrorClass::Side, message: format!("cmd:{} {fault}", self.name) };
        Ok(Some(failed(failure, status, ended)))
    }

    /// Message for a program that could not be started.
    fn not_started(&self, error: &std::io::Error) -> String {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "; name it with a slash to have it looked for from the folder of the configuration file, or without to \
                 have it looked for in PATH"
            }
            std::io::ErrorKind::ArgumentListTooLong => "; use {input_list} instead of {inputs}",
            std::io::ErrorKind::PermissionDenied => "; make it executable",
            _ if error.raw_os_error() == Some(NO_PROGRAM) => {
                "; it is no program of this machine, or a script without `#!`"
            }
            _ => "",
        };
        format!("cmd:{} could not be started: {}: {error}{hint}", self.name, self.program.display())
    }

    /// Message for a program that ended badly.
    fn exited(&self, status: process::ExitStatus, stderr: &str) -> String {
        let how = match (status.signal(), status.code()) {
            (Some(9), _) => "was ended by SIGKILL".to_owned(),
            (Some(signal), _) => format!("was ended by signal {signal}"),
            (None, Some(code)) => format!("exited with status {code}"),
            (None, None) => format!("ended with {status}"),
        };
        let last = stderr.lines().map(str::trim).rfind(|line| !line.is_empty() && !line.starts_with('['));
        let said = last.map(|line| format!(": {}", cut(line))).unwrap_or_default();
        format!("cmd:{} {how}{said}", self.name)
    }
}

impl Side for Command {
    fn info(&self, _job: &Job) -> SideInfo {
        SideInfo {
            name: format!("cmd:{}", self.name),
            kind: SideKind::Command,
            version: None,
            command: self.declared.clone(),
            digest: self.identity.digest.clone(),
            digest_covers: self.identity.covers.clone(),
        }
    }

    fn identity(&self, _job: &Job) -> Result<String> {
        // The environment by its digest: `Debug` does not show its values.
        let mut parts = crate::content::Parts::default();
        self.env.iter().for_each(|(name, value)| parts.add(&format!("{name}={value}")));
        let mut identity = format!("{self:?} {}", parts.finish());
        // The program, wherever PATH has it, and every argument that names a file: a script is one too.
        let program = self.found();
        let named = self.declared.iter().map(|word| self.folder.join(word));
        for path in program.into_iter().chain(named).filter(|path| path.is_file()) {
            identity.push_str(&crate::content::digest(&path)?);
        }
        Ok(identity)
    }

    fn output_limit(&self) -> Option<u64> {
        Some(self.output_limit)
    }

    fn isolation(&self) -> Option<Isolate> {
        Some(self.isolate)
    }

    fn program(
        &self,
        job: &Job,
        place: &Workplace<'_>,
        papers: &Path,
    ) -> Result<Option<(process::Command, Duration)>> {
        Ok(Some((self.prepare(job, place, papers)?, self.timeout)))
    }

    fn perform(&self, job: &Job, place: &Workplace<'_>) -> Result<SideRun> {
        place.cancel.check()?;
        let papers = papers_beside(place.scratch)?;
        let mut command = self.prepare(job, place, papers.path())?;
        let mut watch = || leavings::over(place.output, place.scratch, self.output_limit);
        let kills = Kills::now();
        let ended = run_watched(&mut command, self.timeout, place.cancel, &mut watch);
        if matches!(ended.cause, Cause::Cancelled) {
            return Err(Error::cancelled());
        }
        if let Cause::Exited(status) = &ended.cause
            && !status.success()
            && let Some(why) = kills.blame(is_killed(*status))
        {
            return Err(Error::new(
                ErrorClass::Io,
                format!("job {}: {}: {why}", job.id, self.exited(*status, &ended.stderr)),
            ));
        }
        if let Some(outcome) = self.unusable(&ended, place)? {
            return Ok(SideRun {
                outcome,
                output: place.output.to_path_buf(),
                manifest: None,
                scratch_left: Vec::new(),
                duration: Some(ended.duration),
                work: None,
            });
        }
        let (outcome, manifest) = self.judge(&ended, place.output)?;
        Ok(SideRun {
            outcome,
            output: place.output.to_path_buf(),
            manifest,
            scratch_left: left_in(place.scratch)?,
            duration: Some(ended.duration),
            work: None,
        })
    }
}

/// `ENOEXEC`: a file of no form that can be executed.
const NO_PROGRAM: i32 = 8;

/// True where the same program will not start for another job either.
fn never_starts(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)
        || error.raw_os_error() == Some(NO_PROGRAM)
}

/// True for a file that this user may execute.
fn executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// The programs that the first line of a script names; absent for what is no script. Behind `env`, as in `#!/usr/bin/env python3`,
/// stands the one that `env` looks for.
fn interpreters(path: &Path) -> Option<Vec<PathBuf>> {
    let mut head = Vec::new();
    fs::File::open(path).ok()?.take(LONGEST_SHEBANG).read_to_end(&mut head).ok()?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line).into_owned();
    let mut words = line.split_whitespace();
    let first = PathBuf::from(words.next()?);
    let env = first.file_name().is_some_and(|name| name == "env");
    let second = words.next().filter(|word| env && !word.starts_with('-') && !word.contains('='));
    Some(std::iter::once(first).chain(second.map(PathBuf::from)).collect())
}

/// Bytes of the first line of a script that the system reads.
const LONGEST_SHEBANG: u64 = 256;

/// True for a program that was ended by SIGKILL. A shell in between reports that as 128 and the signal's number.
fn is_killed(status: process::ExitStatus) -> bool {
    status.signal() == Some(9) || status.code() == Some(137)
}

/// Takes a declared command apart into program and arguments.
///
/// # Errors
/// A sentence for an empty command or an argument that cannot be read.
pub fn parse_command(command: &[String]) -> std::result::Result<(&str, Vec<Argument>), String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("command is empty; it needs at least the program".to_owned());
    };
    if program.trim().is_empty() {
        return Err("command names no program".to_owned());
    }
    if program.contains(['{', '}', '\0']) {
        return Err(format!(
            "program {program:?} holds a brace or a NUL byte; placeholders are for its arguments"
        ));
    }
    let arguments =
        arguments.iter().map(|text| Argument::parse(text)).collect::<std::result::Result<_, _>>()?;
    Ok((program, arguments))
}

/// A directory of the harness for the documents that the side is given: on the same disk as the scratch directory, but outside it, so
/// that it is not taken for a leak.
fn papers_beside(scratch: &Path) -> Result<tempfile::TempDir> {
    let scratch = absolute_path(scratch)?;
    let beside = scratch.parent().unwrap_or(&scratch);
    tempfile::Builder::new()
        .prefix("parallax-job-")
        .tempdir_in(beside)
        .map_err(|source| Error::io("cannot make a directory in", beside, source))
}

/// Writes one path a line, byte for byte.
fn write_list(to: &Path, inputs: &[PathBuf]) -> Result<()> {
    let mut text = Vec::new();
    for path in inputs {
        let bytes = path.as_os_str().as_bytes();
        if bytes.contains(&b'\n') {
            return Err(Error::input(format!(
                "input path {path:?} holds a line break and cannot stand in {{input_list}}; use {{job}} or {{inputs}}"
            )));
        }
        text.extend_from_slice(bytes);
        text.push(b'\n');
    }
    fs::File::create(to)
        .and_then(|mut file| file.write_all(&text))
        .map_err(|source| Error::io("cannot write", to, source))
}

/// A failed outcome with its evidence.
fn failed(failure: Failure, status: Option<process::ExitStatus>, ended: &Ended) -> SideOutcome {
    SideOutcome::Failed {
        failure,
        exit_status: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        stderr: (!ended.stderr.is_empty()).then(|| ended.stderr.clone()),
    }
}

/// Files, and empty directories with a closing slash, that were left in the scratch directory; sorted. What cannot be
/// looked into is listed too: it is there.
///
/// # Errors
/// Class `io` where the machine does not list a directory.
fn left_in(scratch: &Path) -> Result<Vec<String>> {
    let mut left = Vec::new();
    for entry in walkdir::WalkDir::new(scratch).min_depth(1).sort_by_file_name() {
        let (path, slash) = match &entry {
            Ok(entry) if !entry.file_type().is_dir() => (entry.path(), ""),
            Ok(entry) => match fs::read_dir(entry.path()).map(|mut inside| inside.next().is_none()) {
                Ok(false) => continue,
                Ok(true) | Err(_) => (entry.path(), "/"),
            },
            Err(error) if errno::in_chain(error) => {
                let message = format!("cannot list {}: {error}", scratch.display());
                return Err(Error::new(ErrorClass::Io, message));
            }
            Err(error) => match error.path() {
                Some(path) => (path, ""),
                None => continue,
            },
        };
        let path = path.strip_prefix(scratch).unwrap_or(path);
        left.push(format!("{}{slash}", display(path)));
    }
    left.dedup();
    Ok(left)
}

/// At most [`QUOTED`] characters of a line.
fn cut(line: &str) -> String {
    match line.char_indices().nth(QUOTED) {
        Some((at, _)) => format!("{} ...", &line[..at]),
        None => line.to_owned(),
    }
}
