//! Making a failing job small: the fewest rows, columns and segments with which it still fails in the same way.
//!
//! 1. The inputs are written anew, unchanged in content. If the job then no longer fails in the same way, the fault depends on how
//!    they were written, and nothing can be left out without losing it.
//! 2. Rows are left out by delta debugging (see `ddmin`), then columns, then rows again where columns went; at last all
//!    segments are joined into one, where that fails too.
//! 3. What is left is written as a corpus with its specification, and run once more from there.
//!
//! Every trial is the whole job: both sides, all checks, the policy. Cost: about 2 log2 n trials for one guilty row of n, each on
//! half of what the one before took; disk for two copies of what is left. A trial in which a side cannot even be asked (an
//! input that it refuses) counts as "does not fail in the same way".

mod corpus;
mod ddmin;
mod segments;
mod way;

use std::ops::Range;
use std::path::{Path, PathBuf};

use reports::manifest::ErrorClass;
use serde::Serialize;

use self::ddmin::Shrinks;
use self::segments::Segments;
pub use self::way::Way;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::examine;
use crate::isolate::Grounds;
use crate::job::Job;
use crate::plan::PlannedJob;
use crate::settings::Settings;
use crate::side::leavings;

/// How large a job's inputs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub columns: u64,
    /// Segments.
    pub segments: u64,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Minimized {
    /// The specification of the small corpus.
    pub corpus: PathBuf,
    /// How the job fails, a sentence for each kind of finding.
    pub fails: Vec<String>,
    /// Size of the inputs before.
    pub before: Size,
    /// Size of the inputs now.
    pub after: Size,
    /// Trials made.
    pub trials: u64,
    /// True where no more trials were allowed: what is left may not be the smallest.
    pub stopped: bool,
}

/// What a search needs beside the job.
pub struct Search<'a> {
    /// Sides and policy. The report directory in it is not used.
    pub settings: &'a Settings,
    /// Only failures of this check count.
    pub check: Option<&'a str>,
    /// Trials allowed.
    pub limit: u64,
    /// Folder for everything temporary.
    pub tmp: &'a Path,
    /// Folder of the corpus, which must not exist or be empty.
    pub out: &'a Path,
    /// Request to stop.
    pub cancel: &'a Cancel,
    /// Told after every trial that made the job smaller.
    pub progress: &'a dyn Fn(u64, Size),
}

/// Makes `job` small.
///
/// # Errors
/// Class `usage` where it does not fail or has no inputs; class `input` where it fails no more once its inputs are written anew;
/// whatever keeps a trial from being made: an interruption, a full disk.
pub fn minimize(job: &PlannedJob, search: &Search<'_>) -> Result<Minimized> {
    let generated = search.tmp.join("given");
    std::fs::create_dir_all(&generated).map_err(|source| Error::io("cannot make", &generated, source))?;
    let ready = job.prepare(&generated)?;
    if ready.segments.is_none() || ready.job.inputs.is_empty() {
        return Err(Error::usage(format!(
            "job {}: its inputs are unknown, nothing can be left out of them",
            job.id()
        )));
    }
    let mut hunt =
        Hunt { job, search, way: Way::default(), left: Segments::open(&ready.job.inputs)?, trials: 0 };
    hunt.way = hunt.way_of(&ready.job.inputs)?.unwrap_or_default();
    if hunt.way.is_empty() {
        let which = search.check.map_or_else(String::new, |check| format!(" in {check}"));
        return Err(Error::usage(format!(
            "job {} does not fail{which}: there is nothing to make smaller",
            job.id()
        )));
    }
    let before = hunt.size()?;
    let columns = hunt.left.columns()?;
    let rows = hunt.left.rows();
    if !hunt.attempt(|left, to| left.cut(std::slice::from_ref(&(0..rows)), &columns, to).map(Some))? {
        return Err(Error::input(format!(
            "job {} fails no more in the same way once its inputs are written anew with the same values: the fault hangs on how \
             they are laid out; pack them as they are with `parallax bundle`",
            job.id()
        )));
    }
    ddmin::shrink(&mut Rows(&mut hunt))?;
    let columns = hunt.left.columns()?.len();
    ddmin::shrink(&mut Columns(&mut hunt))?;
    if hunt.left.columns()?.len() < columns {
        ddmin::shrink(&mut Rows(&mut hunt))?;
    }
    if hunt.left.files.len() > 1 {
        hunt.attempt(|left, to| left.join(to))?;
    }
    let made = !search.out.exists();
    let corpus = hunt.leave(&ready.job).inspect_err(|_| {
        // The error is what counts; nothing half done is left where it can be. A folder that was there before stays.
        corpus::remove(&hunt.left, search.out);
        if made {
            drop(std::fs::remove_dir(search.out));
        }
    })?;
    let stopped = hunt.trials >= search.limit;
    let after = hunt.size()?;
    Ok(Minimized { corpus, fails: hunt.way.words(), before, after, trials: hunt.trials, stopped })
}

/// A search in progress.
struct Hunt<'a> {
    job: &'a PlannedJob,
    search: &'a Search<'a>,
    way: Way,
    /// The smallest inputs so far.
    left: Segments,
    trials: u64,
}

impl Hunt<'_> {
    /// Writes the corpus and runs it from where it lies.
    fn leave(&mut self, job: &Job) -> Result<PathBuf> {
        let out = self.search.out;
        let corpus = corpus::write(job, &self.left, &self.way, out)?;
        let files = self.left.files.iter();
        let kept: Vec<PathBuf> = files.filter_map(|it| Some(out.join(it.path.file_name()?))).collect();
        if self.way_of(&kept)?.as_ref() == Some(&self.way) {
            return Ok(corpus);
        }
        Err(Error::input(
            "the small job does not fail twice in the same way: a side does not give the same result twice",
        ))
    }

    fn size(&self) -> Result<Size> {
        Ok(Size {
            rows: self.left.rows(),
            columns: self.left.columns()?.len() as u64,
            segments: self.left.files.len() as u64,
        })
    }

    /// Performs and judges the job on these inputs; `None` where it could not be performed on them.
    fn way_of(&mut self, inputs: &[PathBuf]) -> Result<Option<Way>> {
        self.search.cancel.check()?;
        self.trials += 1;
        let place = self.search.tmp.join(format!("trial-{}", self.trials));
        std::fs::create_dir_all(&place).map_err(|source| Error::io("cannot make", &place, source))?;
        let judged = self.job.with_inputs(inputs).and_then(|job| {
            examine::job(&job, 0, self.search.settings, &Grounds::within(&place), self.search.cancel)
        });
        // Trials are many: what one leaves would add up.
        leavings::remove(&place).map_err(|source| Error::io("cannot remove", &place, source))?;
        match judged {
            Ok(report) => Ok(Some(Way::of(&report, self.search.check))),
            Err(error)
                if matches!(error.class, ErrorClass::Cancelled | ErrorClass::Io | ErrorClass::Internal) =>
            {
                Err(error)
            }
            Err(_) => Ok(None),
        }
    }

    /// Tries what `make` makes of the inputs; takes it over where the job fails on it in the same way.
    fn attempt(&mut self, make: impl FnOnce(&Segments, &Path) -> Result<Option<Segments>>) -> Result<bool> {
        let to = self.search.tmp.join(format!("inputs-{}", self.trials));
        let Some(smaller) = make(&self.left, &to)? else { return Ok(false) };
        let same = self.way_of(&smaller.paths())?.as_ref() == Some(&self.way);
        let (gone, now) =
            if same { (std::mem::replace(&mut self.left, smaller), true) } else { (smaller, false) };
        for file in &gone.files {
            // The job's own inputs are not ours to remove.
            if file.path.starts_with(self.search.tmp) {
                std::fs::remove_file(&file.path)
                    .map_err(|source| Error::io("cannot remove", &file.path, source))?;
            }
        }
        if now {
            (self.search.progress)(self.trials, self.size()?);
        }
        Ok(now)
    }

    fn spent(&self) -> bool {
        self.trials >= self.search.limit
    }
}

/// The rows of the inputs, one after the other.
struct Rows<'a, 'b>(&'a mut Hunt<'b>);

impl Shrinks for Rows<'_, '_> {
    fn len(&self) -> Result<u64> {
        Ok(self.0.left.rows())
    }

    fn keep(&mut self, stretches: &[Range<u64>]) -> Result<bool> {
        let columns = self.0.left.columns()?;
        self.0.attempt(|left, to| left.cut(stretches, &columns, to).map(Some))
    }

    fn spent(&self) -> bool {
        self.0.spent()
    }
}

/// The columns of the inputs, but for those without which they are none of the signal.
struct Columns<'a, 'b>(&'a mut Hunt<'b>);

impl Columns<'_, '_> {
    /// Columns that must stay, and the others.
    fn parted(&self) -> Result<(Vec<String>, Vec<String>)> {
        let signal = self.0.job.job().signal.as_ref();
        let needed = |name: &String| {
            signal.is_some_and(|it| {
                it.required.contains_key(name) || it.marker.as_ref().is_some_and(|it| it.column == *name)
            })
        };
        Ok(self.0.left.columns()?.into_iter().partition(needed))
    }
}

impl Shrinks for Columns<'_, '_> {
    fn len(&self) -> Result<u64> {
        Ok(self.parted()?.1.len() as u64)
    }

    fn keep(&mut self, stretches: &[Range<u64>]) -> Result<bool> {
        let (mut kept, free) = self.parted()?;
        let at = |it: u64| usize::try_from(it).unwrap_or(usize::MAX);
        kept.extend(stretches.iter().flat_map(|it| free[at(it.start)..at(it.end)].iter().cloned()));
        let rows = self.0.left.rows();
        self.0.attempt(|left, to| left.cut(std::slice::from_ref(&(0..rows)), &kept, to).map(Some))
    }

    fn spent(&self) -> bool {
        self.0.spent()
    }
}
