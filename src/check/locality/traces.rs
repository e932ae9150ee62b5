//! In how many files and row groups each trace lies, and how many files its start times need.
//!
//! 1. Files are read in the order of their start times (see `homes`), so that a trace enters a file and a row group once.
//! 2. A trace *needs* the files that are home to at least one of its start times. It is scattered where it lies in more.
//!    Whole traces in one file are never scattered, whichever file that is.
//! 3. Traces are known by 16 bytes of hash, with a record each of about 100 bytes, and 8 more for each stretch of homes beyond the
//!    first: at most [`BOUND`] bytes at a time, in as many passes over trace and time column as that takes.
//!
//! Two properties follow. A writer that sorts by start time and cuts freely scatters nothing: each row lies in one of its homes,
//! so the files of a trace are among those that it needs. A trace that lies in every file is scattered unless its start times
//! have a home in every file.

use std::collections::BTreeMap;

use reports::document::{Place, Role};
use reports::signal_evidence::Spread;

use super::homes::{Homes, Starts};
use crate::cancel::Cancel;
use crate::check::distinct::{Pass, Print};
use crate::check::draft::SideError;
use crate::error::Result;
use crate::output::key::{KeyColumn, KeyRule, KeyValue};
use crate::output::{OutputFile, ReadOptions};

/// Bytes that the records of one side take at most.
const BOUND: usize = 128 << 20;

/// Traces told of those spread over the most files.
const WORST: usize = 5;

/// A row: position of its file and row in it.
type Row = (u32, u64);

/// A set of file numbers, as stretches of neighbours.
#[derive(Debug, Default)]
struct Stretches {
    first: Option<(u32, u32)>,
    /// Above the first, ascending, none touching another.
    rest: Vec<(u32, u32)>,
}

impl Stretches {
    fn add(&mut self, (low, high): (u32, u32)) {
        match &mut self.first {
            None => self.first = Some((low, high)),
            Some(first) if first.0 <= low && high <= first.1 => {}
            Some(first) if self.rest.is_empty() && low <= first.1 + 1 && first.0 <= high + 1 => {
                *first = (first.0.min(low), first.1.max(high));
            }
            Some(first) => {
                let mut all = vec![*first];
                all.append(&mut self.rest);
                let from = all.partition_point(|it| it.1 + 1 < low);
                let to = all.partition_point(|it| it.0 <= high + 1);
                let touched = &all[from..to];
                let low = touched.first().map_or(low, |it| it.0.min(low));
                let high = touched.last().map_or(high, |it| it.1.max(high));
                all.splice(from..to, [(low, high)]);
                *first = all.remove(0);
                self.rest = all;
            }
        }
    }

    fn count(&self) -> u64 {
        self.first.iter().chain(&self.rest).map(|(low, high)| u64::from(high - low) + 1).sum()
    }
}

/// One trace so far.
#[derive(Debug, Default)]
struct Record {
    rows: u64,
    files: u32,
    groups: u32,
    /// File and row group that it was seen in last.
    last: Option<(u32, u32)>,
    /// Its first row.
    first: Row,
    /// Its first row in its second file.
    second: Option<Row>,
    homes: Stretches,
}

/// Traces by how many files or row groups they lie in.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Histogram(BTreeMap<u64, u64>);

impl Histogram {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    fn spread(&self) -> Spread {
        let traces: u64 = self.0.values().sum();
        let sum: u64 = self.0.iter().map(|(value, traces)| value * traces).sum();
        // Nearest rank: the ceil(p n)-th value, which occurs.
        let rank = |percent: u64| {
            let rank = (traces * percent).div_ceil(100).max(1);
            let mut below = 0;
            let reached = self.0.iter().find(|(_, traces)| {
                below += **traces;
                below >= rank
            });
            reached.map_or(0, |(value, _)| *value)
        };
        let max = self.0.last_key_value().map_or(0, |(value, _)| *value);
        let mean = if traces == 0 { 0.0 } else { sum as f64 / traces as f64 };
        Spread { mean, p50: rank(50), p95: rank(95), max }
    }
}

/// A trace that is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) files: u64,
    pub(super) needed: u64,
    pub(super) rows: u64,
    first: Row,
    second: Option<Row>,
}

/// The traces of one side.
#[derive(Debug)]
pub(super) struct Traces<'a> {
    role: Role,
    column: &'a str,
    files: &'a [&'a OutputFile],
    pub(super) traces: u64,
    pub(super) without_trace: u64,
    pub(super) scattered: u64,
    /// The scattered trace with the most files beyond what it needs.
    pub(super) example: Option<Told>,
    /// The traces in the most files, of those in more than one.
    pub(super) worst: Vec<Told>,
    in_files: Histogram,
    in_groups: Histogram,
}

/// Where traces and start times stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Where<'a> {
    pub(super) trace: &'a str,
    /// Time column and homes; without one nothing can be called scattered.
    pub(super) time: Option<(&'a str, &'a Homes)>,
}

impl<'a> Traces<'a> {
    /// The traces of `files`, which are in the order of their start times.
    pub(super) fn of(
        role: Role,
        files: &'a [&'a OutputFile],
        place: Where<'a>,
        cancel: &Cancel,
    ) -> std::result::Result<Self, SideError> {
        Self::within(role, files, place, cancel, BOUND)
    }

    /// The same with at most `bound` bytes of records.
    pub(super) fn within(
        role: Role,
        files: &'a [&'a OutputFile],
        place: Where<'a>,
        cancel: &Cancel,
        bound: usize,
    ) -> std::result::Result<Self, SideError> {
        let mut seen = Self {
            role,
            column: place.trace,
            files,
            traces: 0,
            without_trace: 0,
            scattered: 0,
            example: None,
            worst: Vec::new(),
            in_files: Histogram::default(),
            in_groups: Histogram::default(),
        };
        let extra = |record: &Record| record.homes.rest.capacity() * size_of::<(u32, u32)>();
        let mut pass = Some(Pass::<Record>::new(bound, extra));
        while let Some(mut now) = pass.take() {
            seen.without_trace = 0;
            for (position, file) in files.iter().enumerate() {
                let number = u32::try_from(position).unwrap_or(u32::MAX);
                seen.without_trace += read(&mut now, number, file, place, cancel)
                    .map_err(|error| SideError { role, file: file.info.path.clone(), error })?;
            }
            let (records, next) = now.finish();
            records.for_each(|(_, record)| seen.settle(record, place.time.is_some()));
            pass = next;
        }
        Ok(seen)
    }

    fn settle(&mut self, record: Record, timed: bool) {
        self.traces += 1;
        let files = u64::from(record.files);
        *self.in_files.0.entry(files).or_default() += 1;
        *self.in_groups.0.entry(u64::from(record.groups)).or_default() += 1;
        let (first, second) = (record.first, record.second);
        let told = Told { files, needed: record.homes.count(), rows: record.rows, first, second };
        if timed && told.files > told.needed {
            self.scattered += 1;
            let beyond = |it: &Told| (it.files - it.needed, std::cmp::Reverse(it.second));
            if self.example.as_ref().is_none_or(|known| beyond(&told) > beyond(known)) {
                self.example = Some(told.clone());
            }
        }
        if files > 1 {
            let rank = |it: &Told| std::cmp::Reverse((it.files, it.rows, std::cmp::Reverse(it.first)));
            let at = self.worst.partition_point(|known| rank(known) < rank(&told));
            if at < WORST {
                self.worst.insert(at, told);
                self.worst.truncate(WORST);
            }
        }
    }

    /// Files that a reader opens for one trace.
    pub(super) fn files(&self) -> Spread {
        self.in_files.spread()
    }

    /// Row groups that a reader opens for one trace.
    pub(super) fn row_groups(&self) -> Spread {
        self.in_groups.spread()
    }

    /// Where a trace enters its second file.
    pub(super) fn place(&self, told: &Told) -> Place {
        let (file, row) = told.second.unwrap_or(told.first);
        let position = usize::try_from(file).unwrap_or(usize::MAX);
        let place = self.files.get(position).map(|file| file.place(row)).unwrap_or_default();
        Place { column: Some(self.column.to_owned()), ..place }
    }

    /// The trace itself, read again where it stands.
    pub(super) fn name(&self, told: &Told) -> std::result::Result<String, SideError> {
        let (position, row) = told.first;
        let Some(file) = usize::try_from(position).ok().and_then(|it| self.files.get(it)) else {
            return Ok(String::new());
        };
        name_at(file, self.column, row).map_err(|error| SideError {
            role: self.role,
            file: file.info.path.clone(),
            error,
        })
    }
}

fn name_at(file: &OutputFile, column: &str, row: u64) -> Result<String> {
    let columns = Some(vec![column.to_owned()]);
    let options = ReadOptions { columns, rows: Some(vec![row]), ..ReadOptions::default() };
    let Some(located) = file.read(options)?.next() else { return Ok(String::new()) };
    Ok(KeyColumn::new(&located?.batch, column, KeyRule::AsStored).value(0).text())
}

/// Takes the rows of one file into the pass. Returns how many have no trace.
fn read(
    pass: &mut Pass<Record>,
    number: u32,
    file: &OutputFile,
    place: Where<'_>,
    cancel: &Cancel,
) -> Result<u64> {
    let columns: Vec<String> =
        place.time.map(|(column, _)| column).into_iter().chain([place.trace]).map(str::to_owned).collect();
    let mut without = 0;
    // Neighbouring rows are often of one trace.
    let mut last: Option<(KeyValue, Print)> = None;
    for located in file.batches(Some(&columns), 0)? {
        cancel.check()?;
        let located = located?;
        let group = u32::try_from(located.row_group).unwrap_or(u32::MAX);
        let traces = KeyColumn::new(&located.batch, place.trace, KeyRule::AsStored);
        let starts = place.time.map(|(column, homes)| (Starts::new(&located.batch, column), homes));
        for at in 0..located.batch.num_rows() {
            let trace = traces.value(at);
            if trace == KeyValue::Missing {
                without += 1;
                continue;
            }
            let print = match &last {
                Some((known, print)) if *known == trace => *print,
                _ => last.insert((trace.clone(), Print::of(&trace))).1,
            };
            let row = (number, located.first_row + at as u64);
            let homes = starts.as_ref().map(|(starts, homes)| homes.of(starts.value(at)));
            pass.change(print, |record| {
                match record.last {
                    None => record.first = row,
                    Some((file, _)) if file != number && record.second.is_none() => record.second = Some(row),
                    Some(_) => {}
                }
                record.rows += 1;
                record.files += u32::from(record.last.is_none_or(|(file, _)| file != number));
                record.groups += u32::from(record.last != Some((number, group)));
                record.last = Some((number, group));
                homes.into_iter().for_each(|it| record.homes.add(it));
            });
        }
    }
    Ok(without)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn stretches_are_the_set_of_what_was_added(added in prop::collection::vec((0_u32..40, 0_u32..4), 1..30)) {
            let mut stretches = Stretches::default();
            let mut set = std::collections::BTreeSet::new();
            for (low, more) in added {
                stretches.add((low, low + more));
                set.extend(low..=low + more);
            }
            prop_assert_eq!(stretches.count(), set.len() as u64);
            let all: Vec<(u32, u32)> = stretches.first.into_iter().chain(stretches.rest).collect();
            prop_assert!(all.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0), "{:?}", all);
        }
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let spread = Histogram([(1, 18), (2, 1), (9, 1)].into()).spread();
        assert_eq!((spread.p50, spread.p95, spread.max), (1, 2, 9));
        assert!((spread.mean - 29.0 / 20.0).abs() < 1e-12);
        assert_eq!(Histogram::default().spread(), Spread::default());
    }
}
