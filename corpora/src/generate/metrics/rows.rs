//! From points to columns: the values a row was made of, its rollups, its sketch, its labels.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, Float64Array, Float64Builder, Int64Array, StringArray, StringBuilder,
};

use super::points::{Extent, Point, mix};
use super::sketch::{Bins, Form, REACH};
use super::{Metrics, ROLLUPS};
use crate::generate::random::Random;

/// Names of metrics, each with its type.
const METRICS: [(&str, &str); 12] = [
    ("http.server.request.duration", "histogram"),
    ("http.server.active_requests", "gauge"),
    ("http.server.requests", "count"),
    ("process.cpu.utilization", "gauge"),
    ("process.memory.usage", "gauge"),
    ("rpc.client.calls", "count"),
    ("rpc.client.duration", "histogram"),
    ("queue.messages", "count"),
    ("queue.depth", "gauge"),
    ("db.pool.connections", "gauge"),
    ("db.query.duration", "histogram"),
    ("cache.hits", "count"),
];
const SERVICES: [&str; 9] =
    ["frontend", "cart", "checkout", "auth", "payments", "search", "postgres", "kafka", "db"];
const ENDPOINTS: [&str; 6] = ["/", "/api/v1/cart", "/api/v1/orders", "/health", "/login", "/données"];

/// What a row tells of its values.
pub(super) struct Reading {
    /// The values it was made of.
    pub(super) values: Vec<f64>,
    /// Whether it has a name.
    pub(super) named: bool,
    /// The sketch, possibly of no bytes.
    pub(super) sketch: Option<Vec<u8>>,
    /// The rollup columns.
    pub(super) rollups: Option<Rollups>,
    /// Who took it: a label that differs from row to row.
    scraper: u64,
}

/// The rollup columns of a row, in the order of [`ROLLUPS`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Rollups([f64; ROLLUPS.len()]);

impl Rollups {
    /// Count, sum, mean, extremes and quantiles of `values`, all exact, as production has them before it merges.
    fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = values.len() as f64;
        let sum: f64 = values.iter().sum();
        let at = |quantile: f64| {
            let rank = (quantile * (count - 1.0).max(0.0)) as usize;
            sorted.get(rank).copied().unwrap_or(0.0)
        };
        let avg = if values.is_empty() { 0.0 } else { sum / count };
        Self([avg, count, at(1.0), at(0.0), at(0.25), at(0.5), at(0.75), at(0.9), at(0.95), at(0.99), sum])
    }

    /// Everything but the count becomes NaN.
    pub(super) fn make_nan(&mut self) {
        let [avg, _, rest @ ..] = &mut self.0;
        *avg = f64::NAN;
        rest.fill(f64::NAN);
    }
}

impl Reading {
    /// Lets the rollup columns tell of `values`.
    pub(super) fn roll_up(&mut self, values: &[f64]) {
        self.rollups = Some(Rollups::of(values));
    }
}

/// Draws what the rows of an input say.
pub(super) struct Reader<'a> {
    plan: &'a Metrics,
    extent: Extent,
    bins: Bins,
    foreign: Bins,
    input: usize,
    random: Random,
}

impl<'a> Reader<'a> {
    pub(super) fn new(plan: &'a Metrics, extent: Extent, input: usize, random: Random) -> Self {
        Self { plan, extent, bins: Bins::new(), foreign: Bins::foreign(), input, random }
    }

    /// Number of the metric name of a point.
    fn metric(&self, point: &Point) -> u64 {
        point.series % self.extent.names + u64::from(point.name) * self.extent.names
    }

    fn value(&mut self, kind: &str) -> f64 {
        let random = &mut self.random;
        if random.chance(self.plan.zeros) {
            return 0.0;
        }
        let sign = if random.chance(self.plan.negatives) { -1.0 } else { 1.0 };
        if random.chance(self.plan.wide) {
            let bin = random.between(i64::from(-REACH), i64::from(REACH) - 1) as i32;
            // Off the borders of the bin, which is 1.02 times as wide as it is low.
            return sign * self.bins.border(bin) * (1.0 + random.between(2, 18) as f64 / 1024.0);
        }
        sign * match kind {
            "count" => 1.0 + random.below(1_000) as f64,
            "gauge" => random.between(1, 1 << 20) as f64 / 1024.0,
            _ => random.between(1 << 8, 1 << 11) as f64 / 64.0,
        }
    }

    fn reading(&mut self, point: &Point) -> Reading {
        let (_, kind) = METRICS[(self.metric(point) % METRICS.len() as u64) as usize];
        let many = kind == "histogram" && self.plan.samples > 1;
        let count = if many { 2 + self.random.below(u64::from(self.plan.samples) - 1) } else { 1 };
        let values: Vec<f64> = (0..count).map(|_| self.value(kind)).collect();
        let form =
            if self.plan.wide > 0.0 || point.number.is_multiple_of(2) { Form::Sparse } else { Form::Dense };
        let sketch = Some(self.bins.encode(&values, form));
        let rollups = Some(Rollups::of(&values));
        // Everything of a row is drawn before the next row, so that batches of any size give the same rows.
        let scraper = self.random.below(40);
        let mut reading = Reading { values, named: true, sketch, rollups, scraper };
        for oddity in self.plan.oddities(point) {
            oddity.change_reading(&mut reading, point, &self.bins, &self.foreign);
        }
        reading
    }

    /// The columns of the points.
    pub(super) fn columns(&mut self, points: &[Point]) -> Vec<(String, ArrayRef)> {
        let readings: Vec<Reading> = points.iter().map(|point| self.reading(point)).collect();
        let mut columns: Vec<(String, ArrayRef)> = Vec::with_capacity(32);
        let mut add = |name: &str, array: ArrayRef| columns.push((name.to_owned(), array));

        let tids: Int64Array = points.iter().map(|point| point.tid).collect();
        let times: Int64Array = points.iter().map(|point| point.time).collect();
        add("_cardinalhq.tid", Arc::new(tids));
        add("_cardinalhq.timestamp", Arc::new(times));
        add("_cardinalhq.value", Arc::new(Float64Array::from(vec![-1.0; points.len()])));

        let text = |value: &dyn Fn(&mut String, usize, &Point) -> bool| -> ArrayRef {
            let mut column = StringBuilder::new();
            let mut out = String::new();
            for (index, point) in points.iter().enumerate() {
                out.clear();
                let there = value(&mut out, index, point);
                column.append_option(there.then_some(&out));
            }
            Arc::new(column.finish())
        };
        let same = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; points.len()])) };
        let names = self.extent.names;
        add("_cardinalhq.collector_id", same(&format!("collector-{}", self.input)));
        add("_cardinalhq.customer_id", same("9d4f2c1e-0000-4000-8000-00000000cafe"));
        add("_cardinalhq.telemetry_type", same("metrics"));
        add(
            "_cardinalhq.metric_type",
            text(&|out, _, point| put(out, METRICS[(self.metric(point) % 12) as usize].1)),
        );
        add(
            "_cardinalhq.name",
            text(&|out, index, point| {
                let metric = self.metric(point);
                out.push_str(METRICS[(metric % 12) as usize].0);
                if metric >= 12 {
                    // Writing to a String cannot fail.
                    let _ = write!(out, ".{}", metric / 12);
                }
                readings[index].named
            }),
        );
        let numbered = |out: &mut String, prefix: &str, number: u64| {
            // Writing to a String cannot fail.
            let _ = write!(out, "{prefix}{number}");
            true
        };
        add("metric.instance", text(&|out, _, point| numbered(out, "instance-", point.series / names)));
        add(
            "metric.endpoint",
            text(&|out, _, point| {
                let place = mix(point.series) % 12;
                place < 6 && put(out, ENDPOINTS[place as usize])
            }),
        );
        // Shows whose labels a merged row has.
        add("metric.scraper", text(&|out, index, _| numbered(out, "scraper-", readings[index].scraper)));
        let service = |point: &Point| point.series % names % SERVICES.len() as u64;
        add("resource.service.name", text(&|out, _, point| put(out, SERVICES[service(point) as usize])));
        add("resource.k8s.namespace.name", text(&|out, _, point| numbered(out, "team-", service(point) / 3)));
        add("resource.k8s.pod.name", text(&|out, _, point| numbered(out, "pod-", mix(point.series) % 200)));

        for (place, name) in ROLLUPS.iter().enumerate() {
            if *name == "rollup_p90" && !self.plan.p90 {
                continue;
            }
            let mut column = Float64Builder::with_capacity(readings.len());
            readings
                .iter()
                .for_each(|reading| column.append_option(reading.rollups.map(|rollups| rollups.0[place])));
            add(name, Arc::new(column.finish()));
        }
        let mut sketches = BinaryBuilder::new();
        readings.iter().for_each(|reading| sketches.append_option(reading.sketch.as_ref()));
        add("sketch", Arc::new(sketches.finish()));
        columns
    }
}

/// Appends a value that is there.
fn put(out: &mut String, text: &str) -> bool {
    out.push_str(text);
    true
}
