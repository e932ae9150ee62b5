//! Rolling data points up: what falls into one interval of a timeseries becomes one row.
//!
//! 1. Rows come by TID, as picks from batches (module `sorted`). All rows of a TID form a group; the last group of a
//!    piece may go on in the next, so it is carried over, copied out of its batches.
//! 2. A row alone in its group only has its time aligned. In a larger group each row must have all that a merge needs
//!    (module `rules`), or is dropped under a declared reason.
//! 3. The rows of a group are ordered by aligned time and name. A row alone under its key passes unchanged but for the
//!    time; that its sketch could be read is verified without reading it into anything. Several are merged: their
//!    sketches are added up, the figures taken from the sum, the other columns from the first row.
//! 4. What is left is gathered at once, a column at a time, straight from the input's batches (module `table`).
//!
//! Memory: a group that outgrows its share goes through a sort by aligned time (module `order`) that spills to disk;
//! what must fit is the rows of one TID *and one interval*. Cost: one sort of each group's keys; a sketch is decoded
//! only where it is merged.

pub(crate) mod rules;
pub(crate) mod sketch;
mod table;

use std::collections::BTreeMap;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::order::sorter::Sorter;
use crate::order::strategy::Ordering;
use crate::parallel::workers::Workers;
use crate::rollup::sketch::Sketch;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::key::Key;
use crate::scratch::Scratch;
use crate::stats::Meter;

use rules::{EMPTY_MERGE, Ids, Interval, Need, Point, UNDECODABLE_SKETCH, View};
use table::Table;

/// What became of the rows.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) dropped: BTreeMap<&'static str, u64>,
    /// Contributions beyond the first of each merged row.
    pub(crate) merged: u64,
}

impl Tally {
    fn drop_rows(&mut self, reason: &'static str, rows: u64) {
        *self.dropped.entry(reason).or_default() += rows;
    }
}

/// Where rolled-up rows go, in order of TID, time and name.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(Rows) -> Result<()>;

/// Rolls up a stream of rows in order of their TID.
pub(crate) struct Rollup<'a> {
    merger: Merger<'a>,
    carried: Carried,
    /// A group that outgrew its share of memory.
    large: Option<(Key, Sorter)>,
    /// Bytes that a group may hold before it goes through a sort.
    share: usize,
    cancel: &'a Cancel,
    meter: &'a Meter,
}

impl<'a> Rollup<'a> {
    pub(crate) fn new(
        interval: Interval,
        ids: Ids,
        catalog: &'a Catalog,
        share: usize,
        cancel: &'a Cancel,
        meter: &'a Meter,
    ) -> Self {
        Self {
            merger: Merger {
                interval,
                table: Table::new(&ids),
                ids,
                catalog,
                tally: Tally::default(),
                points: Vec::new(),
                kept: Vec::new(),
                sum: Sketch::default(),
                one: Sketch::default(),
            },
            carried: Carried::default(),
            large: None,
            share: share.max(1),
            cancel,
            meter,
        }
    }

    /// Takes in the next rows: `picks` are (batch, row).
    pub(crate) fn add(
        &mut self,
        held: &[Rows],
        picks: &[(usize, usize)],
        scratch: &mut Scratch,
        sink: Sink<'_>,
    ) -> Result<()> {
        self.cancel.check()?;
        let mut picks = picks;
        if let Some((tid, _)) = self.large {
            let run = picks.iter().take_while(|(part, row)| held[*part].keys[*row] == tid).count();
            self.enlarge(held, &picks[..run], scratch)?;
            picks = &picks[run..];
            if picks.is_empty() {
                return Ok(());
            }
            self.finish_large(scratch, sink)?;
        }
        self.carried.advance(held, picks, Need::Everything, &mut self.merger, sink)?;
        // One row, however large, may turn out to be alone in its group, to which other rules apply.
        if self.carried.bytes > self.share && self.carried.rows > 1 {
            let parts = std::mem::take(&mut self.carried).parts;
            let tid = parts[0].keys[0];
            self.large = Some((
                tid,
                Sorter::new(Ordering::Spillable, self.share as u64, Workers::new(1), self.meter.clone()),
            ));
            for part in &parts {
                let all: Vec<(usize, usize)> = (0..part.len).map(|row| (0, row)).collect();
                self.enlarge(std::slice::from_ref(part), &all, scratch)?;
            }
        }
        Ok(())
    }

    /// Ends the stream.
    pub(crate) fn finish(mut self, scratch: &mut Scratch, sink: Sink<'_>) -> Result<Tally> {
        self.finish_large(scratch, sink)?;
        self.carried.end(Need::Everything, &mut self.merger, sink)?;
        Ok(self.merger.tally)
    }

    /// Adds rows to the large group, their time aligned and become their key.
    fn enlarge(&mut self, held: &[Rows], picks: &[(usize, usize)], scratch: &mut Scratch) -> Result<()> {
        let views: Vec<View<'_>> = held
            .iter()
            .map(|rows| View::new(rows, &self.merger.ids, self.merger.catalog))
            .collect::<Result<_>>()?;
        let (mut wanted, mut times) = (Vec::with_capacity(picks.len()), Vec::with_capacity(picks.len()));
        for &(part, row) in picks {
            match views[part].aligned(row, self.merger.interval) {
                Ok(time) => {
                    wanted.push((part, row));
                    times.push(time);
                }
                Err(reason) => self.merger.tally.drop_rows(reason, 1),
            }
        }
        let (Some((_, sorter)), Some(time)) = (&mut self.large, self.merger.ids.time) else { return Ok(()) };
        if wanted.is_empty() {
            return Ok(());
        }
        let mut rows = Rows::gather(held, &wanted, self.merger.catalog)?.without_empty_columns();
        rows.keys = times.iter().map(|time| Some(*time)).collect();
        rows.put(time, std::sync::Arc::new(arrow::array::Int64Array::from(times)));
        sorter.push(rows, Some(time), self.merger.catalog, scratch)
    }

    fn finish_large(&mut self, scratch: &mut Scratch, sink: Sink<'_>) -> Result<()> {
        let Some((_, sorter)) = self.large.take() else { return Ok(()) };
        let (catalog, key) = (self.merger.catalog, self.merger.ids.time);
        let merger = &mut self.merger;
        let mut carried = Carried::default();
        sorter.end(key, catalog, scratch)?.drain(catalog, scratch, self.cancel, |rows| {
            let all: Vec<(usize, usize)> = (0..rows.len).map(|row| (0, row)).collect();
            carried.advance(std::slice::from_ref(&rows), &all, Need::Checked, merger, sink)
        })?;
        carried.end(Need::Checked, &mut self.merger, sink)
    }
}

/// The rows of a group that may go on, copied out of the batches that they came in.
#[derive(Default)]
struct Carried {
    parts: Vec<Rows>,
    rows: usize,
    bytes: usize,
}

impl Carried {
    /// Merges all groups that are complete with these rows, and carries the last one over.
    fn advance(
        &mut self,
        held: &[Rows],
        picks: &[(usize, usize)],
        need: Need,
        merger: &mut Merger<'_>,
        sink: Sink<'_>,
    ) -> Result<()> {
        let Some(&(part, row)) = picks.last() else { return Ok(()) };
        let last = held[part].keys[row];
        let tail = picks.partition_point(|(part, row)| held[*part].keys[*row] < last);
        let goes_on = self.parts.first().is_some_and(|rows| rows.keys[0] == last);
        if !goes_on {
            let ended = std::mem::take(self);
            let first = ended.parts.len();
            let parts: Vec<&Rows> = ended.parts.iter().chain(held).collect();
            let mut entries = ended.entries();
            entries.extend(picks[..tail].iter().map(|(part, row)| (part + first, *row)));
            merger.merge(&parts, &entries, need, sink)?;
        }
        let rows = Rows::gather(held, &picks[tail..], merger.catalog)?.without_empty_columns();
        self.rows += rows.len;
        self.bytes += rows.memory();
        self.parts.push(rows);
        Ok(())
    }

    fn end(self, need: Need, merger: &mut Merger<'_>, sink: Sink<'_>) -> Result<()> {
        merger.merge(&self.parts.iter().collect::<Vec<_>>(), &self.entries(), need, sink)
    }

    fn entries(&self) -> Vec<(usize, usize)> {
        let parts = self.parts.iter().enumerate();
        parts.flat_map(|(part, rows)| (0..rows.len).map(move |row| (part, row))).collect()
    }
}

/// Merges complete groups.
struct Merger<'a> {
    interval: Interval,
    ids: Ids,
    catalog: &'a Catalog,
    tally: Tally,
    table: Table,
    /// Room to work in: the points of a group, those kept under one key, two sketches.
    points: Vec<Point>,
    kept: Vec<usize>,
    sum: Sketch,
    one: Sketch,
}

impl Merger<'_> {
    /// Merges rows in order of their keys, all groups complete, and passes what is left to the sink.
    fn merge(
        &mut self,
        parts: &[&Rows],
        entries: &[(usize, usize)],
        need: Need,
        sink: Sink<'_>,
    ) -> Result<()> {
        let views: Vec<View<'_>> =
            parts.iter().map(|rows| View::new(rows, &self.ids, self.catalog)).collect::<Result<_>>()?;
        let key = |&(part, row): &(usize, usize)| parts[part].keys[row];
        for group in entries.chunk_by(|a, b| key(a) == key(b)) {
            match group {
                [only] if need == Need::Everything => match views[only.0].aligned(only.1, self.interval) {
                    Ok(time) => self.table.pass(*only, time),
                    Err(reason) => self.tally.drop_rows(reason, 1),
                },
                _ => self.merge_group(&views, group, need),
            }
        }
        match self.table.take(parts, self.catalog)? {
            Some(rows) => sink(rows.without_empty_columns()),
            None => Ok(()),
        }
    }

    fn merge_group(&mut self, views: &[View<'_>], group: &[(usize, usize)], need: Need) {
        let mut points = std::mem::take(&mut self.points);
        points.clear();
        for &(part, row) in group {
            match views[part].point((part, row), self.interval, need) {
                Ok(point) => points.push(point),
                Err(reason) => self.tally.drop_rows(reason, 1),
            }
        }
        let name = |point: &Point| views[point.at.0].name(point.at.1);
        let order = |a: &Point, b: &Point| a.time.cmp(&b.time).then_with(|| name(a).cmp(name(b)));
        if !points.is_sorted_by(|a, b| order(a, b).is_le()) {
            // Stable: the rows of a key stay in order of the inputs.
            points.sort_by(order);
        }
        for same in points.chunk_by(|a, b| a.time == b.time && name(a) == name(b)) {
            self.merge_key(views, same);
        }
        self.points = points;
    }

    fn merge_key(&mut self, views: &[View<'_>], points: &[Point]) {
        if let [only] = points {
            if only.value.is_some() || Sketch::is_decodable(views[only.at.0].sketch(only.at.1)) {
                self.table.pass(only.at, only.time);
            } else {
                self.tally.drop_rows(UNDECODABLE_SKETCH, 1);
            }
            return;
        }
        self.kept.clear();
        self.sum.clear();
        for (index, point) in points.iter().enumerate() {
            match point.value {
                // A value that no sketch holds adds nothing, yet its row counts.
                Some(value) => drop(self.one.set_value(value)),
                None => {
                    if self.one.decode(views[point.at.0].sketch(point.at.1)).is_err() {
                        self.tally.drop_rows(UNDECODABLE_SKETCH, 1);
                        continue;
                    }
                }
            }
            self.kept.push(index);
            self.sum.merge(&self.one);
        }
        match self.kept.as_slice() {
            [] => {}
            [only] => self.table.pass(points[*only].at, points[*only].time),
            [first, rest @ ..] => {
                if self.table.merged(points[*first].at, points[*first].time, &self.sum) {
                    self.tally.merged += rest.len() as u64;
                } else {
                    self.tally.drop_rows(EMPTY_MERGE, self.kept.len() as u64);
                }
            }
        }
    }
}
