//! A record per distinct value, for any number of distinct values, in memory that does not grow with them.
//!
//! 1. A value is known by 128 bits: integers by their own, mixed, everything else by BLAKE3 over its canonical form. A pass
//!    works on the values whose first 64 bits lie in a range, at first all of them.
//! 2. Where the records outgrow the bound, the range is halved and what lies beyond it is let go: it is the next pass's.
//!    The records that stay never missed a row, so they are exact at the end of the pass.
//! 3. The caller reads its rows again for each further pass.
//!
//! Cost: one pass over the data for every bound's worth of records; data that fits costs one pass. Nothing is written to disk.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::output::key::KeyValue;

/// A hash table that is being enlarged holds up to 3.5 times its entries, so they may take this part of the bound.
const TABLE_SHARE: usize = 4;

/// Hash of a value. Numbers that are equal hash alike whatever their type, as they compare alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Print(u64, u64);

impl Print {
    /// Hash of a key value.
    pub(super) fn of(value: &KeyValue) -> Self {
        match value {
            KeyValue::Missing => Self::tagged(0, &[]),
            KeyValue::Int(value) | KeyValue::Instant(value) => Self::of_int(*value),
            KeyValue::Float(value) => match whole(*value) {
                Some(whole) => Self::of_int(whole),
                None if value.is_nan() => Self::tagged(2, &f64::NAN.to_bits().to_le_bytes()),
                None => Self::tagged(2, &value.to_bits().to_le_bytes()),
            },
            KeyValue::Wide(value) => Self::tagged(3, &value.to_le_bytes()),
            KeyValue::Bytes(value) => Self::tagged(4, value),
        }
    }

    /// An integer, mixed: no two integers have one print, and no hash has to be computed.
    fn of_int(value: i128) -> Self {
        let half = |at: usize| {
            let mut eight = [0_u8; 8];
            eight.copy_from_slice(&value.to_le_bytes()[at..at + 8]);
            u64::from_le_bytes(eight)
        };
        let high = mixed(half(8));
        Self(mixed(half(0) ^ high), high)
    }

    fn tagged(tag: u8, bytes: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[tag]).update(bytes);
        let hash = hasher.finalize();
        let half = |at: usize| {
            let mut eight = [0_u8; 8];
            eight.copy_from_slice(&hash.as_bytes()[at..at + 8]);
            u64::from_le_bytes(eight)
        };
        Self(half(0), half(8))
    }
}

/// The finalizer of SplitMix64: one to one, and every bit of the result depends on every bit given.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// A print is nearly a hash already.
#[derive(Debug, Default)]
struct OfPrint(u64);

impl Hasher for OfPrint {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, half: u64) {
        self.0 ^= half;
    }

    fn finish(&self) -> u64 {
        // The prints of a pass agree in their highest bits, which a table wants to differ.
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

type Table<V> = HashMap<Print, V, BuildHasherDefault<OfPrint>>;

/// The integer that a float is, where it is one.
fn whole(value: f64) -> Option<i128> {
    // Every float from 2^127 on is whole but does not fit.
    if value.fract() != 0.0 || value.abs() >= 1.7e38 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole, and the range was checked")]
    let whole = value as i128;
    Some(whole)
}

/// Records of the values whose hash lies in a range.
#[derive(Debug)]
pub(super) struct Pass<V> {
    from: u64,
    /// Exclusive; 2^64 at most.
    end: u128,
    bound: usize,
    /// Bytes of the records.
    held: usize,
    entries: Table<V>,
    extra: fn(&V) -> usize,
}

impl<V: Default> Pass<V> {
    /// The first pass. `bound` is in bytes; `extra` tells what a record holds beside itself (on the heap).
    pub(super) fn new(bound: usize, extra: fn(&V) -> usize) -> Self {
        Self { from: 0, end: 1 << 64, bound, held: 0, entries: Table::default(), extra }
    }

    fn size(&self, record: &V) -> usize {
        size_of::<(Print, V)>() + 1 + (self.extra)(record)
    }

    /// Changes the record of a value, a new one where there is none; nothing where the value is not of this pass.
    pub(super) fn change(&mut self, print: Print, change: impl FnOnce(&mut V)) {
        if !self.holds(print) {
            return;
        }
        if !self.entries.contains_key(&print) {
            self.held += self.size(&V::default());
            while self.held > self.bound / TABLE_SHARE && self.end - u128::from(self.from) > 1 {
                self.halve();
            }
            if !self.holds(print) {
                return;
            }
        }
        let extra = self.extra;
        let record = self.entries.entry(print).or_default();
        let before = extra(record);
        change(record);
        self.held = self.held + extra(record) - before;
    }

    fn holds(&self, print: Print) -> bool {
        print.0 >= self.from && u128::from(print.0) < self.end
    }

    /// Lets go of the upper half of the range.
    fn halve(&mut self) {
        self.end = u128::from(self.from) + (self.end - u128::from(self.from)) / 2;
        let end = self.end;
        self.entries.retain(|print, _| u128::from(print.0) < end);
        self.held = self.entries.values().map(|record| self.size(record)).sum();
    }

    /// The finished records, and the next pass where there must be one.
    pub(super) fn finish(self) -> (impl Iterator<Item = (Print, V)>, Option<Self>) {
        let next = u64::try_from(self.end).ok().map(|from| Self {
            from,
            end: 1 << 64,
            bound: self.bound,
            held: 0,
            entries: Table::default(),
            extra: self.extra,
        });
        (self.entries.into_iter(), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts how often each of `values` occurs, and the passes that it took.
    fn counts(values: &[i128], bound: usize) -> (std::collections::BTreeMap<u64, usize>, usize) {
        let mut spread = std::collections::BTreeMap::new();
        let mut pass = Some(Pass::<u64>::new(bound, |_| 0));
        let mut passes = 0;
        while let Some(mut now) = pass.take() {
            passes += 1;
            for value in values {
                now.change(Print::of(&KeyValue::Int(*value)), |count| *count += 1);
                assert!(now.held <= bound / TABLE_SHARE);
            }
            let (records, next) = now.finish();
            for (_, count) in records {
                *spread.entry(count).or_default() += 1;
            }
            pass = next;
        }
        (spread, passes)
    }

    #[test]
    fn many_passes_count_what_one_pass_counts() {
        let values: Vec<i128> = (0..5_000).map(|value| value % 3_000).collect();
        let (one, passes) = counts(&values, 1 << 30);
        assert_eq!((passes, &one), (1, &[(1, 1_000), (2, 2_000)].into()));
        let (many, passes) = counts(&values, 64 << 10);
        assert!(passes > 3, "{passes}");
        assert_eq!(many, one);
    }

    #[test]
    fn equal_numbers_hash_alike_and_neighbours_do_not() {
        let (int, float) = (KeyValue::Int, KeyValue::Float);
        for (a, b) in [
            (int(5), float(5.0)),
            (int(0), float(-0.0)),
            (float(f64::NAN), float(-f64::NAN)),
            (int(i128::from(i64::MIN)), float(-9_223_372_036_854_775_808.0)),
        ] {
            assert_eq!(Print::of(&a), Print::of(&b), "{a:?} {b:?}");
        }
        let above = 9_007_199_254_740_993;
        assert_ne!(Print::of(&int(above)), Print::of(&int(above - 1)));
        assert_ne!(Print::of(&int(5)), Print::of(&KeyValue::Bytes(b"5".to_vec())));
        assert_ne!(Print::of(&KeyValue::Missing), Print::of(&KeyValue::Bytes(Vec::new())));
    }
}
