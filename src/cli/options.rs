//! What was resolved from what was typed: flag over environment over file over default. The environment plays a part only
//! where the system's own conventions ask for it (`TMPDIR`, `NO_COLOR`, `COLUMNS`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use corpora::Signals;
use reports::manifest::ErrorClass;

use super::Common;
use crate::check;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::policy::Policy;

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
        signals.add(name, table.clone(), &origin).map_err(|error| of_corpora(&error))?;
    }
    Ok(signals)
}

/// An error of the corpora as one of the harness.
#[must_use]
pub fn of_corpora(error: &corpora::Error) -> Error {
    Error::of_corpora(error)
}

/// The policy: the configuration's part, and the checks that `--require` names.
///
/// # Errors
/// Class `usage` for a check that there is not.
pub fn policy(config: &Config, require: &[String]) -> Result<Policy> {
    let mut required = BTreeSet::new();
    for code in require.iter().map(|code| code.to_uppercase()) {
        if !check::CODES.contains(&code.as_str()) {
            let known = check::CODES.join(", ");
            return Err(Error::usage(format!(
                "--require {code}: there is no such check; the checks are {known}"
            )));
        }
        required.insert(code);
    }
    Ok(Policy {
        required,
        comparison: config.comparison.clone(),
        size_bounds: config.size_bounds.clone(),
        waivers: config.waivers.clone(),
        ..Policy::default()
    })
}

/// Worker threads: those asked for, else one a processor.
///
/// # Errors
/// Class `usage` for zero.
pub fn threads(asked: Option<usize>) -> Result<usize> {
    match asked {
        Some(0) => Err(Error::new(ErrorClass::Usage, "--threads 0: at least one thread is needed")),
        Some(count) => Ok(count),
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
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
    fn an_unknown_required_check_is_refused_with_those_there_are() {
        let error = policy(&Config::default(), &["rows".to_owned(), "row".to_owned()]).unwrap_err();
        assert!(error.message.contains("ROWS, ACCOUNTING"), "{}", error.message);
    }
}
