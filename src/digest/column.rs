//! What the cells of one column add to the lanes of their rows.
//!
//! A value's canonical bytes (see `encode`) are words of 64 bits, the last one padded with zeros. In each of two lanes a value
//! adds, modulo 2^128,
//!
//! > some + length * l + word 1 * k1 + word 2 * k2 + ...
//!
//! where *some*, *l* and the *k* are random numbers of this column and this type class (128 bits the first, 64 the others). A
//! null adds nothing. Values longer than [`SHORT`] bytes are keyed BLAKE3 first, and its four words take the place of theirs.
//!
//! *Why two different cells do not meet.* Let both add the same to a lane, up to any fixed difference *d* (what the row's
//! other cells make up for). They differ in a word, in length, or in that one is null or of another type class. In the last
//! cases *some* decides: one of 2^128 values does it. Else there is a *k* (or *l*) whose words differ by *c*, 0 < |c| < 2^64,
//! and c * k = d' modulo 2^128 for a d' that does not depend on k. Two solutions would differ by less than 2^64, so c times
//! their difference would be a multiple of 2^128 below 2^128 in size: there is at most one, of 2^64. So in both lanes, whose
//! numbers are independent, it happens with a probability of at most 2^-128. Only for long values there is more to trust:
//! that nobody finds two with one BLAKE3 hash under a key not yet drawn.

use super::key::Stream;

/// Bytes up to which a value is taken word by word.
pub(super) const SHORT: usize = 1_024;

/// Two sums modulo 2^128: of a cell, of some cells of a row, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lanes(pub(crate) u128, pub(crate) u128);

impl Lanes {
    /// Adds other lanes.
    #[inline]
    pub(crate) fn add(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
        self.1 = self.1.wrapping_add(other.1);
    }

    #[inline]
    pub(super) fn word(&mut self, word: u64, key: [u64; 2]) {
        self.0 = self.0.wrapping_add(u128::from(word) * u128::from(key[0]));
        self.1 = self.1.wrapping_add(u128::from(word) * u128::from(key[1]));
    }
}

/// The random numbers of one column.
#[derive(Debug)]
pub(super) struct ColumnKey {
    some: Lanes,
    length: [u64; 2],
    words: Vec<[u64; 2]>,
    long: [u8; 32],
    long_words: [[u64; 2]; 4],
    /// *some* and the length of a value of eight bytes.
    eight: Lanes,
}

impl ColumnKey {
    pub(super) fn new(stream: &mut Stream) -> Self {
        let some = Lanes(stream.u128(), stream.u128());
        let mut pair = || [stream.u64(), stream.u64()];
        let length = pair();
        let long_words = [(); 4].map(|()| pair());
        let words = (0..SHORT / 8).map(|_| pair()).collect();
        let mut eight = some;
        eight.word(8, length);
        Self { some, length, words, long: stream.bytes(), long_words, eight }
    }

    /// For values of eight bytes: what every one adds, and the factors of its word.
    pub(super) fn of_eight(&self) -> (Lanes, [u64; 2]) {
        (self.eight, self.words[0])
    }

    /// What a value adds.
    #[inline]
    pub(super) fn value(&self, bytes: &[u8]) -> Lanes {
        let mut lanes = self.some;
        lanes.word(bytes.len() as u64, self.length);
        if bytes.len() > SHORT {
            self.long_value(bytes, &mut lanes);
            return lanes;
        }
        let (words, rest) = bytes.as_chunks::<8>();
        let (keys, more) = self.words.split_at(words.len());
        for (word, key) in words.iter().zip(keys) {
            lanes.word(u64::from_le_bytes(*word), *key);
        }
        if let (false, Some(key)) = (rest.is_empty(), more.first()) {
            lanes.word(last(bytes, rest), *key);
        }
        lanes
    }

    #[cold]
    fn long_value(&self, bytes: &[u8], lanes: &mut Lanes) {
        let hash = blake3::keyed_hash(&self.long, bytes);
        let (words, _) = hash.as_bytes().as_chunks::<8>();
        for (word, key) in words.iter().zip(self.long_words) {
            lanes.word(u64::from_le_bytes(*word), key);
        }
    }
}

/// The last word of a value: its last 1 to 7 bytes, padded with zeros.
#[inline]
fn last(bytes: &[u8], rest: &[u8]) -> u64 {
    // The last eight bytes, shifted, are quicker than a copy of a length that is not known.
    if let Some(eight) = bytes.last_chunk::<8>() {
        return u64::from_le_bytes(*eight) >> (64 - 8 * rest.len());
    }
    let (low, high) = (rest.first_chunk::<4>(), rest.last_chunk::<4>());
    if let (Some(low), Some(high)) = (low, high) {
        let shift = 8 * (rest.len() - 4);
        return u64::from(u32::from_le_bytes(*low)) | u64::from(u32::from_le_bytes(*high)) << shift;
    }
    let byte = |at: usize| u64::from(rest[at]);
    byte(0) | byte(rest.len() / 2) << (8 * (rest.len() / 2)) | byte(rest.len() - 1) << (8 * (rest.len() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_the_rest_padded_with_zeros() {
        let bytes: Vec<u8> = (1..=40).collect();
        for length in 1..=40_usize {
            let value = &bytes[..length];
            let (_, rest) = value.as_chunks::<8>();
            if rest.is_empty() {
                continue;
            }
            let mut padded = [0; 8];
            padded[..rest.len()].copy_from_slice(rest);
            assert_eq!(last(value, rest), u64::from_le_bytes(padded), "{length}");
        }
    }
}
