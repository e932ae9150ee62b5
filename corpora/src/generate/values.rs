//! What a generated column holds.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};
use serde::Deserialize;

use super::random::{Random, Zipf};
use super::text::{self, TEMPLATES};

/// How often each of several values is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Skew {
    /// All alike.
    #[default]
    Uniform,
    /// The i-th with a weight of 1 / i.
    Zipf,
    /// One after the other, by row.
    Turn,
}

/// The values of a column, before nulls and empty strings are put in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Values {
    /// Text: `prefix` and the number of the row in the corpus; unique.
    Id {
        /// Begins each value.
        prefix: String,
    },
    /// Text: one of a list.
    Choice {
        /// The list.
        of: Vec<String>,
        /// How often each is drawn.
        #[serde(default)]
        skew: Skew,
    },
    /// Text: `prefix` and a number below `distinct`.
    Numbered {
        /// Begins each value.
        prefix: String,
        /// How many different values there may be.
        distinct: u32,
        /// How often each is drawn.
        #[serde(default)]
        skew: Skew,
    },
    /// Text: random hexadecimal digits.
    Hex {
        /// Digits per value.
        length: u16,
    },
    /// Text: a message template filled in.
    Message,
    /// Text: random letters, short values more often than long ones.
    Letters {
        /// Smallest length in bytes.
        min: u32,
        /// Largest length in bytes.
        max: u32,
    },
    /// Text: runes of all sizes, fewer than three of them, control characters, quotes and markup.
    Awkward,
    /// 64-bit integers.
    Int64 {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// One value in eight is an extreme one: 0, -1, smallest, largest, around 2^53.
        #[serde(default)]
        extremes: bool,
    },
    /// 64-bit floats in whole steps of 1/1024, so that they are exact.
    Float64 {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// One value in eight is an extreme one: NaN, both infinities, both zeros, subnormal, largest.
        #[serde(default)]
        extremes: bool,
    },
    /// Booleans.
    Boolean {
        /// Share of true.
        share: f64,
    },
    /// Random bytes, not UTF-8 as a rule.
    Binary {
        /// Smallest length.
        min: u32,
        /// Largest length.
        max: u32,
    },
}

const WHOLE_EXTREMES: [i64; 7] = [0, -1, i64::MIN, i64::MAX, (1 << 53) + 1, -(1 << 53) - 1, i64::MIN + 1];

/// The second NaN has another payload, for which an equal comparison of bits would call it a different value.
const FLOAT_EXTREMES: [u64; 9] = [
    0x7ff8_0000_0000_0000, // NaN
    0x7ff8_0000_0000_0001, // NaN, payload 1
    0x7ff0_0000_0000_0000, // infinity
    0xfff0_0000_0000_0000, // -infinity
    0x0000_0000_0000_0000, // 0.0
    0x8000_0000_0000_0000, // -0.0
    0x0000_0000_0000_0001, // smallest subnormal
    0x7fef_ffff_ffff_ffff, // largest
    0x3fb9_9999_9999_999a, // 0.1, not exact
];

impl Values {
    /// Whether the values are text, the only type with an empty value of its own here.
    pub(crate) fn is_text(&self) -> bool {
        !matches!(
            self,
            Self::Int64 { .. } | Self::Float64 { .. } | Self::Boolean { .. } | Self::Binary { .. }
        )
    }

    /// What makes the declaration impossible, if anything.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Choice { of, .. } if of.is_empty() => Some("choice needs at least one value in `of`"),
            Self::Numbered { distinct: 0, .. } => Some("numbered needs `distinct` of at least 1"),
            Self::Letters { min, max } | Self::Binary { min, max } if min > max => {
                Some("`min` exceeds `max`")
            }
            Self::Int64 { min, max, .. } if min > max => Some("`min` exceeds `max`"),
            Self::Float64 { min, max, .. }
                if min > max || min.unsigned_abs().max(max.unsigned_abs()) > 1 << 40 =>
            {
                Some("float64 takes `min` up to `max`, both within 2^40")
            }
            _ => None,
        }
    }

    /// The column for rows `start..` with one entry of `states` each.
    pub(crate) fn array(&self, start: u64, states: &[State], random: &mut Random) -> ArrayRef {
        match self {
            Self::Int64 { min, max, extremes } => {
                let mut column = Int64Builder::with_capacity(states.len());
                for state in states {
                    column.append_option(state.is_filled().then(|| {
                        match *extremes && random.chance(0.125) {
                            true => WHOLE_EXTREMES[random.index(WHOLE_EXTREMES.len())],
                            false => random.between(*min, *max),
                        }
                    }));
                }
                Arc::new(column.finish())
            }
            Self::Float64 { min, max, extremes } => {
                let mut column = Float64Builder::with_capacity(states.len());
                for state in states {
                    column.append_option(state.is_filled().then(|| {
                        match *extremes && random.chance(0.125) {
                            true => f64::from_bits(FLOAT_EXTREMES[random.index(FLOAT_EXTREMES.len())]),
                            false => random.between(min * 1024, max * 1024) as f64 / 1024.0,
                        }
                    }));
                }
                Arc::new(column.finish())
            }
            Self::Boolean { share } => {
                let mut column = BooleanBuilder::with_capacity(states.len());
                for state in states {
                    column.append_option(state.is_filled().then(|| random.chance(*share)));
                }
                Arc::new(column.finish())
            }
            Self::Binary { min, max } => {
                let mut column = BinaryBuilder::new();
                let mut bytes = Vec::new();
                for state in states {
                    bytes.clear();
                    if state.is_filled() {
                        let length = random.between(i64::from(*min), i64::from(*max));
                        bytes.extend((0..length).map(|_| random.next() as u8));
                    }
                    column.append_option(state.is_filled().then_some(&bytes));
                }
                Arc::new(column.finish())
            }
            _ => self.text_array(start, states, random),
        }
    }

    fn text_array(&self, start: u64, states: &[State], random: &mut Random) -> ArrayRef {
        let zipf = match self {
            Self::Choice { of, skew: Skew::Zipf } => Some(Zipf::new(of.len())),
            Self::Numbered { distinct, skew: Skew::Zipf, .. } => Some(Zipf::new(*distinct as usize)),
            _ => None,
        };
        let mut column = StringBuilder::new();
        let mut value = String::new();
        for (row, state) in (start..).zip(states) {
            value.clear();
            match state {
                State::Null => column.append_null(),
                State::Empty => column.append_value(""),
                State::Filled => {
                    self.text(&mut value, row, zipf.as_ref(), random);
                    column.append_value(&value);
                }
            }
        }
        Arc::new(column.finish())
    }

    fn text(&self, out: &mut String, row: u64, zipf: Option<&Zipf>, random: &mut Random) {
        let draw = |len: usize, skew: Skew, random: &mut Random| match (skew, zipf) {
            (Skew::Turn, _) => (row % len as u64) as usize,
            (Skew::Zipf, Some(zipf)) => zipf.draw(random),
            _ => random.index(len),
        };
        match self {
            Self::Id { prefix } => {
                // Writing to a String cannot fail.
                let _ = write!(out, "{prefix}{row:010}");
            }
            Self::Choice { of, skew } => out.push_str(&of[draw(of.len(), *skew, random)]),
            Self::Numbered { prefix, distinct, skew } => {
                let _ = write!(out, "{prefix}{:05}", draw(*distinct as usize, *skew, random));
            }
            Self::Hex { length } => text::hex(out, usize::from(*length), random),
            Self::Message => text::fill(out, TEMPLATES[random.index(TEMPLATES.len())], random),
            Self::Letters { min, max } => {
                // Two draws make short values more common than long ones.
                let reach = random.below(u64::from(max - min) + 1);
                let length = u64::from(*min) + random.below(reach + 1);
                text::letters(out, length as usize, random);
            }
            _ => text::awkward(out, random),
        }
    }
}

/// Whether a cell has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No value.
    Null,
    /// The empty string.
    Empty,
    /// A generated value.
    Filled,
}

impl State {
    fn is_filled(self) -> bool {
        self == Self::Filled
    }
}
