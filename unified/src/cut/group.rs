//! Groups that must not be split: where they begin, and whether one comes back.
//!
//! Values of the group column are compared in Arrow's row format, so any type will do; null is a group of its own.
//! Where rows come in order of the group column itself, a returning group is already a violation of that order;
//! otherwise the hashes of closed groups are remembered (128 bits each), up to a limit of memory.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::array::{Array, ArrayRef, UInt64Array};
use arrow::compute::{partition, take};
use arrow::error::ArrowError;
use arrow::row::{Row, RowConverter, SortField};

use crate::error::{Error, Result};
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::ColumnId;

/// Bytes that a remembered group costs.
const BYTES_PER_GROUP: usize = 40;

type Group = Option<Box<[u8]>>;

/// Follows the groups as rows pass.
pub(crate) struct Groups {
    column: String,
    converter: Option<(ColumnId, RowConverter)>,
    current: Option<Group>,
    /// Absent where the order itself proves that no group returns.
    closed: Option<HashSet<u128>>,
    most_closed: usize,
    rows: u64,
}

impl std::fmt::Debug for Groups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Groups").field("column", &self.column).finish_non_exhaustive()
    }
}

impl Groups {
    /// `ordered` says that rows come in order of the group column.
    pub(crate) fn new(column: String, ordered: bool, memory: usize) -> Self {
        Self {
            column,
            converter: None,
            current: None,
            closed: (!ordered).then(HashSet::new),
            most_closed: (memory / BYTES_PER_GROUP).max(1024),
            rows: 0,
        }
    }

    /// For each row, whether it begins a new group. The very first row of all does not.
    pub(crate) fn starts(&mut self, rows: &Rows, catalog: &Catalog) -> Result<Vec<bool>> {
        let mut starts = vec![false; rows.len];
        let column = match catalog.id(&self.column).and_then(|id| rows.column(id).map(|array| (id, array))) {
            Some((id, array)) if rows.len > 0 => Some((id, catalog.resolved(id, array)?)),
            _ => None,
        };
        match column {
            Some((id, array)) => {
                let fail = |source| Error::internal("comparing group keys", source);
                // Only where a value differs from the one before is it worth a look.
                let alike = partition(std::slice::from_ref(&array)).map_err(fail)?.ranges();
                let firsts: UInt64Array = alike.iter().map(|range| range.start as u64).collect();
                let firsts = take(&array, &firsts, None).map_err(fail)?;
                let values = self.converted(id, &firsts).map_err(fail)?;
                for (at, range) in alike.iter().enumerate() {
                    let value = firsts.is_valid(at).then(|| values.row(at));
                    starts[range.start] = self.begins(value.as_ref().map(Row::data), range.start)?;
                }
            }
            None => {
                if let Some(first) = starts.first_mut() {
                    *first = self.begins(None, 0)?;
                }
            }
        }
        self.rows += rows.len as u64;
        Ok(starts)
    }

    fn converted(
        &mut self,
        id: ColumnId,
        array: &ArrayRef,
    ) -> std::result::Result<arrow::row::Rows, ArrowError> {
        let converter = match self.converter.take() {
            Some((known, converter)) if known == id => converter,
            _ => RowConverter::new(vec![SortField::new(array.data_type().clone())])?,
        };
        let (_, converter) = self.converter.insert((id, converter));
        converter.convert_columns(std::slice::from_ref(array))
    }

    /// Whether a value belongs to another group than the one before; it is that of so many rows behind those seen so far.
    fn begins(&mut self, value: Option<&[u8]>, row: usize) -> Result<bool> {
        let begins = match &self.current {
            Some(current) => current.as_deref() != value,
            None => {
                self.current = Some(value.map(Into::into));
                false
            }
        };
        if begins {
            self.change(value, row)?;
        }
        Ok(begins)
    }

    /// Ends the current group.
    fn change(&mut self, value: Option<&[u8]>, row: usize) -> Result<()> {
        let previous = self.current.replace(value.map(Into::into));
        let Some(closed) = &mut self.closed else { return Ok(()) };
        if let Some(previous) = previous {
            closed.insert(hash(previous.as_deref()));
        }
        if closed.contains(&hash(value)) {
            return Err(Error::GroupReturned { column: self.column.clone(), row: self.rows + row as u64 });
        }
        if closed.len() > self.most_closed {
            return Err(Error::Config(format!(
                "more than {} groups of column `{}` do not fit into the memory limit; \
                 order the rows by the group key or raise the limit",
                self.most_closed, self.column
            )));
        }
        Ok(())
    }
}

/// Two independent 64-bit hashes: a false "returned" would need both to collide.
fn hash(group: Option<&[u8]>) -> u128 {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        group.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(1) << 64 | half(2)
}
