//! How much memory a target may take. docs/fuzzing.md says the same; `tests/fuzz.rs` holds both together.

/// Bytes that a target may have allocated at one time: more is asked for only where a hostile input is believed.
pub const MEMORY: usize = 1 << 30;

/// MiB that the process of a fuzzer may occupy, its own tables with them: `-rss_limit_mb`.
pub const RSS_LIMIT_MB: usize = 2_048;
