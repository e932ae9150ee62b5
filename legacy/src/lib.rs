//! The legacy Parquet writers, faithful, defects included and named: the baseline against which a new writer is judged.
//!
//! - [`BuffetWriter`], and [`BuffetJob`] around it: spill every row, write Parquet on close. Logs and traces are compacted by it.
//! - [`FingerprintJob`]: split one segment by UTC hour, sort each hour, write it with a buffet writer. Logs are ingested by it.
//! - [`TidMergeJob`]: merge segments sorted by TID, roll up points of one interval, write them with a buffet writer grouped by TID.
//!   Metrics are compacted by it.
//!
//! All are row-oriented, as the originals: a [`Row`] is a map from column name to [`Value`], each row goes through a
//! temporary file, and nothing is done faster, or slower, than the same algorithm allows. One thread.
//!
//! # Defects, reproduced on purpose
//!
//! | | what | where |
//! | --- | --- | --- |
//! | A | the row that opens file k+1 counts in file k's fingerprints and not in file k+1's | [`FileResult::fingerprints`] |
//! | B | statistics exist on a writer's last file only | [`FileResult::stats`] |
//! | C | first timestamp: 0 means "unset" (0, 5, 3, 7, 0, 2 gives 2); last: never below 0; both belong to the hour and are repeated on all its files | [`FileResult::first_ts`] |
//! | D | TID 9223372036854775807 is never written and hides every later row of its file; unsorted input yields a TID twice | [`TidMergeJob`] |
//! | E | a value that does not fit its column is noticed on close, and the partial file stays | [`Error::ValueMismatch`] |
//! | F | a column named `""` is refused after the spill file was made, and that stays | [`Error::EmptyColumnName`] |
//! | G | integers narrower than 32 bits widen to int32; unsigned, date, time and timestamp annotations are lost | [`ColumnType`] |
//! | H | a damaged store of a sketch counts as far as it can be read, so a damaged sketch is merged, even as an empty one; exact counts are skipped as 8 bytes | [`sketch`] |
//!
//! Where the original panics, there is an error of its own class.
//! Apart from E and F nothing is left after an error or a cancellation: no spill file, no chunk, no output file.
//!
//! # Reading
//!
//! The quirks of the original's reader with booleans and with nested columns are not part of the writers. Booleans are read as they
//! are; nested columns are refused. Footers in which only the first row group lacks its ordinal, as the original writes
//! them, are read too ([`footer`]). FLOAT, FIXED_LEN_BYTE_ARRAY, INT96 and DECIMAL are refused as in the original. A string
//! column whose bytes are not UTF-8 is taken as it is. Byte columns stay bytes, so they have no fingerprints.
//!
//! # Physical layout
//!
//! As the original: data pages V2 of about 32 KiB, zstd, row groups of 40,000 rows, one dictionary page of any size per column, all
//! columns optional, flat, in byte order of their names, with INT(64,true) and STRING annotations, statistics never truncated, column
//! and offset index with values cut at 1,024 bytes, no bloom filter, no key-value metadata. Where the schema came from
//! values, `_cardinalhq.message` and byte columns are DELTA_LENGTH_BYTE_ARRAY and `_cardinalhq.tid` is PLAIN, without dictionary.
//!
//! What the `parquet` crate cannot express, or does in its own way:
//!
//! - booleans have no dictionary (the original writes one, which some readers refuse); they are PLAIN here;
//! - `created_by` names this crate's encoder, and the footer's version field is the crate's;
//! - page borders: the original counts 9 bytes a value in a dictionary column and 5 a null, and ends a page at 98 % of 32 KiB. Here a
//!   page ends after 3,568 rows, which is the same where there are no nulls, or when its encoded values reach 32 KiB;
//! - chunk statistics carry a null count of zero, which the original leaves out; distinct counts are in neither;
//! - a chunk whose values are all NaN has no column index (the original's index has NaN bounds);
//! - a V2 page that does not shrink under compression is stored uncompressed;
//! - zstd is another implementation at its own default level: byte sizes are alike, not equal;
//! - the root of a fingerprint output's schema is the input's file name; the original writes the path as it was given.

mod buffet;
mod calendar;
mod columns;
mod error;
mod fingerprint;
pub mod footer;
mod job;
mod layout;
mod outcome;
mod output;
mod reader;
mod schema;
pub mod sketch;
mod spill;
#[cfg(test)]
mod tests;
mod tid_group;
mod tid_merge;
pub mod tokens;
mod value;

pub use buffet::{BuffetOptions, BuffetWriter};
pub use columns::Columns;
pub use error::{Error, ErrorKind, Result};
pub use fingerprint::FingerprintJob;
pub use job::BuffetJob;
pub use outcome::{FileResult, MISSING_TIMESTAMP, MergeStats, Outcome, SplitKey, Statistics};
pub use schema::{ColumnType, Schema, SchemaSource};
pub use tid_merge::{TidMergeJob, target_records_per_file};
pub use value::{Row, Value};
