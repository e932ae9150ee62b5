//! From a specification to input segments on disk.
//!
//! 1. The rows are dealt evenly over the inputs that are not declared empty; row numbers run through the whole corpus.
//! 2. Every input is generated batch by batch (2,048 rows) and written as it goes, so memory does not grow with the rows.
//! 3. Every random stream is named by seed, corpus, input and column: the same seed gives the same bytes, whatever the
//!    number of threads. A corpus is immutable once named: another content is another name.
//!
//! Columns are written in byte order of their names, all of them optional and flat, because readers of legacy systems
//! are known to stumble over anything else.

pub(crate) mod columns;
pub(crate) mod extra;
pub(crate) mod metrics;
pub(crate) mod production;
mod random;
mod text;
pub(crate) mod time;
pub(crate) mod traces;
pub(crate) mod values;
mod weight;
mod writer;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};

use crate::error::{Error, Result};
use crate::load::load;
use crate::segment::inspect;
use crate::spec::{CorpusSpec, Generator};
use columns::{Column, ColumnSource};
use metrics::MetricsSource;
use production::ProductionSource;
use traces::{Spans, TracesSource};
use writer::SegmentWriter;

/// Rows of a generated batch. Part of the definition of every corpus: do not change it.
const BATCH_ROWS: u64 = 2_048;

/// What to change about a corpus when generating it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Generate {
    /// Rows over all inputs instead of the specification's.
    pub rows: Option<u64>,
    /// Seed instead of the specification's.
    pub seed: Option<u64>,
}

/// The segments of a corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Paths in order.
    pub inputs: Vec<PathBuf>,
    /// Rows over all inputs.
    pub rows: u64,
    /// BLAKE3 over the bytes of all inputs in order, in hexadecimal digits.
    pub digest: String,
    /// The seed used; `None` where the specification names existing segments.
    pub seed: Option<u64>,
}

/// A run of rows of the corpus.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    /// Number of the first row in the corpus.
    pub(crate) start: u64,
    /// Rows in the run.
    pub(crate) len: usize,
    /// Rows of the corpus.
    pub(crate) total: u64,
    /// Number of the input's first row in the corpus.
    pub(crate) input_start: u64,
    /// Rows of the input.
    pub(crate) input_rows: u64,
}

/// The rows of one input, batch by batch.
enum Source<'a> {
    Columns(Box<ColumnSource<'a>>),
    Production(Box<ProductionSource<'a>>),
    Metrics(Box<MetricsSource<'a>>),
    Traces(Box<TracesSource<'a>>),
}

/// One input to be made.
#[derive(Clone, Copy)]
struct Input<'a> {
    generator: &'a Generator,
    /// What the inputs of a corpus of traces have in common.
    spans: &'a Spans,
    seed: u64,
    number: usize,
    place: Rows,
}

impl CorpusSpec {
    /// Writes the corpus's segments into `dir`, which is created if need be, as `NAME-0000.parquet` and so on; segments of
    /// the same names are replaced. A specification that names existing segments copies nothing: their own paths are
    /// returned, loaded as by [`crate::load`], and hashed.
    ///
    /// # Errors
    /// Writing that fails, naming the file ([`crate::ErrorKind::Io`]); segments of the specification that cannot be read
    /// ([`crate::ErrorKind::Input`]); options for segments that are not generated ([`crate::ErrorKind::Config`]).
    /// On error the segments written so far are removed.
    pub fn generate(&self, dir: &Path, options: Generate) -> Result<Generated> {
        let Some(generator) = &self.generator else { return self.existing(options) };
        std::fs::create_dir_all(dir).map_err(|error| Error::io("create directory", dir, error))?;
        let seed = options.seed.unwrap_or(self.seed);
        let rows = options.rows.unwrap_or(self.rows);
        let mut hasher = blake3::Hasher::new();
        let mut inputs = Vec::with_capacity(self.inputs);
        let mut start = 0;
        let dealt = self.deal(generator, rows);
        let spans = match generator {
            Generator::Traces(plan) => plan.spans(&self.parameters, seed, &self.name, &dealt),
            _ => Spans::default(),
        };
        for (number, input_rows) in dealt.into_iter().enumerate() {
            let place = Rows { start, len: 0, total: rows, input_start: start, input_rows };
            let input = Input { generator, spans: &spans, seed, number, place };
            match self.segment(dir, &input, &mut hasher) {
                Ok(path) => inputs.push(path),
                Err(error) => {
                    // The first error is the one to tell; a half corpus must not be taken for a whole one.
                    inputs.iter().for_each(|path| drop(std::fs::remove_file(path)));
                    return Err(error);
                }
            }
            start += input_rows;
        }
        Ok(Generated {
            inputs,
            rows: start,
            digest: hasher.finalize().to_hex().to_string(),
            seed: Some(seed),
        })
    }

    /// Rows of each input.
    fn deal(&self, generator: &Generator, rows: u64) -> Vec<u64> {
        let empty = |input: usize| match generator {
            Generator::Columns(plan) => plan.is_empty_input(input, self.inputs),
            Generator::Production(_) => false,
            Generator::Metrics(plan) => columns::names(&plan.empty_inputs, input, self.inputs),
            Generator::Traces(plan) => columns::names(&plan.empty_inputs, input, self.inputs),
        };
        let filled = (0..self.inputs).filter(|input| !empty(*input)).count() as u128;
        let upto = |index: u128| (u128::from(rows) * index / filled.max(1)) as u64;
        let mut index = 0;
        let mut share = |input: usize| {
            if empty(input) {
                return 0;
            }
            index += 1;
            upto(index) - upto(index - 1)
        };
        (0..self.inputs).map(&mut share).collect()
    }

    fn source<'a>(&'a self, input: &Input<'a>) -> (Source<'a>, usize) {
        let (seed, name, inputs) = (input.seed, &self.name, self.inputs);
        match input.generator {
            Generator::Columns(plan) => {
                let source = ColumnSource::new(plan, seed, name, input.number, inputs);
                (Source::Columns(Box::new(source)), plan.row_group_rows)
            }
            Generator::Production(plan) => {
                let source = ProductionSource::new(plan, seed, name, input.number);
                (Source::Production(Box::new(source)), plan.row_group_rows)
            }
            Generator::Metrics(plan) => {
                let source = MetricsSource::new(plan, seed, name, input.number, inputs, &input.place);
                (Source::Metrics(Box::new(source)), plan.row_group_rows)
            }
            Generator::Traces(plan) => {
                let source = TracesSource::new(plan, input.spans, seed, name, input.number, inputs);
                (Source::Traces(Box::new(source)), plan.row_group_rows)
            }
        }
    }

    fn segment(&self, dir: &Path, input: &Input<'_>, hasher: &mut blake3::Hasher) -> Result<PathBuf> {
        let (mut source, row_group_rows) = self.source(input);
        let mut next = |rows: &Rows| match &mut source {
            Source::Columns(source) => source.batch(rows),
            Source::Production(source) => source.batch(rows),
            Source::Metrics(source) => source.batch(rows),
            Source::Traces(source) => source.batch(rows),
        };
        let place = input.place;
        let end = place.start + place.input_rows;
        let run = |start: u64| Rows { start, len: BATCH_ROWS.min(end - start) as usize, ..place };
        // The first batch, empty for an input without rows, also fixes the schema.
        let mut batch = next(&run(place.start))?;
        let name = format!("{}-{:04}.parquet", self.name, input.number);
        let mut writer = SegmentWriter::create(dir, &name, batch.schema(), row_group_rows, hasher)?;
        let mut start = place.start;
        loop {
            start += batch.num_rows() as u64;
            writer.write(&batch)?;
            if start >= end {
                return writer.finish();
            }
            batch = next(&run(start))?;
        }
    }

    fn existing(&self, options: Generate) -> Result<Generated> {
        if options != Generate::default() {
            return Err(Error::config(format!(
                "corpus {} names existing segments; rows and seed cannot be chosen for them",
                self.name
            )));
        }
        let mut inputs = Vec::new();
        for spec in self.segment_specs() {
            inputs.extend(load(&spec)?);
        }
        let mut hasher = blake3::Hasher::new();
        let mut rows = 0;
        for path in &inputs {
            rows += inspect(path)?.rows;
            hash_file(path, &mut hasher)?;
        }
        Ok(Generated { inputs, rows, digest: hasher.finalize().to_hex().to_string(), seed: None })
    }
}

fn hash_file(path: &Path, hasher: &mut blake3::Hasher) -> Result<()> {
    let reading = |error| Error::io("read", path, error);
    let mut file = std::fs::File::open(path).map_err(reading)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(reading)?;
        if read == 0 {
            return Ok(());
        }
        hasher.update(&buffer[..read]);
    }
}

/// A batch of optional columns in byte order of their names.
fn batch(mut columns: Vec<(String, ArrayRef)>) -> Result<RecordBatch> {
    columns.sort_by(|left, right| left.0.cmp(&right.0));
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| Error::config(format!("generated columns do not form a batch: {error}")))
}

#[cfg(test)]
mod tests;
