//! What readers may hold of the memory limit, and whether a row group fits into it.

use parquet::file::metadata::ColumnChunkMetaData;

use crate::memory_plan::{
    MERGED_ROW_GROUP, MemoryPlan, Part, REPEATED_ROWS, ROW, ROW_GROUP, worst_merged_batch,
};

/// The parts of a memory limit that readers have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    /// The memory limit.
    limit: u64,
    /// What a row group may hold open.
    open: Part,
    /// Bytes of a batch whose values are all as large as the largest.
    pub(crate) worst_batch: u64,
}

impl Share {
    /// Of a reader that works with others whose batches share an eighth of the limit.
    pub(crate) fn of(limit: u64, readers: usize) -> Self {
        Self { limit, open: ROW_GROUP, worst_batch: MemoryPlan::of(limit).worst_batch(readers) }
    }

    /// Of an input of a merge, of which two are open at least.
    pub(crate) fn of_merged(limit: u64, batch_bytes: u64) -> Self {
        Self { limit, open: MERGED_ROW_GROUP, worst_batch: worst_merged_batch(batch_bytes) }
    }

    /// The memory limit that is enough for so many open bytes and such a row.
    pub(super) fn enough(self, open: u64, row: u64) -> u64 {
        self.open.limit_for(open).max(ROW.limit_for(row))
    }

    /// The memory limit, or what it counts as.
    pub(super) fn least(self) -> u64 {
        MemoryPlan::of(self.limit).limit_for_row_groups()
    }

    /// Whether so many bytes of a repeated column are worth a look at its levels.
    pub(super) fn is_worth_levels(self, bytes: u64) -> bool {
        bytes > REPEATED_ROWS.of(self.worst_batch)
    }

    /// # Errors
    /// The limit is too small, as a fragment.
    pub(super) fn check(self, open: &Sum, row: &Sum) -> Result<(), String> {
        let enough = self.enough(open.bytes.saturating_add(row.bytes.saturating_mul(2)), row.bytes);
        if enough <= self.least() {
            return Ok(());
        }
        // Not to be refused once more when the row is met.
        let enough = enough.max(ROW.limit_for(open.value));
        let way_out = format!(
            "the memory limit is {}; raise the memory limit (--memory-limit) to at least {enough}, or write the segment with \
             smaller pages and rows",
            self.limit
        );
        let large_row = row.bytes > open.bytes || self.enough(0, row.bytes) > self.least();
        let (column, at, most) = if large_row { &row.most } else { &open.most };
        if large_row {
            let bytes = row.bytes;
            return Err(format!(
                "column `{column}`, row {at}: the row takes {bytes} bytes, {most} of them here, and {way_out}"
            ));
        }
        let bytes = open.bytes.saturating_add(row.bytes.saturating_mul(2));
        let columns = if open.columns > 1 { format!(" of {} columns", open.columns) } else { String::new() };
        Err(format!(
            "column `{column}`, page of row {at}: {bytes} bytes of pages and rows{columns} are open at once, {most} of them here, \
             and {way_out}"
        ))
    }
}

/// Bytes of several columns, and which has most: name, row, bytes.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) bytes: u64,
    pub(super) columns: u64,
    pub(super) most: (String, u64, u64),
    /// Bytes of the largest value of a dictionary: some row has it, which one is not known.
    pub(super) value: u64,
}

impl Sum {
    pub(super) fn add(&mut self, chunk: &ColumnChunkMetaData, row: u64, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.columns += 1;
        if bytes > self.most.2 || self.most.0.is_empty() {
            self.most = (chunk.column_path().string(), row, bytes);
        }
    }
}
