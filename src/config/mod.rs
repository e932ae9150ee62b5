//! The configuration file, `parallax.toml`: declared sides, the user's signals, and the policy (how values are compared, bounds
//! on file sizes, waivers, and all that `[policy]` holds).
//!
//! The file is found in the working directory or named by `--config`. It is read strictly: an unknown key, a value of the
//! wrong type or a value that makes no sense is an error of class `config` that names file, line and key. Signals are
//! passed on as they are; the signal registry reads them. What was typed lives in `typed.rs`, what was resolved here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use self::value::{Fault, Lines, position};
use crate::error::{Error, Result};
use crate::isolate::Isolate;
use crate::policy::file::PolicyFile;
use crate::suggest;

mod duration;
mod environment;
mod packed;
#[cfg(test)]
mod tests;
mod typed;
pub(crate) mod value;

pub use duration::{format_age, format_duration, parse_age, parse_duration};
pub use environment::Environment;
pub use packed::packed;

/// Name of the configuration file that is looked for in the working directory.
pub const FILE_NAME: &str = "parallax.toml";

/// How long an external side may take where its declaration says nothing.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// A configuration file, read and checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// The file, as it was named; absent for the built-in defaults.
    pub path: Option<PathBuf>,
    /// The folder of the file: relative paths in it count from there. Empty means the working directory.
    pub folder: PathBuf,
    /// External sides by name, for `cmd:NAME`.
    pub sides: BTreeMap<String, SideConfig>,
    /// Signals by name, uninterpreted.
    pub signals: BTreeMap<String, toml::Table>,
    /// What it says of the policy.
    pub policy: PolicyFile,
    /// Bytes that an external side may leave, from the command line; absent for the default.
    pub output_limit: Option<u64>,
    /// Whether external sides get copies of the inputs, from the command line.
    pub isolate: Isolate,
}

/// A declared external program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideConfig {
    /// Program and arguments with placeholders, see [`crate::side::template`].
    pub command: Vec<String>,
    /// Environment variables that are added to the inherited ones.
    pub env: Environment,
    /// How long it may take; [`DEFAULT_TIMEOUT`] where nothing is said.
    pub timeout: Duration,
    /// Patterns of files that it depends on, relative to the folder of the configuration: part of what it is.
    pub depends: Vec<String>,
    /// Inherited environment variables that shape what it does: their values are part of what it is.
    pub env_names: Vec<String>,
}

impl Config {
    /// Reads the configuration file `path`.
    ///
    /// # Errors
    /// Class `config` with file, line and key for anything that is not understood, also where the file is not there.
    pub fn load(path: &Path) -> Result<Self> {
        let text = corpora::regular::read_to_string(path).map_err(|source| {
            Error::config(format!("cannot read the configuration {}: {source}", path.display()))
                .with_source(source)
        })?;
        let mut config = Self::parse(&text, path)?;
        config.folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        config.path = Some(path.to_path_buf());
        Ok(config)
    }

    /// Reads `parallax.toml` in `folder`, where there is one.
    ///
    /// # Errors
    /// As for [`Config::load`].
    pub fn discover(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE_NAME);
        // Anything of that name is read, and an unreadable one is an error: a policy must not be lost in silence.
        if fs::symlink_metadata(&path).is_ok() { Self::load(&path).map(Some) } else { Ok(None) }
    }

    /// The external side of that name.
    ///
    /// # Errors
    /// Class `config` where it is not declared; the message lists those that are.
    pub fn side(&self, name: &str) -> Result<&SideConfig> {
        self.sides.get(name).ok_or_else(|| {
            let file =
                self.path.as_ref().map_or_else(|| FILE_NAME.to_owned(), |path| path.display().to_string());
            let known: Vec<_> = self.sides.keys().map(String::as_str).collect();
            let known = if known.is_empty() {
                "none is".to_owned()
            } else {
                format!("declared: {}", known.join(", "))
            };
            Error::config(format!("side cmd:{name} is not declared as [side.{name}] in {file} ({known})"))
        })
    }

    /// Reads the text of a configuration file; `name` stands in messages only.
    ///
    /// # Errors
    /// As for [`Config::load`].
    pub fn parse(text: &str, name: &Path) -> Result<Self> {
        strictly(text, name, |typed: typed::File| {
            let lines = Lines::of(text);
            typed.resolve(&|at| format!("{}:{}", name.display(), lines.line(at)))
        })
    }
}

/// Reads a text strictly; whatever is wrong is told with file, line, column and, where a name is near, a suggestion.
///
/// # Errors
/// Class `config`.
pub(crate) fn strictly<T: DeserializeOwned, R>(
    text: &str,
    name: &Path,
    resolve: impl FnOnce(T) -> std::result::Result<R, Fault>,
) -> Result<R> {
    let typed: T = toml::from_str(text).map_err(|error| {
        let at = error.span().map(|span| position(text, span.start));
        let at = at.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
        // The parser's message may run over lines; a message of ours does not.
        let said: Vec<_> = error.message().lines().map(str::trim).collect();
        Error::config(format!("{}{at}: {}", name.display(), suggest::in_message(&said.join("; "))))
    })?;
    resolve(typed).map_err(|fault| {
        let (line, column) = position(text, fault.at);
        Error::config(format!("{}:{line}:{column}: {}", name.display(), fault.message))
    })
}
