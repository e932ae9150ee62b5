//! Writing a report's files, each whole or not at all.
//!
//! 1. The text goes to a hidden file of the process's own in the same directory.
//! 2. It is flushed to the disk and renamed over its name, which the file system does in one step.
//! 3. Where anything fails before that, the hidden file is removed and an older file of the name stays as it was.
//!
//! `report.json` is written first: whatever happens to the others, they can be rendered from it again.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::document::Report;
use crate::error::{Error, Result};
use crate::{csv, html, json, junit, markdown};

/// Names of the files that [`write_all`] leaves, in the order it writes them.
pub const FILES: [&str; 12] = [
    "report.json",
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
];

/// Writes `report.json`, the CSV files, `junit.xml`, `summary.md` and `index.html` into `dir`, which is created where it is missing.
///
/// # Errors
/// [`Error::Io`] naming the path, [`Error::Format`]. Files written before the failure stay.
pub fn write_all(report: &Report, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|source| Error::Io { action: "create", path: dir.into(), source })?;
    json::write_json(report, &dir.join("report.json"))?;
    for (name, text) in csv::render_all(report)? {
        write_file(&dir.join(name), text.as_bytes())?;
    }
    write_file(&dir.join("junit.xml"), junit::render(report)?.as_bytes())?;
    write_file(&dir.join("summary.md"), markdown::render(report).as_bytes())?;
    write_file(&dir.join("index.html"), html::render(report).as_bytes())
}

/// Writes one file through a temporary name in its directory.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = put(&temporary, content)
        .map_err(|source| Error::Io { action: "write", path: path.into(), source })
        .and_then(|()| {
            fs::rename(&temporary, path).map_err(|source| Error::Io {
                action: "rename to",
                path: path.into(),
                source,
            })
        });
    if written.is_err() {
        // The first failure is the one to tell; a temporary file that cannot be removed either changes nothing of it.
        let _ = fs::remove_file(&temporary);
    }
    written
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
}
