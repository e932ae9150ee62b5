//! `differences/<job>.parquet`: every differing row of a job, none left out. Texts of more than 1,048,576 bytes
//! are cut, and say so.
//!
//! 1. ROWS hands over each differing row once, while it pairs. The row goes into a batch of at most [`BATCH_ROWS`] rows or
//!    [`BATCH_BYTES`], and is forgotten.
//! 2. A full batch goes to the Parquet writer, whose row groups are closed at [`GROUP_ROWS`] rows, [`GROUP_TEXTS`] texts or
//!    [`GROUP_BYTES`].
//! 3. The file has a hidden temporary name until its job is finished ([`Differences::finish`]); a job that ends otherwise
//!    removes it. So a file of the final name is complete. Where no row differs there is no file.
//!
//! A failure to write is kept and told by `finish`: it is no property of either output, and must not look like one.
//!
//! Memory: one batch and one row group, however many rows differ and however many cells each has. Batch and row group are smaller
//! under a small memory limit ([`Differences::within`]).

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use reports::blast::BlastRadius;
use reports::evidence::{CellDifference, RowDifference};
use reports::manifest::ErrorClass;

use super::blast::{Blast, Values};
use super::changes::{self, subject_of};
use super::columns::{Columns, schema};
use super::scopes::Scopes;
use crate::error::{Error, Result};
use crate::policy::scope::RowScope;
use crate::spill::{DEFAULT_MEMORY_LIMIT, LEAST_MEMORY_LIMIT};

/// Folder of these files within the report directory.
pub const FOLDER: &str = "differences";

/// Rows of a batch at most.
const BATCH_ROWS: usize = 4_096;

/// Bytes from which on a batch is written, at most; one part in [`BATCH_PART`] of the memory limit.
const BATCH_BYTES: u64 = 4 << 20;
const BATCH_PART: u64 = 64;

/// Rows of a row group at most.
const GROUP_ROWS: usize = 131_072;

/// Encoded bytes from which on a row group is closed, at most; one part in [`GROUP_PART`] of the memory limit.
const GROUP_BYTES: u64 = 16 << 20;
const GROUP_PART: u64 = 16;

/// Texts from which on a row group is closed. Until its page is full, the writer holds the position of each in the dictionary, eight
/// bytes, and a page ends by its encoded bytes: where all texts are alike these are none.
const GROUP_TEXTS: usize = 1 << 21;

/// Texts of a page, over all columns: rows of many cells come in pages of fewer rows.
const PAGE_TEXTS: usize = 1 << 18;

/// Rows of a page at most.
const PAGE_ROWS: usize = 20_000;

/// Where ROWS puts the differing rows of one job.
pub struct Differences {
    target: PathBuf,
    partial: PathBuf,
    relative: String,
    /// Columns that rows are counted by, then those that the policy's scopes ask for.
    by: Vec<String>,
    counted: usize,
    room: Room,
    state: Mutex<State>,
}

/// What is held at most, in bytes.
#[derive(Clone, Copy)]
struct Room {
    batch: usize,
    group: usize,
}

impl Room {
    fn within(limit: u64) -> Self {
        let limit = limit.max(LEAST_MEMORY_LIMIT);
        let part = |part: u64, most: u64| usize::try_from((limit / part).min(most)).unwrap_or(usize::MAX);
        Self { batch: part(BATCH_PART, BATCH_BYTES), group: part(GROUP_PART, GROUP_BYTES) }
    }
}

#[derive(Default)]
struct State {
    columns: Columns,
    writer: Option<ArrowWriter<BufWriter<File>>>,
    blast: Option<Blast>,
    scopes: Scopes,
    rows: u64,
    /// Texts of the row group that is being written.
    texts: usize,
    failed: Option<Error>,
}

impl std::fmt::Debug for Differences {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Differences").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Differences {
    /// For the job `job` of a report in `out`, broken down by the columns `by`. Nothing is written before the first row.
    #[must_use]
    pub fn new(out: &Path, job: &str, by: &[String]) -> Self {
        let folder = out.join(FOLDER);
        Self {
            target: folder.join(format!("{job}.parquet")),
            partial: folder.join(format!(".{job}.partial")),
            relative: format!("{FOLDER}/{job}.parquet"),
            by: by.to_vec(),
            counted: by.len(),
            room: Room::within(DEFAULT_MEMORY_LIMIT),
            state: Mutex::new(State { blast: (!by.is_empty()).then(|| Blast::by(by)), ..State::default() }),
        }
    }

    /// Counts the rows of each finding by these scopes as well.
    #[must_use]
    pub fn scoped(mut self, scopes: Vec<RowScope>) -> Self {
        let scopes = Scopes::new(scopes);
        self.by.extend_from_slice(scopes.columns());
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).scopes = scopes;
        self
    }

    /// Holds no more than a small part of this memory limit, in bytes.
    #[must_use]
    pub fn within(mut self, limit: u64) -> Self {
        self.room = Room::within(limit);
        self
    }

    /// How the rows taken so far spread over the scopes.
    pub fn with_scopes<R>(&self, look: impl FnOnce(&Scopes) -> R) -> R {
        look(&self.lock().scopes)
    }

    /// Columns whose values [`Differences::push`] takes.
    #[must_use]
    pub fn by(&self) -> &[String] {
        &self.by
    }

    /// Takes one differing row that belongs to the finding `code`, with the known defect that explains it, and with the
    /// values of the columns that it is counted by.
    pub fn push(&self, row: RowDifference, code: &str, defect: Option<&str>, values: &Values) {
        let mut state = self.lock();
        let (values, scoped) = values.split_at(self.counted.min(values.len()));
        if defect.is_none() {
            state.scopes.count(&row, code, scoped);
        }
        if let Some(blast) = &mut state.blast {
            let kind = row.kind;
            if changes::is_of_column(code) {
                let of = |cell: &CellDifference| subject_of(changes::code(&cell.kind), Some(&cell.column));
                let subjects: Vec<String> = row.cells.iter().map(of).collect();
                blast.count(values, kind, subjects.iter().map(String::as_str));
            } else {
                blast.count(values, kind, std::iter::once(code));
            }
        }
        state.rows += 1;
        if state.failed.is_some() {
            return;
        }
        state.columns.push(row, code, defect);
        if (state.columns.rows() >= BATCH_ROWS || state.columns.bytes() >= self.room.batch)
            && let Err(error) = self.spill(&mut state)
        {
            state.failed = Some(error);
        }
    }

    /// Rows taken so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.lock().rows
    }

    /// How the rows taken so far spread; `None` where nothing was asked for or no row differs.
    #[must_use]
    pub fn blast(&self) -> Option<BlastRadius> {
        let state = self.lock();
        state.blast.as_ref().filter(|_| state.rows > 0).map(Blast::table)
    }

    /// The groups in which a finding has most rows, in words; a finding is named as [`subject_of`] does.
    #[must_use]
    pub fn top(&self, finding: &str) -> Option<String> {
        self.lock().blast.as_ref().and_then(|blast| blast.top(finding))
    }

    /// Completes the file and gives it its name; returns that relative to the report, or `None` where no row differs.
    ///
    /// # Errors
    /// Class `io` where something could not be written, now or earlier.
    pub fn finish(&self) -> Result<Option<String>> {
        let mut state = self.lock();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        if state.rows == 0 {
            return Ok(None);
        }
        self.spill(&mut state)?;
        if let Some(writer) = state.writer.take() {
            let file = writer.into_inner().map_err(|error| self.cannot(&error))?;
            let file = file.into_inner().map_err(|error| self.cannot(&error.into_error()))?;
            file.sync_all().map_err(|error| self.cannot(&error))?;
        }
        std::fs::rename(&self.partial, &self.target)
            .map_err(|source| Error::io("cannot name", &self.target, source))?;
        Ok(Some(self.relative.clone()))
    }

    fn spill(&self, state: &mut State) -> Result<()> {
        if state.columns.rows() == 0 {
            return Ok(());
        }
        let schema = schema();
        let (rows, texts) = (state.columns.rows(), state.columns.texts());
        let batch = state.columns.take(&schema)?;
        let writer = match &mut state.writer {
            Some(writer) => writer,
            None => {
                let folder = self.target.parent().unwrap_or(Path::new(""));
                std::fs::create_dir_all(folder).map_err(|error| self.cannot(&error))?;
                let file = File::create(&self.partial).map_err(|error| self.cannot(&error))?;
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(GROUP_ROWS))
                    .set_data_page_row_count_limit(page_rows(rows, texts))
                    // Bounds of pages would be held to the end of the file.
                    .set_statistics_enabled(EnabledStatistics::Chunk)
                    .set_offset_index_disabled(true)
                    .build();
                let writer = ArrowWriter::try_new(BufWriter::new(file), schema, Some(properties))
                    .map_err(|error| self.cannot(&error))?;
                state.writer.insert(writer)
            }
        };
        writer.write(&batch).map_err(|error| self.cannot(&error))?;
        state.texts += texts;
        if state.texts >= GROUP_TEXTS || writer.in_progress_size() >= self.room.group {
            state.texts = 0;
            writer.flush().map_err(|error| self.cannot(&error))?;
        }
        Ok(())
    }

    fn cannot(&self, error: &dyn std::fmt::Display) -> Error {
        let message = format!("cannot write the differing rows to {}: {error}", self.target.display());
        Error::new(ErrorClass::Io, message)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rows of a page, where `rows` rows have so many texts.
fn page_rows(rows: usize, texts: usize) -> usize {
    (PAGE_TEXTS.saturating_mul(rows) / texts.max(1)).clamp(1, PAGE_ROWS)
}

impl Drop for Differences {
    /// Removes what was not finished. After `finish` nothing of that name is left.
    fn drop(&mut self) {
        if self.lock().writer.take().is_some() || self.partial.exists() {
            drop(std::fs::remove_file(&self.partial));
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use reports::document::Place;
    use reports::evidence::{Cell, CellDifference, RowDifferenceKind, Value};

    use super::*;

    fn row(number: u64) -> RowDifference {
        let value =
            |text: String| Value { type_class: "string".to_owned(), text: Some(text), cut_from: None };
        RowDifference {
            kind: RowDifferenceKind::Changed,
            key: vec![Cell { column: "id".to_owned(), value: value(number.to_string()) }],
            baseline: Some(Place { file: Some("a".to_owned()), row: Some(number), ..Place::default() }),
            candidate: None,
            cells: vec![CellDifference {
                column: "body".to_owned(),
                kind: "value".to_owned(),
                baseline: value("x".repeat(10_000)),
                candidate: Value::default(),
            }],
        }
    }

    #[test]
    fn every_row_comes_back_whole_and_in_order() {
        let out = tempfile::tempdir().unwrap();
        let sink = Differences::new(out.path(), "one", &["service".to_owned()]);
        for number in 0..10_000 {
            sink.push(row(number), "rows.changed", None, &vec![Some((number % 3).to_string())]);
        }
        assert_eq!(sink.blast().unwrap().rows(), 10_000);
        assert_eq!(sink.top("body").unwrap(), "service = 0: 3334; service = 1: 3333; service = 2: 3333");
        assert!(!out.path().join("differences/one.parquet").exists(), "not named before it is whole");
        assert_eq!(sink.finish().unwrap().as_deref(), Some("differences/one.parquet"));
        let file = File::open(out.path().join("differences/one.parquet")).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let mut next = 0;
        for batch in reader {
            let batch = batch.unwrap();
            let rows = batch["baseline_row"].as_primitive::<arrow::datatypes::UInt64Type>();
            let cells = batch["cells"].as_list::<i32>();
            for at in 0..batch.num_rows() {
                assert_eq!(rows.value(at), next);
                next += 1;
                let cell = cells.value(at);
                let cell = cell.as_struct();
                assert_eq!(cell["baseline_value"].as_string::<i32>().value(0).len(), 10_000);
                assert!(cell["candidate_value"].is_null(0) && cell["candidate_type"].is_null(0));
            }
        }
        assert_eq!(next, 10_000);
    }

    /// A row of so many changed cells, whose texts do not repeat but for their types.
    fn wide(number: u64, cells: u64) -> RowDifference {
        let value = |text: u64| Value {
            type_class: "int".to_owned(),
            text: Some((number * cells + text).to_string()),
            cut_from: None,
        };
        let cell = |cell: u64| CellDifference {
            column: format!("column_{cell}"),
            kind: "value".to_owned(),
            baseline: value(cell),
            candidate: value(cell + 1),
        };
        RowDifference { cells: (0..cells).map(cell).collect(), ..row(number) }
    }

    #[test]
    fn rows_of_many_cells_take_no_more_memory_than_rows_of_few() {
        let out = tempfile::tempdir().unwrap();
        let sink = Differences::new(out.path(), "wide", &[]).within(64 << 20);
        let (rows, cells, mut most) = (1_500, 300, 0);
        for number in 0..rows {
            sink.push(wide(number, cells), "rows.changed", None, &Vec::new());
            let state = sink.lock();
            most =
                most.max(state.columns.bytes() + state.writer.as_ref().map_or(0, ArrowWriter::memory_size));
        }
        // The positions of one page alone would be 18 MB, the batch 4 MiB.
        assert!(most < 16 << 20, "{most} bytes");
        sink.finish().unwrap();
        let file = File::open(out.path().join("differences/wide.parquet")).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let read: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(read as u64, rows);
    }

    #[test]
    fn pages_have_fewer_rows_where_rows_have_many_cells() {
        assert_eq!(page_rows(4_096, 4_096 * 10), 20_000);
        assert_eq!(page_rows(300, 300 * 2_100), 124);
        assert_eq!(page_rows(1, usize::MAX), 1);
        assert_eq!(page_rows(0, 0), 1);
    }

    #[test]
    fn nothing_is_left_where_no_row_differs_or_the_job_was_not_finished() {
        let out = tempfile::tempdir().unwrap();
        assert_eq!(Differences::new(out.path(), "same", &[]).finish().unwrap(), None);
        let sink = Differences::new(out.path(), "broken", &[]);
        for number in 0..5_000 {
            sink.push(row(number), "rows.changed", None, &Vec::new());
        }
        drop(sink);
        let left: Vec<_> = std::fs::read_dir(out.path().join(FOLDER)).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn a_failure_to_write_is_told_at_the_end() {
        let out = tempfile::tempdir().unwrap();
        std::fs::write(out.path().join(FOLDER), "a file where the folder should be").unwrap();
        let sink = Differences::new(out.path(), "one", &[]);
        for number in 0..5_000 {
            sink.push(row(number), "rows.changed", None, &Vec::new());
        }
        let error = sink.finish().unwrap_err();
        assert_eq!(error.class, ErrorClass::Io);
        assert!(error.message.contains("one.parquet"), "{}", error.message);
    }
}
