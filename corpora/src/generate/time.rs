//! Timestamps: when rows happened, in which order they arrive, and how the column stores them.

use arrow::array::{ArrayRef, Float64Builder, Int64Builder, StringBuilder};
use serde::Deserialize;
use std::sync::Arc;

use super::Rows;
use super::random::Random;

const HOUR: i64 = 3_600_000;

/// A length of time in milliseconds, written as `250ms`, `30s`, `90m`, `6h` or `2d`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub i64);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = match unit {
            "ms" => Some(1),
            "s" => Some(1_000),
            "m" => Some(60_000),
            "h" => Some(HOUR),
            "d" => Some(24 * HOUR),
            _ => None,
        };
        (number.parse::<i64>().ok().zip(unit))
            .and_then(|(number, unit)| number.checked_mul(unit))
            .map(Self)
            .ok_or_else(|| {
                format!("\"{text}\" is no length of time; write for example 250ms, 30s, 90m, 6h, 2d")
            })
    }
}

/// A moment in milliseconds since 1970, written as `2025-08-25T10:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Instant(pub i64);

impl TryFrom<String> for Instant {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        chrono::DateTime::parse_from_rfc3339(&text)
            .map(|moment| Self(moment.timestamp_millis()))
            .map_err(|error| format!("\"{text}\" is no moment such as 2025-08-25T10:00:00Z: {error}"))
    }
}

impl Default for Instant {
    /// 2025-08-25T10:00:00Z.
    fn default() -> Self {
        Self(1_756_116_000_000)
    }
}

/// How a timestamp column is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// Whole milliseconds.
    #[default]
    Int64,
    /// Milliseconds with a fraction.
    Float64,
    /// Milliseconds as decimal text.
    String,
    /// No timestamp column.
    Absent,
}

/// The order in which moments arrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Evenly from start to end.
    #[default]
    Ascending,
    /// Evenly from end to start.
    Descending,
    /// Anywhere within the span.
    Shuffled,
    /// In turn from each of `lanes` equal parts of the span.
    Interleaved,
    /// Exactly at, one millisecond before and one after each full hour since `start`.
    Boundaries,
}

/// One timestamp given in the specification: a number, or text for a missing value.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Moment {
    /// Whole milliseconds.
    Whole(i64),
    /// Any float, `nan` and `inf` included.
    Float(f64),
    /// `"null"`: no value.
    Missing(Missing),
}

/// The text that stands for no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// `"null"`.
    Null,
}

/// The timestamp column of a corpus.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Time {
    /// Name of the column; default `_cardinalhq.timestamp`.
    pub column: String,
    /// How it is stored; default int64.
    pub store: Store,
    /// First moment; default 2025-08-25T10:00:00Z.
    pub start: Instant,
    /// Length of the covered time; default 1h.
    pub span: Span,
    /// Order of arrival; default ascending.
    pub order: Order,
    /// Parts for the interleaved order; default 3.
    pub lanes: u32,
    /// Whether each input covers the whole span anew; default false: the inputs follow each other.
    pub restart: bool,
    /// Each moment is moved by up to this much either way; default none.
    pub jitter: Span,
    /// Share of rows that are late by up to `late_by`.
    pub late_share: f64,
    /// Largest lateness; default 3h.
    pub late_by: Span,
    /// Share of rows that are early by up to `early_by`.
    pub early_share: f64,
    /// Largest earliness; default 3h.
    pub early_by: Span,
    /// Number of different moments in the span; 0 means no limit.
    pub distinct: i64,
    /// Share of rows without a timestamp.
    pub nulls: f64,
    /// Moments to use in turn instead of computed ones.
    pub values: Vec<Moment>,
    /// Every how many rows a moment of `values` is used; default 1.
    pub every: u64,
}

impl Default for Time {
    fn default() -> Self {
        Self {
            column: "_cardinalhq.timestamp".to_owned(),
            store: Store::Int64,
            start: Instant::default(),
            span: Span(HOUR),
            order: Order::Ascending,
            lanes: 3,
            restart: false,
            jitter: Span(0),
            late_share: 0.0,
            late_by: Span(3 * HOUR),
            early_share: 0.0,
            early_by: Span(3 * HOUR),
            distinct: 0,
            nulls: 0.0,
            values: Vec::new(),
            every: 1,
        }
    }
}

impl Time {
    /// The column's values for `rows`; `None` where there is no timestamp column.
    pub(crate) fn array(&self, rows: &Rows, random: &mut Random) -> Option<ArrayRef> {
        let moments = (0..rows.len as u64).map(|offset| self.moment(rows, rows.start + offset, random));
        Some(match self.store {
            Store::Absent => return None,
            Store::Int64 => {
                let mut column = Int64Builder::with_capacity(rows.len);
                for moment in moments {
                    column.append_option(match moment {
                        Moment::Whole(at) => Some(at),
                        Moment::Float(at) => Some(at as i64),
                        Moment::Missing(_) => None,
                    });
                }
                Arc::new(column.finish())
            }
            Store::Float64 => {
                let mut column = Float64Builder::with_capacity(rows.len);
                for moment in moments {
                    column.append_option(match moment {
                        Moment::Whole(at) => Some(at as f64),
                        Moment::Float(at) => Some(at),
                        Moment::Missing(_) => None,
                    });
                }
                Arc::new(column.finish())
            }
            Store::String => {
                let mut column = StringBuilder::new();
                for moment in moments {
                    column.append_option(match moment {
                        Moment::Whole(at) => Some(at.to_string()),
                        Moment::Float(at) => Some(at.to_string()),
                        Moment::Missing(_) => None,
                    });
                }
                Arc::new(column.finish())
            }
        })
    }

    /// The moment of row `row` of the corpus.
    fn moment(&self, rows: &Rows, row: u64, random: &mut Random) -> Moment {
        if random.chance(self.nulls) {
            return Moment::Missing(Missing::Null);
        }
        let every = self.every.max(1);
        if !self.values.is_empty() && row.is_multiple_of(every) {
            let turn = (row / every) % self.values.len() as u64;
            return self.values[turn as usize];
        }
        let (at, of) =
            if self.restart { (row - rows.input_start, rows.input_rows) } else { (row, rows.total) };
        let mut offset = self.offset(at, of.max(1), random);
        if self.distinct > 0 {
            let step = (self.span.0 / self.distinct).max(1);
            offset -= offset.rem_euclid(step);
        }
        offset += random_either_way(self.jitter.0, random);
        if random.chance(self.late_share) {
            offset -= random.between(1, self.late_by.0);
        }
        if random.chance(self.early_share) {
            offset += random.between(1, self.early_by.0);
        }
        let at = self.start.0 + offset;
        if self.store == Store::Float64 {
            Moment::Float(at as f64 + random.below(4) as f64 / 4.0)
        } else {
            Moment::Whole(at)
        }
    }

    /// Milliseconds after `start` of row `at` of `of`, before displacement.
    fn offset(&self, at: u64, of: u64, random: &mut Random) -> i64 {
        let span = self.span.0;
        let share = |of_span: i64, at: u64| (i128::from(of_span) * i128::from(at) / i128::from(of)) as i64;
        match self.order {
            Order::Ascending => share(span, at),
            Order::Descending => share(span, of - 1 - at.min(of - 1)),
            Order::Shuffled => random.between(0, (span - 1).max(0)),
            Order::Interleaved => {
                let lanes = i64::from(self.lanes.max(1));
                let lane = (at % lanes as u64) as i64;
                lane * (span / lanes) + share(span / lanes, at)
            }
            Order::Boundaries => {
                let hours = (span / HOUR + 1) as u64;
                let hour = (at / 3) % hours;
                hour as i64 * HOUR + (at % 3) as i64 - 1
            }
        }
    }
}

/// A number within `reach` either way; draws nothing for 0.
pub(crate) fn random_either_way(reach: i64, random: &mut Random) -> i64 {
    if reach == 0 { 0 } else { random.between(-reach, reach) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Float64Type, Int64Type};

    fn whole(time: &Time, len: usize) -> Vec<Option<i64>> {
        let rows = Rows { start: 0, len, total: len as u64, input_start: 0, input_rows: len as u64 };
        let array = time.array(&rows, &mut Random::new(1, "c", 0, "t")).unwrap();
        array.as_primitive::<Int64Type>().iter().collect()
    }

    #[test]
    fn lengths_and_moments_are_read_as_written() {
        for (text, expected) in [("250ms", 250), ("30s", 30_000), ("90m", 5_400_000), ("2d", 172_800_000)] {
            assert_eq!(Span::try_from(text.to_owned()).unwrap().0, expected);
        }
        for text in ["", "5", "h", "-1h", "99999999999999999h"] {
            assert!(Span::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert_eq!(Instant::try_from("2025-08-25T10:00:00Z".to_owned()).unwrap(), Instant::default());
        assert!(Instant::try_from("yesterday".to_owned()).is_err());
    }

    #[test]
    fn boundaries_hit_every_hour_and_both_its_neighbours() {
        let time = Time { order: Order::Boundaries, span: Span(3 * HOUR), ..Time::default() };
        let seen: std::collections::BTreeSet<i64> =
            whole(&time, 36).into_iter().flatten().map(|at| at - time.start.0).collect();
        let expected = (0..4).flat_map(|hour| [-1, 0, 1].map(|side| hour * HOUR + side)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn descending_mirrors_ascending() {
        let mut up = whole(&Time::default(), 100);
        let down = whole(&Time { order: Order::Descending, ..Time::default() }, 100);
        up.reverse();
        assert_eq!(up, down);
        assert_eq!(up.last().unwrap().unwrap(), Time::default().start.0);
    }

    #[test]
    fn given_moments_are_used_in_turn() {
        let values = vec![Moment::Whole(-5), Moment::Missing(Missing::Null)];
        let all = whole(&Time { values: values.clone(), ..Time::default() }, 3);
        assert_eq!(all, [Some(-5), None, Some(-5)]);
        let some = whole(&Time { values, every: 2, ..Time::default() }, 4);
        assert_eq!((some[0], some[2]), (Some(-5), None));
        assert!(some[1].is_some_and(|at| at > 1_000_000_000_000));
    }

    #[test]
    fn floats_have_fractions() {
        let time = Time { store: Store::Float64, ..Time::default() };
        let rows = Rows { start: 0, len: 50, total: 50, input_start: 0, input_rows: 50 };
        let array = time.array(&rows, &mut Random::new(1, "c", 0, "t")).unwrap();
        let floats = array.as_primitive::<Float64Type>();
        assert_eq!(floats.null_count(), 0);
        assert!(floats.values().iter().any(|at| at.fract() != 0.0));
    }
}
