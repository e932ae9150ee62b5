//! One job: inputs made or found, both sides at work, their outputs opened, every check asked, the verdict.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use corpora::Segment;
use reports::document::{
    CheckReport, CheckStatus, FileInfo, InputInfo, JobReport, Role, SideInfo, SideKind, SideOutcome,
    SideReport, StatedManifest, Verdict,
};

use reports::manifest::{ErrorClass, Failure};

use crate::cancel::Cancel;
use crate::chaos;
use crate::check::descriptors::Probe;
use crate::check::{self, Check, Comparison, Evidence, Observed, Outcome, Subject, determinism};
use crate::content;
use crate::error::{Error, Result};
use crate::evidence::differences::Differences;
use crate::evidence::{duckdb, id, waiver as suggested};
use crate::isolate::{self, Grounds, JobHome, Place, Watch};
use crate::job::Job;
use crate::measure::set;
use crate::named;
use crate::output::{Opening, Output};
use crate::plan::PlannedJob;
use crate::policy::waiver::Scene;
use crate::policy::{Policy, verdict, waiver};
use crate::probe::{self, Request};
use crate::report_dir;
use crate::rerun;
use crate::settings::{Keep, Settings};
use crate::side::{Side, SideRun};
use crate::spill::Spill;

/// Performs and judges one job.
///
/// # Errors
/// Where it could not be performed at all: unusable input, a full disk, an interruption.
pub fn job(
    planned: &PlannedJob,
    index: usize,
    settings: &Settings,
    grounds: &Grounds,
    cancel: &Cancel,
) -> Result<JobReport> {
    cancel.check()?;
    let home = JobHome::new(grounds, index)?;
    let ground = isolate::private(home.path())?;
    let ready = planned.prepare(&ground)?;
    let job = &ready.job;
    let watch = Watch::new(&job.inputs, planned.digests()?)?;
    let rows_in = ready.segments.as_deref().map(corpora::rows_of);
    let signal = job.signal.as_ref().map(|signal| signal.name.as_str()).filter(|name| !name.is_empty());
    let policy = settings.policy.for_job(signal, &job.id);
    let perform = |(side, role, place): (&dyn Side, Role, Place)| -> Result<(Observed, SideRun)> {
        let run = place.perform(side, job, role, None, &watch, cancel)?;
        let mut observed = observed(job, &policy.comparison, role, side.info(job), &run)?;
        if run.outcome != SideOutcome::Recorded {
            watch.seal(role, None, &observed.output)?;
        }
        observed.probe = (run.outcome == SideOutcome::Completed)
            .then(|| count_descriptors(side, job, rows_in, settings, home.path(), cancel))
            .transpose()?
            .flatten();
        observed.reruns = rerun::all(
            side,
            job,
            &observed,
            &policy.comparison,
            settings.noise,
            home.of(role),
            &watch,
            cancel,
        )?;
        observed.stops = chaos::all(side, job, &observed, &policy, settings, home.of(role), &watch, cancel)?;
        Ok((observed, run))
    };
    let (mut baseline, mut candidate) = both(settings, job, &home, &watch, &perform, cancel)?;
    cancel.check()?;
    let ran = [baseline.as_ref(), Some(&candidate)].into_iter().flatten();
    let idle = ran.map(|(_, run)| &run.outcome).all(|outcome| *outcome == SideOutcome::Recorded);
    // Where nothing ran there is nothing to answer for.
    let mut touched = if idle { Vec::new() } else { watch.settle()? };
    for change in &mut touched {
        // The temporary directory of a generated input says nothing to a reader.
        if let Ok(relative) = Path::new(&change.path).strip_prefix(&ground) {
            change.path = crate::error::display(relative);
        }
    }
    let scratch = isolate::private(home.path())?;
    let spill = Spill::new(&scratch, &settings.memory);
    let sides = (baseline.as_mut().map(|(observed, _)| observed), &mut candidate.0);
    check::settle_partitions(job, &policy.comparison, sides.0, sides.1)?;
    let segments = ready.segments.as_deref();
    let observed_baseline = baseline.as_ref().map(|(observed, _)| observed);
    check::keys::refuse(job.signal.as_deref(), segments, observed_baseline, &candidate.0)?;
    let columns = named::columns(segments, observed_baseline.into_iter().chain([&candidate.0]));
    let absent_columns =
        columns.map(|columns| named::absent(&settings.named, signal, &job.id, &columns)).unwrap_or_default();
    let scopes = settings.policy.row_scopes(signal, &job.id);
    let differences =
        Differences::new(&settings.out, &job.id, &settings.by).scoped(scopes).within(settings.memory.limit());
    let subject = Subject {
        job,
        baseline: baseline.as_ref().map(|(observed, _)| observed),
        candidate: &candidate.0,
        rows_in,
        comparison: &policy.comparison,
        size_bounds: &policy.size_bounds,
        known_defects: settings.baseline.as_deref().map_or(&[][..], |side| side.known_defects()),
        scratch: &scratch,
        spill: &spill,
        touched: &touched,
        differences: Some(&differences),
        cancel,
    };
    let (checks, mut evidence) = ask(&subject, settings, &policy)?;
    if let Some(failure) = spill.failure() {
        return Err(failure);
    }
    if let Some(rows) = &mut evidence.rows {
        rows.differences = differences.finish()?;
    }
    // Where time and memory are measured, the measured sets answer for their checks, not the job.
    let mut required = policy.required.clone();
    if settings.measure.is_some() {
        required.retain(|code| !set::CODES.contains(&code.as_str()));
    }
    let (verdict, headline) = verdict::job(&checks, &required);
    let kept = |role: Role, run: &SideRun| keep(settings, job, role, run, verdict);
    let report_side = |(observed, run): &(Observed, SideRun)| -> Result<SideReport> {
        let mut info = observed.info.clone();
        if info.kind == SideKind::Recorded {
            let mut parts = content::Parts::default();
            for file in &observed.output.files {
                parts.add(&file.info.path);
                parts.add(&file.info.digest);
            }
            info.digest = Some(parts.finish());
        }
        Ok(SideReport {
            side: info,
            outcome: observed.outcome.clone(),
            duration_ms: run.duration.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            manifest: observed.output.manifest.as_ref().map(StatedManifest::from),
            files: observed.output.files.iter().map(|file| file.info.clone()).collect::<Vec<FileInfo>>(),
            passed_over: observed.output.passed_over.clone(),
            kept: kept(observed.role, run)?,
            work: run.work.clone(),
            inputs_given: settings.side(observed.role).and_then(|side| watch.given_to(side)),
        })
    };
    let baseline_report = baseline.as_ref().map(report_side).transpose()?;
    let candidate_report = report_side(&candidate)?;
    if let (Some((a, _)), Some(a_report)) = (&baseline, &baseline_report) {
        verifiable(&mut evidence, &candidate.0, &candidate_report, a, a_report);
    }
    let mut report = JobReport {
        id: job.id.clone(),
        signal: job.signal.as_ref().map(|signal| signal.name.clone()).filter(|name| !name.is_empty()),
        signal_digest: job.signal.as_deref().and_then(content::signal),
        kind: ready.segments.is_some().then(|| job.kind.as_str().to_owned()),
        corpus: job.corpus.clone(),
        parameters: job.parameter_origins.clone(),
        inputs: inputs(ready.segments.as_deref().unwrap_or_default(), planned.digests()?),
        allow_empty: job.expected.no_rows,
        verdict,
        headline,
        baseline: baseline_report,
        candidate: candidate_report,
        rows: evidence.rows,
        schema: evidence.schema,
        order: evidence.order,
        sizes: evidence.sizes,
        metadata: evidence.metadata,
        layout: evidence.layout,
        groups: evidence.groups,
        rollup: evidence.rollup,
        sketches: evidence.sketches,
        locality: evidence.locality,
        reruns: evidence.reruns,
        measurement: None,
        policy_scopes: settings.policy.scopes_of(signal, &job.id),
        absent_columns,
        replay: planned.replay.clone(),
        checks,
    };
    verdict::say_left_out(&mut report, &policy);
    // Here and not on drop, so that a failure to remove is reported.
    home.close()?;
    Ok(report)
}

/// What a side left, opened, and how it ended.
type Performed = (Observed, SideRun);

/// Lets both sides do the job. They work at the same time, but where an external one works on the inputs themselves: then one after
/// the other, so that each answers for its own time, and built-in sides first, which need the inputs as they are.
fn both<P>(
    settings: &Settings,
    job: &Job,
    home: &JobHome,
    watch: &Watch,
    perform: &P,
    cancel: &Cancel,
) -> Result<(Option<Performed>, Performed)>
where
    P: Fn((&dyn Side, Role, Place)) -> Result<Performed> + Sync,
{
    let sides: Vec<&dyn Side> = settings.sides().collect();
    let in_turn = watch.shares_with(&sides);
    // Both have their copies before one of them begins.
    let placed =
        |side, role| Ok::<_, Error>((side, role, Place::new(side, job, home.of(role), watch, cancel)?));
    let candidate = placed(settings.candidate.as_ref() as &dyn Side, Role::Candidate)?;
    let Some(baseline) = settings.baseline.as_deref() else { return Ok((None, perform(candidate)?)) };
    let baseline = placed(baseline as &dyn Side, Role::Baseline)?;
    let (baseline, candidate) = if !in_turn {
        rayon::join(|| perform(baseline), || perform(candidate))
    } else if candidate.0.isolation().is_none() {
        let candidate = perform(candidate)?;
        (perform(baseline), Ok(candidate))
    } else {
        (Ok(perform(baseline)?), perform(candidate))
    };
    Ok((Some(baseline?), candidate?))
}

/// What a side left, opened for a comparison: columns that it ignores are not read, whatever is wrong with them.
pub(crate) fn observed(
    job: &Job,
    comparison: &Comparison,
    role: Role,
    info: SideInfo,
    run: &SideRun,
) -> Result<Observed> {
    // Recorded outputs were located a moment ago; of a side that ran, another process may have removed it since.
    let gone = run.outcome != SideOutcome::Recorded && !run.output.is_dir();
    let (outcome, output) = if gone {
        let message = "its output directory was removed after it had ended".to_owned();
        let failure = Failure { class: ErrorClass::Side, message };
        let outcome = SideOutcome::Failed { failure, exit_status: None, signal: None, stderr: None };
        (outcome, Output::empty(role, &run.output))
    } else {
        (run.outcome.clone(), open(job, comparison, role, run)?)
    };
    Ok(Observed {
        role,
        info,
        outcome,
        output,
        scratch_left: run.scratch_left.clone(),
        probe: None,
        reruns: Vec::new(),
        stops: None,
    })
}

/// Opens what a side left.
fn open(job: &Job, comparison: &Comparison, role: Role, run: &SideRun) -> Result<Output> {
    let sort_key = check::sort_key(job, comparison);
    let recorded = run.outcome == SideOutcome::Recorded;
    let opening = Opening { sort_key: &sort_key, ignored: &comparison.ignored, recorded };
    Output::open_for(role, &run.output, run.manifest.clone(), opening)
}

/// Counts descriptors in a child process where the side is built in and the job is small enough to be run again.
fn count_descriptors(
    side: &dyn Side,
    job: &Job,
    rows_in: Option<u64>,
    settings: &Settings,
    home: &Path,
    cancel: &Cancel,
) -> Result<Option<Probe>> {
    let (Some(program), Some(name), Some(rows)) = (settings.program.as_ref(), side.probe_name(), rows_in)
    else {
        return Ok(None);
    };
    let declared = job.expected.baseline_error.is_some() || job.expected.candidate_error.is_some();
    (rows <= probe::MAX_ROWS && !declared && !cancel.is_requested())
        .then(|| probe::ask(program, &Request::new(&name, job), home))
        .transpose()
}

/// Asks every check and applies the waivers.
fn ask(subject: &Subject<'_>, settings: &Settings, policy: &Policy) -> Result<(Vec<CheckReport>, Evidence)> {
    let mut checks = Vec::new();
    let mut evidence = Evidence::default();
    let signal = subject.job.signal.as_ref().map(|signal| signal.name.as_str());
    let scene = Scene {
        job: &subject.job.id,
        signal: signal.filter(|name| !name.is_empty()),
        baseline: subject.baseline.map(|side| side.info.kind),
        candidate: subject.candidate.info.kind,
    };
    for check in check::all() {
        subject.cancel.check()?;
        let started = Instant::now();
        let mut outcome = examine(check.as_ref(), subject)?;
        waiver::apply(&policy.waivers, settings.today, &scene, &mut outcome.findings);
        if let Some(differences) = subject.differences.filter(|_| check.code() == "ROWS") {
            differences.with_scopes(|it| policy.split(it, settings.today, &scene, &mut outcome.findings));
        }
        evidence.take(std::mem::take(&mut outcome.evidence));
        let elapsed = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut report = verdict::by_policy(check.code(), outcome, policy, elapsed);
        id::assign(&subject.job.id, &mut report.findings, |role, file| position(subject, role, file));
        suggested::suggest(&subject.job.id, settings.today, &mut report.findings);
        for finding in &mut report.findings {
            finding.action = Some(policy.action(finding, report.gates));
        }
        checks.push(report);
    }
    Ok((checks, evidence))
}

/// Position of a file among those of its side; without a side the candidate's come first.
fn position(subject: &Subject<'_>, role: Option<Role>, file: &str) -> Option<usize> {
    let mut sides: Vec<&Observed> =
        subject.sides().filter(|side| role.is_none_or(|role| side.role == role)).collect();
    sides.reverse();
    sides.iter().find_map(|side| side.output.files.iter().position(|it| it.info.path == file))
}

/// Adds the query that counts the differing rows by other means, where both outputs stay.
fn verifiable(
    evidence: &mut Evidence,
    b: &Observed,
    b_report: &SideReport,
    a: &Observed,
    a_report: &SideReport,
) {
    let Some(rows) = evidence.rows.as_mut().filter(|rows| rows.differences.is_some()) else { return };
    if let (Some(a), Some(b)) = (staying(a, a_report), staying(b, b_report)) {
        let query = duckdb::query(&a, &b, &evidence.schema, &rows.ignored);
        (rows.duckdb, rows.duckdb_blind) = (query.text, query.blind);
    }
}

/// Where a side's files are once the run is over: kept, relative to the report, or recorded, where they were.
fn staying(side: &Observed, report: &SideReport) -> Option<duckdb::Files> {
    let schemas = side.output.files.iter().map(|file| file.metadata.file_metadata().schema());
    let held = schemas.flat_map(|schema| schema.get_fields()).map(|it| it.name().to_owned());
    let in_folders =
        side.output.files.iter().flat_map(|file| file.partitions.iter().map(|it| it.name.clone()));
    let columns = held.chain(in_folders).collect();
    let whole = side.output.is_whole();
    let given = side.output.files.iter().map(duckdb::Given::of).collect();
    if let Some(kept) = &report.kept {
        let files = report.files.iter().map(|file| format!("{kept}/{}", file.path)).collect();
        return Some(duckdb::Files { root: kept.clone(), files, given, columns, whole });
    }
    let recorded = side.outcome == SideOutcome::Recorded;
    recorded.then(|| duckdb::Files {
        root: crate::error::display(&side.output.root),
        files: side.output.files.iter().map(|file| crate::error::display(&file.path)).collect(),
        columns,
        given,
        whole,
    })
}

/// A check that could not examine is undecided, also where it panicked: what malformed files do to it is caught where they
/// are read, and this is the last net. An interruption and an error of the machine end the job: they say nothing of either output.
pub(crate) fn examine(check: &dyn Check, subject: &Subject<'_>) -> Result<Outcome> {
    let ask = || {
        let mut outcome = check.examine(subject)?;
        determinism::excuse(check, subject, &mut outcome)?;
        Ok(outcome)
    };
    let examined = catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|panic| {
        let said = crate::error::of_panic(panic.as_ref());
        Err(Error::internal(format!("the check panicked, which is a defect of this program: {said}")))
    });
    match examined {
        Err(error) if !matches!(error.class, ErrorClass::Cancelled | ErrorClass::Io) => Ok(Outcome {
            status: Some(CheckStatus::Inconclusive),
            summary: format!("could not be examined: {}", crate::error::chain(&error)),
            ..Outcome::default()
        }),
        other => other,
    }
}

/// Keeps a side's output in the report directory where the settings say so.
fn keep(
    settings: &Settings,
    job: &Job,
    role: Role,
    run: &SideRun,
    verdict: Verdict,
) -> Result<Option<String>> {
    let wanted = match settings.keep {
        Keep::Always => true,
        Keep::OnFailure => verdict != Verdict::Pass,
        Keep::Never => false,
    };
    // Another side may have removed it, or put a link in its place; a finding says so.
    let there = std::fs::symlink_metadata(&run.output).is_ok_and(|found| found.is_dir());
    if !wanted || run.outcome == SideOutcome::Recorded || !there {
        return Ok(None);
    }
    let manifest = run.manifest.as_ref();
    report_dir::keep(&settings.out, &role.to_string(), &job.id, &run.output, manifest).map(Some)
}

fn inputs(segments: &[Segment], digests: &[String]) -> Vec<InputInfo> {
    segments
        .iter()
        .enumerate()
        .map(|(number, segment)| InputInfo {
            path: crate::error::display(&segment.path),
            rows: segment.rows,
            bytes: segment.bytes,
            digest: digests.get(number).cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{Fixture, rows};

    struct Panicking;

    impl Check for Panicking {
        fn code(&self) -> &'static str {
            "PANICKING"
        }

        fn examine(&self, _: &Subject<'_>) -> Result<Outcome> {
            panic!("lost my way")
        }
    }

    #[test]
    fn a_check_that_panics_is_undecided_and_says_so() {
        let outcome =
            Fixture::pair(&rows(), &rows()).with_subject(|subject| examine(&Panicking, subject)).unwrap();
        assert_eq!(outcome.status, Some(CheckStatus::Inconclusive));
        assert!(outcome.summary.contains("the check panicked, which is a defect"), "{}", outcome.summary);
        assert!(outcome.summary.contains("lost my way"), "{}", outcome.summary);
    }
}
