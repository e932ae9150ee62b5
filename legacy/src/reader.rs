//! Reads a segment row by row.
//!
//! 1. The footer gives the columns with the types that the original's reader gives them; what it refuses is refused here.
//! 2. Row group after row group, each column is decoded in steps of [`STEP`] rows, from its physical values: annotations
//!    for unsigned numbers, dates and timestamps have no influence (defect G).
//! 3. Rows are put together as maps. A row carries a key for every column of its segment; a null is an explicit null.
//!
//! Memory: a page and `STEP` values a column. It does not repeat the original reader's quirks with booleans and nested columns.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{BoolType, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::SerializedPageReader;

use crate::error::{Error, Result};
use crate::footer::read_metadata;
use crate::schema::{ColumnType, segment_columns};
use crate::value::{Row, Value};

/// Rows decoded at a time.
const STEP: usize = 1_024;

/// A segment being read.
pub(crate) struct SegmentReader {
    path: PathBuf,
    file: Arc<File>,
    metadata: ParquetMetaData,
    columns: Vec<(String, ColumnType)>,
    row_group: usize,
    cursors: Vec<Cursor>,
    /// Rows of the current row group that are not yet decoded.
    undecoded: usize,
    /// Decoded rows that are not yet handed out.
    ready: usize,
}

impl SegmentReader {
    /// Opens a segment.
    ///
    /// # Errors
    /// The file cannot be opened, is not Parquet, or has a column that the original's reader refuses.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let broken = |source| Error::Segment { path: path.to_owned(), source };
        // Opening a named pipe waits for its other end.
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(broken(ParquetError::General("not a regular file".to_owned())));
        }
        let file = File::open(path).map_err(|error| broken(error.into()))?;
        let metadata = read_metadata(&file).map_err(broken)?;
        let columns = segment_columns(metadata.file_metadata().schema_descr(), path)?;
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(file),
            metadata,
            columns,
            row_group: 0,
            cursors: Vec::new(),
            undecoded: 0,
            ready: 0,
        })
    }

    /// Columns in file order.
    pub(crate) fn columns(&self) -> &[(String, ColumnType)] {
        &self.columns
    }

    /// Rows of the segment, by its footer.
    pub(crate) fn rows(&self) -> u64 {
        self.metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum()
    }

    /// The next row; none after the last.
    ///
    /// # Errors
    /// A page cannot be decoded, or a column is shorter than its row group.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row>> {
        while self.ready == 0 {
            if self.undecoded == 0 && !self.open_row_group()? {
                return Ok(None);
            }
            self.decode()?;
        }
        self.ready -= 1;
        let names = self.columns.iter().map(|(name, _)| name);
        Ok(Some(names.cloned().zip(self.cursors.iter_mut().map(Cursor::next)).collect()))
    }

    /// Opens the columns of the next row group, if there is one.
    fn open_row_group(&mut self) -> Result<bool> {
        let index = self.row_group;
        let Some(group) = self.metadata.row_groups().get(index) else { return Ok(false) };
        let rows = usize::try_from(group.num_rows()).unwrap_or(0);
        self.cursors = group
            .columns()
            .iter()
            .zip(&self.columns)
            .map(|(chunk, (name, column_type))| {
                SerializedPageReader::new(Arc::clone(&self.file), chunk, rows, None)
                    .map(|pages| get_column_reader(chunk.column_descr_ptr(), Box::new(pages)))
                    .and_then(|reader| {
                        Cursor::new(reader, chunk.column_descr().max_def_level() > 0, *column_type)
                    })
                    .map_err(|source| self.broken(index, Some(name), source))
            })
            .collect::<Result<_>>()?;
        self.undecoded = rows;
        self.row_group += 1;
        Ok(true)
    }

    /// Decodes the next rows of the current row group.
    fn decode(&mut self) -> Result<()> {
        let rows = self.undecoded.min(STEP);
        let failed = self
            .cursors
            .iter_mut()
            .enumerate()
            .find_map(|(index, cursor)| cursor.fill(rows).err().map(|source| (index, source)));
        if let Some((index, source)) = failed {
            return Err(self.broken(self.row_group - 1, Some(&self.columns[index].0), source));
        }
        self.undecoded -= rows;
        self.ready = rows;
        Ok(())
    }

    fn broken(&self, row_group: usize, column: Option<&str>, source: ParquetError) -> Error {
        let column = column.map(str::to_owned);
        Error::Decode { path: self.path.clone(), row_group, column, source }
    }
}

/// A column of the current row group.
enum Cursor {
    Boolean(Typed<BoolType>),
    Int32(Typed<Int32Type>),
    Int64(Typed<Int64Type>),
    Double(Typed<DoubleType>),
    String(Typed<ByteArrayType>),
    Bytes(Typed<ByteArrayType>),
}

impl Cursor {
    fn new(reader: ColumnReader, optional: bool, column_type: ColumnType) -> ParquetResult<Self> {
        Ok(match reader {
            ColumnReader::BoolColumnReader(reader) => Self::Boolean(Typed::new(reader, optional)),
            ColumnReader::Int32ColumnReader(reader) => Self::Int32(Typed::new(reader, optional)),
            ColumnReader::Int64ColumnReader(reader) => Self::Int64(Typed::new(reader, optional)),
            ColumnReader::DoubleColumnReader(reader) => Self::Double(Typed::new(reader, optional)),
            ColumnReader::ByteArrayColumnReader(reader) if column_type == ColumnType::String => {
                Self::String(Typed::new(reader, optional))
            }
            ColumnReader::ByteArrayColumnReader(reader) => Self::Bytes(Typed::new(reader, optional)),
            _ => return Err(ParquetError::General("a physical type that was refused on opening".to_owned())),
        })
    }

    fn fill(&mut self, rows: usize) -> ParquetResult<()> {
        match self {
            Self::Boolean(column) => column.fill(rows),
            Self::Int32(column) => column.fill(rows),
            Self::Int64(column) => column.fill(rows),
            Self::Double(column) => column.fill(rows),
            Self::String(column) | Self::Bytes(column) => column.fill(rows),
        }
    }

    fn next(&mut self) -> Value {
        let value = match self {
            Self::Boolean(column) => column.next().map(Value::Boolean),
            Self::Int32(column) => column.next().map(Value::Int32),
            Self::Int64(column) => column.next().map(Value::Int64),
            Self::Double(column) => column.next().map(Value::Float64),
            Self::String(column) => column.next().map(|bytes| Value::String(bytes.data().to_vec())),
            Self::Bytes(column) => column.next().map(|bytes| Value::Bytes(bytes.data().to_vec())),
        };
        value.unwrap_or(Value::Null)
    }
}

/// Decoded values of one column, without nulls, and the levels that say where the nulls are.
struct Typed<T: DataType> {
    reader: ColumnReaderImpl<T>,
    optional: bool,
    levels: Vec<i16>,
    values: Vec<T::T>,
    next_row: usize,
    next_value: usize,
}

impl<T: DataType> Typed<T> {
    fn new(reader: ColumnReaderImpl<T>, optional: bool) -> Self {
        Self { reader, optional, levels: Vec::new(), values: Vec::new(), next_row: 0, next_value: 0 }
    }

    fn fill(&mut self, rows: usize) -> ParquetResult<()> {
        self.levels.clear();
        self.values.clear();
        (self.next_row, self.next_value) = (0, 0);
        let (read, _, _) = self.reader.read_records(rows, Some(&mut self.levels), None, &mut self.values)?;
        if read == rows {
            return Ok(());
        }
        Err(ParquetError::EOF(format!("the column ends {} rows before its row group", rows - read)))
    }

    fn next(&mut self) -> Option<T::T> {
        let row = self.next_row;
        self.next_row += 1;
        if self.optional && self.levels[row] == 0 {
            return None;
        }
        self.next_value += 1;
        Some(self.values[self.next_value - 1].clone())
    }
}
