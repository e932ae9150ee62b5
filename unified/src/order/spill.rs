//! A file of blocks, in which sorted runs lie end to end: however many there are, one file is open.
//!
//! A block has a part that is stored as it is and one that is compressed (one zstd frame). Its header (see [`Header`]) has
//! the lengths and a checksum of all that is stored. A reader fetches each block together with the header of the next, so
//! one call of the system a block does.

use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempPath;
use zstd::bulk::{Compressor, Decompressor};

use crate::error::{Error, Result};
use crate::scratch::Scratch;

/// On spilled log rows as quick as LZ4 (see `docs/unified-writer.md`).
const LEVEL: i32 = -20;

/// Bytes that a thread keeps to read and to decompress into.
const KEPT: usize = 1 << 20;

thread_local! {
    /// Expensive to make; they hold nothing from one block to the next.
    static COMPRESSOR: RefCell<Option<(Compressor<'static>, Vec<u8>)>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Reading>> = const { RefCell::new(None) };
}

/// What a thread reads blocks with.
struct Reading {
    decompressor: Decompressor<'static>,
    stored: Vec<u8>,
    compressible: Vec<u8>,
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

/// What stands before a block, all numbers little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    /// Bytes of the part that is stored as it is, and of the other, compressed and not: eight bytes each.
    plain: u64,
    compressed: u64,
    compressible: u64,
    /// CRC-32 of the lengths and of what is stored: four bytes.
    checksum: u32,
}

impl Header {
    const BYTES: usize = 28;

    fn lengths(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        for (to, length) in
            bytes.as_chunks_mut().0.iter_mut().zip([self.plain, self.compressed, self.compressible])
        {
            *to = length.to_le_bytes();
        }
        bytes
    }

    fn write(&self, to: &mut [u8]) {
        to[..24].copy_from_slice(&self.lengths());
        to[24..Self::BYTES].copy_from_slice(&self.checksum.to_le_bytes());
    }

    fn read(bytes: &[u8; Self::BYTES]) -> Self {
        let lengths = bytes.as_chunks().0;
        let length = |at: usize| u64::from_le_bytes(lengths[at]);
        let checksum = u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]);
        Self { plain: length(0), compressed: length(1), compressible: length(2), checksum }
    }

    fn checksum_over(&self, stored: &[u8]) -> u32 {
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&self.lengths());
        checksum.update(stored);
        checksum.finalize()
    }
}

/// A block as it is stored.
#[derive(Debug)]
pub(crate) struct Block {
    stored: Vec<u8>,
    /// Its bytes when it is read.
    real: usize,
}

impl Block {
    /// `compressible` will be compressed.
    pub(crate) fn new(plain: &[u8], compressible: &[u8]) -> std::io::Result<Self> {
        compressed(compressible, |compressed| {
            let mut header = Header {
                plain: plain.len() as u64,
                compressed: compressed.len() as u64,
                compressible: compressible.len() as u64,
                checksum: 0,
            };
            let mut stored = Vec::with_capacity(Header::BYTES + plain.len() + compressed.len());
            stored.extend([0; Header::BYTES]);
            stored.extend_from_slice(plain);
            stored.extend_from_slice(compressed);
            header.checksum = header.checksum_over(&stored[Header::BYTES..]);
            header.write(&mut stored);
            Self { stored, real: plain.len() + compressible.len() }
        })
    }
}

/// Whether it is worth to compress such bytes: less of them go to disk and back, but not for nothing.
pub(crate) fn shrinks(bytes: &[u8]) -> std::io::Result<bool> {
    compressed(bytes, |compressed| compressed.len() <= bytes.len() / 4 * 3)
}

/// Calls with the bytes, compressed; nothing stays nothing.
fn compressed<R>(bytes: &[u8], each: impl FnOnce(&[u8]) -> R) -> std::io::Result<R> {
    if bytes.is_empty() {
        return Ok(each(&[]));
    }
    COMPRESSOR.with_borrow_mut(|kept| {
        let (compressor, buffer) = match kept {
            Some(kept) => kept,
            none => none.insert((Compressor::new(LEVEL)?, Vec::new())),
        };
        buffer.clear();
        buffer.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
        compressor.compress_to_buffer(bytes, buffer)?;
        let result = each(buffer);
        if buffer.capacity() > KEPT {
            *buffer = Vec::new();
        }
        Ok(result)
    })
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

    /// Real bytes of the largest block.
    pub(crate) fn largest(&self) -> usize {
        self.largest
    }
}

/// Reads the blocks of a stretch in order.
pub(crate) struct BlockReader {
    stretch: Stretch,
    /// The header of the next block, once the one before was read.
    header: Option<Header>,
}

impl BlockReader {
    pub(crate) fn new(stretch: Stretch) -> Self {
        Self { stretch, header: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.stretch.shared.path
    }

    /// Calls with the two parts of the next block, or yields nothing at the end.
    pub(crate) fn next<R>(&mut self, each: impl FnOnce(&[u8], &[u8]) -> R) -> Result<Option<R>> {
        if self.stretch.at >= self.stretch.end {
            return Ok(None);
        }
        let read = DECOMPRESSOR.with_borrow_mut(|kept| {
            let reading = match kept {
                Some(kept) => kept,
                none => none.insert(Reading {
                    decompressor: Decompressor::new()?,
                    stored: Vec::new(),
                    compressible: Vec::new(),
                }),
            };
            let plain = self.fetch(reading)?;
            let result = each(&reading.stored[..plain], &reading.compressible);
            for buffer in [&mut reading.stored, &mut reading.compressible] {
                if buffer.capacity() > KEPT {
                    *buffer = Vec::new();
                }
            }
            Ok(result)
        });
        read.map(Some).map_err(|source| Error::io("reading spill file", self.path(), source))
    }

    /// Reads a block and yields the length of its plain part.
    fn fetch(&mut self, reading: &mut Reading) -> std::io::Result<usize> {
        let Stretch { shared, at, end, largest } = &mut self.stretch;
        let header = match self.header.take() {
            Some(header) => header,
            None => {
                let mut header = [0; Header::BYTES];
                shared.file.read_exact_at(&mut header, *at)?;
                Header::read(&header)
            }
        };
        let body = *at + Header::BYTES as u64;
        let left = end.saturating_sub(body);
        let stored = header.plain.checked_add(header.compressed).filter(|stored| *stored <= left);
        let real = header.plain.checked_add(header.compressible).filter(|real| *real <= *largest as u64);
        let (Some(stored), Some(_)) = (stored, real) else {
            return Err(std::io::Error::other("a header tells of a block that was never written"));
        };
        let ahead = (left - stored).min(Header::BYTES as u64);
        let Reading { decompressor, stored: bytes, compressible } = reading;
        bytes.resize(length(stored + ahead)?, 0);
        shared.file.read_exact_at(bytes, body)?;
        let (block, next) = bytes.split_at(length(stored)?);
        if header.checksum_over(block) != header.checksum {
            return Err(std::io::Error::other("a block is not what was written"));
        }
        self.header = next.try_into().ok().map(Header::read);
        *at = body + stored;
        let plain = length(header.plain)?;
        compressible.clear();
        compressible.reserve(length(header.compressible)?);
        if header.compressible > 0
            && decompressor.decompress_to_buffer(&block[plain..], compressible)? as u64 != header.compressible
        {
            return Err(std::io::Error::other("a block is shorter than its header says"));
        }
        Ok(plain)
    }
}

fn length(bytes: u64) -> std::io::Result<usize> {
    usize::try_from(bytes).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two parts of some blocks.
    fn blocks(seed: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let bytes = |length: usize| (0..length).map(|n| ((n * n + seed) / 7) as u8).collect();
        let lengths = [(0, 0), (1, 0), (40_000, 3), (0, 300_000), (3, 40_000), (300_000, 0)];
        lengths.into_iter().map(|(plain, compressible)| (bytes(plain), bytes(compressible))).collect()
    }

    fn next(reader: &mut BlockReader) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        reader.next(|plain, compressible| (plain.to_vec(), compressible.to_vec()))
    }

    /// A file with two stretches of blocks.
    fn written(directory: &Path) -> (SpillFile, [Stretch; 2]) {
        let mut file = SpillFile::create(&mut Scratch::new(directory.to_path_buf())).unwrap();
        let stretches = [1, 2].map(|seed| {
            let mut stretch = file.begin();
            blocks(seed).iter().for_each(|(plain, compressible)| {
                file.write(&mut stretch, &Block::new(plain, compressible).unwrap()).unwrap();
            });
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
            assert_eq!(next(&mut one).unwrap().unwrap(), first);
            assert_eq!(next(&mut two).unwrap().unwrap(), second);
        }
        assert!(next(&mut one).unwrap().is_none() && next(&mut two).unwrap().is_none());
    }

    #[test]
    fn a_block_that_was_changed_or_cut_off_is_an_error_that_names_the_file() {
        let read = |stretch| {
            let mut reader = BlockReader::new(stretch);
            std::iter::from_fn(|| next(&mut reader).transpose()).collect::<Result<Vec<_>>>()
        };
        let directory = tempfile::tempdir().unwrap();
        let whole = written(directory.path()).1[0].bytes();
        for at in (0..4 * Header::BYTES as u64).chain((100..whole).step_by(1997)) {
            let (file, [stretch, _]) = written(directory.path());
            let mut byte = [0];
            file.shared.file.read_exact_at(&mut byte, at).unwrap();
            file.shared.file.write_all_at(&[byte[0] ^ 0x55], at).unwrap();
            let error = read(stretch).expect_err("a changed byte must be noticed");
            assert!(error.to_string().contains("reading spill file"), "{at}: {error}");
        }
        let (file, [_, stretch]) = written(directory.path());
        file.shared.file.set_len(file.end - 1).unwrap();
        let path = file.path().display().to_string();
        assert!(read(stretch).unwrap_err().to_string().contains(&path));
    }

    #[test]
    fn only_what_repeats_shrinks() {
        assert!(shrinks(&b"the same again and ".repeat(50)).unwrap());
        let random: Vec<u8> =
            (0..1000_u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8).collect();
        assert!(!shrinks(&random).unwrap());
    }
}
