//! From rows to the column chunks of one output file.
//!
//! [`file_encoder`] encodes a file; [`column_encoder`] encodes a column of it, by codes ([`coded_chunk`]), page by page ([`value_chunk`]) or
//! by the writer of the Parquet crate. Finished pages wait in [`pages`] until [`assembly`] writes the file.

pub(crate) mod assembly;
pub(crate) mod bounds;
pub(crate) mod chunk_builder;
pub(crate) mod coded_chunk;
pub(crate) mod column_encoder;
pub(crate) mod column_tasks;
pub(crate) mod delta;
pub(crate) mod file_encoder;
pub(crate) mod fingerprint;
pub(crate) mod hybrid;
pub(crate) mod pages;
pub(crate) mod properties;
pub(crate) mod value_chunk;
pub(crate) mod value_page;
