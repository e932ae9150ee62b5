//! Groups of a side as a whole: how many there are, which lie in more than one file, which come back within a file.
//!
//! 1. Where every file ascends and no two files share a key, each run is a group: nothing is remembered.
//! 2. Otherwise the runs are read again with a record per group (see `distinct`): at most [`BOUND`] bytes, in as many
//!    passes over the key column as that takes. A record's size does not depend on its group.

use std::cmp::Ordering;

use super::runs::{FileGroups, longer, walk};
use crate::cancel::Cancel;
use crate::check::distinct::{Pass, Print};
use crate::error::Result;
use crate::output::OutputFile;
use crate::output::key::KeyValue;

/// Bytes that the records of one side take at most.
const BOUND: usize = 64 << 20;

/// A group that went on where it should not have.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// Position of the file in judged order.
    pub(super) file: usize,
    /// Row within the file.
    pub(super) row: u64,
    pub(super) key: KeyValue,
    /// Position of the file in which the group was before.
    pub(super) before: usize,
}

impl Event {
    fn earliest(first: &mut Option<Self>, event: Self) {
        if first.as_ref().is_none_or(|it| (event.file, event.row) < (it.file, it.row)) {
            *first = Some(event);
        }
    }
}

/// The groups of a side.
#[derive(Debug, Default)]
pub(super) struct Whole {
    pub(super) groups: u64,
    /// Groups with rows in more than one file.
    pub(super) split: u64,
    /// Where the first such group begins in its second file.
    pub(super) first_split: Option<Event>,
    /// Times that a group came back within a file.
    pub(super) returned: u64,
    pub(super) first_returned: Option<Event>,
    /// The group with the most rows, the lowest key of those.
    pub(super) largest: Option<(KeyValue, u64)>,
}

/// One group so far.
#[derive(Debug, Default, Clone, Copy)]
struct Record {
    rows: u64,
    returned: u64,
    last_file: Option<u32>,
    split: bool,
}

/// An error with the file that it was met in.
pub(super) type InFile<E> = (String, E);

impl Whole {
    /// The groups of files in judged order.
    pub(super) fn of(
        files: &[FileGroups<'_>],
        column: &str,
        cancel: &Cancel,
    ) -> std::result::Result<Self, InFile<crate::error::Error>> {
        Self::within(files, column, cancel, BOUND)
    }

    /// The same with at most `bound` bytes of records.
    pub(super) fn within(
        files: &[FileGroups<'_>],
        column: &str,
        cancel: &Cancel,
        bound: usize,
    ) -> std::result::Result<Self, InFile<crate::error::Error>> {
        let mut whole = Self::default();
        if files.iter().all(|it| it.ascending) && disjoint(files) {
            for it in files {
                whole.groups += it.runs;
                if let Some((key, rows)) = &it.longest {
                    longer(&mut whole.largest, key, *rows);
                }
            }
            return Ok(whole);
        }
        let mut pass = Some(Pass::<Record>::new(bound, |_| 0));
        while let Some(mut now) = pass.take() {
            for (position, it) in files.iter().enumerate() {
                whole
                    .take_file(&mut now, position, it.file, column, cancel)
                    .map_err(|error| (it.file.info.path.clone(), error))?;
            }
            let (records, next) = now.finish();
            for (_, record) in records {
                whole.groups += 1;
                whole.split += u64::from(record.split);
                whole.returned += record.returned;
            }
            pass = next;
        }
        Ok(whole)
    }

    fn take_file(
        &mut self,
        pass: &mut Pass<Record>,
        position: usize,
        file: &OutputFile,
        column: &str,
        cancel: &Cancel,
    ) -> Result<()> {
        let number = u32::try_from(position).unwrap_or(u32::MAX);
        walk(file, column, cancel, |run| {
            pass.change(Print::of(&run.key), |record| {
                // What is seen here is true even if the record is let go later: it never missed a row so far.
                if let Some(last) = record.last_file {
                    let before = usize::try_from(last).unwrap_or(usize::MAX);
                    let event = Event { file: position, row: run.row, key: run.key.clone(), before };
                    if last == number {
                        record.returned += 1;
                        Event::earliest(&mut self.first_returned, event);
                    } else if !record.split {
                        record.split = true;
                        Event::earliest(&mut self.first_split, event);
                    }
                }
                record.last_file = Some(number);
                record.rows += run.rows;
                longer(&mut self.largest, &run.key, record.rows);
            });
        })?;
        Ok(())
    }
}

/// Whether no key lies in two of the files, whatever their order.
fn disjoint(files: &[FileGroups<'_>]) -> bool {
    let mut ranges: Vec<&(KeyValue, KeyValue)> = files.iter().filter_map(|it| it.range.as_ref()).collect();
    ranges.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    ranges.windows(2).all(|pair| pair[0].1.cmp(&pair[1].0) == Ordering::Less)
}
