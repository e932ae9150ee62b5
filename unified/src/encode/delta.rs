//! Parquet's packed deltas (DELTA_BINARY_PACKED), as lengths of values are stored.
//!
//! After the number of values and the first of them come blocks of 128 differences: the lowest of them, and by how much
//! the others exceed it, in four groups of 32 with as many bits each as the group needs.

use crate::encode::hybrid::{pack, varint};

const BLOCK: usize = 128;
const GROUP: usize = 32;

/// Appends the lengths, none of which is negative.
pub(crate) fn encode(lengths: &[i32], bytes: &mut Vec<u8>) {
    varint(BLOCK as u64, bytes);
    varint((BLOCK / GROUP) as u64, bytes);
    varint(lengths.len() as u64, bytes);
    zigzag(lengths.first().copied().unwrap_or(0).into(), bytes);
    let deltas: Vec<i64> = lengths.windows(2).map(|pair| i64::from(pair[1]) - i64::from(pair[0])).collect();
    for block in deltas.chunks(BLOCK) {
        let lowest = block.iter().copied().min().unwrap_or(0);
        zigzag(lowest, bytes);
        let widths = bytes.len();
        bytes.extend([0; BLOCK / GROUP]);
        for (number, group) in block.chunks(GROUP).enumerate() {
            // Two lengths differ by less than 2^31, two differences by less than 2^32. What is missing is 0.
            let mut above = [0; GROUP];
            above.iter_mut().zip(group).for_each(|(above, delta)| *above = (delta - lowest) as u32);
            let width = above.iter().map(|above| u32::BITS - above.leading_zeros()).max().unwrap_or(0);
            bytes[widths + number] = width as u8;
            pack(&above, width, bytes);
        }
    }
}

fn zigzag(number: i64, bytes: &mut Vec<u8>) {
    varint(((number << 1) ^ (number >> 63)) as u64, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a number of seven bits a byte.
    fn number(bytes: &mut &[u8]) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return number;
            }
        }
    }

    fn signed(bytes: &mut &[u8]) -> i64 {
        let zigzag = number(bytes);
        (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)
    }

    /// Reads back what was encoded, as the format describes it.
    fn decode(mut bytes: &[u8]) -> Vec<i32> {
        let (block, groups) = (number(&mut bytes) as usize, number(&mut bytes) as usize);
        let count = number(&mut bytes) as usize;
        let mut values = vec![signed(&mut bytes)];
        while values.len() < count {
            let lowest = signed(&mut bytes);
            let (widths, rest) = bytes.split_at(groups);
            bytes = rest;
            for width in widths.iter().map(|width| usize::from(*width)) {
                if values.len() >= count {
                    continue;
                }
                let per_group = block / groups;
                for n in 0..per_group {
                    let bit = |at: usize| u64::from(bytes[at / 8] >> (at % 8) & 1);
                    let above = (0..width).fold(0, |value, b| value | bit(n * width + b) << b);
                    values.push(values.last().unwrap() + lowest + above as i64);
                }
                bytes = &bytes[width * per_group / 8..];
            }
        }
        assert!(bytes.is_empty());
        values.truncate(count);
        values.into_iter().map(|value| i32::try_from(value).unwrap()).collect()
    }

    #[test]
    fn lengths_read_back_whatever_their_differences() {
        let mut state = 3u64;
        for bits in [0, 1, 7, 8, 20, 31] {
            for count in [0, 1, 2, 31, 33, 128, 129, 130, 1000] {
                let lengths: Vec<i32> = (0..count)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        ((state >> 33) & ((1 << bits) - 1)) as i32
                    })
                    .collect();
                let mut bytes = Vec::new();
                encode(&lengths, &mut bytes);
                assert_eq!(decode(&bytes), lengths, "{bits} bits, {count} values");
            }
        }
        let extreme = [0, i32::MAX, 0, i32::MAX, i32::MAX];
        let mut bytes = Vec::new();
        encode(&extreme, &mut bytes);
        assert_eq!(decode(&bytes), extreme);
    }
}
