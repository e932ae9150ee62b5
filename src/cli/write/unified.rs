//! `parallax write unified`: the factory of the signal.

use std::path::{Path, PathBuf};

use clap::Args;
use corpora::signal::Signal;
use unified::{LogsJob, MetricsJob, TracesJob};

use super::written::Written;
use crate::cancel::Cancel;
use crate::cli::options;
use crate::error::{Error, Result, chain};
use crate::heap;
use crate::side::{builtin, unified as unified_side};

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
    pub(super) output: PathBuf,
    /// Target file size in encoded bytes.
    #[arg(long, value_name = "BYTES", default_value_t = unified_side::DEFAULT_TARGET_SIZE)]
    target_size: u64,
    /// Start a new file at every full hour (logs).
    #[arg(long)]
    split_hours: bool,
    /// Slot that the segments belong to (traces), handed on in the manifest.
    #[arg(long, value_name = "N")]
    slot: Option<i64>,
    /// Bytes of memory for buffers; what does not fit spills.
    #[arg(long, value_name = "BYTES", default_value_t = unified_side::DEFAULT_MEMORY_LIMIT)]
    memory_limit: u64,
    /// Threads to work with; 0: as many as there are processors.
    #[arg(long, value_name = "N", default_value_t = unified_side::THREADS)]
    threads: usize,
    /// Configuration file, for signals of your own [default: parallax.toml where there is one].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Unified {
    pub(super) fn write(&self, scratch: &Path, cancel: &Cancel) -> Result<Written> {
        let config = options::config(self.config.as_deref())?;
        let signals = options::signals(&config)?;
        let signal = signals.get(&self.signal).map_err(|error| options::of_corpora(&error))?;
        builtin::performs(&signal)?;
        self.check_options(&signal)?;
        heap::keep_to(self.memory_limit);
        let columns = unified_side::columns(Some(&signal));
        let (inputs, output) = (&self.input[..], self.output.as_path());
        let (target_size, memory_limit, threads) = (self.target_size, self.memory_limit, self.threads);
        let sync = true;
        let (columns, cancel) = (&columns, Some(cancel.flag()));
        let outcome = if signal.rollup.is_some() {
            MetricsJob { inputs, output, scratch, target_size, memory_limit, threads, sync, columns, cancel }
                .run()
        } else if signal.locality.is_some() {
            let (slot, rows_per_file, sort) = (self.slot, 0, true);
            let dropped_columns = &signal.dropped_columns;
            TracesJob {
                inputs,
                output,
                scratch,
                slot,
                rows_per_file,
                target_size,
                memory_limit,
                threads,
                sync,
                dropped_columns,
                columns,
                sort,
                cancel,
            }
            .run()
        } else {
            let split_hours = self.split_hours;
            LogsJob {
                inputs,
                output,
                scratch,
                target_size,
                split_hours,
                memory_limit,
                threads,
                sync,
                columns,
                cancel,
            }
            .run()
        };
        let outcome = outcome.map_err(|error| of_unified(&error))?;
        Ok(Written::unified("unified", &outcome, &self.output))
    }

    /// Refuses options that mean nothing for the signal.
    fn check_options(&self, signal: &Signal) -> Result<()> {
        if self.slot.is_some() && signal.locality.is_none() {
            return Err(Error::usage(format!("--slot is for traces, not for {}; leave it out", signal.name)));
        }
        if self.split_hours && (signal.locality.is_some() || signal.rollup.is_some()) {
            return Err(Error::usage(format!(
                "--split-hours is for logs, not for {}; leave it out",
                signal.name
            )));
        }
        Ok(())
    }
}

/// The unified writer's error as the command's.
pub(super) fn of_unified(error: &unified::Error) -> Error {
    Error::new(unified_side::class(error), chain(error))
}
