//! What generating a corpus takes at most, by its specification alone: for specifications that a stranger wrote.
//!
//! A bound, not an estimate: every value counts as the longest that its declaration allows, and what is drawn to find a value counts
//! like what is written.

use super::columns::Column;
use super::values::{Skew, Values};
use super::{BATCH_ROWS, metrics, production, traces};
use crate::parameters::Parameters;
use crate::spec::{CorpusSpec, Generator};

/// Bytes of a generated row beside what its columns hold: what the generators of records keep for it in memory and write into columns
/// of their own.
const ROW: u64 = 2_048;

/// Bytes of a value beside its text: offsets, lengths, levels.
const CELL: u64 = 16;

/// Bytes of a segment, and of a column in it: footer and encoder.
const SEGMENT: u64 = 4_096;
const CHUNK: u64 = 512;

/// Bytes of the longest message, stack trace or awkward text.
const TEXT: u64 = 4_096;

/// Bytes of one entry of a table that is drawn from.
const ENTRY: u64 = 8;

impl CorpusSpec {
    /// Bytes that generating the corpus takes at most, in memory, on disk and in draws; `rows` instead of the specification's own. 0
    /// where the segments exist already. Saturates.
    #[must_use]
    pub fn most_bytes(&self, rows: Option<u64>) -> u64 {
        let Some(generator) = &self.generator else { return 0 };
        let rows = rows.unwrap_or(self.rows);
        let inputs = self.inputs as u64;
        let (columns, row, tables): (&[Column], u64, u64) = match generator {
            Generator::Columns(plan) => (&plan.columns, TEXT, 0),
            Generator::Production(plan) => (&[], of_production(plan), u64::from(plan.pods)),
            Generator::Metrics(plan) => (&plan.columns, of_metrics(plan), 2 * rows),
            Generator::Traces(plan) => {
                (&plan.columns, of_traces(plan, &self.parameters), 8 * u64::from(plan.open_traces))
            }
        };
        // Every batch builds its tables anew.
        let batches = (rows / BATCH_ROWS).saturating_add(inputs);
        let mut bytes = rows.saturating_mul(row.saturating_add(ROW));
        bytes = bytes.saturating_add(inputs.saturating_mul(SEGMENT));
        bytes = bytes.saturating_add(inputs.saturating_mul(tables).saturating_mul(ENTRY));
        for column in columns {
            let (value, table) = of_values(&column.values);
            let chunks = inputs.saturating_mul(CHUNK.saturating_add(column.name.len() as u64));
            bytes = bytes.saturating_add(rows.saturating_mul(value.saturating_add(CELL)));
            bytes = bytes.saturating_add(batches.saturating_mul(table).saturating_mul(ENTRY));
            bytes = bytes.saturating_add(chunks);
        }
        bytes
    }
}

/// The longest value, and the entries of the table that it is drawn from.
fn of_values(values: &Values) -> (u64, u64) {
    match values {
        Values::Id { prefix } => (prefix.len() as u64 + 20, 0),
        Values::Choice { of, skew } => {
            let longest = of.iter().map(String::len).max().unwrap_or_default();
            (longest as u64, if *skew == Skew::Zipf { of.len() as u64 } else { 0 })
        }
        Values::Numbered { prefix, distinct, skew } => {
            (prefix.len() as u64 + 20, if *skew == Skew::Zipf { u64::from(*distinct) } else { 0 })
        }
        Values::Hex { length } => (u64::from(*length), 0),
        Values::Message | Values::Awkward => (TEXT, 0),
        Values::Letters { max, .. } | Values::Binary { max, .. } => (u64::from(*max), 0),
        Values::Int64 { .. } | Values::Float64 { .. } | Values::Boolean { .. } => (8, 0),
    }
}

fn of_production(_: &production::Production) -> u64 {
    2 * TEXT
}

/// A sample is a value drawn and at most a bin of a sketch.
fn of_metrics(plan: &metrics::Metrics) -> u64 {
    u64::from(plan.samples) * 32
}

/// The identifier of a trace is drawn until it falls into the slot of the job.
fn of_traces(_: &traces::Traces, parameters: &Parameters) -> u64 {
    const DIGITS: u64 = 32;
    let slots = parameters.slots.and_then(|slots| u64::try_from(slots).ok()).unwrap_or(1).max(1);
    slots.saturating_mul(DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalog, Generate};

    /// What a replay allows where nothing else is asked for.
    const ALLOWED: u64 = 1 << 30;

    #[test]
    fn no_shipped_corpus_takes_more_than_the_bound_and_all_are_within_what_a_replay_allows() {
        let (rows, home) = (50, tempfile::tempdir().unwrap());
        for spec in Catalog::builtin().unwrap().iter() {
            assert!(spec.most_bytes(None) < ALLOWED, "{}: {}", spec.name, spec.most_bytes(None));
            let dir = home.path().join(&spec.name);
            let made = spec.generate(&dir, Generate { rows: Some(rows), seed: None }).unwrap();
            let mut taken = 0;
            for input in &made.inputs {
                let footer = parquet::file::metadata::ParquetMetaDataReader::new()
                    .parse_and_finish(&std::fs::File::open(input).unwrap())
                    .unwrap();
                let decoded: i64 = footer.row_groups().iter().map(|group| group.total_byte_size()).sum();
                taken += std::fs::metadata(input).unwrap().len().max(decoded.unsigned_abs());
            }
            let bound = spec.most_bytes(Some(rows));
            assert!(taken <= bound, "{}: {taken} bytes, bound {bound}", spec.name);
        }
    }

    #[test]
    fn every_number_of_a_specification_that_costs_raises_the_bound() {
        let bound = |text: &str| {
            let head = "name = \"n\"\ntitle = \"t\"\nsignal = \"logs\"\nkind = \"compact\"\nprovokes = []\n";
            CorpusSpec::parse(&format!("{head}{text}"), "spec", std::path::Path::new(""))
                .unwrap()
                .most_bytes(None)
        };
        let column = |values: &str| {
            bound(&format!(
                "rows = 10\ninputs = 1\n[generator]\nkind = \"columns\"\n[[generator.columns]]\nname = \"a\"\nvalues = {{ {values} }}\n"
            ))
        };
        for huge in [
            column("kind = \"letters\", min = 0, max = 4000000000"),
            column("kind = \"binary\", min = 0, max = 4000000000"),
            column("kind = \"numbered\", prefix = \"\", distinct = 4000000000, skew = \"zipf\""),
            bound("rows = 10000000000\ninputs = 1\n[generator]\nkind = \"production\"\n"),
            bound("rows = 10\ninputs = 1\n[generator]\nkind = \"production\"\npods = 4000000000\n"),
            bound("rows = 10\ninputs = 1\n[generator]\nkind = \"metrics\"\nsamples = 4000000000\n"),
            bound("rows = 10\ninputs = 1\n[generator]\nkind = \"traces\"\nopen_traces = 4000000000\n"),
            bound(
                "rows = 1000000\ninputs = 1\n[parameters]\nslots = 65536\nslot = 1\n[generator]\nkind = \"traces\"\n",
            ),
        ] {
            assert!(huge > ALLOWED, "{huge}");
        }
        assert_eq!(bound("segments = [\"x\"]\n"), 0);
        assert!(column("kind = \"int64\", min = 0, max = 1") < 1 << 20);
    }
}
