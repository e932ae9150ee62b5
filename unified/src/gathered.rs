//! Sorted rows on their way to the one who encodes them, gathered ahead of it.
//!
//! A batch is gathered in whichever thread has nothing to encode: also in the one that encodes, where it would have to wait
//! for another. So no thread is there for gathering alone, that would take a processor from those who are waited for.
//!
//! Memory: [`AHEAD`] batches.

use std::ops::Range;
use std::sync::Arc;

use crate::ahead::Ahead;
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::sort::SortedBuffer;
use crate::weighed::Weighed;
use crate::workers::Workers;

/// Batches that may be gathered before they are needed.
const AHEAD: usize = 4;

/// Yields rows in order.
pub(crate) enum Gathered {
    /// Rows that lay in order.
    InPlace(SortedBuffer, Arc<Catalog>),
    Ahead {
        ahead: Ahead<Range<usize>, Result<Weighed>>,
        workers: Workers,
        /// What each batch is gathered from; those before `begun` are begun, those before `taken` taken.
        batches: Vec<Range<usize>>,
        begun: usize,
        taken: usize,
    },
    Done,
}

impl Gathered {
    pub(crate) fn new(buffer: SortedBuffer, catalog: &Arc<Catalog>, workers: &Workers) -> Self {
        let catalog = Arc::clone(catalog);
        let batches = buffer.batches();
        if batches.is_empty() {
            return Self::InPlace(buffer, catalog);
        }
        let gather = move |entries: Range<usize>| Weighed::new(buffer.gather(entries, &catalog)?, &catalog);
        let (ahead, workers) = (Ahead::new(workers, gather), workers.clone());
        Self::Ahead { ahead, workers, batches, begun: 0, taken: 0 }
    }

    /// The next rows, or none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Weighed>> {
        match self {
            Self::InPlace(buffer, catalog) => {
                buffer.next(catalog)?.map(|rows| Weighed::new(rows, catalog)).transpose()
            }
            Self::Ahead { ahead, batches, begun, taken, .. } => {
                let end = batches.len().min(*taken + AHEAD);
                for number in *begun..end {
                    ahead.begin(number, batches[number].clone());
                }
                *begun = end;
                let gone = || Error::internal("gathering rows", "a batch was lost");
                let rows = ahead.take(*taken).ok_or_else(gone)??;
                *taken += 1;
                if *taken == batches.len() {
                    self.let_go();
                }
                Ok(Some(rows))
            }
            Self::Done => Ok(None),
        }
    }

    /// All is gathered: the rows are needed no more. There are many, and whoever encodes has better things to do.
    fn let_go(&mut self) {
        if let Self::Ahead { ahead, workers, .. } = std::mem::replace(self, Self::Done) {
            workers.aside(move || drop(ahead));
        }
    }
}
