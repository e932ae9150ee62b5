//! Sketches of distributions (DDSketch): how often values of about this size occurred.
//!
//! 1. `codec` reads and writes the bytes that telemetry carries.
//! 2. `store` adds up the counts of bins, one store a sign, and one number for zeros.
//! 3. `mapping` says which value stands for a bin.
//!
//! Merging two sketches adds their counts, so it loses nothing; sums, extremes and quantiles are estimates from the
//! values that stand for the bins, each off by one per cent at most. A caller that merges many reuses two sketches and
//! allocates nothing. Cost: one step a bin and sketch.

mod codec;
mod mapping;
mod store;

#[cfg(test)]
mod tests;

use codec::Undecodable;
use mapping::{Bin, bin_of, value_of};
use store::Store;

/// A sketch.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sketch {
    zeros: f64,
    positive: Store,
    negative: Store,
    spare: Vec<(i64, f64)>,
}

impl codec::Sink for Sketch {
    fn zeros(&mut self, count: f64) {
        self.zeros += count;
    }

    fn bin(&mut self, negative: bool, index: i64, count: f64) {
        let store = if negative { &mut self.negative } else { &mut self.positive };
        store.push(index, count);
    }
}

impl Sketch {
    /// Whether bytes are a sketch that could be merged.
    pub(crate) fn is_decodable(bytes: &[u8]) -> bool {
        codec::decode(bytes, &mut codec::Nowhere).is_ok()
    }

    /// Makes this sketch an empty one.
    pub(crate) fn clear(&mut self) {
        self.zeros = 0.0;
        self.positive.clear();
        self.negative.clear();
    }

    /// Makes this sketch what bytes say. After a failure its content means nothing.
    pub(crate) fn decode(&mut self, bytes: &[u8]) -> Result<(), Undecodable> {
        self.clear();
        codec::decode(bytes, self)?;
        self.positive.settle();
        self.negative.settle();
        Ok(())
    }

    /// Makes this the sketch of one value; false, and an empty sketch, where the value is none that a sketch holds.
    pub(crate) fn set_value(&mut self, value: f64) -> bool {
        self.clear();
        match bin_of(value) {
            Some(Bin::Zero) => self.zeros = 1.0,
            Some(Bin::Positive(index)) => self.positive.push(index, 1.0),
            Some(Bin::Negative(index)) => self.negative.push(index, 1.0),
            None => return false,
        }
        true
    }

    /// Adds the counts of another sketch.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.zeros += other.zeros;
        self.positive.merge(&other.positive, &mut self.spare);
        self.negative.merge(&other.negative, &mut self.spare);
    }

    /// Appends the bytes of this sketch.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        codec::encode(self.zeros, [&self.positive, &self.negative], out);
    }

    /// Number of values.
    pub(crate) fn count(&self) -> f64 {
        self.zeros + self.positive.total() + self.negative.total()
    }

    /// Sum of the values that stand for the bins: positive bins first, then negative ones, each by ascending index.
    pub(crate) fn sum(&self) -> f64 {
        let counted = |store: &Store, sign: f64, sum: f64| {
            let counted = store.bins().iter().filter(|(_, count)| *count > 0.0);
            counted.fold(sum, |sum, &(index, count)| sum + sign * value_of(index) * count)
        };
        counted(&self.negative, -1.0, counted(&self.positive, 1.0, 0.0))
    }

    /// The lowest value; none where there are no values.
    pub(crate) fn min(&self) -> Option<f64> {
        if let Some((index, _)) = self.negative.bins().last() {
            return Some(-value_of(*index));
        }
        if self.zeros > 0.0 {
            return Some(0.0);
        }
        self.positive.bins().first().map(|(index, _)| value_of(*index))
    }

    /// The highest value; none where there are no values.
    pub(crate) fn max(&self) -> Option<f64> {
        if let Some((index, _)) = self.positive.bins().last() {
            return Some(value_of(*index));
        }
        if self.zeros > 0.0 {
            return Some(0.0);
        }
        self.negative.bins().first().map(|(index, _)| -value_of(*index))
    }

    /// The value below which this part of the values lies; none where there are no values.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<f64> {
        let count = self.count();
        if count == 0.0 {
            return None;
        }
        let rank = quantile * (count - 1.0);
        let negative = self.negative.total();
        if rank < negative {
            return self.negative.at_rank(negative - 1.0 - rank).map(|index| -value_of(index));
        }
        if rank < self.zeros + negative {
            return Some(0.0);
        }
        self.positive.at_rank(rank - self.zeros - negative).map(value_of)
    }
}
