//! Rows of one file as record batches, each with its place.
//!
//! A reader of its own per row group, so that no batch crosses a row group and every row can be named by row group and
//! row. Columns are chosen by the exact name of the root column: names hold dots, and Parquet's own projection by name
//! would split on them.
//!
//! Text and bytes come as views into their pages or as dictionaries, nested ones as well: a value that a dictionary holds once is
//! never written out for each row that has it. Memory: what `need` estimates for a batch, its pages and its dictionaries. A
//! reader waits for that much, and makes its batches smaller where it would be more than its share.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection,
};
use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::OutputFile;
use super::bounded::{self, Bounded};
use super::need::{self, Need};
use super::partition::{Form, PartitionColumn};
use crate::errno;
use crate::error::{Error, Result};
use crate::spill::{Memory, Reader};

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
    /// Hand out string and binary columns as plain arrays, each value written out: for writers. Without it they are views.
    pub plain: bool,
    /// Read this row group alone; `None` for all.
    pub row_group: Option<usize>,
    /// Rows to read, ascending and distinct, counted from 0 within the file; `None` for all. A batch's `first_row` is
    /// then only the first row of its row group: the caller knows which rows it asked for.
    pub rows: Option<Vec<u64>>,
    /// What the columns need in the row group, where that was worked out before.
    pub(crate) need: Option<Arc<need::Need>>,
    /// Readers that the caller has open at one time; 0 counts as one.
    pub readers: usize,
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
        Batches::open(self, options)
    }

    /// Arrow schema of the file: its own columns as the Parquet schema gives them, then those that its folders give it.
    ///
    /// # Errors
    /// Where the Parquet schema has no Arrow form.
    pub fn arrow_schema(&self) -> Result<SchemaRef> {
        let own = self.own_schema()?;
        if self.partitions.is_empty() {
            return Ok(own);
        }
        let given = self.partitions.iter().map(PartitionColumn::field);
        let fields: Fields = own.fields().iter().cloned().chain(given).collect();
        Ok(Arc::new(Schema::new_with_metadata(fields, own.metadata().clone())))
    }

    /// Arrow schema of the columns that the file itself holds.
    pub(super) fn own_schema(&self) -> Result<SchemaRef> {
        guarded(&self.path, None, || {
            ArrowReaderMetadata::try_new(Arc::clone(&self.metadata), reader_options())
                .map(|it| Arc::clone(it.schema()))
        })
    }
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
    /// The chosen columns that the folders give.
    given: Vec<PartitionColumn>,
    row_group: usize,
    group_start: u64,
    reader: Option<(ParquetRecordBatchReader, Reader)>,
    memory: Arc<Memory>,
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
    fn open(file: &OutputFile, mut options: ReadOptions) -> Result<Self> {
        let OutputFile { path, metadata, memory, partitions, .. } = file;
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
        let given = partitions.iter();
        let given = given.filter(|it| wanted.as_ref().is_none_or(|wanted| wanted.contains(it.name.as_str())));
        let given = given.cloned().collect();
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
            given,
            row_group,
            group_start,
            reader: None,
            memory: Arc::clone(memory),
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

    fn open_group(&self) -> Result<(ParquetRecordBatchReader, Reader)> {
        let need = match &self.options.need {
            Some(need) => Arc::clone(need),
            None => Arc::new(self.need()?),
        };
        let readers = u64::try_from(self.options.readers.max(1)).unwrap_or(1);
        let rows = need.rows(self.options.batch_rows, self.memory.share() / readers);
        let bytes = need.bytes(rows);
        if let Some(leaf) = need.largest() {
            let column = self.metadata.file_metadata().schema_descr().column(leaf).path().string();
            need::refuse(&self.memory, &self.path, self.row_group, &column, bytes)?;
        }
        let room = self.memory.reading(bytes);
        let file = Bounded::open(&self.path).map_err(|error| Error::unreadable(&self.path, error))?;
        let selection = self.selection();
        let reader = guarded(&self.path, Some(self.row_group), || {
            let resized = need.resized(&self.metadata, self.row_group)?.map(Arc::new);
            let metadata = match (self.cheapest_schema(&need), &resized) {
                (None, None) => self.plain.clone(),
                (schema, resized) => {
                    let options =
                        schema.map_or_else(reader_options, |schema| reader_options().with_schema(schema));
                    ArrowReaderMetadata::try_new(
                        Arc::clone(resized.as_ref().unwrap_or(&self.metadata)),
                        options,
                    )?
                }
            };
            let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                .with_row_groups(vec![self.row_group])
                .with_projection(self.projection.clone())
                .with_batch_size(rows);
            if let Some(selection) = selection {
                builder = builder.with_row_selection(selection);
            }
            builder.build()
        })?;
        Ok((reader, room))
    }

    /// What the chosen columns need in the current row group. Refuses pages that announce more than they can hold.
    fn need(&self) -> Result<Need> {
        let schema = self.metadata.file_metadata().schema_descr();
        let leaves =
            (0..schema.num_columns()).filter(|&leaf| self.chosen.contains(&schema.get_column_root_idx(leaf)));
        let file = need::Reading { path: &self.path, metadata: &self.metadata };
        let picked: Option<Vec<u64>> = self.options.rows.as_ref().map(|rows| {
            let end = self.group_start + self.group_rows();
            let within = rows.iter().filter(|row| (self.group_start..end).contains(*row));
            within.map(|row| row - self.group_start).collect()
        });
        Need::of(&file, self.row_group, leaves, picked.as_deref())
    }

    /// The schema with view types for text and bytes, nested ones as well, and with dictionary types for the columns whose chunk in
    /// this row group is dictionary encoded throughout: each distinct value is then hashed once. `None` for plain arrays.
    fn cheapest_schema(&self, need: &Need) -> Option<SchemaRef> {
        if self.options.plain {
            return None;
        }
        let schema = self.metadata.file_metadata().schema_descr();
        let mut encoded = HashSet::new();
        for leaf in (0..schema.num_columns()).filter(|_| self.options.dictionaries) {
            let root = schema.get_column_root_idx(leaf);
            if schema.get_column_root(leaf).is_primitive()
                && schema.column(leaf).max_rep_level() == 0
                && schema.column(leaf).physical_type() == PhysicalType::BYTE_ARRAY
                && need.leaf(leaf).is_some_and(|leaf| leaf.coded)
            {
                encoded.insert(root);
            }
        }
        let fields =
            self.plain.schema().fields().iter().enumerate().map(|(root, field)| match field.data_type() {
                DataType::Utf8 | DataType::Binary if encoded.contains(&root) => {
                    let value = Box::new(field.data_type().clone());
                    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), value);
                    Arc::new(Field::clone(field).with_data_type(dictionary))
                }
                _ => viewed(field),
            });
        let fields: Vec<_> = fields.collect();
        Some(Arc::new(Schema::new_with_metadata(fields, self.plain.schema().metadata().clone())))
    }

    /// The batch with the columns that the folders give.
    fn whole(&self, batch: RecordBatch) -> Result<RecordBatch> {
        if self.given.is_empty() {
            return Ok(batch);
        }
        let form = match &self.options {
            ReadOptions { plain: true, .. } => Form::Plain,
            ReadOptions { dictionaries: true, .. } => Form::Dictionary,
            _ => Form::Views,
        };
        let unfit = |error| Error::unreadable(&self.path, error);
        let (mut fields, mut arrays) = (batch.schema_ref().fields().to_vec(), batch.columns().to_vec());
        for column in &self.given {
            let array = column.rows(batch.num_rows(), form).map_err(unfit)?;
            fields.push(Arc::new(Field::new(&column.name, array.data_type().clone(), true)));
            arrays.push(array);
        }
        let schema = Schema::new_with_metadata(fields, batch.schema_ref().metadata().clone());
        RecordBatch::try_new(Arc::new(schema), arrays).map_err(unfit)
    }

    fn advance(&mut self) -> Result<Option<Located>> {
        loop {
            let beyond = self.options.row_group.is_some_and(|wanted| self.row_group != wanted);
            if beyond || self.row_group >= self.metadata.num_row_groups() {
                return Ok(None);
            }
            let (mut reader, room) = match self.reader.take() {
                Some(reader) => reader,
                None if self.group_rows() == 0 => {
                    self.leave_group();
                    continue;
                }
                None => self.open_group()?,
            };
            let next = guarded(&self.path, Some(self.row_group), || reader.next().transpose())?;
            match next {
                Some(batch) if batch.num_rows() == 0 => self.reader = Some((reader, room)),
                Some(batch) => {
                    let row_group = self.row_group;
                    let first_row = self.group_start + self.within;
                    if self.options.rows.is_none() {
                        self.within += batch.num_rows() as u64;
                    }
                    self.reader = Some((reader, room));
                    return Ok(Some(Located { row_group, first_row, batch: self.whole(batch)? }));
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

/// A field with views in place of text and bytes.
fn viewed(field: &FieldRef) -> FieldRef {
    let fields = |fields: &Fields| fields.iter().map(viewed).collect::<Fields>();
    let data_type = match field.data_type() {
        DataType::Utf8 => DataType::Utf8View,
        DataType::Binary => DataType::BinaryView,
        DataType::Struct(inner) => DataType::Struct(fields(inner)),
        DataType::List(inner) => DataType::List(viewed(inner)),
        DataType::Map(inner, sorted) => DataType::Map(viewed(inner), *sorted),
        _ => return Arc::clone(field),
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
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
