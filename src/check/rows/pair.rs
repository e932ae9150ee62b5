//! Which rows of one key belong together.
//!
//! Within a group of at most [`EXACT`] rows a side the pairing with the fewest changed columns is found exactly. Larger groups
//! are paired greedily, in blocks of [`BLOCK`] rows in file and row order (of many columns fewer, see `block`): first rows that agree, then rows that differ in one
//! column, then each row with the closest of the next [`WINDOW`]. Rows without any key form one group of their own.

use std::collections::{HashMap, VecDeque};

use super::assign::assign;
use super::fetch::{Loaded, Row, Source};
use super::record::{Entry, KEYLESS};
use crate::error::Result;

/// Rows of one key a side up to which pairing is exact.
pub(super) const EXACT: usize = 256;

/// Rows a side that greedy pairing looks at together.
pub(super) const BLOCK: usize = 4_096;

/// Rows among which greedy pairing looks for the closest.
pub(super) const WINDOW: usize = 64;

/// Rows of one key on both sides, in reading order.
pub(super) struct Group {
    pub(super) a: Vec<Entry>,
    pub(super) b: Vec<Entry>,
}

/// Pairs of positions in a group's two lists; whatever is in no pair has no partner.
pub(super) fn pair(
    source: &Source<'_>,
    a: &[Entry],
    b: &[Entry],
    rows_a: &Loaded,
    rows_b: &Loaded,
    greedy: bool,
) -> Result<Vec<(usize, usize)>> {
    let fetched_a: Vec<Row<'_>> = a.iter().map(|entry| rows_a.row(entry)).collect::<Result<_>>()?;
    let fetched_b: Vec<Row<'_>> = b.iter().map(|entry| rows_b.row(entry)).collect::<Result<_>>()?;
    let mut pairs = if greedy {
        greedily(source, &fetched_a, &fetched_b)
    } else {
        assign(a.len(), b.len(), |i, j| source.cost(fetched_a[i], fetched_b[j]))
    };
    // Without a key nothing but likeness says that two rows belong together.
    pairs.retain(|&(i, j)| {
        a[i].alternative != KEYLESS
            || 2 * source.cost(fetched_a[i], fetched_b[j]) <= source.filled(fetched_a[i], fetched_b[j])
    });
    Ok(pairs)
}

fn greedily(source: &Source<'_>, a: &[Row<'_>], b: &[Row<'_>]) -> Vec<(usize, usize)> {
    let columns = source.columns.len();
    let sum = |row: &Row<'_>| (0..columns).fold(0_u128, |sum, column| sum.wrapping_add(row.hash(column)));
    let sums_a: Vec<u128> = a.iter().map(sum).collect();
    let sums_b: Vec<u128> = b.iter().map(sum).collect();
    let mut free_a = vec![true; a.len()];
    let mut free_b = vec![true; b.len()];
    let mut pairs = Vec::new();
    // `None`: the whole row; `Some(column)`: the row without that column. Cells are summed, so one can be taken out.
    for left_out in std::iter::once(None).chain((0..columns).map(Some)) {
        let without = |row: &Row<'_>, sum: u128| {
            (left_out, left_out.map_or(sum, |column: usize| sum.wrapping_sub(row.hash(column))))
        };
        let mut waiting: HashMap<_, VecDeque<usize>> = HashMap::new();
        for (j, row) in b.iter().enumerate().filter(|&(j, _)| free_b[j]) {
            waiting.entry(without(row, sums_b[j])).or_default().push_back(j);
        }
        for (i, row) in a.iter().enumerate() {
            if free_a[i]
                && let Some(j) = waiting.get_mut(&without(row, sums_a[i])).and_then(VecDeque::pop_front)
            {
                pairs.push((i, j));
                free_a[i] = false;
                free_b[j] = false;
            }
        }
    }
    let mut rest: Vec<usize> = (0..b.len()).filter(|&j| free_b[j]).collect();
    for (i, row) in a.iter().enumerate().filter(|&(i, _)| free_a[i]) {
        let closest = rest
            .iter()
            .take(WINDOW)
            .enumerate()
            .min_by_key(|&(position, &j)| (source.cost(*row, b[j]), position))
            .map(|(position, _)| position);
        let Some(position) = closest else { break };
        pairs.push((i, rest.remove(position)));
    }
    pairs.sort_unstable();
    pairs
}
