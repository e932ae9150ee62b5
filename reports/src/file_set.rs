//! Files of one directory, each written whole or not at all, and the document last.
//!
//! 1. The text of every file goes to a hidden file of the process's own in the same directory, and is flushed to the disk.
//! 2. When all are there, each is renamed over its name, which the file system does in one step; the document (`report.json`,
//!    `gate.json`, `trend.json`, `selftest.json`) is the last one.
//! 3. Where anything fails before the first rename, the hidden files are removed and the older files stay as they were.
//!
//! So a process that is killed leaves either the older files, or newer ones of which each is whole. In a directory that was cleared
//! before, the document is there only when all others are.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// True for the hidden name under which one of the files `names` is written: what a killed process left.
#[must_use]
pub fn is_temporary(name: &str, names: &[&str]) -> bool {
    let inner = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".tmp"));
    inner.and_then(|inner| inner.rsplit_once('.')).is_some_and(|(file, process)| {
        names.contains(&file) && !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Files of one directory that get their names together. Dropped before [`FileSet::publish`], it leaves nothing.
pub(crate) struct FileSet<'a> {
    dir: &'a Path,
    /// Hidden file and final name of each.
    staged: Vec<(PathBuf, PathBuf)>,
}

impl<'a> FileSet<'a> {
    /// An empty set for `dir`, which is created where it is missing.
    pub(crate) fn new(dir: &'a Path) -> Result<Self> {
        fs::create_dir_all(dir).map_err(|source| Error::Io { action: "create", path: dir.into(), source })?;
        Ok(Self { dir, staged: Vec::new() })
    }

    /// Writes one file under its hidden name.
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.dir.join(name);
        let hidden = self.dir.join(format!(".{name}.{}.tmp", std::process::id()));
        self.staged.push((hidden.clone(), path.clone()));
        put(&hidden, content).map_err(|source| Error::Io { action: "write", path, source })
    }

    /// Gives all files their names, in the order in which they were added.
    pub(crate) fn publish(mut self) -> Result<()> {
        for (hidden, path) in &self.staged {
            fs::rename(hidden, path).map_err(|source| Error::Io {
                action: "rename to",
                path: path.clone(),
                source,
            })?;
        }
        self.staged.clear();
        Ok(())
    }
}

impl Drop for FileSet<'_> {
    fn drop(&mut self) {
        for (hidden, _) in &self.staged {
            // The first failure is the one to report; a hidden file that cannot be removed either changes nothing of it.
            let _ = fs::remove_file(hidden);
        }
    }
}

/// Writes one file through a hidden name in its directory.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut set = FileSet { dir: path.parent().unwrap_or(Path::new("")), staged: Vec::new() };
    set.add(&name, content)?;
    set.publish()
}

fn put(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_keeps_the_older_file_and_names_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index.html");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("kept"), "x").unwrap();
        let message = write_file(&path, b"new").unwrap_err().to_string();
        assert!(message.contains("index.html"), "{message}");
        let names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["index.html"]);
        assert!(path.join("kept").exists());
    }
}
