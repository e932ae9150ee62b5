//! Temporary directories of a command, removed at its end; those that a killed command left are removed by the next one.
//!
//! 1. A directory is made under a recognisable name ([`PREFIX`] and random letters). In it lie the file [`LOCK`], on which the
//!    process holds the kernel's lock, and the folder [`WORK`], in which the command works.
//! 2. It is removed from the inside: the work, the lock file, the directory. So what a kill leaves is always one of: a directory
//!    with a lock file, or an empty directory.
//! 3. A command that makes one looks for others beside it and in the system's temporary directory first. One of the same user whose lock
//!    can be taken belongs to no living process: it gets another name, so that nothing which the dead process started writes into it
//!    any more, and is removed. An empty one is removed too; a process that has just made it makes itself another one.
//!
//! What is never removed: what another user owns, what a link leads to, what a living process holds, what holds anything but the two
//! entries, and everything on a file system without locks. No clock and no process id decides. Bounded: [`LOOKED_AT`] entries are
//! looked at, [`REMOVED`] directories are removed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::error::{Error, Result};
use crate::side::leavings;

/// Beginning of the names.
pub const PREFIX: &str = "parallax-scratch-";

/// Letters and digits behind the prefix.
const RANDOM: usize = 16;

/// The file on which the owner holds a lock.
const LOCK: &str = ".parallax-scratch.lock";

/// The folder in which the command works.
const WORK: &str = "work";

/// Entries of a temporary directory that are looked at for what was left.
const LOOKED_AT: usize = 50_000;

/// Directories removed by one command at most.
const REMOVED: usize = 64;

/// How often a directory is made anew where another process took it for a dead one.
const ATTEMPTS: usize = 16;

/// A temporary directory, removed with everything in it when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    home: PathBuf,
    work: PathBuf,
    /// Holds the lock.
    _lock: File,
    closed: bool,
}

impl Scratch {
    /// Makes a directory in `parent`, after removing what killed processes left there and in the system's temporary directory.
    ///
    /// # Errors
    /// Class `io` or `input` where it cannot be made.
    pub fn new(parent: &Path) -> Result<Self> {
        sweep(parent);
        let system = std::env::temp_dir();
        if system != parent {
            sweep(&system);
        }
        let cannot = |source| Error::io("cannot make a temporary directory in", parent, source);
        for _ in 0..ATTEMPTS {
            let made = tempfile::Builder::new().prefix(PREFIX).rand_bytes(RANDOM).tempdir_in(parent);
            let home = made.map_err(cannot)?.keep();
            match begin(&home) {
                Ok(Some(lock)) => {
                    return Ok(Self { work: home.join(WORK), home, _lock: lock, closed: false });
                }
                // Another process took it for what a dead one left.
                Ok(None) => {}
                Err(source) => {
                    drop(remove(&home));
                    return Err(cannot(source));
                }
            }
        }
        Err(Error::internal(format!(
            "every temporary directory in {} was removed by others",
            parent.display()
        )))
    }

    /// The directory to work in.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.work
    }

    /// Removes the directory.
    ///
    /// # Errors
    /// Class `io` where something in it resists.
    pub fn close(mut self) -> Result<()> {
        self.closed = true;
        remove(&self.home)
            .map_err(|source| Error::io("cannot remove the temporary directory", &self.home, source))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.closed {
            // The next command removes what resists now.
            drop(remove(&self.home));
        }
    }
}

/// Takes the lock of a new directory and makes its folder; nothing where another process was faster.
fn begin(home: &Path) -> std::io::Result<Option<File>> {
    let path = home.join(LOCK);
    let lock = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(None),
        // On a file system without locks no process removes what another one left.
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    if !is_at(&lock, &path) {
        return Ok(None);
    }
    std::fs::DirBuilder::new().mode(0o700).create(home.join(WORK))?;
    Ok(Some(lock))
}

/// Removes a directory from the inside out, so that at every moment it is empty or has its lock file.
fn remove(home: &Path) -> std::io::Result<()> {
    let tolerate = |result: std::io::Result<()>| match result {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    match std::fs::remove_dir_all(home.join(WORK)) {
        // A directory in there cannot be listed as it is.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => leavings::remove(&home.join(WORK))?,
        removed => tolerate(removed)?,
    }
    tolerate(std::fs::remove_file(home.join(LOCK)))?;
    tolerate(std::fs::remove_dir(home))
}

/// Removes what killed processes of this user left in `parent`.
fn sweep(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    let named =
        entries.take(LOOKED_AT).flatten().filter(|entry| is_name(&entry.file_name().to_string_lossy()));
    let user = rustix::process::geteuid().as_raw();
    let mut removed = 0;
    for entry in named {
        let home = entry.path();
        let own = std::fs::symlink_metadata(&home).is_ok_and(|facts| facts.is_dir() && facts.uid() == user);
        if own && sweep_one(&home, user) {
            removed += 1;
        }
        if removed == REMOVED {
            return;
        }
    }
}

/// Removes one directory where its owner is dead; true where it is gone.
fn sweep_one(home: &Path, user: u32) -> bool {
    let path = home.join(LOCK);
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let lock = match OpenOptions::new().write(true).custom_flags(flags).open(&path) {
        Ok(lock) => lock,
        // Killed before it had a lock, or after it had removed it: succeeds only where the directory is empty.
        Err(error) if error.kind() == ErrorKind::NotFound => return std::fs::remove_dir(home).is_ok(),
        Err(_) => return false,
    };
    let ours = lock.metadata().is_ok_and(|facts| facts.is_file() && facts.uid() == user);
    if !(ours && only_ours(home) && lock.try_lock().is_ok() && is_at(&lock, &path)) {
        return false;
    }
    let Some(parent) = home.parent() else { return false };
    // An empty directory of a new name, which the rename replaces in one step.
    let Ok(aside) = tempfile::Builder::new().prefix(PREFIX).rand_bytes(RANDOM).tempdir_in(parent) else {
        return false;
    };
    let aside = aside.keep();
    let moved = std::fs::rename(home, &aside);
    remove(&aside).is_ok() && moved.is_ok()
}

/// True where the directory holds nothing but what [`begin`] makes, and the folder is no link.
fn only_ours(home: &Path) -> bool {
    let Ok(mut entries) = std::fs::read_dir(home) else { return false };
    entries.all(|entry| {
        entry.is_ok_and(|entry| {
            let folder = entry.file_name() == WORK && entry.file_type().is_ok_and(|kind| kind.is_dir());
            folder || entry.file_name() == LOCK
        })
    })
}

fn is_name(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX);
    random.is_some_and(|rest| rest.len() == RANDOM && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// True where `path` names this open file.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), std::fs::symlink_metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A directory as a killed process leaves it.
    fn left_behind(parent: &Path, name: &str) -> PathBuf {
        let home = parent.join(name);
        std::fs::create_dir_all(home.join(WORK).join("job-0000")).unwrap();
        std::fs::write(home.join(WORK).join("job-0000/spill"), "rows").unwrap();
        std::fs::write(home.join(LOCK), "").unwrap();
        home
    }

    const DEAD: &str = "parallax-scratch-0123456789abcdef";

    #[test]
    fn a_directory_is_removed_with_what_is_in_it_and_the_next_removes_what_a_killed_one_left() {
        let parent = tempfile::tempdir().unwrap();
        left_behind(parent.path(), DEAD);
        // Killed before it had a lock file, and after it had removed it.
        std::fs::create_dir(parent.path().join("parallax-scratch-fedcba9876543210")).unwrap();
        let scratch = Scratch::new(parent.path()).unwrap();
        std::fs::write(scratch.path().join("spill"), "rows").unwrap();
        let own = scratch.home.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(is_name(&own), "{own}");
        assert_eq!(names(parent.path()), [own]);
        scratch.close().unwrap();
        let dropped = Scratch::new(parent.path()).unwrap();
        std::fs::create_dir(dropped.path().join("deep")).unwrap();
        drop(dropped);
        assert!(names(parent.path()).is_empty());
    }

    #[test]
    fn a_living_process_keeps_its_directory() {
        let parent = tempfile::tempdir().unwrap();
        let first = Scratch::new(parent.path()).unwrap();
        std::fs::write(first.path().join("spill"), "rows").unwrap();
        drop(Scratch::new(parent.path()).unwrap());
        assert!(first.path().join("spill").exists());
    }

    #[test]
    fn what_only_has_a_similar_name_or_holds_something_else_stays() {
        let parent = tempfile::tempdir().unwrap();
        for similar in
            ["parallax-scratch-short", "parallax-scratch-0123456789abcde-", "parallax-0123456789abcdef"]
        {
            left_behind(parent.path(), similar);
        }
        // The right name, but not what this program makes.
        let no_lock = parent.path().join("parallax-scratch-aaaaaaaaaaaaaaaa");
        std::fs::create_dir(&no_lock).unwrap();
        std::fs::write(no_lock.join("own"), "").unwrap();
        let more = left_behind(parent.path(), "parallax-scratch-bbbbbbbbbbbbbbbb");
        std::fs::write(more.join("own"), "").unwrap();
        std::fs::write(parent.path().join("parallax-scratch-cccccccccccccccc"), "a file").unwrap();
        // What another user owns, where the test may give it away.
        let foreign = left_behind(parent.path(), "parallax-scratch-dddddddddddddddd");
        if std::os::unix::fs::chown(&foreign, Some(65_534), None).is_err() {
            std::fs::remove_dir_all(&foreign).unwrap();
        }
        let before = names(parent.path());
        drop(Scratch::new(parent.path()).unwrap());
        assert_eq!(names(parent.path()), before);
        assert!(more.join(WORK).join("job-0000/spill").exists() && more.join("own").exists());
    }

    #[test]
    fn no_link_is_followed() {
        let parent = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let precious = left_behind(elsewhere.path(), "precious");
        // The directory itself, its folder, its lock, and a link within the work.
        std::os::unix::fs::symlink(&precious, parent.path().join(DEAD)).unwrap();
        let folder = left_behind(parent.path(), "parallax-scratch-aaaaaaaaaaaaaaaa");
        std::fs::remove_dir_all(folder.join(WORK)).unwrap();
        std::os::unix::fs::symlink(precious.join(WORK), folder.join(WORK)).unwrap();
        let lock = left_behind(parent.path(), "parallax-scratch-bbbbbbbbbbbbbbbb");
        std::fs::remove_file(lock.join(LOCK)).unwrap();
        std::os::unix::fs::symlink(precious.join(LOCK), lock.join(LOCK)).unwrap();
        let within = left_behind(parent.path(), "parallax-scratch-cccccccccccccccc");
        std::os::unix::fs::symlink(&precious, within.join(WORK).join("link")).unwrap();
        drop(Scratch::new(parent.path()).unwrap());
        assert!(precious.join(WORK).join("job-0000/spill").exists() && precious.join(LOCK).exists());
        assert!(folder.exists() && lock.exists() && !within.exists());
    }
}
