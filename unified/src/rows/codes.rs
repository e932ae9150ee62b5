//! Repeating strings as codes: small numbers into a dictionary that all batches of a job share.
//!
//! A column of strings or bytes that arrives with a dictionary stays coded on its way: an array of [`Code`]s stands in its
//! place, a fifth of the memory and cheap to gather and to spill. The dictionary lives in the catalog, beside the column.
//!
//! 1. Each dictionary that arrives is translated once, value by value as its values are met, into the shared one.
//! 2. A column whose shared dictionary would outgrow [`MOST_VALUES`] or [`MOST_BYTES`] is coded no further: what comes
//!    after arrives as plain values. What is coded stays readable; where both forms meet, the codes are resolved.
//! 3. The encoder gets codes and values. Readers find the same whichever form the rows had; the bytes may differ, so runs on
//!    disk keep the form.
//!
//! Cost: one look-up in a table a row; one hash for each distinct value of each dictionary that arrives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::RandomState;
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, DictionaryArray, Int32Array, StringArray, UInt16Array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, UInt16Type};
use arrow::error::ArrowError;
use hashbrown::HashTable;

use crate::input::segment::can_be_coded;

/// Number of a column within a job, in order of first appearance.
pub(crate) type ColumnId = u32;

/// Most values of a shared dictionary: what [`Code`] can number.
const MOST_VALUES: usize = 1 << 16;

/// Most bytes of the values of a shared dictionary.
const MOST_BYTES: usize = 2 << 20;

/// The type of an array of codes.
pub(crate) const CODE_TYPE: DataType = DataType::UInt16;

/// Number of a value within a shared dictionary.
type Code = u16;

/// A code that was not looked up yet.
const UNKNOWN: u32 = u32::MAX;

/// Whether an array holds codes rather than values of the column's type.
pub(crate) fn is_coded(array: &ArrayRef, data_type: &DataType) -> bool {
    *array.data_type() == CODE_TYPE && can_be_coded(data_type)
}

/// The shared dictionary of one column.
#[derive(Debug)]
pub(crate) struct Dictionary {
    bytes: Vec<u8>,
    /// Where each value ends, after a 0.
    offsets: Vec<i32>,
    codes: HashTable<Code>,
    hasher: RandomState,
    /// No further values are taken in.
    closed: bool,
    /// The values as an array, while no value has come since it was made.
    array: Option<ArrayRef>,
}

/// A dictionary that several threads work with.
#[derive(Debug, Default)]
pub(crate) struct SharedDictionary(Mutex<Dictionary>);

impl SharedDictionary {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Dictionary> {
        // A dictionary is added to at its end alone; a panic elsewhere leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Dictionary {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            offsets: vec![0],
            codes: HashTable::new(),
            hasher: RandomState::new(),
            closed: false,
            array: None,
        }
    }
}

impl Dictionary {
    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        // The array is another copy of bytes and offsets.
        2 * (self.bytes.capacity() + 4 * self.offsets.capacity()) + 3 * self.codes.capacity()
    }

    fn value(&self, code: Code) -> &[u8] {
        let at = usize::from(code);
        &self.bytes[self.offsets[at] as usize..self.offsets[at + 1] as usize]
    }

    /// The code of a value; none where the dictionary is full.
    fn code(&mut self, value: &[u8]) -> Option<Code> {
        let hash = self.hasher.hash_one(value);
        if let Some(code) = self.codes.find(hash, |code| self.value(*code) == value) {
            return Some(*code);
        }
        let next = self.offsets.len() - 1;
        if next >= MOST_VALUES || self.bytes.len() + value.len() > MOST_BYTES {
            return None;
        }
        let code = next as Code;
        self.bytes.extend_from_slice(value);
        self.offsets.push(self.bytes.len() as i32);
        let (bytes, offsets, hasher) = (&self.bytes, &self.offsets, &self.hasher);
        self.codes.insert_unique(hash, code, |code| {
            let at = usize::from(*code);
            hasher.hash_one(&bytes[offsets[at] as usize..offsets[at + 1] as usize])
        });
        self.array = None;
        Some(code)
    }

    /// All values so far, of the column's type.
    pub(crate) fn array(&mut self, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        if let Some(array) = &self.array {
            return Ok(Arc::clone(array));
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets.clone()));
        let values = Buffer::from(self.bytes.as_slice());
        let array: ArrayRef = match data_type {
            DataType::Utf8 => Arc::new(StringArray::try_new(offsets, values, None)?),
            _ => Arc::new(BinaryArray::try_new(offsets, values, None)?),
        };
        Ok(Arc::clone(self.array.insert(array)))
    }

    /// Notes codes for those keys into `values` that have none yet; false where a value has no room any more.
    fn learn(&mut self, unknown: &[u32], values: Values<'_>, table: &mut [u32]) -> bool {
        for key in unknown {
            let known = &mut table[*key as usize];
            if *known == UNKNOWN {
                let Some(code) = self.code(values.value(*key as usize)) else { return false };
                *known = u32::from(code);
            }
        }
        true
    }
}

/// The values of a dictionary that arrives.
#[derive(Clone, Copy)]
enum Values<'a> {
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
}

impl<'a> Values<'a> {
    fn new(values: &'a ArrayRef) -> Option<Self> {
        if values.null_count() > 0 {
            return None;
        }
        match values.data_type() {
            DataType::Utf8 => Some(Self::Text(values.as_string())),
            DataType::Binary => Some(Self::Bytes(values.as_binary())),
            _ => None,
        }
    }

    fn value(&self, at: usize) -> &'a [u8] {
        match self {
            Self::Text(values) => values.value(at).as_bytes(),
            Self::Bytes(values) => values.value(at),
        }
    }
}

/// What one source of batches has had translated: batches of a row group mostly share their dictionaries.
#[derive(Debug, Default)]
pub(crate) struct Translator {
    /// The values last met in a column, held so that no others can take their place in memory, and their codes.
    known: HashMap<ColumnId, (ArrayRef, Vec<u32>)>,
}

impl Translator {
    /// The codes of a dictionary array; none where it cannot be coded. The dictionary is locked only while it learns values.
    pub(crate) fn translate(
        &mut self,
        id: ColumnId,
        array: &ArrayRef,
        stored: &DataType,
        dictionary: &SharedDictionary,
    ) -> Result<Option<ArrayRef>, ArrowError> {
        if dictionary.lock().closed || !matches!(array.data_type(), DataType::Dictionary(..)) {
            return Ok(None);
        }
        let coming = array.as_any_dictionary();
        let same =
            self.known.get(&id).is_some_and(|(known, _)| known.to_data().ptr_eq(&coming.values().to_data()));
        if !same {
            let fresh = vec![UNKNOWN; coming.values().len()];
            self.known.insert(id, (Arc::clone(coming.values()), fresh));
        }
        let Some((values, table)) = self.known.get_mut(&id) else { return Ok(None) };
        let stored_values =
            if values.data_type() == stored { Arc::clone(values) } else { cast(values, stored)? };
        let Some(view) = Values::new(&stored_values) else { return Ok(None) };
        let keys = match coming.keys().as_primitive_opt::<Int32Type>() {
            Some(keys) => keys.clone(),
            None => cast(coming.keys(), &DataType::Int32)?.as_primitive::<Int32Type>().clone(),
        };
        let unknown = unknown_keys(&keys, table);
        let learned = unknown.is_some_and(|unknown| {
            unknown.is_empty() || {
                let mut dictionary = dictionary.lock();
                dictionary.closed |= !dictionary.learn(&unknown, view, table);
                !dictionary.closed
            }
        });
        if !learned {
            self.known.remove(&id);
            return Ok(None);
        }
        Ok(Some(Arc::new(codes(&keys, table))))
    }
}

/// Keys of which `table` has no code yet, in the order of rows, some of them several times; none where a key is behind its end.
fn unknown_keys(keys: &Int32Array, table: &[u32]) -> Option<Vec<u32>> {
    let mut unknown = Vec::new();
    let mut note = |key: i32| {
        let code = table.get(key as usize)?;
        if *code == UNKNOWN {
            // One key may be unknown in all rows. Grown bit by bit, it would be copied while others wait for memory.
            if unknown.is_empty() {
                unknown.reserve_exact(keys.len());
            }
            unknown.push(key as u32);
        }
        Some(())
    };
    match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
        // A null's key may be anything.
        Some(nulls) => nulls.valid_indices().try_for_each(|row| note(keys.value(row)))?,
        None => keys.values().iter().try_for_each(|key| note(*key))?,
    }
    Some(unknown)
}

/// Codes in place of keys, all of which have one.
fn codes(keys: &Int32Array, table: &[u32]) -> UInt16Array {
    let code =
        |key: &i32| table.get(*key as usize).filter(|code| **code != UNKNOWN).map_or(0, |code| *code as Code);
    let nulls = keys.nulls().filter(|nulls| nulls.null_count() > 0);
    UInt16Array::new(keys.values().iter().map(code).collect(), nulls.cloned())
}

/// An array of codes as an Arrow dictionary.
pub(crate) fn as_dictionary(codes: &ArrayRef, values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let codes = codes.as_primitive::<UInt16Type>().clone();
    Ok(Arc::new(DictionaryArray::<UInt16Type>::try_new(codes, Arc::clone(values))?))
}

/// The values behind an array of codes.
pub(crate) fn resolved(codes: &ArrayRef, values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    arrow::compute::take(values, codes, None)
}

/// Adds the bytes of each row's value.
pub(crate) fn add_value_bytes(codes: &ArrayRef, values: &ArrayRef, sizes: &mut [usize]) {
    let offsets = match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().value_offsets(),
        _ => values.as_binary::<i32>().value_offsets(),
    };
    let codes = codes.as_primitive::<UInt16Type>();
    let nulls: Option<&NullBuffer> = codes.nulls();
    for (row, (size, code)) in sizes.iter_mut().zip(codes.values()).enumerate() {
        if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
            let at = usize::from(*code);
            *size += (offsets[at + 1] - offsets[at]) as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::types::Int8Type;

    use super::*;

    fn coded(
        words: &[Option<&str>],
        translator: &mut Translator,
        dictionary: &SharedDictionary,
    ) -> Option<ArrayRef> {
        let array: DictionaryArray<Int8Type> = words.iter().copied().collect();
        let array: ArrayRef = Arc::new(array);
        translator.translate(0, &array, &DataType::Utf8, dictionary).unwrap()
    }

    #[test]
    fn dictionaries_that_differ_come_to_one_and_nulls_stay_null() {
        let (mut translator, dictionary) = (Translator::default(), SharedDictionary::default());
        let a = coded(&[Some("x"), None, Some("y")], &mut translator, &dictionary).unwrap();
        let b = coded(&[Some("y"), Some("z"), Some("x")], &mut translator, &dictionary).unwrap();
        let values = dictionary.lock().array(&DataType::Utf8).unwrap();
        assert_eq!(values.len(), 3);
        let text = |codes: &ArrayRef| {
            let plain = resolved(codes, &values).unwrap();
            plain.as_string::<i32>().iter().map(|word| word.map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(text(&a), [Some("x".to_owned()), None, Some("y".to_owned())]);
        assert_eq!(text(&b), [Some("y".to_owned()), Some("z".to_owned()), Some("x".to_owned())]);
        let mut sizes = vec![1; 3];
        add_value_bytes(&a, &values, &mut sizes);
        assert_eq!(sizes, [2, 1, 2]);
        assert!(is_coded(&as_dictionary(&a, &values).map(|_| a).unwrap(), &DataType::Utf8));
    }

    #[test]
    fn a_full_dictionary_takes_nothing_more_and_stays_readable() {
        let (mut translator, dictionary) = (Translator::default(), SharedDictionary::default());
        let first = coded(&[Some("kept")], &mut translator, &dictionary).unwrap();
        let long = "x".repeat(MOST_BYTES);
        assert!(coded(&[Some(&long)], &mut translator, &dictionary).is_none());
        assert!(coded(&[Some("kept")], &mut translator, &dictionary).is_none(), "it is closed");
        let values = dictionary.lock().array(&DataType::Utf8).unwrap();
        assert_eq!(resolved(&first, &values).unwrap().as_string::<i32>().value(0), "kept");
    }
}
