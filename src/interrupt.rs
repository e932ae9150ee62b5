//! Interruption by signal: the first SIGINT, SIGTERM or SIGHUP asks everything to stop and clean up, the second ends the process.
//!
//! A SIGHUP that was ignored when the program started stays ignored: `nohup parallax run` goes on when its terminal closes.
//!
//! SIGXFSZ is caught, so that a file which grows beyond its limit (`ulimit -f`) is an error of the write and not the end of the
//! process. Programs that are started do not inherit that: a handler ends with `exec`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use reports::manifest::ErrorClass;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// Connects SIGINT, SIGTERM and, unless it is ignored, SIGHUP to `cancel`, and catches SIGXFSZ.
///
/// # Errors
/// Class `io` where the handlers cannot be installed.
pub fn install(cancel: &Cancel) -> Result<()> {
    let cannot = |signal: i32, source: std::io::Error| {
        Error::new(ErrorClass::Io, format!("cannot handle signal {signal}: {source}")).with_source(source)
    };
    flag::register(SIGXFSZ, Arc::default()).map_err(|source| cannot(SIGXFSZ, source))?;
    let hangup = Some(SIGHUP).filter(|_| !hangup_is_ignored());
    for signal in [SIGINT, SIGTERM].into_iter().chain(hangup) {
        // Registered first, so that it acts on the second signal only: the flag is still unset on the first.
        let seen: Arc<AtomicBool> = cancel.flag();
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&seen))
            .and_then(|_| flag::register(signal, seen))
            .map_err(|source| cannot(signal, source))?;
    }
    Ok(())
}

/// Whether SIGHUP is ignored. Where the system does not say, it counts as ignored: then nothing is changed about it, which is right
/// under `nohup`, and elsewhere the signal ends the process as it did before.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").ok();
    status.as_deref().and_then(ignored_signals).is_none_or(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}

/// The mask of ignored signals in the text of `/proc/PID/status`; bit 0 is signal 1.
fn ignored_signals(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read_by_name() {
        let status = "Name:\tparallax\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        assert_eq!(ignored_signals(status), Some(0x1001));
        assert_eq!(ignored_signals("Name:\tx\n"), None);
        assert_eq!(ignored_signals("SigIgn:\tno number\n"), None);
    }
}
