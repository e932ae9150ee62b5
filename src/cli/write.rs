//! `parallax write`: one writer alone, its manifest on stdout.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use corpora::Signals;
use corpora::signal::Signal;
use reports::manifest::{ErrorClass, Manifest};

use super::{Common, Format, options, terminal};
use crate::cancel::Cancel;
use crate::error::{Error, Result, chain};
use crate::exit::Exit;
use crate::side::{builtin, legacy as legacy_side, unified as unified_side};

/// One writer.
#[derive(Debug, Subcommand)]
pub enum WriteCommand {
    /// The legacy buffet writer: segments copied in order, unsorted.
    Buffet(Buffet),
    /// The legacy fingerprint writer: one segment split by hour.
    Fingerprint(Fingerprint),
    /// The unified writer.
    Unified(Unified),
}

/// Arguments of `write buffet`.
#[derive(Debug, Args)]
pub struct Buffet {
    /// Input segments, in order.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    input: Vec<PathBuf>,
    /// Directory to write to; made where it does not exist, empty where it does.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
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
    output: PathBuf,
    /// Rows per file; 0 or negative: no limit.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    rows_per_file: i64,
    /// Date of ingestion as yyyymmdd.
    #[arg(long, value_name = "D", default_value_t = builtin::DEFAULT_INGEST_DATEINT)]
    ingest_dateint: i64,
}

/// Arguments of `write unified`.
#[derive(Debug, Args)]
pub struct Unified {
    /// Signal of the input.
    #[arg(long, value_name = "S")]
    signal: String,
    /// Input segments, in order.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    input: Vec<PathBuf>,
    /// Directory to write to; made where it does not exist, empty where it does.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// Target file size in encoded bytes.
    #[arg(long, value_name = "BYTES", default_value_t = unified_side::DEFAULT_TARGET_SIZE)]
    target_size: u64,
    /// Start a new file at every full hour.
    #[arg(long)]
    split_hours: bool,
    /// Bytes of memory for buffers; what does not fit spills.
    #[arg(long, value_name = "BYTES", default_value_t = unified_side::DEFAULT_MEMORY_LIMIT)]
    memory_limit: u64,
    /// Configuration file, for signals of your own [default: parallax.toml where there is one].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl WriteCommand {
    pub(super) fn perform(&self, common: &Common, cancel: &Cancel) -> Result<Exit> {
        let output = match self {
            Self::Buffet(args) => &args.output,
            Self::Fingerprint(args) => &args.output,
            Self::Unified(args) => &args.output,
        };
        let made = prepare(output)?;
        let parent = options::tmp_dir(common)?;
        let scratch = tempfile::Builder::new()
            .prefix("parallax-write-")
            .tempdir_in(&parent)
            .map_err(|source| Error::io("cannot make a temporary directory in", &parent, source))?;
        let written = match self {
            Self::Buffet(args) => args.write(scratch.path(), cancel),
            Self::Fingerprint(args) => args.write(scratch.path(), cancel),
            Self::Unified(args) => args.write(scratch.path(), cancel),
        };
        match written {
            Ok(manifest) => {
                show(&manifest, common.format)?;
                Ok(Exit::Pass)
            }
            Err(error) => {
                if made {
                    // Stays where the legacy writer left its partial file, as the original does.
                    drop(std::fs::remove_dir(output));
                }
                Err(error)
            }
        }
    }
}

/// Makes the output directory; true where it was not there.
fn prepare(output: &Path) -> Result<bool> {
    if let Ok(mut entries) = std::fs::read_dir(output) {
        return if entries.next().is_none() {
            Ok(false)
        } else {
            Err(Error::usage(format!(
                "{} is not empty; name another directory with --output",
                output.display()
            )))
        };
    }
    std::fs::create_dir_all(output).map_err(|source| {
        Error::new(ErrorClass::Io, format!("cannot make the output directory {}: {source}", output.display()))
    })?;
    Ok(true)
}

impl Buffet {
    fn write(&self, scratch: &Path, cancel: &Cancel) -> Result<Manifest> {
        let columns = legacy::Columns::default();
        let cancel = cancel.flag();
        let job = legacy::BuffetJob {
            inputs: &self.input,
            output: &self.output,
            scratch,
            rows_per_file: self.rows_per_file,
            group_by: self.group_by.map(|GroupBy::Tid| "_cardinalhq.tid"),
            schema: match self.schema {
                SchemaFrom::Input => legacy::SchemaSource::Input,
                SchemaFrom::Values => legacy::SchemaSource::Values,
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
    fn write(&self, scratch: &Path, cancel: &Cancel) -> Result<Manifest> {
        let columns = legacy::Columns::default();
        let cancel = cancel.flag();
        let job = legacy::FingerprintJob {
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

fn of_legacy(error: &legacy::Error) -> Error {
    Error::new(legacy_side::class(error), chain(error))
}

impl Unified {
    fn write(&self, scratch: &Path, cancel: &Cancel) -> Result<Manifest> {
        let config = options::config(self.config.as_deref())?;
        let signal = known(&options::signals(&config)?, &self.signal)?;
        let columns = unified_side::columns(Some(&signal));
        let job = unified::LogsJob {
            inputs: &self.input,
            output: &self.output,
            scratch,
            target_size: self.target_size,
            split_hours: self.split_hours,
            memory_limit: self.memory_limit,
            columns: &columns,
            cancel: Some(cancel.flag()),
        };
        let outcome = job.run().map_err(|error| Error::new(unified_side::class(&error), chain(&error)))?;
        Ok(unified_side::manifest("unified", &outcome, &self.output))
    }
}

/// A signal that the unified writer can write.
fn known(signals: &Signals, name: &str) -> Result<Arc<Signal>> {
    let signal = signals.get(name).map_err(|error| options::of_corpora(&error))?;
    builtin::performs(&signal)?;
    Ok(signal)
}

fn show(manifest: &Manifest, format: Format) -> Result<()> {
    if format == Format::Json {
        return terminal::json(manifest);
    }
    let mut text = String::new();
    for file in &manifest.files {
        text.push_str(&format!(
            "{}  {} rows  {} bytes\n",
            file.path,
            file.record_count.unwrap_or_default(),
            file.file_size.unwrap_or_default()
        ));
    }
    for (reason, count) in &manifest.rows_dropped {
        text.push_str(&format!("dropped: {count} rows ({reason})\n"));
    }
    text.push_str(&format!(
        "{} rows read, {} files written\n",
        manifest.rows_read.unwrap_or_default(),
        manifest.files.len()
    ));
    terminal::text(&text)
}
