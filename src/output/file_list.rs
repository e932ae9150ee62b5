//! A list of files as an output: `@FILE`, for outputs whose live files only a log knows, as in a Delta Lake or Iceberg table.
//!
//! The list is a text file with one path a line, relative to the folder of the list. Lines of white space and lines that begin
//! with `#` are passed over; a path that begins with `#` is written `./#..`. Every path must be that of a regular file, and no
//! file may be named twice: its rows would count twice. The files are taken as they are, whatever their names, and nothing else is
//! looked at: no manifest, no mark, no other file of their folders.
//!
//! In reports a file has its path below the folder that all listed files share. Where that folder is a partition (`key=value`), the
//! folder above the partitions is taken, so that partitions stay in the paths.
//!
//! A path that is there and begins with `@` is itself, as an existing path wins over a pattern.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use corpora::listing;

use crate::error::{Error, Result};

/// The files of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileList {
    /// The folder that all of them share, above partitions.
    pub root: PathBuf,
    /// Path relative to the root and where to open it, in the order of the list.
    pub files: Vec<(String, PathBuf)>,
}

/// The list file that a path of the form `@FILE` names; none for a path that is there, or of another form.
#[must_use]
pub fn named(path: &Path) -> Option<PathBuf> {
    let list = path.as_os_str().as_bytes().strip_prefix(b"@").filter(|list| !list.is_empty())?;
    path.symlink_metadata().is_err().then(|| PathBuf::from(OsStr::from_bytes(list)))
}

/// The path of an output as written in a document in `folder`: a list too counts from there.
#[must_use]
pub fn joined(folder: &Path, path: &Path) -> PathBuf {
    let own = folder.join(path);
    if own.symlink_metadata().is_ok() {
        return own;
    }
    let Some(list) = named(path) else { return own };
    let mut text = std::ffi::OsString::from("@");
    text.push(folder.join(list));
    PathBuf::from(text)
}

impl FileList {
    /// Reads a list.
    ///
    /// # Errors
    /// Class `input`, with file and line, for a path that is no regular file or is there twice, and for a list without files;
    /// class `io` where the machine does not give the list back.
    pub fn read(list: &Path) -> Result<Self> {
        let bytes = corpora::regular::read(list)
            .map_err(|source| Error::io("cannot read the list of files", list, source))?;
        let folder = list.parent().unwrap_or(Path::new(""));
        let mut seen: BTreeMap<PathBuf, usize> = BTreeMap::new();
        let mut paths = Vec::new();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if matches!(line.trim_ascii_start().first(), None | Some(b'#')) {
                continue;
            }
            let number = index + 1;
            let path = folder.join(OsStr::from_bytes(line));
            let wrong = |said: String| {
                Error::input(format!("{}:{number}: {} {said}", list.display(), path.display()))
            };
            let facts = std::fs::metadata(&path).map_err(|source| {
                let hint = if line.windows(3).any(|part| part == b"://") {
                    "; name a file of this machine, not a URL"
                } else {
                    ""
                };
                wrong(format!("cannot be read: {source}{hint}"))
            })?;
            if facts.is_dir() {
                return Err(wrong("is a directory; name the files in it".to_owned()));
            }
            corpora::regular::check(&path).map_err(|source| wrong(format!("cannot be read: {source}")))?;
            let whole = path.canonicalize().map_err(|source| wrong(format!("cannot be read: {source}")))?;
            if let Some(first) = seen.insert(whole, number) {
                return Err(wrong(format!("is there already, in line {first}; its rows would count twice")));
            }
            paths.push(path);
        }
        if paths.is_empty() {
            return Err(Error::input(format!("{} lists no file", list.display())));
        }
        Ok(Self::of(&paths))
    }

    fn of(paths: &[PathBuf]) -> Self {
        let plain: Vec<PathBuf> = paths.iter().map(|path| plain(path)).collect();
        let mut root = plain.first().and_then(|path| path.parent()).unwrap_or(Path::new("")).to_owned();
        while !plain.iter().all(|path| path.starts_with(&root)) {
            if !root.pop() {
                break;
            }
        }
        while root.file_name().is_some_and(listing::is_partition) {
            root.pop();
        }
        let relative = |path: &PathBuf| crate::error::display(path.strip_prefix(&root).unwrap_or(path));
        let files = plain.iter().map(relative).zip(paths.iter().cloned()).collect();
        Self { root, files }
    }
}

/// The absolute path without `.` and `..`; links are not followed.
fn plain(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        dir
    }

    fn read(dir: &tempfile::TempDir, text: &str) -> Result<FileList> {
        let list = dir.path().join("lists/live.txt");
        std::fs::create_dir_all(list.parent().unwrap()).unwrap();
        std::fs::write(&list, text).unwrap();
        FileList::read(&list)
    }

    #[test]
    fn paths_count_from_the_folder_of_the_list_and_partitions_stay_in_the_paths_of_the_report() {
        let dir = tree(&["t/a=1/x", "t/a=2/y", "t/a=2/dead", "t/a=2/_z", "#odd"]);
        let absolute = dir.path().join("t/a=2/_z").display().to_string();
        let list = read(&dir, &format!("# live\n\n../t/a=1/x\r\n  \n./../t/a=2/y\n{absolute}\n")).unwrap();
        let names: Vec<&str> = list.files.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(names, ["a=1/x", "a=2/y", "a=2/_z"]);
        assert_eq!(list.root, dir.path().join("t"));
        assert!(list.files.iter().all(|(_, path)| path.is_file()));

        let one = read(&dir, "../t/a=2/y").unwrap();
        assert_eq!((one.files[0].0.as_str(), one.root), ("a=2/y", dir.path().join("t")));
        assert_eq!(read(&dir, ".././#odd").unwrap().files[0].0, "#odd");
    }

    #[test]
    fn a_list_that_names_no_files_or_one_twice_is_refused_with_its_line() {
        let dir = tree(&["a", "b/c"]);
        std::os::unix::fs::symlink(dir.path().join("a"), dir.path().join("link")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            dir.path().join("pipe"),
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        for (text, said) in [
            ("\n# none\n", "lists no file"),
            ("../a\n\n../gone", "live.txt:3: "),
            ("../gone", "cannot be read: No such file"),
            ("s3://bucket/a.parquet", "not a URL"),
            ("../b", "is a directory; name the files in it"),
            ("../pipe", "it is a named pipe"),
            ("../a\n../b/../a", "is there already, in line 1"),
            ("../link\n../a", "is there already, in line 1"),
        ] {
            let error = read(&dir, text).unwrap_err();
            assert_eq!(error.class, reports::manifest::ErrorClass::Input);
            assert!(error.message.contains(said), "{text:?}: {}", error.message);
        }
        assert!(FileList::read(&dir.path().join("no-list")).is_err());
    }

    #[test]
    fn a_path_that_is_there_is_no_list_and_one_in_a_document_counts_from_its_folder() {
        let dir = tree(&["@there", "live.txt"]);
        let at = |name: &str| dir.path().join(name);
        assert_eq!(named(Path::new("@live.txt")), Some(PathBuf::from("live.txt")));
        assert_eq!(named(Path::new("@")), None);
        assert_eq!(named(Path::new("old")), None);
        assert_eq!(joined(dir.path(), Path::new("@there")), at("@there"));
        assert_eq!(joined(dir.path(), Path::new("old")), at("old"));
        assert_eq!(named(&joined(dir.path(), Path::new("@live.txt"))), Some(at("live.txt")));
        assert_eq!(named(&joined(dir.path(), Path::new("@/abs"))), Some(PathBuf::from("/abs")));
    }
}
