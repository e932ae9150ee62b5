//! What is known of one output file, taken from exactly the rows that went into it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::catalog::Catalog;
use crate::fingerprint::{FingerprintCollector, FingerprintRules};
use crate::rows::Rows;

/// One finished output file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileResult {
    /// Where it lies.
    pub path: PathBuf,
    /// Rows in it.
    pub record_count: u64,
    /// Its size in bytes.
    pub file_size: u64,
    /// Fingerprints of its rows, ascending; absent where the writer collects none.
    pub fingerprints: Option<BTreeSet<i64>>,
    /// Lowest sort key, in the unit of the sort column (float keys truncated); absent where no row has one.
    pub first_ts: Option<i64>,
    /// Highest sort key, inclusive.
    pub last_ts: Option<i64>,
    /// Where the hourly split put the file; absent where the writer does not split by hour and ingest date.
    pub split_key: Option<SplitKey>,
}

/// Key of one file of the hourly split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SplitKey {
    /// UTC date of the rows as yyyymmdd.
    pub dateint: i64,
    /// UTC hour of the rows, 0 to 23.
    pub hour: i64,
    /// Date of ingestion as yyyymmdd.
    pub ingest_dateint: i64,
    /// Index of the file within its hour, from 0 to 32767.
    pub file_index: i64,
}

/// Collects what will be known of the open file.
#[derive(Debug)]
pub(crate) struct FileMetadata {
    pub(crate) rows: usize,
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
    fingerprints: Option<FingerprintCollector>,
}

impl FileMetadata {
    pub(crate) fn new(fingerprints: bool) -> Self {
        Self {
            rows: 0,
            first: None,
            last: None,
            fingerprints: fingerprints.then(FingerprintCollector::default),
        }
    }

    pub(crate) fn add(&mut self, rows: &Rows, catalog: &Catalog, rules: Option<&FingerprintRules>) {
        self.rows += rows.len;
        for key in rows.keys.iter().flatten() {
            self.first = Some(self.first.map_or(*key, |first| first.min(*key)));
            self.last = Some(self.last.map_or(*key, |last| last.max(*key)));
        }
        if let (Some(collector), Some(rules)) = (&mut self.fingerprints, rules) {
            for (id, values) in &rows.columns {
                collector.add(rules, catalog.name(*id), values);
            }
        }
    }

    pub(crate) fn fingerprints(&mut self) -> Option<BTreeSet<i64>> {
        self.fingerprints.take().map(FingerprintCollector::finish)
    }
}
