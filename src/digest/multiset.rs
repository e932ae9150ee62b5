//! A digest of a multiset of rows: independent of order and split, counting duplicates, of constant size.
//!
//! Each row goes into the bucket that the first bits of a hash name; a bucket keeps the number of its rows and the product of
//! (z + hash) over them, modulo the prime 2^127 - 1, at a random point z. Two multisets are taken to be equal when all buckets
//! agree; where they do not, only the rows of the buckets that differ need to be looked at.
//!
//! *Why it decides.* The product is a polynomial in z whose roots are the hashes, each as often as it occurs: two multisets of
//! one size have the same polynomial only if they hold the same hashes. Two different polynomials of degree n agree in at most
//! n of the 2^127 - 1 points, and z is drawn at random, so that two different buckets of n rows agree with a probability of
//! at most n / 2^127. Sums would need hashes that nobody can tell from random ones; this needs hashes that differ.
//!
//! *Why not XOR:* a row that is there twice cancels itself out, so a pair of duplicates looks like no rows at all.

use super::field;

/// Number of buckets.
pub const BUCKETS: usize = 1 << 10;

/// The bucket of a row hash: its first 10 bits.
#[must_use]
pub fn bucket(hash: u128) -> usize {
    (hash >> (128 - BUCKETS.trailing_zeros())) as usize
}

/// Counts and products per bucket: 32 KiB, so that they stay in the first cache while rows go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multiset {
    point: u128,
    buckets: Vec<(u64, u128)>,
}

impl Multiset {
    /// No rows, to be evaluated at `point` (see [`super::RunKey::point`]). Only multisets of one point can be compared.
    #[must_use]
    pub fn new(point: u128) -> Self {
        Self { point, buckets: vec![(0, 1); BUCKETS] }
    }

    /// Adds a row: `place` names the bucket, `hash` is what is multiplied. They are the same unless rows that differ only in
    /// some columns must fall into one bucket.
    #[inline]
    pub fn add(&mut self, place: u128, hash: u128) {
        let (count, product) = &mut self.buckets[bucket(place)];
        *count += 1;
        *product = field::product(*product, field::sum(self.point, field::reduced(hash)));
    }

    /// Adds all rows of another multiset.
    pub fn merge(&mut self, other: &Self) {
        let pairs = self.buckets.iter_mut().zip(&other.buckets).filter(|(_, (more, _))| *more > 0);
        for ((count, product), (more, factor)) in pairs {
            *count += more;
            *product = field::product(*product, *factor);
        }
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
