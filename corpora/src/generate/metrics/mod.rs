//! The generator of metric points.
//!
//! 1. The corpus has as many series as its rows allow (`rows_per_series`); each has an identifier, a metric, labels.
//! 2. The rows of an input are given series and moment, some of them in common with the other inputs, some of them
//!    something odd, and are sorted by identifier as segments of metrics are ([`points`]).
//! 3. Values are drawn row by row; sketch and rollups are made of them ([`rows`], [`sketch`]).
//!
//! An input's points are held in memory (some 50 bytes a row); its columns are made batch by batch.

mod oddities;
mod points;
mod rows;
mod sketch;

use arrow::array::RecordBatch;
use serde::Deserialize;

pub use oddities::{OddKind, Oddity};

use self::points::{Extent, Point, points};
use self::rows::Reader;
use super::extra::{Absent, ExtraColumns};
use super::random::Random;
use super::time::{Instant, Span};
use super::{Column, Rows, batch};
use crate::error::{Error, Result};

/// The rollup columns in the order of [`rows::Rollups`]; the one of the 90th percentile is there on demand.
const ROLLUPS: [&str; 11] = [
    "rollup_avg",
    "rollup_count",
    "rollup_max",
    "rollup_min",
    "rollup_p25",
    "rollup_p50",
    "rollup_p75",
    "rollup_p90",
    "rollup_p95",
    "rollup_p99",
    "rollup_sum",
];

/// How the rows are dealt to the series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sizes {
    /// One after the other, by row number; a series' rows are of different moments as long as there are any.
    #[default]
    Turn,
    /// Drawn, all series alike.
    Random,
    /// Drawn, the i-th with a weight of 1 / i.
    Zipf,
    /// Drawn, the i-th series of each metric with a weight of 1 / i: skew that does not grow with the rows.
    Family,
}

/// Which identifiers the series have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tids {
    /// Anything that an int64 holds, as production's hashes.
    #[default]
    Hashed,
    /// Anything below zero.
    Negative,
    /// 1, 2, 3 and so on; as text they have another order.
    Counting,
}

/// How an input is not sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disorder {
    /// Rows as they were drawn.
    #[default]
    Drawn,
    /// Sorted, but for the first row, which comes in the middle.
    OneLate,
}

/// Metric points with sketches and rollups.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Mean number of rows of a series over all inputs; default 8. The number of series follows from the rows.
    pub rows_per_series: f64,
    /// How rows are dealt to the series; default in turn.
    pub sizes: Sizes,
    /// Share of rows that belong to the first series whatever `sizes` says; default 0.
    pub large: f64,
    /// Names that the points of one series may have; default 1.
    pub names_per_series: u32,
    /// Share of rows whose series and moment are those of the row of the same number in other inputs; default 0.
    pub overlap: f64,
    /// Identifiers of the series; default hashed.
    pub tids: Tids,
    /// Identifiers of the first series instead.
    pub fixed_tids: Vec<i64>,
    /// First moment; default 2025-08-25T10:00:00Z.
    pub start: Instant,
    /// Distance of moments; default 10s.
    pub step: Span,
    /// How many moments there are; default 6.
    pub steps: u32,
    /// Whether all rows of an input have the same moment, each input the next; default false.
    pub time_by_input: bool,
    /// Each moment is later by up to this much; default none.
    pub jitter: Span,
    /// Largest number of values in a row of a histogram, 2 the smallest; 1 gives every row one value; default 20.
    pub samples: u32,
    /// Share of values that are zero; default 0.
    pub zeros: f64,
    /// Share of the others that are negative; default 0.
    pub negatives: f64,
    /// Share of the others whose size is anything from 1e-295 to 1e295; default 0.
    pub wide: f64,
    /// Whether there is a column of the 90th percentile; default false.
    pub p90: bool,
    /// What is odd about some rows; at most 64.
    pub odd: Vec<Oddity>,
    /// Further columns, or other ones in the place of those made here.
    pub columns: Vec<Column>,
    /// Columns that some inputs lack.
    pub absent: Vec<Absent>,
    /// Inputs (0 for the first, -1 for the last) that are not sorted.
    pub unsorted_inputs: Vec<i64>,
    /// How they are not sorted; default as drawn.
    pub disorder: Disorder,
    /// Inputs that have no rows.
    pub empty_inputs: Vec<i64>,
    /// Rows per row group of the segments; 0 for the default of 20,000.
    pub row_group_rows: usize,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            rows_per_series: 8.0,
            sizes: Sizes::default(),
            large: 0.0,
            names_per_series: 1,
            overlap: 0.0,
            tids: Tids::default(),
            fixed_tids: Vec::new(),
            start: Instant::default(),
            step: Span(10_000),
            steps: 6,
            time_by_input: false,
            jitter: Span(0),
            samples: 20,
            zeros: 0.0,
            negatives: 0.0,
            wide: 0.0,
            p90: false,
            odd: Vec::new(),
            columns: Vec::new(),
            absent: Vec::new(),
            unsorted_inputs: Vec::new(),
            disorder: Disorder::default(),
            empty_inputs: Vec::new(),
            row_group_rows: 0,
        }
    }
}

impl Metrics {
    pub(crate) fn validate(&self, inputs: usize, origin: &str) -> Result<()> {
        let wrong = |what: &str| Err(Error::config(format!("{origin}: {what}")));
        let shares = [self.large, self.overlap, self.zeros, self.negatives, self.wide];
        if !shares.iter().all(|share| (0.0..=1.0).contains(share)) {
            return wrong("large, overlap, zeros, negatives and wide are shares between 0 and 1");
        }
        if self.rows_per_series.is_nan() || self.rows_per_series < 1.0 {
            return wrong("rows_per_series must be at least 1");
        }
        if self.names_per_series == 0 || self.steps == 0 || self.samples == 0 || self.step.0 == 0 {
            return wrong("names_per_series, step, steps and samples must be at least 1");
        }
        if self.odd.len() > 64 {
            return wrong("at most 64 oddities can be told apart");
        }
        for oddity in &self.odd {
            oddity.validate(inputs, origin)?;
        }
        super::columns::all_exist("unsorted_inputs", &self.unsorted_inputs, inputs, origin)?;
        super::columns::all_exist("empty_inputs", &self.empty_inputs, inputs, origin)?;
        super::extra::validate(&self.columns, &self.absent, inputs, origin)
    }
}

/// The rows of one input.
pub(crate) struct MetricsSource<'a> {
    points: Vec<Point>,
    reader: Reader<'a>,
    extra: ExtraColumns<'a>,
}

impl<'a> MetricsSource<'a> {
    pub(crate) fn new(
        plan: &'a Metrics,
        seed: u64,
        corpus: &str,
        input: usize,
        inputs: usize,
        place: &Rows,
    ) -> Self {
        let extent = Extent::new(plan, place.total);
        let random = Random::new(seed, corpus, input, "readings");
        Self {
            points: points(plan, extent, seed, corpus, input, inputs, place),
            reader: Reader::new(plan, extent, input, random),
            extra: ExtraColumns::new(&plan.columns, &plan.absent, seed, corpus, input, inputs),
        }
    }

    /// The batch of `rows`.
    pub(crate) fn batch(&mut self, rows: &Rows) -> Result<RecordBatch> {
        let from = (rows.start - rows.input_start) as usize;
        let mut columns = self.reader.columns(&self.points[from..from + rows.len]);
        self.extra.lay_over(&mut columns, rows);
        batch(columns)
    }
}

#[cfg(test)]
mod tests {
    use arrow::compute::concat_batches;

    use super::*;
    use crate::spec::{CorpusSpec, Generator};

    #[test]
    fn batches_of_any_size_give_the_same_rows() {
        let text = include_str!("../../../specs/metrics-zeros-negatives.toml");
        let spec = CorpusSpec::parse(text, "spec", std::path::Path::new("")).unwrap();
        let Some(Generator::Metrics(plan)) = &spec.generator else { panic!("not of metrics") };
        let place = Rows { start: 500, len: 0, total: 1_500, input_start: 500, input_rows: 500 };
        let rows = |len: usize| {
            let mut source = MetricsSource::new(plan, 1, &spec.name, 1, 3, &place);
            let batches: Vec<RecordBatch> = (0..500 / len)
                .map(|batch| Rows { start: 500 + (batch * len) as u64, len, ..place })
                .map(|rows| source.batch(&rows).unwrap())
                .collect();
            concat_batches(&batches[0].schema(), &batches).unwrap()
        };
        let whole = rows(500);
        assert_eq!(whole.num_rows(), 500);
        assert!(whole == rows(1) && whole == rows(125));
    }
}
