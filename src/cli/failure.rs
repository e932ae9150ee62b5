//! What could not be done, told: on stderr, with `--format json` also as a document on stdout.
//!
//! Messages name paths, lines and values, so of a command with `--redact` none is shown: its class, and where the message is.
//! It lies in the raw directory, where one was named; without one it is gone, like everything raw.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use reports::manifest::{ErrorClass, Failure, FailureDocument};

use super::ci::Ci;
use super::redact::{self, RedactArgs};
use super::{Format, options, terminal};
use crate::errno;
use crate::error::{Error, chain, of_panic};
use crate::exit::Exit;
use crate::report_dir;

/// A command line that was not understood. Help and version are no errors.
pub(super) fn refuse(error: &clap::Error) -> Exit {
    let typed: Vec<String> = std::env::args_os().map(lossy).collect();
    if !error.use_stderr() {
        return if error.print().is_ok() { Exit::Pass } else { Exit::CouldNotRun };
    }
    let named = |name: &str, value: &str| {
        typed.contains(&format!("{name}={value}"))
            || typed.windows(2).any(|pair| pair[0] == name && pair[1] == value)
    };
    let format = if named("--format", "json") { Format::Json } else { Format::Text };
    let redacted = typed.iter().any(|word| word == "--redact");
    let first = if redacted {
        let said = unquoted(error);
        terminal::complain(&format!("error: {said}"));
        said
    } else {
        let text = escaped(&error.to_string(), &typed);
        if text == error.to_string() {
            // Without stderr there is no other place for the message.
            drop(error.print());
        } else {
            text.lines().for_each(terminal::complain);
        }
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    };
    let error = Error::usage(first);
    let exit = if format == Format::Json { fail(&error, format) } else { Exit::CouldNotRun };
    let ci = match (named("--ci", "none"), named("--ci", "github")) {
        (true, _) => Ci::None,
        (_, true) => Ci::Github,
        _ => Ci::Auto,
    };
    ci.tell_failure(&error, format);
    exit
}

fn lossy(word: OsString) -> String {
    word.to_string_lossy().into_owned()
}

/// A message of the parser in which words that were typed cannot begin a line of their own.
fn escaped(message: &str, typed: &[String]) -> String {
    let mut text = message.to_owned();
    for word in typed
        .iter()
        .flat_map(|word| std::iter::once(word.as_str()).chain(word.split_once('=').map(|it| it.1)))
    {
        let plain = reports::visible::plain(word);
        if plain != word {
            text = text.replace(word, &plain);
        }
    }
    text
}

/// What is wrong with a command line, with the option that it is about and without what was typed.
fn unquoted(error: &clap::Error) -> String {
    let what = error.kind().as_str().unwrap_or("the command line was not understood");
    // Of other kinds the argument may be what was typed.
    let ours = [ErrorKind::InvalidValue, ErrorKind::ValueValidation, ErrorKind::MissingRequiredArgument];
    let about = match error.get(ContextKind::InvalidArg).filter(|_| ours.contains(&error.kind())) {
        Some(ContextValue::String(name)) => format!(": {name}"),
        Some(ContextValue::Strings(names)) => format!(": {}", names.join(", ")),
        _ => String::new(),
    };
    format!("{what}{about} (what was typed is not quoted, for --redact is among it; see --help)")
}

/// Says what could not be done.
pub(super) fn fail(error: &Error, format: Format) -> Exit {
    let exit = Exit::from(error);
    terminal::complain(&format!("parallax: {}", chain(error)));
    if format == Format::Json && error.class != ErrorClass::Cancelled {
        // There is no one left to tell if stdout fails too.
        drop(terminal::json(&document(error)));
    }
    exit
}

fn document(error: &Error) -> FailureDocument {
    FailureDocument { error: Failure { class: error.class, message: chain(error) } }
}

/// Panics of a built-in writer become findings, but the message is told on stderr first: of a redacted command only where.
pub(super) fn keep_panics_quiet() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        terminal::complain(&format!("parallax: panicked at {place}; the message is withheld (--redact)"));
    }));
}

/// A library that panics because memory is refused is caught, and an error of ours says so: the panic itself need not be shown.
pub(super) fn keep_refused_memory_quiet() {
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !errno::memory_refused(&of_panic(panic.payload())) {
            shown(panic);
        }
    }));
}

/// Where messages of a redacted command go.
pub(super) struct Withheld {
    raw: Option<PathBuf>,
    out: PathBuf,
}

impl Withheld {
    /// `out` is the report directory as typed.
    pub(super) fn of((args, out): (&RedactArgs, Option<&Path>)) -> Self {
        let out = out.unwrap_or_else(|| Path::new(options::DEFAULT_OUT)).to_owned();
        Self { raw: args.raw_out.clone(), out }
    }

    /// What is said in the place of an error.
    pub(super) fn instead_of(&self, error: Error) -> Error {
        if error.plain {
            return error;
        }
        let place = match self.raw.as_deref().map(|raw| self.keep(raw, &error)) {
            None => "--raw-out DIR keeps it in DIR/failure.json, for whoever may see it",
            Some(Ok(())) => "it is in failure.json in the directory that --raw-out names",
            Some(Err(_)) => "it could not be kept in the directory that --raw-out names",
        };
        let (class, meaning) = (error.class, error.class.meaning());
        Error::new(class, format!("{class}: {meaning}; the message is withheld (--redact): {place}"))
    }

    fn keep(&self, raw: &Path, error: &Error) -> crate::error::Result<()> {
        redact::apart(&self.out, raw)?;
        report_dir::write_failure(raw, &document(error))
    }
}
