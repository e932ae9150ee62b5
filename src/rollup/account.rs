//! What becomes of the input rows of a merge, counted.

use std::collections::BTreeMap;

use super::sketch::Decoding;

/// Counts of rows by what becomes of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows of the inputs.
    pub rows_in: u64,
    /// Rows alone in their group, which pass unmerged.
    pub lone: u64,
    /// Rows that are the only contribution to their point.
    pub single: u64,
    /// Rows that share their point with others.
    pub merged_in: u64,
    /// Points made of more than one row.
    pub merged_out: u64,
    /// Rows that the rules drop, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// Rows that the output must hold.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.lone + self.single + self.merged_out
    }

    /// Rows that became part of another row.
    #[must_use]
    pub fn merged(&self) -> u64 {
        self.merged_in - self.merged_out
    }

    /// Rows dropped for whatever reason.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Rows dropped for one reason.
    #[must_use]
    pub fn dropped_as(&self, reason: &str) -> u64 {
        self.dropped.get(reason).copied().unwrap_or(0)
    }

    pub(super) fn drop(&mut self, reason: &'static str, rows: u64) {
        *self.dropped.entry(reason).or_default() += rows;
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.rows_in += other.rows_in;
        self.lone += other.lone;
        self.single += other.single;
        self.merged_in += other.merged_in;
        self.merged_out += other.merged_out;
        for (reason, rows) in &other.dropped {
            self.drop(reason, *rows);
        }
    }
}

/// The account of a merge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// All input rows.
    pub all: Counts,
    /// Of these the rows of the highest group key there can be, 9223372036854775807: the original loses them (defect D).
    pub highest: Counts,
    /// Rows beside others whose sketch the original decodes to something else than it is (defect H). Counted only where the
    /// model is asked for both ways of decoding.
    pub damaged: u64,
    /// The account by the original's way of decoding; absent where it is this one.
    pub lenient: Option<Box<Account>>,
}

impl Account {
    /// The account by a way of decoding.
    #[must_use]
    pub fn by(&self, decoding: Decoding) -> &Self {
        match (&self.lenient, decoding) {
            (Some(lenient), Decoding::Lenient) => lenient,
            _ => self,
        }
    }

    /// What is left where the highest group key is lost.
    #[must_use]
    pub fn without_highest(&self) -> Counts {
        let (all, highest) = (&self.all, &self.highest);
        let dropped = all
            .dropped
            .iter()
            .map(|(reason, rows)| (*reason, rows - highest.dropped_as(reason)))
            .filter(|(_, rows)| *rows > 0)
            .collect();
        Counts {
            rows_in: all.rows_in - highest.rows_in,
            lone: all.lone - highest.lone,
            single: all.single - highest.single,
            merged_in: all.merged_in - highest.merged_in,
            merged_out: all.merged_out - highest.merged_out,
            dropped,
        }
    }
}
