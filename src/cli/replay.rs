//! `parallax replay FILE|REPORT [--job J] [--check C]`: a job run again, its findings compared with the earlier ones.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, Parser};
use reports::document::{JobReport, Mode, Report, Role, Verdict};
use reports::visible::plain;
use serde::Serialize;

use super::compare::CompareArgs;
use super::options::{self, RepeatArgs};
use super::run::RunArgs;
use super::{Cli, Command, Common, Format, terminal};
use crate::bundle::reach::Reach;
use crate::bundle::room::Room;
use crate::bundle::{self, CONFIG, Contents, OUTPUTS, REPORT, guard, stage};
use crate::cancel::Cancel;
use crate::check;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::plan::PlannedJob;
use crate::report_dir;
use crate::run::tool;
use crate::scratch::Scratch;
use crate::settings::Settings;
use crate::side::select::Choice;

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
    /// Compare the findings of this check alone with the earlier ones.
    #[arg(long, value_name = "CHECK")]
    pub(super) check: Option<String>,
    /// Configuration instead of the one that was used; external sides are taken from this one only.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Report directory [default: parallax-replay].
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// What the job may use.
    #[command(flatten)]
    pub(super) repeat: RepeatArgs,
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
    /// True where the user named the configuration: external sides are taken from no other.
    pub(super) own_config: bool,
    pub(super) out: &'a Path,
    /// What the job may use: what the user allows, never what the command of the bundle asks for.
    pub(super) repeat: &'a RepeatArgs,
}

impl Place<'_> {
    /// The side of a role for the command that is repeated: a recorded output is that of the bundle, whatever path was typed;
    /// an external one must be declared in the user's own configuration.
    pub(super) fn side(&self, role: Role, typed: Option<String>) -> Result<Option<String>> {
        let recorded = match role {
            Role::Baseline => self.contents.recorded_baseline,
            Role::Candidate => self.contents.recorded_candidate,
        };
        let chosen = typed.as_deref().map(Choice::parse).transpose()?;
        if recorded {
            return Ok(Some(format!("dir:{}", self.home.join(OUTPUTS).join(role.to_string()).display())));
        }
        match chosen {
            Some(Choice::Recorded(path)) => Err(Error::input(format!(
                "the command names the recorded {role} {}, which is not packed",
                path.display()
            ))),
            Some(Choice::Command(name)) if !self.own_config => Err(Error::usage(format!(
                "the job needs the external side cmd:{name}, and no program that a bundle or a report names is run: declare the \
                 side in a configuration of your own and name that with --config"
            ))),
            _ => Ok(typed),
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
        let config = self.configuration(&contents, home.path())?;
        let place = Place {
            contents: &contents,
            home: home.path(),
            config: &config,
            own_config: self.config.is_some(),
            out: &out,
            repeat: &self.repeat,
        };
        let repeated = Repeated::of(&place)?;
        repeated.mention_noise(&contents, self.repeat.noise);
        let exit = repeated.perform(&Common { quiet: true, ..common.clone() }, cancel)?;
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
            let room = Room::new(self.repeat.unpack_limit, &self.source);
            let contents = stage::stage(&self.source, job, home, &Reach::anything(), &room)?;
            guard::check(home, &contents, &room)?;
            return Ok(contents);
        }
        let contents = bundle::open(&self.source, home, self.repeat.unpack_limit)?;
        match &self.job {
            Some(job) if *job != contents.job => Err(Error::usage(format!(
                "--job {job}: {} holds the job {}",
                self.source.display(),
                contents.job
            ))),
            _ => Ok(contents),
        }
    }

    /// The configuration to use: the one named, else the one that was used then, without its external sides.
    pub(super) fn configuration(&self, contents: &Contents, home: &Path) -> Result<PathBuf> {
        configuration(self.config.as_deref(), contents, home)
    }

    fn is_report(&self) -> bool {
        self.source.is_dir() || self.source.extension().is_some_and(|end| end == "json")
    }
}

/// The command of a bundle on what the bundle holds: its paths are those of the bundle, what it may use is what the user allows.
pub(super) enum Repeated {
    Run(Box<RunArgs>),
    Compare(Box<CompareArgs>),
}

impl Repeated {
    /// Parses the command. Nothing runs yet.
    ///
    /// # Errors
    /// Class `input` or `usage` for a command that is not understood, or that needs a program or a file which is not of the bundle.
    pub(super) fn of(place: &Place<'_>) -> Result<Self> {
        let cli = Cli::try_parse_from(&place.contents.command).map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            Error::input(format!("this program does not understand the command of the bundle: {first}"))
        })?;
        match cli.command.unwrap_or(Command::Run(cli.run)) {
            Command::Run(args) => Ok(Self::Run(Box::new(args.replayed(place)?))),
            Command::Compare(args) => Ok(Self::Compare(Box::new(args.replayed(place)?))),
            _ => Err(Error::input("the bundle holds no job of run or compare")),
        }
    }

    fn prepared(&self, common: &Common) -> Result<(Vec<PlannedJob>, Settings)> {
        match self {
            Self::Run(args) => args.prepared(Mode::Run, None, common),
            Self::Compare(args) => args.prepared(common).map(|(job, settings)| (vec![job], settings)),
        }
    }

    fn perform(&self, common: &Common, cancel: &Cancel) -> Result<Exit> {
        match self {
            Self::Run(args) => args.perform(common, cancel),
            Self::Compare(args) => args.perform(common, cancel),
        }
    }

    /// Says on stderr where the job was performed more often than now: its findings may come of that.
    fn mention_noise(&self, contents: &Contents, now: usize) {
        let Ok(Cli { command: Some(Command::Run(RunArgs { noise: Some(then), .. })), .. }) =
            Cli::try_parse_from(&contents.command)
        else {
            return;
        };
        if then != now {
            terminal::complain(&format!(
                "parallax: the job was performed with --noise {then} and is repeated with --noise {now}: findings that come of \
                 performing it again may differ; name --noise {then} to have it so again"
            ));
        }
    }
}

/// A job of a bundle and all that it would be performed and judged with.
pub struct Planned {
    /// The jobs: one.
    pub jobs: Vec<PlannedJob>,
    /// Sides, policy, memory, threads.
    pub settings: Settings,
}

/// All that `parallax replay BUNDLE` does before a side is started: unpacks `bundle` into the empty directory `home`, reads and checks its
/// documents, and plans its job, which would be reported to `out`. For tests of what a hostile bundle can reach.
///
/// # Errors
/// As `replay`.
pub fn plan(bundle: &Path, home: &Path, out: &Path) -> Result<Planned> {
    let repeat = RepeatArgs::default();
    let contents = bundle::open(bundle, home, repeat.unpack_limit)?;
    only(&report_dir::read(&home.join(REPORT))?)?;
    let config = configuration(None, &contents, home)?;
    let place = Place { contents: &contents, home, config: &config, own_config: false, out, repeat: &repeat };
    let (jobs, settings) = Repeated::of(&place)?.prepared(&Common::default())?;
    Ok(Planned { jobs, settings })
}

/// The configuration to use: the one named, else that of the bundle, without its external sides.
fn configuration(named: Option<&Path>, contents: &Contents, home: &Path) -> Result<PathBuf> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let packed = home.join(CONFIG);
    if !contents.config {
        // One that happens to lie in the working directory was not used then.
        std::fs::write(&packed, "").map_err(|source| Error::io("cannot write", &packed, source))?;
    }
    Ok(packed)
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
    terminal::text(&in_words(replayed))
}

/// What is said of a job that was judged again, in lines.
fn in_words(replayed: &Replayed) -> String {
    let count = replayed.findings;
    let noun = if count == 1 { "finding" } else { "findings" };
    let job = plain(&replayed.job);
    let mut text = if replayed.same {
        format!("{job}: the same {count} {noun} as recorded\n")
    } else {
        format!("{job}: not the findings that were recorded\n")
    };
    // Names and ids are those of the bundle: they cannot end a line.
    for id in &replayed.only_before {
        text.push_str(&format!("  gone: {}\n", plain(id)));
    }
    for id in &replayed.only_now {
        text.push_str(&format!("  new:  {}\n", plain(id)));
    }
    if replayed.verdict != replayed.verdict_before {
        let [before, now] =
            [replayed.verdict_before, replayed.verdict].map(|it| format!("{it:?}").to_lowercase());
        text.push_str(&format!("  the verdict was {before}, and is {now}\n"));
    }
    text.push_str(&format!("report: {}\n", terminal::path(&Path::new(&replayed.out).join("index.html"))));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_verdict_is_said_and_the_same_is_not() {
        let mut replayed = Replayed {
            job: "j".to_owned(),
            same: true,
            verdict: Verdict::Pass,
            verdict_before: Verdict::Pass,
            same_policy: true,
            findings: 2,
            only_before: Vec::new(),
            only_now: Vec::new(),
            out: "out".to_owned(),
        };
        assert_eq!(in_words(&replayed), "j: the same 2 findings as recorded\nreport: out/index.html\n");
        replayed.verdict = Verdict::Inconclusive;
        assert!(in_words(&replayed).contains("\n  the verdict was pass, and is inconclusive\n"));
    }
}
