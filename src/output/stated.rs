//! What a file's footer states, read from its Thrift and not from the Parquet crate's view of it.

use corpora::footer::read_bytes;
use corpora::stated::Stated;

use super::OutputFile;
use crate::error::{Error, Result};

impl OutputFile {
    /// Reads what the footer states. Cost: one pass over the bytes of the footer.
    ///
    /// # Errors
    /// Class `input` where the file cannot be read or its footer is broken.
    pub fn stated(&self) -> Result<Stated> {
        let file =
            corpora::regular::open(&self.path).map_err(|error| Error::unreadable(&self.path, error))?;
        let footer = read_bytes(&file).map_err(|error| Error::unreadable(&self.path, error))?;
        Stated::of(&footer)
            .map_err(|said| Error::unreadable(&self.path, format!("the footer is broken: {said}")))
    }
}
