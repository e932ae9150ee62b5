//! Rows on their way into files, with the bytes of their values: what it takes to cut them into pieces.
//!
//! They are weighed where they are made, beside the thread that cuts.

use crate::error::Result;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;

/// Some rows, each with its weight.
pub(crate) struct Weighed {
    pub(crate) rows: Rows,
    /// Bytes of the values of all rows up to and with each.
    ends: Vec<usize>,
}

impl Weighed {
    pub(crate) fn new(rows: Rows, catalog: &Catalog) -> Result<Self> {
        let mut ends = rows.value_bytes_by_row(catalog)?;
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        Ok(Self { rows, ends })
    }

    /// The same weights for rows of which none was taken away.
    pub(crate) fn with_rows(self, rows: Rows, catalog: &Catalog) -> Result<Self> {
        if rows.len == self.ends.len() { Ok(Self { rows, ..self }) } else { Self::new(rows, catalog) }
    }

    /// Bytes of the values of all rows.
    pub(crate) fn value_bytes(&self) -> u64 {
        self.ends.last().map_or(0, |end| *end as u64)
    }

    /// Bytes of the values of the rows from one to before another.
    pub(crate) fn bytes(&self, from: usize, to: usize) -> usize {
        let before = |row: usize| if row == 0 { 0 } else { self.ends[row - 1] };
        before(to) - before(from)
    }

    /// Rows from one on, no fewer than one, until their values come to so many bytes: with the one that reaches them.
    pub(crate) fn fitting(&self, from: usize, bytes: usize) -> usize {
        let limit = self.bytes(0, from) + bytes;
        self.ends[from..].partition_point(|end| *end < limit) + 1
    }
}
