//! Why the writer could not do its work. Messages are lower-case fragments that name the place and the way out.

use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

/// Result of the unified writer.
pub type Result<T> = std::result::Result<T, Error>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Class of a failure, for callers that act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An input is missing, unreadable or not what it claims to be.
    Input,
    /// One column has two types, or a type that cannot be stored.
    SchemaConflict,
    /// Rows that must be sorted or grouped are not.
    Unsorted,
    /// Reading or writing failed underneath: disk full, permission, short write.
    Io,
    /// The work was interrupted on request.
    Cancelled,
    /// A setting is wrong, or the writer was used after its end.
    Config,
    /// A defect of this crate.
    Internal,
}

/// Why the writer could not do its work. Whatever the variant, nothing is left on disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input cannot be used.
    #[error("{place}: {message}")]
    Input {
        /// File, row group and row, as far as known.
        place: String,
        /// What is wrong with it.
        message: String,
        /// What lay underneath.
        source: Option<Source>,
    },
    /// One column came with two types.
    #[error(
        "column `{column}` has type {first} in {first_place} but type {second} in {second_place}; \
         write the two in separate jobs or convert one of them"
    )]
    TypeConflict {
        /// Name of the column.
        column: String,
        /// Type under which it was seen first.
        first: String,
        /// Where that was.
        first_place: String,
        /// The other type.
        second: String,
        /// Where that was.
        second_place: String,
    },
    /// A column has a type that cannot be stored or used as it should be.
    #[error("column `{column}` of type {data_type} in {place}: {reason}")]
    UnsupportedType {
        /// Name of the column.
        column: String,
        /// Its type.
        data_type: String,
        /// Where it was seen.
        place: String,
        /// Why the type does not do.
        reason: String,
    },
    /// Rows that were presumed sorted are not.
    #[error(
        "{place}: sort key {key} in column `{column}` follows {previous}, yet the input was presumed sorted; \
         sort it first or choose a sorting strategy"
    )]
    Unsorted {
        /// File and row, or batch and row.
        place: String,
        /// The sort column.
        column: String,
        /// Key of the offending row.
        key: String,
        /// Key of the row before it.
        previous: String,
    },
    /// A group came back after another group had begun.
    #[error(
        "group of column `{column}` comes back at output row {row} after it was closed; \
         sort the rows by the group key first"
    )]
    GroupReturned {
        /// The group column.
        column: String,
        /// Row in output order over the whole job, from 0.
        row: u64,
    },
    /// A row is larger than its part of the memory limit.
    #[error(
        "{place}: the row has {bytes} bytes, most of them in column `{column}`, and the memory limit is {limit}; \
         raise the memory limit (--memory-limit) to at least {enough} or leave the value out"
    )]
    TooLarge {
        /// File and row, or batch and row.
        place: String,
        /// The column with the largest value.
        column: String,
        /// Bytes of the row's values.
        bytes: u64,
        /// The memory limit.
        limit: u64,
        /// The memory limit that is enough for the row.
        enough: u64,
    },
    /// Reading or writing failed underneath.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// The failure.
        source: std::io::Error,
    },
    /// The work was interrupted on request.
    #[error("interrupted on request")]
    Cancelled,
    /// A setting is wrong.
    #[error("{0}")]
    Config(String),
    /// The writer was used after `finish`, `abort` or an error.
    #[error("the writer is already closed: {0}")]
    Closed(&'static str),
    /// A defect of this crate or of a library below it.
    #[error("internal defect while {doing}: {source}")]
    Internal {
        /// What was going on.
        doing: &'static str,
        /// The failure.
        source: Source,
    },
}

/// True where the system refused to read: the disk, descriptors, memory. Other errors speak of the file that was named.
pub(crate) fn of_system(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    let of_the_file = [Kind::InvalidInput, Kind::IsADirectory, Kind::NotADirectory, Kind::NotSeekable];
    error.raw_os_error().is_some() && !of_the_file.contains(&error.kind())
}

impl Error {
    /// Class of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Input { .. } => ErrorKind::Input,
            Self::TypeConflict { .. } | Self::UnsupportedType { .. } => ErrorKind::SchemaConflict,
            Self::Unsorted { .. } | Self::GroupReturned { .. } => ErrorKind::Unsorted,
            Self::Io { .. } => ErrorKind::Io,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Config(_) | Self::Closed(_) | Self::TooLarge { .. } => ErrorKind::Config,
            Self::Internal { .. } => ErrorKind::Internal,
        }
    }

    pub(crate) fn input(place: impl ToString, message: impl Into<String>) -> Self {
        Self::Input { place: place.to_string(), message: message.into(), source: None }
    }

    pub(crate) fn input_from(place: impl ToString, source: impl Into<Source>) -> Self {
        let source = source.into();
        Self::Input { place: place.to_string(), message: source.to_string(), source: Some(source) }
    }

    /// A row without the key that it needs.
    pub(crate) fn missing_key(place: impl ToString, column: &str) -> Self {
        let message = format!(
            "no value in column `{column}`, which places the row; fill it in or leave the row out of the input"
        );
        Self::input(place, message)
    }

    /// An input that could not be read: what the system refused is I/O, all else is the input's.
    pub(crate) fn unreadable(path: &Path, source: ParquetError) -> Self {
        match source {
            ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
                Ok(io) if of_system(&io) => Self::io("reading", path, *io),
                Ok(io) => Self::input(path.display(), format!("not a readable Parquet file: {io}")),
                Err(inner) => Self::input(path.display(), format!("not a readable Parquet file: {inner}")),
            },
            other => Self::input(path.display(), format!("not a readable Parquet file: {other}")),
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_path_buf(), source }
    }

    pub(crate) fn internal(doing: &'static str, source: impl Into<Source>) -> Self {
        Self::Internal { doing, source: source.into() }
    }

    /// A failure of the Parquet encoder: I/O underneath it keeps its class.
    pub(crate) fn encode(action: &'static str, path: &Path, source: ParquetError) -> Self {
        match source {
            ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
                Ok(io) => Self::io(action, path, *io),
                Err(inner) => Self::internal(action, inner),
            },
            other => Self::internal(action, other),
        }
    }

    /// A failure of a spill file: I/O underneath it keeps its class.
    pub(crate) fn spill(action: &'static str, path: &Path, source: ArrowError) -> Self {
        match source {
            ArrowError::IoError(_, io) => Self::io(action, path, io),
            other => Self::internal(action, other),
        }
    }
}
