//! What a row needs to be rolled up, and what it is dropped for.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, StringArray, UInt16Array,
};
use arrow::datatypes::{Float64Type, Int64Type, UInt16Type};

use crate::columns::Columns;
use crate::error::{Error, Result};
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::ColumnId;

/// Reason under which the fingerprint adapter and the merger drop rows: no timestamp, or none of a usable type.
pub const MISSING_TIMESTAMP: &str = "missing_timestamp";
/// Reason under which the merger drops rows: the timestamp lies outside the range of the job.
pub const OUT_OF_RANGE: &str = "out_of_range";
/// Reason under which the merger drops rows: no name, in a group of several rows.
pub const MISSING_NAME: &str = "missing_name";
/// Reason under which the merger drops rows: no sketch, in a group of several rows.
pub const MISSING_SKETCH: &str = "missing_sketch";
/// Reason under which the merger drops rows: a sketch of no bytes that the rollups do not make up for.
pub const EMPTY_SKETCH: &str = "empty_sketch";
/// Reason under which the merger drops rows: bytes that are no sketch, or one of another accuracy.
pub const UNDECODABLE_SKETCH: &str = "undecodable_sketch";
/// Reason under which the merger drops rows: rows whose merged sketch holds no value.
pub const EMPTY_MERGE: &str = "empty_merge";

/// The interval to which times are aligned, and the range in which they must lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interval {
    length: i64,
    start: i64,
    end: i64,
}

impl Interval {
    /// # Errors
    /// A length of 0; a range that is not a multiple of it.
    pub(crate) fn new(length: i64, start: i64, end: i64) -> Result<Self> {
        if length == 0 {
            return Err(Error::Config(
                "the interval must not be 0; give its length in milliseconds".to_string(),
            ));
        }
        if end.wrapping_sub(start).wrapping_rem(length) != 0 {
            return Err(Error::Config(format!(
                "start {start} and end {end} must be aligned with interval {length}: \
                 their distance must be a multiple of it"
            )));
        }
        Ok(Self { length, start, end })
    }

    /// Toward zero, and independent of the range's start. A negative length gives what its absolute value gives.
    fn align(self, time: i64) -> i64 {
        time.wrapping_div(self.length).wrapping_mul(self.length)
    }
}

/// The columns that a roll-up reads or writes.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    pub(super) time: Option<ColumnId>,
    name: Option<ColumnId>,
    pub(super) sketch: Option<ColumnId>,
    pub(super) count: Option<ColumnId>,
    pub(super) sum: Option<ColumnId>,
    pub(super) avg: Option<ColumnId>,
    pub(super) min: Option<ColumnId>,
    pub(super) max: Option<ColumnId>,
    pub(super) quantiles: Vec<(Option<ColumnId>, f64)>,
}

impl Ids {
    pub(crate) fn new(columns: &Columns, catalog: &Catalog) -> Self {
        let rollup = &columns.rollup;
        Self {
            time: catalog.id(&columns.timestamp),
            name: catalog.id(&columns.name),
            sketch: catalog.id(&rollup.sketch),
            count: catalog.id(&rollup.count),
            sum: catalog.id(&rollup.sum),
            avg: catalog.id(&rollup.avg),
            min: catalog.id(&rollup.min),
            max: catalog.id(&rollup.max),
            quantiles: rollup.quantiles.iter().map(|(name, part)| (catalog.id(name), *part)).collect(),
        }
    }
}

/// What is still to be checked of a row in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Everything.
    Everything,
    /// All but the time, which was checked and aligned before.
    Checked,
}

/// A row that may contribute to a merge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// Batch and row.
    pub(super) at: (usize, usize),
    /// Aligned.
    pub(super) time: i64,
    /// The one value that stands in for an empty sketch.
    pub(super) value: Option<f64>,
}

/// A column of strings, plain or coded.
enum Texts<'a> {
    Plain(&'a StringArray),
    Coded(&'a UInt16Array, StringArray),
}

impl<'a> Texts<'a> {
    fn new(id: ColumnId, array: &'a ArrayRef, catalog: &Catalog) -> Result<Option<Self>> {
        if !catalog.is_coded(id, array) {
            return Ok(array.as_string_opt::<i32>().map(Self::Plain));
        }
        let values = catalog.values(id)?;
        let codes = array.as_primitive_opt::<UInt16Type>();
        Ok(codes.zip(values.as_string_opt::<i32>()).map(|(codes, values)| Self::Coded(codes, values.clone())))
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Plain(values) => values.is_null(row),
            Self::Coded(codes, _) => codes.is_null(row),
        }
    }

    fn value(&self, row: usize) -> &[u8] {
        match self {
            Self::Plain(values) => values.value(row).as_bytes(),
            Self::Coded(codes, values) => values.value(usize::from(codes.value(row))).as_bytes(),
        }
    }
}

/// The columns of one batch that decide.
pub(super) struct View<'a> {
    time: Option<&'a Int64Array>,
    name: Option<Texts<'a>>,
    sketch: Option<BinaryArray>,
    count: Option<&'a Float64Array>,
    sum: Option<&'a Float64Array>,
}

impl<'a> View<'a> {
    pub(super) fn new(rows: &'a Rows, ids: &Ids, catalog: &Catalog) -> Result<Self> {
        let column = |id: Option<ColumnId>| id.and_then(|id| rows.column(id).map(|array| (id, array)));
        let float = |id| column(id).and_then(|(_, array)| array.as_primitive_opt::<Float64Type>());
        let name = column(ids.name).map(|(id, array)| Texts::new(id, array, catalog)).transpose()?.flatten();
        let sketch = match column(ids.sketch) {
            Some((id, array)) => catalog.resolved(id, array)?.as_binary_opt::<i32>().cloned(),
            None => None,
        };
        Ok(Self {
            time: column(ids.time).and_then(|(_, array)| array.as_primitive_opt::<Int64Type>()),
            name,
            sketch,
            count: float(ids.count),
            sum: float(ids.sum),
        })
    }

    /// The aligned time of a row, or why it has none.
    pub(super) fn aligned(&self, row: usize, interval: Interval) -> std::result::Result<i64, &'static str> {
        let time = self.time.filter(|times| times.is_valid(row)).ok_or(MISSING_TIMESTAMP)?.value(row);
        if time < interval.start || time >= interval.end {
            return Err(OUT_OF_RANGE);
        }
        Ok(interval.align(time))
    }

    /// What a row can contribute, or why nothing.
    pub(super) fn point(
        &self,
        at: (usize, usize),
        interval: Interval,
        need: Need,
    ) -> std::result::Result<Point, &'static str> {
        let row = at.1;
        let time = match (need, self.time) {
            (Need::Checked, Some(times)) => times.value(row),
            _ => self.aligned(row, interval)?,
        };
        if self.name.as_ref().is_none_or(|names| names.is_null(row)) {
            return Err(MISSING_NAME);
        }
        let sketch = self.sketch.as_ref().filter(|sketches| sketches.is_valid(row)).ok_or(MISSING_SKETCH)?;
        let value =
            if sketch.value(row).is_empty() { Some(self.single(row).ok_or(EMPTY_SKETCH)?) } else { None };
        Ok(Point { at, time, value })
    }

    /// The only value of a row, by its rollups.
    fn single(&self, row: usize) -> Option<f64> {
        let of = |column: Option<&Float64Array>| {
            column.filter(|values| values.is_valid(row)).map(|values| values.value(row))
        };
        of(self.sum).filter(|_| of(self.count) == Some(1.0))
    }

    /// Empty where there is none: rows without a name never get as far as this.
    pub(super) fn name(&self, row: usize) -> &[u8] {
        self.name.as_ref().map_or(&[], |names| names.value(row))
    }

    pub(super) fn sketch(&self, row: usize) -> &[u8] {
        self.sketch.as_ref().map_or(&[], |sketches| sketches.value(row))
    }
}
