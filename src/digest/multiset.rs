//! A digest of a multiset of rows: independent of order and split, counting duplicates, of constant size.
//!
//! Each row goes into the bucket that the first bits of a hash name; a bucket keeps the number of its rows and the sum of
//! their hashes modulo 2^128. Two multisets are taken to be equal when all buckets agree; where they do not, only the rows of
//! the buckets that differ need to be looked at.
//!
//! *Why not XOR:* a row that is there twice cancels itself out, so a pair of duplicates looks like no rows at all. *Why sums
//! do:* for two different multisets the difference of the sums is a sum of keyed hashes, each independent and uniform, times
//! the differences of their multiplicities. With d the largest power of two that divides all of these, it is zero with
//! probability d/2^128; with fewer than 2^40 rows that is below 2^-88 even where every row was multiplied by a power of two,
//! and the counts tell those apart anyway. Plain sums of *unkeyed* hashes could be steered by whoever writes the data.

/// Number of buckets.
pub const BUCKETS: usize = 1 << 14;

/// The bucket of a row hash: its first 14 bits.
#[must_use]
pub fn bucket(hash: u128) -> usize {
    (hash >> (128 - BUCKETS.trailing_zeros())) as usize
}

/// Counts and sums per bucket. About half a MiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multiset {
    buckets: Vec<(u64, u128)>,
}

impl Default for Multiset {
    fn default() -> Self {
        Self { buckets: vec![(0, 0); BUCKETS] }
    }
}

impl Multiset {
    /// Adds a row: `place` names the bucket, `hash` is what is summed. They are the same unless rows that differ only in
    /// some columns must fall into one bucket.
    pub fn add(&mut self, place: u128, hash: u128) {
        let (count, sum) = &mut self.buckets[bucket(place)];
        *count += 1;
        *sum = sum.wrapping_add(hash);
    }

    /// Adds all rows of another multiset.
    #[must_use]
    pub fn merged(mut self, other: &Self) -> Self {
        for ((count, sum), (more, add)) in self.buckets.iter_mut().zip(&other.buckets) {
            *count += more;
            *sum = sum.wrapping_add(*add);
        }
        self
    }

    /// Rows in it.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.buckets.iter().map(|(count, _)| count).sum()
    }

    /// Which buckets differ between two multisets; `None` where none does.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Option<Vec<bool>> {
        let differing: Vec<bool> = self.buckets.iter().zip(&other.buckets).map(|(a, b)| a != b).collect();
        differing.contains(&true).then_some(differing)
    }
}
