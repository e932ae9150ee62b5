//! Fetching rows by their places: values and cell hashes of exactly the rows that are looked at one by one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericByteViewArray};
use arrow::datatypes::{ByteViewType, DataType};

use super::change::{Slot, kind, within};
use super::record::{Entry, Spot};
use super::retyped;
use super::scan::{Scan, at, came_back};
use crate::check::Observed;
use crate::check::draft::SideError;
use crate::error::{Error, Result};
use crate::output::{DEFAULT_BATCH_ROWS, OutputFile, ReadOptions};

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
    /// Bytes of text and nested values that are held.
    bytes: u64,
    /// Whether such values are there. Where they would be too much only their hashes are.
    pub(super) whole: bool,
}

/// The fetched rows of a row group: per compared column its values and their hashes.
struct Part {
    columns: Vec<Option<Cells>>,
}

/// The cells of a column, in stretches of rows.
#[derive(Default)]
struct Cells {
    stretches: Vec<Stretch>,
}

/// Values, where they are held, and their hashes; the first is row `first` of the part.
struct Stretch {
    first: usize,
    values: Option<ArrayRef>,
    hashes: Vec<u128>,
}

impl Cells {
    fn of(&self, row: usize) -> Option<(&Stretch, usize)> {
        let number = self.stretches.partition_point(|stretch| stretch.first <= row).checked_sub(1)?;
        let stretch = self.stretches.get(number)?;
        Some((stretch, row - stretch.first))
    }
}

/// One fetched row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    part: &'a Part,
    row: usize,
}

impl<'a> Row<'a> {
    fn cell(&self, column: usize) -> Option<(&'a Stretch, usize)> {
        self.part.columns[column].as_ref()?.of(self.row)
    }

    /// Hash of the cell, 0 for null.
    pub(super) fn hash(&self, column: usize) -> u128 {
        self.cell(column).map_or(0, |(stretch, row)| stretch.hashes[row])
    }

    /// The cell itself.
    pub(super) fn slot(&self, column: usize) -> Slot<'a> {
        let (stretch, row) = self.cell(column)?;
        let values = stretch.values.as_ref()?;
        (stretch.hashes[row] != 0).then_some((values, row))
    }
}

impl Source<'_> {
    /// Fetches the rows of `entries`, in any order. Where text and nested values would take more than `room` bytes, their hashes
    /// alone are kept.
    pub(super) fn load(&self, entries: &[Entry], room: u64) -> std::result::Result<Loaded, SideError> {
        let mut wanted: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for entry in entries {
            wanted.entry(entry.spot.0).or_default().push(entry.spot.1);
        }
        let mut loaded = Loaded { whole: true, ..Loaded::default() };
        for (number, mut rows) in wanted {
            rows.sort_unstable();
            rows.dedup();
            let file = &self.side.output.files[number as usize];
            let mut start = 0_u64;
            for (row_group, group) in file.metadata.row_groups().iter().enumerate() {
                let end = start + u64::try_from(group.num_rows()).unwrap_or(0);
                let from = rows.partition_point(|&row| row < start);
                let to = rows.partition_point(|&row| row < end);
                if from < to {
                    let place = (number, row_group, start);
                    self.load_group(place, file, &rows[from..to], room, &mut loaded)
                        .map_err(|error| at(self.side, file, error))?;
                }
                start = end;
            }
            if loaded.at.len() < loaded.parts.len() || rows.last().is_some_and(|&row| row >= start) {
                return Err(at(self.side, file, came_back(file, 0, rows.len())));
            }
        }
        Ok(loaded)
    }

    fn load_group(
        &self,
        (number, row_group, start): (u32, usize, u64),
        file: &OutputFile,
        rows: &[u64],
        room: u64,
        loaded: &mut Loaded,
    ) -> Result<()> {
        let mut hasher = self.scan.hasher(&self.views);
        let within: Vec<u64> = rows.iter().map(|row| row - start).collect();
        let mut columns: Vec<Option<Cells>> = self.columns.iter().map(|_| None).collect();
        for slice in file.slices(row_group, Some(self.columns), Some(&within))? {
            if slice.columns.is_empty() {
                continue;
            }
            let options = ReadOptions {
                columns: Some(slice.columns),
                row_group: Some(row_group),
                // Readers reserve room for a whole batch, and the values keep it.
                batch_rows: rows.len().clamp(1, DEFAULT_BATCH_ROWS),
                rows: Some(rows.to_vec()),
                need: Some(slice.need),
                ..ReadOptions::default()
            };
            let mut done = 0;
            for located in file.read(options)? {
                self.scan.cancel.check()?;
                let batch = located?.batch;
                for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
                    let Ok(column) = self.columns.binary_search(field.name()) else { continue };
                    let mut hashes = Vec::new();
                    hasher.column(field.name(), array, &mut hashes)?;
                    let values = loaded.keep(hasher.view(field.name(), array), room);
                    let stretch = Stretch { first: done, values, hashes };
                    columns[column].get_or_insert_with(Cells::default).stretches.push(stretch);
                }
                done += batch.num_rows();
            }
            if done != rows.len() {
                return Err(came_back(file, done, rows.len()));
            }
        }
        let part = loaded.parts.len();
        loaded.at.extend(rows.iter().enumerate().map(|(row, &place)| ((number, place), (part, row))));
        loaded.parts.push(Part { columns });
        if !loaded.whole {
            loaded.forget();
        }
        Ok(())
    }

    /// The kind of change from `a` to `b` in a column in which they differ.
    pub(super) fn kind(&self, a: Row<'_>, b: Row<'_>, column: usize) -> &'static str {
        let (a, b) = (a.slot(column), b.slot(column));
        if self.scan.retyped.all.contains(&self.columns[column]) {
            retyped::kind(a, b, self.scan.comparison.negative_zero_equal)
        } else {
            kind(a, b)
        }
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

/// Values whose size no type bounds.
fn is_large(array: &ArrayRef) -> bool {
    array.data_type().is_nested()
        || matches!(
            array.data_type(),
            DataType::Utf8
                | DataType::Binary
                | DataType::LargeBinary
                | DataType::Utf8View
                | DataType::BinaryView
        )
        || matches!(array.data_type(), DataType::FixedSizeBinary(width) if *width > 64)
}

/// The values without the rest of the pages that they lie in, where that is more than they are.
fn compact(array: ArrayRef) -> ArrayRef {
    fn gc<T: ByteViewType>(array: &GenericByteViewArray<T>) -> Option<ArrayRef> {
        let held: usize = array.data_buffers().iter().map(arrow::buffer::Buffer::capacity).sum();
        let own: usize = array.lengths().map(|length| length as usize).filter(|length| *length > 12).sum();
        (own < held).then(|| Arc::new(array.gc()) as ArrayRef)
    }
    let smaller = match array.data_type() {
        DataType::Utf8View => gc(array.as_string_view()),
        DataType::BinaryView => gc(array.as_binary_view()),
        _ => None,
    };
    smaller.unwrap_or(array)
}

impl Loaded {
    /// The values of a batch, where they may be held.
    fn keep(&mut self, array: ArrayRef, room: u64) -> Option<ArrayRef> {
        if !is_large(&array) {
            return Some(array);
        }
        if !self.whole {
            return None;
        }
        let array = compact(array);
        self.bytes += array.get_array_memory_size() as u64;
        if self.bytes > room {
            self.whole = false;
            self.forget();
            return None;
        }
        Some(array)
    }

    /// Lets large values go.
    fn forget(&mut self) {
        let cells = self.parts.iter_mut().flat_map(|part| part.columns.iter_mut().flatten());
        for stretch in cells.flat_map(|cells| cells.stretches.iter_mut()) {
            stretch.values.take_if(|values| is_large(values));
        }
        self.bytes = 0;
    }

    /// The row of an entry.
    pub(super) fn row(&self, entry: &Entry) -> Result<Row<'_>> {
        self.at
            .get(&entry.spot)
            .map(|&(part, row)| Row { part: &self.parts[part], row })
            .ok_or_else(|| Error::internal("a row that was asked for was not fetched"))
    }
}
