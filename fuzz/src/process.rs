//! The process of a fuzzer around a target.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// What the last panic said, caught or not.
static SAID: Mutex<String> = Mutex::new(String::new());

/// Prepares the process, once.
///
/// 1. Takes the place of libFuzzer's panic hook, which ends the process: Parallax catches panics of the Parquet crate and turns them
///    into errors, so only a panic that nobody catches is a finding.
/// 2. Makes this thread the only one of rayon: work is done where it is asked for, always in the same order.
///
/// # Panics
/// Where rayon has threads already.
pub fn prepare() {
    std::panic::set_hook(Box::new(|panic| {
        let trace = std::backtrace::Backtrace::capture();
        *SAID.lock().unwrap_or_else(PoisonError::into_inner) = format!("{panic}\n{trace}");
    }));
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    threads.build_global().expect("no threads yet");
}

/// Runs a target and ends the process where a panic comes out of it.
pub fn execute(target: fn(&[u8]), bytes: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| target(bytes))).is_err() {
        eprintln!("{}", SAID.lock().unwrap_or_else(PoisonError::into_inner));
        std::process::abort();
    }
}
