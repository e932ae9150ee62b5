//! The bodies of the fuzz targets, one module a target. `tests/fuzz.rs` of the main workspace compiles them in as well, and
//! gives each some thousand inputs in every test run.

pub mod bundle;
pub mod damage;
pub mod documents;
pub mod footer;
pub mod input;
pub mod json;
pub mod oracle;
pub mod page_headers;
pub mod parquet_file;
pub mod segment_input;
pub mod sketch;
pub mod sound;
pub mod texts;
pub mod thrift;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// Bytes that a target may have allocated at one time: whoever asks for more has believed what a hostile input announces.
pub const MEMORY: usize = 1 << 30;

/// What the last panic said, caught or not.
static SAID: Mutex<String> = Mutex::new(String::new());

/// Takes the place of libFuzzer's panic hook, which ends the process: Parallax catches panics of the Parquet crate and turns
/// them into errors, so only a panic that nobody catches is a finding.
pub fn quiet() {
    std::panic::set_hook(Box::new(|panic| {
        let trace = std::backtrace::Backtrace::capture();
        *SAID.lock().unwrap_or_else(PoisonError::into_inner) = format!("{panic}\n{trace}");
    }));
}

/// Runs a target and ends the process where a panic comes out of it.
pub fn execute(target: fn(&[u8]), bytes: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| target(bytes))).is_err() {
        eprintln!("{}", SAID.lock().unwrap_or_else(PoisonError::into_inner));
        std::process::abort();
    }
}
