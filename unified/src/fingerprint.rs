//! Fingerprints of the rows of one file: hashes of `column:token` that let a query skip files.
//!
//! 1. Only non-empty strings count. Each column with such a value yields the token `.*` ("exists").
//! 2. Columns of full values also yield every value; trigram columns also yield every window of three characters.
//! 3. A token's hash is the 31-polynomial over the bytes of `column:token`, wrapping at 64 bits:
//!    `h = 31 * h + byte`, from 0.
//!
//! Each distinct string of a column is tokenised once a file, as far as the bounded memory of seen strings reaches;
//! beyond that it is merely done again. Cost: one look-up a value of the indexed columns, nothing a row for the others.

use std::collections::{BTreeSet, HashMap, HashSet};

use arrow::array::{Array, ArrayRef, AsArray};

use crate::columns::Columns;

/// Bytes of remembered strings per column before the memory is emptied.
const SEEN_LIMIT: usize = 1 << 20;

/// Token that says that a column has a value.
const EXISTS: &str = ".*";

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

/// Collects the fingerprints of one file.
#[derive(Debug, Default)]
pub(crate) struct FingerprintCollector {
    hashes: HashSet<i64>,
    columns: HashMap<String, ColumnState>,
}

#[derive(Debug)]
struct ColumnState {
    tokens: Tokens,
    /// Hash of `column:`, from which every token goes on.
    prefix: i64,
    exists: bool,
    seen: HashSet<Box<str>>,
    seen_bytes: usize,
}

impl FingerprintCollector {
    /// Takes in the values of one column.
    pub(crate) fn add(&mut self, rules: &FingerprintRules, column: &str, values: &ArrayRef) {
        let Some(strings) = values.as_string_opt::<i32>() else { return };
        if !self.columns.contains_key(column) {
            let prefix = extend(extend(0, column.as_bytes()), b":");
            let tokens = rules.tokens_of(column);
            let fresh = ColumnState { tokens, prefix, exists: false, seen: HashSet::new(), seen_bytes: 0 };
            self.columns.insert(column.to_string(), fresh);
        }
        let Some(state) = self.columns.get_mut(column) else { return };
        if state.tokens == Tokens::None && state.exists {
            return;
        }
        let mut previous = "";
        for index in 0..strings.len() {
            if strings.is_null(index) {
                continue;
            }
            let value = strings.value(index);
            // Sorted rows repeat themselves; equal neighbours need no look-up.
            if value.is_empty() || value == previous {
                continue;
            }
            previous = value;
            if !state.exists {
                state.exists = true;
                self.hashes.insert(extend(state.prefix, EXISTS.as_bytes()));
            }
            match state.tokens {
                Tokens::None => return,
                Tokens::FullValue => {
                    self.hashes.insert(extend(state.prefix, value.as_bytes()));
                }
                Tokens::Trigrams => {
                    if state.remember(value) {
                        let prefix = state.prefix;
                        for_each_trigram(value, |token| {
                            self.hashes.insert(extend(prefix, token.as_bytes()));
                        });
                    }
                }
            }
        }
    }

    /// The fingerprints of all rows taken in.
    pub(crate) fn finish(self) -> BTreeSet<i64> {
        self.hashes.into_iter().collect()
    }
}

impl ColumnState {
    /// True if the value was not known.
    fn remember(&mut self, value: &str) -> bool {
        if self.seen.contains(value) {
            return false;
        }
        if self.seen_bytes > SEEN_LIMIT {
            self.seen.clear();
            self.seen_bytes = 0;
        }
        // 48: the entry itself and the table's slack.
        self.seen_bytes += value.len() + 48;
        self.seen.insert(value.into());
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
