//! Two stages in two threads: the earlier produces batches, the later consumes them in their order.
//!
//! The result is the same as if one thread did both. At most [`WAITING`] batches wait between the stages, so the faster stage waits for
//! the slower one. The first failure of either stage ends the other.

use std::sync::Mutex;
use std::sync::mpsc::sync_channel;

use crate::error::{Error, Result};
use crate::parallel::flow::Flow;
use crate::parallel::lock::lock;

/// Batches that wait between two stages, beside the one that each stage works on.
const WAITING: usize = 3;

/// Runs `produce`, which passes batches to the function that it gets, and `consume`, which takes them. Batches that wait have at most
/// `most` bytes. With two threads or more the stages run side by side. With one thread, or where no other can be started, they run in turn.
pub(crate) fn side_by_side<T: Send, R: Send>(
    (threads, most): (usize, u64),
    bytes: impl Fn(&T) -> u64 + Send,
    produce: impl FnOnce(&mut dyn FnMut(T) -> Result<()>) -> Result<R> + Send,
    mut consume: impl FnMut(T) -> Result<()>,
) -> Result<R> {
    if threads < 2 {
        return produce(&mut consume);
    }
    let (sender, batches) = sync_channel(WAITING);
    let flow = Flow::new(most);
    // The thread takes it when it runs. Where no thread can be started, it is still here.
    let produce = Mutex::new(Some(produce));
    let taken = || lock(&produce).take().ok_or(Error::Closed("its rows were produced already"));
    std::thread::scope(|scope| {
        let beside = move || {
            // The receiver is gone only if the consumer failed. Its own error is reported.
            taken()?(&mut |batch| {
                let load = flow.load(bytes(&batch));
                sender.send((batch, load)).map_err(|_| Error::Cancelled)
            })
        };
        let Ok(producer) = std::thread::Builder::new().spawn_scoped(scope, beside) else {
            return taken()?(&mut consume);
        };
        let consumed = batches.iter().try_for_each(|(batch, _load)| consume(batch));
        drop(batches);
        let produced = producer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        consumed.and(produced)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_come_in_order_and_the_consumers_failure_is_the_one_reported() {
        for threads in [1, 2] {
            let mut taken = Vec::new();
            let produced = side_by_side(
                (threads, 100),
                |n| *n,
                |sink| (0..50).try_for_each(sink).map(|()| "done"),
                |n| {
                    taken.push(n);
                    Ok(())
                },
            );
            assert_eq!(produced.unwrap(), "done");
            assert_eq!(taken, (0..50).collect::<Vec<_>>());
            let failed = side_by_side(
                (threads, 2),
                |_| 1,
                |sink| (0..50).try_for_each(sink),
                |n| if n == 7 { Err(Error::Closed("seven")) } else { Ok(()) },
            );
            assert!(matches!(failed, Err(Error::Closed("seven"))), "{failed:?}");
        }
    }
}
