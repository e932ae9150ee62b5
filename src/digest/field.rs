//! Arithmetic modulo the prime 2^127 - 1.

/// The prime.
const PRIME: u128 = (1 << 127) - 1;

/// A number modulo the prime.
#[inline]
pub(super) fn reduced(value: u128) -> u128 {
    let value = (value & PRIME) + (value >> 127);
    if value >= PRIME { value - PRIME } else { value }
}

/// Sum of two reduced numbers, reduced.
#[inline]
pub(super) fn sum(a: u128, b: u128) -> u128 {
    reduced(a + b)
}

/// Product of two reduced numbers, reduced.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
pub(super) fn product(a: u128, b: u128) -> u128 {
    let half = |value: u128| (u128::from(value as u64), value >> 64);
    let ((a0, a1), (b0, b1)) = (half(a), half(b));
    let low = a0 * b0;
    // Each of the two is below 2^127: no carry is lost.
    let middle = a0 * b1 + a1 * b0;
    let (low, carry) = low.overflowing_add(middle << 64);
    let high = a1 * b1 + (middle >> 64) + u128::from(carry);
    // The product is high * 2^128 + low, and 2^127 is 1.
    reduced((low & PRIME) + reduced((high << 1) | (low >> 127)))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::i256;
    use proptest::prelude::*;

    use super::*;

    fn wide(value: u128) -> i256 {
        i256::from_parts(value, 0)
    }

    proptest! {
        #[test]
        fn products_and_sums_are_those_of_long_arithmetic(a in any::<u128>(), b in any::<u128>()) {
            let (a, b) = (reduced(a), reduced(b));
            prop_assert!(a < PRIME && b < PRIME);
            // Below 2^254, so the sign bit stays clear.
            let long = wide(a).wrapping_mul(wide(b)).wrapping_rem(wide(PRIME));
            prop_assert_eq!(wide(product(a, b)), long);
            prop_assert_eq!(wide(sum(a, b)), wide(a).wrapping_add(wide(b)).wrapping_rem(wide(PRIME)));
        }
    }

    #[test]
    fn the_prime_is_zero_and_the_largest_numbers_fit() {
        assert_eq!((reduced(PRIME), reduced(u128::MAX)), (0, 1));
        assert_eq!(product(PRIME - 1, PRIME - 1), 1);
        assert_eq!(sum(PRIME - 1, 1), 0);
    }
}
