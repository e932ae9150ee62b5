//! Digests of column chunks: chunks of one digest hold the same values.

use std::io::{Read, Seek, SeekFrom};

use super::OutputFile;
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// BLAKE3 of a chunk.
pub type ChunkDigest = [u8; 32];

impl OutputFile {
    /// BLAKE3 of column chunks of one row group, `leaves` by position: over the column's name, what the footer says that its bytes mean
    /// (type, levels, codec, number of values), and the bytes from the dictionary page to the last data page.
    ///
    /// # Errors
    /// Where the bytes cannot be read.
    pub fn chunk_digests(
        &self,
        row_group: usize,
        leaves: impl Iterator<Item = usize>,
        cancel: &Cancel,
    ) -> Result<Vec<ChunkDigest>> {
        let unreadable = |error: std::io::Error| Error::unreadable(&self.path, error);
        let impossible = |_| Error::unreadable(&self.path, "its footer has a negative offset or size");
        let mut opened = corpora::regular::open(&self.path).map_err(unreadable)?;
        let columns = self.metadata.row_group(row_group).columns();
        let mut digests = Vec::new();
        for chunk in leaves.filter_map(|leaf| columns.get(leaf)) {
            cancel.check()?;
            let first = chunk
                .dictionary_page_offset()
                .map_or(chunk.data_page_offset(), |it| it.min(chunk.data_page_offset()));
            let start = u64::try_from(first).map_err(impossible)?;
            let length = u64::try_from(chunk.compressed_size()).map_err(impossible)?;
            let mut hasher = blake3::Hasher::new();
            for part in chunk.column_path().parts() {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
            let meaning =
                format!("\0{:?} {:?} {}", chunk.column_descr(), chunk.compression(), chunk.num_values());
            hasher.update(meaning.as_bytes());
            opened.seek(SeekFrom::Start(start)).map_err(unreadable)?;
            hasher.update_reader(opened.by_ref().take(length)).map_err(unreadable)?;
            digests.push(*hasher.finalize().as_bytes());
        }
        Ok(digests)
    }
}
