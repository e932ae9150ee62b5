//! The one error of this crate: what kind of thing was wrong, and a message that names the file and the way out.

use std::path::Path;

/// Why a signal, a corpus or a segment could not be had.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of thing was wrong; the harness maps it to its own classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A segment is missing, unreadable, or not what it claims to be.
    Input,
    /// A signal, a corpus specification, a `job.toml` or a parameter is wrong.
    Config,
    /// Reading or writing failed underneath: disk full, permission, short write.
    Io,
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What kind of thing was wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Input, message: message.into(), source: None }
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Config, message: message.into(), source: None }
    }

    /// `what` is a verb in the infinitive's place, for example `read`.
    pub(crate) fn io(what: &str, path: &Path, source: std::io::Error) -> Self {
        let kind = match source.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::Input,
            _ if crate::regular::is_refusal(&source) => ErrorKind::Input,
            _ => ErrorKind::Io,
        };
        Self {
            kind,
            message: format!("cannot {what} {}: {source}", path.display()),
            source: Some(Box::new(source)),
        }
    }

    /// A Parquet writer failed on `path`.
    pub(crate) fn write(path: &Path, source: parquet::errors::ParquetError) -> Self {
        Self {
            kind: ErrorKind::Io,
            message: format!("cannot write {}: {source}", path.display()),
            source: Some(Box::new(source)),
        }
    }

    /// A Parquet reader failed on `path`.
    pub(crate) fn unreadable(
        path: &Path,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let source = source.into();
        if of_the_system(source.as_ref()) {
            let message = format!("cannot read {}: {source}", path.display());
            return Self { kind: ErrorKind::Io, message, source: Some(source) };
        }
        Self {
            kind: ErrorKind::Input,
            message: format!("{} is not a readable Parquet file: {source}", path.display()),
            source: Some(source),
        }
    }

    /// A TOML text did not parse; names the origin, the line where known, and the offending key.
    pub(crate) fn toml(origin: &str, text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().map(|span| {
            let upto = text.get(..span.start).unwrap_or(text);
            upto.bytes().filter(|byte| *byte == b'\n').count() + 1
        });
        let message = error.message().trim();
        match line {
            Some(line) => Self::config(format!("{origin}, line {line}: {message}")),
            None => Self::config(format!("{origin}: {message}")),
        }
    }
}

/// True where the system refused to read, and not the bytes are at fault.
fn of_the_system(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind as Kind;
    // These speak of the file that was named.
    let of_the_file = [Kind::InvalidInput, Kind::IsADirectory, Kind::NotADirectory, Kind::NotSeekable];
    let mut cause = Some(error);
    while let Some(one) = cause {
        if let Some(io) = one.downcast_ref::<std::io::Error>()
            && io.raw_os_error().is_some()
            && !of_the_file.contains(&io.kind())
        {
            return true;
        }
        cause = one.source();
    }
    false
}
