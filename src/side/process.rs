//! Runs one external program in a process group of its own, under a deadline, and leaves nothing of it running.
//!
//! 1. The program starts as leader of a new process group, stdin empty, stdout and stderr piped. One thread a pipe
//!    drains it, so that a chatty program never blocks: stdout is thrown away, of stderr the last [`STDERR_KEPT`] bytes
//!    are kept.
//! 2. The leader is polled, every 20 ms at most, until it ends, the deadline passes or a stop is requested.
//! 3. At the deadline or on a request the whole group gets SIGTERM, and after [`GRACE`] SIGKILL. After an end of its
//!    own, whatever of the group outlives the leader by [`LINGER`] gets SIGKILL.
//! 4. Where the harness itself is killed, its guard ends the group (see `guard`).
//!
//! What it does not do: a process that left the group (`setsid`) is out of reach. It can hold the pipes open; they are
//! then waited for no longer than [`DRAIN`].

use std::collections::VecDeque;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::guard::{self, Guarded};
use crate::cancel::Cancel;

/// Bytes of stderr that are kept, counted from its end.
pub const STDERR_KEPT: usize = 64 << 10;
/// Time between SIGTERM and SIGKILL.
pub const GRACE: Duration = Duration::from_secs(2);
/// Time that helpers of a program may outlive it, for example a resource tracker that is about to notice.
pub const LINGER: Duration = Duration::from_millis(500);
/// Time for the pipes to run dry once the group is gone.
pub const DRAIN: Duration = Duration::from_secs(1);
/// Time for killed processes to vanish.
const VANISH: Duration = Duration::from_secs(10);
/// Pause between two looks at what the program leaves.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Longest pause between two looks at the leader.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// What became of a program.
#[derive(Debug)]
pub struct Ended {
    /// Why it ended.
    pub cause: Cause,
    /// Last part of its stderr; a first line in brackets says how much was cut, and a last one that processes had to be
    /// ended.
    pub stderr: String,
    /// Wall time from start to the end of the group.
    pub duration: Duration,
}

/// Why a program ended.
#[derive(Debug)]
pub enum Cause {
    /// It could not be started.
    NotStarted(std::io::Error),
    /// It ended by itself, or somebody else ended it.
    Exited(ExitStatus),
    /// The deadline passed.
    TimedOut,
    /// The harness was asked to stop.
    Cancelled,
    /// Its watch stopped it, for this reason.
    Stopped(String),
}

/// Looked at now and then while a program runs: the reason to stop it, where there is one.
pub type Watch<'a> = &'a mut dyn FnMut() -> Option<String>;

/// Runs `command` to its end, at most for `timeout`.
pub fn run(command: &mut Command, timeout: Duration, cancel: &Cancel) -> Ended {
    run_watched(command, timeout, cancel, &mut || None)
}

/// The same, asking `watch` every quarter of a second, and less often where it takes its time.
pub fn run_watched(command: &mut Command, timeout: Duration, cancel: &Cancel, watch: Watch<'_>) -> Ended {
    run_ended_by(command, timeout, cancel, watch, Signal::TERM)
}

/// The same; at the deadline and on a request the group gets the signal `first`.
pub fn run_ended_by(
    command: &mut Command,
    timeout: Duration,
    cancel: &Cancel,
    watch: Watch<'_>,
    first: Signal,
) -> Ended {
    // The guard starts first: a program that is not known to it yet survives a killed harness.
    guard::ready();
    let started = Instant::now();
    let spawned =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            let cause = Cause::NotStarted(error);
            return Ended { cause, stderr: String::new(), duration: started.elapsed() };
        }
    };
    // The leader's id is the group's id. It is the id of a living child: positive, and not our own group's.
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let guarded = group.map(Guarded::new);
    let tail = Arc::new(Mutex::new(Tail::default()));
    let drained = drain(&mut child, &tail);
    let (cause, dry) = match drained {
        Ok(dry) => (wait(&mut child, started, timeout, cancel, watch), Some(dry)),
        // Its output would fill the pipes, and it would wait for ever.
        Err(error) => (Cause::NotStarted(error), None),
    };
    let mut note = None;
    if let Some(group) = group {
        let gone = match cause {
            Cause::TimedOut | Cause::Cancelled | Cause::Stopped(_) => {
                signal(group, first);
                vanished(&mut child, group, GRACE)
            }
            Cause::NotStarted(_) => false,
            Cause::Exited(_) => {
                let gone = vanished(&mut child, group, LINGER);
                if !gone {
                    note = Some("[processes that the side left running were ended]");
                }
                gone
            }
        };
        if !gone {
            signal(group, Signal::KILL);
            if !vanished(&mut child, group, VANISH) {
                note = Some("[processes of the side did not end on SIGKILL]");
            }
        }
    }
    drop(guarded);
    let open = dry.is_some_and(|dry| !wait_until_dry(&dry));
    let mut stderr = tail.lock().unwrap_or_else(PoisonError::into_inner).text();
    for line in
        note.into_iter().chain(open.then_some("[a process outside the side's group holds its output open]"))
    {
        if !stderr.is_empty() && !stderr.ends_with('\n') {
            stderr.push('\n');
        }
        stderr.push_str(line);
    }
    Ended { cause, stderr, duration: started.elapsed() }
}

/// Waits for the leader.
fn wait(child: &mut Child, started: Instant, timeout: Duration, cancel: &Cancel, watch: Watch<'_>) -> Cause {
    let mut pause = Duration::from_millis(1);
    let mut next_look = started + LOOK_EVERY;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Cause::Exited(status),
            Ok(None) => {}
            // Nobody else reaps our child; if it happens all the same, its status is lost and it did not succeed.
            Err(_) => return Cause::Exited(ExitStatus::from_raw(0xff00)),
        }
        if cancel.is_requested() {
            return Cause::Cancelled;
        }
        if started.elapsed() >= timeout {
            return Cause::TimedOut;
        }
        let now = Instant::now();
        if now >= next_look {
            if let Some(why) = watch() {
                return Cause::Stopped(why);
            }
            next_look = Instant::now() + LOOK_EVERY.max(now.elapsed() * 20);
        }
        thread::sleep(pause.min(timeout.saturating_sub(started.elapsed())));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Sends a signal to the whole group. A group that is gone already is what was wanted.
fn signal(group: Pid, signal: Signal) {
    let _ = kill_process_group(group, signal);
}

/// Waits until no process of the group runs any more; false where some still does after `patience`.
fn vanished(child: &mut Child, group: Pid, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    let mut pause = Duration::from_millis(1);
    loop {
        // Reaps the leader, which would otherwise stay in the group as a zombie.
        let leader_gone = !matches!(child.try_wait(), Ok(None));
        if leader_gone && !runs(group) {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// True where a process of the group runs. The id of a group is not given away while the group has members, and process
/// ids are handed out in a cycle, so right after the leader was reaped it cannot mean another group.
fn runs(group: Pid) -> bool {
    if test_kill_process_group(group).is_err() {
        return false;
    }
    // The group has members. Where nobody reaps orphans (a container without an init) they may all be dead.
    runs_by_proc(group).unwrap_or(true)
}

/// Looks the group up in /proc; `None` where there is no such thing.
fn runs_by_proc(group: Pid) -> Option<bool> {
    let mut seen = false;
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name();
        if !name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        let Ok(stat) = std::fs::read(entry.path().join("stat")) else { continue };
        seen = true;
        if let Some((state, member_of)) = state_and_group(&stat)
            && member_of == group.as_raw_pid()
            && !matches!(state, b'Z' | b'X' | b'x')
        {
            return Some(true);
        }
    }
    seen.then_some(false)
}

/// State and process group from `/proc/PID/stat`: `pid (name) state ppid pgrp ...`. The name may hold anything, so the
/// fields are counted from its last bracket.
fn state_and_group(stat: &[u8]) -> Option<(u8, i32)> {
    let after = stat.iter().rposition(|&byte| byte == b')')? + 1;
    let mut fields = stat[after..].split(|byte| byte.is_ascii_whitespace()).filter(|field| !field.is_empty());
    let state = *fields.next()?.first()?;
    let group = std::str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?;
    Some((state, group))
}

/// Starts a thread a pipe. The receiver gets nothing and only closes once both have run dry.
fn drain(child: &mut Child, tail: &Arc<Mutex<Tail>>) -> std::io::Result<Receiver<()>> {
    let (open, dry) = channel();
    if let Some(stdout) = child.stdout.take() {
        read_away(stdout, None, open.clone())?;
    }
    if let Some(stderr) = child.stderr.take() {
        read_away(stderr, Some(Arc::clone(tail)), open)?;
    }
    Ok(dry)
}

/// Reads a pipe to its end, holding `open` until then.
fn read_away(
    mut pipe: impl Read + Send + 'static,
    tail: Option<Arc<Mutex<Tail>>>,
    open: Sender<()>,
) -> std::io::Result<()> {
    let read = move || {
        let mut buffer = [0; 8 << 10];
        loop {
            match pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    if let Some(tail) = &tail {
                        tail.lock().unwrap_or_else(PoisonError::into_inner).push(&buffer[..count]);
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        drop(open);
    };
    thread::Builder::new().name("pipe".to_owned()).spawn(read).map(drop)
}

/// False where a pipe is still open after [`DRAIN`].
fn wait_until_dry(dry: &Receiver<()>) -> bool {
    !matches!(dry.recv_timeout(DRAIN), Err(RecvTimeoutError::Timeout))
}

/// The last bytes of a stream.
#[derive(Debug, Default)]
struct Tail {
    bytes: VecDeque<u8>,
    cut: u64,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let over = self.bytes.len().saturating_sub(STDERR_KEPT);
        self.bytes.drain(..over);
        self.cut += over as u64;
    }

    /// As text; bytes that are no UTF-8 become replacement characters.
    fn text(&mut self) -> String {
        let bytes = self.bytes.make_contiguous();
        if self.cut == 0 {
            return String::from_utf8_lossy(bytes).into_owned();
        }
        // The cut may have fallen inside a character: its rest is no use.
        let start = bytes.iter().take(3).take_while(|&&byte| byte & 0b1100_0000 == 0b1000_0000).count();
        format!(
            "[{} bytes before this were cut]\n{}",
            self.cut + start as u64,
            String::from_utf8_lossy(&bytes[start..])
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_keeps_the_end_and_counts_what_it_cut() {
        let mut tail = Tail::default();
        tail.push("é".repeat(STDERR_KEPT).as_bytes());
        tail.push(b"x");
        let text = tail.text();
        let (head, rest) = text.split_once('\n').unwrap();
        assert_eq!(head, format!("[{} bytes before this were cut]", STDERR_KEPT + 2));
        assert_eq!(rest, "é".repeat(STDERR_KEPT / 2 - 1) + "x", "no half character is left at the cut");
    }

    #[test]
    fn bytes_that_are_no_text_become_replacement_characters() {
        let mut tail = Tail::default();
        tail.push(b"a\xffb");
        assert_eq!(tail.text(), "a\u{fffd}b");
    }

    #[test]
    fn the_fields_of_a_process_are_counted_after_its_name_whatever_that_holds() {
        assert_eq!(state_and_group(b"12 (sh) S 1 34 5 0"), Some((b'S', 34)));
        assert_eq!(state_and_group(b"12 (a) Z 9 (b) R 1 77 5 0\n"), Some((b'R', 77)));
        assert_eq!(state_and_group(b"12 (sh"), None);
    }
}
