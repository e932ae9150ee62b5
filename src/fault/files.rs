//! Faults of whole files and of what is counted: missing, unreadable, doubled, not listed, not counted.

use std::fs::File;
use std::path::PathBuf;

use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use reports::manifest::ManifestFile;

use super::rewrite::store;
use super::site::{Site, stacked};
use crate::error::{Error, Result};
use crate::job::JobKind;
use crate::output::set_mark;

/// Bytes of a joined file, in targets, from which on nobody takes it for a file near the target.
const FAR_ABOVE: u64 = 3;

/// The first file that holds rows.
pub(super) fn full(site: &Site<'_>) -> Option<usize> {
    site.manifest.files.iter().position(|file| file.record_count.unwrap_or(0) > 0)
}

/// A copy of a file lies under another name, relative to the output, and is not listed.
pub(super) fn stray(site: &Site<'_>, index: usize, name: &str) -> Result<()> {
    let stray = site.root.join(name);
    if let Some(folder) = stray.parent() {
        std::fs::create_dir_all(folder).map_err(|source| Error::io("cannot make", folder, source))?;
    }
    std::fs::copy(site.path(index), &stray).map_err(|source| Error::io("cannot write", &stray, source))?;
    Ok(())
}

/// A copy of a file with rows in a partition folder, not listed.
pub(super) fn stray_in_partition(site: &Site<'_>) -> Result<()> {
    full(site).map_or(Ok(()), |index| stray(site, index, "_part=1/stray.parquet"))
}

/// A listed file with rows gets a name that readers pass over.
pub(super) fn hidden(site: &mut Site<'_>) -> Result<()> {
    let Some(index) = full(site) else { return Ok(()) };
    let (old, name) = (site.path(index), "_hidden.parquet");
    let new = site.root.join(name);
    std::fs::rename(&old, &new).map_err(|source| Error::io("cannot rename", &old, source))?;
    name.clone_into(&mut site.manifest.files[index].path);
    Ok(())
}

/// Does something to the bytes of a file with rows.
fn bytes(site: &Site<'_>, change: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Result<()> {
    let Some(index) = full(site) else { return Ok(()) };
    let path = site.path(index);
    let old = std::fs::read(&path).map_err(|source| Error::io("cannot read", &path, source))?;
    match change(&old) {
        Some(new) => std::fs::write(&path, new).map_err(|source| Error::io("cannot write", &path, source)),
        None => std::fs::remove_file(&path).map_err(|source| Error::io("cannot remove", &path, source)),
    }
}

/// A listed file is not there.
pub(super) fn missing(site: &Site<'_>) -> Result<()> {
    bytes(site, |_| None)
}

/// A file with rows is gone, and its entry in the list.
pub(super) fn lost(site: &mut Site<'_>) -> Result<()> {
    full(site).map_or(Ok(()), |index| site.remove(index))
}

/// A file that is no Parquet file.
pub(super) fn unreadable(site: &Site<'_>) -> Result<()> {
    bytes(site, |old| Some(vec![b'x'; old.len()]))
}

/// A file that ends in its middle.
pub(super) fn truncated(site: &Site<'_>) -> Result<()> {
    bytes(site, |old| Some(old[..old.len() / 2].to_vec()))
}

/// A file of no bytes.
pub(super) fn empty(site: &Site<'_>) -> Result<()> {
    bytes(site, |_| Some(Vec::new()))
}

/// A file under two names, both listed.
pub(super) fn doubled(site: &mut Site<'_>) -> Result<()> {
    let Some(index) = full(site) else { return Ok(()) };
    let copy = site.root.join("doubled.parquet");
    std::fs::copy(site.path(index), &copy).map_err(|source| Error::io("cannot write", &copy, source))?;
    let entry = ManifestFile { path: "doubled.parquet".to_owned(), ..site.manifest.files[index].clone() };
    site.manifest.files.insert(index + 1, entry);
    Ok(())
}

/// The mark that the first file names, where it is there.
fn mark(site: &Site<'_>) -> Result<Option<PathBuf>> {
    let Some(first) = (!site.manifest.files.is_empty()).then(|| site.path(0)) else { return Ok(None) };
    let file = File::open(&first).map_err(|source| Error::io("cannot open", &first, source))?;
    let reader = SerializedFileReader::new(file).map_err(|error| Error::unreadable(&first, error))?;
    let entries = reader.metadata().file_metadata().key_value_metadata();
    let named = entries.into_iter().flatten().find(|entry| entry.key == set_mark::KEY);
    let mark = named.and_then(|entry| entry.value.as_deref()).map(|name| first.with_file_name(name));
    Ok(mark.filter(|mark| mark.is_file()))
}

/// The mark of the set is not there.
pub(super) fn mark_lost(site: &Site<'_>) -> Result<()> {
    let Some(mark) = mark(site)? else { return Ok(()) };
    std::fs::remove_file(&mark).map_err(|source| Error::io("cannot remove", &mark, source))
}

/// The last file of a marked set is not there; true where one was taken away. The manifest goes too: see `plant`.
pub(super) fn set_cut(site: &mut Site<'_>) -> Result<bool> {
    if site.manifest.files.len() < 2 || mark(site)?.is_none() {
        return Ok(false);
    }
    site.remove(site.manifest.files.len() - 1)?;
    Ok(true)
}

/// Everything is gone, and the result list says so.
pub(super) fn output_lost(site: &mut Site<'_>) -> Result<()> {
    if full(site).is_some() {
        for index in (0..site.manifest.files.len()).rev() {
            site.remove(index)?;
        }
    }
    Ok(())
}

/// All files as one.
pub(super) fn one_for_all(site: &mut Site<'_>) -> Result<()> {
    let stated: u64 = site.manifest.files.iter().filter_map(|file| file.file_size).sum();
    let parameters = &site.job.parameters;
    let by_rows = parameters.rows_per_file.is_some_and(|rows| rows > 0);
    let by_hour = site.job.kind == JobKind::Ingest || parameters.split_hours == Some(true);
    let target = parameters.target_size.filter(|target| *target > 0 && !by_rows && !by_hour);
    if site.manifest.files.len() < 2 || target.is_none_or(|target| stated < FAR_ABOVE * target) {
        return Ok(());
    }
    let joined = site.load_all()?.into_iter().map(Some).reduce(|upper, lower| stacked(&upper?, &lower?));
    let Some(joined) = joined.flatten() else { return Ok(()) };
    // Written and weighed before anything is given up: joined data may take less room.
    let trial = site.root.join("one-for-all.parquet");
    let size = store(&trial, &joined)?;
    std::fs::remove_file(&trial).map_err(|source| Error::io("cannot remove", &trial, source))?;
    if target.is_some_and(|target| size < FAR_ABOVE * target) {
        return Ok(());
    }
    for index in (1..site.manifest.files.len()).rev() {
        site.remove(index)?;
    }
    site.tell(0, &joined)
}
