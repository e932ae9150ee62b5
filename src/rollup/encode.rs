//! The bytes that a sketch is written as, exactly: where rows are excused by a known defect, their bytes must be these.
//!
//! The zero count, where there is one; the mapping; the bins of positive values; those of negative ones. Bins are written as
//! indexes with counts, or as a run of counts where that is not longer. The writers count the first index as one byte when
//! they compare the two, however long it is.

use super::sketch::{Bins, Mapping, Sketch};

/// Longest number of variable length, in bytes.
const LONGEST: usize = 9;

/// Encodes a sketch.
pub(super) fn encode(sketch: &Sketch, mapping: &Mapping) -> Vec<u8> {
    let mut bytes = Vec::new();
    if sketch.zero != 0.0 {
        bytes.push(0x04);
        varfloat(sketch.zero, &mut bytes);
    }
    bytes.push(0x02);
    bytes.extend(mapping.gamma().to_le_bytes());
    bytes.extend(0.0_f64.to_le_bytes());
    store(1, &sketch.positive, &mut bytes);
    store(3, &sketch.negative, &mut bytes);
    bytes
}

fn store(kind: u8, bins: &Bins, bytes: &mut Vec<u8>) {
    let filled: Vec<(i64, f64)> = bins.all().iter().copied().filter(|bin| bin.1 != 0.0).collect();
    let (Some(&(first, _)), Some(&(last, _))) = (filled.first(), filled.last()) else { return };
    let mut indexed = Vec::new();
    unsigned(filled.len() as u64, &mut indexed);
    let mut before = 0_i64;
    for (index, count) in &filled {
        signed(index.wrapping_sub(before), &mut indexed);
        varfloat(*count, &mut indexed);
        before = *index;
    }
    let mut first_index = Vec::new();
    signed(first, &mut first_index);
    // A bin of a run takes a byte at least: a longer run is never shorter.
    let span = last.wrapping_sub(first).cast_unsigned();
    if span <= indexed.len() as u64 {
        let mut run = Vec::new();
        unsigned(span + 1, &mut run);
        run.extend(&first_index);
        signed(1, &mut run);
        let mut next = filled.iter().peekable();
        for index in first..=last {
            varfloat(next.next_if(|bin| bin.0 == index).map_or(0.0, |bin| bin.1), &mut run);
        }
        if run.len() < indexed.len() - first_index.len() + 2 {
            bytes.push(3 << 2 | kind);
            bytes.extend(run);
            return;
        }
    }
    bytes.push(1 << 2 | kind);
    bytes.extend(indexed);
}

fn unsigned(mut value: u64, bytes: &mut Vec<u8>) {
    for _ in 0..LONGEST - 1 {
        if value < 0x80 {
            break;
        }
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

fn signed(value: i64, bytes: &mut Vec<u8>) {
    unsigned(((value << 1) ^ (value >> 63)).cast_unsigned(), bytes);
}

fn varfloat(count: f64, bytes: &mut Vec<u8>) {
    let mut raw = (count + 1.0).to_bits().wrapping_sub(1.0_f64.to_bits()).rotate_left(6);
    for _ in 0..LONGEST - 1 {
        let high = raw.to_be_bytes()[0] >> 1;
        raw <<= 7;
        if raw == 0 {
            bytes.push(high);
            return;
        }
        bytes.push(high | 0x80);
    }
    bytes.push(raw.to_be_bytes()[0]);
}
