//! The exponential function with the rounding of the original's platform.
//!
//! The representative of a bin shows every bit of it. Checks that allow a tolerance use the platform's function, which is
//! quicker; where rows are excused by a known defect, their values must be exact, and this one is used.
//!
//! 1. `x = k ln 2 + r`, with `k` rounded to nearest and `ln 2` in two parts; `s = r / 16`.
//! 2. `exp(s) - 1` is the Taylor series up to the eighth power, by Horner's rule, each step one fused multiply-add.
//! 3. The argument is doubled four times by `exp(2s) - 1 = e (e + 2)`; the last time 1 is added.
//! 4. The result is scaled by `2^k`, in two steps, for `2^k` alone may be out of range.
//!
//! Method: N. Shibata, "Efficient evaluation methods of elementary functions suitable for SIMD computation", 2010.

/// The two parts of ln 2.
const LN_2: [f64; 2] = [0.693_147_180_559_663, 2.823_529_056_303_157_7e-13];

/// Factorials of the series, from the eighth down.
const FACTORIALS: [f64; 8] = [40_320.0, 5_040.0, 720.0, 120.0, 24.0, 6.0, 2.0, 1.0];

/// Arguments outside of which the result is zero or infinite.
const RANGE: std::ops::RangeInclusive<f64> = -745.133_219_101_941_1..=709.782_712_893_384;

/// `e^x`.
pub(super) fn exp(x: f64) -> f64 {
    if !RANGE.contains(&x) {
        return if x < 0.0 { 0.0 } else { x + f64::INFINITY };
    }
    let k = (x * std::f64::consts::LOG2_E).round_ties_even();
    let r = LN_2.into_iter().fold(x, |rest, part| (-part).mul_add(k, rest));
    let s = r * 0.0625;
    let series = FACTORIALS.into_iter().fold(0.0_f64, |sum, factorial| sum.mul_add(s, 1.0 / factorial));
    let doubled = (0..3).fold(s * series, |e, _| e * (e + 2.0));
    let value = (doubled + 2.0).mul_add(doubled, 1.0);
    #[expect(clippy::cast_possible_truncation, reason = "k lies between -1,075 and 1,024")]
    let k = k as i32;
    value * 2.0_f64.powi(k / 2) * 2.0_f64.powi(k - k / 2)
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn it_differs_from_the_platforms_in_the_last_bits_at_most() {
        for x in [-700.0, -20.5, -1.0, -1e-9, 1e-300, 0.3, 1.0, 1.080_036, 54.321, 709.0] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15, "{x}");
        }
        assert_eq!((exp(0.0), exp(-800.0), exp(800.0)), (1.0, 0.0, f64::INFINITY));
        assert!(exp(f64::NAN).is_nan());
    }
}
