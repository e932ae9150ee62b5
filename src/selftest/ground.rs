//! One corpus with both sides' work done: the ground on which faults are planted, one copy each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use reports::document::{CheckStatus, Role, SideInfo, SideKind};
use reports::manifest::Manifest;
use tempfile::TempDir;

use crate::cancel::Cancel;
use crate::check::{self, Comparison, KnownDefect, Observed, Rerun, RerunKind, SizeBounds, Subject};
use crate::error::{Error, Result};
use crate::evidence::digests;
use crate::examine;
use crate::fault::{Fault, partitions, plant};
use crate::job::Job;
use crate::plan::PlannedJob;
use crate::policy::verdict;
use crate::probe::{self, Request};
use crate::rerun;
use crate::side::legacy::Legacy;
use crate::side::unified::Unified;
use crate::side::{Side, SideRun, Workplace};
use crate::spill::{Memory, Spill};

/// A corpus with what both sides left of it.
pub(super) struct Ground<'a> {
    home: TempDir,
    job: Job,
    rows_in: Option<u64>,
    baseline: Observed,
    candidate: Observed,
    run: SideRun,
    /// What the candidate left, byte for byte.
    print: Print,
    known_defects: &'static [KnownDefect],
    comparison: Comparison,
    bounds: SizeBounds,
    memory: Arc<Memory>,
    program: Option<&'a Path>,
}

/// Everything of a side's work that a fault can change.
#[derive(PartialEq)]
struct Print {
    files: std::collections::BTreeMap<String, String>,
    manifest: Option<Manifest>,
    scratch_left: Vec<String>,
    outcome: reports::document::SideOutcome,
}

impl Print {
    fn of(run: &SideRun) -> Result<Self> {
        Ok(Self {
            files: digests::of_directory(&run.output)?,
            manifest: run.manifest.clone(),
            scratch_left: run.scratch_left.clone(),
            outcome: run.outcome.clone(),
        })
    }
}

impl<'a> Ground<'a> {
    /// Lets both sides do the job.
    pub(super) fn prepare(
        planned: &PlannedJob,
        tmp: &Path,
        program: Option<&'a Path>,
        cancel: &Cancel,
    ) -> Result<Self> {
        cancel.check()?;
        let home = tempfile::Builder::new()
            .prefix("selftest-")
            .tempdir_in(tmp)
            .map_err(|source| Error::io("cannot make a temporary directory in", tmp, source))?;
        let ready = planned.prepare(home.path())?;
        let job = ready.job;
        let rows_in = ready.segments.map(|segments| segments.iter().map(|segment| segment.rows).sum());
        let baseline = Legacy;
        let perform = |side: &dyn Side, role: Role| -> Result<(Observed, SideRun)> {
            let run = examine::at_work(side, &job, role, home.path(), cancel)?;
            Ok((examine::observed(&job, role, side.info(&job), &run)?, run))
        };
        let (left, right) =
            rayon::join(|| perform(&baseline, Role::Baseline), || perform(&Unified, Role::Candidate));
        let ((baseline_seen, _), (candidate, run)) = (left?, right?);
        Ok(Self {
            print: Print::of(&run)?,
            known_defects: baseline.known_defects(),
            baseline: baseline_seen,
            home,
            job,
            rows_in,
            candidate,
            run,
            comparison: Comparison::default(),
            bounds: SizeBounds::default(),
            memory: Arc::default(),
            program,
        })
    }

    /// Rows of the undamaged output.
    pub(super) fn rows(&self) -> u64 {
        self.candidate.output.rows()
    }

    /// What goes red without any fault, in the first run and in others: check and message of each.
    pub(super) fn undamaged(&self, cancel: &Cancel) -> Result<Vec<String>> {
        let scratch = self.folder("undamaged")?;
        let reruns = rerun::all(&Unified, &self.job, &self.candidate, 1, &scratch, cancel)?;
        let candidate = Observed { reruns, ..self.candidate.clone() };
        let mut red = self.red(&self.baseline, &candidate, &scratch.join("check"), cancel)?;
        if let Some((baseline, candidate, _)) =
            self.partitioned(self.candidate.info.clone(), &scratch, None)?
        {
            red.extend(self.red(&baseline, &candidate, &scratch.join("check-partitioned"), cancel)?);
        }
        Ok(red.into_iter().map(|(check, said)| format!("{check}: {said}")).collect())
    }

    /// The checks that go red where the fault was planted; `None` where there is no place for it.
    pub(super) fn planted(&self, fault: Fault, cancel: &Cancel) -> Result<Option<Vec<String>>> {
        cancel.check()?;
        let folder = self.folder(fault.name())?;
        let info = SideInfo {
            name: format!("fault:{}", fault.name()),
            kind: SideKind::Fault,
            ..self.candidate.info.clone()
        };
        let mut baseline = self.baseline.clone();
        let candidate = if fault == Fault::MovedPartition {
            self.partitioned(info, &folder, Some(fault))?.filter(|it| it.2).map(|(laid, candidate, _)| {
                baseline = laid;
                candidate
            })
        } else if fault == Fault::LeakDescriptor {
            self.leaking(info, &folder)?
        } else if let Some(later) = fault.of_rerun() {
            let again = self.damaged(later, info.clone(), &folder, cancel)?;
            again.map(|observed| {
                let label = "run 2".to_owned();
                let run = Rerun { label, kind: RerunKind::Again, job: self.job.clone(), observed };
                Observed { info, reruns: vec![run], ..self.candidate.clone() }
            })
        } else {
            self.damaged(fault, info, &folder, cancel)?
        };
        let red = match candidate {
            None => None,
            Some(candidate) => {
                let red = self.red(&baseline, &candidate, &folder.join("check"), cancel)?;
                Some(red.into_iter().map(|(check, _)| check.to_owned()).collect())
            }
        };
        // Hundreds of copies of one output would fill a disk.
        std::fs::remove_dir_all(&folder).map_err(|source| Error::io("cannot remove", &folder, source))?;
        Ok(red)
    }

    /// Removes everything.
    pub(super) fn close(self) -> Result<()> {
        self.home.close().map_err(Error::not_removed)
    }

    /// A copy of the candidate's work with the fault in it.
    fn damaged(
        &self,
        fault: Fault,
        info: SideInfo,
        folder: &Path,
        cancel: &Cancel,
    ) -> Result<Option<Observed>> {
        let (output, scratch) = (folder.join("output"), folder.join("scratch"));
        copy(&self.run.output, &output)?;
        make(&scratch)?;
        let mut run = SideRun { output: output.clone(), ..self.run.clone() };
        let place = Workplace { output: &output, scratch: &scratch, cancel };
        plant::plant(fault, &self.job, &place, &mut run)?;
        if Print::of(&run)? == self.print {
            return Ok(None);
        }
        examine::observed(&self.job, Role::Candidate, info, &run).map(Some)
    }

    /// The candidate's work twice, as that of both sides, with all files in the folder of one partition; the candidate's with the
    /// fault in it, and whether that changed anything. `None` where no file is listed. Not the baseline's work: its known
    /// defects are explained by the inputs, which have no such folder.
    fn partitioned(
        &self,
        info: SideInfo,
        folder: &Path,
        fault: Option<Fault>,
    ) -> Result<Option<(Observed, Observed, bool)>> {
        let listed = self.run.manifest.as_ref().filter(|manifest| !manifest.files.is_empty());
        let Some(listed) = listed else { return Ok(None) };
        let lay = |role: Role, info: SideInfo, fault: Option<Fault>| -> Result<(Observed, bool)> {
            let output = folder.join(format!("{role}-partitioned"));
            copy(&self.run.output, &output)?;
            let mut manifest = listed.clone();
            partitions::lay(&output, &mut manifest)?;
            let mut run = SideRun { output: output.clone(), manifest: Some(manifest), ..self.run.clone() };
            let before = Print::of(&run)?;
            if let Some(fault) = fault {
                let place = Workplace { output: &output, scratch: folder, cancel: &Cancel::default() };
                plant::plant(fault, &self.job, &place, &mut run)?;
            }
            let changed = Print::of(&run)? != before;
            Ok((examine::observed(&self.job, role, info, &run)?, changed))
        };
        let (baseline, _) = lay(Role::Baseline, self.candidate.info.clone(), None)?;
        let (candidate, changed) = lay(Role::Candidate, info, fault)?;
        Ok(Some((baseline, candidate, changed)))
    }

    /// The undamaged output of a side that leaks a descriptor, as a child process counts it.
    fn leaking(&self, info: SideInfo, folder: &Path) -> Result<Option<Observed>> {
        let Some(program) = self.program else { return Ok(None) };
        let declared =
            [Role::Baseline, Role::Candidate].iter().any(|role| self.job.expected.error(*role).is_some());
        if declared || self.rows_in.is_none_or(|rows| rows > probe::MAX_ROWS) {
            return Ok(None);
        }
        let probe = probe::ask(program, &Request::new(&info.name, &self.job), folder)?;
        Ok(Some(Observed { info, probe: Some(probe), ..self.candidate.clone() }))
    }

    /// Every check that goes red, with its first blocker.
    fn red(
        &self,
        baseline: &Observed,
        candidate: &Observed,
        scratch: &Path,
        cancel: &Cancel,
    ) -> Result<Vec<(&'static str, String)>> {
        make(scratch)?;
        let (mut baseline, mut candidate) = (baseline.clone(), candidate.clone());
        check::settle_partitions(&self.job, &self.comparison, Some(&mut baseline), &mut candidate)?;
        let spill = Spill::new(scratch, &self.memory);
        let subject = Subject {
            job: &self.job,
            baseline: Some(&baseline),
            candidate: &candidate,
            rows_in: self.rows_in,
            comparison: &self.comparison,
            size_bounds: &self.bounds,
            known_defects: self.known_defects,
            scratch,
            spill: &spill,
            differences: None,
            cancel,
        };
        let mut red = Vec::new();
        for check in check::all() {
            let outcome = examine::examine(check.as_ref(), &subject)?;
            let report = verdict::check(check.code(), outcome, true, 0);
            if report.status == CheckStatus::Fail {
                let first = report.findings.iter().find(|finding| verdict::is_blocking(finding));
                red.push((check.code(), first.map_or(report.summary.clone(), |it| it.message.clone())));
            }
        }
        spill.failure().map_or(Ok(red), Err)
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.home.path().join("planted").join(name);
        make(&folder)?;
        Ok(folder)
    }
}

fn make(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|source| Error::io("cannot make", path, source))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    make(to)?;
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.map_err(|error| Error::io("cannot read", from, error.into()))?;
        let target = to.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        if entry.file_type().is_dir() {
            make(&target)?;
        } else {
            std::fs::copy(entry.path(), &target)
                .map_err(|source| Error::io("cannot copy to", &target, source))?;
        }
    }
    Ok(())
}
