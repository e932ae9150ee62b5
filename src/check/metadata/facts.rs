//! What a file's own rows give: counts, time range, fingerprints, groups, traces, and whether they belong to the hour they
//! were put into. All of it in one pass over the columns that the signal names for it. Ignored columns are not read: what they would
//! give is not known.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, TimeUnit};
use corpora::signal::{FingerprintRule, Signal};
use reports::manifest::SplitKey;

use super::fingerprint::{self, Fingerprints};
use super::values::{Collector, Values};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::output::key::{KeyColumn, KeyRule, KeyValue};
use crate::output::{OutputFile, ReadOptions};

/// What one file's rows give.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Lowest and highest timestamp; absent where no row has one.
    pub(super) range: Option<(i64, i64)>,
    /// Absent where the signal has no rule.
    pub(super) fingerprints: Option<Prints>,
    /// Groups; absent where the signal has none, or they are not read.
    pub(super) groups: Option<Values>,
    /// Traces; absent where the signal has none, or they are not read.
    pub(super) traces: Option<Values>,
    /// Rows whose time is in another hour than the file's split key, and the first of them.
    pub(super) misplaced: u64,
    pub(super) first_misplaced: Option<(u64, i64)>,
}

/// Fingerprints of a file, taken apart so that a shift by one row can be told exactly.
#[derive(Debug, Clone, Default)]
pub(super) struct Prints {
    /// Of the first row.
    pub(super) first_row: BTreeSet<i64>,
    /// Of all rows but the first.
    pub(super) rest: BTreeSet<i64>,
    /// Of columns that are not read.
    pub(super) unread: Unread,
}

/// Fingerprints that ignored text columns of a file may give.
#[derive(Debug, Clone, Default)]
pub(super) struct Unread {
    /// Those that say that such a column holds text at all.
    exist: BTreeSet<i64>,
    /// Whether there may be any others, since values of such a column are fingerprinted.
    open: bool,
}

impl Unread {
    fn of(file: &OutputFile, rule: &FingerprintRule, ignored: &BTreeMap<String, String>) -> Result<Self> {
        let mut unread = Self::default();
        if file.roots().all(|root| !ignored.contains_key(root)) {
            return Ok(unread);
        }
        for field in file.arrow_schema()?.fields() {
            let name = field.name();
            if ignored.contains_key(name) && *field.data_type() == DataType::Utf8 {
                unread.exist.insert(fingerprint::hash(format!("{name}:.*").as_bytes()));
                unread.open |= rule.full_value.iter().chain(&rule.trigram).any(|it| it == name);
            }
        }
        Ok(unread)
    }

    /// Whether a stated set is that of the rows, and beyond it holds only what columns may give that are not read.
    pub(super) fn allows(&self, stated: &BTreeSet<i64>, own: &BTreeSet<i64>) -> bool {
        own.is_subset(stated) && (self.open || stated.difference(own).all(|it| self.exist.contains(it)))
    }

    /// Whether it says anything.
    pub(super) fn is_empty(&self) -> bool {
        self.exist.is_empty()
    }
}

impl Prints {
    /// Of all rows.
    pub(super) fn all(&self) -> BTreeSet<i64> {
        self.first_row.union(&self.rest).copied().collect()
    }
}

/// Recomputes the facts of one file.
pub(super) fn of(
    file: &OutputFile,
    signal: Option<&Signal>,
    split_key: Option<SplitKey>,
    ignored: &BTreeMap<String, String>,
    cancel: &Cancel,
) -> Result<Facts> {
    let mut facts = Facts { bytes: file.info.bytes, ..Facts::default() };
    let read = |column: &&str| !ignored.contains_key(*column);
    let time_column = signal.and_then(|it| it.time_column.as_deref()).filter(read);
    let rule = signal.and_then(|it| it.fingerprints.as_ref());
    let mut collector = rule.map(Fingerprints::new);
    let mut prints = rule
        .map(|rule| Ok(Prints { unread: Unread::of(file, rule, ignored)?, ..Prints::default() }))
        .transpose()?;
    let group_key = signal.and_then(|it| it.group_key.as_deref()).filter(read);
    let trace = signal.and_then(|it| it.locality.as_ref()).map(|it| it.trace.as_str()).filter(read);
    let mut groups = group_key.map(Collector::new);
    let mut traces = trace.map(Collector::new);
    // Fingerprints come from all columns that the file itself holds.
    let own = file.roots().filter(|_| rule.is_some()).filter(read);
    let named = [time_column, group_key, trace].into_iter().flatten();
    let columns = Some(own.chain(named).map(str::to_owned).collect());
    for located in file.read(ReadOptions { columns, dictionaries: true, ..ReadOptions::default() })? {
        cancel.check()?;
        let located = located?;
        let batch = located.batch;
        facts.rows += batch.num_rows() as u64;
        if let Some(column) = time_column {
            facts.times(&batch, column, located.first_row, split_key);
        }
        groups.iter_mut().chain(&mut traces).for_each(|collector| collector.add(&batch));
        if let (Some(collector), Some(prints), Some(rule)) = (&mut collector, &mut prints, rule) {
            let mut rest = batch;
            if located.first_row == 0 {
                Fingerprints::new(rule).add(&rest.slice(0, 1), &mut prints.first_row);
                rest = rest.slice(1, rest.num_rows() - 1);
            }
            collector.add(&rest, &mut prints.rest);
        }
    }
    facts.fingerprints = prints;
    facts.groups = groups.map(|it| it.finish(file, cancel)).transpose()?;
    facts.traces = traces.map(|it| it.finish(file, cancel)).transpose()?;
    Ok(facts)
}

impl Facts {
    fn times(&mut self, batch: &RecordBatch, column: &str, first_row: u64, split_key: Option<SplitKey>) {
        let times = Times::new(batch, column);
        for row in 0..batch.num_rows() {
            let Some(time) = times.value(row) else { continue };
            self.range = Some(self.range.map_or((time, time), |(low, high)| (low.min(time), high.max(time))));
            if split_key.is_some_and(|key| !in_hour(times.milliseconds(time), key)) {
                self.misplaced += 1;
                self.first_misplaced.get_or_insert((first_row + row as u64, time));
            }
        }
    }
}

/// The time column of a batch. A float counts truncated, what is no number as 0 (see [`KeyRule::Int64`]).
pub(super) struct Times {
    column: KeyColumn,
    unit: Option<TimeUnit>,
}

impl Times {
    pub(super) fn new(batch: &RecordBatch, column: &str) -> Self {
        let unit = match batch.column_by_name(column).map(|array| array.data_type().clone()) {
            Some(DataType::Timestamp(unit, _)) => Some(unit),
            _ => None,
        };
        Self { column: KeyColumn::new(batch, column, KeyRule::Int64), unit }
    }

    pub(super) fn value(&self, row: usize) -> Option<i64> {
        match self.column.value(row) {
            KeyValue::Int(value) => {
                // Only an unsigned value can be too large; it counts as what is out of range does.
                Some(i64::try_from(value).unwrap_or(i64::MIN))
            }
            _ => None,
        }
    }

    /// A time in milliseconds; a plain integer already is.
    fn milliseconds(&self, time: i64) -> i64 {
        match self.unit {
            Some(TimeUnit::Second) => time.saturating_mul(1_000),
            Some(TimeUnit::Microsecond) => time.div_euclid(1_000),
            Some(TimeUnit::Nanosecond) => time.div_euclid(1_000_000),
            Some(TimeUnit::Millisecond) | None => time,
        }
    }
}

fn in_hour(milliseconds: i64, key: SplitKey) -> bool {
    let (date, hour) = date_hour(milliseconds);
    // Dates out of the calendar's common range do not fit the 32 bits in which they are kept.
    key.hour == hour && (key.dateint == date || key.dateint == wrapped(date))
}

/// A date as it is kept in 32 bits.
pub(super) fn wrapped(date: i64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "the wrap is what happens to such dates")]
    let wrapped = date as i32;
    i64::from(wrapped)
}

/// UTC date as yyyymmdd and hour of a time in milliseconds since the epoch (proleptic Gregorian calendar).
pub(super) fn date_hour(milliseconds: i64) -> (i64, i64) {
    let hours = milliseconds.div_euclid(3_600_000);
    let (days, hour) = (hours.div_euclid(24), hours.rem_euclid(24));
    // Days from 0000-03-01, in eras of 400 years; years begin in March, so that the leap day comes last.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year * 10_000 + month * 100 + day, hour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_hours_are_those_of_the_calendar() {
        assert_eq!(date_hour(0), (19_700_101, 0));
        assert_eq!(date_hour(-1), (19_691_231, 23));
        assert_eq!(date_hour(1_754_038_800_500), (20_250_801, 9));
        assert_eq!(date_hour(951_782_400_000), (20_000_229, 0));
        let (date, hour) = date_hour(i64::MIN);
        assert_eq!((wrapped(date), hour), (2_122_179_092, 16));
    }
}
