//! Rows that the signal lets a writer leave out: those without a value in a column, counted in the inputs and in what a side wrote.
//!
//! The difference is what a side left out by the rule. So a side that keeps such rows cannot lose others in their place. Rows are
//! read only where a side's books need it. Cost: one pass over these columns of all inputs, and of the side's output.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use arrow::array::Array;
use corpora::JobKind as CorpusKind;
use reports::manifest::ErrorClass;

use crate::check::{Observed, Subject};
use crate::error::{Error, Result};
use crate::job::JobKind;
use crate::output::{OutputFile, ReadOptions};

/// Rows without a value in the column of a rule.
#[derive(Debug, Clone, Default)]
pub(super) struct Missing {
    /// By the reason of the rule.
    by_reason: BTreeMap<String, u64>,
    /// Rows to which some rule applies.
    pub(super) any: u64,
}

impl Missing {
    /// Rows to which the rule of that reason applies.
    pub(super) fn of(&self, reason: &str) -> u64 {
        self.by_reason.get(reason).copied().unwrap_or(0)
    }

    /// What is here and not in `other`.
    fn less(&self, other: &Self) -> Self {
        let by_reason = self.by_reason.iter();
        Self {
            by_reason: by_reason
                .map(|(reason, rows)| (reason.clone(), rows.saturating_sub(other.of(reason))))
                .collect(),
            any: self.any.saturating_sub(other.any),
        }
    }
}

/// A count, or why there is none.
pub(super) type Counted = std::result::Result<Missing, String>;

/// The rules of the job's signal by which rows may be left out.
pub(super) struct Droppable<'a> {
    subject: &'a Subject<'a>,
    rules: Vec<(&'a str, &'a str)>,
    in_inputs: OnceCell<Counted>,
}

impl<'a> Droppable<'a> {
    /// The rules for the job; none where its inputs are unknown.
    pub(super) fn of(subject: &'a Subject<'a>) -> Self {
        let kind = match subject.job.kind {
            JobKind::Compact => CorpusKind::Compact,
            JobKind::Ingest => CorpusKind::Ingest,
        };
        let signal = subject.job.signal.as_deref().filter(|_| subject.rows_in.is_some());
        let rules = signal.map(|signal| signal.droppable(kind).collect()).unwrap_or_default();
        Self { subject, rules, in_inputs: OnceCell::new() }
    }

    /// The reasons of the rules.
    pub(super) fn reasons(&self) -> impl Iterator<Item = &'a str> {
        self.rules.iter().map(|rule| rule.0)
    }

    /// Rows that a side left out by the rules.
    ///
    /// # Errors
    /// An interruption, an error of the machine.
    pub(super) fn left_out(&self, side: &Observed) -> Result<Counted> {
        let all = match self.in_inputs()? {
            Ok(all) => all,
            Err(why) => return Ok(Err(why.clone())),
        };
        Ok(self.count(side.output.files.iter().map(|file| Ok(file.clone())))?.map(|kept| all.less(&kept)))
    }

    fn in_inputs(&self) -> Result<&Counted> {
        if let Some(known) = self.in_inputs.get() {
            return Ok(known);
        }
        let inputs = self.subject.job.inputs.iter();
        let found = self.count(inputs.map(|path| OutputFile::open(path, &crate::error::display(path))))?;
        Ok(self.in_inputs.get_or_init(|| found))
    }

    fn count(&self, files: impl Iterator<Item = Result<OutputFile>>) -> Result<Counted> {
        if let Some(why) = self.rules.iter().find_map(|rule| self.subject.unread(rule.1)) {
            return Ok(Err(why));
        }
        let mut missing = Missing::default();
        for file in files {
            match file.and_then(|file| self.count_in(&file, &mut missing)) {
                Ok(()) => {}
                Err(error) if matches!(error.class, ErrorClass::Cancelled | ErrorClass::Io) => {
                    return Err(error);
                }
                Err(error) => return Ok(Err(error.message)),
            }
        }
        Ok(Ok(missing))
    }

    fn count_in(&self, file: &OutputFile, missing: &mut Missing) -> Result<()> {
        let schema = file.arrow_schema()?;
        let is_there = |column: &str| schema.fields().iter().any(|field| field.name() == column);
        let (there, absent): (Vec<_>, Vec<_>) = self.rules.iter().partition(|rule| is_there(rule.1));
        for (reason, _) in &absent {
            add(missing, reason, file.info.rows);
        }
        if !absent.is_empty() {
            missing.any = missing.any.saturating_add(file.info.rows);
        }
        if there.is_empty() {
            return Ok(());
        }
        let columns = there.iter().map(|rule| rule.1.to_owned()).collect();
        for located in file.read(ReadOptions { columns: Some(columns), ..ReadOptions::default() })? {
            self.subject.cancel.check()?;
            let batch = located?.batch;
            let mut nulls = Vec::new();
            for (reason, column) in &there {
                let array = batch.column_by_name(column).ok_or_else(|| {
                    Error::internal(format!("column {column:?} of {} was not read", file.info.path))
                })?;
                add(missing, reason, array.logical_null_count() as u64);
                nulls.extend(array.logical_nulls());
            }
            if absent.is_empty() {
                let any = (0..batch.num_rows()).filter(|row| nulls.iter().any(|it| it.is_null(*row)));
                missing.any = missing.any.saturating_add(any.count() as u64);
            }
        }
        Ok(())
    }
}

fn add(missing: &mut Missing, reason: &str, rows: u64) {
    let known = missing.by_reason.entry(reason.to_owned()).or_default();
    *known = known.saturating_add(rows);
}
