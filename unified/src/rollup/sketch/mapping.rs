//! The logarithmic mapping of the sketches: which bin a value falls into, and which value stands for a bin.
//!
//! With a relative accuracy of 0.01, `gamma = 1.01 / 0.99`. Bin `i` holds the values in `[gamma^i, gamma^(i+1))`; the
//! value that stands for it is `gamma^i * 1.01`, off by one per cent at most. Stored rollups show every bit of that
//! value, so `gamma^i = exp(i / multiplier)` is computed here, the same on every machine:
//!
//! 1. `x = k ln 2 + r`, where `k` is `x log2 e` rounded to nearest and `ln 2` comes in two parts;
//! 2. `s = r / 16`; `exp(s) - 1` by the first eight terms of its Taylor series, by Horner's rule;
//! 3. four times doubled: `exp(2s) - 1 = e (e + 2)` where `e = exp(s) - 1`; the last time 1 is added;
//! 4. scaled by `2^k`.
//!
//! Method: N. Shibata, "Efficient evaluation methods of elementary functions suitable for SIMD computation", 2010. Each
//! multiplication with an addition is one fused step. Values of the usual bins (1e-18 to 1e17) lie in a table.

use std::sync::LazyLock;

/// Base of the bins.
pub(crate) const GAMMA: f64 = (1.0 + 0.01) / (1.0 - 0.01);

/// `1 / ln(gamma)`, to the last bit.
const MULTIPLIER: f64 = 49.998_333_288_886_78;

/// What lifts a bin's lower bound to the value that stands for it.
const LIFT: f64 = 1.0 + (1.0 - 2.0 / (1.0 + GAMMA));

/// Values up to this one, either way from zero, count as zero.
const LOWEST: f64 = f64::MIN_POSITIVE * GAMMA;

/// Argument beyond which the values that stand for bins would overflow.
const LARGEST_EXPONENT: f64 = 709.4361393031;

/// Bins in the table: `-TABLE..TABLE`.
const TABLE: i64 = 2048;

static VALUES: LazyLock<Vec<f64>> = LazyLock::new(|| (-TABLE..TABLE).map(computed).collect());
static HIGHEST: LazyLock<f64> = LazyLock::new(|| exp(LARGEST_EXPONENT) / (2.0 * GAMMA) * (GAMMA + 1.0));

/// Where a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bin {
    /// Too small to tell from zero.
    Zero,
    /// A bin of positive values.
    Positive(i64),
    /// A bin of negative values.
    Negative(i64),
}

/// The bin of a value; none for what no sketch can hold: NaN, infinities, values beyond the last bin.
pub(crate) fn bin_of(value: f64) -> Option<Bin> {
    let size = value.abs();
    if value.is_nan() || size > *HIGHEST {
        None
    } else if size <= LOWEST {
        Some(Bin::Zero)
    } else if value > 0.0 {
        Some(Bin::Positive(index_of(size)))
    } else {
        Some(Bin::Negative(index_of(size)))
    }
}

fn index_of(size: f64) -> i64 {
    let index = size.ln() * MULTIPLIER;
    if index >= 0.0 { index as i64 } else { index as i64 - 1 }
}

/// The value that stands for a bin of positive values.
pub(crate) fn value_of(index: i64) -> f64 {
    match index.checked_add(TABLE).and_then(|at| usize::try_from(at).ok()).and_then(|at| VALUES.get(at)) {
        Some(value) => *value,
        None => computed(index),
    }
}

fn computed(index: i64) -> f64 {
    exp(index as f64 / MULTIPLIER) * LIFT
}

fn exp(x: f64) -> f64 {
    const LN_2_HIGH: f64 = 0.693_147_180_559_662_956_511_601_805_686_950_683_593_75;
    const LN_2_LOW: f64 = 0.282_352_905_630_315_771_225_884_481_750_134_360_255_254_120_68e-12;
    /// `1 / n!` for n from 8 down to 1.
    const TAYLOR: [f64; 8] =
        [1.0 / 40_320.0, 1.0 / 5_040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 1.0 / 2.0, 1.0];
    // Beyond these the result is 0 or infinite; bins that far out come from hostile bytes only.
    if x > 709.782_712_893_384 {
        return f64::INFINITY;
    }
    if x < -746.0 {
        return 0.0;
    }
    let k = (x * std::f64::consts::LOG2_E).round_ties_even();
    let s = (-k).mul_add(LN_2_LOW, (-k).mul_add(LN_2_HIGH, x)) * 0.0625;
    let series = TAYLOR[1..].iter().fold(TAYLOR[0], |sum, term| sum.mul_add(s, *term));
    let mut e = series * s;
    for _ in 0..3 {
        e *= e + 2.0;
    }
    scaled((e + 2.0).mul_add(e, 1.0), k as i32)
}

/// `value * 2^exponent`, for values near 1.
fn scaled(value: f64, exponent: i32) -> f64 {
    let power = |exponent: i32| f64::from_bits(u64::from((exponent + 1023).unsigned_abs()) << 52);
    match exponent {
        -1022..=1023 => value * power(exponent),
        // Infinite or subnormal, in two steps that each fit.
        1024.. => value * power(1023) * power((exponent - 1023).min(1023)),
        _ => value * power(-1022 + 64) * power((exponent + 1022 - 64).max(-1022)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_what_they_are_said_to_be() {
        assert_eq!(GAMMA.to_le_bytes(), [0xfd, 0x4a, 0x81, 0x5a, 0xbf, 0x52, 0xf0, 0x3f]);
        let computed = 1.0 / GAMMA.ln();
        assert!((MULTIPLIER - computed).abs() <= 2.0 * f64::EPSILON * computed, "{computed:?}");
        assert!((LIFT - 1.01).abs() < 1e-15);
    }

    #[test]
    fn the_exponential_function_is_right_to_the_last_bits() {
        for x in [-745.0, -700.1, -40.0, -1.0, -1e-9, 0.0, 1e-9, 0.5, 1.0, 3.3, 100.0, 709.0] {
            let (mine, theirs) = (exp(x), x.exp());
            assert!((mine - theirs).abs() <= 4.0 * f64::EPSILON * theirs + f64::from_bits(1), "{x}: {mine}");
        }
        assert_eq!((exp(710.0), exp(-1e9), exp(1e300)), (f64::INFINITY, 0.0, f64::INFINITY));
    }

    #[test]
    fn values_fall_within_one_per_cent_of_the_value_that_stands_for_their_bin() {
        for exponent in -300..300 {
            let value = 1.37 * 10f64.powi(exponent);
            let (Some(Bin::Positive(up)), Some(Bin::Negative(down))) = (bin_of(value), bin_of(-value)) else {
                panic!("{value} has no bin")
            };
            assert_eq!(up, down);
            assert!((value_of(up) / value - 1.0).abs() <= 0.01 + 1e-9, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_told_from_zero_and_what_no_bin_can_hold() {
        assert_eq!(
            (bin_of(0.0), bin_of(-0.0), bin_of(1e-320)),
            (Some(Bin::Zero), Some(Bin::Zero), Some(Bin::Zero))
        );
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN] {
            assert_eq!(bin_of(value), None, "{value}");
        }
        assert!(bin_of(1e308).is_some());
        assert_eq!((value_of(i64::MIN), value_of(i64::MAX)), (0.0, f64::INFINITY));
    }
}
