//! The unified Parquet writer: one writer for every signal, configured, instead of one writer per signal.
//!
//! Record batches of any size and of differing schemas go in; Parquet files near a target size come out, each with the
//! metadata of exactly its own rows. The way of a row:
//!
//! ```text
//! segments ─► catalog ─► key ─► order (sort, spill, merge) ─► split (size, group) ─► encode (columns) ─► outbox
//!             └► codes                                                                └► fingerprint     └► results
//! ```
//!
//! The folders are the stages of this diagram, from left to right:
//!
//! | folder | what it does |
//! | --- | --- |
//! | `input` | reads segments, which are not trusted |
//! | `rows` | rows, their columns, codes and keys |
//! | `order` | sorts, spills and merges |
//! | `rollup` | rolls data points up |
//! | `cut` | decides where files end |
//! | `encode` | encodes the columns of a file |
//! | `output` | writes files, cuts them again, names them, reports them |
//! | `writer`, `builder` | connect the stages |
//! | `jobs` | whole jobs over segments, and the factories |
//!
//! A module imports from its own folder and from those to the left, never in a circle; `tests/tidy` checks that. All of them may import
//! `cancel`, `columns`, `error`, `heap`, `memory_plan`, `parallel`, `scratch` and `stats`.
//!
//! 1. Segments are read ahead in as many threads as there are, and taken in their order. Strings that are stored with a
//!    dictionary are read as such. Where several read, each puts its batches in order before it hands them over; where the
//!    limit allows for one reader, two read half of the columns each.
//! 2. The catalog checks names and types. Strings with a dictionary become *codes*, numbers into one dictionary for the
//!    whole job, and stay so up to the page: to sort and to spill a row is to move a few numbers.
//! 3. Rows wait to be sorted in memory; beyond their share of the limit they go to disk as sorted runs: numbers as distances
//!    from the lowest of some, compressed where that pays. A batch is put in order when it comes, while it is in the cache
//!    (unless a small limit makes all that waits small); then one entry of 16 bytes a row is sorted, and the payload is
//!    gathered from batches that are each read from their first row to their last, by whichever thread has nothing to
//!    encode.
//! 4. Sorted rows are handed to the encoder as they are gathered, and cut into files by the bytes that they really take. A file
//!    that came out too large all the same is cut again, and so is a last one that came out too small.
//! 5. The columns of a piece are encoded side by side; a coded column gets its page straight from the codes, and columns
//!    without a dictionary are made page by page.
//! 6. Files are put together, written and synced beside the work; all get their names at the end, and then the set its mark.
//!
//! [`UnifiedWriter::builder`] gives the core with every ordering strategy; [`logs_writer`], [`metrics_writer`] and
//! [`traces_writer`] are the factories; [`BuffetJob`], [`FingerprintJob`] and [`TidMergeJob`] stand in for the legacy
//! entry points, with their parameters; [`LogsJob`], [`MetricsJob`] and [`TracesJob`] are the factories over segments.
//!
//! # Memory
//!
//! [`UnifiedWriterBuilder::memory_limit`] covers what works: waiting rows, the batches of a merge, dictionaries, open and
//! finished pages. Fan-in is bounded (24 inputs, 224 runs), open pages are (16 MiB, then a row group ends), what is read
//! ahead is (a sixteenth), results wait on disk beyond a 64th, at most 1 MiB, until the caller takes them one at a time.
//! Module `memory_plan` divides the limit, and adds up what works at the same time.
//! Not covered: the pages of the input that are being decoded (one of each column, with its dictionary), some 150 bytes an
//! output file for its two names, and the program itself. A row larger than the limit is an error.
//!
//! Inputs are not trusted (modules `structure`, `page_scan`): before a row group is decoded its page headers are read. One whose
//! open pages or average row are larger than the limit, or than 64 MiB where the limit is smaller, is an error that says how much
//! it needs. A batch gets fewer rows where a dictionary has large values. A footer may have a sixteenth of the limit, 8 MiB at least.
//!
//! # The mark of a complete set
//!
//! A process can be killed while it renames files. So a file `_SUCCESS` is written last, under a temporary name and renamed when all
//! files have their names (and, with `sync`, are on stable storage). It lists them, one a line. Each file names it in its footer, under
//! the key `parallax.set_mark`: a file whose mark is not there is of an incomplete set. The mark of an earlier set, whose files are
//! gone, is removed before the first file is renamed. A job without files leaves no mark. With a base name other than `part` the mark
//! is `_SUCCESS-` and that name.
//!
//! # Trade-offs
//!
//! Sorting holds all rows back, so the first file begins when the last row has come. Codes cost a table look-up a row and
//! pay where strings repeat; a column of more than 65,536 values, or 2 MiB of them, is coded no further. One thread
//! decides where files end, so that the output does not depend on the number of threads; with more than a few of them
//! that thread is the limit.
//!
//! What it promises: the rows of the input, unchanged and complete but for declared drops and merges; a schema per file
//! that is the union of the columns with a value in it; stable sorts, verified claims of sortedness; a group that must
//! not be split in one file; output that depends on the rows and settings alone, never on batch sizes or the memory
//! limit; all files of a job or none. Of a column that the input stores with a dictionary in parts only, that holds for
//! the rows and their order, not for every byte: which batches meet decides in which form they are encoded.
//!
//! # Metrics
//!
//! ```text
//! segments, each sorted by TID ─► sorted (survey, verify) ─► merge (k-way, by runs) ─► rollup ─► writer, presumed order
//! ```
//!
//! 1. All footers are looked at first: types that conflict end the job before it has begun.
//! 2. At most 24 segments are merged at once, and no more than half of the memory holds open pages of; the others go
//!    through runs on disk. The merge picks runs of rows, it copies none.
//! 3. Rows of one TID form a group. Within it, rows of equal aligned time and name become one: their sketches
//!    (module `sketch`) are added up, figures taken from the sum. A sketch is decoded only where it is merged.
//! 4. What is left is gathered once, straight from the inputs' batches, and handed as it is to the writer, over the same
//!    catalog, which encodes it in another thread. The order is that of TID, time and name, whatever the threads do.
//!
//! Memory, of the limit given: a quarter for the batches of the inputs, half for their open pages, an eighth for the
//! group that is not complete yet, the rest for encoding. With two threads or more, batches between the stages may come to another
//! eighth. A larger group is sorted by time through the disk, so that only the rows of one TID *and
//! one interval* must fit. Beside the limit stand two gathered batches of at most 8,192 rows and the open pages.
//!
//! What it does not do: convert types (only the forms of strings and bytes that Parquet stores alike are made one),
//! interpret nested columns, or read anything but Parquet.

mod builder;
mod cancel;
mod columns;
mod cut;
mod encode;
mod error;
mod heap;
mod input;
mod jobs;
mod memory_plan;
mod order;
mod output;
mod parallel;
mod rollup;
mod rows;
mod scratch;
mod stats;
mod writer;

#[cfg(test)]
mod tests;

pub use builder::{DEFAULT_MEMORY_LIMIT, DEFAULT_TARGET_SIZE, UnifiedWriterBuilder};
pub use columns::{Columns, RollupColumns};
pub use encode::properties::writer_properties;
pub use error::{Error, ErrorKind, Result};
pub use jobs::adapters::{BuffetJob, FingerprintJob, LogsJob};
pub use jobs::logs::{logs_builder, logs_writer};
pub use jobs::metrics::{MetricsJob, metrics_builder, metrics_writer};
pub use jobs::outcome::{MergeStats, Outcome};
pub use jobs::tid_merge::TidMergeJob;
pub use jobs::traces::{TracesJob, traces_builder, traces_writer};
pub use order::strategy::Ordering;
pub use output::metadata::{FileResult, SplitKey, TidSummary, TraceSummary};
pub use output::results::FileResults;
pub use rollup::rules::{
    EMPTY_MERGE, EMPTY_SKETCH, MISSING_NAME, MISSING_SKETCH, MISSING_TIMESTAMP, OUT_OF_RANGE,
    UNDECODABLE_SKETCH,
};
pub use rows::key::KeyType;
pub use stats::Stats;
pub use writer::{Counts, UnifiedWriter};
