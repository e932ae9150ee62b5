//! What the known defects of the legacy writers would have stated, exactly.
//!
//! **A, fingerprint shift.** The row that opens file k+1 is counted in file k and not in file k+1. The files of one hour of a
//! split are one writer's chain, by file index; without split keys all files are one chain, in result order.
//!
//! **B, statistics on the last file only.** The count of groups is 0 on every file of the result but the last. Nothing has to be
//! computed: a mismatch that states 0 on such a file is explained.
//!
//! **C, hour range.** First and last timestamp belong to the hour and are repeated on all its files. First starts at 0, which
//! means "unset": while it is 0, the next timestamp replaces it whatever it is. Last starts at 0. The first value depends on the
//! order in which rows arrived, so it is taken from the inputs; where these are unknown it is told only for hours that hold
//! no timestamp 0.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use reports::manifest::SplitKey;

use super::facts::{Facts, Times, date_hour, wrapped};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::output::OutputFile;

/// One file of a side with its entry in the manifest, in manifest order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    pub(super) split_key: Option<SplitKey>,
    pub(super) facts: &'a Facts,
}

/// The hour that a split key stands for; what is left is one writer's chain.
fn hour(key: SplitKey) -> (i64, i64, i64) {
    (key.dateint, key.hour, key.ingest_dateint)
}

/// Positions of the files of each chain, in the order in which they were written.
pub(super) fn chains(members: &[Member<'_>]) -> Vec<Vec<usize>> {
    let mut chains: BTreeMap<Option<(i64, i64, i64)>, Vec<usize>> = BTreeMap::new();
    for (position, member) in members.iter().enumerate() {
        chains.entry(member.split_key.map(hour)).or_default().push(position);
    }
    let mut chains: Vec<Vec<usize>> = chains.into_values().collect();
    for chain in &mut chains {
        chain.sort_by_key(|&position| members[position].split_key.map(|key| key.file_index));
    }
    chains
}

/// Per file the fingerprints that defect A states.
pub(super) fn shifted_fingerprints(members: &[Member<'_>]) -> Vec<BTreeSet<i64>> {
    let mut stated = vec![BTreeSet::new(); members.len()];
    for chain in chains(members) {
        for (at, &position) in chain.iter().enumerate() {
            let Some(own) = &members[position].facts.fingerprints else { continue };
            let mut set = if at == 0 { own.all() } else { own.rest.clone() };
            let next = chain.get(at + 1).and_then(|&next| members[next].facts.fingerprints.as_ref());
            set.extend(next.iter().flat_map(|next| &next.first_row));
            stated[position] = set;
        }
    }
    stated
}

/// First and last timestamp as defect C folds them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct HourRange {
    pub(super) first: i64,
    pub(super) last: i64,
}

impl HourRange {
    /// The next row's timestamp.
    pub(super) fn add(&mut self, time: i64) {
        if self.first == 0 || time < self.first {
            self.first = time;
        }
        self.last = self.last.max(time);
    }
}

/// Per file the range that defect C states, where it can be told.
pub(super) fn hour_ranges(
    members: &[Member<'_>],
    inputs: &[PathBuf],
    time_column: &str,
    cancel: &Cancel,
) -> Result<Vec<Option<HourRange>>> {
    let mut ranges = vec![None; members.len()];
    if inputs.is_empty() {
        for chain in chains(members) {
            let seen: Vec<(i64, i64)> = chain.iter().filter_map(|&it| members[it].facts.range).collect();
            let low = seen.iter().map(|range| range.0).min();
            let high = seen.iter().map(|range| range.1).max();
            if let (Some(low), Some(high)) = (low, high)
                && (low > 0 || high < 0)
            {
                for position in chain {
                    ranges[position] = Some(HourRange { first: low, last: high.max(0) });
                }
            }
        }
        return Ok(ranges);
    }
    let arrived = arrivals(inputs, time_column, cancel)?;
    for (range, member) in ranges.iter_mut().zip(members) {
        *range = member.split_key.and_then(|key| arrived.get(&(key.dateint, key.hour)).copied());
    }
    Ok(ranges)
}

/// Ranges per date and hour over the inputs' rows, in the order in which they arrive.
fn arrivals(
    inputs: &[PathBuf],
    time_column: &str,
    cancel: &Cancel,
) -> Result<HashMap<(i64, i64), HourRange>> {
    let mut ranges: HashMap<(i64, i64), HourRange> = HashMap::new();
    for input in inputs {
        let file = OutputFile::open(input, &input.to_string_lossy())?;
        for located in file.batches(Some(&[time_column.to_owned()]), 0)? {
            cancel.check()?;
            let batch = located?.batch;
            let times = Times::new(&batch, time_column);
            for time in (0..batch.num_rows()).filter_map(|row| times.value(row)) {
                let (date, hour) = date_hour(time);
                ranges.entry((wrapped(date), hour)).or_default().add(time);
            }
        }
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(times: &[i64]) -> (i64, i64) {
        let mut range = HourRange::default();
        times.iter().for_each(|&time| range.add(time));
        (range.first, range.last)
    }

    #[test]
    fn the_hour_range_follows_the_original() {
        assert_eq!(fold(&[0, 5, 3, 7, 0, 2]), (2, 7));
        assert_eq!(fold(&[0, 1, 3_599_999, 0, 3_599_998, 3_599_999]), (3_599_998, 3_599_999));
        assert_eq!(fold(&[-5, -3_600_000, -1]), (-3_600_000, 0));
    }
}
