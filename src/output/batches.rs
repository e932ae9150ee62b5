//! Rows of one file as record batches, each with its place.
//!
//! A reader of its own per row group, so that no batch crosses a row group and every row can be named by row group and
//! row. Columns are chosen by the exact name of the root column: names hold dots, and Parquet's own projection by name
//! would split on them.
//!
//! Columns whose values the Parquet crate would change come in types of their own (see `stored`).
//!
//! Text and bytes come as views into their pages or as dictionaries, nested ones as well: a value that a dictionary holds once is
//! never written out for each row that has it. Memory: what `need` estimates for a batch, its pages and its dictionaries. A
//! reader waits for that much, and makes its batches smaller where it would be more than its share.

use std::collections::{BTreeSet, HashSet};
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
use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::schema::types::ColumnDescriptor;
use reports::manifest::ErrorClass;

use super::OutputFile;
use super::bounded::{self, Bounded};
use super::need::{self, Need};
use super::partition::{self, PartitionColumn};
use super::reason;
use super::stored::Stored;
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
    /// Hand out all columns in the types of [`OutputFile::arrow_schema`], each value written out: for writers. Without it string and
    /// binary columns are views, and values that such a type would change come in types of their own (see [`super::stored`]).
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

    /// Columns by name, those that folders give included, but those for which `left_out` holds; `None` where that is all of them. So a
    /// column that cannot be read can
    /// be left out.
    #[must_use]
    pub fn columns_without(&self, left_out: impl Fn(&str) -> bool) -> Option<Vec<String>> {
        let roots = self.metadata.file_metadata().schema_descr().root_schema().get_fields();
        let given = self.partitions.iter().map(|column| column.name.as_str());
        let names: Vec<&str> = roots.iter().map(|root| root.name()).chain(given).collect();
        if !names.iter().any(|name| left_out(name)) {
            return None;
        }
        Some(names.into_iter().filter(|name| !left_out(name)).map(str::to_owned).collect())
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
    form: Form,
    options: ReadOptions,
    projection: ProjectionMask,
    chosen: BTreeSet<usize>,
    /// The chosen columns that the folders give.
    given: Vec<PartitionColumn>,
    row_group: usize,
    group_start: u64,
    reader: Option<(ParquetRecordBatchReader, Reader)>,
    memory: Arc<Memory>,
    within: u64,
    /// Rows of the row group that were handed out, of those that are wanted.
    delivered: usize,
    failed: bool,
}

/// The types under which the columns are read.
struct Form {
    /// Absent where all are read as the footer says.
    stored: Option<Stored>,
    schema: SchemaRef,
    text_as_bytes: bool,
}

impl Form {
    fn of(path: &Path, metadata: &Arc<ParquetMetaData>, plain: bool, text_as_bytes: bool) -> Result<Self> {
        guarded(path, None, || {
            let stored = if plain { None } else { Stored::of(metadata, text_as_bytes)? };
            let metadata = match &stored {
                Some(stored) => Arc::new(stored.metadata(metadata, None)?),
                None => Arc::clone(metadata),
            };
            let schema = Arc::clone(ArrowReaderMetadata::try_new(metadata, reader_options())?.schema());
            Ok::<_, parquet::errors::ParquetError>(Self { stored, schema, text_as_bytes })
        })
    }
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
    fn open(file: &OutputFile, options: ReadOptions) -> Result<Self> {
        Self::of(&file.path, &file.metadata, &file.memory, &file.partitions, options)
    }

    fn of(
        path: &Path,
        metadata: &Arc<ParquetMetaData>,
        memory: &Arc<Memory>,
        partitions: &[PartitionColumn],
        mut options: ReadOptions,
    ) -> Result<Self> {
        if options.batch_rows == 0 {
            options.batch_rows = DEFAULT_BATCH_ROWS;
        }
        let form = Form::of(path, metadata, options.plain, false)?;
        let roots = metadata.file_metadata().schema_descr().root_schema().get_fields();
        let wanted: Option<HashSet<&str>> =
            options.columns.as_ref().map(|names| names.iter().map(String::as_str).collect());
        let chosen: BTreeSet<usize> = (0..roots.len())
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
            form,
            options,
            projection,
            chosen,
            given,
            row_group,
            group_start,
            reader: None,
            memory: Arc::clone(memory),
            within: 0,
            delivered: 0,
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
        self.delivered = 0;
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
            let footer = resized.as_ref().unwrap_or(&self.metadata);
            let (metadata, row_group) = match &self.form.stored {
                Some(stored) => (Arc::new(stored.metadata(footer, Some(self.row_group))?), 0),
                None => (Arc::clone(footer), self.row_group),
            };
            let options = match self.cheapest_schema(&need) {
                Some(schema) => reader_options().with_schema(schema),
                None => reader_options(),
            };
            let metadata = ArrowReaderMetadata::try_new(metadata, options)?;
            let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                .with_row_groups(vec![row_group])
                .with_projection(self.projection.clone())
                .with_offset(self.delivered)
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
                && !is_json(&schema.column(leaf))
                && self.form.stored.as_ref().is_none_or(|stored| stored.plain(root))
            {
                encoded.insert(root);
            }
        }
        let schema = &self.form.schema;
        let fields = schema.fields().iter().enumerate().map(|(root, field)| match field.data_type() {
            DataType::Utf8 | DataType::Binary if encoded.contains(&root) => {
                let value = Box::new(field.data_type().clone());
                let dictionary = DataType::Dictionary(Box::new(DataType::Int32), value);
                Arc::new(Field::clone(field).with_data_type(dictionary))
            }
            _ => viewed(field),
        });
        let fields: Vec<_> = fields.collect();
        Some(Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())))
    }

    /// The error with the column that it was met in, found by reading each by itself.
    fn blame(&self, error: Error) -> Error {
        let in_group = error.message.contains(&format!("row group {}: ", self.row_group));
        if error.class != ErrorClass::Input || !in_group {
            return error;
        }
        let roots = self.metadata.file_metadata().schema_descr().root_schema().get_fields();
        let names: Vec<String> = self.chosen.iter().map(|&root| roots[root].name().to_owned()).collect();
        if names.len() == 1 {
            return reason::of_column(&self.path, self.row_group, &names, error);
        }
        for name in names {
            let options = ReadOptions {
                columns: Some(vec![name]),
                row_group: Some(self.row_group),
                need: None,
                ..self.options.clone()
            };
            let alone = Self::of(&self.path, &self.metadata, &self.memory, &[], options)
                .and_then(|mut batches| batches.try_for_each(|batch| batch.map(drop)));
            if let Err(found) = alone {
                return found;
            }
        }
        error
    }

    /// Whether reading ended at text that is not UTF-8 and can go on with bytes.
    fn is_not_utf8(&self, error: &Error) -> bool {
        !self.options.plain && !self.form.text_as_bytes && error.message.contains("non UTF-8")
    }

    /// The batch with the columns that the folders give.
    fn whole(&self, batch: RecordBatch) -> Result<RecordBatch> {
        if self.given.is_empty() {
            return Ok(batch);
        }
        let form = match &self.options {
            ReadOptions { plain: true, .. } => partition::Form::Plain,
            ReadOptions { dictionaries: true, .. } => partition::Form::Dictionary,
            _ => partition::Form::Views,
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
            let next = match guarded(&self.path, Some(self.row_group), || reader.next().transpose()) {
                Err(error) if self.is_not_utf8(&error) => {
                    // Once more from here on, text as bytes.
                    drop((reader, room));
                    self.form = Form::of(&self.path, &self.metadata, false, true)?;
                    continue;
                }
                next => next?,
            };
            match next {
                Some(batch) if batch.num_rows() == 0 => self.reader = Some((reader, room)),
                Some(batch) => {
                    let row_group = self.row_group;
                    let first_row = self.group_start + self.within;
                    if self.options.rows.is_none() {
                        self.within += batch.num_rows() as u64;
                    }
                    self.delivered += batch.num_rows();
                    self.reader = Some((reader, room));
                    let batch = match &self.form.stored {
                        Some(stored) => guarded(&self.path, Some(row_group), || {
                            stored.restore(&batch, self.chosen.iter().copied())
                        })?,
                        None => batch,
                    };
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
        match self.advance() {
            Ok(next) => next.map(Ok),
            Err(error) => {
                self.failed = true;
                // Its memory is needed for the search.
                self.reader = None;
                Some(Err(self.blame(error)))
            }
        }
    }
}

/// The Parquet crate takes the dictionary of JSON for bytes, and does not read it as the text that its own schema says.
fn is_json(column: &ColumnDescriptor) -> bool {
    matches!(column.logical_type_ref(), Some(LogicalType::Json))
        || column.converted_type() == ConvertedType::JSON
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
