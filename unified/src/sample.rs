//! How well rows will compress, told from samples before they are encoded.
//!
//! What a column's rows so far came to says nothing of rows of another kind: a message from a template takes a tenth of the
//! room that random digits do, and both are as long. So the first and the last values of some rows are compressed by
//! themselves, as fast as can be. What such a sample shrinks to means little by itself; by that of rows whose size is
//! known, it tells a jump.
//!
//! Only strings and bytes are sampled, of the columns that make up most of the rows. Cost: a few microseconds a column.

use std::cell::RefCell;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, UInt16Type};
use zstd::bulk::Compressor;

use crate::catalog::{Catalog, ColumnId};
use crate::error::{Error, Result};
use crate::rows::Rows;

/// Bytes of the first values, and of the last ones, that make up a sample, and most rows from which they are taken: a
/// column of so short values that they do not suffice is no large one.
const SAMPLE_BYTES: usize = 1024;
const SAMPLE_ROWS: usize = 64;

/// Columns whose values are a smaller part of all are left out.
const SMALL_PART: f64 = 1.0 / 32.0;

/// Looks for repetitions and for nothing else, in a tenth of the time.
const LEVEL: i32 = -10;

thread_local! {
    /// Expensive to make; it holds nothing from one sample to the next.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// Rows that shrink to so many times what others do are of another kind; so are values of one column, whose samples vary
/// more.
pub(crate) const JUMP: f64 = 1.5;
pub(crate) const COLUMN_JUMP: f64 = 2.0;

/// What a sample of a column tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    pub(crate) id: ColumnId,
    /// The part that it shrinks to.
    pub(crate) ratio: f64,
    /// Bytes of all values of the column, judged by those of the sample.
    bytes: f64,
}

/// Samples of the columns that matter.
pub(crate) fn samples(rows: &Rows, catalog: &Catalog) -> Result<Vec<Sample>> {
    let mut drawn = Vec::with_capacity(rows.columns.len());
    for (id, array) in &rows.columns {
        if catalog.is_coded(*id, array) {
            drawn.extend(Drawn::of_codes(array, &catalog.values(*id)?).map(|drawn| (*id, drawn)));
        } else {
            drawn.extend(Drawn::of(array).map(|drawn| (*id, drawn)));
        }
    }
    let all: f64 = drawn.iter().map(|(_, drawn)| drawn.bytes).sum();
    drawn.retain(|(_, drawn)| drawn.bytes > SMALL_PART * all);
    let sample = |(id, drawn): (ColumnId, Drawn)| {
        let ratio = drawn.shrunk().map_err(|source| Error::internal("compressing a sample", source))?;
        Ok(Sample { id, ratio, bytes: drawn.bytes })
    };
    drawn.into_iter().map(sample).collect()
}

/// The part that all sampled values shrink to like their samples; nothing where there are none.
pub(crate) fn ratio(samples: &[Sample]) -> Option<f64> {
    let bytes: f64 = samples.iter().map(|sample| sample.bytes).sum();
    let shrunk: f64 = samples.iter().map(|sample| sample.ratio * sample.bytes).sum();
    (bytes > 0.0).then(|| shrunk / bytes)
}

/// The values of a sample.
struct Drawn {
    text: Vec<u8>,
    /// Bytes of all values of the column, judged by those drawn.
    bytes: f64,
}

impl Drawn {
    fn of(array: &ArrayRef) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => {
                let array = array.as_string::<i32>();
                Some(Self::draw(array.len(), |row| array.is_valid(row).then(|| array.value(row).as_bytes())))
            }
            DataType::Binary => {
                let array = array.as_binary::<i32>();
                Some(Self::draw(array.len(), |row| array.is_valid(row).then(|| array.value(row))))
            }
            _ => None,
        }
    }

    fn of_codes(codes: &ArrayRef, values: &ArrayRef) -> Option<Self> {
        let codes = codes.as_primitive::<UInt16Type>();
        let code = |row: usize| codes.is_valid(row).then(|| usize::from(codes.value(row)));
        match values.data_type() {
            DataType::Utf8 => {
                let values = values.as_string::<i32>();
                Some(Self::draw(codes.len(), |row| code(row).map(|code| values.value(code).as_bytes())))
            }
            DataType::Binary => {
                let values = values.as_binary::<i32>();
                Some(Self::draw(codes.len(), |row| code(row).map(|code| values.value(code))))
            }
            _ => None,
        }
    }

    /// Draws the first and the last of so many values.
    fn draw<'a>(rows: usize, value: impl Fn(usize) -> Option<&'a [u8]>) -> Self {
        let mut text = Vec::with_capacity(3 * SAMPLE_BYTES);
        let (mut drawn_rows, mut drawn_bytes) = (0, 0);
        let mut draw = |rows: &mut dyn Iterator<Item = usize>| {
            let end = text.len() + SAMPLE_BYTES;
            for row in rows.take(SAMPLE_ROWS) {
                drawn_rows += 1;
                if let Some(value) = value(row) {
                    drawn_bytes += value.len();
                    text.extend_from_slice(&value[..value.len().min(SAMPLE_BYTES)]);
                }
                if text.len() >= end {
                    break;
                }
            }
        };
        draw(&mut (0..rows / 2));
        draw(&mut (rows / 2..rows).rev());
        let bytes = drawn_bytes as f64 * rows as f64 / drawn_rows.max(1) as f64;
        Self { text, bytes }
    }

    /// The part that the values shrink to.
    fn shrunk(&self) -> std::io::Result<f64> {
        if self.text.is_empty() {
            return Ok(1.0);
        }
        COMPRESSOR.with_borrow_mut(|compressor| {
            let compressor = match compressor {
                Some(compressor) => compressor,
                none => none.insert(Compressor::new(LEVEL)?),
            };
            Ok(compressor.compress(&self.text)?.len() as f64 / self.text.len() as f64)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BinaryArray, Int64Array, StringArray};

    use super::*;
    use arrow::datatypes::Field;

    #[test]
    fn what_repeats_weighs_less_than_what_does_not() {
        let mut catalog = Catalog::default();
        for (name, data_type) in
            [("text", DataType::Utf8), ("bytes", DataType::Binary), ("number", DataType::Int64)]
        {
            catalog.note(&Field::new(name, data_type, true), true, "a test").unwrap();
        }
        let text: ArrayRef = Arc::new(StringArray::from_iter(
            (0..500).map(|row| (row % 5 > 0).then(|| format!("request {} took a while", row % 9))),
        ));
        let noise = |row: u64| row.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).to_le_bytes();
        let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values(
            (0..500).map(|row| [noise(row), noise(row * row)].concat()),
        ));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..500));
        let rows = |columns| Rows { columns, keys: Vec::new(), len: 500 };
        let both =
            samples(&rows(vec![(0, text.clone()), (1, bytes), (2, numbers.clone())]), &catalog).unwrap();
        let [of_text, of_bytes] = both[..] else { panic!("{both:?}") };
        assert_eq!((of_text.id, of_bytes.id), (0, 1));
        assert!(of_text.ratio < 0.6 && of_bytes.ratio > 0.9, "{both:?}");
        assert!((of_text.bytes - 400.0 * 22.0).abs() < 200.0 && of_bytes.bytes == 8000.0, "{both:?}");
        let all = ratio(&both).unwrap();
        assert!(of_text.ratio < all && all < of_bytes.ratio);
        assert_eq!(ratio(&samples(&rows(vec![(2, numbers)]), &catalog).unwrap()), None);
    }
}
