//! What a file's footer states, read from its Thrift and not from the Parquet crate's view of it.

use arrow::datatypes::Schema;
use corpora::footer::read_bytes;
use corpora::stated::Stated;
use parquet::arrow::parquet_to_arrow_schema;

use super::OutputFile;
use super::batches::guarded;
use crate::error::{Error, Result};

impl OutputFile {
    /// Reads what the footer states. Cost: one pass over the bytes of the footer.
    ///
    /// # Errors
    /// Class `input` where the file cannot be read or its footer is broken.
    pub fn stated(&self) -> Result<Stated> {
        self.read_stated(Stated::of)
    }

    /// The same without row groups.
    ///
    /// # Errors
    /// As for [`OutputFile::stated`].
    pub fn stated_schema(&self) -> Result<Stated> {
        self.read_stated(Stated::of_schema)
    }

    fn read_stated(&self, read: fn(&[u8]) -> std::result::Result<Stated, String>) -> Result<Stated> {
        let file =
            corpora::regular::open(&self.path).map_err(|error| Error::unreadable(&self.path, error))?;
        let footer = read_bytes(&file).map_err(|error| Error::unreadable(&self.path, error))?;
        read(&footer).map_err(|said| Error::unreadable(&self.path, format!("the footer is broken: {said}")))
    }

    /// The Arrow schema as Arrow readers take it: the Parquet schema with what the footer's `ARROW:schema` says beyond it.
    ///
    /// # Errors
    /// Class `input` where the `ARROW:schema` cannot be read or contradicts the Parquet schema.
    pub fn hinted_schema(&self) -> Result<Schema> {
        let file = self.metadata.file_metadata();
        guarded(&self.path, None, || parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata()))
    }
}
