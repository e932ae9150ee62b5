//! Between values and bins: the logarithmic mapping of relative accuracy 0.01.

use super::SketchError;
use super::bytes::Reader;
use super::exp::exp;

/// `(1 + 0.01) / (1 - 0.01)`: the ratio of a bin's bounds.
const GAMMA: f64 = 1.01 / 0.99;
/// The smallest normal number.
const MIN_NORMAL: f64 = f64::MIN_POSITIVE;
/// Where the exponential overflows, as the original rounds it.
const EXP_OVERFLOW: f64 = 7.094_361_393_031e2;
/// How far two parameters may lie apart and still be the same mapping.
const TOLERANCE: f64 = 1e-12;
/// Kinds of mapping: logarithmic, and the interpolated ones (linear, quadratic, cubic).
const LOGARITHMIC: u8 = 0;
const KINDS: u8 = 4;

fn multiplier() -> f64 {
    1.0 / GAMMA.ln()
}

/// Values up to this one count as zero.
pub(super) fn min_indexable() -> f64 {
    exp(f64::from(i32::MIN) / multiplier() + 1.0).max(MIN_NORMAL * GAMMA)
}

/// The highest value that has a bin.
pub(super) fn max_indexable() -> f64 {
    exp(f64::from(i32::MAX) / multiplier() - 1.0).min(exp(EXP_OVERFLOW) / (2.0 * GAMMA) * (GAMMA + 1.0))
}

/// The bin of a positive value within the bounds.
pub(super) fn index(value: f64) -> i64 {
    let index = value.ln() * multiplier();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "truncation is the definition; the bounds keep it within 32 bits"
    )]
    let truncated = index as i64;
    if index >= 0.0 { truncated } else { truncated - 1 }
}

/// The value that a bin stands for.
pub(super) fn value(index: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "indexes of values lie within 32 bits")]
    let index = index as f64;
    exp(index / multiplier()) * (1.0 + (1.0 - 2.0 / (1.0 + GAMMA)))
}

/// Reads a mapping and holds it against ours.
pub(super) fn read(reader: &mut Reader<'_>, kind: u8) -> Result<(), SketchError> {
    if kind >= KINDS {
        return Err(SketchError::UnknownMapping);
    }
    let (gamma, offset) = (reader.double()?, reader.double()?);
    let same = |one: f64, other: f64| (one - other).abs() <= TOLERANCE;
    if kind == LOGARITHMIC && same(gamma, GAMMA) && same(offset, 0.0) {
        Ok(())
    } else {
        Err(SketchError::MappingMismatch)
    }
}

/// Writes ours: the ratio and an index offset of 0.
pub(super) fn write(to: &mut Vec<u8>) {
    to.extend(GAMMA.to_le_bytes());
    to.extend(0.0_f64.to_le_bytes());
}
