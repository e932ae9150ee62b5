//! A merge beside the writer: its rows are encoded while it goes on.

use std::path::Path;
use std::sync::Arc;

use crate::builder::UnifiedWriterBuilder;
use crate::error::Result;
use crate::jobs::outcome::Outcome;
use crate::memory_plan::{BETWEEN_STAGES, MemoryPlan};
use crate::parallel::side_by_side::side_by_side;
use crate::parallel::workers::Workers;
use crate::rollup::Sink;
use crate::rows::catalog::Catalog;
use crate::rows::weighed::Weighed;
use crate::scratch::Scratch;
use crate::stats::Meter;

/// Runs `produce`, whose rows go to a writer over the same catalog, and yields what both have to say. `produce` gets a
/// place for temporary files, which are gone before any output has its final name.
pub(crate) fn relay<T: Send>(
    builder: UnifiedWriterBuilder,
    catalog: &Arc<Catalog>,
    scratch: &Path,
    produce: impl FnOnce(&mut Scratch, &Meter, &Workers, Sink<'_>) -> Result<T> + Send,
) -> Result<(Outcome, T)> {
    let most = MemoryPlan::of(builder.memory()).bytes(BETWEEN_STAGES);
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
