//! Holding values against what they should be: how far apart is still the same?

use crate::check::{Comparison, Tolerance};
use crate::rollup::sketch::{Facts, Mapping, Sketch};
use crate::rollup::{Cells, Columns, rollups};

/// Relative difference that arithmetic order and the exponential function may leave between two honest recomputations of a
/// rollup column.
pub(super) const RELATIVE: f64 = 1e-9;

/// Where positive and negative values cancel out, sums may lie apart by this share of the sum of magnitudes.
pub(super) const CANCELLED: f64 = 1e-12;

/// Positions of rollup columns.
const COUNT: usize = 0;
const SUM: usize = 1;
const AVG: usize = 2;

/// How one value stands against another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Verdict {
    pub(super) agrees: bool,
    /// Relative difference, where both are numbers.
    pub(super) difference: f64,
}

const SAME: Verdict = Verdict { agrees: true, difference: 0.0 };

/// Compares within a relative or an absolute bound, either of which suffices.
fn within(found: Option<f64>, wanted: Option<f64>, bound: Tolerance) -> Verdict {
    let (found, wanted) = match (found, wanted) {
        (None, None) => return SAME,
        (Some(found), Some(wanted)) => (found, wanted),
        _ => return Verdict { agrees: false, difference: f64::INFINITY },
    };
    if found == wanted || (found.is_nan() && wanted.is_nan()) {
        return SAME;
    }
    let apart = (found - wanted).abs();
    if !apart.is_finite() {
        return Verdict { agrees: false, difference: f64::INFINITY };
    }
    let difference = apart / found.abs().max(wanted.abs());
    Verdict { agrees: difference <= bound.relative || apart <= bound.absolute, difference }
}

/// Holds the rollup columns of rows against what they should say.
pub(super) struct Judge<'a> {
    pub(super) columns: &'a Columns,
    pub(super) mapping: Mapping,
    pub(super) comparison: &'a Comparison,
}

impl Judge<'_> {
    pub(super) fn ignores(&self, column: &str) -> bool {
        self.comparison.ignored.contains_key(column)
    }

    fn tolerance(&self, column: usize) -> Option<Tolerance> {
        self.comparison.tolerances.get(&self.columns.rollups[column]).copied()
    }

    /// What a merged row must say.
    pub(super) fn wanted(&self, sketch: &Sketch) -> (Facts, Vec<Option<f64>>) {
        rollups(sketch, &self.columns.quantiles, &self.mapping)
    }

    /// A recomputed column of a merged row. The count is exact.
    pub(super) fn recomputed(
        &self,
        column: usize,
        found: Option<f64>,
        wanted: Option<f64>,
        facts: &Facts,
    ) -> Verdict {
        if column == COUNT {
            return within(found, wanted, Tolerance::default());
        }
        if let Some(tolerance) = self.tolerance(column) {
            return within(found, wanted, tolerance);
        }
        let verdict = within(found, wanted, Tolerance { absolute: 0.0, relative: RELATIVE });
        let scale = match column {
            SUM => facts.magnitude,
            AVG => facts.magnitude / facts.count.abs(),
            _ => return verdict,
        };
        match (verdict.agrees, found, wanted) {
            (false, Some(found), Some(wanted)) if (found - wanted).abs() <= CANCELLED * scale => {
                Verdict { agrees: true, difference: (found - wanted).abs() / scale }
            }
            _ => verdict,
        }
    }

    /// A column of a row that passes unchanged.
    pub(super) fn unchanged(&self, column: usize, found: Option<f64>, wanted: &Cells) -> Verdict {
        let wanted = wanted.get(column);
        let verdict = within(found, wanted, self.tolerance(column).unwrap_or_default());
        let signs_differ = match (found, wanted) {
            (Some(a), Some(b)) => a == 0.0 && b == 0.0 && a.is_sign_negative() != b.is_sign_negative(),
            _ => false,
        };
        let tolerant = self.comparison.negative_zero_equal || self.tolerance(column).is_some();
        Verdict { agrees: verdict.agrees && (tolerant || !signs_differ), ..verdict }
    }

    /// A column against the row's own sketch, where nobody knows which values it was made of: the sketch is as accurate as it
    /// says, and the two may have been made by different rules. `None` where there is no value to look at.
    pub(super) fn own(
        &self,
        column: usize,
        found: Option<f64>,
        says: Option<f64>,
        facts: &Facts,
    ) -> Option<Verdict> {
        let (found, says) = (found?, says?);
        let accuracy = self.mapping.accuracy();
        // A value lies within the accuracy of itself; seen from its bin, at the upper edge, that is a little more.
        let share = accuracy / (1.0 - accuracy) * 1.000_001;
        let bound = match column {
            COUNT => Tolerance::default(),
            SUM => Tolerance { absolute: share * facts.magnitude, relative: 0.0 },
            AVG => Tolerance { absolute: share * facts.magnitude / facts.count.abs(), relative: 0.0 },
            // One bin to either side: ranks may be cut down or rounded.
            _ => Tolerance { absolute: 0.0, relative: 2.2 * accuracy },
        };
        Some(within(Some(found), Some(says), bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bits_are_no_difference_and_a_binned_sum_is_not_the_exact_one() {
        let bound = Tolerance { absolute: 0.0, relative: RELATIVE };
        assert!(within(Some(13.938_248_218_874_275), Some(13.938_248_218_874_277), bound).agrees);
        assert!(!within(Some(14.0), Some(13.938_248_218_874_275), bound).agrees);
        assert!(!within(None, Some(0.0), bound).agrees);
        assert!(!within(Some(f64::INFINITY), Some(1.0), bound).agrees);
        assert!(within(Some(f64::NAN), Some(f64::NAN), bound).agrees);
    }
}
