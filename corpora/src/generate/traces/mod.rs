//! The generator of spans. A job of traces is one slot, so all rows of a corpus fall into the slot of its parameters.
//!
//! 1. The spans of the whole corpus are drawn once: trace, parent, moment ([`spans`]); some 40 bytes a row are held.
//! 2. They are dealt to the inputs, stretch by stretch or scattered (`spread`).
//! 3. Columns are made batch by batch; identifiers of spans follow from their numbers.

mod slot;
mod spans;

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, StringBuilder};
use serde::Deserialize;

use self::slot::Slots;
use self::spans::Span;
pub(super) use self::spans::Spans;
use super::extra::{Absent, ExtraColumns};
use super::random::{Random, Zipf};
use super::time::{self, Instant};
use super::{Column, Rows, batch};
use crate::error::{Error, Result};
use crate::parameters::Parameters;

/// Spans of traces, all of them of the job's slot.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traces {
    /// Mean number of spans of a trace; default 8. Most traces are shorter, some four times as long.
    pub spans_per_trace: u32,
    /// Traces that are under way at a time; default 16.
    pub open_traces: u32,
    /// Whether the spans of each moment are scattered over all inputs; default false: inputs follow each other.
    pub spread: bool,
    /// First moment; default 2025-08-25T10:00:00Z.
    pub start: Instant,
    /// Length of the covered time; default 10m.
    pub span: time::Span,
    /// Each start is moved by up to this much either way; default none.
    pub jitter: time::Span,
    /// Starts are cut down to multiples of this, so that many are equal; default not at all.
    pub grain: time::Span,
    /// Share of the spans with a parent whose parent is in no input; default 0.
    pub orphans: f64,
    /// Share of rows without a start time; default 0.
    pub missing_starts: f64,
    /// Share of rows without a trace; default 0. They fall into the slot of `unknown`, which must then be the job's.
    pub missing_traces: f64,
    /// Share of rows without a span identifier; default 0.
    pub missing_spans: f64,
    /// Further columns, or other ones in the place of those made here.
    pub columns: Vec<Column>,
    /// Columns that some inputs lack.
    pub absent: Vec<Absent>,
    /// Inputs (0 for the first, -1 for the last) that have no rows.
    pub empty_inputs: Vec<i64>,
    /// Rows per row group of the segments; 0 for the default of 20,000.
    pub row_group_rows: usize,
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            spans_per_trace: 8,
            open_traces: 16,
            spread: false,
            start: Instant::default(),
            span: time::Span(600_000),
            jitter: time::Span(0),
            grain: time::Span(0),
            orphans: 0.0,
            missing_starts: 0.0,
            missing_traces: 0.0,
            missing_spans: 0.0,
            columns: Vec::new(),
            absent: Vec::new(),
            empty_inputs: Vec::new(),
            row_group_rows: 0,
        }
    }
}

/// Services with what they do: name of the span, kind, route.
const OPERATIONS: [(&str, &str, &str, &str); 12] = [
    ("frontend", "GET /", "SPAN_KIND_SERVER", "/"),
    ("frontend", "GET", "SPAN_KIND_CLIENT", ""),
    ("cart", "GET /cart/{id}", "SPAN_KIND_SERVER", "/cart/{id}"),
    ("cart", "HGET", "SPAN_KIND_CLIENT", ""),
    ("catalog", "GET /products", "SPAN_KIND_SERVER", "/products"),
    ("catalog", "SELECT products", "SPAN_KIND_CLIENT", ""),
    ("checkout", "POST /orders", "SPAN_KIND_SERVER", "/orders"),
    ("checkout", "orders publish", "SPAN_KIND_PRODUCER", ""),
    ("payments", "charge", "SPAN_KIND_INTERNAL", ""),
    ("mailer", "orders receive", "SPAN_KIND_CONSUMER", ""),
    ("auth", "POST /token", "SPAN_KIND_SERVER", "/token"),
    ("db", "COMMIT", "SPAN_KIND_INTERNAL", ""),
];

/// The slots that the parameters of a job speak of, and the job's own.
fn slots_of(parameters: &Parameters) -> (Slots<'_>, u64) {
    let slots = Slots {
        dateint: parameters.dateint.unwrap_or(0),
        organization: parameters.organization.as_deref().unwrap_or(""),
        slots: parameters.slots.and_then(|slots| u64::try_from(slots).ok()).unwrap_or(1).max(1),
    };
    let slot = parameters.slot.and_then(|slot| u64::try_from(slot).ok()).unwrap_or(0);
    (slots, slot)
}

impl Traces {
    pub(crate) fn validate(&self, inputs: usize, parameters: &Parameters, origin: &str) -> Result<()> {
        let wrong = |what: String| Err(Error::config(format!("{origin}: {what}")));
        let shares = [self.orphans, self.missing_starts, self.missing_traces, self.missing_spans];
        if !shares.iter().all(|share| (0.0..=1.0).contains(share)) {
            return wrong(
                "orphans, missing_starts, missing_traces and missing_spans are shares between 0 and 1"
                    .to_owned(),
            );
        }
        if self.spans_per_trace == 0 || self.open_traces == 0 {
            return wrong("spans_per_trace and open_traces must be at least 1".to_owned());
        }
        let (slots, slot) = slots_of(parameters);
        if slots.slots > 1 << 16 || slot >= slots.slots || parameters.slot.is_some_and(|slot| slot < 0) {
            return wrong(format!(
                "parameter slot must lie below the number of slots, {}, and that within 65,536",
                slots.slots
            ));
        }
        let unknown = slots.slot_of(None);
        if self.missing_traces > 0.0 && unknown != slot {
            return wrong(format!(
                "rows without a trace fall into slot {unknown}, not into slot {slot} of the job"
            ));
        }
        super::columns::all_exist("empty_inputs", &self.empty_inputs, inputs, origin)?;
        super::extra::validate(&self.columns, &self.absent, inputs, origin)
    }

    /// The spans of a corpus whose inputs have so many rows.
    pub(crate) fn spans(&self, parameters: &Parameters, seed: u64, corpus: &str, inputs: &[u64]) -> Spans {
        let (slots, slot) = slots_of(parameters);
        Spans::new(self, slots, slot, seed, corpus, inputs)
    }
}

/// The rows of one input.
pub(crate) struct TracesSource<'a> {
    plan: &'a Traces,
    spans: &'a Spans,
    extra: ExtraColumns<'a>,
    operations: Zipf,
    random: Random,
    /// Scatters the identifiers of spans.
    key: u64,
}

/// What is drawn for a row.
struct Drawn {
    operation: usize,
    pod: u64,
    failed: bool,
    orphan: bool,
    no_start: bool,
    no_trace: bool,
    no_span: bool,
}

impl<'a> TracesSource<'a> {
    pub(crate) fn new(
        plan: &'a Traces,
        spans: &'a Spans,
        seed: u64,
        corpus: &str,
        input: usize,
        inputs: usize,
    ) -> Self {
        Self {
            plan,
            spans,
            extra: ExtraColumns::new(&plan.columns, &plan.absent, seed, corpus, input, inputs),
            operations: Zipf::new(OPERATIONS.len()),
            random: Random::new(seed, corpus, input, "rows of spans"),
            key: Random::new(seed, corpus, 0, "span ids").next(),
        }
    }

    fn draw(&mut self) -> Drawn {
        let random = &mut self.random;
        Drawn {
            operation: self.operations.draw(random),
            pod: random.below(40),
            failed: random.chance(0.03),
            orphan: random.chance(self.plan.orphans),
            no_start: random.chance(self.plan.missing_starts),
            no_trace: random.chance(self.plan.missing_traces),
            no_span: random.chance(self.plan.missing_spans),
        }
    }

    /// The batch of `rows`.
    pub(crate) fn batch(&mut self, rows: &Rows) -> Result<RecordBatch> {
        let from = rows.start as usize;
        let all = self.spans;
        let numbers = &all.order[from..from + rows.len];
        let drawn: Vec<(u32, Span, Drawn)> =
            numbers.iter().map(|number| (*number, all.spans[*number as usize], self.draw())).collect();
        let mut columns: Vec<(String, ArrayRef)> = Vec::with_capacity(24);
        let mut add = |name: &str, array: ArrayRef| columns.push((name.to_owned(), array));

        let whole = |value: &dyn Fn(&Span, &Drawn) -> Option<i64>| -> ArrayRef {
            Arc::new(drawn.iter().map(|(_, span, drawn)| value(span, drawn)).collect::<Int64Array>())
        };
        add("_cardinalhq.start_time_unix_ns", whole(&|span, drawn| (!drawn.no_start).then_some(span.start)));
        add("_cardinalhq.end_time_unix_ns", whole(&|span, _| Some(span.start + span.length)));
        add("_cardinalhq.span_duration_ns", whole(&|span, _| Some(span.length)));
        add("_cardinalhq.timestamp", whole(&|span, _| Some(span.start.div_euclid(1_000_000))));
        add("_cardinalhq.status_code", whole(&|_, drawn| Some(if drawn.failed { 2 } else { 0 })));

        let text = |value: &dyn Fn(&mut String, u32, &Span, &Drawn) -> bool| -> ArrayRef {
            let mut column = StringBuilder::new();
            let mut out = String::new();
            for (number, span, drawn) in &drawn {
                out.clear();
                let there = value(&mut out, *number, span, drawn);
                column.append_option(there.then_some(&out));
            }
            Arc::new(column.finish())
        };
        let key = self.key;
        let id = |out: &mut String, number: u32| {
            // Writing to a String cannot fail. The factor is odd, so no two numbers meet.
            let scattered = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ key;
            let _ = write!(out, "{scattered:016x}");
            true
        };
        let trace: ArrayRef = text(&|out, _, span, drawn| {
            out.push_str(&all.ids[span.trace as usize]);
            !drawn.no_trace
        });
        add("_cardinalhq.span_trace_id", Arc::clone(&trace));
        add("_cardinalhq.trace_id", trace);
        add("_cardinalhq.span_id", text(&|out, number, _, drawn| id(out, number) && !drawn.no_span));
        add(
            "_cardinalhq.parent_span_id",
            text(&|out, number, span, drawn| match span.parent {
                // A number that no span of the corpus has.
                Some(_) if drawn.orphan => id(out, u32::MAX - number),
                Some(parent) => id(out, parent),
                None => false,
            }),
        );
        let put = |out: &mut String, text: &str| {
            out.push_str(text);
            true
        };
        add("_cardinalhq.name", text(&|out, _, _, drawn| put(out, OPERATIONS[drawn.operation].1)));
        add("_cardinalhq.kind", text(&|out, _, _, drawn| put(out, OPERATIONS[drawn.operation].2)));
        let same = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value; drawn.len()])) };
        add("_cardinalhq.telemetry_type", same("traces"));
        add("resource._cardinalhq.customer_id", same("9d4f2c1e-0000-4000-8000-00000000cafe"));
        add("resource.k8s.namespace.name", same("shop"));
        add("resource.service.name", text(&|out, _, _, drawn| put(out, OPERATIONS[drawn.operation].0)));
        add(
            "resource.k8s.pod.name",
            text(&|out, _, _, drawn| {
                let service = OPERATIONS[drawn.operation].0;
                let _ = write!(out, "{service}-7bd6b66495-{:02x}", drawn.pod);
                true
            }),
        );
        add("scope.name", same("@opentelemetry/instrumentation"));
        add(
            "span.http.route",
            text(&|out, _, _, drawn| {
                let route = OPERATIONS[drawn.operation].3;
                !route.is_empty() && put(out, route)
            }),
        );
        add(
            "span.http.status_code",
            text(&|out, _, _, drawn| {
                let served = !OPERATIONS[drawn.operation].3.is_empty();
                served && put(out, if drawn.failed { "500" } else { "200" })
            }),
        );
        add(
            "span.error.message",
            text(&|out, number, _, drawn| {
                let _ = write!(out, "deadline exceeded after {} ms", number % 900);
                drawn.failed
            }),
        );
        self.extra.lay_over(&mut columns, rows);
        batch(columns)
    }
}
