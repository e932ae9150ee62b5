//! Digests of what files hold: two files of one digest hold the same bytes. BLAKE3, hexadecimal.

use std::path::Path;
use std::sync::OnceLock;

use corpora::signal::Signal;

use crate::error::{Error, Result};

/// Text pieces under one digest, each behind its length.
#[derive(Debug, Default)]
pub struct Parts {
    hasher: blake3::Hasher,
}

impl Parts {
    /// Adds a piece.
    pub fn add(&mut self, text: &str) {
        self.hasher.update(&(text.len() as u64).to_le_bytes());
        self.hasher.update(text.as_bytes());
    }

    /// The digest, hexadecimal.
    #[must_use]
    pub fn finish(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }
}

/// Digest of this program, hexadecimal; absent where its file cannot be read. Read once a process.
#[must_use]
pub fn program() -> Option<String> {
    static PROGRAM: OnceLock<Option<String>> = OnceLock::new();
    PROGRAM.get_or_init(|| std::env::current_exe().ok().and_then(|program| digest(&program).ok())).clone()
}

/// Digest of a file's bytes, hexadecimal.
///
/// # Errors
/// Class `input` or `io` where it cannot be read.
pub fn digest(path: &Path) -> Result<String> {
    digest_of(path).map_err(|source| Error::io("cannot read", path, source))
}

/// The same, with the error of the system.
///
/// # Errors
/// Where the file cannot be read, or is no regular file.
pub fn digest_of(path: &Path) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(corpora::regular::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Digest of a signal's definition, hexadecimal; its description plays no part.
#[must_use]
pub fn signal(signal: &Signal) -> Option<String> {
    let said = Signal { description: String::new(), ..signal.clone() };
    let text = serde_json::to_string(&said).ok()?;
    Some(blake3::hash(text.as_bytes()).to_hex().to_string())
}

/// Digest of every file below a directory with its relative path, or of the file itself.
///
/// # Errors
/// As for [`digest`].
pub fn digest_all(root: &Path) -> Result<String> {
    let mut parts = Parts::default();
    for entry in walkdir::WalkDir::new(root).follow_links(true).sort_by_file_name() {
        let entry =
            entry.map_err(|error| Error::input(format!("cannot read {}: {error}", root.display())))?;
        if entry.file_type().is_file() {
            let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
            parts.add(&relative.to_string_lossy());
            parts.add(&digest(entry.path())?);
        }
    }
    Ok(parts.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_follow_names_and_bytes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "1").unwrap();
        let first = digest_all(folder.path()).unwrap();
        assert_eq!(first, digest_all(folder.path()).unwrap());
        std::fs::write(folder.path().join("a"), "2").unwrap();
        let changed = digest_all(folder.path()).unwrap();
        std::fs::rename(folder.path().join("a"), folder.path().join("b")).unwrap();
        let renamed = digest_all(folder.path()).unwrap();
        assert!(first != changed && changed != renamed);
        assert!(digest_all(&folder.path().join("none")).is_err());
    }
}
