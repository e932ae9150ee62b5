//! Rows on their way through the writer: columns by number, only those with a value, and the sort key of each row.
//!
//! Columns that a batch lacks are not materialised as nulls until rows of several batches meet.

use std::borrow::{Borrow, Cow};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use arrow::compute::{concat, filter, interleave};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::error::{Error, Result};
use crate::rows::catalog::Catalog;
use crate::rows::codes::{self, CODE_TYPE, ColumnId};
use crate::rows::key::Key;
use crate::rows::spread::Spread;

/// Bytes of bookkeeping that a buffered row costs beside its values: its entry in the sort order, and half of one more
/// while that is sorted.
const ROW_OVERHEAD: usize = 24;

/// Some rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    /// Columns by ascending number. A column that is absent is null in all rows.
    pub(crate) columns: Vec<(ColumnId, ArrayRef)>,
    /// Sort key of each row; empty while rows wait to be sorted.
    pub(crate) keys: Vec<Key>,
    /// Number of rows.
    pub(crate) len: usize,
}

impl Rows {
    pub(crate) fn column(&self, id: ColumnId) -> Option<&ArrayRef> {
        self.columns.binary_search_by_key(&id, |(id, _)| *id).ok().map(|at| &self.columns[at].1)
    }

    pub(crate) fn column_mut(&mut self, id: ColumnId) -> Option<&mut ArrayRef> {
        self.columns.binary_search_by_key(&id, |(id, _)| *id).ok().map(|at| &mut self.columns[at].1)
    }

    /// Puts a column in the place of the one of that number, or where it belongs.
    pub(crate) fn put(&mut self, id: ColumnId, column: ArrayRef) {
        match self.columns.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) => self.columns[at].1 = column,
            Err(at) => self.columns.insert(at, (id, column)),
        }
    }

    pub(crate) fn slice(&self, from: usize, len: usize) -> Self {
        if from == 0 && len == self.len {
            return self.clone();
        }
        Self {
            columns: self.columns.iter().map(|(id, array)| (*id, array.slice(from, len))).collect(),
            keys: self.keys.get(from..from + len).unwrap_or_default().to_vec(),
            len,
        }
    }

    /// Bytes of memory that these rows hold on to.
    pub(crate) fn memory(&self) -> usize {
        let columns: usize = self.columns.iter().map(|(_, array)| array.get_array_memory_size()).sum();
        columns + self.len * ROW_OVERHEAD
    }

    /// Bytes of each row's values of variable length: what makes one row heavier than another. The same whether values
    /// are coded or not.
    pub(crate) fn value_bytes_by_row(&self, catalog: &Catalog) -> Result<Vec<usize>> {
        let mut sizes = vec![0; self.len];
        for (id, array) in &self.columns {
            if catalog.is_coded(*id, array) {
                codes::add_value_bytes(array, &catalog.values(*id)?, &mut sizes);
            } else {
                add_value_bytes(array, &mut sizes);
            }
        }
        Ok(sizes)
    }

    /// Bytes of the values of variable length in an array.
    pub(crate) fn bytes_of(array: &ArrayRef) -> usize {
        value_bytes(array)
    }

    /// By how much [`Self::bytes_of`] guesses too high where fixed widths are nested.
    pub(crate) fn excess(array: &ArrayRef) -> usize {
        let real = array.to_data().get_slice_memory_size().unwrap_or(usize::MAX);
        if array.data_type().is_nested() { value_bytes(array).saturating_sub(real) } else { 0 }
    }

    /// Bytes of the values of variable length that these rows hold themselves, codes not counted.
    pub(crate) fn own_value_bytes(&self) -> usize {
        self.columns.iter().map(|(_, array)| value_bytes(array)).sum()
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

    /// Joins rows end to end.
    pub(crate) fn concat(parts: &[Self], catalog: &Catalog) -> Result<Self> {
        if let [only] = parts {
            return Ok(only.clone());
        }
        let mut columns = Vec::new();
        for id in union(parts.iter()) {
            let column = Column::of(id, parts.iter(), catalog)?;
            let arrays: Vec<ArrayRef> = column
                .arrays
                .into_iter()
                .zip(parts)
                .map(|(array, part)| {
                    array.map_or_else(|| null_array(&column.data_type, part.len), Cow::into_owned)
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
        let fail = |source| Error::internal("gathering rows", source);
        let spread = Spread::new(picks, parts.len()).map_err(fail)?;
        let mut columns = Vec::new();
        for id in union(parts.iter().map(Borrow::borrow)) {
            let column = Column::of(id, parts.iter().map(Borrow::borrow), catalog)?;
            let gathered = match spread.column(&column.arrays, &column.data_type).map_err(fail)? {
                Some(gathered) => gathered,
                None => column.interleaved(picks).map_err(fail)?,
            };
            columns.push((id, gathered));
        }
        Ok(Self { columns, keys: spread.keys(|part| &parts[part].borrow().keys), len: picks.len() })
    }
}

/// One column of several parts, in one form: coded if it is coded in all of them, else plain.
struct Column<'a> {
    data_type: DataType,
    /// Nothing where the part lacks the column.
    arrays: Vec<Option<Cow<'a, ArrayRef>>>,
}

impl<'a> Column<'a> {
    fn of(id: ColumnId, parts: impl Iterator<Item = &'a Rows>, catalog: &Catalog) -> Result<Self> {
        let mut arrays: Vec<Option<Cow<'a, ArrayRef>>> =
            parts.map(|part| part.column(id).map(Cow::Borrowed)).collect();
        let coded = arrays.iter().flatten().filter(|array| catalog.is_coded(id, array)).count();
        if coded > 0 && coded == arrays.iter().flatten().count() {
            return Ok(Self { data_type: CODE_TYPE, arrays });
        }
        if coded > 0 {
            for array in arrays.iter_mut().flatten() {
                *array = Cow::Owned(catalog.resolved(id, array)?);
            }
        }
        Ok(Self { data_type: catalog.data_type(id).clone(), arrays })
    }

    fn interleaved(&self, picks: &[(usize, usize)]) -> std::result::Result<ArrayRef, ArrowError> {
        let null = null_array(&self.data_type, 1);
        let arrays: Vec<&dyn Array> =
            self.arrays.iter().map(|array| array.as_deref().unwrap_or(&null).as_ref()).collect();
        if self.arrays.iter().all(Option::is_some) {
            return interleave(&arrays, picks);
        }
        // A part without the column is represented by a single null.
        let row_of = |part: usize, row| if self.arrays[part].is_some() { row } else { 0 };
        let picks: Vec<(usize, usize)> = picks.iter().map(|&(part, row)| (part, row_of(part, row))).collect();
        interleave(&arrays, &picks)
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
    let offsets: Vec<usize> = offsets.collect();
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return };
    // Rows may be a slice of many more.
    let child = child.slice(*first, last - first);
    // 16: no value of fixed width is much wider.
    let mut inner = vec![16; child.len()];
    add_value_bytes(&child, &mut inner);
    for (size, pair) in sizes.iter_mut().zip(offsets.windows(2)) {
        *size += inner[pair[0] - first..pair[1] - first].iter().sum::<usize>();
    }
}
