//! What a writer did, stage by stage: counters and times that callers can read at any moment.
//!
//! The figures are plain atomic numbers, added to once a batch, a run or a file, never once a row. Each stage is also a
//! `tracing` span of level debug, named like its time below; who does not listen pays for one comparison.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing::debug_span;
use tracing::span::EnteredSpan;

/// Counters and times of a writer. Times are those of the threads that did the work, so with several threads they may
/// come to more than the clock says; a time is 0 where the stage was not needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Rows that were given to the writer, before any drop.
    pub rows: u64,
    /// Batches in which they came.
    pub batches: u64,
    /// Sorted runs written to disk since the rows did not fit into memory.
    pub spilled_runs: u64,
    /// Bytes of all runs on disk, compressed, those of later passes included.
    pub spilled_bytes: u64,
    /// Runs that were merged into longer ones before the last merge.
    pub merged_runs: u64,
    /// Output files.
    pub files: u64,
    /// Row groups of the output files.
    pub row_groups: u64,
    /// Bytes of the output files.
    pub bytes: u64,
    /// Most bytes that rows waiting to be sorted held.
    pub peak_buffered: u64,
    /// Most bytes that the open file held: open pages, dictionaries, finished pages in memory.
    pub peak_encoding: u64,
    /// Time of decoding the input, in jobs that read segments one after another.
    pub read: Duration,
    /// Time of checking batches and taking them in.
    pub admit: Duration,
    /// Time of putting batches in order and sorting keys, by the clock of the thread that waits for it.
    pub sort: Duration,
    /// Time of writing sorted runs, gathering included.
    pub spill: Duration,
    /// Time of encoding columns and collecting fingerprints, by the clock of the thread that waits for it.
    pub encode: Duration,
    /// Time of putting files together and writing them, beside everything else but in jobs of one thread that sync nothing.
    pub assemble: Duration,
    /// Time of writing files to the file system; part of `assemble`.
    pub write: Duration,
    /// Time of bringing files to stable storage, beside everything else.
    pub sync: Duration,
}

/// One figure of [`Stats`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    Rows,
    Batches,
    SpilledRuns,
    SpilledBytes,
    MergedRuns,
    Files,
    RowGroups,
    Bytes,
    PeakBuffered,
    PeakEncoding,
    Read,
    Admit,
    Sort,
    Spill,
    Encode,
    Assemble,
    Write,
    Sync,
}

/// Number of figures.
const FIGURES: usize = Figure::Sync as usize + 1;

/// Collects the figures; clones collect into the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Arc<[AtomicU64; FIGURES]>);

impl Meter {
    fn figure(&self, figure: Figure) -> &AtomicU64 {
        &self.0[figure as usize]
    }

    pub(crate) fn add(&self, figure: Figure, amount: u64) {
        self.figure(figure).fetch_add(amount, Ordering::Relaxed);
    }

    /// Notes a figure of which the largest counts.
    pub(crate) fn largest(&self, figure: Figure, amount: u64) {
        self.figure(figure).fetch_max(amount, Ordering::Relaxed);
    }

    /// Times a stage until what is returned is dropped.
    pub(crate) fn time(&self, figure: Figure) -> Timer<'_> {
        let span = match figure {
            Figure::Read => debug_span!("read"),
            Figure::Admit => debug_span!("admit"),
            Figure::Sort => debug_span!("sort"),
            Figure::Spill => debug_span!("spill"),
            Figure::Encode => debug_span!("encode"),
            Figure::Assemble => debug_span!("assemble"),
            Figure::Write => debug_span!("write"),
            Figure::Sync => debug_span!("sync"),
            _ => debug_span!("other"),
        };
        Timer { meter: self, figure, started: Instant::now(), _span: span.entered() }
    }

    pub(crate) fn stats(&self) -> Stats {
        let count = |figure| self.figure(figure).load(Ordering::Relaxed);
        let time = |figure| Duration::from_nanos(count(figure));
        Stats {
            rows: count(Figure::Rows),
            batches: count(Figure::Batches),
            spilled_runs: count(Figure::SpilledRuns),
            spilled_bytes: count(Figure::SpilledBytes),
            merged_runs: count(Figure::MergedRuns),
            files: count(Figure::Files),
            row_groups: count(Figure::RowGroups),
            bytes: count(Figure::Bytes),
            peak_buffered: count(Figure::PeakBuffered),
            peak_encoding: count(Figure::PeakEncoding),
            read: time(Figure::Read),
            admit: time(Figure::Admit),
            sort: time(Figure::Sort),
            spill: time(Figure::Spill),
            encode: time(Figure::Encode),
            assemble: time(Figure::Assemble),
            write: time(Figure::Write),
            sync: time(Figure::Sync),
        }
    }
}

/// Adds the time of a stage when it is dropped.
pub(crate) struct Timer<'a> {
    meter: &'a Meter,
    figure: Figure,
    started: Instant,
    _span: EnteredSpan,
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        let nanoseconds = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.meter.add(self.figure, nanoseconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_collect_into_the_same_figures() {
        let meter = Meter::default();
        let other = meter.clone();
        other.add(Figure::Rows, 3);
        meter.add(Figure::Rows, 4);
        meter.largest(Figure::PeakBuffered, 9);
        other.largest(Figure::PeakBuffered, 5);
        drop(other.time(Figure::Sync));
        let stats = meter.stats();
        assert_eq!((stats.rows, stats.peak_buffered, stats.files), (7, 9, 0));
    }
}
