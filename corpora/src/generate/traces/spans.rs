//! The spans of a whole corpus, before they are dealt to its inputs: a trace goes through several inputs, as its services
//! do through several collectors.
//!
//! Up to `open_traces` traces are under way at a time; each next span belongs to one of them at random. The first span of a
//! trace is its root, each later one the child of any earlier one. Identifiers of traces are drawn until one falls
//! into the job's slot.

use super::Traces;
use super::slot::Slots;
use crate::generate::random::Random;
use crate::generate::text;

/// One span.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Number of the trace.
    pub(super) trace: u32,
    /// Number of the parent span in the corpus.
    pub(super) parent: Option<u32>,
    /// Start in nanoseconds since 1970.
    pub(super) start: i64,
    /// Length in nanoseconds.
    pub(super) length: i64,
}

/// The spans of a corpus; none where its generator makes something else.
#[derive(Default)]
pub(crate) struct Spans {
    /// In order of their moments, but for the jitter.
    pub(super) spans: Vec<Span>,
    /// For each row of the corpus, in order of the inputs, the number of its span.
    pub(super) order: Vec<u32>,
    /// Identifiers of the traces.
    pub(super) ids: Vec<String>,
}

/// A trace under way.
#[derive(Default)]
struct Open {
    trace: u32,
    left: u64,
    spans: Vec<u32>,
}

impl Spans {
    /// The spans of `rows` rows; `inputs` are the numbers of rows of the inputs.
    pub(super) fn new(
        plan: &Traces,
        slots: Slots<'_>,
        slot: u64,
        seed: u64,
        corpus: &str,
        inputs: &[u64],
    ) -> Self {
        let rows: u64 = inputs.iter().sum();
        let mut random = Random::new(seed, corpus, 0, "spans");
        let mut open: Vec<Open> = (0..plan.open_traces).map(|_| Open::default()).collect();
        let mut traces = 0;
        let start = plan.start.0.saturating_mul(1_000_000);
        let length = i128::from(plan.span.0) * 1_000_000;
        let mut spans = Vec::with_capacity(rows as usize);
        for number in 0..rows {
            let at = random.index(open.len());
            let open = &mut open[at];
            if open.left == 0 {
                // Two draws make short traces more common than long ones; the mean is about what was asked for.
                let reach = 1 + random.below(u64::from(plan.spans_per_trace) * 4 - 3);
                *open = Open { trace: traces, left: 1 + random.below(reach), spans: Vec::new() };
                traces += 1;
            }
            let parent = match open.spans.len() {
                0 => None,
                count => open.spans.get(random.index(count)).copied(),
            };
            open.left -= 1;
            open.spans.push(number as u32);
            let moment = start + (length * i128::from(number) / i128::from(rows.max(1))) as i64;
            let jitter = plan.jitter.0.saturating_mul(1_000_000);
            let moment = moment + random.between(-jitter, jitter);
            let grain = plan.grain.0.saturating_mul(1_000_000).max(1);
            let reach = 1 + random.below(400_000_000);
            spans.push(Span {
                trace: open.trace,
                parent,
                start: moment.div_euclid(grain) * grain,
                length: 1_000 + random.below(reach) as i64,
            });
        }
        let mut order: Vec<u32> = (0..rows as u32).collect();
        if plan.spread {
            for end in (1..order.len()).rev() {
                order.swap(end, random.index(end + 1));
            }
            let mut from = 0;
            for rows in inputs {
                let upto = from + *rows as usize;
                order[from..upto].sort_unstable();
                from = upto;
            }
        }
        let mut random = Random::new(seed, corpus, 0, "trace ids");
        let mut id = || {
            loop {
                let mut id = String::with_capacity(32);
                text::hex(&mut id, 32, &mut random);
                if slots.slot_of(Some(&id)) == slot {
                    return id;
                }
            }
        };
        let ids = (0..traces).map(|_| id()).collect();
        Self { spans, order, ids }
    }
}
