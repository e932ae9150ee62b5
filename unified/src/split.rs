//! From ordered rows to files.
//!
//! 1. Rows are cut anew into pieces whose ends depend on the rows alone, not on how they arrived: at most
//!    [`PIECE_ROWS`] rows or [`PIECE_BYTES`] bytes, fewer as a file nears its goal. So the output is the same whatever
//!    the input's batch sizes and the memory limit.
//! 2. A file ends before the first row of another hour, where hours are split; and, once it is full (by rows or by
//!    measured bytes), before the next row that does not belong to a group already begun.
//! 3. Each piece goes into the open file's encoder and its metadata at once, so the two speak of the same rows.

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::calendar::{dateint, hour_of, hour_of_day};
use crate::cancel::Cancel;
use crate::catalog::Catalog;
use crate::encode::{Encoders, FileEncoder, OPEN_BYTES};
use crate::error::{Error, Result};
use crate::group::Groups;
use crate::key::{Key, KeyRule};
use crate::metadata::{FileMetadata, MetadataRules, SplitKey};
use crate::output::OutputDirectory;
use crate::pages::PagePool;
use crate::properties::ROW_GROUP_ROWS;
use crate::remaining::RowsLeft;
use crate::results::{FileResults, Finished, ResultLog};
use crate::rows::Rows;
use crate::size::{Progress, SizePlan};
use crate::spill::Scratch;
use crate::stats::{Figure, Meter};
use crate::sync::Syncer;

/// Most rows that are encoded between two decisions.
const PIECE_ROWS: usize = 2048;

/// Bytes of values after which a piece ends.
const PIECE_BYTES: usize = 1024 * 1024;

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
    pub(crate) threads: usize,
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

/// The open file.
struct OpenFile {
    encoder: FileEncoder,
    metadata: FileMetadata,
    hour: Option<i64>,
    full: bool,
    early_row_groups: usize,
}

/// Rows that were not cut into pieces yet.
struct Queued {
    rows: Rows,
    /// Bytes of the values of all rows up to and with each.
    ends: Vec<usize>,
    /// Rows that were cut off already.
    at: usize,
}

impl Queued {
    fn bytes(&self, from: usize, to: usize) -> usize {
        let before = |row: usize| if row == 0 { 0 } else { self.ends[row - 1] };
        before(to) - before(from)
    }
}

/// Cuts ordered rows into files.
pub(crate) struct Splitter {
    settings: SplitSettings,
    output: OutputDirectory,
    encoders: Encoders,
    syncer: Option<Syncer>,
    plan: SizePlan,
    groups: Option<Groups>,
    rows_left: RowsLeft,
    queue: VecDeque<Queued>,
    queued_rows: usize,
    queued_bytes: usize,
    file: Option<OpenFile>,
    results: ResultLog,
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
                settings.threads,
                settings.meter.clone(),
                place,
            ),
            syncer: settings.sync.then(|| Syncer::new(settings.meter.clone())),
            plan: SizePlan::new(settings.target_size),
            results: ResultLog::new(settings.memory_limit),
            settings,
            output,
            groups,
            rows_left,
            queue: VecDeque::new(),
            queued_rows: 0,
            queued_bytes: 0,
            file: None,
            hour_files: (0, 0),
        }
    }

    pub(crate) fn threads(&self) -> usize {
        self.settings.threads
    }

    /// Tells how many rows of each hour will come, before the first of them.
    pub(crate) fn expect(&mut self, rows_left: RowsLeft) {
        self.rows_left = rows_left;
    }

    pub(crate) fn push(&mut self, rows: Rows, context: &mut Context<'_>) -> Result<()> {
        if rows.len > 0 {
            let mut ends = rows.value_bytes_by_row(context.catalog)?;
            let mut sum = 0;
            for end in &mut ends {
                sum += *end;
                *end = sum;
            }
            self.queued_rows += rows.len;
            self.queued_bytes += sum;
            self.queue.push_back(Queued { rows, ends, at: 0 });
        }
        self.pump(false, context)
    }

    /// Writes what is left and gives all files their final names.
    pub(crate) fn finish(mut self, context: &mut Context<'_>) -> Result<FileResults> {
        self.pump(true, context)?;
        self.close_file(context)?;
        // Before the commit: what cannot be cleaned up must not look like a success.
        context.scratch.clear()?;
        context.cancel.check()?;
        if let Some(syncer) = &mut self.syncer {
            syncer.finish()?;
        }
        self.output.commit(self.settings.sync)?;
        Ok(self.results.finish(self.output.names().clone()))
    }

    fn pump(&mut self, last: bool, context: &mut Context<'_>) -> Result<()> {
        while self.queued_rows > 0 {
            let rows = self.rows_until_look();
            if !last && self.queued_rows < rows && self.queued_bytes < PIECE_BYTES {
                break;
            }
            context.cancel.check()?;
            let piece = self.cut(rows, context.catalog)?;
            self.feed(&piece, context)?;
        }
        Ok(())
    }

    /// Takes a piece off the queue.
    fn cut(&mut self, most: usize, catalog: &Catalog) -> Result<Rows> {
        let (mut parts, mut rows, mut bytes) = (Vec::new(), 0, 0);
        while rows < most && bytes < PIECE_BYTES {
            let Some(front) = self.queue.front_mut() else { break };
            let start = front.at;
            // With the row that reaches the limit.
            let limit = front.bytes(0, start) + PIECE_BYTES - bytes;
            let fitting = front.ends[start..].partition_point(|end| *end < limit) + 1;
            let len = fitting.min(most - rows).min(front.rows.len - start);
            let taken = front.bytes(start, start + len);
            parts.push(front.rows.slice(start, len));
            front.at += len;
            rows += len;
            bytes += taken;
            self.queued_bytes -= taken;
            if front.at == front.rows.len {
                self.queue.pop_front();
            }
        }
        self.queued_rows -= rows;
        Ok(Rows::concat(&parts, catalog)?.without_empty_columns())
    }

    fn feed(&mut self, piece: &Rows, context: &mut Context<'_>) -> Result<()> {
        let starts = match &mut self.groups {
            Some(groups) => Some(groups.starts(piece, context.catalog)?),
            None => None,
        };
        let begins_group = |row: usize| starts.as_ref().is_none_or(|starts| starts[row]);
        let mut at = 0;
        while at < piece.len {
            if self.file.as_ref().is_some_and(|file| {
                self.leaves_hour(file.hour, piece.keys[at]) || (file.full && begins_group(at))
            }) {
                self.close_file(context)?;
            }
            let file = self.file.get_or_insert_with(|| OpenFile {
                encoder: FileEncoder::default(),
                metadata: FileMetadata::default(),
                hour: None,
                full: false,
                early_row_groups: 0,
            });
            let (mut hour, full) = (file.hour, file.full);
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
            self.write(&piece.slice(at, end - at), hour, context)?;
            at = end;
        }
        Ok(())
    }

    fn write(&mut self, rows: &Rows, hour: Option<i64>, context: &mut Context<'_>) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let rows = &rows.clone().without_empty_columns();
        file.hour = hour;
        file.encoder.write(rows, &mut self.encoders, context.catalog)?;
        file.metadata.add(rows, context.catalog, &self.settings.metadata)?;
        self.rows_left.take(&rows.keys);
        self.encoders.pool().prepare(context.scratch)?;
        let (bytes, open_bytes) = file.encoder.sizes(&self.encoders);
        let held = open_bytes + self.encoders.pool().resident() as u64;
        self.settings.meter.largest(Figure::PeakEncoding, held);
        if file.encoder.open_rows() >= ROW_GROUP_ROWS || open_bytes > OPEN_BYTES {
            file.encoder.close_row_group(&mut self.encoders)?;
        }
        if let Some(limit) = self.settings.rows_per_file {
            file.full = file.metadata.rows >= limit;
            return Ok(());
        }
        if file.full {
            return Ok(());
        }
        let rows_left = self.rows_left.of(file.hour);
        let progress = Progress { bytes, rows: file.metadata.rows, rows_left };
        if !self.plan.is_full(progress) {
            return Ok(());
        }
        // In a file that may not end here the open row group goes on, unless the estimate has no footing yet.
        let trusted = self.groups.is_some() && self.results.len() > 0;
        file.full = trusted || file.early_row_groups >= EARLY_ROW_GROUPS || {
            file.encoder.close_row_group(&mut self.encoders)?;
            file.early_row_groups += 1;
            let bytes = file.encoder.sizes(&self.encoders).0;
            self.plan.is_really_full(Progress { bytes, ..progress })
        };
        Ok(())
    }

    fn close_file(&mut self, context: &mut Context<'_>) -> Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        context.cancel.check()?;
        let catalog = context.catalog;
        let key = self.settings.key.as_ref();
        let key_id = key.and_then(|key| catalog.id(&key.column));
        let key_type = key_id.map(|id| catalog.data_type(id));
        // Float keys are ordered by their truncated value, other types not by their value at all.
        let sorted_by = key_id.filter(|_| {
            self.settings.ordered && key_type.is_some_and(|t| *t == arrow::datatypes::DataType::Int64)
        });
        let placeholder = catalog.placeholder(key.map(|key| key.column.as_str()));
        let fingerprints = file.encoder.fingerprints(&self.encoders);
        let (handle, path) = self.output.create()?;
        let synced = match &self.syncer {
            Some(_) => Some(handle.try_clone().map_err(|source| Error::io("writing", &path, source))?),
            None => None,
        };
        let file_size =
            file.encoder.finish(handle, &path, &mut self.encoders, catalog, sorted_by, placeholder)?;
        if let (Some(syncer), Some(file)) = (&mut self.syncer, synced) {
            syncer.push(file, &path)?;
        }
        self.settings.meter.add(Figure::Files, 1);
        self.settings.meter.add(Figure::Bytes, file_size);
        self.plan.learn(file_size, file.metadata.rows);
        let split_key = self.split_key(file.hour)?;
        let exact = self.settings.report_inexact_keys
            || self.settings.metadata.time.is_some()
            || key_type.is_some_and(KeyRule::is_exact);
        let result = Finished {
            record_count: file.metadata.rows as u64,
            file_size,
            fingerprints,
            first_ts: file.metadata.first.filter(|_| exact),
            last_ts: file.metadata.last.filter(|_| exact),
            split_key,
            tids: file.metadata.tids(&self.settings.metadata),
            traces: file.metadata.traces(&self.settings.metadata),
        };
        self.results.push(&result, context.scratch)?;
        self.output.keep(path);
        Ok(())
    }

    fn split_key(&mut self, hour: Option<i64>) -> Result<Option<SplitKey>> {
        let (Some(ingest_dateint), Some(hour)) = (self.settings.ingest_dateint, hour) else {
            return Ok(None);
        };
        if self.results.len() == 0 || self.hour_files.0 != hour {
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
        match self.settings.rows_per_file {
            Some(limit) => most.min(limit - written),
            None => {
                let bytes = file.map_or(0.0, |file| file.encoder.sizes(&self.encoders).0);
                let rows_left = self.rows_left.of(file.and_then(|file| file.hour));
                self.plan.rows_until_look(Progress { bytes, rows: written, rows_left }, most)
            }
        }
    }
}
