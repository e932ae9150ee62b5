//! A directory that one process at a time writes to, marked as this program's.
//!
//! 1. The process makes [`LOCK`] in the directory, takes the kernel's lock on it and writes its own id into it. A second process
//!    does not get the lock: it is refused before it has changed anything.
//! 2. The kernel frees the lock when its holder ends, however it ends. So a killed process blocks no other one.
//! 3. The file is removed at the end. Where the holder was killed it stays, and marks the directory as one of this program that
//!    the next command of the same kind may clear. Nothing else is written before the mark.
//!
//! On a file system without locks (some network file systems) two processes cannot see each other: the command goes on, and
//! [`Claim::is_locked`] is false. The mark works there as well.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use reports::manifest::ErrorClass;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Name of the lock and mark in a directory that is being written.
pub const LOCK: &str = ".parallax.lock";

/// Bytes of a mark: always as many, so that one write replaces an older one whole.
const MARK_BYTES: usize = 128;

/// How often the lock file may be exchanged under our hands before that counts as another process at work.
const ATTEMPTS: usize = 16;

/// What a directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A report of `run`, `bench`, `compare`, `verify`, `replay` or `report`.
    Report,
    /// A decision of `gate`.
    Gate,
    /// A trend.
    Trend,
    /// What `selftest` leaves.
    Selftest,
    /// A corpus that `minimize` makes.
    Minimize,
    /// The output of `write`.
    Write,
}

impl Kind {
    /// What a directory of this kind is called.
    fn place(self) -> &'static str {
        match self {
            Self::Report => "report directory",
            Self::Write => "output directory",
            Self::Gate | Self::Trend | Self::Selftest | Self::Minimize => "directory",
        }
    }

    /// What a directory of this kind holds.
    fn holds(self) -> &'static str {
        match self {
            Self::Report => "report of an earlier run",
            Self::Gate => "earlier decision",
            Self::Trend => "earlier trend",
            Self::Selftest => "earlier self-test",
            Self::Minimize => "earlier corpus",
            Self::Write => "earlier output",
        }
    }
}

/// The text of a mark.
#[derive(Serialize, Deserialize)]
struct Mark {
    tool: Tool,
    kind: Kind,
    pid: u32,
}

#[derive(Serialize, Deserialize)]
struct Tool {
    name: String,
}

/// A directory that this process may write to until the value is dropped.
#[derive(Debug)]
#[must_use = "the directory is free again once this is dropped"]
pub struct Claim {
    dir: PathBuf,
    file: File,
    made: bool,
    locked: bool,
}

impl Claim {
    /// Takes the directory `dir`, which is made where it is missing. `option` is the one that names another directory.
    ///
    /// # Errors
    /// Class `usage` where another process has it, or where something else has the name of the lock; class `io` where the directory
    /// cannot be written.
    pub fn take(dir: &Path, kind: Kind, option: &str) -> Result<Self> {
        let cannot = |what: &str, source: std::io::Error| {
            Error::new(ErrorClass::Io, format!("cannot {what} {}: {source}", dir.display()))
        };
        let made = !dir.exists();
        std::fs::create_dir_all(dir)
            .map_err(|source| cannot(&format!("make the {}", kind.place()), source))?;
        let path = dir.join(LOCK);
        for _ in 0..ATTEMPTS {
            let file =
                open(&path).map_err(|source| cannot(&format!("write to the {}", kind.place()), source))?;
            if !file.metadata().is_ok_and(|facts| facts.is_file()) {
                return Err(Error::usage(format!("{} is no file; remove it", path.display())));
            }
            let locked = match file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => return Err(in_use(&path, option)),
                // No lock at all is no reason not to work: see the head of this file.
                Err(TryLockError::Error(_)) => false,
            };
            // Its holder may have removed it after it was opened here: then the lock is on a file without a name.
            if !is_at(&file, &path) {
                continue;
            }
            let claim = Self { dir: dir.to_owned(), file, made, locked };
            claim.mark(kind).map_err(|source| cannot(&format!("write to the {}", kind.place()), source))?;
            return Ok(claim);
        }
        Err(in_use(&path, option))
    }

    /// False on a file system without locks: another process in the directory is not noticed.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// True where a command of this kind was at work in `dir` and was killed, or still is.
    #[must_use]
    pub fn marks(dir: &Path, kind: Kind) -> bool {
        read(&dir.join(LOCK)).is_some_and(|mark| mark.tool.name == "parallax" && mark.kind == kind)
    }

    fn mark(&self, kind: Kind) -> std::io::Result<()> {
        let mark = Mark { tool: Tool { name: "parallax".to_owned() }, kind, pid: std::process::id() };
        let text = serde_json::to_string(&mark)?;
        self.file.write_all_at(format!("{text:<width$}\n", width = MARK_BYTES - 1).as_bytes(), 0)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let path = self.dir.join(LOCK);
        // The lock is held until the file is closed, so that no other process takes a file that is about to go.
        if is_at(&self.file, &path) {
            drop(std::fs::remove_file(&path));
        }
        if self.made {
            // Only an empty directory goes: that of a command that could not do its work.
            drop(std::fs::remove_dir(&self.dir));
        }
    }
}

/// Makes a directory ready for the files `names` of one command: takes it and removes those of an earlier one.
///
/// # Errors
/// As [`Claim::take`]; also class `usage` where the directory holds files, but none of an earlier command of this kind.
pub fn begin(dir: &Path, kind: Kind, names: &[&str], option: &str) -> Result<Claim> {
    let document = names.iter().find(|name| name.ends_with(".json"));
    let known = document.is_some_and(|name| dir.join(name).is_file()) || Claim::marks(dir, kind);
    if !known && !is_bare(dir, names) {
        return Err(Error::usage(format!(
            "{} is not empty and holds no {}; name another directory with {option}, or empty it",
            crate::error::display(dir),
            kind.holds()
        )));
    }
    let claim = Claim::take(dir, kind, option)?;
    remove(dir, names)?;
    Ok(claim)
}

/// True for a directory that is missing or holds nothing but what a killed process may have left before its mark.
fn is_bare(dir: &Path, names: &[&str]) -> bool {
    let Ok(mut entries) = std::fs::read_dir(dir) else { return true };
    entries.all(|entry| {
        entry.is_ok_and(|entry| {
            let name = entry.file_name();
            name == LOCK || reports::is_temporary(&name.to_string_lossy(), names)
        })
    })
}

/// Removes the files `names`, and what a killed process left under their hidden names. Documents go first: one that is there says that
/// all other files are.
///
/// # Errors
/// Class `io` where a file resists.
pub fn remove(dir: &Path, names: &[&str]) -> Result<()> {
    for name in names.iter().filter(|name| name.ends_with(".json")) {
        remove_file(&dir.join(name))?;
    }
    let hidden = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let hidden = hidden.filter(|name| reports::is_temporary(&name.to_string_lossy(), names));
    for name in names.iter().map(Into::into).chain(hidden) {
        remove_file(&dir.join(name))?;
    }
    Ok(())
}

/// Removes a file where it is there.
///
/// # Errors
/// Class `io` where it resists.
pub fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::new(ErrorClass::Io, format!("cannot remove {}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

/// Opens the lock file; neither a link nor a FIFO leads elsewhere or waits.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    OpenOptions::new().read(true).write(true).create(true).truncate(false).custom_flags(flags).open(path)
}

/// True where `path` names this open file.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), std::fs::symlink_metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

fn read(path: &Path) -> Option<Mark> {
    // A lock file that another process is about to remove is read as it is.
    let facts = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mut text = String::new();
    File::open(path).ok()?.take(facts.len().min(4 * MARK_BYTES as u64)).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// The message names neither path nor data, so that a redacted command shows it as well.
fn in_use(path: &Path, option: &str) -> Error {
    let process = read(path).map_or_else(String::new, |mark| format!(" ({})", mark.pid));
    Error::usage(format!(
        "another process{process} is writing to the directory that {option} names; wait for its end, or name another one with \
         {option}"
    ))
    .plain()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 2] = ["gate.md", "gate.json"];

    fn begun(dir: &Path) -> Result<Claim> {
        begin(dir, Kind::Gate, &NAMES, "--out")
    }

    #[test]
    fn a_second_claim_is_refused_and_changes_nothing_until_the_first_is_dropped() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("deep/gate");
        let first = begun(&dir).unwrap();
        assert!(first.is_locked());
        std::fs::write(dir.join("gate.json"), "{}").unwrap();
        let refused = begun(&dir).unwrap_err();
        assert_eq!(refused.class, ErrorClass::Usage);
        let own = format!("another process ({}) is writing", std::process::id());
        assert!(refused.message.starts_with(&own), "{}", refused.message);
        assert!(dir.join("gate.json").exists() && dir.join(LOCK).exists());
        drop(first);
        assert!(!dir.join(LOCK).exists());
        drop(begun(&dir).unwrap());
        assert!(!dir.join("gate.json").exists(), "the earlier file is cleared by the next command");
    }

    #[test]
    fn a_mark_that_was_left_behind_is_a_directory_of_that_kind_and_no_lock() {
        let home = tempfile::tempdir().unwrap();
        let first = begun(home.path()).unwrap();
        // As after SIGKILL: the file stays, the lock does not.
        let text = std::fs::read(home.path().join(LOCK)).unwrap();
        drop(first);
        std::fs::write(home.path().join(LOCK), &text).unwrap();
        std::fs::write(home.path().join("gate.md"), "half").unwrap();
        std::fs::write(home.path().join(".gate.json.17.tmp"), "half").unwrap();
        std::fs::write(home.path().join("own"), "of somebody").unwrap();
        assert!(Claim::marks(home.path(), Kind::Gate) && !Claim::marks(home.path(), Kind::Trend));
        let other = begin(home.path(), Kind::Trend, &["trend.json"], "--out").unwrap_err();
        assert!(other.message.contains("holds no earlier trend"), "{}", other.message);
        drop(begun(home.path()).unwrap());
        let left: Vec<_> =
            std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["own"]);
    }

    #[test]
    fn an_empty_lock_file_alone_makes_no_directory_foreign_and_does_not_excuse_other_files() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(LOCK), "").unwrap();
        drop(begun(home.path()).unwrap());
        std::fs::write(home.path().join(LOCK), "").unwrap();
        std::fs::write(home.path().join("gate.md"), "of somebody").unwrap();
        let error = begun(home.path()).unwrap_err();
        assert!(error.message.contains("holds no earlier decision"), "{}", error.message);
        assert!(home.path().join("gate.md").exists());
    }

    #[test]
    fn a_directory_made_for_nothing_is_removed_and_a_link_as_lock_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("new");
        drop(begun(&dir).unwrap());
        assert!(!dir.exists());
        std::fs::create_dir(&dir).unwrap();
        let target = home.path().join("target");
        std::fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, dir.join(LOCK)).unwrap();
        assert_eq!(begun(&dir).unwrap_err().class, ErrorClass::Io);
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
    }
}
