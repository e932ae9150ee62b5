//! How file sizes, and the rows of row groups, are spread, and how far two spreads lie apart.

/// Values a side from which on distributions are compared.
pub(in crate::check) const SAMPLE: usize = 10;

/// Two spreads are of one distribution unless the probability of what is seen is below this.
const SIGNIFICANT: f64 = 0.01;

/// How many times larger one median or largest value must be than the other to matter.
const APART: f64 = 2.0;

#[expect(clippy::cast_precision_loss, reason = "file sizes and counts far below 2^53")]
fn float(value: u64) -> f64 {
    value as f64
}

fn sorted(sizes: &[u64]) -> Vec<u64> {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    sizes
}

/// Smallest, 25 %, median, 75 %, largest by nearest rank: each is a size that occurs. Empty for no files.
pub(in crate::check) fn quantiles(sizes: &[u64]) -> Vec<u64> {
    let sizes = sorted(sizes);
    if sizes.is_empty() {
        return Vec::new();
    }
    // Nearest rank: the ceil(p n)-th value, the first for p = 0.
    (0..=4).map(|quarter| sizes[(sizes.len() * quarter).div_ceil(4).max(1) - 1]).collect()
}

fn mean(sizes: &[u64]) -> f64 {
    float(sizes.iter().sum()) / float(sizes.len() as u64)
}

/// Population standard deviation.
fn deviation(sizes: &[u64]) -> f64 {
    let mean = mean(sizes);
    let squares: f64 = sizes.iter().map(|&size| (float(size) - mean).powi(2)).sum();
    (squares / float(sizes.len() as u64)).sqrt()
}

/// Standard deviation over mean; `None` for no files.
pub(in crate::check) fn variation(sizes: &[u64]) -> Option<f64> {
    (!sizes.is_empty() && sizes.iter().any(|&size| size > 0)).then(|| deviation(sizes) / mean(sizes))
}

/// Walks both empirical distribution functions: calls `step` with the difference of the two and the width up to the next
/// value at which either changes.
fn walk(a: &[u64], b: &[u64], mut step: impl FnMut(f64, f64)) {
    let (a, b) = (sorted(a), sorted(b));
    let mut values = [a.clone(), b.clone()].concat();
    values.sort_unstable();
    values.dedup();
    for (at, &value) in values.iter().enumerate() {
        let below = |sizes: &[u64]| {
            float(sizes.partition_point(|&size| size <= value) as u64) / float(sizes.len() as u64)
        };
        let width = values.get(at + 1).map_or(0, |next| next - value);
        step((below(&a) - below(&b)).abs(), float(width));
    }
}

/// Largest difference of the two empirical distribution functions, 0 to 1. Neither side may be empty.
pub(in crate::check) fn kolmogorov_smirnov(a: &[u64], b: &[u64]) -> f64 {
    let mut largest = 0.0_f64;
    walk(a, b, |difference, _| largest = largest.max(difference));
    largest
}

/// Area between the two empirical distribution functions (Wasserstein-1, in bytes) over the standard deviation of `a`. `None`
/// where all files of `a` are equally large and the distance has no unit.
pub(in crate::check) fn scaled_wasserstein(a: &[u64], b: &[u64]) -> Option<f64> {
    let mut area = 0.0;
    walk(a, b, |difference, width| area += difference * width);
    let deviation = deviation(a);
    (deviation > 0.0).then(|| area / deviation)
}

/// Probability of a Kolmogorov-Smirnov statistic as large as this one or larger, were both of one distribution: Kolmogorov's series
/// with the correction of Stephens for finite samples. Neither side may be empty.
pub(in crate::check) fn p_value(a: &[u64], b: &[u64]) -> f64 {
    let (n, m) = (float(a.len() as u64), float(b.len() as u64));
    let root = (n * m / (n + m)).sqrt();
    let lambda = (root + 0.12 + 0.11 / root) * kolmogorov_smirnov(a, b);
    if lambda < 0.2 {
        // The series converges slowly there, and the probability is 1 to ten digits.
        return 1.0;
    }
    let term = |j: i32| 2.0 * (-2.0 * f64::from(j * j) * lambda * lambda).exp();
    let sum: f64 = (1..=100).map(|j| if j % 2 == 1 { term(j) } else { -term(j) }).sum();
    sum.clamp(0.0, 1.0)
}

/// True where two samples are large enough, of different distributions, and their medians or largest values lie far apart: by a factor,
/// and by more than `least`.
pub(in crate::check) fn differ(a: &[u64], b: &[u64], least: u64) -> bool {
    if a.len() < SAMPLE || b.len() < SAMPLE {
        return false;
    }
    let (old, new) = (quantiles(a), quantiles(b));
    let apart = |rank: usize| {
        let pair = old.get(rank).zip(new.get(rank)).filter(|(old, new)| old.abs_diff(**new) > least);
        pair.is_some_and(|(&old, &new)| float(old.max(new)) >= APART * float(old.min(new)))
    };
    (apart(2) || apart(4)) && p_value(a, b) < SIGNIFICANT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_sizes_that_occur() {
        assert_eq!(quantiles(&[]), Vec::<u64>::new());
        assert_eq!(quantiles(&[7]), vec![7; 5]);
        assert_eq!(quantiles(&[5, 1, 4, 2, 3]), vec![1, 2, 3, 4, 5]);
        assert_eq!(quantiles(&[4, 3, 2, 1]), vec![1, 1, 2, 3, 4]);
    }

    #[test]
    fn the_statistics_match_a_calculation_by_hand() {
        let (a, b) = ([1, 2, 3, 4], [3, 4, 5, 6]);
        assert!((kolmogorov_smirnov(&a, &b) - 0.5).abs() < 1e-12);
        // Every value moved by 2; the deviation of 1..4 is sqrt(1.25).
        assert!((scaled_wasserstein(&a, &b).unwrap() - 2.0 / 1.25_f64.sqrt()).abs() < 1e-12);
        assert_eq!(scaled_wasserstein(&[5, 5], &[6, 6]), None);
        assert!(kolmogorov_smirnov(&a, &a).abs() < 1e-12);
        assert!((variation(&a).unwrap() - 1.25_f64.sqrt() / 2.5).abs() < 1e-12);
    }

    #[test]
    fn the_probability_of_a_statistic_is_that_of_the_tables() {
        // D = 0.6 of ten against ten: 0.0524 by the asymptotic series, as SciPy's mode="asymp" with the same correction.
        let a: Vec<u64> = (0..10).collect();
        let b: Vec<u64> = (6..16).collect();
        assert!((kolmogorov_smirnov(&a, &b) - 0.6).abs() < 1e-12);
        assert!((0.02..0.06).contains(&p_value(&a, &b)), "{}", p_value(&a, &b));
        assert!((p_value(&a, &a) - 1.0).abs() < 1e-9);
        let far: Vec<u64> = (100..110).collect();
        assert!(p_value(&a, &far) < 1e-4);
    }

    #[test]
    fn samples_differ_only_where_they_are_large_significant_and_far_apart() {
        let of = |from: u64, count: u64| (from..from + count).collect::<Vec<u64>>();
        assert!(differ(&of(100, 10), &of(300, 10), 0) && differ(&of(300, 10), &of(100, 10), 199));
        assert!(!differ(&of(100, 10), &of(300, 10), 200), "a small difference");
        assert!(!differ(&of(100, 9), &of(300, 10), 0), "too few");
        assert!(!differ(&of(1000, 50), &of(1500, 50), 0), "not far enough");
        let mut one = of(100, 10);
        one[9] = 1000;
        assert!(!differ(&of(100, 10), &one, 0), "one large file of ten is no other distribution");
    }
}
