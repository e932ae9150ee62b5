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
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
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
        let mut reader = SegmentReader::open(path, self.dropped, self.memory_limit / 16)?;
        let mut place = String::new();
        let mut group = usize::MAX;
        while let Some(batch) = reader.next()? {
            if reader.row_group() != group {
                group = reader.row_group();
                place = reader.place();
            }
            each(&batch, &place, reader.first_row())?;
        }
        Ok(())
    }
}

/// One segment, batch by batch.
pub(crate) struct SegmentReader {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
    projection: ProjectionMask,
    batch_bytes: u64,
    /// Row groups begun.
    groups: usize,
    batches: Option<ParquetRecordBatchReader>,
    /// Rows of all batches so far, and of those before the last.
    rows: u64,
    first_row: u64,
}

impl SegmentReader {
    /// Columns in `dropped` are not read; `batch_bytes` is the size at which a batch should end.
    pub(crate) fn open(path: &Path, dropped: &[String], batch_bytes: u64) -> Result<Self> {
        let (file, metadata) = open(path)?;
        let fields = metadata.schema().fields();
        let kept = fields
            .iter()
            .enumerate()
            .filter(|(_, field)| !dropped.contains(field.name()))
            .map(|(index, _)| index);
        let projection = ProjectionMask::roots(metadata.parquet_schema(), kept);
        Ok(Self {
            path: path.to_path_buf(),
            file,
            metadata,
            projection,
            batch_bytes,
            groups: 0,
            batches: None,
            rows: 0,
            first_row: 0,
        })
    }

    pub(crate) fn metadata(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    /// Row group of the last batch.
    pub(crate) fn row_group(&self) -> usize {
        self.groups.saturating_sub(1)
    }

    /// File and row group of the last batch.
    pub(crate) fn place(&self) -> String {
        format!("{}, row group {}", self.path.display(), self.row_group())
    }

    /// Row of the segment at which the last batch begins.
    pub(crate) fn first_row(&self) -> u64 {
        self.first_row
    }

    /// The next batch, or none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.batches.as_mut().and_then(Iterator::next) {
                let batch = batch.map_err(|source| {
                    Error::input_from(format!("{}, from row {}", self.place(), self.rows), source)
                })?;
                self.first_row = self.rows;
                self.rows += batch.num_rows() as u64;
                return Ok(Some(batch));
            }
            if !self.next_group()? {
                return Ok(None);
            }
        }
    }

    fn next_group(&mut self) -> Result<bool> {
        let Some(group) = self.metadata.metadata().row_groups().get(self.groups) else {
            self.batches = None;
            let stated = u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
            if self.rows != stated {
                return Err(Error::input(
                    self.path.display(),
                    format!("its footer states {stated} rows, but it holds {}", self.rows),
                ));
            }
            return Ok(false);
        };
        let rows = batch_rows(group, self.batch_bytes);
        let index = self.groups;
        self.groups += 1;
        let handle = self.file.try_clone().map_err(|source| Error::io("reopening", &self.path, source))?;
        let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(handle, self.metadata.clone())
            .with_projection(self.projection.clone())
            .with_row_groups(vec![index])
            .with_batch_size(rows)
            .build()
            .map_err(|source| Error::input_from(self.place(), source))?;
        self.batches = Some(batches);
        Ok(true)
    }
}

/// Rows of a batch that come to about so many bytes.
fn batch_rows(group: &RowGroupMetaData, batch_bytes: u64) -> usize {
    let rows = group.num_rows().max(1) as u64;
    // Dictionaries hide how large values are; where the footer says, it is taken from there.
    let values: i64 = group
        .columns()
        .iter()
        .map(|column| column.unencoded_byte_array_data_bytes().unwrap_or(0).max(column.uncompressed_size()))
        .sum();
    let row_bytes = (values.max(0) as u64 / rows).max(1);
    usize::try_from(batch_bytes / row_bytes).unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS)
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
