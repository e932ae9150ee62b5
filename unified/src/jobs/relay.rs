//! One stage beside the next: what a merge yields is encoded while it goes on.
//!
//! The earlier stage runs in a thread of its own and hands its batches over one at a time; the later takes them in order,
//! so the result is the same as if all were done in one thread. At most [`WAITING`] batches wait: who is faster has to wait for
//! who is slower. Whichever side fails first ends the other.

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use crate::builder::UnifiedWriterBuilder;
use crate::error::{Error, Result};
use crate::jobs::adapters::Outcome;
use crate::parallel::flow::Flow;
use crate::parallel::workers::{Workers, lock};
use crate::rollup::Sink;
use crate::rows::catalog::Catalog;
use crate::rows::weighed::Weighed;
use crate::scratch::Scratch;
use crate::stats::Meter;

/// Batches that wait between two stages, beside the one that each has in hands.
const WAITING: usize = 3;

/// Bytes of values that wait between two stages under a memory limit, unless one batch has more.
pub(crate) fn waiting_bytes(memory_limit: u64) -> u64 {
    memory_limit / 8
}

/// Runs `produce`, which hands batches to the function it is given, and `consume`, which takes them: batches of so many bytes
/// wait at most. Side by side with two threads or more, in turn with one or where no other can be started.
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
    // Taken by the thread once it runs: where none can be started, it is still here.
    let produce = Mutex::new(Some(produce));
    let taken = || lock(&produce).take().ok_or(Error::Closed("its rows were produced already"));
    std::thread::scope(|scope| {
        let beside = move || {
            // The receiver is gone only if the consumer failed; its own error is the one to report.
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

/// Runs `produce`, whose rows go to a writer over the same catalog, and yields what both have to say. `produce` gets a
/// place for temporary files, which are gone before any output has its final name.
pub(crate) fn relay<T: Send>(
    builder: UnifiedWriterBuilder,
    catalog: &Arc<Catalog>,
    scratch: &Path,
    produce: impl FnOnce(&mut Scratch, &Meter, &Workers, Sink<'_>) -> Result<T> + Send,
) -> Result<(Outcome, T)> {
    let most = waiting_bytes(builder.memory());
    let mut writer = builder.build_over(Arc::clone(catalog))?;
    let (meter, workers) = (writer.meter().clone(), writer.workers().clone());
    let produced = side_by_side(
        (workers.threads(), most),
        |rows: &Weighed| rows.value_bytes(),
        |sink| {
            let mut scratch = Scratch::new(scratch.to_path_buf());
            let weigh = &mut |rows| sink(Weighed::new(rows, catalog)?);
            let produced = produce(&mut scratch, &meter, &workers, weigh)?;
            scratch.clear()?;
            Ok(produced)
        },
        |rows| writer.write_rows(rows, "the merged rows"),
    )?;
    let files = writer.finish()?;
    let counts = writer.counts();
    let outcome = Outcome {
        rows_read: counts.rows_read,
        rows_dropped: counts.rows_dropped.clone(),
        missing_sort_keys: counts.missing_sort_keys,
        files,
        stats: writer.stats(),
        ..Outcome::default()
    };
    Ok((outcome, produced))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_come_in_order_and_the_consumers_failure_is_the_one_told() {
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
