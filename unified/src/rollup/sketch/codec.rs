//! The bytes of a sketch.
//!
//! A sketch is a sequence of blocks, each begun by a flag byte. The two low bits are the block's type, the others its
//! form:
//!
//! | type | block | content |
//! | --- | --- | --- |
//! | 0 | `0x04` | count of zeros, a varfloat |
//! | 0 | `0xa0`, `0x84`, `0x88`, `0x8c` | exact count (varfloat), sum, minimum, maximum (8 bytes each): passed over |
//! | 1, 3 | form 1 | bins of positive, negative values: number, then index delta and count of each |
//! | 1, 3 | form 2 | number, then index deltas; each adds 1 |
//! | 1, 3 | form 3 | number, first index, index step, then counts |
//! | 2 | `0x02` | mapping: gamma and index offset, 8 bytes each |
//!
//! A varint has seven bits a byte, low first, and eight in the ninth; signed ones are zigzag. A varfloat of `c` is
//! `bits(c + 1) - bits(1)`, rotated left by 6, seven bits a byte, high first.
//!
//! Reading takes what readers in the field take: blocks in any order and repeated, a sketch without a mapping (taken as
//! ours), a store of an unknown form (taken as empty). Another mapping or accuracy is refused. Cost: one pass over the
//! bytes; nothing is allocated for what bytes merely claim.

use super::mapping::GAMMA;
use super::store::Store;

const ZERO_COUNT: u8 = 0x04;
const MAPPING: u8 = 0x02;
const EXACT_COUNT: u8 = 0x28 << 2;
const EXACT_SUM: u8 = 0x21 << 2;
const EXACT_MIN: u8 = 0x22 << 2;
const EXACT_MAX: u8 = 0x23 << 2;

const POSITIVE: u8 = 1;
const NEGATIVE: u8 = 3;

const DELTAS_AND_COUNTS: u8 = 1;
const DELTAS: u8 = 2;
const CONTIGUOUS: u8 = 3;

/// Bytes of the longest varint and varfloat.
const LONGEST: usize = 9;

/// Bits by which a varfloat is rotated, so that the exponent comes first.
const ROTATION: u32 = 6;

/// The bytes are not a sketch of our accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Undecodable;

/// Receives what a sketch holds.
pub(super) trait Sink {
    fn zeros(&mut self, count: f64);
    fn bin(&mut self, negative: bool, index: i64, count: f64);
}

/// Receives nothing: to learn whether bytes are a sketch.
pub(super) struct Nowhere;

impl Sink for Nowhere {
    fn zeros(&mut self, _count: f64) {}
    fn bin(&mut self, _negative: bool, _index: i64, _count: f64) {}
}

/// Reads a sketch from its first to its last byte.
pub(super) fn decode(bytes: &[u8], sink: &mut impl Sink) -> Result<(), Undecodable> {
    let mut input = Input(bytes);
    while !input.0.is_empty() {
        let flag = input.byte()?;
        match flag & 3 {
            kind @ (POSITIVE | NEGATIVE) => decode_store(&mut input, flag >> 2, kind == NEGATIVE, sink)?,
            2 if flag == MAPPING => {
                let (gamma, offset) = (input.float()?, input.float()?);
                // Written this way round, NaN is refused too.
                let same = |a: f64, b: f64| (a - b).abs() <= 1e-12;
                if !(same(gamma, GAMMA) && same(offset, 0.0)) {
                    return Err(Undecodable);
                }
            }
            2 => return Err(Undecodable),
            _ => match flag {
                ZERO_COUNT => sink.zeros(input.varfloat()?),
                EXACT_COUNT => drop(input.varfloat()?),
                EXACT_SUM | EXACT_MIN | EXACT_MAX => drop(input.float()?),
                _ => return Err(Undecodable),
            },
        }
    }
    Ok(())
}

fn decode_store(
    input: &mut Input<'_>,
    form: u8,
    negative: bool,
    sink: &mut impl Sink,
) -> Result<(), Undecodable> {
    match form {
        DELTAS_AND_COUNTS | DELTAS => {
            let bins = input.varint()?;
            let mut index = 0i64;
            for _ in 0..bins {
                index = index.wrapping_add(input.signed()?);
                let count = if form == DELTAS { 1.0 } else { input.varfloat()? };
                sink.bin(negative, index, count);
            }
        }
        CONTIGUOUS => {
            let bins = input.varint()?;
            let (mut index, step) = (input.signed()?, input.signed()?);
            for _ in 0..bins {
                sink.bin(negative, index, input.varfloat()?);
                index = index.wrapping_add(step);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Appends the bytes of a sketch.
pub(super) fn encode(zeros: f64, [positive, negative]: [&Store; 2], out: &mut Vec<u8>) {
    if zeros != 0.0 {
        out.push(ZERO_COUNT);
        put_varfloat(out, zeros);
    }
    out.push(MAPPING);
    out.extend_from_slice(&GAMMA.to_le_bytes());
    out.extend_from_slice(&0f64.to_le_bytes());
    encode_store(positive, POSITIVE, out);
    encode_store(negative, NEGATIVE, out);
}

/// Writes a store in the shorter of two forms. In the sparse form's length the first index counts one byte, however
/// long it is: so the writers in the field reckon, and the bytes must be theirs.
fn encode_store(store: &Store, kind: u8, out: &mut Vec<u8>) {
    let bins = store.bins();
    let (Some(&(first, _)), Some(&(last, _))) = (bins.first(), bins.last()) else { return };
    let span = (i128::from(last) - i128::from(first)) as u128 + 1;
    let (mut counts, mut deltas, mut previous) = (0u128, 0u128, first);
    for &(index, count) in bins {
        counts += varfloat_len(count) as u128;
        deltas += varint_len(zigzag(index.wrapping_sub(previous))) as u128;
        previous = index;
    }
    let number = bins.len() as u64;
    let sparse = counts + deltas + varint_len(number) as u128;
    let span_len = u64::try_from(span).map_or(LONGEST, varint_len) as u128;
    // A bin without a count takes one byte, so this form is never chosen where a gap is wide.
    let gaps = span - u128::from(number);
    let contiguous = span_len + varint_len(zigzag(first)) as u128 + 1 + counts + gaps;
    if contiguous <= sparse {
        out.push(CONTIGUOUS << 2 | kind);
        put_varint(out, span as u64);
        put_varint(out, zigzag(first));
        put_varint(out, zigzag(1));
        let mut next = first;
        for &(index, count) in bins {
            // The varfloat of zero is one zero byte.
            out.extend((next..index).map(|_| 0));
            put_varfloat(out, count);
            next = index.wrapping_add(1);
        }
    } else {
        out.push(DELTAS_AND_COUNTS << 2 | kind);
        put_varint(out, number);
        let mut previous = 0i64;
        for &(index, count) in bins {
            put_varint(out, zigzag(index.wrapping_sub(previous)));
            put_varfloat(out, count);
            previous = index;
        }
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Result<u8, Undecodable> {
        let (first, rest) = self.0.split_first().ok_or(Undecodable)?;
        self.0 = rest;
        Ok(*first)
    }

    fn float(&mut self) -> Result<f64, Undecodable> {
        let (first, rest) = self.0.split_first_chunk::<8>().ok_or(Undecodable)?;
        self.0 = rest;
        Ok(f64::from_le_bytes(*first))
    }

    fn varint(&mut self) -> Result<u64, Undecodable> {
        let mut number = 0;
        for at in 0..LONGEST {
            let byte = self.byte()?;
            if byte < 0x80 || at == LONGEST - 1 {
                return Ok(number | u64::from(byte) << (7 * at));
            }
            number |= u64::from(byte & 0x7f) << (7 * at);
        }
        Err(Undecodable)
    }

    fn signed(&mut self) -> Result<i64, Undecodable> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn varfloat(&mut self) -> Result<f64, Undecodable> {
        let mut bits = 0u64;
        for at in 0..LONGEST {
            let byte = self.byte()?;
            if at == LONGEST - 1 {
                bits |= u64::from(byte);
                break;
            }
            bits |= u64::from(byte & 0x7f) << (57 - 7 * at);
            if byte < 0x80 {
                break;
            }
        }
        Ok(f64::from_bits(bits.rotate_right(ROTATION).wrapping_add(1f64.to_bits())) - 1.0)
    }
}

fn zigzag(number: i64) -> u64 {
    (number << 1) as u64 ^ (number >> 63) as u64
}

fn varint_len(number: u64) -> usize {
    let bits = 64 - number.leading_zeros() as usize;
    bits.div_ceil(7).clamp(1, LONGEST)
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    for _ in 0..LONGEST - 1 {
        if number < 0x80 {
            break;
        }
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn varfloat_bits(count: f64) -> u64 {
    (count + 1.0).to_bits().wrapping_sub(1f64.to_bits()).rotate_left(ROTATION)
}

fn varfloat_len(count: f64) -> usize {
    let bits = 64 - varfloat_bits(count).trailing_zeros() as usize;
    bits.div_ceil(7).clamp(1, LONGEST)
}

fn put_varfloat(out: &mut Vec<u8>, count: f64) {
    let mut bits = varfloat_bits(count);
    for _ in 0..LONGEST - 1 {
        let high = (bits >> 57) as u8;
        bits <<= 7;
        if bits == 0 {
            out.push(high);
            return;
        }
        out.push(high | 0x80);
    }
    out.push((bits >> 56) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_are_as_long_as_reckoned() {
        let mut out = Vec::new();
        for number in [0, 1, 127, 128, 1 << 35, (1 << 56) - 1, 1 << 56, 1 << 63, u64::MAX] {
            out.clear();
            put_varint(&mut out, number);
            assert_eq!(out.len(), varint_len(number), "{number}");
            assert_eq!(Input(&out).varint().ok(), Some(number));
        }
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            out.clear();
            put_varint(&mut out, zigzag(number));
            assert_eq!(Input(&out).signed().ok(), Some(number));
        }
        for count in [0.0, 1.0, 2.0, 3.0, 0.5, 1e6, 123_456.0, 1e300, -0.25] {
            out.clear();
            put_varfloat(&mut out, count);
            assert_eq!(out.len(), varfloat_len(count), "{count}");
            assert_eq!(Input(&out).varfloat().ok(), Some(count));
        }
    }
}
