//! Fingerprints of a file's rows, from the signal's rule.
//!
//! A token of a column becomes the 64-bit wrapping polynomial hash, factor 31, over the bytes of `column:token`. Every string
//! column with a non-empty value has the token `.*`; the signal names columns whose full values are tokens, and columns of
//! which every window of three runes is one. A rune is a character; of bytes that are not UTF-8 each counts as one. A value
//! below three runes has no window. This is the harness's own code: it shares nothing with the writers it judges.

use std::collections::{BTreeSet, HashSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use corpora::signal::FingerprintRule;

use crate::output::stored::NOT_UTF8;

/// Values remembered per column so that equal ones are not taken apart twice.
const REMEMBERED: usize = 100_000;

/// Continues a hash over more bytes.
fn extend(hash: i64, bytes: &[u8]) -> i64 {
    bytes.iter().fold(hash, |hash, &byte| hash.wrapping_mul(31).wrapping_add(i64::from(byte)))
}

/// The hash of bytes.
pub(crate) fn hash(bytes: &[u8]) -> i64 {
    extend(0, bytes)
}

/// Calls `take` for each window of three runes.
fn windows(value: &[u8], mut take: impl FnMut(&[u8])) {
    let mut starts: Vec<usize> = Vec::with_capacity(value.len() + 1);
    let mut at = 0;
    for chunk in value.utf8_chunks() {
        starts.extend(chunk.valid().char_indices().map(|(offset, _)| at + offset));
        at += chunk.valid().len();
        starts.extend(at..at + chunk.invalid().len());
        at += chunk.invalid().len();
    }
    starts.push(value.len());
    for window in starts.windows(4) {
        take(&value[window[0]..window[3]]);
    }
}

/// Collects the fingerprints of rows.
#[derive(Debug)]
pub(super) struct Fingerprints<'a> {
    rule: &'a FingerprintRule,
    seen: std::collections::HashMap<String, HashSet<Vec<u8>>>,
}

impl<'a> Fingerprints<'a> {
    /// A collector for one file.
    pub(super) fn new(rule: &'a FingerprintRule) -> Self {
        Self { rule, seen: std::collections::HashMap::new() }
    }

    /// Adds the fingerprints of the rows of a batch to `set`. Use one set per collector: values seen before are passed over.
    pub(super) fn add(&mut self, batch: &RecordBatch, set: &mut BTreeSet<i64>) {
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let dictionary = array.as_any_dictionary_opt();
            let values = dictionary.map_or(array, |it| it.values());
            // Without values there is nothing to take; the keys of such a dictionary cannot be normalized either.
            let is_text = matches!(values.data_type(), DataType::Utf8 | DataType::Utf8View)
                || *values.data_type() == NOT_UTF8;
            if !is_text || values.is_empty() {
                continue;
            }
            // Of a dictionary only what some row points to: it may hold values of other batches.
            let rows: Vec<usize> = match dictionary {
                Some(dictionary) => {
                    let keys = dictionary.normalized_keys();
                    let mut used = vec![false; values.len()];
                    for row in (0..dictionary.len()).filter(|&row| dictionary.keys().is_valid(row)) {
                        if let Some(used) = used.get_mut(keys[row]) {
                            *used = true;
                        }
                    }
                    (0..values.len()).filter(|&row| used[row] && values.is_valid(row)).collect()
                }
                None => (0..values.len()).filter(|&row| values.is_valid(row)).collect(),
            };
            let text = |row: usize| match (values.as_string_view_opt(), values.as_binary_opt::<i64>()) {
                (Some(views), _) => views.value(row).as_bytes(),
                (None, Some(bytes)) => bytes.value(row),
                (None, None) => values.as_string::<i32>().value(row).as_bytes(),
            };
            self.column(field.name(), rows.into_iter().map(text), set);
        }
    }

    fn column<'v>(&mut self, name: &str, values: impl Iterator<Item = &'v [u8]>, set: &mut BTreeSet<i64>) {
        let prefix = extend(hash(name.as_bytes()), b":");
        let full = self.rule.full_value.iter().any(|it| it == name);
        let trigram = self.rule.trigram.iter().any(|it| it == name);
        for value in values.filter(|value| !value.is_empty()) {
            set.insert(extend(prefix, b".*"));
            if !full && !trigram {
                return;
            }
            let seen = self.seen.entry(name.to_owned()).or_default();
            if seen.contains(value) {
                continue;
            }
            if seen.len() >= REMEMBERED {
                seen.clear();
            }
            seen.insert(value.to_owned());
            if full {
                set.insert(extend(prefix, value));
            }
            if trigram {
                windows(value, |window| {
                    set.insert(extend(prefix, window));
                });
            }
        }
    }
}

/// The fingerprints of a batch.
pub(crate) fn of(rule: &FingerprintRule, batch: &RecordBatch) -> BTreeSet<i64> {
    let mut set = BTreeSet::new();
    Fingerprints::new(rule).add(batch, &mut set);
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigrams(value: &[u8]) -> Vec<Vec<u8>> {
        let mut all = BTreeSet::new();
        windows(value, |window| {
            all.insert(window.to_vec());
        });
        all.into_iter().collect()
    }

    #[test]
    fn hashes_and_windows_match_values_of_the_original() {
        assert_eq!(hash(b"a"), 97);
        assert_eq!(hash(b"ERROR"), 66_247_144);
        assert_eq!(hash("日本語です".as_bytes()), 1_248_922_102_508_046_476);
        assert_eq!(hash(b"resource.file:.*"), extend(hash(b"resource.file"), b":.*"));
        assert_eq!(trigrams(b"ab"), Vec::<Vec<u8>>::new());
        assert_eq!(trigrams("a👍bc".as_bytes()), ["a👍b".as_bytes(), "👍bc".as_bytes()]);
        assert_eq!(trigrams(b"\xff\xfe\xfd"), [b"\xff\xfe\xfd"]);
        assert_eq!(trigrams(b"ab\xff"), [b"ab\xff"]);
        assert_eq!(trigrams(b"aaaaaa"), [b"aaa"]);
    }

    #[test]
    fn hashes_and_windows_match_the_golden_vectors() {
        let Some(folder) = crate::check::fixture::beside("golden") else { return };
        let text = std::fs::read(folder.join("vectors.json")).unwrap();
        let vectors: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let unhex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let vectors = vectors["trigrams_and_hashes"].as_array().unwrap();
        assert!(vectors.len() > 20);
        for vector in vectors {
            let value = unhex(vector["hex"].as_str().unwrap());
            assert_eq!(hash(&value), vector["compute_hash"].as_i64().unwrap(), "{vector}");
            let mut wanted: Vec<Vec<u8>> = vector["trigrams_hex_sorted"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| unhex(it.as_str().unwrap()))
                .collect();
            let exists = wanted.iter().position(|it| it == b".*").unwrap();
            wanted.remove(exists);
            wanted.sort();
            assert_eq!(trigrams(&value), wanted, "{vector}");
        }
    }
}
