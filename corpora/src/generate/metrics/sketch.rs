//! Sketches as production writes them: DDSketch with a logarithmic mapping of relative accuracy 0.01.
//!
//! 1. A value's bin is found in a table of the powers of gamma, made by multiplication alone: no logarithm, whose last bit
//!    differs between mathematical libraries, has a say in what a named corpus holds.
//! 2. A sketch is, in this order: the count of zeros, where there are any; the mapping; the bins of positive values; those
//!    of negative ones. Bins come in one of three forms: an index for each value, index and count, or a run of counts.
//!
//! This encodes only. It knows nothing of merging, so that neither side's mistake can be repeated here.

use std::collections::BTreeMap;

/// (1 + 0.01) / (1 - 0.01): each bin is wider than the one below by this factor.
const GAMMA: f64 = 1.01 / 0.99;
/// (1 + 0.02) / (1 - 0.02).
const FOREIGN_GAMMA: f64 = 1.02 / 0.98;
/// Bins reach this far either way; the values there are around 1e295 and 1e-295.
pub(super) const REACH: i32 = 34_000;

/// Begins the count of zeros.
const ZEROS: u8 = 0x04;
/// Begins a logarithmic mapping.
const MAPPING: u8 = 0x02;
/// The stores, with the form of their bins still to be added.
const POSITIVE: u8 = 0x01;
const NEGATIVE: u8 = 0x03;
/// Forms of bins.
const INDEXES: u8 = 0x08;
const INDEXES_AND_COUNTS: u8 = 0x04;
const RUN_OF_COUNTS: u8 = 0x0c;

/// How the bins of a sketch are written where not each of them counts one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Index and count of each bin that has values.
    Sparse,
    /// The counts of all bins from the first to the last.
    Dense,
}

/// The borders of the bins.
pub(super) struct Bins {
    /// Lower border of bin `index - REACH`.
    borders: Vec<f64>,
    gamma: f64,
}

impl Bins {
    /// The bins of production.
    pub(super) fn new() -> Self {
        Self::of(GAMMA)
    }

    /// Bins of another accuracy, which nobody can add to those of production.
    pub(super) fn foreign() -> Self {
        Self::of(FOREIGN_GAMMA)
    }

    fn of(gamma: f64) -> Self {
        // The bins of the foreign accuracy reach out of what a float holds on this way; nobody asks for those.
        let mut borders: Vec<f64> = Vec::with_capacity(2 * REACH as usize + 1);
        let down = |border: &f64| Some(border / gamma);
        borders.extend(std::iter::successors(Some(1.0), down).take(REACH as usize + 1));
        borders.reverse();
        let up = |border: &f64| Some(border * gamma);
        borders.extend(std::iter::successors(Some(gamma), up).take(REACH as usize));
        Self { borders, gamma }
    }

    /// The bin of a positive value.
    pub(super) fn bin(&self, value: f64) -> i32 {
        self.borders.partition_point(|border| *border <= value) as i32 - 1 - REACH
    }

    /// The lower border of a bin.
    pub(super) fn border(&self, bin: i32) -> f64 {
        let place = (bin + REACH).clamp(0, 2 * REACH);
        self.borders.get(place as usize).copied().unwrap_or(1.0)
    }

    /// The mapping alone: a sketch without values.
    pub(super) fn empty(&self) -> Vec<u8> {
        let mut out = vec![MAPPING];
        out.extend(self.gamma.to_le_bytes());
        out.extend(0.0_f64.to_le_bytes());
        out
    }

    /// The sketch of finite `values`.
    pub(super) fn encode(&self, values: &[f64], form: Form) -> Vec<u8> {
        let zeros = values.iter().filter(|value| **value == 0.0).count();
        let mut out = Vec::with_capacity(24 + values.len());
        if zeros > 0 {
            out.push(ZEROS);
            count(&mut out, zeros as u64);
        }
        out.extend(self.empty());
        for (store, sign) in [(POSITIVE, 1.0), (NEGATIVE, -1.0)] {
            let mut bins: BTreeMap<i32, u64> = BTreeMap::new();
            for value in values.iter().map(|value| value * sign).filter(|value| *value > 0.0) {
                *bins.entry(self.bin(value)).or_default() += 1;
            }
            write_bins(&mut out, store, &bins, form);
        }
        out
    }
}

fn write_bins(out: &mut Vec<u8>, store: u8, bins: &BTreeMap<i32, u64>, form: Form) {
    let (Some((first, _)), Some((last, _))) = (bins.first_key_value(), bins.last_key_value()) else { return };
    let steps = bins.keys().scan(0, |before, bin| {
        let step = bin - *before;
        *before = *bin;
        Some(i64::from(step))
    });
    if bins.values().all(|values| *values == 1) {
        out.push(store | INDEXES);
        whole(out, bins.len() as u64);
        steps.for_each(|step| signed(out, step));
    } else if form == Form::Sparse {
        out.push(store | INDEXES_AND_COUNTS);
        whole(out, bins.len() as u64);
        for (step, values) in steps.zip(bins.values()) {
            signed(out, step);
            count(out, *values);
        }
    } else {
        out.push(store | RUN_OF_COUNTS);
        whole(out, (last - first) as u64 + 1);
        signed(out, i64::from(*first));
        signed(out, 1);
        for bin in *first..=*last {
            count(out, bins.get(&bin).copied().unwrap_or(0));
        }
    }
}

/// A whole number, seven bits a byte, the lowest first.
fn whole(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A whole number of either sign, the sign in the lowest bit.
fn signed(out: &mut Vec<u8>, value: i64) {
    whole(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// A count as a float, in such a way that small whole numbers need one or two bytes: the distance of its bits, increased by
/// one, from those of 1.0, its exponent turned to the front, seven bits a byte, the highest first.
fn count(out: &mut Vec<u8>, value: u64) {
    let mut bits = (value as f64 + 1.0).to_bits().wrapping_sub(1.0_f64.to_bits()).rotate_left(6);
    for _ in 0..8 {
        let byte = (bits >> 57) as u8;
        bits <<= 7;
        if bits == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
    out.push((bits >> 56) as u8);
}

/// Bytes that are no sketch, each in its own way; such a row must be dropped wherever it would have to be merged. Of those cut short
/// behind the mapping the original merges what it can read (defect H).
pub(super) fn garbage(bins: &Bins, turn: u64) -> Vec<u8> {
    let mapping = bins.empty();
    let whole = bins.encode(&[1.5, 2.5, 250.0], Form::Sparse);
    match turn % 8 {
        0 => b"garbage-bytes".to_vec(),
        1 => vec![0xff, 0xff, 0x01],
        // Cut short: within the accuracy, before the number of bins, within the bins.
        2 => mapping[..6].to_vec(),
        3 => [&mapping[..], &[POSITIVE | INDEXES]].concat(),
        4 => whole[..whole.len() - 1].to_vec(),
        // A mapping of another kind, and one that says that nothing is apart.
        5 => [&[0x0e], &whole[1..]].concat(),
        6 => [&[MAPPING], &1.0_f64.to_le_bytes()[..], &whole[9..]].concat(),
        // An index that never ends.
        _ => [&mapping[..], &[POSITIVE | INDEXES, 0x01], &[0xff; 11]].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn bytes_are_those_of_production() {
        // Recorded from the original for the same values.
        let cases: [(&[f64], &str); 8] = [
            (&[], "02fd4a815abf52f03f0000000000000000"),
            (&[0.0], "040202fd4a815abf52f03f0000000000000000"),
            (&[1.0], "02fd4a815abf52f03f0000000000000000090100"),
            (&[-1.0], "02fd4a815abf52f03f00000000000000000b0100"),
            (&[1.0, 2.0, 3.0], "02fd4a815abf52f03f00000000000000000903004428"),
            (&[-5.0, 0.0, 5.0], "040202fd4a815abf52f03f00000000000000000901a0010b01a001"),
            (&[1e-270], "02fd4a815abf52f03f00000000000000000901"),
            (&[994_912.78, 3.3], "02fd4a815abf52f03f0000000000000000090276ee09"),
        ];
        let bins = Bins::new();
        for (values, expected) in cases {
            assert!(hex(&bins.encode(values, Form::Sparse)).starts_with(expected), "{values:?}");
        }
        // Two sketches of 1 and one of 100, as the original writes them after merging.
        let merged = bins.encode(&[1.0, 10.0, 10.0], Form::Sparse);
        assert_eq!(hex(&merged), "02fd4a815abf52f03f000000000000000005020002e60103");
        let dense = bins.encode(&[2.5; 187], Form::Dense);
        assert!(hex(&dense).ends_with("0d015a028e78"), "{}", hex(&dense));
    }

    #[test]
    fn every_value_lies_in_its_bin() {
        let bins = Bins::new();
        for bin in [-REACH, -700, -1, 0, 1, 2, 699, REACH - 1] {
            let border = bins.border(bin);
            assert_eq!(bins.bin(border * 1.01), bin);
            assert!((border.ln() / GAMMA.ln() - f64::from(bin)).abs() < 1e-6, "{bin}");
        }
        assert_eq!((bins.bin(1.0), bins.bin(0.999_999)), (0, -1));
    }

    #[test]
    fn garbage_differs_from_turn_to_turn_and_from_a_sketch() {
        let bins = Bins::new();
        let all: std::collections::BTreeSet<Vec<u8>> = (0..8).map(|turn| garbage(&bins, turn)).collect();
        assert_eq!(all.len(), 8);
        assert!(!all.contains(&bins.empty()));
    }
}
