//! A file of compressed blocks, in which sorted runs lie end to end: however many there are, one file is open.
//!
//! A block is a header (its stored and its real length, eight bytes each, little-endian) and one zstd frame with a
//! checksum. A reader fetches each block together with the header of the next, so one call of the system a block does.

use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use arrow::buffer::{Buffer, MutableBuffer};
use tempfile::TempPath;
use zstd::bulk::{Compressor, Decompressor};

use crate::error::{Error, Result};
use crate::scratch::Scratch;

/// Bytes of a header.
const HEADER: usize = 16;

/// On spilled log rows as quick as LZ4, which has no checksum (see `docs/unified-writer.md`).
const LEVEL: i32 = -20;

thread_local! {
    /// Expensive to make; they hold nothing from one block to the next.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// A file of blocks. It is removed with the last stretch in it.
#[derive(Debug)]
pub(crate) struct SpillFile {
    shared: Arc<Shared>,
    end: u64,
}

#[derive(Debug)]
struct Shared {
    file: File,
    path: TempPath,
}

impl SpillFile {
    pub(crate) fn create(scratch: &mut Scratch) -> Result<Self> {
        let (file, path) = scratch.file()?;
        Ok(Self { shared: Arc::new(Shared { file, path }), end: 0 })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Where the blocks lie that are written from now on.
    pub(crate) fn begin(&self) -> Stretch {
        Stretch { shared: Arc::clone(&self.shared), at: self.end, end: self.end, largest: 0 }
    }

    /// Adds a block to the stretch at the end of the file.
    pub(crate) fn write(&mut self, stretch: &mut Stretch, block: &Block) -> Result<()> {
        let fail = |source| Error::io("writing spill file", &self.shared.path, source);
        self.shared.file.write_all_at(&block.stored, self.end).map_err(fail)?;
        self.end += block.stored.len() as u64;
        stretch.end = self.end;
        stretch.largest = stretch.largest.max(block.real);
        Ok(())
    }
}

/// A block as it is stored: compressed, with its header.
#[derive(Debug)]
pub(crate) struct Block {
    stored: Vec<u8>,
    /// Its real bytes.
    real: usize,
}

impl Block {
    pub(crate) fn new(bytes: &[u8]) -> std::io::Result<Self> {
        COMPRESSOR.with_borrow_mut(|compressor| {
            let compressor = match compressor {
                Some(compressor) => compressor,
                none => {
                    let mut fresh = Compressor::new(LEVEL)?;
                    fresh.include_checksum(true)?;
                    none.insert(fresh)
                }
            };
            let mut stored = vec![0; HEADER + zstd::zstd_safe::compress_bound(bytes.len())];
            let length = compressor.compress_to_buffer(bytes, &mut stored[HEADER..])?;
            stored.truncate(HEADER + length);
            stored.shrink_to_fit();
            let header = u128::from(length as u64) | u128::from(bytes.len() as u64) << 64;
            stored[..HEADER].copy_from_slice(&header.to_le_bytes());
            Ok(Self { stored, real: bytes.len() })
        })
    }
}

/// Blocks end to end.
#[derive(Debug)]
pub(crate) struct Stretch {
    shared: Arc<Shared>,
    at: u64,
    end: u64,
    /// Real bytes of the largest block.
    largest: usize,
}

impl Stretch {
    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.end - self.at
    }
}

/// Reads the blocks of a stretch in order.
pub(crate) struct BlockReader {
    stretch: Stretch,
    /// The header of the next block, once the one before was read.
    header: Option<[u8; HEADER]>,
}

impl BlockReader {
    pub(crate) fn new(stretch: Stretch) -> Self {
        Self { stretch, header: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.stretch.shared.path
    }

    /// The next block, or none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Buffer>> {
        if self.stretch.at >= self.stretch.end {
            return Ok(None);
        }
        self.fetch().map(Some).map_err(|source| Error::io("reading spill file", self.path(), source))
    }

    fn fetch(&mut self) -> std::io::Result<Buffer> {
        let Stretch { shared, at, end, largest } = &mut self.stretch;
        let header = match self.header.take() {
            Some(header) => header,
            None => {
                let mut header = [0; HEADER];
                shared.file.read_exact_at(&mut header, *at)?;
                header
            }
        };
        let (stored, real) = lengths(header);
        let body = *at + HEADER as u64;
        let left = end.saturating_sub(body);
        if stored > left || real > *largest as u64 {
            return Err(std::io::Error::other("a header tells of a block that was never written"));
        }
        let ahead = (left - stored).min(HEADER as u64);
        let mut bytes = vec![0; length(stored + ahead)?];
        shared.file.read_exact_at(&mut bytes, body)?;
        let (block, next) = bytes.split_at(length(stored)?);
        self.header = next.try_into().ok();
        *at = body + stored;
        decompressed(block, length(real)?)
    }
}

fn length(bytes: u64) -> std::io::Result<usize> {
    usize::try_from(bytes).map_err(std::io::Error::other)
}

/// The stored and the real length.
fn lengths(header: [u8; HEADER]) -> (u64, u64) {
    let header = u128::from_le_bytes(header);
    (header as u64, (header >> 64) as u64)
}

fn decompressed(block: &[u8], length: usize) -> std::io::Result<Buffer> {
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        let decompressor = match decompressor {
            Some(decompressor) => decompressor,
            none => none.insert(Decompressor::new()?),
        };
        let mut bytes = MutableBuffer::from_len_zeroed(length);
        if decompressor.decompress_to_buffer(block, bytes.as_slice_mut())? != length {
            return Err(std::io::Error::other("a block is shorter than its header says"));
        }
        Ok(bytes.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(seed: usize) -> Vec<Vec<u8>> {
        let block = |length: usize| (0..length).map(|n| ((n * n + seed) / 7) as u8).collect();
        [0, 1, 40_000, 3, 300_000].into_iter().map(block).collect()
    }

    /// A file with two stretches of blocks.
    fn written(directory: &Path) -> (SpillFile, [Stretch; 2]) {
        let mut file = SpillFile::create(&mut Scratch::new(directory.to_path_buf())).unwrap();
        let stretches = [1, 2].map(|seed| {
            let mut stretch = file.begin();
            blocks(seed)
                .iter()
                .for_each(|block| file.write(&mut stretch, &Block::new(block).unwrap()).unwrap());
            stretch
        });
        (file, stretches)
    }

    #[test]
    fn blocks_come_back_in_order_from_stretches_side_by_side() {
        let directory = tempfile::tempdir().unwrap();
        let (file, stretches) = written(directory.path());
        assert_eq!(stretches.iter().map(Stretch::bytes).sum::<u64>(), file.end);
        let [mut one, mut two] = stretches.map(BlockReader::new);
        for (first, second) in blocks(1).into_iter().zip(blocks(2)) {
            assert_eq!(one.next().unwrap().unwrap().as_slice(), first);
            assert_eq!(two.next().unwrap().unwrap().as_slice(), second);
        }
        assert!(one.next().unwrap().is_none() && two.next().unwrap().is_none());
    }

    #[test]
    fn a_block_that_was_changed_or_cut_off_is_an_error_that_names_the_file() {
        let read = |stretch| {
            let mut reader = BlockReader::new(stretch);
            std::iter::from_fn(|| reader.next().transpose()).collect::<Result<Vec<Buffer>>>()
        };
        let directory = tempfile::tempdir().unwrap();
        let whole = written(directory.path()).1[0].bytes();
        for at in (0..64).chain((64..whole).step_by(97)) {
            let (file, [stretch, _]) = written(directory.path());
            let mut byte = [0];
            file.shared.file.read_exact_at(&mut byte, at).unwrap();
            file.shared.file.write_all_at(&[byte[0] ^ 0x55], at).unwrap();
            match read(stretch) {
                Err(error) => assert!(error.to_string().contains("reading spill file"), "{error}"),
                // Some bits of a frame's header mean nothing.
                Ok(read) => assert!(read.iter().map(Buffer::as_slice).eq(blocks(1)), "{at}"),
            }
        }
        let (file, [_, stretch]) = written(directory.path());
        file.shared.file.set_len(file.end - 1).unwrap();
        let path = file.path().display().to_string();
        assert!(read(stretch).unwrap_err().to_string().contains(&path));
    }
}
