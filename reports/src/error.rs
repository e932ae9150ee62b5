//! What can go wrong while a report is written or read.

use std::path::PathBuf;

/// Why a report could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading or writing failed underneath.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done: `create`, `write`, `read`, `rename`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not JSON, or JSON of another shape than the document's.
    #[error("read {}, line {line}, column {column}: {message}; name a report.json that a run left", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault in bytes, from 1; 0 at the end of a line.
        column: usize,
        /// What was seen there.
        message: String,
    },
    /// The file is JSON, but states no schema version.
    #[error("read {}: no schema_version in it, so it is no report; name a report.json that a run left", path.display())]
    NotAReport {
        /// The file.
        path: PathBuf,
    },
    /// The document follows a schema that this program does not know.
    #[error(
        "read {}: schema version {found}, but this program reads version {known}; \
         render it with the version that wrote it{writer}",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it states.
        found: String,
        /// The version that this program knows.
        known: u32,
        /// Name and version of the program that wrote it in brackets, led by a space; empty where unknown.
        writer: String,
    },
    /// The document could not be put into a format.
    #[error("format {format}: {message}")]
    Format {
        /// Name of the format: `report.json`, `findings.csv`.
        format: &'static str,
        /// What failed.
        message: String,
    },
}

/// Result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
