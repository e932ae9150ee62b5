//! The numbers of the encoding.
//!
//! A number that the end of the bytes cuts off is not consumed: the original reads its bytes again, as flags (defect H).

use super::SketchError;

/// Longest varint in bytes; the ninth holds eight bits.
const LONGEST: usize = 9;

/// How far the bits of a count are turned, so that its exponent comes first.
const TURN: u32 = 6;

/// Reads fields one after another.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field's flag; none at the end.
    pub(super) fn flag(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// An unsigned varint, low bits first.
    pub(super) fn unsigned(&mut self) -> Result<u64, SketchError> {
        let (mut value, mut rest) = (0, self.rest);
        for at in 0..LONGEST {
            let (&byte, behind) = rest.split_first().ok_or(SketchError::Eof)?;
            rest = behind;
            if byte < 0x80 || at == LONGEST - 1 {
                value |= u64::from(byte) << (7 * at);
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * at);
        }
        self.rest = rest;
        Ok(value)
    }

    /// A signed varint, zigzag.
    pub(super) fn signed(&mut self) -> Result<i64, SketchError> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A count.
    pub(super) fn varfloat(&mut self) -> Result<f64, SketchError> {
        let (mut bits, mut rest) = (0, self.rest);
        for at in 0..LONGEST {
            let (&byte, behind) = rest.split_first().ok_or(SketchError::Eof)?;
            rest = behind;
            if at == LONGEST - 1 {
                bits |= u64::from(byte);
                break;
            }
            bits |= u64::from(byte & 0x7f) << (57 - 7 * at);
            if byte < 0x80 {
                break;
            }
        }
        self.rest = rest;
        Ok(turned_back(bits))
    }

    /// Eight bytes, little endian.
    pub(super) fn double(&mut self) -> Result<f64, SketchError> {
        let (first, rest) = self.rest.split_first_chunk::<8>().ok_or(SketchError::Eof)?;
        self.rest = rest;
        Ok(f64::from_le_bytes(*first))
    }
}

fn turned_back(bits: u64) -> f64 {
    f64::from_bits(bits.rotate_right(TURN).wrapping_add(1.0_f64.to_bits())) - 1.0
}

pub(super) fn put_unsigned(to: &mut Vec<u8>, mut value: u64) {
    for _ in 0..LONGEST - 1 {
        if value < 0x80 {
            break;
        }
        to.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    to.push(value.to_le_bytes()[0]);
}

pub(super) fn put_signed(to: &mut Vec<u8>, value: i64) {
    put_unsigned(to, (value << 1 ^ value >> 63).cast_unsigned());
}

pub(super) fn put_varfloat(to: &mut Vec<u8>, value: f64) {
    let mut bits = (value + 1.0).to_bits().wrapping_sub(1.0_f64.to_bits()).rotate_left(TURN);
    for _ in 0..LONGEST - 1 {
        let high = bits.to_be_bytes()[0] >> 1;
        bits <<= 7;
        if bits == 0 {
            to.push(high);
            return;
        }
        to.push(high | 0x80);
    }
    to.push(bits.to_be_bytes()[0]);
}
