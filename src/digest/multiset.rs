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

/// The bits of a hash that name its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bits {
    skipped: u32,
    taken: u32,
}

/// So few that counts and products, 32 KiB, stay in the first cache while rows go by.
const COARSE: Bits = Bits { skipped: 0, taken: 10 };

/// For the rows of the buckets that differ.
const FINE: Bits = Bits { skipped: COARSE.taken, taken: 14 };

impl Bits {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "at most 14 bits are left")]
    fn bucket(self, hash: u128) -> usize {
        let upper = (hash >> 64) as u64;
        ((upper << self.skipped) >> (64 - self.taken)) as usize
    }
}

/// Counts and products per bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multiset {
    bits: Bits,
    point: u128,
    buckets: Vec<(u64, u128)>,
}

/// The buckets in which two multisets differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    bits: Bits,
    buckets: Vec<bool>,
    rows: u64,
}

impl Differing {
    /// True where a row of this hash falls into one of them.
    #[must_use]
    pub fn holds(&self, hash: u128) -> bool {
        self.buckets[self.bits.bucket(hash)]
    }

    /// Rows of both multisets that do.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

impl Multiset {
    /// No rows, to be evaluated at `point` (see [`super::RunKey::point`]). Only multisets of one point can be compared.
    #[must_use]
    pub fn new(point: u128) -> Self {
        Self::of(COARSE, point)
    }

    /// The same in buckets that have nothing to do with those of [`Multiset::new`]: 16,384 of them.
    #[must_use]
    pub fn finer(point: u128) -> Self {
        Self::of(FINE, point)
    }

    fn of(bits: Bits, point: u128) -> Self {
        Self { bits, point, buckets: vec![(0, 1); 1 << bits.taken] }
    }

    /// Adds a row: `place` names the bucket, `hash` is what is multiplied. They are the same unless rows that differ only in
    /// some columns must fall into one bucket.
    #[inline]
    pub fn add(&mut self, place: u128, hash: u128) {
        let (count, product) = &mut self.buckets[self.bits.bucket(place)];
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
    pub fn differing(&self, other: &Self) -> Option<Differing> {
        let pairs = || self.buckets.iter().zip(&other.buckets);
        let buckets: Vec<bool> = pairs().map(|(a, b)| a != b).collect();
        let rows = pairs().filter(|(a, b)| a != b).map(|(a, b)| a.0 + b.0).sum();
        buckets.contains(&true).then_some(Differing { bits: self.bits, buckets, rows })
    }
}
