//! Sorting records of any number in bounded memory.
//!
//! 1. Records are held as long as memory is granted, twice as many each time. Where it is refused they are sorted and written to
//!    disk as a run.
//! 2. When a level has [`FAN`] runs they are merged into one run of the next level, and their space on disk is given back.
//! 3. At the end all runs are merged while they are read. Records that never went to disk are sorted where they are.
//!
//! The result depends on the records alone, never on how much memory was granted. Memory: the grant while records come, at
//! most [`READ_BYTES`] a level while they are read. Disk: the records, once, and a level once more while it is merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};

use super::Spill;
use crate::error::{Error, Result};

/// Runs of a level at most.
const FAN: usize = 32;

/// Records that every sorter may hold without asking.
const FEW: usize = 1_024;

/// Bytes of the buffers through which the runs of one level are read.
const READ_BYTES: usize = 2 << 20;

/// Bytes of the buffer through which a run is written.
const WRITE_BYTES: usize = 256 << 10;

/// A record of fixed size that can be written and read back. Its order decides alone: records that compare equal must be
/// interchangeable.
pub trait Record: Copy + Ord {
    /// Bytes of the written form.
    const BYTES: usize;

    /// Appends the written form, exactly [`Self::BYTES`] bytes.
    fn put(&self, out: &mut Vec<u8>);

    /// Reads the written form; `None` where it is too short.
    fn get(fields: &mut Fields<'_>) -> Option<Self>;
}

/// Fields of a written record, front to back.
#[derive(Debug)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The fields of a written record.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next bytes.
    pub fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }
}

/// Takes records in any order.
#[derive(Debug)]
pub struct Sorter<'a, R: Record> {
    spill: &'a Spill,
    records: Vec<R>,
    granted: u64,
    levels: Vec<Level>,
    count: u64,
}

/// Runs of one file.
#[derive(Debug)]
struct Level {
    file: File,
    runs: Vec<Run>,
    end: u64,
}

/// A sorted stretch of a file.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: u64,
    records: u64,
}

impl<'a, R: Record> Sorter<'a, R> {
    /// A sorter without records, which holds nothing yet.
    #[must_use]
    pub fn new(spill: &'a Spill) -> Self {
        Self { spill, records: Vec::new(), granted: 0, levels: Vec::new(), count: 0 }
    }

    /// Records taken so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Takes one record.
    ///
    /// # Errors
    /// Class `io` where the disk does not take what memory cannot hold.
    pub fn push(&mut self, record: R) -> Result<()> {
        if self.records.len() == self.records.capacity() {
            self.make_room()?;
        }
        self.records.push(record);
        self.count += 1;
        Ok(())
    }

    fn make_room(&mut self) -> Result<()> {
        let capacity = self.records.capacity();
        let more = capacity.max(FEW);
        let bytes = (more * size_of::<R>()) as u64;
        let memory = self.spill.memory();
        if capacity == 0 {
            self.records.reserve_exact(more);
        } else if self.granted + bytes <= memory.most() && memory.try_hold(bytes) {
            self.granted += bytes;
            self.records.reserve_exact(more);
        } else {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is held as a run.
    fn flush(&mut self) -> Result<()> {
        let mut records = std::mem::take(&mut self.records);
        records.sort_unstable();
        let mut all = records.iter().copied().map(Ok);
        self.write_run(0, records.len() as u64, &mut all)?;
        records.clear();
        self.records = records;
        Ok(())
    }

    fn write_run(
        &mut self,
        number: usize,
        count: u64,
        records: &mut dyn Iterator<Item = Result<R>>,
    ) -> Result<()> {
        let cannot = |error: std::io::Error| self.spill.cannot("write", &error);
        if number == self.levels.len() {
            let file = self.spill.file()?;
            self.levels.push(Level { file, runs: Vec::new(), end: 0 });
        }
        let level = &mut self.levels[number];
        level.file.seek(SeekFrom::Start(level.end)).map_err(cannot)?;
        let mut out = BufWriter::with_capacity(WRITE_BYTES, &level.file);
        let mut bytes = Vec::with_capacity(R::BYTES);
        for record in records {
            bytes.clear();
            record?.put(&mut bytes);
            out.write_all(&bytes).map_err(cannot)?;
        }
        out.flush().map_err(cannot)?;
        drop(out);
        level.runs.push(Run { start: level.end, records: count });
        level.end += count * R::BYTES as u64;
        if level.runs.len() == FAN { self.condense(number) } else { Ok(()) }
    }

    /// Merges all runs of a level into one of the next.
    fn condense(&mut self, number: usize) -> Result<()> {
        let level = &mut self.levels[number];
        let runs = std::mem::take(&mut level.runs);
        let file = level.file.try_clone().map_err(|error| self.spill.cannot("read", &error))?;
        let count = runs.iter().map(|run| run.records).sum();
        let mut merged = Sorted::merging(self.spill, vec![Level { file, runs, end: 0 }])?;
        self.write_run(number + 1, count, &mut std::iter::from_fn(|| merged.next().transpose()))?;
        let level = &mut self.levels[number];
        level.end = 0;
        level.file.set_len(0).map_err(|error| self.spill.cannot("write", &error))
    }

    /// All records, in order.
    ///
    /// # Errors
    /// Class `io` where the disk does not take or give back what memory cannot hold.
    pub fn finish(mut self) -> Result<Sorted<'a, R>> {
        if !self.levels.is_empty() {
            self.flush()?;
            self.records = Vec::new();
            self.spill.memory().release(std::mem::take(&mut self.granted));
            return Sorted::merging(self.spill, std::mem::take(&mut self.levels));
        }
        let mut records = std::mem::take(&mut self.records);
        records.sort_unstable();
        let mut sorted = Sorted::empty(self.spill);
        sorted.granted = std::mem::take(&mut self.granted);
        sorted.records = records.into_iter();
        sorted.head = sorted.records.next();
        Ok(sorted)
    }
}

impl<R: Record> Drop for Sorter<'_, R> {
    fn drop(&mut self) {
        self.spill.memory().release(self.granted);
    }
}

/// Gives records back in order.
#[derive(Debug)]
pub struct Sorted<'a, R: Record> {
    spill: &'a Spill,
    granted: u64,
    records: std::vec::IntoIter<R>,
    levels: Vec<Level>,
    readers: Vec<Reader>,
    /// The next record of every run that is not at its end.
    waiting: BinaryHeap<Reverse<(R, usize)>>,
    head: Option<R>,
}

/// How far a run was read.
#[derive(Debug)]
struct Reader {
    level: usize,
    next: u64,
    left: u64,
    buffer: Vec<u8>,
    at: usize,
    most: usize,
}

impl<'a, R: Record> Sorted<'a, R> {
    fn empty(spill: &'a Spill) -> Self {
        Self {
            spill,
            granted: 0,
            records: Vec::new().into_iter(),
            levels: Vec::new(),
            readers: Vec::new(),
            waiting: BinaryHeap::new(),
            head: None,
        }
    }

    fn merging(spill: &'a Spill, levels: Vec<Level>) -> Result<Self> {
        let mut sorted = Self::empty(spill);
        for (number, level) in levels.iter().enumerate() {
            let most = (READ_BYTES / level.runs.len().max(8) / R::BYTES).max(1);
            sorted.readers.extend(level.runs.iter().map(|run| Reader {
                level: number,
                next: run.start,
                left: run.records,
                buffer: Vec::new(),
                at: 0,
                most,
            }));
        }
        sorted.levels = levels;
        for number in 0..sorted.readers.len() {
            sorted.refill(number)?;
        }
        sorted.head = sorted.advance()?;
        Ok(sorted)
    }

    /// Puts the next record of a run among those that wait.
    fn refill(&mut self, number: usize) -> Result<()> {
        let reader = &mut self.readers[number];
        if reader.at == reader.buffer.len() {
            if reader.left == 0 {
                reader.buffer = Vec::new();
                reader.at = 0;
                return Ok(());
            }
            let records = reader.left.min(reader.most as u64);
            let bytes = records * R::BYTES as u64;
            reader.buffer.resize(usize::try_from(bytes).unwrap_or(usize::MAX), 0);
            let file = &mut self.levels[reader.level].file;
            file.seek(SeekFrom::Start(reader.next))
                .and_then(|_| file.read_exact(&mut reader.buffer))
                .map_err(|error| self.spill.cannot("read", &error))?;
            reader.next += bytes;
            reader.left -= records;
            reader.at = 0;
        }
        let end = reader.at + R::BYTES;
        let record = R::get(&mut Fields::new(&reader.buffer[reader.at..end]))
            .ok_or_else(|| Error::internal("a spilled record is shorter than it says"))?;
        reader.at = end;
        self.waiting.push(Reverse((record, number)));
        Ok(())
    }

    fn advance(&mut self) -> Result<Option<R>> {
        if self.readers.is_empty() {
            return Ok(self.records.next());
        }
        let Some(Reverse((record, number))) = self.waiting.pop() else { return Ok(None) };
        self.refill(number)?;
        Ok(Some(record))
    }

    /// The next record, which stays.
    #[must_use]
    pub fn peek(&self) -> Option<&R> {
        self.head.as_ref()
    }

    /// The next record; `None` after the last.
    ///
    /// # Errors
    /// Class `io` where the disk does not give back what it took.
    #[expect(clippy::should_implement_trait, reason = "an iterator could not fail")]
    pub fn next(&mut self) -> Result<Option<R>> {
        let Some(record) = self.head.take() else { return Ok(None) };
        self.head = self.advance()?;
        Ok(Some(record))
    }
}

impl<R: Record> Drop for Sorted<'_, R> {
    fn drop(&mut self) {
        self.spill.memory().release(self.granted);
    }
}
