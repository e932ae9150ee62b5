//! Bytes as a footer. See `src/footer.rs`.
#![no_main]

#[path = "../src/process.rs"]
mod process;

use parallax_fuzz::memory::MEMORY;
use process::{execute, prepare};

#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, MEMORY);

libfuzzer_sys::fuzz_target!(init: prepare(), |bytes: &[u8]| execute(parallax_fuzz::footer::run, bytes));
