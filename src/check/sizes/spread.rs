//! How file sizes are spread, and how far two spreads lie apart.

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
pub(super) fn quantiles(sizes: &[u64]) -> Vec<u64> {
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
pub(super) fn variation(sizes: &[u64]) -> Option<f64> {
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
pub(super) fn kolmogorov_smirnov(a: &[u64], b: &[u64]) -> f64 {
    let mut largest = 0.0_f64;
    walk(a, b, |difference, _| largest = largest.max(difference));
    largest
}

/// Area between the two empirical distribution functions (Wasserstein-1, in bytes) over the standard deviation of `a`. `None`
/// where all files of `a` are equally large and the distance has no unit.
pub(super) fn scaled_wasserstein(a: &[u64], b: &[u64]) -> Option<f64> {
    let mut area = 0.0;
    walk(a, b, |difference, width| area += difference * width);
    let deviation = deviation(a);
    (deviation > 0.0).then(|| area / deviation)
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
}
