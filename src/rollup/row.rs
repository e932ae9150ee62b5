//! The few columns of a row that a merge looks at, for inputs and outputs alike.

use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, Schema};
use corpora::signal::RollupRule;

/// Names of the columns.
#[derive(Debug, Clone)]
pub struct Columns {
    /// Group key.
    pub group: String,
    /// Time.
    pub time: String,
    /// Name of the point.
    pub name: String,
    /// Sketch.
    pub sketch: String,
    /// Columns that are recomputed from a merged sketch, in the order of [`Cells`].
    pub rollups: Vec<String>,
    /// Quantile of each rollup column that is one; the others are count, sum, mean, lowest and highest value, in this order.
    pub quantiles: Vec<f64>,
}

impl Columns {
    pub(super) fn new(group: &str, rule: &RollupRule) -> Self {
        Self {
            group: group.to_owned(),
            time: rule.time.clone(),
            name: rule.name.clone(),
            sketch: rule.sketch.clone(),
            rollups: rule.recomputed().map(str::to_owned).collect(),
            quantiles: rule.quantiles.values().copied().collect(),
        }
    }

    /// The columns of a signal that merges rows; `None` for any other.
    #[must_use]
    pub fn of(signal: &corpora::signal::Signal) -> Option<Self> {
        Some(Self::new(signal.group_key.as_ref()?, signal.rollup.as_ref()?))
    }

    /// All names, as the reader wants them.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        let mut names = vec![self.group.clone(), self.time.clone(), self.name.clone(), self.sketch.clone()];
        names.extend(self.rollups.iter().cloned());
        names
    }

    /// What keeps the rule from being applied to an input with this schema.
    pub(super) fn check_input(&self, schema: &Schema, rule: &RollupRule) -> Result<(), String> {
        let wanted = |name: &str| match name {
            _ if name == self.group => DataType::Int64,
            _ if name == rule.sketch => DataType::Binary,
            _ => DataType::Float64,
        };
        for name in [&self.group, &self.sketch].into_iter().chain(&self.rollups) {
            let Ok(field) = schema.field_with_name(name) else { continue };
            let (found, wanted) = (field.data_type(), wanted(name));
            if *found != wanted {
                return Err(format!("column {name:?} is {found} where merging wants {wanted}"));
            }
        }
        Ok(())
    }
}

/// Values of the rollup columns of one row. Eight bytes a value: there may be many rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells(Box<[u64]>);

/// Bits that stand for null: a NaN that no arithmetic yields. Every stored NaN is made the usual one.
const NULL: u64 = 0x7ff8_0000_6e75_6c6c;

impl Cells {
    /// The value in a column.
    #[must_use]
    pub fn get(&self, column: usize) -> Option<f64> {
        self.0.get(column).filter(|bits| **bits != NULL).map(|bits| f64::from_bits(*bits))
    }

    pub(super) fn of(values: impl Iterator<Item = Option<f64>>) -> Self {
        let bits = |value: f64| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
        Self(values.map(|value| value.map_or(NULL, bits)).collect())
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.len() * 8
    }
}

/// The columns of one batch, ready to be asked row by row. A column of a type that the rule does not speak of has no values.
#[derive(Debug)]
pub struct Block {
    rows: usize,
    group: Option<Int64Array>,
    time: Option<Int64Array>,
    name: Option<ArrayRef>,
    sketch: Option<ArrayRef>,
    rollups: Vec<Option<Float64Array>>,
}

impl Block {
    /// Takes the columns out of a batch.
    #[must_use]
    pub fn new(batch: &RecordBatch, columns: &Columns) -> Self {
        let of_type = |name: &str, fits: fn(&DataType) -> bool| {
            batch.column_by_name(name).filter(|array| fits(array.data_type())).cloned()
        };
        let float = |name: &String| {
            let array = batch.column_by_name(name)?;
            let numbers = if array.data_type().is_numeric() {
                arrow::compute::cast(array, &DataType::Float64).ok()?
            } else {
                return None;
            };
            Some(numbers.as_primitive_opt::<Float64Type>()?.clone())
        };
        Self {
            rows: batch.num_rows(),
            group: int64(batch, &columns.group),
            time: int64(batch, &columns.time),
            name: of_type(&columns.name, |it| *it == DataType::Utf8View),
            sketch: of_type(&columns.sketch, |it| {
                matches!(it, DataType::BinaryView | DataType::Utf8View | DataType::FixedSizeBinary(_))
            }),
            rollups: columns.rollups.iter().map(float).collect(),
        }
    }

    /// Rows of the batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Group key of a row.
    #[must_use]
    pub fn group(&self, row: usize) -> Option<i64> {
        self.group.as_ref().filter(|it| it.is_valid(row)).map(|it| it.value(row))
    }

    /// Time of a row.
    #[must_use]
    pub fn time(&self, row: usize) -> Option<i64> {
        self.time.as_ref().filter(|it| it.is_valid(row)).map(|it| it.value(row))
    }

    /// Name of a row.
    #[must_use]
    pub fn name(&self, row: usize) -> Option<&str> {
        self.name.as_ref().filter(|it| it.is_valid(row)).map(|it| it.as_string_view().value(row))
    }

    /// Stored sketch of a row.
    #[must_use]
    pub fn sketch(&self, row: usize) -> Option<&[u8]> {
        let array = self.sketch.as_ref().filter(|it| it.is_valid(row))?;
        Some(match array.data_type() {
            DataType::Utf8View => array.as_string_view().value(row).as_bytes(),
            DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().value(row),
            _ => array.as_binary_view().value(row),
        })
    }

    /// One rollup value of a row.
    #[must_use]
    pub fn rollup(&self, row: usize, column: usize) -> Option<f64> {
        let values = self.rollups.get(column)?.as_ref()?;
        values.is_valid(row).then(|| values.value(row))
    }

    /// All rollup values of a row.
    #[must_use]
    pub fn cells(&self, row: usize) -> Cells {
        Cells::of((0..self.rollups.len()).map(|column| self.rollup(row, column)))
    }
}

/// A column of 64-bit integers, whatever they are annotated as.
fn int64(batch: &RecordBatch, name: &str) -> Option<Int64Array> {
    let array = batch.column_by_name(name)?;
    let plain = match array.data_type() {
        DataType::Int64 => ArrayRef::clone(array),
        DataType::Timestamp(..) => arrow::compute::cast(array, &DataType::Int64).ok()?,
        _ => return None,
    };
    plain.as_primitive_opt::<Int64Type>().cloned()
}

/// Key of a point, by which rows of inputs and outputs find each other.
#[must_use]
pub fn key_hash(group: i64, time: i64, name: Option<&str>) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&group.to_le_bytes()).update(&time.to_le_bytes());
    // The name comes last, so that its length need not be told.
    hasher.update(&[u8::from(name.is_some())]).update(name.unwrap_or_default().as_bytes());
    first_half(&hasher)
}

/// Hash of stored bytes; null and empty bytes differ.
#[must_use]
pub fn bytes_hash(bytes: Option<&[u8]>) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[u8::from(bytes.is_some())]).update(bytes.unwrap_or_default());
    first_half(&hasher)
}

fn first_half(hasher: &blake3::Hasher) -> u128 {
    let hash = hasher.finalize();
    let mut half = [0_u8; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_le_bytes(half)
}

/// The part, of so many equal ones, that a key belongs to.
#[must_use]
pub fn part_of(key: u128, parts: u64) -> u64 {
    if parts <= 1 {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish() % parts
}
