//! Refuses a file whose column chunks share pages, in one row group or in several.
//!
//! Rows would be read twice: a few kilobytes of pages can stand for any number of rows. Ranges by the footer alone are no proof,
//! for old writers state sizes and offsets that are somewhat wrong. So where two ranges overlap, the page headers of the first
//! chunk are walked up to its last value, and only pages that reach into the second chunk count. Cost: one sort of the chunks,
//! and the walk of those whose ranges overlap.

use std::path::Path;

use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::pages;
use crate::error::{Error, Result};

/// A chunk and the range that the footer gives it.
struct Range<'a> {
    start: u64,
    end: u64,
    row_group: usize,
    chunk: &'a ColumnChunkMetaData,
}

/// Refuses a file with two chunks that share pages.
///
/// # Errors
/// Class `input`; the message names row group and column of both.
pub(super) fn in_footer(path: &Path, metadata: &ParquetMetaData) -> Result<()> {
    let mut ranges: Vec<Range<'_>> = Vec::new();
    for (row_group, group) in metadata.row_groups().iter().enumerate() {
        for chunk in group.columns() {
            // A chunk in another file has its offsets there.
            if chunk.num_values() > 0
                && chunk.file_path().is_none()
                && let Some((start, end)) = pages::range(chunk)
                && start < end
            {
                ranges.push(Range { start, end, row_group, chunk });
            }
        }
    }
    ranges.sort_by_key(|range| range.start);
    let mut furthest: Option<&Range<'_>> = None;
    let mut walked: Option<(u64, Option<u64>)> = None;
    for range in &ranges {
        if let Some(before) = furthest.filter(|before| range.start < before.end) {
            let end = match walked {
                Some((start, end)) if start == before.start => end,
                _ => pages::end_of_values(path, before.chunk),
            };
            walked = Some((before.start, end));
            if end.is_some_and(|end| end > range.start) {
                let name = |it: &Range<'_>| {
                    format!("row group {}, column {:?}", it.row_group, it.chunk.column_path().string())
                };
                let message = format!(
                    "{} shares pages with {}, from byte {} on",
                    name(range),
                    name(before),
                    range.start
                );
                return Err(Error::unreadable(path, message));
            }
        }
        if furthest.is_none_or(|before| range.end > before.end) {
            furthest = Some(range);
        }
    }
    Ok(())
}
