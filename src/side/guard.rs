//! Ends external sides whose harness was killed.
//!
//! 1. Before the first external program, the harness starts this program once more, as the guard: in a process group of its own,
//!    its stdin a pipe from the harness.
//! 2. The harness writes the group of each program that it starts (`+ GROUP`), and again when the group is gone (`- GROUP`).
//! 3. When the harness ends, however it ends, the kernel closes the pipe. The guard sends SIGKILL to the groups that are left, and
//!    ends. After an ordinary end there are none.
//!
//! What it does not do: a program that was started in the moment of the kill is not known yet, and a process that left its group
//! (`setsid`) is out of reach. Without the guard (it could not be started; the harness is used as a library) programs run as ever, and
//! only a killed harness leaves them running.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// Name of the hidden subcommand.
pub const COMMAND: &str = "guard-groups";

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
static GUARD: OnceLock<Option<Mutex<ChildStdin>>> = OnceLock::new();

/// Names the program that understands [`COMMAND`]; nothing is started before the first external side.
pub fn install(program: PathBuf) {
    // A second call would name the same program.
    drop(PROGRAM.set(program));
}

/// A group that is under guard until this is dropped.
#[derive(Debug)]
pub(super) struct Guarded(Pid);

impl Guarded {
    pub(super) fn new(group: Pid) -> Self {
        say('+', group);
        Self(group)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        say('-', self.0);
    }
}

/// Starts the guard, where none was started before.
pub(super) fn ready() {
    guard();
}

fn guard() -> Option<&'static Mutex<ChildStdin>> {
    GUARD.get_or_init(|| PROGRAM.get().and_then(start).map(Mutex::new)).as_ref()
}

fn say(sign: char, group: Pid) {
    if let Some(pipe) = guard() {
        let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
        // Where the guard is gone, there is none.
        drop(pipe.write_all(format!("{sign} {}\n", group.as_raw_pid()).as_bytes()));
    }
}

fn start(program: &PathBuf) -> Option<ChildStdin> {
    let mut guard = Command::new(program);
    guard.arg(COMMAND).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    // It holds no directory that somebody may want to unmount.
    guard.current_dir("/").spawn().ok()?.stdin.take()
}

/// The guard's work: reads to the end of `input`, then ends what is left.
pub fn watch(input: impl Read) {
    for group in left(input) {
        // A group that is gone already is what was wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The groups that began and did not end. A group of 1 or below never is one of a side.
fn left(input: impl Read) -> Vec<Pid> {
    let mut groups = BTreeSet::new();
    for line in BufReader::new(input).lines().map_while(Result::ok) {
        match line.split_once(' ').map(|(sign, group)| (sign, group.parse::<i32>())) {
            Some(("+", Ok(group))) if group > 1 => drop(groups.insert(group)),
            Some(("-", Ok(group))) => drop(groups.remove(&group)),
            _ => {}
        }
    }
    groups.into_iter().filter_map(Pid::from_raw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_did_not_end_are_left() {
        let text = "+ 12\n+ 13\n- 12\n+ 1\n+ 0\n+ -5\nnonsense\n+ 14\n- 14\n+ 15\n";
        let left: Vec<i32> = left(text.as_bytes()).into_iter().map(Pid::as_raw_pid).collect();
        assert_eq!(left, [13, 15]);
        assert!(super::left(&b""[..]).is_empty());
    }
}
