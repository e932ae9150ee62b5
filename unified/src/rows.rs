//! Rows on their way through the writer: columns by number, only those with a value, and the sort key of each row.
//!
//! Columns that a batch lacks are not materialised as nulls until rows of several batches meet.

use std::borrow::Borrow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, new_null_array};
use arrow::compute::{concat, filter, interleave};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;

use crate::catalog::{Catalog, ColumnId};
use crate::error::{Error, Result};
use crate::key::Key;

/// Bytes of bookkeeping that a buffered row costs beside its values: its key and its entry in the sort order.
const ROW_OVERHEAD: usize = 40;

/// Some rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    /// Columns by ascending number. A column that is absent is null in all rows.
    pub(crate) columns: Vec<(ColumnId, ArrayRef)>,
    /// Sort key of each row.
    pub(crate) keys: Vec<Key>,
    /// Number of rows.
    pub(crate) len: usize,
}

impl Rows {
    pub(crate) fn column(&self, id: ColumnId) -> Option<&ArrayRef> {
        self.columns.binary_search_by_key(&id, |(id, _)| *id).ok().map(|at| &self.columns[at].1)
    }

    pub(crate) fn slice(&self, from: usize, len: usize) -> Self {
        if from == 0 && len == self.len {
            return self.clone();
        }
        Self {
            columns: self.columns.iter().map(|(id, array)| (*id, array.slice(from, len))).collect(),
            keys: self.keys[from..from + len].to_vec(),
            len,
        }
    }

    /// Bytes of memory that these rows hold on to.
    pub(crate) fn memory(&self) -> usize {
        let columns: usize = self.columns.iter().map(|(_, array)| array.get_array_memory_size()).sum();
        columns + self.len * ROW_OVERHEAD
    }

    /// Bytes of the values of variable length: what makes one row heavier than another.
    pub(crate) fn value_bytes(&self) -> usize {
        self.columns.iter().map(|(_, array)| value_bytes(array)).sum()
    }

    /// [`Self::value_bytes`] of each row.
    pub(crate) fn value_bytes_by_row(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.len];
        for (_, array) in &self.columns {
            add_value_bytes(array, &mut sizes);
        }
        sizes
    }

    /// Only the rows that are wanted.
    pub(crate) fn retain(&self, wanted: &[bool]) -> Result<Self> {
        let mask = arrow::array::BooleanArray::from(wanted.to_vec());
        let columns = self
            .columns
            .iter()
            .map(|(id, array)| Ok((*id, filter(array, &mask)?)))
            .collect::<std::result::Result<Vec<_>, ArrowError>>()
            .map_err(|source| Error::internal("dropping rows", source))?;
        let keys: Vec<Key> =
            self.keys.iter().zip(wanted).filter_map(|(key, wanted)| wanted.then_some(*key)).collect();
        Ok(Self { columns, len: keys.len(), keys }.without_empty_columns())
    }

    /// The same without columns that are null in all rows, so that the result does not depend on how rows were cut
    /// into batches before.
    pub(crate) fn without_empty_columns(mut self) -> Self {
        self.columns.retain(|(_, array)| array.logical_null_count() < array.len());
        self
    }

    /// The same under the columns' names.
    pub(crate) fn into_batch(self, catalog: &Catalog) -> Result<RecordBatch> {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|(id, array)| Field::new(catalog.name(*id), array.data_type().clone(), true))
            .collect();
        let arrays = self.columns.into_iter().map(|(_, array)| array).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|source| Error::internal("building a batch", source))
    }

    /// Joins rows end to end.
    pub(crate) fn concat(parts: &[Self], catalog: &Catalog) -> Result<Self> {
        if let [only] = parts {
            return Ok(only.clone());
        }
        let mut columns = Vec::new();
        for id in union(parts.iter()) {
            let arrays: Vec<ArrayRef> = parts
                .iter()
                .map(|part| {
                    part.column(id).cloned().unwrap_or_else(|| null_array(catalog.data_type(id), part.len))
                })
                .collect();
            let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
            columns.push((id, concat(&arrays).map_err(|source| Error::internal("joining batches", source))?));
        }
        Ok(Self {
            columns,
            keys: parts.iter().flat_map(|part| part.keys.iter().copied()).collect(),
            len: parts.iter().map(|part| part.len).sum(),
        })
    }

    /// Gathers single rows, given as (part, row), in the order given.
    pub(crate) fn gather<R: Borrow<Self>>(
        parts: &[R],
        picks: &[(usize, usize)],
        catalog: &Catalog,
    ) -> Result<Self> {
        let mut columns = Vec::new();
        for id in union(parts.iter().map(Borrow::borrow)) {
            let mut arrays: Vec<&dyn Array> = Vec::with_capacity(parts.len());
            let null = null_array(catalog.data_type(id), 1);
            let mut lacking = false;
            for part in parts {
                let array = part.borrow().column(id);
                lacking |= array.is_none();
                arrays.push(array.map_or(null.as_ref(), AsRef::as_ref));
            }
            let gathered = if lacking {
                // A part without the column is represented by a single null.
                let remapped: Vec<(usize, usize)> = picks
                    .iter()
                    .map(|&(part, row)| {
                        (part, if parts[part].borrow().column(id).is_some() { row } else { 0 })
                    })
                    .collect();
                interleave(&arrays, &remapped)
            } else {
                interleave(&arrays, picks)
            };
            columns.push((id, gathered.map_err(|source| Error::internal("gathering rows", source))?));
        }
        let keys = picks.iter().map(|&(part, row)| parts[part].borrow().keys[row]).collect();
        Ok(Self { columns, keys, len: picks.len() })
    }
}

pub(crate) fn null_array(data_type: &DataType, len: usize) -> ArrayRef {
    new_null_array(data_type, len)
}

/// All columns of some rows, ascending.
pub(crate) fn union<'a>(parts: impl Iterator<Item = &'a Rows>) -> Vec<ColumnId> {
    let mut ids = std::collections::BTreeSet::new();
    for part in parts {
        ids.extend(part.columns.iter().map(|(id, _)| *id));
    }
    ids.into_iter().collect()
}

fn value_bytes(array: &ArrayRef) -> usize {
    fn span(offsets: &[i32]) -> usize {
        match (offsets.first(), offsets.last()) {
            (Some(first), Some(last)) => (last - first) as usize,
            _ => 0,
        }
    }
    match array.data_type() {
        DataType::Utf8 => span(array.as_string::<i32>().value_offsets()),
        DataType::Binary => span(array.as_binary::<i32>().value_offsets()),
        data_type if data_type.is_nested() => {
            let mut sizes = vec![0; array.len()];
            add_value_bytes(array, &mut sizes);
            sizes.iter().sum()
        }
        _ => 0,
    }
}

/// Adds each row's bytes. Values of fixed width count only inside nested columns, where a row may hold many of them.
fn add_value_bytes(array: &ArrayRef, sizes: &mut [usize]) {
    fn add_spans(offsets: &[i32], sizes: &mut [usize]) {
        for (size, pair) in sizes.iter_mut().zip(offsets.windows(2)) {
            *size += (pair[1] - pair[0]) as usize;
        }
    }
    match array.data_type() {
        DataType::Utf8 => add_spans(array.as_string::<i32>().value_offsets(), sizes),
        DataType::Binary => add_spans(array.as_binary::<i32>().value_offsets(), sizes),
        DataType::Struct(_) => {
            array.as_struct().columns().iter().for_each(|child| add_value_bytes(child, sizes));
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            add_child_bytes(list.values(), list.value_offsets().iter().map(|&o| o as usize), sizes);
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            add_child_bytes(list.values(), list.value_offsets().iter().map(|&o| o as usize), sizes);
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            add_child_bytes(&entries, map.value_offsets().iter().map(|&o| o as usize), sizes);
        }
        DataType::FixedSizeList(_, width) => {
            let list = array.as_fixed_size_list();
            let width = *width as usize;
            add_child_bytes(list.values(), (0..=list.len()).map(|row| row * width), sizes);
        }
        _ => {}
    }
}

fn add_child_bytes(child: &ArrayRef, offsets: impl Iterator<Item = usize>, sizes: &mut [usize]) {
    // 16: no value of fixed width is much wider.
    let mut inner = vec![16; child.len()];
    add_value_bytes(child, &mut inner);
    let mut offsets = offsets;
    let Some(mut start) = offsets.next() else { return };
    for (size, end) in sizes.iter_mut().zip(offsets) {
        *size += inner[start..end].iter().sum::<usize>();
        start = end;
    }
}
