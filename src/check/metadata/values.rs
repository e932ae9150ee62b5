//! Distinct, lowest and highest values of one column of one file.
//!
//! Values compare as they are stored, numbers numerically; rows without one are left out, `""` is a value. Cost: part of the
//! caller's pass over the file, with at most [`BOUND`] bytes of hashes; a file with more distinct values than fit is read
//! again, that column alone.

use arrow::array::RecordBatch;

use crate::cancel::Cancel;
use crate::check::distinct::{Pass, Print};
use crate::error::Result;
use crate::output::OutputFile;
use crate::output::key::{KeyColumn, KeyRule, KeyValue};

/// Bytes of hashes that are held for one column of one file.
const BOUND: usize = 32 << 20;

/// What the values of a column are.
#[derive(Debug, Clone, Default)]
pub(super) struct Values {
    /// Distinct values.
    pub(super) distinct: u64,
    /// Lowest and highest; absent where no row has one.
    pub(super) range: Option<(KeyValue, KeyValue)>,
}

/// Takes the values of a column, batch by batch.
#[derive(Debug)]
pub(super) struct Collector<'a> {
    column: &'a str,
    pass: Pass<()>,
    last: Option<KeyValue>,
    range: Option<(KeyValue, KeyValue)>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(column: &'a str) -> Self {
        Self::within(column, BOUND)
    }

    /// The same with at most `bound` bytes of hashes.
    fn within(column: &'a str, bound: usize) -> Self {
        Self { column, pass: Pass::new(bound, |()| 0), last: None, range: None }
    }

    /// The rows of a batch, in any order.
    pub(super) fn add(&mut self, batch: &RecordBatch) {
        let column = KeyColumn::new(batch, self.column, KeyRule::AsStored);
        for row in 0..batch.num_rows() {
            let value = column.value(row);
            if value == KeyValue::Missing || self.last.as_ref() == Some(&value) {
                continue;
            }
            self.pass.change(Print::of(&value), |()| {});
            match &mut self.range {
                None => self.range = Some((value.clone(), value.clone())),
                Some((low, high)) => {
                    if value < *low {
                        low.clone_from(&value);
                    }
                    if value > *high {
                        high.clone_from(&value);
                    }
                }
            }
            self.last = Some(value);
        }
    }

    /// What the values were, after the last batch of `file`.
    pub(super) fn finish(mut self, file: &OutputFile, cancel: &Cancel) -> Result<Values> {
        let mut distinct = 0;
        loop {
            let (records, next) = self.pass.finish();
            distinct += records.count() as u64;
            let Some(next) = next else {
                return Ok(Values { distinct, range: self.range });
            };
            self.pass = next;
            self.last = None;
            for located in file.batches(Some(&[self.column.to_owned()]), 0)? {
                cancel.check()?;
                let batch = located?.batch;
                let column = KeyColumn::new(&batch, self.column, KeyRule::AsStored);
                for value in (0..batch.num_rows()).map(|row| column.value(row)) {
                    if value != KeyValue::Missing {
                        self.pass.change(Print::of(&value), |()| {});
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::texts;
    use crate::output::testing::write;

    #[test]
    fn a_bound_on_memory_changes_no_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let values: Vec<String> = (0..3_000).map(|row| format!("{}", row % 2_000)).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        write(&path, &vec![("trace", texts(&values))]);
        let file = OutputFile::open(&path, "a.parquet").unwrap();
        for bound in [BOUND, 32 << 10] {
            let mut collector = Collector::within("trace", bound);
            for located in file.batches(None, 0).unwrap() {
                collector.add(&located.unwrap().batch);
            }
            let found = collector.finish(&file, &Cancel::default()).unwrap();
            let (low, high) = found.range.unwrap();
            assert_eq!((found.distinct, low.text(), high.text()), (2_000, "0".to_owned(), "999".to_owned()));
        }
    }
}
