//! The memory limit of a writer: which part of it each stage may have.

/// Bytes that a column takes to be read or written whatever its data, mostly for its compressor. They count for columns beyond
/// [`FEW_COLUMNS`], whose bytes fit into what every limit leaves aside.
pub(crate) const COLUMN_BYTES: u64 = 192 << 10;
pub(crate) const FEW_COLUMNS: u64 = 32;

/// Bytes of values that wait between two stages under a memory limit, unless one batch has more.
pub(crate) fn waiting_bytes(memory_limit: u64) -> u64 {
    memory_limit / 8
}
