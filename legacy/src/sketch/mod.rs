//! DDSketch as the original uses it: relative accuracy 0.01, logarithmic mapping, dense stores.
//!
//! Source of the formulas: Masson, Rim, Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
//! VLDB 2019. A value v > 0 falls into bin `floor(ln v / ln gamma)` with `gamma = (1 + a) / (1 - a)`; a bin stands for the value
//! `gamma^index * (1 + a)`. Negative values have a store of their own, values too small to index count as zero.
//!
//! Sum, mean, minimum and maximum are therefore *binned* estimates: 5 and 9 sum up to 13.938248218874275.
//!
//! # Encoding
//!
//! A sequence of flagged fields, in this order: the zero count where it is not 0; the mapping; the positive store; the
//! negative store. An empty store is left out. A store is written as index deltas with counts, or as contiguous counts where
//! that is not longer. Whole numbers are zigzag varints of at most nine bytes; counts are the bits of `count + 1`, turned
//! so that small whole counts take one byte.
//!
//! # Damaged bytes (defect H)
//!
//! The original ignores an error while it reads a store (the bytes end): the bins read until then count, and it goes on with
//! the next flag where the reader stopped. A number that is cut off is read again as flags. The exact statistics, which
//! other libraries write, are skipped as 8 bytes each, the count too, although that is written as a varfloat. So a damaged sketch
//! may be taken, even as an empty one. What ends within a mapping, a zero count or an exact statistic is refused.
//!
//! The crate `sketches-ddsketch` was not used: its encoding carries exact summary statistics, and its store keeps at most
//! 2,048 bins, so it cannot give the original's bytes.
//!
//! Bins are kept sparsely: hostile bytes with indexes far apart cost no more than they are long.

mod bytes;
mod exp;
mod mapping;
mod store;
#[cfg(test)]
mod tests;

use self::bytes::{Reader, put_varfloat};
use self::store::Store;

const ZERO_COUNT: u8 = 1 << 2;
const COUNT: u8 = 0x28 << 2;
const SUM: u8 = 0x21 << 2;
const MIN: u8 = 0x22 << 2;
const MAX: u8 = 0x23 << 2;
const TYPE: u8 = 0b11;
const POSITIVE: u8 = 0b01;
const MAPPING: u8 = 0b10;
const NEGATIVE: u8 = 0b11;

/// Why a sketch could not be decoded, asked or added to. Texts are the original's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SketchError {
    /// The bytes end within a field.
    #[error("EOF")]
    Eof,
    /// A field of no known kind.
    #[error("unknown encoding flag")]
    UnknownFlag,
    /// A mapping of no known kind.
    #[error("unknown mapping")]
    UnknownMapping,
    /// The sketch has another accuracy or kind of mapping.
    #[error("index mapping mismatch")]
    MappingMismatch,
    /// NaN was added.
    #[error("input value is NaN and cannot be tracked by the sketch")]
    NotANumber,
    /// A value above what can be indexed was added.
    #[error("input value is too high and cannot be tracked by the sketch")]
    TooHigh,
    /// A value below what can be indexed was added.
    #[error("input value is too low and cannot be tracked by the sketch")]
    TooLow,
    /// An empty sketch has neither lowest nor highest value.
    #[error("MinIndex of empty store is undefined")]
    EmptyStore,
    /// An empty sketch has no quantiles.
    #[error("no such element exists")]
    Empty,
}

/// A DDSketch with the original's accuracy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sketch {
    zero_count: f64,
    positive: Store,
    negative: Store,
}

impl Sketch {
    /// Reads an encoded sketch. A sketch without a mapping is taken to have ours. Damaged stores are taken as far as they can be
    /// read (defect H, see the module).
    ///
    /// # Errors
    /// A flag of no known kind; a mapping, zero count or exact statistic that is cut off; another accuracy.
    pub fn decode(encoded: &[u8]) -> Result<Self, SketchError> {
        let mut sketch = Self::default();
        let mut reader = Reader::new(encoded);
        while let Some(flag) = reader.flag() {
            match flag & TYPE {
                POSITIVE => sketch.positive.read(&mut reader, flag >> 2),
                NEGATIVE => sketch.negative.read(&mut reader, flag >> 2),
                MAPPING => mapping::read(&mut reader, flag >> 2)?,
                _ => match flag {
                    ZERO_COUNT => sketch.zero_count += reader.varfloat()?,
                    // Exact statistics: the original passes over 8 bytes, whatever is there.
                    COUNT | SUM | MIN | MAX => drop(reader.double()?),
                    _ => return Err(SketchError::UnknownFlag),
                },
            }
        }
        Ok(sketch)
    }

    /// The sketch as the original's dense stores write it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoded = Vec::new();
        if self.zero_count != 0.0 {
            encoded.push(ZERO_COUNT);
            put_varfloat(&mut encoded, self.zero_count);
        }
        encoded.push(MAPPING);
        mapping::write(&mut encoded);
        self.positive.write(&mut encoded, POSITIVE);
        self.negative.write(&mut encoded, NEGATIVE);
        encoded
    }

    /// Counts a value.
    ///
    /// # Errors
    /// NaN, and values that cannot be indexed; the sketch is as before.
    pub fn add(&mut self, value: f64) -> Result<(), SketchError> {
        if value.is_nan() {
            return Err(SketchError::NotANumber);
        }
        if value > mapping::min_indexable() {
            if value > mapping::max_indexable() {
                return Err(SketchError::TooHigh);
            }
            self.positive.add(mapping::index(value), 1.0);
        } else if value < -mapping::min_indexable() {
            if value < -mapping::max_indexable() {
                return Err(SketchError::TooLow);
            }
            self.negative.add(mapping::index(-value), 1.0);
        } else {
            self.zero_count += 1.0;
        }
        Ok(())
    }

    /// Adds up two sketches.
    pub fn merge(&mut self, other: &Self) {
        self.zero_count += other.zero_count;
        self.positive.merge(&other.positive);
        self.negative.merge(&other.negative);
    }

    /// Number of values.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.zero_count + self.positive.total() + self.negative.total()
    }

    /// Sum of the values that the bins stand for.
    #[must_use]
    pub fn sum(&self) -> f64 {
        let mut sum = 0.0;
        if self.zero_count != 0.0 {
            sum += 0.0 * self.zero_count;
        }
        for (index, count) in self.positive.bins() {
            sum += mapping::value(index) * count;
        }
        for (index, count) in self.negative.bins() {
            sum += -mapping::value(index) * count;
        }
        sum
    }

    /// The lowest bin's value.
    ///
    /// # Errors
    /// [`SketchError::EmptyStore`] where there is none.
    pub fn min(&self) -> Result<f64, SketchError> {
        if let Some(index) = self.negative.highest() {
            return Ok(-mapping::value(index));
        }
        if self.zero_count > 0.0 {
            return Ok(0.0);
        }
        self.positive.lowest().map(mapping::value).ok_or(SketchError::EmptyStore)
    }

    /// The highest bin's value.
    ///
    /// # Errors
    /// [`SketchError::EmptyStore`] where there is none.
    pub fn max(&self) -> Result<f64, SketchError> {
        if let Some(index) = self.positive.highest() {
            return Ok(mapping::value(index));
        }
        if self.zero_count > 0.0 {
            return Ok(0.0);
        }
        self.negative.lowest().map(|index| -mapping::value(index)).ok_or(SketchError::EmptyStore)
    }

    /// The value at a quantile between 0 and 1: of rank `quantile * (count - 1)`.
    ///
    /// # Errors
    /// [`SketchError::Empty`] where there are no values.
    pub fn quantile(&self, quantile: f64) -> Result<f64, SketchError> {
        let count = self.count();
        if count == 0.0 {
            return Err(SketchError::Empty);
        }
        let rank = quantile * (count - 1.0);
        let negative = self.negative.total();
        if rank < negative {
            let index = self.negative.at_rank(negative - 1.0 - rank);
            return index.map(|index| -mapping::value(index)).ok_or(SketchError::Empty);
        }
        if rank < self.zero_count + negative {
            return Ok(0.0);
        }
        let index = self.positive.at_rank(rank - self.zero_count - negative);
        index.map(mapping::value).ok_or(SketchError::Empty)
    }
}
