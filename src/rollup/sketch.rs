//! Sketches of many values: how many of them fell into each bin of a logarithmic scale.
//!
//! Bin `i` holds the values from gamma^i up to gamma^(i+1), with gamma = (1 + a) / (1 - a) for the relative accuracy a; what is
//! read back for a value is its bin's representative, at most the accuracy away from it. Negative values have bins of their own
//! by their magnitude, and what is too close to zero is counted apart.
//!
//! Everything here is recomputed from bins: sums, extremes and quantiles are estimates of the values, and exact facts about
//! the sketch. Cost: memory by the number of bins that hold something.

use super::exp::exp;
pub use super::wire::{Decoding, Fault};
use super::{encode, wire};

/// How values fall into bins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mapping {
    gamma: f64,
    log_gamma: f64,
    /// What is at or below this magnitude counts as zero.
    lowest: f64,
    /// What is above this magnitude is refused.
    highest: f64,
    /// Representatives are exact to the last bit.
    exact: bool,
}

/// How far two mappings may lie apart and still be one.
const MAPPING_TOLERANCE: f64 = 1e-12;

impl Mapping {
    /// The mapping of a relative accuracy between 0 and 1.
    #[must_use]
    pub fn new(relative_accuracy: f64) -> Self {
        let gamma = (1.0 + relative_accuracy) / (1.0 - relative_accuracy);
        let log_gamma = gamma.ln();
        // Bins are numbered with 32 bits, and no bin's representative may leave the range of normal numbers.
        let by_index = |index: i32, more: f64| (f64::from(index) * log_gamma + more).exp();
        let largest_exponent = 709.436_139_303_1_f64;
        let lowest = by_index(i32::MIN, 1.0).max(f64::MIN_POSITIVE * gamma);
        let highest = by_index(i32::MAX, -1.0).min(largest_exponent.exp() / (2.0 * gamma) * (gamma + 1.0));
        Self { gamma, log_gamma, lowest, highest, exact: false }
    }

    /// The same mapping with representatives as the original computes them, to the last bit. Otherwise they are those of the
    /// platform's exponential function, which is quicker.
    #[must_use]
    pub fn exact(self) -> Self {
        Self { exact: true, ..self }
    }

    /// The ratio of a bin's bounds.
    pub(super) fn gamma(&self) -> f64 {
        self.gamma
    }

    /// The relative accuracy.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        1.0 - 2.0 / (1.0 + self.gamma)
    }

    /// True where a stored mapping is this one.
    pub(super) fn is(&self, gamma: f64, offset: f64) -> bool {
        let apart = (gamma - self.gamma).abs();
        apart <= MAPPING_TOLERANCE * gamma.abs().max(self.gamma) && offset.abs() <= MAPPING_TOLERANCE
    }

    /// The representative of a bin.
    fn value(&self, index: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "bins that matter are numbered with 32 bits")]
        let index = index as f64;
        let bound =
            if self.exact { exp(index / (1.0 / self.log_gamma)) } else { (index * self.log_gamma).exp() };
        bound * (1.0 + self.accuracy())
    }

    fn index(&self, magnitude: f64) -> i64 {
        let position = magnitude.ln() / self.log_gamma;
        #[expect(clippy::cast_possible_truncation, reason = "truncation is the rule; the range was checked")]
        let whole = position as i64;
        // Not the floor: a position that is a negative whole number belongs one bin lower.
        if position >= 0.0 { whole } else { whole - 1 }
    }
}

/// A sketch.
#[derive(Debug, Clone, Default)]
pub struct Sketch {
    /// Values too close to zero for a bin.
    pub zero: f64,
    /// Bins of positive values.
    pub positive: Bins,
    /// Bins of negative values, by magnitude.
    pub negative: Bins,
}

/// Bins that hold something, ascending by index.
#[derive(Debug, Clone, Default)]
pub struct Bins {
    bins: Vec<(i64, f64)>,
    /// Sum of the counts, in the order in which they came.
    total: f64,
}

impl Bins {
    /// Takes over bins in any order; those of one index add up in the given order.
    pub(super) fn fill(&mut self, mut bins: Vec<(i64, f64)>) {
        self.total = bins.iter().fold(0.0, |total, bin| total + bin.1);
        if !bins.is_sorted_by(|a, b| a.0 < b.0) {
            bins.sort_by_key(|bin| bin.0);
            bins.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    kept.1 += later.1;
                }
                same
            });
        }
        // A count of NaN stays: it is not zero, and it must not compare as equal to nothing.
        bins.retain(|bin| bin.1 != 0.0);
        self.bins = bins;
    }

    fn add(&mut self, other: &Self) {
        self.total += other.total;
        if other.bins.len() * 8 < self.bins.len() {
            for &(index, count) in &other.bins {
                match self.bins.binary_search_by_key(&index, |bin| bin.0) {
                    Ok(at) => self.bins[at].1 += count,
                    Err(at) => self.bins.insert(at, (index, count)),
                }
            }
            return;
        }
        let mut sum = Vec::with_capacity(self.bins.len().max(other.bins.len()));
        let (mut a, mut b) = (self.bins.iter().copied().peekable(), other.bins.iter().copied().peekable());
        loop {
            let next = match (a.peek(), b.peek()) {
                (Some(x), Some(y)) if x.0 == y.0 => {
                    let both = (x.0, x.1 + y.1);
                    a.next();
                    b.next();
                    both
                }
                (Some(x), Some(y)) if x.0 > y.0 => {
                    let next = *y;
                    b.next();
                    next
                }
                (Some(x), _) => {
                    let next = *x;
                    a.next();
                    next
                }
                (None, Some(y)) => {
                    let next = *y;
                    b.next();
                    next
                }
                (None, None) => break,
            };
            sum.push(next);
        }
        self.bins = sum;
    }

    pub(super) fn all(&self) -> &[(i64, f64)] {
        &self.bins
    }

    fn count(&self) -> f64 {
        self.total
    }

    /// Index of the bin that holds the value of a rank, counted from the lowest.
    fn at_rank(&self, rank: f64) -> Option<i64> {
        let rank = rank.max(0.0);
        let mut below = 0.0;
        for &(index, count) in &self.bins {
            below += count;
            if below > rank {
                return Some(index);
            }
        }
        self.bins.last().map(|bin| bin.0)
    }

    fn same(&self, other: &Self) -> bool {
        // Counts below zero, which only broken bytes hold, may have emptied a bin.
        let filled =
            |bins: &'_ Self| bins.bins.iter().filter(|bin| bin.1 != 0.0).copied().collect::<Vec<_>>();
        let (a, b) = (filled(self), filled(other));
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.0 == b.0 && same_count(a.1, b.1))
    }
}

fn same_count(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

/// What a sketch says of its values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// Number of values.
    pub count: f64,
    /// Sum of the representatives.
    pub sum: f64,
    /// Sum of the magnitudes of the representatives.
    pub magnitude: f64,
    /// Lowest representative.
    pub min: f64,
    /// Highest representative.
    pub max: f64,
}

impl Facts {
    /// The mean; 0 where there is no value.
    #[must_use]
    pub fn avg(&self) -> f64 {
        if self.count == 0.0 { 0.0 } else { self.sum / self.count }
    }
}

impl Sketch {
    /// Decodes a sketch that must have the given mapping.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(bytes: &[u8], mapping: &Mapping) -> Result<Self, Fault> {
        wire::decode(bytes, mapping, Decoding::Strict)
    }

    /// Decodes bytes as the original does, which takes damaged ones as far as it can read them (defect H).
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode_leniently(bytes: &[u8], mapping: &Mapping) -> Result<Self, Fault> {
        wire::decode(bytes, mapping, Decoding::Lenient)
    }

    /// What [`Self::decode`] gives, and what [`Self::decode_leniently`] gives where that is something else.
    pub fn decode_both(
        bytes: &[u8],
        mapping: &Mapping,
    ) -> (Result<Self, Fault>, Option<Result<Self, Fault>>) {
        wire::decode_both(bytes, mapping)
    }

    /// The bytes that the writers store for it.
    #[must_use]
    pub fn encode(&self, mapping: &Mapping) -> Vec<u8> {
        encode::encode(self, mapping)
    }

    /// The sketch of one value; `None` where a sketch cannot hold it: NaN, infinities, and what is too large.
    #[must_use]
    pub fn of(value: f64, mapping: &Mapping) -> Option<Self> {
        let magnitude = value.abs();
        if value.is_nan() || magnitude > mapping.highest {
            return None;
        }
        let mut sketch = Self::default();
        if magnitude <= mapping.lowest {
            sketch.zero = 1.0;
        } else {
            let bins = if value > 0.0 { &mut sketch.positive } else { &mut sketch.negative };
            bins.fill(vec![(mapping.index(magnitude), 1.0)]);
        }
        Some(sketch)
    }

    /// Adds another sketch of the same mapping.
    pub fn add(&mut self, other: &Self) {
        self.zero += other.zero;
        self.positive.add(&other.positive);
        self.negative.add(&other.negative);
    }

    /// True where no value is left in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.zero == 0.0 && self.positive.count() == 0.0 && self.negative.count() == 0.0
    }

    /// Bins that hold something.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.positive.bins.len() + self.negative.bins.len()
    }

    /// Number of values.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.zero + self.positive.count() + self.negative.count()
    }

    /// True where both hold the same counts in the same bins.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        same_count(self.zero, other.zero)
            && self.positive.same(&other.positive)
            && self.negative.same(&other.negative)
    }

    /// Count, sum and extremes.
    #[must_use]
    pub fn facts(&self, mapping: &Mapping) -> Facts {
        let mut facts = Facts { count: self.count(), sum: 0.0, magnitude: 0.0, min: 0.0, max: 0.0 };
        for (bins, sign) in [(&self.positive, 1.0), (&self.negative, -1.0)] {
            for &(index, count) in &bins.bins {
                let part = mapping.value(index) * count;
                facts.sum += sign * part;
                facts.magnitude += part.abs();
            }
        }
        let ends = |bins: &Bins| Some((bins.bins.first()?.0, bins.bins.last()?.0));
        let (positive, negative) = (ends(&self.positive), ends(&self.negative));
        facts.min = match (negative, self.zero > 0.0, positive) {
            (Some((_, far)), _, _) => -mapping.value(far),
            (None, false, Some((near, _))) => mapping.value(near),
            _ => 0.0,
        };
        facts.max = match (positive, self.zero > 0.0, negative) {
            (Some((_, far)), _, _) => mapping.value(far),
            (None, false, Some((near, _))) => -mapping.value(near),
            _ => 0.0,
        };
        facts
    }

    /// The representative of the value at a quantile between 0 and 1; `None` where the sketch is empty.
    #[must_use]
    pub fn quantile(&self, quantile: f64, mapping: &Mapping) -> Option<f64> {
        let count = self.count();
        if count == 0.0 {
            return None;
        }
        let (rank, negative) = (quantile * (count - 1.0), self.negative.count());
        if rank < negative {
            return self.negative.at_rank(negative - 1.0 - rank).map(|index| -mapping.value(index));
        }
        if rank < self.zero + negative {
            return Some(0.0);
        }
        self.positive.at_rank(rank - self.zero - negative).map(|index| mapping.value(index))
    }
}
