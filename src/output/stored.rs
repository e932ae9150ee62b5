//! Values as they are stored, where the Parquet crate's Arrow types would change them.
//!
//! The crate reads INT96 through 64-bit nanoseconds, where 9999-12-31 is 1816-03-29; it drops the months of an INTERVAL; it cuts
//! integers to the width of their annotation; and it refuses text that is not UTF-8. So such columns are read under another type
//! of the same bytes, and what comes is put into types that no other column has:
//!
//! | column | read as | handed out as |
//! | --- | --- | --- |
//! | INT96 | FIXED_LEN_BYTE_ARRAY(12) | [`INT96`], nanoseconds since 1970 in 128 bits |
//! | INTERVAL | FIXED_LEN_BYTE_ARRAY(12) | Arrow's interval of months, days and nanoseconds |
//! | INT(8), INT(16), signed or not | INT32, signed or not | 32-bit integers |
//! | text in a row group with text that is not UTF-8 | BYTE_ARRAY | views where all of a batch is UTF-8, else [`NOT_UTF8`] |
//!
//! Two INT96 are one value where they name one instant, also where the nanoseconds of one of them exceed a day.
//!
//! Only files with such columns pay for it: one more footer a row group, and one conversion a batch.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, FixedSizeBinaryArray, IntervalMonthDayNanoArray, ListArray,
    MapArray, RecordBatch, StructArray,
};
use arrow::datatypes::{DataType, Field, Fields, IntervalMonthDayNano, Schema};
use arrow::error::ArrowError;
use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMetaData, FileMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::schema::types::{ColumnDescriptor, SchemaDescPtr, SchemaDescriptor, Type, TypePtr};

/// The Arrow type of INT96: nanoseconds since 1970 in 128 bits. No DECIMAL of Parquet has this scale.
pub const INT96: DataType = DataType::Decimal128(38, i8::MIN);

/// The Arrow type of text that is not UTF-8. The reader gives bytes that are no text as views.
pub const NOT_UTF8: DataType = DataType::LargeBinary;

/// Julian day of 1970-01-01.
const EPOCH: i128 = 2_440_588;

/// Nanoseconds of a day.
const DAY: i128 = 86_400_000_000_000;

/// Whether an Arrow type is that of INT96.
#[must_use]
pub fn is_int96(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(_, i8::MIN))
}

/// A point in time in ISO 8601, `nanoseconds` since 1970; where the calendar ends, the Julian day and the nanoseconds in it.
#[must_use]
pub fn instant(nanoseconds: i128) -> String {
    let (seconds, rest) = (nanoseconds.div_euclid(1_000_000_000), nanoseconds.rem_euclid(1_000_000_000));
    let time = i64::try_from(seconds).ok().zip(u32::try_from(rest).ok());
    match time.and_then(|(seconds, rest)| chrono::DateTime::from_timestamp(seconds, rest)) {
        Some(time) => format!("{:?}", time.naive_utc()),
        None => {
            let (day, rest) = (nanoseconds.div_euclid(DAY), nanoseconds.rem_euclid(DAY));
            format!("Julian day {} and {rest} ns", day + EPOCH)
        }
    }
}

/// How a leaf column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// As the Parquet crate reads it.
    Plain,
    Int96,
    Interval,
    /// As INT32 without annotation.
    Signed,
    /// As INT32 annotated as unsigned, 32 bits wide.
    Unsigned,
    /// As bytes, which become text where they are UTF-8.
    Text,
}

impl Rule {
    fn of(column: &ColumnDescriptor, text_as_bytes: bool) -> Self {
        let annotation = (column.logical_type_ref(), column.converted_type());
        match (column.physical_type(), annotation) {
            (_, (Some(LogicalType::Unknown), _)) => Self::Plain,
            (PhysicalType::INT96, _) => Self::Int96,
            (PhysicalType::FIXED_LEN_BYTE_ARRAY, (None, ConvertedType::INTERVAL))
                if column.type_length() == 12 =>
            {
                Self::Interval
            }
            (PhysicalType::INT32, (Some(LogicalType::Integer(it)), _)) if it.bit_width < 32 => {
                if it.is_signed { Self::Signed } else { Self::Unsigned }
            }
            (PhysicalType::INT32, (None, ConvertedType::INT_8 | ConvertedType::INT_16)) => Self::Signed,
            (PhysicalType::INT32, (None, ConvertedType::UINT_8 | ConvertedType::UINT_16)) => Self::Unsigned,
            (
                PhysicalType::BYTE_ARRAY,
                (Some(LogicalType::String | LogicalType::Json), _)
                | (None, ConvertedType::UTF8 | ConvertedType::JSON),
            ) if text_as_bytes => Self::Text,
            _ => Self::Plain,
        }
    }

    /// The leaf under the type that it is read as.
    fn leaf(self, node: &TypePtr) -> Result<TypePtr> {
        let info = node.get_basic_info();
        let (physical, converted) = match self {
            Self::Plain => return Ok(Arc::clone(node)),
            Self::Int96 | Self::Interval => (PhysicalType::FIXED_LEN_BYTE_ARRAY, ConvertedType::NONE),
            Self::Signed => (PhysicalType::INT32, ConvertedType::NONE),
            Self::Unsigned => (PhysicalType::INT32, ConvertedType::UINT_32),
            Self::Text => (PhysicalType::BYTE_ARRAY, ConvertedType::NONE),
        };
        let mut builder = Type::primitive_type_builder(info.name(), physical)
            .with_repetition(info.repetition())
            .with_converted_type(converted)
            .with_id(info.has_id().then(|| info.id()));
        if physical == PhysicalType::FIXED_LEN_BYTE_ARRAY {
            builder = builder.with_length(12);
        }
        builder.build().map(Arc::new)
    }

    /// What was read as what it stands for.
    fn restore(self, array: &ArrayRef) -> std::result::Result<ArrayRef, ArrowError> {
        Ok(match (self, array.as_fixed_size_binary_opt()) {
            (Self::Int96, Some(array)) => Arc::new(int96(array)),
            (Self::Interval, Some(array)) => Arc::new(interval(array)),
            (Self::Text, _) => match array.as_binary_view_opt() {
                Some(views) => match views.clone().to_string_view() {
                    Ok(text) => Arc::new(text),
                    Err(_) => arrow::compute::cast(array, &NOT_UTF8)?,
                },
                None => Arc::clone(array),
            },
            _ => Arc::clone(array),
        })
    }
}

fn int96(array: &FixedSizeBinaryArray) -> Decimal128Array {
    let value = |row: usize| {
        let bytes = array.value(row);
        let nanoseconds = bytes.first_chunk().map_or(0, |it| i64::from_le_bytes(*it));
        let day = bytes.last_chunk().map_or(0, |it| i32::from_le_bytes(*it));
        (i128::from(day) - EPOCH) * DAY + i128::from(nanoseconds)
    };
    let values: Vec<i128> =
        (0..array.len()).map(|row| if array.is_null(row) { 0 } else { value(row) }).collect();
    Decimal128Array::new(values.into(), array.nulls().cloned()).with_data_type(INT96)
}

/// Months, days and milliseconds, unsigned in Parquet. Those above 2^31 keep their bits: no two become one.
fn interval(array: &FixedSizeBinaryArray) -> IntervalMonthDayNanoArray {
    let value = |row: usize| {
        let (words, _) = array.value(row).as_chunks::<4>();
        let word = |at: usize| words.get(at).map_or(0, |it| u32::from_le_bytes(*it));
        let nanoseconds = i64::from(word(2)) * 1_000_000;
        IntervalMonthDayNano::new(word(0).cast_signed(), word(1).cast_signed(), nanoseconds)
    };
    let values: Vec<IntervalMonthDayNano> = (0..array.len())
        .map(|row| if array.is_null(row) { IntervalMonthDayNano::ZERO } else { value(row) })
        .collect();
    IntervalMonthDayNanoArray::new(values.into(), array.nulls().cloned())
}

/// A file with columns that are read under another type.
#[derive(Debug)]
pub(super) struct Stored {
    schema: SchemaDescPtr,
    /// By leaf.
    rules: Vec<Rule>,
    /// The leaves of each root column.
    roots: Vec<std::ops::Range<usize>>,
}

impl Stored {
    /// The types of a file's columns; absent where the Parquet crate reads all of them as they are stored. With `text_as_bytes` text
    /// is among them.
    ///
    /// # Errors
    /// Where the schema cannot be built.
    pub(super) fn of(metadata: &ParquetMetaData, text_as_bytes: bool) -> Result<Option<Self>> {
        let schema = metadata.file_metadata().schema_descr();
        let rules: Vec<Rule> = schema.columns().iter().map(|it| Rule::of(it, text_as_bytes)).collect();
        if rules.iter().all(|rule| *rule == Rule::Plain) {
            return Ok(None);
        }
        let root = retyped(&schema.root_schema_ptr(), &mut rules.iter())?;
        let mut ends = vec![0; schema.root_schema().get_fields().len()];
        for leaf in 0..schema.num_columns() {
            ends[schema.get_column_root_idx(leaf)] = leaf + 1;
        }
        let begins = std::iter::once(0).chain(ends.iter().copied());
        let roots = begins.zip(&ends).map(|(begin, end)| begin..*end).collect();
        Ok(Some(Self { schema: Arc::new(SchemaDescriptor::new(root)), rules, roots }))
    }

    /// Whether the leaves of a root column are all read as the Parquet crate reads them.
    pub(super) fn plain(&self, root: usize) -> bool {
        self.roots
            .get(root)
            .is_none_or(|leaves| self.rules[leaves.clone()].iter().all(|rule| *rule == Rule::Plain))
    }

    /// A footer with these types and one row group, or with none.
    ///
    /// # Errors
    /// Where the row group does not fit the schema.
    pub(super) fn metadata(&self, of: &ParquetMetaData, row_group: Option<usize>) -> Result<ParquetMetaData> {
        let file = of.file_metadata();
        let file = FileMetaData::new(
            file.version(),
            file.num_rows(),
            file.created_by().map(str::to_owned),
            None,
            Arc::clone(&self.schema),
            None,
        );
        let group = row_group.map(|row_group| self.row_group(of.row_group(row_group))).transpose()?;
        Ok(ParquetMetaData::new(file, group.into_iter().collect()))
    }

    fn row_group(&self, group: &RowGroupMetaData) -> Result<RowGroupMetaData> {
        let chunk = |(leaf, chunk): (usize, &ColumnChunkMetaData)| {
            if self.rules.get(leaf).is_none_or(|rule| *rule == Rule::Plain) {
                return Ok(chunk.clone());
            }
            // Statistics are of the other type, and not read.
            let mut builder = ColumnChunkMetaData::builder(self.schema.column(leaf))
                .set_compression_codec(chunk.compression_codec())
                .set_encodings_mask(*chunk.encodings_mask())
                .set_num_values(chunk.num_values())
                .set_total_compressed_size(chunk.compressed_size())
                .set_total_uncompressed_size(chunk.uncompressed_size())
                .set_data_page_offset(chunk.data_page_offset())
                .set_dictionary_page_offset(chunk.dictionary_page_offset())
                .set_index_page_offset(chunk.index_page_offset());
            if let Some(path) = chunk.file_path() {
                builder = builder.set_file_path(path.to_owned());
            }
            builder.build()
        };
        RowGroupMetaData::builder(Arc::clone(&self.schema))
            .set_num_rows(group.num_rows())
            .set_total_byte_size(group.total_byte_size())
            .set_column_metadata(group.columns().iter().enumerate().map(chunk).collect::<Result<_>>()?)
            .build()
    }

    /// A batch of the root columns `roots`, ascending, in the types that they are handed out as.
    ///
    /// # Errors
    /// Where an array cannot be put together again.
    pub(super) fn restore(
        &self,
        batch: &RecordBatch,
        roots: impl Iterator<Item = usize>,
    ) -> std::result::Result<RecordBatch, ArrowError> {
        let mut columns = Vec::with_capacity(batch.num_columns());
        let mut fields = Vec::with_capacity(batch.num_columns());
        for ((field, array), root) in batch.schema_ref().fields().iter().zip(batch.columns()).zip(roots) {
            let mut rules = self.rules[self.roots[root].clone()].iter();
            let restored =
                leaves(array, &mut |leaf| rules.next().copied().unwrap_or(Rule::Plain).restore(leaf))?;
            fields.push(Field::clone(field).with_data_type(restored.data_type().clone()));
            columns.push(restored);
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
    }
}

/// A node of the schema with the leaves that it holds under the types that they are read as.
fn retyped<'r>(node: &TypePtr, rules: &mut impl Iterator<Item = &'r Rule>) -> Result<TypePtr> {
    if node.is_primitive() {
        return rules.next().copied().unwrap_or(Rule::Plain).leaf(node);
    }
    let info = node.get_basic_info();
    let fields = node.get_fields().iter().map(|field| retyped(field, rules)).collect::<Result<_>>()?;
    let mut builder = Type::group_type_builder(info.name())
        .with_converted_type(info.converted_type())
        .with_logical_type(info.logical_type_ref().cloned())
        .with_id(info.has_id().then(|| info.id()))
        .with_fields(fields);
    if info.has_repetition() {
        builder = builder.with_repetition(info.repetition());
    }
    builder.build().map(Arc::new)
}

/// The array with each of its leaves as `each` makes it, in the order of the schema. An array whose leaves stay as they are is
/// given back.
///
/// # Errors
/// That of `each`, or where the leaves do not fit together.
pub(crate) fn leaves(
    array: &ArrayRef,
    each: &mut impl FnMut(&ArrayRef) -> std::result::Result<ArrayRef, ArrowError>,
) -> std::result::Result<ArrayRef, ArrowError> {
    let typed = |field: &Arc<Field>, array: &ArrayRef| {
        Arc::new(Field::clone(field).with_data_type(array.data_type().clone()))
    };
    Ok(match array.data_type() {
        DataType::Struct(fields) => {
            let group = array.as_struct();
            let columns: Vec<ArrayRef> = group
                .columns()
                .iter()
                .map(|column| leaves(column, each))
                .collect::<std::result::Result<_, _>>()?;
            if columns.iter().zip(group.columns()).all(|(new, old)| new.data_type() == old.data_type()) {
                return Ok(Arc::clone(array));
            }
            let fields: Fields = fields.iter().zip(&columns).map(|(field, it)| typed(field, it)).collect();
            Arc::new(StructArray::try_new(fields, columns, group.nulls().cloned())?)
        }
        DataType::List(field) => {
            let list = array.as_list::<i32>();
            let values = leaves(list.values(), each)?;
            let field = typed(field, &values);
            Arc::new(ListArray::try_new(field, list.offsets().clone(), values, list.nulls().cloned())?)
        }
        DataType::Map(field, sorted) => {
            let map = array.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            let entries = leaves(&entries, each)?;
            let field = typed(field, &entries);
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Arc::new(MapArray::try_new(field, offsets, entries.as_struct().clone(), nulls, *sorted)?)
        }
        _ => each(array)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_iso_8601_as_long_as_the_calendar_goes() {
        assert_eq!(instant(0), "1970-01-01T00:00:00");
        assert_eq!(instant(253_402_214_400_000_000_000), "9999-12-31T00:00:00");
        assert_eq!(instant(-1), "1969-12-31T23:59:59.999999999");
        let last = (i128::from(i32::MAX) - EPOCH) * DAY + 7;
        assert_eq!(instant(last), "Julian day 2147483647 and 7 ns");
    }

    #[test]
    fn twelve_bytes_become_one_instant_or_three_parts() {
        let bytes = |low: u64, high: u32| [low.to_le_bytes().as_slice(), &high.to_le_bytes()].concat();
        let all = [bytes(5, 2_440_589), bytes(0, 0), bytes(u64::MAX, 2_440_588), bytes(0, u32::MAX)];
        let array = FixedSizeBinaryArray::try_from_iter(all.iter()).unwrap();
        let read = int96(&array);
        assert_eq!(*read.data_type(), INT96);
        assert_eq!(read.values()[..], [DAY + 5, -EPOCH * DAY, -1, (-1 - EPOCH) * DAY]);
        let parts = [14_u32.to_le_bytes(), 3_u32.to_le_bytes(), u32::MAX.to_le_bytes()].concat();
        let array = FixedSizeBinaryArray::try_from_iter([parts].iter()).unwrap();
        let milliseconds = i64::from(u32::MAX);
        assert_eq!(interval(&array).value(0), IntervalMonthDayNano::new(14, 3, milliseconds * 1_000_000));
    }

    /// A file with an INT96 in a list, a narrow integer, and text in two row groups, of which the second is not UTF-8.
    fn written(path: &std::path::Path) {
        use parquet::data_type::{ByteArrayType, Int32Type, Int96, Int96Type};
        let schema = "message m {
            optional group times (LIST) { repeated group list { optional int96 element; } }
            required int32 small (INTEGER(8, true));
            required binary text (STRING);
        }";
        let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
        let file = std::fs::File::create(path).unwrap();
        let mut writer =
            parquet::file::writer::SerializedFileWriter::new(file, schema, Arc::default()).unwrap();
        for text in ["one", "tw\u{f6}"] {
            // As Latin-1 has it.
            let text: Vec<u8> = text.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect();
            let mut far = Int96::new();
            far.set_data(5, 0, 5_373_484);
            let mut group = writer.next_row_group().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            let levels: (&[i16], &[i16]) = (&[3, 2], &[0, 1]);
            column.typed::<Int96Type>().write_batch(&[far], Some(levels.0), Some(levels.1)).unwrap();
            column.close().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int32Type>().write_batch(&[300], None, None).unwrap();
            column.close().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&[text.into()], None, None).unwrap();
            column.close().unwrap();
            group.close().unwrap();
        }
        writer.close().unwrap();
    }

    #[test]
    fn what_an_arrow_type_would_change_comes_as_it_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        written(&folder.path().join("a.parquet"));
        let output =
            crate::output::Output::open(reports::document::Role::Candidate, folder.path(), None, &[], true);
        let output = output.unwrap();
        let batches = output.files[0].batches(None, 0).unwrap();
        let batches: Vec<RecordBatch> = batches.map(|it| it.unwrap().batch).collect();
        let types = |column: usize| batches.iter().map(move |it| it.column(column).data_type().clone());
        assert_eq!(types(2).collect::<Vec<_>>(), [DataType::Utf8View, NOT_UTF8]);
        assert_eq!(batches[1].column(2).as_binary::<i64>().value(0), b"tw\xf6");
        for batch in &batches {
            let times = batch.column(0).as_list::<i32>().values();
            assert_eq!(*times.data_type(), INT96);
            let times = times.as_primitive::<arrow::datatypes::Decimal128Type>();
            assert_eq!(
                (instant(times.value(0)).as_str(), times.is_null(1)),
                ("9999-12-31T00:00:00.000000005", true)
            );
            let small = batch.column(1).as_primitive::<arrow::datatypes::Int32Type>();
            assert_eq!(small.value(0), 300);
        }
    }

    #[test]
    fn months_days_and_milliseconds_of_intervals_are_all_there() {
        use arrow::array::{IntervalDayTimeArray, IntervalYearMonthArray};
        use arrow::datatypes::IntervalDayTime;
        let folder = tempfile::tempdir().unwrap();
        let months: ArrayRef = Arc::new(IntervalYearMonthArray::from(vec![Some(14), None]));
        let days = IntervalDayTime::new(3, 7);
        let days: ArrayRef = Arc::new(IntervalDayTimeArray::from(vec![None, Some(days)]));
        let columns = vec![("months", months), ("days", days)];
        crate::output::testing::write(&folder.path().join("a.parquet"), &columns);
        let output =
            crate::output::Output::open(reports::document::Role::Candidate, folder.path(), None, &[], true);
        let batch = output.unwrap().files[0].batches(None, 0).unwrap().next().unwrap().unwrap().batch;
        let read = |column: usize, row: usize| {
            let array = batch.column(column).as_primitive::<arrow::datatypes::IntervalMonthDayNanoType>();
            array.is_valid(row).then(|| array.value(row))
        };
        let of = IntervalMonthDayNano::new;
        assert_eq!([read(0, 0), read(0, 1)], [Some(of(14, 0, 0)), None]);
        assert_eq!([read(1, 0), read(1, 1)], [None, Some(of(0, 3, 7_000_000))]);
    }
}
