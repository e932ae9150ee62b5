//! `parallax write buffet` and `write fingerprint`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use legacy::{BuffetJob, Columns, FingerprintJob, SchemaSource};
use reports::manifest::Manifest;

use crate::cancel::Cancel;
use crate::error::{Error, Result, chain};
use crate::side::{builtin, legacy as legacy_side};

/// Arguments of `write buffet`.
#[derive(Debug, Args)]
pub struct Buffet {
    /// Input segments, in order.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    input: Vec<PathBuf>,
    /// Directory to write to; made where it does not exist, empty where it does.
    #[arg(long, value_name = "DIR")]
    pub(super) output: PathBuf,
    /// Rows per file; 0 or negative: no limit.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    rows_per_file: i64,
    /// Rows that belong together whatever the rows per file.
    #[arg(long, value_enum)]
    group_by: Option<GroupBy>,
    /// Where the columns' types come from.
    #[arg(long, value_enum, default_value_t = SchemaFrom::Input)]
    schema: SchemaFrom,
}

/// Group function of the buffet writer.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum GroupBy {
    /// Neighbouring rows with one `_cardinalhq.tid`.
    Tid,
}

/// Where the columns' types come from.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemaFrom {
    /// The input files' schemas.
    Input,
    /// The values.
    Values,
}

/// Arguments of `write fingerprint`.
#[derive(Debug, Args)]
pub struct Fingerprint {
    /// Input segment.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Directory to write to; made where it does not exist, empty where it does.
    #[arg(long, value_name = "DIR")]
    pub(super) output: PathBuf,
    /// Rows per file; 0 or negative: no limit.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    rows_per_file: i64,
    /// Date of ingestion as yyyymmdd.
    #[arg(long, value_name = "D", default_value_t = builtin::DEFAULT_INGEST_DATEINT)]
    ingest_dateint: i64,
}

impl Buffet {
    pub(super) fn write(&self, scratch: &Path, cancel: &Cancel) -> Result<Manifest> {
        let columns = Columns::default();
        let cancel = cancel.flag();
        let job = BuffetJob {
            inputs: &self.input,
            output: &self.output,
            scratch,
            rows_per_file: self.rows_per_file,
            group_by: self.group_by.map(|GroupBy::Tid| "_cardinalhq.tid"),
            schema: match self.schema {
                SchemaFrom::Input => SchemaSource::Input,
                SchemaFrom::Values => SchemaSource::Values,
            },
            dropped_columns: &[],
            columns: &columns,
            cancel: Some(&cancel),
        };
        let outcome = job.run().map_err(|error| of_legacy(&error))?;
        Ok(legacy_side::manifest("buffet", &outcome, &self.output))
    }
}

impl Fingerprint {
    pub(super) fn write(&self, scratch: &Path, cancel: &Cancel) -> Result<Manifest> {
        let columns = Columns::default();
        let cancel = cancel.flag();
        let job = FingerprintJob {
            input: &self.input,
            output: &self.output,
            scratch,
            rows_per_file: self.rows_per_file,
            ingest_dateint: self.ingest_dateint,
            columns: &columns,
            cancel: Some(&cancel),
        };
        let outcome = job.run().map_err(|error| of_legacy(&error))?;
        Ok(legacy_side::manifest("fingerprint", &outcome, &self.output))
    }
}

/// A legacy writer's error as the command's.
pub(super) fn of_legacy(error: &legacy::Error) -> Error {
    Error::new(legacy_side::class(error), chain(error))
}
