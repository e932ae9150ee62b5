//! What an external program leaves, looked at before anything of it is read or copied.
//!
//! 1. The output directory must be the directory that the program was given: neither gone nor replaced.
//! 2. Output and scratch directory together hold at most `--output-limit` bytes, by apparent size, so that holes count, and at
//!    most [`MOST_FILES`] entries. This is judged while the program runs as well.
//! 3. Directories nest at most [`MOST_DEPTH`] deep and can be listed. Links stay within the output; hard links are files.
//!
//! A program that leaves anything else failed the job. What it left is removed without being followed, however deep it nests and
//! whatever its permissions are. Links are never followed here.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;

use crate::error::display;

/// Bytes that a side may leave where `--output-limit` is not given.
pub const DEFAULT_LIMIT: u64 = 64 << 30;
/// Files, directories and links that a side may leave.
pub const MOST_FILES: u64 = 1_000_000;
/// Directories in directories that a side may leave.
pub const MOST_DEPTH: usize = 100;

/// Attempts to find a free name while removing.
const ATTEMPTS: u64 = 1_000;

/// Entries and bytes counted so far.
#[derive(Default)]
struct Tally {
    files: u64,
    bytes: u64,
}

impl Tally {
    /// Adds an entry; what is exceeded, if so.
    fn add(&mut self, bytes: u64, limit: u64) -> Option<String> {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > limit {
            Some(format!("left more than {limit} bytes; where that is right, raise --output-limit"))
        } else if self.files > MOST_FILES {
            Some(format!(
                "left more than {MOST_FILES} files, the most that a side may leave whatever --output-limit says"
            ))
        } else {
            None
        }
    }
}

/// What makes the leavings unusable, as the end of a sentence about the side; `None` where nothing does.
///
/// # Errors
/// Where the directories cannot be looked at for a reason that is not the side's.
pub fn fault(output: &Path, scratch: &Path, limit: u64) -> io::Result<Option<String>> {
    match fs::symlink_metadata(output) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Some("removed its output directory".to_owned()));
        }
        Err(error) => return Err(error),
        Ok(found) if found.is_symlink() => {
            return Ok(Some("replaced its output directory by a link".to_owned()));
        }
        Ok(found) if !found.is_dir() => {
            return Ok(Some("replaced its output directory by something that is no directory".to_owned()));
        }
        Ok(_) => {}
    }
    let mut tally = Tally::default();
    let root = output.canonicalize()?;
    if let Some(fault) = walk(&root, "output", limit, &mut tally, true)? {
        return Ok(Some(fault));
    }
    walk(scratch, "scratch", limit, &mut tally, false)
}

/// What exceeds a limit while the side is at work. What cannot be looked at now is looked at in the end.
pub fn over(output: &Path, scratch: &Path, limit: u64) -> Option<String> {
    let mut tally = Tally::default();
    [output, scratch].into_iter().find_map(|folder| {
        let mut open = vec![(folder.to_path_buf(), 0)];
        while let Some((folder, depth)) = open.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(found) = entry.metadata() else { continue };
                let bytes = if found.is_file() { found.len() } else { 0 };
                if let Some(over) = tally.add(bytes, limit) {
                    return Some(over);
                }
                if found.is_dir() && depth < MOST_DEPTH {
                    open.push((entry.path(), depth + 1));
                }
            }
        }
        None
    })
}

fn walk(
    root: &Path,
    place: &str,
    limit: u64,
    tally: &mut Tally,
    links_stay: bool,
) -> io::Result<Option<String>> {
    let shown = |path: &Path| display(path.strip_prefix(root).unwrap_or(path));
    let mut open = vec![(root.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => return blamed(error, &format!("{place} directory {}", shown(&folder))),
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let found = match entry.metadata() {
                Ok(found) => found,
                // A process that the side left is still at work.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return blamed(error, &format!("{place} entry {}", shown(&path))),
            };
            let bytes = if found.is_file() { found.len() } else { 0 };
            if let Some(over) = tally.add(bytes, limit) {
                return Ok(Some(over));
            }
            if found.is_dir() {
                if depth == MOST_DEPTH {
                    return Ok(Some(format!(
                        "nested more than {MOST_DEPTH} directories in its {place} directory"
                    )));
                }
                open.push((path, depth + 1));
            } else if found.is_symlink() && links_stay && !stays(&path, root) {
                let target = fs::read_link(&path).map(|target| display(&target)).unwrap_or_default();
                return Ok(Some(format!(
                    "left the link {}, which leads out of its output directory to {target}; write a file in its place",
                    shown(&path)
                )));
            }
        }
    }
    Ok(None)
}

/// A fault for what only the side's own doing explains; any other error is the machine's.
fn blamed(error: io::Error, what: &str) -> io::Result<Option<String>> {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::InvalidFilename => {
            Ok(Some(format!("left its {what} in a state in which it cannot be read: {error}")))
        }
        // Removed by a process that the side left running.
        ErrorKind::NotFound => Ok(Some(format!("removed its {what} while it was looked at"))),
        _ => Err(error),
    }
}

/// True where a link below `root`, a path without links, leads to something below `root`, or to nothing there.
pub(crate) fn stays(link: &Path, root: &Path) -> bool {
    match link.canonicalize() {
        Ok(target) => target.starts_with(root),
        // A link to itself leads nowhere; the system refuses to open it.
        Err(error) if Errno::from_io_error(&error) == Some(Errno::LOOP) => true,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => false,
        Err(_) => {
            let (Ok(target), Some(folder)) = (fs::read_link(link), link.parent()) else { return false };
            let mut reached = PathBuf::new();
            for part in folder.join(target).components() {
                match part {
                    Component::ParentDir => drop(reached.pop()),
                    Component::CurDir => {}
                    part => reached.push(part),
                }
            }
            reached.starts_with(root)
        }
    }
}

/// Removes what lies at `path` and puts an empty directory there.
///
/// # Errors
/// Where it cannot be removed or made.
pub fn reset(path: &Path) -> io::Result<()> {
    remove(path)?;
    fs::create_dir_all(path)
}

/// Removes a file, a link, or a directory with everything in it. A path that is not there is what was wanted.
///
/// Directories are emptied into the topmost one before they are removed, so that paths stay short and nothing recurses: ten
/// thousand directories in each other have a path that no system call takes. A directory without permissions gets them.
///
/// # Errors
/// Where something resists.
pub fn remove(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.is_dir() {
        return gone(fs::remove_file(path));
    }
    let mut number = 0;
    unlock(path);
    loop {
        let entries: Vec<fs::DirEntry> = fs::read_dir(path)?.collect::<io::Result<_>>()?;
        if entries.is_empty() {
            return gone(fs::remove_dir(path));
        }
        for entry in entries {
            if entry.file_type()?.is_dir() {
                empty_into(path, &entry.path(), &mut number)?;
                gone(fs::remove_dir(entry.path()))?;
            } else {
                gone(fs::remove_file(entry.path()))?;
            }
        }
    }
}

/// Moves the directories of `folder` to `root`, and removes everything else in it.
fn empty_into(root: &Path, folder: &Path, number: &mut u64) -> io::Result<()> {
    unlock(folder);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            gone(fs::remove_file(entry.path()))?;
            continue;
        }
        // Moving a directory changes its entry `..`, which takes permission to write.
        unlock(&entry.path());
        let mut moved = Ok(());
        for _ in 0..ATTEMPTS {
            *number += 1;
            moved = fs::rename(entry.path(), root.join(format!(".parallax-removed-{number}")));
            if moved.is_ok() {
                break;
            }
        }
        gone(moved)?;
    }
    Ok(())
}

/// Lets the owner look into a directory and change it. Where that fails, what follows says so.
fn unlock(folder: &Path) {
    drop(fs::set_permissions(folder, Permissions::from_mode(0o700)));
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn places() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let (output, scratch) = (home.path().join("output"), home.path().join("scratch"));
        fs::create_dir(&output).unwrap();
        fs::create_dir(&scratch).unwrap();
        (home, output, scratch)
    }

    #[test]
    fn links_within_hard_links_and_dangling_links_stay_and_others_lead_out() {
        let (home, output, scratch) = places();
        fs::write(output.join("data"), "x").unwrap();
        fs::hard_link(output.join("data"), output.join("hard.parquet")).unwrap();
        symlink("data", output.join("soft.parquet")).unwrap();
        symlink("nothing", output.join("nowhere.parquet")).unwrap();
        symlink("itself", output.join("itself")).unwrap();
        symlink(".", output.join("loop")).unwrap();
        assert_eq!(fault(&output, &scratch, 1_000).unwrap(), None);
        for target in ["../scratch", "../nothing", "/dev/null", "/nothing/at/all", "loop/../.."] {
            symlink(target, output.join("out.parquet")).unwrap();
            let said = fault(&output, &scratch, 1_000).unwrap().unwrap();
            assert!(said.contains("out.parquet") && said.contains("leads out"), "{target}: {said}");
            fs::remove_file(output.join("out.parquet")).unwrap();
        }
        // What lies in the scratch directory is never read.
        symlink("/", scratch.join("root")).unwrap();
        assert_eq!(fault(&output, &scratch, 1_000).unwrap(), None);
        drop(home);
    }

    #[test]
    fn bytes_count_with_their_holes_and_in_both_directories() {
        let (_home, output, scratch) = places();
        fs::File::create(output.join("holes")).unwrap().set_len(600).unwrap();
        fs::File::create(scratch.join("holes")).unwrap().set_len(600).unwrap();
        assert_eq!(fault(&output, &scratch, 1_200).unwrap(), None);
        assert_eq!(over(&output, &scratch, 1_200), None);
        let said = fault(&output, &scratch, 1_199).unwrap().unwrap();
        assert!(said.contains("1199 bytes") && said.contains("--output-limit"), "{said}");
        assert_eq!(over(&output, &scratch, 1_199), Some(said));
        let mut tally = Tally { files: MOST_FILES - 1, bytes: 0 };
        assert_eq!(tally.add(0, 1), None);
        assert!(tally.add(0, 1).unwrap().contains("1000000 files"));
    }

    #[test]
    fn a_very_deep_tree_without_permissions_is_a_fault_and_is_removed() {
        let (home, output, scratch) = places();
        // Deeper than any path may be long.
        let mut depth = output.join("d");
        fs::create_dir(&depth).unwrap();
        for round in 0..30 {
            let mut inner = home.path().join(format!("part-{round}"));
            let top = inner.clone();
            for _ in 0..99 {
                inner.push("d");
            }
            fs::create_dir_all(&inner).unwrap();
            fs::write(inner.join("file"), "x").unwrap();
            fs::rename(&depth, inner.join("d")).unwrap();
            fs::set_permissions(&inner, Permissions::from_mode(0o500)).unwrap();
            depth = top;
        }
        fs::rename(&depth, output.join("d")).unwrap();
        let said = fault(&output, &scratch, 1_000_000).unwrap().unwrap();
        assert!(said.contains("more than 100 directories"), "{said}");
        reset(&output).unwrap();
        assert_eq!(fault(&output, &scratch, 1_000).unwrap(), None);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
        remove(home.path()).unwrap();
        assert!(!home.path().exists());
    }

    #[test]
    fn removing_a_link_spares_what_it_leads_to() {
        let (home, output, scratch) = places();
        fs::write(scratch.join("kept"), "x").unwrap();
        symlink(&scratch, output.join("link")).unwrap();
        remove(&output).unwrap();
        symlink(&scratch, &output).unwrap();
        assert!(fault(&output, &scratch, 1_000).unwrap().unwrap().contains("by a link"));
        reset(&output).unwrap();
        assert!(scratch.join("kept").exists() && output.is_dir());
        drop(home);
    }
}
