//! Writing to stdout and stderr. A reader that went away is not an error worth a second message.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use reports::visible::plain;
use serde::Serialize;

use crate::error::{Error, Result};

/// Writes text to stdout.
///
/// # Errors
/// Class `io` where stdout cannot be written, unless its reader went away.
pub fn text(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    settle(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes one JSON document and a line end to stdout.
///
/// # Errors
/// As [`text`].
pub fn json(document: &impl Serialize) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(document)
        .map_err(|error| Error::internal(format!("cannot write the document: {error}")))?;
    bytes.push(b'\n');
    let mut out = io::stdout().lock();
    settle(out.write_all(&bytes).and_then(|()| out.flush()))
}

/// Writes one JSON document and a line end to stdout as it is made, for documents that are not held in memory. Where it
/// cannot be made to its end, what was made is on stdout by then.
///
/// # Errors
/// As [`text`]; also where a part of the document cannot be made.
pub fn json_as_it_comes(document: &impl Serialize) -> Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match serde_json::to_writer_pretty(&mut out, document) {
        Ok(()) => settle(out.write_all(b"\n").and_then(|()| out.flush())),
        Err(error) if error.is_io() => settle(Err(error.into())),
        Err(error) => Err(Error::internal(format!("cannot write the document: {error}"))),
    }
}

fn settle(written: io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(reports::manifest::ErrorClass::Io, format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes one line to stderr. What it quotes cannot end the line, begin another (a CI system takes lines that begin with `::` for
/// commands) or drive the terminal: hidden characters are escaped.
pub fn complain(line: &str) {
    // Without stderr there is no other place for the message.
    drop(writeln!(io::stderr().lock(), "{}", plain(line)));
}

/// A path for a line on stdout, hidden characters escaped.
#[must_use]
pub fn path(path: &Path) -> String {
    plain(&path.display().to_string())
}

/// True where stdout may be coloured: a terminal, and no `NO_COLOR`.
#[must_use]
pub fn colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Columns that a result may take: those that `COLUMNS` names, else those of the terminal on stdout, else 100.
#[must_use]
pub fn width() -> usize {
    let named = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let own = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    named.or_else(own).filter(|columns| *columns > 0).unwrap_or(100)
}
