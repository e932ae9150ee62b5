//! The output directory: all files of a job appear, or none.
//!
//! Files are written under temporary names in the output directory itself, so that the final rename never crosses a
//! file system. Whatever was not committed is removed when this is dropped.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::error::{Error, Result};

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

    /// Final path of the file with this index.
    pub(crate) fn path(&self, index: usize) -> PathBuf {
        self.directory.join(format!("{}-{index:05}.parquet", self.base_name))
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

    /// Gives all files their final names and, with `sync`, brings the names to stable storage.
    ///
    /// # Errors
    /// Where a name is taken or the file system refuses; the files renamed before that are removed again.
    pub(crate) fn commit(&mut self, sync: bool) -> Result<()> {
        let mut done: Vec<PathBuf> = Vec::with_capacity(self.files.len());
        for (index, file) in std::mem::take(&mut self.files).into_iter().enumerate() {
            let path = self.names.path(index);
            match file.persist_noclobber(&path) {
                Ok(()) => done.push(path),
                Err(failure) => {
                    done.iter().for_each(|path| remove(path));
                    return Err(Error::io("renaming a finished file to", &path, failure.error));
                }
            }
        }
        // The names are safe once the directory is.
        let synced = if sync {
            File::open(&self.names.directory).and_then(|directory| directory.sync_all())
        } else {
            Ok(())
        };
        synced.map_err(|source| {
            done.iter().for_each(|path| remove(path));
            Error::io("syncing", &self.names.directory, source)
        })
    }
}

/// Best effort: the failure that led here is the one to report.
fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}
