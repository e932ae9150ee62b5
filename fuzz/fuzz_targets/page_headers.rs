//! Bytes as the pages of a column chunk. See `src/page_headers.rs`.
#![no_main]

#[global_allocator]
static MEMORY: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, parallax_fuzz::MEMORY);

libfuzzer_sys::fuzz_target!(init: parallax_fuzz::quiet(), |bytes: &[u8]| {
    parallax_fuzz::execute(parallax_fuzz::page_headers::run, bytes);
});
