//! The interval of a median, from nothing but the order of the values.
//!
//! Between the k-th smallest and the k-th largest of `n` independent values the true median lies with probability
//! `1 - 2 P(X < k)`, X binomial of `n` and one half, whatever their distribution. The narrowest interval that holds it with at
//! least [`CONFIDENCE`] is taken; fewer than six values have none.

/// How often an interval holds the true median, at least.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// Lower and upper end; nothing for too few values.
#[expect(clippy::cast_precision_loss, reason = "a count of values")]
pub(crate) fn of_median(values: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len();
    // Terms of the binomial distribution as logarithms: half to the power of a few thousand is no number any more.
    let mut term = -(count as f64) * std::f64::consts::LN_2;
    let mut below = 0.0;
    let mut cut = 0;
    for k in 0..count / 2 {
        below += term.exp();
        if 1.0 - 2.0 * below < CONFIDENCE {
            break;
        }
        cut = k + 1;
        term += ((count - k) as f64 / (k + 1) as f64).ln();
    }
    let low = sorted.get(cut.checked_sub(1)?)?;
    Some((*low, *sorted.get(count - cut)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_those_of_the_tables() {
        let first = |count: u32| (1..=count).map(f64::from).collect::<Vec<_>>();
        // Ranks of the sign test at 95 %.
        for (count, ends) in [
            (5, None),
            (6, Some((1.0, 6.0))),
            (8, Some((1.0, 8.0))),
            (9, Some((2.0, 8.0))),
            (10, Some((2.0, 9.0))),
            (20, Some((6.0, 15.0))),
            (40, Some((14.0, 27.0))),
        ] {
            assert_eq!(of_median(&first(count)), ends, "{count}");
        }
        let (low, high) = of_median(&first(5_000)).unwrap();
        assert!(low > 2_400.0 && high < 2_601.0 && low < high, "{low} {high}");
        assert_eq!(of_median(&[]), None);
    }

    #[test]
    fn the_order_in_which_values_come_plays_no_part() {
        assert_eq!(of_median(&[6.0, 2.0, 5.0, 1.0, 4.0, 3.0]), Some((1.0, 6.0)));
    }
}
