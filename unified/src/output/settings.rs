//! What the stages that write files share: their settings, and what one step works with.

use crate::cancel::Cancel;
use crate::output::metadata::MetadataRules;
use crate::parallel::workers::Workers;
use crate::rows::catalog::Catalog;
use crate::rows::key::KeyRule;
use crate::scratch::Scratch;
use crate::stats::Meter;

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
