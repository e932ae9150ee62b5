//! The buffet writer: spill every row, then write Parquet on close.
//!
//! 1. [`BuffetWriter::open`] makes the spill file, then checks the schema.
//! 2. [`BuffetWriter::write`] checks the row's keys against the schema, remembers the columns that hold a value, spills the row.
//! 3. [`BuffetWriter::close`] streams the rows back. The columns seen, in byte order of their names, are the schema of **all**
//!    files. A new file starts where the current one holds `rows_per_file` rows and the row does not belong to the one before.
//!
//! Defects of the original, kept: **A** a row is fingerprinted before the decision to start a new file, so it counts for the file
//! before; **B** statistics on the last file only; **E** a value that does not fit its column leaves the partial file behind (and the
//! finished ones); **F** a bad column name leaves the empty spill file behind.
//!
//! Cost: each row is encoded and decoded once for the spill. Memory: one encoded row group and the fingerprints of one file.
//! After any other error, and after cancellation, nothing is left, not even finished files.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::columns::Columns;
use crate::error::{Error, Result};
use crate::layout::FileColumns;
use crate::outcome::{Checkpoint, FileResult, Statistics};
use crate::output::{FinishedFile, OutputFile};
use crate::schema::Schema;
use crate::spill::{SpillReader, SpillWriter};
use crate::tokens::Fingerprinter;
use crate::value::{Row, Value};

/// Settings of a writer.
#[derive(Debug, Clone)]
pub struct BuffetOptions<'a> {
    /// Name of the root of the Parquet schema; may be empty.
    pub base_name: &'a str,
    /// Where output files go.
    pub output: &'a Path,
    /// Where the spill file goes.
    pub scratch: &'a Path,
    /// Columns that rows may have.
    pub schema: Schema,
    /// Rows a file; 0 or negative for one file.
    pub rows_per_file: i64,
    /// Column of the group function: a row stays in the file of the row before where both hold the same value. Rows
    /// without a value belong to nobody. Where set, the last file's statistics count the column's distinct values.
    pub group_by: Option<&'a str>,
    /// Columns to fingerprint.
    pub columns: &'a Columns,
    /// Request to stop, looked at now and then in [`BuffetWriter::close`].
    pub cancel: Option<&'a AtomicBool>,
}

/// The buffet writer.
#[derive(Debug)]
pub struct BuffetWriter<'a> {
    options: BuffetOptions<'a>,
    /// None once closed or aborted.
    spill: Option<SpillWriter>,
    seen: BTreeSet<String>,
}

impl<'a> BuffetWriter<'a> {
    /// Opens a writer.
    ///
    /// # Errors
    /// The spill file cannot be made; [`Error::EmptyColumnName`], which leaves the spill file behind (defect F).
    pub fn open(options: BuffetOptions<'a>) -> Result<Self> {
        let spill = SpillWriter::create(options.scratch, "buffet-")?;
        if options.schema.get("").is_some() {
            spill.leave_behind()?;
            return Err(Error::EmptyColumnName);
        }
        Ok(Self { options, spill: Some(spill), seen: BTreeSet::new() })
    }

    /// Takes a row.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], after which the writer is as before; [`Error::AlreadyClosed`]; a failing spill file.
    pub fn write(&mut self, row: &Row) -> Result<()> {
        let Some(spill) = &mut self.spill else { return Err(Error::AlreadyClosed) };
        if let Some(column) = row.keys().find(|column| self.options.schema.get(column).is_none()) {
            return Err(Error::UnknownColumn { column: column.clone() });
        }
        spill.write(row)?;
        for (column, value) in row {
            if !value.is_null() && !self.seen.contains(column) {
                self.seen.insert(column.clone());
            }
        }
        Ok(())
    }

    /// Writes the files and returns them in order; none where there were no rows. The spill file is gone afterwards, whatever
    /// happens.
    ///
    /// # Errors
    /// [`Error::AlreadyClosed`]; [`Error::NoColumns`] where no row had a value; [`Error::ValueMismatch`], which leaves the partial
    /// file behind (defect E); [`Error::Cancelled`]; encoder and I/O failures.
    pub fn close(&mut self) -> Result<Vec<FileResult>> {
        keep_all(self.close_unkept()?)
    }

    /// Drops all rows and removes the spill file. After [`close`](Self::close), or a second time, it does nothing.
    pub fn abort(&mut self) {
        self.spill = None;
    }

    /// As [`close`](Self::close), but the files vanish unless they are kept.
    pub(crate) fn close_unkept(&mut self) -> Result<Vec<UnkeptFile>> {
        let Some(spill) = self.spill.take() else { return Err(Error::AlreadyClosed) };
        if spill.rows() == 0 {
            return Ok(Vec::new());
        }
        if self.seen.is_empty() {
            return Err(Error::NoColumns);
        }
        let schema = &self.options.schema;
        let columns: FileColumns =
            schema.iter().filter(|(name, _)| self.seen.contains(*name)).map(owned).collect();
        let mut drain = Drain::new(&self.options, &columns);
        match drain.run(spill.finish()?.open()?) {
            Ok(()) => Ok(drain.done),
            Err(mismatch @ Error::ValueMismatch { .. }) => {
                drain.leave_behind()?;
                Err(mismatch)
            }
            Err(other) => Err(other),
        }
    }
}

fn owned<T>((name, column_type): (&str, T)) -> (String, T) {
    (name.to_owned(), column_type)
}

/// A finished file that vanishes unless it is kept, and what is known of it.
pub(crate) struct UnkeptFile {
    file: FinishedFile,
    fingerprints: BTreeSet<i64>,
    stats: Option<Statistics>,
}

impl UnkeptFile {
    /// Makes the file permanent.
    pub(crate) fn keep(self) -> Result<FileResult> {
        Ok(FileResult {
            record_count: self.file.record_count,
            file_size: self.file.file_size,
            path: self.file.keep()?,
            fingerprints: self.fingerprints,
            stats: self.stats,
            first_ts: None,
            last_ts: None,
            split_key: None,
        })
    }
}

fn keep_all(files: Vec<UnkeptFile>) -> Result<Vec<FileResult>> {
    files.into_iter().map(UnkeptFile::keep).collect()
}

/// The way from the spill file into output files.
struct Drain<'a> {
    options: &'a BuffetOptions<'a>,
    columns: &'a FileColumns,
    fingerprints: Fingerprinter<'a>,
    distinct: HashSet<i64>,
    current: Option<OutputFile>,
    done: Vec<UnkeptFile>,
}

impl<'a> Drain<'a> {
    fn new(options: &'a BuffetOptions<'a>, columns: &'a FileColumns) -> Self {
        let fingerprints = Fingerprinter::new(options.columns);
        Self { options, columns, fingerprints, distinct: HashSet::new(), current: None, done: Vec::new() }
    }

    fn run(&mut self, mut rows: SpillReader) -> Result<()> {
        let mut checkpoint = Checkpoint::new(self.options.cancel);
        let mut previous = Value::Null;
        while let Some(row) = rows.next_row()? {
            checkpoint.pass()?;
            // Defect A: before the decision below, so the first row of the next file is counted in this one.
            self.fingerprints.add(&row);
            let group = self.options.group_by.and_then(|column| row.get(column)).unwrap_or(&Value::Null);
            let together = !group.is_null() && *group == previous;
            if self.is_full() && !together {
                self.finish_file()?;
            }
            if let Value::Int64(tid) = group {
                self.distinct.insert(*tid);
            }
            previous = group.clone();
            self.current_file()?.write(&row)?;
        }
        self.finish_file()?;
        // Defect B: only the last file has statistics.
        if let Some((_, others)) = self.done.split_last_mut() {
            others.iter_mut().for_each(|file| file.stats = None);
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        let limit = u64::try_from(self.options.rows_per_file).unwrap_or(0);
        limit > 0 && self.current.as_ref().is_some_and(|file| file.rows() >= limit)
    }

    fn current_file(&mut self) -> Result<&mut OutputFile> {
        let file = match self.current.take() {
            Some(file) => file,
            None => {
                let BuffetOptions { output, base_name, schema, .. } = self.options;
                OutputFile::create(output, base_name, self.columns, schema.source())?
            }
        };
        Ok(self.current.insert(file))
    }

    fn finish_file(&mut self) -> Result<()> {
        if let Some(file) = self.current.take() {
            let file = file.finish()?;
            let counted = Statistics { tid_count: self.distinct.len() as u64 };
            self.distinct.clear();
            let stats = self.options.group_by.map(|_| counted);
            self.done.push(UnkeptFile { file, fingerprints: self.fingerprints.take(), stats });
        }
        Ok(())
    }

    /// Defect E, with the files that were complete before it.
    fn leave_behind(self) -> Result<Vec<PathBuf>> {
        let mut left = Vec::new();
        for file in self.done {
            left.push(file.file.keep()?);
        }
        if let Some(partial) = self.current {
            left.push(partial.leave_behind()?);
        }
        Ok(left)
    }
}
