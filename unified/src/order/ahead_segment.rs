//! Reading the inputs of a merge ahead of it.
//!
//! When the merge takes a batch of an input, the next one of that input is begun (module `ahead`). So each input has one
//! batch ahead, and the first batches of all inputs are decoded side by side. What comes out depends on the inputs alone:
//! batches of one input keep their order, and a failure is reported when the merge gets to it.
//!
//! Memory: one more batch for each input than without.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::order::sorted_segment::SortedSegment;
use crate::parallel::ahead::Ahead;
use crate::parallel::workers::Workers;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;

/// An input, and its next rows once they are decoded.
type Decoded = (Box<SortedSegment>, Result<Option<Rows>>);

/// An input that is read ahead.
pub(crate) struct AheadSegment {
    ahead: Arc<Ahead<Box<SortedSegment>, Decoded>>,
    input: usize,
    ended: bool,
}

impl AheadSegment {
    /// The next rows, or none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Rows>> {
        if self.ended {
            return Ok(None);
        }
        let gone = || Error::internal("reading ahead", "an input was lost");
        let (segment, rows) = self.ahead.take(self.input).ok_or_else(gone)?;
        match rows {
            Ok(Some(rows)) => {
                self.ahead.begin(self.input, segment);
                Ok(Some(rows))
            }
            other => {
                self.ended = true;
                other
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
    let catalog = Arc::clone(catalog);
    let decode = move |mut segment: Box<SortedSegment>| {
        // What a decoder does with an input that it was not made for is the input's failure.
        let rows = catch_unwind(AssertUnwindSafe(|| segment.next(&catalog)))
            .unwrap_or_else(|_| Err(Error::internal("decoding an input", "the reader panicked")));
        (segment, rows)
    };
    // Whatever becomes of the merge, nothing is under way when this is gone.
    let ahead = Arc::new(Ahead::new(workers, decode));
    let begin = |(input, segment)| {
        ahead.begin(input, Box::new(segment));
        AheadSegment { ahead: Arc::clone(&ahead), input, ended: false }
    };
    merge(segments.into_iter().enumerate().map(begin).collect())
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
            SortedSegment::open(&path, &tid, 100 * 8, 1 << 30).unwrap()
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
