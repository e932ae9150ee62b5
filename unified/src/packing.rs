//! How the rows of a block of a run are stored.
//!
//! 1. Numbers and codes: each one's distance from the lowest of the block, in as few bytes as the largest takes (none, 1,
//!    2, 4 or 8). Rows of a run are sorted, so times lie close together; constants vanish. Cost: two passes over values
//!    that are in the cache, a fraction of what a general compressor takes to find the same.
//! 2. Strings: their lengths as numbers, their bytes end to end.
//! 3. A column whose bytes shrink well if compressed (random identifiers do not) goes to the part of the block that is
//!    compressed as a whole; the first block of a run that has enough of them tells.
//! 4. Columns of other types go through Arrow IPC, compressed. The *stream* format, because the file format refuses
//!    replaced dictionaries inside nested columns.
//!
//! What a block becomes in memory is one piece, of which the columns are parts: its size is stored with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, GenericByteArray, PrimitiveArray, RecordBatch,
    downcast_primitive,
};
use arrow::buffer::{BooleanBuffer, Buffer, MutableBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{BinaryType, ByteArrayType, DataType, FieldRef, Schema, SchemaRef, Utf8Type};
use arrow::error::ArrowError;
use arrow::ipc::MetadataVersion;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};

use crate::rows::null_array;
use crate::spill::shrinks;

/// Bytes to whose multiples values are aligned in memory: as wide as the widest that is common.
const ALIGNMENT: usize = 16;

/// Fewest bytes of a column that tell whether it shrinks.
const TELLING: usize = 256;

/// Ends a message: the decoder looks at one without a body when more bytes follow.
const END: [u8; 4] = [0; 4];

/// A column of a block has values at all; it has nulls as well; its bytes are in the part that is compressed.
const HAS_VALUES: u8 = 1;
const HAS_NULLS: u8 = 2;
const IS_COMPRESSED: u8 = 4;

/// What is known of how a column shrinks.
const UNKNOWN: u8 = 0;
const SHRINKS: u8 = 1;
const STAYS: u8 = 2;

/// How values of a type are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// So many bytes each.
    Numbers(usize),
    Strings,
    Other,
}

impl Kind {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Utf8 | DataType::Binary => Self::Strings,
            // Intervals of this width are made up of parts of other widths.
            DataType::Interval(_) => Self::Other,
            data_type => match data_type.primitive_width() {
                Some(width @ (1 | 2 | 4 | 8)) => Self::Numbers(width),
                _ => Self::Other,
            },
        }
    }
}

/// Calls a macro with the integer type of so many bytes.
macro_rules! with_integer {
    ($width:expr, $call:ident) => {
        match $width {
            1 => $call!(i8),
            2 => $call!(i16),
            4 => $call!(i32),
            _ => $call!(i64),
        }
    };
}

/// The rows of a block as they are stored.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    /// Stored as it is.
    pub(crate) plain: Vec<u8>,
    /// Worth to be compressed.
    pub(crate) loose: Vec<u8>,
}

impl Packed {
    pub(crate) fn clear(&mut self) {
        self.plain.clear();
        self.loose.clear();
    }

    /// Integers: the width of the distances, the lowest, the distances.
    fn numbers<N: Copy + Into<i64>>(&mut self, values: &[N], compressed: bool) {
        let ends = values.iter().fold((i64::MAX, i64::MIN), |(low, high), value| {
            let value: i64 = (*value).into();
            (low.min(value), high.max(value))
        });
        let (low, width) = if values.is_empty() { (0, 0) } else { (ends.0, width(ends)) };
        self.plain.push(width as u8);
        self.plain.extend(low.to_le_bytes());
        let to = if compressed { &mut self.loose } else { &mut self.plain };
        let start = to.len();
        to.resize(start + width * values.len(), 0);
        let to = &mut to[start..];
        macro_rules! distances {
            ($unsigned:ty) => {
                for (to, value) in to.as_chunks_mut::<{ size_of::<$unsigned>() }>().0.iter_mut().zip(values) {
                    *to = ((*value).into().wrapping_sub(low) as $unsigned).to_le_bytes();
                }
            };
        }
        match width {
            0 => {}
            1 => distances!(u8),
            2 => distances!(u16),
            4 => distances!(u32),
            _ => distances!(u64),
        }
    }
}

/// Bytes that hold the distance of these two.
fn width((low, high): (i64, i64)) -> usize {
    match high.wrapping_sub(low) as u64 {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

/// Packs the rows of one run; threads share it.
pub(crate) struct Packer {
    schema: SchemaRef,
    /// Whether each column shrinks.
    shrinks: Vec<AtomicU8>,
    others: SchemaRef,
}

impl Packer {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        let shrinks = schema.fields().iter().map(|_| AtomicU8::new(UNKNOWN)).collect();
        Self { others: others(&schema), schema, shrinks }
    }

    /// The columns of the run, to be stored before all rows.
    pub(crate) fn columns(&self) -> Result<Vec<u8>, ArrowError> {
        columns(&self.schema)
    }

    /// Packs rows, of which a column may be absent.
    pub(crate) fn pack(
        &self,
        arrays: &[Option<ArrayRef>],
        rows: usize,
        packed: &mut Packed,
    ) -> Result<(), ArrowError> {
        packed.clear();
        packed.plain.extend((rows as u64).to_le_bytes());
        packed.plain.extend([0; 8]);
        let (mut image, mut other) = (0, Vec::with_capacity(self.others.fields().len()));
        for ((array, field), shrinks) in arrays.iter().zip(self.schema.fields()).zip(&self.shrinks) {
            let kind = Kind::of(field.data_type());
            if kind == Kind::Other {
                other.push(array.clone().unwrap_or_else(|| null_array(field.data_type(), rows)));
                continue;
            }
            match array {
                Some(array) if array.null_count() < rows => {
                    image += pack_column(array, kind, shrinks, packed)?;
                }
                _ => packed.plain.push(0),
            }
        }
        packed.plain[8..16].copy_from_slice(&(image as u64).to_le_bytes());
        if !other.is_empty() {
            let mut writer = stream(&self.others)?;
            writer.get_mut().clear();
            writer.write(&RecordBatch::try_new(self.others.clone(), other)?)?;
            packed.loose.extend_from_slice(writer.get_ref());
            packed.loose.extend(END);
        }
        Ok(())
    }
}

/// Packs one column and yields the bytes that it takes in memory.
fn pack_column(
    array: &ArrayRef,
    kind: Kind,
    shrinks: &AtomicU8,
    packed: &mut Packed,
) -> Result<usize, ArrowError> {
    let known = shrinks.load(Ordering::Relaxed);
    let compressed = known == SHRINKS;
    let flags = packed.plain.len();
    packed.plain.push(HAS_VALUES | if compressed { IS_COMPRESSED } else { 0 });
    let mut image = 0;
    if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
        packed.plain[flags] |= HAS_NULLS;
        let bits = nulls.inner().sliced();
        packed.plain.extend_from_slice(&bits[..array.len().div_ceil(8)]);
        image += aligned(array.len().div_ceil(8));
    }
    let start = match kind {
        Kind::Numbers(width) => {
            let data = array.to_data();
            let range = data.offset()..data.offset() + data.len();
            macro_rules! put {
                ($integer:ty) => {
                    packed.numbers(&data.buffers()[0].typed_data::<$integer>()[range], compressed)
                };
            }
            // The width and the lowest come before the distances.
            let start = packed.plain.len() + 9;
            with_integer!(width, put);
            image += aligned(width * array.len());
            start
        }
        _ => {
            let (offsets, bytes) = match array.as_string_opt::<i32>() {
                Some(strings) => (strings.value_offsets(), strings.value_data()),
                None => (array.as_binary::<i32>().value_offsets(), array.as_binary::<i32>().value_data()),
            };
            let lengths: Vec<i32> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
            packed.numbers(&lengths, false);
            let bytes = &bytes[offsets[0] as usize..offsets[lengths.len()] as usize];
            let start = packed.plain.len();
            if compressed { &mut packed.loose } else { &mut packed.plain }.extend_from_slice(bytes);
            image += aligned(4 * offsets.len()) + aligned(bytes.len());
            start
        }
    };
    if known == UNKNOWN && packed.plain.len() - start >= TELLING {
        let bytes = &packed.plain[start..];
        if shrinks_well(bytes)? {
            shrinks.store(SHRINKS, Ordering::Relaxed);
            packed.loose.extend_from_slice(bytes);
            packed.plain.truncate(start);
            packed.plain[flags] |= IS_COMPRESSED;
        } else {
            shrinks.store(STAYS, Ordering::Relaxed);
        }
    }
    Ok(image)
}

fn shrinks_well(bytes: &[u8]) -> Result<bool, ArrowError> {
    shrinks(bytes).map_err(|source| ArrowError::IoError("compressing".to_owned(), source))
}

/// Unpacks the rows of one run.
pub(crate) struct Unpacker {
    schema: SchemaRef,
    others: StreamDecoder,
    /// Where each of the other columns stands in the schema.
    other_places: Vec<usize>,
}

/// Some rows.
#[derive(Debug)]
pub(crate) struct Unpacked {
    /// The columns that have values, by their place among the fields.
    pub(crate) columns: Vec<(usize, ArrayRef)>,
    pub(crate) rows: usize,
    /// Bytes of memory that the columns hold together.
    pub(crate) bytes: usize,
}

/// A column of a block in memory, where its bytes lie.
struct Place {
    column: usize,
    nulls: Option<usize>,
    offsets: usize,
    values: usize,
    /// Bytes of the values.
    len: usize,
}

impl Unpacker {
    /// Takes what [`Packer::columns`] gave.
    pub(crate) fn new(columns: &[u8]) -> Result<Self, ArrowError> {
        let mut decoder = StreamDecoder::new();
        decoder.decode(&mut Buffer::from(columns))?;
        let schema = decoder.schema().ok_or_else(|| broken("its columns are missing"))?;
        let mut decoder = StreamDecoder::new();
        // The message is looked at as soon as another follows.
        decoder.decode(&mut Buffer::from(std::mem::take(stream(&others(&schema))?.get_mut())))?;
        let is_other = |index: &usize| Kind::of(schema.field(*index).data_type()) == Kind::Other;
        let other_places = (0..schema.fields().len()).filter(is_other).collect();
        Ok(Self { schema, others: decoder, other_places })
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &FieldRef> {
        self.schema.fields().iter()
    }

    /// The rows of a block that [`Packer::pack`] made.
    pub(crate) fn unpack(&mut self, plain: &[u8], loose: &[u8]) -> Result<Unpacked, ArrowError> {
        let (mut plain, mut loose) = (Bytes(plain), Bytes(loose));
        let rows = plain.count()?;
        let mut image = MutableBuffer::with_capacity(plain.count()?);
        let mut places = Vec::with_capacity(self.schema.fields().len());
        for (column, field) in self.schema.fields().iter().enumerate() {
            let kind = Kind::of(field.data_type());
            if kind == Kind::Other {
                continue;
            }
            let flags = plain.byte()?;
            if flags & HAS_VALUES != 0 {
                let place = unpack_column(flags, kind, rows, &mut plain, &mut loose, &mut image)?;
                places.push(Place { column, ..place });
            }
        }
        let image = Buffer::from(image);
        let mut bytes = image.capacity();
        let mut columns = Vec::with_capacity(places.len() + self.other_places.len());
        for place in places {
            let array = column(&image, &place, self.schema.field(place.column).data_type(), rows)?;
            columns.push((place.column, array));
        }
        if !self.other_places.is_empty() {
            let mut rest = Buffer::from(loose.0);
            bytes += rest.len();
            let batch =
                self.others.decode(&mut rest)?.ok_or_else(|| broken("some of its columns are missing"))?;
            let others = self.other_places.iter().zip(batch.columns());
            columns.extend(others.map(|(place, array)| (*place, array.clone())));
            columns.sort_unstable_by_key(|(place, _)| *place);
        }
        Ok(Unpacked { columns, rows, bytes })
    }
}

/// Brings one column to the end of the image.
fn unpack_column<'a>(
    flags: u8,
    kind: Kind,
    rows: usize,
    plain: &mut Bytes<'a>,
    loose: &mut Bytes<'a>,
    image: &mut MutableBuffer,
) -> Result<Place, ArrowError> {
    let nulls = match flags & HAS_NULLS {
        0 => None,
        _ => Some(append(image, plain.take(rows.div_ceil(8))?)),
    };
    let compressed = flags & IS_COMPRESSED != 0;
    let start = image.len();
    if let Kind::Numbers(width) = kind {
        let low = Low::take(plain)?;
        let distances = if compressed { loose } else { plain }.take(low.bytes(rows)?)?;
        let to = grown(image, width.checked_mul(rows).ok_or_else(|| broken("it is too large"))?);
        macro_rules! numbers {
            ($integer:ty) => {
                low.add::<{ size_of::<$integer>() }>(distances, to, |value| (value as $integer).to_ne_bytes())
            };
        }
        with_integer!(width, numbers);
        return Ok(Place { column: 0, nulls, offsets: 0, values: start, len: width * rows });
    }
    let low = Low::take(plain)?;
    let lengths = plain.take(low.bytes(rows)?)?;
    let to = grown(image, 4 * (rows + 1));
    low.add::<4>(lengths, &mut to[4..], |value| (value as i32).to_ne_bytes());
    let mut end = 0_i32;
    for offset in to.as_chunks_mut::<4>().0 {
        let length = i32::from_ne_bytes(*offset);
        end = end.checked_add(length).filter(|_| length >= 0).ok_or_else(|| broken("a length is wrong"))?;
        *offset = end.to_ne_bytes();
    }
    let bytes = if compressed { loose } else { plain }.take(end as usize)?;
    let values = append(image, bytes);
    Ok(Place { column: 0, nulls, offsets: start, values, len: bytes.len() })
}

/// An array over parts of the image.
fn column(image: &Buffer, place: &Place, data_type: &DataType, rows: usize) -> Result<ArrayRef, ArrowError> {
    fn numbers<T: ArrowPrimitiveType>(
        image: &Buffer,
        at: usize,
        rows: usize,
        nulls: Option<NullBuffer>,
        data_type: &DataType,
    ) -> ArrayRef {
        let values = ScalarBuffer::new(image.slice(at), 0, rows);
        Arc::new(PrimitiveArray::<T>::new(values, nulls).with_data_type(data_type.clone()))
    }
    fn strings<T: ByteArrayType<Offset = i32>>(
        image: &Buffer,
        place: &Place,
        rows: usize,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, ArrowError> {
        let offsets = OffsetBuffer::new(ScalarBuffer::new(image.slice(place.offsets), 0, rows + 1));
        let values = image.slice_with_length(place.values, place.len);
        Ok(Arc::new(GenericByteArray::<T>::try_new(offsets, values, nulls)?))
    }
    let nulls = place.nulls.map(|at| NullBuffer::new(BooleanBuffer::new(image.clone(), 8 * at, rows)));
    macro_rules! as_numbers {
        ($t:ty) => {
            Ok(numbers::<$t>(image, place.values, rows, nulls, data_type))
        };
    }
    downcast_primitive! {
        data_type => (as_numbers),
        DataType::Utf8 => strings::<Utf8Type>(image, place, rows, nulls),
        _ => strings::<BinaryType>(image, place, rows, nulls),
    }
}

/// The lowest of some numbers and the width of their distances from it.
struct Low {
    width: usize,
    lowest: i64,
}

impl Low {
    fn take(plain: &mut Bytes<'_>) -> Result<Self, ArrowError> {
        let width = usize::from(plain.byte()?);
        let lowest = plain.take(8)?.try_into().map(i64::from_le_bytes).unwrap_or_default();
        Ok(Self { width, lowest })
    }

    /// Bytes of so many distances.
    fn bytes(&self, count: usize) -> Result<usize, ArrowError> {
        self.width.checked_mul(count).ok_or_else(|| broken("it is too large"))
    }

    /// Writes each number, in so many bytes.
    fn add<const WIDTH: usize>(&self, distances: &[u8], to: &mut [u8], bytes: impl Fn(i64) -> [u8; WIDTH]) {
        let to = to.as_chunks_mut::<WIDTH>().0;
        macro_rules! numbers {
            ($unsigned:ty) => {
                for (to, distance) in to.iter_mut().zip(distances.as_chunks().0) {
                    *to = bytes(self.lowest.wrapping_add(<$unsigned>::from_le_bytes(*distance) as i64));
                }
            };
        }
        match self.width {
            0 => to.fill(bytes(self.lowest)),
            1 => numbers!(u8),
            2 => numbers!(u16),
            4 => numbers!(u32),
            _ => numbers!(u64),
        }
    }
}

/// Bytes that are read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], ArrowError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| broken("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, ArrowError> {
        Ok(self.take(1)?[0])
    }

    fn count(&mut self) -> Result<usize, ArrowError> {
        let count = self.take(8)?.try_into().map(u64::from_le_bytes).unwrap_or_default();
        usize::try_from(count).map_err(|_| broken("it is too large"))
    }
}

fn broken(what: &str) -> ArrowError {
    let source = std::io::Error::new(std::io::ErrorKind::InvalidData, format!("a block is broken: {what}"));
    ArrowError::IoError("unpacking".to_owned(), source)
}

fn aligned(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT)
}

/// Adds so many bytes to the end, and what keeps the next ones aligned.
fn grown(image: &mut MutableBuffer, bytes: usize) -> &mut [u8] {
    let start = image.len();
    image.resize(start + aligned(bytes), 0);
    &mut image.as_slice_mut()[start..start + bytes]
}

/// The place where the bytes begin.
fn append(image: &mut MutableBuffer, bytes: &[u8]) -> usize {
    let start = image.len();
    image.extend_from_slice(bytes);
    image.resize(start + aligned(bytes.len()), 0);
    start
}

/// The columns that go through Arrow IPC.
fn others(schema: &Schema) -> SchemaRef {
    let others = schema.fields().iter().filter(|field| Kind::of(field.data_type()) == Kind::Other);
    Arc::new(Schema::new(others.cloned().collect::<Vec<FieldRef>>()))
}

/// The columns as a message.
fn columns(schema: &Schema) -> Result<Vec<u8>, ArrowError> {
    let mut columns = std::mem::take(stream(schema)?.get_mut());
    columns.extend(END);
    Ok(columns)
}

/// A stream, which has its columns already.
fn stream(schema: &Schema) -> Result<StreamWriter<Vec<u8>>, ArrowError> {
    let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
    StreamWriter::try_new_with_options(Vec::new(), schema, options)
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, ListArray, StringArray,
        UInt16Array, UInt64Array,
    };
    use arrow::compute::cast;
    use arrow::datatypes::{Field, Int64Type, TimeUnit};
    use proptest::prelude::*;

    use super::*;

    /// Packs the columns as one block and yields them unpacked, a column without values as nothing, and the parts' sizes.
    fn through(
        arrays: Vec<Option<ArrayRef>>,
        types: &[DataType],
        rows: usize,
    ) -> (Vec<Option<ArrayRef>>, [usize; 2]) {
        let fields: Vec<Field> =
            types.iter().map(|data_type| Field::new("c", data_type.clone(), true)).collect();
        let packer = Packer::new(Arc::new(Schema::new(fields)));
        let mut packed = Packed::default();
        packer.pack(&arrays, rows, &mut packed).unwrap();
        let mut unpacker = Unpacker::new(&packer.columns().unwrap()).unwrap();
        let found = unpacker.unpack(&packed.plain, &packed.loose).unwrap();
        assert_eq!(found.rows, rows);
        let mut columns = vec![None; types.len()];
        found.columns.into_iter().for_each(|(place, array)| columns[place] = Some(array));
        (columns, [packed.plain.len(), packed.loose.len()])
    }

    fn types() -> Vec<DataType> {
        use DataType::*;
        let zoned = Timestamp(TimeUnit::Nanosecond, Some("+01:00".into()));
        vec![
            Int8,
            Int16,
            Int32,
            Int64,
            UInt8,
            UInt16,
            UInt32,
            UInt64,
            Float32,
            Float64,
            Boolean,
            Utf8,
            Binary,
            zoned,
            Decimal128(20, 2),
            LargeUtf8,
            Date32,
        ]
    }

    /// Values of any type out of numbers.
    fn values(numbers: &[Option<i64>], data_type: &DataType) -> ArrayRef {
        let numbers = Int64Array::from(numbers.to_vec());
        match data_type {
            DataType::Binary => cast(&cast(&numbers, &DataType::Utf8).unwrap(), data_type).unwrap(),
            DataType::Boolean => {
                Arc::new(numbers.iter().map(|n| n.map(|n| n % 2 == 0)).collect::<BooleanArray>())
            }
            DataType::Date32 => cast(&cast(&numbers, &DataType::Int32).unwrap(), data_type).unwrap(),
            // What does not fit becomes null.
            other => cast(&numbers, other).unwrap(),
        }
    }

    proptest! {
        #[test]
        fn rows_come_back_as_they_were(
            numbers in prop::collection::vec(prop::option::weighted(0.9, any::<i64>()), 1..300),
            shift in 0_u32..64,
            skip in 0_usize..5,
            absent in prop::collection::vec(prop::bool::weighted(0.2), 17),
        ) {
            let numbers: Vec<Option<i64>> = numbers.into_iter().map(|n| n.map(|n| n >> shift)).collect();
            let skip = skip.min(numbers.len() - 1);
            let rows = numbers.len() - skip;
            let arrays: Vec<Option<ArrayRef>> = types()
                .iter()
                .zip(&absent)
                .map(|(data_type, absent)| (!absent).then(|| values(&numbers, data_type).slice(skip, rows)))
                .collect();
            let (found, _) = through(arrays.clone(), &types(), rows);
            for ((found, expected), data_type) in found.iter().zip(&arrays).zip(types()) {
                let nulls = null_array(&data_type, rows);
                prop_assert_eq!(found.as_ref().unwrap_or(&nulls), expected.as_ref().unwrap_or(&nulls));
            }
        }
    }

    #[test]
    fn the_ends_of_the_ranges_come_back() {
        let ints: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, i64::MIN, 0, -1]));
        let unsigned: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1 << 63, 7]));
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, -0.0, f64::NEG_INFINITY, 5e-324]));
        let decimals: ArrayRef = Arc::new(Decimal128Array::from(vec![i128::MAX, i128::MIN, 0, 1]));
        let arrays = vec![ints, unsigned, floats, decimals];
        let types: Vec<DataType> = arrays.iter().map(|array| array.data_type().clone()).collect();
        let (found, _) = through(arrays.iter().cloned().map(Some).collect(), &types, 4);
        for (found, expected) in found.iter().zip(&arrays) {
            // By their bits: a NaN is not equal to itself.
            assert_eq!(found.as_ref().unwrap().to_data().buffers()[0], expected.to_data().buffers()[0]);
        }
    }

    #[test]
    fn numbers_take_as_few_bytes_as_they_need() {
        let size = |array: ArrayRef| {
            let rows = array.len();
            through(vec![Some(array.clone())], &[array.data_type().clone()], rows).1
        };
        // The counts, what the column has, the width and the lowest.
        let head = 16 + 1 + 9;
        let ints = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        let far = 1_754_006_400_000;
        assert_eq!(size(ints(vec![far; 100])), [head, 0]);
        assert_eq!(size(ints((far..far + 100).collect())), [head + 100, 0]);
        assert_eq!(size(ints((0..100).map(|n| far + 600 * n).collect())), [head + 200, 0]);
        assert_eq!(size(Arc::new(UInt16Array::from(vec![60_000, 60_001]))), [head + 2, 0]);
    }

    #[test]
    fn only_columns_that_shrink_are_to_be_compressed() {
        let same: ArrayRef = Arc::new(StringArray::from(vec!["the same as ever, and some more of it"; 50]));
        let noise = (0..50_u64).map(|n| {
            let words =
                [1, 2, 3, 4].map(|word| (4 * n + word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
            words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()
        });
        let noise: ArrayRef = Arc::new(BinaryArray::from_iter_values(noise));
        let types = [DataType::Utf8, DataType::Binary];
        let (found, [plain, loose]) = through(vec![Some(same.clone()), Some(noise.clone())], &types, 50);
        assert_eq!(found, [Some(same), Some(noise)]);
        assert_eq!((plain, loose), (16 + 2 * (1 + 9 + 0) + 32 * 50, 37 * 50));
    }

    #[test]
    fn nested_columns_and_rows_without_columns_come_back() {
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
        ]);
        let types = [lists.data_type().clone(), DataType::Int64];
        let lists: ArrayRef = Arc::new(lists);
        let (found, _) = through(vec![Some(lists.clone()), None], &types, 3);
        assert_eq!(found, [Some(lists), None]);
        assert_eq!(through(vec![], &[], 7).0, []);
    }

    #[test]
    fn a_block_that_ends_too_early_is_an_error() {
        let array: ArrayRef = Arc::new(StringArray::from(vec![Some("one"), None, Some("three")]));
        let schema = Schema::new(vec![Field::new("c", DataType::Utf8, true)]);
        let packer = Packer::new(Arc::new(schema));
        let mut packed = Packed::default();
        packer.pack(&[Some(array)], 3, &mut packed).unwrap();
        let mut unpacker = Unpacker::new(&packer.columns().unwrap()).unwrap();
        for end in 0..packed.plain.len() {
            assert!(unpacker.unpack(&packed.plain[..end], &packed.loose).is_err(), "{end}");
        }
        assert!(Unpacker::new(&[]).is_err());
    }
}
