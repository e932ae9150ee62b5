//! How the rows of a block of a run are stored.
//!
//! 1. Numbers and codes: each one's distance from the lowest of the block, in as few bytes as the largest takes (none, 1,
//!    2, 4 or 8). Rows of a run are sorted, so times lie close together; constants vanish. Cost: two passes over values
//!    that are in the cache, a fraction of what a general compressor takes to find the same.
//! 2. Strings: their lengths as numbers, their bytes end to end.
//! 3. A column whose bytes shrink well if compressed (random identifiers do not) goes to the part of the block that is
//!    compressed as a whole; the first block of a run that has enough of them decides.
//! 4. Columns of other types go through Arrow IPC, compressed. The *stream* format, because the file format refuses
//!    replaced dictionaries inside nested columns.
//!
//! What a block becomes in memory is one piece, of which the columns are parts: its size is stored with it.

mod format;
mod pack;
mod unpack;

pub(crate) use self::pack::{Packed, Packer};
pub(crate) use self::unpack::{Unpacked, Unpacker};

#[cfg(test)]
mod tests;
