//! Random numbers that never change: ChaCha8 with its own small set of derivations, so that no release of a sampling
//! library, no platform and no mathematical library can alter a named corpus. Only integer arithmetic and exact
//! floating-point operations are used.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// The stream of one part (a column, say) of one input of one corpus. Streams are independent of each other, of batch
    /// sizes and of threads.
    pub(crate) fn new(seed: u64, corpus: &str, input: usize, part: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        for text in [corpus, part] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(&(input as u64).to_le_bytes());
        Self(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..limit`; 0 where `limit` is 0. The bias is below `limit` / 2^64.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// An index into something of length `limit`.
    pub(crate) fn index(&mut self, limit: usize) -> usize {
        self.below(limit as u64) as usize
    }

    /// A number in `low..=high`; `low` where they are the wrong way round.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        // At most 2^64, so that the product stays within 128 bits.
        let width = ((i128::from(high) - i128::from(low)).max(0) + 1) as u128;
        let offset = (u128::from(self.next()) * width) >> 64;
        (i128::from(low) + offset as i128) as i64
    }

    /// A number in `[0, 1)` with 53 random bits.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with probability `share`. Draws nothing for 0 and 1, so that switching a knob off leaves the rest alone.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        share >= 1.0 || (share > 0.0 && self.unit() < share)
    }
}

/// Zipf's law over `0..len`: item i is drawn with a weight proportional to 1 / (i + 1).
#[derive(Debug, Clone)]
pub(crate) struct Zipf {
    /// Cumulated weights.
    upto: Vec<u64>,
}

impl Zipf {
    pub(crate) fn new(len: usize) -> Self {
        let weight = |i: usize| 1_000_000_000 / (i as u64 + 1) + 1;
        let sum = |total: &mut u64, i: usize| {
            *total += weight(i);
            Some(*total)
        };
        Self { upto: (0..len).scan(0, sum).collect() }
    }

    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        let at = random.below(self.upto.last().copied().unwrap_or(0));
        self.upto.partition_point(|upto| *upto <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_fixed_and_differ_by_every_part_of_their_name() {
        let first = |seed, corpus, input, part| Random::new(seed, corpus, input, part).next();
        let one = first(1, "c", 0, "p");
        assert_eq!(one, first(1, "c", 0, "p"));
        for other in
            [first(2, "c", 0, "p"), first(1, "d", 0, "p"), first(1, "c", 1, "p"), first(1, "c", 0, "q")]
        {
            assert_ne!(one, other);
        }
        assert_ne!(first(1, "ab", 0, "c"), first(1, "a", 0, "bc"));
    }

    #[test]
    fn bounds_hold_at_the_extremes() {
        let mut random = Random::new(1, "c", 0, "p");
        for _ in 0..1000 {
            assert!((-3..=3).contains(&random.between(-3, 3)));
            assert!(random.below(7) < 7);
            assert!((0.0..1.0).contains(&random.unit()));
        }
        assert_eq!(random.between(5, 5), 5);
        assert_eq!(random.between(5, 4), 5);
        assert_eq!(random.below(0), 0);
        let wide: Vec<i64> = (0..64).map(|_| random.between(i64::MIN, i64::MAX)).collect();
        assert!(wide.iter().any(|v| *v < 0) && wide.iter().any(|v| *v > 0));
        assert!(random.chance(1.0) && !random.chance(0.0));
    }

    #[test]
    fn zipf_prefers_the_front_and_reaches_the_end() {
        let mut random = Random::new(1, "c", 0, "p");
        let zipf = Zipf::new(10);
        let mut counts = [0; 10];
        (0..10_000).for_each(|_| counts[zipf.draw(&mut random)] += 1);
        assert!(counts[0] > 2 * counts[2] && counts[9] > 100, "{counts:?}");
    }
}
