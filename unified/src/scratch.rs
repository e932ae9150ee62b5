//! Where temporary files lie: in one directory, made with the first of them and removed with the writer, whatever happens.

use std::fs::File;
use std::path::PathBuf;

use tempfile::{TempDir, TempPath};

use crate::error::{Error, Result};

/// Where temporary files go. Nothing is created before it is needed.
#[derive(Debug)]
pub(crate) struct Scratch {
    parent: PathBuf,
    directory: Option<TempDir>,
    next: usize,
}

impl Scratch {
    pub(crate) fn new(parent: PathBuf) -> Self {
        Self { parent, directory: None, next: 0 }
    }

    /// Another place for temporary files beside this one.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.parent.clone())
    }

    /// A new empty file that is removed when the path is dropped.
    pub(crate) fn file(&mut self) -> Result<(File, TempPath)> {
        let directory = match &self.directory {
            Some(directory) => directory.path(),
            None => {
                let made = tempfile::Builder::new()
                    .prefix(".unified-")
                    .tempdir_in(&self.parent)
                    .map_err(|source| Error::io("creating a scratch directory in", &self.parent, source))?;
                self.directory.insert(made).path()
            }
        };
        let path = directory.join(format!("{:06}", self.next));
        self.next += 1;
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| Error::io("creating", &path, source))?;
        let path = TempPath::try_from_path(&path).map_err(|source| Error::io("creating", &path, source))?;
        Ok((file, path))
    }

    /// A new empty file without a name, gone when it is closed, and the directory in whose place it lies.
    pub(crate) fn unnamed(&self) -> Result<(File, PathBuf)> {
        let file = tempfile::tempfile_in(&self.parent)
            .map_err(|source| Error::io("creating a file in", &self.parent, source))?;
        Ok((file, self.parent.clone()))
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) -> Result<()> {
        match self.directory.take() {
            Some(directory) => {
                let path = directory.path().to_path_buf();
                directory.close().map_err(|source| Error::io("removing", &path, source))
            }
            None => Ok(()),
        }
    }
}
