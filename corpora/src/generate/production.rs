//! The generator of log records with the correlations and the skew of production.
//!
//! 1. Services are drawn by Zipf's law; a service fixes namespace, version, file and its preferred message templates;
//!    its pods are drawn by Zipf's law again, a pod fixes its node.
//! 2. Traffic follows the hours' weights. One window of 400 rows in five is a burst: its rows fall within half a second,
//!    and half of them are failures of one service.
//! 3. Rows arrive out of order by up to `jitter`, a few late by up to `late_by`.
//! 4. Most rows belong to a trace; up to 64 traces are open at a time and go through several services.
//! 5. Levels are mostly INFO; failures carry a stack trace; some columns exist for few rows or one service only.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Array, Int64Builder, RecordBatch, StringBuilder,
};
use serde::Deserialize;

use super::random::{Random, Zipf};
use super::text::{self, FIRST_FAILURE, TEMPLATES};
use super::time::{Instant, Span, random_either_way};
use super::{Rows, batch};
use crate::error::{Error, Result};

/// Log records with the correlations and the skew of production.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Production {
    /// Beginning of the first hour; default 2025-08-25T10:00:00Z.
    pub start: Instant,
    /// Relative traffic of each hour from there; default `[2, 5, 3, 1]`.
    pub hours: Vec<u32>,
    /// Pods per service; default 12.
    pub pods: u32,
    /// Share of rows that belong to a trace; default 0.6.
    pub traced: f64,
    /// Each moment is moved by up to this much either way; default 20s.
    pub jitter: Span,
    /// Share of rows that are late by up to `late_by`; default 0.02.
    pub late_share: f64,
    /// Largest lateness; default 2h.
    pub late_by: Span,
    /// Rows per row group of the segments; 0 for the default of 20,000.
    pub row_group_rows: usize,
}

impl Default for Production {
    fn default() -> Self {
        Self {
            start: Instant::default(),
            hours: vec![2, 5, 3, 1],
            pods: 12,
            traced: 0.6,
            jitter: Span(20_000),
            late_share: 0.02,
            late_by: Span(7_200_000),
            row_group_rows: 0,
        }
    }
}

/// Services with their namespaces, the busiest first.
const SERVICES: [(&str, &str); 20] = [
    ("frontend", "shop"),
    ("ingress-nginx", "ingress"),
    ("cart", "shop"),
    ("catalog", "shop"),
    ("checkout", "shop"),
    ("auth", "platform"),
    ("payments", "payments"),
    ("search", "shop"),
    ("postgres", "data"),
    ("kafka", "data"),
    ("recommendation", "ml"),
    ("coredns", "kube-system"),
    ("inventory", "shop"),
    ("mailer", "platform"),
    ("audit", "platform"),
    ("ledger", "payments"),
    ("feature-store", "ml"),
    ("cron-cleanup", "platform"),
    ("db", "data"),
    ("日報", "ml"),
];

/// Rows of a burst window, and how many windows make a cycle.
const WINDOW: u64 = 400;
const CYCLE: u64 = 5;
/// The service with a column of its own.
const CHECKOUT: usize = 4;

impl Production {
    pub(crate) fn validate(&self, origin: &str) -> Result<()> {
        let wrong = |what: &str| Err(Error::config(format!("{origin}: {what}")));
        if self.hours.iter().all(|weight| *weight == 0) {
            return wrong("hours needs at least one weight above 0");
        }
        if self.pods == 0 {
            return wrong("pods must be at least 1");
        }
        if ![self.traced, self.late_share].iter().all(|share| (0.0..=1.0).contains(share)) {
            return wrong("traced and late_share are shares between 0 and 1");
        }
        Ok(())
    }

    /// The moment of row `row` of `total` before displacement.
    fn moment(&self, row: u64, total: u64) -> i64 {
        const HOUR: i128 = 3_600_000;
        let all: i128 = self.hours.iter().map(|weight| i128::from(*weight)).sum();
        let mut place = i128::from(row) * all;
        let total = i128::from(total.max(1));
        let mut at = i128::from(self.start.0);
        for weight in self.hours.iter().map(|weight| i128::from(*weight)) {
            if place < weight * total {
                return (at + place * HOUR / (weight * total)) as i64;
            }
            place -= weight * total;
            at += HOUR;
        }
        at as i64
    }
}

/// One record before it is dealt into columns.
struct Record {
    at: i64,
    service: usize,
    pod: usize,
    template: usize,
    level: &'static str,
    trace: Option<String>,
}

/// The records of one input.
pub(crate) struct ProductionSource<'a> {
    plan: &'a Production,
    random: Random,
    services: Zipf,
    pods: Zipf,
    traces: Vec<String>,
}

impl<'a> ProductionSource<'a> {
    pub(crate) fn new(plan: &'a Production, seed: u64, corpus: &str, input: usize) -> Self {
        Self {
            plan,
            random: Random::new(seed, corpus, input, "production"),
            services: Zipf::new(SERVICES.len()),
            pods: Zipf::new(plan.pods as usize),
            traces: Vec::new(),
        }
    }

    fn record(&mut self, row: u64, total: u64) -> Record {
        let burst = (row / WINDOW).is_multiple_of(CYCLE);
        let random = &mut self.random;
        let mut at = if burst {
            self.plan.moment(row / WINDOW * WINDOW, total) + random.between(0, 499)
        } else {
            self.plan.moment(row, total) + random_either_way(self.plan.jitter.0, random)
        };
        if random.chance(self.plan.late_share) {
            at -= random.between(1, self.plan.late_by.0);
        }
        let mut service = self.services.draw(random);
        let mut failure = random.chance(0.02);
        if burst && random.chance(0.5) {
            service = (row / WINDOW / CYCLE) as usize % SERVICES.len();
            failure = true;
        }
        let template = if failure {
            FIRST_FAILURE + random.index(TEMPLATES.len() - FIRST_FAILURE)
        } else {
            // Each service says three things over and over.
            (service * 3 + random.index(3)) % FIRST_FAILURE
        };
        let level = if failure {
            if random.chance(0.7) { "ERROR" } else { "WARN" }
        } else {
            match random.below(100) {
                0..=5 => "DEBUG",
                6..=8 => "WARN",
                _ => "INFO",
            }
        };
        let trace = random.chance(self.plan.traced).then(|| {
            let fresh = self.traces.len() < 64 || random.chance(0.2);
            if fresh {
                let mut id = String::with_capacity(32);
                text::hex(&mut id, 32, random);
                if self.traces.len() < 64 {
                    self.traces.push(id.clone());
                } else {
                    let slot = random.index(64);
                    self.traces[slot].clone_from(&id);
                }
                return id;
            }
            self.traces[random.index(self.traces.len())].clone()
        });
        Record { at, service, pod: self.pods.draw(random), template, level, trace }
    }

    /// The batch of `rows`.
    pub(crate) fn batch(&mut self, rows: &Rows) -> Result<RecordBatch> {
        let records: Vec<Record> =
            (0..rows.len as u64).map(|offset| self.record(rows.start + offset, rows.total)).collect();
        let random = &mut self.random;
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        let mut add = |name: &str, array: ArrayRef| columns.push((name.to_owned(), array));
        let text = |value: &dyn Fn(&mut String, usize, &Record)| -> ArrayRef {
            let mut column = StringBuilder::new();
            let mut out = String::new();
            for (index, record) in records.iter().enumerate() {
                out.clear();
                value(&mut out, index, record);
                column.append_value(&out);
            }
            Arc::new(column.finish())
        };

        add("_cardinalhq.collector_id", text(&|out, _, _| out.push_str("collector-1")));
        add(
            "_cardinalhq.customer_id",
            text(&|out, _, _| out.push_str("9d4f2c1e-0000-4000-8000-00000000cafe")),
        );
        add("_cardinalhq.hostname", text(&|_, _, _| {}));
        add(
            "_cardinalhq.id",
            text(&|out, index, _| put(out, format_args!("p{:012}", rows.start + index as u64))),
        );
        add("_cardinalhq.json", text(&|out, _, _| out.push_str("{}")));
        add("_cardinalhq.level", text(&|out, _, record| out.push_str(record.level)));
        add("_cardinalhq.name", text(&|out, _, _| out.push_str("log.events")));
        add("_cardinalhq.telemetry_type", text(&|out, _, _| out.push_str("logs")));
        add(
            "resource.container.image.tag",
            text(&|out, _, r| put(out, format_args!("v2.{}.0", r.service % 7))),
        );
        add(
            "resource.file",
            text(&|out, _, r| {
                put(
                    out,
                    format_args!("/var/log/pods/{}/{}.log", SERVICES[r.service].1, SERVICES[r.service].0),
                )
            }),
        );
        add("resource.k8s.cluster.name", text(&|out, _, _| out.push_str("prod-eu-1")));
        add("resource.k8s.namespace.name", text(&|out, _, r| out.push_str(SERVICES[r.service].1)));
        add(
            "resource.k8s.node.name",
            text(&|out, _, r| put(out, format_args!("node-{:02}", (r.service * 5 + r.pod) % 17))),
        );
        add(
            "resource.k8s.pod.name",
            text(&|out, _, r| {
                put(
                    out,
                    format_args!("{}-7bd6b66495-{:04x}", SERVICES[r.service].0, r.service * 977 + r.pod * 31),
                )
            }),
        );
        add("resource.service.name", text(&|out, _, r| out.push_str(SERVICES[r.service].0)));

        let whole = |value: &dyn Fn(&Record) -> i64| -> ArrayRef {
            Arc::new(records.iter().map(|record| Some(value(record))).collect::<Int64Array>())
        };
        add("_cardinalhq.timestamp", whole(&|record| record.at));
        let spread = 0x9e37_79b9_7f4a_7c15_u64;
        add(
            "_cardinalhq.fingerprint",
            whole(&|record| (record.template as u64 + 1).wrapping_mul(spread) as i64),
        );

        let mut value = Float64Builder::new();
        let mut message = StringBuilder::new();
        let mut trace = StringBuilder::new();
        let mut duration = Float64Builder::new();
        let mut status = Int64Builder::new();
        let mut retry = BooleanBuilder::new();
        let mut order = StringBuilder::new();
        let mut stack = StringBuilder::new();
        let mut out = String::new();
        for record in &records {
            let mut drawn = |out: &mut String, fill: &dyn Fn(&mut String, &mut Random)| {
                out.clear();
                fill(out, random);
            };
            value.append_value(1.0);
            drawn(&mut out, &|out, random| text::fill(out, TEMPLATES[record.template], random));
            message.append_value(&out);
            trace.append_option(record.trace.as_ref());
            let timed = record.template < 2;
            duration.append_option(timed.then(|| random.below(4_000_000) as f64 / 1024.0));
            status.append_option(timed.then(|| if random.chance(0.95) { 200 } else { 500 }));
            retry.append_option((record.template == 8).then(|| random.chance(0.5)));
            let ordered = record.service == CHECKOUT && random.chance(0.5);
            out.clear();
            text::hex(&mut out, 12, random);
            order.append_option(ordered.then_some(&out));
            if record.level == "ERROR" && random.chance(0.3) {
                out.clear();
                for frame in 0..3 + random.below(20) {
                    let line = random.below(900);
                    put(
                        &mut out,
                        format_args!("  at {}.handler{frame} (app.js:{line})\n", SERVICES[record.service].0),
                    );
                }
                stack.append_value(&out);
            } else {
                stack.append_null();
            }
        }
        add("_cardinalhq.value", Arc::new(value.finish()));
        add("_cardinalhq.message", Arc::new(message.finish()));
        add("_cardinalhq.span_trace_id", Arc::new(trace.finish()));
        add("log.duration_ms", Arc::new(duration.finish()));
        add("log.http.status_code", Arc::new(status.finish()));
        add("log.retry", Arc::new(retry.finish()));
        add("log.order_id", Arc::new(order.finish()));
        add("log.exception.stacktrace", Arc::new(stack.finish()));
        batch(columns)
    }
}

/// Appends formatted text; writing to a `String` cannot fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_get_rows_by_their_weight() {
        let plan = Production { hours: vec![1, 0, 3], ..Production::default() };
        let hour = |row| (plan.moment(row, 400) - plan.start.0) / 3_600_000;
        let counts = (0..400).fold([0; 3], |mut counts, row| {
            counts[hour(row) as usize] += 1;
            counts
        });
        assert_eq!(counts, [100, 0, 300]);
    }
}
