//! Rules of a signal that only some signals have: how rows are rolled up, what is looked up together, and which rows a writer may
//! leave out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::spec::JobKind;

/// How compaction makes one row of several: rows of one group key, one name and one interval are merged. Their sketches (DDSketch
/// with a logarithmic mapping) are added up, and the rollup columns are recomputed from the merged sketch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollupRule {
    /// Column of a row's time in milliseconds; it is cut down to a multiple of the job's interval.
    pub time: String,
    /// Text column that, with group key and interval, names a time series' point.
    pub name: String,
    /// Bytes column of the sketch.
    pub sketch: String,
    /// Relative accuracy of the sketches.
    pub relative_accuracy: f64,
    /// Column of the number of values.
    pub count: String,
    /// Column of the sum of values, which is binned for a merged row.
    pub sum: String,
    /// Column of the mean.
    pub avg: String,
    /// Column of the lowest value.
    pub min: String,
    /// Column of the highest value.
    pub max: String,
    /// Quantile (0 to 1) by column.
    #[serde(default)]
    pub quantiles: BTreeMap<String, f64>,
}

// A relative accuracy or quantile that is NaN never passes `RollupRule::problem`.
impl Eq for RollupRule {}

impl RollupRule {
    /// The columns that the rule names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        [&self.time, &self.name, &self.sketch, &self.count, &self.sum, &self.avg, &self.min, &self.max]
            .into_iter()
            .chain(self.quantiles.keys())
            .map(String::as_str)
    }

    /// The columns that are recomputed from a merged sketch, the sketch itself left out.
    pub fn recomputed(&self) -> impl Iterator<Item = &str> {
        [&self.count, &self.sum, &self.avg, &self.min, &self.max]
            .into_iter()
            .chain(self.quantiles.keys())
            .map(String::as_str)
    }

    pub(crate) fn rename(&mut self, new: impl Fn(&String) -> String) {
        for name in [
            &mut self.time,
            &mut self.name,
            &mut self.sketch,
            &mut self.count,
            &mut self.sum,
            &mut self.avg,
            &mut self.min,
            &mut self.max,
        ] {
            *name = new(name);
        }
        self.quantiles = self.quantiles.iter().map(|(name, quantile)| (new(name), *quantile)).collect();
    }

    /// What is wrong with the rule, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        let accuracy = self.relative_accuracy;
        if !(accuracy > 0.0 && accuracy < 1.0) {
            return Some(format!("rollup: relative_accuracy must lie between 0 and 1, not be {accuracy}"));
        }
        let wrong = self.quantiles.iter().find(|(_, quantile)| !(0.0..=1.0).contains(*quantile));
        wrong.map(|(name, quantile)| {
            format!("rollup: the quantile of \"{name}\" must lie between 0 and 1, not be {quantile}")
        })
    }
}

/// What a reader looks up together: the spans of a trace. A slot is the part of all traces that one job works on: the first
/// two bytes, big endian, of SHA-256 over `TRACE_DATEINT_ORGANIZATION`, modulo the number of slots.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalityRule {
    /// Text column of the trace.
    pub trace: String,
    /// Text column of the span.
    pub span: String,
    /// Text column from whose value the slot is computed; a row without one counts as `unknown`.
    #[serde(default)]
    pub slot: Option<String>,
}

impl LocalityRule {
    /// The columns that the rule names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        [&self.trace, &self.span].into_iter().chain(&self.slot).map(String::as_str)
    }

    pub(crate) fn rename(&mut self, new: impl Fn(&String) -> String) {
        self.trace = new(&self.trace);
        self.span = new(&self.span);
        self.slot = self.slot.as_ref().map(new);
    }
}

/// Whether a writer of the signal keeps every row that it reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowsRule {
    /// Every row comes out, but for those that are declared: by a manifest, by a rule of the signal, by a merge rule.
    #[default]
    Kept,
    /// A writer may leave rows out or make one of several, and needs not say so.
    Free,
}

impl RowsRule {
    /// True for the rule that holds where a definition states none.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Rows that a writer may leave out: those without a value in one column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropRule {
    /// The reason as manifests state it.
    pub reason: String,
    /// The column; absent: the signal's time column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// Jobs in which such rows may be left out; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<JobKind>,
}
