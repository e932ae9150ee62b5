//! Single rows of several parts, brought to one place: part by part rather than row by row.
//!
//! Picks that lie in output order name another part with almost every row, so to follow them fetches each value from
//! memory by itself. Sorted by part they are read in order, and what is written instead all over lies in the cache: the
//! output of a column, which is some thousand rows. Ties and gaps do not matter; the result is that of
//! [`interleave`](arrow::compute::interleave).

use std::borrow::Borrow;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanBufferBuilder, GenericByteArray, PrimitiveArray,
    downcast_primitive,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{BinaryType, ByteArrayType, DataType, Utf8Type};
use arrow::error::ArrowError;

use crate::rows::key::Key;

/// Where the picked rows of each part go.
pub(crate) struct Spread {
    /// The row of its part and the place in the output of each pick, part by part.
    moves: Vec<(u32, u32)>,
    /// The moves of each part that has any.
    parts: Vec<(usize, Range<usize>)>,
}

impl Spread {
    /// `picks` are (part, row), in order of the output, of so many parts.
    ///
    /// # Errors
    /// More than 2^32 picks, or rows of a part.
    pub(crate) fn new(picks: &[(usize, usize)], parts: usize) -> Result<Self, ArrowError> {
        let too_many = || ArrowError::InvalidArgumentError("more rows than can be gathered".to_owned());
        u32::try_from(picks.len()).map_err(|_| too_many())?;
        let mut ends = vec![0; parts];
        for (part, row) in picks {
            u32::try_from(*row).map_err(|_| too_many())?;
            ends[*part] += 1;
        }
        let (mut ranges, mut end) = (Vec::new(), 0);
        for (part, count) in ends.iter_mut().enumerate() {
            let start = end;
            end += *count;
            if start < end {
                ranges.push((part, start..end));
            }
            // Moves are filled in from the first, so this becomes the end again.
            *count = start;
        }
        let mut moves = vec![(0, 0); picks.len()];
        for ((part, row), place) in picks.iter().zip(0..) {
            moves[ends[*part]] = (*row as u32, place);
            ends[*part] += 1;
        }
        Ok(Self { moves, parts: ranges })
    }

    /// The picked values of a column that each part has with this type or not at all, which makes them null; nothing if
    /// values of the type are not moved one by one here.
    pub(crate) fn column(
        &self,
        arrays: &[Option<impl Borrow<ArrayRef>>],
        data_type: &DataType,
    ) -> Result<Option<ArrayRef>, ArrowError> {
        macro_rules! numbers {
            ($t:ty) => {
                self.numbers::<$t>(arrays, data_type)
            };
        }
        if arrays.iter().flatten().any(|array| array.borrow().data_type() != data_type) {
            return Ok(None);
        }
        Ok(Some(downcast_primitive! {
            data_type => (numbers),
            DataType::Utf8 => self.strings::<Utf8Type>(arrays)?,
            DataType::Binary => self.strings::<BinaryType>(arrays)?,
            _ => return Ok(None),
        }))
    }

    fn numbers<T: ArrowPrimitiveType>(
        &self,
        arrays: &[Option<impl Borrow<ArrayRef>>],
        data_type: &DataType,
    ) -> ArrayRef {
        let mut values = vec![T::Native::default(); self.moves.len()];
        for (array, moves) in self.present(arrays) {
            let from = array.as_primitive::<T>().values();
            for (row, place) in moves {
                values[*place as usize] = from[*row as usize];
            }
        }
        let array = PrimitiveArray::<T>::new(ScalarBuffer::from(values), self.nulls(arrays));
        Arc::new(array.with_data_type(data_type.clone()))
    }

    fn strings<T: ByteArrayType<Offset = i32>>(
        &self,
        arrays: &[Option<impl Borrow<ArrayRef>>],
    ) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls(arrays);
        let is_null = |place: u32| nulls.as_ref().is_some_and(|nulls| nulls.is_null(place as usize));
        let mut lengths = vec![0; self.moves.len()];
        for (array, moves) in self.present(arrays) {
            let offsets = array.as_bytes::<T>().value_offsets();
            for (row, place) in moves {
                if !is_null(*place) {
                    let row = *row as usize;
                    lengths[*place as usize] = (offsets[row + 1] - offsets[row]) as usize;
                }
            }
        }
        let total: usize = lengths.iter().sum();
        if i32::try_from(total).is_err() {
            return Err(ArrowError::OffsetOverflowError(total));
        }
        let offsets = OffsetBuffer::<i32>::from_lengths(lengths);
        let mut bytes = vec![0; total];
        for (array, moves) in self.present(arrays) {
            let array = array.as_bytes::<T>();
            let (starts, values) = (array.value_offsets(), array.value_data());
            for (row, place) in moves {
                let (to, end) = (offsets[*place as usize] as usize, offsets[*place as usize + 1] as usize);
                let from = starts[*row as usize] as usize;
                bytes[to..end].copy_from_slice(&values[from..from + (end - to)]);
            }
        }
        Ok(Arc::new(GenericByteArray::<T>::try_new(offsets, Buffer::from_vec(bytes), nulls)?))
    }

    /// The picked keys, where `keys_of` has those of each part; none where a part has none.
    pub(crate) fn keys<'a>(&self, keys_of: impl Fn(usize) -> &'a [Key]) -> Vec<Key> {
        let mut picked = vec![None; self.moves.len()];
        for (part, moves) in &self.parts {
            let keys = keys_of(*part);
            if keys.is_empty() {
                return Vec::new();
            }
            for (row, place) in &self.moves[moves.clone()] {
                picked[*place as usize] = keys[*row as usize];
            }
        }
        picked
    }

    /// The parts that have the column, each with the moves of its rows.
    fn present<'a>(
        &'a self,
        arrays: &'a [Option<impl Borrow<ArrayRef>>],
    ) -> impl Iterator<Item = (&'a ArrayRef, &'a [(u32, u32)])> {
        let parts = self.parts.iter();
        parts.filter_map(|(part, moves)| Some((arrays[*part].as_ref()?.borrow(), &self.moves[moves.clone()])))
    }

    fn nulls(&self, arrays: &[Option<impl Borrow<ArrayRef>>]) -> Option<NullBuffer> {
        let mut valid: Option<BooleanBufferBuilder> = None;
        for (part, moves) in &self.parts {
            let nulls = match arrays[*part].as_ref().map(Borrow::borrow) {
                Some(array) if array.null_count() == 0 => continue,
                Some(array) => array.nulls(),
                None => None,
            };
            let valid = valid.get_or_insert_with(|| {
                let mut all = BooleanBufferBuilder::new(self.moves.len());
                all.append_n(self.moves.len(), true);
                all
            });
            for (row, place) in &self.moves[moves.clone()] {
                if nulls.is_none_or(|nulls| nulls.is_null(*row as usize)) {
                    valid.set_bit(*place as usize, false);
                }
            }
        }
        valid.map(|mut valid| NullBuffer::new(valid.finish()))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{BinaryArray, Int64Array, StringArray, TimestampNanosecondArray, UInt16Array};
    use arrow::compute::interleave;
    use proptest::prelude::*;

    use super::*;
    use crate::rows::batch::null_array;

    #[test]
    fn keys_come_along_unless_a_part_has_none() {
        let parts = [vec![Some(1), None, Some(3)], vec![Some(4), Some(5), Some(6)], vec![]];
        let keys =
            |picks: &[(usize, usize)]| Spread::new(picks, parts.len()).unwrap().keys(|part| &parts[part]);
        assert_eq!(keys(&[(1, 2), (0, 1), (0, 0), (1, 0)]), [Some(6), None, Some(1), Some(4)]);
        assert_eq!(keys(&[(1, 2), (2, 0)]), []);
        assert_eq!(keys(&[]), []);
    }

    /// One column of the type in a part of so many rows, nulls among them unless it is the first.
    fn part(data_type: &DataType, number: usize, rows: usize) -> ArrayRef {
        let some = |row: usize| number == 0 || !(row + number).is_multiple_of(3);
        let text = |row: usize| format!("{}{number}/{row}", "ä".repeat(row % 5));
        let texts: StringArray = (0..rows + 2).map(|row| some(row).then(|| text(row))).collect();
        let numbers: Int64Array =
            (0..rows + 2).map(|row| some(row).then_some((1000 * number + row) as i64)).collect();
        let array: ArrayRef = match data_type {
            DataType::Utf8 => Arc::new(texts),
            DataType::Binary => Arc::new(BinaryArray::from(texts)),
            DataType::Int64 => Arc::new(numbers),
            DataType::UInt16 => Arc::new(numbers.unary::<_, arrow::datatypes::UInt16Type>(|n| n as u16)),
            other => arrow::compute::cast(&numbers, other).unwrap(),
        };
        // Parts often are slices of others.
        array.slice(1, rows)
    }

    fn types() -> Vec<DataType> {
        let zoned = TimestampNanosecondArray::from(vec![0]).with_timezone("+01:00").data_type().clone();
        let coded = UInt16Array::from(vec![0]).data_type().clone();
        vec![DataType::Utf8, DataType::Binary, DataType::Int64, coded, DataType::Float64, zoned]
    }

    proptest! {
        #[test]
        fn the_result_is_that_of_interleave(
            lengths in prop::collection::vec((1_usize..20, prop::bool::weighted(0.8)), 1..8),
            picks in prop::collection::vec((0_usize..1000, 0_usize..1000), 0..200),
        ) {
            let picks: Vec<(usize, usize)> = picks
                .into_iter()
                .map(|(part, row)| (part % lengths.len(), row))
                .map(|(part, row)| (part, row % lengths[part].0))
                .collect();
            let spread = Spread::new(&picks, lengths.len()).unwrap();
            for data_type in types() {
                let arrays: Vec<Option<ArrayRef>> = lengths
                    .iter()
                    .enumerate()
                    .map(|(number, (rows, present))| present.then(|| part(&data_type, number, *rows)))
                    .collect();
                let found = spread.column(&arrays, &data_type).unwrap().unwrap();
                let full: Vec<ArrayRef> = arrays
                    .iter()
                    .zip(&lengths)
                    .map(|(array, (rows, _))| array.clone().unwrap_or_else(|| null_array(&data_type, *rows)))
                    .collect();
                let full: Vec<&dyn Array> = full.iter().map(AsRef::as_ref).collect();
                prop_assert_eq!(&found, &interleave(&full, &picks).unwrap());
            }
        }
    }

    #[test]
    fn other_types_and_a_type_that_a_part_does_not_have_are_left_to_others() {
        let spread = Spread::new(&[(0, 1), (1, 0)], 2).unwrap();
        let numbers = [Some(part(&DataType::Int64, 0, 3)), Some(part(&DataType::Utf8, 1, 3))];
        assert!(spread.column(&numbers, &DataType::Int64).unwrap().is_none());
        let booleans = [Some(part(&DataType::Boolean, 0, 3)), None];
        assert!(spread.column(&booleans, &DataType::Boolean).unwrap().is_none());
    }
}
