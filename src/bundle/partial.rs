//! The file that a bundle is written to until it is whole.
//!
//! 1. It has a name of its own beside the bundle, and its writer holds the kernel's lock on it.
//! 2. It gets the name of the bundle only when it is whole and nothing has that name. Dropped before that, it is removed.
//! 3. A writer that was killed leaves it. The next `bundle` into the same directory removes it: the lock of a dead process can be taken.
//!
//! Only plain files of this user with exactly such a name are removed, and none whose lock another process holds. On a file system
//! without locks nothing is removed.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use tempfile::NamedTempFile;

use crate::claim::is_at;

/// Beginning and end of the names; letters and digits stand between.
const NAME: (&str, &str) = (".parallax-bundle-", ".partial");

/// Letters and digits of a name.
const RANDOM: usize = 16;

/// How often a file is made anew where another process took it for a dead one's.
const ATTEMPTS: usize = 16;

/// Makes a file in `folder`, after removing what killed processes left there.
pub(super) fn begin(folder: &Path) -> std::io::Result<NamedTempFile> {
    sweep(folder);
    let mut named = tempfile::Builder::new();
    named.prefix(NAME.0).suffix(NAME.1).rand_bytes(RANDOM);
    named.permissions(std::fs::Permissions::from_mode(0o666));
    for _ in 0..ATTEMPTS {
        let made = named.tempfile_in(folder)?;
        match made.as_file().try_lock() {
            Err(TryLockError::WouldBlock) => continue,
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        if is_at(made.as_file(), made.path()) {
            return Ok(made);
        }
    }
    Err(std::io::Error::other("every temporary file was removed by other processes"))
}

/// Removes what killed processes of this user left in `folder`. What resists stays.
fn sweep(folder: &Path) {
    let user = rustix::process::geteuid().as_raw();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if !is_name(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let own = std::fs::symlink_metadata(&path).is_ok_and(|facts| facts.is_file() && facts.uid() == user);
        let Some(file) = own.then(|| open(&path).ok()).flatten() else { continue };
        if file.try_lock().is_ok() && is_at(&file, &path) {
            drop(std::fs::remove_file(&path));
        }
    }
}

/// Opens what may be exchanged for a link or a FIFO meanwhile.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

fn is_name(name: &str) -> bool {
    name.strip_prefix(NAME.0).and_then(|rest| rest.strip_suffix(NAME.1)).is_some_and(|between| {
        between.len() == RANDOM && between.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEAD: &str = ".parallax-bundle-0123456789abcdef.partial";

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let place = |name: &str| home.path().join(name);
        for name in [
            DEAD,
            ".job.tar.zst.0123456789abcdef.partial",
            ".parallax-bundle-0123.partial",
            ".parallax-bundle-0123456789abcde.partial",
            "own",
        ] {
            std::fs::write(place(name), "half").unwrap();
        }
        let link = ".parallax-bundle-aaaaaaaaaaaaaaaa.partial";
        std::os::unix::fs::symlink(place("own"), place(link)).unwrap();
        std::fs::create_dir(place(".parallax-bundle-bbbbbbbbbbbbbbbb.partial")).unwrap();
        // One that a living process writes stays.
        let living = begin(home.path()).unwrap();
        assert!(!place(DEAD).exists() && living.path().exists());
        let other = begin(home.path()).unwrap();
        assert!(living.path().exists() && other.path().exists());
        assert_ne!(living.path(), other.path());
        drop((living, other));
        let left = std::fs::read_dir(home.path()).unwrap().count();
        assert_eq!(left, 6, "what is not ours stays, and what was dropped is gone");
        assert!(std::fs::symlink_metadata(place(link)).is_ok() && place("own").exists());
    }
}
