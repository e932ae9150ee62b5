//! Columns that a specification adds to those of a generator, puts in their place, or takes away from some inputs.

use arrow::array::ArrayRef;
use serde::Deserialize;

use super::Rows;
use super::columns::{Column, all_exist, names};
use super::random::Random;
use crate::error::{Error, Result};

/// A column that some inputs lack.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absent {
    /// The column.
    pub name: String,
    /// The inputs (0 for the first, -1 for the last) that lack it; all where empty.
    #[serde(default)]
    pub inputs: Vec<i64>,
}

/// Refuses what cannot be laid over.
pub(super) fn validate(columns: &[Column], absent: &[Absent], inputs: usize, origin: &str) -> Result<()> {
    for column in columns {
        column.validate(inputs, origin)?;
    }
    for input in 0..inputs {
        let mut seen = std::collections::BTreeSet::new();
        for column in columns.iter().filter(|column| column.is_of(input, inputs)) {
            if !seen.insert(&column.name) {
                let name = &column.name;
                return Err(Error::config(format!("{origin}: input {input} has column \"{name}\" twice")));
            }
        }
    }
    absent.iter().try_for_each(|gone| {
        all_exist(&format!("absent column \"{}\"", gone.name), &gone.inputs, inputs, origin)
    })
}

/// The columns of one input that its generator does not make, each with its random stream.
pub(super) struct ExtraColumns<'a> {
    columns: Vec<(&'a Column, Random)>,
    absent: Vec<&'a str>,
}

impl<'a> ExtraColumns<'a> {
    pub(super) fn new(
        columns: &'a [Column],
        absent: &'a [Absent],
        seed: u64,
        corpus: &str,
        input: usize,
        inputs: usize,
    ) -> Self {
        let stream = |column: &Column| Random::new(seed, corpus, input, &format!("column {}", column.name));
        let lacks = |gone: &&Absent| gone.inputs.is_empty() || names(&gone.inputs, input, inputs);
        Self {
            columns: (columns.iter())
                .filter(|column| column.is_of(input, inputs))
                .map(|column| (column, stream(column)))
                .collect(),
            absent: absent.iter().filter(lacks).map(|gone| gone.name.as_str()).collect(),
        }
    }

    /// Adds, replaces and removes columns of the batch of `rows`.
    pub(super) fn lay_over(&mut self, columns: &mut Vec<(String, ArrayRef)>, rows: &Rows) {
        for (column, random) in &mut self.columns {
            let array = column.array(rows.start, rows.len, rows.total, random);
            columns.retain(|(name, _)| *name != column.name);
            columns.push((column.name.clone(), array));
        }
        columns.retain(|(name, _)| !self.absent.contains(&name.as_str()));
    }
}
