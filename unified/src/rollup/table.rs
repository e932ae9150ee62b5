//! The rows that are left, and what is new in them: gathered and overlaid a column at a time.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, Float64Builder, Int64Array};
use arrow::datatypes::Float64Type;

use super::rules::Ids;
use crate::error::Result;
use crate::rollup::sketch::Sketch;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::ColumnId;

/// Rows to come: where from, and what replaces their values.
#[derive(Debug)]
pub(super) struct Table {
    time: Option<ColumnId>,
    sketch: Option<ColumnId>,
    figures: Vec<(Option<ColumnId>, Figure)>,
    picks: Vec<(usize, usize)>,
    times: Vec<i64>,
    /// Which of the rows are merged ones, ascending.
    merged: Vec<usize>,
    /// Sketches of the merged rows, end to end, and where each ends.
    sketches: Vec<u8>,
    ends: Vec<usize>,
    /// A figure of each merged row, by figure.
    values: Vec<Vec<Option<f64>>>,
}

/// What is taken from a merged sketch.
#[derive(Debug, Clone, Copy)]
enum Figure {
    Count,
    Sum,
    Average,
    Lowest,
    Highest,
    Quantile(f64),
}

impl Figure {
    fn of(self, sketch: &Sketch) -> Option<f64> {
        match self {
            Self::Count => Some(sketch.count()),
            Self::Sum => Some(sketch.sum()),
            Self::Average => match sketch.count() {
                0.0 => Some(0.0),
                count => Some(sketch.sum() / count),
            },
            Self::Lowest => sketch.min(),
            Self::Highest => sketch.max(),
            Self::Quantile(part) => sketch.quantile(part),
        }
    }
}

impl Table {
    pub(super) fn new(ids: &Ids) -> Self {
        let mut figures = vec![
            (ids.count, Figure::Count),
            (ids.sum, Figure::Sum),
            (ids.avg, Figure::Average),
            (ids.min, Figure::Lowest),
            (ids.max, Figure::Highest),
        ];
        figures.extend(ids.quantiles.iter().map(|(id, part)| (*id, Figure::Quantile(*part))));
        Self {
            time: ids.time,
            sketch: ids.sketch,
            values: vec![Vec::new(); figures.len()],
            figures,
            picks: Vec::new(),
            times: Vec::new(),
            merged: Vec::new(),
            sketches: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Adds a row that stays as it is but for its time.
    pub(super) fn pass(&mut self, at: (usize, usize), time: i64) {
        self.picks.push(at);
        self.times.push(time);
    }

    /// Adds a row whose sketch and figures are those of a merged sketch; false, and no row, where that has no values.
    pub(super) fn merged(&mut self, at: (usize, usize), time: i64, sketch: &Sketch) -> bool {
        if sketch.min().is_none() || sketch.max().is_none() {
            return false;
        }
        self.merged.push(self.picks.len());
        self.pass(at, time);
        for ((_, figure), values) in self.figures.iter().zip(&mut self.values) {
            values.push(figure.of(sketch));
        }
        sketch.encode(&mut self.sketches);
        self.ends.push(self.sketches.len());
        true
    }

    /// The rows added since the last call, taken from these batches; none where there are none.
    pub(super) fn take(&mut self, parts: &[&Rows], catalog: &Catalog) -> Result<Option<Rows>> {
        if self.picks.is_empty() {
            return Ok(None);
        }
        let mut rows = Rows::gather(parts, &self.picks, catalog)?;
        if let Some(time) = self.time {
            rows.put(time, Arc::new(Int64Array::from(std::mem::take(&mut self.times))));
        }
        if !self.merged.is_empty() {
            if let Some(id) = self.sketch {
                let base = rows.column(id).map(|array| catalog.resolved(id, array)).transpose()?;
                let column = self.sketch_column(base.as_ref(), rows.len);
                rows.put(id, column);
            }
            for ((id, _), values) in self.figures.iter().zip(&self.values) {
                if let Some(id) = id {
                    let column = overlaid(rows.column(*id), rows.len, &self.merged, values);
                    rows.put(*id, column);
                }
            }
        }
        self.picks.clear();
        self.times.clear();
        self.merged.clear();
        self.sketches.clear();
        self.ends.clear();
        self.values.iter_mut().for_each(Vec::clear);
        Ok(Some(rows))
    }

    fn sketch_column(&self, base: Option<&ArrayRef>, rows: usize) -> ArrayRef {
        let base = base.and_then(|array| array.as_binary_opt::<i32>());
        let mut builder = BinaryBuilder::with_capacity(rows, self.sketches.len());
        let (mut merged, mut start) = (self.merged.iter().zip(&self.ends).peekable(), 0);
        for row in 0..rows {
            if let Some((_, end)) = merged.next_if(|(at, _)| **at == row) {
                builder.append_value(&self.sketches[start..*end]);
                start = *end;
            } else {
                builder.append_option(base.filter(|base| base.is_valid(row)).map(|base| base.value(row)));
            }
        }
        Arc::new(builder.finish())
    }
}

/// A float64 column with the values of the merged rows in their places.
fn overlaid(base: Option<&ArrayRef>, rows: usize, merged: &[usize], values: &[Option<f64>]) -> ArrayRef {
    let base = base.and_then(|array| array.as_primitive_opt::<Float64Type>());
    let mut builder = Float64Builder::with_capacity(rows);
    let mut merged = merged.iter().zip(values).peekable();
    for row in 0..rows {
        match merged.next_if(|(at, _)| **at == row) {
            Some((_, value)) => builder.append_option(*value),
            None => builder.append_option(base.filter(|base| base.is_valid(row)).map(|base| base.value(row))),
        }
    }
    Arc::new(builder.finish())
}
