//! A directory as one `.tar.zst` with the digest of every file, and back.
//!
//! The list of digests is the first entry, so that every other file is checked while it is unpacked. The archive of equal
//! directories is equal, byte for byte: paths in order, no times, no owners.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::partial;
use super::room::Room;
pub use super::room::UNPACK_LIMIT;
use crate::error::{Error, Result, display};
use crate::evidence::digests;

/// The list of digests: one line a file, digest and path, as `b3sum` writes and checks it.
pub const MANIFEST: &str = "MANIFEST.b3";

/// Bytes of the list of digests at most: a stranger's file must not fill the memory.
const LONGEST_MANIFEST: u64 = 64 << 20;

/// Bytes that may lie between two files: headers, and names too long for one. The tar crate keeps such a name in memory, and a few
/// compressed bytes can hold one of gigabytes.
const LONGEST_HEADERS: u64 = 1 << 20;

/// Level of compression: inputs are compressed already.
const LEVEL: i32 = 3;

/// Packs everything below `home` into the new file `out`, whole or not at all. Returns the BLAKE3 digest of the list of digests.
///
/// # Errors
/// Class `io` where something cannot be read or written; class `usage` where `out` is there already.
pub fn pack(home: &Path, out: &Path) -> Result<String> {
    let list = digests::of_directory(home)?;
    let manifest = digests::text(&list);
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = |source: std::io::Error| {
        if source.kind() == std::io::ErrorKind::AlreadyExists {
            there(out)
        } else {
            Error::io("cannot write the bundle", out, source)
        }
    };
    // Dropped, and so removed, where anything fails. It gets its name only where nothing has that name by then.
    let partial = partial::begin(folder).map_err(failed)?;
    write(home, &list, &manifest, partial.as_file()).map_err(failed)?;
    partial.persist_noclobber(out).map_err(|error| failed(error.error))?;
    Ok(blake3::hash(manifest.as_bytes()).to_hex().to_string())
}

/// Refuses a path that something has already.
///
/// # Errors
/// Class `usage`.
pub fn vacant(out: &Path) -> Result<()> {
    if std::fs::symlink_metadata(out).is_ok() { Err(there(out)) } else { Ok(()) }
}

fn there(out: &Path) -> Error {
    Error::usage(format!(
        "{} is there already and is not replaced; name another file with --out",
        out.display()
    ))
}

fn write(home: &Path, list: &BTreeMap<String, String>, manifest: &str, to: &File) -> std::io::Result<()> {
    let encoder = zstd::stream::write::Encoder::new(BufWriter::new(to), LEVEL)?;
    let mut archive = tar::Builder::new(encoder);
    let mut add = |path: &str, size: u64, content: &mut dyn Read| {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, path, content)
    };
    add(MANIFEST, manifest.len() as u64, &mut manifest.as_bytes())?;
    for path in list.keys() {
        let file = corpora::regular::open(&home.join(path))?;
        let size = file.metadata()?.len();
        add(path, size, &mut BufReader::new(file))?;
    }
    let file = archive.into_inner()?.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all()
}

/// Unpacks `bundle` into the empty directory `home`, every file checked, as long as all of it takes no more than `limit` bytes.
/// Each file and each folder of its path counts for at least 4,096 bytes, so that the number of files is bounded too.
///
/// # Errors
/// Class `input`, naming the file, for one that is not what the list says, that the list does not name, that is missing, or
/// whose path leads elsewhere; naming the option, for a bundle that takes more than `limit`.
pub fn unpack(bundle: &Path, home: &Path, limit: u64) -> Result<()> {
    let file = corpora::regular::open(bundle)
        .map_err(|source| Error::io("cannot open the bundle", bundle, source))?;
    let wrong = |what: String| Error::input(format!("{} is damaged or no bundle: {what}", bundle.display()));
    let broken = |error: std::io::Error| wrong(error.to_string());
    let decoder = zstd::stream::read::Decoder::new(file).map_err(broken)?;
    let room = Room::new(limit, bundle);
    let left = Rc::new(Cell::new(u64::MAX));
    let mut archive = tar::Archive::new(Metered { inner: decoder, left: Rc::clone(&left) });
    let mut list: Option<BTreeMap<String, String>> = None;
    let mut entries = archive.entries().map_err(broken)?;
    loop {
        left.set(LONGEST_HEADERS);
        let Some(entry) = entries.next() else { break };
        left.set(u64::MAX);
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        let name = display(&path);
        if !entry.header().entry_type().is_file() {
            return Err(wrong(format!("{name} is no plain file")));
        }
        if path.components().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(wrong(format!("{name} leads out of the bundle")));
        }
        match &mut list {
            None if name == MANIFEST => {
                let mut text = String::new();
                entry.by_ref().take(LONGEST_MANIFEST).read_to_string(&mut text).map_err(broken)?;
                room.files(text.lines().count() as u64)?;
                list = Some(digests::parse(&text).ok_or_else(|| wrong(format!("{MANIFEST} is malformed")))?);
            }
            None => return Err(wrong(format!("{MANIFEST} is not its first file"))),
            Some(list) => {
                let stated = list
                    .remove(&name)
                    .ok_or_else(|| wrong(format!("{name} is not listed, or there twice")))?;
                room.file(&path, entry.size())?;
                let found = copy(&mut entry, &home.join(&path)).map_err(|error| match error {
                    Failed::Read(error) => wrong(format!("{name}: {error}")),
                    Failed::Write(path, error) => Error::io("cannot unpack", &path, error),
                })?;
                if found != stated {
                    return Err(wrong(format!("{name} has the digest {found}, not {stated} as listed")));
                }
            }
        }
    }
    let left = list.ok_or_else(|| wrong(format!("{MANIFEST} is missing")))?;
    match left.keys().next() {
        Some(missing) => Err(wrong(format!("{missing} is listed and missing"))),
        None => Ok(()),
    }
}

/// A stream of which only so much may be read on.
struct Metered<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = usize::try_from(self.left.get()).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 && !buffer.is_empty() {
            return Err(std::io::Error::other(format!("a header of more than {LONGEST_HEADERS} bytes")));
        }
        let read = self.inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left.set(self.left.get() - read as u64);
        Ok(read)
    }
}

enum Failed {
    Read(std::io::Error),
    Write(PathBuf, std::io::Error),
}

/// Copies a file and returns its digest.
fn copy(from: &mut impl Read, to: &Path) -> std::result::Result<String, Failed> {
    let failed = |error| Failed::Write(to.to_path_buf(), error);
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = File::create_new(to).map_err(failed)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut buffer).map_err(Failed::Read)?;
        if read == 0 {
            return Ok(hasher.finalize().to_hex().to_string());
        }
        let part = buffer.get(..read).unwrap_or_default();
        hasher.update(part);
        file.write_all(part).map_err(failed)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let from = home.path().join("from");
        std::fs::create_dir_all(from.join("inputs")).unwrap();
        std::fs::write(from.join("bundle.json"), "{}").unwrap();
        std::fs::write(from.join("inputs/00000-one.parquet"), "content").unwrap();
        let out = home.path().join("one.tar.zst");
        pack(&from, &out).unwrap();
        (home, out)
    }

    /// An archive of these files, none of them checked.
    fn archive(out: &Path, files: &[(&str, &str)]) {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            // As an attacker writes it: the crate itself refuses such a path.
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, text.as_bytes()).unwrap();
        }
        let bytes = zstd::stream::encode_all(&archive.into_inner().unwrap()[..], 1).unwrap();
        std::fs::write(out, bytes).unwrap();
    }

    fn refused(files: &[(&str, &str)]) -> String {
        let home = tempfile::tempdir().unwrap();
        let (out, to) = (home.path().join("a.tar.zst"), home.path().join("deep/to"));
        std::fs::create_dir_all(&to).unwrap();
        archive(&out, files);
        let message = unpack(&out, &to, UNPACK_LIMIT).unwrap_err().message;
        assert!(!home.path().join("deep/out").exists() && !home.path().join("out").exists());
        message
    }

    #[test]
    fn what_was_packed_comes_back_and_equal_directories_make_equal_archives() {
        let ((home, one), (_other_home, other)) = (packed(), packed());
        assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(other).unwrap());
        let to = home.path().join("to");
        unpack(&one, &to, UNPACK_LIMIT).unwrap();
        assert_eq!(std::fs::read(to.join("inputs/00000-one.parquet")).unwrap(), b"content");
        let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
        assert_eq!(left.len(), 3, "no temporary file is left: {left:?}");
    }

    #[test]
    fn a_changed_missing_unlisted_or_doubled_file_is_named() {
        let digest = blake3::hash(b"text").to_hex().to_string();
        let manifest = format!("{digest}  a\n{digest}  b\n");
        let list = (MANIFEST, manifest.as_str());
        assert!(refused(&[list, ("a", "text"), ("b", "texd")]).contains("b has the digest"));
        assert!(refused(&[list, ("a", "text")]).contains("b is listed and missing"));
        assert!(refused(&[list, ("a", "text"), ("b", "text"), ("c", "text")]).contains("c is not listed"));
        assert!(refused(&[list, ("a", "text"), ("a", "text")]).contains("a is not listed, or there twice"));
        assert!(refused(&[("a", "text"), list]).contains("not its first file"));
        assert!(refused(&[("MANIFEST.b3", "nonsense\n")]).contains("malformed"));
    }

    #[test]
    fn a_path_that_leads_out_of_the_bundle_is_refused() {
        let digest = blake3::hash(b"text").to_hex().to_string();
        for path in ["../out", "../../out", "/out"] {
            let manifest = format!("{digest}  {path}\n");
            let message = refused(&[(MANIFEST, &manifest), (path, "text")]);
            assert!(message.contains("leads out of the bundle"), "{message}");
        }
    }

    #[test]
    fn names_with_line_ends_and_backslashes_are_listed_as_b3sum_does_and_come_back() {
        let home = tempfile::tempdir().unwrap();
        let (from, to) = (home.path().join("from"), home.path().join("to"));
        let names = ["a\nb", "a\rb", "a\\nb", "\\", "end\r", "a\n/b\\..\\c"];
        for name in names {
            std::fs::create_dir_all(from.join(name).parent().unwrap()).ok();
        }
        std::fs::remove_dir(from.join("a\n")).ok();
        std::fs::create_dir_all(from.join("a\n")).unwrap();
        for name in names {
            std::fs::write(from.join(name), name).unwrap();
        }
        let out = home.path().join("one.tar.zst");
        pack(&from, &out).unwrap();
        unpack(&out, &to, UNPACK_LIMIT).unwrap();
        for name in names {
            assert_eq!(std::fs::read_to_string(to.join(name)).unwrap(), name);
        }
    }

    #[test]
    fn a_name_that_is_not_escaped_is_refused() {
        let digest = blake3::hash(b"text").to_hex().to_string();
        let manifest = format!("{digest}  a\\..\\b\n");
        let message = refused(&[(MANIFEST, &manifest), ("a\\..\\b", "text")]);
        assert!(message.contains("MANIFEST.b3 is malformed"), "{message}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_no_text_is_refused_with_the_way_out() {
        use std::os::unix::ffi::OsStrExt;
        let home = tempfile::tempdir().unwrap();
        let from = home.path().join("from");
        std::fs::create_dir(&from).unwrap();
        std::fs::write(from.join(std::ffi::OsStr::from_bytes(b"x\xff.parquet")), "").unwrap();
        let message = pack(&from, &home.path().join("one.tar.zst")).unwrap_err().message;
        assert!(message.contains("is not UTF-8") && message.contains("rename"), "{message}");
    }

    #[test]
    fn a_name_without_end_is_refused_before_it_fills_the_memory() {
        let home = tempfile::tempdir().unwrap();
        let (out, to) = (home.path().join("a.tar.zst"), home.path().join("to"));
        let mut archive = tar::Builder::new(zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(1 << 30);
        header.set_cksum();
        archive.append(&header, std::io::repeat(b'a').take(1 << 22)).unwrap();
        std::fs::write(&out, archive.into_inner().unwrap().finish().unwrap()).unwrap();
        let message = unpack(&out, &to, UNPACK_LIMIT).unwrap_err().message;
        assert!(message.contains("a header of more than 1048576 bytes"), "{message}");
    }

    #[test]
    fn a_file_that_is_no_bundle_or_cut_short_is_refused() {
        let (home, out) = packed();
        let bytes = std::fs::read(&out).unwrap();
        for length in [0, 10, bytes.len() / 2, bytes.len() - 5] {
            std::fs::write(&out, &bytes[..length]).unwrap();
            let to = home.path().join(format!("to-{length}"));
            let error = unpack(&out, &to, UNPACK_LIMIT).unwrap_err();
            assert!(error.message.contains("is damaged or no bundle"), "{}", error.message);
        }
    }
}
