//! Input segments: Parquet files read one after another, one row group at a time.
//!
//! At most one file is open, however many there are. Batches are as large as the memory share allows, judged by what
//! the footer says of the row group. Column names hold dots, so columns are chosen by their place, never by name.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;

use crate::error::{Error, Result};
use crate::footer::read_metadata;

/// Most rows of a batch.
const BATCH_ROWS: usize = 8192;

/// How segments are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segments<'a> {
    pub(crate) inputs: &'a [PathBuf],
    /// Columns that are not read.
    pub(crate) dropped: &'a [String],
    /// The writer's memory limit; a batch gets a sixteenth.
    pub(crate) memory_limit: u64,
}

impl Segments<'_> {
    /// Rows of all segments, from their footers.
    pub(crate) fn count_rows(&self) -> Result<u64> {
        let mut rows = 0;
        for path in self.inputs {
            let (_, metadata) = open(path)?;
            rows += u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
        }
        Ok(rows)
    }

    /// Calls back with each batch, the place it came from and the row of the segment at which it begins.
    pub(crate) fn read(&self, mut each: impl FnMut(&RecordBatch, &str, u64) -> Result<()>) -> Result<()> {
        self.inputs.iter().try_for_each(|path| self.read_one(path, &mut each))
    }

    fn read_one(
        &self,
        path: &Path,
        each: &mut impl FnMut(&RecordBatch, &str, u64) -> Result<()>,
    ) -> Result<()> {
        let (file, metadata) = open(path)?;
        let fields = metadata.schema().fields();
        let kept = fields
            .iter()
            .enumerate()
            .filter(|(_, field)| !self.dropped.contains(field.name()))
            .map(|(index, _)| index);
        let projection = ProjectionMask::roots(metadata.parquet_schema(), kept);
        let mut row = 0;
        for (index, group) in metadata.metadata().row_groups().iter().enumerate() {
            let place = format!("{}, row group {index}", path.display());
            let handle = file.try_clone().map_err(|source| Error::io("reopening", path, source))?;
            let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(handle, metadata.clone())
                .with_projection(projection.clone())
                .with_row_groups(vec![index])
                .with_batch_size(self.batch_rows(group))
                .build()
                .map_err(|source| Error::input_from(&place, source))?;
            for batch in reader {
                let batch =
                    batch.map_err(|source| Error::input_from(format!("{place}, from row {row}"), source))?;
                each(&batch, &place, row)?;
                row += batch.num_rows() as u64;
            }
        }
        let stated = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
        if row != stated {
            return Err(Error::input(
                path.display(),
                format!("its footer states {stated} rows, but it holds {row}"),
            ));
        }
        Ok(())
    }

    fn batch_rows(&self, group: &RowGroupMetaData) -> usize {
        let rows = group.num_rows().max(1) as u64;
        // Dictionaries hide how large values are; where the footer says, it is taken from there.
        let values: i64 = group
            .columns()
            .iter()
            .map(|column| {
                column.unencoded_byte_array_data_bytes().unwrap_or(0).max(column.uncompressed_size())
            })
            .sum();
        let row_bytes = (values.max(0) as u64 / rows).max(1);
        usize::try_from(self.memory_limit / 16 / row_bytes).unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS)
    }
}

fn open(path: &Path) -> Result<(File, ArrowReaderMetadata)> {
    let file = File::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::input_from(path.display(), source),
        _ => Error::io("opening", path, source),
    })?;
    let metadata = read_metadata(&file)
        .and_then(|metadata| ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new()))
        .map_err(|source| Error::input(path.display(), format!("not a readable Parquet file: {source}")))?;
    Ok((file, metadata))
}
