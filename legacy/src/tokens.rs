//! Fingerprints: which (column, token) pairs occur in a file, as 64-bit hashes.
//!
//! For each non-empty string value of a row:
//! 1. the token `.*` says that the column has a value;
//! 2. in a full-value column the value itself is a token;
//! 3. in a trigram column each window of three runes is a token; a value under three runes has none.
//!
//! The hash of a pair is the 31-polynomial over the bytes of `column:token`, wrapping at 64 bits. It is weak on purpose of
//! the original's; the readers of production rely on it. Cost: one multiplication a byte and one set insertion a token.

use std::collections::{BTreeSet, HashSet};

use crate::columns::Columns;
use crate::value::{Row, Value};

/// The token that says that a column has a value.
pub const EXISTS: &[u8] = b".*";

/// 31-polynomial hash over unsigned bytes, wrapping at 64 bits.
#[must_use]
pub fn hash(bytes: &[u8]) -> i64 {
    extend(0, bytes)
}

/// Hash of the pair of a column and a token: of the bytes `column:token`.
#[must_use]
pub fn token_hash(column: &str, token: &[u8]) -> i64 {
    extend(extend(extend(0, column.as_bytes()), b":"), token)
}

/// Windows of three runes, overlapping, as byte strings. A byte that is not part of valid UTF-8 counts as one rune.
#[must_use]
pub fn trigrams(value: &[u8]) -> BTreeSet<&[u8]> {
    windows(value).collect()
}

fn extend(state: i64, bytes: &[u8]) -> i64 {
    bytes.iter().fold(state, |hash, &byte| hash.wrapping_mul(31).wrapping_add(i64::from(byte)))
}

fn windows(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = rune_bounds(value).skip(3).chain([value.len()]);
    // Fewer than three runes: the third start does not exist, and no window may be made of what is there.
    let runes = rune_bounds(value).take(3).count();
    rune_bounds(value).zip(ends).filter(move |_| runes == 3).map(|(start, end)| &value[start..end])
}

/// Start of each rune.
fn rune_bounds(value: &[u8]) -> impl Iterator<Item = usize> {
    let mut offset = 0;
    value.utf8_chunks().flat_map(move |chunk| {
        let start = offset;
        let valid = chunk.valid();
        let broken = start + valid.len();
        offset = broken + chunk.invalid().len();
        valid.char_indices().map(move |(at, _)| start + at).chain(broken..offset)
    })
}

/// Collects the fingerprints of the rows that pass by.
#[derive(Debug)]
pub(crate) struct Fingerprinter<'a> {
    columns: &'a Columns,
    hashes: HashSet<i64>,
}

impl<'a> Fingerprinter<'a> {
    pub(crate) fn new(columns: &'a Columns) -> Self {
        Self { columns, hashes: HashSet::new() }
    }

    /// Adds the tokens of one row.
    pub(crate) fn add(&mut self, row: &Row) {
        for (column, value) in row {
            let Value::String(text) = value else { continue };
            if text.is_empty() {
                continue;
            }
            let prefix = extend(extend(0, column.as_bytes()), b":");
            self.hashes.insert(extend(prefix, EXISTS));
            if self.columns.full_value.contains(column) {
                self.hashes.insert(extend(prefix, text));
            }
            if self.columns.trigram.contains(column) {
                self.hashes.extend(windows(text).map(|window| extend(prefix, window)));
            }
        }
    }

    /// What was collected; starts anew.
    pub(crate) fn take(&mut self) -> BTreeSet<i64> {
        self.hashes.drain().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(windows: &[&str]) -> BTreeSet<Vec<u8>> {
        windows.iter().map(|window| window.as_bytes().to_vec()).collect()
    }

    fn windows_of(value: &[u8]) -> BTreeSet<Vec<u8>> {
        trigrams(value).into_iter().map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn windows_go_by_runes_and_short_values_have_none() {
        assert_eq!(windows_of(b""), set(&[]));
        assert_eq!(windows_of(b"ab"), set(&[]));
        assert_eq!(windows_of("日本".as_bytes()), set(&[]));
        assert_eq!(windows_of(b"abc"), set(&["abc"]));
        assert_eq!(windows_of("a👍bc".as_bytes()), set(&["a👍b", "👍bc"]));
        assert_eq!(windows_of(b"aaaaaa"), set(&["aaa"]));
    }

    #[test]
    fn broken_utf8_counts_byte_by_byte() {
        assert_eq!(windows_of(b"\xff\xfe\xfd"), BTreeSet::from([b"\xff\xfe\xfd".to_vec()]));
        // A truncated three-byte rune is two runes.
        assert_eq!(windows_of(b"\xe2\x82a"), BTreeSet::from([b"\xe2\x82a".to_vec()]));
        assert_eq!(windows_of(b"\xe2\x82"), BTreeSet::new());
    }

    #[test]
    fn the_hash_wraps_and_takes_bytes_as_unsigned() {
        assert_eq!(hash(b"\xff\xfe\xfd"), 253_182);
        assert_eq!(hash("日本語です".as_bytes()), 1_248_922_102_508_046_476);
        assert_eq!(token_hash("resource.file", b"a"), -6_684_852_889_660_726_333);
        assert_eq!(token_hash("resource.file", b"a"), hash(b"resource.file:a"));
    }
}
