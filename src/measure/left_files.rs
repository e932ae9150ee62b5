//! The files that a measured run left: what they hold and which they are.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use reports::manifest::ErrorClass;

use super::once::Left;
use crate::content;
use crate::error::{Error, Result};
use crate::output::Found;
use crate::output::manifest::{self, Statement};

/// The bytes of an output: folder and digest of each file, in order.
pub(super) type Bytes = Vec<(String, String)>;

/// A file, whatever its name: device and inode.
pub(super) type Inode = (u64, u64);

/// Whether a side that ended well says in its manifest that it did; the fault, as the end of a sentence about it, otherwise.
pub(super) fn read(left: &Left) -> Result<std::result::Result<(), String>> {
    Ok(match manifest::examine(&left.output)? {
        Ok(Statement::Failure(failure)) => Err(format!("failed ({}): {}", failure.class, failure.message)),
        Ok(_) => Ok(()),
        Err(fault) => Err(format!("ended well but left an unusable manifest: {fault}")),
    })
}

/// Folder and digest of every file of an output that is read; `None` where something cannot be read.
pub(super) fn bytes(output: &Path) -> Result<Option<Bytes>> {
    let found = match Found::below(output, false) {
        Ok(found) => found,
        Err(error) if error.class == ErrorClass::Input => return Ok(None),
        Err(error) => return Err(error),
    };
    if !found.unreadable.is_empty() || !found.disguised.is_empty() {
        return Ok(None);
    }
    let digest = |(path, file): &(String, PathBuf)| {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        Ok((folder.to_owned(), content::digest(file)?))
    };
    match found.parquet.par_iter().map(digest).collect::<Result<Bytes>>() {
        Ok(mut bytes) => {
            bytes.sort();
            Ok(Some(bytes))
        }
        Err(error) if error.is_denied() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A regular file below a directory.
pub(super) struct File {
    pub(super) path: PathBuf,
    /// Links to it anywhere.
    pub(super) links: u64,
    /// Links to it below the directory.
    pub(super) seen: u64,
}

/// The regular files below a directory; links are not followed.
pub(super) fn inodes(root: &Path) -> Result<BTreeMap<Inode, File>> {
    let mut files: BTreeMap<Inode, File> = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root) {
        let facts = entry.and_then(|entry| Ok((entry.metadata()?, entry.into_path())));
        let (facts, path) = facts.map_err(|error| {
            Error::new(ErrorClass::Io, format!("cannot list {}: {error}", root.display())).with_source(error)
        })?;
        if facts.is_file() {
            let file = files.entry((facts.dev(), facts.ino())).or_insert(File {
                path,
                links: facts.nlink(),
                seen: 0,
            });
            file.seen += 1;
        }
    }
    Ok(files)
}
