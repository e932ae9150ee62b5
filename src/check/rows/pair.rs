//! From the rows of differing buckets to pairs, missing and extra rows.
//!
//! 1. Equal rows cancel each other, as often as both sides hold them. Where columns are under tolerance, rows that agree in
//!    all other columns cancel only if they agree altogether, row for row: whoever is left may find a partner within
//!    tolerance that an early cancellation would have taken away.
//! 2. What is left is grouped by row key; rows without any key form one group of their own.
//! 3. Within a group of at most [`EXACT`] rows a side the pairing with the fewest changed columns is found exactly. Larger
//!    groups are paired greedily, in blocks of [`BLOCK`] rows in file and row order: first rows that agree, then rows that
//!    differ in one column, then each row with the closest of the next [`WINDOW`].

use std::collections::{HashMap, VecDeque};

use super::assign::assign;
use super::fetch::{Loaded, Row, Source};
use super::scan::{Entry, KEYLESS};
use crate::error::Result;

/// Rows of one key a side up to which pairing is exact.
pub(super) const EXACT: usize = 256;

/// Rows a side that greedy pairing looks at together.
pub(super) const BLOCK: usize = 4_096;

/// Rows among which greedy pairing looks for the closest.
pub(super) const WINDOW: usize = 64;

/// Rows of one key on both sides, in reading order.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) a: Vec<Entry>,
    pub(super) b: Vec<Entry>,
}

/// Takes away what both sides hold alike.
pub(super) fn cancel(a: Vec<Entry>, b: Vec<Entry>, tolerant: bool) -> (Vec<Entry>, Vec<Entry>) {
    let class = |entry: &Entry| if tolerant { entry.base } else { entry.full };
    let sort = |mut entries: Vec<Entry>| {
        entries.sort_unstable_by_key(|entry| (class(entry), entry.full, entry.place()));
        entries
    };
    let (a, b) = (sort(a), sort(b));
    let (mut left_a, mut left_b) = (Vec::new(), Vec::new());
    merge(&a, &b, class, |some_a, some_b| {
        if tolerant {
            let alike =
                some_a.len() == some_b.len() && some_a.iter().zip(some_b).all(|(x, y)| x.full == y.full);
            if !alike {
                left_a.extend_from_slice(some_a);
                left_b.extend_from_slice(some_b);
            }
        } else {
            let common = some_a.len().min(some_b.len());
            left_a.extend_from_slice(&some_a[common..]);
            left_b.extend_from_slice(&some_b[common..]);
        }
    });
    (left_a, left_b)
}

/// Groups what is left by row key, in reading order of the groups' first rows.
pub(super) fn group(mut a: Vec<Entry>, mut b: Vec<Entry>) -> Vec<Group> {
    let class = |entry: &Entry| (entry.alternative, entry.key);
    a.sort_unstable_by_key(|entry| (class(entry), entry.place()));
    b.sort_unstable_by_key(|entry| (class(entry), entry.place()));
    let mut groups = Vec::new();
    merge(&a, &b, class, |some_a, some_b| {
        groups.push(Group { a: some_a.to_vec(), b: some_b.to_vec() });
    });
    groups.sort_by_key(|group| {
        let first = group.a.first().or(group.b.first());
        (group.a.is_empty(), first.map(Entry::place))
    });
    groups
}

/// Walks two sorted lists and hands over the stretches of each class that occurs.
fn merge<K: Ord>(
    a: &[Entry],
    b: &[Entry],
    class: impl Fn(&Entry) -> K,
    mut take: impl FnMut(&[Entry], &[Entry]),
) {
    let (mut at_a, mut at_b) = (0, 0);
    while at_a < a.len() || at_b < b.len() {
        let next = match (a.get(at_a), b.get(at_b)) {
            (Some(x), Some(y)) => class(x).min(class(y)),
            (Some(x), None) => class(x),
            (None, Some(y)) => class(y),
            (None, None) => return,
        };
        let end_a = at_a + a[at_a..].iter().take_while(|entry| class(entry) == next).count();
        let end_b = at_b + b[at_b..].iter().take_while(|entry| class(entry) == next).count();
        take(&a[at_a..end_a], &b[at_b..end_b]);
        (at_a, at_b) = (end_a, end_b);
    }
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
