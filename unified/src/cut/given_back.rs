//! Rows that a file gave back because it had no room for them. They lie in files of the scratch directory until their turn comes.

use std::path::{Path, PathBuf};

use arrow::buffer::BooleanBuffer;
use tempfile::TempPath;

use crate::cut::size::PIECE_BYTES;
use crate::error::{Error, ErrorKind, Result};
use crate::input::segment::SegmentReader;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::Translator;
use crate::rows::key::KeyRule;

/// Files on disk, one behind the other.
pub(crate) struct Stored {
    pub(crate) paths: Vec<TempPath>,
    pub(crate) rows: usize,
    pub(crate) bytes: f64,
    pub(crate) hour: Option<i64>,
    /// Which rows begin a group; absent where there are no groups.
    pub(crate) starts: Option<BooleanBuffer>,
}

impl Stored {
    /// What is wrong where fewer rows come back than were stored.
    pub(crate) fn too_short(&self) -> Error {
        let message = format!("it does not hold the {} rows that were written to it", self.rows);
        let path = self.paths.last().map_or(Path::new("a scratch file"), |path| path);
        Error::io("reading back", path, std::io::Error::other(message))
    }

    /// Reads the rows back, with their keys by this rule.
    pub(crate) fn reader(&self, key: Option<&KeyRule>) -> Reader {
        let paths: Vec<PathBuf> = self.paths.iter().map(|path| path.to_path_buf()).collect();
        let key = key.map(|key| key.column.clone());
        Reader { paths: paths.into_iter(), segment: None, translator: Translator::default(), key }
    }

    /// All rows but the first.
    pub(crate) fn give_back(self, first: usize, key: Option<&KeyRule>) -> GivenBack {
        GivenBack { reader: self.reader(key), at: 0, first, stored: self }
    }
}

/// Rows that did not fit into a file, on disk.
pub(crate) struct GivenBack {
    reader: Reader,
    /// Rows that were read so far, and those at the beginning that are not given back.
    at: usize,
    first: usize,
    stored: Stored,
}

impl GivenBack {
    /// Rows that were not read yet.
    pub(crate) fn rows(&self) -> usize {
        self.stored.rows - self.at.max(self.first)
    }

    /// The next of them, and which of them begin a group.
    pub(crate) fn next(&mut self, catalog: &Catalog) -> Result<Option<(Rows, Option<Vec<bool>>)>> {
        while self.rows() > 0 {
            let Some(batch) = self.reader.next(catalog)? else { return Err(self.stored.too_short()) };
            let begin = self.at;
            self.at += batch.len;
            if self.at > self.first {
                let from = self.first.saturating_sub(begin);
                let rows = batch.slice(from, batch.len - from);
                let starts = &self.stored.starts;
                let starts =
                    starts.as_ref().map(|starts| starts.slice(begin + from, rows.len).iter().collect());
                return Ok(Some((rows, starts)));
            }
        }
        Ok(None)
    }
}

/// Reads rows from files that were written a moment ago.
pub(crate) struct Reader {
    paths: std::vec::IntoIter<PathBuf>,
    segment: Option<SegmentReader>,
    translator: Translator,
    key: Option<String>,
}

impl Reader {
    /// The next rows, or none at the end.
    pub(crate) fn next(&mut self, catalog: &Catalog) -> Result<Option<Rows>> {
        loop {
            let Some(segment) = &mut self.segment else {
                let Some(path) = self.paths.next() else { return Ok(None) };
                let segment = SegmentReader::open(&path, &[], PIECE_BYTES as u64, u64::MAX)
                    .map_err(|source| unreadable(&path, source))?;
                // What others read ahead must not meet values here: which forms their rows take would depend on the time.
                self.segment = Some(segment.without_dictionaries());
                continue;
            };
            let next = segment.next();
            let Some(batch) = next.map_err(|source| unreadable(segment.path(), source))? else {
                self.segment = None;
                continue;
            };
            let mut rows = catalog
                .take(&batch, &segment.place(), &mut self.translator)
                .map_err(|source| unreadable(segment.path(), source))?;
            let key = self.key.as_ref().and_then(|key| catalog.id(key)).and_then(|id| rows.column(id));
            rows.keys = KeyRule::keys(key, rows.len);
            return Ok(Some(rows));
        }
    }
}

/// What went wrong is no fault of the input.
fn unreadable(path: &Path, source: Error) -> Error {
    match source.kind() {
        ErrorKind::Io => source,
        _ => Error::io("reading back", path, std::io::Error::other(source)),
    }
}
