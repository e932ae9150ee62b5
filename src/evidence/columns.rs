//! The columns of `differences/<job>.parquet` and the batches they come in. `docs/evidence.md` describes them for readers.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, RecordBatch, StringBuilder, StructArray, UInt64Builder};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use reports::document::Place;
use reports::evidence::{CellDifference, RowDifference, RowDifferenceKind, Value};

use crate::error::{Error, Result};

/// Bytes that a text takes beside itself until it is encoded: its offset, its levels and its position among those that are there.
const BESIDE: usize = 16;

/// Rows collected for a batch, column by column.
#[derive(Default)]
pub(super) struct Columns {
    rows: usize,
    texts: usize,
    bytes: usize,
    kind: StringBuilder,
    side: StringBuilder,
    code: StringBuilder,
    defect: StringBuilder,
    key: List<3>,
    changed: List<1>,
    cells: List<6>,
    places: [Places; 2],
}

#[derive(Default)]
struct Places {
    file: StringBuilder,
    row_group: UInt64Builder,
    row: UInt64Builder,
}

/// A list of structs of texts (or, with one field, of texts).
struct List<const N: usize> {
    fields: [StringBuilder; N],
    lengths: Vec<usize>,
}

impl<const N: usize> Default for List<N> {
    fn default() -> Self {
        Self { fields: std::array::from_fn(|_| StringBuilder::new()), lengths: Vec::new() }
    }
}

impl<const N: usize> List<N> {
    /// Adds a row; returns the texts of its items and their bytes.
    fn push(&mut self, items: impl Iterator<Item = [Option<String>; N]>) -> (usize, usize) {
        let (mut count, mut bytes) = (0, 0);
        for item in items {
            count += 1;
            for (field, text) in self.fields.iter_mut().zip(item) {
                bytes += text.as_ref().map_or(0, String::len);
                field.append_option(text);
            }
        }
        self.lengths.push(count);
        (count * N, bytes + count * N * BESIDE)
    }

    fn finish(&mut self, names: [&str; N]) -> Result<ArrayRef> {
        let arrays: Vec<ArrayRef> =
            self.fields.iter_mut().map(|field| Arc::new(field.finish()) as ArrayRef).collect();
        let DataType::List(item) = list_type(&names) else {
            return Err(Error::internal("a list that is none"));
        };
        let values: ArrayRef = match item.data_type() {
            DataType::Struct(fields) => {
                Arc::new(StructArray::try_new(fields.clone(), arrays, None).map_err(|it| wrong(&it))?)
            }
            _ => Arc::clone(&arrays[0]),
        };
        let offsets = OffsetBuffer::from_lengths(std::mem::take(&mut self.lengths));
        Ok(Arc::new(ListArray::try_new(item, offsets, values, None).map_err(|it| wrong(&it))?))
    }
}

fn wrong(error: &arrow::error::ArrowError) -> Error {
    Error::internal(format!("cannot put together a batch of differences: {error}"))
}

const KEY: [&str; 3] = ["column", "type", "value"];
const CELLS: [&str; 6] =
    ["column", "change", "baseline_type", "baseline_value", "candidate_type", "candidate_value"];

fn list_type<const N: usize>(names: &[&str; N]) -> DataType {
    let item = if N == 1 {
        DataType::Utf8
    } else {
        let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
        DataType::Struct(Fields::from(fields))
    };
    DataType::List(Arc::new(Field::new("item", item, true)))
}

/// The schema of the file.
pub(super) fn schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let number = |name: &str| Field::new(name, DataType::UInt64, true);
    Arc::new(Schema::new(vec![
        text("kind", false),
        text("side", false),
        text("code", false),
        text("defect", true),
        Field::new("key", list_type(&KEY), false),
        Field::new("changed_columns", list_type(&["item"]), false),
        Field::new("cells", list_type(&CELLS), false),
        text("baseline_file", true),
        number("baseline_row_group"),
        number("baseline_row"),
        text("candidate_file", true),
        number("candidate_row_group"),
        number("candidate_row"),
    ]))
}

impl Columns {
    /// Rows collected so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Texts collected so far in lists, absent ones as well.
    pub(super) fn texts(&self) -> usize {
        self.texts
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn add(&mut self, (texts, bytes): (usize, usize)) {
        self.texts += texts;
        self.bytes += bytes;
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: RowDifference, code: &str, defect: Option<&str>) {
        self.rows += 1;
        let (kind, side) = match row.kind {
            RowDifferenceKind::Changed => ("changed", "both"),
            RowDifferenceKind::Missing => ("missing", "baseline"),
            RowDifferenceKind::Extra => ("extra", "candidate"),
        };
        self.kind.append_value(kind);
        self.side.append_value(side);
        self.code.append_value(code);
        self.defect.append_option(defect);
        let key = row.key.into_iter().map(|it| [Some(it.column), Some(it.value.type_class), it.value.text]);
        let key = self.key.push(key);
        self.add(key);
        let changed = row.cells.iter().filter(|_| row.kind == RowDifferenceKind::Changed);
        let changed = self.changed.push(changed.map(|cell| [Some(cell.column.clone())]));
        self.add(changed);
        let cells = self.cells.push(row.cells.into_iter().map(cell));
        self.add(cells);
        self.places[0].push(row.baseline);
        self.places[1].push(row.candidate);
    }

    /// The rows collected, as a batch; none are left.
    pub(super) fn take(&mut self, schema: &SchemaRef) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.kind.finish()),
            Arc::new(self.side.finish()),
            Arc::new(self.code.finish()),
            Arc::new(self.defect.finish()),
            self.key.finish(KEY)?,
            self.changed.finish(["item"])?,
            self.cells.finish(CELLS)?,
        ];
        for places in &mut self.places {
            columns.push(Arc::new(places.file.finish()));
            columns.push(Arc::new(places.row_group.finish()));
            columns.push(Arc::new(places.row.finish()));
        }
        (self.rows, self.texts, self.bytes) = (0, 0, 0);
        RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| wrong(&error))
    }
}

impl Places {
    fn push(&mut self, place: Option<Place>) {
        let place = place.unwrap_or_default();
        self.file.append_option(place.file);
        self.row_group.append_option(place.row_group);
        self.row.append_option(place.row);
    }
}

/// A value's type is absent where that side holds no value.
fn cell(cell: CellDifference) -> [Option<String>; 6] {
    let class = |value: &Value| value.text.is_some().then(|| value.type_class.clone());
    [
        Some(cell.column),
        Some(cell.kind),
        class(&cell.baseline),
        cell.baseline.text,
        class(&cell.candidate),
        cell.candidate.text,
    ]
}
