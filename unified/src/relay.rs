//! Merging and writing side by side: what a merge yields is encoded while it goes on.
//!
//! The merge runs in a thread of its own and hands batches over one at a time; the writer takes them in order, so the
//! output is the same as if all were done in one thread. At most two batches wait. Whichever side fails first ends the
//! other, and nothing is left on disk.

use std::path::Path;
use std::sync::mpsc::sync_channel;

use crate::builder::UnifiedWriterBuilder;
use crate::error::{Error, Result};
use crate::jobs::Outcome;
use crate::rollup::Sink;
use crate::spill::Scratch;

/// Runs `produce`, whose batches go to a writer, and yields what both have to say. `produce` gets a place for temporary
/// files, which are gone before any output has its final name.
pub(crate) fn relay<T: Send>(
    builder: UnifiedWriterBuilder,
    scratch: &Path,
    produce: impl FnOnce(&mut Scratch, Sink<'_>) -> Result<T> + Send,
) -> Result<(Outcome, T)> {
    let mut writer = builder.build()?;
    let (sender, batches) = sync_channel(1);
    let produced = std::thread::scope(|scope| {
        let producer = scope.spawn(move || {
            let mut scratch = Scratch::new(scratch.to_path_buf());
            // The receiver is gone only if the writer failed; its own error is the one to report.
            let produced =
                produce(&mut scratch, &mut |batch| sender.send(batch).map_err(|_| Error::Cancelled))?;
            scratch.clear()?;
            Ok(produced)
        });
        let written = batches.iter().try_for_each(|batch| writer.write_from(&batch, "the merged rows", 0));
        drop(batches);
        let produced = producer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.and(produced)
    })?;
    let files = writer.finish()?;
    let counts = writer.counts();
    let outcome = Outcome {
        rows_read: counts.rows_read,
        rows_dropped: counts.rows_dropped.clone(),
        missing_sort_keys: counts.missing_sort_keys,
        files,
        ..Outcome::default()
    };
    Ok((outcome, produced))
}
