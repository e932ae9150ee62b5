//! What is known of a row while it is on its way to its partner: hashes and places, never values.
//!
//! Each form is smaller than the one before and has the order that the next step wants.

use crate::spill::{Fields, Record};

/// Alternative number of a row in which no alternative of the row key has all its values.
pub(super) const KEYLESS: u16 = u16::MAX;

/// File in judged order and row within the file: reading order.
pub(super) type Spot = (u32, u64);

/// What else is known of a row of the candidate that found no equal row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Known {
    /// Nothing.
    No,
    /// The baseline holds an equal row: this one is there more often.
    Doubled,
    /// The baseline wrote this very row when it was run again.
    Rerun,
}

impl Known {
    fn put(self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::No => 0,
            Self::Doubled => 1,
            Self::Rerun => 2,
        });
    }

    fn get(fields: &mut Fields<'_>) -> Option<Self> {
        match fields.take::<1>()? {
            [0] => Some(Self::No),
            [1] => Some(Self::Doubled),
            [2] => Some(Self::Rerun),
            _ => None,
        }
    }
}

/// A row of a differing bucket. Ordered by class, then by its whole hash, then by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hashed {
    /// Hash without the columns under tolerance. Only rows of one class can cancel each other.
    pub(super) class: u128,
    /// Hash of all compared columns.
    pub(super) full: u128,
    /// Where the row stands.
    pub(super) spot: Spot,
}

/// A row that is left when equal ones have cancelled. Ordered by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Left {
    /// Where the row stands.
    pub(super) spot: Spot,
    /// What else is known of it.
    pub(super) known: Known,
}

/// A row with its key. Ordered by key, then by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Keyed {
    /// The alternative of the row key that the row uses.
    pub(super) alternative: u16,
    /// Hash of the row key.
    pub(super) key: u128,
    /// Where the row stands.
    pub(super) spot: Spot,
    /// What else is known of it.
    pub(super) known: Known,
}

/// A row whose key both sides hold. Ordered by the first row of the group in the baseline, then by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grouped {
    /// Place of the group's first row in the baseline.
    pub(super) group: Spot,
    /// The row.
    pub(super) entry: Entry,
}

/// How many rows of a key each side holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size {
    /// Place of the group's first row in the baseline.
    pub(super) group: Spot,
    /// Rows of the baseline.
    pub(super) a: u64,
    /// Rows of the candidate.
    pub(super) b: u64,
}

/// A row that is looked at one by one. Ordered by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// Where the row stands.
    pub(super) spot: Spot,
    /// The alternative of the row key that the row uses.
    pub(super) alternative: u16,
    /// What else is known of it.
    pub(super) known: Known,
}

fn put_spot(spot: Spot, out: &mut Vec<u8>) {
    out.extend_from_slice(&spot.0.to_le_bytes());
    out.extend_from_slice(&spot.1.to_le_bytes());
}

fn get_spot(fields: &mut Fields<'_>) -> Option<Spot> {
    Some((u32::from_le_bytes(fields.take()?), u64::from_le_bytes(fields.take()?)))
}

impl Record for Hashed {
    const BYTES: usize = 44;

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.class.to_le_bytes());
        out.extend_from_slice(&self.full.to_le_bytes());
        put_spot(self.spot, out);
    }

    fn get(fields: &mut Fields<'_>) -> Option<Self> {
        let mut hash = || Some(u128::from_le_bytes(fields.take()?));
        let (class, full) = (hash()?, hash()?);
        Some(Self { class, full, spot: get_spot(fields)? })
    }
}

impl Record for Left {
    const BYTES: usize = 13;

    fn put(&self, out: &mut Vec<u8>) {
        put_spot(self.spot, out);
        self.known.put(out);
    }

    fn get(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { spot: get_spot(fields)?, known: Known::get(fields)? })
    }
}

impl Record for Keyed {
    const BYTES: usize = 31;

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.alternative.to_le_bytes());
        out.extend_from_slice(&self.key.to_le_bytes());
        put_spot(self.spot, out);
        self.known.put(out);
    }

    fn get(fields: &mut Fields<'_>) -> Option<Self> {
        let alternative = u16::from_le_bytes(fields.take()?);
        let key = u128::from_le_bytes(fields.take()?);
        Some(Self { alternative, key, spot: get_spot(fields)?, known: Known::get(fields)? })
    }
}

impl Record for Grouped {
    const BYTES: usize = 12 + Entry::BYTES;

    fn put(&self, out: &mut Vec<u8>) {
        put_spot(self.group, out);
        self.entry.put(out);
    }

    fn get(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { group: get_spot(fields)?, entry: Entry::get(fields)? })
    }
}

impl Record for Size {
    const BYTES: usize = 28;

    fn put(&self, out: &mut Vec<u8>) {
        put_spot(self.group, out);
        out.extend_from_slice(&self.a.to_le_bytes());
        out.extend_from_slice(&self.b.to_le_bytes());
    }

    fn get(fields: &mut Fields<'_>) -> Option<Self> {
        let group = get_spot(fields)?;
        Some(Self { group, a: u64::from_le_bytes(fields.take()?), b: u64::from_le_bytes(fields.take()?) })
    }
}

impl Record for Entry {
    const BYTES: usize = 15;

    fn put(&self, out: &mut Vec<u8>) {
        put_spot(self.spot, out);
        out.extend_from_slice(&self.alternative.to_le_bytes());
        self.known.put(out);
    }

    fn get(fields: &mut Fields<'_>) -> Option<Self> {
        let spot = get_spot(fields)?;
        let alternative = u16::from_le_bytes(fields.take()?);
        Some(Self { spot, alternative, known: Known::get(fields)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn comes_back<R: Record + std::fmt::Debug>(record: R) {
        let mut bytes = Vec::new();
        record.put(&mut bytes);
        assert_eq!(bytes.len(), R::BYTES);
        assert!(R::get(&mut Fields::new(&bytes)) == Some(record), "{record:?}");
        assert!(R::get(&mut Fields::new(&bytes[1..])).is_none());
    }

    #[test]
    fn every_record_comes_back_as_it_was() {
        let spot = (7, u64::MAX - 3);
        let entry = Entry { spot, alternative: KEYLESS, known: Known::Rerun };
        comes_back(Hashed { class: 1 << 100, full: u128::MAX, spot });
        comes_back(Left { spot, known: Known::Doubled });
        comes_back(Keyed { alternative: 3, key: 1 << 90, spot, known: Known::No });
        comes_back(Grouped { group: (1, 2), entry });
        comes_back(Size { group: spot, a: 1, b: u64::MAX });
        comes_back(entry);
    }
}
