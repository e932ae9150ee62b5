//! Sorted rows on disk whose columns may turn from codes to plain values on the way.
//!
//! A run stores each column in one form. Where rows come whose form cannot be known before they do, a column is taken to be
//! coded until its first plain values; those begin another run, which goes on where the one before ended.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::input::segment::can_be_coded;
use crate::order::run::{Run, RunWriter};
use crate::order::spill::SpillFile;
use crate::parallel::workers::Workers;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::{CODE_TYPE, ColumnId};

/// Writes rows of one order as one run or a few.
pub(crate) struct RunSeries<'a> {
    catalog: &'a Catalog,
    columns: BTreeSet<ColumnId>,
    /// Columns that have had plain values.
    plain: BTreeSet<ColumnId>,
    batch_bytes: usize,
    workers: &'a Workers,
    state: State,
    runs: Vec<Run>,
}

enum State {
    Between(SpillFile),
    Writing(Box<RunWriter>),
    /// An earlier call failed.
    Broken,
}

impl<'a> RunSeries<'a> {
    /// `columns` must be all that will come; `batch_bytes` bounds what a reader has to hold at once.
    pub(crate) fn new(
        file: SpillFile,
        catalog: &'a Catalog,
        columns: BTreeSet<ColumnId>,
        batch_bytes: usize,
        workers: &'a Workers,
    ) -> Self {
        let (plain, state, runs) = (BTreeSet::new(), State::Between(file), Vec::new());
        Self { catalog, columns, plain, batch_bytes, workers, state, runs }
    }

    /// Adds rows that come behind all before.
    pub(crate) fn write(&mut self, rows: &Rows) -> Result<()> {
        let catalog = self.catalog;
        let turned = rows
            .columns
            .iter()
            .filter(|(id, array)| can_be_coded(catalog.data_type(*id)) && !catalog.is_coded(*id, array));
        let known = self.plain.len();
        self.plain.extend(turned.map(|(id, _)| *id));
        let mut writer = match std::mem::replace(&mut self.state, State::Broken) {
            State::Writing(writer) if self.plain.len() == known => writer,
            State::Writing(writer) => {
                let (run, file) = writer.finish()?;
                self.runs.push(run);
                self.begin(file)?
            }
            State::Between(file) => self.begin(file)?,
            State::Broken => return Err(Error::Closed("an earlier run could not be written")),
        };
        writer.write(rows, catalog)?;
        self.state = State::Writing(writer);
        Ok(())
    }

    fn begin(&self, file: SpillFile) -> Result<Box<RunWriter>> {
        let form = |id: &ColumnId| {
            let data_type = self.catalog.data_type(*id);
            let coded = can_be_coded(data_type) && !self.plain.contains(id);
            (*id, if coded { CODE_TYPE } else { data_type.clone() })
        };
        let forms = self.columns.iter().map(form).collect();
        RunWriter::create(file, self.catalog, forms, self.batch_bytes, self.workers).map(Box::new)
    }

    /// The runs in order, and the file for further ones.
    pub(crate) fn finish(mut self) -> Result<(Vec<Run>, SpillFile)> {
        match self.state {
            State::Between(file) => Ok((self.runs, file)),
            State::Writing(writer) => {
                let (run, file) = writer.finish()?;
                self.runs.push(run);
                Ok((self.runs, file))
            }
            State::Broken => Err(Error::Closed("an earlier run could not be written")),
        }
    }
}
