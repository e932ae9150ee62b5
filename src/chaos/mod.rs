//! Stopping a side at its work, and letting it try again.
//!
//! 1. The side does the job once, undisturbed, in a process of its own: how long it takes and how much memory it needs.
//! 2. In each attempt it is disturbed in one of four ways, in turn: SIGTERM, SIGKILL (both to its whole group, at a moment that is drawn
//!    from its undisturbed time), a limit on the size of a file (for a full disk, which takes privileges to make: the write fails with
//!    `EFBIG`, or SIGXFSZ ends the process), and a limit on memory. The draws come from the seed, spread over the whole range.
//! 3. What remains in the output directory must be nothing that a reader takes for a finished output, or the whole right output. See
//!    [`remains`] for what counts as nothing.
//! 4. The side does the job again in the same output and scratch directory, as a scheduler has it, undisturbed. It must leave the rows of
//!    its first run. Where it ends with a failure because of what lies there, it does the job in an empty output directory.
//!
//! Rows are compared by ROWS with those of the run that is compared with the other side; noise that `--noise N` found counts as such.
//!
//! Cost: two runs of the side an attempt, three where it refuses, one after another.

use std::path::Path;
use std::time::Duration;

use reports::document::{Role, SideOutcome};
use reports::manifest::ErrorClass;
use rustix::process::Signal;

use crate::cancel::Cancel;
use crate::check::rows::Rows;
use crate::check::stopped::{Attempt, Stops};
use crate::check::{self, Observed, Subject};
use crate::error::Result;
use crate::examine;
use crate::isolate::{self, Given, Watch};
use crate::job::Job;
use crate::measure::launch::{Accounting, Bounds};
use crate::measure::once::{Disturbed, Left, Runner};
use crate::measure::statistics::SplitMix64;
use crate::output::manifest::{self, Statement};
use crate::output::set_mark::{SetMark, State};
use crate::policy::Policy;
use crate::settings::Settings;
use crate::side::process::Cause;
use crate::side::{Side, SideRun};
use crate::spill::Spill;

/// Attempts where no number was given: two of each way.
pub const ATTEMPTS: usize = 8;

/// Least memory that a process is left with: with less no program starts.
const LEAST_MEMORY: u64 = 4 << 20;

/// Seed where none was given.
const SEED: u64 = 0x0c4a_0500;

/// A way to disturb a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Term,
    Kill,
    Disk,
    Memory,
}

const WAYS: [Way; 4] = [Way::Term, Way::Kill, Way::Disk, Way::Memory];

/// Stops `side` in as many attempts as the settings ask for. `first` is its run that is compared; where that did not complete there is
/// nothing to stop.
///
/// # Errors
/// Where the harness could not go on: a full disk, an interruption.
#[expect(clippy::too_many_arguments, reason = "what an attempt consists of")]
pub fn all(
    side: &dyn Side,
    job: &Job,
    first: &Observed,
    policy: &Policy,
    settings: &Settings,
    home: &Path,
    watch: &Watch,
    cancel: &Cancel,
) -> Result<Option<Stops>> {
    let (Some(_), Some(program)) = (settings.chaos, settings.program.as_deref()) else {
        return Ok(None);
    };
    match first.outcome {
        SideOutcome::Recorded => return Ok(None),
        SideOutcome::Failed { .. } => return Ok(Some(not_stopped("it did not complete the job"))),
        SideOutcome::Completed => {}
    }
    let (home, role) = (isolate::private(home)?, first.role);
    let given = Given::new(side, role, job, &home, cancel)?;
    if side.isolation().is_some() {
        watch.begin(role);
    }
    let stops = stopped(side, given.job(), first, policy, settings, (program, &home, cancel));
    if side.isolation().is_some() {
        watch.end(role)?;
    }
    given.note(watch, "its stopped attempts")?;
    Ok(Some(stops?))
}

/// The attempts.
fn stopped(
    side: &dyn Side,
    job: &Job,
    first: &Observed,
    policy: &Policy,
    settings: &Settings,
    (program, home, cancel): (&Path, &Path, &Cancel),
) -> Result<Stops> {
    let runner = Runner { program, tmp: home, cancel, bounds: Bounds::default(), start: None };
    let whole = match runner.once(side, first.role, job) {
        Ok((accounting, left)) => {
            left.remove()?;
            accounting
        }
        Err(error) if error.class == ErrorClass::Side => return Ok(not_stopped(&error.message)),
        Err(error) => return Err(error),
    };
    let chaos = Chaos { side, job, first, policy, settings, home, runner };
    let mut random =
        SplitMix64(settings.seed.unwrap_or(SEED) ^ number(&format!("{} {}", job.id, first.role)));
    let mut stops = Stops::default();
    let attempts = settings.chaos.unwrap_or_default();
    for index in 0..attempts {
        let way = WAYS[index % WAYS.len()];
        let (place, of) = (index / WAYS.len(), attempts.div_ceil(WAYS.len()));
        stops.attempts.push(chaos.attempt(way, share(&mut random, place, of), &whole)?);
    }
    Ok(stops)
}

fn not_stopped(why: &str) -> Stops {
    Stops { attempts: Vec::new(), failure: Some(why.to_owned()) }
}

/// A number that belongs to a text.
fn number(text: &str) -> u64 {
    let digest = blake3::hash(text.as_bytes());
    digest.as_bytes().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// A random share in the part `place` of `of` equal parts, in millionths: the draws spread over the whole.
fn share(random: &mut SplitMix64, place: usize, of: usize) -> u64 {
    let drawn = random.below(1_000_000) as u64;
    (place as u64 * 1_000_000 + drawn) / (of.max(1) as u64)
}

fn part(whole: u64, share: u64) -> u64 {
    u64::try_from(u128::from(whole) * u128::from(share) / 1_000_000).unwrap_or(u64::MAX)
}

struct Chaos<'a> {
    side: &'a dyn Side,
    job: &'a Job,
    first: &'a Observed,
    policy: &'a Policy,
    settings: &'a Settings,
    home: &'a Path,
    runner: Runner<'a>,
}

impl Chaos<'_> {
    fn attempt(&self, way: Way, share: u64, whole: &Accounting) -> Result<Attempt> {
        let left = Left::new(self.home)?;
        let (disturbed, how) = self.disturbed(way, share, whole);
        let (ended, _) = self.runner.attempt(self.side, self.job, &left, disturbed)?;
        // By a signal of ours, or by what it made of a limit.
        let accounting = Runner::accounting(&left);
        let well = accounting.as_ref().is_some_and(|it| it.status == Some(0));
        let hit = match ended.cause {
            Cause::TimedOut => true,
            Cause::Exited(_) => accounting.is_some() && !well && disturbed.signal.is_none(),
            _ => false,
        };
        let mut attempt = Attempt { how, hit, ..Attempt::default() };
        if !hit && !well {
            // It was not started, or failed by itself: that says nothing of stops.
            left.remove()?;
            return Ok(attempt);
        }
        attempt.remained = if well && !hit {
            self.rows_fault(&left)?.map(|fault| format!("ended well, but {fault}"))
        } else {
            self.remains(&left)?
        };
        if hit {
            (attempt.next, attempt.refused) = self.again(&left)?;
        }
        left.remove()?;
        Ok(attempt)
    }

    /// How an attempt is disturbed, and in words.
    fn disturbed(&self, way: Way, share: u64, whole: &Accounting) -> (Disturbed, String) {
        let signal = |signal, name: &str| {
            let after = part(whole.wall_ns, share);
            let how = format!("{name} after {} of {} ms", after / 1_000_000, whole.wall_ns / 1_000_000);
            let disturbed =
                Disturbed { signal: Some((Duration::from_nanos(after), signal)), ..Disturbed::default() };
            (disturbed, how)
        };
        let bounded = |bounds, how| (Disturbed { bounds, signal: None }, how);
        match way {
            Way::Term => signal(Signal::TERM, "SIGTERM"),
            Way::Kill => signal(Signal::KILL, "SIGKILL"),
            Way::Disk => {
                let largest = self.first.output.files.iter().map(|file| file.info.bytes).max().unwrap_or(0);
                let bytes = part(largest, share);
                let how = format!("a limit of {bytes} bytes a file (its largest has {largest})");
                bounded(Bounds { file: Some(bytes), data: None }, how)
            }
            Way::Memory => {
                let bytes = part(whole.peak_bytes, share).max(LEAST_MEMORY);
                let how = format!("a limit of {bytes} bytes of memory (its peak is {})", whole.peak_bytes);
                bounded(Bounds { data: Some(bytes), file: None }, how)
            }
        }
    }

    /// What a stopped attempt left that a reader takes for a finished output, and is not the whole right one.
    ///
    /// No such thing are: names that readers pass over (`_temporary`, `.x.parquet`); files that all belong to sets which their marks
    /// show to be incomplete (`parallax.set_mark`); and any files without a manifest, where the side's undisturbed run left one.
    fn remains(&self, left: &Left) -> Result<Option<String>> {
        match manifest::examine(&left.output)? {
            // It says itself that it did not complete.
            Ok(Statement::Failure(_) | Statement::Nothing) if self.leaves_manifest() => return Ok(None),
            Err(fault) => return Ok(Some(format!("left a manifest that cannot be used: {fault}"))),
            Ok(_) => {}
        }
        let observed = match self.open(left) {
            Ok(observed) => observed,
            Err(error) if error.class == ErrorClass::Input => {
                return Ok(Some(format!("left what cannot be read: {}", error.message)));
            }
            Err(error) => return Err(error),
        };
        let output = &observed.output;
        let nothing = output.files.is_empty() && output.unreadable.is_empty() && output.disguised.is_empty();
        let named: u64 = output.marks.iter().map(|mark| mark.named_by).sum();
        let marked = named == output.files.len() as u64 && output.unreadable.is_empty();
        if nothing || (marked && output.marks.iter().all(incomplete)) {
            return Ok(None);
        }
        let files = output.files.iter().map(|file| file.info.path.as_str());
        let mut names: Vec<&str> =
            files.chain(output.unreadable.iter().map(|file| file.path.as_str())).collect();
        names.sort_unstable();
        let more = if names.len() > 1 { format!(" and {} more", names.len() - 1) } else { String::new() };
        let lead = format!("left {}{more} under a final name", names.first().copied().unwrap_or_default());
        Ok(self.compare(observed)?.map(|fault| format!("{lead}: {fault}")))
    }

    /// True where the side commits by a manifest in its output: what lies there without one is not finished.
    fn leaves_manifest(&self) -> bool {
        self.side.probe_name().is_none() && self.first.output.manifest.is_some()
    }

    /// The next attempt, in the same directories: what is wrong with it, and whether the side refused to work there. An output directory is
    /// promised to be empty, so a side may; then it must be right in an empty one.
    fn again(&self, left: &Left) -> Result<(Option<String>, bool)> {
        left.renew()?;
        match self.runner.complete(self.side, self.first.role, self.job, left) {
            Ok(_) => return Ok((self.rows_fault(left)?, false)),
            // The machine's faults come again below.
            Err(error) if matches!(error.class, ErrorClass::Side | ErrorClass::Io) => {}
            Err(error) => return Err(error),
        }
        let fresh = Left::new(self.home)?.scratch_of(left);
        let fault = match self.runner.complete(self.side, self.first.role, self.job, &fresh) {
            Ok(_) => self.rows_fault(&fresh)?,
            Err(error) if error.class == ErrorClass::Side => Some(error.message),
            Err(error) => return Err(error),
        };
        fresh.remove()?;
        Ok((fault, true))
    }

    /// How the rows of a completed attempt differ from those of the first run.
    fn rows_fault(&self, left: &Left) -> Result<Option<String>> {
        match self.open(left) {
            Ok(observed) => self.compare(observed),
            Err(error) if error.class == ErrorClass::Input => {
                Ok(Some(format!("left what cannot be read: {}", error.message)))
            }
            Err(error) => Err(error),
        }
    }

    fn open(&self, left: &Left) -> Result<Observed> {
        let run = SideRun {
            outcome: SideOutcome::Completed,
            output: left.output.clone(),
            manifest: None,
            scratch_left: Vec::new(),
            duration: None,
            work: None,
        };
        let info = self.side.info(self.job);
        examine::observed(self.job, &self.policy.comparison, Role::Candidate, info, &run)
    }

    fn compare(&self, mut left: Observed) -> Result<Option<String>> {
        if let SideOutcome::Failed { failure, .. } = &left.outcome {
            return Ok(Some(failure.message.clone()));
        }
        let comparison = &self.policy.comparison;
        let mut first = Observed { role: Role::Baseline, ..self.first.clone() };
        check::settle_partitions(self.job, comparison, Some(&mut first), &mut left)?;
        if first.output.rows() == 0 && left.output.rows() == 0 && left.output.unreadable.is_empty() {
            return Ok(None);
        }
        let spill = Spill::new(self.home, &self.settings.memory);
        let subject = Subject {
            job: self.job,
            baseline: Some(&first),
            candidate: &left,
            rows_in: None,
            comparison,
            size_bounds: &self.policy.size_bounds,
            known_defects: &[],
            touched: &[],
            scratch: self.home,
            spill: &spill,
            differences: None,
            cancel: self.runner.cancel,
        };
        let outcome = examine::examine(&Rows, &subject)?;
        if let Some(failure) = spill.failure() {
            return Err(failure);
        }
        if let Some(file) = left.output.unreadable.first() {
            return Ok(Some(format!("{} cannot be read as Parquet", file.path)));
        }
        let blocker = outcome.findings.iter().find(|it| crate::policy::verdict::is_blocking(it));
        let Some(blocker) = blocker else { return Ok(None) };
        Ok(Some(match &outcome.evidence.rows {
            Some(rows) => format!(
                "its rows are not those of an undisturbed run: {} changed, {} missing, {} extra",
                reports::counted(rows.changed, "row", "rows"),
                rows.missing,
                rows.extra
            ),
            None => blocker.message.clone(),
        }))
    }
}

fn incomplete(mark: &SetMark) -> bool {
    match &mark.state {
        State::Absent => true,
        State::Present { missing, .. } => !missing.is_empty(),
        State::Unusable(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_spread_over_the_whole_and_come_from_the_seed() {
        let drawn = |seed| {
            let mut random = SplitMix64(seed);
            (0..4).map(|place| share(&mut random, place, 4)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        for (place, share) in drawn(7).into_iter().enumerate() {
            assert_eq!(share / 250_000, place as u64, "{share}");
        }
        assert_eq!((part(200, 500_000), part(u64::MAX, 1_000_000)), (100, u64::MAX));
        assert_ne!(number("a baseline"), number("a candidate"));
    }

    #[test]
    fn a_set_is_incomplete_without_its_mark_or_one_of_its_files() {
        let mark = |state| SetMark { path: "_SUCCESS".to_owned(), named_by: 1, file: "a".to_owned(), state };
        let missing = |missing: &[&str]| State::Present {
            missing: missing.iter().map(|&name| name.to_owned()).collect(),
            unlisted: Vec::new(),
        };
        assert!(incomplete(&mark(State::Absent)) && incomplete(&mark(missing(&["b"]))));
        assert!(!incomplete(&mark(missing(&[]))));
    }
}
