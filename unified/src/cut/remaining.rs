//! How many rows are still to come, so that the last file of a job or an hour need not be a tiny one.

use std::collections::HashMap;

use crate::cut::calendar::hour_of;
use crate::rows::key::Key;

/// Hours that are counted one by one; a job with more of them goes without.
const MOST_HOURS: usize = 65_536;

/// Rows that were announced and have not passed yet.
#[derive(Debug, Clone, Default)]
pub(crate) enum RowsLeft {
    /// Nothing is known.
    #[default]
    Unknown,
    /// Rows of the whole job.
    Total(u64),
    /// Rows of each hour since the epoch.
    ByHour(HashMap<i64, u64>),
}

impl RowsLeft {
    /// Adds rows to come.
    pub(crate) fn add(&mut self, keys: &[Key]) {
        match self {
            Self::Unknown => {}
            Self::Total(total) => *total += keys.len() as u64,
            Self::ByHour(hours) => {
                for_each_hour(keys, |hour, rows| *hours.entry(hour).or_default() += rows);
                if hours.len() > MOST_HOURS {
                    *self = Self::Unknown;
                }
            }
        }
    }

    /// Takes rows that have passed.
    pub(crate) fn take(&mut self, keys: &[Key]) {
        match self {
            Self::Unknown => {}
            Self::Total(total) => *total = total.saturating_sub(keys.len() as u64),
            Self::ByHour(hours) => for_each_hour(keys, |hour, rows| {
                if let Some(left) = hours.get_mut(&hour) {
                    *left = left.saturating_sub(rows);
                }
            }),
        }
    }

    /// Rows of one hour, or of a job that knows no hours, are still to come after all.
    pub(crate) fn give_back(&mut self, hour: Option<i64>, rows: usize) {
        match self {
            Self::Unknown => {}
            Self::Total(total) => *total += rows as u64,
            Self::ByHour(hours) => {
                if let Some(left) = hour.and_then(|hour| hours.get_mut(&hour)) {
                    *left += rows as u64;
                }
            }
        }
    }

    /// Rows to come that may go into a file of this hour.
    pub(crate) fn of(&self, hour: Option<i64>) -> Option<u64> {
        match self {
            Self::Unknown => None,
            Self::Total(total) => Some(*total),
            Self::ByHour(hours) => hour.and_then(|hour| hours.get(&hour).copied()),
        }
    }
}

/// Calls back once for each stretch of rows of one hour.
fn for_each_hour(keys: &[Key], mut each: impl FnMut(i64, u64)) {
    let mut stretch: Option<(i64, u64)> = None;
    for hour in keys.iter().flatten().map(|key| hour_of(*key)) {
        stretch = match stretch {
            Some((known, rows)) if known == hour => Some((known, rows + 1)),
            Some((known, rows)) => {
                each(known, rows);
                Some((hour, 1))
            }
            None => Some((hour, 1)),
        };
    }
    if let Some((hour, rows)) = stretch {
        each(hour, rows);
    }
}
