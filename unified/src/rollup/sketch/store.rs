//! The bins of one sign: index and count, by ascending index, only where there is a count.
//!
//! Kept sparsely, so that two bins far apart cost no more than two bins side by side.

/// Bins and their total.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Store {
    bins: Vec<(i64, f64)>,
    total: f64,
}

impl Store {
    /// Bins by ascending index, none of them empty.
    pub(crate) fn bins(&self) -> &[(i64, f64)] {
        &self.bins
    }

    /// Sum of all counts.
    pub(crate) fn total(&self) -> f64 {
        self.total
    }

    pub(crate) fn clear(&mut self) {
        self.bins.clear();
        self.total = 0.0;
    }

    /// Adds to a bin wherever it lies. Bins that come in order cost one step; [`Self::settle`] must follow.
    pub(super) fn push(&mut self, index: i64, count: f64) {
        if count != 0.0 {
            self.bins.push((index, count));
            self.total += count;
        }
    }

    /// Brings pushed bins into order and makes one of those with the same index.
    pub(super) fn settle(&mut self) {
        if !self.bins.is_sorted_by(|a, b| a.0 < b.0) {
            // Stable: counts of one bin are added in the order in which they came.
            self.bins.sort_by_key(|(index, _)| *index);
            self.bins.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 += next.1;
                }
                same
            });
            self.bins.retain(|(_, count)| *count != 0.0);
        }
    }

    /// Adds the bins of another store. `spare` is room to work in.
    pub(super) fn merge(&mut self, other: &Self, spare: &mut Vec<(i64, f64)>) {
        if other.bins.is_empty() {
            return;
        }
        self.total += other.total;
        spare.clear();
        spare.reserve(self.bins.len() + other.bins.len());
        let (mut mine, mut theirs) = (self.bins.as_slice(), other.bins.as_slice());
        while let (Some(a), Some(b)) = (mine.first(), theirs.first()) {
            if a.0 < b.0 {
                spare.push(*a);
                mine = &mine[1..];
            } else if b.0 < a.0 {
                spare.push(*b);
                theirs = &theirs[1..];
            } else {
                let count = a.1 + b.1;
                if count != 0.0 {
                    spare.push((a.0, count));
                }
                mine = &mine[1..];
                theirs = &theirs[1..];
            }
        }
        spare.extend_from_slice(mine);
        spare.extend_from_slice(theirs);
        std::mem::swap(&mut self.bins, spare);
    }

    /// Index of the bin in which the value of this rank lies, counted from the lowest, from 0.
    pub(crate) fn at_rank(&self, rank: f64) -> Option<i64> {
        let rank = rank.max(0.0);
        let mut below = 0.0;
        for (index, count) in &self.bins {
            below += count;
            if below > rank {
                return Some(*index);
            }
        }
        self.bins.last().map(|(index, _)| *index)
    }
}
