//! Reading many segments one after another, ahead of the one who takes the batches.
//!
//! 1. The segments are dealt in order: reader `n` of `t` takes the segments `n`, `n + t`, ...
//! 2. Each reader decodes in a thread of its own and hands batches over through a channel that holds some of them, so that
//!    what is read ahead is bounded by count, and by the batches' size in bytes. Readers are fewer under a small limit.
//! 3. The batches are taken segment by segment, so their order is that of the segments, whatever the threads do.
//!
//! With one thread everything happens in the caller's. A reader has one file open at a time.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow::array::RecordBatch;

use crate::error::{Error, Result};
use crate::segment::SegmentReader;
use crate::stats::{Figure, Meter};

/// Most batches that wait in a channel.
const AHEAD: usize = 8;

/// Memory for each batch that waits: under a small limit there are fewer of them, not smaller ones.
const BYTES_AHEAD: u64 = 64 << 20;

/// Memory for each reader beside the first: what it holds while it decodes is part of no batch.
const BYTES_A_READER: u64 = 128 << 20;

/// How segments are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segments<'a> {
    pub(crate) inputs: &'a [PathBuf],
    /// Columns that are not read.
    pub(crate) dropped: &'a [String],
    /// The writer's memory limit; the batches in flight get a sixteenth.
    pub(crate) memory_limit: u64,
    pub(crate) threads: usize,
}

/// What a reader hands over.
enum Message {
    /// A batch, the place it came from and the row of the segment at which it begins.
    Batch(RecordBatch, String, u64),
    /// The segment is done.
    End,
}

impl Segments<'_> {
    /// Rows of all segments, from their footers.
    pub(crate) fn count_rows(&self) -> Result<u64> {
        let mut rows = 0;
        for path in self.inputs {
            rows += SegmentReader::open(path, &[], 0)?.stated_rows();
        }
        Ok(rows)
    }

    /// Calls back with each batch, the place it came from and the row of the segment at which it begins.
    pub(crate) fn read(
        &self,
        meter: &Meter,
        mut each: impl FnMut(&RecordBatch, &str, u64) -> Result<()>,
    ) -> Result<()> {
        if self.threads.min(self.inputs.len()) < 2 {
            let share = self.memory_limit / 16;
            return self.inputs.iter().try_for_each(|path| {
                read_one(path, self.dropped, share, meter, |batch, place, row| each(&batch, place, row))
            });
        }
        let few = |bytes: u64| usize::try_from(self.memory_limit / bytes).unwrap_or(usize::MAX).max(1);
        let threads = self.threads.min(self.inputs.len()).min(few(BYTES_A_READER));
        let ahead = few(BYTES_AHEAD).min(AHEAD);
        std::thread::scope(|scope| {
            let mut channels: Vec<Receiver<Result<Message>>> = Vec::with_capacity(threads);
            for first in 0..threads {
                let (sender, receiver) = sync_channel(ahead);
                channels.push(receiver);
                let work = *self;
                scope.spawn(move || work.read_every(first, threads, ahead, meter, &sender));
            }
            for segment in 0..self.inputs.len() {
                loop {
                    let message = channels[segment % threads].recv().unwrap_or_else(|_| {
                        Err(Error::internal("reading segments", "a reader ended before its work was done"))
                    })?;
                    match message {
                        Message::Batch(batch, place, row) => each(&batch, &place, row)?,
                        Message::End => break,
                    }
                }
            }
            Ok(())
        })
    }

    /// Reads every `step`th segment, until the one who takes the batches is gone.
    fn read_every(
        &self,
        first: usize,
        step: usize,
        ahead: usize,
        meter: &Meter,
        sender: &SyncSender<Result<Message>>,
    ) {
        // What waits in the channels and what each reader has in hands.
        let share = self.memory_limit / 16 / (step * (ahead + 1)) as u64;
        for path in self.inputs.iter().skip(first).step_by(step) {
            let send = |message| sender.send(message).map_err(|_| Error::Cancelled);
            let read = read_one(path, self.dropped, share, meter, |batch, place, row| {
                send(Ok(Message::Batch(batch, place.to_owned(), row)))
            });
            let last = read.is_err();
            if send(read.map(|()| Message::End)).is_err() || last {
                return;
            }
        }
    }
}

fn read_one(
    path: &Path,
    dropped: &[String],
    batch_bytes: u64,
    meter: &Meter,
    mut each: impl FnMut(RecordBatch, &str, u64) -> Result<()>,
) -> Result<()> {
    let mut reader = SegmentReader::open(path, dropped, batch_bytes)?;
    let mut place = String::new();
    let mut group = usize::MAX;
    loop {
        let timer = meter.time(Figure::Read);
        let Some(batch) = reader.next()? else { return Ok(()) };
        drop(timer);
        if reader.row_group() != group {
            group = reader.row_group();
            place = reader.place();
        }
        each(batch, &place, reader.first_row())?;
    }
}
