//! What other writers leave and the built-in ones do not: columns of types that are easily misread, field ids, key-value metadata, an
//! Arrow schema, a declared order. Both sides' outputs get them before a fault is planted in one.
//!
//! The columns stand behind those of the file, whose pages are taken over as they are. Each holds one value in all rows.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit as ArrowUnit};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema};
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType as Stored, FixedLenByteArray, FixedLenByteArrayType, Int32Type,
    Int64Type as Long, Int96, Int96Type,
};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{
    KeyValue, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, SortingColumn,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};
use reports::manifest::Manifest;

use super::rewrite::load;
use super::site::Site;
use super::{Fault, partitions};
use crate::check::metadata::fingerprint;
use crate::error::{Error, Result};
use crate::job::Job;

/// Columns that faults of facts change.
pub(super) const UUID: &str = "planted_uuid";
pub(super) const TIME: &str = "planted_time";
pub(super) const MOMENT: &str = "planted_moment";
pub(super) const DOCUMENT: &str = "planted_document";
pub(super) const SHAPE: &str = "planted_shape";
/// Columns that faults of values change.
const INT96: &str = "planted_int96";
const INTERVAL: &str = "planted_interval";
const SMALL: &str = "planted_small";
/// A column of integers that the Arrow schema calls durations.
const ELAPSED: &str = "planted_elapsed";

/// A key of the footer, and its value.
pub(super) const KEY: &str = "planted.key";
pub(super) const KEY_VALUE: &str = "as both writers state it";

/// 9999-12-31, in nanoseconds since 1970; Julian day of 1970-01-01; nanoseconds of a day.
const FAR: i128 = 2_932_896 * DAY;
const EPOCH: i128 = 2_440_588;
const DAY: i128 = 86_400_000_000_000;
/// A point in time in milliseconds.
const MILLISECONDS: i64 = 1_700_000_000_123;

/// A column with its value in every row, or another one in the first row of the file, in the bytes of Parquet's plain encoding.
struct Column {
    node: TypePtr,
    value: Vec<u8>,
    first: Option<Vec<u8>>,
}

impl Column {
    fn new(
        name: &str,
        id: i32,
        physical: Physical,
        annotation: Option<LogicalType>,
        value: Vec<u8>,
    ) -> ParquetResult<Self> {
        let interval = name == INTERVAL;
        let mut node = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_converted_type(if interval { ConvertedType::INTERVAL } else { ConvertedType::NONE })
            .with_id(Some(id));
        if physical == Physical::FIXED_LEN_BYTE_ARRAY {
            node = node.with_length(i32::try_from(value.len())?);
        }
        if annotation.is_some() {
            node = node.with_logical_type(annotation);
        }
        Ok(Self { node: Arc::new(node.build()?), value, first: None })
    }
}

/// All columns, as a writer without fault leaves them.
fn columns() -> ParquetResult<Vec<Column>> {
    let point = [&[1, 1, 0, 0, 0][..], &1.0_f64.to_le_bytes(), &2.0_f64.to_le_bytes()].concat();
    let crs = Some("EPSG:3857".to_owned());
    let fixed = Physical::FIXED_LEN_BYTE_ARRAY;
    let long = |value: i64| value.to_le_bytes().to_vec();
    Ok(vec![
        Column::new(INT96, 1, Physical::INT96, None, int96(FAR))?,
        Column::new(INTERVAL, 2, fixed, None, interval(1, 0))?,
        Column::new(SMALL, 3, Physical::INT32, Some(LogicalType::integer(8, true)), small(300))?,
        moment(TimeUnit::MILLIS, MILLISECONDS)?,
        Column::new(
            TIME,
            5,
            Physical::INT64,
            Some(LogicalType::time(true, TimeUnit::MICROS)),
            long(3_600_000_000),
        )?,
        Column::new(UUID, 6, fixed, Some(LogicalType::Uuid), (0..16).collect())?,
        Column::new(DOCUMENT, 7, Physical::BYTE_ARRAY, Some(LogicalType::Json), br#"{"a":1}"#.to_vec())?,
        Column::new(SHAPE, 8, Physical::BYTE_ARRAY, Some(LogicalType::geometry(crs)), point)?,
        Column::new(ELAPSED, 9, Physical::INT64, None, long(1_500))?,
        Column::new(partitions::HELD, 10, Physical::INT64, None, long(1))?,
    ])
}

fn moment(unit: TimeUnit, value: i64) -> ParquetResult<Column> {
    let annotation = Some(LogicalType::timestamp(true, unit));
    Column::new(MOMENT, 4, Physical::INT64, annotation, value.to_le_bytes().to_vec())
}

fn int96(nanoseconds: i128) -> Vec<u8> {
    let day = i32::try_from(nanoseconds.div_euclid(DAY) + EPOCH).unwrap_or(i32::MAX);
    let within = i64::try_from(nanoseconds.rem_euclid(DAY)).unwrap_or(0);
    [&within.to_le_bytes()[..], &day.to_le_bytes()].concat()
}

fn interval(months: u32, days: u32) -> Vec<u8> {
    [months, days, 0].map(u32::to_le_bytes).concat()
}

fn small(value: i32) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

/// Gives every listed file the columns and facts, and puts it into the folder that one of the columns names. The manifest goes along.
///
/// # Errors
/// Where a file cannot be read or written.
pub(crate) fn lay(job: &Job, root: &Path, manifest: &mut Manifest) -> Result<()> {
    let paths: Vec<_> = manifest.files.iter().map(|file| root.join(&file.path)).collect();
    let key = job.signal.as_ref().and_then(|signal| signal.sort_key.first());
    // Readers take a declared order for that of the whole output: all files have it, or none.
    let mut sorted = key;
    for path in &paths {
        if let Some(column) = sorted
            && !ascends(path, column)?
        {
            sorted = None;
        }
    }
    for (file, path) in manifest.files.iter_mut().zip(&paths) {
        file.file_size = Some(rewritten(path, |metadata| {
            let columns = columns()?;
            let keys = Keys { sorted: sorted.map(String::as_str), fresh: true };
            write(path, metadata, &columns, keys)
        })?);
        if let Some(set) = file.fingerprints.as_mut().filter(|_| file.record_count.unwrap_or(0) > 0) {
            set.push(fingerprint::hash(format!("{DOCUMENT}:.*").as_bytes()));
            set.sort_unstable();
        }
    }
    partitions::lay_held(root, manifest)
}

/// Whether a column of integers without null ascends over the rows of a file.
fn ascends(path: &Path, column: &str) -> Result<bool> {
    let batch = load(path)?;
    let keys = batch.column_by_name(column).and_then(|array| array.as_primitive_opt::<Int64Type>());
    Ok(keys.is_some_and(|keys| keys.null_count() == 0 && keys.values().is_sorted()))
}

/// Changes values of one column, of the first file with rows or, where its type changes, of every file.
pub(super) fn changed(fault: Fault, site: &mut Site<'_>) -> Result<()> {
    let change = |first: bool| -> ParquetResult<Column> {
        let all = columns()?;
        let of = |name: &str, value: Vec<u8>| {
            let column = all.iter().find(|column| column.node.name() == name);
            column.map(|it| Column {
                node: Arc::clone(&it.node),
                value: it.value.clone(),
                first: Some(value),
            })
        };
        #[expect(clippy::cast_possible_truncation, reason = "the loss is the fault")]
        let wrapped = i128::from(FAR as i64);
        let column = match fault {
            Fault::Int96Wrapped => of(INT96, int96(wrapped)),
            Fault::IntervalFlattened => of(INTERVAL, interval(0, 30)),
            Fault::IntegerCut => of(SMALL, small(300 - 256)),
            _ => None,
        };
        let Some(column) = column else {
            let mut column = moment(TimeUnit::MICROS, MILLISECONDS * 1_000)?;
            let other = (MILLISECONDS * 1_000 + 1_000).to_le_bytes().to_vec();
            column.first = Some(other).filter(|_| fault == Fault::RetypedAndChanged && first);
            return Ok(column);
        };
        Ok(column)
    };
    let every = matches!(fault, Fault::UnitRetyped | Fault::RetypedAndChanged);
    let mut first = true;
    for index in 0..site.manifest.files.len() {
        let path = site.path(index);
        if site.manifest.files[index].record_count.unwrap_or(0) == 0 || !has_extras(&path)? {
            continue;
        }
        let size = rewritten(&path, |metadata| {
            write(&path, metadata, &[change(first)?], Keys { sorted: None, fresh: false })
        })?;
        site.manifest.files[index].file_size = Some(size);
        first = false;
        if !every {
            break;
        }
    }
    Ok(())
}

fn has_extras(path: &Path) -> Result<bool> {
    let schema = load(path)?.schema();
    Ok(schema.column_with_name(MOMENT).is_some())
}

/// Writes the file anew and returns its size.
fn rewritten(path: &Path, make: impl Fn(&ParquetMetaData) -> ParquetResult<Vec<u8>>) -> Result<u64> {
    let made = || -> ParquetResult<Vec<u8>> {
        let file = File::open(path)?;
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        make(&reader.parse_and_finish(&file)?)
    };
    let bytes =
        made().map_err(|error| Error::internal(format!("cannot write {} anew: {error}", path.display())))?;
    std::fs::write(path, &bytes).map_err(|source| Error::io("cannot write", path, source))?;
    Ok(bytes.len() as u64)
}

/// What the new footer states beside its columns.
#[derive(Clone, Copy)]
struct Keys<'a> {
    /// The column by which all rows ascend, where they do; else what the file states stays.
    sorted: Option<&'a str>,
    /// Whether key-value metadata and Arrow schema are added; else they stay.
    fresh: bool,
}

/// The bytes of the file with `columns` in the place of those of their name, or behind all others.
fn write(
    path: &Path,
    metadata: &ParquetMetaData,
    columns: &[Column],
    keys: Keys<'_>,
) -> ParquetResult<Vec<u8>> {
    let source = File::open(path)?;
    let old = metadata.file_metadata().schema_descr();
    let of = |name: &str| columns.iter().find(|column| column.node.name() == name);
    let mut fields: Vec<TypePtr> = old.root_schema().get_fields().to_vec();
    for column in columns {
        match fields.iter_mut().find(|field| field.name() == column.node.name()) {
            Some(field) => *field = Arc::clone(&column.node),
            None => fields.push(Arc::clone(&column.node)),
        }
    }
    let root = Type::group_type_builder(old.root_schema().name()).with_fields(fields).build()?;
    let descriptor = SchemaDescriptor::new(Arc::new(root));
    let leaf = |name: &str| {
        (0..descriptor.num_columns())
            .find(|&leaf| descriptor.column(leaf).path().parts() == [name.to_owned()])
    };
    let declared = keys.sorted.and_then(leaf).map(|leaf| {
        let column_idx = i32::try_from(leaf).unwrap_or(i32::MAX);
        vec![SortingColumn { column_idx, descending: false, nulls_first: false }]
    });
    let stays = metadata.row_groups().first().and_then(|group| group.sorting_columns().cloned());
    let mut pairs = metadata.file_metadata().key_value_metadata().cloned().unwrap_or_default();
    if keys.fresh {
        pairs.retain(|pair| pair.key != ARROW_SCHEMA_META_KEY);
        pairs.push(KeyValue::new(KEY.to_owned(), KEY_VALUE.to_owned()));
        pairs.push(KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), arrow_schema(&descriptor)?));
    }
    let properties = WriterProperties::builder()
        .set_created_by(metadata.file_metadata().created_by().unwrap_or_default().to_owned())
        .set_compression(Compression::SNAPPY)
        .set_sorting_columns(declared.or(stays))
        .set_key_value_metadata(Some(pairs))
        .build();
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, descriptor.root_schema_ptr(), Arc::new(properties))?;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let rows = usize::try_from(group.num_rows())?;
        let mut out = writer.next_row_group()?;
        for leaf in 0..descriptor.num_columns() {
            let path = descriptor.column(leaf).path().parts().to_vec();
            let planted = path.first().filter(|_| path.len() == 1).and_then(|name| of(name));
            if let Some(column) = planted {
                let mut chunk = out.next_column()?.ok_or_else(|| {
                    parquet::errors::ParquetError::General("a column is missing".to_owned())
                })?;
                fill(&mut chunk, column, rows, number == 0)?;
                chunk.close()?;
                continue;
            }
            let at = group.columns().iter().position(|chunk| chunk.column_path().parts() == path);
            let at =
                at.ok_or_else(|| parquet::errors::ParquetError::General("a column has no chunk".to_owned()))?;
            let chunk = group.column(at);
            let close = ColumnCloseResult {
                bytes_written: u64::try_from(chunk.compressed_size())?,
                rows_written: u64::try_from(group.num_rows())?,
                metadata: chunk.clone(),
                bloom_filter: None,
                column_index: metadata.column_index().map(|index| index[number][at].clone()),
                offset_index: metadata.offset_index().map(|index| index[number][at].clone()),
            };
            out.append_column(&source, close)?;
        }
        out.close()?;
    }
    writer.close()?;
    Ok(bytes)
}

/// The Arrow schema of the columns, which alone says that one of them holds durations.
fn arrow_schema(descriptor: &SchemaDescriptor) -> ParquetResult<String> {
    let schema = parquet_to_arrow_schema(descriptor, None)?;
    let fields = schema.fields().iter().map(|field| {
        if field.name() == ELAPSED {
            Field::new(ELAPSED, DataType::Duration(ArrowUnit::Millisecond), true)
        } else {
            Field::clone(field).with_metadata(std::collections::HashMap::new())
        }
    });
    Ok(encode_arrow_schema(&Schema::new(fields.collect::<Vec<_>>())))
}

/// Writes the values of one chunk.
fn fill(
    chunk: &mut SerializedColumnWriter<'_>,
    column: &Column,
    rows: usize,
    first: bool,
) -> ParquetResult<()> {
    fn values<T: Stored>(
        chunk: &mut SerializedColumnWriter<'_>,
        column: &Column,
        rows: usize,
        first: bool,
        of: impl Fn(&[u8]) -> T::T,
    ) -> ParquetResult<()> {
        let mut all = vec![of(&column.value); rows];
        if let (true, Some(other), Some(slot)) = (first, &column.first, all.first_mut()) {
            *slot = of(other);
        }
        chunk.typed::<T>().write_batch(&all, Some(&vec![1; rows]), None).map(drop)
    }
    let long = |bytes: &[u8]| bytes.first_chunk().map_or(0, |it| i64::from_le_bytes(*it));
    let word = |bytes: &[u8]| bytes.first_chunk().map_or(0, |it| u32::from_le_bytes(*it));
    match column.node.get_physical_type() {
        Physical::INT32 => values::<Int32Type>(chunk, column, rows, first, |bytes| word(bytes).cast_signed()),
        Physical::INT96 => values::<Int96Type>(chunk, column, rows, first, |bytes| {
            let mut value = Int96::new();
            value.set_data(word(bytes), word(&bytes[4..]), word(&bytes[8..]));
            value
        }),
        Physical::BYTE_ARRAY => {
            values::<ByteArrayType>(chunk, column, rows, first, |bytes| ByteArray::from(bytes.to_vec()))
        }
        Physical::FIXED_LEN_BYTE_ARRAY => values::<FixedLenByteArrayType>(chunk, column, rows, first, |it| {
            FixedLenByteArray::from(it.to_vec())
        }),
        _ => values::<Long>(chunk, column, rows, first, long),
    }
}
