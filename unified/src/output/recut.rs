//! Files that did not come out as large as they should, cut again: one that is too large, or the last one with the one before
//! it, where that last one is too small.
//!
//! How well rows compress is known for certain only when their file is complete: estimates fail where rows of another kind
//! arrive, and a group that may not be cut can be long. So:
//!
//! 1. Such files go to the scratch directory, not to the output.
//! 2. Their rows are read back and the first ones encoded again, until as many are found as come to the size that a file
//!    should have. The guess is linear between the nearest counts tried; two tries mostly do.
//! 3. What is behind them goes back to the rows that wait (module `queue`), before all others.
//!
//! Cost: nothing for files of the right size; for the others, one more pass to read and to encode for each try. Memory: a
//! batch of those rows, and the pages of two files of the right size.

use std::io::{BufWriter, Write};

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;
use tempfile::TempPath;

use crate::cut::given_back::{GivenBack, Stored};
use crate::cut::size::SizeBounds;
use crate::encode::assembly::Assembly;
use crate::encode::file_encoder::Encoders;
use crate::encode::properties::ROW_GROUP_ROWS;
use crate::error::{Error, Result};
use crate::output::open_file::{ClosedFile, OpenFile};
use crate::output::settings::{Context, SplitSettings};
use crate::scratch::Scratch;

/// Tries after which what was found has to do.
const TRIES: usize = 6;

/// Tries after which the middle is tried, not what is linear.
const LINEAR_TRIES: usize = 3;

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
    let rest = (rows < stored.rows).then(|| stored.give_back(rows, with.settings.key.as_ref()));
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
        let mut reader = self.reader(with.settings.key.as_ref());
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
}
