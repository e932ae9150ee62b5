//! Writing a report's files, each whole or not at all, and the document last.
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

use crate::document::Report;
use crate::error::{Error, Result};
use crate::{csv, html, json, junit, markdown};

/// Names of the files that [`write_all`] leaves, in the order in which they get their names.
pub const FILES: [&str; 12] = [
    "findings.csv",
    "rows.csv",
    "blast.csv",
    "files.csv",
    "sizes.csv",
    "layout.csv",
    "checks.csv",
    "performance.csv",
    "junit.xml",
    "summary.md",
    "index.html",
    "report.json",
];

/// Writes the CSV files, `junit.xml`, `summary.md`, `index.html` and `report.json` into `dir`, which is created where it is missing.
///
/// # Errors
/// [`Error::Io`] naming the path, [`Error::Format`]. Where not even the first file got its name, the older files are untouched.
pub fn write_all(report: &Report, dir: &Path) -> Result<()> {
    let mut set = FileSet::new(dir)?;
    for (name, text) in csv::render_all(report)? {
        set.add(name, text.as_bytes())?;
    }
    set.add("junit.xml", junit::render(report)?.as_bytes())?;
    set.add("summary.md", markdown::render(report).as_bytes())?;
    set.add("index.html", html::render(report).as_bytes())?;
    set.add("report.json", json::to_text(report)?.as_bytes())?;
    set.publish()
}

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
    use crate::fixture;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn every_file_is_written_and_nothing_temporary_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("deep/report");
        write_all(&fixture::rich(), &out).unwrap();
        let mut expected = FILES.map(str::to_owned);
        expected.sort();
        assert_eq!(names(&out), expected);
        assert!(FILES.iter().all(|name| fs::metadata(out.join(name)).unwrap().len() > 0));
    }

    #[test]
    fn writing_again_gives_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        write_all(&fixture::rich(), &one).unwrap();
        write_all(&json::read_json(&one.join("report.json")).unwrap(), &two).unwrap();
        for name in FILES {
            assert!(fs::read(one.join(name)).unwrap() == fs::read(two.join(name)).unwrap(), "{name}");
        }
    }

    #[test]
    fn a_failed_write_keeps_the_older_file_and_names_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index.html");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("kept"), "x").unwrap();
        let message = write_file(&path, b"new").unwrap_err().to_string();
        assert!(message.contains("index.html"), "{message}");
        assert_eq!(names(dir.path()), ["index.html"]);
        assert!(path.join("kept").exists());
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        let message = write_all(&fixture::passing(), &file.join("out")).unwrap_err().to_string();
        assert!(message.starts_with("create ") && message.contains("file/out"), "{message}");
    }

    #[test]
    fn where_one_file_cannot_be_written_no_older_file_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        for name in FILES {
            fs::write(dir.path().join(name), "older").unwrap();
        }
        // The last but one cannot be staged: a directory has its hidden name.
        let hidden = dir.path().join(format!(".index.html.{}.tmp", std::process::id()));
        fs::create_dir(&hidden).unwrap();
        let message = write_all(&fixture::rich(), dir.path()).unwrap_err().to_string();
        assert!(message.contains("index.html"), "{message}");
        fs::remove_dir(&hidden).unwrap();
        let mut expected = FILES.map(str::to_owned);
        expected.sort();
        assert_eq!(names(dir.path()), expected, "nothing hidden is left");
        for name in FILES {
            assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), "older", "{name}");
        }
    }

    #[test]
    fn the_document_gets_its_name_after_all_others() {
        let dir = tempfile::tempdir().unwrap();
        // The page cannot get its name, for a directory has it: then there is no document either.
        fs::create_dir(dir.path().join("index.html")).unwrap();
        write_all(&fixture::rich(), dir.path()).unwrap_err();
        let left = names(dir.path());
        assert!(left.contains(&"junit.xml".to_owned()), "{left:?}");
        assert!(!left.iter().any(|name| name.contains("report.json")), "{left:?}");
        assert_eq!(FILES.last(), Some(&"report.json"));
    }

    #[test]
    fn only_hidden_names_of_these_files_are_temporary() {
        let is = |name: &str| is_temporary(name, &FILES);
        assert!(is(".report.json.17.tmp") && is(".index.html.4000000.tmp"));
        for other in [
            "report.json",
            ".report.json..tmp",
            ".report.json.x1.tmp",
            ".other.json.17.tmp",
            ".report.json.17",
        ] {
            assert!(!is(other), "{other}");
        }
    }
}
