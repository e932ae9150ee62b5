//! An output as it was when its side had ended.
//!
//! Files that were opened as Parquet have been digested then, and are not read twice for the seal. Everything else that lies in the
//! directory is digested up to [`MOST_READ`] bytes a file; a larger file that no check reads is known by its times alone. Cost: one pass
//! over the bytes when the seal is compared.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use reports::document::Role;
use reports::manifest::ErrorClass;

use super::print::Print;
use crate::content;
use crate::errno;
use crate::error::{Error, Result, display};
use crate::output::Output;

/// Bytes of a file that is no readable Parquet up to which it is digested.
const MOST_READ: u64 = 256 << 20;

/// What lay in the directory of an output.
#[derive(Debug)]
pub(super) struct Seal {
    /// Whose output it is.
    pub(super) role: Role,
    /// Which run of the side left it, where that was not the first.
    pub(super) run: Option<String>,
    /// The other side, where that is an external one and was at work after this output was sealed.
    pub(super) others: BTreeSet<Role>,
    root: PathBuf,
    files: BTreeMap<PathBuf, Print>,
    /// Files that were opened as Parquet.
    opened: HashMap<PathBuf, String>,
    /// Place on the disk of each regular file.
    places: HashMap<(u64, u64), PathBuf>,
}

impl Seal {
    /// Seals an output that was just opened.
    ///
    /// # Errors
    /// Class `io` where the machine does not give it back.
    pub(super) fn new(role: Role, run: Option<&str>, output: &Output) -> Result<Self> {
        let opened = output.files.iter().map(|file| (file.path.clone(), file.info.digest.clone())).collect();
        let (root, run) = (output.root.clone(), run.map(str::to_owned));
        let (files, places, others) = (BTreeMap::new(), HashMap::new(), BTreeSet::new());
        let mut seal = Self { role, run, others, root, files, opened, places };
        seal.files = seal.walk(false)?;
        for path in seal.files.keys() {
            if let Ok(found) = std::fs::symlink_metadata(path)
                && found.is_file()
            {
                seal.places.insert((found.dev(), found.ino()), path.clone());
            }
        }
        Ok(seal)
    }

    /// Files that are not what they were, and what became of them.
    ///
    /// # Errors
    /// Class `io` where the machine does not give them back.
    pub(super) fn changed(&self) -> Result<Vec<(String, String)>> {
        let now = self.walk(true)?;
        let gone = Print::Gone;
        let mut changed: Vec<(String, String)> = self
            .files
            .iter()
            .filter_map(|(path, then)| Some((self.shown(path), then.became(now.get(path).unwrap_or(&gone))?)))
            .collect();
        let new = now.keys().filter(|path| !self.files.contains_key(*path));
        changed.extend(new.map(|path| (self.shown(path), "it was put there".to_owned())));
        Ok(changed)
    }

    /// A file that lies in the output of both sides: a change of one is a change of the other.
    pub(super) fn shared_with(&self, other: &Self) -> Vec<(String, String)> {
        let mut shared: Vec<(String, String)> = self
            .places
            .iter()
            .filter_map(|(place, path)| Some((self.shown(path), other.shown(other.places.get(place)?))))
            .collect();
        shared.sort();
        shared
    }

    fn shown(&self, path: &Path) -> String {
        display(path.strip_prefix(&self.root).unwrap_or(path))
    }

    /// Everything in the directory but directories. Links are not followed into others.
    fn walk(&self, again: bool) -> Result<BTreeMap<PathBuf, Print>> {
        let mut found = BTreeMap::new();
        // A link in its place leads to another directory, whatever that holds.
        if !std::fs::symlink_metadata(&self.root).is_ok_and(|root| root.is_dir()) {
            return Ok(found);
        }
        for entry in walkdir::WalkDir::new(&self.root).min_depth(1) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if errno::in_chain(&error) => {
                    let message = format!("cannot list the output {}: {error}", self.root.display());
                    return Err(Error::new(ErrorClass::Io, message).with_source(error));
                }
                // What cannot be listed now and then is the same; what can no longer be listed is missing from the list.
                Err(_) => continue,
            };
            if entry.file_type().is_dir() {
                continue;
            }
            let path = entry.into_path();
            let print = match self.opened.get(&path) {
                Some(digest) if !again => Print::with(&path, |_| Ok(digest.clone()))?,
                Some(_) => Print::of(&path)?,
                None => Print::with(&path, |facts| match facts.len() {
                    ..=MOST_READ => content::digest_of(&path),
                    _ => Ok(Print::facts(facts)),
                })?,
            };
            found.insert(path, print);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::check::fixture::{Fixture, rows};

    #[test]
    fn what_is_changed_added_and_removed_after_the_seal_is_named() {
        let fixture = Fixture::pair(&rows(), &rows());
        let root = fixture.root(Role::Candidate);
        fs::write(root.join("note"), "x").unwrap();
        let seal = fixture.with_subject(|it| Seal::new(Role::Candidate, None, &it.candidate.output).unwrap());
        assert_eq!(seal.changed().unwrap(), []);
        let data = root.join("two.parquet");
        let bytes = fs::read(&data).unwrap();
        let mut other = bytes.clone();
        other[10] ^= 1;
        fs::write(&data, &other).unwrap();
        fs::remove_file(root.join("note")).unwrap();
        fs::write(root.join("more"), "y").unwrap();
        let changed = seal.changed().unwrap();
        let names: Vec<&str> = changed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["note", "two.parquet", "more"]);
        assert!(changed[1].1.contains("other bytes"), "{changed:?}");
        fs::rename(&root, root.with_extension("real")).unwrap();
        std::os::unix::fs::symlink(root.with_extension("real"), &root).unwrap();
        assert_eq!(seal.changed().unwrap().len(), 2, "the two files that were there");
    }

    #[test]
    fn one_file_under_two_outputs_is_found() {
        let fixture = Fixture::pair(&rows(), &rows());
        let link = fixture.path(Role::Candidate, "stolen.parquet");
        fs::hard_link(fixture.path(Role::Baseline, "one.parquet"), link).unwrap();
        let [a, b] = fixture.with_subject(|it| {
            let seal = |side: &crate::check::Observed| Seal::new(side.role, None, &side.output).unwrap();
            [seal(it.baseline.unwrap()), seal(it.candidate)]
        });
        let shared = [("one.parquet".to_owned(), "stolen.parquet".to_owned())];
        assert_eq!(a.shared_with(&b), shared);
    }
}
