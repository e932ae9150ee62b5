//! From ordered rows to files.
//!
//! 1. Rows are cut anew into pieces whose ends depend on the rows alone, not on how they arrived: at most
//!    [`PIECE_ROWS`] rows or [`PIECE_BYTES`] bytes, fewer as a file nears its goal. So the output is the same whatever
//!    the input's batch sizes and the memory limit.
//! 2. A file ends before the first row of another hour, where hours are split; and, once it is full (by rows or by
//!    measured bytes), before the next row that does not belong to a group already begun.
//!    The pieces that make up three quarters of what still fits are encoded in one round, before the next look at the size.
//! 3. Each piece goes into the open file's encoder and its metadata at once, so the two speak of the same rows.

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::calendar::{dateint, hour_of, hour_of_day};
use crate::cancel::Cancel;
use crate::catalog::Catalog;
use crate::encode::{Encoders, OPEN_BYTES, Sizes};
use crate::error::{Error, Result};
use crate::group::Groups;
use crate::key::{Key, KeyRule};
use crate::metadata::{MetadataRules, SplitKey};
use crate::open_file::{Looked, OpenFile, Round, Usual};
use crate::outbox::Outbox;
use crate::output::OutputDirectory;
use crate::pages::PagePool;
use crate::properties::ROW_GROUP_ROWS;
use crate::remaining::RowsLeft;
use crate::results::{FileResults, Finished, ResultLog};
use crate::rows::Rows;
use crate::sample::{ratio, samples};
use crate::scratch::Scratch;
use crate::size::{Progress, SizePlan};
use crate::stats::{Figure, Meter};
use crate::weighed::Weighed;
use crate::workers::Workers;

/// Most rows that are encoded between two decisions.
const PIECE_ROWS: usize = 2048;

/// Bytes of values after which a piece ends.
const PIECE_BYTES: usize = 1024 * 1024;

/// Most rows that are encoded at once, in pieces: the fewer the rounds, the less often do threads that work side by side
/// meet.
const ROUND_ROWS: usize = 8 * PIECE_ROWS;

/// Bytes of values after which a round ends.
const ROUND_BYTES: f64 = 4.0 * PIECE_BYTES as f64;

/// The same in target sizes, so that no round makes many files' worth of bytes however badly its rows compress.
const ROUND_TARGETS: f64 = 4.0;

/// A round also ends where its rows are so much heavier than those before.
const HEAVIER: f64 = 1.5;

/// An estimate is no better than a guess where samples make it so many times what was learned.
const SURE: f64 = 1.1;

/// Row groups that a file may end early because an estimate of its size was too high.
const EARLY_ROW_GROUPS: usize = 4;

/// How files are cut and what is said of them.
#[derive(Debug)]
pub(crate) struct SplitSettings {
    pub(crate) target_size: u64,
    /// Rows per file; replaces the target size.
    pub(crate) rows_per_file: Option<usize>,
    pub(crate) split_hours: bool,
    /// Makes a split key for each file.
    pub(crate) ingest_dateint: Option<i64>,
    pub(crate) group: Option<String>,
    pub(crate) metadata: MetadataRules,
    pub(crate) plain: Vec<String>,
    pub(crate) key: Option<KeyRule>,
    /// Whether rows arrive in order of the key.
    pub(crate) ordered: bool,
    /// Whether keys that merely count as 0 are reported as first and last.
    pub(crate) report_inexact_keys: bool,
    pub(crate) memory_limit: u64,
    pub(crate) workers: Workers,
    /// Whether files are synced before they are named.
    pub(crate) sync: bool,
    pub(crate) meter: Meter,
}

/// What a step of the pipeline works with.
pub(crate) struct Context<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) cancel: &'a Cancel,
}

/// Rows that were not cut into pieces yet.
struct Queued {
    weighed: Weighed,
    /// Rows that were cut off already.
    at: usize,
}

/// Cuts ordered rows into files.
pub(crate) struct Splitter {
    settings: SplitSettings,
    outbox: Outbox,
    encoders: Encoders,
    plan: SizePlan,
    groups: Option<Groups>,
    rows_left: RowsLeft,
    queue: VecDeque<Queued>,
    queued_rows: usize,
    queued_bytes: usize,
    file: Option<OpenFile>,
    /// Bytes of values a row in the file before.
    row_bytes: f64,
    /// How its rows compressed.
    usual: Option<Usual>,
    results: ResultLog,
    /// Files closed so far.
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
        let memory = usize::try_from(settings.memory_limit).unwrap_or(usize::MAX);
        let pool = PagePool::new((memory / 8).max(64 * 1024));
        let groups = settings.group.clone().map(|column| {
            let by_key = settings.ordered && settings.key.as_ref().is_some_and(|key| key.column == column);
            Groups::new(column, by_key, memory / 8)
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
            queue: VecDeque::new(),
            queued_rows: 0,
            queued_bytes: 0,
            file: None,
            row_bytes: 0.0,
            usual: None,
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
        let rows = weighed.rows.len;
        if rows > 0 {
            self.queued_rows += rows;
            self.queued_bytes += weighed.bytes(0, rows);
            self.queue.push_back(Queued { weighed, at: 0 });
        }
        self.pump(false, context)
    }

    /// Writes what is left and gives all files their final names.
    pub(crate) fn finish(mut self, context: &mut Context<'_>) -> Result<FileResults> {
        self.pump(true, context)?;
        self.close_file(context)?;
        self.settle(context.scratch)?;
        // Before the commit: what cannot be cleaned up must not look like a success.
        context.scratch.clear()?;
        context.cancel.check()?;
        let names = self.outbox.finish()?;
        Ok(self.results.finish(names))
    }

    fn pump(&mut self, last: bool, context: &mut Context<'_>) -> Result<()> {
        while self.queued_rows > 0 {
            let rows = self.rows_until_look();
            if !last && self.queued_rows < rows && self.queued_bytes < PIECE_BYTES {
                break;
            }
            context.cancel.check()?;
            let (piece, bytes) = self.cut(rows, context.catalog)?;
            self.feed(&piece, bytes, context)?;
        }
        Ok(())
    }

    /// Takes a piece off the queue, and tells the bytes of its values.
    fn cut(&mut self, most: usize, catalog: &Catalog) -> Result<(Rows, usize)> {
        let (mut parts, mut rows, mut bytes) = (Vec::new(), 0, 0);
        while rows < most && bytes < PIECE_BYTES {
            let Some(front) = self.queue.front_mut() else { break };
            let (start, weighed) = (front.at, &front.weighed);
            let fitting = weighed.fitting(start, PIECE_BYTES - bytes);
            let len = fitting.min(most - rows).min(weighed.rows.len - start);
            let taken = weighed.bytes(start, start + len);
            parts.push(weighed.rows.slice(start, len));
            front.at += len;
            rows += len;
            bytes += taken;
            self.queued_bytes -= taken;
            if front.at == front.weighed.rows.len {
                self.queue.pop_front();
            }
        }
        self.queued_rows -= rows;
        Ok((Rows::concat(&parts, catalog)?.without_empty_columns(), bytes))
    }

    fn feed(&mut self, piece: &Rows, bytes: usize, context: &mut Context<'_>) -> Result<()> {
        let starts = match &mut self.groups {
            Some(groups) => Some(groups.starts(piece, context.catalog)?),
            None => None,
        };
        let begins_group = |row: usize| starts.as_ref().is_none_or(|starts| starts[row]);
        let row_bytes = bytes as f64 / piece.len.max(1) as f64;
        let mut at = 0;
        while at < piece.len {
            if self.file.as_ref().is_some_and(|file| {
                self.leaves_hour(file.hour, piece.keys[at]) || (file.full && begins_group(at))
            }) {
                self.close_file(context)?;
            }
            if self.file.is_none() {
                self.open_file(piece.keys[at]);
            }
            let (mut hour, full) = self.file.as_ref().map_or((None, false), |file| (file.hour, file.full));
            // The piece was cut for the file before, if that has just ended.
            let most = self.rows_until_look().min(piece.len - at);
            let mut end = at;
            while end < at + most {
                let leaves = end > at && full && begins_group(end);
                if leaves || self.leaves_hour(hour, piece.keys[end]) {
                    break;
                }
                hour = hour.or(self.hour(piece.keys[end]));
                end += 1;
            }
            let rows = piece.slice(at, end - at);
            let harmless = self.harmless(&rows, row_bytes, context)?;
            if harmless > 0 {
                self.write(&rows.slice(0, harmless), row_bytes, hour, context)?;
            }
            at += harmless;
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

    /// How many of these rows may be written before the next look: not all where they might be too many for the file and
    /// a sample tells that they compress much worse than those before; none where the file has turned out to be full.
    fn harmless(&mut self, rows: &Rows, row_bytes: f64, context: &mut Context<'_>) -> Result<usize> {
        let Some(file) = self.file.as_mut().filter(|file| !file.full) else { return Ok(rows.len) };
        let bytes = file.round.bytes + row_bytes * rows.len as f64;
        let risky = self.plan.matter(bytes) && self.plan.overshoots(file.looked.sizes.worst + bytes);
        let first = file.metadata.rows == 0;
        let wanted = (risky || file.round.rows == 0 && self.plan.matter(bytes)) && file.may_jump(self.usual);
        if self.settings.rows_per_file.is_some() || !(wanted || first) {
            return Ok(rows.len);
        }
        let samples = samples(rows, context.catalog)?;
        file.ratio = ratio(&samples).unwrap_or(file.ratio);
        let jump = file.jump(row_bytes, self.usual).filter(|_| risky);
        if jump.is_some() && file.round.rows > 0 {
            // These rows are no part of what is looked at: they are sampled again.
            self.look(context)?;
            return Ok(0);
        }
        file.encoder.note(&samples, &self.encoders);
        let Some(row_bytes) = jump else { return Ok(rows.len) };
        file.most = Round::default();
        Ok(self.plan.rows_of(row_bytes, file.looked.progress()).min(rows.len))
    }

    fn write(
        &mut self,
        rows: &Rows,
        row_bytes: f64,
        hour: Option<i64>,
        context: &mut Context<'_>,
    ) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let rows = rows.clone().without_empty_columns();
        file.hour = hour;
        file.metadata.add(&rows, context.catalog, &self.settings.metadata)?;
        self.rows_left.take(&rows.keys);
        let bytes = row_bytes * rows.len as f64;
        file.value_bytes += bytes;
        file.weight += file.ratio * bytes;
        file.round.rows += rows.len;
        file.round.bytes += bytes;
        file.encoder.write(rows);
        let last = self.settings.rows_per_file.is_some_and(|limit| file.metadata.rows >= limit);
        if last
            || file.round.rows >= file.most.rows
            || file.round.bytes >= file.most.bytes
            || file.encoder.open_rows() >= ROW_GROUP_ROWS
        {
            self.look(context)?;
        }
        Ok(())
    }

    /// Encodes what waits and decides by the size that it comes to.
    fn look(&mut self, context: &mut Context<'_>) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.encoder.flush(&mut self.encoders, context.catalog)?;
        file.round = Round::default();
        self.encoders.pool().prepare(context.scratch)?;
        let sizes = file.encoder.sizes(&self.encoders);
        file.looked =
            Looked { rows: file.metadata.rows, sizes, value_bytes: file.value_bytes, weight: file.weight };
        let Sizes { bytes, open_bytes, .. } = sizes;
        let held = open_bytes + self.encoders.pool().resident() as u64;
        self.settings.meter.largest(Figure::PeakEncoding, held);
        if file.encoder.open_rows() >= ROW_GROUP_ROWS || open_bytes > OPEN_BYTES {
            file.encoder.close_row_group(&mut self.encoders, context.catalog)?;
        }
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
        let trusted =
            self.groups.is_some() && self.files > 0 && progress.bytes < SURE * file.looked.sizes.learned;
        file.full = trusted || file.early_row_groups >= EARLY_ROW_GROUPS || {
            file.encoder.close_row_group(&mut self.encoders, catalog)?;
            file.early_row_groups += 1;
            file.looked.sizes = file.encoder.sizes(&self.encoders);
            let bytes = file.looked.sizes.bytes;
            self.plan.is_really_full(Progress { bytes, ..progress })
        };
        Ok(())
    }

    fn close_file(&mut self, context: &mut Context<'_>) -> Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        context.cancel.check()?;
        let catalog = context.catalog;
        file.encoder.flush(&mut self.encoders, catalog)?;
        self.row_bytes = file.value_bytes / file.metadata.rows.max(1) as f64;
        let key = self.settings.key.as_ref();
        let key_id = key.and_then(|key| catalog.id(&key.column));
        let key_type = key_id.map(|id| catalog.data_type(id));
        // Float keys are ordered by their truncated value, other types not by their value at all.
        let sorted_by = key_id.filter(|_| {
            self.settings.ordered && key_type.is_some_and(|t| *t == arrow::datatypes::DataType::Int64)
        });
        let placeholder = catalog.placeholder(key.map(|key| key.column.as_str()));
        let fingerprints = file.encoder.fingerprints(&self.encoders);
        let assembly = file.encoder.finish(&mut self.encoders, catalog, sorted_by, placeholder)?;
        let split_key = self.split_key(file.hour)?;
        let exact = self.settings.report_inexact_keys
            || self.settings.metadata.time.is_some()
            || key_type.is_some_and(KeyRule::is_exact);
        let result = Finished {
            record_count: file.metadata.rows as u64,
            file_size: 0,
            fingerprints,
            first_ts: file.metadata.first.filter(|_| exact),
            last_ts: file.metadata.last.filter(|_| exact),
            split_key,
            tids: file.metadata.tids(&self.settings.metadata),
            traces: file.metadata.traces(&self.settings.metadata),
        };
        self.settle(context.scratch)?;
        let (chunk_bytes, leaf_chunks) = (assembly.chunk_bytes, assembly.leaf_chunks);
        self.outbox.send(assembly)?;
        self.unsettled = Some(result);
        self.files += 1;
        if self.files == 1 {
            // Until one is done, nothing is known of footers.
            self.settle(context.scratch)?;
        }
        let bytes = self.encoders.estimate(chunk_bytes, leaf_chunks);
        self.plan.learn(bytes, file.metadata.rows);
        self.usual = Usual::of(bytes, file.value_bytes, file.weight);
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
