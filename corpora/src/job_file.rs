//! `job.toml` beside the segments: what the job is, where a directory of segments does not say it.
//!
//! ```toml
//! id = "2025-08-25-org-1"      # all fields are optional
//! signal = "logs"
//! kind = "compact"             # or "ingest"
//! [parameters]
//! rows_per_file = 5000
//! ```

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::load::home;
use crate::parameters::Parameters;
use crate::spec::JobKind;

/// A parsed `job.toml`; an absent field says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFile {
    /// Name of the job.
    pub id: Option<String>,
    /// Name of the signal.
    pub signal: Option<String>,
    /// Entry point of production.
    pub kind: Option<JobKind>,
    /// Parameters of the job.
    #[serde(default)]
    pub parameters: Parameters,
    /// Where it was read from.
    #[serde(skip)]
    pub path: PathBuf,
}

impl JobFile {
    /// Name of the file.
    pub const NAME: &str = "job.toml";

    /// Reads the `job.toml` that belongs to what [`crate::load`] was given: inside a directory, beside a file, in the
    /// directory before the first wildcard of a pattern. `None` where there is none.
    ///
    /// # Errors
    /// As [`JobFile::read`].
    pub fn beside(spec: &str) -> Result<Option<Self>> {
        let path = home(spec).join(Self::NAME);
        if path.exists() { Self::read(&path).map(Some) } else { Ok(None) }
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// An unreadable file, text that is not TOML, an unknown key, a value of the wrong type: naming file and key.
    pub fn read(path: &Path) -> Result<Self> {
        let text = crate::regular::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
        let origin = path.display().to_string();
        let mut file: Self = toml::from_str(&text).map_err(|error| Error::toml(&origin, &text, &error))?;
        file.parameters.check(&origin)?;
        file.path = path.to_owned();
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn beside(text: &str) -> Result<Option<JobFile>> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("job.toml"), text).unwrap();
        JobFile::beside(dir.path().to_str().unwrap())
    }

    #[test]
    fn a_job_file_is_found_beside_a_file_in_a_directory_and_before_a_pattern() {
        let dir = tempfile::tempdir().unwrap();
        let text = "id = \"j\"\nsignal = \"logs\"\nkind = \"ingest\"\n[parameters]\nrows_per_file = -1\n";
        std::fs::write(dir.path().join("job.toml"), text).unwrap();
        let segment = dir.path().join("a.parquet");
        std::fs::write(&segment, "").unwrap();
        let root = dir.path().to_str().unwrap();
        for spec in [root.to_owned(), segment.to_str().unwrap().to_owned(), format!("{root}/**/*.parquet")] {
            let file = JobFile::beside(&spec).unwrap().unwrap();
            assert_eq!((file.id.as_deref(), file.signal.as_deref()), (Some("j"), Some("logs")));
            assert_eq!(file.kind, Some(JobKind::Ingest));
            assert_eq!(file.parameters.rows_per_file, Some(-1));
        }
    }

    #[test]
    fn no_job_file_is_no_error_and_an_empty_one_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(JobFile::beside(dir.path().to_str().unwrap()).unwrap(), None);
        assert_eq!(beside("").unwrap().unwrap().parameters, Parameters::default());
    }

    #[test]
    fn unknown_keys_and_wrong_values_name_file_line_and_key() {
        let cases = [
            ("sgnal = \"logs\"", "line 1: unknown field `sgnal`"),
            ("[parameters]\nrows = 1", "line 2: unknown field `rows`"),
            ("kind = \"merge\"", "unknown variant `merge`"),
            ("[parameters]\ntarget_size = -1", "line 2"),
            ("[parameters]\ntarget_size = 0", "target_size"),
            ("id = ", "line 1"),
        ];
        for (text, expected) in cases {
            let error = beside(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let message = error.to_string();
            assert!(message.contains("job.toml") && message.contains(expected), "{text}: {message}");
        }
    }
}
