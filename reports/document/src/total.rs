//! Sums of counts that strangers state.

/// The sum of counts that a file or a document states; where 64 bits do not hold it, the highest number that they hold.
#[must_use]
pub fn total(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}
