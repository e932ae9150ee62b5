//! Merging sorted runs.
//!
//! 1. While there are more runs than the fan-in, neighbouring runs are merged into longer ones: no more of them than it
//!    takes, and only neighbours, so that ties stay in order of arrival.
//! 2. A heap holds the head key of each run. The lowest run gives rows as long as its key does not exceed the head of
//!    the next lowest; equal keys go to the earlier run.
//! 3. Picked rows are remembered as (batch, row) and gathered at once. A batch that a run has used up is kept until the
//!    rows picked from it are gathered, so a batch is never freed while a picked row lies in it.
//!
//! Inputs of a merge never exceed the fan-in, whatever the data; runs share one open file. Runs of rows so large that their batches
//! would not fit into the memory together are merged fewer at once, two at least.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeMap, BinaryHeap};

use crate::cancel::Cancel;
use crate::error::Result;
use crate::memory_plan::{LITTLE_MERGE, RUN_BATCH, RUN_FAN_IN, USED_UP_BATCHES};
use crate::order::ahead_segment::AheadSegment;
use crate::order::run::{Run, RunReader, RunWriter};
use crate::order::sort::{SortedBuffer, entry, key_of, place_of};
use crate::order::sorted_segment::SortedSegment;
use crate::order::spill::SpillFile;
use crate::parallel::workers::Workers;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::ColumnId;
use crate::rows::key::Key;
use crate::scratch::Scratch;
use crate::stats::{Figure, Meter};

/// Most input files that are merged at once: each of them is open.
pub(crate) const FAN_IN: usize = 24;

/// A batch of a run counts as large from so many times the bytes that it should have.
const LARGE_BATCH: usize = 8;

/// Rows that are gathered at once, and half as many where batches may hold no more than [`LITTLE_MERGE`] bytes.
const GATHER_ROWS: usize = 8192;

/// What a merge needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MergeContext<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) key: Option<ColumnId>,
    pub(crate) cancel: &'a Cancel,
    /// Bytes that the batches of all sources together may hold.
    pub(crate) memory: usize,
    pub(crate) meter: &'a Meter,
    pub(crate) workers: &'a Workers,
}

/// A sorted sequence of rows.
pub(crate) enum Source {
    Disk(Box<RunReader>),
    Memory(SortedBuffer),
    /// An input that claims to be sorted.
    Segment(Box<SortedSegment>),
    /// The same, read ahead in another thread.
    Ahead(AheadSegment),
}

impl Source {
    /// The next rows and the bytes of memory that they hold on to.
    fn next(&mut self, context: &MergeContext<'_>) -> Result<Option<(Rows, usize)>> {
        context.cancel.check()?;
        let rows = match self {
            // Its columns share their memory: counted one by one they would come to many times as much.
            Self::Disk(reader) => return reader.next(context.key),
            Self::Memory(buffer) => buffer.next(context.catalog)?,
            Self::Segment(segment) => segment.next(context.catalog)?,
            Self::Ahead(segment) => segment.next()?,
        };
        Ok(rows.map(|rows| {
            let bytes = rows.memory();
            (rows, bytes)
        }))
    }
}

/// Runs of these, from the first on, whose large batches fit into the memory together: two at least, and no more than the fan-in.
fn fitting(runs: &[Run], memory: usize) -> usize {
    let large = LARGE_BATCH * run_batch_bytes(memory);
    let mut bytes = 0_usize;
    let fits = |run: &&Run| {
        bytes = bytes.saturating_add(if run.largest() > large { run.largest() } else { 0 });
        bytes <= memory
    };
    runs.iter().take(RUN_FAN_IN).take_while(fits).count().max(2)
}

/// Merges neighbouring runs until those that are left may be merged at once.
pub(crate) fn reduce(
    mut runs: Vec<Run>,
    scratch: &mut Scratch,
    context: &MergeContext<'_>,
) -> Result<Vec<Run>> {
    let mut first = 0;
    // One file a pass: those of earlier passes go as their runs are used up.
    let mut file: Option<SpillFile> = None;
    while fitting(&runs, context.memory) < runs.len() {
        if first + 2 > runs.len() {
            first = 0;
            file = None;
        }
        let needed = runs.len().saturating_sub(RUN_FAN_IN) + 1;
        let most = fitting(&runs[first..], context.memory).min(runs.len() - first);
        // Where only their number is too large, no more than it takes.
        let count = if needed > 1 && needed <= most { needed.max(2) } else { most };
        let readers =
            runs.drain(first..first + count).map(RunReader::open).collect::<Result<Vec<RunReader>>>()?;
        let mut forms = BTreeMap::new();
        for (id, form) in readers.iter().flat_map(RunReader::forms) {
            let known = forms.entry(id).or_insert_with(|| form.clone());
            if *known != form {
                *known = context.catalog.data_type(id).clone();
            }
        }
        let batch_bytes = run_batch_bytes(context.memory);
        let made = match file.take() {
            Some(file) => file,
            None => SpillFile::create(scratch)?,
        };
        let mut writer = RunWriter::create(
            made,
            context.catalog,
            forms.into_iter().collect(),
            batch_bytes,
            context.workers,
        )?;
        let sources = readers.into_iter().map(|reader| Source::Disk(Box::new(reader))).collect();
        merge(sources, context, |held, picks| {
            writer.write(&Rows::gather(held, picks, context.catalog)?, context.catalog)
        })?;
        let (run, made) = writer.finish()?;
        file = Some(made);
        context.meter.add(Figure::MergedRuns, count as u64);
        context.meter.add(Figure::SpilledBytes, run.bytes());
        runs.insert(first, run);
        first += 1;
    }
    Ok(runs)
}

/// Bytes of one batch in a run, so that a full fan-in of them, and the rows gathered from them, fit into `memory`.
pub(crate) fn run_batch_bytes(memory: usize) -> usize {
    RUN_BATCH.size_of(memory)
}

/// The next key of a source, and which source it is, as an entry of a sort.
type Head = u128;

fn head(key: Key, source: usize) -> Head {
    entry(key, source, 0)
}

fn source_of(head: Head) -> usize {
    place_of(head).0
}

/// One source within a merge.
struct Cursor {
    source: Source,
    /// Its current batch, as an index into the held batches.
    held: usize,
    row: usize,
    /// What that batch holds on to.
    bytes: usize,
}

/// Hands the rows of all sources on in order of their keys, ties in order of the sources: some batches, and which of
/// their rows come next, some thousand at once.
pub(crate) fn merge(
    sources: Vec<Source>,
    context: &MergeContext<'_>,
    mut each: impl FnMut(&[Rows], &[(usize, usize)]) -> Result<()>,
) -> Result<()> {
    let mut held: Vec<Rows> = Vec::with_capacity(sources.len());
    let mut cursors: Vec<Cursor> = Vec::with_capacity(sources.len());
    let mut heap: BinaryHeap<Reverse<Head>> = BinaryHeap::with_capacity(sources.len());
    for mut source in sources {
        if let Some((rows, bytes)) = source.next(context)? {
            heap.push(Reverse(head(rows.keys[0], cursors.len())));
            cursors.push(Cursor { source, held: held.len(), row: 0, bytes });
            held.push(rows);
        }
    }
    let gather_rows = if context.memory < LITTLE_MERGE { GATHER_ROWS / 2 } else { GATHER_ROWS };
    let mut used_up = 0;
    let mut picks: Vec<(usize, usize)> = Vec::with_capacity(gather_rows);
    // The lowest is not in the heap: it takes the place of the next lowest, which costs half as much as to go back first.
    let mut lowest = heap.pop();
    while let Some(Reverse(first)) = lowest {
        let index = source_of(first);
        let bound = heap.peek().map(|Reverse(head)| *head);
        let cursor = &mut cursors[index];
        let batch = &held[cursor.held];
        while cursor.row < batch.len && bound.is_none_or(|bound| head(batch.keys[cursor.row], index) < bound)
        {
            picks.push((cursor.held, cursor.row));
            cursor.row += 1;
        }
        let mut key = batch.keys.get(cursor.row).copied();
        if key.is_none() {
            used_up += cursor.bytes;
            if let Some((rows, bytes)) = cursor.source.next(context)? {
                key = rows.keys.first().copied();
                (cursor.held, cursor.row, cursor.bytes) = (held.len(), 0, bytes);
                held.push(rows);
            }
        }
        let own = key.map(|key| Reverse(head(key, index)));
        lowest = match (own, heap.peek_mut()) {
            (Some(own), Some(mut next)) if own < *next => Some(std::mem::replace(&mut next, own)),
            (Some(own), _) => Some(own),
            (None, next) => next.map(PeekMut::pop),
        };
        if picks.len() >= gather_rows || used_up > USED_UP_BATCHES.size_of(context.memory) {
            context.cancel.check()?;
            flush(&mut picks, gather_rows, &held, &mut each)?;
            used_up = 0;
            let mut kept = Vec::with_capacity(cursors.len());
            for cursor in &mut cursors {
                let rows = std::mem::take(&mut held[cursor.held]);
                if cursor.row < rows.len {
                    cursor.held = kept.len();
                    kept.push(rows);
                } else {
                    // The source has ended; the cursor is never looked at again.
                    cursor.held = usize::MAX;
                }
            }
            cursors_compact(&mut cursors, &mut heap, &mut lowest);
            held = kept;
        }
    }
    flush(&mut picks, gather_rows, &held, &mut each)
}

/// Lets go of ended cursors, keeping the order of the others, which decides ties.
fn cursors_compact(
    cursors: &mut Vec<Cursor>,
    heap: &mut BinaryHeap<Reverse<Head>>,
    lowest: &mut Option<Reverse<Head>>,
) {
    if cursors.iter().all(|cursor| cursor.held != usize::MAX) {
        return;
    }
    let mut renumbered = vec![0; cursors.len()];
    let mut next = 0;
    for (index, cursor) in cursors.iter().enumerate() {
        renumbered[index] = next;
        next += usize::from(cursor.held != usize::MAX);
    }
    let renumber = |Reverse(own): Reverse<Head>| Reverse(head(key_of(own), renumbered[source_of(own)]));
    *heap = heap.drain().map(renumber).collect();
    *lowest = lowest.map(renumber);
    cursors.retain(|cursor| cursor.held != usize::MAX);
}

/// Hands the picked rows on in pieces that keep within the memory.
fn flush(
    picks: &mut Vec<(usize, usize)>,
    gather_rows: usize,
    held: &[Rows],
    each: &mut impl FnMut(&[Rows], &[(usize, usize)]) -> Result<()>,
) -> Result<()> {
    for piece in picks.chunks(gather_rows) {
        each(held, piece)?;
    }
    picks.clear();
    Ok(())
}
