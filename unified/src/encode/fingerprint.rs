//! Fingerprints of the rows of one file: hashes of `column:token` that let a query skip files.
//!
//! 1. Only non-empty strings count. Each column with such a value yields the token `.*` ("exists").
//! 2. Columns of full values also yield every value; trigram columns also yield every window of three characters.
//! 3. A token's hash is the 31-polynomial over the bytes of `column:token`, wrapping at 64 bits:
//!    `h = 31 * h + byte`, from 0.
//!
//! Each column collects by itself, so that columns can be worked on side by side. A coded value is looked at once a file.
//! Windows of three ASCII characters, by far the most, are noted in a table of one bit each and hashed at the end. Cost:
//! one bit a row where values are coded, one bit a window where they are not; nothing a row for columns without an index.

use std::collections::HashSet;

use ahash::RandomState;
use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::UInt16Type;

use crate::columns::Columns;

/// Token that says that a column has a value.
const EXISTS: &str = ".*";

/// Bits of the table of windows: three ASCII characters of seven bits.
const WINDOWS: usize = 1 << 21;

/// Which tokens a column yields beside [`EXISTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tokens {
    None,
    FullValue,
    Trigrams,
}

/// Which columns are indexed how.
#[derive(Debug, Clone, Default)]
pub(crate) struct FingerprintRules {
    full_value: HashSet<String>,
    trigram: HashSet<String>,
}

impl FingerprintRules {
    pub(crate) fn new(columns: &Columns) -> Self {
        Self {
            full_value: columns.full_value.iter().cloned().collect(),
            trigram: columns.trigram.iter().cloned().collect(),
        }
    }

    fn tokens_of(&self, column: &str) -> Tokens {
        if self.full_value.contains(column) {
            Tokens::FullValue
        } else if self.trigram.contains(column) {
            Tokens::Trigrams
        } else {
            Tokens::None
        }
    }
}

/// Collects the fingerprints of one column in one file.
#[derive(Debug)]
pub(crate) struct ColumnFingerprints {
    tokens: Tokens,
    /// Hash of `column:`, from which every token goes on.
    prefix: i64,
    exists: bool,
    hashes: HashSet<i64, RandomState>,
    windows: Bits,
    /// Codes that were looked at.
    codes: Bits,
}

impl ColumnFingerprints {
    pub(crate) fn new(rules: &FingerprintRules, column: &str) -> Self {
        Self {
            tokens: rules.tokens_of(column),
            prefix: extend(extend(0, column.as_bytes()), b":"),
            exists: false,
            hashes: HashSet::default(),
            windows: Bits::default(),
            codes: Bits::default(),
        }
    }

    /// Takes in the values of some rows.
    pub(crate) fn add(&mut self, values: &ArrayRef) {
        let Some(strings) = values.as_string_opt::<i32>() else { return };
        if self.tokens == Tokens::None && self.exists {
            return;
        }
        let mut previous = "";
        for index in 0..strings.len() {
            if strings.is_null(index) {
                continue;
            }
            let value = strings.value(index);
            // Sorted rows repeat themselves.
            if value.is_empty() || value == previous {
                continue;
            }
            previous = value;
            self.add_value(value);
            if self.tokens == Tokens::None {
                return;
            }
        }
    }

    /// Takes in some rows of a coded column, `values` being behind the codes.
    pub(crate) fn add_coded(&mut self, codes: &ArrayRef, values: &ArrayRef) {
        let Some(values): Option<&StringArray> = values.as_string_opt::<i32>() else { return };
        if self.tokens == Tokens::None && self.exists {
            return;
        }
        let codes = codes.as_primitive::<UInt16Type>();
        for (row, code) in codes.values().iter().enumerate() {
            if codes.is_null(row) || !self.codes.set(usize::from(*code), 1 << 16) {
                continue;
            }
            let value = values.value(usize::from(*code));
            if value.is_empty() {
                continue;
            }
            self.add_value(value);
            if self.tokens == Tokens::None {
                return;
            }
        }
    }

    /// Takes in a value that is not empty.
    fn add_value(&mut self, value: &str) {
        self.exists = true;
        match self.tokens {
            Tokens::None => {}
            Tokens::FullValue => {
                self.hashes.insert(extend(self.prefix, value.as_bytes()));
            }
            Tokens::Trigrams if value.is_ascii() => {
                let bytes = value.as_bytes();
                let [first, second, rest @ ..] = bytes else { return };
                let mut window = usize::from(*first) << 7 | usize::from(*second);
                for byte in rest {
                    window = (window << 7 | usize::from(*byte)) & (WINDOWS - 1);
                    self.windows.set(window, WINDOWS);
                }
            }
            Tokens::Trigrams => {
                let prefix = self.prefix;
                for_each_trigram(value, |token| {
                    self.hashes.insert(extend(prefix, token.as_bytes()));
                });
            }
        }
    }

    /// Adds the fingerprints of all rows taken in.
    pub(crate) fn finish(self, all: &mut Vec<i64>) {
        if self.exists {
            all.push(extend(self.prefix, EXISTS.as_bytes()));
        }
        all.extend(self.hashes);
        for window in self.windows.list {
            let [first, second, third] = [window >> 14, window >> 7, window].map(|bits| bits as u8 & 0x7f);
            all.push(extend(self.prefix, &[first, second, third]));
        }
    }
}

/// A set of small numbers, in the order of arrival and as bits.
#[derive(Debug, Default)]
struct Bits {
    words: Vec<u64>,
    list: Vec<u32>,
}

impl Bits {
    /// Adds a number below `bound`; true if it is new.
    fn set(&mut self, number: usize, bound: usize) -> bool {
        if self.words.is_empty() {
            self.words = vec![0; bound / 64];
        }
        let (word, bit) = (&mut self.words[number / 64], 1 << (number % 64));
        if *word & bit != 0 {
            return false;
        }
        *word |= bit;
        self.list.push(number as u32);
        true
    }
}

/// Goes on with the polynomial hash over more bytes.
fn extend(hash: i64, bytes: &[u8]) -> i64 {
    bytes.iter().fold(hash, |hash, &byte| hash.wrapping_mul(31).wrapping_add(i64::from(byte)))
}

/// Every window of three characters, left to right, repeats included.
fn for_each_trigram(value: &str, mut each: impl FnMut(&str)) {
    let starts = || value.char_indices().map(|(at, _)| at);
    let ends = starts().skip(3).chain(std::iter::once(value.len()));
    if starts().nth(2).is_none() {
        return;
    }
    for (start, end) in starts().zip(ends) {
        each(&value[start..end]);
    }
}

#[cfg(test)]
#[path = "fingerprint_tests.rs"]
mod tests;
