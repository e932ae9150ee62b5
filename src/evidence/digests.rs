//! Lists of digests as `b3sum` writes and checks them: one line a file, BLAKE3 in hexadecimal, two spaces, path.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::error::{Error, Result, display};

/// Name of the list beside a kept output. The underscore marks it as no part of the output.
pub const BESIDE: &str = "_digests.b3";

/// Characters that a line of the list cannot hold in a path.
pub const UNLISTED: [char; 3] = ['\n', '\r', '\\'];

/// Digest of every file below a directory, by path relative to it.
///
/// # Errors
/// Class `io` where something cannot be read; class `input` for a path that a line cannot hold.
pub fn of_directory(root: &Path) -> Result<BTreeMap<String, String>> {
    list(root, true)
}

/// The same for a kept output, whose file names are a side's: a path that a line cannot hold is left out.
///
/// # Errors
/// Class `io` where something cannot be read.
pub fn of_kept(root: &Path) -> Result<BTreeMap<String, String>> {
    list(root, false)
}

fn list(root: &Path, strict: bool) -> Result<BTreeMap<String, String>> {
    let mut list = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.map_err(|error| Error::io("cannot read", root, error.into()))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let relative = display(entry.path().strip_prefix(root).unwrap_or(entry.path()));
        if relative.contains(UNLISTED) {
            if !strict {
                continue;
            }
            let message =
                format!("{} cannot be listed: a line end or `\\` in its name", entry.path().display());
            return Err(Error::input(message));
        }
        list.insert(relative, of_file(entry.path())?);
    }
    Ok(list)
}

/// Digest of a file.
///
/// # Errors
/// Where it cannot be read.
pub fn of_file(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let hashed = corpora::regular::open(path).and_then(|file| hasher.update_reader(file).map(drop));
    hashed.map_err(|source| Error::io("cannot read", path, source))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// The list as text.
#[must_use]
pub fn text(list: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (path, digest) in list {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{digest}  {path}");
    }
    text
}

/// The list that a text holds; `None` where it holds none, or one path twice.
#[must_use]
pub fn parse(text: &str) -> Option<BTreeMap<String, String>> {
    let mut list = BTreeMap::new();
    for line in text.lines() {
        let (digest, path) = line.split_once("  ")?;
        let whole = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !whole || path.is_empty() || list.insert(path.to_owned(), digest.to_owned()).is_some() {
            return None;
        }
    }
    Some(list)
}
