//! The only reader of output files: directories, footers and rows into plain structs and record batches.
//!
//! 1. [`Output::open`] walks a directory, reads every Parquet footer (after a look at its structure, see `corpora::footer`),
//!    digests every file's bytes and puts the files into the order in which they are judged.
//! 2. [`OutputFile::batches`] streams the rows of a file, one row group after the other, with the place of each batch.
//!    A list of files ([`file_list`]) in the place of a directory is the whole output.
//! 3. [`Output::partition`] makes columns of `key=value` folders.
//! 4. [`manifest::examine`] reads the result list that a side may have left.
//!
//! The Parquet schema alone decides the types: the `ARROW:schema` hint that Arrow writers leave in the footer is ignored,
//! so that the same bytes mean the same types whoever wrote them. Nothing here trusts statistics.
//!
//! Cost: one pass over the bytes for the digest, one pass over the sort key's columns where the order depends on it. Memory: a
//! reader estimates what it needs from the page headers (see `need`), makes its batches as small as its share demands, and waits
//! until there is room for it.

mod batches;
mod bounded;
mod cells;
mod chunks;
mod contradiction;
pub mod file_list;
mod found;
pub mod key;
pub mod manifest;
mod need;
mod old_footer;
mod page_header;
pub mod pages;
pub mod partition;
mod reason;
mod scan;
pub mod set_mark;
mod stated;
pub mod stored;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod two_level;

pub(crate) use batches::DEFAULT_BATCH_ROWS;
pub use batches::{Batches, Located, ReadOptions};
pub use cells::{Cell, Cells, Chunk};
pub use chunks::ChunkDigest;
pub use found::Found;
pub(crate) use found::refuse_table;
pub(crate) use need::Slice;
pub use old_footer::FooterDefect;
pub use partition::{PartitionColumn, Partitions};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use parquet::file::metadata::ParquetMetaData;
use reports::document::{FileInfo, PassedOver, Role};
use reports::manifest::Manifest;

use crate::spill::Memory;

/// What lies in one side's output directory.
#[derive(Debug, Clone)]
pub struct Output {
    /// The side.
    pub role: Role,
    /// The directory (or the folder of a single file).
    pub root: PathBuf,
    /// Readable Parquet files in judged order: in the manifest's order where there is one (files that it does not name
    /// come last, by path), else by lowest sort key (ties by path), else by path.
    pub files: Vec<OutputFile>,
    /// Files that claim to be Parquet, by name or bytes, and cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Anything else in the directory but our `manifest.json`, by path. Marks that files name are bookkeeping.
    pub passed_over: Vec<PassedOver>,
    /// Links to Parquet files, and directories that are named like them.
    pub disguised: Vec<Disguised>,
    /// True where a directory was walked; false for a single file and a list of files.
    pub walked: bool,
    /// The result list, where the side gave one.
    pub manifest: Option<Manifest>,
    /// How the files were ordered.
    pub file_order: FileOrder,
    /// Marks of complete sets that the files name; none are looked for where a single file was named.
    pub marks: Vec<set_mark::SetMark>,
}

/// How an output is opened.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// Orders the files where there is no manifest: by their lowest key, taken from the rows and not from statistics.
    pub sort_key: &'a [String],
    /// Columns that are not read, with the reason: what is wrong with them does not make a file unreadable.
    pub ignored: &'a BTreeMap<String, String>,
    /// Whether the output was there already, and no side ran.
    pub recorded: bool,
}

/// How the files of an output were ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileOrder {
    /// In the manifest's order.
    Manifest,
    /// By lowest sort key.
    LowestKey,
    /// By path: there is neither manifest nor sort key.
    Path,
}

/// One readable Parquet file.
#[derive(Debug, Clone)]
pub struct OutputFile {
    /// Facts for the report; `info.path` is relative to the output's root.
    pub info: FileInfo,
    /// Where to open it.
    pub path: PathBuf,
    /// Its footer, as readers take it.
    pub metadata: Arc<ParquetMetaData>,
    /// What the footer states otherwise than the format demands, and was put right in `metadata`.
    pub defects: Vec<FooterDefect>,
    /// Columns that its folders give it, and that it does not hold itself.
    pub partitions: Arc<[PartitionColumn]>,
    /// Its entry in the manifest, where it has one.
    pub manifest_index: Option<usize>,
    /// The memory that its readers share.
    pub memory: Arc<Memory>,
}

/// Something that is named like a Parquet file, stands for Parquet files, and is no file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disguised {
    /// Path relative to the output's root.
    pub path: String,
    /// What it is, with its article.
    pub kind: &'static str,
}

/// A file that claims to be Parquet and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Path relative to the output's root.
    pub path: String,
    /// What the reader said.
    pub reason: String,
    /// True where a limit of this program ended the reading, so that the file may be sound.
    pub limited: bool,
}
