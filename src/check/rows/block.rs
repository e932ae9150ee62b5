//! How many rows are fetched and paired at a time: so many that their cells keep within a part of the memory limit, however many
//! columns there are.
//!
//! A fetched cell is a hash of 16 bytes and a value; of text and nested values the fetched bytes are counted while they are read
//! (see `fetch`). How a large group is cut decides which rows are paired. So that depends on the columns, and never on the limit:
//! the least limit has room for it.

use super::pair::{BLOCK, EXACT, WINDOW};
use crate::spill::LEAST_MEMORY_LIMIT;

/// Bytes of a fetched cell: its hash and a number, or a view of text.
const CELL: u64 = 32;

/// Bytes of decoded values that one block of fetched rows should have a side.
const FETCH_BYTES: u64 = 64 << 20;

/// Rows of a block at most.
const FETCH_ROWS: u64 = 32_768;

/// Parts of the memory limit of which the cells of the fetched rows of a side take one: two of them are half of what may be
/// fetched.
const PARTS: u64 = 16;

/// Rows that are fetched at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks {
    /// Rows of one key a side up to which pairing is exact.
    pub(super) exact: usize,
    /// Rows a side of one key that are paired greedily at a time.
    pub(super) piece: usize,
    /// Rows a side of several keys, or without a partner, that are fetched at a time.
    pub(super) budget: usize,
}

impl Blocks {
    /// For so many columns. `values` are the bytes of a decoded row by the footers, `limit` is the memory limit in bytes.
    pub(super) fn of(columns: usize, values: u64, limit: u64) -> Self {
        let cells = CELL * (columns as u64).max(1);
        let values = values.max(1);
        let least = EXACT as u64 * 2;
        // Greedy pairing looks for the closest among so many rows.
        let narrow = (LEAST_MEMORY_LIMIT / PARTS / cells).max(WINDOW as u64);
        let piece = (FETCH_BYTES / values).clamp(least, BLOCK as u64).min(narrow);
        let share = limit / PARTS;
        let budget = (FETCH_BYTES.min(share) / values).clamp(least, FETCH_ROWS);
        let rows = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        Self {
            exact: EXACT.min(rows(narrow)),
            piece: rows(piece),
            budget: rows(budget.min((limit.max(LEAST_MEMORY_LIMIT) / PARTS / cells).max(WINDOW as u64))),
        }
    }

    /// Bytes of a fetched row of so many columns.
    pub(super) fn row(columns: usize, values: u64) -> u64 {
        values.saturating_add(CELL * columns as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn cells_of_the_fetched_rows_keep_within_their_part_of_the_limit() {
        for limit in [64 * MIB, 128 * MIB, 256 * MIB, 512 * MIB] {
            for columns in [1, 4, 30, 300, 1_000, 2_000] {
                let Blocks { exact, piece, budget } = Blocks::of(columns, 16, limit);
                let bytes = |rows: usize| rows as u64 * columns as u64 * CELL;
                assert!(bytes(piece) <= limit / 16, "{piece} rows of {columns} columns at {limit}");
                assert!(bytes(budget) <= limit / 16, "{budget} rows of {columns} columns at {limit}");
                assert!(bytes(exact) <= limit / 16, "{exact} rows of {columns} columns at {limit}");
                assert!(exact >= WINDOW && piece >= WINDOW && budget >= WINDOW);
            }
        }
    }

    #[test]
    fn narrow_rows_are_paired_in_full_blocks_and_wide_ones_in_smaller_ones() {
        let paired = |columns, values| {
            let Blocks { exact, piece, .. } = Blocks::of(columns, values, 512 * MIB);
            (exact, piece)
        };
        assert_eq!(paired(1, 16), (EXACT, BLOCK));
        assert_eq!(paired(30, 600), (EXACT, BLOCK));
        assert_eq!(paired(300, 5_000), (EXACT, 436));
        assert_eq!(paired(300, 1 << 30), (EXACT, 436));
        assert_eq!(paired(10, 1 << 30), (EXACT, 512));
        assert_eq!(paired(1_000, 16_000), (131, 131));
        assert_eq!(paired(1_000_000, 16), (WINDOW, WINDOW));
    }

    #[test]
    fn who_is_paired_with_whom_does_not_depend_on_the_limit() {
        for (columns, values) in [(1, 16), (300, 5_000), (40, 1 << 20), (5_000, 80_000)] {
            let of = |limit| {
                let Blocks { exact, piece, .. } = Blocks::of(columns, values, limit);
                (exact, piece)
            };
            assert!([0, 64 * MIB, 128 * MIB, 1 << 40].map(of).iter().all(|it| *it == of(512 * MIB)));
        }
    }

    #[test]
    fn a_higher_limit_fetches_more_rows_at_a_time() {
        let budget = |limit| Blocks::of(300, 6_000, limit).budget;
        assert_eq!([64, 128, 256, 512].map(|limit| budget(limit * MIB)), [436, 873, 1_747, 3_495]);
        assert_eq!(Blocks::of(2, 16, 512 * MIB).budget, 32_768);
    }
}
