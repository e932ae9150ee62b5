//! Faults of rows whose partition is the name of a folder.

use std::path::Path;

use reports::manifest::Manifest;

use super::site::Site;
use crate::error::{Error, Result};

/// The partition of all rows of an output without fault.
const RIGHT: &str = "planted_partition=1";

/// Another one.
const WRONG: &str = "planted_partition=2";

/// Puts every listed file into the folder of one partition, as both sides of a partitioned table have it.
///
/// # Errors
/// Where a file cannot be moved.
pub(crate) fn lay(root: &Path, manifest: &mut Manifest) -> Result<()> {
    (0..manifest.files.len()).try_for_each(|index| put(root, manifest, index, RIGHT))
}

/// The rows of one file lie in another partition's folder; every byte of the file is right.
pub(super) fn moved(site: &mut Site<'_>) -> Result<()> {
    let full = site.manifest.files.iter().position(|file| file.record_count.unwrap_or(0) > 0);
    full.map_or(Ok(()), |index| put(&site.root, site.manifest, index, WRONG))
}

fn put(root: &Path, manifest: &mut Manifest, index: usize, folder: &str) -> Result<()> {
    let Some(file) = manifest.files.get_mut(index) else { return Ok(()) };
    let name = file.path.strip_prefix(RIGHT).map_or(file.path.as_str(), |it| it.trim_start_matches('/'));
    let relative = format!("{folder}/{name}");
    let (from, to) = (root.join(&file.path), root.join(&relative));
    let within = to.parent().unwrap_or(root);
    std::fs::create_dir_all(within)
        .and_then(|()| std::fs::rename(&from, &to))
        .map_err(|source| Error::io("cannot move to", &to, source))?;
    file.path = relative;
    Ok(())
}
