//! The main loop: every job through both sides, the checks, the verdict, the report. Jobs and sides run in parallel.
//!
//! The report directory is written as the run proceeds. An interruption leaves a readable report that says it is partial;
//! an error (unusable input, a full disk) leaves no report, but the journal of the jobs judged so far.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use reports::document::{
    Finding, Host, JobReport, Mode, Report, Role, RunInfo, RunWarning, SCHEMA_VERSION, SideOutcome, Tool,
    Totals,
};

use crate::cancel::Cancel;
use crate::crew;
use crate::error::{Error, Result};
use crate::examine;
use crate::isolate::Grounds;
use crate::measure::set::{self, Set};
use crate::named;
use crate::plan::PlannedJob;
use crate::policy::{verdict, waiver};
use crate::report_dir;
use crate::resume::Journal;
use crate::settings::Settings;

/// What is reported while a run proceeds.
pub trait Progress: Sync {
    /// One more job was judged.
    fn judged(&self, job: &JobReport, done: usize, of: usize);

    /// So many jobs were taken over from an interrupted run.
    fn resumed(&self, jobs: usize, of: usize);

    /// One more pair of a set was measured, of at most `of`.
    fn measured(&self, _set: &str, _pairs: usize, _of: usize) {}
}

/// How the first sentence of a self-check begins.
const SELF_CHECK: &str = "self-check of one output with itself (--allow-same)";

/// How often the report is written while a run proceeds.
const WRITE_EVERY: Duration = Duration::from_secs(5);

struct Board {
    jobs: Vec<Option<JobReport>>,
    /// Jobs that are not `None`.
    done: usize,
    error: Option<Error>,
    written: Instant,
}

/// Performs and judges all jobs and leaves the report in the report directory.
///
/// # Errors
/// Where something could not be done; the report directory then holds no report, and what `--resume` needs. An interruption is not
/// an error here: the report returned is partial.
pub fn run(
    jobs: &[PlannedJob],
    settings: &Settings,
    cancel: &Cancel,
    progress: &dyn Progress,
) -> Result<Report> {
    let started = Clock::start();
    let result = perform(jobs, settings, cancel, progress, &started);
    if result.is_err() {
        // The first error counts; one while clearing up would only hide it.
        drop(report_dir::retreat(&settings.out, jobs.iter().map(PlannedJob::id)));
    }
    result
}

fn perform(
    jobs: &[PlannedJob],
    settings: &Settings,
    cancel: &Cancel,
    progress: &dyn Progress,
    started: &Clock,
) -> Result<Report> {
    let apart = settings.sides().any(|side| side.isolation().is_some());
    let grounds = Grounds::new(&settings.tmp, apart)?;
    // One job that compares what is there already is not worth a journal.
    let journal =
        (settings.mode == Mode::Run).then(|| Journal::open(&settings.out, settings.resume)).transpose()?;
    let taken = AtomicUsize::new(0);
    let sets = settings.measure.as_ref().map(|_| set::sets(jobs)).unwrap_or_default();
    // What the policy says of some jobs alone must not contradict what it says of all.
    for job in jobs {
        settings.policy.for_job(job.signal(), job.id()).consistent()?;
    }
    // In mode `bench` the jobs are measured only.
    let compared = if settings.mode == Mode::Bench { &[] } else { jobs };
    let expected = compared.len() + sets.len();
    let board =
        Mutex::new(Board { jobs: vec![None; expected], done: 0, error: None, written: Instant::now() });
    // Stops the other jobs after an error, without calling that an interruption.
    let halt = Cancel::default();
    crew::each(settings.threads, compared.len(), |index| {
        if cancel.is_requested() || halt.is_requested() {
            return;
        }
        let judged = judge(&compared[index], index, settings, &grounds, cancel, journal.as_ref());
        if judged.is_err() {
            halt.request();
        }
        if let Ok((_, true)) = judged {
            taken.fetch_add(1, Ordering::Relaxed);
        }
        note(&board, index, judged, settings, started, progress);
    })?;
    if settings.resume {
        progress.resumed(taken.into_inner(), compared.len());
    }
    measure(&sets, compared.len(), &board, settings, &grounds, cancel, started, progress);
    let board = board.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(error) = board.error {
        return Err(error);
    }
    let absent = match cancel.is_requested() {
        // What the jobs that are left have is not known.
        true => Vec::new(),
        false => named::judge(&settings.named, &board.jobs.iter().flatten().collect::<Vec<_>>())?,
    };
    let mut report = document(board.jobs.into_iter().flatten().collect(), expected, settings, started, {
        cancel.is_requested().then_some("interrupted")
    });
    report.totals.warnings += absent.len() as u64;
    report.warnings.extend(absent);
    grounds.close()?;
    report_dir::write(&report, &settings.out)?;
    if let Some(journal) = journal.filter(|_| report.run.complete) {
        journal.close()?;
    }
    Ok(report)
}

/// One job's result, and whether it was taken over from an interrupted run.
fn judge(
    job: &PlannedJob,
    index: usize,
    settings: &Settings,
    grounds: &Grounds,
    cancel: &Cancel,
    journal: Option<&Journal>,
) -> Result<(JobReport, bool)> {
    let Some(journal) = journal else {
        return Ok((examine::job(job, index, settings, grounds, cancel)?, false));
    };
    // What cannot be read here is judged where it belongs, by the checks; such a job is only never taken over.
    let key = journal.key(job, settings).ok();
    if let Some(report) = key.as_ref().and_then(|key| journal.take(key, &settings.out)) {
        return Ok((report, true));
    }
    if settings.resume {
        report_dir::forget(&settings.out, job.id())?;
    }
    let report = examine::job(job, index, settings, grounds, cancel)?;
    if let Some(key) = key {
        journal.note(key, &report)?;
    }
    Ok((report, false))
}

/// Measures the sets one after another, when nothing else of the run is at work any more. `first` is the place of the first.
#[expect(clippy::too_many_arguments, reason = "what a run consists of")]
fn measure(
    sets: &[Set<'_>],
    first: usize,
    board: &Mutex<Board>,
    settings: &Settings,
    grounds: &Grounds,
    cancel: &Cancel,
    started: &Clock,
    progress: &dyn Progress,
) {
    let Some(limits) = &settings.measure else { return };
    for (index, set) in sets.iter().enumerate() {
        let failed: Vec<String> = {
            let board = board.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if cancel.is_requested() || board.error.is_some() {
                return;
            }
            board.jobs.iter().flatten().filter(|job| failed(job)).map(|job| job.id.clone()).collect()
        };
        let failed: Vec<&str> = failed.iter().map(String::as_str).collect();
        let measured = set.measure(settings, limits, &failed, grounds, cancel, progress);
        note(board, first + index, measured.map(|report| (report, false)), settings, started, progress);
    }
}

/// True where a side did not complete the job.
fn failed(job: &JobReport) -> bool {
    job.baseline.iter().chain([&job.candidate]).any(|side| matches!(side.outcome, SideOutcome::Failed { .. }))
}

/// Enters one job's result and now and then writes what there is.
fn note(
    board: &Mutex<Board>,
    index: usize,
    judged: Result<(JobReport, bool)>,
    settings: &Settings,
    started: &Clock,
    progress: &dyn Progress,
) {
    let mut board = board.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match judged {
        Ok((report, resumed)) => {
            if !resumed {
                progress.judged(&report, board.done + 1, board.jobs.len());
            }
            board.done += 1;
            board.jobs[index] = Some(report);
            if board.written.elapsed() >= WRITE_EVERY {
                let finished = board.jobs.iter().flatten().cloned().collect();
                let partial = document(finished, board.jobs.len(), settings, started, Some("still running"));
                if let Err(error) = report_dir::write(&partial, &settings.out) {
                    board.error.get_or_insert(error);
                }
                board.written = Instant::now();
            }
        }
        Err(error) if error.class == reports::manifest::ErrorClass::Cancelled => {}
        Err(error) => {
            board.error.get_or_insert(error);
        }
    }
}

struct Clock {
    at: String,
    since: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { at: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true), since: Instant::now() }
    }
}

/// The document of the jobs judged so far.
fn document(
    jobs: Vec<JobReport>,
    expected: usize,
    settings: &Settings,
    started: &Clock,
    partial: Option<&str>,
) -> Report {
    let complete = partial.is_none();
    let (verdict, headline) = verdict::run(&jobs, expected as u64, complete, &settings.policy);
    let findings = jobs.iter().flat_map(|job| {
        let scene = waiver::Scene::of(job);
        job.checks.iter().flat_map(|check| &check.findings).map(move |finding| (scene, finding))
    });
    let waivers = waiver::told(&settings.policy.waivers, settings.today, findings);
    let mut warnings = waiver::warnings(&waivers, complete);
    if complete {
        warnings.extend(settings.policy.unused_scopes(&jobs));
    }
    let mut headline = headline;
    if settings.self_check {
        headline = format!("{SELF_CHECK}: {headline}");
        warnings.push(RunWarning {
            code: reports::policy::SELF_CHECK.to_owned(),
            message: "both sides are one output (--allow-same): that it is equal to itself says nothing of a writer"
                .to_owned(),
            origin: "--allow-same".to_owned(),
        });
    }
    let mut totals = totals(&jobs, expected);
    totals.warnings += warnings.len() as u64;
    Report {
        schema_version: SCHEMA_VERSION,
        tool: tool(),
        run: RunInfo {
            mode: settings.mode,
            command: settings.command.clone(),
            replay: settings.replay.clone(),
            started: started.at.clone(),
            duration_ms: u64::try_from(started.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            seed: settings.seed,
            threads: settings.threads as u64,
            config: settings.config.as_deref().map(crate::error::display),
            host: Host {
                os: std::env::consts::OS.to_owned(),
                arch: std::env::consts::ARCH.to_owned(),
                cpus: std::thread::available_parallelism().map_or(1, |count| count.get() as u64),
            },
            complete,
            partial_reason: partial.map(str::to_owned),
        },
        verdict,
        headline,
        totals,
        jobs,
        waivers,
        policy: Some(settings.policy.info()),
        warnings,
        redacted: None,
    }
}

/// This program, with the versions of the crates that shape the bytes.
pub(crate) fn tool() -> Tool {
    let crates = ["arrow", "blake3", "parquet"].into_iter();
    Tool {
        name: "parallax".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        profile: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
        crates: crates.filter_map(|name| Some((name.to_owned(), locked_version(name)?.to_owned()))).collect(),
    }
}

/// Version of a crate that this program was built with, by the lock file.
fn locked_version(name: &str) -> Option<&'static str> {
    let lock = include_str!("../Cargo.lock");
    let (_, entry) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    entry.split('"').next()
}

/// Sums over all jobs.
pub(crate) fn totals(jobs: &[JobReport], expected: usize) -> Totals {
    use reports::document::{Severity, Verdict};
    use reports::total;
    let mut totals = Totals { jobs: expected as u64, ..Totals::default() };
    for job in jobs {
        match job.verdict {
            Verdict::Pass => totals.jobs_passed += 1,
            Verdict::Fail => totals.jobs_failed += 1,
            Verdict::Inconclusive => totals.jobs_inconclusive += 1,
        }
        totals.rows_in = totals.rows_in.saturating_add(total(job.inputs.iter().map(|input| input.rows)));
        for (role, side) in [(Role::Baseline, job.baseline.as_ref()), (Role::Candidate, Some(&job.candidate))]
        {
            let Some(side) = side else { continue };
            let rows = total(side.files.iter().map(|file| file.rows));
            let bytes = total(side.files.iter().map(|file| file.bytes));
            let files = side.files.len() as u64;
            let (sum_rows, sum_files, sum_bytes) = match role {
                Role::Baseline => {
                    (&mut totals.rows_baseline, &mut totals.files_baseline, &mut totals.bytes_baseline)
                }
                Role::Candidate => {
                    (&mut totals.rows_candidate, &mut totals.files_candidate, &mut totals.bytes_candidate)
                }
            };
            *sum_rows = sum_rows.saturating_add(rows);
            *sum_files += files;
            *sum_bytes = sum_bytes.saturating_add(bytes);
        }
        for finding in job.checks.iter().flat_map(|check| &check.findings) {
            count(finding, &mut totals);
        }
    }
    fn count(finding: &Finding, totals: &mut Totals) {
        let counter = match (finding.waived.is_some(), finding.severity) {
            (true, _) => &mut totals.waived,
            (_, Severity::Blocker) => &mut totals.blockers,
            (_, Severity::Warning) => &mut totals.warnings,
            (_, Severity::Info) => &mut totals.infos,
        };
        *counter += 1;
    }
    totals
}
