//! Interruption by signal: the first SIGINT or SIGTERM asks everything to stop and clean up, the second ends the process.
//!
//! SIGXFSZ is caught, so that a file which grows beyond its limit (`ulimit -f`) is an error of the write and not the end of the
//! process. Programs that are started do not inherit that: a handler ends with `exec`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use reports::manifest::ErrorClass;
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// Connects SIGINT and SIGTERM to `cancel`, and catches SIGXFSZ.
///
/// # Errors
/// Class `io` where the handlers cannot be installed.
pub fn install(cancel: &Cancel) -> Result<()> {
    let cannot = |signal: i32, source: std::io::Error| {
        Error::new(ErrorClass::Io, format!("cannot handle signal {signal}: {source}")).with_source(source)
    };
    flag::register(SIGXFSZ, Arc::default()).map_err(|source| cannot(SIGXFSZ, source))?;
    for signal in [SIGINT, SIGTERM] {
        // Registered first, so that it acts on the second signal only: the flag is still unset on the first.
        let seen: Arc<AtomicBool> = cancel.flag();
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&seen))
            .and_then(|_| flag::register(signal, seen))
            .map_err(|source| cannot(signal, source))?;
    }
    Ok(())
}
