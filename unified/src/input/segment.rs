//! Input segments: Parquet files read one after another, one row group at a time.
//!
//! Batches are as large as the memory share allows, judged by what the footer says of the row group. Column names hold
//! dots, so columns are chosen by their place, never by name. Strings that the file stores with a dictionary throughout a
//! row group are read as keys and dictionary, which costs less than their values; nothing else depends on it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{ConvertedType, Encoding};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::schema::types::ColumnDescriptor;

use crate::error::{Error, Result};
use crate::input::footer::{guarded, read_metadata};
use crate::input::page_scan::{self, Scan, Scans};
use crate::input::reading::Reading;
use crate::input::share::Share;
use crate::input::shared_file::{SharedFile, Version};
use crate::memory_plan::{FOOTER, MemoryPlan};

/// Most rows of a batch.
const BATCH_ROWS: usize = 8192;

/// One segment, batch by batch.
pub(crate) struct SegmentReader {
    path: PathBuf,
    file: SharedFile,
    metadata: ArrowReaderMetadata,
    /// Whether strings that are stored with a dictionary are read as keys.
    dictionaries: bool,
    /// The columns that the last row group was read as dictionaries, and the metadata that say so.
    coded: Option<(Vec<usize>, ArrowReaderMetadata)>,
    /// The columns that are read, by their place in the file.
    columns: Arc<[usize]>,
    projection: ProjectionMask,
    /// All columns that are wanted of the file, where others read a part of them.
    wanted: Arc<[usize]>,
    batch_rows: usize,
    batch_bytes: u64,
    /// What decoding must fit into.
    share: Share,
    /// What is known of row groups, if others open them too, and how many do.
    scans: Option<(Arc<Scans>, usize)>,
    /// Where to ask for the memory of a row group.
    entrance: Option<Entrance>,
    /// Row groups begun.
    groups: usize,
    batches: Option<ParquetRecordBatchReader>,
    /// Rows of all batches so far, and of those before the last.
    rows: u64,
    first_row: u64,
}

impl SegmentReader {
    /// Columns in `dropped` are not read; `batch_bytes` is the size at which a batch should end. A file that cannot be read
    /// within `memory_limit` is refused.
    pub(crate) fn open(path: &Path, dropped: &[String], batch_bytes: u64, memory_limit: u64) -> Result<Self> {
        let (file, metadata) = open(path, memory_limit)?;
        let fields = metadata.schema().fields();
        let columns: Arc<[usize]> =
            (0..fields.len()).filter(|index| !dropped.contains(fields[*index].name())).collect();
        let projection = ProjectionMask::roots(metadata.parquet_schema(), columns.iter().copied());
        Ok(Self {
            path: path.to_path_buf(),
            file,
            metadata,
            dictionaries: true,
            coded: None,
            wanted: Arc::clone(&columns),
            columns,
            projection,
            batch_rows: BATCH_ROWS,
            batch_bytes,
            share: Share::of(memory_limit, 1),
            scans: None,
            entrance: None,
            groups: 0,
            batches: None,
            rows: 0,
            first_row: 0,
        })
    }

    /// The same with so many rows in a batch at most.
    pub(crate) fn with_batch_rows(self, batch_rows: usize) -> Self {
        Self { batch_rows, ..self }
    }

    /// The same with another part of the memory limit.
    pub(crate) fn with_share(self, share: Share) -> Self {
        Self { share, ..self }
    }

    /// The same, whose row groups are opened by so many.
    pub(crate) fn with_scans(self, scans: Arc<Scans>, readers: usize) -> Self {
        Self { scans: Some((scans, readers)), ..self }
    }

    /// The same as one of several readers that share what is open.
    pub(crate) fn entering(self, entrance: Entrance) -> Self {
        Self { entrance: Some(entrance), ..self }
    }

    /// The same with a part of the columns only: of so many readers each takes another part and has about as much to do.
    /// Which rows make up a batch does not depend on it.
    pub(crate) fn with_part(self, part: usize, parts: usize) -> Self {
        let schema = self.metadata.parquet_schema();
        let mut costs = vec![0; self.metadata.schema().fields().len()];
        if let Some(group) = self.metadata.metadata().row_groups().first() {
            for (leaf, column) in group.columns().iter().enumerate() {
                let cost = &mut costs[schema.get_column_root_idx(leaf)];
                let (bytes, values) = (column.uncompressed_size().max(0), column.num_values().max(0));
                *cost = u64::saturating_add(*cost, bytes as u64).saturating_add(values as u64);
            }
        }
        let mut dearest_first = self.columns.to_vec();
        dearest_first.sort_by_key(|column| std::cmp::Reverse(costs[*column]));
        let mut loads = vec![0; parts];
        let mut columns = Vec::new();
        for column in dearest_first {
            let least = (0..parts).min_by_key(|part| loads[*part]).unwrap_or(0);
            loads[least] = u64::saturating_add(loads[least], costs[column]);
            if least == part {
                columns.push(column);
            }
        }
        columns.sort_unstable();
        let projection = ProjectionMask::roots(schema, columns.iter().copied());
        Self { columns: columns.into(), projection, ..self }
    }

    /// The same with all values spelled out.
    pub(crate) fn without_dictionaries(self) -> Self {
        Self { dictionaries: false, ..self }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The columns that are read, by their place in the file.
    pub(crate) fn columns(&self) -> &Arc<[usize]> {
        &self.columns
    }

    pub(crate) fn metadata(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    pub(crate) fn version(&self) -> Version {
        self.file.version()
    }

    /// Rows of the segment, as its footer says.
    pub(crate) fn stated_rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
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
            let decoded = match &mut self.batches {
                Some(batches) => guarded(|| batches.next().transpose()).transpose(),
                None => None,
            };
            if let Some(batch) = decoded {
                let batch = batch.map_err(|source| match self.file.fault() {
                    Some(fault) => Error::io("reading", &self.path, fault),
                    None => Error::input_from(format!("{}, from row {}", self.place(), self.rows), source),
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

    /// Bytes that are held while any of the row groups is open.
    ///
    /// # Errors
    /// One that needs too many.
    pub(crate) fn most_open(&self) -> Result<u64> {
        let groups = 0..self.metadata.metadata().num_row_groups();
        let (mut most, mut row) = (0, 0);
        for group in groups {
            most = most.max(self.scan(group, row)?.open);
            row += u64::try_from(self.metadata.metadata().row_group(group).num_rows()).unwrap_or(0);
        }
        Ok(most)
    }

    /// Looks at a row group, whose first row is row `first_row` of the segment.
    fn scan(&self, index: usize, first_row: u64) -> Result<Arc<Scan>> {
        let group = self.metadata.metadata().row_group(index);
        let schema = self.metadata.parquet_schema();
        let wanted = (0..schema.num_columns())
            .filter(|leaf| self.wanted.binary_search(&schema.get_column_root_idx(*leaf)).is_ok());
        let scan = || page_scan::scan(&self.file, group, wanted, first_row, self.share);
        let scanned = match &self.scans {
            Some((scans, readers)) => scans.of((self.version(), index), *readers, scan),
            None => scan().map(Arc::new),
        };
        scanned.map_err(|said| match self.file.fault() {
            Some(fault) => Error::io("reading", &self.path, fault),
            None => Error::input(format!("{}, row group {index}", self.path.display()), said),
        })
    }

    fn next_group(&mut self) -> Result<bool> {
        self.batches = None;
        let Some(group) = self.metadata.metadata().row_groups().get(self.groups) else {
            let stated = self.stated_rows();
            if self.rows != stated {
                return Err(Error::input(
                    self.path.display(),
                    format!("its footer states {stated} rows, but it holds {}", self.rows),
                ));
            }
            return Ok(false);
        };
        let index = self.groups;
        let scan = self.scan(index, self.rows)?;
        let rows = batch_rows(group, self.batch_bytes).min(self.batch_rows);
        let rows = rows.min(scan.batch_rows(self.batch_bytes, self.share));
        if let Some(entrance) = &self.entrance {
            entrance.enter(index, scan.open);
        }
        self.groups += 1;
        let metadata =
            self.metadata_of(index, &scan).map_err(|source| Error::input_from(self.place(), source))?;
        let (file, projection) = (self.file.clone(), self.projection.clone());
        let batches = guarded(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                .with_projection(projection)
                .with_row_groups(vec![index])
                .with_batch_size(rows)
                .build()
        })
        .map_err(|source| match self.file.fault() {
            Some(fault) => Error::io("reading", &self.path, fault),
            None => Error::input_from(self.place(), source),
        })?;
        self.batches = Some(batches);
        Ok(true)
    }
}

impl SegmentReader {
    /// The metadata with which to read a row group: columns that have dictionaries there are read as such, but for those
    /// whose values are large: as codes they would be weighed as a few bytes.
    fn metadata_of(&mut self, index: usize, scan: &Scan) -> parquet::errors::Result<ArrowReaderMetadata> {
        let fields = self.metadata.schema().fields();
        let schema = self.metadata.parquet_schema();
        let group = self.metadata.metadata().row_group(index);
        let mut coded = Vec::new();
        for leaf in 0..schema.num_columns() {
            let root = schema.get_column_root_idx(leaf);
            if self.dictionaries
                && can_be_coded(fields[root].data_type())
                && decodes_to(&schema.column(leaf), fields[root].data_type())
                && has_dictionary(group.column(leaf))
                && !scan.large.contains(&leaf)
            {
                coded.push(root);
            }
        }
        if coded.is_empty() {
            return Ok(self.metadata.clone());
        }
        if let Some((_, metadata)) = self.coded.as_ref().filter(|(known, _)| *known == coded) {
            return Ok(metadata.clone());
        }
        let fields: Vec<FieldRef> = fields
            .iter()
            .enumerate()
            .map(|(root, field)| match coded.binary_search(&root) {
                Ok(_) => {
                    let value = Box::new(field.data_type().clone());
                    let data_type = DataType::Dictionary(Box::new(DataType::Int32), value);
                    Arc::new(Field::clone(field).with_data_type(data_type))
                }
                Err(_) => Arc::clone(field),
            })
            .collect();
        let schema = Schema::new_with_metadata(fields, self.metadata.schema().metadata().clone());
        let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(self.metadata.metadata()), options)?;
        self.coded = Some((coded, metadata.clone()));
        Ok(metadata)
    }
}

/// Where a reader asks before it opens a row group.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    pub(crate) reading: Arc<Reading>,
    /// Its number among the readers.
    pub(crate) reader: usize,
    /// Number of the segment among all of them.
    pub(crate) segment: usize,
    /// Readers that share its columns.
    pub(crate) parts: usize,
}

impl Entrance {
    fn enter(&self, row_group: usize, bytes: u64) {
        self.reading.enter(self.reader, (self.segment, row_group), bytes.div_ceil(self.parts as u64));
    }
}

/// Whether columns of this type may be read as dictionaries, and be coded.
pub(crate) fn can_be_coded(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Binary)
}

/// Whether the crate decodes a dictionary of this column to values of the type. It goes by the converted type alone: the dictionary of a
/// JSON column becomes bytes, though the column's type is text.
fn decodes_to(column: &ColumnDescriptor, value: &DataType) -> bool {
    (column.converted_type() == ConvertedType::UTF8) == (*value == DataType::Utf8)
}

/// Whether all data pages of a column chunk have dictionary keys, as far as the footer says so.
fn has_dictionary(column: &ColumnChunkMetaData) -> bool {
    column.page_encoding_stats_mask().is_some_and(|mask| {
        mask.is_only(Encoding::RLE_DICTIONARY) || mask.is_only(Encoding::PLAIN_DICTIONARY)
    })
}

/// Rows of a batch that come to about so many bytes.
fn batch_rows(group: &RowGroupMetaData, batch_bytes: u64) -> usize {
    let rows = group.num_rows().max(1) as u64;
    // Dictionaries hide how large values are; where the footer says, it is taken from there.
    let values: i64 = group
        .columns()
        .iter()
        .map(|column| column.unencoded_byte_array_data_bytes().unwrap_or(0).max(column.uncompressed_size()))
        .fold(0, i64::saturating_add);
    let row_bytes = (values.max(0) as u64 / rows).max(1);
    usize::try_from(batch_bytes / row_bytes).unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS)
}

fn open(path: &Path, memory_limit: u64) -> Result<(SharedFile, ArrowReaderMetadata)> {
    // Opening a named pipe waits for its other end.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(Error::input(path.display(), "not a regular file".to_owned()));
    }
    let file = File::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::input_from(path.display(), source),
        _ => Error::io("opening", path, source),
    })?;
    let found = file.metadata().map_err(|source| Error::io("opening", path, source))?;
    let metadata = read_metadata(&file, MemoryPlan::of(memory_limit).bytes(FOOTER))
        .and_then(|metadata| {
            guarded(|| ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new()))
        })
        .map_err(|source| Error::unreadable(path, source))?;
    page_scan::check_places(metadata.metadata(), found.len())
        .map_err(|said| Error::input(path.display(), format!("not a readable Parquet file: {said}")))?;
    Ok((SharedFile::new(file, &found), metadata))
}
