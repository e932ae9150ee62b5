//! Faults of what a file states about itself, its rows left as they are: bounds, counts, page indexes, declared order.

use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{ParquetMetaDataBuilder, RowGroupMetaData, SortingColumn};
use parquet::file::statistics::Statistics;

use super::footer::restate;
use super::site::Site;
use crate::error::{Error, Result};

/// Writes the footer of the first file anew for which `change` has another, and lets the manifest tell its size.
fn restate_first(
    site: &mut Site<'_>,
    change: impl Fn(ParquetMetaDataBuilder) -> ParquetResult<Option<ParquetMetaDataBuilder>>,
) -> Result<()> {
    for index in 0..site.manifest.files.len() {
        let path = site.path(index);
        let restated = restate(&path, &change)
            .map_err(|error| Error::internal(format!("cannot restate {}: {error}", path.display())))?;
        if restated {
            let metadata =
                std::fs::metadata(&path).map_err(|source| Error::io("cannot read", &path, source))?;
            site.manifest.files[index].file_size = Some(metadata.len());
            return Ok(());
        }
    }
    Ok(())
}

/// Changes the first row group for which `change` has another.
fn first_group(
    mut metadata: ParquetMetaDataBuilder,
    change: impl Fn(&RowGroupMetaData) -> ParquetResult<Option<RowGroupMetaData>>,
) -> ParquetResult<Option<ParquetMetaDataBuilder>> {
    let mut groups = metadata.take_row_groups();
    for group in &mut groups {
        if let Some(changed) = change(group)? {
            *group = changed;
            return Ok(Some(metadata.set_row_groups(groups)));
        }
    }
    Ok(None)
}

/// Changes the statistics of the first chunk for which `change` has others.
fn statistics(site: &mut Site<'_>, change: fn(&Statistics) -> Option<Statistics>) -> Result<()> {
    restate_first(site, |metadata| {
        first_group(metadata, |group| {
            let mut chunks = group.columns().to_vec();
            for chunk in &mut chunks {
                if let Some(other) = chunk.statistics().and_then(change) {
                    *chunk = chunk.clone().into_builder().set_statistics(other).build()?;
                    return group.clone().into_builder().set_column_metadata(chunks).build().map(Some);
                }
            }
            Ok(None)
        })
    })
}

/// The lowest value of a column of integers is stated as high as the highest.
pub(super) fn false_bound(site: &mut Site<'_>) -> Result<()> {
    statistics(site, |stated| match stated {
        Statistics::Int64(it) if it.min_opt() < it.max_opt() => {
            let (highest, nulls) = (it.max_opt().copied(), it.null_count_opt());
            Some(Statistics::int64(highest, highest, it.distinct_count(), nulls, false))
        }
        _ => None,
    })
}

/// A column of text states one null more than it has.
pub(super) fn false_nulls(site: &mut Site<'_>) -> Result<()> {
    statistics(site, |stated| match stated {
        Statistics::ByteArray(it) => {
            let (low, high) = (it.min_opt().cloned(), it.max_opt().cloned());
            let nulls = Some(it.null_count_opt()? + 1);
            Some(Statistics::byte_array(low, high, it.distinct_count(), nulls, false))
        }
        _ => None,
    })
}

/// The rows are said to descend by the time column, and ascend.
pub(super) fn false_order(site: &mut Site<'_>) -> Result<()> {
    let Some(time) = site.job.signal.as_ref().and_then(|signal| signal.sort_key.first().cloned()) else {
        return Ok(());
    };
    restate_first(site, |metadata| {
        first_group(metadata, |group| {
            let at = group.columns().iter().position(|chunk| chunk.column_path().parts() == [time.clone()]);
            let Some(at) = at else { return Ok(None) };
            let bounds = match group.column(at).statistics() {
                Some(Statistics::Int64(it)) => it.min_opt().zip(it.max_opt()),
                _ => None,
            };
            if bounds.is_none_or(|(low, high)| low >= high) {
                return Ok(None);
            }
            let column_idx = i32::try_from(at)?;
            let declared = vec![SortingColumn { column_idx, descending: true, nulls_first: false }];
            group.clone().into_builder().set_sorting_columns(Some(declared)).build().map(Some)
        })
    })
}

/// Two columns' page places have changed hands.
pub(super) fn false_page_index(site: &mut Site<'_>) -> Result<()> {
    restate_first(site, |mut metadata| {
        let Some(mut index) = metadata.take_offset_index() else { return Ok(None) };
        match index.first_mut().map(Vec::as_mut_slice) {
            Some([first, second, ..]) => std::mem::swap(first, second),
            _ => return Ok(None),
        }
        Ok(Some(metadata.set_offset_index(Some(index))))
    })
}
