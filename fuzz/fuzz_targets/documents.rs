//! JSON documents. See `src/documents.rs`.
#![no_main]

#[global_allocator]
static MEMORY: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, parallax_fuzz::MEMORY);

libfuzzer_sys::fuzz_target!(init: parallax_fuzz::quiet(), |bytes: &[u8]| {
    parallax_fuzz::execute(parallax_fuzz::documents::run, bytes);
});
