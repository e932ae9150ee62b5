//! Opens files that a user, a report or a side named: regular files alone.
//!
//! Opening a named pipe waits for its other end, and a device or a socket can wait for ever or give bytes without end. So
//! the file is looked at before it is opened, opened without waiting, and looked at again: what lies under a name may change
//! in between. Links are followed. `/dev/stdin` and the shell's `<(...)` are pipes and are refused like any other.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Why a file was refused: it is not a regular file.
#[derive(Debug, thiserror::Error)]
#[error("it is {kind}, not a regular file{hint}")]
pub struct NotRegular {
    kind: &'static str,
    hint: &'static str,
}

/// True for an error of [`open`] that refuses what is not a regular file.
#[must_use]
pub fn is_refusal(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<NotRegular>())
}

/// What a file is in words, where it is neither a regular file nor a directory nor a link.
#[must_use]
pub fn special(kind: FileType) -> Option<&'static str> {
    if kind.is_fifo() {
        Some("a named pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else if kind.is_char_device() || kind.is_block_device() {
        Some("a device")
    } else {
        None
    }
}

fn refused(found: &Metadata) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    let special = special(found.file_type());
    let hint = if special.is_some() { "; write its content to a file and name that" } else { "" };
    Err(io::Error::other(NotRegular { kind: special.unwrap_or("a directory"), hint }))
}

/// Refuses what is not a regular file, without opening it.
///
/// # Errors
/// Where the file cannot be looked at, or [`is_refusal`].
pub fn check(path: &Path) -> io::Result<()> {
    refused(&std::fs::metadata(path)?)
}

/// Refuses a named pipe, a socket or a device, without opening it. Anything else passes, also a path that is not there.
///
/// # Errors
/// [`is_refusal`].
pub fn check_unless_missing(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_dir() => refused(&found),
        _ => Ok(()),
    }
}

/// Opens a regular file for reading.
///
/// # Errors
/// Where it cannot be opened, or [`is_refusal`].
pub fn open(path: &Path) -> io::Result<File> {
    check(path)?;
    #[expect(clippy::cast_possible_wrap, reason = "the flag is a low bit")]
    let without_waiting = OFlags::NONBLOCK.bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(without_waiting).open(path)?;
    refused(&file.metadata()?)?;
    Ok(file)
}

/// Bytes of a regular file.
///
/// # Errors
/// As for [`open`], and where it cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Text of a regular file.
///
/// # Errors
/// As for [`read`], and where it is not UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_sockets_devices_and_directories_are_refused_by_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, kind) in [
            (pipe.as_path(), "a named pipe"),
            (&socket, "a socket"),
            (Path::new("/dev/zero"), "a device"),
            (folder.path(), "a directory"),
        ] {
            let error = open(path).unwrap_err();
            assert!(is_refusal(&error), "{error}");
            assert!(error.to_string().contains(kind), "{error}");
            assert_eq!(check_unless_missing(path).is_err(), kind != "a directory");
        }
        let missing = folder.path().join("missing");
        assert!(!is_refusal(&open(&missing).unwrap_err()));
        check_unless_missing(&missing).unwrap();
    }

    #[test]
    fn a_regular_file_is_read_also_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "text").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(read_to_string(&link).unwrap(), "text");
        assert_eq!(read(&file).unwrap(), b"text");
    }
}
