//! Parquet's hybrid of run lengths and packed bits, as it stands in data pages for levels and dictionary keys.
//!
//! A run of at least eight equal values becomes its length and the value; what lies between becomes groups of eight
//! values of so many bits each, lowest bit first. Cost: one look at each value.

/// Values of a packed group, and the fewest equal ones that are worth a run.
const GROUP: usize = 8;

/// Appends the values, each of `width` bits (1 to 32).
pub(crate) fn encode(values: &[u32], width: u32, bytes: &mut Vec<u8>) {
    let mut packed = 0;
    let mut at = 0;
    while at < values.len() {
        let equal = values[at..].iter().take_while(|value| **value == values[at]).count();
        let filled = (at - packed) % GROUP;
        // A run may begin only where a group ends; what fills up the group is packed with it.
        let spare = if filled == 0 { 0 } else { GROUP - filled };
        if equal >= GROUP + spare {
            groups(&values[packed..at + spare], width, bytes);
            run(values[at], equal - spare, width, bytes);
            packed = at + equal;
        }
        at += equal;
    }
    groups(&values[packed..], width, bytes);
}

/// Appends so many equal values.
pub(crate) fn encode_equal(value: u32, count: usize, width: u32, bytes: &mut Vec<u8>) {
    if count < GROUP {
        return encode(&[value; GROUP][..count], width, bytes);
    }
    run(value, count, width, bytes);
}

/// Appends a run.
fn run(value: u32, count: usize, width: u32, bytes: &mut Vec<u8>) {
    varint((count as u64) << 1, bytes);
    bytes.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Appends values as packed groups, if there are any.
fn groups(values: &[u32], width: u32, bytes: &mut Vec<u8>) {
    if !values.is_empty() {
        varint((values.len().div_ceil(GROUP) as u64) << 1 | 1, bytes);
        pack(values, width, bytes);
    }
}

/// Appends values of so many bits each, lowest bit first; what is missing to a multiple of eight of them is 0.
pub(crate) fn pack(values: &[u32], width: u32, bytes: &mut Vec<u8>) {
    for group in values.chunks(GROUP) {
        let (mut bits, mut filled, mut left) = (0u64, 0, width as usize);
        for at in 0..GROUP {
            bits |= u64::from(group.get(at).copied().unwrap_or(0)) << filled;
            filled += width;
            while filled >= 8 {
                bytes.push(bits as u8);
                bits >>= 8;
                filled -= 8;
                left -= 1;
            }
        }
        debug_assert_eq!((left, filled), (0, 0), "eight values of any width fill whole bytes");
    }
}

/// Appends a number in seven bits a byte, the lowest first.
pub(crate) fn varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Bits of the largest key, at least one.
pub(crate) fn width_of(largest: u32) -> u32 {
    (u32::BITS - largest.leading_zeros()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads back what was encoded, as the format describes it.
    fn decode(bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let (mut values, mut at) = (Vec::new(), 0);
        while values.len() < count {
            let (mut header, mut shift) = (0usize, 0);
            loop {
                header |= usize::from(bytes[at] & 0x7f) << shift;
                shift += 7;
                at += 1;
                if bytes[at - 1] & 0x80 == 0 {
                    break;
                }
            }
            if header & 1 == 0 {
                let size = width.div_ceil(8) as usize;
                let value = (0..size).fold(0, |value, n| value | u32::from(bytes[at + n]) << (8 * n));
                values.extend(std::iter::repeat_n(value, header >> 1));
                at += size;
            } else {
                for n in 0..(header >> 1) * 8 {
                    let bit = |m: usize| bytes[at + m / 8] >> (m % 8) & 1;
                    let first = n * width as usize;
                    values.push((0..width as usize).fold(0, |v, b| v | u32::from(bit(first + b)) << b));
                }
                at += (header >> 1) * width as usize;
            }
        }
        assert_eq!(at, bytes.len());
        values.truncate(count);
        values
    }

    #[test]
    fn what_is_encoded_reads_back_for_every_width_and_run_length() {
        let mut state = 7u64;
        for width in 1..=17 {
            for longest in [1, 3, 9, 40, 1000] {
                let mut values = Vec::new();
                while values.len() < 3000 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let run = 1 + (state >> 40) as usize % longest;
                    let value = (state >> 20) as u32 & ((1 << width) - 1);
                    values.extend(std::iter::repeat_n(value, run));
                }
                let mut bytes = Vec::new();
                encode(&values, width, &mut bytes);
                assert_eq!(decode(&bytes, width, values.len()), values, "{width} {longest}");
            }
        }
        assert_eq!((width_of(0), width_of(1), width_of(2), width_of(65_535)), (1, 1, 2, 16));
    }

    #[test]
    fn equal_values_are_encoded_alike_whether_that_is_known_or_not() {
        for (value, width) in [(1, 1), (0, 1), (300, 9), (70_000, 17)] {
            for count in 0..40 {
                let (mut known, mut found) = (Vec::new(), Vec::new());
                encode_equal(value, count, width, &mut known);
                encode(&vec![value; count], width, &mut found);
                assert_eq!(known, found, "{count} times {value}");
            }
        }
    }
}
