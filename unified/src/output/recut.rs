//! Files that did not come out as large as they should, cut again: one that is too large, or the last one with the one before
//! it, where that last one is too small.
//!
//! How well rows compress is known for certain only when their file is complete: estimates fail where rows of another kind
//! arrive, and a group that may not be cut can be long. So:
//!
//! 1. Such files go to the scratch directory, not to the output.
//! 2. Their rows are read back and the first ones encoded again, until as many are found as come to the size that a file
//!    should have. The guess is linear between the nearest counts tried; two tries mostly do.
//! 3. What is behind them goes back to those who wait (module `queue`), before all others.
//!
//! Cost: nothing for files of the right size; for the others, one more pass to read and to encode for each try. Memory: a
//! batch of those rows, and the pages of two files of the right size.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;
use tempfile::TempPath;

use crate::cut::queue::PIECE_BYTES;
use crate::cut::size::SizeBounds;
use crate::encode::assembly::Assembly;
use crate::encode::file_encoder::Encoders;
use crate::encode::properties::ROW_GROUP_ROWS;
use crate::error::{Error, ErrorKind, Result};
use crate::input::segment::SegmentReader;
use crate::output::open_file::{ClosedFile, OpenFile};
use crate::output::split::{Context, SplitSettings};
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::Translator;
use crate::rows::key::KeyRule;
use crate::scratch::Scratch;

/// Tries after which what was found has to do.
const TRIES: usize = 6;

/// Tries after which the middle is tried, not what is linear.
const LINEAR_TRIES: usize = 3;

/// Files on disk, one behind the other.
pub(crate) struct Stored {
    paths: Vec<TempPath>,
    rows: usize,
    bytes: f64,
    hour: Option<i64>,
    starts: Option<BooleanBuffer>,
}

/// With what files are cut again.
pub(crate) struct RecutContext<'a, 'b> {
    pub(crate) encoders: &'a mut Encoders,
    pub(crate) settings: &'a SplitSettings,
    pub(crate) step: &'a mut Context<'b>,
}

/// Whether the rows of files that follow one another fit into one file of a fair size, or may be cut so that it is one, if
/// the rows of each are alike.
pub(crate) fn may_recut(files: &[&ClosedFile], bounds: SizeBounds) -> bool {
    let mut before = 0.0;
    for (number, file) in files.iter().enumerate() {
        let row_bytes = file.bytes / file.metadata.rows.max(1) as f64;
        let fair = |row: usize| bounds.allow(before + row as f64 * row_bytes);
        let mut rows = usize::from(number == 0)..file.metadata.rows;
        if rows.any(|row| fair(row) && begins(file.starts.as_ref(), row)) {
            return true;
        }
        before += file.bytes;
    }
    bounds.allow(before)
}

fn begins(starts: Option<&BooleanBuffer>, row: usize) -> bool {
    starts.is_none_or(|starts| starts.value(row))
}

/// Makes one file of the rows of others, which follow one another, and yields those that are left, if there are any.
pub(crate) fn recut(
    files: Vec<ClosedFile>,
    bounds: SizeBounds,
    mut with: RecutContext<'_, '_>,
) -> Result<(ClosedFile, Option<GivenBack>)> {
    let stored = Stored::new(files, with.step.scratch)?;
    let found = if bounds.allow(stored.bytes) { None } else { stored.search(bounds, &mut with)? };
    let file = match found {
        Some(found) => found,
        None => stored.first(stored.rows, &mut with)?,
    };
    let rows = file.metadata.rows;
    let rest = (rows < stored.rows).then(|| stored.give_back(rows, with.settings));
    Ok((file, rest))
}

fn store(assembly: Assembly, scratch: &mut Scratch) -> Result<TempPath> {
    let (file, path) = scratch.file()?;
    let mut buffered = BufWriter::with_capacity(64 * 1024, file);
    assembly.write_to(&mut buffered, None).map_err(|source| Error::encode("writing", &path, source))?;
    buffered.flush().map_err(|source| Error::io("writing", &path, source))?;
    Ok(path)
}

impl Stored {
    fn new(files: Vec<ClosedFile>, scratch: &mut Scratch) -> Result<Self> {
        let hour = files.iter().find_map(|file| file.hour);
        let mut stored = Self { paths: Vec::new(), rows: 0, bytes: 0.0, hour, starts: None };
        let mut starts = BooleanBufferBuilder::new(0);
        for file in files {
            stored.rows += file.metadata.rows;
            stored.bytes += file.bytes;
            if let Some(known) = file.starts {
                starts.append_buffer(&known);
            }
            stored.paths.push(store(file.assembly, scratch)?);
        }
        stored.starts = (!starts.is_empty()).then(|| starts.finish());
        Ok(stored)
    }

    /// Looks for the number of first rows whose file comes nearest to what it should.
    fn search(&self, bounds: SizeBounds, with: &mut RecutContext<'_, '_>) -> Result<Option<ClosedFile>> {
        let mut best: Option<ClosedFile> = None;
        let (mut low, mut high) = ((0, 0.0), (self.rows, self.bytes));
        for tried in 0.. {
            if best.is_some() && tried >= TRIES {
                break;
            }
            let part = ((bounds.goal - low.1) / (high.1 - low.1)).clamp(0.0, 1.0);
            let part = if tried < LINEAR_TRIES && part.is_finite() { part } else { 0.5 };
            let guess = low.0 + (part * (high.0 - low.0) as f64) as usize;
            let Some(rows) = self.cut_near(guess, low.0, high.0) else { break };
            let file = self.first(rows, with)?;
            let bytes = file.bytes;
            let off = |bytes: f64| (bytes - bounds.goal).abs();
            if bounds.allow(bytes) && best.as_ref().is_none_or(|best| off(bytes) < off(best.bytes)) {
                best = Some(file);
            }
            if bounds.reached(bytes) {
                break;
            }
            if bytes < bounds.goal { low = (rows, bytes) } else { high = (rows, bytes) }
        }
        Ok(best)
    }

    /// The place nearest to `guess`, between `low` and `high`, at which the file may be cut.
    fn cut_near(&self, guess: usize, low: usize, high: usize) -> Option<usize> {
        let may = |row: &usize| begins(self.starts.as_ref(), *row);
        let guess = guess.clamp(low + 1, high.max(low + 2) - 1);
        let before = (low + 1..guess).rev().find(may);
        let behind = (guess..high).find(may);
        match (before, behind) {
            (Some(before), Some(behind)) if guess - before < behind - guess => Some(before),
            (before, behind) => behind.or(before),
        }
    }

    /// A file of the first rows.
    fn first(&self, rows: usize, with: &mut RecutContext<'_, '_>) -> Result<ClosedFile> {
        let mut file = OpenFile { hour: self.hour, ..OpenFile::default() };
        let mut reader = self.reader(with.settings);
        while file.metadata.rows < rows {
            with.step.cancel.check()?;
            let Some(batch) = reader.next(with.step.catalog)? else { return Err(self.too_short()) };
            let mut at = 0;
            let end = batch.len.min(rows - file.metadata.rows);
            while at < end {
                let len = (end - at).min(ROW_GROUP_ROWS - file.encoder.open_rows());
                let part = batch.slice(at, len);
                let bytes = part.value_bytes_by_row(with.step.catalog)?.iter().sum::<usize>() as f64;
                file.take(part, None, bytes, with.step.catalog, with.settings)?;
                file.encode(with.encoders, with.step.catalog, with.step.scratch, with.settings)?;
                at += len;
            }
        }
        let closed = file.close(with.encoders, with.step.catalog, with.settings)?;
        Ok(ClosedFile { starts: self.starts.as_ref().map(|starts| starts.slice(0, rows)), ..closed })
    }

    fn too_short(&self) -> Error {
        let message = format!("it does not hold the {} rows that were written to it", self.rows);
        let path = self.paths.last().map_or(Path::new("a scratch file"), |path| path);
        Error::io("reading back", path, std::io::Error::other(message))
    }

    fn reader(&self, settings: &SplitSettings) -> Reader {
        let paths: Vec<PathBuf> = self.paths.iter().map(|path| path.to_path_buf()).collect();
        let key = settings.key.as_ref().map(|key| key.column.clone());
        Reader { paths: paths.into_iter(), segment: None, translator: Translator::default(), key }
    }

    /// All rows but the first.
    fn give_back(self, first: usize, settings: &SplitSettings) -> GivenBack {
        GivenBack { reader: self.reader(settings), at: 0, first, stored: self }
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
struct Reader {
    paths: std::vec::IntoIter<PathBuf>,
    segment: Option<SegmentReader>,
    translator: Translator,
    key: Option<String>,
}

impl Reader {
    fn next(&mut self, catalog: &Catalog) -> Result<Option<Rows>> {
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
