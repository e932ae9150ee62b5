//! The outputs of measured runs: a writer that writes nothing is fast, and its time says nothing.
//!
//! 1. The outputs of the warm-up are kept. Once both sides did every job, ROWS compares them: the same check as in a comparison, with
//!    the known defects of the baseline, the columns that are ignored, the waivers, and with `--noise N` further runs of the baseline.
//! 2. Every later output is compared with that of its own side in the warm-up:
//!    - by the bytes of its files. Equal bytes in the same folders are the same output;
//!    - where bytes differ, by its rows. A writer may put a time of writing into a file;
//!    - where rows differ too, by what the noise of the baseline explains: the output is judged as that of the warm-up was.
//! 3. An output that is none of these is a fault of its run. So is a file that the side did not write in this run: a link to another
//!    file, or the file of an earlier run, moved.
//!
//! All of this happens while nothing is measured, and the outputs are then removed. A side cannot see which run is which: directories,
//! papers and environment of the warm-up are those of the runs that count.
//!
//! What it does not see: a side that keeps a copy of its output elsewhere and copies it, instead of doing the job again.
//!
//! Cost: each output is read once, and where bytes differ its rows are hashed.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use reports::document::{CheckReport, CheckStatus, Coverage, Finding, Role, SideOutcome};
use reports::manifest::ErrorClass;
use reports::measurement::{OutputFault, Outputs};

use super::launch::Accounting;
use super::left_files::{Bytes, File, Inode, bytes, inodes, read};
use super::once::{Left, Runner};
use super::parallel;
use super::schedule::{Perform, Run};
use super::set::CODES;
use crate::cancel::Cancel;
use crate::check::rows::Rows;
use crate::check::{self, KnownDefect, Observed, Outcome, Subject};
use crate::error::{Error, Result};
use crate::evidence::differences::Differences;
use crate::examine;
use crate::isolate::{Given, JobHome};
use crate::plan::Ready;
use crate::policy::waiver::Scene;
use crate::policy::{Policy, verdict, waiver};
use crate::rerun;
use crate::settings::Settings;
use crate::side::{Side, SideRun};
use crate::spill::Spill;

/// Code of the check that examines the warm-up.
const ROWS: &str = "ROWS";

/// An output of the warm-up.
struct Warm {
    left: Left,
    bytes: Bytes,
    inodes: BTreeSet<Inode>,
}

/// The jobs of a set.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// As they were made.
    pub ready: &'a [Ready],
    /// As the baseline and the candidate are given them.
    pub given: &'a [Vec<Given>; 2],
    /// For the further runs of the baseline, and what the check spills.
    pub home: &'a Path,
    /// Where the sides work.
    pub sides: &'a JobHome,
}

/// Performs the runs of a set and examines what they leave.
pub struct Examined<'a> {
    settings: &'a Settings,
    runner: Runner<'a>,
    workers: usize,
    baseline: &'a dyn Side,
    ready: &'a [Ready],
    given: &'a [Vec<Given>; 2],
    home: &'a Path,
    sides: &'a JobHome,
    warm: BTreeMap<(bool, usize), Warm>,
    /// The baseline's outputs of the warm-up, opened, with their noise.
    references: BTreeMap<usize, Observed>,
    /// Runs whose outputs were not examined yet.
    waiting: Vec<(Run, Left)>,
    /// What ROWS found on each job.
    found: BTreeMap<usize, Outcome>,
    /// What became of the later outputs.
    outputs: Outputs,
}

impl<'a> Examined<'a> {
    /// Nothing ran yet.
    #[must_use]
    pub fn new(
        settings: &'a Settings,
        runner: Runner<'a>,
        workers: usize,
        baseline: &'a dyn Side,
        Work { ready, given, home, sides }: Work<'a>,
    ) -> Self {
        Self {
            settings,
            runner,
            workers,
            baseline,
            ready,
            given,
            home,
            sides,
            warm: BTreeMap::new(),
            references: BTreeMap::new(),
            waiting: Vec::new(),
            found: BTreeMap::new(),
            outputs: Outputs::default(),
        }
    }

    /// What became of the outputs after the warm-up, and the outcome of ROWS for the set.
    #[must_use]
    pub fn finish(self) -> (Outputs, Outcome) {
        let jobs = self.found.into_iter().map(|(job, outcome)| (self.ready[job].job.id.as_str(), outcome));
        let outcome = joined(jobs, &self.outputs);
        (self.outputs, outcome)
    }

    fn side(&self, role: Role) -> &'a dyn Side {
        if role == Role::Baseline { self.baseline } else { self.settings.candidate.as_ref() }
    }

    fn given(&self, role: Role, job: usize) -> &'a Given {
        &self.given[usize::from(role == Role::Candidate)][job]
    }

    fn cancel(&self) -> &'a Cancel {
        self.runner.cancel
    }

    /// The policy for a job.
    fn policy(&self, job: usize) -> Policy {
        let job = &self.ready[job].job;
        let signal = job.signal.as_ref().map(|signal| signal.name.as_str()).filter(|name| !name.is_empty());
        self.settings.policy.for_job(signal, &job.id)
    }

    /// An output, opened for a comparison.
    fn open(&self, role: Role, job: usize, left: &Left, policy: &Policy) -> Result<Observed> {
        let run = SideRun {
            outcome: SideOutcome::Completed,
            output: left.output.clone(),
            manifest: None,
            scratch_left: Vec::new(),
            duration: None,
            work: None,
        };
        let job = &self.ready[job].job;
        examine::observed(job, &policy.comparison, role, self.side(role).info(job), &run)
    }

    /// The baseline's output of the warm-up, with its noise.
    fn reference(&self, job: usize, policy: &Policy) -> Result<Observed> {
        let warm = self.warm_of(Role::Baseline, job)?;
        let mut observed = self.open(Role::Baseline, job, &warm.left, policy)?;
        let home = tempfile::Builder::new()
            .prefix("noise-")
            .tempdir_in(self.home)
            .map_err(|source| Error::io("cannot make a directory in", self.home, source))?;
        let (times, cancel) = (self.settings.noise, self.cancel());
        let comparison = &policy.comparison;
        let (of_job, watch) = (&self.ready[job].job, self.given(Role::Baseline, job).watch());
        // Kept, for their outputs are read by the check; removed with everything else of the set.
        observed.reruns =
            rerun::all(self.baseline, of_job, &observed, comparison, times, &home.keep(), watch, cancel)?;
        Ok(observed)
    }

    fn warm_of(&self, role: Role, job: usize) -> Result<&Warm> {
        let warm = self.warm.get(&(role == Role::Candidate, job));
        warm.ok_or_else(|| Error::internal("an output of the warm-up is missing"))
    }

    /// ROWS on two outputs of a job, waivers applied.
    fn rows(
        &self,
        job: usize,
        policy: &Policy,
        mut baseline: Observed,
        mut candidate: Observed,
        known_defects: &[KnownDefect],
    ) -> Result<Outcome> {
        let Ready { job, segments } = &self.ready[job];
        check::settle_partitions(job, &policy.comparison, Some(&mut baseline), &mut candidate)?;
        let spill = Spill::new(self.home, &self.settings.memory);
        let signal = job.signal.as_ref().map(|signal| signal.name.as_str()).filter(|name| !name.is_empty());
        let scopes = self.settings.policy.row_scopes(signal, &job.id);
        // No file of differences: where both sides differ, a comparison says more.
        let scratch = self.home.join("differences");
        let differences =
            Differences::new(&scratch, &job.id, &[]).scoped(scopes).within(self.settings.memory.limit());
        let subject = Subject {
            job,
            baseline: Some(&baseline),
            candidate: &candidate,
            rows_in: segments.as_deref().map(corpora::rows_of),
            comparison: &policy.comparison,
            size_bounds: &policy.size_bounds,
            known_defects,
            scratch: self.home,
            spill: &spill,
            touched: &[],
            differences: Some(&differences),
            cancel: self.cancel(),
        };
        let mut outcome = examine::examine(&Rows, &subject)?;
        if let Some(failure) = spill.failure() {
            return Err(failure);
        }
        let scene = Scene {
            job: &job.id,
            signal,
            baseline: Some(baseline.info.kind),
            candidate: candidate.info.kind,
        };
        let today = self.settings.today;
        waiver::apply(&policy.waivers, today, &scene, &mut outcome.findings);
        differences.with_scopes(|it| policy.split(it, today, &scene, &mut outcome.findings));
        Ok(outcome)
    }

    /// Keeps an output of the warm-up.
    fn keep(&mut self, run: Run, left: Left) -> Result<()> {
        if let Err(why) = read(&left)? {
            let job = &self.ready[run.job].job;
            let name = self.side(run.side).info(job).name;
            let message = format!("job {}: the {} {name} {why} in the warm-up", job.id, run.side);
            return Err(Error::new(ErrorClass::Side, message));
        }
        let key = (run.side == Role::Candidate, run.job);
        if self.warm.contains_key(&key) {
            // One of several workers: its output is compared like those of later runs.
            return self.later(run, left);
        }
        let bytes = bytes(&left.output)?.unwrap_or_default();
        let inodes = inodes(&left.output)?.into_keys().collect();
        self.warm.insert(key, Warm { left, bytes, inodes });
        Ok(())
    }

    /// Examines an output after those that it is compared with.
    fn later(&mut self, run: Run, left: Left) -> Result<()> {
        let judged = self.judged(run, &left)?;
        left.remove()?;
        match judged {
            Like::Bytes => self.outputs.identical += 1,
            Like::Rows => self.outputs.same_rows += 1,
            Like::Noise => self.outputs.noise += 1,
            Like::Unknown(why) => {
                let job = &self.ready[run.job].job.id;
                let message =
                    format!("job {job}: an output of the {} could not be compared: {why}", run.side);
                return Err(Error::new(ErrorClass::Side, message));
            }
            Like::Nothing(message) => {
                let Run { purpose, repetition, round, side, .. } = run;
                let job = self.ready[run.job].job.id.clone();
                let fault = OutputFault { purpose, repetition, round, job, side, message };
                let why = format!("job {}, {}: the {side} {}", fault.job, fault.run(), fault.message);
                self.outputs.faults.push(fault);
                return Err(Error::new(ErrorClass::Side, why));
            }
        }
        Ok(())
    }

    fn judged(&self, run: Run, left: &Left) -> Result<Like> {
        if let Err(why) = read(left)? {
            return Ok(Like::Nothing(why));
        }
        let warm = self.warm_of(run.side, run.job)?;
        if let Some(why) = self.not_written(run.side, run.job, left, warm)? {
            return Ok(Like::Nothing(why));
        }
        if bytes(&left.output)?.is_some_and(|bytes| bytes == warm.bytes) {
            return Ok(Like::Bytes);
        }
        let policy = self.policy(run.job);
        let again = || self.open(Role::Candidate, run.job, left, &policy);
        let first = self.open(Role::Baseline, run.job, &warm.left, &policy)?;
        let outcome = self.rows(run.job, &policy, first, again()?, &[])?;
        if same(&outcome) {
            return Ok(Like::Rows);
        }
        if let Some(reference) = self.references.get(&run.job).filter(|it| !it.reruns.is_empty()) {
            let defects = if run.side == Role::Candidate { self.baseline.known_defects() } else { &[] };
            let explained = self.rows(run.job, &policy, reference.clone(), again()?, defects)?;
            if !blocks(&explained) && !explained.coverage.is_empty() {
                return Ok(Like::Noise);
            }
        }
        Ok(if blocks(&outcome) {
            Like::Nothing(difference(&outcome))
        } else {
            Like::Unknown(outcome.summary)
        })
    }

    /// Says which file of an output the side did not write in this run.
    fn not_written(&self, role: Role, job: usize, left: &Left, warm: &Warm) -> Result<Option<String>> {
        let within = inodes(left.home())?;
        let inputs: BTreeSet<Inode> = self
            .given(role, job)
            .job()
            .inputs
            .iter()
            .filter_map(|input| std::fs::metadata(input).ok())
            .map(|facts| (facts.dev(), facts.ino()))
            .collect();
        for (inode, File { path, links, .. }) in inodes(&left.output)? {
            let shown = crate::error::display(path.strip_prefix(&left.output).unwrap_or(&path));
            if warm.inodes.contains(&inode) {
                return Ok(Some(format!(
                    "left {shown}, which is a file of its warm-up and not written anew"
                )));
            }
            let known = within.get(&inode).map_or(0, |file| file.seen);
            if links > known && !inputs.contains(&inode) {
                return Ok(Some(format!(
                    "left {shown}, which is a hard link to a file outside of the directories of this run; write the file anew"
                )));
            }
        }
        Ok(None)
    }
}

impl Perform for Examined<'_> {
    fn once(&mut self, run: Run) -> Result<Vec<Accounting>> {
        let given = self.given(run.side, run.job);
        let (side, workers) = (self.side(run.side), self.workers);
        let runner = Runner { tmp: self.sides.of(run.side), ..self.runner };
        let done = match given.once(|job| parallel::run(runner, side, run.side, job, workers)) {
            Err(error) if error.class == ErrorClass::Side && self.runner.bounds.data.is_some() => {
                // Under the limit of a worker a failure is an answer: this side needs more than a worker has.
                let Run { purpose, repetition, round, side, .. } = run;
                let message = format!("failed under the limit of a worker: {}", error.message);
                let job = given.job().id.clone();
                self.outputs.faults.push(OutputFault { purpose, repetition, round, job, side, message });
                return Err(error);
            }
            done => done?,
        };
        let mut all = Vec::new();
        for (accounting, left) in done {
            self.waiting.push((run, left));
            all.push(accounting);
        }
        Ok(all)
    }

    fn settle(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let warm_up = self.found.is_empty();
        if !warm_up {
            return waiting.into_iter().try_for_each(|(run, left)| self.later(run, left));
        }
        let mut jobs = BTreeSet::new();
        for (run, left) in waiting {
            jobs.insert(run.job);
            self.keep(run, left)?;
        }
        for job in jobs {
            self.cancel().check()?;
            let policy = self.policy(job);
            let candidate = &self.warm_of(Role::Candidate, job)?.left;
            let candidate = self.open(Role::Candidate, job, candidate, &policy)?;
            let baseline = self.reference(job, &policy)?;
            self.references.insert(job, baseline.clone());
            let defects = self.baseline.known_defects();
            let outcome = self.rows(job, &policy, baseline, candidate, defects)?;
            self.found.insert(job, outcome);
        }
        Ok(())
    }
}

/// What an output is like that of the warm-up in.
enum Like {
    Bytes,
    Rows,
    Noise,
    /// Why they could not be compared.
    Unknown(String),
    /// What is wrong with it, as the end of a sentence about the side.
    Nothing(String),
}

/// True where ROWS compared and found no difference at all.
fn same(outcome: &Outcome) -> bool {
    let rows = outcome.evidence.rows.as_ref();
    let equal = rows.is_some_and(|rows| {
        rows.changed + rows.missing + rows.extra == 0 && rows.equal == rows.rows_candidate
    });
    // Both hold no row, as the job declares.
    equal || (rows.is_none() && outcome.status == Some(CheckStatus::Pass))
}

/// The difference between an output and that of the warm-up, as the end of a sentence about the side.
fn difference(outcome: &Outcome) -> String {
    match &outcome.evidence.rows {
        Some(rows) => format!(
            "did not write the rows of its warm-up: {} changed, {} missing, {} extra",
            reports::counted(rows.changed, "row", "rows"),
            rows.missing,
            rows.extra
        ),
        None => {
            let blocker = outcome.findings.iter().find(|it| verdict::is_blocking(it));
            let why = blocker.map_or(outcome.summary.as_str(), |it| it.message.as_str());
            format!("did not write the rows of its warm-up: {why}")
        }
    }
}

fn blocks(outcome: &Outcome) -> bool {
    outcome.findings.iter().any(verdict::is_blocking) || outcome.status == Some(CheckStatus::Fail)
}

/// The outcomes of ROWS on several jobs as one of the set.
fn joined<'a>(jobs: impl Iterator<Item = (&'a str, Outcome)>, outputs: &Outputs) -> Outcome {
    let mut all = Outcome { status: Some(CheckStatus::NotApplicable), ..Outcome::default() };
    let mut said = Vec::new();
    for (id, outcome) in jobs {
        all.coverage = added(all.coverage, outcome.coverage);
        said.push(format!("{id}: {}", outcome.summary));
        let named =
            |finding: Finding| Finding { message: format!("job {id}: {}", finding.message), ..finding };
        all.findings.extend(outcome.findings.into_iter().map(named));
        all.status = match (all.status, outcome.status) {
            (Some(CheckStatus::Fail), _) | (_, Some(CheckStatus::Fail)) => Some(CheckStatus::Fail),
            (Some(CheckStatus::Inconclusive), _) | (_, Some(CheckStatus::Inconclusive)) => {
                Some(CheckStatus::Inconclusive)
            }
            (Some(CheckStatus::NotApplicable), status) => status,
            (status, Some(CheckStatus::NotApplicable)) => status,
            (None, _) | (_, None) => None,
            (status, _) => status,
        };
    }
    let Outputs { identical, same_rows, noise, faults } = outputs;
    if said.is_empty() {
        all.status = Some(CheckStatus::Inconclusive);
        said.push("no output was examined".to_owned());
    } else {
        let faults = faults.len();
        said.push(format!(
            "later outputs: {identical} with the bytes of the warm-up, {same_rows} with its rows, {noise} within the noise of the \
             baseline, {faults} with other rows"
        ));
    }
    all.summary = said.join("; ");
    all
}

fn added(one: Coverage, other: Coverage) -> Coverage {
    Coverage {
        rows: one.rows + other.rows,
        files: one.files + other.files,
        bytes: one.bytes + other.bytes,
        columns: one.columns.max(other.columns),
    }
}

/// Times and memory of sides whose outputs did not pass ROWS, or were not examined, pass nothing: such a pass becomes undecided.
pub fn distrust(checks: &mut [CheckReport]) {
    let rows = checks.iter().find(|check| check.check == ROWS).map(|check| check.status);
    let why = match rows {
        Some(CheckStatus::Pass) => return,
        Some(CheckStatus::Fail) => "the sides do not write the same rows (see ROWS)",
        Some(_) => "whether the sides write the same rows is not decided (see ROWS)",
        None => "the outputs of the measured runs were not examined: measure again with this version",
    };
    for check in checks.iter_mut().filter(|check| CODES.contains(&check.check.as_str())) {
        if check.status == CheckStatus::Pass {
            check.status = CheckStatus::Inconclusive;
            check.summary = format!("{why} ({})", check.summary);
        }
    }
}
