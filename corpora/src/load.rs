//! From what the user typed to a sorted list of segments.
//!
//! 1. An existing path wins over a pattern of the same spelling.
//! 2. A file is taken as it is, whatever its name; it must begin like a Parquet file.
//! 3. A directory gives the `*.parquet` directly in it; only if there is none, those of all directories below.
//! 4. Anything with `*`, `?` or `[` is a glob pattern (`**` crosses directories); matched files count when they end in
//!    `.parquet`, matched directories do not.
//!
//! Names that begin with `_` or `.` are left out in directories and patterns (they are temporary or bookkeeping files by
//! convention), files and directories alike. Footers are not read here: see [`crate::inspect`].

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

use crate::error::{Error, Result};
use crate::regular;
use crate::segment::check_magic;

/// The segments that `spec` means, sorted by path.
///
/// # Errors
/// No such path, a directory or pattern without Parquet files, a named file that is no Parquet file
/// (all [`crate::ErrorKind::Input`]); a malformed pattern ([`crate::ErrorKind::Config`]); a directory that cannot be read.
pub fn load(spec: &str) -> Result<Vec<PathBuf>> {
    let path = Path::new(spec);
    let mut found = if path.is_dir() {
        in_directory(path)?
    } else if path.exists() {
        check_magic(path)?;
        vec![path.to_owned()]
    } else if is_pattern(spec) {
        matching(spec)?
    } else {
        return Err(Error::input(format!("no such file or directory: {spec}")));
    };
    found.sort();
    Ok(found)
}

/// The directory that belongs to `spec`: itself, that of the file, or the one before the first wildcard.
pub(crate) fn home(spec: &str) -> PathBuf {
    let path = Path::new(spec);
    if path.is_dir() {
        return path.to_owned();
    }
    let literal: PathBuf = if path.exists() {
        path.parent().map(Path::to_owned).unwrap_or_default()
    } else {
        let wild = |part: &Component<'_>| part.as_os_str().to_str().is_some_and(is_pattern);
        let last = path.components().next_back();
        path.components().take_while(|part| !wild(part) && Some(part) != last.as_ref()).collect()
    };
    if literal.as_os_str().is_empty() { PathBuf::from(".") } else { literal }
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Left out in directories and patterns.
fn is_hidden(name: &OsStr) -> bool {
    matches!(name.as_encoded_bytes().first(), Some(b'_' | b'.'))
}

fn is_parquet_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
}

fn in_directory(root: &Path) -> Result<Vec<PathBuf>> {
    let mut direct = Vec::new();
    let mut below = Vec::new();
    let walk = WalkDir::new(root).min_depth(1).follow_links(true).into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name())) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            match error.into_io_error() {
                Some(io) => Error::io("read", &path, io),
                None => Error::input(format!("{} links back to a directory above it", path.display())),
            }
        })?;
        if is_parquet_name(entry.path()) && regular::special(entry.file_type()).is_some() {
            regular::check(entry.path()).map_err(|error| Error::io("read", entry.path(), error))?;
        }
        if entry.file_type().is_file() && is_parquet_name(entry.path()) {
            if entry.depth() == 1 { &mut direct } else { &mut below }.push(entry.into_path());
        }
    }
    if direct.is_empty() {
        direct = below;
    }
    if direct.is_empty() {
        return Err(Error::input(format!(
            "no Parquet file in directory {} or below it (looked for *.parquet; names that begin with `_` or `.` do not count)",
            root.display()
        )));
    }
    Ok(direct)
}

fn matching(pattern: &str) -> Result<Vec<PathBuf>> {
    let paths = glob::glob(pattern)
        .map_err(|error| Error::config(format!("pattern {pattern} is malformed: {error}")))?;
    let fixed = home(pattern).components().count();
    let mut found = Vec::new();
    let mut others = 0_usize;
    for path in paths {
        let path = path.map_err(|error| {
            let path = error.path().to_owned();
            Error::io("read", &path, error.into())
        })?;
        if is_parquet_name(&path) {
            regular::check_unless_missing(&path).map_err(|error| Error::io("read", &path, error))?;
        }
        if !path.is_file() {
            continue;
        }
        let hidden = path.components().skip(fixed).any(|part| is_hidden(part.as_os_str()));
        if is_parquet_name(&path) && !hidden {
            found.push(path);
        } else {
            others += 1;
        }
    }
    if found.is_empty() {
        let others = if others == 0 {
            String::new()
        } else {
            format!(
                " ({others} other file(s) match; only *.parquet count, and no names that begin with `_` or `.`)"
            )
        };
        return Err(Error::input(format!("no Parquet file matches {pattern}{others}")));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "PAR1....PAR1").unwrap();
        }
        dir
    }

    fn names(dir: &tempfile::TempDir, spec: &str) -> Vec<String> {
        let found = load(&format!("{}{spec}", dir.path().display())).unwrap();
        let strip = |path: &PathBuf| path.strip_prefix(dir.path()).unwrap().display().to_string();
        found.iter().map(strip).collect()
    }

    #[test]
    fn a_directory_gives_its_own_segments_sorted_and_leaves_bookkeeping_out() {
        let dir = tree(&["b.parquet", "a.parquet", "_tmp.parquet", ".x.parquet", "job.toml", "c/d.parquet"]);
        assert_eq!(names(&dir, ""), ["a.parquet", "b.parquet"]);
        assert_eq!(names(&dir, "/"), ["a.parquet", "b.parquet"]);
    }

    #[test]
    fn a_directory_without_segments_of_its_own_is_searched_below() {
        let dir = tree(&["x/b.parquet", "x/y/a.parquet", "w/c.PARQUET", "_old/d.parquet", ".git/e.parquet"]);
        assert_eq!(names(&dir, ""), ["w/c.PARQUET", "x/b.parquet", "x/y/a.parquet"]);
    }

    #[test]
    fn a_pattern_matches_segments_only() {
        let dir = tree(&["x/b.parquet", "x/_b.parquet", "y/a.parquet", "y/job.toml", "_z/a.parquet"]);
        assert_eq!(names(&dir, "/*/*"), ["x/b.parquet", "y/a.parquet"]);
        assert_eq!(names(&dir, "/**/*.parquet"), ["x/b.parquet", "y/a.parquet"]);
        assert_eq!(names(&dir, "/[x]/?.parquet"), ["x/b.parquet"]);
    }

    #[test]
    fn an_existing_path_wins_over_a_pattern_of_the_same_spelling() {
        let dir = tree(&["odd[1].parquet", "odd1.parquet"]);
        assert_eq!(names(&dir, "/odd[1].parquet"), ["odd[1].parquet"]);
    }

    #[test]
    fn a_named_file_may_have_any_name_but_must_be_parquet() {
        let dir = tree(&["_segment.bin"]);
        assert_eq!(names(&dir, "/_segment.bin"), ["_segment.bin"]);
        let text = dir.path().join("notes.txt");
        std::fs::write(&text, "hello, this is text").unwrap();
        let error = load(text.to_str().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(error.to_string().contains("notes.txt is not a Parquet file"), "{error}");
    }

    #[test]
    fn nothing_found_is_an_input_error_that_says_where_was_looked() {
        let dir = tree(&["job.toml", "_a.parquet"]);
        let root = dir.path().to_str().unwrap();
        for (spec, expected) in [
            (format!("{root}/nowhere"), "no such file or directory"),
            (root.to_owned(), "no Parquet file in directory"),
            (format!("{root}/*.parquet"), "1 other file(s) match"),
            (format!("{root}/z*"), "no Parquet file matches"),
        ] {
            let error = load(&spec).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Input);
            assert!(error.to_string().contains(expected) && error.to_string().contains(root), "{error}");
        }
        assert_eq!(load(&format!("{root}/a**b")).unwrap_err().kind(), ErrorKind::Config);
    }

    #[test]
    fn the_home_of_a_pattern_ends_before_the_first_wildcard() {
        assert_eq!(home("/no/such/x*/y.parquet"), Path::new("/no/such"));
        assert_eq!(home("*.parquet"), Path::new("."));
        assert_eq!(home("/no/such/file.parquet"), Path::new("/no/such"));
    }
}
