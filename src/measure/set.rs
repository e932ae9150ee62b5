//! Measured sets: which jobs are measured together, and the entry of the report that each set becomes.
//!
//! Jobs of one signal and kind go through one writer; small ones are mostly start of a process, so the largest are taken, and
//! their times are added up. Which were taken and which were not, and why, is in the report.

use std::collections::BTreeMap;

use reports::document::{CheckReport, JobReport, Role, SideOutcome, SideReport};
use reports::manifest::ErrorClass;
use reports::measurement::{LeftOut, MeasuredJob, Measurement};

use super::examined::{self, Examined, Work};
use super::launch::Bounds;
use super::once::Runner;
use super::schedule::{Quantity, Schedule, compare};
use super::{Limits, machine};
use crate::cancel::Cancel;
use crate::check::rows::Rows;
use crate::check::{Check, Outcome, memory, performance};
use crate::error::{Error, Result};
use crate::evidence::{id, waiver as suggested};
use crate::isolate::{self, Given, Grounds, JobHome};
use crate::job::{Job, JobKind};
use crate::plan::{PlannedJob, Ready};
use crate::policy::waiver::Scene;
use crate::policy::{verdict, waiver};
use crate::run::Progress;
use crate::settings::Settings;
use crate::side::Side;

/// Codes of the checks that only a measurement answers.
pub const CODES: [&str; 2] = [performance::CODE, memory::CODE];

/// The jobs of one signal and kind.
pub struct Set<'a> {
    /// Name in the report: `measure-logs-compact`.
    pub id: String,
    /// The signal's name.
    pub signal: Option<String>,
    /// Kind of job.
    pub kind: JobKind,
    /// The first of its jobs, by which the sides are named.
    pub first: &'a PlannedJob,
    /// The jobs, in the order of the run.
    pub jobs: Vec<&'a PlannedJob>,
}

/// The sets of a run.
#[must_use]
pub fn sets(jobs: &[PlannedJob]) -> Vec<Set<'_>> {
    let mut sets: BTreeMap<(Option<String>, &str), Set<'_>> = BTreeMap::new();
    for planned in jobs {
        let Job { signal, kind, .. } = planned.job();
        let signal = signal.as_ref().map(|signal| signal.name.clone()).filter(|name| !name.is_empty());
        sets.entry((signal.clone(), kind.as_str()))
            .or_insert_with(|| Set {
                id: format!("measure-{}-{}", signal.as_deref().unwrap_or("generic"), kind.as_str()),
                signal,
                kind: *kind,
                first: planned,
                jobs: Vec::new(),
            })
            .jobs
            .push(planned);
    }
    sets.into_values().collect()
}

impl<'a> Set<'a> {
    /// The jobs to measure, most rows first, and those left out. `failed` names jobs that a side did not complete when their
    /// outputs were compared.
    #[must_use]
    pub fn choose(&self, limits: &Limits, failed: &[&str]) -> (Vec<&'a PlannedJob>, Vec<LeftOut>) {
        let mut left_out = Vec::new();
        let mut leave = |planned: &PlannedJob, reason: String| {
            left_out.push(LeftOut { job: planned.id().to_owned(), reason });
        };
        let mut chosen: Vec<&PlannedJob> = Vec::new();
        for planned in &self.jobs {
            let expected = &planned.job().expected;
            if expected.baseline_error.is_some() || expected.candidate_error.is_some() {
                leave(planned, "a side must fail on it".to_owned());
            } else if failed.contains(&planned.id()) {
                leave(planned, "a side did not complete it".to_owned());
            } else {
                chosen.push(planned);
            }
        }
        chosen.sort_by_key(|planned| std::cmp::Reverse(planned.rows()));
        for planned in chosen.split_off(limits.max_jobs.min(chosen.len())) {
            let reason = format!("fewer rows than the {} jobs that were taken", limits.max_jobs);
            leave(planned, reason);
        }
        (chosen, left_out)
    }

    /// Measures the set and judges it.
    ///
    /// # Errors
    /// An interruption, or where the harness could not do its part. The measurement says so where a side fails.
    pub fn measure(
        &self,
        settings: &Settings,
        limits: &Limits,
        failed: &[&str],
        grounds: &Grounds,
        cancel: &Cancel,
        progress: &dyn Progress,
    ) -> Result<JobReport> {
        let (Some(baseline), Some(program)) = (settings.baseline.as_deref(), settings.program.as_deref())
        else {
            return Err(Error::internal("measuring needs two sides and this program's own path"));
        };
        let candidate = settings.candidate.as_ref();
        let (chosen, mut left_out) = self.choose(limits, failed);
        // No side finds there what the other one left.
        let home = JobHome::new(grounds, 0)?;
        let ground = isolate::private(home.path())?;
        let ready: Vec<Ready> = chosen
            .iter()
            .enumerate()
            .map(|(index, planned)| {
                cancel.check()?;
                planned.prepare(&ground.join(index.to_string()))
            })
            .collect::<Result<_>>()?;

        let machine = machine::facts();
        let profile = [baseline, candidate]
            .iter()
            .any(|side| side.probe_name().is_some())
            .then(|| if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned());
        let judged = limits.allow_debug || profile.as_deref() != Some("debug");
        let given = |role: Role, side: &dyn Side| -> Result<Vec<Given>> {
            ready.iter().map(|ready| Given::new(side, role, &ready.job, home.of(role), cancel)).collect()
        };
        let sides = [given(Role::Baseline, baseline)?, given(Role::Candidate, candidate)?];
        let bounds = Bounds { data: limits.worker_memory, file: None };
        let runner = Runner { program, tmp: home.path(), cancel, bounds, start: None };
        let work = Work { ready: &ready, given: &sides, home: &ground, sides: &home };
        let mut examined = Examined::new(settings, runner, limits.workers, baseline, work);
        let names = ready.iter().map(|ready| ready.job.id.clone()).collect();
        let mut schedule = Schedule::new(names, &mut examined);
        let least = u64::try_from(limits.least.as_nanos()).unwrap_or(u64::MAX);
        let mut failure = None;
        let half = u64::try_from(limits.half.as_nanos()).unwrap_or(u64::MAX);
        match schedule.warm_up(least, half) {
            Ok(short) => left_out.extend(short.into_iter().map(|(index, ns)| LeftOut {
                job: ready[index].job.id.clone(),
                reason: format!(
                    "{} ms, less than {} ms: mostly the start of a process",
                    ns / 1_000_000,
                    least / 1_000_000
                ),
            })),
            Err(error) => failure = Some(of_a_side(error)?),
        }
        let measured: Vec<MeasuredJob> =
            schedule.chosen().iter().map(|&index| of_report(&ready[index])).collect();
        if failure.is_none() && !measured.is_empty() {
            let mut heard = |pairs: usize| progress.measured(&self.id, pairs, limits.max_pairs);
            if let Err(error) = schedule.measure(limits, judged, &mut heard) {
                failure = Some(of_a_side(error)?);
            }
        }
        // The inputs themselves, which sides with copies have no business with.
        for given in sides.iter().flatten() {
            if failure.is_none()
                && let Err(error) = given.inputs_untouched()
            {
                failure = Some(of_a_side(error)?);
            }
        }
        let rounds = schedule.rounds();
        let samples = schedule.into_samples();
        let (outputs, rows) = examined.finish();
        let compared = |quantity| {
            let share = match quantity {
                Quantity::Memory => Some(limits.more_memory),
                time => (time == limits.by).then_some(limits.slower),
            };
            compare(&samples, quantity, limits.confidence, share.map(|share| 1.0 + share))
        };
        let (wall, cpu) = (compared(Quantity::Wall), compared(Quantity::Cpu));
        let measurement = Measurement {
            jobs: measured,
            left_out,
            baseline: self.name(baseline),
            candidate: self.name(candidate),
            profile,
            machine,
            pairs: wall.ratios.len() as u64,
            rounds,
            workers: (limits.workers > 1).then_some(limits.workers as u64),
            worker_memory: limits.worker_memory,
            max_pairs: limits.max_pairs.max(limits.pairs) as u64,
            memory: compared(Quantity::Memory),
            wall,
            cpu,
            failure,
            outputs: Some(outputs),
            samples,
        };
        home.close()?;
        let mut report = self.report(measurement, rows, settings, limits);
        let how = |given: &[Given]| given.iter().filter_map(Given::how).max();
        report.candidate.inputs_given = how(&sides[1]);
        if let Some(side) = &mut report.baseline {
            side.inputs_given = how(&sides[0]);
        }
        Ok(report)
    }

    fn name(&self, side: &dyn Side) -> String {
        side.info(self.first.job()).name
    }

    /// The entry of the report.
    fn report(
        &self,
        measurement: Measurement,
        rows: Outcome,
        settings: &Settings,
        limits: &Limits,
    ) -> JobReport {
        let outcomes = [
            (Rows.code(), rows),
            (performance::CODE, performance::judge(&measurement, limits.allow_debug)),
            (memory::CODE, memory::judge(&measurement, limits.memory_limit)),
        ];
        let policy = settings.policy.for_job(self.signal.as_deref(), &self.id);
        let kind = |side: &dyn Side| side.info(self.first.job()).kind;
        let scene = Scene {
            job: &self.id,
            signal: self.signal.as_deref(),
            baseline: settings.baseline.as_deref().map(kind),
            candidate: kind(settings.candidate.as_ref()),
        };
        let mut checks: Vec<CheckReport> = outcomes
            .into_iter()
            .map(|(code, mut outcome)| {
                waiver::apply(&policy.waivers, settings.today, &scene, &mut outcome.findings);
                let mut report = verdict::by_policy(code, outcome, &policy, 0);
                id::assign(&self.id, &mut report.findings, |_, _| None);
                suggested::suggest(&self.id, settings.today, &mut report.findings);
                for finding in &mut report.findings {
                    finding.action = Some(policy.action(finding, report.gates));
                }
                report
            })
            .collect();
        examined::distrust(&mut checks);
        let required = policy.required.iter().filter(|code| CODES.contains(&code.as_str()));
        let (verdict, headline) = verdict::job(&checks, &required.cloned().collect());
        let side = |side: &dyn Side| SideReport {
            side: side.info(self.first.job()),
            outcome: SideOutcome::Completed,
            duration_ms: None,
            manifest: None,
            files: Vec::new(),
            passed_over: Vec::new(),
            kept: None,
            work: None,
            inputs_given: None,
        };
        JobReport {
            id: self.id.clone(),
            signal: self.signal.clone(),
            signal_digest: self.first.job().signal.as_deref().and_then(crate::content::signal),
            kind: Some(self.kind.as_str().to_owned()),
            corpus: None,
            parameters: Vec::new(),
            inputs: Vec::new(),
            allow_empty: false,
            verdict,
            headline,
            checks,
            baseline: settings.baseline.as_deref().map(side),
            candidate: side(settings.candidate.as_ref()),
            rows: None,
            schema: Vec::new(),
            order: Vec::new(),
            sizes: None,
            metadata: Vec::new(),
            layout: None,
            groups: Vec::new(),
            rollup: Vec::new(),
            sketches: Vec::new(),
            locality: Vec::new(),
            reruns: Vec::new(),
            measurement: Some(measurement),
            policy_scopes: settings.policy.scopes_of(self.signal.as_deref(), &self.id),
            absent_columns: Vec::new(),
            replay: settings.replay.clone(),
        }
    }
}

/// The failure of a side as a sentence; anything else ends the run.
fn of_a_side(error: Error) -> Result<String> {
    if error.class == ErrorClass::Side { Ok(error.message) } else { Err(error) }
}

/// What the report says of a measured job.
fn of_report(ready: &Ready) -> MeasuredJob {
    let segments = ready.segments.as_deref().unwrap_or_default();
    MeasuredJob {
        id: ready.job.id.clone(),
        rows: reports::total(segments.iter().map(|segment| segment.rows)),
        bytes: reports::total(segments.iter().map(|segment| segment.bytes)),
    }
}
