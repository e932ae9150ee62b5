//! Reading the inputs of a merge ahead of it.
//!
//! 1. Each input is decoded by one of a few threads, a batch at a time; which thread does it does not matter.
//! 2. When the merge takes an input's batch, the input goes back into the queue of those to be decoded. So each input has
//!    one batch ahead, and the first batches of all inputs are decoded side by side.
//! 3. What comes out depends on the inputs alone: batches of one input keep their order, and a failure is told when the
//!    merge gets to it.
//!
//! Memory: one more batch for each input than without. The threads end with the merge.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::rows::Rows;
use crate::sorted::SortedSegment;

/// What goes to and fro: the input, and its next rows once they are decoded.
type Decoded = (Box<SortedSegment>, Result<Option<Rows>>);

/// An input whose next batch is to be decoded, and where to.
type Request = (Box<SortedSegment>, Sender<Decoded>);

/// An input that is read ahead.
pub(crate) struct AheadSegment {
    requests: Sender<Request>,
    sender: Sender<Decoded>,
    decoded: Receiver<Decoded>,
    ended: bool,
}

impl AheadSegment {
    fn new(segment: Box<SortedSegment>, requests: &Sender<Request>) -> Self {
        let (sender, decoded) = channel();
        let ahead = Self { requests: requests.clone(), sender, decoded, ended: false };
        ahead.request(segment);
        ahead
    }

    fn request(&self, segment: Box<SortedSegment>) {
        drop(self.requests.send((segment, self.sender.clone())));
    }

    /// The next rows, or none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Rows>> {
        if self.ended {
            return Ok(None);
        }
        let (segment, rows) = self
            .decoded
            .recv()
            .map_err(|_| Error::internal("reading ahead", "a reader ended before its work was done"))?;
        match rows {
            Ok(Some(rows)) => {
                self.request(segment);
                Ok(Some(rows))
            }
            other => {
                self.ended = true;
                other
            }
        }
    }
}

/// Runs `merge` on inputs that `threads` threads read ahead.
pub(crate) fn read_ahead<R>(
    segments: Vec<SortedSegment>,
    threads: usize,
    catalog: &Catalog,
    merge: impl FnOnce(Vec<AheadSegment>) -> Result<R>,
) -> Result<R> {
    let (requests, queue) = channel::<Request>();
    let queue = Mutex::new(queue);
    let work = || {
        loop {
            let request = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            // All who could ask are gone.
            let Ok((mut segment, answer)) = request else { return };
            // Whoever waits for the answer must get one.
            let rows = catch_unwind(AssertUnwindSafe(|| segment.next(catalog)))
                .unwrap_or_else(|_| Err(Error::internal("decoding an input", "the reader panicked")));
            // The merge may have ended early.
            drop(answer.send((segment, rows)));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.min(segments.len()) {
            scope.spawn(work);
        }
        let ahead: Vec<AheadSegment> =
            segments.into_iter().map(|segment| AheadSegment::new(Box::new(segment), &requests)).collect();
        drop(requests);
        merge(ahead)
    })
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;
    use crate::Columns;
    use crate::tests::{batch, ints, segment};

    fn inputs(directory: &std::path::Path, count: i64) -> (Vec<SortedSegment>, Catalog) {
        let tid = Columns::default().tid;
        let mut catalog = Catalog::default();
        catalog.note(&Field::new(&tid, DataType::Int64, true), true, "a test").unwrap();
        let open = |number: i64| {
            // The last is out of order in its second batch.
            let tids = (0..500).map(|n| if number == 2 && n == 450 { 0 } else { n * 10 + number });
            let path = segment(directory, &format!("{number}"), &[batch(vec![(&tid, ints(tids))])]);
            SortedSegment::open(&path, &tid, 100 * 8).unwrap()
        };
        ((0..count).map(open).collect(), catalog)
    }

    #[test]
    fn each_input_keeps_its_order_and_tells_its_own_failure_in_its_turn() {
        for threads in [1, 3] {
            let directory = tempfile::tempdir().unwrap();
            let (segments, catalog) = inputs(directory.path(), 3);
            read_ahead(segments, threads, &catalog, |mut ahead| {
                for (number, input) in ahead.iter_mut().enumerate() {
                    let (mut rows, mut failure) = (Vec::new(), None);
                    loop {
                        match input.next() {
                            Ok(Some(next)) => rows.extend(next.keys.into_iter().flatten()),
                            Ok(None) => break,
                            Err(error) => failure = Some(error),
                        }
                    }
                    let expected = (0..500).map(|n| n * 10 + number as i64);
                    assert!(rows.iter().copied().eq(expected.take(rows.len())));
                    assert_eq!(failure.is_some(), number == 2);
                    assert!(if number == 2 { rows.len() < 450 } else { rows.len() == 500 });
                }
                Ok(())
            })
            .unwrap();
        }
    }

    #[test]
    fn a_merge_that_ends_early_ends_its_readers() {
        let directory = tempfile::tempdir().unwrap();
        let (segments, catalog) = inputs(directory.path(), 2);
        let ended = read_ahead(segments, 2, &catalog, |mut ahead| {
            ahead[0].next()?;
            Err::<(), _>(Error::Cancelled)
        });
        assert!(matches!(ended, Err(Error::Cancelled)));
    }
}
