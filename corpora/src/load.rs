//! From what the user typed to a sorted list of segments.
//!
//! 1. An existing path wins over a pattern of the same spelling.
//! 2. A file is taken as it is, whatever its name; it must begin like a Parquet file.
//! 3. A directory gives the data files directly in it; only if there is none, those of all directories below.
//! 4. Anything with `*`, `?` or `[` is a glob pattern (`**` crosses directories); matched files count where they are data,
//!    matched directories do not.
//!
//! Which files of directories and patterns are data is the rule of [`crate::listing`], as for outputs. A directory that is a
//! Delta Lake, Iceberg or Hudi table is refused. Footers are not read here: see [`crate::inspect`].

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

use crate::error::{Error, Result};
use crate::listing::{self, Name, Table};
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
    let paths: Vec<&Path> = found.iter().map(PathBuf::as_path).collect();
    let mut repeated = listing::repeated(&paths).into_iter();
    found.retain(|_| repeated.next() != Some(true));
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

/// Left out in directories and patterns, by its name.
fn is_passed_over(name: &OsStr, directory: bool) -> bool {
    Name::of(name, directory) != Name::Plain
}

/// True for a regular file that is data.
fn is_data(path: &Path) -> Result<bool> {
    if listing::is_parquet_name(path) {
        regular::check_unless_missing(path).map_err(|error| Error::io("read", path, error))?;
    }
    // What is neither a file nor named like one is not opened.
    if !path.is_file() {
        return Ok(false);
    }
    listing::is_data(path).map_err(|error| Error::io("read", path, error))
}

fn refused(table: Table, folder: &Path) -> Error {
    Error::input(format!(
        "{} is {}: its log ({}) says which files are live, and that is not read; name the live files as the inputs of a job \
         list ({})",
        folder.display(),
        table.name(),
        table.log(),
        table.lister()
    ))
}

fn in_directory(root: &Path) -> Result<Vec<PathBuf>> {
    if let Some(table) = Table::around(root) {
        return Err(refused(table, root));
    }
    let mut direct = Vec::new();
    let mut below = Vec::new();
    let mut table = None;
    let walk = WalkDir::new(root).min_depth(1).follow_links(true).into_iter();
    let walk = walk.filter_entry(|entry| {
        let passed_over = entry.depth() > 0 && is_passed_over(entry.file_name(), entry.file_type().is_dir());
        if table.is_none() && (passed_over || entry.file_name() == "metadata") {
            table = Table::marked_by(entry.path()).map(|table| (table, entry.path().to_owned()));
        }
        !passed_over
    });
    for entry in walk {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            match error.into_io_error() {
                Some(io) => Error::io("read", &path, io),
                None => Error::input(format!("{} links back to a directory above it", path.display())),
            }
        })?;
        if !entry.file_type().is_dir() && is_data(entry.path())? {
            if entry.depth() == 1 { &mut direct } else { &mut below }.push(entry.into_path());
        }
    }
    if let Some((table, mark)) = table {
        return Err(refused(table, mark.parent().unwrap_or(root)));
    }
    if direct.is_empty() {
        direct = below;
    }
    if direct.is_empty() {
        return Err(Error::input(format!(
            "no Parquet file in directory {} or below it (looked at names and first and last bytes; names that begin with `_` or \
             `.` and are no `key=value` do not count)",
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
        let count = path.components().count();
        let passed_over = path
            .components()
            .enumerate()
            .skip(fixed)
            .any(|(index, part)| is_passed_over(part.as_os_str(), index + 1 < count || path.is_dir()));
        if !passed_over && is_data(&path)? {
            found.push(path);
        } else if path.is_file() {
            others += 1;
        }
    }
    if found.is_empty() {
        let others = if others == 0 {
            String::new()
        } else {
            format!(
                " ({others} other file(s) match; only Parquet counts, and no names that begin with `_` or `.` and are no \
                 `key=value`)"
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
            let text = if file.ends_with(".toml") { "id = 'x'" } else { "PAR1....PAR1" };
            std::fs::write(path, text).unwrap();
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
    fn segments_are_known_by_their_bytes_and_partition_folders_count_whatever_they_begin_with() {
        let dir =
            tree(&["a.pq", "000000_0", "_SUCCESS", ".a.pq.crc", "_metadata", "_old.parquet", "job.toml"]);
        assert_eq!(names(&dir, ""), ["000000_0", "a.pq"]);
        let dir = tree(&["_org=7/a.parquet", "_temporary/0/b.parquet", "_old/c.parquet", "x/.hour=1/d"]);
        assert_eq!(names(&dir, ""), ["_org=7/a.parquet", "x/.hour=1/d"]);
        assert_eq!(names(&dir, "/*/*"), ["_org=7/a.parquet"]);
        assert_eq!(names(&dir, "/**/*"), ["_org=7/a.parquet", "x/.hour=1/d"]);
    }

    #[test]
    fn a_link_to_a_segment_beside_it_adds_no_rows() {
        let dir = tree(&["a.parquet"]);
        std::os::unix::fs::symlink("a.parquet", dir.path().join("latest")).unwrap();
        assert_eq!(names(&dir, ""), ["a.parquet"]);
        assert_eq!(names(&dir, "/*"), ["a.parquet"]);
        assert_eq!(names(&dir, "/latest"), ["latest"]);
    }

    #[test]
    fn a_table_is_refused_with_the_way_to_name_its_live_files() {
        for (files, said) in [
            (&["a.parquet", "_delta_log/0.json"][..], "is a Delta Lake table"),
            (&["deep/a.parquet", "deep/_delta_log/0.json"], "deep is a Delta Lake table"),
            (&["data/a.parquet", "metadata/v1.metadata.json"], "is an Iceberg table"),
            (&["a.parquet", ".hoodie/hoodie.properties"], "is a Hudi table"),
        ] {
            let dir = tree(files);
            let error = load(dir.path().to_str().unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Input);
            assert!(error.to_string().contains(said) && error.to_string().contains("job list"), "{error}");
        }
        let dir = tree(&["a.parquet", "metadata/notes.json"]);
        assert_eq!(names(&dir, ""), ["a.parquet"], "a folder of that name is no table");
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
