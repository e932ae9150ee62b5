//! What is in a Parquet file, read from its physical values: no annotation is believed, so that the original's files with bytes
//! marked as STRING can be read too.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use legacy::footer::read_metadata;
use parquet::basic::Encoding;
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::data_type::DataType;
use parquet::file::reader::SerializedPageReader;
use parquet::schema::types::Type;

/// A value, compared bit by bit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    Boolean(bool),
    Int32(i32),
    Int64(i64),
    Float(u32),
    Double(u64),
    Bytes(Vec<u8>),
}

/// A row without its nulls.
pub type CellRow = BTreeMap<Arc<str>, Cell>;

/// A column: name and type as Parquet spells it, repetition included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnInfo {
    pub name: String,
    pub of: String,
}

/// How a column chunk lies in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    pub column: String,
    pub codec: String,
    pub dictionary: bool,
    pub encodings: Vec<String>,
    pub column_index: bool,
    pub offset_index: bool,
    pub bloom_filter: bool,
    pub all_null: bool,
}

/// A row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowGroup {
    pub rows: i64,
    pub chunks: Vec<Chunk>,
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub columns: Vec<ColumnInfo>,
    pub rows: Vec<CellRow>,
    pub row_groups: Vec<RowGroup>,
    pub key_values: usize,
}

impl Content {
    pub fn read(path: &Path) -> Result<Self, String> {
        let told = |error: parquet::errors::ParquetError| format!("{}: {error}", path.display());
        let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let metadata = read_metadata(&file).map_err(told)?;
        let file = Arc::new(file);
        let schema = metadata.file_metadata().schema_descr();
        let columns =
            (0..schema.num_columns()).map(|index| info(&schema.column(index).self_type_ptr())).collect();
        let key_values = metadata.file_metadata().key_value_metadata().map_or(0, Vec::len);
        let mut rows = Vec::new();
        let mut row_groups = Vec::new();
        for group in metadata.row_groups() {
            let count = usize::try_from(group.num_rows()).expect("a row count");
            let start = rows.len();
            rows.resize(start + count, CellRow::new());
            let mut chunks = Vec::new();
            for chunk in group.columns() {
                let pages = SerializedPageReader::new(Arc::clone(&file), chunk, count, None).map_err(told)?;
                let reader = get_column_reader(chunk.column_descr_ptr(), Box::new(pages));
                let name: Arc<str> = chunk.column_descr().name().into();
                let optional = chunk.column_descr().max_def_level() > 0;
                let cells = cells(reader, count, optional)
                    .map_err(|error| format!("{} column {name}: {error}", path.display()))?;
                let all_null = cells.iter().all(Option::is_none);
                for (row, cell) in rows[start..].iter_mut().zip(cells) {
                    if let Some(cell) = cell {
                        row.insert(Arc::clone(&name), cell);
                    }
                }
                let mut encodings: Vec<String> = chunk
                    .encodings()
                    // Levels are RLE everywhere.
                    .filter(|encoding| *encoding != Encoding::RLE)
                    .map(|encoding| encoding.to_string())
                    .collect();
                encodings.sort();
                chunks.push(Chunk {
                    column: name.to_string(),
                    codec: format!("{:?}", chunk.compression())
                        .chars()
                        .take_while(|c| c.is_alphanumeric())
                        .collect(),
                    dictionary: chunk.dictionary_page_offset().is_some(),
                    encodings,
                    column_index: chunk.column_index_offset().is_some(),
                    offset_index: chunk.offset_index_offset().is_some(),
                    bloom_filter: chunk.bloom_filter_offset().is_some(),
                    all_null,
                });
            }
            row_groups.push(RowGroup { rows: group.num_rows(), chunks });
        }
        Ok(Self { columns, rows, row_groups, key_values })
    }
}

fn info(field: &Type) -> ColumnInfo {
    let basic = field.get_basic_info();
    let annotation = basic.logical_type_ref().map(|logical| format!(" {logical:?}")).unwrap_or_default();
    let of = format!("{:?} {}{annotation}", basic.repetition(), field.get_physical_type());
    ColumnInfo { name: field.name().to_owned(), of }
}

fn cells(reader: ColumnReader, rows: usize, optional: bool) -> Result<Vec<Option<Cell>>, String> {
    match reader {
        ColumnReader::BoolColumnReader(reader) => typed(reader, rows, optional, Cell::Boolean),
        ColumnReader::Int32ColumnReader(reader) => typed(reader, rows, optional, Cell::Int32),
        ColumnReader::Int64ColumnReader(reader) => typed(reader, rows, optional, Cell::Int64),
        ColumnReader::FloatColumnReader(reader) => {
            typed(reader, rows, optional, |v| Cell::Float(v.to_bits()))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            typed(reader, rows, optional, |v| Cell::Double(v.to_bits()))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            typed(reader, rows, optional, |bytes| Cell::Bytes(bytes.data().to_vec()))
        }
        _ => Err("a physical type that no legacy writer writes".to_owned()),
    }
}

fn typed<T: DataType>(
    mut reader: parquet::column::reader::ColumnReaderImpl<T>,
    rows: usize,
    optional: bool,
    cell: impl Fn(T::T) -> Cell,
) -> Result<Vec<Option<Cell>>, String> {
    let mut levels = Vec::new();
    let mut values = Vec::new();
    let (read, _, _) =
        reader.read_records(rows, Some(&mut levels), None, &mut values).map_err(|error| error.to_string())?;
    if read != rows {
        return Err(format!("{read} rows instead of {rows}"));
    }
    let mut values = values.into_iter();
    if !optional {
        return Ok(values.map(|value| Some(cell(value))).collect());
    }
    Ok(levels.iter().map(|&level| if level > 0 { values.next().map(&cell) } else { None }).collect())
}
