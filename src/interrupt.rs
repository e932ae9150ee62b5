//! Interruption by signal: the first SIGINT or SIGTERM asks everything to stop and clean up, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// Connects SIGINT and SIGTERM to `cancel`.
///
/// # Errors
/// Class `internal` where the handlers cannot be installed.
pub fn install(cancel: &Cancel) -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // Registered first, so that it acts on the second signal only: the flag is still unset on the first.
        let seen: Arc<AtomicBool> = cancel.flag();
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&seen))
            .and_then(|_| flag::register(signal, seen))
            .map_err(|source| {
                Error::internal(format!("cannot handle signal {signal}: {source}")).with_source(source)
            })?;
    }
    Ok(())
}
