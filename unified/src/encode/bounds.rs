//! Lowest and highest values, as indexes and footers state them: cut to a length and still true.
//!
//! A lowest value may be cut anywhere: what is left is not above it. A highest value that is cut must be raised at its
//! last place. Text is cut and raised by whole characters, so that it stays text.

use bytes::Bytes;
use parquet::basic::Type;
use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescriptor;

/// The lowest and the highest value of some rows. Within a column all are of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bounds {
    /// Of strings or bytes, shared by all that note them: they may be large.
    Bytes(Bytes, Bytes),
    /// Of floats of either width; never NaN.
    Floats(f64, f64),
}

impl Bounds {
    /// Those of some strings or bytes.
    pub(crate) fn of_bytes<'a>(values: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let (min, max) = values.fold(None, |bounds, value| match bounds {
            None => Some((value, value)),
            Some((min, max)) => Some((value.min(min), value.max(max))),
        })?;
        let low = Bytes::copy_from_slice(min);
        let high = if min == max { low.clone() } else { Bytes::copy_from_slice(max) };
        Some(Self::Bytes(low, high))
    }

    /// Whether both are no higher than those of `next`.
    pub(crate) fn rise_to(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Bytes(min, max), Self::Bytes(low, high)) => min <= low && max <= high,
            (Self::Floats(min, max), Self::Floats(low, high)) => min <= low && max <= high,
            _ => false,
        }
    }

    /// Takes in those of further rows.
    pub(crate) fn widen(&mut self, others: &Self) {
        match (self, others) {
            (Self::Bytes(min, max), Self::Bytes(low, high)) => {
                if low < min {
                    min.clone_from(low);
                }
                if high > max {
                    max.clone_from(high);
                }
            }
            (Self::Floats(min, max), Self::Floats(low, high)) => {
                *min = if low < min { *low } else { *min };
                *max = if high > max { *high } else { *max };
            }
            _ => {}
        }
    }

    /// As a page index holds them, bytes cut to a length.
    pub(crate) fn in_index(&self, column: &ColumnDescriptor, limit: Option<usize>) -> (Vec<u8>, Vec<u8>) {
        match self {
            Self::Bytes(min, max) => {
                let text = is_text(column);
                (lower(min, limit, text).0, upper(max, limit, text).0)
            }
            Self::Floats(min, max) => {
                let bytes = |number: f64| match column.physical_type() {
                    Type::FLOAT => (number as f32).to_le_bytes().to_vec(),
                    _ => number.to_le_bytes().to_vec(),
                };
                (bytes(*min), bytes(*max))
            }
        }
    }
}

/// What the footer says of a chunk of `column`, whose values are cut to `limit` bytes.
pub(crate) fn statistics(
    bounds: Option<Bounds>,
    nulls: usize,
    column: &ColumnDescriptor,
    limit: Option<usize>,
) -> Statistics {
    let nulls = Some(nulls as u64);
    let floats = match bounds {
        Some(Bounds::Floats(min, max)) => Some((min, max)),
        _ => None,
    };
    let (min, max) = floats.unzip();
    match column.physical_type() {
        // Floats stand in the fields for older readers too, whose order is the same.
        Type::FLOAT => {
            let (min, max) = (min.map(|min| min as f32), max.map(|max| max as f32));
            let statistics = ValueStatistics::new(min, max, None, nulls, false);
            Statistics::Float(statistics.with_backwards_compatible_min_max(true))
        }
        Type::DOUBLE => {
            let statistics = ValueStatistics::new(min, max, None, nulls, false);
            Statistics::Double(statistics.with_backwards_compatible_min_max(true))
        }
        _ => {
            let text = is_text(column);
            let ((min, min_exact), (max, max_exact)) = match &bounds {
                Some(Bounds::Bytes(min, max)) => {
                    let ((min, min_exact), (max, max_exact)) =
                        (lower(min, limit, text), upper(max, limit, text));
                    ((Some(min), min_exact), (Some(max), max_exact))
                }
                _ => ((None, false), (None, false)),
            };
            let statistics =
                ValueStatistics::new(min.map(ByteArray::from), max.map(ByteArray::from), None, nulls, false);
            Statistics::ByteArray(statistics.with_min_is_exact(min_exact).with_max_is_exact(max_exact))
        }
    }
}

fn is_text(column: &ColumnDescriptor) -> bool {
    column.logical_type_ref().is_some()
}

/// A lower bound of at most so many bytes, and whether it is the value itself.
fn lower(value: &[u8], limit: Option<usize>, text: bool) -> (Vec<u8>, bool) {
    match limit {
        Some(limit) if value.len() > limit => (value[..cut(value, limit, text)].to_vec(), false),
        _ => (value.to_vec(), true),
    }
}

/// An upper bound of about so many bytes, and whether it is the value itself. A value that nothing short can exceed is
/// its own bound, however long.
fn upper(value: &[u8], limit: Option<usize>, text: bool) -> (Vec<u8>, bool) {
    let raised = match limit {
        Some(limit) if value.len() > limit => {
            let short = &value[..cut(value, limit, text)];
            if text { raised_text(short) } else { raised_bytes(short) }
        }
        _ => None,
    };
    raised.map_or_else(|| (value.to_vec(), true), |raised| (raised, false))
}

fn cut(value: &[u8], limit: usize, text: bool) -> usize {
    match std::str::from_utf8(value) {
        Ok(value) if text => value.floor_char_boundary(limit),
        _ => limit,
    }
}

fn raised_text(short: &[u8]) -> Option<Vec<u8>> {
    let mut text = std::str::from_utf8(short).ok()?.to_owned();
    while let Some(last) = text.pop() {
        // Past the surrogates, which are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            text.push(next);
            return Some(text.into_bytes());
        }
    }
    None
}

fn raised_bytes(short: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = short.to_vec();
    while let Some(last) = bytes.pop() {
        if let Some(next) = last.checked_add(1) {
            bytes.push(next);
            return Some(bytes);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_short_and_true() {
        for (value, text) in [
            ("short".to_owned(), true),
            ("x".repeat(100), true),
            ("é".repeat(50), true),
            (format!("{}\u{10ffff}tail", "a".repeat(7)), true),
            ("\u{d7ff}".repeat(9), true),
            ("\u{10ffff}".repeat(9), true),
        ] {
            for limit in [8, 9, 10, 11] {
                let bytes = value.as_bytes();
                let ((low, _), (high, exact)) =
                    (lower(bytes, Some(limit), text), upper(bytes, Some(limit), text));
                assert!(low.as_slice() <= bytes && high.as_slice() >= bytes, "{value} {limit}");
                assert!(low.len() <= limit);
                assert!(exact || high.len() <= limit + 1);
                assert!(std::str::from_utf8(&low).is_ok() && std::str::from_utf8(&high).is_ok());
            }
        }
        assert_eq!(upper(&[7, 0xff, 0xff], Some(2), false), (vec![8], false));
        assert_eq!(upper(&[0xff; 9], Some(2), false), (vec![0xff; 9], true));
        assert_eq!(lower(b"abc", None, false), (b"abc".to_vec(), true));
    }
}
