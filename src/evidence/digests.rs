//! Lists of digests as `b3sum` writes and checks them: one line a file, BLAKE3 in hexadecimal, two spaces, path. A path with a line
//! end or `\` is escaped, and its line begins with `\`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::error::{Error, Result, display};

/// Name of the list beside a kept output. The underscore marks it as no part of the output.
pub const BESIDE: &str = "_digests.b3";

/// Characters that are escaped in a path, and their escapes. `\` comes first.
const ESCAPED: [(char, &str); 3] = [('\\', r"\\"), ('\n', r"\n"), ('\r', r"\r")];

/// Digest of every file below a directory, by path relative to it.
///
/// # Errors
/// Class `io` where something cannot be read; class `input` for a path that is no UTF-8, which no line can hold.
pub fn of_directory(root: &Path) -> Result<BTreeMap<String, String>> {
    list(root, true)
}

/// The same for a kept output, whose file names are a side's: a path that is no UTF-8 is left out.
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
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        if relative.to_str().is_none() {
            if !strict {
                continue;
            }
            return Err(Error::input(format!(
                "{} cannot be listed: its name is not UTF-8; rename it where it comes from, or remove it there if it is no part of \
                 the output",
                relative.display()
            )));
        }
        list.insert(display(relative), of_file(entry.path())?);
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
        let mut written = path.clone();
        for (character, escape) in ESCAPED {
            written = written.replace(character, escape);
        }
        let mark = if written == *path { "" } else { r"\" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{mark}{digest}  {written}");
    }
    text
}

/// The list that a text holds; `None` where it holds none, or one path twice.
#[must_use]
pub fn parse(text: &str) -> Option<BTreeMap<String, String>> {
    let mut list = BTreeMap::new();
    for line in text.lines() {
        let (line, escaped) = line.strip_prefix('\\').map_or((line, false), |rest| (rest, true));
        let (digest, written) = line.split_once("  ")?;
        let path = unescaped(written)?;
        let whole = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !whole || path.is_empty() || escaped == (path == written) {
            return None;
        }
        if list.insert(path, digest.to_owned()).is_some() {
            return None;
        }
    }
    Some(list)
}

/// The path that was written with escapes; `None` for an escape that there is not.
fn unescaped(written: &str) -> Option<String> {
    let mut path = String::with_capacity(written.len());
    let mut characters = written.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            path.push(character);
            continue;
        }
        let named = characters.next()?;
        let (meant, _) = ESCAPED.iter().find(|(_, escape)| escape.ends_with(named))?;
        path.push(*meant);
    }
    Some(path)
}
