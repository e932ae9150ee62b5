//! Sorted runs on disk.
//!
//! A run's columns are named by their number; coded columns are stored as their codes. Keys are not stored: they are read
//! off the sort column again, by the same rule. Each batch is one block of the spill file (module `packing`); the first has
//! the columns. A thread gathers, packs and compresses some batches one after another: none holds memory that another lets
//! go of.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;

use crate::error::{Error, Result};
use crate::order::packing::{Packed, Packer, Unpacked, Unpacker};
use crate::order::sort::{Forms, SortedBuffer, Unmade};
use crate::order::spill::{Block, BlockReader, SpillFile, Stretch};
use crate::parallel::workers::Workers;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::{CODE_TYPE, ColumnId};
use crate::rows::key::KeyRule;

/// Bytes of values that a thread makes blocks of at once.
const AT_ONCE: usize = 512 * 1024;

/// Batches that all threads together make blocks of at once, unless there are more threads: less than a 64th of the memory
/// limit.
const TOGETHER: usize = 36;

/// Batches of so many bytes that each of so many threads makes blocks of at once.
fn batches_at_once(batch_bytes: usize, threads: usize) -> usize {
    (AT_ONCE / batch_bytes).min(TOGETHER / threads.max(1)).max(1)
}

/// A sorted run.
#[derive(Debug)]
pub(crate) struct Run(Stretch);

impl Run {
    /// Its size on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    /// Bytes of its largest batch when it is read.
    pub(crate) fn largest(&self) -> usize {
        self.0.largest()
    }
}

/// Writes one run.
pub(crate) struct RunWriter {
    maker: BlockMaker,
    store: Store,
}

/// Makes blocks of rows.
struct BlockMaker {
    forms: Forms,
    packer: Packer,
    batch_bytes: usize,
    /// Of the spill file, for messages.
    place: PathBuf,
}

/// Where the blocks go.
struct Store {
    file: SpillFile,
    stretch: Stretch,
    workers: Workers,
}

impl RunWriter {
    /// `forms` must cover every row that will be written; `batch_bytes` bounds what a reader has to hold at once.
    pub(crate) fn create(
        file: SpillFile,
        catalog: &Catalog,
        forms: Forms,
        batch_bytes: usize,
        workers: &Workers,
    ) -> Result<Self> {
        let fields: Vec<Field> = forms
            .iter()
            .map(|(id, form)| {
                let form = if *form == CODE_TYPE { form } else { catalog.data_type(*id) };
                Field::new(id.to_string(), form.clone(), true)
            })
            .collect();
        let packer = Packer::new(Arc::new(Schema::new(fields)));
        let maker = BlockMaker { forms, packer, batch_bytes, place: file.path().to_path_buf() };
        let store = Store { stretch: file.begin(), file, workers: workers.clone() };
        Ok(Self { maker, store })
    }

    /// Writes rows, in this thread, which has others beside it; some at a time, so that few of them are twice in memory.
    pub(crate) fn write(&mut self, rows: &Rows, catalog: &Catalog) -> Result<()> {
        if rows.len > 1 && rows.own_value_bytes() > AT_ONCE {
            let half = rows.len / 2;
            self.write(&rows.slice(0, half), catalog)?;
            return self.write(&rows.slice(half, rows.len - half), catalog);
        }
        let mut encoder = self.maker.encoder();
        encoder.encode(rows, catalog)?;
        self.store.write(&self.maker, encoder.blocks)
    }

    /// Writes all rows of a buffer, by all threads.
    pub(crate) fn write_all(&mut self, mut sorted: SortedBuffer, catalog: &Catalog) -> Result<()> {
        let Self { maker, store } = self;
        let (maker, workers) = (&*maker, store.workers.clone());
        if sorted.is_heavy() {
            // Each thread would hold such rows three times.
            for unmade in sorted.unmade() {
                let mut encoder = maker.encoder();
                encoder.encode(&sorted.make(unmade, catalog)?, catalog)?;
                store.write(maker, encoder.blocks)?;
            }
            return Ok(());
        }
        let few = batches_at_once(sorted.batch_bytes(), workers.threads());
        let mut rest = sorted.unmade().into_iter();
        workers.in_turn(
            || Some(rest.by_ref().take(few).collect()).filter(|some: &Vec<Unmade>| !some.is_empty()),
            |some: Vec<Unmade>| {
                let mut encoder = maker.encoder();
                let pieces = sorted.make_together(some, catalog)?;
                pieces.iter().try_for_each(|rows| encoder.encode(rows, catalog))?;
                Ok(encoder.blocks)
            },
            |blocks| store.write(maker, blocks),
        )
    }

    /// The run, and the file for further ones.
    pub(crate) fn finish(mut self) -> Result<(Run, SpillFile)> {
        if self.store.stretch.bytes() == 0 {
            // The columns at least.
            self.store.add(&self.maker.columns()?)?;
        }
        Ok((Run(self.store.stretch), self.store.file))
    }
}

impl BlockMaker {
    /// What a run begins with.
    fn columns(&self) -> Result<Block> {
        let columns = self.packer.columns().map_err(|source| self.failed(source))?;
        self.block(&[], &columns)
    }

    /// A batch needs nothing that was stored before (columns have no dictionaries: module `catalog`), so the blocks of an
    /// encoder may follow those of any other.
    fn encoder(&self) -> BatchEncoder<'_> {
        BatchEncoder { maker: self, packed: Packed::default(), blocks: Vec::new() }
    }

    fn block(&self, plain: &[u8], compressible: &[u8]) -> Result<Block> {
        Block::new(plain, compressible).map_err(|source| Error::io("writing spill file", &self.place, source))
    }

    fn failed(&self, source: ArrowError) -> Error {
        Error::spill("packing rows for spill file", &self.place, source)
    }
}

/// Makes blocks of some rows in one thread.
struct BatchEncoder<'a> {
    maker: &'a BlockMaker,
    packed: Packed,
    blocks: Vec<Block>,
}

impl BatchEncoder<'_> {
    fn encode(&mut self, rows: &Rows, catalog: &Catalog) -> Result<()> {
        let BlockMaker { forms, packer, batch_bytes, .. } = self.maker;
        if rows.len > 1 && rows.own_value_bytes() > *batch_bytes {
            let half = rows.len / 2;
            self.encode(&rows.slice(0, half), catalog)?;
            return self.encode(&rows.slice(half, rows.len - half), catalog);
        }
        let mut arrays: Vec<Option<ArrayRef>> = Vec::with_capacity(forms.len());
        for (id, form) in forms {
            arrays.push(match rows.column(*id) {
                Some(array) if *form == CODE_TYPE => Some(array.clone()),
                Some(array) => Some(catalog.resolved(*id, array)?),
                None => None,
            });
        }
        packer.pack(&arrays, rows.len, &mut self.packed).map_err(|source| self.maker.failed(source))?;
        self.blocks.push(self.maker.block(&self.packed.plain, &self.packed.compressible)?);
        Ok(())
    }
}

impl Store {
    /// Writes blocks of rows, behind the one that has the columns.
    fn write(&mut self, maker: &BlockMaker, blocks: Vec<Block>) -> Result<()> {
        if self.stretch.bytes() == 0 && !blocks.is_empty() {
            self.add(&maker.columns()?)?;
        }
        blocks.iter().try_for_each(|block| self.add(block))
    }

    fn add(&mut self, block: &Block) -> Result<()> {
        self.file.write(&mut self.stretch, block)
    }
}

/// Reads one run back.
pub(crate) struct RunReader {
    blocks: BlockReader,
    unpacker: Unpacker,
    columns: Vec<ColumnId>,
}

impl RunReader {
    pub(crate) fn open(run: Run) -> Result<Self> {
        let mut blocks = BlockReader::new(run.0);
        let unpacker = blocks
            .next(|_, columns| Unpacker::new(columns))?
            .ok_or_else(|| Error::internal("opening a spill file", "a run begins without its columns"))?
            .map_err(|source| Error::spill("reading spill file", blocks.path(), source))?;
        let columns = unpacker
            .fields()
            .map(|field| field.name().parse())
            .collect::<std::result::Result<Vec<ColumnId>, _>>()
            .map_err(|source| Error::internal("reading the columns of a spill file", source))?;
        Ok(Self { blocks, unpacker, columns })
    }

    /// The columns of the run and the types in which they are stored.
    pub(crate) fn forms(&self) -> Forms {
        let types = self.unpacker.fields().map(|field| field.data_type().clone());
        self.columns.iter().copied().zip(types).collect()
    }

    /// The next rows that are not empty and the bytes of memory that they hold together, or none at the end.
    pub(crate) fn next(&mut self, key: Option<ColumnId>) -> Result<Option<(Rows, usize)>> {
        let Self { blocks, unpacker, columns: ids } = self;
        while let Some(unpacked) = blocks.next(|plain, compressible| unpacker.unpack(plain, compressible))? {
            let Unpacked { columns, rows, bytes } =
                unpacked.map_err(|source| Error::spill("reading spill file", blocks.path(), source))?;
            if rows == 0 {
                continue;
            }
            let columns = columns.into_iter().map(|(place, array)| (ids[place], array)).collect();
            let mut rows = Rows { columns, keys: Vec::new(), len: rows }.without_empty_columns();
            rows.keys = KeyRule::keys(key.and_then(|id| rows.column(id)), rows.len);
            return Ok(Some((rows, bytes)));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{DataType, Int64Type};

    use super::*;
    use crate::order::merge::run_batch_bytes;
    use crate::order::whole::Whole;
    use crate::scratch::Scratch;

    #[test]
    fn what_all_threads_make_blocks_of_at_once_is_bounded_by_the_limit() {
        for limit in [32 << 20, 64 << 20, 256 << 20, 4 << 30] {
            let batch = run_batch_bytes(limit / 4);
            for threads in [0, 1, 2, 7, 36, 64] {
                let each = batch * batches_at_once(batch, threads);
                assert!(each >= batch && each <= AT_ONCE.max(batch), "{limit}, {threads}: {each}");
                let (all, least) = (each * threads, batch * threads);
                assert!(all <= least.max(limit / 64), "{limit}, {threads}: {all}");
            }
        }
        // As many as there may be, where that is not all.
        assert_eq!(batches_at_once(run_batch_bytes(16 << 20), 2), TOGETHER / 2);
        assert_eq!(batches_at_once(run_batch_bytes(64 << 20), 2), AT_ONCE / run_batch_bytes(64 << 20));
    }

    #[test]
    fn batches_come_back_whether_they_have_columns_or_not() {
        let directory = tempfile::tempdir().unwrap();
        let mut catalog = Catalog::default();
        catalog.note(&Field::new("n", DataType::Int64, true), true, "a test").unwrap();
        for columns in [0, 1] {
            let rows = |from: i64, len: usize| {
                let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + len as i64));
                let columns = [(0, numbers)].into_iter().take(columns).collect();
                Rows { columns, keys: Vec::new(), len }
            };
            let forms: Forms = [(0, DataType::Int64)].into_iter().take(columns).collect();
            let file = SpillFile::create(&mut Scratch::new(directory.path().to_path_buf())).unwrap();
            let mut writer =
                RunWriter::create(file, &catalog, forms.clone(), 1000, &Workers::new(2)).unwrap();
            writer.write(&rows(0, 5), &catalog).unwrap();
            let (parts, workers) = (vec![rows(5, 3), rows(8, 1), rows(9, 1)], Workers::new(2));
            let sorted = SortedBuffer::new(parts, Whole::default(), None, 1000, &catalog, &workers);
            writer.write_all(sorted.unwrap(), &catalog).unwrap();
            let (run, file) = writer.finish().unwrap();
            let empty = RunWriter::create(file, &catalog, forms.clone(), 1000, &Workers::new(1)).unwrap();
            let mut empty = RunReader::open(empty.finish().unwrap().0).unwrap();
            assert_eq!(empty.forms(), forms);
            assert!(empty.next(None).unwrap().is_none());
            let mut reader = RunReader::open(run).unwrap();
            assert_eq!(reader.forms(), forms);
            let (mut lengths, mut numbers) = (Vec::new(), Vec::new());
            while let Some((rows, bytes)) = reader.next(None).unwrap() {
                assert_eq!(bytes > 0, columns > 0);
                lengths.push(rows.len);
                let read =
                    rows.column(0).into_iter().flat_map(|array| array.as_primitive::<Int64Type>().values());
                numbers.extend(read.copied());
            }
            assert_eq!(lengths, [5, 3, 1, 1]);
            assert_eq!(numbers, if columns == 0 { vec![] } else { (0..10).collect::<Vec<_>>() });
        }
    }
}
