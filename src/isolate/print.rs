//! What a file was when it was looked at, and in words what became of it since.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use reports::manifest::ErrorClass;

use crate::content;
use crate::errno;
use crate::error::{Error, Result};

/// A file at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Print {
    /// A regular file, perhaps behind a link.
    There {
        /// Where the link leads, where the path is one.
        link: Option<PathBuf>,
        /// Permission bits.
        mode: u32,
        /// Size in bytes.
        bytes: u64,
        /// What it holds: a digest of the bytes, or facts that stand for it.
        content: String,
    },
    /// There is nothing.
    Gone,
    /// It is there and cannot be read, for this reason.
    Odd(String),
}

impl Print {
    /// Looks at a file. `content` says what it holds: a digest that was taken just now, say.
    ///
    /// # Errors
    /// Class `io` where the machine does not give the file back.
    pub(super) fn with(
        path: &Path,
        content: impl FnOnce(&fs::Metadata) -> io::Result<String>,
    ) -> Result<Self> {
        Self::look(path, content).or_else(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(Self::Gone),
            _ if errno::of_machine(&error) && !corpora::regular::is_refusal(&error) => Err(Error::new(
                ErrorClass::Io,
                format!("cannot see whether {} was changed: {error}", path.display()),
            )
            .with_source(error)),
            _ => Ok(Self::Odd(error.to_string())),
        })
    }

    /// Looks at a file and reads it.
    ///
    /// # Errors
    /// As [`Print::with`].
    pub(super) fn of(path: &Path) -> Result<Self> {
        Self::with(path, |_| content::digest_of(path))
    }

    fn look(path: &Path, content: impl FnOnce(&fs::Metadata) -> io::Result<String>) -> io::Result<Self> {
        let itself = fs::symlink_metadata(path)?;
        let link = itself.is_symlink().then(|| fs::read_link(path)).transpose()?;
        let found = if link.is_some() { fs::metadata(path)? } else { itself };
        if let Some(kind) = corpora::regular::special(found.file_type()) {
            return Ok(Self::Odd(format!("it is {kind}")));
        }
        if found.is_dir() {
            return Ok(Self::Odd("it is a directory".to_owned()));
        }
        let (mode, bytes) = (found.permissions().mode() & 0o7777, found.len());
        Ok(Self::There { link, mode, bytes, content: content(&found)? })
    }

    /// Size in bytes; 0 for what cannot be read.
    pub(super) fn bytes(&self) -> u64 {
        if let Self::There { bytes, .. } = self { *bytes } else { 0 }
    }

    /// The digest of a file that was read.
    pub(super) fn content(&self) -> Option<&str> {
        if let Self::There { content, .. } = self { Some(content) } else { None }
    }

    /// What became of it since; `None` where it is as it was.
    pub(super) fn became(&self, now: &Self) -> Option<String> {
        if self == now {
            return None;
        }
        Some(match (self, now) {
            (_, Self::Gone) => "it was removed".to_owned(),
            (_, Self::Odd(why)) => format!("it cannot be read any more: {why}"),
            (
                Self::There { link: was, mode: mode_was, bytes: bytes_was, content: held },
                Self::There { link: is, mode, bytes, content },
            ) => {
                if was.is_none() && is.is_some() {
                    "it was replaced by a link".to_owned()
                } else if was.is_some() && is.is_none() {
                    "it was a link and was replaced by a file".to_owned()
                } else if was != is {
                    "it is a link, which leads elsewhere now".to_owned()
                } else if bytes_was != bytes {
                    format!("its {bytes_was} bytes became {bytes}")
                } else if held != content {
                    "it holds other bytes, as many as before".to_owned()
                } else {
                    format!("its permissions were {mode_was:04o} and are {mode:04o}")
                }
            }
            (_, Self::There { .. }) => "it was not there, or not a file, and is one now".to_owned(),
        })
    }

    /// Facts that stand for the content of a file that is not read: they change with it on most file systems, not on all.
    pub(super) fn facts(found: &fs::Metadata) -> String {
        let (modified, changed) = ((found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec()));
        format!("{} {} {modified:?} {changed:?}", found.dev(), found.ino())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn whatever_becomes_of_a_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let become_of = |change: &dyn Fn()| {
            drop(fs::remove_file(&path));
            fs::write(&path, "one").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            let before = Print::of(&path).unwrap();
            change();
            before.became(&Print::of(&path).unwrap()).unwrap_or_default()
        };
        let other = folder.path().join("other");
        fs::write(&other, "one").unwrap();
        assert_eq!(become_of(&|| {}), "");
        assert_eq!(become_of(&|| fs::write(&path, "one").unwrap()), "", "the same bytes again");
        assert_eq!(become_of(&|| fs::write(&path, "on").unwrap()), "its 3 bytes became 2");
        assert!(become_of(&|| fs::write(&path, "two").unwrap()).contains("other bytes"));
        assert_eq!(become_of(&|| fs::remove_file(&path).unwrap()), "it was removed");
        let mode = || fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(become_of(&mode), "its permissions were 0644 and are 0600");
        let link = || {
            fs::remove_file(&path).unwrap();
            symlink(&other, &path).unwrap();
        };
        assert_eq!(become_of(&link), "it was replaced by a link", "although the bytes are the same");
        let folder = || {
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
        };
        assert!(become_of(&folder).contains("it is a directory"));
        fs::remove_dir(&path).unwrap();
    }
}
