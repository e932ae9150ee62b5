//! Encoding one output file, column by column.
//!
//! 1. Each column of a row group has encoders of its own, begun with the column's first value; the rows before it are
//!    filled in as nulls. So a column that first appears in the last row is kept, and one without values never begins.
//! 2. Closing a row group closes its encoders; the finished chunks wait in the page pool.
//! 3. Closing the file fixes the schema, the union of all columns begun, by name. Row groups that lack a column get a
//!    chunk of nulls. The parts are put together by module `outbox`.
//!
//! The columns of some pieces are worked on side by side: each encodes its values piece by piece, its fingerprints are
//! collected beside that, and at the end of a row group its last pages are compressed. Cost: one pass over the values.
//! Memory: open pages and dictionaries, bounded by [`OPEN_BYTES`], plus the page pool.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;

use crate::cut::size::{FooterSize, Shrinkage};
use crate::encode::assembly::{Assembled, Assembly};
use crate::encode::column_encoder::{ClosedChunk, ColumnEncoder, Dictionary, Encoded};
use crate::encode::column_tasks::{Chunk, Done, Share, Shares, Task};
use crate::encode::fingerprint::{ColumnFingerprints, FingerprintRules};
use crate::encode::pages::PagePool;
use crate::encode::properties::{leaves, properties};
use crate::error::{Error, Result};
use crate::parallel::workers::Workers;
use crate::rows::batch::{Rows, null_array};
use crate::rows::catalog::Catalog;
use crate::rows::codes::ColumnId;
use crate::stats::{Figure, Meter};

/// Bytes of open pages and dictionaries at which a row group ends before its rows are full. Independent of the memory
/// limit, so that the limit never changes the output.
pub(crate) const OPEN_BYTES: u64 = 16 * 1024 * 1024;

/// Nanoseconds of work that are not worth a second thread.
const FEW_NANOS: usize = 300_000;

/// What all files of a job share: how each column is encoded, and what was learned of sizes.
pub(crate) struct Encoders {
    columns: HashMap<ColumnId, Arc<ColumnEncoder>>,
    learned: HashMap<ColumnId, Learned>,
    plain: Vec<String>,
    pool: Arc<PagePool>,
    footer: FooterSize,
    workers: Workers,
    meter: Meter,
    fingerprints: Option<FingerprintRules>,
    /// Directory named in error messages.
    place: PathBuf,
}

impl Encoders {
    pub(crate) fn new(
        plain: Vec<String>,
        fingerprints: Option<FingerprintRules>,
        pool: Arc<PagePool>,
        workers: Workers,
        meter: Meter,
        place: PathBuf,
    ) -> Self {
        let (columns, learned) = (HashMap::new(), HashMap::new());
        let footer = FooterSize::default();
        Self { columns, learned, plain, pool, footer, workers, meter, fingerprints, place }
    }

    pub(crate) fn pool(&self) -> &PagePool {
        &self.pool
    }

    /// Notes what a file came to, for the estimates to come.
    pub(crate) fn learn(&mut self, file: Assembled) {
        self.footer.learn(file.footer_bytes, file.leaf_chunks);
    }

    /// What a file will come to.
    pub(crate) fn estimate(&self, chunk_bytes: u64, leaf_chunks: usize) -> f64 {
        chunk_bytes as f64 + self.footer.estimate(leaf_chunks)
    }

    /// Makes the column's encoder, if there is none yet.
    fn prepare(&mut self, id: ColumnId, catalog: &Catalog) -> Result<()> {
        if let std::collections::hash_map::Entry::Vacant(entry) = self.columns.entry(id) {
            let made = ColumnEncoder::new(id, catalog, &self.pool, &self.plain)
                .map_err(|source| refused(catalog, id, &source))?;
            entry.insert(Arc::new(made));
        }
        Ok(())
    }

    /// Notes what became of a chunk.
    fn learn_chunk(&mut self, id: ColumnId, chunk: &ClosedChunk) {
        let learned = self.learned.entry(id).or_default();
        learned.shrinkage.learn(chunk.open, chunk.became);
        learned.dictionary = Some(chunk.dictionary);
    }
}

/// What is known of a column from its last chunk.
#[derive(Debug, Clone, Copy, Default)]
struct Learned {
    shrinkage: Shrinkage,
    dictionary: Option<Dictionary>,
}

/// One column of the open file.
#[derive(Default)]
struct FileColumn {
    chunk: Chunk,
    /// Finished chunks by row group; a row group without the column is missing.
    closed: BTreeMap<usize, ClosedChunk>,
    fingerprints: Option<ColumnFingerprints>,
}

impl FileColumn {
    /// What is to be done with the column's share of some pieces. `last` is what use its
    /// last chunk made of a dictionary.
    fn tasks(
        &mut self,
        id: ColumnId,
        encoder: &Arc<ColumnEncoder>,
        shares: Arc<Shares>,
        last: Option<Dictionary>,
        tasks: &mut Vec<Task>,
    ) -> Encoded<()> {
        if let Some(fingerprints) = self.fingerprints.take() {
            tasks.push(Task::Fingerprint(id, fingerprints, Arc::clone(&shares)));
        }
        // Another chunk like the last one, if its first values are; what is not known yet is found out by the task.
        if last == Some(Dictionary::None) && self.chunk.open.is_none() {
            self.chunk.open_values(encoder, &shares)?;
        }
        if self.chunk.values().is_none() {
            let (encoder, chunk) = (Arc::clone(encoder), std::mem::take(&mut self.chunk));
            tasks.push(Task::Encode(id, encoder, chunk, shares, last));
            return Ok(());
        }
        self.chunk.encode_all(encoder, &shares)?;
        if let Some(chunk) = self.chunk.values() {
            let pages = chunk.cut(encoder.shape(), false).into_iter();
            tasks.extend(pages.map(|page| Task::Page(id, Arc::clone(encoder), page)));
        }
        Ok(())
    }
}

/// A column's share of some pieces, before which the open row group has `before` rows.
fn shares_of(id: ColumnId, waiting: &[Rows], mut before: usize, catalog: &Catalog) -> Result<Shares> {
    let share = |rows: &Rows| {
        let values = rows.column(id);
        let coded = values.is_some_and(|values| catalog.is_coded(id, values));
        let share = Share { before, rows: rows.len, values: values.cloned(), coded };
        before += rows.len;
        share
    };
    let pieces: Vec<Share> = waiting.iter().map(share).collect();
    let coded = pieces.iter().any(|share| share.coded);
    let dictionary = if coded { Some(catalog.values(id)?) } else { None };
    Ok(Shares::new(pieces, dictionary))
}

/// The open file.
#[derive(Default)]
pub(crate) struct FileEncoder {
    columns: BTreeMap<ColumnId, FileColumn>,
    /// Rows of the finished row groups.
    row_groups: Vec<usize>,
    /// Rows of the open row group.
    open_rows: usize,
    closed_bytes: u64,
    /// Rows that were taken and not encoded yet, among those of the open row group.
    waiting: Vec<Rows>,
}

impl FileEncoder {
    /// Rows of the open row group.
    pub(crate) fn open_rows(&self) -> usize {
        self.open_rows
    }

    /// Takes rows into the open row group; they are encoded with the next [`Self::flush`].
    pub(crate) fn write(&mut self, rows: Rows) {
        self.open_rows += rows.len;
        self.waiting.push(rows);
    }

    /// Encodes the rows that wait, piece by piece in each column, the columns side by side.
    pub(crate) fn flush(&mut self, encoders: &mut Encoders, catalog: &Catalog) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        for id in waiting.iter().flat_map(|rows| rows.columns.iter().map(|(id, _)| id)) {
            encoders.prepare(*id, catalog)?;
            let rules = &encoders.fingerprints;
            self.columns.entry(*id).or_insert_with(|| FileColumn {
                fingerprints: rules.as_ref().map(|rules| ColumnFingerprints::new(rules, catalog.name(*id))),
                ..FileColumn::default()
            });
        }
        let rows: usize = waiting.iter().map(|rows| rows.len).sum();
        if rows == 0 {
            return Ok(());
        }
        let mut tasks = Vec::with_capacity(2 * self.columns.len());
        for (&id, column) in &mut self.columns {
            let Some(encoder) = encoders.columns.get(&id) else { continue };
            let shares = Arc::new(shares_of(id, &waiting, self.open_rows - rows, catalog)?);
            let last = encoders.learned.get(&id).and_then(|learned| learned.dictionary);
            column
                .tasks(id, encoder, shares, last, &mut tasks)
                .map_err(|source| Error::encode("encoding into", &encoders.place, source))?;
        }
        self.work(tasks, encoders)
    }

    /// Does what is to be done, side by side if that is worth it.
    fn work(&mut self, mut tasks: Vec<Task>, encoders: &Encoders) -> Result<()> {
        let _timer = encoders.meter.time(Figure::Encode);
        let done = if Task::order(&mut tasks) < FEW_NANOS {
            tasks.into_iter().map(Task::run).collect::<Encoded<Vec<Done>>>()
        } else {
            encoders.workers.start(tasks, Task::run).join()
        };
        done.and_then(|done| self.take_back(done, encoders))
            .map_err(|source| Error::encode("encoding into", &encoders.place, source))
    }

    fn take_back(&mut self, all: Vec<Done>, encoders: &Encoders) -> Encoded<()> {
        let row_group = self.row_groups.len();
        for done in all {
            match done {
                Done::Encoded(id, chunk) => self.columns.entry(id).or_default().chunk = chunk,
                Done::Page(id, number, page) => {
                    if let Some(chunk) = self.columns.entry(id).or_default().chunk.values() {
                        chunk.put(number, page);
                    }
                }
                Done::Fingerprinted(id, fingerprints) => {
                    self.columns.entry(id).or_default().fingerprints = Some(fingerprints);
                }
                Done::Closed(id, chunk) => {
                    self.columns.entry(id).or_default().closed.extend(chunk.map(|chunk| (row_group, chunk)));
                }
            }
        }
        for (id, column) in &mut self.columns {
            if let (Some(chunk), Some(encoder)) = (column.chunk.values(), encoders.columns.get(id)) {
                chunk.settle(encoder.shape())?;
            }
        }
        Ok(())
    }

    /// Ends the open row group, if it has rows.
    pub(crate) fn close_row_group(&mut self, encoders: &mut Encoders, catalog: &Catalog) -> Result<()> {
        self.flush(encoders, catalog)?;
        if self.open_rows == 0 {
            return Ok(());
        }
        let row_group = self.row_groups.len();
        let mut tasks = Vec::with_capacity(self.columns.len());
        for (id, column) in &mut self.columns {
            if let (true, Some(encoder)) = (column.chunk.open.is_some(), encoders.columns.get(id)) {
                tasks.push(Task::Close(*id, Arc::clone(encoder), std::mem::take(&mut column.chunk)));
            }
        }
        self.work(tasks, encoders)?;
        for (id, column) in &self.columns {
            if let Some(chunk) = column.closed.get(&row_group) {
                encoders.learn_chunk(*id, chunk);
                self.closed_bytes += chunk.bytes;
            }
        }
        self.row_groups.push(self.open_rows);
        self.open_rows = 0;
        Ok(())
    }

    /// The fingerprints of all rows, ascending; they are told once.
    pub(crate) fn fingerprints(&mut self, encoders: &Encoders) -> Option<Vec<i64>> {
        encoders.fingerprints.as_ref()?;
        let mut all = Vec::new();
        for fingerprints in self.columns.values_mut().filter_map(|column| column.fingerprints.take()) {
            fingerprints.finish(&mut all);
        }
        all.sort_unstable();
        all.dedup();
        Some(all)
    }

    /// Estimated size of the file if it ended here, of what is encoded, and bytes of open pages and dictionaries.
    pub(crate) fn sizes(&self, encoders: &Encoders) -> (f64, u64) {
        let (mut bytes, mut open_bytes) = (self.closed_bytes as f64, 0);
        let mut leaf_columns = 0;
        for (id, column) in &self.columns {
            let Some(encoder) = encoders.columns.get(id) else { continue };
            leaf_columns += leaves(&encoder.parquet);
            if let Some(chunk) = &column.chunk.open {
                let (finished, open) = encoder.sizes(chunk);
                bytes += finished as f64
                    + encoders.learned.get(id).copied().unwrap_or_default().shrinkage.estimate(open);
                open_bytes += open;
            }
        }
        let row_groups = self.row_groups.len() + usize::from(self.open_rows > 0);
        (bytes + encoders.footer.estimate(leaf_columns * row_groups), open_bytes)
    }

    /// Ends the last row group and yields the file's parts. `sorted_by` is the column by which the rows are sorted;
    /// `placeholder` carries the rows of a file without any value.
    pub(crate) fn finish(
        mut self,
        encoders: &mut Encoders,
        catalog: &Catalog,
        sorted_by: Option<ColumnId>,
        placeholder: Option<ColumnId>,
    ) -> Result<Assembly> {
        self.close_row_group(encoders, catalog)?;
        if self.columns.is_empty() {
            let id =
                placeholder.ok_or_else(|| Error::internal("encoding rows", "no column to carry them"))?;
            encoders.prepare(id, catalog)?;
            self.columns.insert(id, FileColumn::default());
        }
        let mut order: Vec<ColumnId> = self.columns.keys().copied().collect();
        order.sort_unstable_by_key(|id| catalog.name(*id));
        let assembly = self
            .assembly(&order, encoders, catalog, sorted_by)
            .map_err(|source| Error::encode("encoding into", &encoders.place, source))?;
        encoders.pool.reset();
        Ok(assembly)
    }

    fn assembly(
        &mut self,
        order: &[ColumnId],
        encoders: &mut Encoders,
        catalog: &Catalog,
        sorted_by: Option<ColumnId>,
    ) -> Encoded<Assembly> {
        let (mut types, mut fields, mut leaf_columns, mut sorting) = (Vec::new(), Vec::new(), 0, None);
        let (mut row_groups, mut chunk_bytes) =
            (self.row_groups.iter().map(|_| Vec::new()).collect::<Vec<_>>(), 0);
        for id in order {
            let Some(encoder) = encoders.columns.get(id).cloned() else { continue };
            if Some(*id) == sorted_by {
                let column_idx = leaf_columns as i32;
                sorting = Some(vec![SortingColumn { column_idx, descending: false, nulls_first: true }]);
            }
            leaf_columns += leaves(&encoder.parquet);
            types.push(encoder.parquet.clone());
            fields.push(encoder.field.clone());
            let mut closed = self.columns.remove(id).map(|column| column.closed).unwrap_or_default();
            for (index, (rows, chunks)) in self.row_groups.iter().zip(&mut row_groups).enumerate() {
                let chunk = match closed.remove(&index) {
                    Some(chunk) => chunk,
                    None => {
                        let mut chunk = encoder.open()?;
                        encoder.write(&mut chunk, &null_array(catalog.data_type(*id), *rows))?;
                        let chunk = encoder.close(chunk, None)?;
                        encoders.learn_chunk(*id, &chunk);
                        chunk
                    }
                };
                chunk_bytes += chunk.bytes;
                chunks.push(chunk.pages);
            }
        }
        // What shapes a column is in its encoder's settings.
        let properties = Arc::new(properties(&encoders.plain, [], sorting));
        let leaf_chunks = leaf_columns * row_groups.len();
        Ok(Assembly { types, fields, properties, row_groups, chunk_bytes, leaf_chunks })
    }
}

/// Parquet cannot hold the column's type.
fn refused(catalog: &Catalog, id: ColumnId, source: &ParquetError) -> Error {
    Error::UnsupportedType {
        column: catalog.name(id).to_string(),
        data_type: catalog.data_type(id).to_string(),
        place: catalog.seen_at(id).to_string(),
        reason: format!("Parquet cannot hold it: {source}"),
    }
}
