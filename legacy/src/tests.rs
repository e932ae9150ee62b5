//! The writers from outside: defects, clean-up, layout. Fidelity to the original's outputs is proven by the golden tests.

mod jobs;
mod layout;
mod tid_merge;
mod writer;

use std::path::{Path, PathBuf};

use crate::{
    BuffetJob, BuffetOptions, BuffetWriter, Columns, FileResult, FingerprintJob, Row, Schema, SchemaSource,
    Value,
};

/// A directory for outputs and one for temporary files.
pub(super) struct Place {
    pub(super) output: tempfile::TempDir,
    pub(super) scratch: tempfile::TempDir,
    pub(super) columns: Columns,
}

impl Place {
    pub(super) fn new() -> Self {
        let dir = || tempfile::tempdir().expect("temporary directory");
        Self { output: dir(), scratch: dir(), columns: Columns::default() }
    }

    pub(super) fn options(&self, schema: Schema, rows_per_file: i64) -> BuffetOptions<'_> {
        BuffetOptions {
            base_name: "test",
            output: self.output.path(),
            scratch: self.scratch.path(),
            schema,
            rows_per_file,
            group_by: None,
            columns: &self.columns,
            cancel: None,
        }
    }

    /// Writes rows whose values give the schema.
    pub(super) fn write(&self, rows: &[Row], rows_per_file: i64) -> Vec<FileResult> {
        let mut writer = BuffetWriter::open(self.options(schema_of(rows), rows_per_file)).expect("open");
        for row in rows {
            writer.write(row).expect("write");
        }
        writer.close().expect("close")
    }

    /// Writes rows as one segment outside of the output directory.
    pub(super) fn segment(&self, rows: &[Row]) -> PathBuf {
        let inputs = Self::new();
        let file = inputs.write(rows, 0).remove(0);
        let path = self.scratch.path().with_extension("inputs");
        std::fs::create_dir_all(&path).expect("directory for inputs");
        let path = path.join(file.path.file_name().expect("a name"));
        std::fs::copy(&file.path, &path).expect("copy");
        path
    }

    pub(super) fn buffet<'a>(&'a self, inputs: &'a [PathBuf]) -> BuffetJob<'a> {
        BuffetJob {
            inputs,
            output: self.output.path(),
            scratch: self.scratch.path(),
            rows_per_file: 0,
            group_by: None,
            schema: SchemaSource::Input,
            dropped_columns: &[],
            columns: &self.columns,
            cancel: None,
        }
    }

    pub(super) fn fingerprint<'a>(&'a self, input: &'a Path) -> FingerprintJob<'a> {
        FingerprintJob {
            input,
            output: self.output.path(),
            scratch: self.scratch.path(),
            rows_per_file: 0,
            ingest_dateint: 20_250_801,
            columns: &self.columns,
            cancel: None,
        }
    }

    /// Files in the output and in the scratch directory.
    pub(super) fn left(&self) -> (usize, usize) {
        let count = |dir: &Path| std::fs::read_dir(dir).expect("list").count();
        (count(self.output.path()), count(self.scratch.path()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Absent where no segment was made.
        drop(std::fs::remove_dir_all(self.scratch.path().with_extension("inputs")));
    }
}

pub(super) fn row(columns: &[(&str, Value)]) -> Row {
    columns.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

pub(super) fn schema_of(rows: &[Row]) -> Schema {
    let mut schema = Schema::new(SchemaSource::Input);
    for row in rows {
        for (name, value) in row {
            if let Some(column_type) = value.column_type() {
                schema.add(name, column_type).expect("one type a column");
            }
        }
    }
    schema
}

/// Rows of a file as the crate's own reader gives them, without nulls.
pub(super) fn read(path: &Path) -> Vec<Row> {
    let mut segment = crate::reader::SegmentReader::open(path).expect("open");
    let mut rows = Vec::new();
    while let Some(mut row) = segment.next_row().expect("read") {
        row.retain(|_, value| !value.is_null());
        rows.push(row);
    }
    rows
}
