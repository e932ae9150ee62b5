//! What `compare` and `verify` have in common: outputs that exist already are judged, nothing runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;
use clap::Args;
use corpora::parameters::{Origin, ResolvedParameters};
use corpora::signal::Signal;
use reports::counted;
use reports::document::{Mode, Role};
use reports::manifest::ErrorClass;

use super::ci::CiArgs;
use super::options::{self, PolicyArgs, ResourceArgs, of_corpora};
use super::redact::RedactArgs;
use super::replay::Place;
use super::{Common, run};
use crate::cancel::Cancel;
use crate::check::Comparison;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::named::{self, Named};
use crate::output::file_list::{self, FileList};
use crate::output::partition::Typing;
use crate::output::{Found, Opening, Output, OutputFile, Partitions, manifest};
use crate::plan::PlannedJob;
use crate::plan::same::Identity;
use crate::report_dir;
use crate::settings::{Keep, Settings};
use crate::shell;
use crate::side::select::Choice;

/// Options of commands that judge outputs that exist already.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Target file size in bytes that the outputs were written for.
    #[arg(long, value_name = "BYTES")]
    target_size: Option<u64>,
    /// Configuration file [default: parallax.toml where there is one].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Report directory [default: parallax-report].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    resources: ResourceArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Count differing rows by these columns; `hour` is the hour of the signal's time column, `file` the output file.
    #[arg(long, value_name = "COL,..", value_delimiter = ',')]
    pub(super) by: Vec<String>,
    /// Pass where both outputs have no rows; without this there is nothing to compare, which is inconclusive.
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    redact: RedactArgs,
    #[command(flatten)]
    pub(super) ci: CiArgs,
    /// Set for the outputs of a bundle: earlier versions packed policies that name columns which no output has.
    #[arg(skip)]
    of_bundle: bool,
}

/// The outputs to judge.
pub struct Outputs<'a> {
    /// Which command this is; also the name of its only job.
    pub mode: Mode,
    /// Whether an output may be compared with itself.
    pub allow_same: bool,
    /// The signal, where one is known.
    pub signal: Option<Arc<Signal>>,
    /// Columns that the command names itself: a name that neither output has is a mistake, not an empty question.
    pub columns: Vec<Named>,
    /// `--param` values as typed.
    pub params: &'a [String],
    /// The baseline, where there is one.
    pub baseline: Option<&'a Path>,
    /// The candidate.
    pub candidate: &'a Path,
}

impl Outputs<'_> {
    /// Whether both sides are one output.
    ///
    /// # Errors
    /// Class `usage` where that was not asked for.
    fn self_check(&self) -> Result<bool> {
        let Some(baseline) = self.baseline else { return Ok(false) };
        let same = Identity::of(baseline).is(&Identity::of(self.candidate));
        if same && !self.allow_same {
            return Err(Error::usage(format!(
                "{} and {} are one output, which is equal to itself whatever it holds; name the other output, or add --allow-same \
                 for a self-check",
                baseline.display(),
                self.candidate.display()
            )));
        }
        Ok(same)
    }
}

impl OutputArgs {
    pub(super) fn redaction(&self) -> (&RedactArgs, Option<&Path>) {
        (&self.redact, self.out.as_deref())
    }

    /// The same for the outputs of a bundle.
    ///
    /// # Errors
    /// As [`PolicyArgs::replayed`].
    pub(super) fn replayed(self, place: &Place<'_>) -> Result<Self> {
        let policy = self.policy.replayed(place)?;
        Ok(Self {
            config: Some(place.config.to_owned()),
            out: Some(place.out.to_owned()),
            resources: place.repeat.resources.clone(),
            redact: RedactArgs::default(),
            policy,
            of_bundle: true,
            ..self
        })
    }

    /// The configuration named or found.
    ///
    /// # Errors
    /// Class `config` for a file that is missing or wrong.
    pub(super) fn config(&self) -> Result<Config> {
        options::config(self.config.as_deref())
    }

    /// The job of judging the outputs, and everything that it is judged with.
    ///
    /// # Errors
    /// Where they cannot be read at all.
    pub(super) fn prepared(
        &self,
        outputs: Outputs<'_>,
        config: &Config,
        common: &Common,
    ) -> Result<(PlannedJob, Settings)> {
        let policy = self.policy.resolve(config)?;
        for path in outputs.baseline.into_iter().chain([outputs.candidate]) {
            usable(path, &policy.comparison)?;
        }
        let mut named = outputs.columns.clone();
        named.extend(named::of_by(&self.by));
        named.extend(named::of_policy(&policy));
        named.extend(outputs.signal.iter().flat_map(|signal| named::of_signal(config, signal)));
        named.iter_mut().for_each(|it| it.of_part = self.of_bundle);
        let id = if outputs.mode == Mode::Compare { "compare" } else { "verify" };
        known_columns(&outputs, &named, id, &policy.comparison)?;
        let out = self.out.clone().unwrap_or_else(|| options::DEFAULT_OUT.into());
        report_dir::spare(&out, outputs.baseline.into_iter().chain([outputs.candidate]))?;
        let side = |path: &Path, role| Choice::Recorded(path.to_owned()).side(role, config, 1);
        let command = options::command_line();
        let words: Vec<String> =
            std::iter::once("parallax".to_owned()).chain(command.iter().skip(1).cloned()).collect();
        let self_check = outputs.self_check()?;
        let parameters = parameters(self.target_size, outputs.params)?;
        let mut job = PlannedJob::of_outputs(id, outputs.signal, &parameters, &shell::line(&words));
        job.allow_empty(self.allow_empty);
        let settings = Settings {
            mode: outputs.mode,
            self_check,
            baseline: outputs.baseline.map(|path| side(path, Role::Baseline)).transpose()?,
            candidate: side(outputs.candidate, Role::Candidate)?,
            policy,
            out,
            resume: false,
            keep: Keep::Never,
            noise: 0,
            chaos: None,
            by: self.by.clone(),
            named,
            tmp: options::tmp_dir(common)?,
            memory: self.resources.memory()?,
            threads: self.resources.threads()?,
            command,
            replay: job.replay.clone(),
            seed: None,
            config: config.path.clone(),
            measure: None,
            program: None,
            today: Utc::now().date_naive(),
        };
        Ok((job, settings))
    }

    /// Judges the outputs at `paths` and shows the result.
    ///
    /// # Errors
    /// Where the report cannot be written.
    pub(super) fn judge(
        &self,
        (job, mut settings): (PlannedJob, Settings),
        paths: &[&Path],
        common: &Common,
        cancel: &Cancel,
    ) -> Result<Exit> {
        let redaction = self.redact.begin(&mut settings.out, false, common)?;
        report_dir::spare(&settings.out, paths.iter().copied())?;
        run::execute(&[job], &settings, redaction, common, self.ci.ci, cancel)
    }
}

/// Refuses what is no output at all: a file that is not Parquet, a list of what is not there, a directory with neither Parquet files nor a manifest. A bad
/// file *within* an output is for the checks to tell.
fn usable(path: &Path, comparison: &Comparison) -> Result<()> {
    if let Some(list) = file_list::named(path) {
        return FileList::read(&list).map(drop);
    }
    corpora::regular::check_unless_missing(path).map_err(|source| Error::io("cannot read", path, source))?;
    if path.is_file() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        return OutputFile::open_without(path, &name, &comparison.ignored).map(drop);
    }
    if !path.is_dir() {
        return Err(Error::input(format!("no such file or directory: {}", path.display())));
    }
    let found = Found::below(path, true)?;
    let manifest = path.join(manifest::FILE_NAME).symlink_metadata().is_ok();
    if manifest || !found.parquet.is_empty() || !found.unreadable.is_empty() {
        return Ok(());
    }
    let data: u64 = found.passed_over.iter().map(|entry| entry.parquet).sum();
    let hint = found.passed_over.iter().find(|entry| entry.parquet > 0).map_or_else(
        || "name the directory of an output".to_owned(),
        |first| {
            format!(
                "{} passed over, {} the first ({}): name the files or their own folder",
                counted(data, "Parquet file is", "Parquet files are"),
                first.path,
                first.why.meaning()
            )
        },
    );
    Err(Error::input(format!(
        "{} holds no Parquet file that is read and no {}; {hint}",
        path.display(),
        manifest::FILE_NAME
    )))
}

/// Refuses a named column that neither output has.
fn known_columns(outputs: &Outputs<'_>, named: &[Named], job: &str, comparison: &Comparison) -> Result<()> {
    if named.is_empty() {
        return Ok(());
    }
    let mut known = BTreeSet::new();
    for (role, path) in [(Role::Baseline, outputs.baseline), (Role::Candidate, Some(outputs.candidate))] {
        let Some(path) = path else { continue };
        let opening = Opening { sort_key: &[], ignored: &comparison.ignored, recorded: true };
        let mut output = Output::open_for(role, path, None, opening)?;
        if comparison.partitions == Partitions::Auto {
            output.partition(&Typing::default(), &[])?;
        }
        for file in output.files {
            known.extend(file.arrow_schema()?.fields().iter().map(|field| field.name().clone()));
        }
    }
    if known.is_empty() {
        // Without any column there was no file to read: the checks say so.
        return Ok(());
    }
    let signal = outputs.signal.as_ref().map(|signal| signal.name.as_str()).filter(|name| !name.is_empty());
    let what = if outputs.baseline.is_some() { "neither output has" } else { "the output does not have" };
    named::refuse(named, &[(signal, job, known)], what)
}

/// Parameters typed on the command line.
fn parameters(target_size: Option<u64>, params: &[String]) -> Result<ResolvedParameters> {
    let usage = |error: corpora::Error| Error { class: ErrorClass::Usage, ..of_corpora(&error) };
    let mut resolved = ResolvedParameters::default();
    for pair in params {
        resolved.set_pair(pair, Origin::Param).map_err(usage)?;
    }
    if let Some(bytes) = target_size {
        resolved.set("target_size", &bytes.to_string(), Origin::TargetSize).map_err(usage)?;
    }
    Ok(resolved)
}
