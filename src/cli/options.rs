//! What was resolved from what was typed: flag over environment over file over default. The environment plays a part only
//! where the system's own conventions ask for it (`TMPDIR`, `NO_COLOR`, `COLUMNS`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use corpora::Signals;

use super::Common;
use super::replay::Place;
use crate::bundle::POLICY;
use crate::bundle::room::UNPACK_LIMIT;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::output::Partitions;
use crate::policy::file::Asked;
use crate::policy::{self, Policy};
use crate::spill::{LEAST_MEMORY_LIMIT, Memory};
use crate::suggest;

/// Most worker threads that may be asked for: each reserves a stack, and no machine has more processors to gain from.
pub const MOST_THREADS: usize = 1024;

/// Default report directory.
pub const DEFAULT_OUT: &str = "parallax-report";

/// The parent of temporary directories: `--tmp-dir`, else the system's.
///
/// # Errors
/// Class `input` where the directory named does not exist.
pub(super) fn tmp_dir(common: &Common) -> Result<PathBuf> {
    let Some(named) = &common.tmp_dir else { return Ok(std::env::temp_dir()) };
    if named.is_dir() {
        Ok(named.clone())
    } else {
        Err(Error::input(format!("--tmp-dir {} is not a directory", named.display())))
    }
}

/// The configuration: the file named, else `parallax.toml` in the working directory, else the defaults.
///
/// # Errors
/// Class `config` for a file that is missing or wrong.
pub fn config(named: Option<&Path>) -> Result<Config> {
    match named {
        Some(path) => Config::load(path),
        None => Ok(Config::discover(Path::new(""))?.unwrap_or_default()),
    }
}

/// The shipped signals with those of the configuration.
///
/// # Errors
/// Class `config` for a definition that is wrong.
pub fn signals(config: &Config) -> Result<Signals> {
    let mut signals = Signals::builtin().map_err(|error| of_corpora(&error))?;
    let origin = config.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    for (name, table) in &config.signals {
        signals.add(name, table.clone(), &origin).map_err(|error| hinted(of_corpora(&error)))?;
    }
    Ok(signals)
}

/// An error about an unknown field or word of a signal, with a suggestion.
fn hinted(error: Error) -> Error {
    let Some(at) = error.message.find(": unknown ") else { return error };
    let (place, said) = error.message.split_at(at + 2);
    Error { message: format!("{place}{}", suggest::in_message(said)), ..error }
}

/// An error of the corpora as one of the harness.
#[must_use]
pub fn of_corpora(error: &corpora::Error) -> Error {
    Error::of_corpora(error)
}

/// Options of every command that judges by a policy.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PolicyArgs {
    /// Rollout phase whose policy is judged by: foundation, logs, traces, metrics, cleanup [default: none].
    #[arg(long, value_name = "P")]
    pub phase: Option<String>,
    /// Policy file, over what the configuration says [default: none].
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// A check that every job must have answered; may be repeated.
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub require: Vec<String>,
    /// A column that is left out of the comparison, with the reason that the report shows; may be repeated.
    #[arg(long, value_name = "COL=REASON")]
    pub ignore_columns: Vec<String>,
    /// Whether `key=value` folders of outputs are columns of their rows [default: auto].
    #[arg(long, value_name = "auto|off", value_enum, hide_possible_values = true)]
    pub partitions: Option<Partitions>,
}

impl PolicyArgs {
    /// The resolved policy.
    ///
    /// # Errors
    /// Class `usage` for a check or a phase that there is not, `config` for a file that is wrong.
    pub fn resolve(&self, config: &Config) -> Result<Policy> {
        let codes = self.require.iter().map(|code| known(code));
        let require = codes.collect::<Result<Vec<_>>>()?;
        let ignore = self.ignore_columns.iter().map(|typed| reasoned(typed)).collect::<Result<Vec<_>>>()?;
        let (phase, file) = (self.phase.as_deref(), self.policy.as_deref());
        let partitions = self.partitions;
        let asked = Asked { phase, file, require: &require, ignore: &ignore, partitions };
        Policy::resolve(config, asked)
    }

    /// The same with the policy file of a bundle, where one was named then.
    ///
    /// # Errors
    /// Class `input` where a policy was named and is not packed: no other file is read in its place.
    pub(super) fn replayed(self, place: &Place<'_>) -> Result<Self> {
        match self.policy {
            Some(named) if !place.contents.policy => Err(Error::input(format!(
                "the command names the policy {}, which is not packed; pack the job again",
                named.display()
            ))),
            _ => {
                let policy = place.contents.policy.then(|| place.home.join(POLICY));
                Ok(Self { policy, ..self })
            }
        }
    }

    /// The options as words of a command line.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut flag = |name: &str, value: String| words.extend([name.to_owned(), value]);
        if let Some(phase) = &self.phase {
            flag("--phase", phase.clone());
        }
        if let Some(file) = &self.policy {
            flag("--policy", file.display().to_string());
        }
        for check in &self.require {
            flag("--require", check.clone());
        }
        for column in &self.ignore_columns {
            flag("--ignore-columns", column.clone());
        }
        if let Some(partitions) = self.partitions {
            flag("--partitions", partitions.to_string());
        }
        words
    }
}

/// A column and why it is ignored. Neither may be empty: a difference is never set aside without a word.
fn reasoned(typed: &str) -> Result<(String, String)> {
    let parts = typed.split_once('=').map(|(column, reason)| (column.trim(), reason.trim()));
    match parts.filter(|(column, reason)| !column.is_empty() && !reason.is_empty()) {
        Some((column, reason)) => Ok((column.to_owned(), reason.to_owned())),
        None => Err(Error::usage(format!(
            "--ignore-columns {typed}: say why as well, as in --ignore-columns 'host=differs by design'"
        ))),
    }
}

/// The code in capitals, where there is such a check.
fn known(code: &str) -> Result<String> {
    let upper = code.to_uppercase();
    let known: Vec<_> = policy::known_checks().collect();
    if known.contains(&upper.as_str()) {
        return Ok(upper);
    }
    let hint = suggest::hint(code, known.iter().copied());
    let known = known.join(", ");
    Err(Error::usage(format!("--require {code}: there is no such check; the checks are {known}{hint}")))
}

/// Options of every command that judges outputs: what it may use.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ResourceArgs {
    /// Worker threads [default: one a processor].
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Bytes of memory for comparing rows, over all jobs; what does not fit spills [default: 536870912].
    #[arg(long, value_name = "BYTES")]
    pub memory_limit: Option<u64>,
}

impl ResourceArgs {
    /// Worker threads: those asked for, else one a processor.
    ///
    /// # Errors
    /// Class `usage` for zero and for more than [`MOST_THREADS`].
    pub fn threads(&self) -> Result<usize> {
        workers(self.threads, "--threads")
    }

    /// The memory that all jobs share.
    ///
    /// # Errors
    /// Class `usage` for less than decoding needs.
    pub fn memory(&self) -> Result<Arc<Memory>> {
        match self.memory_limit {
            Some(bytes) if bytes < LEAST_MEMORY_LIMIT => Err(Error::usage(format!(
                "--memory-limit {bytes}: at least {LEAST_MEMORY_LIMIT} bytes are needed"
            ))),
            Some(bytes) => Ok(Memory::new(bytes).for_process()),
            None => Ok(Memory::default().for_process()),
        }
    }
}

/// Worker threads: those that `option` asks for, else one a processor.
///
/// # Errors
/// Class `usage`, naming the option, for zero and for more than [`MOST_THREADS`].
pub fn workers(asked: Option<usize>, option: &str) -> Result<usize> {
    match asked {
        Some(0) => Err(Error::usage(format!("{option} 0: at least one thread is needed"))),
        Some(count) if count > MOST_THREADS => {
            Err(Error::usage(format!("{option} {count}: at most {MOST_THREADS} threads are started")))
        }
        Some(count) => Ok(count),
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
    }
}

/// Options of commands that repeat a job which others may have packed. What such a command may use is said here: nothing of it is taken
/// from the command of the job.
#[derive(Debug, Clone, clap::Args)]
pub struct RepeatArgs {
    /// Bytes that a bundle may unpack to, that the files of a report's job may have together, and that a packed corpus may take to
    /// generate.
    #[arg(long, value_name = "BYTES", default_value_t = UNPACK_LIMIT)]
    pub unpack_limit: u64,
    /// Let each side that runs do the job N times more, as `run --noise` does.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub noise: usize,
    /// Bytes that an external side may leave, holes counted [default: 68719476736].
    #[arg(long, value_name = "BYTES")]
    pub output_limit: Option<u64>,
    /// Threads and memory.
    #[command(flatten)]
    pub resources: ResourceArgs,
}

impl Default for RepeatArgs {
    fn default() -> Self {
        Self { unpack_limit: UNPACK_LIMIT, noise: 0, output_limit: None, resources: ResourceArgs::default() }
    }
}

/// The command line as typed.
#[must_use]
pub fn command_line() -> Vec<String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_column_needs_a_reason_and_is_told_with_its_origin() {
        let args =
            |typed: &str| PolicyArgs { ignore_columns: vec![typed.to_owned()], ..PolicyArgs::default() };
        let policy = args("a.b=moved = elsewhere").resolve(&Config::default()).unwrap();
        assert_eq!(policy.comparison.ignored["a.b"], "moved = elsewhere");
        assert_eq!(policy.origin("ignore.a.b"), "--ignore-columns");
        for wrong in ["a.b", "a.b=", "=why", "a.b= "] {
            assert!(
                args(wrong).resolve(&Config::default()).unwrap_err().message.contains("say why"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn partitions_are_read_by_default_and_a_repeated_command_says_what_was_typed() {
        let args = |typed| PolicyArgs { partitions: typed, ..PolicyArgs::default() };
        let of = |args: &PolicyArgs| args.resolve(&Config::default()).unwrap();
        assert_eq!(of(&args(None)).comparison.partitions, Partitions::Auto);
        let off = args(Some(Partitions::Off));
        assert_eq!(off.words(), ["--partitions", "off"]);
        let policy = of(&off);
        assert_eq!(policy.comparison.partitions, Partitions::Off);
        assert_eq!(policy.origin("partitions"), "--partitions");
    }

    #[test]
    fn an_unknown_required_check_is_refused_with_those_there_are() {
        let args = PolicyArgs { require: vec!["rows".to_owned(), "row".to_owned()], ..PolicyArgs::default() };
        let error = args.resolve(&Config::default()).unwrap_err();
        assert!(error.message.contains("ROWS, ACCOUNTING"), "{}", error.message);
        assert!(error.message.contains("did you mean `ROWS`?"), "{}", error.message);
    }
}
