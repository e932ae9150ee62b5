//! Writing a report's files: every format, and the document last (see [`crate::file_set`]).

use std::path::Path;

use crate::document::Report;
use crate::error::Result;
use crate::file_set::FileSet;
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
/// [`crate::Error::Io`] naming the path, [`crate::Error::Format`]. Where not even the first file got its name, the older files are untouched.
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::file_set::is_temporary;
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
