//! Counts by bin. Written as the original's dense store writes them, kept sparsely.

use std::collections::BTreeMap;

use super::SketchError;
use super::bytes::{Reader, put_signed, put_unsigned, put_varfloat};

/// Index deltas, each with a count.
const DELTAS_AND_COUNTS: u8 = 1;
/// Index deltas, each counting one.
const DELTAS: u8 = 2;
/// A first index, a step, and counts.
const CONTIGUOUS: u8 = 3;

/// Counts by bin, ascending. A count of zero is not kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Store {
    bins: BTreeMap<i64, f64>,
    /// Sum of the counts in the order in which they came, as the original keeps it.
    total: f64,
}

impl Store {
    pub(super) fn add(&mut self, index: i64, count: f64) {
        if count != 0.0 {
            *self.bins.entry(index).or_insert(0.0) += count;
            self.total += count;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (index, count) in other.bins() {
            *self.bins.entry(index).or_insert(0.0) += count;
        }
        self.total += other.total;
    }

    pub(super) fn bins(&self) -> impl Iterator<Item = (i64, f64)> {
        self.bins.iter().map(|(&index, &count)| (index, count))
    }

    pub(super) fn total(&self) -> f64 {
        self.total
    }

    pub(super) fn lowest(&self) -> Option<i64> {
        self.bins.first_key_value().map(|(&index, _)| index)
    }

    pub(super) fn highest(&self) -> Option<i64> {
        self.bins.last_key_value().map(|(&index, _)| index)
    }

    /// The bin in which the value of this rank lies, counted from 0.
    pub(super) fn at_rank(&self, rank: f64) -> Option<i64> {
        let rank = rank.max(0.0);
        let mut below = 0.0;
        let found = self.bins().find(|(_, count)| {
            below += count;
            below > rank
        });
        found.map(|(index, _)| index).or(self.highest())
    }

    /// Adds an encoded store, as far as it can be read: the original ignores the error (defect H).
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, form: u8) {
        let _ = self.read_bins(reader, form);
    }

    fn read_bins(&mut self, reader: &mut Reader<'_>, form: u8) -> Result<(), SketchError> {
        match form {
            DELTAS_AND_COUNTS | DELTAS => {
                let bins = reader.unsigned()?;
                let mut index = 0_i64;
                for _ in 0..bins {
                    index = index.wrapping_add(reader.signed()?);
                    let count = if form == DELTAS { 1.0 } else { reader.varfloat()? };
                    self.add(index, count);
                }
            }
            CONTIGUOUS => {
                let bins = reader.unsigned()?;
                let (mut index, step) = (reader.signed()?, reader.signed()?);
                for _ in 0..bins {
                    self.add(index, reader.varfloat()?);
                    index = index.wrapping_add(step);
                }
            }
            // The original takes an unknown form for an empty store and goes on behind its flag.
            _ => {}
        }
        Ok(())
    }

    /// Writes the store in the shorter form, contiguous where both are as long; nothing where it is empty.
    pub(super) fn write(&self, to: &mut Vec<u8>, kind: u8) {
        let (Some(lowest), Some(highest)) = (self.lowest(), self.highest()) else { return };
        let sparse = self.deltas_and_counts();
        // A bin without values takes a byte, so a span longer than the sparse form need not be tried.
        let span = highest.wrapping_sub(lowest).cast_unsigned();
        let dense = (span <= sparse.len() as u64).then(|| self.contiguous(lowest, highest));
        // The first index of the sparse form is a delta from 0; the original leaves its length out of the comparison.
        let sparse_size = sparse.len() + signed_size(0) - signed_size(lowest);
        match dense {
            Some(dense) if dense.len() <= sparse_size => {
                to.push(CONTIGUOUS << 2 | kind);
                to.extend(dense);
            }
            _ => {
                to.push(DELTAS_AND_COUNTS << 2 | kind);
                to.extend(sparse);
            }
        }
    }

    fn deltas_and_counts(&self) -> Vec<u8> {
        let mut to = Vec::new();
        put_unsigned(&mut to, self.bins.len() as u64);
        let mut previous = 0_i64;
        for (index, count) in self.bins() {
            put_signed(&mut to, index.wrapping_sub(previous));
            put_varfloat(&mut to, count);
            previous = index;
        }
        to
    }

    fn contiguous(&self, lowest: i64, highest: i64) -> Vec<u8> {
        let mut to = Vec::new();
        put_unsigned(&mut to, highest.wrapping_sub(lowest).cast_unsigned().wrapping_add(1));
        put_signed(&mut to, lowest);
        put_signed(&mut to, 1);
        for index in lowest..=highest {
            put_varfloat(&mut to, self.bins.get(&index).copied().unwrap_or(0.0));
        }
        to
    }
}

fn signed_size(value: i64) -> usize {
    let mut bytes = Vec::new();
    put_signed(&mut bytes, value);
    bytes.len()
}
