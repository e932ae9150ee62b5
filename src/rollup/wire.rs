//! The bytes that a sketch is stored as.
//!
//! A sketch is a series of blocks, each a flag byte and its content. The flag's low two bits say what the block is: 1 bins of
//! positive values, 3 bins of negative values, 2 the mapping from values to bins, 0 something special. Blocks may come in any
//! order and more than once: they add up.
//!
//! The original takes damaged bytes too, as far as it can read them (defect H): an error within a store ends that store, and reading
//! goes on with the next flag where it stopped. A number that the end cuts off is not consumed. Exact statistics are 8 bytes each
//! to it, the count too.
//!
//! Nothing is reserved for what the bytes merely announce: every bin costs at least one byte of input, and bins are kept
//! sparsely, so that hostile bytes cost no more memory than a small multiple of their length.

use super::sketch::{Mapping, Sketch};

/// Why bytes are no sketch that can be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The bytes are not an encoded sketch.
    Malformed(&'static str),
    /// The sketch puts values into other bins: another accuracy, or another kind of mapping.
    OtherMapping,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(what) => f.write_str(what),
            Self::OtherMapping => f.write_str("its bins are of another accuracy"),
        }
    }
}

const STORE_POSITIVE: u8 = 1;
const MAPPING: u8 = 2;
const STORE_NEGATIVE: u8 = 3;
const ZERO_COUNT: u8 = 0x04;
const EXACT_COUNT: u8 = 0x28 << 2;
const EXACT_SUM: u8 = 0x21 << 2;
const EXACT_MIN: u8 = 0x22 << 2;
const EXACT_MAX: u8 = 0x23 << 2;

/// Longest number of variable length, in bytes. All eight bits of the last one count.
const LONGEST: usize = 9;

/// How damaged bytes are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoding {
    /// They are no sketch.
    Strict,
    /// As far as the original can read them (defect H).
    Lenient,
}

/// Decodes a sketch. One without a mapping is taken to have the one that is wanted.
///
/// # Errors
/// What is wrong with the bytes.
pub(super) fn decode(bytes: &[u8], wanted: &Mapping, decoding: Decoding) -> Result<Sketch, Fault> {
    let mut reader = Reader(bytes);
    let mut sketch = Sketch::default();
    let (mut positive, mut negative) = (Vec::new(), Vec::new());
    while let Some(flag) = reader.next() {
        match (flag & 3, flag >> 2) {
            (kind @ (STORE_POSITIVE | STORE_NEGATIVE), form) => {
                let bins = if kind == STORE_POSITIVE { &mut positive } else { &mut negative };
                let read = reader.store(form, bins);
                if decoding == Decoding::Strict {
                    read?;
                }
            }
            (MAPPING, kind) => reader.mapping(kind, wanted)?,
            _ => match flag {
                ZERO_COUNT => sketch.zero += reader.varfloat()?,
                EXACT_COUNT if decoding == Decoding::Strict => drop(reader.varfloat()?),
                EXACT_COUNT => drop(reader.double()?),
                EXACT_SUM | EXACT_MIN | EXACT_MAX => drop(reader.double()?),
                _ => return Err(Fault::Malformed("it holds an unknown block")),
            },
        }
    }
    sketch.positive.fill(positive);
    sketch.negative.fill(negative);
    Ok(sketch)
}

/// Decodes a sketch strictly, and leniently where that gives something else.
pub(super) fn decode_both(
    bytes: &[u8],
    wanted: &Mapping,
) -> (Result<Sketch, Fault>, Option<Result<Sketch, Fault>>) {
    let strict = decode(bytes, wanted, Decoding::Strict);
    // Whole bytes without an exact count are the same to both.
    if strict.is_ok() && !bytes.contains(&EXACT_COUNT) {
        return (strict, None);
    }
    let lenient = decode(bytes, wanted, Decoding::Lenient);
    let differs = match (&strict, &lenient) {
        (Ok(a), Ok(b)) => !a.same(b),
        (Err(_), Err(_)) => false,
        _ => true,
    };
    (strict, differs.then_some(lenient))
}

/// What is left of the bytes. What an error ends is not consumed.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        self.next().ok_or(Fault::Malformed("it ends early"))
    }

    /// Reads a number, and leaves its bytes where they do not hold a whole one.
    fn whole<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut ahead = Reader(self.0);
        let value = read(&mut ahead)?;
        self.0 = ahead.0;
        Ok(value)
    }

    fn double(&mut self) -> Result<f64, Fault> {
        let (bytes, rest) = self.0.split_first_chunk::<8>().ok_or(Fault::Malformed("it ends early"))?;
        self.0 = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    /// Seven bits a byte, low ones first.
    fn unsigned(&mut self) -> Result<u64, Fault> {
        self.whole(|reader| {
            let mut value = 0_u64;
            for position in 0..LONGEST {
                let byte = reader.byte()?;
                let last = position == LONGEST - 1;
                let bits = if last { byte } else { byte & 0x7f };
                value |= u64::from(bits) << (7 * position);
                if last || byte < 0x80 {
                    break;
                }
            }
            Ok(value)
        })
    }

    fn signed(&mut self) -> Result<i64, Fault> {
        let raw = self.unsigned()?;
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    /// A count: seven bits a byte, high ones first, so that small whole numbers are short.
    fn varfloat(&mut self) -> Result<f64, Fault> {
        let raw = self.whole(|reader| {
            let mut raw = 0_u64;
            for position in 0..LONGEST {
                let byte = reader.byte()?;
                if position == LONGEST - 1 {
                    raw |= u64::from(byte);
                    break;
                }
                raw |= u64::from(byte & 0x7f) << (57 - 7 * position);
                if byte < 0x80 {
                    break;
                }
            }
            Ok(raw)
        })?;
        Ok(f64::from_bits(raw.rotate_right(6).wrapping_add(1.0_f64.to_bits())) - 1.0)
    }

    fn mapping(&mut self, kind: u8, wanted: &Mapping) -> Result<(), Fault> {
        if kind > 3 {
            return Err(Fault::Malformed("its mapping is of an unknown kind"));
        }
        let (gamma, offset) = (self.double()?, self.double()?);
        if kind == 0 && wanted.is(gamma, offset) { Ok(()) } else { Err(Fault::OtherMapping) }
    }

    /// Bins of one store, in the order of the bytes. A store of unknown form is an empty one.
    fn store(&mut self, form: u8, bins: &mut Vec<(i64, f64)>) -> Result<(), Fault> {
        match form {
            1 | 2 => {
                let mut index = 0_i64;
                for _ in 0..self.unsigned()? {
                    index = index.wrapping_add(self.signed()?);
                    bins.push((index, if form == 1 { self.varfloat()? } else { 1.0 }));
                }
            }
            3 => {
                let bins_announced = self.unsigned()?;
                let (mut index, step) = (self.signed()?, self.signed()?);
                for _ in 0..bins_announced {
                    bins.push((index, self.varfloat()?));
                    index = index.wrapping_add(step);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
