//! Encoding one output file, column by column.
//!
//! 1. Each column of a row group has encoders of its own, begun with the column's first value; the rows before it are
//!    filled in as nulls. So a column that first appears in the last row is kept, and one without values never begins.
//! 2. Closing a row group closes its encoders; the finished chunks wait in the page pool.
//! 3. Closing the file fixes the schema, the union of all columns begun, by name. Row groups that lack a column get a
//!    chunk of nulls. The parts are put together by module `outbox`; no value is encoded twice.
//!
//! The columns of some pieces are worked on side by side: each encodes its values piece by piece, its fingerprints are
//! collected beside that, and at the end of a row group its last pages are compressed. Cost: one pass over the values.
//! Memory: open pages and dictionaries, bounded by [`OPEN_BYTES`], plus the page pool.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::ArrayRef;
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;

use crate::assembly::{Assembled, Assembly};
use crate::catalog::{Catalog, ColumnId};
use crate::column_encoder::{ClosedChunk, ColumnEncoder, Encoded, OpenChunk};
use crate::error::{Error, Result};
use crate::fingerprint::{ColumnFingerprints, FingerprintRules};
use crate::pages::PagePool;
use crate::properties::{leaves, properties};
use crate::rows::{Rows, null_array};
use crate::size::FooterSize;
use crate::stats::{Figure, Meter};
use crate::value_chunk::{PageTask, ValueChunk};
use crate::workers::Workers;

/// Bytes of open pages and dictionaries at which a row group ends before its rows are full. Independent of the memory
/// limit, so that the limit never changes the output.
pub(crate) const OPEN_BYTES: u64 = 16 * 1024 * 1024;

/// Rows below which columns are encoded one after another.
const FEW_ROWS: usize = 1024;

/// What all files of a job share: how each column is encoded, and what was learned of sizes.
pub(crate) struct Encoders {
    columns: HashMap<ColumnId, ColumnEncoder>,
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
        threads: usize,
        meter: Meter,
        place: PathBuf,
    ) -> Self {
        let (columns, footer, workers) = (HashMap::new(), FooterSize::default(), Workers::new(threads));
        Self { columns, plain, pool, footer, workers, meter, fingerprints, place }
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

    fn column(&mut self, id: ColumnId, catalog: &Catalog) -> Result<&mut ColumnEncoder> {
        match self.columns.entry(id) {
            std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let made = ColumnEncoder::new(id, catalog, &self.pool, &self.plain)
                    .map_err(|source| refused(catalog, id, &source))?;
                Ok(entry.insert(made))
            }
        }
    }
}

/// One column of the open file.
#[derive(Default)]
struct FileColumn {
    chunk: Chunk,
    /// Finished chunks by row group; a row group without the column is missing.
    closed: BTreeMap<usize, ClosedChunk>,
    fingerprints: Option<ColumnFingerprints>,
}

/// One column of the open row group.
#[derive(Default)]
struct Chunk {
    open: Option<OpenChunk>,
    /// What is behind its codes.
    dictionary: Option<ArrayRef>,
}

/// What is to be done with one column's share of some pieces of rows. A long column keeps one thread busy for most of a
/// round, so what can be done beside its encoding is, and where its pages do not depend on one another, so are they.
enum Task<'a> {
    Encode(&'a ColumnEncoder, &'a mut Chunk, Arc<Shares<'a>>),
    Page(&'a ColumnEncoder, PageTask<'a>),
    Fingerprint(&'a mut ColumnFingerprints, Arc<Shares<'a>>),
}

/// One column's share of some pieces.
struct Shares<'a> {
    pieces: Vec<Share<'a>>,
    /// What is behind the codes, where there are any.
    dictionary: Option<ArrayRef>,
}

/// One column's share of one piece.
struct Share<'a> {
    /// Rows of the open row group before it, and its own.
    before: usize,
    rows: usize,
    /// The values, codes or plain; absent where the piece has none.
    values: Option<&'a ArrayRef>,
    coded: bool,
}

impl Shares<'_> {
    /// What is behind the codes of a piece.
    fn behind(&self, share: &Share<'_>) -> Option<&ArrayRef> {
        self.dictionary.as_ref().filter(|_| share.coded)
    }

    /// Bytes of values of variable length.
    fn bytes(&self) -> usize {
        self.pieces.iter().filter_map(|share| share.values).map(Rows::bytes_of).sum()
    }
}

impl Task<'_> {
    /// Takes the pieces in turn.
    fn run(self) -> Encoded<()> {
        match self {
            Self::Encode(encoder, chunk, shares) => chunk.encode_all(encoder, &shares),
            Self::Page(encoder, page) => page.run(encoder.shape()),
            Self::Fingerprint(fingerprints, shares) => {
                for share in &shares.pieces {
                    match (share.values, shares.behind(share)) {
                        (None, _) => {}
                        (Some(values), None) => fingerprints.add(values),
                        (Some(codes), Some(dictionary)) => fingerprints.add_coded(codes, dictionary),
                    }
                }
                Ok(())
            }
        }
    }

    /// The measure of the work to come.
    fn bytes(&self) -> usize {
        match self {
            Self::Encode(_, _, shares) => shares.bytes(),
            Self::Page(_, page) => page.bytes(),
            Self::Fingerprint(_, shares) => shares.bytes() / 2,
        }
    }
}

impl Chunk {
    /// The chunk, where its pages are made one by one; it is opened so if the first values suit.
    fn paged(&mut self, encoder: &ColumnEncoder, shares: &Shares<'_>) -> Encoded<Option<&mut ValueChunk>> {
        if self.open.is_none()
            && let Some(first) = shares.pieces.iter().find(|share| share.values.is_some())
            && let Some(values) = first.values
        {
            self.open = encoder.open_values(values, shares.behind(first))?;
            if let Some(chunk) = &mut self.open {
                encoder.write_nulls(chunk, shares.pieces.first().map_or(0, |share| share.before))?;
            }
        }
        Ok(match &mut self.open {
            Some(OpenChunk::Values(chunk)) => Some(chunk),
            _ => None,
        })
    }

    /// Takes the pieces in turn.
    fn encode_all(&mut self, encoder: &ColumnEncoder, shares: &Shares<'_>) -> Encoded<()> {
        shares.pieces.iter().try_for_each(|share| self.encode(encoder, share, shares.behind(share)))
    }

    fn encode(
        &mut self,
        encoder: &ColumnEncoder,
        share: &Share<'_>,
        dictionary: Option<&ArrayRef>,
    ) -> Encoded<()> {
        let Share { before, rows, values, coded: _ } = *share;
        if values.is_none() && self.open.is_none() {
            return Ok(());
        }
        let chunk = match &mut self.open {
            Some(chunk) => chunk,
            none => {
                let coded = values.is_some() && dictionary.is_some();
                let mut chunk = if coded { encoder.open_coded()? } else { encoder.open()? };
                if before > 0 {
                    encoder.write_nulls(&mut chunk, before)?;
                }
                none.insert(chunk)
            }
        };
        match (values, dictionary) {
            (None, _) => encoder.write_nulls(chunk, rows),
            (Some(values), None) => {
                encoder.generalise(chunk, self.dictionary.as_ref())?;
                encoder.write(chunk, values)
            }
            (Some(codes), Some(dictionary)) => {
                encoder.write_codes(chunk, codes, dictionary)?;
                self.dictionary = Some(Arc::clone(dictionary));
                Ok(())
            }
        }
    }
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
        if waiting.is_empty() {
            return Ok(());
        }
        for id in waiting.iter().flat_map(|rows| rows.columns.iter().map(|(id, _)| id)) {
            encoders.column(*id, catalog)?;
            let rules = &encoders.fingerprints;
            self.columns.entry(*id).or_insert_with(|| FileColumn {
                fingerprints: rules.as_ref().map(|rules| ColumnFingerprints::new(rules, catalog.name(*id))),
                ..FileColumn::default()
            });
        }
        let fail = |source| Error::encode("encoding into", &encoders.place, source);
        let mut tasks = Vec::with_capacity(2 * self.columns.len());
        let first = self.open_rows - waiting.iter().map(|rows| rows.len).sum::<usize>();
        for (&id, column) in &mut self.columns {
            let mut before = first;
            let pieces: Vec<Share<'_>> = waiting
                .iter()
                .map(|rows| {
                    let values = rows.column(id);
                    let coded = values.is_some_and(|values| catalog.is_coded(id, values));
                    let share = Share { before, rows: rows.len, values, coded };
                    before += rows.len;
                    share
                })
                .collect();
            let dictionary =
                if pieces.iter().any(|share| share.coded) { Some(catalog.values(id)?) } else { None };
            let shares = Arc::new(Shares { pieces, dictionary });
            let FileColumn { chunk, fingerprints, .. } = column;
            if let Some(fingerprints) = fingerprints {
                tasks.push(Task::Fingerprint(fingerprints, Arc::clone(&shares)));
            }
            let Some(encoder) = encoders.columns.get(&id) else { continue };
            if chunk.paged(encoder, &shares).map_err(fail)?.is_none() {
                tasks.push(Task::Encode(encoder, chunk, shares));
                continue;
            }
            chunk.encode_all(encoder, &shares).map_err(fail)?;
            if let Some(OpenChunk::Values(chunk)) = &mut chunk.open {
                tasks.extend(chunk.cut(encoder.shape(), false).map(|page| Task::Page(encoder, page)));
            }
        }
        // The largest first, so that no thread waits long for another in the end.
        tasks.sort_by_cached_key(|task| Reverse(task.bytes()));
        // Too little to be worth a second thread.
        let few = waiting.iter().map(|rows| rows.len).sum::<usize>() < FEW_ROWS;
        let _timer = encoders.meter.time(Figure::Encode);
        let encoded = if few {
            tasks.into_iter().try_for_each(Task::run)
        } else {
            encoders.workers.run(tasks, Task::run)
        };
        encoded.and_then(|()| self.settle(encoders)).map_err(fail)
    }

    /// Takes in the pages that were made one by one.
    fn settle(&mut self, encoders: &Encoders) -> Encoded<()> {
        for (id, column) in &mut self.columns {
            if let (Some(OpenChunk::Values(chunk)), Some(encoder)) =
                (&mut column.chunk.open, encoders.columns.get(id))
            {
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
        let timer = encoders.meter.time(Figure::Encode);
        let mut tasks: Vec<(&ColumnEncoder, &mut FileColumn)> = self
            .columns
            .iter_mut()
            .filter(|(_, column)| column.chunk.open.is_some())
            .filter_map(|(id, column)| encoders.columns.get(id).map(|encoder| (encoder, column)))
            .collect();
        tasks.sort_by_cached_key(|(encoder, column)| {
            Reverse(column.chunk.open.as_ref().map_or(0, |chunk| encoder.sizes(chunk).1))
        });
        let close = |(encoder, column): (&ColumnEncoder, &mut FileColumn)| {
            if let Some(chunk) = column.chunk.open.take() {
                let values = column.chunk.dictionary.take();
                column.closed.insert(row_group, encoder.close(chunk, values.as_ref())?);
            }
            Ok(())
        };
        encoders
            .workers
            .run(tasks, close)
            .map_err(|source| Error::encode("encoding into", &encoders.place, source))?;
        drop(timer);
        for (id, column) in &self.columns {
            if let (Some(chunk), Some(encoder)) =
                (column.closed.get(&row_group), encoders.columns.get_mut(id))
            {
                encoder.learn(chunk);
                self.closed_bytes += chunk.bytes;
            }
        }
        self.row_groups.push(self.open_rows);
        encoders.meter.add(Figure::RowGroups, 1);
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
                bytes += finished as f64 + encoder.shrinkage.estimate(open);
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
            encoders.column(id, catalog)?;
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
            let Some(encoder) = encoders.columns.get_mut(id) else { continue };
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
                        encoder.learn(&chunk);
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
