//! The harness's own error: something could not be done. A difference between two outputs is never an error.

use std::path::{Path, PathBuf};

use reports::manifest::ErrorClass;

use crate::errno;

/// Why the harness could not do its work.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Class of the failure; decides how it is reported.
    pub class: ErrorClass,
    /// A lower-case fragment that names file, row group, column and row where known, and the way out.
    pub message: String,
    /// True where the message names nothing but options and words of ours, so that it is shown of a redacted command as well.
    pub plain: bool,
    /// What lay underneath.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of the harness.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of the given class.
    #[must_use]
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), plain: false, source: None }
    }

    /// The command line was not understood.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Usage, message)
    }

    /// A configuration file, signal, corpus or job list is wrong.
    #[must_use]
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Config, message)
    }

    /// An input is missing, unreadable or not what it claims to be.
    #[must_use]
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Input, message)
    }

    /// A defect of Parallax itself.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Internal, message)
    }

    /// The work was interrupted.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(ErrorClass::Cancelled, "interrupted").plain()
    }

    /// Reading or writing `path` failed.
    #[must_use]
    pub fn io(what: &str, path: &Path, source: std::io::Error) -> Self {
        let missing = source.kind() == std::io::ErrorKind::NotFound;
        let class =
            if missing || corpora::regular::is_refusal(&source) { ErrorClass::Input } else { ErrorClass::Io };
        Self {
            class,
            message: format!("{what} {}: {source}", path.display()),
            plain: false,
            source: Some(Box::new(source)),
        }
    }

    /// The same error, whose message quotes neither data nor paths.
    #[must_use]
    pub fn plain(self) -> Self {
        Self { plain: true, ..self }
    }

    /// The same error with the underlying one attached.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// An error of the corpora: signals, specifications, segments.
    #[must_use]
    pub fn of_corpora(error: &corpora::Error) -> Self {
        let class = match error.kind() {
            corpora::ErrorKind::Config => ErrorClass::Config,
            corpora::ErrorKind::Io => ErrorClass::Io,
            _ => ErrorClass::Input,
        };
        Self::new(class, chain(error))
    }

    /// A file that is no readable Parquet file, or that the machine does not give back: class `io` where `source` rests on an error of
    /// the machine (see [`errno`]), else class `input`.
    #[must_use]
    pub fn unreadable(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::unreadable_at(path, "", source)
    }

    /// As [`Error::unreadable`], at a place within the file: `row group 3: `.
    #[must_use]
    pub fn unreadable_at(
        path: &Path,
        place: &str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let source = source.into();
        let path = path.display();
        let error = if errno::in_chain(source.as_ref()) {
            Self::new(ErrorClass::Io, format!("cannot read {path}: {place}{source}"))
        } else {
            Self::input(format!("{path} is not a readable Parquet file: {place}{source}"))
        };
        error.with_source(source)
    }

    /// No thread could be started.
    #[must_use]
    pub fn no_thread(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        let way_out =
            "allow more processes and memory (`ulimit -u`, `ulimit -v`), or ask for fewer `--threads`";
        Self::new(ErrorClass::Io, format!("cannot start a thread: {source}; {way_out}")).with_source(source)
    }

    /// A library panicked because memory was refused; `said` is what it said.
    #[must_use]
    pub fn out_of_memory(said: &str) -> Self {
        let way_out =
            "give the process more memory, or run it with a lower --memory-limit or fewer --threads";
        Self::new(ErrorClass::Io, format!("out of memory: {said}; {way_out}"))
    }

    /// A temporary directory could not be removed.
    #[must_use]
    pub fn not_removed(source: std::io::Error) -> Self {
        Self::new(ErrorClass::Io, format!("cannot remove a temporary directory: {source}"))
            .with_source(source)
    }

    /// True where the refusal of a permission lies underneath.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.source.as_deref().is_some_and(|source| errno::denied(source))
    }
}

/// Path as text for messages and documents, `/` between parts.
#[must_use]
pub fn display(path: &Path) -> String {
    path.components().collect::<PathBuf>().display().to_string()
}

/// The message of an error with everything underneath, joined by `: `, parts already said left out.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let part = inner.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        source = inner.source();
    }
    text
}

/// What a caught panic said.
#[must_use]
pub fn of_panic(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|it| (*it).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
