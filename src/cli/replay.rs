//! `parallax replay FILE|REPORT [--job J] [--check C]`: a job run again, its findings held against those there were.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, Parser};
use reports::document::{JobReport, Report, SideKind, Verdict};
use serde::Serialize;

use super::options::{self, ResourceArgs};
use super::{Cli, Command, Common, Format, terminal};
use crate::bundle::{CONFIG, Contents, REPORT, archive, base, stage};
use crate::cancel::Cancel;
use crate::check;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report_dir;
use crate::run::tool;
use crate::scratch::Scratch;

/// Default report directory of a replay: never that of the run it repeats.
const DEFAULT_OUT: &str = "parallax-replay";

/// Arguments of `replay`. Exit codes: 0 the same findings, 1 other ones, 2 could not run.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// A bundle, a report directory, or its `report.json`.
    #[arg(value_name = "FILE|REPORT")]
    pub(super) source: PathBuf,
    /// Name of the job; a bundle holds one only.
    #[arg(long, value_name = "J")]
    pub(super) job: Option<String>,
    /// Hold the findings of this check alone against those there were.
    #[arg(long, value_name = "CHECK")]
    pub(super) check: Option<String>,
    /// Configuration instead of the one that was used: external sides may live elsewhere here.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Report directory [default: parallax-replay].
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Threads and memory instead of those of then.
    #[command(flatten)]
    pub(super) resources: ResourceArgs,
}

/// What came of a replay.
#[derive(Serialize)]
struct Replayed {
    job: String,
    same: bool,
    verdict: Verdict,
    verdict_before: Verdict,
    /// Whether it was judged by a policy of the same digest.
    same_policy: bool,
    findings: usize,
    only_before: Vec<String>,
    only_now: Vec<String>,
    out: String,
}

/// What a replay puts in the place of what was typed.
pub(super) struct Place<'a> {
    pub(super) contents: &'a Contents,
    /// The bundle, unpacked.
    pub(super) home: &'a Path,
    pub(super) config: &'a Path,
    pub(super) out: &'a Path,
    pub(super) resources: &'a ResourceArgs,
}

impl Place<'_> {
    /// Threads and memory that were asked for now, else those of then.
    pub(super) fn resources(&self, then: ResourceArgs) -> ResourceArgs {
        ResourceArgs {
            threads: self.resources.threads.or(then.threads),
            memory_limit: self.resources.memory_limit.or(then.memory_limit),
        }
    }
}

impl ReplayArgs {
    pub(super) fn perform(&self, common: &Common, cancel: &Cancel) -> Result<Exit> {
        let check = self.check.as_deref().map(known_check).transpose()?;
        let home = Scratch::new(&options::tmp_dir(common)?)?;
        let contents = self.contents(home.path())?;
        let before = report_dir::read(&home.path().join(REPORT))?;
        told_versions(&contents);
        let out = self.out.clone().unwrap_or_else(|| DEFAULT_OUT.into());
        if out
            .canonicalize()
            .ok()
            .is_some_and(|out| self.source.canonicalize().is_ok_and(|it| it.starts_with(out)))
        {
            return Err(Error::usage(format!(
                "{} lies in the report directory {}, which is cleared before a run; name another one with --out",
                self.source.display(),
                out.display()
            )));
        }
        let config = self.configuration(&contents, &before, home.path())?;
        let place = Place {
            contents: &contents,
            home: home.path(),
            config: &config,
            out: &out,
            resources: &self.resources,
        };
        let exit = again(&place, common, cancel)?;
        home.close()?;
        if exit == Exit::Interrupted {
            return Ok(exit);
        }
        let after = report_dir::read(&out.join(report_dir::DOCUMENT))?;
        let mut replayed = compared(&contents.job, only(&before)?, only(&after)?, check.as_deref(), &out);
        let digest = |report: &Report| report.policy.as_ref().map(|policy| policy.digest.clone());
        replayed.same_policy = digest(&before) == digest(&after);
        if !replayed.same_policy {
            terminal::complain(
                "parallax: the policy is not that of then: verdict, waivers and actions may differ",
            );
        }
        show(&replayed, common.format)?;
        Ok(if replayed.same { Exit::Pass } else { Exit::Fail })
    }

    /// Unpacks the bundle, or puts together what one would hold.
    pub(super) fn contents(&self, home: &Path) -> Result<Contents> {
        if self.is_report() {
            let job = self
                .job
                .as_deref()
                .ok_or_else(|| Error::usage("which job of the report? name it with --job"))?;
            return stage::stage(&self.source, job, home);
        }
        archive::unpack(&self.source, home)?;
        let contents = Contents::read(home)?;
        match &self.job {
            Some(job) if *job != contents.job => Err(Error::usage(format!(
                "--job {job}: {} holds the job {}",
                self.source.display(),
                contents.job
            ))),
            _ => Ok(contents),
        }
    }

    /// The configuration to use: the one named, else the one that was used then. External programs are not packed, and a
    /// side that cannot be started is a finding like any other, so a bundle with one needs a configuration for this machine.
    pub(super) fn configuration(&self, contents: &Contents, before: &Report, home: &Path) -> Result<PathBuf> {
        if let Some(named) = &self.config {
            return Ok(named.clone());
        }
        let packed = home.join(CONFIG);
        if !contents.config {
            // One that happens to lie in the working directory was not there then.
            std::fs::write(&packed, "").map_err(|source| Error::io("cannot write", &packed, source))?;
        }
        let sides = before.jobs.iter().flat_map(|job| job.baseline.iter().chain([&job.candidate]));
        let mut external = sides.filter(|side| side.side.kind == SideKind::Command);
        let Some(side) = external.next() else { return Ok(packed) };
        match &before.run.config {
            // Relative programs count from where the configuration lies.
            Some(config) if self.is_report() => {
                let folder =
                    if self.source.is_dir() { Some(self.source.as_path()) } else { self.source.parent() };
                Ok(base::of(folder.unwrap_or(Path::new("")), before, only(before)?).join(config))
            }
            _ => Err(Error::usage(format!(
                "the job needs the external side {}, and programs are not packed: declare it in a configuration for this \
                 machine and name that with --config; what was declared then is {CONFIG} in the bundle",
                side.side.name
            ))),
        }
    }

    fn is_report(&self) -> bool {
        self.source.is_dir() || self.source.extension().is_some_and(|end| end == "json")
    }
}

/// Runs the command that was typed then, on what the bundle holds.
fn again(place: &Place<'_>, common: &Common, cancel: &Cancel) -> Result<Exit> {
    let cli = Cli::try_parse_from(&place.contents.command).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        Error::input(format!("this program does not understand the command of the bundle: {first}"))
    })?;
    let quiet = Common { quiet: true, ..common.clone() };
    match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(args) => args.replayed(place).perform(&quiet, cancel),
        Command::Compare(args) => args.replayed(place).perform(&quiet, cancel),
        _ => Err(Error::input("the bundle holds no job of run or compare")),
    }
}

pub(super) fn known_check(typed: &str) -> Result<String> {
    let code = typed.to_uppercase();
    if check::CODES.contains(&code.as_str()) {
        Ok(code)
    } else {
        Err(Error::usage(format!(
            "--check {typed}: there is no such check; the checks are {}",
            check::CODES.join(", ")
        )))
    }
}

/// Says on stderr where another version performed the job: then other findings need not be the data's doing.
fn told_versions(contents: &Contents) {
    let own = tool();
    if (&own.version, &own.crates) != (&contents.tool.version, &contents.tool.crates) {
        let words = |tool: &reports::document::Tool| {
            let crates: Vec<String> =
                tool.crates.iter().map(|(name, version)| format!("{name} {version}")).collect();
            format!("{} ({})", tool.version, crates.join(", "))
        };
        terminal::complain(&format!(
            "parallax: the job was performed by version {}, this is version {}",
            words(&contents.tool),
            words(&own)
        ));
    }
}

fn only(report: &Report) -> Result<&JobReport> {
    match report.jobs.as_slice() {
        [job] => Ok(job),
        jobs => Err(Error::input(format!("one job was expected in the report, not {}", jobs.len()))),
    }
}

fn compared(id: &str, before: &JobReport, after: &JobReport, check: Option<&str>, out: &Path) -> Replayed {
    let ids = |job: &JobReport| -> BTreeSet<String> {
        let checks = job.checks.iter().filter(|report| check.is_none_or(|check| report.check == check));
        checks.flat_map(|report| &report.findings).map(|finding| finding.id.clone()).collect()
    };
    let (old, new) = (ids(before), ids(after));
    Replayed {
        job: id.to_owned(),
        same: old == new,
        verdict: after.verdict,
        verdict_before: before.verdict,
        same_policy: true,
        findings: new.len(),
        only_before: old.difference(&new).cloned().collect(),
        only_now: new.difference(&old).cloned().collect(),
        out: out.display().to_string(),
    }
}

fn show(replayed: &Replayed, format: Format) -> Result<()> {
    if format == Format::Json {
        return terminal::json(replayed);
    }
    let count = replayed.findings;
    let noun = if count == 1 { "finding" } else { "findings" };
    let mut text = if replayed.same {
        format!("{}: the same {count} {noun} as then\n", replayed.job)
    } else {
        format!("{}: not the findings of then\n", replayed.job)
    };
    for id in &replayed.only_before {
        text.push_str(&format!("  gone: {id}\n"));
    }
    for id in &replayed.only_now {
        text.push_str(&format!("  new:  {id}\n"));
    }
    text.push_str(&format!("report: {}\n", Path::new(&replayed.out).join("index.html").display()));
    terminal::text(&text)
}
