//! Which files of this machine a report may have packed.
//!
//! A report names inputs, outputs, configuration and policy by path. One that was received could name any file, so `bundle` takes
//! only files below the report directory and below directories that the user names. Links are followed first: the file
//! counts where it lies.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The directories that files are taken from.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Canonical paths; absent: every file that this user can read.
    roots: Option<Vec<PathBuf>>,
}

impl Reach {
    /// Every file: for repeating a job on this machine, where nothing is packed.
    #[must_use]
    pub fn anything() -> Self {
        Self { roots: None }
    }

    /// Files below the report at `source` and below `allowed`. A report named as a document gives its folder of kept outputs
    /// alone: other files beside a document that was received need not belong to it.
    ///
    /// # Errors
    /// Class `usage` for a directory that is not there.
    pub fn below(source: &Path, allowed: &[PathBuf]) -> Result<Self> {
        let mut roots = Vec::new();
        let own = if source.is_dir() {
            source.to_path_buf()
        } else {
            source.parent().unwrap_or(Path::new("")).join(crate::report_dir::OUTPUTS)
        };
        roots.extend(own.canonicalize());
        for root in allowed {
            let found = root.canonicalize().ok().filter(|root| root.is_dir()).ok_or_else(|| {
                Error::usage(format!("--allow-root {}: there is no such directory", root.display()))
            })?;
            roots.push(found);
        }
        Ok(Self { roots: Some(roots) })
    }

    /// The file to open for `path`, which the report calls `what`: a plain file within reach.
    ///
    /// # Errors
    /// Class `input` where it is out of reach, missing, or no plain file.
    pub fn file(&self, path: &Path, what: &str) -> Result<PathBuf> {
        let whole = path.canonicalize().map_err(|source| {
            let hint = if path.is_relative() { "; run this from the directory of the run" } else { "" };
            Error::input(format!("cannot copy {what} {}: {source}{hint}", path.display()))
        })?;
        let within = self.roots.as_ref().is_none_or(|roots| roots.iter().any(|root| whole.starts_with(root)));
        if !within {
            let root = whole.parent().unwrap_or(&whole);
            return Err(Error::input(format!(
                "{what} {} lies outside of the report, and a report may name any file; if it belongs to the job, allow its \
                 directory with --allow-root {}",
                path.display(),
                root.display()
            )));
        }
        if whole.is_file() {
            Ok(whole)
        } else {
            Err(Error::input(format!("cannot copy {what} {}: it is no plain file", path.display())))
        }
    }
}
