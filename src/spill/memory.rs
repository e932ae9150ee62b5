//! The memory of one process, shared by all jobs that are at work.
//!
//! The limit is divided by use: a quarter for records that are sorted ([`Memory::try_hold`]: whoever is refused goes to
//! disk), half for rows that are fetched to be compared one by one ([`Memory::fetching`]: whoever finds it taken waits). The
//! rest is for what decoding needs, and for the program itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Bytes where nothing else is asked for.
pub const DEFAULT_MEMORY_LIMIT: u64 = 512 << 20;

/// Bytes below which a limit cannot be kept: decoding alone needs them.
pub const LEAST_MEMORY_LIMIT: u64 = 64 << 20;

/// How much may be held, and how much is.
#[derive(Debug)]
pub struct Memory {
    limit: u64,
    held: AtomicU64,
    fetched: Mutex<u64>,
    freed: Condvar,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(DEFAULT_MEMORY_LIMIT)
    }
}

/// Memory that is held until this is dropped.
#[derive(Debug)]
pub struct Held<'a> {
    memory: &'a Memory,
    bytes: u64,
}

impl Memory {
    /// A limit in bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self { limit, held: AtomicU64::new(0), fetched: Mutex::new(0), freed: Condvar::new() }
    }

    /// The limit in bytes.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The most that one sorter may hold.
    pub(super) fn most(&self) -> u64 {
        self.limit / 16
    }

    /// True, and counted as held, where `bytes` more for sorting keep within the limit.
    pub(super) fn try_hold(&self, bytes: u64) -> bool {
        let room = self.limit / 4;
        let more = |held: u64| held.checked_add(bytes).filter(|held| *held <= room);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Gives back what was held.
    pub(super) fn release(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes that all fetched rows of a process may take together.
    #[must_use]
    pub fn fetch_limit(&self) -> u64 {
        self.limit / 2
    }

    /// Waits until `bytes` of fetched rows fit; more than there is counts as all there is. Whoever holds this must not wait
    /// for another thread: it could be one that waits here.
    pub fn fetching(&self, bytes: u64) -> Held<'_> {
        let bytes = bytes.min(self.fetch_limit());
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        while *fetched + bytes > self.fetch_limit() {
            fetched = self.freed.wait(fetched).unwrap_or_else(PoisonError::into_inner);
        }
        *fetched += bytes;
        Held { memory: self, bytes }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        *self.memory.fetched.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.memory.freed.notify_all();
    }
}
