//! What the cells of one column add to the lanes of their rows.
//!
//! A value's canonical bytes (see `encode`) are taken sixteen at a time as pairs of words of 64 bits; how the last ones become
//! a pair hangs on the length alone (see `last`), and values of one length that differ have different words. In each of two
//! lanes a value adds, modulo 2^128,
//!
//! > some + length * l + (x + k1)(y + k2) + (x' + k3)(y' + k4) + ...
//!
//! for its pairs (x, y), (x', y') ..., where *some*, *l* and the *k* are random numbers of this column and this type class (128
//! bits the first, 64 the others) and the sums in parentheses are modulo 2^64. That is the function NH of UMAC (Black and
//! others 1999). A null adds nothing. Values longer than [`SHORT`] bytes are keyed BLAKE3 first, and its four words take the
//! place of theirs.
//!
//! *Why two different cells do not meet.* Let both add the same to a lane, up to any fixed difference (what the row's other
//! cells make up for).
//!
//! - One of them is null or of another type class: *some* decides, and one of its 2^128 values does it.
//! - They differ in length, by c: c * l = d modulo 2^128 for a d that does not depend on l. Two solutions would differ by less
//!   than 2^64, and so c times their difference would be a multiple of 2^128 that is smaller than 2^128: there is at most one.
//! - Else they differ in a pair, say in x, which becomes u. For any k1 the sums a = x + k1 and b = u + k1 differ, and with
//!   t = y + k2 the other factor is t or, where the pairs differ in y too, t + e modulo 2^64 for a fixed e, which is t + e or
//!   t + e - 2^64. In each of the two cases (a - b) * t = d modulo 2^128 for a fixed d, and has at most one solution for the
//!   same reason: two of 2^64 values of k2 do it.
//!
//! So in one lane it happens with a probability of at most 2^-63, and in both, whose numbers are independent, of 2^-126. Only
//! for long values there is more to trust: that nobody finds two with one BLAKE3 hash under a key not yet drawn.

use super::encode::Hashed;
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

    #[inline(always)]
    fn product(&mut self, x: u64, y: u64, key: &PairKey) {
        let of =
            |first: u64, second: u64| u128::from(x.wrapping_add(first)) * u128::from(y.wrapping_add(second));
        self.0 = self.0.wrapping_add(of(key[0], key[1]));
        self.1 = self.1.wrapping_add(of(key[2], key[3]));
    }

    #[inline(always)]
    fn length(&mut self, length: usize, key: [u64; 2]) {
        self.0 = self.0.wrapping_add(length as u128 * u128::from(key[0]));
        self.1 = self.1.wrapping_add(length as u128 * u128::from(key[1]));
    }

    /// Adds one word whose pair is zero, where `mask` is all ones, and nothing where it is zero.
    #[inline]
    pub(super) fn word(&mut self, word: u64, mask: u64, key: &PairKey) {
        let of = |first: u64, second: u64| u128::from(word.wrapping_add(first)) * u128::from(second & mask);
        self.0 = self.0.wrapping_add(of(key[0], key[1]));
        self.1 = self.1.wrapping_add(of(key[2], key[3]));
    }
}

/// The random numbers for one pair of words: two for the first lane, two for the second.
pub(super) type PairKey = [u64; 4];

/// The random numbers of one column.
#[derive(Debug)]
pub(super) struct ColumnKey {
    some: Lanes,
    lengths: [u64; 2],
    pairs: Vec<PairKey>,
    long: [u8; 32],
    long_pairs: [PairKey; 2],
    /// *some* and the length of a value of eight bytes.
    eight: Lanes,
}

impl ColumnKey {
    pub(super) fn new(stream: &mut Stream) -> Self {
        let some = Lanes(stream.u128(), stream.u128());
        let lengths = [stream.u64(), stream.u64()];
        let mut pair = || [(); 4].map(|()| stream.u64());
        let long_pairs = [pair(), pair()];
        let pairs = (0..SHORT / 16).map(|_| pair()).collect();
        let mut eight = some;
        eight.length(8, lengths);
        Self { some, lengths, pairs, long: stream.bytes(), long_pairs, eight }
    }

    /// For values of eight bytes: what every one adds, and the numbers for its word.
    pub(super) fn of_eight(&self) -> (Lanes, &PairKey) {
        (self.eight, &self.pairs[0])
    }

    /// What a value adds.
    #[inline(always)]
    pub(super) fn value(&self, bytes: &[u8]) -> Lanes {
        let mut lanes = self.some;
        lanes.length(bytes.len(), self.lengths);
        let (pairs, rest) = bytes.as_chunks::<16>();
        // The keys of the whole pairs and, where there are more bytes, of the rest.
        let Some(keys) = self.pairs.get(..bytes.len().div_ceil(16)) else {
            return self.long_value(bytes, lanes);
        };
        for (pair, key) in pairs.iter().zip(keys) {
            let (x, y) = halves(u128::from_le_bytes(*pair));
            lanes.product(x, y, key);
        }
        if let (false, Some(key)) = (rest.is_empty(), keys.last()) {
            let (x, y) = last(bytes);
            lanes.product(x, y, key);
        }
        lanes
    }

    #[cold]
    fn long_value(&self, bytes: &[u8], lanes: Lanes) -> Lanes {
        self.hashed(blake3::keyed_hash(&self.long, bytes), lanes)
    }

    /// Takes the bytes of a value that is longer than [`SHORT`] without keeping them.
    pub(super) fn stream(&self) -> Hashed {
        Hashed::new(&self.long)
    }

    /// What a value adds whose bytes were taken so; `None` where it is not longer than [`SHORT`].
    pub(super) fn streamed(&self, value: &Hashed) -> Option<Lanes> {
        let (hash, length) = value.finish();
        let length = usize::try_from(length).ok().filter(|length| *length > SHORT)?;
        let mut lanes = self.some;
        lanes.length(length, self.lengths);
        Some(self.hashed(hash, lanes))
    }

    fn hashed(&self, hash: blake3::Hash, mut lanes: Lanes) -> Lanes {
        let (pairs, _) = hash.as_bytes().as_chunks::<16>();
        for (pair, key) in pairs.iter().zip(&self.long_pairs) {
            let (x, y) = halves(u128::from_le_bytes(*pair));
            lanes.product(x, y, key);
        }
        lanes
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
#[inline(always)]
fn halves(pair: u128) -> (u64, u64) {
    (pair as u64, (pair >> 64) as u64)
}

/// The last pair of a value whose length is no multiple of sixteen: its last sixteen bytes, whatever part of them is in the
/// pair before; of a shorter value all bytes, at positions that its length decides. No loop, no shift, no copy of a length
/// that is not known.
#[inline(always)]
fn last(bytes: &[u8]) -> (u64, u64) {
    if let Some(all) = bytes.last_chunk::<16>() {
        return halves(u128::from_le_bytes(*all));
    }
    if let (Some(low), Some(high)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        return (u64::from_le_bytes(*low), if bytes.len() == 8 { 0 } else { u64::from_le_bytes(*high) });
    }
    if let (Some(low), Some(high)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return (u64::from(u32::from_le_bytes(*low)), u64::from(u32::from_le_bytes(*high)));
    }
    let byte = |at: usize| bytes.get(at).map_or(0, |byte| u64::from(*byte));
    (byte(0) | byte(bytes.len() / 2) << 8 | byte(bytes.len().saturating_sub(1)) << 16, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_value_is_in_its_words() {
        // Different values of one length have different words: change each byte in turn.
        let words = |value: &[u8]| {
            let (pairs, rest) = value.as_chunks::<16>();
            let mut words: Vec<(u64, u64)> =
                pairs.iter().map(|pair| halves(u128::from_le_bytes(*pair))).collect();
            words.extend((!rest.is_empty()).then(|| last(value)));
            words
        };
        for length in 1..=70_usize {
            let value = vec![7; length];
            for at in 0..length {
                let mut other = value.clone();
                other[at] = 8;
                assert_ne!(words(&value), words(&other), "byte {at} of {length}");
                assert_eq!(words(&value).len(), length.div_ceil(16));
            }
        }
        assert_eq!(last(&42_u64.to_le_bytes()), (42, 0));
    }
}
