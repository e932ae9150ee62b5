//! What may be wrong or rare about a metric row, and which rows it befalls.
//!
//! Rows are numbered through the whole corpus before an input is sorted; with sizes dealt in turn that number fixes the
//! series and the moment, so a single row can be aimed at. Several oddities may befall one row; the later one wins.

use serde::Deserialize;

use super::points::Point;
use super::rows::Reading;
use super::sketch::{Bins, Form, garbage};
use crate::error::{Error, Result};
use crate::generate::columns::{all_exist, names};
use crate::generate::random::Random;

/// Something odd, and the rows that have it: those that every given condition allows.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oddity {
    /// What is odd.
    pub kind: OddKind,
    /// Share of the rows otherwise allowed; default 1.
    #[serde(default = "all")]
    pub share: f64,
    /// Only rows whose number is a multiple of this; default 1.
    #[serde(default = "one")]
    pub every: u64,
    /// Only rows of these numbers, counted from 0 through the whole corpus; any where empty.
    #[serde(default)]
    pub rows: Vec<u64>,
    /// Only inputs (0 for the first, -1 for the last) of these numbers; any where empty.
    #[serde(default)]
    pub inputs: Vec<i64>,
    /// For `tid` the identifiers, for `time` the moments in milliseconds, taken in turn by row number.
    #[serde(default)]
    pub of: Vec<i64>,
}

fn all() -> f64 {
    1.0
}

fn one() -> u64 {
    1
}

/// What may be odd about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OddKind {
    /// Another identifier: one of `of`.
    Tid,
    /// No identifier.
    NullTid,
    /// Another moment: one of `of`.
    Time,
    /// Moved before the first moment of the corpus by the length of its time.
    Early,
    /// Moved behind the last moment of the corpus by the length of its time.
    Late,
    /// No timestamp.
    NullTime,
    /// No name.
    NullName,
    /// No sketch.
    NullSketch,
    /// Zero bytes for a sketch, one value, which the rollups tell.
    EmptySketch,
    /// Zero bytes for a sketch, three values.
    EmptySketchOfMany,
    /// Zero bytes for a sketch, no rollup columns.
    EmptySketchAlone,
    /// Zero bytes for a sketch, one value: not a number.
    NanSum,
    /// Zero bytes for a sketch, one value: infinite, of either sign.
    InfiniteSum,
    /// Zero bytes for a sketch, one value: finite, but beyond what a sketch takes.
    HugeSum,
    /// A sketch without values, and a count of zero.
    NoValues,
    /// Bytes that are no sketch.
    GarbageSketch,
    /// A whole sketch of relative accuracy 0.02.
    ForeignAccuracy,
    /// Rollups that are not those of the sketch.
    OtherRollups,
    /// Rollups that are not numbers beside a whole sketch.
    NanRollups,
}

impl Oddity {
    pub(super) fn validate(&self, inputs: usize, origin: &str) -> Result<()> {
        let wrong = |what: &str| Err(Error::config(format!("{origin}: odd {:?}: {what}", self.kind)));
        if !(0.0..=1.0).contains(&self.share) || self.every == 0 {
            return wrong("share lies between 0 and 1, and every is at least 1");
        }
        if matches!(self.kind, OddKind::Tid | OddKind::Time) == self.of.is_empty() {
            return wrong("tid and time need values in `of`, and nothing else takes any");
        }
        all_exist("odd", &self.inputs, inputs, origin)
    }

    /// Whether row `number` of `input` is befallen. Draws for a share alone, so that the rest of the corpus is not moved.
    pub(super) fn befalls(&self, number: u64, input: usize, inputs: usize, random: &mut Random) -> bool {
        number.is_multiple_of(self.every)
            && (self.rows.is_empty() || self.rows.contains(&number))
            && (self.inputs.is_empty() || names(&self.inputs, input, inputs))
            && random.chance(self.share)
    }

    /// Changes where and when the row is; `range` is the length of the corpus's time in milliseconds.
    pub(super) fn move_point(&self, point: &mut Point, range: i64) {
        let turn = (point.number / self.every) as usize;
        let of = || self.of.get(turn % self.of.len().max(1)).copied();
        match self.kind {
            OddKind::Tid => {
                point.tid = of();
                point.order = point.tid.unwrap_or(point.order);
            }
            OddKind::NullTid => point.tid = None,
            OddKind::Time => point.time = of(),
            OddKind::NullTime => point.time = None,
            OddKind::Early => point.time = point.time.map(|time| time.saturating_sub(range)),
            OddKind::Late => point.time = point.time.map(|time| time.saturating_add(range)),
            _ => {}
        }
    }

    /// Changes what the row says.
    pub(super) fn change_reading(&self, reading: &mut Reading, point: &Point, bins: &Bins, foreign: &Bins) {
        let turn = point.number / self.every;
        let value = reading.values.first().copied().unwrap_or(0.0);
        let mut empty = |values: &[f64]| {
            reading.roll_up(values);
            reading.sketch = Some(Vec::new());
        };
        match self.kind {
            OddKind::NullName => reading.named = false,
            OddKind::NullSketch => reading.sketch = None,
            OddKind::EmptySketch => empty(&[value]),
            OddKind::EmptySketchOfMany => empty(&[value, value + 1.0, value + 2.0]),
            OddKind::EmptySketchAlone => {
                empty(&[]);
                reading.rollups = None;
            }
            OddKind::NanSum => empty(&[f64::NAN]),
            OddKind::InfiniteSum => {
                empty(&[if turn.is_multiple_of(2) { f64::INFINITY } else { f64::NEG_INFINITY }]);
            }
            OddKind::HugeSum => empty(&[if turn.is_multiple_of(2) { f64::MAX } else { f64::MIN }]),
            OddKind::NoValues => {
                reading.roll_up(&[]);
                reading.sketch = Some(bins.empty());
            }
            OddKind::GarbageSketch => reading.sketch = Some(garbage(bins, turn)),
            OddKind::ForeignAccuracy => {
                reading.sketch = Some(foreign.encode(&reading.values, Form::Sparse));
            }
            OddKind::OtherRollups => {
                let other: Vec<f64> = reading.values.iter().map(|value| value * 2.0 + 1.0).collect();
                reading.roll_up(&[&other[..], &[77.0]].concat());
            }
            OddKind::NanRollups => {
                if let Some(rollups) = &mut reading.rollups {
                    rollups.make_nan();
                }
            }
            _ => {}
        }
    }
}
