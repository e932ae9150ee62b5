//! Thrift's compact protocol as a tree that can be changed and written again.
//!
//! It shares nothing with the readers that are fuzzed. What it cannot read it does not change.

use super::input::Input;

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// A boolean that is a field: its type code is its value.
    Flag(bool),
    /// One byte.
    Byte(u8),
    /// A number with its type code: 16, 32 or 64 bits.
    Number(u8, i64),
    /// Eight bytes.
    Double([u8; 8]),
    /// A byte string.
    Binary(Vec<u8>),
    /// A list or set (the first code) of values of one type (the second).
    List(u8, u8, Vec<Value>),
    /// Fields by number.
    Struct(Vec<(i64, Value)>),
}

const DEEPEST: usize = 40;

/// Reads one structure from the beginning of `bytes`: the tree and its length.
pub fn read(bytes: &[u8]) -> Option<(Value, usize)> {
    let mut at = 0;
    let tree = structure(bytes, &mut at, 0)?;
    Some((tree, at))
}

fn take<'a>(bytes: &'a [u8], at: &mut usize, count: usize) -> Option<&'a [u8]> {
    let taken = bytes.get(*at..at.checked_add(count)?)?;
    *at += count;
    Some(taken)
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, at, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn zigzag(bytes: &[u8], at: &mut usize) -> Option<i64> {
    let raw = varint(bytes, at)?;
    Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
}

fn structure(bytes: &[u8], at: &mut usize, depth: usize) -> Option<Value> {
    let mut fields = Vec::new();
    let mut last = 0_i64;
    loop {
        let header = take(bytes, at, 1)?[0];
        if header == 0 {
            return Some(Value::Struct(fields));
        }
        last = if header >> 4 == 0 { zigzag(bytes, at)? } else { last + i64::from(header >> 4) };
        let value = match header & 0x0f {
            1 => Value::Flag(true),
            2 => Value::Flag(false),
            kind => value(bytes, at, kind, depth + 1)?,
        };
        fields.push((last, value));
    }
}

fn value(bytes: &[u8], at: &mut usize, kind: u8, depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    Some(match kind {
        1..=3 => Value::Byte(take(bytes, at, 1)?[0]),
        4..=6 => Value::Number(kind, zigzag(bytes, at)?),
        7 => Value::Double(take(bytes, at, 8)?.try_into().ok()?),
        8 => {
            let length = usize::try_from(varint(bytes, at)?).ok()?;
            Value::Binary(take(bytes, at, length)?.to_vec())
        }
        9 | 10 => {
            let header = take(bytes, at, 1)?[0];
            let length = if header >> 4 == 15 { varint(bytes, at)? } else { u64::from(header >> 4) };
            let of = header & 0x0f;
            let items = (0..length).map(|_| value(bytes, at, of, depth + 1)).collect::<Option<_>>()?;
            Value::List(kind, of, items)
        }
        12 => structure(bytes, at, depth + 1)?,
        _ => return None,
    })
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn write_zigzag(value: i64, out: &mut Vec<u8>) {
    write_varint((value << 1 ^ value >> 63).cast_unsigned(), out);
}

impl Value {
    fn kind(&self) -> u8 {
        match self {
            Self::Flag(true) => 1,
            Self::Flag(false) => 2,
            Self::Byte(_) => 3,
            Self::Number(kind, _) | Self::List(kind, _, _) => *kind,
            Self::Double(_) => 7,
            Self::Binary(_) => 8,
            Self::Struct(_) => 12,
        }
    }

    /// Writes the value, without its field header.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Flag(_) => {}
            Self::Byte(byte) => out.push(*byte),
            Self::Number(_, number) => write_zigzag(*number, out),
            Self::Double(bytes) => out.extend(bytes),
            Self::Binary(bytes) => {
                write_varint(bytes.len() as u64, out);
                out.extend(bytes);
            }
            Self::List(_, of, items) => {
                if items.len() < 15 {
                    out.push((items.len() as u8) << 4 | of);
                } else {
                    out.push(0xf0 | of);
                    write_varint(items.len() as u64, out);
                }
                items.iter().for_each(|item| item.write(out));
            }
            Self::Struct(fields) => {
                let mut last = 0;
                for (number, value) in fields {
                    let step = number - last;
                    if (1..16).contains(&step) {
                        out.push((step as u8) << 4 | value.kind());
                    } else {
                        out.push(value.kind());
                        write_zigzag(*number, out);
                    }
                    last = *number;
                    value.write(out);
                }
                out.push(0);
            }
        }
    }

    /// Values in the tree, this one included.
    pub fn size(&self) -> usize {
        1 + match self {
            Self::List(_, _, items) => items.iter().map(Self::size).sum(),
            Self::Struct(fields) => fields.iter().map(|field| field.1.size()).sum(),
            _ => 0,
        }
    }

    /// The `number`th value of the tree, from 0, depth first.
    fn nth(&mut self, number: &mut usize) -> Option<&mut Self> {
        if *number == 0 {
            return Some(self);
        }
        *number -= 1;
        match self {
            Self::List(_, _, items) => items.iter_mut().find_map(|item| item.nth(number)),
            Self::Struct(fields) => fields.iter_mut().find_map(|field| field.1.nth(number)),
            _ => None,
        }
    }

    /// Changes one value, as the input says.
    pub fn change(&mut self, input: &mut Input<'_>) {
        let size = self.size();
        let mut number = input.below(size);
        let Some(chosen) = self.nth(&mut number) else { return };
        match chosen {
            Self::Flag(flag) => *flag = !*flag,
            Self::Byte(byte) => *byte = input.byte(),
            Self::Number(_, value) => {
                *value = match input.byte() % 3 {
                    0 => input.number(),
                    1 => value.wrapping_add(i64::from(input.byte().cast_signed())),
                    _ => *value ^ 1 << (input.byte() % 64),
                }
            }
            Self::Double(bytes) => *bytes = std::array::from_fn(|_| input.byte()),
            Self::Binary(bytes) => change_bytes(bytes, input),
            Self::List(_, of, items) => {
                let at = input.below(items.len().max(1));
                match input.byte() % 5 {
                    0 if at < items.len() => drop(items.remove(at)),
                    // Doubled over and over, a value would fill the memory by itself.
                    1 if at < items.len() && size < 20_000 => items.insert(at, items[at].clone()),
                    2 if at < items.len() => items.truncate(at),
                    3 if items.len() > 1 => items.swap(0, at),
                    _ => *of = input.byte() & 0x0f,
                }
            }
            Self::Struct(fields) => {
                let at = input.below(fields.len().max(1));
                match input.byte() % 4 {
                    0 if at < fields.len() => drop(fields.remove(at)),
                    1 if at < fields.len() => fields[at].0 = i64::from(input.byte() % 24),
                    2 if at < fields.len() && size < 20_000 => fields.insert(at, fields[at].clone()),
                    _ => {
                        let kind = 4 + input.byte() % 3;
                        fields.push((i64::from(input.byte() % 24), Self::Number(kind, input.number())));
                    }
                }
            }
        }
    }
}

/// Changes a byte string.
pub fn change_bytes(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    let at = input.below(bytes.len().max(1));
    match input.byte() % 5 {
        0 => bytes.truncate(at),
        1 => bytes.insert(at.min(bytes.len()), input.byte()),
        2 if at < bytes.len() => bytes[at] = input.byte(),
        3 if at < bytes.len() => bytes[at] ^= 1 << (input.byte() % 8),
        _ => *bytes = (0..input.byte()).map(|_| input.byte()).collect(),
    }
}
