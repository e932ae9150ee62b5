//! Rows of one file as record batches, each with its place.
//!
//! A reader of its own per row group, so that no batch crosses a row group and every row can be named by row group and
//! row. Columns are chosen by the exact name of the root column: names hold dots, and Parquet's own projection by name
//! would split on them. Memory: one batch and the pages it comes from.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection,
};
use parquet::basic::{Encoding, PageType, Type as PhysicalType};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::bounded::{self, Bounded};
use super::{OutputFile, pages};
use crate::errno;
use crate::error::{Error, Result};

/// A batch and where its first row stands.
#[derive(Debug, Clone)]
pub struct Located {
    /// Row group within the file, from 0.
    pub row_group: usize,
    /// Row within the file of the batch's first row, from 0.
    pub first_row: u64,
    /// The rows.
    pub batch: RecordBatch,
}

/// How [`OutputFile::read`] reads.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Root columns by exact name; `None` for all. Names that the file does not hold are passed over.
    pub columns: Option<Vec<String>>,
    /// Rows of a batch at most; 0 for the default of 8,192.
    pub batch_rows: usize,
    /// Hand out string and binary columns that are dictionary encoded throughout a row group as dictionary arrays.
    pub dictionaries: bool,
    /// Hand out other string and binary columns as views into their pages.
    pub views: bool,
    /// Read this row group alone; `None` for all.
    pub row_group: Option<usize>,
    /// Rows to read, ascending and distinct, counted from 0 within the file; `None` for all. A batch's `first_row` is
    /// then only the first row of its row group: the caller knows which rows it asked for.
    pub rows: Option<Vec<u64>>,
}

/// Rows of a batch where the caller does not say.
pub(crate) const DEFAULT_BATCH_ROWS: usize = 8_192;

impl OutputFile {
    /// Streams the rows of the file, in order. `columns` are root columns by exact name, `None` for all of them.
    ///
    /// # Errors
    /// Where the file cannot be opened. Later failures come as items that name file and row group.
    pub fn batches(&self, columns: Option<&[String]>, batch_rows: usize) -> Result<Batches> {
        self.read(ReadOptions {
            columns: columns.map(<[String]>::to_vec),
            batch_rows,
            ..ReadOptions::default()
        })
    }

    /// Streams rows as `options` say.
    ///
    /// # Errors
    /// Where the file cannot be opened. Later failures come as items that name file and row group.
    pub fn read(&self, options: ReadOptions) -> Result<Batches> {
        Batches::open(&self.path, &self.metadata, options)
    }

    /// Rows that a batch of the file holds at most, whatever is asked for: fewer where it has wide columns of fixed width.
    pub(crate) fn most_batch_rows(&self) -> usize {
        fixed_rows(&self.metadata)
    }

    /// Arrow schema of the file as its Parquet schema gives it.
    ///
    /// # Errors
    /// Where the Parquet schema has no Arrow form.
    pub fn arrow_schema(&self) -> Result<SchemaRef> {
        guarded(&self.path, None, || {
            ArrowReaderMetadata::try_new(Arc::clone(&self.metadata), reader_options())
                .map(|it| Arc::clone(it.schema()))
        })
    }
}

/// Bytes of values of fixed width that a batch may hold: the Parquet crate reserves them for every row, null or not.
const FIXED_BYTES: u64 = 64 << 20;

/// Rows of a batch at most, by the widths of the columns of fixed width.
fn fixed_rows(metadata: &ParquetMetaData) -> usize {
    let columns = metadata.file_metadata().schema_descr().columns();
    let width = columns.iter().fold(0_u64, |sum, column| sum.saturating_add(pages::fixed_width(column)));
    usize::try_from(FIXED_BYTES.checked_div(width).unwrap_or(u64::MAX)).unwrap_or(usize::MAX).max(1)
}

/// The `ARROW:schema` hint stays unread: the Parquet schema decides.
pub(super) fn reader_options() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_skip_arrow_metadata(true)
}

/// Iterator over the batches of a file. Ends after its first error.
pub struct Batches {
    path: PathBuf,
    metadata: Arc<ParquetMetaData>,
    plain: ArrowReaderMetadata,
    options: ReadOptions,
    projection: ProjectionMask,
    chosen: HashSet<usize>,
    row_group: usize,
    group_start: u64,
    reader: Option<ParquetRecordBatchReader>,
    within: u64,
    failed: bool,
}

impl std::fmt::Debug for Batches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batches")
            .field("path", &self.path)
            .field("row_group", &self.row_group)
            .finish_non_exhaustive()
    }
}

impl Batches {
    fn open(path: &Path, metadata: &Arc<ParquetMetaData>, mut options: ReadOptions) -> Result<Self> {
        if options.batch_rows == 0 {
            options.batch_rows = DEFAULT_BATCH_ROWS;
        }
        let plain =
            guarded(path, None, || ArrowReaderMetadata::try_new(Arc::clone(metadata), reader_options()))?;
        let roots = metadata.file_metadata().schema_descr().root_schema().get_fields();
        let wanted: Option<HashSet<&str>> =
            options.columns.as_ref().map(|names| names.iter().map(String::as_str).collect());
        let chosen: HashSet<usize> = (0..roots.len())
            .filter(|&root| wanted.as_ref().is_none_or(|wanted| wanted.contains(roots[root].name())))
            .collect();
        let projection =
            ProjectionMask::roots(metadata.file_metadata().schema_descr(), chosen.iter().copied());
        let row_group = options.row_group.unwrap_or(0);
        let before = metadata.row_groups().iter().take(row_group);
        let group_start = before.map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum();
        Ok(Self {
            path: path.to_owned(),
            metadata: Arc::clone(metadata),
            plain,
            options,
            projection,
            chosen,
            row_group,
            group_start,
            reader: None,
            within: 0,
            failed: false,
        })
    }

    fn group(&self) -> Option<&RowGroupMetaData> {
        (self.row_group < self.metadata.num_row_groups()).then(|| self.metadata.row_group(self.row_group))
    }

    fn group_rows(&self) -> u64 {
        self.group().map_or(0, |group| u64::try_from(group.num_rows()).unwrap_or(0))
    }

    fn leave_group(&mut self) {
        self.group_start += self.group_rows();
        self.row_group += 1;
        self.within = 0;
        self.reader = None;
    }

    /// The wanted rows of the current row group, relative to it.
    fn selection(&self) -> Option<RowSelection> {
        let rows = self.options.rows.as_ref()?;
        let end = self.group_start + self.group_rows();
        let from = rows.partition_point(|&row| row < self.group_start);
        let to = rows.partition_point(|&row| row < end);
        let start = self.group_start;
        let ranges = rows[from..to].iter().filter_map(|&row| {
            let row = usize::try_from(row - start).ok()?;
            Some(row..row + 1)
        });
        let total = usize::try_from(end - start).unwrap_or(usize::MAX);
        Some(RowSelection::from_consecutive_ranges(ranges, total))
    }

    fn open_group(&self) -> Result<ParquetRecordBatchReader> {
        let file = Bounded::open(&self.path).map_err(|error| Error::unreadable(&self.path, error))?;
        self.credible()?;
        let selection = self.selection();
        guarded(&self.path, Some(self.row_group), || {
            let metadata = match self.cheapest_schema() {
                Some(schema) => {
                    let options = reader_options().with_schema(schema);
                    ArrowReaderMetadata::try_new(Arc::clone(&self.metadata), options)?
                }
                None => self.plain.clone(),
            };
            let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                .with_row_groups(vec![self.row_group])
                .with_projection(self.projection.clone())
                .with_batch_size(self.options.batch_rows.min(fixed_rows(&self.metadata)));
            if let Some(selection) = selection {
                builder = builder.with_row_selection(selection);
            }
            builder.build()
        })
    }

    /// Refuses the row group where a page of a chosen column announces more than it can hold.
    fn credible(&self) -> Result<()> {
        let schema = self.metadata.file_metadata().schema_descr();
        for leaf in 0..schema.num_columns() {
            if self.chosen.contains(&schema.get_column_root_idx(leaf))
                && let Some(group) = self.group()
                && let Some(chunk) = group.columns().get(leaf)
            {
                pages::credible(&self.path, self.row_group, group.num_rows(), chunk)?;
            }
        }
        Ok(())
    }

    /// The plain schema with dictionary types for the columns whose chunk in this row group is dictionary encoded
    /// throughout: each distinct value is then hashed once. Other strings need not be copied out of their pages.
    fn cheapest_schema(&self) -> Option<SchemaRef> {
        if !self.options.dictionaries && !self.options.views {
            return None;
        }
        let group = self.group()?;
        let schema = self.metadata.file_metadata().schema_descr();
        let mut encoded = HashSet::new();
        let mut plain = HashSet::new();
        for leaf in 0..schema.num_columns() {
            let root = schema.get_column_root_idx(leaf);
            if self.chosen.contains(&root)
                && schema.get_column_root(leaf).is_primitive()
                && schema.column(leaf).physical_type() == PhysicalType::BYTE_ARRAY
                && let Some(chunk) = group.columns().get(leaf)
            {
                if self.options.dictionaries && dictionary_throughout(chunk) {
                    encoded.insert(root);
                } else if self.options.views {
                    plain.insert(root);
                }
            }
        }
        if encoded.is_empty() && plain.is_empty() {
            return None;
        }
        let fields =
            self.plain.schema().fields().iter().enumerate().map(|(root, field)| match field.data_type() {
                DataType::Utf8 | DataType::Binary if encoded.contains(&root) => {
                    let value = Box::new(field.data_type().clone());
                    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), value);
                    Arc::new(Field::clone(field).with_data_type(dictionary))
                }
                DataType::Utf8 if plain.contains(&root) => {
                    Arc::new(Field::clone(field).with_data_type(DataType::Utf8View))
                }
                DataType::Binary if plain.contains(&root) => {
                    Arc::new(Field::clone(field).with_data_type(DataType::BinaryView))
                }
                _ => Arc::clone(field),
            });
        let fields: Vec<_> = fields.collect();
        Some(Arc::new(Schema::new_with_metadata(fields, self.plain.schema().metadata().clone())))
    }

    fn advance(&mut self) -> Result<Option<Located>> {
        loop {
            let beyond = self.options.row_group.is_some_and(|wanted| self.row_group != wanted);
            if beyond || self.row_group >= self.metadata.num_row_groups() {
                return Ok(None);
            }
            let mut reader = match self.reader.take() {
                Some(reader) => reader,
                None if self.group_rows() == 0 => {
                    self.leave_group();
                    continue;
                }
                None => self.open_group()?,
            };
            let next = guarded(&self.path, Some(self.row_group), || reader.next().transpose())?;
            match next {
                Some(batch) if batch.num_rows() == 0 => self.reader = Some(reader),
                Some(batch) => {
                    let row_group = self.row_group;
                    let first_row = self.group_start + self.within;
                    if self.options.rows.is_none() {
                        self.within += batch.num_rows() as u64;
                    }
                    self.reader = Some(reader);
                    return Ok(Some(Located { row_group, first_row, batch }));
                }
                None => {
                    let announced = self.group_rows();
                    if self.options.rows.is_none() && self.within != announced {
                        let message = format!(
                            "row group {} holds {} rows where its footer says {announced}",
                            self.row_group, self.within
                        );
                        return Err(Error::unreadable(&self.path, message));
                    }
                    self.leave_group();
                }
            }
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Located>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.advance().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

/// Whether every data page of a chunk is dictionary encoded, as far as the footer says so plainly.
fn dictionary_throughout(chunk: &parquet::file::metadata::ColumnChunkMetaData) -> bool {
    if chunk.dictionary_page_offset().is_none() {
        return false;
    }
    let dictionary =
        |encoding: Encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    if let Some(stats) = chunk.page_encoding_stats() {
        let mut data =
            stats.iter().filter(|it| matches!(it.page_type, PageType::DATA_PAGE | PageType::DATA_PAGE_V2));
        return data.all(|it| dictionary(it.encoding));
    }
    chunk.page_encoding_stats_mask().is_some_and(|mask| mask.encodings().all(dictionary))
}

/// Runs `work` of the Parquet crate; its errors, and its panics on malformed bytes, become errors that name the place. Class `io` where
/// the machine did not give the bytes back, else class `input`.
pub(super) fn guarded<T, E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    path: &Path,
    row_group: Option<usize>,
    work: impl FnOnce() -> std::result::Result<T, E>,
) -> Result<T> {
    let place = row_group.map(|group| format!("row group {group}: ")).unwrap_or_default();
    // What an earlier call left was not asked for.
    drop(bounded::fault());
    let source = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.into(),
        Err(payload) => {
            let said = crate::error::of_panic(payload.as_ref());
            format!("the Parquet reader gave up: {said}").into()
        }
    };
    Err(match bounded::fault() {
        Some(fault) => Error::unreadable_at(path, &place, fault),
        None if errno::memory_refused(&source.to_string()) => {
            Error::unreadable_at(path, &place, std::io::Error::other(source.to_string()))
        }
        None => Error::unreadable_at(path, &place, source),
    })
}
