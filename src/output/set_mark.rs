//! The mark of a complete set of files, where the files say that their writer leaves one.
//!
//! A writer that gives several files their names one after another can be stopped between two of them; then what lies there
//! looks finished. So a writer may leave a mark last, and say so in each file: the footer entry [`KEY`] names the mark, a
//! file in the same folder. The mark is empty, or lists the names of the files of its set, one a line.
//!
//! Files without the entry say nothing. Cost: one look at each footer, and one read of each mark.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use super::OutputFile;
use crate::errno;
use crate::error::{Error, Result};

/// Key of the footer entry.
pub const KEY: &str = "parallax.set_mark";

/// Largest mark that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// A mark that some files name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetMark {
    /// Its path, relative to the output's root.
    pub path: String,
    /// How many files name it.
    pub named_by: u64,
    /// The first of them.
    pub file: String,
    /// What was found in its place.
    pub state: State,
}

/// What was found in the place of a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A mark; names that it lists and that are not there, and files that name it and are not in its list.
    Present {
        /// Listed, not there.
        missing: Vec<String>,
        /// There, not listed. Always empty where the mark lists nothing.
        unlisted: Vec<String>,
    },
    /// Nothing.
    Absent,
    /// Something else, in words.
    Unusable(String),
}

/// The marks that `files` under `root` name, by path.
///
/// # Errors
/// Class `io` where the machine does not give a mark back.
pub(super) fn of(root: &Path, files: &[OutputFile]) -> Result<Vec<SetMark>> {
    let mut sets: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for file in files {
        let entries = file.metadata.file_metadata().key_value_metadata();
        let named = entries.into_iter().flatten().find(|entry| entry.key == KEY);
        if let Some(name) = named.and_then(|entry| entry.value.as_deref()) {
            sets.entry(beside(&file.info.path, name)).or_default().push(&file.info.path);
        }
    }
    sets.into_iter()
        .map(|(path, mut named_by)| {
            named_by.sort_unstable();
            let state = look(root, &path, &named_by)?;
            let file = named_by.first().copied().unwrap_or_default().to_owned();
            Ok(SetMark { path, named_by: named_by.len() as u64, file, state })
        })
        .collect()
}

/// The path of a file in the folder of another.
fn beside(path: &str, name: &str) -> String {
    path.rsplit_once('/').map_or_else(|| name.to_owned(), |(folder, _)| format!("{folder}/{name}"))
}

fn look(root: &Path, path: &str, named_by: &[&str]) -> Result<State> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let folder = path.strip_suffix(name).unwrap_or_default();
    // The name comes from the file: it must not lead anywhere else.
    let plain = |name: &str| !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
    if !plain(name) || named_by.iter().any(|file| beside(file, name) != path) {
        return Ok(State::Unusable("its name is not that of a file in the same folder".to_owned()));
    }
    let place = root.join(path);
    match fs::metadata(&place) {
        Ok(facts) if !facts.is_file() => {
            return Ok(State::Unusable("it is not a regular file".to_owned()));
        }
        Ok(facts) if facts.len() > LARGEST => {
            return Ok(State::Unusable(format!("it is larger than {} MiB", LARGEST >> 20)));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(State::Absent),
        Err(error) => return unread(&place, error),
    }
    let mut text = String::new();
    let read = corpora::regular::open(&place).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    if let Err(error) = read {
        return unread(&place, error);
    }
    let listed: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    if listed.iter().any(|name| !plain(name)) {
        return Ok(State::Unusable("it lists what is no name of a file".to_owned()));
    }
    let there = |name: &&&str| root.join(format!("{folder}{name}")).symlink_metadata().is_ok();
    let missing = listed.iter().filter(|name| !there(name)).map(|name| format!("{folder}{name}")).collect();
    let known: std::collections::BTreeSet<&str> = listed.iter().copied().collect();
    let unlisted = named_by
        .iter()
        .filter(|file| !known.is_empty() && !known.contains(file.strip_prefix(folder).unwrap_or(file)))
        .map(|file| (*file).to_owned())
        .collect();
    Ok(State::Present { missing, unlisted })
}

/// A mark whose bytes did not come: a fault of the machine says nothing of the set.
fn unread(place: &Path, error: std::io::Error) -> Result<State> {
    if errno::of_machine(&error) {
        return Err(Error::io("cannot read", place, error));
    }
    Ok(State::Unusable(format!("it cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(mark: Option<&str>, files: &[&str]) -> State {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("h")).unwrap();
        files.iter().for_each(|file| fs::write(folder.path().join(file), "").unwrap());
        if let Some(text) = mark {
            fs::write(folder.path().join("h/_SUCCESS"), text).unwrap();
        }
        look(folder.path(), "h/_SUCCESS", files).unwrap()
    }

    #[test]
    fn a_mark_is_compared_with_the_files_that_it_lists() {
        let files = ["h/a.parquet", "h/b.parquet"];
        let present = |missing: &[&str], unlisted: &[&str]| State::Present {
            missing: missing.iter().map(|name| (*name).to_owned()).collect(),
            unlisted: unlisted.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(state(None, &files), State::Absent);
        assert_eq!(state(Some(""), &files), present(&[], &[]));
        assert_eq!(state(Some("a.parquet\nb.parquet\n"), &files), present(&[], &[]));
        assert_eq!(state(Some("a.parquet\nb.parquet\nc.parquet\n"), &files), present(&["h/c.parquet"], &[]));
        assert_eq!(state(Some("a.parquet\n"), &files), present(&[], &["h/b.parquet"]));
        assert!(matches!(state(Some("../../etc/passwd\n"), &files), State::Unusable(_)));
    }

    #[test]
    fn a_mark_that_leads_elsewhere_or_is_no_file_is_unusable() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["..", "", "x/y"] {
            let path = beside("h/a.parquet", name);
            assert!(matches!(look(folder.path(), &path, &["h/a.parquet"]), Ok(State::Unusable(_))), "{name}");
        }
        fs::create_dir_all(folder.path().join("h/_SUCCESS")).unwrap();
        assert!(matches!(look(folder.path(), "h/_SUCCESS", &["h/a.parquet"]), Ok(State::Unusable(_))));
    }

    #[test]
    fn a_fault_of_the_machine_says_nothing_of_the_set() {
        let refused = |errno: rustix::io::Errno| {
            unread(Path::new("_SUCCESS"), std::io::Error::from_raw_os_error(errno.raw_os_error()))
        };
        for errno in [rustix::io::Errno::MFILE, rustix::io::Errno::IO] {
            assert_eq!(refused(errno).unwrap_err().class, reports::manifest::ErrorClass::Io);
        }
        assert!(matches!(refused(rustix::io::Errno::ACCESS), Ok(State::Unusable(_))));
    }
}
