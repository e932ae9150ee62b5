//! From bytes to rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, GenericByteArray, PrimitiveArray, downcast_primitive};
use arrow::buffer::{BooleanBuffer, Buffer, MutableBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{BinaryType, ByteArrayType, DataType, FieldRef, SchemaRef, Utf8Type};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;

use super::format::{HAS_NULLS, HAS_VALUES, IS_COMPRESSED, Kind, aligned, others, stream, with_integer};

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
    pub(crate) fn unpack(&mut self, plain: &[u8], compressible: &[u8]) -> Result<Unpacked, ArrowError> {
        let (mut plain, mut compressible) = (Bytes(plain), Bytes(compressible));
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
                let place = unpack_column(flags, kind, rows, &mut plain, &mut compressible, &mut image)?;
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
            let mut rest = Buffer::from(compressible.0);
            bytes += rest.len();
            let batch =
                self.others.decode(&mut rest)?.ok_or_else(|| broken("some of its columns are missing"))?;
            if batch.num_rows() != rows {
                return Err(broken("its columns differ in length"));
            }
            let others = self.other_places.iter().zip(batch.columns());
            columns.extend(others.map(|(place, array)| (*place, array.clone())));
            columns.sort_unstable_by_key(|(place, _)| *place);
        }
        // What is left over belongs to a column that was read wrongly.
        if !plain.0.is_empty() || (self.other_places.is_empty() && !compressible.0.is_empty()) {
            return Err(broken("it has more than its columns"));
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
    compressible: &mut Bytes<'a>,
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
        let distances = if compressed { compressible } else { plain }.take(low.bytes(rows)?)?;
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
    let bytes = if compressed { compressible } else { plain }.take(end as usize)?;
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
