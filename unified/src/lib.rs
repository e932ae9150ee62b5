//! The unified Parquet writer: one writer for every signal, configured, instead of one writer per signal.
//!
//! Record batches of any size and of differing schemas go in; Parquet files near a target size come out, each with the
//! metadata of exactly its own rows. The way of a row:
//!
//! ```text
//! segment ─► catalog ─► key ─► order (sort, spill, merge) ─► split (size, group) ─► encode (pages) ─► output
//!                                                              └► metadata (fingerprint)
//! ```
//!
//! [`UnifiedWriter::builder`] gives the core with every ordering strategy; [`logs_writer`] is the factory for logs;
//! [`BuffetJob`] and [`FingerprintJob`] stand in for the legacy entry points, with their parameters.
//!
//! What it promises: the rows of the input, unchanged and complete; a schema per file that is the union of the columns
//! with a value in it; stable sorts, verified claims of sortedness; output that depends on the rows and settings alone,
//! never on batch sizes or the memory limit; all files of a job or none.
//!
//! What it does not do: convert types (only the forms of strings and bytes that Parquet stores alike are made one),
//! interpret nested columns, or read anything but Parquet.

mod builder;
mod calendar;
mod cancel;
mod catalog;
mod columns;
mod encode;
mod error;
mod fingerprint;
mod footer;
mod group;
mod jobs;
mod key;
mod logs;
mod merge;
mod metadata;
mod metrics;
mod order;
mod output;
mod pages;
mod properties;
mod relay;
mod remaining;
mod rollup;
mod rows;
mod segment;
mod size;
mod sketch;
mod sort;
mod sorted;
mod spill;
mod split;
mod tid_merge;
mod traces;
mod writer;

#[cfg(test)]
mod tests;

pub use builder::{DEFAULT_MEMORY_LIMIT, DEFAULT_TARGET_SIZE, UnifiedWriterBuilder};
pub use columns::{Columns, RollupColumns};
pub use error::{Error, ErrorKind, Result};
pub use jobs::{BuffetJob, FingerprintJob, LogsJob, MISSING_TIMESTAMP, Outcome};
pub use key::KeyType;
pub use logs::{logs_builder, logs_writer};
pub use metadata::{FileResult, SplitKey, TidSummary, TraceSummary};
pub use metrics::{MetricsJob, metrics_builder, metrics_writer};
pub use order::Ordering;
pub use tid_merge::{MergeStats, TidMergeJob};
pub use traces::{TracesJob, traces_builder, traces_writer};
pub use writer::{Counts, UnifiedWriter};
