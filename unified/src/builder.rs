//! Settings of a writer, each with its default.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::cancel::Cancel;
use crate::columns::Columns;
use crate::cut::remaining::RowsLeft;
use crate::encode::fingerprint::FingerprintRules;
use crate::error::{Error, Result};
use crate::heap;
use crate::input::reading::Held;
use crate::order::sorter::Sorter;
use crate::order::strategy::Ordering;
use crate::output::directory::{DEFAULT_BASE_NAME, OutputDirectory};
use crate::output::metadata::MetadataRules;
use crate::output::settings::SplitSettings;
use crate::output::split::Splitter;
use crate::parallel::workers::{Workers, threads};
use crate::rows::catalog::Catalog;
use crate::rows::codes::Translator;
use crate::rows::key::{KeyRule, KeyType};
use crate::scratch::Scratch;
use crate::stats::Meter;
use crate::writer::{MissingKeys, Pipeline, UnifiedWriter};

/// Default target size of an output file in encoded bytes.
pub const DEFAULT_TARGET_SIZE: u64 = 1_100_000;

/// Default memory limit in bytes.
pub const DEFAULT_MEMORY_LIMIT: u64 = 512 * 1024 * 1024;

/// Describes a [`UnifiedWriter`].
#[derive(Debug, Clone)]
pub struct UnifiedWriterBuilder {
    output: PathBuf,
    scratch: PathBuf,
    base_name: String,
    ordering: Option<Ordering>,
    key: Option<KeyRule>,
    missing: MissingKeys,
    report_inexact_keys: bool,
    group: Option<String>,
    target_size: u64,
    rows_per_file: i64,
    split_hours: bool,
    ingest_dateint: Option<i64>,
    fingerprints: bool,
    time: Option<String>,
    tid: Option<String>,
    trace: Option<(String, Option<i64>)>,
    columns: Columns,
    memory_limit: u64,
    threads: usize,
    sync: bool,
    expected_rows: Option<u64>,
    cancel: Option<Arc<AtomicBool>>,
}

impl UnifiedWriter {
    /// Begins to describe a writer whose files go to `output`, an existing directory.
    pub fn builder(output: impl Into<PathBuf>) -> UnifiedWriterBuilder {
        UnifiedWriterBuilder::new(output.into())
    }
}

impl UnifiedWriterBuilder {
    pub(crate) fn new(output: PathBuf) -> Self {
        Self {
            output,
            scratch: std::env::temp_dir(),
            base_name: DEFAULT_BASE_NAME.to_string(),
            ordering: None,
            key: None,
            missing: MissingKeys::First,
            report_inexact_keys: false,
            group: None,
            target_size: DEFAULT_TARGET_SIZE,
            rows_per_file: 0,
            split_hours: false,
            ingest_dateint: None,
            fingerprints: false,
            time: None,
            tid: None,
            trace: None,
            columns: Columns::default(),
            memory_limit: DEFAULT_MEMORY_LIMIT,
            threads: 0,
            sync: true,
            expected_rows: None,
            cancel: None,
        }
    }

    /// Directory for temporary files. Default: the system's.
    #[must_use]
    pub fn scratch(mut self, directory: impl Into<PathBuf>) -> Self {
        self.scratch = directory.into();
        self
    }

    /// First part of the names of output files, before `-00000.parquet` and so on. Default `part`.
    #[must_use]
    pub fn base_name(mut self, name: impl Into<String>) -> Self {
        self.base_name = name.into();
        self
    }

    /// How rows come into order. Default: [`Ordering::Spillable`] with a sort key, [`Ordering::None`] without.
    #[must_use]
    pub fn ordering(mut self, ordering: Ordering) -> Self {
        self.ordering = Some(ordering);
        self
    }

    /// The column by which rows are sorted, ascending, and from which first and last are reported, unless
    /// [`Self::time_column`] names another. Default: none.
    #[must_use]
    pub fn sort_key(mut self, column: impl Into<String>, key_type: KeyType) -> Self {
        self.key = Some(KeyRule { column: column.into(), key_type });
        self
    }

    /// Drops rows without a sort key under a declared reason. Default: they are kept, come first and are counted.
    #[must_use]
    pub fn drop_missing_keys(mut self, reason: impl Into<String>) -> Self {
        self.missing = MissingKeys::Drop(reason.into());
        self
    }

    /// Makes a row without a sort key an error. Default: they are kept, come first and are counted.
    #[must_use]
    pub fn refuse_missing_keys(mut self) -> Self {
        self.missing = MissingKeys::Refuse;
        self
    }

    /// A column whose runs of equal values are never split across files, whatever their size. A value that comes back
    /// after another one is an error. Default: none.
    #[must_use]
    pub fn no_split_groups(mut self, column: impl Into<String>) -> Self {
        self.group = Some(column.into());
        self
    }

    /// Size in encoded bytes near which files end. Default [`DEFAULT_TARGET_SIZE`].
    #[must_use]
    pub fn target_size(mut self, bytes: u64) -> Self {
        self.target_size = bytes;
        self
    }

    /// Rows per file, where positive; then the target size does not count. Default: no limit.
    #[must_use]
    pub fn rows_per_file(mut self, rows: i64) -> Self {
        self.rows_per_file = rows;
        self
    }

    /// Whether a file holds rows of one UTC hour of the sort key only (in milliseconds). Rows without a key stay with
    /// the first hour. Default: no.
    #[must_use]
    pub fn split_hours(mut self, split: bool) -> Self {
        self.split_hours = split;
        self
    }

    /// Splits by hour and gives each file a split key with this ingest date (yyyymmdd). Default: none.
    #[must_use]
    pub fn ingest_dateint(mut self, dateint: i64) -> Self {
        self.ingest_dateint = Some(dateint);
        self.split_hours = true;
        self
    }

    /// Whether fingerprints are collected. Default: no.
    #[must_use]
    pub fn fingerprints(mut self, collect: bool) -> Self {
        self.fingerprints = collect;
        self
    }

    /// The column from which first and last are reported, where it is not the sort key: int64 values count, all others
    /// do not. Default: the sort key.
    #[must_use]
    pub fn time_column(mut self, column: impl Into<String>) -> Self {
        self.time = Some(column.into());
        self
    }

    /// Collects the distinct int64 values of this column for each file ([`crate::TidSummary`]). Default: no.
    #[must_use]
    pub fn tid_metadata(mut self, column: impl Into<String>) -> Self {
        self.tid = Some(column.into());
        self
    }

    /// Counts the spans and the distinct trace ids of each file, and hands the slot on ([`crate::TraceSummary`]).
    /// Default: no.
    #[must_use]
    pub fn trace_metadata(mut self, column: impl Into<String>, slot: Option<i64>) -> Self {
        self.trace = Some((column.into(), slot));
        self
    }

    /// Which columns are fingerprinted how, and which have no dictionary. Default: [`Columns::default`].
    #[must_use]
    pub fn columns(mut self, columns: Columns) -> Self {
        self.columns = columns;
        self
    }

    /// Bytes of memory that the writer may use. Rows waiting to be sorted get what is left after 24 MiB or three eighths,
    /// whichever is less, and after what works beside them: an eighth at least; with one thread up to 10 MiB or five 32nds,
    /// with more of them up to 80 MiB or five sixteenths, and 17 of 64 parts of a limit below 128 MiB. Where rows had to
    /// be spilled, a quarter goes to merging them; an eighth goes to finished pages. Beyond its share each stage goes to disk.
    /// A row larger than an eighth of the limit (or than the limit or 8 MiB, whichever is less, if that is more) is an error. Limits below 64 MiB, and small ones with more than two
    /// threads, are kept to as far as open pages and the process itself allow. Default [`DEFAULT_MEMORY_LIMIT`].
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// Threads to work with; 0: as many as there are processors. The output is the same whatever their number. Default 0.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Whether files are brought to stable storage before they get their final names. Without it a crash of the machine,
    /// not of the process, may leave a named file without its bytes. Default: yes.
    #[must_use]
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Rows that will be written, where rows are not held back for sorting; lets the last files share the rest evenly.
    /// A wrong number costs evenness, nothing else. Default: unknown.
    #[must_use]
    pub fn expected_rows(mut self, rows: u64) -> Self {
        self.expected_rows = Some(rows);
        self
    }

    /// A flag that ends the work, within one batch, once it is set. Default: none.
    #[must_use]
    pub fn cancel(mut self, flag: Option<Arc<AtomicBool>>) -> Self {
        self.cancel = flag;
        self
    }

    /// First and last are reported even where keys merely count as 0.
    #[must_use]
    pub(crate) fn report_inexact_keys(mut self) -> Self {
        self.report_inexact_keys = true;
        self
    }

    /// The memory limit.
    pub(crate) fn memory(&self) -> u64 {
        self.memory_limit
    }

    /// Makes the writer.
    ///
    /// # Errors
    /// Settings that contradict each other; an output directory that is not there.
    pub fn build(self) -> Result<UnifiedWriter> {
        self.build_over(Arc::default())
    }

    /// As [`Self::build`], for rows whose columns are in the catalog already.
    pub(crate) fn build_over(self, catalog: Arc<Catalog>) -> Result<UnifiedWriter> {
        let ordering = match (self.ordering, &self.key) {
            (Some(ordering), _) => ordering,
            (None, Some(_)) => Ordering::Spillable,
            (None, None) => Ordering::None,
        };
        let refuse = |what: &str| Err(Error::Config(what.to_string()));
        if self.key.is_none() && ordering.is_ordered() {
            return refuse("an ordering strategy needs a sort key");
        }
        if self.key.is_none() && self.split_hours {
            return refuse("splitting at hour boundaries needs a sort key");
        }
        if self.split_hours && !ordering.is_ordered() && self.ingest_dateint.is_some() {
            return refuse("an hourly split with file indexes needs an ordering strategy");
        }
        if self.split_hours && self.group.is_some() {
            return refuse("files cannot both end at hours and never split a group");
        }
        if self.target_size == 0 && self.rows_per_file <= 0 {
            return refuse("the target size must be at least one byte");
        }
        if self.memory_limit == 0 {
            return refuse("the memory limit must be at least one byte");
        }
        if self.base_name.is_empty() || self.base_name.contains('/') {
            return refuse("the base name must be a plain file name");
        }
        let output = OutputDirectory::open(self.output.clone(), self.base_name)?;
        let (workers, meter) = (Workers::new(threads(self.threads)), Meter::default());
        if workers.threads() > 1 {
            heap::keep(self.memory_limit);
        }
        let settings = SplitSettings {
            target_size: self.target_size,
            rows_per_file: usize::try_from(self.rows_per_file).ok().filter(|rows| *rows > 0),
            split_hours: self.split_hours,
            ingest_dateint: self.ingest_dateint,
            group: self.group,
            metadata: MetadataRules {
                fingerprints: self.fingerprints.then(|| FingerprintRules::new(&self.columns)),
                time: self.time,
                tid: self.tid,
                trace: self.trace,
            },
            plain: self.columns.plain,
            key: self.key.clone(),
            ordered: ordering.is_ordered(),
            report_inexact_keys: self.report_inexact_keys,
            memory_limit: self.memory_limit,
            workers: workers.clone(),
            sync: self.sync,
            meter: meter.clone(),
        };
        let expected = match self.expected_rows {
            Some(rows) if !self.split_hours => RowsLeft::Total(rows),
            _ => RowsLeft::Unknown,
        };
        let counted =
            if self.split_hours { RowsLeft::ByHour(Default::default()) } else { RowsLeft::Total(0) };
        let reading = Held::default();
        Ok(UnifiedWriter::open(Pipeline {
            splitter: Splitter::new(settings, output, self.output, expected),
            sorter: ordering
                .sorts()
                .then(|| Sorter::new(ordering, self.memory_limit, workers, meter.clone()).beside(&reading)),
            scratch: Scratch::new(self.scratch),
            catalog,
            translator: Translator::default(),
            key: self.key,
            missing: self.missing,
            ordering,
            counted,
            last_key: None,
            memory_limit: self.memory_limit,
            reading,
            meter,
            cancel: Cancel::new(self.cancel),
        }))
    }
}
