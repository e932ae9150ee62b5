//! The generator of independent columns: every column is declared in the specification, with its values, its nulls, its
//! place, and the inputs that have it.
//!
//! `base` takes over a shipped list of columns (`minimal`: id, message, level; `standard`: some fifteen columns of a
//! log record); a column of the specification replaces the one of the same name, and `without` leaves some out.

use std::collections::BTreeSet;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use serde::Deserialize;

use super::random::Random;
use super::time::{Store, Time};
use super::values::{State, Values};
use super::{Rows, batch};
use crate::error::{Error, Result};

const PRESETS: [(&str, &str); 2] = [
    ("minimal", include_str!("../../presets/minimal.toml")),
    ("standard", include_str!("../../presets/standard.toml")),
];

/// Independent columns, each declared in the specification.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// Name of a shipped list of columns to begin with.
    pub base: Option<String>,
    /// Columns of the base to leave out.
    pub without: Vec<String>,
    /// The timestamp column.
    pub time: Time,
    /// The other columns; after parsing, those of the base included and repeats written out.
    pub columns: Vec<Column>,
    /// Share of rows that repeat an earlier row of the same segment, all columns alike.
    pub duplicates: f64,
    /// Rows per row group of the segments; 0 for the default of 20,000.
    pub row_group_rows: usize,
    /// Inputs (0 for the first, -1 for the last) that have no rows.
    pub empty_inputs: Vec<i64>,
}

/// One declared column.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name; `{}` stands for the number of the repeat.
    pub name: String,
    /// What it holds.
    pub values: Values,
    /// Share of rows without a value.
    #[serde(default)]
    pub nulls: f64,
    /// Share of the others that hold the empty string.
    #[serde(default)]
    pub empty: f64,
    /// Which rows may have a value at all.
    #[serde(default)]
    pub at: Place,
    /// Inputs (0 for the first, -1 for the last) that have the column; all where empty.
    #[serde(default)]
    pub inputs: Vec<i64>,
    /// How many such columns; default 1.
    #[serde(default = "one")]
    pub repeat: u32,
}

fn one() -> u32 {
    1
}

/// Which rows of the corpus may have a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Any row.
    #[default]
    Anywhere,
    /// Only the very first row.
    FirstRow,
    /// Only the very last row.
    LastRow,
}

/// A shipped list of columns.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preset {
    columns: Vec<Column>,
}

/// Whether a list of inputs, where -1 is the last, names `input`.
pub(super) fn names(list: &[i64], input: usize, inputs: usize) -> bool {
    let (input, inputs) = (input as i64, inputs as i64);
    list.iter().any(|named| *named == input || *named + inputs == input)
}

/// Refuses a list of inputs that names one which is not there; `what` says whose list it is.
pub(super) fn all_exist(what: &str, list: &[i64], inputs: usize, origin: &str) -> Result<()> {
    let exists = |input: &i64| (-(inputs as i64)..inputs as i64).contains(input);
    match list.iter().find(|input| !exists(input)) {
        None => Ok(()),
        Some(input) => {
            Err(Error::config(format!("{origin}: {what} names input {input}, but there are {inputs}")))
        }
    }
}

/// Columns that a specification may have, repeats written out: no report shows more, and they are all in memory.
const MOST_COLUMNS: u64 = 10_000;

/// Puts each repeated column into the list as often as it says, numbered.
pub(crate) fn write_out_repeats(columns: &mut Vec<Column>, origin: &str) -> Result<()> {
    let count: u64 = columns.iter().map(|column| u64::from(column.repeat)).sum();
    if count > MOST_COLUMNS {
        return Err(Error::config(format!(
            "{origin}: {count} columns, repeats written out; a specification may have {MOST_COLUMNS}"
        )));
    }
    for column in std::mem::take(columns) {
        if column.repeat > 1 && !column.name.contains("{}") {
            return Err(Error::config(format!(
                "{origin}: column \"{}\" is repeated but its name has no {{}} for the number",
                column.name
            )));
        }
        for number in 0..column.repeat {
            let name = column.name.replace("{}", &format!("{number:03}"));
            columns.push(Column { name, repeat: 1, ..column.clone() });
        }
    }
    Ok(())
}

impl Column {
    /// Refuses a column that cannot be generated.
    pub(super) fn validate(&self, inputs: usize, origin: &str) -> Result<()> {
        let name = &self.name;
        let wrong = |what: &str| Err(Error::config(format!("{origin}: column \"{name}\": {what}")));
        let share = |value: f64| (0.0..=1.0).contains(&value);
        if name.is_empty() {
            return Err(Error::config(format!("{origin}: a column has no name")));
        }
        if let Some(fault) = self.values.fault() {
            return wrong(fault);
        }
        if !share(self.nulls) || !share(self.empty) {
            return wrong("nulls and empty are shares between 0 and 1");
        }
        if self.empty > 0.0 && !self.values.is_text() {
            return wrong("empty is for text only");
        }
        all_exist(&format!("column \"{name}\""), &self.inputs, inputs, origin)
    }

    /// Whether `input` has the column.
    pub(super) fn is_of(&self, input: usize, inputs: usize) -> bool {
        self.inputs.is_empty() || names(&self.inputs, input, inputs)
    }

    /// The column for rows `start..start + len` of `total`.
    pub(super) fn array(&self, start: u64, len: usize, total: u64, random: &mut Random) -> ArrayRef {
        let states: Vec<State> =
            (0..len as u64).map(|offset| state(self, start + offset, total, random)).collect();
        self.values.array(start, &states, random)
    }
}

impl Columns {
    /// Takes over the base and writes repeats out.
    pub(crate) fn expand(&mut self, origin: &str) -> Result<()> {
        let mut columns = match &self.base {
            None => Vec::new(),
            Some(base) => {
                let Some((_, text)) = PRESETS.iter().find(|(name, _)| name == base) else {
                    let known = PRESETS.map(|(name, _)| name).join(", ");
                    return Err(Error::config(format!(
                        "{origin}: unknown base \"{base}\"; known are: {known}"
                    )));
                };
                let preset: Preset = toml::from_str(text)
                    .map_err(|error| Error::toml(&format!("built-in base {base}"), text, &error))?;
                preset.columns
            }
        };
        if let Some(name) = self.without.iter().find(|name| !columns.iter().any(|c| c.name == **name)) {
            return Err(Error::config(format!(
                "{origin}: without names column \"{name}\", which the base does not have"
            )));
        }
        columns.retain(|column| {
            !self.without.contains(&column.name) && !self.columns.iter().any(|own| own.name == column.name)
        });
        columns.append(&mut self.columns);
        self.columns = columns;
        write_out_repeats(&mut self.columns, origin)
    }

    pub(crate) fn validate(&self, inputs: usize, origin: &str) -> Result<()> {
        let wrong = |what: String| Err(Error::config(format!("{origin}: {what}")));
        let share = |value: f64| (0.0..=1.0).contains(&value);
        all_exist("empty_inputs", &self.empty_inputs, inputs, origin)?;
        let time = &self.time;
        let shares = [time.nulls, time.late_share, time.early_share, self.duplicates];
        if !shares.into_iter().all(share) {
            return wrong(
                "nulls, late_share, early_share and duplicates are shares between 0 and 1".to_owned(),
            );
        }
        if time.distinct < 0 || time.every == 0 || time.lanes == 0 {
            return wrong("distinct must not be negative, every and lanes must be at least 1".to_owned());
        }
        for column in &self.columns {
            column.validate(inputs, origin)?;
        }
        for input in 0..inputs {
            let mut seen = BTreeSet::new();
            if time.store != Store::Absent {
                seen.insert(time.column.as_str());
            }
            for column in self.of_input(input, inputs) {
                if !seen.insert(&column.name) {
                    return wrong(format!("input {input} has column \"{}\" twice", column.name));
                }
            }
            if seen.is_empty() {
                return wrong(format!("input {input} has no columns"));
            }
        }
        Ok(())
    }

    fn of_input(&self, input: usize, inputs: usize) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |column| column.is_of(input, inputs))
    }

    /// Whether `input` has no rows by declaration.
    pub(crate) fn is_empty_input(&self, input: usize, inputs: usize) -> bool {
        names(&self.empty_inputs, input, inputs)
    }
}

/// The columns of one input, each with its random stream.
pub(crate) struct ColumnSource<'a> {
    plan: &'a Columns,
    time: Random,
    columns: Vec<(&'a Column, Random)>,
    duplicates: Random,
}

impl<'a> ColumnSource<'a> {
    pub(crate) fn new(plan: &'a Columns, seed: u64, corpus: &str, input: usize, inputs: usize) -> Self {
        let stream = |part: &str| Random::new(seed, corpus, input, part);
        Self {
            plan,
            time: stream(&format!("time {}", plan.time.column)),
            columns: plan
                .of_input(input, inputs)
                .map(|c| (c, stream(&format!("column {}", c.name))))
                .collect(),
            duplicates: stream("duplicates"),
        }
    }

    /// The batch of `rows`.
    pub(crate) fn batch(&mut self, rows: &Rows) -> Result<RecordBatch> {
        let mut arrays: Vec<(String, ArrayRef)> = Vec::with_capacity(self.columns.len() + 1);
        if let Some(array) = self.plan.time.array(rows, &mut self.time) {
            arrays.push((self.plan.time.column.clone(), array));
        }
        for (column, random) in &mut self.columns {
            arrays.push((column.name.clone(), column.array(rows.start, rows.len, rows.total, random)));
        }
        let batch = batch(arrays)?;
        if self.plan.duplicates == 0.0 {
            return Ok(batch);
        }
        let sources: UInt32Array = (0..rows.len as u32)
            .map(|row| match row > 0 && self.duplicates.chance(self.plan.duplicates) {
                true => self.duplicates.below(u64::from(row)) as u32,
                false => row,
            })
            .collect();
        take_record_batch(&batch, &sources)
            .map_err(|error| Error::config(format!("cannot repeat rows of the generated batch: {error}")))
    }
}

fn state(column: &Column, row: u64, total: u64, random: &mut Random) -> State {
    let placed = match column.at {
        Place::Anywhere => true,
        Place::FirstRow => row == 0,
        Place::LastRow => row + 1 == total,
    };
    if !placed || random.chance(column.nulls) {
        State::Null
    } else if random.chance(column.empty) {
        State::Empty
    } else {
        State::Filled
    }
}
