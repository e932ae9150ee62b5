//! Sorted runs on disk, as Arrow IPC streams compressed with LZ4.
//!
//! The *stream* format, because the file format refuses replaced dictionaries inside nested columns. A run's columns
//! are named by their number. Keys are not stored: they are read off the sort column again, by the same rule. Files
//! lie in one temporary directory, made with the first run and removed with the writer, whatever happens.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use tempfile::{TempDir, TempPath};

use crate::catalog::{Catalog, ColumnId};
use crate::error::{Error, Result};
use crate::key::KeyRule;
use crate::rows::{Rows, null_array, union};

/// Where temporary files go. Nothing is created before it is needed.
#[derive(Debug)]
pub(crate) struct Scratch {
    parent: PathBuf,
    directory: Option<TempDir>,
    next: usize,
}

impl Scratch {
    pub(crate) fn new(parent: PathBuf) -> Self {
        Self { parent, directory: None, next: 0 }
    }

    /// Another place for temporary files beside this one.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.parent.clone())
    }

    /// A new empty file that is removed when the path is dropped.
    pub(crate) fn file(&mut self) -> Result<(File, TempPath)> {
        let directory = match &self.directory {
            Some(directory) => directory.path(),
            None => {
                let made = tempfile::Builder::new()
                    .prefix(".unified-")
                    .tempdir_in(&self.parent)
                    .map_err(|source| Error::io("creating a scratch directory in", &self.parent, source))?;
                self.directory.insert(made).path()
            }
        };
        let path = directory.join(format!("{:06}", self.next));
        self.next += 1;
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| Error::io("creating", &path, source))?;
        let path = TempPath::try_from_path(&path).map_err(|source| Error::io("creating", &path, source))?;
        Ok((file, path))
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) -> Result<()> {
        match self.directory.take() {
            Some(directory) => {
                let path = directory.path().to_path_buf();
                directory.close().map_err(|source| Error::io("removing", &path, source))
            }
            None => Ok(()),
        }
    }
}

/// A sorted run. Its file is removed when the run is dropped.
#[derive(Debug)]
pub(crate) struct Run {
    path: TempPath,
}

/// Writes one run.
pub(crate) struct RunWriter {
    writer: StreamWriter<BufWriter<File>>,
    columns: Vec<ColumnId>,
    schema: SchemaRef,
    batch_bytes: usize,
    path: TempPath,
}

impl RunWriter {
    /// `columns` must cover every row that will be written; `batch_bytes` bounds what a reader has to hold at once.
    pub(crate) fn create(
        scratch: &mut Scratch,
        catalog: &Catalog,
        columns: Vec<ColumnId>,
        batch_bytes: usize,
    ) -> Result<Self> {
        let (file, path) = scratch.file()?;
        let fields: Vec<Field> = columns
            .iter()
            .map(|&id| Field::new(id.to_string(), catalog.data_type(id).clone(), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let fail = |source| Error::spill("starting a spill file", &path, source);
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(fail)?;
        let writer =
            StreamWriter::try_new_with_options(BufWriter::new(file), &schema, options).map_err(fail)?;
        Ok(Self { writer, columns, schema, batch_bytes, path })
    }

    pub(crate) fn write(&mut self, rows: &Rows, catalog: &Catalog) -> Result<()> {
        if rows.len > 1 && rows.value_bytes() > self.batch_bytes {
            let half = rows.len / 2;
            self.write(&rows.slice(0, half), catalog)?;
            return self.write(&rows.slice(half, rows.len - half), catalog);
        }
        let arrays: Vec<ArrayRef> = self
            .columns
            .iter()
            .map(|&id| {
                rows.column(id).cloned().unwrap_or_else(|| null_array(catalog.data_type(id), rows.len))
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|source| Error::internal("building a spilled batch", source))?;
        self.writer.write(&batch).map_err(|source| Error::spill("writing spill file", &self.path, source))
    }

    pub(crate) fn finish(self) -> Result<Run> {
        let path = self.path;
        let fail = |source| Error::spill("finishing spill file", &path, source);
        let mut file = self.writer.into_inner().map_err(fail)?;
        file.flush().map_err(|source| Error::io("finishing spill file", &path, source))?;
        Ok(Run { path })
    }
}

/// Reads one run back. The file is removed with the reader.
pub(crate) struct RunReader {
    reader: StreamReader<BufReader<File>>,
    columns: Vec<ColumnId>,
    path: TempPath,
}

impl RunReader {
    pub(crate) fn open(run: Run) -> Result<Self> {
        let path = run.path;
        let file = File::open(&path).map_err(|source| Error::io("opening spill file", &path, source))?;
        let reader = StreamReader::try_new(BufReader::new(file), None)
            .map_err(|source| Error::spill("opening spill file", &path, source))?;
        let columns = reader
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().parse())
            .collect::<std::result::Result<Vec<ColumnId>, _>>()
            .map_err(|source| Error::internal("reading the schema of a spill file", source))?;
        Ok(Self { reader, columns, path })
    }

    pub(crate) fn columns(&self) -> &[ColumnId] {
        &self.columns
    }

    /// The next rows that are not empty, or none at the end.
    pub(crate) fn next(&mut self, key: Option<ColumnId>) -> Result<Option<Rows>> {
        for batch in self.reader.by_ref() {
            let batch = batch.map_err(|source| Error::spill("reading spill file", &self.path, source))?;
            if batch.num_rows() == 0 {
                continue;
            }
            let columns = self.columns.iter().copied().zip(batch.columns().iter().cloned()).collect();
            let mut rows = Rows { columns, keys: Vec::new(), len: batch.num_rows() }.without_empty_columns();
            rows.keys = KeyRule::keys(key.and_then(|id| rows.column(id)), rows.len);
            return Ok(Some(rows));
        }
        Ok(None)
    }
}

/// All columns that some rows hold.
pub(crate) fn columns_of(parts: &[Rows]) -> Vec<ColumnId> {
    union(parts.iter())
}
