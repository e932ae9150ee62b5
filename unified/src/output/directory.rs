//! The output directory: all files of a job appear, or none.
//!
//! Files are written under temporary names in the output directory itself, so that the final rename never crosses a
//! file system. Whatever was not committed is removed when this is dropped.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::error::{Error, Result};

/// Base of the names of files where none is given.
pub(crate) const DEFAULT_BASE_NAME: &str = "part";

/// Name of the mark of files with [`DEFAULT_BASE_NAME`].
const SET_MARK: &str = "_SUCCESS";

/// Names of the files of a job.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    directory: PathBuf,
    base_name: String,
}

impl Names {
    pub(crate) fn new(directory: PathBuf, base_name: String) -> Self {
        Self { directory, base_name }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Name of the mark that the set of files gets when it is complete.
    pub(crate) fn mark(&self) -> String {
        if self.base_name == DEFAULT_BASE_NAME {
            SET_MARK.to_string()
        } else {
            format!("{SET_MARK}-{}", self.base_name)
        }
    }

    fn name(&self, index: usize) -> String {
        format!("{}-{index:05}.parquet", self.base_name)
    }

    /// Final path of the file with this index.
    pub(crate) fn path(&self, index: usize) -> PathBuf {
        self.directory.join(self.name(index))
    }
}

/// The files of one job.
#[derive(Debug)]
pub(crate) struct OutputDirectory {
    names: Names,
    files: Vec<TempPath>,
}

impl OutputDirectory {
    /// # Errors
    /// Where the directory is not there.
    pub(crate) fn open(path: PathBuf, base_name: String) -> Result<Self> {
        let metadata = std::fs::metadata(&path)
            .map_err(|source| Error::io("opening output directory", &path, source))?;
        if !metadata.is_dir() {
            let source = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            return Err(Error::io("opening output directory", &path, source));
        }
        Ok(Self { names: Names::new(path, base_name), files: Vec::new() })
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// A new file under a temporary name, readable as other files are (the process's mask applies).
    pub(crate) fn create(&self) -> Result<(File, TempPath)> {
        tempfile::Builder::new()
            .prefix(".unified-")
            .suffix(".tmp")
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(&self.names.directory)
            .map(tempfile::NamedTempFile::into_parts)
            .map_err(|source| Error::io("creating a file in", &self.names.directory, source))
    }

    /// Keeps a finished file for the commit. The next name is its own.
    pub(crate) fn keep(&mut self, file: TempPath) {
        self.files.push(file);
    }

    /// Gives all files their final names and then the set its mark; with `sync`, each is on stable storage before the next.
    /// A job without files leaves no mark: there is nothing that could name it.
    ///
    /// # Errors
    /// Where a name is taken or the file system refuses; the files renamed before that are removed again.
    pub(crate) fn commit(&mut self, sync: bool) -> Result<()> {
        let files = std::mem::take(&mut self.files);
        if files.is_empty() {
            return Ok(());
        }
        let mut done = Vec::with_capacity(files.len() + 1);
        let named = self.name_all(files, sync, &mut done);
        if named.is_err() {
            // The mark, which is the last, goes first.
            done.iter().rev().for_each(|path| remove(path));
        }
        named
    }

    fn name_all(&self, files: Vec<TempPath>, sync: bool, done: &mut Vec<PathBuf>) -> Result<()> {
        let count = files.len();
        self.unmark(count, sync)?;
        for (index, file) in files.into_iter().enumerate() {
            let path = self.names.path(index);
            file.persist_noclobber(&path)
                .map_err(|failure| Error::io("renaming a finished file to", &path, failure.error))?;
            done.push(path);
        }
        // The names are safe once the directory is.
        self.sync_directory(sync)?;
        let (mut file, temporary) = self.create()?;
        let list: String = (0..count).map(|index| self.names.name(index) + "\n").collect();
        let mark = self.names.directory.join(self.names.mark());
        file.write_all(list.as_bytes()).map_err(|source| Error::io("writing", &mark, source))?;
        if sync {
            file.sync_all().map_err(|source| Error::io("syncing", &mark, source))?;
        }
        temporary
            .persist_noclobber(&mark)
            .map_err(|failure| Error::io("marking the finished files with", &mark, failure.error))?;
        done.push(mark);
        self.sync_directory(sync)
    }

    /// Removes the mark of an earlier set, whose files are gone: it must not stand beside a part of this one.
    ///
    /// # Errors
    /// A name that one of `count` files is to have is taken: then the earlier set may be complete, and keeps its mark.
    fn unmark(&self, count: usize, sync: bool) -> Result<()> {
        let taken =
            (0..count).map(|index| self.names.path(index)).find(|path| path.symlink_metadata().is_ok());
        if let Some(path) = taken {
            let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
            return Err(Error::io("renaming a finished file to", &path, source));
        }
        let mark = self.names.directory.join(self.names.mark());
        match std::fs::remove_file(&mark) {
            Ok(()) => self.sync_directory(sync),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(Error::io("removing the mark of an earlier set", &mark, source)),
        }
    }

    fn sync_directory(&self, sync: bool) -> Result<()> {
        if !sync {
            return Ok(());
        }
        File::open(&self.names.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|source| Error::io("syncing", &self.names.directory, source))
    }
}

/// Best effort: the failure that led here is the one to report.
fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}
