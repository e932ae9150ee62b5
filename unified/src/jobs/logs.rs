//! The logs factory: spillable, sorted by timestamp, split freely, optionally at hour boundaries.

use std::path::PathBuf;

use crate::builder::UnifiedWriterBuilder;
use crate::columns::Columns;
use crate::error::Result;
use crate::order::strategy::Ordering;
use crate::rows::key::KeyType;
use crate::writer::UnifiedWriter;

/// A writer of logs into an existing directory. The timestamp must be int64 milliseconds in every batch.
///
/// For other settings (memory limit, rows per file, cancellation) start from [`logs_builder`].
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{Int64Array, RecordBatch, StringArray};
///
/// # let directory = tempfile::tempdir()?;
/// # let output = directory.path();
/// let columns = unified::Columns::default();
/// let mut writer = unified::logs_writer(output, &columns, unified::DEFAULT_TARGET_SIZE, true)?;
/// writer.write(&RecordBatch::try_from_iter([
///     ("_cardinalhq.timestamp", Arc::new(Int64Array::from(vec![3_600_000, 5])) as _),
///     ("_cardinalhq.message", Arc::new(StringArray::from(vec!["next hour", "first hour"])) as _),
/// ])?)?;
/// let files = writer.finish()?.into_vec()?;
/// assert_eq!(files.iter().map(|file| file.first_ts).collect::<Vec<_>>(), [Some(5), Some(3_600_000)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As for [`UnifiedWriterBuilder::build`].
pub fn logs_writer(
    output: impl Into<PathBuf>,
    columns: &Columns,
    target_size: u64,
    split_hours: bool,
) -> Result<UnifiedWriter> {
    logs_builder(output.into(), columns).target_size(target_size).split_hours(split_hours).build()
}

/// The settings of [`logs_writer`], to go on from.
#[must_use]
pub fn logs_builder(output: PathBuf, columns: &Columns) -> UnifiedWriterBuilder {
    UnifiedWriter::builder(output)
        .columns(columns.clone())
        .sort_key(&columns.timestamp, KeyType::Int64)
        .ordering(Ordering::Spillable)
        .fingerprints(true)
}
