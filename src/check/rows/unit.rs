//! Row groups, the units of work of a pass.

use std::sync::Arc;

use crate::check::Observed;
use crate::error::Result;
use crate::output::{Batches, OutputFile, ReadOptions, Slice};

/// One row group of a side.
#[derive(Clone, Copy)]
pub(super) struct Unit<'a> {
    pub(super) file: &'a OutputFile,
    /// Position of the file in judged order.
    pub(super) number: u32,
    pub(super) row_group: usize,
    /// Rows of the file before it, rows of the side before it, and its own.
    pub(super) in_file: u64,
    pub(super) in_side: u64,
    pub(super) rows: u64,
}

impl Unit<'_> {
    /// Its rows; `columns` are root columns by name, `None` for all.
    pub(super) fn read(&self, slice: &Slice, batch_rows: usize, readers: usize) -> Result<Batches> {
        self.file.read(ReadOptions {
            columns: Some(slice.columns.clone()),
            dictionaries: true,
            row_group: Some(self.row_group),
            batch_rows,
            need: Some(Arc::clone(&slice.need)),
            readers,
            ..ReadOptions::default()
        })
    }

    /// Its columns, `wanted` or all, in slices that are read one after the other.
    pub(super) fn slices(&self, wanted: Option<&[String]>) -> Result<Vec<Slice>> {
        self.file.slices(self.row_group, wanted, None)
    }
}

/// Row groups of a side, in judged order.
pub(super) fn units(side: &Observed) -> Vec<Unit<'_>> {
    let mut units = Vec::new();
    let mut in_side = 0;
    for (number, file) in (0_u32..).zip(&side.output.files) {
        let mut in_file = 0;
        for (row_group, group) in file.metadata.row_groups().iter().enumerate() {
            let rows = u64::try_from(group.num_rows()).unwrap_or(0);
            units.push(Unit { file, number, row_group, in_file, in_side, rows });
            in_file += rows;
            in_side += rows;
        }
    }
    units
}

/// Rows of a side before each of its files.
pub(super) fn starts(side: &Observed) -> Vec<u64> {
    let mut starts = vec![0; side.output.files.len()];
    for unit in units(side).iter().filter(|unit| unit.row_group == 0) {
        starts[unit.number as usize] = unit.in_side;
    }
    starts
}
