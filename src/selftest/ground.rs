//! One corpus with both sides' work done: the ground on which faults are planted, one copy each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reports::document::{CheckStatus, Role, Severity, SideInfo, SideKind};
use reports::manifest::Manifest;
use tempfile::TempDir;

use crate::cancel::Cancel;
use crate::check::{self, Comparison, KnownDefect, Observed, Rerun, RerunKind, SizeBounds, Subject};
use crate::error::{Error, Result};
use crate::evidence::digests;
use crate::examine;
use crate::fault::{Fault, Raised, Setting, extras, partitions, plant};
use crate::isolate::{self, Watch};
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

/// What the checks see.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Checks that go red, each with its first blocker.
    pub(super) red: Vec<(&'static str, String)>,
    /// Check, code and severity of every finding.
    found: BTreeSet<(String, String, Severity)>,
}

impl Seen {
    /// Whether such a finding is there.
    pub(super) fn has(&self, raised: &Raised) -> bool {
        self.found.contains(&(raised.check.to_owned(), raised.code.to_owned(), raised.severity))
    }

    /// What should not be there without a fault: red checks, and findings by which a fault of the setting is known.
    fn alarms(&self, setting: Setting) -> Vec<String> {
        let faults = Fault::ALL.iter().filter(|fault| fault.setting() == setting);
        let raised: BTreeSet<&Raised> = faults.flat_map(|fault| fault.raises()).collect();
        let warned = raised.into_iter().filter(|it| it.severity != Severity::Blocker && self.has(it));
        let warned = warned.map(|it| format!("{}: the finding {} is there", it.check, it.code));
        self.red.iter().map(|(check, said)| format!("{check}: {said}")).chain(warned).collect()
    }
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
        let rows_in = ready.segments.as_deref().map(corpora::rows_of);
        let comparison = Comparison::default();
        let baseline = Legacy;
        let perform = |side: &dyn Side, role: Role| -> Result<(Observed, SideRun)> {
            let run = isolate::at_work(side, &job, role, home.path(), &Watch::default(), cancel)?;
            Ok((examine::observed(&job, &comparison, role, side.info(&job), &run)?, run))
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
            comparison,
            bounds: SizeBounds::default(),
            memory: Arc::default(),
            program,
        })
    }

    /// Rows of the undamaged output.
    pub(super) fn rows(&self) -> u64 {
        self.candidate.output.rows()
    }

    /// What goes red without any fault, in every setting, in the first run and in others: check and message of each. A finding by
    /// which a fault is known must not be there either.
    pub(super) fn undamaged(&self, cancel: &Cancel) -> Result<Vec<String>> {
        let scratch = self.folder("undamaged")?;
        let reruns = rerun::all(
            &Unified,
            &self.job,
            &self.candidate,
            &self.comparison,
            1,
            &scratch,
            &Watch::default(),
            cancel,
        )?;
        let candidate = Observed { reruns, ..self.candidate.clone() };
        let mut alarms = Vec::new();
        let written = self.seen(&self.baseline, &candidate, &scratch.join("check"), cancel)?;
        alarms.extend(written.alarms(Setting::AsWritten));
        for setting in [Setting::Partitioned, Setting::Extras, Setting::Common] {
            let folder = scratch.join(format!("{setting:?}"));
            let info = self.candidate.info.clone();
            if let Some((baseline, candidate, _)) = self.twice(setting, info, &folder, None)? {
                let seen = self.seen(&baseline, &candidate, &folder.join("check"), cancel)?;
                alarms.extend(seen.alarms(setting));
            }
        }
        Ok(alarms)
    }

    /// What the checks see where the fault was planted; `None` where there is no place for it.
    pub(super) fn planted(&self, fault: Fault, cancel: &Cancel) -> Result<Option<Seen>> {
        cancel.check()?;
        let folder = self.folder(fault.name())?;
        let info = SideInfo {
            name: format!("fault:{}", fault.name()),
            kind: SideKind::Fault,
            ..self.candidate.info.clone()
        };
        let mut baseline = self.baseline.clone();
        let candidate = if fault.setting() != Setting::AsWritten {
            let twice = self.twice(fault.setting(), info, &folder, Some(fault))?;
            twice.filter(|it| it.2).map(|(laid, candidate, _)| {
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
        let check = folder.join("check");
        let seen = candidate.map(|candidate| self.seen(&baseline, &candidate, &check, cancel)).transpose()?;
        // Hundreds of copies of one output would fill a disk.
        std::fs::remove_dir_all(&folder).map_err(|source| Error::io("cannot remove", &folder, source))?;
        Ok(seen)
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
        examine::observed(&self.job, &self.comparison, Role::Candidate, info, &run).map(Some)
    }

    /// The candidate's work twice, as that of both sides, in another setting than it was written; the candidate's with the fault in
    /// it, or both with a fault that is common to them, and whether that changed anything. `None` where no file is listed. Not the baseline's work: its known defects are
    /// explained by the inputs, which have neither such folders nor such columns.
    fn twice(
        &self,
        setting: Setting,
        info: SideInfo,
        folder: &Path,
        fault: Option<Fault>,
    ) -> Result<Option<(Observed, Observed, bool)>> {
        let listed = self.run.manifest.as_ref().filter(|manifest| !manifest.files.is_empty());
        let Some(listed) = listed else { return Ok(None) };
        let lay = |role: Role, info: SideInfo, fault: Option<Fault>| -> Result<(Observed, bool)> {
            let output = folder.join(format!("{role}-twice"));
            copy(&self.run.output, &output)?;
            let mut manifest = listed.clone();
            match setting {
                Setting::AsWritten | Setting::Common => {}
                Setting::Partitioned => partitions::lay(&output, &mut manifest)?,
                Setting::Extras => extras::lay(&self.job, &output, &mut manifest)?,
            }
            let mut run = SideRun { output: output.clone(), manifest: Some(manifest), ..self.run.clone() };
            let before = Print::of(&run)?;
            if let Some(fault) = fault {
                let place = Workplace { output: &output, scratch: folder, cancel: &Cancel::default() };
                plant::plant(fault, &self.job, &place, &mut run)?;
            }
            let changed = Print::of(&run)? != before;
            Ok((examine::observed(&self.job, &self.comparison, role, info, &run)?, changed))
        };
        let common = fault.filter(|_| setting == Setting::Common);
        let (baseline, _) = lay(Role::Baseline, self.candidate.info.clone(), common)?;
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

    /// Every check that goes red, with its first blocker, and every finding.
    fn seen(
        &self,
        baseline: &Observed,
        candidate: &Observed,
        scratch: &Path,
        cancel: &Cancel,
    ) -> Result<Seen> {
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
            touched: &[],
            differences: None,
            cancel,
        };
        let mut seen = Seen::default();
        for check in check::all() {
            let outcome = examine::examine(check.as_ref(), &subject)?;
            let report = verdict::check(check.code(), outcome, true, 0);
            let found = report.findings.iter().map(|it| (it.check.clone(), it.code.clone(), it.severity));
            seen.found.extend(found);
            if report.status == CheckStatus::Fail {
                let first = report.findings.iter().find(|finding| verdict::is_blocking(finding));
                seen.red.push((check.code(), first.map_or(report.summary.clone(), |it| it.message.clone())));
            }
        }
        spill.failure().map_or(Ok(seen), Err)
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
