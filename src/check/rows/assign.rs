//! Which rows of one key belong together: the pairing with the fewest changed columns.
//!
//! The assignment problem, solved exactly by successive shortest augmenting paths with potentials (the Hungarian method in
//! the form of Jonker and Volgenant). Cost: O(n² m) for n rows on the smaller side and m on the larger.

/// Pairs each row of the smaller side with one of the larger so that the sum of costs is least. `cost(a, b)` is asked for
/// every pair. Returns pairs (a, b), ascending by a.
pub(super) fn assign(
    rows_a: usize,
    rows_b: usize,
    cost: impl Fn(usize, usize) -> u64,
) -> Vec<(usize, usize)> {
    if rows_a > rows_b {
        let mut pairs: Vec<(usize, usize)> =
            least(rows_b, rows_a, |b, a| cost(a, b)).into_iter().map(|(b, a)| (a, b)).collect();
        pairs.sort_unstable();
        return pairs;
    }
    least(rows_a, rows_b, cost)
}

/// The same with `rows <= columns`. Row and column 0 of the working arrays are a sentinel, real ones count from 1.
fn least(rows: usize, columns: usize, cost: impl Fn(usize, usize) -> u64) -> Vec<(usize, usize)> {
    #[expect(clippy::cast_possible_wrap, reason = "costs are numbers of columns")]
    let costs: Vec<i64> = (0..rows * columns).map(|at| cost(at / columns, at % columns) as i64).collect();
    let mut row_potential = vec![0_i64; rows + 1];
    let mut column_potential = vec![0_i64; columns + 1];
    let mut partner = vec![0_usize; columns + 1];
    let mut way = vec![0_usize; columns + 1];
    for row in 1..=rows {
        partner[0] = row;
        let mut at = 0;
        let mut reach = vec![i64::MAX; columns + 1];
        let mut used = vec![false; columns + 1];
        while partner[at] != 0 {
            used[at] = true;
            let from = partner[at];
            let mut step = i64::MAX;
            let mut next = 0;
            for column in 1..=columns {
                if used[column] {
                    continue;
                }
                let reduced =
                    costs[(from - 1) * columns + column - 1] - row_potential[from] - column_potential[column];
                if reduced < reach[column] {
                    reach[column] = reduced;
                    way[column] = at;
                }
                if reach[column] < step {
                    step = reach[column];
                    next = column;
                }
            }
            for column in 0..=columns {
                if used[column] {
                    row_potential[partner[column]] += step;
                    column_potential[column] -= step;
                } else {
                    reach[column] = reach[column].saturating_sub(step);
                }
            }
            at = next;
        }
        while at != 0 {
            let previous = way[at];
            partner[at] = partner[previous];
            at = previous;
        }
    }
    let mut pairs: Vec<(usize, usize)> = (1..=columns)
        .filter(|&column| partner[column] != 0)
        .map(|column| (partner[column] - 1, column - 1))
        .collect();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn total(costs: &[Vec<u64>], pairs: &[(usize, usize)]) -> u64 {
        pairs.iter().map(|&(a, b)| costs[a][b]).sum()
    }

    /// Least sum over all ways to pair row `a` and those after it.
    fn brute(costs: &[Vec<u64>], a: usize, used: &mut Vec<bool>, skips: usize) -> u64 {
        if a == costs.len() {
            return 0;
        }
        let mut best = if skips > 0 { brute(costs, a + 1, used, skips - 1) } else { u64::MAX };
        for b in 0..used.len() {
            if !used[b] {
                used[b] = true;
                let rest = brute(costs, a + 1, used, skips);
                best = best.min(rest.saturating_add(costs[a][b]));
                used[b] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn the_pairing_is_the_best_of_all(
            costs in (1_usize..6, 1_usize..6).prop_flat_map(|(a, b)| {
                prop::collection::vec(prop::collection::vec(0_u64..9, b), a)
            })
        ) {
            let (a, b) = (costs.len(), costs[0].len());
            let pairs = assign(a, b, |i, j| costs[i][j]);
            prop_assert_eq!(pairs.len(), a.min(b));
            let mut seen_a = vec![false; a];
            let mut seen_b = vec![false; b];
            for &(i, j) in &pairs {
                prop_assert!(!seen_a[i] && !seen_b[j]);
                seen_a[i] = true;
                seen_b[j] = true;
            }
            let best = brute(&costs, 0, &mut vec![false; b], a.saturating_sub(b));
            prop_assert_eq!(total(&costs, &pairs), best);
        }
    }

    #[test]
    fn no_rows_give_no_pairs() {
        assert_eq!(assign(0, 3, |_, _| 1), vec![]);
        assert_eq!(assign(3, 0, |_, _| 1), vec![]);
    }
}
