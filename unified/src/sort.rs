//! Sorting rows that lie in memory.
//!
//! 1. One entry (key, batch, row) per row; where the entries already ascend nothing is done.
//! 2. Else the entries are sorted; as every entry is unique, an unstable sort gives the stable order.
//! 3. Sorted rows are gathered column by column, a batch at a time, so the rows never exist twice.

use crate::catalog::Catalog;
use crate::error::Result;
use crate::key::Key;
use crate::rows::Rows;

/// Rows of a gathered batch unless its bytes say otherwise.
const GATHER_ROWS: usize = 8192;

/// Yields buffered rows in order of their keys, ties in order of arrival.
#[derive(Debug)]
pub(crate) struct SortedBuffer {
    parts: Vec<Rows>,
    /// Empty where the parts already lie in order.
    order: Vec<(Key, u32, u32)>,
    at: usize,
    step: usize,
}

impl SortedBuffer {
    /// `batch_bytes` is the size at which a gathered batch should end, judged by the average row.
    pub(crate) fn new(parts: Vec<Rows>, batch_bytes: usize) -> Self {
        let rows: usize = parts.iter().map(|part| part.len).sum();
        let bytes: usize = parts.iter().map(Rows::memory).sum();
        let row_bytes = bytes.checked_div(rows).unwrap_or(0).max(1);
        let step = (batch_bytes / row_bytes).clamp(1, GATHER_ROWS);
        let keys = parts.iter().flat_map(|part| part.keys.iter());
        let order = if keys.is_sorted() { Vec::new() } else { Self::order(&parts, rows) };
        Self { parts, order, at: 0, step }
    }

    fn order(parts: &[Rows], rows: usize) -> Vec<(Key, u32, u32)> {
        let mut order = Vec::with_capacity(rows);
        for (part, rows) in parts.iter().enumerate() {
            order.extend(rows.keys.iter().enumerate().map(|(row, key)| (*key, part as u32, row as u32)));
        }
        order.sort_unstable();
        order
    }

    /// The next rows, or none at the end.
    pub(crate) fn next(&mut self, catalog: &Catalog) -> Result<Option<Rows>> {
        if self.order.is_empty() {
            return Ok(self.next_in_place());
        }
        if self.at >= self.order.len() {
            return Ok(None);
        }
        let end = (self.at + self.step).min(self.order.len());
        let picks: Vec<(usize, usize)> =
            self.order[self.at..end].iter().map(|&(_, part, row)| (part as usize, row as usize)).collect();
        self.at = end;
        Rows::gather(&self.parts, &picks, catalog).map(Some)
    }

    /// Hands the parts on as they are, in slices of the usual size, letting go of each when done.
    fn next_in_place(&mut self) -> Option<Rows> {
        let part = self.parts.first()?;
        let end = (self.at + self.step).min(part.len);
        let rows = part.slice(self.at, end - self.at);
        if end == part.len {
            self.parts.remove(0);
            self.at = 0;
        } else {
            self.at = end;
        }
        Some(rows)
    }
}
