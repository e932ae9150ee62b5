//! From ordered rows to files.
//!
//! 1. Rows are cut anew into pieces whose ends depend on the rows alone, not on how they arrived: at most
//!    [`PIECE_ROWS`] rows or [`PIECE_BYTES`] bytes, fewer as a file nears its goal. So the output is the same whatever
//!    the input's batch sizes and the memory limit.
//! 2. A file ends before the first row of another hour, where hours are split; and, once it is full (by rows or by
//!    measured bytes), before the next row that does not belong to a group already begun.
//!    The pieces that make up three quarters of what still fits are encoded in one round, before the next look at the size.
//! 3. A file that came out too large is cut again, and so is the last one with the one before it if it came out too small
//!    (module `recut`): what did not fit is put before the rows that wait.
//! 4. Each piece goes into the open file's encoder and its metadata at once, so the two speak of the same rows.

use std::path::PathBuf;

use crate::cut::calendar::{dateint, hour_of, hour_of_day};
use crate::cut::given_back::GivenBack;
use crate::cut::group::Groups;
use crate::cut::queue::{Piece, Queue};
use crate::cut::remaining::RowsLeft;
use crate::cut::size::{PIECE_BYTES, Progress, SizeBounds, SizePlan};
use crate::encode::file_encoder::Encoders;
use crate::encode::pages::PagePool;
use crate::encode::properties::ROW_GROUP_ROWS;
use crate::error::{Error, Result};
use crate::memory_plan::{CLOSED_GROUPS, FINISHED_PAGES, MemoryPlan};
use crate::output::directory::OutputDirectory;
use crate::output::metadata::SplitKey;
use crate::output::open_file::{ClosedFile, OpenFile, Round};
use crate::output::outbox::Outbox;
use crate::output::recut::{RecutContext, may_recut, recut};
use crate::output::results::{FileResults, Finished, ResultLog};
use crate::output::settings::{Context, SplitSettings};
use crate::parallel::workers::Workers;
use crate::rows::catalog::Catalog;
use crate::rows::key::{Key, KeyRule};
use crate::rows::weighed::Weighed;
use crate::scratch::Scratch;
use crate::stats::Figure;

/// Most rows that are encoded between two decisions.
const PIECE_ROWS: usize = 2048;

/// Most rows that are encoded at once, in pieces: the fewer the rounds, the less often do threads that work side by side
/// meet.
const ROUND_ROWS: usize = 8 * PIECE_ROWS;

/// Bytes of values after which a round ends.
const ROUND_BYTES: f64 = 4.0 * PIECE_BYTES as f64;

/// The same in target sizes, so that no round makes many files' worth of bytes however badly its rows compress.
const ROUND_TARGETS: f64 = 4.0;

/// A round also ends where its rows are so much heavier than those before.
const HEAVIER: f64 = 1.5;

/// Row groups that a file may end early because an estimate of its size was too high.
const EARLY_ROW_GROUPS: usize = 4;

/// Cuts ordered rows into files.
pub(crate) struct Splitter {
    settings: SplitSettings,
    outbox: Outbox,
    encoders: Encoders,
    plan: SizePlan,
    groups: Option<Groups>,
    rows_left: RowsLeft,
    queue: Queue,
    file: Option<OpenFile>,
    /// Bytes of values a row in the file before.
    row_bytes: f64,
    results: ResultLog,
    /// The last file, while the next may turn out to be too small.
    held: Option<ClosedFile>,
    /// Files sent so far.
    files: usize,
    /// What is known of the last of them, until its size is.
    unsettled: Option<Finished>,
    /// Hour of the last file and files in it so far.
    hour_files: (i64, i64),
}

impl Splitter {
    pub(crate) fn new(
        settings: SplitSettings,
        output: OutputDirectory,
        place: PathBuf,
        rows_left: RowsLeft,
    ) -> Self {
        let plan = MemoryPlan::of(settings.memory_limit);
        let pool = PagePool::new(plan.size(FINISHED_PAGES));
        let groups = settings.group.clone().map(|column| {
            let by_key = settings.ordered && settings.key.as_ref().is_some_and(|key| key.column == column);
            Groups::new(column, by_key, plan.size(CLOSED_GROUPS))
        });
        Self {
            encoders: Encoders::new(
                settings.plain.clone(),
                settings.metadata.fingerprints.clone(),
                pool,
                settings.workers.clone(),
                settings.meter.clone(),
                place,
            ),
            outbox: Outbox::new(
                output,
                settings.workers.threads(),
                settings.sync,
                settings.memory_limit,
                settings.meter.clone(),
            ),
            plan: SizePlan::new(settings.target_size),
            results: ResultLog::new(settings.memory_limit),
            settings,
            groups,
            rows_left,
            queue: Queue::default(),
            file: None,
            row_bytes: 0.0,
            held: None,
            files: 0,
            unsettled: None,
            hour_files: (0, 0),
        }
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.settings.workers
    }

    /// Tells how many rows of each hour will come, before the first of them.
    pub(crate) fn expect(&mut self, rows_left: RowsLeft) {
        self.rows_left = rows_left;
    }

    pub(crate) fn push(&mut self, weighed: Weighed, context: &mut Context<'_>) -> Result<()> {
        let starts = match &mut self.groups {
            Some(groups) => Some(groups.starts(&weighed.rows, context.catalog)?),
            None => None,
        };
        self.queue.push(weighed, starts);
        self.pump(false, context)
    }

    /// Writes what is left and gives all files their final names.
    pub(crate) fn finish(mut self, context: &mut Context<'_>) -> Result<FileResults> {
        loop {
            self.pump(true, context)?;
            let Some(surplus) = self.close_file(context)? else { break };
            self.queue.put_back(surplus, None, context.catalog)?;
        }
        if let Some(last) = self.held.take() {
            self.send(last, context)?;
        }
        self.settle(context.scratch)?;
        // Before the commit: what cannot be cleaned up must not look like a success.
        context.scratch.clear()?;
        context.cancel.check()?;
        let names = self.outbox.finish()?;
        Ok(self.results.finish(names))
    }

    fn pump(&mut self, last: bool, context: &mut Context<'_>) -> Result<()> {
        while self.queue.rows() > 0 {
            let rows = self.rows_until_look();
            if !last && !self.queue.suffices(rows) {
                break;
            }
            context.cancel.check()?;
            let piece = self.queue.cut(rows, context.catalog)?;
            self.feed(&piece, context)?;
        }
        Ok(())
    }

    fn feed(&mut self, piece: &Piece, context: &mut Context<'_>) -> Result<()> {
        let (rows, row_bytes) = (&piece.rows, piece.row_bytes());
        let mut at = 0;
        while at < rows.len {
            if self.file.as_ref().is_some_and(|file| {
                self.leaves_hour(file.hour, rows.keys[at]) || (file.full && piece.may_cut(at))
            }) && let Some(surplus) = self.close_file(context)?
            {
                let starts = piece.starts.as_ref().map(|starts| starts[at..].to_vec());
                let rest = rows.slice(at, rows.len - at);
                return self.queue.put_back(surplus, Some((rest, starts)), context.catalog);
            }
            if self.file.is_none() {
                self.open_file(rows.keys[at]);
            }
            let (mut hour, full) = self.file.as_ref().map_or((None, false), |file| (file.hour, file.full));
            // The piece was cut for the file before, if that has just ended.
            let most = self.rows_until_look().min(rows.len - at);
            let mut end = at;
            while end < at + most {
                let leaves = end > at && full && piece.may_cut(end);
                if leaves || self.leaves_hour(hour, rows.keys[end]) {
                    break;
                }
                hour = hour.or(self.hour(rows.keys[end]));
                end += 1;
            }
            if let Some(file) = &mut self.file {
                let taken = rows.slice(at, end - at);
                let starts = piece.starts.as_ref().map(|starts| &starts[at..end]);
                file.hour = hour;
                self.rows_left.take(&taken.keys);
                let bytes = row_bytes * taken.len as f64;
                file.take(taken, starts, bytes, context.catalog, &self.settings)?;
            }
            if self.round_is_complete() {
                self.look(context)?;
            }
            at = end;
        }
        Ok(())
    }

    fn open_file(&mut self, key: Key) {
        let mut file = OpenFile::default();
        let rows_left = self.rows_left.of(self.hour(key));
        file.most = self.round(&file, Progress { bytes: 0.0, rows: 0, rows_left });
        self.file = Some(file);
    }

    /// What the next round of a file may have: a part of what still fits, so that the file is not full before its end.
    fn round(&self, file: &OpenFile, progress: Progress) -> Round {
        if file.full || self.settings.rows_per_file.is_some() {
            return Round { rows: ROUND_ROWS, bytes: ROUND_BYTES };
        }
        let rows = self.plan.rows_until_look(progress, ROUND_ROWS);
        let row_bytes =
            if progress.rows == 0 { self.row_bytes } else { file.value_bytes / progress.rows as f64 };
        let most = ROUND_BYTES.min(ROUND_TARGETS * self.settings.target_size as f64);
        Round { rows, bytes: (HEAVIER * row_bytes * rows as f64).min(most) }
    }

    fn round_is_complete(&self) -> bool {
        self.file.as_ref().is_some_and(|file| {
            self.settings.rows_per_file.is_some_and(|limit| file.metadata.rows >= limit)
                || file.round.rows >= file.most.rows
                || file.round.bytes >= file.most.bytes
                || file.encoder.open_rows() >= ROW_GROUP_ROWS
        })
    }

    /// Encodes what waits and decides by the size that it comes to.
    fn look(&mut self, context: &mut Context<'_>) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let bytes = file.encode(&mut self.encoders, context.catalog, context.scratch, &self.settings)?;
        if let Some(limit) = self.settings.rows_per_file {
            file.full = file.metadata.rows >= limit;
        }
        let rows_left = self.rows_left.of(file.hour);
        let progress = Progress { bytes, rows: file.metadata.rows, rows_left };
        if self.settings.rows_per_file.is_none() && !file.full && self.plan.is_full(progress) {
            self.end(progress, context.catalog)?;
        }
        if let Some(mut file) = self.file.take() {
            file.most = self.round(&file, progress);
            self.file = Some(file);
        }
        Ok(())
    }

    /// Ends a file that looks full, unless it turns out not to be.
    fn end(&mut self, progress: Progress, catalog: &Catalog) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        // In a file that may not end here the open row group goes on, unless the estimate has no footing yet.
        let trusted = self.groups.is_some() && self.plan.has_footing();
        file.full = trusted || file.early_row_groups >= EARLY_ROW_GROUPS || {
            file.encoder.close_row_group(&mut self.encoders, catalog)?;
            file.early_row_groups += 1;
            let bytes = file.encoder.sizes(&self.encoders).0;
            self.plan.is_really_full(Progress { bytes, ..progress })
        };
        Ok(())
    }

    /// Ends the open file; yields rows that it turned out not to have room for.
    fn close_file(&mut self, context: &mut Context<'_>) -> Result<Option<GivenBack>> {
        let Some(file) = self.file.take() else { return Ok(None) };
        context.cancel.check()?;
        let full = file.full;
        let closed = file.close(&mut self.encoders, context.catalog, &self.settings)?;
        if let Some(bounds) = self.too_large(&closed) {
            return self.recut(vec![closed], bounds, context);
        }
        if let Some(bounds) = self.too_small(&closed).filter(|_| !full)
            && let Some(before) = self.held.take()
        {
            return self.recut(vec![before, closed], bounds, context);
        }
        self.hold(closed, context)?;
        Ok(None)
    }

    fn recut(
        &mut self,
        files: Vec<ClosedFile>,
        bounds: SizeBounds,
        context: &mut Context<'_>,
    ) -> Result<Option<GivenBack>> {
        let joined = files.len() > 1;
        let with = RecutContext { encoders: &mut self.encoders, settings: &self.settings, step: context };
        let (file, surplus) = recut(files, bounds, with)?;
        self.rows_left.give_back(file.hour, surplus.as_ref().map_or(0, GivenBack::rows));
        self.hold(ClosedFile { joined, ..file }, context)?;
        Ok(surplus)
    }

    /// What a file should come to instead, if it is too large.
    fn too_large(&self, file: &ClosedFile) -> Option<SizeBounds> {
        let rows_left = self.rows_left.of(file.hour);
        let progress = Progress { bytes: file.bytes, rows: file.metadata.rows, rows_left };
        let bounds = self.plan.too_large(progress).filter(|_| self.settings.rows_per_file.is_none());
        bounds.filter(|bounds| may_recut(&[file], *bounds))
    }

    /// What the last file and the one before should come to instead, if the last is too small.
    fn too_small(&self, last: &ClosedFile) -> Option<SizeBounds> {
        let before = self.held.as_ref().filter(|before| before.hour == last.hour && !before.joined)?;
        let progress = Progress { bytes: before.bytes, rows: before.metadata.rows, rows_left: None };
        let bounds = self.plan.too_small(last.bytes, progress)?;
        (self.settings.rows_per_file.is_none() && may_recut(&[before, last], bounds)).then_some(bounds)
    }

    /// Learns from a file and keeps it until the next is known, which may be too small to be left alone.
    fn hold(&mut self, file: ClosedFile, context: &Context<'_>) -> Result<()> {
        self.row_bytes = file.value_bytes / file.metadata.rows.max(1) as f64;
        self.plan.learn(file.bytes, file.metadata.rows);
        let rows_left = self.rows_left.of(file.hour);
        let before = self.held.replace(file);
        if let Some(before) = before {
            self.send(before, context)?;
        }
        // Memory for another file's pages is taken only where the last one may be the next.
        if self.plan.is_far_from_end(rows_left)
            && let Some(file) = self.held.take()
        {
            self.send(file, context)?;
        }
        Ok(())
    }

    /// Sends a file on its way.
    fn send(&mut self, file: ClosedFile, context: &Context<'_>) -> Result<()> {
        let ClosedFile { assembly, mut metadata, fingerprints, hour, .. } = file;
        let key = self.settings.key.as_ref().and_then(|key| context.catalog.id(&key.column));
        let exact = self.settings.report_inexact_keys
            || self.settings.metadata.time.is_some()
            || key.is_some_and(|key| KeyRule::is_exact(context.catalog.data_type(key)));
        let result = Finished {
            record_count: metadata.rows as u64,
            file_size: 0,
            fingerprints,
            first_ts: metadata.first.filter(|_| exact),
            last_ts: metadata.last.filter(|_| exact),
            split_key: self.split_key(hour)?,
            tids: metadata.tids(&self.settings.metadata),
            traces: metadata.traces(&self.settings.metadata),
        };
        self.settle(context.scratch)?;
        self.settings.meter.add(Figure::RowGroups, assembly.row_groups.len() as u64);
        self.outbox.send(assembly)?;
        self.unsettled = Some(result);
        self.files += 1;
        if self.files == 1 {
            // Until one is done, nothing is known of footers.
            self.settle(context.scratch)?;
        }
        Ok(())
    }

    /// Learns what the file closed last came to. That is awaited at a point that depends on the rows alone.
    fn settle(&mut self, scratch: &Scratch) -> Result<()> {
        let Some(mut result) = self.unsettled.take() else { return Ok(()) };
        let assembled = self.outbox.receive()?;
        self.encoders.learn(assembled);
        self.settings.meter.add(Figure::Files, 1);
        self.settings.meter.add(Figure::Bytes, assembled.bytes);
        result.file_size = assembled.bytes;
        self.results.push(&result, scratch)
    }

    fn split_key(&mut self, hour: Option<i64>) -> Result<Option<SplitKey>> {
        let (Some(ingest_dateint), Some(hour)) = (self.settings.ingest_dateint, hour) else {
            return Ok(None);
        };
        if self.files == 0 || self.hour_files.0 != hour {
            self.hour_files = (hour, 0);
        }
        let file_index = self.hour_files.1;
        self.hour_files.1 += 1;
        if file_index > i64::from(i16::MAX) {
            return Err(Error::Config(format!(
                "hour {} of {} needs more than {} files, the most that a 16-bit file index can number; \
                 allow more rows or bytes per file",
                hour_of_day(hour),
                dateint(hour),
                i64::from(i16::MAX) + 1
            )));
        }
        let hour_of_day = hour_of_day(hour);
        Ok(Some(SplitKey { dateint: dateint(hour), hour: hour_of_day, ingest_dateint, file_index }))
    }

    fn hour(&self, key: Key) -> Option<i64> {
        key.filter(|_| self.settings.split_hours).map(hour_of)
    }

    /// Whether a row lies in another hour than the file. Rows without a key have no hour and stay with their neighbours.
    fn leaves_hour(&self, hour: Option<i64>, key: Key) -> bool {
        matches!((hour, self.hour(key)), (Some(hour), Some(next)) if hour != next)
    }

    fn rows_until_look(&self) -> usize {
        let file = self.file.as_ref();
        let most = PIECE_ROWS.min(ROW_GROUP_ROWS - file.map_or(0, |file| file.encoder.open_rows()));
        let written = file.map_or(0, |file| file.metadata.rows);
        if file.is_some_and(|file| file.full) {
            return most;
        }
        match (self.settings.rows_per_file, file) {
            (Some(limit), _) => most.min(limit - written),
            // The size is looked at when the round ends.
            (None, Some(file)) => most.min(file.most.rows.saturating_sub(file.round.rows)).max(1),
            (None, None) => {
                let progress = Progress { bytes: 0.0, rows: 0, rows_left: self.rows_left.of(None) };
                self.plan.rows_until_look(progress, most)
            }
        }
    }
}
