//! The harness's own model of a merge: from the inputs of a job to the rows that its output must hold.
//!
//! A signal with a `[rollup]` rule says that rows of one group, one interval and one name become one row. This room
//! works that out with code of its own, so that a mistake that both sides share is seen all the same.
//!
//! 1. `input`: one cursor per input, which must be sorted by the group key.
//! 2. `merge`: the cursors are merged by group key; the rows of one group become points, or are dropped for a reason.
//! 3. `points`: what is kept of each point for a comparison: hashes for rows that pass unchanged, bins for merged ones.
//! 4. `sketch`, `wire` and `encode`: sketches, and the bytes that they are stored as.
//!
//! Two ways of decoding damaged sketches can be worked out side by side: the strict one, and the original's (defect H).
//!
//! Where the model cannot speak (unknown or unsorted inputs, no interval) there is none, with the reason in words.
//!
//! Cost: one pass over the needed columns of all inputs per [`Model::run`]; memory of one batch per input, the points of one
//! group, and what the caller keeps.

mod account;
mod encode;
mod exp;
mod input;
mod merge;
mod points;
mod row;
pub mod sketch;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod wire;

pub use account::{Account, Counts};
pub use merge::{Kind, Point, Reading, Stop};
pub use points::{Expected, Points, Shape, rollups};
pub use row::{Block, Cells, Columns, bytes_hash, key_hash, part_of};

use std::path::Path;

use corpora::signal::RollupRule;
use reports::manifest::ErrorClass;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::job::{Job, JobKind};
use crate::output::OutputFile;
use sketch::Mapping;

/// The model of one job.
#[derive(Debug)]
pub struct Model {
    /// The columns that matter.
    pub columns: Columns,
    /// How values fall into bins.
    pub mapping: Mapping,
    /// Interval in milliseconds; not 0.
    pub interval: i64,
    /// Start of the time range, inclusive.
    pub start: i64,
    /// End of the time range, exclusive.
    pub end: i64,
    /// Whether what the original makes of damaged sketches (defect H) is worked out too.
    lenient: bool,
    inputs: Vec<Input>,
}

/// One input, opened.
#[derive(Debug)]
struct Input {
    file: OutputFile,
    name: String,
}

/// What came of asking for a model.
#[derive(Debug)]
pub enum Modelled<T> {
    /// Here it is.
    Known(T),
    /// There is none, for this reason.
    Unknown(String),
}

impl Model {
    /// Prepares the model of a job: looks at parameters and footers, reads no rows.
    ///
    /// # Errors
    /// Where the request to stop was met.
    pub fn open(job: &Job, cancel: &Cancel) -> Result<Modelled<Self>> {
        let unknown = |reason: &str| Ok(Modelled::Unknown(reason.to_owned()));
        let Some((columns, rule)) = job.signal.as_deref().and_then(|signal| {
            let rule = signal.rollup.as_ref()?;
            Some((Columns::new(signal.group_key.as_ref()?, rule), rule))
        }) else {
            return unknown("the signal has no rule for merging rows");
        };
        if job.kind == JobKind::Ingest {
            return unknown("an ingest job merges no rows");
        }
        if job.inputs.is_empty() {
            return unknown("the inputs are unknown");
        }
        let parameters = &job.parameters;
        let (Some(interval), Some(start), Some(end)) =
            (parameters.interval, parameters.start, parameters.end)
        else {
            return unknown("the job names no interval, start and end");
        };
        if interval == 0 {
            return unknown("the interval is 0");
        }
        let mut inputs = Vec::new();
        for path in &job.inputs {
            cancel.check()?;
            match open_input(path, &columns, rule) {
                Ok(input) => inputs.push(input),
                Err(stop) => return modelled(Err(stop)),
            }
        }
        let mapping = Mapping::new(rule.relative_accuracy);
        Ok(Modelled::Known(Self { columns, mapping, interval, start, end, lenient: false, inputs }))
    }

    /// The same model, which also yields what the original makes of damaged sketches (defect H), where that is asked for.
    #[must_use]
    pub fn leniently_too(self, asked: bool) -> Self {
        Self { lenient: asked, ..self }
    }

    /// The input of that number, as in [`Point::origin`].
    #[must_use]
    pub fn input(&self, number: usize) -> Option<&OutputFile> {
        self.inputs.get(number).map(|input| &input.file)
    }

    /// Hands every point to `visit`, and returns the account.
    ///
    /// # Errors
    /// As for [`Model::account`].
    pub fn visit(&self, cancel: &Cancel, visit: impl FnMut(Point)) -> Result<Modelled<Account>> {
        modelled(self.run(cancel, visit))
    }

    /// The account of the merge alone.
    ///
    /// # Errors
    /// Where the request to stop was met. Inputs that cannot be read are a reason to have no model.
    pub fn account(&self, cancel: &Cancel) -> Result<Modelled<Account>> {
        modelled(self.run(cancel, |_| {}))
    }

    /// The account and the points whose key falls into `part` of `parts` equal parts. Where these would take more than
    /// `bound` bytes, none is kept, and [`Points::bytes`] says how much all of them would have taken.
    ///
    /// # Errors
    /// As for [`Model::account`].
    pub fn points(
        &self,
        part: u64,
        parts: u64,
        bound: u64,
        cancel: &Cancel,
    ) -> Result<Modelled<(Account, Points)>> {
        let mut points = Points::new(part, parts, bound);
        let account = self.run(cancel, |point| points.take(point));
        modelled(account.map(|account| (account, points)))
    }

    /// The time that a row's time is cut down to.
    #[must_use]
    pub fn aligned(&self, time: i64) -> i64 {
        aligned(time, self.interval)
    }

    /// Rows of all inputs, by their footers.
    #[must_use]
    pub fn rows_in(&self) -> u64 {
        reports::total(self.inputs.iter().map(|input| input.file.info.rows))
    }
}

/// Cuts a time down to a multiple of the interval, toward zero.
#[must_use]
pub fn aligned(time: i64, interval: i64) -> i64 {
    if interval == 0 { time } else { time.wrapping_div(interval).wrapping_mul(interval) }
}

/// Turns "the inputs do not allow a model" into data, and leaves errors as they are.
fn modelled<T>(result: std::result::Result<T, Stop>) -> Result<Modelled<T>> {
    match result {
        Ok(value) => Ok(Modelled::Known(value)),
        Err(Stop::NoModel(reason)) => Ok(Modelled::Unknown(reason)),
        Err(Stop::Failed(error)) if error.class == ErrorClass::Input => Ok(Modelled::Unknown(error.message)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Opens an input and looks whether its columns have the types that the rule speaks of.
fn open_input(path: &Path, columns: &Columns, rule: &RollupRule) -> std::result::Result<Input, Stop> {
    let name = crate::error::display(path);
    let unusable = |error: Error| {
        Stop::Failed(Error { message: format!("input {name} cannot be used: {}", error.message), ..error })
    };
    let file = OutputFile::open(path, &name).map_err(unusable)?;
    let schema = file.arrow_schema().map_err(unusable)?;
    columns.check_input(&schema, rule).map_err(|what| Stop::NoModel(format!("input {name}: {what}")))?;
    Ok(Input { file, name })
}
