//! A footer's Thrift (compact protocol) as a tree that can be changed and written again.
//!
//! Code of its own: a fault that were planted with the reader that a check uses could be hidden by a mistake in it. What this reader does
//! not know (maps, which no footer has) it refuses, and the file stays as it is.

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A boolean, whose type code is its value.
    Flag(bool),
    /// One byte.
    Byte(u8),
    /// A number with its type code: 16, 32 or 64 bits.
    Number(u8, i64),
    /// Eight bytes.
    Double([u8; 8]),
    /// A byte string.
    Binary(Vec<u8>),
    /// Values of the type with this code.
    List(u8, Vec<Value>),
    /// Fields by number, ascending.
    Struct(Vec<(i64, Value)>),
}

const I32: u8 = 5;
const I64: u8 = 6;
const STRUCT: u8 = 12;
const DEEPEST: usize = 80;

impl Value {
    /// Reads a structure; none where the bytes make no sense.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        Reader { bytes, at: 0 }.structure(0)
    }

    /// A number of 32 bits.
    pub(crate) fn i32(number: i64) -> Self {
        Self::Number(I32, number)
    }

    /// A number of 64 bits.
    pub(crate) fn i64(number: i64) -> Self {
        Self::Number(I64, number)
    }

    /// A list of structures.
    pub(crate) fn structures(structures: Vec<Vec<(i64, Self)>>) -> Self {
        Self::List(STRUCT, structures.into_iter().map(Self::Struct).collect())
    }

    /// The number that this is.
    pub(crate) fn number(&self) -> Option<i64> {
        if let Self::Number(_, number) = self { Some(*number) } else { None }
    }

    /// The elements of a list; none of anything else.
    pub(crate) fn items(&mut self) -> &mut [Self] {
        if let Self::List(_, items) = self { items } else { &mut [] }
    }

    /// A field of a structure.
    pub(crate) fn field(&mut self, number: i64) -> Option<&mut Self> {
        let Self::Struct(fields) = self else { return None };
        fields.iter_mut().find(|field| field.0 == number).map(|field| &mut field.1)
    }

    /// The elements of a field that is a list.
    pub(crate) fn list(&mut self, number: i64) -> &mut [Self] {
        self.field(number).map(Self::items).unwrap_or_default()
    }

    /// Sets a field of a structure, whether it is there or not.
    pub(crate) fn set(&mut self, number: i64, value: Self) {
        let Self::Struct(fields) = self else { return };
        match fields.binary_search_by_key(&number, |field| field.0) {
            Ok(at) => fields[at].1 = value,
            Err(at) => fields.insert(at, (number, value)),
        }
    }

    /// Takes a field of a structure out; false where it is not there.
    pub(crate) fn remove(&mut self, number: i64) -> bool {
        let Self::Struct(fields) = self else { return false };
        let before = fields.len();
        fields.retain(|field| field.0 != number);
        fields.len() < before
    }

    /// Keeps those elements of a field that is a list for which `keep` holds; true where some were taken out.
    pub(crate) fn retain(&mut self, number: i64, keep: impl FnMut(&mut Self) -> bool) -> bool {
        let Some(Self::List(_, items)) = self.field(number) else { return false };
        let before = items.len();
        items.retain_mut(keep);
        items.len() < before
    }

    /// Whether field `number` is this text.
    pub(crate) fn says(&self, number: i64, text: &str) -> bool {
        let Self::Struct(fields) = self else { return false };
        fields.iter().any(|(field, value)| *field == number && value.text() == Some(text))
    }

    /// The bytes that this is, as text.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Binary(bytes) = self { std::str::from_utf8(bytes).ok() } else { None }
    }

    /// The bytes of a structure.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_to(&mut out);
        out
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Flag(true) => 1,
            Self::Flag(false) => 2,
            Self::Byte(_) => 3,
            Self::Number(kind, _) => *kind,
            Self::Double(_) => 7,
            Self::Binary(_) => 8,
            Self::List(..) => 9,
            Self::Struct(_) => STRUCT,
        }
    }

    fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Flag(_) => {}
            Self::Byte(byte) => out.push(*byte),
            Self::Number(_, number) => write_zigzag(*number, out),
            Self::Double(bytes) => out.extend(bytes),
            Self::Binary(bytes) => {
                write_varint(bytes.len() as u64, out);
                out.extend(bytes);
            }
            Self::List(of, items) => {
                match u8::try_from(items.len()) {
                    Ok(length) if length < 15 => out.push(length << 4 | of),
                    _ => {
                        out.push(0xf0 | of);
                        write_varint(items.len() as u64, out);
                    }
                }
                items.iter().for_each(|item| item.write_to(out));
            }
            Self::Struct(fields) => {
                let mut last = 0;
                for (number, value) in fields {
                    match u8::try_from(number - last) {
                        Ok(step @ 1..16) => out.push(step << 4 | value.kind()),
                        _ => {
                            out.push(value.kind());
                            write_zigzag(*number, out);
                        }
                    }
                    last = *number;
                    value.write_to(out);
                }
                out.push(0);
            }
        }
    }
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn write_zigzag(value: i64, out: &mut Vec<u8>) {
    write_varint((value << 1 ^ value >> 63).cast_unsigned(), out);
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let raw = self.varint()?;
        Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    fn structure(&mut self, depth: usize) -> Option<Value> {
        let mut fields = Vec::new();
        let mut last = 0_i64;
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Some(Value::Struct(fields));
            }
            last = if header >> 4 == 0 { self.zigzag()? } else { last + i64::from(header >> 4) };
            let value = match header & 0x0f {
                1 => Value::Flag(true),
                2 => Value::Flag(false),
                kind => self.value(kind, depth + 1)?,
            };
            fields.push((last, value));
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        Some(match kind {
            3 => Value::Byte(self.byte()?),
            4..=6 => Value::Number(kind, self.zigzag()?),
            7 => Value::Double(self.take(8)?.try_into().ok()?),
            8 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Binary(self.take(length)?.to_vec())
            }
            9 => {
                let header = self.byte()?;
                let length = if header >> 4 == 15 { self.varint()? } else { u64::from(header >> 4) };
                let of = header & 0x0f;
                let items = (0..length).map(|_| self.value(of, depth + 1)).collect::<Option<_>>()?;
                Value::List(of, items)
            }
            STRUCT => self.structure(depth + 1)?,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_byte_for_byte() {
        // 1: true; 2: i32 -1; 3: "ab"; 4: a list of two numbers; 20 (long form): a structure with a byte; 21: eight bytes.
        let bytes = [
            0x11, 0x15, 0x01, 0x18, 0x02, b'a', b'b', 0x19, 0x25, 0x02, 0x04, 0x0c, 0x28, 0x13, 0x07, 0x00,
            0x17, 1, 2, 3, 4, 5, 6, 7, 8, 0x00,
        ];
        let value = Value::read(&bytes).unwrap();
        assert_eq!(value.write(), bytes);
        let many = Value::List(I32, (0..40).map(Value::i32).collect());
        let long = Value::Struct(vec![(1, many), (300, Value::i64(i64::MIN))]);
        assert_eq!(Value::read(&long.write()), Some(long));
    }

    #[test]
    fn fields_are_set_in_their_order() {
        let mut value = Value::Struct(vec![(2, Value::i32(1))]);
        value.set(3, Value::i32(3));
        value.set(1, Value::i32(2));
        value.set(2, Value::i32(7));
        let numbers = [1, 2, 3].map(|it| value.field(it).and_then(|it| it.number()));
        assert_eq!(numbers, [Some(2), Some(7), Some(3)]);
        assert!(value.remove(2) && !value.remove(2));
        assert_eq!(value.write(), [0x15, 0x04, 0x25, 0x06, 0x00]);
    }

    #[test]
    fn bytes_that_make_no_sense_are_refused() {
        for bytes in [&[0x15][..], &[0x18, 0x09, 0x00], &[0x1b, 0x00, 0x00], &[0x1c; 200]] {
            assert_eq!(Value::read(bytes), None);
        }
    }
}
