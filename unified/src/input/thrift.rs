//! Reading Thrift's compact protocol, as far as Parquet's own structures need it: footers and page headers.
//!
//! Nothing is built: numbers are handed out, everything else is passed over. Every length is compared with the bytes that
//! are left before it is used.

/// How deep structures may nest.
pub(crate) const MAX_DEPTH: usize = 64;

/// A boolean that is true.
pub(crate) const BOOLEAN_TRUE: u8 = 1;
/// A boolean that is false.
pub(crate) const BOOLEAN_FALSE: u8 = 2;
/// One byte.
pub(crate) const BYTE: u8 = 3;
/// Eight bytes.
pub(crate) const DOUBLE: u8 = 7;
/// A byte string.
pub(crate) const BINARY: u8 = 8;
/// A list.
pub(crate) const LIST: u8 = 9;
/// A set.
pub(crate) const SET: u8 = 10;
/// A map.
pub(crate) const MAP: u8 = 11;
/// A structure.
pub(crate) const STRUCT: u8 = 12;
/// Sixteen bytes.
pub(crate) const UUID: u8 = 13;

/// Bytes and a position in them.
#[derive(Debug)]
pub(crate) struct Thrift<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Thrift<'a> {
    /// From the first byte.
    #[must_use]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Bytes read so far.
    #[must_use]
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The next byte.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub(crate) fn byte(&mut self) -> Result<u8, String> {
        let byte = self.bytes.get(self.position).copied().ok_or_else(|| "it ends early".to_owned())?;
        self.position += 1;
        Ok(byte)
    }

    /// An unsigned number of up to 64 bits.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub(crate) fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            if shift < 64 {
                value |= u64::from(byte & 0x7f) << shift;
            }
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("it holds a number of more than 64 bits".to_owned())
    }

    /// A signed number of up to 64 bits.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub(crate) fn zigzag(&mut self) -> Result<i64, String> {
        let raw = self.varint()?;
        #[expect(clippy::cast_possible_wrap, reason = "zigzag decoding is defined on the bits")]
        let value = (raw >> 1) as i64 ^ -((raw & 1) as i64);
        Ok(value)
    }

    /// A byte string.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub(crate) fn binary(&mut self) -> Result<&'a [u8], String> {
        let length = self.varint()?;
        let start = self.position;
        self.skip(length)?;
        Ok(&self.bytes[start..self.position])
    }

    /// Passes over bytes.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub(crate) fn skip(&mut self, length: u64) -> Result<(), String> {
        let left = (self.bytes.len() - self.position) as u64;
        if length > left {
            return Err(format!("it announces {length} bytes where {left} are left"));
        }
        self.position += usize::try_from(length).map_err(|_| "it is too long".to_owned())?;
        Ok(())
    }

    /// Refuses more elements than there are bytes: each takes at least one.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub(crate) fn room(&self, elements: u64) -> Result<(), String> {
        let left = (self.bytes.len() - self.position) as u64;
        if elements > left {
            return Err(format!("it announces {elements} elements where {left} bytes are left"));
        }
        Ok(())
    }

    /// The next field of a structure: its number and type code; `None` at the structure's end. `last` is the number of the
    /// field before it, 0 at the start.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub(crate) fn field(&mut self, last: i64) -> Result<Option<(i64, u8)>, String> {
        let header = self.byte()?;
        if header == 0 {
            return Ok(None);
        }
        let delta = i64::from(header >> 4);
        let number = if delta == 0 { self.zigzag()? } else { last.saturating_add(delta) };
        Ok(Some((number, header & 0x0f)))
    }

    /// Passes over a value that is a field of a structure, where a boolean has no byte of its own.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub(crate) fn pass_field(&mut self, kind: u8, depth: usize) -> Result<(), String> {
        if kind == BOOLEAN_TRUE || kind == BOOLEAN_FALSE { Ok(()) } else { self.pass(kind, depth) }
    }

    fn pass(&mut self, kind: u8, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("it nests more than {MAX_DEPTH} structures"));
        }
        match kind {
            BOOLEAN_TRUE | BOOLEAN_FALSE | BYTE => self.skip(1),
            4..=6 => self.varint().map(drop),
            DOUBLE => self.skip(8),
            BINARY => self.binary().map(drop),
            LIST | SET => {
                let header = self.byte()?;
                let length = if header >> 4 == 0x0f { self.varint()? } else { u64::from(header >> 4) };
                self.room(length)?;
                of_booleans(length, header & 0x0f)?;
                (0..length).try_for_each(|_| self.pass(header & 0x0f, depth + 1))
            }
            MAP => {
                let length = self.varint()?;
                if length == 0 {
                    return Ok(());
                }
                self.room(length)?;
                let kinds = self.byte()?;
                of_booleans(length, kinds >> 4)?;
                of_booleans(length, kinds & 0x0f)?;
                (0..length).try_for_each(|_| {
                    self.pass(kinds >> 4, depth + 1)?;
                    self.pass(kinds & 0x0f, depth + 1)
                })
            }
            STRUCT => {
                let mut last = 0;
                while let Some((number, kind)) = self.field(last)? {
                    last = number;
                    self.pass_field(kind, depth + 1)?;
                }
                Ok(())
            }
            UUID => self.skip(16),
            other => Err(format!("it holds an unknown type code {other}")),
        }
    }
}

/// Refuses elements that are booleans. No footer and no page header has such a list; the Parquet crate passes over one as if its
/// elements took no bytes, and then takes something else for what follows.
///
/// # Errors
/// What is wrong, as a fragment.
pub(crate) fn of_booleans(elements: u64, kind: u8) -> Result<(), String> {
    if elements > 0 && (kind == BOOLEAN_TRUE || kind == BOOLEAN_FALSE) {
        return Err("it holds a list of booleans".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_with_every_kind_of_value_is_passed_over_to_its_last_byte() {
        // 1: true; 2: i32 -1; 3: binary "ab"; 4: list of two bytes... as i32; 5: map of one byte to a struct; stop.
        let bytes = [
            0x11, 0x15, 0x01, 0x18, 0x02, b'a', b'b', 0x19, 0x25, 0x02, 0x04, 0x1b, 0x01, 0x3c, 0x07, 0x00,
            0x00,
        ];
        let mut thrift = Thrift::new(&bytes);
        thrift.pass(STRUCT, 0).unwrap();
        assert_eq!(thrift.position(), bytes.len());
    }

    #[test]
    fn a_byte_string_longer_than_what_is_left_is_refused() {
        let refused = Thrift::new(&[0x05, 1, 2]).binary().unwrap_err();
        assert_eq!(refused, "it announces 5 bytes where 2 are left");
    }

    #[test]
    fn structures_nested_without_end_are_refused() {
        let refused = Thrift::new(&[0x1c; 4_000]).pass(STRUCT, 0).unwrap_err();
        assert!(refused.contains("nests more than"), "{refused}");
    }
}
