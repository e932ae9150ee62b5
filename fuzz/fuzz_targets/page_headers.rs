//! Bytes as the pages of a column chunk. See `src/page_headers.rs`.
#![no_main]

#[path = "../src/process.rs"]
mod process;

use parallax_fuzz::memory::MEMORY;
use process::{execute, prepare};

#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, MEMORY);

libfuzzer_sys::fuzz_target!(init: prepare(), |bytes: &[u8]| execute(parallax_fuzz::page_headers::run, bytes));
