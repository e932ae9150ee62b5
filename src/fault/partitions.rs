//! Faults of rows whose partition is the name of a folder.

use std::path::Path;

use reports::manifest::Manifest;

use super::site::Site;
use crate::error::{Error, Result};
use crate::output::manifest::FILE_NAME;

/// The partition of all rows of an output without fault.
const RIGHT: &str = "planted_partition=1";

/// Another one.
const WRONG: &str = "planted_partition=2";

/// That of rows without a value.
const NULL: &str = "planted_partition=__HIVE_DEFAULT_PARTITION__";

/// Column of [`extras`](super::extras) that names the folder of its rows, which is [`HELD_IN`].
pub(super) const HELD: &str = "planted_folder";

/// The folder that the column names, and another one.
const HELD_IN: &str = "planted_folder=1";
const HELD_ELSEWHERE: &str = "planted_folder=2";

/// Puts every listed file into the folder of one partition, as both sides of a partitioned table have it.
///
/// # Errors
/// Where a file cannot be moved.
pub(crate) fn lay(root: &Path, manifest: &mut Manifest) -> Result<()> {
    laid(root, manifest, RIGHT)
}

/// Puts every listed file into the folder that its own column names.
///
/// # Errors
/// Where a file cannot be moved.
pub(super) fn lay_held(root: &Path, manifest: &mut Manifest) -> Result<()> {
    laid(root, manifest, HELD_IN)
}

fn laid(root: &Path, manifest: &mut Manifest, folder: &str) -> Result<()> {
    (0..manifest.files.len()).try_for_each(|index| put(root, manifest, index, folder))?;
    beside(root, root, &root.join(folder), false)
}

/// Brings what lies beside the data in one folder, such as the mark of a set, into another; it stays where it is as well where data
/// stays there.
fn beside(root: &Path, from: &Path, to: &Path, stays: bool) -> Result<()> {
    let failed = |source| Error::io("cannot write to", to, source);
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, name) = (entry.path(), entry.file_name());
        let data = path.extension().is_some_and(|it| it == "parquet") || path == root.join(FILE_NAME);
        if path.is_file() && !data && to.is_dir() {
            let done = if stays {
                std::fs::copy(&path, to.join(name)).map(drop)
            } else {
                std::fs::rename(&path, to.join(name))
            };
            done.map_err(failed)?;
        }
    }
    Ok(())
}

/// The rows of one file lie in another partition's folder; every byte of the file is right.
pub(super) fn moved(site: &mut Site<'_>) -> Result<()> {
    into(site, WRONG)
}

/// The rows of one file lie in the folder of the null partition; every byte of the file is right.
pub(super) fn nulled(site: &mut Site<'_>) -> Result<()> {
    into(site, NULL)
}

/// One file lies in another folder than the one that its own column names.
pub(super) fn contradicted(site: &mut Site<'_>) -> Result<()> {
    let held = site.manifest.files.iter().any(|file| file.path.starts_with(HELD_IN));
    if held { into(site, HELD_ELSEWHERE) } else { Ok(()) }
}

fn into(site: &mut Site<'_>, folder: &str) -> Result<()> {
    let full = site.manifest.files.iter().position(|file| file.record_count.unwrap_or(0) > 0);
    let Some(index) = full else { return Ok(()) };
    let from = site.path(index);
    put(&site.root, site.manifest, index, folder)?;
    let from = from.parent().unwrap_or(&site.root);
    let stays = (0..site.manifest.files.len()).any(|other| site.path(other).parent() == Some(from));
    beside(&site.root, from, &site.root.join(folder), stays)
}

fn put(root: &Path, manifest: &mut Manifest, index: usize, folder: &str) -> Result<()> {
    let Some(file) = manifest.files.get_mut(index) else { return Ok(()) };
    let before = [RIGHT, HELD_IN].iter().find_map(|folder| file.path.strip_prefix(folder)?.strip_prefix('/'));
    let relative = format!("{folder}/{}", before.unwrap_or(&file.path));
    let (from, to) = (root.join(&file.path), root.join(&relative));
    let within = to.parent().unwrap_or(root);
    std::fs::create_dir_all(within)
        .and_then(|()| std::fs::rename(&from, &to))
        .map_err(|source| Error::io("cannot move to", &to, source))?;
    file.path = relative;
    Ok(())
}
