//! Tests of the whole writer: what goes in, what lies on disk afterwards.

mod adapters;
mod coded;
mod disk_full;
mod golden;
mod hard;
mod heavy;
mod hostile;
mod hostile_pages;
mod large;
mod lifecycle;
mod merge_memory;
mod merge_model;
mod metrics;
mod ordering;
mod points;
mod random;
mod recut;
mod schema;
mod splitting;
mod tid_merge;
mod traces;
mod values;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use tempfile::TempDir;

use crate::{FileResult, KeyType, UnifiedWriter, UnifiedWriterBuilder};

pub(crate) const TIME: &str = "_cardinalhq.timestamp";

/// An output and a scratch directory.
pub(crate) struct Place {
    pub(crate) output: TempDir,
    pub(crate) scratch: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { output: tempfile::tempdir().unwrap(), scratch: tempfile::tempdir().unwrap() }
    }

    /// A builder into this place, sorted by time, with fingerprints.
    pub(crate) fn logs(&self) -> UnifiedWriterBuilder {
        self.plain().sort_key(TIME, KeyType::Int64).fingerprints(true)
    }

    /// A builder into this place.
    pub(crate) fn plain(&self) -> UnifiedWriterBuilder {
        // Many small files: the disk would take longer than all else.
        UnifiedWriter::builder(self.output.path()).scratch(self.scratch.path()).sync(false)
    }

    pub(crate) fn assert_empty(&self) {
        assert_eq!(entries(self.output.path()), Vec::<PathBuf>::new());
        assert_eq!(entries(self.scratch.path()), Vec::<PathBuf>::new());
    }

    /// Exactly the files of the result list, and their mark, lie in the output directory, nothing in the scratch directory.
    pub(crate) fn assert_only(&self, files: &[FileResult]) {
        let mut expected: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
        expected.extend(files.first().map(|_| self.output.path().join("_SUCCESS")));
        expected.sort();
        assert_eq!(entries(self.output.path()), expected);
        assert_eq!(entries(self.scratch.path()), Vec::<PathBuf>::new());
    }
}

impl crate::Outcome {
    /// All results at once.
    pub(crate) fn files(&self) -> Vec<FileResult> {
        self.files.clone().into_vec().unwrap()
    }
}

pub(crate) fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

pub(crate) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|column| column.1).collect())
        .unwrap()
}

pub(crate) fn ints(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

pub(crate) fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// Deterministic numbers that look random.
pub(crate) fn noise(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    })
}

/// A log batch whose text hardly compresses: about `width` bytes a row.
pub(crate) fn log_batch(times: Vec<i64>, width: usize, seed: u64) -> RecordBatch {
    let mut numbers = noise(seed);
    let message: Vec<String> = times
        .iter()
        .map(|_| numbers.by_ref().take(width.div_ceil(16)).map(|n| format!("{n:016x}")).collect())
        .collect();
    let service: Vec<String> = times.iter().map(|time| format!("service-{}", time.rem_euclid(7))).collect();
    batch(vec![
        (TIME, ints(times)),
        ("_cardinalhq.message", texts(message)),
        ("resource.service.name", texts(service)),
    ])
}

pub(crate) fn read(path: &Path) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = builder.schema().clone();
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&batches.first().map_or(schema, RecordBatch::schema), &batches).unwrap()
}

pub(crate) fn footer(path: &Path) -> ParquetMetaData {
    SerializedFileReader::new(File::open(path).unwrap()).unwrap().metadata().clone()
}

pub(crate) fn names(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|field| field.name().clone()).collect()
}

/// Rows as text, column by column, nulls left out: independent of the writer and of column order.
pub(crate) fn row_texts(batch: &RecordBatch) -> Vec<String> {
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    let options = FormatOptions::default();
    let schema = batch.schema();
    let mut rows = vec![BTreeMap::new(); batch.num_rows()];
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        let formatter = ArrayFormatter::try_new(array.as_ref(), &options).unwrap();
        for (index, row) in rows.iter_mut().enumerate() {
            if array.logical_nulls().is_none_or(|nulls| nulls.is_valid(index)) {
                row.insert(field.name().clone(), formatter.value(index).to_string());
            }
        }
    }
    rows.into_iter().map(|row| format!("{row:?}")).collect()
}

/// Rows of all files in result order.
pub(crate) fn all_rows(files: &[FileResult]) -> Vec<String> {
    files.iter().flat_map(|file| row_texts(&read(&file.path))).collect()
}

pub(crate) fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}

/// Writes a segment with the plain Arrow writer.
pub(crate) fn segment(directory: &Path, name: &str, batches: &[RecordBatch]) -> PathBuf {
    let path = directory.join(name);
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batches[0].schema(), None).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.close().unwrap();
    path
}

/// The bytes of all files, in result order.
pub(crate) fn contents(files: &[FileResult]) -> Vec<Vec<u8>> {
    files.iter().map(|file| std::fs::read(&file.path).unwrap()).collect()
}
