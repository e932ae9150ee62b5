//! One input of a merge: its rows one after the other, held to the order of the group key.

use std::sync::Arc;

use super::merge::Stop;
use super::row::{Block, Cells, Columns};
use super::{Input, Model};
use crate::cancel::Cancel;
use crate::output::{Batches, ReadOptions};

/// One row of an input, as far as the merge looks at it.
#[derive(Debug)]
pub(super) struct Row {
    /// Number of the input, and the row in it.
    pub(super) origin: (usize, u64),
    pub(super) time: Option<i64>,
    pub(super) name: Option<Arc<str>>,
    pub(super) sketch: Option<Vec<u8>>,
    pub(super) cells: Cells,
}

/// Where reading of an input stands.
pub(super) struct Cursor<'a> {
    number: usize,
    input: &'a Input,
    columns: &'a Columns,
    batches: Batches,
    block: Option<Block>,
    row: usize,
    /// Rows of earlier batches.
    before: u64,
    /// Group key of the current row.
    group: Option<i64>,
    last_name: Option<Arc<str>>,
}

impl<'a> Cursor<'a> {
    pub(super) fn open(
        model: &'a Model,
        number: usize,
        input: &'a Input,
        cancel: &Cancel,
    ) -> Result<Self, Stop> {
        let options = ReadOptions {
            columns: Some(model.columns.all()),
            readers: model.inputs.len(),
            ..ReadOptions::default()
        };
        let mut cursor = Self {
            number,
            input,
            columns: &model.columns,
            batches: input.file.read(options)?,
            block: None,
            row: 0,
            before: 0,
            group: None,
            last_name: None,
        };
        cursor.load(cancel)?;
        cursor.look(None)?;
        Ok(cursor)
    }

    /// Group key of the current row; `None` at the end.
    pub(super) fn group(&self) -> Option<i64> {
        self.group
    }

    /// Takes the current row and goes on to the next.
    pub(super) fn take(&mut self, cancel: &Cancel) -> Result<Option<Row>, Stop> {
        let (Some(block), Some(group)) = (&self.block, self.group) else { return Ok(None) };
        let name = block.name(self.row).map(|name| match &self.last_name {
            Some(last) if **last == *name => Arc::clone(last),
            _ => Arc::from(name),
        });
        let row = Row {
            origin: (self.number, self.before + self.row as u64),
            time: block.time(self.row),
            sketch: block.sketch(self.row).map(<[u8]>::to_vec),
            cells: block.cells(self.row),
            name: name.clone(),
        };
        self.last_name = name.or(self.last_name.take());
        self.row += 1;
        if self.row >= block.rows() {
            self.before += block.rows() as u64;
            self.load(cancel)?;
        }
        self.look(Some(group))?;
        Ok(Some(row))
    }

    fn load(&mut self, cancel: &Cancel) -> Result<(), Stop> {
        cancel.check()?;
        self.row = 0;
        self.block = match self.batches.next() {
            Some(located) => Some(Block::new(&located?.batch, self.columns)),
            None => None,
        };
        Ok(())
    }

    /// Looks at the current row's group key, which must be there and not below the one before.
    fn look(&mut self, earlier: Option<i64>) -> Result<(), Stop> {
        let Some(block) = &self.block else {
            self.group = None;
            return Ok(());
        };
        let (name, column, row) = (&self.input.name, &self.columns.group, self.before + self.row as u64);
        match block.group(self.row) {
            None => Err(Stop::NoModel(format!("input {name}: row {row} has no {column}"))),
            Some(group) if earlier.is_some_and(|earlier| group < earlier) => Err(Stop::NoModel(format!(
                "input {name} is not sorted by {column}: row {row} holds {group} after {}",
                earlier.unwrap_or_default()
            ))),
            group => {
                self.group = group;
                Ok(())
            }
        }
    }
}
