//! Row groups, the units of work of a pass.

use crate::check::Observed;
use crate::error::Result;
use crate::output::{Batches, DEFAULT_BATCH_ROWS, OutputFile, ReadOptions};

/// Bytes that a decoded batch should not exceed by much.
const BATCH_BYTES: u64 = 16 << 20;

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
    /// Rows of a batch: fewer than usual where rows are large.
    pub(super) fn batch_rows(&self) -> usize {
        let bytes = self.file.metadata.row_group(self.row_group).total_byte_size();
        let per_row = u64::try_from(bytes).unwrap_or(0) / self.rows.max(1);
        let rows = usize::try_from(BATCH_BYTES / per_row.max(1)).unwrap_or(usize::MAX);
        rows.clamp(64, DEFAULT_BATCH_ROWS).min(self.file.most_batch_rows())
    }

    /// Its rows, `rows` a batch; `columns` are root columns by name, `None` for all.
    pub(super) fn read(&self, columns: Option<Vec<String>>, rows: usize) -> Result<Batches> {
        self.file.read(ReadOptions {
            columns,
            dictionaries: true,
            views: true,
            row_group: Some(self.row_group),
            batch_rows: rows,
            ..ReadOptions::default()
        })
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
