//! The launcher: a small process of its own that starts the program to be measured, waits for it, and writes down what the
//! operating system says of it.
//!
//! Why not the harness itself: on Linux the peak memory of a process begins with the peak of the one that started it, because
//! the child shares the parent's memory until it loads its own program. A harness that has just compared two outputs is
//! large, and every child would look as large. The launcher is small, and so the figure is the program's own.
//!
//! 1. The clock is read, and the program started.
//! 2. `waitid` with `WNOWAIT` returns at its end without reaping it; the clock is read again.
//! 3. `/proc/PID/io` of the process that has ended but was not reaped has its bytes.
//! 4. `wait4` reaps it and gives processor time and peak memory.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reports::manifest::ErrorClass;
use rustix::process::{Pid, Resource, Rlimit, WaitId, WaitIdOptions, getrlimit, setrlimit, waitid};
use serde::{Deserialize, Serialize};
use wait4::Wait4;

use crate::errno;
use crate::error::{Error, Result};

/// What the operating system says of one process, in nanoseconds and bytes. Of processes that it started itself, those it
/// waited for are included in processor time, and the largest of them in the peak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounting {
    /// Exit status, where it exited.
    pub status: Option<i32>,
    /// Signal that ended it, where one did.
    pub signal: Option<i32>,
    /// Wall time.
    pub wall_ns: u64,
    /// Processor time in user mode.
    pub user_ns: u64,
    /// Processor time in the kernel.
    pub system_ns: u64,
    /// Peak resident memory.
    pub peak_bytes: u64,
    /// Bytes moved; absent where the system does not count them.
    pub moved: Option<Moved>,
}

/// Bytes that a process moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Read by system calls.
    pub read: u64,
    /// Written by system calls.
    pub written: u64,
    /// Fetched from storage.
    pub storage_read: u64,
    /// Sent to storage.
    pub storage_written: u64,
}

impl Moved {
    /// From the text of `/proc/PID/io`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.trim().parse().ok())
        };
        Some(Self {
            read: field("rchar")?,
            written: field("wchar")?,
            storage_read: field("read_bytes")?,
            storage_written: field("write_bytes")?,
        })
    }
}

/// Bounds under which a program runs, in bytes. They hold for each of its processes by itself, and a program could raise them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Memory that a process may ask for: `RLIMIT_DATA`, its heap and every private mapping that it can write to.
    pub data: Option<u64>,
    /// Size of a file that a process may write: `RLIMIT_FSIZE`.
    pub file: Option<u64>,
}

impl Bounds {
    /// Sets them for this process and those that it starts; yields what held before.
    fn set(self) -> Result<Vec<(Resource, Rlimit)>> {
        let mut before = Vec::new();
        for (resource, bytes) in [(Resource::Data, self.data), (Resource::Fsize, self.file)] {
            let Some(bytes) = bytes else { continue };
            let held = getrlimit(resource);
            // The hard limit stays, so that this process can take its own one back.
            let bytes = held.maximum.map_or(bytes, |most| most.min(bytes));
            limit(resource, Rlimit { current: Some(bytes), maximum: held.maximum })?;
            before.push((resource, held));
        }
        Ok(before)
    }
}

fn limit(resource: Resource, value: Rlimit) -> Result<()> {
    setrlimit(resource, value).map_err(|source| {
        Error::new(ErrorClass::Io, format!("the limit {resource:?} cannot be set: {source}"))
            .with_source(source)
    })
}

/// Starts `words` (a program and its arguments) under `bounds`, waits for its end and writes the [`Accounting`] to `answer`.
///
/// # Errors
/// Class `side` where the program cannot be started; class `io` where the machine is why, or where the answer cannot be written.
pub fn launch(words: &[OsString], answer: &Path, bounds: Bounds) -> Result<Accounting> {
    let (program, arguments) =
        words.split_first().ok_or_else(|| Error::internal("there is no program to launch"))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    let before = bounds.set()?;
    let started = Instant::now();
    let spawned = command.spawn();
    before.into_iter().try_for_each(|(resource, value)| limit(resource, value))?;
    let child = spawned.map_err(|source| {
        let program = Path::new(program).display();
        let class = if errno::start_of_machine(&source) { ErrorClass::Io } else { ErrorClass::Side };
        Error::new(class, format!("{program} could not be started: {source}"))
    })?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        // Any other answer than "interrupted" means that there is nothing to wait for; wait4 then says what it was.
        while matches!(waitid(WaitId::Pid(pid), ended), Err(rustix::io::Errno::INTR)) {}
    }
    let wall = started.elapsed();
    let moved =
        std::fs::read_to_string(format!("/proc/{}/io", child.id())).ok().and_then(|text| Moved::parse(&text));
    let end = child.wait4().map_err(|source| {
        Error::internal(format!("the launched program cannot be waited for: {source}")).with_source(source)
    })?;
    let accounting = Accounting {
        status: end.status.code(),
        signal: end.status.signal(),
        wall_ns: nanoseconds(wall),
        user_ns: nanoseconds(end.rusage.utime),
        system_ns: nanoseconds(end.rusage.stime),
        peak_bytes: end.rusage.maxrss,
        moved,
    };
    let text = serde_json::to_vec(&accounting)
        .map_err(|error| Error::internal("cannot write the accounting as JSON").with_source(error))?;
    std::fs::write(answer, text).map_err(|source| Error::io("cannot write", answer, source))?;
    Ok(accounting)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launched(script: &str) -> Accounting {
        let folder = tempfile::tempdir().unwrap();
        let answer = folder.path().join("answer.json");
        let words = ["sh", "-c", script].map(OsString::from);
        let told = launch(&words, &answer, Bounds::default()).unwrap();
        assert_eq!(serde_json::from_slice::<Accounting>(&std::fs::read(&answer).unwrap()).unwrap(), told);
        told
    }

    #[test]
    fn a_program_is_accounted_for_by_its_own_process() {
        let told = launched("head -c 100000 /dev/zero > /dev/null; exit 3");
        assert_eq!((told.status, told.signal), (Some(3), None));
        assert!(told.wall_ns > 0 && told.peak_bytes > 100_000, "{told:?}");
        if cfg!(target_os = "linux") {
            // The shell waited for `head`, so its bytes are counted with the shell's.
            assert!(told.moved.unwrap().read >= 100_000, "{told:?}");
        }
    }

    #[test]
    fn the_signal_that_ended_a_program_is_told() {
        assert_eq!(launched("kill -9 $$").signal, Some(9));
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure_of_the_side() {
        let folder = tempfile::tempdir().unwrap();
        let error = launch(&["./no-such-program".into()], &folder.path().join("answer"), Bounds::default())
            .unwrap_err();
        assert!(error.message.contains("no-such-program could not be started"), "{}", error.message);
    }

    #[test]
    fn the_table_of_bytes_is_read_by_name() {
        let text = "rchar: 12\nwchar: 7\nsyscr: 1\nsyscw: 1\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n";
        let moved = Moved { read: 12, written: 7, storage_read: 4096, storage_written: 8192 };
        assert_eq!(Moved::parse(text), Some(moved));
        assert_eq!(Moved::parse("rchar: 12\n"), None);
    }
}
