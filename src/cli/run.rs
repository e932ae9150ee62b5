//! `parallax run`: both sides on corpora or jobs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::Utc;
use clap::{Args, ValueEnum};
use corpora::Catalog;
use corpora::signal::RollupRule;
use reports::document::{Mode, Report, Role};

use super::ci::{Ci, CiArgs};
use super::measure::{self, MeasureArgs};
use super::options::{self, PolicyArgs, ResourceArgs, of_corpora};
use super::redact::{RedactArgs, Redaction};
use super::replay::Place;
use super::{Common, Format, noted, progress, terminal};
use crate::bundle::{CORPUS, JOB_LIST, Work};
use crate::cancel::Cancel;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::isolate::Isolate;
use crate::job_list;
use crate::named::{self, Named};
use crate::plan::{PlannedJob, Planner, same};
use crate::policy::Policy;
use crate::report_dir;
use crate::resume::{JOURNAL, Journal};
use crate::run::run;
use crate::settings::{Keep, Settings};
use crate::shell;
use crate::side::select::Choice;

/// Most attempts of a side at a job that `--chaos` stops.
const MOST_STOPS: usize = 10_000;

/// What a column means that is named and that no job has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum AbsentColumns {
    /// A mistake: exit 2, with a suggestion.
    #[default]
    Refuse,
    /// A warning: other runs may have it.
    Warn,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Only jobs of this signal; may be repeated.
    #[arg(long, value_name = "S")]
    signal: Vec<String>,
    /// A built-in corpus, a specification file, or segments (file, directory, pattern); may be repeated
    /// [default: all built-in corpora].
    #[arg(long, value_name = "NAME|PATH")]
    corpus: Vec<String>,
    /// Jobs as JSON lines, each judged on its own.
    #[arg(long, value_name = "FILE", conflicts_with = "corpus")]
    job_list: Option<PathBuf>,
    /// Only this job of the list; may be repeated.
    #[arg(long, value_name = "ID", requires = "job_list")]
    only: Vec<String>,
    /// A job parameter, over what the corpus or list says; may be repeated.
    #[arg(long = "param", value_name = "K=V")]
    params: Vec<String>,
    /// The old writer [default: legacy, or what the job list names].
    #[arg(long, value_name = "SIDE")]
    baseline: Option<String>,
    /// The new writer [default: unified, or what the job list names].
    #[arg(long, value_name = "SIDE")]
    candidate: Option<String>,
    /// Configuration file [default: parallax.toml where there is one].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set for a configuration that came with a bundle or a report: its external sides are not taken.
    #[arg(skip)]
    without_sides: bool,
    /// Set for one job of a run.
    #[arg(skip)]
    one_of_many: bool,
    /// Report directory [default: parallax-report].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on where an interrupted run into this report directory ended: jobs whose inputs, sides and policy are unchanged are
    /// taken over.
    #[arg(long)]
    resume: bool,
    /// Which outputs are kept in the report directory.
    #[arg(long, value_enum, default_value_t = Keep::OnFailure)]
    keep: Keep,
    /// Seed of generated corpora [default: each corpus's own].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Bytes that an external side may leave for one job, holes counted; a side that leaves more failed the job
    /// [default: 68719476736].
    #[arg(long, value_name = "BYTES")]
    output_limit: Option<u64>,
    /// Whether each external side gets its own copies of a job's inputs, which are removed afterwards. Jobs with more than 1 GiB of
    /// inputs get none.
    #[arg(long, value_enum, default_value_t = Isolate::Copy)]
    isolate: Isolate,
    /// Pass where both outputs of a job have no rows; without this there is nothing to compare, which is inconclusive.
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    resources: ResourceArgs,
    /// Count differing rows by these columns; `hour` is the hour of the signal's time column, `file` the output file.
    #[arg(long, value_name = "COL,..", value_delimiter = ',')]
    by: Vec<String>,
    /// What a column means that the configuration, the policy or an option names and that no job has: a mistake, or, where several runs
    /// share a policy, a warning.
    #[arg(long, value_enum, default_value_t = AbsentColumns::Refuse)]
    absent_columns: AbsentColumns,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Let each side that runs do each job N times more, the candidate also with other settings and with its input in another order,
    /// and tell what it does not reproduce [default: 0].
    #[arg(long, value_name = "N")]
    pub(super) noise: Option<usize>,
    /// Stop each side that runs N times at each job (SIGTERM, SIGKILL, no room in a file, no memory), at moments drawn from `--seed`, and
    /// let it try again: nothing partial may remain, and the next attempt must be right [default: not at all; without N: 8].
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "8")]
    chaos: Option<usize>,
    /// Measure time and memory after the comparison, N pairs of runs at first.
    #[arg(long, value_name = "N")]
    measure: Option<usize>,
    #[command(flatten)]
    measuring: MeasureArgs,
    #[command(flatten)]
    redact: RedactArgs,
    #[command(flatten)]
    ci: CiArgs,
}

impl RunArgs {
    pub(super) fn ci(&self) -> Ci {
        self.ci.ci
    }

    pub(super) fn redaction(&self) -> (&RedactArgs, Option<&Path>) {
        (&self.redact, self.out.as_deref())
    }

    pub(super) fn perform(&self, common: &Common, cancel: &Cancel) -> Result<Exit> {
        self.perform_in(Mode::Run, None, common, cancel)
    }

    /// As `run` or `bench`; `pairs` are measured where no number was typed.
    pub(super) fn perform_in(
        &self,
        mode: Mode,
        pairs: Option<usize>,
        common: &Common,
        cancel: &Cancel,
    ) -> Result<Exit> {
        let (jobs, mut settings) = self.prepared(mode, pairs, common)?;
        let redaction = self.redact.begin(&mut settings.out, settings.resume, common)?;
        report_dir::spare(&settings.out, jobs.iter().flat_map(PlannedJob::paths))?;
        execute(&jobs, &settings, redaction, common, self.ci(), cancel)
    }

    /// The jobs, and everything else that they are performed and judged with.
    pub(super) fn prepared(
        &self,
        mode: Mode,
        pairs: Option<usize>,
        common: &Common,
    ) -> Result<(Vec<PlannedJob>, Settings)> {
        let mut config = options::config(self.config.as_deref())?;
        config.output_limit = self.output_limit;
        config.isolate = self.isolate;
        if self.without_sides {
            config.sides.clear();
        }
        let policy = self.policy.resolve(&config)?;
        let pairs = self.measure.or(pairs);
        let measure = pairs.map(|pairs| self.measuring.limits(pairs, &policy.limits)).transpose()?;
        // A phase is about its signals, unless others were asked for by name.
        let about = policy.phase.as_ref().map_or(&[][..], |phase| &phase.signals);
        let wanted = if self.signal.is_empty() { about } else { &self.signal };
        let (mut jobs, baseline, candidate) = self.plan(&config, wanted)?;
        jobs.iter_mut().for_each(|job| job.allow_empty(self.allow_empty));
        if measure.is_some() {
            measure::both_run(&baseline, &candidate)?;
        }
        if let Some(attempts) = self.chaos {
            self.can_be_stopped(attempts, mode)?;
        }
        let out = self.out.clone().unwrap_or_else(|| options::DEFAULT_OUT.into());
        let count = jobs.len();
        let sides = [&baseline, &candidate].into_iter().filter_map(|choice| choice.path());
        report_dir::spare(&out, jobs.iter().flat_map(PlannedJob::paths).chain(sides))?;
        let named = self.named(&config, &policy, &jobs);
        if baseline.is_builtin() && candidate.is_builtin() {
            known_columns(&named, &jobs)?;
        }
        let baseline = baseline.side(Role::Baseline, &config, count)?;
        let candidate = candidate.side(Role::Candidate, &config, count)?;
        same::refuse(&jobs, baseline.as_ref(), candidate.as_ref())?;
        let settings = Settings {
            mode,
            self_check: false,
            baseline: Some(baseline),
            candidate,
            policy,
            out,
            resume: self.resume,
            keep: self.keep,
            noise: self.noise.unwrap_or(0),
            chaos: self.chaos,
            by: self.by.clone(),
            named,
            tmp: options::tmp_dir(common)?,
            memory: self.resources.memory()?,
            threads: self.resources.threads()?,
            command: options::command_line(),
            replay: self.replay(mode),
            seed: self.seed,
            config: config.path.clone(),
            measure,
            program: std::env::current_exe().ok(),
            today: Utc::now().date_naive(),
        };
        Ok((jobs, settings))
    }

    /// The same run on the one job of a bundle.
    ///
    /// # Errors
    /// Where the command needs a program, or a file that the bundle does not hold.
    pub(super) fn replayed(self, place: &Place<'_>) -> Result<Self> {
        if place.contents.work == Work::Outputs {
            return Err(Error::input("the bundle holds two outputs, and its command needs inputs"));
        }
        let at = |name: &str| place.home.join(name);
        let from_list = place.contents.work == Work::JobList;
        Ok(Self {
            signal: Vec::new(),
            corpus: if from_list { Vec::new() } else { vec![at(CORPUS).display().to_string()] },
            job_list: from_list.then(|| at(JOB_LIST)),
            only: Vec::new(),
            one_of_many: true,
            // A job list holds them already, resolved.
            params: if from_list { Vec::new() } else { self.params },
            baseline: place.side(Role::Baseline, self.baseline)?,
            candidate: place.side(Role::Candidate, self.candidate)?,
            config: Some(place.config.to_owned()),
            without_sides: !place.own_config,
            policy: self.policy.replayed(place)?,
            out: Some(place.out.to_owned()),
            seed: place.contents.seed,
            // There is nothing to go on from, and findings do not depend on time.
            resume: false,
            measure: None,
            redact: RedactArgs::default(),
            resources: place.repeat.resources.clone(),
            noise: Some(place.repeat.noise),
            chaos: None,
            output_limit: place.repeat.output_limit,
            ..self
        })
    }

    /// Refuses `--chaos` where no side would be stopped.
    fn can_be_stopped(&self, attempts: usize, mode: Mode) -> Result<()> {
        if mode == Mode::Bench {
            return Err(Error::usage(
                "--chaos stops sides while they are compared: give it to `run`, not to `bench`",
            ));
        }
        if !(1..=MOST_STOPS).contains(&attempts) {
            return Err(Error::usage(format!(
                "--chaos {attempts}: between 1 and {MOST_STOPS} attempts can be made"
            )));
        }
        Ok(())
    }

    /// The jobs and the two sides.
    fn plan(&self, config: &Config, wanted: &[String]) -> Result<(Vec<PlannedJob>, Choice, Choice)> {
        let signals = options::signals(config)?;
        for name in &self.signal {
            signals.get(name).map_err(|error| of_corpora(&error))?;
        }
        let catalog = Catalog::builtin().map_err(|error| of_corpora(&error))?;
        let typed = |side: &Option<String>| side.as_deref().map(Choice::parse).transpose();
        let (baseline, candidate) = (typed(&self.baseline)?, typed(&self.candidate)?);
        let entry = [&baseline, &candidate].into_iter().flatten().find_map(Choice::entry);
        let tail = self.replay_tail(config);
        let mut planner = Planner {
            signals: &signals,
            catalog: &catalog,
            wanted,
            params: &self.params,
            entry,
            seed: self.seed,
            rows: None,
            builtin: false,
            sized: false,
            replay_tail: &tail,
        };
        let Some(list) = &self.job_list else {
            let baseline = baseline.unwrap_or(Choice::Legacy(None));
            let candidate = candidate.unwrap_or(Choice::Unified);
            planner.builtin = baseline.is_builtin() || candidate.is_builtin();
            planner.sized = baseline.is_builtin() && candidate.is_builtin();
            let jobs =
                if self.corpus.is_empty() { planner.builtin()? } else { planner.named(&self.corpus)? };
            return Ok((jobs, baseline, candidate));
        };
        // A side that is not typed may be recorded, by the list.
        planner.sized = job_list::read(list)?.iter().all(|line| {
            let own =
                |typed: &Option<Choice>, listed: bool| typed.as_ref().map_or(!listed, Choice::is_builtin);
            own(&baseline, line.baseline.is_some()) && own(&candidate, line.candidate.is_some())
        });
        let jobs = planner.listed(list, &self.only)?;
        let baseline = listed(baseline, &jobs, Role::Baseline)?;
        let candidate = listed(candidate, &jobs, Role::Candidate)?;
        if baseline.is_builtin() || candidate.is_builtin() {
            jobs.iter().try_for_each(PlannedJob::can_be_performed)?;
        }
        Ok((jobs, baseline, candidate))
    }

    /// Columns that the user named for these jobs.
    fn named(&self, config: &Config, policy: &Policy, jobs: &[PlannedJob]) -> Vec<Named> {
        let mut named = named::of_by(&self.by);
        named.extend(named::of_policy(policy));
        let mut seen = BTreeSet::new();
        for signal in jobs.iter().filter_map(|job| job.job().signal.as_deref()) {
            if seen.insert(&signal.name) {
                named.extend(named::of_signal(config, signal));
            }
        }
        let part = self.one_of_many || !self.only.is_empty() || self.absent_columns == AbsentColumns::Warn;
        named.iter_mut().for_each(|it| it.of_part = part);
        named
    }

    /// The flags that shape a job's work and judgement, for repeating one job.
    fn replay_tail(&self, config: &Config) -> String {
        let mut words: Vec<String> = Vec::new();
        for signal in &self.signal {
            words.extend(["--signal".to_owned(), signal.clone()]);
        }
        words.extend(self.shaping());
        // Another job of the run may have a column that this one has not.
        let names_columns = ["--by", "--ignore-columns", "--policy"];
        let names = |word: &String| names_columns.contains(&word.as_str());
        if self.absent_columns == AbsentColumns::Refuse && (config.path.is_some() || words.iter().any(names))
        {
            words.extend(["--absent-columns", "warn"].map(str::to_owned));
        }
        if words.is_empty() { String::new() } else { format!(" {}", shell::line(&words)) }
    }

    /// The sides as they were named.
    pub(super) fn sides(&self) -> Vec<String> {
        let named = [("--baseline", &self.baseline), ("--candidate", &self.candidate)];
        let named = named.into_iter().filter_map(|(flag, side)| Some([flag.to_owned(), side.clone()?]));
        named.flatten().collect()
    }

    fn shaping(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let mut flag = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                words.extend([name.to_owned(), value]);
            }
        };
        for param in &self.params {
            flag("--param", Some(param.clone()));
        }
        flag("--baseline", self.baseline.clone());
        flag("--candidate", self.candidate.clone());
        flag("--config", self.config.as_ref().map(|path| path.display().to_string()));
        flag("--seed", self.seed.map(|seed| seed.to_string()));
        if !self.by.is_empty() {
            flag("--by", Some(self.by.join(",")));
        }
        flag("--absent-columns", (self.absent_columns == AbsentColumns::Warn).then(|| "warn".to_owned()));
        flag("--output-limit", self.output_limit.map(|bytes| bytes.to_string()));
        flag("--isolate", (self.isolate == Isolate::Off).then(|| "off".to_owned()));
        flag("--noise", self.noise.map(|times| times.to_string()));
        flag("--chaos", self.chaos.map(|attempts| attempts.to_string()));
        flag("--measure", self.measure.map(|pairs| pairs.to_string()));
        if self.allow_empty {
            words.push("--allow-empty".to_owned());
        }
        words.extend(self.policy.words());
        words.extend(self.measuring.words());
        words
    }

    /// The resolved command that repeats the run.
    fn replay(&self, mode: Mode) -> String {
        let command = if mode == Mode::Bench { "bench" } else { "run" };
        let mut words = vec!["parallax".to_owned(), command.to_owned()];
        for (name, values) in [("--signal", &self.signal), ("--corpus", &self.corpus), ("--only", &self.only)]
        {
            for value in values {
                words.extend([name.to_owned(), value.clone()]);
            }
        }
        if let Some(list) = &self.job_list {
            words.extend(["--job-list".to_owned(), list.display().to_string()]);
        }
        words.extend(self.shaping());
        shell::line(&words)
    }
}

/// Refuses named columns that no job can have, before the first one: what the built-in writers write has the columns of the inputs and
/// those of a roll-up. Nothing is said where inputs are yet to be made.
fn known_columns(named: &[Named], jobs: &[PlannedJob]) -> Result<()> {
    let columns = |job: &PlannedJob| -> Option<BTreeSet<String>> {
        let inputs = job.segments()?.iter().flat_map(|segment| &segment.columns);
        let rollup = job.job().signal.iter().filter_map(|signal| signal.rollup.as_ref());
        let rollup = rollup.flat_map(RollupRule::columns).map(str::to_owned);
        Some(inputs.map(|column| column.name.clone()).chain(rollup).collect())
    };
    let known: Option<Vec<_>> =
        jobs.iter().map(|job| Some((job.signal(), job.id(), columns(job)?))).collect();
    known.map_or(Ok(()), |known| named::refuse(named, &known, "no job has"))
}

/// The side typed, else the one that the job list names for every job, else the built-in one.
fn listed(typed: Option<Choice>, jobs: &[PlannedJob], role: Role) -> Result<Choice> {
    if let Some(choice) = typed {
        return Ok(choice);
    }
    let has = |job: &&PlannedJob| match role {
        Role::Baseline => job.recorded().baseline.is_some(),
        Role::Candidate => job.recorded().candidate.is_some(),
    };
    let named = jobs.iter().filter(has).count();
    match (named, jobs.iter().find(|job| !has(job))) {
        (0, _) if role == Role::Baseline => Ok(Choice::Legacy(None)),
        (0, _) => Ok(Choice::Unified),
        (_, None) => Ok(Choice::Listed),
        (_, Some(without)) => Err(Error::usage(format!(
            "the job list names a recorded {role} for {named} of {} jobs, but not for {}; name it there, or choose a side \
             with --{role}",
            jobs.len(),
            without.id()
        ))),
    }
}

/// Runs, shows the result, and turns the verdict into an exit.
pub(super) fn execute(
    jobs: &[PlannedJob],
    settings: &Settings,
    redaction: Option<Redaction>,
    common: &Common,
    ci: Ci,
    cancel: &Cancel,
) -> Result<Exit> {
    let option = if redaction.is_some() { "--raw-out" } else { "--out" };
    let _claim = noted(report_dir::prepare(&settings.out, settings.resume, option)?);
    let progress = progress::of(common, jobs, redaction.is_some());
    let performed = run(jobs, settings, cancel, progress.as_ref());
    let raw = performed.inspect_err(|_| kept_for_resume(&settings.out))?;
    drop(progress);
    let (report, out) = match &redaction {
        Some(redaction) => (redaction.finish(&raw)?, &redaction.out),
        None => (raw, &settings.out),
    };
    if !common.quiet {
        show(&report, out, common)?;
        ci.tell(&report, out, common.format)?;
    }
    Ok(if report.run.complete { Exit::from(report.verdict) } else { Exit::Interrupted })
}

/// Says that the jobs judged before an error need not be done again.
fn kept_for_resume(out: &Path) {
    let judged = Journal::jobs(out).map_or(0, |jobs| jobs.len());
    if judged > 0 {
        terminal::complain(&format!(
            "parallax: {judged} judged {} kept in {JOURNAL}; the same command with --resume goes on there",
            if judged == 1 { "job is" } else { "jobs are" }
        ));
    }
}

fn show(report: &Report, out: &Path, common: &Common) -> Result<()> {
    if common.format == Format::Json {
        return terminal::json(report);
    }
    let colour = terminal::colour() && !common.plain;
    let mut text = if common.silent {
        reports::summary::render_verdict(report, terminal::width(), colour)
    } else {
        reports::summary::render_text(report, terminal::width(), colour)
    };
    text.push_str(&format!("report: {}\n", terminal::path(&out.join("index.html"))));
    terminal::text(&text)
}
