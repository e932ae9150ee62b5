//! Sorted rows on their way to the one who encodes them, gathered ahead of it.
//!
//! A batch is gathered in whichever thread has nothing to encode: also in the one that encodes, where it would have to wait
//! for another. So no thread is there for gathering alone, that would take a processor from those who are waited for.
//!
//! Memory: [`AHEAD`] batches.

use std::sync::Arc;
use std::vec::IntoIter;

use crate::error::{Error, Result};
use crate::order::sort::{SortedBuffer, Unmade};
use crate::parallel::ahead::Ahead;
use crate::parallel::workers::Workers;
use crate::rows::catalog::Catalog;
use crate::rows::weighed::Weighed;

/// Batches that may be gathered before they are needed.
const AHEAD: usize = 4;

/// Yields rows in order.
pub(crate) struct Gathered {
    /// Absent once all is gathered.
    ahead: Option<Ahead<Unmade, Result<Weighed>>>,
    /// Batches that are not begun.
    rest: IntoIter<Unmade>,
    begun: usize,
    taken: usize,
    /// Batches that may be gathered before they are needed.
    most: usize,
    workers: Workers,
}

impl Gathered {
    pub(crate) fn new(mut buffer: SortedBuffer, catalog: &Arc<Catalog>, workers: &Workers) -> Self {
        let (catalog, workers) = (Arc::clone(catalog), workers.clone());
        let rest = buffer.unmade().into_iter();
        // Of batches that are one large row, no more than two are there.
        let most = if buffer.is_heavy() { 1 } else { AHEAD };
        let gather = move |batch| Weighed::new(buffer.make(batch, &catalog)?, &catalog);
        Self { ahead: Some(Ahead::new(&workers, gather)), rest, begun: 0, taken: 0, most, workers }
    }

    /// The next rows, or none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Weighed>> {
        let Some(ahead) = &self.ahead else { return Ok(None) };
        for batch in self.rest.by_ref().take(self.taken + self.most - self.begun) {
            ahead.begin(self.begun, batch);
            self.begun += 1;
        }
        if self.taken == self.begun {
            self.ahead = None;
            return Ok(None);
        }
        let lost = || Error::internal("gathering rows", "a batch was lost");
        let rows = ahead.take(self.taken).ok_or_else(lost)??;
        self.taken += 1;
        if self.taken == self.begun && self.rest.len() == 0 {
            // The rows that lay in memory are needed no more. There are many, and whoever encodes has better things to do.
            let all = self.ahead.take();
            self.workers.aside(move || drop(all));
        }
        Ok(Some(rows))
    }
}
