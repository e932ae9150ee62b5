//! What can go wrong in a legacy writer. The texts that begin with `buffet:` are those of the original.

use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

use crate::schema::ColumnType;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Classes of failure, coarse enough to be compared with another writer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Parameters that make no sense.
    Config,
    /// An input is missing, may not be read, or is not what it claims to be.
    Input,
    /// The same column with two types, a column that the schema lacks, a value that does not fit its column.
    SchemaConflict,
    /// A temporary or output file could not be written or read back, or the disk does not give an input back.
    Io,
    /// The work was interrupted on request.
    Cancelled,
    /// Misuse of the writer, or a defect of this crate.
    Internal,
}

/// Why a writer or a job failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input segment could not be opened or is no Parquet file.
    #[error("open segment {}: {source}; check the path and that it is a complete Parquet file", path.display())]
    Segment {
        /// The segment.
        path: PathBuf,
        /// What lay underneath.
        source: ParquetError,
    },
    /// Rows of an input segment could not be decoded.
    #[error("read {} row group {row_group}{}: {source}", path.display(), in_column(column.as_deref()))]
    Decode {
        /// The segment.
        path: PathBuf,
        /// Row group, counted from 0.
        row_group: usize,
        /// The column, where known.
        column: Option<String>,
        /// What lay underneath.
        source: ParquetError,
    },
    /// A column type that the original's reader refuses.
    #[error("unsupported type: {physical}, logical {logical} (column {column:?} of {}); leave the column out", path.display())]
    UnsupportedType {
        /// The segment.
        path: PathBuf,
        /// The column.
        column: String,
        /// Physical type in Parquet's spelling.
        physical: String,
        /// Logical type in Parquet's spelling; empty where there is none.
        logical: String,
    },
    /// A list, map or struct. The original collapsed it into its leaves; this port refuses it.
    #[error("nested column {column:?} of {}: rows are flat here; flatten it or leave it out", path.display())]
    NestedColumn {
        /// The segment.
        path: PathBuf,
        /// The top-level column.
        column: String,
    },
    /// Two columns of one segment have the same name.
    #[error("column {column:?} occurs twice in {}: a row holds one value a name; rename one", path.display())]
    DuplicateColumn {
        /// The segment.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// Two input schemas give one column different types.
    #[error("schema mismatch: {column}, currentType {current}, newType {merged}: {}", path.display())]
    SchemaMismatch {
        /// The column.
        column: String,
        /// Its type in `path`.
        current: ColumnType,
        /// Its type in the segments before.
        merged: ColumnType,
        /// The segment that brought the conflict up.
        path: PathBuf,
    },
    /// Two values give one column different types.
    #[error("type mismatch for field \"{column}\": existing={existing}, new={new}{}", in_file(path.as_deref()))]
    TypeMismatch {
        /// The column.
        column: String,
        /// Type of the values before.
        existing: ColumnType,
        /// Type of the value that conflicts.
        new: ColumnType,
        /// The segment that brought the conflict up, where known.
        path: Option<PathBuf>,
    },
    /// A schema names a column `""`.
    #[error("buffet: schema node name cannot be empty")]
    EmptyColumnName,
    /// A row has a key that the schema lacks, whatever its value. The writer stays usable.
    #[error("buffet: write row with column \"{column}\" not in the schema node list")]
    UnknownColumn {
        /// The key.
        column: String,
    },
    /// Write or close after close or abort.
    #[error("buffet: writer already closed")]
    AlreadyClosed,
    /// Rows were written, none of which had a value.
    #[error("buffet: write row: cannot write map[string]interface {{}}: schema has no columns")]
    NoColumns,
    /// A value does not fit its column's type. Noticed at close; the original panics there. The partial file stays (defect E).
    #[error(
        "buffet: write row {row} of {}: a {value} value does not fit column {column:?} of type {expected}; \
         the partial file is left behind",
        path.display()
    )]
    ValueMismatch {
        /// The partial file.
        path: PathBuf,
        /// Row within that file, counted from 0.
        row: u64,
        /// The column.
        column: String,
        /// The column's type.
        expected: ColumnType,
        /// Kind of the value.
        value: &'static str,
    },
    /// A spill file could not be made.
    #[error("buffet: create temp spill file: {}: {source}", dir.display())]
    CreateSpill {
        /// The scratch directory.
        dir: PathBuf,
        /// What lay underneath.
        source: std::io::Error,
    },
    /// A temporary or output file could not be made, written, read back or kept.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What lay underneath.
        source: std::io::Error,
    },
    /// A row could not be encoded for the spill file or decoded from it.
    #[error("{action} a spilled row in {}: {source}", path.display())]
    Spill {
        /// What was being done.
        action: &'static str,
        /// The spill file.
        path: PathBuf,
        /// What lay underneath.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The Parquet encoder failed.
    #[error("buffet: write {}: {source}", path.display())]
    Encode {
        /// The output file.
        path: PathBuf,
        /// What lay underneath.
        source: ParquetError,
    },
    /// A merge without inputs.
    #[error("invalid merge config: no files to merge in TIDMerger")]
    NoFiles,
    /// A merge of a file without a name.
    #[error("invalid merge config: empty file name in TIDMerger")]
    EmptyFileName,
    /// The time range of a merge is no multiple of its interval.
    #[error("startTS {start} and endTS {end} must be aligned with interval {interval}")]
    Unaligned {
        /// Start in milliseconds.
        start: i64,
        /// End in milliseconds.
        end: i64,
        /// Interval in milliseconds.
        interval: i64,
    },
    /// An interval of 0. The original panics there.
    #[error("invalid merge config: the interval is 0; give it in milliseconds, for example 10000")]
    ZeroInterval,
    /// A row without a TID.
    #[error("file {}: row does not contain a valid int64 {column}: row {row}; leave the row out or give it a TID", path.display())]
    NoTid {
        /// The segment.
        path: PathBuf,
        /// Name of the TID column.
        column: &'static str,
        /// Row within the segment, counted from 0.
        row: u64,
    },
    /// The inputs' schemas, or those and the writer's own columns, do not fit together.
    #[error("failed to add {what} {source}")]
    MergeSchema {
        /// What was being added: the original's words.
        what: String,
        /// The conflict.
        source: Box<Error>,
    },
    /// The work was interrupted on request; nothing of it is left.
    #[error("interrupted")]
    Cancelled,
}

impl Error {
    /// Class of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Segment { source, .. } | Self::Decode { source, .. } => io_or_input(source),
            Self::UnsupportedType { .. }
            | Self::NestedColumn { .. }
            | Self::DuplicateColumn { .. }
            | Self::EmptyColumnName
            | Self::NoColumns
            | Self::NoTid { .. } => ErrorKind::Input,
            Self::NoFiles | Self::EmptyFileName | Self::Unaligned { .. } | Self::ZeroInterval => {
                ErrorKind::Config
            }
            Self::MergeSchema { source, .. } => source.kind(),
            Self::SchemaMismatch { .. }
            | Self::TypeMismatch { .. }
            | Self::UnknownColumn { .. }
            | Self::ValueMismatch { .. } => ErrorKind::SchemaConflict,
            Self::CreateSpill { .. } | Self::Io { .. } => ErrorKind::Io,
            Self::Spill { source, .. } => io_or_internal(source.as_ref()),
            Self::Encode { source, .. } => io_or_internal(source),
            Self::Cancelled => ErrorKind::Cancelled,
            Self::AlreadyClosed => ErrorKind::Internal,
        }
    }

    /// An I/O failure of `action` on `path`.
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}

/// An input cannot be read because the disk fails, descriptors or memory run out, or because of what it is.
fn io_or_input(error: &(dyn std::error::Error + 'static)) -> ErrorKind {
    use std::io::ErrorKind as Kind;
    // These speak of the file that was named.
    let of_the_file = [
        Kind::NotFound,
        Kind::PermissionDenied,
        Kind::IsADirectory,
        Kind::NotADirectory,
        Kind::InvalidInput,
        Kind::InvalidFilename,
        Kind::NotSeekable,
    ];
    let mut cause = Some(error);
    while let Some(one) = cause {
        if let Some(io) = one.downcast_ref::<std::io::Error>()
            && io.raw_os_error().is_some()
            && !of_the_file.contains(&io.kind())
        {
            return ErrorKind::Io;
        }
        cause = one.source();
    }
    ErrorKind::Input
}

/// An encoder fails because the disk does, or because it is wrong.
fn io_or_internal(error: &(dyn std::error::Error + 'static)) -> ErrorKind {
    let mut cause = Some(error);
    while let Some(one) = cause {
        if one.is::<std::io::Error>() {
            return ErrorKind::Io;
        }
        cause = one.source();
    }
    ErrorKind::Internal
}

fn in_column(column: Option<&str>) -> String {
    column.map(|name| format!(" column {name:?}")).unwrap_or_default()
}

fn in_file(path: Option<&Path>) -> String {
    path.map(|path| format!(": {}", path.display())).unwrap_or_default()
}
