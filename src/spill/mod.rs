//! Data that outgrows its share of memory, on disk until it is asked for.
//!
//! 1. [`Memory`] is the memory of one process, shared by all jobs at work: whoever wants to hold more asks first.
//! 2. [`Sorter`] takes records in any order and gives them back sorted. What it may not hold goes to disk as a sorted run.
//! 3. [`Shelf`] keeps a hash for every row, for a second look.
//! 4. [`Marks`] are small numbers for a few of many rows.
//! 5. [`Spill`] is where one job's runs go. Its files have no name: whatever ends the process removes them.
//!
//! A failure to write is kept and told by [`Spill::failure`]: it is no property of either output, and must not look like one.

mod marks;
mod memory;
mod shelf;
mod sorter;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use marks::Marks;
pub use memory::{DEFAULT_MEMORY_LIMIT, Held, LEAST_MEMORY_LIMIT, Memory, Reader};
pub use shelf::Shelf;
pub use sorter::{Fields, Record, Sorted, Sorter};

use crate::error::Error;

/// Where a job's data goes that memory does not hold.
#[derive(Debug)]
pub struct Spill {
    folder: PathBuf,
    memory: Arc<Memory>,
    failed: Mutex<Option<String>>,
}

impl Spill {
    /// Spills into `folder`, which must exist; `memory` is shared with all other jobs.
    #[must_use]
    pub fn new(folder: &Path, memory: &Arc<Memory>) -> Self {
        Self { folder: folder.to_owned(), memory: Arc::clone(memory), failed: Mutex::new(None) }
    }

    /// The memory of the process.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// A shelf in the same place.
    #[must_use]
    pub fn shelf(&self) -> Shelf {
        Shelf::new(&self.folder)
    }

    /// What could not be written or read back, where that happened.
    #[must_use]
    pub fn failure(&self) -> Option<Error> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.as_ref().map(|message| Error::new(reports::manifest::ErrorClass::Io, message.clone()))
    }

    /// A new file without a name.
    fn file(&self) -> crate::error::Result<File> {
        tempfile::tempfile_in(&self.folder).map_err(|error| self.cannot("make", &error))
    }

    /// Keeps a failure, and gives it back as an error.
    fn cannot(&self, what: &str, error: &std::io::Error) -> Error {
        let message = format!(
            "cannot {what} a temporary file in {}: {error}; --tmp-dir names another place",
            self.folder.display()
        );
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get_or_insert_with(|| message.clone());
        Error::new(reports::manifest::ErrorClass::Io, message)
    }
}
