//! Which files a row's start time would lie in if the side's rows were sorted by start time and cut where the side cuts.
//!
//! 1. The files that hold rows are taken by lowest, then by highest start time, whatever order they are listed in; a missing
//!    start time comes first.
//! 2. All start times of the side are sorted and cut at the files' own row counts. Each piece gives a range, inclusive: the
//!    *home* of the times in it. A time at a cut has all the homes that it is a bound of, for ties may stand on both sides.
//!
//! A writer that sorts by start time and cuts wherever it likes puts each row into one of its homes: its files hold the very
//! pieces. Where the files' own ranges do not overlap they are the homes, and nothing has to be sorted. Elsewhere memory is
//! 8 bytes for each row of the side. Cost: one pass over the time column, a second one where ranges overlap.

use rayon::prelude::*;
use reports::document::Role;

use crate::cancel::Cancel;
use crate::check::draft::SideError;
use crate::error::Result;
use crate::output::OutputFile;
use crate::output::key::{KeyColumn, KeyRule, KeyValue};

/// A start time; a missing one comes before all others.
pub(super) type Start = Option<i64>;

/// A start time column of a batch.
pub(super) struct Starts(KeyColumn);

impl Starts {
    pub(super) fn new(batch: &arrow::array::RecordBatch, column: &str) -> Self {
        Self(KeyColumn::new(batch, column, KeyRule::Int64))
    }

    pub(super) fn value(&self, row: usize) -> Start {
        match self.0.value(row) {
            // Only an unsigned value can be too large: it stays the highest.
            KeyValue::Int(value) => Some(i64::try_from(value).unwrap_or(i64::MAX)),
            _ => None,
        }
    }
}

/// Ranges of start times, one for each file that holds rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Homes(Vec<(Start, Start)>);

impl Homes {
    /// First and last home of a time that occurs on the side.
    pub(super) fn of(&self, start: Start) -> (u32, u32) {
        let number = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
        let first = self.0.partition_point(|(_, high)| *high < start);
        let last = self.0.partition_point(|(low, _)| *low <= start).saturating_sub(1);
        (number(first.min(last)), number(last))
    }

    /// Cuts sorted times, `missing` of them missing, at the row counts of the files.
    fn cut(missing: u64, times: &[i64], rows: &[u64]) -> Self {
        let at = |position: u64| -> Start {
            let position = usize::try_from(position.checked_sub(missing)?).ok()?;
            times.get(position).copied()
        };
        let mut end = 0;
        let mut cut = |rows: &u64| {
            let from = end;
            end += rows;
            (at(from), at(end - 1))
        };
        Self(rows.iter().map(&mut cut).collect())
    }
}

/// The files of a side that hold rows, by their start times, with the homes of those times.
pub(super) fn find<'a>(
    files: &'a [OutputFile],
    column: &str,
    role: Role,
    cancel: &Cancel,
) -> std::result::Result<(Vec<&'a OutputFile>, Homes), SideError> {
    let failed = |file: &OutputFile, error| SideError { role, file: file.info.path.clone(), error };
    let ranges: std::result::Result<Vec<Option<(Start, Start)>>, SideError> = files
        .par_iter()
        .map(|file| {
            let mut range: Option<(Start, Start)> = None;
            each(file, column, cancel, |start| {
                let (low, high) = range.unwrap_or((start, start));
                range = Some((low.min(start), high.max(start)));
            })
            .map_err(|error| failed(file, error))?;
            Ok(range)
        })
        .collect();
    let with_rows = files.iter().zip(ranges?).filter_map(|(file, range)| Some((file, range?)));
    let mut ranged: Vec<(&OutputFile, (Start, Start))> = with_rows.collect();
    ranged.sort_by_key(|(_, range)| *range);
    let (files, own): (Vec<&OutputFile>, Vec<(Start, Start)>) = ranged.into_iter().unzip();
    if own.windows(2).all(|pair| pair[0].1 <= pair[1].0) {
        return Ok((files, Homes(own)));
    }
    let mut times = Vec::new();
    let mut missing = 0;
    for file in &files {
        each(file, column, cancel, |start| match start {
            Some(start) => times.push(start),
            None => missing += 1,
        })
        .map_err(|error| failed(file, error))?;
    }
    times.par_sort_unstable();
    let rows: Vec<u64> = files.iter().map(|file| file.info.rows).collect();
    let homes = Homes::cut(missing, &times, &rows);
    Ok((files, homes))
}

fn each(file: &OutputFile, column: &str, cancel: &Cancel, mut take: impl FnMut(Start)) -> Result<()> {
    for located in file.batches(Some(&[column.to_owned()]), 0)? {
        cancel.check()?;
        let batch = located?.batch;
        let starts = Starts::new(&batch, column);
        (0..batch.num_rows()).for_each(|row| take(starts.value(row)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_at_a_cut_has_all_the_homes_that_it_bounds() {
        let homes = Homes::cut(2, &[10, 10, 20, 20, 20, 30], &[1, 2, 2, 1, 2]);
        let expected = [(None, None), (None, Some(10)), (Some(10), Some(20)), (Some(20), Some(20))];
        assert_eq!(homes.0[..4], expected);
        assert_eq!(homes.0[4], (Some(20), Some(30)));
        assert_eq!(
            (homes.of(None), homes.of(Some(10)), homes.of(Some(20)), homes.of(Some(30))),
            ((0, 1), (1, 2), (2, 4), (4, 4))
        );
    }
}
