//! Columns of fixed width of many batches, laid end to end while rows wait to be sorted.
//!
//! Codes and numbers leave their batches as they arrive: one piece for each column is quick to gather from, and the many
//! small arrays are gone at once. A column that a batch lacks is padded with nulls. A column that changes its form (coded
//! first, plain later) stays in its batches from then on; [`Whole::give_back`] brings the two together again.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayData, ArrayRef, BooleanBufferBuilder, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::error::{Error, Result};
use crate::memory_plan::FEW_COLUMNS;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::ColumnId;

/// The columns of some buffered rows.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    rows: usize,
    columns: BTreeMap<ColumnId, Growing>,
}

/// Values of one width, as bare bits.
#[derive(Debug)]
enum Values {
    One(Vec<u8>),
    Two(Vec<u16>),
    Four(Vec<u32>),
    Eight(Vec<u64>),
    Sixteen(Vec<i128>),
}

/// Calls a method on the vector of whatever width.
macro_rules! with_values {
    ($values:expr, $vector:ident => $body:expr) => {
        match $values {
            Values::One($vector) => $body,
            Values::Two($vector) => $body,
            Values::Four($vector) => $body,
            Values::Eight($vector) => $body,
            Values::Sixteen($vector) => $body,
        }
    };
}

/// One column.
#[derive(Debug)]
struct Growing {
    data_type: DataType,
    values: Values,
    width: usize,
    /// Which rows have a value; absent while all have.
    valid: Option<BooleanBufferBuilder>,
}

impl Growing {
    fn new(data_type: &DataType) -> Option<Self> {
        let width = data_type.primitive_width()?;
        let values = match width {
            1 => Values::One(Vec::new()),
            2 => Values::Two(Vec::new()),
            4 => Values::Four(Vec::new()),
            8 => Values::Eight(Vec::new()),
            // Intervals of this width are made up of parts of other widths.
            16 if matches!(data_type, DataType::Decimal128(..)) => Values::Sixteen(Vec::new()),
            _ => return None,
        };
        Some(Self { data_type: data_type.clone(), values, width, valid: None })
    }

    fn len(&self) -> usize {
        with_values!(&self.values, vector => vector.len())
    }

    fn valid(&mut self, len: usize) -> &mut BooleanBufferBuilder {
        self.valid.get_or_insert_with(|| {
            let mut valid = BooleanBufferBuilder::new(len);
            valid.append_n(len, true);
            valid
        })
    }

    /// Adds nulls until there are so many rows.
    fn pad(&mut self, rows: usize) {
        let len = self.len();
        if len < rows {
            self.valid(len).append_n(rows - len, false);
            with_values!(&mut self.values, vector => vector.resize(rows, 0));
        }
    }

    /// Bytes that there is room for.
    fn room(&self) -> usize {
        with_values!(&self.values, vector => vector.capacity() * self.width)
    }

    /// Adds values; where columns are `many`, without room for as many once more.
    fn append(&mut self, array: &ArrayRef, many: bool) {
        let data = array.to_data();
        let len = self.len();
        match data.nulls().filter(|nulls| nulls.null_count() > 0) {
            Some(nulls) => self.valid(len).append_buffer(nulls.inner()),
            None => {
                if let Some(valid) = &mut self.valid {
                    valid.append_n(data.len(), true);
                }
            }
        }
        let range = data.offset()..data.offset() + data.len();
        with_values!(&mut self.values, vector => {
            if many && vector.capacity() - vector.len() < range.len() {
                vector.reserve_exact(range.len().max(vector.len() / 4));
            }
            vector.extend_from_slice(&data.buffers()[0].typed_data()[range]);
        });
    }

    fn finish(self) -> std::result::Result<ArrayRef, ArrowError> {
        let len = self.len();
        let buffer = with_values!(self.values, vector => Buffer::from_vec(vector));
        let nulls = self.valid.map(|mut valid| {
            let bits: BooleanBuffer = valid.finish();
            NullBuffer::new(bits)
        });
        let data = ArrayData::builder(self.data_type).len(len).add_buffer(buffer).nulls(nulls).build()?;
        Ok(make_array(data))
    }
}

impl Whole {
    /// Bytes of memory. A few columns are large blocks, whose spare room is never touched; of many it lies in memory that was used before.
    pub(crate) fn memory(&self) -> usize {
        let many = self.are_many();
        self.columns
            .values()
            .map(|column| if many { column.room() } else { column.len() * column.width })
            .sum()
    }

    fn are_many(&self) -> bool {
        self.columns.len() as u64 > FEW_COLUMNS
    }

    /// Takes the columns of fixed width out of rows that come next.
    pub(crate) fn take(&mut self, rows: &mut Rows) {
        let (before, many) = (self.rows, self.are_many() || rows.columns.len() as u64 > FEW_COLUMNS);
        let columns = &mut self.columns;
        rows.columns.retain(|(id, array)| {
            if !columns.contains_key(id) {
                match Growing::new(array.data_type()) {
                    Some(fresh) => columns.insert(*id, fresh),
                    None => return true,
                };
            }
            match columns.get_mut(id) {
                Some(column) if column.data_type == *array.data_type() => {
                    column.pad(before);
                    column.append(array, many);
                    false
                }
                _ => true,
            }
        });
        self.rows += rows.len;
    }

    /// The columns, all of the same length.
    pub(crate) fn finish(self) -> Result<Vec<(ColumnId, ArrayRef)>> {
        let rows = self.rows;
        self.columns
            .into_iter()
            .map(|(id, mut column)| {
                column.pad(rows);
                Ok((id, column.finish()?))
            })
            .collect::<std::result::Result<_, ArrowError>>()
            .map_err(|source| Error::internal("joining batches", source))
    }

    /// Gives columns that some of the parts still hold back to the others, as plain values. `parts` are all the rows
    /// that were taken from, in order.
    pub(crate) fn give_back(
        columns: &mut Vec<(ColumnId, ArrayRef)>,
        parts: &mut [Rows],
        catalog: &Catalog,
    ) -> Result<()> {
        let mut kept = Vec::with_capacity(columns.len());
        for (id, array) in columns.drain(..) {
            if !parts.iter().any(|part| part.column(id).is_some()) {
                kept.push((id, array));
                continue;
            }
            let mut start = 0;
            for part in parts.iter_mut() {
                if part.column(id).is_none() {
                    let values = catalog.resolved(id, &array.slice(start, part.len))?;
                    if values.null_count() < values.len() {
                        part.put(id, values);
                    }
                }
                start += part.len;
            }
        }
        *columns = kept;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Float64Array, Int64Array, StringArray};
    use arrow::datatypes::{Float64Type, Int64Type};

    use super::*;

    fn rows(columns: Vec<(ColumnId, ArrayRef)>) -> Rows {
        Rows { len: columns[0].1.len(), columns, keys: Vec::new() }
    }

    #[test]
    fn many_columns_have_little_spare_room_and_it_counts() {
        let mut whole = Whole::default();
        let batch = |rows: i64| {
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
            super::tests::rows((0..40).map(|id| (id, column.clone())).collect())
        };
        let mut all = 0;
        for count in [3000, 3100, 2900, 3000, 2000, 3300] {
            whole.take(&mut batch(count));
            all += count as usize;
            let (memory, values) = (whole.memory(), all * 40 * 8);
            let room: usize = whole.columns.values().map(Growing::room).sum();
            assert_eq!(memory, room);
            assert!((values..=values / 4 * 5).contains(&memory), "{memory} for {values}");
        }
    }

    #[test]
    fn columns_grow_and_gaps_become_nulls() {
        let mut whole = Whole::default();
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let mut first = rows(vec![(0, Arc::new(Int64Array::from(vec![1, 2]))), (1, text)]);
        whole.take(&mut first);
        assert_eq!(first.columns.len(), 1, "text stays where it is");
        let late: ArrayRef = Arc::new(Float64Array::from(vec![None, Some(0.5)]));
        whole.take(&mut rows(vec![(2, late.clone())]));
        whole.take(&mut rows(vec![(0, Arc::new(Int64Array::from(vec![9, 3]).slice(1, 1)))]));
        assert_eq!(whole.memory(), 5 * 8 + 4 * 8);
        let columns = whole.finish().unwrap();
        let ints: Vec<_> = columns[0].1.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(ints, [Some(1), Some(2), None, None, Some(3)]);
        let floats: Vec<_> = columns[1].1.as_primitive::<Float64Type>().iter().collect();
        assert_eq!(floats, [None, None, None, Some(0.5), None]);
    }
}
