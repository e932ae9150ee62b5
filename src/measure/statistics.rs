//! From pairs to a judgement. Pure functions, the same numbers for the same samples on every machine.
//!
//! 1. The ratio of each pair, candidate by baseline: what disturbs both halves alike cancels.
//! 2. The median of the ratios: one disturbed pair moves it little, and no pair is left out.
//! 3. Its interval by the percentile bootstrap (Efron 1979): draw as many ratios with replacement as there are, take their
//!    median, [`RESAMPLES`] times, and cut off equal shares of these medians at both ends. The generator is SplitMix64 with a
//!    fixed seed.
//! 4. *Significant before large*: beyond the limit only where the whole interval is, within it only where the whole interval
//!    is, open otherwise.
//!
//! The bootstrap is too sure of itself where there are few samples; for fewer than [`fewest`] pairs nothing is decided.
//! Cost: samples times [`RESAMPLES`] steps, a few milliseconds.

use reports::measurement::Estimate;

/// Resamples of the bootstrap.
pub const RESAMPLES: usize = 10_000;

/// Seed of the bootstrap.
pub const SEED: u64 = 0x5eed_0fa1_1e15_0000;

/// What an interval says about a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The whole interval is at or below the limit.
    Within,
    /// The whole interval is above the limit.
    Beyond,
    /// The limit lies in the interval, or there are too few pairs.
    Open,
}

/// The median: the middle value, or the mean of the two middle ones; absent without values.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    median_of(&mut values)
}

fn median_of(values: &mut [f64]) -> Option<f64> {
    let upper = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let even = values.len().is_multiple_of(2);
    let (below, middle, _) = values.select_nth_unstable_by(upper, f64::total_cmp);
    let middle = *middle;
    if !even {
        return Some(middle);
    }
    let lower = below.iter().copied().max_by(f64::total_cmp)?;
    Some(f64::midpoint(lower, middle))
}

/// The fewest pairs for which an interval of this confidence says anything: from the smallest to the largest of `n` values the
/// true median is held with probability `1 - 2^(1-n)`, and no interval made of them can promise more. Six for 95 %.
#[must_use]
pub fn fewest(confidence: f64) -> usize {
    (1..64).find(|&count| 1.0 - 0.5_f64.powi(count - 1) >= confidence).unwrap_or(64).unsigned_abs() as usize
}

/// The median of `values` with its bootstrap interval; absent without values.
#[must_use]
pub fn estimate(values: &[f64], confidence: f64) -> Option<Estimate> {
    let centre = median(values)?;
    let mut random = SplitMix64(SEED);
    let mut drawn = vec![0.0; values.len()];
    let mut medians = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        for place in &mut drawn {
            *place = values[random.below(values.len())];
        }
        medians.push(median_of(&mut drawn)?);
    }
    medians.sort_by(f64::total_cmp);
    let tail = (1.0 - confidence) / 2.0;
    Some(Estimate {
        median: centre,
        low: quantile(&medians, tail),
        high: quantile(&medians, 1.0 - tail),
        confidence,
    })
}

/// The value at a share of sorted values, by the nearest rank.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank among ten thousand"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let rank = (share * last as f64).round().max(0.0) as usize;
    sorted.get(rank.min(last)).copied().unwrap_or(f64::NAN)
}

/// What the ratios say about `limit` (1.10: up to 10 % more).
#[must_use]
pub fn judge(estimate: Option<&Estimate>, pairs: usize, limit: f64) -> Judgement {
    match estimate {
        Some(Estimate { low, high, confidence, .. }) if pairs >= fewest(*confidence) => {
            if *high <= limit {
                Judgement::Within
            } else if *low > limit {
                Judgement::Beyond
            } else {
                Judgement::Open
            }
        }
        _ => Judgement::Open,
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, fast, good enough to draw lots.
#[derive(Debug)]
pub struct SplitMix64(pub u64);

impl SplitMix64 {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not zero. The bias is below `bound` in 2^64.
    #[expect(clippy::cast_possible_truncation, reason = "below bound, which is a usize")]
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.draw()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ratios around `centre`, up to `spread` away, from a fixed seed.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    fn around(centre: f64, spread: f64, count: usize, seed: u64) -> Vec<f64> {
        let mut random = SplitMix64(seed);
        (0..count).map(|_| centre + spread * (random.below(2001) as f64 / 1000.0 - 1.0)).collect()
    }

    fn judged(values: &[f64], limit: f64) -> Judgement {
        judge(estimate(values, 0.95).as_ref(), values.len(), limit)
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_middle_values() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[9.0, 1.0, 5.0, 7.0]), Some(6.0));
    }

    #[test]
    fn a_known_sample_gives_a_known_interval() {
        let estimate = estimate(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], 0.95).unwrap();
        // Exactly, by the binomial: the resampled median is at most 2 with probability 0.030,
        // at most 1 with 0.001: the share of 0.025 that is cut off ends within the twos.
        assert_eq!((estimate.low, estimate.median, estimate.high), (2.0, 5.0, 8.0));
    }

    #[test]
    fn the_same_samples_give_the_same_interval_and_more_confidence_a_wider_one() {
        let values = around(1.0, 0.1, 20, 7);
        assert_eq!(estimate(&values, 0.95), estimate(&values, 0.95));
        let (narrow, wide) = (estimate(&values, 0.5).unwrap(), estimate(&values, 0.99).unwrap());
        assert!(wide.low < narrow.low && wide.high > narrow.high, "{narrow:?} {wide:?}");
        let sorted = [narrow.low, narrow.median, narrow.high];
        assert!(sorted.is_sorted(), "{sorted:?}");
    }

    #[test]
    fn the_interval_holds_the_true_median_about_as_often_as_it_says() {
        let held = (0..400)
            .filter(|&seed| {
                let found = estimate(&around(1.0, 0.2, 15, seed), 0.95).unwrap();
                (found.low..=found.high).contains(&1.0)
            })
            .count();
        assert!((360..=395).contains(&held), "{held} of 400");
    }

    #[test]
    fn six_pairs_are_the_fewest_for_95_per_cent() {
        assert_eq!((fewest(0.95), fewest(0.99), fewest(0.5)), (6, 8, 2));
        assert_eq!(judged(&[1.5; 5], 1.1), Judgement::Open);
        assert_eq!(judged(&[1.5; 6], 1.1), Judgement::Beyond);
        assert_eq!(judged(&[], 1.1), Judgement::Open);
    }

    #[test]
    fn only_a_whole_interval_beyond_or_within_the_limit_decides() {
        assert_eq!(judged(&around(1.15, 0.03, 20, 1), 1.10), Judgement::Beyond);
        assert_eq!(judged(&around(1.03, 0.05, 20, 2), 1.10), Judgement::Within);
        assert_eq!(judged(&around(1.10, 0.20, 20, 3), 1.10), Judgement::Open);
        assert_eq!(judged(&around(0.20, 0.05, 20, 4), 1.10), Judgement::Within, "faster never fails");
    }

    #[test]
    fn one_wild_pair_does_not_decide() {
        let mut values = around(1.02, 0.02, 20, 5);
        values[3] = 40.0;
        assert_eq!(judged(&values, 1.10), Judgement::Within);
    }
}
