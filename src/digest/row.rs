//! Hashes of cells and rows, column by column.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, UInt32Array, UInt64Array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};

use super::class::TypeClass;
use super::encode::{encode, float_bits, is_null};
use crate::error::Result;

/// The key of all hashes of one comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RunKey([u8; 32]);

impl std::fmt::Debug for RunKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RunKey")
    }
}

impl RunKey {
    /// A key that nobody can foresee: from the standard library's own random state, the clock and a counter.
    #[must_use]
    pub fn random() -> Self {
        use std::hash::{BuildHasher, Hasher, RandomState};
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let mut material = Vec::with_capacity(64);
        for _ in 0..4 {
            material.extend_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
        }
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        material.extend_from_slice(&clock.to_le_bytes());
        material.extend_from_slice(&COUNTER.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        Self(blake3::derive_key("parallax 2026 key of one comparison", &material))
    }

    /// A fixed key, for replays and tests.
    #[must_use]
    pub fn fixed(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key of a column's cells, from name and type class, both behind their lengths.
    fn column(&self, name: &str, class: &TypeClass) -> [u8; 32] {
        let class = class.to_string();
        let mut bytes = Vec::with_capacity(name.len() + class.len() + 17);
        bytes.push(b'c');
        bytes.extend_from_slice(&(name.len() as u64).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(&(class.len() as u64).to_le_bytes());
        bytes.extend_from_slice(class.as_bytes());
        *blake3::keyed_hash(&self.0, &bytes).as_bytes()
    }

    /// Hash of a row from the sum of its cells' hashes and their number. `domain` keeps hashes of different uses apart.
    #[must_use]
    pub fn row(&self, domain: u8, cells: u32, sum: u128) -> u128 {
        let mut bytes = [0_u8; 22];
        bytes[0] = b'r';
        bytes[1] = domain;
        bytes[2..6].copy_from_slice(&cells.to_le_bytes());
        bytes[6..].copy_from_slice(&sum.to_le_bytes());
        first_half(blake3::keyed_hash(&self.0, &bytes))
    }
}

fn first_half(hash: blake3::Hash) -> u128 {
    let mut half = [0_u8; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_le_bytes(half)
}

/// The hash of a cell: never 0, which stands for null.
fn cell(key: &[u8; 32], value: &[u8]) -> u128 {
    first_half(blake3::keyed_hash(key, value)).max(1)
}

/// Hashes the cells of columns. Keeps the last dictionary of each column, so that its values are hashed once.
#[derive(Debug)]
pub struct RowHasher {
    key: RunKey,
    zero_equal: bool,
    /// Columns to be read as another type before anything else.
    views: Arc<HashMap<String, DataType>>,
    dictionaries: HashMap<String, (ArrayRef, Vec<u128>)>,
    buffer: Vec<u8>,
}

impl RowHasher {
    /// A hasher under `key`. With `zero_equal`, `-0.0` counts as `0.0`. Integer columns named in `views` are read as the
    /// type given there, bit by bit (see [`reinterpret`]).
    #[must_use]
    pub fn new(key: RunKey, zero_equal: bool, views: Arc<HashMap<String, DataType>>) -> Self {
        Self { key, zero_equal, views, dictionaries: HashMap::new(), buffer: Vec::new() }
    }

    /// The key it hashes under.
    #[must_use]
    pub fn key(&self) -> RunKey {
        self.key
    }

    /// The column as it is compared: reinterpreted where that was asked for.
    #[must_use]
    pub fn view(&self, name: &str, array: &ArrayRef) -> ArrayRef {
        self.views
            .get(name)
            .and_then(|target| reinterpret(array, target))
            .unwrap_or_else(|| Arc::clone(array))
    }

    /// Hashes of the cells of one column, in `out`, one per row: 0 for null.
    ///
    /// # Errors
    /// For a type that has no canonical form.
    pub fn column(&mut self, name: &str, array: &ArrayRef, out: &mut Vec<u128>) -> Result<()> {
        let array = &self.view(name, array);
        let key = self.key.column(name, &TypeClass::of(array.data_type()));
        out.clear();
        out.reserve(array.len());
        match array.data_type() {
            DataType::Null => out.resize(array.len(), 0),
            DataType::Dictionary(_, _) => self.dictionary(name, &key, array, out)?,
            DataType::Int64 => {
                let array = array.as_primitive::<Int64Type>();
                let mut last: Option<(i64, u128)> = None;
                for row in 0..array.len() {
                    out.push(match (array.is_null(row), last) {
                        (true, _) => 0,
                        (false, Some((value, hash))) if value == array.value(row) => hash,
                        (false, _) => {
                            let value = array.value(row);
                            let hash = cell(&key, &value.to_le_bytes());
                            last = Some((value, hash));
                            hash
                        }
                    });
                }
            }
            DataType::Float64 => {
                let array = array.as_primitive::<Float64Type>();
                out.extend((0..array.len()).map(|row| {
                    if array.is_null(row) {
                        0
                    } else {
                        cell(&key, &float_bits(array.value(row), self.zero_equal).to_le_bytes())
                    }
                }));
            }
            DataType::Utf8 => {
                let array = array.as_string::<i32>();
                out.extend(
                    (0..array.len()).map(|row| {
                        if array.is_null(row) { 0 } else { cell(&key, array.value(row).as_bytes()) }
                    }),
                );
            }
            _ => {
                for row in 0..array.len() {
                    out.push(if is_null(array, row) {
                        0
                    } else {
                        self.buffer.clear();
                        encode(array, row, self.zero_equal, &mut self.buffer)?;
                        cell(&key, &self.buffer)
                    });
                }
            }
        }
        Ok(())
    }

    fn dictionary(
        &mut self,
        name: &str,
        key: &[u8; 32],
        array: &ArrayRef,
        out: &mut Vec<u128>,
    ) -> Result<()> {
        let dictionary = array.as_any_dictionary();
        let values = dictionary.values();
        let known = self.dictionaries.get(name).is_some_and(|(last, _)| Arc::ptr_eq(last, values));
        if !known {
            let mut hashes = Vec::with_capacity(values.len());
            for row in 0..values.len() {
                hashes.push(if is_null(values, row) {
                    0
                } else {
                    self.buffer.clear();
                    encode(values, row, self.zero_equal, &mut self.buffer)?;
                    cell(key, &self.buffer)
                });
            }
            self.dictionaries.insert(name.to_owned(), (Arc::clone(values), hashes));
        }
        let Some((_, hashes)) = self.dictionaries.get(name) else { return Ok(()) };
        let indices = dictionary.keys();
        // Null slots may hold any index: their validity decides, not what they point to.
        match indices.as_any().downcast_ref::<Int32Array>() {
            Some(indices) => out.extend((0..indices.len()).map(|row| {
                if indices.is_null(row) {
                    0
                } else {
                    usize::try_from(indices.value(row))
                        .ok()
                        .and_then(|it| hashes.get(it))
                        .copied()
                        .unwrap_or(0)
                }
            })),
            // The keys of an array without a value cannot be normalized.
            None if hashes.is_empty() => out.resize(indices.len(), 0),
            None => {
                let normalized = dictionary.normalized_keys();
                out.extend((0..indices.len()).map(|row| {
                    if indices.is_null(row) { 0 } else { hashes.get(normalized[row]).copied().unwrap_or(0) }
                }));
            }
        }
        Ok(())
    }

    /// Hashes of whole rows over all columns but those that `skip` names, in row order.
    ///
    /// # Errors
    /// For a type that has no canonical form.
    pub fn rows(&mut self, batch: &RecordBatch, skip: impl Fn(&str) -> bool) -> Result<Vec<u128>> {
        let mut sums = vec![(0_u32, 0_u128); batch.num_rows()];
        let mut cells = Vec::new();
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            if skip(field.name()) {
                continue;
            }
            self.column(field.name(), array, &mut cells)?;
            add(&mut sums, &cells);
        }
        Ok(sums.into_iter().map(|(count, sum)| self.key.row(0, count, sum)).collect())
    }
}

/// Adds a column's cells to the rows' sums.
pub(crate) fn add(sums: &mut [(u32, u128)], cells: &[u128]) {
    for ((count, sum), &hash) in sums.iter_mut().zip(cells) {
        *count += u32::from(hash != 0);
        *sum = sum.wrapping_add(hash);
    }
}

/// An integer column read as `target`, bit by bit: what a writer left that dropped the annotation. `None` where the
/// physical widths differ or `target` is no such type.
#[must_use]
pub fn reinterpret(array: &ArrayRef, target: &DataType) -> Option<ArrayRef> {
    if let Some(ints) = array.as_any().downcast_ref::<Int32Array>() {
        return match target {
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => {
                let bits = ScalarBuffer::<u32>::from(ints.values().inner().clone());
                Some(Arc::new(UInt32Array::new(bits, ints.nulls().cloned())))
            }
            DataType::Date32 => Some(Arc::new(ints.reinterpret_cast::<Date32Type>())),
            _ => None,
        };
    }
    let longs = array.as_any().downcast_ref::<Int64Array>()?;
    match target {
        DataType::UInt64 => {
            let bits = ScalarBuffer::<u64>::from(longs.values().inner().clone());
            Some(Arc::new(UInt64Array::new(bits, longs.nulls().cloned())))
        }
        DataType::Timestamp(unit, zone) => Some(match unit {
            TimeUnit::Second => {
                Arc::new(longs.reinterpret_cast::<TimestampSecondType>().with_timezone_opt(zone.clone()))
            }
            TimeUnit::Millisecond => {
                Arc::new(longs.reinterpret_cast::<TimestampMillisecondType>().with_timezone_opt(zone.clone()))
            }
            TimeUnit::Microsecond => {
                Arc::new(longs.reinterpret_cast::<TimestampMicrosecondType>().with_timezone_opt(zone.clone()))
            }
            TimeUnit::Nanosecond => {
                Arc::new(longs.reinterpret_cast::<TimestampNanosecondType>().with_timezone_opt(zone.clone()))
            }
        }),
        _ => None,
    }
}
