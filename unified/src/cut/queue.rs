//! Rows that wait to be cut into files: those that came, and before them those that files gave back which were cut again.
//!
//! Pieces depend on the rows alone, not on the batches in which they came. Rows that were given back lie on disk until their
//! turn comes. Memory: the batches that came, and one of those that were given back.

use std::collections::VecDeque;

use crate::cut::given_back::GivenBack;
use crate::cut::size::PIECE_BYTES;
use crate::error::Result;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::weighed::Weighed;

/// Some rows, the bytes of their values, and which of them begin a group; absent where there are no groups.
pub(crate) struct Piece {
    pub(crate) rows: Rows,
    pub(crate) bytes: usize,
    pub(crate) starts: Option<Vec<bool>>,
}

impl Piece {
    /// Whether a file may end before a row of it.
    pub(crate) fn may_cut(&self, row: usize) -> bool {
        self.starts.as_ref().is_none_or(|starts| starts[row])
    }

    /// Bytes of values a row.
    pub(crate) fn row_bytes(&self) -> f64 {
        self.bytes as f64 / self.rows.len.max(1) as f64
    }
}

enum Item {
    Rows(Waiting),
    GivenBack(Box<GivenBack>),
}

struct Waiting {
    weighed: Weighed,
    starts: Option<Vec<bool>>,
    /// Rows that were cut off already.
    at: usize,
}

/// Rows in order, from which pieces are cut.
#[derive(Default)]
pub(crate) struct Queue {
    items: VecDeque<Item>,
    rows: usize,
    /// Bytes of values, those on disk not counted.
    bytes: usize,
}

impl Queue {
    /// Rows that wait.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the next piece of at most so many rows would be the same if more rows waited.
    pub(crate) fn suffices(&self, rows: usize) -> bool {
        self.rows >= rows || self.bytes >= PIECE_BYTES
    }

    pub(crate) fn push(&mut self, weighed: Weighed, starts: Option<Vec<bool>>) {
        let rows = weighed.rows.len;
        if rows > 0 {
            self.rows += rows;
            self.bytes += weighed.bytes(0, rows);
            self.items.push_back(Item::Rows(Waiting { weighed, starts, at: 0 }));
        }
    }

    /// Puts rows before all others: first those given back, then what is left of the piece that came behind them.
    pub(crate) fn put_back(
        &mut self,
        given_back: GivenBack,
        rest: Option<(Rows, Option<Vec<bool>>)>,
        catalog: &Catalog,
    ) -> Result<()> {
        if let Some((rows, starts)) = rest {
            self.unshift(rows, starts, catalog)?;
        }
        self.rows += given_back.rows();
        self.items.push_front(Item::GivenBack(Box::new(given_back)));
        Ok(())
    }

    fn unshift(&mut self, rows: Rows, starts: Option<Vec<bool>>, catalog: &Catalog) -> Result<()> {
        let weighed = Weighed::new(rows, catalog)?;
        self.rows += weighed.rows.len;
        self.bytes += weighed.bytes(0, weighed.rows.len);
        self.items.push_front(Item::Rows(Waiting { weighed, starts, at: 0 }));
        Ok(())
    }

    /// Reads the next of the rows that were given back, if it is their turn.
    fn load(&mut self, catalog: &Catalog) -> Result<()> {
        while let Some(Item::GivenBack(front)) = self.items.front_mut() {
            match front.next(catalog)? {
                Some((rows, starts)) => {
                    self.rows -= rows.len;
                    return self.unshift(rows, starts, catalog);
                }
                None => {
                    self.items.pop_front();
                }
            }
        }
        Ok(())
    }

    /// Takes a piece off, of at most so many rows.
    pub(crate) fn cut(&mut self, most: usize, catalog: &Catalog) -> Result<Piece> {
        let (mut parts, mut starts, mut rows, mut bytes) = (Vec::new(), None, 0, 0);
        while rows < most && bytes < PIECE_BYTES {
            self.load(catalog)?;
            let Some(Item::Rows(front)) = self.items.front_mut() else { break };
            let (start, weighed) = (front.at, &front.weighed);
            let fitting = weighed.fitting(start, PIECE_BYTES - bytes);
            let len = fitting.min(most - rows).min(weighed.rows.len - start);
            let taken = weighed.bytes(start, start + len);
            parts.push(weighed.rows.slice(start, len));
            if let Some(known) = &front.starts {
                starts.get_or_insert_with(Vec::new).extend_from_slice(&known[start..start + len]);
            }
            front.at += len;
            rows += len;
            bytes += taken;
            self.bytes -= taken;
            if front.at == front.weighed.rows.len {
                self.items.pop_front();
            }
        }
        self.rows -= rows;
        Ok(Piece { rows: Rows::concat(&parts, catalog)?.without_empty_columns(), bytes, starts })
    }
}
