//! Reading the inputs of a merge ahead of it.
//!
//! 1. Each input is decoded a batch at a time, by the threads that also encode: which of them does it does not matter.
//! 2. When the merge takes an input's batch, the input goes back into the queue of those to be decoded. So each input has
//!    one batch ahead, and the first batches of all inputs are decoded side by side.
//! 3. A merge that would have to wait for a batch decodes itself: the one it needs, or whichever is next. So there are no
//!    more threads at work than there were asked for, and readers do not crowd out those who encode.
//! 4. What comes out depends on the inputs alone: batches of one input keep their order, and a failure is told when the
//!    merge gets to it.
//!
//! Memory: one more batch for each input than without.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::rows::Rows;
use crate::sorted::SortedSegment;
use crate::workers::Workers;

/// What goes to and fro: the input, and its next rows once they are decoded.
type Decoded = (Box<SortedSegment>, Result<Option<Rows>>);

/// An input whose next batch is to be decoded, and where to.
struct Request {
    input: usize,
    segment: Box<SortedSegment>,
    answer: Sender<Decoded>,
}

/// The inputs that are to be decoded.
struct Requests {
    catalog: Arc<Catalog>,
    queue: Mutex<Queue>,
    /// Told when the last input that is being decoded is.
    finished: Condvar,
}

#[derive(Default)]
struct Queue {
    /// The longest waiting first.
    waiting: VecDeque<Request>,
    in_hands: usize,
}

impl Requests {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing is half done while the lock is held.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decodes for `input` what it asked for, if nobody has that in hands, or whichever is next; false where nothing waits.
    fn serve(&self, input: Option<usize>) -> bool {
        let request = {
            let mut queue = self.lock();
            let own = queue.waiting.iter().position(|request| Some(request.input) == input);
            let Some(request) = queue.waiting.remove(own.unwrap_or(0)) else { return false };
            queue.in_hands += 1;
            request
        };
        let Request { mut segment, answer, .. } = request;
        // Whoever waits for the answer must get one.
        let rows = catch_unwind(AssertUnwindSafe(|| segment.next(&self.catalog)))
            .unwrap_or_else(|_| Err(Error::internal("decoding an input", "the reader panicked")));
        // The merge may have ended early.
        drop(answer.send((segment, rows)));
        let mut queue = self.lock();
        queue.in_hands -= 1;
        if queue.in_hands == 0 {
            self.finished.notify_all();
        }
        true
    }

    /// Gives up what waits, and waits for what is being decoded.
    fn end(&self) {
        let mut queue = self.lock();
        queue.waiting.clear();
        drop(self.finished.wait_while(queue, |queue| queue.in_hands > 0));
    }
}

/// An input that is read ahead.
pub(crate) struct AheadSegment {
    requests: Arc<Requests>,
    workers: Workers,
    input: usize,
    answer: Sender<Decoded>,
    decoded: Receiver<Decoded>,
    ended: bool,
}

impl AheadSegment {
    fn new(input: usize, segment: SortedSegment, requests: &Arc<Requests>, workers: &Workers) -> Self {
        let (answer, decoded) = channel();
        let (requests, workers) = (Arc::clone(requests), workers.clone());
        let ahead = Self { requests, workers, input, answer, decoded, ended: false };
        ahead.request(Box::new(segment));
        ahead
    }

    fn request(&self, segment: Box<SortedSegment>) {
        let request = Request { input: self.input, segment, answer: self.answer.clone() };
        self.requests.lock().waiting.push_back(request);
        let requests = Arc::clone(&self.requests);
        // Where nobody does, the merge will.
        self.workers.spawn(move || {
            requests.serve(None);
        });
    }

    /// The next rows, or none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Rows>> {
        if self.ended {
            return Ok(None);
        }
        let (segment, rows) = self.decoded()?;
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

    /// What was decoded, as soon as it is; until then this thread decodes too.
    fn decoded(&self) -> Result<Decoded> {
        let gone = || Error::internal("reading ahead", "a reader ended before its work was done");
        loop {
            match self.decoded.try_recv() {
                Ok(decoded) => return Ok(decoded),
                Err(TryRecvError::Disconnected) => return Err(gone()),
                Err(TryRecvError::Empty) if self.requests.serve(Some(self.input)) => {}
                Err(TryRecvError::Empty) => return self.decoded.recv().map_err(|_| gone()),
            }
        }
    }
}

/// Runs `merge` on inputs that the workers read ahead.
pub(crate) fn read_ahead<R>(
    segments: Vec<SortedSegment>,
    workers: &Workers,
    catalog: &Arc<Catalog>,
    merge: impl FnOnce(Vec<AheadSegment>) -> Result<R>,
) -> Result<R> {
    /// Ends what is under way, whatever becomes of the merge.
    struct End(Arc<Requests>);
    impl Drop for End {
        fn drop(&mut self) {
            self.0.end();
        }
    }
    let catalog = Arc::clone(catalog);
    let requests = Arc::new(Requests { catalog, queue: Mutex::default(), finished: Condvar::new() });
    let _end = End(Arc::clone(&requests));
    let ahead = segments.into_iter().enumerate();
    merge(ahead.map(|(input, segment)| AheadSegment::new(input, segment, &requests, workers)).collect())
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;
    use crate::Columns;
    use crate::tests::{batch, ints, segment};

    fn inputs(directory: &std::path::Path, count: i64) -> (Vec<SortedSegment>, Arc<Catalog>) {
        let tid = Columns::default().tid;
        let mut catalog = Catalog::default();
        catalog.note(&Field::new(&tid, DataType::Int64, true), true, "a test").unwrap();
        let open = |number: i64| {
            // The last is out of order in its second batch.
            let tids = (0..500).map(|n| if number == 2 && n == 450 { 0 } else { n * 10 + number });
            let path = segment(directory, &format!("{number}"), &[batch(vec![(&tid, ints(tids))])]);
            SortedSegment::open(&path, &tid, 100 * 8).unwrap()
        };
        ((0..count).map(open).collect(), Arc::new(catalog))
    }

    #[test]
    fn each_input_keeps_its_order_and_tells_its_own_failure_in_its_turn() {
        for threads in [1, 2, 4] {
            let directory = tempfile::tempdir().unwrap();
            let (segments, catalog) = inputs(directory.path(), 3);
            read_ahead(segments, &Workers::new(threads), &catalog, |mut ahead| {
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
        let ended = read_ahead(segments, &Workers::new(2), &catalog, |mut ahead| {
            ahead[0].next()?;
            Err::<(), _>(Error::Cancelled)
        });
        assert!(matches!(ended, Err(Error::Cancelled)));
    }
}
