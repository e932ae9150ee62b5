//! Writing a file's footer and page indexes anew, its pages left as they are: how a file comes to state what is not so.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{
    PageIndexPolicy, ParquetMetaDataBuilder, ParquetMetaDataReader, ParquetMetaDataWriter,
};
use parquet::file::writer::TrackedWrite;

use super::thrift::Value;

/// Replaces footer and page indexes of the file by what `change` makes of them; false, and the file as it was, where that is
/// nothing.
///
/// # Errors
/// Where the file cannot be read or written, or `change` fails.
pub(crate) fn restate(
    path: &Path,
    change: impl FnOnce(ParquetMetaDataBuilder) -> Result<Option<ParquetMetaDataBuilder>>,
) -> Result<bool> {
    let bytes = std::fs::read(path)?;
    let metadata = ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Optional)
        .parse_and_finish(&File::open(path)?)?;
    let chunks = || metadata.row_groups().iter().flat_map(|group| group.columns());
    let indexes =
        chunks().flat_map(|chunk| [chunk.column_index_offset(), chunk.offset_index_offset()]).flatten();
    let footer = footer_start(&bytes)?;
    let end = indexes.filter_map(|at| usize::try_from(at).ok()).chain([footer]).min().unwrap_or(footer);
    let Some(stated) = change(metadata.clone().into_builder())? else { return Ok(false) };
    let stated = stated.build();
    let mut file = Vec::new();
    let mut tracked = TrackedWrite::new(&mut file);
    tracked.write_all(&bytes[..end])?;
    ParquetMetaDataWriter::new_with_tracked(tracked, &stated).finish()?;
    std::fs::write(path, file)?;
    Ok(true)
}

/// Changes the Thrift of the file's footer; false, and the file as it was, where `change` says so or the footer cannot be read.
///
/// # Errors
/// Where the file cannot be read or written.
pub(crate) fn restate_raw(path: &Path, change: impl FnOnce(&mut Value) -> bool) -> Result<bool> {
    let bytes = std::fs::read(path)?;
    let start = footer_start(&bytes)?;
    let Some(mut footer) = Value::read(&bytes[start..bytes.len() - 8]) else { return Ok(false) };
    if !change(&mut footer) {
        return Ok(false);
    }
    let footer = footer.write();
    let length = u32::try_from(footer.len())?.to_le_bytes();
    std::fs::write(path, [&bytes[..start], &footer, &length, b"PAR1"].concat())?;
    Ok(true)
}

fn footer_start(bytes: &[u8]) -> Result<usize> {
    let broken = || ParquetError::General("the file has no footer".to_owned());
    let tail = bytes.len().checked_sub(8).ok_or_else(broken)?;
    let length: [u8; 4] = bytes[tail..tail + 4].try_into().map_err(|_| broken())?;
    tail.checked_sub(usize::try_from(u32::from_le_bytes(length))?).ok_or_else(broken)
}
