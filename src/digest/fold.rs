//! From two lanes of a row, a row key or a cell to one hash of 128 bits.
//!
//! The lanes are four words of 64 bits. Each half of the hash is the upper half of a sum of the words times random numbers of
//! 128 bits, modulo 2^128, plus one more. That is strongly universal (Dietzfelbinger 1996): for two different pairs of lanes
//! both hashes are uniform and independent of each other, so they agree with a probability of 2^-128.

use super::column::Lanes;
use super::key::Stream;

/// The random numbers of a fold.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    offsets: [u128; 2],
    factors: [[u128; 4]; 2],
}

impl Fold {
    pub(super) fn new(stream: &mut Stream) -> Self {
        let offsets = [stream.u128(), stream.u128()];
        Self { offsets, factors: [0; 2].map(|_| [0; 4].map(|_| stream.u128())) }
    }

    /// The hash of two lanes.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    pub(crate) fn hash(&self, lanes: Lanes) -> u128 {
        let words = [lanes.0 as u64, (lanes.0 >> 64) as u64, lanes.1 as u64, (lanes.1 >> 64) as u64];
        let half = |which: usize| {
            let terms = words.iter().zip(&self.factors[which]);
            terms.fold(self.offsets[which], |sum, (&word, factor)| {
                sum.wrapping_add(factor.wrapping_mul(u128::from(word)))
            })
        };
        (half(0) & !u128::from(u64::MAX)) | (half(1) >> 64)
    }
}
