//! Recorded outputs that are one and the same.
//!
//! An output is equal to itself whatever it holds, so a job whose two sides are one directory vouches for nothing, and two jobs that
//! name one output count it twice. Directories and files are known by device and inode: a symbolic link, another spelling of the path
//! and a bind mount lead to the same ones. Two directories or lists of the very same files are one output too.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use reports::document::Role;

use super::PlannedJob;
use crate::error::{Error, Result};
use crate::output::Found;
use crate::output::file_list::{self, FileList};
use crate::side::Side;

/// Device and inode.
type Id = (u64, u64);

/// What an output is, whatever path leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    own: Option<Id>,
    files: BTreeSet<Id>,
}

impl Identity {
    /// Of the output at `path`. What cannot be read has no identity: the reader of the output reports that.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        if let Some(list) = file_list::named(path) {
            let files = FileList::read(&list).map(|list| list.files).unwrap_or_default();
            return Self { own: id(&list), files: files.iter().filter_map(|(_, file)| id(file)).collect() };
        }
        let files = if path.is_dir() {
            let found = Found::below(path, true).map(|found| found.parquet).unwrap_or_default();
            found.iter().filter_map(|(_, file)| id(file)).collect()
        } else {
            id(path).into_iter().collect()
        };
        Self { own: id(path), files }
    }

    /// True where both are one output.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let alike = !self.files.is_empty() && self.files == other.files;
        alike || (self.own.is_some() && self.own == other.own)
    }
}

fn id(path: &Path) -> Option<Id> {
    std::fs::metadata(path).ok().map(|facts| (facts.dev(), facts.ino()))
}

/// Refuses a job whose two recorded sides are one output, and two jobs that have one output in the same role.
///
/// # Errors
/// Class `config`, naming the jobs; class `io` where the machine does not say what lies there.
pub fn refuse(jobs: &[PlannedJob], baseline: &dyn Side, candidate: &dyn Side) -> Result<()> {
    // What two identities that are one output have in common: the place itself, or the whole set of files.
    let mut places: BTreeMap<(Role, Id), &str> = BTreeMap::new();
    let mut sets: BTreeMap<(Role, BTreeSet<Id>), &str> = BTreeMap::new();
    for job in jobs {
        let mut both = Vec::new();
        for (role, side) in [(Role::Baseline, baseline), (Role::Candidate, candidate)] {
            let Some(path) = side.recorded(job.job())? else { continue };
            let identity = Identity::of(&path);
            let place = identity.own.and_then(|own| places.insert((role, own), job.id()));
            let files = Some(&identity.files).filter(|files| !files.is_empty());
            let set = files.and_then(|files| sets.insert((role, files.clone()), job.id()));
            if let Some(other) = place.or(set) {
                return Err(Error::config(format!(
                    "jobs {other} and {} have one {role}, {}: each job needs an output of its own",
                    job.id(),
                    path.display()
                )));
            }
            both.push((path, identity));
        }
        if let [(old, a), (new, b)] = both.as_slice()
            && a.is(b)
        {
            return Err(Error::config(format!(
                "job {}: baseline {} and candidate {} are one output, which is equal to itself whatever it holds; name another",
                job.id(),
                old.display(),
                new.display()
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::check::fixture::rows;
    use crate::output::testing::write;

    #[test]
    fn one_output_is_known_by_whatever_path_leads_to_it() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        write(&at("a/x.parquet"), &rows());
        write(&at("b/x.parquet"), &rows());
        fs::create_dir_all(at("c")).unwrap();
        fs::create_dir_all(at("d")).unwrap();
        symlink(at("a"), at("link")).unwrap();
        symlink(at("a/x.parquet"), at("c/other.parquet")).unwrap();
        fs::hard_link(at("a/x.parquet"), at("d/y.parquet")).unwrap();
        fs::write(at("list.txt"), "a/x.parquet\n").unwrap();
        let a = Identity::of(&at("a"));
        for name in ["a", "a/../a", "link", "c", "d", "@list.txt", "a/x.parquet"] {
            let path = match name.strip_prefix('@') {
                Some(list) => file_list::joined(home.path(), Path::new(&format!("@{list}"))),
                None => at(name),
            };
            assert!(a.is(&Identity::of(&path)), "{name}");
        }
        assert!(!a.is(&Identity::of(&at("b"))), "equal bytes are no reason");
        fs::create_dir_all(at("e")).unwrap();
        fs::create_dir_all(at("f")).unwrap();
        assert!(!Identity::of(&at("e")).is(&Identity::of(&at("f"))), "two empty directories");
        assert!(!Identity::of(&at("none")).is(&Identity::of(&at("nor this"))));
    }
}
