//! How many bytes a bundle, or the copy of a report's job, may take in the temporary directory.
//!
//! A few kilobytes can unpack to gigabytes, a received report can name a file of any size, and a corpus specification of ten lines can
//! ask for any number of rows. All three are bounded by one option, `--unpack-limit`.

use std::cell::Cell;
use std::path::Path;

use corpora::spec::CorpusSpec;

use crate::error::{Error, Result, display};

/// Bytes that may be taken where nothing else is asked for: one job with both outputs is mostly far smaller, and the temporary directory
/// often lies in memory.
pub const UNPACK_LIMIT: u64 = 1 << 30;

/// What a file, and each folder of its path, counts for at least: the room that it takes.
const BLOCK: u64 = 4096;

/// Bytes that are left of those allowed.
#[derive(Debug)]
pub struct Room {
    /// The bundle or report, for messages.
    of: String,
    /// Absent: no bound.
    limit: Option<u64>,
    left: Cell<u64>,
}

impl Room {
    /// `limit` bytes for the bundle or report at `of`.
    #[must_use]
    pub fn new(limit: u64, of: &Path) -> Self {
        Self { of: display(of), limit: Some(limit), left: Cell::new(limit) }
    }

    /// Without a bound: for packing one's own report.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { of: String::new(), limit: None, left: Cell::new(u64::MAX) }
    }

    /// Takes the room of a file of so many bytes at `path`, which is relative.
    ///
    /// # Errors
    /// Class `input`, naming the option, where less is left.
    pub fn file(&self, path: &Path, bytes: u64) -> Result<()> {
        let folders = path.components().count().saturating_sub(1) as u64;
        let size = bytes.max(BLOCK).saturating_add(folders.saturating_mul(BLOCK));
        match self.left.get().checked_sub(size) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(self.exceeded()),
        }
    }

    /// Refuses a list of so many files that they cannot fit.
    ///
    /// # Errors
    /// As [`Room::file`].
    pub fn files(&self, count: u64) -> Result<()> {
        if count.saturating_mul(BLOCK) > self.left.get() { Err(self.exceeded()) } else { Ok(()) }
    }

    /// Refuses a specification whose inputs may take more than all that is allowed.
    ///
    /// # Errors
    /// As [`Room::file`].
    pub fn generated(&self, spec: &CorpusSpec) -> Result<()> {
        let bytes = spec.most_bytes(None);
        match self.limit {
            Some(limit) if bytes > limit => Err(Error::input(format!(
                "the corpus {} of {} may take {bytes} bytes to generate, and {limit} are allowed; where you trust it, allow \
                 more with --unpack-limit BYTES",
                spec.name, self.of
            ))),
            _ => Ok(()),
        }
    }

    fn exceeded(&self) -> Error {
        Error::input(format!(
            "{} takes more than {} bytes in the temporary directory; where you trust it, allow more with --unpack-limit BYTES",
            self.of,
            self.limit.unwrap_or(u64::MAX)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_count_by_the_room_they_take_and_the_message_names_the_option() {
        let room = Room::new(3 * BLOCK, Path::new("a.tar.zst"));
        room.file(Path::new("one"), 0).unwrap();
        assert!(room.files(2).is_ok() && room.files(3).is_err());
        let error = room.file(Path::new("deep/deeper/two"), 1).unwrap_err();
        assert!(error.message.starts_with("a.tar.zst takes more than 12288 bytes"), "{}", error.message);
        assert!(error.message.contains("--unpack-limit"), "{}", error.message);
        room.file(Path::new("two"), 2 * BLOCK).unwrap();
        assert!(room.file(Path::new("three"), 0).is_err());
        assert!(Room::unlimited().file(Path::new("x"), 1 << 50).is_ok());
    }

    #[test]
    fn a_specification_is_refused_by_what_it_asks_for() {
        let text = |rows: u64| {
            format!(
                "name = \"n\"\ntitle = \"t\"\nsignal = \"logs\"\nkind = \"compact\"\nprovokes = []\nrows = {rows}\ninputs = 1\n\
                 [generator]\nkind = \"production\"\n"
            )
        };
        let spec = |rows| CorpusSpec::parse(&text(rows), "corpus.toml", Path::new("")).unwrap();
        let room = Room::new(UNPACK_LIMIT, Path::new("a.tar.zst"));
        room.generated(&spec(1_000)).unwrap();
        let error = room.generated(&spec(u64::MAX)).unwrap_err();
        assert!(error.message.contains("--unpack-limit"), "{}", error.message);
        assert!(Room::unlimited().generated(&spec(u64::MAX)).is_ok());
    }
}
