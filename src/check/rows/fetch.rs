//! Fetching rows by their places: values and cell hashes of exactly the rows that are looked at one by one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use super::change::{Slot, within};
use super::record::{Entry, Spot};
use super::scan::{Scan, at, came_back};
use crate::check::Observed;
use crate::check::draft::SideError;
use crate::error::{Error, Result};
use crate::output::{OutputFile, ReadOptions};

/// A side whose rows can be fetched.
pub(super) struct Source<'a> {
    pub(super) side: &'a Observed,
    pub(super) views: Arc<HashMap<String, DataType>>,
    /// All compared columns of both sides, by name.
    pub(super) columns: &'a [String],
    pub(super) scan: &'a Scan<'a>,
}

/// Rows that were fetched.
#[derive(Default)]
pub(super) struct Loaded {
    parts: Vec<Part>,
    at: HashMap<Spot, (usize, usize)>,
}

/// One fetched batch: per compared column its values and their hashes.
struct Part {
    columns: Vec<Option<(ArrayRef, Vec<u128>)>>,
}

/// One fetched row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    part: &'a Part,
    row: usize,
}

impl<'a> Row<'a> {
    /// Hash of the cell, 0 for null.
    pub(super) fn hash(&self, column: usize) -> u128 {
        self.part.columns[column].as_ref().map_or(0, |(_, cells)| cells[self.row])
    }

    /// The cell itself.
    pub(super) fn slot(&self, column: usize) -> Slot<'a> {
        let (array, cells) = self.part.columns[column].as_ref()?;
        (cells[self.row] != 0).then_some((array, self.row))
    }
}

impl Source<'_> {
    /// Fetches the rows of `entries`, in any order.
    pub(super) fn load(&self, entries: &[Entry]) -> std::result::Result<Loaded, SideError> {
        let mut wanted: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for entry in entries {
            wanted.entry(entry.spot.0).or_default().push(entry.spot.1);
        }
        let mut loaded = Loaded::default();
        for (number, mut rows) in wanted {
            rows.sort_unstable();
            rows.dedup();
            let file = &self.side.output.files[number as usize];
            self.load_file(number, file, &rows, &mut loaded).map_err(|error| at(self.side, file, error))?;
        }
        Ok(loaded)
    }

    fn load_file(&self, number: u32, file: &OutputFile, rows: &[u64], loaded: &mut Loaded) -> Result<()> {
        let mut hasher = self.scan.hasher(&self.views);
        let options = ReadOptions {
            columns: Some(self.columns.to_vec()),
            rows: Some(rows.to_vec()),
            ..ReadOptions::default()
        };
        let mut done = 0;
        for located in file.read(options)? {
            self.scan.cancel.check()?;
            let batch = located?.batch;
            let mut columns = Vec::with_capacity(self.columns.len());
            for name in self.columns {
                columns.push(match batch.column_by_name(name) {
                    Some(array) => {
                        let mut cells = Vec::new();
                        hasher.column(name, array, &mut cells)?;
                        Some((hasher.view(name, array), cells))
                    }
                    None => None,
                });
            }
            for row in 0..batch.num_rows() {
                if let Some(&place) = rows.get(done + row) {
                    loaded.at.insert((number, place), (loaded.parts.len(), row));
                }
            }
            done += batch.num_rows();
            loaded.parts.push(Part { columns });
        }
        if done == rows.len() { Ok(()) } else { Err(came_back(file, done, rows.len())) }
    }

    /// Columns in which two rows differ, tolerances applied.
    pub(super) fn changed(&self, a: Row<'_>, b: Row<'_>) -> Vec<usize> {
        (0..self.columns.len()).filter(|&column| self.differs(a, b, column)).collect()
    }

    /// Number of columns in which two rows differ, tolerances applied.
    pub(super) fn cost(&self, a: Row<'_>, b: Row<'_>) -> u64 {
        (0..self.columns.len()).filter(|&column| self.differs(a, b, column)).count() as u64
    }

    fn differs(&self, a: Row<'_>, b: Row<'_>, column: usize) -> bool {
        if a.hash(column) == b.hash(column) {
            return false;
        }
        match self.scan.comparison.tolerances.get(&self.columns[column]) {
            Some(tolerance) => !within(a.slot(column), b.slot(column), *tolerance),
            None => true,
        }
    }

    /// Columns that hold a value in at least one of two rows.
    pub(super) fn filled(&self, a: Row<'_>, b: Row<'_>) -> u64 {
        (0..self.columns.len()).filter(|&it| a.hash(it) != 0 || b.hash(it) != 0).count() as u64
    }
}

impl Loaded {
    /// The row of an entry.
    pub(super) fn row(&self, entry: &Entry) -> Result<Row<'_>> {
        self.at
            .get(&entry.spot)
            .map(|&(part, row)| Row { part: &self.parts[part], row })
            .ok_or_else(|| Error::internal("a row that was asked for was not fetched"))
    }
}
