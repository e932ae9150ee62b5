//! Sorted runs on disk, as Arrow IPC streams compressed with LZ4.
//!
//! The *stream* format, because the file format refuses replaced dictionaries inside nested columns. A run's columns
//! are named by their number; coded columns are stored as their codes. Keys are not stored: they are read off the sort
//! column again, by the same rule. Runs lie end to end in one file, so that however many there are, one is open. Files
//! lie in one temporary directory, made with the first run and removed with the writer, whatever happens.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use tempfile::{TempDir, TempPath};

use crate::catalog::{Catalog, ColumnId};
use crate::codes::CODE_TYPE;
use crate::error::{Error, Result};
use crate::key::KeyRule;
use crate::rows::{Rows, null_array};

/// Bytes that wait on their way to or from a run.
const BUFFER_BYTES: usize = 32 * 1024;

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

    /// A new empty file without a name, gone when it is closed, and the directory in whose place it lies.
    pub(crate) fn unnamed(&self) -> Result<(File, PathBuf)> {
        let file = tempfile::tempfile_in(&self.parent)
            .map_err(|source| Error::io("creating a file in", &self.parent, source))?;
        Ok((file, self.parent.clone()))
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

/// A file of runs. It is removed with the last run in it.
#[derive(Debug)]
pub(crate) struct SpillFile {
    shared: Arc<Shared>,
    end: u64,
}

#[derive(Debug)]
struct Shared {
    file: File,
    path: TempPath,
}

impl SpillFile {
    pub(crate) fn create(scratch: &mut Scratch) -> Result<Self> {
        let (file, path) = scratch.file()?;
        Ok(Self { shared: Arc::new(Shared { file, path }), end: 0 })
    }
}

/// A stretch of the file, written or read from its start.
#[derive(Debug)]
pub(crate) struct Stretch {
    shared: Arc<Shared>,
    at: u64,
    end: u64,
}

impl Write for Stretch {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.shared.file.write_at(bytes, self.end)?;
        self.end += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Read for Stretch {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(bytes.len());
        let read = self.shared.file.read_at(&mut bytes[..left], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// A sorted run. Its file is removed when the last run in it is dropped.
#[derive(Debug)]
pub(crate) struct Run(Stretch);

impl Run {
    /// Its size on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.end - self.0.at
    }
}

/// The columns of a run, each with the type in which it is stored: that of the column, or of its codes.
pub(crate) type Forms = Vec<(ColumnId, DataType)>;

/// Writes one run.
pub(crate) struct RunWriter {
    file: SpillFile,
    writer: StreamWriter<BufWriter<Stretch>>,
    forms: Forms,
    schema: SchemaRef,
    batch_bytes: usize,
}

impl RunWriter {
    /// `forms` must cover every row that will be written; `batch_bytes` bounds what a reader has to hold at once.
    pub(crate) fn create(
        file: SpillFile,
        catalog: &Catalog,
        forms: Forms,
        batch_bytes: usize,
    ) -> Result<Self> {
        let fields: Vec<Field> = forms
            .iter()
            .map(|(id, form)| {
                let form = if *form == CODE_TYPE { form } else { catalog.data_type(*id) };
                Field::new(id.to_string(), form.clone(), true)
            })
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let fail = |source| Error::spill("starting a run in spill file", &file.shared.path, source);
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(fail)?;
        let stretch = Stretch { shared: Arc::clone(&file.shared), at: file.end, end: file.end };
        let buffered = BufWriter::with_capacity(BUFFER_BYTES, stretch);
        let writer = StreamWriter::try_new_with_options(buffered, &schema, options).map_err(fail)?;
        Ok(Self { file, writer, forms, schema, batch_bytes })
    }

    pub(crate) fn write(&mut self, rows: &Rows, catalog: &Catalog) -> Result<()> {
        if rows.len > 1 && rows.own_value_bytes() > self.batch_bytes {
            let half = rows.len / 2;
            self.write(&rows.slice(0, half), catalog)?;
            return self.write(&rows.slice(half, rows.len - half), catalog);
        }
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.forms.len());
        for ((id, form), field) in self.forms.iter().zip(self.schema.fields()) {
            arrays.push(match rows.column(*id) {
                Some(array) if *form == CODE_TYPE => array.clone(),
                Some(array) => catalog.resolved(*id, array)?,
                None => null_array(field.data_type(), rows.len),
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|source| Error::internal("building a spilled batch", source))?;
        let path = &self.file.shared.path;
        self.writer.write(&batch).map_err(|source| Error::spill("writing spill file", path, source))
    }

    /// The run, and the file for further ones.
    pub(crate) fn finish(self) -> Result<(Run, SpillFile)> {
        let Self { mut file, writer, .. } = self;
        let path = &file.shared.path;
        let buffered =
            writer.into_inner().map_err(|source| Error::spill("finishing spill file", path, source))?;
        let stretch = buffered
            .into_inner()
            .map_err(|failure| Error::io("finishing spill file", path, failure.into_error()))?;
        file.end = stretch.end;
        Ok((Run(stretch), file))
    }
}

/// Reads one run back.
pub(crate) struct RunReader {
    reader: StreamReader<BufReader<Stretch>>,
    columns: Vec<ColumnId>,
    shared: Arc<Shared>,
}

impl RunReader {
    pub(crate) fn open(run: Run) -> Result<Self> {
        let shared = Arc::clone(&run.0.shared);
        let reader = StreamReader::try_new(BufReader::with_capacity(BUFFER_BYTES, run.0), None)
            .map_err(|source| Error::spill("opening spill file", &shared.path, source))?;
        let columns = reader
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().parse())
            .collect::<std::result::Result<Vec<ColumnId>, _>>()
            .map_err(|source| Error::internal("reading the schema of a spill file", source))?;
        Ok(Self { reader, columns, shared })
    }

    /// The columns of the run and the types in which they are stored.
    pub(crate) fn forms(&self) -> Forms {
        let fields = self.reader.schema();
        let types = fields.fields().iter().map(|field| field.data_type().clone());
        self.columns.iter().copied().zip(types).collect()
    }

    /// The next rows that are not empty, or none at the end.
    pub(crate) fn next(&mut self, key: Option<ColumnId>) -> Result<Option<Rows>> {
        for batch in self.reader.by_ref() {
            let batch =
                batch.map_err(|source| Error::spill("reading spill file", &self.shared.path, source))?;
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
